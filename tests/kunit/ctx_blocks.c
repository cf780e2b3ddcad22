// SPDX-License-Identifier: GPL-2.0
/* Switches on an engine that knows which blocks changed, in every mode. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <vgpu/ctx.h>
#include "mem_mock.h"

#define SEED		0x5eedU
#define BLOCKS		256
#define BYTES		(BLOCKS * VGPU_SEC_BLOCK)
/* More than is loaded in a step, but the engine has no blocks of it. */
#define GENERAL		(VGPU_CTX_STEP_BYTES + 4096)

struct mock_engine {
	u8 *regs[VGPU_SEC_COUNT];
	u32 dirty;
	unsigned long changed[BITS_TO_LONGS(BLOCKS)];
	u32 asid;
	unsigned int whole;	/* the vector section moved in one piece */
	unsigned int runs;	/* in runs of blocks */
	unsigned int wrong;	/* blocks of what has none */
	struct mock_engine *spare;
};

static struct mock_engine *at(void *hw, unsigned int engine)
{
	struct mock_engine *e = hw;

	return engine & VGPU_HW_SPARE ? e->spare : e;
}

static const u32 sizes[VGPU_SEC_COUNT] = {
	[VGPU_SEC_CONTROL] = 64,
	[VGPU_SEC_GENERAL] = GENERAL,
	[VGPU_SEC_VECTOR] = BYTES,
	[VGPU_SEC_MMU] = 16,
};

static u32 mock_save(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		     void *buf)
{
	struct mock_engine *e = hw;

	memcpy(buf, e->regs[sec], sizes[sec]);
	e->dirty &= ~BIT(sec);
	if (sec == VGPU_SEC_VECTOR) {
		bitmap_zero(e->changed, BLOCKS);
		e->whole++;
	}
	return sizes[sec];
}

static u32 mock_dirty(void *hw, unsigned int engine)
{
	return ((struct mock_engine *)hw)->dirty;
}

static void mock_load(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		      const void *buf, u32 bytes)
{
	struct mock_engine *e = at(hw, engine);

	memcpy(e->regs[sec], buf, bytes);
	e->dirty &= ~BIT(sec);
	if (sec == VGPU_SEC_VECTOR)
		e->whole++;
}

static u32 mock_blocks(void *hw, unsigned int engine,
		       enum vgpu_hw_section sec, unsigned long *map)
{
	struct mock_engine *e = hw;

	if (sec != VGPU_SEC_VECTOR)
		return 0;
	bitmap_copy(map, e->changed, BLOCKS);
	return BYTES;
}

static void mock_save_blocks(void *hw, unsigned int engine,
			     enum vgpu_hw_section sec, void *buf, u32 first,
			     u32 count)
{
	struct mock_engine *e = hw;

	memcpy(buf + first * VGPU_SEC_BLOCK,
	       e->regs[sec] + first * VGPU_SEC_BLOCK, count * VGPU_SEC_BLOCK);
	bitmap_clear(e->changed, first, count);
	e->runs++;
	e->wrong += sec != VGPU_SEC_VECTOR;
}

static void mock_load_blocks(void *hw, unsigned int engine,
			     enum vgpu_hw_section sec, const void *buf,
			     u32 first, u32 count)
{
	struct mock_engine *e = at(hw, engine);

	memcpy(e->regs[sec] + first * VGPU_SEC_BLOCK,
	       buf + first * VGPU_SEC_BLOCK, count * VGPU_SEC_BLOCK);
	e->runs++;
	e->wrong += sec != VGPU_SEC_VECTOR;
}

static void mock_clear(void *hw, unsigned int engine,
		       const struct vgpu_hw_ctx *ctx)
{
	struct mock_engine *e = at(hw, engine);
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		memset(e->regs[sec], 0, sizes[sec]);
	bitmap_zero(e->changed, BLOCKS);
	e->dirty = BIT(VGPU_SEC_COUNT) - 1;
	e->asid = ctx->asid;
}

static void mock_flip(void *hw, unsigned int engine)
{
	struct mock_engine *e = hw, *spare = e->spare;
	struct mock_engine was = *e;

	memcpy(e->regs, spare->regs, sizeof(e->regs));
	memcpy(e->changed, spare->changed, sizeof(e->changed));
	e->dirty = spare->dirty;
	e->asid = spare->asid;
	memcpy(spare->regs, was.regs, sizeof(e->regs));
	memcpy(spare->changed, was.changed, sizeof(e->changed));
	spare->dirty = was.dirty;
	spare->asid = was.asid;
}

static const struct vgpu_backend_ops ops = {
	.save = mock_save,
	.dirty = mock_dirty,
	.load = mock_load,
	.blocks = mock_blocks,
	.save_blocks = mock_save_blocks,
	.load_blocks = mock_load_blocks,
	.clear = mock_clear,
	.flip = mock_flip,
};

/* A kernel writes to a block. */
static void touch(struct mock_engine *e, unsigned int block, u8 value)
{
	memset(e->regs[VGPU_SEC_VECTOR] + block * VGPU_SEC_BLOCK, value,
	       VGPU_SEC_BLOCK);
	__set_bit(block, e->changed);
	e->dirty |= BIT(VGPU_SEC_VECTOR);
}

static struct mock_engine *bank_new(struct kunit *test)
{
	struct mock_engine *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	unsigned int sec;

	KUNIT_ASSERT_NOT_NULL(test, e);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		e->regs[sec] = kunit_kzalloc(test, sizes[sec] + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, e->regs[sec]);
	}
	return e;
}

static struct mock_engine *engine_new(struct kunit *test)
{
	struct mock_engine *e = bank_new(test);

	e->spare = bank_new(test);
	return e;
}

static struct vgpu_ctx_state *state_new(struct kunit *test)
{
	struct vgpu_ctx_state *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, st);
	KUNIT_ASSERT_EQ(test, vgpu_ctx_state_init(st, VGPU_HW_BLOCKS, sizes), 0);
	return st;
}

static const struct vgpu_hw_ctx ctx_1 = { .asid = 1 };
static const struct vgpu_hw_ctx ctx_2 = { .asid = 2 };

static void blocks_that_changed_are_moved_alone(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *st = state_new(test);
	u64 before;
	unsigned int i;

	mock_clear(e, 0, &ctx_1);
	for (i = 10; i < 20; i++)
		touch(e, i, i);
	touch(e, BLOCKS - 1, 99);
	vgpu_ctx_save(st, &ops, e, 0, false);
	KUNIT_EXPECT_EQ(test, e->whole, 0U);
	KUNIT_EXPECT_EQ(test, e->runs, 2U);
	KUNIT_EXPECT_EQ(test, st->stats.bytes_saved,
			11ULL * VGPU_SEC_BLOCK + 64 + GENERAL + 16);

	/* one of them again, and no more than it is saved */
	before = st->stats.bytes_saved;
	touch(e, 12, 100);
	e->dirty = BIT(VGPU_SEC_VECTOR);
	vgpu_ctx_save(st, &ops, e, 0, false);
	KUNIT_EXPECT_EQ(test, st->stats.bytes_saved - before,
			(u64)VGPU_SEC_BLOCK);

	/* nor is more loaded than was ever written */
	mock_clear(e, 0, &ctx_1);
	e->runs = 0;
	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_EQ(test, e->whole, 0U);
	KUNIT_EXPECT_EQ(test, e->runs, 2U);
	KUNIT_EXPECT_EQ(test, st->stats.bytes_loaded,
			11ULL * VGPU_SEC_BLOCK + 64 + GENERAL + 16);
	for (i = 0; i < BLOCKS; i++) {
		u8 want = i == 12 ? 100 : i == BLOCKS - 1 ? 99 :
			  i >= 10 && i < 20 ? i : 0;

		KUNIT_EXPECT_PTR_EQ(test,
				    memchr_inv(e->regs[VGPU_SEC_VECTOR] +
					       i * VGPU_SEC_BLOCK, want,
					       VGPU_SEC_BLOCK), NULL);
	}
	vgpu_ctx_state_fini(st);
}

static void over_half_goes_in_one_piece(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *st = state_new(test);
	struct vgpu_switch sw;
	unsigned int i;

	vgpu_switch_init(&sw, &ops, e, 0, VGPU_SWITCH_ALL);
	mock_clear(e, 0, &ctx_1);
	for (i = 0; i < BLOCKS; i += 2)
		touch(e, i, 1);
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, st, NULL, &ctx_2),
			VGPU_SWITCHED_INCREMENTAL);
	KUNIT_EXPECT_EQ(test, e->whole, 0U);
	KUNIT_EXPECT_EQ(test, e->runs, BLOCKS / 2U);
	KUNIT_EXPECT_EQ(test, st->stats.fallbacks, 0ULL);

	vgpu_switch_to(&sw, NULL, st, &ctx_1);
	e->whole = 0;
	e->runs = 0;
	for (i = 0; i <= BLOCKS / 2; i++)
		touch(e, i, 2);
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, st, NULL, &ctx_2),
			VGPU_SWITCHED_FULL);
	KUNIT_EXPECT_EQ(test, e->whole, 1U);
	KUNIT_EXPECT_EQ(test, e->runs, 0U);
	KUNIT_EXPECT_EQ(test, st->stats.fallbacks, 1ULL);
	KUNIT_EXPECT_EQ(test, sw.stats.kind[VGPU_SWITCHED_FULL], 1ULL);
	KUNIT_EXPECT_EQ(test, sw.stats.kind[VGPU_SWITCHED_INCREMENTAL], 2ULL);
	vgpu_ctx_state_fini(st);
}

/* Memory still has what the job before wrote: nobody may get to see it. */
static void nothing_of_the_job_before(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *st = state_new(test);
	u8 *vector = e->regs[VGPU_SEC_VECTOR];
	unsigned int i;

	mock_clear(e, 0, &ctx_1);
	for (i = 0; i < BLOCKS; i++)
		touch(e, i, 0xee);
	vgpu_ctx_save(st, &ops, e, 0, false);
	vgpu_ctx_state_drop(st);

	mock_clear(e, 0, &ctx_1);
	touch(e, 7, 0x11);
	vgpu_ctx_save(st, &ops, e, 0, false);
	mock_clear(e, 0, &ctx_1);
	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(vector, 0, 7 * VGPU_SEC_BLOCK),
			    NULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(vector + 7 * VGPU_SEC_BLOCK, 0x11,
					     VGPU_SEC_BLOCK), NULL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(vector + 8 * VGPU_SEC_BLOCK, 0,
					     (BLOCKS - 8) * VGPU_SEC_BLOCK),
			    NULL);
	vgpu_ctx_state_fini(st);
}

static void who_runs_next_stays_in_place(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *st = state_new(test);
	struct vgpu_switch sw;

	vgpu_switch_init(&sw, &ops, e, 0, VGPU_SWITCH_ALL);
	mock_clear(e, 0, &ctx_1);
	touch(e, 3, 0x33);
	KUNIT_EXPECT_EQ(test, vgpu_switch_stay(&sw, st, &ctx_1),
			VGPU_SWITCHED_LAZY);
	KUNIT_EXPECT_EQ(test, sw.stats.bytes_saved, 0ULL);
	KUNIT_EXPECT_EQ(test, e->whole + e->runs, 0U);

	sw.modes = 0;
	KUNIT_EXPECT_EQ(test, vgpu_switch_stay(&sw, st, &ctx_1),
			VGPU_SWITCHED_FULL);
	KUNIT_EXPECT_EQ(test, sw.stats.bytes_saved, BYTES + 64ULL + GENERAL + 16);
	KUNIT_EXPECT_EQ(test, sw.stats.bytes_loaded, BYTES + 64ULL + GENERAL + 16);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][3 * VGPU_SEC_BLOCK],
			0x33);
	vgpu_ctx_state_fini(st);
}

static bool bank_is_empty(struct mock_engine *e)
{
	return !e->spare->asid &&
	       !memchr_inv(e->spare->regs[VGPU_SEC_VECTOR], 0, BYTES);
}

/* A and B on one engine: B midway and saved, A at work. */
static void two_contexts(struct vgpu_switch *sw, struct mock_engine *e,
			 struct vgpu_ctx_state *b)
{
	vgpu_switch_init(sw, &ops, e, 0, VGPU_SWITCH_ALL);
	mock_clear(e, 0, &ctx_2);
	touch(e, 100, 0xb1);
	touch(e, 200, 0xb2);
	vgpu_switch_to(sw, b, NULL, &ctx_1);
	touch(e, 100, 0xa1);
}

static void the_likely_next_is_there_already(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *a = state_new(test), *b = state_new(test);
	struct vgpu_switch sw;
	unsigned int steps = 0;
	u64 loaded;

	two_contexts(&sw, e, b);
	while (vgpu_switch_preload(&sw, b, &ctx_2))
		steps++;
	KUNIT_EXPECT_GE(test, steps, 4U);
	KUNIT_EXPECT_EQ(test, e->spare->wrong, 0U);
	/* who works has noticed nothing */
	KUNIT_EXPECT_EQ(test, e->asid, 1U);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][100 * VGPU_SEC_BLOCK],
			0xa1);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][200 * VGPU_SEC_BLOCK], 0);

	loaded = sw.stats.bytes_loaded;
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, a, b, &ctx_2),
			VGPU_SWITCHED_PREDICTED);
	KUNIT_EXPECT_EQ(test, sw.stats.bytes_loaded, loaded);
	KUNIT_EXPECT_EQ(test, e->asid, 2U);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][100 * VGPU_SEC_BLOCK],
			0xb1);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][200 * VGPU_SEC_BLOCK],
			0xb2);

	/* and back: A is where it was */
	KUNIT_EXPECT_FALSE(test, vgpu_switch_preload(&sw, a, &ctx_1));
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, b, a, &ctx_1),
			VGPU_SWITCHED_PREDICTED);
	KUNIT_EXPECT_EQ(test, sw.stats.bytes_loaded, loaded);
	KUNIT_EXPECT_EQ(test, e->asid, 1U);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][100 * VGPU_SEC_BLOCK],
			0xa1);
	KUNIT_EXPECT_EQ(test, sw.stats.preloads, 1ULL);
	KUNIT_EXPECT_EQ(test, sw.stats.preloads_wasted, 0ULL);
	vgpu_ctx_state_fini(a);
	vgpu_ctx_state_fini(b);
}

static void half_loaded_is_loaded_to_the_end(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *a = state_new(test), *b = state_new(test);
	struct vgpu_switch sw;

	two_contexts(&sw, e, b);
	KUNIT_EXPECT_TRUE(test, vgpu_switch_preload(&sw, b, &ctx_2));
	KUNIT_EXPECT_TRUE(test, vgpu_switch_preload(&sw, b, &ctx_2));
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, a, b, &ctx_2),
			VGPU_SWITCHED_PREDICTED);
	KUNIT_EXPECT_EQ(test, e->asid, 2U);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][200 * VGPU_SEC_BLOCK],
			0xb2);
	vgpu_ctx_state_fini(a);
	vgpu_ctx_state_fini(b);
}

/* Nobody sees what was loaded for somebody else. */
static void a_wrong_guess_costs_a_load(struct kunit *test)
{
	static const struct vgpu_hw_ctx ctx_3 = { .asid = 3 };
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *a = state_new(test), *b = state_new(test);
	struct vgpu_ctx_state *c = state_new(test);
	struct vgpu_switch sw;

	two_contexts(&sw, e, b);
	while (vgpu_switch_preload(&sw, b, &ctx_2))
		;
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, a, NULL, &ctx_3),
			VGPU_SWITCHED_INCREMENTAL);
	KUNIT_EXPECT_EQ(test, e->asid, 3U);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(e->regs[VGPU_SEC_VECTOR], 0, BYTES),
			    NULL);
	/* B may still come, but A is more likely by now */
	KUNIT_EXPECT_EQ(test, sw.stats.preloads_wasted, 0ULL);
	while (vgpu_switch_preload(&sw, a, &ctx_1))
		;
	KUNIT_EXPECT_EQ(test, sw.stats.preloads, 2ULL);
	KUNIT_EXPECT_EQ(test, sw.stats.preloads_wasted, 1ULL);
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, c, a, &ctx_1),
			VGPU_SWITCHED_PREDICTED);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][100 * VGPU_SEC_BLOCK],
			0xa1);
	KUNIT_EXPECT_EQ(test, e->regs[VGPU_SEC_VECTOR][200 * VGPU_SEC_BLOCK], 0);
	vgpu_ctx_state_fini(a);
	vgpu_ctx_state_fini(b);
	vgpu_ctx_state_fini(c);
}

static void who_dies_leaves_nothing_in_the_bank(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct vgpu_ctx_state *a = state_new(test), *b = state_new(test);
	struct vgpu_switch sw;

	two_contexts(&sw, e, b);
	while (vgpu_switch_preload(&sw, b, &ctx_2))
		;
	KUNIT_EXPECT_FALSE(test, bank_is_empty(e));
	/* somebody else's end changes nothing */
	vgpu_switch_forget(&sw, a);
	KUNIT_EXPECT_FALSE(test, bank_is_empty(e));
	vgpu_switch_forget(&sw, b);
	vgpu_ctx_state_drop(b);
	KUNIT_EXPECT_TRUE(test, bank_is_empty(e));
	/* its next job begins with nothing */
	KUNIT_EXPECT_EQ(test, vgpu_switch_to(&sw, a, NULL, &ctx_2),
			VGPU_SWITCHED_INCREMENTAL);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(e->regs[VGPU_SEC_VECTOR], 0, BYTES),
			    NULL);

	/* nor does one that is switched off */
	while (vgpu_switch_preload(&sw, a, &ctx_1))
		;
	KUNIT_EXPECT_FALSE(test, bank_is_empty(e));
	vgpu_switch_set_modes(&sw, 0);
	KUNIT_EXPECT_TRUE(test, bank_is_empty(e));
	KUNIT_EXPECT_EQ(test, sw.stats.preloads_wasted, 2ULL);
	vgpu_ctx_state_fini(a);
	vgpu_ctx_state_fini(b);
}

/* Every allocation fails in turn: nothing is left, or all of it is there. */
static void no_memory_for_a_state(struct kunit *test)
{
	struct vgpu_ctx_state st;
	unsigned int nth, sec, errors = 0;
	bool failed = true;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	for (nth = 1; failed && nth < 100; nth++) {
		int err;

		mem_fail_nth_start(nth);
		err = vgpu_ctx_state_init(&st, VGPU_HW_BLOCKS, sizes);
		failed = mem_fail_nth_stop();
		if (!err) {
			vgpu_ctx_state_fini(&st);
			continue;
		}
		errors++;
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
			KUNIT_EXPECT_TRUE(test, !st.data[sec] && !st.held[sec] &&
					  !st.changed[sec]);
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GT(test, errors, 3U);
}

#define CONTEXTS	5
#define SWITCHES	400

/* Contexts take turns in any order, each with a shadow of what it did. */
static void same_bytes_in_every_mode(struct kunit *test)
{
	struct mock_engine *e = engine_new(test);
	struct mock_engine *shadow[CONTEXTS];
	struct vgpu_ctx_state *st[CONTEXTS];
	struct vgpu_hw_ctx ctx[CONTEXTS] = {};
	struct vgpu_switch sw;
	struct rnd_state rnd;
	unsigned int i, sec, step, curr = 0;
	bool ran[CONTEXTS] = {};

	for (i = 0; i < CONTEXTS; i++) {
		st[i] = state_new(test);
		shadow[i] = engine_new(test);
		ctx[i].asid = i + 1;
	}
	vgpu_switch_init(&sw, &ops, e, 0, 0);
	prandom_seed_state(&rnd, SEED);
	mock_clear(e, 0, &ctx[0]);
	for (step = 0; step < SWITCHES; step++) {
		unsigned int count = prandom_u32_state(&rnd) % BLOCKS, next;

		/* few, some, and now and then most of them */
		if (prandom_u32_state(&rnd) % 4)
			count /= 16;
		for (i = 0; i < count; i++) {
			u32 r = prandom_u32_state(&rnd);

			touch(e, r % BLOCKS, r >> 8);
		}
		prandom_bytes_state(&rnd, e->regs[VGPU_SEC_GENERAL], GENERAL);
		e->dirty |= BIT(VGPU_SEC_GENERAL);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
			memcpy(shadow[curr]->regs[sec], e->regs[sec],
			       sizes[sec]);
		ran[curr] = true;

		/* the modes change under way as well */
		if (step % 4 == 0)
			vgpu_switch_set_modes(&sw, prandom_u32_state(&rnd) &
					      VGPU_SWITCH_ALL);
		next = prandom_u32_state(&rnd) % CONTEXTS;
		/* guessed, rightly or not, and loaded, far enough or not */
		i = prandom_u32_state(&rnd) % 2 ? next :
		    prandom_u32_state(&rnd) % CONTEXTS;
		count = prandom_u32_state(&rnd) % 12;
		while ((sw.modes & VGPU_SWITCH_PREDICTED) && i != curr &&
		       ran[i] && count-- &&
		       vgpu_switch_preload(&sw, st[i], &ctx[i]))
			;
		/* now and then one that waits is killed */
		i = prandom_u32_state(&rnd) % (4 * CONTEXTS);
		if (i < CONTEXTS && i != curr) {
			vgpu_switch_forget(&sw, st[i]);
			vgpu_ctx_state_drop(st[i]);
			ran[i] = false;
			for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
				memset(shadow[i]->regs[sec], 0, sizes[sec]);
		}
		if (next == curr)
			vgpu_switch_stay(&sw, st[curr], &ctx[curr]);
		else
			vgpu_switch_to(&sw, st[curr],
				       ran[next] ? st[next] : NULL, &ctx[next]);
		curr = next;
		KUNIT_ASSERT_EQ(test, e->asid, ctx[curr].asid);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
			KUNIT_ASSERT_EQ_MSG(test,
					    memcmp(e->regs[sec],
						   shadow[curr]->regs[sec],
						   sizes[sec]), 0,
					    "seed %x step %u section %u", SEED,
					    step, sec);
	}
	KUNIT_EXPECT_EQ(test, e->wrong + e->spare->wrong, 0U);
	/* all that the test is about did happen */
	for (i = VGPU_SWITCHED_FULL; i < VGPU_SWITCH_KINDS; i++)
		KUNIT_EXPECT_GT(test, sw.stats.kind[i], 10ULL);
	for (i = 0; i < CONTEXTS; i++)
		vgpu_ctx_state_fini(st[i]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(blocks_that_changed_are_moved_alone),
	KUNIT_CASE(over_half_goes_in_one_piece),
	KUNIT_CASE(nothing_of_the_job_before),
	KUNIT_CASE(who_runs_next_stays_in_place),
	KUNIT_CASE(the_likely_next_is_there_already),
	KUNIT_CASE(half_loaded_is_loaded_to_the_end),
	KUNIT_CASE(a_wrong_guess_costs_a_load),
	KUNIT_CASE(who_dies_leaves_nothing_in_the_bank),
	KUNIT_CASE(no_memory_for_a_state),
	KUNIT_CASE(same_bytes_in_every_mode),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_ctx_blocks_all_over_the_place",
	.test_cases = cases,
};

kunit_test_suite(suite);
