// SPDX-License-Identifier: GPL-2.0
/*
 * Saved state: nothing of a tenant stays behind, the dirty mask is right, and
 * bytes that make no sense are refused.
 */
#include <linux/bitmap.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_fixture.h"
#include "soft_kernels.h"

#define LITTER	0x5a5a5a5a5a5a5a5aULL

/* Runs a kernel that fills every register, until it spins. */
static void litter(struct soft_fixture *fx, struct soft_core *c)
{
	unsigned int i;

	fx_launch(fx, SOFT_KERNEL_LITTER, SOFT_MAX_LANES, 2);
	fx_begin(fx, c);
	for (i = 0; i < 400; i++)
		fx_model->step(c, SOFT_TURN);
}

static u64 units_nonzero(const struct soft_core *c)
{
	u64 found = 0;
	u32 i, lane, at;

	for (i = 0; i < c->m->units; i++) {
		const struct soft_unit *u = &c->units[i];

		for (lane = 0; lane < SOFT_MAX_LANES; lane++)
			found += !!memchr_inv(&u->lanes[lane], 0,
					      sizeof(u->lanes[lane]));
		for (at = 0; at < SOFT_SHARED_BYTES; at++)
			found += !!u->shared[at];
		found += u->live || u->waiting || u->group || u->lane;
	}
	return found;
}

static void test_clear(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	struct soft_lane *l = &c->units[1].lanes[63];

	litter(fx, c);
	KUNIT_EXPECT_EQ(test, l->x[31], LITTER);
	KUNIT_EXPECT_EQ(test, l->scratch, LITTER);
	KUNIT_EXPECT_NE(test, units_nonzero(c), 0ULL);
	fx_model->clear(c, 3, 0);
	KUNIT_EXPECT_EQ(test, units_nonzero(c), 0ULL);
	KUNIT_EXPECT_FALSE(test, c->active);
	KUNIT_EXPECT_EQ(test, c->job.launch.args, 0ULL);
}

/* Loading a small state over a large one leaves nothing of the large one. */
static void test_load_wipes(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	unsigned int unit, lane;

	fx_launch(fx, SOFT_KERNEL_SPIN, 1, 1);
	fx_begin(fx, c);
	fx_model->step(c, 10);
	fx_save(fx, c);
	litter(fx, c);
	fx_load(fx, c);
	for (unit = 0; unit < 2; unit++) {
		for (lane = 0; lane < SOFT_MAX_LANES; lane++) {
			struct soft_lane *l = &c->units[unit].lanes[lane];

			if (unit || lane)
				KUNIT_EXPECT_PTR_EQ(test,
						    memchr_inv(l, 0, sizeof(*l)),
						    NULL);
			KUNIT_EXPECT_EQ(test, l->x[31], 0ULL);
		}
	}
	KUNIT_EXPECT_EQ(test, *(u64 *)c->units[0].shared, 0ULL);
	KUNIT_EXPECT_EQ(test, *(u64 *)c->units[1].shared, 0ULL);
}

/* What was saved and loaded is saved the same again, byte by byte. */
static void test_round_trip(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u8 *first[VGPU_SEC_COUNT];
	u32 used[VGPU_SEC_COUNT];
	unsigned int sec, i;

	fx_launch(fx, SOFT_KERNEL_STIR, 4, 3);
	fx_begin(fx, fx->core[0]);
	for (i = 0; i < 150; i++)
		fx_model->step(fx->core[0], 1);
	fx_save(fx, fx->core[0]);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		used[sec] = fx->used[sec];
		first[sec] = kunit_kzalloc(test, used[sec] + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first[sec]);
		memcpy(first[sec], fx->saved[sec], used[sec]);
	}
	KUNIT_EXPECT_EQ(test, fx->core[0]->dirty, 0U);
	fx_load(fx, fx->core[1]);
	KUNIT_EXPECT_EQ(test, fx->core[1]->dirty, 0U);
	KUNIT_EXPECT_EQ(test, fx->core[1]->broken, 0U);
	fx_save(fx, fx->core[1]);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		KUNIT_ASSERT_EQ(test, fx->used[sec], used[sec]);
		KUNIT_EXPECT_EQ(test, memcmp(first[sec], fx->saved[sec],
					     used[sec]), 0);
	}
}

/* A section that dirty() does not name has not changed. */
static void test_dirty(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	unsigned int sec, clean[VGPU_SEC_COUNT] = { 0 };
	u8 *before[VGPU_SEC_COUNT];
	u32 used[VGPU_SEC_COUNT];
	enum soft_step step;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		before[sec] = kunit_kzalloc(test, fx->sizes[sec] + 1,
					    GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, before[sec]);
	}
	fx_launch(fx, SOFT_KERNEL_STIR, 4, 3);
	fx_begin(fx, c);
	/* nothing was ever saved of a context that was just taken up */
	KUNIT_EXPECT_EQ(test, c->dirty, (u32)BIT(VGPU_SEC_COUNT) - 1);
	do {
		u32 dirty;

		fx_save(fx, c);
		KUNIT_ASSERT_EQ(test, c->dirty, 0U);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
			used[sec] = fx->used[sec];
			memcpy(before[sec], fx->saved[sec], used[sec]);
		}
		step = fx_model->step(c, 1);
		dirty = c->dirty;
		fx_save(fx, c);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
			if (dirty & BIT(sec))
				continue;
			clean[sec]++;
			if (used[sec] != fx->used[sec] ||
			    memcmp(before[sec], fx->saved[sec], used[sec]))
				KUNIT_FAIL(test, "section %u changed unseen\n",
					   sec);
		}
	} while (step == SOFT_STEP_MORE);
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_DONE);
	/* and it is a mask, not all ones */
	KUNIT_EXPECT_GT(test, clean[VGPU_SEC_SPECIAL], 100U);
	KUNIT_EXPECT_GT(test, clean[VGPU_SEC_SHARED], 100U);
	KUNIT_EXPECT_GT(test, clean[VGPU_SEC_MMU], 100U);
}

/* After the job little is left to save. */
static void test_idle_is_small(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	fx_launch(fx, SOFT_KERNEL_STIR, 8, 3);
	fx_begin(fx, c);
	KUNIT_ASSERT_EQ(test, fx_run(c, SOFT_TURN), SOFT_STEP_DONE);
	fx_save(fx, c);
	KUNIT_EXPECT_EQ(test, fx->used[VGPU_SEC_GENERAL], 0U);
	KUNIT_EXPECT_EQ(test, fx->used[VGPU_SEC_SHARED], 0U);
	KUNIT_EXPECT_LE(test, fx->used[VGPU_SEC_SPECIAL], 8U);
}

/* The largest state there can be fits what was announced. */
static void test_sizes(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	unsigned int sec;

	litter(fx, c);
	fx->job.launch.shared_bytes = SOFT_SHARED_BYTES;
	fx_begin(fx, c);
	fx_model->step(c, SOFT_TURN);
	fx_model->step(c, SOFT_TURN);
	fx_save(fx, c);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		KUNIT_EXPECT_EQ(test, fx->used[sec], fx->sizes[sec]);
}

static enum soft_step resume_loaded(struct soft_fixture *fx,
				    struct soft_core *c)
{
	fx_model->clear(c, 1, 0);
	fx_load(fx, c);
	fx_model->resume(c, &fx->job);
	return fx_run(c, SOFT_TURN);
}

/*
 * One byte after the other replaced by others: the job ends somehow, or is
 * refused; what the engine touches stays its own (KASAN looks on).
 */
static void test_corrupt(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[1];
	u8 *good[VGPU_SEC_COUNT];
	u32 used[VGPU_SEC_COUNT];
	struct rnd_state rnd;
	unsigned int sec, i, refused = 0;

	fx_launch(fx, SOFT_KERNEL_POKE, 3, 40);
	fx_begin(fx, fx->core[0]);
	for (i = 0; i < 7; i++)
		fx_model->step(fx->core[0], 1);
	fx_save(fx, fx->core[0]);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		used[sec] = fx->used[sec];
		good[sec] = kunit_kzalloc(test, used[sec] + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, good[sec]);
		memcpy(good[sec], fx->saved[sec], used[sec]);
	}
	KUNIT_EXPECT_EQ(test, resume_loaded(fx, c), SOFT_STEP_DONE);

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 2000; i++) {
		sec = prandom_u32_state(&rnd) % VGPU_SEC_COUNT;
		if (!used[sec])
			continue;
		fx->saved[sec][prandom_u32_state(&rnd) % used[sec]] =
			prandom_u32_state(&rnd);
		if (!(prandom_u32_state(&rnd) % 4))
			fx->used[sec] = prandom_u32_state(&rnd) % used[sec];
		fx_model->clear(c, 1, 0);
		fx_load(fx, c);
		fx_model->resume(c, &fx->job);
		refused += !!c->refused;
		/* may spin: registers are the tenant's business */
		{
			unsigned int steps = 0;

			while (fx_model->step(c, SOFT_TURN) == SOFT_STEP_MORE &&
			       ++steps < 200)
				;
		}
		memcpy(fx->saved[sec], good[sec], used[sec]);
		fx->used[sec] = used[sec];
	}
	KUNIT_EXPECT_GT(test, refused, 100U);
	KUNIT_EXPECT_EQ(test, resume_loaded(fx, c), SOFT_STEP_DONE);
}

/* State of one job, another job: refused or run, never out of bounds. */
static void test_wrong_job(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	litter(fx, c);
	fx_save(fx, c);
	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	KUNIT_EXPECT_EQ(test, resume_loaded(fx, c), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.error, -EINVAL);
	/* nothing to resume */
	fx_model->clear(c, FX_ASID, fx->root);
	fx_model->resume(c, &fx->job);
	KUNIT_EXPECT_EQ(test, fx_run(c, SOFT_TURN), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.error, -EINVAL);
	/* and a fresh start still works */
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, fx_run(c, SOFT_TURN), SOFT_STEP_DONE);
}

static void test_extra(struct kunit *test)
{
	const struct soft_machine shape = { .units = 1, .extra_bytes = 65536 };
	struct soft_fixture *fx;
	struct soft_core *c;
	u64 i;

	KUNIT_ASSERT_EQ(test, fx_create(test, &shape), 0);
	fx = test->priv;
	c = fx->core[0];
	KUNIT_EXPECT_EQ(test, fx->sizes[VGPU_SEC_VECTOR], 65536U);
	fx_launch(fx, SOFT_KERNEL_SPIN, 1, 1);
	fx_begin(fx, c);
	fx_model->step(c, 5);
	for (i = 0; i < 65536 / 8; i++)
		KUNIT_ASSERT_EQ(test, fx_model->vector_write(c, i, LITTER), 0);
	KUNIT_EXPECT_EQ(test, fx_model->vector_write(c, i, LITTER), -ENOEXEC);
	KUNIT_EXPECT_NE(test, c->dirty & BIT(VGPU_SEC_VECTOR), 0UL);
	fx_move(fx, c, fx->core[1]);
	KUNIT_EXPECT_EQ(test, fx->used[VGPU_SEC_VECTOR], 65536U);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(fx->core[1]->vector.words, 0x5a,
					     65536), NULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(c->vector.words, 0, 65536), NULL);
	/* nor does the next job of the same context see them */
	fx_model->start(fx->core[1], &fx->job);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(fx->core[1]->vector.words, 0,
					     65536), NULL);
}

#define VECTOR_BLOCKS	100	/* more than a word of bits */

static u64 map_of(struct soft_core *c, unsigned long *map)
{
	bitmap_zero(map, VECTOR_BLOCKS);
	return fx_model->blocks(c, VGPU_SEC_VECTOR, map);
}

static void write_block(struct soft_core *c, u32 block, u64 value)
{
	u32 i;

	for (i = 0; i < VGPU_SEC_BLOCK / 8; i++)
		fx_model->vector_write(c, block * (VGPU_SEC_BLOCK / 8) + i,
				       value);
}

/* Blocks are dirty once written, until they are saved, and loaded where they were. */
static void test_blocks(struct kunit *test)
{
	const struct soft_machine shape = {
		.units = 1,
		.extra_bytes = VECTOR_BLOCKS * VGPU_SEC_BLOCK,
	};
	static const u32 written[] = { 0, 3, 4, 63, 64, VECTOR_BLOCKS - 1 };
	DECLARE_BITMAP(map, VECTOR_BLOCKS);
	struct soft_fixture *fx;
	struct soft_core *c, *to;
	unsigned int i;
	u64 v;

	KUNIT_ASSERT_EQ(test, fx_create(test, &shape), 0);
	fx = test->priv;
	c = fx->core[0];
	to = fx->core[1];
	fx_model->clear(c, FX_ASID, fx->root);
	/* without a launch there is nothing of them */
	KUNIT_EXPECT_EQ(test, map_of(c, map), 0ULL);
	fx_launch(fx, SOFT_KERNEL_SPIN, 1, 1);
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, map_of(c, map), (u64)shape.extra_bytes);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(map, VECTOR_BLOCKS));
	KUNIT_EXPECT_EQ(test, c->dirty & BIT(VGPU_SEC_VECTOR), 0UL);

	for (i = 0; i < ARRAY_SIZE(written); i++)
		write_block(c, written[i], LITTER + i);
	KUNIT_EXPECT_NE(test, c->dirty & BIT(VGPU_SEC_VECTOR), 0UL);
	map_of(c, map);
	KUNIT_EXPECT_EQ(test, bitmap_weight(map, VECTOR_BLOCKS),
			ARRAY_SIZE(written));
	fx_save(fx, c);
	memset(fx->saved[VGPU_SEC_VECTOR], 0xee, shape.extra_bytes);
	for (i = 0; i < ARRAY_SIZE(written); i++)
		write_block(c, written[i], LITTER - i);
	map_of(c, map);
	for (i = 0; i < ARRAY_SIZE(written); i++) {
		KUNIT_EXPECT_TRUE(test, test_bit(written[i], map));
		fx_model->save_blocks(c, VGPU_SEC_VECTOR,
				      fx->saved[VGPU_SEC_VECTOR], written[i], 1);
		map_of(c, map);
		KUNIT_EXPECT_FALSE(test, test_bit(written[i], map));
	}
	KUNIT_EXPECT_EQ(test, c->dirty & BIT(VGPU_SEC_VECTOR), 0UL);

	/* over what another one left */
	fx_begin(fx, to);
	for (i = 0; i < VECTOR_BLOCKS; i++)
		write_block(to, i, 0x77);
	fx_model->clear(to, FX_ASID, fx->root);
	for (i = 0; i < VGPU_SEC_COUNT; i++)
		if (i != VGPU_SEC_VECTOR)
			fx_model->load(to, i, fx->saved[i], fx->used[i]);
	for (i = 0; i < ARRAY_SIZE(written); i++)
		fx_model->load_blocks(to, VGPU_SEC_VECTOR,
				      fx->saved[VGPU_SEC_VECTOR], written[i], 1);
	KUNIT_EXPECT_EQ(test, memcmp(to->vector.words, c->vector.words,
				     shape.extra_bytes), 0);
	KUNIT_EXPECT_EQ(test, fx_model->vector_read(to, 0, &v), 0);
	KUNIT_EXPECT_EQ(test, v, LITTER);
	KUNIT_EXPECT_EQ(test, to->broken, 0U);
	map_of(to, map);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(map, VECTOR_BLOCKS));

	/* what is in no section is refused */
	fx_model->load_blocks(to, VGPU_SEC_VECTOR, fx->saved[VGPU_SEC_VECTOR],
			      VECTOR_BLOCKS - 1, 2);
	KUNIT_EXPECT_NE(test, to->broken & BIT(VGPU_SEC_VECTOR), 0UL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_clear),
	KUNIT_CASE(test_load_wipes),
	KUNIT_CASE(test_round_trip),
	KUNIT_CASE(test_dirty),
	KUNIT_CASE(test_idle_is_small),
	KUNIT_CASE(test_sizes),
	KUNIT_CASE(test_corrupt),
	KUNIT_CASE(test_wrong_job),
	KUNIT_CASE(test_extra),
	KUNIT_CASE(test_blocks),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_soft_state",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
