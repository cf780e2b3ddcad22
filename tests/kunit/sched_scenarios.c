// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile shapes of load, by name, and what the scheduler promises under
 * each.  Run by KUnit and by vgpu-sim, with any seed.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "sched_sim.h"

#define HOG	VSIM_HOG, .cost_ns = VSIM_S

static struct vsim_ent *hog(struct vsim *sim, u32 weight)
{
	const struct vsim_load load = {
		.kind = VSIM_HOG, .weight = weight, .cost_ns = VSIM_S,
	};

	return vsim_spawn(sim, &load);
}

static u64 ran(const struct vsim_ent *ent)
{
	return ent->se.stats.run_ns;
}

/* Nobody's lag was ever beyond @bound_ns, by the policy's own figure. */
static void expect_lag(struct vsim *sim, u64 bound_ns)
{
	s64 bound = bound_ns;

	vsim_figure(sim, "lag %lld to %lld of %lld ns", sim->lag_min,
		    sim->lag_max, bound);
	vsim_expect(sim, sim->lag_max <= bound && sim->lag_min >= -bound,
		    "lag was %lld to %lld ns, bound %lld", sim->lag_min,
		    sim->lag_max, bound);
}

/*
 * Nor, for those that always have work, by the books of the run queue, which
 * the policy does not keep.
 */
static void expect_books(struct vsim *sim, u64 bound_ns)
{
	s64 bound = bound_ns;
	unsigned int i;

	for (i = 0; i < sim->size; i++) {
		struct vsim_ent *ent = &sim->ents[i];

		if (ent->present && ent->load.kind == VSIM_HOG)
			vsim_expect(sim, ent->dev_max <= bound &&
				    ent->dev_min >= -bound,
				    "entity %u was %lld to %lld ns behind, bound %lld",
				    i, ent->dev_min, ent->dev_max, bound);
	}
}

static void expect_share(struct vsim *sim, struct vsim_ent *ent, u64 of_ns,
			 u32 part, u32 parts, u64 slack_ns)
{
	s64 off = ran(ent) - div_u64(of_ns * part, parts);

	vsim_expect(sim, off <= (s64)slack_ns && off >= -(s64)slack_ns,
		    "entity %u is %lld ns off %u/%u of %llu", ent->index, off,
		    part, parts, of_ns);
}

static u64 slice_and_check(const struct vsim *sim)
{
	return sim->rq.slice_ns + sim->check_ns;
}

/* --- fair: shares -------------------------------------------------------- */

static void two_equal(struct vsim *sim)
{
	struct vsim_ent *a = hog(sim, 100), *b = hog(sim, 100);

	vsim_run(sim, 2 * VSIM_S);
	vsim_stop(sim);
	expect_share(sim, a, 2 * VSIM_S, 1, 2, slice_and_check(sim));
	expect_share(sim, b, 2 * VSIM_S, 1, 2, slice_and_check(sim));
	expect_lag(sim, slice_and_check(sim));
	expect_books(sim, slice_and_check(sim));
}

static void three_to_one(struct vsim *sim)
{
	struct vsim_ent *a = hog(sim, 300), *b = hog(sim, 100);

	vsim_run(sim, 2 * VSIM_S);
	vsim_stop(sim);
	expect_share(sim, a, 2 * VSIM_S, 3, 4, slice_and_check(sim));
	expect_share(sim, b, 2 * VSIM_S, 1, 4, slice_and_check(sim));
	expect_lag(sim, slice_and_check(sim));
	expect_books(sim, slice_and_check(sim));
}

static void one_to_thousand(struct vsim *sim)
{
	struct vsim_ent *a = hog(sim, 1), *b = hog(sim, 1000);
	u64 end = 60 * VSIM_S;

	vsim_run(sim, end);
	vsim_stop(sim);
	expect_share(sim, a, end, 1, 1001, slice_and_check(sim));
	expect_share(sim, b, end, 1000, 1001, slice_and_check(sim));
	expect_lag(sim, slice_and_check(sim));
	expect_books(sim, slice_and_check(sim));
}

/* Min-max fairness once the least entitled is due 400 slices. */
static void random_weights(struct vsim *sim)
{
	u64 total = 0, end;
	u32 least = VGPU_WEIGHT_MAX;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		u32 weight = 10 + vsim_random(sim, 91);

		hog(sim, weight);
		total += weight;
		least = min(least, weight);
	}
	end = div_u64(400 * sim->rq.slice_ns * total, least);
	vsim_run(sim, end);
	vsim_stop(sim);
	vsim_expect(sim, vsim_fairness_ppm(sim) >= 990000,
		    "fairness %llu ppm after %llu ns", vsim_fairness_ppm(sim),
		    end);
	expect_lag(sim, slice_and_check(sim));
	expect_books(sim, slice_and_check(sim));
	vsim_figure(sim, "fairness %llu ppm", vsim_fairness_ppm(sim));
}

/* Slices of their own, 0.1 to 20 ms: the longest bounds everybody's lag. */
static void mixed_slices(struct vsim *sim)
{
	u64 longest = 0;
	unsigned int i;

	for (i = 0; i < 32; i++) {
		struct vsim_load load = {
			HOG, .weight = 1 + vsim_random(sim, 1000),
			.slice_ns = 100 * VSIM_US +
				    vsim_random(sim, 20 * VSIM_MS),
		};

		longest = max(longest, load.slice_ns);
		vsim_spawn(sim, &load);
	}
	vsim_run(sim, 60 * VSIM_S);
	vsim_stop(sim);
	expect_lag(sim, longest + sim->check_ns);
	expect_books(sim, longest + sim->check_ns);
}

/* --- fair: naps ---------------------------------------------------------- */

/* However it naps, for a minute or a second, a sleeper gets no more than a hog. */
static void sleeper_gains_nothing(struct vsim *sim)
{
	unsigned int round;
	s64 gain = 0;

	for (round = 0; round < 24; round++) {
		const struct vsim_load nap = {
			.kind = VSIM_CLOSED, .random = vsim_random(sim, 2),
			.cost_ns = VSIM_US << (3 + vsim_random(sim, 12)),
			.gap_ns = VSIM_US << vsim_random(sim, 13),
		};
		struct vsim_ent *a = hog(sim, 100), *b = hog(sim, 100);
		struct vsim_ent *sleeper = vsim_spawn(sim, &nap);
		u64 most = 2 * slice_and_check(sim);

		vsim_run(sim, sim->now + (round % 8 ? 1 : 60) * VSIM_S);
		vsim_stop(sim);
		vsim_expect(sim, ran(sleeper) <= ran(a) + most &&
			    ran(sleeper) <= ran(b) + most,
			    "cost %llu gap %llu: %llu beside %llu and %llu ns",
			    nap.cost_ns, nap.gap_ns, ran(sleeper), ran(a),
			    ran(b));
		gain = max(gain, (s64)(ran(sleeper) - min(ran(a), ran(b))));
		expect_share(sim, a, ran(a) + ran(b), 1, 2, most);
		vsim_kill(sim, a);
		vsim_kill(sim, b);
		vsim_kill(sim, sleeper);
	}
	expect_lag(sim, slice_and_check(sim));
	vsim_figure(sim, "gained %lld of %llu ns at most", gain,
		    2 * slice_and_check(sim));
}

/* What it had coming when it fell asleep for a moment it has still. */
static void naps_keep_credit(struct vsim *sim)
{
	const struct vsim_load nap = {
		.kind = VSIM_CLOSED, .cost_ns = 100 * VSIM_US,
		.gap_ns = VSIM_US,
	};
	struct vsim_ent *ent;
	unsigned int i;

	for (i = 0; i < 3; i++)
		hog(sim, 100);
	ent = vsim_spawn(sim, &nap);
	vsim_run(sim, 10 * VSIM_S);
	vsim_stop(sim);
	/* of a quarter; it does sleep, and each nap ends its turn */
	vsim_expect(sim, ran(ent) >= 10 * VSIM_S / 8, "it got %llu ns of 10 s",
		    ran(ent));
	expect_lag(sim, slice_and_check(sim));
	vsim_figure(sim, "%llu ns of 10 s", ran(ent));
}

/* After a long sleep it gets what it is due from then on, not arrears. */
static void no_arrears(struct vsim *sim)
{
	const struct vsim_load late = { .kind = VSIM_TRACE };
	struct vsim_ent *a = hog(sim, 100), *b = vsim_spawn(sim, &late);
	u64 before;

	vsim_arrive(sim, b, VSIM_MS);
	vsim_run(sim, 30 * VSIM_S);
	vsim_expect(sim, b->se.state == VGPU_SE_IDLE, "it should sleep");
	before = ran(a);
	vsim_arrive(sim, b, VSIM_S);
	vsim_run(sim, sim->now + 100 * VSIM_MS);
	vsim_stop(sim);
	expect_share(sim, b, 100 * VSIM_MS, 1, 2,
		     VSIM_MS + 2 * slice_and_check(sim));
	vsim_expect(sim, ran(a) - before >= 50 * VSIM_MS -
		    2 * slice_and_check(sim), "the hog got %llu ns",
		    ran(a) - before);
	expect_lag(sim, slice_and_check(sim));
}

/* Asks for little and seldom: served within a slice, beside 63 hogs. */
static void light_waker(struct vsim *sim)
{
	const struct vsim_load light = {
		.kind = VSIM_TRACE,
	};
	struct vsim_ent *waker;
	unsigned int i;
	u64 p99;

	for (i = 0; i < 63; i++)
		hog(sim, 100);
	waker = vsim_spawn(sim, &light);
	/* a job each time half of its share for the last one has gone by */
	for (i = 0; i < 1000; i++) {
		u64 cost = 1 + vsim_random(sim, sim->rq.slice_ns / 4);

		vsim_arrive(sim, waker, cost);
		vsim_run(sim, sim->now + 2 * 64 * cost +
			 vsim_exponential(sim, 20 * VSIM_MS));
	}
	vsim_stop(sim);
	p99 = vsim_hist_above(&waker->latency, 10);
	vsim_expect(sim, waker->latency.count > 500, "%llu wake-ups",
		    waker->latency.count);
	vsim_expect(sim, p99 <= sim->rq.slice_ns,
		    "p99 of the wake-up latency is %llu ns", p99);
	expect_lag(sim, slice_and_check(sim));
	vsim_figure(sim, "p99 %llu of %llu ns", p99, sim->rq.slice_ns);
}

/* --- fair: abuse --------------------------------------------------------- */

/* A thousand tiny commands always queued get no more than a long one. */
static void tiny_commands(struct vsim *sim)
{
	const struct vsim_load tiny = {
		.kind = VSIM_HOG, .cost_ns = VSIM_US, .random = true,
	};
	struct vsim_ent *a = vsim_spawn(sim, &tiny), *b = hog(sim, 100);

	vsim_run(sim, 100 * VSIM_MS);
	vsim_stop(sim);
	expect_share(sim, a, 100 * VSIM_MS, 1, 2, slice_and_check(sim));
	expect_share(sim, b, 100 * VSIM_MS, 1, 2, slice_and_check(sim));
	expect_books(sim, slice_and_check(sim));
}

/* What cannot be cut off is charged, and the others are paid back. */
static void long_stretches(struct vsim *sim)
{
	const struct vsim_load rude = {
		.kind = VSIM_HOG, .cost_ns = 50 * VSIM_MS,
		.stretch_ns = 50 * VSIM_MS,
	};
	struct vsim_ent *a = vsim_spawn(sim, &rude), *b, *c;
	u64 bound = 50 * VSIM_MS + slice_and_check(sim);

	b = hog(sim, 100);
	c = hog(sim, 200);
	vsim_run(sim, 20 * VSIM_S);
	vsim_stop(sim);
	expect_share(sim, a, 20 * VSIM_S, 1, 4, bound);
	expect_share(sim, b, 20 * VSIM_S, 1, 4, bound);
	expect_share(sim, c, 20 * VSIM_S, 2, 4, bound);
	expect_lag(sim, bound);
	expect_books(sim, bound);
}

static void thundering_wakeups(struct vsim *sim)
{
	const struct vsim_load herd = { .kind = VSIM_TRACE };
	struct vsim_ent *ents[200];
	unsigned int i, round;

	for (i = 0; i < 4; i++)
		hog(sim, 100);
	for (i = 0; i < ARRAY_SIZE(ents); i++)
		ents[i] = vsim_spawn(sim, &herd);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < ARRAY_SIZE(ents); i++)
			vsim_arrive(sim, ents[i], 100 * VSIM_US);
		vsim_run(sim, sim->now + 100 * VSIM_MS);
	}
	vsim_stop(sim);
	for (i = 0; i < ARRAY_SIZE(ents); i++)
		vsim_expect(sim, ents[i]->response.count == 20,
			    "entity %u finished %llu of 20 jobs",
			    ents[i]->index, ents[i]->response.count);
	vsim_expect(sim, vsim_fairness_ppm(sim) >= 980000,
		    "fairness of the hogs %llu ppm", vsim_fairness_ppm(sim));
	expect_lag(sim, slice_and_check(sim));
}

/* Entities come and go in all states; those that stay notice nothing. */
static void churn(struct vsim *sim)
{
	struct vsim_ent *stay[2] = { hog(sim, 100), hog(sim, 300) };
	unsigned int step, i;

	for (step = 0; step < 4000; step++) {
		struct vsim_ent *ent = &sim->ents[2 + vsim_random(sim, 30)];
		struct vsim_load load = {
			.kind = vsim_random(sim, 3), .random = true,
			.weight = 1 + vsim_random(sim, VGPU_WEIGHT_MAX),
			.cost_ns = 1 + vsim_random(sim, 3 * VSIM_MS),
			.gap_ns = 20 * VSIM_US + vsim_random(sim, 3 * VSIM_MS),
		};
		u64 load_sum = 0;

		if (ent->present)
			vsim_kill(sim, ent);
		else
			vsim_spawn(sim, &load);
		for (i = 0; i < sim->size; i++)
			if (sim->ents[i].present &&
			    sim->ents[i].se.state != VGPU_SE_IDLE)
				load_sum += sim->ents[i].se.weight;
		vsim_expect(sim, load_sum == sim->rq.load, "step %u: %llu, %llu",
			    step, load_sum, sim->rq.load);
		vsim_run(sim, sim->now + vsim_random(sim, 2 * VSIM_MS));
	}
	vsim_stop(sim);
	for (i = 0; i < 2; i++)
		vsim_expect(sim, ran(stay[i]) > 0, "entity %u never ran", i);
	expect_lag(sim, slice_and_check(sim));
}

/* Who is destroyed ahead of its share, and made again, gets no more by that. */
static void rebirth_gains_nothing(struct vsim *sim)
{
	struct vsim_ent *stays = hog(sim, 100), *ent;
	unsigned int round, i;
	u64 reborn = 0, end;
	s64 gain = 0, begin;

	for (round = 0; round < 24; round++) {
		/* a life is that long, or any length up to that */
		u64 life = (10 + vsim_random(sim, 400)) * 10 * VSIM_US;

		begin = reborn - ran(stays);
		for (i = 0; i < 1000; i++) {
			ent = hog(sim, 100);
			end = round % 2 ? life : 1 + vsim_random(sim, life);
			while (ran(ent) < end) {
				vsim_run(sim, sim->now + 50 * VSIM_US);
				if (ent == sim->curr &&
				    ran(ent) + sim->now - sim->run_from >= end)
					vsim_stop(sim);
			}
			if (sim->curr)
				vsim_stop(sim);
			reborn += ran(ent);
			vsim_kill(sim, ent);
			vsim_expect(sim, stays->se.stats.wait_max_ns <=
				    3 * slice_and_check(sim),
				    "lives of %llu: it waited %llu ns", life,
				    stays->se.stats.wait_max_ns);
		}
		gain = max(gain, (s64)(reborn - ran(stays)) - begin);
	}
	vsim_expect(sim, gain <= 2 * slice_and_check(sim), "gained %lld ns",
		    gain);
	expect_lag(sim, slice_and_check(sim));
	vsim_figure(sim, "gained %lld of %llu ns", gain,
		    2 * slice_and_check(sim));
}

/* New weights at any moment: what was due stays due. */
static void weights_change(struct vsim *sim)
{
	unsigned int step, i;

	for (i = 0; i < 8; i++)
		hog(sim, 100);
	for (step = 0; step < 4000; step++) {
		vsim_run(sim, sim->now + vsim_random(sim, VSIM_MS));
		if (sim->curr && vsim_random(sim, 4))
			vsim_stop(sim);
		vgpu_rq_set_weight(&sim->rq,
				   &sim->ents[vsim_random(sim, 8)].se,
				   1 + vsim_random(sim, VGPU_WEIGHT_MAX),
				   sim->now);
	}
	vsim_stop(sim);
	expect_lag(sim, slice_and_check(sim));
	expect_books(sim, slice_and_check(sim));
}

/*
 * Virtual time wraps, 2^54 ns of service at weight 1, while two compete who
 * overrun by a minute at a time and one sleeps for years.
 */
static void simulated_years(struct vsim *sim)
{
	const struct vsim_load rude = {
		.kind = VSIM_HOG, .weight = 1, .cost_ns = 59 * VSIM_S,
		.stretch_ns = 59 * VSIM_S,
	};
	const struct vsim_load late = { .kind = VSIM_TRACE, .weight = 1 };
	struct vsim_ent *a = vsim_spawn(sim, &rude), *b = vsim_spawn(sim, &rude);
	struct vsim_ent *c = vsim_spawn(sim, &late);
	u64 month = 30ULL * 86400 * VSIM_S;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		vsim_arrive(sim, c, VSIM_MS);
		vsim_run(sim, sim->now + month);
		vsim_expect(sim, c->response.count == i + 1 &&
			    c->response.max <= 120 * VSIM_S,
			    "month %u: the sleeper finished %llu, in %llu ns", i,
			    c->response.count, c->response.max);
		expect_share(sim, a, ran(a) + ran(b), 1, 2, 60 * VSIM_S);
	}
	vsim_expect(sim, sim->now > 1ULL << 55, "only %llu ns", sim->now);
	expect_lag(sim, 60 * VSIM_S);
}

/* --- mechanism ----------------------------------------------------------- */

static void strict_rotation(struct vsim *sim)
{
	unsigned int i, n = 17;
	u64 slice;

	for (i = 0; i < n; i++)
		hog(sim, 1 + i * 100);
	for (i = 0; i < 10 * n; i++) {
		struct vgpu_se *se = vgpu_rq_pick(&sim->rq, sim->now, &slice);

		vsim_expect(sim, se && se->id == i % n, "turn %u went to %d", i,
			    se ? (int)se->id : -1);
		if (!se)
			return;
		vsim_note(sim, sim->now, se->id, slice);
		sim->now += slice;
		vgpu_rq_put(&sim->rq, se, slice, sim->now, true, i & 1);
	}
}

/* A random walk over all calls, beside a model of what must come out. */
static void any_order(struct vsim *sim)
{
	const struct vsim_load idle = { .kind = VSIM_TRACE };
	u64 slice, slices = 0, wakeups = 0;
	struct vgpu_rq *rq = &sim->rq;
	unsigned int step, i;

	for (i = 0; i < 12; i++)
		vsim_spawn(sim, &idle);
	for (step = 0; step < 30000; step++) {
		struct vgpu_se *se = &sim->ents[vsim_random(sim, 12)].se;
		struct vgpu_se *curr = rq->curr;
		enum vgpu_se_state was = se->state;
		unsigned int queued = 0;
		u64 load = 0;

		sim->now += vsim_random(sim, VSIM_MS);
		switch (vsim_random(sim, 8)) {
		case 0:
		case 1:
			vsim_note(sim, sim->now, se->id,
				  vgpu_rq_wake(rq, se, sim->now));
			wakeups += was == VGPU_SE_IDLE;
			vsim_expect(sim, se->state != VGPU_SE_IDLE, "%u", step);
			break;
		case 2:
			vgpu_rq_block(rq, se, sim->now);
			vsim_expect(sim, se->state != VGPU_SE_QUEUED, "%u",
				    step);
			break;
		case 3:
		case 4:
			if (curr)
				break;
			queued = rq->nr_queued;
			curr = vgpu_rq_pick(rq, sim->now, &slice);
			/* a policy with caps may hold back, but says so */
			vsim_expect(sim, !curr == !queued || slice,
				    "%u: %u queued", step, queued);
			queued = 0;
			slices += !!curr;
			vsim_note(sim, sim->now, curr ? curr->id : U32_MAX,
				  slice);
			break;
		case 5:
			if (curr)
				vgpu_rq_charge(rq, curr,
					       vsim_random(sim, VSIM_MS),
					       sim->now);
			break;
		case 6:
			if (curr)
				vgpu_rq_put(rq, curr,
					    vsim_random(sim, VSIM_MS),
					    sim->now, vsim_random(sim, 2),
					    vsim_random(sim, 2));
			break;
		case 7:
			vgpu_rq_set_weight(rq, se,
					   vsim_random(sim, 20000), sim->now);
			vgpu_rq_set_priority(rq, se, vsim_random(sim, 10),
					     sim->now);
			break;
		}
		for (i = 0; i < 12; i++) {
			se = &sim->ents[i].se;
			queued += se->state == VGPU_SE_QUEUED;
			load += se->state != VGPU_SE_IDLE ? se->weight : 0;
			vsim_expect(sim, (se->state == VGPU_SE_RUNNING) ==
				    (se == rq->curr), "%u: entity %u", step, i);
		}
		vsim_expect(sim, queued == rq->nr_queued && load == rq->load,
			    "%u: %u/%u queued, load %llu/%llu", step, queued,
			    rq->nr_queued, load, rq->load);
	}
	if (rq->curr)
		vgpu_rq_put(rq, rq->curr, 0, sim->now, false, false);
	for (i = 0; i < 12; i++) {
		struct vgpu_se_stats stats;

		vgpu_se_stats(rq, &sim->ents[i].se, sim->now, &stats);
		vsim_note(sim, sim->now, i, stats.run_ns);
		vsim_note(sim, sim->now, i, stats.wait_ns);
		vsim_note(sim, sim->now, i, stats.entitled_ns);
		slices -= stats.slices;
		wakeups -= stats.wakeups;
	}
	vsim_expect(sim, !slices && !wakeups, "%llu slices, %llu wake-ups lost",
		    slices, wakeups);
}

/* Entitlements add up to the service, whatever happens. */
static void books_balance(struct vsim *sim)
{
	s64 due = 0, got = 0;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		const struct vsim_load load = {
			.kind = vsim_random(sim, 3), .random = true,
			.weight = 1 + vsim_random(sim, VGPU_WEIGHT_MAX),
			.cost_ns = 1 + vsim_random(sim, 3 * VSIM_MS),
			.gap_ns = 20 * VSIM_US + vsim_random(sim, 3 * VSIM_MS),
		};

		vsim_spawn(sim, &load);
	}
	vsim_run(sim, 10 * VSIM_S);
	vsim_stop(sim);
	for (i = 0; i < 20; i++) {
		struct vgpu_se_stats stats;

		vgpu_se_stats(&sim->rq, &sim->ents[i].se, sim->now, &stats);
		due += stats.entitled_ns;
		got += stats.run_ns;
	}
	vsim_expect(sim, got == (s64)sim->busy_ns && got >= due &&
		    got - due <= 40, "served %llu, received %lld, due %lld",
		    sim->busy_ns, got, due);
	vsim_expect(sim, sim->busy_ns + sim->idle_ns == sim->now,
		    "busy %llu idle %llu of %llu", sim->busy_ns, sim->idle_ns,
		    sim->now);
}

/* Policies change under load and nothing is lost. */
static void policy_switches(struct vsim *sim)
{
	static const char * const names[] = {
		"rr", "fair", "prio", "mlfq", "burst",
	};
	const struct vsim_load jobs = {
		.kind = VSIM_POISSON, .random = true,
		.cost_ns = 200 * VSIM_US, .gap_ns = 10 * VSIM_MS,
	};
	unsigned int step, i;

	for (i = 0; i < 4; i++)
		hog(sim, 100);
	for (i = 0; i < 8; i++)
		vsim_spawn(sim, &jobs);
	for (step = 0; step < 1000; step++) {
		const struct vgpu_policy *old = sim->rq.policy, *policy;

		vsim_run(sim, sim->now + vsim_random(sim, 5 * VSIM_MS));
		policy = vgpu_policy_get(names[vsim_random(sim, ARRAY_SIZE(names))]);
		vgpu_rq_set_policy(&sim->rq, policy, sim->now);
		vgpu_policy_put(old);
	}
	vsim_run(sim, sim->now + 500 * VSIM_MS);
	vsim_stop(sim);
	for (i = 0; i < 12; i++) {
		struct vsim_ent *ent = &sim->ents[i];

		vsim_expect(sim, ent->se.stats.wait_max_ns < 500 * VSIM_MS,
			    "entity %u waited %llu ns", i,
			    ent->se.stats.wait_max_ns);
		if (ent->load.kind == VSIM_POISSON)
			vsim_expect(sim, !ent->dropped &&
				    ent->response.count > 100 &&
				    ent->jobs_count < 20,
				    "entity %u: %llu jobs done, %u left", i,
				    ent->response.count, ent->jobs_count);
	}
	vsim_expect(sim, !sim->rq.ejections, "%llu ejections",
		    sim->rq.ejections);
}

const struct vsim_scenario vsim_scenarios_fair[] = {
	{ "two_equal", "fair", 2, two_equal },
	{ "three_to_one", "fair", 2, three_to_one },
	{ "one_to_thousand", "fair", 2, one_to_thousand },
	{ "random_weights", "fair", 64, random_weights },
	{ "mixed_slices", "fair", 32, mixed_slices },
	{ "sleeper_gains_nothing", "fair", 3, sleeper_gains_nothing },
	{ "naps_keep_credit", "fair", 4, naps_keep_credit },
	{ "no_arrears", "fair", 2, no_arrears },
	{ "light_waker", "fair", 64, light_waker },
	{ "tiny_commands", "fair", 2, tiny_commands },
	{ "long_stretches", "fair", 3, long_stretches },
	{ "thundering_wakeups", "fair", 204, thundering_wakeups },
	{ "churn", "fair", 32, churn },
	{ "rebirth_gains_nothing", "fair", 2, rebirth_gains_nothing },
	{ "weights_change", "fair", 8, weights_change },
	{ "simulated_years", "fair", 3, simulated_years },
	{ "strict_rotation", "rr", 17, strict_rotation },
	{ "any_order", "rr", 12, any_order },
	{ "any_order_fair", "fair", 12, any_order },
	{ "any_order_prio", "prio", 12, any_order },
	{ "any_order_mlfq", "mlfq", 12, any_order },
	{ "any_order_fixed", "fixed", 12, any_order },
	{ "any_order_burst", "burst", 12, any_order },
	{ "books_balance", "fair", 20, books_balance },
	{ "policy_switches", "rr", 12, policy_switches },
	{}
};

const struct vsim_scenario *vsim_scenario_at(unsigned int n)
{
	static const struct vsim_scenario * const tables[] = {
		vsim_scenarios_fair, vsim_scenarios_policy,
		vsim_scenarios_misbehave, vsim_scenarios_governor,
		vsim_scenarios_lines,
	};
	const struct vsim_scenario *scenario;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (scenario = tables[i]; scenario->name; scenario++)
			if (!n--)
				return scenario;
	return NULL;
}

int vsim_scenario_init(struct vsim *sim, const struct vsim_scenario *scenario,
		       u64 seed)
{
	const struct vgpu_policy *policy = vgpu_policy_get(scenario->policy);
	int ret;

	if (!policy)
		return -ENOENT;
	ret = vsim_init(sim, policy, scenario->size, seed);
	if (ret)
		vgpu_policy_put(policy);
	return ret;
}

void vsim_scenario_run(struct vsim *sim, const struct vsim_scenario *scenario)
{
	scenario->run(sim);
	vsim_expect(sim, sim->events, "nothing was noted");
}
