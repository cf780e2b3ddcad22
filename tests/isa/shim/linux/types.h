/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Just enough of the kernel's interfaces to build the machine of vgpu_soft
 * in user space.
 */
#ifndef _SHIM_TYPES_H
#define _SHIM_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
/* long long, as in the kernel, for the sake of printf formats */
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#define __packed	__attribute__((packed))

#endif /* _SHIM_TYPES_H */
