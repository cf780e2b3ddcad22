// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl without a kernel: words of the command line, figures, tables against
 * golden files, netlink messages made by hand.
 *
 *	unit FOLDER		compares with FOLDER/NAME.txt
 *	unit --write FOLDER	writes them anew
 */
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "decode.h"
#include "list.h"
#include "perfetto.h"
#include "progress.h"
#include "table.h"
#include "text.h"
#include "unit.h"
#include "vgpuctl.h"

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
static bool write_golden;
const char *folder;

void ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", good ? "" : "not ", ++count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failed += !good;
}

char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;
	char *buf;

	if (!f)
		return strdup("");
	buf = calloc(1, 65536);
	n = fread(buf, 1, 65535, f);
	buf[n] = '\0';
	fclose(f);
	return buf;
}

void golden(const char *name, const char *columns, void (*print)(void))
{
	char made[] = "/tmp/vgpuctl-unit-XXXXXX", path[512];
	int fd = mkstemp(made), saved;
	char *got, *want;

	if (columns)
		setenv("COLUMNS", columns, 1);
	else
		unsetenv("COLUMNS");
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	print();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);

	got = read_all(made);
	unlink(made);
	snprintf(path, sizeof(path), "%s/%s.txt", folder, name);
	if (write_golden) {
		FILE *f = fopen(path, "w");

		if (f) {
			fputs(got, f);
			fclose(f);
		}
	}
	want = read_all(path);
	ok(*want && !strcmp(got, want), "%s.txt", name);
	if (strcmp(got, want))
		fprintf(stderr, "--- got\n%s--- want\n%s---\n", got, want);
	free(got);
	free(want);
}

/* ---- words ------------------------------------------------------------------ */

static void test_sizes(void)
{
	static const struct {
		const char *text;
		int err;
		uint64_t bytes;
	} t[] = {
		{ "0", 0, 0 }, { "4096", 0, 4096 }, { "64M", 0, 64 << 20 },
		{ "64m", 0, 64 << 20 }, { "64MiB", 0, 64 << 20 },
		{ "64 MB", 0, 64 << 20 }, { "1.5k", 0, 1536 },
		{ "2T", 0, 2ULL << 40 }, { "16777215T", 0, 16777215ULL << 40 },
		{ "16777216T", -1, 0 }, { "", -1, 0 }, { "M", -1, 0 },
		{ "-1", -1, 0 }, { "1.2.3", -1, 0 }, { "1Mi", -1, 0 },
		{ "1X", -1, 0 }, { "0x10", -1, 0 }, { "1.0001k", -1, 0 },
		{ "99999999999999999999", -1, 0 },
	};
	uint64_t v;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int err = parse_size(t[i].text, &v);

		ok(err == t[i].err && (err || v == t[i].bytes), "size '%s'",
		   t[i].text);
	}
}

static void test_times(void)
{
	uint64_t v;

	ok(!parse_time("2ms", &v) && v == 2000000, "2ms");
	ok(!parse_time("0.1ms", &v) && v == 100000, "0.1ms");
	ok(!parse_time("500us", &v) && v == 500000, "500us");
	ok(!parse_time("1s", &v) && v == 1000000000, "1s");
	ok(parse_time("2", &v), "a time without a unit");
	ok(parse_time("2min", &v), "a time with an unknown unit");
	ok(parse_time("", &v), "an empty time");
	ok(parse_time("99999999999999999s", &v), "too long a time");
}

static void test_flags(void)
{
	static const char *const words[] = { "map", "ring", "map-ring" };
	static const struct attr_enum names = { .names = words, .count = 3 };
	static const struct {
		const char *text;
		int err;
		uint32_t flags;
	} t[] = {
		{ "all", 0, 7 }, { "none", 0, 0 }, { "map", 0, 1 },
		{ "map-ring", 0, 4 }, { "ring,map", 0, 3 },
		{ "all,-ring", 0, 5 }, { "-ring", 0, 0 },
		{ "-ring,ring", 0, 2 }, { "all,-all,map", 0, 1 },
		{ "", -1, 0 }, { "-", -1, 0 }, { "map,", -1, 0 },
		{ ",map", -1, 0 }, { "ma", -1, 0 }, { "mapp", -1, 0 },
		{ "--map", -1, 0 }, { "none,map", -1, 0 }, { "7", -1, 0 },
	};
	uint32_t v;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int err = parse_flags(t[i].text, &names, &v);

		ok(err == t[i].err && (err || v == t[i].flags), "flags '%s'",
		   t[i].text);
	}
}

static void test_percents(void)
{
	static const struct {
		const char *text;
		int want;	/* -1: refused */
	} cases[] = {
		{ "25%", 2500 }, { "12.5", 1250 }, { "0.01 %", 1 }, { "0", 0 },
		{ "100%", 10000 }, { "100.01", -1 }, { "0.005", -1 },
		{ "-1", -1 }, { "", -1 }, { "%", -1 }, { "5pct", -1 },
		{ "99999999999999999999", -1 },
	};
	uint64_t got;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret = parse_percent(cases[i].text, &got);
		bool right = ret < 0;

		if (cases[i].want >= 0)
			right = !ret && got == (uint64_t)cases[i].want;
		ok(right, "\"%s\" of a whole", cases[i].text);
	}
}

static void test_names(void)
{
	static const char uuid[] = "01234567-89ab-CDEF-0123-456789abcdef";
	static const char *const bad[] = {
		"", "v", "x1", "v-1", "-1", "1a", "4294967295", "v4294967296",
		"01234567-89ab-cdef-0123-456789abcde",
		"01234567-89ab-cdef-0123-456789abcdeg",
		"0123456789abcdef0123456789abcdef",
		"01234567-89ab-cdef-0123-456789abcdef0",
	};
	struct vgpu_name n;
	char text[37];
	uint32_t gpu;
	size_t i;

	ok(!parse_vgpu("3", &n) && !n.by_uuid && n.id == 3, "vGPU 3");
	ok(!parse_vgpu("v12", &n) && !n.by_uuid && n.id == 12, "vGPU v12");
	ok(!parse_vgpu(uuid, &n) && n.by_uuid && n.uuid[0] == 0x01 &&
	   n.uuid[6] == 0xcd && n.uuid[15] == 0xef, "vGPU by UUID");
	format_uuid(n.uuid, text);
	ok(!strcasecmp(text, uuid), "a UUID comes back");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(parse_vgpu(bad[i], &n) == -1, "no vGPU: '%s'", bad[i]);
	ok(!parse_gpu("0", &gpu) && gpu == 0, "GPU 0");
	ok(!parse_gpu("gpu7", &gpu) && gpu == 7, "GPU gpu7");
	ok(parse_gpu("gpu", &gpu) && parse_gpu("v0", &gpu), "no GPU");
}

/* ---- figures -------------------------------------------------------------------- */

static void test_figures(void)
{
	char b[FORMAT_SIZE];

#define SAME(made, want) do {						\
	const char *got = made;						\
	ok(!strcmp(got, want), "%s is %s (%s)", #made, want, got);	\
} while (0)
	SAME(format_bytes(b, 0), "0 B");
	SAME(format_bytes(b, 1023), "1023 B");
	SAME(format_bytes(b, 1024), "1 KiB");
	SAME(format_bytes(b, 1536), "1.5 KiB");
	SAME(format_bytes(b, 64 << 20), "64 MiB");
	SAME(format_bytes(b, UINT64_MAX), "16384 PiB");
	SAME(format_used(b, 12 << 20, 64 << 20), "12/64 MiB");
	SAME(format_used(b, 4096, 64 << 20), "0.0/64 MiB");
	SAME(format_used(b, 0, 0), "0/0 B");
	SAME(format_ns(b, 999), "999 ns");
	SAME(format_ns(b, 1500000), "1.5 ms");
	SAME(format_ns(b, 2000000000), "2 s");
	SAME(format_permille(b, 248), "24.8 %");
	SAME(format_permille(b, 1000), "100.0 %");
	SAME(format_bar(b, 0, 10, 4), "[----]");
	SAME(format_bar(b, 1, 1000, 4), "[#---]");
	SAME(format_bar(b, 999, 1000, 4), "[###-]");
	SAME(format_bar(b, 10, 10, 4), "[####]");
	SAME(format_bar(b, 20, 10, 4), "[####]");
	SAME(format_bar(b, 5, 0, 4), "[----]");
	SAME(format_bar(b, UINT64_MAX, UINT64_MAX, 99),
	     "[################################]");
#undef SAME
	ok(color_used(79, 100) == COLOR_NONE, "79 %% is quiet");
	ok(color_used(80, 100) == COLOR_YELLOW, "80 %% warns");
	ok(color_used(95, 100) == COLOR_RED, "95 %% alarms");
	ok(color_share(90, 100) == COLOR_NONE, "a tenth behind is quiet");
	ok(color_share(89, 100) == COLOR_YELLOW, "more is not");
}

/* ---- netlink to JSON --------------------------------------------------------------------- */

static void same_json(struct nl_msg *msg, const struct attr_set *set,
		      const char *want)
{
	struct json_object *obj = decode(set, nlmsg_attrdata(nlmsg_hdr(msg), 0),
					 nlmsg_attrlen(nlmsg_hdr(msg), 0));
	const char *got = json_object_to_json_string_ext(obj, 0);

	ok(!strcmp(got, want), "decodes to %s", want);
	if (strcmp(got, want))
		fprintf(stderr, "got %s\n", got);
	json_object_put(obj);
	nlmsg_free(msg);
}

static struct nl_msg *new_msg(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	nlmsg_put(msg, 0, 0, 0, 0, 0);
	return msg;
}

static void test_decode(void)
{
	struct nl_msg *msg = new_msg();
	struct nlattr *nest;

	nla_put_u32(msg, VGPU_A_VGPU_ID, 3);
	nla_put(msg, VGPU_A_VGPU_UUID, 16, "0123456789abcdef");
	nla_put_u32(msg, VGPU_A_VGPU_STATE, VGPU_NL_STATE_PAUSED);
	nla_put_u32(msg, VGPU_A_VGPU_FLAGS, VGPU_NL_FLAG_MDEV);
	nla_put_u64(msg, VGPU_A_VGPU_BUSY_NS, UINT64_MAX);
	nla_put_u32(msg, VGPU_A_VGPU_MAX + 7, 1);
	same_json(msg, &attr_set_vgpu,
		  "{\"id\":3,\"uuid\":\"30313233-3435-3637-3839-616263646566\",\"state\":\"paused\",\"flags\":[\"mdev\"],\"busy_ns\":18446744073709551615}");

	msg = new_msg();
	nla_put_u64(msg, VGPU_A_GPU_CAPS, 0x15);
	nest = nla_nest_start(msg, VGPU_A_GPU_VRAM);
	nla_put_u64(msg, VGPU_A_VRAM_USED, 5);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, VGPU_A_GPU_ENGINE);
	nla_put_u32(msg, VGPU_A_ENGINE_INDEX, 0);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, VGPU_A_GPU_ENGINE);
	nla_put_u32(msg, VGPU_A_ENGINE_INDEX, 1);
	nla_nest_end(msg, nest);
	nla_put_flag(msg, VGPU_A_GPU_UNPLUGGED);
	same_json(msg, &attr_set_gpu,
		  "{\"caps\":[\"preempt\",\"mmu\",\"host-mem\"],\"vram\":{\"used\":5},\"engine\":[{\"index\":0},{\"index\":1}],\"unplugged\":true}");

	/* shorter than they should be, and values from the future */
	msg = new_msg();
	nla_put(msg, VGPU_A_VGPU_ID, 2, "xx");
	nla_put(msg, VGPU_A_VGPU_UUID, 3, "xxx");
	nla_put(msg, VGPU_A_VGPU_BUSY_NS, 4, "xxxx");
	nla_put(msg, VGPU_A_VGPU_HOLDER, 2, "ab");
	nla_put_u32(msg, VGPU_A_VGPU_STATE, 77);
	same_json(msg, &attr_set_vgpu, "{\"holder\":\"ab\",\"state\":77}");

	msg = new_msg();
	nla_put_s32(msg, VGPU_A_EVENT_ERROR, -22);
	nla_put_u32(msg, VGPU_A_EVENT_EVENT, VGPU_NL_EVENT_BROKEN);
	same_json(msg, &attr_set_event, "{\"error\":-22,\"event\":\"broken\"}");
}

/* ---- what engines did ---------------------------------------------------------------------- */

#define RUN(t, e, v, s, again) \
	{ .ns = t, .kind = TR_RUN, .engine = e, .vgpu = v, .seqno = s, .a = 3, .b = 2000000, .flag = again }
#define STOP(t, e, v, s, ns_, mid) \
	{ .ns = t, .kind = TR_STOP, .engine = e, .vgpu = v, .seqno = s, .a = ns_, .flag = mid }

static const char *unit_gpu_name(uint32_t gpu, void *arg)
{
	(void)arg;
	return gpu ? NULL : "soft\"0\"\n";
}

/*
 * Out of order, with ends missing, events lost, and one number twice: engine 0 has
 * an arrow, engine 1 begins in the middle, GPU 7 does not end.
 */
static struct tr_result write_trace(FILE *out, bool only)
{
	struct tr_event events[] = {
		STOP(9000, 0, 1, 5, 900, false),
		RUN(1000, 0, 1, 5, false), STOP(2000, 0, 1, 5, 950, true),
		RUN(2000, 0, 2, 1, false), STOP(3000, 0, 2, 1, 990, true),
		{ .ns = 2000, .kind = TR_SWITCH, .vgpu = 2, .a = 77, .flag = true },
		STOP(1500, 1, 2, 1, 400, true), RUN(8000, 0, 1, 5, true),
		RUN(3500, 1, 2, 1, true), RUN(4000, 1, 1, 6, false),
		{ .ns = 5000, .kind = TR_LOST, .a = 12 },
		STOP(5500, 1, 3, 9, 100, false),
		{ .ns = 6000, .kind = TR_FAULT, .vgpu = 1, .seqno = 5, .a = 0xdead0000, .b = 2, .error = -14 },
		{ .ns = 6100, .kind = TR_RESET, .vgpu = 1, .seqno = 5 },
		{ .ns = 6200, .kind = TR_QUOTA, .vgpu = 2, .a = 9, .b = 8, .c = 16 },
		{ .ns = 6300, .kind = TR_GOVERNOR, .a = 2, .b = 9 },
		{ .ns = 6400, .kind = TR_WAKE, .vgpu = 3, .a = 1 },
		{ .ns = 6500, .kind = 4711 },
		{ .ns = 7000, .kind = TR_RUN, .gpu = 7, .engine = UINT32_MAX, .vgpu = UINT32_MAX,
		  .seqno = UINT64_MAX, .a = UINT64_MAX },
		STOP(100, 2, 1, 1, 1, false),
	};
	struct tr_options o = {
		.begin_ns = 500, .end_ns = 10000, .only = only, .vgpu = 1,
		.gpu_name = unit_gpu_name,
	};
	struct tr_result res;

	if (perfetto_write(out, events, sizeof(events) / sizeof(events[0]), &o, &res))
		exit(1);
	return res;
}

static void golden_trace(void)
{
	free(write_trace(stdout, false).sums);
}

static void golden_trace_only(void)
{
	free(write_trace(stdout, true).sums);
}

static void test_trace(void)
{
	struct json_object *all;
	struct tr_result res;
	size_t size, i;
	uint64_t wall = 0;
	char *text;
	FILE *f;

	golden("trace", NULL, golden_trace);
	golden("trace-only", NULL, golden_trace_only);
	f = open_memstream(&text, &size);
	res = write_trace(f, false);
	fclose(f);
	all = json_tokener_parse(text);
	ok(all, "a trace is JSON");
	for (i = 0; i < res.count; i++)
		wall += res.sums[i].wall_ns;
	ok(res.count == 4 && res.engines == 4, "all vGPUs and engines are there");
	/* 1000 + 1000 + 1000 + 1000, 500 + 1000, 3000, and nothing of what was lost */
	ok(wall == 1000 + 1000 + 1000 + 1000 + 500 + 1000 + 3000,
	   "slices are as long as they were seen to be: %u", (unsigned int)wall);
	json_object_put(all);
	free(text);
	free(res.sums);
}

/* ---- the table of commands ------------------------------------------------------------------ */

static void test_commands(void)
{
	const struct command *c, *d;
	const struct option_desc *o, *g;

	for (c = commands; c->noun; c++) {
		const char *verb = c->verb ? c->verb : "";

		ok(c->help && c->help[0] && c->help[strlen(c->help) - 1] != '.',
		   "%s %s: a line of help without a full stop", c->noun, verb);
		ok(!c->handler != !c->raw, "%s %s: one handler", c->noun, verb);
		ok(c->examples && c->examples[0].line &&
		   strstr(c->examples[0].line, c->noun),
		   "%s %s: an example", c->noun, verb);
		ok(c->min <= c->max && !c->args[0] == !c->max,
		   "%s %s: arguments as in its synopsis", c->noun, verb);
		ok(command_find(c->noun, c->verb) == c,
		   "%s %s: is the only one of that name", c->noun, verb);
		for (d = commands; d->noun; d++)
			if (!strcmp(c->noun, d->noun) && !c->verb != !d->verb)
				ok(false, "%s: a noun or a command, not both",
				   c->noun);
		for (o = c->options; o && o->name; o++)
			for (g = global_options; g->name; g++)
				if (!strcmp(o->name, g->name) ||
				    (o->letter && o->letter == g->letter))
					ok(false, "%s %s --%s hides a global one",
					   c->noun, verb, o->name);
		for (o = c->options; o && o->name; o++)
			if (o - c->options >= MAX_OPTIONS)
				ok(false, "%s %s: too many options", c->noun,
				   verb);
	}
}

static void test_progress(void)
{
	static const struct {
		unsigned int columns;
		struct progress at;
		const char *want;
	} cases[] = {
		{ 79, { 0, 0, false }, "saving  0 B" },
		{ 79, { 5 << 20, 0, false }, "saving  5 MiB" },
		{ 79, { 16 << 20, 64 << 20, false },
		  "saving  [########----------------------]   25 %  16/64 MiB" },
		{ 79, { 16 << 20, 64 << 20, true },
		  "saving  [########----------------------]  16/64 MiB at most" },
		{ 79, { 64 << 20, 64 << 20, false },
		  "saving  [##############################]  100 %  64/64 MiB" },
		/* more than one knew of */
		{ 79, { 65 << 20, 64 << 20, false }, "saving  65 MiB" },
		{ 79, { UINT64_MAX / 2, UINT64_MAX, false },
		  "saving  [###############---------------]   50 %  8192/16384 PiB" },
		/* the bar gives way first */
		{ 42, { 16 << 20, 64 << 20, false },
		  "saving  [####----------]   25 %  16/64 MiB" },
		{ 35, { 16 << 20, 64 << 20, false },
		  "saving   25 %  16/64 MiB" },
		{ 10, { 16 << 20, 64 << 20, false }, "saving   2" },
		{ 0, { 16 << 20, 64 << 20, false }, "" },
	};
	char buf[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		progress_line(buf, sizeof(buf), cases[i].columns, "saving",
			      &cases[i].at);
		ok(!strcmp(buf, cases[i].want), "a bar in %u columns: '%s'",
		   cases[i].columns, buf);
	}
}

static void test_text(void)
{
	static const struct {
		const char *text, *visible, *utf8;
		unsigned int columns;
	} cases[] = {
		{ "plain", "plain", "plain", 5 },
		{ "", "", "", 0 },
		{ "caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9", 4 },
		{ "\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97",
		  "\xe6\xbc\xa2\xe5\xad\x97", 4 },
		{ "e\xcc\x81!", "e\xcc\x81!", "e\xcc\x81!", 2 },
		{ "a\033[31mb\n", "a\\x1b[31mb\\x0a", "a\033[31mb\n", 14 },
		{ "\x7f\xc2\x9b", "\\x7f\\xc2\\x9b", "\x7f\xc2\x9b", 12 },
		{ "\xff", "\\xff", "\\xff", 4 },
		/* cut in the middle, too long, a surrogate, past the end */
		{ "cut\xe6\xbc", "cut\\xe6\\xbc", "cut\\xe6\\xbc", 11 },
		{ "\xc0\x80", "\\xc0\\x80", "\\xc0\\x80", 8 },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80", 12 },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
		  "\\xf4\\x90\\x80\\x80", 16 },
	};
	unsigned int columns;
	char *visible, *utf8;
	size_t i;

	setlocale(LC_CTYPE, "C.UTF-8");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		visible = text_visible(cases[i].text, &columns);
		utf8 = text_utf8(cases[i].text);
		ok(!strcmp(visible, cases[i].visible) &&
		   columns == cases[i].columns && !strcmp(utf8, cases[i].utf8),
		   "text %zu as it may be seen: %s, %u columns", i, visible,
		   columns);
		free(visible);
		free(utf8);
	}
	setlocale(LC_CTYPE, "C");
	/* JSON does not ask for the locale, the terminal does */
	visible = text_visible("caf\xc3\xa9", NULL);
	utf8 = text_utf8("caf\xc3\xa9");
	ok(!strcmp(visible, "caf\\xc3\\xa9") && !strcmp(utf8, "caf\xc3\xa9"),
	   "no other script in the C locale");
	free(visible);
	free(utf8);
}

int main(int argc, char **argv)
{
	write_golden = argc > 2 && !strcmp(argv[1], "--write");
	folder = argv[argc - 1];
	if (argc < 2) {
		fputs("usage: unit [--write] FOLDER\n", stderr);
		return 2;
	}
	puts("TAP version 13");
	test_sizes();
	test_times();
	test_flags();
	test_names();
	test_figures();
	test_percents();
	test_tables();
	test_progress();
	test_text();
	test_sample();
	test_decode();
	test_trace();
	test_commands();
	printf("1..%u\n", count);
	return failed != 0;
}
