/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Completions that are held back: a tenant that measures when its commands end learns when
 * others use the engine.  With padding it is told on a grid of time only, and a random time
 * later.  What ran, ran; the next command does not wait for that.
 */
#ifndef _VGPU_CORE_PAD_H
#define _VGPU_CORE_PAD_H

#include <linux/types.h>

struct vgpu_instance;
struct vgpu_queue;
struct vgpu_slot;

#define VGPU_PAD_MAX_NS	(100 * NSEC_PER_MSEC)

/**
 * struct vgpu_pad - how an instance's are
 * @grid_ns: ends show at multiples of it, CLOCK_MONOTONIC; 0: at once
 * @jitter_ns: and up to so much later, not over @grid_ns
 *
 * Written under inst->lock, read under any lock: what of an old pair meets one of a new
 * one is used once.
 */
struct vgpu_pad {
	u64 grid_ns;
	u64 jitter_ns;
};

/* When what ended at @now shows, behind what shows at @after. @random: any 32 bits. */
u64 vgpu_pad_until(u64 grid_ns, u64 jitter_ns, u64 now, u64 after, u32 random);

void vgpu_pad_init(struct vgpu_queue *q);
/* Sleeps: what ends before the next point of the grid shows. */
void vgpu_pad_wait(struct vgpu_instance *inst);

/* The engine's lock is held in these. */

/* Is the end of @q's command to be held back? */
bool vgpu_pad_holds(struct vgpu_queue *q);
/* @slot, just before the head, ended: shows later. */
void vgpu_pad_hold_locked(struct vgpu_queue *q, struct vgpu_slot *slot);
/* The one that was held back last, or NULL: none is. */
struct vgpu_slot *vgpu_pad_last_locked(struct vgpu_queue *q);
/* All at once: its queue is closed. The timer is to be cancelled then, unlocked. */
void vgpu_pad_flush_locked(struct vgpu_queue *q);

#endif /* _VGPU_CORE_PAD_H */
