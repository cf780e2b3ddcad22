// SPDX-License-Identifier: GPL-2.0
/*
 * VRAM from its GPU's coming to its going, and what can be chosen and seen of all of it
 * meanwhile.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <vgpu/kunit.h>
#include "residency.h"

/**
 * vgpu_vram_create() - takes charge of a GPU's memory
 * @ops: its backend
 * @hw: handed to each operation
 * @desc: what it is; the format it points to must stay
 * @dev: for DMA mappings of system memory; NULL: there will be none
 *
 * Context: process.
 * Return: the memory, all free; ERR_PTR(-EINVAL) for a description that makes
 * no sense, -ENOMEM.
 */
struct vgpu_vram *vgpu_vram_create(const struct vgpu_backend_ops *ops,
				   void *hw, const struct vgpu_hw_desc *desc,
				   struct device *dev)
{
	u64 pages = desc->vram_bytes >> VGPU_PAGE_SHIFT;
	bool mmu = desc->caps & VGPU_HW_MMU;
	struct vgpu_vram *vram;
	struct vgpu_block *all;
	LIST_HEAD(spare);
	int err = -ENOMEM;

	if (!pages || pages % VGPU_LARGE_PAGES || pages > INT_MAX ||
	    mmu != !!desc->format ||
	    (mmu && vgpu_pt_format_check(desc->format)))
		return ERR_PTR(-EINVAL);

	vram = kzalloc(sizeof(*vram), GFP_KERNEL);
	if (!vram)
		return ERR_PTR(-ENOMEM);
	kref_init(&vram->ref);
	vram->ops = ops;
	vram->hw = hw;
	vram->dev = get_device(dev);
	vram->format = desc->format;
	vram->caps = desc->caps;
	vram->read_ahead = VGPU_READ_AHEAD_DEFAULT;
	vram->tier_limit = vgpu_sink_default_limit();
	vram->numa_node = desc->numa_node;
	vram->pages = pages;
	vgpu_vram_init_geometry(vram);

	mutex_init(&vram->strategy_lock);
	vgpu_defrag_init(vram);
	spin_lock_init(&vram->lock);
	vram->strategy = vgpu_vram_strategy_find("best");
	vram->free = RB_ROOT;
	vram->taken = RB_ROOT;
	INIT_LIST_HEAD(&vram->blocks);
	INIT_LIST_HEAD(&vram->blank);
	xa_init(&vram->bad);
	err = init_srcu_struct(&vram->gate);
	if (err)
		goto err_free;

	err = -ENOMEM;
	vram->dirty = kvcalloc(BITS_TO_LONGS(pages), sizeof(long), GFP_KERNEL);
	if (!vram->dirty)
		goto err_gate;
	/* whatever was there before us */
	bitmap_fill(vram->dirty, pages);

	all = kzalloc(sizeof(*all), GFP_KERNEL);
	if (!all)
		goto err_dirty;
	list_add(&all->link, &spare);
	vram->free_pages = pages;
	vgpu_scrub_init(vram);
	vgpu_pool_init(vram);
	spin_lock(&vram->lock);
	vram->strategy->build(vram, &spare);
	spin_unlock(&vram->lock);
	return vram;

err_dirty:
	kvfree(vram->dirty);
err_gate:
	cleanup_srcu_struct(&vram->gate);
err_free:
	put_device(vram->dev);
	kfree(vram);
	return ERR_PTR(err);
}

static void vram_release(struct kref *ref)
{
	struct vgpu_vram *vram = container_of(ref, struct vgpu_vram, ref);
	struct vgpu_block *block, *next;
	LIST_HEAD(spare);

	/* BOs and address spaces hold references: only bad pages are left */
	spin_lock(&vram->lock);
	vram->strategy->drop(vram, &spare);
	spin_unlock(&vram->lock);
	vgpu_block_unreserve(&spare);
	vgpu_block_unreserve(&vram->blank);
	vgpu_residency_destroy(vram);
	if (vram->strategy->fini)
		vram->strategy->fini(vram->strategy_state);
	rbtree_postorder_for_each_entry_safe(block, next, &vram->taken, node)
		kfree(block);
	mutex_destroy(&vram->strategy_lock);
	mutex_destroy(&vram->defrag.lock);
	xa_destroy(&vram->bad);
	kvfree(vram->dirty);
	cleanup_srcu_struct(&vram->gate);
	put_device(vram->dev);
	kfree(vram);
}

void vgpu_vram_get(struct vgpu_vram *vram)
{
	kref_get(&vram->ref);
}

void vgpu_vram_put(struct vgpu_vram *vram)
{
	kref_put(&vram->ref, vram_release);
}

/**
 * vgpu_vram_unplug() - the GPU is gone
 * @vram: its memory
 *
 * On return no operation is being called, and none ever will be. What
 * remains can be unmapped and freed as before, but nothing new can be made.
 * Context: process; waits for operations in progress.
 */
void vgpu_vram_unplug(struct vgpu_vram *vram)
{
	/* nothing is queued any more for the two that are stopped here */
	vgpu_vram_end_defrag(vram);
	spin_lock(&vram->lock);
	WRITE_ONCE(vram->gone, true);
	spin_unlock(&vram->lock);
	synchronize_srcu(&vram->gate);
	vgpu_residency_unplug(vram);
	vgpu_pool_stop(vram);
	vgpu_scrub_stop(vram);
}

/**
 * vgpu_vram_destroy() - gives up a GPU's memory
 * @vram: from vgpu_vram_create()
 *
 * Unplugs. Everything should have been freed; what was not is warned of, and
 * lives on without the GPU until its owner lets go.
 * Context: process.
 */
void vgpu_vram_destroy(struct vgpu_vram *vram)
{
	u64 left;

	vgpu_vram_unplug(vram);
	spin_lock(&vram->lock);
	left = vram->nr_used;
	spin_unlock(&vram->lock);
	if (left)
		pr_warn("vgpu: %llu blocks of VRAM still in use at removal\n",
			left);
	vgpu_vram_put(vram);
}

/**
 * vgpu_vram_set_strategy() - chooses how free memory is searched, live
 * @vram: whose
 * @name: "best", "first", "worst" or "buddy"
 *
 * Nothing that is in use moves. Allocations wait meanwhile.
 * Context: process; takes time in proportion to the blocks.
 * Return: 0; -ENOENT for a name that is not known, -ENOMEM: it stays as it is.
 */
int vgpu_vram_set_strategy(struct vgpu_vram *vram, const char *name)
{
	const struct vgpu_vram_strategy *to = vgpu_vram_strategy_find(name);
	const struct vgpu_vram_strategy *from;
	u32 need, have = 0;
	LIST_HEAD(spare);
	void *state = NULL;
	int err = 0;

	if (!to)
		return -ENOENT;
	mutex_lock(&vram->strategy_lock);
	from = vram->strategy;
	if (to == from)
		goto out;
	if (to->init) {
		state = to->init(vram);
		if (IS_ERR(state)) {
			err = PTR_ERR(state);
			goto out;
		}
	}
	for (;;) {
		spin_lock(&vram->lock);
		need = vgpu_vram_gaps_locked(vram);
		if (need <= have)
			break;
		spin_unlock(&vram->lock);
		err = vgpu_block_reserve(&spare, need - have);
		if (err) {
			if (to->fini)
				to->fini(state);
			goto out;
		}
		have = need;
	}
	from->drop(vram, &spare);
	swap(vram->strategy_state, state);
	WRITE_ONCE(vram->strategy, to);
	to->build(vram, &spare);
	spin_unlock(&vram->lock);
	if (from->fini)
		from->fini(state);
out:
	mutex_unlock(&vram->strategy_lock);
	vgpu_block_unreserve(&spare);
	return err;
}

/**
 * vgpu_vram_strategy_name() - how free memory is searched
 * @vram: whose
 */
const char *vgpu_vram_strategy_name(const struct vgpu_vram *vram)
{
	return READ_ONCE(vram->strategy)->name;
}

/**
 * vgpu_vram_get_stats() - figures of now
 * @vram: whose
 * @st: filled
 *
 * Context: any that may take a spinlock.
 */
void vgpu_vram_get_stats(struct vgpu_vram *vram, struct vgpu_vram_stats *st)
{
	unsigned int i;
	u64 free, largest;

	spin_lock(&vram->lock);
	free = vram->free_pages;
	largest = vram->strategy->largest(vram, 0);
	st->retired = (u64)vram->retired_pages << VGPU_PAGE_SHIFT;
	st->scrubbed = vram->pages_scrubbed << VGPU_PAGE_SHIFT;
	st->blocks = vram->nr_used;
	st->pooled = (u64)vram->pooled_pages << VGPU_PAGE_SHIFT;
	st->unclean = (u64)vram->unclean_pages << VGPU_PAGE_SHIFT;
	st->alloc_waits = vram->alloc_waits;
	for (i = 0; i < VGPU_POOLS; i++) {
		st->pool[i].held = vram->pool[i].held;
		st->pool[i].target = vram->pool[i].target;
		st->pool[i].hits = vram->pool[i].hits;
		st->pool[i].misses = vram->pool[i].misses;
	}
	spin_unlock(&vram->lock);

	st->total = (u64)vram->pages << VGPU_PAGE_SHIFT;
	st->free = free << VGPU_PAGE_SHIFT;
	st->used = st->total - st->free - st->retired;
	st->largest_free = largest << VGPU_PAGE_SHIFT;
	st->frag_permille = free ? 1000 - div64_u64(1000 * largest, free) : 0;
}

VGPU_EXPORT_IF_KUNIT(vgpu_vram_create);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_unplug);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_destroy);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_set_strategy);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_strategy_name);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_get_stats);
