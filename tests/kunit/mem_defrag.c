// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is moved while it is used: every byte is where its tenant finds it,
 * nobody finds another's, figures are what they were.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include "defrag_scene.h"

static void defrag_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

/* The whole of it, with nobody else about. */
static void all_in_one_run(struct kunit *test)
{
	struct scene *s = scene_new(test, test->param_value);
	struct vgpu_mem_account acct;
	struct vgpu_vram_stats was, is;
	struct vgpu_defrag_stats st;
	u32 before, after;
	unsigned int i;
	u64 free;

	scene_scatter(test, s, MOCK_MIB, 0);
	vgpu_vram_trim(s->mock->vram);
	before = scene_fragmentation(test, s, NULL);
	acct = s->acct;
	vgpu_vram_get_stats(s->mock->vram, &was);
	KUNIT_ASSERT_EQ(test, vgpu_vram_defrag(s->mock->vram), 0);
	vgpu_vram_trim(s->mock->vram);
	after = scene_fragmentation(test, s, &free);
	vgpu_vram_get_defrag(s->mock->vram, &st);
	kunit_info(test, "%u to %u permille of %llu KiB, %llu moves of %llu KiB, %llu given up\n",
		   before, after, free >> 10, st.moves, st.moved >> 10,
		   st.given_up);
	KUNIT_EXPECT_LE(test, after, before);
	/* by chance there may be nothing to do, or nowhere to put it */
	if (st.moves)
		KUNIT_EXPECT_LT(test, after, before);
	KUNIT_EXPECT_EQ(test, st.before, before);
	KUNIT_EXPECT_EQ(test, st.after, after);
	KUNIT_EXPECT_FALSE(test, st.running);
	for (i = 0; i < BOS; i++)
		scene_check(test, s, i);
	scene_hunt(test, s);
	/* nobody paid for it */
	vgpu_vram_get_stats(s->mock->vram, &is);
	KUNIT_EXPECT_EQ(test, s->acct.used, acct.used);
	KUNIT_EXPECT_EQ(test, s->acct.peak, acct.peak);
	KUNIT_EXPECT_EQ(test, s->acct.fixed, acct.fixed);
	KUNIT_EXPECT_EQ(test, s->acct.denied, acct.denied);
	KUNIT_EXPECT_EQ(test, is.used, was.used);
	KUNIT_EXPECT_EQ(test, is.blocks, was.blocks);
	/* once more: nothing is left to be done */
	KUNIT_ASSERT_EQ(test, vgpu_vram_defrag(s->mock->vram), 0);
	vgpu_vram_get_defrag(s->mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.runs, 2ULL);
	KUNIT_EXPECT_EQ(test, st.run_moved, 0ULL);
	scene_end(test, s);
}

/* From over 60 % to under 5 %: small pages, few tables. */
static void from_sixty_to_five(struct kunit *test)
{
	struct scene *s = scene_new(test, mock_formats);
	u32 before, after;
	unsigned int i;

	/* 128 KiB each, two of three go */
	for (i = 0; i < 110; i++)
		KUNIT_ASSERT_TRUE(test, scene_add(test, s, i, 0x20000, 0));
	for (i = 0; i < 110; i++)
		if (i % 3)
			scene_drop(test, s, i);
	vgpu_vram_trim(s->mock->vram);
	before = scene_fragmentation(test, s, NULL);
	KUNIT_ASSERT_EQ(test, vgpu_vram_defrag(s->mock->vram), 0);
	vgpu_vram_trim(s->mock->vram);
	after = scene_fragmentation(test, s, NULL);
	kunit_info(test, "%u to %u permille\n", before, after);
	KUNIT_EXPECT_GT(test, before, 600U);
	KUNIT_EXPECT_LT(test, after, 50U);
	for (i = 0; i < 110; i++)
		scene_check(test, s, i);
	scene_hunt(test, s);
	scene_end(test, s);
}

/* Each allocation of a run fails in turn: less is moved, or nothing. */
static void a_run_without_metadata(struct kunit *test)
{
	struct vgpu_vram_stats was, is;
	struct vgpu_defrag_stats st;
	unsigned int try, nth = 0, i, refused = 0;
	struct scene *s;
	bool failed;
	int err;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	s = scene_new(test, mock_formats);
	for (i = 0; i < 48; i++)
		KUNIT_ASSERT_TRUE(test, scene_add(test, s, i, 0x8000, 0));
	for (try = 0; nth < 400; try++) {
		/*
		 * The first eight, which a run cannot do without, three times each: a
		 * debug kernel has allocations of its own in between, now and then.
		 */
		nth = try < 24 ? 1 + try / 3 : try - 15;
		/* something to do each time: what is moved to the front goes back */
		for (i = try % 2; i < 48; i += 4) {
			scene_drop(test, s, i);
			KUNIT_ASSERT_TRUE(test, scene_add(test, s, i, 0x8000, 0));
			scene_drop(test, s, (i + 24) % 48);
		}
		vgpu_vram_trim(s->mock->vram);
		vgpu_vram_get_stats(s->mock->vram, &was);
		mem_fail_nth_start(nth);
		err = vgpu_vram_defrag(s->mock->vram);
		failed = mem_fail_nth_stop();
		KUNIT_ASSERT_TRUE_MSG(test, !err || (err == -ENOMEM && failed),
				      "nth %u: %d", nth, err);
		refused += !!err;
		vgpu_vram_get_defrag(s->mock->vram, &st);
		KUNIT_ASSERT_FALSE(test, st.running);
		vgpu_vram_trim(s->mock->vram);
		vgpu_vram_get_stats(s->mock->vram, &is);
		KUNIT_ASSERT_EQ(test, is.used, was.used);
		for (i = 0; i < 48; i++)
			scene_check(test, s, i);
		for (i = 0; i < 48; i++)
			if (!s->one[i].bo)
				KUNIT_ASSERT_TRUE(test, scene_add(test, s, i,
								  0x8000, 0));
		if (!failed)
			break;
	}
	kunit_info(test, "%u allocations, %u refusals, %llu moves\n", nth - 1,
		   refused, st.moves);
	KUNIT_EXPECT_LT(test, nth, 400U);
	KUNIT_EXPECT_GT(test, refused, 0U);
	KUNIT_EXPECT_GT(test, st.given_up, 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_vram_defrag(s->mock->vram), 0);
	scene_hunt(test, s);
	scene_end(test, s);
}

/* ---- others are about ---- */

struct worker {
	struct scene *s;
	struct completion done;
	unsigned int first;
	unsigned int count;
	u32 seed;
	u64 rounds;
	int bad;
	unsigned long until;
	atomic_t *moved;
	atomic_t *stop;
};

/* An engine that reads and writes what should be there. */
static int compute(void *arg)
{
	struct worker *w = arg;
	struct scene *s = w->s;
	struct rnd_state rnd;
	u64 value;

	prandom_seed_state(&rnd, w->seed);
	while (!atomic_read(w->stop) && !w->bad) {
		unsigned int i = w->first + mock_rnd(&rnd, w->count);
		struct vgpu_as *as = s->as[mock_rnd(&rnd, 2)];
		u64 at;

		at = mock_rnd(&rnd, s->one[i].bytes / 512) * 512ULL;
		w->bad = scene_load(s, as, s->one[i].va + at, &value);
		if (!w->bad && value != scene_word(s, i, at))
			w->bad = -EILSEQ;
		if (!w->bad)
			w->bad = scene_store(s, as, s->one[i].va + at,
					     scene_word(s, i, at));
		w->rounds++;
		if (!(w->rounds % 64))
			cond_resched();
	}
	complete(&w->done);
	return 0;
}

/* A word that only one writes, and that is one more each time. */
static int count_up(void *arg)
{
	struct worker *w = arg;
	struct scene *s = w->s;
	u64 value, n = 0, va = s->one[w->first].va + 8;

	w->bad = scene_store(s, s->as[0], va, 0);
	while (!atomic_read(w->stop) && !w->bad) {
		w->bad = scene_load(s, s->as[n % 2], va, &value);
		if (!w->bad && value != n)
			w->bad = -EILSEQ;
		n++;
		if (!w->bad)
			w->bad = scene_store(s, s->as[n % 2], va, n);
		if (!(n % 64))
			cond_resched();
	}
	w->rounds = n;
	complete(&w->done);
	return 0;
}

/* Makes holes, and fills them. */
static int churn(void *arg)
{
	struct worker *w = arg;
	struct scene *s = w->s;
	struct vgpu_bo *bo[16] = { };
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, w->seed);
	/*
	 * With ever new holes the run beside it goes on; but as long as nothing was
	 * worth a move it takes some more.
	 */
	while (!atomic_read(w->stop) && !w->bad &&
	       (!atomic_read(w->moved) || time_before(jiffies, w->until))) {
		u64 va;

		i = mock_rnd(&rnd, ARRAY_SIZE(bo));
		va = BASE + (BOS + i) * STRIDE;
		if (bo[i]) {
			if (mock_rnd(&rnd, 2))
				vgpu_bo_revoke(bo[i]);
			else
				vgpu_as_unmap(s->as[i % 2], va,
					      vgpu_bo_bytes(bo[i]));
			vgpu_bo_put(bo[i]);
			bo[i] = NULL;
		} else {
			bo[i] = vgpu_bo_create(s->mock->vram, NULL,
					       scene_page(s) << mock_rnd(&rnd, 5),
					       0, 0);
			if (IS_ERR(bo[i])) {
				if (PTR_ERR(bo[i]) != -ENOSPC)
					w->bad = PTR_ERR(bo[i]);
				bo[i] = NULL;
				continue;
			}
			if (vgpu_as_map(s->as[i % 2], bo[i], 0, va,
					vgpu_bo_bytes(bo[i]), RW)) {
				vgpu_bo_put(bo[i]);
				bo[i] = NULL;
			} else if (scene_store(s, s->as[i % 2], va, 1)) {
				w->bad = -EFAULT;
			}
		}
		w->rounds++;
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(bo); i++) {
		if (!bo[i])
			continue;
		vgpu_bo_revoke(bo[i]);
		vgpu_bo_put(bo[i]);
	}
	complete(&w->done);
	return 0;
}

static void start(struct kunit *test, struct worker *w, int (*fn)(void *),
		  const char *name)
{
	struct task_struct *task;

	init_completion(&w->done);
	task = kthread_run(fn, w, "%s", name);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

static void while_others_work(struct kunit *test, u32 flags)
{
	struct scene *s = scene_new(test, test->param_value);
	struct vgpu_defrag_stats st;
	struct worker w[3] = { };
	atomic_t stop = ATOMIC_INIT(0), moved = ATOMIC_INIT(0);
	unsigned int i, n = 0;
	unsigned long until;

	if (flags)
		KUNIT_ASSERT_EQ(test, vgpu_vram_enable_paging(s->mock->vram),
				0);
	scene_scatter(test, s, 3 * MOCK_MIB, flags);
	/* by chance hardly anything may be left */
	for (i = 0; i < BOS; i++)
		n += !!s->one[i].bo;
	for (i = 0; i < BOS && n < 3; i++) {
		if (s->one[i].bo)
			continue;
		scene_add(test, s, i, scene_page(s), flags);
		n++;
	}
	/* what there is, in a row; the first one is counted up in */
	for (i = 0, n = 0; i < BOS; i++) {
		if (!s->one[i].bo)
			continue;
		swap(s->one[n], s->one[i]);
		n++;
	}
	KUNIT_ASSERT_GT(test, n, 2U);
	for (i = 0; i < n; i++)
		scene_fill(test, s, i);
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		w[i].s = s;
		w[i].stop = &stop;
		w[i].moved = &moved;
		w[i].seed = s->seed + i;
		w[i].until = jiffies + HZ;
	}
	w[0].first = 1;
	w[0].count = n - 1;
	start(test, &w[0], compute, "vgpu-compute");
	start(test, &w[1], count_up, "vgpu-count");
	start(test, &w[2], churn, "vgpu-churn");
	until = jiffies + HZ;
	do {
		KUNIT_EXPECT_EQ(test, vgpu_vram_defrag(s->mock->vram), 0);
		vgpu_vram_get_defrag(s->mock->vram, &st);
		atomic_set(&moved, !!st.moves);
		/* by chance nothing may be scattered for a while */
	} while (time_before(jiffies, until) ||
		 (!st.moves && time_before(jiffies, until + 20 * HZ)));
	atomic_set(&stop, 1);
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		wait_for_completion(&w[i].done);
		KUNIT_EXPECT_EQ_MSG(test, w[i].bad, 0, "seed %u, worker %u",
				    s->seed, i);
		KUNIT_EXPECT_GT(test, w[i].rounds, 10ULL);
	}
	vgpu_vram_get_defrag(s->mock->vram, &st);
	kunit_info(test, "%llu moves, %llu given up, %llu/%llu/%llu rounds meanwhile\n",
		   st.moves, st.given_up, w[0].rounds, w[1].rounds, w[2].rounds);
	KUNIT_EXPECT_GT(test, st.moves, 0ULL);
	for (i = 1; i < n; i++)
		scene_check(test, s, i);
	scene_hunt(test, s);
	scene_end(test, s);
}

static void others_work(struct kunit *test)
{
	while_others_work(test, 0);
}

static void others_work_paged(struct kunit *test)
{
	while_others_work(test, VGPU_BO_PAGEABLE);
}

static const void *paged_params(const void *prev, char *desc)
{
	if (prev)
		return NULL;
	strscpy(desc, "pageable", KUNIT_PARAM_DESC_SIZE);
	return mock_formats;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(all_in_one_run, mock_format_gen_params),
	KUNIT_CASE(from_sixty_to_five),
	KUNIT_CASE(a_run_without_metadata),
	KUNIT_CASE_PARAM(others_work, mock_format_gen_params),
	KUNIT_CASE_PARAM(others_work_paged, paged_params),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_defrag",
	.exit = defrag_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
