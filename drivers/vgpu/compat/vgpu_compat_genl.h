/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic netlink as its newest users see it, for older kernels too.
 */
#ifndef _VGPU_COMPAT_GENL_H
#define _VGPU_COMPAT_GENL_H

#include <net/genetlink.h>
#include <vgpu_compat_config.h>

/* The attributes of a dump's request, by number. */
static inline struct nlattr **vgpu_compat_dump_attrs(struct netlink_callback *cb)
{
#ifdef HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/*
 * Where the sentence of an extended ack can be kept until it is sent, which
 * is after the handler returned.
 *
 * Older acks have no room for it.  They get one of a few static ones in turn:
 * with more requests in flight than there are, a sentence can be that of
 * another request, never one without an end.
 */
#define VGPU_COMPAT_EXTACK_LEN	80

static inline char *vgpu_compat_extack_room(struct netlink_ext_ack *extack)
{
#ifdef HAVE_NL_SET_ERR_MSG_FMT
	BUILD_BUG_ON(sizeof(extack->_msg_buf) < VGPU_COMPAT_EXTACK_LEN);
	return extack->_msg_buf;
#else
	static char rooms[64][VGPU_COMPAT_EXTACK_LEN];
	static atomic_t next = ATOMIC_INIT(0);

	return rooms[(unsigned int)atomic_inc_return(&next) % ARRAY_SIZE(rooms)];
#endif
}

#endif /* _VGPU_COMPAT_GENL_H */
