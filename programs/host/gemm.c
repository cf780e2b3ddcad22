// SPDX-License-Identifier: GPL-2.0
/* c = a * b, in float and in int32 that wraps. */
#include <stdlib.h>
#include <string.h>

#include "step.h"

union element {
	float f;
	uint32_t u;
};

struct gemm {
	uint64_t m, n, k;
	bool is_float;
	union element *expected;
	struct vgpu_bo *a, *b, *c;
};

static void fill(const struct gemm *g, union element *to, size_t count,
		 uint64_t *seed)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t r = (uint32_t)run_random(seed);

		if (g->is_float)
			to[i].f = ((float)r - 2147483648.0f) / 268435456.0f;
		else
			to[i].u = r;
	}
}

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct gemm *g = run->data = run_alloc(run, sizeof(*g));
	enum run_result result = RUN_OK;
	uint64_t seed = 3;

	if (!g)
		return RUN_DEVICE;
	g->is_float = !strcmp(run->program->name, "gemm");
	g->m = g->is_float ? 32 : 64;
	if (argc == 2) {
		result = run_number(run, argv[1], "size", 1, 8192, &g->m);
	} else if (argc == 4) {
		result = run_number(run, argv[1], "rows", 1, 8192, &g->m);
		if (!result)
			result = run_number(run, argv[2], "columns", 1, 8192,
					    &g->n);
		if (!result)
			result = run_number(run, argv[3], "depth", 1, 8192,
					    &g->k);
	} else if (argc != 1) {
		return run_fail(run, RUN_USAGE, "%s takes one number or three",
				argv[0]);
	}
	if (argc < 4) {
		g->n = g->m;
		g->k = g->m;
	}
	if (!result)
		result = run_load(run, "gemm");
	if (!result)
		result = run_buffer(run, g->m * g->k * 4, &g->a);
	if (!result)
		result = run_buffer(run, g->k * g->n * 4, &g->b);
	if (!result)
		result = run_buffer(run, g->m * g->n * 4, &g->c);
	if (result)
		return result;
	g->expected = run_alloc(run, g->m * g->n * 4);
	if (!g->expected)
		return RUN_DEVICE;
	fill(g, g->a->cpu, g->m * g->k, &seed);
	fill(g, g->b->cpu, g->k * g->n, &seed);
	if (run->verify && g->is_float)
		ref_gemm(g->a->cpu, g->b->cpu, &g->expected->f, (uint32_t)g->m,
			 (uint32_t)g->n, (uint32_t)g->k);
	else if (run->verify)
		ref_igemm(g->a->cpu, g->b->cpu, &g->expected->u, (uint32_t)g->m,
			  (uint32_t)g->n, (uint32_t)g->k);
	run->unit = g->is_float ? "flop" : "op";
	return RUN_OK;
}

/* The side of a square tile whose lanes fit in a workgroup, and whose two
 * tiles fit in its shared memory.
 */
static uint32_t tile_side(const struct run *run)
{
	const struct vgpu_info *info = vgpu_info(run->dev);
	uint32_t tile = 8;

	while (tile > 1 && (tile * tile > info->max_lanes ||
			    GEMM_SHARED_BYTES(tile) > info->shared_bytes))
		tile /= 2;
	return tile;
}

static enum run_result step(struct run *run)
{
	struct gemm *g = run->data;
	uint32_t tile = tile_side(run);
	struct gemm_args args = {
		.a = g->a->va,
		.b = g->b->va,
		.c = g->c->va,
		.m = (uint32_t)g->m,
		.n = (uint32_t)g->n,
		.k = (uint32_t)g->k,
	};
	struct vgpu_launch launch = {
		.grid = { run_groups(g->n, tile), run_groups(g->m, tile) },
		.block = { (uint16_t)tile, (uint16_t)tile },
		.shared_bytes = GEMM_SHARED_BYTES(tile),
	};
	enum run_result result;

	memset(g->c->cpu, 0xff, g->m * g->n * 4);
	result = run_launch(run, run->program->name, &launch, &args,
			    sizeof(args));
	if (!result)
		result = run_wait(run, 2.0 * (double)g->m * (double)g->n *
				       (double)g->k);
	if (result || !run->verify)
		return result;
	return run_compare(run, g->c->cpu, g->expected, g->m * g->n * 4, 4,
			   "element");
}

static void cleanup(struct run *run)
{
	struct gemm *g = run->data;

	if (g)
		free(g->expected);
	free(g);
}

extern const struct program program_gemm, program_igemm;
const struct program program_gemm = {
	.name = "gemm",
	.setup = setup,
	.step = step,
	.cleanup = cleanup,
};

const struct program program_igemm = {
	.name = "igemm",
	.setup = setup,
	.step = step,
	.cleanup = cleanup,
};
