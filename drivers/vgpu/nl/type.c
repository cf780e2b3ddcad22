// SPDX-License-Identifier: GPL-2.0
/*
 * type-get.  Types and what is left of them are as public here as in the
 * sysfs files of mediated devices.
 */
#include <net/genetlink.h>

#include "nl_priv.h"

static int fill_type(struct sk_buff *skb, struct netlink_callback *cb,
		     struct vgpu_gpu *gpu, const struct vgpu_type *type)
{
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &vgpu_nl_family, NLM_F_MULTI, VGPU_NL_CMD_TYPE_GET);
	if (!hdr)
		return -EMSGSIZE;

	if (nla_put_u32(skb, VGPU_A_TYPE_GPU, vgpu_gpu_index(gpu)) ||
	    nla_put_string(skb, VGPU_A_TYPE_NAME, type->name) ||
	    nla_put_u32(skb, VGPU_A_TYPE_SHARES, type->shares) ||
	    nla_put_u32(skb, VGPU_A_TYPE_WEIGHT, type->weight) ||
	    nla_put_u64_64bit(skb, VGPU_A_TYPE_VRAM_BYTES, type->vram_bytes,
			      VGPU_A_TYPE_PAD) ||
	    nla_put_u32(skb, VGPU_A_TYPE_AVAILABLE,
			vgpu_type_available(gpu, type))) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return 0;
}

/* The types of @gpu from cb->args[1] on, which starts over for the next. */
static int dump_gpu(struct sk_buff *skb, struct netlink_callback *cb,
		    struct vgpu_gpu *gpu)
{
	const struct vgpu_type *types;
	unsigned int count;
	int err;

	types = vgpu_gpu_types(gpu, &count);
	for (; cb->args[1] < count; cb->args[1]++) {
		err = fill_type(skb, cb, gpu, &types[cb->args[1]]);
		if (err)
			return err;
	}
	cb->args[1] = 0;
	return 0;
}

/* cb->args[0]: number of the GPU to go on with; [1]: its next type */
int vgpu_nl_type_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *only = vgpu_compat_dump_attrs(cb)[VGPU_A_TYPE_GPU];
	struct vgpu_gpu *gpu;
	int err;

	if (only && !cb->args[0] && !cb->args[1]) {
		gpu = vgpu_nl_gpu_lookup(only, cb->extack);
		if (IS_ERR(gpu))
			return PTR_ERR(gpu);
		vgpu_gpu_put(gpu);
		cb->args[0] = nla_get_u32(only);
	}

	cb->seq = vgpu_lists_generation();
	while ((gpu = vgpu_gpu_next(cb->args[0]))) {
		u32 at = vgpu_gpu_index(gpu);

		if (only && at != nla_get_u32(only)) {
			vgpu_gpu_put(gpu);
			break;
		}
		/* the one that was begun has gone meanwhile */
		if (at != cb->args[0])
			cb->args[1] = 0;
		cb->args[0] = at;

		err = dump_gpu(skb, cb, gpu);
		vgpu_gpu_put(gpu);
		if (err)
			return skb->len ? skb->len : err;
		cb->args[0] = (long)at + 1;
	}
	return skb->len;
}
