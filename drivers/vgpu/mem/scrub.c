// SPDX-License-Identifier: GPL-2.0
/*
 * Scrubbing: what was freed is zeroed before anybody gets it.
 *
 * In the background, a freed block waits in a queue, and a worker zeroes it and
 * puts it back among the free. So the strategy has clean memory only, who frees
 * does not wait, and who allocates waits only when there is nothing else left:
 * then it scrubs a block itself, or waits for one that somebody is at. Once
 * the queue is an eighth of VRAM, whoever frees pays for it himself: nobody can
 * make more work than he does.
 *
 * There is one thing more to scrub, all of VRAM, since we do not know what was
 * there before us. The worker does that too when the queue is empty, once from
 * one end to the other, 2 MiB at a time. Memory that is handed out before it
 * came there is scrubbed when it is handed out (vgpu_vram_alloc()).
 */
#include <linux/bitmap.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

#define SLICE_PAGES	VGPU_LARGE_PAGES	/* between looks at the gate */
#define TURN_PAGES	(4 * SLICE_PAGES)	/* the worker, before others */

/**
 * vgpu_scrub_range() - zeroes what may hold other than zeros
 * @vram: where
 * @first: page
 * @pages: how many; nobody has them
 *
 * Context: process; sleeps. Ends early when the GPU goes.
 */
void vgpu_scrub_range(struct vgpu_vram *vram, u32 first, u32 pages)
{
	unsigned long end = (unsigned long)first + pages;
	unsigned long lo = first, hi;
	int idx;

	for (;;) {
		spin_lock(&vram->lock);
		lo = find_next_bit(vram->dirty, end, lo);
		if (lo >= end) {
			spin_unlock(&vram->lock);
			return;
		}
		hi = min(end, lo + SLICE_PAGES);
		hi = find_next_zero_bit(vram->dirty, hi, lo);
		bitmap_clear(vram->dirty, lo, hi - lo);
		vram->pages_scrubbed += hi - lo;
		spin_unlock(&vram->lock);

		idx = srcu_read_lock(&vram->gate);
		if (!vgpu_vram_gone(vram))
			vram->ops->vram_clear(vram->hw,
					      (u64)lo << VGPU_PAGE_SHIFT,
					      (u64)(hi - lo) << VGPU_PAGE_SHIFT);
		srcu_read_unlock(&vram->gate, idx);
		lo = hi;
	}
}

/* True: @block will be scrubbed by and by; false: it is the caller's to do. */
bool vgpu_scrub_later_locked(struct vgpu_vram *vram, struct vgpu_block *block)
{
	lockdep_assert_held(&vram->lock);
	if (!vram->background || vgpu_vram_gone(vram) ||
	    vram->unclean_pages + block->pages > vram->pages / 8)
		return false;
	list_add_tail(&block->queued, &vram->unclean);
	vram->unclean_pages += block->pages;
	vram->unclean_blocks++;
	queue_work(system_unbound_wq, &vram->scrub_work);
	return true;
}

/* A block that was in hand is to be had again. */
void vgpu_scrub_done_locked(struct vgpu_vram *vram)
{
	lockdep_assert_held(&vram->lock);
	vram->cleaning--;
	vram->cleaned_seq++;
	wake_up_all(&vram->cleaned);
}

/* The oldest of the queue, in hand, or NULL. */
static struct vgpu_block *next_unclean(struct vgpu_vram *vram)
{
	struct vgpu_block *block;

	spin_lock(&vram->lock);
	block = list_first_entry_or_null(&vram->unclean, struct vgpu_block,
					 queued);
	if (block) {
		list_del_init(&block->queued);
		vram->unclean_pages -= block->pages;
		vram->unclean_blocks--;
		vram->cleaning++;
	}
	spin_unlock(&vram->lock);
	return block;
}

static bool scrub_one(struct vgpu_vram *vram, u32 *pages)
{
	struct vgpu_block *block = next_unclean(vram);

	if (!block)
		return false;
	*pages = block->pages;
	vgpu_scrub_range(vram, block->first, block->pages);
	vgpu_vram_settle(vram, block);
	return true;
}

/* What vram->cleaned_seq is when all that is unclean now was done. */
u64 vgpu_scrub_pending(struct vgpu_vram *vram)
{
	u64 until;

	spin_lock(&vram->lock);
	until = vram->cleaned_seq + vram->cleaning + vram->unclean_blocks;
	spin_unlock(&vram->lock);
	return until;
}

/**
 * vgpu_scrub_help() - makes some free memory clean, for who found none
 * @vram: where
 * @until: from vgpu_scrub_pending(): others that go on freeing do not keep
 *	the caller for ever
 *
 * Context: process; sleeps. Bounded by the scrubbing of a block.
 * Return: whether some was or became clean; false: all that was free at
 * vgpu_scrub_pending() is clean.
 */
bool vgpu_scrub_help(struct vgpu_vram *vram, u64 until)
{
	u32 pages;
	u64 seq;

	spin_lock(&vram->lock);
	seq = vram->cleaned_seq;
	spin_unlock(&vram->lock);
	if (seq >= until)
		return false;
	if (!scrub_one(vram, &pages))
		/* in the hands of others */
		wait_event(vram->cleaned, READ_ONCE(vram->cleaned_seq) != seq);
	return true;
}

/*
 * The lowest free pages from vram->first_pass on that may hold what was there
 * before us, as a block in hand. Looks at a few blocks at a time.
 */
static struct vgpu_block *next_of_first_pass(struct vgpu_vram *vram,
					     struct list_head *spare)
{
	struct vgpu_block *block = NULL;
	unsigned long lo, hi;
	struct rb_node *rb;
	unsigned int looks;

	spin_lock(&vram->lock);
	for (looks = 0; looks < 64 && !block; looks++) {
		struct vgpu_block *after = NULL;

		lo = find_next_bit(vram->dirty, vram->pages, vram->first_pass);
		vram->first_pass = lo;
		if (lo >= vram->pages)
			break;
		/* the first that ends behind it */
		for (rb = vram->taken.rb_node; rb;) {
			struct vgpu_block *b = rb_entry(rb, struct vgpu_block,
							node);

			if (b->first + b->pages > lo) {
				after = b;
				rb = rb->rb_left;
			} else {
				rb = rb->rb_right;
			}
		}
		if (after && after->first <= lo) {
			vram->first_pass = after->first + after->pages;
			continue;
		}
		hi = min_t(unsigned long, vram->pages, lo + SLICE_PAGES);
		if (after)
			hi = min_t(unsigned long, hi, after->first);
		hi = find_next_zero_bit(vram->dirty, hi, lo);
		block = list_first_entry(spare, struct vgpu_block, link);
		list_del_init(&block->link);
		vram->strategy->take_at(vram, block, lo, hi - lo, spare);
		block->state = VGPU_BLOCK_UNCLEAN;
		vgpu_vram_taken_insert(vram, block);
		vram->cleaning++;
		vram->first_pass = hi;
	}
	spin_unlock(&vram->lock);
	return block;
}

/* False: it is over, or there is no memory to go on with. */
static bool first_pass(struct vgpu_vram *vram, u32 *pages)
{
	struct vgpu_block *block;
	LIST_HEAD(spare);

	if (READ_ONCE(vram->first_pass) >= vram->pages)
		return false;
	if (vgpu_block_reserve(&spare, 2)) {
		vgpu_block_unreserve(&spare);
		return false;
	}
	block = next_of_first_pass(vram, &spare);
	vgpu_block_unreserve(&spare);
	*pages = SLICE_PAGES;
	if (block) {
		vgpu_scrub_range(vram, block->first, block->pages);
		vgpu_vram_settle(vram, block);
	}
	return true;
}

static void scrub_work(struct work_struct *work)
{
	struct vgpu_vram *vram = container_of(work, struct vgpu_vram,
					      scrub_work);
	u32 pages = 0, done;

	for (done = 0; done < TURN_PAGES; done += pages)
		if (vgpu_vram_gone(vram) ||
		    (!scrub_one(vram, &pages) && !first_pass(vram, &pages)))
			return;
	spin_lock(&vram->lock);
	if (!vgpu_vram_gone(vram))
		queue_work(system_unbound_wq, &vram->scrub_work);
	spin_unlock(&vram->lock);
}

/**
 * vgpu_vram_set_background() - who scrubs what is freed
 * @vram: whose
 * @on: a worker; else whoever frees it, before it is free
 *
 * Context: process.
 */
void vgpu_vram_set_background(struct vgpu_vram *vram, bool on)
{
	spin_lock(&vram->lock);
	vram->background = on;
	if (on && !vgpu_vram_gone(vram))
		queue_work(system_unbound_wq, &vram->scrub_work);
	spin_unlock(&vram->lock);
}

/**
 * vgpu_vram_trim() - nothing free is kept back
 * @vram: whose
 *
 * On return all that was freed before is clean, none of it is in a pool, and no
 * metadata is kept for the next.
 * Context: process; sleeps for as long as scrubbing takes.
 */
void vgpu_vram_trim(struct vgpu_vram *vram)
{
	u64 until = vgpu_scrub_pending(vram);
	LIST_HEAD(blank);

	while (vgpu_scrub_help(vram, until))
		cond_resched();
	vgpu_pool_drain(vram);
	spin_lock(&vram->lock);
	list_splice_init(&vram->blank, &blank);
	vram->nr_blank = 0;
	spin_unlock(&vram->lock);
	vgpu_block_unreserve(&blank);
}

void vgpu_scrub_init(struct vgpu_vram *vram)
{
	INIT_LIST_HEAD(&vram->unclean);
	init_waitqueue_head(&vram->cleaned);
	INIT_WORK(&vram->scrub_work, scrub_work);
}

/* The GPU is gone: nothing is called, so what is left goes back as it is. */
void vgpu_scrub_stop(struct vgpu_vram *vram)
{
	u32 pages;

	cancel_work_sync(&vram->scrub_work);
	while (scrub_one(vram, &pages))
		cond_resched();
}

VGPU_EXPORT_IF_KUNIT(vgpu_vram_set_background);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_trim);
