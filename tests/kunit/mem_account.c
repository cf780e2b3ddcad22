// SPDX-License-Identifier: GPL-2.0
/* Accounts that somebody tries to cheat. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <vgpu/mem.h>

#define LIMIT	1000000ULL

static void charge_to_the_byte(struct kunit *test)
{
	struct vgpu_mem_account a;

	vgpu_mem_account_init(&a, LIMIT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 0), 0);
	KUNIT_EXPECT_EQ(test, a.used, LIMIT);
	vgpu_mem_uncharge(&a, 1);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 2), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 1), 0);
	vgpu_mem_uncharge(&a, LIMIT);
	KUNIT_EXPECT_EQ(test, a.used, 0ULL);
	KUNIT_EXPECT_EQ(test, a.peak, LIMIT);
	KUNIT_EXPECT_EQ(test, a.denied, 2ULL);
}

static void charge_that_wraps(struct kunit *test)
{
	struct vgpu_mem_account a;

	vgpu_mem_account_init(&a, LIMIT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 4096), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, U64_MAX), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, U64_MAX - 4095), -EDQUOT);
	KUNIT_EXPECT_EQ(test, a.used, 4096ULL);

	/* no limit at all: still no wrap */
	vgpu_mem_account_init(&a, U64_MAX);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, U64_MAX), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, a.used, U64_MAX);
}

static void given_back_twice(struct kunit *test)
{
	struct vgpu_mem_account a;

	vgpu_mem_account_init(&a, LIMIT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 4096), 0);
	vgpu_mem_uncharge(&a, 4096);
	vgpu_mem_uncharge(&a, 4096);
	KUNIT_EXPECT_EQ(test, a.used, 0ULL);
	/* a counter that went below zero would refuse this */
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, LIMIT), 0);
}

static void limit_below_use(struct kunit *test)
{
	struct vgpu_mem_account a;

	vgpu_mem_account_init(&a, LIMIT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 5000), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_set_limit(&a, 4999), -EBUSY);
	KUNIT_EXPECT_EQ(test, a.limit, LIMIT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_set_limit(&a, 5000), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&a, 1), -EDQUOT);
}

#define RACERS	4
#define ROUNDS	20000

struct racer {
	struct vgpu_mem_account *acct;
	struct completion done;
	u32 seed;
	u64 over;
};

static int race_fn(void *data)
{
	struct racer *r = data;
	struct rnd_state rnd;
	u64 held = 0;
	int i;

	prandom_seed_state(&rnd, r->seed);
	for (i = 0; i < ROUNDS; i++) {
		u64 bytes = prandom_u32_state(&rnd) % (LIMIT / 2);

		if (held && (bytes & 1)) {
			vgpu_mem_uncharge(r->acct, held);
			held = 0;
		} else if (!vgpu_mem_charge(r->acct, bytes)) {
			held += bytes;
		}
		if (READ_ONCE(r->acct->used) > LIMIT)
			r->over++;
	}
	vgpu_mem_uncharge(r->acct, held);
	complete(&r->done);
	return 0;
}

static void many_at_once(struct kunit *test)
{
	struct vgpu_mem_account a;
	struct racer *r;
	int i;

	r = kunit_kcalloc(test, RACERS, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	vgpu_mem_account_init(&a, LIMIT);
	for (i = 0; i < RACERS; i++) {
		struct task_struct *task;

		r[i].acct = &a;
		r[i].seed = 100 + i;
		init_completion(&r[i].done);
		task = kthread_run(race_fn, &r[i], "vgpu-test-%d", i);
		if (IS_ERR(task))
			complete(&r[i].done);
	}
	for (i = 0; i < RACERS; i++)
		wait_for_completion(&r[i].done);
	for (i = 0; i < RACERS; i++)
		KUNIT_EXPECT_EQ_MSG(test, r[i].over, 0ULL, "seed %u", r[i].seed);
	KUNIT_EXPECT_EQ(test, a.used, 0ULL);
	KUNIT_EXPECT_LE(test, a.peak, LIMIT);
	KUNIT_EXPECT_GT(test, a.denied, 0ULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(charge_to_the_byte),
	KUNIT_CASE(charge_that_wraps),
	KUNIT_CASE(given_back_twice),
	KUNIT_CASE(limit_below_use),
	KUNIT_CASE(many_at_once),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_account_cheated",
	.test_cases = cases,
};

kunit_test_suite(suite);
