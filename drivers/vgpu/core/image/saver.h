/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside image/: a vGPU that is being written, and what writes each kind of its
 * objects. All of it goes on with the vGPU entered (freeze.h), and on an error it is
 * left: whoever gets one gives it on and does nothing else.
 */
#ifndef _VGPU_CORE_SAVER_H
#define _VGPU_CORE_SAVER_H

#include <linux/hashtable.h>

#include "freeze.h"
#include "image.h"

struct file;

/**
 * struct vgpu_saver - an image that is being written
 * @freeze: of the vGPU that stands still for it
 * @file: where to
 * @out: records that are not there yet
 * @why: what stands in the way
 * @client: that is being written
 * @spare: no handle of @client's from there to the last is free
 * @names: of things of @client's that have been written
 */
struct vgpu_saver {
	struct vgpu_freeze freeze;
	struct file *file;
	struct vgpu_image_out out;
	struct vgpu_refusal *why;
	struct vgpu_client *client;
	u32 spare;
	DECLARE_HASHTABLE(names, 8);
};

/* Entered or not: what is in the buffer goes to the file. */
int vgpu_saver_flush(struct vgpu_saver *s);
/* Room for a record of up to @bytes; vgpu_image_close(&s->out) says how many it got. */
int vgpu_saver_open(struct vgpu_saver *s, u32 bytes, void **payload);
/* A whole record. */
int vgpu_saver_put(struct vgpu_saver *s, u16 type, const void *what, u32 bytes);
/* Who waits for the lock, or for the GPU to go, comes in. */
int vgpu_saver_breathe(struct vgpu_saver *s);
/* Leaves, says why, and gives @err. */
int vgpu_saver_refuse(struct vgpu_saver *s, int err, const char *text);
/* Leaves, and gives @err. */
int vgpu_saver_fail(struct vgpu_saver *s, int err);

/*
 * What a thing without a pointer is called in the image: a vgpu_bo, vgpu_vm_obj,
 * vgpu_ctx or vgpu_timeline of the client that is written. 0: it was not written yet.
 */
u32 vgpu_saver_name_of(struct vgpu_saver *s, const void *what);
/* @handle 0: it gets one that is free. */
int vgpu_saver_set_name(struct vgpu_saver *s, const void *what, u32 *handle);
/* Entered or not: the next client's things have names of their own. */
void vgpu_saver_forget_names(struct vgpu_saver *s);

/*
 * Objects, with what they need. @handle 0: theirs was closed. -EBUSY: it can't be
 * saved, and @s->why says why; -EMFILE, -ENOMEM, or as vgpu_freeze_enter().
 */
int vgpu_save_bo(struct vgpu_saver *s, struct vgpu_bo *bo,
		 const struct vgpu_bo_obj *obj, u32 handle);
int vgpu_save_vm(struct vgpu_saver *s, struct vgpu_vm_obj *vm, u32 handle);
int vgpu_save_timeline(struct vgpu_saver *s, struct vgpu_timeline *tl, u32 handle);
int vgpu_save_ctx(struct vgpu_saver *s, struct vgpu_ctx *ctx, u32 handle);
int vgpu_save_queue(struct vgpu_saver *s, struct vgpu_queue *q, u32 handle);
/* What the context of @q has midway, if that is @q's. */
int vgpu_save_state(struct vgpu_saver *s, struct vgpu_queue *q, u32 handle);

#endif /* _VGPU_CORE_SAVER_H */
