// SPDX-License-Identifier: GPL-2.0
/*
 * The format of images: a header, and records with checksums.  Nothing here knows what
 * a vGPU is, or where bytes come from.
 *
 * A checksum tells damage, not malice: who made an image can make its checksums.  What
 * is in the records is for restore.c to doubt.
 */
#include <linux/crc32.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/swab.h>
#include <vgpu/kunit.h>

#include "../core_priv.h"
#include "image.h"

static u32 record_crc(struct vgpu_image_record rec, const void *payload)
{
	u32 crc;

	rec.crc = 0;
	crc = __crc32c_le(~0, (u8 *)&rec, sizeof(rec));
	return __crc32c_le(crc, payload, rec.bytes);
}

static u32 header_crc(struct vgpu_image_header head)
{
	head.crc = 0;
	return __crc32c_le(~0, (u8 *)&head, sizeof(head));
}

void vgpu_image_out_begin(struct vgpu_image_out *out, void *buffer, u32 size,
			  const char *magic, u16 major, u16 minor)
{
	struct vgpu_image_header head = {
		.endian = VGPU_IMAGE_ENDIAN,
		.major = major,
		.minor = minor,
	};

	strscpy(head.magic, magic, sizeof(head.magic));
	memset(out, 0, sizeof(*out));
	out->buffer = buffer;
	out->size = size;
	head.crc = header_crc(head);
	memcpy(out->buffer, &head, sizeof(head));
	out->used = sizeof(head);
	out->bytes = sizeof(head);
}

int vgpu_image_out_init(struct vgpu_image_out *out)
{
	void *buffer = kvmalloc(VGPU_IMAGE_BUFFER, GFP_KERNEL_ACCOUNT);

	out->buffer = NULL;
	if (!buffer)
		return -ENOMEM;
	vgpu_image_out_begin(out, buffer, VGPU_IMAGE_BUFFER, VGPU_IMAGE_MAGIC,
			     VGPU_IMAGE_MAJOR, VGPU_IMAGE_MINOR);
	return 0;
}

void vgpu_image_out_fini(struct vgpu_image_out *out)
{
	/* tenants' memory */
	kvfree_sensitive(out->buffer, VGPU_IMAGE_BUFFER);
	out->buffer = NULL;
}

void *vgpu_image_open(struct vgpu_image_out *out, u32 bytes)
{
	void *payload = out->buffer + out->used +
			sizeof(struct vgpu_image_record);

	if (WARN_ON_ONCE(bytes > VGPU_IMAGE_PAYLOAD_MAX))
		return NULL;
	if (out->size - out->used <
	    sizeof(struct vgpu_image_record) + bytes)
		return NULL;
	memset(payload, 0, bytes);
	return payload;
}

void vgpu_image_close(struct vgpu_image_out *out, u16 type, u16 flags,
		      u32 bytes)
{
	struct vgpu_image_record rec = {
		.type = type,
		.flags = flags,
		.bytes = bytes,
		.seq = out->seq++,
	};
	u8 *at = out->buffer + out->used;

	rec.crc = record_crc(rec, at + sizeof(rec));
	memcpy(at, &rec, sizeof(rec));
	out->used += sizeof(rec) + bytes;
	out->bytes += sizeof(rec) + bytes;
}

static int fill(struct vgpu_image_in *in, void *to, u32 bytes,
		struct vgpu_refusal *why)
{
	int ret = in->read(in->arg, to, bytes);

	if (ret == -ENODATA)
		return vgpu_refuse(why, 0, -ENODATA,
				   "the image ends after %llu bytes, in the middle",
				   in->bytes);
	if (ret)
		return vgpu_refuse(why, 0, ret, "reading failed after %llu bytes",
				   in->bytes);
	in->bytes += bytes;
	return 0;
}

static int check_header(const struct vgpu_image_header *head,
			struct vgpu_refusal *why)
{
	if (memcmp(head->magic, VGPU_IMAGE_MAGIC, sizeof(head->magic)))
		return vgpu_refuse(why, 0, -EINVAL,
				   "this is no image of a vGPU");
	if (head->endian == swab32(VGPU_IMAGE_ENDIAN))
		return vgpu_refuse(why, 0, -EPROTONOSUPPORT,
				   "the image is of a machine of the other byte order");
	if (head->crc != header_crc(*head) || head->endian != VGPU_IMAGE_ENDIAN)
		return vgpu_refuse(why, 0, -EBADMSG,
				   "the image's header is damaged");
	if (head->major != VGPU_IMAGE_MAJOR)
		return vgpu_refuse(why, 0, -EPROTONOSUPPORT,
				   "the image is of format %u, this kernel reads %u",
				   head->major, VGPU_IMAGE_MAJOR);
	if (head->flags || head->pad)
		return vgpu_refuse(why, 0, -EPROTONOSUPPORT,
				   "the image has flags that this kernel does not know");
	return 0;
}

int vgpu_image_in_init(struct vgpu_image_in *in,
		       int (*read)(void *arg, void *to, u32 bytes), void *arg,
		       struct vgpu_refusal *why)
{
	struct vgpu_image_header head;
	int ret;

	memset(in, 0, sizeof(*in));
	in->read = read;
	in->arg = arg;
	in->payload = kvmalloc(VGPU_IMAGE_PAYLOAD_MAX, GFP_KERNEL_ACCOUNT);
	if (!in->payload)
		return -ENOMEM;
	ret = fill(in, &head, sizeof(head), why) ?: check_header(&head, why);
	if (ret)
		vgpu_image_in_fini(in);
	return ret;
}

void vgpu_image_in_fini(struct vgpu_image_in *in)
{
	kvfree_sensitive(in->payload, VGPU_IMAGE_PAYLOAD_MAX);
	in->payload = NULL;
}

/* The least that a payload of each type has; a newer one may have more. */
static const u32 least[] = {
	[VGPU_IMAGE_INSTANCE]	= sizeof(struct vgpu_image_instance),
	[VGPU_IMAGE_CLIENT]	= sizeof(struct vgpu_image_client),
	[VGPU_IMAGE_BO]		= sizeof(struct vgpu_image_bo),
	[VGPU_IMAGE_DATA]	= sizeof(struct vgpu_image_data),
	[VGPU_IMAGE_VM]		= sizeof(struct vgpu_image_vm),
	[VGPU_IMAGE_MAP]	= sizeof(struct vgpu_image_map),
	[VGPU_IMAGE_TIMELINE]	= sizeof(struct vgpu_image_timeline),
	[VGPU_IMAGE_CTX]	= sizeof(struct vgpu_image_ctx),
	[VGPU_IMAGE_QUEUE]	= sizeof(struct vgpu_image_queue),
	[VGPU_IMAGE_COMMANDS]	= sizeof(struct vgpu_image_commands),
	[VGPU_IMAGE_STATE]	= sizeof(struct vgpu_image_state),
	[VGPU_IMAGE_SECTION]	= sizeof(struct vgpu_image_section),
	[VGPU_IMAGE_END]	= sizeof(struct vgpu_image_end),
};

static bool is_known(u16 type)
{
	return type < ARRAY_SIZE(least) && least[type];
}

static int damaged(struct vgpu_image_in *in, struct vgpu_refusal *why)
{
	return vgpu_refuse(why, 0, -EBADMSG,
			   "the image is damaged at byte %llu, in record %u",
			   in->bytes, in->seq);
}

static int check_end(struct vgpu_image_in *in, u64 begin,
		     struct vgpu_refusal *why)
{
	const struct vgpu_image_end *end = (void *)in->payload;

	if (end->bytes != begin || end->records != in->seq)
		return damaged(in, why);
	return 0;
}

int vgpu_image_next(struct vgpu_image_in *in, struct vgpu_refusal *why)
{
	struct vgpu_image_record rec;
	u64 begin;
	int ret;

	for (;; in->seq++) {
		begin = in->bytes;
		ret = fill(in, &rec, sizeof(rec), why);
		if (ret)
			return ret;
		/* damaged, or a length to be wary of */
		if (rec.bytes > VGPU_IMAGE_PAYLOAD_MAX || rec.bytes % 8)
			return damaged(in, why);
		ret = fill(in, in->payload, rec.bytes, why);
		if (ret)
			return ret;
		if (rec.seq != in->seq || rec.crc != record_crc(rec, in->payload))
			return damaged(in, why);
		if (is_known(rec.type))
			break;
		if (!(rec.flags & VGPU_IMAGE_OPTIONAL))
			return vgpu_refuse(why, 0, -EPROTONOSUPPORT,
					   "the image has a record of type %u, which this kernel does not know",
					   rec.type);
	}
	if (rec.flags & ~VGPU_IMAGE_OPTIONAL || rec.bytes < least[rec.type])
		return vgpu_refuse(why, 0, -EINVAL,
				   "record %u makes no sense", in->seq);
	if (rec.type == VGPU_IMAGE_END)
		ret = check_end(in, begin, why);
	in->seq++;
	in->type = rec.type;
	in->length = rec.bytes;
	return ret;
}

VGPU_EXPORT_IF_KUNIT(vgpu_image_out_init);
VGPU_EXPORT_IF_KUNIT(vgpu_image_out_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_image_open);
VGPU_EXPORT_IF_KUNIT(vgpu_image_close);
VGPU_EXPORT_IF_KUNIT(vgpu_image_in_init);
VGPU_EXPORT_IF_KUNIT(vgpu_image_in_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_image_next);
