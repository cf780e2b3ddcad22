// SPDX-License-Identifier: GPL-2.0
/* How often ctx/predict.c is right, beside who waits longest in the run queue. */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <vgpu/ctx_predict.h>
#include "bench.h"

#define SEED		42
#define CONTEXTS	16
#define ROUNDS		20000

struct mix {
	struct vgpu_predict p;
	struct rnd_state rnd;
	u32 waits[CONTEXTS];		/* who waits longest first */
	u32 follows[CONTEXTS][3];	/* Markov: who follows whom */
	u64 rounds;
	u64 queue_hits;
	u64 ns;
};

static u32 draw(struct mix *m, u32 below)
{
	return prandom_u32_state(&m->rnd) % below;
}

static u32 other_than(struct mix *m, u32 last)
{
	u32 who;

	do {
		who = draw(m, CONTEXTS) + 1;
	} while (who == last);
	return who;
}

static u32 cyclic(struct mix *m, u32 last)
{
	return last % CONTEXTS + 1;
}

/* By pieces of work that take one turn, or two with another in between. */
static u32 cyclic_uneven(struct mix *m, u32 last)
{
	static const u32 turns[] = { 1, 2, 3, 1, 4, 5, 1, 2, 6, 1, 7, 8 };

	return turns[m->rounds % ARRAY_SIZE(turns)];
}

/* The n-th is n times as rare as the first, independent of the last. */
static u32 zipf(struct mix *m, u32 last)
{
	u32 sum = 0, who, at;

	for (who = 1; who <= CONTEXTS; who++)
		sum += 65536 / who;
	do {
		at = draw(m, sum);
		for (who = 1; at >= 65536 / who; who++)
			at -= 65536 / who;
	} while (who == last);
	return who;
}

/* 60 %, 20 % and 10 % of those that come next are always the same. */
static u32 markov(struct mix *m, u32 last)
{
	u32 r = draw(m, 100);

	if (!last || r >= 90)
		return other_than(m, last);
	return m->follows[last - 1][r < 60 ? 0 : r < 80 ? 1 : 2];
}

static u32 uniform(struct mix *m, u32 last)
{
	return other_than(m, last);
}

static void run(struct mix *m, const char *name, u32 (*next)(struct mix *, u32))
{
	u32 who = 0, i, k;
	u64 from;

	memset(m, 0, sizeof(*m));
	prandom_seed_state(&m->rnd, SEED);
	for (i = 0; i < CONTEXTS; i++) {
		m->waits[i] = i + 1;
		for (k = 0; k < 3; k++)
			m->follows[i][k] = other_than(m, i + 1);
	}
	for (; m->rounds < ROUNDS; m->rounds++) {
		from = ktime_get_ns();
		vgpu_predict_next(&m->p, m->waits[0], NULL, NULL);
		m->ns += ktime_get_ns() - from;
		who = next(m, who);
		m->queue_hits += m->waits[0] == who;
		vgpu_predict_came(&m->p, who);
		for (i = 0; m->waits[i] != who; i++)
			;
		memmove(&m->waits[i], &m->waits[i + 1],
			(CONTEXTS - 1 - i) * sizeof(m->waits[0]));
		m->waits[CONTEXTS - 1] = who;
	}
	cb_result(m->p.hits, "hits.%s", name);
	cb_result(m->queue_hits, "queue.%s", name);
	cb_result(div_u64(m->ns, ROUNDS), "guess.%s", name);
}

int cb_mixes(void)
{
	struct mix *m = kmalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	run(m, "cyclic", cyclic);
	run(m, "uneven", cyclic_uneven);
	run(m, "zipf", zipf);
	run(m, "markov", markov);
	run(m, "uniform", uniform);
	cb_result(ROUNDS, "rounds");
	kfree(m);
	return 0;
}
