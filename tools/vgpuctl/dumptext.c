// SPDX-License-Identifier: GPL-2.0
/*
 * A dump, for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "dump.h"
#include "show.h"
#include "table.h"
#include "vgpuctl.h"

static void title(const char *text)
{
	printf("\n%s%s%s\n", color_on(COLOR_BOLD), text, color_off());
}

static void print_reason(struct json_object *dump)
{
	struct json_object *r = json_object_object_get(dump, "reason");
	struct json_object *gpu = json_object_object_get(dump, "gpu");
	const char *why = json_str(r, "why");
	time_t at = (time_t)(json_u64(r, "realtime_ns") / 1000000000);
	struct tm tm = { 0 };
	char when[32];

	gmtime_r(&at, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	printf("%s%s%s of GPU %" PRIu64 " %s, %s, on %s\n",
	       color_on(COLOR_BOLD),
	       !strcmp(why, "fault") ? "A fault" : !strcmp(why, "hang") ? "A hang" :
	       !strcmp(why, "mediation") ? "A failure of mediation" : "Something",
	       color_off(), json_u64(gpu, "index"), json_str(gpu, "name"),
	       when, json_str(r, "kernel"));
	printf("dump %" PRIu64 " of this GPU, %" PRIu64 " not made before it\n",
	       json_u64(r, "number"), json_u64(r, "missed"));
	title("GPU");
	show_fields(gpu, (const struct show_field[]) {
		{ "device", "Device", SHOW_TEXT },
		{ "engines", "Engines", SHOW_NUMBER },
		{ "vram_bytes", "Memory", SHOW_BYTES },
		{ "degrade", "Mediation", SHOW_TEXT },
		{ "degrade_reason", "For", SHOW_TEXT },
		{ NULL, NULL, 0 },
	});
}

static void print_engines(struct json_object *dump)
{
	struct json_object *list, *e;
	size_t i;

	if (!json_object_object_get_ex(dump, "engine", &list))
		return;
	for (i = 0; i < json_object_array_length(list); i++) {
		e = json_object_array_get_idx(list, i);
		printf("\n%sEngine %" PRIu64 "%s\n", color_on(COLOR_BOLD),
		       json_u64(e, "index"), color_off());
		show_fields(e, (const struct show_field[]) {
			{ "state", "State", SHOW_TEXT },
			{ "policy", "Policy", SHOW_TEXT },
			{ "clock_ns", "Clock", SHOW_NS },
			{ "jobs", "Commands", SHOW_NUMBER },
			{ "switches", "Switches", SHOW_NUMBER },
			{ "preemptions", "Preemptions", SHOW_NUMBER },
			{ "resets", "Resets", SHOW_NUMBER },
			{ "stale_events", "Stale answers", SHOW_NUMBER },
			{ NULL, NULL, 0 },
		});
	}
}

static void print_tenant(struct json_object *dump)
{
	struct json_object *v, *c, *q;

	if (json_object_object_get_ex(dump, "vgpu", &v)) {
		title("vGPU");
		show_fields(v, (const struct show_field[]) {
			{ "id", "Number", SHOW_NUMBER },
			{ "uuid", "UUID", SHOW_TEXT },
			{ "type", "Type", SHOW_TEXT },
			{ "vram_used", "Memory in use", SHOW_BYTES },
			{ "faults", "Faults", SHOW_NUMBER },
			{ "resets", "Resets", SHOW_NUMBER },
			{ NULL, NULL, 0 },
		});
	}
	if (json_object_object_get_ex(dump, "context", &c)) {
		title("Context");
		show_fields(c, (const struct show_field[]) {
			{ "holder", "Holder", SHOW_TEXT },
			{ "pid", "PID", SHOW_NUMBER },
			{ "asid", "Address space", SHOW_NUMBER },
			{ "fault_va", "Fault at", SHOW_TEXT },
			{ "fault_access", "Access", SHOW_TEXT },
			{ "pc", "Instruction at", SHOW_TEXT },
			{ "mask", "Lanes", SHOW_TEXT },
			{ "group", "Workgroup", SHOW_NUMBER },
			{ "lane", "Lane", SHOW_NUMBER },
			{ NULL, NULL, 0 },
		});
	}
	if (json_object_object_get_ex(dump, "queue", &q)) {
		title("Queue");
		show_fields(q, (const struct show_field[]) {
			{ "class", "Class", SHOW_TEXT },
			{ "command", "Command", SHOW_NUMBER },
			{ "service_ns", "Had run for", SHOW_NS },
			{ "count", "In the queue", SHOW_NUMBER },
			{ "depth", "Of", SHOW_NUMBER },
			{ "completed", "Completed", SHOW_NUMBER },
			{ "failed", "Failed", SHOW_NUMBER },
			{ NULL, NULL, 0 },
		});
	}
}

/* What is not of every command: its arguments. */
static void print_arguments(struct json_object *c)
{
	static const char *const common[] = {
		"seqno", "state", "op", "error", "service_ns",
	};
	struct json_object_iter it;
	size_t i;

	json_object_object_foreachC(c, it) {
		for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
			if (!strcmp(common[i], it.key))
				break;
		if (i == sizeof(common) / sizeof(common[0]))
			printf("  %s %s", it.key, json_object_get_string(it.val));
	}
	putchar('\n');
}

static void print_commands(struct json_object *dump)
{
	struct json_object *list, *c;
	size_t i;

	if (!json_object_object_get_ex(dump, "commands", &list))
		return;
	title("Commands");
	for (i = 0; i < json_object_array_length(list); i++) {
		const char *state, *error;

		c = json_object_array_get_idx(list, i);
		state = json_str(c, "state");
		error = json_str(c, "error");
		printf("%s %8" PRIu64 "  %-6s  %-10s",
		       strcmp(state, "this") ? " " : ">", json_u64(c, "seqno"),
		       json_str(c, "op"),
		       !strcmp(state, "waits") ? "waits" : *error ? error : "ok");
		print_arguments(c);
	}
}

static void print_walk(struct json_object *dump)
{
	struct json_object *w, *list, *s;
	size_t i;

	if (!json_object_object_get_ex(dump, "walk", &w) ||
	    !json_object_object_get_ex(w, "step", &list))
		return;
	printf("\n%sPage tables%s of %s, for %s\n", color_on(COLOR_BOLD),
	       color_off(), json_str(w, "format"), json_str(w, "va"));
	for (i = 0; i < json_object_array_length(list); i++) {
		s = json_object_array_get_idx(list, i);
		printf("  level %" PRIu64 "  entry %4" PRIu64 "  at %-12s  %s\n",
		       json_u64(s, "level"), json_u64(s, "index"),
		       json_str(s, "addr"), json_str(s, "entry"));
	}
	if (!i)
		puts("  no table reaches so far");
}

void print_dump(struct json_object *dump)
{
	print_reason(dump);
	print_engines(dump);
	print_tenant(dump);
	print_commands(dump);
	print_walk(dump);
}
