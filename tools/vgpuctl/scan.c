// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl gpu scan: what this machine has.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "data.h"
#include "pci.h"
#include "scan.h"
#include "table.h"

static const struct {
	const char *kind, *title;
	bool memory;
} kinds[] = {
	{ "gpu", "GPUs", true },
	{ "accelerator", "Accelerators", true },
	{ "network", "Network", false },
	{ "storage", "Storage", false },
};

/* "NVIDIA Corporation GA102 [GeForce RTX 3090]", or numbers; @buf is DEVICE_NAME. */
const char *device_name(char *buf, struct json_object *dev)
{
	const char *vendor = json_str(dev, "vendor");
	const char *model = json_str(dev, "device");

	if (json_has(dev, "vendor_name") && json_has(dev, "device_name"))
		snprintf(buf, DEVICE_NAME, "%s %s",
			 json_str(dev, "vendor_name"),
			 json_str(dev, "device_name"));
	else if (json_has(dev, "vendor_name"))
		snprintf(buf, DEVICE_NAME, "%s %s",
			 json_str(dev, "vendor_name"), *model ? model + 2 : "?");
	else
		snprintf(buf, DEVICE_NAME, "%s:%s", *vendor ? vendor + 2 : "?",
			 *model ? model + 2 : "?");
	return buf;
}

static struct json_object *list_of(struct json_object *dev, const char *key)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(dev, key, &list);
	return list;
}

static size_t count_of(struct json_object *dev, const char *key)
{
	struct json_object *list = list_of(dev, key);

	return list ? json_object_array_length(list) : 0;
}

static void group_cell(struct table *t, struct json_object *dev)
{
	size_t others = count_of(dev, "iommu_group_others");

	if (!json_has(dev, "iommu_group"))
		table_cell(t, COLOR_DIM, "-");
	else if (others)
		table_cell(t, COLOR_NONE, "%" PRIu64 " +%zu",
			   json_u64(dev, "iommu_group"), others);
	else
		table_cell(t, COLOR_NONE, "%" PRIu64,
			   json_u64(dev, "iommu_group"));
}

static void vgpu_cell(struct table *t, struct json_object *dev)
{
	struct json_object *vgpu;

	if (!json_object_object_get_ex(dev, "vgpu", &vgpu))
		table_cell(t, COLOR_DIM, "-");
	else if (json_has(vgpu, "index"))
		table_cell(t, COLOR_GREEN, "GPU %" PRIu64,
			   json_u64(vgpu, "index"));
	else
		table_cell(t, COLOR_GREEN, "yes");
}

static void device_row(struct table *t, struct json_object *dev, bool memory)
{
	char name[DEVICE_NAME], buf[FORMAT_SIZE];
	const char *driver = json_str(dev, "driver");

	table_row(t);
	table_cell(t, COLOR_BOLD, "%s", json_str(dev, "address"));
	table_cell(t, COLOR_NONE, "%s", device_name(name, dev));
	table_cell(t, *driver ? COLOR_NONE : COLOR_DIM, "%s",
		   *driver ? driver : "-");
	group_cell(t, dev);
	if (!memory)
		return;
	/* of what a BAR shows there may be more behind it */
	if (json_has(dev, "vram_bytes"))
		table_cell(t, COLOR_NONE, "%s%s",
			   !strcmp(json_str(dev, "vram_from"), "bar") ? ">= " : "",
			   format_bytes(buf, json_u64(dev, "vram_bytes")));
	else
		table_cell(t, COLOR_DIM, "-");
	table_cell(t, COLOR_NONE, "%zu", count_of(dev, "mdev_types"));
	vgpu_cell(t, dev);
}

static void print_kind(struct json_object *devices, size_t k)
{
	struct json_object *dev;
	struct table *t = NULL;
	size_t i;

	for (i = 0; i < json_object_array_length(devices); i++) {
		dev = json_object_array_get_idx(devices, i);
		if (strcmp(json_str(dev, "kind"), kinds[k].kind))
			continue;
		if (!t) {
			t = table_new(terminal_width());
			table_column(t, "ADDRESS", false, 0);
			table_column(t, "MODEL", false, 5);
			table_column(t, "DRIVER", false, 1);
			table_column(t, "GROUP", false, 2);
			if (kinds[k].memory) {
				table_column(t, "MEMORY", true, 3);
				table_column(t, "TYPES", true, 4);
				table_column(t, "VGPU", false, 0);
			}
		}
		device_row(t, dev, kinds[k].memory);
	}
	printf("%s%s%s%s\n", color_on(COLOR_BOLD), kinds[k].title, color_off(),
	       t ? "" : ": none");
	if (t)
		table_print(t, stdout, 2);
}

static void print_types(struct json_object *devices)
{
	struct json_object *dev, *types, *type;
	struct table *t = NULL;
	size_t i, j;

	for (i = 0; i < json_object_array_length(devices); i++) {
		dev = json_object_array_get_idx(devices, i);
		types = list_of(dev, "mdev_types");
		for (j = 0; types && j < json_object_array_length(types); j++) {
			type = json_object_array_get_idx(types, j);
			if (!t) {
				t = table_new(terminal_width());
				table_column(t, "ADDRESS", false, 0);
				table_column(t, "TYPE", false, 0);
				table_column(t, "NAME", false, 1);
				table_column(t, "FREE", true, 0);
			}
			table_row(t);
			table_cell(t, COLOR_BOLD, "%s", json_str(dev, "address"));
			table_cell(t, COLOR_NONE, "%s", json_str(type, "type"));
			table_cell(t, COLOR_NONE, "%s", json_str(type, "name"));
			if (json_has(type, "available"))
				table_cell(t, json_u64(type, "available") ?
					   COLOR_GREEN : COLOR_DIM, "%" PRIu64,
					   json_u64(type, "available"));
			else
				table_cell(t, COLOR_RED, "?");
		}
	}
	if (!t)
		return;
	printf("%sTypes of mediated devices%s\n", color_on(COLOR_BOLD),
	       color_off());
	table_print(t, stdout, 2);
}

static void print_groups(struct json_object *devices)
{
	struct json_object *dev, *others, *one;
	const char *driver;
	bool titled = false;
	size_t i, j;

	for (i = 0; i < json_object_array_length(devices); i++) {
		dev = json_object_array_get_idx(devices, i);
		others = list_of(dev, "iommu_group_others");
		if (!others || !json_object_array_length(others))
			continue;
		if (!titled)
			printf("%sWho shares an IOMMU group%s\n",
			       color_on(COLOR_BOLD), color_off());
		titled = true;
		printf("  %s:", json_str(dev, "address"));
		for (j = 0; j < json_object_array_length(others); j++) {
			one = json_object_array_get_idx(others, j);
			driver = json_str(one, "driver");
			printf("%s %s%s%s%s", j ? "," : "",
			       json_str(one, "address"), *driver ? " (" : "",
			       driver, *driver ? ")" : "");
		}
		putchar('\n');
	}
}

void print_scan(struct json_object *found)
{
	struct json_object *devices = list_of(found, "devices");
	struct json_object *skipped = list_of(found, "skipped"), *one;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		print_kind(devices, i);
	print_types(devices);
	print_groups(devices);
	for (i = 0; i < json_object_array_length(devices); i++) {
		one = json_object_array_get_idx(devices, i);
		if (json_has(one, "unreadable"))
			printf("%sUnreadable%s of %s: %s\n",
			       color_on(COLOR_YELLOW), color_off(),
			       json_str(one, "address"),
			       json_object_to_json_string_ext(list_of(one, "unreadable"),
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	for (i = 0; i < json_object_array_length(skipped); i++) {
		one = json_object_array_get_idx(skipped, i);
		printf("%sLeft out%s: %s %s\n", color_on(COLOR_YELLOW),
		       color_off(), json_str(one, "name"), json_str(one, "why"));
	}
}

int take_root(struct args *args)
{
	const char *root = arg_option(args, "root");

	if (!root)
		return CTL_OK;
	if (!*root || strlen(root) > PATH_MAX / 4)
		return usage_error(args->command,
				   "--root: give a folder that has sys in it");
	if (setenv("VGPUCTL_ROOT", root, 1))
		return fail(CTL_FAILED, ENOMEM, NULL, "out of memory");
	return CTL_OK;
}

int cmd_gpu_scan(struct args *args)
{
	struct json_object *found, *all;
	int code = take_root(args);

	code = code ? code : pci_scan(&found);
	if (code)
		return code;
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "devices",
				       json_object_get(list_of(found, "devices")));
		json_object_object_add(all, "skipped",
				       json_object_get(list_of(found, "skipped")));
		code = print_json(all);
	} else {
		print_scan(found);
	}
	json_object_put(found);
	return code;
}
