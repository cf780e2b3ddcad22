// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl sched show, vgpuctl sched set.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>
#include <linux/vgpu.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "list.h"
#include "table.h"

/* ---- the view: engines and vGPUs under their GPUs ------------------------- */

/* [{"name":N,"value":V}, …] to {N: V, …} */
static struct json_object *figures(struct json_object *engine)
{
	struct json_object *array, *one, *all = json_object_new_object();
	size_t i;

	if (!json_object_object_get_ex(engine, "figure", &array))
		return all;
	for (i = 0; i < json_object_array_length(array); i++) {
		one = json_object_array_get_idx(array, i);
		json_object_object_add(all, json_str(one, "name"),
				       json_object_new_uint64(json_u64(one, "value")));
	}
	return all;
}

static void copy(struct json_object *to, struct json_object *from,
		 const char *const *keys)
{
	struct json_object *value;

	for (; *keys; keys++)
		if (json_object_object_get_ex(from, *keys, &value))
			json_object_object_add(to, *keys,
					       json_object_get(value));
}

static struct json_object *engine_view(struct json_object *engine)
{
	static const char *const keys[] = {
		"engine", "units", "policy", "ejections", "slice_ns", "busy_ns",
		"idle_ns", "switches", "switch_ns", "preemptions", "queued",
		NULL
	};
	struct json_object *view = json_object_new_object();

	copy(view, engine, keys);
	json_object_object_add(view, "figures", figures(engine));
	return view;
}

/* @vgpu has the settings and sums, @sched the histograms. */
static struct json_object *vgpu_view(struct json_object *vgpu,
				     struct json_object *sched)
{
	static const char *const keys[] = {
		"id", "uuid", "state", "weight", "priority", "cap", "slice_ns",
		"own_slice_ns", "group", "group_weight", "busy_ns",
		"entitled_ns", "received_permille", "entitled_permille",
		"wait_ns", "wait_max_ns", "wakeups", "slices", "switches",
		"preemptions", "overshoot_ns", "high_ns", "normal_ns",
		"batch_ns", "deadlines_met", "deadlines_missed",
		"late_max_ns", NULL
	};
	static const char *const histograms[] = { "wake", "wait", NULL };
	struct json_object *view = json_object_new_object();

	copy(view, vgpu, keys);
	copy(view, sched, histograms);
	return view;
}

struct json_object *sched_view(struct json_object *gpus,
			       struct json_object *vgpus,
			       struct json_object *sched)
{
	static const char *const keys[] = {
		"index", "name", "policy", "slice_ns", "preempt_timeout_ns",
		"governor", "mode", "own_slice_ns", "threshold_ns",
		"governor_figures", NULL
	};
	struct json_object *all = json_object_new_array();
	struct json_object *gpu, *view, *one, *engines, *tenants, *vgpu;
	size_t i, j;

	for (i = 0; i < json_object_array_length(gpus); i++) {
		gpu = json_object_array_get_idx(gpus, i);
		view = json_object_new_object();
		engines = json_object_new_array();
		tenants = json_object_new_array();
		copy(view, gpu, keys);
		for (j = 0; j < json_object_array_length(sched); j++) {
			one = json_object_array_get_idx(sched, j);
			if (json_u64(one, "gpu") != json_u64(gpu, "index"))
				continue;
			if (json_has(one, "engine")) {
				json_object_array_add(engines, engine_view(one));
				continue;
			}
			/* one that came or went between two answers is left out */
			vgpu = data_find(vgpus, "id", json_u64(one, "vgpu"));
			if (vgpu && !strcmp(json_str(vgpu, "uuid"),
					    json_str(one, "uuid")))
				json_object_array_add(tenants,
						      vgpu_view(vgpu, one));
		}
		json_object_object_add(view, "engines", engines);
		json_object_object_add(view, "vgpus", tenants);
		json_object_array_add(all, view);
	}
	return all;
}

/* ---- for people --------------------------------------------------------------- */

/* No vGPU was given units of its own here yet. */
static bool never_used(struct json_object *e)
{
	return json_has(e, "units") && !json_u64(e, "units") &&
	       !json_u64(e, "busy_ns");
}

static void print_engine(struct json_object *e)
{
	uint64_t busy = json_u64(e, "busy_ns"), spent = json_u64(e, "switch_ns");
	char a[FORMAT_SIZE], b[FORMAT_SIZE], c[FORMAT_SIZE];
	struct json_object *all;

	if (never_used(e))
		return;
	printf("  engine %" PRIu64 "  %s  busy %s, idle %s, %" PRIu64
	       " switches in %s (%" PRIu64 ".%02" PRIu64 " %%)",
	       json_u64(e, "engine"), json_str(e, "policy"),
	       format_ns(a, busy), format_ns(b, json_u64(e, "idle_ns")),
	       json_u64(e, "switches"), format_ns(c, spent),
	       busy ? spent * 100 / busy : 0,
	       busy ? spent * 10000 / busy % 100 : 0);
	printf(", %" PRIu64 " preemptions", json_u64(e, "preemptions"));
	if (json_u64(e, "ejections"))
		printf(", %s%" PRIu64 " policies ejected%s", color_on(COLOR_RED),
		       json_u64(e, "ejections"), color_off());
	putchar('\n');
	if (!json_object_object_get_ex(e, "figures", &all) ||
	    !json_object_object_length(all))
		return;
	fputs("   ", stdout);
	json_object_object_foreach(all, name, value)
		printf(" %s %" PRIu64, name, json_object_get_uint64(value));
	putchar('\n');
}

static const char *permille(char *buf, struct json_object *obj,
			    const char *key)
{
	return format_permille(buf, json_u64(obj, key));
}

/* Nothing of one that is off. */
static void print_governor(struct json_object *gpu)
{
	char a[FORMAT_SIZE], b[FORMAT_SIZE], c[FORMAT_SIZE], d[FORMAT_SIZE];
	char e[FORMAT_SIZE];
	struct json_object *g, *modes, *mode;
	size_t i;

	if (!json_has(gpu, "mode") ||
	    !json_object_object_get_ex(gpu, "governor_figures", &g))
		return;
	printf("  governor %s: %s%s%s, threshold %s, %" PRIu64
	       " changes; busy %s, demand %s, memory %s, %" PRIu64
	       " switches/s take %s\n", json_str(gpu, "governor"),
	       color_on(COLOR_BOLD), json_str(gpu, "mode"), color_off(),
	       format_ns(a, json_u64(gpu, "threshold_ns")),
	       json_u64(g, "changes"), permille(b, g, "busy_permille"),
	       permille(c, g, "demand_permille"),
	       permille(d, g, "memory_permille"), json_u64(g, "switches"),
	       permille(e, g, "overhead_permille"));
	if (!json_object_object_get_ex(g, "mode", &modes))
		return;
	fputs("   ", stdout);
	for (i = 0; i < json_object_array_length(modes); i++) {
		mode = json_object_array_get_idx(modes, i);
		printf("%s %s %" PRIu64 "x %s", i ? "," : "", json_str(mode, "mode"),
		       json_u64(mode, "entered"),
		       format_ns(a, json_u64(mode, "time_ns")));
	}
	putchar('\n');
}

static void cap_cell(struct table *t, uint64_t cap)
{
	if (!cap)
		table_cell(t, COLOR_DIM, "-");
	else
		table_cell(t, COLOR_NONE, "%" PRIu64 ".%02" PRIu64 " %%",
			   cap / 100, cap % 100);
}

static void group_cell(struct table *t, struct json_object *v)
{
	if (!*json_str(v, "group"))
		table_cell(t, COLOR_DIM, "-");
	else
		table_cell(t, COLOR_NONE, "%s:%" PRIu64, json_str(v, "group"),
			   json_u64(v, "group_weight"));
}

static void ns_cell(struct table *t, struct json_object *v, const char *key)
{
	char buf[FORMAT_SIZE];

	table_cell(t, COLOR_NONE, "%s", format_ns(buf, json_u64(v, key)));
}

static void wake_cell(struct table *t, struct json_object *v, const char *key)
{
	struct json_object *wake;
	char buf[FORMAT_SIZE];

	if (!json_object_object_get_ex(v, "wake", &wake) ||
	    !json_u64(wake, "count"))
		table_cell(t, COLOR_DIM, "-");
	else
		table_cell(t, COLOR_NONE, "%s",
			   format_ns(buf, json_u64(wake, key)));
}

/* How many of those with a deadline were late. */
static void late_cell(struct table *t, struct json_object *v)
{
	uint64_t missed = json_u64(v, "deadlines_missed");
	uint64_t all = missed + json_u64(v, "deadlines_met");

	if (!all)
		table_cell(t, COLOR_DIM, "-");
	else
		table_cell(t, missed ? COLOR_YELLOW : COLOR_NONE,
			   "%" PRIu64 "/%" PRIu64, missed, all);
}

static void vgpu_row(struct table *t, struct json_object *v)
{
	uint64_t received = json_u64(v, "received_permille");
	uint64_t entitled = json_u64(v, "entitled_permille");
	char buf[FORMAT_SIZE];

	table_row(t);
	table_cell(t, COLOR_BOLD, "v%" PRIu64, json_u64(v, "id"));
	group_cell(t, v);
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "weight"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "priority"));
	cap_cell(t, json_u64(v, "cap"));
	ns_cell(t, v, "slice_ns");
	table_cell(t, COLOR_NONE, "%s", format_permille(buf, entitled));
	table_cell(t, color_share(received, entitled), "%s",
		   format_permille(buf, received));
	ns_cell(t, v, "busy_ns");
	ns_cell(t, v, "wait_ns");
	wake_cell(t, v, "p50_ns");
	wake_cell(t, v, "p99_ns");
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "slices"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(v, "preemptions"));
	ns_cell(t, v, "overshoot_ns");
	late_cell(t, v);
}

static void print_vgpus(struct json_object *vgpus)
{
	struct table *t = table_new(terminal_width());
	size_t i;

	table_column(t, "ID", false, 0);
	table_column(t, "GROUP", false, 5);
	table_column(t, "WEIGHT", true, 1);
	table_column(t, "PRIO", true, 6);
	table_column(t, "CAP", true, 4);
	table_column(t, "SLICE", true, 7);
	table_column(t, "ENTITLED", true, 2);
	table_column(t, "RECEIVED", true, 1);
	table_column(t, "RUN", true, 3);
	table_column(t, "WAIT", true, 8);
	table_column(t, "WAKE P50", true, 10);
	table_column(t, "WAKE P99", true, 5);
	table_column(t, "SLICES", true, 9);
	table_column(t, "PREEMPTED", true, 11);
	table_column(t, "OVER", true, 12);
	table_column(t, "LATE", true, 13);
	for (i = 0; i < json_object_array_length(vgpus); i++)
		vgpu_row(t, json_object_array_get_idx(vgpus, i));
	table_print(t, stdout, 2);
}

void print_sched(struct json_object *gpus)
{
	struct json_object *gpu, *array;
	char buf[FORMAT_SIZE];
	size_t i, j;

	if (!json_object_array_length(gpus))
		puts("no GPU; the software GPU comes with `modprobe vgpu_soft`");
	for (i = 0; i < json_object_array_length(gpus); i++) {
		gpu = json_object_array_get_idx(gpus, i);
		printf("%s%sGPU %" PRIu64 "%s  %s  %s, %s slices%s\n",
		       i ? "\n" : "", color_on(COLOR_BOLD),
		       json_u64(gpu, "index"), color_off(),
		       json_str(gpu, "name"), json_str(gpu, "policy"),
		       format_ns(buf, json_u64(gpu, "slice_ns")),
		       json_u64(gpu, "own_slice_ns") ? " by hand" : "");
		print_governor(gpu);
		array = json_object_object_get(gpu, "engines");
		for (j = 0; j < json_object_array_length(array); j++)
			print_engine(json_object_array_get_idx(array, j));
		array = json_object_object_get(gpu, "vgpus");
		if (json_object_array_length(array))
			print_vgpus(array);
	}
}

/* ---- show --------------------------------------------------------------------- */

static int print_view(struct json_object *view)
{
	struct json_object *all;

	if (json_output) {
		all = json_new();
		json_object_object_add(all, "gpus", view);
		return print_json(all);
	}
	print_sched(view);
	json_object_put(view);
	return CTL_OK;
}

static int show(uint32_t index)
{
	struct json_object *sched, *vgpus = NULL, *gpus = NULL, *one, *view;
	int code;

	code = data_sched(index, &sched);
	if (code)
		return code;
	code = data_vgpus(index, &vgpus);
	if (!code && index == GPU_ALL) {
		code = data_gpus(&gpus);
	} else if (!code) {
		gpus = json_object_new_array();
		code = data_gpu(index, &one);
		if (!code)
			json_object_array_add(gpus, one);
	}
	if (!code) {
		view = sched_view(gpus, vgpus, sched);
		code = print_view(view);
	}
	json_object_put(sched);
	json_object_put(vgpus);
	json_object_put(gpus);
	return code;
}

int cmd_sched_show(struct args *args)
{
	uint32_t index = GPU_ALL;

	if (args->argc && parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	return show(index);
}

/* ---- set ---------------------------------------------------------------------- */

static const char *const vgpu_only[] = {
	"weight", "priority", "cap", "group", "group-weight", NULL
};

/* 0: that of the GPU, or of its governor. */
static int put_slice(struct args *args, struct nl_msg *msg, int attr)
{
	const char *text = arg_option(args, "slice");
	uint64_t ns;

	if (!text)
		return CTL_OK;
	if (!strcmp(text, "0"))
		ns = 0;
	else if (parse_time(text, &ns) || !ns)
		return usage_error(args->command,
				   "--slice '%s': give a time with its unit, as 2ms or 500us",
				   text);
	nla_put_u64(msg, attr, ns);
	return CTL_OK;
}

static int send_set(struct args *args, struct nl_msg *msg,
		    const struct attr_set *set)
{
	struct nl_result result;
	char doing[96];

	snprintf(doing, sizeof(doing), "cannot set %.64s", args->argv[0]);
	if (nl_talk(msg, set, NULL, &result))
		return nl_explain(&result, doing);
	return CTL_OK;
}

static int set_gpu(struct args *args, uint32_t index)
{
	const char *governor = arg_option(args, "governor");
	const char *policy = arg_option(args, "policy");
	const char *const *name;
	struct nl_msg *msg;
	int code;

	for (name = vgpu_only; *name; name++)
		if (arg_option(args, *name))
			return usage_error(args->command,
					   "--%s is of a vGPU, and '%s' means a GPU: say v%s",
					   *name, args->argv[0], args->argv[0]);
	if (!policy && !governor && !arg_option(args, "slice"))
		return usage_error(args->command,
				   "nothing to set: give --policy, --slice or --governor");
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_GPU_SET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	if (policy)
		nla_put_string(msg, VGPU_A_GPU_POLICY, policy);
	if (governor)
		nla_put_string(msg, VGPU_A_GPU_GOVERNOR, governor);
	code = put_slice(args, msg, VGPU_A_GPU_SLICE_NS);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	code = send_set(args, msg, &attr_set_gpu);
	return code ? code : show(index);
}

static int put_cap(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "cap");
	uint64_t cap;

	if (!text)
		return CTL_OK;
	if (parse_percent(text, &cap))
		return usage_error(args->command,
				   "--cap '%s': give a per cent of engine time, 0.01%% to 100%%, or 0 for none",
				   text);
	nla_put_u32(msg, VGPU_A_VGPU_CAP, (uint32_t)cap);
	return CTL_OK;
}

static int put_settings(struct args *args, struct nl_msg *msg)
{
	const char *group = arg_option(args, "group");
	int code;

	code = put_number(args, "weight", VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX, msg,
			  VGPU_A_VGPU_WEIGHT, false);
	if (!code)
		code = put_number(args, "priority", 0, VGPU_PRIORITY_MAX, msg,
				  VGPU_A_VGPU_PRIORITY, false);
	if (!code)
		code = put_number(args, "group-weight", VGPU_WEIGHT_MIN,
				  VGPU_WEIGHT_MAX, msg,
				  VGPU_A_VGPU_GROUP_WEIGHT, false);
	if (!code)
		code = put_slice(args, msg, VGPU_A_VGPU_OWN_SLICE_NS);
	if (!code)
		code = put_cap(args, msg);
	if (!code && group)
		nla_put_string(msg, VGPU_A_VGPU_GROUP, group);
	return code;
}

/* A cap that nothing keeps is a surprise. */
static void note_cap(uint64_t index)
{
	struct json_object *gpu;
	const char *policy;

	if (data_gpu((uint32_t)index, &gpu))
		return;
	policy = json_str(gpu, "policy");
	if (strcmp(policy, "fixed") && strcmp(policy, "burst"))
		note("policy %s keeps no caps: `vgpuctl sched set %" PRIu64 " --policy fixed` does",
		     policy, index);
	json_object_put(gpu);
}

static int print_set(const struct vgpu_name *name)
{
	struct json_object *vgpu, *all;
	char buf[FORMAT_SIZE];
	uint64_t cap;
	int code;

	code = data_vgpu(name, &vgpu);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "vgpu", vgpu);
		return print_json(all);
	}
	cap = json_u64(vgpu, "cap");
	if (cap)
		note_cap(json_u64(vgpu, "gpu"));
	printf("v%" PRIu64 "  weight %" PRIu64 ", priority %" PRIu64
	       ", slice %s%s", json_u64(vgpu, "id"), json_u64(vgpu, "weight"),
	       json_u64(vgpu, "priority"),
	       format_ns(buf, json_u64(vgpu, "slice_ns")),
	       json_u64(vgpu, "own_slice_ns") ? " of its own" : "");
	if (cap)
		printf(", cap %" PRIu64 ".%02" PRIu64 " %%", cap / 100,
		       cap % 100);
	if (*json_str(vgpu, "group"))
		printf(", group %s of weight %" PRIu64, json_str(vgpu, "group"),
		       json_u64(vgpu, "group_weight"));
	putchar('\n');
	json_object_put(vgpu);
	return CTL_OK;
}

static int set_vgpu(struct args *args, const struct vgpu_name *name)
{
	const char *const *option, *gpu_only;
	bool any = arg_option(args, "slice");
	struct nl_msg *msg;
	int code;

	gpu_only = arg_option(args, "policy") ? "policy" : "governor";
	if (arg_option(args, gpu_only))
		return usage_error(args->command,
				   "--%s is of a GPU, and '%s' means a vGPU",
				   gpu_only, args->argv[0]);
	for (option = vgpu_only; *option; option++)
		any = any || arg_option(args, *option);
	if (!any)
		return usage_error(args->command,
				   "nothing to set: give --weight, --priority, --cap, --slice, --group or --group-weight");
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_VGPU_SET, 0);
	nl_put_vgpu(msg, name);
	code = put_settings(args, msg);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	code = send_set(args, msg, &attr_set_vgpu);
	return code ? code : print_set(name);
}

int cmd_sched_set(struct args *args)
{
	struct vgpu_name name;
	uint32_t index;

	if (!parse_gpu(args->argv[0], &index))
		return set_gpu(args, index);
	if (!parse_vgpu(args->argv[0], &name))
		return set_vgpu(args, &name);
	return usage_error(args->command,
			   "'%s' is neither a GPU (0) nor a vGPU (v0 or a UUID)",
			   args->argv[0]);
}
