// SPDX-License-Identifier: GPL-2.0
/* y = a * x + y, in float and in int32 that wraps. */
#include <stdlib.h>
#include <string.h>

#include "step.h"

union element {
	float f;
	uint32_t u;
};

struct saxpy {
	uint64_t n;
	bool is_float;
	union element a;
	union element *y, *expected;
	struct vgpu_bo *bo_x, *bo_y;
};

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct saxpy *s = run->data = run_alloc(run, sizeof(*s));
	enum run_result result = RUN_OK;
	union element *x;
	uint64_t seed = 2;
	size_t bytes;

	if (!s)
		return RUN_DEVICE;
	if (argc > 2)
		return run_fail(run, RUN_USAGE, "%s takes one number", argv[0]);
	s->is_float = !strcmp(run->program->name, "saxpy");
	s->n = 16384;
	if (argc == 2)
		result = run_number(run, argv[1], "elements", 1, 1 << 28, &s->n);
	bytes = s->n * sizeof(*s->y);
	if (!result)
		result = run_load(run, "saxpy");
	if (!result)
		result = run_buffer(run, bytes, &s->bo_x);
	if (!result)
		result = run_buffer(run, bytes, &s->bo_y);
	if (result)
		return result;
	s->y = run_alloc(run, bytes);
	s->expected = run_alloc(run, bytes);
	if (!s->y || !s->expected)
		return RUN_DEVICE;

	x = s->bo_x->cpu;
	for (uint64_t i = 0; i < s->n; i++) {
		uint32_t rx = (uint32_t)run_random(&seed);
		uint32_t ry = (uint32_t)run_random(&seed);

		if (s->is_float) {
			x[i].f = ((float)rx - 2147483648.0f) / 1048576.0f;
			s->y[i].f = ((float)ry - 2147483648.0f) / 33554432.0f;
		} else {
			x[i].u = rx;
			s->y[i].u = ry;
		}
	}
	if (s->is_float)
		s->a.f = 2.7182818f;
	else
		s->a.u = (uint32_t)-12345;
	memcpy(s->expected, s->y, bytes);
	if (run->verify && s->is_float)
		ref_saxpy(s->a.f, &x->f, &s->expected->f, (uint32_t)s->n);
	else if (run->verify)
		ref_isaxpy(s->a.u, &x->u, &s->expected->u, (uint32_t)s->n);
	run->unit = s->is_float ? "flop" : "op";
	return RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct saxpy *s = run->data;
	size_t bytes = s->n * sizeof(*s->y);
	struct saxpy_args args = {
		.x = s->bo_x->va,
		.y = s->bo_y->va,
		.n = (uint32_t)s->n,
		.a = s->a.u,
	};
	uint32_t lanes = run_lanes(run, 64);
	uint32_t groups = run_groups(s->n, lanes * 4);
	struct vgpu_launch launch = {
		.grid = { groups < 256 ? groups : 256 },
		.block = { (uint16_t)lanes },
	};
	enum run_result result;

	memcpy(s->bo_y->cpu, s->y, bytes);
	result = run_launch(run, run->program->name, &launch, &args,
			    sizeof(args));
	if (!result)
		result = run_wait(run, 2.0 * (double)s->n);
	if (result || !run->verify)
		return result;
	return run_compare(run, s->bo_y->cpu, s->expected, bytes, 4, "element");
}

static void cleanup(struct run *run)
{
	struct saxpy *s = run->data;

	if (s) {
		free(s->y);
		free(s->expected);
	}
	free(s);
}

extern const struct program program_saxpy, program_isaxpy;
const struct program program_saxpy = {
	.name = "saxpy",
	.setup = setup,
	.step = step,
	.cleanup = cleanup,
};

const struct program program_isaxpy = {
	.name = "isaxpy",
	.setup = setup,
	.step = step,
	.cleanup = cleanup,
};
