/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract with those who let users in: the device node, the netlink
 * family, the VFIO device.  A face translates and owns nothing: each call of
 * a user ends in one function here, and what happens inside comes out as
 * events and callbacks.  Faces never talk to each other.
 *
 * Everything may sleep and is called in process context, where not noted.
 */
#ifndef _VGPU_FACE_H
#define _VGPU_FACE_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <uapi/linux/vgpu.h>
#include <uapi/linux/vgpu_hw.h>
#include <vgpu/ctx_switch.h>
#include <vgpu/degrade.h>
#include <vgpu/governor.h>
#include <vgpu/mem.h>
#include <vgpu/quota.h>

struct address_space;
struct eventfd_ctx;
struct file;
struct module;
struct page;
struct vgpu_client;
struct vgpu_freeze;
struct vgpu_gpu;
struct vgpu_instance;
struct vgpu_shpages;
struct vgpu_timeline;
struct vm_area_struct;

#define VGPU_NAME_LEN	32
#define VGPU_MAX_TYPES	8
#define VGPU_MAX_ENGINES 8

/**
 * struct vgpu_refusal - why something was refused
 * @field: the setting to blame, VGPU_SET_* or VGPU_GPU_SET_*, or 0
 * @text: a sentence without a final stop
 */
struct vgpu_refusal {
	u32 field;
	char text[80];
};

/* ---------------------------------------------------------------- GPUs */

/**
 * struct vgpu_type - a shape in which vGPUs of a GPU are made
 * @name: "<weight share>g.<VRAM>m", the same for the same shape everywhere
 * @shares: eighths of the GPU that its default weight stands for
 * @weight: default weight: 100 * @shares
 * @vram_bytes: quota
 */
struct vgpu_type {
	char name[VGPU_NAME_LEN];
	u32 shares;
	u32 weight;
	u64 vram_bytes;
};

/**
 * struct vgpu_engine_info - figures of an engine; monotonic
 * @units: compute units it has now
 * @clock_ns: its clock
 * @busy_ns: engine time served
 * @switches: contexts changed
 * @preemptions: commands stopped midway
 * @resets: forced stops
 * @jobs: commands run
 * @queued: entities that wait now
 * @stops: requests to stop that it answered
 * @stop_p50_ns: from a request to stop until it stopped, engine time
 * @stop_p99_ns: likewise
 * @stop_max_ns: likewise
 */
struct vgpu_engine_info {
	u32 units;
	u64 clock_ns;
	u64 busy_ns;
	u64 switches;
	u64 preemptions;
	u64 resets;
	u64 jobs;
	u64 queued;
	u64 stops;
	u64 stop_p50_ns;
	u64 stop_p99_ns;
	u64 stop_max_ns;
};

/**
 * struct vgpu_governor_info - the governor of a GPU
 * @setting: "off", "auto" or the mode that is fixed
 * @on: a mode is in force
 * @mode: enum vgpu_gov_mode; which, or was last
 * @own_slice_ns: the GPU's slice, if it was set by hand; then no mode changes it
 * @base_slice_ns: that, or the default: the slice without a governor
 * @threshold_ns: engine time that who runs keeps from who wakes up
 * @changes: that it made itself
 * @samples: that it took
 * @entered: each mode, by whomever
 * @time_ns: spent in each
 * @view: as of the last sample
 */
struct vgpu_governor_info {
	char setting[16];
	bool on;
	u32 mode;
	u64 own_slice_ns;
	u64 base_slice_ns;
	u64 threshold_ns;
	u64 changes;
	u64 samples;
	u64 entered[VGPU_GOV_MODES];
	u64 time_ns[VGPU_GOV_MODES];
	struct vgpu_gov_view view;
};

/**
 * struct vgpu_tidy_info - moving what is in use on a GPU
 * @can: the GPU can go on after a fault, which it takes
 * @threshold: fragmentation, permille, from which on a look leads to a run
 * @interval_s: between two looks; 0: none
 * @asked: a run by command is about to begin
 * @own_runs: that began by themselves
 * @stats: of all
 */
struct vgpu_tidy_info {
	bool can;
	u32 threshold;
	u32 interval_s;
	bool asked;
	u64 own_runs;
	struct vgpu_defrag_stats stats;
};

/**
 * struct vgpu_degrade_info - whether mediation of a GPU fails
 * @step: enum vgpu_degrade_step
 * @reason: enum vgpu_degrade_reason
 * @since_ns: CLOCK_BOOTTIME of the last step, or 0
 * @failures: that counted, ever
 * @rules: when to take a step
 */
struct vgpu_degrade_info {
	u32 step;
	u32 reason;
	u64 since_ns;
	u64 failures;
	struct vgpu_degrade_rules rules;
};

/** struct vgpu_gpu_info - a GPU at a glance */
struct vgpu_gpu_info {
	u32 index;
	char name[VGPU_NAME_LEN];
	char driver[VGPU_NAME_LEN];
	char device[64];		/* bus address, e.g. 10000:00:01.0 */
	u64 caps;			/* VGPU_CAP_* */
	u32 engines;			/* that are shared */
	u32 all_engines;		/* with those of a single vGPU, or of none */
	u32 units;			/* of each that is shared */
	u32 units_free;			/* a vGPU could have for itself */
	u32 max_lanes;
	u32 shared_bytes;
	u32 max_instances;
	u32 instances;
	u64 vram_bytes;			/* for tenants */
	u64 vram_committed;		/* quotas handed out */
	struct vgpu_vram_stats vram;
	char policy[16];
	char strategy[16];
	u32 overcommit_permille;	/* quotas to VRAM, at most */
	struct vgpu_paging_stats paging;
	struct vgpu_tidy_info tidy;
	u64 slice_ns;
	u64 preempt_timeout_ns;
	struct vgpu_governor_info governor;
	struct vgpu_degrade_info degrade;
	u32 switching;			/* VGPU_SWITCH_* */
	struct vgpu_switch_stats switched;	/* by all engines */
	u32 contexts;
	u32 max_contexts;
	bool unplugged;
	struct vgpu_engine_info engine[VGPU_MAX_ENGINES];
};

/* By index, with a reference, or NULL. */
struct vgpu_gpu *vgpu_gpu_get(u32 index);
void vgpu_gpu_hold(struct vgpu_gpu *gpu);
void vgpu_gpu_put(struct vgpu_gpu *gpu);
/* The next index at or above @from that exists, with a reference, or NULL. */
struct vgpu_gpu *vgpu_gpu_next(u32 from);
u32 vgpu_gpu_index(const struct vgpu_gpu *gpu);
struct device *vgpu_gpu_device(const struct vgpu_gpu *gpu);
const char *vgpu_gpu_driver(const struct vgpu_gpu *gpu);
void vgpu_gpu_get_info(struct vgpu_gpu *gpu, struct vgpu_gpu_info *info);
/* The array lives as long as the GPU. */
const struct vgpu_type *vgpu_gpu_types(struct vgpu_gpu *gpu,
				       unsigned int *count);
/* How many more of a type fit now. */
unsigned int vgpu_type_available(struct vgpu_gpu *gpu,
				 const struct vgpu_type *type);

#define VGPU_GPU_SET_POLICY	0x1
#define VGPU_GPU_SET_SLICE	0x2
#define VGPU_GPU_SET_TIMEOUT	0x4
#define VGPU_GPU_SET_GOVERNOR	0x8
#define VGPU_GPU_SET_SWITCHING	0x10
#define VGPU_GPU_SET_CONTEXTS	0x20
#define VGPU_GPU_SET_DEGRADE	0x40
#define VGPU_GPU_SET_DEGRADE_RULES	0x80

#define VGPU_CONTEXTS_MAX	1024	/* of one GPU */

/**
 * struct vgpu_gpu_set - how a GPU is to be shared
 * @mask: VGPU_GPU_SET_*: which of the fields count
 * @policy: its name
 * @slice_ns: by hand; 0: no more by hand, the default or what the governor says
 * @preempt_timeout_ns: an engine that does not stop by then is reset
 * @governor: "off", "auto", or the name of a mode
 * @switching: VGPU_SWITCH_*, what is left out of switches
 * @max_contexts: of all vGPUs together, 1 to VGPU_CONTEXTS_MAX; those there are
 *	beyond it stay
 * @degrade: enum vgpu_degrade_step, further down than it is
 * @rules: when to take a step
 */
struct vgpu_gpu_set {
	u32 mask;
	const char *policy;
	u64 slice_ns;
	u64 preempt_timeout_ns;
	const char *governor;
	u32 switching;
	u32 max_contexts;
	u32 degrade;
	struct vgpu_degrade_rules rules;
};

/*
 * Live. -ENOENT: no such policy, or governor; -ERANGE: slice or timeout out of
 * range; -EOPNOTSUPP: no such switches on this GPU; -ENOSPC: the policy keeps
 * caps, and those there are add up to more than the GPU; -EINVAL: unknown bit;
 * -ENODEV: it is going away. All or nothing; @why (or NULL) has the reason.
 */
int vgpu_gpu_set(struct vgpu_gpu *gpu, const struct vgpu_gpu_set *set,
		 struct vgpu_refusal *why);
/*
 * Back to normal from whatever step. vGPUs that were stopped by it are failed, and can be
 * started. -ENODEV.
 */
int vgpu_gpu_recover(struct vgpu_gpu *gpu);
void vgpu_gpu_get_degrade_rules(struct vgpu_gpu *gpu,
				struct vgpu_degrade_rules *rules);
/*
 * How free VRAM is searched, live; @was gets what it was. -ENOENT, -ENOMEM,
 * -ENODEV.
 */
int vgpu_gpu_set_strategy(struct vgpu_gpu *gpu, const char *name,
			  const char **was);
/*
 * How much more memory may be promised than there is VRAM, permille, 1000 (not
 * at all) to 8000; above 1000 new BOs are pageable.  -ERANGE, -EBUSY (more is
 * promised already, or more of it can't be evicted), -EOPNOTSUPP (the GPU
 * cannot go on after a fault), -ENOSPC (no VRAM for the frames that stay),
 * -ENOMEM, -ENODEV.  @was, if not NULL, gets what it was.
 */
int vgpu_gpu_set_overcommit(struct vgpu_gpu *gpu, u32 permille, u32 *was);
/*
 * How many chunks of 64 KiB are brought back at most before they are asked for,
 * when memory is used in order; 0: none.  -ERANGE, -ENODEV.  @was gets what it was.
 */
int vgpu_gpu_set_read_ahead(struct vgpu_gpu *gpu, u32 chunks, u32 *was);

/*
 * How many bytes of system memory evicted memory may take until what was evicted
 * longest ago goes to files; 0: it never does.  -ENODEV.  @was gets what it was.
 */
int vgpu_gpu_set_tier_limit(struct vgpu_gpu *gpu, u64 bytes, u64 *was);

#define VGPU_TIDY_INTERVAL_MAX	86400

/*
 * When memory is moved by itself, live: @interval_s is 0 (never) to a day,
 * @threshold permille; NULL: as it is.  -ERANGE, -EOPNOTSUPP (the GPU cannot go
 * on after a fault), -ENODEV.
 */
int vgpu_gpu_set_tidy(struct vgpu_gpu *gpu, const u32 *threshold,
		      const u32 *interval_s, u32 *old_threshold,
		      u32 *old_interval_s);
/*
 * Memory is moved now, in the background: figures tell of it.  -EBUSY (a run
 * goes on), -EOPNOTSUPP, -ENOMEM, -ENODEV.
 */
int vgpu_gpu_tidy(struct vgpu_gpu *gpu);
/* What lies where in its memory; O(blocks), sleeps. -ENODEV. */
int vgpu_gpu_survey(struct vgpu_gpu *gpu, struct vgpu_vram_survey *out);

/* ----------------------------------------------------------- instances */

/*
 *  CREATED --start--> RUNNING <--resume-- PAUSED
 *     STOPPED --start-->  |  ---pause--->   |
 *        ^----------------+------stop-------+
 *  FAILED: as STOPPED, after mediation gave up on it; start tries again.
 *  DEAD: its GPU went away.
 */
enum vgpu_state {
	VGPU_STATE_CREATED,
	VGPU_STATE_RUNNING,
	VGPU_STATE_PAUSED,
	VGPU_STATE_STOPPED,
	VGPU_STATE_FAILED,
	VGPU_STATE_DEAD,
};

#define VGPU_INSTANCE_MDEV	0x1	/* no node of its own */

/**
 * struct vgpu_instance_params - what to create
 * @type: name of a type, without the driver's prefix
 * @uuid: null: one is made up
 * @flags: VGPU_INSTANCE_*
 * @weight: 0: the type's
 * @priority: 0 to VGPU_PRIORITY_MAX
 * @bandwidth_mbps: 0: no limit
 * @units: compute units of its own, or 0: it shares those that are left
 * @freeze: it stands still until that is over; core's, or NULL
 */
struct vgpu_instance_params {
	const char *type;
	uuid_t uuid;
	u32 flags;
	u32 weight;
	u32 priority;
	u64 bandwidth_mbps;
	u32 units;
	struct vgpu_freeze *freeze;
};

/**
 * struct vgpu_instance_info - a vGPU at a glance
 * @units: compute units that serve it, at most
 * @own_units: which nobody else has; 0: it shares them
 * @holder_pid: of the first open client, 0 without
 * @holder: its command name or VM
 * @received_permille: of the engines' service over the last second or so, each
 *	engine counted by its units
 * @entitled_permille: its weight's part among instances with work meanwhile
 * @created_ns: CLOCK_BOOTTIME
 * @active_ns: CLOCK_BOOTTIME of the last completion, 0 before
 * @slice_ns: its slice, its GPU's when it has no own
 * @own_slice_ns: 0: none
 * @cap: hundredths of a per cent of engine time, 0: none
 * @group: it belongs to, or ""
 * @group_weight: of the group
 * @overshoot_ns: engine time beyond its slices while others waited
 * @wake_p50_ns: from having work again to being served
 * @wake_p99_ns: likewise
 * @deadlines_met: commands that ran, and ended well by their deadline
 * @deadlines_missed: that ended after it
 * @late_max_ns: by how much the latest of these missed it
 * @class_ns: engine time by class of queue: high, normal, batch
 * @allow: VGPU_RIGHT_*: what its tenants may ask for
 * @filtered: calls and commands that it was refused for that, and mappings
 * @violations: times that it asked for more than a quota
 * @quota_held: events of quotas that were not told one by one
 * @action: enum vgpu_quota_action of each resource
 * @quota_wait_ns: how long a call waits for room at most
 * @pad_ns: grid on which ends of commands show, 0: at once
 * @pad_jitter_ns: and up to so much later
 */
struct vgpu_instance_info {
	u32 id;
	u32 gpu;
	uuid_t uuid;
	u32 flags;
	enum vgpu_state state;
	char type[VGPU_NAME_LEN];
	u32 units;
	u32 own_units;
	u32 weight;
	u32 priority;
	u64 bandwidth_mbps;
	u64 slice_ns;
	u64 vram_limit;
	u64 vram_used;
	u64 vram_peak;
	u64 vram_denied;
	u64 pinned_bytes;		/* of programs, see vgpu_client_bo_user() */
	u32 clients;
	pid_t holder_pid;
	char holder[64];
	u64 created_ns;
	u64 active_ns;
	u64 busy_ns;			/* engine time */
	u64 entitled_ns;
	u64 wait_ns;
	u64 wait_max_ns;
	u64 wakeups;
	u64 slices;
	u64 switches;
	u64 preemptions;
	u64 resets;
	u64 faults;
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 copied_bytes;
	u64 throttled_ns;
	u32 received_permille;
	u32 entitled_permille;
	u64 ctx_saves;
	u64 ctx_loads;
	u64 ctx_bytes_saved;
	u64 wait_p50_ns;
	u64 wait_p99_ns;
	u64 own_slice_ns;
	u32 cap;
	u32 group_weight;
	char group[VGPU_NAME_LEN];
	u64 overshoot_ns;
	u64 wake_p50_ns;
	u64 wake_p99_ns;
	u64 deadlines_met;
	u64 deadlines_missed;
	u64 late_max_ns;
	u64 class_ns[3];
	u32 allow;
	u64 filtered;
	u64 violations;
	u64 quota_held;
	u8 action[VGPU_RESOURCES];
	u64 quota_wait_ns;
	u64 pad_ns;
	u64 pad_jitter_ns;
};

/*
 * With a reference, or ERR_PTR: -ENOENT no such type, -EEXIST uuid taken,
 * -ENOSPC does not fit, -ERANGE a quota out of range, -ENODEV unplugged,
 * -EOPNOTSUPP the GPU cannot give units away.
 */
struct vgpu_instance *
vgpu_instance_create(struct vgpu_gpu *gpu,
		     const struct vgpu_instance_params *params);
/* -EBUSY while clients are open. Does not consume the reference. */
int vgpu_instance_destroy(struct vgpu_instance *inst);
struct vgpu_instance *vgpu_instance_get(u32 id);
struct vgpu_instance *vgpu_instance_get_by_uuid(const uuid_t *uuid);
struct vgpu_instance *vgpu_instance_next(u32 from);
void vgpu_instance_hold(struct vgpu_instance *inst);
void vgpu_instance_put(struct vgpu_instance *inst);
u32 vgpu_instance_id(const struct vgpu_instance *inst);
struct vgpu_gpu *vgpu_instance_gpu(const struct vgpu_instance *inst);
void vgpu_instance_get_info(struct vgpu_instance *inst,
			    struct vgpu_instance_info *info);
/*
 * The latest of who asked for more than a quota, from number @from (of seq) on, into @out;
 * returns how many, @room at most. @total and @lost get how often it happened and how
 * many entries are forgotten.
 */
int vgpu_instance_get_violations(struct vgpu_instance *inst, u64 from,
				 struct vgpu_violation *out, unsigned int room,
				 u64 *total, u64 *lost);
/* ---- the scheduler's figures */

#define VGPU_LATENCY_BUCKETS	33

/**
 * struct vgpu_latency - a histogram of times
 * @count: samples
 * @sum_ns: of all
 * @p50_ns: median, 12 % too high at most
 * @p99_ns: 99th percentile, likewise
 * @bucket: samples from 2^(i + 7) to below 2^(i + 8) ns; the first has all below
 *	256 ns, the last all above
 */
struct vgpu_latency {
	u64 count;
	u64 sum_ns;
	u64 p50_ns;
	u64 p99_ns;
	u64 bucket[VGPU_LATENCY_BUCKETS];
};

/**
 * struct vgpu_instance_sched - of a vGPU, on all engines
 * @wake: from having work again to being served
 * @wait: each wait in a run queue
 */
struct vgpu_instance_sched {
	struct vgpu_latency wake;
	struct vgpu_latency wait;
};

#define VGPU_MAX_FIGURES	16

/**
 * struct vgpu_engine_sched - of an engine
 * @units: compute units it has now, 0: it is spare
 * @policy: that decides here: "rr" after the GPU's was ejected
 * @ejections: how often that happened, here and in groups
 * @slice_ns: default
 * @busy_ns: engine time served
 * @idle_ns: wall time in which nothing ran
 * @switches: contexts changed
 * @switch_ns: wall time that this took
 * @preemptions: commands stopped midway
 * @queued: vGPUs and groups that wait
 * @figures: of @figure
 * @figure: what the policy itself counts
 */
struct vgpu_engine_sched {
	u32 units;
	char policy[16];
	u64 ejections;
	u64 slice_ns;
	u64 busy_ns;
	u64 idle_ns;
	u64 switches;
	u64 switch_ns;
	u64 preemptions;
	u64 queued;
	u32 figures;
	struct {
		char name[24];
		u64 value;
	} figure[VGPU_MAX_FIGURES];
};

/* -ENODEV: it is going away. */
int vgpu_instance_get_sched(struct vgpu_instance *inst,
			    struct vgpu_instance_sched *out);
/* -ENODEV likewise, -ENOENT: no such engine. */
int vgpu_gpu_get_sched(struct vgpu_gpu *gpu, u32 engine,
		       struct vgpu_engine_sched *out);

/* enum vgpu_verb; -EBUSY: no such move from here, -EINVAL: no such verb. */
int vgpu_instance_verb(struct vgpu_instance *inst, u32 verb);

/*
 * Images, see Documentation/image.rst: @inst is written to @file, or a vGPU on @gpu is
 * made of what is read there; errors as in the uAPI, and the reason in @why. Killable.
 * @uuid null: that of the image. The caller is nowhere near a lock or the unplug gate.
 */
int vgpu_image_save(struct vgpu_instance *inst, struct file *file, bool stop,
		    u64 *bytes, struct vgpu_refusal *why);
struct vgpu_instance *
vgpu_image_restore(struct vgpu_gpu *gpu, struct file *file, const uuid_t *uuid,
		   bool paused, u32 *clients, u64 *bytes,
		   struct vgpu_refusal *why);

/* Beside those of the uAPI. */
#define VGPU_SET_UAPI		0xff
#define VGPU_SET_CAP		0x100
#define VGPU_SET_SLICE		0x200
#define VGPU_SET_GROUP		0x400
#define VGPU_SET_GROUP_WEIGHT	0x800
#define VGPU_SET_UNITS		0x10000
#define VGPU_SET_ALLOW		0x20000
#define VGPU_SET_ACTIONS	0x40000
#define VGPU_SET_WAIT		0x80000
#define VGPU_SET_PAD		0x100000
#define VGPU_SET_PAD_JITTER	0x200000

/* What stands for no group. */
#define VGPU_GROUP_NONE		"none"

/**
 * struct vgpu_instance_set - new quotas
 * @mask: VGPU_SET_*: which of the fields count
 * @weight: VGPU_WEIGHT_MIN to VGPU_WEIGHT_MAX
 * @priority: 0 to VGPU_PRIORITY_MAX
 * @bandwidth_mbps: 0: no limit
 * @vram_bytes: memory
 * @cap: hundredths of a per cent of engine time, 0: none
 * @slice_ns: its own slice, 0: its GPU's
 * @group: letters, digits, '.', '_', '-'; VGPU_GROUP_NONE or "": none. A group
 *	is there as long as it has members.
 * @group_weight: of all members together; for the group it is in then
 * @units: as in struct vgpu_instance_params
 * @allow: VGPU_RIGHT_* (vgpu/filter.h). What needs one that it loses is refused from then on;
 *	CPU mappings and dma-bufs that it loses are gone on return
 * @actions: bit of each enum vgpu_resource whose @action is set
 * @action: enum vgpu_quota_action
 * @quota_wait_ns: how long a call waits for room at most
 * @pad_ns: grid of time on which ends of commands show; 0: at once; not over 100 ms
 * @pad_jitter_ns: and up to so much later; not over @pad_ns
 */
struct vgpu_instance_set {
	u32 mask;
	u32 weight;
	u32 priority;
	u64 bandwidth_mbps;
	u64 vram_bytes;
	u32 cap;
	u64 slice_ns;
	const char *group;
	u32 group_weight;
	u32 units;
	u32 allow;
	u32 actions;
	u8 action[VGPU_RESOURCES];
	u64 quota_wait_ns;
	u64 pad_ns;
	u64 pad_jitter_ns;
};

/*
 * All or nothing: -ERANGE; -EBUSY: more memory is in use, or units are to change
 * while it runs or is open; -ENOSPC: no room, no units left, or caps past 100 %
 * under a policy that keeps them; -EINVAL: unknown bit, bad name; -EOPNOTSUPP:
 * the GPU cannot give units away, or no such action makes sense; -ENODEV: it or its GPU
 * is going away. @why (or
 * NULL) has the reason.
 */
int vgpu_instance_set(struct vgpu_instance *inst,
		      const struct vgpu_instance_set *set,
		      struct vgpu_refusal *why);
/*
 * The inode mapping that all CPU mappings of the instance's memory must go
 * through, so that they can be zapped.
 */
struct address_space *vgpu_instance_mapping(struct vgpu_instance *inst);
struct file *vgpu_instance_file(struct vgpu_instance *inst);
/* Bytes of the aperture: BO mmap_offsets are below. A power of two. */
u64 vgpu_instance_aperture(const struct vgpu_instance *inst);

/* ------------------------------------------------------------- clients */

/*
 * A pair of pages shared with a user: doorbells and timelines. All clients
 * of a VM share the device's pair; a node's file has its own.
 */
struct vgpu_shpages *vgpu_shpages_create(void);
void vgpu_shpages_put(struct vgpu_shpages *sp);
struct page *vgpu_shpages_doorbells(struct vgpu_shpages *sp);
struct page *vgpu_shpages_timelines(struct vgpu_shpages *sp);
/* A doorbell was rung; unknown ones are ignored. Atomic. */
void vgpu_shpages_kick(struct vgpu_shpages *sp, u32 doorbell);

/**
 * struct vgpu_client_ops - what a face does for its client
 * @timeline_moved: atomic: some timeline of the client was raised
 * @queue_irq: atomic: some queue raised VGPU_QUEUE_IRQ_* @bits
 * @get_pages: pins the pages behind guest addresses of a VGPU_BO_HOST.
 *	Called without locks. On 0, @pages is filled and @cookie is handed to
 *	put_pages once, when neither engine nor mapping reaches them any more.
 *	NULL: the client's host BOs are the kernel's own memory.
 * @put_pages: see get_pages; process context, may not take mmap locks
 */
struct vgpu_client_ops {
	void (*timeline_moved)(void *priv);
	void (*queue_irq)(void *priv, u32 bits);
	int (*get_pages)(void *priv, const u64 *addrs, unsigned int count,
			 struct page **pages, void **cookie);
	void (*put_pages)(void *cookie);
};

/**
 * struct vgpu_client_params - who comes in
 * @ops: or NULL
 * @priv: for @ops
 * @shpages: to share, or NULL: the client gets its own
 * @bells: pages whose doorbells its rings have, or NULL: those of @shpages
 * @bell_base: what it calls the first of them
 * @pid: holder to name in messages
 * @holder: name of the program or VM
 * @like: another client, by whose opener's rights it is there, or NULL: by the
 *	caller's (vgpu/access.h)
 */
struct vgpu_client_params {
	const struct vgpu_client_ops *ops;
	void *priv;
	struct vgpu_shpages *shpages;
	struct vgpu_shpages *bells;
	u32 bell_base;
	pid_t pid;
	const char *holder;
	const struct vgpu_client *like;
};

/*
 * -ENODEV dead, -EAGAIN not running (start it), -EMFILE too many, -EACCES: a rule of
 * access says no.
 */
struct vgpu_client *vgpu_client_open(struct vgpu_instance *inst,
				     const struct vgpu_client_params *params);
/* Cancels its work and frees its objects; waits in bounded time. */
void vgpu_client_close(struct vgpu_client *client);
struct vgpu_instance *vgpu_client_instance(const struct vgpu_client *client);
struct vgpu_shpages *vgpu_client_shpages(const struct vgpu_client *client);

/*
 * One call of a tenant: @arg is the call's structure in kernel memory, whole
 * and checked by vgpu_ioctl_check() (vgpu/ioctl.h); @payload the array it
 * names, already copied, packed at its current stride, or NULL. The result
 * is in @arg. VGPU_CALL_WAIT sleeps interruptibly; VGPU_CALL_EVENTFD
 * and those of vgpu/share.h are not taken here.
 */
int vgpu_client_call(struct vgpu_client *client, u32 call, void *arg,
		     const void *payload, size_t payload_bytes);
/* Consumes the reference to @ctx when 0 is returned; -ENOENT, -EMFILE, -ENOMEM. */
int vgpu_client_eventfd(struct vgpu_client *client, u32 timeline, u64 value,
			struct eventfd_ctx *ctx);
/* poll(): wakes when a timeline of the client moved or an irq was raised. */
struct wait_queue_head *vgpu_client_waitqueue(struct vgpu_client *client);
/* Bits raised and not read since by VGPU_CALL_QUEUE_STATUS. Atomic. */
u32 vgpu_client_irq_pending(struct vgpu_client *client);

/*
 * @client, which has nothing, is to be @number of those that were restored: that one
 * is returned, with the ops and priv of @client, and is closed like it. -EBUSY it has
 * something, -ENOENT no such one, -EACCES another user's, or a dead one's errno.
 */
struct vgpu_client *vgpu_client_adopt(struct vgpu_client *client, u32 number);
/*
 * A CPU wants memory of @client while the vGPU stands still. false: it does not.
 * vgpu_client_wait_thaw() waits a moment; -EINTR: a signal came.
 */
bool vgpu_client_is_frozen(struct vgpu_client *client);
int vgpu_client_wait_thaw(struct vgpu_client *client);

/* What waits for a timeline; core's. */
struct vgpu_tl_wait {
	struct list_head link;
	u64 value;
	void (*fn)(struct vgpu_tl_wait *wait);	/* atomic, off the list */
};

/**
 * struct vgpu_callback - a function to be called once; embed it
 * @fn: the timeline got there (@error is 0), or is gone and never will
 *	(-ECANCELED).  Called with interrupts off and the core's locks held, often
 *	in a hard interrupt: it may wake, queue work and take spinlocks that are
 *	never held around a call of the core's; it may not sleep, nor call the core
 */
struct vgpu_callback {
	void (*fn)(struct vgpu_callback *cb, int error);
	/* private: */
	struct vgpu_tl_wait wait;
	struct vgpu_timeline *tl;
};

/*
 * @cb->fn is called when @timeline gets to @value, before this returns if it is
 * there already.  0, or -ENOENT: no such timeline, and @cb is the caller's again.
 * After 0 @cb stays where it is until vgpu_callback_remove(), and so does what @fn
 * needs.  Process context.
 */
int vgpu_client_callback(struct vgpu_client *client, u32 timeline, u64 value,
			 struct vgpu_callback *cb);
/*
 * Exactly once after each vgpu_client_callback() that returned 0, whether @fn was
 * called or not, also after the client was closed; not from @fn.  On return it does
 * not run and never will.  true: it was not called.  Process context.
 */
bool vgpu_callback_remove(struct vgpu_callback *cb);

/*
 * 0, or -EPERM: the vGPU may not have its memory mapped by CPUs. Where BOs are looked
 * up it is asked again.
 */
int vgpu_client_may_map(struct vgpu_client *client);
/*
 * The BO whose mmap_offset range holds [@offset, @offset + @bytes), with a
 * reference, and where in it; NULL when there is none. Of this client only,
 * or of any client of the instance, unless it may be evicted or moved.
 */
struct vgpu_bo *vgpu_client_bo_at(struct vgpu_client *client, u64 offset,
				  u64 bytes, u64 *bo_offset);
struct vgpu_bo *vgpu_instance_bo_at(struct vgpu_instance *inst, u64 offset,
				    u64 bytes, u64 *bo_offset);
/*
 * The pages behind @cookie (see get_pages) are going away: on return
 * put_pages was called. Bounded; takes no lock that is held around
 * get_pages.
 */
void vgpu_client_revoke_pages(struct vgpu_client *client, void *cookie);

/* -------------------------------------------------------------- events */

enum vgpu_event_type {
	VGPU_EVENT_GPU_ADDED,
	VGPU_EVENT_GPU_REMOVED,
	VGPU_EVENT_CREATED,
	VGPU_EVENT_DESTROYED,
	VGPU_EVENT_STATE,	/* value: enum vgpu_state */
	VGPU_EVENT_SET,		/* quotas changed */
	VGPU_EVENT_QUOTA,	/* more than a quota was asked for: @quota */
	VGPU_EVENT_FAULT,	/* value: address */
	VGPU_EVENT_RESET,	/* value: engine; a hung command was killed */
	VGPU_EVENT_BROKEN,	/* a ring made no sense; value: errno */
	VGPU_EVENT_POLICY,	/* a GPU's policy or slice changed */
	VGPU_EVENT_ECC,		/* a page of VRAM went bad; value: its address */
	VGPU_EVENT_GOVERNOR,	/* it chose another mode: @governor */
	VGPU_EVENT_THRASH,	/* its faults are put off: it makes others page */
	VGPU_EVENT_DEFRAG_BEGIN, /* memory is moved; @permille: fragmentation */
	VGPU_EVENT_DEFRAG_END,	/* no more; value: bytes moved */
	VGPU_EVENT_ACCESS,	/* value: clients that a rule cut off */
	VGPU_EVENT_QUOTA_WARNING, /* use is near to a quota: @quota */
	VGPU_EVENT_QUOTA_CRITICAL, /* nearer */
	VGPU_EVENT_QUOTA_RECOVERED, /* not any more */
	VGPU_EVENT_DEGRADE,	/* a GPU took a step, or is back: @degrade */
};

/**
 * struct vgpu_quota_change - of use beside a quota
 * @resource: enum vgpu_resource
 * @action: enum vgpu_quota_action, where somebody asked for more
 * @asked: for how much, then
 * @used: in use
 * @limit: the quota
 */
struct vgpu_quota_change {
	u32 resource;
	u32 action;
	u64 asked;
	u64 used;
	u64 limit;
};

/**
 * struct vgpu_degrade_change - a GPU whose mediation fails took a step
 * @from: enum vgpu_degrade_step
 * @to: likewise
 * @reason: enum vgpu_degrade_reason
 */
struct vgpu_degrade_change {
	enum vgpu_degrade_step from;
	enum vgpu_degrade_step to;
	enum vgpu_degrade_reason reason;
};

struct vgpu_event {
	enum vgpu_event_type type;
	u32 gpu;
	u32 instance;		/* U32_MAX: none */
	uuid_t uuid;
	u64 value;
	u32 permille;
	u64 time_ns;		/* CLOCK_BOOTTIME */
	struct vgpu_gov_change governor;
	struct vgpu_quota_change quota;
	struct vgpu_degrade_change degrade;
};

/**
 * struct vgpu_face - callbacks of a face; process context, may sleep
 * @gpu_added: also called at registration for those already there
 * @gpu_removed: before the GPU goes; on return the face holds nothing of it
 *	but references
 * @instance_added: likewise; not for instances still being created
 * @instance_removed: nobody new may come in through the face
 * @event: what happened, in order; must not call back into the instance
 */
struct vgpu_face {
	const char *name;
	struct module *owner;
	int (*gpu_added)(struct vgpu_gpu *gpu);
	void (*gpu_removed)(struct vgpu_gpu *gpu);
	int (*instance_added)(struct vgpu_instance *inst);
	void (*instance_removed)(struct vgpu_instance *inst);
	void (*event)(const struct vgpu_event *ev);
	struct list_head link;		/* core's */
};

int vgpu_face_register(struct vgpu_face *face);
void vgpu_face_unregister(struct vgpu_face *face);

#endif /* _VGPU_FACE_H */
