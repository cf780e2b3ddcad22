// SPDX-License-Identifier: GPL-2.0
/*
 * Completions that are held back, see pad.h.
 *
 * They stay where they are in the queue's ring, between what was told and the head: so there
 * are never more than the queue is deep, and nothing is allocated.  A timer a queue tells
 * them, in their order.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/random.h>

#include <vgpu/kunit.h>
#include "../core_priv.h"
#include "../compat/hrtimer.h"

u64 vgpu_pad_until(u64 grid_ns, u64 jitter_ns, u64 now, u64 after, u32 random)
{
	u64 rest = 0, at = now;

	if (grid_ns) {
		div64_u64_rem(now, grid_ns, &rest);
		if (rest)
			at += grid_ns - rest;
		at += mul_u64_u32_shr(jitter_ns, random, 32);
	}
	return max(at, after);
}

VGPU_EXPORT_IF_KUNIT(vgpu_pad_until);

static struct vgpu_slot *held(struct vgpu_queue *q, u32 before)
{
	u32 at = q->head + q->depth - before;

	return &q->slots[at < q->depth ? at : at - q->depth];
}

struct vgpu_slot *vgpu_pad_last_locked(struct vgpu_queue *q)
{
	return q->held ? held(q, 1) : NULL;
}

bool vgpu_pad_holds(struct vgpu_queue *q)
{
	/* none overtakes one that is held, also when padding was switched off since */
	return !q->closed &&
	       (q->held || READ_ONCE(q->ctx->entity->inst->pad.grid_ns));
}

static void show_first(struct vgpu_queue *q)
{
	struct vgpu_slot *slot = held(q, q->held);

	q->held--;
	vgpu_queue_show_locked(q, slot);
}

void vgpu_pad_flush_locked(struct vgpu_queue *q)
{
	lockdep_assert_held(&q->ctx->engine->lock);
	while (q->held)
		show_first(q);
}

void vgpu_pad_hold_locked(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	const struct vgpu_pad *pad = &q->ctx->entity->inst->pad;

	lockdep_assert_held(&q->ctx->engine->lock);
	/* It is of no use to the engine any more. */
	if (slot->vm)
		atomic_dec(&slot->vm->pending);
	slot->vm = NULL;
	slot->told = vgpu_pad_until(READ_ONCE(pad->grid_ns),
				    READ_ONCE(pad->jitter_ns), ktime_get_ns(),
				    q->held ? held(q, 2)->told : 0,
				    get_random_u32());
	if (!q->held++)
		hrtimer_start(&q->pad_timer, ns_to_ktime(slot->told),
			      HRTIMER_MODE_ABS_SOFT);
}

static enum hrtimer_restart pad_timer_fn(struct hrtimer *timer)
{
	struct vgpu_queue *q = container_of(timer, struct vgpu_queue, pad_timer);
	struct vgpu_engine *e = q->ctx->engine;
	enum hrtimer_restart again = HRTIMER_NORESTART;
	unsigned int turn = VGPU_TURN;
	u64 now = ktime_get_ns();
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	while (q->held && held(q, q->held)->told <= now && turn--)
		show_first(q);
	if (q->held) {
		hrtimer_set_expires(timer, ns_to_ktime(held(q, q->held)->told));
		again = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return again;
}

void vgpu_pad_init(struct vgpu_queue *q)
{
	vgpu_hrtimer_setup_soft(&q->pad_timer, pad_timer_fn);
}

void vgpu_pad_wait(struct vgpu_instance *inst)
{
	u64 grid = READ_ONCE(inst->pad.grid_ns), now = ktime_get_ns(), us;

	if (!grid)
		return;
	us = vgpu_pad_until(grid, READ_ONCE(inst->pad.jitter_ns), now, 0, U32_MAX) - now;
	us = div_u64(us, NSEC_PER_USEC) + 1;
	usleep_range(us, us + 50);
}
