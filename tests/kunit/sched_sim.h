/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A made-up engine in virtual time that drives a run queue: the same in KUnit
 * and in vgpu-sim.  All arithmetic is in integers and all chance comes from
 * the seed, so a run can be repeated to the byte; its events are summed up
 * in a hash.
 */
#ifndef _SCHED_SIM_H
#define _SCHED_SIM_H

#include <linux/types.h>

#include <vgpu/policy.h>

#define VSIM_US			1000ULL
#define VSIM_MS			(1000 * VSIM_US)
#define VSIM_S			(1000 * VSIM_MS)
#define VSIM_NEVER		(~0ULL)

enum vsim_kind {
	VSIM_HOG,		/* always has work */
	VSIM_CLOSED,		/* works, sleeps, works */
	VSIM_POISSON,		/* jobs arrive whether or not it keeps up */
	VSIM_TRACE,		/* jobs come by vsim_arrive() */
};

/**
 * struct vsim_load - what an entity does
 * @kind: of workload
 * @weight: of the entity, 0: default
 * @priority: of the entity
 * @cap: of the entity, in hundredths of a per cent, or 0
 * @group: it belongs to, from vsim_group(), or 0
 * @slice_ns: its own slice, or 0
 * @cost_ns: service that a job needs
 * @gap_ns: VSIM_CLOSED: sleep between two jobs; VSIM_POISSON: mean time
 *	between two arrivals
 * @stretch_ns: it can be stopped only at multiples of this much work into a
 *	job; 0: at the engine's check interval
 * @random: costs (and gaps of VSIM_CLOSED) are exponential with that mean
 * @backlog: VSIM_POISSON, VSIM_TRACE: jobs that may wait, 0: some; more are
 *	dropped
 */
struct vsim_load {
	enum vsim_kind kind;
	u32 weight;
	u32 priority;
	u32 cap;
	u32 group;
	u64 slice_ns;
	u64 cost_ns;
	u64 gap_ns;
	u64 stretch_ns;
	bool random;
	u32 backlog;
};

/* Four buckets for each power of two: off by a quarter at most. */
#define VSIM_HIST		256

struct vsim_hist {
	u64 count;
	u64 sum;
	u64 max;
	u32 bucket[VSIM_HIST];
};

struct vsim_job {
	u64 arrived;
	u64 cost;
};

/**
 * struct vsim_ent - an entity and its workload
 * @jobs: that wait or run, a ring
 * @done: service that the first job has had
 * @wake_at: when its next job arrives, or VSIM_NEVER
 * @waiting_since: woke up and was not served since, or VSIM_NEVER
 * @latency: from waking up to being served
 * @response: from a job's arrival to its end
 * @dev_min: least of entitled - received, seen when it was put back
 * @dev_max: most of it, seen when it was picked
 */
struct vsim_ent {
	struct vgpu_se se;
	struct vsim_load load;
	unsigned int index;
	bool present;
	struct vsim_job *jobs;
	u32 jobs_size, jobs_head, jobs_count;
	u64 done;
	u64 wake_at;
	u64 waiting_since;
	u64 dropped;
	s64 dev_min, dev_max;
	struct vsim_hist latency;
	struct vsim_hist response;
};

#define VSIM_GROUPS	8

enum vsim_event {
	VSIM_EV_WAKE, VSIM_EV_PICK, VSIM_EV_DONE, VSIM_EV_PUT, VSIM_EV_SLEEP,
	VSIM_EV_IDLE, VSIM_EV_EJECT, VSIM_EV_NOTE,
	VSIM_EV_COUNT
};

/**
 * struct vsim - an engine, its run queue and its tenants
 * @check_ns: the engine looks this often whether it should stop
 * @switch_ns: a switch costs this much time, and nobody any service
 * @ents: of which @size there is room for
 * @lag_min: least lag of anybody, as the policy sees it
 * @lag_max: most of it
 * @hash: of all events so far
 * @log: optional, told of each event
 * @error: why it failed, first of @errors
 * @figure: what was measured, beside what was promised
 */
struct vsim {
	struct vgpu_rq rq;
	u64 seed;
	u64 rng;
	u64 now;
	u64 check_ns;
	u64 switch_ns;
	struct vsim_ent *ents;
	unsigned int size;
	struct vgpu_group *groups[VSIM_GROUPS];
	u32 *heap;
	unsigned int heap_len;
	struct vsim_ent *curr, *last;
	u64 run_from;
	u64 slice_from;
	u64 slice_end;
	u64 preempt_at;
	u64 busy_ns, switches, idle_ns;
	s64 lag_min, lag_max;
	u64 hash;
	u64 events;
	void (*log)(struct vsim *sim, u64 time, enum vsim_event event,
		    unsigned int index, u64 arg);
	void *log_data;
	unsigned int errors;
	char error[240];
	char figure[120];
};

int vsim_init(struct vsim *sim, const struct vgpu_policy *policy,
	      unsigned int size, u64 seed);
void vsim_fini(struct vsim *sim);

/* Makes group @n, from 1, with @policy among its members. */
void vsim_group(struct vsim *sim, unsigned int n, const char *policy,
		u32 weight);

/* The first free slot; there must be one. */
struct vsim_ent *vsim_spawn(struct vsim *sim, const struct vsim_load *load);
/* In any state. */
void vsim_kill(struct vsim *sim, struct vsim_ent *ent);
/* VSIM_TRACE: a job arrives now. */
void vsim_arrive(struct vsim *sim, struct vsim_ent *ent, u64 cost_ns);
void vsim_run(struct vsim *sim, u64 until);
/* The running one stops now. */
void vsim_stop(struct vsim *sim);

u64 vsim_random(struct vsim *sim, u64 below);
u64 vsim_exponential(struct vsim *sim, u64 mean);

/* Received by weight, least over most, in parts of a million. */
u64 vsim_fairness_ppm(struct vsim *sim);
/* Above which only @permille of the samples are. */
u64 vsim_hist_above(const struct vsim_hist *hist, unsigned int permille);

__printf(2, 3)
void vsim_fail(struct vsim *sim, const char *fmt, ...);

/* Tells what was measured; for people. */
__printf(2, 3)
void vsim_figure(struct vsim *sim, const char *fmt, ...);

#define vsim_expect(sim, cond, fmt, ...)				\
	do {								\
		if (!(cond))						\
			vsim_fail(sim, "%s: " fmt, #cond,		\
				  ##__VA_ARGS__);	\
	} while (0)

/**
 * struct vsim_scenario - a named workload with its promises
 * @name: as in "sleeper_gains_nothing"
 * @policy: it is about
 * @size: most entities at once
 * @run: drives an empty @sim and checks
 */
struct vsim_scenario {
	const char *name;
	const char *policy;
	unsigned int size;
	void (*run)(struct vsim *sim);
};

extern const struct vsim_scenario vsim_scenarios_fair[];
extern const struct vsim_scenario vsim_scenarios_policy[];
extern const struct vsim_scenario vsim_scenarios_misbehave[];
extern const struct vsim_scenario vsim_scenarios_governor[];
extern const struct vsim_scenario vsim_scenarios_lines[];

/* What a scenario saw that the engine does not tell: an event like any other. */
void vsim_note(struct vsim *sim, u64 at, unsigned int index, u64 arg);

/* The @n-th of all, or NULL. */
const struct vsim_scenario *vsim_scenario_at(unsigned int n);

/* What vsim_scenario_run() starts from; vsim_fini() follows. */
int vsim_scenario_init(struct vsim *sim, const struct vsim_scenario *scenario,
		       u64 seed);

/* Fails, too, when there was no event: then the hash would say nothing. */
void vsim_scenario_run(struct vsim *sim, const struct vsim_scenario *scenario);

/* As in the CSV of events. */
const char *vsim_event_name(enum vsim_event event);

#endif /* _SCHED_SIM_H */
