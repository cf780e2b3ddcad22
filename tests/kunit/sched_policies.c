// SPDX-License-Identifier: GPL-2.0
/* Scenarios for the other policies, and for groups. */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "sched_sim.h"

#define HOG	.kind = VSIM_HOG, .cost_ns = VSIM_S

static u64 ran(const struct vsim_ent *ent)
{
	return ent->se.stats.run_ns;
}

static void hogs(struct vsim *sim, unsigned int n, u32 priority)
{
	const struct vsim_load load = { HOG, .priority = priority };

	while (n--)
		vsim_spawn(sim, &load);
}

static u64 longest_wait(struct vsim *sim)
{
	struct vgpu_se_stats stats;
	u64 longest = 0;
	unsigned int i;

	for (i = 0; i < sim->size; i++) {
		if (!sim->ents[i].present)
			continue;
		vgpu_se_stats(&sim->rq, &sim->ents[i].se, sim->now, &stats);
		longest = max(longest, stats.wait_max_ns);
	}
	return longest;
}

static void set_policy(struct vsim *sim, const char *name)
{
	const struct vgpu_policy *old = sim->rq.policy;

	vgpu_rq_set_policy(&sim->rq, vgpu_policy_get(name), sim->now);
	vgpu_policy_put(old);
}

/* --- prio ---------------------------------------------------------------- */

static void prio_is_strict(struct vsim *sim)
{
	hogs(sim, 1, 7);
	hogs(sim, 1, 0);
	vsim_run(sim, 10 * VSIM_S);
	vsim_stop(sim);
	vsim_expect(sim, ran(&sim->ents[0]) >= 99 * VSIM_S / 10,
		    "the high one got %llu ns", ran(&sim->ents[0]));
	/* seven levels at 100 ms, and what runs just then */
	vsim_expect(sim, longest_wait(sim) <= 703 * VSIM_MS,
		    "the low one waited %llu ns", longest_wait(sim));
}

static void prio_cuts_off(struct vsim *sim)
{
	const struct vsim_load urgent = {
		.kind = VSIM_CLOSED, .priority = 5, .random = true,
		.cost_ns = VSIM_MS, .gap_ns = 20 * VSIM_MS,
	};
	struct vsim_ent *ent;

	hogs(sim, 8, 4);
	ent = vsim_spawn(sim, &urgent);
	vsim_run(sim, 10 * VSIM_S);
	/* all but when somebody has aged past it */
	vsim_expect(sim, vsim_hist_above(&ent->latency, 50) <=
		    2 * sim->check_ns, "p95 of the latency is %llu ns",
		    vsim_hist_above(&ent->latency, 50));
}

/* Who was cut off is the first of its level, with what was left of its slice. */
static void prio_keeps_its_place(struct vsim *sim)
{
	const struct vsim_load idle = { .kind = VSIM_TRACE, .priority = 4 };
	const struct vsim_load urgent = { .kind = VSIM_TRACE, .priority = 5 };
	struct vgpu_rq *rq = &sim->rq;
	struct vgpu_se *a, *b, *high;
	u64 slice;

	a = &vsim_spawn(sim, &idle)->se;
	b = &vsim_spawn(sim, &idle)->se;
	high = &vsim_spawn(sim, &urgent)->se;
	vgpu_rq_wake(rq, a, VSIM_MS);
	vgpu_rq_wake(rq, b, VSIM_MS + 1);
	vsim_expect(sim, vgpu_rq_pick(rq, 2 * VSIM_MS, &slice) == a &&
		    slice == rq->slice_ns, "not the first");
	vsim_expect(sim, vgpu_rq_wake(rq, high, 2 * VSIM_MS), "not cut off");
	vgpu_rq_put(rq, a, 500 * VSIM_US, 5 * VSIM_MS / 2, true, true);
	vsim_expect(sim, vgpu_rq_pick(rq, 5 * VSIM_MS / 2, &slice) == high,
		    "not the urgent one");
	vgpu_rq_put(rq, high, VSIM_MS, 7 * VSIM_MS / 2, false, false);
	vsim_expect(sim, vgpu_rq_pick(rq, 7 * VSIM_MS / 2, &slice) == a &&
		    slice == rq->slice_ns - 500 * VSIM_US,
		    "lost its place, or has %llu ns", slice);
	vsim_note(sim, sim->now, a->id, slice);
	vgpu_rq_put(rq, a, slice, 5 * VSIM_MS, true, true);
	vsim_expect(sim, vgpu_rq_pick(rq, 5 * VSIM_MS, &slice) == b,
		    "a second turn");
	vsim_note(sim, sim->now, b->id, slice);
	vgpu_rq_put(rq, b, slice, 7 * VSIM_MS, false, false);
}

static void prio_ages(struct vsim *sim)
{
	unsigned int i;
	u64 bound;

	for (i = 0; i < 64; i++)
		hogs(sim, 1, vsim_random(sim, 8));
	vsim_run(sim, 20 * VSIM_S);
	bound = 700 * VSIM_MS + 2 * 64 * sim->rq.slice_ns;
	vsim_expect(sim, longest_wait(sim) <= bound, "somebody waited %llu ns",
		    longest_wait(sim));
	vsim_figure(sim, "waited %llu of %llu ns", longest_wait(sim), bound);
}

/* --- mlfq ---------------------------------------------------------------- */

static u64 mean_wait(struct vsim *sim, const char *policy)
{
	const struct vsim_load interactive = {
		.kind = VSIM_CLOSED, .random = true,
		.cost_ns = 300 * VSIM_US, .gap_ns = 50 * VSIM_MS,
	};
	struct vsim_ent *ent;
	u64 mean;

	set_policy(sim, policy);
	ent = vsim_spawn(sim, &interactive);
	vsim_run(sim, sim->now + 20 * VSIM_S);
	mean = div64_u64(ent->latency.sum, max(ent->latency.count, 1ULL));
	vsim_expect(sim, ent->latency.count > 50, "%s: %llu jobs", policy,
		    ent->latency.count);
	vsim_kill(sim, ent);
	return mean;
}

static void mlfq_interactive(struct vsim *sim)
{
	u64 rr, mlfq;

	hogs(sim, 63, 0);
	rr = mean_wait(sim, "rr");
	mlfq = mean_wait(sim, "mlfq");
	vsim_expect(sim, mlfq <= div_u64(rr, 10),
		    "mean wait %llu ns, under rr %llu", mlfq, rr);
	/* it cuts off a hog in a slice of 9 ms, and pays for some turns of theirs */
	vsim_expect(sim, mlfq <= VSIM_MS, "mean wait %llu ns", mlfq);
	vsim_figure(sim, "mean wait %llu ns, under rr %llu", mlfq, rr);
}

/* A flood of short work at the top starves nobody below. */
static void mlfq_ages(struct vsim *sim)
{
	const struct vsim_load flood = {
		.kind = VSIM_POISSON, .random = true,
		.cost_ns = 300 * VSIM_US, .gap_ns = 8 * VSIM_MS,
	};
	unsigned int i;
	u64 bound;

	hogs(sim, 12, 0);
	for (i = 0; i < 20; i++)
		vsim_spawn(sim, &flood);
	vsim_run(sim, 20 * VSIM_S);
	/* two rounds of the longest slices, then one at the top */
	bound = max(500 * VSIM_MS, 2 * 32 * 9 * VSIM_MS) + 2 * 32 * 2 * VSIM_MS;
	vsim_expect(sim, longest_wait(sim) <= bound,
		    "somebody waited %llu ns", longest_wait(sim));
	vsim_figure(sim, "waited %llu of %llu ns", longest_wait(sim), bound);
}

/*
 * Nor does one that the engine cannot cope with, by so many that sleep enough to
 * stay at the top: below there is 1/128 of the service, and ageing.
 */
static void mlfq_flooded(struct vsim *sim)
{
	const struct vsim_load flood = {
		.kind = VSIM_CLOSED, .cost_ns = VSIM_MS, .gap_ns = 12 * VSIM_MS,
	};
	u64 bound, got = 0;
	unsigned int i;

	hogs(sim, 12, 0);
	for (i = 0; i < 30; i++)
		vsim_spawn(sim, &flood);
	vsim_run(sim, 20 * VSIM_S);
	vsim_stop(sim);
	bound = max(500 * VSIM_MS, 2 * 42 * 9 * VSIM_MS) + 2 * 42 * 2 * VSIM_MS;
	vsim_expect(sim, longest_wait(sim) <= bound,
		    "somebody waited %llu ns", longest_wait(sim));
	for (i = 0; i < 12; i++)
		got += ran(&sim->ents[i]);
	vsim_expect(sim, got >= VSIM_S / 10 && got <= 2 * VSIM_S,
		    "the hogs got %llu ns", got);
	vsim_figure(sim, "waited %llu of %llu ns, got %llu", longest_wait(sim),
		    bound, got);
}

/* Sleeping for a moment right before the slice ends does not pay. */
static void mlfq_not_gamed(struct vsim *sim)
{
	const struct vsim_load sly = {
		.kind = VSIM_CLOSED, .cost_ns = 1900 * VSIM_US,
		.gap_ns = VSIM_US,
	};
	struct vsim_ent *ent;

	hogs(sim, 3, 0);
	ent = vsim_spawn(sim, &sly);
	vsim_run(sim, 10 * VSIM_S);
	vsim_expect(sim, ran(ent) <= 11 * ran(&sim->ents[0]) / 10,
		    "it got %llu ns, a hog %llu", ran(ent),
		    ran(&sim->ents[0]));
}

/* --- fixed and burst ----------------------------------------------------- */

/* Nobody is over its cap at any time, and all come to it. */
static void run_capped(struct vsim *sim, u64 over_ns)
{
	u64 end = sim->now + 10 * VSIM_S, start = sim->now;
	u64 over = 0, under = 0;
	unsigned int i;

	while (sim->now < end) {
		vsim_run(sim, sim->now + 1 + vsim_random(sim, 20 * VSIM_MS));
		for (i = 0; i < sim->size; i++) {
			struct vsim_ent *ent = &sim->ents[i];
			u64 most, got;

			if (!ent->present)
				continue;
			got = ran(ent);
			if (ent == sim->curr)
				got += sim->now - sim->run_from;
			most = div_u64((sim->now - start) * ent->load.cap,
				       VGPU_CAP_MAX);
			over = max(over, got - min(got, most));
			vsim_expect(sim, got <= most + over_ns,
				    "entity %u got %llu of %llu ns by %llu", i,
				    got, most, sim->now);
		}
	}
	for (i = 0; i < sim->size; i++) {
		struct vsim_ent *ent = &sim->ents[i];
		u64 due = div_u64((sim->now - start) * ent->load.cap,
				  VGPU_CAP_MAX);

		if (!ent->present || ent->load.kind != VSIM_HOG)
			continue;
		vsim_expect(sim, ran(ent) >= due - div_u64(due, 100),
			    "entity %u got %llu of %llu ns", i, ran(ent), due);
		under = max(under, div64_u64((due - min(due, ran(ent))) *
					     1000000, due));
	}
	vsim_figure(sim, "%llu ns over at most, %llu ppm under in the end",
		    over, under);
}

static void fixed_caps(struct vsim *sim)
{
	static const u32 caps[] = { 100, 250, 1000, 2500, 5000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		const struct vsim_load load = { HOG, .cap = caps[i] };

		vsim_spawn(sim, &load);
	}
	run_capped(sim, sim->check_ns);
}

static void fixed_idle_engine(struct vsim *sim)
{
	const struct vsim_load load = { HOG, .cap = 100 };

	vsim_spawn(sim, &load);
	run_capped(sim, sim->check_ns);
	vsim_expect(sim, sim->idle_ns >= 98 * VSIM_S / 10, "idle %llu ns",
		    sim->idle_ns);
}

static void fixed_overshoot(struct vsim *sim)
{
	const struct vsim_load rude = {
		.kind = VSIM_HOG, .cost_ns = 30 * VSIM_MS, .cap = 1000,
		.stretch_ns = 30 * VSIM_MS,
	};
	const struct vsim_load napper = {
		.kind = VSIM_CLOSED, .cost_ns = 3 * VSIM_MS, .random = true,
		.gap_ns = VSIM_MS, .cap = 3000,
	};
	struct vsim_ent *ent = vsim_spawn(sim, &rude);

	vsim_spawn(sim, &napper);
	vsim_run(sim, 10 * VSIM_S);
	vsim_expect(sim, ran(ent) <= VSIM_S + 30 * VSIM_MS &&
		    ran(ent) >= VSIM_S - 30 * VSIM_MS, "got %llu of 1 s",
		    ran(ent));
	ent = &sim->ents[1];
	vsim_expect(sim, ran(ent) <= 3 * VSIM_S + sim->check_ns,
		    "the napper got %llu ns of 3 s", ran(ent));
}

/* A new cap, and what came of it. */
static int set_cap(struct vsim *sim, struct vgpu_se *se, u32 cap)
{
	int ret = vgpu_rq_set_cap(&sim->rq, se, cap, 0);

	vsim_note(sim, cap, se->id, (u64)sim->rq.caps << 32 | (u32)-ret);
	return ret;
}

/* What it did not use it saves, for 100 ms and no longer. */
static void fixed_saves_little(struct vsim *sim)
{
	const struct vsim_load late = { .kind = VSIM_TRACE, .cap = 1000 };
	struct vsim_ent *ent = vsim_spawn(sim, &late);
	unsigned int i;
	u64 had, most;

	for (i = 0; i < 10; i++) {
		vsim_arrive(sim, ent, 150 * VSIM_MS);
		had = ran(ent);
		vsim_run(sim, sim->now + VSIM_S);
		/* the first time it has saved nothing yet */
		most = (i ? 110 : 100) * VSIM_MS + sim->check_ns;
		vsim_expect(sim, ran(ent) - had <= most &&
			    ran(ent) - had >= most - 3 * VSIM_MS,
			    "time %u: %llu of %llu ns in a second", i,
			    ran(ent) - had, most);
		vsim_run(sim, sim->now + 4 * VSIM_S);
		vsim_expect(sim, ent->se.state == VGPU_SE_IDLE, "still busy");
	}
}

static void caps_refused(struct vsim *sim)
{
	struct vgpu_rq *rq = &sim->rq;
	struct vgpu_se *a, *b;

	hogs(sim, 2, 0);
	a = &sim->ents[0].se;
	b = &sim->ents[1].se;
	vsim_expect(sim, set_cap(sim, a, 10001) == -ERANGE, "10001");
	vsim_expect(sim, !set_cap(sim, a, 6000), "6000");
	vsim_expect(sim, set_cap(sim, b, 6000) == -ENOSPC, "12000");
	vsim_expect(sim, !b->cap && rq->caps == 6000, "half applied");
	set_policy(sim, "rr");
	vsim_expect(sim, !set_cap(sim, b, 6000), "rr keeps no caps");
	vsim_expect(sim, vgpu_rq_refuses(rq, vgpu_policy_get("fixed")),
		    "120 %% accepted");
	vsim_expect(sim, !set_cap(sim, b, 4000), "4000");
	vsim_expect(sim, !vgpu_rq_refuses(rq, vgpu_policy_get("fixed")),
		    "100 %% refused");
}

static void burst_lends(struct vsim *sim)
{
	const struct vsim_load small = { HOG, .cap = 1000 };
	const struct vsim_load late = { HOG, .cap = 4000 };
	struct vsim_ent *a = vsim_spawn(sim, &small), *b;
	u64 before;

	vsim_run(sim, VSIM_S);
	vsim_stop(sim);
	vsim_expect(sim, ran(a) == VSIM_S, "alone it got %llu ns", ran(a));
	b = vsim_spawn(sim, &late);
	before = ran(a);
	vsim_run(sim, 11 * VSIM_S);
	vsim_stop(sim);
	/* its cap at least, and half of what nobody has a right to */
	vsim_expect(sim, ran(b) >= 4 * VSIM_S - 4 * VSIM_MS, "it got %llu ns",
		    ran(b));
	vsim_expect(sim, ran(a) - before >= VSIM_S - 4 * VSIM_MS,
		    "the first got %llu ns", ran(a) - before);
	vsim_expect(sim, sim->idle_ns == 0, "idle %llu ns", sim->idle_ns);
}

/* Who has credit takes back what was lent as soon as it wakes up. */
static void burst_takes_back(struct vsim *sim)
{
	const struct vsim_load borrower = { HOG, .cap = 100 };
	const struct vsim_load seldom = {
		.kind = VSIM_CLOSED, .cap = 5000, .random = true,
		.cost_ns = VSIM_MS, .gap_ns = 30 * VSIM_MS,
	};
	struct vsim_ent *ent;

	vsim_spawn(sim, &borrower);
	ent = vsim_spawn(sim, &seldom);
	vsim_run(sim, 20 * VSIM_S);
	vsim_stop(sim);
	/* all but when the borrower spends its own one per cent */
	vsim_expect(sim, vsim_hist_above(&ent->latency, 50) <=
		    2 * sim->check_ns, "p95 of the latency is %llu ns",
		    vsim_hist_above(&ent->latency, 50));
	vsim_expect(sim, !sim->idle_ns, "idle %llu ns", sim->idle_ns);
}

/* --- groups, and many ----------------------------------------------------- */

/* A tenant with 300 vGPUs, one with three of uneven weight, one alone. */
static void uneven_groups(struct vsim *sim)
{
	struct vsim_load load = { HOG, .group = 1 };
	u64 end = 20 * VSIM_S, sum = 0, bound;
	unsigned int i;

	/* what runs last is charged for at both levels */
	bound = 2 * (sim->rq.slice_ns + sim->check_ns);
	vsim_group(sim, 1, "fair", 100);
	vsim_group(sim, 2, "fair", 200);
	for (i = 0; i < 300; i++)
		vsim_spawn(sim, &load);
	load.group = 2;
	for (i = 1; i <= 3; i++) {
		load.weight = i * 100;
		vsim_spawn(sim, &load);
	}
	load.group = 0;
	vsim_spawn(sim, &load);		/* 300, as many as the groups have */
	vsim_run(sim, end);
	vsim_stop(sim);
	for (i = 0; i < 300; i++)
		sum += ran(&sim->ents[i]);
	vsim_expect(sim, sum <= end / 6 + bound && sum >= end / 6 - bound,
		    "300 vGPUs got %llu ns", sum);
	for (i = 0; i < 3; i++) {
		u64 due = div_u64(end * (i + 1), 18);

		sum = ran(&sim->ents[300 + i]);
		vsim_expect(sim, sum <= due + bound && sum >= due - bound,
			    "vGPU %u got %llu of %llu ns", i, sum, due);
	}
	sum = ran(&sim->ents[303]);
	vsim_expect(sim, sum <= end / 2 + bound && sum >= end / 2 - bound,
		    "the one alone got %llu ns", sum);
	vsim_expect(sim, sim->lag_max <= (s64)bound &&
		    sim->lag_min >= -(s64)bound, "lag %lld to %lld",
		    sim->lag_min, sim->lag_max);
	vsim_figure(sim, "lag %lld to %lld of %llu ns", sim->lag_min,
		    sim->lag_max, bound);
}

/* Groups of sleepers beside hogs: nothing is lost when a group falls idle. */
static void sleepy_groups(struct vsim *sim)
{
	unsigned int step, i;

	vsim_group(sim, 1, "fair", 300);
	vsim_group(sim, 2, "rr", 100);
	vsim_group(sim, 3, "mlfq", 100);
	for (step = 0; step < 3000; step++) {
		struct vsim_ent *ent = &sim->ents[vsim_random(sim, 24)];
		struct vsim_load load = {
			.kind = vsim_random(sim, 3), .random = true,
			.group = vsim_random(sim, 4),
			.weight = 1 + vsim_random(sim, 1000),
			.cost_ns = 1 + vsim_random(sim, 3 * VSIM_MS),
			.gap_ns = 20 * VSIM_US + vsim_random(sim, 3 * VSIM_MS),
		};

		if (ent->present)
			vsim_kill(sim, ent);
		else
			vsim_spawn(sim, &load);
		vsim_run(sim, sim->now + vsim_random(sim, 2 * VSIM_MS));
	}
	vsim_stop(sim);
	for (i = 0; i < 3; i++) {
		struct vgpu_group *group = sim->groups[i];

		vsim_expect(sim, (group->se.state == VGPU_SE_QUEUED) ==
			    (group->rq.nr_queued > 0),
			    "group %u: state %d, %u queued", i,
			    group->se.state, group->rq.nr_queued);
	}
	vsim_expect(sim, !sim->rq.ejections, "%llu ejections",
		    sim->rq.ejections);
}

/* What each run queue says of its members, counted. */
static void expect_counts(struct vsim *sim, unsigned int step)
{
	unsigned int i, g;

	for (g = 0; g <= 3; g++) {
		struct vgpu_rq *rq = g ? &sim->groups[g - 1]->rq : &sim->rq;
		unsigned int queued = 0, members = 0;
		u64 load = 0;

		for (i = 0; i < sim->size + 3; i++) {
			struct vgpu_se *se = i < sim->size ? &sim->ents[i].se :
				&sim->groups[i - sim->size]->se;

			if (se->rq != rq)
				continue;
			members++;
			queued += se->state == VGPU_SE_QUEUED;
			load += se->state != VGPU_SE_IDLE ? se->weight : 0;
			vsim_expect(sim, (se->state == VGPU_SE_RUNNING) ==
				    (se == rq->curr), "%u: %u", step, i);
		}
		vsim_expect(sim, queued == rq->nr_queued && load == rq->load &&
			    members == rq->nr_entities,
			    "%u: run queue %u: %u queued, %u members, load %llu",
			    step, g, queued, members, load);
	}
}

/* To @policy, under which groups count if @nest. */
static void switch_nested(struct vsim *sim, const char *policy, bool *nested,
			  bool nest)
{
	const struct vgpu_policy *old = sim->rq.policy;
	struct vgpu_group *group;
	unsigned int i;

	for (i = 0; i < 3 && *nested && !nest; i++) {
		vgpu_group_dissolve(sim->groups[i], sim->now);
		vgpu_policy_put(sim->groups[i]->rq.policy);
	}
	vgpu_rq_set_policy(&sim->rq, vgpu_policy_get(policy), sim->now);
	vgpu_policy_put(old);
	for (i = 0; i < 3 && nest; i++) {
		group = sim->groups[i];
		if (!*nested) {
			vgpu_group_init(group, &sim->rq,
					vgpu_policy_get(policy), 1000 + i,
					1 + vsim_random(sim, 1000), 0);
			continue;
		}
		old = group->rq.policy;
		vgpu_rq_set_policy(&group->rq, vgpu_policy_get(policy),
				   sim->now);
		vgpu_policy_put(old);
	}
	*nested = nest;
}

/*
 * vGPUs, asleep, waiting and running, go from group to group, groups dissolve
 * and form again, and everything else that can be set is: nothing is lost.
 */
static void groups_change(struct vsim *sim)
{
	static const char * const names[] = {
		"fair", "rr", "prio", "mlfq", "fixed", "burst",
	};
	const struct vsim_load jobs = {
		.kind = VSIM_POISSON, .random = true,
		.cost_ns = 200 * VSIM_US, .gap_ns = 10 * VSIM_MS,
	};
	unsigned int step, i, n, moved_running = 0;
	bool nested = true;
	u64 got = 0;

	for (i = 1; i <= 3; i++)
		vsim_group(sim, i, "fair", 100 * i);
	hogs(sim, 4, 0);
	for (i = 0; i < 8; i++)
		vsim_spawn(sim, &jobs);
	for (step = 0; step < 6000; step++) {
		struct vgpu_se *se = &sim->ents[vsim_random(sim, 12)].se;

		vsim_run(sim, sim->now + vsim_random(sim, 2 * VSIM_MS));
		if (sim->curr && sim->now > sim->run_from && step % 2)
			se = &sim->curr->se;
		n = vsim_random(sim, 4);
		if (nested) {
			moved_running += se->state == VGPU_SE_RUNNING;
			vgpu_rq_move(&sim->rq, se, n ? &sim->groups[n - 1]->rq :
				     &sim->rq, sim->now);
			if (n)
				vgpu_rq_set_weight(&sim->rq,
						   &sim->groups[n - 1]->se,
						   1 + vsim_random(sim, 999),
						   sim->now);
		}
		vsim_expect(sim, !sim->curr ||
			    sim->curr->se.state == VGPU_SE_RUNNING,
			    "%u: what runs does not", step);
		vgpu_rq_set_se_slice(&sim->rq, se, vsim_random(sim, 2) *
				     (100 + vsim_random(sim, 3000)) * VSIM_US,
				     sim->now);
		i = vgpu_rq_set_cap(&sim->rq, se, vsim_random(sim, 2) *
				    vsim_random(sim, 1600), sim->now);
		vsim_expect(sim, !i || i == -ENOSPC, "%u: cap: %d", step,
			    (int)i);
		if (!vsim_random(sim, 10)) {
			i = vsim_random(sim, 6);
			/* refused, or all of it */
			if (i < 4 || sim->rq.caps <= VGPU_CAP_MAX)
				switch_nested(sim, names[i], &nested, i < 4);
		}
		if (nested)
			expect_counts(sim, step);
	}
	for (i = 0; i < 12; i++)
		vgpu_rq_set_cap(&sim->rq, &sim->ents[i].se, 0, sim->now);
	vsim_expect(sim, !sim->rq.caps, "caps of %u left", sim->rq.caps);
	switch_nested(sim, "rr", &nested, true);
	vsim_run(sim, sim->now + 500 * VSIM_MS);
	vsim_stop(sim);
	for (i = 0; i < 12; i++) {
		struct vsim_ent *ent = &sim->ents[i];

		got += ran(ent);
		if (ent->load.kind == VSIM_POISSON)
			vsim_expect(sim, !ent->dropped && ent->jobs_count < 20 &&
				    ent->response.count > 300,
				    "entity %u: %llu jobs done, %u left", i,
				    ent->response.count, ent->jobs_count);
	}
	vsim_expect(sim, got == sim->busy_ns, "%llu of %llu ns", got,
		    sim->busy_ns);
	vsim_expect(sim, moved_running > 1000, "%u moved while they ran",
		    moved_running);
	vsim_expect(sim, !sim->rq.ejections, "%llu ejections",
		    sim->rq.ejections);
}

/* What a stretch takes beyond the slice is seen, with others waiting only. */
static void overshoot_shows(struct vsim *sim)
{
	const struct vsim_load stretches = {
		.kind = VSIM_HOG, .cost_ns = 10 * VSIM_MS,
		.stretch_ns = 10 * VSIM_MS,
	};
	struct vsim_ent *rude = vsim_spawn(sim, &stretches), *meek;
	u64 slices, over;

	vsim_run(sim, VSIM_S);
	vsim_expect(sim, !rude->se.stats.overshoot_ns,
		    "%llu ns at nobody's expense",
		    rude->se.stats.overshoot_ns);
	slices = rude->se.stats.slices;
	hogs(sim, 1, 0);
	meek = &sim->ents[1];
	vsim_run(sim, 3 * VSIM_S);
	vsim_stop(sim);
	slices = rude->se.stats.slices - slices;
	over = rude->se.stats.overshoot_ns;
	/* 8 of the 10 ms of each turn */
	vsim_expect(sim, over >= (slices - 2) * 8 * VSIM_MS &&
		    over <= (slices + 1) * 8 * VSIM_MS,
		    "%llu ns in %llu slices", over, slices);
	vsim_expect(sim, meek->se.stats.overshoot_ns <=
		    meek->se.stats.slices * sim->check_ns, "%llu ns",
		    meek->se.stats.overshoot_ns);
}

/* What runs goes on at once if nobody waits, neither beside its group nor in it. */
static void expect_extended(struct vsim *sim, struct vgpu_se *se, bool may,
			    const char *when)
{
	u64 slice = 0;
	bool does = vgpu_rq_extend(&sim->rq, se, &slice);

	vsim_note(sim, sim->now, se->id, slice);
	vsim_expect(sim, does == may && (!does || slice == sim->rq.slice_ns),
		    "%s: %d, %llu ns", when, does, slice);
}

static void alone_goes_on(struct vsim *sim)
{
	const struct vsim_load member = { .kind = VSIM_TRACE, .group = 1 };
	const struct vsim_load other = { .kind = VSIM_TRACE };
	struct vgpu_rq *rq = &sim->rq;
	struct vgpu_se *a, *b, *c;
	u64 slice;

	vsim_group(sim, 1, "rr", 100);
	a = &vsim_spawn(sim, &member)->se;
	b = &vsim_spawn(sim, &member)->se;
	c = &vsim_spawn(sim, &other)->se;
	vgpu_rq_wake(rq, a, sim->now);
	vsim_expect(sim, vgpu_rq_pick(rq, sim->now, &slice) == a, "not it");
	expect_extended(sim, a, true, "alone");
	vgpu_rq_wake(rq, b, sim->now);
	expect_extended(sim, a, false, "another member waits");
	vgpu_rq_block(rq, b, sim->now);
	expect_extended(sim, a, true, "alone again");
	vgpu_rq_wake(rq, c, sim->now);
	expect_extended(sim, a, false, "somebody else waits");
	vgpu_rq_block(rq, c, sim->now);
	vgpu_rq_put(rq, a, 0, sim->now, true, true);
	/* nor is a member's slice longer than its group's */
	vgpu_rq_set_se_slice(rq, &sim->groups[0]->se, 300 * VSIM_US, sim->now);
	vsim_expect(sim, vgpu_rq_pick(rq, sim->now, &slice) == a &&
		    slice == 300 * VSIM_US, "%llu ns", slice);
	vgpu_rq_move(rq, a, rq, sim->now);
	expect_extended(sim, a, true, "alone, in no group");
	set_policy(sim, "fixed");
	expect_extended(sim, a, false, "a cap may be over");
	set_policy(sim, "burst");
	expect_extended(sim, a, false, "what was lent may be wanted");
	vgpu_rq_put(rq, a, 0, sim->now, false, false);
}

/* 4096 at once, of all weights, coming and going. */
static void crowd(struct vsim *sim)
{
	unsigned int i;

	for (i = 0; i < 4096; i++) {
		const struct vsim_load load = {
			.kind = vsim_random(sim, 3), .random = true,
			.weight = 1 + vsim_random(sim, VGPU_WEIGHT_MAX),
			.cost_ns = 1 + vsim_random(sim, 3 * VSIM_MS),
			.gap_ns = VSIM_MS + vsim_random(sim, VSIM_S),
		};

		vsim_spawn(sim, &load);
	}
	vsim_run(sim, 20 * VSIM_S);
	vsim_stop(sim);
	vsim_expect(sim, sim->lag_max <= (s64)(sim->rq.slice_ns + sim->check_ns) &&
		    sim->lag_min >= -(s64)(sim->rq.slice_ns + sim->check_ns),
		    "lag %lld to %lld ns", sim->lag_min, sim->lag_max);
	vsim_figure(sim, "lag %lld to %lld of %llu ns", sim->lag_min,
		    sim->lag_max, sim->rq.slice_ns + sim->check_ns);
}

const struct vsim_scenario vsim_scenarios_policy[] = {
	{ "prio_is_strict", "prio", 2, prio_is_strict },
	{ "prio_cuts_off", "prio", 9, prio_cuts_off },
	{ "prio_keeps_its_place", "prio", 3, prio_keeps_its_place },
	{ "prio_ages", "prio", 64, prio_ages },
	{ "mlfq_interactive", "mlfq", 64, mlfq_interactive },
	{ "mlfq_ages", "mlfq", 32, mlfq_ages },
	{ "mlfq_flooded", "mlfq", 42, mlfq_flooded },
	{ "mlfq_not_gamed", "mlfq", 4, mlfq_not_gamed },
	{ "fixed_caps", "fixed", 5, fixed_caps },
	{ "fixed_idle_engine", "fixed", 1, fixed_idle_engine },
	{ "fixed_overshoot", "fixed", 2, fixed_overshoot },
	{ "fixed_saves_little", "fixed", 1, fixed_saves_little },
	{ "caps_refused", "fixed", 2, caps_refused },
	{ "burst_lends", "burst", 2, burst_lends },
	{ "burst_takes_back", "burst", 2, burst_takes_back },
	{ "uneven_groups", "fair", 304, uneven_groups },
	{ "sleepy_groups", "fair", 24, sleepy_groups },
	{ "groups_change", "fair", 12, groups_change },
	{ "overshoot_shows", "rr", 2, overshoot_shows },
	{ "alone_goes_on", "rr", 3, alone_goes_on },
	{ "crowd", "fair", 4096, crowd },
	{}
};
