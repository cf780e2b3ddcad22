/* SPDX-License-Identifier: GPL-2.0 */
/* A client of the device with one of everything, to let the GPU work. */
#ifndef VGPU_TESTS_VFIO_GPU_H
#define VGPU_TESTS_VFIO_GPU_H

#include "dev.h"

#define VA_VRAM	0x40000000ull
#define VA_HOST	0x60000000ull

struct gpu {
	struct dev *d;
	uint32_t client;
	uint32_t vm, ctx, queue, timeline, slot;
	uint64_t value;			/* that the timeline is raised to last */
};

void gpu_new(struct gpu *g, struct dev *d);
/* Which page of doorbells it got: no other client has it. */
uint32_t gpu_new_bells(struct gpu *g, struct dev *d);
/* VRAM; where it lies in the aperture. */
int gpu_vram(struct gpu *g, uint64_t bytes, uint32_t *bo, uint64_t *offset);
/* Guest memory; its addresses are @first and, every @step bytes, on. */
int gpu_host(struct gpu *g, uint64_t first, uint64_t step, uint32_t pages,
	     uint32_t *bo);
int gpu_map(struct gpu *g, uint32_t bo, uint64_t va, uint64_t bytes);
int gpu_unmap(struct gpu *g, uint64_t va, uint64_t bytes);
int gpu_close(struct gpu *g, uint32_t handle);
int gpu_submit(struct gpu *g, const struct vgpu_cmd *cmds, uint32_t count);
struct vgpu_cmd gpu_fill(uint64_t va, uint64_t bytes, uint32_t pattern);
struct vgpu_cmd gpu_copy(uint64_t dst, uint64_t src, uint64_t bytes);
struct vgpu_cmd gpu_signal(struct gpu *g, uint64_t value);
/* Submits one command, and waits until it ended: its errno. */
int gpu_do(struct gpu *g, struct vgpu_cmd cmd);
/* Waits for the timeline through the mapped page. */
int gpu_wait(struct gpu *g, uint64_t value, unsigned int ms);

#endif /* VGPU_TESTS_VFIO_GPU_H */
