// SPDX-License-Identifier: GPL-2.0
/*
 * Timelines: 64-bit counters that only rise.  A command or a CPU raises one,
 * commands, threads and eventfds wait for a value.  Raising neither sleeps
 * nor allocates; it may happen under an engine's lock, so what a waiting
 * queue does next is left to a work item.
 */
#include <linux/eventfd.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "core_priv.h"
#include "../compat/eventfd.h"

struct vgpu_eventfd_wait {
	struct vgpu_tl_wait wait;
	struct vgpu_timeline *tl;	/* that it waits for, or NULL */
	struct eventfd_ctx *ctx;
};

static struct vgpu_timeline *to_timeline(struct vgpu_obj *obj)
{
	return container_of(obj, struct vgpu_timeline, obj);
}

/* The timeline's lock is held. */
static void eventfd_wait_fire(struct vgpu_tl_wait *wait)
{
	struct vgpu_eventfd_wait *ew =
		container_of(wait, struct vgpu_eventfd_wait, wait);

	if (ew->tl)
		ew->tl->eventfds--;
	vgpu_eventfd_signal(ew->ctx);
	eventfd_ctx_put(ew->ctx);
	kfree(ew);
}

static void callback_fire(struct vgpu_tl_wait *wait)
{
	struct vgpu_callback *cb = container_of(wait, struct vgpu_callback,
						wait);

	cb->fn(cb, 0);
}

void vgpu_timeline_raise(struct vgpu_timeline *tl, u64 value)
{
	struct vgpu_client *client = tl->obj.client;
	const struct vgpu_client_ops *ops;
	struct vgpu_tl_wait *wait, *next;
	unsigned long flags;

	spin_lock_irqsave(&tl->lock, flags);
	if (value > tl->value && !tl->dead) {
		tl->value = value;
		vgpu_shpages_show(tl->shpages, tl->slot, value);
		list_for_each_entry_safe(wait, next, &tl->waits, link) {
			if (wait->value > value)
				continue;
			list_del_init(&wait->link);
			wait->fn(wait);
		}
		wake_up_all(&tl->wait);
		/* Retiring sets dead under this lock before the client goes. */
		ops = smp_load_acquire(&client->ops);	/* may have been adopted */
		if (ops && ops->timeline_moved)
			ops->timeline_moved(client->priv);
		wake_up_all(&client->wait);
	}
	spin_unlock_irqrestore(&tl->lock, flags);
}

bool vgpu_timeline_reached(struct vgpu_timeline *tl, u64 value)
{
	return READ_ONCE(tl->value) >= value;
}

bool vgpu_timeline_add_wait(struct vgpu_timeline *tl, struct vgpu_tl_wait *wait)
{
	unsigned long flags;
	bool added = false;

	spin_lock_irqsave(&tl->lock, flags);
	if (tl->value < wait->value) {
		list_add_tail(&wait->link, &tl->waits);
		added = true;
	}
	spin_unlock_irqrestore(&tl->lock, flags);
	return added;
}

bool vgpu_timeline_del_wait(struct vgpu_timeline *tl, struct vgpu_tl_wait *wait)
{
	unsigned long flags;
	bool waited;

	spin_lock_irqsave(&tl->lock, flags);
	waited = !list_empty(&wait->link);
	list_del_init(&wait->link);
	spin_unlock_irqrestore(&tl->lock, flags);
	return waited;
}

/*
 * The handle is gone: whoever sleeps on it wakes, eventfds are dropped, callbacks
 * are told.
 */
static void timeline_retire(struct vgpu_obj *obj)
{
	struct vgpu_timeline *tl = to_timeline(obj);
	struct vgpu_tl_wait *wait, *next;
	LIST_HEAD(dropped);

	spin_lock_irq(&tl->lock);
	tl->dead = true;
	list_for_each_entry_safe(wait, next, &tl->waits, link) {
		if (wait->fn == eventfd_wait_fire) {
			list_move(&wait->link, &dropped);
			tl->eventfds--;
		} else if (wait->fn == callback_fire) {
			struct vgpu_callback *cb =
				container_of(wait, struct vgpu_callback, wait);

			list_del_init(&wait->link);
			cb->fn(cb, -ECANCELED);
		}
	}
	wake_up_all(&tl->wait);
	spin_unlock_irq(&tl->lock);

	list_for_each_entry_safe(wait, next, &dropped, link) {
		struct vgpu_eventfd_wait *ew =
			container_of(wait, struct vgpu_eventfd_wait, wait);

		eventfd_ctx_put(ew->ctx);
		kfree(ew);
	}
}

static void timeline_release(struct vgpu_obj *obj)
{
	struct vgpu_timeline *tl = to_timeline(obj);

	WARN_ON(!list_empty(&tl->waits));
	vgpu_shpages_del_timeline(tl->shpages, tl->slot);
	vgpu_shpages_put(tl->shpages);
	kfree(tl);
}

int vgpu_call_timeline_create(struct vgpu_client *client,
			      struct vgpu_timeline_create *arg)
{
	struct vgpu_timeline *tl;
	int slot, ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	tl = kzalloc(sizeof(*tl), GFP_KERNEL_ACCOUNT);
	if (!tl)
		return -ENOMEM;
	slot = vgpu_shpages_add_timeline(client->shpages, client->want_slot);
	if (slot < 0) {
		kfree(tl);
		return slot;
	}
	vgpu_obj_init(&tl->obj, VGPU_OBJ_TIMELINE, client, timeline_retire,
		      timeline_release);
	spin_lock_init(&tl->lock);
	INIT_LIST_HEAD(&tl->waits);
	init_waitqueue_head(&tl->wait);
	tl->value = arg->initial;
	tl->slot = slot;
	tl->shpages = client->shpages;
	vgpu_shpages_get(tl->shpages);
	vgpu_shpages_show(tl->shpages, slot, tl->value);
	arg->slot = slot;
	ret = vgpu_obj_publish(&tl->obj, &arg->handle);
	if (ret)
		vgpu_obj_put(&tl->obj);
	return ret;
}

static bool wait_over(struct vgpu_client *client, struct vgpu_timeline *tl,
		      u64 value)
{
	return vgpu_timeline_reached(tl, value) || READ_ONCE(tl->dead) ||
	       READ_ONCE(client->dead);
}

int vgpu_call_wait(struct vgpu_client *client, struct vgpu_wait *arg)
{
	struct vgpu_timeline *tl;
	struct vgpu_obj *obj;
	int ret = 0;

	obj = vgpu_obj_get(client, arg->timeline, VGPU_OBJ_TIMELINE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	tl = to_timeline(obj);

	if (arg->timeout_ns) {
		ktime_t timeout = arg->timeout_ns < 0 ? KTIME_MAX :
				  ns_to_ktime(arg->timeout_ns);

		ret = wait_event_interruptible_hrtimeout(tl->wait,
							 wait_over(client, tl,
								   arg->value),
							 timeout);
	}
	if (vgpu_timeline_reached(tl, arg->value))
		ret = 0;
	else if (READ_ONCE(client->dead))
		ret = READ_ONCE(client->dead);
	else if (READ_ONCE(tl->dead))
		ret = -ENOENT;
	else if (ret == -ERESTARTSYS)
		ret = -EINTR;	/* the timeout is relative: no restart */
	else
		ret = -ETIME;
	arg->current_value = READ_ONCE(tl->value);
	vgpu_obj_put(obj);
	return ret;
}

int vgpu_call_signal(struct vgpu_client *client, struct vgpu_signal *arg)
{
	struct vgpu_timeline *tl;
	struct vgpu_obj *obj;
	int ret = 0;

	obj = vgpu_obj_get(client, arg->timeline, VGPU_OBJ_TIMELINE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	tl = to_timeline(obj);
	if (arg->value < READ_ONCE(tl->value))
		ret = -EINVAL;
	else
		vgpu_timeline_raise(tl, arg->value);
	vgpu_obj_put(obj);
	return ret;
}

int vgpu_client_eventfd(struct vgpu_client *client, u32 timeline, u64 value,
			struct eventfd_ctx *ctx)
{
	struct vgpu_eventfd_wait *ew;
	struct vgpu_timeline *tl;
	struct vgpu_obj *obj;
	unsigned long flags;
	int ret;

	ret = vgpu_filter_call(&client->inst->filter, VGPU_CALL_EVENTFD) ?:
	      vgpu_degrade_call(client->inst->gpu, VGPU_CALL_EVENTFD);
	if (ret)
		return ret;
	ew = kzalloc(sizeof(*ew), GFP_KERNEL_ACCOUNT);
	if (!ew)
		return -ENOMEM;
	obj = vgpu_obj_get(client, timeline, VGPU_OBJ_TIMELINE);
	if (IS_ERR(obj)) {
		kfree(ew);
		return PTR_ERR(obj);
	}
	tl = to_timeline(obj);
	ew->wait.value = value;
	ew->wait.fn = eventfd_wait_fire;
	ew->ctx = ctx;
	INIT_LIST_HEAD(&ew->wait.link);

	spin_lock_irqsave(&tl->lock, flags);
	if (tl->dead) {
		ret = -ENOENT;
	} else if (tl->value >= value) {
		eventfd_wait_fire(&ew->wait);
	} else if (tl->eventfds == VGPU_MAX_EVENTFDS) {
		/* who raises it goes through all of them under the lock */
		ret = -EMFILE;
	} else {
		list_add_tail(&ew->wait.link, &tl->waits);
		ew->tl = tl;
		tl->eventfds++;
	}
	spin_unlock_irqrestore(&tl->lock, flags);

	if (ret)
		kfree(ew);
	vgpu_obj_put(obj);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_eventfd, VGPU);

/**
 * vgpu_client_callback() - calls a function when a timeline gets there
 * @client: whose
 * @timeline: handle
 * @value: to wait for
 * @cb: with fn set; the core's until vgpu_callback_remove()
 *
 * The kernel's way of asynchronous completion, as the eventfd is a program's.
 *
 * Context: process.
 * Return: 0: @cb->fn is called once, perhaps it was; -ENOENT.
 */
int vgpu_client_callback(struct vgpu_client *client, u32 timeline, u64 value,
			 struct vgpu_callback *cb)
{
	struct vgpu_timeline *tl;
	struct vgpu_obj *obj;
	unsigned long flags;
	int ret = 0;

	obj = vgpu_obj_get(client, timeline, VGPU_OBJ_TIMELINE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	tl = to_timeline(obj);
	cb->tl = tl;		/* with that reference */
	cb->wait.value = value;
	cb->wait.fn = callback_fire;
	INIT_LIST_HEAD(&cb->wait.link);

	spin_lock_irqsave(&tl->lock, flags);
	if (tl->dead)
		ret = -ENOENT;
	else if (tl->value < value)
		list_add_tail(&cb->wait.link, &tl->waits);
	else
		callback_fire(&cb->wait);
	spin_unlock_irqrestore(&tl->lock, flags);

	if (ret)
		vgpu_obj_put(obj);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_callback, VGPU);

/**
 * vgpu_callback_remove() - ends what vgpu_client_callback() began
 * @cb: of a call that returned 0
 *
 * Context: process; the client may be closed.
 * Return: whether its function was not called, and never will be.
 */
bool vgpu_callback_remove(struct vgpu_callback *cb)
{
	/* Who calls it holds the lock that this takes. */
	bool waited = vgpu_timeline_del_wait(cb->tl, &cb->wait);

	vgpu_obj_put(&cb->tl->obj);
	cb->tl = NULL;
	return waited;
}
EXPORT_SYMBOL_NS_GPL(vgpu_callback_remove, VGPU);
