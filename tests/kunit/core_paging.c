// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that find their memory evicted, event by event: who has the engine
 * meanwhile, and what becomes of one that is cancelled, runs out of time or
 * loses its GPU while it waits. And how much may be promised.
 */
#include <linux/delay.h>
#include <linux/workqueue.h>
#include <vgpu/sched.h>
#include "core_mock.h"

static struct vgpu_gpu_info *info_of(struct kunit *test, struct core_mock *mock)
{
	struct vgpu_gpu_info *info = kunit_kzalloc(test, sizeof(*info),
						   GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, info);
	vgpu_gpu_get_info(mock->gpu, info);
	return info;
}

/* Twice the memory promised; long slices: only what the test does happens. */
static struct core_mock *paged(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_mmu(test);

	KUNIT_ASSERT_EQ(test, core_mock_set(mock, "rr", VGPU_SLICE_MAX_NS,
					    60 * NSEC_PER_SEC), 0);
	KUNIT_ASSERT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 2000, NULL),
			0);
	return mock;
}

static bool soon(const bool *what)
{
	int i;

	for (i = 0; i < 500 && !READ_ONCE(*what); i++)
		msleep(20);
	return READ_ONCE(*what);
}

static bool soon_failed(struct core_tenant *t)
{
	struct vgpu_queue_status st;
	int i;

	for (i = 0; i < 500; i++) {
		memset(&st, 0, sizeof(st));
		st.queue = t->queue;
		if (!vgpu_client_call(t->client, VGPU_CALL_QUEUE_STATUS, &st,
				      NULL, 0) && st.failed)
			return true;
		msleep(20);
	}
	return false;
}

/* Lets go, after a while, of who waits in mock_pte_write(). */
struct release {
	struct delayed_work work;
	struct core_mock *mock;
	struct completion hold;
};

static void let_go(struct work_struct *work)
{
	struct release *r = container_of(work, struct release, work.work);

	WRITE_ONCE(r->mock->hold, NULL);
	complete_all(&r->hold);
}

/* The next fault-in takes until release_in(). */
static void hold_next(struct release *r, struct core_mock *mock)
{
	r->mock = mock;
	init_completion(&r->hold);
	INIT_DELAYED_WORK_ONSTACK(&r->work, let_go);
	mock->held = false;
	WRITE_ONCE(mock->hold, &r->hold);
}

static void release_in(struct release *r, unsigned int ms)
{
	schedule_delayed_work(&r->work, msecs_to_jiffies(ms));
}

static void release_end(struct release *r)
{
	flush_delayed_work(&r->work);
	destroy_delayed_work_on_stack(&r->work);
}

static void the_others_run_meanwhile(struct kunit *test)
{
	struct core_mock *mock = paged(test);
	struct vgpu_instance_info *inst;
	struct vgpu_queue_status st;
	struct vgpu_gpu_info *info;
	struct core_tenant a, b;
	struct release r;

	inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	core_tenant_open(test, mock, &a, 0);
	core_tenant_open(test, mock, &b, 0);
	core_tenant_fill(&a, 0xa);
	core_tenant_fill(&b, 0xb);
	core_mock_expect(test, mock, "cr");
	hold_next(&r, mock);
	core_mock_fault(mock, TENANT_VA, true);
	/* a is off the engine with its state, which b has */
	core_mock_expect(test, mock, "scr");
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 0xb);
	KUNIT_EXPECT_TRUE(test, soon(&mock->held));
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	/* b is done, a's memory is not there: nobody runs */
	core_mock_expect(test, mock, "");
	KUNIT_EXPECT_FALSE(test, mock->running);
	release_in(&r, 0);
	KUNIT_EXPECT_TRUE(test, soon(&mock->running));
	release_end(&r);
	core_mock_expect(test, mock, "clR");
	KUNIT_EXPECT_EQ(test, mock->state, 0xa);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_status(test, &a, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	KUNIT_EXPECT_EQ(test, st.failed, 0);
	/* it was not stopped for others */
	KUNIT_EXPECT_EQ(test, st.preempted, 0);
	vgpu_instance_get_info(a.inst, inst);
	KUNIT_EXPECT_EQ(test, inst->faults, 0);
	info = info_of(test, mock);
	KUNIT_EXPECT_EQ(test, info->paging.faults, 1);
	KUNIT_EXPECT_EQ(test, info->paging.restores, 1);
	KUNIT_EXPECT_EQ(test, info->paging.resident, 0x10000);
	core_tenant_close(test, &a);
	core_tenant_close(test, &b);
	info = info_of(test, mock);
	KUNIT_EXPECT_EQ(test, info->paging.resident, 0);
	KUNIT_EXPECT_EQ(test, info->paging.evicted, 0);
	core_mock_destroy(mock);
}

static void a_wild_address_stays_a_fault(struct kunit *test)
{
	struct core_mock *mock = paged(test);
	struct vgpu_queue_status st;
	struct core_tenant t;

	core_tenant_open(test, mock, &t, 0);
	core_tenant_fill(&t, 1);
	core_mock_fault(mock, TENANT_VA + 0x100000, true);
	KUNIT_EXPECT_TRUE(test, soon_failed(&t));
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.error, -EFAULT);
	KUNIT_EXPECT_EQ(test, st.fault_va, TENANT_VA + 0x100000);
	/* one that can't be restarted is not looked into */
	core_tenant_fill(&t, 2);
	core_mock_fault(mock, TENANT_VA, false);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.failed, 2);
	core_tenant_fill(&t, 3);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	KUNIT_EXPECT_EQ(test, st.failed, 2);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* Its context's other queue goes on, and not before the memory is there. */
static void closed_while_it_waits(struct kunit *test)
{
	struct core_mock *mock = paged(test);
	struct vgpu_queue_create queue = { };
	struct vgpu_close close = { };
	struct vgpu_queue_status st;
	struct core_tenant t;
	struct release r;

	core_tenant_open(test, mock, &t, 0);
	queue.ctx = t.ctx;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t.client,
					       VGPU_CALL_QUEUE_CREATE, &queue,
					       NULL, 0), 0);
	core_tenant_fill(&t, 1);
	close.handle = t.queue;
	t.queue = queue.handle;
	core_tenant_fill(&t, 2);
	core_mock_expect(test, mock, "cr");
	hold_next(&r, mock);
	core_mock_fault(mock, TENANT_VA, true);
	KUNIT_EXPECT_TRUE(test, soon(&mock->held));
	release_in(&r, 100);
	KUNIT_EXPECT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_CLOSE,
					       &close, NULL, 0), 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&r.hold));
	release_end(&r);
	KUNIT_EXPECT_TRUE(test, soon(&mock->running));
	core_mock_expect(test, mock, "r");
	KUNIT_EXPECT_EQ(test, mock->job.fill.pattern, 2);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.completed, 1);
	KUNIT_EXPECT_EQ(test, st.failed, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* It was to end when it faulted: that it was evicted is no fault of its. */
static void out_of_time_when_it_faults(struct kunit *test)
{
	struct core_mock *mock = paged(test);
	struct vgpu_instance_info *inst;
	struct vgpu_queue_status st;
	struct vgpu_gpu_info *info;
	struct core_tenant t;
	int i;

	inst = kunit_kzalloc(test, sizeof(*inst), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, inst);
	core_tenant_open(test, mock, &t, 1);
	core_tenant_fill(&t, 1);
	WRITE_ONCE(mock->clock, mock->clock + NSEC_PER_SEC);
	for (i = 0; i < 500 && READ_ONCE(mock->logged) < 3; i++)
		msleep(20);
	core_mock_expect(test, mock, "crp");
	core_mock_fault(mock, TENANT_VA, true);
	core_tenant_status(test, &t, &st);
	KUNIT_EXPECT_EQ(test, st.failed, 1);
	KUNIT_EXPECT_EQ(test, st.error, -ETIME);
	KUNIT_EXPECT_EQ(test, st.fault_va, 0);
	vgpu_instance_get_info(t.inst, inst);
	KUNIT_EXPECT_EQ(test, inst->faults, 0);
	info = info_of(test, mock);
	KUNIT_EXPECT_EQ(test, info->paging.faults, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static void unplugged_while_it_waits(struct kunit *test)
{
	struct core_mock *mock = paged(test);
	struct core_tenant t;
	struct release r;

	core_tenant_open(test, mock, &t, 0);
	core_tenant_fill(&t, 1);
	hold_next(&r, mock);
	core_mock_fault(mock, TENANT_VA, true);
	KUNIT_EXPECT_TRUE(test, soon(&mock->held));
	release_in(&r, 100);
	vgpu_gpu_unregister(mock->gpu);
	mock->gpu = NULL;
	KUNIT_EXPECT_TRUE(test, completion_done(&r.hold));
	release_end(&r);
	KUNIT_EXPECT_EQ(test, core_tenant_fill(&t, 2), -ENODEV);
	vgpu_client_close(t.client);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(t.inst), -ENODEV);
	vgpu_instance_put(t.inst);
	core_mock_destroy(mock);
}

static void no_more_than_was_promised(struct kunit *test)
{
	struct vgpu_instance_params params = { .type = "8g.8m" };
	struct core_mock *mock = core_mock_create_mmu(test);
	struct vgpu_instance *a, *b;
	struct vgpu_gpu_info *info;
	u32 was = 0;

	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 999, NULL),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 8001, NULL),
			-ERANGE);
	a = vgpu_instance_create(mock->gpu, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a));
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_instance_create(mock->gpu, &params)),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 2500, &was),
			0);
	KUNIT_EXPECT_EQ(test, was, 1000);
	b = vgpu_instance_create(mock->gpu, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b));
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_instance_create(mock->gpu, &params)),
			-ENOSPC);
	info = info_of(test, mock);
	KUNIT_EXPECT_EQ(test, info->vram_committed, 2 * CORE_MOCK_BYTES);
	/* a sixteenth is kept for frames, at least one MiB */
	KUNIT_EXPECT_EQ(test, info->paging.frames, 16);
	/* twice the memory is promised: less is refused, and changes nothing */
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 1999, &was),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, was, 2500);
	info = info_of(test, mock);
	KUNIT_EXPECT_EQ(test, info->overcommit_permille, 2500);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 2000, NULL),
			0);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(b), 0);
	vgpu_instance_put(b);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 1000, NULL),
			0);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(a), 0);
	vgpu_instance_put(a);
	core_mock_destroy(mock);

	/* one that can't go on after a fault */
	mock = core_mock_create(test, 0);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 2000, NULL),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 1000, NULL),
			0);
	core_mock_destroy(mock);
}

/* Memory that can't be evicted was charged before there was a share. */
static void fixed_memory_refuses_a_ratio(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_mmu(test);
	struct vgpu_bo_create bo = { .bytes = 0xc0000 };
	struct vgpu_instance_set set = {
		.mask = VGPU_SET_VRAM, .vram_bytes = 0xe0000,
	};
	struct vgpu_refusal why = { };
	struct core_tenant t;
	u32 was;

	core_tenant_open(test, mock, &t, 0);
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t.client, VGPU_CALL_BO_CREATE,
					       &bo, NULL, 0), 0);
	/* three quarters of the quota are more than half of it */
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 2000, NULL),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 1050, &was),
			0);
	KUNIT_EXPECT_EQ(test, was, 1000);
	/* a lower quota is a lower share */
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(t.inst, &set, &why), -EBUSY);
	KUNIT_EXPECT_TRUE(test, strstr(why.text, "cannot be evicted"));
	set.vram_bytes = 0x100000;
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(t.inst, &set, &why), 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

static struct kunit_case core_paging_cases[] = {
	KUNIT_CASE(the_others_run_meanwhile),
	KUNIT_CASE(a_wild_address_stays_a_fault),
	KUNIT_CASE(closed_while_it_waits),
	KUNIT_CASE(out_of_time_when_it_faults),
	KUNIT_CASE(unplugged_while_it_waits),
	KUNIT_CASE(no_more_than_was_promised),
	KUNIT_CASE(fixed_memory_refuses_a_ratio),
	{}
};

static struct kunit_suite core_paging_suite = {
	.name = "vgpu_core_paging",
	.test_cases = core_paging_cases,
};

kunit_test_suite(core_paging_suite);
