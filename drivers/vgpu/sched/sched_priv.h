/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of sched/. */
#ifndef _SCHED_PRIV_H
#define _SCHED_PRIV_H

#include <vgpu/policy.h>

extern const struct vgpu_policy vgpu_policy_rr;
extern const struct vgpu_policy vgpu_policy_fair;
extern const struct vgpu_policy vgpu_policy_prio;
extern const struct vgpu_policy vgpu_policy_mlfq;
extern const struct vgpu_policy vgpu_policy_fixed;
extern const struct vgpu_policy vgpu_policy_burst;

/* Why @policy cannot be accepted, or NULL. */
const char *vgpu_policy_flaw(const struct vgpu_policy *policy);

#endif /* _SCHED_PRIV_H */
