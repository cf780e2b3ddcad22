// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa.h"

#include "soft_engine.h"

#define TABLES_BYTES	(1ULL << 20)	/* of VRAM, which holds page tables only */
#define TURN		4096

struct soft_engine soft_engine;

static struct soft_machine machine = { .timing = { .insn_ns = 1 } };
static struct soft_core *cores[2];
static u64 tables_used;
static u8 *saved[VGPU_SEC_COUNT];

/* Buffers are system memory to the engine; their bus address is their own. */
void *soft_host_page(u64 bus)
{
	return (void *)(uintptr_t)bus;
}

static void out_of_memory(void)
{
	fputs("soft_engine: out of memory\n", stderr);
	abort();
}

static void prepare(const struct fake *fake)
{
	u32 sizes[VGPU_SEC_COUNT];
	unsigned int i;

	if (cores[0])
		return;
	machine.units = fake->info.units;
	machine.vram_bytes = TABLES_BYTES;
	machine.vram = calloc(TABLES_BYTES / SOFT_PAGE_BYTES, sizeof(void *));
	if (!machine.vram)
		out_of_memory();
	for (i = 0; i < TABLES_BYTES / SOFT_PAGE_BYTES; i++) {
		machine.vram[i] = aligned_alloc(SOFT_PAGE_BYTES, SOFT_PAGE_BYTES);
		if (!machine.vram[i])
			out_of_memory();
	}
	for (i = 0; i < 2; i++) {
		cores[i] = calloc(1, sizeof(*cores[i]));
		if (!cores[i] || soft_core_init(cores[i], &machine))
			out_of_memory();
	}
	soft_section_sizes(&machine, sizes);
	for (i = 0; i < VGPU_SEC_COUNT; i++) {
		saved[i] = malloc(sizes[i] + 8);
		if (!saved[i])
			out_of_memory();
	}
}

void soft_engine_free(void)
{
	unsigned int i;

	if (!cores[0])
		return;
	for (i = 0; i < 2; i++) {
		soft_core_fini(cores[i]);
		free(cores[i]);
		cores[i] = NULL;
	}
	for (i = 0; i < TABLES_BYTES / SOFT_PAGE_BYTES; i++)
		free(machine.vram[i]);
	free(machine.vram);
	for (i = 0; i < VGPU_SEC_COUNT; i++)
		free(saved[i]);
}

/* ---- page tables ------------------------------------------------------------------ */

static u64 new_table(void)
{
	u64 at = tables_used;

	tables_used += SOFT_PAGE_BYTES;
	if (tables_used > TABLES_BYTES)
		out_of_memory();
	memset(soft_vram(&machine, at), 0, SOFT_PAGE_BYTES);
	return at;
}

static void map_page(u64 root, u64 va, const void *page, u32 prot)
{
	u64 table = root;
	int level;

	for (level = SOFT_PT_LEVELS - 1; ; level--) {
		u64 *entry = (u64 *)soft_vram(&machine, table) +
			     (va >> (SOFT_PAGE_SHIFT + SOFT_PT_BITS * level) & 511);

		if (!level) {
			*entry = soft_pt_format.pte((uintptr_t)page, prot, true, 0);
			return;
		}
		if (!*entry)
			*entry = soft_pt_format.pde(new_table());
		table = *entry & SOFT_PTE_ADDR;
	}
}

static u64 map_all(const struct fake *fake, uint32_t vm)
{
	const struct fake_map *map;
	u64 root, at;

	tables_used = 0;
	root = new_table();
	for (map = fake->objects[vm].maps; map; map = map->next) {
		const struct fake_object *bo = &fake->objects[map->bo];

		for (at = 0; at < map->bytes; at += SOFT_PAGE_BYTES)
			map_page(root, map->va + at,
				 bo->memory + map->offset + at, map->prot);
	}
	return root;
}

/* ---- running ----------------------------------------------------------------------- */

static struct soft_core *move(struct soft_core *from)
{
	struct soft_core *to = from == cores[0] ? cores[1] : cores[0];
	u32 bytes[VGPU_SEC_COUNT];
	u64 clock = from->clock;
	int i;

	for (i = 0; i < VGPU_SEC_COUNT; i++)
		bytes[i] = soft_core_save(from, i, saved[i]);
	/* Nothing of it may be found again where it was. */
	soft_core_clear(from, 0, 0);
	soft_core_load(to, VGPU_SEC_MMU, saved[VGPU_SEC_MMU],
		       bytes[VGPU_SEC_MMU]);
	for (i = 0; i < VGPU_SEC_COUNT; i++)
		if (i != VGPU_SEC_MMU)
			soft_core_load(to, i, saved[i], bytes[i]);
	to->clock = clock;
	soft_engine.switches++;
	return to;
}

int soft_engine_launch(struct fake *fake, uint32_t vm,
		       const struct vgpu_cmd_launch *launch)
{
	struct vgpu_hw_job job = { .op = VGPU_CMD_LAUNCH, .launch = *launch };
	unsigned int every = soft_engine.switch_every;
	struct soft_core *core;

	prepare(fake);
	core = cores[0];
	/* The buffers of the launch before may be gone. */
	soft_tlb_flush(cores[0]);
	soft_tlb_flush(cores[1]);
	soft_core_clear(cores[1], 0, 0);
	soft_core_clear(core, 1, map_all(fake, vm));
	core->clock = 0;
	soft_core_start(core, &job);
	for (;;) {
		enum soft_step step = soft_core_step(core, every ? every : TURN);

		soft_engine.nopreempt = core->nopreempt;
		if (step == SOFT_STEP_DONE)
			return 0;
		if (step == SOFT_STEP_FAULT) {
			soft_engine.fault_va = core->fault.va;
			soft_engine.fault_access = core->fault.access;
			return core->fault.error;
		}
		if (soft_engine.give_up && core->clock > soft_engine.give_up)
			return -ETIME;
		if (every) {
			core = move(core);
			soft_core_resume(core, &job);
		}
	}
}
