/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of the core, and who protects what.
 *
 * Locks, outermost first:
 *
 *   access_lock (rwsem)       rules of access, see access.c
 *   registry_lock (mutex)     list of GPUs and of faces; held while faces are
 *                             told of GPUs
 *   gpu->lock (mutex)         list of instances, what is committed to them,
 *                             settings, which engine has which units
 *   inst->lock (mutex)        state, quotas, list of clients
 *   client->lock (mutex)      handles
 *   shares.lock, share->lock (mutex) see share.h
 *   [mem/'s locks]
 *   mapping invalidate lock   aperture against page faults
 *   shpages->lock (spin)      doorbells in use
 *   engine->lock (spin, irq)  run queue, contexts, queues, what runs
 *   timeline->lock (spin, irq) value and waiters
 *   gpu->ecc_lock (spin, irq) bad pages not retired yet
 *   inst->stat_lock (spin, irq) bandwidth tokens, figures of several engines
 *
 * The unplug gate (SRCU) is entered before any of them by whoever may call
 * a backend operation in process context.  Engine events come in without a
 * lock of ours and take engine->lock.  Nothing sleeps or allocates for a
 * tenant under the spinlocks.
 */
#ifndef _VGPU_CORE_PRIV_H
#define _VGPU_CORE_PRIV_H

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <vgpu/backend.h>
#include <vgpu/ctx.h>
#include <vgpu/face.h>
#include <vgpu/governor.h>
#include <vgpu/lines.h>

#include "access.h"
#include "filter.h"
#include "preload.h"
#include "share.h"
#include "slice.h"
#include "tidy.h"
#include <vgpu/mem.h>
#include <vgpu/sched.h>

#define VGPU_MAX_GPUS		16
#define VGPU_MAX_CLIENTS	256	/* of one instance */
#define VGPU_MAX_HANDLES	16384	/* of one client */
#define VGPU_MAX_QUEUES		64	/* of one context */
#define VGPU_MAX_EVENTFDS	256	/* that wait for one timeline */
#define VGPU_QUEUE_DEPTH	256
#define VGPU_QUEUE_DEPTH_MAX	1024
#define VGPU_TURN		100	/* commands served before others get a turn */
#define VGPU_SLICE_TURNS	8	/* changes of context within a slice */
#define VGPU_DEADLINE_MAX_NS	(24ULL * 3600 * NSEC_PER_SEC)
#define VGPU_PRESSURE_PERCENT	80
#define VGPU_ECC_PENDING	64	/* bad pages of one GPU at once */
#define VGPU_MAX_STRIKES	8	/* hangs in a row until an instance is failed */
#define VGPU_OVERCOMMIT_MAX	8000	/* permille */
#define VGPU_HOST_BO_FIRST	BIT_ULL(40)
#define VGPU_HOST_BO_LAST	(BIT_ULL(44) - 1)

#define VGPU_PREEMPT_TIMEOUT_MIN_NS	(1ULL * NSEC_PER_MSEC)
#define VGPU_PREEMPT_TIMEOUT_NS		(1ULL * NSEC_PER_SEC)
#define VGPU_PREEMPT_TIMEOUT_MAX_NS	(60ULL * NSEC_PER_SEC)

struct vgpu_ctx;
struct vgpu_queue;
struct vgpu_timeline;

/* ------------------------------------------------------------- hist.c */

/* Latencies from 256 ns to about 18 minutes, eight steps an octave. */
#define VGPU_HIST_BUCKETS	256

struct vgpu_hist {
	u64 count;
	u64 sum;
	u32 bucket[VGPU_HIST_BUCKETS];
};

void vgpu_hist_add(struct vgpu_hist *h, u64 ns);
u64 vgpu_hist_percentile(const struct vgpu_hist *h, unsigned int permille);
void vgpu_hist_merge(struct vgpu_hist *to, const struct vgpu_hist *from);
/* By octaves, for people and programs. */
void vgpu_hist_fold(const struct vgpu_hist *h, struct vgpu_latency *out);

/* ------------------------------------------------------------- engine */

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
 * @stop_hist: from then until the engine stopped, engine time
 * @stop_max: longest of these
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
	struct vgpu_hist stop_hist;
	u64 stop_max;
	u64 slice_ns;
	u64 slice_clock;
	u64 slice_from;
	bool held;
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
 * @throttled: not to be scheduled: out of bandwidth
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
	bool throttled;
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
 * Process context: ends what @q has midway or running with @error; returns
 * when no engine has it.
 */
void vgpu_engine_cancel(struct vgpu_engine *e, struct vgpu_queue *q, int error);
/* Process context: @ctx is about to be freed; it has no queues. */
void vgpu_engine_forget(struct vgpu_engine *e, struct vgpu_ctx *ctx);
/*
 * Process context, gpu->lock held: stops it, bounded by the preempt timeout
 * (who does not stop by then is reset and fails); saves what is midway.  Until
 * it is released it starts nothing.
 */
void vgpu_engine_hold(struct vgpu_engine *e);
void vgpu_engine_release(struct vgpu_engine *e);
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

/* ---------------------------------------------------------------- GPU */

/**
 * struct vgpu_partition - part of a GPU that is scheduled by itself
 * @engines: it owns: those that are shared, then the spare ones
 * @vram: it owns
 * @units: of each engine, before any are taken or given
 *
 * A GPU that is not partitioned has one, which is the whole.
 */
struct vgpu_partition {
	unsigned int nr_engines;
	struct vgpu_engine *engines;
	struct vgpu_vram *vram;
	unsigned int units;
};

/* Beside the modes, which can be fixed. */
#define VGPU_GOVERNOR_AUTO	VGPU_GOV_MODES
#define VGPU_GOVERNOR_OFF	(VGPU_GOV_MODES + 1)

/* Figures of an engine as of a moment. */
struct vgpu_governor_mark {
	u64 now_ns;
	u64 idle_ns;
	u64 switch_ns;
	u64 switches;
};

/**
 * struct vgpu_governor - see governor.c; under gpu->lock
 * @gov: what it knows and chose
 * @setting: a mode, VGPU_GOVERNOR_AUTO or _OFF; also read without the lock
 * @work: takes the next sample
 * @paused: nothing ran in the last period, so none was armed
 * @sampled_ns: when the last one was taken
 * @samples: taken so far
 * @mark: of each engine, as of then
 */
struct vgpu_governor {
	struct vgpu_gov gov;
	int setting;
	struct delayed_work work;
	bool paused;
	u64 sampled_ns;
	u64 samples;
	struct vgpu_governor_mark mark[VGPU_MAX_ENGINES];
};

struct vgpu_gpu {
	struct kref ref;
	u32 index;
	struct vgpu_hw_desc desc;
	char name[VGPU_NAME_LEN];
	char driver[VGPU_NAME_LEN];
	struct device *dev;
	const struct vgpu_backend_ops *ops;
	void *hw;
	struct module *owner;
	bool unplugged;
	struct mutex lock;		/* instances, committed, settings */
	struct list_head instances;
	unsigned int nr_instances;
	u64 committed;
	u32 overcommit;			/* permille of VRAM, 1000: none */
	struct vgpu_type types[VGPU_MAX_TYPES];
	unsigned int nr_types;
	struct vgpu_partition whole;
	u64 slice_ns;				/* in force */
	u64 own_slice_ns;			/* set by hand, or 0 */
	u64 threshold_ns;			/* in force */
	u64 preempt_timeout_ns;
	u32 switching;				/* VGPU_SWITCH_* */
	u32 max_contexts;
	struct vgpu_governor governor;
	struct vgpu_tidy tidy;
	const struct vgpu_policy *policy;
	struct list_head tenants;
	bool nested;				/* tenants count, see tenant.c */
	struct ida asids;
	atomic_t nr_contexts;
	atomic_t last_context;			/* ids, from 1 */
	struct workqueue_struct *wq;
	bool paging;				/* contexts wait for memory; for good */
	struct delayed_work sample_work;
	struct llist_head woken;		/* queues whose wait is over */
	struct work_struct woken_work;
	spinlock_t ecc_lock;			/* what follows */
	unsigned int ecc_count;
	u64 ecc_page[VGPU_ECC_PENDING];		/* bad, not retired yet */
	struct work_struct ecc_work;
};

static inline u64 vgpu_engine_clock(const struct vgpu_engine *e)
{
	return e->gpu->ops->clock(e->gpu->hw, e->index);
}

extern struct srcu_struct vgpu_unplug_srcu;

/* ecc.c. Any context: the page of VRAM at @addr went bad. */
void vgpu_ecc_event(struct vgpu_gpu *gpu, u64 addr);
void vgpu_ecc_init(struct vgpu_gpu *gpu);

/* Enters the unplug gate; false: the GPU is gone, nothing was entered. */
bool vgpu_gpu_enter(struct vgpu_gpu *gpu, int *idx);
void vgpu_gpu_leave(int idx);
void vgpu_gpu_sample_soon(struct vgpu_gpu *gpu);
/* gpu->lock held: slice and threshold in force, to every engine. */
void vgpu_gpu_apply_slices(struct vgpu_gpu *gpu);

/* governor.c; gpu->lock is held where not noted. */
void vgpu_governor_init(struct vgpu_gpu *gpu);
/* Any context, no lock: an engine got work. */
void vgpu_governor_arm(struct vgpu_gpu *gpu);
/* Any context: what can be set, or -ENOENT. */
int vgpu_governor_parse(const char *name);
void vgpu_governor_set(struct vgpu_gpu *gpu, int setting);
/* Works out what is in force; vgpu_gpu_apply_slices() follows. */
void vgpu_governor_shape(struct vgpu_gpu *gpu);
void vgpu_governor_get_info(struct vgpu_gpu *gpu,
			    struct vgpu_governor_info *info);

/* ----------------------------------------------------------- instance */

struct vgpu_instance {
	struct kref ref;
	struct list_head link;			/* gpu->instances */
	u32 id;
	uuid_t uuid;
	u32 flags;
	struct vgpu_gpu *gpu;
	const struct vgpu_type *type;
	struct workqueue_struct *page_wq;	/* waits for memory */
	struct mutex lock;		/* state, quotas, clients, entities */
	enum vgpu_state state;
	bool added;				/* faces know of it */
	bool gone;				/* destroyed, references remain */
	u32 weight;
	u32 priority;
	u32 cap;
	u64 slice_ns;				/* its own, or 0 */
	struct vgpu_tenant *tenant;	/* gpu->lock and inst->lock, or NULL */
	struct list_head clients;
	unsigned int nr_clients;
	struct vgpu_mem_account acct;
	atomic64_t pinned;			/* pages of programs, see user.c */
	struct vgpu_filter filter;
	struct vgpu_shares shares;		/* see share.h */
	u64 aperture_bytes;
	struct maple_tree aperture;		/* page of mmap_offset -> vgpu_bo_obj */
	unsigned long aperture_next[2];		/* VRAM, host: where to place next */
	struct file *file;
	struct work_struct reap_work;
	struct delayed_work unthrottle_work;
	u64 created_ns;
	u64 thrash_told;		/* events of it: which was told */
	u64 thrash_quiet;		/* and until when none is, jiffies */

	spinlock_t stat_lock;		/* what follows */
	u64 bandwidth;				/* bytes a second, 0: no limit */
	s64 tokens;				/* bytes it may copy now */
	u64 tokens_at;				/* ktime ns of the last refill */
	u64 copied_bytes;
	u64 throttled_ns;
	u64 throttled_at;
	u32 received_permille;
	u32 entitled_permille;

	/*
	 * The engine that it has for itself, or NULL: it shares.  With one of
	 * its own it has one entity, else one on each that is shared.
	 */
	struct vgpu_engine *own;
	unsigned int nr_entities;
	struct vgpu_entity entity[];
};

/* -------------------------------------------- tenant.c, settings.c */

/**
 * struct vgpu_tenant - vGPUs that share one weight
 * @link: gpu->tenants
 * @name: as people call it
 * @weight: of all together
 * @members: instances that belong to it, also those that are going
 * @on: the group on each engine that is shared, while gpu->nested
 *
 * Fields are under gpu->lock, but that the engines' locks protect @on.
 */
struct vgpu_tenant {
	struct list_head link;
	char name[VGPU_NAME_LEN];
	u32 weight;
	unsigned int members;
	struct vgpu_group on[];
};

/* gpu->lock held. Finds or makes it and counts a member; NULL: no memory. */
struct vgpu_tenant *vgpu_tenant_get(struct vgpu_gpu *gpu, const char *name);
/* gpu->lock held. @tenant may be NULL. */
void vgpu_tenant_put(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant);
/* gpu->lock held: the entities of @inst, if it shares, move to its tenant. */
void vgpu_tenant_enter(struct vgpu_instance *inst);
/* gpu->lock held: weight, or priority of members, changed. */
void vgpu_tenant_changed(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant);
/* gpu->lock held: every run queue of @gpu gets gpu->policy. Cannot fail. */
void vgpu_tenants_set_policy(struct vgpu_gpu *gpu);
/* Fills @why, if there is one; returns @err. */
__printf(4, 5)
int vgpu_refuse(struct vgpu_refusal *why, u32 field, int err, const char *fmt,
		...);
bool vgpu_quota_ok(u32 weight, u32 priority, u64 mbps);

/* Takes it off its GPU; users keep what is left by their references. */
void vgpu_instance_remove(struct vgpu_instance *inst);
/* Stops everything of an instance; its clients get @error from then on. */
void vgpu_instance_kill(struct vgpu_instance *inst, enum vgpu_state state,
			int error);
/* Atomic: mediation gave up on it. */
void vgpu_instance_fail(struct vgpu_instance *inst);
/* bandwidth.c, atomic: takes tokens; false: in debt, throttle it. */
bool vgpu_bandwidth_take(struct vgpu_instance *inst, u64 bytes);
/* Nanoseconds until the debt is paid. */
u64 vgpu_bandwidth_debt_ns(struct vgpu_instance *inst);
void vgpu_bandwidth_set(struct vgpu_instance *inst, u64 mbps);
void vgpu_bandwidth_unthrottle(struct work_struct *work);
/* Atomic, an engine's lock held: no turns until the debt is paid. */
void vgpu_bandwidth_throttle(struct vgpu_instance *inst);

/* units.c; gpu->lock is held in all of these. */
/*
 * @count compute units of its own, or 0: it shares.  inst->lock is held too.
 * -EOPNOTSUPP, -ERANGE, -EBUSY (in use), -ENOSPC, or what the backend says;
 * then nothing has changed.
 */
int vgpu_units_set(struct vgpu_instance *inst, unsigned int count);
/* It is about to be freed. */
void vgpu_units_give_back(struct vgpu_instance *inst);
/* How many a vGPU could get now. */
unsigned int vgpu_units_free(struct vgpu_gpu *gpu);
/* Of its own; 0: it shares.  gpu->lock or inst->lock, or a client is open. */
unsigned int vgpu_units_own(const struct vgpu_instance *inst);
/* That serve it at most, likewise. */
unsigned int vgpu_units_serving(const struct vgpu_instance *inst);

/* ------------------------------------------------------------- client */

enum vgpu_obj_type {
	VGPU_OBJ_BO = 1,
	VGPU_OBJ_VM,
	VGPU_OBJ_CTX,
	VGPU_OBJ_QUEUE,
	VGPU_OBJ_TIMELINE,
};

/**
 * struct vgpu_obj - head of everything that has a handle
 * @ref: the handle's, and those of who needs it
 * @type: enum vgpu_obj_type
 * @client: that made it; valid while a handle exists
 * @retire: process context: the handle is gone; stop what goes on
 * @release: process context: the last reference is gone
 */
struct vgpu_obj {
	struct kref ref;
	enum vgpu_obj_type type;
	struct vgpu_client *client;
	void (*retire)(struct vgpu_obj *obj);
	void (*release)(struct vgpu_obj *obj);
};

struct vgpu_client {
	struct list_head link;			/* inst->clients */
	struct vgpu_instance *inst;
	const struct vgpu_client_ops *ops;
	void *priv;
	struct vgpu_shpages *shpages;
	struct vgpu_subject subject;		/* see access.h */
	pid_t pid;
	char holder[64];
	struct mutex lock;		/* objs, when dead */
	struct xarray objs;
	u32 next_handle;
	int dead;				/* errno of every call, or 0 */
	wait_queue_head_t wait;
	atomic_t irq;
	spinlock_t foreign_lock;		/* foreign */
	struct list_head foreign;		/* struct vgpu_foreign */
};

void vgpu_obj_init(struct vgpu_obj *obj, enum vgpu_obj_type type,
		   struct vgpu_client *client,
		   void (*retire)(struct vgpu_obj *),
		   void (*release)(struct vgpu_obj *));
/* Gives @obj a handle; consumes nothing on error. */
int vgpu_obj_publish(struct vgpu_obj *obj, u32 *handle);
/* With a reference, or ERR_PTR(-ENOENT). */
struct vgpu_obj *vgpu_obj_get(struct vgpu_client *client, u32 handle,
			      enum vgpu_obj_type type);
void vgpu_obj_put(struct vgpu_obj *obj);
void vgpu_client_kill(struct vgpu_client *client, int error);
void vgpu_client_irq(struct vgpu_client *client, u32 bits);

/* ---------------------------------------------------- memory (object.c) */

struct vgpu_bo_obj {
	struct vgpu_obj obj;
	struct vgpu_bo *bo;
	u64 mmap_offset;
	bool mappable;
	bool share;				/* made for BO_EXPORT */
	struct address_space *mapping;
	struct rcu_head rcu;
};

struct vgpu_vm_obj {
	struct vgpu_obj obj;
	struct vgpu_as *as;
	struct vgpu_gpu *gpu;
	u32 asid;
	/* Without an MMU: accepting a command against taking memory away. */
	struct mutex lock;
	atomic_t pending;			/* commands with VRAM addresses */
};

struct vgpu_vm_obj *vgpu_vm_obj(struct vgpu_obj *obj);
struct vgpu_bo_obj *vgpu_bo_obj(struct vgpu_obj *obj);

int vgpu_call_bo_create(struct vgpu_client *client, struct vgpu_bo_create *arg,
			const u64 *pages);
int vgpu_call_vm_create(struct vgpu_client *client, struct vgpu_vm_create *arg);
int vgpu_call_vm_map(struct vgpu_client *client, struct vgpu_vm_map *arg);
int vgpu_call_vm_unmap(struct vgpu_client *client, struct vgpu_vm_unmap *arg);

/* --------------------------------------------------- context, queue.c */

/**
 * struct vgpu_slot - a command that was taken, in kernel memory
 * @cmd: checked copy; VRAM addresses in place of virtual on GPUs without MMU
 * @timeline: for SIGNAL and WAIT, with a reference
 * @seqno: of the queue, from 1
 * @accepted: ktime ns
 * @deadline: ktime ns, U64_MAX: none
 * @due: the earliest of its and of those behind it in the queue
 * @service: engine time used so far, ns
 * @started: it ran already
 */
struct vgpu_slot {
	struct vgpu_cmd cmd;
	struct vgpu_timeline *timeline;
	struct vgpu_vm_obj *vm;			/* pending there, or NULL */
	u64 seqno;
	u64 accepted;
	u64 deadline;
	u64 due;
	u64 service;
	bool started;
};

struct vgpu_ctx {
	struct vgpu_obj obj;
	struct vgpu_gpu *gpu;
	struct vgpu_engine *engine;
	struct vgpu_entity *entity;
	struct vgpu_vm_obj *vm;
	struct vgpu_hw_ctx hw;
	struct vgpu_ctx_state state;
	u32 id;					/* for struct vgpu_predict */
	/* engine->lock: */
	struct list_head midway_link;		/* engine->preload.midway, or empty */
	struct list_head queues;
	unsigned int nr_queues;
	struct vgpu_queue *job;			/* whose head is midway or runs */
	bool midway;				/* resume, do not start */
	int kill;				/* errno that ends the job */
	bool paging;				/* page_work sees to its fault */
	bool page_due;				/* and has waited, if it had to */
	struct vgpu_hw_event fault;		/* stable while it does */
	struct delayed_work page_work;
};

struct vgpu_queue {
	struct vgpu_obj obj;
	struct vgpu_ctx *ctx;
	u64 time_limit_ns;
	/* engine->lock: */
	struct list_head link;			/* ctx->queues */
	struct vgpu_line line;			/* of the entity's */
	u32 depth;
	u32 head;				/* of the oldest slot */
	u32 count;
	struct vgpu_slot *slots;
	u64 seqno;
	bool closed;
	bool waiting;				/* @wait is on a timeline */
	struct vgpu_tl_wait wait;
	struct llist_node woken;
	unsigned long woken_flag;
	u32 irq;
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 preempted;
	u64 run_ns;
	u64 deadlines_met;
	u64 deadlines_missed;
	u64 late_max_ns;
	int error;
	u64 error_seqno;
	u64 fault_va;
	u32 fault_access;
	struct vgpu_hist wait_hist;
	/* the ring, read by ring_work only: */
	struct vgpu_bo_obj *ring;
	u64 ring_offset;
	u32 ring_slots;
	u32 ring_head;
	u32 doorbell;
	bool stalled;				/* engine->lock: no room, wake when */
	bool broken;
	struct vgpu_shpages *shpages;
	struct work_struct ring_work;
};

int vgpu_call_ctx_create(struct vgpu_client *client,
			 struct vgpu_ctx_create *arg);
int vgpu_call_queue_create(struct vgpu_client *client,
			   struct vgpu_queue_create *arg);
int vgpu_call_queue_set(struct vgpu_client *client, struct vgpu_queue_set *arg);
int vgpu_call_submit(struct vgpu_client *client, struct vgpu_submit *arg,
		     const struct vgpu_cmd *cmds, size_t bytes);
int vgpu_call_kick(struct vgpu_client *client, struct vgpu_kick *arg);
int vgpu_call_queue_status(struct vgpu_client *client,
			   struct vgpu_queue_status *arg);

/* Lock held: does what needs no engine at the queue's head, in bounds. */
void vgpu_queue_advance_locked(struct vgpu_queue *q, unsigned int *budget);
/* Lock held: the head is there and needs the engine. */
bool vgpu_queue_runnable_locked(struct vgpu_queue *q);
static inline struct vgpu_slot *vgpu_queue_head(struct vgpu_queue *q)
{
	return &q->slots[q->head];
}

/* Lock held: the head ended, with 0 or an errno. */
void vgpu_queue_complete_locked(struct vgpu_queue *q, int error);
/* Atomic: a wait is over, or there is more to do: look at @q soon. */
void vgpu_queue_wake_later(struct vgpu_queue *q);
void vgpu_queue_woken_work(struct work_struct *work);
/* Lock held: its owner is told of VGPU_QUEUE_IRQ_* @bit. */
void vgpu_queue_irq_locked(struct vgpu_queue *q, u32 bit);

/* ring.c */
int vgpu_ring_init(struct vgpu_queue *q, struct vgpu_client *client,
		   struct vgpu_queue_create *arg);
void vgpu_ring_fini(struct vgpu_queue *q);
/*
 * Pushes checked slots that are due at @deadline (ktime ns, U64_MAX: none); returns
 * how many there was room for.
 */
u32 vgpu_queue_push(struct vgpu_queue *q, struct vgpu_slot *slots, u32 count,
		    u64 deadline, u64 *seqno);
/* A command of a ring was refused. */
void vgpu_queue_refuse(struct vgpu_queue *q, int error);

/* command.c: checks @cmd for @q and fills @slot; 0 or errno. */
int vgpu_command_check(struct vgpu_queue *q, const struct vgpu_cmd *cmd,
		       struct vgpu_slot *slot);
void vgpu_slot_drop(struct vgpu_slot *slot);

/* ----------------------------------------------------------- timeline.c */

struct vgpu_timeline {
	struct vgpu_obj obj;
	spinlock_t lock;		/* value, waits, eventfds */
	u64 value;
	u32 eventfds;			/* of the waits */
	u32 slot;
	struct vgpu_shpages *shpages;
	struct list_head waits;
	wait_queue_head_t wait;
	bool dead;
};

int vgpu_call_timeline_create(struct vgpu_client *client,
			      struct vgpu_timeline_create *arg);
int vgpu_call_wait(struct vgpu_client *client, struct vgpu_wait *arg);
int vgpu_call_signal(struct vgpu_client *client, struct vgpu_signal *arg);
/* Atomic. Lower values are ignored. */
void vgpu_timeline_raise(struct vgpu_timeline *tl, u64 value);
bool vgpu_timeline_reached(struct vgpu_timeline *tl, u64 value);
/* Atomic: false: it is there already, @wait was not taken. */
bool vgpu_timeline_add_wait(struct vgpu_timeline *tl, struct vgpu_tl_wait *wait);
/* Atomic: true: it was still waiting and does not any more. */
bool vgpu_timeline_del_wait(struct vgpu_timeline *tl, struct vgpu_tl_wait *wait);

/* ------------------------------------------------------------ shpages.c */

struct vgpu_shpages {
	struct kref ref;
	spinlock_t lock;		/* queues, tl_used */
	struct page *db_page;
	struct page *tl_page;
	struct vgpu_queue *queues[VGPU_DOORBELLS];
	DECLARE_BITMAP(tl_used, VGPU_TIMELINES);
};

void vgpu_shpages_get(struct vgpu_shpages *sp);
int vgpu_shpages_add_queue(struct vgpu_shpages *sp, struct vgpu_queue *q);
void vgpu_shpages_del_queue(struct vgpu_shpages *sp, struct vgpu_queue *q);
struct vgpu_doorbell *vgpu_shpages_doorbell(struct vgpu_shpages *sp, u32 index);
int vgpu_shpages_add_timeline(struct vgpu_shpages *sp);
void vgpu_shpages_del_timeline(struct vgpu_shpages *sp, u32 slot);
void vgpu_shpages_show(struct vgpu_shpages *sp, u32 slot, u64 value);

/* -------------------------------------------------------------- event.c */

/* Any context. @gpu or @inst may be NULL. */
void vgpu_event_post(enum vgpu_event_type type, const struct vgpu_gpu *gpu,
		     const struct vgpu_instance *inst, u64 value);
void vgpu_event_post_governor(const struct vgpu_gpu *gpu,
			      const struct vgpu_gov_change *change);
/* What is free was, or is by now, @permille fragmented; @bytes were moved. */
void vgpu_event_post_defrag(enum vgpu_event_type type,
			    const struct vgpu_gpu *gpu, u32 permille, u64 bytes);
void vgpu_event_flush(void);
int vgpu_faces_gpu_added(struct vgpu_gpu *gpu);
void vgpu_faces_gpu_removed(struct vgpu_gpu *gpu);
int vgpu_faces_instance_added(struct vgpu_instance *inst);
void vgpu_faces_instance_removed(struct vgpu_instance *inst);

extern struct mutex vgpu_registry_lock;

#endif /* _VGPU_CORE_PRIV_H */
