/* SPDX-License-Identifier: GPL-2.0 */
/* Inside core/: a vGPU whose memory no CPU reaches: paused, or saved (freeze.h). */
#ifndef _VGPU_CORE_STILL_H
#define _VGPU_CORE_STILL_H

#include <linux/mm_types.h>

#include "../instance.h"

/* Any context. Who changes it to true zaps afterwards, to false wakes inst->thaw. */
static inline bool vgpu_instance_is_still(const struct vgpu_instance *inst)
{
	return READ_ONCE(inst->freeze) || READ_ONCE(inst->still);
}

/* inst->lock held: it is paused; and not any more, or has no memory that could be reached. */
void vgpu_still_begin(struct vgpu_instance *inst);
void vgpu_still_end(struct vgpu_instance *inst);

/*
 * It is still by now, so no fault brings back what goes here: mappings of its node. A VM's
 * stay, see still.c.
 */
void vgpu_still_zap(struct vgpu_instance *inst);

/*
 * A fault found it still, under the invalidate lock, which is released by now, as is all
 * else that others may wait for: this may last.  @dead is the errno of who has
 * the mapping, or NULL.  The answer to the fault; the VMA may be gone.
 */
vm_fault_t vgpu_still_fault(struct vgpu_instance *inst, const int *dead,
			    struct vm_fault *vmf);

#endif /* _VGPU_CORE_STILL_H */
