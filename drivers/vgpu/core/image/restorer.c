// SPDX-License-Identifier: GPL-2.0
/*
 * What all that makes objects of an image makes them with: the handles that they had.
 */
#include <linux/slab.h>

#include "../core_priv.h"
#include "restorer.h"

/* A handle that has to be there while others name it, and not in the end. */
struct closed {
	struct list_head link;
	struct vgpu_client *client;
	u32 handle;
};

int vgpu_restorer_want(struct vgpu_restorer *r, u32 handle)
{
	if (!r->client || !handle || handle > VGPU_MAX_HANDLES)
		return -EINVAL;
	mutex_lock(&r->client->lock);
	r->client->next_handle = handle;
	mutex_unlock(&r->client->lock);
	return 0;
}

int vgpu_restorer_made(struct vgpu_restorer *r, u32 handle, u32 got, u32 closed)
{
	struct closed *c;

	if (got != handle || closed > 1)
		return -EINVAL;
	if (!closed)
		return 0;
	c = kmalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	c->client = r->client;
	c->handle = handle;
	list_add_tail(&c->link, &r->closed);
	return 0;
}

struct vgpu_queue *vgpu_restorer_queue(struct vgpu_restorer *r, u32 handle)
{
	struct vgpu_obj *obj;

	if (!r->client)
		return ERR_PTR(-EINVAL);
	obj = vgpu_obj_get(r->client, handle, VGPU_OBJ_QUEUE);
	return IS_ERR(obj) ? ERR_CAST(obj) :
			     container_of(obj, struct vgpu_queue, obj);
}

void vgpu_restorer_close(struct vgpu_restorer *r, bool retire)
{
	struct closed *c, *next;

	list_for_each_entry_safe(c, next, &r->closed, link) {
		if (retire)
			vgpu_client_close_handle(c->client, c->handle);
		list_del(&c->link);
		kfree(c);
	}
}
