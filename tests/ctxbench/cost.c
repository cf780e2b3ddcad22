// SPDX-License-Identifier: GPL-2.0
/*
 * What a switch costs: two contexts take turns on an engine of the soft GPU, by
 * the code of ctx/, and write to some of their state in each turn.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <vgpu/ctx.h>
#include "bench.h"
#include "model.h"

#define STATE_BYTES	(256U << 10)
#define STATE_BLOCKS	(STATE_BYTES / VGPU_SEC_BLOCK)
#define SAVE_MBPS	1000
#define TURNS		16

/* The machine asks for pages of system memory by this; there are none here. */
void *soft_host_page(u64 bus)
{
	return NULL;
}

/* Two banks of one engine; bank[0] works. */
struct gpu {
	struct soft_machine m;
	struct soft_core *bank[2];
};

static struct soft_core *bank(void *hw, unsigned int engine)
{
	struct gpu *gpu = hw;

	return gpu->bank[engine & VGPU_HW_SPARE ? 1 : 0];
}

static u32 op_save(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		   void *buf)
{
	return soft_core_save(bank(hw, engine), sec, buf);
}

static u32 op_dirty(void *hw, unsigned int engine)
{
	return bank(hw, engine)->dirty;
}

static void op_load(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes)
{
	soft_core_load(bank(hw, engine), sec, buf, bytes);
}

static u32 op_blocks(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		     unsigned long *map)
{
	return soft_core_blocks(bank(hw, engine), sec, map);
}

static void op_save_blocks(void *hw, unsigned int engine,
			   enum vgpu_hw_section sec, void *buf, u32 first,
			   u32 count)
{
	soft_core_save_blocks(bank(hw, engine), sec, buf, first, count);
}

static void op_load_blocks(void *hw, unsigned int engine,
			   enum vgpu_hw_section sec, const void *buf,
			   u32 first, u32 count)
{
	soft_core_load_blocks(bank(hw, engine), sec, buf, first, count);
}

static void op_clear(void *hw, unsigned int engine,
		     const struct vgpu_hw_ctx *ctx)
{
	soft_core_clear(bank(hw, engine), ctx->asid, ctx->root);
}

static void op_flip(void *hw, unsigned int engine)
{
	struct gpu *gpu = hw;

	soft_core_flip(gpu->bank[0], gpu->bank[1]);
}

static const struct vgpu_backend_ops ops = {
	.save = op_save,
	.dirty = op_dirty,
	.load = op_load,
	.blocks = op_blocks,
	.save_blocks = op_save_blocks,
	.load_blocks = op_load_blocks,
	.clear = op_clear,
	.flip = op_flip,
};

/* One workgroup of one lane, which has come as far as its first instruction. */
static const struct vgpu_hw_job job = {
	.op = VGPU_CMD_LAUNCH,
	.launch = { .grid = { 1, 1, 1 }, .block = { 1, 1, 1 } },
};

static const struct vgpu_hw_ctx ctx[2] = { { .asid = 1 }, { .asid = 2 } };

static void touch(struct gpu *gpu, unsigned int blocks, u64 value)
{
	unsigned int i;

	/* spread over all of it, so that runs are as short as they can be */
	for (i = 0; i < blocks; i++)
		soft_vector_write(gpu->bank[0], (u64)i * STATE_BLOCKS / blocks *
				  (VGPU_SEC_BLOCK / 8), value + i);
}

/**
 * struct turns - how the two take turns
 * @name: in the results
 * @modes: VGPU_SWITCH_*
 * @all: all of the state is in use, else only what is written each time
 */
struct turns {
	const char *name;
	u32 modes;
	bool all;
};

static void take_turns(struct gpu *gpu, struct vgpu_ctx_state *st,
		       const struct turns *t, unsigned int percent)
{
	unsigned int blocks = DIV_ROUND_UP(STATE_BLOCKS * percent, 100), i;
	struct vgpu_switch sw;
	u64 ns = 0, clock = 0, loading = 0, from, was;

	vgpu_switch_init(&sw, &ops, gpu, 0, t->modes);
	for (i = 0; i < 2; i++) {
		vgpu_ctx_state_drop(&st[i]);
		soft_core_clear(gpu->bank[0], ctx[i].asid, 0);
		soft_core_start(gpu->bank[0], &job);
		touch(gpu, t->all ? STATE_BLOCKS : blocks, i);
		vgpu_switch_out(&sw, &st[i]);
	}
	/* the second one is in the engine */
	for (i = 0; i < TURNS; i++) {
		struct vgpu_ctx_state *in = &st[i % 2], *out = &st[1 - i % 2];

		touch(gpu, blocks, i);
		gpu->bank[0]->dirty |= BIT(VGPU_SEC_CONTROL) |
				       BIT(VGPU_SEC_GENERAL);
		preempt_disable();
		if (t->modes & VGPU_SWITCH_PREDICTED) {
			from = ktime_get_ns();
			while (vgpu_switch_preload(&sw, in, &ctx[i % 2]))
				;
			loading += ktime_get_ns() - from;
		}
		was = gpu->bank[0]->clock;
		from = ktime_get_ns();
		vgpu_switch_to(&sw, out, in, &ctx[i % 2]);
		ns += ktime_get_ns() - from;
		clock += gpu->bank[0]->clock - was;
		preempt_enable();
	}
	cb_result(div_u64(ns, TURNS), "cost.%s.%u", t->name, percent);
	cb_result(div_u64(clock, TURNS), "clock.%s.%u", t->name, percent);
	cb_result(div_u64(sw.stats.bytes_saved + sw.stats.bytes_loaded, TURNS),
		  "bytes.%s.%u", t->name, percent);
	cb_result(div_u64(loading, TURNS), "loading.%s.%u", t->name, percent);
}

/* The same one goes on, which has written to all of its state. */
static void stay(struct gpu *gpu, struct vgpu_ctx_state *st)
{
	struct vgpu_switch sw;
	unsigned int i;
	u64 from, was = gpu->bank[0]->clock;

	vgpu_switch_init(&sw, &ops, gpu, 0, VGPU_SWITCH_ALL);
	touch(gpu, STATE_BLOCKS, 0);
	preempt_disable();
	from = ktime_get_ns();
	for (i = 0; i < 1000; i++)
		vgpu_switch_stay(&sw, st, &ctx[0]);
	cb_result(div_u64(ktime_get_ns() - from, 1000), "cost.lazy.100");
	preempt_enable();
	cb_result(gpu->bank[0]->clock - was, "clock.lazy.100");
}

int cb_cost(void)
{
	static const struct turns turns[] = {
		{ "full", 0, false },
		{ "incremental", VGPU_SWITCH_INCREMENTAL, false },
		{ "predicted", VGPU_SWITCH_INCREMENTAL | VGPU_SWITCH_PREDICTED,
		  false },
		{ "full_all", 0, true },
		{ "incremental_all", VGPU_SWITCH_INCREMENTAL, true },
		{ "predicted_all",
		  VGPU_SWITCH_INCREMENTAL | VGPU_SWITCH_PREDICTED, true },
	};
	static const unsigned int percent[] = { 1, 5, 9, 25, 50, 75, 100 };
	u32 sizes[VGPU_SEC_COUNT];
	struct vgpu_ctx_state st[2] = {};
	struct gpu gpu = {
		.m = {
			.units = 1,
			.extra_bytes = STATE_BYTES,
			.timing = { .insn_ns = 1, .save_mbps = SAVE_MBPS },
		},
	};
	unsigned int i, k;
	int err = 0;

	soft_section_sizes(&gpu.m, sizes);
	for (i = 0; i < 2 && !err; i++) {
		gpu.bank[i] = kvzalloc(sizeof(*gpu.bank[i]), GFP_KERNEL);
		err = gpu.bank[i] ? soft_core_init(gpu.bank[i], &gpu.m) :
		      -ENOMEM;
		if (!err)
			err = vgpu_ctx_state_init(&st[i], VGPU_HW_BLOCKS, sizes);
	}
	for (i = 0; i < ARRAY_SIZE(turns) && !err; i++)
		for (k = 0; k < ARRAY_SIZE(percent); k++)
			take_turns(&gpu, st, &turns[i], percent[k]);
	if (!err)
		stay(&gpu, st);
	for (i = 0; i < 2; i++) {
		vgpu_ctx_state_fini(&st[i]);
		if (gpu.bank[i])
			soft_core_fini(gpu.bank[i]);
		kvfree(gpu.bank[i]);
	}
	return err;
}
