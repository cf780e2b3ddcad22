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
 * a stop when others wait, and enforces time limits; the hang timer forces
 * the stop when the engine does not answer.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "core_priv.h"
#include "trace.h"
#include "../compat/hrtimer.h"

/* A slice takes no longer than this many times its length by the wall clock. */
#define SLICE_STRETCH	8
#define PACE_EQUAL	1024

static void dispatch(struct vgpu_engine *e);
static void charge_so_far(struct vgpu_engine *e);

static bool engine_can(const struct vgpu_engine *e, u64 cap)
{
	return e->gpu->desc.caps & cap;
}

static u64 engine_clock(struct vgpu_engine *e)
{
	return e->gpu->ops->clock(e->gpu->hw, e->index);
}

/* -------------------------------------------------------------- stopping */

void vgpu_engine_preempt_locked(struct vgpu_engine *e)
{
	bool force = e->ctx && e->ctx->kill;

	lockdep_assert_held(&e->lock);
	if (e->state != VGPU_ENGINE_RUNNING)
		return;
	/* What cannot be preempted is waited for, unless it has to die. */
	if (!engine_can(e, VGPU_HW_PREEMPT) && !force)
		return;
	if (!e->stopping) {
		e->stopping = true;
		e->asked = engine_clock(e);
		hrtimer_start(&e->hang_timer,
			      ns_to_ktime(READ_ONCE(e->gpu->preempt_timeout_ns)),
			      HRTIMER_MODE_REL_PINNED_HARD);
	}
	if (engine_can(e, VGPU_HW_PREEMPT))
		e->gpu->ops->preempt(e->gpu->hw, e->index);
}

static enum hrtimer_restart hang_timer_fn(struct hrtimer *timer)
{
	struct vgpu_engine *e = container_of(timer, struct vgpu_engine,
					     hang_timer);
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (e->state == VGPU_ENGINE_RUNNING && e->stopping) {
		e->state = VGPU_ENGINE_RESETTING;
		queue_work(e->gpu->wq, &e->reset_work);
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return HRTIMER_NORESTART;
}

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

static void slice_begin(struct vgpu_engine *e, u64 slice_ns, u64 now)
{
	e->slice_ns = slice_ns;
	e->slice_clock = engine_clock(e);
	e->slice_from = now;
	e->slice_end = now + to_wall(e, slice_ns);
}

static void slice_finish(struct vgpu_engine *e, u64 now)
{
	u64 used = engine_clock(e) - e->slice_clock;
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

/*
 * Where the engine is slower, it gets the rest of its slice, instead of being
 * stopped and picked again for ever smaller rests.  One that stands still does
 * not.
 */
static bool slice_goes_on(struct vgpu_engine *e, u64 now)
{
	u64 passed = now - e->slice_from;
	u64 used = engine_clock(e) - e->slice_clock;

	if (now < e->slice_end)
		return true;
	if (used >= e->slice_ns || passed >= SLICE_STRETCH * e->slice_ns)
		return false;
	e->slice_end = now + to_wall(e, e->slice_ns - used);
	return true;
}

/* When to look next: the end of the slice, or of the command's time. */
static void slice_timer_start(struct vgpu_engine *e, u64 now)
{
	struct vgpu_queue *q = e->ctx->job;
	u64 ns = U64_MAX;

	/* Once somebody else is to run, the end of the slice is no news. */
	if (!e->resched)
		ns = e->slice_end > now ? e->slice_end - now : 0;
	if (q->time_limit_ns) {
		u64 used = vgpu_queue_head(q)->service +
			   engine_clock(e) - e->started;

		ns = min(ns, used < q->time_limit_ns ?
			     q->time_limit_ns - used : 0);
	}
	if (ns == U64_MAX)
		return;
	hrtimer_start(&e->slice_timer,
		      ns_to_ktime(max_t(u64, ns, VGPU_SLICE_MIN_NS / 2)),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static enum hrtimer_restart slice_timer_fn(struct hrtimer *timer)
{
	struct vgpu_engine *e = container_of(timer, struct vgpu_engine,
					     slice_timer);
	unsigned long flags;
	struct vgpu_queue *q;
	u64 used, now, slice;

	spin_lock_irqsave(&e->lock, flags);
	if (e->state == VGPU_ENGINE_IDLE)	/* a cap held work back */
		dispatch(e);
	if (e->state != VGPU_ENGINE_RUNNING)
		goto out;
	now = ktime_get_ns();
	q = e->ctx->job;
	used = vgpu_queue_head(q)->service + engine_clock(e) - e->started;
	if (q->time_limit_ns && used >= q->time_limit_ns && !e->ctx->kill) {
		e->ctx->kill = -ETIME;
		vgpu_engine_preempt_locked(e);
	} else if (!slice_goes_on(e, now)) {
		charge_so_far(e);
		if (!e->rq.nr_queued && list_empty(&e->entity->ready) &&
		    vgpu_rq_extend(&e->rq, &e->entity->se, &slice)) {
			slice_begin(e, slice, now);
		} else {
			e->resched = true;
			vgpu_engine_preempt_locked(e);
		}
	}
	if (!e->stopping)
		slice_timer_start(e, now);
out:
	spin_unlock_irqrestore(&e->lock, flags);
	return HRTIMER_NORESTART;
}

/* -------------------------------------------------------------- starting */

/* Takes what is worth keeping out of the engine. */
static void unload(struct vgpu_engine *e)
{
	struct vgpu_ctx *old = e->loaded;
	struct vgpu_ctx_stats *st;
	u64 bytes;

	e->loaded = NULL;
	if (!old || !old->midway)
		return;
	bytes = old->state.stats.bytes_saved;
	vgpu_ctx_save(&old->state, e->gpu->ops, e->gpu->hw, e->index);
	st = &old->entity->ctx_stats;
	st->saves++;
	st->bytes_saved += old->state.stats.bytes_saved - bytes;
}

/* Puts @ctx's state where @e's last context was. */
static void switch_to(struct vgpu_engine *e, struct vgpu_ctx *ctx)
{
	const struct vgpu_backend_ops *ops = e->gpu->ops;
	void *hw = e->gpu->hw;
	u64 from = ktime_get_ns(), wall;
	struct vgpu_ctx_stats *st;

	if (e->loaded == ctx)
		return;
	unload(e);
	ops->clear(hw, e->index, &ctx->hw);
	if (ctx->midway) {
		u64 bytes = ctx->state.stats.bytes_loaded;

		vgpu_ctx_load(&ctx->state, ops, hw, e->index);
		st = &ctx->entity->ctx_stats;
		st->loads++;
		st->bytes_loaded += ctx->state.stats.bytes_loaded - bytes;
	}
	e->loaded = ctx;
	e->switches++;
	wall = ktime_get_ns() - from;
	e->switch_ns += wall;
	ctx->entity->switches++;
	trace_vgpu_switch(e, ctx->entity->inst->id, ctx->midway, wall);
}

/* Starts the next command of e->ctx, or goes on with the one midway. */
static void start(struct vgpu_engine *e, struct vgpu_queue *q, u64 now)
{
	struct vgpu_ctx *ctx = e->ctx;
	struct vgpu_hw_job job = { .cookie = ++e->cookie };
	struct vgpu_slot *slot;

	if (!ctx->midway) {
		ctx->job = q;
		/* The next one is another queue's. */
		if (!q->closed)
			list_move_tail(&q->link, &ctx->queues);
	}
	q = ctx->job;
	slot = vgpu_queue_head(q);
	if (!slot->started) {
		slot->started = true;
		vgpu_hist_add(&q->wait_hist, now - slot->accepted);
		vgpu_hist_add(&ctx->entity->wait_hist, now - slot->accepted);
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
	e->started = engine_clock(e);
	e->charged = 0;
	slice_timer_start(e, now);
	trace_vgpu_run(e, slot->seqno, slot->cmd.op, ctx->midway);
	e->gpu->ops->run(e->gpu->hw, e->index, &job, ctx->midway);
}

static void dispatch(struct vgpu_engine *e)
{
	u64 now = ktime_get_ns();

	lockdep_assert_held(&e->lock);
	if (e->state == VGPU_ENGINE_IDLE && !e->idle_since)
		e->idle_since = now;
	while (e->state == VGPU_ENGINE_IDLE && !e->held) {
		struct vgpu_queue *q = NULL;
		struct vgpu_ctx *ctx = NULL;
		struct vgpu_entity *ent;
		struct vgpu_se *se;
		u64 slice = 0;

		se = vgpu_rq_pick(&e->rq, now, &slice);
		if (!se) {
			if (slice)	/* nobody may run before then */
				hrtimer_start(&e->slice_timer,
					      ns_to_ktime(slice),
					      HRTIMER_MODE_REL_PINNED_HARD);
			return;
		}
		ent = container_of(se, struct vgpu_entity, se);
		while (!list_empty(&ent->ready)) {
			ctx = list_first_entry(&ent->ready, struct vgpu_ctx,
					       ready);
			list_del_init(&ctx->ready);
			q = ctx->midway ? ctx->job :
			    vgpu_ctx_next_queue_locked(ctx);
			if (q)
				break;
		}
		if (!q) {
			vgpu_rq_put(&e->rq, se, 0, now, false, false);
			continue;
		}
		vgpu_hist_add(&ent->queue_hist, now - min(now, se->queued_at));
		if (ent->woken_at)
			vgpu_hist_add(&ent->wake_hist,
				      now - min(now, ent->woken_at));
		ent->woken_at = 0;
		e->entity = ent;
		e->ctx = ctx;
		e->resched = false;
		slice_begin(e, slice, now);
		switch_to(e, ctx);
		start(e, q, now);
	}
}

/*
 * One that woke up is to have the engine, at once or when who runs has had what
 * it may keep: then its slice ends there, sooner than it would.
 */
static void preempt_for_waker(struct vgpu_engine *e, u64 now)
{
	u64 used = engine_clock(e) - e->slice_clock;
	u64 keeps = vgpu_rq_keeps(&e->rq, used);

	if (!keeps || e->resched) {
		e->resched = true;
		vgpu_engine_preempt_locked(e);
	} else if (used + keeps < e->slice_ns) {
		e->slice_ns = used + keeps;
		e->slice_end = now + to_wall(e, keeps);
		slice_timer_start(e, now);
	}
}

/* The policy compares with the one that runs: what it used so far counts. */
static void charge_so_far(struct vgpu_engine *e)
{
	u64 clock;

	if (e->state != VGPU_ENGINE_RUNNING)
		return;
	clock = engine_clock(e);
	if (clock - e->started <= e->charged)
		return;
	vgpu_rq_charge(&e->rq, &e->entity->se,
		       clock - e->started - e->charged, ktime_get_ns());
	e->charged = clock - e->started;
}

void vgpu_entity_unblock_locked(struct vgpu_entity *ent)
{
	struct vgpu_engine *e = ent->engine;
	bool preempts;

	lockdep_assert_held(&e->lock);
	if (ent->paused || ent->throttled || list_empty(&ent->ready) ||
	    ent->se.state != VGPU_SE_IDLE || e->state == VGPU_ENGINE_DEAD)
		return;
	vgpu_gpu_sample_soon(e->gpu);
	vgpu_governor_arm(e->gpu);
	charge_so_far(e);
	ent->woken_at = ktime_get_ns();
	preempts = vgpu_rq_wake(&e->rq, &ent->se, ent->woken_at) &&
		   e->state == VGPU_ENGINE_RUNNING;
	trace_vgpu_wake(e, ent->inst->id, preempts);
	if (preempts)
		preempt_for_waker(e, ent->woken_at);
	if (e->state == VGPU_ENGINE_IDLE)
		dispatch(e);
}

void vgpu_engine_kick_locked(struct vgpu_engine *e)
{
	lockdep_assert_held(&e->lock);
	if (e->state == VGPU_ENGINE_IDLE)
		dispatch(e);
}

void vgpu_engine_wake_locked(struct vgpu_ctx *ctx)
{
	struct vgpu_entity *ent = ctx->entity;

	/* The one that runs is looked at when it stops. */
	if (ctx != ctx->engine->ctx && list_empty(&ctx->ready) &&
	    !ctx->paging && (ctx->midway || vgpu_ctx_next_queue_locked(ctx)))
		list_add_tail(&ctx->ready, &ent->ready);
	vgpu_entity_unblock_locked(ent);
}

/* ------------------------------------------------------------- stopped */

/* How long it took from the request, in the engine's own time. */
static void note_stop(struct vgpu_engine *e)
{
	u64 ns = engine_clock(e) - e->asked;

	vgpu_hist_add(&e->stop_hist, ns);
	e->stop_max = max(e->stop_max, ns);
}

/*
 * The engine stopped: @midway with the command unfinished, else the command
 * ended with @error.  Charges, completes, and finds the next.
 */
static void stopped(struct vgpu_engine *e, u64 service, u64 bytes, bool midway,
		    int error)
{
	struct vgpu_entity *ent = e->entity;
	struct vgpu_ctx *ctx = e->ctx;
	struct vgpu_queue *q = ctx->job, *next;
	struct vgpu_slot *slot = vgpu_queue_head(q);
	u64 now = ktime_get_ns();
	bool more;

	if (e->stopping)
		note_stop(e);
	hrtimer_try_to_cancel(&e->slice_timer);
	hrtimer_try_to_cancel(&e->hang_timer);
	e->state = VGPU_ENGINE_IDLE;
	e->stopping = false;
	slot->service += service;
	q->run_ns += service;
	/* one that was to be killed got away by ending, or it ends */
	trace_vgpu_stop(e, slot->seqno, service, midway && !ctx->kill,
			midway ? ctx->kill : error);
	/* Of which some was charged while it ran. */
	service -= min(service, e->charged);
	if (bytes && !vgpu_bandwidth_take(ent->inst, bytes)) {
		ent->throttled = true;
		vgpu_bandwidth_throttle(ent->inst);
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
	if (!midway) {
		if (!error)
			ent->strikes = 0;
		ctx->kill = 0;
		ctx->job = NULL;
		vgpu_ctx_state_drop(&ctx->state);
		vgpu_queue_complete_locked(q, error);
	}
	wake_up_all(&e->wait);

	next = midway ? q : vgpu_ctx_next_queue_locked(ctx);
	/* One that waits for memory is off the engine until it is there. */
	more = next && !ctx->paging;
	if (more && !midway && !e->resched && slice_goes_on(e, now) &&
	    !ent->paused && !ent->throttled) {
		vgpu_rq_charge(&e->rq, &ent->se, service, now);
		start(e, next, now);
		return;
	}
	slice_finish(e, now);
	if (more)
		list_add_tail(&ctx->ready, &ent->ready);
	e->ctx = NULL;
	e->entity = NULL;
	vgpu_rq_put(&e->rq, &ent->se, service, now,
		    !list_empty(&ent->ready) && !ent->paused && !ent->throttled,
		    midway && more);
	dispatch(e);
}

/* Lock held: the command of @ctx ends with a fault; who is to know is told. */
void vgpu_engine_fault_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx,
			      const struct vgpu_hw_event *ev)
{
	struct vgpu_instance *inst = ctx->entity->inst;
	struct vgpu_queue *q = ctx->job;

	q->fault_va = ev->fault_va;
	q->fault_access = ev->fault_access;
	ctx->entity->faults++;
	trace_vgpu_fault(e, inst->id, vgpu_queue_head(q)->seqno, ev->fault_va,
			 ev->fault_access, ev->error ?: -EIO);
	pr_warn_ratelimited("vgpu: v%u %pUb: engine %u: command %llu failed (%pe) at 0x%llx, access %s%s%s\n",
			    inst->id, &inst->uuid, e->index,
			    vgpu_queue_head(q)->seqno, ERR_PTR(ev->error),
			    ev->fault_va,
			    ev->fault_access & VGPU_PROT_READ ? "r" : "-",
			    ev->fault_access & VGPU_PROT_WRITE ? "w" : "-",
			    ev->fault_access & VGPU_PROT_EXEC ? "x" : "-");
	vgpu_event_post(VGPU_EVENT_FAULT, NULL, inst, ev->fault_va);
}

void vgpu_gpu_event(struct vgpu_gpu *gpu, const struct vgpu_hw_event *ev)
{
	struct vgpu_engine *e;
	unsigned long flags;

	if (WARN_ON_ONCE(ev->engine >= gpu->whole.nr_engines))
		return;
	e = &gpu->whole.engines[ev->engine];
	if (ev->type == VGPU_HW_ECC) {
		vgpu_ecc_event(gpu, ev->page);
		return;
	}
	spin_lock_irqsave(&e->lock, flags);
	if (e->state != VGPU_ENGINE_RUNNING || ev->cookie != e->cookie) {
		/* Of a run that a reset ended, or of a backend that errs. */
		e->stale_events++;
		goto out;
	}
	if (ev->type == VGPU_HW_FAULT && vgpu_paging_begin_locked(e->ctx, ev)) {
		stopped(e, ev->service, ev->bytes, true, 0);
		goto out;
	}
	if (ev->type == VGPU_HW_FAULT)
		vgpu_engine_fault_locked(e, e->ctx, ev);
	stopped(e, ev->service, ev->bytes, ev->type == VGPU_HW_PREEMPTED,
		ev->type == VGPU_HW_FAULT ? ev->error ?: -EIO : 0);
out:
	spin_unlock_irqrestore(&e->lock, flags);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_event, VGPU);

/*
 * Stops the engine by force and ends the command that ran.  The state is
 * RESETTING, so nobody else touches it.
 */
static void reset(struct vgpu_engine *e, int error)
{
	struct vgpu_instance *inst;
	struct vgpu_entity *ent;
	u64 service;
	int ret;

	ret = e->gpu->ops->reset(e->gpu->hw, e->index);
	spin_lock_irq(&e->lock);
	e->resets++;
	e->cookie++;
	e->loaded = NULL;
	service = engine_clock(e) - e->started;
	ent = e->entity;
	inst = ent->inst;
	ent->resets++;
	trace_vgpu_reset(e, vgpu_queue_head(e->ctx->job)->seqno);
	/*
	 * One that was being cancelled is no offender.  One that is being
	 * failed may hang once more before it is off the engine.
	 */
	if (!e->ctx->kill && ++ent->strikes == VGPU_MAX_STRIKES)
		vgpu_instance_fail(inst);
	pr_warn_ratelimited("vgpu: v%u %pUb: engine %u did not stop in time and was reset; command %llu failed\n",
			    inst->id, &inst->uuid, e->index,
			    vgpu_queue_head(e->ctx->job)->seqno);
	vgpu_event_post(VGPU_EVENT_RESET, NULL, inst, e->index);
	if (ret)
		pr_err("vgpu: gpu%u: reset of engine %u failed: %pe\n",
		       e->gpu->index, e->index, ERR_PTR(ret));
	stopped(e, service, 0, false, e->ctx->kill ?: error);
	spin_unlock_irq(&e->lock);
}

static void reset_work_fn(struct work_struct *work)
{
	struct vgpu_engine *e = container_of(work, struct vgpu_engine,
					     reset_work);

	reset(e, -ETIMEDOUT);
}

static bool has_job(struct vgpu_engine *e, struct vgpu_queue *q)
{
	bool has;

	spin_lock_irq(&e->lock);
	has = q->ctx->job == q;
	spin_unlock_irq(&e->lock);
	return has;
}

void vgpu_engine_end_midway_locked(struct vgpu_ctx *ctx, int error)
{
	struct vgpu_queue *q = ctx->job;

	lockdep_assert_held(&ctx->engine->lock);
	ctx->midway = false;
	ctx->kill = 0;
	ctx->job = NULL;
	vgpu_ctx_state_drop(&ctx->state);
	vgpu_queue_complete_locked(q, error);
}

void vgpu_engine_cancel(struct vgpu_engine *e, struct vgpu_queue *q, int error)
{
	struct vgpu_ctx *ctx = q->ctx;

	spin_lock_irq(&e->lock);
	if (ctx->job == q && e->ctx == ctx &&
	    e->state != VGPU_ENGINE_DEAD) {
		ctx->kill = error;
		vgpu_engine_preempt_locked(e);
	} else if (ctx->job == q) {
		/* Midway, its state saved or left in the engine. */
		vgpu_engine_end_midway_locked(ctx, error);
	}
	spin_unlock_irq(&e->lock);
	wait_event(e->wait, !has_job(e, q));
}

void vgpu_engine_forget(struct vgpu_engine *e, struct vgpu_ctx *ctx)
{
	spin_lock_irq(&e->lock);
	WARN_ON(e->ctx == ctx);
	list_del_init(&ctx->ready);
	if (e->loaded == ctx)
		e->loaded = NULL;	/* cleared before the next is loaded */
	ctx->entity->contexts--;
	spin_unlock_irq(&e->lock);
	wake_up_all(&e->wait);
}

/* ------------------------------------------------------------ entities */

void vgpu_entity_init(struct vgpu_entity *ent, struct vgpu_instance *inst,
		      struct vgpu_engine *e)
{
	/* What it got elsewhere counts. */
	struct vgpu_se_stats stats = ent->se.stats;

	ent->inst = inst;
	ent->engine = e;
	ent->paused = true;	/* until the instance is started */
	ent->throttled = false;
	ent->pace = 0;
	ent->woken_at = 0;
	INIT_LIST_HEAD(&ent->ready);
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

void vgpu_entity_fini(struct vgpu_entity *ent)
{
	struct vgpu_engine *e = ent->engine;

	spin_lock_irq(&e->lock);
	vgpu_rq_remove(&e->rq, &ent->se, ktime_get_ns());
	spin_unlock_irq(&e->lock);
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

void vgpu_entity_pause(struct vgpu_entity *ent, bool paused)
{
	struct vgpu_engine *e = ent->engine;

	spin_lock_irq(&e->lock);
	ent->paused = paused;
	if (!paused) {
		vgpu_entity_unblock_locked(ent);
	} else if (ent->se.state == VGPU_SE_QUEUED) {
		vgpu_rq_block(&e->rq, &ent->se, ktime_get_ns());
	} else if (e->entity == ent) {
		e->resched = true;
		vgpu_engine_preempt_locked(e);
	}
	spin_unlock_irq(&e->lock);
	if (paused && engine_can(e, VGPU_HW_PREEMPT))
		wait_event(e->wait, !entity_runs(ent));
}

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
	e->held = true;
	e->resched = true;
	vgpu_engine_preempt_locked(e);
	spin_unlock_irq(&e->lock);
	wait_event(e->wait, is_stopped(e));
	spin_lock_irq(&e->lock);
	unload(e);
	spin_unlock_irq(&e->lock);
}

void vgpu_engine_release(struct vgpu_engine *e)
{
	spin_lock_irq(&e->lock);
	e->held = false;
	dispatch(e);
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
	INIT_WORK(&e->reset_work, reset_work_fn);
	vgpu_hrtimer_setup(&e->slice_timer, slice_timer_fn);
	vgpu_hrtimer_setup(&e->hang_timer, hang_timer_fn);
	/* The run queue has a reference of its own, as it may change it. */
	vgpu_rq_init(&e->rq, &e->lock,
		     vgpu_policy_get(vgpu_policy_name(gpu->policy)));
	e->rq.slice_ns = gpu->slice_ns;
	e->rq.threshold_ns = gpu->threshold_ns;
	e->rq.ejected = vgpu_engine_ejected;
	e->idle_since = ktime_get_ns();
	return 0;
}

void vgpu_engine_kill(struct vgpu_engine *e)
{
	bool runs;

	/* Nothing new starts. */
	spin_lock_irq(&e->lock);
	runs = e->state == VGPU_ENGINE_RUNNING;
	if (runs)
		e->state = VGPU_ENGINE_RESETTING;
	else if (e->state == VGPU_ENGINE_IDLE)
		e->state = VGPU_ENGINE_DEAD;
	spin_unlock_irq(&e->lock);

	if (runs) {
		e->gpu->ops->reset(e->gpu->hw, e->index);
	} else {
		flush_work(&e->reset_work);
		/* The reset dispatched the next one: stop that as well. */
		spin_lock_irq(&e->lock);
		runs = e->state == VGPU_ENGINE_RUNNING;
		e->state = runs ? VGPU_ENGINE_RESETTING : VGPU_ENGINE_DEAD;
		spin_unlock_irq(&e->lock);
		if (runs)
			e->gpu->ops->reset(e->gpu->hw, e->index);
	}

	spin_lock_irq(&e->lock);
	e->state = VGPU_ENGINE_DEAD;
	e->cookie++;
	e->loaded = NULL;
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
	wake_up_all(&e->wait);
}

void vgpu_engine_fini(struct vgpu_engine *e)
{
	hrtimer_cancel(&e->slice_timer);
	hrtimer_cancel(&e->hang_timer);
	cancel_work_sync(&e->reset_work);
	vgpu_rq_fini(&e->rq);
	vgpu_policy_put(e->rq.policy);
}

void vgpu_engine_get_info(struct vgpu_engine *e, struct vgpu_engine_info *info)
{
	info->clock_ns = engine_clock(e);
	info->units = vgpu_engine_units(e);
	spin_lock_irq(&e->lock);
	info->busy_ns = e->rq.service_ns;
	info->switches = e->switches;
	info->preemptions = e->preemptions;
	info->resets = e->resets;
	info->jobs = e->jobs;
	info->queued = e->rq.nr_queued;
	info->stops = e->stop_hist.count;
	info->stop_p50_ns = min(e->stop_max,
				vgpu_hist_percentile(&e->stop_hist, 500));
	info->stop_p99_ns = min(e->stop_max,
				vgpu_hist_percentile(&e->stop_hist, 990));
	info->stop_max_ns = e->stop_max;
	spin_unlock_irq(&e->lock);
}
