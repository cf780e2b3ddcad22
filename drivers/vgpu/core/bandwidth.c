// SPDX-License-Identifier: GPL-2.0
/*
 * Copy bandwidth: a bucket of tokens, one for a byte, filled at the quota's
 * rate.  What a copy moved is taken after it moved (a copy that is preempted
 * pays for what it did); who is in debt gets no turn until it is paid back.
 * So the average is exact, and a burst is at most one slice of copying.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include "core_priv.h"

#define BURST_NS	(10ULL * NSEC_PER_MSEC)	/* what may be saved up */

static void refill(struct vgpu_instance *inst, u64 now)
{
	u64 ns = now - inst->tokens_at;
	s64 burst = mul_u64_u64_div_u64(inst->bandwidth, BURST_NS, NSEC_PER_SEC);
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

	spin_lock_irqsave(&inst->stat_lock, flags);
	if (inst->bandwidth) {
		refill(inst, ktime_get_ns());
		if (inst->tokens < 0)
			ns = mul_u64_u64_div_u64(-inst->tokens, NSEC_PER_SEC,
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

	vgpu_quota_violated(inst, client, VGPU_RES_BANDWIDTH,
			    VGPU_QUOTA_THROTTLE, bytes, limit,
			    limit + mul_u64_u64_div_u64(limit, ns, NSEC_PER_SEC));

	/* A jiffy early is caught by the work, which looks again. */
	queue_delayed_work(inst->gpu->wq, &inst->unthrottle_work,
			   nsecs_to_jiffies(ns) + 1);
}

void vgpu_bandwidth_unthrottle(struct work_struct *work)
{
	struct vgpu_instance *inst = container_of(to_delayed_work(work),
						  struct vgpu_instance,
						  unthrottle_work);
	u64 ns = vgpu_bandwidth_debt_ns(inst);
	unsigned int i;

	if (ns) {
		queue_delayed_work(inst->gpu->wq, &inst->unthrottle_work,
				   nsecs_to_jiffies(ns) + 1);
		return;
	}
	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_entity *ent = &inst->entity[i];

		spin_lock_irq(&ent->engine->lock);
		if (ent->throttled) {
			ent->throttled = false;
			vgpu_entity_unblock_locked(ent);
		}
		spin_unlock_irq(&ent->engine->lock);
	}
}
