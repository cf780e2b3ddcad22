// SPDX-License-Identifier: GPL-2.0
#include <linux/numa.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_fixture.h"
#include "soft_kernels.h"

#define FX_VRAM_BYTES	SZ_1M

const struct soft_test_model *const fx_model = &vgpu_soft_test_model;

/* The next free page of VRAM; zero. */
u64 fx_page(struct soft_fixture *fx)
{
	u64 page = fx->next_page;

	fx->next_page += SOFT_PAGE_BYTES;
	WARN_ON(fx->next_page > fx->m.vram_bytes);
	memset(soft_vram(&fx->m, page), 0, SOFT_PAGE_BYTES);
	return page;
}

/* The entry of @va at @level; tables above it are made. */
u64 *fx_pte(struct soft_fixture *fx, u64 va, unsigned int level)
{
	u64 table = fx->root;
	unsigned int at;
	u64 *p;

	for (at = SOFT_PT_LEVELS - 1; ; at--) {
		p = (u64 *)soft_vram(&fx->m, table) +
		    ((va >> (SOFT_PAGE_SHIFT + SOFT_PT_BITS * at)) & 511);
		if (at == level)
			return p;
		if (!*p)
			*p = fx_model->format->pde(fx_page(fx));
		table = *p & SOFT_PTE_ADDR;
	}
}

/* Maps a new page at @va; its VRAM address. */
u64 fx_map(struct soft_fixture *fx, u64 va, u32 prot)
{
	u64 page = fx_page(fx);

	*fx_pte(fx, va, 0) = fx_model->format->pte(page, prot, false, 0);
	return page;
}

/* The CPU address of what is mapped at @va. */
void *fx_data(struct soft_fixture *fx, u64 va)
{
	return (u8 *)soft_vram(&fx->m, *fx_pte(fx, va, 0) & SOFT_PTE_ADDR) +
	       (va & ~SOFT_PAGE_MASK);
}

/* Describes a launch of @groups workgroups of @lanes; args is FX_DATA. */
void fx_launch(struct soft_fixture *fx, u32 kernel, u32 lanes, u32 groups)
{
	memset(&fx->job, 0, sizeof(fx->job));
	fx->job.cookie = 0x1234;
	fx->job.op = VGPU_CMD_LAUNCH;
	fx->job.launch = (struct vgpu_cmd_launch) {
		.entry = FX_CODE + kernel,
		.args = FX_DATA,
		.stack = FX_STACK,
		.stack_bytes = 64,
		.shared_bytes = 512,
		.grid = { groups, 1, 1 },
		.block = { lanes, 1, 1 },
	};
}

/* Starts the job on an engine that had someone else's state. */
void fx_begin(struct soft_fixture *fx, struct soft_core *c)
{
	fx_model->clear(c, FX_ASID, fx->root);
	fx_model->start(c, &fx->job);
}

/* Steps until the job ends. */
enum soft_step fx_run(struct soft_core *c, u32 limit)
{
	enum soft_step step = SOFT_STEP_MORE;
	unsigned int i;

	for (i = 0; i < FX_STEPS_MAX && step == SOFT_STEP_MORE; i++)
		step = fx_model->step(c, limit);
	return step;
}

void fx_save(struct soft_fixture *fx, struct soft_core *c)
{
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		fx->used[sec] = fx_model->save(c, sec, fx->saved[sec]);
		WARN_ON(fx->used[sec] > fx->sizes[sec]);
	}
}

void fx_load(struct soft_fixture *fx, struct soft_core *c)
{
	unsigned int sec;

	fx_model->load(c, VGPU_SEC_MMU, fx->saved[VGPU_SEC_MMU],
		       fx->used[VGPU_SEC_MMU]);
	for (sec = 0; sec < VGPU_SEC_MMU; sec++)
		fx_model->load(c, sec, fx->saved[sec], fx->used[sec]);
}

/* Moves a job that is midway to another engine (or wipes and reloads one). */
void fx_move(struct soft_fixture *fx, struct soft_core *from,
	     struct soft_core *to)
{
	fx_save(fx, from);
	fx_model->clear(from, 1, 0);
	fx_load(fx, to);
	fx_model->resume(to, &fx->job);
}

static int create(struct kunit *test, struct soft_fixture *fx)
{
	unsigned int i;
	u8 *code;
	int err;

	err = fx_model->vram_create(&fx->m, FX_VRAM_BYTES, NUMA_NO_NODE);
	if (err)
		return err;
	for (i = 0; i < 2; i++) {
		fx->core[i] = kvzalloc(sizeof(*fx->core[i]), GFP_KERNEL);
		if (!fx->core[i])
			return -ENOMEM;
		err = fx_model->init(fx->core[i], &fx->m);
		if (err)
			return err;
	}
	fx_model->section_sizes(&fx->m, fx->sizes);
	for (i = 0; i < VGPU_SEC_COUNT; i++) {
		fx->saved[i] = kvzalloc(fx->sizes[i] + 8, GFP_KERNEL);
		if (!fx->saved[i])
			return -ENOMEM;
	}
	fx->next_page = SOFT_PAGE_BYTES;
	fx->root = fx_page(fx);
	fx_map(fx, FX_CODE, VGPU_PROT_READ | VGPU_PROT_EXEC);
	for (i = 0; i < FX_DATA_PAGES; i++)
		fx_map(fx, FX_DATA + i * SOFT_PAGE_BYTES,
		       VGPU_PROT_READ | VGPU_PROT_WRITE);
	for (i = 0; i < FX_STACK_PAGES; i++)
		fx_map(fx, FX_STACK + i * SOFT_PAGE_BYTES,
		       VGPU_PROT_READ | VGPU_PROT_WRITE);
	code = fx_data(fx, FX_CODE);
	memcpy(code, soft_kernels, sizeof(soft_kernels));
	return 0;
}

static void destroy(struct soft_fixture *fx)
{
	unsigned int i;

	for (i = 0; i < VGPU_SEC_COUNT; i++)
		kvfree(fx->saved[i]);
	for (i = 0; i < 2; i++) {
		if (fx->core[i])
			fx_model->fini(fx->core[i]);
		kvfree(fx->core[i]);
	}
	if (fx->m.vram)
		fx_model->vram_destroy(&fx->m);
	kfree(fx);
}

/* A machine of another shape in the place of the one there is. */
int fx_create(struct kunit *test, const struct soft_machine *shape)
{
	struct soft_fixture *fx = kzalloc(sizeof(*fx), GFP_KERNEL);
	int err;

	if (!fx)
		return -ENOMEM;
	if (test->priv)
		destroy(test->priv);
	test->priv = fx;
	fx->m = *shape;
	err = create(test, fx);
	if (err) {
		destroy(fx);
		test->priv = NULL;
	}
	return err;
}

/* For struct kunit_suite: two units, 10 ns for an instruction. */
int fx_init(struct kunit *test)
{
	const struct soft_machine shape = {
		.units = 2,
		.timing = {
			.insn_ns = 10,
			.copy_mbps = 1000,
			.save_mbps = 1000,
			.fault_ns = 500,
		},
	};

	return fx_create(test, &shape);
}

void fx_exit(struct kunit *test)
{
	if (test->priv)
		destroy(test->priv);
}
