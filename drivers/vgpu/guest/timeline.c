// SPDX-License-Identifier: GPL-2.0
/*
 * Timelines.  The device shows the values of all the VM's timelines in one
 * page; a program gets a page of its own with only its own values, kept up
 * to date by the interrupt, so that files do not see each other's.
 *
 * Waiting needs no call to the host: the interrupt says that something moved,
 * and each file that owns a timeline which did is woken.
 */
#include <linux/eventfd.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "../compat/eventfd.h"
#include "guest_priv.h"

/* How long a waiter sleeps until it looks whether the vGPU still works. */
#define LOOK_NS	NSEC_PER_SEC

/**
 * struct timeline - one of a file's
 * @ref: the handle's, and of those who wait
 * @link: in the file's list; files_lock
 * @handle: at the host, and here
 * @slot: in the page
 * @value: last seen; written under files_lock
 * @closed: the handle is gone
 */
struct timeline {
	struct kref ref;
	struct list_head link;
	u32 handle;
	u32 slot;
	u64 value;
	bool closed;
};

/** struct waiter - an eventfd to raise once */
struct waiter {
	struct list_head link;
	struct timeline *tl;
	u64 value;
	struct eventfd_ctx *ctx;
};

static void timeline_release(struct kref *ref)
{
	kfree(container_of(ref, struct timeline, ref));
}

static void timeline_put(struct timeline *tl)
{
	kref_put(&tl->ref, timeline_release);
}

static void waiter_free(struct waiter *w)
{
	eventfd_ctx_put(w->ctx);
	timeline_put(w->tl);
	kfree(w);
}

/* files_lock held, the device is there. */
static bool look_at(struct vgpu_guest_file *gf, struct timeline *tl)
{
	u64 value = readq(gf->g->regs + VGPU_BAR0_TIMELINES +
			  tl->slot * sizeof(u64));

	/* a timeline only rises; the slot may be another's by now */
	if (value <= tl->value)
		return false;
	WRITE_ONCE(tl->value, value);
	WRITE_ONCE(gf->tl_page[tl->slot], value);
	return true;
}

/* files_lock held. */
static void fire_eventfds(struct vgpu_guest_file *gf)
{
	struct waiter *w, *next;

	list_for_each_entry_safe(w, next, &gf->eventfds, link) {
		if (w->tl->value < w->value)
			continue;
		vgpu_eventfd_signal(w->ctx);
		list_del(&w->link);
		waiter_free(w);
	}
}

/* files_lock held. */
static struct timeline *find(struct vgpu_guest_file *gf, u32 handle)
{
	struct timeline *tl;

	list_for_each_entry(tl, &gf->timelines, link)
		if (tl->handle == handle)
			return tl;
	return NULL;
}

void vgpu_guest_timelines_look(struct vgpu_guest *g)
{
	struct vgpu_guest_file *gf;
	struct timeline *tl;
	unsigned long flags;
	bool moved;
	int idx;

	/* the interrupt, too: srcu_read_lock() is fine there */
	if (!vgpu_guest_enter(g, &idx))
		return;
	spin_lock_irqsave(&g->files_lock, flags);
	list_for_each_entry(gf, &g->files, link) {
		moved = false;
		list_for_each_entry(tl, &gf->timelines, link)
			moved |= look_at(gf, tl);
		if (!moved)
			continue;
		atomic_inc(&gf->moved);
		fire_eventfds(gf);
		wake_up_all(&gf->wait);
	}
	spin_unlock_irqrestore(&g->files_lock, flags);
	vgpu_guest_leave(idx);
}

int vgpu_guest_timeline_create(struct vgpu_guest_file *gf,
			       const struct vgpu_ioctl_desc *desc,
			       struct vgpu_timeline_create *arg)
{
	struct vgpu_close close = {};
	struct timeline *tl;
	int ret;

	tl = kzalloc(sizeof(*tl), GFP_KERNEL_ACCOUNT);
	if (!tl)
		return -ENOMEM;
	kref_init(&tl->ref);

	ret = vgpu_guest_call(gf, desc, arg, NULL, 0);
	if (ret)
		goto free;

	tl->slot = arg->slot;
	tl->value = arg->initial;
	ret = -EIO;
	if (tl->slot >= VGPU_TIMELINES)
		goto close;
	tl->slot = array_index_nospec(tl->slot, VGPU_TIMELINES);
	gf->tl_page[tl->slot] = tl->value;

	tl->handle = arg->handle;
	spin_lock_irq(&gf->g->files_lock);
	list_add_tail(&tl->link, &gf->timelines);
	spin_unlock_irq(&gf->g->files_lock);
	return 0;

close:
	close.handle = arg->handle;
	vgpu_guest_call(gf, vgpu_ioctl_find(VGPU_CALL_CLOSE), &close, NULL, 0);
free:
	timeline_put(tl);
	return ret;
}

static struct timeline *timeline_get(struct vgpu_guest_file *gf, u32 handle)
{
	struct timeline *tl;

	spin_lock_irq(&gf->g->files_lock);
	tl = find(gf, handle);
	if (tl)
		kref_get(&tl->ref);
	spin_unlock_irq(&gf->g->files_lock);
	return tl;
}

/* files_lock held: eventfds on @tl, or on all with NULL, are dropped. */
static void drop_eventfds(struct vgpu_guest_file *gf, struct timeline *tl)
{
	struct waiter *w, *next;

	list_for_each_entry_safe(w, next, &gf->eventfds, link) {
		if (tl && w->tl != tl)
			continue;
		list_del(&w->link);
		waiter_free(w);
	}
}

void vgpu_guest_timeline_close(struct vgpu_guest_file *gf, u32 handle)
{
	struct timeline *tl;

	spin_lock_irq(&gf->g->files_lock);
	tl = find(gf, handle);
	if (tl) {
		list_del(&tl->link);
		WRITE_ONCE(tl->closed, true);
		drop_eventfds(gf, tl);
		wake_up_all(&gf->wait);
	}
	spin_unlock_irq(&gf->g->files_lock);
	if (tl)
		timeline_put(tl);
}

/* The file is off the device's list. */
void vgpu_guest_timeline_close_all(struct vgpu_guest_file *gf)
{
	struct timeline *tl, *next;

	drop_eventfds(gf, NULL);
	list_for_each_entry_safe(tl, next, &gf->timelines, link) {
		list_del(&tl->link);
		timeline_put(tl);
	}
}

static bool reached(struct timeline *tl, u64 value)
{
	return READ_ONCE(tl->value) >= value;
}

static bool wait_over(struct vgpu_guest_file *gf, struct timeline *tl,
		      u64 value)
{
	return reached(tl, value) || READ_ONCE(tl->closed) ||
	       READ_ONCE(gf->g->dead);
}

/* Returns when the wait is over, or -ETIME, -EINTR, -ENODEV. */
static int sleep(struct vgpu_guest_file *gf, struct timeline *tl, u64 value,
		 s64 timeout_ns)
{
	ktime_t end = ktime_add_safe(ktime_get(), ns_to_ktime(timeout_ns));
	s64 left = LOOK_NS;
	ktime_t nap;
	int ret;

	for (;;) {
		if (timeout_ns >= 0)
			left = ktime_to_ns(ktime_sub(end, ktime_get()));
		if (left <= 0)
			return -ETIME;
		nap = ns_to_ktime(min_t(s64, left, LOOK_NS));
		ret = wait_event_interruptible_hrtimeout(gf->wait,
							 wait_over(gf, tl,
								   value),
							 nap);
		/* the time limit counts from the call: it is not restarted */
		if (ret != -ETIME)
			return ret ? -EINTR : 0;
		/* a lost interrupt costs a second, a lost vGPU no hang */
		vgpu_guest_timelines_look(gf->g);
		if (!wait_over(gf, tl, value) && !vgpu_guest_works(gf->g))
			return -ENODEV;
	}
}

int vgpu_guest_wait(struct vgpu_guest_file *gf, struct vgpu_wait *arg)
{
	struct timeline *tl = timeline_get(gf, arg->timeline);
	int ret = 0;

	if (!tl)
		return -ENOENT;

	/* read before the value is, so that no move is missed */
	if (!arg->timeout_ns)
		atomic_set(&gf->seen, atomic_read(&gf->moved));

	if (!wait_over(gf, tl, arg->value))
		vgpu_guest_timelines_look(gf->g);
	if (!wait_over(gf, tl, arg->value))
		ret = sleep(gf, tl, arg->value, arg->timeout_ns);

	if (reached(tl, arg->value))
		ret = 0;
	else if (READ_ONCE(gf->g->dead))
		ret = -ENODEV;
	else if (READ_ONCE(tl->closed))
		ret = -ENOENT;
	arg->current_value = READ_ONCE(tl->value);
	timeline_put(tl);
	return ret;
}

int vgpu_guest_eventfd(struct vgpu_guest_file *gf,
		       const struct vgpu_eventfd *arg)
{
	struct waiter *w;
	int ret = 0;

	if (READ_ONCE(gf->g->dead))
		return -ENODEV;
	w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return -ENOMEM;
	w->value = arg->value;
	w->ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(w->ctx)) {
		ret = PTR_ERR(w->ctx);
		goto free;
	}
	w->tl = timeline_get(gf, arg->timeline);
	if (!w->tl) {
		ret = -ENOENT;
		goto put_ctx;
	}

	vgpu_guest_timelines_look(gf->g);
	spin_lock_irq(&gf->g->files_lock);
	if (w->tl->closed) {
		ret = -ENOENT;
	} else if (w->tl->value < w->value) {
		list_add_tail(&w->link, &gf->eventfds);
		w = NULL;
	} else {
		vgpu_eventfd_signal(w->ctx);
	}
	spin_unlock_irq(&gf->g->files_lock);
	if (w)
		waiter_free(w);
	return ret;

put_ctx:
	eventfd_ctx_put(w->ctx);
free:
	kfree(w);
	return ret;
}
