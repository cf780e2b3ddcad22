// SPDX-License-Identifier: GPL-2.0
/* The format of images: what is written is read, and what is not whole is not. */
#include <kunit/test.h>
#include <linux/crc32.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/image/image.h"

#define STREAM_BYTES	4096

/**
 * struct stream - a file in memory
 * @data: of it
 * @bytes: its length
 * @at: read so far
 * @error: instead of what is behind its end
 */
struct stream {
	u8 data[STREAM_BYTES];
	u32 bytes;
	u32 at;
	int error;
};

static int stream_read(void *arg, void *to, u32 bytes)
{
	struct stream *s = arg;

	if (bytes > s->bytes - s->at)
		return s->error ?: -ENODATA;
	memcpy(to, s->data + s->at, bytes);
	s->at += bytes;
	return 0;
}

static void add(struct kunit *test, struct vgpu_image_out *out, u16 type,
		u16 flags, const void *what, u32 bytes)
{
	void *payload = vgpu_image_open(out, bytes);

	KUNIT_ASSERT_NOT_NULL(test, payload);
	memcpy(payload, what, bytes);
	vgpu_image_close(out, type, flags, bytes);
}

static void add_end(struct kunit *test, struct vgpu_image_out *out)
{
	const struct vgpu_image_end end = {
		.bytes = out->bytes,
		.records = out->seq,
	};

	add(test, out, VGPU_IMAGE_END, 0, &end, sizeof(end));
}

/* Two address spaces and a mapping, with a record in between. */
static void make(struct kunit *test, struct stream *s, u16 type, u16 flags)
{
	const struct vgpu_image_vm one = { .handle = 1 }, two = { .handle = 2 };
	const struct vgpu_image_map map = { .vm = 2, .va = 0x123456789000 };
	struct vgpu_image_out out;

	KUNIT_ASSERT_EQ(test, vgpu_image_out_init(&out), 0);
	add(test, &out, VGPU_IMAGE_VM, 0, &one, sizeof(one));
	if (type)
		add(test, &out, type, flags, "of another time", 16);
	add(test, &out, VGPU_IMAGE_VM, 0, &two, sizeof(two));
	add(test, &out, VGPU_IMAGE_MAP, 0, &map, sizeof(map));
	add_end(test, &out);
	memset(s, 0, sizeof(*s));
	s->bytes = out.used;
	memcpy(s->data, out.buffer, out.used);
	vgpu_image_out_fini(&out);
}

/* 0 when all of it was read, else why not; @records: how many were. */
static int read_all(struct stream *s, unsigned int *records)
{
	struct vgpu_refusal why = {};
	struct vgpu_image_in in;
	int ret;

	*records = 0;
	s->at = 0;
	ret = vgpu_image_in_init(&in, stream_read, s, &why);
	if (ret)
		return why.text[0] ? ret : -ENOTTY;
	do {
		ret = vgpu_image_next(&in, &why);
		*records += !ret;
	} while (!ret && in.type != VGPU_IMAGE_END);
	vgpu_image_in_fini(&in);
	return ret && !why.text[0] ? -ENOTTY : ret;
}

static int stream_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct stream), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void what_was_written_is_read(struct kunit *test)
{
	struct stream *s = test->priv;
	struct vgpu_refusal why = {};
	struct vgpu_image_in in;
	unsigned int n;

	make(test, s, 0, 0);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), 0);
	KUNIT_EXPECT_EQ(test, n, 4U);
	KUNIT_EXPECT_EQ(test, s->at, s->bytes);

	s->at = 0;
	KUNIT_ASSERT_EQ(test, vgpu_image_in_init(&in, stream_read, s, &why), 0);
	for (n = 0; n < 3; n++)
		KUNIT_EXPECT_EQ(test, vgpu_image_next(&in, &why), 0);
	KUNIT_EXPECT_EQ(test, in.type, (u16)VGPU_IMAGE_MAP);
	KUNIT_EXPECT_EQ(test, ((struct vgpu_image_map *)in.payload)->va,
			0x123456789000ULL);
	vgpu_image_in_fini(&in);
}

static void cut_anywhere(struct kunit *test)
{
	struct stream *s = test->priv;
	unsigned int n;
	u32 all;

	make(test, s, 0, 0);
	all = s->bytes;
	for (s->bytes = 0; s->bytes < all; s->bytes++)
		KUNIT_EXPECT_EQ(test, read_all(s, &n), -ENODATA);
	s->error = -EIO;
	s->bytes = all / 2;
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EIO);
}

/* Each bit of it: none is without meaning. */
static void any_bit_wrong(struct kunit *test)
{
	struct stream *s = test->priv;
	unsigned int n, bit;

	make(test, s, 0, 0);
	for (bit = 0; bit < s->bytes * 8; bit++) {
		s->data[bit / 8] ^= 1 << bit % 8;
		KUNIT_EXPECT_NE_MSG(test, read_all(s, &n), 0, "bit %u", bit);
		s->data[bit / 8] ^= 1 << bit % 8;
	}
	KUNIT_EXPECT_EQ(test, read_all(s, &n), 0);
}

/* Left out, repeated, in another order: each is whole by itself. */
static void records_out_of_place(struct kunit *test)
{
	const u32 head = sizeof(struct vgpu_image_header);
	const u32 one = sizeof(struct vgpu_image_record) +
			sizeof(struct vgpu_image_vm);
	struct stream *s = test->priv;
	u8 first[64];
	unsigned int n;

	make(test, s, 0, 0);
	memmove(s->data + head, s->data + head + one, s->bytes - head - one);
	s->bytes -= one;
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EBADMSG);

	make(test, s, 0, 0);
	memcpy(first, s->data + head, one);
	memcpy(s->data + head + one, first, one);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EBADMSG);

	make(test, s, 0, 0);
	memcpy(first, s->data + head, one);
	memmove(s->data + head, s->data + head + one, one);
	memcpy(s->data + head + one, first, one);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EBADMSG);
}

static void of_another_version(struct kunit *test)
{
	struct stream *s = test->priv;
	struct vgpu_image_header *head = (void *)s->data;
	unsigned int n;

	/* may be left out, may not, and is kept for later */
	make(test, s, 77, VGPU_IMAGE_OPTIONAL);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), 0);
	KUNIT_EXPECT_EQ(test, n, 4U);
	make(test, s, 77, 0);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EPROTONOSUPPORT);
	make(test, s, VGPU_IMAGE_BARS, 0);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EPROTONOSUPPORT);
	/* known, but of unknown flags, or too short */
	make(test, s, VGPU_IMAGE_VM, 0x8000);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EINVAL);
	make(test, s, VGPU_IMAGE_QUEUE, 0);
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EINVAL);

	make(test, s, 0, 0);
	head->minor++;
	head->crc = 0;
	head->crc = __crc32c_le(~0, s->data, sizeof(*head));
	KUNIT_EXPECT_EQ(test, read_all(s, &n), 0);
	head->major++;
	head->crc = 0;
	head->crc = __crc32c_le(~0, s->data, sizeof(*head));
	KUNIT_EXPECT_EQ(test, read_all(s, &n), -EPROTONOSUPPORT);
}

static void no_room(struct kunit *test)
{
	struct vgpu_image_out out;
	unsigned int n = 0;

	KUNIT_ASSERT_EQ(test, vgpu_image_out_init(&out), 0);
	while (vgpu_image_open(&out, VGPU_IMAGE_PAYLOAD_MAX)) {
		vgpu_image_close(&out, VGPU_IMAGE_DATA, 0,
				 VGPU_IMAGE_PAYLOAD_MAX);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 3U);
	KUNIT_EXPECT_LE(test, out.used, (u32)VGPU_IMAGE_BUFFER);
	/* it is written, and there is */
	out.used = 0;
	KUNIT_EXPECT_NOT_NULL(test, vgpu_image_open(&out, 8));
	vgpu_image_out_fini(&out);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(what_was_written_is_read),
	KUNIT_CASE(cut_anywhere),
	KUNIT_CASE(any_bit_wrong),
	KUNIT_CASE(records_out_of_place),
	KUNIT_CASE(of_another_version),
	KUNIT_CASE(no_room),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_image",
	.init = stream_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
