// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel launches: the dispatcher, and how units and lanes take turns.
 *
 * A unit works on its workgroup lane by lane: a lane runs until it exits,
 * waits at the barrier, or the unit's turn is over; then the next lane that
 * can run goes on.  A lane that spins on what another lane must write
 * therefore spins for one turn at most.  When all lanes that are left wait,
 * the barrier opens.  A unit whose workgroup is done takes the next one at
 * once, in the same turn.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "isa.h"

static u32 job_lanes(const struct vgpu_cmd_launch *job)
{
	return (u32)job->block[0] * job->block[1] * job->block[2];
}

static u64 lanes_mask(u32 lanes)
{
	return lanes >= 64 ? ~0ULL : BIT_ULL(lanes) - 1;
}

/* The core checks this too; the hardware depends on nobody for its safety. */
static bool job_valid(const struct vgpu_cmd_launch *job)
{
	u64 lanes = 1, groups = 1;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		lanes *= job->block[i];
		groups *= job->grid[i];
		if (!lanes || lanes > SOFT_MAX_LANES ||
		    !groups || groups > BIT_ULL(31))
			return false;
	}
	return !(job->entry & 3) && job->shared_bytes <= SOFT_SHARED_BYTES;
}

/**
 * soft_launch_check() - is what the engine holds a launch that can go on?
 * @c: engine; job set
 *
 * Return: 0 or -EINVAL.
 */
int soft_launch_check(struct soft_core *c)
{
	const struct vgpu_cmd_launch *job = &c->job.launch;
	u64 mask;
	u32 i;

	if (!job_valid(job))
		return -EINVAL;
	c->groups = (u64)job->grid[0] * job->grid[1] * job->grid[2];
	mask = lanes_mask(job_lanes(job));
	if (c->next_group > c->groups || c->turn_unit >= c->m->units ||
	    c->turn_used >= SOFT_TURN || c->round_max > SOFT_TURN ||
	    c->round_sum > c->m->units * SOFT_TURN ||
	    c->round_charged > c->round_sum)
		return -EINVAL;
	for (i = 0; i < c->m->units; i++) {
		const struct soft_unit *u = &c->units[i];

		if (!u->live)
			continue;
		if (u->live & ~mask || u->group >= c->groups ||
		    u->lane >= SOFT_MAX_LANES ||
		    !(u->live & ~u->waiting & BIT_ULL(u->lane)))
			return -EINVAL;
	}
	return 0;
}

/* Gives unit @u the next workgroup. */
static void dispatch(struct soft_core *c, struct soft_unit *u)
{
	const struct vgpu_cmd_launch *job = &c->job.launch;
	u32 lanes = job_lanes(job);
	u64 slot = (u64)(u - c->units) * lanes;
	u32 i;

	u->group = c->next_group++;
	u->live = lanes_mask(lanes);
	u->waiting = 0;
	u->lane = 0;
	u->general_used |= u->live;
	u->special_used |= u->live;
	u->shared_used = max(u->shared_used, job->shared_bytes);
	memset(u->shared, 0, job->shared_bytes);
	for (i = 0; i < lanes; i++) {
		struct soft_lane *l = &u->lanes[i];

		memset(l, 0, sizeof(*l));
		l->pc = job->entry;
		l->x[10] = job->args;
		if (job->stack_bytes)
			l->x[2] = job->stack +
				  (slot + i + 1) * job->stack_bytes;
	}
	c->dirty |= BIT(VGPU_SEC_SPECIAL) | BIT(VGPU_SEC_SHARED);
}

/* The next lane after the current one that can run takes its place. */
static void next_lane(struct soft_unit *u)
{
	u64 ready, after;

	if (!u->live)
		return;
	ready = u->live & ~u->waiting;
	if (!ready) {
		u->waiting = 0;
		ready = u->live;
	}
	after = u->lane == 63 ? 0 : ready & (~0ULL << (u->lane + 1));
	u->lane = __ffs64(after ? after : ready);
}

static void account(struct soft_core *c, u32 insns)
{
	u32 took;

	c->turn_used += insns;
	c->round_sum += insns;
	c->round_max = max(c->round_max, c->turn_used);
	/* More places in use than units: see the top of model.h. */
	took = max(c->round_max, DIV_ROUND_UP(c->round_sum, c->nr_units));
	if (took > c->round_charged) {
		soft_core_charge(c, (u64)(took - c->round_charged) *
				 c->m->timing.insn_ns);
		c->round_charged = took;
	}
	if (insns)
		c->dirty |= BIT(VGPU_SEC_GENERAL);
}

static bool unit_empty(const struct soft_core *c, const struct soft_unit *u)
{
	return !u->live && (c->next_group >= c->groups ||
			    u - c->units >= c->nr_units);
}

/* Ends the current unit's turn; false if there is nothing left to do. */
static bool next_turn(struct soft_core *c)
{
	u32 i;

	next_lane(&c->units[c->turn_unit]);
	for (i = 0; i < c->m->units; i++) {
		c->turn_used = 0;
		if (++c->turn_unit == c->m->units) {
			c->turn_unit = 0;
			c->round_max = 0;
			c->round_sum = 0;
			c->round_charged = 0;
		}
		if (!unit_empty(c, &c->units[c->turn_unit]))
			return true;
	}
	return false;
}

/**
 * soft_launch_step() - goes on with a launch
 * @c: engine
 * @limit: most instructions to run
 *
 * Return: how it stands.
 */
enum soft_step soft_launch_step(struct soft_core *c, u32 limit)
{
	struct soft_unit *u = &c->units[c->turn_unit];
	u32 given = min(limit, SOFT_TURN - c->turn_used);
	u32 left = given;

	while (left && !unit_empty(c, u)) {
		if (!u->live)
			dispatch(c, u);
		switch (soft_isa_run(c, u, &u->lanes[u->lane], &left)) {
		case SOFT_STOP_LIMIT:
			break;
		case SOFT_STOP_EXIT:
			u->live &= ~BIT_ULL(u->lane);
			c->dirty |= BIT(VGPU_SEC_SPECIAL) |
				    BIT(VGPU_SEC_SHARED);
			next_lane(u);
			break;
		case SOFT_STOP_BARRIER:
			u->waiting |= BIT_ULL(u->lane);
			next_lane(u);
			break;
		case SOFT_STOP_FAULT:
			account(c, given - left);
			return SOFT_STEP_FAULT;
		}
	}
	account(c, given - left);
	if ((c->turn_used >= SOFT_TURN || unit_empty(c, u)) && !next_turn(c))
		return SOFT_STEP_DONE;
	return SOFT_STEP_MORE;
}
