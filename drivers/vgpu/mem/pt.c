// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables: one walker for every format.
 *
 * The GPU walks tables in VRAM. All decisions here are made on a copy in
 * system memory (struct vgpu_pt) that knows for each table how many entries
 * are in use, and for tables above the lowest level whether an entry is empty,
 * a table or a large leaf. What a leaf contains follows from the region that
 * covers it. So VRAM is written in batches and never read back: a GPU behind a
 * slow bus costs no round trips, and a tenant that found a way to scribble on
 * its tables could not make the kernel free or follow anything.
 *
 * Engines may set accessed and dirty bits in the entries. They have to do so
 * by compare-and-exchange on a present entry, so that one that was cleared is
 * never brought back. Only harvesting looks at those bits (harvest.c); a split
 * gives leaves in which both are set, since the large one's may have been.
 *
 * The order that makes unmapping safe:
 *   1. entries are cleared (an entry for a table that becomes empty is
 *      cleared instead of all of the table's),
 *   2. translations are dropped, for all that steps 1 covered and for the
 *      whole span of tables that go, since engines may cache those too,
 *   3. tlb_sync() waits until no engine uses an old one,
 *   4. tables, and then the memory they pointed at, are scrubbed and freed.
 *
 * Mapping needs no step 2: absent entries are not cached. Splitting a large
 * leaf fills the new table before it takes the leaf's place, so what stays
 * mapped stays reachable at every moment.
 *
 * Every table but the root has an entry in use, between operations. Memory that
 * is evicted keeps its tables: an entry is in use as long as its page is mapped,
 * and is absent all the same while the page is not in VRAM.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include "mem_priv.h"

/* How much VRAM a table takes. */
static u64 table_bytes(const struct vgpu_as *as, unsigned int level)
{
	return max(8ULL << as->vram->format->bits[level], VGPU_PAGE_BYTES);
}

static void batch_flush(struct vgpu_as *as)
{
	struct vgpu_vram *vram = as->vram;
	int idx = srcu_read_lock(&vram->gate);

	if (as->batched && !vgpu_vram_gone(vram)) {
		vram->ops->pte_write(vram->hw, as->batch, as->batched);
		as->stats.ptes_written += as->batched;
	}
	srcu_read_unlock(&vram->gate, idx);
	as->batched = 0;
	cond_resched();
}

static void batch_add(struct vgpu_as *as, const struct vgpu_pt *pt,
		      unsigned int index, u64 value)
{
	struct vgpu_hw_pte *pte;

	if (as->batched == VGPU_PTE_BATCH)
		batch_flush(as);
	pte = &as->batch[as->batched++];
	pte->addr = pt->addr + 8ULL * index;
	pte->value = value;
}

static struct vgpu_pt *pt_create(struct vgpu_as *as, unsigned int level)
{
	u64 bytes = table_bytes(as, level);
	u32 pages = bytes >> VGPU_PAGE_SHIFT;
	struct vgpu_pt *pt;
	int err;

	if (as->acct) {
		err = vgpu_mem_charge_fixed(as->acct, bytes, bytes);
		if (err)
			return ERR_PTR(err);
	}
	err = -ENOMEM;
	pt = kzalloc(sizeof(*pt), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pt)
		goto err_uncharge;
	if (level) {
		pt->child = kvcalloc(1U << as->vram->format->bits[level],
				     sizeof(*pt->child),
				     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!pt->child)
			goto err_free;
	}
	pt->block = vgpu_vram_alloc(as->vram, pages, pages, ilog2(pages), NULL,
				    true);
	if (IS_ERR(pt->block)) {
		err = PTR_ERR(pt->block);
		goto err_child;
	}
	pt->as = as;
	pt->addr = vgpu_block_addr(pt->block);
	pt->level = level;
	vgpu_block_set_pt(as->vram, pt->block, pt);
	INIT_LIST_HEAD(&pt->link);
	as->stats.table_bytes += bytes;
	return pt;

err_child:
	kvfree(pt->child);
err_free:
	kfree(pt);
err_uncharge:
	if (as->acct)
		vgpu_mem_uncharge_fixed(as->acct, bytes, bytes);
	return ERR_PTR(err);
}

/* No engine can reach @pt, and it has no tables below. */
static void pt_free(struct vgpu_as *as, struct vgpu_pt *pt, bool untouched)
{
	u64 bytes = table_bytes(as, pt->level);

	list_del(&pt->link);
	vgpu_vram_free(as->vram, pt->block, untouched);
	kvfree(pt->child);
	kfree(pt);
	as->stats.table_bytes -= bytes;
	if (as->acct)
		vgpu_mem_uncharge_fixed(as->acct, bytes, bytes);
}

static void link_table(struct vgpu_as *as, struct vgpu_pt *pt,
		       unsigned int index, struct vgpu_pt *child, u64 va)
{
	WRITE_ONCE(child->va, va);
	if (!pt->child[index])
		pt->live++;
	pt->child[index] = child;
	batch_add(as, pt, index, as->vram->format->pde(child->addr));
}

/* The empty table below @index, which translates @va among others, goes. */
static void unlink_table(struct vgpu_as *as, struct vgpu_pt *pt,
			 unsigned int index, u64 va)
{
	u64 span = vgpu_pt_span(as, pt->level);

	batch_add(as, pt, index, 0);
	list_add(&pt->child[index]->link, &as->dead);
	pt->child[index] = NULL;
	pt->live--;
	vgpu_pt_want_flush(as, va & ~(span - 1), (va & ~(span - 1)) + span);
}

static bool leaf_fits(const struct vgpu_as *as, const struct vgpu_pt *pt,
		      const struct vgpu_bo_cursor *cur, u64 va, u64 end)
{
	u64 span = vgpu_pt_span(as, pt->level);

	/* whose parts come and go, and each finds its table there */
	if (cur->bo->paged)
		return false;
	return (as->vram->format->large_levels & BIT(pt->level)) &&
	       !pt->child[vgpu_pt_index(as, pt->level, va)] &&
	       !(va & (span - 1)) && end - va >= span &&
	       !(cur->addr & (span - 1)) && cur->left >= span;
}

/* Base pages from @va to @end, which are all of table @pt. */
static void map_pages(struct vgpu_as *as, struct vgpu_pt *pt,
		      struct vgpu_bo_cursor *cur, u64 va, u64 end, u32 prot)
{
	const struct vgpu_pt_format *fmt = as->vram->format;
	unsigned int index = vgpu_pt_index(as, 0, va);
	u64 span = vgpu_pt_span(as, 0);
	bool host = cur->bo->host;

	while (va < end) {
		u64 run = min(cur->left, end - va);
		unsigned int n = run >> as->vram->pt_shift[0];
		u64 addr = cur->addr;

		pt->live += n;
		if (addr == VGPU_ADDR_NONE)
			index += n;
		else
			for (; n; n--, addr += span)
				batch_add(as, pt, index++,
					  fmt->pte(addr, prot, host, 0));
		va += run;
		vgpu_bo_cursor_advance(cur, run);
	}
}

/* Up to @end or to the end of the table. *va tells how far it came. */
static int map_level(struct vgpu_as *as, struct vgpu_pt *pt,
		     struct vgpu_bo_cursor *cur, u64 *va, u64 end, u32 prot)
{
	const struct vgpu_pt_format *fmt = as->vram->format;
	u64 span = vgpu_pt_span(as, pt->level);
	int err;

	if (!pt->level) {
		map_pages(as, pt, cur, *va, end, prot);
		*va = end;
		return 0;
	}
	while (*va < end) {
		unsigned int index = vgpu_pt_index(as, pt->level, *va);
		struct vgpu_pt *child;
		u64 sub_end;

		if (leaf_fits(as, pt, cur, *va, end)) {
			batch_add(as, pt, index,
				  fmt->pte(cur->addr, prot, cur->bo->host,
					   pt->level));
			pt->child[index] = VGPU_PT_LEAF;
			pt->live++;
			*va += span;
			vgpu_bo_cursor_advance(cur, span);
			continue;
		}

		child = pt->child[index];
		if (!child) {
			child = pt_create(as, pt->level - 1);
			if (IS_ERR(child))
				return PTR_ERR(child);
			link_table(as, pt, index, child, *va);
		}
		sub_end = min(end, (*va & ~(span - 1)) + span);
		err = map_level(as, child, cur, va, sub_end, prot);
		if (err) {
			if (!child->live)
				unlink_table(as, pt, index, *va);
			return err;
		}
	}
	return 0;
}

/* [@va, @end) is mapped throughout, and large leaves lie inside or outside. */
static void clear_level(struct vgpu_as *as, struct vgpu_pt *pt, u64 va, u64 end)
{
	u64 span = vgpu_pt_span(as, pt->level);
	u64 next;

	if (!pt->level) {
		unsigned int count = (end - va) >> as->vram->pt_shift[0];

		/* the last entries: the entry for the table goes instead */
		if (count >= pt->live && pt != as->root) {
			pt->live = 0;
			return;
		}
		pt->live -= count;
		for (; va < end; va += span)
			batch_add(as, pt, vgpu_pt_index(as, 0, va), 0);
		return;
	}

	for (; va < end; va = next) {
		unsigned int index = vgpu_pt_index(as, pt->level, va);
		struct vgpu_pt *child = pt->child[index];

		next = min(end, (va & ~(span - 1)) + span);
		if (!child)
			continue;
		if (child == VGPU_PT_LEAF) {
			batch_add(as, pt, index, 0);
			pt->child[index] = NULL;
			pt->live--;
			continue;
		}
		clear_level(as, child, va, next);
		if (!child->live)
			unlink_table(as, pt, index, va);
	}
}

/**
 * vgpu_pt_clear() - takes translations away
 * @as: address space, locked
 * @va: first address
 * @end: one past the last; all of the range is mapped, and no large leaf
 *	reaches over its ends
 *
 * Takes effect with vgpu_pt_sync(). Can't fail.
 */
void vgpu_pt_clear(struct vgpu_as *as, u64 va, u64 end)
{
	lockdep_assert_held(&as->lock);
	if (!as->root || va >= end)
		return;
	clear_level(as, as->root, va, end);
	vgpu_pt_want_flush(as, va, end);
}

/**
 * vgpu_pt_sync() - makes what was cleared unreachable and frees empty tables
 * @as: address space, locked
 *
 * On return no engine uses a translation that was taken away.
 */
void vgpu_pt_sync(struct vgpu_as *as)
{
	struct vgpu_vram *vram = as->vram;
	struct vgpu_pt *pt, *next;
	int idx;

	lockdep_assert_held(&as->lock);
	batch_flush(as);
	if (as->flush_lo < as->flush_hi) {
		idx = srcu_read_lock(&vram->gate);
		if (!vgpu_vram_gone(vram)) {
			vram->ops->tlb_invalidate(vram->hw, as->asid,
						  as->flush_lo,
						  as->flush_hi - as->flush_lo);
			vram->ops->tlb_sync(vram->hw);
			as->stats.invalidations++;
		}
		srcu_read_unlock(&vram->gate, idx);
		as->flush_lo = U64_MAX;
		as->flush_hi = 0;
	}
	list_for_each_entry_safe(pt, next, &as->dead, link)
		pt_free(as, pt, false);
}

/**
 * vgpu_pt_map() - writes the translations of a region
 * @as: address space, locked
 * @region: of which nothing is mapped yet
 *
 * Return: 0; or -EDQUOT, -ENOSPC, -ENOMEM for want of a table, and then all
 * is as it was.
 */
int vgpu_pt_map(struct vgpu_as *as, const struct vgpu_region *region)
{
	struct vgpu_bo_cursor cur;
	u64 va = region->va;
	int err;

	lockdep_assert_held(&as->lock);
	if (!as->root)
		return 0;
	vgpu_bo_cursor_init(&cur, region->bo, region->offset);
	err = map_level(as, as->root, &cur, &va, vgpu_region_end(region),
			region->prot);
	if (err) {
		/* an engine may have run ahead into what was there already */
		vgpu_pt_clear(as, region->va, va);
		vgpu_pt_sync(as);
		return err;
	}
	batch_flush(as);
	return 0;
}

/*
 * What an engine wrote through the entries before memory was moved is not known
 * any more, so they say that it did.
 */
static u64 moved_pte(const struct vgpu_as *as, const struct vgpu_region *region,
		     u64 addr, unsigned int level)
{
	const struct vgpu_pt_format *fmt = as->vram->format;
	u64 used = region->bo->paged ? 0 : fmt->accessed | fmt->dirty;

	return addr == VGPU_ADDR_NONE ? 0 :
	       fmt->pte(addr, region->prot, false, level) | used;
}

/**
 * vgpu_pt_refresh() - makes entries say where the memory is now
 * @as: address space, locked
 * @region: a mapping of a BO in VRAM
 * @va: first address in it
 * @end: one past the last
 *
 * Entries of memory that is evicted, or being moved, become absent; translations
 * are dropped with the next vgpu_pt_sync(). Can't fail for base pages.
 *
 * Return: false: a large leaf reaches out of the range; it stays as it is.
 */
bool vgpu_pt_refresh(struct vgpu_as *as, const struct vgpu_region *region,
		     u64 va, u64 end)
{
	struct vgpu_bo_cursor cur;
	bool all = true;
	u64 step;

	lockdep_assert_held(&as->lock);
	vgpu_bo_cursor_init(&cur, region->bo, region->offset + va - region->va);
	for (; va < end; va += step) {
		struct vgpu_pt *pt = as->root, *child;
		u64 span, base;

		while (pt && pt->level) {
			child = pt->child[vgpu_pt_index(as, pt->level, va)];
			if (child == VGPU_PT_LEAF)
				break;
			pt = child;
		}
		if (WARN_ON_ONCE(!pt))
			return false;
		span = vgpu_pt_span(as, pt->level);
		base = va & ~(span - 1);
		step = min(end, base + span) - va;
		if (step < span ||
		    (cur.addr != VGPU_ADDR_NONE &&
		     (cur.left < span || (cur.addr & (span - 1))))) {
			all = false;
		} else {
			batch_add(as, pt, vgpu_pt_index(as, pt->level, va),
				  moved_pte(as, region, cur.addr, pt->level));
			if (cur.addr == VGPU_ADDR_NONE)
				vgpu_pt_want_flush(as, va, va + span);
		}
		vgpu_bo_cursor_skip(&cur, step);
	}
	return all;
}

/* The large leaf that @va is in the middle of: its table, or NULL. */
static struct vgpu_pt *leaf_across(struct vgpu_as *as, u64 va)
{
	struct vgpu_pt *pt = as->root;

	while (pt && pt->level) {
		struct vgpu_pt *child =
			pt->child[vgpu_pt_index(as, pt->level, va)];

		if (child == VGPU_PT_LEAF)
			return va & (vgpu_pt_span(as, pt->level) - 1) ? pt : NULL;
		pt = child;
	}
	return NULL;
}

/* Does the table of @level that a split at @at needs serve one at @va too? */
static bool split_shared(const struct vgpu_as *as, unsigned int level, u64 va,
			 u64 at)
{
	u64 below = vgpu_pt_span(as, level + 1) - 1;

	return va != at && (va & below) && !((va ^ at) & ~below);
}

static int reserve_split(struct vgpu_as *as, u64 va, u64 at)
{
	struct vgpu_pt *across = leaf_across(as, at);
	unsigned int level = across ? across->level : 0;

	while (level && (at & (vgpu_pt_span(as, level) - 1))) {
		struct vgpu_pt *pt;

		if (split_shared(as, --level, va, at))
			continue;
		pt = pt_create(as, level);
		if (IS_ERR(pt))
			return PTR_ERR(pt);
		list_add(&pt->link, &as->spare);
	}
	return 0;
}

/**
 * vgpu_pt_reserve_split() - makes sure that two splits can't fail
 * @as: address space, locked
 * @va: where vgpu_pt_split() will be called
 * @end: and where after that
 *
 * What is not used is freed by vgpu_pt_unreserve(), also after an error.
 * Return: 0, -EDQUOT, -ENOSPC, -ENOMEM.
 */
int vgpu_pt_reserve_split(struct vgpu_as *as, u64 va, u64 end)
{
	int err;

	lockdep_assert_held(&as->lock);
	err = reserve_split(as, va, va);
	return err ? err : reserve_split(as, va, end);
}

static struct vgpu_pt *take_spare(struct vgpu_as *as, unsigned int level)
{
	struct vgpu_pt *pt;

	list_for_each_entry(pt, &as->spare, link) {
		if (pt->level == level) {
			list_del_init(&pt->link);
			return pt;
		}
	}
	return NULL;
}

/**
 * vgpu_pt_split() - makes leaves begin at an address
 * @as: address space, locked; vgpu_pt_reserve_split() was called for @va
 * @va: a multiple of the base page
 *
 * Changes no translation. The large ones that engines may have cached are
 * dropped with the next vgpu_pt_sync().
 */
void vgpu_pt_split(struct vgpu_as *as, u64 va)
{
	const struct vgpu_pt_format *fmt = as->vram->format;
	struct vgpu_pt *pt;

	lockdep_assert_held(&as->lock);
	while ((pt = leaf_across(as, va))) {
		struct vgpu_pt *table = take_spare(as, pt->level - 1);
		u64 span = vgpu_pt_span(as, pt->level);
		u64 part = vgpu_pt_span(as, pt->level - 1);
		u64 base = va & ~(span - 1);
		unsigned int i, count = 1U << fmt->bits[pt->level - 1];
		struct vgpu_region *region;
		struct vgpu_bo_cursor cur;

		region = vgpu_region_first(as, va, va + 1);
		if (WARN_ON_ONCE(!table || !region))
			return;
		/*
		 * A leaf maps contiguous memory of one region, unless that is
		 * just being moved; who moves it writes the entries then.
		 */
		vgpu_bo_cursor_init(&cur, region->bo,
				    region->offset + base - region->va);
		for (i = 0; i < count; i++) {
			batch_add(as, table, i, cur.addr == VGPU_ADDR_NONE ? 0 :
				  fmt->pte(cur.addr, region->prot,
					   region->bo->host, table->level) |
				  fmt->accessed | fmt->dirty);
			if (table->level)
				table->child[i] = VGPU_PT_LEAF;
			vgpu_bo_cursor_skip(&cur, part);
		}
		table->live = count;
		link_table(as, pt, vgpu_pt_index(as, pt->level, va), table,
			   base);
		vgpu_pt_want_flush(as, base, base + span);
	}
}

/**
 * vgpu_pt_unreserve() - frees tables that no split has used
 * @as: address space, locked
 */
void vgpu_pt_unreserve(struct vgpu_as *as)
{
	struct vgpu_pt *pt, *next;

	lockdep_assert_held(&as->lock);
	list_for_each_entry_safe(pt, next, &as->spare, link)
		pt_free(as, pt, true);
}

/* All but the root, whose address engines know, where none may fault. vram->lock is held. */
bool vgpu_pt_can_move(const struct vgpu_pt *pt)
{
	return pt->level + 1 < pt->as->vram->format->levels &&
	       !pt->as->tables_stay;
}

/* The table of @level for @va, and the one above it, or NULL. */
static struct vgpu_pt *find_table(struct vgpu_as *as, unsigned int level,
				  u64 va, struct vgpu_pt **above)
{
	struct vgpu_pt *pt = as->root;

	while (pt && pt != VGPU_PT_LEAF && pt->level > level) {
		*above = pt;
		pt = pt->child[vgpu_pt_index(as, pt->level, va)];
	}
	return pt == VGPU_PT_LEAF ? NULL : pt;
}

/**
 * vgpu_pt_move() - a page table goes to another place
 * @as: its address space, not locked
 * @block: where it is; not to be looked at until it is known to be there
 * @level: of the table, not the root's
 * @va: an address that it translates
 * @to: page; free
 *
 * Engines that need it meanwhile fault, and wait for as->lock then.
 *
 * Context: process; sleeps.
 * Return: 0; -EBUSY: it is not there any more, or the place is taken; -ENOMEM,
 * -ENODEV. It is where it was then.
 */
int vgpu_pt_move(struct vgpu_as *as, const struct vgpu_block *block,
		 unsigned int level, u64 va, u32 to)
{
	u32 pages = table_bytes(as, level) >> VGPU_PAGE_SHIFT;
	struct vgpu_block *place;
	struct vgpu_pt *pt, *above = NULL;
	unsigned int index;
	int err = -EBUSY;
	u64 span;

	place = vgpu_vram_alloc_at(as->vram, to, pages, ilog2(pages), NULL,
				   true);
	if (IS_ERR(place))
		return PTR_ERR(place);
	mutex_lock(&as->lock);
	pt = find_table(as, level, va, &above);
	if (!pt || !above || pt->block != block)
		goto out;
	index = vgpu_pt_index(as, above->level, va);
	span = vgpu_pt_span(as, above->level);
	batch_add(as, above, index, 0);
	vgpu_pt_want_flush(as, va & ~(span - 1), (va & ~(span - 1)) + span);
	/* who faults from now on looks at this when he gets the lock */
	as->table_moved = jiffies;
	vgpu_pt_sync(as);

	err = -ENODEV;
	if (vgpu_vram_copy(as->vram, vgpu_block_addr(place), pt->addr,
			   (u64)pages << VGPU_PAGE_SHIFT)) {
		vgpu_block_set_pt(as->vram, place, pt);
		swap(pt->block, place);
		pt->addr = vgpu_block_addr(pt->block);
		err = 0;
	}
	batch_add(as, above, index, as->vram->format->pde(pt->addr));
	vgpu_pt_sync(as);
	as->table_moved = jiffies;
out:
	mutex_unlock(&as->lock);
	vgpu_vram_free(as->vram, place, false);
	return err;
}

/* The root; everything else comes with what is mapped. */
int vgpu_pt_init(struct vgpu_as *as)
{
	struct vgpu_pt *root;

	INIT_LIST_HEAD(&as->spare);
	INIT_LIST_HEAD(&as->dead);
	as->flush_lo = U64_MAX;
	if (!as->vram->format)
		return 0;
	root = pt_create(as, as->vram->format->levels - 1);
	if (IS_ERR(root))
		return PTR_ERR(root);
	as->root = root;
	return 0;
}

static void free_below(struct vgpu_as *as, struct vgpu_pt *pt)
{
	unsigned int i;

	for (i = 0; pt->level && i < 1U << as->vram->format->bits[pt->level];
	     i++) {
		if (pt->child[i] && pt->child[i] != VGPU_PT_LEAF)
			free_below(as, pt->child[i]);
	}
	pt_free(as, pt, false);
}

/* All translations go at once, with the tables: no engine may start anew. */
void vgpu_pt_fini(struct vgpu_as *as)
{
	lockdep_assert_held(&as->lock);
	if (!as->root)
		return;
	vgpu_pt_want_flush(as, 0, vgpu_pt_span(as, as->vram->format->levels));
	vgpu_pt_sync(as);
	free_below(as, as->root);
	as->root = NULL;
}
