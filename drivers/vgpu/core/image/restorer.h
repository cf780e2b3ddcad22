/* SPDX-License-Identifier: GPL-2.0 */
/* Inside image/: a vGPU that is coming into being, and what each record makes of it. */
#ifndef _VGPU_CORE_RESTORER_H
#define _VGPU_CORE_RESTORER_H

#include <linux/list.h>
#include <linux/uuid.h>

#include "freeze.h"
#include "image.h"

/**
 * struct vgpu_restorer - a vGPU that is coming into being
 * @freeze: of it
 * @in: what is read
 * @why: what is wrong with it
 * @gpu: where to
 * @uuid: that it is to have, or null
 * @paused: it is not to go on
 * @running: it did, when it was saved
 * @rights: that it has in the end
 * @number: of clients
 * @next_handle: that @client would be given
 * @inst: it, or NULL; with a reference
 * @client: whose records these are, or NULL
 * @closed: handles that are to be closed in the end
 */
struct vgpu_restorer {
	struct vgpu_freeze freeze;
	struct vgpu_image_in in;
	struct vgpu_refusal *why;
	struct vgpu_gpu *gpu;
	const uuid_t *uuid;
	bool paused;
	bool running;
	u32 rights;
	u32 number;
	u32 next_handle;
	struct vgpu_instance *inst;
	struct vgpu_client *client;
	struct list_head closed;
};

/* Calls give out the next handle that is free: so it is to be @handle. 0, -EINVAL. */
int vgpu_restorer_want(struct vgpu_restorer *r, u32 handle);
/*
 * It was made, as @got; @closed: it is to have no handle in the end. -EINVAL (there is
 * one of that number already), -ENOMEM.
 */
int vgpu_restorer_made(struct vgpu_restorer *r, u32 handle, u32 got, u32 closed);
/* Those handles go; @retire: are closed, too, since the vGPU is entered. */
void vgpu_restorer_close(struct vgpu_restorer *r, bool retire);
/* With a reference, or -EINVAL, -ENOENT. */
struct vgpu_queue *vgpu_restorer_queue(struct vgpu_restorer *r, u32 handle);

/*
 * The vGPU is entered; @payload has at least the bytes of its type, @r->in.length of
 * them. What it says is not to be trusted. 0, or the errno of the call that a tenant
 * would have made; -EINVAL: it makes no sense.
 */
int vgpu_restore_bo(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_data(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_vm(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_map(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_timeline(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_ctx(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_queue(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_commands(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_state(struct vgpu_restorer *r, const void *payload);
int vgpu_restore_section(struct vgpu_restorer *r, const void *payload);

#endif /* _VGPU_CORE_RESTORER_H */
