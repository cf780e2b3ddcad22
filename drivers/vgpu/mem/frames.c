// SPDX-License-Identifier: GPL-2.0
/*
 * Frames: the part of VRAM that pageable memory goes through.
 *
 * There are more of them while VRAM is free, and fewer when something else
 * wants it, but never fewer than were taken when paging was enabled: those keep
 * fault-in going, since every frame can be emptied for another chunk.
 */
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define RESERVE_PART	16		/* of VRAM, in frames that stay */
#define RESERVE_MIN	16		/* frames */
#define SHRINK_WAITS	4		/* for a frame that can be evicted, 20 ms each */

static bool trim(struct vgpu_vram *vram, u32 keep);

/* Nobody's BO, but one that may be moved. */
static void set_frame(struct vgpu_vram *vram, struct vgpu_block *block)
{
	spin_lock(&vram->lock);
	block->kind = VGPU_BLOCK_FRAME;
	spin_unlock(&vram->lock);
}

/* @frame, that no chunk has, may serve another, unless a page of it is bad. */
void vgpu_frame_free(struct vgpu_vram *vram, struct vgpu_block *frame)
{
	struct vgpu_residency *res = vram->residency;

	if (vgpu_block_is_bad(vram, frame)) {
		vgpu_frame_drop(vram, frame);
		return;
	}
	spin_lock(&res->lock);
	res->free[res->nr_free++] = frame;
	spin_unlock(&res->lock);
	wake_up_all(&res->wait);
	/* vgpu_residency_unplug() may have been here already */
	if (vgpu_vram_gone(vram))
		trim(vram, 0);
}

/* One that is free, or NULL. */
struct vgpu_block *vgpu_frame_take(struct vgpu_residency *res)
{
	struct vgpu_block *frame = NULL;

	spin_lock(&res->lock);
	if (res->nr_free)
		frame = res->free[--res->nr_free];
	spin_unlock(&res->lock);
	return frame;
}

/* One more frame out of free VRAM, of which @margin pages are left alone. */
struct vgpu_block *vgpu_frame_grow(struct vgpu_vram *vram, u32 margin)
{
	struct vgpu_residency *res = vram->residency;
	struct vgpu_block *frame;

	if (READ_ONCE(vram->free_pages) < margin + VGPU_FRAME_PAGES)
		return NULL;
	frame = vgpu_vram_alloc(vram, VGPU_FRAME_PAGES, VGPU_FRAME_PAGES,
				VGPU_FRAME_ORDER, NULL, true);
	if (IS_ERR(frame))
		return NULL;
	set_frame(vram, frame);
	spin_lock(&res->lock);
	res->nr_frames++;
	spin_unlock(&res->lock);
	return frame;
}

/* To be in place of another one, so it is not counted. */
struct vgpu_block *vgpu_frame_at(struct vgpu_vram *vram, u32 first)
{
	struct vgpu_block *frame;

	frame = vgpu_vram_alloc_at(vram, first, VGPU_FRAME_PAGES,
				   VGPU_FRAME_ORDER, NULL, true);
	if (!IS_ERR(frame))
		set_frame(vram, frame);
	return frame;
}

/**
 * vgpu_frame_move() - a frame with nothing in it goes to another place
 * @vram: where
 * @first: page where it is, if it is one
 * @to: page where it is to be; free
 *
 * Context: process.
 * Return: 0; -EBUSY: it is in use by now, or the place is; -ENOMEM.
 */
int vgpu_frame_move(struct vgpu_vram *vram, u32 first, u32 to)
{
	struct vgpu_residency *res = vram->residency;
	struct vgpu_block *place, *frame = NULL;
	u32 i;

	place = vgpu_frame_at(vram, to);
	if (IS_ERR(place))
		return PTR_ERR(place);
	spin_lock(&res->lock);
	for (i = 0; i < res->nr_free && !frame; i++) {
		if (res->free[i]->first != first)
			continue;
		frame = res->free[i];
		res->free[i] = place;
	}
	spin_unlock(&res->lock);
	vgpu_vram_free(vram, frame ?: place, false);
	return frame ? 0 : -EBUSY;
}

/* @frame, that no list has, goes back to where all VRAM comes from. */
void vgpu_frame_drop(struct vgpu_vram *vram, struct vgpu_block *frame)
{
	struct vgpu_residency *res = vram->residency;

	spin_lock(&res->lock);
	res->nr_frames--;
	spin_unlock(&res->lock);
	vgpu_vram_free(vram, frame, false);
}

/**
 * vgpu_vram_enable_paging() - BOs may be pageable from now on
 * @vram: whose
 *
 * Takes a sixteenth of VRAM for frames, which stays, so that fault-in gets on
 * whatever else VRAM is used for.
 *
 * Context: process; one call at a time.
 * Return: 0, also when it was done before; -EOPNOTSUPP when the GPU can't go
 * on after a fault, or has too large pages; -ENOSPC, -ENOMEM.
 */
int vgpu_vram_enable_paging(struct vgpu_vram *vram)
{
	u32 max = vram->pages >> VGPU_FRAME_ORDER;
	struct vgpu_residency *res;
	int err = -ENOMEM;

	if (vram->residency)
		return 0;
	if ((vram->caps & (VGPU_HW_MMU | VGPU_HW_RESTART)) !=
	    (VGPU_HW_MMU | VGPU_HW_RESTART) ||
	    vgpu_vram_unit(vram) > VGPU_CHUNK_BYTES)
		return -EOPNOTSUPP;
	res = kzalloc(sizeof(*res), GFP_KERNEL);
	if (!res)
		return -ENOMEM;
	spin_lock_init(&res->lock);
	init_waitqueue_head(&res->wait);
	vgpu_lru_init(res);
	vgpu_sink_init(vram, res);
	res->free = kvcalloc(max, sizeof(*res->free), GFP_KERNEL);
	if (!res->free || vgpu_tier_init(&res->tier))
		goto err_free;
	res->min_frames = max_t(u32, max / RESERVE_PART, RESERVE_MIN);

	err = -ENOSPC;
	while (res->nr_frames < res->min_frames) {
		struct vgpu_block *frame;

		frame = vgpu_vram_alloc(vram, VGPU_FRAME_PAGES,
					VGPU_FRAME_PAGES, VGPU_FRAME_ORDER,
					NULL, true);
		if (IS_ERR(frame)) {
			err = PTR_ERR(frame);
			goto err_frames;
		}
		set_frame(vram, frame);
		res->free[res->nr_free++] = frame;
		res->nr_frames++;
	}
	/* complete before anybody finds it, see vgpu_residency_of() */
	smp_store_release(&vram->residency, res);
	return 0;

err_frames:
	while (res->nr_free)
		vgpu_vram_free(vram, res->free[--res->nr_free], true);
err_free:
	vgpu_tier_fini(&res->tier);
	kvfree(res->free);
	kfree(res);
	return err;
}

/* Gives frames that nobody uses back, down to @keep. */
static bool trim(struct vgpu_vram *vram, u32 keep)
{
	struct vgpu_residency *res = vram->residency;
	struct vgpu_block *frame;
	bool some = false;

	for (;;) {
		frame = NULL;
		spin_lock(&res->lock);
		if (res->nr_free && res->nr_frames > keep)
			frame = res->free[--res->nr_free];
		spin_unlock(&res->lock);
		if (!frame)
			return some;
		vgpu_frame_drop(vram, frame);
		some = true;
	}
}

bool vgpu_residency_shrink(struct vgpu_vram *vram, u64 pages)
{
	struct vgpu_residency *res = vgpu_residency_of(vram);
	unsigned int failures = 0, waits = 0;
	u32 left = 0;
	bool some;

	some = vgpu_defrag_settle(vram);
	if (res)
		some |= trim(vram, res->min_frames);
	/* others may take what is given back here at once: not for as long as they do */
	if (res)
		left = READ_ONCE(res->nr_frames);
	while (left && READ_ONCE(vram->free_pages) < pages && failures < 16 &&
	       READ_ONCE(res->nr_frames) > res->min_frames &&
	       !READ_ONCE(res->ending) && !fatal_signal_pending(current)) {
		struct vgpu_block *frame = vgpu_residency_evict_one(vram,
								    NULL);

		if (!frame) {
			/* all are held or on their way, which does not last */
			if (waits++ == SHRINK_WAITS)
				break;
			wait_event_timeout(res->wait, READ_ONCE(res->nr_free) ||
					   READ_ONCE(res->ending) ||
					   READ_ONCE(res->nr_idle), HZ / 50);
			some |= trim(vram, res->min_frames);
			continue;
		}
		if (IS_ERR(frame)) {
			failures++;
			continue;
		}
		vgpu_frame_drop(vram, frame);
		some = true;
		left--;
	}
	/* or somebody else gave some back, since the caller found none */
	return some || READ_ONCE(vram->free_pages) >= pages;
}

/**
 * vgpu_vram_end_paging() - the GPU is about to go
 * @vram: whose
 *
 * Who waits for a frame gives up, and so does who comes; nothing else changes.
 *
 * Context: any that may take a spinlock.
 */
void vgpu_vram_end_paging(struct vgpu_vram *vram)
{
	struct vgpu_residency *res = vgpu_residency_of(vram);

	if (!res)
		return;
	WRITE_ONCE(res->ending, true);
	wake_up_all(&res->wait);
}

/* The GPU is gone: nothing is evicted any more. */
void vgpu_residency_unplug(struct vgpu_vram *vram)
{
	vgpu_vram_end_paging(vram);
	if (vram->residency)
		trim(vram, 0);
}

/* With the last reference to @vram, so without BOs. */
void vgpu_residency_destroy(struct vgpu_vram *vram)
{
	struct vgpu_residency *res = vram->residency;

	if (!res)
		return;
	vgpu_sink_fini(res);
	vgpu_tier_fini(&res->tier);
	kvfree(res->free);
	kfree(res);
}

/**
 * vgpu_vram_get_paging() - figures of now
 * @vram: whose
 * @st: filled; zeros when nothing was ever pageable
 *
 * Context: process.
 */
void vgpu_vram_get_paging(struct vgpu_vram *vram, struct vgpu_paging_stats *st)
{
	struct vgpu_residency *res = vgpu_residency_of(vram);
	struct vgpu_tier_stats *tier;

	memset(st, 0, sizeof(*st));
	if (res) {
		spin_lock(&res->lock);
		*st = res->stats;
		st->frames = res->nr_frames;
		st->frames_free = res->nr_free;
		spin_unlock(&res->lock);
	}
	st->ahead_max = READ_ONCE(vram->read_ahead);
	st->tier_limit = READ_ONCE(vram->tier_limit);
	if (!res)
		return;
	tier = &res->tier.stats;
	spin_lock(&res->tier.lock);
	st->stored = tier->stored_pages << PAGE_SHIFT;
	st->same = tier->same_pages << PAGE_SHIFT;
	st->plain = tier->plain_pages << PAGE_SHIFT;
	st->packed = tier->packed_bytes;
	st->system = tier->system_pages << PAGE_SHIFT;
	st->cold = tier->cold_pages << PAGE_SHIFT;
	st->reserve_used = tier->fallbacks;
	st->lz4 = tier->codec_pages[VGPU_CODEC_LZ4] << PAGE_SHIFT;
	st->lzo_rle = tier->codec_pages[VGPU_CODEC_LZO_RLE] << PAGE_SHIFT;
	st->zstd = tier->codec_pages[VGPU_CODEC_ZSTD] << PAGE_SHIFT;
	spin_unlock(&res->tier.lock);
}

VGPU_EXPORT_IF_KUNIT(vgpu_frame_free);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_enable_paging);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_get_paging);
