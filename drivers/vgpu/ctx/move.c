// SPDX-License-Identifier: GPL-2.0
/*
 * Moves a context's state between an engine and memory.
 *
 * Saving goes in the order of the enum: CONTROL first, since it is the small
 * section that says how far the job got and by which the others are read, and
 * MMU last, since until then the engine may need its address space to push
 * out what it holds (a real engine writes state through its own translations).
 *
 * Restoring begins with MMU for the same reason from the other side: no
 * section may be read back through the address space of whoever ran before.
 * The others follow in the order of the enum.
 *
 * A section that did not change since it was loaded or saved is not copied
 * again: what memory holds of it is still right. One that never changed since
 * the engine was cleared was never saved, and is not loaded either: the caller
 * clears an engine before it loads, which leaves it the same.  Where a backend
 * tells more, the same goes for each block of a section: `held` has those that
 * memory holds, and the others are what clearing leaves.  When more than half of
 * the blocks changed, the section goes in one piece.
 */
#include <linux/bitmap.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <vgpu/ctx.h>
#include <vgpu/kunit.h>

static unsigned int blocks_of(u32 bytes)
{
	return DIV_ROUND_UP(bytes, VGPU_SEC_BLOCK);
}

/* All of it, in one piece. */
static void save_whole(struct vgpu_ctx_state *st,
		       const struct vgpu_backend_ops *ops, void *hw,
		       unsigned int engine, unsigned int sec)
{
	u32 used = ops->save(hw, engine, sec, st->data[sec]);

	if (used > st->size[sec]) {
		pr_err_once("vgpu: engine %u saved %u bytes of section %u, of %u at most\n",
			    engine, used, sec, st->size[sec]);
		used = st->size[sec];
		st->stats.oversized++;
	}
	st->used[sec] = used;
	st->valid |= BIT(sec);
	st->stats.bytes_saved += used;
	if (st->held[sec])
		bitmap_fill(st->held[sec], blocks_of(st->size[sec]));
}

/* What changed of it, if it has blocks and no more than half of them did. */
static bool save_blocks(struct vgpu_ctx_state *st,
			const struct vgpu_backend_ops *ops, void *hw,
			unsigned int engine, unsigned int sec)
{
	unsigned int all, changed, first, end;
	bool valid = st->valid & BIT(sec);
	u32 bytes;

	st->in_blocks &= ~BIT(sec);
	if (!st->held[sec])
		return false;
	bitmap_zero(st->changed[sec], blocks_of(st->size[sec]));
	bytes = ops->blocks(hw, engine, sec, st->changed[sec]);
	if (!bytes || bytes > st->size[sec] ||
	    (valid && bytes != st->used[sec]))
		return false;
	st->in_blocks |= BIT(sec);
	all = blocks_of(bytes);
	changed = bitmap_weight(st->changed[sec], all);
	if (changed * 2 > all) {
		st->stats.fallbacks++;
		return false;
	}
	st->stats.bytes_skipped += (u64)(all - changed) * VGPU_SEC_BLOCK;
	if (!changed)
		return true;	/* and if it is not valid, it was never used */
	/* Of a job before this one memory may hold anything. */
	if (!valid)
		bitmap_zero(st->held[sec], blocks_of(st->size[sec]));
	for (first = find_first_bit(st->changed[sec], all); first < all;
	     first = find_next_bit(st->changed[sec], all, end)) {
		end = find_next_zero_bit(st->changed[sec], all, first);
		ops->save_blocks(hw, engine, sec, st->data[sec], first,
				 end - first);
	}
	bitmap_or(st->held[sec], st->held[sec], st->changed[sec], all);
	st->used[sec] = bytes;
	st->valid |= BIT(sec);
	st->stats.bytes_saved += (u64)changed * VGPU_SEC_BLOCK;
	return true;
}

/**
 * vgpu_ctx_save() - copies out what changed, or all
 * @st: where to; the state of the context that is in the engine
 * @ops: of the backend, which has VGPU_HW_SAVE
 * @hw: handed to @ops
 * @engine: stopped
 * @all: whether it changed or not
 *
 * Context: any that @ops allows: atomic.
 */
void vgpu_ctx_save(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine, bool all)
{
	u32 dirty = ops->dirty(hw, engine);
	u64 start = ktime_get_ns();
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		if (!st->size[sec])
			continue;
		if (all) {
			st->in_blocks &= ~BIT(sec);
			save_whole(st, ops, hw, engine, sec);
		} else if (!(dirty & BIT(sec))) {
			st->stats.sections_skipped++;
			if (st->valid & BIT(sec))
				st->stats.bytes_skipped += st->used[sec];
		} else if (!save_blocks(st, ops, hw, engine, sec)) {
			save_whole(st, ops, hw, engine, sec);
		}
	}
	st->stats.saves++;
	st->stats.save_ns += ktime_get_ns() - start;
}

/* Runs of blocks from @*next on, until @most are loaded; false: no more. */
static bool load_blocks(struct vgpu_ctx_state *st,
			const struct vgpu_backend_ops *ops, void *hw,
			unsigned int engine, unsigned int sec,
			unsigned int *next, unsigned int most)
{
	unsigned int all = blocks_of(st->used[sec]), first, end = *next;
	const unsigned long *held = st->held[sec];

	most = min(most, all);
	while (most) {
		first = find_next_bit(held, all, end);
		if (first >= all)
			break;
		end = find_next_zero_bit(held, all, first);
		end = min(end, first + most);
		ops->load_blocks(hw, engine, sec, st->data[sec], first,
				 end - first);
		st->stats.bytes_loaded += (u64)(end - first) * VGPU_SEC_BLOCK;
		most -= end - first;
	}
	*next = end;
	return end < all && find_next_bit(held, all, end) < all;
}

/* A part of section @sec; false: that was the last. */
static bool load_section(struct vgpu_ctx_state *st,
			 const struct vgpu_backend_ops *ops, void *hw,
			 unsigned int engine, unsigned int sec,
			 unsigned int *block, unsigned int most)
{
	unsigned int all = blocks_of(st->used[sec]);

	if (!(st->valid & BIT(sec)))
		return false;
	if ((st->in_blocks & BIT(sec)) &&
	    (all > most || !bitmap_full(st->held[sec], all))) {
		if (load_blocks(st, ops, hw, engine, sec, block, most))
			return true;
		st->stats.bytes_skipped +=
			(u64)(all - bitmap_weight(st->held[sec], all)) *
			VGPU_SEC_BLOCK;
		return false;
	}
	ops->load(hw, engine, sec, st->data[sec], st->used[sec]);
	st->stats.bytes_loaded += st->used[sec];
	return false;
}

static bool load_part(struct vgpu_ctx_state *st,
		      const struct vgpu_backend_ops *ops, void *hw,
		      unsigned int engine, struct vgpu_ctx_cursor *at,
		      unsigned int most)
{
	/* MMU, and then those before it in the enum. */
	unsigned int sec = at->sections ? at->sections - 1 : VGPU_SEC_MMU;

	if (at->sections == VGPU_SEC_COUNT)
		return false;
	if (load_section(st, ops, hw, engine, sec, &at->block, most))
		return true;
	at->block = 0;
	if (++at->sections < VGPU_SEC_COUNT)
		return true;
	st->stats.loads++;
	return false;
}

/**
 * vgpu_ctx_load_step() - copies a part of what is saved back
 * @st: where from, with something saved, which stays the same until all of it
 *	is loaded
 * @ops: of the backend, which has VGPU_HW_SAVE
 * @hw: handed to @ops
 * @engine: cleared for this context, before the first part
 * @at: how far it has got; all zero to begin with
 *
 * Context: any that @ops allows: atomic.
 * Return: whether there is more.
 */
bool vgpu_ctx_load_step(struct vgpu_ctx_state *st,
			const struct vgpu_backend_ops *ops, void *hw,
			unsigned int engine, struct vgpu_ctx_cursor *at)
{
	return load_part(st, ops, hw, engine, at,
			 VGPU_CTX_STEP_BYTES / VGPU_SEC_BLOCK);
}

/**
 * vgpu_ctx_load() - copies all that is saved back
 * @st: where from; with nothing saved, nothing happens
 * @ops: of the backend, which has VGPU_HW_SAVE
 * @hw: handed to @ops
 * @engine: stopped, and cleared for this context
 *
 * Context: any that @ops allows: atomic.
 */
void vgpu_ctx_load(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine)
{
	struct vgpu_ctx_cursor at = {};
	u64 start = ktime_get_ns();

	if (!st->valid)
		return;
	while (load_part(st, ops, hw, engine, &at, UINT_MAX))
		;
	st->stats.load_ns += ktime_get_ns() - start;
}

VGPU_EXPORT_IF_KUNIT(vgpu_ctx_save);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_load);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_load_step);
