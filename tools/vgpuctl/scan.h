/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What gpu scan and gpu select share.
 */
#ifndef VGPUCTL_SCAN_H
#define VGPUCTL_SCAN_H

struct args;
struct json_object;

#define DEVICE_NAME	600

/* Vendor and model, or their numbers. */
const char *device_name(char *buf, struct json_object *dev);
void print_scan(struct json_object *found);
/* --root, if it is there; an exit code. */
int take_root(struct args *args);

#endif /* VGPUCTL_SCAN_H */
