// SPDX-License-Identifier: GPL-2.0
/*
 * Engines: the one place where it is decided, and done, what runs next.
 *
 *            wake                  run()                answer
 *   IDLE ----------> dispatch ----------------> RUNNING -------> stopped
 *     ^                  ^                         |                |
 *     | nobody waits     +--- next of this slice --|----------------+
 *     +------------------+                         | no answer to preempt()
 *                        ^                         v
 *                        +------------------- RESETTING
 *
 * The answer to run() comes in as an event, often in an interrupt, and the
 * next run() is given before the event returns: no thread is woken in
 * between.  So everything here happens under one spinlock and never sleeps;
 * only a reset, which must wait for hardware, has a work item.
 *
 * A fault on memory that may come back stops a command midway, too; its context
 * is not ready again before paging.c says so.
 *
 * A context whose command was stopped midway leaves its state in the engine
 * until another context needs it (a hog that is alone is never saved).
 *
 * Two timers, both armed only while something runs: the slice timer asks for
 * a stop when others wait, and enforces time limits (slice.c); the hang timer
 * forces the stop when the engine does not answer (hang.c).
 *
 * Which of a vGPU's queues has its slice is decided in entity.c; what is to end before
 * it is done does in cancel.c.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "../core_priv.h"
#include "../trace.h"
#include "../compat/hrtimer.h"

static void dispatch(struct vgpu_engine *e);

/* -------------------------------------------------------------- stopping */

void vgpu_engine_preempt_locked(struct vgpu_engine *e)
{
	bool force = e->ctx && e->ctx->kill;

	lockdep_assert_held(&e->lock);
	if (e->state != VGPU_ENGINE_RUNNING)
		return;
	/* What cannot be preempted is waited for, unless it has to die. */
	if (!vgpu_engine_can_preempt(e) && !force)
		return;
	if (!e->stopping) {
		e->stopping = true;
		e->asked = vgpu_engine_clock(e);
		e->overdue = 0;
		hrtimer_start(&e->hang_timer,
			      ns_to_ktime(READ_ONCE(e->gpu->preempt_timeout_ns)),
			      HRTIMER_MODE_REL_PINNED_HARD);
	}
	if (vgpu_engine_can_preempt(e))
		e->gpu->ops->preempt(e->gpu->hw, e->index);
}

/* -------------------------------------------------------------- starting */

void vgpu_ctx_note_moved_locked(struct vgpu_ctx *ctx,
				const struct vgpu_ctx_stats *before)
{
	const struct vgpu_ctx_stats *now = &ctx->state.stats;
	struct vgpu_ctx_stats *sum = &ctx->entity->ctx_stats;

	sum->saves += now->saves - before->saves;
	sum->loads += now->loads - before->loads;
	sum->bytes_saved += now->bytes_saved - before->bytes_saved;
	sum->bytes_loaded += now->bytes_loaded - before->bytes_loaded;
	if (now->oversized != before->oversized)
		vgpu_degrade_failed(ctx->gpu, VGPU_DEGRADE_SAVE);
}

/* Takes what is worth keeping out of the engine. */
static void unload(struct vgpu_engine *e)
{
	struct vgpu_ctx *old = e->loaded;
	struct vgpu_ctx_stats before;

	e->loaded = NULL;
	if (!old || !old->midway)
		return;
	before = old->state.stats;
	vgpu_switch_out(&e->sw, &old->state);
	vgpu_ctx_note_moved_locked(old, &before);
}

/* Puts @ctx's state where @e's last context was. */
static void switch_to(struct vgpu_engine *e, struct vgpu_ctx *ctx)
{
	struct vgpu_ctx *old = e->loaded;
	struct vgpu_ctx_stats out = {}, in = ctx->state.stats;
	u64 from = ktime_get_ns(), wall;

	if (old == ctx) {
		if (!ctx->midway || vgpu_switch_stay(&e->sw, &ctx->state,
						     &ctx->hw) ==
				    VGPU_SWITCHED_LAZY)
			return;
	} else {
		if (old && old->midway)
			out = old->state.stats;
		else
			old = NULL;
		vgpu_switch_to(&e->sw, old ? &old->state : NULL,
			       ctx->midway ? &ctx->state : NULL, &ctx->hw);
		if (old) {
			vgpu_ctx_note_moved_locked(old, &out);
			vgpu_preload_left_locked(e, old);
		}
		vgpu_preload_came_locked(e, ctx);
	}
	vgpu_ctx_note_moved_locked(ctx, &in);
	e->loaded = ctx;
	e->switches++;
	wall = ktime_get_ns() - from;
	e->switch_ns += wall;
	ctx->entity->switches++;
	trace_vgpu_switch(e, ctx->entity->inst->id, ctx->midway, wall);
}

/* Starts the next command of @q, or goes on with it if it is midway. */
static void start(struct vgpu_engine *e, struct vgpu_queue *q, u64 now)
{
	struct vgpu_ctx *ctx = q->ctx;
	struct vgpu_hw_job job = { .cookie = ++e->cookie };
	struct vgpu_slot *slot;

	vgpu_line_leave(&ctx->entity->lines, &q->line, now);
	switch_to(e, ctx);
	list_del_init(&ctx->midway_link);
	e->ctx = ctx;
	ctx->job = q;
	slot = vgpu_queue_head(q);
	if (!slot->started) {
		slot->started = true;
		vgpu_hist_add(&q->wait_hist, now - slot->accepted);
		vgpu_hist_add(&ctx->entity->wait_hist, now - slot->accepted);
		vgpu_hist_add(&e->waits, now - slot->accepted);
		e->jobs++;
	}
	job.op = slot->cmd.op;
	if (job.op == VGPU_CMD_COPY)
		job.copy = slot->cmd.copy;
	else if (job.op == VGPU_CMD_FILL)
		job.fill = slot->cmd.fill;
	else
		job.launch = slot->cmd.launch;

	e->state = VGPU_ENGINE_RUNNING;
	if (e->idle_since)
		e->idle_ns += now - min(now, e->idle_since);
	e->idle_since = 0;
	e->stopping = false;
	e->overtaken = false;
	e->started = vgpu_engine_clock(e);
	e->charged = 0;
	vgpu_slice_timer_start_locked(e, now);
	trace_vgpu_run(e, slot->seqno, slot->cmd.op, ctx->midway);
	e->gpu->ops->run(e->gpu->hw, e->index, &job, ctx->midway);
	vgpu_preload_soon_locked(e);
}

static void dispatch(struct vgpu_engine *e)
{
	u64 now = ktime_get_ns();

	lockdep_assert_held(&e->lock);
	if (e->state == VGPU_ENGINE_IDLE && !e->idle_since)
		e->idle_since = now;
	while (e->state == VGPU_ENGINE_IDLE && !e->held) {
		struct vgpu_entity *ent;
		struct vgpu_queue *q;
		struct vgpu_se *se;
		u64 slice = 0;

		se = vgpu_rq_pick(&e->rq, now, &slice);
		if (!se) {
			if (vgpu_entity_gathered_locked(e, now))
				continue;
			if (slice)	/* nobody may run before then */
				hrtimer_start(&e->slice_timer,
					      ns_to_ktime(slice),
					      HRTIMER_MODE_REL_PINNED_HARD);
			vgpu_serial_idle(e->gpu);
			return;
		}
		ent = container_of(se, struct vgpu_entity, se);
		q = vgpu_entity_next_locked(ent, NULL, now);
		if (!q) {
			/* or it has begun to gather */
			vgpu_entity_ready_locked(ent, now);
			vgpu_rq_put(&e->rq, se, 0, now, false, false);
			continue;
		}
		vgpu_hist_add(&ent->queue_hist, now - min(now, se->queued_at));
		if (ent->woken_at)
			vgpu_hist_add(&ent->wake_hist,
				      now - min(now, ent->woken_at));
		ent->woken_at = 0;
		e->entity = ent;
		e->resched = false;
		vgpu_slice_begin_locked(e, slice, now);
		start(e, q, now);
	}
}

void vgpu_engine_yield_locked(struct vgpu_engine *e, u64 now)
{
	u64 used = vgpu_engine_clock(e) - e->slice_clock;
	u64 keeps = vgpu_rq_keeps(&e->rq, used);

	if (!keeps || e->resched) {
		e->resched = true;
		vgpu_engine_preempt_locked(e);
	} else {
		vgpu_slice_cut_locked(e, keeps, now);
	}
}

void vgpu_engine_charge_locked(struct vgpu_engine *e)
{
	u64 clock, now;

	if (e->state != VGPU_ENGINE_RUNNING)
		return;
	clock = vgpu_engine_clock(e);
	if (clock - e->started <= e->charged)
		return;
	now = ktime_get_ns();
	vgpu_entity_charge_locked(e->entity, e->ctx->job,
				  clock - e->started - e->charged, now);
	vgpu_rq_charge(&e->rq, &e->entity->se,
		       clock - e->started - e->charged, now);
	e->charged = clock - e->started;
}

void vgpu_engine_kick_locked(struct vgpu_engine *e)
{
	lockdep_assert_held(&e->lock);
	if (e->state == VGPU_ENGINE_IDLE)
		dispatch(e);
}

/* ------------------------------------------------------------- stopped */

/* How long it took from the request, in the engine's own time. */
static void note_stop(struct vgpu_engine *e)
{
	u64 ns = vgpu_engine_clock(e) - e->asked;

	vgpu_hist_add(&e->stop_hist, ns);
	e->stop_max = max(e->stop_max, ns);
}

/*
 * Who goes on in this slice, if it is not over?  A command that was stopped midway
 * ends it, unless another queue of the same vGPU was to overtake.
 */
static struct vgpu_queue *next_in_slice(struct vgpu_engine *e, bool midway,
					u64 now)
{
	struct vgpu_entity *ent = e->entity;
	struct vgpu_queue *next;

	if ((midway && !e->overtaken) || e->resched || ent->paused ||
	    ent->throttled || ent->barred || !vgpu_slice_goes_on_locked(e, now))
		return NULL;
	next = vgpu_entity_next_locked(ent, e->loaded, now);
	if (!next || next->ctx == e->loaded)
		return next;
	return e->turns++ < VGPU_SLICE_TURNS ? next : NULL;
}

/* Charges, completes, and finds the next. */
void vgpu_engine_stopped_locked(struct vgpu_engine *e, u64 service, u64 bytes,
				bool midway, int error)
{
	struct vgpu_entity *ent = e->entity;
	struct vgpu_ctx *ctx = e->ctx;
	struct vgpu_queue *q = ctx->job, *next;
	struct vgpu_slot *slot = vgpu_queue_head(q);
	u64 accepted = slot->accepted, deadline = slot->deadline;
	unsigned int budget = VGPU_TURN;
	u64 now = ktime_get_ns();

	if (e->stopping)
		note_stop(e);
	hrtimer_try_to_cancel(&e->slice_timer);
	hrtimer_try_to_cancel(&e->hang_timer);
	e->state = VGPU_ENGINE_IDLE;
	e->stopping = false;
	slot->service += service;
	q->run_ns += service;
	atomic64_add(service, &q->obj.client->run_ns);
	/* one that was to be killed got away by ending, or it ends */
	trace_vgpu_stop(e, slot->seqno, service, midway && !ctx->kill,
			midway ? ctx->kill : error);
	/* Of which some was charged while it ran. */
	service -= min(service, e->charged);
	if (bytes && !vgpu_bandwidth_take(ent->inst, bytes)) {
		ent->throttled = true;
		vgpu_bandwidth_throttle(ent->inst, q->obj.client, bytes);
	}

	if (midway) {
		if (!ctx->paging) {
			q->preempted++;
			e->preemptions++;
		}
		if (ctx->kill) {
			midway = false;
			error = ctx->kill;
		}
	}
	ctx->midway = midway;
	if (midway) {
		list_add_tail(&ctx->midway_link, &e->preload.midway);
	} else {
		if (!error)
			ent->strikes = 0;
		ctx->kill = 0;
		ctx->job = NULL;
		vgpu_ctx_state_drop(&ctx->state);
		vgpu_queue_complete_locked(q, error);
	}
	wake_up_all(&e->wait);

	e->ctx = NULL;
	vgpu_entity_charge_locked(ent, q, service, now);
	/* Who waits for memory is off the engine until it is there. */
	if (ctx->paging)
		vgpu_ctx_leave_locked(ctx, now);
	vgpu_queue_line_up_locked(q, true, &budget, now);
	if (!midway)
		vgpu_queue_ended_locked(q, accepted, deadline, error, now);
	next = next_in_slice(e, midway, now);
	if (next) {
		vgpu_rq_charge(&e->rq, &ent->se, service, now);
		start(e, next, now);
		return;
	}
	vgpu_slice_finish_locked(e, now);
	e->entity = NULL;
	vgpu_rq_put(&e->rq, &ent->se, service, now,
		    vgpu_entity_ready_locked(ent, now),
		    midway && !ctx->paging);
	dispatch(e);
}

/*
 * No race with a reset explains it: that makes the cookies of runs before it old ones, and
 * until then the engine is resetting.
 */
static bool was_never_asked(const struct vgpu_engine *e,
			    const struct vgpu_hw_event *ev)
{
	return ev->cookie > e->cookie ||
	       (ev->cookie == e->cookie && e->state == VGPU_ENGINE_IDLE);
}

void vgpu_gpu_event(struct vgpu_gpu *gpu, const struct vgpu_hw_event *ev)
{
	struct vgpu_engine *e;
	unsigned long flags;

	if (WARN_ON_ONCE(ev->engine >= gpu->whole.nr_engines)) {
		vgpu_degrade_failed(gpu, VGPU_DEGRADE_CONTRACT);
		return;
	}
	e = &gpu->whole.engines[ev->engine];
	if (ev->type == VGPU_HW_ECC) {
		vgpu_ecc_event(gpu, ev->page);
		return;
	}
	spin_lock_irqsave(&e->lock, flags);
	if (e->state != VGPU_ENGINE_RUNNING || ev->cookie != e->cookie) {
		/* Of a run that a reset ended, or of a backend that errs. */
		e->stale_events++;
		if (was_never_asked(e, ev))
			vgpu_degrade_failed(gpu, VGPU_DEGRADE_CONTRACT);
		goto out;
	}
	if (ev->type == VGPU_HW_FAULT && vgpu_paging_begin_locked(e->ctx, ev)) {
		vgpu_engine_stopped_locked(e, ev->service, ev->bytes, true, 0);
		goto out;
	}
	if (ev->type == VGPU_HW_FAULT)
		vgpu_engine_fault_locked(e, e->ctx, ev);
	vgpu_engine_stopped_locked(e, ev->service, ev->bytes,
				   ev->type == VGPU_HW_PREEMPTED,
				   ev->type == VGPU_HW_FAULT ? ev->error ?: -EIO : 0);
out:
	spin_unlock_irqrestore(&e->lock, flags);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_event, VGPU);

/* -------------------------------------------------------------- holding */

static bool is_stopped(struct vgpu_engine *e)
{
	bool stopped;

	spin_lock_irq(&e->lock);
	stopped = e->state == VGPU_ENGINE_IDLE || e->state == VGPU_ENGINE_DEAD;
	spin_unlock_irq(&e->lock);
	return stopped;
}

void vgpu_engine_hold(struct vgpu_engine *e)
{
	spin_lock_irq(&e->lock);
	e->held++;
	e->resched = true;
	vgpu_engine_preempt_locked(e);
	spin_unlock_irq(&e->lock);
	wait_event(e->wait, is_stopped(e));
	spin_lock_irq(&e->lock);
	unload(e);
	vgpu_switch_forget(&e->sw, NULL);
	spin_unlock_irq(&e->lock);
}

void vgpu_engine_release(struct vgpu_engine *e)
{
	spin_lock_irq(&e->lock);
	if (!--e->held)
		dispatch(e);
	spin_unlock_irq(&e->lock);
}

void vgpu_engine_unload(struct vgpu_engine *e, struct vgpu_instance *inst)
{
	spin_lock_irq(&e->lock);
	if (e->state == VGPU_ENGINE_IDLE && e->loaded &&
	    e->loaded->entity->inst == inst)
		unload(e);
	spin_unlock_irq(&e->lock);
}

/* ---------------------------------------------------------- life cycle */

/* A policy broke its contract; the run queue goes on with "rr". */
void vgpu_engine_ejected(struct vgpu_rq *rq, const char *name,
			 const char *reason)
{
	struct vgpu_engine *e = container_of(vgpu_rq_top(rq),
					     struct vgpu_engine, rq);

	e->ejections++;
	pr_err("vgpu: gpu%u: engine %u: policy %s ejected: %s\n",
	       e->gpu->index, e->index, name, reason);
	vgpu_event_post(VGPU_EVENT_POLICY, e->gpu, NULL, 0);
	vgpu_degrade_failed(e->gpu, VGPU_DEGRADE_POLICY);
}

int vgpu_engine_init(struct vgpu_engine *e, struct vgpu_gpu *gpu,
		     unsigned int index)
{
	e->gpu = gpu;
	e->index = index;
	/* Bits are needed, and there, where units can be moved. */
	if (index < gpu->desc.engines)
		e->units = gpu->desc.units < 64 ?
			   (BIT_ULL(gpu->desc.units) - 1) <<
			   (index * gpu->desc.units % 64) : ~0ULL;
	spin_lock_init(&e->lock);
	init_waitqueue_head(&e->wait);
	vgpu_hang_init(e);
	vgpu_switch_init(&e->sw, gpu->ops, gpu->hw, index, gpu->switching);
	vgpu_preload_init(e);
	vgpu_hrtimer_setup(&e->slice_timer, vgpu_slice_timer_fn);
	/* The run queue has a reference of its own, as it may change it. */
	vgpu_rq_init(&e->rq, &e->lock,
		     vgpu_policy_get(vgpu_policy_name(gpu->policy)));
	e->rq.slice_ns = gpu->slice_ns;
	e->rq.threshold_ns = gpu->threshold_ns;
	e->rq.ejected = vgpu_engine_ejected;
	e->idle_since = ktime_get_ns();
	INIT_LIST_HEAD(&e->gathering);
	return 0;
}

void vgpu_engine_kill(struct vgpu_engine *e)
{
	enum vgpu_engine_state was;

	/* Nothing new starts, but what a reset that goes on dispatches: that ends, too. */
	for (;;) {
		spin_lock_irq(&e->lock);
		was = e->state;
		if (was == VGPU_ENGINE_RUNNING)
			vgpu_hang_begin_locked(e);
		else if (was == VGPU_ENGINE_IDLE)
			e->state = VGPU_ENGINE_DEAD;
		spin_unlock_irq(&e->lock);
		if (was != VGPU_ENGINE_RESETTING)
			break;
		flush_work(&e->reset_work);
	}
	if (was == VGPU_ENGINE_RUNNING)
		e->gpu->ops->reset(e->gpu->hw, e->index);

	spin_lock_irq(&e->lock);
	e->state = VGPU_ENGINE_DEAD;
	e->cookie++;
	e->loaded = NULL;
	vgpu_switch_lost(&e->sw);
	if (e->entity) {
		struct vgpu_entity *ent = e->entity;
		struct vgpu_ctx *ctx = e->ctx;

		/* Left midway for good; its queue is about to be cancelled. */
		ctx->midway = true;
		e->entity = NULL;
		e->ctx = NULL;
		vgpu_rq_put(&e->rq, &ent->se, 0, ktime_get_ns(), false, true);
	}
	spin_unlock_irq(&e->lock);
	hrtimer_cancel(&e->slice_timer);
	hrtimer_cancel(&e->hang_timer);
	vgpu_preload_fini(e);
	wake_up_all(&e->wait);
}

void vgpu_engine_fini(struct vgpu_engine *e)
{
	hrtimer_cancel(&e->slice_timer);
	hrtimer_cancel(&e->hang_timer);
	cancel_work_sync(&e->reset_work);
	vgpu_preload_fini(e);
	vgpu_rq_fini(&e->rq);
	vgpu_policy_put(e->rq.policy);
}
