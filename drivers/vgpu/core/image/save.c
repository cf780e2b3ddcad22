// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the image of a vGPU that stands still.
 *
 * Objects come after what they need, so that who restores one finds all it names:
 * memory, address spaces with what they map, timelines, then queues, each with its
 * context before it.  What has no handle any more, but is needed by what has, gets a
 * number that no handle of the client has.
 *
 * Objects are looked at with the vGPU entered (freeze.h); when the buffer is full it is
 * left, the buffer is written, which may take any time, and it is entered anew.  If
 * that works nothing has gone meanwhile, and pointers are good still.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "../core_priv.h"
#include "saver.h"

/* ---------------------------------------------------------------- clients */

static int save_obj(struct vgpu_saver *s, struct vgpu_obj *obj, u32 handle)
{
	struct vgpu_bo_obj *bo;
	struct vgpu_queue *q;
	int ret;

	switch (obj->type) {
	case VGPU_OBJ_BO:
		bo = vgpu_bo_obj(obj);
		return vgpu_save_bo(s, bo->bo, bo, handle);
	case VGPU_OBJ_VM:
		return vgpu_save_vm(s, vgpu_vm_obj(obj), handle);
	case VGPU_OBJ_TIMELINE:
		return vgpu_save_timeline(s, container_of(obj, struct vgpu_timeline,
							  obj), handle);
	case VGPU_OBJ_CTX:
		return vgpu_save_ctx(s, container_of(obj, struct vgpu_ctx, obj),
				     handle);
	case VGPU_OBJ_QUEUE:
		q = container_of(obj, struct vgpu_queue, obj);
		ret = vgpu_save_queue(s, q, handle);
		return ret ?: vgpu_save_state(s, q, handle);
	}
	return 0;
}

static int save_client(struct vgpu_saver *s, struct vgpu_client *client, u32 number)
{
	static const enum vgpu_obj_type order[] = {
		VGPU_OBJ_BO, VGPU_OBJ_VM, VGPU_OBJ_TIMELINE, VGPU_OBJ_CTX,
		VGPU_OBJ_QUEUE,
	};
	struct vgpu_image_client rec = {
		.number = number,
		.uid = from_kuid(&init_user_ns, client->parked ? client->uid :
				 client->subject.cred->euid),
		.pid = client->pid,
		.next_handle = client->next_handle,
	};
	unsigned long handle;
	struct vgpu_obj *obj;
	unsigned int i;
	int ret;

	strscpy(rec.holder, client->holder, sizeof(rec.holder));
	s->client = client;
	s->spare = VGPU_MAX_HANDLES;
	ret = vgpu_saver_put(s, VGPU_IMAGE_CLIENT, &rec, sizeof(rec));
	for (i = 0; !ret && i < ARRAY_SIZE(order); i++) {
		xa_for_each(&client->objs, handle, obj) {
			if (obj->type == order[i])
				ret = save_obj(s, obj, handle);
			if (ret)
				break;
		}
	}
	vgpu_saver_forget_names(s);
	return ret;
}

/* --------------------------------------------------------------- the whole */

static int save_instance(struct vgpu_saver *s)
{
	struct vgpu_instance *inst = s->freeze.inst;
	const struct vgpu_hw_desc *desc = &inst->gpu->desc;
	struct vgpu_image_instance rec = {
		.weight = inst->weight,
		.priority = inst->priority,
		.slice_ns = inst->slice_ns,
		.cap = inst->cap,
		.own_units = vgpu_units_own(inst),
		.rights = inst->filter.allow,
		.running = inst->state == VGPU_STATE_RUNNING,
		.units = desc->units,
		.max_lanes = desc->max_lanes,
		.shared_bytes = desc->shared_bytes,
	};

	strscpy(rec.type, inst->type->name, sizeof(rec.type));
	strscpy(rec.driver, inst->gpu->driver, sizeof(rec.driver));
	strscpy(rec.state_format, desc->state_format, sizeof(rec.state_format));
	export_uuid(rec.uuid, &inst->uuid);
	spin_lock_irq(&inst->stat_lock);
	rec.bandwidth_mbps = div_u64(inst->bandwidth, 1000 * 1000);
	spin_unlock_irq(&inst->stat_lock);
	spin_lock_irq(&inst->acct.lock);
	rec.vram_bytes = inst->acct.limit;
	spin_unlock_irq(&inst->acct.lock);
	memcpy(rec.section_bytes, desc->section_bytes,
	       sizeof(desc->section_bytes));
	return vgpu_saver_put(s, VGPU_IMAGE_INSTANCE, &rec, sizeof(rec));
}

static bool has_shares(struct vgpu_instance *inst)
{
	bool has;

	mutex_lock(&inst->shares.lock);
	has = !list_empty(&inst->shares.list);
	mutex_unlock(&inst->shares.lock);
	return has;
}

/* Entered; not any more in the end. */
static int save_all(struct vgpu_saver *s)
{
	struct vgpu_instance *inst = s->freeze.inst;
	struct vgpu_image_end end;
	struct vgpu_client *client;
	u32 number = 0;
	int ret;

	if (has_shares(inst))
		return vgpu_saver_refuse(s, -EBUSY,
					 "memory is exported as a dma-buf, which can't be saved");
	ret = save_instance(s);
	if (ret)
		return ret;
	/* who comes in now has nothing, and comes last */
	list_for_each_entry(client, &inst->clients, link) {
		if (client->dead || xa_empty(&client->objs))
			continue;
		ret = save_client(s, client, ++number);
		if (ret)
			return ret;
	}
	end.bytes = s->out.bytes;
	end.records = s->out.seq;
	/* a flush changes neither */
	ret = vgpu_saver_put(s, VGPU_IMAGE_END, &end, sizeof(end));
	if (ret)
		return ret;
	vgpu_freeze_leave(&s->freeze);
	return vgpu_saver_flush(s);
}

static int check(struct vgpu_instance *inst, struct vgpu_refusal *why)
{
	const struct vgpu_hw_desc *desc = &inst->gpu->desc;
	const u64 caps = VGPU_HW_PREEMPT | VGPU_HW_SAVE | VGPU_HW_MMU;

	if (inst->flags & VGPU_INSTANCE_MDEV)
		return vgpu_refuse(why, 0, -EOPNOTSUPP,
				   "a vGPU of a VM can't be saved yet");
	if ((desc->caps & caps) != caps || !desc->state_format)
		return vgpu_refuse(why, 0, -EOPNOTSUPP,
				   "this GPU can't give the state of contexts away");
	return 0;
}

static int explain(struct vgpu_refusal *why, int err)
{
	if (why->text[0])
		return err;
	switch (err) {
	case -EAGAIN:
		return vgpu_refuse(why, 0, err, "it neither runs nor is paused: there is nothing to save");
	case -EBUSY:
		return vgpu_refuse(why, 0, err, "it is being saved or restored already");
	case -ECANCELED:
		return vgpu_refuse(why, 0, err, "a program that had it open went away meanwhile");
	case -ESHUTDOWN:
		return vgpu_refuse(why, 0, err, "it was stopped meanwhile");
	}
	return err;
}

int vgpu_image_save(struct vgpu_instance *inst, struct file *file, bool stop,
		    u64 *bytes, struct vgpu_refusal *why)
{
	struct vgpu_saver *s;
	int ret;

	ret = check(inst, why);
	if (ret)
		return ret;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->file = file;
	s->why = why;
	hash_init(s->names);
	ret = vgpu_image_out_init(&s->out);
	if (ret)
		goto out;
	ret = vgpu_freeze(&s->freeze, inst);
	if (ret)
		goto out;
	ret = vgpu_freeze_enter(&s->freeze) ?: save_all(s);
	vgpu_saver_forget_names(s);
	/* before the only other one is gone */
	if (!ret && stop && S_ISREG(file_inode(file)->i_mode))
		ret = vfs_fsync(file, 0);
	if (!ret && stop)
		ret = vgpu_instance_verb(inst, VGPU_VERB_STOP);
	vgpu_thaw(&s->freeze);
	*bytes = s->out.bytes;
out:
	vgpu_image_out_fini(&s->out);
	kfree(s);
	return explain(why, ret);
}
