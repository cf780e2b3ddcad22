// SPDX-License-Identifier: GPL-2.0
/*
 * An instance on an engine, and whose turn it is within it.
 *
 * The run queue decides among vGPUs and knows nothing of what follows: which of
 * a vGPU's queues has the slice that the vGPU got.  That is for the lines
 * (sched/lines.c); each queue whose head needs the engine is one.  A queue whose
 * context has another's command midway is served by that command going on, since
 * the state of a context is that of one command: who waits behind it lends it
 * class and deadline.
 *
 * An entity that has nothing but batch lines which are still gathered waits for
 * no turn.  It does when enough have come, at the latest when its timer says so,
 * and at once when the engine would be idle.
 *
 * All of it is under the engine's lock.
 */
#include <linux/ktime.h>

#include "../core_priv.h"
#include "../trace.h"
#include "../compat/hrtimer.h"

static struct vgpu_queue *to_queue(struct vgpu_line *line)
{
	return container_of(line, struct vgpu_queue, line);
}

static bool runs(const struct vgpu_queue *q)
{
	return q->ctx->engine->ctx == q->ctx && q->ctx->job == q;
}

/* Nobody else has, or waits for, the engine. */
static bool is_alone(const struct vgpu_entity *ent)
{
	const struct vgpu_engine *e = ent->engine;

	return (!e->entity || e->entity == ent) &&
	       !vgpu_rq_contended(&e->rq, &ent->se);
}

/* ------------------------------------------------------------ gathering */

static void gather(struct vgpu_entity *ent, u64 hold_ns, u64 now)
{
	if (list_empty(&ent->gathers)) {
		list_add_tail(&ent->gathers, &ent->engine->gathering);
		ent->woken_at = now;
	}
	hrtimer_start(&ent->gather_timer, ns_to_ktime(hold_ns),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* true: it did. */
static bool gather_end(struct vgpu_entity *ent)
{
	if (list_empty(&ent->gathers))
		return false;
	list_del_init(&ent->gathers);
	/* if it is running, it finds nothing to do */
	hrtimer_try_to_cancel(&ent->gather_timer);
	return true;
}

static enum hrtimer_restart gather_timer_fn(struct hrtimer *timer)
{
	struct vgpu_entity *ent = container_of(timer, struct vgpu_entity,
					       gather_timer);
	struct vgpu_engine *e = ent->engine;
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (!list_empty(&ent->gathers))
		vgpu_entity_unblock_locked(ent);
	spin_unlock_irqrestore(&e->lock, flags);
	return HRTIMER_NORESTART;
}

bool vgpu_entity_gathered_locked(struct vgpu_engine *e, u64 now)
{
	struct vgpu_entity *ent;
	u64 hold;

	lockdep_assert_held(&e->lock);
	while (!list_empty(&e->gathering)) {
		ent = list_first_entry(&e->gathering, struct vgpu_entity,
				       gathers);
		gather_end(ent);
		if (ent->paused || ent->throttled || ent->barred ||
		    ent->se.state != VGPU_SE_IDLE ||
		    !vgpu_lines_next(&ent->lines, true, now, &hold))
			continue;
		vgpu_rq_wake(&e->rq, &ent->se, now);
		trace_vgpu_wake(e, ent->inst->id, false);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------ whose turn */

bool vgpu_entity_ready_locked(struct vgpu_entity *ent, u64 now)
{
	u64 hold;

	lockdep_assert_held(&ent->engine->lock);
	/* without contexts it may be on no engine at all (units.c) */
	if (ent->paused || ent->throttled || !ent->contexts)
		return false;
	if (ent->barred) {
		if (vgpu_lines_next(&ent->lines, true, now, &hold))
			vgpu_serial_wanted(ent->engine->gpu);
		return false;
	}
	if (vgpu_lines_next(&ent->lines, is_alone(ent), now, &hold))
		return true;
	if (hold)
		gather(ent, hold, now);
	return false;
}

/*
 * Within a slice commands of the context that is loaded go on, in turn by queue,
 * if nothing speaks for @line, of another one, but that it has waited longer.
 */
static struct vgpu_line *stay_at(struct vgpu_ctx *ctx, struct vgpu_line *line)
{
	struct vgpu_line *best = NULL;
	struct vgpu_queue *q;

	if (to_queue(line)->ctx == ctx)
		return line;
	list_for_each_entry(q, &ctx->queues, link)
		if (q->line.waiting && q->line.class == line->class &&
		    (!best || vgpu_line_before(&q->line, best)))
			best = &q->line;
	if (!best || vgpu_line_overtakes(&ctx->entity->lines, line, best))
		return line;
	return best;
}

struct vgpu_queue *vgpu_entity_next_locked(struct vgpu_entity *ent,
					   struct vgpu_ctx *loaded, u64 now)
{
	struct vgpu_line *line;
	struct vgpu_ctx *ctx;
	u64 hold;

	lockdep_assert_held(&ent->engine->lock);
	line = vgpu_lines_next(&ent->lines, is_alone(ent), now, &hold);
	if (!line)
		return NULL;
	if (loaded)
		line = stay_at(loaded, line);
	ctx = to_queue(line)->ctx;
	return ctx->midway ? ctx->job : to_queue(line);
}

bool vgpu_entity_rival_locked(struct vgpu_entity *ent, u64 now)
{
	struct vgpu_engine *e = ent->engine;
	struct vgpu_line *rival;

	lockdep_assert_held(&e->lock);
	rival = vgpu_lines_rival(&ent->lines, &e->ctx->job->line, now);
	/* behind the command that runs there is no way past it */
	return rival && to_queue(rival)->ctx != e->ctx;
}

bool vgpu_queue_line_up_locked(struct vgpu_queue *q, bool again,
			       unsigned int *budget, u64 now)
{
	struct vgpu_ctx *ctx = q->ctx;
	struct vgpu_lines *lines = &ctx->entity->lines;

	lockdep_assert_held(&ctx->engine->lock);
	if (q->closed || q->line.waiting || ctx->paging || runs(q) ||
	    ctx->entity->frozen)
		return false;
	vgpu_queue_advance_locked(q, budget);
	if (q->waiting || !vgpu_queue_runnable_locked(q))
		return false;
	if (again || ctx->job == q)
		vgpu_line_return(lines, &q->line, vgpu_queue_head(q)->due, now);
	else
		vgpu_line_wait(lines, &q->line, vgpu_queue_head(q)->due, now);
	return true;
}

/* The entity runs: is @q, that lined up, to have the engine at once? */
static void overtake(struct vgpu_entity *ent, struct vgpu_queue *q)
{
	struct vgpu_engine *e = ent->engine;
	struct vgpu_queue *next;

	if (e->state != VGPU_ENGINE_RUNNING || e->resched || e->stopping ||
	    q->ctx == e->ctx)
		return;
	if (!vgpu_line_overtakes(&ent->lines, &q->line, &e->ctx->job->line))
		return;
	/* Who waits behind the command that runs may come before @q. */
	next = vgpu_entity_next_locked(ent, NULL, ktime_get_ns());
	if (next && next->ctx == e->ctx)
		return;
	/* Switching is not charged: who does too much of it ends its slice. */
	if (e->turns >= VGPU_SLICE_TURNS)
		e->resched = true;
	e->overtaken = true;
	vgpu_engine_preempt_locked(e);
}

void vgpu_queue_reconsider_locked(struct vgpu_queue *q)
{
	struct vgpu_entity *ent = q->ctx->entity;

	if (ent->engine->entity != ent)
		vgpu_entity_unblock_locked(ent);
	else if (q->line.waiting)
		overtake(ent, q);
}

static void wake(struct vgpu_queue *q, unsigned int *budget)
{
	struct vgpu_entity *ent = q->ctx->entity;

	/* What was served before @q waited was served in turn. */
	if (ent->engine->entity == ent && !q->line.waiting)
		vgpu_engine_charge_locked(ent->engine);
	vgpu_queue_line_up_locked(q, false, budget, ktime_get_ns());
	vgpu_queue_reconsider_locked(q);
}

void vgpu_queue_wake_locked(struct vgpu_queue *q)
{
	unsigned int budget = VGPU_TURN;

	wake(q, &budget);
}

void vgpu_ctx_wake_locked(struct vgpu_ctx *ctx)
{
	unsigned int budget = VGPU_TURN;	/* of all, for all are under one lock */
	struct vgpu_queue *q;

	list_for_each_entry(q, &ctx->queues, link)
		wake(q, &budget);
}

void vgpu_ctx_leave_locked(struct vgpu_ctx *ctx, u64 now)
{
	struct vgpu_queue *q;

	list_for_each_entry(q, &ctx->queues, link)
		vgpu_line_leave(&ctx->entity->lines, &q->line, now);
}

void vgpu_entity_unblock_locked(struct vgpu_entity *ent)
{
	struct vgpu_engine *e = ent->engine;
	u64 now = ktime_get_ns();
	bool preempts;

	lockdep_assert_held(&e->lock);
	if (ent->se.state != VGPU_SE_IDLE || e->state == VGPU_ENGINE_DEAD ||
	    !vgpu_entity_ready_locked(ent, now))
		return;
	vgpu_gpu_sample_soon(e->gpu);
	vgpu_governor_arm(e->gpu);
	vgpu_monitor_arm(e->gpu);
	vgpu_engine_charge_locked(e);
	/* gathering is part of what it waited */
	if (!gather_end(ent))
		ent->woken_at = now;
	preempts = vgpu_rq_wake(&e->rq, &ent->se, now) &&
		   e->state == VGPU_ENGINE_RUNNING;
	trace_vgpu_wake(e, ent->inst->id, preempts);
	if (preempts)
		vgpu_engine_yield_locked(e, now);
	vgpu_engine_kick_locked(e);
}

/* -------------------------------------------------------------- figures */

void vgpu_entity_charge_locked(struct vgpu_entity *ent,
			       const struct vgpu_queue *q, u64 service, u64 now)
{
	vgpu_lines_charge(&ent->lines, q->line.class, service, now);
}

void vgpu_queue_ended_locked(struct vgpu_queue *q, u64 accepted, u64 deadline,
			     int error, u64 now)
{
	struct vgpu_slot *held = vgpu_pad_last_locked(q);
	u64 late;

	/* It has ended when that can be seen. */
	if (held)
		now = held->told;
	/* What was taken back, or failed in time, neither met nor missed it. */
	if (error == -ECANCELED || (error && now <= deadline))
		deadline = U64_MAX;
	late = vgpu_lines_ended(&q->ctx->entity->lines, q->line.class, accepted,
				deadline, now);
	if (held) {
		held->timed = true;
		held->deadline = deadline;
		held->late = late;
	} else {
		vgpu_queue_tell_deadline_locked(q, deadline, late);
	}
}

void vgpu_queue_tell_deadline_locked(struct vgpu_queue *q, u64 deadline, u64 late)
{
	if (!late) {
		q->deadlines_met += deadline != U64_MAX;
		return;
	}
	q->deadlines_missed++;
	q->late_max_ns = max(q->late_max_ns, late);
	/* Its owner is told once, until it has looked. */
	if (!(q->irq & VGPU_QUEUE_IRQ_LATE))
		vgpu_queue_irq_locked(q, VGPU_QUEUE_IRQ_LATE);
}

/* ----------------------------------------------------------- life cycle */

static void lines_reset(struct vgpu_lines *lines)
{
	struct vgpu_line_stats stats[VGPU_LINE_CLASSES];
	u64 batches = lines->batches;
	unsigned int i;

	memcpy(stats, lines->stats, sizeof(stats));
	vgpu_lines_init(lines);
	for (i = 0; i < VGPU_LINE_CLASSES; i++) {
		stats[i].waiting = 0;
		lines->stats[i] = stats[i];
	}
	lines->batches = batches;
}

void vgpu_entity_init(struct vgpu_entity *ent, struct vgpu_instance *inst,
		      struct vgpu_engine *e)
{
	/* What it got elsewhere counts. */
	struct vgpu_se_stats stats = ent->se.stats;

	ent->inst = inst;
	ent->engine = e;
	ent->paused = true;	/* until the instance is started */
	ent->throttled = false;
	ent->barred = false;
	ent->pace = 0;
	ent->woken_at = 0;
	lines_reset(&ent->lines);
	INIT_LIST_HEAD(&ent->gathers);
	vgpu_hrtimer_setup(&ent->gather_timer, gather_timer_fn);
	spin_lock_irq(&e->lock);
	vgpu_rq_add(&e->rq, &ent->se, inst->id, inst->weight, inst->priority);
	ent->se.stats = stats;
	vgpu_rq_set_se_slice(&e->rq, &ent->se, inst->slice_ns, ktime_get_ns());
	/*
	 * Whoever moves it saw to it that the cap fits, but when a GPU lost its
	 * units, or it is about to go: then it counts by its weight here.
	 */
	vgpu_rq_set_cap(&e->rq, &ent->se, inst->cap, ktime_get_ns());
	spin_unlock_irq(&e->lock);
}

void vgpu_entity_add_context(struct vgpu_entity *ent)
{
	spin_lock_irq(&ent->engine->lock);
	ent->contexts++;
	spin_unlock_irq(&ent->engine->lock);
}

/* No context is left, so nothing begins to gather any more. */
void vgpu_entity_fini(struct vgpu_entity *ent)
{
	struct vgpu_engine *e = ent->engine;

	spin_lock_irq(&e->lock);
	gather_end(ent);
	vgpu_rq_remove(&e->rq, &ent->se, ktime_get_ns());
	spin_unlock_irq(&e->lock);
	hrtimer_cancel(&ent->gather_timer);
}

static bool entity_runs(struct vgpu_entity *ent)
{
	struct vgpu_engine *e = ent->engine;
	bool runs;

	spin_lock_irq(&e->lock);
	runs = ent->paused && e->entity == ent;
	spin_unlock_irq(&e->lock);
	return runs;
}

void vgpu_entity_halt_locked(struct vgpu_entity *ent)
{
	struct vgpu_engine *e = ent->engine;

	lockdep_assert_held(&e->lock);
	if (ent->se.state == VGPU_SE_QUEUED) {
		vgpu_rq_block(&e->rq, &ent->se, ktime_get_ns());
	} else if (e->entity == ent) {
		e->resched = true;
		vgpu_engine_preempt_locked(e);
	} else {
		gather_end(ent);
	}
}

void vgpu_entity_pause(struct vgpu_entity *ent, bool paused)
{
	struct vgpu_engine *e = ent->engine;

	spin_lock_irq(&e->lock);
	ent->paused = paused;
	if (paused)
		vgpu_entity_halt_locked(ent);
	else
		vgpu_entity_unblock_locked(ent);
	spin_unlock_irq(&e->lock);
	if (paused && e->gpu->desc.caps & VGPU_HW_PREEMPT)
		wait_event(e->wait, !entity_runs(ent));
}
