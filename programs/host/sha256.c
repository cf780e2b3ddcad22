// SPDX-License-Identifier: GPL-2.0
/*
 * SHA-256 of a file's chunks, one lane a chunk.  A file of any length: it goes
 * through GPU memory window by window.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "step.h"

#define WINDOW_BYTES	(4u << 20)

struct sha256 {
	const char *path, *digests_path;
	const uint8_t *file;	/* mapped; NULL for an empty one */
	uint64_t bytes;
	uint64_t chunk;
	uint64_t chunks;
	uint64_t window;	/* chunks of one launch */
	uint8_t *digests;
	struct vgpu_bo *data, *table, *out;
};

static enum run_result options(struct run *run, struct sha256 *s, int argc,
			       char **argv)
{
	static const struct option names[] = {
		{ "chunk", required_argument, NULL, 'c' },
		{ "digests", required_argument, NULL, 'd' },
		{ 0 }
	};
	enum run_result result = RUN_OK;
	int option;

	s->chunk = 4096;
	optind = 0;
	while ((option = getopt_long(argc, argv, "c:d:", names, NULL)) >= 0) {
		if (option == 'c')
			result = run_number(run, optarg, "chunk", 64, 1 << 30,
					    &s->chunk);
		else if (option == 'd')
			s->digests_path = optarg;
		else
			return run_fail(run, RUN_USAGE,
					"sha256 knows the options --chunk BYTES and --digests FILE");
		if (result)
			return result;
	}
	if (argc - optind != 1)
		return run_fail(run, RUN_USAGE, "sha256 takes one file");
	s->path = argv[optind];
	return RUN_OK;
}

static enum run_result map_file(struct run *run, struct sha256 *s)
{
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st)) {
		enum run_result result =
			run_fail(run, RUN_USAGE, "cannot open %s: %s", s->path,
				 strerror(errno));

		if (fd >= 0)
			close(fd);
		return result;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return run_fail(run, RUN_USAGE, "%s is no regular file",
				s->path);
	}
	s->bytes = (uint64_t)st.st_size;
	if (s->bytes) {
		at = mmap(NULL, s->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at == MAP_FAILED) {
			close(fd);
			return run_fail(run, RUN_DEVICE, "cannot map %s: %s",
					s->path, strerror(errno));
		}
		s->file = at;
	}
	close(fd);
	return RUN_OK;
}

static enum run_result setup(struct run *run, int argc, char **argv)
{
	struct sha256 *s = run->data = run_alloc(run, sizeof(*s));
	enum run_result result;
	uint64_t window;

	if (!s)
		return RUN_DEVICE;
	result = options(run, s, argc, argv);
	if (!result)
		result = map_file(run, s);
	if (result)
		return result;

	/* An empty file has one chunk, which is empty. */
	s->chunks = s->bytes ? (s->bytes - 1) / s->chunk + 1 : 1;
	window = vgpu_info(run->dev)->vram_bytes / 4;
	if (window > WINDOW_BYTES)
		window = WINDOW_BYTES;
	s->window = window / s->chunk ?: 1;
	if (s->window > s->chunks)
		s->window = s->chunks;
	s->digests = run_alloc(run, s->chunks * 32);
	if (!s->digests)
		return RUN_DEVICE;

	result = run_load(run, "sha256");
	if (!result)
		result = run_buffer(run, s->window * s->chunk, &s->data);
	if (!result)
		result = run_buffer(run, s->window * sizeof(struct sha256_chunk),
				    &s->table);
	if (!result)
		result = run_buffer(run, s->window * 32, &s->out);
	run->unit = "B";
	return result;
}

static enum run_result verify(struct run *run, uint64_t first, uint64_t count)
{
	struct sha256 *s = run->data;

	for (uint64_t i = first; i < first + count; i++) {
		uint64_t offset = i * s->chunk;
		uint64_t bytes = s->bytes - offset < s->chunk ?
				 s->bytes - offset : s->chunk;
		uint8_t expected[32];
		enum run_result result;
		char what[64];

		ref_sha256(s->file ? s->file + offset : NULL, bytes, expected);
		snprintf(what, sizeof(what), "digest of chunk %" PRIu64 ", byte",
			 i);
		result = run_compare(run, s->digests + i * 32, expected, 32, 1,
				     what);
		if (result)
			return result;
	}
	return RUN_OK;
}

static enum run_result step_window(struct run *run, uint64_t first,
				   uint64_t count)
{
	struct sha256 *s = run->data;
	struct sha256_chunk *table = s->table->cpu;
	uint64_t offset = first * s->chunk;
	uint64_t bytes = s->bytes - offset < count * s->chunk ?
			 s->bytes - offset : count * s->chunk;
	struct sha256_args args = {
		.data = s->data->va,
		.chunks = s->table->va,
		.digests = s->out->va,
		.count = count,
	};
	/* Few lanes to a workgroup, so that all units get some of few chunks. */
	uint32_t units = vgpu_info(run->dev)->units;
	uint32_t lanes = run_lanes(run, count >= 16ull * units ? 16 : 4);
	struct vgpu_launch launch = {
		.grid = { run_groups(count, lanes) },
		.block = { (uint16_t)lanes },
	};
	enum run_result result;

	if (bytes)
		memcpy(s->data->cpu, s->file + offset, bytes);
	memset(s->out->cpu, 0, count * 32);
	for (uint64_t i = 0; i < count; i++) {
		table[i].offset = i * s->chunk;
		table[i].bytes = bytes - i * s->chunk < s->chunk ?
				 bytes - i * s->chunk : s->chunk;
	}
	result = run_launch(run, "sha256", &launch, &args, sizeof(args));
	if (!result)
		result = run_wait(run, (double)bytes);
	if (result)
		return result;
	memcpy(s->digests + first * 32, s->out->cpu, count * 32);
	return run->verify ? verify(run, first, count) : RUN_OK;
}

static enum run_result step(struct run *run)
{
	struct sha256 *s = run->data;

	for (uint64_t first = 0; first < s->chunks; first += s->window) {
		uint64_t count = s->chunks - first < s->window ?
				 s->chunks - first : s->window;
		enum run_result result = step_window(run, first, count);

		if (result)
			return result;
		if (run->progress && s->chunks > s->window)
			run->progress(run->cookie, "sha256", first + count,
				      s->chunks);
	}
	return RUN_OK;
}

static void hex(const uint8_t digest[32], char text[65])
{
	for (unsigned int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}

static enum run_result write_digests(struct run *run, const struct sha256 *s)
{
	FILE *file = fopen(s->digests_path, "we");
	char text[65];
	int bad = 0;

	if (!file)
		return run_fail(run, RUN_DEVICE, "cannot write %s: %s",
				s->digests_path, strerror(errno));
	for (uint64_t i = 0; i < s->chunks; i++) {
		hex(s->digests + i * 32, text);
		bad |= fprintf(file, "%s  %" PRIu64 "\n", text,
			       i * s->chunk) < 0;
	}
	bad |= fclose(file);
	if (bad)
		return run_fail(run, RUN_DEVICE, "cannot write %s: %s",
				s->digests_path, strerror(errno));
	return RUN_OK;
}

static enum run_result finish(struct run *run)
{
	struct sha256 *s = run->data;
	uint8_t all[32];
	char text[65];

	ref_sha256(s->digests, s->chunks * 32, all);
	hex(all, text);
	snprintf(run->result, sizeof(run->result),
		 "%s  %s (SHA-256 of the digests of %" PRIu64 " chunks of %" PRIu64 " bytes)",
		 text, s->path, s->chunks, s->chunk);
	return s->digests_path ? write_digests(run, s) : RUN_OK;
}

static void cleanup(struct run *run)
{
	struct sha256 *s = run->data;

	if (s) {
		if (s->file)
			munmap((void *)s->file, s->bytes);
		free(s->digests);
	}
	free(s);
}

extern const struct program program_sha256;
const struct program program_sha256 = {
	.name = "sha256",
	.setup = setup,
	.step = step,
	.finish = finish,
	.cleanup = cleanup,
};
