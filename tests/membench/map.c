// SPDX-License-Identifier: GPL-2.0
/* Mapping beside bare loops; what a region costs, and finding one. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmstat.h>
#include "bench.h"

#define RW		(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define MAPPED		SZ_64M
#define PTES		(MAPPED / SZ_4K)
#define TABLES		(MAPPED / SZ_2M)
#define BASE		0x40000000ULL
#define REPEATS		5

/* Through the backend's operations, as the walker has to. */
static u64 loop_by_ops(struct mb_gpu *gpu, u64 tables)
{
	struct vgpu_hw_pte batch[VGPU_PTE_BATCH / 4];
	unsigned int i, round, n = 0;
	u64 start = mb_now();

	for (i = 0; i < TABLES; i++)
		gpu->ops.vram_clear(gpu, tables + i * SZ_4K, SZ_4K);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < PTES; i++) {
			batch[n].addr = tables + 8ULL * i;
			batch[n].value = round ? 0 :
				mb_format.pte(i * (u64)SZ_4K, RW, false, 0);
			if (++n < ARRAY_SIZE(batch))
				continue;
			gpu->ops.pte_write(gpu, batch, n);
			n = 0;
		}
	}
	return mb_now() - start;
}

/* Nothing but stores: the least that any machine could do. */
static u64 loop_of_stores(struct mb_gpu *gpu, u64 tables)
{
	u64 *pte = (u64 *)(gpu->mem + tables), start = mb_now();
	unsigned int i;

	memset(pte, 0, TABLES * SZ_4K);
	for (i = 0; i < PTES; i++)
		WRITE_ONCE(pte[i], i * (u64)SZ_4K | RW << 1 | BIT(4) | BIT(0));
	for (i = 0; i < PTES; i++)
		WRITE_ONCE(pte[i], 0);
	return mb_now() - start;
}

static int map_once(struct vgpu_as *as, struct vgpu_bo *bo, u64 va, u64 *cost,
		    u64 *ptes)
{
	struct vgpu_as_stats before, after;
	u64 start;
	int err;

	vgpu_as_get_stats(as, &before);
	start = mb_now();
	err = vgpu_as_map(as, bo, 0, va, MAPPED, RW);
	vgpu_as_get_stats(as, &after);
	if (!err)
		err = vgpu_as_unmap(as, va, MAPPED);
	*cost = min(*cost, mb_now() - start);
	*ptes = after.ptes_written - before.ptes_written;
	return err;
}

int mb_map(void)
{
	struct mb_gpu *gpu = mb_gpu_create(SZ_128M, true, true);
	u64 small = U64_MAX, large = U64_MAX, ops = U64_MAX, stores = U64_MAX;
	u64 small_ptes, large_ptes;
	struct vgpu_bo *bo, *tables;
	struct vgpu_as *as;
	unsigned int r;
	int err;

	if (!gpu)
		return -ENOMEM;
	bo = vgpu_bo_create(gpu->vram, NULL, MAPPED, SZ_2M, 0);
	tables = vgpu_bo_create(gpu->vram, NULL, TABLES * SZ_4K, 0,
				VGPU_BO_CONTIGUOUS);
	as = vgpu_as_create(gpu->vram, NULL, 1);
	err = IS_ERR(bo) || IS_ERR(tables) || IS_ERR(as) ? -ENOMEM : 0;
	for (r = 0; r < REPEATS && !err; r++) {
		u64 at = vgpu_bo_vram_addr(tables);

		ops = min(ops, loop_by_ops(gpu, at));
		stores = min(stores, loop_of_stores(gpu, at));
		/* beside each other by a page: no large leaf fits */
		err = map_once(as, bo, BASE + SZ_4K, &small, &small_ptes);
		if (!err)
			err = map_once(as, bo, BASE, &large, &large_ptes);
	}
	if (!err) {
		mb_result("map.small", small);
		mb_result("map.large", large);
		mb_result("map.loop_by_ops", ops);
		mb_result("map.loop_of_stores", stores);
		mb_result("ptes.small", small_ptes);
		mb_result("ptes.large", large_ptes);
	}
	if (!IS_ERR(as))
		vgpu_as_destroy(as);
	if (!IS_ERR(tables))
		vgpu_bo_put(tables);
	if (!IS_ERR(bo))
		vgpu_bo_put(bo);
	mb_gpu_destroy(gpu);
	return err;
}

#define SPACES		1000
#define REGIONS		1000
#define LOOKUPS		20000

/* Regions and address spaces are slab objects. */
static u64 slab_bytes(void)
{
	return (u64)global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B) <<
	       PAGE_SHIFT;
}

static u64 lookup_cost(struct vgpu_as **as, u32 spaces, u32 regions)
{
	struct rnd_state rnd;
	u64 start, addr, best = U64_MAX;
	u32 i, r;

	for (r = 0; r < 3; r++) {
		prandom_seed_state(&rnd, 1);
		start = mb_now();
		for (i = 0; i < LOOKUPS; i++) {
			u32 which = prandom_u32_state(&rnd);
			u32 space = which % spaces, region = (which >> 16) % regions;

			if (vgpu_as_translate(as[space],
					      BASE + region * (u64)SZ_64K, SZ_4K,
					      VGPU_PROT_READ, &addr))
				return 0;
		}
		best = min(best, mb_now() - start);
		cond_resched();
	}
	return div_u64(best * 1000, LOOKUPS);
}

/* Without an MMU: what the kernel keeps of a region, and no tables. */
int mb_regions(void)
{
	struct mb_gpu *gpu = mb_gpu_create(SZ_2M, false, false);
	struct vgpu_as **as;
	struct vgpu_bo *bo = NULL;
	static const u32 counts[] = { 10, 100, 1000 };
	u32 i, r, done = 0, c;
	u64 before;
	char key[48];
	int err = -ENOMEM;

	as = kcalloc(SPACES, sizeof(*as), GFP_KERNEL);
	if (!as || !gpu)
		goto out;
	bo = vgpu_bo_create(gpu->vram, NULL, SZ_4K, 0, VGPU_BO_CONTIGUOUS);
	if (IS_ERR(bo)) {
		bo = NULL;
		goto out;
	}
	before = slab_bytes();
	for (i = 0; i < SPACES; i++) {
		as[i] = vgpu_as_create(gpu->vram, NULL, i + 1);
		if (IS_ERR(as[i])) {
			as[i] = NULL;
			goto out;
		}
	}
	for (c = 0; c < ARRAY_SIZE(counts); c++) {
		for (i = 0; i < SPACES; i++)
			for (r = done; r < counts[c]; r++) {
				err = vgpu_as_map(as[i], bo, 0,
						  BASE + r * (u64)SZ_64K, SZ_4K,
						  RW);
				if (err)
					goto out;
			}
		done = counts[c];
		snprintf(key, sizeof(key), "lookup.%u", done);
		mb_result(key, lookup_cost(as, SPACES, done));
		cond_resched();
	}
	mb_result("region.bytes", div_u64(slab_bytes() - before,
					  SPACES * REGIONS));
	mb_result("region.struct", sizeof(struct vgpu_region));
	err = 0;
out:
	for (i = 0; as && i < SPACES; i++) {
		if (as[i])
			vgpu_as_destroy(as[i]);
		cond_resched();
	}
	kfree(as);
	if (bo)
		vgpu_bo_put(bo);
	if (gpu)
		mb_gpu_destroy(gpu);
	return err;
}
