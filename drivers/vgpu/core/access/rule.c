// SPDX-License-Identifier: GPL-2.0
/*
 * One rule of access: whom and when it is about.  No state, no locks.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/uidgid.h>
#include <vgpu/access.h>
#include <vgpu/kunit.h>

/**
 * vgpu_rule_check() - does it make sense?
 * @rule: to be used
 *
 * Return: 0 or -EINVAL.
 */
int vgpu_rule_check(const struct vgpu_access_rule *rule)
{
	if (rule->who >= VGPU_ACCESS_WHOS || !rule->gpus || !rule->days ||
	    rule->days & ~VGPU_ACCESS_DAYS || rule->from >= VGPU_DAY_MINUTES ||
	    rule->to >= VGPU_DAY_MINUTES)
		return -EINVAL;
	switch (rule->who) {
	case VGPU_ACCESS_ANY:
		return rule->id ? -EINVAL : 0;
	case VGPU_ACCESS_UID:
	case VGPU_ACCESS_GID:
		return rule->id >= (u32)-1 ? -EINVAL : 0;
	default:
		return rule->id ? 0 : -EINVAL;
	}
}

static bool is_in_group(const struct cred *cred, kgid_t gid)
{
	const struct group_info *groups = cred->group_info;
	int low = 0, high = groups->ngroups;

	if (gid_eq(cred->fsgid, gid))
		return true;
	/* in order, as setgroups() left them */
	while (low < high) {
		int mid = (low + high) / 2;

		if (gid_eq(groups->gid[mid], gid))
			return true;
		if (gid_gt(gid, groups->gid[mid]))
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool is_below(const struct cgroup *cgroup, u64 id)
{
#ifdef CONFIG_CGROUPS
	for (; cgroup; cgroup = cgroup_parent((struct cgroup *)cgroup))
		if (cgroup_id(cgroup) == id)
			return true;
#endif
	return false;
}

static bool is_about(const struct vgpu_access_rule *rule,
		     const struct vgpu_asker *asker)
{
	switch (rule->who) {
	case VGPU_ACCESS_ANY:
		return true;
	case VGPU_ACCESS_UID:
		return uid_eq(asker->cred->fsuid, KUIDT_INIT(rule->id));
	case VGPU_ACCESS_GID:
		return is_in_group(asker->cred, KGIDT_INIT(rule->id));
	case VGPU_ACCESS_CGROUP:
		return is_below(asker->cgroup, rule->id);
	default:
		return false;
	}
}

static bool is_time(const struct vgpu_access_rule *rule, u32 minute)
{
	u32 day = minute / VGPU_DAY_MINUTES, at = minute % VGPU_DAY_MINUTES;
	u32 day_before = (day + 6) % 7;
	bool today = rule->days & BIT(day);

	if (rule->from == rule->to)
		return today;
	if (rule->from < rule->to)
		return today && at >= rule->from && at < rule->to;
	/* over midnight: it counts to the day on which it began */
	return (today && at >= rule->from) ||
	       (rule->days & BIT(day_before) && at < rule->to);
}

/**
 * vgpu_rule_fits() - is it about this one?
 * @rule: checked
 * @asker: who, what, when
 *
 * Context: any.
 * Return: whether it decides.
 */
bool vgpu_rule_fits(const struct vgpu_access_rule *rule,
		    const struct vgpu_asker *asker)
{
	if (asker->gpu >= 64 ? rule->gpus != U64_MAX :
	    !(rule->gpus & BIT_ULL(asker->gpu)))
		return false;
	if (!uuid_is_null(&rule->vgpu) && !uuid_equal(&rule->vgpu, &asker->vgpu))
		return false;
	return is_time(rule, asker->minute) && is_about(rule, asker);
}

VGPU_EXPORT_IF_KUNIT(vgpu_rule_check);
VGPU_EXPORT_IF_KUNIT(vgpu_rule_fits);
