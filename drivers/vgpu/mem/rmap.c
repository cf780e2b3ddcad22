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
	u64 seq = bo->walk_seq;
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
 * @bo: in VRAM; its walk_lock is held
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

	lockdep_assert_held(&bo->walk_lock);
	spin_lock(&bo->map_lock);
	bo->walk_seq++;
	spin_unlock(&bo->map_lock);
	for (;;) {
		as = NULL;
		spin_lock(&bo->map_lock);
		list_for_each_entry(region, &bo->maps, bo_link) {
			if (wanted(region, lo, hi, bo->walk_seq)) {
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

static void walk_refresh(struct vgpu_as *as, struct vgpu_region *region,
			 u64 va, u64 end, void *arg)
{
	if (!vgpu_pt_refresh(as, region, va, end))
		*(bool *)arg = false;
}

/**
 * vgpu_bo_refresh() - all page tables say where the memory is now
 * @bo: in VRAM
 * @lo: first byte
 * @hi: one past the last
 *
 * Context: process; sleeps.
 * Return: false: a large leaf reaches out of the range, and stays as it is.
 */
bool vgpu_bo_refresh(struct vgpu_bo *bo, u64 lo, u64 hi)
{
	bool all = true;

	mutex_lock(&bo->walk_lock);
	vgpu_bo_walk(bo, lo, hi, walk_refresh, &all);
	mutex_unlock(&bo->walk_lock);
	return all;
}

/**
 * vgpu_bo_take_away() - nobody reaches memory that is on its way
 * @bo: in VRAM; its state says that vgpu_bo_run() has no address for the range
 * @lo: first byte
 * @hi: one past the last
 *
 * The CPU's mappings are zapped, entries are absent, translations dropped.
 * Context: process; sleeps.
 * Return: as vgpu_bo_refresh()
 */
bool vgpu_bo_take_away(struct vgpu_bo *bo, u64 lo, u64 hi)
{
	bool all = true;

	mutex_lock(&bo->walk_lock);
	if (bo->zap)
		bo->zap(bo->zap_arg, lo, hi - lo);
	vgpu_bo_walk(bo, lo, hi, walk_refresh, &all);
	mutex_unlock(&bo->walk_lock);
	return all;
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_walk);
