// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a pageable BO: its chunks, from the first, which take nothing, to
 * the last, wherever they are then. What happens to them meanwhile is
 * residency.c's.
 */
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "residency.h"

/* @bo->bytes is set, a multiple of chunks. Nothing takes VRAM yet. */
struct vgpu_paged *vgpu_paged_create(struct vgpu_bo *bo)
{
	struct vgpu_residency *res = vgpu_residency_of(bo->vram);
	u64 count = bo->bytes >> VGPU_CHUNK_SHIFT;
	struct vgpu_paged *paged;
	u32 i;

	if (count > U32_MAX)
		return ERR_PTR(-EINVAL);
	paged = kvzalloc(struct_size(paged, chunk, count),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!paged)
		return ERR_PTR(-ENOMEM);
	paged->memcg = get_mem_cgroup_from_mm(current->mm);
	paged->codec = VGPU_CODECS;
	paged->count = count;
	for (i = 0; i < count; i++) {
		INIT_LIST_HEAD(&paged->chunk[i].lru);
		INIT_LIST_HEAD(&paged->chunk[i].aged);
		paged->chunk[i].bo = bo;
		paged->chunk[i].state = VGPU_CHUNK_EVICTED;
	}
	spin_lock(&res->lock);
	res->stats.evicted += bo->bytes;
	vgpu_lru_enter(res, bo);
	spin_unlock(&res->lock);
	return paged;
}

static bool is_busy(struct vgpu_residency *res, struct vgpu_paged *paged)
{
	bool busy;

	spin_lock(&res->lock);
	busy = paged->busy;
	spin_unlock(&res->lock);
	return busy;
}

/* The last reference is gone: nobody maps it, but some may be on its way. */
void vgpu_paged_free(struct vgpu_bo *bo)
{
	struct vgpu_paged *paged = bo->paged;
	struct vgpu_vram *vram = bo->vram;
	struct vgpu_residency *res = vram->residency;
	u64 resident = 0;
	u32 i;

	for (i = 0; i < paged->count; i++) {
		struct vgpu_chunk *chunk = &paged->chunk[i];
		struct vgpu_block *frame = NULL;

		/* one that is let go of unevicted may become a victim anew */
		for (;;) {
			spin_lock(&res->lock);
			if (chunk->state == VGPU_CHUNK_RESIDENT ||
			    chunk->state == VGPU_CHUNK_EVICTED)
				break;
			spin_unlock(&res->lock);
			wait_event(res->wait,
				   !vgpu_chunk_in_transit(res, chunk));
		}
		vgpu_lru_del(res, chunk);
		vgpu_sink_del(res, chunk);
		frame = chunk->frame;
		chunk->frame = NULL;
		chunk->state = VGPU_CHUNK_EVICTED;
		if (frame) {
			resident += VGPU_CHUNK_BYTES;
			res->stats.resident -= VGPU_CHUNK_BYTES;
		} else {
			res->stats.evicted -= VGPU_CHUNK_BYTES;
		}
		spin_unlock(&res->lock);
		if (frame) {
			/* before the BO goes: vgpu_vram_owner_at() asks for it */
			vgpu_block_set_bo(vram, frame, NULL, 0);
			vgpu_frame_free(vram, frame);
		} else {
			vgpu_chunk_drop(chunk, &chunk->stored);
		}
		cond_resched();
	}
	/* whoever worked on a chunk has yet to say that it is done */
	wait_event(res->wait, !is_busy(res, paged));
	vgpu_chunk_account(bo, -(s64)resident);
	spin_lock(&res->lock);
	vgpu_lru_leave(res, bo);
	spin_unlock(&res->lock);
	if (paged->file)
		fput(paged->file);
	mem_cgroup_put(paged->memcg);
	kvfree(paged);
}

/*
 * The VRAM behind @offset, or VGPU_ADDR_NONE, and for how many bytes that
 * goes on.
 */
u64 vgpu_paged_run(const struct vgpu_bo *bo, u64 offset, u64 *addr)
{
	struct vgpu_residency *res = bo->vram->residency;
	struct vgpu_chunk *chunk = vgpu_chunk_at(bo, offset);
	u64 in = offset & (VGPU_CHUNK_BYTES - 1);

	spin_lock(&res->lock);
	*addr = chunk->state == VGPU_CHUNK_RESIDENT ?
		vgpu_block_addr(chunk->frame) + in : VGPU_ADDR_NONE;
	spin_unlock(&res->lock);
	return VGPU_CHUNK_BYTES - in;
}

/**
 * vgpu_bo_is_pageable() - may it be evicted?
 * @bo: what
 */
bool vgpu_bo_is_pageable(const struct vgpu_bo *bo)
{
	return bo->paged;
}
EXPORT_SYMBOL_NS_GPL(vgpu_bo_is_pageable, VGPU);
