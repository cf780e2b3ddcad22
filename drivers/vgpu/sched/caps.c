// SPDX-License-Identifier: GPL-2.0
/*
 * Fixed shares: "fixed" never gives anyone more than its cap, even on an idle
 * engine; "burst" lends what would be idle.
 *
 * An entity earns credit with time, at the rate of its cap (or, without a cap,
 * of its weight's part of what the caps leave), up to 100 ms worth of it, and
 * spends it by running.  It runs in turn while it has credit, never for longer
 * than that lasts, so at any time what it has had is no more than its cap
 * allows since it came, plus what the engine takes to stop.  Overrunning is
 * debt, which takes its time to earn back.  Who has spent its credit waits
 * until it has a slice's worth, or 50 ms' earnings if that is less, so that small
 * caps mean neither many switches nor shares that come in lumps.
 *
 * Under "burst" the ones without credit take turns at what is left.  That is
 * not charged, and ends when somebody has credit.
 *
 * Sources: the token bucket is the usual one; the caps that may not be
 * exceeded are what vendors call "fixed share".
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rbtree.h>

#include "sched_priv.h"

#define CAPS_ALL	1000000			/* rates are in ppm */
#define CAPS_BUCKET_NS	(100ULL * 1000 * 1000)	/* at a rate of 100 % */
/*
 * Longest wait to save up for a slice.  What is saved and not spent yet is what
 * somebody who looks at any 10 s misses: half a per cent of his cap.
 */
#define CAPS_WAIT_NS	(50ULL * 1000 * 1000)
/* Longer sleep earns nothing more; keeps time * rate below 2^63. */
#define CAPS_SLEEP_NS	(8000ULL * 1000 * 1000 * 1000)

struct caps_queue {
	struct list_head ready;		/* have credit */
	struct list_head spent;		/* have none, in turn ("burst") */
	struct rb_root held;		/* those, by when they will */
	u64 weights;			/* of all entities without a cap */
	bool lends;
	bool lent;			/* pick()'s answer has no credit */
};

struct caps_entity {
	struct rb_node node;
	struct list_head link;
	u64 nr;
	s64 credit;			/* ns * CAPS_ALL */
	u64 earned_at;
	u64 ready_at;			/* held until then */
	u64 slice;
	u32 weight;			/* as counted in weights, 0: capped */
	u32 cap;
	bool is_held;
	bool borrows;			/* runs without credit */
};

#define entity_of(rb)	rb_entry(rb, struct caps_entity, node)

/* --- the tree of the held ------------------------------------------------ */

static void hold(struct caps_queue *q, struct caps_entity *e)
{
	struct rb_node **link = &q->held.rb_node, *parent = NULL;

	while (*link) {
		struct caps_entity *at = entity_of(*link);

		parent = *link;
		if (e->ready_at < at->ready_at ||
		    (e->ready_at == at->ready_at && e->nr < at->nr))
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&e->node, parent, link);
	rb_insert_color(&e->node, &q->held);
	e->is_held = true;
	list_add_tail(&e->link, &q->spent);
}

static void take_out(struct caps_queue *q, struct caps_entity *e)
{
	if (e->is_held)
		rb_erase(&e->node, &q->held);
	e->is_held = false;
	list_del_init(&e->link);
}

static struct caps_entity *first_held(const struct caps_queue *q)
{
	struct rb_node *node = rb_first(&q->held);

	return node ? entity_of(node) : NULL;
}

/* --- credit -------------------------------------------------------------- */

/*
 * In ppm.  A part by weight changes when others come and go; it counts for the
 * time since it was looked at last.  Caps do not change by themselves.
 */
static u32 rate(const struct caps_queue *q, const struct vgpu_rq *rq,
		const struct caps_entity *e)
{
	u64 left;

	if (e->cap)
		return e->cap * (CAPS_ALL / VGPU_CAP_MAX);
	left = VGPU_CAP_MAX - min_t(u32, rq->caps, VGPU_CAP_MAX);
	left *= CAPS_ALL / VGPU_CAP_MAX;
	return max_t(u32, div64_u64(left * e->weight, q->weights), 1);
}

static void earn(const struct caps_queue *q, const struct vgpu_rq *rq,
		 struct caps_entity *e, u64 now)
{
	u64 passed = now > e->earned_at ? now - e->earned_at : 0;
	u32 r = rate(q, rq, e);
	s64 most = max(2 * e->slice * CAPS_ALL, CAPS_BUCKET_NS * r);

	passed = min(passed, CAPS_SLEEP_NS);
	e->credit = min_t(s64, e->credit + (s64)(passed * r), most);
	e->earned_at = max(now, e->earned_at);
}

/* Has it @need_ns of credit?  If not, it is held until it has a slice. */
static void queue_up(struct caps_queue *q, const struct vgpu_rq *rq,
		     struct caps_entity *e, u64 need_ns, u64 now)
{
	u32 r = rate(q, rq, e);
	s64 goal, need;

	earn(q, rq, e, now);
	goal = min(e->slice, div_u64(CAPS_WAIT_NS * r, CAPS_ALL));
	goal = max_t(u64, goal, VGPU_SLICE_MIN_NS) * CAPS_ALL;
	need = min_t(s64, need_ns * CAPS_ALL, goal);
	if (e->credit >= need) {
		list_add_tail(&e->link, &q->ready);
		return;
	}
	e->ready_at = now + 1 + div_u64(goal - e->credit, r);
	hold(q, e);
}

/* --- callbacks ----------------------------------------------------------- */

static void fixed_init(void *queue, const struct vgpu_rq *rq)
{
	struct caps_queue *q = queue;

	INIT_LIST_HEAD(&q->ready);
	INIT_LIST_HEAD(&q->spent);
	q->held = RB_ROOT;
}

static void burst_init(void *queue, const struct vgpu_rq *rq)
{
	struct caps_queue *q = queue;

	fixed_init(queue, rq);
	q->lends = true;
}

static void count(struct caps_queue *q, struct caps_entity *e,
		  const struct vgpu_se *se)
{
	e->cap = se->cap;
	e->weight = se->cap ? 0 : se->weight;
	q->weights += e->weight;
}

static void caps_join(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se)
{
	struct caps_entity *e = entity;

	e->nr = se->nr;
	INIT_LIST_HEAD(&e->link);
	count(queue, e, se);
}

static void caps_leave(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se)
{
	struct caps_queue *q = queue;
	struct caps_entity *e = entity;

	q->weights -= e->weight;
}

static void caps_enqueue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct caps_entity *e = entity;

	if (!e->earned_at)
		e->earned_at = now;	/* it starts with nothing */
	e->slice = vgpu_se_slice(rq, se);
	queue_up(queue, rq, e, VGPU_SLICE_MIN_NS, now);
}

static void caps_dequeue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	take_out(queue, entity);
}

static void release(struct caps_queue *q, u64 now)
{
	struct caps_entity *e = first_held(q);

	for (; e && e->ready_at <= now; e = first_held(q)) {
		take_out(q, e);
		list_add_tail(&e->link, &q->ready);
	}
}

static u64 caps_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct caps_queue *q = queue;
	struct caps_entity *e;

	release(q, now);
	e = list_first_entry_or_null(&q->ready, struct caps_entity, link);
	q->lent = !e;
	if (e) {
		earn(q, rq, e, now);
		*slice_ns = min_t(u64, e->slice,
				  div_u64(max_t(s64, e->credit, 0), CAPS_ALL));
		*slice_ns = max(*slice_ns, VGPU_SLICE_MIN_NS);
		return e->nr;
	}
	if (!q->lends)
		return 0;
	e = list_first_entry_or_null(&q->spent, struct caps_entity, link);
	if (!e)
		return 0;
	/* until somebody has credit again */
	*slice_ns = min(rq->slice_ns, first_held(q)->ready_at - now);
	return e->nr;
}

static u64 caps_hold(void *queue, const struct vgpu_rq *rq, u64 now)
{
	struct caps_entity *e = first_held(queue);

	return e ? e->ready_at : now;
}

static void caps_start(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	struct caps_queue *q = queue;
	struct caps_entity *e = entity;

	take_out(q, e);
	e->borrows = q->lent;
}

static void caps_charge(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se,
			u64 service_ns, u64 now)
{
	struct caps_entity *e = entity;

	earn(queue, rq, e, now);
	if (!e->borrows)
		e->credit -= service_ns * CAPS_ALL;
}

static void caps_stop(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now,
		      bool midway)
{
	struct caps_entity *e = entity;

	e->borrows = false;
	e->slice = vgpu_se_slice(rq, se);
	if (se->state == VGPU_SE_QUEUED)
		queue_up(queue, rq, e, e->slice, now);
}

static bool caps_preempt(void *queue, const struct vgpu_rq *rq,
			 void *curr_entity, const struct vgpu_se *curr,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct caps_entity *c = curr_entity, *e = entity;

	return c->borrows && !e->is_held;
}

static void caps_changed(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct caps_queue *q = queue;
	struct caps_entity *e = entity;

	/* up to now it has earned at the old rate */
	if (e->earned_at)
		earn(q, rq, e, now);
	q->weights -= e->weight;
	count(q, e, se);
	if (e->is_held) {
		take_out(q, e);
		e->slice = vgpu_se_slice(rq, se);
		queue_up(q, rq, e, e->slice, now);
	}
}

const struct vgpu_policy vgpu_policy_fixed = {
	.name = "fixed",
	.flags = VGPU_POLICY_HOLDS | VGPU_POLICY_CAPS,
	.queue_size = sizeof(struct caps_queue),
	.entity_size = sizeof(struct caps_entity),
	.init = fixed_init,
	.join = caps_join,
	.leave = caps_leave,
	.enqueue = caps_enqueue,
	.dequeue = caps_dequeue,
	.pick = caps_pick,
	.hold = caps_hold,
	.start = caps_start,
	.charge = caps_charge,
	.stop = caps_stop,
	.changed = caps_changed,
};

const struct vgpu_policy vgpu_policy_burst = {
	.name = "burst",
	.flags = VGPU_POLICY_CAPS,
	.queue_size = sizeof(struct caps_queue),
	.entity_size = sizeof(struct caps_entity),
	.init = burst_init,
	.join = caps_join,
	.leave = caps_leave,
	.enqueue = caps_enqueue,
	.dequeue = caps_dequeue,
	.pick = caps_pick,
	.start = caps_start,
	.charge = caps_charge,
	.stop = caps_stop,
	.preempt = caps_preempt,
	.changed = caps_changed,
};
