// SPDX-License-Identifier: GPL-2.0
/*
 * Queues in an image, with their contexts, timelines, and commands that wait: written,
 * and made again.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/wait.h>

#include "../core_priv.h"
#include "restorer.h"
#include "saver.h"

/* ---------------------------------------------------------------- written */

int vgpu_save_timeline(struct vgpu_saver *s, struct vgpu_timeline *tl, u32 handle)
{
	struct vgpu_image_timeline rec = { .closed = !handle };
	int ret;

	ret = vgpu_saver_set_name(s, tl, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	rec.slot = tl->slot;
	spin_lock_irq(&tl->lock);
	rec.value = tl->value;
	spin_unlock_irq(&tl->lock);
	return vgpu_saver_put(s, VGPU_IMAGE_TIMELINE, &rec, sizeof(rec));
}

int vgpu_save_ctx(struct vgpu_saver *s, struct vgpu_ctx *ctx, u32 handle)
{
	struct vgpu_image_ctx rec = { .closed = !handle };
	int ret = 0;

	if (!vgpu_saver_name_of(s, ctx->vm))
		ret = vgpu_save_vm(s, ctx->vm, 0);
	if (!ret)
		ret = vgpu_saver_set_name(s, ctx, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	rec.vm = vgpu_saver_name_of(s, ctx->vm);
	rec.engine = ctx->entity - s->freeze.inst->entity;
	return vgpu_saver_put(s, VGPU_IMAGE_CTX, &rec, sizeof(rec));
}

static bool is_paging(struct vgpu_ctx *ctx)
{
	bool paging;

	spin_lock_irq(&ctx->engine->lock);
	paging = ctx->paging;
	spin_unlock_irq(&ctx->engine->lock);
	return paging;
}

/* The slot at @i from the oldest on; nothing changes it. */
static struct vgpu_slot *slot_at(struct vgpu_queue *q, u32 i)
{
	u32 at = q->head + i;

	return &q->slots[at < q->depth ? at : at - q->depth];
}

static int save_commands(struct vgpu_saver *s, struct vgpu_queue *q, u32 handle)
{
	struct vgpu_image_commands *head;
	struct vgpu_image_command *c;
	u64 now = ktime_get_ns();
	u32 i, n, at;
	int ret;

	for (at = 0; at < q->count; at += n) {
		n = min_t(u32, q->count - at, VGPU_IMAGE_COMMANDS_MAX);
		ret = vgpu_saver_open(s, sizeof(*head) + n * sizeof(*c),
				      (void **)&head);
		if (ret)
			return ret;
		head->queue = handle;
		head->count = n;
		c = (struct vgpu_image_command *)(head + 1);
		for (i = 0; i < n; i++) {
			const struct vgpu_slot *slot = slot_at(q, at + i);

			c[i].cmd = slot->cmd;
			/* the number may be another one's by now */
			if (slot->timeline)
				c[i].cmd.sync.timeline =
					vgpu_saver_name_of(s, slot->timeline);
			c[i].due = slot->deadline != U64_MAX;
			if (c[i].due)
				c[i].deadline_ns = slot->deadline - now;
		}
		vgpu_image_close(&s->out, VGPU_IMAGE_COMMANDS, 0,
				 sizeof(*head) + n * sizeof(*c));
	}
	return 0;
}

static void fill_queue(struct vgpu_saver *s, struct vgpu_queue *q,
		       struct vgpu_image_queue *rec)
{
	rec->ctx = vgpu_saver_name_of(s, q->ctx);
	rec->depth = q->depth;
	rec->sched_class = vgpu_queue_class(q);
	rec->time_limit_ns = q->time_limit_ns;
	if (q->ring) {
		rec->ring_bo = vgpu_saver_name_of(s, q->ring->bo);
		rec->ring_slots = q->ring_slots;
		rec->ring_offset = q->ring_offset;
		rec->bell = *vgpu_shpages_doorbell(q->shpages, q->doorbell);
		rec->doorbell = q->doorbell;
		rec->ring_head = q->ring_head;
		rec->broken = q->broken;
	}
	spin_lock_irq(&q->ctx->engine->lock);
	rec->pending = q->count;
	rec->seqno = q->seqno;
	rec->submitted = q->submitted;
	rec->completed = q->completed;
	rec->failed = q->failed;
	rec->preempted = q->preempted;
	rec->run_ns = q->run_ns;
	rec->error_seqno = q->error_seqno;
	rec->fault_va = q->fault_va;
	rec->deadlines_met = q->deadlines_met;
	rec->deadlines_missed = q->deadlines_missed;
	rec->late_max_ns = q->late_max_ns;
	rec->error = q->error;
	rec->fault_access = q->fault_access;
	rec->irq = q->irq;
	spin_unlock_irq(&q->ctx->engine->lock);
}

int vgpu_save_queue(struct vgpu_saver *s, struct vgpu_queue *q, u32 handle)
{
	struct vgpu_image_queue rec = { .handle = handle };
	int ret = 0;
	u32 i;

	/* Its fault is being seen to: that ends, with the command or without. */
	if (wait_event_killable(q->ctx->engine->wait, !is_paging(q->ctx)))
		return vgpu_saver_fail(s, -EINTR);
	if (!vgpu_saver_name_of(s, q->ctx))
		ret = vgpu_save_ctx(s, q->ctx, 0);
	if (!ret && q->ring && !vgpu_saver_name_of(s, q->ring->bo))
		return vgpu_saver_refuse(s, -EBUSY,
					 "the memory of a ring was closed, which can't be saved");
	for (i = 0; !ret && i < q->count; i++) {
		struct vgpu_timeline *tl = slot_at(q, i)->timeline;

		if (tl && !vgpu_saver_name_of(s, tl))
			ret = vgpu_save_timeline(s, tl, 0);
	}
	if (ret)
		return ret;
	fill_queue(s, q, &rec);
	ret = vgpu_saver_put(s, VGPU_IMAGE_QUEUE, &rec, sizeof(rec));
	if (!ret)
		ret = save_commands(s, q, handle);
	return ret;
}

/* ----------------------------------------------------------- made again */

int vgpu_restore_timeline(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_timeline *rec = payload;
	struct vgpu_timeline_create arg = { .initial = rec->value };
	int ret;

	if (rec->pad || rec->slot >= VGPU_TIMELINES)
		return -EINVAL;
	ret = vgpu_restorer_want(r, rec->handle);
	if (ret)
		return ret;
	r->client->want_slot = rec->slot;
	ret = vgpu_call_timeline_create(r->client, &arg);
	r->client->want_slot = VGPU_ANY_SLOT;
	return ret ?: vgpu_restorer_made(r, rec->handle, arg.handle, rec->closed);
}

int vgpu_restore_ctx(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_ctx *rec = payload;
	struct vgpu_ctx_create arg = {
		.vm = rec->vm,
		.engine = rec->engine,
	};
	int ret;

	ret = vgpu_restorer_want(r, rec->handle);
	if (ret)
		return ret;
	if (rec->engine >= r->inst->nr_entities)
		return vgpu_refuse(r->why, 0, -EOPNOTSUPP,
				   "it uses engine %u, which a vGPU has not got here",
				   rec->engine);
	ret = vgpu_call_ctx_create(r->client, &arg);
	if (ret == -EUSERS)	/* which is the word for it inside */
		ret = -EMFILE;
	return ret ?: vgpu_restorer_made(r, rec->handle, arg.handle, rec->closed);
}

static int check_queue(const struct vgpu_image_queue *rec)
{
	if (rec->pad || rec->broken > 1 || rec->pending > rec->depth ||
	    rec->pending > rec->seqno || rec->pending > rec->submitted ||
	    !rec->depth || rec->error > 0 || rec->error < -MAX_ERRNO ||
	    rec->time_limit_ns % NSEC_PER_USEC)
		return -EINVAL;
	if (rec->irq & ~(VGPU_QUEUE_IRQ_ERROR | VGPU_QUEUE_IRQ_PRESSURE |
			 VGPU_QUEUE_IRQ_BROKEN | VGPU_QUEUE_IRQ_LATE))
		return -EINVAL;
	return rec->ring_slots && rec->doorbell >= VGPU_DOORBELLS ? -EINVAL : 0;
}

/* Figures, and where it is; nobody else looks at it yet. */
static void set_queue(struct vgpu_queue *q, const struct vgpu_image_queue *rec)
{
	spin_lock_irq(&q->ctx->engine->lock);
	/* those that follow count themselves */
	q->seqno = rec->seqno - rec->pending;
	q->submitted = rec->submitted - rec->pending;
	q->completed = rec->completed;
	q->failed = rec->failed;
	q->preempted = rec->preempted;
	q->run_ns = rec->run_ns;
	q->error_seqno = rec->error_seqno;
	q->fault_va = rec->fault_va;
	q->deadlines_met = rec->deadlines_met;
	q->deadlines_missed = rec->deadlines_missed;
	q->late_max_ns = rec->late_max_ns;
	q->error = rec->error;
	q->fault_access = rec->fault_access;
	q->irq = rec->irq;
	spin_unlock_irq(&q->ctx->engine->lock);
	atomic_or(rec->irq, &q->obj.client->irq);
	if (q->ring_slots) {
		*vgpu_shpages_doorbell(q->shpages, q->doorbell) = rec->bell;
		q->ring_head = rec->ring_head;
		q->broken = rec->broken;
	}
}

int vgpu_restore_queue(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_queue *rec = payload;
	struct vgpu_queue_create arg = {
		.ctx = rec->ctx,
		.flags = rec->ring_slots ? VGPU_QUEUE_RING : 0,
		.depth = rec->depth,
		.time_limit_us = div_u64(rec->time_limit_ns, NSEC_PER_USEC),
		.ring_bo = rec->ring_bo,
		.ring_slots = rec->ring_slots,
		.ring_offset = rec->ring_offset,
		.sched_class = rec->sched_class,
	};
	struct vgpu_queue *q;
	int ret;

	ret = check_queue(rec) ?: vgpu_restorer_want(r, rec->handle);
	if (ret)
		return ret;
	if (rec->ring_slots)
		r->client->want_slot = rec->doorbell;
	ret = vgpu_call_queue_create(r->client, &arg);
	r->client->want_slot = VGPU_ANY_SLOT;
	ret = ret ?: vgpu_restorer_made(r, rec->handle, arg.handle, 0);
	if (ret)
		return ret;
	q = vgpu_restorer_queue(r, rec->handle);
	if (IS_ERR(q))
		return PTR_ERR(q);
	set_queue(q, rec);
	vgpu_obj_put(&q->obj);
	return 0;
}

static int restore_command(struct vgpu_queue *q,
			   const struct vgpu_image_command *c, u64 now)
{
	u64 deadline = U64_MAX, seqno;
	struct vgpu_slot slot;
	int ret;

	if (c->pad || c->due > 1 || (!c->due && c->deadline_ns))
		return -EINVAL;
	if (c->due) {
		if (c->deadline_ns > (s64)VGPU_DEADLINE_MAX_NS)
			return -EINVAL;
		/* one that passed long ago is no later than one that passed */
		deadline = c->deadline_ns >= 0 || (u64)-c->deadline_ns < now ?
			   now + c->deadline_ns : 0;
	}
	ret = vgpu_command_check(q, &c->cmd, &slot);
	if (!ret && vgpu_queue_push(q, &slot, 1, deadline, NULL, &seqno))
		return 0;
	vgpu_slot_drop(&slot);
	return ret ?: -EINVAL;
}

int vgpu_restore_commands(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_commands *rec = payload;
	const struct vgpu_image_command *c = (const void *)(rec + 1);
	u64 now = ktime_get_ns();
	struct vgpu_queue *q;
	int ret = 0;
	u32 i;

	if (!rec->count || rec->count > VGPU_IMAGE_COMMANDS_MAX ||
	    r->in.length != sizeof(*rec) + rec->count * sizeof(*c))
		return -EINVAL;
	q = vgpu_restorer_queue(r, rec->queue);
	if (IS_ERR(q))
		return PTR_ERR(q);
	for (i = 0; i < rec->count && !ret; i++)
		ret = restore_command(q, &c[i], now);
	vgpu_obj_put(&q->obj);
	return ret;
}
