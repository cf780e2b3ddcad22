// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu-get.
 */
#include <linux/slab.h>
#include <net/genetlink.h>
#include <vgpu/filter.h>

#include "nl_priv.h"

static_assert((int)VGPU_NL_FLAG_MDEV == VGPU_INSTANCE_MDEV);
static_assert((int)VGPU_NL_RIGHT_MEMORY == VGPU_RIGHT_MEMORY);
static_assert((int)VGPU_NL_RIGHT_USER_MEMORY == VGPU_RIGHT_USER_MEMORY);
static_assert((int)VGPU_NL_RIGHT_SHARE == VGPU_RIGHT_SHARE);
static_assert((int)VGPU_NL_RIGHT_MAP == VGPU_RIGHT_MAP);
static_assert((int)VGPU_NL_RIGHT_QUEUE == VGPU_RIGHT_QUEUE);
static_assert((int)VGPU_NL_RIGHT_RING == VGPU_RIGHT_RING);
static_assert((int)VGPU_NL_RIGHT_LAUNCH == VGPU_RIGHT_LAUNCH);
static_assert((int)VGPU_NL_RIGHT_TRANSFER == VGPU_RIGHT_TRANSFER);
static_assert((int)VGPU_NL_RIGHT_SYNC == VGPU_RIGHT_SYNC);
static_assert(VGPU_UUID_LEN == UUID_SIZE);

/* What everybody may see: as much as nodes and sysfs show. */
static int put_identity(struct sk_buff *skb,
			const struct vgpu_instance_info *ii)
{
	if (nla_put_u32(skb, VGPU_A_VGPU_ID, ii->id) ||
	    nla_put(skb, VGPU_A_VGPU_UUID, UUID_SIZE, &ii->uuid) ||
	    nla_put_u32(skb, VGPU_A_VGPU_GPU, ii->gpu) ||
	    nla_put_string(skb, VGPU_A_VGPU_TYPE, ii->type) ||
	    nla_put_u32(skb, VGPU_A_VGPU_STATE, ii->state) ||
	    nla_put_u32(skb, VGPU_A_VGPU_FLAGS,
			ii->flags & VGPU_INSTANCE_MDEV))
		return -EMSGSIZE;
	return 0;
}

static int put_holder(struct sk_buff *skb, const struct vgpu_instance_info *ii)
{
	if (nla_put_u32(skb, VGPU_A_VGPU_CLIENTS, ii->clients))
		return -EMSGSIZE;
	if (!ii->clients)
		return 0;
	if (nla_put_u32(skb, VGPU_A_VGPU_HOLDER_PID, ii->holder_pid) ||
	    nla_put_string(skb, VGPU_A_VGPU_HOLDER, ii->holder))
		return -EMSGSIZE;
	return 0;
}

static int put_small(struct sk_buff *skb, const struct vgpu_instance_info *ii)
{
	unsigned int i;

	if (nla_put_u32(skb, VGPU_A_VGPU_UNITS, ii->units) ||
	    nla_put_u32(skb, VGPU_A_VGPU_OWN_UNITS, ii->own_units) ||
	    nla_put_u32(skb, VGPU_A_VGPU_WEIGHT, ii->weight) ||
	    nla_put_u32(skb, VGPU_A_VGPU_PRIORITY, ii->priority) ||
	    nla_put_u32(skb, VGPU_A_VGPU_CAP, ii->cap) ||
	    nla_put_u32(skb, VGPU_A_VGPU_ALLOW, ii->allow) ||
	    nla_put_u32(skb, VGPU_A_VGPU_DUMP_LIMIT, ii->dump_limit) ||
	    nla_put_u32(skb, VGPU_A_VGPU_RECEIVED_PERMILLE,
			ii->received_permille) ||
	    nla_put_u32(skb, VGPU_A_VGPU_ENTITLED_PERMILLE,
			ii->entitled_permille))
		return -EMSGSIZE;
	if (ii->group[0] &&
	    (nla_put_string(skb, VGPU_A_VGPU_GROUP, ii->group) ||
	     nla_put_u32(skb, VGPU_A_VGPU_GROUP_WEIGHT, ii->group_weight)))
		return -EMSGSIZE;
	for (i = 0; i < VGPU_RESOURCES; i++)
		if (nla_put_u32(skb, VGPU_A_VGPU_ON_MEMORY + i, ii->action[i]))
			return -EMSGSIZE;
	return put_holder(skb, ii);
}

#define U64(NAME, field) \
	{ VGPU_A_VGPU_##NAME, offsetof(struct vgpu_instance_info, field) }

/* The figures that are 64 bits wide, which most are. */
static const struct {
	u16 attr;
	u16 offset;
} wide[] = {
	U64(BANDWIDTH_MBPS, bandwidth_mbps),
	U64(SLICE_NS, slice_ns),
	U64(VRAM_LIMIT, vram_limit),
	U64(VRAM_USED, vram_used),
	U64(VRAM_PEAK, vram_peak),
	U64(VRAM_DENIED, vram_denied),
	U64(CREATED_NS, created_ns),
	U64(ACTIVE_NS, active_ns),
	U64(BUSY_NS, busy_ns),
	U64(ENTITLED_NS, entitled_ns),
	U64(WAIT_NS, wait_ns),
	U64(WAIT_MAX_NS, wait_max_ns),
	U64(WAKEUPS, wakeups),
	U64(SLICES, slices),
	U64(SWITCHES, switches),
	U64(PREEMPTIONS, preemptions),
	U64(RESETS, resets),
	U64(FAULTS, faults),
	U64(SUBMITTED, submitted),
	U64(COMPLETED, completed),
	U64(FAILED, failed),
	U64(COPIED_BYTES, copied_bytes),
	U64(THROTTLED_NS, throttled_ns),
	U64(CTX_SAVES, ctx_saves),
	U64(CTX_LOADS, ctx_loads),
	U64(CTX_BYTES_SAVED, ctx_bytes_saved),
	U64(WAIT_P50_NS, wait_p50_ns),
	U64(WAIT_P99_NS, wait_p99_ns),
	U64(OWN_SLICE_NS, own_slice_ns),
	U64(OVERSHOOT_NS, overshoot_ns),
	U64(WAKE_P50_NS, wake_p50_ns),
	U64(WAKE_P99_NS, wake_p99_ns),
	U64(DEADLINES_MET, deadlines_met),
	U64(DEADLINES_MISSED, deadlines_missed),
	U64(LATE_MAX_NS, late_max_ns),
	U64(HIGH_NS, class_ns[0]),
	U64(NORMAL_NS, class_ns[1]),
	U64(BATCH_NS, class_ns[2]),
	U64(PINNED_BYTES, pinned_bytes),
	U64(FILTERED, filtered),
	U64(VIOLATIONS, violations),
	U64(QUOTA_HELD, quota_held),
	U64(QUOTA_WAIT_NS, quota_wait_ns),
	U64(PAD_NS, pad_ns),
	U64(PAD_JITTER_NS, pad_jitter_ns),
	U64(DUMPS, dumps),
	U64(DUMPS_MISSED, dumps_missed),
};

static int put_wide(struct sk_buff *skb, const struct vgpu_instance_info *ii)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wide); i++) {
		const u64 *value = (const void *)ii + wide[i].offset;

		if (nla_put_u64_64bit(skb, wide[i].attr, *value,
				      VGPU_A_VGPU_PAD))
			return -EMSGSIZE;
	}
	return 0;
}

static int fill_vgpu(struct sk_buff *skb, struct vgpu_instance *inst,
		     u32 portid, u32 seq, struct netlink_callback *cb,
		     bool admin)
{
	struct vgpu_instance_info *ii;
	int err = -EMSGSIZE;
	void *hdr;

	/* too large for the stack */
	ii = kzalloc(sizeof(*ii), GFP_KERNEL);
	if (!ii)
		return -ENOMEM;
	vgpu_instance_get_info(inst, ii);

	hdr = genlmsg_put(skb, portid, seq, &vgpu_nl_family,
			  cb ? NLM_F_MULTI : 0, VGPU_NL_CMD_VGPU_GET);
	if (!hdr)
		goto out;
	if (put_identity(skb, ii) ||
	    (admin && (put_small(skb, ii) || put_wide(skb, ii)))) {
		genlmsg_cancel(skb, hdr);
		goto out;
	}
	if (cb)
		genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	err = 0;
out:
	kfree(ii);
	return err;
}

int vgpu_nl_vgpu_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *gpu = info->attrs[VGPU_A_VGPU_GPU];
	struct vgpu_instance *inst;
	struct sk_buff *msg;
	int err;

	if (gpu)
		return vgpu_nl_err(info->extack, gpu, -EINVAL,
				   "gpu selects what a dump shows, not one vGPU");

	inst = vgpu_nl_instance_lookup(info);
	if (IS_ERR(inst))
		return PTR_ERR(inst);

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg) {
		err = -ENOMEM;
		goto out;
	}
	err = fill_vgpu(msg, inst, info->snd_portid, info->snd_seq, NULL,
			vgpu_nl_is_admin(skb));
	if (err)
		nlmsg_free(msg);
	else
		err = genlmsg_reply(msg, info);
out:
	vgpu_instance_put(inst);
	return err;
}

static int check_dump(struct netlink_callback *cb, struct nlattr **attrs)
{
	const struct nlattr *one;
	struct vgpu_gpu *gpu;

	one = attrs[VGPU_A_VGPU_ID] ?: attrs[VGPU_A_VGPU_UUID];
	if (one)
		return vgpu_nl_err(cb->extack, one, -EINVAL,
				   "a dump shows all; ask for one without NLM_F_DUMP");

	if (attrs[VGPU_A_VGPU_GPU]) {
		gpu = vgpu_nl_gpu_lookup(attrs[VGPU_A_VGPU_GPU], cb->extack);
		if (IS_ERR(gpu))
			return PTR_ERR(gpu);
		vgpu_gpu_put(gpu);
	}
	return 0;
}

/* cb->args[0]: the next id to show; [1]: the request was looked at */
int vgpu_nl_vgpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **attrs = vgpu_compat_dump_attrs(cb);
	const struct nlattr *only = attrs[VGPU_A_VGPU_GPU];
	bool admin = vgpu_nl_is_admin(cb->skb);
	struct vgpu_instance *inst;
	int err;

	if (!cb->args[1]) {
		err = check_dump(cb, attrs);
		if (err)
			return err;
		cb->args[1] = 1;
	}

	cb->seq = vgpu_lists_generation();
	while ((inst = vgpu_instance_next(cb->args[0]))) {
		u32 id = vgpu_instance_id(inst);

		err = 0;
		if (!only || vgpu_gpu_index(vgpu_instance_gpu(inst)) ==
			     nla_get_u32(only))
			err = fill_vgpu(skb, inst, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, cb, admin);
		vgpu_instance_put(inst);
		if (err)
			return skb->len ? skb->len : err;
		cb->args[0] = (long)id + 1;
	}
	return skb->len;
}
