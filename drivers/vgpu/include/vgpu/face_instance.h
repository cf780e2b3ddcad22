/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vGPUs, as a face sees them: made, set, looked at, saved, destroyed.
 * A part of the contract in <vgpu/face.h>.
 */
#ifndef _VGPU_FACE_INSTANCE_H
#define _VGPU_FACE_INSTANCE_H

#include <linux/types.h>
#include <linux/uuid.h>
#include <uapi/linux/vgpu.h>
#include <vgpu/ctx_switch.h>
#include <vgpu/face_refusal.h>
#include <vgpu/mem.h>
#include <vgpu/quota.h>

struct address_space;
struct file;
struct vgpu_freeze;
struct vgpu_gpu;
struct vgpu_instance;

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
 * @dump_limit: dumps that it may cause in an hour
 * @dumps: that it caused
 * @dumps_missed: faults and hangs without one: over that, or another was being made
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
	u32 dump_limit;
	u64 dumps;
	u64 dumps_missed;
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
#define VGPU_SET_DUMP_LIMIT	0x400000

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
 * @dump_limit: dumps in an hour, see Documentation/observability.rst; 0: none
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
	u32 dump_limit;
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

#endif /* _VGPU_FACE_INSTANCE_H */
