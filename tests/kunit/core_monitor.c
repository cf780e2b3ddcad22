// SPDX-License-Identifier: GPL-2.0
/*
 * The monitor: histories that wrap, readers that come late, alarms that flicker, and knobs
 * under loads that step, in virtual time; then all of it on a GPU.
 */
#include <linux/delay.h>
#include <vgpu/sched.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SAVES	(VGPU_HW_PREEMPT | VGPU_HW_SAVE)

/* --- history --------------------------------------------------------------- */

static void history_wraps(struct kunit *test)
{
	struct vgpu_mon_sample s = { };
	struct vgpu_history h;
	u64 i;

	KUNIT_ASSERT_EQ(test, vgpu_history_init(&h), 0);
	KUNIT_EXPECT_NULL(test, vgpu_history_at(&h, 0));
	KUNIT_EXPECT_NULL(test, vgpu_history_at(&h, 1));
	for (i = 1; i <= VGPU_HISTORY; i++) {
		s.time_ns = i;
		vgpu_history_push(&h, &s);
		KUNIT_EXPECT_EQ(test, s.seq, i);
	}
	/* full, and nothing is lost yet */
	KUNIT_EXPECT_EQ(test, vgpu_history_at(&h, 0)->seq, 1ULL);
	KUNIT_EXPECT_EQ(test, vgpu_history_at(&h, VGPU_HISTORY)->time_ns,
			(u64)VGPU_HISTORY);
	KUNIT_EXPECT_NULL(test, vgpu_history_at(&h, VGPU_HISTORY + 1));
	s.time_ns = 4711;
	vgpu_history_push(&h, &s);
	/* who asks for what is gone gets what follows, and sees it by the number */
	KUNIT_EXPECT_EQ(test, vgpu_history_at(&h, 1)->seq, 2ULL);
	KUNIT_EXPECT_EQ(test, vgpu_history_at(&h, 1001)->time_ns, 4711ULL);
	KUNIT_EXPECT_NULL(test, vgpu_history_at(&h, 1002));
	KUNIT_EXPECT_NULL(test, vgpu_history_at(&h, U64_MAX));
	vgpu_history_fini(&h);
}

/* One that goes on where it was, however slow, gets each sample once or sees the gap. */
static void history_readers(struct kunit *test)
{
	u64 next = 1, lost = 0, got = 0, i;
	struct vgpu_mon_sample s = { };
	struct vgpu_history h;

	KUNIT_ASSERT_EQ(test, vgpu_history_init(&h), 0);
	for (i = 1; i <= 5 * VGPU_HISTORY; i++) {
		const struct vgpu_mon_sample *at;

		vgpu_history_push(&h, &s);
		if (i % 1700)
			continue;
		while ((at = vgpu_history_at(&h, next))) {
			lost += at->seq - next;
			next = at->seq + 1;
			got++;
		}
	}
	KUNIT_EXPECT_EQ(test, got, 2000ULL);
	KUNIT_EXPECT_EQ(test, lost, 1400ULL);
	KUNIT_EXPECT_EQ(test, next, 3401ULL);
	vgpu_history_fini(&h);
}

static void trails_wrap(struct kunit *test)
{
	struct vgpu_trail *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct vgpu_mon_share in = { .memory_used = 3 * SZ_4K }, out = { };
	u64 i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_FALSE(test, vgpu_trail_at(t, 0, &out));
	/* it was made when the GPU had 70 */
	for (i = 71; i < 71 + VGPU_HISTORY; i++) {
		in.received = i % 1000;
		vgpu_trail_push(t, i, &in);
	}
	KUNIT_EXPECT_FALSE(test, vgpu_trail_at(t, 70, &out));
	KUNIT_EXPECT_TRUE(test, vgpu_trail_at(t, 71, &out));
	KUNIT_EXPECT_EQ(test, out.received, 71);
	KUNIT_EXPECT_EQ(test, out.memory_used, 3ULL * SZ_4K);
	vgpu_trail_push(t, i, &in);
	KUNIT_EXPECT_FALSE(test, vgpu_trail_at(t, 71, &out));
	KUNIT_EXPECT_TRUE(test, vgpu_trail_at(t, 72, &out));
	KUNIT_EXPECT_EQ(test, out.received, 72);
	KUNIT_EXPECT_FALSE(test, vgpu_trail_at(t, i + 1, &out));
}

/* --- alarms ------------------------------------------------------------------ */

static u32 feed(struct vgpu_alarm *a, u64 value, u64 limit, bool anomalies)
{
	struct vgpu_mon_alarm out;

	return vgpu_alarm_feed(a, VGPU_MON_BUSY, value, limit, anomalies, &out);
}

static void limits_once_up_once_down(struct kunit *test)
{
	static const u64 flicker[] = { 950, 100, 100, 870 };
	struct vgpu_alarm a = { };
	unsigned int i, up = 0, down = 0;

	KUNIT_EXPECT_EQ(test, feed(&a, 899, 900, false), 0U);
	KUNIT_EXPECT_EQ(test, feed(&a, 900, 900, false), (u32)VGPU_NEWS_LIMIT);
	/* it flickers about the limit, and below, but never long enough */
	for (i = 0; i < 300; i++) {
		u32 news = feed(&a, flicker[i % 4], 900, false);

		up += !!(news & VGPU_NEWS_LIMIT);
		down += !!(news & VGPU_NEWS_LIMIT_OVER);
	}
	KUNIT_EXPECT_EQ(test, up + down, 0U);
	/* just below the limit is not below it */
	for (i = 0; i < 50; i++)
		KUNIT_EXPECT_EQ(test, feed(&a, 811, 900, false), 0U);
	KUNIT_EXPECT_EQ(test, feed(&a, 809, 900, false), 0U);
	KUNIT_EXPECT_EQ(test, feed(&a, 809, 900, false), 0U);
	KUNIT_EXPECT_EQ(test, feed(&a, 809, 900, false),
			(u32)VGPU_NEWS_LIMIT_OVER);
	KUNIT_EXPECT_EQ(test, feed(&a, 809, 900, false), 0U);
	/* one that is taken away while it is exceeded is over */
	KUNIT_EXPECT_EQ(test, feed(&a, 1000, 900, false), (u32)VGPU_NEWS_LIMIT);
	KUNIT_EXPECT_EQ(test, feed(&a, 1000, 0, false),
			(u32)VGPU_NEWS_LIMIT_OVER);
	KUNIT_EXPECT_EQ(test, feed(&a, U64_MAX, 0, false), 0U);
}

/* What varies as it always did is no anomaly; a step is one, and is usual later. */
static void anomalies_of_a_step(struct kunit *test)
{
	struct vgpu_alarm a = { };
	unsigned int i, on = 0, off = 0;

	for (i = 0; i < 500; i++)
		KUNIT_EXPECT_EQ(test, feed(&a, 300 + i * 37 % 100, 0, true), 0U);
	/* one odd sample, or two, are none either, and do not blunt it for what follows */
	KUNIT_EXPECT_EQ(test, feed(&a, BIT_ULL(40), 0, true), 0U);
	KUNIT_EXPECT_EQ(test, feed(&a, 1000, 0, true), 0U);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, feed(&a, 300 + i * 37 % 100, 0, true), 0U);
	for (i = 0; i < 400; i++) {
		u32 news = feed(&a, 900 + i * 37 % 50, 0, true);

		on += !!(news & VGPU_NEWS_ANOMALY);
		off += !!(news & VGPU_NEWS_ANOMALY_OVER);
		if (i == VGPU_ALARM_ODD - 1)
			KUNIT_EXPECT_EQ(test, on, 1U);
	}
	KUNIT_EXPECT_EQ(test, on, 1U);
	KUNIT_EXPECT_EQ(test, off, 1U);
	/* not looked for any more, and then anew: it warms up first */
	KUNIT_EXPECT_EQ(test, feed(&a, 0, 0, false), 0U);
	for (i = 0; i < VGPU_ALARM_WARM_UP; i++)
		KUNIT_EXPECT_EQ(test, feed(&a, i % 2 ? 0 : 1000, 0, true), 0U);
}

/* No numbers make it overflow, or tell without end. */
static void anomalies_of_extremes(struct kunit *test)
{
	struct vgpu_alarm a = { };
	unsigned int i, told = 0;

	for (i = 0; i < 10000; i++)
		told += !!feed(&a, i / 100 % 2 ? U64_MAX : 0, U64_MAX, true);
	/* a limit: up, three down; an anomaly: three, eight: of each hundred four at most */
	KUNIT_EXPECT_LE(test, told, 400U);
	KUNIT_EXPECT_LE(test, a.mean16 / 16, U64_MAX >> 12);
}

/* --- tuning ------------------------------------------------------------------ */

/* A GPU whose switches cost @cost: a slice, a switch, and so on; others wait for @others. */
static struct vgpu_tune_view view_of(u64 slice, u64 cost, u64 others)
{
	struct vgpu_tune_view v = { .slice_ns = slice };

	v.figure[VGPU_MON_BUSY] = 1000;
	v.figure[VGPU_MON_OVERHEAD] = div64_u64(1000 * cost, slice + cost);
	v.figure[VGPU_MON_WAIT] = others * (slice + cost);
	v.switches = div64_u64(NSEC_PER_SEC, slice + cost);
	v.preemptions = v.switches;
	return v;
}

struct played {
	unsigned int steps, turns;
	u64 value, least, most;
};

/* @samples of a slice's tuner at that load. */
static void play(struct kunit *test, struct vgpu_tuner *t, u64 cost, u64 others,
		 unsigned int samples, struct played *p)
{
	struct vgpu_tune_change c;
	int last = 0;

	*p = (struct played){ .least = U64_MAX };
	while (samples--) {
		u64 now = vgpu_tuned(t, VGPU_SLICE_DEFAULT_NS);
		struct vgpu_tune_view v = view_of(now, cost, others);

		if (vgpu_tuner_feed(t, VGPU_KNOB_SLICE, VGPU_SLICE_DEFAULT_NS,
				    &v, &c)) {
			int way = c.after > c.before ? 1 : -1;

			KUNIT_EXPECT_EQ(test, c.before, now);
			/* a step is a quarter at most */
			KUNIT_EXPECT_LE(test, c.after, now + now / 4);
			KUNIT_EXPECT_GE(test, c.after, now - now / 5);
			p->steps++;
			p->turns += last && way != last;
			last = way;
		}
		p->value = vgpu_tuned(t, VGPU_SLICE_DEFAULT_NS);
		p->least = min(p->least, p->value);
		p->most = max(p->most, p->value);
	}
}

static void slice_converges(struct kunit *test)
{
	struct vgpu_tuner t;
	struct played p;

	vgpu_tuner_init(&t, VGPU_KNOB_SLICE);
	KUNIT_EXPECT_EQ(test, t.mode, VGPU_TUNE_OFF);
	play(test, &t, 400000, 8, 100, &p);
	KUNIT_EXPECT_EQ(test, p.steps, 0U);
	KUNIT_EXPECT_EQ(test, p.value, (u64)VGPU_SLICE_DEFAULT_NS);

	/* 400 us of each 2.4 ms go into switches: until it is a tenth */
	vgpu_tuner_set(&t, VGPU_TUNE_ON, t.min, t.max);
	play(test, &t, 400000, 8, 200, &p);
	KUNIT_EXPECT_EQ(test, p.turns, 0U);
	KUNIT_EXPECT_GE(test, p.value, 3600000ULL);
	KUNIT_EXPECT_LE(test, p.value, 4500000ULL);
	/* and there it stays */
	play(test, &t, 400000, 8, 2000, &p);
	KUNIT_EXPECT_EQ(test, p.steps, 0U);
	/* switches become cheap, and many wait: shorter, until they cost 2 % again */
	play(test, &t, 20000, 8, 2000, &p);
	KUNIT_EXPECT_EQ(test, p.turns, 0U);
	KUNIT_EXPECT_LT(test, p.value, 1000000ULL);
	KUNIT_EXPECT_GE(test, p.value, 500000ULL);
	play(test, &t, 20000, 8, 2000, &p);
	KUNIT_EXPECT_EQ(test, p.steps, 0U);
	/* off is off: nothing of it is left */
	vgpu_tuner_set(&t, VGPU_TUNE_OFF, t.min, t.max);
	KUNIT_EXPECT_EQ(test, vgpu_tuned(&t, VGPU_SLICE_DEFAULT_NS),
			(u64)VGPU_SLICE_DEFAULT_NS);
}

static void bounds_hold(struct kunit *test)
{
	struct vgpu_tuner t;
	struct played p;

	vgpu_tuner_init(&t, VGPU_KNOB_SLICE);
	vgpu_tuner_set(&t, VGPU_TUNE_ON, 1500000, 2700000);
	/* no slice is long enough, then none is short enough */
	play(test, &t, 100000000, 8, 1000, &p);
	KUNIT_EXPECT_EQ(test, p.value, 2700000ULL);
	KUNIT_EXPECT_EQ(test, p.most, 2700000ULL);
	play(test, &t, 1, 100, 1000, &p);
	KUNIT_EXPECT_EQ(test, p.value, 1500000ULL);
	KUNIT_EXPECT_EQ(test, p.least, 1500000ULL);
	/* what is untuned may be beyond a bound: no step leads away from it */
	vgpu_tuner_set(&t, VGPU_TUNE_ON, 100000, 1000000);
	play(test, &t, 100000000, 8, 1000, &p);
	KUNIT_EXPECT_EQ(test, p.steps, 0U);
	KUNIT_EXPECT_FALSE(test, vgpu_tune_bounds_ok(VGPU_KNOB_SLICE, 2, 1));
	KUNIT_EXPECT_FALSE(test, vgpu_tune_bounds_ok(VGPU_KNOB_SLICE, 1, 2000000));
	KUNIT_EXPECT_FALSE(test, vgpu_tune_bounds_ok(VGPU_KNOB_BATCH, 10, 1001));
	KUNIT_EXPECT_TRUE(test, vgpu_tune_bounds_ok(VGPU_KNOB_THRESHOLD, 0, 0));
}

/* A load made to shake it: what calls for more and for less takes turns. */
static void turns_get_rare(struct kunit *test)
{
	struct vgpu_tuner t;
	struct played p;
	unsigned int period, i, turns;

	for (period = 1; period <= 60; period++) {
		vgpu_tuner_init(&t, VGPU_KNOB_SLICE);
		vgpu_tuner_set(&t, VGPU_TUNE_ON, t.min, t.max);
		turns = 0;
		for (i = 0; i < 2000 / period; i++) {
			u64 was = vgpu_tuned(&t, VGPU_SLICE_DEFAULT_NS);

			play(test, &t, i % 2 ? 100000000 : 1, 100, period, &p);
			turns += p.value != was;
		}
		/* patience grows to 64 samples, which no wave of up to 60 has */
		if (period < 16)
			KUNIT_EXPECT_LE(test, turns, 1000U / 8);
		KUNIT_EXPECT_GE(test, p.least, 500000ULL);
		KUNIT_EXPECT_LE(test, p.most, 16000000ULL);
	}
}

static void dry_run_only_tells(struct kunit *test)
{
	struct vgpu_tuner t;
	struct played p;

	vgpu_tuner_init(&t, VGPU_KNOB_SLICE);
	vgpu_tuner_set(&t, VGPU_TUNE_DRY_RUN, t.min, t.max);
	play(test, &t, 400000, 8, 640, &p);
	KUNIT_EXPECT_EQ(test, p.value, (u64)VGPU_SLICE_DEFAULT_NS);
	KUNIT_EXPECT_EQ(test, p.most, (u64)VGPU_SLICE_DEFAULT_NS);
	KUNIT_EXPECT_EQ(test, p.steps, 10U);
}

static unsigned int vote(struct vgpu_tuner *t, enum vgpu_knob knob, u64 base,
			 const struct vgpu_tune_view *v, unsigned int samples)
{
	struct vgpu_tune_change c;
	unsigned int steps = 0;

	while (samples--)
		steps += vgpu_tuner_feed(t, knob, base, v, &c);
	return steps;
}

/* The other knobs: what calls for more, for less, and for nothing. */
static void other_knobs(struct kunit *test)
{
	static const u64 base[VGPU_KNOBS] = { 0, 0, VGPU_TURN, VGPU_POOL_MOST };
	struct vgpu_tune_view up[VGPU_KNOBS] = { }, down[VGPU_KNOBS] = { };
	struct vgpu_tune_view idle = { .slice_ns = 2000000 };
	struct vgpu_tuner t;
	u32 knob;

	up[VGPU_KNOB_THRESHOLD] = view_of(2000000, 200000, 2);
	down[VGPU_KNOB_THRESHOLD] = view_of(2000000, 1, 20);
	up[VGPU_KNOB_BATCH] = view_of(2000000, 1, 1);
	up[VGPU_KNOB_BATCH].figure[VGPU_MON_COMMANDS] = 1000000;
	down[VGPU_KNOB_BATCH] = view_of(2000000, 1, 60);
	down[VGPU_KNOB_BATCH].figure[VGPU_MON_COMMANDS] = 1000000;
	up[VGPU_KNOB_POOL].pool_short = 100;
	down[VGPU_KNOB_POOL].figure[VGPU_MON_MEMORY] = 990;
	for (knob = VGPU_KNOB_THRESHOLD; knob < VGPU_KNOBS; knob++) {
		u64 high;

		vgpu_tuner_init(&t, knob);
		vgpu_tuner_set(&t, VGPU_TUNE_ON, t.min, t.max);
		KUNIT_EXPECT_EQ(test, vote(&t, knob, base[knob], &idle, 500), 0U);
		KUNIT_EXPECT_GT(test, vote(&t, knob, base[knob], &up[knob], 500),
				0U);
		high = vgpu_tuned(&t, base[knob]);
		KUNIT_EXPECT_GT(test, high, base[knob]);
		KUNIT_EXPECT_LE(test, high, t.max);
		KUNIT_EXPECT_GT(test, vote(&t, knob, base[knob], &down[knob], 500),
				0U);
		KUNIT_EXPECT_LT(test, vgpu_tuned(&t, base[knob]), high);
		KUNIT_EXPECT_GE(test, vgpu_tuned(&t, base[knob]), t.min);
		KUNIT_EXPECT_EQ(test, vote(&t, knob, base[knob], &idle, 500), 0U);
	}
}

/* --- on a GPU ------------------------------------------------------------------ */

static int set(struct core_mock *mock, const struct vgpu_mon_settings *s)
{
	const struct vgpu_gpu_set gs = {
		.mask = VGPU_GPU_SET_MONITOR, .monitor = *s,
	};

	return vgpu_gpu_set(mock->gpu, &gs, NULL);
}

static u64 wait_for(struct core_mock *mock, u64 seq, struct vgpu_mon_record *r)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (!vgpu_gpu_get_history(mock->gpu, seq, r))
			return r->sample.seq;
		msleep(20);
	}
	return 0;
}

static bool pending(struct core_mock *mock)
{
	return delayed_work_pending(&mock->gpu->monitor.work);
}

/* Samples come while something runs; then there is one more, and no other. */
static void samples_while_busy(struct kunit *test)
{
	struct vgpu_mon_settings fast = {
		.mask = VGPU_MON_SET_PERIOD, .period_ms = VGPU_MON_PERIOD_MIN_MS,
	};
	struct vgpu_mon_record *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct core_tenant t;
	u64 last;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	core_tenant_open(test, mock, &t, 0);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_get_history(mock->gpu, 0, r), -ENOENT);
	KUNIT_ASSERT_EQ(test, set(mock, &fast), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 1), 0);
	KUNIT_ASSERT_GE(test, wait_for(mock, 3, r), 3ULL);
	KUNIT_EXPECT_EQ(test, r->sample.figure[VGPU_MON_BUSY], 1000ULL);
	KUNIT_EXPECT_EQ(test, r->sample.engine[0], 1000);
	KUNIT_EXPECT_GT(test, r->sample.span_ns, 0ULL);
	KUNIT_EXPECT_EQ(test, r->shares, 1U);
	KUNIT_EXPECT_EQ(test, r->share[0].id, t.inst->id);

	core_mock_answer(mock, VGPU_HW_DONE, 1000, 0);
	/* one that is being taken just now may ask for another */
	for (i = 0; i < 1000; i++) {
		flush_work(&mock->gpu->monitor.work.work);
		if (!pending(mock))
			break;
		msleep(20);
	}
	KUNIT_EXPECT_FALSE(test, pending(mock));
	last = READ_ONCE(mock->gpu->monitor.history.seq);
	KUNIT_ASSERT_EQ(test, vgpu_gpu_get_history(mock->gpu, last, r), 0);
	KUNIT_EXPECT_EQ(test, r->sample.figure[VGPU_MON_BUSY], 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_get_history(mock->gpu, last + 1, r),
			-ENOENT);
	/* its turn was charged in one of the samples, and it was all of it */
	for (i = 1; i <= last; i++) {
		vgpu_gpu_get_history(mock->gpu, i, r);
		if (r->shares && r->share[0].received)
			break;
	}
	KUNIT_EXPECT_EQ(test, r->share[0].received, 1000);
	msleep(200);
	KUNIT_EXPECT_EQ(test, READ_ONCE(mock->gpu->monitor.history.seq), last);

	/* off, work does not begin it */
	fast.period_ms = 0;
	KUNIT_ASSERT_EQ(test, set(mock, &fast), 0);
	KUNIT_ASSERT_EQ(test, core_tenant_fill(&t, 2), 0);
	KUNIT_EXPECT_FALSE(test, pending(mock));
	/* on again, with what runs already */
	fast.period_ms = VGPU_MON_PERIOD_MIN_MS;
	KUNIT_ASSERT_EQ(test, set(mock, &fast), 0);
	KUNIT_EXPECT_GE(test, wait_for(mock, last + 1, r), last + 1);
	core_mock_answer(mock, VGPU_HW_DONE, 100, 0);
	core_tenant_close(test, &t);
	core_mock_destroy(mock);
}

/* What the governor or a hand holds is not tuned; what is tuned goes when it is switched off. */
static void tuned_slice_gives_way(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, SAVES);
	struct vgpu_mon_settings on = {
		.mask = VGPU_MON_SET_TUNE(VGPU_KNOB_SLICE) |
			VGPU_MON_SET_MIN(VGPU_KNOB_SLICE),
		.tune[VGPU_KNOB_SLICE] = VGPU_TUNE_ON,
		.min[VGPU_KNOB_SLICE] = NSEC_PER_MSEC,
	};
	struct vgpu_engine *e = &mock->gpu->whole.engines[0];
	struct vgpu_tuner *t = &mock->gpu->monitor.tuner[VGPU_KNOB_SLICE];

	KUNIT_ASSERT_EQ(test, set(mock, &on), 0);
	KUNIT_EXPECT_EQ(test, e->rq.slice_ns, (u64)VGPU_SLICE_DEFAULT_NS);
	mutex_lock(&mock->gpu->lock);
	t->moved = true;
	t->value = 5 * NSEC_PER_MSEC;
	mutex_unlock(&mock->gpu->lock);
	/* nothing is set, and what is in force is worked out */
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, e->rq.slice_ns, 5ULL * NSEC_PER_MSEC);
	KUNIT_ASSERT_EQ(test, core_mock_set(mock, NULL, 3 * NSEC_PER_MSEC, 0), 0);
	KUNIT_EXPECT_EQ(test, e->rq.slice_ns, 3ULL * NSEC_PER_MSEC);
	/* bounds that are none, and what there is stays */
	on.min[VGPU_KNOB_SLICE] = 50 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, set(mock, &on), -ERANGE);
	KUNIT_EXPECT_EQ(test, t->min, (u64)NSEC_PER_MSEC);
	KUNIT_EXPECT_TRUE(test, t->moved);
	on.mask = VGPU_MON_SET_TUNE(VGPU_KNOB_SLICE);
	on.tune[VGPU_KNOB_SLICE] = VGPU_TUNE_MODES;
	KUNIT_EXPECT_EQ(test, set(mock, &on), -EINVAL);
	on.tune[VGPU_KNOB_SLICE] = VGPU_TUNE_OFF;
	KUNIT_EXPECT_EQ(test, set(mock, &on), 0);
	KUNIT_EXPECT_FALSE(test, t->moved);
	core_mock_destroy(mock);
}

static struct kunit_case core_monitor_cases[] = {
	KUNIT_CASE(history_wraps),
	KUNIT_CASE(history_readers),
	KUNIT_CASE(trails_wrap),
	KUNIT_CASE(limits_once_up_once_down),
	KUNIT_CASE(anomalies_of_a_step),
	KUNIT_CASE(anomalies_of_extremes),
	KUNIT_CASE(slice_converges),
	KUNIT_CASE(bounds_hold),
	KUNIT_CASE(turns_get_rare),
	KUNIT_CASE(dry_run_only_tells),
	KUNIT_CASE(other_knobs),
	KUNIT_CASE(samples_while_busy),
	KUNIT_CASE(tuned_slice_gives_way),
	{}
};

static struct kunit_suite core_monitor_suite = {
	.name = "vgpu_core_monitor",
	.test_cases = core_monitor_cases,
};

kunit_test_suite(core_monitor_suite);
