/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of sched/. */
#ifndef _SCHED_PRIV_H
#define _SCHED_PRIV_H

#include <linux/lockdep.h>

#include <vgpu/policy.h>

extern const struct vgpu_policy vgpu_policy_rr;
extern const struct vgpu_policy vgpu_policy_fair;
extern const struct vgpu_policy vgpu_policy_prio;
extern const struct vgpu_policy vgpu_policy_mlfq;
extern const struct vgpu_policy vgpu_policy_fixed;
extern const struct vgpu_policy vgpu_policy_burst;

static inline void vgpu_rq_assert_locked(const struct vgpu_rq *rq)
{
	if (rq->lock)
		lockdep_assert_held(rq->lock);
}

/* Brings what @se is due up to date. */
void vgpu_rq_settle(struct vgpu_rq *rq, struct vgpu_se *se);

/* A cap below @rq is @cap, and was @less. */
void vgpu_rq_add_caps(struct vgpu_rq *rq, u32 cap, u32 less);

/* Why @policy cannot be accepted, or NULL. */
const char *vgpu_policy_flaw(const struct vgpu_policy *policy);

#endif /* _SCHED_PRIV_H */
