// SPDX-License-Identifier: GPL-2.0
/*
 * Residency: more memory than there is VRAM.
 *
 * A pageable BO consists of chunks of 64 KiB, each of which is in a frame of
 * VRAM or in the tier below:
 *
 *                 fault-in                  read back, then mapped
 *     EVICTED ----------------> RESTORING ------------------------> RESIDENT
 *        ^                          |  (no frame to be had)          |    ^
 *        |<-------------------------+                                |    |
 *        |                                                    victim |    |
 *        |       stored                                              v    |
 *        +------------------------------------------------------ EVICTING |
 *                                                                    |    |
 *                                           (nowhere to store it)    +----+
 *
 * Chunks rather than whole BOs, because a command must get on that touches two
 * BOs which do not fit together, and because a BO may be larger than VRAM. All
 * frames are alike, so that one which was just emptied serves any chunk: no
 * search, no fragmentation, no allocation. The price is that such BOs are
 * mapped by base pages only; their tables stay as long as the mapping, whether
 * anything is resident or not, so that neither way needs a table.
 *
 * RESTORING, EVICTING, MOVING (to another frame, see defrag.c) and SINKING (EVICTED,
 * and on its way to a file, see sink.c) mean that somebody works on the chunk; it is
 * theirs until they say otherwise, and others wait. So there is no lock held while
 * anything sleeps or allocates: residency->lock is a spinlock around the states and
 * lists.
 *
 * What order makes it safe? A state is changed first, then all mappings in the
 * reverse map are visited, each under the lock of its address space, and get
 * the entry that the state says then. Whoever makes a mapping puts it into the
 * reverse map first and asks for the state after that. So whichever comes last
 * sees the other. Memory is read out when no entry, no translation and no CPU
 * mapping is left; a frame is written over as a whole before it is mapped.
 *
 * A fault-in needs a frame, and a frame is had by evicting, for which pages of
 * the system are needed. These may fail to come: the tenant that pays for them
 * may be at its limit. Then another victim is tried; a tenant that has more
 * than its share of VRAM is evicted at nobody's charge, but gets no further
 * chunk itself; the tier has a reserve; and whoever waits in vain is told
 * -ENOMEM after some seconds, with nothing lost.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/sched/signal.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define SECOND_CHANCES	8		/* looked at for one victim */
#define FRAME_TIMEOUT	(10 * HZ)	/* to wait for one */
#define ROOM_TIMEOUT	HZ		/* to wait for files to be swapped */
#define FAILURES	16		/* victims tried between two waits */
#define MARGIN_PART	64		/* of VRAM, left for tables */

static u64 chunk_offset(const struct vgpu_chunk *chunk)
{
	return (u64)(chunk - chunk->bo->paged->chunk) << VGPU_CHUNK_SHIFT;
}

/* So much more of its pageable memory is in VRAM. */
void vgpu_chunk_account(struct vgpu_bo *bo, s64 bytes)
{
	unsigned long flags;

	if (!bo->acct)
		return;
	spin_lock_irqsave(&bo->acct->lock, flags);
	bo->acct->resident += bytes;
	spin_unlock_irqrestore(&bo->acct->lock, flags);
}

static bool over_share(const struct vgpu_bo *bo)
{
	return vgpu_acct_has_share(bo->acct);
}

static bool is_squeezed(const struct vgpu_bo *bo)
{
	return bo->acct && READ_ONCE(bo->acct->squeezed);
}

/* ------------------------------------------------------------ mappings */

/* All page tables say what the chunk's state says. */
static void refresh(struct vgpu_chunk *chunk)
{
	u64 lo = chunk_offset(chunk);

	vgpu_bo_refresh(chunk->bo, lo, lo + VGPU_CHUNK_BYTES);
}

static void note_used(void *arg, struct vgpu_bo *bo, u64 offset, u64 bytes,
		      u32 flags)
{
	*(bool *)arg |= flags & VGPU_AS_ACCESSED;
}

static void walk_used(struct vgpu_as *as, struct vgpu_region *region, u64 va,
		      u64 end, void *arg)
{
	vgpu_pt_harvest(as, region, va, end, VGPU_AS_ACCESSED, note_used, arg);
}

/* Has an engine used the chunk since it was asked last? */
static bool was_used(struct vgpu_chunk *chunk)
{
	const struct vgpu_pt_format *fmt = chunk->bo->vram->format;
	struct vgpu_bo *bo = chunk->bo;
	u64 lo = chunk_offset(chunk);
	bool used = false;

	if (!fmt->accessed)
		return false;
	mutex_lock(&bo->walk_lock);
	vgpu_bo_walk(bo, lo, lo + VGPU_CHUNK_BYTES, walk_used, &used);
	mutex_unlock(&bo->walk_lock);
	return used;
}

/* ------------------------------------------------------------ evicting */

/*
 * The next victim, which is the caller's then, or NULL. One that was used
 * since its last turn gets another, if @chances are left. With @only, NULL when
 * they are not, and when somebody else's is next.
 */
static struct vgpu_chunk *pick_victim(struct vgpu_residency *res,
				      unsigned int chances,
				      const struct vgpu_mem_owner *only)
{
	struct vgpu_chunk *chunk;

	for (;;) {
		bool used;

		spin_lock(&res->lock);
		chunk = vgpu_lru_victim(res);
		if (!chunk || (only && (!chances || only !=
					vgpu_lru_owner(res, chunk->bo)))) {
			spin_unlock(&res->lock);
			return NULL;
		}
		WARN_ON_ONCE(chunk->state != VGPU_CHUNK_RESIDENT ||
			     chunk->holds);
		/* taken off the list, it stays: its BO waits for us */
		vgpu_lru_del(res, chunk);
		chunk->state = VGPU_CHUNK_EVICTING;
		chunk->bo->paged->busy++;
		spin_unlock(&res->lock);
		if (!chances--)
			return chunk;

		/* still mapped, and nobody else touches it */
		used = was_used(chunk);
		if (!used)
			return chunk;
		spin_lock(&res->lock);
		chunk->state = VGPU_CHUNK_RESIDENT;
		vgpu_lru_add(res, chunk);
		chunk->bo->paged->busy--;
		res->stats.second_chances++;
		vgpu_ahead_judge(res, chunk, true);
		spin_unlock(&res->lock);
		/* somebody may have wanted it, or the end of it, meanwhile */
		wake_up_all(&res->wait);
	}
}

/*
 * Evicts @chunk, which is EVICTING and counted in busy. Returns its frame, or
 * ERR_PTR(-ENOMEM, -ENODEV) and it stays where it is.
 */
static struct vgpu_block *evict(struct vgpu_residency *res,
				struct vgpu_chunk *chunk, u64 evictor)
{
	struct vgpu_bo *bo = chunk->bo;
	struct vgpu_paged *paged = bo->paged;
	u64 lo = chunk_offset(chunk);
	struct vgpu_block *frame;
	bool used;
	int err;

	used = chunk->ahead && was_used(chunk);
	vgpu_bo_take_away(bo, lo, lo + VGPU_CHUNK_BYTES);
	err = vgpu_chunk_store(chunk);
	if (!err)
		vgpu_block_set_bo(bo->vram, chunk->frame, NULL, 0);
	spin_lock(&res->lock);
	frame = chunk->frame;
	if (err) {
		if (used)
			vgpu_ahead_judge(res, chunk, true);
		/*
		 * Both at once: it may be held, or a victim again, before its
		 * entries are back, and whoever comes last writes them.
		 */
		chunk->state = VGPU_CHUNK_RESIDENT;
		vgpu_lru_add(res, chunk);
		res->stats.evict_failed++;
	} else {
		chunk->state = VGPU_CHUNK_EVICTED;
		chunk->frame = NULL;
		chunk->stamp = ++res->stats.evictions;
		chunk->evictor = evictor;
		vgpu_sink_add(res, chunk);
		vgpu_ahead_judge(res, chunk, used);
		res->stats.resident -= VGPU_CHUNK_BYTES;
		res->stats.evicted += VGPU_CHUNK_BYTES;
	}
	spin_unlock(&res->lock);
	if (err) {
		frame = ERR_PTR(err);
		refresh(chunk);
	} else {
		vgpu_chunk_account(bo, -(s64)VGPU_CHUNK_BYTES);
	}
	vgpu_sink_kick(res, is_squeezed(bo));
	spin_lock(&res->lock);
	paged->busy--;
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
	return frame;
}

/* A frame that was a victim's: NULL: there is none, else as evict(). */
struct vgpu_block *vgpu_residency_evict_one(struct vgpu_vram *vram,
					    const struct vgpu_mem_owner *owner)
{
	struct vgpu_residency *res = vram->residency;
	struct vgpu_chunk *victim = pick_victim(res, SECOND_CHANCES, NULL);

	return victim ? evict(res, victim, owner ? owner->id : 0) : NULL;
}

struct vgpu_block *vgpu_residency_evict_cold(struct vgpu_vram *vram,
					     const struct vgpu_mem_owner *owner)
{
	struct vgpu_residency *res = vram->residency;
	struct vgpu_chunk *victim = pick_victim(res, SECOND_CHANCES, owner);

	return victim ? evict(res, victim, owner->id) : NULL;
}

/* To be filled for @bo. */
static struct vgpu_block *get_frame(struct vgpu_bo *bo)
{
	struct vgpu_vram *vram = bo->vram;
	struct vgpu_residency *res = vram->residency;
	unsigned long deadline = jiffies + FRAME_TIMEOUT;
	unsigned int failures = 0;

	for (;;) {
		struct vgpu_block *frame;

		if (READ_ONCE(res->ending))
			return ERR_PTR(-ENODEV);
		frame = vgpu_frame_take(res) ?:
			vgpu_frame_grow(vram, vram->pages / MARGIN_PART) ?:
			vgpu_residency_evict_one(vram, vgpu_lru_owner(res, bo));
		if (!IS_ERR_OR_NULL(frame)) {
			if (!vgpu_block_is_bad(vram, frame))
				return frame;
			vgpu_frame_drop(vram, frame);
			continue;
		}
		if (time_after(jiffies, deadline))
			return ERR_PTR(-ENOMEM);
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
		/* nowhere to store it; or all are held or on their way */
		if (frame && ++failures % FAILURES)
			continue;
		if (frame)
			schedule_timeout_uninterruptible(HZ / 50);
		else
			wait_event_timeout(res->wait, READ_ONCE(res->nr_free) ||
					   READ_ONCE(res->ending) ||
					   READ_ONCE(res->nr_idle),
					   HZ / 50);
	}
}

/* ----------------------------------------------------------- restoring */

bool vgpu_chunk_in_transit(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	bool transit;

	spin_lock(&res->lock);
	transit = chunk->state != VGPU_CHUNK_EVICTED &&
		  chunk->state != VGPU_CHUNK_RESIDENT;
	spin_unlock(&res->lock);
	return transit;
}

static void count_latency(struct vgpu_residency *res, u64 ns)
{
	unsigned int bucket = min_t(unsigned int, ilog2(ns | 1),
				    VGPU_PAGING_BUCKETS - 1);

	lockdep_assert_held(&res->lock);
	res->stats.latency[bucket]++;
}

/*
 * Not when its cgroup has no room for what it would have to give up, and none after
 * some of what it has could be swapped.
 */
static bool may_grow(struct vgpu_bo *bo)
{
	struct vgpu_residency *res = bo->vram->residency;
	unsigned long deadline = jiffies + ROOM_TIMEOUT;

	if (!over_share(bo) || !is_squeezed(bo))
		return true;
	while (!vgpu_tier_has_room(bo->paged->memcg)) {
		if (!READ_ONCE(bo->vram->tier_limit) || READ_ONCE(res->ending) ||
		    time_after(jiffies, deadline) ||
		    fatal_signal_pending(current))
			return false;
		vgpu_sink_kick(res, true);
		schedule_timeout_uninterruptible(HZ / 50);
	}
	WRITE_ONCE(bo->acct->squeezed, false);
	return true;
}

int vgpu_chunk_restore(struct vgpu_chunk *chunk, struct vgpu_block *frame,
		       bool ahead)
{
	struct vgpu_bo *bo = chunk->bo;
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_stored stored;
	int err = PTR_ERR_OR_ZERO(frame);

	if (!err) {
		err = vgpu_chunk_load(chunk, frame);
		if (err) {
			vgpu_frame_free(bo->vram, frame);
			frame = NULL;
		} else {
			/* who is told when a page of it goes bad */
			vgpu_block_set_bo(bo->vram, frame, bo,
					  chunk_offset(chunk));
		}
	}
	vgpu_cold_release(&chunk->stored);
	spin_lock(&res->lock);
	memset(&stored, 0, sizeof(stored));
	if (err) {
		chunk->state = VGPU_CHUNK_EVICTED;
		vgpu_sink_add(res, chunk);
	} else {
		vgpu_thrash_restored(res, chunk, ktime_get_ns());
		swap(stored, chunk->stored);
		chunk->frame = frame;
		chunk->state = VGPU_CHUNK_RESIDENT;
		chunk->holds++;		/* until it is mapped, and used */
		res->stats.resident += VGPU_CHUNK_BYTES;
		res->stats.evicted -= VGPU_CHUNK_BYTES;
		res->stats.restores++;
		res->stats.ahead += ahead;
		res->stats.cold_loads += stored.cold;
		/* without accessed bits nobody could say more of it */
		chunk->ahead = ahead && bo->vram->format->accessed;
	}
	spin_unlock(&res->lock);
	if (!err) {
		vgpu_chunk_account(bo, VGPU_CHUNK_BYTES);
		refresh(chunk);
		/* it is held: nothing of it can be stored again yet */
		vgpu_chunk_drop(chunk, &stored);
	}
	return err;
}

void vgpu_chunk_done(struct vgpu_bo *bo)
{
	struct vgpu_residency *res = bo->vram->residency;

	spin_lock(&res->lock);
	bo->paged->busy--;
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
}

/* Undoes vgpu_chunk_hold(). */
void vgpu_chunk_unhold(struct vgpu_bo *bo, u64 offset)
{
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_chunk *chunk = vgpu_chunk_at(bo, offset);

	spin_lock(&res->lock);
	if (!--chunk->holds)
		vgpu_lru_add(res, chunk);
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
}

/* As vgpu_bo_hold(). @was_there: it was in VRAM before. */
int vgpu_chunk_hold(struct vgpu_bo *bo, u64 offset, bool *was_there)
{
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_chunk *chunk = vgpu_chunk_at(bo, offset);
	struct vgpu_block *frame;
	u64 begin;
	int err;

	*was_there = false;
	for (;;) {
		spin_lock(&res->lock);
		if (chunk->state == VGPU_CHUNK_RESIDENT) {
			vgpu_lru_del(res, chunk);
			chunk->holds++;
			vgpu_ahead_judge(res, chunk, true);
			spin_unlock(&res->lock);
			*was_there = true;
			return 0;
		}
		if (chunk->state == VGPU_CHUNK_EVICTED)
			break;
		spin_unlock(&res->lock);
		err = wait_event_killable(res->wait, !vgpu_chunk_in_transit(res, chunk));
		if (err)
			return -EINTR;
	}
	chunk->state = VGPU_CHUNK_RESTORING;
	vgpu_sink_del(res, chunk);
	bo->paged->busy++;
	spin_unlock(&res->lock);

	begin = ktime_get_ns();
	/* a frame is not kept from others while a disk is waited for */
	err = vgpu_chunk_fetch(chunk);
	if (!err && !may_grow(bo))
		err = -ENOMEM;
	frame = err ? ERR_PTR(err) : get_frame(bo);
	err = vgpu_chunk_restore(chunk, frame, false);
	spin_lock(&res->lock);
	if (err)
		res->stats.restore_failed++;
	else
		count_latency(res, ktime_get_ns() - begin);
	spin_unlock(&res->lock);
	vgpu_chunk_done(bo);
	return err;
}

/**
 * vgpu_bo_evict() - evicts all of a BO that nobody holds
 * @bo: that the caller has a reference to
 *
 * Context: process, with no lock of mem/ held.
 * Return: 0; -ENOMEM or -ENODEV, and some stay; -EOPNOTSUPP: not pageable.
 */
int vgpu_bo_evict(struct vgpu_bo *bo)
{
	struct vgpu_residency *res = bo->vram->residency;
	int err = 0;
	u32 i;

	if (!bo->paged)
		return -EOPNOTSUPP;
	for (i = 0; i < bo->paged->count; i++) {
		struct vgpu_chunk *chunk = &bo->paged->chunk[i];
		struct vgpu_block *frame;

		spin_lock(&res->lock);
		if (chunk->state != VGPU_CHUNK_RESIDENT || chunk->holds ||
		    list_empty(&chunk->lru)) {
			spin_unlock(&res->lock);
			continue;
		}
		vgpu_lru_del(res, chunk);
		chunk->state = VGPU_CHUNK_EVICTING;
		bo->paged->busy++;
		spin_unlock(&res->lock);
		frame = evict(res, chunk, 0);
		if (IS_ERR(frame))
			err = PTR_ERR(frame);
		else
			vgpu_frame_free(bo->vram, frame);
		cond_resched();
	}
	return err;
}

/* ------------------------------------------------------------- moving */

/**
 * vgpu_chunk_move() - the chunk that is in a frame goes to another place
 * @bo: that @frame belongs to, with a reference
 * @frame: not to be looked at until it is known to be the chunk's still
 * @offset: of the chunk
 * @to: page; free
 *
 * Context: process, with no lock of mem/ but vram->defrag.lock held.
 * Return: 0; -EBUSY: it is held, on its way, or the place is taken; -ENOMEM,
 * -ENODEV. It is where it was then.
 */
int vgpu_chunk_move(struct vgpu_bo *bo, struct vgpu_block *frame, u64 offset,
		    u32 to)
{
	struct vgpu_vram *vram = bo->vram;
	struct vgpu_residency *res = vram->residency;
	struct vgpu_chunk *chunk = vgpu_chunk_at(bo, offset);
	struct vgpu_block *place;
	int err = 0;

	place = vgpu_frame_at(vram, to);
	if (IS_ERR(place))
		return PTR_ERR(place);
	spin_lock(&res->lock);
	/* still there, and nobody's business */
	if (chunk->frame != frame || chunk->state != VGPU_CHUNK_RESIDENT ||
	    chunk->holds || list_empty(&chunk->lru)) {
		spin_unlock(&res->lock);
		vgpu_vram_free(vram, place, false);
		return -EBUSY;
	}
	vgpu_lru_del(res, chunk);
	chunk->state = VGPU_CHUNK_MOVING;
	bo->paged->busy++;
	spin_unlock(&res->lock);

	vgpu_bo_take_away(bo, offset, offset + VGPU_CHUNK_BYTES);
	if (vgpu_vram_copy(vram, vgpu_block_addr(place), vgpu_block_addr(frame),
			   VGPU_CHUNK_BYTES)) {
		vgpu_block_set_bo(vram, place, bo, offset);
		vgpu_block_set_bo(vram, frame, NULL, 0);
		swap(place, frame);
	} else {
		err = -ENODEV;
	}
	spin_lock(&res->lock);
	if (!err)
		chunk->frame = frame;
	/* as after an eviction that failed */
	chunk->state = VGPU_CHUNK_RESIDENT;
	vgpu_lru_add(res, chunk);
	spin_unlock(&res->lock);
	refresh(chunk);
	vgpu_vram_free(vram, place, false);
	spin_lock(&res->lock);
	bo->paged->busy--;
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
	return err;
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_evict);
VGPU_EXPORT_IF_KUNIT(vgpu_residency_evict_cold);
