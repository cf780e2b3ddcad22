// SPDX-License-Identifier: GPL-2.0
/*
 * Engines that hang: one that was asked to stop and does not answer in time is reset, the
 * command that ran is failed, and its vGPU too when that happens again and again.
 *
 * The timer goes off in an interrupt; the reset has to wait for hardware, so it is
 * done by a work item, in the state RESETTING, in which nobody else touches the engine.
 */
#include "../core_priv.h"
#include "../trace.h"
#include "../compat/hrtimer.h"

void vgpu_hang_begin_locked(struct vgpu_engine *e)
{
	e->state = VGPU_ENGINE_RESETTING;
	vgpu_switch_lost(&e->sw);
}

static enum hrtimer_restart hang_timer_fn(struct hrtimer *timer)
{
	struct vgpu_engine *e = container_of(timer, struct vgpu_engine,
					     hang_timer);
	u64 timeout = READ_ONCE(e->gpu->preempt_timeout_ns);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	/* queued: for another run than the one that this is about, which is over */
	if (e->state == VGPU_ENGINE_RUNNING && e->stopping &&
	    !hrtimer_is_queued(timer)) {
		if (vgpu_engine_hangs(vgpu_engine_clock(e) - e->asked, timeout,
				      ++e->overdue)) {
			vgpu_hang_begin_locked(e);
			queue_work(e->gpu->signal_wq, &e->reset_work);
		} else {
			hrtimer_forward_now(timer, ns_to_ktime(timeout));
			again = HRTIMER_RESTART;
		}
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return again;
}

/*
 * Stops the engine by force and ends the command that ran.  The state is
 * RESETTING, so nobody else touches it.
 */
static void reset_work_fn(struct work_struct *work)
{
	struct vgpu_engine *e = container_of(work, struct vgpu_engine,
					     reset_work);
	struct vgpu_instance *inst;
	struct vgpu_entity *ent;
	u64 service;
	int ret;

	ret = e->gpu->ops->reset(e->gpu->hw, e->index);
	spin_lock_irq(&e->lock);
	e->resets++;
	e->cookie++;
	e->loaded = NULL;
	service = vgpu_engine_clock(e) - e->started;
	ent = e->entity;
	inst = ent->inst;
	ent->resets++;
	trace_vgpu_reset(e, vgpu_queue_head(e->ctx->job)->seqno);
	/*
	 * Whoever wanted it to stop, it did not; but what cannot be told to stop
	 * is no offender for its own time limit, or for being cancelled.  One that is
	 * being failed may hang once more before it is off the engine.
	 */
	if ((!e->ctx->kill || vgpu_engine_can_preempt(e)) &&
	    ++ent->strikes == VGPU_MAX_STRIKES)
		vgpu_instance_fail(inst);
	pr_warn_ratelimited("vgpu: v%u %pUb: engine %u did not stop in time and was reset; command %llu failed\n",
			    inst->id, &inst->uuid, e->index,
			    vgpu_queue_head(e->ctx->job)->seqno);
	vgpu_event_post(VGPU_EVENT_RESET, NULL, inst, e->index);
	vgpu_dump_hang_locked(e->ctx, e->ctx->kill ?: -ETIMEDOUT);
	if (ret) {
		pr_err("vgpu: gpu%u: reset of engine %u failed: %pe\n",
		       e->gpu->index, e->index, ERR_PTR(ret));
		vgpu_degrade_failed(e->gpu, VGPU_DEGRADE_RESET);
	}
	vgpu_engine_stopped_locked(e, service, 0, false, e->ctx->kill ?: -ETIMEDOUT);
	spin_unlock_irq(&e->lock);
}

void vgpu_hang_init(struct vgpu_engine *e)
{
	INIT_WORK(&e->reset_work, reset_work_fn);
	vgpu_hrtimer_setup(&e->hang_timer, hang_timer_fn);
}
