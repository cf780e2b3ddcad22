// SPDX-License-Identifier: GPL-2.0
/*
 * Everything runs out: the quota, VRAM, the kernel's own memory. At each place
 * where it can; whatever fails must leave all as it was.
 */
#include <linux/slab.h>
#include "mem_mock.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define BASE	0x0000004540000000ULL
#define LOTS	BIT_ULL(40)

static void pressure_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

/* One address space, with something in it that has to survive. */
struct scene {
	struct mem_mock *mock;
	struct vgpu_mem_account acct;
	struct vgpu_as *as;
	struct vgpu_bo *bo;
	u64 unit;
	u64 va;
};

static struct scene *scene_new(struct kunit *test, u64 bo_bytes)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->mock = mem_mock_create(test, 16 * MOCK_MIB, test->param_value, NULL);
	vgpu_mem_account_init(&s->acct, LOTS);
	s->as = vgpu_as_create(s->mock->vram, &s->acct, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->as));
	s->bo = vgpu_bo_create(s->mock->vram, &s->acct, bo_bytes, 2 * MOCK_MIB,
			       0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->bo));
	s->unit = 1ULL << s->mock->format->fmt.page_shift;
	s->va = BASE & (vgpu_as_end(s->as) - 1) & ~(0x200000ULL - 1);
	return s;
}

static void scene_end(struct kunit *test, struct scene *s)
{
	vgpu_bo_put(s->bo);
	vgpu_as_destroy(s->as);
	KUNIT_EXPECT_EQ(test, s->acct.used, 0ULL);
	mem_mock_check(test, s->mock);
}

/* What must not change when something fails. */
struct figures {
	struct vgpu_as_stats as;
	struct vgpu_vram_stats vram;
	u64 used;
};

static struct figures figures_of(struct scene *s)
{
	struct figures f;

	memset(&f, 0, sizeof(f));
	vgpu_as_get_stats(s->as, &f.as);
	vgpu_vram_get_stats(s->mock->vram, &f.vram);
	f.used = s->acct.used;
	/* these only count */
	f.as.ptes_written = 0;
	f.as.invalidations = 0;
	f.vram.scrubbed = 0;
	return f;
}

static void expect_unchanged(struct kunit *test, struct scene *s,
			     const struct figures *f, const char *what, u64 at)
{
	struct figures now = figures_of(s);

	KUNIT_ASSERT_EQ_MSG(test, now.used, f->used, "%s %llu", what, at);
	KUNIT_ASSERT_EQ_MSG(test, now.as.mapped, f->as.mapped, "%s %llu", what,
			    at);
	KUNIT_ASSERT_EQ_MSG(test, now.as.regions, f->as.regions, "%s %llu",
			    what, at);
	KUNIT_ASSERT_EQ_MSG(test, now.as.table_bytes, f->as.table_bytes,
			    "%s %llu", what, at);
	KUNIT_ASSERT_EQ_MSG(test, now.vram.used, f->vram.used, "%s %llu", what,
			    at);
	KUNIT_ASSERT_EQ_MSG(test, now.vram.blocks, f->vram.blocks, "%s %llu",
			    what, at);
}

/*
 * A mapping that needs tables on all levels: across the boundary of the widest
 * table that the format has below its root.
 */
static u64 wide_va(struct scene *s)
{
	const struct vgpu_pt_format *fmt = &s->mock->format->fmt;
	unsigned int shift = fmt->page_shift, i;

	for (i = 0; i + 1 < fmt->levels; i++)
		shift += fmt->bits[i];
	return (1ULL << shift) - 4 * s->unit;
}

static void map_over_quota(struct kunit *test)
{
	struct scene *s = scene_new(test, 2 * MOCK_MIB);
	u64 va = wide_va(s), tables, limit;
	struct figures f = figures_of(s), g;
	struct mock_entry e;
	unsigned int refused = 0;

	/* how much it takes */
	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, s->unit, va,
					  8 * s->unit, RW), 0);
	g = figures_of(s);
	tables = g.as.table_bytes - f.as.table_bytes;
	KUNIT_EXPECT_EQ(test, g.used - f.used, tables);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, va, 8 * s->unit), 0);
	expect_unchanged(test, s, &f, "unmapped", 0);

	for (limit = f.used; limit < f.used + tables; limit += 4096) {
		KUNIT_ASSERT_EQ(test, vgpu_mem_set_limit(&s->acct, limit), 0);
		KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, s->unit, va,
						  8 * s->unit, RW), -EDQUOT);
		expect_unchanged(test, s, &f, "limit", limit);
		KUNIT_ASSERT_EQ(test, mem_mock_access(s->mock, s->as, va, 0, &e),
				-EFAULT);
		refused++;
	}
	KUNIT_EXPECT_GT(test, refused, 2U);
	KUNIT_ASSERT_EQ(test, vgpu_mem_set_limit(&s->acct, limit), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, s->unit, va,
					  8 * s->unit, RW), 0);
	KUNIT_EXPECT_EQ(test, mem_mock_access(s->mock, s->as, va, RW, &e), 0);
	scene_end(test, s);
}

static void map_without_vram(struct kunit *test)
{
	struct scene *s = scene_new(test, 2 * MOCK_MIB);
	u64 va = wide_va(s), left;
	struct vgpu_vram_stats st;
	struct figures f;
	struct vgpu_bo *rest;
	unsigned int refused = 0;
	int err;

	for (left = 0;; left += 4096) {
		struct vgpu_block *b;

		/* all but @left bytes are somebody else's */
		vgpu_vram_get_stats(s->mock->vram, &st);
		b = NULL;
		if (left) {
			b = vgpu_vram_alloc(s->mock->vram, left >> 12,
					    left >> 12, 2, NULL, false);
			KUNIT_ASSERT_FALSE(test, IS_ERR(b));
		}
		rest = vgpu_bo_create(s->mock->vram, NULL,
				      (st.free - left) & ~(s->unit - 1), 0, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(rest));
		if (b)
			vgpu_vram_free(s->mock->vram, b, true);
		f = figures_of(s);
		err = vgpu_as_map(s->as, s->bo, s->unit, va, 8 * s->unit, RW);
		if (err) {
			KUNIT_ASSERT_EQ_MSG(test, err, -ENOSPC, "left %llu",
					    left);
			expect_unchanged(test, s, &f, "left", left);
			refused++;
		}
		vgpu_bo_put(rest);
		if (!err)
			break;
		KUNIT_ASSERT_LT(test, left, MOCK_MIB);
	}
	if (s->unit == 4096)
		KUNIT_EXPECT_GT(test, refused, 2U);
	scene_end(test, s);
}

static void map_without_metadata(struct kunit *test)
{
	struct scene *s = scene_new(test, 2 * MOCK_MIB);
	u64 va = wide_va(s);
	struct figures f = figures_of(s);
	unsigned int nth;

	if (!mem_fail_nth_works()) {
		scene_end(test, s);
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	}
	for (nth = 1; nth < 200; nth++) {
		bool failed;
		int err;

		vgpu_vram_trim(s->mock->vram);
		mem_fail_nth_start(nth);
		err = vgpu_as_map(s->as, s->bo, s->unit, va, 8 * s->unit, RW);
		failed = mem_fail_nth_stop();
		if (err) {
			KUNIT_ASSERT_EQ_MSG(test, err, -ENOMEM, "nth %u", nth);
			expect_unchanged(test, s, &f, "nth", nth);
			continue;
		}
		KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, va, 8 * s->unit), 0);
		expect_unchanged(test, s, &f, "nth", nth);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 8U);
	KUNIT_EXPECT_LT(test, nth, 200U);
	scene_end(test, s);
}

/* A hole in a large leaf needs tables, and there are none. */
static void split_refused(struct kunit *test)
{
	struct scene *s = scene_new(test, 4 * MOCK_MIB);
	u64 hole = s->va + 0x130000, limit, need, at;
	struct figures f, g;
	struct mock_entry e;
	unsigned int nth;
	int err;

	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, 0, s->va, 4 * MOCK_MIB,
					  RW), 0);
	f = figures_of(s);
	KUNIT_ASSERT_EQ(test, vgpu_mem_set_limit(&s->acct, f.used), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, hole, s->unit), -EDQUOT);
	expect_unchanged(test, s, &f, "limit", f.used);
	for (at = 0; at < 4 * MOCK_MIB; at += s->unit)
		KUNIT_ASSERT_EQ(test, mem_mock_access(s->mock, s->as, s->va + at,
						      RW, &e), 0);
	/* whole leaves go without */
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, s->va + 2 * MOCK_MIB,
					    2 * MOCK_MIB), 0);

	/* page by page up to what both ends need: one table, in one leaf */
	f = figures_of(s);
	need = 0;
	for (limit = f.used;; limit += 4096) {
		KUNIT_ASSERT_EQ(test, vgpu_mem_set_limit(&s->acct, limit), 0);
		err = vgpu_as_unmap(s->as, hole, 0x20000);
		if (!err)
			break;
		KUNIT_ASSERT_EQ_MSG(test, err, -EDQUOT, "limit %llu", limit);
		expect_unchanged(test, s, &f, "limit", limit);
		need++;
		KUNIT_ASSERT_LT(test, need, 100ULL);
	}
	KUNIT_EXPECT_EQ(test, need, 1ULL);
	for (at = 0; at < 2 * MOCK_MIB; at += s->unit) {
		bool in_hole = s->va + at >= hole &&
			       s->va + at < hole + 0x20000;

		err = mem_mock_access(s->mock, s->as, s->va + at, RW, &e);
		KUNIT_ASSERT_EQ_MSG(test, err, in_hole ? -EFAULT : 0,
				    "at %llx", at);
	}

	/* the same for the kernel's memory, with a new leaf each time */
	vgpu_mem_set_limit(&s->acct, LOTS);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, s->va, 2 * MOCK_MIB), 0);
	if (!mem_fail_nth_works()) {
		scene_end(test, s);
		return;
	}
	for (nth = 1; nth < 200; nth++) {
		bool failed;

		KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, 0, s->va,
						  2 * MOCK_MIB, RW), 0);
		f = figures_of(s);
		vgpu_vram_trim(s->mock->vram);
		mem_fail_nth_start(nth);
		err = vgpu_as_unmap(s->as, hole, 0x20000);
		failed = mem_fail_nth_stop();
		if (err) {
			KUNIT_ASSERT_EQ_MSG(test, err, -ENOMEM, "nth %u", nth);
			expect_unchanged(test, s, &f, "nth", nth);
		}
		KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, s->va, 2 * MOCK_MIB),
				0);
		if (!failed)
			break;
	}
	g = figures_of(s);
	KUNIT_EXPECT_EQ(test, g.as.regions, 0ULL);
	KUNIT_EXPECT_LT(test, nth, 200U);
	scene_end(test, s);
}

/* A quota is for memory and tables together, to the byte. */
static void quota_to_the_byte(struct kunit *test)
{
	struct scene *s = scene_new(test, 2 * MOCK_MIB);
	u64 unit = s->unit, limit = s->acct.used + 64 * unit;
	struct vgpu_bo *bo[64];
	unsigned int i, n = 0;
	u64 used;

	KUNIT_ASSERT_EQ(test, vgpu_mem_set_limit(&s->acct, limit), 0);
	/* memory and tables compete for the rest */
	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, s->bo, unit, s->va, unit, RW),
			0);
	used = s->acct.used;
	while (n < ARRAY_SIZE(bo)) {
		bo[n] = vgpu_bo_create(s->mock->vram, &s->acct, unit, 0, 0);
		if (IS_ERR(bo[n]))
			break;
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, (unsigned int)((limit - used) / unit));
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo[n]), -EDQUOT);
	KUNIT_EXPECT_LE(test, s->acct.used, limit);
	KUNIT_EXPECT_LE(test, s->acct.peak, limit);
	if (unit == 4096)
		KUNIT_EXPECT_EQ(test, vgpu_as_map(s->as, s->bo, 0, 0x10000,
						  unit, RW), -EDQUOT);
	/* a mapped BO stays charged when its owner lets go */
	used = s->acct.used;
	KUNIT_ASSERT_GT(test, n, 0U);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as, bo[0], 0, s->va + unit, unit,
					  RW), 0);
	vgpu_bo_put(bo[0]);
	KUNIT_EXPECT_EQ(test, s->acct.used, used);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as, s->va + unit, unit), 0);
	KUNIT_EXPECT_EQ(test, s->acct.used, used - unit);
	for (i = 1; i < n; i++)
		vgpu_bo_put(bo[i]);
	scene_end(test, s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(map_over_quota, mock_format_gen_params),
	KUNIT_CASE_PARAM(map_without_vram, mock_format_gen_params),
	KUNIT_CASE_PARAM(map_without_metadata, mock_format_gen_params),
	KUNIT_CASE_PARAM(split_refused, mock_format_gen_params),
	KUNIT_CASE_PARAM(quota_to_the_byte, mock_format_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_all_of_it_runs_out",
	.exit = pressure_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
