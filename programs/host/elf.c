// SPDX-License-Identifier: GPL-2.0
/* Any user's kernel, from any ELF file. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"

#define MAX_ARGS	4096
#define MAX_BUFFERS	16

struct elf {
	const char *path, *entry;
	struct vgpu_launch launch;
	struct {
		uint64_t bytes;
		const char *in, *out;
		struct vgpu_bo *bo;
	} buffers[MAX_BUFFERS];
	unsigned int buffer_count;
	uint8_t args[MAX_ARGS];
	uint32_t args_bytes;	/* with the buffers' addresses, which come first */
	uint8_t hex[MAX_ARGS];
	uint32_t hex_bytes;
};

/* "X", "X,Y" or "X,Y,Z" */
static enum run_result dimensions(struct run *run, char *text,
				  const char *what, uint64_t max,
				  uint64_t out[3])
{
	unsigned int i = 0;

	out[0] = 1;
	out[1] = 1;
	out[2] = 1;
	for (char *part = strsep(&text, ","); part; part = strsep(&text, ",")) {
		enum run_result result;

		if (i == 3)
			return run_fail(run, RUN_USAGE,
					"%s has at most three dimensions: X,Y,Z",
					what);
		result = run_number(run, part, what, 1, max, &out[i++]);
		if (result)
			return result;
	}
	return RUN_OK;
}

static enum run_result read_hex(struct run *run, struct elf *e,
				const char *text)
{
	size_t length = strlen(text);

	if (length % 2 || length / 2 > MAX_ARGS - 8 * MAX_BUFFERS ||
	    strspn(text, "0123456789abcdefABCDEF") != length)
		return run_fail(run, RUN_USAGE,
				"arguments '%s': give bytes as pairs of hexadecimal digits, lowest address first, up to %d bytes",
				text, MAX_ARGS - 8 * MAX_BUFFERS);
	for (size_t i = 0; i < length; i += 2) {
		unsigned int byte;

		sscanf(text + i, "%2x", &byte);
		e->hex[i / 2] = (uint8_t)byte;
	}
	e->hex_bytes = (uint32_t)(length / 2);
	return RUN_OK;
}

/* BYTES[:IN[:OUT]] */
static enum run_result add_buffer(struct run *run, struct elf *e, char *text)
{
	char *bytes = strsep(&text, ":");

	if (e->buffer_count == MAX_BUFFERS)
		return run_fail(run, RUN_USAGE, "at most %d buffers",
				MAX_BUFFERS);
	e->buffers[e->buffer_count].in = text ? strsep(&text, ":") : NULL;
	e->buffers[e->buffer_count].out = text;
	return run_number(run, bytes, "buffer", 1, 1ULL << 40,
			  &e->buffers[e->buffer_count++].bytes);
}

static enum run_result options(struct run *run, struct elf *e, int argc,
			       char **argv)
{
	static const struct option names[] = {
		{ "entry", required_argument, NULL, 'e' },
		{ "grid", required_argument, NULL, 'g' },
		{ "block", required_argument, NULL, 'b' },
		{ "args", required_argument, NULL, 'a' },
		{ "buffer", required_argument, NULL, 'm' },
		{ "shared", required_argument, NULL, 's' },
		{ "stack", required_argument, NULL, 'k' },
		{ 0 }
	};
	uint64_t numbers[3];
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		enum run_result result = RUN_OK;

		switch (option) {
		case 'e':
			e->entry = optarg;
			break;
		case 'g':
			result = dimensions(run, optarg, "grid", 1u << 31,
					    numbers);
			for (unsigned int i = 0; !result && i < 3; i++)
				e->launch.grid[i] = (uint32_t)numbers[i];
			break;
		case 'b':
			result = dimensions(run, optarg, "block", UINT16_MAX,
					    numbers);
			for (unsigned int i = 0; !result && i < 3; i++)
				e->launch.block[i] = (uint16_t)numbers[i];
			break;
		case 'a':
			result = read_hex(run, e, optarg);
			break;
		case 'm':
			result = add_buffer(run, e, optarg);
			break;
		case 's':
			result = run_number(run, optarg, "shared memory", 0,
					    UINT32_MAX, numbers);
			e->launch.shared_bytes = (uint32_t)numbers[0];
			break;
		case 'k':
			result = run_number(run, optarg, "stack", 16,
					    UINT32_MAX, numbers);
			e->launch.stack_bytes = (uint32_t)numbers[0];
			break;
		default:
			result = run_fail(run, RUN_USAGE,
					  "elf knows the options --entry, --grid, --block, --args, --buffer, --shared and --stack");
		}
		if (result)
			return result;
	}
	if (argc - optind != 1)
		return run_fail(run, RUN_USAGE, "elf takes one file");
	e->path = argv[optind];
	return RUN_OK;
}

static enum run_result fill_buffer(struct run *run, const char *path,
				   struct vgpu_bo *bo, uint64_t bytes)
{
	FILE *file = fopen(path, "rbe");
	uint8_t chunk[4096];
	uint64_t at = 0;

	if (!file)
		return run_fail(run, RUN_USAGE, "cannot open %s: %s", path,
				strerror(errno));
	while (at < bytes) {
		size_t want = bytes - at < sizeof(chunk) ? bytes - at :
							   sizeof(chunk);
		size_t got = fread(chunk, 1, want, file);

		if (!got)
			break;
		memcpy((uint8_t *)bo->cpu + at, chunk, got);
		at += got;
	}
	fclose(file);
	return RUN_OK;
}

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct elf *e = run->data = run_alloc(run, sizeof(*e));
	enum run_result result;
	int ret;

	if (!e)
		return RUN_DEVICE;
	result = options(run, e, argc, argv);
	if (result)
		return result;
	ret = vgpu_kernel_load(run->vm, e->path, &run->kernel);
	if (ret)
		return run_vgpu_failed(run, ret);

	for (unsigned int i = 0; i < e->buffer_count; i++) {
		uint64_t va;

		result = run_buffer(run, e->buffers[i].bytes,
				    &e->buffers[i].bo);
		if (result)
			return result;
		va = e->buffers[i].bo->va;
		memcpy(e->args + e->args_bytes, &va, sizeof(va));
		e->args_bytes += sizeof(va);
		if (e->buffers[i].in && *e->buffers[i].in)
			result = fill_buffer(run, e->buffers[i].in,
					     e->buffers[i].bo,
					     e->buffers[i].bytes);
		if (result)
			return result;
	}
	memcpy(e->args + e->args_bytes, e->hex, e->hex_bytes);
	e->args_bytes += e->hex_bytes;
	run->unit = "launch";
	return RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct elf *e = run->data;
	enum run_result result = run_launch(run, e->entry, &e->launch, e->args,
					    e->args_bytes);

	return result ? result : run_wait(run, 1);
}

static enum run_result finish(struct run *run)
{
	struct elf *e = run->data;

	/* There is no CPU reference for a kernel that nobody knows. */
	run->verified = false;
	for (unsigned int i = 0; i < e->buffer_count; i++) {
		const char *path = e->buffers[i].out;
		FILE *file;
		int bad;

		if (!path)
			continue;
		file = fopen(path, "wbe");
		bad = !file || fwrite(e->buffers[i].bo->cpu, 1,
				      e->buffers[i].bytes,
				      file) != e->buffers[i].bytes;
		if (file)
			bad |= fclose(file);
		if (bad)
			return run_fail(run, RUN_DEVICE, "cannot write %s: %s",
					path, strerror(errno));
	}
	return RUN_OK;
}

static void cleanup(struct run *run)
{
	free(run->data);
}

extern const struct program program_elf;
const struct program program_elf = {
	.name = "elf",
	.setup = setup,
	.step = step,
	.finish = finish,
	.cleanup = cleanup,
};
