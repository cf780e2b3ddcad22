// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu's core: the engine is registered as a GPU, each tenant is an instance with
 * one client and one queue.  A job is a fill, which says how long it takes and
 * whose it is, and a signal, which tells its owner.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <vgpu/backend.h>
#include <vgpu/face.h>

#include "peer.h"

#define VRAM_BYTES	(16ULL << 20)
#define VRAM_PAGES	(VRAM_BYTES >> PAGE_SHIFT)
#define BO_VA		BIT_ULL(20)

struct vgpu_side {
	struct vgpu_gpu *gpu;
	struct vgpu_hw_desc desc;
	struct page **pages;
	u64 cookie;
	unsigned int tenant;		/* whose job is on the engine */
	u64 left;			/* the state: what it still needs */
};

struct vgpu_tenant {
	struct peer_run *run;
	unsigned int n;
	struct vgpu_instance *inst;
	struct vgpu_client *client;
	u32 queue, timeline;
};

/* --- backend ------------------------------------------------------------- */

static void vgpu_answer(struct peer_hw *hw, u64 service, u64 left)
{
	struct peer_run *run = hw->priv;
	struct vgpu_side *side = run->priv;
	struct vgpu_hw_event ev = {
		.type = left ? VGPU_HW_PREEMPTED : VGPU_HW_DONE,
		.cookie = side->cookie,
		.service = service,
	};

	run->tenant[side->tenant].busy_ns += service;
	side->left = left;
	vgpu_gpu_event(side->gpu, &ev);
}

static void op_run(void *hw, unsigned int engine,
		   const struct vgpu_hw_job *job, bool resume)
{
	struct peer_run *run = hw;
	struct vgpu_side *side = run->priv;

	side->cookie = job->cookie;
	side->tenant = job->fill.bytes / 4 - 1;
	if (!resume) {
		side->left = job->fill.pattern;
		peer_started(run, side->tenant);
	}
	peer_hw_start(&run->hw, side->left);
}

static void op_preempt(void *hw, unsigned int engine)
{
	struct peer_run *run = hw;

	peer_hw_stop(&run->hw);
}

static u32 op_save(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		   void *buf)
{
	struct peer_run *run = hw;
	struct vgpu_side *side = run->priv;

	memcpy(buf, &side->left, sizeof(side->left));
	return sizeof(side->left);
}

static u32 op_dirty(void *hw, unsigned int engine)
{
	return BIT(VGPU_SEC_GENERAL);
}

static void op_load(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes)
{
	struct peer_run *run = hw;
	struct vgpu_side *side = run->priv;

	if (bytes == sizeof(side->left))
		memcpy(&side->left, buf, bytes);
}

static void op_clear(void *hw, unsigned int engine,
		     const struct vgpu_hw_ctx *ctx)
{
}

static int op_reset(void *hw, unsigned int engine)
{
	struct peer_run *run = hw;

	peer_hw_fini(&run->hw);
	return 0;
}

static u64 op_clock(void *hw, unsigned int engine)
{
	struct peer_run *run = hw;

	return peer_hw_clock(&run->hw);
}

static struct page *op_vram_page(void *hw, u64 addr)
{
	struct peer_run *run = hw;
	struct vgpu_side *side = run->priv;

	return side->pages[addr >> PAGE_SHIFT];
}

static void op_vram_clear(void *hw, u64 addr, u64 bytes)
{
	u64 end = addr + bytes;

	for (; addr < end; addr += PAGE_SIZE)
		clear_highpage(op_vram_page(hw, addr));
}

static const struct vgpu_backend_ops ops = {
	.save = op_save,
	.dirty = op_dirty,
	.load = op_load,
	.clear = op_clear,
	.run = op_run,
	.preempt = op_preempt,
	.reset = op_reset,
	.clock = op_clock,
	.vram_page = op_vram_page,
	.vram_clear = op_vram_clear,
};

static void pages_free(struct vgpu_side *side)
{
	u64 i;

	for (i = 0; side->pages && i < VRAM_PAGES; i++)
		if (side->pages[i])
			__free_page(side->pages[i]);
	kvfree(side->pages);
}

static int pages_alloc(struct vgpu_side *side)
{
	u64 i;

	side->pages = kvcalloc(VRAM_PAGES, sizeof(*side->pages), GFP_KERNEL);
	for (i = 0; side->pages && i < VRAM_PAGES; i++) {
		side->pages[i] = alloc_page(GFP_KERNEL);
		if (!side->pages[i])
			return -ENOMEM;
	}
	return side->pages ? 0 : -ENOMEM;
}

/* --- tenants ------------------------------------------------------------- */

static void timeline_moved(void *priv)
{
	struct vgpu_tenant *t = priv;

	peer_done(t->run, t->n);
}

static const struct vgpu_client_ops client_ops = {
	.timeline_moved = timeline_moved,
};

static void tenant_close(struct vgpu_tenant *t)
{
	if (!IS_ERR_OR_NULL(t->client))
		vgpu_client_close(t->client);
	if (!IS_ERR_OR_NULL(t->inst)) {
		vgpu_instance_destroy(t->inst);
		vgpu_instance_put(t->inst);
	}
	kfree(t);
}

static int tenant_objects(struct vgpu_tenant *t)
{
	struct vgpu_bo_create bo = { .bytes = PAGE_SIZE };
	struct vgpu_vm_create vm = { };
	struct vgpu_vm_map map = {
		.va = BO_VA, .bytes = PAGE_SIZE,
		.prot = VGPU_PROT_READ | VGPU_PROT_WRITE,
	};
	struct vgpu_ctx_create ctx = { };
	struct vgpu_queue_create queue = { .depth = 2 * PEER_DEPTH };
	struct vgpu_timeline_create timeline = { };
	int err;

	err = vgpu_client_call(t->client, VGPU_CALL_BO_CREATE, &bo, NULL, 0);
	if (err)
		return err;
	err = vgpu_client_call(t->client, VGPU_CALL_VM_CREATE, &vm, NULL, 0);
	if (err)
		return err;
	map.vm = vm.handle;
	map.bo = bo.handle;
	err = vgpu_client_call(t->client, VGPU_CALL_VM_MAP, &map, NULL, 0);
	if (err)
		return err;
	ctx.vm = vm.handle;
	err = vgpu_client_call(t->client, VGPU_CALL_CTX_CREATE, &ctx, NULL, 0);
	if (err)
		return err;
	queue.ctx = ctx.handle;
	err = vgpu_client_call(t->client, VGPU_CALL_QUEUE_CREATE, &queue,
			       NULL, 0);
	if (err)
		return err;
	err = vgpu_client_call(t->client, VGPU_CALL_TIMELINE_CREATE, &timeline,
			       NULL, 0);
	t->queue = queue.handle;
	t->timeline = timeline.handle;
	return err;
}

static int tenant_open(struct peer_run *run, unsigned int n)
{
	struct vgpu_side *side = run->priv;
	struct vgpu_instance_params params = { .type = "1g.2m" };
	struct vgpu_tenant *t = kzalloc(sizeof(*t), GFP_KERNEL);
	struct vgpu_client_params client = {
		.ops = &client_ops, .priv = t, .holder = "peer",
	};
	int err;

	if (!t)
		return -ENOMEM;
	t->run = run;
	t->n = n;
	t->inst = vgpu_instance_create(side->gpu, &params);
	err = PTR_ERR_OR_ZERO(t->inst);
	if (err)
		goto close;
	err = vgpu_instance_verb(t->inst, VGPU_VERB_START);
	if (err)
		goto close;
	t->client = vgpu_client_open(t->inst, &client);
	err = PTR_ERR_OR_ZERO(t->client);
	if (err)
		goto close;
	err = tenant_objects(t);
	if (err)
		goto close;
	run->tenant[n].priv = t;
	return 0;

close:
	tenant_close(t);
	return err;
}

static int vgpu_submit(struct peer_run *run, unsigned int n, u64 ns)
{
	struct vgpu_tenant *t = run->tenant[n].priv;
	struct vgpu_cmd cmds[2] = {
		{ .op = VGPU_CMD_FILL, .fill = { .dst = BO_VA,
		  .bytes = 4 * (n + 1), .pattern = ns } },
		{ .op = VGPU_CMD_SIGNAL, .sync = { .timeline = t->timeline,
		  .value = run->tenant[n].submitted } },
	};
	struct vgpu_submit submit = { .queue = t->queue, .count = 2 };

	return vgpu_client_call(t->client, VGPU_CALL_SUBMIT, &submit, cmds,
				sizeof(cmds));
}

/* --- all of it ----------------------------------------------------------- */

static void vgpu_close(struct peer_run *run)
{
	struct vgpu_side *side = run->priv;
	unsigned int i;

	for (i = 0; i < PEER_TENANTS && run->tenant[i].priv; i++)
		tenant_close(run->tenant[i].priv);
	if (!IS_ERR_OR_NULL(side->gpu))
		vgpu_gpu_unregister(side->gpu);
	peer_hw_fini(&run->hw);
	pages_free(side);
	kfree(side);
}

static int vgpu_open(struct peer_run *run)
{
	static const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_POLICY | VGPU_GPU_SET_SLICE,
		.policy = "fair",
		.slice_ns = 2000000,
	};
	struct vgpu_side *side = kzalloc(sizeof(*side), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!side)
		return -ENOMEM;
	run->priv = side;
	peer_hw_init(&run->hw, vgpu_answer, run);
	err = pages_alloc(side);
	if (err)
		goto close;
	side->desc = (struct vgpu_hw_desc) {
		.name = "peer",
		.driver = "vgpu_peer",
		.caps = run->preempt ? VGPU_HW_PREEMPT | VGPU_HW_SAVE : 0,
		.vram_bytes = VRAM_BYTES,
		.engines = 1,
		.units = 1,
		.max_lanes = 1,
		.max_instances = PEER_TENANTS,
		.section_bytes[VGPU_SEC_GENERAL] =
			run->preempt ? sizeof(side->left) : 0,
		.asids = PEER_TENANTS + 1,
		.numa_node = NUMA_NO_NODE,
	};
	side->gpu = vgpu_gpu_register(run->dev, &side->desc, &ops, run,
				      THIS_MODULE);
	err = PTR_ERR_OR_ZERO(side->gpu);
	for (i = 0; !err && i < PEER_TENANTS; i++)
		err = tenant_open(run, i);
	if (!err)
		err = vgpu_gpu_set(side->gpu, &set, NULL);
	if (!err)
		return 0;
close:
	vgpu_close(run);
	return err;
}

const struct peer_side peer_vgpu = {
	.name = "vgpu",
	.open = vgpu_open,
	.submit = vgpu_submit,
	.close = vgpu_close,
};
