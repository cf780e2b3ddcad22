// SPDX-License-Identifier: GPL-2.0
/*
 * What an engine finds on its way to an address: for people who look at a fault.  Which
 * tables there are is known from the copy in system memory, so nothing that is
 * read from VRAM is followed.
 */
#include <linux/highmem.h>
#include "mem_priv.h"

static u64 entry_at(struct vgpu_vram *vram, u64 addr)
{
	struct page *page = vram->ops->vram_page(vram->hw, addr);
	u8 *at = kmap_local_page(page);
	u64 entry = READ_ONCE(*(u64 *)(at + offset_in_page(addr)));

	kunmap_local(at);
	return entry;
}

unsigned int vgpu_as_walk(struct vgpu_as *as, u64 va, struct vgpu_as_step *steps,
			  unsigned int room)
{
	struct vgpu_vram *vram = as->vram;
	unsigned int count = 0, index;
	struct vgpu_pt *pt;
	int idx;

	mutex_lock(&as->lock);
	idx = srcu_read_lock(&vram->gate);
	pt = va < vgpu_as_end(as) && !vgpu_vram_gone(vram) ? as->root : NULL;
	while (pt && pt != VGPU_PT_LEAF && count < room) {
		index = vgpu_pt_index(as, pt->level, va);
		steps[count++] = (struct vgpu_as_step) {
			.addr = pt->addr + 8ULL * index,
			.entry = entry_at(vram, pt->addr + 8ULL * index),
			.level = pt->level,
			.index = index,
		};
		pt = pt->level ? pt->child[index] : NULL;
	}
	srcu_read_unlock(&vram->gate, idx);
	mutex_unlock(&as->lock);
	return count;
}
