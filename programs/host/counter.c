// SPDX-License-Identifier: GPL-2.0
/* Long, and wrong when any instruction ran twice or not at all. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"

struct counter {
	uint64_t groups, lanes, rounds;
	uint64_t *expected;
	struct counter_totals expected_totals;
	struct vgpu_bo *cells, *totals;
};

static enum run_result options(struct run *run, struct counter *c, int argc,
			       char **argv)
{
	static const struct option names[] = {
		{ "groups", required_argument, NULL, 'g' },
		{ "lanes", required_argument, NULL, 'l' },
		{ "rounds", required_argument, NULL, 'r' },
		{ 0 }
	};
	uint32_t max_lanes = vgpu_info(run->dev)->max_lanes;
	enum run_result result;
	int option;

	c->groups = 8;
	c->lanes = run_lanes(run, 16);
	c->rounds = 1000;
	optind = 0;
	while ((option = getopt_long(argc, argv, "g:l:r:", names, NULL)) >= 0) {
		if (option == 'g')
			result = run_number(run, optarg, "groups", 1, 65536,
					    &c->groups);
		else if (option == 'l')
			result = run_number(run, optarg, "lanes", 1, max_lanes,
					    &c->lanes);
		else if (option == 'r')
			result = run_number(run, optarg, "rounds", 1, 1 << 30,
					    &c->rounds);
		else
			result = run_fail(run, RUN_USAGE,
					  "counter knows the options --groups, --lanes and --rounds");
		if (result)
			return result;
	}
	if (argc != optind)
		return run_fail(run, RUN_USAGE, "counter takes only options");
	return RUN_OK;
}

static uint64_t first_value(uint64_t index)
{
	return index * 0x9e3779b97f4a7c15u;
}

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct counter *c = run->data = run_alloc(run, sizeof(*c));
	enum run_result result;
	uint64_t count;

	if (!c)
		return RUN_DEVICE;
	result = options(run, c, argc, argv);
	if (result)
		return result;
	count = c->groups * c->lanes;
	result = run_load(run, "counter");
	if (!result)
		result = run_buffer(run, count * 8, &c->cells);
	if (!result)
		result = run_buffer(run, sizeof(struct counter_totals),
				    &c->totals);
	if (result)
		return result;
	run->unit = "round";
	if (!run->verify)
		return RUN_OK;
	c->expected = run_alloc(run, count * 8);
	if (!c->expected)
		return RUN_DEVICE;
	for (uint64_t i = 0; i < count; i++)
		c->expected[i] = first_value(i);
	ref_counter(c->expected, &c->expected_totals, (uint32_t)c->groups,
		    (uint32_t)c->lanes, c->rounds);
	return RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct counter *c = run->data;
	uint64_t count = c->groups * c->lanes;
	uint64_t *cells = c->cells->cpu;
	struct counter_args args = {
		.cells = c->cells->va,
		.totals = c->totals->va,
		.rounds = c->rounds,
	};
	struct vgpu_launch launch = {
		.grid = { (uint32_t)c->groups },
		.block = { (uint16_t)c->lanes },
		.shared_bytes = (uint32_t)c->lanes * 8,
	};
	enum run_result result;

	for (uint64_t i = 0; i < count; i++)
		cells[i] = first_value(i);
	memset(c->totals->cpu, 0, sizeof(struct counter_totals));
	result = run_launch(run, "counter", &launch, &args, sizeof(args));
	if (!result)
		result = run_wait(run, (double)count * (double)c->rounds);
	if (result || !run->verify)
		return result;
	result = run_compare(run, cells, c->expected, count * 8, 8, "cell");
	if (!result)
		result = run_compare(run, c->totals->cpu, &c->expected_totals,
				     sizeof(c->expected_totals), 8, "total");
	return result;
}

static enum run_result finish(struct run *run)
{
	struct counter *c = run->data;
	const struct counter_totals *t = c->totals->cpu;

	snprintf(run->result, sizeof(run->result),
		 "added %016" PRIx64 " mixed %016" PRIx64
		 " highest %016" PRIx64 " swapped %016" PRIx64, t->added,
		 t->mixed, t->highest, t->swapped);
	return RUN_OK;
}

static void cleanup(struct run *run)
{
	struct counter *c = run->data;

	if (c)
		free(c->expected);
	free(c);
}

extern const struct program program_counter;
const struct program program_counter = {
	.name = "counter",
	.setup = setup,
	.step = step,
	.finish = finish,
	.cleanup = cleanup,
};
