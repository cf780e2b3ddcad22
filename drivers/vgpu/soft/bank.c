// SPDX-License-Identifier: GPL-2.0
/*
 * A second bank for all that an engine knows of a context: while one works, the
 * other is loaded, and then they change places.
 *
 * The machine has no better place for it than another of its kind, of which
 * nothing but that state is used.  Loading takes the engine time that it would take
 * into the first bank, beside the work that goes on there: who flips before it
 * is over waits for the rest.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include "soft_priv.h"

/**
 * soft_bank_create() - give an engine a second bank
 * @e: engine, its GPU set
 *
 * Return: 0 or -ENOMEM; in both cases soft_bank_destroy() must follow.
 */
int soft_bank_create(struct soft_engine *e)
{
	if (e->gpu->config.banks < 2)
		return 0;
	e->spare = kvzalloc(sizeof(*e->spare), GFP_KERNEL);
	return e->spare ? soft_core_init(e->spare, &e->gpu->m) : -ENOMEM;
}

/**
 * soft_bank_destroy() - undo soft_bank_create()
 * @e: engine
 */
void soft_bank_destroy(struct soft_engine *e)
{
	if (e->spare)
		soft_core_fini(e->spare);
	kvfree(e->spare);
	e->spare = NULL;
}

/**
 * soft_bank_clear() - forget what the spare bank holds
 * @e: engine, with or without one
 * @asid: tag of the address space that it takes up
 * @root: of the page table
 *
 * Context: any, serialised by vgpu with the other calls here.
 */
void soft_bank_clear(struct soft_engine *e, u32 asid, u64 root)
{
	if (!e->spare)
		return;
	soft_core_clear(e->spare, asid, root);
	e->spare_busy = 0;
}

/* The spare bank's own clock moved on from @from. */
static void took(struct soft_engine *e, u64 from)
{
	u64 now = READ_ONCE(e->core.clock);

	e->spare_busy = max(e->spare_busy, now) + e->spare->clock - from;
}

/**
 * soft_bank_load() - read a section of saved state back
 * @e: engine, which may run
 * @sec: which
 * @buf: what soft_core_save() wrote
 * @bytes: its length
 */
void soft_bank_load(struct soft_engine *e, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes)
{
	u64 from = e->spare->clock;

	soft_core_load(e->spare, sec, buf, bytes);
	took(e, from);
}

/**
 * soft_bank_load_blocks() - read some blocks of a section back
 * @e: engine, which may run
 * @sec: one that has blocks
 * @buf: of the section
 * @first: block
 * @count: of them
 */
void soft_bank_load_blocks(struct soft_engine *e, enum vgpu_hw_section sec,
			   const void *buf, u32 first, u32 count)
{
	u64 from = e->spare->clock;

	soft_core_load_blocks(e->spare, sec, buf, first, count);
	took(e, from);
}

/**
 * soft_bank_flip() - the banks change places
 * @e: engine, stopped
 */
void soft_bank_flip(struct soft_engine *e)
{
	u64 now = e->core.clock;

	if (now < e->spare_busy)
		soft_core_charge(&e->core, e->spare_busy - now);
	e->spare_busy = 0;
	soft_core_flip(&e->core, e->spare);
}
