// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl top: what each vGPU received in the last interval.
 *
 * Shares are worked out here, from two readings of the kernel's counters, so
 * that they are exact for the interval that is shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"
#include "list.h"
#include "table.h"
#include "top.h"

volatile sig_atomic_t top_stopped;

static void on_signal(int sig)
{
	(void)sig;
	top_stopped = 1;
}

uint64_t top_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void reading_put(struct reading *r)
{
	json_object_put(r->gpus);
	json_object_put(r->vgpus);
	memset(r, 0, sizeof(*r));
}

int reading_take(struct reading *r)
{
	int code;

	memset(r, 0, sizeof(*r));
	code = data_vgpus(GPU_ALL, &r->vgpus);
	if (!code)
		code = data_gpus(&r->gpus);
	r->time_ns = top_now_ns();
	if (code)
		reading_put(r);
	return code;
}

/* ---- on paper ---------------------------------------------------------------- */

static void print_gpu_line(FILE *out, struct json_object *gpu)
{
	char a[FORMAT_SIZE], b[FORMAT_SIZE], bar[FORMAT_SIZE];

	fprintf(out,
		"%sGPU %" PRIu64 "%s  %-16s busy %s %s  memory %s  switches %" PRIu64 "  preemptions %" PRIu64 "\n",
		color_on(COLOR_BOLD), json_u64(gpu, "index"), color_off(),
		json_str(gpu, "name"),
		format_bar(bar, json_u64(gpu, "busy_permille"), 1000, 10),
		format_permille(a, json_u64(gpu, "busy_permille")),
		format_used(b, json_u64(gpu, "vram_used"),
			    json_u64(gpu, "vram_bytes")),
		json_u64(gpu, "switches"), json_u64(gpu, "preemptions"));
}

static void print_vgpu_row(struct table *t, struct json_object *v)
{
	uint64_t received = json_u64(v, "received_permille");
	uint64_t entitled = json_u64(v, "entitled_permille");
	uint64_t used = json_u64(v, "vram_used");
	uint64_t limit = json_u64(v, "vram_limit");
	const char *state = json_str(v, "state");
	char buf[FORMAT_SIZE];

	table_row(t);
	table_cell(t, COLOR_BOLD, "v%" PRIu64, json_u64(v, "id"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "gpu"));
	table_cell(t, COLOR_NONE, "%s", json_str(v, "type"));
	table_cell(t, color_state(state), "%s", state);
	table_cell(t, COLOR_NONE, "%s",
		   json_has(v, "holder") ? json_str(v, "holder") : "-");
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "weight"));
	table_cell(t, COLOR_NONE, "%s", format_permille(buf, entitled));
	table_cell(t, color_share(received, entitled), "%s",
		   format_permille(buf, received));
	table_cell(t, COLOR_NONE, "%s",
		   format_permille(buf, json_u64(v, "busy_permille")));
	table_cell(t, COLOR_NONE, "%s",
		   format_ns(buf, json_u64(v, "wait_avg_ns")));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "switches"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "preemptions"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "completed"));
	table_cell(t, color_used(used, limit), "%s",
		   format_used(buf, used, limit));
	table_cell(t, color_used(used, limit), "%s",
		   format_bar(buf, used, limit, 8));
}

void top_draw(FILE *out, struct json_object *sample, const struct top_window *w)
{
	struct json_object *gpus = json_object_object_get(sample, "gpus");
	struct json_object *vgpus = json_object_object_get(sample, "vgpus");
	struct table *t;
	size_t i;

	for (i = 0; i < json_object_array_length(gpus); i++)
		print_gpu_line(out, json_object_array_get_idx(gpus, i));
	t = table_new(terminal_width());
	table_column(t, "ID", false, 0);
	table_column(t, "GPU", true, 8);
	table_column(t, "TYPE", false, 6);
	table_column(t, "STATE", false, 1);
	table_column(t, "HOLDER", false, 5);
	table_column(t, "WEIGHT", true, 5);
	table_column(t, "ENTITLED", true, 0);
	table_column(t, "RECEIVED", true, 0);
	table_column(t, "BUSY", true, 2);
	table_column(t, "WAIT", true, 3);
	table_column(t, "SWITCHES", true, 7);
	table_column(t, "PREEMPTED", true, 7);
	table_column(t, "DONE", true, 4);
	table_column(t, "MEMORY", true, 2);
	table_column(t, "", false, 9);
	for (i = w->first; i < json_object_array_length(vgpus) &&
	     i - w->first < w->rows; i++) {
		print_vgpu_row(t, json_object_array_get_idx(vgpus, i));
		if (i == w->marked)
			table_mark(t);
	}
	table_print(t, out, 0);
	if (!json_object_array_length(vgpus))
		fputs("no vGPU; make one: `vgpuctl vgpu create --type TYPE`\n",
		      out);
}

void top_print(struct json_object *sample)
{
	const struct top_window all = { 0, SIZE_MAX, SIZE_MAX };

	top_draw(stdout, sample, &all);
}

/* ---- the loop ---------------------------------------------------------------------- */

static bool sleep_until_next(double delay)
{
	struct timespec ts = {
		.tv_sec = (time_t)delay,
		.tv_nsec = (long)((delay - (double)(time_t)delay) * 1e9),
	};

	while (!top_stopped && clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts))
		;
	return !top_stopped;
}

static int top_batch(double delay, uint64_t count)
{
	struct reading before, after;
	struct json_object *sample;
	uint64_t n;
	int code;

	code = reading_take(&before);
	for (n = 0; !code && (!count || n < count); n++) {
		if (!sleep_until_next(delay))
			break;
		code = reading_take(&after);
		if (code)
			break;
		sample = top_sample(&before, &after);
		if (json_output) {
			print_json(sample);
		} else {
			if (n)
				putchar('\n');
			top_print(sample);
			fflush(stdout);
			json_object_put(sample);
		}
		reading_put(&before);
		before = after;
		/* who reads has gone */
		if (ferror(stdout))
			break;
	}
	reading_put(&before);
	return code;
}

/* Who may not see figures would be shown zeros. */
static int may_see(void)
{
	struct json_object *vgpus;
	bool reduced = geteuid();
	size_t i;
	int code;

	code = data_vgpus(GPU_ALL, &vgpus);
	if (code)
		return code;
	for (i = 0; i < json_object_array_length(vgpus); i++)
		reduced = data_reduced(json_object_array_get_idx(vgpus, i));
	json_object_put(vgpus);
	if (reduced)
		return fail(CTL_DEVICE, EPERM, "try with sudo",
			    "figures of vGPUs need root");
	return CTL_OK;
}

int cmd_top(struct args *args)
{
	const char *count_text = arg_option(args, "count");
	const char *delay_text = arg_option(args, "delay");
	struct sigaction sa = { .sa_handler = on_signal };
	uint64_t count = 0;
	double delay = 1;
	int code;

	if (count_text &&
	    (parse_number(count_text, UINT64_MAX, &count) || !count))
		return usage_error(args->command,
				   "--count '%s': give a number from 1 on",
				   count_text);
	if (delay_text &&
	    (parse_seconds(delay_text, &delay) || delay < 0.01 || delay > 86400))
		return usage_error(args->command,
				   "--delay '%s': give seconds, 0.01 or more",
				   delay_text);
	code = nl_open();
	if (code)
		return code;
	code = may_see();
	if (code)
		return code;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (arg_option(args, "batch") || json_output ||
	    !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return top_batch(delay, count);
	return top_live(delay, count);
}
