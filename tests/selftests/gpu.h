/* SPDX-License-Identifier: GPL-2.0 */
/* A vGPU with all that is needed to run something on it, through libvgpu. */
#ifndef VGPU_SELFTESTS_GPU_H
#define VGPU_SELFTESTS_GPU_H

#include <vgpu.h>
#include <programs.h>
#include "st.h"

#define MS	1000000ll
#define SEC	1000000000ll

struct gpu {
	struct st_vgpu vgpu;
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
	struct vgpu_kernel *kernels[4];
	struct vgpu_bo *bos[16];
};

/* Of a vGPU that was made by st_vgpu(); its fd is used up. Ends the case. */
void gpu_open(struct gpu *gpu, const struct st_vgpu *vgpu);
/* Creates the vGPU too. */
void gpu_new(struct gpu *gpu, unsigned int shares, uint32_t weight);
/* Everything that was made by the functions here; the vGPU stays. */
void gpu_close(struct gpu *gpu);
/* Memory that the GPU and we see. */
struct vgpu_bo *gpu_bo(struct gpu *gpu, uint64_t bytes, uint32_t flags);
void gpu_free(struct gpu *gpu, struct vgpu_bo *bo);
/* Loads build/programs/NAME.elf ($VGPU_PROGRAMS) and finds a symbol in it. */
uint64_t gpu_load(struct gpu *gpu, const char *file, const char *symbol);
/* Several symbols of it. */
void gpu_program(struct gpu *gpu, const char *file, const char *const *symbols,
		 uint64_t *entries, unsigned int count);
int gpu_launch(struct gpu *gpu, uint64_t entry, uint32_t groups,
	       uint32_t lanes, uint32_t shared_bytes, const void *args,
	       uint32_t args_bytes);
/* Waits for all so far: what ended badly last, or 0. */
int gpu_finish(struct gpu *gpu, int64_t timeout_ns);
/* The same, but leaves interrupts as they are. */
void gpu_settle(struct gpu *gpu);
/* The n-th byte of a pattern that differs by seed and place. */
uint8_t gpu_pattern(uint64_t seed, uint64_t n);
void gpu_fill_pattern(void *at, uint64_t bytes, uint64_t seed);
/* Index of the first byte that is not the pattern's, or @bytes. */
uint64_t gpu_check_pattern(const void *at, uint64_t bytes, uint64_t seed);

/* What nothing makes smaller: nothing in a page of it repeats. Of whole words. */
void gpu_fill_noise(void *at, uint64_t bytes, uint64_t seed);

/* The counter kernel with its memory; both ends of a comparison. */
struct counter_run {
	struct gpu *gpu;
	uint64_t entry;
	uint32_t groups, lanes;
	uint64_t rounds;
	struct vgpu_bo *cells, *totals;
};

void counter_setup(struct counter_run *run, struct gpu *gpu, uint32_t groups,
		   uint32_t lanes, uint64_t rounds);
int counter_start(struct counter_run *run);
/* 0 when two runs left the same bytes, else where they differ, plus one. */
uint64_t counter_differ(const struct counter_run *a,
			const struct counter_run *b);

#endif /* VGPU_SELFTESTS_GPU_H */
