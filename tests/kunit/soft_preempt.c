// SPDX-License-Identifier: GPL-2.0
/*
 * Preemption is invisible: whenever and however often a kernel is stopped,
 * saved and taken up elsewhere, it leaves the same bytes and takes the same
 * engine time.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_fixture.h"
#include "soft_kernels.h"

#define LANES	4
#define GROUPS	5
#define BYTES	(8 * (1 + LANES * GROUPS))

static void seed(struct soft_fixture *fx)
{
	u64 *data = fx_data(fx, FX_DATA);
	unsigned int i;

	for (i = 0; i < SOFT_PAGE_BYTES / 8; i++)
		data[i] = i * 0x9e3779b97f4a7c15ULL;
	for (i = 0; i < FX_STACK_PAGES; i++)
		memset(fx_data(fx, FX_STACK + i * SOFT_PAGE_BYTES), 0,
		       SOFT_PAGE_BYTES);
}

/* What an undisturbed run leaves, and how long it takes. */
static u64 undisturbed(struct kunit *test, u64 *want, u64 *steps)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	enum soft_step step;
	u64 clock;

	fx_launch(fx, SOFT_KERNEL_STIR, LANES, GROUPS);
	seed(fx);
	fx_begin(fx, c);
	clock = c->clock;
	*steps = 0;
	do {
		step = fx_model->step(c, 1);
		++*steps;
	} while (step == SOFT_STEP_MORE);
	KUNIT_ASSERT_EQ(test, step, SOFT_STEP_DONE);
	KUNIT_EXPECT_NE(test, memcmp(fx_data(fx, FX_DATA), want, BYTES), 0);
	memcpy(want, fx_data(fx, FX_DATA), SOFT_PAGE_BYTES);
	return c->clock - clock;
}

static u64 *page(struct kunit *test)
{
	u64 *p = kunit_kzalloc(test, SOFT_PAGE_BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	return p;
}

/* A step of 1 and a step of a whole turn are the same to the kernel. */
static void test_step_size(struct kunit *test)
{
	static const u32 limits[] = { 2, 3, 7, 64, 1000, SOFT_TURN, ~0U };
	struct soft_fixture *fx = test->priv;
	u64 *want = page(test);
	u64 steps, time, clock;
	unsigned int i;

	time = undisturbed(test, want, &steps);
	KUNIT_EXPECT_GT(test, steps, 500ULL);
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct soft_core *c = fx->core[0];

		seed(fx);
		fx_begin(fx, c);
		clock = c->clock;
		KUNIT_ASSERT_EQ(test, fx_run(c, limits[i]), SOFT_STEP_DONE);
		KUNIT_EXPECT_EQ(test, memcmp(fx_data(fx, FX_DATA), want,
					     SOFT_PAGE_BYTES), 0);
		KUNIT_EXPECT_EQ(test, c->clock - clock, time);
		KUNIT_EXPECT_EQ(test, c->service, time);
	}
}

/* Stopped once, after every possible number of instructions. */
static void test_every_point(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 *want = page(test);
	unsigned int bad = 0;
	u64 steps, at, i;

	undisturbed(test, want, &steps);
	for (at = 0; at < steps - 1; at++) {
		enum soft_step step;

		seed(fx);
		fx_begin(fx, fx->core[0]);
		for (i = 0; i < at; i++)
			fx_model->step(fx->core[0], 1);
		fx_move(fx, fx->core[0], fx->core[1]);
		step = fx_run(fx->core[1], SOFT_TURN);
		if (step == SOFT_STEP_DONE &&
		    !memcmp(fx_data(fx, FX_DATA), want, SOFT_PAGE_BYTES))
			continue;
		if (!bad++)
			KUNIT_FAIL(test, "stopped after %llu of %llu: other bytes (%d)\n",
				   at, steps, step);
	}
	KUNIT_EXPECT_EQ(test, bad, 0U);
}

/* Stopped after each single instruction, moved to and fro. */
static void test_every_instruction(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 *want = page(test);
	unsigned int here = 0;
	enum soft_step step;
	u64 steps, i;

	undisturbed(test, want, &steps);
	seed(fx);
	fx_begin(fx, fx->core[0]);
	for (i = 0; i < steps; i++) {
		step = fx_model->step(fx->core[here], 1);
		if (step != SOFT_STEP_MORE)
			break;
		fx_move(fx, fx->core[here], fx->core[!here]);
		here = !here;
	}
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, i, steps - 1);
	KUNIT_EXPECT_EQ(test, memcmp(fx_data(fx, FX_DATA), want,
				     SOFT_PAGE_BYTES), 0);
}

/* Somebody else's kernel on the engine in between, to completion. */
static void test_neighbour(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	u64 *want = page(test);
	struct vgpu_hw_job mine, other;
	enum soft_step step;
	u64 steps;

	undisturbed(test, want, &steps);
	mine = fx->job;
	fx_launch(fx, SOFT_KERNEL_WHOAMI, 8, 2);
	fx->job.launch.args = FX_DATA + SOFT_PAGE_BYTES;
	other = fx->job;
	fx->job = mine;

	seed(fx);
	fx_begin(fx, c);
	while ((step = fx_model->step(c, 97)) == SOFT_STEP_MORE) {
		fx_save(fx, c);
		fx_model->clear(c, FX_ASID, fx->root);
		fx_model->start(c, &other);
		KUNIT_ASSERT_EQ(test, fx_run(c, SOFT_TURN), SOFT_STEP_DONE);
		fx_model->clear(c, FX_ASID, fx->root);
		fx_load(fx, c);
		fx_model->resume(c, &mine);
	}
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, memcmp(fx_data(fx, FX_DATA), want,
				     SOFT_PAGE_BYTES), 0);
}

/* Only what changed is saved, as the core does it. */
static void test_incremental(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	u64 *want = page(test);
	enum soft_step step;
	unsigned int sec;
	u64 steps;

	undisturbed(test, want, &steps);
	seed(fx);
	fx_begin(fx, c);
	while ((step = fx_model->step(c, 3)) == SOFT_STEP_MORE) {
		u32 dirty = c->dirty;

		for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
			if (dirty & BIT(sec))
				fx->used[sec] = fx_model->save(c, sec,
							       fx->saved[sec]);
		fx_model->clear(c, 1, 0);
		fx_load(fx, c);
		KUNIT_ASSERT_EQ(test, c->dirty, 0U);
		fx_model->resume(c, &fx->job);
	}
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, memcmp(fx_data(fx, FX_DATA), want,
				     SOFT_PAGE_BYTES), 0);
}

/* Taken up on an engine by a flip, from a bank that was loaded beside litter. */
static void test_flip(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0], *spare = fx->core[1];
	struct vgpu_hw_job stir, spin;
	u64 *want = page(test);
	enum soft_step step;
	u64 steps;

	undisturbed(test, want, &steps);
	stir = fx->job;
	fx_launch(fx, SOFT_KERNEL_SPIN, SOFT_MAX_LANES, 2);
	spin = fx->job;
	seed(fx);
	fx->job = stir;
	fx_begin(fx, c);
	while ((step = fx_model->step(c, 50)) == SOFT_STEP_MORE) {
		fx_save(fx, c);
		/* somebody else works, and this one is loaded */
		fx_model->clear(c, 1, fx->root);
		fx_model->start(c, &spin);
		fx_model->step(c, 20);
		fx_model->clear(spare, 0, 0);
		fx_load(fx, spare);
		KUNIT_ASSERT_EQ(test, fx_model->step(c, 20), SOFT_STEP_MORE);
		fx_model->flip(c, spare);
		fx_model->resume(c, &stir);
	}
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, memcmp(fx_data(fx, FX_DATA), want,
				     SOFT_PAGE_BYTES), 0);
	/* and the other one is where it was */
	fx_model->flip(c, spare);
	fx_model->resume(c, &spin);
	KUNIT_EXPECT_EQ(test, fx_model->step(c, 20), SOFT_STEP_MORE);
}

/* A copy across pages, stopped after each chunk and moved. */
static void test_copy(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	const u64 bytes = 2 * SOFT_PAGE_BYTES - 100;
	unsigned int chunks = 1, here = 0;
	u64 i, total = 0, wrong = 0;

	for (i = 0; i < 2 * SOFT_PAGE_BYTES; i++)
		*(u8 *)fx_data(fx, FX_DATA + i) = i * 7 + (i >> 8);
	memset(&fx->job, 0, sizeof(fx->job));
	fx->job.op = VGPU_CMD_COPY;
	fx->job.copy.src = FX_DATA + 3;
	fx->job.copy.dst = FX_DATA + 2 * SOFT_PAGE_BYTES + 50;
	fx->job.copy.bytes = bytes;
	fx_begin(fx, fx->core[0]);
	while (fx_model->step(fx->core[here], 1) == SOFT_STEP_MORE) {
		total += fx->core[here]->bytes;
		fx_move(fx, fx->core[here], fx->core[!here]);
		here = !here;
		chunks++;
	}
	total += fx->core[here]->bytes;
	KUNIT_EXPECT_EQ(test, total, bytes);
	KUNIT_EXPECT_GE(test, chunks, 3U);
	for (i = 0; i < bytes; i++)
		wrong += *(u8 *)fx_data(fx, fx->job.copy.dst + i) !=
			 *(u8 *)fx_data(fx, fx->job.copy.src + i);
	KUNIT_EXPECT_EQ(test, wrong, 0ULL);
	KUNIT_EXPECT_EQ(test, (u32)*(u8 *)fx_data(fx, fx->job.copy.dst - 1),
			0U);
	KUNIT_EXPECT_EQ(test,
			(u32)*(u8 *)fx_data(fx, fx->job.copy.dst + bytes), 0U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_step_size),
	KUNIT_CASE(test_every_point),
	KUNIT_CASE(test_every_instruction),
	KUNIT_CASE(test_neighbour),
	KUNIT_CASE(test_incremental),
	KUNIT_CASE(test_flip),
	KUNIT_CASE(test_copy),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_soft_preempt",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
