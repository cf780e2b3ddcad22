// SPDX-License-Identifier: GPL-2.0
/*
 * What can be set on a run queue and its entities while they run, and groups.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include <vgpu/kunit.h>
#include <vgpu/policy.h>
#include <vgpu/sched.h>

#include "sched_priv.h"

static void tell_changed(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	if (rq->policy->changed)
		rq->policy->changed(rq->policy_data, rq,
				    se->policy_data, se, now);
}

/**
 * vgpu_rq_set_slice() - set the default slice
 * @rq: any state
 * @slice_ns: clamped to VGPU_SLICE_MIN_NS … VGPU_SLICE_MAX_NS
 */
void vgpu_rq_set_slice(struct vgpu_rq *rq, u64 slice_ns)
{
	vgpu_rq_assert_locked(rq);
	rq->slice_ns = clamp(slice_ns, VGPU_SLICE_MIN_NS, VGPU_SLICE_MAX_NS);
}

/**
 * vgpu_rq_set_threshold() - how soon may one that wakes up preempt?
 * @rq: the engine's, any state
 * @threshold_ns: engine time that who runs has before, up to VGPU_SLICE_MAX_NS
 */
void vgpu_rq_set_threshold(struct vgpu_rq *rq, u64 threshold_ns)
{
	vgpu_rq_assert_locked(rq);
	rq->threshold_ns = min(threshold_ns, VGPU_SLICE_MAX_NS);
}

/**
 * vgpu_rq_set_weight() - change a share, live
 * @rq: its run queue
 * @se: in any state
 * @weight: clamped to VGPU_WEIGHT_MIN … VGPU_WEIGHT_MAX
 * @now: time
 *
 * What it was due under the old weight stays due.
 */
void vgpu_rq_set_weight(struct vgpu_rq *rq, struct vgpu_se *se, u32 weight,
			u64 now)
{
	vgpu_rq_assert_locked(rq);
	rq = se->rq;
	weight = clamp_t(u32, weight, VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX);
	if (weight == se->weight)
		return;
	vgpu_rq_settle(rq, se);
	if (se->state != VGPU_SE_IDLE)
		rq->load = rq->load - se->weight + weight;
	se->weight = weight;
	tell_changed(rq, se, now);
}

/**
 * vgpu_rq_set_priority() - change a priority, live
 * @rq: its run queue
 * @se: in any state
 * @priority: clamped to VGPU_PRIORITY_MAX
 * @now: time
 */
void vgpu_rq_set_priority(struct vgpu_rq *rq, struct vgpu_se *se,
			  u32 priority, u64 now)
{
	vgpu_rq_assert_locked(rq);
	rq = se->rq;
	se->priority = min_t(u32, priority, VGPU_PRIORITY_MAX);
	tell_changed(rq, se, now);
}

/**
 * vgpu_rq_set_se_slice() - give an entity a slice of its own
 * @rq: its run queue
 * @se: in any state
 * @slice_ns: clamped to VGPU_SLICE_MIN_NS … VGPU_SLICE_MAX_NS; 0: the run
 *	queue's
 * @now: time
 */
void vgpu_rq_set_se_slice(struct vgpu_rq *rq, struct vgpu_se *se, u64 slice_ns,
			  u64 now)
{
	vgpu_rq_assert_locked(rq);
	rq = se->rq;
	if (slice_ns)
		slice_ns = clamp(slice_ns, VGPU_SLICE_MIN_NS,
				 VGPU_SLICE_MAX_NS);
	se->slice_ns = slice_ns;
	tell_changed(rq, se, now);
}

/**
 * vgpu_rq_refuses() - may this policy take over?
 * @rq: any state
 * @policy: any
 *
 * Returns the reason why not, or NULL.
 */
const char *vgpu_rq_refuses(const struct vgpu_rq *rq,
			    const struct vgpu_policy *policy)
{
	vgpu_rq_assert_locked(rq);
	if ((policy->flags & VGPU_POLICY_CAPS) && rq->caps > VGPU_CAP_MAX)
		return "caps add up to more than 100 %";
	return NULL;
}

/**
 * vgpu_rq_cap_fits() - is there room for a cap?
 * @rq: an engine's, any state
 * @cap: in hundredths of a per cent of the engine
 *
 * Returns false when caps would then add up to more than the engine and the
 * policy has to keep them.
 */
bool vgpu_rq_cap_fits(const struct vgpu_rq *rq, u32 cap)
{
	vgpu_rq_assert_locked(rq);
	return !(rq->policy->flags & VGPU_POLICY_CAPS) ||
	       rq->caps + cap <= VGPU_CAP_MAX;
}

/**
 * vgpu_rq_set_cap() - change a cap, live
 * @rq: its run queue
 * @se: in any state
 * @cap: in hundredths of a per cent of the engine; 0: none
 * @now: time
 *
 * Returns 0, or -ERANGE above VGPU_CAP_MAX, or -ENOSPC when the caps would add up
 * to more than the engine and the policy has to keep them.
 */
int vgpu_rq_set_cap(struct vgpu_rq *rq, struct vgpu_se *se, u32 cap, u64 now)
{
	const struct vgpu_rq *top;

	vgpu_rq_assert_locked(rq);
	rq = se->rq;
	if (cap > VGPU_CAP_MAX)
		return -ERANGE;
	top = vgpu_rq_top(rq);
	if (cap > se->cap && !vgpu_rq_cap_fits(top, cap - se->cap))
		return -ENOSPC;
	vgpu_rq_add_caps(rq, cap, se->cap);
	se->cap = cap;
	tell_changed(rq, se, now);
	return 0;
}

/**
 * vgpu_rq_figures() - what the policy itself counts
 * @rq: any state
 * @out: filled
 * @max: room in @out
 *
 * Returns how many there are in @out.
 */
unsigned int vgpu_rq_figures(struct vgpu_rq *rq, struct vgpu_figure *out,
			     unsigned int max)
{
	vgpu_rq_assert_locked(rq);
	if (!rq->policy->figures)
		return 0;
	return rq->policy->figures(rq->policy_data, rq, out, max);
}

/* --- groups -------------------------------------------------------------- */

/**
 * vgpu_group_init() - make a group
 * @group: any memory
 * @rq: the engine's run queue
 * @policy: among the members, without VGPU_POLICY_HOLDS; from
 *	vgpu_policy_get(), the group takes over the reference
 * @id: the caller's name for it
 * @weight: of all members together
 * @priority: of all members together
 *
 * Members are added to group->rq. What is due to a member is its part of what
 * the group gets.
 */
void vgpu_group_init(struct vgpu_group *group, struct vgpu_rq *rq,
		     const struct vgpu_policy *policy, u32 id, u32 weight,
		     u32 priority)
{
	WARN_ON_ONCE(policy->flags & VGPU_POLICY_HOLDS);
	vgpu_rq_init(&group->rq, rq->lock, policy);
	vgpu_rq_add(rq, &group->se, id, weight, priority);
	group->rq.group = &group->se;
	group->se.members = &group->rq;
}

/**
 * vgpu_group_fini() - take leave of a group
 * @group: without members
 * @now: time
 *
 * The reference to group->rq.policy is the caller's again.
 */
void vgpu_group_fini(struct vgpu_group *group, u64 now)
{
	vgpu_rq_remove(group->se.rq, &group->se, now);
	vgpu_rq_fini(&group->rq);
}

/**
 * vgpu_group_dissolve() - take leave of a group that may have members
 * @group: its members, in any state, move to the engine's run queue
 * @now: time
 *
 * O(members). The reference to group->rq.policy is the caller's again.
 */
void vgpu_group_dissolve(struct vgpu_group *group, u64 now)
{
	struct vgpu_rq *top = group->se.rq;
	struct vgpu_se *se;

	while ((se = list_first_entry_or_null(&group->rq.all, struct vgpu_se,
					      link)))
		vgpu_rq_move(top, se, top, now);
	vgpu_group_fini(group, now);
}

/* for vgpu_kunit.ko */
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_slice);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_threshold);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_weight);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_priority);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_se_slice);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_cap);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_cap_fits);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_refuses);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_figures);
VGPU_EXPORT_IF_KUNIT(vgpu_group_init);
VGPU_EXPORT_IF_KUNIT(vgpu_group_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_group_dissolve);
