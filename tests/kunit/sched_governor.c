// SPDX-License-Identifier: GPL-2.0
/*
 * The governor under hostile shapes of load, in virtual time: first its decision
 * alone, fed with made-up samples, then beside an engine whose load it samples and
 * whose slices it sets.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <vgpu/governor.h>

#include "sched_sim.h"

#define PERIOD	VGPU_GOV_PERIOD_NS
#define DWELL	VGPU_GOV_DWELL_NS

/**
 * struct fed - a governor and what it did
 * @gov: the governor
 * @now: of the last sample
 * @last: when the mode changed last, or 0
 * @visited: bit for each mode entered
 * @change: the latest
 */
struct fed {
	struct vgpu_gov gov;
	u64 now;
	u64 last;
	unsigned long visited;
	struct vgpu_gov_change change;
};

static void begin(struct fed *f, enum vgpu_gov_mode mode)
{
	memset(f, 0, sizeof(*f));
	f->now = VSIM_S;
	vgpu_gov_init(&f->gov, mode, f->now);
}

/* What it makes of its samples, all of it. */
static void note(struct vsim *sim, const struct vgpu_gov *gov, u64 now)
{
	const struct vgpu_gov_view *v = &gov->view;

	vsim_note(sim, now, gov->mode, (u64)v->mean << 32 | v->deviation);
	vsim_note(sim, now, v->overhead, (u64)v->demand << 32 | (u32)v->trend);
	vsim_note(sim, now, v->switches, gov->changes);
}

/* One sample later; whatever the load, the dwell times are kept. */
static bool feed(struct vsim *sim, struct fed *f,
		 const struct vgpu_gov_sample *sample)
{
	enum vgpu_gov_mode mode = f->gov.mode;
	u64 dwell = mode == VGPU_GOV_EMERGENCY ? VGPU_GOV_EMERGENCY_DWELL_NS :
						 DWELL;
	u64 from = f->last ?: VSIM_S;
	bool changed;

	f->now += PERIOD;
	changed = vgpu_gov_feed(&f->gov, sample, f->now, &f->change);
	note(sim, &f->gov, f->now);
	vsim_expect(sim, changed == (mode != f->gov.mode),
		    "said %d, went from %s to %s", changed,
		    vgpu_gov_mode_name(mode), vgpu_gov_mode_name(f->gov.mode));
	vsim_expect(sim, f->gov.view.demand <= VGPU_GOV_FULL &&
		    f->gov.view.mean <= VGPU_GOV_FULL &&
		    f->gov.view.deviation <= VGPU_GOV_FULL / 2 + 1,
		    "demand %u, mean %u, deviation %u", f->gov.view.demand,
		    f->gov.view.mean, f->gov.view.deviation);
	if (!changed)
		return false;
	vsim_expect(sim, f->change.from == mode && f->change.to == f->gov.mode,
		    "told of %d to %d", f->change.from, f->change.to);
	vsim_expect(sim, f->now - from >= dwell, "%s was left after %llu ns",
		    vgpu_gov_mode_name(mode), f->now - from);
	f->last = f->now;
	f->visited |= BIT(f->gov.mode);
	return true;
}

static void feed_busy(struct vsim *sim, struct fed *f, u32 busy, unsigned int n)
{
	const struct vgpu_gov_sample s = { .busy = busy, .switches = 100 };

	while (n--)
		feed(sim, f, &s);
}

static void expect_mode(struct vsim *sim, const struct fed *f,
			enum vgpu_gov_mode mode)
{
	vsim_expect(sim, f->gov.mode == mode, "mode is %s, not %s",
		    vgpu_gov_mode_name(f->gov.mode), vgpu_gov_mode_name(mode));
}

/* Each mode is reached, for its reason, and left. */
static void every_mode(struct vsim *sim)
{
	struct vgpu_gov_sample s = { .busy = 950, .switches = 500 };
	struct fed f;
	unsigned int i;

	begin(&f, VGPU_GOV_BALANCED);
	feed_busy(sim, &f, 500, 80);
	expect_mode(sim, &f, VGPU_GOV_BALANCED);
	feed_busy(sim, &f, 950, 80);
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, f.change.reason == VGPU_GOV_LOAD, "reason %d",
		    f.change.reason);
	/* below where it is entered, above where left */
	feed_busy(sim, &f, VGPU_GOV_BUSY_LEAVE + 10, 80);
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	feed_busy(sim, &f, 500, 80);
	expect_mode(sim, &f, VGPU_GOV_BALANCED);
	feed_busy(sim, &f, 50, 80);
	expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
	/* slowly: a step is a deviation, and that is demand */
	for (i = 50; i <= VGPU_GOV_CALM_LEAVE - 50; i += 2)
		feed_busy(sim, &f, i, 1);
	feed_busy(sim, &f, VGPU_GOV_CALM_LEAVE - 50, 80);
	expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
	feed_busy(sim, &f, 500, 80);
	expect_mode(sim, &f, VGPU_GOV_BALANCED);

	s.memory = 960;
	for (i = 0; i < 40; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_EMERGENCY);
	vsim_expect(sim, f.change.reason == VGPU_GOV_MEMORY, "reason %d",
		    f.change.reason);
	s.memory = 910;		/* below where it is entered, above where left */
	for (i = 0; i < 100; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_EMERGENCY);
	s.memory = 890;
	for (i = 0; i < 40; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, f.change.reason == VGPU_GOV_RELIEF, "reason %d",
		    f.change.reason);

	s.memory = 0;
	s.overhead = 200;
	for (i = 0; i < 40; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_EMERGENCY);
	vsim_expect(sim, f.change.reason == VGPU_GOV_OVERHEAD, "reason %d",
		    f.change.reason);
	s.overhead = 25;	/* what is left of it with slices of 8 ms */
	for (i = 0; i < 100; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_EMERGENCY);
	s.overhead = 5;
	for (i = 0; i < 60; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, f.visited == BIT(VGPU_GOV_MODES) - 1,
		    "modes %lx were entered", f.visited);
	vgpu_gov_count(&f.gov, f.now + 7);
	vsim_expect(sim, f.gov.time_ns[0] + f.gov.time_ns[1] +
		    f.gov.time_ns[2] + f.gov.time_ns[3] == f.now + 7 - VSIM_S,
		    "the times in the modes do not add up");
	vsim_expect(sim, f.gov.changes + 1 == f.gov.entered[0] +
		    f.gov.entered[1] + f.gov.entered[2] + f.gov.entered[3],
		    "%llu changes", f.gov.changes);
}

/* Full memory is no emergency by itself. */
static void full_memory_alone(struct vsim *sim)
{
	struct vgpu_gov_sample s = { .memory = 1000 };
	struct fed f;
	unsigned int i;

	begin(&f, VGPU_GOV_BALANCED);
	s.busy = 1000;		/* one vGPU has it all, and nobody to share with */
	s.switches = 2;
	for (i = 0; i < 100; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	s.busy = 100;		/* many, that do little */
	s.switches = 500;
	for (i = 0; i < 100; i++)
		feed(sim, &f, &s);
	expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
}

/*
 * A square wave of every period around the dwell times, and of every amplitude:
 * after the beginning never more than one change each two seconds, and none when
 * a wave is shorter than the calm that a calmer mode needs.
 */
static void oscillation(struct vsim *sim)
{
	u32 half, low, high;
	struct fed f;
	u64 worst = 0;

	for (half = 1; half <= 60; half++) {
		for (low = 0; low <= 600; low += 150) {
			for (high = low + 100; high <= 1000; high += 150) {
				u64 settled = 0;
				unsigned int i;

				begin(&f, VGPU_GOV_BALANCED);
				for (i = 0; i < 1200; i++) {
					if (i == 200)
						settled = f.gov.changes;
					feed_busy(sim, &f,
						  i / half % 2 ? high : low, 1);
				}
				settled = f.gov.changes - settled;
				worst = max(worst, settled);
				/* one each two seconds: a calm, and a dwell time */
				vsim_expect(sim, settled <= 50 &&
					    (settled == 0 || half > 15),
					    "half %u, %u to %u: %llu changes",
					    half, low, high, settled);
			}
		}
	}
	vsim_figure(sim, "%llu changes in 100 s at most", worst);
}

/* The mode that a constant load calls for is found, and kept for ever. */
static void constant_load(struct vsim *sim)
{
	u32 busy;

	for (busy = 0; busy <= 1000; busy += 10) {
		enum vgpu_gov_mode mode;

		for (mode = VGPU_GOV_PERFORMANCE; mode < VGPU_GOV_MODES; mode++) {
			struct fed f;

			begin(&f, mode);
			feed_busy(sim, &f, busy, 600);
			vsim_expect(sim, f.gov.changes <= 1 &&
				    f.now - max(f.last, VSIM_S) >= 55 * VSIM_S,
				    "%llu changes at %u", f.gov.changes, busy);
			if (busy >= VGPU_GOV_BUSY_ENTER)
				expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
			else if (busy <= VGPU_GOV_CALM_ENTER)
				expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
			else if (busy > VGPU_GOV_CALM_LEAVE &&
				 busy < VGPU_GOV_BUSY_LEAVE)
				expect_mode(sim, &f, VGPU_GOV_BALANCED);
		}
	}
}

/* A step is answered within a second and a half, with one change. */
static void step(struct vsim *sim)
{
	struct fed f;
	u64 at;

	begin(&f, VGPU_GOV_POWER_SAVE);
	feed_busy(sim, &f, 50, 100);
	expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
	at = f.now;
	feed_busy(sim, &f, 1000, 100);
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, f.last - at <= 15 * PERIOD && f.gov.changes <= 2,
		    "took %llu ns and %llu changes", f.last - at,
		    f.gov.changes);
	vsim_figure(sim, "a step up is answered after %llu ms",
		    div_u64(f.last - at, VSIM_MS));
	at = f.now;
	feed_busy(sim, &f, 50, 100);
	expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
	vsim_expect(sim, f.last - at <= 60 * PERIOD && f.gov.changes <= 3,
		    "down took %llu ns and %llu changes", f.last - at,
		    f.gov.changes);
}

/* A ramp is seen coming: performance before the load itself is there. */
static void ramp(struct vsim *sim)
{
	struct fed f;
	u32 busy = 400;

	begin(&f, VGPU_GOV_BALANCED);
	feed_busy(sim, &f, busy, 50);
	expect_mode(sim, &f, VGPU_GOV_BALANCED);
	while (busy < 1000 && f.gov.mode == VGPU_GOV_BALANCED) {
		busy += 10;
		feed_busy(sim, &f, busy, 1);
	}
	expect_mode(sim, &f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, busy < VGPU_GOV_BUSY_ENTER && f.change.view.trend > 0,
		    "at %u, trend %d", busy, f.change.view.trend);
	vsim_figure(sim, "performance at %u permille, trend %d a second", busy,
		    f.change.view.trend);
	/* and down again, as steadily: each mode once */
	for (; busy; busy -= 10)
		feed_busy(sim, &f, busy, 1);
	feed_busy(sim, &f, 0, 50);
	expect_mode(sim, &f, VGPU_GOV_POWER_SAVE);
	vsim_expect(sim, f.gov.changes <= 3, "%llu changes", f.gov.changes);
}

/* Noise around a threshold: hysteresis is wider than it. */
static void noise(struct vsim *sim)
{
	static const u32 around[] = {
		VGPU_GOV_BUSY_ENTER, VGPU_GOV_BUSY_LEAVE, VGPU_GOV_CALM_ENTER,
		VGPU_GOV_CALM_LEAVE, 500,
	};
	unsigned int i, j;
	u64 worst = 0;

	for (i = 0; i < ARRAY_SIZE(around); i++) {
		struct fed f;

		begin(&f, VGPU_GOV_BALANCED);
		for (j = 0; j < 6000; j++)
			feed_busy(sim, &f, around[i] - 60 +
				  vsim_random(sim, 121), 1);
		/* ten minutes */
		vsim_expect(sim, f.gov.changes <= 30, "%llu changes around %u",
			    f.gov.changes, around[i]);
		worst = max(worst, f.gov.changes);
	}
	vsim_figure(sim, "%llu changes in 10 minutes at most", worst);
}

/* Anything at all, gaps and emergencies included: the books stay right. */
static void any_load(struct vsim *sim)
{
	struct fed f;
	unsigned int i;

	begin(&f, VGPU_GOV_BALANCED);
	for (i = 0; i < 20000; i++) {
		struct vgpu_gov_sample s = {
			.busy = vsim_random(sim, 1200),
			.memory = vsim_random(sim, 1200),
			.overhead = vsim_random(sim, 2) * vsim_random(sim, 400),
			.switches = vsim_random(sim, 2000),
		};

		if (!vsim_random(sim, 50)) {
			u64 periods = vsim_random(sim, 100);

			vgpu_gov_idle(&f.gov, periods);
			f.now += periods * PERIOD;
		}
		if (!vsim_random(sim, 500)) {
			vgpu_gov_set(&f.gov, vsim_random(sim, VGPU_GOV_MODES),
				     f.now);
			f.last = f.now;
		}
		feed(sim, &f, &s);
	}
	vgpu_gov_count(&f.gov, f.now);
	vsim_expect(sim, f.gov.time_ns[0] + f.gov.time_ns[1] +
		    f.gov.time_ns[2] + f.gov.time_ns[3] == f.now - VSIM_S,
		    "the times in the modes do not add up");
	vsim_expect(sim, f.gov.changes <= div_u64(f.now, DWELL), "%llu changes",
		    f.gov.changes);
}

/* Values and times that no GPU has. */
static void extremes(struct vsim *sim)
{
	const struct vgpu_gov_sample wild = { ~0U, ~0U, ~0U, ~0U };
	const struct vgpu_gov_sample none = { };
	struct vgpu_gov_change change;
	enum vgpu_gov_mode mode;
	struct vgpu_gov gov;
	unsigned int i;

	vgpu_gov_init(&gov, VGPU_GOV_BALANCED, ~0ULL - 20 * VSIM_S);
	for (i = 0; i < 100; i++) {
		u64 at = ~0ULL - 20 * VSIM_S + i * PERIOD;

		vgpu_gov_feed(&gov, i % 2 ? &wild : &none, at, &change);
		note(sim, &gov, at);
	}
	vsim_expect(sim, gov.mode == VGPU_GOV_EMERGENCY &&
		    gov.view.switches == ~0U / 2 && gov.view.mean == 500 &&
		    gov.view.deviation == 500 && gov.view.demand == 1000,
		    "mode %d, %u switches, mean %u, deviation %u", gov.mode,
		    gov.view.switches, gov.view.mean, gov.view.deviation);
	/* a clock that goes back, and one that jumps to the end */
	vgpu_gov_feed(&gov, &none, 1, &change);
	vgpu_gov_idle(&gov, ~0ULL);
	vgpu_gov_feed(&gov, &none, ~0ULL, &change);
	note(sim, &gov, ~0ULL);
	vsim_expect(sim, gov.view.overhead == 0 && gov.view.mean == 0,
		    "an endless gap left %u", gov.view.mean);
	vsim_expect(sim, gov.time_ns[0] + gov.time_ns[1] + gov.time_ns[2] +
		    gov.time_ns[3] == 20 * VSIM_S, "times do not add up");

	for (mode = 0; mode < VGPU_GOV_MODES; mode++) {
		u64 slice = vgpu_gov_slice(mode, 0);

		vsim_expect(sim, slice >= VGPU_SLICE_MIN_NS &&
			    slice <= VGPU_SLICE_MAX_NS &&
			    vgpu_gov_threshold(mode, slice) <= slice / 2,
			    "%s has %llu ns", vgpu_gov_mode_name(mode), slice);
		vsim_expect(sim, vgpu_gov_slice(mode, 12345) == 12345,
			    "%s overrules", vgpu_gov_mode_name(mode));
		vsim_expect(sim, vgpu_gov_threshold(mode, ~0ULL) <=
			    VGPU_SLICE_MAX_NS / 2, "%s is beyond any slice",
			    vgpu_gov_mode_name(mode));
	}
	vsim_expect(sim, vgpu_gov_slice(VGPU_GOV_BALANCED, 0) ==
		    VGPU_SLICE_DEFAULT_NS, "balanced is not the default");
	/* what makes the gap between entering and leaving wide enough */
	vsim_expect(sim, VGPU_GOV_OVERHEAD_ENTER >
		    VGPU_GOV_OVERHEAD_LEAVE *
		    div64_u64(vgpu_gov_slice(VGPU_GOV_EMERGENCY, 0),
			      vgpu_gov_slice(VGPU_GOV_PERFORMANCE, 0)),
		    "emergency would end by its own effect");
}

/* --- beside an engine ---------------------------------------------------- */

struct loop {
	struct fed f;
	u64 busy, switches;
};

static void apply(struct vsim *sim, enum vgpu_gov_mode mode)
{
	u64 slice = vgpu_gov_slice(mode, 0);

	vgpu_rq_set_slice(&sim->rq, slice);
	vgpu_rq_set_threshold(&sim->rq, vgpu_gov_threshold(mode, slice));
}

/* As the core does it, but that time is virtual. */
static void govern(struct vsim *sim, struct loop *l, u64 until)
{
	while (sim->now < until) {
		struct vgpu_gov_sample s = { };
		u64 from = sim->now, spent;

		vsim_run(sim, from + PERIOD);
		s.switches = (sim->switches - l->switches) * 10;
		spent = (sim->switches - l->switches) * sim->switch_ns;
		s.overhead = min(div_u64(spent * 1000, PERIOD), 1000ULL);
		s.busy = min(div_u64((sim->busy_ns - l->busy + spent) * 1000,
				     PERIOD), 1000ULL);
		l->busy = sim->busy_ns;
		l->switches = sim->switches;
		if (feed(sim, &l->f, &s))
			apply(sim, l->f.gov.mode);
	}
}

static void spawn_hogs(struct vsim *sim, unsigned int n)
{
	const struct vsim_load load = { .kind = VSIM_HOG, .cost_ns = VSIM_S };

	while (n--)
		vsim_spawn(sim, &load);
}

static void kill_all(struct vsim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->size; i++)
		if (sim->ents[i].present)
			vsim_kill(sim, &sim->ents[i]);
}

/* A day of a GPU: calm, loaded, calm. Slices and switches follow. */
static void governed_day(struct vsim *sim)
{
	const struct vsim_load calm = {
		.kind = VSIM_POISSON, .random = true,
		.cost_ns = VSIM_MS, .gap_ns = 80 * VSIM_MS,
	};
	struct loop l = { };
	unsigned int i;

	begin(&l.f, VGPU_GOV_BALANCED);
	apply(sim, VGPU_GOV_BALANCED);
	sim->switch_ns = 20 * VSIM_US;
	for (i = 0; i < 4; i++)
		vsim_spawn(sim, &calm);
	govern(sim, &l, 20 * VSIM_S);
	expect_mode(sim, &l.f, VGPU_GOV_POWER_SAVE);
	vsim_expect(sim, sim->rq.slice_ns == 4 * VSIM_MS &&
		    sim->rq.threshold_ns == 2 * VSIM_MS, "slice %llu",
		    sim->rq.slice_ns);
	spawn_hogs(sim, 4);
	govern(sim, &l, 40 * VSIM_S);
	expect_mode(sim, &l.f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, sim->rq.slice_ns == VSIM_MS &&
		    !sim->rq.threshold_ns, "slice %llu", sim->rq.slice_ns);
	kill_all(sim);
	for (i = 0; i < 4; i++)
		vsim_spawn(sim, &calm);
	govern(sim, &l, 60 * VSIM_S);
	expect_mode(sim, &l.f, VGPU_GOV_POWER_SAVE);
	vsim_expect(sim, l.f.gov.changes <= 10, "%llu changes",
		    l.f.gov.changes);
	vsim_stop(sim);
	vsim_figure(sim, "%llu changes in a minute", l.f.gov.changes);
}

/*
 * A switch of 250 us takes a fifth of the time in slices of 1 ms, and a
 * thirty-third in those of an emergency: it starts, and does not end by what it
 * does itself.
 */
static void governed_thrashing(struct vsim *sim)
{
	struct loop l = { };

	begin(&l.f, VGPU_GOV_BALANCED);
	apply(sim, VGPU_GOV_BALANCED);
	sim->switch_ns = 250 * VSIM_US;
	spawn_hogs(sim, 8);
	govern(sim, &l, 120 * VSIM_S);
	vsim_stop(sim);
	expect_mode(sim, &l.f, VGPU_GOV_EMERGENCY);
	vsim_expect(sim, l.f.gov.changes <= 2 &&
		    l.f.change.reason == VGPU_GOV_OVERHEAD,
		    "%llu changes, reason %d", l.f.gov.changes,
		    l.f.change.reason);
	vsim_figure(sim, "overhead %u permille before, %u in the emergency",
		    l.f.change.view.overhead, l.f.gov.view.overhead);
	vsim_expect(sim, l.f.gov.view.overhead < 40, "overhead is still %u",
		    l.f.gov.view.overhead);
	kill_all(sim);
	spawn_hogs(sim, 1);		/* alone: nobody to switch to */
	govern(sim, &l, 150 * VSIM_S);
	expect_mode(sim, &l.f, VGPU_GOV_PERFORMANCE);
	vsim_expect(sim, l.f.change.reason == VGPU_GOV_RELIEF, "reason %d",
		    l.f.change.reason);
}

/*
 * Modes that change all the time, under fair: no lag beyond the longest slice of
 * any, and light work that wakes up beside 63 hogs is served within that.
 */
static void modes_keep_fair(struct vsim *sim)
{
	const struct vsim_load light = { .kind = VSIM_TRACE };
	s64 bound = vgpu_gov_slice(VGPU_GOV_EMERGENCY, 0) + sim->check_ns;
	struct vsim_ent *ent;
	unsigned int i;

	spawn_hogs(sim, 63);
	ent = vsim_spawn(sim, &light);
	for (i = 0; i < 1000; i++) {
		u64 cost = 1 + vsim_random(sim, 250 * VSIM_US);

		apply(sim, vsim_random(sim, VGPU_GOV_MODES));
		vsim_arrive(sim, ent, cost);
		vsim_run(sim, sim->now + 2 * 64 * cost +
			 vsim_exponential(sim, 20 * VSIM_MS));
	}
	vsim_stop(sim);
	vsim_expect(sim, sim->lag_max <= bound && sim->lag_min >= -bound,
		    "lag was %lld to %lld ns", sim->lag_min, sim->lag_max);
	vsim_expect(sim, vsim_hist_above(&ent->latency, 10) <= (u64)bound,
		    "it waited %llu ns at p99",
		    vsim_hist_above(&ent->latency, 10));
	vsim_figure(sim, "lag %lld to %lld ns, light work waits %llu ns at p99",
		    sim->lag_min, sim->lag_max,
		    vsim_hist_above(&ent->latency, 10));
}

/*
 * Who wakes up cuts off what runs once that has had the threshold, not before and
 * not much later: prio would do it at once.
 */
static void threshold_is_kept(struct vsim *sim)
{
	const struct vsim_load urgent = {
		.kind = VSIM_CLOSED, .priority = 7, .random = true,
		.cost_ns = 100 * VSIM_US, .gap_ns = 9 * VSIM_MS,
	};
	struct vsim_ent *ent;

	spawn_hogs(sim, 4);
	ent = vsim_spawn(sim, &urgent);
	vsim_run(sim, 5 * VSIM_S);
	vsim_expect(sim, ent->latency.max <= 2 * sim->check_ns,
		    "without a threshold it waited %llu ns", ent->latency.max);
	vgpu_rq_set_slice(&sim->rq, 8 * VSIM_MS);
	vgpu_rq_set_threshold(&sim->rq, 4 * VSIM_MS);
	vsim_run(sim, 30 * VSIM_S);
	vsim_stop(sim);
	vsim_expect(sim, ent->latency.max > 3 * VSIM_MS &&
		    ent->latency.max <= 4 * VSIM_MS + 2 * sim->check_ns,
		    "with 4 ms it waited %llu ns", ent->latency.max);
	vgpu_rq_set_threshold(&sim->rq, ~0ULL);
	vsim_expect(sim, sim->rq.threshold_ns == VGPU_SLICE_MAX_NS,
		    "threshold %llu", sim->rq.threshold_ns);
}

const struct vsim_scenario vsim_scenarios_governor[] = {
	{ "governor_every_mode", "rr", 1, every_mode },
	{ "governor_full_memory", "rr", 1, full_memory_alone },
	{ "governor_constant", "rr", 1, constant_load },
	{ "governor_oscillation", "rr", 1, oscillation },
	{ "governor_step", "rr", 1, step },
	{ "governor_ramp", "rr", 1, ramp },
	{ "governor_noise", "rr", 1, noise },
	{ "governor_any_load", "rr", 1, any_load },
	{ "governor_extremes", "rr", 1, extremes },
	{ "governor_day", "fair", 8, governed_day },
	{ "governor_thrashing", "fair", 8, governed_thrashing },
	{ "governor_modes_keep_fair", "fair", 64, modes_keep_fair },
	{ "governor_threshold", "prio", 5, threshold_is_kept },
	{}
};
