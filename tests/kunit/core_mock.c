// SPDX-License-Identifier: GPL-2.0
/* The GPU and the tenants of core_mock.h. */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include "core_mock.h"

static void note(struct core_mock *mock, unsigned int engine, char what)
{
	if (mock->logged < sizeof(mock->log) - 2)
		mock->log[mock->logged++] = what;
	if (engine && mock->logged < sizeof(mock->log) - 1)
		mock->log[mock->logged++] = '0' + engine;
}

static u64 *state_of(struct core_mock *mock, unsigned int engine)
{
	return engine ? &mock->other[engine].state : &mock->state;
}

static bool *running_of(struct core_mock *mock, unsigned int engine)
{
	return engine ? &mock->other[engine].running : &mock->running;
}

static struct vgpu_hw_job *job_of(struct core_mock *mock, unsigned int engine)
{
	return engine ? &mock->other[engine].job : &mock->job;
}

static u32 mock_save(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		     void *buf)
{
	struct core_mock *mock = hw;

	note(mock, engine, 's');
	memcpy(buf, state_of(mock, engine), sizeof(mock->state));
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

	if (engine == VGPU_HW_SPARE) {
		mock->spare_state = *(const u64 *)buf;
		note(mock, 0, 'L');
		return;
	}
	note(mock, engine, 'l');
	if (bytes == sizeof(mock->state))
		memcpy(state_of(mock, engine), buf, bytes);
}

static void mock_clear(void *hw, unsigned int engine,
		       const struct vgpu_hw_ctx *ctx)
{
	struct core_mock *mock = hw;

	if (engine == VGPU_HW_SPARE) {
		mock->spare_state = 0;
		note(mock, 0, 'C');
		return;
	}
	note(mock, engine, 'c');
	*state_of(mock, engine) = 0;
	if (!engine)
		mock->asid = ctx->asid;
}

static void mock_flip(void *hw, unsigned int engine)
{
	struct core_mock *mock = hw;

	note(mock, engine, 'f');
	swap(mock->state, mock->spare_state);
}

static void mock_run(void *hw, unsigned int engine,
		     const struct vgpu_hw_job *job, bool resume)
{
	struct core_mock *mock = hw;

	note(mock, engine, resume ? 'R' : 'r');
	if (*running_of(mock, engine) ||
	    (mock->ops.set_units && !mock->other[engine].units))
		mock->wrong++;
	*job_of(mock, engine) = *job;
	*running_of(mock, engine) = true;
	if (!resume)
		*state_of(mock, engine) = job->fill.pattern;
}

static void mock_preempt(void *hw, unsigned int engine)
{
	note(hw, engine, 'p');
}

static int mock_reset(void *hw, unsigned int engine)
{
	struct core_mock *mock = hw;

	note(mock, engine, 'X');
	*running_of(mock, engine) = false;
	return mock->fail_reset ? -EIO : 0;
}

/* Believes nothing: what must never be asked for is counted. */
static int mock_set_units(void *hw, unsigned int engine, u64 mask)
{
	struct core_mock *mock = hw;
	unsigned int i;

	note(mock, engine, 'u');
	if (mock->fail_units && !--mock->fail_units)
		return -EIO;
	if (*running_of(mock, engine) ||
	    (!mask && engine < mock->desc.engines))
		mock->wrong++;
	for (i = 0; i < VGPU_MAX_ENGINES; i++)
		if (i != engine && mask & mock->other[i].units)
			mock->wrong++;
	mock->other[engine].units = mask;
	*state_of(mock, engine) = 0;
	return 0;
}

static u64 mock_clock(void *hw, unsigned int engine)
{
	struct core_mock *mock = hw;

	WRITE_ONCE(mock->clock_reads, mock->clock_reads + 1);
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

/* An MMU that nobody walks: the tests say when there is a fault. */
static u64 mock_pte(u64 addr, u32 prot, bool host, unsigned int level)
{
	return addr | 1;
}

static u64 mock_pde(u64 addr)
{
	return addr | 2;
}

static const struct vgpu_pt_format mock_format = {
	.name = "mock",
	.levels = 4,
	.bits = { 9, 9, 9, 9 },
	.page_shift = 12,
	.large_levels = 0x3,
	.pte = mock_pte,
	.pde = mock_pde,
};

static void mock_pte_write(void *hw, const struct vgpu_hw_pte *ptes,
			   unsigned int count)
{
	struct core_mock *mock = hw;
	struct completion *hold = READ_ONCE(mock->hold);
	unsigned int i;

	if (hold) {
		WRITE_ONCE(mock->held, true);
		wait_for_completion_timeout(hold, 10 * HZ);
	}
	for (i = 0; i < count; i++)
		*(u64 *)(page_address(mock_page(hw, ptes[i].addr)) +
			 offset_in_page(ptes[i].addr)) = ptes[i].value;
}

static void mock_tlb_invalidate(void *hw, u32 asid, u64 va, u64 bytes)
{
}

static void mock_tlb_sync(void *hw)
{
}

static struct core_mock *create(struct kunit *test, u64 caps,
				unsigned int engines, unsigned int units,
				unsigned int spare)
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
		.engines = engines,
		.units = units,
		.spare_engines = spare,
		.max_lanes = 1,
		.max_instances = 8,
		.section_bytes[VGPU_SEC_GENERAL] = sizeof(mock->state),
		.asids = 16,
		.numa_node = NUMA_NO_NODE,
	};
	if (spare)
		mock->ops.set_units = mock_set_units;
	if (caps & VGPU_HW_BANK)
		mock->ops.flip = mock_flip;
	if (caps & VGPU_HW_MMU) {
		mock->ops.pte_write = mock_pte_write;
		mock->ops.tlb_invalidate = mock_tlb_invalidate;
		mock->ops.tlb_sync = mock_tlb_sync;
		mock->desc.format = &mock_format;
	}
	for (i = 0; i < engines; i++)
		mock->other[i].units = GENMASK_ULL(units - 1, 0) << i * units;
	mock->pdev = platform_device_register_simple("vgpu_core_mock", -1, NULL,
						     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mock->pdev));
	mock->dev = &mock->pdev->dev;
	mock->gpu = vgpu_gpu_register(mock->dev, &mock->desc, &mock->ops, mock,
				      THIS_MODULE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mock->gpu));
	return mock;
}

struct core_mock *core_mock_create(struct kunit *test, u64 caps)
{
	return create(test, caps, 1, 1, 0);
}

struct core_mock *core_mock_create_mmu(struct kunit *test)
{
	return core_mock_create(test, VGPU_HW_PREEMPT | VGPU_HW_SAVE |
				      VGPU_HW_MMU | VGPU_HW_RESTART);
}

struct core_mock *core_mock_create_units(struct kunit *test,
					 unsigned int engines,
					 unsigned int units,
					 unsigned int spare)
{
	return create(test, VGPU_HW_PREEMPT | VGPU_HW_SAVE | VGPU_HW_UNITS,
		      engines, units, spare);
}

int core_mock_set(struct core_mock *mock, const char *policy, u64 slice_ns,
		  u64 preempt_timeout_ns)
{
	const struct vgpu_gpu_set set = {
		.mask = (policy ? VGPU_GPU_SET_POLICY : 0) |
			(slice_ns ? VGPU_GPU_SET_SLICE : 0) |
			(preempt_timeout_ns ? VGPU_GPU_SET_TIMEOUT : 0),
		.policy = policy,
		.slice_ns = slice_ns,
		.preempt_timeout_ns = preempt_timeout_ns,
	};

	return vgpu_gpu_set(mock->gpu, &set, NULL);
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

void core_mock_answer_on(struct core_mock *mock, unsigned int engine,
			 enum vgpu_hw_event_type type, u64 ns, int error)
{
	struct vgpu_hw_event ev = {
		.type = type,
		.engine = engine,
		.cookie = job_of(mock, engine)->cookie,
		.service = ns,
		.error = error,
	};

	WRITE_ONCE(mock->clock, mock->clock + ns);
	*running_of(mock, engine) = false;
	vgpu_gpu_event(mock->gpu, &ev);
}

void core_mock_answer(struct core_mock *mock, enum vgpu_hw_event_type type,
		      u64 ns, int error)
{
	core_mock_answer_on(mock, 0, type, ns, error);
}

void core_mock_fault(struct core_mock *mock, u64 va, bool restart)
{
	struct vgpu_hw_event ev = {
		.type = VGPU_HW_FAULT,
		.cookie = mock->job.cookie,
		.error = -EFAULT,
		.fault_va = va,
		.fault_access = VGPU_PROT_WRITE,
		.restart = restart,
	};

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

	t->inst = vgpu_instance_create(mock->gpu, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->inst));
	core_tenant_start(test, t, time_limit_us);
}

void core_tenant_start(struct kunit *test, struct core_tenant *t,
		       u64 time_limit_us)
{
	struct vgpu_client_params client = { .holder = "kunit" };
	struct vgpu_bo_create bo = { .bytes = PAGE_SIZE };
	struct vgpu_queue_create queue = { .time_limit_us = time_limit_us };
	struct vgpu_vm_create vm = { };
	struct vgpu_ctx_create ctx = { };
	struct vgpu_vm_map map = {
		.va = TENANT_VA, .bytes = PAGE_SIZE,
		.prot = VGPU_PROT_READ | VGPU_PROT_WRITE,
	};

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

void core_tenant_shut(struct core_tenant *t)
{
	vgpu_client_close(t->client);
}

void core_tenant_close(struct kunit *test, struct core_tenant *t)
{
	core_tenant_shut(t);
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
