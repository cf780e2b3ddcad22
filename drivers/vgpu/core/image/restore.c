// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a vGPU of an image.
 *
 * An image is not trusted, whoever brings it: each object is made by the call that its
 * tenant would have made (vgpu_call_*), with all checks and all charges, and each
 * command goes through vgpu_command_check().  What a call can't do, such as a
 * handle of a certain number, is asked for, and compared with what came out.  Saved
 * state of a context names no memory but by addresses of its own address space:
 * where its tables are is never taken from the image.
 *
 * The vGPU stands still (freeze.h) from its creation until all of it is there, so that
 * nobody runs, opens or steers what is not whole.  When anything goes wrong it is taken
 * away.
 */
#include <linux/fs.h>
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "../core_priv.h"
#include "../memory/still.h"
#include "restorer.h"

/* Fills in what the image says, if nothing has been said. */
static int bad(struct vgpu_restorer *r, int err, const char *what)
{
	if (r->why->text[0])
		return err;
	return vgpu_refuse(r->why, 0, err, "%s of record %u %s", what,
			   r->in.seq - 1,
			   err == -EINVAL ? "makes no sense" :
			   err == -ENOENT ? "names what is not there" :
			   "can't be restored here");
}

/* ---------------------------------------------------------------- clients */

/* Handles were asked for one by one; from now on they are given out again. */
static void finish_client(struct vgpu_restorer *r)
{
	if (!r->client)
		return;
	mutex_lock(&r->client->lock);
	r->client->next_handle = r->next_handle;
	mutex_unlock(&r->client->lock);
}

static int restore_client(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_client *rec = payload;
	struct vgpu_client *client;
	kuid_t uid = make_kuid(&init_user_ns, rec->uid);

	finish_client(r);
	if (rec->number != r->number + 1 || !uid_valid(uid) ||
	    rec->next_handle > VGPU_MAX_HANDLES + 1 ||
	    strnlen(rec->holder, sizeof(rec->holder)) == sizeof(rec->holder))
		return -EINVAL;
	client = vgpu_client_park(r->inst, rec->number, uid, rec->pid,
				  rec->holder);
	if (IS_ERR(client))
		return PTR_ERR(client);
	r->client = client;
	r->next_handle = rec->next_handle;
	r->number++;
	return 0;
}

/* --------------------------------------------------------------- instance */

static bool is_text(const char *text, size_t bytes)
{
	return text[0] && strnlen(text, bytes) < bytes;
}

/* Can this GPU go on where that one stopped? */
static int check_gpu(struct vgpu_restorer *r, const struct vgpu_image_instance *rec)
{
	const struct vgpu_hw_desc *desc = &r->gpu->desc;
	const u64 caps = VGPU_HW_PREEMPT | VGPU_HW_SAVE | VGPU_HW_MMU;

	if (!is_text(rec->type, sizeof(rec->type)) ||
	    !is_text(rec->driver, sizeof(rec->driver)) ||
	    !is_text(rec->state_format, sizeof(rec->state_format)) || rec->pad)
		return bad(r, -EINVAL, "the vGPU");
	if (strcmp(rec->driver, r->gpu->driver))
		return vgpu_refuse(r->why, 0, -EOPNOTSUPP,
				   "the image is of a GPU of %s, this one is of %s",
				   rec->driver, r->gpu->driver);
	if ((desc->caps & caps) != caps || !desc->state_format ||
	    strcmp(rec->state_format, desc->state_format))
		return vgpu_refuse(r->why, 0, -EOPNOTSUPP,
				   "contexts are saved as %s, which this GPU does not take",
				   rec->state_format);
	if (rec->units != desc->units || rec->max_lanes != desc->max_lanes ||
	    rec->shared_bytes != desc->shared_bytes ||
	    memcmp(rec->section_bytes, desc->section_bytes,
		   sizeof(desc->section_bytes)))
		return vgpu_refuse(r->why, 0, -EOPNOTSUPP,
				   "the image is of a GPU of another shape: units, lanes or state");
	return 0;
}

static int set_quotas(struct vgpu_restorer *r, const struct vgpu_image_instance *rec)
{
	const struct vgpu_instance_set set = {
		.mask = VGPU_SET_VRAM | (rec->slice_ns ? VGPU_SET_SLICE : 0) |
			(rec->cap ? VGPU_SET_CAP : 0),
		.vram_bytes = rec->vram_bytes,
		.slice_ns = rec->slice_ns,
		.cap = rec->cap,
	};

	return vgpu_instance_set(r->inst, &set, r->why);
}

/* Not entered: it is not there yet. */
static int restore_instance(struct vgpu_restorer *r)
{
	const struct vgpu_image_instance *rec = (void *)r->in.payload;
	struct vgpu_instance_params params = {
		.type = rec->type,
		.weight = rec->weight,
		.priority = rec->priority,
		.bandwidth_mbps = rec->bandwidth_mbps,
		.units = rec->own_units,
		.freeze = &r->freeze,
	};
	struct vgpu_instance *inst;
	int ret;

	if (r->in.type != VGPU_IMAGE_INSTANCE)
		return bad(r, -EINVAL, "the beginning");
	ret = check_gpu(r, rec);
	if (ret)
		return ret;
	if (rec->rights & ~VGPU_RIGHTS_ALL || rec->running > 1 || !rec->weight)
		return bad(r, -EINVAL, "the vGPU");
	import_uuid(&params.uuid, rec->uuid);
	if (!uuid_is_null(r->uuid))
		params.uuid = *r->uuid;
	r->running = rec->running;
	r->rights = rec->rights;
	inst = vgpu_instance_create(r->gpu, &params);
	if (IS_ERR(inst)) {
		ret = PTR_ERR(inst);
		switch (ret) {
		case -ENOENT:
			return vgpu_refuse(r->why, 0, ret,
					   "this GPU has no type %s", rec->type);
		case -EEXIST:
			return vgpu_refuse(r->why, 0, ret,
					   "there is a vGPU of this UUID: give another one");
		case -ENOSPC:
			return vgpu_refuse(r->why, 0, ret,
					   "this GPU has no room for a %s", rec->type);
		}
		return bad(r, ret, "the vGPU");
	}
	r->inst = inst;
	vgpu_freeze_made(&r->freeze, inst);
	return set_quotas(r, rec);
}

static const struct {
	int (*fn)(struct vgpu_restorer *r, const void *payload);
	const char *what;
} handlers[] = {
	[VGPU_IMAGE_CLIENT] = { restore_client, "the client" },
	[VGPU_IMAGE_BO] = { vgpu_restore_bo, "memory" },
	[VGPU_IMAGE_DATA] = { vgpu_restore_data, "what memory holds" },
	[VGPU_IMAGE_VM] = { vgpu_restore_vm, "the address space" },
	[VGPU_IMAGE_MAP] = { vgpu_restore_map, "the mapping" },
	[VGPU_IMAGE_TIMELINE] = { vgpu_restore_timeline, "the timeline" },
	[VGPU_IMAGE_CTX] = { vgpu_restore_ctx, "the context" },
	[VGPU_IMAGE_QUEUE] = { vgpu_restore_queue, "the queue" },
	[VGPU_IMAGE_COMMANDS] = { vgpu_restore_commands, "a command" },
	[VGPU_IMAGE_STATE] = { vgpu_restore_state, "the state" },
	[VGPU_IMAGE_SECTION] = { vgpu_restore_section, "the state" },
};

static int restore_record(struct vgpu_restorer *r)
{
	u16 type = r->in.type;
	int ret;

	if (type >= ARRAY_SIZE(handlers) || !handlers[type].fn)
		return bad(r, -EINVAL, "the place");
	ret = vgpu_freeze_enter(&r->freeze);
	if (ret)
		return ret;
	ret = handlers[type].fn(r, r->in.payload);
	vgpu_freeze_leave(&r->freeze);
	return ret ? bad(r, ret, handlers[type].what) : 0;
}

/* ----------------------------------------------------------------- the end */

/* What has a command midway is known to its engine from now on. */
static void link_midway(struct vgpu_client *client)
{
	unsigned long handle;
	struct vgpu_obj *obj;

	xa_for_each(&client->objs, handle, obj) {
		struct vgpu_ctx *ctx;

		if (obj->type != VGPU_OBJ_CTX)
			continue;
		ctx = container_of(obj, struct vgpu_ctx, obj);
		spin_lock_irq(&ctx->engine->lock);
		if (ctx->midway && list_empty(&ctx->midway_link))
			list_add_tail(&ctx->midway_link,
				      &ctx->engine->preload.midway);
		spin_unlock_irq(&ctx->engine->lock);
	}
}

static int commit(struct vgpu_restorer *r)
{
	struct vgpu_instance *inst = r->inst;
	struct vgpu_client *client;
	int ret;

	ret = vgpu_freeze_enter(&r->freeze);
	if (ret)
		return ret;
	list_for_each_entry(client, &inst->clients, link)
		link_midway(client);
	finish_client(r);
	vgpu_restorer_close(r, true);
	vgpu_filter_set(inst, r->rights);
	inst->state = r->running && !r->paused ? VGPU_STATE_RUNNING :
						 VGPU_STATE_PAUSED;
	if (inst->state == VGPU_STATE_PAUSED)
		vgpu_still_begin(inst);
	vgpu_event_post(VGPU_EVENT_STATE, NULL, inst, inst->state);
	vgpu_freeze_leave(&r->freeze);
	return 0;
}

static int restore_all(struct vgpu_restorer *r)
{
	int ret;

	ret = vgpu_image_next(&r->in, r->why) ?: restore_instance(r);
	while (!ret) {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = vgpu_image_next(&r->in, r->why);
		if (ret)
			return ret;
		if (r->in.type == VGPU_IMAGE_END)
			return commit(r);
		ret = restore_record(r);
		cond_resched();
	}
	return ret;
}

static void undo(struct vgpu_restorer *r)
{
	vgpu_restorer_close(r, false);
	if (!r->inst)
		return;
	/* nobody had it open, and what it has is dropped with it */
	vgpu_thaw(&r->freeze);
	if (vgpu_instance_destroy(r->inst) == -EBUSY)
		vgpu_instance_kill(r->inst, VGPU_STATE_FAILED, -ESHUTDOWN);
	vgpu_instance_put(r->inst);
	r->inst = NULL;
}

static int read_file(void *arg, void *to, u32 bytes)
{
	struct file *file = arg;
	u32 done = 0;

	while (done < bytes) {
		ssize_t n = kernel_read(file, to + done, bytes - done,
					&file->f_pos);

		if (n < 0)
			return n == -ERESTARTSYS ? -EINTR : n;
		if (!n)
			return -ENODATA;
		done += n;
	}
	return 0;
}

struct vgpu_instance *
vgpu_image_restore(struct vgpu_gpu *gpu, struct file *file, const uuid_t *uuid,
		   bool paused, u32 *clients, u64 *bytes,
		   struct vgpu_refusal *why)
{
	struct vgpu_instance *inst;
	struct vgpu_restorer *r;
	int ret;

	if (!(file->f_mode & FMODE_READ))
		return ERR_PTR(-EBADF);
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->gpu = gpu;
	r->uuid = uuid;
	r->paused = paused;
	r->why = why;
	INIT_LIST_HEAD(&r->closed);
	ret = vgpu_image_in_init(&r->in, read_file, file, why);
	if (ret)
		goto out;
	ret = restore_all(r);
	if (ret)
		undo(r);
	else
		vgpu_thaw(&r->freeze);
	vgpu_image_in_fini(&r->in);
out:
	inst = ret ? ERR_PTR(ret) : r->inst;
	*clients = r->number;
	*bytes = r->in.bytes;
	kfree(r);
	return inst;
}
