/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The slice that an entity has of an engine.
 */
#ifndef _VGPU_SLICE_H
#define _VGPU_SLICE_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct vgpu_engine;

/* The engine's lock is held in all of these; a slice is e->entity's. */
void vgpu_slice_begin_locked(struct vgpu_engine *e, u64 slice_ns, u64 now);
/* Figures; before e->entity leaves. */
void vgpu_slice_finish_locked(struct vgpu_engine *e, u64 now);
/*
 * Where the engine is slower than the clock on the wall, it gets the rest of its
 * slice, instead of being stopped and picked again for ever smaller rests.  One
 * that stands still does not.
 */
bool vgpu_slice_goes_on_locked(struct vgpu_engine *e, u64 now);
/* It ends @keeps of engine time from now, if not sooner. */
void vgpu_slice_cut_locked(struct vgpu_engine *e, u64 keeps, u64 now);
/* When to look next: the end of the slice, or of the command's time. */
void vgpu_slice_timer_start_locked(struct vgpu_engine *e, u64 now);

/* Of e->slice_timer: takes the lock. */
enum hrtimer_restart vgpu_slice_timer_fn(struct hrtimer *timer);

#endif /* _VGPU_SLICE_H */
