/* SPDX-License-Identifier: GPL-2.0 */
/* Inside core/: a vGPU that stands still, so that all of it can be looked at. */
#ifndef _VGPU_CORE_FREEZE_H
#define _VGPU_CORE_FREEZE_H

#include <vgpu/face.h>

struct vgpu_instance;

/**
 * struct vgpu_freeze - as long as a vGPU stands still
 * @inst: which
 * @error: something of it went meanwhile; under inst->lock
 * @idx: of the unplug gate, while entered
 */
struct vgpu_freeze {
	struct vgpu_instance *inst;
	int error;
	int idx;
};

/*
 * Process context, nothing held. On 0 no call changes @inst, no engine runs it, no CPU
 * reaches its memory, no ring is read, and what its contexts have midway is saved,
 * until vgpu_thaw(). -EAGAIN: it does not run; -EBUSY: it stands still already;
 * -ENODEV.
 */
int vgpu_freeze(struct vgpu_freeze *fr, struct vgpu_instance *inst);
/* For one that was made with vgpu_instance_params.freeze: so it is, too. */
void vgpu_freeze_made(struct vgpu_freeze *fr, struct vgpu_instance *inst);
void vgpu_thaw(struct vgpu_freeze *fr);

/*
 * To look at its objects, which stay there as long as this gives 0: enters the unplug
 * gate and takes inst->lock.  Between vgpu_freeze_leave() and the next look they may go.
 * Why they did, or -ENODEV, and nothing is entered.
 */
int vgpu_freeze_enter(struct vgpu_freeze *fr);
void vgpu_freeze_leave(struct vgpu_freeze *fr);

/* inst->lock held: objects are about to go. */
void vgpu_freeze_cancel(struct vgpu_instance *inst, int error);

#endif /* _VGPU_CORE_FREEZE_H */
