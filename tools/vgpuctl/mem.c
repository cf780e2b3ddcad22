// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl mem: the memory of a GPU, and what of it need not be there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "data.h"
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
		{ "stored", "In system memory", SHOW_BYTES },
		{ "same", "  of one word", SHOW_BYTES },
		{ "plain", "  not compressed", SHOW_BYTES },
		{ "packed", "  compressed to", SHOW_BYTES },
		{ "system", "  taking", SHOW_BYTES },
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
		{ "evictions", "Evicted", SHOW_NUMBER },
		{ "evict_failed", "  in vain", SHOW_NUMBER },
		{ "latency_p50_ns", "Half of them within", SHOW_NS },
		{ "latency_p99_ns", "99 % of them within", SHOW_NS },
		{ NULL, NULL, 0 },
	});
}

int cmd_mem_show(struct args *args)
{
	struct json_object *gpu, *mem, *part;
	uint64_t ratio;
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
	ratio = json_u64(gpu, "overcommit_permille");
	if (json_output) {
		static const char *const names[] = {
			"index", "vram_bytes", "vram_committed",
			"overcommit_permille", "strategy", "vram", "paging",
		};
		struct json_object *all = json_new();
		size_t i;

		mem = json_object_new_object();
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (json_object_object_get_ex(gpu, names[i], &part))
				json_object_object_add(mem, names[i],
						       json_object_get(part));
		json_object_object_add(all, "mem", mem);
		json_object_put(gpu);
		return print_json(all);
	}
	printf("%sMemory of GPU %" PRIu32 "%s\n", color_on(COLOR_BOLD), index,
	       color_off());
	show_vram(part);
	show_fields(gpu, (const struct show_field[]) {
		{ "vram_committed", "Promised", SHOW_BYTES },
		{ NULL, NULL, 0 },
	});
	printf("  over-commit: %" PRIu64 ".%02" PRIu64 "\n", ratio / 1000,
	       ratio % 1000 / 10);
	if (json_object_object_get_ex(gpu, "paging", &part) &&
	    json_u64(part, "frames"))
		show_paging(part);
	json_object_put(gpu);
	return CTL_OK;
}

int cmd_mem_set(struct args *args)
{
	const char *text = arg_option(args, "overcommit");
	struct nl_result result;
	struct nl_msg *msg;
	char doing[64], *end;
	uint32_t index;
	double ratio;
	int code;

	if (parse_gpu(args->argv[0], &index))
		return usage_error(args->command, "'%s' is no GPU: give a number",
				   args->argv[0]);
	if (!text)
		return usage_error(args->command, "nothing to set: give --overcommit");
	ratio = strtod(text, &end);
	if (end == text || *end || !(ratio >= 1 && ratio <= 8))
		return usage_error(args->command,
				   "--overcommit '%s': give a ratio from 1 to 8, as 1.5",
				   text);
	code = nl_open();
	if (code)
		return code;
	msg = nl_request(VGPU_NL_CMD_GPU_SET, 0);
	nla_put_u32(msg, VGPU_A_GPU_INDEX, index);
	nla_put_u32(msg, VGPU_A_GPU_OVERCOMMIT_PERMILLE,
		    (uint32_t)(ratio * 1000 + 0.5));
	snprintf(doing, sizeof(doing), "cannot set the memory of GPU %u", index);
	if (nl_talk(msg, &attr_set_gpu, NULL, &result))
		return nl_explain(&result, doing);
	return cmd_mem_show(args);
}
