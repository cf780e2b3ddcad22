// SPDX-License-Identifier: GPL-2.0
/* vgpuctl's tables, pages and JSON of made-up data, against golden files. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "cdi.h"
#include "data.h"
#include "list.h"
#include "memmap.h"
#include "metrics.h"
#include "report.h"
#include "table.h"
#include "top.h"
#include "unit.h"
#include "vgpuctl.h"

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

void test_tables(void)
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

void test_sample(void)
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
