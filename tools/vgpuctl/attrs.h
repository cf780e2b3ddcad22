/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names and kinds of the netlink attributes, as attrs.c lists them (generated
 * from Documentation/netlink/specs/vgpu.yaml).  What the kernel says becomes
 * JSON by these tables alone.
 */
#ifndef VGPUCTL_ATTRS_H
#define VGPUCTL_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vgpu_netlink.h>

enum attr_kind {
	ATTR_U32,
	ATTR_U64,
	ATTR_S32,
	ATTR_STRING,
	ATTR_FLAG,
	ATTR_NEST,
	ATTR_UUID,
};

/* Names of values; of bits for flags. */
struct attr_enum {
	const char *const *names;
	unsigned int count;
	unsigned int first;	/* value of names[0] */
};

struct attr_set;

struct attr {
	uint16_t id;
	enum attr_kind kind;
	const char *name;		/* NULL: end of the table */
	bool multi;			/* may come many times: an array */
	bool flags;			/* @values names bits */
	const struct attr_set *nested;
	const struct attr_enum *values;
};

struct attr_set {
	const struct attr *attrs;
	unsigned int max;
};

extern const struct attr_set attr_set_vram;
extern const struct attr_set attr_set_engine;
extern const struct attr_set attr_set_gpu;
extern const struct attr_set attr_set_mem_map;
extern const struct attr_set attr_set_type;
extern const struct attr_set attr_set_vgpu;
extern const struct attr_set attr_set_sched;
extern const struct attr_set attr_set_event;
extern const struct attr_set attr_set_access;
extern const struct attr_set attr_set_history;

/* What a request to set may have, those that say of what as well; 0 ends it. */
extern const uint16_t attr_settable_gpu[];
extern const uint16_t attr_settable_vgpu[];

#endif /* VGPUCTL_ATTRS_H */
