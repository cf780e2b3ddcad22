// SPDX-License-Identifier: GPL-2.0
/*
 * When a ring that ran empty is looked at again, in virtual time: a producer that hands
 * over a command every so often, and an engine that takes so long for each.
 */
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include "core/look.h"

#define US	NSEC_PER_USEC
#define NEVER	U64_MAX

/** struct play - a stream of commands */
struct play {
	u64 every_ns, run_ns;
	u32 count;
	/* what came of it */
	u32 kicks, looks;
	u64 late_ns;			/* longest that an idle engine did not have one */
	u64 end_ns;
};

static void play(struct play *p)
{
	u32 written = 0, taken = 0, done = 0;
	u64 now = 0, next_write = 0, ends = NEVER, timer = NEVER, idle = 0;
	struct vgpu_look look;
	bool wants_kick = true, kicked = false;
	u64 *at = kcalloc(p->count, sizeof(*at), GFP_KERNEL);

	if (!at)
		return;
	vgpu_look_init(&look);
	while (done < p->count) {
		bool ended = false, timed = false;
		u32 found;

		now = min3(next_write, ends, timer);
		if (now == NEVER)
			break;			/* nobody looks: the test sees @done */
		if (now == next_write) {
			at[written++] = now;
			kicked = wants_kick;
			p->kicks += kicked;
			next_write = written < p->count ? now + p->every_ns : NEVER;
		}
		if (now == ends) {
			done++;
			ended = true;
			ends = taken > done ? now + p->run_ns : NEVER;
			idle = now;
		}
		if (now == timer) {
			timer = NEVER;
			timed = true;
			p->looks++;
		}
		if (!kicked && !timed && !(ended && taken == done))
			continue;
		kicked = false;
		found = written - taken;
		if (found && taken == done)
			p->late_ns = max(p->late_ns,
					 now - max(at[taken], idle));
		if (found && ends == NEVER)
			ends = now + p->run_ns;
		taken = written;
		if (found)
			look.more = true;
		timed = vgpu_look_again(&look, found, taken - done);
		if (timed)
			timer = now + look.ns;
		wants_kick = !timed && !(look.more && taken > done);
	}
	p->end_ns = done == p->count ? now : NEVER;
	kfree(at);
}

/* However long commands take, and whoever is slower. */
static void a_stream_hardly_kicks(struct kunit *test)
{
	static const u32 every_us[] = { 1, 5, 20, 60, 100, 200 };
	static const u32 run_us[] = { 1, 10, 50, 100, 1000 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(every_us); i++) {
		for (j = 0; j < ARRAY_SIZE(run_us); j++) {
			struct play p = {
				.every_ns = every_us[i] * US,
				.run_ns = run_us[j] * US, .count = 2000,
			};
			u64 least = p.count * max(p.every_ns, p.run_ns);

			play(&p);
			KUNIT_EXPECT_LE_MSG(test, p.kicks, p.count / 64,
					    "one in %u us, %u us each",
					    every_us[i], run_us[j]);
			KUNIT_EXPECT_LE_MSG(test, p.late_ns, VGPU_LOOK_MAX,
					    "one in %u us, %u us each",
					    every_us[i], run_us[j]);
			/* and takes hardly longer for it */
			KUNIT_EXPECT_LE_MSG(test, p.end_ns, least + least / 16 + 2 * VGPU_LOOK_MAX,
					    "one in %u us, %u us each",
					    every_us[i], run_us[j]);
			KUNIT_EXPECT_LE_MSG(test, p.looks, p.count + VGPU_LOOK_VAIN,
					    "one in %u us, %u us each",
					    every_us[i], run_us[j]);
		}
	}
}

/* Who comes seldom is not looked for, and not late. */
static void one_that_comes_seldom_kicks(struct kunit *test)
{
	struct play p = {
		.every_ns = 5 * NSEC_PER_MSEC, .run_ns = 100 * US, .count = 100,
	};

	play(&p);
	KUNIT_EXPECT_EQ(test, p.kicks, p.count);
	KUNIT_EXPECT_EQ(test, p.late_ns, 0);
	KUNIT_EXPECT_LE(test, p.looks, p.count * (VGPU_LOOK_VAIN + 1));
}

/* Its owner waits: what comes next comes after it ended, and at once. */
static void a_signal_ends_it(struct kunit *test)
{
	struct vgpu_look look;

	vgpu_look_init(&look);
	KUNIT_EXPECT_EQ(test, vgpu_look_again(&look, 0, 0), 0);
	look.more = true;
	KUNIT_EXPECT_NE(test, vgpu_look_again(&look, 1, 1), 0);
	look.more = false;
	KUNIT_EXPECT_EQ(test, vgpu_look_again(&look, 20, 20), 0);
	KUNIT_EXPECT_EQ(test, vgpu_look_again(&look, 0, 0), 0);
}

static void looks_in_vain_end_it(struct kunit *test)
{
	struct vgpu_look look;
	u64 waited = 0;
	u32 i, ns;

	vgpu_look_init(&look);
	look.more = true;
	waited = vgpu_look_again(&look, 1, 0);
	for (i = 0; i < VGPU_LOOK_VAIN; i++) {
		ns = vgpu_look_again(&look, 0, 0);
		KUNIT_EXPECT_NE_MSG(test, ns, 0, "look %u", i);
		KUNIT_EXPECT_TRUE_MSG(test, look.more, "look %u", i);
		waited += ns;
	}
	KUNIT_EXPECT_EQ(test, vgpu_look_again(&look, 0, 0), 0);
	KUNIT_EXPECT_FALSE(test, look.more);
	KUNIT_EXPECT_LE(test, waited, (VGPU_LOOK_VAIN + 1) * VGPU_LOOK_MAX);

	/* while the engine works for it none is in vain, and none is due */
	look.more = true;
	KUNIT_EXPECT_NE(test, vgpu_look_again(&look, 1, 1), 0);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, vgpu_look_again(&look, 0, 1), 0);
	KUNIT_EXPECT_TRUE(test, look.more);
	KUNIT_EXPECT_NE(test, vgpu_look_again(&look, 0, 0), 0);
}

/* Much found: sooner the next time; little: later; both have an end. */
static void it_learns_how_long(struct kunit *test)
{
	struct vgpu_look look;
	u32 ns, before, i;

	vgpu_look_init(&look);
	look.more = true;
	KUNIT_EXPECT_EQ(test, look.ns, VGPU_LOOK_MIN);
	for (i = 0, before = 0; i < 20; i++, before = ns) {
		ns = vgpu_look_again(&look, VGPU_LOOK_FEW - 1, 1);
		KUNIT_EXPECT_TRUE(test, ns > before || ns == VGPU_LOOK_MAX);
	}
	KUNIT_EXPECT_EQ(test, look.ns, VGPU_LOOK_MAX);
	for (i = 0; i < 20; i++)
		vgpu_look_again(&look, VGPU_LOOK_FEW, 1);
	KUNIT_EXPECT_EQ(test, look.ns, VGPU_LOOK_MAX);
	for (i = 0; i < 20; i++, before = ns) {
		ns = vgpu_look_again(&look, VGPU_LOOK_MANY, 1);
		KUNIT_EXPECT_TRUE(test, ns < before || ns == VGPU_LOOK_MIN);
	}
	KUNIT_EXPECT_EQ(test, look.ns, VGPU_LOOK_MIN);
}

static struct kunit_case look_cases[] = {
	KUNIT_CASE(a_stream_hardly_kicks),
	KUNIT_CASE(one_that_comes_seldom_kicks),
	KUNIT_CASE(a_signal_ends_it),
	KUNIT_CASE(looks_in_vain_end_it),
	KUNIT_CASE(it_learns_how_long),
	{}
};

static struct kunit_suite look_suite = {
	.name = "vgpu_core_look",
	.test_cases = look_cases,
};

kunit_test_suite(look_suite);
