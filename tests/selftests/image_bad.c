// SPDX-License-Identifier: GPL-2.0
/* Images that are not whole, or not true, leave nothing behind. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/vgpu_image.h>

#include "images.h"

static uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	while (bytes--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

/* Makes its checksum right. */
static void seal(struct vgpu_image_record *rec)
{
	rec->crc = 0;
	rec->crc = crc32c(~0u, rec, sizeof(*rec) + rec->bytes);
}

static uint64_t load_image(int fd, uint8_t **image)
{
	uint64_t bytes = lseek(fd, 0, SEEK_END);

	*image = malloc(bytes + 4096);
	NEED(*image && pread(fd, *image, bytes, 0) == (ssize_t)bytes, "reading");
	return bytes;
}

/* @want 0: any errno will do. */
static void try_image(const uint8_t *image, uint64_t bytes, int want, const char *what)
{
	int fd = memory_file(), ret;
	struct st_vgpu copy;

	NEED(write(fd, image, bytes) == (ssize_t)bytes, "writing");
	ret = restore_from(fd, &copy, 0);
	CHECK(ret < 0 && (!want || ret == want), "%s: %s, not %s: %s", what,
	      st_errno(ret), st_errno(want), restored.why);
	if (!ret)
		st_destroy(&copy);
	else
		CHECK(access(copy.path, F_OK) || !restored.id, "%s left a node", what);
	close(fd);
}

static struct vgpu_image_record *record_at(uint8_t *image, uint64_t at)
{
	return (struct vgpu_image_record *)(image + at);
}

static uint64_t next_record(uint8_t *image, uint64_t at)
{
	return at + sizeof(struct vgpu_image_record) + record_at(image, at)->bytes;
}

static struct vgpu_image_record *find_record(uint8_t *image, uint64_t bytes, uint16_t type)
{
	uint64_t at = sizeof(struct vgpu_image_header);

	for (; at < bytes; at = next_record(image, at))
		if (record_at(image, at)->type == type)
			return record_at(image, at);
	NEED(false, "no record of type %u", type);
	return NULL;
}

/* With a command in the middle and some that wait. */
static uint64_t busy_image(uint8_t **image)
{
	struct counter_run run;
	struct gpu gpu;
	uint64_t bytes;
	int fd;

	gpu_new(&gpu, 1, 0);
	counter_setup(&run, &gpu, 2, 8, 1000000);
	NEED(!counter_start(&run), "%s", vgpu_error());
	NEED(vgpu_queue_mark(gpu.queue) > 0, "%s", vgpu_error());
	st_sleep_ms(30);
	fd = save(&gpu.vgpu, VGPU_SAVE_STOP);
	gpu_close(&gpu);
	NEED_OK(st_destroy(&gpu.vgpu));
	bytes = load_image(fd, image);
	close(fd);
	find_record(*image, bytes, VGPU_IMAGE_STATE);
	return bytes;
}

static void truncated(void)
{
	uint64_t at, bytes;
	uint8_t *image;
	unsigned int i, n = 0;

	bytes = busy_image(&image);
	for (at = sizeof(struct vgpu_image_header); at < bytes; at = next_record(image, at), n++)
		try_image(image, at, -ENODATA, "cut between records");
	for (i = 0; i < 40; i++)
		try_image(image, st_below(bytes), -ENODATA, "cut anywhere");
	try_image(image, 0, -ENODATA, "nothing");
	st_note("%u records, %llu bytes", n, (unsigned long long)bytes);
	free(image);
}

static void flipped(void)
{
	uint64_t at, bytes, where;
	uint8_t *image;
	unsigned int i;

	bytes = busy_image(&image);
	for (i = 0; i < sizeof(struct vgpu_image_header); i++) {
		image[i] ^= 0x10;
		try_image(image, bytes, 0, "a bit of the header");
		CHECK(restored.why[0], "it does not say why");
		image[i] ^= 0x10;
	}
	for (at = sizeof(struct vgpu_image_header); at < bytes; at = next_record(image, at)) {
		struct vgpu_image_record *rec = record_at(image, at);
		uint32_t length = rec->bytes;

		for (i = 0; i < 4; i++) {
			uint8_t bit = 1u << st_below(8);

			where = at + (i < 2 ? st_below(sizeof(*rec)) :
				      sizeof(*rec) + st_below(length));
			image[where] ^= bit;
			try_image(image, bytes, 0, "a bit");
			CHECK(restored.why[0], "it does not say why");
			image[where] ^= bit;
		}
	}
	free(image);
}

static void versions(void)
{
	struct vgpu_image_header *head;
	struct vgpu_image_record *rec;
	struct vgpu_image_instance *inst;
	struct st_vgpu copy;
	struct scene sc;
	uint64_t bytes;
	uint8_t *image;
	int fd;

	make_scene(&sc);
	fd = save(&sc.vgpu, 0);
	bytes = load_image(fd, &image);
	head = (void *)image;
#define HEAD(change, want) do {						\
	struct vgpu_image_header was = *head;				\
									\
	change;								\
	head->crc = 0;							\
	head->crc = crc32c(~0u, head, sizeof(*head));			\
	try_image(image, bytes, (want), #change);			\
	*head = was;							\
} while (0)
	HEAD(head->major = 2, -EPROTONOSUPPORT);
	HEAD(head->major = 0, -EPROTONOSUPPORT);
	HEAD(head->flags = 1, -EPROTONOSUPPORT);
	HEAD(head->endian = 0x04030201, -EPROTONOSUPPORT);
	HEAD(head->magic[0] = 'x', -EINVAL);
	rec = find_record(image, bytes, VGPU_IMAGE_INSTANCE);
	inst = (void *)(rec + 1);
#define INSTANCE(change, want) do {					\
	struct vgpu_image_instance was = *inst;				\
									\
	change;								\
	seal(rec);							\
	try_image(image, bytes, (want), #change);			\
	*inst = was;							\
	seal(rec);							\
} while (0)
	INSTANCE(strcpy(inst->driver, "jobgate"), -EOPNOTSUPP);
	INSTANCE(strcpy(inst->state_format, "soft-9"), -EOPNOTSUPP);
	INSTANCE(inst->units++, -EOPNOTSUPP);
	INSTANCE(inst->section_bytes[1] += 8, -EOPNOTSUPP);
	INSTANCE(memset(inst->type, 'x', sizeof(inst->type)), -EINVAL);
	INSTANCE(strcpy(inst->type, "9g.1m"), -ENOENT);
	INSTANCE(inst->vram_bytes = 1ull << 50, 0);
	INSTANCE(inst->vram_bytes = VGPU_PAGE, 0);
	INSTANCE(inst->weight = 0, -EINVAL);
	INSTANCE(inst->weight = 10001, 0);
	INSTANCE(inst->priority = 8, 0);
	INSTANCE(inst->rights = ~0u, -EINVAL);
	INSTANCE(inst->own_units = 1000, 0);
	/* one that is not known, but may be left out, and one that may not */
	rec = find_record(image, bytes, VGPU_IMAGE_TIMELINE);
	rec->type = 999;
	seal(rec);
	try_image(image, bytes, -EPROTONOSUPPORT, "an unknown record");
	rec->flags = VGPU_IMAGE_OPTIONAL;
	seal(rec);
	lseek(fd, 0, SEEK_SET);
	NEED(pwrite(fd, image, bytes, 0) == (ssize_t)bytes, "writing");
	NEED(!restore_from(fd, &copy, 0), "an optional one: %s", restored.why);
	drop(&copy);
	free(image);
	close(fd);
}

/* Checksums are right, all else is not: an image that an attacker wrote. */
static void hostile(void)
{
	uint64_t at, bytes, tries = 0, taken = 0;
	uint8_t *image, *was;
	struct st_vgpu copy;
	int fd = memory_file();

	bytes = busy_image(&image);
	was = malloc(bytes);
	NEED(was, "memory");
	memcpy(was, image, bytes);
	for (unsigned int i = 0; i < 400; i++) {
		struct vgpu_image_record *rec;
		unsigned int n = 1 + st_below(3);

		/* any record with few bytes, or the first of those of many */
		at = sizeof(struct vgpu_image_header);
		for (unsigned int skip = st_below(60); skip; skip--) {
			at = next_record(image, at);
			if (at >= bytes)
				at = sizeof(struct vgpu_image_header);
		}
		rec = record_at(image, at);
		while (n--) {
			uint32_t *word = (void *)(rec + 1);

			word += st_below(rec->bytes > 256 ? 64 : rec->bytes / 4);
			switch (st_below(4)) {
			case 0:
				*word ^= 1u << st_below(32);
				break;
			case 1:
				*word = ~0u;
				break;
			case 2:
				*word = 0;
				break;
			default:
				*word = (uint32_t)st_below(1 << 16);
			}
		}
		seal(rec);
		NEED(!ftruncate(fd, 0) && pwrite(fd, image, bytes, 0) == (ssize_t)bytes, "writing");
		tries++;
		if (!restore_from(fd, &copy, 0)) {
			taken++;
			st_sleep_ms(1);
			CHECK_OK(st_verb(&copy, VGPU_VERB_STOP));
			NEED_OK(st_destroy(&copy));
		}
		memcpy(image, was, bytes);
	}
	st_note("%llu of %llu were taken", (unsigned long long)taken, (unsigned long long)tries);
	free(image);
	free(was);
	close(fd);
}

static const struct st_case cases[] = {
	{ "truncated", truncated, 240 },
	{ "flipped", flipped, 240 },
	{ "versions", versions, 120 },
	{ "hostile", hostile, 240 },
};

ST_MAIN(cases)
