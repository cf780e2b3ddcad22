// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: clean blocks of eight common sizes, 4 KiB to 512 KiB, at hand.
 *
 * A request of just such a size is served by taking one off a list: it needs
 * no memory for metadata, no search and no scrubbing. What was freed, and
 * scrubbed, fills the pools; how much each may hold follows from its use:
 * doubled by every request that found it empty, and less by half of what
 * nobody needed for a second, which goes back to the strategy. When that finds
 * no room for somebody, all that the pools have goes back.
 *
 * To quotas nothing changes: a block in a pool is free memory, and who gets it
 * was charged before.
 */
#include <linux/bitops.h>
#include <linux/log2.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

#define INTERVAL	HZ
#define TARGET_FIRST	4

/* The pool for blocks of @pages aligned to @order, or NULL. */
static struct vgpu_pool *pool_of(struct vgpu_vram *vram, u32 pages,
				 unsigned int order)
{
	unsigned int k;

	if (!is_power_of_2(pages))
		return NULL;
	k = ilog2(pages);
	return k < VGPU_POOLS && order <= k ? &vram->pool[k] : NULL;
}

/* Not more than a 64th of VRAM in each. */
static u32 target_most(const struct vgpu_vram *vram,
		       const struct vgpu_pool *pool)
{
	return min_t(u32, READ_ONCE(vram->pool_most),
		     vram->pages >> (6 + (pool - vram->pool)));
}

static void take_out_locked(struct vgpu_vram *vram, struct vgpu_pool *pool,
			    struct vgpu_block *block)
{
	list_del_init(&block->queued);
	vram->pooled_pages -= block->pages;
	pool->held--;
	pool->low = min(pool->low, pool->held);
}

/**
 * vgpu_pool_get_locked() - takes a block from a pool
 * @vram: whose, locked
 * @pages: how large
 * @order: alignment
 *
 * Return: a block of just that size, clean and in vram->taken; or NULL.
 */
struct vgpu_block *vgpu_pool_get_locked(struct vgpu_vram *vram, u32 pages,
					unsigned int order)
{
	struct vgpu_pool *pool = pool_of(vram, pages, order);
	struct vgpu_block *block;

	lockdep_assert_held(&vram->lock);
	if (!vram->pooling || !pool)
		return NULL;
	block = list_first_entry_or_null(&pool->blocks, struct vgpu_block,
					 queued);
	if (!block) {
		pool->misses++;
		pool->target = min(max_t(u32, 2 * pool->target, TARGET_FIRST),
				   target_most(vram, pool));
		return NULL;
	}
	pool->hits++;
	take_out_locked(vram, pool, block);
	return block;
}

/**
 * vgpu_pool_put_locked() - keeps a free block at hand
 * @vram: whose, locked
 * @block: clean, in vram->taken, in use by nobody, with no bad page in it
 *
 * Return: whether a pool has it now; else it is the strategy's.
 */
bool vgpu_pool_put_locked(struct vgpu_vram *vram, struct vgpu_block *block)
{
	struct vgpu_pool *pool = pool_of(vram, block->pages, 0);

	lockdep_assert_held(&vram->lock);
	if (!vram->pooling || vgpu_vram_gone(vram) || !pool ||
	    pool->held >= pool->target || (block->first & (block->pages - 1)))
		return false;
	block->state = VGPU_BLOCK_POOLED;
	list_add(&block->queued, &pool->blocks);
	pool->held++;
	vram->pooled_pages += block->pages;
	queue_delayed_work(system_unbound_wq, &vram->pool_work, INTERVAL);
	return true;
}

/* @block is in a pool, and is wanted for something else. */
void vgpu_pool_remove_locked(struct vgpu_vram *vram, struct vgpu_block *block)
{
	lockdep_assert_held(&vram->lock);
	take_out_locked(vram, pool_of(vram, block->pages, 0), block);
}

/* The @count that were not used for longest go back. */
static void give_back(struct vgpu_vram *vram, struct vgpu_pool *pool, u32 count,
		      struct list_head *spare)
{
	lockdep_assert_held(&vram->lock);
	while (count-- && pool->held) {
		struct vgpu_block *block =
			list_last_entry(&pool->blocks, struct vgpu_block,
					queued);

		take_out_locked(vram, pool, block);
		vgpu_vram_give_locked(vram, block, spare);
	}
}

/**
 * vgpu_pool_drain() - everything in the pools goes back
 * @vram: whose
 *
 * Context: process.
 * Return: whether there was anything.
 */
bool vgpu_pool_drain(struct vgpu_vram *vram)
{
	LIST_HEAD(spare);
	bool any = false;
	unsigned int k;

	for (k = 0; k < VGPU_POOLS; k++) {
		spin_lock(&vram->lock);
		any |= vram->pool[k].held;
		give_back(vram, &vram->pool[k], U32_MAX, &spare);
		spin_unlock(&vram->lock);
	}
	vgpu_block_unreserve(&spare);
	return any;
}

/* Half of what nobody needed since last time goes back. */
static void pool_work(struct work_struct *work)
{
	struct vgpu_vram *vram = container_of(to_delayed_work(work),
					      struct vgpu_vram, pool_work);
	LIST_HEAD(spare);
	unsigned int k;
	bool any = false;

	for (k = 0; k < VGPU_POOLS; k++) {
		struct vgpu_pool *pool = &vram->pool[k];
		u32 surplus;

		spin_lock(&vram->lock);
		surplus = DIV_ROUND_UP(pool->low, 2);
		give_back(vram, pool, surplus, &spare);
		pool->target -= min(surplus, pool->target);
		if (pool->hits + pool->misses == pool->seen)
			pool->target = min(pool->target, pool->held);
		pool->seen = pool->hits + pool->misses;
		pool->low = pool->held;
		any |= pool->held;
		spin_unlock(&vram->lock);
	}
	vgpu_block_unreserve(&spare);
	spin_lock(&vram->lock);
	if (any && !vgpu_vram_gone(vram))
		queue_delayed_work(system_unbound_wq, &vram->pool_work,
				   INTERVAL);
	spin_unlock(&vram->lock);
}

/**
 * vgpu_vram_set_pools() - are blocks kept at hand?
 * @vram: whose
 * @on: whether
 *
 * Context: process.
 */
void vgpu_vram_set_pools(struct vgpu_vram *vram, bool on)
{
	spin_lock(&vram->lock);
	WRITE_ONCE(vram->pooling, on);
	spin_unlock(&vram->lock);
	if (!on)
		vgpu_pool_drain(vram);
}

/**
 * vgpu_vram_set_pool_most() - how many blocks may each pool hold?
 * @vram: whose
 * @blocks: VGPU_POOL_MOST_MIN to VGPU_POOL_MOST_MAX
 *
 * Context: process.
 */
void vgpu_vram_set_pool_most(struct vgpu_vram *vram, u32 blocks)
{
	unsigned int k;

	spin_lock(&vram->lock);
	WRITE_ONCE(vram->pool_most, clamp_t(u32, blocks, VGPU_POOL_MOST_MIN,
					    VGPU_POOL_MOST_MAX));
	for (k = 0; k < VGPU_POOLS; k++)
		vram->pool[k].target = min(vram->pool[k].target,
					   target_most(vram, &vram->pool[k]));
	spin_unlock(&vram->lock);
}

void vgpu_pool_init(struct vgpu_vram *vram)
{
	unsigned int k;

	vram->pool_most = VGPU_POOL_MOST;

	for (k = 0; k < VGPU_POOLS; k++)
		INIT_LIST_HEAD(&vram->pool[k].blocks);
	INIT_DELAYED_WORK(&vram->pool_work, pool_work);
}

/* The GPU is gone: nothing comes into a pool any more. */
void vgpu_pool_stop(struct vgpu_vram *vram)
{
	cancel_delayed_work_sync(&vram->pool_work);
	vgpu_pool_drain(vram);
}

VGPU_EXPORT_IF_KUNIT(vgpu_vram_set_pools);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_set_pool_most);
