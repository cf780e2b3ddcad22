// SPDX-License-Identifier: GPL-2.0
/*
 * Multi-level feedback queue.
 *
 * Source of the idea: F. Corbató et al., "An Experimental Time-Sharing System",
 * 1962; the rules against gaming it: R. and A. Arpaci-Dusseau, "Operating
 * Systems: Three Easy Pieces", chapter 8.
 *
 *  - Eight levels.  A slice is longer by half the default at each.
 *  - An entity starts at the top.  When it has used up its level's slice, in one
 *    go or by bits, it goes down one.  Sleeping early does not save it.
 *  - Who sleeps, on average, four times as long as it runs is interactive, and
 *    goes back to the top when it wakes up.
 *  - Levels share the engine by weight, each twice that of the one below, by
 *    virtual time; in a level all take turns.  So no level starves.
 *  - Who still waits after the ageing bound, half a second or two rounds,
 *    whichever is longer, gets one slice at the top.
 *
 * Picking looks at the heads of the levels only.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/minmax.h>

#include "sched_priv.h"

#define MLFQ_LEVELS	8
#define MLFQ_AGE_NS	(500ULL * 1000 * 1000)

struct mlfq_level {
	struct list_head fifo;
	u64 vtime;		/* service << level */
};

struct mlfq_queue {
	struct mlfq_level level[MLFQ_LEVELS];
	u64 vtime;		/* of the level that was picked last */
	u32 queued[MLFQ_LEVELS];
	u32 promotions;		/* by ageing */
	u32 demotions;
	u32 interactive;	/* returns to the top */
};

struct mlfq_entity {
	struct list_head link;
	u64 nr;
	u64 since;		/* queued, or asleep, since then */
	u64 used;		/* of its level's slice */
	u64 ran;		/* since it woke up */
	u64 run_avg, sleep_avg;
	u8 level;		/* its own */
	u8 at;			/* where it is queued or runs: aged ones above */
};

static u64 slice_of(const struct vgpu_rq *rq, unsigned int level)
{
	return rq->slice_ns * (2 + level) / 2;
}

static u64 age_bound(const struct vgpu_rq *rq)
{
	return max(MLFQ_AGE_NS, 2 * rq->nr_entities *
		   slice_of(rq, MLFQ_LEVELS - 1));
}

static void mlfq_init(void *queue, const struct vgpu_rq *rq)
{
	struct mlfq_queue *q = queue;
	unsigned int i;

	for (i = 0; i < MLFQ_LEVELS; i++)
		INIT_LIST_HEAD(&q->level[i].fifo);
}

static void mlfq_join(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se)
{
	struct mlfq_entity *e = entity;

	e->nr = se->nr;
	INIT_LIST_HEAD(&e->link);
}

static void put_in(struct mlfq_queue *q, struct mlfq_entity *e,
		   unsigned int level)
{
	struct mlfq_level *l = &q->level[level];

	/* a level that was empty has no claim on the past */
	if (list_empty(&l->fifo) && (s64)(l->vtime - q->vtime) < 0)
		l->vtime = q->vtime;
	e->at = level;
	list_add_tail(&e->link, &l->fifo);
	q->queued[level]++;
}

static void take_out(struct mlfq_queue *q, struct mlfq_entity *e)
{
	list_del_init(&e->link);
	q->queued[e->at]--;
}

static void mlfq_enqueue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct mlfq_queue *q = queue;
	struct mlfq_entity *e = entity;

	if (e->ran) {
		e->run_avg = (e->run_avg + e->ran) / 2;
		e->sleep_avg = (e->sleep_avg + (now - e->since)) / 2;
		e->ran = 0;
		if (e->level && e->sleep_avg >= 4 * e->run_avg) {
			e->level = 0;
			e->used = 0;
			q->interactive++;
		}
	}
	e->since = now;
	put_in(q, e, e->level);
}

static void mlfq_dequeue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct mlfq_entity *e = entity;

	take_out(queue, e);
	e->since = now;
}

/* The heads have waited longest: at most one a level moves at each pick. */
static void age(struct mlfq_queue *q, const struct vgpu_rq *rq, u64 now)
{
	u64 bound = age_bound(rq);
	struct mlfq_entity *e;
	unsigned int i;

	for (i = 1; i < MLFQ_LEVELS; i++) {
		e = list_first_entry_or_null(&q->level[i].fifo,
					     struct mlfq_entity, link);
		if (!e || now < e->since + bound)
			continue;
		take_out(q, e);
		put_in(q, e, 0);
		q->promotions++;
	}
}

static u64 mlfq_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct mlfq_queue *q = queue;
	struct mlfq_level *l, *best = NULL;
	struct mlfq_entity *e;

	age(q, rq, now);
	for (l = q->level; l < q->level + MLFQ_LEVELS; l++)
		if (!list_empty(&l->fifo) &&
		    (!best || (s64)(l->vtime - best->vtime) < 0))
			best = l;
	if (!best)
		return 0;
	q->vtime = best->vtime;
	e = list_first_entry(&best->fifo, struct mlfq_entity, link);
	*slice_ns = slice_of(rq, e->level);
	if (e->used < *slice_ns)
		*slice_ns -= e->used;
	if (e->at != e->level)
		*slice_ns = min(*slice_ns, rq->slice_ns);
	return e->nr;
}

static void mlfq_start(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	take_out(queue, entity);
}

static void mlfq_charge(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se,
			u64 service_ns, u64 now)
{
	struct mlfq_queue *q = queue;
	struct mlfq_entity *e = entity;

	e->ran += service_ns;
	e->used += service_ns;
	q->level[e->at].vtime += service_ns << e->at;
	if (e->used < slice_of(rq, e->level))
		return;
	e->used = 0;
	if (e->level < MLFQ_LEVELS - 1) {
		e->level++;
		q->demotions++;
	}
}

static void mlfq_stop(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now,
		      bool midway)
{
	struct mlfq_entity *e = entity;

	e->since = now;
	if (se->state == VGPU_SE_QUEUED)
		put_in(queue, e, e->level);
}

static bool mlfq_preempt(void *queue, const struct vgpu_rq *rq,
			 void *curr_entity, const struct vgpu_se *curr,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct mlfq_entity *c = curr_entity, *e = entity;
	struct mlfq_queue *q = queue;

	return e->at < c->at &&
	       (s64)(q->level[e->at].vtime - q->level[c->at].vtime) <= 0;
}

static unsigned int mlfq_figures(const void *queue, const struct vgpu_rq *rq,
				 struct vgpu_figure *out, unsigned int max)
{
	static const char * const queued[MLFQ_LEVELS] = {
		"level0_queued", "level1_queued", "level2_queued",
		"level3_queued", "level4_queued", "level5_queued",
		"level6_queued", "level7_queued",
	};
	const struct mlfq_queue *q = queue;
	const struct vgpu_figure rest[] = {
		{ "promotions", q->promotions },
		{ "demotions", q->demotions },
		{ "interactive", q->interactive },
	};
	unsigned int n = 0, i;

	for (i = 0; i < MLFQ_LEVELS && n < max; i++)
		out[n++] = (struct vgpu_figure){ queued[i], q->queued[i] };
	for (i = 0; i < ARRAY_SIZE(rest) && n < max; i++)
		out[n++] = rest[i];
	return n;
}

const struct vgpu_policy vgpu_policy_mlfq = {
	.name = "mlfq",
	.queue_size = sizeof(struct mlfq_queue),
	.entity_size = sizeof(struct mlfq_entity),
	.init = mlfq_init,
	.join = mlfq_join,
	.enqueue = mlfq_enqueue,
	.dequeue = mlfq_dequeue,
	.pick = mlfq_pick,
	.start = mlfq_start,
	.charge = mlfq_charge,
	.stop = mlfq_stop,
	.preempt = mlfq_preempt,
	.figures = mlfq_figures,
};
