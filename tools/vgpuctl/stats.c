// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl stats: every counter, as the kernel names it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "data.h"
#include "table.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* All numbers of an object, in the order the kernel gave them. */
static void print_numbers(struct json_object *obj, const char *const *skip)
{
	struct json_object_iter it;
	size_t i;

	json_object_object_foreachC(obj, it) {
		if (!json_object_is_type(it.val, json_type_int))
			continue;
		for (i = 0; skip[i]; i++)
			if (!strcmp(skip[i], it.key))
				break;
		if (!skip[i])
			printf("  %-20s %20" PRIu64 "\n", it.key,
			       json_object_get_uint64(it.val));
	}
}

static void print_gpu_stats(struct json_object *gpu)
{
	static const char *const skip[] = { "index", NULL };
	struct json_object *engines, *vram, *e;
	size_t i;

	if (json_object_object_get_ex(gpu, "vram", &vram)) {
		printf("%sGPU %" PRIu64 " memory%s\n", color_on(COLOR_BOLD),
		       json_u64(gpu, "index"), color_off());
		print_numbers(vram, skip);
	}
	if (!json_object_object_get_ex(gpu, "engine", &engines))
		return;
	for (i = 0; i < json_object_array_length(engines); i++) {
		e = json_object_array_get_idx(engines, i);
		if (data_spare(e))
			continue;
		printf("%sGPU %" PRIu64 " engine %" PRIu64 "%s\n",
		       color_on(COLOR_BOLD), json_u64(gpu, "index"),
		       json_u64(e, "index"), color_off());
		print_numbers(e, skip);
	}
}

static void print_vgpu_stats(struct json_object *vgpu)
{
	static const char *const skip[] = { "id", "gpu", "holder_pid", NULL };

	printf("%sv%" PRIu64 "%s  %s  %s  %s\n", color_on(COLOR_BOLD),
	       json_u64(vgpu, "id"), color_off(), json_str(vgpu, "uuid"),
	       json_str(vgpu, "type"), json_str(vgpu, "state"));
	print_numbers(vgpu, skip);
}

static int named(struct args *args, struct json_object **vgpus)
{
	struct json_object *one;
	struct vgpu_name name;
	int i, code;

	*vgpus = json_object_new_array();
	for (i = 0; i < args->argc; i++) {
		if (parse_vgpu(args->argv[i], &name))
			code = usage_error(args->command,
					   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
					   args->argv[i]);
		else
			code = data_vgpu(&name, &one);
		if (code) {
			json_object_put(*vgpus);
			return code;
		}
		json_object_array_add(*vgpus, one);
	}
	return CTL_OK;
}

int cmd_stats(struct args *args)
{
	const char *text = arg_option(args, "gpu");
	struct json_object *gpus = NULL, *vgpus, *all;
	uint32_t index = GPU_ALL;
	bool reduced = false;
	size_t i;
	int code;

	if (text && parse_gpu(text, &index))
		return usage_error(args->command,
				   "--gpu '%s' is no GPU: give a number", text);
	if (text && args->argc)
		return usage_error(args->command,
				   "give vGPUs or --gpu, not both");
	code = nl_open();
	if (code)
		return code;
	code = args->argc ? named(args, &vgpus) : data_vgpus(index, &vgpus);
	if (code)
		return code;
	if (!args->argc) {
		code = data_gpus(&gpus);
		if (code) {
			json_object_put(vgpus);
			return code;
		}
	}

	if (json_output) {
		all = json_new();
		json_object_object_add(all, "time_ns",
				       json_object_new_uint64(now_ns()));
		if (gpus)
			json_object_object_add(all, "gpus", gpus);
		json_object_object_add(all, "vgpus", vgpus);
		return print_json(all);
	}
	for (i = 0; gpus && i < json_object_array_length(gpus); i++) {
		struct json_object *gpu = json_object_array_get_idx(gpus, i);

		if (index == GPU_ALL || json_u64(gpu, "index") == index)
			print_gpu_stats(gpu);
	}
	for (i = 0; i < json_object_array_length(vgpus); i++) {
		print_vgpu_stats(json_object_array_get_idx(vgpus, i));
		reduced |= data_reduced(json_object_array_get_idx(vgpus, i));
	}
	json_object_put(gpus);
	json_object_put(vgpus);
	if (reduced)
		return fail(CTL_DEVICE, 0, "try with sudo", "figures need root");
	return CTL_OK;
}
