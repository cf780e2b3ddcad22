// SPDX-License-Identifier: GPL-2.0
/*
 * Fences of a queue, see fence.h.
 *
 * Commands of a queue end in their order, so its fences are signalled in the order of the
 * submissions, and the oldest is the first whose time is up: a queue has one timer.
 *
 * The rules of dma_fence are those of the kernel's Documentation/driver-api/dma-buf.rst,
 * "DMA Fence Cross-Driver Contract".  What signals takes spinlocks only, and its works are on
 * a queue that has a rescuer, since memory may be reclaimed behind a fence.
 */
#include <linux/dma-fence.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "core_priv.h"

struct vgpu_fence {
	struct dma_fence base;		/* its seqno: the last command's */
	spinlock_t lock;		/* the base's */
	struct list_head link;		/* q->fences, until it is signalled */
	u64 first;			/* of its commands */
	unsigned long expires;		/* jiffies */
	char timeline[32];
};

static struct vgpu_fence *to_fence(struct dma_fence *base)
{
	return container_of(base, struct vgpu_fence, base);
}

static const char *driver_name(struct dma_fence *base)
{
	return "vgpu";
}

static const char *timeline_name(struct dma_fence *base)
{
	return to_fence(base)->timeline;
}

/* Whoever holds it needs the functions here, as long as he does. */
static void fence_release(struct dma_fence *base)
{
	dma_fence_free(base);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops fence_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = driver_name,
	.get_timeline_name = timeline_name,
	.release = fence_release,
};

struct vgpu_fence *vgpu_fence_create(struct vgpu_queue *q,
				     struct sync_file **file)
{
	struct vgpu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);

	BUILD_BUG_ON(offsetof(struct vgpu_fence, base));	/* dma_fence_free() */
	if (!fence)
		return ERR_PTR(-ENOMEM);
	__module_get(THIS_MODULE);
	spin_lock_init(&fence->lock);
	INIT_LIST_HEAD(&fence->link);
	snprintf(fence->timeline, sizeof(fence->timeline), "v%u.%u-%u",
		 q->obj.client->inst->id, q->ctx->engine->index, q->ctx->id);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock,
		       q->fence_context, 0);
	*file = sync_file_create(&fence->base);
	/* the file's reference is enough until it is started */
	dma_fence_put(&fence->base);
	return *file ? fence : ERR_PTR(-ENOMEM);
}

void vgpu_fence_start_locked(struct vgpu_queue *q, struct vgpu_fence *fence,
			     u64 first, u64 last)
{
	unsigned long limit = nsecs_to_jiffies(q->fence_ns) + 1;

	lockdep_assert_held(&q->ctx->engine->lock);
	fence->first = first;
	fence->base.seqno = last;	/* nobody has seen it yet */
	fence->expires = jiffies + limit;
	dma_fence_get(&fence->base);
	if (list_empty(&q->fences))
		queue_delayed_work(q->ctx->gpu->signal_wq, &q->fence_work,
				   limit);
	list_add_tail(&fence->link, &q->fences);
}

static struct vgpu_fence *oldest_locked(struct vgpu_queue *q)
{
	lockdep_assert_held(&q->ctx->engine->lock);
	return list_first_entry_or_null(&q->fences, struct vgpu_fence, link);
}

void vgpu_fence_show_locked(struct vgpu_queue *q, const struct vgpu_slot *slot)
{
	struct vgpu_fence *fence = oldest_locked(q);

	if (!fence || slot->seqno < fence->first)
		return;
	/* what failed first is what is told */
	if (slot->error && !fence->base.error)
		dma_fence_set_error(&fence->base, slot->error);
	if (slot->seqno != fence->base.seqno)
		return;
	list_del_init(&fence->link);
	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

/*
 * Its time is up: ends what is in the way, of its own queue.  One that runs is told to
 * stop, and ends when it did, or was reset; the others never begin.
 */
static void expire_locked(struct vgpu_queue *q, u64 last)
{
	struct vgpu_entity *ent = q->ctx->entity;

	q->expired = last;
	if (vgpu_engine_end_locked(q, last, -ETIMEDOUT))
		return;
	vgpu_line_leave(&ent->lines, &q->line, ktime_get_ns());
	while (q->count && vgpu_queue_head(q)->seqno <= last)
		vgpu_queue_complete_locked(q, -ETIMEDOUT);
	vgpu_queue_wake_locked(q);
}

/* Never waits for another work: a rescuer has one at a time. */
static void fence_work(struct work_struct *work)
{
	struct vgpu_queue *q = container_of(to_delayed_work(work),
					    struct vgpu_queue, fence_work);
	struct vgpu_engine *e = q->ctx->engine;
	struct vgpu_fence *fence;
	unsigned long left = 1;

	spin_lock_irq(&e->lock);
	fence = oldest_locked(q);
	if (fence && time_before(jiffies, fence->expires))
		left = fence->expires - jiffies;
	else if (fence)
		expire_locked(q, fence->base.seqno);
	/* with none, the next one begins anew */
	if (oldest_locked(q))
		queue_delayed_work(q->ctx->gpu->signal_wq, &q->fence_work,
				   left);
	spin_unlock_irq(&e->lock);
}

int vgpu_fences_init(struct vgpu_queue *q, bool fenced, u32 fence_ms)
{
	INIT_LIST_HEAD(&q->fences);
	INIT_DELAYED_WORK(&q->fence_work, fence_work);
	if (!fenced)
		return fence_ms ? -EINVAL : 0;
	if (fence_ms > VGPU_FENCE_MS)
		return -EINVAL;
	/* without a limit of its own a command would take all of the fence's */
	q->fence_ns = (fence_ms ?: VGPU_FENCE_MS) * (u64)NSEC_PER_MSEC;
	if (!q->time_limit_ns || q->time_limit_ns > q->fence_ns)
		return -EINVAL;
	if (!q->ctx->vm->pinned)
		return -EOPNOTSUPP;
	q->fence_context = dma_fence_context_alloc(1);
	return 0;
}

void vgpu_fences_fini(struct vgpu_queue *q)
{
	cancel_delayed_work_sync(&q->fence_work);
	WARN_ON(!list_empty(&q->fences));
}
