// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: runs of pages in somebody's hands, or bad, in a tree by address; and spare ones,
 * for what is done under vram->lock, where none can be allocated.
 */
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "residency.h"

#define BLANK_BLOCKS	64

#define block_of(rb)	rb_entry_safe(rb, struct vgpu_block, node)

/* Adds @count blocks to @spare, for what is done under vram->lock. */
int vgpu_block_reserve(struct list_head *spare, unsigned int count)
{
	struct vgpu_block *block;

	while (count--) {
		block = kzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!block)
			return -ENOMEM;
		list_add(&block->link, spare);
	}
	return 0;
}

void vgpu_block_unreserve(struct list_head *spare)
{
	struct vgpu_block *block, *next;

	list_for_each_entry_safe(block, next, spare, link)
		kfree(block);
	INIT_LIST_HEAD(spare);
}

/* Puts what is left of @spare by for the next, up to a limit. */
void vgpu_block_recycle_locked(struct vgpu_vram *vram, struct list_head *spare)
{
	struct vgpu_block *block, *next;

	lockdep_assert_held(&vram->lock);
	list_for_each_entry_safe(block, next, spare, link) {
		if (vram->nr_blank == BLANK_BLOCKS)
			return;
		list_move(&block->link, &vram->blank);
		vram->nr_blank++;
	}
}

void vgpu_vram_taken_insert(struct vgpu_vram *vram, struct vgpu_block *block)
{
	struct rb_node **link = &vram->taken.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = block->first < block_of(parent)->first ?
			       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&block->node, parent, link);
	rb_insert_color(&block->node, &vram->taken);
}

/* The block that covers @page, or NULL when it is free. */
struct vgpu_block *vgpu_vram_taken_at_locked(struct vgpu_vram *vram, u32 page)
{
	struct rb_node *rb = vram->taken.rb_node;

	lockdep_assert_held(&vram->lock);
	while (rb) {
		struct vgpu_block *block = block_of(rb);

		if (page < block->first)
			rb = rb->rb_left;
		else if (page >= block->first + block->pages)
			rb = rb->rb_right;
		else
			return block;
	}
	return NULL;
}

/* The lowest block that ends behind @page, or NULL. */
struct vgpu_block *vgpu_vram_taken_from_locked(struct vgpu_vram *vram, u32 page)
{
	struct rb_node *rb = vram->taken.rb_node;
	struct vgpu_block *found = NULL;

	lockdep_assert_held(&vram->lock);
	while (rb) {
		struct vgpu_block *block = block_of(rb);

		if (block->first + block->pages > page) {
			found = block;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found;
}

/* Runs of pages that are not taken. */
u32 vgpu_vram_gaps_locked(struct vgpu_vram *vram)
{
	struct rb_node *rb;
	u32 at = 0, gaps = 0;

	lockdep_assert_held(&vram->lock);
	for (rb = rb_first(&vram->taken); rb; rb = rb_next(rb)) {
		gaps += block_of(rb)->first > at;
		at = block_of(rb)->first + block_of(rb)->pages;
	}
	return gaps + (vram->pages > at);
}

/*
 * Whose @block is from now on, which is the caller's, and where in it; NULL:
 * nobody's.
 */
void vgpu_block_set_bo(struct vgpu_vram *vram, struct vgpu_block *block,
		       struct vgpu_bo *bo, u64 offset)
{
	spin_lock(&vram->lock);
	block->bo = bo;
	block->bo_page = offset >> VGPU_PAGE_SHIFT;
	spin_unlock(&vram->lock);
}

/* @block, which is the caller's, holds the page table @pt. */
void vgpu_block_set_pt(struct vgpu_vram *vram, struct vgpu_block *block,
		       struct vgpu_pt *pt)
{
	spin_lock(&vram->lock);
	block->kind = VGPU_BLOCK_TABLE;
	block->pt = pt;
	spin_unlock(&vram->lock);
}

/* Has a page of @block gone bad since it was handed out? */
bool vgpu_block_is_bad(struct vgpu_vram *vram, const struct vgpu_block *block)
{
	unsigned long bad = block->first;

	return !xa_empty(&vram->bad) &&
	       xa_find(&vram->bad, &bad, block->first + block->pages - 1,
		       XA_PRESENT);
}
