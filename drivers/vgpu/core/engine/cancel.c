// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that are to end before they are done: their time is over, their queue or
 * program goes. What runs is asked to stop and ends when the engine says that it has;
 * what is midway and off the engine ends here.
 */
#include <linux/ktime.h>

#include "../core_priv.h"

static bool has_job(struct vgpu_engine *e, struct vgpu_queue *q)
{
	bool has;

	spin_lock_irq(&e->lock);
	has = q->ctx->job == q;
	spin_unlock_irq(&e->lock);
	return has;
}

void vgpu_engine_end_midway_locked(struct vgpu_ctx *ctx, int error)
{
	struct vgpu_queue *q = ctx->job;

	lockdep_assert_held(&ctx->engine->lock);
	ctx->midway = false;
	ctx->kill = 0;
	ctx->job = NULL;
	list_del_init(&ctx->midway_link);
	vgpu_switch_forget(&ctx->engine->sw, &ctx->state);
	vgpu_ctx_state_drop(&ctx->state);
	vgpu_line_leave(&ctx->entity->lines, &q->line, ktime_get_ns());
	vgpu_queue_complete_locked(q, error);
}

bool vgpu_engine_end_locked(struct vgpu_queue *q, u64 last, int error)
{
	struct vgpu_ctx *ctx = q->ctx;
	struct vgpu_engine *e = ctx->engine;

	lockdep_assert_held(&e->lock);
	if (ctx->job != q || vgpu_queue_head(q)->seqno > last)
		return false;
	if (e->ctx == ctx && e->state != VGPU_ENGINE_DEAD) {
		/* once: it was told, if somebody else wants its end as well */
		if (!ctx->kill) {
			ctx->kill = error;
			vgpu_engine_preempt_locked(e);
		}
		return true;
	}
	/* Midway, its state saved or left in the engine. */
	vgpu_engine_end_midway_locked(ctx, error);
	return false;
}

void vgpu_engine_cancel(struct vgpu_engine *e, struct vgpu_queue *q, int error)
{
	spin_lock_irq(&e->lock);
	vgpu_engine_end_locked(q, U64_MAX, error);
	spin_unlock_irq(&e->lock);
	wait_event(e->wait, !has_job(e, q));
}

void vgpu_engine_forget(struct vgpu_engine *e, struct vgpu_ctx *ctx)
{
	spin_lock_irq(&e->lock);
	WARN_ON(e->ctx == ctx);
	if (e->loaded == ctx)
		e->loaded = NULL;	/* cleared before the next is loaded */
	list_del_init(&ctx->midway_link);
	vgpu_switch_forget(&e->sw, &ctx->state);
	ctx->entity->contexts--;
	spin_unlock_irq(&e->lock);
	wake_up_all(&e->wait);
}
