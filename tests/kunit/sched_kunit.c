// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler under every scenario of sched_scenarios.c, in virtual time.
 * Prints seed and event hash of each: vgpu-sim check --seed N has the same.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "sched_sim.h"

/* 6.1 runs the suites before it has parsed these: there they keep their defaults. */
static ulong sched_seed = 42;
module_param(sched_seed, ulong, 0444);
MODULE_PARM_DESC(sched_seed, "Seed of the scheduler's scenarios");

static char *sched_events;
module_param(sched_events, charp, 0444);
MODULE_PARM_DESC(sched_events, "Scenario whose events are printed, as vgpu-sim check --csv does");

static void print_event(struct vsim *sim, u64 time, enum vsim_event event,
			unsigned int index, u64 arg)
{
	pr_info("sched_event %llu,%s,%u,%llu\n", time, vsim_event_name(event),
		index, arg);
}

static void run_scenario(struct kunit *test)
{
	const struct vsim_scenario *scenario = test->param_value;
	struct vsim *sim = kunit_kzalloc(test, sizeof(*sim), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sim);
	KUNIT_ASSERT_EQ(test, vsim_scenario_init(sim, scenario, sched_seed), 0);
	if (sched_events && !strcmp(sched_events, scenario->name))
		sim->log = print_event;
	vsim_scenario_run(sim, scenario);
	kunit_info(test, "%s seed %lu events %llu hash %016llx\n",
		   scenario->name, sched_seed, sim->events, sim->hash);
	if (sim->errors)
		KUNIT_FAIL(test, "%s seed %lu: %u failed, first: %s",
			   scenario->name, sched_seed, sim->errors,
			   sim->error);
	vsim_fini(sim);
}

static const void *next_scenario(const void *prev, char *desc)
{
	const struct vsim_scenario *scenario;
	unsigned int n = 0;

	while (prev && vsim_scenario_at(n++) != prev)
		;
	scenario = vsim_scenario_at(n);
	if (scenario)
		strscpy(desc, scenario->name, KUNIT_PARAM_DESC_SIZE);
	return scenario;
}

static struct kunit_case sched_cases[] = {
	KUNIT_CASE_PARAM(run_scenario, next_scenario),
	{}
};

static struct kunit_suite sched_suite = {
	.name = "vgpu_sched",
	.test_cases = sched_cases,
};

kunit_test_suite(sched_suite);
