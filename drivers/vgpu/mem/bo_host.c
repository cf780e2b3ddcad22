// SPDX-License-Identifier: GPL-2.0
/*
 * Buffer objects in system memory: pages of our own, or somebody else's (a
 * guest's), with a bus address for each GPU base page.
 *
 * Only coherent mappings will do. Engines and CPUs use the memory at the same
 * time, so there is no point at which a bounce buffer could be copied.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

#define HOST_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* Bus addresses go, and with them foreign pages. */
void vgpu_bo_host_unmap_dma(struct vgpu_bo *bo)
{
	void (*release)(void *arg) = bo->release;

	while (bo->dma_mapped)
		dma_unmap_page(bo->vram->dev, bo->dma[--bo->dma_mapped],
			       vgpu_vram_unit(bo->vram), DMA_BIDIRECTIONAL);
	bo->release = NULL;
	if (release)
		release(bo->release_arg);
}

static int map_dma(struct vgpu_bo *bo)
{
	unsigned int per_unit = vgpu_vram_unit(bo->vram) >> PAGE_SHIFT;
	unsigned long i, count = bo->bytes >> bo->vram->unit_shift;
	struct device *dev = bo->vram->dev;

	for (i = 0; i < count; i++) {
		bo->dma[i] = dma_map_page(dev, bo->page[i * per_unit], 0,
					  vgpu_vram_unit(bo->vram),
					  DMA_BIDIRECTIONAL);
		if (dma_mapping_error(dev, bo->dma[i]))
			return -ENOMEM;
		bo->dma_mapped++;
		if (dma_need_sync(dev, bo->dma[i]))
			return -EOPNOTSUPP;
		if (bo->dma[i] & (vgpu_vram_unit(bo->vram) - 1))
			return -EOPNOTSUPP;
		if (!(i % 1024))
			cond_resched();
	}
	return 0;
}

/* Pages of our own; a GPU base page is contiguous, but each can go alone. */
static int alloc_pages_own(struct vgpu_bo *bo, unsigned long *have)
{
	unsigned int order = bo->vram->unit_shift - PAGE_SHIFT;
	unsigned long count = bo->bytes >> PAGE_SHIFT;
	unsigned int i;

	while (*have < count) {
		struct page *page;

		if (fatal_signal_pending(current))
			return -EINTR;
		page = alloc_pages_node(bo->vram->numa_node,
					HOST_GFP | __GFP_ZERO |
					__GFP_RETRY_MAYFAIL, order);
		if (!page)
			return -ENOMEM;
		if (order)
			split_page(page, order);
		for (i = 0; i < 1U << order; i++)
			bo->page[(*have)++] = page + i;
		if (!(*have % 1024))
			cond_resched();
	}
	return 0;
}

static void free_pages_own(struct vgpu_bo *bo, unsigned long have)
{
	while (have)
		__free_page(bo->page[--have]);
}

/**
 * vgpu_bo_create_host() - system memory that the GPU reaches
 * @vram: of the GPU
 * @bytes: length, rounded up to the GPU's base pages
 * @pages: foreign pages, one for each PAGE_SIZE of @bytes (rounded); the array
 *	is copied. NULL: pages of our own, zeroed
 * @release: foreign pages only: called once, when no engine and no mapping
 *	can reach them any more: by vgpu_bo_revoke() or the last put. It may
 *	take any lock, but not revoke or put this BO. Not called when this
 *	function fails
 * @arg: for @release
 *
 * Context: process; sleeps.
 * Return: memory with one reference; -EINVAL for bad arguments, -EOPNOTSUPP
 * when the GPU can't reach system memory (or not coherently, or has base pages
 * that foreign pages can't make up), -ENOMEM, -EINTR, -ENODEV when the GPU is
 * gone.
 */
struct vgpu_bo *vgpu_bo_create_host(struct vgpu_vram *vram, u64 bytes,
				    struct page **pages,
				    void (*release)(void *arg), void *arg)
{
	u64 unit = vgpu_vram_unit(vram);
	unsigned long count, have = 0;
	struct vgpu_bo *bo;
	int err;

	if (!bytes || bytes > U64_MAX - unit || !pages != !release)
		return ERR_PTR(-EINVAL);
	if (!vram->dev || !(vram->caps & VGPU_HW_HOST_MEM))
		return ERR_PTR(-EOPNOTSUPP);
	if (pages && unit > PAGE_SIZE)
		return ERR_PTR(-EOPNOTSUPP);
	if (vgpu_vram_gone(vram))
		return ERR_PTR(-ENODEV);
	bytes = ALIGN(bytes, unit);
	if (bytes >> PAGE_SHIFT > totalram_pages())
		return ERR_PTR(-ENOMEM);
	count = bytes >> PAGE_SHIFT;

	bo = kzalloc(sizeof(*bo), HOST_GFP);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	vgpu_bo_common_init(bo, vram, bytes);
	bo->host = true;
	bo->foreign = pages;

	err = -ENOMEM;
	bo->page = kvmalloc_array(count, sizeof(*bo->page), HOST_GFP);
	bo->dma = kvmalloc_array(bytes >> vram->unit_shift, sizeof(*bo->dma),
				 HOST_GFP);
	if (!bo->page || !bo->dma)
		goto err_free;

	if (pages) {
		memcpy(bo->page, pages, count * sizeof(*pages));
	} else {
		err = alloc_pages_own(bo, &have);
		if (err)
			goto err_pages;
	}
	err = map_dma(bo);
	if (err)
		goto err_dma;

	/* from here on the pages are ours to release */
	bo->release = release;
	bo->release_arg = arg;
	return bo;

err_dma:
	vgpu_bo_host_unmap_dma(bo);
err_pages:
	free_pages_own(bo, have);
err_free:
	kvfree(bo->dma);
	kvfree(bo->page);
	kfree(bo);
	vgpu_vram_put(vram);
	return ERR_PTR(err);
}

/* The last reference is gone. */
void vgpu_bo_host_fini(struct vgpu_bo *bo)
{
	vgpu_bo_host_unmap_dma(bo);
	if (!bo->foreign)
		free_pages_own(bo, bo->bytes >> PAGE_SHIFT);
	kvfree(bo->dma);
	kvfree(bo->page);
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_create_host);
