/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_CDI_H
#define VGPUCTL_CDI_H

#include <stdint.h>

struct json_object;

/*
 * The CDI spec of those of @vgpus (data_vgpus()) that have a node, on @gpu or, with GPU_ALL,
 * on any; the caller's.
 */
struct json_object *cdi_spec(struct json_object *vgpus, uint32_t gpu);

#endif /* VGPUCTL_CDI_H */
