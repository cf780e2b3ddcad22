/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lies where in the memory of a GPU, as a picture.
 */
#ifndef VGPUCTL_MEMMAP_H
#define VGPUCTL_MEMMAP_H

struct json_object;

/* @map: from data_mem_map(). With a legend, as wide as the terminal. */
void memmap_show(struct json_object *map);
/* The same for programs: a new object. */
struct json_object *memmap_json(struct json_object *map);

#endif /* VGPUCTL_MEMMAP_H */
