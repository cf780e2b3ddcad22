// SPDX-License-Identifier: GPL-2.0
/*
 * Fair share: earliest eligible virtual deadline first.
 *
 * Sources: I. Stoica, H. Abdel-Wahab, "Earliest Eligible Virtual Deadline
 * First", 1995 (eligibility, deadlines, what joining and leaving do to lag);
 * J. Bennett, H. Zhang, "Hierarchical Packet Fair Queueing Algorithms", 1997
 * (WF²Q+: eligibility is what bounds the lag from both sides); Linux'
 * kernel/sched/fair.c for how to search both orders in one tree.
 *
 * Each entity has a virtual time v that grows by service / weight.  V is the
 * mean of all v that compete, weighted; in the ideal every v equals V.  An
 * entity's lag, weight * (V - v), is the service that it has coming; lags add
 * up to 0.  An entity is eligible when it is not ahead (v <= V).  It asks for
 * requests of a slice each; a request is due at v + request / weight.  Picked
 * is who is due first among the eligible.  Stoica shows that no lag then
 * exceeds the longest request, in either direction, and that no algorithm can
 * do better.
 *
 * Overrunning a slice (a stretch that cannot be preempted) moves v ahead of V
 * by what was really used: the entity is not eligible until the others have
 * caught up, however long that takes.  The debt is paid back by itself.
 *
 * Sleeping.  Who leaves with credit keeps it, up to one slice: it was not
 * served though it had work.  Credit does not grow in sleep.  Who leaves in
 * debt keeps its v; the others' progress moves V on meanwhile, exactly as if it
 * had stayed and waited, so that a nap neither clears a debt nor adds to it.
 * An entity that sleeps early and often asks for little: its requests follow
 * what it used between its last sleeps.  Small requests are due sooner, which
 * is what makes it wake up fast; they change the order of service, not its
 * amount.
 *
 * Arithmetic.  V is kept as an integer and a rest:
 *
 *	rest = sum of weight * (v - V),  0 <= rest < load
 *
 * so that v <= V is one comparison and nothing drifts.  v and V wrap; only
 * their differences count.  Bounds: a debt is at most one charge
 * (VGPU_CHARGE_MAX_NS, 2^46 in units of 2^-10 ns), so weight * (v - V) stays
 * below 2^62 with 4096 entities at their worst all at once, and with one of
 * the largest weight beside one of the smallest.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>

#include "sched_priv.h"

#define FAIR_SHIFT	10	/* fraction bits of virtual time at weight 1 */

/* Farther than any debt goes; beyond it, v is from before a wrap of V. */
#define FAIR_DEBT_MAX	(2 * (s64)VGPU_CHARGE_MAX_NS << FAIR_SHIFT)

struct fair_queue {
	struct rb_root tree;	/* the queued, by deadline */
	u64 vtime;		/* V, rounded down */
	s64 rest;		/* see above */
	s64 load;		/* weights of the queued and the running */
};

struct fair_entity {
	struct rb_node node;
	u64 nr;
	u64 vtime;		/* v */
	u64 deadline;
	u64 min_vtime;		/* of the subtree at @node */
	u64 request;		/* service asked for */
	u64 burst;		/* service since it woke up */
	u64 burst_avg;		/* 0: not known */
	s64 credit;		/* kept while it sleeps, scaled service */
	u32 weight;
	u32 vrem;		/* of the division that made v */
};

#define entity_of(rb)	rb_entry(rb, struct fair_entity, node)

/* --- virtual time -------------------------------------------------------- */

/* a - b, where both wrap */
static s64 vdiff(u64 a, u64 b)
{
	return (s64)(a - b);
}

/* weight * (v - V): minus the lag, scaled */
static s64 ahead(const struct fair_queue *q, const struct fair_entity *e)
{
	return vdiff(e->vtime, q->vtime) * e->weight;
}

static bool eligible(const struct fair_queue *q, const struct fair_entity *e)
{
	return vdiff(e->vtime, q->vtime) <= 0;
}

static void normalise(struct fair_queue *q)
{
	s64 step;

	if (!q->load) {
		q->rest = 0;
		return;
	}
	step = div64_s64(q->rest, q->load);
	if (step * q->load > q->rest)
		step--;
	q->vtime += step;
	q->rest -= step * q->load;
}

static void compete(struct fair_queue *q, struct fair_entity *e)
{
	if (!q->load)
		q->vtime = e->vtime;
	q->rest += ahead(q, e);
	q->load += e->weight;
	normalise(q);
}

static void retire(struct fair_queue *q, struct fair_entity *e)
{
	q->rest -= ahead(q, e);
	q->load -= e->weight;
	normalise(q);
}

static void ask(struct fair_entity *e, u64 service_ns)
{
	e->request = service_ns;
	e->deadline = e->vtime +
		      div_u64(service_ns << FAIR_SHIFT, e->weight);
}

/* --- the tree ------------------------------------------------------------ */

static bool update_min(struct fair_entity *e, bool exit)
{
	u64 min = e->vtime;
	struct rb_node *child;

	child = e->node.rb_left;
	if (child && vdiff(entity_of(child)->min_vtime, min) < 0)
		min = entity_of(child)->min_vtime;
	child = e->node.rb_right;
	if (child && vdiff(entity_of(child)->min_vtime, min) < 0)
		min = entity_of(child)->min_vtime;
	if (exit && e->min_vtime == min)
		return true;
	e->min_vtime = min;
	return false;
}

RB_DECLARE_CALLBACKS(static, min_vtime_cb, struct fair_entity, node,
		     min_vtime, update_min);

/* A total order: the same history gives the same picks, whatever the tree. */
static bool before(const struct fair_entity *a, const struct fair_entity *b)
{
	s64 diff = vdiff(a->deadline, b->deadline);

	return diff < 0 || (!diff && a->nr < b->nr);
}

static void insert(struct fair_queue *q, struct fair_entity *e)
{
	struct rb_node **link = &q->tree.rb_node, *parent = NULL;

	while (*link) {
		struct fair_entity *at = entity_of(*link);

		parent = *link;
		if (vdiff(e->vtime, at->min_vtime) < 0)
			at->min_vtime = e->vtime;
		link = before(e, at) ? &parent->rb_left : &parent->rb_right;
	}
	e->min_vtime = e->vtime;
	rb_link_node(&e->node, parent, link);
	rb_insert_augmented(&e->node, &q->tree, &min_vtime_cb);
}

static void erase(struct fair_queue *q, struct fair_entity *e)
{
	rb_erase_augmented(&e->node, &q->tree, &min_vtime_cb);
}

/*
 * The leftmost in deadline order that is eligible: go left whenever somebody
 * there is.  V is a mean, so somebody always is.
 */
static struct fair_entity *first_eligible(struct fair_queue *q)
{
	struct rb_node *node = q->tree.rb_node;

	while (node) {
		struct rb_node *left = node->rb_left;

		if (left && vdiff(entity_of(left)->min_vtime, q->vtime) <= 0) {
			node = left;
			continue;
		}
		if (eligible(q, entity_of(node)))
			break;
		node = node->rb_right;
	}
	return node ? entity_of(node) : NULL;
}

/* --- callbacks ----------------------------------------------------------- */

static void fair_init(void *queue, const struct vgpu_rq *rq)
{
	struct fair_queue *q = queue;

	q->tree = RB_ROOT;
}

static void fair_join(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;

	e->nr = se->nr;
	e->weight = se->weight;
	e->vtime = q->vtime;
}

static void fair_enqueue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;
	s64 debt = vdiff(e->vtime, q->vtime);
	u64 slice = vgpu_se_slice(rq, se);

	if (e->credit) {
		/* joining pulls V towards v; so much farther v has to be */
		e->vtime = q->vtime - div_s64(e->credit, e->weight);
		if (q->load)
			e->vtime -= div64_s64(e->credit, q->load);
		e->credit = 0;
	} else if (debt < 0 || debt > FAIR_DEBT_MAX) {
		e->vtime = q->vtime;
	}
	compete(q, e);

	e->burst = 0;
	if (e->burst_avg)
		slice = clamp(2 * e->burst_avg, VGPU_SLICE_MIN_NS, slice);
	ask(e, slice);
	insert(q, e);
}

/* It goes to sleep: what of its lag does it keep? */
static void fair_sleep(struct fair_queue *q, const struct vgpu_rq *rq,
		       struct fair_entity *e, const struct vgpu_se *se)
{
	s64 lag = -ahead(q, e);

	retire(q, e);
	e->credit = clamp_t(s64, lag, 0, vgpu_se_slice(rq, se) << FAIR_SHIFT);
}

static void fair_dequeue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	erase(queue, entity);
	fair_sleep(queue, rq, entity, se);
}

static u64 fair_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct fair_entity *e = first_eligible(queue);
	s64 left;

	if (!e)
		return 0;
	left = vdiff(e->deadline, e->vtime) * e->weight;
	*slice_ns = max_t(u64, left >> FAIR_SHIFT, VGPU_SLICE_MIN_NS);
	return e->nr;
}

static void fair_start(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	erase(queue, entity);
}

static void fair_charge(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se,
			u64 service_ns, u64 now)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;
	u64 step;
	u32 rem;

	step = div_u64_rem((service_ns << FAIR_SHIFT) + e->vrem, e->weight,
			   &rem);
	e->vrem = rem;
	e->vtime += step;
	e->burst += service_ns;
	q->rest += (s64)step * e->weight;
	normalise(q);
	if (vdiff(e->vtime, e->deadline) >= 0)
		ask(e, vgpu_se_slice(rq, se));
}

static void fair_stop(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now,
		      bool midway)
{
	struct fair_entity *e = entity;

	if (se->state == VGPU_SE_QUEUED) {
		insert(queue, e);
		return;
	}
	e->burst_avg = e->burst_avg ? (3 * e->burst_avg + e->burst) / 4 :
				      e->burst;
	fair_sleep(queue, rq, e, se);
}

/*
 * Only for somebody who is due earlier by what is worth a switch: equals with
 * equal requests never cut each other off.
 */
static bool fair_preempt(void *queue, const struct vgpu_rq *rq,
			 void *curr_entity, const struct vgpu_se *curr,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct fair_entity *c = curr_entity, *e = entity;
	s64 sooner = vdiff(c->deadline, e->deadline);

	return eligible(queue, e) && sooner > 0 &&
	       sooner * e->weight >= (s64)VGPU_SLICE_MIN_NS << FAIR_SHIFT;
}

/* A new weight: lag and what is left of the request stay, as service. */
static void fair_changed(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	bool competes = se->state != VGPU_SE_IDLE;
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;
	s64 debt, left;

	if (e->weight == se->weight)
		return;		/* a new slice counts from the next request */
	if (se->state == VGPU_SE_QUEUED)
		erase(q, e);

	debt = vdiff(e->vtime, q->vtime);
	if (!competes && (debt < 0 || debt > FAIR_DEBT_MAX))
		debt = 0;
	left = vdiff(e->deadline, e->vtime) * e->weight;
	if (competes) {
		q->rest -= ahead(q, e);
		q->load += (s64)se->weight - e->weight;
	}
	e->vtime = q->vtime + div_s64(debt * e->weight, se->weight);
	e->deadline = e->vtime + div_s64(left, se->weight);
	e->weight = se->weight;
	e->vrem = 0;
	if (competes) {
		q->rest += ahead(q, e);
		normalise(q);
	}

	if (se->state == VGPU_SE_QUEUED)
		insert(q, e);
}

static s64 fair_lag(const void *queue, const struct vgpu_rq *rq,
		    const void *entity, const struct vgpu_se *se)
{
	const struct fair_queue *q = queue;
	const struct fair_entity *e = entity;

	if (se->state == VGPU_SE_IDLE && e->credit)
		return e->credit >> FAIR_SHIFT;
	if (se->state == VGPU_SE_IDLE && eligible(q, e))
		return 0;
	return -ahead(q, e) >> FAIR_SHIFT;
}

const struct vgpu_policy vgpu_policy_fair = {
	.name = "fair",
	.queue_size = sizeof(struct fair_queue),
	.entity_size = sizeof(struct fair_entity),
	.init = fair_init,
	.join = fair_join,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.pick = fair_pick,
	.start = fair_start,
	.charge = fair_charge,
	.stop = fair_stop,
	.preempt = fair_preempt,
	.changed = fair_changed,
	.lag = fair_lag,
};
