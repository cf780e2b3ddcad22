// SPDX-License-Identifier: GPL-2.0
/*
 * Who is likely next is loaded beforehand: that it is there when it comes, and
 * that nothing of it stays when it does not.
 */
#include <linux/delay.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define BANKS	(VGPU_HW_PREEMPT | VGPU_HW_SAVE | VGPU_HW_BANK)

struct scene {
	struct core_mock *mock;
	struct core_tenant a, b;
};

/* Its contexts have a few bytes of state: that is enough to load them beforehand. */
static struct core_mock *eager_mock(struct kunit *test, u64 caps)
{
	struct core_mock *mock = core_mock_create(test, caps);

	mock->gpu->whole.engines[0].preload.worth = 0;
	return mock;
}

/* It is loaded by somebody else: waits, in bounds, until that many are logged. */
static void soon_expect(struct kunit *test, struct core_mock *mock,
			const char *want)
{
	unsigned int i;

	for (i = 0; i < 500 && READ_ONCE(mock->logged) < strlen(want); i++)
		msleep(20);
	core_mock_expect(test, mock, want);
}

/* A is midway and in the spare bank, B runs. */
static void set(struct kunit *test, struct scene *s)
{
	s->mock = eager_mock(test, BANKS);
	KUNIT_ASSERT_EQ(test, core_mock_set(s->mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	core_tenant_open(test, s->mock, &s->a, 0);
	core_tenant_open(test, s->mock, &s->b, 0);
	core_tenant_fill(&s->a, 0xa);
	core_tenant_fill(&s->b, 0xb);
	core_mock_expect(test, s->mock, "cr");
	core_mock_answer(s->mock, VGPU_HW_PREEMPTED, 100, 0);
	soon_expect(test, s->mock, "scrCL");
	KUNIT_EXPECT_EQ(test, s->mock->state, 0xb);
	KUNIT_EXPECT_EQ(test, s->mock->spare_state, 0xa);
}

static void end(struct kunit *test, struct scene *s)
{
	core_tenant_close(test, &s->a);
	core_tenant_close(test, &s->b);
	core_mock_destroy(s->mock);
}

static void the_next_one_is_there(struct kunit *test)
{
	struct vgpu_gpu_info *info;
	struct scene s;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	set(test, &s);
	/* to and fro without a load: each stays in its bank */
	core_mock_answer(s.mock, VGPU_HW_PREEMPTED, 100, 0);
	core_mock_expect(test, s.mock, "sfR");
	KUNIT_EXPECT_EQ(test, s.mock->state, 0xa);
	core_mock_answer(s.mock, VGPU_HW_PREEMPTED, 100, 0);
	core_mock_expect(test, s.mock, "sfR");
	KUNIT_EXPECT_EQ(test, s.mock->state, 0xb);
	core_mock_answer(s.mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, s.mock, "fR");
	KUNIT_EXPECT_EQ(test, s.mock->state, 0xa);
	core_mock_answer(s.mock, VGPU_HW_DONE, 100, 0);

	vgpu_gpu_get_info(s.mock->gpu, info);
	KUNIT_EXPECT_EQ(test, info->switching, VGPU_SWITCH_ALL);
	KUNIT_EXPECT_EQ(test, info->switched.kind[VGPU_SWITCHED_PREDICTED],
			3ULL);
	KUNIT_EXPECT_EQ(test, info->switched.preloads, 1ULL);
	KUNIT_EXPECT_EQ(test, info->switched.preloads_wasted, 0ULL);
	KUNIT_EXPECT_EQ(test, info->contexts, 2U);
	end(test, &s);
}

static void killed_while_it_is_there(struct kunit *test)
{
	struct scene s;

	set(test, &s);
	core_tenant_close(test, &s.a);
	core_mock_expect(test, s.mock, "C");
	KUNIT_EXPECT_EQ(test, s.mock->spare_state, 0);
	core_mock_answer(s.mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, s.mock, "");
	core_tenant_close(test, &s.b);
	core_mock_destroy(s.mock);
}

/* A reset forgets both banks: what is saved in memory is what counts. */
static void reset_while_it_is_there(struct kunit *test)
{
	struct scene s;

	set(test, &s);
	/* A waits, so that B has to stop; it does not */
	KUNIT_ASSERT_EQ(test, core_mock_set(s.mock, NULL, VGPU_SLICE_MIN_NS,
					    NSEC_PER_MSEC), 0);
	s.mock->spare_state = 0xdead;
	core_mock_answer(s.mock, VGPU_HW_PREEMPTED, 1, 0);
	soon_expect(test, s.mock, "sfRpXclR");
	KUNIT_EXPECT_EQ(test, s.mock->state, 0xb);
	core_mock_answer(s.mock, VGPU_HW_DONE, 100, 0);
	end(test, &s);
}

static void switched_off_while_it_is_there(struct kunit *test)
{
	struct vgpu_gpu_set set_off = {
		.mask = VGPU_GPU_SET_SWITCHING,
		.switching = VGPU_SWITCH_LAZY,
	};
	struct scene s;

	set(test, &s);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set(s.mock->gpu, &set_off, NULL), 0);
	core_mock_expect(test, s.mock, "C");
	KUNIT_EXPECT_EQ(test, s.mock->spare_state, 0);
	core_mock_answer(s.mock, VGPU_HW_PREEMPTED, 100, 0);
	core_mock_expect(test, s.mock, "sclR");
	KUNIT_EXPECT_EQ(test, s.mock->state, 0xa);
	core_mock_answer(s.mock, VGPU_HW_DONE, 100, 0);
	core_mock_answer(s.mock, VGPU_HW_DONE, 100, 0);
	end(test, &s);
}

/* What a GPU cannot do is refused, and nothing else is set with it. */
static void without_a_second_bank(struct kunit *test)
{
	struct core_mock *mock = eager_mock(test, VGPU_HW_PREEMPT |
							VGPU_HW_SAVE);
	struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_SWITCHING | VGPU_GPU_SET_CONTEXTS,
		.switching = VGPU_SWITCH_PREDICTED,
		.max_contexts = 1,
	};
	struct vgpu_gpu_info *info;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set(mock->gpu, &set, NULL), -EOPNOTSUPP);
	vgpu_gpu_get_info(mock->gpu, info);
	KUNIT_EXPECT_EQ(test, info->switching,
			VGPU_SWITCH_INCREMENTAL | VGPU_SWITCH_LAZY);
	KUNIT_EXPECT_EQ(test, info->max_contexts, VGPU_CONTEXTS_MAX);
	set.switching = 0;
	set.max_contexts = 0;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set(mock->gpu, &set, NULL), -ERANGE);
	core_mock_destroy(mock);
}

/* One more than there may be, until one is gone. */
static void too_many_contexts(struct kunit *test)
{
	const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_CONTEXTS,
		.max_contexts = 1,
	};
	struct core_mock *mock = eager_mock(test, BANKS);
	struct vgpu_ctx_create more = {};
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	more.vm = t.vm;
	KUNIT_ASSERT_EQ(test, vgpu_gpu_set(mock->gpu, &set, NULL), 0);
	KUNIT_EXPECT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_CTX_CREATE,
					       &more, NULL, 0), -EMFILE);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 1), 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_shut(&t);
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_STOP), 0);
	core_tenant_start(test, &t, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* With less state than it is worth, nothing is guessed and nothing is loaded. */
static void not_worth_it(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, BANKS);
	struct vgpu_gpu_info *info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	struct core_tenant a, b;

	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 0xa);
	core_tenant_fill(&b, 0xb);
	core_mock_expect(test, mock, "cr");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 100, 0);
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 100, 0);
	flush_work(&mock->gpu->whole.engines[0].preload.work);
	core_mock_expect(test, mock, "scrsclR");
	vgpu_gpu_get_info(mock->gpu, info);
	KUNIT_EXPECT_EQ(test, info->switched.preloads, 0ULL);
	KUNIT_EXPECT_EQ(test, info->switched.guess_hits +
			      info->switched.guess_misses, 0ULL);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(the_next_one_is_there),
	KUNIT_CASE(killed_while_it_is_there),
	KUNIT_CASE(reset_while_it_is_there),
	KUNIT_CASE(switched_off_while_it_is_there),
	KUNIT_CASE(without_a_second_bank),
	KUNIT_CASE(too_many_contexts),
	KUNIT_CASE(not_worth_it),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_preload",
	.test_cases = cases,
};

kunit_test_suite(suite);
