/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fences for the rest of the kernel: the end of what was submitted, as a sync_file.
 *
 * A dma_fence has to be signalled in bounded time, and nothing that a program, an
 * administrator or the shortage of memory may put off can be in its way.  So it is given
 * for a fenced queue only, on which a command has a time limit, touches no memory that may
 * be evicted or moved (VGPU_VM_PINNED), and waits for no timeline.  What is left - other
 * vGPUs, caps, a pause - has a limit of its own: who has not got there when the queue's
 * fence_ms are over is ended, and its fence is signalled with -ETIMEDOUT.
 */
#ifndef _VGPU_CORE_FENCE_H
#define _VGPU_CORE_FENCE_H

#include <linux/types.h>

struct sync_file;
struct vgpu_fence;
struct vgpu_queue;
struct vgpu_slot;

#define VGPU_FENCE_MS		10000	/* the default, and the most */

/* -EINVAL: no fenced queue can be like that, -EOPNOTSUPP: nor be here. */
int vgpu_fences_init(struct vgpu_queue *q, bool fenced, u32 fence_ms);
/* Its last command has ended; nothing is submitted any more. */
void vgpu_fences_fini(struct vgpu_queue *q);

/*
 * A fence of @q with the file that holds it, of commands that are not submitted yet; until
 * they are, fput() of the file is all that there is to it.
 */
struct vgpu_fence *vgpu_fence_create(struct vgpu_queue *q,
				     struct sync_file **file);
/* Lock held: it is of the commands @first to @last, which are behind all others. */
void vgpu_fence_start_locked(struct vgpu_queue *q, struct vgpu_fence *fence,
			     u64 first, u64 last);
/* Lock held: it shows that @slot ended. */
void vgpu_fence_show_locked(struct vgpu_queue *q, const struct vgpu_slot *slot);

#endif /* _VGPU_CORE_FENCE_H */
