// SPDX-License-Identifier: GPL-2.0
/*
 * What lies where in VRAM, for people and for who tidies it up.
 *
 * Fragmentation is 1 - L / F: F is what nobody uses (free, at hand in a pool, or
 * still to be scrubbed), and L the longest run of it, without a gap, whatever
 * the strategy makes of it. So it is the part of the free memory that one who
 * wants all of it in one piece can't have: 0 when all of it is in one run, or
 * when nothing is free.
 */
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

#define VISIT_BATCH	256	/* blocks in a row with vram->lock held */

/* Calls @fn for each block that is not the strategy's. Sleeps. */
void vgpu_vram_visit(struct vgpu_vram *vram, vgpu_block_fn fn, void *arg)
{
	struct vgpu_block *block;
	struct rb_node *rb;
	unsigned int n;
	u32 at = 0;

	do {
		spin_lock(&vram->lock);
		block = vgpu_vram_taken_from_locked(vram, at);
		rb = block ? &block->node : NULL;
		for (n = 0; rb && n < VISIT_BATCH; n++) {
			block = rb_entry(rb, struct vgpu_block, node);
			fn(arg, block);
			at = block->first + block->pages;
			rb = rb_next(rb);
		}
		spin_unlock(&vram->lock);
		cond_resched();
	} while (rb);
}

struct survey {
	struct vgpu_vram_survey *out;
	u32 at;			/* looked at so far */
	u32 run;		/* of free pages that end there */
	u32 longest;
};

static void add(struct survey *s, enum vgpu_vram_use use, u32 pages)
{
	u32 size = s->out->cell_pages;

	s->out->bytes[use] += (u64)pages << VGPU_PAGE_SHIFT;
	if (use == VGPU_VRAM_FREE || use == VGPU_VRAM_UNCLEAN) {
		s->run += pages;
		s->longest = max(s->longest, s->run);
	} else if (pages) {
		s->run = 0;
	}
	while (pages) {
		u32 n = min(pages, size - s->at % size);

		s->out->cell[s->at / size][use] += n;
		s->at += n;
		pages -= n;
	}
}

static enum vgpu_vram_use use_of(const struct vgpu_block *block)
{
	switch (block->state) {
	case VGPU_BLOCK_USED:
		return VGPU_VRAM_USED;
	case VGPU_BLOCK_PINNED:
		if (block->kind == VGPU_BLOCK_TABLE)
			return VGPU_VRAM_TABLES;
		if (block->kind == VGPU_BLOCK_FRAME)
			return block->bo ? VGPU_VRAM_USED : VGPU_VRAM_FRAMES;
		return VGPU_VRAM_PINNED;
	case VGPU_BLOCK_RETIRED:
		return VGPU_VRAM_RETIRED;
	case VGPU_BLOCK_UNCLEAN:
		return VGPU_VRAM_UNCLEAN;
	default:
		return VGPU_VRAM_FREE;
	}
}

static void visit(void *arg, const struct vgpu_block *block)
{
	struct survey *s = arg;
	u32 end = block->first + block->pages;

	/* what was free before it may be part of another one by now */
	if (block->first > s->at)
		add(s, VGPU_VRAM_FREE, block->first - s->at);
	if (end > s->at)
		add(s, use_of(block), end - s->at);
}

/**
 * vgpu_vram_survey() - what lies where
 * @vram: where
 * @out: filled
 *
 * Others go on meanwhile: what is told of two places may be of two moments.
 * Context: process; sleeps. O(blocks).
 */
void vgpu_vram_survey(struct vgpu_vram *vram, struct vgpu_vram_survey *out)
{
	struct survey s = { .out = out };

	memset(out, 0, sizeof(*out));
	out->cell_pages = DIV_ROUND_UP(vram->pages, VGPU_VRAM_CELLS);
	out->cells = DIV_ROUND_UP(vram->pages, out->cell_pages);
	vgpu_vram_visit(vram, visit, &s);
	add(&s, VGPU_VRAM_FREE, vram->pages - s.at);
	out->free = out->bytes[VGPU_VRAM_FREE] + out->bytes[VGPU_VRAM_UNCLEAN];
	out->largest_free = (u64)s.longest << VGPU_PAGE_SHIFT;
	out->frag_permille = out->free ?
		1000 - div64_u64(1000 * out->largest_free, out->free) : 0;
}

VGPU_EXPORT_IF_KUNIT(vgpu_vram_visit);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_survey);
