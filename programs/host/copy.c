// SPDX-License-Identifier: GPL-2.0
/*
 * Copies there and back again: system memory to GPU memory by command, within
 * GPU memory by a kernel, back to system memory by command.  On a GPU that
 * does not reach system memory all buffers are in GPU memory.
 */
#include <stdlib.h>
#include <string.h>

#include "step.h"

struct copy {
	uint64_t bytes;
	uint8_t *expected;
	struct vgpu_bo *host_in, *from, *to, *host_out;
};

static enum run_result make_buffer(struct run *run, uint64_t bytes,
				   uint32_t flags, struct vgpu_bo **bo)
{
	int ret = vgpu_alloc(run->vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE,
			     flags, bo);

	if (ret)
		return run_vgpu_failed(run, ret);
	run->buffers[run->buffer_count++] = *bo;
	return RUN_OK;
}

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct copy *copy = run->data = run_alloc(run, sizeof(*copy));
	uint32_t host = vgpu_info(run->dev)->caps & VGPU_CAP_HOST_MEM ?
			VGPU_BO_HOST : 0;
	uint64_t seed = 1;
	enum run_result result = RUN_OK;

	if (!copy)
		return RUN_DEVICE;
	if (argc > 2)
		return run_fail(run, RUN_USAGE, "copy takes one number");
	copy->bytes = 1 << 20;
	if (argc == 2)
		result = run_number(run, argv[1], "bytes", 1, 1 << 30,
				    &copy->bytes);
	if (!result)
		result = run_load(run, "copy");
	if (!result)
		result = make_buffer(run, copy->bytes, host, &copy->host_in);
	if (!result)
		result = make_buffer(run, copy->bytes, 0, &copy->from);
	if (!result)
		result = make_buffer(run, copy->bytes, 0, &copy->to);
	if (!result)
		result = make_buffer(run, copy->bytes, host, &copy->host_out);
	if (result)
		return result;
	copy->expected = run_alloc(run, copy->bytes);
	if (!copy->expected)
		return RUN_DEVICE;
	for (uint64_t i = 0; i < copy->bytes; i++)
		copy->expected[i] = (uint8_t)(run_random(&seed) >> 24);
	memcpy(copy->host_in->cpu, copy->expected, copy->bytes);
	run->unit = "B";
	return RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct copy *copy = run->data;
	struct vgpu_cmd in = vgpu_cmd_copy(copy->from->va, copy->host_in->va,
					   copy->bytes);
	struct vgpu_cmd out = vgpu_cmd_copy(copy->host_out->va, copy->to->va,
					    copy->bytes);
	struct copy_args args = {
		.src = copy->from->va,
		.dst = copy->to->va,
		.bytes = copy->bytes,
	};
	uint32_t lanes = run_lanes(run, 64);
	uint32_t groups = run_groups(copy->bytes, lanes * 8 * 16);
	struct vgpu_launch launch = {
		.grid = { groups < 64 ? groups : 64 },
		.block = { (uint16_t)lanes },
	};
	enum run_result result;
	int ret;

	memset(copy->host_out->cpu, 0, copy->bytes);
	ret = vgpu_submit(run->queue, &in, 1, -1);
	if (ret < 0)
		return run_vgpu_failed(run, ret);
	result = run_launch(run, "copy", &launch, &args, sizeof(args));
	if (result)
		return result;
	ret = vgpu_submit(run->queue, &out, 1, -1);
	if (ret < 0)
		return run_vgpu_failed(run, ret);
	result = run_wait(run, 3.0 * (double)copy->bytes);
	if (result || !run->verify)
		return result;
	return run_compare(run, copy->host_out->cpu, copy->expected,
			   copy->bytes, 1, "byte");
}

static void cleanup(struct run *run)
{
	struct copy *copy = run->data;

	if (copy)
		free(copy->expected);
	free(copy);
}

extern const struct program program_copy;
const struct program program_copy = {
	.name = "copy",
	.setup = setup,
	.step = step,
	.cleanup = cleanup,
};
