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
 *
 * Settings and groups are in settings.c.
 */
#include <linux/kernel.h>
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

/* --- accounting ---------------------------------------------------------- */

void vgpu_rq_settle(struct vgpu_rq *rq, struct vgpu_se *se)
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
	vgpu_rq_settle(rq, se);
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
	vgpu_rq_settle(rq, se);
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
	vgpu_rq_assert_locked(rq);
	tell_exit(rq);
	install(rq, policy, now);
}

/* --- entities ------------------------------------------------------------ */

void vgpu_rq_add_caps(struct vgpu_rq *rq, u32 cap, u32 less)
{
	for (;; rq = rq->group->rq) {
		rq->caps += cap - less;
		if (!rq->group)
			return;
	}
}

/* @se, idle, comes to @rq. */
static void attach(struct vgpu_rq *rq, struct vgpu_se *se)
{
	se->rq = rq;
	se->nr = rq->next_nr++;
	memset(se->policy_data, 0, sizeof(se->policy_data));
	list_add_tail(&se->link, &rq->all);
	hlist_add_head(&se->hash, bucket(rq, se->nr));
	rq->nr_entities++;
	vgpu_rq_add_caps(rq, se->cap, 0);
	tell_join(rq, se);
}

/* @se, idle, leaves its run queue. */
static void detach(struct vgpu_se *se)
{
	struct vgpu_rq *rq = se->rq;

	vgpu_rq_add_caps(rq, 0, se->cap);
	tell_leave(rq, se);
	hlist_del_init(&se->hash);
	list_del_init(&se->link);
	rq->nr_entities--;
	se->rq = NULL;
}

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
	vgpu_rq_assert_locked(rq);
	memset(se, 0, sizeof(*se));
	se->id = id;
	se->weight = clamp_t(u32, weight, VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX);
	se->priority = min_t(u32, priority, VGPU_PRIORITY_MAX);
	INIT_LIST_HEAD(&se->wait);
	attach(rq, se);
}

/**
 * vgpu_rq_remove() - an entity goes away
 * @rq: its run queue
 * @se: idle or queued
 * @now: time
 */
void vgpu_rq_remove(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	vgpu_rq_assert_locked(rq);
	if (WARN_ON_ONCE(!se->rq || se->state == VGPU_SE_RUNNING))
		return;
	vgpu_rq_block(rq, se, now);
	detach(se);
}

/* --- the walk ------------------------------------------------------------ */

static bool wake(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	struct vgpu_se *curr = rq->curr;

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
 * vgpu_rq_wake() - an entity has work
 * @rq: its engine's run queue
 * @se: nothing happens unless it is idle
 * @now: time
 *
 * Returns true when the running entity should be preempted for it.
 */
bool vgpu_rq_wake(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	bool preempt = false;

	vgpu_rq_assert_locked(rq);
	/*
	 * The last one to wake up meets who runs: in a group that runs, another
	 * member; in a group that slept, another group.
	 */
	for (; se && se->state == VGPU_SE_IDLE; se = rq->group) {
		rq = se->rq;
		preempt = wake(rq, se, now);
	}
	return preempt;
}

/**
 * vgpu_rq_block() - a queued entity has no work any more
 * @rq: its engine's run queue
 * @se: nothing happens unless it is queued
 * @now: time
 */
void vgpu_rq_block(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	vgpu_rq_assert_locked(rq);
	for (; se && se->state == VGPU_SE_QUEUED; se = rq->group) {
		rq = se->rq;
		vgpu_rq_settle(rq, se);
		wait_end(rq, se, now);
		load_sub(rq, se);
		se->state = VGPU_SE_IDLE;
		rq->policy->dequeue(rq->policy_data, rq,
				    se->policy_data, se, now);
		if (rq->nr_queued)
			break;
	}
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

/* Queued @se is served from now on. */
static void run(struct vgpu_rq *rq, struct vgpu_se *se, u64 now)
{
	vgpu_rq_settle(rq, se);
	wait_end(rq, se, now);
	se->state = VGPU_SE_RUNNING;
	rq->curr = se;
	tell_start(rq, se, now);
}

static struct vgpu_se *pick(struct vgpu_rq *rq, u64 now, u64 *slice_ns)
{
	const char *flaw = NULL;
	struct vgpu_se *se = NULL;
	u64 hold = now;

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
	se->stats.slices++;
	rq->picks++;
	run(rq, se, now);
	return se;
}

/**
 * vgpu_rq_pick() - who is next?
 * @rq: the engine's; nothing runs
 * @now: time
 * @slice_ns: out: how long; when nothing is to run, how long to wait before
 *	asking again, or 0 for as long as nothing happens
 *
 * Returns the entity, which runs from now on, or NULL.
 */
struct vgpu_se *vgpu_rq_pick(struct vgpu_rq *rq, u64 now, u64 *slice_ns)
{
	struct vgpu_se *se;
	u64 slice;

	vgpu_rq_assert_locked(rq);
	se = pick(rq, now, slice_ns);
	while (se && se->members) {
		se->members->slice_ns = rq->slice_ns;
		/* a queued group has a queued member, and does not hold it */
		se = pick(se->members, now, &slice);
		*slice_ns = min(*slice_ns, slice);
	}
	return se;
}

/**
 * vgpu_rq_contended() - does anybody else wait for the engine?
 * @rq: its engine's run queue
 * @se: that asks: idle or running
 *
 * Also in its own group, which does not wait while a member runs.
 */
bool vgpu_rq_contended(const struct vgpu_rq *rq, const struct vgpu_se *se)
{
	vgpu_rq_assert_locked(rq);
	for (rq = se->rq; !rq->nr_queued && rq->group; rq = rq->group->rq)
		;
	return rq->nr_queued;
}

/**
 * vgpu_rq_extend() - another slice for the running entity, at once
 * @rq: its engine's run queue
 * @se: the running entity, charged up to now
 * @slice_ns: out: how long
 *
 * Returns false when somebody waits, or when that is not the caller's to say,
 * because even who is alone has a cap: then @se is put back, and vgpu_rq_pick()
 * tells.
 */
bool vgpu_rq_extend(struct vgpu_rq *rq, struct vgpu_se *se, u64 *slice_ns)
{
	vgpu_rq_assert_locked(rq);
	if (rq->policy->flags & (VGPU_POLICY_HOLDS | VGPU_POLICY_CAPS) ||
	    vgpu_rq_contended(rq, se))
		return false;
	*slice_ns = se->slice_ns ?: rq->slice_ns;
	return true;
}

/**
 * vgpu_rq_overshoot() - the running entity went on after its slice was over
 * @rq: its engine's run queue
 * @se: the running entity
 * @service_ns: what it was served since then
 *
 * To be charged as all service is; this is about the figure. It counts only if
 * it took time from others.
 */
void vgpu_rq_overshoot(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns)
{
	vgpu_rq_assert_locked(rq);
	if (vgpu_rq_contended(rq, se))
		se->stats.overshoot_ns += service_ns;
}

/**
 * vgpu_rq_charge() - the running entity was served and goes on
 * @rq: its engine's run queue
 * @se: the running entity
 * @service_ns: engine time since the last charge
 * @now: time
 */
void vgpu_rq_charge(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		    u64 now)
{
	vgpu_rq_assert_locked(rq);
	for (; se; se = rq->group) {
		rq = se->rq;
		if (WARN_ON_ONCE(rq->curr != se))
			return;
		charge(rq, se, service_ns, now);
	}
}

static void put(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		u64 now, bool ready, bool midway)
{
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
	rq->policy->stop(rq->policy_data, rq, se->policy_data, se, now,
			 midway);
}

/**
 * vgpu_rq_put() - the running entity leaves the engine
 * @rq: its engine's run queue
 * @se: the running entity
 * @service_ns: engine time since the last charge
 * @now: time
 * @ready: it has more to run
 * @midway: a command of it was cut off
 */
void vgpu_rq_put(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		 u64 now, bool ready, bool midway)
{
	vgpu_rq_assert_locked(rq);
	for (; se; se = rq->group) {
		rq = se->rq;
		if (WARN_ON_ONCE(rq->curr != se))
			return;
		put(rq, se, service_ns, now, ready, midway);
		/* its group is ready as long as any member is */
		ready = rq->nr_queued;
	}
}

/* Idle @se, and the groups that it is in, are what the engine runs. */
static void resume(struct vgpu_se *se, u64 now)
{
	struct vgpu_rq *rq;

	for (; se; se = rq->group) {
		rq = se->rq;
		if (WARN_ON_ONCE(rq->curr))
			return;
		if (se->state == VGPU_SE_IDLE) {
			load_add(rq, se);
			wait_begin(rq, se, now);
			tell_enqueue(rq, se, now);
		}
		run(rq, se, now);
	}
}

/**
 * vgpu_rq_move() - into or out of a group
 * @rq: its engine's run queue
 * @se: in any state; a running one goes on in the slice that it has
 * @to: the engine's run queue, or that of a group on it
 * @now: time
 *
 * For the policies it is a coming and a going: what they knew of its past is
 * forgotten.
 */
void vgpu_rq_move(struct vgpu_rq *rq, struct vgpu_se *se, struct vgpu_rq *to,
		  u64 now)
{
	enum vgpu_se_state state = se->state;

	vgpu_rq_assert_locked(rq);
	if (WARN_ON_ONCE(!se->rq) || se->rq == to)
		return;
	if (state == VGPU_SE_RUNNING)
		vgpu_rq_put(rq, se, 0, now, false, false);
	else
		vgpu_rq_block(rq, se, now);
	detach(se);
	attach(to, se);
	if (state == VGPU_SE_RUNNING) {
		resume(se, now);
	} else if (state == VGPU_SE_QUEUED) {
		vgpu_rq_wake(rq, se, now);
		se->stats.wakeups--;	/* it was awake */
	}
}

/**
 * vgpu_rq_top() - from a group's run queue to its engine's
 * @rq: either
 */
struct vgpu_rq *vgpu_rq_top(struct vgpu_rq *rq)
{
	while (rq->group)
		rq = rq->group->rq;
	return rq;
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
	vgpu_rq_assert_locked(rq);
	vgpu_rq_settle(se->rq, se);
	*out = se->stats;
	if (se->state == VGPU_SE_QUEUED) {
		u64 wait = waited(se, now);

		out->wait_ns += wait;
		out->wait_max_ns = max(out->wait_max_ns, wait);
	}
}

/* for vgpu_kunit.ko */
VGPU_EXPORT_IF_KUNIT(vgpu_rq_init);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_set_policy);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_add);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_remove);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_move);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_wake);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_block);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_pick);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_overshoot);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_contended);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_extend);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_charge);
VGPU_EXPORT_IF_KUNIT(vgpu_rq_put);
VGPU_EXPORT_IF_KUNIT(vgpu_se_stats);
