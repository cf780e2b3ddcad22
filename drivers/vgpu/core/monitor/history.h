/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings of samples by number: one of a GPU, and one of each of its vGPUs.  No clock, no
 * lock: calls follow one another.
 */
#ifndef _VGPU_CORE_HISTORY_H
#define _VGPU_CORE_HISTORY_H

#include <vgpu/monitor.h>

/**
 * struct vgpu_history - of a GPU
 * @seq: number of the latest sample, 0: none
 * @ring: VGPU_HISTORY of them
 */
struct vgpu_history {
	u64 seq;
	struct vgpu_mon_sample *ring;
};

/* -ENOMEM */
int vgpu_history_init(struct vgpu_history *h);
void vgpu_history_fini(struct vgpu_history *h);
/* @s gets its number. */
void vgpu_history_push(struct vgpu_history *h, struct vgpu_mon_sample *s);
/* The first one from number @from on that is there, or NULL. */
const struct vgpu_mon_sample *vgpu_history_at(const struct vgpu_history *h,
					      u64 from);

/**
 * struct vgpu_trail - of a vGPU; what is all 0 is an empty one
 * @from: number of the GPU's sample that it begins with, 0: none
 * @seq: number of its latest
 * @ring: indexed by the number
 */
struct vgpu_trail {
	u64 from;
	u64 seq;
	struct {
		u16 received;
		u16 entitled;
		u32 pages;		/* of 4 KiB */
	} ring[VGPU_HISTORY];
};

/* @seq rises from call to call, by one. */
void vgpu_trail_push(struct vgpu_trail *t, u64 seq,
		     const struct vgpu_mon_share *share);
/* False: it has none of that number. But @share->id. */
bool vgpu_trail_at(const struct vgpu_trail *t, u64 seq,
		   struct vgpu_mon_share *share);

#endif /* _VGPU_CORE_HISTORY_H */
