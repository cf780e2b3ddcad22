// SPDX-License-Identifier: GPL-2.0
/*
 * The coldest tier: a file that the system can swap.
 *
 * Each pageable BO has a shmem file of its own, made when the first of its chunks
 * goes there, with a slot for each chunk at the place that the chunk has in the BO.
 * So a slot is never looked for, and no page of a file is ever two tenants'. The
 * pages are in the page cache, charged to the tenant's control group, until the
 * system takes them to its swap. A slot that is given up is a hole again, in memory
 * and swap.
 *
 * A slot is written as a whole before it is read, and read by taking references to
 * its pages: that may wait for a disk, but needs no memory of ours, and nobody who
 * works on the pages then has to wait for anything.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <vgpu/kunit.h>
#include "charge.h"
#include "tier.h"

/* May wait for disks; kills nobody for memory. */
#define COLD_GFP	(GFP_USER | __GFP_MOVABLE | __GFP_NOWARN)
#define STORE_GFP	(COLD_GFP | __GFP_NORETRY)
#define FETCH_GFP	(COLD_GFP | __GFP_RETRY_MAYFAIL)

static struct page *slot_page(struct file *file, u32 slot, unsigned int i,
			      gfp_t gfp)
{
	vgpu_charge_page();
	return shmem_read_mapping_page_gfp(file->f_mapping,
					   (pgoff_t)slot * VGPU_CHUNK_PAGES + i,
					   gfp);
}

static int store_pages(struct file *file, u32 slot, const struct vgpu_stored *st)
{
	u32 left = vgpu_stored_bytes(st);
	unsigned int i;

	for (i = 0; i < st->pages; i++) {
		/* what is behind the last byte is nobody's, and stays out */
		u32 n = min_t(u32, left, PAGE_SIZE);
		struct page *page = slot_page(file, slot, i, STORE_GFP);

		if (IS_ERR(page))
			return PTR_ERR(page);
		memcpy_to_page(page, 0, page_address(st->page[i]), n);
		/* one that is clean would be thrown away instead of swapped */
		set_page_dirty(page);
		put_page(page);
		left -= n;
	}
	return 0;
}

/**
 * vgpu_cold_store() - copies a chunk to a file
 * @file: the BO's; NULL: is made
 * @slots: of the file
 * @slot: for the chunk; nothing is in there
 * @st: in compressed memory; stays so
 * @memcg: who pays
 *
 * Context: process, with no lock held: may wait for @memcg's memory to be swapped.
 * One call at a time for a file. Kills nobody for memory.
 * Return: 0; -ENOMEM, -ENOSPC and whatever else a file has to say, and there is
 * nothing in the slot.
 */
int vgpu_cold_store(struct file **file, u32 slots, u32 slot,
		    const struct vgpu_stored *st, struct mem_cgroup *memcg)
{
	struct vgpu_charge charge;
	int err = 0;

	vgpu_charge_begin(&charge, memcg);
	if (!*file) {
		struct file *made = shmem_file_setup("vgpu", (loff_t)slots <<
						     VGPU_CHUNK_SHIFT,
						     VM_NORESERVE);

		if (IS_ERR(made))
			err = PTR_ERR(made);
		else
			*file = made;
	}
	if (!err) {
		err = store_pages(*file, slot, st);
		if (err)
			vgpu_cold_punch(*file, slot);
	}
	vgpu_charge_end(&charge);
	return err;
}

/**
 * vgpu_cold_fetch() - brings a chunk of a file into memory, to be read
 * @file: the BO's
 * @slot: of the chunk
 * @st: is there; gets its pages, until vgpu_cold_release()
 * @memcg: pays, if who paid before is gone
 *
 * Context: process, with no lock held: waits for the swap. Kills nobody for memory.
 * Return: 0; -ENOMEM: not now; -EIO: it is lost. @st has no pages then.
 */
int vgpu_cold_fetch(struct file *file, u32 slot, struct vgpu_stored *st,
		    struct mem_cgroup *memcg)
{
	struct vgpu_charge charge;
	unsigned int i;
	int err = 0;

	vgpu_charge_begin(&charge, memcg);
	for (i = 0; i < st->pages; i++) {
		struct page *page = slot_page(file, slot, i, FETCH_GFP);

		if (IS_ERR(page)) {
			err = PTR_ERR(page) == -ENOMEM ? -ENOMEM : -EIO;
			break;
		}
		st->page[i] = page;
	}
	vgpu_charge_end(&charge);
	if (err)
		vgpu_cold_release(st);
	return err;
}

/**
 * vgpu_cold_release() - undoes vgpu_cold_fetch()
 * @st: that; or another, of which nothing was fetched
 */
void vgpu_cold_release(struct vgpu_stored *st)
{
	unsigned int i;

	for (i = 0; st->cold && i < st->pages; i++) {
		if (st->page[i])
			put_page(st->page[i]);
		st->page[i] = NULL;
	}
}

/**
 * vgpu_cold_punch() - gives a slot's memory and swap back
 * @file: the BO's
 * @slot: that nobody reads
 *
 * Context: process; sleeps, but waits for no disk.
 */
void vgpu_cold_punch(struct file *file, u32 slot)
{
	loff_t at = (loff_t)slot << VGPU_CHUNK_SHIFT;

	shmem_truncate_range(file_inode(file), at, at + VGPU_CHUNK_BYTES - 1);
}

VGPU_EXPORT_IF_KUNIT(vgpu_cold_store);
VGPU_EXPORT_IF_KUNIT(vgpu_cold_fetch);
VGPU_EXPORT_IF_KUNIT(vgpu_cold_release);
VGPU_EXPORT_IF_KUNIT(vgpu_cold_punch);
