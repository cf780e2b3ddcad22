// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that has to stay where it is for a while.
 *
 * What is pageable may be evicted, and what is in VRAM may be moved within it.
 * Either is kept off by whoever holds it: a CPU that is about to map it, a queue
 * that reads its commands there. An engine does not hold anything: it faults
 * when memory is out of reach, and comes here to wait until it is not.
 */
#include <linux/sched/signal.h>
#include <vgpu/kunit.h>
#include "residency.h"

/* So long after a table was moved, a fault may be due to that. */
#define TABLE_RETRY	(10 * HZ)

static bool moves(struct vgpu_bo *bo)
{
	bool moving;

	spin_lock(&bo->map_lock);
	moving = bo->move_hi;
	spin_unlock(&bo->map_lock);
	return moving;
}

/* No piece of @bo is moved from now on. */
static int hold_still(struct vgpu_bo *bo)
{
	for (;;) {
		bool held;

		spin_lock(&bo->map_lock);
		held = !bo->move_hi;
		bo->holds += held;
		spin_unlock(&bo->map_lock);
		if (held)
			return 0;
		/* bounded: a move is, and none begins while somebody waits */
		if (wait_event_killable(bo->vram->defrag.wait, !moves(bo)))
			return -EINTR;
	}
}

static void release_still(struct vgpu_bo *bo)
{
	spin_lock(&bo->map_lock);
	bo->holds--;
	spin_unlock(&bo->map_lock);
}

/**
 * vgpu_bo_hold() - brings the memory behind a byte into VRAM, to stay
 * @bo: that the caller has a reference to
 * @offset: of the byte
 *
 * Until vgpu_bo_unhold(), vgpu_bo_page() finds the page. Few may be held for
 * longer than a moment: what is pageable is taken from what everybody shares,
 * and what is not makes holes that can't be closed. Does nothing for BOs that
 * are neither pageable nor movable.
 *
 * Context: process, with no lock of mem/ held, nor one that the BO's zap
 * callback takes; may evict others. Killable.
 * Return: 0; -EINTR (a fatal signal), -ENOMEM (no VRAM can be made free, for
 * want of system memory), -EFAULT (past the end), -ENODEV, -EIO.
 */
int vgpu_bo_hold(struct vgpu_bo *bo, u64 offset)
{
	bool was_there;

	if (!vgpu_bo_is_movable(bo))
		return 0;
	if (offset >= bo->bytes)
		return -EFAULT;
	return bo->paged ? vgpu_chunk_hold(bo, offset, &was_there) :
			   hold_still(bo);
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_hold, VGPU);

/**
 * vgpu_bo_unhold() - undoes vgpu_bo_hold()
 * @bo: whose reference the caller still has
 * @offset: as then
 *
 * Context: process.
 */
void vgpu_bo_unhold(struct vgpu_bo *bo, u64 offset)
{
	if (bo->paged)
		vgpu_chunk_unhold(bo, offset);
	else if (vgpu_bo_is_movable(bo))
		release_still(bo);
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_unhold, VGPU);

/**
 * vgpu_bo_pin() - holds a part of a BO for long
 * @bo: that the caller has a reference to
 * @offset: first byte
 * @bytes: length; within the BO
 *
 * What is pinned of a pageable BO counts as memory that can't be evicted. One
 * that is not pageable is not moved meanwhile, nor is any other part of it.
 *
 * Context: process, see vgpu_bo_hold().
 * Return: 0; -EDQUOT when too much of the share would be fixed, and the errors
 * of vgpu_bo_hold(). Nothing is pinned then.
 */
int vgpu_bo_pin(struct vgpu_bo *bo, u64 offset, u64 bytes)
{
	u64 first = round_down(offset, VGPU_CHUNK_BYTES);
	u64 end = round_up(offset + bytes, VGPU_CHUNK_BYTES);
	u64 at;
	int err;

	if (!bo->paged)
		return vgpu_bo_hold(bo, offset);
	if (bo->acct) {
		err = vgpu_mem_charge_fixed(bo->acct, 0, end - first);
		if (err)
			return err;
	}
	for (at = first; at < end; at += VGPU_CHUNK_BYTES) {
		err = vgpu_bo_hold(bo, at);
		if (err)
			goto err_unhold;
	}
	return 0;

err_unhold:
	while (at > first) {
		at -= VGPU_CHUNK_BYTES;
		vgpu_bo_unhold(bo, at);
	}
	if (bo->acct)
		vgpu_mem_uncharge_fixed(bo->acct, 0, end - first);
	return err;
}

/**
 * vgpu_bo_unpin() - undoes vgpu_bo_pin()
 * @bo: as then
 * @offset: as then
 * @bytes: as then
 */
void vgpu_bo_unpin(struct vgpu_bo *bo, u64 offset, u64 bytes)
{
	u64 first = round_down(offset, VGPU_CHUNK_BYTES);
	u64 end = round_up(offset + bytes, VGPU_CHUNK_BYTES);
	u64 at;

	if (!bo->paged) {
		vgpu_bo_unhold(bo, offset);
		return;
	}
	for (at = first; at < end; at += VGPU_CHUNK_BYTES)
		vgpu_bo_unhold(bo, at);
	if (bo->acct)
		vgpu_mem_uncharge_fixed(bo->acct, 0, end - first);
}

static int fault_in_paged(struct vgpu_bo *bo, u64 offset)
{
	struct vgpu_residency *res = bo->vram->residency;
	u64 lo = round_down(offset, VGPU_CHUNK_BYTES);
	bool was_there;
	int err;

	spin_lock(&res->lock);
	res->stats.faults++;
	spin_unlock(&res->lock);
	err = vgpu_chunk_hold(bo, offset, &was_there);
	if (err)
		return err;
	/* it was mapped while it was on its way, or still is */
	if (was_there) {
		vgpu_bo_refresh(bo, lo, lo + VGPU_CHUNK_BYTES);
	} else {
		spin_lock(&res->lock);
		vgpu_ahead_note(bo, lo >> VGPU_CHUNK_SHIFT);
		spin_unlock(&res->lock);
	}
	vgpu_chunk_unhold(bo, offset);
	return 0;
}

/* It was being moved, and its entries are there again, or soon will be. */
static int fault_in_moved(struct vgpu_bo *bo, u64 offset)
{
	struct vgpu_bo_piece *piece;
	u64 lo, hi;
	int err;

	err = hold_still(bo);
	if (err)
		return err;
	piece = &bo->piece[vgpu_bo_piece_at(bo, offset)];
	lo = piece->offset;
	hi = lo + vgpu_block_bytes(piece->block);
	vgpu_bo_refresh(bo, lo, hi);
	release_still(bo);
	return 0;
}

/**
 * vgpu_as_fault_in() - an engine found no translation
 * @as: where
 * @va: address
 * @access: VGPU_PROT_* of the access
 *
 * Context: process, with no lock of mem/ held; see vgpu_bo_hold().
 * Return: 0: try again; -EFAULT: nothing is there that it may access so;
 * other errors as vgpu_bo_hold().
 */
int vgpu_as_fault_in(struct vgpu_as *as, u64 va, u32 access)
{
	struct vgpu_region *region;
	struct vgpu_bo *bo = NULL;
	int err = -EFAULT;
	u64 offset = 0;

	mutex_lock(&as->lock);
	region = vgpu_region_first(as, va, va + 1);
	if (region && (region->prot & access) == access) {
		if (vgpu_bo_is_movable(region->bo)) {
			bo = region->bo;
			offset = region->offset + va - region->va;
			vgpu_bo_get(bo);
		} else if (as->table_moved &&
			   time_before(jiffies, as->table_moved + TABLE_RETRY)) {
			/* always there, but its table was not */
			err = 0;
		}
	}
	mutex_unlock(&as->lock);
	if (!bo)
		return err;
	err = bo->paged ? fault_in_paged(bo, offset) :
			  fault_in_moved(bo, offset);
	vgpu_bo_put(bo);
	return err;
}

/**
 * vgpu_bo_set_zap() - how to take pages away from the CPU
 * @bo: in VRAM or not
 * @zap: called before memory is evicted or moved; NULL: nobody maps it. On return no
 *	CPU mapping of the bytes is left, and none comes that was looked up
 *	before; it may sleep, and take no lock that is held around
 *	vgpu_bo_hold()
 * @arg: for @zap
 *
 * On return the callback that was set before is not running and won't be.
 * Context: process; sleeps.
 */
void vgpu_bo_set_zap(struct vgpu_bo *bo, vgpu_bo_zap_fn zap, void *arg)
{
	if (bo->host)
		return;
	mutex_lock(&bo->walk_lock);
	bo->zap = zap;
	bo->zap_arg = arg;
	mutex_unlock(&bo->walk_lock);
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_pin);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_unpin);
VGPU_EXPORT_IF_KUNIT(vgpu_as_fault_in);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_set_zap);
