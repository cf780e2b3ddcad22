// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"

void gpu_open(struct gpu *gpu, const struct st_vgpu *vgpu)
{
	struct st_vgpu made = *vgpu;	/* may be in *gpu */
	int ret;

	memset(gpu, 0, sizeof(*gpu));
	vgpu = &made;
	gpu->vgpu = *vgpu;
	if (made.fd >= 0)
		close(vgpu->fd);
	ret = vgpu_open(vgpu->path, &gpu->dev);
	NEED(!ret, "%s: %s: %s", vgpu->path, st_errno(ret), vgpu_error());
	gpu->vgpu.fd = vgpu_fd(gpu->dev);
	ret = vgpu_vm_create(gpu->dev, &gpu->vm);
	NEED(!ret, "%s", vgpu_error());
	ret = vgpu_ctx_create(gpu->vm, 0, &gpu->ctx);
	NEED(!ret, "%s", vgpu_error());
	ret = vgpu_queue_create(gpu->ctx, NULL, &gpu->queue);
	NEED(!ret, "%s", vgpu_error());
}

void gpu_new(struct gpu *gpu, unsigned int shares, uint32_t weight)
{
	struct st_vgpu vgpu;

	st_vgpu(&vgpu, shares, weight);
	gpu_open(gpu, &vgpu);
}

void gpu_close(struct gpu *gpu)
{
	unsigned int i;

	vgpu_queue_destroy(gpu->queue);
	for (i = 0; i < 4; i++)
		vgpu_kernel_destroy(gpu->kernels[i]);
	for (i = 0; i < 16; i++)
		vgpu_bo_destroy(gpu->bos[i]);
	vgpu_ctx_destroy(gpu->ctx);
	vgpu_vm_destroy(gpu->vm);
	vgpu_close(gpu->dev);
}

/* A free place in an array of pointers; when there is none it is not kept. */
static void keep(void *array, unsigned int count, void *what)
{
	void **at = array;
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!at[i]) {
			at[i] = what;
			return;
		}
	}
}

void gpu_free(struct gpu *gpu, struct vgpu_bo *bo)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		if (gpu->bos[i] == bo)
			gpu->bos[i] = NULL;
	vgpu_bo_destroy(bo);
}

struct vgpu_bo *gpu_bo(struct gpu *gpu, uint64_t bytes, uint32_t flags)
{
	struct vgpu_bo *bo;
	int ret;

	ret = vgpu_alloc(gpu->vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE,
			 flags, &bo);
	NEED(!ret, "%s", vgpu_error());
	keep(gpu->bos, 16, bo);
	return bo;
}

void gpu_program(struct gpu *gpu, const char *file, const char *const *symbols,
		 uint64_t *entries, unsigned int count)
{
	const char *folder = getenv("VGPU_PROGRAMS");
	const char *top = getenv("VGPU_TOP");
	struct vgpu_kernel *kernel;
	unsigned int i;
	char path[512];
	int ret;

	if (folder)
		snprintf(path, sizeof(path), "%s/%s.elf", folder, file);
	else
		snprintf(path, sizeof(path), "%s/build/programs/%s.elf",
			 top ? top : ".", file);
	ret = vgpu_kernel_load(gpu->vm, path, &kernel);
	NEED(!ret, "%s: %s", path, vgpu_error());
	keep(gpu->kernels, 4, kernel);
	for (i = 0; i < count; i++) {
		ret = vgpu_kernel_entry(kernel, symbols[i], &entries[i]);
		NEED(!ret, "%s: %s", path, vgpu_error());
	}
}

uint64_t gpu_load(struct gpu *gpu, const char *file, const char *symbol)
{
	uint64_t entry;

	gpu_program(gpu, file, &symbol, &entry, 1);
	return entry;
}

int gpu_launch(struct gpu *gpu, uint64_t entry, uint32_t groups,
	       uint32_t lanes, uint32_t shared_bytes, const void *args,
	       uint32_t args_bytes)
{
	const struct vgpu_launch launch = {
		.entry = entry,
		.grid = { groups },
		.block = { (uint16_t)lanes },
		.shared_bytes = shared_bytes,
		.args = args,
		.args_bytes = args_bytes,
	};

	return vgpu_launch(gpu->queue, &launch, 10 * SEC);
}

int gpu_finish(struct gpu *gpu, int64_t timeout_ns)
{
	return vgpu_queue_finish(gpu->queue, timeout_ns);
}

void gpu_settle(struct gpu *gpu)
{
	int64_t mark = vgpu_queue_mark(gpu->queue);
	int ret;

	NEED(mark >= 0, "%s", vgpu_error());
	ret = vgpu_queue_wait(gpu->queue, mark, 30 * SEC);
	NEED(!ret, "not ended after 30 s: %s", vgpu_error());
}

uint8_t gpu_pattern(uint64_t seed, uint64_t n)
{
	uint64_t z = (seed + n / 8) * 0x9e3779b97f4a7c15u;

	z ^= z >> 29;
	return (uint8_t)(z >> 8 * (n % 8)) | 1;	/* never what memory is made of */
}

void gpu_fill_pattern(void *at, uint64_t bytes, uint64_t seed)
{
	uint8_t *p = at;
	uint64_t i;

	for (i = 0; i < bytes; i++)
		p[i] = gpu_pattern(seed, i);
}

void gpu_fill_noise(void *at, uint64_t bytes, uint64_t seed)
{
	uint64_t x = 0x9e3779b97f4a7c15u * (seed + 1), *word = at;
	uint64_t i;

	for (i = 0; i < bytes / sizeof(*word); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		word[i] = x;
	}
}

uint64_t gpu_check_pattern(const void *at, uint64_t bytes, uint64_t seed)
{
	const uint8_t *p = at;
	uint64_t i;

	for (i = 0; i < bytes; i++)
		if (p[i] != gpu_pattern(seed, i))
			return i;
	return bytes;
}

void counter_setup(struct counter_run *run, struct gpu *gpu, uint32_t groups,
		   uint32_t lanes, uint64_t rounds)
{
	uint64_t i, *cells;

	run->gpu = gpu;
	run->groups = groups;
	run->lanes = lanes;
	run->rounds = rounds;
	run->entry = gpu_load(gpu, "counter", "counter");
	run->cells = gpu_bo(gpu, groups * lanes * 8ull, 0);
	run->totals = gpu_bo(gpu, sizeof(struct counter_totals), 0);
	cells = run->cells->cpu;
	for (i = 0; i < groups * lanes; i++)
		cells[i] = i * 0x9e3779b97f4a7c15u;
}

int counter_start(struct counter_run *run)
{
	const struct counter_args args = {
		.cells = run->cells->va,
		.totals = run->totals->va,
		.rounds = run->rounds,
	};

	return gpu_launch(run->gpu, run->entry, run->groups, run->lanes,
			  run->lanes * 8, &args, sizeof(args));
}

uint64_t counter_differ(const struct counter_run *a,
			const struct counter_run *b)
{
	const uint8_t *x = a->cells->cpu, *y = b->cells->cpu;
	uint64_t i, bytes = a->groups * a->lanes * 8ull;

	for (i = 0; i < bytes; i++)
		if (x[i] != y[i])
			return i + 1;
	x = a->totals->cpu;
	y = b->totals->cpu;
	for (i = 0; i < sizeof(struct counter_totals); i++)
		if (x[i] != y[i])
			return bytes + i + 1;
	return 0;
}
