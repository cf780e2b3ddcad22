/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is likely to be next on an engine.  No time, no allocation, no pointers:
 * contexts are numbers other than 0.
 */
#ifndef _VGPU_CTX_PREDICT_H
#define _VGPU_CTX_PREDICT_H

#include <linux/types.h>

#define VGPU_PREDICT_ROWS	64	/* of a history, a power of two */
#define VGPU_PREDICT_WAYS	8	/* followers that a row remembers */

/**
 * enum vgpu_predict_source - who has an opinion
 * @VGPU_PREDICT_QUEUE: the run queue: who waits longest
 * @VGPU_PREDICT_OFTEN: who is next most often
 * @VGPU_PREDICT_LAST: who is next most often after the last one
 * @VGPU_PREDICT_PAIR: who is after the last two
 * @VGPU_PREDICT_SOURCES: how many
 */
enum vgpu_predict_source {
	VGPU_PREDICT_QUEUE,
	VGPU_PREDICT_OFTEN,
	VGPU_PREDICT_LAST,
	VGPU_PREDICT_PAIR,
	VGPU_PREDICT_SOURCES
};

/**
 * struct vgpu_predict_row - what came after something
 * @key: what, 0: nothing yet
 * @who: contexts
 * @count: how often, not long ago
 */
struct vgpu_predict_row {
	u64 key;
	u32 who[VGPU_PREDICT_WAYS];
	u8 count[VGPU_PREDICT_WAYS];
};

/**
 * struct vgpu_predict - of one engine; fields are ctx/'s
 * @last: context that came last, 0: none
 * @before: the one before it
 * @asked: there was a guess since then
 * @guess: that guess, 0: nobody
 * @said: what each source said
 * @score: how often it was right of late, of 65536
 * @often: what came at all
 * @after: what came after one
 * @pair: what came after two
 * @hits: guesses that were right
 * @misses: those that were not
 */
struct vgpu_predict {
	u32 last;
	u32 before;
	bool asked;
	u32 guess;
	u32 said[VGPU_PREDICT_SOURCES];
	u32 score[VGPU_PREDICT_SOURCES];
	struct vgpu_predict_row often;
	struct vgpu_predict_row after[VGPU_PREDICT_ROWS];
	struct vgpu_predict_row pair[VGPU_PREDICT_ROWS];
	u64 hits;
	u64 misses;
};

/* All zero is how it begins. */

/*
 * Who is next, or 0.  @queue: who the run queue has next, or 0.  @can says who
 * of those that come to mind can be it at all; NULL: everybody.
 */
u32 vgpu_predict_next(struct vgpu_predict *p, u32 queue,
		      bool (*can)(void *arg, u32 who), void *arg);
/* @who came, which is another than the last. */
void vgpu_predict_came(struct vgpu_predict *p, u32 who);

#endif /* _VGPU_CTX_PREDICT_H */
