// SPDX-License-Identifier: GPL-2.0
/*
 * Tuning: each sample votes for more or less of a knob, or for neither.
 *
 * What keeps it calm: what calls for more and what calls for less are apart by so much that
 * one step cannot lead from one to the other; four samples in a row have to agree; after a
 * step it waits until four samples have shown what came of it; and a step back needs more of
 * them each time, up to 64, until two steps in a row go the same way.  A step is a quarter of
 * what there is, and no step leaves the bounds.
 *
 * In a dry run all of that goes on but the step, and the same advice is given once in 60
 * samples.  Off, or set anew, nothing is left of what was tuned.
 */
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <vgpu/kunit.h>
#include <vgpu/mem.h>
#include <vgpu/sched.h>

#include "tune.h"

#define HOLD	4	/* samples after a step */

/* Long slices make switches rare, short ones make waits short. */
static int vote_slice(const struct vgpu_tune_view *v, u64 now, u32 *figure)
{
	*figure = VGPU_MON_OVERHEAD;
	if (v->figure[VGPU_MON_OVERHEAD] >= 100)
		return 1;
	*figure = VGPU_MON_WAIT;
	return v->figure[VGPU_MON_OVERHEAD] <= 20 &&
	       v->figure[VGPU_MON_BUSY] >= 500 &&
	       v->figure[VGPU_MON_WAIT] >= 4 * now ? -1 : 0;
}

/* Who runs keeps the engine for longer where most switches are due to who wakes up. */
static int vote_threshold(const struct vgpu_tune_view *v, u64 now, u32 *figure)
{
	*figure = VGPU_MON_OVERHEAD;
	if (v->figure[VGPU_MON_OVERHEAD] >= 60 && v->switches &&
	    2ULL * v->preemptions >= v->switches)
		return now < v->slice_ns / 2 ? 1 : 0;
	*figure = VGPU_MON_WAIT;
	return v->figure[VGPU_MON_OVERHEAD] <= 15 &&
	       v->figure[VGPU_MON_WAIT] >= 2 * v->slice_ns ? -1 : 0;
}

/* A ring that has more than a batch comes back for it; others' rings wait meanwhile. */
static int vote_batch(const struct vgpu_tune_view *v, u64 now, u32 *figure)
{
	*figure = VGPU_MON_WAIT;
	if (v->figure[VGPU_MON_COMMANDS] >= 10 * now &&
	    v->figure[VGPU_MON_WAIT] >= 16 * v->slice_ns)
		return -1;
	*figure = VGPU_MON_COMMANDS;
	return v->figure[VGPU_MON_COMMANDS] >= 50 * now &&
	       v->figure[VGPU_MON_WAIT] <= 4 * v->slice_ns ? 1 : 0;
}

/* Clean blocks at hand are worth it where they are asked for and there is room. */
static int vote_pool(const struct vgpu_tune_view *v, u64 now, u32 *figure)
{
	*figure = VGPU_MON_MEMORY;
	if (v->figure[VGPU_MON_MEMORY] >= 950)
		return -1;
	return v->figure[VGPU_MON_MEMORY] <= 800 && v->pool_short >= 16 &&
	       v->pool_short * 8 >= v->pool_short + v->pool_hits ? 1 : 0;
}

static const struct {
	int (*vote)(const struct vgpu_tune_view *v, u64 now, u32 *figure);
	u64 least, most;	/* that bounds may be */
	u64 min, max;		/* unless set */
	u64 step;		/* at least */
} knobs[VGPU_KNOBS] = {
	[VGPU_KNOB_SLICE] = {
		vote_slice, VGPU_SLICE_MIN_NS, VGPU_SLICE_MAX_NS,
		500 * NSEC_PER_USEC, 16 * NSEC_PER_MSEC, 1,
	},
	[VGPU_KNOB_THRESHOLD] = {
		vote_threshold, 0, VGPU_SLICE_MAX_NS / 2,
		0, 4 * NSEC_PER_MSEC, 50 * NSEC_PER_USEC,
	},
	[VGPU_KNOB_BATCH] = { vote_batch, 10, 1000, 25, 400, 1 },
	[VGPU_KNOB_POOL] = {
		vote_pool, VGPU_POOL_MOST_MIN, VGPU_POOL_MOST_MAX,
		32, VGPU_POOL_MOST_MAX, 1,
	},
};

static void start_anew(struct vgpu_tuner *t)
{
	t->value = 0;
	t->moved = false;
	t->votes = 0;
	t->toward = 0;
	t->last = 0;
	t->patience = VGPU_TUNE_VOTES;
	t->hold = 0;
}

void vgpu_tuner_init(struct vgpu_tuner *t, enum vgpu_knob knob)
{
	vgpu_tuner_set(t, VGPU_TUNE_OFF, knobs[knob].min, knobs[knob].max);
}

void vgpu_tuner_set(struct vgpu_tuner *t, enum vgpu_tune_mode mode, u64 min,
		    u64 max)
{
	t->mode = mode;
	t->min = min;
	t->max = max;
	start_anew(t);
}

bool vgpu_tune_bounds_ok(enum vgpu_knob knob, u64 min, u64 max)
{
	return min >= knobs[knob].least && max <= knobs[knob].most && min <= max;
}

static u64 step(const struct vgpu_tuner *t, enum vgpu_knob knob, u64 now, int way)
{
	u64 least = knobs[knob].step, down;

	if (way > 0)
		return clamp(now + max(now / 4, least), t->min, t->max);
	/* what a step up was: of five quarters, one in five */
	down = max(div_u64(now, 5), least);
	return clamp(now - min(now, down), t->min, t->max);
}

static u32 needed(const struct vgpu_tuner *t)
{
	return t->last && t->toward != t->last ? t->patience : VGPU_TUNE_VOTES;
}

static void remember(struct vgpu_tuner *t, int way)
{
	if (t->last && way != t->last)
		t->patience = min_t(u32, 2 * t->patience, VGPU_TUNE_PATIENCE_MAX);
	else if (t->last)
		t->patience = max_t(u32, t->patience / 2, 4 * VGPU_TUNE_VOTES);
	else
		t->patience = 4 * VGPU_TUNE_VOTES;
	t->last = way;
}

bool vgpu_tuner_feed(struct vgpu_tuner *t, enum vgpu_knob knob, u64 base,
		     const struct vgpu_tune_view *view,
		     struct vgpu_tune_change *change)
{
	u64 now = vgpu_tuned(t, base), next;
	u32 figure = 0;
	int way;

	if (t->mode == VGPU_TUNE_OFF)
		return false;
	if (t->hold) {
		t->hold--;
		return false;
	}
	way = knobs[knob].vote(view, now, &figure);
	t->votes = way && way == t->toward ? t->votes + 1 : !!way;
	t->toward = way;
	if (!way || t->votes < needed(t))
		return false;
	t->votes = 0;
	next = step(t, knob, now, way);
	/* at a bound; or what is there untuned is beyond one, on the other side */
	if (way > 0 ? next <= now : next >= now)
		return false;
	change->knob = knob;
	change->mode = t->mode;
	change->figure = figure;
	change->value = view->figure[figure];
	change->before = now;
	change->after = next;
	if (t->mode == VGPU_TUNE_DRY_RUN) {
		t->hold = VGPU_TUNE_DRY_HOLD;
		return true;
	}
	remember(t, way);
	t->value = next;
	t->moved = true;
	t->hold = HOLD;
	return true;
}

VGPU_EXPORT_IF_KUNIT(vgpu_tuner_init);
VGPU_EXPORT_IF_KUNIT(vgpu_tuner_set);
VGPU_EXPORT_IF_KUNIT(vgpu_tuner_feed);
VGPU_EXPORT_IF_KUNIT(vgpu_tune_bounds_ok);
