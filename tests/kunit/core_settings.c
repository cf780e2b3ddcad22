// SPDX-License-Identifier: GPL-2.0
/*
 * What is set while vGPUs run: a cap holds who is alone, another policy takes
 * effect at once, what goes away takes no quota, and caps, slices and groups
 * survive compute units of a vGPU's own.
 */
#include <linux/delay.h>
#include <linux/sizes.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)

/* Short slices; no reset comes in between. */
static void policy(struct kunit *test, struct core_mock *mock, const char *name)
{
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, name, VGPU_SLICE_MIN_NS,
					    60 * NSEC_PER_SEC), 0);
}

static void cap(struct kunit *test, struct vgpu_instance *inst, u32 cap)
{
	struct vgpu_instance_set s = { .mask = VGPU_SET_CAP, .cap = cap };

	KUNIT_ASSERT_EQ(test, vgpu_instance_set(inst, &s, NULL), 0);
}

static int units(struct vgpu_instance *inst, u32 units,
		 struct vgpu_refusal *why)
{
	struct vgpu_instance_set s = { .mask = VGPU_SET_UNITS, .units = units };

	return vgpu_instance_set(inst, &s, why);
}

static unsigned int own_units(const struct vgpu_instance *inst)
{
	return inst->own ? vgpu_engine_units(inst->own) : 0;
}

static struct vgpu_instance *make(struct kunit *test, struct core_mock *mock)
{
	struct vgpu_instance_params params = { .type = "1g.1m" };
	struct vgpu_instance *inst = vgpu_instance_create(mock->gpu, &params);

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	return inst;
}

static void destroy(struct kunit *test, struct vgpu_instance *inst)
{
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(inst), 0);
	vgpu_instance_put(inst);
}

/* What the mock is told within 5 s, then @want, is by a timer. */
static void in_time(struct kunit *test, struct core_mock *mock,
		    const char *want)
{
	int i;

	for (i = 0; i < 5000 && READ_ONCE(mock->logged) < strlen(want); i++)
		usleep_range(1000, 1500);
	core_mock_expect(test, mock, want);
}

/*
 * @t is alone, has a cap and ran a second: of engine time, which is the test's,
 * so no machine is too slow for it.  What it may have next is 10 s away.
 */
static void run_into_cap(struct kunit *test, struct core_mock *mock,
			 struct core_tenant *t)
{
	policy(test, mock, "fixed");
	core_tenant_open(test, mock, t, 0);
	cap(test, t->inst, 1000);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(t, 1), 0);
	/* first it earns a slice; then that is over, and nobody waits */
	in_time(test, mock, "crp");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, NSEC_PER_SEC, 0);
	msleep(50);
	core_mock_expect(test, mock, "");
}

static void a_cap_holds_who_is_alone(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;

	run_into_cap(test, mock, &t);
	KUNIT_EXPECT_EQ(test, mock->gpu->whole.engines[0].rq.nr_queued, 1U);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void another_policy_starts_at_once(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;

	run_into_cap(test, mock, &t);
	policy(test, mock, "rr");
	core_mock_expect(test, mock, "R");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void a_higher_cap_counts_at_once(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;

	run_into_cap(test, mock, &t);
	/* with all of the engine it is one second, not ten */
	cap(test, t.inst, VGPU_CAP_MAX);
	in_time(test, mock, "Rp");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* How often the engine was looked at in 50 ms, which are 500 slices. */
static unsigned int looks(struct core_mock *mock)
{
	unsigned int before = READ_ONCE(mock->clock_reads);

	msleep(50);
	return READ_ONCE(mock->clock_reads) - before;
}

static void what_cannot_be_cut_off_is_left_alone(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);
	struct core_tenant a, b;

	policy(test, mock, "rr");
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 1);
	core_tenant_fill(&b, 2);
	msleep(20);			/* a's slice is over, b waits */
	KUNIT_EXPECT_LT(test, looks(mock), 10U);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, mock, "crcr");
	core_tenant_close(test, &b);

	/* the same where it is a cap that nothing can be done about */
	policy(test, mock, "fixed");
	core_tenant_fill(&a, 3);
	in_time(test, mock, "cr");
	msleep(20);
	KUNIT_EXPECT_LT(test, looks(mock), 10U);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &a);
	core_mock_destroy(mock);
}

static void what_is_gone_takes_no_quota(struct kunit *test)
{
	static const u32 masks[] = {
		VGPU_SET_WEIGHT, VGPU_SET_PRIORITY, VGPU_SET_BANDWIDTH,
		VGPU_SET_VRAM, VGPU_SET_CAP, VGPU_SET_SLICE, VGPU_SET_GROUP,
		VGPU_SET_UNITS,
	};
	struct core_mock *mock = core_mock_create_units(test, 1, 4, 2);
	struct vgpu_instance_set s = {
		.weight = 7, .vram_bytes = SZ_1M, .cap = 5,
		.slice_ns = VGPU_SLICE_MIN_NS, .group = "acme",
	};
	struct vgpu_instance *inst = make(test, mock);
	struct vgpu_refusal why;
	unsigned int i;

	/* one more holds it, as who looked it up just now */
	KUNIT_ASSERT_PTR_EQ(test, vgpu_instance_get(inst->id), inst);
	KUNIT_ASSERT_EQ(test, vgpu_instance_destroy(inst), 0);
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		memset(&why, 0, sizeof(why));
		s.mask = masks[i];
		KUNIT_EXPECT_EQ(test, vgpu_instance_set(inst, &s, &why),
				-ENODEV);
		KUNIT_EXPECT_NE(test, why.text[0], 0);
	}
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->gpu->tenants));
	vgpu_instance_put(inst);
	vgpu_instance_put(inst);
	core_mock_destroy(mock);
}

static struct vgpu_rq *rq_of(struct vgpu_instance *inst)
{
	return inst->entity[0].se.rq;
}

static void own_units_and_back(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_units(test, 1, 4, 2);
	struct vgpu_engine *engines = mock->gpu->whole.engines;
	struct vgpu_instance *a = make(test, mock), *b = make(test, mock);
	struct vgpu_instance_set s = {
		.mask = VGPU_SET_CAP | VGPU_SET_SLICE | VGPU_SET_GROUP |
			VGPU_SET_PRIORITY,
		.cap = 1234, .slice_ns = 5 * NSEC_PER_MSEC, .group = "acme",
		.priority = 5,
	};
	struct vgpu_instance_sched *sched;
	struct vgpu_group *group;

	sched = kunit_kzalloc(test, sizeof(*sched), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sched);
	policy(test, mock, "fair");
	KUNIT_ASSERT_EQ(test, vgpu_instance_set(a, &s, NULL), 0);
	s.mask = VGPU_SET_GROUP;
	KUNIT_ASSERT_EQ(test, vgpu_instance_set(b, &s, NULL), 0);
	group = &a->tenant->on[0];
	KUNIT_EXPECT_PTR_EQ(test, rq_of(a), &group->rq);
	KUNIT_EXPECT_PTR_EQ(test, rq_of(b), &group->rq);
	KUNIT_EXPECT_EQ(test, group->se.priority, 5U);

	KUNIT_ASSERT_EQ(test, units(a, 2, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, rq_of(a), &engines[1].rq);
	KUNIT_EXPECT_EQ(test, a->entity[0].se.cap, 1234U);
	KUNIT_EXPECT_EQ(test, a->entity[0].se.slice_ns, 5 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, engines[0].rq.caps, 0U);
	/* the group is no longer as urgent as it */
	KUNIT_EXPECT_EQ(test, group->se.priority, 0U);
	KUNIT_EXPECT_EQ(test, vgpu_instance_get_sched(a, sched), 0);

	/* groups dissolve, and form again, without it */
	policy(test, mock, "fixed");
	KUNIT_EXPECT_PTR_EQ(test, rq_of(a), &engines[1].rq);
	KUNIT_EXPECT_PTR_EQ(test, rq_of(b), &engines[0].rq);
	KUNIT_EXPECT_STREQ(test, vgpu_policy_name(engines[1].rq.policy),
			   "fixed");
	policy(test, mock, "fair");
	KUNIT_EXPECT_PTR_EQ(test, rq_of(a), &engines[1].rq);
	KUNIT_EXPECT_PTR_EQ(test, rq_of(b), &group->rq);

	KUNIT_ASSERT_EQ(test, units(a, 0, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, rq_of(a), &group->rq);
	KUNIT_EXPECT_EQ(test, a->entity[0].se.cap, 1234U);
	KUNIT_EXPECT_EQ(test, a->entity[0].se.slice_ns, 5 * NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, engines[0].rq.caps, 1234U);
	KUNIT_EXPECT_EQ(test, group->se.priority, 5U);

	/* the last member that shares goes; its group has one on its own */
	destroy(test, b);
	KUNIT_ASSERT_EQ(test, units(a, 1, NULL), 0);
	destroy(test, a);
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->gpu->tenants));
	KUNIT_EXPECT_EQ(test, engines[0].rq.nr_entities, 0U);
	KUNIT_EXPECT_EQ(test, mock->wrong, 0U);
	core_mock_destroy(mock);
}

/* Who comes back brings a cap that has no room any more. */
static void no_way_back_past_all_caps(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_units(test, 1, 4, 2);
	struct vgpu_instance *a = make(test, mock), *b = make(test, mock);
	struct vgpu_instance_set s = {
		.mask = VGPU_SET_UNITS | VGPU_SET_VRAM | VGPU_SET_SLICE |
			VGPU_SET_GROUP | VGPU_SET_CAP,
		.vram_bytes = SZ_2M, .slice_ns = NSEC_PER_MSEC,
		.group = "acme", .cap = 4001,
	};
	u64 committed = mock->gpu->committed;
	struct vgpu_refusal why = {};

	policy(test, mock, "fixed");
	cap(test, a, 7000);
	KUNIT_ASSERT_EQ(test, units(a, 2, NULL), 0);
	cap(test, b, 6000);
	KUNIT_EXPECT_EQ(test, units(a, 0, &why), -ENOSPC);
	KUNIT_EXPECT_EQ(test, why.field, (u32)VGPU_SET_UNITS);
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "130.00 %"));
	KUNIT_EXPECT_EQ(test, own_units(a), 2U);

	/* with all else in the call, up or down: nothing of it */
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(a, &s, &why), -ENOSPC);
	s.vram_bytes = SZ_512K;
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(a, &s, &why), -ENOSPC);
	KUNIT_EXPECT_EQ(test, a->cap, 7000U);
	KUNIT_EXPECT_EQ(test, a->entity[0].se.cap, 7000U);
	KUNIT_EXPECT_EQ(test, a->slice_ns, 0ULL);
	KUNIT_EXPECT_NULL(test, a->tenant);
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->gpu->tenants));
	KUNIT_EXPECT_EQ(test, a->acct.limit, (u64)SZ_1M);
	KUNIT_EXPECT_EQ(test, mock->gpu->committed, committed);

	/* a lower cap that comes along makes it fit */
	s.cap = 4000;
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(a, &s, &why), 0);
	KUNIT_EXPECT_EQ(test, own_units(a), 0U);
	KUNIT_EXPECT_EQ(test, a->entity[0].se.cap, 4000U);
	KUNIT_EXPECT_EQ(test, a->acct.limit, (u64)SZ_512K);
	KUNIT_EXPECT_EQ(test, mock->gpu->committed, committed - SZ_512K);
	/* being destroyed is never refused, whatever the caps */
	KUNIT_ASSERT_EQ(test, units(a, 2, NULL), 0);
	cap(test, b, 10000);
	destroy(test, a);
	destroy(test, b);
	KUNIT_EXPECT_EQ(test, mock->wrong, 0U);
	core_mock_destroy(mock);
}

static struct kunit_case core_settings_cases[] = {
	KUNIT_CASE(a_cap_holds_who_is_alone),
	KUNIT_CASE(another_policy_starts_at_once),
	KUNIT_CASE(a_higher_cap_counts_at_once),
	KUNIT_CASE(what_cannot_be_cut_off_is_left_alone),
	KUNIT_CASE(what_is_gone_takes_no_quota),
	KUNIT_CASE(own_units_and_back),
	KUNIT_CASE(no_way_back_past_all_caps),
	{}
};

static struct kunit_suite core_settings_suite = {
	.name = "vgpu_core_settings",
	.test_cases = core_settings_cases,
};

kunit_test_suite(core_settings_suite);
