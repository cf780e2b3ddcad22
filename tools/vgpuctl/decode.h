/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_DECODE_H
#define VGPUCTL_DECODE_H

#include "attrs.h"

struct json_object;
struct nl_msg;
struct nlattr;

/*
 * Attributes as a JSON object: names with underscores, numbers, names of
 * values, arrays of names for flags, UUIDs as text.  What the tables do not
 * know (from a newer kernel) is left out.
 */
struct json_object *decode(const struct attr_set *set, struct nlattr *attrs,
			   int len);
/* The way back, of one attribute; -1 if @value does not fit. */
int encode(struct nl_msg *msg, const struct attr *attr, struct json_object *value);
const struct attr *attr_by_id(const struct attr_set *set, int id);

#endif /* VGPUCTL_DECODE_H */
