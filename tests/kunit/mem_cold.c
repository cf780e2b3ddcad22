// SPDX-License-Identifier: GPL-2.0
/*
 * What was evicted long ago goes to files: the oldest first, until the limit is
 * kept, and comes back as it was; memory of the files is given back; what can't go
 * stays, and what can't be read is its owner's loss alone.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>
#include "mem_tenant.h"
#include "mem/residency.h"

MODULE_IMPORT_NS(VGPU);

static struct vgpu_paging_stats figures(struct mem_mock *mock)
{
	struct vgpu_paging_stats st;

	vgpu_vram_get_paging(mock->vram, &st);
	return st;
}

/* The worker has done all that it could; false: it rests, since some can't go. */
static bool settled(struct mem_mock *mock)
{
	struct delayed_work *work = &mock->vram->residency->sink_work;

	while (work_busy(&work->work)) {
		if (timer_pending(&work->timer))
			return false;
		/* not flush_delayed_work(), which would end its rest */
		flush_work(&work->work);
		cond_resched();
	}
	return true;
}

static void write_all(struct kunit *test, struct mem_mock *mock,
		      struct tenant *t, u32 who)
{
	u64 at;

	for (at = 0; at < t->bytes; at += 0x1000)
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, t, who, at));
}

static void check_all(struct kunit *test, struct mem_mock *mock,
		      struct tenant *t, u32 who)
{
	u64 at;

	for (at = 0; at < t->bytes; at += 0x1000)
		KUNIT_ASSERT_TRUE(test, tenant_page_is(mock, t, who, at));
}

static u64 file_bytes(const struct tenant *t)
{
	const struct file *file = t->bo->paged->file;

	return file ? (u64)file->f_mapping->nrpages << PAGE_SHIFT : 0;
}

/* Two tenants of twice the VRAM, whose memory goes through files again and again. */
static void through_files(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant t[2];
	u32 who, round;

	vgpu_vram_set_tier_limit(mock->vram, 0x10000);
	for (who = 0; who < 2; who++)
		tenant_open(test, mock, &t[who], who + 1, 2 * VRAM);
	for (who = 0; who < 2; who++)
		write_all(test, mock, &t[who], who + 1);
	for (round = 0; round < 2; round++) {
		for (who = 0; who < 2; who++)
			check_all(test, mock, &t[who], who + 1);
		KUNIT_EXPECT_TRUE(test, settled(mock));
		st = figures(mock);
		KUNIT_EXPECT_LE(test, st.system, st.tier_limit);
		/* nothing but what is in there takes memory */
		KUNIT_EXPECT_EQ(test, file_bytes(&t[0]) + file_bytes(&t[1]),
				st.cold);
		KUNIT_EXPECT_EQ(test, st.resident + st.evicted, 4 * VRAM);
		KUNIT_EXPECT_LT(test, st.packed, st.system + st.cold);
		KUNIT_EXPECT_GE(test, st.same, st.stored / 2);
	}
	KUNIT_EXPECT_GT(test, st.cold_loads, 2 * VRAM / VGPU_CHUNK_BYTES);
	KUNIT_EXPECT_GE(test, st.cold_stores, st.cold_loads);
	KUNIT_EXPECT_EQ(test, st.cold_failed, 0ULL);
	for (who = 0; who < 2; who++)
		tenant_close(test, &t[who]);
	all_given_back(test, mock);
}

/* As much as has to, of what was evicted longest ago, and never any with no limit. */
static void oldest_first(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	u64 newest_cold = 0, oldest_warm = U64_MAX;
	struct vgpu_paging_stats st;
	u32 i, count, cold = 0;
	struct tenant t;

	vgpu_vram_set_tier_limit(mock->vram, 0);
	tenant_open(test, mock, &t, 1, 4 * MOCK_MIB);
	write_all(test, mock, &t, 1);
	count = t.bo->paged->count;
	/* not in the order in which they lie there */
	for (i = 0; i < count; i += 2)
		KUNIT_ASSERT_TRUE(test, tenant_page_is(mock, &t, 1, (u64)i <<
						       VGPU_CHUNK_SHIFT));
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	for (i = 1; i < count; i += 2)
		KUNIT_ASSERT_TRUE(test, tenant_page_is(mock, &t, 1, (u64)i <<
						       VGPU_CHUNK_SHIFT));
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	KUNIT_EXPECT_TRUE(test, settled(mock));
	KUNIT_EXPECT_EQ(test, figures(mock).cold, 0ULL);
	KUNIT_EXPECT_NULL(test, t.bo->paged->file);

	vgpu_vram_set_tier_limit(mock->vram, figures(mock).system / 4 * 3);
	KUNIT_EXPECT_TRUE(test, settled(mock));
	st = figures(mock);
	KUNIT_EXPECT_LE(test, st.system, st.tier_limit);
	/* not one more than it takes */
	KUNIT_EXPECT_GT(test, st.system + VGPU_CHUNK_BYTES, st.tier_limit);
	for (i = 0; i < count; i++) {
		const struct vgpu_chunk *chunk = &t.bo->paged->chunk[i];

		if (chunk->stored.cold) {
			cold++;
			newest_cold = max(newest_cold, chunk->stamp);
		} else {
			oldest_warm = min(oldest_warm, chunk->stamp);
		}
	}
	KUNIT_EXPECT_EQ(test, (u64)cold, st.cold_stores);
	KUNIT_EXPECT_GT(test, cold, count / 8);
	KUNIT_EXPECT_LT(test, cold, count / 2);
	KUNIT_EXPECT_LT(test, newest_cold, oldest_warm);
	check_all(test, mock, &t, 1);
	KUNIT_EXPECT_EQ(test, figures(mock).cold, 0ULL);
	KUNIT_EXPECT_EQ(test, file_bytes(&t), 0ULL);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* A file system that takes half of what there is: the rest stays, and all is right. */
static void file_full(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct file_system_type *type = get_fs_type("tmpfs");
	char size[] = "size=512k";
	struct vgpu_paging_stats st;
	struct vfsmount *mnt;
	struct tenant t[2];
	struct file *file;
	u32 who, i;

	KUNIT_ASSERT_NOT_NULL(test, type);
	mnt = vfs_kern_mount(type, 0, "tmpfs", size);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	vgpu_vram_set_tier_limit(mock->vram, 0);
	for (who = 0; who < 2; who++) {
		tenant_open(test, mock, &t[who], who + 1, 4 * MOCK_MIB);
		write_all(test, mock, &t[who], who + 1);
	}
	file = shmem_file_setup_with_mnt(mnt, "full", t[0].bytes, VM_NORESERVE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	t[0].bo->paged->file = file;
	for (who = 0; who < 2; who++)
		KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t[who].bo), 0);

	vgpu_vram_set_tier_limit(mock->vram, 1);
	/* it rests, and tries no more; a batch is a round, and once in each it tried */
	KUNIT_EXPECT_FALSE(test, settled(mock));
	st = figures(mock);
	KUNIT_EXPECT_GE(test, st.cold_failed, 1ULL);
	KUNIT_EXPECT_LE(test, st.cold_failed, 4ULL);
	KUNIT_EXPECT_GT(test, st.system, 0ULL);
	KUNIT_EXPECT_GT(test, file_bytes(&t[0]), 0ULL);
	KUNIT_EXPECT_LE(test, file_bytes(&t[0]), 0x80000ULL);
	KUNIT_EXPECT_EQ(test, file_bytes(&t[0]) + file_bytes(&t[1]), st.cold);
	/* nobody else's memory is kept from going by that */
	for (i = 0; i < t[1].bo->paged->count; i++)
		KUNIT_EXPECT_TRUE(test, t[1].bo->paged->chunk[i].stored.cold);
	/* more is evicted: no reason to try again */
	KUNIT_ASSERT_TRUE(test, tenant_page_is(mock, &t[1], 2, 0));
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t[1].bo), 0);
	KUNIT_EXPECT_FALSE(test, settled(mock));
	KUNIT_EXPECT_EQ(test, figures(mock).cold_failed, st.cold_failed);
	/* who sets a limit is heard */
	vgpu_vram_set_tier_limit(mock->vram, 2);
	KUNIT_EXPECT_FALSE(test, settled(mock));
	KUNIT_EXPECT_EQ(test, figures(mock).cold_failed, st.cold_failed + 1);
	KUNIT_EXPECT_TRUE(test, t[1].bo->paged->chunk[0].stored.cold);
	for (who = 0; who < 2; who++)
		check_all(test, mock, &t[who], who + 1);
	for (who = 0; who < 2; who++)
		tenant_close(test, &t[who]);
	all_given_back(test, mock);
	kern_unmount(mnt);
}

/* What can't be read is told to its owner, takes no frame, and harms nobody else. */
static void unreadable(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant t[2];
	struct inode *inode;
	loff_t size;
	u32 who, i;

	vgpu_vram_set_tier_limit(mock->vram, 1);
	for (who = 0; who < 2; who++) {
		tenant_open(test, mock, &t[who], who + 1, 4 * MOCK_MIB);
		write_all(test, mock, &t[who], who + 1);
		KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t[who].bo), 0);
	}
	KUNIT_EXPECT_TRUE(test, settled(mock));
	KUNIT_ASSERT_NOT_NULL(test, t[0].bo->paged->file);
	inode = file_inode(t[0].bo->paged->file);
	/* nothing is within the file any more, as for who reads it */
	size = i_size_read(inode);
	i_size_write(inode, 0);
	st = figures(mock);
	for (i = 0; i < 2 * t[0].bo->paged->count; i++)
		KUNIT_EXPECT_EQ(test, vgpu_as_fault_in(t[0].as, BASE +
						       i * 0x8000,
						       RW), -EIO);
	KUNIT_EXPECT_EQ(test, figures(mock).restore_failed, st.restore_failed + i);
	KUNIT_EXPECT_EQ(test, figures(mock).frames_free, st.frames_free);
	KUNIT_EXPECT_EQ(test, figures(mock).cold, st.cold);
	KUNIT_EXPECT_EQ(test, t[0].acct.resident, 0ULL);
	check_all(test, mock, &t[1], 2);
	/* a disk that is there again */
	i_size_write(inode, size);
	check_all(test, mock, &t[0], 1);
	for (who = 0; who < 2; who++)
		tenant_close(test, &t[who]);
	all_given_back(test, mock);
}

/* Bytes @first and up, the last page not full; others' bytes are behind that. */
static void make_stored(struct kunit *test, struct vgpu_stored *st,
			unsigned int pages, u8 first)
{
	unsigned int i;

	memset(st, 0, sizeof(*st));
	for (i = 0; i < pages; i++) {
		st->page[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, st->page[i]);
		memset(page_address(st->page[i]), 0x5a, PAGE_SIZE);
		st->bytes[i] = i < pages - 1 ? PAGE_SIZE : 100;
		memset(page_address(st->page[i]), first + i, st->bytes[i]);
	}
	st->pages = pages;
}

static void free_stored(struct vgpu_stored *st)
{
	while (st->pages)
		__free_page(st->page[--st->pages]);
}

static bool is_all(const struct page *page, u8 byte, size_t from, size_t to)
{
	const u8 *at = page_address(page);

	while (from < to && at[from] == byte)
		from++;
	return from == to;
}

/* A file has what was stored and not a byte else, in its own slot, and lets go of it. */
static void slots(struct kunit *test)
{
	struct vgpu_stored st, other, back;
	struct file *file = NULL;
	unsigned int i;

	make_stored(test, &st, 3, 1);
	make_stored(test, &other, VGPU_CHUNK_PAGES, 0x80);
	KUNIT_ASSERT_EQ(test, vgpu_cold_store(&file, 5, 4, &st, NULL), 0);
	KUNIT_ASSERT_EQ(test, vgpu_cold_store(&file, 5, 3, &other, NULL), 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 3 + VGPU_CHUNK_PAGES);
	vgpu_cold_punch(file, 3);
	KUNIT_ASSERT_EQ(test, vgpu_cold_store(&file, 5, 0, &st, NULL), 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 6UL);
	back = st;
	back.cold = true;
	memset(back.page, 0, sizeof(back.page));
	KUNIT_ASSERT_EQ(test, vgpu_cold_fetch(file, 4, &back, NULL), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, PageDirty(back.page[i]));
		KUNIT_EXPECT_TRUE(test, is_all(back.page[i], i + 1, 0,
					       st.bytes[i]));
	}
	/* what lay behind it in memory must not get to anybody's disk */
	KUNIT_EXPECT_TRUE(test, is_all(back.page[2], 0, 100, PAGE_SIZE));
	vgpu_cold_release(&back);
	KUNIT_EXPECT_NULL(test, back.page[0]);
	vgpu_cold_punch(file, 0);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 3UL);
	vgpu_cold_punch(file, 4);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 0UL);
	/* out of the file is an error, and nothing is left */
	KUNIT_EXPECT_LT(test, vgpu_cold_store(&file, 5, 5, &st, NULL), 0);
	KUNIT_EXPECT_EQ(test, vgpu_cold_fetch(file, 5, &back, NULL), -EIO);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 0UL);
	free_stored(&other);
	free_stored(&st);
	fput(file);
}

/* Every allocation fails in turn, of making the file, of writing and of reading it. */
static void fail_every_nth(struct kunit *test)
{
	struct vgpu_stored st, back;
	struct file *file = NULL;
	u32 nth, failed = 0;
	bool hit = true;
	int err;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection here");
	make_stored(test, &st, 4, 1);
	for (nth = 1; hit && nth < 1000; nth++) {
		mem_fail_nth_start(nth);
		err = vgpu_cold_store(&file, 8, 7, &st, NULL);
		hit = mem_fail_nth_stop();
		if (err) {
			KUNIT_EXPECT_TRUE(test, hit);
			/* which is what making an inode says */
			KUNIT_EXPECT_TRUE(test, err == -ENOMEM ||
					  err == -ENOSPC);
			failed++;
		}
		if (file) {
			KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages,
					err ? 0UL : 4UL);
			fput(file);
			file = NULL;
		}
	}
	KUNIT_EXPECT_FALSE(test, hit);
	/* a file at least, and each page */
	KUNIT_EXPECT_GT(test, failed, 5U);

	KUNIT_ASSERT_EQ(test, vgpu_cold_store(&file, 8, 7, &st, NULL), 0);
	back = st;
	back.cold = true;
	failed = 0;
	for (nth = 1, hit = true; hit && nth < 1000; nth++) {
		/* as if they were in a swap: a page is needed for each */
		vgpu_cold_punch(file, 7);
		memset(back.page, 0, sizeof(back.page));
		mem_fail_nth_start(nth);
		err = vgpu_cold_fetch(file, 7, &back, NULL);
		hit = mem_fail_nth_stop();
		if (err) {
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
			KUNIT_EXPECT_NULL(test, back.page[0]);
			failed++;
		} else {
			vgpu_cold_release(&back);
		}
	}
	KUNIT_EXPECT_FALSE(test, hit);
	/* one that fails may be tried again in there */
	KUNIT_EXPECT_GT(test, failed, 0U);
	fput(file);
	free_stored(&st);
}

/* The GPU goes, and then who has memory in files does. */
static void unplugged(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant t;

	vgpu_vram_set_tier_limit(mock->vram, 0x40000);
	tenant_open(test, mock, &t, 1, 2 * VRAM);
	write_all(test, mock, &t, 1);
	/* in the middle of it */
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	vgpu_vram_unplug(mock->vram);
	KUNIT_EXPECT_TRUE(test, settled(mock));
	KUNIT_EXPECT_GT(test, figures(mock).cold, 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_bo_hold(t.bo, 0), -ENODEV);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

static void cold_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct kunit_case cold_cases[] = {
	KUNIT_CASE_PARAM(through_files, mock_format_gen_params),
	KUNIT_CASE(oldest_first),
	KUNIT_CASE(file_full),
	KUNIT_CASE(unreadable),
	KUNIT_CASE(slots),
	KUNIT_CASE(fail_every_nth),
	KUNIT_CASE(unplugged),
	{}
};

static struct kunit_suite cold_suite = {
	.name = "vgpu_mem_cold",
	.exit = cold_exit,
	.test_cases = cold_cases,
};

kunit_test_suite(cold_suite);
