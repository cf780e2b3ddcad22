/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: what a vGPU may ask for at all.  Rights are in vgpu/filter.h.
 */
#ifndef _VGPU_CORE_FILTER_H
#define _VGPU_CORE_FILTER_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <vgpu/filter.h>

struct vgpu_instance;

/**
 * struct vgpu_filter - of a vGPU
 * @allow: VGPU_RIGHT_*; written with inst->lock held, read by anybody
 * @refused: calls, commands and mappings, for want of a right
 *
 * No static key: asking costs a load and a jump, and switching one on would
 * rewrite code that other tenants are running.
 */
struct vgpu_filter {
	u32 allow;
	atomic64_t refused;
};

static inline void vgpu_filter_init(struct vgpu_filter *filter)
{
	filter->allow = VGPU_RIGHTS_ALL;
}

/* Any context. 0, or -EPERM, counted: it has not all of @rights. */
static inline int vgpu_filter(struct vgpu_filter *filter, u32 rights)
{
	if (likely(!(rights & ~READ_ONCE(filter->allow))))
		return 0;
	atomic64_inc(&filter->refused);
	return -EPERM;
}

int vgpu_filter_look_up(struct vgpu_filter *filter, u32 call);

/* Likewise, for an enum vgpu_call. Only who lacks a right pays for the look-up. */
static inline int vgpu_filter_call(struct vgpu_filter *filter, u32 call)
{
	if (likely(READ_ONCE(filter->allow) == VGPU_RIGHTS_ALL))
		return 0;
	return vgpu_filter_look_up(filter, call);
}

/*
 * inst->lock held: from now on @inst has the rights in @allow only. CPU mappings
 * and dma-bufs that it may not have any more are taken from it before this returns.
 */
void vgpu_filter_set(struct vgpu_instance *inst, u32 allow);

#endif /* _VGPU_CORE_FILTER_H */
