// SPDX-License-Identifier: GPL-2.0
/*
 * Round robin: everyone in turn, a slice each.  Weights and priorities do
 * not matter.  It is what a run queue falls back to when another policy
 * misbehaves, so it is as plain as can be.
 *
 * Who is cut off or wakes up goes to the end.  Nobody waits for more than one
 * slice of each of the others.
 */
#include <linux/list.h>

#include "sched_priv.h"

struct rr_queue {
	struct list_head fifo;
};

struct rr_entity {
	struct list_head link;
	u64 nr;
};

static void rr_init(void *queue, const struct vgpu_rq *rq)
{
	struct rr_queue *q = queue;

	INIT_LIST_HEAD(&q->fifo);
}

static void rr_join(void *queue, const struct vgpu_rq *rq,
		    void *entity, const struct vgpu_se *se)
{
	struct rr_entity *e = entity;

	e->nr = se->nr;
}

static void rr_enqueue(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	struct rr_queue *q = queue;
	struct rr_entity *e = entity;

	list_add_tail(&e->link, &q->fifo);
}

/* Also when it starts: what runs is in no list. */
static void rr_dequeue(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	struct rr_entity *e = entity;

	list_del(&e->link);
}

static u64 rr_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		   u64 *slice_ns)
{
	struct rr_queue *q = queue;
	struct rr_entity *e = list_first_entry_or_null(&q->fifo,
						       struct rr_entity, link);

	return e ? e->nr : 0;
}

static void rr_stop(void *queue, const struct vgpu_rq *rq,
		    void *entity, const struct vgpu_se *se, u64 now,
		    bool midway)
{
	if (se->state == VGPU_SE_QUEUED)
		rr_enqueue(queue, rq, entity, se, now);
}

const struct vgpu_policy vgpu_policy_rr = {
	.name = "rr",
	.queue_size = sizeof(struct rr_queue),
	.entity_size = sizeof(struct rr_entity),
	.init = rr_init,
	.join = rr_join,
	.enqueue = rr_enqueue,
	.dequeue = rr_dequeue,
	.pick = rr_pick,
	.start = rr_dequeue,
	.stop = rr_stop,
};
