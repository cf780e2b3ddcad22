// SPDX-License-Identifier: GPL-2.0
/* Saving and restoring on an engine that watches the order. */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <vgpu/ctx.h>

#define SEED	0xc0ffeeU
#define LOG	64

struct mock_engine {
	u8 *regs[VGPU_SEC_COUNT];
	u32 used[VGPU_SEC_COUNT];
	u32 dirty;
	u32 lie;		/* what save() claims to have written */
	unsigned int sections[LOG];
	unsigned int logged;
};

static const u32 sizes[VGPU_SEC_COUNT] = {
	[VGPU_SEC_CONTROL] = 64,
	[VGPU_SEC_GENERAL] = 256 * 1024,
	[VGPU_SEC_SPECIAL] = 4096,
	/* no vector registers */
	[VGPU_SEC_SHARED] = 65536,
	[VGPU_SEC_MMU] = 16,
};

static void note(struct mock_engine *e, unsigned int sec)
{
	if (e->logged < LOG)
		e->sections[e->logged++] = sec;
}

static u32 mock_save(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		     void *buf)
{
	struct mock_engine *e = hw;

	note(e, sec);
	memcpy(buf, e->regs[sec], e->used[sec]);
	e->dirty &= ~BIT(sec);
	return e->lie ? e->lie : e->used[sec];
}

static u32 mock_dirty(void *hw, unsigned int engine)
{
	return ((struct mock_engine *)hw)->dirty;
}

static void mock_load(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		      const void *buf, u32 bytes)
{
	struct mock_engine *e = hw;

	note(e, sec);
	memcpy(e->regs[sec], buf, bytes);
	e->used[sec] = bytes;
	e->dirty &= ~BIT(sec);
}

static const struct vgpu_backend_ops ops = {
	.save = mock_save,
	.dirty = mock_dirty,
	.load = mock_load,
};

static void engine_clear(struct mock_engine *e)
{
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		memset(e->regs[sec], 0, sizes[sec]);
		e->used[sec] = 0;
	}
	e->dirty = 0;
	e->logged = 0;
}

/* The kernel runs for a while: some sections change. */
static void engine_run(struct mock_engine *e, struct rnd_state *rnd, u32 which)
{
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		if (!sizes[sec] || !(which & BIT(sec)))
			continue;
		e->used[sec] = 1 + prandom_u32_state(rnd) % sizes[sec];
		prandom_bytes_state(rnd, e->regs[sec], e->used[sec]);
		e->dirty |= BIT(sec);
	}
}

static int ctx_init(struct kunit *test)
{
	struct mock_engine *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	unsigned int sec;

	KUNIT_ASSERT_NOT_NULL(test, e);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		e->regs[sec] = kunit_kzalloc(test, sizes[sec] + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, e->regs[sec]);
	}
	test->priv = e;
	return 0;
}

static struct vgpu_ctx_state *state_new(struct kunit *test)
{
	struct vgpu_ctx_state *st = kunit_kzalloc(test, sizeof(*st), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, st);
	KUNIT_ASSERT_EQ(test, vgpu_ctx_state_init(st, 0, sizes), 0);
	return st;
}

static void order_of_sections(struct kunit *test)
{
	static const unsigned int saved[] = {
		VGPU_SEC_CONTROL, VGPU_SEC_GENERAL, VGPU_SEC_SPECIAL,
		VGPU_SEC_SHARED, VGPU_SEC_MMU,
	};
	static const unsigned int loaded[] = {
		VGPU_SEC_MMU, VGPU_SEC_CONTROL, VGPU_SEC_GENERAL,
		VGPU_SEC_SPECIAL, VGPU_SEC_SHARED,
	};
	struct mock_engine *e = test->priv;
	struct vgpu_ctx_state *st = state_new(test);
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, SEED);
	engine_run(e, &rnd, ~0U);
	vgpu_ctx_save(st, &ops, e, 0, false);
	KUNIT_EXPECT_EQ(test, e->logged, (unsigned int)ARRAY_SIZE(saved));
	for (i = 0; i < ARRAY_SIZE(saved); i++)
		KUNIT_EXPECT_EQ(test, e->sections[i], saved[i]);
	KUNIT_EXPECT_FALSE(test, st->valid & BIT(VGPU_SEC_VECTOR));

	engine_clear(e);
	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_EQ(test, e->logged, (unsigned int)ARRAY_SIZE(loaded));
	for (i = 0; i < ARRAY_SIZE(loaded); i++)
		KUNIT_EXPECT_EQ(test, e->sections[i], loaded[i]);
	vgpu_ctx_state_fini(st);
}

static void only_what_changed(struct kunit *test)
{
	struct mock_engine *e = test->priv;
	struct vgpu_ctx_state *st = state_new(test);
	struct rnd_state rnd;
	u64 before;

	prandom_seed_state(&rnd, SEED);
	engine_run(e, &rnd, ~0U);
	vgpu_ctx_save(st, &ops, e, 0, false);
	KUNIT_EXPECT_EQ(test, st->stats.sections_skipped, 0ULL);

	before = st->stats.bytes_saved;
	engine_run(e, &rnd, BIT(VGPU_SEC_CONTROL));
	e->logged = 0;
	vgpu_ctx_save(st, &ops, e, 0, false);
	KUNIT_EXPECT_EQ(test, e->logged, 1U);
	KUNIT_EXPECT_EQ(test, e->sections[0], (unsigned int)VGPU_SEC_CONTROL);
	KUNIT_EXPECT_EQ(test, st->stats.sections_skipped, 4ULL);
	KUNIT_EXPECT_EQ(test, st->stats.bytes_saved - before,
			(u64)e->used[VGPU_SEC_CONTROL]);
	KUNIT_EXPECT_EQ(test, st->stats.saves, 2ULL);

	/* and clean sections are restored from the save before */
	before = vgpu_ctx_state_bytes(st);
	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_EQ(test, st->stats.bytes_loaded, before);
	vgpu_ctx_state_fini(st);
}

static void nothing_was_ever_saved(struct kunit *test)
{
	struct mock_engine *e = test->priv;
	struct vgpu_ctx_state *st = state_new(test);
	struct rnd_state rnd;

	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_EQ(test, e->logged, 0U);
	KUNIT_EXPECT_EQ(test, st->stats.loads, 0ULL);

	/* a job that ended: what was saved of it must not come back */
	prandom_seed_state(&rnd, SEED);
	engine_run(e, &rnd, ~0U);
	vgpu_ctx_save(st, &ops, e, 0, false);
	vgpu_ctx_state_drop(st);
	KUNIT_EXPECT_EQ(test, vgpu_ctx_state_bytes(st), 0ULL);
	engine_clear(e);
	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_EQ(test, e->logged, 0U);
	vgpu_ctx_state_fini(st);
}

static void engine_that_lies(struct kunit *test)
{
	struct mock_engine *e = test->priv;
	struct vgpu_ctx_state *st = state_new(test);
	struct rnd_state rnd;

	prandom_seed_state(&rnd, SEED);
	engine_run(e, &rnd, BIT(VGPU_SEC_MMU));
	e->lie = 1U << 30;
	vgpu_ctx_save(st, &ops, e, 0, false);
	KUNIT_EXPECT_EQ(test, st->used[VGPU_SEC_MMU], sizes[VGPU_SEC_MMU]);
	e->lie = 0;
	engine_clear(e);
	vgpu_ctx_load(st, &ops, e, 0);
	KUNIT_EXPECT_EQ(test, e->used[VGPU_SEC_MMU], sizes[VGPU_SEC_MMU]);
	vgpu_ctx_state_fini(st);
}

#define CONTEXTS	5
#define SWITCHES	300

/* Contexts take turns on one engine, each with a shadow of what it did. */
static void round_trip_by_turns(struct kunit *test)
{
	struct mock_engine *e = test->priv;
	struct mock_engine *shadow;
	struct vgpu_ctx_state *st[CONTEXTS];
	struct rnd_state rnd;
	unsigned int i, sec, step, curr = 0;

	shadow = kunit_kcalloc(test, CONTEXTS, sizeof(*shadow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, shadow);
	for (i = 0; i < CONTEXTS; i++) {
		st[i] = state_new(test);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
			shadow[i].regs[sec] = kunit_kzalloc(test, sizes[sec] + 1,
							    GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, shadow[i].regs[sec]);
		}
	}
	prandom_seed_state(&rnd, SEED);
	for (step = 0; step < SWITCHES; step++) {
		engine_run(e, &rnd, prandom_u32_state(&rnd));
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
			shadow[curr].used[sec] = e->used[sec];
			memcpy(shadow[curr].regs[sec], e->regs[sec],
			       e->used[sec]);
		}
		vgpu_ctx_save(st[curr], &ops, e, 0, false);

		curr = prandom_u32_state(&rnd) % CONTEXTS;
		engine_clear(e);
		vgpu_ctx_load(st[curr], &ops, e, 0);
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
			KUNIT_ASSERT_EQ_MSG(test, e->used[sec],
					    shadow[curr].used[sec],
					    "seed %x step %u section %u", SEED,
					    step, sec);
			KUNIT_ASSERT_EQ_MSG(test,
					    memcmp(e->regs[sec],
						   shadow[curr].regs[sec],
						   e->used[sec]), 0,
					    "seed %x step %u section %u", SEED,
					    step, sec);
		}
	}
	for (i = 0; i < CONTEXTS; i++)
		vgpu_ctx_state_fini(st[i]);
}

static void wiped_when_freed(struct kunit *test)
{
	struct vgpu_ctx_state *st = state_new(test);

	vgpu_ctx_state_fini(st);
	KUNIT_EXPECT_NULL(test, st->data[VGPU_SEC_GENERAL]);
	/* once more does no harm */
	vgpu_ctx_state_fini(st);
	KUNIT_EXPECT_EQ(test, vgpu_ctx_state_bytes(st), 0ULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(order_of_sections),
	KUNIT_CASE(only_what_changed),
	KUNIT_CASE(nothing_was_ever_saved),
	KUNIT_CASE(engine_that_lies),
	KUNIT_CASE(round_trip_by_turns),
	KUNIT_CASE(wiped_when_freed),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_ctx_switched_all_the_time",
	.init = ctx_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
