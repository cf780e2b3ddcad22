/* SPDX-License-Identifier: GPL-2.0 */
/* struct class::devnode takes a const device since 6.2. */
#ifndef _VGPU_COMPAT_DEVNODE_H
#define _VGPU_COMPAT_DEVNODE_H

#include <linux/device/class.h>
#include <vgpu_compat_config.h>

#ifdef HAVE_CLASS_DEVNODE_CONST
#define vgpu_devnode_device	const struct device
#else
#define vgpu_devnode_device	struct device
#endif

#endif /* _VGPU_COMPAT_DEVNODE_H */
