// SPDX-License-Identifier: GPL-2.0
/*
 * Copy bandwidth: a bucket of tokens, one for a byte, filled at the quota's
 * rate.  What a copy moved is taken after it moved (a copy that is preempted
 * pays for what it did); who is in debt gets no turn until it is paid back.
 * So the average is exact, and a burst is at most one slice of copying.
 *
 * That is "throttle", and part of all else that can be done about it: with "queue",
 * calls that submit copies wait as well (action.c); with "preempt", all work of the
 * vGPU is stopped, on the other engines too, until a tenth of what may be saved up is
 * there again.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "../core_priv.h"

#define BURST_NS	(10ULL * NSEC_PER_MSEC)	/* what may be saved up */

static s64 burst_of(const struct vgpu_instance *inst)
{
	return mul_u64_u64_div_u64(inst->bandwidth, BURST_NS, NSEC_PER_SEC);
}

static void refill(struct vgpu_instance *inst, u64 now)
{
	u64 ns = now - inst->tokens_at;
	s64 burst = burst_of(inst);
	u64 add = mul_u64_u64_div_u64(inst->bandwidth, ns, NSEC_PER_SEC);

	if (!add)
		return;
	inst->tokens_at = now;
	if (inst->tokens + (s64)min_t(u64, add, S64_MAX / 2) > burst)
		inst->tokens = burst;
	else
		inst->tokens += add;
}

bool vgpu_bandwidth_take(struct vgpu_instance *inst, u64 bytes)
{
	unsigned long flags;
	bool ok = true;

	atomic64_add(bytes, &inst->gpu->monitor.copied);
	spin_lock_irqsave(&inst->stat_lock, flags);
	inst->copied_bytes += bytes;
	if (inst->bandwidth) {
		refill(inst, ktime_get_ns());
		inst->tokens -= bytes;
		ok = inst->tokens >= 0;
	}
	spin_unlock_irqrestore(&inst->stat_lock, flags);
	return ok;
}

u64 vgpu_bandwidth_debt_ns(struct vgpu_instance *inst)
{
	unsigned long flags;
	u64 ns = 0;
	s64 want;

	spin_lock_irqsave(&inst->stat_lock, flags);
	if (inst->bandwidth) {
		refill(inst, ktime_get_ns());
		want = inst->halt ? burst_of(inst) / 10 : 0;
		if (inst->tokens < want)
			ns = mul_u64_u64_div_u64(want - inst->tokens,
						 NSEC_PER_SEC,
						 inst->bandwidth) + 1;
	}
	spin_unlock_irqrestore(&inst->stat_lock, flags);
	return ns;
}

void vgpu_bandwidth_set(struct vgpu_instance *inst, u64 mbps)
{
	unsigned long flags;

	spin_lock_irqsave(&inst->stat_lock, flags);
	inst->bandwidth = mbps * 1000 * 1000;
	inst->tokens = 0;
	inst->tokens_at = ktime_get_ns();
	spin_unlock_irqrestore(&inst->stat_lock, flags);
	mod_delayed_work(inst->gpu->wq, &inst->unthrottle_work, 0);
}

void vgpu_bandwidth_throttle(struct vgpu_instance *inst,
			     const struct vgpu_client *client, u64 bytes)
{
	u64 ns = vgpu_bandwidth_debt_ns(inst), limit = READ_ONCE(inst->bandwidth);
	enum vgpu_quota_action action =
		READ_ONCE(inst->actions.of[VGPU_RES_BANDWIDTH]);

	vgpu_quota_violated(inst, client, VGPU_RES_BANDWIDTH, action, bytes,
			    limit,
			    limit + mul_u64_u64_div_u64(limit, ns, NSEC_PER_SEC));
	if (action == VGPU_QUOTA_PREEMPT) {
		/* the other engines' locks are not for here */
		WRITE_ONCE(inst->halt, true);
		mod_delayed_work(inst->gpu->wq, &inst->unthrottle_work, 0);
		return;
	}

	/* A jiffy early is caught by the work, which looks again. */
	queue_delayed_work(inst->gpu->wq, &inst->unthrottle_work,
			   nsecs_to_jiffies(ns) + 1);
}

/* On all engines. */
static void halt_all(struct vgpu_instance *inst)
{
	unsigned int i;

	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_entity *ent = &inst->entity[i];

		spin_lock_irq(&ent->engine->lock);
		if (!ent->throttled) {
			ent->throttled = true;
			vgpu_entity_halt_locked(ent);
		}
		spin_unlock_irq(&ent->engine->lock);
	}
}

void vgpu_bandwidth_unthrottle(struct work_struct *work)
{
	struct vgpu_instance *inst = container_of(to_delayed_work(work),
						  struct vgpu_instance,
						  unthrottle_work);
	u64 ns = vgpu_bandwidth_debt_ns(inst);
	unsigned int i;

	if (ns) {
		if (READ_ONCE(inst->halt))
			halt_all(inst);
		queue_delayed_work(inst->gpu->wq, &inst->unthrottle_work,
				   nsecs_to_jiffies(ns) + 1);
		return;
	}
	WRITE_ONCE(inst->halt, false);
	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_entity *ent = &inst->entity[i];

		spin_lock_irq(&ent->engine->lock);
		if (ent->throttled) {
			ent->throttled = false;
			vgpu_entity_unblock_locked(ent);
		}
		spin_unlock_irq(&ent->engine->lock);
	}
	vgpu_waitline_poke(&inst->actions.copies);
}
