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
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "../core_priv.h"
#include "../memory/still.h"
#include "freeze.h"
#include "image.h"

struct closed {
	struct list_head link;
	struct vgpu_client *client;
	u32 handle;
};

/**
 * struct restorer - a vGPU that is coming into being
 * @freeze: of it
 * @in: what is read
 * @why: what is wrong with it
 * @gpu: where to
 * @uuid: that it is to have, or null
 * @paused: it is not to go on
 * @running: it did, when it was saved
 * @rights: that it has in the end
 * @number: of clients
 * @inst: it, or NULL; with a reference
 * @client: whose records these are, or NULL
 * @next_handle: that it would be given
 * @closed: handles that are to be closed in the end
 */
struct restorer {
	struct vgpu_freeze freeze;
	struct vgpu_image_in in;
	struct vgpu_refusal *why;
	struct vgpu_gpu *gpu;
	const uuid_t *uuid;
	bool paused;
	bool running;
	u32 rights;
	u32 number;
	u32 next_handle;
	struct vgpu_instance *inst;
	struct vgpu_client *client;
	struct list_head closed;
};

/* Fills in what the image says, if nothing has been said. */
static int bad(struct restorer *r, int err, const char *what)
{
	if (r->why->text[0])
		return err;
	return vgpu_refuse(r->why, 0, err, "%s of record %u %s", what,
			   r->in.seq - 1,
			   err == -EINVAL ? "makes no sense" :
			   err == -ENOENT ? "names what is not there" :
			   "can't be restored here");
}

/* ---------------------------------------------------------------- objects */

/* Calls give out the next handle that is free: so it is to be @handle. */
static int want_handle(struct restorer *r, u32 handle)
{
	if (!r->client || !handle || handle > VGPU_MAX_HANDLES)
		return -EINVAL;
	mutex_lock(&r->client->lock);
	r->client->next_handle = handle;
	mutex_unlock(&r->client->lock);
	return 0;
}

/* It was made, as @got. Another number: there is one of that number already. */
static int made(struct restorer *r, u32 handle, u32 got, u32 closed)
{
	struct closed *c;

	if (got != handle || closed > 1)
		return -EINVAL;
	if (!closed)
		return 0;
	c = kmalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	c->client = r->client;
	c->handle = handle;
	list_add_tail(&c->link, &r->closed);
	return 0;
}

/* Handles were asked for one by one; from now on they are given out again. */
static void finish_client(struct restorer *r)
{
	if (!r->client)
		return;
	mutex_lock(&r->client->lock);
	r->client->next_handle = r->next_handle;
	mutex_unlock(&r->client->lock);
}

static int restore_client(struct restorer *r, const void *payload)
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

static int restore_bo(struct restorer *r, const void *payload)
{
	const struct vgpu_image_bo *rec = payload;
	bool host = rec->flags & VGPU_BO_HOST;
	struct vgpu_bo_create arg = {
		.flags = rec->flags,
		.bytes = rec->bytes,
	};
	u64 first = host ? VGPU_HOST_BO_FIRST : 0;
	u64 end = host ? VGPU_HOST_BO_LAST + 1 : r->inst->aperture_bytes;
	int ret;

	if (rec->pad || !rec->bytes || !PAGE_ALIGNED(rec->bytes))
		return -EINVAL;
	ret = want_handle(r, rec->handle);
	if (ret)
		return ret;
	if (rec->closed) {
		ret = vgpu_bo_restore_closed(r->client, &arg);
		return ret ?: made(r, rec->handle, arg.handle, rec->closed);
	}
	if (!PAGE_ALIGNED(rec->mmap_offset) || rec->mmap_offset < first ||
	    rec->mmap_offset >= end || rec->bytes > end - rec->mmap_offset)
		return -EINVAL;
	/* the place that is given next is to be this one */
	r->inst->aperture_next[host] = rec->mmap_offset >> PAGE_SHIFT;
	ret = vgpu_call_bo_create(r->client, &arg, NULL);
	if (!ret && arg.mmap_offset != rec->mmap_offset)
		ret = -EINVAL;
	return ret ?: made(r, rec->handle, arg.handle, 0);
}

static int restore_data(struct restorer *r, const void *payload)
{
	const struct vgpu_image_data *rec = payload;
	const u8 *from = (const u8 *)(rec + 1);
	u64 at = rec->offset, left = r->in.length - sizeof(*rec);
	struct vgpu_obj *obj;
	struct vgpu_bo *bo;
	int ret = 0;

	if (!r->client || rec->pad || !PAGE_ALIGNED(at) || !left ||
	    !PAGE_ALIGNED(left))
		return -EINVAL;
	obj = vgpu_obj_get(r->client, rec->bo, VGPU_OBJ_BO);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	bo = vgpu_bo_obj(obj)->bo;
	if (at >= vgpu_bo_bytes(bo) || left > vgpu_bo_bytes(bo) - at)
		ret = -EINVAL;
	for (; !ret && left; at += PAGE_SIZE, from += PAGE_SIZE) {
		struct page *page;

		ret = vgpu_bo_hold(bo, at);
		if (ret)
			break;
		page = vgpu_bo_page(bo, at);
		if (page)
			memcpy(page_address(page), from, PAGE_SIZE);
		else
			ret = -EIO;
		vgpu_bo_unhold(bo, at);
		left -= PAGE_SIZE;
	}
	vgpu_obj_put(obj);
	return ret;
}

static int restore_vm(struct restorer *r, const void *payload)
{
	const struct vgpu_image_vm *rec = payload;
	struct vgpu_vm_create arg = {};
	int ret;

	ret = want_handle(r, rec->handle) ?:
	      vgpu_call_vm_create(r->client, &arg);
	return ret ?: made(r, rec->handle, arg.handle, rec->closed);
}

static int restore_map(struct restorer *r, const void *payload)
{
	const struct vgpu_image_map *rec = payload;
	struct vgpu_vm_map arg = {
		.vm = rec->vm,
		.bo = rec->bo,
		.prot = rec->prot,
		.va = rec->va,
		.offset = rec->offset,
		.bytes = rec->bytes,
	};

	if (!r->client || rec->pad)
		return -EINVAL;
	return vgpu_call_vm_map(r->client, &arg);
}

static int restore_timeline(struct restorer *r, const void *payload)
{
	const struct vgpu_image_timeline *rec = payload;
	struct vgpu_timeline_create arg = { .initial = rec->value };
	int ret;

	if (rec->pad || rec->slot >= VGPU_TIMELINES)
		return -EINVAL;
	ret = want_handle(r, rec->handle);
	if (ret)
		return ret;
	r->client->want_slot = rec->slot;
	ret = vgpu_call_timeline_create(r->client, &arg);
	r->client->want_slot = VGPU_ANY_SLOT;
	return ret ?: made(r, rec->handle, arg.handle, rec->closed);
}

static int restore_ctx(struct restorer *r, const void *payload)
{
	const struct vgpu_image_ctx *rec = payload;
	struct vgpu_ctx_create arg = {
		.vm = rec->vm,
		.engine = rec->engine,
	};
	int ret;

	ret = want_handle(r, rec->handle);
	if (ret)
		return ret;
	if (rec->engine >= r->inst->nr_entities)
		return vgpu_refuse(r->why, 0, -EOPNOTSUPP,
				   "it uses engine %u, which a vGPU has not got here",
				   rec->engine);
	ret = vgpu_call_ctx_create(r->client, &arg);
	if (ret == -EUSERS)	/* which is the word for it inside */
		ret = -EMFILE;
	return ret ?: made(r, rec->handle, arg.handle, rec->closed);
}

static struct vgpu_queue *get_queue(struct restorer *r, u32 handle)
{
	struct vgpu_obj *obj;

	if (!r->client)
		return ERR_PTR(-EINVAL);
	obj = vgpu_obj_get(r->client, handle, VGPU_OBJ_QUEUE);
	return IS_ERR(obj) ? ERR_CAST(obj) :
			     container_of(obj, struct vgpu_queue, obj);
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

static int restore_queue(struct restorer *r, const void *payload)
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

	ret = check_queue(rec) ?: want_handle(r, rec->handle);
	if (ret)
		return ret;
	if (rec->ring_slots)
		r->client->want_slot = rec->doorbell;
	ret = vgpu_call_queue_create(r->client, &arg);
	r->client->want_slot = VGPU_ANY_SLOT;
	ret = ret ?: made(r, rec->handle, arg.handle, 0);
	if (ret)
		return ret;
	q = get_queue(r, rec->handle);
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

static int restore_commands(struct restorer *r, const void *payload)
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
	q = get_queue(r, rec->queue);
	if (IS_ERR(q))
		return PTR_ERR(q);
	for (i = 0; i < rec->count && !ret; i++)
		ret = restore_command(q, &c[i], now);
	vgpu_obj_put(&q->obj);
	return ret;
}

/* ------------------------------------------------------------------ state */

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

static int restore_state(struct restorer *r, const void *payload)
{
	const struct vgpu_image_state *rec = payload;
	struct vgpu_queue *q;
	int ret;

	if (rec->pad || rec->valid & ~(BIT(VGPU_SEC_COUNT) - 1) ||
	    rec->valid & BIT(VGPU_SEC_MMU) ||
	    !(rec->valid & BIT(VGPU_SEC_CONTROL)))
		return -EINVAL;
	q = get_queue(r, rec->queue);
	if (IS_ERR(q))
		return PTR_ERR(q);
	spin_lock_irq(&q->ctx->engine->lock);
	ret = begin_state(q, rec);
	spin_unlock_irq(&q->ctx->engine->lock);
	vgpu_obj_put(&q->obj);
	return ret;
}

/* A closed context is still there by its number. */
static int restore_section(struct restorer *r, const void *payload)
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

/* --------------------------------------------------------------- instance */

static bool is_text(const char *text, size_t bytes)
{
	return text[0] && strnlen(text, bytes) < bytes;
}

/* Can this GPU go on where that one stopped? */
static int check_gpu(struct restorer *r, const struct vgpu_image_instance *rec)
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

static int set_quotas(struct restorer *r, const struct vgpu_image_instance *rec)
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
static int restore_instance(struct restorer *r)
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
	int (*fn)(struct restorer *r, const void *payload);
	const char *what;
} handlers[] = {
	[VGPU_IMAGE_CLIENT] = { restore_client, "the client" },
	[VGPU_IMAGE_BO] = { restore_bo, "memory" },
	[VGPU_IMAGE_DATA] = { restore_data, "what memory holds" },
	[VGPU_IMAGE_VM] = { restore_vm, "the address space" },
	[VGPU_IMAGE_MAP] = { restore_map, "the mapping" },
	[VGPU_IMAGE_TIMELINE] = { restore_timeline, "the timeline" },
	[VGPU_IMAGE_CTX] = { restore_ctx, "the context" },
	[VGPU_IMAGE_QUEUE] = { restore_queue, "the queue" },
	[VGPU_IMAGE_COMMANDS] = { restore_commands, "a command" },
	[VGPU_IMAGE_STATE] = { restore_state, "the state" },
	[VGPU_IMAGE_SECTION] = { restore_section, "the state" },
};

static int restore_record(struct restorer *r)
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

static void close_closed(struct restorer *r, bool retire)
{
	struct closed *c, *next;

	list_for_each_entry_safe(c, next, &r->closed, link) {
		if (retire)
			vgpu_client_close_handle(c->client, c->handle);
		list_del(&c->link);
		kfree(c);
	}
}

static int commit(struct restorer *r)
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
	close_closed(r, true);
	vgpu_filter_set(inst, r->rights);
	inst->state = r->running && !r->paused ? VGPU_STATE_RUNNING :
						 VGPU_STATE_PAUSED;
	if (inst->state == VGPU_STATE_PAUSED)
		vgpu_still_begin(inst);
	vgpu_event_post(VGPU_EVENT_STATE, NULL, inst, inst->state);
	vgpu_freeze_leave(&r->freeze);
	return 0;
}

static int restore_all(struct restorer *r)
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

static void undo(struct restorer *r)
{
	close_closed(r, false);
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
	struct restorer *r;
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
