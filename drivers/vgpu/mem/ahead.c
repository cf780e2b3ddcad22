// SPDX-License-Identifier: GPL-2.0
/*
 * Reading ahead: what a tenant that goes through its memory in order is about to
 * want is brought back before it faults.
 *
 * A fault on the chunk behind the last one that was brought in goes on in order;
 * after two of those, one chunk more is brought in, then two, four and so on up to
 * what is set. Any other fault ends that. One that was brought in ahead and goes
 * unused halves what comes next.
 *
 * A guess must not cost more than it may win. So what is read ahead gets a frame
 * that is free, or one of its owner's own: that of the chunk which would be the next
 * victim anyway, and which no engine has used since it was last looked at. Others
 * lose nothing by it, and a tenant that is held back (thrash.c), or whose
 * control group has no room, does not read ahead at all.
 *
 * It is done behind a fault-in, when the engine has long gone on. It ends when that
 * faults again somewhere else, and makes way when it does where memory is by now.
 */
#include <linux/jiffies.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define IN_ORDER	2	/* faults one behind the other, to begin */
#define MARGIN_PART	64	/* of VRAM, left for tables */

/* A fault brought chunk @index in. */
void vgpu_ahead_note(struct vgpu_bo *bo, u32 index)
{
	u32 max = READ_ONCE(bo->vram->read_ahead);
	struct vgpu_ahead *ah = &bo->paged->ahead;

	lockdep_assert_held(&bo->vram->residency->lock);
	if (index != ah->next) {
		ah->run = 0;
		ah->window = 0;
	} else if (++ah->run >= IN_ORDER) {
		ah->run = IN_ORDER;
		ah->window = min(ah->window ? 2 * ah->window : 1, max);
	}
	ah->next = index + 1;
}

/* @chunk is asked for, or goes: was it worth it? */
void vgpu_ahead_judge(struct vgpu_residency *res, struct vgpu_chunk *chunk,
		      bool used)
{
	struct vgpu_ahead *ah = &chunk->bo->paged->ahead;

	lockdep_assert_held(&res->lock);
	if (!chunk->ahead)
		return;
	chunk->ahead = false;
	if (used) {
		res->stats.ahead_used++;
	} else {
		res->stats.ahead_wasted++;
		ah->window /= 2;
	}
}

/* The chunk to bring in next, which is the caller's then, or NULL. */
static struct vgpu_chunk *pick(struct vgpu_bo *bo, u32 at, u32 end)
{
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_mem_owner *owner = vgpu_lru_owner(res, bo);
	struct vgpu_ahead *ah = &bo->paged->ahead;
	struct vgpu_chunk *chunk = NULL;

	spin_lock(&res->lock);
	if (vgpu_thrash_is_held_back(res, owner))
		ah->window = 0;
	/* never further than that from who wants it */
	end = min_t(u64, end, (u64)at + 1 + ah->window);
	while (ah->next < end) {
		struct vgpu_chunk *next = &bo->paged->chunk[ah->next];

		/*
		 * What was never there is for who writes it. What is in a file
		 * may cost a disk's time; the swap reads ahead itself.
		 */
		if (next->state == VGPU_CHUNK_EVICTED &&
		    (!next->stamp || next->stored.cold))
			break;
		ah->next++;
		if (next->state != VGPU_CHUNK_EVICTED)
			continue;
		chunk = next;
		chunk->state = VGPU_CHUNK_RESTORING;
		vgpu_sink_del(res, chunk);
		bo->paged->busy++;
		break;
	}
	spin_unlock(&res->lock);
	return chunk;
}

static struct vgpu_block *get_frame(struct vgpu_bo *bo)
{
	struct vgpu_vram *vram = bo->vram;
	struct vgpu_residency *res = vram->residency;
	struct vgpu_block *frame;

	if (READ_ONCE(res->ending))
		return ERR_PTR(-ENODEV);
	if (bo->acct && READ_ONCE(bo->acct->squeezed))
		return ERR_PTR(-ENOMEM);
	frame = vgpu_frame_take(res) ?:
		vgpu_frame_grow(vram, vram->pages / MARGIN_PART) ?:
		vgpu_residency_evict_cold(vram, vgpu_lru_owner(res, bo));
	if (IS_ERR_OR_NULL(frame))
		return ERR_PTR(-ENOMEM);
	if (vgpu_block_is_bad(vram, frame)) {
		vgpu_frame_drop(vram, frame);
		return ERR_PTR(-ENOMEM);
	}
	return frame;
}

/* Is chunk @index yet to come, of those behind @at? */
static bool is_next(struct vgpu_bo *bo, u64 index, u32 at)
{
	const struct vgpu_ahead *ah = &bo->paged->ahead;

	return index >= READ_ONCE(ah->next) &&
	       index <= (u64)at + READ_ONCE(ah->window);
}

/* @at: the chunk that was wanted; @base: where the BO would begin. */
static void read_ahead(struct vgpu_bo *bo, u64 base, u32 at, u32 end,
		       u64 (*wanted)(void *arg), void *arg)
{
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_chunk *chunk;

	for (;;) {
		u64 va = wanted ? wanted(arg) : 0;
		int err;

		/* what it waits for by now is among the next, or it is for others */
		if (va && !is_next(bo, (va - base) >> VGPU_CHUNK_SHIFT, at))
			return;
		chunk = pick(bo, at, end);
		if (!chunk)
			return;
		err = vgpu_chunk_restore(chunk, get_frame(bo), true);
		if (err) {
			spin_lock(&res->lock);
			bo->paged->ahead.window = 0;
			spin_unlock(&res->lock);
		}
		vgpu_chunk_done(bo);
		if (err)
			return;
		vgpu_chunk_unhold(bo, (u64)(chunk - bo->paged->chunk) <<
				  VGPU_CHUNK_SHIFT);
		cond_resched();
	}
}

/**
 * vgpu_as_read_ahead() - brings in what is likely to be wanted next
 * @as: where
 * @va: address of a fault that vgpu_as_fault_in() has seen to
 * @wanted: the address that is waited for by now, 0: none, U64_MAX: no more of this;
 *	asked before each chunk; may be NULL
 * @arg: for @wanted
 *
 * Nobody needs it, and nothing is said of whether it was done.
 *
 * Context: process, with no lock of mem/ held; for some milliseconds at most.
 */
void vgpu_as_read_ahead(struct vgpu_as *as, u64 va, u64 (*wanted)(void *arg),
			void *arg)
{
	u64 base = 0, end = 0;
	struct vgpu_region *region;
	struct vgpu_bo *bo = NULL;

	mutex_lock(&as->lock);
	region = vgpu_region_first(as, va, va + 1);
	if (region && region->bo->paged) {
		bo = region->bo;
		base = region->va - region->offset;
		end = region->offset + region->bytes;
		vgpu_bo_get(bo);
	}
	mutex_unlock(&as->lock);
	if (!bo)
		return;
	read_ahead(bo, base, (va - base) >> VGPU_CHUNK_SHIFT,
		   min_t(u64, bo->paged->count,
			 DIV_ROUND_UP_ULL(end, VGPU_CHUNK_BYTES)), wanted, arg);
	vgpu_bo_put(bo);
}

/**
 * vgpu_vram_set_read_ahead() - how far ahead at most
 * @vram: whose
 * @chunks: 0: not at all; up to VGPU_READ_AHEAD_MAX
 *
 * Context: any.
 * Return: 0 or -ERANGE.
 */
int vgpu_vram_set_read_ahead(struct vgpu_vram *vram, u32 chunks)
{
	if (chunks > VGPU_READ_AHEAD_MAX)
		return -ERANGE;
	WRITE_ONCE(vram->read_ahead, chunks);
	return 0;
}

VGPU_EXPORT_IF_KUNIT(vgpu_as_read_ahead);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_set_read_ahead);
