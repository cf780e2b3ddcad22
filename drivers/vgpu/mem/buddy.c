// SPDX-License-Identifier: GPL-2.0
/*
 * Buddies (Knuth, The Art of Computer Programming 1, 2.5): free memory is kept
 * in runs of 2^k pages at multiples of 2^k, and a run whose other half is free
 * is always merged with it. A request is served from the smallest run that has
 * it, at the lowest address, and what is left over goes back: so a block has
 * the pages that were asked for, and no page is lost to rounding.
 *
 * Free runs are bits, one map for each k, with a bit above for each word that
 * is not zero, and so on up to a single word. Finding the lowest run is one
 * find-first-set for each of these levels (four for a million pages), looking
 * at a buddy is one bit, and neither allocates nor touches other blocks. Two
 * bits for each page of VRAM are all the memory that it takes.
 *
 * What it can't do that fits can: find room across the boundary of two runs
 * that are free but no buddies.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include "mem_priv.h"

#define MAP_LEVELS	6	/* 64^6 runs */
#define MAX_ORDERS	32

/* The free runs of one size. */
struct buddy_map {
	unsigned int levels;
	unsigned long *level[MAP_LEVELS];	/* level[levels - 1]: one word */
};

struct buddy {
	unsigned int orders;
	u32 any;		/* bit k: a run of 2^k pages is free */
	struct buddy_map map[MAX_ORDERS];
	unsigned long words[];
};

static void map_set(struct buddy *b, unsigned int order, u32 i)
{
	struct buddy_map *map = &b->map[order];
	unsigned int level;

	for (level = 0; level < map->levels; level++) {
		unsigned long *word = &map->level[level][i / BITS_PER_LONG];
		unsigned long was = *word;

		*word |= BIT(i % BITS_PER_LONG);
		if (was)
			return;
		i /= BITS_PER_LONG;
	}
	b->any |= 1U << order;
}

static void map_clear(struct buddy *b, unsigned int order, u32 i)
{
	struct buddy_map *map = &b->map[order];
	unsigned int level;

	for (level = 0; level < map->levels; level++) {
		unsigned long *word = &map->level[level][i / BITS_PER_LONG];

		*word &= ~BIT(i % BITS_PER_LONG);
		if (*word)
			return;
		i /= BITS_PER_LONG;
	}
	b->any &= ~(1U << order);
}

static bool map_test(const struct buddy *b, unsigned int order, u32 i)
{
	return b->map[order].level[0][i / BITS_PER_LONG] &
	       BIT(i % BITS_PER_LONG);
}

/* The lowest; there is one. */
static u32 map_first(const struct buddy *b, unsigned int order)
{
	const struct buddy_map *map = &b->map[order];
	unsigned int level = map->levels;
	u32 i = 0;

	while (level--)
		i = i * BITS_PER_LONG + __ffs(map->level[level][i]);
	return i;
}

/* A run is free; merged as far as its buddies are. */
static void give_run(struct buddy *b, u32 first, unsigned int order)
{
	u32 i = first >> order;

	for (; order + 1 < b->orders && map_test(b, order, i ^ 1); order++) {
		map_clear(b, order, i ^ 1);
		i >>= 1;
	}
	map_set(b, order, i);
}

static void give_range(struct buddy *b, u32 first, u32 pages)
{
	while (pages) {
		unsigned int order = ilog2(pages);

		if (first)
			order = min_t(unsigned int, order, __ffs(first));
		give_run(b, first, order);
		first += 1U << order;
		pages -= 1U << order;
	}
}

static void *buddy_init(const struct vgpu_vram *vram)
{
	unsigned int orders = ilog2(vram->pages) + 1, order, pass, level;
	struct buddy *b = NULL;
	size_t words = 0;

	/* first how much, then where */
	for (pass = 0; pass < 2; pass++) {
		words = 0;
		for (order = 0; order < orders; order++) {
			/* the last run's buddy has a bit, which stays clear */
			size_t n = (vram->pages >> order) + 2;

			for (level = 0; level < MAP_LEVELS; level++) {
				n = DIV_ROUND_UP(n, BITS_PER_LONG);
				if (b) {
					b->map[order].level[level] = b->words + words;
					b->map[order].levels = level + 1;
				}
				words += n;
				if (n == 1)
					break;
			}
		}
		if (b)
			break;
		b = kvzalloc(struct_size(b, words, words), GFP_KERNEL);
		if (!b)
			return ERR_PTR(-ENOMEM);
		b->orders = orders;
	}
	return b;
}

static void buddy_fini(void *state)
{
	kvfree(state);
}

static void buddy_build(struct vgpu_vram *vram, struct list_head *spare)
{
	struct rb_node *rb;
	u32 at = 0;

	for (rb = rb_first(&vram->taken); rb; rb = rb_next(rb)) {
		struct vgpu_block *block = rb_entry(rb, struct vgpu_block, node);

		give_range(vram->strategy_state, at, block->first - at);
		at = block->first + block->pages;
	}
	give_range(vram->strategy_state, at, vram->pages - at);
}

static void buddy_drop(struct vgpu_vram *vram, struct list_head *spare)
{
}

static bool buddy_take(struct vgpu_vram *vram, struct vgpu_block *block,
		       unsigned int order, u32 pages, struct list_head *spare)
{
	struct buddy *b = vram->strategy_state;
	unsigned int want = order_base_2(pages), have;
	u32 larger, first;

	lockdep_assert_held(&vram->lock);
	want = max(order, want);
	if (want >= b->orders)
		return false;
	larger = b->any >> want << want;
	if (!larger)
		return false;
	have = __ffs(larger);
	first = map_first(b, have);
	map_clear(b, have, first);
	first <<= have;
	/* the upper halves go back; their buddies are not free */
	while (have > want) {
		have--;
		map_set(b, have, (first >> have) | 1);
	}
	if (pages < 1U << want)
		give_range(b, first + pages, (1U << want) - pages);
	block->first = first;
	block->pages = pages;
	return true;
}

static void buddy_take_at(struct vgpu_vram *vram, struct vgpu_block *block,
			  u32 first, u32 pages, struct list_head *spare)
{
	struct buddy *b = vram->strategy_state;
	u32 at = first, end = first + pages;

	lockdep_assert_held(&vram->lock);
	block->first = first;
	block->pages = pages;
	while (at < end) {
		unsigned int order = 0;
		u32 from, to;

		while (order < b->orders && !map_test(b, order, at >> order))
			order++;
		if (WARN_ON_ONCE(order == b->orders))
			return;
		map_clear(b, order, at >> order);
		from = at >> order << order;
		to = from + (1U << order);
		give_range(b, from, at - from);
		if (to > end)
			give_range(b, end, to - end);
		at = to;
	}
}

static void buddy_give(struct vgpu_vram *vram, struct vgpu_block *block,
		       struct list_head *spare)
{
	lockdep_assert_held(&vram->lock);
	give_range(vram->strategy_state, block->first, block->pages);
	list_add(&block->link, spare);
}

/* Also at any smaller alignment: a run is aligned to its size. */
static u32 buddy_largest(const struct vgpu_vram *vram, unsigned int order)
{
	const struct buddy *b = vram->strategy_state;

	return b->any >> order ? 1U << __fls(b->any) : 0;
}

const struct vgpu_vram_strategy vgpu_strategy_buddy = {
	.name = "buddy",
	.init = buddy_init,
	.fini = buddy_fini,
	.build = buddy_build,
	.drop = buddy_drop,
	.take = buddy_take,
	.take_at = buddy_take_at,
	.give = buddy_give,
	.largest = buddy_largest,
};
