// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu-violations-get.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

static_assert((int)VGPU_NL_RESOURCE_MEMORY == VGPU_RES_MEMORY);
static_assert((int)VGPU_NL_RESOURCE_BANDWIDTH == VGPU_RES_BANDWIDTH);
static_assert((int)VGPU_NL_RESOURCE_CONTEXTS == VGPU_RES_CONTEXTS);
static_assert((int)VGPU_NL_RESOURCE_CLIENTS == VGPU_RES_CLIENTS);
static_assert((int)VGPU_NL_RESOURCE_HANDLES == VGPU_RES_HANDLES);
static_assert((int)VGPU_NL_QUOTA_ACTION_REJECT == VGPU_QUOTA_REJECT);
static_assert((int)VGPU_NL_QUOTA_ACTION_QUEUE == VGPU_QUOTA_QUEUE);
static_assert((int)VGPU_NL_QUOTA_ACTION_THROTTLE == VGPU_QUOTA_THROTTLE);
static_assert((int)VGPU_NL_QUOTA_ACTION_PREEMPT == VGPU_QUOTA_PREEMPT);

static_assert(VGPU_A_VGPU_ON_BANDWIDTH == VGPU_A_VGPU_ON_MEMORY + VGPU_RES_BANDWIDTH);
static_assert(VGPU_A_VGPU_ON_CONTEXTS == VGPU_A_VGPU_ON_MEMORY + VGPU_RES_CONTEXTS);
static_assert(VGPU_A_VGPU_ON_CLIENTS == VGPU_A_VGPU_ON_MEMORY + VGPU_RES_CLIENTS);
static_assert(VGPU_A_VGPU_ON_HANDLES == VGPU_A_VGPU_ON_MEMORY + VGPU_RES_HANDLES);

/* Of an entry: eight wide figures, three others, a name, and heads. */
#define ENTRY_BYTES	(8 * 16 + 3 * 8 + 20 + 4)

static int put_violation(struct sk_buff *skb, const struct vgpu_violation *v)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_VGPU_VIOLATION);

	if (!nest ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_SEQ, v->seq,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_TIME_NS, v->time_ns,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_WALL_NS, v->wall_ns,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_LAST_NS, v->last_ns,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u32(skb, VGPU_A_VIOLATION_RESOURCE, v->resource) ||
	    nla_put_u32(skb, VGPU_A_VIOLATION_ACTION, v->action) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_COUNT, v->count,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_ASKED, v->asked,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_LIMIT, v->limit,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VIOLATION_USED, v->used,
			      VGPU_A_VIOLATION_PAD) ||
	    nla_put_u32(skb, VGPU_A_VIOLATION_PID, v->pid) ||
	    nla_put_string(skb, VGPU_A_VIOLATION_COMM, v->comm))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill(struct sk_buff *msg, struct genl_info *info,
		struct vgpu_instance *inst, struct vgpu_violation *v)
{
	u64 total, lost;
	int i, n;
	void *hdr;

	n = vgpu_instance_get_violations(inst, 0, v, VGPU_VIOLATIONS, &total,
					 &lost);
	hdr = genlmsg_put_reply(msg, info, &vgpu_nl_family, 0,
				VGPU_NL_CMD_VGPU_VIOLATIONS_GET);
	if (!hdr ||
	    nla_put_u32(msg, VGPU_A_VGPU_ID, vgpu_instance_id(inst)) ||
	    nla_put_u64_64bit(msg, VGPU_A_VGPU_VIOLATIONS, total,
			      VGPU_A_VGPU_PAD) ||
	    nla_put_u64_64bit(msg, VGPU_A_VGPU_VIOLATIONS_LOST, lost,
			      VGPU_A_VGPU_PAD))
		return -EMSGSIZE;
	for (i = 0; i < n; i++)
		if (put_violation(msg, &v[i]))
			return -EMSGSIZE;
	genlmsg_end(msg, hdr);
	return 0;
}

int vgpu_nl_vgpu_violations_get_doit(struct sk_buff *skb,
				     struct genl_info *info)
{
	struct vgpu_instance *inst;
	struct vgpu_violation *v;
	struct sk_buff *msg;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	inst = vgpu_nl_instance_lookup(info);
	if (IS_ERR(inst))
		return PTR_ERR(inst);
	v = kvcalloc(VGPU_VIOLATIONS, sizeof(*v), GFP_KERNEL);
	msg = genlmsg_new(256 + VGPU_VIOLATIONS * ENTRY_BYTES, GFP_KERNEL);
	err = v && msg ? fill(msg, info, inst, v) : -ENOMEM;
	if (err)
		nlmsg_free(msg);
	else
		err = genlmsg_reply(msg, info);
	kvfree(v);
	vgpu_instance_put(inst);
	return err;
}
