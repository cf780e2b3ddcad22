// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl monitor show, vgpuctl monitor set.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "report.h"
#include "table.h"

int64_t wall_offset(void)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	return ((int64_t)wall.tv_sec - boot.tv_sec) * 1000000000 +
	       wall.tv_nsec - boot.tv_nsec;
}

/* ---- show --------------------------------------------------------------------- */

static void shares_cell(struct table *t, struct json_object *sample)
{
	struct json_object *shares, *one;
	char text[512] = "";
	size_t i, n = 0;

	if (json_object_object_get_ex(sample, "share", &shares))
		for (i = 0; i < json_object_array_length(shares); i++) {
			one = json_object_array_get_idx(shares, i);
			if (!json_u64(one, "received_permille") ||
			    n >= sizeof(text) - 40)
				continue;
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      "%sv%" PRIu64 " %" PRIu64 ".%" PRIu64,
					      n ? ", " : "", json_u64(one, "id"),
					      json_u64(one, "received_permille") / 10,
					      json_u64(one, "received_permille") % 10);
		}
	table_cell(t, n ? COLOR_NONE : COLOR_DIM, "%s", n ? text : "-");
}

static void sample_row(struct table *t, struct json_object *s, int64_t offset)
{
	uint64_t span = json_u64(s, "span_ns");
	char buf[FORMAT_SIZE], when[64];

	wall_clock((int64_t)json_u64(s, "time_ns") + offset, true, when,
		   sizeof(when));
	table_row(t);
	table_cell(t, COLOR_DIM, "%" PRIu64, json_u64(s, "seq"));
	/* the time of the day, to a tenth of a second */
	table_cell(t, COLOR_NONE, "%.10s", when + 11);
	table_cell(t, COLOR_NONE, "%s", format_ns(buf, span));
	table_cell(t, COLOR_BOLD, "%s",
		   format_permille(buf, json_u64(s, "busy_permille")));
	table_cell(t, color_used(json_u64(s, "memory_permille"), 1000), "%s",
		   format_permille(buf, json_u64(s, "memory_permille")));
	table_cell(t, COLOR_NONE, "%s/s",
		   format_bytes(buf, json_u64(s, "bandwidth")));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(s, "commands"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(s, "switches"));
	table_cell(t, COLOR_NONE, "%s",
		   format_permille(buf, json_u64(s, "overhead_permille")));
	table_cell(t, COLOR_NONE, "%s", format_ns(buf, json_u64(s, "wait_p50_ns")));
	table_cell(t, COLOR_NONE, "%s", format_ns(buf, json_u64(s, "wait_p99_ns")));
	shares_cell(t, s);
}

void print_history(struct json_object *history, int64_t offset)
{
	struct table *t;
	size_t i;

	if (!json_object_array_length(history)) {
		puts("no sample: nothing ran yet, or the monitor is off");
		return;
	}
	t = table_new(terminal_width());
	table_column(t, "NO", true, 6);
	table_column(t, "UTC", false, 0);
	table_column(t, "SPAN", true, 7);
	table_column(t, "BUSY", true, 0);
	table_column(t, "MEMORY", true, 2);
	table_column(t, "COPIED", true, 4);
	table_column(t, "COMMANDS/S", true, 3);
	table_column(t, "SWITCHES", true, 9);
	table_column(t, "LOST", true, 5);
	table_column(t, "WAIT P50", true, 8);
	table_column(t, "WAIT P99", true, 2);
	table_column(t, "RECEIVED %", false, 1);
	for (i = 0; i < json_object_array_length(history); i++)
		sample_row(t, json_object_array_get_idx(history, i), offset);
	table_print(t, stdout, 0);
}

/* Only the last @count of @array. */
static void keep_last(struct json_object *array, uint64_t count)
{
	size_t n = json_object_array_length(array);

	if (n > count)
		json_object_array_del_idx(array, 0, n - (size_t)count);
}

static int print_show(struct json_object *gpu, struct json_object *history)
{
	struct json_object *all, *monitor;
	char buf[FORMAT_SIZE];

	if (!json_output) {
		if (json_u64(gpu, "monitor_period"))
			printf("GPU %" PRIu64 "  %s  a sample each %s while anything runs\n",
			       json_u64(gpu, "index"), json_str(gpu, "name"),
			       format_ns(buf, json_u64(gpu, "monitor_period") *
					 1000000));
		else
			printf("GPU %" PRIu64 "  %s  off: no samples are taken\n",
			       json_u64(gpu, "index"), json_str(gpu, "name"));
		print_history(history, wall_offset());
		return CTL_OK;
	}
	all = json_new();
	monitor = json_object_new_object();
	json_object_object_foreach(gpu, key, value)
		if (!strncmp(key, "monitor", 7) || !strncmp(key, "limit_", 6) ||
		    !strncmp(key, "tune_", 5) || !strcmp(key, "anomalies"))
			json_object_object_add(monitor, key, json_object_get(value));
	json_object_object_add(all, "gpu", json_object_new_uint64(json_u64(gpu, "index")));
	json_object_object_add(all, "settings", monitor);
	json_object_object_add(all, "history", json_object_get(history));
	return print_json(all);
}

int cmd_monitor_show(struct args *args)
{
	const char *since = arg_option(args, "from"), *last = arg_option(args, "last");
	struct json_object *gpu = NULL, *history;
	uint64_t from = 0, count = UINT64_MAX;
	uint32_t index;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	if (since && parse_number(since, UINT64_MAX, &from))
		return usage_error(args->command,
				   "--from '%s': give the number of a sample", since);
	if (last && (parse_number(last, UINT64_MAX, &count) || !count))
		return usage_error(args->command,
				   "--last '%s': give a number from 1 on", last);
	code = data_gpu(index, &gpu);
	if (!code)
		code = data_history(index, from, &history);
	if (!code) {
		if (from && json_object_array_length(history) &&
		    json_u64(json_object_array_get_idx(history, 0), "seq") > from)
			note("%" PRIu64 " samples before these are forgotten",
			     json_u64(json_object_array_get_idx(history, 0),
				      "seq") - from);
		keep_last(history, count);
		code = print_show(gpu, history);
		json_object_put(history);
	}
	json_object_put(gpu);
	return code;
}

/* ---- what can be set --------------------------------------------------------------- */

static int put_period(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "period");
	uint64_t ns;

	if (!text)
		return CTL_OK;
	if (!strcmp(text, "off"))
		ns = 0;
	else if (parse_time(text, &ns) || ns / 1000000 > UINT32_MAX ||
		 ns < 1000000)
		return usage_error(args->command,
				   "--period '%s': give a time with its unit, as 1s or 200ms, or off",
				   text);
	nla_put_u32(msg, VGPU_A_GPU_MONITOR_PERIOD, (uint32_t)(ns / 1000000));
	return CTL_OK;
}

static const char *const figures[] = {
	"busy", "memory", "bandwidth", "overhead", "wait", "commands",
};

#define FIGURES (sizeof(figures) / sizeof(*figures))

const char *format_figure(char *buf, const char *figure, uint64_t value)
{
	if (!strcmp(figure, "wait"))
		return format_ns(buf, value);
	if (!strcmp(figure, "bandwidth")) {
		format_bytes(buf, value);
		return strcat(buf, "/s");
	}
	if (strcmp(figure, "commands"))
		return format_permille(buf, value);
	snprintf(buf, FORMAT_SIZE, "%" PRIu64 " /s", value);
	return buf;
}

static int parse_figure(size_t i, const char *text, uint64_t *value)
{
	uint64_t hundredths;

	if (!strcmp(text, "off")) {
		*value = 0;
		return 0;
	}
	if (!strcmp(figures[i], "wait"))
		return parse_time(text, value) || !*value ? -1 : 0;
	if (!strcmp(figures[i], "bandwidth"))
		return parse_size(text, value) || !*value ? -1 : 0;
	if (!strcmp(figures[i], "commands"))
		return parse_number(text, UINT64_MAX, value) || !*value ? -1 : 0;
	if (parse_percent(text, &hundredths) || hundredths < 10)
		return -1;
	*value = hundredths / 10;
	return 0;
}

/* The next word of "name=value,…" at *@at; -1: there is none, or it is no such thing. */
static int next_pair(const char **at, char *name, char *value, size_t size)
{
	size_t n = strcspn(*at, "=,"), m;

	if ((*at)[n] != '=' || !n || n >= size)
		return -1;
	m = strcspn(*at + n + 1, ",");
	if (!m || m >= size)
		return -1;
	memcpy(name, *at, n);
	name[n] = '\0';
	memcpy(value, *at + n + 1, m);
	value[m] = '\0';
	*at += n + 1 + m;
	if (!**at)
		return 0;
	/* a comma, and something behind it */
	return *++*at ? 0 : -1;
}

static int put_limits(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "limit"), *at = text;
	char name[32], value[32];
	uint64_t n;
	size_t i;

	while (at && *at) {
		if (next_pair(&at, name, value, sizeof(name)))
			goto wrong;
		for (i = 0; i < FIGURES; i++)
			if (!strcmp(figures[i], name))
				break;
		if (i == FIGURES || parse_figure(i, value, &n))
			goto wrong;
		nla_put_u64(msg, VGPU_A_GPU_LIMIT_BUSY + (int)i, n);
	}
	if (!text || *text)
		return CTL_OK;
wrong:
	return usage_error(args->command,
			   "--limit '%s': give busy, memory, bandwidth, overhead, wait or commands with a value, as busy=95%%,wait=20ms, or off",
			   text);
}

static int put_anomalies(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "anomalies");

	if (!text)
		return CTL_OK;
	if (strcmp(text, "on") && strcmp(text, "off"))
		return usage_error(args->command, "--anomalies '%s': give on or off",
				   text);
	nla_put_u32(msg, VGPU_A_GPU_ANOMALIES, !strcmp(text, "on"));
	return CTL_OK;
}

/* ---- of gpu set ------------------------------------------------------------------ */

static const char *const knobs[] = { "slice", "threshold", "batch", "pool" };

#define KNOBS (sizeof(knobs) / sizeof(*knobs))

const char *format_knob(char *buf, const char *knob, uint64_t value)
{
	if (!strcmp(knob, "slice") || !strcmp(knob, "threshold"))
		return format_ns(buf, value);
	snprintf(buf, FORMAT_SIZE, "%" PRIu64, value);
	return buf;
}

/* "1ms-8ms", "50-200" */
static int put_bounds_of(size_t knob, char *text, struct nl_msg *msg)
{
	char *high = strchr(text, '-');
	uint64_t min, max;

	if (!high)
		return -1;
	*high++ = '\0';
	if (knob < 2 ? parse_time(text, &min) || parse_time(high, &max) :
		       parse_number(text, UINT32_MAX, &min) ||
		       parse_number(high, UINT32_MAX, &max))
		return -1;
	nla_put_u64(msg, VGPU_A_GPU_TUNE_SLICE_MIN + (int)knob, min);
	nla_put_u64(msg, VGPU_A_GPU_TUNE_SLICE_MAX + (int)knob, max);
	return 0;
}

int put_tuning(struct args *args, struct nl_msg *msg)
{
	static const char *const modes[] = { "off", "dry-run", "on" };
	const char *bounds = arg_option(args, "tune-bounds"), *at = bounds, *mode;
	char name[32], value[32];
	size_t i, m;

	for (i = 0; i < KNOBS; i++) {
		snprintf(name, sizeof(name), "tune-%s", knobs[i]);
		mode = arg_option(args, name);
		if (!mode)
			continue;
		for (m = 0; m < 3; m++)
			if (!strcmp(modes[m], mode))
				break;
		if (m == 3)
			return usage_error(args->command,
					   "--%s '%s': give off, dry-run or on",
					   name, mode);
		nla_put_u32(msg, VGPU_A_GPU_TUNE_SLICE + (int)i, (uint32_t)m);
	}
	while (at && *at) {
		if (next_pair(&at, name, value, sizeof(name)))
			goto wrong;
		for (i = 0; i < KNOBS; i++)
			if (!strcmp(knobs[i], name))
				break;
		if (i == KNOBS || put_bounds_of(i, value, msg))
			goto wrong;
	}
	if (!bounds || *bounds)
		return CTL_OK;
wrong:
	return usage_error(args->command,
			   "--tune-bounds '%s': give slice, threshold, batch or pool with what it may be, as slice=1ms-8ms,batch=50-200",
			   bounds);
}

bool any_tuning(struct args *args)
{
	return arg_option(args, "tune-slice") || arg_option(args, "tune-threshold") ||
	       arg_option(args, "tune-batch") || arg_option(args, "tune-pool") ||
	       arg_option(args, "tune-bounds");
}

void print_tuning(struct json_object *gpu)
{
	static const char *const now[] = {
		"slice_ns", "threshold_ns", "batch", "pool_most",
	};
	char key[32], a[FORMAT_SIZE], b[FORMAT_SIZE], c[FORMAT_SIZE];
	uint64_t min, max;
	size_t i;

	for (i = 0; i < KNOBS; i++) {
		snprintf(key, sizeof(key), "tune_%s", knobs[i]);
		if (!json_has(gpu, key) || !strcmp(json_str(gpu, key), "off"))
			continue;
		snprintf(key, sizeof(key), "tune_%s_min", knobs[i]);
		min = json_u64(gpu, key);
		snprintf(key, sizeof(key), "tune_%s_max", knobs[i]);
		max = json_u64(gpu, key);
		snprintf(key, sizeof(key), "tune_%s", knobs[i]);
		printf("  Tuning of %-12s %s: %s, %s to %s\n", knobs[i],
		       json_str(gpu, key),
		       format_knob(a, knobs[i], json_u64(gpu, now[i])),
		       format_knob(b, knobs[i], min), format_knob(c, knobs[i], max));
	}
}

/* ---- set ---------------------------------------------------------------------- */

static void print_limits(struct json_object *gpu)
{
	char buf[FORMAT_SIZE], key[32];
	bool any = false;
	size_t i;

	for (i = 0; i < FIGURES; i++) {
		snprintf(key, sizeof(key), "limit_%s", figures[i]);
		if (!json_u64(gpu, key))
			continue;
		printf("%s%s %s", any ? ", " : "  limits: ", figures[i],
		       format_figure(buf, figures[i], json_u64(gpu, key)));
		any = true;
	}
	if (any)
		putchar('\n');
	if (json_u64(gpu, "anomalies"))
		puts("  anomalies are told of");
}

static int print_settings(uint32_t index)
{
	struct json_object *gpu, *none = json_object_new_array();
	int code;

	code = data_gpu(index, &gpu);
	if (code)
		return code;
	if (json_output) {
		code = print_show(gpu, none);
	} else {
		char buf[FORMAT_SIZE];

		if (json_u64(gpu, "monitor_period"))
			printf("GPU %u  a sample each %s while anything runs\n",
			       index, format_ns(buf, json_u64(gpu, "monitor_period") *
						1000000));
		else
			printf("GPU %u  no samples are taken\n", index);
		print_limits(gpu);
	}
	json_object_put(none);
	json_object_put(gpu);
	return code;
}

int cmd_monitor_set(struct args *args)
{
	struct nl_result result;
	struct nl_msg *msg;
	char doing[64];
	uint32_t index;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	if (!arg_option(args, "period") && !arg_option(args, "limit") &&
	    !arg_option(args, "anomalies"))
		return usage_error(args->command,
				   "nothing to set: give --period, --limit or --anomalies");
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_GPU_SET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	code = put_period(args, msg);
	if (!code)
		code = put_limits(args, msg);
	if (!code)
		code = put_anomalies(args, msg);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	snprintf(doing, sizeof(doing), "cannot set the monitor of GPU %u", index);
	if (nl_talk(msg, &attr_set_gpu, NULL, &result))
		return nl_explain(&result, doing);
	return print_settings(index);
}
