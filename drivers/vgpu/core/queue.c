// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts, and the queues that feed them.
 *
 * A queue is a bounded FIFO of commands that were taken and checked.  Its
 * head either needs the engine (copy, fill, launch), or is done here and now
 * (no-operation, signal), or waits for a timeline; a queue that waits keeps
 * nobody else from running.  Whatever happens to a command, the next one has
 * its turn: failures are told, not propagated.
 *
 * All of it is under the lock of the engine that the context is for.
 */
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "core_priv.h"

static struct vgpu_ctx *to_ctx(struct vgpu_obj *obj)
{
	return container_of(obj, struct vgpu_ctx, obj);
}

static struct vgpu_queue *to_queue(struct vgpu_obj *obj)
{
	return container_of(obj, struct vgpu_queue, obj);
}

/* ------------------------------------------------------------ contexts */

static bool take_context(struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;
	u32 used;
	bool took = vgpu_commons_take(&gpu->contexts, &inst->contexts, &used);

	vgpu_quota_note(&gpu->quota, VGPU_RES_CONTEXTS, used,
			READ_ONCE(gpu->contexts.limit));
	return took;
}

static void give_context(struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;
	u32 used = vgpu_commons_give(&gpu->contexts, &inst->contexts);

	vgpu_quota_note(&gpu->quota, VGPU_RES_CONTEXTS, used,
			READ_ONCE(gpu->contexts.limit));
	vgpu_waitline_poke(&gpu->contexts_line);
}

static void ctx_release(struct vgpu_obj *obj)
{
	struct vgpu_ctx *ctx = to_ctx(obj);
	struct vgpu_gpu *gpu = ctx->gpu;

	vgpu_engine_forget(ctx->engine, ctx);
	if (gpu->ops->ctx_fini)
		gpu->ops->ctx_fini(gpu->hw, &ctx->hw);
	vgpu_ctx_state_fini(&ctx->state);
	vgpu_obj_put(&ctx->vm->obj);
	give_context(ctx->entity->inst);
	kfree(ctx);
}

int vgpu_call_ctx_create(struct vgpu_client *client,
			 struct vgpu_ctx_create *arg)
{
	struct vgpu_instance *inst = client->inst;
	struct vgpu_gpu *gpu = inst->gpu;
	struct vgpu_ctx *ctx;
	struct vgpu_obj *vm;
	u32 engine = arg->engine;
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	/* They do not change while there is a client. */
	if (engine >= inst->nr_entities)
		return -EINVAL;
	engine = array_index_nospec(engine, inst->nr_entities);
	vm = vgpu_obj_get(client, arg->vm, VGPU_OBJ_VM);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	ret = -EUSERS;	/* see action.c */
	if (!take_context(inst))
		goto err_vm;
	ret = -ENOMEM;
	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		goto err_count;
	vgpu_obj_init(&ctx->obj, VGPU_OBJ_CTX, client, NULL, ctx_release);
	ctx->gpu = gpu;
	ctx->entity = &inst->entity[engine];
	ctx->engine = ctx->entity->engine;
	ctx->vm = vgpu_vm_obj(vm);
	INIT_LIST_HEAD(&ctx->queues);
	INIT_LIST_HEAD(&ctx->midway_link);
	ctx->id = atomic_inc_return(&gpu->last_context);
	INIT_DELAYED_WORK(&ctx->page_work, vgpu_paging_work);
	ctx->hw.asid = ctx->vm->asid;
	ctx->hw.root = vgpu_as_root(ctx->vm->as);
	ret = vgpu_ctx_state_init(&ctx->state, gpu->desc.caps,
				  gpu->desc.section_bytes);
	if (ret)
		goto err_ctx;
	if (gpu->ops->ctx_init) {
		ret = gpu->ops->ctx_init(gpu->hw, &ctx->hw);
		if (ret)
			goto err_state;
	}
	vgpu_entity_add_context(ctx->entity);
	ret = vgpu_obj_publish(&ctx->obj, &arg->handle);
	if (ret)
		vgpu_obj_put(&ctx->obj);
	return ret;

err_state:
	vgpu_ctx_state_fini(&ctx->state);
err_ctx:
	kfree(ctx);
err_count:
	give_context(inst);
err_vm:
	vgpu_obj_put(vm);
	return ret;
}

/* -------------------------------------------------- what queues hold */

void vgpu_queue_irq_locked(struct vgpu_queue *q, u32 bit)
{
	lockdep_assert_held(&q->ctx->engine->lock);
	q->irq |= bit;
	vgpu_client_irq(q->obj.client, bit);
}

bool vgpu_queue_runnable_locked(struct vgpu_queue *q)
{
	u16 op;

	if (!q->count || vgpu_queue_head(q)->seqno <= q->expired)
		return false;
	op = vgpu_queue_head(q)->cmd.op;
	return op == VGPU_CMD_COPY || op == VGPU_CMD_FILL ||
	       op == VGPU_CMD_LAUNCH;
}

void vgpu_queue_complete_locked(struct vgpu_queue *q, int error)
{
	struct vgpu_slot *slot = vgpu_queue_head(q);

	lockdep_assert_held(&q->ctx->engine->lock);
	slot->error = error;
	q->ctx->entity->active_ns = ktime_get_boottime_ns();
	q->head = q->head + 1 < q->depth ? q->head + 1 : 0;
	q->count--;
	if (vgpu_pad_holds(q))
		vgpu_pad_hold_locked(q, slot);
	else
		vgpu_queue_show_locked(q, slot);
}

/* Figures that tell when commands began and ended show no sooner than these do. */
static void note_seen(struct vgpu_queue *q)
{
	q->seen.wait_avg = q->wait_hist.count ?
			   div64_u64(q->wait_hist.sum, q->wait_hist.count) : 0;
	q->seen.wait_p50 = vgpu_hist_percentile(&q->wait_hist, 500);
	q->seen.wait_p99 = vgpu_hist_percentile(&q->wait_hist, 990);
	q->seen.run_ns = q->run_ns;
	q->seen.preempted = q->preempted;
}

void vgpu_queue_show_locked(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	struct vgpu_entity *ent = q->ctx->entity;
	int error = slot->error;

	if (slot->faulted) {
		q->fault_va = slot->fault_va;
		q->fault_access = slot->fault_access;
	}
	if (slot->timed)
		vgpu_queue_tell_deadline_locked(q, slot->deadline, slot->late);
	if (READ_ONCE(ent->inst->pad.grid_ns))
		note_seen(q);
	if (!error && slot->cmd.op == VGPU_CMD_SIGNAL)
		vgpu_timeline_raise(slot->timeline, slot->cmd.sync.value);
	if (error) {
		q->failed++;
		q->error = error;
		q->error_seqno = slot->seqno;
		ent->failed++;
		vgpu_queue_irq_locked(q, VGPU_QUEUE_IRQ_ERROR);
	} else {
		q->completed++;
		ent->completed++;
	}
	vgpu_fence_show_locked(q, slot);
	vgpu_slot_drop(slot);
	if (q->count + q->held < q->look_below && !q->closed) {
		q->look_below = 0;
		queue_work(q->ctx->gpu->wq, &q->ring_work);
	}
}

void vgpu_queue_advance_locked(struct vgpu_queue *q, unsigned int *budget)
{
	lockdep_assert_held(&q->ctx->engine->lock);
	while (q->count && !q->waiting) {
		struct vgpu_slot *slot = vgpu_queue_head(q);

		if (vgpu_queue_runnable_locked(q) || slot->seqno <= q->expired)
			return;
		if (!*budget) {
			vgpu_queue_wake_later(q);
			return;
		}
		(*budget)--;
		if (slot->cmd.op == VGPU_CMD_WAIT) {
			q->wait.value = slot->cmd.sync.value;
			if (vgpu_timeline_add_wait(slot->timeline, &q->wait)) {
				q->waiting = true;
				return;
			}
		}
		vgpu_queue_complete_locked(q, 0);
	}
}

/* A timeline got there. Under the timeline's lock: only remember it. */
static void queue_wait_over(struct vgpu_tl_wait *wait)
{
	vgpu_queue_wake_later(container_of(wait, struct vgpu_queue, wait));
}

void vgpu_queue_wake_later(struct vgpu_queue *q)
{
	struct vgpu_gpu *gpu = q->ctx->gpu;

	if (test_and_set_bit(0, &q->woken_flag))
		return;
	kref_get(&q->obj.ref);
	llist_add(&q->woken, &gpu->woken);
	queue_work(gpu->signal_wq, &gpu->woken_work);
}

void vgpu_queue_woken_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(work, struct vgpu_gpu, woken_work);
	struct vgpu_queue *q, *next;
	struct llist_node *list;

	list = llist_reverse_order(llist_del_all(&gpu->woken));
	llist_for_each_entry_safe(q, next, list, woken) {
		struct vgpu_engine *e = q->ctx->engine;

		clear_bit(0, &q->woken_flag);
		smp_mb__after_atomic();	/* a wake from here on is a new one */
		spin_lock_irq(&e->lock);
		if (!q->closed) {
			if (q->waiting && list_empty_careful(&q->wait.link))
				q->waiting = false;
			vgpu_queue_wake_locked(q);
		}
		spin_unlock_irq(&e->lock);
		vgpu_obj_put(&q->obj);
	}
}

/*
 * What is behind in a queue cannot be in time unless what is before it is, too.
 * The due times do not fall from head to tail, so this ends where nothing changes.
 */
static void urge(struct vgpu_queue *q, u32 before, u64 deadline)
{
	u32 i, at;

	for (i = before; i; i--) {
		at = q->head + i - 1;
		if (at >= q->depth)
			at -= q->depth;
		if (q->slots[at].due <= deadline)
			return;
		q->slots[at].due = deadline;
	}
	if (before)
		vgpu_line_urge(&q->ctx->entity->lines, &q->line, deadline);
}

u32 vgpu_queue_push(struct vgpu_queue *q, struct vgpu_slot *slots, u32 count,
		    u64 deadline, struct vgpu_fence *fence, u64 *seqno)
{
	struct vgpu_engine *e = q->ctx->engine;
	u64 now = ktime_get_ns();
	unsigned long flags;
	u32 i, before;

	spin_lock_irqsave(&e->lock, flags);
	before = q->count;
	count = q->closed ? 0 : min(count, q->depth - q->count - q->held);
	for (i = 0; i < count; i++) {
		u32 tail = q->head + q->count;

		if (tail >= q->depth)
			tail -= q->depth;
		slots[i].seqno = ++q->seqno;
		slots[i].accepted = now;
		slots[i].deadline = deadline;
		slots[i].due = deadline;
		q->slots[tail] = slots[i];
		q->count++;
	}
	q->submitted += count;
	q->ctx->entity->submitted += count;
	if (count && (q->count + q->held) * 100 > q->depth * VGPU_PRESSURE_PERCENT &&
	    !(q->irq & VGPU_QUEUE_IRQ_PRESSURE))
		vgpu_queue_irq_locked(q, VGPU_QUEUE_IRQ_PRESSURE);
	*seqno = q->seqno;
	if (count && fence)
		vgpu_fence_start_locked(q, fence, q->seqno - count + 1,
					q->seqno);
	if (count) {
		urge(q, before, deadline);
		vgpu_queue_wake_locked(q);
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return count;
}

void vgpu_queue_refuse(struct vgpu_queue *q, int error)
{
	struct vgpu_engine *e = q->ctx->engine;

	spin_lock_irq(&e->lock);
	q->submitted++;
	q->failed++;
	q->error = error;
	q->error_seqno = ++q->seqno;
	q->ctx->entity->submitted++;
	q->ctx->entity->failed++;
	vgpu_queue_irq_locked(q, VGPU_QUEUE_IRQ_ERROR);
	spin_unlock_irq(&e->lock);
}

/* -------------------------------------------------------------- queues */

static void queue_retire(struct vgpu_obj *obj)
{
	struct vgpu_queue *q = to_queue(obj);
	struct vgpu_ctx *ctx = q->ctx;
	struct vgpu_engine *e = ctx->engine;

	spin_lock_irq(&e->lock);
	q->closed = true;
	vgpu_line_leave(&ctx->entity->lines, &q->line, ktime_get_ns());
	list_del(&q->link);
	ctx->nr_queues--;
	vgpu_pad_flush_locked(q);
	spin_unlock_irq(&e->lock);
	hrtimer_cancel(&q->pad_timer);

	if (q->ring)
		vgpu_ring_fini(q);
	vgpu_engine_cancel(e, q, -ECANCELED);
	vgpu_paging_cancelled(ctx);

	spin_lock_irq(&e->lock);
	if (q->waiting)
		vgpu_timeline_del_wait(vgpu_queue_head(q)->timeline, &q->wait);
	while (q->count)
		vgpu_queue_complete_locked(q, -ECANCELED);
	spin_unlock_irq(&e->lock);

	vgpu_fences_fini(q);
	/* It may be on its way to the list; from now on it cannot get there. */
	flush_work(&ctx->gpu->woken_work);
	/* nor is its address space looked at any more */
	flush_work(&ctx->gpu->dumper.work);
}

static void queue_release(struct vgpu_obj *obj)
{
	struct vgpu_queue *q = to_queue(obj);

	vgpu_obj_put(&q->ctx->obj);
	kvfree(q->slots);
	kfree(q);
}

/* Of the uAPI's, or VGPU_LINE_CLASSES. */
static enum vgpu_line_class to_class(u32 sched_class)
{
	switch (sched_class) {
	case VGPU_CLASS_NORMAL:
		return VGPU_LINE_NORMAL;
	case VGPU_CLASS_HIGH:
		return VGPU_LINE_HIGH;
	case VGPU_CLASS_BATCH:
		return VGPU_LINE_BATCH;
	default:
		return VGPU_LINE_CLASSES;
	}
}

static u32 from_class(enum vgpu_line_class class)
{
	static const u32 classes[VGPU_LINE_CLASSES] = {
		[VGPU_LINE_HIGH]	= VGPU_CLASS_HIGH,
		[VGPU_LINE_NORMAL]	= VGPU_CLASS_NORMAL,
		[VGPU_LINE_BATCH]	= VGPU_CLASS_BATCH,
	};

	return classes[class];
}

u32 vgpu_queue_class(const struct vgpu_queue *q)
{
	return from_class(q->line.class);
}

int vgpu_call_queue_set(struct vgpu_client *client, struct vgpu_queue_set *arg)
{
	enum vgpu_line_class class = to_class(arg->sched_class);
	struct vgpu_engine *e;
	struct vgpu_queue *q;
	struct vgpu_obj *obj;
	bool waits;

	if (arg->pad)
		return -EINVAL;
	if (class == VGPU_LINE_CLASSES)
		return -EOPNOTSUPP;
	obj = vgpu_obj_get(client, arg->queue, VGPU_OBJ_QUEUE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	q = to_queue(obj);
	e = q->ctx->engine;

	spin_lock_irq(&e->lock);
	waits = q->line.waiting;
	vgpu_line_set_class(&q->ctx->entity->lines, &q->line, class,
			    ktime_get_ns());
	if (waits)
		vgpu_queue_reconsider_locked(q);
	spin_unlock_irq(&e->lock);
	vgpu_obj_put(obj);
	return 0;
}

int vgpu_call_queue_create(struct vgpu_client *client,
			   struct vgpu_queue_create *arg)
{
	enum vgpu_line_class class = to_class(arg->sched_class);
	u32 depth = arg->depth ?: VGPU_QUEUE_DEPTH;
	struct vgpu_queue *q;
	struct vgpu_obj *obj;
	struct vgpu_ctx *ctx;
	int ret;

	if (arg->flags & ~(VGPU_QUEUE_RING | VGPU_QUEUE_FENCED) ||
	    class == VGPU_LINE_CLASSES)
		return -EOPNOTSUPP;
	/* what is in a ring was not submitted yet */
	if (arg->flags == (VGPU_QUEUE_RING | VGPU_QUEUE_FENCED))
		return -EINVAL;
	if (arg->flags & VGPU_QUEUE_RING) {
		ret = vgpu_filter(&client->inst->filter, VGPU_RIGHT_RING);
		if (ret)
			return ret;
	}
	if (depth > VGPU_QUEUE_DEPTH_MAX ||
	    arg->time_limit_us > U64_MAX / NSEC_PER_USEC)
		return -EINVAL;
	if (!(arg->flags & VGPU_QUEUE_RING) &&
	    (arg->ring_bo || arg->ring_slots || arg->ring_offset))
		return -EINVAL;
	obj = vgpu_obj_get(client, arg->ctx, VGPU_OBJ_CTX);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	ctx = to_ctx(obj);

	ret = -ENOMEM;
	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		goto err_ctx;
	q->slots = kvcalloc(depth, sizeof(*q->slots), GFP_KERNEL_ACCOUNT);
	if (!q->slots)
		goto err_queue;
	vgpu_obj_init(&q->obj, VGPU_OBJ_QUEUE, client, queue_retire,
		      queue_release);
	q->ctx = ctx;
	vgpu_line_init(&q->line, class);
	q->depth = depth;
	q->time_limit_ns = arg->time_limit_us * NSEC_PER_USEC;
	q->wait.fn = queue_wait_over;
	INIT_LIST_HEAD(&q->wait.link);
	vgpu_pad_init(q);
	ret = vgpu_fences_init(q, arg->flags & VGPU_QUEUE_FENCED,
			       arg->fence_ms);
	if (ret)
		goto err_slots;

	spin_lock_irq(&ctx->engine->lock);
	ret = ctx->nr_queues < VGPU_MAX_QUEUES ? 0 : -EMFILE;
	if (!ret) {
		ctx->nr_queues++;
		list_add_tail(&q->link, &ctx->queues);
	}
	spin_unlock_irq(&ctx->engine->lock);
	if (ret)
		goto err_slots;
	if (arg->flags & VGPU_QUEUE_RING) {
		ret = vgpu_ring_init(q, client, arg);
		if (ret)
			goto err_link;
	}
	ret = vgpu_obj_publish(&q->obj, &arg->handle);
	if (ret) {
		queue_retire(&q->obj);
		vgpu_obj_put(&q->obj);
	}
	return ret;

err_link:
	spin_lock_irq(&ctx->engine->lock);
	ctx->nr_queues--;
	list_del(&q->link);
	spin_unlock_irq(&ctx->engine->lock);
err_slots:
	kvfree(q->slots);
err_queue:
	kfree(q);
err_ctx:
	vgpu_obj_put(obj);
	return ret;
}

/* From relative to absolute; 0 or errno. */
static int to_deadline(const struct vgpu_submit *arg, u64 *deadline)
{
	u64 now = ktime_get_ns();

	*deadline = U64_MAX;
	if (!(arg->flags & VGPU_SUBMIT_DEADLINE))
		return arg->deadline_ns ? -EINVAL : 0;
	if (arg->deadline_ns > (s64)VGPU_DEADLINE_MAX_NS ||
	    arg->deadline_ns < -(s64)VGPU_DEADLINE_MAX_NS)
		return -ERANGE;
	*deadline = arg->deadline_ns >= 0 || (u64)-arg->deadline_ns < now ?
		    now + arg->deadline_ns : 0;
	return 0;
}

int vgpu_call_submit(struct vgpu_client *client, struct vgpu_submit *arg,
		     const struct vgpu_cmd *cmds, size_t bytes,
		     struct sync_file **file)
{
	u32 flags = VGPU_SUBMIT_DEADLINE | (file ? VGPU_SUBMIT_FENCE : 0);
	struct vgpu_fence *fence = NULL;
	struct vgpu_slot *slots;
	struct vgpu_queue *q;
	struct vgpu_obj *obj;
	u32 i, taken = 0;
	u64 deadline;
	int ret = 0;

	arg->submitted = 0;
	arg->bad_index = arg->count;
	if (arg->flags & ~flags)
		return -EOPNOTSUPP;
	if (!arg->count || arg->count > VGPU_QUEUE_DEPTH_MAX || !cmds ||
	    bytes != arg->count * sizeof(*cmds) || arg->fence_fd)
		return -EINVAL;
	ret = to_deadline(arg, &deadline);
	if (ret)
		return ret;
	obj = vgpu_obj_get(client, arg->queue, VGPU_OBJ_QUEUE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	q = to_queue(obj);
	if (q->ring_slots || (file && !q->fence_ns)) {
		ret = -EINVAL;
		goto out;
	}
	slots = kvcalloc(arg->count, sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots) {
		ret = -ENOMEM;
		goto out;
	}
	for (i = 0; i < arg->count; i++) {
		ret = vgpu_command_check(q, &cmds[i], &slots[i]);
		if (ret) {
			arg->bad_index = i;
			break;
		}
	}
	if (!ret && file) {
		fence = vgpu_fence_create(q, file);
		ret = PTR_ERR_OR_ZERO(fence);
	}
	if (!ret) {
		taken = vgpu_queue_push(q, slots, arg->count, deadline, fence,
					&arg->seqno);
		arg->submitted = taken;
		if (!taken)
			ret = -EAGAIN;
		if (!taken && fence)
			fput((*file)->file);
	}
	for (i = taken; i < arg->count; i++)
		vgpu_slot_drop(&slots[i]);
	kvfree(slots);
out:
	vgpu_obj_put(obj);
	return ret;
}

int vgpu_call_queue_status(struct vgpu_client *client,
			   struct vgpu_queue_status *arg)
{
	struct vgpu_engine *e;
	struct vgpu_queue *q;
	struct vgpu_obj *obj;

	if (arg->irq_clear & ~(VGPU_QUEUE_IRQ_ERROR | VGPU_QUEUE_IRQ_PRESSURE |
			       VGPU_QUEUE_IRQ_BROKEN | VGPU_QUEUE_IRQ_LATE))
		return -EOPNOTSUPP;
	obj = vgpu_obj_get(client, arg->queue, VGPU_OBJ_QUEUE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	q = to_queue(obj);
	e = q->ctx->engine;

	spin_lock_irq(&e->lock);
	arg->irq = q->irq;
	q->irq &= ~arg->irq_clear;
	atomic_andnot(arg->irq_clear, &client->irq);
	arg->submitted = q->submitted;
	arg->completed = q->completed;
	arg->failed = q->failed;
	arg->pending = q->count + q->held;
	arg->depth = q->depth;
	if (!vgpu_pad_holds(q))
		note_seen(q);
	arg->wait_avg_ns = q->seen.wait_avg;
	arg->wait_p50_ns = q->seen.wait_p50;
	arg->wait_p99_ns = q->seen.wait_p99;
	arg->run_ns = q->seen.run_ns;
	arg->error = q->error;
	arg->error_seqno = q->error_seqno;
	arg->fault_va = q->fault_va;
	arg->fault_access = q->fault_access;
	arg->preempted = q->seen.preempted;
	arg->sched_class = from_class(q->line.class);
	arg->pad = 0;
	arg->deadlines_met = q->deadlines_met;
	arg->deadlines_missed = q->deadlines_missed;
	arg->late_max_ns = q->late_max_ns;
	spin_unlock_irq(&e->lock);
	vgpu_obj_put(obj);
	return 0;
}
