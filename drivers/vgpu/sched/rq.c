// SPDX-License-Identifier: GPL-2.0
/*
 * The run queue: states, accounting and the guard around the policy.
 *
 * Everything here is O(1), apart from a policy switch.
 *
 * Entitlement.  While an entity is queued or running it is due its weight's
 * part of whatever the engine serves.  Nobody walks the entities to credit
 * them: the run queue sums up service per unit of weight
 *
 *	entitled_sum += service / load
 *
 * and an entity remembers the sum as of when it was last settled.  Divisions
 * keep their remainders, so after any number of charges the entitlements add
 * up to the service but for less than a ns for each entity.
 *
 * The policy is not trusted with more than the order.  It names entities by
 * number; the number is looked up and the state checked.  A policy that breaks
 * its contract is replaced by rr at once: an engine must never stop because a
 * policy has a bug.  The model is sched_ext (kernel/sched/ext.c): the system
 * outlives any policy.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/string.h>

#include <vgpu/kunit.h>
#include <vgpu/policy.h>
#include <vgpu/sched.h>

#include "sched_priv.h"

/*
 * Fraction bits of entitled_sum.  A charge is below 2^36 ns, so that
 * service << 16 fits; an entity's part of it fits too, because its weight is
 * part of the load.  It would take three days of service without settling an
 * entity that waits to overflow its part.
 */
#define ENTITLED_SHIFT	16

static void assert_locked(const struct vgpu_rq *rq)
{
	if (rq->lock)
		lockdep_assert_held(rq->lock);
}

static struct hlist_head *bucket(struct vgpu_rq *rq, u64 nr)
{
	return &rq->by_nr[nr & (VGPU_RQ_HASH - 1)];
}

static struct vgpu_se *find(struct vgpu_rq *rq, u64 nr)
{
	struct vgpu_se *se;

	hlist_for_each_entry(se, bucket(rq, nr), hash)
		if (se->nr == nr)
			return se;
	return NULL;
}

/* --- calls into the policy ----------------------------------------------- */

static void tell_init(struct vgpu_rq *rq)
{
	if (rq->policy->init)
		rq->policy->init(rq->policy_data, rq);
}

static void tell_exit(struct vgpu_rq *rq)
{
	if (rq->policy->exit)
		rq->policy->exit(rq->policy_data, rq);
}

static void tell_join(struct vgpu_rq *rq, struct vgpu_se *se)
{
	if (rq->policy->join)
		rq->policy->join(rq->policy_data, rq,
				 se->policy_data, se);
}

static void tell_leave(struct vgpu_rq *rq, struct vgpu_se *se)
{
	if (rq->policy->leave)
		rq->policy->leave(rq->policy_data, rq,
				  se->policy_data, se);
}

static void tell_enqueue(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	rq->policy->enqueue(rq->policy_data, rq,
			    se->policy_data, se, now);
}

static void tell_start(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	rq->policy->start(rq->policy_data, rq,
			  se->policy_data, se, now);
}

static void tell_changed(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	if (rq->policy->changed)
		rq->policy->changed(rq->policy_data, rq,
				    se->policy_data, se, now);
}

/* --- accounting ---------------------------------------------------------- */

static void settle(struct vgpu_rq *rq, struct vgpu_se *se)
{
	u64 due;

	if (se->state == VGPU_SE_IDLE)
		return;
	due = (rq->entitled_sum - se->entitled_mark) * se->weight +
	      se->entitled_frac;
	se->stats.entitled_ns += due >> ENTITLED_SHIFT;
	se->entitled_frac = due & ((1 << ENTITLED_SHIFT) - 1);
	se->entitled_mark = rq->entitled_sum;
}

/* @se is about to leave the state idle, or to have a weight at all. */
static void load_add(struct vgpu_rq *rq, struct vgpu_se *se)
{
	se->entitled_mark = rq->entitled_sum;
	rq->load += se->weight;
}

/* @se, settled, is about to become idle. */
static void load_sub(struct vgpu_rq *rq, struct vgpu_se *se)
{
	rq->load -= se->weight;
	/* with nobody to give it to, the remainder is lost, not banked */
	if (!rq->load)
		rq->entitled_rem = 0;
}

static void charge(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		   u64 now)
{
	service_ns = min(service_ns, VGPU_CHARGE_MAX_NS);
	if (service_ns) {
		u64 scaled = (service_ns << ENTITLED_SHIFT) + rq->entitled_rem;

		rq->entitled_sum += div64_u64_rem(scaled, rq->load,
						  &rq->entitled_rem);
		rq->service_ns += service_ns;
		se->stats.run_ns += service_ns;
	}
	settle(rq, se);
	if (rq->policy->charge)
		rq->policy->charge(rq->policy_data, rq,
				   se->policy_data, se,
				   service_ns, now);
}

static void wait_begin(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	se->state = VGPU_SE_QUEUED;
	se->queued_at = now;
	se->queued_picks = rq->picks;
	se->queued_entitled = se->stats.entitled_ns;
	list_add_tail(&se->wait, &rq->waiting);
	rq->nr_queued++;
}

static u64 waited(const struct vgpu_se *se, u64 now)
{
	/* callers on different CPUs may read clocks a little apart */
	return now > se->queued_at ? now - se->queued_at : 0;
}

static void wait_end(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	u64 wait = waited(se, now);

	se->stats.wait_ns += wait;
	se->stats.wait_max_ns = max(se->stats.wait_max_ns, wait);
	list_del_init(&se->wait);
	rq->nr_queued--;
}

/* --- the policy's seat --------------------------------------------------- */

/* Tells a new policy all there is. */
static void install(struct vgpu_rq *rq, const struct vgpu_policy *policy,
		    u64 now)
{
	struct vgpu_se *se;

	rq->policy = policy;
	memset(rq->policy_data, 0, sizeof(rq->policy_data));
	tell_init(rq);
	list_for_each_entry(se, &rq->all, link) {
		memset(se->policy_data, 0, sizeof(se->policy_data));
		tell_join(rq, se);
	}
	if (rq->curr) {
		tell_enqueue(rq, rq->curr, now);
		tell_start(rq, rq->curr, now);
	}
	list_for_each_entry(se, &rq->waiting, wait)
		tell_enqueue(rq, se, now);
}

static void eject(struct vgpu_rq *rq, const char *reason, u64 now)
{
	const struct vgpu_policy *bad = rq->policy;

	tell_exit(rq);
	rq->ejections++;
	install(rq, &vgpu_policy_rr, now);
	if (rq->ejected)
		rq->ejected(rq, bad->name, reason);
	/* rr is built in and needs no reference */
	module_put(bad->owner);
}

/* Only the oldest can be the first to starve. */
static bool starves(struct vgpu_rq *rq, u64 now)
{
	struct vgpu_se *se = list_first_entry_or_null(&rq->waiting,
						      struct vgpu_se, wait);

	if (!se || waited(se, now) < VGPU_STARVE_NS ||
	    rq->picks - se->queued_picks <
	    (u64)VGPU_STARVE_ROUNDS * rq->nr_entities)
		return false;
	settle(rq, se);
	return se->stats.entitled_ns - se->queued_entitled >
	       VGPU_STARVE_SLICES * VGPU_SLICE_MAX_NS;
}

/**
 * vgpu_rq_init() - make a run queue
 * @rq: any memory
 * @lock: held by the caller around all other calls, or NULL
 * @policy: from vgpu_policy_get(); the run queue takes over the reference
 */
void vgpu_rq_init(struct vgpu_rq *rq, spinlock_t *lock,
		  const struct vgpu_policy *policy)
{
	memset(rq, 0, sizeof(*rq));
	INIT_LIST_HEAD(&rq->all);
	INIT_LIST_HEAD(&rq->waiting);
	rq->lock = lock;
	rq->slice_ns = VGPU_SLICE_DEFAULT_NS;
	rq->next_nr = 1;
	install(rq, policy, 0);
}

/**
 * vgpu_rq_fini() - take leave of a run queue
 * @rq: without entities
 *
 * The reference to rq->policy is the caller's again. The lock is not needed.
 */
void vgpu_rq_fini(struct vgpu_rq *rq)
{
	WARN_ON_ONCE(!list_empty(&rq->all));
	tell_exit(rq);
}

/**
 * vgpu_rq_set_policy() - switch live
 * @rq: any state; what is queued stays queued, what runs goes on
 * @policy: from vgpu_policy_get(); the run queue takes over the reference,
 *	and gives the one to its old policy back to the caller
 * @now: time
 *
 * O(entities). Figures go on; what the old policy knew of the past (credit,
 * levels) is forgotten.
 */
void vgpu_rq_set_policy(struct vgpu_rq *rq, const struct vgpu_policy *policy,
			u64 now)
{
	assert_locked(rq);
	tell_exit(rq);
	install(rq, policy, now);
}

/**
 * vgpu_rq_set_slice() - set the default slice
 * @rq: any state
 * @slice_ns: clamped to VGPU_SLICE_MIN_NS … VGPU_SLICE_MAX_NS
 */
void vgpu_rq_set_slice(struct vgpu_rq *rq, u64 slice_ns)
{
	assert_locked(rq);
	rq->slice_ns = clamp(slice_ns, VGPU_SLICE_MIN_NS, VGPU_SLICE_MAX_NS);
}

/* --- entities ------------------------------------------------------------ */

/**
 * vgpu_rq_add() - a new entity, idle
 * @rq: any state
 * @se: any memory, stays until vgpu_rq_remove()
 * @id: the caller's name for it
 * @weight: clamped to VGPU_WEIGHT_MIN … VGPU_WEIGHT_MAX
 * @priority: clamped to VGPU_PRIORITY_MAX
 */
void vgpu_rq_add(struct vgpu_rq *rq, struct vgpu_se *se, u32 id, u32 weight,
		 u32 priority)
{
	assert_locked(rq);
	memset(se, 0, sizeof(*se));
	se->rq = rq;
	se->nr = rq->next_nr++;
	se->id = id;
	se->weight = clamp_t(u32, weight, VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX);
	se->priority = min_t(u32, priority, VGPU_PRIORITY_MAX);
	INIT_LIST_HEAD(&se->wait);
	list_add_tail(&se->link, &rq->all);
	hlist_add_head(&se->hash, bucket(rq, se->nr));
	rq->nr_entities++;
	tell_join(rq, se);
}

/**
 * vgpu_rq_remove() - an entity goes away
 * @rq: its run queue
 * @se: idle or queued
 * @now: time
 */
void vgpu_rq_remove(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	assert_locked(rq);
	if (WARN_ON_ONCE(se->rq != rq || se->state == VGPU_SE_RUNNING))
		return;
	vgpu_rq_block(rq, se, now);
	rq->caps -= se->cap;
	tell_leave(rq, se);
	hlist_del_init(&se->hash);
	list_del_init(&se->link);
	rq->nr_entities--;
	se->rq = NULL;
}

/**
 * vgpu_rq_set_weight() - change a share, live
 * @rq: its run queue
 * @se: in any state
 * @weight: clamped to VGPU_WEIGHT_MIN … VGPU_WEIGHT_MAX
 * @now: time
 *
 * What it was due under the old weight stays due.
 */
void vgpu_rq_set_weight(struct vgpu_rq *rq, struct vgpu_se *se, u32 weight,
			u64 now)
{
	assert_locked(rq);
	weight = clamp_t(u32, weight, VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX);
	if (weight == se->weight)
		return;
	settle(rq, se);
	if (se->state != VGPU_SE_IDLE)
		rq->load = rq->load - se->weight + weight;
	se->weight = weight;
	tell_changed(rq, se, now);
}

/**
 * vgpu_rq_set_priority() - change a priority, live
 * @rq: its run queue
 * @se: in any state
 * @priority: clamped to VGPU_PRIORITY_MAX
 * @now: time
 */
void vgpu_rq_set_priority(struct vgpu_rq *rq, struct vgpu_se *se,
			  u32 priority, u64 now)
{
	assert_locked(rq);
	se->priority = min_t(u32, priority, VGPU_PRIORITY_MAX);
	tell_changed(rq, se, now);
}

/**
 * vgpu_rq_set_se_slice() - give an entity a slice of its own
 * @rq: its run queue
 * @se: in any state
 * @slice_ns: clamped to VGPU_SLICE_MIN_NS … VGPU_SLICE_MAX_NS; 0: the run
 *	queue's
 * @now: time
 */
void vgpu_rq_set_se_slice(struct vgpu_rq *rq, struct vgpu_se *se, u64 slice_ns,
			  u64 now)
{
	assert_locked(rq);
	if (slice_ns)
		slice_ns = clamp(slice_ns, VGPU_SLICE_MIN_NS,
				 VGPU_SLICE_MAX_NS);
	se->slice_ns = slice_ns;
	tell_changed(rq, se, now);
}

/**
 * vgpu_rq_refuses() - may this policy take over?
 * @rq: any state
 * @policy: any
 *
 * Returns the reason why not, or NULL.
 */
const char *vgpu_rq_refuses(const struct vgpu_rq *rq,
			    const struct vgpu_policy *policy)
{
	assert_locked(rq);
	if ((policy->flags & VGPU_POLICY_CAPS) && rq->caps > VGPU_CAP_MAX)
		return "caps add up to more than 100 %";
	return NULL;
}

/**
 * vgpu_rq_set_cap() - change a cap, live
 * @rq: its run queue
 * @se: in any state
 * @cap: in hundredths of a per cent of the engine; 0: none
 * @now: time
 *
 * Returns 0, or -ERANGE above VGPU_CAP_MAX, or -ENOSPC when the caps would add up
 * to more than the engine and the policy has to keep them.
 */
int vgpu_rq_set_cap(struct vgpu_rq *rq, struct vgpu_se *se, u32 cap, u64 now)
{
	u32 caps;

	assert_locked(rq);
	if (cap > VGPU_CAP_MAX)
		return -ERANGE;
	caps = rq->caps - se->cap + cap;
	if ((rq->policy->flags & VGPU_POLICY_CAPS) && caps > VGPU_CAP_MAX &&
	    cap > se->cap)
		return -ENOSPC;
	rq->caps = caps;
	se->cap = cap;
	tell_changed(rq, se, now);
	return 0;
}

/* --- the walk ------------------------------------------------------------ */

/**
 * vgpu_rq_wake() - an entity has work
 * @rq: its run queue
 * @se: nothing happens unless it is idle
 * @now: time
 *
 * Returns true when the running entity should be preempted for it.
 */
bool vgpu_rq_wake(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	struct vgpu_se *curr = rq->curr;

	assert_locked(rq);
	if (se->state != VGPU_SE_IDLE)
		return false;
	load_add(rq, se);
	wait_begin(rq, se, now);
	se->stats.wakeups++;
	tell_enqueue(rq, se, now);

	return curr && rq->policy->preempt &&
	       rq->policy->preempt(rq->policy_data, rq,
				   curr->policy_data, curr,
				   se->policy_data, se, now);
}

/**
 * vgpu_rq_block() - a queued entity has no work any more
 * @rq: its run queue
 * @se: nothing happens unless it is queued
 * @now: time
 */
void vgpu_rq_block(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	assert_locked(rq);
	if (se->state != VGPU_SE_QUEUED)
		return;
	settle(rq, se);
	wait_end(rq, se, now);
	load_sub(rq, se);
	se->state = VGPU_SE_IDLE;
	rq->policy->dequeue(rq->policy_data, rq,
			    se->policy_data, se, now);
}

/* Asks the policy. NULL: nothing to run now, *hold says until when. */
static struct vgpu_se *ask(struct vgpu_rq *rq, u64 now, u64 *slice_ns,
			   u64 *hold, const char **flaw)
{
	const struct vgpu_policy *policy = rq->policy;
	struct vgpu_se *se;
	u64 nr;

	*flaw = NULL;
	*slice_ns = 0;
	nr = policy->pick(rq->policy_data, rq, now, slice_ns);
	if (nr) {
		se = find(rq, nr);
		if (se && se->state == VGPU_SE_QUEUED)
			return se;
		*flaw = "picked an entity that is not queued";
		return NULL;
	}
	if (!(policy->flags & VGPU_POLICY_HOLDS)) {
		*flaw = "left the engine idle with work queued";
		return NULL;
	}
	*hold = policy->hold(rq->policy_data, rq, now);
	if (*hold <= now)
		*flaw = "holds work back for no time";
	*hold = min(*hold, now + VGPU_STARVE_NS);
	return NULL;
}

/**
 * vgpu_rq_pick() - who is next?
 * @rq: nothing runs
 * @now: time
 * @slice_ns: out: how long; when nothing is to run, how long to wait before
 *	asking again, or 0 for as long as nothing happens
 *
 * Returns the entity, which runs from now on, or NULL.
 */
struct vgpu_se *vgpu_rq_pick(struct vgpu_rq *rq, u64 now, u64 *slice_ns)
{
	const char *flaw = NULL;
	struct vgpu_se *se;
	u64 hold = now;

	assert_locked(rq);
	*slice_ns = 0;
	if (!rq->nr_queued || WARN_ON_ONCE(rq->curr))
		return NULL;

	if (!(rq->policy->flags & VGPU_POLICY_HOLDS) &&
	    rq->policy != &vgpu_policy_rr && starves(rq, now))
		flaw = "starved an entity";
	else
		se = ask(rq, now, slice_ns, &hold, &flaw);
	if (flaw) {
		eject(rq, flaw, now);
		se = ask(rq, now, slice_ns, &hold, &flaw);
		if (WARN_ON_ONCE(flaw))
			return NULL;
	}
	if (!se) {
		*slice_ns = hold - now;
		return NULL;
	}

	if (!*slice_ns)
		*slice_ns = vgpu_se_slice(rq, se);
	*slice_ns = clamp(*slice_ns, VGPU_SLICE_MIN_NS, VGPU_SLICE_MAX_NS);
	settle(rq, se);
	wait_end(rq, se, now);
	se->state = VGPU_SE_RUNNING;
	se->stats.slices++;
	rq->picks++;
	rq->curr = se;
	tell_start(rq, se, now);
	return se;
}

/**
 * vgpu_rq_charge() - the running entity was served and goes on
 * @rq: its run queue
 * @se: the running entity
 * @service_ns: engine time since the last charge
 * @now: time
 */
void vgpu_rq_charge(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		    u64 now)
{
	assert_locked(rq);
	if (WARN_ON_ONCE(rq->curr != se))
		return;
	charge(rq, se, service_ns, now);
}

/**
 * vgpu_rq_put() - the running entity leaves the engine
 * @rq: its run queue
 * @se: the running entity
 * @service_ns: engine time since the last charge
 * @now: time
 * @ready: it has more to run
 * @midway: a command of it was cut off
 */
void vgpu_rq_put(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		 u64 now, bool ready, bool midway)
{
	assert_locked(rq);
	if (WARN_ON_ONCE(rq->curr != se))
		return;
	charge(rq, se, service_ns, now);
	if (ready && midway)
		se->stats.preemptions++;
	rq->curr = NULL;
	if (ready) {
		wait_begin(rq, se, now);
	} else {
		load_sub(rq, se);
		se->state = VGPU_SE_IDLE;
	}
	rq->policy->stop(rq->policy_data, rq,
			 se->policy_data, se, now, midway);
}

/**
 * vgpu_se_stats() - figures up to now
 * @rq: its run queue
 * @se: in any state
 * @now: time
 * @out: filled; a wait that still goes on is included, service that was not
 *	charged yet is not
 */
void vgpu_se_stats(struct vgpu_rq *rq, struct vgpu_se *se, u64 now,
		   struct vgpu_se_stats *out)
{
	assert_locked(rq);
	settle(rq, se);
	*out = se->stats;
	if (se->state == VGPU_SE_QUEUED) {
		u64 wait = waited(se, now);

		out->wait_ns += wait;
		out->wait_max_ns = max(out->wait_max_ns, wait);
	}
}

/**
 * vgpu_rq_figures() - what the policy itself counts
 * @rq: any state
 * @out: filled
 * @max: room in @out
 *
 * Returns how many there are in @out.
 */
unsigned int vgpu_rq_figures(struct vgpu_rq *rq, struct vgpu_figure *out,
			     unsigned int max)
{
	assert_locked(rq);
	if (!rq->policy->figures)
		return 0;
	return rq->policy->figures(rq->policy_data, rq, out, max);
}

/* for vgpu_kunit.ko */
VGPU_EXPORT_IF_KUNIT(vgpu_rq_init);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_policy);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_slice);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_add);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_remove);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_weight);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_priority);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_se_slice);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_wake);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_block);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_pick);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_charge);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_put);
VGPU_EXPORT_IF_KUNIT(vgpu_se_stats);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_cap);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_refuses);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_figures);
