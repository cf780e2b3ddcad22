// SPDX-License-Identifier: GPL-2.0
/*
 * See waitline.h.  Only the first is woken when there is room, and it wakes the next
 * when it leaves: a large request is not overtaken by small ones for ever, and a
 * thousand who wait cost no more than one.
 */
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/sched/signal.h>
#include <vgpu/kunit.h>

#include "waitline.h"

void vgpu_waitline_init(struct vgpu_waitline *line)
{
	spin_lock_init(&line->lock);
	INIT_LIST_HEAD(&line->waiters);
}

bool vgpu_waitline_busy(struct vgpu_waitline *line)
{
	return !list_empty_careful(&line->waiters);
}

static bool is_first(struct vgpu_waitline *line, struct vgpu_waiter *w)
{
	return list_first_entry(&line->waiters, struct vgpu_waiter, link) == w;
}

bool vgpu_waitline_join(struct vgpu_waitline *line, struct vgpu_waiter *w)
{
	unsigned long flags;
	bool first;

	init_waitqueue_head(&w->wait);
	w->poked = false;
	spin_lock_irqsave(&line->lock, flags);
	list_add_tail(&w->link, &line->waiters);
	first = is_first(line, w);
	spin_unlock_irqrestore(&line->lock, flags);
	return first;
}

static bool is_poked(struct vgpu_waitline *line, struct vgpu_waiter *w)
{
	unsigned long flags;
	bool poked;

	spin_lock_irqsave(&line->lock, flags);
	poked = w->poked;
	w->poked = false;
	spin_unlock_irqrestore(&line->lock, flags);
	return poked;
}

int vgpu_waitline_sleep(struct vgpu_waitline *line, struct vgpu_waiter *w,
			const int *dead, ktime_t until)
{
	ktime_t left = ktime_sub(until, ktime_get());
	bool poked = false;
	int ret;

	if (left <= 0)
		return -ETIME;
	ret = wait_event_interruptible_hrtimeout(w->wait,
						 READ_ONCE(*dead) ||
						 (poked = is_poked(line, w)),
						 left);
	if (READ_ONCE(*dead))
		return READ_ONCE(*dead);
	if (poked)
		return 0;
	/* the limit counts from the call, so it is not restarted */
	return ret == -ERESTARTSYS ? -EINTR : -ETIME;
}

static void poke_first(struct vgpu_waitline *line)
{
	struct vgpu_waiter *w;

	lockdep_assert_held(&line->lock);
	w = list_first_entry_or_null(&line->waiters, struct vgpu_waiter, link);
	if (w) {
		w->poked = true;
		wake_up(&w->wait);
	}
}

void vgpu_waitline_leave(struct vgpu_waitline *line, struct vgpu_waiter *w)
{
	unsigned long flags;

	spin_lock_irqsave(&line->lock, flags);
	list_del(&w->link);
	poke_first(line);
	spin_unlock_irqrestore(&line->lock, flags);
}

void vgpu_waitline_poke(struct vgpu_waitline *line)
{
	unsigned long flags;

	/* who joins looks for room after that: see vgpu_waitline_join() */
	spin_lock_irqsave(&line->lock, flags);
	poke_first(line);
	spin_unlock_irqrestore(&line->lock, flags);
}

void vgpu_waitline_wake(struct vgpu_waitline *line)
{
	struct vgpu_waiter *w;
	unsigned long flags;

	spin_lock_irqsave(&line->lock, flags);
	list_for_each_entry(w, &line->waiters, link)
		wake_up(&w->wait);
	spin_unlock_irqrestore(&line->lock, flags);
}

VGPU_EXPORT_IF_KUNIT(vgpu_waitline_init);
VGPU_EXPORT_IF_KUNIT(vgpu_waitline_busy);
VGPU_EXPORT_IF_KUNIT(vgpu_waitline_join);
VGPU_EXPORT_IF_KUNIT(vgpu_waitline_sleep);
VGPU_EXPORT_IF_KUNIT(vgpu_waitline_leave);
VGPU_EXPORT_IF_KUNIT(vgpu_waitline_poke);
