// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU whose mediation fails: what goes on, by step.
 *
 *   basic-limit  nothing new: no vGPU, client, context, queue, memory; quotas can only
 *                be lowered, nobody waits for room, switches are full ones
 *   deny-all     what was accepted runs, nothing more is; freeing goes on
 *   stop         all work has ended with -EIO, and so has every client; engines are held
 *
 * Never is a check left out: a step takes away, it does not let pass.
 *
 * What failed can be noted under an engine's lock, so a work item does what takes time.
 * Each call asks for the step on its own, so it counts from when it is taken.
 */
#include <linux/ktime.h>

#include "../core_priv.h"

static const char *const names[VGPU_DEGRADE_STEPS] = {
	"normal", "basic-limit", "deny-all", "stop",
};

static const char *const reasons[VGPU_DEGRADE_REASONS] = {
	[VGPU_DEGRADE_NONE] = "recovered",
	[VGPU_DEGRADE_BY_HAND] = "by hand",
	[VGPU_DEGRADE_RESET] = "an engine could not be reset",
	[VGPU_DEGRADE_CONTRACT] = "the backend answered what it was not asked",
	[VGPU_DEGRADE_SAVE] = "the backend saved too much state",
	[VGPU_DEGRADE_POLICY] = "a policy was ejected",
	[VGPU_DEGRADE_UNITS] = "compute units were lost",
};

bool vgpu_degraded(const struct vgpu_gpu *gpu, enum vgpu_degrade_step step)
{
	return READ_ONCE(gpu->degrader.d.step) >= step;
}

int vgpu_degrade_enter(struct vgpu_gpu *gpu)
{
	if (likely(!vgpu_degraded(gpu, VGPU_DEGRADE_BASIC)))
		return 0;
	return vgpu_degraded(gpu, VGPU_DEGRADE_STOP) ? -EIO : -EAGAIN;
}

int vgpu_degrade_call_slow(struct vgpu_gpu *gpu, u32 call)
{
	switch (call) {
	/* asking and freeing */
	case VGPU_CALL_INFO:
	case VGPU_CALL_CLOSE:
	case VGPU_CALL_VM_UNMAP:
	case VGPU_CALL_WAIT:
	case VGPU_CALL_QUEUE_STATUS:
		return 0;
	/* going on with what is there */
	case VGPU_CALL_SUBMIT:
	case VGPU_CALL_KICK:
	case VGPU_CALL_SIGNAL:
	case VGPU_CALL_EVENTFD:
	case VGPU_CALL_QUEUE_SET:
		if (!vgpu_degraded(gpu, VGPU_DEGRADE_DENY))
			return 0;
		break;
	}
	return vgpu_degrade_enter(gpu);
}

/* The lock is held; the step has changed. */
static void changed(struct vgpu_gpu *gpu, enum vgpu_degrade_step from)
{
	const struct vgpu_degrade *d = &gpu->degrader.d;
	const struct vgpu_degrade_change change = {
		.from = from, .to = d->step, .reason = d->reason,
	};

	lockdep_assert_held(&gpu->degrader.lock);
	pr_err("vgpu: gpu%u: %s, it was %s: %s\n", gpu->index, names[d->step],
	       names[from], reasons[d->reason]);
	vgpu_event_post_degrade(gpu, &change);
	queue_work(gpu->wq, &gpu->degrader.work);
}

void vgpu_degrade_failed(struct vgpu_gpu *gpu, enum vgpu_degrade_reason reason)
{
	struct vgpu_degrader *g = &gpu->degrader;
	enum vgpu_degrade_step from;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	from = g->d.step;
	if (vgpu_degrade_feed(&g->d, reason, ktime_get_boottime_ns()))
		changed(gpu, from);
	spin_unlock_irqrestore(&g->lock, flags);
}

int vgpu_degrade_by_hand(struct vgpu_gpu *gpu, enum vgpu_degrade_step step)
{
	struct vgpu_degrader *g = &gpu->degrader;
	enum vgpu_degrade_step from;
	int ret = 0;

	lockdep_assert_held(&gpu->lock);
	spin_lock_irq(&g->lock);
	from = g->d.step;
	if (vgpu_degrade_go(&g->d, step, ktime_get_boottime_ns()))
		changed(gpu, from);
	else if (step != from)
		ret = -EINVAL;
	spin_unlock_irq(&g->lock);
	return ret;
}

void vgpu_degrade_set_rules(struct vgpu_gpu *gpu,
			    const struct vgpu_degrade_rules *rules)
{
	spin_lock_irq(&gpu->degrader.lock);
	gpu->degrader.d.rules = *rules;
	spin_unlock_irq(&gpu->degrader.lock);
}

void vgpu_gpu_get_degrade_rules(struct vgpu_gpu *gpu,
				struct vgpu_degrade_rules *rules)
{
	spin_lock_irq(&gpu->degrader.lock);
	*rules = gpu->degrader.d.rules;
	spin_unlock_irq(&gpu->degrader.lock);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_get_degrade_rules, VGPU);

void vgpu_degrade_get_info(struct vgpu_gpu *gpu, struct vgpu_degrade_info *info)
{
	const struct vgpu_degrade *d = &gpu->degrader.d;

	spin_lock_irq(&gpu->degrader.lock);
	info->step = d->step;
	info->reason = d->reason;
	info->since_ns = d->since;
	info->failures = d->failures;
	info->rules = d->rules;
	spin_unlock_irq(&gpu->degrader.lock);
}

/* gpu->lock held. All work ends, and all clients; then the engines start nothing. */
static void stop_all(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;
	unsigned int i;

	list_for_each_entry(inst, &gpu->instances, link) {
		bool alive;

		mutex_lock(&inst->lock);
		alive = inst->state == VGPU_STATE_RUNNING ||
			inst->state == VGPU_STATE_PAUSED;
		mutex_unlock(&inst->lock);
		/* none is started any more: the step is known */
		if (alive)
			vgpu_instance_kill(inst, VGPU_STATE_FAILED, -EIO);
	}
	for (i = 0; i < gpu->whole.nr_engines; i++)
		vgpu_engine_hold(&gpu->whole.engines[i]);
}

/* gpu->lock held. Rings were not read; their doorbells may have been rung. */
static void kick_rings(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;

	list_for_each_entry(inst, &gpu->instances, link) {
		mutex_lock(&inst->lock);
		vgpu_instance_kick(inst);
		mutex_unlock(&inst->lock);
	}
}

/* gpu->lock held. */
static void apply(struct vgpu_gpu *gpu)
{
	struct vgpu_degrader *g = &gpu->degrader;
	enum vgpu_degrade_step step = READ_ONCE(g->d.step);
	enum vgpu_degrade_step was = g->applied;
	struct vgpu_instance *inst;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	g->applied = step;
	if (step == was)
		return;
	if (step > was && READ_ONCE(g->d.reason) != VGPU_DEGRADE_BY_HAND)
		vgpu_dump_mediation(gpu);
	vgpu_gpu_apply_switching(gpu);
	/* who waits for room is refused */
	list_for_each_entry(inst, &gpu->instances, link) {
		vgpu_waitline_poke(&inst->actions.memory);
		vgpu_waitline_poke(&inst->actions.copies);
	}
	vgpu_waitline_poke(&gpu->contexts_line);
	if (step == VGPU_DEGRADE_STOP)
		stop_all(gpu);
	for (i = 0; was == VGPU_DEGRADE_STOP && i < gpu->whole.nr_engines; i++)
		vgpu_engine_release(&gpu->whole.engines[i]);
	if (step < VGPU_DEGRADE_DENY)
		kick_rings(gpu);
}

static void degrade_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(work, struct vgpu_gpu,
					    degrader.work);
	int idx;

	if (!vgpu_gpu_enter(gpu, &idx))
		return;
	mutex_lock(&gpu->lock);
	apply(gpu);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
}

int vgpu_gpu_recover(struct vgpu_gpu *gpu)
{
	struct vgpu_degrader *g = &gpu->degrader;
	enum vgpu_degrade_step from;
	int idx;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	/* a step that was taken is done first, and then undone */
	apply(gpu);
	spin_lock_irq(&g->lock);
	from = g->d.step;
	if (vgpu_degrade_clear(&g->d, ktime_get_boottime_ns()))
		changed(gpu, from);
	spin_unlock_irq(&g->lock);
	apply(gpu);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_recover, VGPU);

void vgpu_degrader_init(struct vgpu_gpu *gpu)
{
	spin_lock_init(&gpu->degrader.lock);
	vgpu_degrade_init(&gpu->degrader.d);
	INIT_WORK(&gpu->degrader.work, degrade_work);
}
