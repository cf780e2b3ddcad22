/* SPDX-License-Identifier: GPL-2.0 */
/* Engines, and what vGPUs have on them. */
#ifndef _VGPU_CORE_ENGINE_H
#define _VGPU_CORE_ENGINE_H

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <vgpu/backend.h>
#include <vgpu/ctx.h>
#include <vgpu/lines.h>
#include <vgpu/sched.h>

#include "../hist.h"
#include "preload.h"
#include "slice.h"

struct vgpu_ctx;
struct vgpu_gpu;
struct vgpu_instance;
struct vgpu_queue;

enum vgpu_engine_state {
	VGPU_ENGINE_IDLE,	/* stopped, nothing to do */
	VGPU_ENGINE_RUNNING,	/* from run() to its answer */
	VGPU_ENGINE_RESETTING,	/* being stopped by force */
	VGPU_ENGINE_DEAD,	/* its GPU is gone */
};

/**
 * struct vgpu_engine - runs one context at a time
 * @gpu: whose
 * @index: which
 * @units: mask of the compute units it has; changes under gpu->lock, while it
 *	is held
 * @lock: everything below, and the queues and contexts that feed it
 * @rq: entities that wait
 * @state: enum vgpu_engine_state
 * @cookie: of the run() in progress; answers to others are stale
 * @entity: that runs, with its @ctx
 * @ctx: that runs
 * @loaded: whose state is in the hardware (its job may be midway)
 * @sw: how it gets from one to the next
 * @preload: who is likely next, see preload.h
 * @resched: give the engine to somebody else at the next stop
 * @stopping: preempt() was called for this run
 * @overtaken: because another queue of the same vGPU comes first
 * @turns: changes of context in this slice
 * @gathering: entities with nothing but batch lines that are not ready yet
 * @asked: engine clock when it was called first
 * @overdue: how often @hang_timer went off since
 * @stop_hist: from then until the engine stopped, engine time
 * @stop_max: longest of these
 * @waits: from acceptance of a command to its first run, since the monitor looked
 * @slice_ns: engine time of the slice
 * @slice_clock: engine clock when it began
 * @slice_from: when it began, ktime ns
 * @slice_end: when to see whether it is over, ktime ns
 * @held: nothing is started
 * @started: engine clock when run() was called
 * @charged: of the service since then, ns
 * @slice_timer: end of slice, or time limit
 * @hang_timer: answer to preempt() is overdue
 * @reset_work: forces the stop
 * @wait: woken whenever it stops
 */
struct vgpu_engine {
	struct vgpu_gpu *gpu;
	unsigned int index;
	u64 units;
	spinlock_t lock;		/* everything below */
	struct vgpu_rq rq;
	enum vgpu_engine_state state;
	u64 cookie;
	struct vgpu_entity *entity;
	struct vgpu_ctx *ctx;
	struct vgpu_ctx *loaded;
	struct vgpu_switch sw;
	struct vgpu_preload preload;
	bool resched;
	bool stopping;
	bool overtaken;
	unsigned int turns;
	struct list_head gathering;
	u64 asked;
	unsigned int overdue;
	struct vgpu_hist stop_hist;
	u64 stop_max;
	struct vgpu_hist waits;
	u64 slice_ns;
	u64 slice_clock;
	u64 slice_from;
	unsigned int held;		/* how often */
	u64 slice_end;
	u64 started;
	u64 charged;
	struct hrtimer slice_timer;
	struct hrtimer hang_timer;
	struct work_struct reset_work;
	wait_queue_head_t wait;
	u64 switches;
	u64 preemptions;
	u64 resets;
	u64 jobs;
	u64 stale_events;
	u64 sample_service;		/* gpu->lock */
	u64 switch_ns;			/* saving, clearing, loading */
	u64 idle_ns;			/* nothing ran */
	u64 idle_since;			/* ktime ns, 0: something runs */
	u64 ejections;			/* also of groups' policies */
};

/**
 * struct vgpu_entity - an instance on an engine
 * @se: what the policy sees
 * @lines: its queues that have something to run, but the one that runs
 * @gathers: in engine->gathering, or empty
 * @gather_timer: then: until when
 * @contexts: of its, how many there are
 * @paused: not to be scheduled: life cycle
 * @frozen: nor are commands done that need no engine: it is being saved, or restored
 * @throttled: not to be scheduled: out of bandwidth
 * @barred: not to be scheduled: another owner has the GPU, see serial.h
 * @pace: wall time of its last slice for engine time of 1024, up to that;
 *	0: unknown
 * @strikes: hangs without a command done in between
 * @active_ns: CLOCK_BOOTTIME of the last completion
 * @ctx_stats: switches of its contexts
 * @wait_hist: from acceptance of a command to its first run
 * @queue_hist: waits in the run queue
 * @wake_hist: of these, the first after having had no work
 * @woken_at: when it got work again, ktime ns; 0: it was served since
 * @sample_run: service when last sampled (gpu->lock), likewise
 * @sample_entitled: what it was entitled to
 *
 * Fields are under engine->lock, where not noted.  @engine changes under
 * gpu->lock and inst->lock, while there are neither clients nor contexts.
 */
struct vgpu_entity {
	struct vgpu_se se;
	struct vgpu_instance *inst;
	struct vgpu_engine *engine;
	struct vgpu_lines lines;
	struct list_head gathers;
	struct hrtimer gather_timer;
	unsigned int contexts;
	bool paused;
	bool frozen;
	bool throttled;
	bool barred;
	u32 pace;
	u32 strikes;
	u64 active_ns;
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 faults;
	u64 resets;
	u64 switches;
	struct vgpu_ctx_stats ctx_stats;
	struct vgpu_hist wait_hist;
	struct vgpu_hist queue_hist;
	struct vgpu_hist wake_hist;
	u64 woken_at;
	u64 sample_run;
	u64 sample_entitled;
	u64 mon_run;			/* likewise, by the monitor */
	u64 mon_entitled;
};

/* How many compute units it has. */
static inline unsigned int vgpu_engine_units(const struct vgpu_engine *e)
{
	return hweight64(READ_ONCE(e->units));
}

int vgpu_engine_init(struct vgpu_engine *e, struct vgpu_gpu *gpu,
		     unsigned int index);
void vgpu_engine_fini(struct vgpu_engine *e);
/* Process context: stops it for good; every context on it is dropped. */
void vgpu_engine_kill(struct vgpu_engine *e);
/* Lock held: asks whatever runs to stop soon. */
void vgpu_engine_preempt_locked(struct vgpu_engine *e);
/*
 * Lock held: one that woke up is to have the engine, at once or when who runs has
 * had what it may keep: then its slice ends there, sooner than it would.
 */
void vgpu_engine_yield_locked(struct vgpu_engine *e, u64 now);
/* Lock held: what runs is charged up to now, so that policies can compare. */
void vgpu_engine_charge_locked(struct vgpu_engine *e);
/*
 * Lock held: what ran stopped: @midway with the command unfinished, else it ended with
 * @error.  @service: engine time since it was started, ns; @bytes: that it moved.
 */
void vgpu_engine_stopped_locked(struct vgpu_engine *e, u64 service, u64 bytes,
				bool midway, int error);
/*
 * Process context, gpu->lock held: stops it, bounded by the preempt timeout
 * (a command that does not stop by then fails with a reset); saves what is midway.  Until
 * it is released it starts nothing.
 */
void vgpu_engine_hold(struct vgpu_engine *e);
void vgpu_engine_release(struct vgpu_engine *e);
/* Process context: what is left of @inst, paused, in the engine is saved. */
void vgpu_engine_unload(struct vgpu_engine *e, struct vgpu_instance *inst);
/* Lock held: settings changed, so what was held back may run now. */
void vgpu_engine_kick_locked(struct vgpu_engine *e);
/* A callback of vgpu_rq, also for those of groups. */
void vgpu_engine_ejected(struct vgpu_rq *rq, const char *policy,
			 const char *reason);
void vgpu_engine_get_info(struct vgpu_engine *e, struct vgpu_engine_info *info);
/* Adds what it switched to @sum. */
void vgpu_engine_get_switched(struct vgpu_engine *e,
			      struct vgpu_switch_stats *sum);
void vgpu_engine_fault_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx,
			      const struct vgpu_hw_event *ev);

/* --------------------------------------------------------------- hang.c */

/* So many timeouts make an engine whose clock stands still a dead one. */
#define VGPU_ENGINE_DEAD_AFTER	4

/**
 * vgpu_engine_hangs() - does an engine that was asked to stop ignore it?
 * @ran: engine time since it was asked, ns
 * @timeout: the GPU's preempt timeout, ns
 * @overdue: how many of these went by, at least 1
 *
 * A software engine needs the host's CPUs to get as far as to hear of it.  As long as its
 * clock stands still nothing says that the command is at fault, and it is not blamed for
 * a host that was busy; until it is too long for that.
 */
static inline bool vgpu_engine_hangs(u64 ran, u64 timeout, unsigned int overdue)
{
	return ran >= timeout / 64 || overdue >= VGPU_ENGINE_DEAD_AFTER;
}

void vgpu_hang_init(struct vgpu_engine *e);
/*
 * Lock held: from now on nothing but a reset touches the hardware: what is in the spare
 * bank is given up here, so that nobody wants to clear it meanwhile.
 */
void vgpu_hang_begin_locked(struct vgpu_engine *e);

/* ------------------------------------------------------------- cancel.c */

/*
 * Lock held: ends with @error what @q has midway or running, if it is command @last or one
 * before it.  true: it still runs, and ends when the engine says that it stopped.
 */
bool vgpu_engine_end_locked(struct vgpu_queue *q, u64 last, int error);
/*
 * Process context: ends what @q has midway or running with @error; returns
 * when no engine has it.
 */
void vgpu_engine_cancel(struct vgpu_engine *e, struct vgpu_queue *q, int error);
/* Process context: @ctx is about to be freed; it has no queues. */
void vgpu_engine_forget(struct vgpu_engine *e, struct vgpu_ctx *ctx);
/* Lock held: ends what @ctx has midway and no engine runs. */
void vgpu_engine_end_midway_locked(struct vgpu_ctx *ctx, int error);

/* ------------------------------------------------------------- entity.c */

void vgpu_entity_init(struct vgpu_entity *ent, struct vgpu_instance *inst,
		      struct vgpu_engine *e);
void vgpu_entity_fini(struct vgpu_entity *ent);
/* One more context; vgpu_engine_forget() is one less. */
void vgpu_entity_add_context(struct vgpu_entity *ent);
/*
 * Process context. Pausing returns when it is off the engine, but on one
 * that cannot preempt: there the command that runs ends first.
 */
void vgpu_entity_pause(struct vgpu_entity *ent, bool paused);

/* The engine's lock is held in all that follow. */

/* It is paused or throttled by now: off the run queue, and the engine is asked to stop. */
void vgpu_entity_halt_locked(struct vgpu_entity *ent);

/* It may have something to run. */
void vgpu_entity_unblock_locked(struct vgpu_entity *ent);
/* Has it? If it only has what is to be gathered, that begins. */
bool vgpu_entity_ready_locked(struct vgpu_entity *ent, u64 now);
/*
 * Whose command is next, or NULL.  It waits until vgpu_line_leave(), unless it is
 * the one midway of a queue that was closed.  @loaded: the context, of the entity,
 * whose slice goes on, or NULL: it stays if nothing but turns speaks against it.
 */
struct vgpu_queue *vgpu_entity_next_locked(struct vgpu_entity *ent,
					   struct vgpu_ctx *loaded, u64 now);
/* It runs: would another queue that waits be next if it was put back now? */
bool vgpu_entity_rival_locked(struct vgpu_entity *ent, u64 now);
/* The engine would be idle: true: one that gathered has been woken. */
bool vgpu_entity_gathered_locked(struct vgpu_engine *e, u64 now);
/* A command of @q ran for @service more. */
void vgpu_entity_charge_locked(struct vgpu_entity *ent,
			       const struct vgpu_queue *q, u64 service, u64 now);
/*
 * Does what needs no engine at its head, in bounds; true: the head needs it, and
 * @q waits from now on.  @again: it was served just now.
 */
bool vgpu_queue_line_up_locked(struct vgpu_queue *q, bool again,
			       unsigned int *budget, u64 now);
/* The class of @q, or what it waits with, has changed. */
void vgpu_queue_reconsider_locked(struct vgpu_queue *q);
/* @q, or any queue of @ctx, may have something for the engine. */
void vgpu_queue_wake_locked(struct vgpu_queue *q);
void vgpu_ctx_wake_locked(struct vgpu_ctx *ctx);
/* No queue of @ctx waits for the engine any more. */
void vgpu_ctx_leave_locked(struct vgpu_ctx *ctx, u64 now);
/* A command that ran ended; @q has lined up again if it has more. */
void vgpu_queue_ended_locked(struct vgpu_queue *q, u64 accepted, u64 deadline,
			     int error, u64 now);

/* ------------------------------------------------------------- paging.c */

/*
 * Lock held: true: @ctx's command is to stop midway, since its memory is on its
 * way, or since it is to be killed.
 */
bool vgpu_paging_begin_locked(struct vgpu_ctx *ctx,
			      const struct vgpu_hw_event *ev);
void vgpu_paging_work(struct work_struct *work);
/* What an instance needs to wait for memory. 0, -ENOMEM. */
int vgpu_paging_init(struct vgpu_instance *inst);
/* No context is left. Sleeps. */
void vgpu_paging_fini(struct vgpu_instance *inst);
/* gpu->lock held: faults that memory on its way causes can wait from now on. */
void vgpu_paging_enable(struct vgpu_gpu *gpu);
/* A queue of @ctx was cancelled: waits until nothing is on its way for it. */
void vgpu_paging_cancelled(struct vgpu_ctx *ctx);
/* The over-commit ratio, permille; what all quotas together may be, bytes. */
int vgpu_gpu_set_overcommit_locked(struct vgpu_gpu *gpu, u32 permille);
u64 vgpu_gpu_capacity(const struct vgpu_gpu *gpu);
/* What of @limit is in VRAM whatever others do; U64_MAX: all. */
u64 vgpu_gpu_share(const struct vgpu_gpu *gpu, u64 limit);

#endif /* _VGPU_CORE_ENGINE_H */
