// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl vgpu list, vgpuctl vgpu show.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "data.h"
#include "list.h"
#include "show.h"
#include "table.h"

enum color color_state(const char *state)
{
	static const struct {
		const char *name;
		enum color color;
	} colors[] = {
		{ "running", COLOR_GREEN }, { "paused", COLOR_YELLOW },
		{ "stopped", COLOR_DIM }, { "created", COLOR_NONE },
		{ "failed", COLOR_RED }, { "dead", COLOR_RED },
	};
	size_t i;

	for (i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
		if (!strcmp(colors[i].name, state))
			return colors[i].color;
	return COLOR_NONE;
}

/* Behind by more than a tenth of what it may expect? */
enum color color_share(uint64_t received, uint64_t entitled)
{
	return entitled && received * 10 < entitled * 9 ? COLOR_YELLOW :
							  COLOR_NONE;
}

static void memory_cells(struct table *t, struct json_object *vgpu)
{
	uint64_t used = json_u64(vgpu, "vram_used");
	uint64_t limit = json_u64(vgpu, "vram_limit");
	char buf[FORMAT_SIZE];

	table_cell(t, color_used(used, limit), "%s",
		   format_used(buf, used, limit));
	table_cell(t, color_used(used, limit), "%s",
		   format_bar(buf, used, limit, 10));
}

static void holder_cell(struct table *t, struct json_object *vgpu)
{
	uint64_t clients = json_u64(vgpu, "clients");

	if (!clients)
		table_cell(t, COLOR_DIM, "-");
	else if (clients == 1)
		table_cell(t, COLOR_NONE, "%" PRIu64 " %s",
			   json_u64(vgpu, "holder_pid"),
			   json_str(vgpu, "holder"));
	else
		table_cell(t, COLOR_NONE, "%" PRIu64 " %s +%" PRIu64,
			   json_u64(vgpu, "holder_pid"),
			   json_str(vgpu, "holder"), clients - 1);
}

static void share_cells(struct table *t, struct json_object *vgpu)
{
	uint64_t received = json_u64(vgpu, "received_permille");
	uint64_t entitled = json_u64(vgpu, "entitled_permille");
	uint64_t own = json_u64(vgpu, "own_units");
	char buf[FORMAT_SIZE];

	/* it competes with nobody: no weight counts */
	if (own)
		table_cell(t, COLOR_NONE, "%" PRIu64 " own", own);
	else
		table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(vgpu, "weight"));
	table_cell(t, COLOR_NONE, "%s", format_permille(buf, entitled));
	table_cell(t, color_share(received, entitled), "%s",
		   format_permille(buf, received));
}

static void list_columns(struct table *t, bool reduced)
{
	table_column(t, "ID", false, 0);
	table_column(t, "UUID", false, 5);
	table_column(t, "TYPE", false, 4);
	table_column(t, "STATE", false, 0);
	if (reduced)
		return;
	table_column(t, "HOLDER", false, 3);
	table_column(t, "WEIGHT", true, 6);
	table_column(t, "ENTITLED", true, 2);
	table_column(t, "RECEIVED", true, 1);
	table_column(t, "MEMORY", true, 1);
	table_column(t, "", false, 7);
}

static void list_row(struct table *t, struct json_object *vgpu)
{
	const char *state = json_str(vgpu, "state");

	table_row(t);
	table_cell(t, COLOR_BOLD, "v%" PRIu64, json_u64(vgpu, "id"));
	table_cell(t, COLOR_NONE, "%s", json_str(vgpu, "uuid"));
	table_cell(t, COLOR_NONE, "%s%s", json_str(vgpu, "type"),
		   json_flag(vgpu, "flags", "mdev") ? " mdev" : "");
	table_cell(t, color_state(state), "%s", state);
	if (data_reduced(vgpu))
		return;
	holder_cell(t, vgpu);
	share_cells(t, vgpu);
	memory_cells(t, vgpu);
}

/* The vGPUs for which (@gpu or no GPU) is right; returns how many. */
static unsigned int list_some(struct json_object *vgpus, struct json_object *gpus,
			      struct json_object *gpu)
{
	struct json_object *vgpu, *parent;
	struct table *t = NULL;
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < json_object_array_length(vgpus); i++) {
		vgpu = json_object_array_get_idx(vgpus, i);
		parent = data_find(gpus, "index", json_u64(vgpu, "gpu"));
		if (parent != gpu)
			continue;
		if (!t) {
			if (!gpu)
				printf("\n%sNo GPU any more%s\n",
				       color_on(COLOR_RED), color_off());
			t = table_new(terminal_width());
			list_columns(t, data_reduced(vgpu));
		}
		list_row(t, vgpu);
		count++;
	}
	if (t)
		table_print(t, stdout, 2);
	return count;
}

static void gpu_heading(struct json_object *gpu)
{
	unsigned int width = terminal_width();
	char buf[FORMAT_SIZE];

	printf("%sGPU %" PRIu64 "%s  %s", color_on(COLOR_BOLD),
	       json_u64(gpu, "index"), color_off(), json_str(gpu, "name"));
	/* what `vgpuctl gpu list` shows as well */
	if (!width || width >= 100)
		printf("  %s  %s, %s slices", json_str(gpu, "device"),
		       json_str(gpu, "policy"),
		       format_ns(buf, json_u64(gpu, "slice_ns")));
	printf("  %" PRIu64 "/%" PRIu64 " vGPUs", json_u64(gpu, "instances"),
	       json_u64(gpu, "max_instances"));
	if (json_has(gpu, "vram_committed"))
		printf("  memory %s promised",
		       format_used(buf, json_u64(gpu, "vram_committed"),
				   json_u64(gpu, "vram_bytes")));
	else
		printf("  memory %s",
		       format_bytes(buf, json_u64(gpu, "vram_bytes")));
	if (json_object_get_boolean(json_object_object_get(gpu, "unplugged")))
		printf("  %sgoing away%s", color_on(COLOR_RED), color_off());
	putchar('\n');
}

void print_list(struct json_object *gpus, struct json_object *vgpus)
{
	struct json_object *gpu;
	size_t i, n = json_object_array_length(gpus);

	if (!n && !json_object_array_length(vgpus))
		puts("no GPU; the software GPU comes with `modprobe vgpu_soft`");
	for (i = 0; i < n; i++) {
		gpu = json_object_array_get_idx(gpus, i);
		if (i)
			putchar('\n');
		gpu_heading(gpu);
		if (!list_some(vgpus, gpus, gpu))
			puts("  no vGPU; make one: `vgpuctl vgpu create --type TYPE` (see `vgpuctl type list`)");
	}
	list_some(vgpus, gpus, NULL);
}

/* What nodes alone can tell. */
void print_node_list(struct json_object *vgpus)
{
	struct json_object *vgpu;
	struct table *t = table_new(terminal_width());
	size_t i;

	table_column(t, "ID", false, 0);
	table_column(t, "UUID", false, 4);
	table_column(t, "GPU", false, 2);
	table_column(t, "UNITS", true, 3);
	table_column(t, "WEIGHT", true, 3);
	table_column(t, "MEMORY", true, 0);
	table_column(t, "", false, 5);
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		vgpu = json_object_array_get_idx(vgpus, i);
		table_row(t);
		table_cell(t, COLOR_BOLD, "v%" PRIu64, json_u64(vgpu, "id"));
		table_cell(t, COLOR_NONE, "%s", json_str(vgpu, "uuid"));
		table_cell(t, COLOR_NONE, "%s", json_str(vgpu, "gpu_name"));
		table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(vgpu, "units"));
		table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(vgpu, "weight"));
		memory_cells(t, vgpu);
	}
	table_print(t, stdout, 0);
}

int cmd_vgpu_list(struct args *args)
{
	const char *gpu = arg_option(args, "gpu");
	struct json_object *gpus = NULL, *vgpus, *all, *only;
	uint32_t index = GPU_ALL;
	int code;

	if (gpu && parse_gpu(gpu, &index))
		return usage_error(args->command,
				   "--gpu '%s' is no GPU: give a number", gpu);
	/* first: when there is no netlink, this finds it out and explains */
	code = data_vgpus(index, &vgpus);
	if (code)
		return code;
	if (nl_available()) {
		code = data_gpus(&gpus);
		if (code) {
			json_object_put(vgpus);
			return code;
		}
	}
	if (gpus && index != GPU_ALL) {
		only = json_object_new_array();
		if (data_find(gpus, "index", index))
			json_object_array_add(only, json_object_get(data_find(gpus, "index", index)));
		json_object_put(gpus);
		gpus = only;
	}

	if (json_output) {
		all = json_new();
		if (gpus)
			json_object_object_add(all, "gpus", gpus);
		json_object_object_add(all, "vgpus", vgpus);
		return print_json(all);
	}
	if (gpus) {
		print_list(gpus, vgpus);
		if (json_object_array_length(vgpus) &&
		    data_reduced(json_object_array_get_idx(vgpus, 0)))
			note("holders, shares and memory need root");
	} else {
		print_node_list(vgpus);
	}
	json_object_put(gpus);
	json_object_put(vgpus);
	return CTL_OK;
}

void print_vgpu(struct json_object *vgpu)
{
	printf("%svGPU v%" PRIu64 "%s\n", color_on(COLOR_BOLD),
	       json_u64(vgpu, "id"), color_off());
	show_fields(vgpu, (const struct show_field[]) {
		{ "uuid", "UUID", SHOW_TEXT },
		{ "gpu", "GPU", SHOW_NUMBER },
		{ "gpu_name", "GPU", SHOW_TEXT },
		{ "type", "Type", SHOW_TEXT },
		{ "state", "State", SHOW_TEXT },
		{ "node", "Node", SHOW_TEXT },
		{ "mdev", "Mediated device", SHOW_TEXT },
		{ "clients", "Holders", SHOW_NUMBER },
		{ "holder_pid", "Held by process", SHOW_NUMBER },
		{ "holder", "Its name", SHOW_TEXT },
		{ NULL, NULL, 0 },
	});
	if (data_reduced(vgpu))
		return;
	printf("\n%sQuotas%s\n", color_on(COLOR_BOLD), color_off());
	show_fields(vgpu, (const struct show_field[]) {
		{ "units", "Compute units", SHOW_NUMBER },
		{ "own_units", "Of its own", SHOW_NUMBER },
		{ "weight", "Weight", SHOW_NUMBER },
		{ "priority", "Priority", SHOW_NUMBER },
		{ "bandwidth_mbps", "Copy bandwidth", SHOW_MBPS },
		{ "slice_ns", "Slice", SHOW_NS },
		{ "group", "Group", SHOW_TEXT },
		{ "group_weight", "Weight of the group", SHOW_NUMBER },
		{ "vram_limit", "Memory", SHOW_BYTES },
		{ "allow", "May ask for", SHOW_LIST },
		{ "on_memory", "Over its memory", SHOW_TEXT },
		{ "on_bandwidth", "Over its bandwidth", SHOW_TEXT },
		{ "on_contexts", "Over the GPU's contexts", SHOW_TEXT },
		{ "quota_wait_ns", "Waits at most", SHOW_NS },
		{ "pad_ns", "Ends show every", SHOW_NS },
		{ "pad_jitter_ns", "And later, up to", SHOW_NS },
		{ "dump_limit", "Dumps in an hour", SHOW_NUMBER },
		{ NULL, NULL, 0 },
	});
	printf("\n%sUse%s\n", color_on(COLOR_BOLD), color_off());
	show_fields(vgpu, (const struct show_field[]) {
		{ "vram_used", "Memory in use", SHOW_BYTES },
		{ "vram_peak", "Memory at most", SHOW_BYTES },
		{ "vram_denied", "Memory refused", SHOW_NUMBER },
		{ "pinned_bytes", "Pinned of programs", SHOW_BYTES },
		{ "entitled_permille", "Share entitled to", SHOW_PERMILLE },
		{ "received_permille", "Share received", SHOW_PERMILLE },
		{ "busy_ns", "Engine time", SHOW_NS },
		{ "wait_p50_ns", "Wait, median", SHOW_NS },
		{ "wait_p99_ns", "Wait, 99th percentile", SHOW_NS },
		{ "wake_p99_ns", "Wake-up, 99th percentile", SHOW_NS },
		{ "submitted", "Commands accepted", SHOW_NUMBER },
		{ "completed", "Commands ended well", SHOW_NUMBER },
		{ "failed", "Commands failed", SHOW_NUMBER },
		{ "deadlines_met", "Deadlines met", SHOW_NUMBER },
		{ "deadlines_missed", "Deadlines missed", SHOW_NUMBER },
		{ "preemptions", "Preemptions", SHOW_NUMBER },
		{ "filtered", "Refused by --allow", SHOW_NUMBER },
		{ "violations", "Asked for over a quota", SHOW_NUMBER },
		{ "faults", "Faults", SHOW_NUMBER },
		{ "resets", "Engine resets", SHOW_NUMBER },
		{ NULL, NULL, 0 },
	});
}

int cmd_vgpu_show(struct args *args)
{
	struct json_object *vgpu, *all;
	struct vgpu_name name;
	int code;

	if (parse_vgpu(args->argv[0], &name))
		return usage_error(args->command,
				   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
				   args->argv[0]);
	code = data_vgpu(&name, &vgpu);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "vgpu", vgpu);
		return print_json(all);
	}
	print_vgpu(vgpu);
	if (data_reduced(vgpu))
		note("quotas and figures need root");
	json_object_put(vgpu);
	return CTL_OK;
}
