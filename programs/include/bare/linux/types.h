/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bare RISC-V compiler has no Linux headers; these few names are all
 * that <linux/vgpu.h> needs of them.
 */
#ifndef VGPU_BARE_LINUX_TYPES_H
#define VGPU_BARE_LINUX_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;

#endif /* VGPU_BARE_LINUX_TYPES_H */
