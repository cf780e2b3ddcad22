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

#include "cdi.h"
#include "data.h"
#include "memmap.h"
#include "metrics.h"
#include "decode.h"
#include "list.h"
#include "perfetto.h"
#include "progress.h"
#include "report.h"
#include "table.h"
#include "text.h"
#include "top.h"
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
static const char *folder;

__attribute__((format(printf, 2, 3)))
static void ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", good ? "" : "not ", ++count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failed += !good;
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

/* ---- tables ------------------------------------------------------------------------ */

static char *read_all(const char *path)
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

/* Runs @print with stdout in a file, and compares that with the golden one. */
static void golden(const char *name, const char *columns, void (*print)(void))
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

/* The JSON of data/NAME.json, with up to four numbers put in for $1 to $4. */
static struct json_object *data(const char *name, const char *a, const char *b,
				const char *c, const char *d)
{
	const char *const numbers[] = { a, b, c, d };
	char path[512], out[8192];
	struct json_object *obj;
	size_t n = 0;
	char *text, *p;

	snprintf(path, sizeof(path), "%s/../data/%s.json", folder, name);
	text = read_all(path);
	for (p = text; *p && n < sizeof(out) - 32; p++) {
		if (*p == '$' && p[1] >= '1' && p[1] <= '4')
			n += (size_t)sprintf(out + n, "%s", numbers[*++p - '1']);
		else
			out[n++] = *p;
	}
	out[n] = '\0';
	free(text);
	obj = json_tokener_parse(out);
	if (!obj) {
		printf("Bail out! %s is no JSON\n", path);
		exit(1);
	}
	return obj;
}

static void golden_list(void)
{
	struct json_object *gpus = data("gpus", "0", "", "", "");
	struct json_object *vgpus = data("vgpus", "0", "0", "0", "0");

	print_list(gpus, vgpus);
	json_object_put(gpus);
	json_object_put(vgpus);
}

static void golden_empty(void)
{
	struct json_object *none = json_object_new_array();

	print_list(none, none);
	json_object_put(none);
}

/* A mediated device has no node, and what is no UUID is no name. */
static void golden_cdi(void)
{
	struct json_object *vgpus = data("cdi-vgpus", "", "", "", "");
	struct json_object *spec = cdi_spec(vgpus, 0);

	puts(json_object_to_json_string_ext(spec, JSON_C_TO_STRING_NOSLASHESCAPE |
					    JSON_C_TO_STRING_PRETTY));
	json_object_put(spec);
	json_object_put(vgpus);
}

static void test_cdi(void)
{
	struct json_object *vgpus = data("cdi-vgpus", "", "", "", "");
	struct json_object *spec = cdi_spec(vgpus, GPU_ALL);

	ok(json_object_array_length(json_object_object_get(spec, "devices")) == 3,
	   "a spec of all GPUs");
	json_object_put(spec);
	json_object_put(vgpus);
}

static void golden_reduced(void)
{
	struct json_object *gpus = data("reduced-gpus", "", "", "", "");
	struct json_object *vgpus = data("reduced-vgpus", "", "", "", "");

	print_list(gpus, vgpus);
	print_vgpu(json_object_array_get_idx(vgpus, 0));
	json_object_put(gpus);
	json_object_put(vgpus);
}

static void golden_node(void)
{
	struct json_object *vgpus = data("node", "", "", "", "");

	print_node_list(vgpus);
	print_vgpu(json_object_array_get_idx(vgpus, 0));
	json_object_put(vgpus);
}

/*
 * 64 cells of 64 KiB: full, half full and hardly used ones, a table in each, all
 * that there is, and what is nobody's.
 */
static struct json_object *make_map(void)
{
	struct json_object *map = json_object_new_object();
	struct json_object *cells = json_object_new_array();
	struct json_object *use = json_object_new_array();
	unsigned int i;

	for (i = 0; i < 64; i++) {
		unsigned int kind = i / 8;
		uint64_t part = kind == 1 ? 127 : kind == 2 ? 16 : 255, cell;

		if (kind == 7)
			cell = 255;
		else if (kind < 3)
			cell = part << 16 | (255 - part);
		else
			cell = 255ull << 8 * (i % 7);
		json_object_array_add(cells, json_object_new_uint64(cell));
	}
	for (i = 0; i < 7; i++)
		json_object_array_add(use, json_object_new_uint64(i << 16));
	json_object_object_add(map, "total", json_object_new_uint64(4 << 20));
	json_object_object_add(map, "cell_bytes",
			       json_object_new_uint64(64 << 10));
	json_object_object_add(map, "cell", cells);
	json_object_object_add(map, "use", use);
	return map;
}

/* A vGPU of another UUID under a known number has come meanwhile: left out. */
static struct json_object *make_sched(void)
{
	struct json_object *gpus = data("gpus", "0", "", "", "");
	struct json_object *vgpus = data("sched-vgpus", "", "", "", "");
	struct json_object *sched = data("sched", "", "", "", "");
	struct json_object *view = sched_view(gpus, vgpus, sched);

	json_object_put(gpus);
	json_object_put(vgpus);
	json_object_put(sched);
	return view;
}

static void golden_sched(void)
{
	struct json_object *view = make_sched();

	print_sched(view);
	json_object_put(view);
}

static void golden_sched_json(void)
{
	struct json_object *all = json_new();

	json_object_object_add(all, "gpus", make_sched());
	json_pretty = true;
	print_json(all);
	json_pretty = false;
}

static struct json_object *make_sample(void)
{
	/* 1 s; v0 got 600 of 800 ms, entitled to 3 of 4 parts */
	struct reading before = {
		.gpus = data("gpus", "1000000000", "", "", ""),
		.vgpus = data("vgpus", "100000000", "0", "50000000", "0"),
		.time_ns = 5000000000,
	};
	struct reading after = {
		.gpus = data("gpus", "1800000000", "", "", ""),
		.vgpus = data("vgpus", "700000000", "600000000",
			      "250000000", "200000000"),
		.time_ns = 6000000000,
	};
	struct json_object *sample = top_sample(&before, &after);

	json_object_put(before.gpus);
	json_object_put(before.vgpus);
	json_object_put(after.gpus);
	json_object_put(after.vgpus);
	return sample;
}

static void show_map(const char *locale)
{
	struct json_object *map = make_map();

	setenv("LC_ALL", locale, 1);
	memmap_show(map);
	json_object_put(map);
}

static void golden_map(void)
{
	show_map("C");
}

static void golden_map_utf8(void)
{
	show_map("C.UTF-8");
}

static void golden_map_json(void)
{
	struct json_object *map = make_map(), *out = memmap_json(map);

	printf("%s\n", json_object_to_json_string_ext(out,
						      JSON_C_TO_STRING_PLAIN));
	json_object_put(out);
	json_object_put(map);
}

static void golden_top(void)
{
	struct json_object *sample = make_sample();

	top_print(sample);
	json_object_put(sample);
}

static void golden_top_json(void)
{
	json_pretty = true;
	print_json(make_sample());
	json_pretty = false;
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

static void golden_metrics(void)
{
	struct json_object *gpus = data("gpus", "1234567890", "", "", "");
	struct json_object *vgpus = data("vgpus", "1", "20", "3000000000", "4");
	struct json_object *sched = data("sched", "", "", "", "");

	json_object_object_add(json_object_array_get_idx(vgpus, 1), "holder",
			       json_object_new_string("a\"b\\c\nd\033e"));
	print_metrics(stdout, gpus, vgpus, sched);
	json_object_put(gpus);
	json_object_put(vgpus);
	json_object_put(sched);
}

/* The column behind names in any script, or in none, is straight. */
static void golden_names(void)
{
	static const char *const names[] = {
		"plain", "caf\xc3\xa9", "\xe6\xbc\xa2\xe5\xad\x97",
		"e\xcc\x81t\xc3\xa9", "\033[31mred", "\xff\xfe", "",
	};
	struct table *t = table_new(0);
	size_t i;

	setlocale(LC_CTYPE, "C.UTF-8");
	table_column(t, "HOLDER", false, 0);
	table_column(t, "RIGHT", true, 0);
	table_column(t, "NEXT", false, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		table_row(t);
		table_cell(t, COLOR_NONE, "%s", names[i]);
		table_cell(t, COLOR_NONE, "%s", names[i]);
		table_cell(t, COLOR_NONE, "|");
		if (i == 2)
			table_mark(t);
	}
	table_print(t, stdout, 2);
	setlocale(LC_CTYPE, "C");
}

/*
 * 24 samples of a second, with a pause of an hour after the 15th; v0 is served twice what
 * v7 is, until v0 ends at the 10th.
 */
static struct json_object *make_history(void)
{
	struct json_object *all = json_object_new_array(), *s, *list, *one = NULL;
	uint64_t time = 1000000000000, i, k;
	struct field {
		const char *key;
		uint64_t value;
	};

	for (i = 0; i < 24; i++) {
		bool both = i < 10;
		const struct field fields[] = {
			{ "gpu", 0 }, { "seq", 501 + i }, { "time_ns", time },
			{ "span_ns", 1000000000 },
			{ "busy_permille", both ? 990 : 400 + 10 * i },
			{ "memory_permille", 250 + i }, { "bandwidth", i * 5000000 },
			{ "overhead_permille", both ? 31 : 2 },
			{ "wait_p99_ns", both ? 2000000 + 100000 * i : 9000 },
			{ "commands", 100 + i }, { "memory_used", (64 + i) << 20 },
			{ "memory_promised", 128 << 20 },
			{ "wait_p50_ns", both ? 800000 : 4000 },
			{ "switches", both ? 500 : 0 },
			{ "preemptions", both ? 490 : 0 },
		};
		const struct field shares[2][4] = {
			{ { "id", 0 }, { "received_permille", both ? 667 : 0 },
			  { "entitled_permille", both ? 667 : 0 },
			  { "memory_used", 32 << 20 } },
			{ { "id", 7 }, { "received_permille", both ? 333 : 1000 },
			  { "entitled_permille", both ? 333 : 1000 },
			  { "memory_used", i << 20 } },
		};

		s = json_object_new_object();
		for (k = 0; k < sizeof(fields) / sizeof(*fields); k++)
			json_object_object_add(s, fields[k].key,
					       json_object_new_uint64(fields[k].value));
		list = json_object_new_array();
		json_object_array_add(list, json_object_new_uint64(both ? 990 : 400 + 10 * i));
		json_object_array_add(list, json_object_new_uint64(20 * i));
		json_object_object_add(s, "engine_permille", list);
		list = json_object_new_array();
		for (k = 0; k < 8; k++) {
			if (!(k % 4)) {
				one = json_object_new_object();
				json_object_array_add(list, one);
			}
			json_object_object_add(one, shares[k / 4][k % 4].key,
					       json_object_new_uint64(shares[k / 4][k % 4].value));
		}
		json_object_object_add(s, "share", list);
		json_object_array_add(all, s);
		time += i == 14 ? 3600000000000 : 1000000000;
	}
	return all;
}

/* What tenants and administrators may call things is not what a page is made of. */
static struct json_object *make_report(void)
{
	struct json_object *gpus = data("gpus", "0", "", "", "");
	struct json_object *vgpus = data("vgpus", "1", "20", "3000000000", "4");
	struct json_object *sched = data("sched", "", "", "", "");
	struct json_object *history = make_history(), *views = json_object_new_array();

	json_object_object_add(json_object_array_get_idx(vgpus, 0), "holder",
			       json_object_new_string("</title><script>\"&'\xff\n\x01x"));
	json_object_array_add(views, report_view(json_object_array_get_idx(gpus, 0),
						 vgpus, sched, history,
						 1700000000000000000));
	json_object_put(gpus);
	json_object_put(vgpus);
	json_object_put(sched);
	json_object_put(history);
	return views;
}

static void golden_history(void)
{
	struct json_object *history = make_history();

	print_history(history, 1700000000000000000);
	json_object_put(history);
}

static void golden_no_history(void)
{
	struct json_object *none = json_object_new_array();

	print_history(none, 0);
	report_text(none);
	json_object_put(none);
}

static void golden_report(void)
{
	struct json_object *views = make_report();

	/* a table for people shows names as they are: this one has none that is hostile */
	json_object_object_add(json_object_array_get_idx(json_object_object_get(json_object_array_get_idx(views, 0),
										"vgpus"), 0),
			       "holder", json_object_new_string("train"));
	report_text(views);
	json_object_put(views);
}

static void golden_report_html(void)
{
	struct json_object *views = make_report();

	report_html(stdout, views, "2026-01-02T03:04:05Z");
	json_object_put(views);
}

static void golden_report_empty(void)
{
	struct json_object *none = json_object_new_array();

	report_html(stdout, none, "2026-01-02T03:04:05Z");
	json_object_put(none);
}

static void test_tables(void)
{
	golden("names", NULL, golden_names);
	golden("metrics", NULL, golden_metrics);
	golden("list", NULL, golden_list);
	golden("list-80", "80", golden_list);
	golden("list-40", "40", golden_list);
	color_output = true;
	golden("list-color", "120", golden_list);
	color_output = false;
	golden("list-empty", NULL, golden_empty);
	golden("cdi", NULL, golden_cdi);
	test_cdi();
	golden("list-reduced", NULL, golden_reduced);
	golden("list-node", NULL, golden_node);
	golden("sched", NULL, golden_sched);
	golden("sched-80", "80", golden_sched);
	golden("sched-json", NULL, golden_sched_json);
	golden("map", NULL, golden_map);
	golden("map-40", "40", golden_map);
	golden("map-utf8", "60", golden_map_utf8);
	color_output = true;
	golden("map-color", "120", golden_map);
	color_output = false;
	golden("map-json", NULL, golden_map_json);
	golden("top", NULL, golden_top);
	golden("top-80", "80", golden_top);
	golden("top-json", NULL, golden_top_json);
	golden("history", NULL, golden_history);
	golden("history-80", "80", golden_history);
	golden("history-none", NULL, golden_no_history);
	golden("report", NULL, golden_report);
	golden("report-html", NULL, golden_report_html);
	golden("report-html-empty", NULL, golden_report_empty);
}

/* ---- the arithmetic of top ------------------------------------------------------------ */

static void test_sample(void)
{
	struct reading r = {
		.gpus = data("gpus", "1000", "", "", ""),
		.vgpus = data("vgpus", "500", "0", "0", "0"),
		.time_ns = 1000,
	};
	struct reading reborn = {
		.gpus = data("gpus", "900", "", "", ""),
		.vgpus = data("reborn", "", "", "", ""),
		.time_ns = 2000,
	};
	struct json_object *sample = top_sample(&r, &r), *v;

	v = json_object_array_get_idx(json_object_object_get(sample, "vgpus"), 0);
	ok(json_u64(v, "received_permille") == 0, "nothing in no time");
	json_object_put(sample);

	sample = top_sample(&r, &reborn);
	v = json_object_array_get_idx(json_object_object_get(sample, "vgpus"), 0);
	ok(json_u64(v, "busy_ns") == 30, "a new vGPU with an old number counts from 0");
	v = json_object_array_get_idx(json_object_object_get(sample, "gpus"), 0);
	ok(json_u64(v, "busy_ns") == 0, "a counter that fell is no huge number");
	json_object_put(sample);
	json_object_put(r.gpus);
	json_object_put(r.vgpus);
	json_object_put(reborn.gpus);
	json_object_put(reborn.vgpus);
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
