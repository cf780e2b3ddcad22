// SPDX-License-Identifier: GPL-2.0
/*
 * Completions that are held back: when they show, in which order, and that none is lost. A
 * grid of an hour is one that no test sees a point of: the clock counts from boot.
 */
#include <linux/delay.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define HOUR	(3600ULL * NSEC_PER_SEC)

static struct core_mock *quiet(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, VGPU_HW_PREEMPT | VGPU_HW_SAVE);

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	return mock;
}

static void grid(struct core_tenant *t, u64 ns)
{
	WRITE_ONCE(t->inst->pad.grid_ns, ns);
}

static struct vgpu_queue_status seen(struct kunit *test, struct core_tenant *t)
{
	struct vgpu_queue_status st = { .queue = t->queue };

	KUNIT_EXPECT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_QUEUE_STATUS,
					       &st, NULL, 0), 0);
	return st;
}

static u32 timeline(struct kunit *test, struct core_tenant *t)
{
	struct vgpu_timeline_create arg = {};

	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client,
					       VGPU_CALL_TIMELINE_CREATE, &arg,
					       NULL, 0), 0);
	return arg.handle;
}

static u64 value(struct kunit *test, struct core_tenant *t, u32 timeline)
{
	struct vgpu_wait arg = { .timeline = timeline };

	KUNIT_EXPECT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_WAIT, &arg,
					       NULL, 0), 0);
	return arg.current_value;
}

static int signal(struct core_tenant *t, u32 timeline, u64 value)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_SIGNAL,
		.sync = { .timeline = timeline, .value = value },
	};
	struct vgpu_submit submit = { .queue = t->queue, .count = 1 };

	return vgpu_client_call(t->client, VGPU_CALL_SUBMIT, &submit, &cmd,
				sizeof(cmd));
}

static void close_queue(struct kunit *test, struct core_tenant *t)
{
	struct vgpu_close arg = { .handle = t->queue };

	KUNIT_EXPECT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_CLOSE, &arg,
					       NULL, 0), 0);
}

static void when_it_shows(struct kunit *test)
{
	static const struct {
		u64 grid, jitter, now, after;
		u32 random;
		u64 want;
	} cases[] = {
		{ 0, 0, 12345, 0, ~0u, 12345 },			/* off */
		{ 0, 0, 12345, 20000, 0, 20000 },		/* but in order */
		{ 1000, 0, 1, 0, ~0u, 1000 },
		{ 1000, 0, 999, 0, 0, 1000 },
		{ 1000, 0, 1000, 0, 0, 1000 },			/* on the grid */
		{ 1000, 0, 1001, 0, 0, 2000 },
		{ 1000, 500, 1001, 0, 0, 2000 },		/* by chance none */
		{ 1000, 500, 1001, 0, ~0u, 2499 },		/* all but all of it */
		{ 1000, 500, 1001, 0, 1u << 31, 2250 },
		{ 1000, 500, 1001, 2400, 1u << 31, 2400 },	/* not before another */
		{ 7, 7, 1ULL << 62, 0, 0, 4611686018427387907ULL },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vgpu_pad_until(cases[i].grid, cases[i].jitter,
							 cases[i].now, cases[i].after,
							 cases[i].random),
				    cases[i].want, "case %u", i);
}

static void they_run_and_do_not_show(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_queue_status st;
	struct core_tenant t;
	u32 tl;
	int i;

	core_tenant_open(test, mock, &t, 0);
	tl = timeline(test, &t);
	grid(&t, HOUR);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, i), 0);
	KUNIT_EXPECT_EQ(test, signal(&t, tl, 5), 0);
	for (i = 0; i < 2; i++)
		core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	core_mock_answer(mock, VGPU_HW_FAULT, 1000, -EFAULT);
	KUNIT_EXPECT_FALSE(test, mock->running);
	core_mock_expect(test, mock, "crrr");
	st = seen(test, &t);
	KUNIT_EXPECT_EQ(test, st.completed + st.failed, 0);
	KUNIT_EXPECT_EQ(test, st.pending, 4);
	KUNIT_EXPECT_EQ(test, st.irq, 0);
	KUNIT_EXPECT_EQ(test, st.error, 0);
	KUNIT_EXPECT_EQ(test, st.run_ns, 0);
	KUNIT_EXPECT_EQ(test, st.wait_p99_ns, 0);
	KUNIT_EXPECT_EQ(test, vgpu_client_irq_pending(t.client), 0);
	KUNIT_EXPECT_EQ(test, value(test, &t, tl), 0);
	/* what it is charged is what it used */
	KUNIT_EXPECT_EQ(test, t.inst->entity[0].se.stats.run_ns, 3000);

	/* switched off: what comes now does not overtake */
	grid(&t, 0);
	KUNIT_EXPECT_EQ(test, signal(&t, tl, 6), 0);
	KUNIT_EXPECT_EQ(test, value(test, &t, tl), 0);
	KUNIT_EXPECT_EQ(test, seen(test, &t).pending, 5);
	close_queue(test, &t);
	KUNIT_EXPECT_EQ(test, value(test, &t, tl), 6);
	KUNIT_EXPECT_EQ(test, vgpu_client_irq_pending(t.client),
			VGPU_QUEUE_IRQ_ERROR);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void never_more_than_the_queue_is_deep(struct kunit *test)
{
	struct vgpu_queue_create arg = { .depth = 4 };
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	int i;

	core_tenant_open(test, mock, &t, 0);
	arg.ctx = t.ctx;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_QUEUE_CREATE,
					       &arg, NULL, 0), 0);
	t.queue = arg.handle;
	grid(&t, HOUR);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, i), 0);
		core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	}
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 4), -EAGAIN);
	KUNIT_EXPECT_EQ(test, seen(test, &t).pending, 4);
	KUNIT_EXPECT_FALSE(test, mock->running);
	grid(&t, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* Paused or not, they show when it is time, and each of them. */
static void they_show_in_the_end(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	u64 had = 0, has;
	u32 tl;
	int i;

	core_tenant_open(test, mock, &t, 0);
	tl = timeline(test, &t);
	grid(&t, NSEC_PER_MSEC);
	WRITE_ONCE(t.inst->pad.jitter_ns, NSEC_PER_MSEC / 2);
	for (i = 1; i <= 100; i++) {
		KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, i), 0);
		KUNIT_EXPECT_EQ(test, signal(&t, tl, i), 0);
	}
	for (i = 0; i < 100; i++)
		core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_EXPECT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_PAUSE), 0);
	for (i = 0; i < 1000 && had < 100; i++) {
		has = value(test, &t, tl);
		KUNIT_EXPECT_GE(test, has, had);
		had = has;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, had, 100);
	KUNIT_EXPECT_EQ(test, seen(test, &t).completed, 200);
	KUNIT_EXPECT_EQ(test, seen(test, &t).pending, 0);
	KUNIT_EXPECT_EQ(test, seen(test, &t).run_ns, 100000);
	KUNIT_EXPECT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_RESUME), 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* Also when the vGPU is stopped under them. */
static void stopped_while_some_are_held(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	int i;

	core_tenant_open(test, mock, &t, 0);
	grid(&t, HOUR);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, i), 0);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_EXPECT_TRUE(test, mock->running);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_EXPECT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_STOP), 0);
	KUNIT_EXPECT_EQ(test, t.inst->entity[0].completed, 3);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static struct kunit_case pad_cases[] = {
	KUNIT_CASE(when_it_shows),
	KUNIT_CASE(they_run_and_do_not_show),
	KUNIT_CASE(never_more_than_the_queue_is_deep),
	KUNIT_CASE(they_show_in_the_end),
	KUNIT_CASE(stopped_while_some_are_held),
	{}
};

static struct kunit_suite pad_suite = {
	.name = "vgpu_core_pad",
	.test_cases = pad_cases,
};

kunit_test_suite(pad_suite);
