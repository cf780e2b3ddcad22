// SPDX-License-Identifier: GPL-2.0
/* Kernels that never end: give --timeout or --time-limit. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "step.h"

static enum run_result setup(struct run *run, int argc, char **argv)
{
	enum run_result result;

	if (argc != 1)
		return run_fail(run, RUN_USAGE, "%s takes no arguments",
				argv[0]);
	result = run_load(run, "spin");
	if (!result)
		result = run_buffer(run, 8, &(struct vgpu_bo *){ NULL });
	run->unit = "launch";
	return result;
}

static enum run_result step(struct run *run)
{
	struct vgpu_bo *counter = run->buffers[0];
	struct spin_args args = { .counter = counter->va };
	struct vgpu_launch launch = { .entry = 0 };
	const char *symbol = strcmp(run->program->name, "spin") ?
			     "spin_nopreempt" : "spin";
	enum run_result result = run_launch(run, symbol, &launch, &args,
					    sizeof(args));

	if (!result)
		result = run_wait(run, 1);
	snprintf(run->result, sizeof(run->result), "counted to %" PRIu64,
		 *(volatile uint64_t *)counter->cpu);
	if (!result)
		result = run_fail(run, RUN_WRONG,
				  "a kernel that never ends has ended");
	return result;
}

extern const struct program program_spin, program_spin_nopreempt;
const struct program program_spin = {
	.name = "spin",
	.setup = setup,
	.step = step,
};

const struct program program_spin_nopreempt = {
	.name = "spin-nopreempt",
	.setup = setup,
	.step = step,
};
