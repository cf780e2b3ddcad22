// SPDX-License-Identifier: GPL-2.0
/* Edges of a grey picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgm.h"

struct sobel {
	const char *out_path;
	uint32_t width, height;
	uint8_t *pixels, *expected;
	struct vgpu_bo *in, *out;
};

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct sobel *s = run->data = run_alloc(run, sizeof(*s));
	enum run_result result;
	size_t bytes;

	if (!s)
		return RUN_DEVICE;
	if (argc != 3)
		return run_fail(run, RUN_USAGE,
				"sobel takes the picture to read and the one to write");
	s->out_path = argv[2];
	result = pgm_read(run, argv[1], &s->width, &s->height, &s->pixels);
	if (result)
		return result;
	bytes = (size_t)s->width * s->height;
	result = run_load(run, "sobel");
	if (!result)
		result = run_buffer(run, bytes, &s->in);
	if (!result)
		result = run_buffer(run, bytes, &s->out);
	if (result)
		return result;
	memcpy(s->in->cpu, s->pixels, bytes);
	if (run->verify) {
		s->expected = run_alloc(run, bytes);
		if (!s->expected)
			return RUN_DEVICE;
		ref_sobel(s->pixels, s->expected, s->width, s->height);
	}
	run->unit = "pixel";
	return RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct sobel *s = run->data;
	uint64_t bytes = (uint64_t)s->width * s->height;
	struct sobel_args args = {
		.in = s->in->va,
		.out = s->out->va,
		.width = s->width,
		.height = s->height,
	};
	uint32_t lanes = run_lanes(run, 64);
	uint32_t rows = lanes >= 16 ? 4 : 1;
	struct vgpu_launch launch = {
		.block = { (uint16_t)(lanes / rows), (uint16_t)rows },
	};
	enum run_result result;

	launch.grid[0] = run_groups(s->width, launch.block[0]);
	launch.grid[1] = run_groups(s->height, launch.block[1]);
	memset(s->out->cpu, 0, bytes);
	result = run_launch(run, "sobel", &launch, &args, sizeof(args));
	if (!result)
		result = run_wait(run, (double)bytes);
	if (result || !run->verify)
		return result;
	return run_compare(run, s->out->cpu, s->expected, bytes, 1, "pixel");
}

static enum run_result finish(struct run *run)
{
	struct sobel *s = run->data;

	snprintf(run->result, sizeof(run->result), "%s (%u x %u)", s->out_path,
		 s->width, s->height);
	return pgm_write(run, s->out_path, s->width, s->height, s->out->cpu);
}

static void cleanup(struct run *run)
{
	struct sobel *s = run->data;

	if (s) {
		free(s->pixels);
		free(s->expected);
	}
	free(s);
}

extern const struct program program_sobel;
const struct program program_sobel = {
	.name = "sobel",
	.setup = setup,
	.step = step,
	.finish = finish,
	.cleanup = cleanup,
};
