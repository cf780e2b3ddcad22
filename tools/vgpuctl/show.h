/* SPDX-License-Identifier: GPL-2.0 */
/*
 * "Name: value" lists for people.
 */
#ifndef VGPUCTL_SHOW_H
#define VGPUCTL_SHOW_H

struct json_object;

enum show_kind {
	SHOW_TEXT,
	SHOW_NUMBER,
	SHOW_BYTES,
	SHOW_NS,
	SHOW_PERMILLE,
	SHOW_LIST,
	SHOW_MBPS,		/* 0: no limit */
};

struct show_field {
	const char *key;	/* NULL: the end */
	const char *label;
	enum show_kind kind;
};

/* One line for each field that @obj has. */
void show_fields(struct json_object *obj, const struct show_field *fields);

#endif /* VGPUCTL_SHOW_H */
