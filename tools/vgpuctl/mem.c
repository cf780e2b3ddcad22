// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl mem: the memory of a GPU, and what of it need not be there.
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
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
#include "memmap.h"
#include "progress.h"
#include "show.h"
#include "table.h"

static int get_gpu(struct args *args, uint32_t *index, struct json_object **gpu)
{
	if (parse_gpu(args->argv[0], index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	return data_gpu(*index, gpu);
}

static void show_vram(struct json_object *vram)
{
	show_fields(vram, (const struct show_field[]) {
		{ "total", "Total", SHOW_BYTES },
		{ "used", "Used", SHOW_BYTES },
		{ "free", "Free", SHOW_BYTES },
		{ "largest_free", "Longest free run", SHOW_BYTES },
		{ "frag_permille", "Fragmentation", SHOW_PERMILLE },
		{ NULL, NULL, 0 },
	});
}

static void show_paging(struct json_object *paging)
{
	uint64_t stored = json_u64(paging, "stored");
	uint64_t packed = json_u64(paging, "packed");

	printf("\n%sPageable%s\n", color_on(COLOR_BOLD), color_off());
	show_fields(paging, (const struct show_field[]) {
		{ "resident", "In VRAM", SHOW_BYTES },
		{ "evicted", "Elsewhere or never used", SHOW_BYTES },
		{ "stored", "In system memory or files", SHOW_BYTES },
		{ "same", "  of one word", SHOW_BYTES },
		{ "plain", "  not compressed", SHOW_BYTES },
		{ "packed", "  compressed to", SHOW_BYTES },
		{ "system", "  taking, of memory", SHOW_BYTES },
		{ "cold", "  taking, of files", SHOW_BYTES },
		{ NULL, NULL, 0 },
	});
	if (packed)
		printf("  ratio: %" PRIu64 ".%02" PRIu64 "\n", stored / packed,
		       stored % packed * 100 / packed);
	show_fields(paging, (const struct show_field[]) {
		{ "faults", "Faults of engines", SHOW_NUMBER },
		{ "restores", "Brought back", SHOW_NUMBER },
		{ "restore_failed", "  in vain", SHOW_NUMBER },
		{ "refaults", "  too soon", SHOW_NUMBER },
		{ "throttled", "Put off for that", SHOW_NUMBER },
		{ "throttled_ns", "  in all", SHOW_NS },
		{ "ahead", "  before it was asked for", SHOW_NUMBER },
		{ "ahead_used", "    and then it was", SHOW_NUMBER },
		{ "ahead_wasted", "    in vain", SHOW_NUMBER },
		{ "evictions", "Evicted", SHOW_NUMBER },
		{ "evict_failed", "  in vain", SHOW_NUMBER },
		{ "cold_stores", "Moved on to files", SHOW_NUMBER },
		{ "cold_failed", "  in vain", SHOW_NUMBER },
		{ "cold_loads", "  and brought back from there", SHOW_NUMBER },
		{ "latency_p50_ns", "Half of them within", SHOW_NS },
		{ "latency_p99_ns", "99 % of them within", SHOW_NS },
		{ NULL, NULL, 0 },
	});
}

static void show_defrag(struct json_object *gpu)
{
	struct json_object *d;
	char a[FORMAT_SIZE], b[FORMAT_SIZE];

	if (!json_object_object_get_ex(gpu, "defrag", &d))
		return;
	printf("\n%sMoving%s\n", color_on(COLOR_BOLD), color_off());
	if (json_u64(gpu, "defrag_interval"))
		printf("  unasked: above %s, every %" PRIu64 " s\n",
		       format_permille(a, json_u64(gpu, "defrag_threshold")),
		       json_u64(gpu, "defrag_interval"));
	else
		puts("  unasked: never");
	if (json_u64(d, "runs"))
		printf("  last: %s to %s%s\n",
		       format_permille(a, json_u64(d, "before_permille")),
		       format_permille(b, json_u64(d, "after_permille")),
		       json_u64(d, "running") ? ", going on" : "");
	show_fields(d, (const struct show_field[]) {
		{ "runs", "Runs", SHOW_NUMBER },
		{ "own_runs", "  unasked", SHOW_NUMBER },
		{ "moved", "Moved", SHOW_BYTES },
		{ "given_up", "Blocks that stayed after all", SHOW_NUMBER },
		{ "step_max_ns", "Longest out of reach", SHOW_NS },
		{ NULL, NULL, 0 },
	});
}

static void show_users(struct json_object *vgpus)
{
	struct table *t;
	char buf[FORMAT_SIZE];
	size_t i;

	if (!json_object_array_length(vgpus))
		return;
	putchar('\n');
	t = table_new(terminal_width());
	table_column(t, "VGPU", false, 0);
	table_column(t, "USED", true, 1);
	table_column(t, "PEAK", true, 2);
	table_column(t, "QUOTA", true, 1);
	table_column(t, "REFUSED", true, 3);
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		struct json_object *v = json_object_array_get_idx(vgpus, i);

		table_row(t);
		table_cell(t, COLOR_BOLD, "v%" PRIu64, json_u64(v, "id"));
		table_cell(t, color_used(json_u64(v, "vram_used"),
					 json_u64(v, "vram_limit")), "%s",
			   format_bytes(buf, json_u64(v, "vram_used")));
		table_cell(t, COLOR_NONE, "%s",
			   format_bytes(buf, json_u64(v, "vram_peak")));
		table_cell(t, COLOR_NONE, "%s",
			   format_bytes(buf, json_u64(v, "vram_limit")));
		table_cell(t, COLOR_NONE, "%" PRIu64,
			   json_u64(v, "vram_denied"));
	}
	table_print(t, stdout, 2);
}

/* What of @vgpus is about memory. */
static struct json_object *users_json(struct json_object *vgpus)
{
	static const char *const names[] = {
		"id", "uuid", "vram_limit", "vram_used", "vram_peak",
		"vram_denied", "pinned_bytes",
	};
	struct json_object *all = json_object_new_array(), *one, *part;
	size_t i, k;

	for (i = 0; i < json_object_array_length(vgpus); i++) {
		struct json_object *v = json_object_array_get_idx(vgpus, i);

		one = json_object_new_object();
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (json_object_object_get_ex(v, names[k], &part))
				json_object_object_add(one, names[k],
						       json_object_get(part));
		json_object_array_add(all, one);
	}
	return all;
}

static int show_json(struct json_object *gpu, struct json_object *map,
		     struct json_object *vgpus)
{
	static const char *const names[] = {
		"index", "vram_bytes", "vram_committed",
		"overcommit_permille", "strategy", "vram", "paging",
		"read_ahead", "tier_limit", "defrag_threshold", "defrag_interval", "defrag",
	};
	struct json_object *all = json_new(), *part;
	struct json_object *mem = json_object_new_object();
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_object_get_ex(gpu, names[i], &part))
			json_object_object_add(mem, names[i],
					       json_object_get(part));
	json_object_object_add(mem, "map", memmap_json(map));
	json_object_object_add(mem, "vgpus", users_json(vgpus));
	json_object_object_add(all, "mem", mem);
	return print_json(all);
}

static void show_text(uint32_t index, struct json_object *gpu,
		      struct json_object *map, struct json_object *vgpus)
{
	uint64_t ratio = json_u64(gpu, "overcommit_permille");
	struct json_object *part;
	char buf[FORMAT_SIZE];

	printf("%sMemory of GPU %" PRIu32 "%s\n", color_on(COLOR_BOLD), index,
	       color_off());
	memmap_show(map);
	show_vram(json_object_object_get(gpu, "vram"));
	show_fields(gpu, (const struct show_field[]) {
		{ "vram_committed", "Promised", SHOW_BYTES },
		{ NULL, NULL, 0 },
	});
	printf("  over-commit: %" PRIu64 ".%02" PRIu64 "\n", ratio / 1000,
	       ratio % 1000 / 10);
	if (json_u64(gpu, "read_ahead"))
		printf("  reads ahead: %s\n",
		       format_bytes(buf, json_u64(gpu, "read_ahead") << 16));
	else
		puts("  reads ahead: never");
	if (json_u64(gpu, "tier_limit"))
		printf("  moves on to files: above %s\n",
		       format_bytes(buf, json_u64(gpu, "tier_limit")));
	else
		puts("  moves on to files: never");
	show_users(vgpus);
	show_defrag(gpu);
	if (json_object_object_get_ex(gpu, "paging", &part) &&
	    json_u64(part, "frames"))
		show_paging(part);
}

int cmd_mem_show(struct args *args)
{
	struct json_object *gpu, *map = NULL, *vgpus = NULL, *part;
	uint32_t index;
	int code;

	code = get_gpu(args, &index, &gpu);
	if (code)
		return code;
	if (!json_object_object_get_ex(gpu, "vram", &part)) {
		json_object_put(gpu);
		return fail(CTL_FAILED, EPERM, NULL,
			    "figures of memory need root");
	}
	code = data_mem_map(index, &map);
	if (!code)
		code = data_vgpus(index, &vgpus);
	if (!code && json_output)
		code = show_json(gpu, map, vgpus);
	else if (!code)
		show_text(index, gpu, map, vgpus);
	json_object_put(vgpus);
	json_object_put(map);
	json_object_put(gpu);
	return code;
}

/* "50%" or "12.5": permille, to @msg. */
static int put_threshold(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "defrag-threshold");
	uint64_t hundredths;

	if (!text)
		return CTL_OK;
	if (parse_percent(text, &hundredths))
		return usage_error(args->command,
				   "--defrag-threshold '%s': give a part in per cent, as 30%%",
				   text);
	nla_put_u32(msg, VGPU_A_GPU_DEFRAG_THRESHOLD,
		    (uint32_t)(hundredths / 10));
	return CTL_OK;
}

static int put_overcommit(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "overcommit");
	double ratio;
	char *end;

	if (!text)
		return CTL_OK;
	ratio = strtod(text, &end);
	if (end == text || *end || !(ratio >= 1 && ratio <= 8))
		return usage_error(args->command,
				   "--overcommit '%s': give a ratio from 1 to 8, as 1.5",
				   text);
	nla_put_u32(msg, VGPU_A_GPU_OVERCOMMIT_PERMILLE,
		    (uint32_t)(ratio * 1000 + 0.5));
	return CTL_OK;
}

static int put_tier_limit(struct args *args, struct nl_msg *msg)
{
	const char *text = arg_option(args, "tier-limit");
	uint64_t bytes;

	if (!text)
		return CTL_OK;
	if (parse_size(text, &bytes))
		return usage_error(args->command,
				   "--tier-limit '%s': give a size, as 512M or 2G, or 0",
				   text);
	nla_put_u64(msg, VGPU_A_GPU_TIER_LIMIT, bytes);
	return CTL_OK;
}

int cmd_mem_set(struct args *args)
{
	struct nl_result result;
	struct nl_msg *msg;
	char doing[64];
	uint32_t index;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	if (!arg_option(args, "overcommit") &&
	    !arg_option(args, "read-ahead") &&
	    !arg_option(args, "tier-limit") &&
	    !arg_option(args, "defrag-threshold") &&
	    !arg_option(args, "defrag-interval"))
		return usage_error(args->command, "nothing to set: give --overcommit, --read-ahead, --tier-limit, --defrag-threshold or --defrag-interval");
	/* words before the module: they are wrong anywhere */
	msg = nlmsg_alloc();
	code = put_overcommit(args, msg);
	if (!code)
		code = put_threshold(args, msg);
	if (!code)
		code = put_number(args, "defrag-interval", 0, 86400, msg,
				  VGPU_A_GPU_DEFRAG_INTERVAL, false);
	if (!code)
		code = put_number(args, "read-ahead", 0, 32, msg,
				  VGPU_A_GPU_READ_AHEAD, false);
	if (!code)
		code = put_tier_limit(args, msg);
	nlmsg_free(msg);
	if (code)
		return code;
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_GPU_SET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	put_overcommit(args, msg);
	put_threshold(args, msg);
	put_number(args, "defrag-interval", 0, 86400, msg,
		   VGPU_A_GPU_DEFRAG_INTERVAL, false);
	put_number(args, "read-ahead", 0, 32, msg, VGPU_A_GPU_READ_AHEAD,
		   false);
	put_tier_limit(args, msg);
	snprintf(doing, sizeof(doing), "cannot set the memory of GPU %u", index);
	if (nl_talk(msg, &attr_set_gpu, NULL, &result))
		return nl_explain(&result, doing);
	return cmd_mem_show(args);
}

/* The figures of moving on @index; borrowed from *@gpu, which is put. */
static int get_defrag(uint32_t index, struct json_object **gpu,
		      struct json_object **defrag)
{
	int code;

	json_object_put(*gpu);
	*gpu = NULL;
	code = data_gpu(index, gpu);
	if (code)
		return code;
	if (!json_object_object_get_ex(*gpu, "defrag", defrag))
		return fail(CTL_FAILED, EOPNOTSUPP, NULL,
			    "memory of GPU %" PRIu32 " cannot be moved", index);
	return CTL_OK;
}

static volatile sig_atomic_t gave_up;

static void on_signal(int sig)
{
	gave_up = sig;
}

static void show_run(struct json_object *d)
{
	char a[FORMAT_SIZE], b[FORMAT_SIZE], c[FORMAT_SIZE], t[FORMAT_SIZE];

	printf("fragmentation %s -> %s, %s moved in %s\n",
	       format_permille(a, json_u64(d, "before_permille")),
	       format_permille(b, json_u64(d, "after_permille")),
	       format_bytes(c, json_u64(d, "run_moved")),
	       format_ns(t, json_u64(d, "run_ns")));
}

/* Nobody knows how much there is to move; what is known is what came of it. */
static void show_progress(struct json_object *d)
{
	uint64_t before = json_u64(d, "before_permille");
	uint64_t now = json_u64(d, "after_permille");
	char a[FORMAT_SIZE], b[FORMAT_SIZE], bar[FORMAT_SIZE], c[FORMAT_SIZE];
	unsigned int columns = progress_columns();
	char line[256];

	if (!json_u64(d, "run_ns"))
		return;
	format_bar(bar, before > now ? before - now : 0, before, 20);
	snprintf(line, sizeof(line), "moving  %s  fragmentation %s -> %s, %s moved",
		 bar, format_permille(a, before), format_permille(b, now),
		 format_bytes(c, json_u64(d, "run_moved")));
	if (columns < sizeof(line))
		line[columns] = 0;
	progress_show(line);
}

/* The kernel does it by itself; to give up is not to stop it. */
static void end_by_signal(uint32_t index)
{
	progress_show(NULL);
	note("GPU %" PRIu32 " goes on moving: see `vgpuctl mem show %" PRIu32 "`",
	     index, index);
	signal(gave_up, SIG_DFL);
	raise(gave_up);
}

int cmd_mem_defrag(struct args *args)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	const struct sigaction sa = { .sa_handler = on_signal };
	struct json_object *gpu = NULL, *d, *all;
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
	msg = nl_request(VGPU_NL_CMD_GPU_DEFRAG, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	snprintf(doing, sizeof(doing), "cannot move memory of GPU %u", index);
	if (nl_talk(msg, &attr_set_gpu, NULL, &result))
		return nl_explain(&result, doing);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	for (;;) {
		code = get_defrag(index, &gpu, &d);
		if (code || !json_u64(d, "running"))
			break;
		if (gave_up)
			end_by_signal(index);
		if (progress_wanted())
			show_progress(d);
		nanosleep(&pause, NULL);
	}
	progress_show(NULL);
	if (!code && json_output) {
		all = json_new();
		json_object_object_add(all, "defrag", json_object_get(d));
		code = print_json(all);
	} else if (!code) {
		show_run(d);
	}
	json_object_put(gpu);
	return code;
}
