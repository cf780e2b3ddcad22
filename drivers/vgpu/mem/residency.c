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
 * RESTORING and EVICTING mean that somebody works on the chunk; it is theirs
 * until they say otherwise, and others wait. So there is no lock held while
 * anything sleeps or allocates: residency->lock is a spinlock around the states
 * and lists.
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
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define CODEC_SAMPLE	64		/* chunks until codecs are tried anew */
#define SECOND_CHANCES	8		/* looked at for one victim */
#define FRAME_TIMEOUT	(10 * HZ)	/* to wait for one */
#define FAILURES	16		/* victims tried between two waits */
#define MARGIN_PART	64		/* of VRAM, left for tables */

static u64 chunk_offset(const struct vgpu_chunk *chunk)
{
	return (u64)(chunk - chunk->bo->paged->chunk) << VGPU_CHUNK_SHIFT;
}

static struct vgpu_chunk *chunk_at(const struct vgpu_bo *bo, u64 offset)
{
	return &bo->paged->chunk[offset >> VGPU_CHUNK_SHIFT];
}

static void account_resident(struct vgpu_bo *bo, s64 bytes)
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

static void walk_refresh(struct vgpu_as *as, struct vgpu_region *region,
			 u64 va, u64 end, void *arg)
{
	vgpu_pt_refresh(as, region, va, end);
}

/* All page tables say what the chunk's state says. */
static void refresh(struct vgpu_chunk *chunk)
{
	u64 lo = chunk_offset(chunk);
	struct vgpu_paged *paged = chunk->bo->paged;

	mutex_lock(&paged->walk_lock);
	vgpu_bo_walk(chunk->bo, lo, lo + VGPU_CHUNK_BYTES, walk_refresh, NULL);
	mutex_unlock(&paged->walk_lock);
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
	struct vgpu_paged *paged = chunk->bo->paged;
	u64 lo = chunk_offset(chunk);
	bool used = false;

	if (!fmt->accessed)
		return false;
	mutex_lock(&paged->walk_lock);
	vgpu_bo_walk(chunk->bo, lo, lo + VGPU_CHUNK_BYTES, walk_used, &used);
	mutex_unlock(&paged->walk_lock);
	return used;
}

/* ------------------------------------------------------------ contents */

/* The pages of a frame. False: the GPU is gone. Under the gate. */
static bool frame_pages(struct vgpu_vram *vram, const struct vgpu_block *frame,
			struct page **page)
{
	unsigned int i;

	if (vgpu_vram_gone(vram))
		return false;
	for (i = 0; i < VGPU_CHUNK_PAGES; i++)
		page[i] = vram->ops->vram_page(vram->hw,
					       vgpu_block_addr(frame) +
					       i * PAGE_SIZE);
	return true;
}

static int store(struct vgpu_chunk *chunk)
{
	struct vgpu_vram *vram = chunk->bo->vram;
	struct vgpu_tier *tier = &vram->residency->tier;
	struct vgpu_paged *paged = chunk->bo->paged;
	struct page *page[VGPU_CHUNK_PAGES];
	struct vgpu_tier_bench *bench;
	u8 sample = READ_ONCE(paged->sample);
	u8 codec = READ_ONCE(paged->codec);
	int err = -ENODEV;
	u32 bytes = 0;
	int idx;

	if (!sample)
		codec = VGPU_CODECS;
	bench = vgpu_tier_take(tier);
	idx = srcu_read_lock(&vram->gate);
	if (frame_pages(vram, chunk->frame, page)) {
		bytes = vgpu_tier_pack(bench, &chunk->stored, page, &codec);
		err = 0;
	}
	srcu_read_unlock(&vram->gate, idx);
	if (!err) {
		/* two at once may both find it, and agree or not: no matter */
		WRITE_ONCE(paged->codec, codec);
		WRITE_ONCE(paged->sample, sample ? sample - 1 :
			   codec < VGPU_CODECS ? CODEC_SAMPLE : 0);
		err = vgpu_tier_keep(tier, bench, &chunk->stored, bytes,
				     paged->memcg);
		if (chunk->bo->acct && is_squeezed(chunk->bo) != (err == -EDQUOT))
			WRITE_ONCE(chunk->bo->acct->squeezed, err == -EDQUOT);
		if (err == -EDQUOT)
			err = over_share(chunk->bo) ?
			      vgpu_tier_keep(tier, bench, &chunk->stored, bytes,
					     NULL) : -ENOMEM;
	}
	vgpu_tier_give(tier, bench);
	if (err)
		memset(&chunk->stored, 0, sizeof(chunk->stored));
	return err;
}

static int load(struct vgpu_chunk *chunk, struct vgpu_block *frame)
{
	struct vgpu_vram *vram = chunk->bo->vram;
	struct vgpu_tier *tier = &vram->residency->tier;
	struct page *page[VGPU_CHUNK_PAGES];
	struct vgpu_tier_bench *bench;
	int err = -ENODEV;
	int idx;

	bench = vgpu_tier_take(tier);
	idx = srcu_read_lock(&vram->gate);
	if (frame_pages(vram, frame, page))
		err = vgpu_tier_load(tier, bench, &chunk->stored, page) ? 0 :
									  -EIO;
	srcu_read_unlock(&vram->gate, idx);
	vgpu_tier_give(tier, bench);
	return err;
}

/* ------------------------------------------------------------ evicting */

/*
 * The next victim, which is the caller's then, or NULL. One that was used
 * since its last turn gets another, if @chances are left.
 */
static struct vgpu_chunk *pick_victim(struct vgpu_residency *res,
				      unsigned int chances)
{
	struct vgpu_chunk *chunk;

	for (;;) {
		bool used;

		spin_lock(&res->lock);
		chunk = vgpu_lru_victim(res);
		if (!chunk) {
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
	int err;

	mutex_lock(&paged->walk_lock);
	if (paged->zap)
		paged->zap(paged->zap_arg, lo, VGPU_CHUNK_BYTES);
	vgpu_bo_walk(bo, lo, lo + VGPU_CHUNK_BYTES, walk_refresh, NULL);
	mutex_unlock(&paged->walk_lock);

	err = store(chunk);
	if (!err)
		vgpu_block_set_bo(bo->vram, chunk->frame, NULL);
	spin_lock(&res->lock);
	frame = chunk->frame;
	if (err) {
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
		res->stats.resident -= VGPU_CHUNK_BYTES;
		res->stats.evicted += VGPU_CHUNK_BYTES;
	}
	spin_unlock(&res->lock);
	if (err) {
		frame = ERR_PTR(err);
		refresh(chunk);
	} else {
		account_resident(bo, -(s64)VGPU_CHUNK_BYTES);
	}
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
	struct vgpu_chunk *victim = pick_victim(res, SECOND_CHANCES);

	return victim ? evict(res, victim, owner ? owner->id : 0) : NULL;
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

static bool in_transit(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	bool transit;

	spin_lock(&res->lock);
	transit = chunk->state == VGPU_CHUNK_RESTORING ||
		  chunk->state == VGPU_CHUNK_EVICTING;
	spin_unlock(&res->lock);
	return transit;
}

static void count_latency(struct vgpu_residency *res, u64 ns)
{
	unsigned int bucket = min_t(unsigned int, ilog2(ns | 1),
				    VGPU_PAGING_BUCKETS - 1);

	lockdep_assert_held(&res->lock);
	res->stats.latency[bucket]++;
	res->stats.restores++;
}

/* Not when its cgroup has no room for what it would have to give up. */
static bool may_grow(struct vgpu_bo *bo)
{
	if (!over_share(bo) || !is_squeezed(bo))
		return true;
	if (!vgpu_tier_has_room(bo->paged->memcg))
		return false;
	WRITE_ONCE(bo->acct->squeezed, false);
	return true;
}

/* @chunk is RESTORING, and ours. */
static int restore(struct vgpu_chunk *chunk)
{
	struct vgpu_bo *bo = chunk->bo;
	struct vgpu_residency *res = bo->vram->residency;
	u64 begin = ktime_get_ns();
	struct vgpu_stored stored;
	struct vgpu_block *frame = ERR_PTR(-ENOMEM);
	int err;

	if (may_grow(bo))
		frame = get_frame(bo);
	err = PTR_ERR_OR_ZERO(frame);
	if (!err) {
		err = load(chunk, frame);
		if (err) {
			vgpu_frame_free(bo->vram, frame);
			frame = NULL;
		} else {
			/* who is told when a page of it goes bad */
			vgpu_block_set_bo(bo->vram, frame, bo);
		}
	}
	spin_lock(&res->lock);
	memset(&stored, 0, sizeof(stored));
	if (err) {
		chunk->state = VGPU_CHUNK_EVICTED;
	} else {
		vgpu_thrash_restored(res, chunk, ktime_get_ns());
		swap(stored, chunk->stored);
		chunk->frame = frame;
		chunk->state = VGPU_CHUNK_RESIDENT;
		chunk->holds++;		/* until it is mapped, and used */
		res->stats.resident += VGPU_CHUNK_BYTES;
		res->stats.evicted -= VGPU_CHUNK_BYTES;
		count_latency(res, ktime_get_ns() - begin);
	}
	spin_unlock(&res->lock);
	if (!err) {
		account_resident(bo, VGPU_CHUNK_BYTES);
		refresh(chunk);
		vgpu_tier_drop(&res->tier, &stored);
	}
	return err;
}

static void unhold_locked(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	lockdep_assert_held(&res->lock);
	if (!--chunk->holds)
		vgpu_lru_add(res, chunk);
}

/* As vgpu_bo_hold(). @was_there: it was in VRAM before. */
static int hold(struct vgpu_bo *bo, struct vgpu_chunk *chunk, bool *was_there)
{
	struct vgpu_residency *res = bo->vram->residency;
	int err;

	*was_there = false;
	for (;;) {
		spin_lock(&res->lock);
		if (chunk->state == VGPU_CHUNK_RESIDENT) {
			vgpu_lru_del(res, chunk);
			chunk->holds++;
			spin_unlock(&res->lock);
			*was_there = true;
			return 0;
		}
		if (chunk->state == VGPU_CHUNK_EVICTED)
			break;
		spin_unlock(&res->lock);
		err = wait_event_killable(res->wait, !in_transit(res, chunk));
		if (err)
			return -EINTR;
	}
	chunk->state = VGPU_CHUNK_RESTORING;
	bo->paged->busy++;
	spin_unlock(&res->lock);

	err = restore(chunk);
	spin_lock(&res->lock);
	if (err)
		res->stats.restore_failed++;
	bo->paged->busy--;
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
	return err;
}

/**
 * vgpu_bo_hold() - brings the memory behind a byte into VRAM, to stay
 * @bo: that the caller has a reference to
 * @offset: of the byte
 *
 * Until vgpu_bo_unhold(), vgpu_bo_page() finds the page. Few may be held for
 * longer than a moment, since they are taken from what everybody shares. Does
 * nothing for BOs that are not pageable.
 *
 * Context: process, with no lock of mem/ held, nor one that the BO's zap
 * callback takes; may evict others. Killable.
 * Return: 0; -EINTR (a fatal signal), -ENOMEM (no VRAM can be made free, for
 * want of system memory), -EFAULT (past the end), -ENODEV, -EIO.
 */
int vgpu_bo_hold(struct vgpu_bo *bo, u64 offset)
{
	bool was_there;

	if (!bo->paged)
		return 0;
	if (offset >= bo->bytes)
		return -EFAULT;
	return hold(bo, chunk_at(bo, offset), &was_there);
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
	struct vgpu_residency *res = bo->vram->residency;

	if (!bo->paged)
		return;
	spin_lock(&res->lock);
	unhold_locked(res, chunk_at(bo, offset));
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_unhold, VGPU);

/**
 * vgpu_bo_pin() - holds a part of a BO for long
 * @bo: that the caller has a reference to
 * @offset: first byte
 * @bytes: length; within the BO
 *
 * What is pinned counts as memory that can't be evicted. Does nothing for BOs
 * that are not pageable.
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
		return 0;
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

	if (!bo->paged)
		return;
	for (at = first; at < end; at += VGPU_CHUNK_BYTES)
		vgpu_bo_unhold(bo, at);
	if (bo->acct)
		vgpu_mem_uncharge_fixed(bo->acct, 0, end - first);
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
	struct vgpu_residency *res = vgpu_residency_of(as->vram);
	struct vgpu_region *region;
	struct vgpu_bo *bo = NULL;
	bool was_there;
	u64 offset = 0;
	int err;

	mutex_lock(&as->lock);
	region = vgpu_region_first(as, va, va + 1);
	if (res && region && region->bo->paged &&
	    (region->prot & access) == access) {
		bo = region->bo;
		offset = region->offset + va - region->va;
		vgpu_bo_get(bo);
	}
	mutex_unlock(&as->lock);
	if (!bo)
		return -EFAULT;

	spin_lock(&res->lock);
	res->stats.faults++;
	spin_unlock(&res->lock);
	err = hold(bo, chunk_at(bo, offset), &was_there);
	if (!err) {
		/* it was mapped while it was on its way, or still is */
		if (was_there)
			refresh(chunk_at(bo, offset));
		vgpu_bo_unhold(bo, offset);
	}
	vgpu_bo_put(bo);
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

/* --------------------------------------------------------- life of a BO */

/* @bo->bytes is set, a multiple of chunks. Nothing takes VRAM yet. */
struct vgpu_paged *vgpu_paged_create(struct vgpu_bo *bo)
{
	struct vgpu_residency *res = vgpu_residency_of(bo->vram);
	u64 count = bo->bytes >> VGPU_CHUNK_SHIFT;
	struct vgpu_paged *paged;
	u32 i;

	if (count > U32_MAX)
		return ERR_PTR(-EINVAL);
	paged = kvzalloc(struct_size(paged, chunk, count),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!paged)
		return ERR_PTR(-ENOMEM);
	mutex_init(&paged->walk_lock);
	paged->memcg = get_mem_cgroup_from_mm(current->mm);
	paged->codec = VGPU_CODECS;
	paged->count = count;
	for (i = 0; i < count; i++) {
		INIT_LIST_HEAD(&paged->chunk[i].lru);
		paged->chunk[i].bo = bo;
		paged->chunk[i].state = VGPU_CHUNK_EVICTED;
	}
	spin_lock(&res->lock);
	res->stats.evicted += bo->bytes;
	vgpu_lru_enter(res, bo);
	spin_unlock(&res->lock);
	return paged;
}

static bool is_busy(struct vgpu_residency *res, struct vgpu_paged *paged)
{
	bool busy;

	spin_lock(&res->lock);
	busy = paged->busy;
	spin_unlock(&res->lock);
	return busy;
}

/* The last reference is gone: nobody maps it, but some may be on its way. */
void vgpu_paged_free(struct vgpu_bo *bo)
{
	struct vgpu_paged *paged = bo->paged;
	struct vgpu_vram *vram = bo->vram;
	struct vgpu_residency *res = vram->residency;
	u64 resident = 0;
	u32 i;

	for (i = 0; i < paged->count; i++) {
		struct vgpu_chunk *chunk = &paged->chunk[i];
		struct vgpu_block *frame = NULL;

		/* one that is let go of unevicted may become a victim anew */
		for (;;) {
			spin_lock(&res->lock);
			if (chunk->state == VGPU_CHUNK_RESIDENT ||
			    chunk->state == VGPU_CHUNK_EVICTED)
				break;
			spin_unlock(&res->lock);
			wait_event(res->wait, !in_transit(res, chunk));
		}
		vgpu_lru_del(res, chunk);
		frame = chunk->frame;
		chunk->frame = NULL;
		chunk->state = VGPU_CHUNK_EVICTED;
		if (frame) {
			resident += VGPU_CHUNK_BYTES;
			res->stats.resident -= VGPU_CHUNK_BYTES;
		} else {
			res->stats.evicted -= VGPU_CHUNK_BYTES;
		}
		spin_unlock(&res->lock);
		if (frame) {
			/* before the BO goes: vgpu_vram_bo_at() asks for it */
			vgpu_block_set_bo(vram, frame, NULL);
			vgpu_frame_free(vram, frame);
		} else {
			vgpu_tier_drop(&res->tier, &chunk->stored);
		}
		cond_resched();
	}
	/* whoever worked on a chunk has yet to say that it is done */
	wait_event(res->wait, !is_busy(res, paged));
	account_resident(bo, -(s64)resident);
	spin_lock(&res->lock);
	vgpu_lru_leave(res, bo);
	spin_unlock(&res->lock);
	mem_cgroup_put(paged->memcg);
	mutex_destroy(&paged->walk_lock);
	kvfree(paged);
}

/*
 * The VRAM behind @offset, or VGPU_ADDR_NONE, and for how many bytes that
 * goes on.
 */
u64 vgpu_paged_run(const struct vgpu_bo *bo, u64 offset, u64 *addr)
{
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_chunk *chunk = chunk_at(bo, offset);
	u64 in = offset & (VGPU_CHUNK_BYTES - 1);

	spin_lock(&res->lock);
	*addr = chunk->state == VGPU_CHUNK_RESIDENT ?
		vgpu_block_addr(chunk->frame) + in : VGPU_ADDR_NONE;
	spin_unlock(&res->lock);
	return VGPU_CHUNK_BYTES - in;
}

/**
 * vgpu_bo_is_pageable() - may it be evicted?
 * @bo: what
 */
bool vgpu_bo_is_pageable(const struct vgpu_bo *bo)
{
	return bo->paged;
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_is_pageable, VGPU);

/**
 * vgpu_bo_set_zap() - how to take pages away from the CPU
 * @bo: pageable or not
 * @zap: called before memory is evicted; NULL: nobody maps it. On return no
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
	if (!bo->paged)
		return;
	mutex_lock(&bo->paged->walk_lock);
	bo->paged->zap = zap;
	bo->paged->zap_arg = arg;
	mutex_unlock(&bo->paged->walk_lock);
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_pin);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_unpin);
VGPU_EXPORT_IF_KUNIT(vgpu_as_fault_in);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_evict);
VGPU_EXPORT_IF_KUNIT(vgpu_bo_set_zap);
