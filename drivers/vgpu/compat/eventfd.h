/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_COMPAT_EVENTFD_H
#define _VGPU_COMPAT_EVENTFD_H

#include <linux/eventfd.h>
#include <vgpu_compat_config.h>

/* Adds one. Atomic. */
static inline void vgpu_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef HAVE_EVENTFD_SIGNAL_ONE_ARG
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

#endif /* _VGPU_COMPAT_EVENTFD_H */
