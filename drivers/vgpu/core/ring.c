// SPDX-License-Identifier: GPL-2.0
/*
 * Rings: commands in memory that the tenant writes while we read.
 *
 * A work item takes slots one by one: the tail is read once and checked
 * against the ring's size, a slot is copied out and checked as a copy, and
 * nothing that was read is read again.  A tail that makes no sense breaks the
 * queue (its owner is told and has to make another); a slot that makes no
 * sense fails like any command, and the next one has its turn.
 *
 * The consumer says in the doorbell's event field up to where it saw the
 * tail.  Only a producer that moves the tail past it needs to kick.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "core_priv.h"

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

/* Copies slot @index out of the ring. */
static int ring_read(struct vgpu_queue *q, u32 index, struct vgpu_cmd *cmd)
{
	u64 offset = q->ring_offset +
		     (index & (q->ring_slots - 1)) * sizeof(*cmd);
	struct page *page = vgpu_bo_page(q->ring->bo, offset);

	if (!page)
		return -EFAULT;
	/* 64 bytes, aligned to 64: never across two pages. */
	memcpy(cmd, page_address(page) + offset_in_page(offset), sizeof(*cmd));
	return 0;
}

static bool ring_room(struct vgpu_queue *q)
{
	struct vgpu_engine *e = q->ctx->engine;
	bool room;

	spin_lock_irq(&e->lock);
	room = q->count < q->depth;
	q->stalled = !room;
	spin_unlock_irq(&e->lock);
	return room;
}

static void ring_take(struct vgpu_queue *q, const struct vgpu_cmd *cmd)
{
	struct vgpu_slot slot;
	u64 seqno;
	int ret;

	ret = vgpu_command_check(q, cmd, &slot);
	if (ret)
		vgpu_queue_refuse(q, ret);
	else if (vgpu_queue_push(q, &slot, 1, U64_MAX, &seqno))
		return;
	vgpu_slot_drop(&slot);
}

static void ring_work(struct work_struct *work)
{
	struct vgpu_queue *q = container_of(work, struct vgpu_queue, ring_work);
	struct vgpu_doorbell *db = vgpu_shpages_doorbell(q->shpages,
							 q->doorbell);
	struct vgpu_instance *inst = q->ctx->entity->inst;
	unsigned int turn;
	int idx;

	if (q->broken || !vgpu_gpu_enter(q->ctx->gpu, &idx))
		return;
	/* Every pass counts, so a tail that flickers gains nothing. */
	for (turn = 0; turn < VGPU_TURN; turn++) {
		struct vgpu_cmd cmd;
		u32 avail;
		int ret;

		/* Slots before the tail were written before it. */
		avail = smp_load_acquire(&db->tail) - q->ring_head;

		if (!avail) {
			WRITE_ONCE(db->event, q->ring_head);
			smp_mb();	/* event before tail; theirs is reverse */
			if (READ_ONCE(db->tail) == q->ring_head)
				goto out;
			continue;
		}
		ret = avail > q->ring_slots ? -EOVERFLOW : 0;
		if (!ret && !ring_room(q))
			goto out;	/* a completion queues us again */
		if (!ret)
			ret = vgpu_filter(&inst->filter, VGPU_RIGHT_QUEUE |
						       VGPU_RIGHT_RING);
		if (!ret)
			ret = ring_read(q, q->ring_head, &cmd);
		if (ret) {
			ring_break(q, ret);
			goto out;
		}
		q->ring_head++;
		ring_take(q, &cmd);
		/* The slot was read before it is given back. */
		smp_store_release(&db->head, q->ring_head);
	}
	queue_work(q->ctx->gpu->wq, &q->ring_work);
out:
	vgpu_gpu_leave(idx);
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
	q->ring_offset = arg->ring_offset;
	q->ring_slots = arg->ring_slots;
	q->shpages = client->shpages;
	INIT_WORK(&q->ring_work, ring_work);
	ret = vgpu_shpages_add_queue(q->shpages, q);
	if (ret)
		goto err_unpin;
	arg->doorbell = q->doorbell;
	return 0;

err_unpin:
	vgpu_bo_unpin(q->ring->bo, arg->ring_offset, bytes);
err:
	vgpu_obj_put(obj);
	q->ring = NULL;
	return ret;
}

/* q->closed is set: no completion queues the work again. */
void vgpu_ring_fini(struct vgpu_queue *q)
{
	vgpu_shpages_del_queue(q->shpages, q);
	cancel_work_sync(&q->ring_work);
	vgpu_bo_unpin(q->ring->bo, q->ring_offset,
		      (u64)q->ring_slots * sizeof(struct vgpu_cmd));
	vgpu_obj_put(&q->ring->obj);
	q->ring = NULL;
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
