// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants, revocation and engines at once. Nothing is expected of single calls
 * but that each ends in an errno it may end in; the mock sees whether memory
 * is freed under an engine, and in the end all must be back.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include "mem_mock.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define BASE	0x40000000ULL
#define SPACES	3
#define SHARED	6
#define ROUNDS	100

struct race {
	struct mem_mock *mock;
	struct vgpu_mem_account acct;
	struct vgpu_as *as[SPACES];
	spinlock_t lock;	/* protects bo */
	struct vgpu_bo *bo[SHARED];
	atomic_t stop;
};

struct racer {
	struct race *race;
	struct completion done;
	int (*step)(struct race *race, struct rnd_state *rnd);
	u32 seed;
	int bad;		/* an errno that may not be */
	u32 bad_step;
	u32 rounds;		/* 0: until stopped */
};

static struct vgpu_bo *any_bo(struct race *race, struct rnd_state *rnd)
{
	struct vgpu_bo *bo;

	spin_lock(&race->lock);
	bo = race->bo[mock_rnd(rnd, SHARED)];
	if (bo)
		vgpu_bo_get(bo);
	spin_unlock(&race->lock);
	return bo;
}

static u64 any_va(struct rnd_state *rnd)
{
	return BASE + mock_rnd(rnd, 96) * 0x10000ULL;
}

static int step_map(struct race *race, struct rnd_state *rnd)
{
	struct vgpu_bo *bo = any_bo(race, rnd);
	struct vgpu_as *as = race->as[mock_rnd(rnd, SPACES)];
	u64 va = any_va(rnd);
	int err;

	if (!bo)
		return 0;
	if (mock_rnd(rnd, 2))
		va &= ~(2 * MOCK_MIB - 1);
	err = vgpu_as_map(as, bo, 0, va, vgpu_bo_bytes(bo), RW);
	vgpu_bo_put(bo);
	return err == -EEXIST || err == -ESTALE || err == -ENOSPC ||
	       err == -EDQUOT ? 0 : err;
}

static int step_unmap(struct race *race, struct rnd_state *rnd)
{
	struct vgpu_as *as = race->as[mock_rnd(rnd, SPACES)];
	int err;

	err = vgpu_as_unmap(as, any_va(rnd),
			    (1 + mock_rnd(rnd, 40)) * 0x10000ULL);
	return err == -ENOENT || err == -ENOSPC || err == -EDQUOT ? 0 : err;
}

static int step_replace(struct race *race, struct rnd_state *rnd)
{
	u32 i = mock_rnd(rnd, SHARED);
	struct vgpu_bo *old, *bo;

	bo = vgpu_bo_create(race->mock->vram, &race->acct,
			    mock_rnd(rnd, 2) ? 2 * MOCK_MIB : 0x50000, 0, 0);
	if (IS_ERR(bo)) {
		if (PTR_ERR(bo) != -ENOSPC && PTR_ERR(bo) != -EDQUOT)
			return PTR_ERR(bo);
		bo = NULL;
	}
	spin_lock(&race->lock);
	old = race->bo[i];
	race->bo[i] = bo;
	spin_unlock(&race->lock);
	if (old) {
		if (mock_rnd(rnd, 2))
			vgpu_bo_revoke(old);
		vgpu_bo_put(old);
	}
	return 0;
}

static int step_revoke(struct race *race, struct rnd_state *rnd)
{
	struct vgpu_bo *bo = any_bo(race, rnd);

	if (bo && !mock_rnd(rnd, 4))
		vgpu_bo_revoke(bo);
	if (bo)
		vgpu_bo_put(bo);
	return 0;
}

static int step_engine(struct race *race, struct rnd_state *rnd)
{
	struct mock_entry e;

	mem_mock_access(race->mock, race->as[mock_rnd(rnd, SPACES)],
			any_va(rnd), 0, &e);
	return 0;
}

static int race_fn(void *data)
{
	struct racer *r = data;
	struct rnd_state rnd;
	u32 step;

	prandom_seed_state(&rnd, r->seed);
	for (step = 0; !r->rounds || step < r->rounds; step++) {
		int err = r->step(r->race, &rnd);

		if (err && !r->bad) {
			r->bad = err;
			r->bad_step = step;
		}
		if (!r->rounds && atomic_read(&r->race->stop))
			break;
		cond_resched();
	}
	complete(&r->done);
	return 0;
}

static void all_at_once(struct kunit *test)
{
	static int (* const steps[])(struct race *, struct rnd_state *) = {
		step_map, step_map, step_unmap, step_replace, step_revoke,
		step_engine,
	};
	struct racer *r;
	struct race *race;
	unsigned int i;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	r = kunit_kcalloc(test, ARRAY_SIZE(steps), sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	KUNIT_ASSERT_NOT_NULL(test, r);
	race->mock = mem_mock_create(test, 16 * MOCK_MIB, test->param_value,
				     NULL);
	spin_lock_init(&race->lock);
	vgpu_mem_account_init(&race->acct, 14 * MOCK_MIB);
	for (i = 0; i < SPACES; i++) {
		race->as[i] = vgpu_as_create(race->mock->vram, &race->acct,
					     1 + i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(race->as[i]));
	}
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		struct task_struct *task;

		r[i].race = race;
		r[i].step = steps[i];
		r[i].seed = 1000 + i;
		r[i].rounds = steps[i] == step_engine ? 0 : ROUNDS;
		init_completion(&r[i].done);
		task = kthread_run(race_fn, &r[i], "vgpu-race-%u", i);
		if (IS_ERR(task)) {
			r[i].bad = PTR_ERR(task);
			complete(&r[i].done);
		}
	}
	/* the engine, which is the last, goes on until all others are done */
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (i == ARRAY_SIZE(steps) - 1)
			atomic_set(&race->stop, 1);
		wait_for_completion(&r[i].done);
		KUNIT_EXPECT_EQ_MSG(test, r[i].bad, 0, "seed %u step %u",
				    r[i].seed, r[i].bad_step);
	}
	for (i = 0; i < SHARED; i++)
		if (race->bo[i])
			vgpu_bo_put(race->bo[i]);
	for (i = 0; i < SPACES; i++)
		vgpu_as_destroy(race->as[i]);
	KUNIT_EXPECT_EQ(test, race->acct.used, 0ULL);
	KUNIT_EXPECT_LE(test, race->acct.peak, 14 * MOCK_MIB);
	mem_mock_check(test, race->mock);
}

/* An address space goes while its memory is being revoked. */
static int destroy_fn(void *data)
{
	struct racer *r = data;

	if (r->seed & 1)
		usleep_range(1, 50);
	vgpu_as_destroy(r->race->as[0]);
	complete(&r->done);
	return 0;
}

static void destroyed_while_revoked(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	struct racer *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct mem_mock *mock;
	unsigned int round, i;

	KUNIT_ASSERT_NOT_NULL(test, race);
	KUNIT_ASSERT_NOT_NULL(test, r);
	mock = mem_mock_create(test, 4 * MOCK_MIB, test->param_value, NULL);
	race->mock = mock;
	r->race = race;
	for (round = 0; round < 50; round++) {
		struct task_struct *task;
		struct vgpu_bo *bo;

		race->as[0] = vgpu_as_create(mock->vram, NULL, 1);
		KUNIT_ASSERT_FALSE(test, IS_ERR(race->as[0]));
		bo = vgpu_bo_create(mock->vram, NULL, 0x10000, 0, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
		for (i = 0; i < 16; i++)
			KUNIT_ASSERT_EQ(test, vgpu_as_map(race->as[0], bo, 0,
							  BASE + i * 0x20000ULL,
							  0x10000, RW), 0);
		r->seed = round;
		init_completion(&r->done);
		task = kthread_run(destroy_fn, r, "vgpu-destroy");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		if (round & 2)
			usleep_range(1, 50);
		vgpu_bo_revoke(bo);
		vgpu_bo_put(bo);
		wait_for_completion(&r->done);
	}
	mem_mock_check(test, mock);
}

static void race_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(all_at_once, mock_format_gen_params),
	KUNIT_CASE_PARAM(destroyed_while_revoked, mock_format_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_all_at_once",
	.exit = race_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
