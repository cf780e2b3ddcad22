// SPDX-License-Identifier: GPL-2.0
/*
 * An engine without what drives it: takes a job, does it step by step, keeps
 * the engine clock.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "isa.h"

#define ALL_SECTIONS	(BIT(VGPU_SEC_COUNT) - 1)

/**
 * soft_core_charge() - let engine time pass
 * @c: engine
 * @ns: how much
 */
void soft_core_charge(struct soft_core *c, u64 ns)
{
	c->service += ns;
	/* read by clock() from anywhere */
	WRITE_ONCE(c->clock, c->clock + ns);
}

/* Is there anything in the engine that it could not have got into itself? */
static int check(struct soft_core *c)
{
	if (c->broken || !c->nr_units)
		return -EINVAL;
	switch (c->job.op) {
	case VGPU_CMD_COPY:
	case VGPU_CMD_FILL:
		return soft_copy_check(c);
	case VGPU_CMD_LAUNCH:
		return soft_launch_check(c);
	}
	return -EINVAL;
}

static void take_job(struct soft_core *c, const struct vgpu_hw_job *job)
{
	c->job = *job;
	c->service = 0;
	c->bytes = 0;
	memset(&c->fault, 0, sizeof(c->fault));
}

/**
 * soft_core_start() - take up a job from its beginning
 * @c: engine, with an address space
 * @job: what to do
 */
void soft_core_start(struct soft_core *c, const struct vgpu_hw_job *job)
{
	u32 i;

	take_job(c, job);
	c->active = true;
	c->broken &= BIT(VGPU_SEC_MMU);
	c->next_group = 0;
	c->turn_unit = 0;
	c->turn_used = 0;
	c->round_max = 0;
	c->round_sum = 0;
	c->round_charged = 0;
	c->progress = 0;
	c->nopreempt = 0;
	for (i = 0; i < c->m->units; i++)
		c->units[i].live = 0;
	/* of the job before */
	soft_vector_wipe(c);
	c->dirty |= ALL_SECTIONS & ~BIT(VGPU_SEC_MMU);
	c->refused = check(c);
}

/**
 * soft_core_resume() - go on with the job whose state is in the engine
 * @c: engine
 * @job: the same job
 */
void soft_core_resume(struct soft_core *c, const struct vgpu_hw_job *job)
{
	take_job(c, job);
	c->refused = c->active ? check(c) : -EINVAL;
}

/**
 * soft_core_step() - go on for a bounded time
 * @c: engine, with a job
 * @limit: most instructions to run, at least 1; a copy or fill moves at most
 *	one page
 *
 * Return: whether to call again.
 */
enum soft_step soft_core_step(struct soft_core *c, u32 limit)
{
	enum soft_step step = SOFT_STEP_FAULT;

	if (c->refused) {
		soft_fault(c, c->refused, 0, 0);
		return SOFT_STEP_FAULT;
	}
	c->dirty |= BIT(VGPU_SEC_CONTROL);
	switch (c->job.op) {
	case VGPU_CMD_COPY:
		step = soft_copy_step(c);
		break;
	case VGPU_CMD_FILL:
		step = soft_fill_step(c);
		break;
	case VGPU_CMD_LAUNCH:
		step = soft_launch_step(c, limit);
		break;
	}
	if (step == SOFT_STEP_DONE) {
		c->active = false;
		c->nopreempt = 0;
		c->dirty |= ALL_SECTIONS & ~BIT(VGPU_SEC_MMU);
	} else if (step == SOFT_STEP_FAULT) {
		soft_core_charge(c, c->m->timing.fault_ns);
	}
	return step;
}

/**
 * soft_core_init() - make an engine
 * @c: zeroed
 * @m: the GPU it belongs to
 *
 * Return: 0 or -ENOMEM; in both cases soft_core_fini() must follow.
 */
int soft_core_init(struct soft_core *c, struct soft_machine *m)
{
	u32 i;

	c->m = m;
	c->nr_units = m->units;
	soft_tlb_flush(c);
	for (i = 0; i < SOFT_ICACHE; i++)
		soft_isa_decode(&c->icache[i], 0);
	c->units = kcalloc(m->units, sizeof(*c->units), GFP_KERNEL);
	if (!c->units)
		return -ENOMEM;
	if (soft_vector_init(c))
		return -ENOMEM;
	for (i = 0; i < m->units; i++) {
		struct soft_unit *u = &c->units[i];

		u->lanes = kcalloc(SOFT_MAX_LANES, sizeof(*u->lanes),
				   GFP_KERNEL);
		u->shared = kzalloc(SOFT_SHARED_BYTES, GFP_KERNEL);
		if (!u->lanes || !u->shared)
			return -ENOMEM;
	}
	return 0;
}

/**
 * soft_core_fini() - undo soft_core_init()
 * @c: engine
 */
void soft_core_fini(struct soft_core *c)
{
	u32 i;

	for (i = 0; c->units && i < c->m->units; i++) {
		kfree(c->units[i].lanes);
		kfree(c->units[i].shared);
	}
	soft_vector_fini(c);
	kfree(c->units);
}
