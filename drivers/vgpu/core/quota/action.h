/* SPDX-License-Identifier: GPL-2.0 */
/* Inside core/: what becomes of who asks for more than a quota. */
#ifndef _VGPU_CORE_ACTION_H
#define _VGPU_CORE_ACTION_H

#include <linux/types.h>
#include <vgpu/face.h>

#include "waitline.h"

#define VGPU_QUOTA_WAIT_NS	(5ULL * 1000 * 1000 * 1000)
#define VGPU_QUOTA_WAIT_MIN_NS	(1000ULL * 1000)
#define VGPU_QUOTA_WAIT_MAX_NS	(60ULL * 1000 * 1000 * 1000)

struct vgpu_client;

/**
 * struct vgpu_actions - of a vGPU
 * @of: enum vgpu_quota_action of each resource; written with inst->lock held
 * @wait_ns: how long a call waits at most; likewise
 * @memory: who waits for memory
 * @copies: who waits until copies may be submitted
 */
struct vgpu_actions {
	u8 of[VGPU_RESOURCES];
	u64 wait_ns;
	struct vgpu_waitline memory;
	struct vgpu_waitline copies;
};

void vgpu_actions_init(struct vgpu_actions *actions);
/* 0, or -EOPNOTSUPP, -ERANGE with the reason. */
int vgpu_actions_check(const struct vgpu_instance_set *set,
		       struct vgpu_refusal *why);
/* inst->lock held, after the check. */
void vgpu_actions_set(struct vgpu_instance *inst,
		      const struct vgpu_instance_set *set);
typedef int (*vgpu_call_fn)(struct vgpu_client *client, u32 call, void *arg,
			    const void *payload, size_t payload_bytes);

/*
 * Calls @try, which is -EDQUOT (memory, bandwidth) or -EUSERS (contexts) where there
 * is no room, and again while it may wait for some.  Takes note of who was refused.
 */
int vgpu_action_call(struct vgpu_client *client, u32 call, void *arg,
		     const void *payload, size_t payload_bytes,
		     vgpu_call_fn try);
/* A client of @inst is dead: does it wait, it does so no longer. */
void vgpu_actions_wake(struct vgpu_instance *inst);

#endif /* _VGPU_CORE_ACTION_H */
