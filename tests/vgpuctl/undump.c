// SPDX-License-Identifier: GPL-2.0
/*
 * What vgpuctl makes of dumps that are whole, damaged, cut off, newer, or lies with right
 * checksums.
 *
 *	undump FOLDER		compares with FOLDER/dump.txt
 *	undump --write FOLDER	writes it anew
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <linux/vgpu_dump.h>

#include "dump.h"
#include "vgpuctl.h"

#define LIES	30000

bool json_output;
bool json_pretty;
bool color_output;

const char cmd_run_help[] =
"Usage: vgpuctl run\n";

int cmd_run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static unsigned int count, failed;

__attribute__((format(printf, 2, 3)))
static bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", good ? "" : "not ", ++count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failed += !good;
	return good;
}

/* ---- making dumps ------------------------------------------------------------- */

struct file {
	uint8_t data[VGPU_DUMP_BYTES_MAX];
	size_t bytes;
	uint32_t records;
};

/* Not the one that is tested. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t bytes)
{
	static uint32_t table[256];
	uint32_t i, bit, c;

	for (i = 0; !table[255] && i < 256; i++) {
		for (c = i, bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ ((c & 1) ? 0x82f63b78u : 0);
		table[i] = c;
	}
	while (bytes--)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

static void begin(struct file *f, uint16_t major, uint32_t endian)
{
	struct vgpu_image_header head = {
		.magic = VGPU_DUMP_MAGIC, .endian = endian, .major = major,
	};

	head.crc = crc32c(~0u, (void *)&head, sizeof(head));
	memcpy(f->data, &head, sizeof(head));
	f->bytes = sizeof(head);
	f->records = 0;
}

static void add(struct file *f, uint16_t type, uint16_t flags, const void *payload,
		uint32_t bytes)
{
	struct vgpu_image_record rec = {
		.type = type, .flags = flags, .bytes = bytes, .seq = f->records++,
	};

	rec.crc = crc32c(crc32c(~0u, (void *)&rec, sizeof(rec)), payload, bytes);
	memcpy(f->data + f->bytes, &rec, sizeof(rec));
	memcpy(f->data + f->bytes + sizeof(rec), payload, bytes);
	f->bytes += sizeof(rec) + bytes;
}

static void end(struct file *f)
{
	struct vgpu_image_end e = { .bytes = f->bytes, .records = f->records };

	add(f, VGPU_DUMP_END, 0, &e, sizeof(e));
}

static void add_tenant(struct file *f)
{
	static const struct vgpu_dump_vgpu vgpu = {
		.id = 3, .weight = 300, .priority = 4, .uuid = { 0x2c, 0x17, [15] = 0x24 },
		.vram_limit = 32 << 20, .vram_used = 5 << 20, .faults = 1,
		.submitted = 9, .completed = 6, .type = "1g.32m",
	};
	static const struct vgpu_dump_context context = {
		.number = 7, .asid = 2, .root = 0x4000, .fault_va = 0x103008,
		.fault_access = VGPU_PROT_WRITE, .pc = 0x20040, .mask = 0xff, .group = 5,
		.lane = 3, .pid = 4711, .holder = "a\033[2Jb\xff",
		.flags = VGPU_DUMP_HAS_FAULT | VGPU_DUMP_HAS_PC,
	};
	static const struct vgpu_dump_queue queue = {
		.sched_class = VGPU_CLASS_HIGH, .depth = 256, .count = 2, .command = 8,
		.seqno = 9, .submitted = 9, .completed = 7, .service_ns = 2500,
	};
	struct {
		struct vgpu_dump_commands head;
		struct vgpu_dump_command cmd[3];
	} commands = {
		.head.count = 3,
		.cmd[0] = { .seqno = 7, .cmd.op = VGPU_CMD_COPY,
			    .cmd.copy = { 0x100000, 0x101000, 64 } },
		.cmd[1] = { .seqno = 8, .error = -14, .state = VGPU_DUMP_THIS,
			    .cmd.op = VGPU_CMD_LAUNCH,
			    .cmd.launch = { .entry = 0x20000, .grid = { 4, 2, 1 },
					    .block = { 8, 1, 1 } } },
		.cmd[2] = { .seqno = 9, .state = VGPU_DUMP_WAITS,
			    .cmd.op = VGPU_CMD_FILL,
			    .cmd.fill = { .dst = 0x100000, .bytes = 64, .pattern = 0xa3 } },
	};
	struct {
		struct vgpu_dump_walk head;
		struct vgpu_dump_step step[2];
	} walk = {
		.head = { .va = 0x103008, .count = 2, .levels = 2, .format = "soft" },
		.step = { { 0x4000, 0x5001, 1, 0 }, { 0x5818, 0, 0, 259 } },
	};

	add(f, VGPU_DUMP_VGPU, 0, &vgpu, sizeof(vgpu));
	add(f, VGPU_DUMP_CONTEXT, 0, &context, sizeof(context));
	add(f, VGPU_DUMP_QUEUE, 0, &queue, sizeof(queue));
	add(f, VGPU_DUMP_COMMANDS, 0, &commands, sizeof(commands));
	add(f, VGPU_DUMP_WALK, 0, &walk, sizeof(walk));
}

static void add_machine(struct file *f, uint32_t why)
{
	const struct vgpu_dump_reason reason = {
		.why = why, .error = why == VGPU_DUMP_FAULT ? -14 : 0,
		.realtime_ns = 1700000000000000000, .number = 2, .missed = 5,
		.kernel = "6.12.0",
	};
	static const struct vgpu_dump_gpu gpu = {
		.index = 1, .engines = 1, .units = 4, .vram_bytes = 256 << 20,
		.name = "soft1", .driver = "vgpu_soft", .device = "1f601:00:00.0",
	};
	static const struct vgpu_dump_engine engine = {
		.state = 1, .units = 0xf, .clock_ns = 7000000, .jobs = 9, .policy = "fair",
	};

	add(f, VGPU_DUMP_REASON, 0, &reason, sizeof(reason));
	add(f, VGPU_DUMP_GPU, 0, &gpu, sizeof(gpu));
	add(f, VGPU_DUMP_ENGINE, 0, &engine, sizeof(engine));
}

static void whole(struct file *f)
{
	begin(f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	add_machine(f, VGPU_DUMP_FAULT);
	add_tenant(f);
	end(f);
}

/* Of exactly so many bytes, so that the sanitizer sees the first one beyond. */
static struct json_object *decode(const struct file *f, size_t bytes, char why[160])
{
	uint8_t *copy = malloc(bytes ? bytes : 1);
	struct json_object *dump;

	memcpy(copy, f->data, bytes);
	why[0] = '\0';
	dump = dump_decode(copy, bytes, why, 160);
	free(copy);
	return dump;
}

/* True: refused, and the sentence has these words. */
static bool refused(const struct file *f, size_t bytes, const char *words)
{
	struct json_object *dump;
	char why[160];

	dump = decode(f, bytes, why);
	json_object_put(dump);
	if (!dump && *why && strstr(why, words))
		return true;
	fprintf(stderr, "%s: %s\n", dump ? "taken" : "refused", why);
	return false;
}

/* ---- tests ------------------------------------------------------------------------ */

static struct json_object *at(struct json_object *obj, const char *a, const char *b)
{
	return json_object_object_get(json_object_object_get(obj, a), b);
}

static bool is(struct json_object *value, const char *want)
{
	const char *text = value ? json_object_get_string(value) : "null";

	if (!strcmp(text, want))
		return true;
	fprintf(stderr, "%s, not %s\n", text, want);
	return false;
}

static void test_whole(void)
{
	struct json_object *dump, *list;
	struct file f;
	char why[160];

	whole(&f);
	dump = decode(&f, f.bytes, why);
	if (!ok(dump, "a whole one is shown"))
		return;
	ok(is(at(dump, "reason", "why"), "fault") &&
	   is(at(dump, "reason", "error"), "EFAULT") &&
	   is(at(dump, "reason", "missed"), "5"), "why");
	ok(is(at(dump, "vgpu", "uuid"), "2c170000-0000-0000-0000-000000000024"), "whose");
	ok(is(at(dump, "context", "fault_va"), "0x103008") &&
	   is(at(dump, "context", "fault_access"), "-w-") &&
	   is(at(dump, "context", "pc"), "0x20040"), "where");
	ok(is(at(dump, "context", "holder"), "a?[2Jb?"),
	   "a name that is for a terminal's eyes");
	list = json_object_object_get(dump, "commands");
	ok(json_object_array_length(list) == 3 &&
	   is(json_object_object_get(json_object_array_get_idx(list, 1), "groups"), "8"),
	   "commands");
	ok(json_object_array_length(at(dump, "walk", "step")) == 2, "the walk");
	json_object_put(dump);

	begin(&f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	add_machine(&f, VGPU_DUMP_MEDIATION);
	end(&f);
	dump = decode(&f, f.bytes, why);
	ok(dump && !json_has(dump, "vgpu"), "one of nobody");
	json_object_put(dump);
}

static void test_golden(const char *folder, bool write)
{
	struct json_object *dump;
	char path[512], why[160], want[8192] = "", *got = NULL;
	FILE *out = stdout, *file;
	struct file f;
	size_t size;

	whole(&f);
	dump = decode(&f, f.bytes, why);
	stdout = open_memstream(&got, &size);
	print_dump(dump);
	fclose(stdout);
	stdout = out;
	json_object_put(dump);
	snprintf(path, sizeof(path), "%s/dump.txt", folder);
	file = fopen(path, write ? "w" : "r");
	if (file && write)
		fputs(got, file);
	else if (file)
		want[fread(want, 1, sizeof(want) - 1, file)] = '\0';
	if (file)
		fclose(file);
	if (!ok(write || !strcmp(got, want), "dump.txt"))
		fprintf(stderr, "--- got\n%s--- want\n%s---\n", got, want);
	free(got);
}

static void test_damage(void)
{
	size_t i, wrong = 0;
	struct file f, g;

	whole(&f);
	for (i = 0; i < f.bytes * 8; i++) {
		g = f;
		g.data[i / 8] ^= (uint8_t)(1 << i % 8);
		wrong += !refused(&g, g.bytes, "");
	}
	ok(!wrong, "%zu flipped bits are all noticed", f.bytes * 8);
	for (wrong = 0, i = 0; i < f.bytes; i++)
		wrong += !refused(&f, i, "");
	ok(!wrong, "%zu lengths are all noticed", f.bytes);
	f.data[f.bytes++] = 0;
	ok(refused(&f, f.bytes, "something follows its end"), "more than all of it");
}

static void test_others(void)
{
	struct json_object *dump;
	uint64_t nothing[4] = { 0 };
	char why[160];
	struct file f;

	begin(&f, VGPU_DUMP_MAJOR + 1, VGPU_IMAGE_ENDIAN);
	end(&f);
	ok(refused(&f, f.bytes, "format 2.0, this vgpuctl reads 1"), "a newer format");
	begin(&f, VGPU_DUMP_MAJOR, __builtin_bswap32(VGPU_IMAGE_ENDIAN));
	end(&f);
	ok(refused(&f, f.bytes, "other byte order"), "the other byte order");
	begin(&f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	end(&f);
	ok(refused(&f, f.bytes, "does not say why"), "an empty one");
	begin(&f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	add_machine(&f, VGPU_DUMP_HANG);
	add(&f, 77, VGPU_IMAGE_OPTIONAL, nothing, 8);
	end(&f);
	dump = decode(&f, f.bytes, why);
	ok(dump, "a new kind of record, which may be skipped");
	json_object_put(dump);
	begin(&f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	add_machine(&f, VGPU_DUMP_HANG);
	add(&f, 77, 0, nothing, 8);
	end(&f);
	ok(refused(&f, f.bytes, "type 77"), "one that may not");
	begin(&f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	add(&f, VGPU_DUMP_REASON, 0, nothing, 16);
	end(&f);
	ok(refused(&f, f.bytes, "makes no sense"), "a record that is too short");
	begin(&f, VGPU_DUMP_MAJOR, VGPU_IMAGE_ENDIAN);
	nothing[0] = 0xffffffff;
	add(&f, VGPU_DUMP_COMMANDS, 0, nothing, sizeof(nothing));
	end(&f);
	ok(refused(&f, f.bytes, "makes no sense"), "more commands than there are");
	memcpy(f.data, "vGPUimg", 8);
	ok(refused(&f, f.bytes, "no dump of a GPU"), "an image of a vGPU");
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* Makes checksums right again, as far as lengths are. */
static void seal(struct file *f)
{
	struct vgpu_image_header head;
	struct vgpu_image_record rec;
	size_t i = sizeof(head);
	uint32_t crc;

	memcpy(&head, f->data, sizeof(head));
	head.crc = 0;
	crc = crc32c(~0u, (void *)&head, sizeof(head));
	memcpy(f->data + offsetof(struct vgpu_image_header, crc), &crc, 4);
	while (i + sizeof(rec) <= f->bytes) {
		memcpy(&rec, f->data + i, sizeof(rec));
		if (rec.bytes > f->bytes - i - sizeof(rec))
			return;
		rec.crc = 0;
		rec.crc = crc32c(crc32c(~0u, (void *)&rec, sizeof(rec)),
				 f->data + i + sizeof(rec), rec.bytes);
		memcpy(f->data + i, &rec, sizeof(rec));
		i += sizeof(rec) + rec.bytes;
	}
}

/* Whoever makes a dump can make its checksums: nothing but sense keeps it out. */
static void test_lies(void)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	unsigned int i, n, taken = 0;
	struct json_object *dump;
	char why[160], *text;
	struct file f, g;
	FILE *out;
	size_t size;

	whole(&f);
	out = stdout;
	for (i = 0; i < LIES; i++) {
		g = f;
		for (n = 1 + next(&state) % 4; n; n--)
			g.data[next(&state) % g.bytes] = (uint8_t)next(&state);
		seal(&g);
		dump = decode(&g, g.bytes, why);
		if (!dump)
			continue;
		taken++;
		json_object_to_json_string(dump);
		stdout = open_memstream(&text, &size);
		print_dump(dump);
		fclose(stdout);
		stdout = out;
		free(text);
		json_object_put(dump);
	}
	ok(taken > LIES / 10 && taken < LIES, "%u of %u lies are shown, the others refused",
	   taken, LIES);
}

int main(int argc, char **argv)
{
	bool write = argc > 2 && !strcmp(argv[1], "--write");

	if (argc < 2) {
		fputs("usage: undump [--write] FOLDER\n", stderr);
		return 2;
	}
	puts("TAP version 13");
	test_whole();
	test_golden(argv[argc - 1], write);
	test_damage();
	test_others();
	test_lies();
	printf("1..%u\n", count);
	return failed != 0;
}
