/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading who is likely to be next on an engine.
 */
#ifndef _VGPU_PRELOAD_H
#define _VGPU_PRELOAD_H

#include <linux/list.h>
#include <linux/workqueue.h>
#include <vgpu/ctx_predict.h>

struct vgpu_ctx;
struct vgpu_ctx_stats;
struct vgpu_engine;

/**
 * struct vgpu_preload - of an engine; under its lock
 * @predict: who tends to come after whom
 * @midway: contexts that were stopped midway and wait, who waits longest first
 * @worth: bytes of saved state from which loading them beforehand saves time
 * @due: switches left until it is given up, since nobody had so much
 * @work: loads who is likely next to the spare bank
 */
struct vgpu_preload {
	struct vgpu_predict predict;
	struct list_head midway;
	u32 worth;
	u32 due;
	struct work_struct work;
};

void vgpu_preload_init(struct vgpu_engine *e);
/* Process context: nothing of it goes on any more, unless it is asked again. */
void vgpu_preload_fini(struct vgpu_engine *e);
/* Lock held: @ctx was saved, and is not in the engine any more. */
void vgpu_preload_left_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx);
/* Lock held: @ctx is in the engine now. */
void vgpu_preload_came_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx);
/* Lock held: something runs; who is next may be loaded meanwhile. */
void vgpu_preload_soon_locked(struct vgpu_engine *e);

/* Lock held: the vGPU of @ctx moved what its state has moved since @before. */
void vgpu_ctx_note_moved_locked(struct vgpu_ctx *ctx,
				const struct vgpu_ctx_stats *before);

#endif /* _VGPU_PRELOAD_H */
