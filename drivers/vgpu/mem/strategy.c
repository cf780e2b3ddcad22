// SPDX-License-Identifier: GPL-2.0
/*
 * Which free block of VRAM serves a request: first, best and worst fit.
 *
 * Each is one order of the free blocks in a red-black tree and one direction of
 * search: best fit is the leftmost block by size that can serve the request,
 * worst fit the rightmost, first fit the leftmost by address. All blocks, free
 * or not, are in a list by address, and free neighbours are always merged, so
 * a list entry's neighbours are all that a free has to look at.
 *
 * "Can serve" depends on alignment: a large block may have no aligned part of
 * the wanted size. So each node knows, for each of the ten alignments from
 * 4 KiB to 2 MiB, the most that any block below it could give. One descent
 * then finds the exact answer, with no walk over blocks that are large enough
 * but badly placed, which is what a tree by size alone would come to. Ten
 * 32-bit numbers for a block are the price.
 */
#include <linux/kernel.h>
#include <linux/rbtree_augmented.h>
#include <linux/string.h>
#include "mem_priv.h"

#define block_of(rb)	rb_entry_safe(rb, struct vgpu_block, node)

/* What @block alone can give at an alignment of 1 << @order pages. */
static u32 usable(const struct vgpu_block *block, unsigned int order)
{
	u64 end = (u64)block->first + block->pages;
	u64 start = ALIGN((u64)block->first, 1ULL << order);

	return start < end ? end - start : 0;
}

static bool compute_fit(struct vgpu_block *block, bool exit)
{
	struct vgpu_block *left = block_of(block->node.rb_left);
	struct vgpu_block *right = block_of(block->node.rb_right);
	struct vgpu_fit fit;
	unsigned int order;

	for (order = 0; order < VGPU_ORDERS; order++) {
		u32 most = usable(block, order);

		if (left)
			most = max(most, left->fit.pages[order]);
		if (right)
			most = max(most, right->fit.pages[order]);
		fit.pages[order] = most;
	}
	if (exit && !memcmp(&fit, &block->fit, sizeof(fit)))
		return true;
	block->fit = fit;
	return false;
}

RB_DECLARE_CALLBACKS(static, fit_callbacks, struct vgpu_block, node, fit,
		     compute_fit);

static bool smaller(const struct vgpu_block *a, const struct vgpu_block *b)
{
	if (a->pages != b->pages)
		return a->pages < b->pages;
	return a->first < b->first;
}

static bool lower(const struct vgpu_block *a, const struct vgpu_block *b)
{
	return a->first < b->first;
}

typedef bool (*before_fn)(const struct vgpu_block *a,
			  const struct vgpu_block *b);

static __always_inline void insert(struct rb_root *root,
				   struct vgpu_block *block, before_fn before)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = before(block, block_of(parent)) ? &parent->rb_left :
							 &parent->rb_right;
	}
	rb_link_node(&block->node, parent, link);
	memset(&block->fit, 0, sizeof(block->fit));
	/* the new leaf counts on all the way up before the tree is balanced */
	fit_callbacks.propagate(&block->node, NULL);
	rb_insert_augmented(&block->node, root, &fit_callbacks);
}

static bool below_fits(struct rb_node *rb, unsigned int order, u32 pages)
{
	return rb && block_of(rb)->fit.pages[order] >= pages;
}

static struct vgpu_block *find_leftmost(struct rb_root *root,
					unsigned int order, u32 pages)
{
	struct rb_node *rb = root->rb_node;

	if (!below_fits(rb, order, pages))
		return NULL;
	for (;;) {
		if (below_fits(rb->rb_left, order, pages)) {
			rb = rb->rb_left;
			continue;
		}
		if (usable(block_of(rb), order) >= pages)
			return block_of(rb);
		rb = rb->rb_right;
	}
}

static struct vgpu_block *find_rightmost(struct rb_root *root,
					 unsigned int order, u32 pages)
{
	struct rb_node *rb = root->rb_node;

	if (!below_fits(rb, order, pages))
		return NULL;
	for (;;) {
		if (below_fits(rb->rb_right, order, pages)) {
			rb = rb->rb_right;
			continue;
		}
		if (usable(block_of(rb), order) >= pages)
			return block_of(rb);
		rb = rb->rb_left;
	}
}

static void erase(struct vgpu_vram *vram, struct vgpu_block *block)
{
	rb_erase_augmented(&block->node, &vram->free, &fit_callbacks);
}

static __always_inline void insert_free(struct vgpu_vram *vram,
					struct vgpu_block *block,
					before_fn before)
{
	block->state = VGPU_BLOCK_FREE;
	insert(&vram->free, block, before);
}

/*
 * Cuts @pages from @start out of the free block @from for @block, which takes
 * its place in the list; @from keeps what is before, or else what is after,
 * and when both remain a block of @spare gets what is after.
 */
static __always_inline void carve(struct vgpu_vram *vram,
				  struct vgpu_block *from,
				  struct vgpu_block *block, u32 start,
				  u32 pages, struct list_head *spare,
				  before_fn before)
{
	u32 ahead = start - from->first;
	u32 after = from->pages - ahead - pages;

	lockdep_assert_held(&vram->lock);
	erase(vram, from);
	block->first = start;
	block->pages = pages;
	if (ahead) {
		list_add(&block->link, &from->link);
		from->pages = ahead;
		insert_free(vram, from, before);
	} else {
		list_add_tail(&block->link, &from->link);
	}
	if (after) {
		if (ahead) {
			from = list_first_entry(spare, struct vgpu_block, link);
			list_move(&from->link, &block->link);
		}
		from->first = start + pages;
		from->pages = after;
		insert_free(vram, from, before);
	} else if (!ahead) {
		list_move(&from->link, spare);
	}
}

static __always_inline void fit_give(struct vgpu_vram *vram,
				     struct vgpu_block *block,
				     struct list_head *spare, before_fn before)
{
	struct vgpu_block *next = list_next_entry(block, link);
	struct vgpu_block *prev = list_prev_entry(block, link);

	lockdep_assert_held(&vram->lock);
	if (!list_entry_is_head(next, &vram->blocks, link) &&
	    next->state == VGPU_BLOCK_FREE) {
		erase(vram, next);
		block->pages += next->pages;
		list_move(&next->link, spare);
	}
	if (!list_entry_is_head(prev, &vram->blocks, link) &&
	    prev->state == VGPU_BLOCK_FREE) {
		erase(vram, prev);
		block->first = prev->first;
		block->pages += prev->pages;
		list_move(&prev->link, spare);
	}
	insert_free(vram, block, before);
}

static void fit_drop(struct vgpu_vram *vram, struct list_head *spare)
{
	struct vgpu_block *block, *next;

	list_for_each_entry_safe(block, next, &vram->blocks, link) {
		if (block->state == VGPU_BLOCK_FREE)
			list_move(&block->link, spare);
		else
			list_del_init(&block->link);
	}
	vram->free = RB_ROOT;
}

static __always_inline void fit_build(struct vgpu_vram *vram,
				      struct list_head *spare, before_fn before)
{
	struct vgpu_block *block = block_of(rb_first(&vram->taken)), *gap;
	u32 at = 0, end;

	do {
		end = block ? block->first : vram->pages;
		if (end > at) {
			gap = list_first_entry(spare, struct vgpu_block, link);
			list_move_tail(&gap->link, &vram->blocks);
			gap->first = at;
			gap->pages = end - at;
			insert_free(vram, gap, before);
		}
		if (block) {
			list_add_tail(&block->link, &vram->blocks);
			at = block->first + block->pages;
			block = block_of(rb_next(&block->node));
		} else {
			at = vram->pages;
		}
	} while (at < vram->pages);
}

static __always_inline bool fit_take(struct vgpu_vram *vram,
				     struct vgpu_block *block,
				     struct vgpu_block *from,
				     unsigned int order, u32 pages,
				     struct list_head *spare, before_fn before)
{
	if (from)
		carve(vram, from, block, ALIGN(from->first, 1U << order), pages,
		      spare, before);
	return from;
}

/*
 * The free block that covers @page: the one after the last taken one before
 * it, since free blocks are merged.
 */
static struct vgpu_block *free_at(struct vgpu_vram *vram, u32 page)
{
	struct vgpu_block *before = NULL;
	struct rb_node *rb = vram->taken.rb_node;

	while (rb) {
		if (page < block_of(rb)->first) {
			rb = rb->rb_left;
		} else {
			before = block_of(rb);
			rb = rb->rb_right;
		}
	}
	return before ? list_next_entry(before, link) :
			list_first_entry(&vram->blocks, struct vgpu_block, link);
}

/* The most pages that one allocation of this alignment could get. */
static u32 fit_largest(const struct vgpu_vram *vram, unsigned int order)
{
	struct rb_node *rb = vram->free.rb_node;

	return rb ? block_of(rb)->fit.pages[order] : 0;
}

#define FIT_STRATEGY(fit, before, search)				\
static void fit##_build(struct vgpu_vram *vram, struct list_head *spare) \
{									\
	fit_build(vram, spare, before);					\
}									\
									\
static bool fit##_take(struct vgpu_vram *vram, struct vgpu_block *block, \
		       unsigned int order, u32 pages,			\
		       struct list_head *spare)				\
{									\
	return fit_take(vram, block, search(&vram->free, order, pages),	\
			order, pages, spare, before);			\
}									\
									\
static void fit##_take_at(struct vgpu_vram *vram, struct vgpu_block *block, \
			  u32 first, u32 pages, struct list_head *spare) \
{									\
	carve(vram, free_at(vram, first), block, first, pages, spare,	\
	      before);							\
}									\
									\
static void fit##_give(struct vgpu_vram *vram, struct vgpu_block *block, \
		       struct list_head *spare)				\
{									\
	fit_give(vram, block, spare, before);				\
}									\
									\
static const struct vgpu_vram_strategy strategy_##fit = {		\
	.name = #fit,							\
	.spare = 1,	/* cut out of the middle */			\
	.build = fit##_build,						\
	.drop = fit_drop,						\
	.take = fit##_take,						\
	.take_at = fit##_take_at,					\
	.give = fit##_give,						\
	.largest = fit_largest,						\
}

FIT_STRATEGY(best, smaller, find_leftmost);
FIT_STRATEGY(first, lower, find_leftmost);
FIT_STRATEGY(worst, smaller, find_rightmost);

static const struct vgpu_vram_strategy * const strategies[] = {
	&strategy_best, &strategy_first, &strategy_worst, &vgpu_strategy_buddy,
};

const struct vgpu_vram_strategy *vgpu_vram_strategy_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strategies); i++)
		if (!strcmp(strategies[i]->name, name))
			return strategies[i];
	return NULL;
}
