/* SPDX-License-Identifier: GPL-2.0 */
/* Inside core/: a GPU whose mediation fails. */
#ifndef _VGPU_CORE_DEGRADE_H
#define _VGPU_CORE_DEGRADE_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <vgpu/degrade.h>

struct vgpu_degrade_info;
struct vgpu_gpu;

/**
 * struct vgpu_degrader - of a GPU
 * @lock: a leaf, but for what posting an event takes
 * @d: what failed, and the step; d.step is read without the lock
 * @work: does what the step asks for
 * @applied: step that it saw last; gpu->lock
 */
struct vgpu_degrader {
	spinlock_t lock;	/* @d */
	struct vgpu_degrade d;
	struct work_struct work;
	enum vgpu_degrade_step applied;
};

void vgpu_degrader_init(struct vgpu_gpu *gpu);
/* Any context: mediation failed, and no tenant is to blame. */
void vgpu_degrade_failed(struct vgpu_gpu *gpu, enum vgpu_degrade_reason reason);
/* gpu->lock held; -EINVAL: that is no step down. */
int vgpu_degrade_by_hand(struct vgpu_gpu *gpu, enum vgpu_degrade_step step);
/* gpu->lock held. */
void vgpu_degrade_set_rules(struct vgpu_gpu *gpu,
			    const struct vgpu_degrade_rules *rules);
void vgpu_degrade_get_info(struct vgpu_gpu *gpu, struct vgpu_degrade_info *info);
/* 0; -EAGAIN or -EIO: not on this GPU now. Of an enum vgpu_call. */
int vgpu_degrade_call_slow(struct vgpu_gpu *gpu, u32 call);
/* Likewise for somebody, or something, new. */
int vgpu_degrade_enter(struct vgpu_gpu *gpu);
/* Is the GPU at that step, or further down? */
bool vgpu_degraded(const struct vgpu_gpu *gpu, enum vgpu_degrade_step step);

#endif /* _VGPU_CORE_DEGRADE_H */
