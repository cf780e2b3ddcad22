/* SPDX-License-Identifier: GPL-2.0 */
/* The rules, without where the structure came from. */
#ifndef _VGPU_IOCTL_PRIV_H
#define _VGPU_IOCTL_PRIV_H

#include <vgpu/ioctl.h>

u32 vgpu_ioctl_u32(const void *arg, u16 offset);
int vgpu_ioctl_check_fields(const struct vgpu_ioctl_desc *desc,
			    const void *arg);
int vgpu_ioctl_check_user(const struct vgpu_ioctl_desc *desc, const void *arg);
int vgpu_ioctl_check_array(const struct vgpu_ioctl_desc *desc,
			   const void *arg, u32 *count, u32 *stride);

#endif /* _VGPU_IOCTL_PRIV_H */
