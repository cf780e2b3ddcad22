// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-recover, and what gpu-get and gpu-set have to say of a GPU whose mediation fails.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

static_assert((int)VGPU_NL_DEGRADE_NORMAL == VGPU_DEGRADE_NORMAL);
static_assert((int)VGPU_NL_DEGRADE_BASIC_LIMIT == VGPU_DEGRADE_BASIC);
static_assert((int)VGPU_NL_DEGRADE_DENY_ALL == VGPU_DEGRADE_DENY);
static_assert((int)VGPU_NL_DEGRADE_STOP == VGPU_DEGRADE_STOP);
static_assert((int)VGPU_NL_DEGRADE_REASON_NONE == VGPU_DEGRADE_NONE);
static_assert((int)VGPU_NL_DEGRADE_REASON_BY_HAND == VGPU_DEGRADE_BY_HAND);
static_assert((int)VGPU_NL_DEGRADE_REASON_RESET == VGPU_DEGRADE_RESET);
static_assert((int)VGPU_NL_DEGRADE_REASON_CONTRACT == VGPU_DEGRADE_CONTRACT);
static_assert((int)VGPU_NL_DEGRADE_REASON_SAVE == VGPU_DEGRADE_SAVE);
static_assert((int)VGPU_NL_DEGRADE_REASON_POLICY == VGPU_DEGRADE_POLICY);
static_assert((int)VGPU_NL_DEGRADE_REASON_UNITS == VGPU_DEGRADE_UNITS);
static_assert(VGPU_A_GPU_DENY_AFTER == VGPU_A_GPU_BASIC_AFTER + 1);
static_assert(VGPU_A_GPU_STOP_AFTER == VGPU_A_GPU_BASIC_AFTER + 2);

int vgpu_nl_put_degrade(struct sk_buff *skb, const struct vgpu_degrade_info *d)
{
	unsigned int i;

	if (nla_put_u32(skb, VGPU_A_GPU_DEGRADE, d->step) ||
	    nla_put_u32(skb, VGPU_A_GPU_DEGRADE_REASON, d->reason) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_DEGRADE_SINCE_NS, d->since_ns,
			      VGPU_A_GPU_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_DEGRADE_FAILURES, d->failures,
			      VGPU_A_GPU_PAD) ||
	    nla_put_u32(skb, VGPU_A_GPU_DEGRADE_WINDOW, d->rules.window_s))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(d->rules.after); i++)
		if (nla_put_u32(skb, VGPU_A_GPU_BASIC_AFTER + i,
				d->rules.after[i]))
			return -EMSGSIZE;
	return 0;
}

static bool sets_rules(const struct genl_info *info)
{
	return info->attrs[VGPU_A_GPU_BASIC_AFTER] ||
	       info->attrs[VGPU_A_GPU_DENY_AFTER] ||
	       info->attrs[VGPU_A_GPU_STOP_AFTER] ||
	       info->attrs[VGPU_A_GPU_DEGRADE_WINDOW];
}

bool vgpu_nl_sets_degrade(const struct genl_info *info)
{
	return info->attrs[VGPU_A_GPU_DEGRADE] || sets_rules(info);
}

const struct nlattr *vgpu_nl_blame_degrade(const struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[VGPU_A_GPU_DEGRADE_WINDOW];
	unsigned int i;

	for (i = VGPU_A_GPU_BASIC_AFTER; !attr && i <= VGPU_A_GPU_STOP_AFTER; i++)
		attr = info->attrs[i];
	return attr;
}

void vgpu_nl_read_degrade(struct genl_info *info, struct vgpu_gpu *gpu,
			  struct vgpu_gpu_set *set)
{
	const struct nlattr *attr = info->attrs[VGPU_A_GPU_DEGRADE];
	unsigned int i;

	if (attr) {
		set->mask |= VGPU_GPU_SET_DEGRADE;
		set->degrade = nla_get_u32(attr);
	}
	if (!sets_rules(info))
		return;
	set->mask |= VGPU_GPU_SET_DEGRADE_RULES;
	vgpu_gpu_get_degrade_rules(gpu, &set->rules);
	for (i = 0; i < ARRAY_SIZE(set->rules.after); i++) {
		attr = info->attrs[VGPU_A_GPU_BASIC_AFTER + i];
		if (attr)
			set->rules.after[i] = nla_get_u32(attr);
	}
	attr = info->attrs[VGPU_A_GPU_DEGRADE_WINDOW];
	if (attr)
		set->rules.window_s = nla_get_u32(attr);
}

int vgpu_nl_gpu_recover_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_gpu *gpu;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	gpu = vgpu_nl_gpu_named(info, VGPU_A_GPU_INDEX);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	err = vgpu_gpu_recover(gpu);
	if (err)
		vgpu_nl_err(info->extack, NULL, err, "GPU %u is going away",
			    vgpu_gpu_index(gpu));
	vgpu_gpu_put(gpu);
	return err;
}
