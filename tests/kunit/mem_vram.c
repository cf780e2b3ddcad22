// SPDX-License-Identifier: GPL-2.0
/* VRAM cut into the worst shapes, and what people leave behind in it. */
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "mem_mock.h"

#define SECRET	0x5ec2e7u

struct plan {
	const char *strategy;
	u32 seed;
};

static const struct plan plans[] = {
	{ "best", 1 }, { "best", 2 }, { "first", 3 }, { "worst", 4 },
	{ "buddy", 5 }, { "buddy", 6 },
	/* another one every now and then, with memory in use */
	{ "each", 7 },
};

static const char * const strategies[] = { "best", "buddy", "first", "worst" };

static void strategy_desc(const char * const *name, char *desc)
{
	strscpy(desc, *name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(strategy, strategies, strategy_desc);

static void plan_desc(const struct plan *p, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s-seed-%u", p->strategy,
		 p->seed);
}

KUNIT_ARRAY_PARAM(plan, plans, plan_desc);

static struct mem_mock *mock_new(struct kunit *test, u64 bytes)
{
	return mem_mock_create(test, bytes, &mock_formats[0], NULL);
}

static void vram_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static bool all_zero(struct mem_mock *mock, const struct vgpu_block *block)
{
	return !memchr_inv(mock->mem + vgpu_block_addr(block), 0,
			   vgpu_block_bytes(block));
}

static void leave_secret(struct mem_mock *mock, const struct vgpu_block *block)
{
	memset32((u32 *)(mock->mem + vgpu_block_addr(block)), SECRET,
		 vgpu_block_bytes(block) / 4);
}

#define HELD	256
#define STEPS	3000

/* Is there room, by the array? Buddies need a run of a power of two. */
static bool has_room(const u16 *shadow, u32 pages, u32 want, unsigned int order,
		     bool buddy)
{
	u32 at, run = 0, step = 1U << order;

	if (buddy) {
		want = roundup_pow_of_two(max(want, step));
		step = want;
	}
	for (at = 0; at < pages && run < want; at++) {
		if (shadow[at] || (!run && at % step))
			run = 0;
		else
			run++;
	}
	return run >= want;
}

/*
 * Allocations and frees by seed, beside a plain array that says whose each
 * page is.
 */
static void random_trace(struct kunit *test)
{
	const struct plan *plan = test->param_value;
	struct mem_mock *mock = mock_new(test, 16 * MOCK_MIB);
	u32 pages = mock->bytes >> VGPU_PAGE_SHIFT, taken = 0;
	struct vgpu_block **held;
	bool each = !strcmp(plan->strategy, "each");
	struct vgpu_vram_stats st;
	struct rnd_state rnd;
	const char *name;
	u16 *shadow;
	u32 i, n, step;

	held = kunit_kcalloc(test, HELD, sizeof(*held), GFP_KERNEL);
	shadow = kunit_kcalloc(test, pages, sizeof(*shadow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, held);
	KUNIT_ASSERT_NOT_NULL(test, shadow);
	name = each ? strategies[0] : plan->strategy;
	KUNIT_ASSERT_EQ(test, vgpu_vram_set_strategy(mock->vram, name), 0);
	KUNIT_EXPECT_STREQ(test, vgpu_vram_strategy_name(mock->vram), name);
	prandom_seed_state(&rnd, plan->seed);

	for (step = 0; step < STEPS; step++) {
		u32 slot = mock_rnd(&rnd, HELD);
		struct vgpu_block *b = held[slot];
		unsigned int order;
		u32 want;

		if (each && step % 100 == 99) {
			name = strategies[step / 100 % ARRAY_SIZE(strategies)];
			KUNIT_ASSERT_EQ(test, vgpu_vram_set_strategy(mock->vram,
								     name), 0);
		}
		if (b) {
			for (i = b->first; i < b->first + b->pages; i++) {
				KUNIT_ASSERT_EQ_MSG(test, shadow[i], slot + 1,
						    "seed %u step %u",
						    plan->seed, step);
				shadow[i] = 0;
			}
			taken -= b->pages;
			leave_secret(mock, b);
			vgpu_vram_free(mock->vram, b, false);
			held[slot] = NULL;
			continue;
		}
		order = mock_rnd(&rnd, VGPU_ORDERS);
		want = 1 + mock_rnd(&rnd, mock_rnd(&rnd, 8) ? 40 : 1200);
		b = vgpu_vram_alloc(mock->vram, want, want, order, NULL, false);
		if (IS_ERR(b)) {
			KUNIT_ASSERT_EQ_MSG(test, PTR_ERR(b), -ENOSPC,
					    "seed %u step %u", plan->seed, step);
			/* is there really no such place? */
			KUNIT_ASSERT_FALSE_MSG(test,
					       has_room(shadow, pages, want,
							order, !strcmp(name, "buddy")),
					       "seed %u step %u: %s: %u pages of order %u fit",
					       plan->seed, step, name, want,
					       order);
			continue;
		}
		KUNIT_ASSERT_EQ(test, b->pages, want);
		KUNIT_ASSERT_EQ_MSG(test, b->first % (1U << order), 0U,
				    "seed %u step %u", plan->seed, step);
		KUNIT_ASSERT_LE(test, b->first + b->pages, pages);
		for (i = b->first; i < b->first + b->pages; i++) {
			KUNIT_ASSERT_EQ_MSG(test, shadow[i], 0,
					    "seed %u step %u: page %u is of slot %u",
					    plan->seed, step, i, shadow[i] - 1);
			shadow[i] = slot + 1;
		}
		KUNIT_ASSERT_TRUE_MSG(test, all_zero(mock, b),
				      "seed %u step %u: stale bytes",
				      plan->seed, step);
		leave_secret(mock, b);
		taken += b->pages;
		held[slot] = b;

		vgpu_vram_get_stats(mock->vram, &st);
		KUNIT_ASSERT_EQ_MSG(test, st.used, (u64)taken << 12,
				    "seed %u step %u", plan->seed, step);
		KUNIT_ASSERT_EQ(test, st.used + st.free, st.total);
		/* figures against the array, now and then: it is slow */
		if (step % 64)
			continue;
		for (i = n = want = 0; i < pages; i++) {
			n = shadow[i] ? 0 : n + 1;
			want = max(want, n);
		}
		if (!strcmp(name, "buddy"))
			for (want = pages;
			     want && !has_room(shadow, pages, want, 0, true);)
				want /= 2;
		KUNIT_ASSERT_EQ_MSG(test, st.largest_free, (u64)want << 12,
				    "seed %u step %u", plan->seed, step);
	}
	for (i = 0; i < HELD; i++)
		if (held[i])
			vgpu_vram_free(mock->vram, held[i], false);
	/* one free run again, and nothing of anybody's left in it */
	mem_mock_check(test, mock);
	for (i = n = 0; i < mock->bytes / 4; i++)
		n += ((u32 *)mock->mem)[i] == SECRET;
	KUNIT_EXPECT_EQ_MSG(test, n, 0U, "seed %u", plan->seed);
}

#define SMALL_MIB	4
#define SMALL_PAGES	(SMALL_MIB * 256)

/* Every second page free: all holes, no room. */
static void every_second_page(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, SMALL_MIB * MOCK_MIB);
	struct vgpu_block **all, *big;
	struct vgpu_vram_stats st;
	struct vgpu_bo *bo;
	u32 i;

	all = kunit_kcalloc(test, SMALL_PAGES, sizeof(*all), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	for (i = 0; i < SMALL_PAGES; i++) {
		all[i] = vgpu_vram_alloc(mock->vram, 1, 1, 0, NULL, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(all[i]));
		KUNIT_ASSERT_EQ(test, all[i]->first, i);
	}
	big = vgpu_vram_alloc(mock->vram, 1, 1, 0, NULL, false);
	KUNIT_EXPECT_PTR_EQ(test, big, ERR_PTR(-ENOSPC));
	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.frag_permille, 0U);

	for (i = 0; i < SMALL_PAGES; i += 2)
		vgpu_vram_free(mock->vram, all[i], false);
	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.free, mock->bytes / 2);
	KUNIT_EXPECT_EQ(test, st.largest_free, 4096ULL);
	/* 1000 * (1 - 1 / 512) */
	KUNIT_EXPECT_EQ(test, st.frag_permille, 999U);

	big = vgpu_vram_alloc(mock->vram, 2, 2, 0, NULL, false);
	KUNIT_EXPECT_PTR_EQ(test, big, ERR_PTR(-ENOSPC));
	bo = vgpu_bo_create(mock->vram, NULL, 65536, 0, VGPU_BO_CONTIGUOUS);
	KUNIT_EXPECT_PTR_EQ(test, bo, ERR_PTR(-ENOSPC));
	/* but a BO may be made of holes, all of them */
	bo = vgpu_bo_create(mock->vram, NULL, mock->bytes / 2, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, bo->pieces, SMALL_PAGES / 2U);
	KUNIT_EXPECT_EQ(test, vgpu_bo_vram_addr(bo), U64_MAX);
	for (i = 0; i < SMALL_PAGES / 2; i++)
		KUNIT_ASSERT_PTR_EQ(test, vgpu_bo_page(bo, i * 4096ULL),
				    vmalloc_to_page(mock->mem + i * 8192));
	vgpu_bo_put(bo);

	for (i = 1; i < SMALL_PAGES; i += 2)
		vgpu_vram_free(mock->vram, all[i], false);
	mem_mock_check(test, mock);
}

/*
 * Eight free runs of 2 MiB: seven begin at an odd MiB and are no good for
 * large leaves, one is aligned.
 */
static void large_but_misplaced(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 32 * MOCK_MIB);
	struct vgpu_block *mib[32], *b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mib); i++) {
		mib[i] = vgpu_vram_alloc(mock->vram, 256, 256, 0, NULL, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(mib[i]));
		KUNIT_ASSERT_EQ(test, mib[i]->first, i * 256);
	}
	for (i = 0; i < ARRAY_SIZE(mib); i += 4) {
		unsigned int at = i == 20 ? 2 : 1;

		vgpu_vram_free(mock->vram, mib[i + at], true);
		vgpu_vram_free(mock->vram, mib[i + at + 1], true);
		mib[i + at] = NULL;
		mib[i + at + 1] = NULL;
	}
	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		KUNIT_ASSERT_EQ(test,
				vgpu_vram_set_strategy(mock->vram, strategies[i]), 0);
		b = vgpu_vram_alloc(mock->vram, 512, 512, 9, NULL, false);
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(b), "%s", strategies[i]);
		KUNIT_EXPECT_EQ_MSG(test, b->first, 22 * 256U, "%s", strategies[i]);
		KUNIT_EXPECT_PTR_EQ(test, vgpu_vram_alloc(mock->vram, 512, 512,
							  9, NULL, false),
				    ERR_PTR(-ENOSPC));
		vgpu_vram_free(mock->vram, b, true);
	}
	for (i = 0; i < ARRAY_SIZE(mib); i++)
		if (mib[i])
			vgpu_vram_free(mock->vram, mib[i], true);
	KUNIT_EXPECT_EQ(test, vgpu_vram_set_strategy(mock->vram, "hope"),
			-ENOENT);
	mem_mock_check(test, mock);
}

/* Three holes, of 10, 5 and 20 pages; 4 are wanted. */
static void which_hole(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 2 * MOCK_MIB);
	static const u32 sizes[] = { 10, 1, 5, 1, 20, 1 };
	struct vgpu_block *b[ARRAY_SIZE(sizes) + 1], *got;
	static const struct {
		const char *name;
		unsigned int hole;
	} expect[] = { { "best", 2 }, { "first", 0 }, { "worst", 4 } };
	unsigned int i;
	u32 first[ARRAY_SIZE(sizes)];

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		b[i] = vgpu_vram_alloc(mock->vram, sizes[i], sizes[i], 0, NULL,
				       false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(b[i]));
		first[i] = b[i]->first;
	}
	/* all that follows is taken */
	b[i] = vgpu_vram_alloc(mock->vram, 512 - 38, 512 - 38, 0, NULL, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(b[i]));
	for (i = 0; i < ARRAY_SIZE(sizes); i += 2)
		vgpu_vram_free(mock->vram, b[i], false);
	for (i = 0; i < ARRAY_SIZE(expect); i++) {
		vgpu_vram_set_strategy(mock->vram, expect[i].name);
		got = vgpu_vram_alloc(mock->vram, 4, 4, 0, NULL, false);
		KUNIT_ASSERT_FALSE(test, IS_ERR(got));
		KUNIT_EXPECT_EQ_MSG(test, got->first, first[expect[i].hole],
				    "%s fit", expect[i].name);
		vgpu_vram_free(mock->vram, got, true);
	}
	for (i = 1; i <= ARRAY_SIZE(sizes); i += i == 5 ? 1 : 2)
		vgpu_vram_free(mock->vram, b[i], false);
	mem_mock_check(test, mock);
}

/* Scrubbed when handed out first and when freed, and no more often. */
static void scrubbed_once(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 8 * MOCK_MIB);
	struct vgpu_bo *bo;

	KUNIT_EXPECT_EQ(test, mock->cleared, 0ULL);
	/* never handed out: garbage from before */
	bo = vgpu_bo_create(mock->vram, NULL, 4 * MOCK_MIB, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, mock->cleared, 4 * MOCK_MIB);
	vgpu_bo_put(bo);
	KUNIT_EXPECT_EQ(test, mock->cleared, 8 * MOCK_MIB);
	/* half of it is clean, half was never touched */
	bo = vgpu_bo_create(mock->vram, NULL, 8 * MOCK_MIB, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, mock->cleared, 12 * MOCK_MIB);
	KUNIT_EXPECT_NULL(test, memchr_inv(mock->mem, 0, mock->bytes));
	memset32((u32 *)mock->mem, SECRET, mock->bytes / 4);
	vgpu_bo_put(bo);
	KUNIT_EXPECT_EQ(test, mock->cleared, 20 * MOCK_MIB);
	KUNIT_EXPECT_NULL(test, memchr_inv(mock->mem, 0, mock->bytes));
	/* clean throughout */
	bo = vgpu_bo_create(mock->vram, NULL, 8 * MOCK_MIB, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, mock->cleared, 20 * MOCK_MIB);
	vgpu_bo_put(bo);
	mem_mock_check(test, mock);
}

static void bad_requests(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 8 * MOCK_MIB);
	struct vgpu_mem_account a;
	static const struct {
		u64 bytes, align;
		u32 flags;
		long err;
	} bad[] = {
		{ 0, 0, 0, -EINVAL },
		{ U64_MAX, 0, 0, -EINVAL },
		{ U64_MAX - 4096, 0, 0, -EDQUOT },
		{ 4096, 3, 0, -EINVAL },
		{ 4096, 4 * MOCK_MIB, 0, -EINVAL },
		{ 4096, 0, 0x1, -EINVAL },
		{ 4096, 0, 0x80000000, -EINVAL },
		{ 9 * MOCK_MIB, 0, 0, -EDQUOT },
	};
	struct vgpu_bo *bo;
	unsigned int i;

	vgpu_mem_account_init(&a, 8 * MOCK_MIB);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bo = vgpu_bo_create(mock->vram, &a, bad[i].bytes, bad[i].align,
				    bad[i].flags);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(bo), bad[i].err, "case %u", i);
		KUNIT_EXPECT_EQ(test, a.used, 0ULL);
	}
	/* more than there is, with no quota to say so */
	bo = vgpu_bo_create(mock->vram, NULL, 9 * MOCK_MIB, 0, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -ENOSPC);
	bo = vgpu_bo_create(mock->vram, NULL, U64_MAX - 4096, 0, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -ENOSPC);
	/* rounded to pages, and charged so */
	bo = vgpu_bo_create(mock->vram, &a, 1, 2 * MOCK_MIB, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_EQ(test, vgpu_bo_bytes(bo), 4096ULL);
	KUNIT_EXPECT_EQ(test, a.used, 4096ULL);
	KUNIT_EXPECT_NOT_NULL(test, vgpu_bo_page(bo, 4095));
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(bo, 4096));
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(bo, U64_MAX));
	vgpu_bo_put(bo);
	KUNIT_EXPECT_EQ(test, a.used, 0ULL);
	mem_mock_check(test, mock);
}

/* Bad pages: free, in use, in use beside another, and again. */
static void pages_go_bad(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 8 * MOCK_MIB);
	const char * const *strategy = test->param_value;
	struct vgpu_vram_stats st;
	struct vgpu_mem_account acct;
	struct vgpu_bo *bo;
	u64 addr;

	vgpu_mem_account_init(&acct, U64_MAX / 2);
	KUNIT_ASSERT_EQ(test, vgpu_vram_set_strategy(mock->vram, *strategy), 0);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram, 8 * MOCK_MIB),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram, 0x5123), 0);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram, 0x5fff), 0);
	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.retired, 4096ULL);
	KUNIT_EXPECT_EQ(test, st.free, 8 * MOCK_MIB - 4096);

	bo = vgpu_bo_create(mock->vram, &acct, 4 * MOCK_MIB, 0,
			    VGPU_BO_CONTIGUOUS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	addr = vgpu_bo_vram_addr(bo);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram, addr + 0x10000), 0);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram, addr + 0x11000), 0);
	KUNIT_EXPECT_EQ(test, vgpu_vram_retire(mock->vram, addr + 0x20000), 0);
	KUNIT_EXPECT_PTR_EQ(test, mem_mock_owner(mock, addr + 0x11000), &acct);
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, 0x5000));
	vgpu_bo_put(bo);

	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.retired, 4 * 4096ULL);
	KUNIT_EXPECT_EQ(test, st.free, 8 * MOCK_MIB - 4 * 4096);
	/* all that is left, and none of the bad */
	bo = vgpu_bo_create(mock->vram, NULL, st.free, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, 0x5000));
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, addr + 0x10000));
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, addr + 0x11000));
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, addr + 0x20000));
	vgpu_bo_put(bo);
	mem_mock_check(test, mock);
}

struct being_made {
	struct vgpu_mem_account acct;
	unsigned int asked;
	bool known;
};

/* Its first block is there, and what it is to be told in is not to be had. */
static void ask_midway(struct mem_mock *mock, u64 addr)
{
	struct being_made *m = mock->hook_arg;

	m->asked++;
	m->known = mem_mock_owner(mock, addr) == &m->acct;
	mem_fail_nth_start(1);
}

/* A page of a BO that is being made goes bad, and then the BO is not made. */
static void gone_bad_before_it_was(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 8 * MOCK_MIB);
	struct being_made m = { };
	struct vgpu_bo *bo;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	vgpu_mem_account_init(&m.acct, MOCK_MIB);
	mock->hook_arg = &m;
	mock->on_clear = ask_midway;
	bo = vgpu_bo_create(mock->vram, &m.acct, 0x40000, 0, 0);
	mock->on_clear = NULL;
	KUNIT_EXPECT_TRUE(test, mem_fail_nth_stop());
	KUNIT_EXPECT_PTR_EQ(test, bo, ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, m.asked, 1U);
	KUNIT_EXPECT_TRUE(test, m.known);
	/* who asked does not keep it */
	KUNIT_EXPECT_EQ(test, m.acct.used, 0ULL);
	mem_mock_check(test, mock);
}

/* A BO that takes many pieces, and every allocation for it fails in turn. */
static void no_metadata(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test, 2 * MOCK_MIB);
	struct vgpu_block **all;
	struct vgpu_mem_account a;
	struct vgpu_vram_stats before, after;
	unsigned int nth, i;

	if (!mem_fail_nth_works()) {
		mem_mock_check(test, mock);
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	}
	all = kunit_kcalloc(test, 64, sizeof(*all), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	vgpu_mem_account_init(&a, 2 * MOCK_MIB);
	for (i = 0; i < 64; i++)
		all[i] = vgpu_vram_alloc(mock->vram, 8, 8, 0, NULL, false);
	for (i = 0; i < 64; i += 2)
		vgpu_vram_free(mock->vram, all[i], false);
	vgpu_vram_get_stats(mock->vram, &before);

	for (nth = 1; nth < 1000; nth++) {
		struct vgpu_bo *bo;
		bool failed;

		vgpu_vram_trim(mock->vram);
		mem_fail_nth_start(nth);
		bo = vgpu_bo_create(mock->vram, &a, 16 * 8 * 4096, 0, 0);
		failed = mem_fail_nth_stop();
		if (!IS_ERR(bo))
			vgpu_bo_put(bo);
		vgpu_vram_get_stats(mock->vram, &after);
		KUNIT_ASSERT_EQ_MSG(test, after.free, before.free, "nth %u", nth);
		KUNIT_ASSERT_EQ(test, after.blocks, before.blocks);
		KUNIT_ASSERT_EQ(test, a.used, 0ULL);
		if (!failed)
			break;
		KUNIT_ASSERT_TRUE_MSG(test, !IS_ERR(bo) || PTR_ERR(bo) == -ENOMEM,
				      "nth %u: %ld", nth, PTR_ERR(bo));
	}
	KUNIT_EXPECT_GT(test, nth, 8U);
	KUNIT_EXPECT_LT(test, nth, 1000U);
	for (i = 1; i < 64; i += 2)
		vgpu_vram_free(mock->vram, all[i], false);
	mem_mock_check(test, mock);
}

static void formats_that_contradict(struct kunit *test)
{
	struct vgpu_pt_format f;
	unsigned int i;

	for (i = 0; i < mock_nr_formats; i++)
		KUNIT_EXPECT_EQ(test,
				vgpu_pt_format_check(&mock_formats[i].fmt), 0);

#define REFUSED(change) do {						\
		f = mock_formats[0].fmt;				\
		change;							\
		KUNIT_EXPECT_EQ_MSG(test, vgpu_pt_format_check(&f),	\
				    -EINVAL, "%s", #change);		\
	} while (0)
	REFUSED(f.levels = 0);
	REFUSED(f.levels = 7);
	REFUSED(f.bits[1] = 0);
	REFUSED(f.bits[3] = 19);
	REFUSED(f.page_shift = 11);
	REFUSED(f.page_shift = 22);
	REFUSED(f.large_levels = 0);
	REFUSED(f.large_levels = 0x2);
	REFUSED(f.large_levels = 0x5);
	REFUSED(f.large_levels = 0x1f);
	REFUSED(f.pte = NULL);
	REFUSED(f.pde = NULL);
	REFUSED(f.accessed = 0x30);
	REFUSED(f.dirty = 0x5);
	REFUSED((f.accessed = f.dirty = 0x10));
	REFUSED((f.bits[2] = 18, f.bits[3] = 18));
#undef REFUSED
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(random_trace, plan_gen_params),
	KUNIT_CASE(every_second_page),
	KUNIT_CASE(large_but_misplaced),
	KUNIT_CASE(which_hole),
	KUNIT_CASE(scrubbed_once),
	KUNIT_CASE(bad_requests),
	KUNIT_CASE_PARAM(pages_go_bad, strategy_gen_params),
	KUNIT_CASE(gone_bad_before_it_was),
	KUNIT_CASE(no_metadata),
	KUNIT_CASE(formats_that_contradict),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_vram_in_pieces",
	.exit = vram_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
