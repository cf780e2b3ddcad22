/* SPDX-License-Identifier: GPL-2.0 */
/* Contexts, their queues, and timelines. */
#ifndef _VGPU_CORE_QUEUE_H
#define _VGPU_CORE_QUEUE_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <vgpu/ctx.h>
#include <vgpu/face.h>
#include <vgpu/lines.h>

#include "client.h"
#include "fence.h"
#include "hist.h"
#include "look.h"

struct vgpu_engine;
struct vgpu_entity;
struct vgpu_timeline;

/**
 * struct vgpu_slot - a command that was taken, in kernel memory
 * @cmd: checked copy; VRAM addresses in place of virtual on GPUs without MMU
 * @timeline: for SIGNAL and WAIT, with a reference
 * @seqno: of the queue, from 1
 * @accepted: ktime ns
 * @deadline: ktime ns, U64_MAX: none
 * @due: the earliest of its and of those behind it in the queue
 * @service: engine time used so far, ns
 * @started: it ran already
 * @faulted: by an access to @fault_va that lacked @fault_access
 * @timed: @late and @deadline are what is to be told of its deadline
 * @error: how it ended; from then on
 * @told: ktime ns, when it shows, if it is held back
 */
struct vgpu_slot {
	struct vgpu_cmd cmd;
	struct vgpu_timeline *timeline;
	struct vgpu_vm_obj *vm;			/* pending there, or NULL */
	u64 seqno;
	u64 accepted;
	u64 deadline;
	u64 due;
	u64 service;
	u64 told;
	u64 late;
	u64 fault_va;
	u32 fault_access;
	int error;
	bool started;
	bool faulted;
	bool timed;
};

struct vgpu_ctx {
	struct vgpu_obj obj;
	struct vgpu_gpu *gpu;
	struct vgpu_engine *engine;
	struct vgpu_entity *entity;
	struct vgpu_vm_obj *vm;
	struct vgpu_hw_ctx hw;
	struct vgpu_ctx_state state;
	u32 id;					/* for struct vgpu_predict */
	/* engine->lock: */
	struct list_head midway_link;		/* engine->preload.midway, or empty */
	struct list_head queues;
	unsigned int nr_queues;
	struct vgpu_queue *job;			/* whose head is midway or runs */
	bool midway;				/* resume, do not start */
	int kill;				/* errno that ends the job */
	bool paging;				/* page_work sees to its fault */
	bool page_due;				/* and has waited, if it had to */
	struct vgpu_hw_event fault;		/* stable while it does */
	struct delayed_work page_work;
};

struct vgpu_queue {
	struct vgpu_obj obj;
	struct vgpu_ctx *ctx;
	u64 time_limit_ns;
	/* engine->lock: */
	struct list_head link;			/* ctx->queues */
	struct vgpu_line line;			/* of the entity's */
	u32 depth;
	u32 head;				/* of the oldest slot */
	u32 count;
	u32 held;				/* before the head: ended, not told */
	struct vgpu_slot *slots;
	u64 seqno;
	bool closed;
	bool waiting;				/* @wait is on a timeline */
	struct vgpu_tl_wait wait;
	struct llist_node woken;
	unsigned long woken_flag;
	u32 irq;
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 preempted;
	u64 run_ns;
	struct {				/* of when something was told last */
		u64 wait_avg, wait_p50, wait_p99;
		u64 run_ns;
		u64 preempted;
	} seen;
	struct hrtimer pad_timer;
	u64 expired;				/* up to this one they never begin */
	struct list_head fences;		/* not signalled, oldest first */
	struct delayed_work fence_work;
	u64 fence_context;
	u64 fence_ns;				/* 0: none are given */
	u64 deadlines_met;
	u64 deadlines_missed;
	u64 late_max_ns;
	int error;
	u64 error_seqno;
	u64 fault_va;
	u32 fault_access;
	struct vgpu_hist wait_hist;
	/* the ring, read by ring_work only: */
	struct vgpu_bo_obj *ring;
	u64 ring_offset;
	u32 ring_slots;
	u32 ring_head;
	struct vgpu_slot *taken;		/* on their way into the queue */
	u32 doorbell;
	u32 look_below;				/* engine->lock: with fewer, look at it */
	bool broken;
	struct vgpu_look look;
	struct hrtimer look_timer;		/* started under engine->lock */
	struct vgpu_shpages *shpages;
	struct work_struct ring_work;
};

int vgpu_call_ctx_create(struct vgpu_client *client,
			 struct vgpu_ctx_create *arg);
int vgpu_call_queue_create(struct vgpu_client *client,
			   struct vgpu_queue_create *arg);
int vgpu_call_queue_set(struct vgpu_client *client, struct vgpu_queue_set *arg);
int vgpu_call_submit(struct vgpu_client *client, struct vgpu_submit *arg,
		     const struct vgpu_cmd *cmds, size_t bytes,
		     struct sync_file **file);
int vgpu_call_kick(struct vgpu_client *client, struct vgpu_kick *arg);
int vgpu_call_queue_status(struct vgpu_client *client,
			   struct vgpu_queue_status *arg);

/* Lock held: does what needs no engine at the queue's head, in bounds. */
void vgpu_queue_advance_locked(struct vgpu_queue *q, unsigned int *budget);
/* Lock held: the head is there and needs the engine. */
bool vgpu_queue_runnable_locked(struct vgpu_queue *q);
static inline struct vgpu_slot *vgpu_queue_head(struct vgpu_queue *q)
{
	return &q->slots[q->head];
}

/* Lock held: the head ended, with 0 or an errno. */
void vgpu_queue_complete_locked(struct vgpu_queue *q, int error);
/* Lock held: it shows that @slot ended. */
void vgpu_queue_show_locked(struct vgpu_queue *q, struct vgpu_slot *slot);
/* Lock held: its owner is told that it met its deadline, or was @late. */
void vgpu_queue_tell_deadline_locked(struct vgpu_queue *q, u64 deadline, u64 late);
/* Atomic: a wait is over, or there is more to do: look at @q soon. */
void vgpu_queue_wake_later(struct vgpu_queue *q);
void vgpu_queue_woken_work(struct work_struct *work);
/* Lock held: its owner is told of VGPU_QUEUE_IRQ_* @bit. */
void vgpu_queue_irq_locked(struct vgpu_queue *q, u32 bit);

/* enum vgpu_sched_class */
u32 vgpu_queue_class(const struct vgpu_queue *q);

/* ring.c */
int vgpu_ring_init(struct vgpu_queue *q, struct vgpu_client *client,
		   struct vgpu_queue_create *arg);
void vgpu_ring_fini(struct vgpu_queue *q);
/*
 * Pushes checked slots that are due at @deadline (ktime ns, U64_MAX: none); returns
 * how many there was room for.  @fence, if any, is of those.
 */
u32 vgpu_queue_push(struct vgpu_queue *q, struct vgpu_slot *slots, u32 count,
		    u64 deadline, struct vgpu_fence *fence, u64 *seqno);
/* A command of a ring was refused. */
void vgpu_queue_refuse(struct vgpu_queue *q, int error);

/* command.c: checks @cmd for @q and fills @slot; 0 or errno. */
int vgpu_command_check(struct vgpu_queue *q, const struct vgpu_cmd *cmd,
		       struct vgpu_slot *slot);
/* BIT(VGPU_RES_*) of all of them together. */
u32 vgpu_commands_cost(const struct vgpu_cmd *cmds, u32 count);
void vgpu_slot_drop(struct vgpu_slot *slot);

/* ----------------------------------------------------------- timeline.c */

struct vgpu_timeline {
	struct vgpu_obj obj;
	spinlock_t lock;		/* value, waits, eventfds */
	u64 value;
	u32 eventfds;			/* of the waits */
	u32 slot;
	struct vgpu_shpages *shpages;
	struct list_head waits;
	wait_queue_head_t wait;
	bool dead;
};

int vgpu_call_timeline_create(struct vgpu_client *client,
			      struct vgpu_timeline_create *arg);
int vgpu_call_wait(struct vgpu_client *client, struct vgpu_wait *arg);
int vgpu_call_signal(struct vgpu_client *client, struct vgpu_signal *arg);
/* Atomic. Lower values are ignored. */
void vgpu_timeline_raise(struct vgpu_timeline *tl, u64 value);
bool vgpu_timeline_reached(struct vgpu_timeline *tl, u64 value);
/* Atomic: false: it is there already, @wait was not taken. */
bool vgpu_timeline_add_wait(struct vgpu_timeline *tl, struct vgpu_tl_wait *wait);
/* Atomic: true: it was still waiting and does not any more. */
bool vgpu_timeline_del_wait(struct vgpu_timeline *tl, struct vgpu_tl_wait *wait);

/* ------------------------------------------------------------ shpages.c */

struct vgpu_shpages {
	struct kref ref;
	spinlock_t lock;		/* queues, tl_used */
	struct page *db_page;
	struct page *tl_page;
	struct vgpu_queue *queues[VGPU_DOORBELLS];
	DECLARE_BITMAP(tl_used, VGPU_TIMELINES);
};

void vgpu_shpages_get(struct vgpu_shpages *sp);
/* At @want, or VGPU_ANY_SLOT. */
int vgpu_shpages_add_queue(struct vgpu_shpages *sp, struct vgpu_queue *q,
			   u32 want);
void vgpu_shpages_del_queue(struct vgpu_shpages *sp, struct vgpu_queue *q);
struct vgpu_doorbell *vgpu_shpages_doorbell(struct vgpu_shpages *sp, u32 index);
int vgpu_shpages_add_timeline(struct vgpu_shpages *sp, u32 want);
void vgpu_shpages_del_timeline(struct vgpu_shpages *sp, u32 slot);
void vgpu_shpages_show(struct vgpu_shpages *sp, u32 slot, u64 value);

#endif /* _VGPU_CORE_QUEUE_H */
