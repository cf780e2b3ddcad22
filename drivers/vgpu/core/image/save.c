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
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "../core_priv.h"
#include "freeze.h"
#include "image.h"

#define DATA_BYTES	SZ_64K
#define SECTION_BYTES	SZ_64K
#define LOOK_BYTES	SZ_1M		/* of memory, before others come in */

/**
 * struct name - what a thing without a pointer is called in the image
 * @node: in saver.names
 * @what: vgpu_bo, vgpu_vm_obj, vgpu_ctx, vgpu_timeline: of the client that is written
 * @handle: its handle, or a free one
 */
struct name {
	struct hlist_node node;
	const void *what;
	u32 handle;
};

struct saver {
	struct vgpu_freeze freeze;
	struct file *file;
	struct vgpu_image_out out;
	struct vgpu_refusal *why;
	struct vgpu_client *client;
	u32 spare;			/* no handle from there to the last is free */
	DECLARE_HASHTABLE(names, 8);
};

/* ---------------------------------------------------------------- writing */

/* Entered or not: what is in the buffer goes to the file. */
static int flush(struct saver *s)
{
	u32 done = 0;

	while (done < s->out.used) {
		ssize_t n = kernel_write(s->file, s->out.buffer + done,
					 s->out.used - done, &s->file->f_pos);

		if (n <= 0)
			return n == -ERESTARTSYS ? -EINTR : n ?: -EIO;
		done += n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	s->out.used = 0;
	return 0;
}

/* Entered, and so it is on 0; on an error it is not any more. */
static int open_record(struct saver *s, u32 bytes, void **payload)
{
	int ret;

	*payload = vgpu_image_open(&s->out, bytes);
	if (*payload)
		return 0;
	vgpu_freeze_leave(&s->freeze);
	ret = flush(s) ?: vgpu_freeze_enter(&s->freeze);
	if (ret)
		return ret;
	*payload = vgpu_image_open(&s->out, bytes);
	return 0;
}

static int put(struct saver *s, u16 type, const void *what, u32 bytes)
{
	void *payload;
	int ret = open_record(s, bytes, &payload);

	if (ret)
		return ret;
	memcpy(payload, what, bytes);
	vgpu_image_close(&s->out, type, 0, bytes);
	return 0;
}

/* Entered, and on 0 again: who waits for the lock, or for the GPU to go, comes in. */
static int breathe(struct saver *s)
{
	vgpu_freeze_leave(&s->freeze);
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	return vgpu_freeze_enter(&s->freeze);
}

/* Entered; then it is not. */
static int refuse(struct saver *s, int err, const char *text)
{
	vgpu_freeze_leave(&s->freeze);
	return vgpu_refuse(s->why, 0, err, "%s", text);
}

/* Likewise, for errors of what was called. */
static int fail(struct saver *s, int err)
{
	vgpu_freeze_leave(&s->freeze);
	return err;
}

/* ------------------------------------------------------------------ names */

static struct name *find_name(struct saver *s, const void *what)
{
	struct name *name;

	hash_for_each_possible(s->names, name, node, (unsigned long)what)
		if (name->what == what)
			return name;
	return NULL;
}

static u32 name_of(struct saver *s, const void *what)
{
	struct name *name = find_name(s, what);

	return name ? name->handle : 0;
}

/* @handle 0: one that is free. Entered; not any more on an error. */
static int set_name(struct saver *s, const void *what, u32 *handle)
{
	struct name *name;

	while (!*handle) {
		if (!s->spare)
			return fail(s, -EMFILE);
		if (!xa_load(&s->client->objs, s->spare))
			*handle = s->spare;
		s->spare--;
	}
	name = kmalloc(sizeof(*name), GFP_KERNEL_ACCOUNT);
	if (!name)
		return fail(s, -ENOMEM);
	name->what = what;
	name->handle = *handle;
	hash_add(s->names, &name->node, (unsigned long)what);
	return 0;
}

static void forget_names(struct saver *s)
{
	struct hlist_node *next;
	struct name *name;
	int i;

	hash_for_each_safe(s->names, i, next, name, node) {
		hash_del(&name->node);
		kfree(name);
	}
}

/* ----------------------------------------------------------------- memory */

/* Pages from @from on in one record, up to the first that is zero. */
static int save_run(struct saver *s, struct vgpu_bo *bo, u32 handle, u64 *at,
		    u64 end)
{
	struct vgpu_image_data *head;
	u8 *data;
	u32 n = 0;
	int ret;

	ret = open_record(s, sizeof(*head) + DATA_BYTES, (void **)&head);
	if (ret)
		return ret;
	head->bo = handle;
	data = (u8 *)(head + 1);
	for (; *at < end && n < DATA_BYTES; *at += PAGE_SIZE) {
		struct page *page;
		bool zero = true;

		ret = vgpu_bo_hold(bo, *at);
		if (ret)
			return fail(s, ret);
		page = vgpu_bo_page(bo, *at);
		if (page) {
			zero = !memchr_inv(page_address(page), 0, PAGE_SIZE);
			if (!zero)
				memcpy(data + n, page_address(page), PAGE_SIZE);
		}
		vgpu_bo_unhold(bo, *at);
		if (!page)
			return fail(s, -EIO);
		if (zero && n)
			break;
		if (zero)
			continue;
		if (!n)
			head->offset = *at;
		n += PAGE_SIZE;
	}
	if (n)
		vgpu_image_close(&s->out, VGPU_IMAGE_DATA, 0, sizeof(*head) + n);
	return 0;
}

/* @obj NULL: its handle was closed. */
static int save_bo(struct saver *s, struct vgpu_bo *bo,
		   const struct vgpu_bo_obj *obj, u32 handle)
{
	struct vgpu_image_bo rec = { .closed = !handle };
	u64 at = 0, end = vgpu_bo_bytes(bo);
	int ret;

	if (!vgpu_bo_is_own(bo))
		return refuse(s, -EBUSY,
			      vgpu_bo_is_host(bo) ?
			      "memory of a program is in use (BO_USER), which can't be saved" :
			      "an imported dma-buf is in use, which can't be saved");
	ret = set_name(s, bo, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	rec.flags = vgpu_bo_is_host(bo) ? VGPU_BO_HOST : 0;
	if (obj && obj->share)
		rec.flags |= VGPU_BO_SHARE;
	rec.bytes = obj ? obj->place_bytes : end;
	end = rec.bytes;
	rec.mmap_offset = obj ? obj->mmap_offset : 0;
	ret = put(s, VGPU_IMAGE_BO, &rec, sizeof(rec));
	while (!ret && at < end) {
		ret = save_run(s, bo, handle, &at, min(end, at + LOOK_BYTES)) ?:
		      breathe(s);
	}
	return ret;
}

static int save_vm(struct saver *s, struct vgpu_vm_obj *vm, u32 handle)
{
	struct vgpu_image_vm rec = { .closed = !handle };
	struct vgpu_as_mapping map;
	u64 va = 0;
	int ret;

	if (vm->pinned)
		return refuse(s, -EBUSY,
			      "an address space for fences is in use (VGPU_VM_PINNED), which can't be saved");
	ret = set_name(s, vm, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	ret = put(s, VGPU_IMAGE_VM, &rec, sizeof(rec));
	for (; !ret && vgpu_as_next(vm->as, va, &map); va = map.va + map.bytes) {
		struct vgpu_image_map m = {
			.vm = handle,
			.prot = map.prot,
			.va = map.va,
			.offset = map.offset,
			.bytes = map.bytes,
		};

		if (!find_name(s, map.bo))
			ret = save_bo(s, map.bo, NULL, 0);
		m.bo = ret ? 0 : name_of(s, map.bo);
		if (!ret)
			ret = put(s, VGPU_IMAGE_MAP, &m, sizeof(m));
	}
	return ret;
}

/* --------------------------------------------------- queues and contexts */

static int save_timeline(struct saver *s, struct vgpu_timeline *tl, u32 handle)
{
	struct vgpu_image_timeline rec = { .closed = !handle };
	int ret;

	ret = set_name(s, tl, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	rec.slot = tl->slot;
	spin_lock_irq(&tl->lock);
	rec.value = tl->value;
	spin_unlock_irq(&tl->lock);
	return put(s, VGPU_IMAGE_TIMELINE, &rec, sizeof(rec));
}

static int save_ctx(struct saver *s, struct vgpu_ctx *ctx, u32 handle)
{
	struct vgpu_image_ctx rec = { .closed = !handle };
	int ret = 0;

	if (!find_name(s, ctx->vm))
		ret = save_vm(s, ctx->vm, 0);
	if (!ret)
		ret = set_name(s, ctx, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	rec.vm = name_of(s, ctx->vm);
	rec.engine = ctx->entity - s->freeze.inst->entity;
	return put(s, VGPU_IMAGE_CTX, &rec, sizeof(rec));
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

static int save_commands(struct saver *s, struct vgpu_queue *q, u32 handle)
{
	struct vgpu_image_commands *head;
	struct vgpu_image_command *c;
	u64 now = ktime_get_ns();
	u32 i, n, at;
	int ret;

	for (at = 0; at < q->count; at += n) {
		n = min_t(u32, q->count - at, VGPU_IMAGE_COMMANDS_MAX);
		ret = open_record(s, sizeof(*head) + n * sizeof(*c),
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
					name_of(s, slot->timeline);
			c[i].due = slot->deadline != U64_MAX;
			if (c[i].due)
				c[i].deadline_ns = slot->deadline - now;
		}
		vgpu_image_close(&s->out, VGPU_IMAGE_COMMANDS, 0,
				 sizeof(*head) + n * sizeof(*c));
	}
	return 0;
}

static void fill_queue(struct saver *s, struct vgpu_queue *q,
		       struct vgpu_image_queue *rec)
{
	rec->ctx = name_of(s, q->ctx);
	rec->depth = q->depth;
	rec->sched_class = vgpu_queue_class(q);
	rec->time_limit_ns = q->time_limit_ns;
	if (q->ring) {
		rec->ring_bo = name_of(s, q->ring->bo);
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

static int save_queue(struct saver *s, struct vgpu_queue *q, u32 handle)
{
	struct vgpu_image_queue rec = { .handle = handle };
	int ret = 0;
	u32 i;

	/* Its fault is being seen to: that ends, with the command or without. */
	if (wait_event_killable(q->ctx->engine->wait, !is_paging(q->ctx)))
		return fail(s, -EINTR);
	if (!find_name(s, q->ctx))
		ret = save_ctx(s, q->ctx, 0);
	if (!ret && q->ring && !find_name(s, q->ring->bo))
		return refuse(s, -EBUSY,
			      "the memory of a ring was closed, which can't be saved");
	for (i = 0; !ret && i < q->count; i++) {
		struct vgpu_timeline *tl = slot_at(q, i)->timeline;

		if (tl && !find_name(s, tl))
			ret = save_timeline(s, tl, 0);
	}
	if (ret)
		return ret;
	fill_queue(s, q, &rec);
	ret = put(s, VGPU_IMAGE_QUEUE, &rec, sizeof(rec));
	if (!ret)
		ret = save_commands(s, q, handle);
	return ret;
}

static int save_section(struct saver *s, struct vgpu_ctx *ctx,
			const struct vgpu_image_state *state, unsigned int sec)
{
	struct vgpu_image_section *head;
	u32 offset, n;
	int ret;

	for (offset = 0; offset < state->used[sec]; offset += n) {
		n = min_t(u32, state->used[sec] - offset, SECTION_BYTES);
		ret = open_record(s, sizeof(*head) + ALIGN(n, 8),
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
static int save_state(struct saver *s, struct vgpu_queue *q, u32 handle)
{
	struct vgpu_image_state rec = { .queue = handle };
	struct vgpu_ctx *ctx = q->ctx;
	unsigned int sec;
	int ret;

	if (!ctx->midway || ctx->job != q)
		return 0;
	rec.ctx = name_of(s, ctx);
	rec.service_ns = vgpu_queue_head(q)->service;
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		/* where its page tables are: they will be elsewhere */
		if (sec == VGPU_SEC_MMU || !(ctx->state.valid & BIT(sec)))
			continue;
		rec.valid |= BIT(sec);
		rec.used[sec] = ctx->state.used[sec];
	}
	ret = put(s, VGPU_IMAGE_STATE, &rec, sizeof(rec));
	for (sec = 0; !ret && sec < VGPU_SEC_COUNT; sec++)
		if (rec.valid & BIT(sec))
			ret = save_section(s, ctx, &rec, sec);
	return ret;
}

/* ---------------------------------------------------------------- clients */

static int save_obj(struct saver *s, struct vgpu_obj *obj, u32 handle)
{
	struct vgpu_bo_obj *bo;
	struct vgpu_queue *q;
	int ret;

	switch (obj->type) {
	case VGPU_OBJ_BO:
		bo = vgpu_bo_obj(obj);
		return save_bo(s, bo->bo, bo, handle);
	case VGPU_OBJ_VM:
		return save_vm(s, vgpu_vm_obj(obj), handle);
	case VGPU_OBJ_TIMELINE:
		return save_timeline(s, container_of(obj, struct vgpu_timeline,
						     obj), handle);
	case VGPU_OBJ_CTX:
		return save_ctx(s, container_of(obj, struct vgpu_ctx, obj),
				handle);
	case VGPU_OBJ_QUEUE:
		q = container_of(obj, struct vgpu_queue, obj);
		ret = save_queue(s, q, handle);
		return ret ?: save_state(s, q, handle);
	}
	return 0;
}

static int save_client(struct saver *s, struct vgpu_client *client, u32 number)
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
	ret = put(s, VGPU_IMAGE_CLIENT, &rec, sizeof(rec));
	for (i = 0; !ret && i < ARRAY_SIZE(order); i++) {
		xa_for_each(&client->objs, handle, obj) {
			if (obj->type == order[i])
				ret = save_obj(s, obj, handle);
			if (ret)
				break;
		}
	}
	forget_names(s);
	return ret;
}

/* --------------------------------------------------------------- the whole */

static int save_instance(struct saver *s)
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
	return put(s, VGPU_IMAGE_INSTANCE, &rec, sizeof(rec));
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
static int save_all(struct saver *s)
{
	struct vgpu_instance *inst = s->freeze.inst;
	struct vgpu_image_end end;
	struct vgpu_client *client;
	u32 number = 0;
	int ret;

	if (has_shares(inst))
		return refuse(s, -EBUSY,
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
	ret = put(s, VGPU_IMAGE_END, &end, sizeof(end));
	if (ret)
		return ret;
	vgpu_freeze_leave(&s->freeze);
	return flush(s);
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
	struct saver *s;
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
	forget_names(s);
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
