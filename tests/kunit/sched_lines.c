// SPDX-License-Identifier: GPL-2.0
/*
 * The queues of one vGPU in virtual time: classes, floors, deadlines, gathering.
 * A made-up engine serves one vGPU's lines, each with commands of its own, and
 * cannot cut a command off.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <vgpu/lines.h>

#include "sched_sim.h"

#define LINES_MAX	1000
#define SOME_LINES	64

/**
 * struct source - a line and what comes to it
 * @line: the line
 * @cost: of each command
 * @period: from one to the next, 0: there is always one more
 * @within: of its arrival it has to end, 0: no deadline
 * @next_at: the next arrives
 * @arrived: the one that waits, or waited last, did
 * @got: service
 * @ended: commands
 * @longest: from arrival to end
 */
struct source {
	struct vgpu_line line;
	u64 cost, period, within;
	u64 next_at;
	u64 arrived;
	u64 got, ended, longest;
};

struct engine {
	struct vsim *sim;
	struct vgpu_lines lines;
	struct source *sources;
	unsigned int count;
	u64 now, served;
	u64 switch_ns;
	bool alone;
};

static struct engine *engine_new(struct vsim *sim)
{
	struct engine *e = kvcalloc(1, sizeof(*e), GFP_KERNEL);

	if (e)
		e->sources = kvcalloc(LINES_MAX, sizeof(*e->sources),
				      GFP_KERNEL);
	if (!e || !e->sources) {
		vsim_fail(sim, "no memory");
		kvfree(e);
		return NULL;
	}
	e->sim = sim;
	e->now = 1;
	vgpu_lines_init(&e->lines);
	return e;
}

static void engine_free(struct engine *e)
{
	kvfree(e->sources);
	kvfree(e);
}

static struct source *source(struct engine *e, enum vgpu_line_class class,
			     u64 cost, u64 period, u64 within)
{
	struct source *s = &e->sources[e->count++];

	vgpu_line_init(&s->line, class);
	s->cost = cost;
	s->period = period;
	s->within = within;
	s->next_at = e->now;
	return s;
}

/* Who is next; and that is an event. */
static struct vgpu_line *next_line(struct engine *e, bool alone, u64 now,
				   u64 *hold)
{
	struct vgpu_line *line = vgpu_lines_next(&e->lines, alone, now, hold);

	vsim_note(e->sim, now, line ? line->class : VGPU_LINE_CLASSES,
		  line ? line->nr : *hold);
	return line;
}

static bool overtakes(struct engine *e, struct vgpu_line *line,
		      struct vgpu_line *run)
{
	bool does = vgpu_line_overtakes(&e->lines, line, run);

	vsim_note(e->sim, line->since, line->class, does);
	return does;
}

static struct vgpu_line *rival(struct engine *e, struct vgpu_line *run,
			       u64 now)
{
	struct vgpu_line *line = vgpu_lines_rival(&e->lines, run, now);

	vsim_note(e->sim, now, line ? line->class : VGPU_LINE_CLASSES,
		  line ? line->nr : 0);
	return line;
}

/* The next command of @s is there; @again: it was served just now. */
static void arrive(struct engine *e, struct source *s, bool again)
{
	u64 deadline;

	s->arrived = s->period ? s->next_at : e->now;
	deadline = s->within ? s->arrived + s->within : U64_MAX;
	if (again)
		vgpu_line_return(&e->lines, &s->line, deadline, e->now);
	else
		vgpu_line_wait(&e->lines, &s->line, deadline, s->arrived);
}

/* What has come by now waits; returns when the next comes. */
static u64 arrivals(struct engine *e)
{
	u64 next = U64_MAX;
	unsigned int i;

	for (i = 0; i < e->count; i++) {
		struct source *s = &e->sources[i];

		if (!s->line.waiting && s->next_at <= e->now)
			arrive(e, s, false);
		if (!s->line.waiting)
			next = min(next, s->next_at);
	}
	return next;
}

static void serve(struct engine *e, struct source *s)
{
	u64 deadline = s->line.deadline, arrived = s->arrived;

	vgpu_line_leave(&e->lines, &s->line, e->now);
	e->now += e->switch_ns + s->cost;
	e->served += s->cost;
	vsim_note(e->sim, e->now, s - e->sources, s->cost);
	s->got += s->cost;
	s->ended++;
	s->longest = max(s->longest, e->now - s->arrived);
	vgpu_lines_charge(&e->lines, s->line.class, s->cost, e->now);
	s->next_at = s->period ? s->next_at + s->period : e->now;
	if (s->next_at <= e->now)
		arrive(e, s, true);
	vgpu_lines_ended(&e->lines, s->line.class, arrived, deadline, e->now);
}

static void run(struct engine *e, u64 until)
{
	while (e->now < until) {
		u64 hold, next = arrivals(e);
		struct vgpu_line *line;

		line = next_line(e, e->alone, e->now, &hold);
		if (line) {
			serve(e, container_of(line, struct source, line));
			continue;
		}
		if (hold)
			next = min(next, e->now + hold);
		e->now = max(min(next, until), e->now + 1);
	}
}

static u64 part_ppm(const struct engine *e, enum vgpu_line_class class)
{
	return div64_u64(e->lines.stats[class].service_ns * 1000000,
			 max(e->served, 1ULL));
}

/* All classes always have work: 7/8, 1/8 less its part, and 1/16. */
static void classes_and_floors(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	u64 high, normal, batch;

	if (!e)
		return;
	source(e, VGPU_LINE_HIGH, 100 * VSIM_US, 0, 0);
	source(e, VGPU_LINE_NORMAL, 300 * VSIM_US, 0, 0);
	source(e, VGPU_LINE_BATCH, VSIM_MS, 0, 0);
	run(e, 20 * VSIM_S);
	high = part_ppm(e, VGPU_LINE_HIGH);
	normal = part_ppm(e, VGPU_LINE_NORMAL);
	batch = part_ppm(e, VGPU_LINE_BATCH);
	vsim_expect(sim, high > normal && normal > batch, "%llu %llu %llu ppm",
		    high, normal, batch);
	vsim_expect(sim, normal >= 95000, "normal got %llu ppm", normal);
	vsim_expect(sim, batch >= 48000, "batch got %llu ppm", batch);
	vsim_expect(sim, e->sources[0].longest <= 2 * VSIM_MS,
		    "high waited %llu ns", e->sources[0].longest);
	vsim_figure(sim, "%llu, %llu, %llu ppm", high, normal, batch);
	engine_free(e);
}

/*
 * What is not always there waits for what runs just then, and for a command of
 * each class that is owed some.
 */
static void high_is_prompt(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	struct source *high;
	unsigned int i;

	if (!e)
		return;
	high = source(e, VGPU_LINE_HIGH, 50 * VSIM_US, 5 * VSIM_MS, 0);
	for (i = 0; i < 20; i++)
		source(e, VGPU_LINE_NORMAL, 500 * VSIM_US, 0, 0);
	for (i = 0; i < 20; i++)
		source(e, VGPU_LINE_BATCH, 500 * VSIM_US, 0, 0);
	run(e, 10 * VSIM_S);
	vsim_expect(sim, high->ended >= 1990 &&
		    high->longest <= 1550 * VSIM_US, "%llu ended, longest %llu",
		    high->ended, high->longest);
	engine_free(e);
}

/*
 * Random periodic work of 80 % in all, each to end within its period: none is
 * missed, as earliest deadline first promises, where first come, first served
 * would miss.  Of 130 % it misses, but counts every one.
 */
static void deadlines(struct vsim *sim)
{
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		struct engine *e = engine_new(sim);
		u64 total = round == 49 ? 1300 : 800, met = 0;
		const struct vgpu_line_stats *st;

		if (!e)
			return;
		for (i = 0; i < 8; i++) {
			u64 period = (4 + vsim_random(sim, 60)) * VSIM_MS;

			/* no command is long beside the shortest slack */
			source(e, VGPU_LINE_NORMAL,
			       min(div_u64(period * total, 8000),
				   round == 49 ? period : 700 * VSIM_US),
			       period, period);
		}
		run(e, 10 * VSIM_S);
		st = &e->lines.stats[VGPU_LINE_NORMAL];
		for (i = 0; i < 8; i++)
			met += e->sources[i].ended;
		vsim_expect(sim, st->met + st->missed == met,
			    "%llu met, %llu missed of %llu", st->met,
			    st->missed, met);
		if (round < 49)
			vsim_expect(sim, !st->missed, "%llu missed, by %llu",
				    st->missed, st->late_max_ns);
		else
			vsim_expect(sim, st->missed && st->late_max_ns,
				    "130 %% met all of %llu", met);
		engine_free(e);
	}
}

/* Who has no deadline is not starved by those who always have one. */
static void patience(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	struct source *none;
	unsigned int i;

	if (!e)
		return;
	for (i = 0; i < 4; i++)
		source(e, VGPU_LINE_NORMAL, 200 * VSIM_US, 0, VSIM_MS);
	none = source(e, VGPU_LINE_NORMAL, 200 * VSIM_US, 0, 0);
	run(e, 10 * VSIM_S);
	vsim_expect(sim, none->ended >= 95 && none->longest <=
		    VGPU_LINE_PATIENCE_NS + 2 * VSIM_MS,
		    "%llu ended, longest %llu", none->ended, none->longest);
	engine_free(e);
}

/*
 * Nor by those who are always late, whatever they say by how much; and a class is
 * not starved by deadlines of a higher one.
 */
static void late_is_no_privilege(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	struct source *none, *batch;
	unsigned int i;

	if (!e)
		return;
	for (i = 0; i < 4; i++)
		source(e, VGPU_LINE_NORMAL, 200 * VSIM_US, 0, 1);
	/* a second late when they come */
	for (i = 0; i < 4; i++)
		source(e, VGPU_LINE_NORMAL, 200 * VSIM_US, 0, -VSIM_S)->next_at =
			2 * VSIM_S;
	none = source(e, VGPU_LINE_NORMAL, 200 * VSIM_US, 0, 0);
	batch = source(e, VGPU_LINE_BATCH, 200 * VSIM_US, 0, 0);
	run(e, 10 * VSIM_S);
	vsim_expect(sim, none->ended >= 90 && none->longest <=
		    VGPU_LINE_PATIENCE_NS + 4 * VSIM_MS,
		    "%llu ended, longest %llu", none->ended, none->longest);
	/* 16 quanta of others' service, and what cannot be cut off */
	vsim_expect(sim, batch->longest <= 17 * VGPU_LINE_QUANTUM_NS + VSIM_MS &&
		    part_ppm(e, VGPU_LINE_BATCH) >= 58000,
		    "longest %llu, %llu ppm", batch->longest,
		    part_ppm(e, VGPU_LINE_BATCH));
	vsim_expect(sim, e->lines.stats[VGPU_LINE_NORMAL].missed > 1000 &&
		    !e->lines.stats[VGPU_LINE_BATCH].missed, "not all missed");
	engine_free(e);
}

/* Who has the engine at once, and who when it is put back. */
static void who_overtakes(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	struct vgpu_lines *l;
	struct vgpu_line run, other;
	u64 hold;

	if (!e)
		return;
	l = &e->lines;
	vgpu_line_init(&run, VGPU_LINE_NORMAL);
	vgpu_line_wait(l, &run, VSIM_S, 1);
	vsim_expect(sim, next_line(e, false, 1, &hold) == &run, "not it");
	vgpu_line_leave(l, &run, 1);
	vsim_expect(sim, !rival(e, &run, 1), "a rival of none");

	vgpu_line_init(&other, VGPU_LINE_NORMAL);
	vgpu_line_wait(l, &other, 2 * VSIM_S, 2);
	vsim_expect(sim, !overtakes(e, &other, &run) &&
		    !rival(e, &run, 2), "the later deadline first");
	vgpu_line_urge(l, &other, VSIM_S - 1);
	vsim_expect(sim, overtakes(e, &other, &run) &&
		    rival(e, &run, 2) == &other,
		    "the earlier deadline not first");
	/* what is late counts from when it came */
	vgpu_line_urge(l, &other, 0);
	vsim_expect(sim, overtakes(e, &other, &run), "late, not first");
	vgpu_line_leave(l, &other, 3);

	/* without a deadline it waits, but for its turn */
	vgpu_line_wait(l, &other, U64_MAX, 2);
	vsim_expect(sim, !overtakes(e, &other, &run),
		    "patient, and overtakes");
	vsim_expect(sim, rival(e, &run, 2) == &other,
		    "100 ms are before a second");
	vgpu_line_set_class(l, &other, VGPU_LINE_BATCH, 3);
	vsim_expect(sim, !overtakes(e, &other, &run) &&
		    !rival(e, &run, 3), "batch before normal");
	vgpu_line_set_class(l, &other, VGPU_LINE_HIGH, 4);
	vsim_expect(sim, overtakes(e, &other, &run) &&
		    rival(e, &run, 4) == &other,
		    "high not before normal");
	/* but what normal is owed it gets first */
	vgpu_line_return(l, &run, VSIM_S, 4);
	vgpu_line_leave(l, &other, 4);
	vgpu_lines_charge(l, VGPU_LINE_HIGH, 8 * VGPU_LINE_QUANTUM_NS, 5);
	vgpu_line_wait(l, &other, 5, 5);
	vsim_expect(sim, next_line(e, false, 5, &hold) == &run,
		    "the floor of normal is not kept");
	vgpu_line_leave(l, &run, 5);
	vsim_expect(sim, !overtakes(e, &other, &run) &&
		    !rival(e, &run, 5), "what is owed is cut off");
	vgpu_lines_charge(l, VGPU_LINE_NORMAL, VGPU_LINE_QUANTUM_NS, 6);
	vsim_expect(sim, overtakes(e, &other, &run) &&
		    rival(e, &run, 6) == &other,
		    "it had its quantum, and goes on");
	vgpu_line_leave(l, &other, 6);
	engine_free(e);
}

/* Cut off, or with more to do, a line stays in the round. */
static void a_round_goes_on(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	struct vgpu_line a, b;
	u64 hold;

	if (!e)
		return;
	vgpu_line_init(&a, VGPU_LINE_BATCH);
	vgpu_line_init(&b, VGPU_LINE_BATCH);
	vgpu_line_wait(&e->lines, &a, U64_MAX, 1);
	vsim_expect(sim, !next_line(e, false, 1, &hold) &&
		    hold == VGPU_BATCH_WAIT_NS, "not gathered");
	vsim_expect(sim, next_line(e, false, 1 + hold, &hold) == &a,
		    "gathered for ever");
	vgpu_line_leave(&e->lines, &a, 1 + VGPU_BATCH_WAIT_NS);
	/* one that comes meanwhile is gathered, but not when the round goes on */
	vgpu_line_wait(&e->lines, &b, U64_MAX, 2 + VGPU_BATCH_WAIT_NS);
	vsim_expect(sim, !next_line(e, false, 2 + VGPU_BATCH_WAIT_NS, &hold) && hold,
		    "no gathering after the round");
	vgpu_line_return(&e->lines, &a, U64_MAX, 3 + VGPU_BATCH_WAIT_NS);
	vsim_expect(sim, next_line(e, false, 3 + VGPU_BATCH_WAIT_NS, &hold) == &b,
		    "who came first is not first");
	vgpu_line_leave(&e->lines, &b, 4 + VGPU_BATCH_WAIT_NS);
	vsim_expect(sim, next_line(e, false, 4 + VGPU_BATCH_WAIT_NS, &hold) == &a,
		    "the round is over too soon");
	/* one that is taken back while they gather does not put off the others */
	vgpu_line_leave(&e->lines, &a, 5 + VGPU_BATCH_WAIT_NS);
	vgpu_line_wait(&e->lines, &a, U64_MAX, VSIM_S);
	vgpu_line_wait(&e->lines, &b, U64_MAX, VSIM_S);
	vgpu_line_leave(&e->lines, &a, VSIM_S + VGPU_BATCH_WAIT_NS - 1);
	vsim_expect(sim, next_line(e, false, VSIM_S + VGPU_BATCH_WAIT_NS, &hold) == &b,
		    "put off by another");
	vgpu_line_leave(&e->lines, &b, VSIM_S + VGPU_BATCH_WAIT_NS);
	engine_free(e);
}

/* Batch lines wait for one another, but not on an engine that is idle. */
static void gathers(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	struct source *one, *other;
	struct vgpu_line *line;
	u64 hold;

	if (!e)
		return;
	one = source(e, VGPU_LINE_BATCH, VSIM_MS, VSIM_S, 0);
	other = source(e, VGPU_LINE_NORMAL, VSIM_MS, VSIM_S, 0);
	vgpu_line_wait(&e->lines, &one->line, U64_MAX, e->now);
	line = next_line(e, false, e->now, &hold);
	vsim_expect(sim, !line && hold == VGPU_BATCH_WAIT_NS, "hold %llu", hold);
	line = next_line(e, false, e->now + hold - 1, &hold);
	vsim_expect(sim, !line && hold == 1, "hold %llu", hold);
	vgpu_line_wait(&e->lines, &other->line, U64_MAX, e->now);
	line = next_line(e, true, e->now, &hold);
	vsim_expect(sim, line == &other->line, "batch was not gathered");
	vgpu_line_leave(&e->lines, &other->line, e->now);
	line = next_line(e, true, e->now, &hold);
	vsim_expect(sim, line == &one->line, "alone it was held, %llu", hold);
	vgpu_line_leave(&e->lines, &one->line, e->now);
	line = next_line(e, true, e->now, &hold);
	vsim_expect(sim, !line && !hold, "nobody waits, hold %llu", hold);
	/* and once the time is over */
	vgpu_line_wait(&e->lines, &one->line, U64_MAX, e->now);
	line = next_line(e, false, e->now + VGPU_BATCH_WAIT_NS, &hold);
	vsim_expect(sim, line == &one->line, "held beyond its time: %llu", hold);
	vgpu_line_leave(&e->lines, &one->line, e->now);
	engine_free(e);
}

/* Rounds grow while that pays, and shrink when it takes too long. */
static void gathering_adapts(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	u64 wait;
	u32 size;
	unsigned int i;

	if (!e)
		return;
	for (i = 0; i < 32; i++)
		source(e, VGPU_LINE_BATCH, 50 * VSIM_US, 3 * VSIM_MS, 0);
	e->switch_ns = 20 * VSIM_US;
	run(e, 5 * VSIM_S);
	size = e->lines.batch_size;
	wait = e->lines.batch_wait_ns;
	/* all that come within a period, and no waiting for more */
	vsim_expect(sim, size >= 30 && size <= 33, "size %u, wait %llu", size,
		    wait);
	/* commands that take long: the target of latency is missed */
	for (i = 0; i < 32; i++) {
		e->sources[i].cost = 10 * VSIM_MS;
		e->sources[i].period = 400 * VSIM_MS;
	}
	run(e, 15 * VSIM_S);
	vsim_expect(sim, e->lines.batch_size < size &&
		    e->lines.batch_wait_ns < wait, "size %u, wait %llu",
		    e->lines.batch_size, e->lines.batch_wait_ns);
	vsim_figure(sim, "%u lines in %llu us, then %u in %llu us", size,
		    div_u64(wait, 1000), e->lines.batch_size,
		    div_u64(e->lines.batch_wait_ns, 1000));
	engine_free(e);
}

/* Two vGPUs of equal weight, with the lines of @e each: who @got how much. */
static void two_vgpus(struct vsim *sim, struct engine **e, u64 until, u64 *got)
{
	struct vgpu_se se[2];
	u64 now = 1, slice;
	unsigned int n;

	for (n = 0; n < 2; n++) {
		vgpu_rq_add(&sim->rq, &se[n], n, VGPU_WEIGHT_DEFAULT, 0);
		vgpu_rq_wake(&sim->rq, &se[n], now);
		got[n] = 0;
	}
	while (now < until) {
		u64 from = now;

		n = vgpu_rq_pick(&sim->rq, now, &slice)->id;
		e[n]->now = now;
		run(e[n], now + slice);
		now = e[n]->now;
		got[n] += now - from;
		vgpu_rq_put(&sim->rq, &se[n], now - from, now, true, false);
	}
	for (n = 0; n < 2; n++)
		vgpu_rq_remove(&sim->rq, &se[n], now);
	vsim_figure(sim, "%llu and %llu ns", got[0], got[1]);
}

static void expect_halves(struct vsim *sim, const u64 *got, u64 cost)
{
	vsim_expect(sim, max(got[0], got[1]) - min(got[0], got[1]) <=
		    2 * (sim->rq.slice_ns + cost),
		    "%llu and %llu ns", got[0], got[1]);
}

/*
 * One with nothing but high lines and deadlines that have gone by, the other with
 * nothing but batch: a class buys nothing from the other vGPU.
 */
static void class_takes_from_none(struct vsim *sim)
{
	struct engine *e[2] = { engine_new(sim), engine_new(sim) };
	u64 got[2];
	unsigned int i, n;

	if (!e[0] || !e[1])
		goto out;
	for (n = 0; n < 2; n++)
		for (i = 0; i < 8; i++)
			source(e[n], n ? VGPU_LINE_BATCH : VGPU_LINE_HIGH,
			       100 * VSIM_US, 0, n ? 0 : 1);
	two_vgpus(sim, e, 10 * VSIM_S, got);
	expect_halves(sim, got, 100 * VSIM_US);
	vsim_expect(sim, e[0]->lines.stats[VGPU_LINE_HIGH].missed > 1000 &&
		    !e[0]->lines.stats[VGPU_LINE_HIGH].met, "%llu met",
		    e[0]->lines.stats[VGPU_LINE_HIGH].met);
out:
	for (n = 0; n < 2; n++)
		if (e[n])
			engine_free(e[n]);
}

/* A thousand queues, never empty, get no more than one; and all of them that. */
static void hog_of_a_thousand_queues(struct vsim *sim)
{
	struct engine *e[2] = { engine_new(sim), engine_new(sim) };
	u64 got[2], least = U64_MAX, most = 0;
	unsigned int i, n;

	if (!e[0] || !e[1])
		goto out;
	for (i = 0; i < LINES_MAX; i++)
		source(e[0], VGPU_LINE_NORMAL, 400 * VSIM_US, 0, 0);
	source(e[1], VGPU_LINE_NORMAL, 400 * VSIM_US, 0, 0);
	two_vgpus(sim, e, 2 * VSIM_S, got);
	expect_halves(sim, got, 400 * VSIM_US);
	for (i = 0; i < LINES_MAX; i++) {
		least = min(least, e[0]->sources[i].ended);
		most = max(most, e[0]->sources[i].ended);
	}
	vsim_expect(sim, least >= 1 && most <= least + 1,
		    "a queue had %llu commands served, another %llu", least,
		    most);
out:
	for (n = 0; n < 2; n++)
		if (e[n])
			engine_free(e[n]);
}

/* Any order of calls; impossible times; the books stay right. */
static void lines_any_order(struct vsim *sim)
{
	struct engine *e = engine_new(sim);
	unsigned int i, waiting[VGPU_LINE_CLASSES] = { };

	if (!e)
		return;
	for (i = 0; i < SOME_LINES; i++)
		source(e, vsim_random(sim, VGPU_LINE_CLASSES), VSIM_US, 0, 0);
	for (i = 0; i < 200000; i++) {
		struct source *s = &e->sources[vsim_random(sim, SOME_LINES)];
		enum vgpu_line_class class = s->line.class;
		u64 hold, deadline = vsim_random(sim, 3) ? U64_MAX :
				     vsim_random(sim, 8) ?
				     vsim_random(sim, e->now + VSIM_S) : 0;
		struct vgpu_line *line;

		switch (vsim_random(sim, 8)) {
		case 0:
			waiting[class] += !s->line.waiting;
			vgpu_line_wait(&e->lines, &s->line, deadline, e->now);
			break;
		case 1:
			waiting[class] -= s->line.waiting;
			vgpu_line_leave(&e->lines, &s->line, e->now);
			break;
		case 2:
			vgpu_lines_charge(&e->lines, class,
					  vsim_random(sim, 9) ?
					  vsim_random(sim, VSIM_MS) : U64_MAX,
					  e->now);
			break;
		case 3:
			waiting[class] += !s->line.waiting;
			vgpu_line_return(&e->lines, &s->line, deadline, e->now);
			break;
		case 4:
			vgpu_line_urge(&e->lines, &s->line, deadline);
			break;
		case 5:
			waiting[class] -= s->line.waiting;
			vgpu_line_set_class(&e->lines, &s->line,
					    vsim_random(sim, VGPU_LINE_CLASSES),
					    e->now);
			waiting[s->line.class] += s->line.waiting;
			break;
		case 6:
			vgpu_lines_ended(&e->lines, class, s->line.since,
					 deadline, e->now);
			break;
		default:
			line = next_line(e, vsim_random(sim, 2), e->now, &hold);
			vsim_expect(sim, !line || line->waiting,
				    "%u: picked one that does not wait", i);
			vsim_expect(sim, line || hold ||
				    !(waiting[0] + waiting[1] + waiting[2]),
				    "%u: nobody, and %u wait", i, waiting[2]);
			vsim_expect(sim, !hold || (!line && waiting[2]),
				    "%u: holds %llu", i, hold);
			break;
		}
		vsim_note(sim, e->now, s - e->sources, s->line.due ^ s->line.waiting);
		if (!vsim_random(sim, 100))
			e->now += vsim_random(sim, 10 * VSIM_MS);
		vsim_expect(sim, e->lines.batch_size >= 1 &&
			    e->lines.batch_size <= VGPU_BATCH_SIZE_MAX &&
			    e->lines.batch_wait_ns >= VGPU_BATCH_WAIT_MIN_NS &&
			    e->lines.batch_wait_ns <= VGPU_BATCH_WAIT_MAX_NS,
			    "size %u, wait %llu", e->lines.batch_size,
			    e->lines.batch_wait_ns);
	}
	for (i = 0; i < VGPU_LINE_CLASSES; i++)
		vsim_expect(sim, waiting[i] == e->lines.stats[i].waiting,
			    "%u of class %u, not %u",
			    e->lines.stats[i].waiting, i, waiting[i]);
	engine_free(e);
}

const struct vsim_scenario vsim_scenarios_lines[] = {
	{ "lines_classes_and_floors", "rr", 1, classes_and_floors },
	{ "lines_high_is_prompt", "rr", 1, high_is_prompt },
	{ "lines_deadlines", "rr", 1, deadlines },
	{ "lines_patience", "rr", 1, patience },
	{ "lines_late_is_no_privilege", "rr", 1, late_is_no_privilege },
	{ "lines_who_overtakes", "rr", 1, who_overtakes },
	{ "lines_a_round_goes_on", "rr", 1, a_round_goes_on },
	{ "lines_gathers", "rr", 1, gathers },
	{ "lines_gathering_adapts", "rr", 1, gathering_adapts },
	{ "lines_take_from_none", "fair", 1, class_takes_from_none },
	{ "hog_of_a_thousand_queues", "fair", 1, hog_of_a_thousand_queues },
	{ "lines_any_order", "rr", 1, lines_any_order },
	{}
};
