// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl gpu: physical GPUs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "show.h"
#include "table.h"

static int no_gpu(void)
{
	puts("no GPU; the software GPU comes with `modprobe vgpu_soft`");
	return CTL_OK;
}

static void gpu_row(struct table *t, struct json_object *gpu)
{
	char buf[FORMAT_SIZE];

	table_row(t);
	table_cell(t, COLOR_BOLD, "%" PRIu64, json_u64(gpu, "index"));
	table_cell(t, COLOR_NONE, "%s", json_str(gpu, "name"));
	table_cell(t, COLOR_NONE, "%s", json_str(gpu, "device"));
	table_cell(t, COLOR_NONE, "%s", json_str(gpu, "driver"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(gpu, "units"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(gpu, "engines"));
	table_cell(t, COLOR_NONE, "%" PRIu64 "/%" PRIu64,
		   json_u64(gpu, "instances"), json_u64(gpu, "max_instances"));
	if (json_has(gpu, "vram_committed"))
		table_cell(t, color_used(json_u64(gpu, "vram_committed"),
					 json_u64(gpu, "vram_bytes")),
			   "%s", format_used(buf, json_u64(gpu, "vram_committed"),
					     json_u64(gpu, "vram_bytes")));
	else
		table_cell(t, COLOR_NONE, "%s",
			   format_bytes(buf, json_u64(gpu, "vram_bytes")));
	table_cell(t, COLOR_NONE, "%s", json_str(gpu, "policy"));
	table_cell(t, COLOR_NONE, "%s",
		   format_ns(buf, json_u64(gpu, "slice_ns")));
}

int cmd_gpu_list(struct args *args)
{
	struct json_object *gpus, *all;
	struct table *t;
	size_t i;
	int code;

	(void)args;
	code = data_gpus(&gpus);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "gpus", gpus);
		return print_json(all);
	}
	if (!json_object_array_length(gpus)) {
		json_object_put(gpus);
		return no_gpu();
	}
	t = table_new(terminal_width());
	table_column(t, "GPU", true, 0);
	table_column(t, "NAME", false, 1);
	table_column(t, "DEVICE", false, 2);
	table_column(t, "DRIVER", false, 5);
	table_column(t, "UNITS", true, 6);
	table_column(t, "ENGINES", true, 7);
	table_column(t, "VGPUS", true, 1);
	table_column(t, "MEMORY PROMISED", true, 1);
	table_column(t, "POLICY", false, 3);
	table_column(t, "SLICE", true, 4);
	for (i = 0; i < json_object_array_length(gpus); i++)
		gpu_row(t, json_object_array_get_idx(gpus, i));
	table_print(t, stdout, 0);
	json_object_put(gpus);
	return CTL_OK;
}

static void show_engine(struct json_object *e)
{
	if (data_spare(e))
		return;
	printf("\n%sEngine %" PRIu64 "%s\n", color_on(COLOR_BOLD),
	       json_u64(e, "index"), color_off());
	show_fields(e, (const struct show_field[]) {
		{ "units", "Compute units", SHOW_NUMBER },
		{ "busy_ns", "Busy", SHOW_NS },
		{ "clock_ns", "Clock", SHOW_NS },
		{ "jobs", "Commands run", SHOW_NUMBER },
		{ "queued", "Contexts waiting", SHOW_NUMBER },
		{ "switches", "Context switches", SHOW_NUMBER },
		{ "preemptions", "Preemptions", SHOW_NUMBER },
		{ "stop_p50_ns", "Stops within, p50", SHOW_NS },
		{ "stop_p99_ns", "Stops within, p99", SHOW_NS },
		{ "resets", "Resets", SHOW_NUMBER },
		{ NULL, NULL, 0 },
	});
}

static void show_pools(struct json_object *vram)
{
	struct json_object *pools;
	char size[FORMAT_SIZE];
	size_t i;

	if (!json_object_object_get_ex(vram, "pool", &pools))
		return;
	for (i = 0; i < json_object_array_length(pools); i++) {
		struct json_object *p = json_object_array_get_idx(pools, i);

		if (!json_u64(p, "hits") && !json_u64(p, "misses"))
			continue;
		printf("  Blocks of %s: %" PRIu64 " of %" PRIu64 " at hand, %" PRIu64
		       " hits, %" PRIu64 " misses\n",
		       format_bytes(size, json_u64(p, "bytes")),
		       json_u64(p, "held"), json_u64(p, "target"),
		       json_u64(p, "hits"), json_u64(p, "misses"));
	}
}

static void show_vram(struct json_object *gpu)
{
	struct json_object *vram;

	if (!json_object_object_get_ex(gpu, "vram", &vram))
		return;
	printf("\n%sMemory%s\n", color_on(COLOR_BOLD), color_off());
	show_fields(vram, (const struct show_field[]) {
		{ "total", "Total", SHOW_BYTES },
		{ "used", "Used", SHOW_BYTES },
		{ "free", "Free", SHOW_BYTES },
		{ "largest_free", "Longest free run", SHOW_BYTES },
		{ "blocks", "Blocks in use", SHOW_NUMBER },
		{ "frag_permille", "Fragmentation", SHOW_PERMILLE },
		{ "retired", "Bad", SHOW_BYTES },
		{ "pooled", "Kept at hand", SHOW_BYTES },
		{ "unclean", "Still to scrub", SHOW_BYTES },
		{ "scrubbed", "Scrubbed so far", SHOW_BYTES },
		{ "alloc_waits", "Requests that waited for it", SHOW_NUMBER },
		{ NULL, NULL, 0 },
	});
	show_pools(vram);
}

static void show_switching(struct json_object *gpu)
{
	struct json_object *st;

	if (!json_object_object_get_ex(gpu, "switching", &st))
		return;
	printf("\n%sSwitches of contexts%s\n", color_on(COLOR_BOLD),
	       color_off());
	show_fields(st, (const struct show_field[]) {
		{ "lazy", "Left in place", SHOW_NUMBER },
		{ "predicted", "Loaded beforehand", SHOW_NUMBER },
		{ "incremental", "Incremental", SHOW_NUMBER },
		{ "full", "Full", SHOW_NUMBER },
		{ "bare", "With nothing midway", SHOW_NUMBER },
		{ "bytes_saved", "Saved", SHOW_BYTES },
		{ "bytes_loaded", "Loaded", SHOW_BYTES },
		{ "bytes_skipped", "Not moved, being the same", SHOW_BYTES },
		{ "guess_hits", "Foreseen", SHOW_NUMBER },
		{ "guess_misses", "Foreseen wrongly", SHOW_NUMBER },
		{ "preloads", "Loads beforehand", SHOW_NUMBER },
		{ "preloads_wasted", "In vain", SHOW_NUMBER },
		{ NULL, NULL, 0 },
	});
}

static int print_gpu(struct json_object *gpu)
{
	struct json_object *engines;
	size_t i;

	printf("%sGPU %" PRIu64 "%s\n", color_on(COLOR_BOLD),
	       json_u64(gpu, "index"), color_off());
	show_fields(gpu, (const struct show_field[]) {
		{ "name", "Name", SHOW_TEXT },
		{ "device", "Device", SHOW_TEXT },
		{ "driver", "Driver", SHOW_TEXT },
		{ "caps", "Capabilities", SHOW_LIST },
		{ "units", "Compute units", SHOW_NUMBER },
		{ "engines", "Engines", SHOW_NUMBER },
		{ "units_free", "Units to give away", SHOW_NUMBER },
		{ "max_lanes", "Lanes of a workgroup", SHOW_NUMBER },
		{ "shared_bytes", "Shared memory", SHOW_BYTES },
		{ "policy", "Policy", SHOW_TEXT },
		{ "slice_ns", "Slice", SHOW_NS },
		{ "governor", "Governor", SHOW_TEXT },
		{ "mode", "Mode", SHOW_TEXT },
		{ "preempt_timeout_ns", "Preempt timeout", SHOW_NS },
		{ "strategy", "Allocation", SHOW_TEXT },
		{ "switch", "Switches leave out", SHOW_LIST },
		{ "contexts", "Contexts", SHOW_NUMBER },
		{ "max_contexts", "Contexts at most", SHOW_NUMBER },
		{ "serialize", "One owner at a time", SHOW_NUMBER },
		{ "turns", "Changes of owner", SHOW_NUMBER },
		{ "instances", "vGPUs", SHOW_NUMBER },
		{ "max_instances", "vGPUs at most", SHOW_NUMBER },
		{ "vram_bytes", "Memory for tenants", SHOW_BYTES },
		{ "vram_committed", "Memory promised", SHOW_BYTES },
		{ "degrade", "Mediation", SHOW_TEXT },
		{ "degrade_reason", "Because of", SHOW_TEXT },
		{ "degrade_failures", "Its failures", SHOW_NUMBER },
		{ NULL, NULL, 0 },
	});
	print_tuning(gpu);
	show_vram(gpu);
	show_switching(gpu);
	if (json_object_object_get_ex(gpu, "engine", &engines))
		for (i = 0; i < json_object_array_length(engines); i++)
			show_engine(json_object_array_get_idx(engines, i));
	else
		note("figures of memory and engines need root");
	return CTL_OK;
}

int cmd_gpu_show(struct args *args)
{
	struct json_object *gpu, *all;
	uint32_t index;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	code = data_gpu(index, &gpu);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "gpu", gpu);
		return print_json(all);
	}
	code = print_gpu(gpu);
	json_object_put(gpu);
	return code;
}

static int put_time(struct args *args, const char *option, struct nl_msg *msg,
		    int attr)
{
	const char *text = arg_option(args, option);
	uint64_t ns;

	if (!text)
		return CTL_OK;
	if (parse_time(text, &ns) || !ns)
		return usage_error(args->command,
				   "--%s '%s': give a time with its unit, as 2ms or 500us",
				   option, text);
	nla_put_u64(msg, attr, ns);
	return CTL_OK;
}

/* What is left out of switches: names with commas, or "full". */
static int parse_switch(const char *text, uint32_t *modes)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} names[] = {
		{ "incremental", VGPU_NL_SWITCH_INCREMENTAL },
		{ "lazy", VGPU_NL_SWITCH_LAZY },
		{ "predicted", VGPU_NL_SWITCH_PREDICTED },
	};
	size_t i, n;

	*modes = 0;
	if (!strcmp(text, "full"))
		return 0;
	for (;; text += n + 1) {
		n = strcspn(text, ",");
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i].name) == n &&
			    !strncmp(text, names[i].name, n))
				break;
		if (i == sizeof(names) / sizeof(names[0]))
			return -EINVAL;
		*modes |= names[i].mode;
		if (!text[n])
			return 0;
	}
}

static int put_switch(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "switch");
	uint32_t modes;

	if (!text)
		return CTL_OK;
	if (parse_switch(text, &modes))
		return usage_error(args->command,
				   "--switch '%s': give full, or incremental, lazy or predicted, or several with commas",
				   text);
	nla_put_u32(msg, VGPU_A_GPU_SWITCH, modes);
	return CTL_OK;
}

static int put_serialize(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "serialize");

	if (!text)
		return CTL_OK;
	if (strcmp(text, "on") && strcmp(text, "off"))
		return usage_error(args->command,
				   "--serialize '%s': give on or off", text);
	nla_put_u32(msg, VGPU_A_GPU_SERIALIZE, !strcmp(text, "on"));
	return CTL_OK;
}

/* A step, and when to take one by itself. */
static int put_degrade(struct args *args, struct nl_msg *msg)
{
	static const char *const steps[] = {
		"normal", "basic-limit", "deny-all", "stop",
	};
	const char *step = arg_option(args, "degrade");
	const char *after = arg_option(args, "degrade-after");
	unsigned int a[3], i;
	char end;

	if (step) {
		for (i = 0; i < 4; i++)
			if (!strcmp(step, steps[i]))
				break;
		if (i == 4)
			return usage_error(args->command,
					   "--degrade '%s': give basic-limit, deny-all or stop",
					   step);
		nla_put_u32(msg, VGPU_A_GPU_DEGRADE, i);
	}
	if (after) {
		if (sscanf(after, "%u,%u,%u%c", &a[0], &a[1], &a[2], &end) != 3)
			return usage_error(args->command,
					   "--degrade-after '%s': give three numbers, as 3,6,12",
					   after);
		for (i = 0; i < 3; i++)
			nla_put_u32(msg, VGPU_A_GPU_BASIC_AFTER + (int)i, a[i]);
	}
	return put_number(args, "degrade-window", 1, 3600, msg,
			  VGPU_A_GPU_DEGRADE_WINDOW, false);
}

int cmd_gpu_recover(struct args *args)
{
	struct nl_result result;
	struct nl_msg *msg;
	char doing[64];
	uint32_t index;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_GPU_RECOVER, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	snprintf(doing, sizeof(doing), "cannot recover GPU %u", index);
	if (nl_talk(msg, &attr_set_gpu, NULL, &result))
		return nl_explain(&result, doing);
	return cmd_gpu_show(args);
}

int cmd_gpu_set(struct args *args)
{
	const char *strategy = arg_option(args, "strategy");
	const char *policy = arg_option(args, "policy");
	struct nl_result result;
	struct nl_msg *msg;
	char doing[64];
	uint32_t index;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	if (!policy && !strategy && !arg_option(args, "slice") &&
	    !arg_option(args, "preempt-timeout") &&
	    !arg_option(args, "switch") && !arg_option(args, "max-contexts") &&
	    !arg_option(args, "serialize") && !arg_option(args, "degrade") && !arg_option(args, "degrade-after") &&
	    !arg_option(args, "degrade-window") && !any_tuning(args))
		return usage_error(args->command,
				   "nothing to set: give --policy, --slice, --preempt-timeout, --strategy, --switch, --max-contexts, --serialize, --degrade, --degrade-after, --degrade-window, --tune-slice, --tune-threshold, --tune-batch, --tune-pool or --tune-bounds");
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_GPU_SET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	if (policy)
		nla_put_string(msg, VGPU_A_GPU_POLICY, policy);
	if (strategy)
		nla_put_string(msg, VGPU_A_GPU_STRATEGY, strategy);
	code = put_time(args, "slice", msg, VGPU_A_GPU_SLICE_NS);
	if (!code)
		code = put_time(args, "preempt-timeout", msg,
				VGPU_A_GPU_PREEMPT_TIMEOUT_NS);
	if (!code)
		code = put_switch(args, msg);
	if (!code)
		code = put_number(args, "max-contexts", 1, 1024, msg,
				  VGPU_A_GPU_MAX_CONTEXTS, false);
	if (!code)
		code = put_serialize(args, msg);
	if (!code)
		code = put_degrade(args, msg);
	if (!code)
		code = put_tuning(args, msg);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	snprintf(doing, sizeof(doing), "cannot set GPU %u", index);
	if (nl_talk(msg, &attr_set_gpu, NULL, &result))
		return nl_explain(&result, doing);
	return cmd_gpu_show(args);
}
