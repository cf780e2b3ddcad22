/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sched/ offers the core: a run queue for each engine, entities that
 * wait in it, and a policy that picks.  The library knows no GPU, no clock
 * and no lock of its own: time comes in as an argument, the caller holds
 * one lock around every call on a run queue (and names it, for lockdep), and
 * arms its own timers.  So the same files run in the kernel, in KUnit and in
 * a simulator.
 *
 * An entity is one instance on one engine; its contexts share what it gets.
 * Service is engine time in ns, waiting is wall (or virtual) time in ns.
 *
 *            wake                 pick
 *   idle ----------> queued -----------------> running
 *    ^  <----------    ^                         | | ^
 *    |     block       |        put, ready       | | | charge
 *    |                 +-------------------------+ +-+
 *    +-------------------------------------------+
 *                     put, not ready
 *
 * Entities may be grouped (a tenant and its vGPUs): a group is an entity in
 * the engine's run queue and has a run queue of its own for its members.  All
 * calls name the engine's run queue and a member; what that means for the group
 * is seen to here.
 */
#ifndef _VGPU_SCHED_H
#define _VGPU_SCHED_H

#include <linux/types.h>
#include <linux/spinlock.h>
#include <linux/list.h>

struct vgpu_policy;
struct vgpu_rq;
struct vgpu_se;

#define VGPU_SLICE_MIN_NS	(100ULL * 1000)
#define VGPU_SLICE_DEFAULT_NS	(2ULL * 1000 * 1000)
#define VGPU_SLICE_MAX_NS	(100ULL * 1000 * 1000)

#define VGPU_WEIGHT_MIN		1
#define VGPU_WEIGHT_MAX		10000
#define VGPU_WEIGHT_DEFAULT	100
#define VGPU_PRIORITY_MAX	7
#define VGPU_CAP_MAX		10000	/* all of the engine: hundredths of a % */

/*
 * One charge counts for at most this much: a backend whose engine clock runs
 * wild can then upset a few figures, but no arithmetic.
 */
#define VGPU_CHARGE_MAX_NS	(60ULL * 1000 * 1000 * 1000)

#define VGPU_POLICY_DATA	128	/* bytes an entity gives its policy */
#define VGPU_POLICY_RQ_DATA	256	/* bytes a run queue gives its policy */

#define VGPU_RQ_HASH		256	/* buckets, a power of two */

enum vgpu_se_state {
	VGPU_SE_IDLE,		/* nothing to run */
	VGPU_SE_QUEUED,		/* waits for its turn */
	VGPU_SE_RUNNING,	/* picked, not put back yet */
};

/**
 * struct vgpu_se_stats - what an entity got; monotonic
 * @run_ns: service received (engine time)
 * @wait_ns: time spent queued
 * @wait_max_ns: longest single wait
 * @wakeups: times it went from idle to queued
 * @slices: times it was picked
 * @preemptions: times it was put back with work left midway
 * @entitled_ns: service it was due while it had work: its weight's part of
 *	what the engine served meanwhile
 * @overshoot_ns: service beyond its slices while others waited (part of @run_ns)
 */
struct vgpu_se_stats {
	u64 run_ns;
	u64 wait_ns;
	u64 wait_max_ns;
	u64 wakeups;
	u64 slices;
	u64 preemptions;
	u64 entitled_ns;
	u64 overshoot_ns;
};

/**
 * struct vgpu_se - a scheduling entity; embed it, all fields are sched/'s
 * @nr: its number on this run queue, from 1, never used twice; how a policy
 *	names it
 * @id: the caller's name for it, for people
 * @weight: VGPU_WEIGHT_MIN to VGPU_WEIGHT_MAX
 * @priority: 0 (lowest) to VGPU_PRIORITY_MAX
 * @cap: most of the engine's time that it may have under a policy with caps,
 *	in hundredths of a per cent; 0: what its weight gives
 * @slice_ns: its own slice, or 0 for the run queue's
 * @state: where it is in the picture above
 * @queued_at: when it was queued last
 * @stats: what it got so far
 *
 * A policy reads the fields that are described, and no others.
 */
struct vgpu_se {
	u64 nr;
	u32 id;
	u32 weight;
	u32 priority;
	u32 cap;
	enum vgpu_se_state state;
	u64 slice_ns;
	u64 queued_at;
	struct vgpu_se_stats stats;
	/* private: */
	struct vgpu_rq *rq;
	struct vgpu_rq *members;	/* if it stands for a group */
	struct list_head link;		/* of all entities of the rq */
	struct list_head wait;		/* of the queued ones, oldest first */
	struct hlist_node hash;		/* by @nr */
	u64 queued_picks;		/* rq->picks when it was queued */
	u64 queued_entitled;		/* stats.entitled_ns at that time */
	u64 entitled_mark;		/* rq->entitled_sum when last settled */
	u32 entitled_frac;		/* what is below a ns */
	u64 policy_data[VGPU_POLICY_DATA / sizeof(u64)];
};

/**
 * struct vgpu_rq - a run queue
 * @nr_queued: entities that wait
 * @nr_entities: entities there are
 * @slice_ns: default slice, see vgpu_rq_set_slice()
 * @caps: sum of the caps of all entities, members of groups included
 * @load: sum of the weights of all that are queued or running
 * @service_ns: served in total
 * @picks: slices given out
 * @lock: the caller's, held in every call; for assertions; may be NULL
 * @policy: who picks. The run queue owns one module reference to it, that
 *	which the caller got from vgpu_policy_get()
 * @curr: the one that runs, or NULL
 * @threshold_ns: engine time of its slice that who runs has before it is
 *	preempted for one that wakes up
 * @ejections: times a policy was thrown out
 * @ejected: optional, set after vgpu_rq_init(): a policy named @policy broke
 *	its contract and "rr" has taken its place. Called under @lock.
 *
 * A policy reads the fields up to @picks, and no others.
 */
struct vgpu_rq {
	unsigned int nr_queued;
	unsigned int nr_entities;
	u32 caps;
	u64 slice_ns;
	u64 load;
	u64 service_ns;
	u64 picks;
	spinlock_t *lock;		/* the caller's, may be NULL */
	const struct vgpu_policy *policy;
	struct vgpu_se *curr;
	u64 threshold_ns;
	u64 ejections;
	void (*ejected)(struct vgpu_rq *rq, const char *policy,
			const char *reason);
	/* private: */
	struct vgpu_se *group;		/* whose members these are, or NULL */
	struct list_head all;
	struct list_head waiting;	/* oldest first */
	u64 next_nr;
	u64 entitled_sum;		/* service per unit of weight, scaled */
	u64 entitled_rem;		/* of that division, not lost */
	struct hlist_head by_nr[VGPU_RQ_HASH];
	u64 policy_data[VGPU_POLICY_RQ_DATA / sizeof(u64)];
};

void vgpu_rq_init(struct vgpu_rq *rq, spinlock_t *lock,
		  const struct vgpu_policy *policy);
/* No entity may be left. The reference to rq->policy is the caller's again. */
void vgpu_rq_fini(struct vgpu_rq *rq);

/*
 * Switches live: what is queued stays queued, what runs goes on. The run queue
 * takes over the caller's reference to @policy; that to the old one is the
 * caller's again, who notes rq->policy under the lock before.
 */
void vgpu_rq_set_policy(struct vgpu_rq *rq, const struct vgpu_policy *policy,
			u64 now);
/* Clamped to VGPU_SLICE_MIN_NS … VGPU_SLICE_MAX_NS; from the next pick on. */
void vgpu_rq_set_slice(struct vgpu_rq *rq, u64 slice_ns);
/* Clamped to VGPU_SLICE_MAX_NS; 0, the default: whenever the policy says so. */
void vgpu_rq_set_threshold(struct vgpu_rq *rq, u64 threshold_ns);

void vgpu_rq_add(struct vgpu_rq *rq, struct vgpu_se *se, u32 id, u32 weight,
		 u32 priority);
/* @se is idle or queued, not running. */
void vgpu_rq_remove(struct vgpu_rq *rq, struct vgpu_se *se, u64 now);
/*
 * Into or out of a group of the same engine, in any state: a waiting one stays
 * queued, a running one runs on. Settings and figures stay.
 */
void vgpu_rq_move(struct vgpu_rq *rq, struct vgpu_se *se, struct vgpu_rq *to,
		  u64 now);
/* Live, in any state; out of range is clamped. */
void vgpu_rq_set_weight(struct vgpu_rq *rq, struct vgpu_se *se, u32 weight,
			u64 now);
void vgpu_rq_set_priority(struct vgpu_rq *rq, struct vgpu_se *se,
			  u32 priority, u64 now);
/* 0: the run queue's. */
void vgpu_rq_set_se_slice(struct vgpu_rq *rq, struct vgpu_se *se, u64 slice_ns,
			  u64 now);

/*
 * 0: none. Returns -ERANGE above VGPU_CAP_MAX, -ENOSPC when the caps would add
 * up to more than the engine under a policy that has to keep them.
 */
int vgpu_rq_set_cap(struct vgpu_rq *rq, struct vgpu_se *se, u32 cap, u64 now);
/* May an entity with that cap come to an engine's @rq? */
bool vgpu_rq_cap_fits(const struct vgpu_rq *rq, u32 cap);
/* Why @policy cannot serve what is there (caps past 100 %), or NULL. */
const char *vgpu_rq_refuses(const struct vgpu_rq *rq,
			    const struct vgpu_policy *policy);

/**
 * struct vgpu_group - entities that share what one is due
 * @rq: of the members, which are added here; its slice is the engine's
 * @se: stands for them in the engine's run queue
 */
struct vgpu_group {
	struct vgpu_rq rq;
	struct vgpu_se se;
};

/*
 * @policy: among the members; without VGPU_POLICY_HOLDS. The group's run queue
 * takes over the reference.
 */
void vgpu_group_init(struct vgpu_group *group, struct vgpu_rq *rq,
		     const struct vgpu_policy *policy, u32 id, u32 weight,
		     u32 priority);
/* No member may be left. The reference to group->rq.policy is the caller's. */
void vgpu_group_fini(struct vgpu_group *group, u64 now);
/* The same with members, in any state: they move to the engine's run queue. */
void vgpu_group_dissolve(struct vgpu_group *group, u64 now);

/*
 * @se has work. Returns true when the policy wants the running entity to be
 * preempted for it. Nothing happens to one that is queued or running. A caller
 * that can read the engine's clock charges the running one first: the
 * newcomer's share is then counted from this moment, not from the last charge.
 */
bool vgpu_rq_wake(struct vgpu_rq *rq, struct vgpu_se *se, u64 now);
/*
 * vgpu_rq_wake() said true, and the running one has had @ran_ns of its slice:
 * how much more it keeps. 0: preempt it now.
 */
static inline u64 vgpu_rq_keeps(const struct vgpu_rq *rq, u64 ran_ns)
{
	return rq->threshold_ns > ran_ns ? rq->threshold_ns - ran_ns : 0;
}

/* A queued @se has no work any more (cancelled, paused). */
void vgpu_rq_block(struct vgpu_rq *rq, struct vgpu_se *se, u64 now);

/*
 * The next to run, or NULL; *slice_ns is how long. It leaves the queue.
 * With NULL, *slice_ns is how long to wait before the next try because a policy
 * holds back what is queued (a cap), or 0 when nothing is queued.
 */
struct vgpu_se *vgpu_rq_pick(struct vgpu_rq *rq, u64 now, u64 *slice_ns);
/*
 * Charges the running entity, which goes on running (between two of its
 * commands in one slice).
 */
void vgpu_rq_charge(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		    u64 now);
/*
 * Of what the running entity is about to be charged, @service_ns was served
 * after its slice was over. It is counted if others wait.
 */
void vgpu_rq_overshoot(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns);
/* Does anybody but @se, idle or running, wait for the engine, its group included? */
bool vgpu_rq_contended(const struct vgpu_rq *rq, const struct vgpu_se *se);
/*
 * The running entity, charged up to now, gets another slice of *@slice_ns at
 * once. False: somebody waits, or the policy has to be asked (caps).
 */
bool vgpu_rq_extend(struct vgpu_rq *rq, struct vgpu_se *se, u64 *slice_ns);
/*
 * The running entity leaves the engine; @service_ns not charged yet;
 * @ready: it has more to run; @midway: in the middle of a command.
 */
void vgpu_rq_put(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		 u64 now, bool ready, bool midway);

/* The run queue of the engine that @rq, of a group perhaps, belongs to. */
struct vgpu_rq *vgpu_rq_top(struct vgpu_rq *rq);

/* Figures up to @now, also of one that is running. */
void vgpu_se_stats(struct vgpu_rq *rq, struct vgpu_se *se, u64 now,
		   struct vgpu_se_stats *out);

/* Figures of the policy itself, by name; returns how many, up to @max. */
struct vgpu_figure {
	const char *name;	/* static */
	u64 value;
};

unsigned int vgpu_rq_figures(struct vgpu_rq *rq, struct vgpu_figure *out,
			     unsigned int max);

/*
 * Policies by name; "rr", "fair", "prio", "mlfq", "fixed" and "burst" are always
 * there. Process context.
 */
int vgpu_policy_register(const struct vgpu_policy *policy);
void vgpu_policy_unregister(const struct vgpu_policy *policy);
/* Takes a module reference; NULL when there is none of that name. */
const struct vgpu_policy *vgpu_policy_get(const char *name);
void vgpu_policy_put(const struct vgpu_policy *policy);
const char *vgpu_policy_name(const struct vgpu_policy *policy);
/*
 * May there be groups? Where caps count, each entity's own does, so a caller
 * with groups dissolves them for a policy that says no.
 */
bool vgpu_policy_nests(const struct vgpu_policy *policy);
/* Names, comma separated. Returns their length, or -ENOSPC. */
int vgpu_policy_names(char *buf, size_t size);

#endif /* _VGPU_SCHED_H */
