// SPDX-License-Identifier: GPL-2.0
/* The GPU of bench.h: its operations cost next to nothing. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "bench.h"

static struct page *gpu_page(void *hw, u64 addr)
{
	struct mb_gpu *gpu = hw;

	return gpu->mem ? vmalloc_to_page(gpu->mem + addr) : NULL;
}

static void gpu_clear(void *hw, u64 addr, u64 bytes)
{
	struct mb_gpu *gpu = hw;

	if (gpu->mem)
		memset(gpu->mem + addr, 0, bytes);
}

static void gpu_pte_write(void *hw, const struct vgpu_hw_pte *ptes,
			  unsigned int count)
{
	struct mb_gpu *gpu = hw;
	unsigned int i;

	for (i = 0; i < count; i++)
		WRITE_ONCE(*(u64 *)(gpu->mem + ptes[i].addr), ptes[i].value);
}

static void gpu_invalidate(void *hw, u32 asid, u64 va, u64 bytes)
{
}

static void gpu_sync(void *hw)
{
}

/* That of the reference GPU, without its bits for what was used. */
static u64 make_pte(u64 addr, u32 prot, bool host, unsigned int level)
{
	return addr | prot << 1 | host << 5 | BIT(4) | BIT(0);
}

static u64 make_pde(u64 addr)
{
	return addr | BIT(0);
}

const struct vgpu_pt_format mb_format = {
	.name = "4k-9-9-9-9",
	.levels = 4,
	.bits = { 9, 9, 9, 9 },
	.page_shift = 12,
	.large_levels = BIT(0) | BIT(1),
	.pte = make_pte,
	.pde = make_pde,
};

struct mb_gpu *mb_gpu_create(u64 bytes, bool memory, bool mmu)
{
	struct mb_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);

	if (!gpu)
		return NULL;
	if (memory) {
		gpu->mem = vzalloc(bytes);
		if (!gpu->mem)
			goto err;
	}
	gpu->ops.vram_page = gpu_page;
	gpu->ops.vram_clear = gpu_clear;
	gpu->ops.pte_write = gpu_pte_write;
	gpu->ops.tlb_invalidate = gpu_invalidate;
	gpu->ops.tlb_sync = gpu_sync;
	gpu->desc.vram_bytes = bytes;
	gpu->desc.numa_node = NUMA_NO_NODE;
	if (mmu) {
		gpu->desc.caps = VGPU_HW_MMU;
		gpu->desc.format = &mb_format;
	}
	gpu->vram = vgpu_vram_create(&gpu->ops, gpu, &gpu->desc, NULL);
	if (IS_ERR(gpu->vram))
		goto err;
	/* what was there before is no part of what is measured */
	bitmap_zero(gpu->vram->dirty, gpu->vram->pages);
	return gpu;
err:
	vfree(gpu->mem);
	kfree(gpu);
	return NULL;
}

void mb_gpu_destroy(struct mb_gpu *gpu)
{
	vgpu_vram_destroy(gpu->vram);
	vfree(gpu->mem);
	kfree(gpu);
}
