/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_TOP_H
#define VGPUCTL_TOP_H

#include <stdint.h>

struct json_object;

/* All counters at one moment. */
struct reading {
	struct json_object *gpus;
	struct json_object *vgpus;
	uint64_t time_ns;
};

/*
 * What happened between two readings, as `vgpuctl -j top` prints it.  vGPUs
 * that came meanwhile count from zero.
 */
struct json_object *top_sample(const struct reading *before,
			       const struct reading *after);
void top_print(struct json_object *sample);

#endif /* VGPUCTL_TOP_H */
