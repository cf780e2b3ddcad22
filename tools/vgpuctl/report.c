// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl report: what GPUs did in the time that the kernel remembers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "data.h"
#include "report.h"
#include "table.h"

struct json_object *report_view(struct json_object *gpu, struct json_object *vgpus,
				struct json_object *sched, struct json_object *history,
				int64_t offset)
{
	static const char *const of_gpu[] = {
		"index", "name", "driver", "device", "policy", "governor",
		"slice_ns", "engines", "units", "vram_bytes", "vram_committed",
		"monitor_period", NULL
	};
	static const char *const of_vgpu[] = {
		"id", "uuid", "type", "state", "holder", "holder_pid", "weight",
		"group", "busy_ns", "vram_limit", "vram_used", NULL
	};
	struct json_object *view = json_object_new_object();
	struct json_object *g = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *vgpu, *one, *s, *value;
	size_t i, j, k;

	for (k = 0; of_gpu[k]; k++)
		if (json_object_object_get_ex(gpu, of_gpu[k], &value))
			json_object_object_add(g, of_gpu[k], json_object_get(value));
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		vgpu = json_object_array_get_idx(vgpus, i);
		if (json_u64(vgpu, "gpu") != json_u64(gpu, "index"))
			continue;
		one = json_object_new_object();
		for (k = 0; of_vgpu[k]; k++)
			if (json_object_object_get_ex(vgpu, of_vgpu[k], &value))
				json_object_object_add(one, of_vgpu[k],
						       json_object_get(value));
		for (j = 0; j < json_object_array_length(sched); j++) {
			s = json_object_array_get_idx(sched, j);
			if (strcmp(json_str(s, "uuid"), json_str(vgpu, "uuid")))
				continue;
			if (json_object_object_get_ex(s, "wake", &value))
				json_object_object_add(one, "wake",
						       json_object_get(value));
			if (json_object_object_get_ex(s, "wait", &value))
				json_object_object_add(one, "wait",
						       json_object_get(value));
		}
		json_object_array_add(list, one);
	}
	json_object_object_add(view, "gpu", g);
	json_object_object_add(view, "wall_offset_ns", json_object_new_int64(offset));
	json_object_object_add(view, "history", json_object_get(history));
	json_object_object_add(view, "vgpus", list);
	return view;
}

/* ---- for people ----------------------------------------------------------------- */

/* A figure over all samples, each counted for its span. */
struct summary {
	uint64_t mean, max, last;
};

static struct summary sum_up(struct json_object *history, const char *key)
{
	struct summary s = { 0 };
	double weighted = 0, spans = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(history); i++) {
		struct json_object *one = json_object_array_get_idx(history, i);
		uint64_t v = json_u64(one, key);

		weighted += (double)v * (double)json_u64(one, "span_ns");
		spans += (double)json_u64(one, "span_ns");
		if (v > s.max)
			s.max = v;
		s.last = v;
	}
	if (spans > 0)
		s.mean = (uint64_t)(weighted / spans + 0.5);
	return s;
}

static const char *per_second(char *buf, uint64_t bytes)
{
	format_bytes(buf, bytes);
	strcat(buf, "/s");
	return buf;
}

static const char *number(char *buf, uint64_t n)
{
	snprintf(buf, FORMAT_SIZE, "%" PRIu64, n);
	return buf;
}

static void print_figures(struct json_object *history)
{
	static const struct {
		const char *key, *name;
		const char *(*format)(char *buf, uint64_t value);
	} rows[] = {
		{ "busy_permille", "busiest engine", format_permille },
		{ "overhead_permille", "lost to switches", format_permille },
		{ "memory_used", "memory in use", format_bytes },
		{ "memory_promised", "memory promised", format_bytes },
		{ "bandwidth", "copied", per_second },
		{ "commands", "commands a second", number },
		{ "switches", "switches a sample", number },
		{ "wait_p50_ns", "wait, median", format_ns },
		{ "wait_p99_ns", "wait, 99th percentile", format_ns },
	};
	struct table *t = table_new(terminal_width());
	char buf[FORMAT_SIZE + 8];
	size_t i;

	table_column(t, "", false, 0);
	table_column(t, "MEAN", true, 0);
	table_column(t, "MOST", true, 0);
	table_column(t, "LAST", true, 1);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct summary s = sum_up(history, rows[i].key);

		table_row(t);
		table_cell(t, COLOR_NONE, "%s", rows[i].name);
		table_cell(t, COLOR_BOLD, "%s", rows[i].format(buf, s.mean));
		table_cell(t, COLOR_NONE, "%s", rows[i].format(buf, s.max));
		table_cell(t, COLOR_NONE, "%s", rows[i].format(buf, s.last));
	}
	table_print(t, stdout, 2);
}

/* Mean of @key of the shares of vGPU @id; samples without it count as 0. */
static uint64_t mean_share(struct json_object *history, uint64_t id, const char *key)
{
	struct json_object *shares, *one;
	double weighted = 0, spans = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(history); i++) {
		struct json_object *s = json_object_array_get_idx(history, i);
		double span = (double)json_u64(s, "span_ns");

		spans += span;
		if (json_object_object_get_ex(s, "share", &shares)) {
			one = data_find(shares, "id", id);
			if (one)
				weighted += span * (double)json_u64(one, key);
		}
	}
	return spans > 0 ? (uint64_t)(weighted / spans + 0.5) : 0;
}

static void print_vgpus(struct json_object *vgpus, struct json_object *history)
{
	struct table *t = table_new(terminal_width());
	struct json_object *v, *wait;
	char buf[FORMAT_SIZE];
	size_t i;

	table_column(t, "ID", false, 0);
	table_column(t, "TYPE", false, 4);
	table_column(t, "HOLDER", false, 5);
	table_column(t, "ENTITLED", true, 2);
	table_column(t, "RECEIVED", true, 0);
	table_column(t, "MEMORY", true, 3);
	table_column(t, "WAIT P50", true, 2);
	table_column(t, "WAIT P99", true, 1);
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		v = json_object_array_get_idx(vgpus, i);
		table_row(t);
		table_cell(t, COLOR_BOLD, "v%" PRIu64, json_u64(v, "id"));
		table_cell(t, COLOR_NONE, "%s", json_str(v, "type"));
		table_cell(t, COLOR_NONE, "%s",
			   *json_str(v, "holder") ? json_str(v, "holder") : "-");
		table_cell(t, COLOR_NONE, "%s",
			   format_permille(buf, mean_share(history, json_u64(v, "id"),
							   "entitled_permille")));
		table_cell(t, COLOR_NONE, "%s",
			   format_permille(buf, mean_share(history, json_u64(v, "id"),
							   "received_permille")));
		table_cell(t, COLOR_NONE, "%s",
			   format_used(buf, json_u64(v, "vram_used"),
				       json_u64(v, "vram_limit")));
		if (json_object_object_get_ex(v, "wait", &wait) &&
		    json_u64(wait, "count")) {
			table_cell(t, COLOR_NONE, "%s",
				   format_ns(buf, json_u64(wait, "p50_ns")));
			table_cell(t, COLOR_NONE, "%s",
				   format_ns(buf, json_u64(wait, "p99_ns")));
		} else {
			table_cell(t, COLOR_DIM, "-");
			table_cell(t, COLOR_DIM, "-");
		}
	}
	table_print(t, stdout, 2);
}

void report_text(struct json_object *views)
{
	struct json_object *view, *gpu, *history, *vgpus, *first, *last;
	char from[64], to[64];
	int64_t offset;
	size_t i, n;

	if (!json_object_array_length(views))
		puts("no GPU; the software GPU comes with `modprobe vgpu_soft`");
	for (i = 0; i < json_object_array_length(views); i++) {
		view = json_object_array_get_idx(views, i);
		gpu = json_object_object_get(view, "gpu");
		history = json_object_object_get(view, "history");
		vgpus = json_object_object_get(view, "vgpus");
		offset = json_object_get_int64(json_object_object_get(view, "wall_offset_ns"));
		n = json_object_array_length(history);
		printf("%s%sGPU %" PRIu64 "%s  %s  %s", i ? "\n" : "",
		       color_on(COLOR_BOLD), json_u64(gpu, "index"), color_off(),
		       json_str(gpu, "name"), json_str(gpu, "policy"));
		if (!n) {
			puts("  no sample: nothing ran yet, or the monitor is off");
		} else {
			first = json_object_array_get_idx(history, 0);
			last = json_object_array_get_idx(history, n - 1);
			wall_clock((int64_t)(json_u64(first, "time_ns") -
					     json_u64(first, "span_ns")) + offset,
				   true, from, sizeof(from));
			wall_clock((int64_t)json_u64(last, "time_ns") + offset,
				   true, to, sizeof(to));
			printf("  %zu samples, %.19sZ to %.19sZ\n", n, from, to);
			print_figures(history);
		}
		if (json_object_array_length(vgpus))
			print_vgpus(vgpus, history);
	}
}

/* ---- the command ------------------------------------------------------------------ */

static int gather(uint32_t only, struct json_object *views)
{
	struct json_object *gpus = NULL, *vgpus = NULL, *sched = NULL, *gpu, *history;
	int64_t offset = wall_offset();
	bool found = only == GPU_ALL;
	size_t i;
	int code;

	code = data_gpus(&gpus);
	if (!code)
		code = data_vgpus(only, &vgpus);
	if (!code)
		code = data_sched(only, &sched);
	for (i = 0; !code && i < json_object_array_length(gpus); i++) {
		gpu = json_object_array_get_idx(gpus, i);
		if (only != GPU_ALL && json_u64(gpu, "index") != only)
			continue;
		found = true;
		code = data_history((uint32_t)json_u64(gpu, "index"), 0, &history);
		if (code)
			break;
		json_object_array_add(views, report_view(gpu, vgpus, sched, history,
							 offset));
		json_object_put(history);
	}
	if (!code && !found)
		code = fail(CTL_DEVICE, ENODEV, NULL, "no GPU %u", only);
	json_object_put(gpus);
	json_object_put(vgpus);
	json_object_put(sched);
	return code;
}

static int write_html(const char *path, struct json_object *views, const char *made)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	int code;

	if (!out)
		return fail(CTL_FAILED, errno, NULL, "no memory");
	report_html(out, views, made);
	if (fclose(out)) {
		free(text);
		return fail(CTL_FAILED, ENOMEM, NULL, "no memory");
	}
	/* it tells what everybody does */
	code = write_whole(path, text, 0600);
	free(text);
	if (!code && !json_output)
		printf("%s: open it in a browser\n", path);
	return code;
}

int cmd_report(struct args *args)
{
	const char *gpu = arg_option(args, "gpu"), *html = arg_option(args, "html");
	struct json_object *views = json_object_new_array(), *all;
	uint32_t only = GPU_ALL;
	struct timespec now;
	char made[64];
	int code;

	if (gpu && parse_gpu(gpu, &only)) {
		json_object_put(views);
		return usage_error(args->command, "'%s' is no GPU: give a number", gpu);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	wall_clock((int64_t)now.tv_sec * 1000000000, true, made, sizeof(made));
	/* seconds will do */
	strcpy(strchr(made, '.'), "Z");
	code = nl_open();
	if (!code)
		code = gather(only, views);
	if (!code && html)
		code = write_html(html, views, made);
	if (!code && json_output) {
		all = json_new();
		json_object_object_add(all, "time", json_object_new_string(made));
		if (html)
			json_object_object_add(all, "html", json_object_new_string(html));
		json_object_object_add(all, "gpus", json_object_get(views));
		code = print_json(all);
	} else if (!code && !html) {
		report_text(views);
	}
	json_object_put(views);
	return code;
}
