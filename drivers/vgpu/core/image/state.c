// SPDX-License-Identifier: GPL-2.0
/*
 * What a context has midway, section by section: written, and made again. Not its MMU
 * section: where its page tables are, they will not be, and no image is believed that.
 */
#include <linux/sizes.h>

#include "../core_priv.h"
#include "restorer.h"
#include "saver.h"

#define SECTION_BYTES	SZ_64K

/* ---------------------------------------------------------------- written */

static int save_section(struct vgpu_saver *s, struct vgpu_ctx *ctx,
			const struct vgpu_image_state *state, unsigned int sec)
{
	struct vgpu_image_section *head;
	u32 offset, n;
	int ret;

	for (offset = 0; offset < state->used[sec]; offset += n) {
		n = min_t(u32, state->used[sec] - offset, SECTION_BYTES);
		ret = vgpu_saver_open(s, sizeof(*head) + ALIGN(n, 8),
				      (void **)&head);
		if (ret)
			return ret;
		head->ctx = state->ctx;
		head->section = sec;
		head->offset = offset;
		head->bytes = n;
		vgpu_ctx_state_read(&ctx->state, sec, offset, head + 1, n);
		vgpu_image_close(&s->out, VGPU_IMAGE_SECTION, 0,
				 sizeof(*head) + ALIGN(n, 8));
	}
	return 0;
}

/* What the context of @q, whose handle is @handle, has midway, if that is @q's. */
int vgpu_save_state(struct vgpu_saver *s, struct vgpu_queue *q, u32 handle)
{
	struct vgpu_image_state rec = { .queue = handle };
	struct vgpu_ctx *ctx = q->ctx;
	unsigned int sec;
	int ret;

	if (!ctx->midway || ctx->job != q)
		return 0;
	rec.ctx = vgpu_saver_name_of(s, ctx);
	rec.service_ns = vgpu_queue_head(q)->service;
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		/* where its page tables are: they will be elsewhere */
		if (sec == VGPU_SEC_MMU || !(ctx->state.valid & BIT(sec)))
			continue;
		rec.valid |= BIT(sec);
		rec.used[sec] = ctx->state.used[sec];
	}
	ret = vgpu_saver_put(s, VGPU_IMAGE_STATE, &rec, sizeof(rec));
	for (sec = 0; !ret && sec < VGPU_SEC_COUNT; sec++)
		if (rec.valid & BIT(sec))
			ret = save_section(s, ctx, &rec, sec);
	return ret;
}

/* ----------------------------------------------------------- made again */

/* @q's oldest command is in the middle, with state that follows. */
static int begin_state(struct vgpu_queue *q, const struct vgpu_image_state *rec)
{
	struct vgpu_ctx *ctx = q->ctx;
	unsigned int sec;
	int ret = 0;

	lockdep_assert_held(&ctx->engine->lock);
	if (ctx->midway || ctx->job || !vgpu_queue_runnable_locked(q))
		return -EINVAL;
	for (sec = 0; sec < VGPU_SEC_COUNT && !ret; sec++)
		if (rec->valid & BIT(sec))
			ret = vgpu_ctx_state_begin(&ctx->state, sec,
						   rec->used[sec]);
	if (ret)
		return ret;
	ctx->job = q;
	ctx->midway = true;
	vgpu_queue_head(q)->started = true;
	vgpu_queue_head(q)->service = rec->service_ns;
	return 0;
}

int vgpu_restore_state(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_state *rec = payload;
	struct vgpu_queue *q;
	int ret;

	if (rec->pad || rec->valid & ~(BIT(VGPU_SEC_COUNT) - 1) ||
	    rec->valid & BIT(VGPU_SEC_MMU) ||
	    !(rec->valid & BIT(VGPU_SEC_CONTROL)))
		return -EINVAL;
	q = vgpu_restorer_queue(r, rec->queue);
	if (IS_ERR(q))
		return PTR_ERR(q);
	spin_lock_irq(&q->ctx->engine->lock);
	ret = begin_state(q, rec);
	spin_unlock_irq(&q->ctx->engine->lock);
	vgpu_obj_put(&q->obj);
	return ret;
}

/* A closed context is still there by its number. */
int vgpu_restore_section(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_section *rec = payload;
	struct vgpu_obj *obj;
	struct vgpu_ctx *ctx;
	int ret = -EINVAL;

	if (!r->client || rec->bytes > r->in.length - sizeof(*rec) ||
	    rec->section == VGPU_SEC_MMU)
		return -EINVAL;
	obj = vgpu_obj_get(r->client, rec->ctx, VGPU_OBJ_CTX);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	ctx = container_of(obj, struct vgpu_ctx, obj);
	spin_lock_irq(&ctx->engine->lock);
	if (ctx->midway)
		ret = vgpu_ctx_state_write(&ctx->state, rec->section,
					   rec->offset, rec + 1, rec->bytes);
	spin_unlock_irq(&ctx->engine->lock);
	vgpu_obj_put(obj);
	return ret;
}
