// SPDX-License-Identifier: GPL-2.0
/*
 * The planner of defragmentation: whatever lies where, its moves can be done in
 * their order, come to an end, and leave as long a run as there can be.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include "mem_mock.h"
#include "seed.h"

MODULE_IMPORT_NS(VGPU_KUNIT);

#define PAGES	4096
#define RUNS	512
#define FREE	(-1)

struct model {
	struct vgpu_plan_run run[RUNS];
	struct vgpu_plan_gap gap[RUNS + 1];
	struct vgpu_plan_run then[RUNS];
	struct vgpu_plan_move move[RUNS];
	short owner[PAGES];		/* which of @run, or FREE */
	u32 runs;
	u32 moved;			/* pages */
};

static void plan_exit(struct kunit *test)
{
	kvfree(test->priv);
}

static struct model *model_new(struct kunit *test)
{
	struct model *m = kvzalloc(sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	test->priv = m;
	memset(m->owner, 0xff, sizeof(m->owner));
	return m;
}

static void add(struct model *m, u32 first, u32 pages, u32 align)
{
	u32 i;

	m->run[m->runs].first = first;
	m->run[m->runs].pages = pages;
	m->run[m->runs].align = align;
	for (i = 0; i < pages; i++)
		m->owner[first + i] = m->runs;
	m->runs++;
}

/* Runs as the kernel would find them: by address. */
static void collect(struct model *m)
{
	struct vgpu_plan_run *old;
	u32 at = 0, n = 0;

	old = kmemdup(m->run, sizeof(m->run), GFP_KERNEL | __GFP_NOFAIL);
	while (at < PAGES) {
		short i = m->owner[at];
		u32 k;

		if (i == FREE) {
			at++;
			continue;
		}
		m->run[n] = old[i];
		m->run[n].first = at;
		for (k = 0; k < old[i].pages; k++)
			m->owner[at + k] = n;
		at += old[i].pages;
		n++;
	}
	kfree(old);
}

static u32 longest(const struct model *m, u32 *free)
{
	u32 run = 0, best = 0, at;

	*free = 0;
	for (at = 0; at < PAGES; at++) {
		run = m->owner[at] == FREE ? run + 1 : 0;
		*free += m->owner[at] == FREE;
		best = max(best, run);
	}
	return best;
}

static void do_move(struct kunit *test, struct model *m,
		    const struct vgpu_plan_move *move, u32 seed)
{
	short who = m->owner[move->first];
	u32 i;

	KUNIT_ASSERT_NE_MSG(test, who, FREE, "seed %u", seed);
	KUNIT_ASSERT_EQ(test, m->run[who].first, move->first);
	KUNIT_ASSERT_EQ(test, m->run[who].pages, move->pages);
	KUNIT_ASSERT_GT(test, m->run[who].align, 0U);
	KUNIT_ASSERT_EQ_MSG(test, (move->to - move->first) %
			    m->run[who].align, 0U, "seed %u", seed);
	KUNIT_ASSERT_LE(test, move->to + move->pages, (u32)PAGES);
	for (i = 0; i < move->pages; i++) {
		short there = m->owner[move->to + i];

		/* over itself only downwards */
		KUNIT_ASSERT_TRUE_MSG(test, there == FREE ||
				      (there == who && move->to < move->first),
				      "seed %u: %u to %u", seed, move->first,
				      move->to);
	}
	for (i = 0; i < move->pages; i++)
		m->owner[move->first + i] = FREE;
	for (i = 0; i < move->pages; i++)
		m->owner[move->to + i] = who;
	m->run[who].first = move->to;
	m->moved += move->pages;
}

/* Until there is nothing to do; how many turns that took. */
static u32 settle(struct kunit *test, struct model *m, u32 max, u32 seed)
{
	u32 turns, moves, i;

	for (turns = 0; turns < 4 * RUNS; turns++) {
		collect(m);
		moves = vgpu_defrag_plan(m->run, m->runs, PAGES, m->gap,
					 m->then, m->move, max);
		KUNIT_ASSERT_LE(test, moves, max);
		if (!moves)
			return turns;
		for (i = 0; i < moves; i++)
			do_move(test, m, &m->move[i], seed);
	}
	KUNIT_FAIL(test, "no end of it, seed %u", seed);
	return turns;
}

static void nothing_to_do(struct kunit *test)
{
	struct model *m = model_new(test);

	KUNIT_EXPECT_EQ(test, vgpu_defrag_plan(m->run, 0, PAGES, m->gap,
					       m->then, m->move, RUNS), 0U);
	add(m, 0, PAGES, 1);
	KUNIT_EXPECT_EQ(test, settle(test, m, RUNS, 0), 0U);
	m->runs = 0;
	add(m, 0, PAGES, 0);
	KUNIT_EXPECT_EQ(test, settle(test, m, RUNS, 0), 0U);
	/* what can't be moved is not, however bad it is */
	m->runs = 0;
	memset(m->owner, 0xff, sizeof(m->owner));
	for (; m->runs < 100; )
		add(m, m->runs * 40, 1, 0);
	KUNIT_EXPECT_EQ(test, settle(test, m, RUNS, 0), 0U);
	/* one run already, wherever it is */
	m->runs = 0;
	memset(m->owner, 0xff, sizeof(m->owner));
	add(m, 0, 100, 1);
	add(m, 3000, PAGES - 3000, 1);
	KUNIT_EXPECT_EQ(test, settle(test, m, RUNS, 0), 0U);
}

/* Everything in between can go, so all that is free becomes one. */
static void all_movable(struct kunit *test)
{
	u32 seed, round;

	for (round = 0; round < 40; round++) {
		struct model *m = model_new(test);
		struct rnd_state rnd;
		u32 at, free, turns;

		seed = kunit_seed();
		prandom_seed_state(&rnd, seed);
		for (at = 0; m->runs < RUNS; ) {
			u32 pages = 1 + mock_rnd(&rnd, round % 2 ? 1 : 24);

			at += mock_rnd(&rnd, 12);
			if (at + pages > PAGES)
				break;
			add(m, at, pages, 1);
			at += pages;
		}
		turns = settle(test, m, round % 3 ? RUNS : 16, seed);
		at = longest(m, &free);
		KUNIT_EXPECT_GE_MSG(test, at * 100, free * 95,
				    "seed %u: %u of %u after %u turns", seed, at,
				    free, turns);
		kvfree(m);
		test->priv = NULL;
	}
}

/* Gaps all smaller than what is between them: only sliding helps. */
static void no_gap_is_large_enough(struct kunit *test)
{
	struct model *m = model_new(test);
	u32 at, free;

	for (at = 3; at + 8 <= PAGES; at += 11)
		add(m, at, 8, 1);
	settle(test, m, RUNS, 0);
	at = longest(m, &free);
	KUNIT_EXPECT_EQ(test, at, free);
	/* each once, and not a page more */
	KUNIT_EXPECT_LE(test, m->moved, m->runs * 8);
}

/*
 * Four of four pages each, far apart in what would be the longest run, each of which
 * may be at one place in 512 only: where the longest gap is there is one such place.
 */
static void not_for_the_worse(struct kunit *test)
{
	struct model *m = model_new(test);
	u32 at, free;

	add(m, 768, 1280, 0);
	for (at = 2048 + 256; at < PAGES; at += 512)
		add(m, at, 4, 512);
	KUNIT_EXPECT_EQ(test, longest(m, &free), 768U);
	KUNIT_EXPECT_EQ(test, settle(test, m, RUNS, 0), 0U);
	KUNIT_EXPECT_EQ(test, longest(m, &free), 768U);

	/* with room for all of them elsewhere it is worth it */
	kvfree(m);
	m = model_new(test);
	add(m, 1024 + 768, 256, 0);
	for (at = 2048 + 256; at < PAGES - 1024; at += 512)
		add(m, at, 4, 512);
	add(m, PAGES - 256, 256, 1);
	settle(test, m, RUNS, 0);
	KUNIT_EXPECT_EQ(test, longest(m, &free), 2048U);
}

/*
 * What has the largest alignment could only go to the middle of what is free, so it
 * stays, and all below it comes together nevertheless.
 */
static void the_largest_stays(struct kunit *test)
{
	struct model *m = model_new(test);
	u32 at, free;

	for (at = 0; at < 1800; at += 320)
		add(m, at, 200, 1);
	add(m, 3072, 1024, 1024);
	KUNIT_EXPECT_EQ(test, longest(m, &free), 3072U - 1800);
	settle(test, m, RUNS, 0);
	KUNIT_EXPECT_EQ(test, longest(m, &free), free);
	KUNIT_EXPECT_EQ(test, m->owner[3072], m->owner[PAGES - 1]);
	KUNIT_EXPECT_NE(test, m->owner[3072], (short)FREE);
}

/* How long it takes to find nothing for @n pieces, none of which fits anywhere. */
static u64 in_vain_ns(struct kunit *test, u32 n)
{
	struct vgpu_plan_run *run = kvmalloc_array(2 * n, sizeof(*run), GFP_KERNEL);
	struct vgpu_plan_gap *gap = kvmalloc_array(n + 1, sizeof(*gap), GFP_KERNEL);
	struct vgpu_plan_move *move = kvmalloc_array(16, sizeof(*move), GFP_KERNEL);
	u64 best = U64_MAX, took;
	u32 i, round;

	for (round = 0; run && gap && move && round < 5; round++) {
		for (i = 0; i < n; i++) {
			run[i].first = 3 * i;
			run[i].pages = 2;
			run[i].align = 1;
		}
		took = ktime_get_ns();
		vgpu_defrag_plan(run, n, 3 * n, gap, run + n, move, 16);
		best = min(best, ktime_get_ns() - took);
	}
	KUNIT_EXPECT_NE(test, best, U64_MAX);
	kvfree(move);
	kvfree(gap);
	kvfree(run);
	return best;
}

/* A tenant can make as many holes as it likes: four times as many take four times as long. */
static void holes_without_number(struct kunit *test)
{
	u64 few = in_vain_ns(test, 4000), many = in_vain_ns(test, 16000);

	kunit_info(test, "%llu us for 4000, %llu us for 16000\n", div_u64(few, 1000),
		   div_u64(many, 1000));
	KUNIT_EXPECT_LT(test, many, 10 * few);
}

/*
 * With obstacles: never worse than it was, never past them, and as good as the
 * best stretch between two of them allows when all is of single pages.
 */
static void obstacles(struct kunit *test)
{
	u32 seed, round;

	for (round = 0; round < 100; round++) {
		struct model *m = model_new(test);
		u32 at, i, free, before, after, best = 0, lo = 0, used = 0;
		struct rnd_state rnd;

		seed = kunit_seed();
		prandom_seed_state(&rnd, seed);
		for (at = 0; m->runs < RUNS; ) {
			bool fixed = !mock_rnd(&rnd, 20);
			u32 pages = round % 2 ? 1 : 1 + mock_rnd(&rnd, 16);
			u32 align = round % 2 ? 1 : 1 << mock_rnd(&rnd, 10);

			at += mock_rnd(&rnd, 14);
			if (at + pages > PAGES)
				break;
			add(m, at, pages, fixed ? 0 : align);
			at += pages;
		}
		before = longest(m, &free);
		for (i = 0; i <= m->runs; i++) {
			u32 hi = i < m->runs ? m->run[i].first : PAGES;
			u32 out = free - (hi - lo - used);

			if (i < m->runs && m->run[i].align) {
				used += m->run[i].pages;
				continue;
			}
			out = free - (hi - lo - used);
			best = max(best, hi - lo - (used > out ? used - out : 0));
			if (i < m->runs)
				lo = hi + m->run[i].pages;
			used = 0;
		}
		settle(test, m, RUNS, seed);
		after = longest(m, &free);
		KUNIT_EXPECT_GE_MSG(test, after, before, "seed %u", seed);
		KUNIT_EXPECT_LE_MSG(test, after, best, "seed %u", seed);
		if (round % 2)
			KUNIT_EXPECT_GE_MSG(test, after + free / 20, best,
					    "seed %u: had %u", seed, before);
		kvfree(m);
		test->priv = NULL;
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(nothing_to_do),
	KUNIT_CASE(all_movable),
	KUNIT_CASE(no_gap_is_large_enough),
	KUNIT_CASE(not_for_the_worse),
	KUNIT_CASE(the_largest_stays),
	KUNIT_CASE(holes_without_number),
	KUNIT_CASE(obstacles),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_plan",
	.exit = plan_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
