// SPDX-License-Identifier: GPL-2.0
/*
 * What vGPUs of a GPU have in common: whoever takes whatever, nobody is without his right.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include "core/quota/commons.h"
#include "mem_mock.h"
#include "seed.h"

#define VGPUS	64
#define LIMIT	1024
#define RIGHT	(LIMIT / 2 / VGPUS)

static struct vgpu_claim *claims(struct kunit *test)
{
	struct vgpu_claim *claim = kunit_kcalloc(test, VGPUS, sizeof(*claim),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, claim);
	return claim;
}

static u32 take_all(struct vgpu_commons *c, struct vgpu_claim *claim)
{
	u32 n = 0, used;

	while (n <= LIMIT && vgpu_commons_take(c, claim, &used))
		n++;
	return n;
}

/* One that takes all it can leaves everybody his right, and to its end. */
static void one_takes_all(struct kunit *test)
{
	struct vgpu_claim *claim = claims(test);
	struct vgpu_commons c;
	u32 i, used, limit;

	vgpu_commons_init(&c, LIMIT, VGPUS);
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[0]), LIMIT / 2 + RIGHT);
	vgpu_commons_figures(&c, &claim[0], &used, &limit);
	KUNIT_EXPECT_EQ(test, used, LIMIT / 2 + RIGHT);
	KUNIT_EXPECT_EQ(test, limit, LIMIT / 2 + RIGHT);
	KUNIT_EXPECT_FALSE(test, vgpu_commons_has_right(&c, &claim[0]));
	for (i = 1; i < VGPUS; i++) {
		KUNIT_EXPECT_TRUE(test, vgpu_commons_has_right(&c, &claim[i]));
		KUNIT_EXPECT_EQ_MSG(test, take_all(&c, &claim[i]), RIGHT, "%u", i);
	}
	vgpu_commons_figures(&c, &claim[5], &used, &limit);
	KUNIT_EXPECT_EQ(test, used, LIMIT);
	KUNIT_EXPECT_EQ(test, limit, LIMIT);
	/* what is given back above a right is anybody's */
	vgpu_commons_give(&c, &claim[0]);
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[9]), 1U);
	/* and a right only his who has it */
	vgpu_commons_give(&c, &claim[3]);
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[9]), 0U);
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[3]), 1U);
}

/* Too few for everybody to have one by right: who comes first has them. */
static void few(struct kunit *test)
{
	struct vgpu_claim *claim = claims(test);
	struct vgpu_commons c;

	vgpu_commons_init(&c, 2 * VGPUS - 1, VGPUS);
	KUNIT_EXPECT_FALSE(test, vgpu_commons_has_right(&c, &claim[1]));
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[0]), 2U * VGPUS - 1);
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[1]), 0U);

	/* the only one there can be has all */
	vgpu_commons_init(&c, 100, 1);
	KUNIT_EXPECT_EQ(test, take_all(&c, &claim[2]), 100U);
}

static void check(struct kunit *test, struct vgpu_commons *c,
		  const struct vgpu_claim *claim, u32 seed)
{
	u32 i, used = 0, beyond = 0;

	for (i = 0; i < VGPUS; i++) {
		used += claim[i].used;
		beyond += claim[i].used - min(claim[i].used, c->right);
	}
	KUNIT_ASSERT_EQ_MSG(test, c->used, used, "seed %u", seed);
	KUNIT_ASSERT_EQ_MSG(test, c->beyond, beyond, "seed %u", seed);
}

/* Any takes and gives, and other limits in between. */
static void at_random(struct kunit *test)
{
	u32 seed = kunit_seed(), i, k, used, limit = LIMIT, most = LIMIT;
	struct vgpu_claim *claim = claims(test);
	struct vgpu_commons c;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	vgpu_commons_init(&c, LIMIT, VGPUS);
	for (i = 0; i < 20000; i++) {
		/* some are greedier than others */
		k = mock_rnd(&rnd, 1 + mock_rnd(&rnd, VGPUS));
		if (!mock_rnd(&rnd, 500)) {
			limit = 1 + mock_rnd(&rnd, LIMIT);
			vgpu_commons_set(&c, limit);
			/* until what is above has been given back */
			most = max(limit, c.used);
		} else if (mock_rnd(&rnd, 5) && claim[k].used) {
			vgpu_commons_give(&c, &claim[k]);
		} else {
			bool right = vgpu_commons_has_right(&c, &claim[k]);
			u32 was = c.used;
			bool took = vgpu_commons_take(&c, &claim[k], &used);

			KUNIT_ASSERT_EQ_MSG(test, used, was + took, "seed %u", seed);
			/* with a limit that was not lowered below what there is */
			if (right && most == LIMIT)
				KUNIT_ASSERT_TRUE_MSG(test, took, "seed %u, step %u",
						      seed, i);
			if (took)
				KUNIT_ASSERT_LE_MSG(test, used, limit, "seed %u",
						    seed);
		}
		if (!(i % 64))
			check(test, &c, claim, seed);
		KUNIT_ASSERT_LE_MSG(test, c.used, most, "seed %u", seed);
	}
	for (k = 0; k < VGPUS; k++)
		while (claim[k].used)
			vgpu_commons_give(&c, &claim[k]);
	check(test, &c, claim, seed);
	KUNIT_EXPECT_TRUE(test, list_empty(&c.claims));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(one_takes_all),
	KUNIT_CASE(few),
	KUNIT_CASE(at_random),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_commons",
	.test_cases = cases,
};

kunit_test_suite(suite);
