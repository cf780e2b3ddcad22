// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU whose mediation fails: the decision in virtual time, then the steps on a GPU
 * that answers, or does not, as the test says.
 */
#include <linux/delay.h>
#include <vgpu/degrade.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define MS	1000000ULL
#define SEC	(1000 * MS)
#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)

/* One each second: the third, sixth and twelfth lead further. */
static void steps_down(struct kunit *test)
{
	struct vgpu_degrade d;
	u32 i, step = 0;
	u64 now = SEC;

	vgpu_degrade_init(&d);
	for (i = 1; i <= 100; i++, now += SEC) {
		bool changes = i == 3 || i == 6 || i == 12;

		KUNIT_EXPECT_EQ_MSG(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_RESET, now),
				    changes, "failure %u", i);
		step += changes;
		KUNIT_EXPECT_EQ(test, d.step, step);
		KUNIT_EXPECT_EQ(test, d.reason, step ? VGPU_DEGRADE_RESET :
						       VGPU_DEGRADE_NONE);
	}
	KUNIT_EXPECT_EQ(test, d.failures, 100);
	KUNIT_EXPECT_EQ(test, d.since, 12 * SEC);
	/* that nothing fails any more brings nothing back */
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_SAVE, 1000 * SEC));
	KUNIT_EXPECT_EQ(test, d.step, VGPU_DEGRADE_STOP);
	KUNIT_EXPECT_TRUE(test, vgpu_degrade_clear(&d, 1001 * SEC));
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_clear(&d, 1001 * SEC));
	KUNIT_EXPECT_EQ(test, d.step, VGPU_DEGRADE_NORMAL);
	/* and what failed before counts no more */
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_RESET, 1002 * SEC));
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_RESET, 1003 * SEC));
	KUNIT_EXPECT_TRUE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_RESET, 1004 * SEC));
}

/* Just too seldom, for ever. */
static void seldom_is_no_pattern(struct kunit *test)
{
	struct vgpu_degrade d;
	u32 i;

	vgpu_degrade_init(&d);
	for (i = 1; i <= 1000; i++)
		KUNIT_ASSERT_FALSE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_RESET,
							   i * 30 * SEC));
	/* a nanosecond sooner, and three are within the window */
	KUNIT_EXPECT_TRUE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_RESET,
						  1001 * 30 * SEC - 1));
}

/* A thousand symptoms at once are one failure of each kind; a stream is not. */
static void a_burst_is_one(struct kunit *test)
{
	struct vgpu_degrade d;
	u32 i;

	vgpu_degrade_init(&d);
	for (i = 0; i < 1000; i++) {
		vgpu_degrade_feed(&d, VGPU_DEGRADE_CONTRACT, SEC + i);
		vgpu_degrade_feed(&d, VGPU_DEGRADE_SAVE, SEC + i);
	}
	KUNIT_EXPECT_EQ(test, d.failures, 2);
	KUNIT_EXPECT_EQ(test, d.step, VGPU_DEGRADE_NORMAL);
	/* one a millisecond: counted each 100 ms, not put off for ever */
	for (i = 0; i < 1000; i++)
		vgpu_degrade_feed(&d, VGPU_DEGRADE_CONTRACT, 2 * SEC + i * MS);
	KUNIT_EXPECT_EQ(test, d.failures, 12);
	KUNIT_EXPECT_EQ(test, d.step, VGPU_DEGRADE_STOP);
}

static void by_hand(struct kunit *test)
{
	struct vgpu_degrade d;

	vgpu_degrade_init(&d);
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_go(&d, VGPU_DEGRADE_NORMAL, SEC));
	KUNIT_EXPECT_TRUE(test, vgpu_degrade_go(&d, VGPU_DEGRADE_DENY, SEC));
	KUNIT_EXPECT_EQ(test, d.reason, VGPU_DEGRADE_BY_HAND);
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_go(&d, VGPU_DEGRADE_DENY, SEC));
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_go(&d, VGPU_DEGRADE_BASIC, SEC));
	KUNIT_EXPECT_FALSE(test, vgpu_degrade_go(&d, VGPU_DEGRADE_NORMAL, SEC));
	KUNIT_EXPECT_EQ(test, d.step, VGPU_DEGRADE_DENY);
	KUNIT_EXPECT_EQ(test, d.failures, 0);
}

static void rules(struct kunit *test)
{
	static const struct {
		struct vgpu_degrade_rules rules;
		bool ok;
	} all[] = {
		{ { { 1, 1, 1 }, 1 }, true }, { { { 64, 64, 64 }, 3600 }, true },
		{ { { 0, 1, 1 }, 1 }, false }, { { { 2, 1, 3 }, 1 }, false },
		{ { { 1, 3, 2 }, 1 }, false }, { { { 1, 2, 65 }, 1 }, false },
		{ { { 1, 2, 3 }, 0 }, false }, { { { 1, 2, 3 }, 3601 }, false },
	};
	struct vgpu_degrade d;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		KUNIT_EXPECT_EQ_MSG(test, vgpu_degrade_rules_ok(&all[i].rules),
				    all[i].ok, "%u", i);
	/* the first leads to the end at once; the history is long enough for the last */
	vgpu_degrade_init(&d);
	d.rules = all[0].rules;
	KUNIT_EXPECT_TRUE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_UNITS, SEC));
	KUNIT_EXPECT_EQ(test, d.step, VGPU_DEGRADE_STOP);
	vgpu_degrade_init(&d);
	d.rules = all[1].rules;
	for (i = 1; i < 64; i++)
		KUNIT_ASSERT_FALSE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_UNITS, i * SEC));
	KUNIT_EXPECT_TRUE(test, vgpu_degrade_feed(&d, VGPU_DEGRADE_UNITS, 64 * SEC));
}

/* ------------------------------------------------------------- on a GPU */

static void expect(struct kunit *test, struct core_mock *mock, u32 step,
		   u64 failures)
{
	const struct vgpu_degrade *d = &mock->gpu->degrader.d;

	flush_work(&mock->gpu->degrader.work);
	KUNIT_EXPECT_EQ(test, READ_ONCE(d->step), step);
	KUNIT_EXPECT_EQ(test, READ_ONCE(d->failures), failures);
}

/* Closed while its command runs, and the engine does not stop: it is reset. */
static void hang(struct kunit *test, struct core_mock *mock)
{
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	core_tenant_close(test, &t);
	/* what comes within is the same failure */
	msleep(120);
}

static void a_tenant_that_hangs_is_no_failure(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_hw_event old = { .type = VGPU_HW_DONE };
	unsigned int i;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 0, NSEC_PER_MSEC), 0);
	for (i = 0; i < 4; i++) {
		hang(test, mock);
		/* the answer to what was reset */
		old.cookie = mock->job.cookie;
		vgpu_gpu_event(mock->gpu, &old);
	}
	expect(test, mock, VGPU_DEGRADE_NORMAL, 0);
	KUNIT_EXPECT_GE(test, mock->gpu->whole.engines[0].stale_events, 4);
	core_mock_destroy(mock);
}

static void resets_that_fail(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	const struct vgpu_client_params params = { .holder = "test" };
	struct vgpu_client *client;
	struct core_tenant t;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 0, NSEC_PER_MSEC), 0);
	core_tenant_open(test, mock, &t, 0);
	mock->fail_reset = true;
	hang(test, mock);
	hang(test, mock);
	expect(test, mock, VGPU_DEGRADE_NORMAL, 2);
	hang(test, mock);
	expect(test, mock, VGPU_DEGRADE_BASIC, 3);
	KUNIT_EXPECT_EQ(test, mock->gpu->degrader.d.reason, VGPU_DEGRADE_RESET);

	/* who is there goes on, nobody else comes in */
	client = vgpu_client_open(t.inst, &params);
	KUNIT_EXPECT_EQ(test, PTR_ERR(client), -EAGAIN);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 1), 0);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_ASSERT_EQ(test, vgpu_gpu_recover(mock->gpu), 0);
	expect(test, mock, VGPU_DEGRADE_NORMAL, 3);
	client = vgpu_client_open(t.inst, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(client));
	vgpu_client_close(client);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* An answer that nobody asked for, and one too many. */
static void broken_contracts(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_hw_event ev = { .type = VGPU_HW_DONE };
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	ev.cookie = mock->job.cookie + 7;
	vgpu_gpu_event(mock->gpu, &ev);
	expect(test, mock, VGPU_DEGRADE_NORMAL, 1);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	msleep(120);
	ev.cookie = mock->job.cookie;
	vgpu_gpu_event(mock->gpu, &ev);
	expect(test, mock, VGPU_DEGRADE_NORMAL, 2);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static int go(struct core_mock *mock, u32 step)
{
	const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_DEGRADE, .degrade = step,
	};
	int ret = vgpu_gpu_set(mock->gpu, &set, NULL);

	flush_work(&mock->gpu->degrader.work);
	return ret;
}

/* What runs ends by itself, what is accepted runs, nothing more is. */
static void deny_lets_end(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_queue_status status;
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 2), 0);
	KUNIT_ASSERT_EQ(test, go(mock, VGPU_DEGRADE_DENY), 0);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 3), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, mock->running);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_EXPECT_TRUE(test, mock->running);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_EXPECT_FALSE(test, mock->running);
	core_tenant_status(test, &t, &status);
	KUNIT_EXPECT_EQ(test, status.completed, 2);
	KUNIT_EXPECT_EQ(test, go(mock, VGPU_DEGRADE_BASIC), -EINVAL);
	KUNIT_ASSERT_EQ(test, vgpu_gpu_recover(mock->gpu), 0);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 4), 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* Nothing runs, also what does not want to stop; freeing and going away still do. */
static void stop_ends_all(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_instance_info *info;
	struct core_tenant t, u;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 0, NSEC_PER_MSEC), 0);
	core_tenant_open(test, mock, &t, 0);
	core_tenant_open(test, mock, &u, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&u, 2), 0);
	KUNIT_ASSERT_EQ(test, go(mock, VGPU_DEGRADE_STOP), 0);
	KUNIT_EXPECT_FALSE(test, mock->running);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 3), -EIO);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&u, 3), -EIO);
	vgpu_instance_get_info(t.inst, info);
	KUNIT_EXPECT_EQ(test, info->state, VGPU_STATE_FAILED);
	KUNIT_EXPECT_EQ(test, info->vram_used, 0);
	KUNIT_EXPECT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_START), -EAGAIN);
	/* one goes while all is stopped */
	core_tenant_close(test, &u);
	core_tenant_shut(&t);
	KUNIT_ASSERT_EQ(test, vgpu_gpu_recover(mock->gpu), 0);
	core_tenant_start(test, &t, 0);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 4), 0);
	KUNIT_EXPECT_TRUE(test, mock->running);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* The GPU goes while it is stopped. */
static void stop_and_unplug(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 0, NSEC_PER_MSEC), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_ASSERT_EQ(test, go(mock, VGPU_DEGRADE_STOP), 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(steps_down),
	KUNIT_CASE(seldom_is_no_pattern),
	KUNIT_CASE(a_burst_is_one),
	KUNIT_CASE(by_hand),
	KUNIT_CASE(rules),
	KUNIT_CASE(a_tenant_that_hangs_is_no_failure),
	KUNIT_CASE(resets_that_fail),
	KUNIT_CASE(broken_contracts),
	KUNIT_CASE(deny_lets_end),
	KUNIT_CASE(stop_ends_all),
	KUNIT_CASE(stop_and_unplug),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_degrade",
	.test_cases = cases,
};

kunit_test_suite(suite);
