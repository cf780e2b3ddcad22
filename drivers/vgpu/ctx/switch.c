// SPDX-License-Identifier: GPL-2.0
/*
 * How an engine gets from one context to the next.
 *
 * A full switch saves everything, clears the engine and loads everything.  Most
 * of that can be left out, and each of the ways to do so can be switched off,
 * to see what it is worth:
 *
 *   incremental  what did not change is not saved, what clearing leaves as it
 *                was is not loaded (move.c)
 *   lazy         who runs next is who ran last: nothing is moved
 *   predicted    who is likely to be next is loaded into a second bank of the
 *                engine while it works, and then the banks change places
 *
 *          works             works
 *        +-------+  flip  +-------+
 *        | A     |  <-->  | B     |  A, just saved, stays in the other bank:
 *        +-------+        +-------+  if it is next, it is there already
 *        +-------+        +-------+
 *        | B     |        | A     |  until somebody else is more likely, then
 *        +-------+        +-------+  the bank is cleared and loaded again
 *        loaded meanwhile
 *
 * What is in the spare bank is always a copy of what memory has, so that it can be
 * forgotten at any time; and it is, before that memory changes.
 */
#include <linux/string.h>
#include <vgpu/ctx.h>
#include <vgpu/kunit.h>

/**
 * vgpu_switch_init() - an engine that nothing was loaded to
 * @sw: to initialise
 * @ops: of its backend
 * @hw: handed to @ops
 * @engine: its number
 * @modes: VGPU_SWITCH_*
 */
void vgpu_switch_init(struct vgpu_switch *sw,
		      const struct vgpu_backend_ops *ops, void *hw,
		      unsigned int engine, u32 modes)
{
	memset(sw, 0, sizeof(*sw));
	sw->ops = ops;
	sw->hw = hw;
	sw->engine = engine;
	sw->modes = modes;
}

/**
 * vgpu_switch_can() - what a GPU can leave out
 * @caps: VGPU_HW_*
 *
 * Return: VGPU_SWITCH_*.
 */
u32 vgpu_switch_can(u64 caps)
{
	return caps & VGPU_HW_BANK ? VGPU_SWITCH_ALL :
	       VGPU_SWITCH_ALL & ~VGPU_SWITCH_PREDICTED;
}

/**
 * vgpu_switch_set_modes() - what is left out from now on
 * @sw: engine, which may run
 * @modes: VGPU_SWITCH_*
 *
 * Context: atomic.
 */
void vgpu_switch_set_modes(struct vgpu_switch *sw, u32 modes)
{
	sw->modes = modes;
	if (!(modes & VGPU_SWITCH_PREDICTED))
		vgpu_switch_forget(sw, NULL);
}

/* true: some section was saved in one piece that need not have been. */
static bool save(struct vgpu_switch *sw, struct vgpu_ctx_state *st)
{
	const struct vgpu_ctx_stats before = st->stats;
	bool all = !(sw->modes & VGPU_SWITCH_INCREMENTAL);

	vgpu_ctx_save(st, sw->ops, sw->hw, sw->engine, all);
	sw->stats.bytes_saved += st->stats.bytes_saved - before.bytes_saved;
	sw->stats.bytes_skipped += st->stats.bytes_skipped -
				   before.bytes_skipped;
	return all || st->stats.fallbacks != before.fallbacks;
}

static void load(struct vgpu_switch *sw, struct vgpu_ctx_state *st)
{
	const struct vgpu_ctx_stats before = st->stats;

	vgpu_ctx_load(st, sw->ops, sw->hw, sw->engine);
	sw->stats.bytes_loaded += st->stats.bytes_loaded - before.bytes_loaded;
	sw->stats.bytes_skipped += st->stats.bytes_skipped -
				   before.bytes_skipped;
}

/* Loads what is still missing in the spare bank of it, and takes it. */
static void flip(struct vgpu_switch *sw, struct vgpu_ctx_state *out)
{
	while (vgpu_switch_preload(sw, sw->spare, NULL))
		;
	sw->ops->flip(sw->hw, sw->engine);
	sw->spare = out;
	sw->ready = true;
	sw->kept = true;
}

/**
 * vgpu_switch_out() - keep what is in an engine
 * @sw: engine, stopped
 * @out: state of the context that is midway in it
 *
 * Context: any that the backend's operations allow: atomic.
 */
void vgpu_switch_out(struct vgpu_switch *sw, struct vgpu_ctx_state *out)
{
	save(sw, out);
}

/**
 * vgpu_switch_to() - go on with another context
 * @sw: engine, stopped
 * @out: state of the context that is midway in it, or NULL
 * @in: saved state of the next, or NULL: it has nothing in progress
 * @ctx: the next
 *
 * Context: any that the backend's operations allow: atomic.
 * Return: how.
 */
enum vgpu_switch_kind vgpu_switch_to(struct vgpu_switch *sw,
				     struct vgpu_ctx_state *out,
				     struct vgpu_ctx_state *in,
				     const struct vgpu_hw_ctx *ctx)
{
	bool full = !(sw->modes & VGPU_SWITCH_INCREMENTAL);
	enum vgpu_switch_kind kind;

	if (out)
		full = save(sw, out);
	if (in && in == sw->spare) {
		flip(sw, out);
		sw->stats.kind[VGPU_SWITCHED_PREDICTED]++;
		return VGPU_SWITCHED_PREDICTED;
	}
	sw->ops->clear(sw->hw, sw->engine, ctx);
	if (in)
		load(sw, in);
	if (!out && !in)
		kind = VGPU_SWITCHED_BARE;
	else
		kind = full ? VGPU_SWITCHED_FULL : VGPU_SWITCHED_INCREMENTAL;
	sw->stats.kind[kind]++;
	return kind;
}

/**
 * vgpu_switch_stay() - go on with the same context
 * @sw: engine, stopped
 * @st: state of the context that is midway in it
 * @ctx: that context
 *
 * Context: any that the backend's operations allow: atomic.
 * Return: how.
 */
enum vgpu_switch_kind vgpu_switch_stay(struct vgpu_switch *sw,
				       struct vgpu_ctx_state *st,
				       const struct vgpu_hw_ctx *ctx)
{
	if (!(sw->modes & VGPU_SWITCH_LAZY))
		return vgpu_switch_to(sw, st, st, ctx);
	sw->stats.kind[VGPU_SWITCHED_LAZY]++;
	return VGPU_SWITCHED_LAZY;
}

/**
 * vgpu_switch_preload() - load a part of who is likely next
 * @sw: engine of a GPU with VGPU_HW_BANK, which may run
 * @st: saved state of that context, which is not in the engine
 * @ctx: the context
 *
 * Context: any that the backend's operations allow: atomic.
 * Return: whether there is more to load.
 */
bool vgpu_switch_preload(struct vgpu_switch *sw, struct vgpu_ctx_state *st,
			 const struct vgpu_hw_ctx *ctx)
{
	const struct vgpu_ctx_stats *now = &st->stats, before = st->stats;
	unsigned int spare = sw->engine | VGPU_HW_SPARE;

	if (sw->spare != st) {
		if (sw->spare && !sw->kept)
			sw->stats.preloads_wasted++;
		sw->ops->clear(sw->hw, spare, ctx);
		sw->spare = st;
		memset(&sw->at, 0, sizeof(sw->at));
		sw->ready = false;
		sw->kept = false;
		sw->stats.preloads++;
		return true;
	}
	if (sw->ready)
		return false;
	sw->ready = !vgpu_ctx_load_step(st, sw->ops, sw->hw, spare, &sw->at);
	sw->stats.bytes_loaded += now->bytes_loaded - before.bytes_loaded;
	sw->stats.bytes_skipped += now->bytes_skipped - before.bytes_skipped;
	return !sw->ready;
}

/**
 * vgpu_switch_forget() - what is saved of a context is about to go
 * @sw: engine, which may run
 * @st: of that context; NULL: of any
 *
 * Context: any that the backend's operations allow: atomic.
 */
void vgpu_switch_forget(struct vgpu_switch *sw,
			const struct vgpu_ctx_state *st)
{
	static const struct vgpu_hw_ctx nobody;

	if (!sw->spare || (st && st != sw->spare))
		return;
	if (!sw->kept)
		sw->stats.preloads_wasted++;
	sw->ops->clear(sw->hw, sw->engine | VGPU_HW_SPARE, &nobody);
	sw->spare = NULL;
}

/**
 * vgpu_switch_wipe() - nothing of anybody is to be in the engine
 * @sw: engine, which is stopped; what it holds was saved or is not wanted
 *
 * Context: any that the backend's operations allow: atomic.
 */
void vgpu_switch_wipe(struct vgpu_switch *sw)
{
	static const struct vgpu_hw_ctx nobody;

	vgpu_switch_forget(sw, NULL);
	sw->ops->clear(sw->hw, sw->engine, &nobody);
}

/**
 * vgpu_switch_lost() - the engine has lost all it held
 * @sw: engine
 *
 * Context: any.
 */
void vgpu_switch_lost(struct vgpu_switch *sw)
{
	if (sw->spare && !sw->kept)
		sw->stats.preloads_wasted++;
	sw->spare = NULL;
}

/**
 * vgpu_switch_stats_add() - add figures up
 * @to: sum
 * @from: what is added
 */
void vgpu_switch_stats_add(struct vgpu_switch_stats *to,
			   const struct vgpu_switch_stats *from)
{
	unsigned int kind;

	for (kind = 0; kind < VGPU_SWITCH_KINDS; kind++)
		to->kind[kind] += from->kind[kind];
	to->bytes_saved += from->bytes_saved;
	to->bytes_loaded += from->bytes_loaded;
	to->bytes_skipped += from->bytes_skipped;
	to->preloads += from->preloads;
	to->preloads_wasted += from->preloads_wasted;
	to->guess_hits += from->guess_hits;
	to->guess_misses += from->guess_misses;
}

VGPU_EXPORT_IF_KUNIT(vgpu_switch_init);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_out);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_to);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_stay);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_can);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_set_modes);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_preload);
VGPU_EXPORT_IF_KUNIT(vgpu_switch_forget);
