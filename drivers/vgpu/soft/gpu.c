// SPDX-License-Identifier: GPL-2.0
/*
 * A soft GPU: memory, engines, and the operations of the backend contract.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_priv.h"

static struct soft_engine *engine(void *hw, unsigned int index)
{
	struct soft_gpu *gpu = hw;

	return gpu->engines[index & ~VGPU_HW_SPARE];
}

/* A mask of @count units from @first on. */
static u64 soft_units(unsigned int first, unsigned int count)
{
	return count ? GENMASK_ULL(first + count - 1, first) : 0;
}

/*
 * Engines beside those that are shared, for the units that each of these can
 * spare; units beyond 64 have no bit in a mask.
 */
static unsigned int spare_engines(const struct soft_config *config)
{
	unsigned int units = config->engines * config->units;

	if (units > 64)
		return 0;
	return min(SOFT_MAX_ENGINES - config->engines, units - config->engines);
}

static int op_ctx_init(void *hw, struct vgpu_hw_ctx *ctx)
{
	return ctx->asid < SOFT_ASIDS ? 0 : -EINVAL;
}

static void op_ctx_fini(void *hw, struct vgpu_hw_ctx *ctx)
{
}

static u32 op_save(void *hw, unsigned int index, enum vgpu_hw_section sec,
		   void *buf)
{
	return soft_core_save(&engine(hw, index)->core, sec, buf);
}

static u32 op_dirty(void *hw, unsigned int index)
{
	return engine(hw, index)->core.dirty;
}

static void op_load(void *hw, unsigned int index, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes)
{
	if (index & VGPU_HW_SPARE)
		soft_bank_load(engine(hw, index), sec, buf, bytes);
	else
		soft_core_load(&engine(hw, index)->core, sec, buf, bytes);
}

static u32 op_blocks(void *hw, unsigned int index, enum vgpu_hw_section sec,
		     unsigned long *map)
{
	return soft_core_blocks(&engine(hw, index)->core, sec, map);
}

static void op_save_blocks(void *hw, unsigned int index,
			   enum vgpu_hw_section sec, void *buf, u32 first,
			   u32 count)
{
	soft_core_save_blocks(&engine(hw, index)->core, sec, buf, first, count);
}

static void op_load_blocks(void *hw, unsigned int index,
			   enum vgpu_hw_section sec, const void *buf,
			   u32 first, u32 count)
{
	struct soft_engine *e = engine(hw, index);

	if (index & VGPU_HW_SPARE)
		soft_bank_load_blocks(e, sec, buf, first, count);
	else
		soft_core_load_blocks(&e->core, sec, buf, first, count);
}

static void op_flip(void *hw, unsigned int index)
{
	soft_bank_flip(engine(hw, index));
}

static void op_clear(void *hw, unsigned int index,
		     const struct vgpu_hw_ctx *ctx)
{
	struct soft_engine *e = engine(hw, index);

	if (index & VGPU_HW_SPARE)
		soft_bank_clear(e, ctx->asid, ctx->root);
	else
		soft_core_clear(&e->core, ctx->asid, ctx->root);
}

static void op_run(void *hw, unsigned int index, const struct vgpu_hw_job *job,
		   bool resume)
{
	soft_engine_run(engine(hw, index), job, resume);
}

static void op_preempt(void *hw, unsigned int index)
{
	soft_engine_preempt(engine(hw, index));
}

static int op_reset(void *hw, unsigned int index)
{
	soft_engine_reset(engine(hw, index));
	return 0;
}

static int op_set_units(void *hw, unsigned int index, u64 mask)
{
	struct soft_gpu *gpu = hw;
	unsigned int i;
	int err;

	if (index >= gpu->nr_engines ||
	    mask & ~soft_units(0, gpu->config.engines * gpu->m.units) ||
	    hweight64(mask) > gpu->m.units)
		return -EINVAL;
	for (i = 0; i < gpu->nr_engines; i++)
		if (i != index && mask & gpu->units[i])
			return -EBUSY;
	err = soft_engine_set_units(engine(hw, index), hweight64(mask));
	if (!err)
		gpu->units[index] = mask;
	return err;
}

static u64 op_clock(void *hw, unsigned int index)
{
	return READ_ONCE(engine(hw, index)->core.clock);
}

static struct page *op_vram_page(void *hw, u64 addr)
{
	struct soft_gpu *gpu = hw;

	return virt_to_page(soft_vram(&gpu->m, addr));
}

static void op_vram_clear(void *hw, u64 addr, u64 bytes)
{
	struct soft_gpu *gpu = hw;

	if (WARN_ON_ONCE(addr + bytes > gpu->m.vram_bytes))
		return;
	for (; bytes; addr += SOFT_PAGE_BYTES, bytes -= SOFT_PAGE_BYTES) {
		clear_page(soft_vram(&gpu->m, addr));
		cond_resched();
	}
}

static void op_pte_write(void *hw, const struct vgpu_hw_pte *ptes,
			 unsigned int count)
{
	struct soft_gpu *gpu = hw;
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 addr = ptes[i].addr;

		if (WARN_ON_ONCE(addr >= gpu->m.vram_bytes || addr & 7))
			continue;
		/* the walker may be reading: in order, each in one piece */
		smp_store_release((u64 *)soft_vram(&gpu->m, addr),
				  ptes[i].value);
	}
}

static void op_pte_harvest(void *hw, struct vgpu_hw_pte *ptes,
			   unsigned int count, u64 bits)
{
	struct soft_gpu *gpu = hw;
	unsigned int i;

	for (i = 0; i < count; i++) {
		u64 addr = ptes[i].addr, was, *pte;

		ptes[i].value = 0;
		if (WARN_ON_ONCE(addr >= gpu->m.vram_bytes || addr & 7))
			continue;
		pte = (u64 *)soft_vram(&gpu->m, addr);
		/* the walker sets bits by cmpxchg, too */
		for (was = READ_ONCE(*pte); was & bits; was = ptes[i].value) {
			ptes[i].value = cmpxchg(pte, was, was & ~bits);
			if (ptes[i].value == was)
				break;
		}
		ptes[i].value = was;
	}
}

static void op_tlb_invalidate(void *hw, u32 asid, u64 va, u64 bytes)
{
	struct soft_gpu *gpu = hw;
	unsigned int i;

	for (i = 0; i < gpu->nr_engines; i++)
		soft_engine_drop(gpu->engines[i], asid, va, bytes);
}

static void op_tlb_sync(void *hw)
{
	struct soft_gpu *gpu = hw;
	u64 seq[SOFT_MAX_ENGINES];
	unsigned int i;

	for (i = 0; i < gpu->nr_engines; i++)
		seq[i] = soft_engine_sync_begin(gpu->engines[i]);
	for (i = 0; i < gpu->nr_engines; i++)
		soft_engine_sync_end(gpu->engines[i], seq[i]);
}

const struct vgpu_backend_ops soft_ops = {
	.ctx_init = op_ctx_init,
	.ctx_fini = op_ctx_fini,
	.save = op_save,
	.dirty = op_dirty,
	.load = op_load,
	.blocks = op_blocks,
	.save_blocks = op_save_blocks,
	.load_blocks = op_load_blocks,
	.flip = op_flip,
	.clear = op_clear,
	.run = op_run,
	.preempt = op_preempt,
	.reset = op_reset,
	.set_units = op_set_units,
	.clock = op_clock,
	.vram_page = op_vram_page,
	.vram_clear = op_vram_clear,
	.pte_write = op_pte_write,
	.pte_harvest = op_pte_harvest,
	.tlb_invalidate = op_tlb_invalidate,
	.tlb_sync = op_tlb_sync,
};

/**
 * soft_gpu_registered() - tell a GPU who takes its events
 * @gpu: GPU
 * @handle: from vgpu_gpu_register()
 */
void soft_gpu_registered(struct soft_gpu *gpu, struct vgpu_gpu *handle)
{
	/* pairs with soft_gpu_event() */
	smp_store_release(&gpu->gpu, handle);
	wake_up_all(&gpu->registered);
}

/**
 * soft_gpu_event() - an engine answers
 * @gpu: its GPU
 * @ev: the answer
 *
 * A job may come before vgpu_gpu_register() has returned; its answer waits
 * until there is a handle to give it to.
 *
 * Context: the engine's thread.
 */
void soft_gpu_event(struct soft_gpu *gpu, const struct vgpu_hw_event *ev)
{
	struct vgpu_gpu *handle;

	if (gpu->sink) {
		gpu->sink(gpu->sink_arg, ev);
		return;
	}
	/* pairs with soft_gpu_registered() */
	wait_event(gpu->registered, (handle = smp_load_acquire(&gpu->gpu)));
	vgpu_gpu_event(handle, ev);
}

static void describe(struct soft_gpu *gpu)
{
	struct vgpu_hw_desc *desc = &gpu->desc;

	desc->name = gpu->name;
	desc->driver = "vgpu_soft";
	desc->caps = VGPU_HW_PREEMPT | VGPU_HW_SAVE | VGPU_HW_MMU |
		     VGPU_HW_LAUNCH | VGPU_HW_HOST_MEM | VGPU_HW_RESTART |
		     VGPU_HW_BLOCKS;
	if (gpu->config.banks > 1)
		desc->caps |= VGPU_HW_BANK;
	desc->vram_bytes = gpu->m.vram_bytes;
	desc->engines = gpu->config.engines;
	desc->units = gpu->m.units;
	desc->spare_engines = gpu->nr_engines - gpu->config.engines;
	if (desc->spare_engines)
		desc->caps |= VGPU_HW_UNITS;
	desc->max_lanes = SOFT_MAX_LANES;
	desc->shared_bytes = SOFT_SHARED_BYTES;
	desc->max_instances = 64;
	soft_section_sizes(&gpu->m, desc->section_bytes);
	desc->state_format = "soft-1";
	desc->format = &soft_pt_format;
	desc->asids = SOFT_ASIDS;
	desc->numa_node = gpu->config.node;
}

/**
 * soft_gpu_create() - make a GPU, registered nowhere
 * @name: of it
 * @config: its shape
 *
 * Return: the GPU or an ERR_PTR().
 */
struct soft_gpu *soft_gpu_create(const char *name,
				 const struct soft_config *config)
{
	struct soft_gpu *gpu;
	unsigned int i;
	int err;

	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return ERR_PTR(-ENOMEM);
	strscpy(gpu->name, name, sizeof(gpu->name));
	gpu->config = *config;
	init_waitqueue_head(&gpu->registered);
	gpu->m.units = config->units;
	gpu->m.extra_bytes = config->extra_bytes;
	gpu->m.timing = config->timing;
	err = soft_vram_create(&gpu->m, config->vram_bytes, config->node);
	if (err)
		goto free;
	for (i = 0; i < config->engines + spare_engines(config); i++) {
		struct soft_engine *e = soft_engine_create(gpu, i);

		if (IS_ERR(e)) {
			err = PTR_ERR(e);
			goto engines;
		}
		gpu->engines[gpu->nr_engines++] = e;
		if (i >= config->engines)
			soft_engine_set_units(e, 0);
		else if (gpu->nr_engines * config->units <= 64)
			gpu->units[i] = soft_units(i * config->units,
						   config->units);
	}
	describe(gpu);
	return gpu;

engines:
	while (gpu->nr_engines)
		soft_engine_destroy(gpu->engines[--gpu->nr_engines]);
	soft_vram_destroy(&gpu->m);
free:
	kfree(gpu);
	return ERR_PTR(err);
}

/**
 * soft_gpu_destroy() - undo soft_gpu_create()
 * @gpu: GPU that nobody uses
 */
void soft_gpu_destroy(struct soft_gpu *gpu)
{
	unsigned int i;

	for (i = 0; i < gpu->nr_engines; i++)
		soft_engine_destroy(gpu->engines[i]);
	soft_vram_destroy(&gpu->m);
	kfree(gpu);
}
