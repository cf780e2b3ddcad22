// SPDX-License-Identifier: GPL-2.0
/*
 * One move, and all that may come in between: whatever fails or happens in the
 * middle leaves the block whole, in one place or the other.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include "defrag_scene.h"

static void move_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

struct holder {
	struct scene *s;
	struct completion done;
	u64 addr;
	int bad;
};

/* One BO of one block at the top of a hole, and where it could go. */
struct single {
	struct scene *s;
	struct vgpu_plan_move move;
	u64 old;
	bool fired;
	struct holder *worker;
	int err;
};

static u64 addr_of(struct single *x)
{
	u64 addr;

	vgpu_bo_run(x->s->one[1].bo, 0, &addr);
	return addr;
}

static struct single *single_of(struct kunit *test,
				const struct mock_format *fmt, u64 bytes,
				u32 flags)
{
	struct single *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	x->s = scene_new(test, fmt);
	vgpu_vram_set_pools(x->s->mock->vram, false);
	vgpu_vram_set_background(x->s->mock->vram, false);
	if (flags & VGPU_BO_PAGEABLE)
		KUNIT_ASSERT_EQ(test,
				vgpu_vram_enable_paging(x->s->mock->vram), 0);
	KUNIT_ASSERT_TRUE(test, scene_add(test, x->s, 0, bytes, 0));
	KUNIT_ASSERT_TRUE(test, scene_add(test, x->s, 1, bytes, flags));
	scene_drop(test, x->s, 0);
	vgpu_vram_trim(x->s->mock->vram);
	x->old = addr_of(x);
	x->move.first = x->old >> 12;
	x->move.pages = bytes >> 12;
	/* in the other half, and as good a place for a large leaf */
	x->move.to = x->move.first ^ (8 * MOCK_MIB >> 12);
	return x;
}

static struct single *single_new(struct kunit *test, u64 bytes, u32 flags)
{
	return single_of(test, test->param_value ?: mock_formats, bytes, flags);
}

static int move(struct single *x)
{
	struct vgpu_vram *vram = x->s->mock->vram;
	int err;

	mutex_lock(&vram->defrag.lock);
	err = vgpu_defrag_move(vram, &x->move);
	mutex_unlock(&vram->defrag.lock);
	return err;
}

static void moved(struct kunit *test, struct single *x, bool there)
{
	KUNIT_EXPECT_EQ(test, addr_of(x), there ? (u64)x->move.to << 12 :
						  x->old);
	scene_check(test, x->s, 1);
	scene_hunt(test, x->s);
}

/* There and back, large leaves stay large. */
static void there_and_back(struct kunit *test)
{
	struct single *x = single_new(test, 2 * MOCK_MIB, 0);
	struct vgpu_as_stats was, is;

	vgpu_as_get_stats(x->s->as[0], &was);
	KUNIT_ASSERT_EQ(test, move(x), 0);
	moved(test, x, true);
	vgpu_as_get_stats(x->s->as[0], &is);
	KUNIT_EXPECT_EQ(test, is.table_bytes, was.table_bytes);
	/* not there any more */
	KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
	swap(x->move.first, x->move.to);
	KUNIT_ASSERT_EQ(test, move(x), 0);
	moved(test, x, true);
	/* a hole in it: the leaf is split, and it moves in pages */
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(x->s->as[1], x->s->one[1].va +
					    scene_page(x->s), scene_page(x->s)), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(x->s->as[1], x->s->one[1].bo,
					  scene_page(x->s), x->s->one[1].va +
					  scene_page(x->s), scene_page(x->s), RW), 0);
	swap(x->move.first, x->move.to);
	KUNIT_ASSERT_EQ(test, move(x), 0);
	moved(test, x, true);
	scene_end(test, x->s);
}

/* Down over itself. */
static void over_itself(struct kunit *test)
{
	struct single *x = single_new(test, 0x80000, 0);
	u32 by;

	/* to where nobody is near */
	KUNIT_ASSERT_EQ(test, move(x), 0);
	for (by = 16; by <= 112; by += 32) {
		x->old = addr_of(x);
		x->move.first = x->old >> 12;
		x->move.to = x->move.first - by;
		KUNIT_ASSERT_EQ(test, move(x), 0);
		moved(test, x, true);
	}
	scene_end(test, x->s);
}

/* A table that the BO's entries are in, in every place that is free. */
static void table_moves(struct kunit *test)
{
	struct single *x = single_new(test, 0x40000, 0);
	struct vgpu_pt *pt = x->s->as[0]->root;
	struct vgpu_block *root = pt->block;
	struct vgpu_as_stats was, is;
	unsigned int i, done = 0;

	vgpu_as_get_stats(x->s->as[0], &was);
	/* a translation in every cache that there is */
	scene_check(test, x->s, 1);
	for (i = 0; pt->level && i < 1U << x->s->mock->format->fmt.bits[pt->level];
	     i++) {
		if (!pt->child[i] || pt->child[i] == VGPU_PT_LEAF)
			continue;
		pt = pt->child[i];
		i = -1;
		x->move.first = pt->block->first;
		x->move.pages = pt->block->pages;
		x->move.to = (12 * MOCK_MIB >> 12) + done * 64;
		KUNIT_ASSERT_EQ(test, move(x), 0);
		KUNIT_EXPECT_EQ(test, pt->block->first, x->move.to);
		scene_check(test, x->s, 1);
		/* not there any more */
		KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
		done++;
	}
	KUNIT_EXPECT_GT(test, done, 1U);
	/* where a command must not fault */
	vgpu_as_keep_tables(x->s->as[0]);
	x->move.first = pt->block->first;
	x->move.pages = pt->block->pages;
	x->move.to = (12 * MOCK_MIB >> 12) + done * 64;
	KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
	KUNIT_EXPECT_EQ(test, pt->block->first, x->move.first);
	/* whose address engines have */
	x->move.first = root->first;
	x->move.pages = root->pages;
	x->move.to = 14 * MOCK_MIB >> 12;
	KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
	vgpu_as_get_stats(x->s->as[0], &is);
	KUNIT_EXPECT_EQ(test, is.table_bytes, was.table_bytes);
	scene_hunt(test, x->s);
	scene_end(test, x->s);
}

/* What is moved: a piece or a chunk of a BO, a frame of nobody's, a table. */
enum thing { PIECE, CHUNK, FRAME, TABLE };

static const char * const things[] = {
	[PIECE] = "piece", [CHUNK] = "chunk", [FRAME] = "frame", [TABLE] = "table",
};

static const void *thing_params(const void *prev, char *desc)
{
	const char * const *thing = prev ? (const char * const *)prev + 1 : things;

	if (thing == things + ARRAY_SIZE(things))
		return NULL;
	strscpy(desc, *thing, KUNIT_PARAM_DESC_SIZE);
	return thing;
}

static struct vgpu_block *block_of(struct single *x, enum thing what)
{
	struct vgpu_residency *res = x->s->mock->vram->residency;
	struct vgpu_bo *bo = x->s->one[1].bo;
	struct vgpu_as *as = x->s->as[0];
	struct vgpu_pt *pt = as->root;

	switch (what) {
	case PIECE:
		return bo->piece[0].block;
	case CHUNK:
		return bo->paged->chunk[0].frame;
	case FRAME:
		return res->nr_free ? res->free[0] : NULL;
	case TABLE:
		while (pt->level)
			pt = pt->child[vgpu_pt_index(as, pt->level,
						     x->s->one[1].va)];
		return pt->block;
	}
	return NULL;
}

/* Of a thing, to one of two places. */
static void aim(struct kunit *test, struct single *x, enum thing what,
		unsigned int turn)
{
	const struct vgpu_block *block = block_of(x, what);

	KUNIT_ASSERT_NOT_NULL(test, block);
	x->move.first = block->first;
	x->move.pages = block->pages;
	x->move.to = ((turn % 2 ? 14 : 13) * MOCK_MIB) >> 12;
}

/* Each allocation that a move needs fails in turn. */
static void move_without_metadata(struct kunit *test)
{
	enum thing what = (const char * const *)test->param_value - things;
	unsigned int nth, refused = 0, turn = 0;
	struct vgpu_vram_stats was, is;
	struct vgpu_vram *vram;
	struct single *x;
	u32 from;
	int err;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	x = single_of(test, mock_formats, 0x40000, what == CHUNK ||
		      what == FRAME ? VGPU_BO_PAGEABLE : 0);
	vram = x->s->mock->vram;
	if (what == FRAME)
		/* a frame that was used, and is not any more */
		KUNIT_ASSERT_EQ(test, vgpu_bo_evict(x->s->one[1].bo), 0);
	vgpu_vram_get_stats(vram, &was);
	for (nth = 1; nth < 50; nth++) {
		bool failed;

		vgpu_vram_trim(vram);
		aim(test, x, what, turn);
		from = x->move.first;
		mem_fail_nth_start(nth);
		err = move(x);
		failed = mem_fail_nth_stop();
		aim(test, x, what, ++turn);
		if (err) {
			KUNIT_ASSERT_EQ_MSG(test, err, -ENOMEM, "nth %u", nth);
			KUNIT_ASSERT_EQ(test, x->move.first, from);
			refused++;
			turn--;
		} else {
			KUNIT_ASSERT_NE(test, x->move.first, from);
		}
		vgpu_vram_trim(vram);
		vgpu_vram_get_stats(vram, &is);
		KUNIT_ASSERT_EQ(test, is.used, was.used);
		KUNIT_ASSERT_EQ(test, is.free, was.free);
		if (what != FRAME)
			scene_check(test, x->s, 1);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_GT(test, refused, 0U);
	KUNIT_EXPECT_LT(test, nth, 50U);
	scene_check(test, x->s, 1);
	scene_hunt(test, x->s);
	scene_end(test, x->s);
}

static void hook_gone(struct mem_mock *mock)
{
	struct single *x = mock->hook_arg;

	x->fired = true;
	WRITE_ONCE(mock->vram->gone, true);
}

/* The GPU goes, or is reset, before the contents are read. */
static void gpu_goes(struct kunit *test)
{
	struct single *x = single_new(test, 0x40000, 0);

	x->s->mock->hook_arg = x;
	x->s->mock->on_sync = hook_gone;
	KUNIT_EXPECT_EQ(test, move(x), -ENODEV);
	x->s->mock->on_sync = NULL;
	KUNIT_EXPECT_TRUE(test, x->fired);
	KUNIT_EXPECT_EQ(test, addr_of(x), x->old);
	KUNIT_EXPECT_EQ(test, x->s->one[1].bo->move_hi, 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_vram_defrag(x->s->mock->vram), -ENODEV);
	vgpu_vram_unplug(x->s->mock->vram);
	scene_drop(test, x->s, 1);
	vgpu_as_destroy(x->s->as[0]);
	vgpu_as_destroy(x->s->as[1]);
	KUNIT_EXPECT_EQ(test, x->s->acct.used, 0ULL);
}

/* In the middle of the copy: once. */
static bool fires(struct mem_mock *mock)
{
	struct single *x = mock->hook_arg;
	bool first = !x->fired;

	x->fired = true;
	return first;
}

static void hook_free(struct mem_mock *mock)
{
	struct single *x = mock->hook_arg;
	struct one *one = &x->s->one[1];

	if (!fires(mock))
		return;
	x->err = vgpu_as_unmap(x->s->as[0], one->va, one->bytes) ?:
		 vgpu_as_unmap(x->s->as[1], one->va, one->bytes);
	vgpu_bo_put(one->bo);
	one->bo = NULL;
}

static void freed_midway(struct kunit *test)
{
	struct single *x = single_new(test, 0x40000,
				      test->param_value ? VGPU_BO_PAGEABLE : 0);

	x->move.pages = test->param_value ? 16 : x->move.pages;
	x->s->mock->hook_arg = x;
	x->s->mock->on_page = hook_free;
	move(x);
	x->s->mock->on_page = NULL;
	KUNIT_EXPECT_TRUE(test, x->fired);
	KUNIT_EXPECT_EQ(test, x->err, 0);
	scene_hunt(test, x->s);
	scene_end(test, x->s);
}

static void hook_remap(struct mem_mock *mock)
{
	struct single *x = mock->hook_arg;
	struct one *one = &x->s->one[1];
	u64 half = one->bytes / 2;
	u64 value;

	if (!fires(mock))
		return;
	/* a hole in the first, the second goes and comes back elsewhere */
	x->err = vgpu_as_unmap(x->s->as[0], one->va + half / 2, half) ?:
		 vgpu_as_unmap(x->s->as[1], one->va, one->bytes) ?:
		 vgpu_as_map(x->s->as[1], one->bo, 0, one->va + STRIDE * 3,
			     one->bytes, RW) ?:
		 vgpu_as_map(x->s->as[1], one->bo, 0, one->va, one->bytes, RW);
	/* what moves is out of everybody's reach */
	if (!mem_mock_load(mock, x->s->as[0], one->va, &value) ||
	    !mem_mock_load(mock, x->s->as[1], one->va + STRIDE * 3, &value) ||
	    vgpu_bo_page(one->bo, 0))
		x->err = -EILSEQ;
}

static void remapped_midway(struct kunit *test)
{
	struct single *x = single_new(test, 2 * MOCK_MIB, 0);
	struct one *one = &x->s->one[1];
	u64 half = one->bytes / 2, at, value;

	x->s->mock->hook_arg = x;
	x->s->mock->on_page = hook_remap;
	KUNIT_EXPECT_EQ(test, move(x), 0);
	x->s->mock->on_page = NULL;
	KUNIT_EXPECT_TRUE(test, x->fired);
	KUNIT_ASSERT_EQ(test, x->err, 0);
	for (at = 0; at < one->bytes; at += 4096) {
		bool hole = at >= half / 2 && at < half / 2 + half;

		KUNIT_ASSERT_EQ(test, scene_load(x->s, x->s->as[0],
						 one->va + at, &value),
				hole ? -EFAULT : 0);
		if (!hole)
			KUNIT_ASSERT_EQ(test, value, scene_word(x->s, 1, at));
		KUNIT_ASSERT_EQ(test, scene_load(x->s, x->s->as[1], one->va +
						 STRIDE * 3 + at, &value), 0);
		KUNIT_ASSERT_EQ(test, value, scene_word(x->s, 1, at));
	}
	KUNIT_ASSERT_EQ(test, vgpu_as_map(x->s->as[0], one->bo, half / 2,
					  one->va + half / 2, half, RW), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(x->s->as[1], one->va + STRIDE * 3,
					    one->bytes), 0);
	moved(test, x, true);
	scene_end(test, x->s);
}

static void hook_revoke(struct mem_mock *mock)
{
	struct single *x = mock->hook_arg;

	if (fires(mock))
		vgpu_bo_revoke(x->s->one[1].bo);
}

static void revoked_midway(struct kunit *test)
{
	struct single *x = single_new(test, 0x40000, 0);
	struct one *one = &x->s->one[1];
	u64 value;

	x->s->mock->hook_arg = x;
	x->s->mock->on_page = hook_revoke;
	KUNIT_EXPECT_EQ(test, move(x), 0);
	x->s->mock->on_page = NULL;
	KUNIT_EXPECT_EQ(test, scene_load(x->s, x->s->as[0], one->va, &value),
			-EFAULT);
	vgpu_bo_put(one->bo);
	one->bo = NULL;
	scene_hunt(test, x->s);
	scene_end(test, x->s);
}

/* Held, pinned or fixed: it stays. */
static void held_stays(struct kunit *test)
{
	struct single *x = single_new(test, 0x40000, test->param_value ?
				      VGPU_BO_PAGEABLE : 0);
	struct vgpu_bo *bo = x->s->one[1].bo, *fixed;

	x->move.pages = vgpu_bo_is_pageable(bo) ? 16 : x->move.pages;
	KUNIT_ASSERT_EQ(test, vgpu_bo_hold(bo, 0), 0);
	KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
	vgpu_bo_unhold(bo, 0);
	moved(test, x, false);
	KUNIT_ASSERT_EQ(test, vgpu_bo_pin(bo, 0, 4096), 0);
	KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
	vgpu_bo_unpin(bo, 0, 4096);
	KUNIT_EXPECT_EQ(test, move(x), 0);
	moved(test, x, true);

	fixed = vgpu_bo_create(x->s->mock->vram, NULL, 0x40000, 0,
			       VGPU_BO_FIXED);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fixed));
	KUNIT_EXPECT_FALSE(test, vgpu_bo_is_movable(fixed));
	x->move.first = fixed->piece[0].block->first;
	x->move.pages = fixed->piece[0].block->pages;
	x->move.to = (12 * MOCK_MIB) >> 12;
	KUNIT_EXPECT_EQ(test, move(x), -EBUSY);
	vgpu_bo_put(fixed);
	scene_end(test, x->s);
}

static int hold_it(void *arg)
{
	struct holder *w = arg;
	struct vgpu_bo *bo = w->s->one[1].bo;
	u64 addr;

	w->bad = vgpu_bo_hold(bo, 0);
	if (!w->bad) {
		/* not before it has arrived */
		vgpu_bo_run(bo, 0, &addr);
		w->addr = addr;
		if (!vgpu_bo_page(bo, 0))
			w->bad = -EILSEQ;
		vgpu_bo_unhold(bo, 0);
	}
	complete(&w->done);
	return 0;
}

static void hook_hold(struct mem_mock *mock)
{
	struct single *x = mock->hook_arg;
	struct holder *w = x->worker;

	if (!fires(mock))
		return;
	init_completion(&w->done);
	if (IS_ERR(kthread_run(hold_it, w, "vgpu-hold")))
		x->err = -ENOMEM;
	msleep(50);
	if (completion_done(&w->done))
		x->err = -EILSEQ;	/* it did not wait */
}

/* Who wants to pin it waits, and then it stays. */
static void pinned_midway(struct kunit *test)
{
	struct single *x = single_new(test, 0x40000, 0);
	struct holder w = { .s = x->s };

	x->worker = &w;
	x->s->mock->hook_arg = x;
	x->s->mock->on_page = hook_hold;
	KUNIT_EXPECT_EQ(test, move(x), 0);
	x->s->mock->on_page = NULL;
	KUNIT_ASSERT_EQ(test, x->err, 0);
	wait_for_completion(&w.done);
	KUNIT_EXPECT_EQ(test, w.bad, 0);
	KUNIT_EXPECT_EQ(test, w.addr, (u64)x->move.to << 12);
	moved(test, x, true);
	scene_end(test, x->s);
}

static const void *paged_params(const void *prev, char *desc)
{
	if (prev)
		return NULL;
	strscpy(desc, "pageable", KUNIT_PARAM_DESC_SIZE);
	return mock_formats;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(there_and_back, mock_format_gen_params),
	KUNIT_CASE_PARAM(over_itself, mock_format_gen_params),
	KUNIT_CASE_PARAM(table_moves, mock_format_gen_params),
	KUNIT_CASE_PARAM(move_without_metadata, thing_params),
	KUNIT_CASE(gpu_goes),
	KUNIT_CASE(freed_midway),
	KUNIT_CASE_PARAM(freed_midway, paged_params),
	KUNIT_CASE_PARAM(remapped_midway, mock_format_gen_params),
	KUNIT_CASE(revoked_midway),
	KUNIT_CASE(held_stays),
	KUNIT_CASE_PARAM(held_stays, paged_params),
	KUNIT_CASE(pinned_midway),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_defrag_move",
	.exit = move_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
