// SPDX-License-Identifier: GPL-2.0
/*
 * What all that writes a vGPU's objects writes with: records into a buffer, and names
 * for what they say of one another.
 */
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "../core_priv.h"
#include "saver.h"

/**
 * struct name - what a thing without a pointer is called in the image
 * @node: in vgpu_saver.names
 * @what: vgpu_bo, vgpu_vm_obj, vgpu_ctx, vgpu_timeline: of the client that is written
 * @handle: its handle, or a free one
 */
struct name {
	struct hlist_node node;
	const void *what;
	u32 handle;
};

/* ---------------------------------------------------------------- writing */

int vgpu_saver_flush(struct vgpu_saver *s)
{
	u32 done = 0;

	while (done < s->out.used) {
		ssize_t n = kernel_write(s->file, s->out.buffer + done,
					 s->out.used - done, &s->file->f_pos);

		if (n <= 0)
			return n == -ERESTARTSYS ? -EINTR : n ?: -EIO;
		done += n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	s->out.used = 0;
	return 0;
}

int vgpu_saver_open(struct vgpu_saver *s, u32 bytes, void **payload)
{
	int ret;

	*payload = vgpu_image_open(&s->out, bytes);
	if (*payload)
		return 0;
	vgpu_freeze_leave(&s->freeze);
	ret = vgpu_saver_flush(s) ?: vgpu_freeze_enter(&s->freeze);
	if (ret)
		return ret;
	*payload = vgpu_image_open(&s->out, bytes);
	return 0;
}

int vgpu_saver_put(struct vgpu_saver *s, u16 type, const void *what, u32 bytes)
{
	void *payload;
	int ret = vgpu_saver_open(s, bytes, &payload);

	if (ret)
		return ret;
	memcpy(payload, what, bytes);
	vgpu_image_close(&s->out, type, 0, bytes);
	return 0;
}

int vgpu_saver_breathe(struct vgpu_saver *s)
{
	vgpu_freeze_leave(&s->freeze);
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	return vgpu_freeze_enter(&s->freeze);
}

int vgpu_saver_refuse(struct vgpu_saver *s, int err, const char *text)
{
	vgpu_freeze_leave(&s->freeze);
	return vgpu_refuse(s->why, 0, err, "%s", text);
}

int vgpu_saver_fail(struct vgpu_saver *s, int err)
{
	vgpu_freeze_leave(&s->freeze);
	return err;
}

/* ------------------------------------------------------------------ names */

static struct name *find_name(struct vgpu_saver *s, const void *what)
{
	struct name *name;

	hash_for_each_possible(s->names, name, node, (unsigned long)what)
		if (name->what == what)
			return name;
	return NULL;
}

u32 vgpu_saver_name_of(struct vgpu_saver *s, const void *what)
{
	struct name *name = find_name(s, what);

	return name ? name->handle : 0;
}

int vgpu_saver_set_name(struct vgpu_saver *s, const void *what, u32 *handle)
{
	struct name *name;

	while (!*handle) {
		if (!s->spare)
			return vgpu_saver_fail(s, -EMFILE);
		if (!xa_load(&s->client->objs, s->spare))
			*handle = s->spare;
		s->spare--;
	}
	name = kmalloc(sizeof(*name), GFP_KERNEL_ACCOUNT);
	if (!name)
		return vgpu_saver_fail(s, -ENOMEM);
	name->what = what;
	name->handle = *handle;
	hash_add(s->names, &name->node, (unsigned long)what);
	return 0;
}

void vgpu_saver_forget_names(struct vgpu_saver *s)
{
	struct hlist_node *next;
	struct name *name;
	int i;

	hash_for_each_safe(s->names, i, next, name, node) {
		hash_del(&name->node);
		kfree(name);
	}
}
