// SPDX-License-Identifier: GPL-2.0
/*
 * The governor in the core: what it may change, when it looks, and what its
 * threshold does to an engine.  What it decides is tested in virtual time
 * (sched_governor.c).
 */
#include <linux/delay.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)

static int governor(struct core_mock *mock, const char *name,
		    struct vgpu_refusal *why)
{
	const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_GOVERNOR, .governor = name,
	};

	return vgpu_gpu_set(mock->gpu, &set, why);
}

static void slice(struct kunit *test, struct core_mock *mock, u64 ns)
{
	const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_SLICE, .slice_ns = ns,
	};

	KUNIT_ASSERT_EQ(test, vgpu_gpu_set(mock->gpu, &set, NULL), 0);
}

static void expect_slices(struct kunit *test, struct core_mock *mock, u64 slice,
			  u64 threshold)
{
	struct vgpu_engine *e = &mock->gpu->whole.engines[0];

	KUNIT_EXPECT_EQ(test, e->rq.slice_ns, slice);
	KUNIT_EXPECT_EQ(test, e->rq.threshold_ns, threshold);
}

static bool looks(struct core_mock *mock)
{
	return delayed_work_pending(&mock->gpu->governor.work);
}

static u64 samples(struct core_mock *mock)
{
	return READ_ONCE(mock->gpu->governor.samples);
}

/* What is set by hand stays, for as long as it is not given back. */
static void by_hand_wins(struct kunit *test)
{
	static const struct {
		const char *name;
		u64 slice, threshold;
	} modes[] = {
		{ "emergency", 8 * NSEC_PER_MSEC, 4 * NSEC_PER_MSEC },
		{ "performance", NSEC_PER_MSEC, 0 },
		{ "balanced", 2 * NSEC_PER_MSEC, NSEC_PER_MSEC / 4 },
		{ "power-save", 4 * NSEC_PER_MSEC, 2 * NSEC_PER_MSEC },
		{ "off", 2 * NSEC_PER_MSEC, 0 },
	};
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_instance_set own = {
		.mask = VGPU_SET_SLICE, .slice_ns = 300 * NSEC_PER_USEC,
	};
	struct core_tenant t;
	unsigned int i;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, vgpu_instance_set(t.inst, &own, NULL), 0);
	expect_slices(test, mock, VGPU_SLICE_DEFAULT_NS, 0);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		KUNIT_ASSERT_EQ(test, governor(mock, modes[i].name, NULL), 0);
		expect_slices(test, mock, modes[i].slice, modes[i].threshold);
		slice(test, mock, 5 * NSEC_PER_MSEC);
		/* the threshold is the same part of it */
		expect_slices(test, mock, 5 * NSEC_PER_MSEC,
			      div64_u64(modes[i].threshold * 5 * NSEC_PER_MSEC,
					modes[i].slice));
		slice(test, mock, 0);
		expect_slices(test, mock, modes[i].slice, modes[i].threshold);
		KUNIT_EXPECT_EQ(test, t.inst->entity[0].se.slice_ns,
				own.slice_ns);
	}
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void refusals_change_nothing(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_GOVERNOR | VGPU_GPU_SET_SLICE,
		.governor = "turbo",
		.slice_ns = 3 * NSEC_PER_MSEC,
	};
	struct vgpu_refusal why = { };

	KUNIT_EXPECT_EQ(test, vgpu_gpu_set(mock->gpu, &set, &why), -ENOENT);
	KUNIT_EXPECT_EQ(test, why.field, (u32)VGPU_GPU_SET_GOVERNOR);
	KUNIT_EXPECT_NOT_NULL(test, strstr(why.text, "power-save"));
	set.governor = "emergency";
	set.slice_ns = 1;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set(mock->gpu, &set, &why), -ERANGE);
	set.mask |= 0x80000000;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set(mock->gpu, &set, &why), -EINVAL);
	expect_slices(test, mock, VGPU_SLICE_DEFAULT_NS, 0);
	KUNIT_EXPECT_EQ(test, mock->gpu->governor.setting,
			(int)VGPU_GOVERNOR_OFF);
	core_mock_destroy(mock);
}

/* Off, and fixed, nothing looks at anything, however busy. */
static void only_auto_looks(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_EXPECT_FALSE(test, looks(mock));
	KUNIT_ASSERT_EQ(test, governor(mock, "power-save", NULL), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 2), 0);
	KUNIT_EXPECT_FALSE(test, looks(mock));
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	msleep(250);
	KUNIT_EXPECT_EQ(test, samples(mock), 0ULL);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/*
 * A GPU that is busy for long is in performance; then it idles, and after one
 * more look nobody looks until there is work.
 */
static void looks_while_busy(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_gpu_info *info = kunit_kzalloc(test, sizeof(*info),
						   GFP_KERNEL);
	struct core_tenant t;
	u64 before;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, info);
	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, governor(mock, "auto", NULL), 0);
	expect_slices(test, mock, VGPU_SLICE_DEFAULT_NS,
		      VGPU_SLICE_DEFAULT_NS / 8);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_EXPECT_TRUE(test, looks(mock));
	for (i = 0; i < 1000; i++) {
		vgpu_gpu_get_info(mock->gpu, info);
		if (info->governor.mode == VGPU_GOV_PERFORMANCE)
			break;
		msleep(20);
	}
	KUNIT_EXPECT_EQ(test, info->governor.mode, (u32)VGPU_GOV_PERFORMANCE);
	KUNIT_EXPECT_EQ(test, info->governor.changes, 1ULL);
	KUNIT_EXPECT_EQ(test, info->governor.view.last.busy, 1000U);
	KUNIT_EXPECT_GE(test, info->governor.time_ns[VGPU_GOV_BALANCED],
			VGPU_GOV_DWELL_NS);
	expect_slices(test, mock, NSEC_PER_MSEC, 0);

	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	for (i = 0; i < 1000 && looks(mock); i++)
		msleep(20);
	flush_delayed_work(&mock->gpu->governor.work);
	KUNIT_EXPECT_FALSE(test, looks(mock));
	before = samples(mock);
	msleep(300);
	KUNIT_EXPECT_EQ(test, samples(mock), before);

	/* what ran between two looks counts for the time that it ran */
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 2), 0);
	KUNIT_EXPECT_TRUE(test, looks(mock));
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	for (i = 0; i < 1000 && samples(mock) == before; i++)
		msleep(20);
	vgpu_gpu_get_info(mock->gpu, info);
	KUNIT_EXPECT_LT(test, info->governor.view.last.busy, 1000U);

	/* a change of heart stops it at once */
	KUNIT_ASSERT_EQ(test, governor(mock, "off", NULL), 0);
	expect_slices(test, mock, VGPU_SLICE_DEFAULT_NS, 0);
	vgpu_gpu_get_info(mock->gpu, info);
	before = info->governor.time_ns[info->governor.mode];
	msleep(50);
	vgpu_gpu_get_info(mock->gpu, info);
	KUNIT_EXPECT_EQ(test, info->governor.time_ns[info->governor.mode],
			before);
	KUNIT_EXPECT_FALSE(test, info->governor.on);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* It goes away while it is watched. */
static void unplugged_under_watch(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, governor(mock, "auto", NULL), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_EXPECT_TRUE(test, looks(mock));
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void urgent(struct kunit *test, struct core_tenant *t)
{
	struct vgpu_instance_set s = {
		.mask = VGPU_SET_PRIORITY, .priority = VGPU_PRIORITY_MAX,
	};

	KUNIT_ASSERT_EQ(test, vgpu_instance_set(t->inst, &s, NULL), 0);
}

/* Who runs is asked to stop once it has had the threshold, not before. */
static void threshold_comes_first(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant a, b;
	int i;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "prio", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	urgent(test, &b);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 1), 0);
	core_mock_expect(test, mock, "cr");
	/* without a governor: at once */
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&b, 2), 0);
	core_mock_expect(test, mock, "p");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, NSEC_PER_MSEC, 0);
	core_mock_expect(test, mock, "scr");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, mock, "clR");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);

	/* half of 100 ms, and it has had nothing of it */
	KUNIT_ASSERT_EQ(test, governor(mock, "emergency", NULL), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 3), 0);
	core_mock_expect(test, mock, "r");
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&b, 4), 0);
	core_mock_expect(test, mock, "");
	WRITE_ONCE(mock->clock, mock->clock + 50 * NSEC_PER_MSEC);
	for (i = 0; i < 1000 && !READ_ONCE(mock->logged); i++)
		msleep(20);
	core_mock_expect(test, mock, "p");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 0, 0);
	core_mock_expect(test, mock, "scr");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, mock, "clR");

	/* one that has had more than that: at once */
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&a, 6), 0);
	core_mock_expect(test, mock, "r");
	WRITE_ONCE(mock->clock, mock->clock + 60 * NSEC_PER_MSEC);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&b, 5), 0);
	core_mock_expect(test, mock, "p");
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 0, 0);
	core_mock_expect(test, mock, "scr");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_mock_expect(test, mock, "clR");
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	core_mock_destroy(mock);
}

static struct kunit_case core_governor_cases[] = {
	KUNIT_CASE(by_hand_wins),
	KUNIT_CASE(refusals_change_nothing),
	KUNIT_CASE(only_auto_looks),
	KUNIT_CASE(looks_while_busy),
	KUNIT_CASE(unplugged_under_watch),
	KUNIT_CASE(threshold_comes_first),
	{}
};

static struct kunit_suite core_governor_suite = {
	.name = "vgpu_core_governor",
	.test_cases = core_governor_cases,
};

kunit_test_suite(core_governor_suite);
