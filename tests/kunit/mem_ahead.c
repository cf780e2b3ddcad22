// SPDX-License-Identifier: GPL-2.0
/*
 * Reading ahead: in order it saves faults, otherwise it does nothing, and it never
 * takes what somebody needs.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include "mem_tenant.h"

MODULE_IMPORT_NS(VGPU);

#define CHUNK	VGPU_CHUNK_BYTES

static struct vgpu_paging_stats figures(struct mem_mock *mock)
{
	struct vgpu_paging_stats st;

	vgpu_vram_get_paging(mock->vram, &st);
	return st;
}

/* As an engine that faults, and whoever brings the memory back. */
static bool touch(struct tenant *t, u64 at, u64 *value, bool write)
{
	u64 va = BASE + at;
	unsigned int tries;

	for (tries = 0; tries < 100; tries++) {
		if (!(write ? mem_mock_store(t->mock, t->as, va, *value) :
			      mem_mock_load(t->mock, t->as, va, value)))
			return true;
		t->faults++;
		if (vgpu_as_fault_in(t->as, va, RW))
			return false;
		vgpu_as_read_ahead(t->as, va, NULL, NULL);
	}
	return false;
}

static void fill(struct kunit *test, struct tenant *t)
{
	u64 at, word;

	for (at = 0; at < t->bytes; at += CHUNK) {
		word = at + 1;
		KUNIT_ASSERT_TRUE(test, touch(t, at + 0x1008, &word, true));
	}
}

static bool is_right(struct tenant *t, u64 at)
{
	u64 word;

	return touch(t, at + 0x1008, &word, false) && word == at + 1;
}

static void in_order(struct kunit *test, struct tenant *t, u64 from, u64 to)
{
	u64 at;

	for (at = from; at < to; at += CHUNK)
		KUNIT_ASSERT_TRUE(test, is_right(t, at));
}

static void saves_faults(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	const u32 max = VGPU_READ_AHEAD_MAX;
	struct vgpu_paging_stats st;
	struct tenant t;
	u32 i;

	tenant_open(test, mock, &t, 1, 2 * VRAM);
	/* what is new is not brought in before it is written */
	fill(test, &t);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, 0ULL);
	t.faults = 0;
	for (i = 0; i < 3; i++)
		in_order(test, &t, 0, t.bytes);
	st = figures(mock);
	/* eight with each that faults, once something is cold */
	KUNIT_EXPECT_LT(test, t.faults, 3 * (2 * VRAM / CHUNK) / 3);
	KUNIT_EXPECT_GT(test, st.ahead, 3 * (2 * VRAM / CHUNK) * 2 / 3);
	KUNIT_EXPECT_EQ(test, st.ahead_wasted, 0ULL);
	KUNIT_EXPECT_GT(test, st.ahead_used, st.ahead / 2);
	/* who waited for them counts, and nobody else */
	for (i = 0; i < VGPU_PAGING_BUCKETS; i++)
		st.restores -= st.latency[i];
	KUNIT_EXPECT_EQ(test, st.restores, st.ahead);

	KUNIT_EXPECT_EQ(test, vgpu_vram_set_read_ahead(mock->vram, max + 1),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, vgpu_vram_set_read_ahead(mock->vram, 0), 0);
	in_order(test, &t, 0, t.bytes);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, st.ahead);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

static void not_at_random(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct rnd_state rnd;
	struct tenant t;
	u32 i;

	tenant_open(test, mock, &t, 1, 2 * VRAM);
	fill(test, &t);
	prandom_seed_state(&rnd, 7);
	for (i = 0; i < 2000; i++)
		KUNIT_ASSERT_TRUE(test, is_right(&t, CHUNK * (u64)
				mock_rnd(&rnd, t.bytes / CHUNK)));
	KUNIT_EXPECT_LT(test, figures(mock).ahead, 10ULL);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

static void wasted_is_told(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant t;
	u64 half, at = 0, before;

	tenant_open(test, mock, &t, 1, 4 * VRAM);
	half = t.bytes / 2;
	fill(test, &t);
	do {
		before = figures(mock).ahead;
		KUNIT_ASSERT_TRUE(test, is_right(&t, at));
		at += CHUNK;
		st = figures(mock);
	} while (at < half && st.ahead < before + 6);
	KUNIT_ASSERT_GE(test, st.ahead, before + 6);
	KUNIT_EXPECT_EQ(test, st.ahead_wasted, 0ULL);
	/* they are not asked for, and go */
	KUNIT_EXPECT_EQ(test, vgpu_vram_set_read_ahead(mock->vram, 0), 0);
	in_order(test, &t, half, t.bytes);
	KUNIT_EXPECT_GE(test, figures(mock).ahead_wasted, 6ULL);
	KUNIT_EXPECT_LE(test, figures(mock).ahead_wasted, 8ULL);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, figures(mock).ahead_used +
						   figures(mock).ahead_wasted);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

static void takes_nothing_that_is_needed(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_block *frame;
	struct tenant lent, hog;
	unsigned int i;
	u64 n;

	/* older, and above its share: next to go for whoever needs a frame */
	tenant_open_with_share(test, mock, &lent, 1, 2 * MOCK_MIB, 0x20000);
	fill(test, &lent);
	tenant_open_with_share(test, mock, &hog, 2, 5 * MOCK_MIB, 0x20000);
	fill(test, &hog);
	frame = vgpu_residency_evict_cold(mock->vram, &hog.acct.owner);
	KUNIT_EXPECT_NULL(test, frame);
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&lent), lent.bytes);
	tenant_close(test, &lent);
	/* all of it is in use: looked at, and left alone */
	n = tenant_in_vram(&hog);
	in_order(test, &hog, 0, hog.bytes);
	for (i = 0; i < hog.bytes / CHUNK / 8; i++)
		KUNIT_EXPECT_NULL(test,
				  vgpu_residency_evict_cold(mock->vram,
							    &hog.acct.owner));
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&hog), n);
	/* nobody has used it since */
	frame = vgpu_residency_evict_cold(mock->vram, &hog.acct.owner);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(frame));
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&hog), n - CHUNK);
	vgpu_frame_free(mock->vram, frame);
	tenant_close(test, &hog);
	all_given_back(test, mock);
}

/* From the second time on it waits for something else. */
static u64 elsewhere(void *arg)
{
	return (*(u32 *)arg)++ ? BASE : 0;
}

/* All the time for what comes next, or what came by now. */
static u64 in_there(void *arg)
{
	(*(u32 *)arg)++;
	return BASE + 9 * CHUNK + 8;
}

static void knows_when_to_stop(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant t, other;
	u32 asked = 0;
	u64 ahead;

	tenant_open(test, mock, &other, 2, MOCK_MIB);
	tenant_open_with_share(test, mock, &t, 1, 4 * MOCK_MIB, 0x20000);
	fill(test, &t);
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	/* as many as may be, but it goes elsewhere after one */
	KUNIT_ASSERT_TRUE(test, is_right(&t, 0));
	ahead = figures(mock).ahead;
	KUNIT_EXPECT_EQ(test, ahead, 0ULL);
	t.bo->paged->ahead.next = 7;
	t.bo->paged->ahead.window = VGPU_READ_AHEAD_MAX;
	vgpu_as_read_ahead(t.as, BASE + 6 * CHUNK, elsewhere, &asked);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, 1ULL);
	KUNIT_EXPECT_EQ(test, asked, 2U);
	/* it waits for the second of the next: up to there, and at once */
	asked = 0;
	vgpu_as_read_ahead(t.as, BASE + 6 * CHUNK, in_there, &asked);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, 3ULL);
	KUNIT_EXPECT_EQ(test, asked, 3U);
	KUNIT_EXPECT_TRUE(test, is_right(&t, 9 * CHUNK));
	/* so far from who wants it and no further */
	t.bo->paged->ahead.window = 5;
	vgpu_as_read_ahead(t.as, BASE + 6 * CHUNK, NULL, NULL);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, 5ULL);
	vgpu_as_read_ahead(t.as, BASE + 6 * CHUNK, NULL, NULL);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, 5ULL);
	ahead = figures(mock).ahead;
	/* held back: not that way either */
	t.bo->paged->ahead.window = VGPU_READ_AHEAD_MAX;
	t.acct.owner.thrash.level = 1;
	vgpu_as_read_ahead(t.as, BASE + 11 * CHUNK, NULL, NULL);
	t.acct.owner.thrash.level = 0;
	KUNIT_EXPECT_EQ(test, t.bo->paged->ahead.window, 0U);
	t.bo->paged->ahead.window = VGPU_READ_AHEAD_MAX;
	t.acct.squeezed = true;
	vgpu_as_read_ahead(t.as, BASE + 11 * CHUNK, NULL, NULL);
	t.acct.squeezed = false;
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, ahead);
	/* where nothing is mapped, and up to the end and not beyond */
	vgpu_as_read_ahead(t.as, BASE + t.bytes, NULL, NULL);
	t.bo->paged->ahead.next = t.bytes / CHUNK - 2;
	t.bo->paged->ahead.window = VGPU_READ_AHEAD_MAX;
	vgpu_as_read_ahead(t.as, BASE + t.bytes - 3 * CHUNK, NULL, NULL);
	KUNIT_EXPECT_EQ(test, figures(mock).ahead, ahead + 2);
	KUNIT_EXPECT_EQ(test, t.bo->paged->busy, 0U);
	tenant_close(test, &t);
	tenant_close(test, &other);
	all_given_back(test, mock);
}

/* Every allocation fails in turn; what was not brought in comes when asked for. */
static void fail_every_nth(struct kunit *test)
{
	struct mem_mock *mock;
	struct tenant t;
	u32 nth, i;
	bool hit;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection here");
	mock = paged_mock(test);
	tenant_open(test, mock, &t, 1, VRAM + 2 * MOCK_MIB);
	fill(test, &t);
	for (nth = 1; nth < 1000; nth++) {
		/* two looks, so that something is cold */
		for (i = 0; i < 3; i++)
			KUNIT_ASSERT_TRUE(test, is_right(&t, i * CHUNK));
		t.bo->paged->ahead.next = 3 + nth * 8 % (VRAM / CHUNK);
		t.bo->paged->ahead.window = 8;
		mem_fail_nth_start(nth);
		vgpu_as_read_ahead(t.as, BASE + (t.bo->paged->ahead.next - 1) *
				   CHUNK, NULL, NULL);
		hit = mem_fail_nth_stop();
		KUNIT_EXPECT_EQ(test, t.bo->paged->busy, 0U);
		if (!hit && nth > 8)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 1000U);
	KUNIT_EXPECT_GT(test, figures(mock).ahead, 0ULL);
	in_order(test, &t, 0, t.bytes);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

struct racer {
	struct tenant t;
	atomic_t stop;
	atomic_t bad;
	struct completion done[3];
	atomic_t next;
};

static int racer_fn(void *arg)
{
	struct racer *r = arg;
	u32 me = atomic_fetch_inc(&r->next);
	u64 at = 0;

	while (!atomic_read(&r->stop)) {
		if (me == 2) {
			vgpu_bo_evict(r->t.bo);
			usleep_range(200, 400);
			continue;
		}
		if (!is_right(&r->t, at))
			atomic_inc(&r->bad);
		at = (at + CHUNK) % r->t.bytes;
		cond_resched();
	}
	complete(&r->done[me]);
	return 0;
}

/* Two go through it in order, while all of it is evicted again and again. */
static void races(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct racer *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	tenant_open(test, mock, &r->t, 1, 2 * VRAM);
	fill(test, &r->t);
	for (i = 0; i < ARRAY_SIZE(r->done); i++)
		init_completion(&r->done[i]);
	for (i = 0; i < ARRAY_SIZE(r->done); i++)
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(racer_fn, r,
							    "ahead%u", i)));
	msleep(500);
	atomic_set(&r->stop, 1);
	for (i = 0; i < ARRAY_SIZE(r->done); i++)
		wait_for_completion(&r->done[i]);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->bad), 0);
	KUNIT_EXPECT_GT(test, figures(mock).ahead, 10ULL);
	tenant_close(test, &r->t);
	all_given_back(test, mock);
}

static void ahead_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct kunit_case ahead_cases[] = {
	KUNIT_CASE(saves_faults),
	KUNIT_CASE(not_at_random),
	KUNIT_CASE(wasted_is_told),
	KUNIT_CASE(takes_nothing_that_is_needed),
	KUNIT_CASE(knows_when_to_stop),
	KUNIT_CASE(fail_every_nth),
	KUNIT_CASE(races),
	{}
};

static struct kunit_suite ahead_suite = {
	.name = "vgpu_mem_ahead",
	.exit = ahead_exit,
	.test_cases = ahead_cases,
};

kunit_test_suite(ahead_suite);
