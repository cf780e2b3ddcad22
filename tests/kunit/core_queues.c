// SPDX-License-Identifier: GPL-2.0
/*
 * The queues of one vGPU, driven event by event: who overtakes whom, what is
 * gathered and until when, which deadlines were met; and that none of it reaches
 * beyond the vGPU.
 */
#include <linux/delay.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)

/* Long slices: only what the test does happens. */
static struct core_mock *quiet(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	return mock;
}

/* A queue of @t in a context of its own, or in @ctx. */
static u32 queue(struct kunit *test, struct core_tenant *t, u32 ctx,
		 u32 sched_class)
{
	struct vgpu_queue_create arg = { .ctx = ctx, .sched_class = sched_class };
	struct vgpu_ctx_create new_ctx = { .vm = t->vm };

	if (!ctx) {
		KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client,
						       VGPU_CALL_CTX_CREATE,
						       &new_ctx, NULL, 0), 0);
		arg.ctx = new_ctx.handle;
	}
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client,
					       VGPU_CALL_QUEUE_CREATE, &arg,
					       NULL, 0), 0);
	return arg.handle;
}

static int fill_by(struct core_tenant *t, u32 queue, u32 pattern, u32 flags,
		   s64 deadline_ns)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = TENANT_VA, .bytes = 64, .pattern = pattern },
	};
	struct vgpu_submit submit = {
		.queue = queue, .count = 1, .flags = flags,
		.deadline_ns = deadline_ns,
	};

	return vgpu_client_call(t->client, VGPU_CALL_SUBMIT, &submit, &cmd,
				sizeof(cmd));
}

static void fill(struct kunit *test, struct core_tenant *t, u32 queue,
		 u32 pattern)
{
	KUNIT_EXPECT_EQ(test, fill_by(t, queue, pattern, 0, 0), 0);
}

static void fill_due(struct kunit *test, struct core_tenant *t, u32 queue,
		     u32 pattern, s64 deadline_ns)
{
	KUNIT_EXPECT_EQ(test, fill_by(t, queue, pattern, VGPU_SUBMIT_DEADLINE,
				      deadline_ns), 0);
}

static struct vgpu_queue_status status(struct kunit *test,
				       struct core_tenant *t, u32 queue,
				       u32 irq_clear)
{
	struct vgpu_queue_status st = { .queue = queue, .irq_clear = irq_clear };

	KUNIT_EXPECT_EQ(test, vgpu_client_call(t->client,
					       VGPU_CALL_QUEUE_STATUS, &st,
					       NULL, 0), 0);
	return st;
}

static int set_class(struct core_tenant *t, u32 queue, u32 sched_class)
{
	struct vgpu_queue_set arg = { .queue = queue, .sched_class = sched_class };

	return vgpu_client_call(t->client, VGPU_CALL_QUEUE_SET, &arg, NULL, 0);
}

static void close_handle(struct kunit *test, struct core_tenant *t, u32 handle)
{
	struct vgpu_close arg = { .handle = handle };

	KUNIT_EXPECT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_CLOSE, &arg,
					       NULL, 0), 0);
}

static void expect_runs(struct kunit *test, struct core_mock *mock, u32 pattern)
{
	KUNIT_EXPECT_TRUE(test, mock->running);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, pattern);
}

static void done(struct core_mock *mock)
{
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
}

static void high_overtakes_batch_midway(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_instance_info *info;
	struct core_tenant t;
	u32 high, batch;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	core_tenant_open(test, mock, &t, 0);
	high = queue(test, &t, 0, VGPU_CLASS_HIGH);
	batch = queue(test, &t, 0, VGPU_CLASS_BATCH);
	fill(test, &t, batch, 1);	/* alone: it is not held */
	expect_runs(test, mock, 1);
	fill(test, &t, t.queue, 2);
	core_mock_expect(test, mock, "crp");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 100, 0);
	expect_runs(test, mock, 2);
	fill(test, &t, high, 3);
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 100, 0);
	expect_runs(test, mock, 3);
	core_mock_expect(test, mock, "scrpscr");
	done(mock);
	expect_runs(test, mock, 2);
	done(mock);
	expect_runs(test, mock, 1);
	KUNIT_EXPECT_EQ(test, mock->state, 1);	/* as it was */
	done(mock);
	core_mock_expect(test, mock, "clRclR");
	/* all of it in the one slice that the vGPU got */
	vgpu_instance_get_info(t.inst, info);
	KUNIT_EXPECT_EQ(test, info->slices, 1);
	KUNIT_EXPECT_EQ(test, info->completed, 3);
	KUNIT_EXPECT_EQ(test, info->busy_ns, 3200);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* The state of a context is one command's: who is behind it waits for it. */
static void no_way_past_ones_own_context(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	u32 high, other;

	core_tenant_open(test, mock, &t, 0);
	high = queue(test, &t, t.ctx, VGPU_CLASS_HIGH);
	fill(test, &t, t.queue, 1);
	fill(test, &t, t.queue, 2);
	fill(test, &t, high, 3);
	core_mock_expect(test, mock, "cr");
	done(mock);
	expect_runs(test, mock, 3);
	done(mock);
	expect_runs(test, mock, 2);

	/* and lends it its place: normal does not overtake batch before high */
	KUNIT_EXPECT_EQ(test, set_class(&t, t.queue, VGPU_CLASS_BATCH), 0);
	other = queue(test, &t, 0, VGPU_CLASS_NORMAL);
	fill(test, &t, high, 4);
	fill(test, &t, other, 5);
	core_mock_expect(test, mock, "rr");
	done(mock);
	expect_runs(test, mock, 4);
	done(mock);
	expect_runs(test, mock, 5);
	done(mock);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* A switch for each command would be dear: a context keeps its slice. */
static void a_context_keeps_its_slice(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	u32 same, other, i;

	core_tenant_open(test, mock, &t, 0);
	same = queue(test, &t, t.ctx, VGPU_CLASS_NORMAL);
	other = queue(test, &t, 0, VGPU_CLASS_NORMAL);
	for (i = 0; i < 3; i++) {
		fill(test, &t, t.queue, 10 + i);
		fill(test, &t, other, 20 + i);
		fill(test, &t, same, 30 + i);
	}
	for (i = 0; i < 3; i++) {	/* its queues take turns */
		expect_runs(test, mock, 10 + i);
		done(mock);
		expect_runs(test, mock, 30 + i);
		done(mock);
	}
	for (i = 0; i < 3; i++) {
		expect_runs(test, mock, 20 + i);
		done(mock);
	}
	core_mock_expect(test, mock, "crrrrrrcrrr");
	/* but not against class or deadline */
	fill(test, &t, t.queue, 1);
	fill(test, &t, t.queue, 2);
	fill_due(test, &t, other, 3, NSEC_PER_SEC);
	expect_runs(test, mock, 1);
	done(mock);
	expect_runs(test, mock, 2);	/* 100 ms are before a second */
	fill(test, &t, t.queue, 4);
	fill_due(test, &t, other, 5, 0);	/* and what is before it */
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 1, 0);
	expect_runs(test, mock, 3);
	done(mock);
	expect_runs(test, mock, 5);
	done(mock);
	expect_runs(test, mock, 2);
	done(mock);
	expect_runs(test, mock, 4);
	done(mock);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* Nor beyond the vGPU: another one's turn is its own. */
static void high_is_nothing_to_others(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant a, b;
	u32 high;

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	high = queue(test, &b, 0, VGPU_CLASS_HIGH);
	fill(test, &a, a.queue, 1);
	fill_due(test, &b, high, 2, -1);
	core_mock_expect(test, mock, "cr");	/* not asked to stop */
	done(mock);
	expect_runs(test, mock, 2);
	/* it waits for its turn like all the others */
	fill(test, &a, a.queue, 3);
	fill_due(test, &b, high, 4, 1);
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	expect_runs(test, mock, 3);
	done(mock);
	expect_runs(test, mock, 2);
	done(mock);
	done(mock);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

/* Switching is not charged, so a slice has no more than so many of them. */
static void overtaking_ends_the_slice(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_instance_info *info;
	struct core_tenant a, b;
	u32 high, i;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	high = queue(test, &a, 0, VGPU_CLASS_HIGH);
	fill(test, &a, a.queue, 1);
	fill(test, &b, b.queue, 2);
	for (i = 0; i < 100 && mock->job.fill.pattern != 2; i++) {
		fill(test, &a, high, 100 + i);
		core_mock_answer(mock, VGPU_HW_PREEMPTED, 1, 0);
		if (mock->job.fill.pattern == 2)
			break;
		core_mock_answer(mock, VGPU_HW_DONE, 1, 0);
	}
	KUNIT_EXPECT_LE(test, i, 5);
	vgpu_instance_get_info(a.inst, info);
	KUNIT_EXPECT_LE(test, info->switches, 10);
	while (mock->running)
		done(mock);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static void the_earliest_deadline_first(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	u32 q[4], i;

	core_tenant_open(test, mock, &t, 0);
	for (i = 0; i < 4; i++)
		q[i] = queue(test, &t, 0, VGPU_CLASS_NORMAL);
	fill_due(test, &t, q[0], 10, NSEC_PER_SEC);
	core_mock_expect(test, mock, "cr");
	fill_due(test, &t, q[1], 3, 20 * NSEC_PER_SEC);
	fill_due(test, &t, q[2], 2, 15 * NSEC_PER_SEC);
	/* the second in its queue is due before all: so is what is before it */
	fill_due(test, &t, q[3], 0, 30 * NSEC_PER_SEC);
	fill_due(test, &t, q[3], 1, 12 * NSEC_PER_SEC);
	core_mock_expect(test, mock, "");	/* none is due before what runs */
	fill_due(test, &t, t.queue, 9, NSEC_PER_MSEC);
	core_mock_expect(test, mock, "p");	/* this is */
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	expect_runs(test, mock, 9);
	done(mock);
	expect_runs(test, mock, 10);
	for (i = 0; i < 4; i++) {
		done(mock);
		expect_runs(test, mock, i);
	}
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void deadlines_are_counted(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_queue_status st;
	struct vgpu_instance_info *info;
	struct core_tenant t, other;
	unsigned int i;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	core_tenant_open(test, mock, &t, 0);
	core_tenant_open(test, mock, &other, 0);
	fill_due(test, &t, t.queue, 1, 3600 * (s64)NSEC_PER_SEC);
	done(mock);
	fill(test, &t, t.queue, 2);
	done(mock);
	st = status(test, &t, t.queue, 0);
	KUNIT_EXPECT_EQ(test, st.deadlines_met, 1);
	KUNIT_EXPECT_EQ(test, st.deadlines_missed, 0);
	KUNIT_EXPECT_EQ(test, st.irq, 0);
	/* late when they come; they run, and their owner is told once */
	for (i = 0; i < 3; i++) {
		fill_due(test, &t, t.queue, 3, i ? -(s64)NSEC_PER_SEC : 0);
		done(mock);
	}
	st = status(test, &t, t.queue, VGPU_QUEUE_IRQ_LATE);
	KUNIT_EXPECT_EQ(test, st.completed, 5);
	KUNIT_EXPECT_EQ(test, st.deadlines_missed, 3);
	KUNIT_EXPECT_GE(test, st.late_max_ns, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, st.irq, VGPU_QUEUE_IRQ_LATE);
	KUNIT_EXPECT_EQ(test, status(test, &t, t.queue, 0).irq, 0);
	KUNIT_EXPECT_EQ(test, vgpu_client_irq_pending(t.client), 0);
	/* a failure in time is none, one that is late is; what is taken back is not */
	fill_due(test, &t, t.queue, 4, 3600 * (s64)NSEC_PER_SEC);
	core_mock_answer(mock, VGPU_HW_FAULT, 10, -EFAULT);
	fill_due(test, &t, t.queue, 5, 0);
	core_mock_answer(mock, VGPU_HW_FAULT, 10, -EFAULT);
	st = status(test, &t, t.queue, 0);
	KUNIT_EXPECT_EQ(test, st.deadlines_met, 1);
	KUNIT_EXPECT_EQ(test, st.deadlines_missed, 4);
	KUNIT_EXPECT_EQ(test, st.irq, VGPU_QUEUE_IRQ_LATE | VGPU_QUEUE_IRQ_ERROR);
	KUNIT_EXPECT_EQ(test, vgpu_client_irq_pending(other.client), 0);
	vgpu_instance_get_info(t.inst, info);
	KUNIT_EXPECT_EQ(test, info->deadlines_met, 1);
	KUNIT_EXPECT_EQ(test, info->deadlines_missed, 4);
	KUNIT_EXPECT_GE(test, info->late_max_ns, NSEC_PER_SEC);
	core_tenant_close(test, &t);
	core_tenant_close(test, &other);
	core_mock_destroy(mock);
}

static void bad_settings_are_refused(struct kunit *test)
{
	static const struct {
		u32 flags;
		s64 deadline_ns;
		int want;
	} submits[] = {
		{ 0, 0, 0 },
		{ 0, 1, -EINVAL },
		{ 2, 0, -EOPNOTSUPP },
		{ VGPU_SUBMIT_DEADLINE, 0, 0 },
		{ VGPU_SUBMIT_DEADLINE, 24 * 3600 * (s64)NSEC_PER_SEC, 0 },
		{ VGPU_SUBMIT_DEADLINE, -24 * 3600 * (s64)NSEC_PER_SEC, 0 },
		{ VGPU_SUBMIT_DEADLINE, 24 * 3600 * (s64)NSEC_PER_SEC + 1, -ERANGE },
		{ VGPU_SUBMIT_DEADLINE, -24 * 3600 * (s64)NSEC_PER_SEC - 1, -ERANGE },
		{ VGPU_SUBMIT_DEADLINE, S64_MAX, -ERANGE },
		{ VGPU_SUBMIT_DEADLINE, S64_MIN, -ERANGE },
	};
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	unsigned int i;

	core_tenant_open(test, mock, &t, 0);
	for (i = 0; i < ARRAY_SIZE(submits); i++) {
		KUNIT_EXPECT_EQ_MSG(test, fill_by(&t, t.queue, i, submits[i].flags,
						  submits[i].deadline_ns),
				    submits[i].want, "submit %u", i);
		if (mock->running)
			done(mock);
	}
	KUNIT_EXPECT_EQ(test, status(test, &t, t.queue, 0).submitted, 4);
	KUNIT_EXPECT_EQ(test, set_class(&t, t.queue, 3), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, set_class(&t, t.queue, U32_MAX), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, set_class(&t, t.ctx, VGPU_CLASS_HIGH), -ENOENT);
	KUNIT_EXPECT_EQ(test, set_class(&t, t.queue, VGPU_CLASS_BATCH), 0);
	KUNIT_EXPECT_EQ(test, status(test, &t, t.queue, 0).sched_class,
			VGPU_CLASS_BATCH);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void a_class_changes_live(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	u32 other;

	core_tenant_open(test, mock, &t, 0);
	other = queue(test, &t, 0, VGPU_CLASS_NORMAL);
	fill(test, &t, t.queue, 1);
	fill(test, &t, other, 2);
	core_mock_expect(test, mock, "cr");
	KUNIT_EXPECT_EQ(test, set_class(&t, other, VGPU_CLASS_HIGH), 0);
	core_mock_expect(test, mock, "p");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	expect_runs(test, mock, 2);
	/* also of the one that runs: now the other is before it */
	KUNIT_EXPECT_EQ(test, set_class(&t, t.queue, VGPU_CLASS_HIGH), 0);
	KUNIT_EXPECT_EQ(test, set_class(&t, other, VGPU_CLASS_BATCH), 0);
	done(mock);
	expect_runs(test, mock, 1);
	done(mock);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static bool soon(struct core_mock *mock, u32 pattern)
{
	unsigned int i;

	for (i = 0; i < 500; i++) {
		if (READ_ONCE(mock->job.fill.pattern) == pattern)
			return true;
		msleep(20);
	}
	return false;
}

/* So long the first one waits for more, of vGPUs that are not alone. */
static void gather_for(struct core_tenant *t, u64 ns)
{
	WRITE_ONCE(t->inst->entity[0].lines.batch_wait_ns, ns);
}

/* Beside another vGPU batch waits for more of its kind, in bounds. */
static void batch_is_gathered(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant a, b;
	u32 batch[4], i;

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	for (i = 0; i < 4; i++)
		batch[i] = queue(test, &b, 0, VGPU_CLASS_BATCH);
	fill(test, &a, a.queue, 1);
	fill(test, &b, batch[0], 2);
	/* who gathers does not wait in the run queue: nothing is idle for it */
	done(mock);
	expect_runs(test, mock, 2);
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);

	/* as many as are enough: it waits for its turn at once */
	gather_for(&b, NSEC_PER_SEC);	/* however slow the machine is */
	fill(test, &a, a.queue, 3);
	for (i = 0; i < 4; i++)
		fill(test, &b, batch[i], 4);
	fill(test, &a, a.queue, 5);
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	expect_runs(test, mock, 4);
	for (i = 0; i < 4; i++)
		done(mock);
	expect_runs(test, mock, 3);

	/* or when the time is over, and not for ever */
	gather_for(&b, VGPU_BATCH_WAIT_MAX_NS);
	fill(test, &b, batch[0], 6);
	msleep(50);	/* 20 ms is the longest */
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	expect_runs(test, mock, 6);
	done(mock);
	done(mock);
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

/* What is taken back while it gathers, or its vGPU is paused, leaves nothing. */
static void gathering_ends_with_its_owner(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant a, b;
	u32 batch, late;

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	batch = queue(test, &b, 0, VGPU_CLASS_BATCH);
	fill(test, &a, a.queue, 1);
	fill(test, &b, batch, 2);
	close_handle(test, &b, batch);
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);

	batch = queue(test, &b, 0, VGPU_CLASS_BATCH);
	fill(test, &a, a.queue, 3);
	fill(test, &b, batch, 4);
	KUNIT_EXPECT_EQ(test, vgpu_instance_verb(b.inst, VGPU_VERB_PAUSE), 0);
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);
	KUNIT_EXPECT_EQ(test, vgpu_instance_verb(b.inst, VGPU_VERB_RESUME), 0);
	KUNIT_EXPECT_TRUE(test, soon(mock, 4));
	done(mock);

	/* closed with deadline work waiting, and with some that runs */
	late = queue(test, &a, 0, VGPU_CLASS_HIGH);
	fill(test, &b, b.queue, 5);
	fill_due(test, &a, late, 6, -1);
	fill_due(test, &a, late, 7, 1);
	close_handle(test, &a, late);
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);

	fill(test, &a, a.queue, 8);
	fill(test, &b, batch, 9);
	core_tenant_shut(&b);
	done(mock);
	KUNIT_EXPECT_FALSE(test, mock->running);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(b.inst), 0);
	vgpu_instance_put(b.inst);
	core_tenant_close(test, &a);
	core_mock_destroy(mock);
}

static bool asked_to_stop(struct core_mock *mock)
{
	unsigned int i;

	for (i = 0; i < 200; i++) {
		WRITE_ONCE(mock->clock, mock->clock + 10 * NSEC_PER_MSEC);
		/* written by a timer meanwhile: only read here */
		if (memchr(mock->log, 'p', READ_ONCE(mock->logged)))
			return true;
		msleep(20);
	}
	return false;
}

/* Before the next one can be asked. */
static void answer_preempted(struct core_mock *mock)
{
	mock->logged = 0;
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 0, 0);
}

/* Two contexts of a vGPU, and two members of a group, with nobody beside them. */
static void the_endless_take_turns(struct kunit *test)
{
	struct vgpu_instance_set set = {
		.mask = VGPU_SET_GROUP, .group = "acme",
	};
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant a, b;
	u32 other;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MIN_NS,
					    60 * NSEC_PER_SEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	other = queue(test, &a, 0, VGPU_CLASS_NORMAL);
	fill(test, &a, a.queue, 1);
	fill(test, &a, other, 2);
	KUNIT_EXPECT_TRUE(test, asked_to_stop(mock));
	answer_preempted(mock);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 2);
	KUNIT_EXPECT_TRUE(test, asked_to_stop(mock));
	answer_preempted(mock);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 1);
	done(mock);
	done(mock);

	KUNIT_ASSERT_EQ(test, vgpu_instance_set(a.inst, &set, NULL), 0);
	KUNIT_ASSERT_EQ(test, vgpu_instance_set(b.inst, &set, NULL), 0);
	mock->logged = 0;
	fill(test, &a, a.queue, 3);
	fill(test, &b, b.queue, 4);
	KUNIT_EXPECT_TRUE(test, asked_to_stop(mock));
	answer_preempted(mock);
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 4);
	done(mock);
	done(mock);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(high_overtakes_batch_midway),
	KUNIT_CASE(no_way_past_ones_own_context),
	KUNIT_CASE(a_context_keeps_its_slice),
	KUNIT_CASE(high_is_nothing_to_others),
	KUNIT_CASE(overtaking_ends_the_slice),
	KUNIT_CASE(the_earliest_deadline_first),
	KUNIT_CASE(deadlines_are_counted),
	KUNIT_CASE(bad_settings_are_refused),
	KUNIT_CASE(a_class_changes_live),
	KUNIT_CASE(batch_is_gathered),
	KUNIT_CASE(gathering_ends_with_its_owner),
	KUNIT_CASE(the_endless_take_turns),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "vgpu_core_queues",
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
