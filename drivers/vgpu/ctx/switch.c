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
 * clears an engine before it loads, which leaves it the same.
 */
#include <linux/ktime.h>
#include <linux/printk.h>
#include <vgpu/ctx.h>
#include <vgpu/kunit.h>

/**
 * vgpu_ctx_save() - copies out what changed
 * @st: where to; the state of the context that is in the engine
 * @ops: of the backend, which has VGPU_HW_SAVE
 * @hw: handed to @ops
 * @engine: stopped
 *
 * Context: any that @ops allows: atomic.
 */
void vgpu_ctx_save(struct vgpu_ctx_state *st,
		   const struct vgpu_backend_ops *ops, void *hw,
		   unsigned int engine)
{
	u32 dirty = ops->dirty(hw, engine);
	u64 start = ktime_get_ns();
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		u32 used;

		if (!st->size[sec])
			continue;
		if (!(dirty & BIT(sec))) {
			st->stats.sections_skipped++;
			continue;
		}
		used = ops->save(hw, engine, sec, st->data[sec]);
		if (used > st->size[sec]) {
			pr_err_once("vgpu: engine %u saved %u bytes of section %u, of %u at most\n",
				    engine, used, sec, st->size[sec]);
			used = st->size[sec];
		}
		st->used[sec] = used;
		st->valid |= BIT(sec);
		st->stats.bytes_saved += used;
	}
	st->stats.saves++;
	st->stats.save_ns += ktime_get_ns() - start;
}

static void load_section(struct vgpu_ctx_state *st,
			 const struct vgpu_backend_ops *ops, void *hw,
			 unsigned int engine, unsigned int sec)
{
	if (!(st->valid & BIT(sec)))
		return;
	ops->load(hw, engine, sec, st->data[sec], st->used[sec]);
	st->stats.bytes_loaded += st->used[sec];
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
	u64 start = ktime_get_ns();
	unsigned int sec;

	if (!st->valid)
		return;
	load_section(st, ops, hw, engine, VGPU_SEC_MMU);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		if (sec != VGPU_SEC_MMU)
			load_section(st, ops, hw, engine, sec);
	st->stats.loads++;
	st->stats.load_ns += ktime_get_ns() - start;
}

VGPU_EXPORT_IF_KUNIT(vgpu_ctx_save);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_load);
