/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Printing of vGPUs, from JSON as data.h gives it.
 */
#ifndef VGPUCTL_LIST_H
#define VGPUCTL_LIST_H

#include "table.h"

struct json_object;

enum color color_state(const char *state);
enum color color_share(uint64_t received, uint64_t entitled);
void print_list(struct json_object *gpus, struct json_object *vgpus);
void print_node_list(struct json_object *vgpus);
/* GPUs as sched_view() makes them. */
void print_sched(struct json_object *gpus);
struct json_object *sched_view(struct json_object *gpus,
			       struct json_object *vgpus,
			       struct json_object *sched);
void print_vgpu(struct json_object *vgpu);

#endif /* VGPUCTL_LIST_H */
