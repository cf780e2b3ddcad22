/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the contract with faces (vgpu/face.h) that is for those of
 * programs on this machine, which have memory and descriptors here. A client of a
 * VM gets -EOPNOTSUPP.
 */
#ifndef _VGPU_SHARE_H
#define _VGPU_SHARE_H

#include <linux/types.h>

struct dma_buf;
struct vgpu_bo_user;
struct vgpu_client;

/*
 * VGPU_CALL_BO_USER, in the program itself: it is its memory that is pinned.  May
 * wait for whoever answers the faults there (userfaultfd), until killed, with no
 * lock held.  Not for the client of a VM (-EOPNOTSUPP).
 */
int vgpu_client_bo_user(struct vgpu_client *client, struct vgpu_bo_user *arg);
/*
 * VGPU_CALL_BO_EXPORT: a new dma-buf of the BO, to be put by the caller; -ENOENT,
 * -EOPNOTSUPP, -ENOMEM, -ENODEV, or why the client is dead.
 */
struct dma_buf *vgpu_client_bo_export(struct vgpu_client *client, u32 handle);
/*
 * VGPU_CALL_BO_IMPORT: -EOPNOTSUPP (none of ours), -EXDEV (of another GPU), -EACCES
 * (of another owner), -ESTALE (it was taken away), -EMFILE, -ENOMEM, -ENODEV, or
 * why the client is dead.
 */
int vgpu_client_bo_import(struct vgpu_client *client, struct dma_buf *dmabuf,
			  u32 *handle);

#endif /* _VGPU_SHARE_H */
