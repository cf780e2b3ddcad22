/* SPDX-License-Identifier: GPL-2.0 */
/* Inside core/: one owner at a time on all engines of a GPU. */
#ifndef _VGPU_CORE_SERIAL_H
#define _VGPU_CORE_SERIAL_H

#include <linux/types.h>
#include <linux/workqueue.h>
#include <vgpu/face_refusal.h>

struct vgpu_gpu;
struct vgpu_instance;

/**
 * struct vgpu_serial - whose turn it is; under gpu->lock where not noted
 * @on: there are turns
 * @wanted: somebody whose turn it is not has work; any context
 * @owner: who has all engines: a group or a vGPU; NULL: nobody has
 * @vtime: of whoever was chosen last, when it was
 * @turns: changes of owner
 * @end: when the turn is over, jiffies
 * @mark: what each engine had served when the turn began
 * @work: looks whose turn it is
 */
struct vgpu_serial {
	bool on;
	bool wanted;
	const void *owner;
	u64 vtime;
	u64 turns;
	unsigned long end;
	u64 mark[VGPU_MAX_ENGINES];
	struct delayed_work work;
};

void vgpu_serial_init(struct vgpu_gpu *gpu);
/* No engine runs any more. */
void vgpu_serial_fini(struct vgpu_gpu *gpu);
/* gpu->lock held; bounded by the preempt timeout. */
void vgpu_serial_set(struct vgpu_gpu *gpu, bool on);
/* gpu->lock held: @inst, which has no contexts, is new on its engines. */
void vgpu_serial_bar(struct vgpu_instance *inst);
/* gpu->lock held: @inst belongs to another owner now; bounded likewise. */
void vgpu_serial_enter(struct vgpu_instance *inst);
/* gpu->lock held: @owner, a group or a vGPU, is about to be freed. */
void vgpu_serial_gone(struct vgpu_gpu *gpu, const void *owner);
/* Any context: who is barred has work; an engine has none. */
void vgpu_serial_wanted(struct vgpu_gpu *gpu);
void vgpu_serial_idle(struct vgpu_gpu *gpu);

#endif /* _VGPU_CORE_SERIAL_H */
