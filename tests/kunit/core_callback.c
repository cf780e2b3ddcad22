// SPDX-License-Identifier: GPL-2.0
/*
 * Completion by a function in the kernel: in which context it is called, how often,
 * and who may free what when.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include "core_mock.h"

struct note {
	struct vgpu_callback cb;
	unsigned int calls;
	int error;
	bool irqs_off;
};

static void note_fn(struct vgpu_callback *cb, int error)
{
	struct note *note = container_of(cb, struct note, cb);

	note->irqs_off = irqs_disabled();
	note->error = error;
	WRITE_ONCE(note->calls, note->calls + 1);
}

static u32 timeline(struct kunit *test, struct core_tenant *t)
{
	struct vgpu_timeline_create arg = { };

	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client,
					       VGPU_CALL_TIMELINE_CREATE, &arg,
					       NULL, 0), 0);
	return arg.handle;
}

static int raise_to(struct core_tenant *t, u32 timeline, u64 value)
{
	struct vgpu_signal arg = { .timeline = timeline, .value = value };

	return vgpu_client_call(t->client, VGPU_CALL_SIGNAL, &arg, NULL, 0);
}

static void add(struct kunit *test, struct core_tenant *t, u32 timeline,
		u64 value, struct note *note)
{
	*note = (struct note) { .cb.fn = note_fn };
	KUNIT_ASSERT_EQ(test, vgpu_client_callback(t->client, timeline, value,
						   &note->cb), 0);
}

static void called_once_and_atomic(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, VGPU_HW_PREEMPT |
							VGPU_HW_SAVE);
	struct vgpu_cmd cmds[2] = { };
	struct vgpu_submit submit = { .count = 2 };
	struct note note, there, unknown = { .cb.fn = note_fn };
	struct core_tenant t;
	u32 tl;

	core_tenant_open(test, mock, &t, 0);
	tl = timeline(test, &t);
	add(test, &t, tl, 1, &note);
	/* by the engine's answer: the timeline moves where that comes in */
	cmds[0].op = VGPU_CMD_FILL;
	cmds[0].fill.dst = TENANT_VA;
	cmds[0].fill.bytes = 64;
	cmds[1].op = VGPU_CMD_SIGNAL;
	cmds[1].sync.timeline = tl;
	cmds[1].sync.value = 2;
	submit.queue = t.queue;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_SUBMIT,
					       &submit, cmds, sizeof(cmds)), 0);
	KUNIT_EXPECT_EQ(test, note.calls, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	KUNIT_EXPECT_EQ(test, note.calls, 1);
	KUNIT_EXPECT_EQ(test, note.error, 0);
	KUNIT_EXPECT_TRUE(test, note.irqs_off);
	KUNIT_EXPECT_EQ(test, raise_to(&t, tl, 3), 0);
	KUNIT_EXPECT_EQ(test, note.calls, 1);
	KUNIT_EXPECT_FALSE(test, vgpu_callback_remove(&note.cb));
	/* there already: at once, and in the same way */
	add(test, &t, tl, 3, &there);
	KUNIT_EXPECT_EQ(test, there.calls, 1);
	KUNIT_EXPECT_TRUE(test, there.irqs_off);
	KUNIT_EXPECT_FALSE(test, vgpu_callback_remove(&there.cb));
	KUNIT_EXPECT_EQ(test, vgpu_client_callback(t.client, tl + 77, 1,
						   &unknown.cb), -ENOENT);
	KUNIT_EXPECT_EQ(test, vgpu_client_callback(t.client, t.queue, 1,
						   &unknown.cb), -ENOENT);
	KUNIT_EXPECT_EQ(test, unknown.calls, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void removed_is_not_called(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, VGPU_HW_PREEMPT |
							VGPU_HW_SAVE);
	struct note *note = kzalloc(sizeof(*note), GFP_KERNEL);
	struct core_tenant t;
	u32 tl;

	KUNIT_ASSERT_NOT_NULL(test, note);
	core_tenant_open(test, mock, &t, 0);
	tl = timeline(test, &t);
	add(test, &t, tl, 1, note);
	KUNIT_EXPECT_TRUE(test, vgpu_callback_remove(&note->cb));
	KUNIT_EXPECT_EQ(test, note->calls, 0);
	kfree(note);		/* KASAN would see a call from here on */
	KUNIT_EXPECT_EQ(test, raise_to(&t, tl, 1), 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* The timeline goes, or all of the client: each is told, and may come later. */
static void outlives_the_client(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, VGPU_HW_PREEMPT |
							VGPU_HW_SAVE);
	struct vgpu_close arg = { };
	struct note one, two;
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	arg.handle = timeline(test, &t);
	add(test, &t, arg.handle, 1, &one);
	add(test, &t, timeline(test, &t), 1, &two);
	KUNIT_EXPECT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_CLOSE, &arg,
					       NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, one.calls, 1);
	KUNIT_EXPECT_EQ(test, one.error, -ECANCELED);
	KUNIT_EXPECT_EQ(test, two.calls, 0);
	core_tenant_close(test, &t);
	KUNIT_EXPECT_EQ(test, two.calls, 1);
	KUNIT_EXPECT_EQ(test, two.error, -ECANCELED);
	core_mock_destroy(mock);
	/* all of it is gone, but for what these need */
	KUNIT_EXPECT_FALSE(test, vgpu_callback_remove(&one.cb));
	KUNIT_EXPECT_FALSE(test, vgpu_callback_remove(&two.cb));
}

struct raiser {
	struct core_tenant *t;
	u32 tl;
	u64 value;
};

static int raiser_fn(void *arg)
{
	struct raiser *r = arg;

	while (!kthread_should_stop()) {
		raise_to(r->t, r->tl, ++r->value);
		cond_resched();
	}
	return 0;
}

/* Removed while another CPU raises: called or not, but never afterwards. */
static void removal_races_with_the_call(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, VGPU_HW_PREEMPT |
							VGPU_HW_SAVE);
	unsigned int i, called = 0, odd = 0;
	struct task_struct *task;
	struct core_tenant t;
	struct raiser r;

	core_tenant_open(test, mock, &t, 0);
	r = (struct raiser) { .t = &t, .tl = timeline(test, &t) };
	task = kthread_run(raiser_fn, &r, "vgpu_raiser");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 2000; i++) {
		struct note *note = kzalloc(sizeof(*note), GFP_KERNEL);
		bool missed;

		if (!note)
			break;
		note->cb.fn = note_fn;
		if (vgpu_client_callback(t.client, r.tl,
					 READ_ONCE(r.value) + i % 4,
					 &note->cb)) {
			odd++;
			kfree(note);
			break;
		}
		if (i % 8 == 0)
			cond_resched();
		missed = vgpu_callback_remove(&note->cb);
		odd += note->calls != !missed;
		called += note->calls;
		kfree(note);
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, i, 2000);
	KUNIT_EXPECT_EQ(test, odd, 0);
	kunit_info(test, "%u of %u were called\n", called, i);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static struct kunit_case callback_cases[] = {
	KUNIT_CASE(called_once_and_atomic),
	KUNIT_CASE(removed_is_not_called),
	KUNIT_CASE(outlives_the_client),
	KUNIT_CASE(removal_races_with_the_call),
	{}
};

static struct kunit_suite callback_suite = {
	.name = "vgpu_core_callback",
	.test_cases = callback_cases,
};

kunit_test_suite(callback_suite);
