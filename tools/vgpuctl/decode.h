/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_DECODE_H
#define VGPUCTL_DECODE_H

#include "attrs.h"

struct json_object;
struct nlattr;

/*
 * Attributes as a JSON object: names with underscores, numbers, names of
 * values, arrays of names for flags, UUIDs as text.  What the tables do not
 * know (from a newer kernel) is left out.
 */
struct json_object *decode(const struct attr_set *set, struct nlattr *attrs,
			   int len);

#endif /* VGPUCTL_DECODE_H */
