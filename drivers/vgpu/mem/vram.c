// SPDX-License-Identifier: GPL-2.0
/*
 * VRAM: which page belongs to whom.
 *
 * What is in somebody's hands, or bad, is a block in a tree by address (block.c); the
 * rest is free, and the strategy knows it (strategy.c, buddy.c).
 *
 * Nobody may ever see what was in VRAM before. Whether a page can hold
 * anything but zeros is one bit in a map: set when the page is handed out,
 * cleared by scrubbing. Blocks are scrubbed before they go back among the
 * free, and what is handed out is scrubbed where a bit is set all the same:
 * that is all of VRAM at first, since we do not know what was there before
 * us. A bit for a page, rather than a state for a block, lets clean and
 * dirty memory merge without forgetting which is which.
 *
 * Scrubbing sleeps, so it is done on blocks that are in nobody's reach, with
 * no lock held, and mostly in the background (scrub.c).
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <vgpu/kunit.h>
#include "residency.h"

/* @block is clean, and the strategy may have it. */
void vgpu_vram_give_locked(struct vgpu_vram *vram, struct vgpu_block *block,
			   struct list_head *spare)
{
	lockdep_assert_held(&vram->lock);
	rb_erase(&block->node, &vram->taken);
	vram->strategy->give(vram, block, spare);
}

/* Takes @page, which is free, for good. */
static void retire_locked(struct vgpu_vram *vram, u32 page,
			  struct list_head *spare)
{
	struct vgpu_block *block;

	block = list_first_entry(spare, struct vgpu_block, link);
	list_del_init(&block->link);
	vram->strategy->take_at(vram, block, page, 1, spare);
	block->state = VGPU_BLOCK_RETIRED;
	block->bo = NULL;
	vgpu_vram_taken_insert(vram, block);
	vram->free_pages--;
	vram->retired_pages++;
}

/* Takes up to @max pages for @block. */
static bool take_locked(struct vgpu_vram *vram, struct vgpu_block *block,
			u32 min, u32 max, unsigned int order,
			struct list_head *spare)
{
	const struct vgpu_vram_strategy *strategy = vram->strategy;
	u32 pages;

	if (strategy->take(vram, block, order, max, spare))
		return true;
	if (min >= max)
		return false;
	pages = round_down(min(strategy->largest(vram, order), max),
			   1U << order);
	return pages && pages >= min &&
	       strategy->take(vram, block, order, pages, spare);
}

/* Hands @block out, and tells whether it is zero already. */
static bool hand_out_locked(struct vgpu_vram *vram, struct vgpu_block *block,
			    struct vgpu_bo *bo, unsigned int order, bool pinned)
{
	unsigned long end = (unsigned long)block->first + block->pages;

	block->state = pinned ? VGPU_BLOCK_PINNED : VGPU_BLOCK_USED;
	block->order = order;
	block->kind = VGPU_BLOCK_OF_BO;
	block->bo_page = 0;
	block->bo = bo;
	vram->free_pages -= block->pages;
	vram->nr_used++;
	if (find_next_bit(vram->dirty, end, block->first) < end)
		return false;
	bitmap_set(vram->dirty, block->first, block->pages);
	return true;
}

/*
 * Has the strategy find a block, which it can't always where memory is free:
 * some is in pools, which is given back, and some is not scrubbed yet. Only
 * that takes waiting, and so comes last.
 */
static struct vgpu_block *find_block(struct vgpu_vram *vram, u32 min, u32 max,
				     unsigned int order, struct vgpu_bo *bo,
				     bool pinned, bool *clean)
{
	struct vgpu_block *block;
	bool found, waited = false;
	unsigned int have = 0;
	LIST_HEAD(spare);
	u64 until = 0;

	spin_lock(&vram->lock);
	for (;;) {
		bool pooled;

		/* the one, and what the strategy may need beside it */
		while (have <= vram->strategy->spare && vram->nr_blank) {
			list_move(vram->blank.next, &spare);
			vram->nr_blank--;
			have++;
		}
		if (have <= vram->strategy->spare) {
			spin_unlock(&vram->lock);
			if (vgpu_block_reserve(&spare, 1)) {
				vgpu_block_unreserve(&spare);
				return ERR_PTR(-ENOMEM);
			}
			have++;
			/* all of it may be different now */
			spin_lock(&vram->lock);
			continue;
		}

		pooled = vram->pooled_pages;
		block = list_first_entry(&spare, struct vgpu_block, link);
		list_del_init(&block->link);
		found = take_locked(vram, block, pooled ? max : min, max,
				    order, &spare);
		if (found) {
			vgpu_vram_taken_insert(vram, block);
			*clean = hand_out_locked(vram, block, bo, order, pinned);
			vram->alloc_waits += waited;
			break;
		}
		list_add(&block->link, &spare);
		spin_unlock(&vram->lock);
		if (pooled) {
			vgpu_pool_drain(vram);
		} else {
			if (!waited)
				until = vgpu_scrub_pending(vram);
			if (!vgpu_scrub_help(vram, until)) {
				spin_lock(&vram->lock);
				break;
			}
			waited = true;
		}
		spin_lock(&vram->lock);
	}
	vgpu_block_recycle_locked(vram, &spare);
	spin_unlock(&vram->lock);
	vgpu_block_unreserve(&spare);
	return found ? block : ERR_PTR(-ENOSPC);
}

/**
 * vgpu_vram_alloc() - takes one block
 * @vram: from where
 * @min: pages, at least
 * @max: pages wanted; less only when no block has as many, and then a
 *	multiple of the alignment
 * @order: alignment, 1 << @order pages
 * @bo: whose it will be; NULL: a page table, or a frame
 * @pinned: it is no piece of a BO: moved as what it is of, or not at all
 *
 * Context: process; sleeps.
 * Return: a zeroed block; -ENOSPC, or -ENOMEM for want of metadata.
 */
struct vgpu_block *vgpu_vram_alloc(struct vgpu_vram *vram, u32 min, u32 max,
				   unsigned int order, struct vgpu_bo *bo,
				   bool pinned)
{
	struct vgpu_block *block = NULL;
	bool clean = false;

	if (READ_ONCE(vram->pooling)) {
		spin_lock(&vram->lock);
		block = vgpu_pool_get_locked(vram, max, order);
		if (block)
			clean = hand_out_locked(vram, block, bo, order,
						pinned);
		spin_unlock(&vram->lock);
	}
	if (!block) {
		block = find_block(vram, min, max, order, bo, pinned, &clean);
		if (IS_ERR(block))
			return block;
	}
	if (clean)
		return block;

	vgpu_scrub_range(vram, block->first, block->pages);
	spin_lock(&vram->lock);
	vram->alloc_waits++;
	bitmap_set(vram->dirty, block->first, block->pages);
	spin_unlock(&vram->lock);
	return block;
}

/**
 * vgpu_vram_alloc_at() - takes a place that is free
 * @vram: where
 * @first: page
 * @pages: how many
 * @order: alignment to be kept when it is moved, 1 << @order pages
 * @bo: whose it will be
 * @pinned: it is no piece of a BO: moved as what it is of, or not at all
 *
 * Context: process; sleeps.
 * Return: a block that was not scrubbed, so the caller writes over all of it
 * or frees it as touched; -EBUSY when part of it is in use, at hand in a pool,
 * not scrubbed yet or past the end, -ENOMEM for want of metadata.
 */
struct vgpu_block *vgpu_vram_alloc_at(struct vgpu_vram *vram, u32 first,
				      u32 pages, unsigned int order,
				      struct vgpu_bo *bo, bool pinned)
{
	struct vgpu_block *block, *next;
	unsigned int have = 0;
	LIST_HEAD(spare);

	spin_lock(&vram->lock);
	while (have <= vram->strategy->spare) {
		spin_unlock(&vram->lock);
		if (vgpu_block_reserve(&spare, 1)) {
			vgpu_block_unreserve(&spare);
			return ERR_PTR(-ENOMEM);
		}
		have++;
		spin_lock(&vram->lock);
	}
	next = vgpu_vram_taken_from_locked(vram, first);
	if ((next && next->first < first + pages) || first >= vram->pages ||
	    pages > vram->pages - first || vram->gone) {
		block = ERR_PTR(-EBUSY);
	} else {
		block = list_first_entry(&spare, struct vgpu_block, link);
		list_del_init(&block->link);
		vram->strategy->take_at(vram, block, first, pages, &spare);
		vgpu_vram_taken_insert(vram, block);
		hand_out_locked(vram, block, bo, order, pinned);
		bitmap_set(vram->dirty, first, pages);
	}
	vgpu_block_recycle_locked(vram, &spare);
	spin_unlock(&vram->lock);
	vgpu_block_unreserve(&spare);
	return block;
}

/**
 * vgpu_vram_slide() - who is next to a block takes over its upper part
 * @vram: where
 * @place: of the caller, directly below @block
 * @block: of the caller
 *
 * @place gets as long as @block was, and @block is left with what remains, as
 * long as @place was.
 */
void vgpu_vram_slide(struct vgpu_vram *vram, struct vgpu_block *place,
		     struct vgpu_block *block)
{
	u32 shift = place->pages;

	spin_lock(&vram->lock);
	WARN_ON_ONCE(place->first + shift != block->first);
	/* their order by address stays what it is */
	place->pages = block->pages;
	block->first = place->first + place->pages;
	block->pages = shift;
	spin_unlock(&vram->lock);
}

/*
 * A block that somebody has in hand (vram->cleaning), is in use by nobody, and
 * was scrubbed: it goes where it is found again, but for what is bad of it.
 */
void vgpu_vram_settle(struct vgpu_vram *vram, struct vgpu_block *block)
{
	u32 first = block->first, pages = block->pages;
	unsigned long bad, last = (unsigned long)first + pages - 1;
	unsigned int need, have = 0;
	LIST_HEAD(spare);
	void *entry;
	int err = 0;

	/* cutting out a bad page takes two blocks */
	spin_lock(&vram->lock);
	for (;;) {
		need = 0;
		xa_for_each_range(&vram->bad, bad, entry, first, last)
			need += 2;
		if (need <= have || err)
			break;
		spin_unlock(&vram->lock);
		err = vgpu_block_reserve(&spare, need - have);
		have = need;
		spin_lock(&vram->lock);
	}

	if (err) {
		/* no memory to tell good from bad: all of it is lost */
		block->state = VGPU_BLOCK_RETIRED;
		block->bo = NULL;
		vram->free_pages -= pages;
		vram->retired_pages += pages;
	} else if (need || !vgpu_pool_put_locked(vram, block)) {
		vgpu_vram_give_locked(vram, block, &spare);
		xa_for_each_range(&vram->bad, bad, entry, first, last)
			retire_locked(vram, bad, &spare);
	}
	vgpu_block_recycle_locked(vram, &spare);
	vgpu_scrub_done_locked(vram);
	spin_unlock(&vram->lock);
	vgpu_block_unreserve(&spare);
}

/**
 * vgpu_vram_free() - gives a block back
 * @vram: where it came from
 * @block: from vgpu_vram_alloc(); no engine and no mapping reaches it
 * @untouched: nobody wrote to it since it was handed out
 *
 * Context: process; sleeps.
 */
void vgpu_vram_free(struct vgpu_vram *vram, struct vgpu_block *block,
		    bool untouched)
{
	LIST_HEAD(spare);

	spin_lock(&vram->lock);
	vram->nr_used--;
	vram->free_pages += block->pages;
	block->state = VGPU_BLOCK_UNCLEAN;
	if (untouched)
		bitmap_clear(vram->dirty, block->first, block->pages);
	if (untouched && xa_empty(&vram->bad)) {
		if (!vgpu_pool_put_locked(vram, block))
			vgpu_vram_give_locked(vram, block, &spare);
		vgpu_block_recycle_locked(vram, &spare);
		spin_unlock(&vram->lock);
		vgpu_block_unreserve(&spare);
		return;
	}
	if (!untouched && vgpu_scrub_later_locked(vram, block)) {
		spin_unlock(&vram->lock);
		return;
	}
	vram->cleaning++;
	spin_unlock(&vram->lock);

	if (!untouched)
		vgpu_scrub_range(vram, block->first, block->pages);
	vgpu_vram_settle(vram, block);
}

/**
 * vgpu_vram_retire() - a page went bad
 * @vram: where
 * @addr: VRAM address in the page
 *
 * A free page is never handed out again; one in use is kept back as soon as
 * it is freed. vgpu_vram_owner_at() tells who uses it.
 *
 * Context: process.
 * Return: 0, also when it was retired before; -EINVAL outside VRAM, -ENOMEM.
 */
int vgpu_vram_retire(struct vgpu_vram *vram, u64 addr)
{
	u64 page = addr >> VGPU_PAGE_SHIFT;
	struct vgpu_block *block;
	LIST_HEAD(spare);
	int err;

	if (page >= vram->pages)
		return -EINVAL;
	err = vgpu_block_reserve(&spare, 2);
	if (err)
		goto out;

	err = xa_reserve(&vram->bad, page, GFP_KERNEL_ACCOUNT);
	if (err)
		goto out;
	/* a free that runs meanwhile either counts this page or is over */
	spin_lock(&vram->lock);
	if (!xa_load(&vram->bad, page)) {
		xa_store(&vram->bad, page, xa_mk_value(1), GFP_ATOMIC);
		block = vgpu_vram_taken_at_locked(vram, page);
		if (block && block->state == VGPU_BLOCK_POOLED) {
			vgpu_pool_remove_locked(vram, block);
			vgpu_vram_give_locked(vram, block, &spare);
			block = NULL;
		}
		if (!block)
			retire_locked(vram, page, &spare);
	}
	spin_unlock(&vram->lock);
out:
	vgpu_block_unreserve(&spare);
	return err;
}

/**
 * vgpu_vram_owner_at() - whose a page is
 * @vram: where
 * @addr: VRAM address in the page
 * @tell: called with the account that pays for the BO there, NULL when nobody does,
 *	and with a spinlock held: the account stays until it returns. Or NULL
 * @arg: for @tell
 *
 * It gives no reference to the BO: that could be the last one, when the account
 * has gone already, and the BO may be one that is still being made.
 *
 * Context: any that may take a spinlock.
 * Return: false: free, a page table, retired, being freed, or outside VRAM.
 */
bool vgpu_vram_owner_at(struct vgpu_vram *vram, u64 addr,
			void (*tell)(struct vgpu_mem_account *acct, void *arg),
			void *arg)
{
	u64 page = addr >> VGPU_PAGE_SHIFT;
	struct vgpu_block *block;
	struct vgpu_bo *bo;

	if (page >= vram->pages)
		return false;
	spin_lock(&vram->lock);
	/* a BO is freed only after its blocks, which takes the lock */
	block = vgpu_vram_taken_at_locked(vram, page);
	bo = block && block->kind != VGPU_BLOCK_TABLE &&
	     (block->state == VGPU_BLOCK_USED ||
	      block->state == VGPU_BLOCK_PINNED) ? block->bo : NULL;
	if (bo && tell)
		tell(bo->acct, arg);
	spin_unlock(&vram->lock);
	return bo;
}

struct page *vgpu_vram_page(struct vgpu_vram *vram, u64 addr)
{
	struct page *page = NULL;
	int idx = srcu_read_lock(&vram->gate);

	if (!vgpu_vram_gone(vram))
		page = vram->ops->vram_page(vram->hw, addr);
	srcu_read_unlock(&vram->gate, idx);
	return page;
}

VGPU_EXPORT_IF_KUNIT(vgpu_vram_alloc);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_alloc_at);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_free);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_retire);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_owner_at);
