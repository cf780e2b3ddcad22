// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "vgpu": the lists, the verbs and the events of
 * face.h in netlink's words.
 *
 * Who may do what.  GPUs belong to no namespace, so whoever changes something
 * needs CAP_SYS_ADMIN in the initial user namespace, and the family lives in
 * the initial network namespace only: a container with its own network sees
 * nothing of it.  The flags of generic netlink's operations know only
 * CAP_NET_ADMIN, which has nothing to do with GPUs, hence the checks here.
 * Reading is open to all, but what tells of others' doings is left out for
 * those without the capability (gpu.c, vgpu_get.c).
 *
 * Operations run in parallel; face.h does the locking.  Requests are
 * validated strictly: unknown attributes and bytes left over are refused
 * before they come here.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <net/genetlink.h>

#include <vgpu/nl.h>

#include "nl_priv.h"

static const struct genl_multicast_group vgpu_nl_groups[VGPU_NLGRP_COUNT] = {
	[VGPU_NLGRP_LIFECYCLE] = { .name = VGPU_MCGRP_LIFECYCLE, },
	[VGPU_NLGRP_QUOTA] = {
		.name = VGPU_MCGRP_QUOTA,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
	[VGPU_NLGRP_HEALTH] = {
		.name = VGPU_MCGRP_HEALTH,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
	[VGPU_NLGRP_MEMORY] = {
		.name = VGPU_MCGRP_MEMORY,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
	[VGPU_NLGRP_PERFORMANCE] = {
		.name = VGPU_MCGRP_PERFORMANCE,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
	[VGPU_NLGRP_GOVERNOR] = {
		.name = VGPU_MCGRP_GOVERNOR,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

struct genl_family vgpu_nl_family __ro_after_init = {
	.name		= VGPU_FAMILY_NAME,
	.version	= VGPU_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= false,
	.parallel_ops	= true,
	.ops		= vgpu_nl_ops,
	.n_ops		= ARRAY_SIZE(vgpu_nl_ops),
	.mcgrps		= vgpu_nl_groups,
	.n_mcgrps	= ARRAY_SIZE(vgpu_nl_groups),
};

int vgpu_nl_err(struct netlink_ext_ack *extack, const struct nlattr *attr,
		int err, const char *fmt, ...)
{
	char *room;
	va_list args;

	if (!extack)
		return err;

	room = vgpu_compat_extack_room(extack);
	va_start(args, fmt);
	vscnprintf(room, VGPU_COMPAT_EXTACK_LEN, fmt, args);
	va_end(args);

	extack->_msg = room;
	if (attr)
		extack->bad_attr = attr;
	return err;
}

bool vgpu_nl_is_admin(struct sk_buff *skb)
{
	/* the opener of the socket as well as the one who sends */
	return netlink_capable(skb, CAP_SYS_ADMIN);
}

int vgpu_nl_admin_only(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (vgpu_nl_is_admin(skb))
		return 0;
	return vgpu_nl_err(extack, NULL, -EPERM,
			   "needs CAP_SYS_ADMIN on the host (root)");
}

struct vgpu_gpu *vgpu_nl_gpu_lookup(const struct nlattr *attr,
				    struct netlink_ext_ack *extack)
{
	struct vgpu_gpu *gpu = vgpu_gpu_get(nla_get_u32(attr));

	if (!gpu)
		return ERR_PTR(vgpu_nl_err(extack, attr, -ENODEV, "no GPU %u",
					   nla_get_u32(attr)));
	return gpu;
}

struct vgpu_gpu *vgpu_nl_gpu_named(struct genl_info *info, int attr)
{
	if (GENL_REQ_ATTR_CHECK(info, attr))
		return ERR_PTR(vgpu_nl_err(info->extack, NULL, -EINVAL,
					   "say which GPU: index"));
	return vgpu_nl_gpu_lookup(info->attrs[attr], info->extack);
}

struct vgpu_instance *vgpu_nl_instance_lookup(struct genl_info *info)
{
	const struct nlattr *id = info->attrs[VGPU_A_VGPU_ID];
	const struct nlattr *uuid = info->attrs[VGPU_A_VGPU_UUID];
	struct netlink_ext_ack *extack = info->extack;
	struct vgpu_instance *inst;
	uuid_t u;

	if (uuid) {
		import_uuid(&u, nla_data(uuid));
		inst = vgpu_instance_get_by_uuid(&u);
		if (!inst)
			return ERR_PTR(vgpu_nl_err(extack, uuid, -ENODEV,
						   "no vGPU has the UUID %pUb",
						   &u));
		/* a number that has gone to another vGPU since it was listed */
		if (id && vgpu_instance_id(inst) != nla_get_u32(id)) {
			vgpu_instance_put(inst);
			return ERR_PTR(vgpu_nl_err(extack, id, -EINVAL,
						   "id and uuid are of two vGPUs"));
		}
		return inst;
	}

	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_VGPU_ID))
		return ERR_PTR(vgpu_nl_err(extack, NULL, -EINVAL,
					   "say which vGPU: id or uuid"));

	inst = vgpu_instance_get(nla_get_u32(id));
	if (!inst)
		return ERR_PTR(vgpu_nl_err(extack, id, -ENODEV, "no vGPU %u",
					   nla_get_u32(id)));
	return inst;
}

/**
 * vgpu_nl_init - start speaking netlink
 *
 * Context: from the module's init.
 * Return: 0 or a negative errno.
 */
int __init vgpu_nl_init(void)
{
	int err;

	err = genl_register_family(&vgpu_nl_family);
	if (err)
		return err;

	err = vgpu_nl_events_init();
	if (err)
		goto err_unregister;
	return 0;

err_unregister:
	genl_unregister_family(&vgpu_nl_family);
	return err;
}

/**
 * vgpu_nl_exit - undo vgpu_nl_init()
 *
 * Waits for the requests under way. Not __exit: the module's init may call
 * it to unwind.
 */
void vgpu_nl_exit(void)
{
	vgpu_nl_events_exit();
	genl_unregister_family(&vgpu_nl_family);
}
