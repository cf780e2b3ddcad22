// SPDX-License-Identifier: GPL-2.0
/*
 * What others do, as far as it is a policy, to be compared with: in the
 * simulator only.  They are models after published descriptions, walk lists and
 * use floating point; none is the original's code.
 *
 *  fifo   by time of arrival and to the end of a job, as DRM's scheduler with
 *         one queue for all (give loads stretch=cost)
 *  stride least service by weight first (C. Waldspurger, W. Weihl, 1995)
 *  eevdf  the textbook's, V being the mean of the v present
 *  gvt    slices of 1 ms in turn, to who has time left; each 100 ms everybody
 *         gets its weight's part, debts are carried for ten of these (GVT-g)
 *  hami   a bucket of tokens for each, filled by weight every 120 ms; who has any
 *         runs as it likes (HAMi's limiter)
 */
#include <linux/list.h>
#include <linux/module.h>

#include <vgpu/policy.h>

#define MS	1000000ULL

struct base_queue {
	struct list_head all;		/* that have work, in turn */
	double vtime;
	u64 window_end;
	u32 stage;
	u64 weights;			/* of all there are */
};

struct base_entity {
	struct list_head link;
	u64 nr;
	double v, deadline, lag;
	double left;			/* ns of this window */
	u32 weight;
	bool runs;
};

static void base_init(void *queue, const struct vgpu_rq *rq)
{
	struct base_queue *q = queue;

	INIT_LIST_HEAD(&q->all);
}

static void base_join(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se)
{
	struct base_queue *q = queue;
	struct base_entity *e = entity;

	e->nr = se->nr;
	e->weight = se->weight;
	q->weights += e->weight;
}

static void base_leave(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se)
{
	struct base_queue *q = queue;
	struct base_entity *e = entity;

	q->weights -= e->weight;
}

static void base_enqueue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct base_queue *q = queue;
	struct base_entity *e = entity;

	list_add_tail(&e->link, &q->all);
}

static void base_dequeue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct base_entity *e = entity;

	list_del(&e->link);
}

static void base_start(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	struct base_entity *e = entity;

	e->runs = true;
}

static void base_stop(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now,
		      bool midway)
{
	struct base_entity *e = entity;

	e->runs = false;
	list_del(&e->link);
	if (se->state == VGPU_SE_QUEUED)
		base_enqueue(queue, rq, entity, se, now);
}

static void base_charge(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se,
			u64 service_ns, u64 now)
{
	struct base_entity *e = entity;

	e->v += (double)service_ns / e->weight;
	e->left -= service_ns;
}

static u64 fifo_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct base_queue *q = queue;

	/* a job at a time */
	*slice_ns = VGPU_SLICE_MIN_NS;
	return list_empty(&q->all) ? 0 :
	       list_first_entry(&q->all, struct base_entity, link)->nr;
}

/* --- stride -------------------------------------------------------------- */

static void stride_enqueue(void *queue, const struct vgpu_rq *rq,
			   void *entity, const struct vgpu_se *se, u64 now)
{
	struct base_queue *q = queue;
	struct base_entity *e = entity;

	if (e->v < q->vtime)
		e->v = q->vtime;
	base_enqueue(queue, rq, entity, se, now);
}

static u64 stride_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		       u64 *slice_ns)
{
	struct base_entity *e, *best = NULL;
	struct base_queue *q = queue;

	list_for_each_entry(e, &q->all, link)
		if (!best || e->v < best->v)
			best = e;
	if (best)
		q->vtime = best->v;
	return best ? best->nr : 0;
}

/* --- eevdf --------------------------------------------------------------- */

static double mean(struct base_queue *q, double *weights)
{
	struct base_entity *e;
	double sum = 0;

	*weights = 0;
	list_for_each_entry(e, &q->all, link) {
		sum += e->v * e->weight;
		*weights += e->weight;
	}
	return *weights ? sum / *weights : q->vtime;
}

static void eevdf_enqueue(void *queue, const struct vgpu_rq *rq,
			  void *entity, const struct vgpu_se *se, u64 now)
{
	struct base_queue *q = queue;
	struct base_entity *e = entity;
	double weights, v = mean(q, &weights);

	if (weights)
		v -= e->lag * (weights + e->weight) / weights;
	e->v = v;
	e->deadline = v + (double)vgpu_se_slice(rq, se) / e->weight;
	base_enqueue(queue, rq, entity, se, now);
}

static void eevdf_sleep(struct base_queue *q, struct base_entity *e,
			const struct vgpu_rq *rq, const struct vgpu_se *se)
{
	double weights, most = (double)vgpu_se_slice(rq, se) / e->weight;

	q->vtime = mean(q, &weights);
	e->lag = q->vtime - e->v;
	if (e->lag > most)
		e->lag = most;
	if (e->lag < -most)
		e->lag = -most;
}

static void eevdf_dequeue(void *queue, const struct vgpu_rq *rq,
			  void *entity, const struct vgpu_se *se, u64 now)
{
	eevdf_sleep(queue, entity, rq, se);
	base_dequeue(queue, rq, entity, se, now);
}

static void eevdf_stop(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now,
		       bool midway)
{
	struct base_entity *e = entity;

	if (se->state != VGPU_SE_QUEUED)
		eevdf_sleep(queue, entity, rq, se);
	else if (e->v >= e->deadline)
		e->deadline = e->v + (double)vgpu_se_slice(rq, se) / e->weight;
	base_stop(queue, rq, entity, se, now, midway);
}

static u64 eevdf_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		      u64 *slice_ns)
{
	struct base_entity *e, *best = NULL, *first = NULL;
	struct base_queue *q = queue;
	double weights, v = mean(q, &weights);

	list_for_each_entry(e, &q->all, link) {
		if (!first || e->v < first->v)
			first = e;
		/* a little slack for rounding */
		if (e->v <= v + 1 / 1048576.0 && (!best || e->deadline < best->deadline))
			best = e;
	}
	best = best ?: first;
	return best ? best->nr : 0;
}

static bool eevdf_preempt(void *queue, const struct vgpu_rq *rq,
			  void *curr_entity, const struct vgpu_se *curr,
			  void *entity, const struct vgpu_se *se, u64 now)
{
	struct base_entity *c = curr_entity, *e = entity;
	double weights;

	return e->deadline < c->deadline && e->v <= mean(queue, &weights);
}

/* --- budgets by windows -------------------------------------------------- */

static u64 window_pick(struct base_queue *q, u64 now, u64 window, u32 stages)
{
	struct base_entity *e;
	bool fresh = false;

	while (now >= q->window_end) {
		q->window_end = now + window;
		fresh = !(q->stage++ % stages);
		list_for_each_entry(e, &q->all, link) {
			double part = (double)window * e->weight / q->weights;

			e->left = fresh ? part : e->left + part;
			if (e->left > part)
				e->left = part;
		}
	}
	list_for_each_entry(e, &q->all, link)
		if (e->left > 0)
			return e->nr;
	return 0;
}

static u64 gvt_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		    u64 *slice_ns)
{
	*slice_ns = MS;
	return window_pick(queue, now, 100 * MS, 10);
}

static u64 hami_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	return window_pick(queue, now, 120 * MS, ~0U);
}

static u64 window_hold(void *queue, const struct vgpu_rq *rq, u64 now)
{
	struct base_queue *q = queue;

	return q->window_end;
}

#define BASE(title, pick_fn)						\
	.name = (title), .queue_size = sizeof(struct base_queue),	\
	.entity_size = sizeof(struct base_entity), .init = base_init,	\
	.join = base_join, .leave = base_leave, .charge = base_charge,	\
	.start = base_start, .pick = (pick_fn)

static const struct vgpu_policy baselines[] = {
	{
		BASE("fifo", fifo_pick), .enqueue = base_enqueue,
		.dequeue = base_dequeue, .stop = base_stop,
	}, {
		BASE("stride", stride_pick), .enqueue = stride_enqueue,
		.dequeue = base_dequeue, .stop = base_stop,
	}, {
		BASE("eevdf", eevdf_pick), .enqueue = eevdf_enqueue,
		.dequeue = eevdf_dequeue, .stop = eevdf_stop,
		.preempt = eevdf_preempt,
	}, {
		BASE("gvt", gvt_pick), .enqueue = base_enqueue,
		.dequeue = base_dequeue, .stop = base_stop,
		.flags = VGPU_POLICY_HOLDS, .hold = window_hold,
	}, {
		BASE("hami", hami_pick), .enqueue = base_enqueue,
		.dequeue = base_dequeue, .stop = base_stop,
		.flags = VGPU_POLICY_HOLDS, .hold = window_hold,
	},
};

static int __init baselines_load(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(baselines); i++)
		if (vgpu_policy_register(&baselines[i]))
			return -EINVAL;
	return 0;
}
module_init(baselines_load);
