// SPDX-License-Identifier: GPL-2.0
/*
 * Standing still: nothing of a vGPU changes while its image is written, and nothing of
 * one that is being restored runs before all of it is there.
 *
 * Tenants' calls meet inst->freeze inside the unplug gate (vgpu_client_enter()), which
 * is waited for once after it was set: then none is under way.  They wait.  So do page
 * faults of CPUs, whose mappings are zapped.  Rings are not read, commands that need
 * no engine (signal, wait) are not done (vgpu_entity.frozen), and what ran is stopped and
 * its state saved.  What the vGPU's faults brought on its way comes in.
 *
 * Who closes its file is not kept: the client goes, and the image with it
 * (vgpu_freeze_cancel()).  Nor is anything held for an image that its writer does not
 * take: no lock, no reference, only the flag.
 */
#include "../core_priv.h"
#include "../memory/still.h"
#include "freeze.h"

static void set_frozen(struct vgpu_instance *inst, bool frozen)
{
	unsigned int i;

	lockdep_assert_held(&inst->lock);
	for (i = 0; i < inst->nr_entities; i++) {
		struct vgpu_engine *e = inst->entity[i].engine;

		spin_lock_irq(&e->lock);
		inst->entity[i].frozen = frozen;
		spin_unlock_irq(&e->lock);
	}
}

static void pause(struct vgpu_instance *inst)
{
	unsigned int i;

	for (i = 0; i < inst->nr_entities; i++)
		vgpu_entity_pause(&inst->entity[i],
				  inst->freeze ||
				  inst->state != VGPU_STATE_RUNNING);
}

/* Ends that are held back (pad.h) show now: an image has no place for them. */
static void show_held(struct vgpu_instance *inst)
{
	struct vgpu_client *client;
	unsigned long index;
	struct vgpu_obj *obj;
	struct vgpu_queue *q;

	lockdep_assert_held(&inst->lock);
	list_for_each_entry(client, &inst->clients, link) {
		xa_for_each(&client->objs, index, obj) {
			if (obj->type != VGPU_OBJ_QUEUE)
				continue;
			q = container_of(obj, struct vgpu_queue, obj);
			spin_lock_irq(&q->ctx->engine->lock);
			vgpu_pad_flush_locked(q);
			spin_unlock_irq(&q->ctx->engine->lock);
		}
	}
}

static int begin(struct vgpu_freeze *fr, struct vgpu_instance *inst)
{
	lockdep_assert_held(&inst->lock);
	if (inst->freeze)
		return -EBUSY;
	if (inst->state == VGPU_STATE_DEAD)
		return -ENODEV;
	if (inst->state != VGPU_STATE_RUNNING &&
	    inst->state != VGPU_STATE_PAUSED)
		return -EAGAIN;
	fr->inst = inst;
	fr->error = 0;
	WRITE_ONCE(inst->freeze, fr);
	set_frozen(inst, true);
	return 0;
}

int vgpu_freeze(struct vgpu_freeze *fr, struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;
	unsigned int i;
	int ret;

	mutex_lock(&inst->lock);
	ret = begin(fr, inst);
	mutex_unlock(&inst->lock);
	if (ret)
		return ret;
	synchronize_srcu(&vgpu_unplug_srcu);	/* calls that began before */
	vgpu_still_zap(inst);

	ret = vgpu_freeze_enter(fr);
	if (!ret) {
		pause(inst);
		for (i = 0; i < inst->nr_entities; i++)
			vgpu_engine_unload(inst->entity[i].engine, inst);
		show_held(inst);
		vgpu_freeze_leave(fr);
		/* queues whose waits are over see that it stands still */
		flush_work(&gpu->woken_work);
		return 0;
	}
	vgpu_thaw(fr);
	return ret;
}

void vgpu_freeze_made(struct vgpu_freeze *fr, struct vgpu_instance *inst)
{
	mutex_lock(&inst->lock);
	fr->inst = inst;
	set_frozen(inst, true);
	mutex_unlock(&inst->lock);
}

/* What waits goes on. */
static void wake_client(struct vgpu_client *client)
{
	unsigned long index;
	struct vgpu_obj *obj;

	xa_for_each(&client->objs, index, obj) {
		struct vgpu_queue *q;

		if (obj->type != VGPU_OBJ_QUEUE)
			continue;
		q = container_of(obj, struct vgpu_queue, obj);
		spin_lock_irq(&q->ctx->engine->lock);
		vgpu_queue_wake_locked(q);
		spin_unlock_irq(&q->ctx->engine->lock);
	}
}

void vgpu_thaw(struct vgpu_freeze *fr)
{
	struct vgpu_instance *inst = fr->inst;
	struct vgpu_client *client;
	bool entered, there;
	int idx;

	entered = vgpu_gpu_enter(inst->gpu, &idx);
	mutex_lock(&inst->lock);
	/* with the gate open nobody takes its engines away meanwhile */
	there = entered && inst->state != VGPU_STATE_DEAD;
	if (there) {
		/* before any call comes in, which may close what is looked at here */
		set_frozen(inst, false);
		list_for_each_entry(client, &inst->clients, link)
			if (!client->dead)
				wake_client(client);
	}
	WRITE_ONCE(inst->freeze, NULL);
	if (there) {
		vgpu_instance_kick(inst);
		pause(inst);
	}
	mutex_unlock(&inst->lock);
	if (entered)
		vgpu_gpu_leave(idx);
	wake_up_all(&inst->thaw);
}

int vgpu_freeze_enter(struct vgpu_freeze *fr)
{
	struct vgpu_instance *inst = fr->inst;
	int ret;

	if (!vgpu_gpu_enter(inst->gpu, &fr->idx))
		return -ENODEV;
	mutex_lock(&inst->lock);
	ret = fr->error;
	if (ret) {
		mutex_unlock(&inst->lock);
		vgpu_gpu_leave(fr->idx);
	}
	return ret;
}

void vgpu_freeze_leave(struct vgpu_freeze *fr)
{
	mutex_unlock(&fr->inst->lock);
	vgpu_gpu_leave(fr->idx);
}

void vgpu_freeze_cancel(struct vgpu_instance *inst, int error)
{
	lockdep_assert_held(&inst->lock);
	if (inst->freeze && !inst->freeze->error)
		inst->freeze->error = error;
	wake_up_all(&inst->thaw);
}
