// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl type: shapes of vGPUs.
 */
#include <inttypes.h>
#include <stdio.h>

#include <json-c/json.h>

#include "data.h"
#include "table.h"

static void type_row(struct table *t, struct json_object *type)
{
	char buf[FORMAT_SIZE];
	uint64_t left = json_u64(type, "available");

	table_row(t);
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(type, "gpu"));
	table_cell(t, COLOR_BOLD, "%s", json_str(type, "name"));
	table_cell(t, COLOR_NONE, "%" PRIu64 "/8", json_u64(type, "shares"));
	table_cell(t, COLOR_NONE, "%" PRIu64, json_u64(type, "weight"));
	table_cell(t, COLOR_NONE, "%s",
		   format_bytes(buf, json_u64(type, "vram_bytes")));
	table_cell(t, left ? COLOR_GREEN : COLOR_DIM, "%" PRIu64, left);
}

int cmd_type_list(struct args *args)
{
	const char *gpu = arg_option(args, "gpu");
	struct json_object *types, *all;
	uint32_t index = GPU_ALL;
	struct table *t;
	size_t i;
	int code;

	if (gpu && parse_gpu(gpu, &index))
		return usage_error(args->command,
				   "--gpu '%s' is no GPU: give a number", gpu);
	code = data_types(index, &types);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "types", types);
		return print_json(all);
	}
	if (!json_object_array_length(types)) {
		puts("no GPU; the software GPU comes with `modprobe vgpu_soft`");
	} else {
		t = table_new(terminal_width());
		table_column(t, "GPU", true, 0);
		table_column(t, "TYPE", false, 0);
		table_column(t, "SHARE", true, 2);
		table_column(t, "WEIGHT", true, 1);
		table_column(t, "MEMORY", true, 0);
		table_column(t, "AVAILABLE", true, 0);
		for (i = 0; i < json_object_array_length(types); i++)
			type_row(t, json_object_array_get_idx(types, i));
		table_print(t, stdout, 0);
	}
	json_object_put(types);
	return CTL_OK;
}
