// SPDX-License-Identifier: GPL-2.0
/*
 * Which free block of VRAM serves a request.
 *
 * Every strategy is one order of the free blocks in a red-black tree and one
 * direction of search: best fit is the leftmost block by size that can serve
 * the request, worst fit the rightmost, first fit the leftmost by address.
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

static void insert_by_size(struct rb_root *root, struct vgpu_block *block)
{
	insert(root, block, smaller);
}

static void insert_by_address(struct rb_root *root, struct vgpu_block *block)
{
	insert(root, block, lower);
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

static const struct vgpu_vram_strategy strategies[] = {
	{
		.name = "best",
		.insert = insert_by_size,
		.find = find_leftmost,
	},
	{
		.name = "first",
		.insert = insert_by_address,
		.find = find_leftmost,
	},
	{
		.name = "worst",
		.insert = insert_by_size,
		.find = find_rightmost,
	},
};

const struct vgpu_vram_strategy *vgpu_vram_strategy_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strategies); i++)
		if (!strcmp(strategies[i].name, name))
			return &strategies[i];
	return NULL;
}

void vgpu_free_tree_erase(struct rb_root *root, struct vgpu_block *block)
{
	rb_erase_augmented(&block->node, root, &fit_callbacks);
}

/* The most pages that one allocation of this alignment could get. */
u32 vgpu_free_tree_largest(const struct rb_root *root, unsigned int order)
{
	return root->rb_node ? block_of(root->rb_node)->fit.pages[order] : 0;
}
