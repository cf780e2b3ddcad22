// SPDX-License-Identifier: GPL-2.0
/*
 * What to move where, so that free memory becomes one long run: pure logic.
 *
 * What can't be moved cuts VRAM into stretches, and no free run is ever longer
 * than one of those. Emptying a stretch costs what is in use in it, and needs as
 * much room elsewhere; what does not find any is pushed together at its lower
 * end. So the best that can be had of a stretch is
 *
 *	length - max(0, used in it - free outside of it)
 *
 * and the stretch to work on is the one with the most of that; of two, the one
 * with less to move. Moving changes both terms by the same, so the choice stays
 * good as work goes on: what was moved out is not moved back.
 *
 * In the stretch, memory is taken from the top down, and goes to the smallest gap
 * outside that it fits into, or else to the lowest gap in the stretch below it:
 * compaction with two fingers, but that there are obstacles, which are not
 * worked around but chosen between. Where it goes keeps the address it had
 * modulo its alignment, so that large leaves stay large.
 *
 * When that finds nothing to do since every gap is too small, and a twentieth of
 * the free memory is lost to it, all in the stretch slides down, from the bottom
 * up, over itself. That costs the most, and leaves no gaps but those that
 * alignment asks for.
 *
 * What large alignments leave no place for stays, in the middle of a stretch that
 * might have been the longest run, and what did find one lies in what was. So a plan
 * that can't make the longest run longer is none, and the next best stretch is looked at;
 * and where none will do, all of it again without moving what has the largest alignment.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

#define TRIES	8	/* stretches to look at, the best first */
#define ALIGNS	4	/* largest ones that may move, from all of them downwards */

struct stretch {
	u32 lo;
	u32 hi;
	u32 used;
	u32 reach;
};

/* What has to keep its address modulo more than @align is not moved, either. */
static bool can_move(const struct vgpu_plan_run *run, u32 align)
{
	return run->align && run->align <= align;
}

/* The first page of @gap where @run could go, or U32_MAX. */
static u32 place_in(const struct vgpu_plan_gap *gap,
		    const struct vgpu_plan_run *run)
{
	u32 mask = run->align - 1;
	u32 skip = (run->first - gap->first) & mask;

	return gap->pages >= skip && gap->pages - skip >= run->pages ?
	       gap->first + skip : U32_MAX;
}

/* @pages from @at on are taken out of @gap; of what remains, the longer part. */
static void shrink(struct vgpu_plan_gap *gap, u32 at, u32 pages)
{
	u32 before = at - gap->first;
	u32 after = gap->pages - before - pages;

	if (after >= before) {
		gap->first = at + pages;
		gap->pages = after;
	} else {
		gap->pages = before;
	}
}

static bool is_better(const struct stretch *s, const struct stretch *than)
{
	if (s->reach != than->reach)
		return s->reach > than->reach;
	return s->used <= than->used;
}

static void choose(struct stretch *best, struct stretch *s, u32 free,
		   const struct stretch *after)
{
	u32 outside = free - (s->hi - s->lo - s->used);

	s->reach = s->hi - s->lo -
		   (s->used > outside ? s->used - outside : 0);
	if (is_better(s, best) && (!after->hi || !is_better(s, after)))
		*best = *s;
}

/* The best one, but for those as good as @after or better, if that is one. */
static struct stretch best_stretch(const struct vgpu_plan_run *run, u32 runs,
				   u32 pages, u32 align, u32 free,
				   const struct stretch *after)
{
	struct stretch s = { }, best = { };
	u32 i;

	for (i = 0; i < runs; i++) {
		if (can_move(&run[i], align)) {
			s.used += run[i].pages;
			continue;
		}
		s.hi = run[i].first;
		choose(&best, &s, free, after);
		s.lo = run[i].first + run[i].pages;
		s.used = 0;
	}
	s.hi = pages;
	choose(&best, &s, free, after);
	return best;
}

/* The gaps between @run; *free: of all, *longest: the longest of them. */
static u32 find_gaps(const struct vgpu_plan_run *run, u32 runs, u32 pages,
		     struct vgpu_plan_gap *gap, u32 *free, u32 *longest)
{
	u32 at = 0, n = 0, i;

	*free = 0;
	*longest = 0;
	for (i = 0; i <= runs; i++) {
		u32 first = i < runs ? run[i].first : pages;

		if (first > at) {
			gap[n].first = at;
			gap[n].pages = first - at;
			*free += first - at;
			*longest = max(*longest, first - at);
			n++;
		}
		if (i < runs)
			at = run[i].first + run[i].pages;
	}
	return n;
}

/* Everything in @s that can move goes down to what is below it. */
static u32 slide(const struct vgpu_plan_run *run, u32 runs,
		 const struct stretch *s, struct vgpu_plan_move *move, u32 max)
{
	u32 at = s->lo, moves = 0, i;

	for (i = 0; i < runs && run[i].first < s->hi && moves < max; i++) {
		u32 to;

		if (run[i].first < s->lo)
			continue;
		to = at + ((run[i].first - at) & (run[i].align - 1));
		if (to < run[i].first) {
			move[moves].first = run[i].first;
			move[moves].pages = run[i].pages;
			move[moves].to = to;
			moves++;
		}
		at = to + run[i].pages;
	}
	return moves;
}

/* Where @run, in @s, should go: one of @gap, or NULL. */
static struct vgpu_plan_gap *find_place(const struct vgpu_plan_run *run,
					const struct stretch *s,
					struct vgpu_plan_gap *gap, u32 gaps)
{
	struct vgpu_plan_gap *outside = NULL, *below = NULL;
	u32 i;

	for (i = 0; i < gaps; i++) {
		bool inside = gap[i].first >= s->lo && gap[i].first < s->hi;
		u32 at = gap[i].pages >= run->pages ? place_in(&gap[i], run) :
						      U32_MAX;

		if (at == U32_MAX)
			continue;
		if (!inside && (!outside || gap[i].pages < outside->pages))
			outside = &gap[i];
		if (inside && !below && at < run->first)
			below = &gap[i];
	}
	return outside ?: below;
}

static int by_address(const void *a, const void *b)
{
	const struct vgpu_plan_run *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/*
 * The longest gap after @move, which is all that is to be done to @run. @then is room
 * for @runs. Moves are in the order of runs, or against it.
 */
static u32 longest_after(const struct vgpu_plan_run *run, u32 runs, u32 pages,
			 const struct vgpu_plan_move *move, u32 moves,
			 struct vgpu_plan_run *then)
{
	u32 at = 0, longest = 0, i, m;
	bool up = moves > 1 && move[1].first > move[0].first;

	for (i = 0, m = 0; i < runs; i++) {
		const struct vgpu_plan_move *next = m < moves ?
			&move[up ? m : moves - 1 - m] : NULL;

		then[i] = run[i];
		if (next && next->first == run[i].first) {
			then[i].first = next->to;
			m++;
		}
	}
	sort(then, runs, sizeof(*then), by_address, NULL);
	for (i = 0; i < runs; i++) {
		longest = max(longest, then[i].first - at);
		at = then[i].first + then[i].pages;
	}
	return max(longest, pages - at);
}

/* Is the longest gap longer after @move than @longest, or is that not all yet? */
static bool is_worth(const struct vgpu_plan_run *run, u32 runs, u32 pages,
		     const struct vgpu_plan_move *move, u32 moves, u32 max,
		     struct vgpu_plan_run *then, u32 longest)
{
	return moves && (moves == max ||
			 longest_after(run, runs, pages, move, moves, then) >
			 longest);
}

/*
 * Gaps only get smaller in a pass, so where one finds no place no larger one will that has
 * to be at the same address modulo the same. By the logarithm of that.
 */
struct hopeless {
	u32 pages[32];			/* 0: none yet */
	u32 rest[32];
};

static bool is_hopeless(const struct hopeless *h, const struct vgpu_plan_run *run)
{
	unsigned int k = ilog2(run->align);

	/* what can be anywhere is the least to ask for */
	return (h->pages[0] && run->pages >= h->pages[0]) ||
	       (h->pages[k] && run->pages >= h->pages[k] &&
		(run->first & (run->align - 1)) == h->rest[k]);
}

static void note_hopeless(struct hopeless *h, const struct vgpu_plan_run *run)
{
	unsigned int k = ilog2(run->align);

	h->pages[k] = run->pages;
	h->rest[k] = run->first & (run->align - 1);
}

/* Everything in @s that can move goes to where it fits, as long as there are such places. */
static u32 empty(const struct vgpu_plan_run *run, u32 runs,
		 const struct stretch *s, struct vgpu_plan_gap *gap, u32 gaps,
		 struct vgpu_plan_move *move, u32 max)
{
	struct hopeless hopeless = { };
	u32 moves = 0, i;

	for (i = runs; i-- && moves < max;) {
		struct vgpu_plan_gap *to;
		u32 at;

		if (run[i].first < s->lo)
			break;
		if (run[i].first >= s->hi || is_hopeless(&hopeless, &run[i]))
			continue;
		to = find_place(&run[i], s, gap, gaps);
		cond_resched();
		if (!to) {
			note_hopeless(&hopeless, &run[i]);
			continue;
		}
		at = place_in(to, &run[i]);
		move[moves].first = run[i].first;
		move[moves].pages = run[i].pages;
		move[moves].to = at;
		moves++;
		shrink(to, at, run[i].pages);
	}
	return moves;
}

/* The largest alignment of what can be moved that is less than @than, or 0. */
static u32 largest_align(const struct vgpu_plan_run *run, u32 runs, u32 than)
{
	u32 align = 0, i;

	for (i = 0; i < runs; i++)
		if (run[i].align < than)
			align = max(align, run[i].align);
	return align;
}

/* As vgpu_defrag_plan(), of what has no larger alignment than @align. */
static u32 plan(const struct vgpu_plan_run *run, u32 runs, u32 pages, u32 align,
		struct vgpu_plan_gap *gap, struct vgpu_plan_run *then,
		struct vgpu_plan_move *move, u32 max)
{
	u32 gaps, free, longest, moves, tries;
	struct stretch s = { };

	for (tries = 0; tries < TRIES; tries++) {
		gaps = find_gaps(run, runs, pages, gap, &free, &longest);
		s = best_stretch(run, runs, pages, align, free, &s);
		if (s.reach <= longest || s.reach - longest <= free / 128)
			break;
		moves = empty(run, runs, &s, gap, gaps, move, max);
		if (is_worth(run, runs, pages, move, moves, max, then, longest))
			return moves;
		if (s.reach - longest <= free / 20)
			continue;
		moves = slide(run, runs, &s, move, max);
		if (is_worth(run, runs, pages, move, moves, max, then, longest))
			return moves;
	}
	return 0;
}

/**
 * vgpu_defrag_plan() - what to move where
 * @run: all that is in use, by address, without overlaps
 * @runs: how many
 * @pages: of VRAM
 * @gap: to work with: room for @runs + 1
 * @then: to work with: room for @runs
 * @move: filled; to be done in this order, and where one can't be, the rest may
 *	still. One may go to a place that overlaps with where it is, below it
 * @max: room in @move
 *
 * Context: process; sleeps. O(@runs * log(@runs) + @max * gaps), for each of a few stretches
 * and alignments.
 * Return: how many moves; 0: the free memory is in as long a run as can be, but
 * for a 128th of it, or what alignment keeps.
 */
u32 vgpu_defrag_plan(const struct vgpu_plan_run *run, u32 runs, u32 pages,
		     struct vgpu_plan_gap *gap, struct vgpu_plan_run *then,
		     struct vgpu_plan_move *move, u32 max)
{
	u32 align = U32_MAX, moves = 0, aligns;

	for (aligns = 0; aligns < ALIGNS && !moves; aligns++) {
		align = largest_align(run, runs, align);
		if (!align)
			break;
		moves = plan(run, runs, pages, align, gap, then, move, max);
	}
	return moves;
}

VGPU_EXPORT_IF_KUNIT(vgpu_defrag_plan);
