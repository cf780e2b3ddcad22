// SPDX-License-Identifier: GPL-2.0
/* Guessing who is next, where it helps to remember and where it does not. */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <vgpu/ctx_predict.h>

#define SEED		0xfeedU
#define CONTEXTS	16
#define ROUNDS		4000

/**
 * struct mix - contexts that run one after the other, and what was guessed
 * @p: what is tested
 * @waits: all contexts, who waits longest first
 * @queue_hits: times that this one was next
 */
struct mix {
	struct vgpu_predict p;
	struct rnd_state rnd;
	u32 waits[CONTEXTS];
	unsigned int queue_hits;
};

static int mix_init(struct kunit *test)
{
	struct mix *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&m->rnd, SEED);
	for (i = 0; i < CONTEXTS; i++)
		m->waits[i] = i + 1;
	test->priv = m;
	return 0;
}

/* @who runs, and waits from now on. */
static void runs(struct mix *m, u32 who)
{
	unsigned int i;

	m->queue_hits += m->waits[0] == who;
	vgpu_predict_next(&m->p, m->waits[0], NULL, NULL);
	vgpu_predict_came(&m->p, who);
	for (i = 0; m->waits[i] != who; i++)
		;
	memmove(&m->waits[i], &m->waits[i + 1],
		(CONTEXTS - 1 - i) * sizeof(m->waits[0]));
	m->waits[CONTEXTS - 1] = who;
}

static void each_in_turn(struct kunit *test)
{
	struct mix *m = test->priv;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		runs(m, i % CONTEXTS + 1);
	KUNIT_EXPECT_GE(test, m->p.hits, ROUNDS - 1ULL);
}

/* What comes after 1 depends on what came before it. */
static void one_in_between(struct kunit *test)
{
	static const u32 pattern[] = { 1, 2, 1, 3, 1, 4 };
	struct mix *m = test->priv;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		runs(m, pattern[i % ARRAY_SIZE(pattern)]);
	KUNIT_EXPECT_GT(test, m->p.hits * 100, ROUNDS * 95ULL);
	KUNIT_EXPECT_LT(test, m->queue_hits * 100, ROUNDS * 5U);
}

/* The n-th is n times as rare as the first, and there is no order in it. */
static void a_few_nearly_always(struct kunit *test)
{
	struct mix *m = test->priv;
	unsigned int i;
	u32 last = 0;

	for (i = 0; i < ROUNDS; i++) {
		u32 sum = 0, who, at, k;

		for (k = 1; k <= CONTEXTS; k++)
			sum += 65536 / k;
		do {
			at = prandom_u32_state(&m->rnd) % sum;
			for (who = 1; at >= 65536 / who; who++)
				at -= 65536 / who;
		} while (who == last);
		runs(m, who);
		last = who;
	}
	KUNIT_EXPECT_GT(test, m->p.hits * 100, ROUNDS * 25ULL);
	KUNIT_EXPECT_LT(test, m->queue_hits * 100, ROUNDS * 8U);
}

/* Each has one that mostly follows it, and one that sometimes does. */
static void who_follows_whom(struct kunit *test)
{
	struct mix *m = test->priv;
	u32 who = 1, next;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		u32 r = prandom_u32_state(&m->rnd) % 100;

		next = (who * (r < 65 ? 7 : 5) + (r < 65 ? 3 : 1)) % CONTEXTS + 1;
		if (r >= 90 || next == who)
			next = (who + r) % CONTEXTS + 1;
		if (next == who)
			next = who % CONTEXTS + 1;
		runs(m, next);
		who = next;
	}
	KUNIT_EXPECT_GT(test, m->p.hits * 100, ROUNDS * 50ULL);
	KUNIT_EXPECT_LT(test, m->queue_hits * 100, ROUNDS * 25U);
}

/* What was right for long is not believed much longer than it is right. */
static void another_pattern_all_of_a_sudden(struct kunit *test)
{
	static const u32 first[] = { 1, 2, 3, 4 }, then[] = { 4, 2, 5, 1, 3 };
	struct mix *m = test->priv;
	unsigned int i;
	u64 hits;

	for (i = 0; i < 4000; i++)
		runs(m, first[i % ARRAY_SIZE(first)]);
	for (i = 0; i < 400; i++)
		runs(m, then[i % ARRAY_SIZE(then)]);
	hits = m->p.hits;
	for (i = 0; i < 400; i++)
		runs(m, then[i % ARRAY_SIZE(then)]);
	KUNIT_EXPECT_GE(test, m->p.hits - hits, 380ULL);
}

static bool not_two(void *arg, u32 who)
{
	return who != 2;
}

static bool nobody(void *arg, u32 who)
{
	return false;
}

static void who_cannot_be_next_is_not_guessed(struct kunit *test)
{
	struct mix *m = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 0, NULL, NULL), 0U);
	for (i = 0; i < 100; i++) {
		runs(m, 1);
		runs(m, 2);
		runs(m, 1);
		runs(m, 3);
	}
	runs(m, 1);
	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 0, NULL, NULL), 2U);
	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 0, not_two, NULL), 3U);
	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 0, nobody, NULL), 0U);
	/* then there is still who waits, but for the one that runs */
	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 9, nobody, NULL), 9U);
	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 1, nobody, NULL), 0U);
}

/* More contexts than it has room for, with numbers of all sizes. */
static void far_too_many(struct kunit *test)
{
	struct mix *m = test->priv;
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		vgpu_predict_next(&m->p, 0, NULL, NULL);
		vgpu_predict_came(&m->p, prandom_u32_state(&m->rnd) | 1);
	}
	KUNIT_EXPECT_LT(test, m->p.hits, 20ULL);
	/* and it learns as before */
	for (i = 0; i < 300; i++)
		runs(m, i % 3 + 1);
	KUNIT_EXPECT_EQ(test, m->p.last, 3U);
	KUNIT_EXPECT_EQ(test, vgpu_predict_next(&m->p, 0, NULL, NULL), 1U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(each_in_turn),
	KUNIT_CASE(one_in_between),
	KUNIT_CASE(a_few_nearly_always),
	KUNIT_CASE(who_follows_whom),
	KUNIT_CASE(another_pattern_all_of_a_sudden),
	KUNIT_CASE(who_cannot_be_next_is_not_guessed),
	KUNIT_CASE(far_too_many),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_ctx_predict",
	.init = mix_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
