/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simulator's stand-ins for kernel headers: as much as sched/ and the
 * scenarios use, written for user space, no more.
 */
#ifndef _SHIM_TYPES_H
#define _SHIM_TYPES_H

#define __printf(a, b)		__attribute__((format(printf, a, b)))

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef unsigned long long u64;
typedef long long s64;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint16_t u16;
typedef uint8_t u8;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#endif
