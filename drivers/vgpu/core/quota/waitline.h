/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Callers that wait for room, first come first served.
 *
 * Who waits holds no lock and is outside the unplug gate, so whoever could make room
 * is never waited for by who holds it up.
 */
#ifndef _VGPU_CORE_WAITLINE_H
#define _VGPU_CORE_WAITLINE_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

/**
 * struct vgpu_waitline - who waits for one thing
 * @lock: the rest; taken where room is made, under whatever lock that is done
 * @waiters: the first is the next
 */
struct vgpu_waitline {
	spinlock_t lock;	/* @waiters, their @poked */
	struct list_head waiters;
};

/**
 * struct vgpu_waiter - on the stack of who waits
 * @link: in waiters
 * @wait: it sleeps there
 * @poked: it is to look again
 */
struct vgpu_waiter {
	struct list_head link;
	wait_queue_head_t wait;
	bool poked;
};

void vgpu_waitline_init(struct vgpu_waitline *line);
/* Does anybody wait? As of now. */
bool vgpu_waitline_busy(struct vgpu_waitline *line);
/* To the end of it. True: it is the first, and is to look whether there is room. */
bool vgpu_waitline_join(struct vgpu_waitline *line, struct vgpu_waiter *w);
/*
 * Sleeps until it is the first and is to look again: 0; -EINTR; -ETIME: it is @until
 * (ktime); or what is at @dead, when that is not 0.
 */
int vgpu_waitline_sleep(struct vgpu_waitline *line, struct vgpu_waiter *w,
			const int *dead, ktime_t until);
/* Whatever came of it; the next one looks. */
void vgpu_waitline_leave(struct vgpu_waitline *line, struct vgpu_waiter *w);
/* Any context: there is more room than there was. */
void vgpu_waitline_poke(struct vgpu_waitline *line);
/* Any context: everybody looks at @dead. */
void vgpu_waitline_wake(struct vgpu_waitline *line);

#endif /* _VGPU_CORE_WAITLINE_H */
