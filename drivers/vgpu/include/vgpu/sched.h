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
 */
#ifndef _VGPU_SCHED_H
#define _VGPU_SCHED_H

#include <linux/types.h>
#include <linux/spinlock.h>
#include <linux/list.h>
#include <linux/rbtree.h>

struct vgpu_policy;
struct vgpu_rq;

#define VGPU_SLICE_MIN_NS	(100ULL * 1000)
#define VGPU_SLICE_DEFAULT_NS	(2ULL * 1000 * 1000)
#define VGPU_SLICE_MAX_NS	(100ULL * 1000 * 1000)

#define VGPU_POLICY_DATA	64	/* bytes an entity gives its policy */

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
 */
struct vgpu_se_stats {
	u64 run_ns;
	u64 wait_ns;
	u64 wait_max_ns;
	u64 wakeups;
	u64 slices;
	u64 preemptions;
	u64 entitled_ns;
};

/**
 * struct vgpu_se - a scheduling entity; embed it, all fields are sched/'s
 */
struct vgpu_se {
	u32 id;
	u32 weight;
	u32 priority;
	u64 slice_ns;			/* 0: the run queue's */
	enum vgpu_se_state state;
	struct vgpu_rq *rq;
	struct list_head link;		/* of all entities of the rq */
	struct list_head fifo;		/* a policy's list link */
	struct rb_node node;		/* a policy's tree link */
	u64 queued_at;
	u64 entitled_mark;		/* rq->entitled_sum when last settled */
	struct vgpu_se_stats stats;
	u64 policy_data[VGPU_POLICY_DATA / sizeof(u64)];
};

/**
 * struct vgpu_rq - a run queue
 * @lock: the caller's, held in every call; for assertions
 * @slice_ns: default slice, live
 */
struct vgpu_rq {
	spinlock_t *lock;
	u64 slice_ns;
	const struct vgpu_policy *policy;
	struct vgpu_se *curr;
	struct list_head all;
	unsigned int nr_queued;
	u64 load;			/* sum of weights, queued and running */
	u64 entitled_sum;		/* service per unit of weight, scaled */
	u64 service_ns;			/* served in total */
	u64 picks;
	u64 policy_data[VGPU_POLICY_DATA / sizeof(u64)];
};

void vgpu_rq_init(struct vgpu_rq *rq, spinlock_t *lock,
		  const struct vgpu_policy *policy);
/* No entity may be left. */
void vgpu_rq_fini(struct vgpu_rq *rq);

/* Switches live: what is queued stays queued, what runs goes on. */
void vgpu_rq_set_policy(struct vgpu_rq *rq, const struct vgpu_policy *policy,
			u64 now);

void vgpu_rq_add(struct vgpu_rq *rq, struct vgpu_se *se, u32 id, u32 weight,
		 u32 priority);
/* @se is idle or queued, not running. */
void vgpu_rq_remove(struct vgpu_rq *rq, struct vgpu_se *se, u64 now);
void vgpu_rq_set_weight(struct vgpu_rq *rq, struct vgpu_se *se, u32 weight,
			u64 now);
void vgpu_rq_set_priority(struct vgpu_rq *rq, struct vgpu_se *se,
			  u32 priority, u64 now);

/*
 * @se has work. Returns true when the policy wants the running entity to be
 * preempted for it. Nothing happens to one that is queued or running.
 */
bool vgpu_rq_wake(struct vgpu_rq *rq, struct vgpu_se *se, u64 now);
/* A queued @se has no work any more (cancelled, paused). */
void vgpu_rq_block(struct vgpu_rq *rq, struct vgpu_se *se, u64 now);

/* The next to run, or NULL; *slice_ns is how long. It leaves the queue. */
struct vgpu_se *vgpu_rq_pick(struct vgpu_rq *rq, u64 now, u64 *slice_ns);
/*
 * Charges the running entity, which goes on running (between two of its
 * commands in one slice).
 */
void vgpu_rq_charge(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		    u64 now);
/*
 * The running entity leaves the engine; @service_ns not charged yet;
 * @ready: it has more to run; @midway: in the middle of a command.
 */
void vgpu_rq_put(struct vgpu_rq *rq, struct vgpu_se *se, u64 service_ns,
		 u64 now, bool ready, bool midway);

/* Figures up to @now, also of one that is running. */
void vgpu_se_stats(struct vgpu_rq *rq, struct vgpu_se *se, u64 now,
		   struct vgpu_se_stats *out);

/* Policies by name; "rr" and "fair" are always there. Process context. */
int vgpu_policy_register(const struct vgpu_policy *policy);
void vgpu_policy_unregister(const struct vgpu_policy *policy);
/* Takes a module reference; NULL when there is none of that name. */
const struct vgpu_policy *vgpu_policy_get(const char *name);
void vgpu_policy_put(const struct vgpu_policy *policy);
const char *vgpu_policy_name(const struct vgpu_policy *policy);
/* Names, comma separated. */
int vgpu_policy_names(char *buf, size_t size);

#endif /* _VGPU_SCHED_H */
