// SPDX-License-Identifier: GPL-2.0
/*
 * Fences for others, on an engine that does what the test says: also nothing at all.
 */
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sync_file.h>
#include "core/core_priv.h"
#include "mem/mem_priv.h"
#include "core_mock.h"

#define MS		20		/* that a submission has */
#define VA		(TENANT_VA + (1U << 20))

struct rig {
	struct core_mock *mock;
	struct core_tenant t;
	u32 queue;
};

static u32 call(struct kunit *test, struct rig *r, u32 number, void *arg,
		u32 *handle)
{
	KUNIT_ASSERT_EQ(test, vgpu_client_call(r->t.client, number, arg, NULL, 0),
			0);
	return handle ? *handle : 0;
}

/* A table on its way is a fault, which nobody waits for before a fence. */
static void tables_stay(struct kunit *test, struct rig *r, u32 vm)
{
	struct vgpu_obj *obj = xa_load(&r->t.client->objs, vm);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_TRUE(test, container_of(obj, struct vgpu_vm_obj, obj)->as->tables_stay);
}

static void rig_open(struct kunit *test, struct rig *r)
{
	struct vgpu_vm_create vm = { .flags = VGPU_VM_PINNED };
	struct vgpu_queue_create queue = {
		.flags = VGPU_QUEUE_FENCED, .fence_ms = MS,
		.time_limit_us = MS * USEC_PER_MSEC,
	};
	struct vgpu_vm_map map = { .prot = VGPU_PROT_WRITE, .va = VA,
				   .bytes = PAGE_SIZE };
	struct vgpu_ctx_create ctx = { };

	r->mock = core_mock_create(test, VGPU_HW_PREEMPT | VGPU_HW_SAVE);
	core_tenant_open(test, r->mock, &r->t, 0);
	map.vm = call(test, r, VGPU_CALL_VM_CREATE, &vm, &vm.handle);
	tables_stay(test, r, map.vm);
	map.bo = r->t.bo;
	call(test, r, VGPU_CALL_VM_MAP, &map, NULL);
	ctx.vm = map.vm;
	queue.ctx = call(test, r, VGPU_CALL_CTX_CREATE, &ctx, &ctx.handle);
	r->queue = call(test, r, VGPU_CALL_QUEUE_CREATE, &queue, &queue.handle);
}

static void rig_close(struct kunit *test, struct rig *r)
{
	core_tenant_close(test, &r->t);
	core_mock_destroy(r->mock);
}

/* @count fills with a fence. */
static struct file *submit(struct kunit *test, struct rig *r, u32 count)
{
	struct vgpu_submit arg = { .queue = r->queue, .count = count,
				   .flags = VGPU_SUBMIT_FENCE };
	struct vgpu_cmd cmds[3] = { };
	struct file *file;
	u32 i;

	for (i = 0; i < count; i++) {
		cmds[i].op = VGPU_CMD_FILL;
		cmds[i].fill.dst = VA;
		cmds[i].fill.bytes = 64;
	}
	file = vgpu_client_submit_fenced(r->t.client, &arg, cmds,
					 count * sizeof(*cmds));
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static struct dma_fence *fence_of(struct file *file)
{
	return ((struct sync_file *)file->private_data)->fence;
}

/* It is signalled within a minute: 1, or its error. */
static int outcome(struct file *file)
{
	long left = dma_fence_wait_timeout(fence_of(file), false, 60 * HZ);

	return left > 0 ? dma_fence_get_status(fence_of(file)) : 0;
}

/* The engine's answer signals it, in the middle of whatever was interrupted. */
static void by_the_engine(struct kunit *test)
{
	struct file *file;
	struct rig r;

	rig_open(test, &r);
	file = submit(test, &r, 2);
	core_mock_answer(r.mock, VGPU_HW_DONE, 100, 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence_of(file)));
	core_mock_answer(r.mock, VGPU_HW_DONE, 100, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence_of(file)));
	KUNIT_EXPECT_EQ(test, dma_fence_get_status(fence_of(file)), 1);
	fput(file);
	rig_close(test, &r);
}

/* One that neither ends nor stops: the engine is reset, and what is behind never begins. */
static void of_an_engine_that_hangs(struct kunit *test)
{
	struct file *file, *later;
	struct rig r;

	rig_open(test, &r);
	KUNIT_ASSERT_EQ(test, core_mock_set(r.mock, NULL, 0, NSEC_PER_MSEC), 0);
	file = submit(test, &r, 3);
	KUNIT_EXPECT_EQ(test, outcome(file), -ETIMEDOUT);
	core_mock_expect(test, r.mock, "crpX");
	KUNIT_EXPECT_FALSE(test, r.mock->running);
	fput(file);
	/* and what comes later does */
	later = submit(test, &r, 1);
	KUNIT_EXPECT_TRUE(test, r.mock->running);
	core_mock_answer(r.mock, VGPU_HW_DONE, 100, 0);
	KUNIT_EXPECT_EQ(test, outcome(later), 1);
	fput(later);
	rig_close(test, &r);
}

/* Another queue of the vGPU has the engine, and keeps it: that one is not touched. */
static void behind_another_queue(struct kunit *test)
{
	struct vgpu_queue_status status;
	struct file *file;
	struct rig r;

	rig_open(test, &r);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&r.t, 1), 0);
	KUNIT_EXPECT_TRUE(test, r.mock->running);
	file = submit(test, &r, 2);
	KUNIT_EXPECT_EQ(test, outcome(file), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, r.mock->running);
	core_mock_answer(r.mock, VGPU_HW_DONE, 100, 0);
	KUNIT_EXPECT_FALSE(test, r.mock->running);
	core_tenant_status(test, &r.t, &status);
	KUNIT_EXPECT_EQ(test, status.completed, 1);
	fput(file);
	rig_close(test, &r);
}

static struct kunit_case fence_cases[] = {
	KUNIT_CASE(by_the_engine),
	KUNIT_CASE(of_an_engine_that_hangs),
	KUNIT_CASE(behind_another_queue),
	{}
};

static struct kunit_suite fence_suite = {
	.name = "vgpu_core_fence",
	.test_cases = fence_cases,
};

kunit_test_suite(fence_suite);
