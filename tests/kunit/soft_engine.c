// SPDX-License-Identifier: GPL-2.0
/*
 * The engine's thread: kernels that will not stop, translations that go away
 * under a running kernel, stops at random moments.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../drivers/vgpu/soft/selftest.h"
#include "../../drivers/vgpu/soft/soft_priv.h"
#include "conformance.h"
#include "compat/hrtimer.h"
#include "soft_kernels.h"

#define CODE	0x10000ULL
#define STACK	(CF_VA + (1 << 20))

static int init(struct kunit *test)
{
	struct cf *cf = cf_create(test, &vgpu_soft_test_backend);
	u64 page = cf_page(cf);

	cf_map(cf, CODE, page, VGPU_PROT_READ | VGPU_PROT_EXEC);
	memcpy(cf_ptr(cf, page), soft_kernels, sizeof(soft_kernels));
	return 0;
}

static void launch(struct cf *cf, u32 kernel, u64 args, u32 lanes, u32 groups)
{
	memset(&cf->job, 0, sizeof(cf->job));
	cf->job.cookie = 77;
	cf->job.op = VGPU_CMD_LAUNCH;
	cf->job.launch = (struct vgpu_cmd_launch) {
		.entry = CODE + kernel,
		.args = args,
		.stack = STACK,
		.stack_bytes = 64,
		.shared_bytes = 512,
		.grid = { groups, 1, 1 },
		.block = { lanes, 1, 1 },
	};
}

static void test_preempt_endless(struct kunit *test)
{
	struct cf *cf = test->priv;
	unsigned int i;

	launch(cf, SOFT_KERNEL_SPIN, 0, 2, 8);
	cf_clear(cf, 0);
	for (i = 0; i < 20; i++) {
		u64 clock = cf->ops->clock(cf->hw, 0);

		cf_start(cf, 0, i);
		usleep_range(200, 400);
		cf->ops->preempt(cf->hw, 0);
		KUNIT_ASSERT_EQ(test, cf_wait(cf), VGPU_HW_PREEMPTED);
		KUNIT_EXPECT_EQ(test, cf->last.cookie, 77ULL);
		KUNIT_EXPECT_EQ(test, cf->ops->clock(cf->hw, 0) - clock,
				cf->last.service);
	}
}

struct timed {
	struct hrtimer timer;
	struct cf *cf;
	unsigned int left;
};

static enum hrtimer_restart timed_start(struct hrtimer *timer)
{
	struct timed *t = container_of(timer, struct timed, timer);
	struct cf *cf = t->cf;
	unsigned long flags;

	spin_lock_irqsave(&cf->lock, flags);
	/* from right away to long after the thread sleeps */
	cf->timer_ns = t->left % 128 * 500;
	if (--t->left == 0)
		cf->timer = NULL;
	cf->ops->run(cf->hw, 0, &cf->job, false);
	spin_unlock_irqrestore(&cf->lock, flags);
	return HRTIMER_NORESTART;
}

/* A timer interrupts the engine's thread on its way to sleep. */
static void test_started_by_a_timer(struct kunit *test)
{
	struct cf *cf = test->priv;
	struct timed *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned long left;

	KUNIT_ASSERT_NOT_NULL(test, t);
	vgpu_hrtimer_setup(&t->timer, timed_start);
	t->cf = cf;
	t->left = 5000;
	cf_fill(cf, cf_addr(cf, 0), 8, 1);
	cf_clear(cf, 0);
	cf->timer = &t->timer;
	cf_start(cf, 0, false);
	left = wait_for_completion_timeout(&cf->answered, 30 * HZ);
	hrtimer_cancel(&t->timer);
	KUNIT_EXPECT_NE(test, left, 0UL);
	if (!left)	/* it sleeps on a job, and would for ever */
		wake_up_process(((struct soft_gpu *)cf->hw)->engines[0]->task);
	KUNIT_EXPECT_EQ(test, t->left, 0U);
}

/* Bytes other than 0 in the registers and workgroup memory of an engine. */
static u64 litter_of(struct cf *cf, unsigned int engine)
{
	const struct soft_gpu *gpu = cf->hw;
	const struct soft_core *c = &gpu->engines[engine]->core;
	u64 found = 0;
	u32 i, at;

	for (i = 0; i < c->m->units; i++) {
		const u8 *lanes = (const u8 *)c->units[i].lanes;

		for (at = 0; at < SOFT_MAX_LANES * sizeof(struct soft_lane); at++)
			found += !!lanes[at];
		for (at = 0; at < SOFT_SHARED_BYTES; at++)
			found += !!c->units[i].shared[at];
	}
	return found;
}

/* Nothing of who had the units, or shared them, is there for who gets them. */
static void test_units_change_hands_clean(struct kunit *test)
{
	struct cf *cf = test->priv;
	unsigned int spare = cf->desc->engines, engine;
	u64 mine = BIT_ULL(cf->desc->units - 1);
	u64 rest = mine - 1;

	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, 0, rest), 0);
	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, spare, mine), 0);
	for (engine = 0; engine <= spare; engine += spare) {
		launch(cf, SOFT_KERNEL_LITTER, CF_VA, 8, 8);
		cf_clear(cf, engine);
		cf_start(cf, engine, false);
		msleep(50);
		cf->ops->preempt(cf->hw, engine);
		KUNIT_ASSERT_EQ(test, cf_wait(cf), VGPU_HW_PREEMPTED);
		KUNIT_EXPECT_GT(test, litter_of(cf, engine), 1000ULL);
	}
	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, spare, 0), 0);
	KUNIT_EXPECT_EQ(test, litter_of(cf, spare), 0ULL);
	KUNIT_EXPECT_GT(test, litter_of(cf, 0), 1000ULL);
	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, 0, rest | mine), 0);
	KUNIT_EXPECT_EQ(test, litter_of(cf, 0), 0ULL);
}

static void test_nopreempt_is_reset(struct kunit *test)
{
	struct cf *cf = test->priv;

	launch(cf, SOFT_KERNEL_SPIN_NOPREEMPT, 0, 1, 1);
	cf_clear(cf, 0);
	cf_start(cf, 0, false);
	msleep(20);
	cf->ops->preempt(cf->hw, 0);
	msleep(50);
	KUNIT_EXPECT_EQ(test, cf->events, 0U);
	KUNIT_EXPECT_EQ(test, cf->ops->reset(cf->hw, 0), 0);
	msleep(20);
	KUNIT_EXPECT_EQ(test, cf->events, 0U);
	/* the next one may be preempted */
	launch(cf, SOFT_KERNEL_SPIN, 0, 1, 1);
	cf_clear(cf, 0);
	cf_start(cf, 0, false);
	cf->ops->preempt(cf->hw, 0);
	KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_PREEMPTED);
}

/* The request is kept until the kernel allows it. */
static void test_preempt_pends(struct kunit *test)
{
	struct cf *cf = test->priv;

	launch(cf, SOFT_KERNEL_PEND, 500000, 1, 1);
	cf_clear(cf, 0);
	cf_start(cf, 0, false);
	usleep_range(1000, 2000);
	cf->ops->preempt(cf->hw, 0);
	KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_PREEMPTED);
	/* nearly all of the million instructions were run */
	KUNIT_EXPECT_GT(test, cf->last.service, 990000ULL);
}

/*
 * A kernel counts in a page that goes away: after tlb_sync() the page is not
 * touched any more, whoever has it then.
 */
static void test_sync_while_running(struct kunit *test)
{
	struct cf *cf = test->priv;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		u64 *count;
		u64 page = cf_page(cf), seen;

		cf_map(cf, CF_VA, page, VGPU_PROT_READ | VGPU_PROT_WRITE);
		cf->ops->tlb_invalidate(cf->hw, CF_ASID, CF_VA, PAGE_SIZE);
		cf->ops->tlb_sync(cf->hw);
		count = cf_ptr(cf, page);
		launch(cf, SOFT_KERNEL_COUNT, CF_VA, 1, 1);
		cf_clear(cf, 0);
		cf_start(cf, 0, false);
		while (!READ_ONCE(*count))
			usleep_range(10, 50);
		cf_unmap(cf, CF_VA);
		cf->ops->tlb_invalidate(cf->hw, CF_ASID, CF_VA, PAGE_SIZE);
		cf->ops->tlb_sync(cf->hw);
		seen = READ_ONCE(*count);
		KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_FAULT);
		KUNIT_EXPECT_EQ(test, cf->last.fault_va, CF_VA);
		KUNIT_EXPECT_EQ(test, READ_ONCE(*count), seen);
	}
}

/* More invalidations than are noted one by one. */
static void test_many_invalidations(struct kunit *test)
{
	struct cf *cf = test->priv;
	u64 page = cf_page(cf);
	unsigned int i;

	cf_map(cf, CF_VA, page, VGPU_PROT_READ | VGPU_PROT_WRITE);
	launch(cf, SOFT_KERNEL_COUNT, CF_VA, 1, 1);
	cf_clear(cf, 0);
	cf_start(cf, 0, false);
	while (!READ_ONCE(*(u64 *)cf_ptr(cf, page)))
		usleep_range(10, 50);
	cf_unmap(cf, CF_VA);
	for (i = 0; i < 200; i++)
		cf->ops->tlb_invalidate(cf->hw, CF_ASID,
					CF_VA + (199 - i) * PAGE_SIZE,
					PAGE_SIZE);
	cf->ops->tlb_sync(cf->hw);
	KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_FAULT);
}

static void fill_input(struct cf *cf)
{
	u64 *p = (u64 *)cf_data(cf, 0);
	unsigned int i;

	for (i = 0; i < 512; i++)
		p[i] = i * 0x9e3779b97f4a7c15ULL;
}

/* Stopped as often as there are checks, hundreds of times: the same bytes. */
static void test_hundreds_of_stops(struct kunit *test)
{
	struct cf *cf = test->priv;
	unsigned int i;
	u64 service;
	u8 *want;

	want = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, want);
	launch(cf, SOFT_KERNEL_STIR, CF_VA, 8, 60);
	fill_input(cf);
	KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	memcpy(want, cf_data(cf, 0), PAGE_SIZE);
	service = cf->last.service;

	cf->storm = true;
	for (i = 0; i < 10; i++) {
		fill_input(cf);
		cf->service = 0;
		KUNIT_ASSERT_EQ(test, cf_run(cf, i % cf->desc->engines),
				VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, memcmp(want, cf_data(cf, 0), PAGE_SIZE),
				0);
		/* and the same engine time */
		KUNIT_EXPECT_EQ(test, cf->service, service);
	}
	KUNIT_EXPECT_GT(test, cf->preemptions, 300U);
}

/* Both engines at once, in the same memory. */
static void test_two_engines(struct kunit *test)
{
	struct cf *cf = test->priv;
	u64 *word = (u64 *)cf_data(cf, 0);
	struct vgpu_hw_ctx ctx = { .asid = CF_ASID, .root = cf->root };
	unsigned int i;

	launch(cf, SOFT_KERNEL_POKE, CF_VA, 1, 2000);
	*word = 0;
	cf->ops->clear(cf->hw, 1, &ctx);
	cf->ops->run(cf->hw, 1, &(struct vgpu_hw_job) {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = CF_VA + 8192, .bytes = 8192, .pattern = 7 },
	}, false);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	for (i = 0; i < 1000 && cf->events < 2; i++)
		usleep_range(100, 200);
	KUNIT_EXPECT_EQ(test, cf->events, 2U);
	KUNIT_EXPECT_GT(test, *word, 0ULL);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, 8192 + 8188), 7U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_preempt_endless),
	KUNIT_CASE(test_started_by_a_timer),
	KUNIT_CASE(test_units_change_hands_clean),
	KUNIT_CASE(test_nopreempt_is_reset),
	KUNIT_CASE(test_preempt_pends),
	KUNIT_CASE(test_sync_while_running),
	KUNIT_CASE(test_many_invalidations),
	KUNIT_CASE(test_hundreds_of_stops),
	KUNIT_CASE(test_two_engines),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_soft_engine",
	.init = init,
	.exit = cf_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
