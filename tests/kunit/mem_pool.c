// SPDX-License-Identifier: GPL-2.0
/* What is at hand, what is still to be scrubbed, and who looks for secrets. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include "mem_mock.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define SECRET	0x5ec2e7u
#define LOTS	BIT_ULL(40)

static struct mem_mock *mock_new(struct kunit *test, u64 bytes)
{
	return mem_mock_create(test, bytes, &mock_formats[0], NULL);
}

static void pool_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct vgpu_vram_stats stats_of(struct mem_mock *mock)
{
	struct vgpu_vram_stats st;

	vgpu_vram_get_stats(mock->vram, &st);
	return st;
}

static void fill(struct mem_mock *mock, const struct vgpu_block *block)
{
	memset32((u32 *)(mock->mem + vgpu_block_addr(block)), SECRET,
		 vgpu_block_bytes(block) / 4);
}

static bool all_zero(struct mem_mock *mock, const struct vgpu_block *block)
{
	return !memchr_inv(mock->mem + vgpu_block_addr(block), 0,
			   vgpu_block_bytes(block));
}

/* Until the worker was everywhere once. */
static bool first_pass_over(struct mem_mock *mock)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		if (READ_ONCE(mock->vram->first_pass) >= mock->vram->pages) {
			vgpu_vram_trim(mock->vram);
			return true;
		}
		msleep(20);
	}
	return false;
}

/* --- secrets -------------------------------------------------------------- */

struct hunt {
	const char *strategy;
	bool pools;
	bool background;
};

static const struct hunt hunts[] = {
	{ "best", false, true }, { "best", true, false },
	{ "best", true, true }, { "first", true, true },
	{ "worst", true, true }, { "buddy", false, false },
	{ "buddy", false, true }, { "buddy", true, true },
};

static void hunt_desc(const struct hunt *h, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s", h->strategy,
		 h->pools ? "-pools" : "", h->background ? "-background" : "");
}

KUNIT_ARRAY_PARAM(hunt, hunts, hunt_desc);

#define HELD	96
#define HUNTERS	3

struct hunter {
	struct kunit *test;
	struct mem_mock *mock;
	struct vgpu_mem_account acct;
	struct task_struct *task;
	u32 seed;
	u32 steps;
	bool done;		/* by itself */
	u64 found;		/* secrets of others */
	u64 served;
	u64 mapped;
	u64 bad_accounts;
};

struct prey {
	struct vgpu_bo *bo;
	struct vgpu_as *as;
	bool raw;		/* @block instead */
	struct vgpu_block *block;
};

static void look_and_hide(struct hunter *h, struct vgpu_bo *bo)
{
	unsigned int i;

	for (i = 0; i < bo->pieces; i++) {
		if (!all_zero(h->mock, bo->piece[i].block))
			h->found++;
		fill(h->mock, bo->piece[i].block);
	}
}

/* Every way in which memory can be let go. */
static void release(struct hunter *h, struct prey *p, u32 how)
{
	if (p->raw) {
		vgpu_vram_free(h->mock->vram, p->block, false);
		p->raw = false;
		return;
	}
	/* revoked; or mapped longer than it is owned; or put first */
	if (p->as && how == 0)
		vgpu_bo_revoke(p->bo);
	if (p->as && how == 1)
		vgpu_as_unmap(p->as, 2 * MOCK_MIB, vgpu_bo_bytes(p->bo));
	if (how == 2) {
		vgpu_bo_put(p->bo);
		p->bo = NULL;
	}
	if (p->as)
		vgpu_as_destroy(p->as);
	if (p->bo)
		vgpu_bo_put(p->bo);
	p->bo = NULL;
	p->as = NULL;
}

static int hunt_steps(void *arg)
{
	struct hunter *h = arg;
	struct rnd_state rnd;
	struct prey *prey = kcalloc(HELD, sizeof(*prey), GFP_KERNEL);
	u32 step, i;

	prandom_seed_state(&rnd, h->seed);
	for (step = 0; prey && step < h->steps; step++) {
		struct prey *p = &prey[mock_rnd(&rnd, HELD)];
		u32 size = mock_rnd(&rnd, 16);

		if (p->bo || p->raw) {
			release(h, p, mock_rnd(&rnd, 4));
			continue;
		}
		/* pool sizes, odd ones, now and then a large one */
		size = size < 10 ? 4096 << mock_rnd(&rnd, 8) :
		       size < 15 ? 4096 * (1 + mock_rnd(&rnd, 100)) :
				   2 * MOCK_MIB;
		if (mock_rnd(&rnd, 3) == 0) {
			p->block = vgpu_vram_alloc(h->mock->vram, size >> 12,
						   size >> 12,
						   mock_rnd(&rnd, 3), NULL,
						   false);
			if (IS_ERR(p->block))
				continue;
			p->raw = true;
			if (!all_zero(h->mock, p->block))
				h->found++;
			h->served++;
			/* given back unseen, or with something in it */
			if (mock_rnd(&rnd, 8) == 0) {
				vgpu_vram_free(h->mock->vram, p->block, true);
				p->raw = false;
			} else {
				fill(h->mock, p->block);
			}
			continue;
		}
		p->bo = vgpu_bo_create(h->mock->vram, &h->acct, size, 0, 0);
		if (IS_ERR(p->bo)) {
			p->bo = NULL;
			continue;
		}
		h->served++;
		look_and_hide(h, p->bo);
		if (mock_rnd(&rnd, 2))
			continue;
		/* tables come from the same memory */
		p->as = vgpu_as_create(h->mock->vram, &h->acct, h->seed);
		if (IS_ERR(p->as))
			p->as = NULL;
		else if (!vgpu_as_map(p->as, p->bo, 0, 2 * MOCK_MIB,
				      vgpu_bo_bytes(p->bo), RW))
			h->mapped++;
		cond_resched();
	}
	for (i = 0; prey && i < HELD; i++)
		if (prey[i].bo || prey[i].raw)
			release(h, &prey[i], 3);
	kfree(prey);
	if (!prey)
		h->bad_accounts++;
	if (h->acct.used)
		h->bad_accounts++;
	/* with all that is counted above; pairs with the test's load */
	smp_store_release(&h->done, true);
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void nobody_finds_a_secret(struct kunit *test)
{
	const struct hunt *plan = test->param_value;
	struct mem_mock *mock = mock_new(test, 16 * MOCK_MIB);
	struct hunter *h = kunit_kcalloc(test, HUNTERS, sizeof(*h), GFP_KERNEL);
	unsigned int i, round, running;
	struct vgpu_vram_stats st;
	u64 n, hits = 0;

	KUNIT_ASSERT_NOT_NULL(test, h);
	KUNIT_ASSERT_EQ(test, vgpu_vram_set_strategy(mock->vram, plan->strategy),
			0);
	/* somebody was here before us */
	memset32((u32 *)mock->mem, SECRET, mock->bytes / 4);
	vgpu_vram_set_pools(mock->vram, plan->pools);
	vgpu_vram_set_background(mock->vram, plan->background);
	for (i = 0; i < HUNTERS; i++) {
		h[i].test = test;
		h[i].mock = mock;
		h[i].seed = 11 + i;
		h[i].steps = MOCK_STEPS(1500);
		vgpu_mem_account_init(&h[i].acct, LOTS);
		h[i].task = kthread_run(hunt_steps, &h[i], "hunter-%u", i);
		if (IS_ERR(h[i].task)) {
			h[i].task = NULL;
			h[i].done = true;
		}
	}
	/* meanwhile everything is turned on and off, pages go bad */
	for (round = 0; round < 3000; round++) {
		running = 0;
		for (i = 0; i < HUNTERS; i++)
			/* pairs with the hunter's store */
			running += !smp_load_acquire(&h[i].done);
		if (!running)
			break;
		if (plan->pools && round % 7 == 3)
			vgpu_vram_set_pools(mock->vram, round % 2);
		if (plan->background && round % 5 == 2)
			vgpu_vram_set_background(mock->vram, round % 3);
		if (round % 16 == 9)
			vgpu_vram_trim(mock->vram);
		if (round < 8)
			vgpu_vram_retire(mock->vram, round * 1234567);
		msleep(20);
	}
	for (i = 0; i < HUNTERS; i++) {
		if (h[i].task)
			kthread_stop(h[i].task);
		KUNIT_EXPECT_TRUE_MSG(test, h[i].done, "hunter %u", i);
		KUNIT_EXPECT_EQ_MSG(test, h[i].found, 0ULL, "hunter %u", i);
		KUNIT_EXPECT_EQ_MSG(test, h[i].bad_accounts, 0ULL, "hunter %u",
				    i);
		KUNIT_EXPECT_GT_MSG(test, h[i].served, MOCK_STEPS(200ULL), "hunter %u", i);
		KUNIT_EXPECT_GT_MSG(test, h[i].mapped, MOCK_STEPS(50ULL), "hunter %u", i);
	}
	st = stats_of(mock);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.retired, 8 * 4096ULL);
	for (i = 0; i < VGPU_POOLS; i++)
		hits += st.pool[i].hits;
	if (plan->pools)
		KUNIT_EXPECT_GT(test, hits, MOCK_STEPS(100ULL));
	else
		KUNIT_EXPECT_EQ(test, hits, 0ULL);
	vgpu_vram_set_pools(mock->vram, false);
	if (plan->background) {
		vgpu_vram_set_background(mock->vram, true);
		KUNIT_EXPECT_TRUE(test, first_pass_over(mock));
		/* bad pages keep what they have: they are handed to nobody */
		for (i = n = 0; i < mock->bytes / 4; i++)
			if (((u32 *)mock->mem)[i] == SECRET &&
			    !xa_load(&mock->vram->bad, i / 1024))
				n++;
		KUNIT_EXPECT_EQ(test, n, 0ULL);
	}
	mem_mock_check(test, mock);
}

/* --- pools ----------------------------------------------------------------- */

#define MANY	64

static void grows_and_shrinks(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 64 * MOCK_MIB);
	struct vgpu_block *b[MANY];
	struct vgpu_mem_account a;
	struct vgpu_vram_stats st;
	struct vgpu_bo *bo;
	unsigned int i, round;
	u64 held;

	vgpu_vram_set_pools(mock->vram, true);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < MANY; i++) {
			b[i] = vgpu_vram_alloc(mock->vram, 4, 4, 2, NULL,
					       false);
			KUNIT_ASSERT_FALSE(test, IS_ERR(b[i]));
			KUNIT_ASSERT_TRUE(test, all_zero(mock, b[i]));
			fill(mock, b[i]);
		}
		st = stats_of(mock);
		KUNIT_EXPECT_EQ(test, st.used, MANY * 16384ULL);
		for (i = 0; i < MANY; i++)
			vgpu_vram_free(mock->vram, b[i], false);
		st = stats_of(mock);
		KUNIT_EXPECT_EQ(test, st.used, 0ULL);
		KUNIT_EXPECT_EQ(test, st.free, st.total);
	}
	/* 64 misses double it from 4 to the most that a 64th of VRAM allows */
	KUNIT_EXPECT_EQ(test, st.pool[2].target, 64U);
	KUNIT_EXPECT_EQ(test, st.pool[2].held, 64U);
	KUNIT_EXPECT_EQ(test, st.pool[2].misses, 64ULL);
	KUNIT_EXPECT_EQ(test, st.pool[2].hits, 128ULL);
	KUNIT_EXPECT_EQ(test, st.pooled, MANY * 16384ULL);
	KUNIT_EXPECT_EQ(test, st.pool[3].held, 0U);

	/* whose it is, is known as of any other, and it is paid for */
	vgpu_mem_account_init(&a, 16384);
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, 0));
	bo = vgpu_bo_create(mock->vram, &a, 16384, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, a.used, 16384ULL);
	KUNIT_EXPECT_PTR_EQ(test, vgpu_bo_create(mock->vram, &a, 4096, 0, 0),
			    ERR_PTR(-EDQUOT));
	KUNIT_EXPECT_EQ(test, stats_of(mock).pool[2].hits, 129ULL);
	vgpu_bo_put(bo);
	KUNIT_EXPECT_EQ(test, a.used, 0ULL);

	/* not needed for a while: it all goes back */
	held = MANY;
	for (i = 0; i < 600 && held; i++) {
		msleep(100);
		st = stats_of(mock);
		KUNIT_ASSERT_LE(test, st.pool[2].held, held);
		held = st.pool[2].held;
	}
	KUNIT_EXPECT_EQ(test, held, 0ULL);
	KUNIT_EXPECT_EQ(test, st.largest_free, st.total);
	mem_mock_check(test, mock);
}

/* All of VRAM is wanted in one piece while the pools have holes in it. */
static void gives_back_under_pressure(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 16 * MOCK_MIB);
	struct vgpu_block *b[MANY];
	struct vgpu_vram_stats st;
	struct vgpu_bo *bo;
	unsigned int i;
	u32 page;

	vgpu_vram_set_pools(mock->vram, true);
	for (i = 0; i < MANY; i++)
		b[i] = vgpu_vram_alloc(mock->vram, 2, 2, 1, NULL, false);
	for (i = 0; i < MANY; i++)
		vgpu_vram_free(mock->vram, b[i], false);
	st = stats_of(mock);
	KUNIT_EXPECT_GT(test, st.pooled, 0ULL);
	KUNIT_EXPECT_LT(test, st.largest_free, st.total);
	bo = vgpu_bo_create(mock->vram, NULL, mock->bytes, 0, VGPU_BO_CONTIGUOUS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, stats_of(mock).pooled, 0ULL);
	vgpu_bo_put(bo);

	/* a page that goes bad while it is in a pool */
	b[0] = vgpu_vram_alloc(mock->vram, 2, 2, 1, NULL, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b[0]));
	page = b[0]->first;
	vgpu_vram_free(mock->vram, b[0], false);
	KUNIT_EXPECT_EQ(test, stats_of(mock).pooled, 8192ULL);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram,
					       (u64)page * 4096 + 4096), 0);
	st = stats_of(mock);
	KUNIT_EXPECT_EQ(test, st.pooled, 0ULL);
	KUNIT_EXPECT_EQ(test, st.retired, 4096ULL);
	KUNIT_EXPECT_EQ(test, st.free, st.total - 4096);
	bo = vgpu_bo_create(mock->vram, NULL, st.free, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, (u64)page * 4096 + 4096));
	vgpu_bo_put(bo);
	mem_mock_check(test, mock);
}

/* --- scrubbing in the background -------------------------------------------- */

/* The worker is stuck in a clear; who wants clean memory must not notice. */
static void clean_memory_at_once(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 16 * MOCK_MIB);
	DECLARE_COMPLETION_ONSTACK(hold);
	struct vgpu_block *a, *b, *c;
	struct vgpu_vram_stats st;
	unsigned int i;
	u64 cleared;

	vgpu_vram_set_background(mock->vram, true);
	KUNIT_ASSERT_TRUE(test, first_pass_over(mock));
	cleared = mock->cleared;
	KUNIT_EXPECT_EQ(test, cleared, mock->bytes);

	a = vgpu_vram_alloc(mock->vram, 256, 256, 0, NULL, false);
	b = vgpu_vram_alloc(mock->vram, 100, 100, 0, NULL, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(a) || IS_ERR(b));
	KUNIT_EXPECT_EQ(test, stats_of(mock).alloc_waits, 0ULL);
	fill(mock, a);
	fill(mock, b);
	WRITE_ONCE(mock->hold, &hold);
	/* neither does who frees wait */
	vgpu_vram_free(mock->vram, a, false);
	vgpu_vram_free(mock->vram, b, false);
	KUNIT_EXPECT_EQ(test, mock->cleared, cleared);
	st = stats_of(mock);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.free, st.total);
	for (i = 0; i < 20; i++) {
		c = vgpu_vram_alloc(mock->vram, 100, 100, 0, NULL, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(c));
		KUNIT_EXPECT_TRUE(test, all_zero(mock, c));
		vgpu_vram_free(mock->vram, c, true);
	}
	KUNIT_EXPECT_EQ(test, mock->cleared, cleared);
	KUNIT_EXPECT_EQ(test, stats_of(mock).alloc_waits, 0ULL);

	/* all of it: that has to wait, and gets it */
	complete_all(&hold);
	c = vgpu_vram_alloc(mock->vram, 4096, 4096, 0, NULL, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	KUNIT_EXPECT_TRUE(test, all_zero(mock, c));
	KUNIT_EXPECT_EQ(test, mock->cleared, cleared + 356 * 4096);
	WRITE_ONCE(mock->hold, NULL);
	vgpu_vram_free(mock->vram, c, true);
	mem_mock_check(test, mock);
}

/* More than an eighth of VRAM to scrub: the rest is who freed it's. */
static void who_frees_much_pays(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 16 * MOCK_MIB);
	DECLARE_COMPLETION_ONSTACK(hold);
	struct vgpu_block *b[16];
	u64 cleared;
	unsigned int i;

	vgpu_vram_set_background(mock->vram, true);
	KUNIT_ASSERT_TRUE(test, first_pass_over(mock));
	for (i = 0; i < 16; i++) {
		b[i] = vgpu_vram_alloc(mock->vram, 256, 256, 0, NULL, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(b[i]));
	}
	cleared = mock->cleared;
	WRITE_ONCE(mock->hold, &hold);
	/* two are queued, and the worker may have a third in hand */
	vgpu_vram_free(mock->vram, b[0], false);
	vgpu_vram_free(mock->vram, b[1], false);
	KUNIT_EXPECT_EQ(test, mock->cleared, cleared);
	complete_all(&hold);
	for (i = 2; i < 16; i++) {
		vgpu_vram_free(mock->vram, b[i], false);
		KUNIT_EXPECT_LE(test, stats_of(mock).unclean, 2 * MOCK_MIB);
	}
	vgpu_vram_trim(mock->vram);
	KUNIT_EXPECT_EQ(test, mock->cleared, cleared + 16 * MOCK_MIB);
	WRITE_ONCE(mock->hold, NULL);
	mem_mock_check(test, mock);
}

/* The GPU goes while there is much to scrub, and while pools are full. */
static void unplugged_midway(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 64 * MOCK_MIB);
	struct vgpu_block *b[MANY], *late;
	struct vgpu_vram_stats st;
	unsigned int i;
	u64 calls;

	vgpu_vram_set_pools(mock->vram, true);
	vgpu_vram_set_background(mock->vram, true);
	late = vgpu_vram_alloc(mock->vram, 8, 8, 0, NULL, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(late));
	for (i = 0; i < MANY; i++) {
		b[i] = vgpu_vram_alloc(mock->vram, 8, 8, 0, NULL, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(b[i]));
	}
	for (i = 0; i < MANY; i++)
		vgpu_vram_free(mock->vram, b[i], false);
	vgpu_vram_unplug(mock->vram);
	calls = mock->calls;
	st = stats_of(mock);
	KUNIT_EXPECT_EQ(test, st.unclean, 0ULL);
	KUNIT_EXPECT_EQ(test, st.pooled, 0ULL);
	KUNIT_EXPECT_EQ(test, st.blocks, 1ULL);
	vgpu_vram_free(mock->vram, late, false);
	vgpu_vram_set_background(mock->vram, true);
	msleep(50);
	KUNIT_EXPECT_EQ(test, mock->calls, calls);
	mem_mock_check(test, mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(nobody_finds_a_secret, hunt_gen_params),
	KUNIT_CASE(grows_and_shrinks),
	KUNIT_CASE(gives_back_under_pressure),
	KUNIT_CASE(clean_memory_at_once),
	KUNIT_CASE(who_frees_much_pays),
	KUNIT_CASE(unplugged_midway),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_secrets_and_pools",
	.exit = pool_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
