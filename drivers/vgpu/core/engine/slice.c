// SPDX-License-Identifier: GPL-2.0
/*
 * Slices: how long the entity that runs has an engine, by the engine's clock,
 * and what the timer that ends it is set to, by the clock on the wall.
 *
 * All of it is under the engine's lock.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "../core_priv.h"

/* A slice takes no longer than this many times its length by the wall clock. */
#define SLICE_STRETCH	8
#define PACE_EQUAL	1024

/*
 * Slices are engine time, timers are not.  Where the engine was faster than the
 * clock on the wall with this entity's work, the timer comes sooner.  It never
 * comes later: that the engine was slow so far says nothing of what is to come.
 */
static u64 to_wall(const struct vgpu_engine *e, u64 engine_ns)
{
	u32 pace = e->entity->pace;

	return pace ? div_u64(engine_ns * pace, PACE_EQUAL) : engine_ns;
}

void vgpu_slice_begin_locked(struct vgpu_engine *e, u64 slice_ns, u64 now)
{
	e->slice_ns = slice_ns;
	e->slice_clock = vgpu_engine_clock(e);
	e->slice_from = now;
	e->slice_end = now + to_wall(e, slice_ns);
	e->turns = 0;
}

void vgpu_slice_finish_locked(struct vgpu_engine *e, u64 now)
{
	u64 used = vgpu_engine_clock(e) - e->slice_clock;
	u64 pace;

	if (used > e->slice_ns)
		vgpu_rq_overshoot(&e->rq, &e->entity->se, used - e->slice_ns);
	/* what is cut short at once says little */
	if (used < e->slice_ns / 4)
		return;
	pace = div64_u64((now - e->slice_from) * PACE_EQUAL, used);
	e->entity->pace = clamp_t(u64, pace, PACE_EQUAL / SLICE_STRETCH,
				  PACE_EQUAL);
}

bool vgpu_slice_goes_on_locked(struct vgpu_engine *e, u64 now)
{
	u64 passed = now - e->slice_from;
	u64 used = vgpu_engine_clock(e) - e->slice_clock;

	if (now < e->slice_end)
		return true;
	if (used >= e->slice_ns || passed >= SLICE_STRETCH * e->slice_ns)
		return false;
	e->slice_end = now + to_wall(e, e->slice_ns - used);
	return true;
}

void vgpu_slice_cut_locked(struct vgpu_engine *e, u64 keeps, u64 now)
{
	u64 used = vgpu_engine_clock(e) - e->slice_clock;

	if (used + keeps >= e->slice_ns)
		return;
	e->slice_ns = used + keeps;
	e->slice_end = now + to_wall(e, keeps);
	vgpu_slice_timer_start_locked(e, now);
}

void vgpu_slice_timer_start_locked(struct vgpu_engine *e, u64 now)
{
	struct vgpu_queue *q = e->ctx->job;
	u64 ns = U64_MAX;

	/* Once somebody else is to run, the end of the slice is no news. */
	if (!e->resched)
		ns = e->slice_end > now ? e->slice_end - now : 0;
	if (q->time_limit_ns) {
		u64 used = vgpu_queue_head(q)->service +
			   vgpu_engine_clock(e) - e->started;

		ns = min(ns, used < q->time_limit_ns ?
			     q->time_limit_ns - used : 0);
	}
	if (ns == U64_MAX)
		return;
	hrtimer_start(&e->slice_timer,
		      ns_to_ktime(max_t(u64, ns, VGPU_SLICE_MIN_NS / 2)),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

enum hrtimer_restart vgpu_slice_timer_fn(struct hrtimer *timer)
{
	struct vgpu_engine *e = container_of(timer, struct vgpu_engine,
					     slice_timer);
	unsigned long flags;
	struct vgpu_queue *q;
	u64 used, now, slice;

	spin_lock_irqsave(&e->lock, flags);
	vgpu_engine_kick_locked(e);		/* a cap held work back */
	/* What was told to stop is not told twice: the rest is seen when it has. */
	if (e->state != VGPU_ENGINE_RUNNING || e->stopping)
		goto out;
	now = ktime_get_ns();
	q = e->ctx->job;
	used = vgpu_queue_head(q)->service + vgpu_engine_clock(e) - e->started;
	if (q->time_limit_ns && used >= q->time_limit_ns && !e->ctx->kill) {
		e->ctx->kill = -ETIME;
		vgpu_engine_preempt_locked(e);
	} else if (now >= e->slice_end) {
		bool over = !vgpu_slice_goes_on_locked(e, now);

		if (over || !vgpu_rq_contended(&e->rq, &e->entity->se))
			vgpu_engine_charge_locked(e);
		/*
		 * Who is alone has the next one now: where the engine waits for a CPU,
		 * to see to the rest of this one takes a timer every 50 us.
		 */
		if (!vgpu_entity_rival_locked(e->entity, now) &&
		    vgpu_rq_extend(&e->rq, &e->entity->se, &slice)) {
			vgpu_slice_begin_locked(e, slice, now);
		} else if (over) {
			e->resched = true;
			vgpu_engine_preempt_locked(e);
		}
	}
	if (!e->stopping)
		vgpu_slice_timer_start_locked(e, now);
out:
	spin_unlock_irqrestore(&e->lock, flags);
	return HRTIMER_NORESTART;
}
