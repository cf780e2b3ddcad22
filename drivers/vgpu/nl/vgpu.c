// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu-create, vgpu-destroy, vgpu-verb and vgpu-set.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

static const char * const state_names[] = {
	[VGPU_STATE_CREATED] = "created",
	[VGPU_STATE_RUNNING] = "running",
	[VGPU_STATE_PAUSED] = "paused",
	[VGPU_STATE_STOPPED] = "stopped",
	[VGPU_STATE_FAILED] = "failed",
	[VGPU_STATE_DEAD] = "dead",
};

static const char *state_name(enum vgpu_state state)
{
	if ((unsigned int)state < ARRAY_SIZE(state_names))
		return state_names[state];
	return "unknown";
}

static int refuse_busy(struct netlink_ext_ack *extack,
		       const struct vgpu_instance_info *ii)
{
	if (!ii->clients)
		return vgpu_nl_err(extack, NULL, -EBUSY, "vGPU %u is in use",
				   ii->id);
	if (ii->clients > 1)
		return vgpu_nl_err(extack, NULL, -EBUSY,
				   "vGPU %u is held by PID %d (%.20s) and %u more",
				   ii->id, ii->holder_pid, ii->holder,
				   ii->clients - 1);
	return vgpu_nl_err(extack, NULL, -EBUSY,
			   "vGPU %u is held by PID %d (%.32s)", ii->id,
			   ii->holder_pid, ii->holder);
}

/* The new one's names. */
static int reply_created(struct genl_info *info, struct vgpu_instance *inst,
			 const uuid_t *uuid)
{
	struct sk_buff *msg;
	void *hdr;

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put(msg, info->snd_portid, info->snd_seq,
			  &vgpu_nl_family, 0, VGPU_NL_CMD_VGPU_CREATE);
	if (!hdr ||
	    nla_put_u32(msg, VGPU_A_VGPU_ID, vgpu_instance_id(inst)) ||
	    nla_put(msg, VGPU_A_VGPU_UUID, UUID_SIZE, uuid)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

/* Says which attribute was to blame for what the core refused. */
static int explain_create(struct genl_info *info, struct vgpu_gpu *gpu, int err)
{
	struct netlink_ext_ack *extack = info->extack;
	const struct nlattr *type = info->attrs[VGPU_A_VGPU_TYPE];
	const struct nlattr *own = info->attrs[VGPU_A_VGPU_OWN_UNITS];

	switch (err) {
	case -ENOENT:
		return vgpu_nl_err(extack, type, err,
				   "GPU %u has no type %.32s",
				   vgpu_gpu_index(gpu), (char *)nla_data(type));
	case -EEXIST:
		return vgpu_nl_err(extack, info->attrs[VGPU_A_VGPU_UUID], err,
				   "another vGPU has that UUID");
	case -ENOSPC:
		if (own)
			return vgpu_nl_err(extack, own, err,
					   "no room for a %.16s on GPU %u, or not so many units to give away",
					   (char *)nla_data(type),
					   vgpu_gpu_index(gpu));
		return vgpu_nl_err(extack, type, err,
				   "no room for a %.32s on GPU %u",
				   (char *)nla_data(type), vgpu_gpu_index(gpu));
	case -ERANGE:
		/* the policy has seen to weight and priority */
		if (own)
			return vgpu_nl_err(extack, own, err,
					   "own-units or bandwidth-mbps is out of range");
		return vgpu_nl_err(extack,
				   info->attrs[VGPU_A_VGPU_BANDWIDTH_MBPS], err,
				   "bandwidth-mbps is out of range");
	case -EOPNOTSUPP:
		return vgpu_nl_err(extack, own, err,
				   "GPU %u cannot give compute units to one vGPU",
				   vgpu_gpu_index(gpu));
	case -ENODEV:
		return vgpu_nl_err(extack, info->attrs[VGPU_A_VGPU_GPU], err,
				   "GPU %u is going away", vgpu_gpu_index(gpu));
	case -EAGAIN:
	case -EIO:
		return vgpu_nl_err(extack, info->attrs[VGPU_A_VGPU_GPU], err,
				   "mediation of GPU %u fails: nothing new comes in",
				   vgpu_gpu_index(gpu));
	default:
		return err;
	}
}

static int create_on(struct vgpu_gpu *gpu, struct genl_info *info,
		     const struct vgpu_instance_params *params)
{
	struct vgpu_instance_info *ii;
	struct vgpu_instance *inst;
	int err;

	/* first, so that nothing can fail for want of it afterwards */
	ii = kzalloc(sizeof(*ii), GFP_KERNEL);
	if (!ii)
		return -ENOMEM;

	inst = vgpu_instance_create(gpu, params);
	if (IS_ERR(inst)) {
		err = explain_create(info, gpu, PTR_ERR(inst));
		goto out;
	}
	vgpu_instance_get_info(inst, ii);

	err = reply_created(info, inst, &ii->uuid);
	if (err) {
		/* its maker would never learn of it; who else may hold it? */
		vgpu_instance_destroy(inst);
	}
	vgpu_instance_put(inst);
out:
	kfree(ii);
	return err;
}

int vgpu_nl_vgpu_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_instance_params params = {
		.priority = VGPU_PRIORITY_DEFAULT,
	};
	struct vgpu_gpu *gpu;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_VGPU_GPU))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "say on which GPU: gpu");
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_VGPU_TYPE))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "say of which type: type");

	params.type = nla_data(info->attrs[VGPU_A_VGPU_TYPE]);
	if (info->attrs[VGPU_A_VGPU_UUID]) {
		import_uuid(&params.uuid,
			    nla_data(info->attrs[VGPU_A_VGPU_UUID]));
		/* the null UUID means "make one up" inside */
		if (uuid_is_null(&params.uuid))
			return vgpu_nl_err(info->extack,
					   info->attrs[VGPU_A_VGPU_UUID],
					   -EINVAL, "the null UUID names nobody");
	}
	if (info->attrs[VGPU_A_VGPU_WEIGHT])
		params.weight = nla_get_u32(info->attrs[VGPU_A_VGPU_WEIGHT]);
	if (info->attrs[VGPU_A_VGPU_PRIORITY])
		params.priority = nla_get_u32(info->attrs[VGPU_A_VGPU_PRIORITY]);
	if (info->attrs[VGPU_A_VGPU_BANDWIDTH_MBPS])
		params.bandwidth_mbps =
			nla_get_u64(info->attrs[VGPU_A_VGPU_BANDWIDTH_MBPS]);

	if (info->attrs[VGPU_A_VGPU_OWN_UNITS])
		params.units = nla_get_u32(info->attrs[VGPU_A_VGPU_OWN_UNITS]);

	gpu = vgpu_nl_gpu_lookup(info->attrs[VGPU_A_VGPU_GPU], info->extack);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	err = create_on(gpu, info, &params);
	vgpu_gpu_put(gpu);
	return err;
}

/* What the three below share: the one that is meant, and a view of it. */
struct target {
	struct vgpu_instance *inst;
	struct vgpu_instance_info *ii;
};

static int target_get(struct target *t, struct sk_buff *skb,
		      struct genl_info *info)
{
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;

	t->inst = vgpu_nl_instance_lookup(info);
	if (IS_ERR(t->inst))
		return PTR_ERR(t->inst);

	t->ii = kzalloc(sizeof(*t->ii), GFP_KERNEL);
	if (!t->ii) {
		vgpu_instance_put(t->inst);
		return -ENOMEM;
	}
	vgpu_instance_get_info(t->inst, t->ii);
	return 0;
}

static void target_put(struct target *t)
{
	kfree(t->ii);
	vgpu_instance_put(t->inst);
}

int vgpu_nl_vgpu_destroy_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct target t;
	int err;

	err = target_get(&t, skb, info);
	if (err)
		return err;

	if (t.ii->flags & VGPU_INSTANCE_MDEV) {
		/* the mdev core owns its life, and has no call to end it */
		err = t.ii->clients ? refuse_busy(info->extack, t.ii) :
		      vgpu_nl_err(info->extack, NULL, -EOPNOTSUPP,
				  "vGPU %u is an mdev: write 1 to its sysfs file \"remove\"",
				  t.ii->id);
		goto out;
	}

	err = vgpu_instance_destroy(t.inst);
	if (err == -EBUSY) {
		/* as it is now: the holder may have come since */
		vgpu_instance_get_info(t.inst, t.ii);
		err = refuse_busy(info->extack, t.ii);
	}
out:
	target_put(&t);
	return err;
}

int vgpu_nl_vgpu_verb_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const char * const verbs[] = {
		[VGPU_VERB_START] = "start",
		[VGPU_VERB_PAUSE] = "pause",
		[VGPU_VERB_RESUME] = "resume",
		[VGPU_VERB_STOP] = "stop",
	};
	const struct nlattr *attr = info->attrs[VGPU_A_VGPU_VERB];
	struct target t;
	u32 verb;
	int err;

	err = target_get(&t, skb, info);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_VGPU_VERB)) {
		err = vgpu_nl_err(info->extack, NULL, -EINVAL,
				  "say what to do: verb");
		goto out;
	}

	verb = nla_get_u32(attr);	/* the policy let only known ones pass */
	err = vgpu_instance_verb(t.inst, verb);
	if (err == -EBUSY) {
		vgpu_instance_get_info(t.inst, t.ii);
		vgpu_nl_err(info->extack, attr, err,
			    "cannot %s vGPU %u: it is %s", verbs[verb],
			    t.ii->id, state_name(t.ii->state));
	} else if (err == -EAGAIN) {
		vgpu_nl_err(info->extack, NULL, err,
			    "mediation of GPU %u failed: gpu recover brings it back",
			    t.ii->gpu);
	} else if (err == -ENODEV) {
		vgpu_nl_err(info->extack, NULL, err,
			    "the GPU of vGPU %u went away", t.ii->id);
	}
out:
	target_put(&t);
	return err;
}

static void read_set(struct genl_info *info, struct vgpu_instance_set *set)
{
	unsigned int i;

	if (info->attrs[VGPU_A_VGPU_WEIGHT]) {
		set->mask |= VGPU_SET_WEIGHT;
		set->weight = nla_get_u32(info->attrs[VGPU_A_VGPU_WEIGHT]);
	}
	if (info->attrs[VGPU_A_VGPU_PRIORITY]) {
		set->mask |= VGPU_SET_PRIORITY;
		set->priority = nla_get_u32(info->attrs[VGPU_A_VGPU_PRIORITY]);
	}
	if (info->attrs[VGPU_A_VGPU_BANDWIDTH_MBPS]) {
		set->mask |= VGPU_SET_BANDWIDTH;
		set->bandwidth_mbps =
			nla_get_u64(info->attrs[VGPU_A_VGPU_BANDWIDTH_MBPS]);
	}
	if (info->attrs[VGPU_A_VGPU_VRAM_LIMIT]) {
		set->mask |= VGPU_SET_VRAM;
		set->vram_bytes =
			nla_get_u64(info->attrs[VGPU_A_VGPU_VRAM_LIMIT]);
	}
	if (info->attrs[VGPU_A_VGPU_OWN_UNITS]) {
		set->mask |= VGPU_SET_UNITS;
		set->units = nla_get_u32(info->attrs[VGPU_A_VGPU_OWN_UNITS]);
	}
	if (info->attrs[VGPU_A_VGPU_CAP]) {
		set->mask |= VGPU_SET_CAP;
		set->cap = nla_get_u32(info->attrs[VGPU_A_VGPU_CAP]);
	}
	if (info->attrs[VGPU_A_VGPU_OWN_SLICE_NS]) {
		set->mask |= VGPU_SET_SLICE;
		set->slice_ns =
			nla_get_u64(info->attrs[VGPU_A_VGPU_OWN_SLICE_NS]);
	}
	if (info->attrs[VGPU_A_VGPU_GROUP]) {
		set->mask |= VGPU_SET_GROUP;
		set->group = nla_data(info->attrs[VGPU_A_VGPU_GROUP]);
	}
	if (info->attrs[VGPU_A_VGPU_GROUP_WEIGHT]) {
		set->mask |= VGPU_SET_GROUP_WEIGHT;
		set->group_weight =
			nla_get_u32(info->attrs[VGPU_A_VGPU_GROUP_WEIGHT]);
	}
	if (info->attrs[VGPU_A_VGPU_ALLOW]) {
		set->mask |= VGPU_SET_ALLOW;
		set->allow = nla_get_u32(info->attrs[VGPU_A_VGPU_ALLOW]);
	}
	for (i = 0; i < VGPU_RESOURCES; i++) {
		const struct nlattr *on = info->attrs[VGPU_A_VGPU_ON_MEMORY + i];

		if (!on)
			continue;
		set->mask |= VGPU_SET_ACTIONS;
		set->actions |= BIT(i);
		/* the policy let only known ones pass */
		set->action[i] = nla_get_u32(on);
	}
	if (info->attrs[VGPU_A_VGPU_QUOTA_WAIT_NS]) {
		set->mask |= VGPU_SET_WAIT;
		set->quota_wait_ns =
			nla_get_u64(info->attrs[VGPU_A_VGPU_QUOTA_WAIT_NS]);
	}
	if (info->attrs[VGPU_A_VGPU_PAD_NS]) {
		set->mask |= VGPU_SET_PAD;
		set->pad_ns = nla_get_u64(info->attrs[VGPU_A_VGPU_PAD_NS]);
	}
	if (info->attrs[VGPU_A_VGPU_PAD_JITTER_NS]) {
		set->mask |= VGPU_SET_PAD_JITTER;
		set->pad_jitter_ns =
			nla_get_u64(info->attrs[VGPU_A_VGPU_PAD_JITTER_NS]);
	}
	if (info->attrs[VGPU_A_VGPU_DUMP_LIMIT]) {
		set->mask |= VGPU_SET_DUMP_LIMIT;
		set->dump_limit =
			nla_get_u32(info->attrs[VGPU_A_VGPU_DUMP_LIMIT]);
	}
}

static const struct nlattr *to_blame(struct genl_info *info, u32 field)
{
	switch (field) {
	case VGPU_SET_WEIGHT:
		return info->attrs[VGPU_A_VGPU_WEIGHT];
	case VGPU_SET_PRIORITY:
		return info->attrs[VGPU_A_VGPU_PRIORITY];
	case VGPU_SET_BANDWIDTH:
		return info->attrs[VGPU_A_VGPU_BANDWIDTH_MBPS];
	case VGPU_SET_VRAM:
		return info->attrs[VGPU_A_VGPU_VRAM_LIMIT];
	case VGPU_SET_CAP:
		return info->attrs[VGPU_A_VGPU_CAP];
	case VGPU_SET_SLICE:
		return info->attrs[VGPU_A_VGPU_OWN_SLICE_NS];
	case VGPU_SET_GROUP:
		return info->attrs[VGPU_A_VGPU_GROUP];
	case VGPU_SET_GROUP_WEIGHT:
		return info->attrs[VGPU_A_VGPU_GROUP_WEIGHT];
	case VGPU_SET_UNITS:
		return info->attrs[VGPU_A_VGPU_OWN_UNITS];
	case VGPU_SET_ALLOW:
		return info->attrs[VGPU_A_VGPU_ALLOW];
	case VGPU_SET_WAIT:
		return info->attrs[VGPU_A_VGPU_QUOTA_WAIT_NS];
	case VGPU_SET_PAD:
		return info->attrs[VGPU_A_VGPU_PAD_NS];
	case VGPU_SET_PAD_JITTER:
		return info->attrs[VGPU_A_VGPU_PAD_JITTER_NS];
	case VGPU_SET_DUMP_LIMIT:
		return info->attrs[VGPU_A_VGPU_DUMP_LIMIT];
	default:
		return NULL;
	}
}

int vgpu_nl_vgpu_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_instance_set set = {};
	struct vgpu_refusal why = {};
	struct target t;
	int err;

	err = target_get(&t, skb, info);
	if (err)
		return err;

	read_set(info, &set);
	if (!set.mask) {
		err = vgpu_nl_err(info->extack, NULL, -EINVAL,
				  "nothing to set: name a quota");
		goto out;
	}

	err = vgpu_instance_set(t.inst, &set, &why);
	if (err && why.text[0])
		vgpu_nl_err(info->extack, to_blame(info, why.field), err, "%s",
			    why.text);
out:
	target_put(&t);
	return err;
}
