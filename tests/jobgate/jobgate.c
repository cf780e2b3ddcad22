// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU that can do next to nothing: copies and fills its own memory, one job
 * at a time, and cannot be stopped midway.  No preemption, no saved state, no
 * page tables, no programs, no PCI.  It stands for the backends that only
 * admit jobs and wait, and keeps the contract from being shaped by one GPU.
 *
 * A job is done by a work item; then a timer lets the modelled time pass and
 * answers from its hard interrupt, as hardware would.
 *
 * Addresses are VRAM addresses.  The core checks them; so does this.
 */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <vgpu/kunit.h>

#include "../../drivers/vgpu/compat/hrtimer.h"
#include "jobgate.h"

static unsigned int vram_mb = 16;
module_param(vram_mb, uint, 0444);
MODULE_PARM_DESC(vram_mb, "memory, MiB, even, 2 to 1024 (default 16)");

static unsigned int delay_us = 1000;
module_param(delay_us, uint, 0644);
MODULE_PARM_DESC(delay_us, "engine time that each job takes at least, us, up to 10^6 (default 1000)");

static unsigned int copy_mbps = 1000;
module_param(copy_mbps, uint, 0644);
MODULE_PARM_DESC(copy_mbps, "bandwidth, MB/s of engine time (default 1000)");

enum gate_state {
	GATE_STOPPED,
	GATE_RUNNING,
	GATE_KILLED,	/* reset() waits for the job to go away */
};

/**
 * struct gate - the GPU
 * @pages: its memory
 * @bytes: length of that
 * @desc: what it is
 * @handle: from vgpu_gpu_register()
 * @sink: takes events instead of @handle, in tests
 * @sink_arg: for @sink
 * @lock: protects @state, @job, @clock
 * @state: of the one engine
 * @job: in progress
 * @event: what will be answered
 * @clock: engine time, ns
 * @work: does the job
 * @timer: answers
 */
struct gate {
	struct page **pages;
	u64 bytes;
	struct vgpu_hw_desc desc;
	struct vgpu_gpu *handle;
	vgpu_test_sink_t sink;
	void *sink_arg;
	spinlock_t lock;	/* see above */
	enum gate_state state;
	struct vgpu_hw_job job;
	struct vgpu_hw_event event;
	u64 clock;
	struct work_struct work;
	struct hrtimer timer;
};

static struct device *gate_dev;
static struct gate *gate_gpu;

static u8 *gate_ptr(struct gate *g, u64 addr)
{
	return (u8 *)page_address(g->pages[addr >> PAGE_SHIFT]) +
	       offset_in_page(addr);
}

static bool gate_stopping(struct gate *g)
{
	return READ_ONCE(g->state) != GATE_RUNNING;
}

static bool in_vram(struct gate *g, u64 addr, u64 bytes)
{
	return addr < g->bytes && bytes <= g->bytes - addr;
}

static int gate_fault(struct gate *g, u64 addr, u32 access)
{
	g->event.fault_va = addr;
	g->event.fault_access = access;
	return -EFAULT;
}

static int gate_copy(struct gate *g, const struct vgpu_cmd_copy *copy)
{
	u64 done, part;

	if (!in_vram(g, copy->src, copy->bytes))
		return gate_fault(g, copy->src, VGPU_PROT_READ);
	if (!in_vram(g, copy->dst, copy->bytes))
		return gate_fault(g, copy->dst, VGPU_PROT_WRITE);
	for (done = 0; done < copy->bytes && !gate_stopping(g); done += part) {
		part = min3(copy->bytes - done,
			    PAGE_SIZE - (u64)offset_in_page(copy->src + done),
			    PAGE_SIZE - (u64)offset_in_page(copy->dst + done));
		memmove(gate_ptr(g, copy->dst + done),
			gate_ptr(g, copy->src + done), part);
		cond_resched();
	}
	g->event.bytes = done;
	return 0;
}

static int gate_fill(struct gate *g, const struct vgpu_cmd_fill *fill)
{
	u64 done, part;

	if ((fill->dst | fill->bytes) & 3)
		return -EINVAL;
	if (!in_vram(g, fill->dst, fill->bytes))
		return gate_fault(g, fill->dst, VGPU_PROT_WRITE);
	for (done = 0; done < fill->bytes && !gate_stopping(g); done += part) {
		part = min(fill->bytes - done,
			   PAGE_SIZE - (u64)offset_in_page(fill->dst + done));
		memset32((u32 *)gate_ptr(g, fill->dst + done), fill->pattern,
			 part / 4);
		cond_resched();
	}
	g->event.bytes = done;
	return 0;
}

static void gate_work(struct work_struct *work)
{
	struct gate *g = container_of(work, struct gate, work);
	struct vgpu_hw_event *ev = &g->event;

	memset(ev, 0, sizeof(*ev));
	ev->cookie = g->job.cookie;
	if (g->job.op == VGPU_CMD_COPY)
		ev->error = gate_copy(g, &g->job.copy);
	else if (g->job.op == VGPU_CMD_FILL)
		ev->error = gate_fill(g, &g->job.fill);
	else
		ev->error = -EOPNOTSUPP;
	ev->type = ev->error ? VGPU_HW_FAULT : VGPU_HW_DONE;
	ev->service = delay_us * 1000ULL;
	if (copy_mbps)
		ev->service += div_u64(ev->bytes * 1000, copy_mbps);
	hrtimer_start(&g->timer, ns_to_ktime(ev->service),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static enum hrtimer_restart gate_timer(struct hrtimer *timer)
{
	struct gate *g = container_of(timer, struct gate, timer);
	struct vgpu_hw_event ev = g->event;
	unsigned long flags;
	bool silent;

	spin_lock_irqsave(&g->lock, flags);
	silent = g->state != GATE_RUNNING;
	if (!silent) {
		g->state = GATE_STOPPED;
		WRITE_ONCE(g->clock, g->clock + ev.service);
	}
	spin_unlock_irqrestore(&g->lock, flags);

	if (silent)
		return HRTIMER_NORESTART;
	if (g->sink)
		g->sink(g->sink_arg, &ev);
	else
		vgpu_gpu_event(READ_ONCE(g->handle), &ev);
	return HRTIMER_NORESTART;
}

static void op_run(void *hw, unsigned int engine,
		   const struct vgpu_hw_job *job, bool resume)
{
	struct gate *g = hw;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	if (!WARN_ON_ONCE(g->state != GATE_STOPPED || resume)) {
		g->state = GATE_RUNNING;
		g->job = *job;
		queue_work(system_unbound_wq, &g->work);
	}
	spin_unlock_irqrestore(&g->lock, flags);
}

/* A job leaves nothing in the engine. */
static void op_clear(void *hw, unsigned int engine,
		     const struct vgpu_hw_ctx *ctx)
{
}

static int op_reset(void *hw, unsigned int engine)
{
	struct gate *g = hw;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	if (g->state == GATE_RUNNING)
		g->state = GATE_KILLED;
	spin_unlock_irqrestore(&g->lock, flags);
	cancel_work_sync(&g->work);
	hrtimer_cancel(&g->timer);
	spin_lock_irqsave(&g->lock, flags);
	g->state = GATE_STOPPED;
	spin_unlock_irqrestore(&g->lock, flags);
	return 0;
}

static u64 op_clock(void *hw, unsigned int engine)
{
	struct gate *g = hw;

	return READ_ONCE(g->clock);
}

static struct page *op_vram_page(void *hw, u64 addr)
{
	struct gate *g = hw;

	return g->pages[addr >> PAGE_SHIFT];
}

static void op_vram_clear(void *hw, u64 addr, u64 bytes)
{
	struct gate *g = hw;

	for (; bytes; addr += PAGE_SIZE, bytes -= PAGE_SIZE) {
		memset(gate_ptr(g, addr), 0, PAGE_SIZE);
		cond_resched();
	}
}

static const struct vgpu_backend_ops gate_ops = {
	.clear = op_clear,
	.run = op_run,
	.reset = op_reset,
	.clock = op_clock,
	.vram_page = op_vram_page,
	.vram_clear = op_vram_clear,
};

static void gate_destroy(struct gate *g)
{
	u64 i;

	op_reset(g, 0);
	for (i = 0; i < g->bytes >> PAGE_SHIFT && g->pages[i]; i++)
		__free_page(g->pages[i]);
	kvfree(g->pages);
	kfree(g);
}

static struct gate *gate_create(u64 bytes)
{
	struct gate *g = kzalloc(sizeof(*g), GFP_KERNEL);
	u64 i;

	if (!g)
		return NULL;
	spin_lock_init(&g->lock);
	INIT_WORK(&g->work, gate_work);
	vgpu_hrtimer_setup(&g->timer, gate_timer);
	g->pages = kvcalloc(bytes >> PAGE_SHIFT, sizeof(*g->pages),
			    GFP_KERNEL);
	if (!g->pages) {
		kfree(g);
		return NULL;
	}
	g->bytes = bytes;
	for (i = 0; i < bytes >> PAGE_SHIFT; i++) {
		g->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!g->pages[i]) {
			gate_destroy(g);
			return NULL;
		}
	}
	g->desc = (struct vgpu_hw_desc) {
		.name = "jobgate0",
		.driver = "vgpu_jobgate",
		.vram_bytes = bytes,
		.engines = 1,
		.units = 1,
		.max_lanes = 1,
		.max_instances = 8,
		.asids = 2,
		.numa_node = NUMA_NO_NODE,
	};
	return g;
}

#if IS_ENABLED(CONFIG_KUNIT)
static void *test_create(vgpu_test_sink_t sink, void *arg,
			 const struct vgpu_hw_desc **desc)
{
	struct gate *g = gate_create(8 << 20);

	if (!g)
		return NULL;
	g->sink = sink;
	g->sink_arg = arg;
	*desc = &g->desc;
	return g;
}

static void test_destroy(void *hw)
{
	gate_destroy(hw);
}

const struct vgpu_test_backend vgpu_jobgate_test_backend = {
	.name = "jobgate",
	.ops = &gate_ops,
	.create = test_create,
	.destroy = test_destroy,
};

VGPU_EXPORT_IF_KUNIT(vgpu_jobgate_test_backend);
#endif

static int __init gate_init(void)
{
	int err = -ENOMEM;

	if (vram_mb < 2 || vram_mb > 1024 || vram_mb & 1 ||
	    delay_us > 1000000) {
		pr_err("vgpu_jobgate: vram_mb=%u delay_us=%u: out of range\n",
		       vram_mb, delay_us);
		return -EINVAL;
	}
	gate_dev = root_device_register("vgpu_jobgate");
	if (IS_ERR(gate_dev))
		return PTR_ERR(gate_dev);
	gate_gpu = gate_create((u64)vram_mb << 20);
	if (!gate_gpu)
		goto dev;
	/* nobody can give it a job before this returns */
	gate_gpu->handle = vgpu_gpu_register(gate_dev, &gate_gpu->desc,
					     &gate_ops, gate_gpu, THIS_MODULE);
	if (IS_ERR(gate_gpu->handle)) {
		err = PTR_ERR(gate_gpu->handle);
		goto gpu;
	}
	return 0;

gpu:
	gate_destroy(gate_gpu);
dev:
	root_device_unregister(gate_dev);
	return err;
}

static void __exit gate_exit(void)
{
	vgpu_gpu_unregister(gate_gpu->handle);
	gate_destroy(gate_gpu);
	root_device_unregister(gate_dev);
}

module_init(gate_init);
module_exit(gate_exit);
MODULE_DESCRIPTION("vgpu: a GPU that only admits jobs, for tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VGPU);
