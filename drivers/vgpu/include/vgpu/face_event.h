/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What faces are told, and how they are hung in.
 * A part of the contract in <vgpu/face.h>.
 */
#ifndef _VGPU_FACE_EVENT_H
#define _VGPU_FACE_EVENT_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <vgpu/degrade.h>
#include <vgpu/governor.h>
#include <vgpu/monitor.h>
#include <vgpu/quota.h>

struct module;
struct vgpu_gpu;
struct vgpu_instance;

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
	VGPU_EVENT_LIMIT,	/* a figure came to its limit: @alarm */
	VGPU_EVENT_LIMIT_OVER,	/* it is below it again */
	VGPU_EVENT_ANOMALY,	/* a figure is unlike what it was lately: @alarm */
	VGPU_EVENT_ANOMALY_OVER, /* that is over, or usual by now */
	VGPU_EVENT_TUNE,	/* a knob was tuned, or would have been: @tune */
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
	struct vgpu_mon_alarm alarm;
	struct vgpu_tune_change tune;
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
u32 vgpu_lists_generation(void);

#endif /* _VGPU_FACE_EVENT_H */
