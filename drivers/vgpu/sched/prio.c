// SPDX-License-Identifier: GPL-2.0
/*
 * Strict priority with ageing.
 *
 * The highest priority goes first, equals in turn, and who wakes up with a
 * higher one cuts off what runs.  Waiting for PRIO_AGE_NS counts for one level,
 * so the lowest gets through beside any number of the highest.  Said without
 * clockwork: everyone has the key
 *
 *	since - priority * PRIO_AGE_NS
 *
 * and the least key runs.  Keys do not change while waiting, and in one level
 * they are in the order of arrival, so that only the heads of the levels have
 * to be compared: picking is O(levels), whatever the number of entities.
 *
 * Who is cut off keeps its place at the head of its level and the rest of its
 * slice.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/minmax.h>

#include "sched_priv.h"

#define PRIO_LEVELS	(VGPU_PRIORITY_MAX + 1)
#define PRIO_AGE_NS	(100LL * 1000 * 1000)

struct prio_queue {
	struct list_head level[PRIO_LEVELS];
};

struct prio_entity {
	struct list_head link;
	u64 nr;
	u64 since;		/* when it came to its level */
	u64 left;		/* of its slice, 0: a new one */
	u32 priority;
};

static void prio_init(void *queue, const struct vgpu_rq *rq)
{
	struct prio_queue *q = queue;
	unsigned int i;

	for (i = 0; i < PRIO_LEVELS; i++)
		INIT_LIST_HEAD(&q->level[i]);
}

static void prio_join(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se)
{
	struct prio_entity *e = entity;

	e->nr = se->nr;
	INIT_LIST_HEAD(&e->link);
}

static s64 key(const struct prio_entity *e)
{
	return (s64)e->since - e->priority * PRIO_AGE_NS;
}

static void prio_enqueue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct prio_queue *q = queue;
	struct prio_entity *e = entity;

	e->priority = se->priority;
	e->since = now;
	e->left = 0;
	list_add_tail(&e->link, &q->level[e->priority]);
}

static void prio_dequeue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct prio_entity *e = entity;

	list_del_init(&e->link);
}

static u64 prio_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct prio_entity *e, *best = NULL;
	struct prio_queue *q = queue;
	unsigned int i;

	for (i = PRIO_LEVELS; i-- > 0;) {
		e = list_first_entry_or_null(&q->level[i], struct prio_entity,
					     link);
		if (e && (!best || key(e) < key(best)))
			best = e;
	}
	if (!best)
		return 0;
	*slice_ns = best->left;
	return best->nr;
}

static void prio_start(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	struct prio_entity *e = entity;

	list_del_init(&e->link);
	if (!e->left)
		e->left = vgpu_se_slice(rq, se);
}

static void prio_charge(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se,
			u64 service_ns, u64 now)
{
	struct prio_entity *e = entity;

	e->left -= min(service_ns, e->left);
}

static void prio_stop(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now,
		      bool midway)
{
	struct prio_queue *q = queue;
	struct prio_entity *e = entity;

	if (se->state != VGPU_SE_QUEUED)
		return;
	/* the priority may have changed while it ran */
	if (e->left >= VGPU_SLICE_MIN_NS && e->priority == se->priority)
		list_add(&e->link, &q->level[e->priority]);
	else
		prio_enqueue(queue, rq, entity, se, now);
}

static bool prio_preempt(void *queue, const struct vgpu_rq *rq,
			 void *curr_entity, const struct vgpu_se *curr,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct prio_entity *c = curr_entity, *e = entity;

	return e->priority > c->priority && key(e) < key(c);
}

static void prio_changed(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct prio_entity *e = entity;

	if (se->state == VGPU_SE_QUEUED && e->priority != se->priority) {
		list_del_init(&e->link);
		prio_enqueue(queue, rq, entity, se, now);
	}
}

const struct vgpu_policy vgpu_policy_prio = {
	.name = "prio",
	.queue_size = sizeof(struct prio_queue),
	.entity_size = sizeof(struct prio_entity),
	.init = prio_init,
	.join = prio_join,
	.enqueue = prio_enqueue,
	.dequeue = prio_dequeue,
	.pick = prio_pick,
	.start = prio_start,
	.charge = prio_charge,
	.stop = prio_stop,
	.preempt = prio_preempt,
	.changed = prio_changed,
};
