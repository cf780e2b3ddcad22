// SPDX-License-Identifier: GPL-2.0
/* A picture of the Mandelbrot set. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgm.h"

struct mandelbrot {
	const char *out_path;
	struct mandelbrot_args args;
	uint8_t *expected;
	struct vgpu_bo *out;
};

static enum run_result options(struct run *run, struct mandelbrot *m, int argc,
			       char **argv)
{
	static const struct option names[] = {
		{ "width", required_argument, NULL, 'w' },
		{ "height", required_argument, NULL, 'h' },
		{ "iterations", required_argument, NULL, 'i' },
		{ 0 }
	};
	uint64_t width = 192, height = 128, iterations = 64;
	enum run_result result;
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "w:h:i:", names, NULL)) >= 0) {
		if (option == 'w')
			result = run_number(run, optarg, "width", 1,
					    PGM_MAX_SIDE, &width);
		else if (option == 'h')
			result = run_number(run, optarg, "height", 1,
					    PGM_MAX_SIDE, &height);
		else if (option == 'i')
			result = run_number(run, optarg, "iterations", 1,
					    1000000, &iterations);
		else
			result = run_fail(run, RUN_USAGE,
					  "mandelbrot knows the options --width, --height and --iterations");
		if (result)
			return result;
	}
	if (argc - optind != 1)
		return run_fail(run, RUN_USAGE,
				"mandelbrot takes the picture to write");
	m->out_path = argv[optind];
	m->args.width = (uint32_t)width;
	m->args.height = (uint32_t)height;
	m->args.max_iterations = (uint32_t)iterations;
	return RUN_OK;
}

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct mandelbrot *m = run->data = run_alloc(run, sizeof(*m));
	const int64_t one = 1LL << MANDELBROT_FRACTION;
	enum run_result result;
	uint32_t width, height;
	size_t bytes;

	if (!m)
		return RUN_DEVICE;
	result = options(run, m, argc, argv);
	if (result)
		return result;
	width = m->args.width;
	height = m->args.height;
	bytes = (size_t)width * height;

	/* From -2.25 to 0.75, 2.5 high, whichever side is the narrower. */
	m->args.step = 3 * one / width;
	if (5 * one / 2 / height > m->args.step)
		m->args.step = 5 * one / 2 / height;
	m->args.left = -3 * one / 4 - m->args.step * width / 2;
	m->args.top = -m->args.step * height / 2;
	if (m->args.step * width > 16 * one || m->args.step * height > 16 * one)
		return run_fail(run, RUN_USAGE,
				"a picture of %u by %u pixels is too long and narrow",
				width, height);

	result = run_load(run, "mandelbrot");
	if (!result)
		result = run_buffer(run, bytes, &m->out);
	if (result)
		return result;
	m->args.out = m->out->va;
	if (run->verify) {
		m->expected = run_alloc(run, bytes);
		if (!m->expected)
			return RUN_DEVICE;
		ref_mandelbrot(&m->args, m->expected);
	}
	run->unit = "pixel";
	return RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct mandelbrot *m = run->data;
	uint64_t bytes = (uint64_t)m->args.width * m->args.height;
	uint32_t lanes = run_lanes(run, 64);
	uint32_t rows = lanes >= 16 ? 4 : 1;
	struct vgpu_launch launch = {
		.block = { (uint16_t)(lanes / rows), (uint16_t)rows },
	};
	enum run_result result;

	launch.grid[0] = run_groups(m->args.width, launch.block[0]);
	launch.grid[1] = run_groups(m->args.height, launch.block[1]);
	memset(m->out->cpu, 0, bytes);
	result = run_launch(run, "mandelbrot", &launch, &m->args,
			    sizeof(m->args));
	if (!result)
		result = run_wait(run, (double)bytes);
	if (result || !run->verify)
		return result;
	return run_compare(run, m->out->cpu, m->expected, bytes, 1, "pixel");
}

static enum run_result finish(struct run *run)
{
	struct mandelbrot *m = run->data;

	snprintf(run->result, sizeof(run->result), "%s (%u x %u)", m->out_path,
		 m->args.width, m->args.height);
	return pgm_write(run, m->out_path, m->args.width, m->args.height,
			 m->out->cpu);
}

static void cleanup(struct run *run)
{
	struct mandelbrot *m = run->data;

	if (m)
		free(m->expected);
	free(m);
}

extern const struct program program_mandelbrot;
const struct program program_mandelbrot = {
	.name = "mandelbrot",
	.setup = setup,
	.step = step,
	.finish = finish,
	.cleanup = cleanup,
};
