// SPDX-License-Identifier: GPL-2.0
/*
 * Compute units of one vGPU alone: a unit is on one engine, always; who shares
 * goes on; what is refused changes nothing; what was given comes back.
 */
#include <linux/delay.h>
#include <linux/random.h>
#include <linux/workqueue.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

/* One engine of four units, and two spare ones; only the test makes it stop. */
static struct core_mock *quiet(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_units(test, 1, 4, 2);

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	return mock;
}

static struct vgpu_instance *make(struct core_mock *mock, u32 units)
{
	struct vgpu_instance_params params = {
		.type = "1g.1m", .units = units,
	};

	return vgpu_instance_create(mock->gpu, &params);
}

static int set(struct vgpu_instance *inst, u32 units)
{
	struct vgpu_instance_set s = {
		.mask = VGPU_SET_UNITS, .units = units,
	};

	return vgpu_instance_set(inst, &s, NULL);
}

static u32 own_units(struct kunit *test, struct vgpu_instance *inst)
{
	struct vgpu_instance_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	u32 units;

	KUNIT_ASSERT_NOT_NULL(test, info);
	vgpu_instance_get_info(inst, info);
	units = info->own_units;
	kfree(info);
	return units;
}

static void destroy(struct kunit *test, struct vgpu_instance *inst)
{
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(inst), 0);
	vgpu_instance_put(inst);
}

/*
 * Each unit on one engine, one at least on each that is shared, and the
 * hardware and the core of one mind.
 */
static void check(struct kunit *test, struct core_mock *mock)
{
	unsigned int all = mock->desc.engines + mock->desc.spare_engines, i;
	u64 seen = 0;

	for (i = 0; i < all; i++) {
		u64 units = mock->other[i].units;

		KUNIT_EXPECT_EQ(test, units, mock->gpu->whole.engines[i].units);
		KUNIT_EXPECT_EQ(test, seen & units, 0ULL);
		if (i < mock->desc.engines)
			KUNIT_EXPECT_NE(test, units, 0ULL);
		seen |= units;
	}
	KUNIT_EXPECT_EQ(test, hweight64(seen),
			mock->desc.engines * mock->desc.units);
	KUNIT_EXPECT_EQ(test, mock->wrong, 0U);
}

static void who_has_its_own_waits_for_nobody(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_queue_status st;
	struct core_tenant a, b;
	struct vgpu_instance_set s = { .mask = VGPU_SET_UNITS, .units = 3 };

	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	/* b starts over, with units of its own */
	core_tenant_shut(&b);
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(b.inst, VGPU_VERB_STOP), 0);
	KUNIT_ASSERT_EQ(test, vgpu_instance_set(b.inst, &s, NULL), 0);
	check(test, mock);
	KUNIT_EXPECT_EQ(test, mock->other[0].units, 1ULL);
	KUNIT_EXPECT_EQ(test, mock->other[1].units, 0xeULL);
	KUNIT_EXPECT_EQ(test, own_units(test, b.inst), 3U);
	KUNIT_EXPECT_EQ(test, own_units(test, a.inst), 0U);
	core_tenant_start(test, &b, 0);
	mock->logged = 0;
	core_tenant_fill(&a, 1);
	core_tenant_fill(&b, 2);
	core_mock_expect(test, mock, "crc1r1");
	KUNIT_EXPECT_TRUE(test, mock->running && mock->other[1].running);
	KUNIT_EXPECT_EQ(test, mock->other[1].job.fill.pattern, 2);
	core_mock_answer_on(mock, 1, VGPU_HW_DONE, 100, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_status(test, &b, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	core_tenant_close(test, &b);
	check(test, mock);
	KUNIT_EXPECT_EQ(test, mock->other[0].units, 0xfULL);
	core_tenant_close(test, &a);
	core_mock_destroy(mock);
}

static void refusals_change_nothing(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);
	struct vgpu_client_params client = { .holder = "kunit" };
	struct vgpu_instance *a, *b;
	struct vgpu_client *c;

	KUNIT_EXPECT_EQ(test, PTR_ERR(make(mock, 1)), -EOPNOTSUPP);
	a = make(mock, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a));
	KUNIT_EXPECT_EQ(test, set(a, 0), 0);
	KUNIT_EXPECT_EQ(test, set(a, 1), -EOPNOTSUPP);
	destroy(test, a);
	core_mock_destroy(mock);

	mock = quiet(test);
	KUNIT_EXPECT_EQ(test, PTR_ERR(make(mock, 5)), -ERANGE);
	/* one has to be left for those who share */
	KUNIT_EXPECT_EQ(test, PTR_ERR(make(mock, 4)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, mock->gpu->nr_instances, 0U);
	KUNIT_EXPECT_EQ(test, mock->gpu->committed, 0ULL);
	check(test, mock);
	a = make(mock, 1);
	b = make(mock, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a) || IS_ERR(b));
	/* a unit is left, an engine is not */
	KUNIT_EXPECT_EQ(test, PTR_ERR(make(mock, 1)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, set(a, 3), -ENOSPC);
	KUNIT_EXPECT_EQ(test, own_units(test, a), 1U);
	check(test, mock);

	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(a, VGPU_VERB_START), 0);
	KUNIT_EXPECT_EQ(test, set(a, 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, set(a, 1), 0);	/* nothing to do */
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(a, VGPU_VERB_PAUSE), 0);
	KUNIT_EXPECT_EQ(test, set(a, 0), -EBUSY);
	c = vgpu_client_open(a, &client);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(a, VGPU_VERB_STOP), 0);
	KUNIT_EXPECT_EQ(test, set(a, 2), -EBUSY);	/* dead, but open */
	vgpu_client_close(c);
	KUNIT_EXPECT_EQ(test, own_units(test, a), 1U);
	KUNIT_EXPECT_EQ(test, set(a, 2), 0);
	KUNIT_EXPECT_EQ(test, own_units(test, a), 2U);
	check(test, mock);
	destroy(test, a);
	destroy(test, b);
	check(test, mock);
	core_mock_destroy(mock);
}

/* With another quota in the same call: both, or neither. */
static void units_and_quotas_together(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_instance_set s = {
		.mask = VGPU_SET_UNITS | VGPU_SET_VRAM | VGPU_SET_WEIGHT,
		.units = 4, .vram_bytes = 2 << 20, .weight = 7,
	};
	struct vgpu_instance *a = make(mock, 0);
	u64 before = mock->gpu->committed;

	KUNIT_ASSERT_FALSE(test, IS_ERR(a));
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(a, &s, NULL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, mock->gpu->committed, before);
	KUNIT_EXPECT_EQ(test, a->acct.limit, 1ULL << 20);
	KUNIT_EXPECT_EQ(test, a->weight, 100U);
	s.units = 2;
	s.vram_bytes = 3 << 20;		/* over the aperture */
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(a, &s, NULL), -ERANGE);
	KUNIT_EXPECT_EQ(test, own_units(test, a), 0U);
	s.vram_bytes = 2 << 20;
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(a, &s, NULL), 0);
	KUNIT_EXPECT_EQ(test, own_units(test, a), 2U);
	KUNIT_EXPECT_EQ(test, mock->gpu->committed, before + (1 << 20));
	KUNIT_EXPECT_EQ(test, a->entity[0].se.weight, 7U);
	check(test, mock);
	destroy(test, a);
	core_mock_destroy(mock);
}

struct setter {
	struct work_struct work;
	struct vgpu_instance *inst;
	u32 units;
	int ret;
};

static void set_work(struct work_struct *work)
{
	struct setter *s = container_of(work, struct setter, work);

	s->ret = set(s->inst, s->units);
}

/* The shared engine is stopped, its tenant loses time and nothing else. */
static void taking_waits_for_the_engine(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_queue_status st;
	struct core_tenant a;
	struct setter s = { .units = 2, .ret = 1 };
	int i;

	core_tenant_open(test, mock, &a, 0);
	s.inst = make(mock, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s.inst));
	core_tenant_fill(&a, 0xa);
	core_tenant_fill(&a, 0xb);
	core_mock_expect(test, mock, "cr");
	INIT_WORK_ONSTACK(&s.work, set_work);
	queue_work(system_unbound_wq, &s.work);
	for (i = 0; i < 500 && !READ_ONCE(mock->logged); i++)
		msleep(20);
	msleep(50);
	core_mock_expect(test, mock, "p");
	KUNIT_EXPECT_TRUE(test, work_busy(&s.work));
	core_mock_answer(mock, VGPU_HW_PREEMPTED, 10, 0);
	flush_work(&s.work);
	destroy_work_on_stack(&s.work);
	KUNIT_EXPECT_EQ(test, s.ret, 0);
	/* saved, units moved, and it goes on where it was */
	core_mock_expect(test, mock, "suu1clR");
	KUNIT_EXPECT_EQ(test, mock->state, 0xa);
	check(test, mock);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 2);
	KUNIT_EXPECT_EQ(test, st.failed, 0);
	destroy(test, s.inst);
	core_tenant_close(test, &a);
	check(test, mock);
	core_mock_destroy(mock);
}

/* Who does not stop fails, and nobody waits for it any longer. */
static void taking_is_bounded(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_queue_status st;
	struct core_tenant a;
	struct vgpu_instance *inst;

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 0,
					    NSEC_PER_MSEC), 0);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_fill(&a, 1);
	core_tenant_fill(&a, 2);
	inst = make(mock, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	core_mock_expect(test, mock, "crpXuu1cr");
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.failed, 1);
	KUNIT_EXPECT_EQ(test, st.error, -ETIMEDOUT);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	check(test, mock);
	destroy(test, inst);
	core_tenant_close(test, &a);
	core_mock_destroy(mock);
}

/* A backend that fails at any of its steps: all as before, and work goes on. */
static void a_backend_that_fails_midway(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_instance *a = make(mock, 1), *b = make(mock, 0);
	struct vgpu_queue_status st;
	struct core_tenant t;
	int step;

	KUNIT_ASSERT_FALSE(test, IS_ERR(a) || IS_ERR(b));
	core_tenant_open(test, mock, &t, 0);
	for (step = 1; step <= 2; step++) {
		mock->fail_units = step;
		KUNIT_EXPECT_EQ(test, set(a, 2), -EIO);
		check(test, mock);
		KUNIT_EXPECT_EQ(test, own_units(test, a), 1U);
		mock->fail_units = step;
		KUNIT_EXPECT_EQ(test, set(a, 0), -EIO);
		check(test, mock);
		KUNIT_EXPECT_EQ(test, own_units(test, a), 1U);
		mock->fail_units = step;
		KUNIT_EXPECT_EQ(test, set(b, 1), -EIO);
		check(test, mock);
		KUNIT_EXPECT_EQ(test, own_units(test, b), 0U);
		mock->fail_units = step;
		KUNIT_EXPECT_EQ(test, PTR_ERR(make(mock, 1)), -EIO);
		check(test, mock);
	}
	KUNIT_EXPECT_EQ(test, mock->fail_units, 0);
	core_tenant_fill(&t, 5);
	core_mock_answer(mock, VGPU_HW_DONE, 10, 0);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	core_tenant_close(test, &t);
	destroy(test, a);
	destroy(test, b);
	check(test, mock);
	core_mock_destroy(mock);
}

/* What it got where it was before still counts. */
static void figures_go_with_the_vgpu(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct vgpu_instance_info *info;
	struct core_tenant t;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	core_tenant_open(test, mock, &t, 0);
	core_tenant_fill(&t, 1);
	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	core_tenant_shut(&t);
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_STOP), 0);
	KUNIT_ASSERT_EQ(test, set(t.inst, 2), 0);
	core_tenant_start(test, &t, 0);
	core_tenant_fill(&t, 2);
	core_mock_answer_on(mock, 1, VGPU_HW_DONE, 500, 0);
	vgpu_instance_get_info(t.inst, info);
	KUNIT_EXPECT_EQ(test, info->busy_ns, 1500ULL);
	KUNIT_EXPECT_EQ(test, info->entitled_ns, 1500ULL);
	KUNIT_EXPECT_EQ(test, info->completed, 2ULL);
	KUNIT_EXPECT_EQ(test, info->units, 2U);
	core_tenant_shut(&t);
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_STOP), 0);
	KUNIT_ASSERT_EQ(test, set(t.inst, 0), 0);
	vgpu_instance_get_info(t.inst, info);
	KUNIT_EXPECT_EQ(test, info->busy_ns, 1500ULL);
	KUNIT_EXPECT_EQ(test, info->units, 4U);
	destroy(test, t.inst);
	core_mock_destroy(mock);
}

/* It has one engine, however many the others share. */
static void one_engine_of_its_own(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_units(test, 2, 3, 4);
	struct vgpu_client_params client = { .holder = "kunit" };
	struct vgpu_ctx_create ctx = { .engine = 1 };
	struct vgpu_vm_create vm = { };
	struct vgpu_client *c;
	struct vgpu_instance *a;
	unsigned int units;

	for (units = 0; units <= 3; units += 3) {
		a = make(mock, units);
		KUNIT_ASSERT_FALSE(test, IS_ERR(a));
		check(test, mock);
		KUNIT_ASSERT_EQ(test, vgpu_instance_verb(a, VGPU_VERB_START), 0);
		c = vgpu_client_open(a, &client);
		KUNIT_ASSERT_FALSE(test, IS_ERR(c));
		KUNIT_ASSERT_EQ(test, vgpu_client_call(c, VGPU_CALL_VM_CREATE,
						       &vm, NULL, 0), 0);
		ctx.vm = vm.handle;
		ctx.engine = 1;
		KUNIT_EXPECT_EQ(test, vgpu_client_call(c, VGPU_CALL_CTX_CREATE,
						       &ctx, NULL, 0),
				units ? -EINVAL : 0);
		ctx.engine = 2;		/* a spare one */
		KUNIT_EXPECT_EQ(test, vgpu_client_call(c, VGPU_CALL_CTX_CREATE,
						       &ctx, NULL, 0), -EINVAL);
		vgpu_client_close(c);
		/* taken evenly: one engine keeps two, the other one */
		KUNIT_EXPECT_GE(test, hweight64(mock->other[0].units),
				units ? 1U : 3U);
		KUNIT_EXPECT_GE(test, hweight64(mock->other[1].units),
				units ? 1U : 3U);
		destroy(test, a);
		check(test, mock);
	}
	core_mock_destroy(mock);
}

/* Many vGPUs that take, change and give back at random. */
static void units_never_get_lost(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_units(test, 2, 8, 6);
	struct vgpu_instance *inst[8] = { };
	struct rnd_state rnd;
	u32 seed = 3, i, n, done = 0, full = 0;

	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 1000; i++) {
		u32 who = prandom_u32_state(&rnd) % 8;
		u32 units = prandom_u32_state(&rnd) % 9;
		u32 before, sum = 0;
		int ret;

		if (!inst[who]) {
			inst[who] = make(mock, units);
			ret = PTR_ERR_OR_ZERO(inst[who]);
			before = 0;
		} else if (prandom_u32_state(&rnd) % 3) {
			before = own_units(test, inst[who]);
			ret = set(inst[who], units);
		} else {
			destroy(test, inst[who]);
			inst[who] = NULL;
			continue;
		}
		KUNIT_ASSERT_TRUE(test, !ret || ret == -ENOSPC);
		if (IS_ERR(inst[who]))
			inst[who] = NULL;
		else
			KUNIT_ASSERT_EQ(test, own_units(test, inst[who]),
					ret ? before : units);
		ret ? full++ : done++;
		check(test, mock);
		for (n = 0; n < 8; n++)
			sum += inst[n] ? own_units(test, inst[n]) : 0;
		KUNIT_ASSERT_EQ_MSG(test, hweight64(mock->other[0].units) +
				    hweight64(mock->other[1].units) + sum, 16U,
				    "seed %u, step %u", seed, i);
	}
	KUNIT_EXPECT_GT(test, done, 100U);
	KUNIT_EXPECT_GT(test, full, 20U);
	for (n = 0; n < 8; n++)
		if (inst[n])
			destroy(test, inst[n]);
	check(test, mock);
	KUNIT_EXPECT_EQ(test, mock->other[0].units, 0xffULL);
	KUNIT_EXPECT_EQ(test, mock->other[1].units, 0xff00ULL);
	core_mock_destroy(mock);
}

static void unplugged_with_units_out(struct kunit *test)
{
	struct core_mock *mock = quiet(test);
	struct core_tenant t;
	struct vgpu_instance *inst = make(mock, 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	core_tenant_open(test, mock, &t, 0);
	core_tenant_shut(&t);
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t.inst, VGPU_VERB_STOP), 0);
	KUNIT_ASSERT_EQ(test, set(t.inst, 2), 0);
	core_tenant_start(test, &t, 0);
	core_tenant_fill(&t, 1);
	KUNIT_EXPECT_TRUE(test, mock->other[2].running);
	vgpu_gpu_unregister(mock->gpu);
	mock->gpu = NULL;
	KUNIT_EXPECT_FALSE(test, mock->other[2].running);
	KUNIT_EXPECT_EQ(test, mock->wrong, 0U);
	KUNIT_EXPECT_EQ(test, set(inst, 0), -ENODEV);
	vgpu_client_close(t.client);
	vgpu_instance_put(t.inst);
	vgpu_instance_put(inst);
	core_mock_destroy(mock);
}

static struct kunit_case core_units_cases[] = {
	KUNIT_CASE(who_has_its_own_waits_for_nobody),
	KUNIT_CASE(refusals_change_nothing),
	KUNIT_CASE(units_and_quotas_together),
	KUNIT_CASE(taking_waits_for_the_engine),
	KUNIT_CASE(taking_is_bounded),
	KUNIT_CASE(a_backend_that_fails_midway),
	KUNIT_CASE(figures_go_with_the_vgpu),
	KUNIT_CASE(one_engine_of_its_own),
	KUNIT_CASE(units_never_get_lost),
	KUNIT_CASE(unplugged_with_units_out),
	{}
};

static struct kunit_suite core_units_suite = {
	.name = "vgpu_core_units",
	.test_cases = core_units_cases,
};

kunit_test_suite(core_units_suite);
