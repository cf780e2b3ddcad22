/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: when memory is moved. See defrag.c.
 */
#ifndef _VGPU_CORE_TIDY_H
#define _VGPU_CORE_TIDY_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct vgpu_gpu;

/**
 * struct vgpu_tidy - when memory is moved, see defrag.c; under gpu->lock
 * @threshold: fragmentation, permille, from which on a look leads to a run
 * @interval_s: between two looks; 0: nobody looks
 * @asked: a run by command is about to begin, or goes on
 * @own_runs: that began by themselves
 * @work: looks, or runs
 */
struct vgpu_tidy {
	u32 threshold;
	u32 interval_s;
	bool asked;
	u64 own_runs;
	struct delayed_work work;
};

void vgpu_tidy_init(struct vgpu_gpu *gpu);
/* The GPU is there: it is looked at from now on. */
void vgpu_tidy_start(struct vgpu_gpu *gpu);
/* It goes: on return nothing is moved any more. No lock held. */
void vgpu_tidy_stop(struct vgpu_gpu *gpu);

#endif /* _VGPU_CORE_TIDY_H */
