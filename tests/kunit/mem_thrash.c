// SPDX-License-Identifier: GPL-2.0
/* Who is held back for making everybody page, in virtual time. */
#include <kunit/test.h>
#include "mem/residency.h"

#define WINDOW	VGPU_THRASH_WINDOW_NS
#define APART	VGPU_THRASH_NS

/* A window with @count refaults, from @now; the end of it. */
static u64 window(struct vgpu_thrash *th, u64 now, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		vgpu_thrash_blame(th, now + i);
	return now + WINDOW;
}

static void a_few_cost_nothing(struct kunit *test)
{
	struct vgpu_thrash th = { };
	u64 now = 1000 * WINDOW;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		now = window(&th, now, VGPU_THRASH_BLAMED);
		KUNIT_EXPECT_EQ(test, vgpu_thrash_delay(&th, now), 0ULL);
		KUNIT_EXPECT_EQ(test, vgpu_thrash_delay(&th, now), 0ULL);
	}
	KUNIT_EXPECT_EQ(test, th.begun, 0ULL);
}

static void more_and_more_apart(struct kunit *test)
{
	struct vgpu_thrash th = { };
	u64 now = 1000 * WINDOW, apart = APART;
	unsigned int i;

	for (i = 1; i <= VGPU_THRASH_LEVELS + 2; i++) {
		now = window(&th, now, VGPU_THRASH_BLAMED + 1);
		/* the first comes at once, those behind it keep their distance */
		KUNIT_EXPECT_EQ(test, vgpu_thrash_delay(&th, now), 0ULL);
		KUNIT_EXPECT_EQ(test, vgpu_thrash_delay(&th, now), apart);
		KUNIT_EXPECT_EQ(test, vgpu_thrash_delay(&th, now + apart),
				apart);
		th.next = 0;
		if (i < VGPU_THRASH_LEVELS)
			apart *= 2;
	}
	KUNIT_EXPECT_EQ(test, apart, 32 * APART);
	/* that is one time that it began */
	KUNIT_EXPECT_EQ(test, th.begun, 1ULL);
}

static void calm_undoes_it(struct kunit *test)
{
	struct vgpu_thrash th = { };
	u64 now = 1000 * WINDOW;
	unsigned int i;

	for (i = 0; i < 4; i++)
		now = window(&th, now, VGPU_THRASH_BLAMED + 1);
	now = window(&th, now, 1);
	KUNIT_EXPECT_EQ(test, th.level, 4U);
	now = window(&th, now, VGPU_THRASH_BLAMED);
	KUNIT_EXPECT_EQ(test, th.level, 3U);
	/* it slept: as many windows as it was not there */
	vgpu_thrash_blame(&th, now + WINDOW);
	KUNIT_EXPECT_EQ(test, th.level, 1U);
	vgpu_thrash_blame(&th, now + 1000 * WINDOW);
	KUNIT_EXPECT_EQ(test, th.level, 0U);
	KUNIT_EXPECT_EQ(test, vgpu_thrash_delay(&th, now + 1000 * WINDOW),
			0ULL);
	KUNIT_EXPECT_EQ(test, th.begun, 1ULL);
	/* a bad window long ago is one, and then it was calm */
	now = window(&th, now + 2000 * WINDOW, 1000);
	vgpu_thrash_blame(&th, now + 50 * WINDOW);
	KUNIT_EXPECT_EQ(test, th.level, 0U);
	KUNIT_EXPECT_EQ(test, th.begun, 2ULL);
}

/* However many ask at once: nobody waits for ever. */
static void the_queue_is_bounded(struct kunit *test)
{
	struct vgpu_thrash th = { };
	u64 now = 1000 * WINDOW, delay = 0;
	unsigned int i;

	now = window(&th, now, 1000);
	for (i = 0; i < 1000; i++)
		delay = vgpu_thrash_delay(&th, now);
	KUNIT_EXPECT_EQ(test, delay, 64 * APART);
}

/* One that would fault without end, as often as it may, for ten seconds. */
static void it_settles(struct kunit *test)
{
	struct vgpu_thrash th = { };
	u64 from = 1000 * WINDOW, now = from;
	unsigned int faults = 0;

	while (now < from + 100 * WINDOW) {
		now += vgpu_thrash_delay(&th, now) + 100 * NSEC_PER_USEC;
		vgpu_thrash_blame(&th, now);
		faults++;
	}
	/* 100,000 had it not been held back */
	KUNIT_EXPECT_LT(test, faults, 100U * 4 * VGPU_THRASH_BLAMED);
	KUNIT_EXPECT_GT(test, faults, 100U * VGPU_THRASH_BLAMED / 2);
}

static struct kunit_case thrash_cases[] = {
	KUNIT_CASE(a_few_cost_nothing),
	KUNIT_CASE(more_and_more_apart),
	KUNIT_CASE(calm_undoes_it),
	KUNIT_CASE(the_queue_is_bounded),
	KUNIT_CASE(it_settles),
	{}
};

static struct kunit_suite thrash_suite = {
	.name = "vgpu_mem_thrash",
	.test_cases = thrash_cases,
};

kunit_test_suite(thrash_suite);
