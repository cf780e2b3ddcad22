// SPDX-License-Identifier: GPL-2.0
/*
 * Accessed and dirty bits, while engines have the entries cached that they are
 * in: nothing used may be missed, nothing unused be told.
 */
#include <linux/bitmap.h>
#include "mem_mock.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define PAGES	1024		/* of 4 KiB, at most */
#define BYTES	(PAGES * 4096ULL)

struct seen {
	struct kunit *test;
	struct vgpu_bo *bo;
	u64 unit;
	u64 least;		/* bytes in one call */
	unsigned int calls;
	DECLARE_BITMAP(accessed, PAGES);
	DECLARE_BITMAP(dirty, PAGES);
};

struct scene {
	struct mem_mock *mock;
	struct vgpu_as *as;
	struct vgpu_bo *bo;
	u64 unit;
	u64 va;
	struct seen seen;
};

static void harvest_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct scene *scene_new(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->mock = mem_mock_create(test, 16 * MOCK_MIB, test->param_value, NULL);
	s->unit = 1ULL << s->mock->format->fmt.page_shift;
	s->as = vgpu_as_create(s->mock->vram, NULL, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->as));
	s->bo = vgpu_bo_create(s->mock->vram, NULL, BYTES, 2 * MOCK_MIB, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->bo));
	s->va = 16 * MOCK_MIB;
	return s;
}

static void scene_end(struct kunit *test, struct scene *s)
{
	vgpu_bo_put(s->bo);
	vgpu_as_destroy(s->as);
	mem_mock_check(test, s->mock);
}

static void note(void *arg, struct vgpu_bo *bo, u64 offset, u64 bytes,
		 u32 flags)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->least = min(seen->least, bytes);
	KUNIT_EXPECT_PTR_EQ(seen->test, bo, seen->bo);
	KUNIT_ASSERT_LE(seen->test, offset + bytes, BYTES);
	KUNIT_EXPECT_NE(seen->test, flags, 0U);
	if (flags & VGPU_AS_ACCESSED)
		bitmap_set(seen->accessed, offset / seen->unit,
			   bytes / seen->unit);
	if (flags & VGPU_AS_DIRTY)
		bitmap_set(seen->dirty, offset / seen->unit,
			   bytes / seen->unit);
}

static struct seen *harvest(struct kunit *test, struct scene *s, u64 va,
			    u64 bytes, u32 forget)
{
	memset(&s->seen, 0, sizeof(s->seen));
	s->seen.test = test;
	s->seen.bo = s->bo;
	s->seen.unit = s->unit;
	s->seen.least = U64_MAX;
	KUNIT_ASSERT_EQ(test, vgpu_as_harvest(s->as, va, bytes, forget, note,
					      &s->seen), 0);
	return &s->seen;
}

static void touch(struct kunit *test, struct scene *s, u64 page, u32 prot)
{
	struct mock_entry e;

	KUNIT_ASSERT_EQ(test, mem_mock_access(s->mock, s->as,
					      s->va + page * s->unit, prot, &e),
			0);
}

#define BOTH	(VGPU_AS_ACCESSED | VGPU_AS_DIRTY)

/* Mapped one unit off, so that all leaves are small. */
static void used_again_while_cached(struct kunit *test)
{
	struct scene *s = scene_new(test);
	u64 count = BYTES / s->unit, i;
	struct rnd_state rnd;
	unsigned int round;
	struct seen *seen;

	s->va += s->unit;
	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, 0, s->va, BYTES, RW), 0);
	KUNIT_EXPECT_EQ(test, harvest(test, s, s->va, BYTES, BOTH)->calls, 0U);
	prandom_seed_state(&rnd, 7);
	for (round = 0; round < 20; round++) {
		DECLARE_BITMAP(read, PAGES) = {};
		DECLARE_BITMAP(written, PAGES) = {};
		u64 syncs;

		for (i = 0; i < 60; i++) {
			u32 page = mock_rnd(&rnd, count);
			bool write = mock_rnd(&rnd, 2);

			touch(test, s, page, write ? RW : VGPU_PROT_READ);
			__set_bit(page, read);
			if (write)
				__set_bit(page, written);
		}
		/* looking changes nothing */
		syncs = s->mock->syncs;
		for (i = 0; i < 2; i++) {
			seen = harvest(test, s, s->va, BYTES, 0);
			KUNIT_ASSERT_TRUE_MSG(test, bitmap_equal(seen->accessed, read, PAGES),
					      "round %u", round);
			KUNIT_ASSERT_TRUE_MSG(test, bitmap_equal(seen->dirty, written, PAGES),
					      "round %u", round);
		}
		KUNIT_EXPECT_EQ(test, s->mock->syncs, syncs);
		KUNIT_EXPECT_EQ(test, seen->least, s->unit);
		/* forgets one kind, then the other */
		seen = harvest(test, s, s->va, BYTES, VGPU_AS_ACCESSED);
		KUNIT_ASSERT_TRUE(test, bitmap_equal(seen->accessed, read, PAGES));
		KUNIT_EXPECT_EQ(test, s->mock->syncs, syncs + 1);
		seen = harvest(test, s, s->va, BYTES, VGPU_AS_DIRTY);
		KUNIT_ASSERT_TRUE(test, bitmap_empty(seen->accessed, PAGES));
		KUNIT_ASSERT_TRUE(test, bitmap_equal(seen->dirty, written, PAGES));
		KUNIT_EXPECT_EQ(test, harvest(test, s, s->va, BYTES, 0)->calls,
				0U);
	}
	scene_end(test, s);
}

/* A page read, cached, and then written through the same entry. */
static void written_after_read(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct seen *seen;

	s->va += s->unit;
	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, 0, s->va, 8 * s->unit,
					  RW), 0);
	touch(test, s, 3, VGPU_PROT_READ);
	seen = harvest(test, s, s->va, 8 * s->unit, 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(seen->dirty, PAGES));
	touch(test, s, 3, RW);
	seen = harvest(test, s, s->va, 8 * s->unit, BOTH);
	KUNIT_EXPECT_EQ(test, bitmap_weight(seen->dirty, PAGES), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(3, seen->dirty));
	/* forgotten as dirty while an engine held it as such */
	touch(test, s, 3, RW);
	seen = harvest(test, s, s->va, 8 * s->unit, BOTH);
	KUNIT_EXPECT_TRUE(test, test_bit(3, seen->dirty));
	/* ranges: what lies outside is neither told nor forgotten */
	touch(test, s, 2, RW);
	touch(test, s, 5, RW);
	seen = harvest(test, s, s->va + 3 * s->unit, 2 * s->unit, BOTH);
	KUNIT_EXPECT_EQ(test, seen->calls, 0U);
	seen = harvest(test, s, s->va + 2 * s->unit, s->unit, BOTH);
	KUNIT_EXPECT_EQ(test, seen->calls, 1U);
	seen = harvest(test, s, s->va, 8 * s->unit, BOTH);
	KUNIT_EXPECT_EQ(test, bitmap_weight(seen->dirty, PAGES), 1);
	KUNIT_EXPECT_TRUE(test, test_bit(5, seen->dirty));
	scene_end(test, s);
}

/* A large leaf is told as a whole, and its parts are not trusted to be clean. */
static void large_leaf_split(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct seen *seen;

	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, 0, s->va, BYTES, RW), 0);
	touch(test, s, 1, RW);
	seen = harvest(test, s, s->va + 2 * s->unit, s->unit, 0);
	KUNIT_EXPECT_EQ(test, seen->calls, 1U);
	KUNIT_EXPECT_GT(test, seen->least, s->unit);
	KUNIT_EXPECT_EQ(test, bitmap_weight(seen->dirty, PAGES) * s->unit,
			2 * MOCK_MIB);
	/* half of it goes; what the large entry said must not be lost */
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, s->va + MOCK_MIB, MOCK_MIB),
			0);
	seen = harvest(test, s, s->va, BYTES, BOTH);
	KUNIT_EXPECT_EQ(test, bitmap_weight(seen->dirty, PAGES) * s->unit,
			MOCK_MIB);
	KUNIT_EXPECT_EQ(test, harvest(test, s, s->va, BYTES, 0)->calls, 0U);
	touch(test, s, 1, RW);
	seen = harvest(test, s, s->va, BYTES, BOTH);
	KUNIT_EXPECT_TRUE(test, test_bit(1, seen->dirty));
	KUNIT_EXPECT_LT(test, bitmap_weight(seen->dirty, PAGES) * s->unit,
			MOCK_MIB);
	scene_end(test, s);
}

static void refused(struct kunit *test)
{
	struct scene *s = scene_new(test);
	struct vgpu_pt_format dumb = s->mock->format->fmt;
	const struct vgpu_pt_format *own = s->mock->vram->format;

	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, s->va, 0, 0, note, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, s->va + 1, s->unit, 0, note,
					      NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, s->va, s->unit, 4, note,
					      NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, 0, s->unit, 0, note, NULL),
			-ERANGE);
	/* nothing mapped: nothing told */
	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, s->va, s->unit, BOTH, note,
					      NULL), 0);
	dumb.accessed = 0;
	dumb.dirty = 0;
	s->mock->vram->format = &dumb;
	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, s->va, s->unit, 0, note,
					      NULL), -EOPNOTSUPP);
	s->mock->vram->format = own;
	vgpu_vram_unplug(s->mock->vram);
	KUNIT_EXPECT_EQ(test, vgpu_as_harvest(s->as, s->va, s->unit, 0, note,
					      NULL), -ENODEV);
	scene_end(test, s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(used_again_while_cached, mock_format_gen_params),
	KUNIT_CASE_PARAM(written_after_read, mock_format_gen_params),
	KUNIT_CASE_PARAM(large_leaf_split, mock_format_gen_params),
	KUNIT_CASE_PARAM(refused, mock_format_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_used_and_written",
	.exit = harvest_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
