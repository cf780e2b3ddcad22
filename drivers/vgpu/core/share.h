/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: memory that has more than one owner, or is not ours.
 */
#ifndef _VGPU_CORE_SHARE_H
#define _VGPU_CORE_SHARE_H

#include <linux/types.h>

struct vgpu_bo;
struct vgpu_client;

/*
 * Gives the client a handle of @memory, which has no place in the aperture, and
 * takes over the caller's reference to it, also after an error: -ENOMEM, -EMFILE,
 * or why the client is dead.
 */
int vgpu_bo_publish(struct vgpu_client *client, struct vgpu_bo *memory,
		    u32 *handle);

#endif /* _VGPU_CORE_SHARE_H */
