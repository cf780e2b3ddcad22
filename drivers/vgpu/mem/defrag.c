// SPDX-License-Identifier: GPL-2.0
/*
 * Defragmentation: what is in use is moved, while engines run, until what is
 * free is in one long run. What goes where is plan.c's.
 *
 * A move of a block, none of which can be seen but as time:
 *
 *   1. its new place is taken, so that nothing after this can fail but the GPU;
 *   2. the BO says that the bytes are being moved: from now on who looks for
 *      their pages finds none;
 *   3. the CPU's mappings are zapped, the entries of all mappings in the reverse
 *      map become absent, translations are dropped, and tlb_sync() has returned:
 *      nobody reads or writes the block;
 *   4. the contents are copied;
 *   5. the BO says that they are at the new place, and then the entries do;
 *   6. the old place is freed like any memory: it is scrubbed before anybody
 *      gets it.
 *
 * An engine that runs into an absent entry stops its command midway, and waits off
 * the engine until the entry is back (vgpu_as_fault_in()), others run meanwhile;
 * a CPU that faults waits in vgpu_bo_hold(). So this is for GPUs that can go on
 * after a fault. Taking away and giving back are what eviction does, and are safe
 * for the same reason: the state changes first, and whoever visits the mappings
 * writes what the state says then.
 *
 * Large leaves stay: a block goes to a place with the same address modulo the
 * largest leaf that it may be in. If a leaf turns out to reach into the next block,
 * the move is given up after step 3, and step 5 says that nothing happened.
 *
 * A page table moves likewise: the entry for it in the table above is made absent,
 * and what hangs on it out of reach, until it has been copied (vgpu_pt_move()).
 * Otherwise the tables would lie about as obstacles, one for each 2 MiB mapped.
 *
 * Not moved: the tables at the top, whose addresses engines have in registers;
 * memory of VMs, whose devices' mappings are not told; a BO in which a queue has
 * its ring; blocks of more than 4 MiB, which would be out of reach for too long;
 * bad pages; and anything at all on a GPU that can't go on after a fault.
 *
 * Nobody is charged: a block in its new place is in the account it was in, and the
 * two places of a block that is on its way are two only in vgpu_vram_stats. Who
 * finds no memory waits for the end of the step, and no other begins until he has
 * looked again. After each half a millisecond of work comes a pause fifteen times
 * as long as it took, so that all together is slowed down by a sixteenth at most.
 */
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define PLAN_MOVES	256		/* until VRAM is looked at anew */
#define BURST_NS	(500 * NSEC_PER_USEC)
#define REST		15		/* pause for each such burst */
#define REST_MAX_US	200000
#define FAILURES	8		/* moves in a row, for a new plan */

void vgpu_defrag_init(struct vgpu_vram *vram)
{
	mutex_init(&vram->defrag.lock);
	init_waitqueue_head(&vram->defrag.wait);
}

/* Copies whole pages; @to may overlap with @from from below. False: no GPU. */
bool vgpu_vram_copy(struct vgpu_vram *vram, u64 to, u64 from, u64 bytes)
{
	bool there;
	u64 at;
	int idx;

	/*
	 * The gate is held for all of it: half of an overlapping copy would be
	 * worth nothing.
	 */
	idx = srcu_read_lock(&vram->gate);
	there = !vgpu_vram_gone(vram);
	for (at = 0; there && at < bytes; at += PAGE_SIZE) {
		copy_highpage(vram->ops->vram_page(vram->hw, to + at),
			      vram->ops->vram_page(vram->hw, from + at));
		cond_resched();
	}
	srcu_read_unlock(&vram->gate, idx);
	return there;
}

/* ------------------------------------------------------------ one block */

/* What is in @block is moved, if nobody holds it. */
static bool begin(struct vgpu_bo *bo, const struct vgpu_block *block, u64 *lo,
		  u64 *hi)
{
	u64 offset = (u64)block->bo_page << VGPU_PAGE_SHIFT;
	bool ok;

	spin_lock(&bo->map_lock);
	ok = !bo->holds && bo->nr_maps <= VGPU_PAGED_MAPS;
	if (ok) {
		bo->move_lo = offset;
		bo->move_hi = offset + vgpu_block_bytes(block);
	}
	spin_unlock(&bo->map_lock);
	*lo = bo->move_lo;
	*hi = bo->move_hi;
	return ok;
}

/* It is in @block now, moved or not; @slid: from there, down over itself. */
static void end(struct vgpu_bo *bo, struct vgpu_block *block,
		struct vgpu_block *slid)
{
	spin_lock(&bo->map_lock);
	/* nobody is to see a piece of another length */
	if (slid)
		vgpu_vram_slide(bo->vram, block, slid);
	bo->piece[vgpu_bo_piece_at(bo, bo->move_lo)].block = block;
	bo->move_lo = 0;
	bo->move_hi = 0;
	spin_unlock(&bo->map_lock);
}

/* @block is a piece of @bo, which the caller has a reference to. */
static int move_piece(struct vgpu_bo *bo, struct vgpu_block *block, u32 to)
{
	struct vgpu_vram *vram = bo->vram;
	bool overlaps = to < block->first && to + block->pages > block->first;
	struct vgpu_block *place;
	int err = 0;
	u64 lo, hi;

	place = vgpu_vram_alloc_at(vram, to, overlaps ? block->first - to :
				   block->pages, block->order, bo, false);
	if (IS_ERR(place))
		return PTR_ERR(place);
	vgpu_block_set_bo(vram, place, bo, (u64)block->bo_page << VGPU_PAGE_SHIFT);
	if (!begin(bo, block, &lo, &hi)) {
		vgpu_vram_free(vram, place, false);
		return -EBUSY;
	}

	if (!vgpu_bo_take_away(bo, lo, hi))
		err = -EBUSY;
	else if (!vgpu_vram_copy(vram, vgpu_block_addr(place),
				 vgpu_block_addr(block), hi - lo))
		err = -ENODEV;
	if (!err)
		swap(place, block);
	/* @place is where it is not, now */
	end(bo, block, !err && overlaps ? place : NULL);
	vgpu_bo_refresh(bo, lo, hi);
	/* those who wait see the entries when they try again */
	wake_up_all(&vram->defrag.wait);
	vgpu_vram_free(vram, place, false);
	return err;
}

/* What is to be moved: a piece or a chunk of @bo, a table of @as, or a frame. */
struct source {
	struct vgpu_block *block;
	struct vgpu_bo *bo;	/* with a reference, or NULL */
	u64 offset;
	struct vgpu_as *as;	/* with a reference, or NULL */
	unsigned int level;
	u64 va;
};

static bool take_bo(struct source *src, struct vgpu_block *block)
{
	/* a BO is freed only after its blocks, which takes the lock */
	if (!kref_get_unless_zero(&block->bo->ref))
		return false;
	src->bo = block->bo;
	src->offset = (u64)block->bo_page << VGPU_PAGE_SHIFT;
	return true;
}

static bool take_table(struct source *src, struct vgpu_block *block)
{
	/* and so is a table, before its address space */
	const struct vgpu_pt *pt = block->pt;

	if (!vgpu_pt_can_move(pt) || !kref_get_unless_zero(&pt->as->ref))
		return false;
	src->as = pt->as;
	src->level = pt->level;
	src->va = READ_ONCE(pt->va);
	return true;
}

static bool take_source(struct source *src, struct vgpu_block *block)
{
	src->block = block;
	if (block->state == VGPU_BLOCK_USED) {
		/* pairs with vgpu_bo_create(): all of it is there */
		return block->bo && smp_load_acquire(&block->bo->movable) &&
		       take_bo(src, block);
	}
	if (block->state != VGPU_BLOCK_PINNED)
		return false;
	switch (block->kind) {
	case VGPU_BLOCK_FRAME:
		return !block->bo || take_bo(src, block);
	case VGPU_BLOCK_TABLE:
		return take_table(src, block);
	default:
		return false;
	}
}

/**
 * vgpu_defrag_move() - one move, of many
 * @vram: where
 * @move: what; as it was planned, so it may be all different by now
 *
 * Context: process, vram->defrag.lock held; sleeps. Bounded by the size of a
 * block and the number of its mappings.
 * Return: 0; -EBUSY: it can't be moved, or not there; -ENOMEM, -ENODEV. All is
 * where it was then.
 */
int vgpu_defrag_move(struct vgpu_vram *vram, const struct vgpu_plan_move *move)
{
	struct source src = { };
	struct vgpu_block *block;
	bool found;
	int err;

	lockdep_assert_held(&vram->defrag.lock);
	spin_lock(&vram->lock);
	block = vgpu_vram_taken_at_locked(vram, move->first);
	found = block && block->first == move->first &&
		block->pages == move->pages && take_source(&src, block);
	spin_unlock(&vram->lock);
	if (!found)
		return -EBUSY;
	if (src.as) {
		err = vgpu_pt_move(src.as, src.block, src.level, src.va,
				   move->to);
		vgpu_as_put(src.as);
	} else if (!src.bo) {
		err = vgpu_frame_move(vram, move->first, move->to);
	} else {
		err = src.bo->paged ?
		      vgpu_chunk_move(src.bo, src.block, src.offset, move->to) :
		      move_piece(src.bo, src.block, move->to);
		vgpu_bo_put(src.bo);
	}
	return err;
}

/* -------------------------------------------------------------- a run */

struct scan {
	struct vgpu_vram *vram;
	struct vgpu_plan_run *run;
	u32 runs;
	u32 max;
	u32 at;
};

/* Pages modulo which the address of @block is to stay. */
static u32 align_of(const struct vgpu_vram *vram, const struct vgpu_block *block)
{
	const struct vgpu_pt_format *fmt = vram->format;
	u32 align = 1U << block->order;
	unsigned int level;

	for (level = 0; level < fmt->levels; level++) {
		u64 leaf = 1ULL << (vram->pt_shift[level] - VGPU_PAGE_SHIFT);

		if ((fmt->large_levels & BIT(level)) && leaf <= block->pages)
			align = max_t(u32, align, leaf);
	}
	return align;
}

static bool can_move(const struct vgpu_block *block)
{
	if (block->state == VGPU_BLOCK_PINNED)
		return block->kind == VGPU_BLOCK_FRAME ||
		       (block->kind == VGPU_BLOCK_TABLE &&
			vgpu_pt_can_move(block->pt));
	return block->state == VGPU_BLOCK_USED && block->bo &&
	       block->pages <= VGPU_MOVE_PAGES &&
	       READ_ONCE(block->bo->movable) &&
	       !READ_ONCE(block->bo->holds);
}

static void scan_block(void *arg, const struct vgpu_block *block)
{
	struct scan *s = arg;
	struct vgpu_plan_run *run;

	if (block->state == VGPU_BLOCK_POOLED ||
	    block->state == VGPU_BLOCK_UNCLEAN || block->first < s->at)
		return;
	s->at = block->first + block->pages;
	if (s->runs == s->max) {
		/* more than there were: as one, that stays */
		run = &s->run[s->runs - 1];
		run->pages = s->at - run->first;
		run->align = 0;
		return;
	}
	run = &s->run[s->runs++];
	run->first = block->first;
	run->pages = block->pages;
	run->align = can_move(block) ? align_of(s->vram, block) : 0;
}

/* A turn: how much was done, for how much rest is due. */
static void rest(u64 *busy)
{
	u64 us;

	if (*busy < BURST_NS)
		return;
	us = min_t(u64, div_u64(*busy * REST, NSEC_PER_USEC), REST_MAX_US);
	usleep_range(us, us + us / 8);
	*busy = 0;
}

static bool is_over(struct vgpu_vram *vram)
{
	return READ_ONCE(vram->defrag.stop) || vgpu_vram_gone(vram);
}

static void count(struct vgpu_vram *vram, const struct vgpu_plan_move *move,
		  int err, u64 ns, u64 begun)
{
	struct vgpu_defrag_stats *st = &vram->defrag.stats;

	spin_lock(&vram->lock);
	if (err) {
		st->given_up++;
	} else {
		st->moves++;
		st->moved += (u64)move->pages << VGPU_PAGE_SHIFT;
		st->run_moved += (u64)move->pages << VGPU_PAGE_SHIFT;
	}
	st->step_max_ns = max(st->step_max_ns, ns);
	st->run_ns = ktime_get_ns() - begun;
	spin_unlock(&vram->lock);
}

/* One step; what it took, ns. */
static u64 step(struct vgpu_vram *vram, const struct vgpu_plan_move *move,
		u64 begun, int *err)
{
	u64 until, took;

	/* who found no memory looks again first */
	while (atomic_read(&vram->defrag.starved) && !is_over(vram))
		usleep_range(1000, 2000);
	/* what was vacated, and what is in pools, may be the next place */
	until = vgpu_scrub_pending(vram);
	while (vgpu_scrub_help(vram, until))
		cond_resched();
	vgpu_pool_drain(vram);

	mutex_lock(&vram->defrag.lock);
	WRITE_ONCE(vram->defrag.moving, true);
	took = ktime_get_ns();
	*err = is_over(vram) ? -ENODEV : vgpu_defrag_move(vram, move);
	took = ktime_get_ns() - took;
	WRITE_ONCE(vram->defrag.moving, false);
	mutex_unlock(&vram->defrag.lock);
	count(vram, move, *err, took, begun);
	return took;
}

/* Looks, plans, and does as planned. How many blocks it moved, or an error. */
static int turn(struct vgpu_vram *vram, struct scan *s,
		struct vgpu_plan_gap *gap, struct vgpu_plan_run *then,
		struct vgpu_plan_move *move, u64 begun)
{
	u32 moves, done = 0, failed = 0, i;
	u64 busy = ktime_get_ns();
	int err;

	s->runs = 0;
	s->at = 0;
	vgpu_vram_visit(vram, scan_block, s);
	moves = vgpu_defrag_plan(s->run, s->runs, vram->pages, gap, then, move,
				 PLAN_MOVES);
	/* which is work, too */
	busy = ktime_get_ns() - busy;
	for (i = 0; i < moves; i++) {
		busy += step(vram, &move[i], begun, &err);
		if (err == -ENODEV || is_over(vram))
			return -ENODEV;
		done += !err;
		failed = err ? failed + 1 : 0;
		rest(&busy);
		/* so much has changed that it is better to look anew */
		if (failed == FAILURES && done)
			break;
	}
	return done;
}

static u32 fragmentation(struct vgpu_vram *vram, struct vgpu_vram_survey *survey)
{
	struct vgpu_defrag_stats *st = &vram->defrag.stats;

	vgpu_vram_survey(vram, survey);
	spin_lock(&vram->lock);
	st->after = survey->frag_permille;
	spin_unlock(&vram->lock);
	return survey->frag_permille;
}

static int run(struct vgpu_vram *vram, struct vgpu_vram_survey *survey,
	       u64 begun)
{
	struct vgpu_plan_move *move;
	struct vgpu_plan_run *then;
	struct vgpu_plan_gap *gap;
	struct scan s = { .vram = vram };
	u32 left;
	int ret = -ENOMEM;

	spin_lock(&vram->lock);
	s.max = vram->nr_used + vram->nr_used / 4 + 1024;
	left = 2 * vram->nr_used + 64;
	spin_unlock(&vram->lock);
	s.run = kvmalloc_array(s.max, sizeof(*s.run), GFP_KERNEL | __GFP_NOWARN);
	gap = kvmalloc_array(s.max + 1, sizeof(*gap), GFP_KERNEL | __GFP_NOWARN);
	then = kvmalloc_array(s.max, sizeof(*then), GFP_KERNEL | __GFP_NOWARN);
	move = kvmalloc_array(PLAN_MOVES, sizeof(*move),
			      GFP_KERNEL | __GFP_NOWARN);
	if (!s.run || !gap || !then || !move)
		goto out;
	/* tenants that go on making holes do not keep it for ever */
	while (left) {
		ret = turn(vram, &s, gap, then, move, begun);
		if (ret <= 0)
			break;
		left -= min_t(u32, left, ret);
		fragmentation(vram, survey);
		ret = 0;
	}
out:
	kvfree(move);
	kvfree(then);
	kvfree(gap);
	kvfree(s.run);
	return ret;
}

/**
 * vgpu_vram_defrag() - moves what is in use until what is free is in one run
 * @vram: where
 *
 * As far as that can be had: what can't be moved may be in the way.
 *
 * Context: process, with no lock of mem/ held, nor one that a zap callback
 * takes; sleeps. Bounded by the number of blocks.
 * Return: 0, also when nothing could be moved; -EOPNOTSUPP when the GPU can't go
 * on after a fault, -EBUSY when a run goes on, -ENOMEM, -ENODEV.
 */
int vgpu_vram_defrag(struct vgpu_vram *vram)
{
	struct vgpu_defrag_stats *st = &vram->defrag.stats;
	struct vgpu_vram_survey *survey;
	u64 begun = ktime_get_ns();
	u32 before;
	int err;

	if (!vgpu_vram_can_move(vram))
		return -EOPNOTSUPP;
	survey = kvmalloc(sizeof(*survey), GFP_KERNEL | __GFP_NOWARN);
	if (!survey)
		return -ENOMEM;
	if (atomic_xchg(&vram->defrag.running, 1)) {
		kvfree(survey);
		return -EBUSY;
	}
	before = fragmentation(vram, survey);
	spin_lock(&vram->lock);
	st->runs++;
	st->running = true;
	st->before = before;
	st->run_moved = 0;
	st->run_ns = 0;
	spin_unlock(&vram->lock);

	err = is_over(vram) ? -ENODEV : run(vram, survey, begun);

	fragmentation(vram, survey);
	spin_lock(&vram->lock);
	st->running = false;
	st->run_ns = ktime_get_ns() - begun;
	spin_unlock(&vram->lock);
	atomic_set(&vram->defrag.running, 0);
	kvfree(survey);
	return err;
}

/* ------------------------------------------------------------- others */

bool vgpu_defrag_settle(struct vgpu_vram *vram)
{
	struct vgpu_defrag *defrag = &vram->defrag;

	if (!READ_ONCE(defrag->moving))
		return false;
	/* the next step sees it, and comes a millisecond later */
	atomic_inc(&defrag->starved);
	mutex_lock(&defrag->lock);
	mutex_unlock(&defrag->lock);
	atomic_dec(&defrag->starved);
	return true;
}

/**
 * vgpu_vram_end_defrag() - the GPU is about to go
 * @vram: whose
 *
 * Context: any that may take a spinlock.
 */
void vgpu_vram_end_defrag(struct vgpu_vram *vram)
{
	WRITE_ONCE(vram->defrag.stop, true);
}

/**
 * vgpu_vram_flush_defrag() - waits for references that a move holds
 * @vram: where
 *
 * Context: process; sleeps for the rest of a step.
 */
void vgpu_vram_flush_defrag(struct vgpu_vram *vram)
{
	/*
	 * Set before the reference was taken, so whoever has put his own since
	 * then sees it.
	 */
	if (!READ_ONCE(vram->defrag.moving))
		return;
	mutex_lock(&vram->defrag.lock);
	mutex_unlock(&vram->defrag.lock);
}

/**
 * vgpu_vram_can_defrag() - can memory be moved here at all?
 * @vram: where
 */
bool vgpu_vram_can_defrag(const struct vgpu_vram *vram)
{
	return vgpu_vram_can_move(vram);
}

/**
 * vgpu_vram_get_defrag() - figures of now
 * @vram: whose
 * @st: filled
 *
 * Context: any that may take a spinlock.
 */
void vgpu_vram_get_defrag(struct vgpu_vram *vram, struct vgpu_defrag_stats *st)
{
	spin_lock(&vram->lock);
	*st = vram->defrag.stats;
	spin_unlock(&vram->lock);
}

VGPU_EXPORT_IF_KUNIT(vgpu_defrag_move);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_defrag);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_end_defrag);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_get_defrag);
