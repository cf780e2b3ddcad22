// SPDX-License-Identifier: GPL-2.0
/*
 * Who is likely to be next on an engine.
 *
 * The run queue knows who has waited longest, which is right as long as turns
 * are taken.  Where they are not, history helps: programs run in patterns.  A
 * table has, for what came last, who followed it most often, and another the
 * same for the last two, as Markov prefetchers do (D. Joseph, D. Grunwald,
 * "Prefetching using Markov Predictors", 1997); each row keeps a few followers,
 * and the least frequent makes room for a new one that begins at its count, so
 * that who is frequent gets in (A. Metwally et al., "Efficient Computation of
 * Frequent and Top-k Elements in Data Streams", 2005).  Where there is no order
 * at all, who comes most often is still the best guess.
 *
 * All of these, and the queue, are asked each time; the one that was right most
 * often of late is believed (S. McFarling, "Combining Branch Predictors", 1993).
 *
 * Memory is bounded: of the few rows that something hashes to, the one that
 * knows least makes room for it.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <vgpu/ctx_predict.h>
#include <vgpu/kunit.h>

#define SET_ROWS	4	/* that a key may have one of */
/* Counts end here: a pattern that changed is to be forgotten soon. */
#define MOST_AFTER	24
#define MOST_OFTEN	U8_MAX
#define SCORE_ONE	65536U
#define SCORE_SHIFT	5	/* about the last 32 count */

static u32 seen(const struct vgpu_predict_row *row)
{
	u32 i, sum = 0;

	for (i = 0; i < VGPU_PREDICT_WAYS; i++)
		sum += row->count[i];
	return sum;
}

/*
 * The row of @key, or the one that it may have: of the few that it hashes to, by
 * the finaliser of MurmurHash3 (A. Appleby), that which knows least.
 */
static struct vgpu_predict_row *row_of(struct vgpu_predict_row *rows, u64 key)
{
	struct vgpu_predict_row *row, *least;
	unsigned int i;
	u64 h = key;

	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	row = &rows[h % (VGPU_PREDICT_ROWS / SET_ROWS) * SET_ROWS];
	least = row;
	for (i = 0; i < SET_ROWS; i++, row++) {
		if (row->key == key)
			return row;
		if (seen(row) < seen(least))
			least = row;
	}
	return least;
}

static u64 pair_key(const struct vgpu_predict *p)
{
	return (u64)p->before << 32 | p->last;
}

/* The most frequent that can be next, or 0. */
static u32 best(const struct vgpu_predict_row *row, u64 key, u32 not,
		bool (*can)(void *arg, u32 who), void *arg)
{
	unsigned int i, found = VGPU_PREDICT_WAYS;

	if (row->key != key)
		return 0;
	for (i = 0; i < VGPU_PREDICT_WAYS; i++) {
		if (!row->count[i] || row->who[i] == not)
			continue;
		if (found < VGPU_PREDICT_WAYS &&
		    row->count[i] <= row->count[found])
			continue;
		if (!can || can(arg, row->who[i]))
			found = i;
	}
	return found < VGPU_PREDICT_WAYS ? row->who[found] : 0;
}

static void learn(struct vgpu_predict_row *row, u64 key, u32 who, u8 most)
{
	unsigned int i, way = 0;

	if (row->key != key) {
		memset(row, 0, sizeof(*row));
		row->key = key;
	}
	for (i = 0; i < VGPU_PREDICT_WAYS; i++) {
		if (row->who[i] == who) {
			way = i;
			break;
		}
		if (row->count[i] < row->count[way])
			way = i;
	}
	row->who[way] = who;
	if (++row->count[way] < most)
		return;
	/* of late counts more than long ago */
	for (i = 0; i < VGPU_PREDICT_WAYS; i++)
		row->count[i] /= 2;
}

/**
 * vgpu_predict_next() - who is likely to be next
 * @p: history
 * @queue: who the run queue has next, or 0
 * @can: says who can be next, or NULL: everybody
 * @arg: handed to @can
 *
 * Context: any. Bounded: calls @can a few times.
 * Return: a context, or 0: there is nobody to guess at.
 */
u32 vgpu_predict_next(struct vgpu_predict *p, u32 queue,
		      bool (*can)(void *arg, u32 who), void *arg)
{
	unsigned int i, source = VGPU_PREDICT_QUEUE;

	p->said[VGPU_PREDICT_QUEUE] = queue == p->last ? 0 : queue;
	p->said[VGPU_PREDICT_OFTEN] = best(&p->often, 0, p->last, can, arg);
	p->said[VGPU_PREDICT_LAST] = best(row_of(p->after, p->last), p->last,
					  p->last, can, arg);
	p->said[VGPU_PREDICT_PAIR] = best(row_of(p->pair, pair_key(p)),
					  pair_key(p), p->last, can, arg);
	for (i = 0; i < VGPU_PREDICT_SOURCES; i++)
		if (p->said[i] && (!p->said[source] ||
				   p->score[i] > p->score[source]))
			source = i;
	p->guess = p->said[source];
	p->asked = true;
	return p->guess;
}

/**
 * vgpu_predict_came() - somebody is next
 * @p: history
 * @who: context, another than the last
 *
 * Context: any.
 */
void vgpu_predict_came(struct vgpu_predict *p, u32 who)
{
	unsigned int i;

	if (p->asked) {
		for (i = 0; i < VGPU_PREDICT_SOURCES; i++) {
			p->score[i] -= p->score[i] >> SCORE_SHIFT;
			if (p->said[i] == who)
				p->score[i] += SCORE_ONE >> SCORE_SHIFT;
		}
		if (p->guess == who)
			p->hits++;
		else if (p->guess)
			p->misses++;
	}
	learn(&p->often, 0, who, MOST_OFTEN);
	if (p->last)
		learn(row_of(p->after, p->last), p->last, who, MOST_AFTER);
	if (p->before)
		learn(row_of(p->pair, pair_key(p)), pair_key(p), who,
		      MOST_AFTER);
	p->before = p->last;
	p->last = who;
	p->asked = false;
	p->guess = 0;
}

VGPU_EXPORT_IF_KUNIT(vgpu_predict_next);
VGPU_EXPORT_IF_KUNIT(vgpu_predict_came);
