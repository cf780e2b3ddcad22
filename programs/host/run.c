// SPDX-License-Identifier: GPL-2.0
/* From setup to cleanup, and what the programs' steps are made of. */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "step.h"

#define RING_SLOTS	64

extern const struct program program_copy, program_saxpy, program_isaxpy,
	program_gemm, program_igemm, program_sha256, program_sobel,
	program_mandelbrot, program_counter, program_spin,
	program_spin_nopreempt, program_elf;

const struct program *const programs[] = {
	&program_copy,
	&program_saxpy,
	&program_isaxpy,
	&program_gemm,
	&program_igemm,
	&program_sha256,
	&program_sobel,
	&program_mandelbrot,
	&program_counter,
	&program_spin,
	&program_spin_nopreempt,
	&program_elf,
	NULL,
};

const struct program *program_find(const char *name)
{
	for (unsigned int i = 0; programs[i]; i++)
		if (!strcmp(programs[i]->name, name))
			return programs[i];
	return NULL;
}

/* ---- failing ------------------------------------------------------------------ */

enum run_result run_fail(struct run *run, enum run_result result,
			 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->message, sizeof(run->message), format, args);
	va_end(args);
	return result;
}

enum run_result run_vgpu_failed(struct run *run, int error)
{
	enum run_result result = RUN_DEVICE;

	if (error == -ETIME || error == -ETIMEDOUT || error == -ECANCELED)
		result = RUN_TIMEOUT;
	return run_fail(run, result, "%s", vgpu_error());
}

/* ---- time ----------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What is left of the timeout, in nanoseconds; negative: there is none. */
static int64_t time_left(const struct run *run)
{
	double left = run->timeout - run->seconds;

	if (run->timeout <= 0)
		return -1;
	return left <= 0 ? 0 : (int64_t)(left * 1e9);
}

/* ---- kernels -------------------------------------------------------------------- */

static bool exists(const char *folder, const char *name, char *path)
{
	int length = snprintf(path, PATH_MAX, "%s/%s.elf", folder, name);

	return length < PATH_MAX && !access(path, R_OK);
}

/* $VGPU_PROGRAMS; beside the binary, installed or in the build folder; and
 * where packages put them.
 */
static bool find_kernel(const struct run *run, const char *name, char *path)
{
	const char *environment = getenv("VGPU_PROGRAMS");
	char binary[PATH_MAX], folder[PATH_MAX + 32];
	ssize_t length;
	char *slash;

	if (run->folder)
		return exists(run->folder, name, path);
	if (environment && *environment)
		return exists(environment, name, path);
	length = readlink("/proc/self/exe", binary, sizeof(binary) - 1);
	if (length > 0) {
		binary[length] = '\0';
		slash = strrchr(binary, '/');
		*slash = '\0';
		if (exists(binary, name, path))
			return true;
		snprintf(folder, sizeof(folder), "%s/programs", binary);
		if (exists(folder, name, path))
			return true;
		snprintf(folder, sizeof(folder), "%s/../programs", binary);
		if (exists(folder, name, path))
			return true;
	}
	return exists("/usr/local/lib/vgpu/programs", name, path) ||
	       exists("/usr/lib/vgpu/programs", name, path);
}

enum run_result run_load(struct run *run, const char *name)
{
	char path[PATH_MAX];
	int ret;

	if (!find_kernel(run, name, path))
		return run_fail(run, RUN_DEVICE,
				"no kernel %s.elf found: build them with 'make programs', or set VGPU_PROGRAMS to their folder",
				name);
	ret = vgpu_kernel_load(run->vm, path, &run->kernel);
	return ret ? run_vgpu_failed(run, ret) : RUN_OK;
}

enum run_result run_launch(struct run *run, const char *symbol,
			   struct vgpu_launch *launch, const void *args,
			   size_t bytes)
{
	double start = now();
	int ret = vgpu_kernel_entry(run->kernel, symbol, &launch->entry);

	if (!ret) {
		launch->args = args;
		launch->args_bytes = (uint32_t)bytes;
		ret = vgpu_launch(run->queue, launch, time_left(run));
	}
	run->seconds += now() - start;
	return ret ? run_vgpu_failed(run, ret) : RUN_OK;
}

enum run_result run_wait(struct run *run, double work)
{
	double start = now();
	int ret = vgpu_queue_finish(run->queue, time_left(run));

	run->seconds += now() - start;
	if (ret == -ETIMEDOUT && !time_left(run))
		return run_fail(run, RUN_TIMEOUT,
				"not done after %g s; it was cancelled",
				run->timeout);
	if (ret == -ETIMEDOUT)
		return run_fail(run, RUN_TIMEOUT,
				"it did not stop when it was others' turn: its engine was reset");
	if (ret)
		return run_vgpu_failed(run, ret);
	run->work += work;
	return RUN_OK;
}

/* ---- memory ------------------------------------------------------------------- */

enum run_result run_buffer(struct run *run, uint64_t bytes,
			   struct vgpu_bo **bo)
{
	int ret;

	if (run->buffer_count == RUN_MAX_BUFFERS)
		return run_fail(run, RUN_USAGE, "more than %d buffers",
				RUN_MAX_BUFFERS);
	ret = vgpu_alloc(run->vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE, 0,
			 bo);
	if (ret)
		return run_vgpu_failed(run, ret);
	run->buffers[run->buffer_count++] = *bo;
	return RUN_OK;
}

void *run_alloc(struct run *run, size_t bytes)
{
	void *memory = calloc(1, bytes ?: 1);

	if (!memory)
		run_fail(run, RUN_DEVICE, "out of memory (%zu bytes)", bytes);
	return memory;
}

enum run_result run_compare(struct run *run, const void *got,
			    const void *expected, uint64_t bytes,
			    unsigned int element, const char *what)
{
	const uint8_t *g = got, *e = expected;
	char got_hex[2 * 16 + 1], expected_hex[2 * 16 + 1];
	uint64_t at;

	if (!memcmp(g, e, bytes))
		return RUN_OK;
	for (at = 0; g[at] == e[at]; at++)
		;
	at = at / element * element;
	for (unsigned int i = 0; i < element && i < 16; i++) {
		sprintf(got_hex + 2 * i, "%02x", g[at + i]);
		sprintf(expected_hex + 2 * i, "%02x", e[at + i]);
	}
	return run_fail(run, RUN_WRONG,
			"wrong result: %s %" PRIu64 " has bytes %s, the CPU computed %s",
			what, at / element, got_hex, expected_hex);
}

/* ---- arguments ---------------------------------------------------------------- */

enum run_result run_number(struct run *run, const char *text,
			   const char *what, uint64_t min, uint64_t max,
			   uint64_t *value)
{
	unsigned long long number;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (*end == 'k' || *end == 'K')
		shift = 10;
	else if (*end == 'm' || *end == 'M')
		shift = 20;
	else if (*end == 'g' || *end == 'G')
		shift = 30;
	if (errno || end == text || *text == '-' || end[shift ? 1 : 0] ||
	    number > UINT64_MAX >> shift || number << shift < min ||
	    number << shift > max)
		return run_fail(run, RUN_USAGE,
				"%s '%s': give a number from %" PRIu64 " to %" PRIu64 " (k, M and G count in 1024)",
				what, text, min, max);
	*value = number << shift;
	return RUN_OK;
}

uint64_t run_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33 ^ *state;
}

uint32_t run_lanes(const struct run *run, uint32_t wanted)
{
	uint32_t lanes = wanted;

	while (lanes > vgpu_info(run->dev)->max_lanes && lanes > 1)
		lanes /= 2;
	return lanes;
}

/* ---- the run -------------------------------------------------------------------- */

static enum run_result open_queue(struct run *run)
{
	struct vgpu_queue_options options = {
		.ring_slots = run->ring ? RING_SLOTS : 0,
		.time_limit_us = run->time_limit_us,
	};
	int ret = vgpu_vm_create(run->dev, &run->vm);

	if (!ret)
		ret = vgpu_ctx_create(run->vm, run->engine, &run->ctx);
	if (ret == -EINVAL && !run->ctx)
		return run_fail(run, RUN_USAGE, "the GPU has no engine %u",
				run->engine);
	if (!ret)
		ret = vgpu_queue_create(run->ctx, &options, &run->queue);
	return ret ? run_vgpu_failed(run, ret) : RUN_OK;
}

static void close_queue(struct run *run)
{
	vgpu_queue_destroy(run->queue);
	vgpu_kernel_destroy(run->kernel);
	for (unsigned int i = 0; i < run->buffer_count; i++)
		vgpu_bo_destroy(run->buffers[i]);
	vgpu_ctx_destroy(run->ctx);
	vgpu_vm_destroy(run->vm);
	run->queue = NULL;
	run->kernel = NULL;
	run->buffer_count = 0;
	run->ctx = NULL;
	run->vm = NULL;
}

static void read_figures(struct run *run)
{
	if (!run->queue)
		return;
	run->have_status = !vgpu_queue_status(run->queue, 0, &run->status);
	if (run->ring)
		vgpu_queue_ring_figures(run->queue, &run->figures);
}

enum run_result program_run(struct run *run, struct vgpu_dev *dev,
			    const struct program *program, int argc,
			    char **argv)
{
	enum run_result result;

	run->dev = dev;
	run->program = program;
	result = open_queue(run);
	if (!result)
		result = program->setup(run, argc, argv);
	while (!result && run->repeats < run->repeat) {
		result = program->step(run);
		if (result)
			break;
		run->repeats++;
		if (run->progress && run->repeat > 1)
			run->progress(run->cookie, program->name, run->repeats,
				      run->repeat);
	}
	run->verified = !result && run->verify;
	read_figures(run);
	if (!result && program->finish)
		result = program->finish(run);
	/* The queue before the memory that its commands use. */
	close_queue(run);
	if (program->cleanup)
		program->cleanup(run);
	return result;
}
