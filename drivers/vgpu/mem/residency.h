/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside mem/: which chunks of pageable BOs are in VRAM. See residency.c.
 */
#ifndef _VGPU_MEM_RESIDENCY_H
#define _VGPU_MEM_RESIDENCY_H

#include "mem_priv.h"
#include "tier.h"

#define VGPU_FRAME_ORDER	(VGPU_CHUNK_SHIFT - VGPU_PAGE_SHIFT)
#define VGPU_FRAME_PAGES	BIT(VGPU_FRAME_ORDER)

enum vgpu_chunk_state {
	VGPU_CHUNK_EVICTED,
	VGPU_CHUNK_RESTORING,
	VGPU_CHUNK_RESIDENT,
	VGPU_CHUNK_EVICTING,
	VGPU_CHUNK_MOVING,	/* from one frame to another */
	VGPU_CHUNK_SINKING,	/* from compressed memory to a file */
};

/**
 * struct vgpu_chunk - 64 KiB of a pageable BO
 * @lru: with its owner, while resident and not held
 * @aged: with the residency, while evicted and in compressed memory
 * @bo: whose
 * @frame: VRAM behind it; NULL when evicted
 * @state: enum vgpu_chunk_state
 * @holds: not to be evicted; resident chunks only
 * @ahead: resident: nobody has asked for it yet
 * @stamp: resident: when it came into @lru, of residency->clock; evicted: how
 *	many evictions there had been then
 * @evictor: evicted: for whom, or 0
 * @stored: evicted: the contents; belongs to who works on the chunk
 */
struct vgpu_chunk {
	struct list_head lru;
	struct list_head aged;
	struct vgpu_bo *bo;
	struct vgpu_block *frame;
	enum vgpu_chunk_state state;
	u32 holds;
	bool ahead;
	u64 stamp;
	u64 evictor;
	struct vgpu_stored stored;
};

/**
 * struct vgpu_ahead - what of a BO is likely to be wanted next, see ahead.c
 * @next: chunk behind the last one that was brought in
 * @run: faults in order so far, if less than it takes
 * @window: chunks to bring in with the next one
 */
struct vgpu_ahead {
	u32 next;
	u32 run;
	u32 window;
};

/**
 * struct vgpu_paged - what makes a BO pageable
 * @memcg: pays for what is evicted; with a reference
 * @file: of chunks that were evicted long ago, see cold.c; NULL until there is one
 * @busy: how many work on its chunks (residency->lock)
 * @sink_failed: last of residency->sink_round in which one could not go to @file
 * @codec: for the next chunks; VGPU_CODECS: to be found by samples
 * @sample: chunks until it is found anew
 * @ahead: what to read ahead (residency->lock)
 * @count: chunks
 * @chunk: all of them
 */
struct vgpu_paged {
	struct mem_cgroup *memcg;
	struct file *file;
	unsigned int busy;
	u32 sink_failed;
	u8 codec;
	u8 sample;
	struct vgpu_ahead ahead;
	u32 count;
	struct vgpu_chunk chunk[];
};

/**
 * struct vgpu_residency - the pageable part of a VRAM
 * @lock: protects the rest, the states of chunks, @busy of BOs
 * @wait: for a chunk to change its state, or a frame to come free
 * @owners: who has pageable memory
 * @nobody: owns that of BOs without an account
 * @nr_idle: resident chunks that nobody holds
 * @clock: goes on with each chunk that becomes one
 * @free: frames without a chunk
 * @nr_free: in @free
 * @nr_frames: in all
 * @min_frames: kept, whatever else wants VRAM
 * @ending: nobody waits for a frame any more; set once
 * @vram: whose
 * @aged: chunks in compressed memory, evicted longest ago first
 * @pressed: tenants without room have to be looked at
 * @sink_round: of taking chunks to files; from 1
 * @sink_rest: jiffies to rest when chunks can't go to files
 * @sink_work: takes chunks to files, see sink.c
 * @tier: where evicted chunks are
 */
struct vgpu_residency {
	spinlock_t lock;		/* protects the rest but tier */
	wait_queue_head_t wait;
	struct list_head owners;
	struct vgpu_mem_owner nobody;
	u32 nr_idle;
	u64 clock;
	struct vgpu_block **free;
	u32 nr_free;
	u32 nr_frames;
	u32 min_frames;
	bool ending;
	struct vgpu_vram *vram;
	struct list_head aged;
	bool pressed;
	u32 sink_round;
	unsigned long sink_rest;
	struct delayed_work sink_work;
	struct vgpu_paging_stats stats;
	struct vgpu_tier tier;
};

/* lru.c: residency->lock held */
void vgpu_lru_init(struct vgpu_residency *res);
void vgpu_lru_enter(struct vgpu_residency *res, const struct vgpu_bo *bo);
void vgpu_lru_leave(struct vgpu_residency *res, const struct vgpu_bo *bo);
void vgpu_lru_add(struct vgpu_residency *res, struct vgpu_chunk *chunk);
void vgpu_lru_del(struct vgpu_residency *res, struct vgpu_chunk *chunk);
struct vgpu_chunk *vgpu_lru_victim(struct vgpu_residency *res);
struct vgpu_mem_owner *vgpu_lru_owner(struct vgpu_residency *res,
				      const struct vgpu_bo *bo);

/* ahead.c: residency->lock held */
void vgpu_ahead_note(struct vgpu_bo *bo, u32 index);
void vgpu_ahead_judge(struct vgpu_residency *res, struct vgpu_chunk *chunk,
		      bool used);

/* contents.c; whoever calls has the chunk in hand, and holds no lock */
int vgpu_chunk_store(struct vgpu_chunk *chunk);
int vgpu_chunk_sink(struct vgpu_chunk *chunk);
/*
 * Before vgpu_chunk_load(), and before a frame is had, since it may wait for a disk;
 * ends with vgpu_cold_release(). 0; -ENOMEM, -EINTR, -ENODEV; -EIO: lost.
 */
int vgpu_chunk_fetch(struct vgpu_chunk *chunk);
int vgpu_chunk_load(struct vgpu_chunk *chunk, struct vgpu_block *frame);
/* Forgets @st, which is or was the chunk's. */
void vgpu_chunk_drop(struct vgpu_chunk *chunk, struct vgpu_stored *st);

/* sink.c */
void vgpu_sink_init(struct vgpu_vram *vram, struct vgpu_residency *res);
void vgpu_sink_fini(struct vgpu_residency *res);
/* residency->lock held: @chunk is EVICTED; it is no more */
void vgpu_sink_add(struct vgpu_residency *res, struct vgpu_chunk *chunk);
void vgpu_sink_del(struct vgpu_residency *res, struct vgpu_chunk *chunk);
/* There is more in compressed memory; @pressed: and its tenant has no room. */
void vgpu_sink_kick(struct vgpu_residency *res, bool pressed);
u64 vgpu_sink_default_limit(void);

/* thrash.c: residency->lock held */
#define VGPU_THRASH_NS		(1 * NSEC_PER_MSEC)
#define VGPU_THRASH_LEVELS	6
#define VGPU_THRASH_WINDOW_NS	(100 * NSEC_PER_MSEC)
#define VGPU_THRASH_BLAMED	16	/* in a window: too many */

void vgpu_thrash_blame(struct vgpu_thrash *th, u64 now);
u64 vgpu_thrash_delay(struct vgpu_thrash *th, u64 now);
bool vgpu_thrash_is_held_back(struct vgpu_residency *res,
			      const struct vgpu_mem_owner *owner);
void vgpu_thrash_restored(struct vgpu_residency *res,
			  const struct vgpu_chunk *chunk, u64 now);

/* Has the tenant all of VRAM that it was promised? */
static inline bool vgpu_acct_has_share(const struct vgpu_mem_account *acct)
{
	return acct && READ_ONCE(acct->resident) + READ_ONCE(acct->fixed) >=
		       READ_ONCE(acct->share);
}

struct vgpu_paged *vgpu_paged_create(struct vgpu_bo *bo);
void vgpu_paged_free(struct vgpu_bo *bo);
u64 vgpu_paged_run(const struct vgpu_bo *bo, u64 offset, u64 *addr);
/* Brings it in, and holds it; @was_there: it was in VRAM before. */
int vgpu_chunk_hold(struct vgpu_bo *bo, u64 offset, bool *was_there);
void vgpu_chunk_unhold(struct vgpu_bo *bo, u64 offset);
/*
 * A chunk that is RESTORING gets @frame, or goes back to what it was if that is
 * an error; it is held then. @ahead: nobody waits for it. vgpu_chunk_done() has
 * to follow.
 */
int vgpu_chunk_restore(struct vgpu_chunk *chunk, struct vgpu_block *frame,
		       bool ahead);
void vgpu_chunk_done(struct vgpu_bo *bo);
int vgpu_chunk_move(struct vgpu_bo *bo, struct vgpu_block *frame, u64 offset,
		    u32 to);
bool vgpu_chunk_in_transit(struct vgpu_residency *res,
			   struct vgpu_chunk *chunk);
void vgpu_chunk_account(struct vgpu_bo *bo, s64 bytes);
int vgpu_frame_move(struct vgpu_vram *vram, u32 first, u32 to);
static inline struct vgpu_chunk *vgpu_chunk_at(const struct vgpu_bo *bo,
					       u64 offset)
{
	return &bo->paged->chunk[offset >> VGPU_CHUNK_SHIFT];
}

static inline struct vgpu_residency *
vgpu_residency_of(const struct vgpu_vram *vram)
{
	/* set once */
	return smp_load_acquire(&vram->residency);
}

void vgpu_frame_free(struct vgpu_vram *vram, struct vgpu_block *frame);
struct vgpu_block *vgpu_frame_take(struct vgpu_residency *res);
struct vgpu_block *vgpu_frame_grow(struct vgpu_vram *vram, u32 margin);
/* A place for a chunk that is to be moved; -EBUSY, -ENOMEM. */
struct vgpu_block *vgpu_frame_at(struct vgpu_vram *vram, u32 first);
void vgpu_frame_drop(struct vgpu_vram *vram, struct vgpu_block *frame);
/* For @owner; NULL: for nobody who could be blamed. */
struct vgpu_block *vgpu_residency_evict_one(struct vgpu_vram *vram,
					    const struct vgpu_mem_owner *owner);
/* For @owner, and of its own; NULL: there is nothing but what is in use. */
struct vgpu_block *vgpu_residency_evict_cold(struct vgpu_vram *vram,
					     const struct vgpu_mem_owner *owner);
/* Evicts until @pages of VRAM are free, if that can be; true: to look again is worth it. */
bool vgpu_residency_shrink(struct vgpu_vram *vram, u64 pages);
void vgpu_residency_unplug(struct vgpu_vram *vram);
void vgpu_residency_destroy(struct vgpu_vram *vram);

#endif /* _VGPU_MEM_RESIDENCY_H */
