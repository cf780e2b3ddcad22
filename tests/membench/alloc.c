// SPDX-License-Identifier: GPL-2.0
/*
 * The same trace of allocations and frees for everybody: 4 KiB to 256 KiB, at
 * a given fill of 256 MiB, each pair a free of a block by chance and an
 * allocation of another size. Nobody zeroes anything, and what vgpu keeps
 * beside, quotas, whose each page is and what may hold secrets, is counted in.
 */
#include <linux/err.h>
#include <linux/genalloc.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "bench.h"
#include "buddy.h"

#define BYTES		SZ_256M
#define PAGES		(BYTES >> VGPU_PAGE_SHIFT)
#define MAX_SLOTS	PAGES
#define SIZES		7
#define PAIRS		8000
#define REPEATS		3

struct contender {
	const char *name;
	const char *strategy;
	bool pools;
	int (*init)(const struct contender *c);
	void (*fini)(void);
	void *(*alloc)(unsigned int order);
	void (*free)(void *block, unsigned int order);
};

/* One step: the slot's block goes, one of @order comes. */
struct step {
	u32 slot;
	u32 order;
};

struct trace {
	u32 slots;
	u8 order[MAX_SLOTS];		/* to begin with */
	struct step step[PAIRS];
};

struct slot {
	void *block;
	u32 order;
};

static struct mb_gpu *gpu;

static int vgpu_init(const struct contender *c)
{
	int err;

	gpu = mb_gpu_create(BYTES, false, false);
	if (!gpu)
		return -ENOMEM;
	err = vgpu_vram_set_strategy(gpu->vram, c->strategy);
	vgpu_vram_set_pools(gpu->vram, c->pools);
	if (err)
		mb_gpu_destroy(gpu);
	return err;
}

static void vgpu_fini(void)
{
	mb_gpu_destroy(gpu);
}

static void *vgpu_alloc(unsigned int order)
{
	struct vgpu_block *block;

	block = vgpu_vram_alloc(gpu->vram, 1U << order, 1U << order, order,
				NULL, false);
	return IS_ERR(block) ? NULL : block;
}

static void vgpu_free(void *block, unsigned int order)
{
	vgpu_vram_free(gpu->vram, block, true);
}

#ifdef VGPU_BUDDY
static struct vgpu_compat_buddy buddy;

static int buddy_init(const struct contender *c)
{
	return vgpu_compat_buddy_init(&buddy, BYTES, SZ_4K);
}

static void buddy_fini(void)
{
	vgpu_compat_buddy_fini(&buddy);
}

static void *buddy_alloc(unsigned int order)
{
	u64 bytes = (u64)SZ_4K << order;
	LIST_HEAD(blocks);

	if (vgpu_compat_buddy_alloc(&buddy, BYTES, bytes, &blocks))
		return NULL;
	return list_first_entry(&blocks, struct vgpu_compat_buddy_block, link);
}

static void buddy_free(void *block, unsigned int order)
{
	vgpu_compat_buddy_free(&buddy, block);
}
#endif

#ifdef CONFIG_GENERIC_ALLOCATOR
static struct gen_pool *pool;

static int genalloc_init(const struct contender *c)
{
	pool = gen_pool_create(VGPU_PAGE_SHIFT, NUMA_NO_NODE);
	if (!pool)
		return -ENOMEM;
	return gen_pool_add(pool, SZ_1G, BYTES, NUMA_NO_NODE);
}

static void genalloc_fini(void)
{
	gen_pool_destroy(pool);
}

static void *genalloc_alloc(unsigned int order)
{
	return (void *)gen_pool_alloc(pool, (size_t)SZ_4K << order);
}

static void genalloc_free(void *block, unsigned int order)
{
	gen_pool_free(pool, (unsigned long)block, (size_t)SZ_4K << order);
}
#endif

#define VGPU(n, s, p)	{ n, s, p, vgpu_init, vgpu_fini, vgpu_alloc, vgpu_free }

static const struct contender contenders[] = {
	VGPU("best", "best", false),
	VGPU("first", "first", false),
	VGPU("worst", "worst", false),
	VGPU("buddy", "buddy", false),
	VGPU("buddy_pools", "buddy", true),
#ifdef VGPU_BUDDY
	{ "drm_buddy", NULL, false, buddy_init, buddy_fini, buddy_alloc, buddy_free },
#endif
#ifdef CONFIG_GENERIC_ALLOCATOR
	{ "genalloc", NULL, false, genalloc_init, genalloc_fini, genalloc_alloc,
	  genalloc_free },
#endif
};

static void make_trace(struct trace *t, unsigned int percent)
{
	u32 target = PAGES / 100 * percent, total = 0, i;
	struct rnd_state rnd;
	u8 *now = vmalloc(MAX_SLOTS);

	prandom_seed_state(&rnd, percent);
	for (t->slots = 0; total < target && now; t->slots++) {
		t->order[t->slots] = prandom_u32_state(&rnd) % SIZES;
		now[t->slots] = t->order[t->slots];
		total += 1U << t->order[t->slots];
	}
	for (i = 0; i < PAIRS && now; i++) {
		struct step *s = &t->step[i];

		s->slot = prandom_u32_state(&rnd) % t->slots;
		s->order = prandom_u32_state(&rnd) % SIZES;
		total -= 1U << now[s->slot];
		if (total + (1U << s->order) > target)
			s->order = now[s->slot];
		now[s->slot] = s->order;
		total += 1U << s->order;
	}
	vfree(now);
}

/* Cost of a pair, in thousandths of what the clock counts; 0: it went wrong. */
static u64 run(const struct contender *c, const struct trace *t,
	       struct slot *slots, u32 *failed)
{
	u64 start, cost;
	u32 i;

	if (c->init(c))
		return 0;
	for (i = 0; i < t->slots; i++) {
		slots[i].order = t->order[i];
		slots[i].block = c->alloc(t->order[i]);
	}
	*failed = 0;
	start = mb_now();
	for (i = 0; i < PAIRS; i++) {
		const struct step *s = &t->step[i];
		struct slot *slot = &slots[s->slot];

		if (slot->block)
			c->free(slot->block, slot->order);
		slot->order = s->order;
		slot->block = c->alloc(s->order);
		*failed += !slot->block;
	}
	cost = mb_now() - start;
	for (i = 0; i < t->slots; i++) {
		if (slots[i].block)
			c->free(slots[i].block, slots[i].order);
		if (!(i % 1024))
			cond_resched();
	}
	c->fini();
	return div_u64(cost * 1000, PAIRS);
}

int mb_alloc(void)
{
	static const unsigned int fill[] = { 1, 10, 25, 50, 60, 75, 90, 95 };
	struct slot *slots = vzalloc(MAX_SLOTS * sizeof(*slots));
	struct trace *t = vzalloc(sizeof(*t));
	unsigned int f, i, r;
	int err = -ENOMEM;

	if (!slots || !t)
		goto out;
	for (f = 0; f < ARRAY_SIZE(fill); f++) {
		u64 best[ARRAY_SIZE(contenders)];
		u32 failed[ARRAY_SIZE(contenders)];
		char key[48];

		make_trace(t, fill[f]);
		memset(best, 0xff, sizeof(best));
		/* in turns, so that what disturbs one disturbs all */
		for (r = 0; r < REPEATS; r++)
			for (i = 0; i < ARRAY_SIZE(contenders); i++) {
				u64 cost = run(&contenders[i], t, slots,
					       &failed[i]);

				if (!cost)
					goto out;
				best[i] = min(best[i], cost);
				cond_resched();
			}
		for (i = 0; i < ARRAY_SIZE(contenders); i++) {
			snprintf(key, sizeof(key), "alloc.%s.%u",
				 contenders[i].name, fill[f]);
			mb_result(key, best[i]);
			snprintf(key, sizeof(key), "failed.%s.%u",
				 contenders[i].name, fill[f]);
			mb_result(key, failed[i]);
		}
	}
	err = 0;
out:
	vfree(slots);
	vfree(t);
	return err;
}
