// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces mapped and unmapped in every awkward way, for each format of
 * page tables. A walker that knows only the tables says what an engine sees.
 */
#include <linux/slab.h>
#include "mem_mock.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define RX	(VGPU_PROT_READ | VGPU_PROT_EXEC)
/* 2 MiB aligned, and in the middle of nothing in particular */
#define BASE	0x0000004540000000ULL

static struct mem_mock *mock_new(struct kunit *test)
{
	return mem_mock_create(test, 32 * MOCK_MIB, test->param_value, NULL);
}

static void map_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct vgpu_bo *bo_new(struct kunit *test, struct mem_mock *mock,
			      u64 bytes, u64 align)
{
	struct vgpu_bo *bo = vgpu_bo_create(mock->vram, NULL, bytes, align, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	return bo;
}

static struct vgpu_as *as_new(struct kunit *test, struct mem_mock *mock,
			      u32 asid)
{
	struct vgpu_as *as = vgpu_as_create(mock->vram, NULL, asid);

	KUNIT_ASSERT_FALSE(test, IS_ERR(as));
	return as;
}

/* A base that the format reaches. */
static u64 base_of(const struct vgpu_as *as)
{
	return BASE & (vgpu_as_end(as) - 1) & ~(0x200000ULL - 1);
}

static u64 unit_of(const struct mem_mock *mock)
{
	return 1ULL << mock->format->fmt.page_shift;
}

static u64 addr_of(struct vgpu_bo *bo, u64 offset)
{
	u64 addr;

	vgpu_bo_run(bo, offset, &addr);
	return addr;
}

static void expect_fault(struct kunit *test, struct mem_mock *mock,
			 struct vgpu_as *as, u64 va)
{
	struct mock_entry e;

	KUNIT_ASSERT_EQ_MSG(test, mem_mock_walk(mock, as, va, &e), -EFAULT,
			    "va %llx is mapped", va);
	KUNIT_ASSERT_EQ_MSG(test, mem_mock_access(mock, as, va, 0, &e), -EFAULT,
			    "va %llx is cached", va);
}

static void expect_maps(struct kunit *test, struct mem_mock *mock,
			struct vgpu_as *as, u64 va, struct vgpu_bo *bo,
			u64 offset, u32 prot)
{
	struct mock_entry e;

	KUNIT_ASSERT_EQ_MSG(test, mem_mock_walk(mock, as, va, &e), 0,
			    "va %llx is not mapped", va);
	KUNIT_ASSERT_EQ_MSG(test, e.addr, addr_of(bo, offset), "va %llx", va);
	KUNIT_ASSERT_EQ_MSG(test, e.prot, prot, "va %llx", va);
	KUNIT_ASSERT_FALSE(test, e.host);
	/* and the same through what is cached */
	KUNIT_ASSERT_EQ_MSG(test, mem_mock_access(mock, as, va, prot, &e), 0,
			    "va %llx", va);
	KUNIT_ASSERT_EQ_MSG(test, e.addr, addr_of(bo, offset),
			    "va %llx by a cached translation", va);
}

static void bad_arguments(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 1);
	u64 u = unit_of(mock), end = vgpu_as_end(as), va = base_of(as);
	struct vgpu_bo *bo = bo_new(test, mock, 16 * u, 0);
	struct vgpu_as_stats st, st2;
	unsigned int i;
	const struct {
		u64 offset, va, bytes;
		u32 prot;
		int err;
	} bad[] = {
		{ 0, va, 0, RW, -EINVAL },
		{ 0, va + 1, u, RW, -EINVAL },
		{ 0, va + u / 2, u, RW, -EINVAL },
		{ 0, va, u + 1, RW, -EINVAL },
		{ 0, va, u / 2, RW, -EINVAL },
		{ 1, va, u, RW, -EINVAL },
		{ u / 2, va, u, RW, -EINVAL },
		{ 0, va, u, 0, -EINVAL },
		{ 0, va, u, 8, -EINVAL },
		{ 0, va, u, ~0U, -EINVAL },
		/* past the end of the BO, also where the sum wraps */
		{ 0, va, 17 * u, RW, -EINVAL },
		{ 15 * u, va, 2 * u, RW, -EINVAL },
		{ 16 * u, va, u, RW, -EINVAL },
		{ -u, va, 2 * u, RW, -EINVAL },
		/* addresses that wrap */
		{ 0, -u, 2 * u, RW, -EINVAL },
		{ 0, -u, u, RW, -EINVAL },
		{ 0, va, -va, RW, -EINVAL },
		/* null pointers, the window for shared memory, the end */
		{ 0, 0, u, RW, -ERANGE },
		{ 0, vgpu_as_start(as) - u, u, RW, -ERANGE },
		{ 0, vgpu_as_start(as) - u, 2 * u, RW, -ERANGE },
		{ 0, end - u, 2 * u, RW, -ERANGE },
		{ 0, end, u, RW, -ERANGE },
		{ 0, VGPU_SHARED_BASE, u, RW, -ERANGE },
		{ 0, VGPU_SHARED_BASE + 0x100000, u, RW, -ERANGE },
		{ 0, 1ULL << 62, u, RW, -ERANGE },
	};

	KUNIT_EXPECT_GE(test, vgpu_as_start(as), 0x10000ULL);
	KUNIT_EXPECT_LE(test, end, VGPU_SHARED_BASE);
	vgpu_as_get_stats(as, &st);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test,
				    vgpu_as_map(as, bo, bad[i].offset,
						bad[i].va, bad[i].bytes,
						bad[i].prot),
				    bad[i].err, "case %u", i);
		/* those that are about the range hold for unmapping too */
		if (bad[i].prot == RW && !bad[i].offset && i != 10)
			KUNIT_EXPECT_EQ_MSG(test,
					    vgpu_as_unmap(as, bad[i].va,
							  bad[i].bytes),
					    bad[i].err, "unmap, case %u", i);
	}
	KUNIT_EXPECT_EQ(test, vgpu_as_unmap(as, va, u), -ENOENT);
	vgpu_as_get_stats(as, &st2);
	KUNIT_EXPECT_EQ(test, memcmp(&st, &st2, sizeof(st)), 0);
	/* the edges themselves */
	KUNIT_EXPECT_EQ(test, vgpu_as_map(as, bo, 0, vgpu_as_start(as), u, RW),
			0);
	KUNIT_EXPECT_EQ(test, vgpu_as_map(as, bo, 0, end - u, u, RX), 0);
	expect_maps(test, mock, as, vgpu_as_start(as), bo, 0, RW);
	expect_maps(test, mock, as, end - u, bo, 0, RX);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

static void overlaps(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 1);
	u64 u = unit_of(mock), va = base_of(as);
	struct vgpu_bo *bo = bo_new(test, mock, 16 * u, 0);
	static const struct {
		int first, count;
	} over[] = {
		{ 4, 4 }, { 3, 2 }, { 7, 1 }, { 7, 5 }, { 0, 16 }, { 5, 1 },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, va + 4 * u, 4 * u, RW), 0);
	for (i = 0; i < ARRAY_SIZE(over); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    vgpu_as_map(as, bo, 0,
						va + over[i].first * u,
						over[i].count * u, RW),
				    -EEXIST, "case %u", i);
	/* neighbours are none of these */
	KUNIT_EXPECT_EQ(test, vgpu_as_map(as, bo, 8 * u, va, 4 * u, RX), 0);
	KUNIT_EXPECT_EQ(test, vgpu_as_map(as, bo, 0, va + 8 * u, u, RX), 0);
	for (i = 0; i < 4; i++) {
		expect_maps(test, mock, as, va + i * u, bo, (8 + i) * u, RX);
		expect_maps(test, mock, as, va + (4 + i) * u, bo, i * u, RW);
	}
	expect_maps(test, mock, as, va + 8 * u, bo, 0, RX);
	expect_fault(test, mock, as, va + 9 * u);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

/* Large leaves, holes in them, and tables that go when they are empty. */
static void hole_in_a_large_leaf(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 1);
	u64 u = unit_of(mock), va = base_of(as), at, hole = va + 0x110000;
	struct vgpu_bo *bo = bo_new(test, mock, 4 * MOCK_MIB, 2 * MOCK_MIB);
	struct vgpu_as_stats st;
	u64 tables, ptes, invalidates;

	vgpu_as_get_stats(as, &st);
	tables = st.table_bytes;
	KUNIT_ASSERT_EQ(test,
			vgpu_as_map(as, bo, 0, va, 4 * MOCK_MIB, RW), 0);
	vgpu_as_get_stats(as, &st);
	ptes = st.ptes_written;
	/* two leaves, and the tables on the way */
	KUNIT_EXPECT_LE(test, ptes, 2 + 3ULL);
	KUNIT_EXPECT_EQ(test, st.regions, 1ULL);
	KUNIT_EXPECT_EQ(test, mock->invalidates, 0ULL);
	for (at = 0; at < 4 * MOCK_MIB; at += u)
		expect_maps(test, mock, as, va + at, bo, at, RW);

	/* one page out of the middle of the first */
	invalidates = mock->invalidates;
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as, hole, u), 0);
	KUNIT_EXPECT_EQ(test, mock->invalidates, invalidates + 1);
	KUNIT_EXPECT_EQ(test, mock->syncs, invalidates + 1);
	vgpu_as_get_stats(as, &st);
	KUNIT_EXPECT_EQ(test, st.regions, 2ULL);
	KUNIT_EXPECT_EQ(test, st.mapped, 4 * MOCK_MIB - u);
	for (at = 0; at < 4 * MOCK_MIB; at += u) {
		if (va + at == hole)
			expect_fault(test, mock, as, hole);
		else
			expect_maps(test, mock, as, va + at, bo, at, RW);
	}
	/* the hole can be used for something else */
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, hole, u, RX), 0);
	expect_maps(test, mock, as, hole, bo, 0, RX);

	/* a range that ends in the middle of the second */
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as, va, 3 * MOCK_MIB), 0);
	for (at = 0; at < 4 * MOCK_MIB; at += u) {
		if (at < 3 * MOCK_MIB)
			expect_fault(test, mock, as, va + at);
		else
			expect_maps(test, mock, as, va + at, bo, at, RW);
	}
	vgpu_as_get_stats(as, &st);
	KUNIT_EXPECT_EQ(test, st.regions, 1ULL);
	KUNIT_EXPECT_EQ(test, st.mapped, MOCK_MIB);

	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as, va, 4 * MOCK_MIB), 0);
	vgpu_as_get_stats(as, &st);
	KUNIT_EXPECT_EQ(test, st.table_bytes, tables);
	KUNIT_EXPECT_EQ(test, st.regions, 0ULL);
	KUNIT_EXPECT_EQ(test, st.mapped, 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_as_unmap(as, va, 4 * MOCK_MIB), -ENOENT);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

/* Aligned by address or by memory but not both: no large leaf may be used. */
static void almost_large(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 1);
	u64 u = unit_of(mock), va = base_of(as), at;
	struct vgpu_bo *bo = bo_new(test, mock, 6 * MOCK_MIB, 2 * MOCK_MIB);

	KUNIT_ASSERT_EQ(test,
			vgpu_as_map(as, bo, u, va, 4 * MOCK_MIB, RW), 0);
	KUNIT_ASSERT_EQ(test,
			vgpu_as_map(as, bo, 0, va + 8 * MOCK_MIB + u,
				    4 * MOCK_MIB, RX), 0);
	KUNIT_ASSERT_EQ(test,
			vgpu_as_map(as, bo, 0, va + 16 * MOCK_MIB,
				    2 * MOCK_MIB - u, RX), 0);
	for (at = 0; at < 4 * MOCK_MIB; at += u) {
		expect_maps(test, mock, as, va + at, bo, at + u, RW);
		expect_maps(test, mock, as, va + 8 * MOCK_MIB + u + at, bo, at,
			    RX);
	}
	expect_fault(test, mock, as, va + 8 * MOCK_MIB);
	expect_maps(test, mock, as, va + 18 * MOCK_MIB - 2 * u, bo,
		    2 * MOCK_MIB - 2 * u, RX);
	expect_fault(test, mock, as, va + 18 * MOCK_MIB - u);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

/* A 2 MiB leaf takes a hundredth of the entries that pages take. */
static void entries_saved(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 1);
	u64 u = unit_of(mock), va = base_of(as), large, small;
	struct vgpu_bo *bo = bo_new(test, mock, 18 * MOCK_MIB, 2 * MOCK_MIB);

	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, va, 16 * MOCK_MIB, RW), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as, va, 16 * MOCK_MIB), 0);
	large = mock->ptes;
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, u, va, 16 * MOCK_MIB, RW), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as, va, 16 * MOCK_MIB), 0);
	small = mock->ptes - large;
	kunit_info(test, "%llu entries with 2 MiB leaves, %llu without", large,
		   small);
	KUNIT_EXPECT_GE(test, small, 16 * MOCK_MIB / u);
	if (u == 4096)
		KUNIT_EXPECT_GE(test, small, 100 * large);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

#define ARENA_MIB	16
#define BOS		4
#define STEPS		MOCK_STEPS(150)

struct shadow {
	u8 bo;			/* 1 + index, 0: not mapped */
	u8 prot;
	u64 offset;
};

static void check_arena(struct kunit *test, struct mem_mock *mock,
			struct vgpu_as *as, struct vgpu_bo **bo,
			const struct shadow *shadow, u32 seed, u32 step)
{
	u64 u = unit_of(mock), va = base_of(as), mapped = 0;
	struct vgpu_as_stats st;
	u32 i;

	for (i = 0; i < ARENA_MIB * MOCK_MIB / u; i++) {
		const struct shadow *s = &shadow[i];
		struct mock_entry e;
		int err;

		err = mem_mock_walk(mock, as, va + i * u, &e);
		KUNIT_ASSERT_EQ_MSG(test, err, s->bo ? 0 : -EFAULT,
				    "seed %u step %u page %u", seed, step, i);
		if (err)
			continue;
		mapped += u;
		KUNIT_ASSERT_EQ_MSG(test, e.addr,
				    addr_of(bo[s->bo - 1], s->offset),
				    "seed %u step %u page %u", seed, step, i);
		KUNIT_ASSERT_EQ_MSG(test, e.prot, (u32)s->prot,
				    "seed %u step %u page %u", seed, step, i);
	}
	vgpu_as_get_stats(as, &st);
	KUNIT_ASSERT_EQ_MSG(test, st.mapped, mapped, "seed %u step %u", seed,
			    step);
}

/* Maps and unmaps by seed, beside an array of what every page should be. */
static void random_trace(struct kunit *test, u32 seed)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 1);
	u64 u = unit_of(mock), va = base_of(as);
	u32 arena = ARENA_MIB * MOCK_MIB / u, i, step;
	struct vgpu_block *wedge[8];
	struct vgpu_bo *bo[BOS];
	struct shadow *shadow;
	struct vgpu_as_stats st;
	struct rnd_state rnd;
	u64 tables;

	shadow = kvcalloc(arena, sizeof(*shadow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, shadow);
	prandom_seed_state(&rnd, seed);
	/* some memory in one piece, some in many */
	for (i = 0; i < ARRAY_SIZE(wedge); i++) {
		u32 pages = u >> 12 << mock_rnd(&rnd, 6);

		wedge[i] = vgpu_vram_alloc(mock->vram, pages, pages,
					   ilog2(u) - 12, NULL, false);
	}
	for (i = 0; i < ARRAY_SIZE(wedge); i += 2)
		vgpu_vram_free(mock->vram, wedge[i], true);
	vgpu_vram_set_strategy(mock->vram, seed & 1 ? "first" : "best");
	for (i = 0; i < BOS; i++)
		bo[i] = bo_new(test, mock, 4 * MOCK_MIB + i * u,
			       i & 1 ? 2 * MOCK_MIB : 0);
	vgpu_as_get_stats(as, &st);
	tables = st.table_bytes;

	for (step = 0; step < STEPS; step++) {
		u32 first = mock_rnd(&rnd, arena);
		u32 count = 1 + mock_rnd(&rnd, min(arena - first,
						   mock_rnd(&rnd, 3) ? 64U :
						   (u32)(5 * MOCK_MIB / u)));
		struct mock_entry e;
		int err, want;

		/* large leaves are wanted now and then */
		if (mock_rnd(&rnd, 2))
			first &= ~(2 * MOCK_MIB / u - 1);
		/* an engine is looking around meanwhile */
		for (i = 0; i < 32; i++)
			mem_mock_access(mock, as, va + mock_rnd(&rnd, arena) * u,
					0, &e);

		if (mock_rnd(&rnd, 2)) {
			u32 b = mock_rnd(&rnd, BOS), prot = 1 + mock_rnd(&rnd, 7);
			u64 offset = mock_rnd(&rnd, 2) ? 0 :
				     mock_rnd(&rnd, 64) * u;

			count = min_t(u64, count, (bo[b]->bytes - offset) / u);
			for (want = i = 0; i < count; i++)
				if (shadow[first + i].bo)
					want = -EEXIST;
			err = vgpu_as_map(as, bo[b], offset, va + first * u,
					  count * u, prot);
			KUNIT_ASSERT_EQ_MSG(test, err, want, "seed %u step %u",
					    seed, step);
			for (i = 0; !err && i < count; i++) {
				shadow[first + i].bo = 1 + b;
				shadow[first + i].prot = prot;
				shadow[first + i].offset = offset + i * u;
			}
		} else {
			for (want = -ENOENT, i = 0; i < count; i++)
				if (shadow[first + i].bo)
					want = 0;
			err = vgpu_as_unmap(as, va + first * u, count * u);
			KUNIT_ASSERT_EQ_MSG(test, err, want, "seed %u step %u",
					    seed, step);
			for (i = 0; i < count; i++) {
				KUNIT_ASSERT_EQ_MSG(test,
						    mem_mock_access(mock, as,
								    va + (first + i) * u,
								    0, &e),
						    -EFAULT,
						    "seed %u step %u: page %u still reached",
						    seed, step, first + i);
				shadow[first + i].bo = 0;
			}
		}
		check_arena(test, mock, as, bo, shadow, seed, step);
	}
	vgpu_as_unmap(as, va, ARENA_MIB * MOCK_MIB);
	vgpu_as_get_stats(as, &st);
	KUNIT_EXPECT_EQ_MSG(test, st.table_bytes, tables, "seed %u", seed);
	KUNIT_EXPECT_EQ(test, st.regions, 0ULL);
	vgpu_as_destroy(as);
	for (i = 0; i < BOS; i++)
		vgpu_bo_put(bo[i]);
	for (i = 1; i < ARRAY_SIZE(wedge); i += 2)
		vgpu_vram_free(mock->vram, wedge[i], true);
	kvfree(shadow);
	mem_mock_check(test, mock);
}

static void random_trace_1(struct kunit *test)
{
	random_trace(test, 1);
}

static void random_trace_2(struct kunit *test)
{
	random_trace(test, 2);
}

/* Memory goes while it is mapped all over the place. */
static void revoked_from_everywhere(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	u64 u = unit_of(mock), va, at;
	struct vgpu_bo *bo = bo_new(test, mock, 2 * MOCK_MIB + 8 * u,
				    2 * MOCK_MIB);
	struct vgpu_bo *other = bo_new(test, mock, u, 0);
	struct vgpu_as *as[4];
	struct vgpu_as_stats st;
	u64 syncs;
	int i, k;

	for (i = 0; i < 4; i++) {
		as[i] = as_new(test, mock, 1 + i);
		va = base_of(as[i]);
		/* twice, one of them with a hole, and something else between */
		KUNIT_ASSERT_EQ(test, vgpu_as_map(as[i], bo, 0, va,
						  2 * MOCK_MIB + 8 * u, RW), 0);
		KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as[i], va + 4 * u, u), 0);
		KUNIT_ASSERT_EQ(test, vgpu_as_map(as[i], other, 0, va + 4 * u,
						  u, RX), 0);
		KUNIT_ASSERT_EQ(test, vgpu_as_map(as[i], bo, 2 * MOCK_MIB,
						  va + 4 * MOCK_MIB, 8 * u, RX),
				0);
		for (at = 0; at < 2 * MOCK_MIB + 8 * u; at += u)
			if (at != 4 * u)
				expect_maps(test, mock, as[i], va + at, bo, at,
					    RW);
	}
	syncs = mock->syncs;
	vgpu_bo_revoke(bo);
	/* together for all mappings that lie together in the reverse map */
	KUNIT_EXPECT_LE(test, mock->syncs - syncs, 4ULL);
	for (i = 0; i < 4; i++) {
		va = base_of(as[i]);
		for (at = 0; at < 6 * MOCK_MIB; at += u) {
			if (at == 4 * u)
				expect_maps(test, mock, as[i], va + at, other,
					    0, RX);
			else
				expect_fault(test, mock, as[i], va + at);
		}
		KUNIT_EXPECT_EQ(test,
				vgpu_as_map(as[i], bo, 0, va + 8 * MOCK_MIB, u,
					    RW), -ESTALE);
		vgpu_as_get_stats(as[i], &st);
		KUNIT_EXPECT_EQ(test, st.regions, 1ULL);
		KUNIT_EXPECT_EQ(test, st.mapped, u);
	}
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(bo, 0));
	/* once more: nothing to do */
	k = mock->syncs;
	vgpu_bo_revoke(bo);
	KUNIT_EXPECT_EQ(test, (int)mock->syncs, k);
	vgpu_bo_put(bo);
	vgpu_bo_put(other);
	for (i = 0; i < 4; i++)
		vgpu_as_destroy(as[i]);
	mem_mock_check(test, mock);
}

/* The owner lets go of everything while an engine still has it cached. */
static void freed_while_mapped(struct kunit *test)
{
	struct mem_mock *mock = mock_new(test);
	struct vgpu_as *as = as_new(test, mock, 7);
	u64 u = unit_of(mock), va = base_of(as);
	struct vgpu_bo *bo = bo_new(test, mock, 4 * u, 0);
	struct vgpu_vram_stats st;
	struct mock_entry e;
	u64 addr = addr_of(bo, 0);

	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, va, 4 * u, RW), 0);
	expect_maps(test, mock, as, va, bo, 0, RW);
	vgpu_bo_put(bo);
	/* the mapping keeps it */
	KUNIT_EXPECT_EQ(test, mem_mock_access(mock, as, va, RW, &e), 0);
	KUNIT_EXPECT_EQ(test, e.addr, addr);
	/* half of it still does */
	KUNIT_EXPECT_EQ(test, vgpu_as_unmap(as, va, 2 * u), 0);
	KUNIT_EXPECT_EQ(test, mem_mock_access(mock, as, va + 2 * u, RW, &e), 0);
	KUNIT_EXPECT_EQ(test, vgpu_as_unmap(as, va + 2 * u, 2 * u), 0);
	vgpu_vram_get_stats(mock->vram, &st);
	/* the root is left */
	KUNIT_EXPECT_EQ(test, st.blocks, 1ULL);

	/* and with the address space, whose tag then is used again */
	bo = bo_new(test, mock, 4 * u, 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, va, 4 * u, RW), 0);
	expect_maps(test, mock, as, va, bo, 0, RW);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	KUNIT_EXPECT_EQ(test, mem_mock_cached(mock, 7), 0U);
	as = as_new(test, mock, 7);
	expect_fault(test, mock, as, va);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(bad_arguments, mock_format_gen_params),
	KUNIT_CASE_PARAM(overlaps, mock_format_gen_params),
	KUNIT_CASE_PARAM(hole_in_a_large_leaf, mock_format_gen_params),
	KUNIT_CASE_PARAM(almost_large, mock_format_gen_params),
	KUNIT_CASE_PARAM(entries_saved, mock_format_gen_params),
	KUNIT_CASE_PARAM(random_trace_1, mock_format_gen_params),
	KUNIT_CASE_PARAM(random_trace_2, mock_format_gen_params),
	KUNIT_CASE_PARAM(revoked_from_everywhere, mock_format_gen_params),
	KUNIT_CASE_PARAM(freed_while_mapped, mock_format_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_maps_torn_apart",
	.exit = map_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
