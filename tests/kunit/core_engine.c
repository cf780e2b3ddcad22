// SPDX-License-Identifier: GPL-2.0
/*
 * Engines, driven event by event on a GPU that does nothing by itself: what
 * is saved and loaded when, what becomes of a command that hangs, faults, is
 * cancelled, or is answered twice.
 */
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)

/* Long slices: only what the test does happens. */
static struct core_mock *quiet(struct kunit *test, u64 caps)
{
	struct core_mock *mock = core_mock_create(test, caps);

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	return mock;
}

static bool soon(struct core_tenant *t, bool (*is)(struct vgpu_queue_status *))
{
	struct vgpu_queue_status st;
	int i;

	for (i = 0; i < 500; i++) {
		memset(&st, 0, sizeof(st));
		st.queue = t->queue;
		if (vgpu_client_call(t->client, VGPU_CALL_QUEUE_STATUS, &st,
				     NULL, 0) == 0 && is(&st))
			return true;
		msleep(20);
	}
	return false;
}

static bool one_failed(struct vgpu_queue_status *st)
{
	return st->failed == 1;
}

static void commands_run_in_order(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_queue_status st;
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 2), 0);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 1);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 2);
	core_mock_answer(mock, VGPU_HW_DONE, 500, 0);
	/* one clear for the first owner, nothing saved, nothing loaded */
	core_mock_expect(test, mock, "crr");
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 2);
	KUNIT_EXPECT_EQ(test, st.run_ns, 1500);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void an_answer_counts_once(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_queue_status st;
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	core_tenant_fill(&t, 1);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);	/* nothing runs */
	core_tenant_fill(&t, 2);
	mock->job.cookie--;
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);	/* of another run */
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	KUNIT_EXPECT_EQ(test, st.pending, 1);
	mock->job.cookie++;
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 2);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void a_switch_saves_clears_and_loads(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct core_tenant a, b;

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 0xa);
	core_tenant_fill(&b, 0xb);
	core_mock_expect(test, mock, "cr");
	/* a is stopped midway: its state leaves before b's owner comes */
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 100, 0);
	core_mock_expect(test, mock, "scr");
	KUNIT_EXPECT_EQ(test, mock->state, 0xb);
	/* b ends: nothing of it is worth saving, a's comes back as it was */
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, mock, "clR");
	KUNIT_EXPECT_EQ(test, mock->state, 0xa);
	/* stopped with nobody else there: left where it is, and goes on */
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 100, 0);
	core_mock_expect(test, mock, "R");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static void a_failure_is_its_owners(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_queue_status st;
	struct core_tenant a, b;

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 1);
	core_tenant_fill(&a, 2);
	core_tenant_fill(&b, 3);
	core_mock_answer(mock, VGPU_HW_FAULT, 10, -EFAULT);
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.failed, 1);
	KUNIT_EXPECT_EQ(test, st.error, -EFAULT);
	KUNIT_EXPECT_EQ(test, st.error_seqno, 1);
	KUNIT_EXPECT_EQ(test, st.irq, VGPU_QUEUE_IRQ_ERROR);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);	/* the rest went on */
	core_tenant_status(test, &b, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	KUNIT_EXPECT_EQ(test, st.failed, 0);
	KUNIT_EXPECT_EQ(test, st.irq, 0);
	KUNIT_EXPECT_EQ(test, vgpu_client_irq_pending(b.client), 0);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static void silence_is_reset(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_instance_info *info;
	struct vgpu_queue_status st;
	struct core_tenant a, b;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, VGPU_SLICE_MIN_NS,
					    NSEC_PER_MSEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 1);
	core_tenant_fill(&b, 2);	/* so that a has to stop; it does not */
	KUNIT_EXPECT_TRUE(test, soon(&a, one_failed));
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.error, -ETIMEDOUT);
	vgpu_instance_get_info(a.inst, info);
	KUNIT_EXPECT_EQ(test, info->resets, 1);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 2);
	KUNIT_EXPECT_TRUE(test, mock->running);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_tenant_status(test, &b, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	KUNIT_EXPECT_EQ(test, st.failed, 0);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

/* A clock that stands still may be the host's fault, a while; one that runs is not. */
static void blame_needs_a_clock_that_runs(struct kunit *test)
{
	static const struct {
		u64 ran;
		unsigned int overdue;
		bool hangs;
	} t[] = {
		{ 0, 1, false }, { 0, 2, false }, { 0, 3, false }, { 0, 4, true },
		{ 15624999, 1, false }, { 15625000, 1, true },
		{ 15624999, 3, false }, { NSEC_PER_SEC, 1, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		KUNIT_EXPECT_EQ_MSG(test, vgpu_engine_hangs(t[i].ran, NSEC_PER_SEC, t[i].overdue),
				    t[i].hangs, "case %u", i);
}

/* Its answer comes after more than the timeout, in which its engine was not run. */
static void a_busy_host_is_no_hang(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_engine *e = &mock->gpu->whole.engines[0];
	struct vgpu_queue_status st;
	struct core_tenant a, b;
	int i;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, VGPU_SLICE_MIN_NS,
					    2 * NSEC_PER_SEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 1);
	core_tenant_fill(&b, 2);
	for (i = 0; i < 1000 && !READ_ONCE(e->overdue); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(e->overdue), 1);
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 0, 0);
	KUNIT_EXPECT_EQ(test, e->resets, 0);
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.failed, 0);
	core_tenant_close(test, &b);
	core_tenant_close(test, &a);
	core_mock_destroy(mock);
}

/* Eight that do not stop at their own time limit: what the vGPU is then. */
static u32 eight_over_their_limit(struct kunit *test, u64 caps)
{
	struct core_mock *mock = quiet(test, caps);
	struct vgpu_instance_info *info;
	struct core_tenant a;
	u32 state;
	int i, j;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, VGPU_SLICE_MIN_NS,
					    NSEC_PER_MSEC), 0);
	/* nobody else is there: what must stop it is its own limit */
	core_tenant_open(test, mock, &a, 1);
	for (i = 0; i < 8; i++)
		KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, i), 0);
	for (j = 0; j < 500; j++) {
		WRITE_ONCE(mock->clock, mock->clock + NSEC_PER_MSEC);
		vgpu_instance_get_info(a.inst, info);
		if (info->failed == 8)
			break;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, info->failed, 8);
	for (j = 0; j < 100 && info->state == VGPU_STATE_RUNNING; j++) {
		msleep(20);
		vgpu_instance_get_info(a.inst, info);
		if (!(caps & VGPU_HW_PREEMPT))
			break;
	}
	state = info->state;
	core_tenant_close(test, &a);
	core_mock_destroy(mock);
	return state;
}

static void a_hang_at_its_own_limit_is_a_strike(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, eight_over_their_limit(test, SAVES),
			VGPU_STATE_FAILED);
}

static void what_cannot_be_told_to_stop_has_no_strike(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, eight_over_their_limit(test, 0),
			VGPU_STATE_RUNNING);
}

struct closer {
	struct work_struct work;
	struct core_tenant *t;
};

static void close_queue(struct work_struct *work)
{
	struct closer *c = container_of(work, struct closer, work);
	struct vgpu_close arg = { .handle = c->t->queue };

	vgpu_client_call(c->t->client, VGPU_CALL_CLOSE, &arg, NULL, 0);
}

static void closing_waits_for_the_engine(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct core_tenant t;
	struct closer c = { .t = &t };
	int i;

	core_tenant_open(test, mock, &t, 0);
	core_tenant_fill(&t, 1);
	core_tenant_fill(&t, 2);
	core_mock_expect(test, mock, "cr");
	INIT_WORK_ONSTACK(&c.work, close_queue);
	queue_work(system_unbound_wq, &c.work);
	for (i = 0; i < 500 && !READ_ONCE(mock->logged); i++)
		msleep(20);
	msleep(50);
	core_mock_expect(test, mock, "p");
	KUNIT_EXPECT_TRUE(test, work_busy(&c.work));
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	flush_work(&c.work);
	destroy_work_on_stack(&c.work);
	/* the second command never ran, and nothing was saved */
	core_mock_expect(test, mock, "");
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void pausing_keeps_what_is_midway(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_queue_status st;
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_PAUSE), 0);
	core_tenant_fill(&t, 7);
	core_mock_expect(test, mock, "");	/* taken, but nothing runs */
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_RESUME), 0);
	core_mock_expect(test, mock, "cr");
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void without_preemption_it_is_waited_for(struct kunit *test)
{
	struct core_mock *mock = quiet(test, 0);
	struct vgpu_vm_unmap unmap = { .va = TENANT_VA, .bytes = PAGE_SIZE };
	struct core_tenant a, b;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, VGPU_SLICE_MIN_NS,
					    NSEC_PER_MSEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 1);
	core_tenant_fill(&b, 2);
	msleep(100);			/* many slices and timeouts */
	core_mock_expect(test, mock, "cr");
	/* the engine has VRAM addresses: they stay a's until it is done */
	unmap.vm = a.vm;
	KUNIT_EXPECT_EQ(test, vgpu_client_call(a.client, VGPU_CALL_VM_UNMAP,
					       &unmap, NULL, 0), -EBUSY);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, mock, "cr");
	KUNIT_EXPECT_EQ(test, vgpu_client_call(a.client, VGPU_CALL_VM_UNMAP,
					       &unmap, NULL, 0), 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static void unplugged_while_it_runs(struct kunit *test)
{
	struct core_mock *mock = quiet(test, SAVES);
	struct vgpu_queue_status st = { };
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	core_tenant_fill(&t, 1);
	core_tenant_fill(&t, 2);
	core_mock_expect(test, mock, "cr");
	vgpu_gpu_unregister(mock->gpu);
	mock->gpu = NULL;
	core_mock_expect(test, mock, "X");
	st.queue = t.queue;
	KUNIT_EXPECT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_QUEUE_STATUS,
					       &st, NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 3), -ENODEV);
	vgpu_client_close(t.client);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(t.inst), -ENODEV);
	vgpu_instance_put(t.inst);
	core_mock_destroy(mock);
}

static struct kunit_case core_engine_cases[] = {
	KUNIT_CASE(commands_run_in_order),
	KUNIT_CASE(an_answer_counts_once),
	KUNIT_CASE(a_switch_saves_clears_and_loads),
	KUNIT_CASE(a_failure_is_its_owners),
	KUNIT_CASE(silence_is_reset),
	KUNIT_CASE(blame_needs_a_clock_that_runs),
	KUNIT_CASE(a_busy_host_is_no_hang),
	KUNIT_CASE(a_hang_at_its_own_limit_is_a_strike),
	KUNIT_CASE(what_cannot_be_told_to_stop_has_no_strike),
	KUNIT_CASE(closing_waits_for_the_engine),
	KUNIT_CASE(pausing_keeps_what_is_midway),
	KUNIT_CASE(without_preemption_it_is_waited_for),
	KUNIT_CASE(unplugged_while_it_runs),
	{}
};

static struct kunit_suite core_engine_suite = {
	.name = "vgpu_core_engine",
	.test_cases = core_engine_cases,
};

kunit_test_suite(core_engine_suite);
