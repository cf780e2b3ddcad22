// SPDX-License-Identifier: GPL-2.0
/*
 * GPU memory: system memory, page by page.  Single pages, because a page that
 * is not the first of a larger one has no reference count of its own, and KVM
 * refuses to map such pages into a guest by page frame number.
 */
#include <linux/gfp.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "soft_priv.h"

/**
 * soft_vram_create() - allocate and zero the memory of a GPU
 * @m: machine
 * @bytes: a multiple of the page size
 * @node: NUMA node or NUMA_NO_NODE
 *
 * Return: 0 or -ENOMEM (also for over three quarters of the machine's memory),
 * with nothing allocated.
 */
int soft_vram_create(struct soft_machine *m, u64 bytes, int node)
{
	u64 count = bytes >> SOFT_PAGE_SHIFT;

	BUILD_BUG_ON(PAGE_SIZE != SOFT_PAGE_BYTES);
	/* asking for nearly all there is would only find out the hard way */
	if (count > totalram_pages() / 4 * 3)
		return -ENOMEM;
	m->vram = kvcalloc(count, sizeof(*m->vram), GFP_KERNEL);
	if (!m->vram)
		return -ENOMEM;
	for (m->vram_bytes = 0; m->vram_bytes < bytes;
	     m->vram_bytes += SOFT_PAGE_BYTES) {
		struct page *page;

		page = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO |
					__GFP_NOWARN | __GFP_RETRY_MAYFAIL, 0);
		if (!page) {
			soft_vram_destroy(m);
			return -ENOMEM;
		}
		m->vram[m->vram_bytes >> SOFT_PAGE_SHIFT] = page_address(page);
		cond_resched();
	}
	return 0;
}

/**
 * soft_vram_destroy() - undo soft_vram_create()
 * @m: machine
 */
void soft_vram_destroy(struct soft_machine *m)
{
	u64 i, count = m->vram_bytes >> SOFT_PAGE_SHIFT;

	for (i = 0; i < count; i++)
		free_page((unsigned long)m->vram[i]);
	kvfree(m->vram);
	m->vram = NULL;
	m->vram_bytes = 0;
}

/*
 * A bus address is a physical address here: nothing translates between the
 * software bus and memory.  Only RAM has a place in the direct map.
 */
void *soft_host_page(u64 bus)
{
	unsigned long pfn = bus >> PAGE_SHIFT;

	if (!pfn_valid(pfn) || page_is_ram(pfn) != 1)
		return NULL;
	return page_address(pfn_to_page(pfn));
}
