// SPDX-License-Identifier: GPL-2.0
/* Launches: the grid, turns, barriers, the engine clock, refusals. */
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_fixture.h"
#include "soft_kernels.h"

struct whoami {
	u32 lane[3];
	u32 group[3];
	u64 sp;
	u32 grid_z;
	u32 shared_bytes;
	u64 rest;
	u64 mark;
	u64 pad;
};

static void test_ids(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	const u16 block[3] = { 2, 3, 2 };
	const u32 grid[3] = { 3, 2, 2 };
	const u32 lanes = 12, groups = 12;
	unsigned int i;

	fx_launch(fx, SOFT_KERNEL_WHOAMI, 1, 1);
	memcpy(fx->job.launch.block, block, sizeof(block));
	memcpy(fx->job.launch.grid, grid, sizeof(grid));
	fx_begin(fx, fx->core[0]);
	KUNIT_ASSERT_EQ(test, fx_run(fx->core[0], 50), SOFT_STEP_DONE);
	for (i = 0; i < lanes * groups; i++) {
		const struct whoami *w = fx_data(fx, FX_DATA + i * sizeof(*w));
		u32 lane = i % lanes, group = i / lanes;
		u64 slot = (w->sp - FX_STACK) / 64 - 1;

		KUNIT_ASSERT_EQ(test, w->mark, 1ULL);
		KUNIT_EXPECT_EQ(test, w->lane[0], lane % 2);
		KUNIT_EXPECT_EQ(test, w->lane[1], lane / 2 % 3);
		KUNIT_EXPECT_EQ(test, w->lane[2], lane / 6);
		KUNIT_EXPECT_EQ(test, w->group[0], group % 3);
		KUNIT_EXPECT_EQ(test, w->group[1], group / 3 % 2);
		KUNIT_EXPECT_EQ(test, w->group[2], group / 6);
		KUNIT_EXPECT_EQ(test, w->grid_z, 2U);
		KUNIT_EXPECT_EQ(test, w->shared_bytes, 512U);
		KUNIT_EXPECT_EQ(test, w->rest, 0ULL);
		/* a stack of its own, of one of two units */
		KUNIT_EXPECT_LT(test, slot, 2ULL * lanes);
		KUNIT_EXPECT_EQ(test, slot % lanes, (u64)lane);
	}
}

static void test_no_stack(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	const struct whoami *w = fx_data(fx, FX_DATA);

	fx_launch(fx, SOFT_KERNEL_WHOAMI, 1, 1);
	fx->job.launch.stack_bytes = 0;
	fx_begin(fx, fx->core[0]);
	KUNIT_ASSERT_EQ(test, fx_run(fx->core[0], 50), SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, w->sp, 0ULL);
}

/* A lane that spins on another lane does not keep it from running. */
static void test_lanes_are_fair(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;

	fx_launch(fx, SOFT_KERNEL_HANDOVER, 2, 1);
	fx_begin(fx, fx->core[0]);
	KUNIT_EXPECT_EQ(test, fx_run(fx->core[0], 100), SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, *(u64 *)fx_data(fx, FX_DATA + 8), 42ULL);
}

static u64 time_of(struct kunit *test, u32 units, u32 groups)
{
	const struct soft_machine shape = {
		.units = units,
		.timing = { .insn_ns = 10 },
	};
	struct soft_fixture *fx;

	KUNIT_ASSERT_EQ(test, fx_create(test, &shape), 0);
	fx = test->priv;
	fx_launch(fx, SOFT_KERNEL_POKE, 1, groups);
	fx_begin(fx, fx->core[0]);
	KUNIT_ASSERT_EQ(test, fx_run(fx->core[0], SOFT_TURN), SOFT_STEP_DONE);
	/* units race for the word, as they should */
	if (units == 1)
		KUNIT_EXPECT_EQ(test, *(u64 *)fx_data(fx, FX_DATA),
				(u64)groups);
	KUNIT_EXPECT_EQ(test, fx->core[0]->clock, fx->core[0]->service);
	return fx->core[0]->clock;
}

/* More units take less engine time for the same work. */
static void test_units_are_parallel(struct kunit *test)
{
	const u32 groups = 4096;
	const u64 insns = 5;
	u64 one = time_of(test, 1, groups);
	u64 four = time_of(test, 4, groups);

	KUNIT_EXPECT_EQ(test, one, groups * insns * 10);
	/* the last workgroups do not end at the same time */
	KUNIT_EXPECT_GE(test, four, one / 4);
	KUNIT_EXPECT_LE(test, four, one / 4 + 4 * insns * 10);
}

static struct soft_fixture *four_units(struct kunit *test)
{
	const struct soft_machine shape = {
		.units = 4,
		.timing = { .insn_ns = 10 },
	};

	KUNIT_ASSERT_EQ(test, fx_create(test, &shape), 0);
	return test->priv;
}

/* What an engine has been left of its units is what it has. */
static void test_fewer_units(struct kunit *test)
{
	const u32 groups = 4096, insns = 5;
	u32 n;

	for (n = 1; n <= 4; n++) {
		struct soft_fixture *fx = four_units(test);
		struct soft_core *c = fx->core[0];
		u64 least = groups * insns * 10 / n;

		c->nr_units = n;
		fx_launch(fx, SOFT_KERNEL_POKE, 1, groups);
		fx_begin(fx, c);
		KUNIT_ASSERT_EQ(test, fx_run(c, SOFT_TURN), SOFT_STEP_DONE);
		KUNIT_EXPECT_GE(test, c->clock, least);
		/* the last round may have work for one unit only */
		KUNIT_EXPECT_LE(test, c->clock, least + SOFT_TURN * 10);
	}
}

/* Four workgroups midway on n units take what four on n have to take. */
static void test_leftover_groups_share_units(struct kunit *test)
{
	const u64 rounds = 100;
	u32 n, i;

	for (n = 1; n <= 4; n++) {
		struct soft_fixture *fx = four_units(test);
		struct soft_core *c = fx->core[0];
		u64 clock;

		fx_launch(fx, SOFT_KERNEL_SPIN, 1, 8);
		fx_begin(fx, c);
		for (i = 0; i < 4; i++)
			fx_model->step(c, SOFT_TURN);
		KUNIT_EXPECT_EQ(test, c->clock, SOFT_TURN * 10ULL);
		fx_save(fx, c);
		fx_model->clear(c, FX_ASID, fx->root);
		c->nr_units = n;
		fx_load(fx, c);
		fx_model->resume(c, &fx->job);
		clock = c->clock;
		for (i = 0; i < 4 * rounds; i++)
			KUNIT_ASSERT_EQ(test, fx_model->step(c, SOFT_TURN),
					SOFT_STEP_MORE);
		KUNIT_EXPECT_EQ(test, c->clock - clock, rounds * 10 *
				DIV_ROUND_UP(4 * SOFT_TURN, n));
		KUNIT_EXPECT_EQ(test, c->next_group, 4ULL);
	}
}

/* However the units come and go, each lane does its work, and once. */
static void test_units_come_and_go(struct kunit *test)
{
	struct soft_fixture *fx = four_units(test);
	struct rnd_state rnd;
	unsigned int i, moves = 0;
	u32 n, seed = 7;
	u64 clock = 0;

	prandom_seed_state(&rnd, seed);
	fx_launch(fx, SOFT_KERNEL_WHOAMI, 12, 12);
	fx_begin(fx, fx->core[0]);
	while (fx_model->step(fx->core[0], 1 + prandom_u32_state(&rnd) % 40) ==
	       SOFT_STEP_MORE) {
		if (prandom_u32_state(&rnd) % 4)
			continue;
		n = 1 + prandom_u32_state(&rnd) % 4;
		KUNIT_ASSERT_GE(test, fx->core[0]->clock, clock);
		clock = fx->core[0]->clock;
		fx_save(fx, fx->core[0]);
		fx_model->clear(fx->core[0], FX_ASID, fx->root);
		fx->core[0]->nr_units = n;
		fx_load(fx, fx->core[0]);
		fx_model->resume(fx->core[0], &fx->job);
		moves++;
	}
	KUNIT_EXPECT_EQ(test, fx->core[0]->fault.error, 0);
	KUNIT_EXPECT_GT(test, moves, 20U);
	for (i = 0; i < 144; i++) {
		const struct whoami *w = fx_data(fx, FX_DATA + i * sizeof(*w));

		KUNIT_ASSERT_EQ(test, w->mark, 1ULL);
		KUNIT_EXPECT_EQ(test, w->lane[0], i % 12);
		KUNIT_EXPECT_EQ(test, w->group[0], i / 12);
		KUNIT_EXPECT_LT(test, (w->sp - FX_STACK) / 64 - 1, 48ULL);
	}
}

/* An engine that has no units does nothing, and says so. */
static void test_no_units(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	u32 op;

	c->nr_units = 0;
	for (op = VGPU_CMD_COPY; op <= VGPU_CMD_LAUNCH; op++) {
		fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
		fx->job.op = op;
		fx_begin(fx, c);
		KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_FAULT);
		KUNIT_EXPECT_EQ(test, c->fault.error, -EINVAL);
	}
}

static void test_clock(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	u64 before, sum = 0;

	fx_launch(fx, SOFT_KERNEL_STIR, 4, 7);
	fx_begin(fx, c);
	for (;;) {
		enum soft_step step;

		before = c->clock;
		step = fx_model->step(c, 13);
		KUNIT_ASSERT_GE(test, c->clock, before);
		KUNIT_ASSERT_LE(test, c->clock - before, 13 * 10ULL);
		sum += c->clock - before;
		if (step != SOFT_STEP_MORE)
			break;
	}
	KUNIT_EXPECT_EQ(test, c->service, sum);
	/* saving takes time too, of the engine, not of the job */
	before = c->clock;
	fx_save(fx, c);
	KUNIT_EXPECT_GT(test, c->clock, before);
	fx_model->start(c, &fx->job);
	KUNIT_EXPECT_EQ(test, c->service, 0ULL);
}

static void test_copy_time(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	memset(&fx->job, 0, sizeof(fx->job));
	fx->job.op = VGPU_CMD_FILL;
	fx->job.fill.dst = FX_DATA;
	fx->job.fill.bytes = 3 * SOFT_PAGE_BYTES;
	fx->job.fill.pattern = 0xdeadbeef;
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, fx_run(c, 1), SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, c->service, 3ULL * SOFT_PAGE_BYTES);
	KUNIT_EXPECT_EQ(test, c->bytes, 3ULL * SOFT_PAGE_BYTES);
	KUNIT_EXPECT_EQ(test, *(u32 *)fx_data(fx, FX_DATA + 8192 + 4092),
			0xdeadbeefU);
	KUNIT_EXPECT_EQ(test, *(u32 *)fx_data(fx, FX_DATA + 3 * 4096), 0U);
}

static void refused(struct kunit *test, struct soft_fixture *fx)
{
	fx_begin(fx, fx->core[0]);
	KUNIT_EXPECT_EQ(test, fx_run(fx->core[0], 10), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, fx->core[0]->fault.error, -EINVAL);
}

/* The core refuses these; hardware that believed it would be fragile. */
static void test_bad_jobs(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct vgpu_cmd_launch *l = &fx->job.launch;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
		l->block[i] = 0;
		refused(test, fx);
		fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
		l->grid[i] = 0;
		refused(test, fx);
		fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
		l->block[i] = SOFT_MAX_LANES + 1;
		refused(test, fx);
		fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
		l->grid[i] = (1U << 31) + 1;
		refused(test, fx);
	}
	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	l->block[0] = 65535;
	l->block[1] = 65535;
	l->block[2] = 65535;
	refused(test, fx);
	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	l->grid[0] = ~0U;
	l->grid[1] = ~0U;
	l->grid[2] = ~0U;
	refused(test, fx);
	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	l->shared_bytes = SOFT_SHARED_BYTES + 1;
	refused(test, fx);
	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	l->entry += 2;
	refused(test, fx);
	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	fx->job.op = VGPU_CMD_OP_END;
	refused(test, fx);
	fx->job.op = VGPU_CMD_FILL;
	fx->job.fill.dst = FX_DATA + 2;
	refused(test, fx);
}

/* The largest grid there is: each step stays as short as any. */
static void test_huge_grid(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	unsigned int i;

	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1U << 31);
	fx_begin(fx, c);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, fx_model->step(c, SOFT_TURN),
				SOFT_STEP_MORE);
	KUNIT_EXPECT_LE(test, c->next_group, 1000ULL * SOFT_TURN);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_ids),
	KUNIT_CASE(test_no_stack),
	KUNIT_CASE(test_lanes_are_fair),
	KUNIT_CASE(test_units_are_parallel),
	KUNIT_CASE(test_fewer_units),
	KUNIT_CASE(test_leftover_groups_share_units),
	KUNIT_CASE(test_units_come_and_go),
	KUNIT_CASE(test_no_units),
	KUNIT_CASE(test_clock),
	KUNIT_CASE(test_copy_time),
	KUNIT_CASE(test_bad_jobs),
	KUNIT_CASE(test_huge_grid),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_soft_launch",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
