// SPDX-License-Identifier: GPL-2.0
/*
 * From memory to all its mappings, while mappings come and go.
 *
 * A walk visits each mapping of a part of a BO with the lock of its address
 * space held. Which ones it has seen is noted in them, so it can let go of all
 * locks between two address spaces. It does not visit what is mapped after it
 * began, so that a tenant that keeps mapping does not keep it busy: who maps
 * looks at the state of the memory after the mapping is in the reverse map, and
 * who walks has changed that state before.
 */
#include <linux/sched.h>
#include <vgpu/kunit.h>
#include "residency.h"

static bool wanted(const struct vgpu_region *region, u64 lo, u64 hi, u64 seq)
{
	return region->walk_seq != seq && region->offset < hi &&
	       region->offset + region->bytes > lo;
}

/* All of @bo's mappings in @as, whose lock keeps them where they are. */
static void walk_as(struct vgpu_as *as, struct vgpu_bo *bo, u64 lo, u64 hi,
		    vgpu_walk_fn fn, void *arg)
{
	u64 seq = bo->paged->walk_seq;
	struct list_head *at = &bo->maps;
	struct vgpu_region *region;

	mutex_lock(&as->lock);
	for (;;) {
		bool found = false;
		u64 from, to;

		spin_lock(&bo->map_lock);
		region = list_entry(at, struct vgpu_region, bo_link);
		list_for_each_entry_continue(region, &bo->maps, bo_link) {
			if (region->as == as && wanted(region, lo, hi, seq)) {
				region->walk_seq = seq;
				found = true;
				break;
			}
		}
		spin_unlock(&bo->map_lock);
		if (!found)
			break;
		at = &region->bo_link;
		from = max(lo, region->offset);
		to = min(hi, region->offset + region->bytes);
		fn(as, region, region->va + from - region->offset,
		   region->va + to - region->offset, arg);
	}
	vgpu_pt_sync(as);
	mutex_unlock(&as->lock);
}

/**
 * vgpu_bo_walk() - visits all mappings of a part of a BO
 * @bo: pageable; its walk_lock is held
 * @lo: first byte
 * @hi: one past the last
 * @fn: called with the lock of the address space held; translations that it
 *	takes away are gone when the walk is over
 * @arg: for @fn
 *
 * Context: process; sleeps. Bounded by the number of mappings, which
 * vgpu_as_map() limits.
 */
void vgpu_bo_walk(struct vgpu_bo *bo, u64 lo, u64 hi, vgpu_walk_fn fn,
		  void *arg)
{
	struct vgpu_region *region;
	struct vgpu_as *as;

	lockdep_assert_held(&bo->paged->walk_lock);
	spin_lock(&bo->map_lock);
	bo->paged->walk_seq++;
	spin_unlock(&bo->map_lock);
	for (;;) {
		as = NULL;
		spin_lock(&bo->map_lock);
		list_for_each_entry(region, &bo->maps, bo_link) {
			if (wanted(region, lo, hi, bo->paged->walk_seq)) {
				/* it can't go away with a region in it */
				as = region->as;
				vgpu_as_get(as);
				break;
			}
		}
		spin_unlock(&bo->map_lock);
		if (!as)
			return;
		walk_as(as, bo, lo, hi, fn, arg);
		vgpu_as_put(as);
		cond_resched();
	}
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_walk);
