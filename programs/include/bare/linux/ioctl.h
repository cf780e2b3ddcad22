/* SPDX-License-Identifier: GPL-2.0 */
/* A GPU kernel makes no ioctls; <linux/vgpu.h> includes this all the same. */
#ifndef VGPU_BARE_LINUX_IOCTL_H
#define VGPU_BARE_LINUX_IOCTL_H
#endif /* VGPU_BARE_LINUX_IOCTL_H */
