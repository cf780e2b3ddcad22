// SPDX-License-Identifier: GPL-2.0
/*
 * Fair share: earliest eligible virtual deadline first.
 *
 * Sources: I. Stoica, H. Abdel-Wahab, "Earliest Eligible Virtual Deadline
 * First", 1995 (eligibility, deadlines, lag); J. Bennett, H. Zhang,
 * "Hierarchical Packet Fair Queueing Algorithms", 1997 (WF²Q+: eligibility is
 * what bounds the lag from both sides; V jumps when nobody is eligible);
 * Linux' kernel/sched/fair.c for how to search both orders in one tree, and for
 * letting who sleeps in debt go on competing.
 *
 * V is the virtual time of the queue: it grows by service / load.  Each
 * entity's own, v, grows by service / weight.  An entity's lag,
 * weight * (V - v), is the service that it has coming.  It is eligible when it
 * is not ahead (v <= V).  It asks for requests of a slice each; a request is due
 * at v + request / weight.  Picked is who is due first among the eligible.
 * Then no lag exceeds the longest request by more than what the engine
 * takes to stop, in either direction; no algorithm can do better.
 *
 * That holds as long as nobody comes or goes with a lag; those who do would
 * push the others by theirs.  The kernel accepts that.  Here:
 *
 *  - Who goes to sleep in debt (v > V) goes on competing, without being
 *    picked, until V has reached its v: the others are paid back what it
 *    overran.  Overrunning (a stretch that cannot be cut off) and napping
 *    are thus worth nothing, and a debt is never carried beyond what it costs.
 *  - Who goes with credit leaves the others ahead of V by as much in sum.
 *    It gets its credit back when it returns as far as they still are: what
 *    nobody owes any more is gone.  Credit does not grow in sleep.
 *  - If nobody is eligible, because credit has left, V jumps to the first v.
 *  - If an entity is destroyed in debt, the others are behind V in sum. V
 *    stands still until they are not; and who is new meanwhile takes over
 *    that debt, a slice of it at most.  Else to be destroyed and made again
 *    would pay: V would not move, and who is new at V would always be first.
 *
 * The books for that are one number, the sum of all lags (@balance).
 *
 * Waking up.  An entity that has lately used half a slice or less before it
 * slept again asks for half a slice.  When it wakes up, and has no debt or has
 * paid it, it may go first.  That changes the order of service, not its
 * amount, but it makes others late, each by its part of what was served out
 * of turn.  So requests are a little shorter than the slice, and no more is
 * served out of turn, by a bucket that fills in virtual time, than fits in
 * between: the bound on lag stays one slice.
 *
 * Arithmetic.  V and v are integers, the remainders of their divisions are
 * kept, and nothing drifts.  They wrap; only differences count.  Bounds: a debt
 * is at most one charge (VGPU_CHARGE_MAX_NS, 2^46 in units of 2^-10 ns), so
 * weight * (v - V) stays below 2^62 with 4096 entities all at their worst.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>

#include "sched_priv.h"

#define FAIR_SHIFT	10	/* fraction bits of virtual time at weight 1 */

/*
 * Of a slice, one part in 32 is kept for what is served out of turn.  A
 * request's time can see a full bucket and a bucket's worth of filling, so each
 * of these is one part in 64.
 */
#define FAIR_RESERVE	32
#define FAIR_BUCKET	64

struct fair_queue {
	struct rb_root tree;	/* the queued, by deadline */
	struct rb_root debtors;	/* who waits for V to reach its v, by v */
	struct list_head lane;	/* of the queued: who may go first */
	u64 vtime;		/* V, rounded down */
	u64 vrem;		/* of the division that made V */
	u64 load;		/* weights of all that compete */
	s64 balance;		/* sum of their weight * (V - v) */
	u64 bucket;		/* V when it will be full again */
	u64 light_nr;		/* pick()'s answer, if that was out of turn */
	u32 max_weight;		/* of any, since the queue was empty */
};

enum fair_place {
	FAIR_OUT,		/* asleep, competes no more */
	FAIR_DEBTOR,		/* asleep, competes until its debt is paid */
	FAIR_PENDING,		/* queued, goes first once its debt is paid */
	FAIR_QUEUED,
	FAIR_RUNNING,
};

struct fair_entity {
	struct rb_node node;
	struct list_head lane;
	u64 nr;
	u64 vtime;		/* v */
	u64 deadline;
	u64 min_vtime;		/* of the subtree at @node */
	u64 slice;		/* when it woke up */
	u64 burst;		/* service since then */
	u64 burst_avg;		/* the later the more it counts */
	s64 credit;		/* FAIR_OUT: lag when it left */
	u32 weight;
	u32 vrem;		/* of the division that made v */
	enum fair_place place;
	bool out_of_turn;	/* runs as such */
	bool fresh;		/* it never had any work */
};

#define entity_of(rb)	rb_entry(rb, struct fair_entity, node)

/* a - b, where both wrap */
static s64 vdiff(u64 a, u64 b)
{
	return (s64)(a - b);
}

/* scaled */
static s64 lag_of(const struct fair_queue *q, const struct fair_entity *e)
{
	return vdiff(q->vtime, e->vtime) * e->weight;
}

static bool eligible(const struct fair_queue *q, const struct fair_entity *e)
{
	return vdiff(e->vtime, q->vtime) <= 0;
}

/* --- the trees ----------------------------------------------------------- */

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

/* Total orders: the same history gives the same picks, whatever the tree. */
static bool due_before(const struct fair_entity *a, const struct fair_entity *b)
{
	s64 diff = vdiff(a->deadline, b->deadline);

	return diff < 0 || (!diff && a->nr < b->nr);
}

static bool paid_before(const struct fair_entity *a,
			const struct fair_entity *b)
{
	s64 diff = vdiff(a->vtime, b->vtime);

	return diff < 0 || (!diff && a->nr < b->nr);
}

static void insert(struct rb_root *tree, struct fair_entity *e,
		   bool (*before)(const struct fair_entity *a,
				  const struct fair_entity *b))
{
	struct rb_node **link = &tree->rb_node, *parent = NULL;

	while (*link) {
		struct fair_entity *at = entity_of(*link);

		parent = *link;
		if (vdiff(e->vtime, at->min_vtime) < 0)
			at->min_vtime = e->vtime;
		link = before(e, at) ? &parent->rb_left : &parent->rb_right;
	}
	e->min_vtime = e->vtime;
	rb_link_node(&e->node, parent, link);
	rb_insert_augmented(&e->node, tree, &min_vtime_cb);
}

static void erase(struct rb_root *tree, struct fair_entity *e)
{
	rb_erase_augmented(&e->node, tree, &min_vtime_cb);
}

/* The leftmost in deadline order that is eligible. */
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

static struct fair_entity *first_debtor(struct fair_queue *q)
{
	struct rb_node *node = rb_first(&q->debtors);

	return node ? entity_of(node) : NULL;
}

static void enter_tree(struct fair_queue *q, struct fair_entity *e)
{
	e->place = FAIR_QUEUED;
	insert(&q->tree, e, due_before);
}

static void leave_tree(struct fair_queue *q, struct fair_entity *e)
{
	if (e->place == FAIR_PENDING)
		erase(&q->debtors, e);
	else
		erase(&q->tree, e);
	list_del_init(&e->lane);
}

static void enter_lane(struct fair_queue *q, struct fair_entity *e)
{
	enter_tree(q, e);
	list_add_tail(&e->lane, &q->lane);
}

/* --- virtual time -------------------------------------------------------- */

static void compete(struct fair_queue *q, struct fair_entity *e)
{
	q->load += e->weight;
	q->balance += lag_of(q, e);
	q->max_weight = max(q->max_weight, e->weight);
}

static void retire(struct fair_queue *q, struct fair_entity *e)
{
	q->load -= e->weight;
	q->balance -= lag_of(q, e);
	if (!q->load) {
		q->vrem = 0;
		q->max_weight = 0;
	}
}

static void move_to(struct fair_queue *q, u64 vtime)
{
	q->balance += vdiff(vtime, q->vtime) * (s64)q->load;
	q->vtime = vtime;
}

/* V has come to the v of the first debtor. */
static void paid(struct fair_queue *q, struct fair_entity *debtor)
{
	move_to(q, debtor->vtime);
	erase(&q->debtors, debtor);
	if (debtor->place == FAIR_PENDING) {
		enter_lane(q, debtor);
		return;
	}
	retire(q, debtor);
	debtor->place = FAIR_OUT;
	debtor->credit = 0;
}

/* V grows by scaled @service; each paid debt makes the rest go farther. */
static void advance(struct fair_queue *q, u64 service)
{
	struct fair_entity *debtor;
	u64 total, step, rem;

	/* who was destroyed in debt is paid for first */
	if (q->balance > 0)
		service -= min_t(u64, service, q->balance);
	total = service + q->vrem;
	for (;;) {
		step = div64_u64_rem(total, q->load, &rem);
		debtor = first_debtor(q);
		if (!debtor || vdiff(debtor->vtime, q->vtime) > (s64)step)
			break;
		total -= (debtor->vtime - q->vtime) * q->load;
		paid(q, debtor);
	}
	move_to(q, q->vtime + step);
	q->vrem = rem;
}

/* Nobody queued is eligible: V goes on to the first who will be. */
static void jump(struct fair_queue *q)
{
	for (;;) {
		struct rb_node *root = q->tree.rb_node;
		struct fair_entity *debtor = first_debtor(q);
		u64 vtime = root ? entity_of(root)->min_vtime : q->vtime;

		if (root && (!debtor || vdiff(debtor->vtime, vtime) > 0)) {
			move_to(q, vtime);
			return;
		}
		paid(q, debtor);
		if (debtor->place == FAIR_QUEUED)
			return;
	}
}

static void ask(struct fair_entity *e, u64 service_ns)
{
	service_ns -= service_ns / FAIR_RESERVE;
	e->deadline = e->vtime +
		      div_u64(service_ns << FAIR_SHIFT, e->weight);
}

/* What is left of its request, in ns. */
static u64 left_of(const struct fair_entity *e)
{
	s64 left = vdiff(e->deadline, e->vtime) * e->weight;

	return max_t(s64, left, 0) >> FAIR_SHIFT;
}

/* How far below full the bucket is, in virtual time. */
static s64 missing(const struct fair_queue *q)
{
	return max_t(s64, vdiff(q->bucket, q->vtime), 0);
}

static u64 bucket_cost(const struct fair_queue *q, u64 service_ns)
{
	return div64_u64(service_ns * FAIR_BUCKET << FAIR_SHIFT, q->load);
}

/* Is there enough left to serve @e out of turn? */
static bool may_pass(const struct fair_queue *q, const struct fair_entity *e)
{
	u64 size = div_u64(e->slice << FAIR_SHIFT, q->max_weight);

	return missing(q) + bucket_cost(q, left_of(e)) <= size;
}

/* --- callbacks ----------------------------------------------------------- */

static void fair_init(void *queue, const struct vgpu_rq *rq)
{
	struct fair_queue *q = queue;

	q->tree = RB_ROOT;
	q->debtors = RB_ROOT;
	INIT_LIST_HEAD(&q->lane);
}

static void fair_join(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se)
{
	struct fair_entity *e = entity;

	e->nr = se->nr;
	e->weight = se->weight;
	e->fresh = true;
	INIT_LIST_HEAD(&e->lane);
}

static void fair_leave(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;

	if (e->place == FAIR_DEBTOR) {
		erase(&q->debtors, e);
		retire(q, e);
	}
}

static void fair_enqueue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;
	u64 slice = vgpu_se_slice(rq, se);
	bool light;

	if (e->place == FAIR_DEBTOR) {
		erase(&q->debtors, e);
	} else {
		s64 credit = min(e->credit, max_t(s64, -q->balance, 0));

		if (e->fresh && q->balance > 0)
			credit = -min_t(s64, q->balance, slice << FAIR_SHIFT);
		e->vtime = q->vtime - div_s64(credit, e->weight);
		compete(q, e);
	}

	e->fresh = false;
	e->burst = 0;
	e->slice = slice;
	light = e->burst_avg <= slice / 2;
	ask(e, light ? slice / 2 : slice);
	if (!light) {
		enter_tree(q, e);
	} else if (eligible(q, e)) {
		enter_lane(q, e);
	} else {
		e->place = FAIR_PENDING;
		insert(&q->debtors, e, paid_before);
	}
}

static void fall_asleep(struct fair_queue *q, const struct vgpu_rq *rq,
			struct fair_entity *e, const struct vgpu_se *se)
{
	if (!eligible(q, e)) {
		e->place = FAIR_DEBTOR;
		insert(&q->debtors, e, paid_before);
		return;
	}
	e->place = FAIR_OUT;
	e->credit = min_t(s64, lag_of(q, e),
			  vgpu_se_slice(rq, se) << FAIR_SHIFT);
	retire(q, e);
}

static void fair_dequeue(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	leave_tree(queue, entity);
	fall_asleep(queue, rq, entity, se);
}

static u64 fair_pick(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct fair_queue *q = queue;
	struct fair_entity *e, *light;

	if (!rq->nr_queued)
		return 0;
	e = first_eligible(q);
	if (!e) {
		jump(q);
		e = first_eligible(q);
	}
	light = list_first_entry_or_null(&q->lane, struct fair_entity, lane);
	q->light_nr = 0;
	if (light && light != e && may_pass(q, light)) {
		e = light;
		q->light_nr = e->nr;
	}
	*slice_ns = max(left_of(e), VGPU_SLICE_MIN_NS);
	return e->nr;
}

static void fair_start(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se, u64 now)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;

	leave_tree(q, e);
	e->place = FAIR_RUNNING;
	e->out_of_turn = e->nr == q->light_nr;
}

static void fair_charge(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se,
			u64 service_ns, u64 now)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;
	u64 step;

	step = div_u64_rem((service_ns << FAIR_SHIFT) + e->vrem, e->weight,
			   &e->vrem);
	e->vtime += step;
	q->balance -= (s64)step * e->weight;
	if (e->out_of_turn)
		q->bucket = q->vtime + missing(q) + bucket_cost(q, service_ns);
	advance(q, service_ns << FAIR_SHIFT);
	e->burst += service_ns;
	if (vdiff(e->vtime, e->deadline) >= 0)
		ask(e, vgpu_se_slice(rq, se));
}

static void fair_stop(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now,
		      bool midway)
{
	struct fair_entity *e = entity;

	if (se->state == VGPU_SE_QUEUED) {
		enter_tree(queue, e);
		return;
	}
	e->burst_avg = (e->burst_avg + e->burst) / 2;
	fall_asleep(queue, rq, e, se);
}

/*
 * For who may go first, and for who is due earlier by what is worth a switch.
 * Equals with equal requests never cut each other off.
 */
static bool fair_preempt(void *queue, const struct vgpu_rq *rq,
			 void *curr_entity, const struct vgpu_se *curr,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct fair_entity *c = curr_entity, *e = entity;
	s64 sooner = vdiff(c->deadline, e->deadline);

	if (left_of(c) < VGPU_SLICE_MIN_NS)
		return false;	/* it stops soon anyway */
	if (!list_empty(&e->lane) && may_pass(queue, e))
		return true;
	return eligible(queue, e) && sooner > 0 &&
	       sooner * e->weight >= (s64)VGPU_SLICE_MIN_NS << FAIR_SHIFT;
}

/*
 * A new weight: lag and what is left of the request stay, as service.  v is
 * rounded up: the balance must not creep up.
 */
static void fair_changed(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now)
{
	struct fair_queue *q = queue;
	struct fair_entity *e = entity;
	s64 lag = lag_of(q, e);
	u64 left = left_of(e) << FAIR_SHIFT;

	if (e->weight == se->weight)
		return;		/* a new slice counts from the next request */
	if (e->place == FAIR_OUT) {
		e->weight = se->weight;
		e->vrem = 0;
		return;
	}
	if (e->place == FAIR_QUEUED)
		erase(&q->tree, e);
	else if (e->place != FAIR_RUNNING)
		erase(&q->debtors, e);

	retire(q, e);
	e->weight = se->weight;
	e->vrem = 0;
	/* towards 0 is up for a credit; a debt is rounded up by hand */
	e->vtime = q->vtime - div_s64(lag, e->weight) + (lag <= 0);
	e->deadline = e->vtime + div_u64(left, e->weight);
	compete(q, e);

	if (e->place == FAIR_QUEUED)
		insert(&q->tree, e, due_before);
	else if (e->place != FAIR_RUNNING)
		insert(&q->debtors, e, paid_before);
}

static s64 fair_lag(const void *queue, const struct vgpu_rq *rq,
		    const void *entity, const struct vgpu_se *se)
{
	const struct fair_queue *q = queue;
	const struct fair_entity *e = entity;

	if (e->place == FAIR_OUT)
		return e->credit >> FAIR_SHIFT;
	return lag_of(q, e) >> FAIR_SHIFT;
}

const struct vgpu_policy vgpu_policy_fair = {
	.name = "fair",
	.queue_size = sizeof(struct fair_queue),
	.entity_size = sizeof(struct fair_entity),
	.init = fair_init,
	.join = fair_join,
	.leave = fair_leave,
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
