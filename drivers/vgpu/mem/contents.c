// SPDX-License-Identifier: GPL-2.0
/*
 * The contents of a chunk on their way: from its frame to compressed memory, from
 * there to a file, and from either back to a frame. Whose chunk it is, and what
 * others make of it meanwhile, is residency.c's.
 */
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include "residency.h"

#define CODEC_SAMPLE	64		/* chunks until codecs are tried anew */
#define FETCH_TIMEOUT	(10 * HZ)	/* to wait for memory to read a file with */

static u32 slot_of(const struct vgpu_chunk *chunk)
{
	return chunk - chunk->bo->paged->chunk;
}

/* The pages of a frame. False: the GPU is gone. Under the gate. */
static bool frame_pages(struct vgpu_vram *vram, const struct vgpu_block *frame,
			struct page **page)
{
	unsigned int i;

	if (vgpu_vram_gone(vram))
		return false;
	for (i = 0; i < VGPU_CHUNK_PAGES; i++)
		page[i] = vram->ops->vram_page(vram->hw,
					       vgpu_block_addr(frame) +
					       i * PAGE_SIZE);
	return true;
}

int vgpu_chunk_store(struct vgpu_chunk *chunk)
{
	struct vgpu_mem_account *acct = chunk->bo->acct;
	struct vgpu_vram *vram = chunk->bo->vram;
	struct vgpu_tier *tier = &vram->residency->tier;
	struct vgpu_paged *paged = chunk->bo->paged;
	struct page *page[VGPU_CHUNK_PAGES];
	struct vgpu_tier_bench *bench;
	u8 sample = READ_ONCE(paged->sample);
	u8 codec = READ_ONCE(paged->codec);
	int err = -ENODEV;
	u32 bytes = 0;
	int idx;

	if (!sample)
		codec = VGPU_CODECS;
	bench = vgpu_tier_take(tier);
	idx = srcu_read_lock(&vram->gate);
	if (frame_pages(vram, chunk->frame, page)) {
		bytes = vgpu_tier_pack(bench, &chunk->stored, page, &codec);
		err = 0;
	}
	srcu_read_unlock(&vram->gate, idx);
	if (!err) {
		/* two at once may both find it, and agree or not: no matter */
		WRITE_ONCE(paged->codec, codec);
		WRITE_ONCE(paged->sample, sample ? sample - 1 :
			   codec < VGPU_CODECS ? CODEC_SAMPLE : 0);
		err = vgpu_tier_keep(tier, bench, &chunk->stored, bytes,
				     paged->memcg);
		if (acct && READ_ONCE(acct->squeezed) != (err == -EDQUOT))
			WRITE_ONCE(acct->squeezed, err == -EDQUOT);
		if (err == -EDQUOT)
			err = vgpu_acct_has_share(acct) ?
			      vgpu_tier_keep(tier, bench, &chunk->stored, bytes,
					     NULL) : -ENOMEM;
	}
	vgpu_tier_give(tier, bench);
	if (err)
		memset(&chunk->stored, 0, sizeof(chunk->stored));
	return err;
}

int vgpu_chunk_sink(struct vgpu_chunk *chunk)
{
	struct vgpu_tier *tier = &chunk->bo->vram->residency->tier;
	struct vgpu_paged *paged = chunk->bo->paged;
	int err;

	err = vgpu_cold_store(&paged->file, paged->count, slot_of(chunk),
			      &chunk->stored, paged->memcg);
	if (!err)
		vgpu_tier_sunk(tier, &chunk->stored);
	return err;
}

int vgpu_chunk_fetch(struct vgpu_chunk *chunk)
{
	struct vgpu_paged *paged = chunk->bo->paged;
	unsigned long deadline = jiffies + FETCH_TIMEOUT;
	int err;

	if (!chunk->stored.cold)
		return 0;
	for (;;) {
		if (READ_ONCE(chunk->bo->vram->residency->ending))
			return -ENODEV;
		err = vgpu_cold_fetch(paged->file, slot_of(chunk),
				      &chunk->stored, paged->memcg);
		/* the group may have room again in a moment */
		if (err != -ENOMEM || time_after(jiffies, deadline))
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		schedule_timeout_uninterruptible(HZ / 50);
	}
}

int vgpu_chunk_load(struct vgpu_chunk *chunk, struct vgpu_block *frame)
{
	struct vgpu_vram *vram = chunk->bo->vram;
	struct vgpu_tier *tier = &vram->residency->tier;
	struct page *page[VGPU_CHUNK_PAGES];
	struct vgpu_tier_bench *bench;
	int err = -ENODEV;
	int idx;

	bench = vgpu_tier_take(tier);
	idx = srcu_read_lock(&vram->gate);
	if (frame_pages(vram, frame, page))
		err = vgpu_tier_load(tier, bench, &chunk->stored, page) ? 0 :
									  -EIO;
	srcu_read_unlock(&vram->gate, idx);
	vgpu_tier_give(tier, bench);
	return err;
}

void vgpu_chunk_drop(struct vgpu_chunk *chunk, struct vgpu_stored *st)
{
	if (st->cold)
		vgpu_cold_punch(chunk->bo->paged->file, slot_of(chunk));
	vgpu_tier_drop(&chunk->bo->vram->residency->tier, st);
}
