/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GPUs, as a face sees them: what they are, what they are set to.
 * A part of the contract in <vgpu/face.h>.
 */
#ifndef _VGPU_FACE_GPU_H
#define _VGPU_FACE_GPU_H

#include <linux/types.h>
#include <uapi/linux/vgpu.h>
#include <uapi/linux/vgpu_hw.h>
#include <vgpu/ctx_switch.h>
#include <vgpu/degrade.h>
#include <vgpu/face_refusal.h>
#include <vgpu/governor.h>
#include <vgpu/mem.h>
#include <vgpu/monitor.h>

struct device;
struct vgpu_gpu;
struct vgpu_vram_survey;

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
	struct vgpu_mon_settings monitor;
	u32 switching;			/* VGPU_SWITCH_* */
	struct vgpu_switch_stats switched;	/* by all engines */
	u32 contexts;
	u32 max_contexts;
	bool serialize;
	u64 turns;			/* changes of owner, serialized */
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
#define VGPU_GPU_SET_SERIALIZE	0x100
#define VGPU_GPU_SET_MONITOR	0x200

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
 * @serialize: one owner at a time on all engines
 * @rules: when to take a step
 * @monitor: what of it its own mask says
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
	bool serialize;
	struct vgpu_degrade_rules rules;
	struct vgpu_mon_settings monitor;
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
 * Memory is moved now, in the background: figures tell of it.  After the run that
 * goes on, if one was begun unasked.  -EBUSY (somebody asked, and it is not over),
 * -EOPNOTSUPP, -ENOMEM, -ENODEV.
 */
int vgpu_gpu_tidy(struct vgpu_gpu *gpu);
/* What lies where in its memory; O(blocks), sleeps. -ENODEV. */
int vgpu_gpu_survey(struct vgpu_gpu *gpu, struct vgpu_vram_survey *out);

#endif /* _VGPU_FACE_GPU_H */
