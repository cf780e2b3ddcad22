/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two schedulers, vgpu's core and the kernel's drm_sched, give the same jobs to
 * the same made-up engine: a timer that answers from a hard interrupt.  What
 * differs is only what lies between submitting a job and starting it, and
 * between its end and telling its owner.
 */
#ifndef _PEER_H
#define _PEER_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct device;

#define PEER_TENANTS	8
#define PEER_DEPTH	64	/* jobs of a tenant at once, a power of two */
#define PEER_SAMPLES	4096
#define PEER_STOP_NS	10000	/* from a request until the engine stops */

/**
 * struct peer_hw - the engine: one job at a time
 * @lock: everything below
 * @timer: end of the job, or of the stretch until it can stop
 * @running: a job is on it
 * @stopping: it was asked to stop
 * @left: what the job needs, ns
 * @from: when it was started, ktime ns
 * @clock: engine time served before that, ns
 * @answer: the job ended, or stopped with @left to do; in a hard interrupt
 * @priv: for @answer
 */
struct peer_hw {
	spinlock_t lock;	/* see above */
	struct hrtimer timer;
	bool running;
	bool stopping;
	u64 left;
	u64 from;
	u64 clock;
	void (*answer)(struct peer_hw *hw, u64 service, u64 left);
	void *priv;
};

void peer_hw_init(struct peer_hw *hw,
		  void (*answer)(struct peer_hw *hw, u64 service, u64 left),
		  void *priv);
void peer_hw_fini(struct peer_hw *hw);
/* Any context. */
void peer_hw_start(struct peer_hw *hw, u64 ns);
void peer_hw_stop(struct peer_hw *hw);
u64 peer_hw_clock(struct peer_hw *hw);

/**
 * struct peer_tenant - submits jobs and is told when they are done
 * @submitted: jobs, counted by who submits
 * @started: likewise, by the hardware
 * @done: likewise, when the owner is told
 * @busy_ns: engine time it got
 * @at: when the last PEER_DEPTH jobs were submitted, ktime ns
 * @wait: from submission to the first start, ns
 * @response: from submission to being told, ns
 * @priv: the scheduler's
 */
struct peer_tenant {
	u64 submitted, started, done;
	u64 busy_ns;
	u64 at[PEER_DEPTH];
	u32 wait[PEER_SAMPLES], response[PEER_SAMPLES];
	void *priv;
};

/**
 * struct peer_run - a load on one of the schedulers
 * @preempt: the engine can be stopped
 * @side: which scheduler
 * @dev: stands for the engine
 * @wake: woken when a job is done
 */
struct peer_run {
	bool preempt;
	const struct peer_side *side;
	struct device *dev;
	wait_queue_head_t wake;
	struct peer_hw hw;
	struct peer_tenant tenant[PEER_TENANTS];
	void *priv;
};

/**
 * struct peer_side - a scheduler
 * @open: with PEER_TENANTS tenants of equal weight
 * @submit: a job of @ns for tenant @n; process context
 * @close: all jobs are done
 */
struct peer_side {
	const char *name;
	int (*open)(struct peer_run *run);
	int (*submit)(struct peer_run *run, unsigned int n, u64 ns);
	void (*close)(struct peer_run *run);
};

/* What the sides tell: a job of @n was started for the first time, is done. */
void peer_started(struct peer_run *run, unsigned int n);
void peer_done(struct peer_run *run, unsigned int n);

extern const struct peer_side peer_vgpu, peer_drm;

#endif /* _PEER_H */
