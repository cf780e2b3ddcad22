// SPDX-License-Identifier: GPL-2.0
/*
 * Quotas: events when a vGPU comes near to one, and the log of who asked for more.
 *
 * Levels are noted where use changes, under the lock that protects it, so no edge is
 * missed.  A tenant that goes to and fro across an edge makes VGPU_QUOTA_EVENTS
 * events at once and then one a period at most: what was held back is counted, and
 * at the end of the period listeners are told where it ended.
 *
 * The log is part of the vGPU, and of a fixed size.
 */
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "../core_priv.h"

static void tell(struct vgpu_quota *q, enum vgpu_resource resource,
		 struct vgpu_watch *w)
{
	const struct vgpu_quota_change change = {
		.resource = resource, .used = w->used, .limit = w->limit,
	};
	enum vgpu_event_type type;

	switch (w->level) {
	case VGPU_LEVEL_WARNING:
		type = VGPU_EVENT_QUOTA_WARNING;
		break;
	case VGPU_LEVEL_CRITICAL:
		type = VGPU_EVENT_QUOTA_CRITICAL;
		break;
	default:
		type = VGPU_EVENT_QUOTA_RECOVERED;
	}
	w->told = w->level;
	vgpu_event_post_quota(type, q->gpu, q->inst, &change);
}

/* May one more be told now? */
static bool may_tell(struct vgpu_quota *q)
{
	u64 now = ktime_get_ns();

	lockdep_assert_held(&q->lock);
	if (now - q->period >= VGPU_QUOTA_PERIOD_NS) {
		q->period = now;
		q->told = 0;
	}
	if (q->told >= VGPU_QUOTA_EVENTS) {
		q->held++;
		return false;
	}
	q->told++;
	return true;
}

static void tell_rest(struct work_struct *work)
{
	struct vgpu_quota *q = container_of(to_delayed_work(work),
					    struct vgpu_quota, work);
	unsigned int i;

	spin_lock_irq(&q->lock);
	for (i = 0; i < VGPU_RESOURCES; i++) {
		struct vgpu_watch *w = &q->watch[i];

		if (vgpu_level_tells(w->told, w->level))
			tell(q, i, w);
		w->told = w->level;
	}
	spin_unlock_irq(&q->lock);
}

void vgpu_quota_note(struct vgpu_quota *q, enum vgpu_resource resource,
		     u64 used, u64 limit)
{
	struct vgpu_watch *w = &q->watch[resource];
	enum vgpu_level was, next;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	was = w->level;
	next = vgpu_level_next(was, used, limit);
	if (next == was || q->gone)
		goto out;
	w->level = next;
	w->used = used;
	w->limit = limit;
	if (!vgpu_level_tells(was, next)) {
		if (w->told == was)
			w->told = next;
	} else if (may_tell(q)) {
		tell(q, resource, w);
	} else {
		schedule_delayed_work(&q->work,
				      nsecs_to_jiffies(VGPU_QUOTA_PERIOD_NS));
	}
out:
	spin_unlock_irqrestore(&q->lock, flags);
}

void vgpu_quota_note_handles(struct vgpu_quota *q, struct vgpu_watch *watch,
			     u32 used)
{
	enum vgpu_level next;
	unsigned long flags;

	/* far away from any edge, most of the time */
	if (READ_ONCE(watch->level) == VGPU_LEVEL_NORMAL &&
	    used < VGPU_MAX_HANDLES / 2)
		return;
	spin_lock_irqsave(&q->lock, flags);
	next = vgpu_level_next(watch->level, used, VGPU_MAX_HANDLES);
	/* what may not be told now is seen again with the next handle */
	if (next != watch->level && !q->gone &&
	    (!vgpu_level_tells(watch->level, next) || may_tell(q))) {
		bool tells = vgpu_level_tells(watch->level, next);

		watch->level = next;
		watch->used = used;
		watch->limit = VGPU_MAX_HANDLES;
		if (tells)
			tell(q, VGPU_RES_HANDLES, watch);
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

void vgpu_quota_init(struct vgpu_quota *q, struct vgpu_gpu *gpu,
		     struct vgpu_instance *inst)
{
	spin_lock_init(&q->lock);
	q->gpu = gpu;
	q->inst = inst;
	INIT_DELAYED_WORK(&q->work, tell_rest);
}

void vgpu_quota_fini(struct vgpu_quota *q)
{
	spin_lock_irq(&q->lock);
	q->gone = true;
	spin_unlock_irq(&q->lock);
	cancel_delayed_work_sync(&q->work);
}

void vgpu_quota_violated(struct vgpu_instance *inst,
			 const struct vgpu_client *client,
			 enum vgpu_resource resource,
			 enum vgpu_quota_action action, u64 asked, u64 limit,
			 u64 used)
{
	const struct vgpu_quota_change change = {
		.resource = resource, .used = used, .limit = limit,
		.action = action, .asked = asked,
	};
	struct vgpu_violation v = {
		.time_ns = ktime_get_boottime_ns(),
		.wall_ns = ktime_get_real_ns(),
		.resource = resource, .action = action,
		.asked = asked, .limit = limit, .used = used,
	};
	struct vgpu_quota *q = &inst->quota;
	unsigned long flags;
	bool news;

	/* a worker that acts for a VM, or an engine, is not who asked */
	if (client && (!in_task() || current->flags & PF_KTHREAD)) {
		v.pid = client->pid;
		strscpy(v.comm, client->holder, sizeof(v.comm));
	} else {
		v.pid = task_tgid_nr(current);
		get_task_comm(v.comm, current);
	}
	spin_lock_irqsave(&q->lock, flags);
	news = vgpu_violation_log(&q->log, &v);
	spin_unlock_irqrestore(&q->lock, flags);
	if (news)
		vgpu_event_post_quota(VGPU_EVENT_QUOTA, NULL, inst, &change);
}

/*
 * Bandwidth is used at a rate: what was copied in @ns, of what might have been.
 * Who is in debt has no turn, so nothing is copied, but all of it is used.
 */
bool vgpu_quota_sample(struct vgpu_instance *inst, u64 ns)
{
	u64 limit, used, may;
	bool debt;

	spin_lock_irq(&inst->stat_lock);
	limit = inst->bandwidth;
	used = inst->copied_bytes - inst->copied_sampled;
	inst->copied_sampled = inst->copied_bytes;
	debt = limit && inst->tokens < 0;
	spin_unlock_irq(&inst->stat_lock);
	may = mul_u64_u64_div_u64(limit, ns, NSEC_PER_SEC);
	vgpu_quota_note(&inst->quota, VGPU_RES_BANDWIDTH,
			debt ? max(may, used) : used, may);
	return debt;
}

int vgpu_instance_get_violations(struct vgpu_instance *inst, u64 from,
				 struct vgpu_violation *out, unsigned int room,
				 u64 *total, u64 *lost)
{
	struct vgpu_quota *q = &inst->quota;
	const struct vgpu_violation *v;
	unsigned int n = 0;

	spin_lock_irq(&q->lock);
	*total = q->log.total;
	*lost = q->log.lost;
	while (n < room && (v = vgpu_violation_at(&q->log, from))) {
		out[n++] = *v;
		from = v->seq + 1;
	}
	spin_unlock_irq(&q->lock);
	return n;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_get_violations, VGPU);
