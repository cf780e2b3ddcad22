// SPDX-License-Identifier: GPL-2.0
/* The GPU and the tenants of core_mock.h. */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include "core_mock.h"

static void note(struct core_mock *mock, char what)
{
	if (mock->logged < sizeof(mock->log) - 1)
		mock->log[mock->logged++] = what;
}

static u32 mock_save(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		     void *buf)
{
	struct core_mock *mock = hw;

	note(mock, 's');
	memcpy(buf, &mock->state, sizeof(mock->state));
	return sizeof(mock->state);
}

static u32 mock_dirty(void *hw, unsigned int engine)
{
	return BIT(VGPU_SEC_GENERAL);
}

static void mock_load(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		      const void *buf, u32 bytes)
{
	struct core_mock *mock = hw;

	note(mock, 'l');
	if (bytes == sizeof(mock->state))
		memcpy(&mock->state, buf, bytes);
}

static void mock_clear(void *hw, unsigned int engine,
		       const struct vgpu_hw_ctx *ctx)
{
	struct core_mock *mock = hw;

	note(mock, 'c');
	mock->state = 0;
	mock->asid = ctx->asid;
}

static void mock_run(void *hw, unsigned int engine,
		     const struct vgpu_hw_job *job, bool resume)
{
	struct core_mock *mock = hw;

	note(mock, resume ? 'R' : 'r');
	mock->job = *job;
	mock->running = true;
	if (!resume)
		mock->state = job->fill.pattern;
}

static void mock_preempt(void *hw, unsigned int engine)
{
	note(hw, 'p');
}

static int mock_reset(void *hw, unsigned int engine)
{
	struct core_mock *mock = hw;

	note(mock, 'X');
	mock->running = false;
	return 0;
}

static u64 mock_clock(void *hw, unsigned int engine)
{
	struct core_mock *mock = hw;

	return READ_ONCE(mock->clock);
}

static struct page *mock_page(void *hw, u64 addr)
{
	struct core_mock *mock = hw;

	return mock->pages[addr >> PAGE_SHIFT];
}

static void mock_vram_clear(void *hw, u64 addr, u64 bytes)
{
	u64 end = addr + bytes;

	for (; addr < end; addr += PAGE_SIZE)
		clear_highpage(mock_page(hw, addr));
}

struct core_mock *core_mock_create(struct kunit *test, u64 caps)
{
	unsigned long i, pages = CORE_MOCK_BYTES >> PAGE_SHIFT;
	struct core_mock *mock;

	mock = kunit_kzalloc(test, sizeof(*mock), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mock);
	mock->pages = kunit_kcalloc(test, pages, sizeof(*mock->pages),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mock->pages);
	for (i = 0; i < pages; i++) {
		mock->pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, mock->pages[i]);
	}
	mock->ops = (struct vgpu_backend_ops) {
		.save = mock_save,
		.dirty = mock_dirty,
		.load = mock_load,
		.clear = mock_clear,
		.run = mock_run,
		.preempt = mock_preempt,
		.reset = mock_reset,
		.clock = mock_clock,
		.vram_page = mock_page,
		.vram_clear = mock_vram_clear,
	};
	mock->desc = (struct vgpu_hw_desc) {
		.name = "mock",
		.driver = "mock",
		.caps = caps,
		.vram_bytes = CORE_MOCK_BYTES,
		.engines = 1,
		.units = 1,
		.max_lanes = 1,
		.max_instances = 8,
		.section_bytes[VGPU_SEC_GENERAL] = sizeof(mock->state),
		.asids = 16,
		.numa_node = NUMA_NO_NODE,
	};
	mock->pdev = platform_device_register_simple("vgpu_core_mock", -1, NULL,
						     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mock->pdev));
	mock->dev = &mock->pdev->dev;
	mock->gpu = vgpu_gpu_register(mock->dev, &mock->desc, &mock->ops, mock,
				      THIS_MODULE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mock->gpu));
	return mock;
}

void core_mock_destroy(struct core_mock *mock)
{
	unsigned long i;

	if (mock->gpu)
		vgpu_gpu_unregister(mock->gpu);
	platform_device_unregister(mock->pdev);
	for (i = 0; i < CORE_MOCK_BYTES >> PAGE_SHIFT; i++)
		__free_page(mock->pages[i]);
}

void core_mock_answer(struct core_mock *mock, enum vgpu_hw_event_type type,
		      u64 ns, int error)
{
	struct vgpu_hw_event ev = {
		.type = type,
		.cookie = mock->job.cookie,
		.service = ns,
		.error = error,
	};

	WRITE_ONCE(mock->clock, mock->clock + ns);
	mock->running = false;
	vgpu_gpu_event(mock->gpu, &ev);
}

void core_mock_expect(struct kunit *test, struct core_mock *mock,
		      const char *want)
{
	mock->log[mock->logged] = 0;
	KUNIT_EXPECT_STREQ(test, (const char *)mock->log, want);
	mock->logged = 0;
}

void core_tenant_open(struct kunit *test, struct core_mock *mock,
		      struct core_tenant *t, u64 time_limit_us)
{
	struct vgpu_instance_params params = { .type = "1g.1m" };
	struct vgpu_client_params client = { .holder = "kunit" };
	struct vgpu_bo_create bo = { .bytes = PAGE_SIZE };
	struct vgpu_queue_create queue = { .time_limit_us = time_limit_us };
	struct vgpu_vm_create vm = { };
	struct vgpu_ctx_create ctx = { };
	struct vgpu_vm_map map = {
		.va = TENANT_VA, .bytes = PAGE_SIZE,
		.prot = VGPU_PROT_READ | VGPU_PROT_WRITE,
	};

	t->inst = vgpu_instance_create(mock->gpu, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->inst));
	KUNIT_ASSERT_EQ(test, vgpu_instance_verb(t->inst, VGPU_VERB_START), 0);
	t->client = vgpu_client_open(t->inst, &client);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->client));
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_BO_CREATE,
					       &bo, NULL, 0), 0);
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_VM_CREATE,
					       &vm, NULL, 0), 0);
	map.vm = vm.handle;
	map.bo = bo.handle;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_VM_MAP,
					       &map, NULL, 0), 0);
	ctx.vm = vm.handle;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client, VGPU_CALL_CTX_CREATE,
					       &ctx, NULL, 0), 0);
	queue.ctx = ctx.handle;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client,
					       VGPU_CALL_QUEUE_CREATE, &queue,
					       NULL, 0), 0);
	t->vm = vm.handle;
	t->bo = bo.handle;
	t->ctx = ctx.handle;
	t->queue = queue.handle;
}

void core_tenant_close(struct kunit *test, struct core_tenant *t)
{
	vgpu_client_close(t->client);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(t->inst), 0);
	vgpu_instance_put(t->inst);
}

int core_tenant_fill(struct core_tenant *t, u32 pattern)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = TENANT_VA, .bytes = 64, .pattern = pattern },
	};
	struct vgpu_submit submit = { .queue = t->queue, .count = 1 };

	return vgpu_client_call(t->client, VGPU_CALL_SUBMIT, &submit, &cmd,
				sizeof(cmd));
}

void core_tenant_status(struct kunit *test, struct core_tenant *t,
			struct vgpu_queue_status *status)
{
	memset(status, 0, sizeof(*status));
	status->queue = t->queue;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(t->client,
					       VGPU_CALL_QUEUE_STATUS, status,
					       NULL, 0), 0);
}
