// SPDX-License-Identifier: GPL-2.0
/*
 * Accessed and dirty bits: which memory engines have used, from the entries
 * that they use it by.
 *
 * An engine sets a bit when it takes an entry into its cache, and not again
 * while it is there. So a bit that is cleared means something only after the
 * cached translations were dropped and every engine has let go of them, which
 * vgpu_pt_sync() does once for all that was cleared. Whatever an engine does
 * between the two is either told now or sets the bit anew.
 */
#include "mem_priv.h"

#define HARVEST_BATCH	32

struct harvest {
	struct vgpu_as *as;
	const struct vgpu_region *region;
	u64 bits;		/* to clear */
	vgpu_as_used_fn used;
	void *arg;
	unsigned int count;
	struct vgpu_hw_pte pte[HARVEST_BATCH];
	u64 va[HARVEST_BATCH];
	u8 level[HARVEST_BATCH];
};

static void harvest_flush(struct harvest *h)
{
	const struct vgpu_pt_format *fmt = h->as->vram->format;
	const struct vgpu_region *region = h->region;
	struct vgpu_vram *vram = h->as->vram;
	bool told = false;
	unsigned int i;
	int idx;

	idx = srcu_read_lock(&vram->gate);
	if (h->count && !vgpu_vram_gone(vram)) {
		vram->ops->pte_harvest(vram->hw, h->pte, h->count, h->bits);
		told = true;
	}
	srcu_read_unlock(&vram->gate, idx);

	for (i = 0; told && i < h->count; i++) {
		u64 span = vgpu_pt_span(h->as, h->level[i]);
		u64 value = h->pte[i].value;
		u32 flags = (value & fmt->accessed ? VGPU_AS_ACCESSED : 0) |
			    (value & fmt->dirty ? VGPU_AS_DIRTY : 0);

		if (value & h->bits)
			vgpu_pt_want_flush(h->as, h->va[i], h->va[i] + span);
		if (flags)
			h->used(h->arg, region->bo,
				region->offset + h->va[i] - region->va, span,
				flags);
	}
	h->count = 0;
	cond_resched();
}

static void harvest_level(struct harvest *h, const struct vgpu_pt *pt, u64 va,
			  u64 end)
{
	u64 span = vgpu_pt_span(h->as, pt->level);
	u64 next;

	for (; va < end; va = next) {
		unsigned int index = vgpu_pt_index(h->as, pt->level, va);
		u64 base = va & ~(span - 1);

		next = min(end, base + span);
		if (pt->level && pt->child[index] != VGPU_PT_LEAF) {
			if (pt->child[index])
				harvest_level(h, pt->child[index], va, next);
			continue;
		}
		if (h->count == HARVEST_BATCH)
			harvest_flush(h);
		h->pte[h->count].addr = pt->addr + 8ULL * index;
		h->va[h->count] = base;
		h->level[h->count] = pt->level;
		h->count++;
	}
}

/**
 * vgpu_pt_harvest() - tells which leaves of a mapping engines have used
 * @as: address space, locked; its format has accessed or dirty bits
 * @region: the mapping
 * @va: first address in it
 * @end: one past the last; a large leaf is told as a whole
 * @forget: VGPU_AS_* to clear; takes effect with vgpu_pt_sync()
 * @used: called for each leaf that was used, as->lock held
 * @arg: handed to @used
 *
 * Can't fail; tells nothing when the GPU is gone.
 */
void vgpu_pt_harvest(struct vgpu_as *as, const struct vgpu_region *region,
		     u64 va, u64 end, u32 forget, vgpu_as_used_fn used,
		     void *arg)
{
	const struct vgpu_pt_format *fmt = as->vram->format;
	struct harvest h;

	lockdep_assert_held(&as->lock);
	if (!as->root)
		return;
	h.as = as;
	h.region = region;
	h.bits = (forget & VGPU_AS_ACCESSED ? fmt->accessed : 0) |
		 (forget & VGPU_AS_DIRTY ? fmt->dirty : 0);
	h.used = used;
	h.arg = arg;
	h.count = 0;
	harvest_level(&h, as->root, va, end);
	harvest_flush(&h);
}
