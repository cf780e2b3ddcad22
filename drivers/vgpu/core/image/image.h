/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: the format of images, as a stream of records. What order they come in is
 * in save.c and restore.c, what they mean in memory.c, queue.c and state.c.
 */
#ifndef _VGPU_CORE_IMAGE_H
#define _VGPU_CORE_IMAGE_H

#include <linux/types.h>
#include <uapi/linux/vgpu_image.h>
#include <vgpu/face.h>

#define VGPU_IMAGE_BUFFER	(4 * VGPU_IMAGE_PAYLOAD_MAX)

/**
 * struct vgpu_image_out - records that are to be written
 * @buffer: of @size bytes
 * @size: of it
 * @used: of it
 * @bytes: of all so far, with what was written
 * @seq: of the next record
 */
struct vgpu_image_out {
	u8 *buffer;
	u32 size;
	u32 used;
	u64 bytes;
	u32 seq;
};

/* The header of what is no image, but has records like one: dumps. */
void vgpu_image_out_begin(struct vgpu_image_out *out, void *buffer, u32 size,
			  const char *magic, u16 major, u16 minor);

/* 0, -ENOMEM. */
int vgpu_image_out_init(struct vgpu_image_out *out);
void vgpu_image_out_fini(struct vgpu_image_out *out);
/*
 * Zeroed room for a payload, or NULL: write @out->buffer first.  At most one is open:
 * vgpu_image_close() says how long it got, at most what was asked for.
 */
void *vgpu_image_open(struct vgpu_image_out *out, u32 bytes);
void vgpu_image_close(struct vgpu_image_out *out, u16 type, u16 flags,
		      u32 bytes);

/**
 * struct vgpu_image_in - records that are read
 * @read: all @bytes, or 0 at the end of the file when there is none of them, -ENODATA
 *	when there are some, or another errno
 * @arg: for @read
 * @bytes: read so far
 * @seq: of the next record
 * @type: of this one
 * @length: of its payload
 * @payload: VGPU_IMAGE_PAYLOAD_MAX bytes
 */
struct vgpu_image_in {
	int (*read)(void *arg, void *to, u32 bytes);
	void *arg;
	u64 bytes;
	u32 seq;
	u16 type;
	u32 length;
	u8 *payload;
};

/* Reads the header. 0, or as VGPU_CTL_IOCTL_RESTORE. */
int vgpu_image_in_init(struct vgpu_image_in *in,
		       int (*read)(void *arg, void *to, u32 bytes), void *arg,
		       struct vgpu_refusal *why);
void vgpu_image_in_fini(struct vgpu_image_in *in);
/*
 * The next record of a type that is known, checked: its CRC is right and the payload
 * has at least the type's bytes. Counts and totals of the last one are checked, too.
 */
int vgpu_image_next(struct vgpu_image_in *in, struct vgpu_refusal *why);

#endif /* _VGPU_CORE_IMAGE_H */
