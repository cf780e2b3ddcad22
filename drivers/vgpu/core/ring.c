// SPDX-License-Identifier: GPL-2.0
/*
 * Rings: commands in memory that the tenant writes while we read.
 *
 * A work item takes slots, some at a time: the tail is read once and checked
 * against the ring's size, a slot is copied out and checked as a copy, and
 * nothing that was read is read again.  A tail that makes no sense breaks the
 * queue (its owner is told and has to make another); a slot that makes no
 * sense fails like any command, and the next one has its turn.
 *
 * Only a producer that moves the tail past the doorbell's event field needs to
 * kick, which stops a VM.  A queue that expects nothing has it where the tail was
 * seen.  Else it is half a ring further (what a producer can hand over before it
 * has to wait is not less for that), and the queue looks at the ring by itself:
 *
 * - when half of what it has is done, if that is four commands or more, since nothing
 *   can run before that;
 * - else, while more is bound to come, when all is done and by a timer (look.h).
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "../compat/hrtimer.h"
#include "core_priv.h"
#include "memory/still.h"

#define RING_BATCH	16u	/* slots taken at once */
#define RING_BUSY	4	/* unfinished commands that make a queue busy */

static void ring_break(struct vgpu_queue *q, int error)
{
	struct vgpu_doorbell *db = vgpu_shpages_doorbell(q->shpages,
							 q->doorbell);
	struct vgpu_instance *inst = q->ctx->entity->inst;
	struct vgpu_engine *e = q->ctx->engine;

	q->broken = true;
	WRITE_ONCE(db->error, error);
	spin_lock_irq(&e->lock);
	q->error = error;
	q->irq |= VGPU_QUEUE_IRQ_BROKEN;
	spin_unlock_irq(&e->lock);
	vgpu_client_irq(q->obj.client, VGPU_QUEUE_IRQ_BROKEN);
	pr_warn_ratelimited("vgpu: v%u %pUb: ring of doorbell %u makes no sense (%pe), its queue stopped\n",
			    inst->id, &inst->uuid, q->doorbell,
			    ERR_PTR(error));
	vgpu_event_post(VGPU_EVENT_BROKEN, NULL, inst, -error);
}

/* Where in its BO the slot @index is: of 64 bytes, never across two pages. */
static u64 ring_at(const struct vgpu_queue *q, u32 index)
{
	return q->ring_offset +
	       (index & (q->ring_slots - 1)) * sizeof(struct vgpu_cmd);
}

/* How much there is room for; none: a completion queues the work. */
static u32 ring_room(struct vgpu_queue *q)
{
	struct vgpu_engine *e = q->ctx->engine;
	u32 room;

	spin_lock_irq(&e->lock);
	room = q->depth - q->count - q->held;
	q->look_below = room ? 0 : q->depth - q->depth / 4;
	spin_unlock_irq(&e->lock);
	return room;
}

/*
 * The ring is empty, after @found commands. How far ahead of that the tail may go
 * without a kick.
 */
static u32 ring_ahead(struct vgpu_queue *q, u32 found)
{
	struct vgpu_engine *e = q->ctx->engine;
	u32 left, ns = 0;

	spin_lock_irq(&e->lock);
	left = q->count + q->held;
	if (q->count >= RING_BUSY) {
		q->look_below = left / 2;
	} else {
		/* vgpu_ring_fini() stops the timer after it was closed */
		if (!q->closed)
			ns = vgpu_look_again(&q->look, found, left);
		if (ns)
			hrtimer_start(&q->look_timer, ns_to_ktime(ns),
				      HRTIMER_MODE_REL_SOFT);
		q->look_below = q->look.more && left;
	}
	ns |= q->look_below;
	spin_unlock_irq(&e->lock);
	return ns ? q->ring_slots / 2 - 1 : 0;
}

static void ring_push(struct vgpu_queue *q, u32 count)
{
	u64 seqno;
	u32 i;

	/* none, if it was closed */
	i = count ? vgpu_queue_push(q, q->taken, count, U64_MAX, NULL,
				     &seqno) : 0;
	for (; i < count; i++)
		vgpu_slot_drop(&q->taken[i]);
}

/* Takes @count slots, for which there is room; 0, or what breaks the queue. */
static int ring_take(struct vgpu_queue *q, u32 count)
{
	struct page *page = NULL;
	u32 i, good = 0;
	u64 known = 0;
	int ret = 0;

	for (i = 0; i < count; i++) {
		u64 at = ring_at(q, q->ring_head);
		struct vgpu_cmd cmd;
		int error;

		if (!page || at >> PAGE_SHIFT != known) {
			page = vgpu_bo_page(q->ring->bo, at);
			known = at >> PAGE_SHIFT;
		}
		if (!page) {
			ret = -EFAULT;
			break;
		}
		memcpy(&cmd, page_address(page) + offset_in_page(at),
		       sizeof(cmd));
		q->ring_head++;
		q->look.more = cmd.op != VGPU_CMD_SIGNAL;
		error = vgpu_command_check(q, &cmd, &q->taken[good]);
		if (!error) {
			good++;
			continue;
		}
		vgpu_slot_drop(&q->taken[good]);
		/* those before it have the lower numbers */
		ring_push(q, good);
		good = 0;
		vgpu_queue_refuse(q, error);
	}
	ring_push(q, good);
	return ret;
}

static void ring_work(struct work_struct *work)
{
	struct vgpu_queue *q = container_of(work, struct vgpu_queue, ring_work);
	struct vgpu_doorbell *db = vgpu_shpages_doorbell(q->shpages,
							 q->doorbell);
	struct vgpu_instance *inst = q->ctx->entity->inst;
	unsigned int turn = 0, found = 0;
	int idx;

	if (q->broken || !vgpu_gpu_enter(q->ctx->gpu, &idx))
		return;
	/* Every pass counts, so a tail that flickers gains nothing. */
	while (turn < READ_ONCE(q->ctx->gpu->monitor.batch)) {
		u32 avail, count;
		int ret;

		/* the doorbell is rung again when it may go on */
		if (vgpu_degraded(q->ctx->gpu, VGPU_DEGRADE_DENY))
			goto out;
		/* Slots before the tail were written before it. */
		avail = smp_load_acquire(&db->tail) - q->ring_head;

		/*
		 * Who lets it go on looks at all rings.  After the tail: one that moved
		 * while it was still is not taken.
		 */
		if (vgpu_instance_is_still(inst))
			goto out;
		if (!avail) {
			u32 ahead = ring_ahead(q, found);

			WRITE_ONCE(db->event, q->ring_head + ahead);
			smp_mb();	/* event before tail; theirs is reverse */
			if (READ_ONCE(db->tail) - q->ring_head <= ahead)
				goto out;
			turn++;
			continue;
		}
		ret = avail > q->ring_slots ? -EOVERFLOW : 0;
		count = ret ? 0 : min3(avail, ring_room(q), RING_BATCH);
		if (!ret && !count)
			goto out;
		if (!ret)
			ret = vgpu_filter(&inst->filter, VGPU_RIGHT_QUEUE |
						       VGPU_RIGHT_RING);
		if (!ret)
			ret = ring_take(q, count);
		if (ret) {
			ring_break(q, ret);
			goto out;
		}
		/* The slots were read before they are given back. */
		smp_store_release(&db->head, q->ring_head);
		turn += count;
		found += count;
	}
	queue_work(q->ctx->gpu->wq, &q->ring_work);
out:
	vgpu_gpu_leave(idx);
}

static enum hrtimer_restart look_timer_fn(struct hrtimer *timer)
{
	struct vgpu_queue *q = container_of(timer, struct vgpu_queue,
					    look_timer);

	queue_work(q->ctx->gpu->wq, &q->ring_work);
	return HRTIMER_NORESTART;
}

int vgpu_ring_init(struct vgpu_queue *q, struct vgpu_client *client,
		   struct vgpu_queue_create *arg)
{
	u64 bytes = (u64)arg->ring_slots * sizeof(struct vgpu_cmd);
	struct vgpu_obj *obj;
	int ret;

	if (arg->ring_slots < 2 || arg->ring_slots > 4096 ||
	    !is_power_of_2(arg->ring_slots) ||
	    arg->ring_offset % sizeof(struct vgpu_cmd))
		return -EINVAL;
	obj = vgpu_obj_get(client, arg->ring_bo, VGPU_OBJ_BO);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	q->ring = vgpu_bo_obj(obj);
	ret = -EOPNOTSUPP;	/* its owner may take its pages back at any time */
	if (!q->ring->mappable)
		goto err;
	if (bytes > vgpu_bo_bytes(q->ring->bo) ||
	    arg->ring_offset > vgpu_bo_bytes(q->ring->bo) - bytes) {
		ret = -ERANGE;
		goto err;
	}
	/* Read by a work item that must not wait for memory. */
	ret = vgpu_bo_pin(q->ring->bo, arg->ring_offset, bytes);
	if (ret)
		goto err;
	ret = -ENOMEM;
	q->taken = kcalloc(RING_BATCH, sizeof(*q->taken), GFP_KERNEL_ACCOUNT);
	if (!q->taken)
		goto err_unpin;
	q->ring_offset = arg->ring_offset;
	q->ring_slots = arg->ring_slots;
	q->shpages = client->bells;
	INIT_WORK(&q->ring_work, ring_work);
	vgpu_look_init(&q->look);
	vgpu_hrtimer_setup_soft(&q->look_timer, look_timer_fn);
	ret = vgpu_shpages_add_queue(q->shpages, q, client->want_slot);
	if (ret)
		goto err_taken;
	arg->doorbell = client->bell_base + q->doorbell;
	return 0;

err_taken:
	kfree(q->taken);
err_unpin:
	vgpu_bo_unpin(q->ring->bo, arg->ring_offset, bytes);
err:
	vgpu_obj_put(obj);
	q->ring = NULL;
	return ret;
}

/* q->closed is set: neither a completion nor the timer queues the work again. */
void vgpu_ring_fini(struct vgpu_queue *q)
{
	vgpu_shpages_del_queue(q->shpages, q);
	hrtimer_cancel(&q->look_timer);
	cancel_work_sync(&q->ring_work);
	vgpu_bo_unpin(q->ring->bo, q->ring_offset,
		      (u64)q->ring_slots * sizeof(struct vgpu_cmd));
	vgpu_obj_put(&q->ring->obj);
	q->ring = NULL;
	kfree(q->taken);
}

int vgpu_call_kick(struct vgpu_client *client, struct vgpu_kick *arg)
{
	struct vgpu_queue *q;
	struct vgpu_obj *obj;
	int ret = 0;

	obj = vgpu_obj_get(client, arg->queue, VGPU_OBJ_QUEUE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	q = container_of(obj, struct vgpu_queue, obj);
	if (!q->ring_slots)
		ret = -EINVAL;
	else
		vgpu_shpages_kick(q->shpages, q->doorbell);
	vgpu_obj_put(obj);
	return ret;
}
