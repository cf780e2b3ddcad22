/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: memory that has more than one owner, or is not ours.
 */
#ifndef _VGPU_CORE_SHARE_H
#define _VGPU_CORE_SHARE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <vgpu/share.h>

struct vgpu_bo;
struct vgpu_client;
struct vgpu_instance;

/**
 * struct vgpu_foreign - pages that a face pinned for a host BO
 * @link: client->foreign, until they are released
 * @client: whose
 * @bo: made of them; NULL until it is made
 * @cookie: of get_pages
 */
struct vgpu_foreign {
	struct list_head link;
	struct vgpu_client *client;
	struct vgpu_bo *bo;
	void *cookie;
	bool gone;				/* revoked before @bo was made */
};

/**
 * struct vgpu_shares - what a vGPU has exported
 * @lock: @list; below inst->lock, above share->lock
 * @list: struct share, until nothing refers to it or it is revoked
 */
struct vgpu_shares {
	struct mutex lock;	/* @list */
	struct list_head list;
};

void vgpu_shares_init(struct vgpu_shares *shares);
/*
 * All that it exported is taken from everybody: on return its account pays for none
 * of it. inst->lock held, its clients are dead.
 */
void vgpu_shares_revoke(struct vgpu_instance *inst);
/* inst->lock held, it is still by now (still.h): CPUs' mappings of them go. */
void vgpu_shares_still(struct vgpu_instance *inst);

/*
 * Gives the client a handle of @memory, which has no place in the aperture, and
 * takes over the caller's reference to it, also after an error: -ENOMEM, -EMFILE,
 * or why the client is dead.
 */
int vgpu_bo_publish(struct vgpu_client *client, struct vgpu_bo *memory,
		    u32 *handle);

#endif /* _VGPU_CORE_SHARE_H */
