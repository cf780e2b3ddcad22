/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_NL_PRIV_H
#define _VGPU_NL_PRIV_H

#include <net/genetlink.h>

#include <vgpu/face.h>
#include <vgpu_compat_genl.h>

#include "gen.h"

extern struct genl_family vgpu_nl_family;

/**
 * vgpu_nl_err - refuse a request with a sentence
 * @extack: of the request, may be NULL
 * @attr: the attribute that is to blame, or NULL
 * @err: negative errno
 * @fmt: a sentence of up to 79 bytes without a final stop; longer ones are cut
 *
 * Return: @err
 */
__printf(4, 5)
int vgpu_nl_err(struct netlink_ext_ack *extack, const struct nlattr *attr,
		int err, const char *fmt, ...);

/* May the sender of @skb change things and see everybody's figures? */
bool vgpu_nl_is_admin(struct sk_buff *skb);
/* 0, or -EPERM with a sentence. */
int vgpu_nl_admin_only(struct sk_buff *skb, struct netlink_ext_ack *extack);

/* With a reference, or ERR_PTR with a sentence. */
struct vgpu_gpu *vgpu_nl_gpu_lookup(const struct nlattr *attr,
				    struct netlink_ext_ack *extack);
/* Likewise; of a request that has to name one, by an index at @attr. */
struct vgpu_gpu *vgpu_nl_gpu_named(struct genl_info *info, int attr);
/* Likewise; by id or uuid, or both when they are of one vGPU. */
struct vgpu_instance *vgpu_nl_instance_lookup(struct genl_info *info);

/* switching.c: 0 or -EMSGSIZE. */
int vgpu_nl_put_switching(struct sk_buff *skb,
			  const struct vgpu_switch_stats *st);

/* degrade.c: 0 or -EMSGSIZE. */
int vgpu_nl_put_degrade(struct sk_buff *skb, const struct vgpu_degrade_info *d);
/* What of it is named goes to @set, the rest of it is as it is now. */
void vgpu_nl_read_degrade(struct genl_info *info, struct vgpu_gpu *gpu,
			  struct vgpu_gpu_set *set);
/* Is any of it? */
bool vgpu_nl_sets_degrade(const struct genl_info *info);
/* Which of its rules is to blame when they are refused; NULL: none was named. */
const struct nlattr *vgpu_nl_blame_degrade(const struct genl_info *info);

/* monitor.c: 0 or -EMSGSIZE. */
int vgpu_nl_put_monitor(struct sk_buff *skb, const struct vgpu_gpu_info *gi);
/* What of it is named goes to @set. */
void vgpu_nl_read_monitor(struct genl_info *info, struct vgpu_gpu_set *set);

int vgpu_nl_events_init(void);
void vgpu_nl_events_exit(void);

#endif /* _VGPU_NL_PRIV_H */
