/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract for who decides what runs next.
 *
 * The mechanism (sched/rq.c) owns the entities, their states, the accounting
 * and the lock.  A policy owns the order.  It is one file and one const
 * table, and it
 *
 *  - sees const views and names entities by number: it is handed no pointer
 *    that it could keep or write through, other than its own scratch memory
 *    (@queue of a run queue, @entity of an entity), zeroed by the mechanism
 *    before init() and join();
 *  - is called under the run queue's lock with interrupts off: it must not
 *    sleep, allocate or take locks, and does a bounded amount of work;
 *  - has no clock: @now comes in, monotonic, in ns;
 *  - may come and go while entities are queued and running: what it knows of
 *    them dies with exit(), and the next one is told of all of them anew.
 *
 * That is also the shape of a table that a BPF program could fill.
 *
 * What it answers is checked.  A policy that names an entity that is not
 * queued, finds nothing to run though something is queued (without
 * VGPU_POLICY_HOLDS), or lets an entity starve is replaced by "rr" on the spot.
 * A callback that never returns cannot be replaced: mind your loops.
 */
#ifndef _VGPU_POLICY_H
#define _VGPU_POLICY_H

#include <vgpu/sched.h>

struct module;

#define VGPU_POLICY_NAME_MAX	15

/*
 * pick() may answer 0 with entities queued (caps); hold() says for how long.
 */
#define VGPU_POLICY_HOLDS	BIT(0)

/* Keeps caps that add up to 100 % at most. */
#define VGPU_POLICY_CAPS	BIT(1)

#define VGPU_POLICY_FLAGS	(VGPU_POLICY_HOLDS | VGPU_POLICY_CAPS)

/*
 * An entity that has waited this long, while VGPU_STARVE_ROUNDS times as many
 * slices as there are entities were given to others and it was itself due
 * VGPU_STARVE_SLICES of the longest slices, is starved.  The last two keep
 * honest policies safe: a round may be long, and a tiny weight is due little.
 * A policy with VGPU_POLICY_HOLDS is not judged: a small cap takes its time.
 */
#define VGPU_STARVE_NS		(30ULL * 1000 * 1000 * 1000)
#define VGPU_STARVE_ROUNDS	4
#define VGPU_STARVE_SLICES	4

/**
 * struct vgpu_policy - a scheduling policy
 * @name: unique, up to VGPU_POLICY_NAME_MAX characters, no comma
 * @owner: THIS_MODULE, or NULL when built into vgpu.ko
 * @flags: VGPU_POLICY_*
 * @queue_size: scratch bytes for a run queue, up to VGPU_POLICY_RQ_DATA
 * @entity_size: scratch bytes for an entity, up to VGPU_POLICY_DATA
 *
 * Callbacks that are marked optional may be NULL.  @queue is the run queue's
 * scratch memory, @entity the entity's; @rq and @se are const views:
 * the run queue and the entity themselves, of which the described fields count.  When a
 * callback runs, @se already is in its new state.
 */
struct vgpu_policy {
	const char *name;
	struct module *owner;
	u32 flags;
	size_t queue_size;
	size_t entity_size;

	/**
	 * @init: the policy takes over a run queue. Optional. join() follows
	 * for each entity there is, enqueue() for each that is queued or running
	 * (in the order in which they wait, the running one first), and
	 * start() for the running one.
	 */
	void (*init)(void *queue, const struct vgpu_rq *rq);

	/**
	 * @exit: the policy loses the run queue. Optional. There is no leave()
	 * or dequeue() for entities that are still there.
	 */
	void (*exit)(void *queue, const struct vgpu_rq *rq);

	/**
	 * @join: @se exists from now on; it is idle. Optional. @queue and @entity
	 * may be linked from now until leave() or exit().
	 */
	void (*join)(void *queue, const struct vgpu_rq *rq,
		     void *entity, const struct vgpu_se *se);

	/**
	 * @leave: @se, idle, goes away, and @entity with it. Optional.
	 */
	void (*leave)(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se);

	/**
	 * @enqueue: idle @se has got work (idle -> queued). The policy has to
	 * name it in some later pick().
	 */
	void (*enqueue)(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se, u64 now);

	/**
	 * @dequeue: queued @se has no work any more (queued -> idle). The
	 * policy must not name it before the next enqueue().
	 */
	void (*dequeue)(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se, u64 now);

	/**
	 * @pick: who is next? Only a question: nothing changes owner until
	 * start(). *@slice_ns comes in as what the settings say (the entity's own
	 * slice if it has one and the run queue's otherwise, if the policy leaves
	 * 0), and goes out as the policy wants it; it is clamped.
	 *
	 * Returns the number (&vgpu_se.nr) of a queued entity, or 0.
	 */
	u64 (*pick)(void *queue, const struct vgpu_rq *rq, u64 now,
		    u64 *slice_ns);

	/**
	 * @hold: pick() answered 0 with entities queued: when is there
	 * something to run, if nothing happens until then? Only with
	 * VGPU_POLICY_HOLDS.
	 *
	 * Returns a time after @now. The mechanism may ask sooner.
	 */
	u64 (*hold)(void *queue, const struct vgpu_rq *rq, u64 now);

	/**
	 * @start: @se gets the engine (queued -> running). It is the one named
	 * by pick(), or one that was enqueued right before and runs already (a
	 * policy switch, a move into a group), or a group such a one moved
	 * into. It must not be named again before stop().
	 */
	void (*start)(void *queue, const struct vgpu_rq *rq,
		      void *entity, const struct vgpu_se *se, u64 now);

	/**
	 * @charge: running @se has received @service_ns of engine time since it
	 * was last told. Also called right before stop(). Optional.
	 */
	void (*charge)(void *queue, const struct vgpu_rq *rq,
		       void *entity, const struct vgpu_se *se,
		       u64 service_ns, u64 now);

	/**
	 * @stop: @se has left the engine: running -> queued when it has more to
	 * run, running -> idle otherwise; @se->state says which. @midway: a
	 * command of it was cut off.
	 */
	void (*stop)(void *queue, const struct vgpu_rq *rq,
		     void *entity, const struct vgpu_se *se, u64 now,
		     bool midway);

	/**
	 * @preempt: @se was just enqueued while @curr runs: should @curr stop
	 * for it? Optional: never.
	 */
	bool (*preempt)(void *queue, const struct vgpu_rq *rq,
			void *curr_entity, const struct vgpu_se *curr,
			void *entity, const struct vgpu_se *se, u64 now);

	/**
	 * @changed: weight, priority, cap or slice of @se, in any state, has
	 * changed to what the view says. Optional.
	 */
	void (*changed)(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se, u64 now);

	/**
	 * @lag: for figures and tests: service in ns that @se has coming,
	 * negative when it is ahead. Optional. Any state.
	 */
	s64 (*lag)(const void *queue, const struct vgpu_rq *rq,
		   const void *entity, const struct vgpu_se *se);

	/**
	 * @figures: what else people may want to see, up to @max of them.
	 * Optional. Returns how many.
	 */
	unsigned int (*figures)(const void *queue, const struct vgpu_rq *rq,
				struct vgpu_figure *out, unsigned int max);
};

/* The slice that the settings give an entity. */
static inline u64 vgpu_se_slice(const struct vgpu_rq *rq,
				const struct vgpu_se *se)
{
	return se->slice_ns ?: rq->slice_ns;
}

#endif /* _VGPU_POLICY_H */
