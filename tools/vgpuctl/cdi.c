// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl cdi: vGPUs for containers, as a spec of the Container Device Interface,
 * https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
 *
 * A device is named by the vGPU's UUID: numbers are used again.  Names may begin with a
 * digit from 0.5.0 on; nothing here needs a later version, and podman 4.3 reads none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "cdi.h"
#include "data.h"

#define CDI_VERSION	"0.5.0"
#define CDI_KIND	"vgpu.org/vgpu"
#define CDI_JSON	(JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_PRETTY | \
			 JSON_C_TO_STRING_SPACED)

static void add(struct json_object *to, const char *key, const char *value)
{
	json_object_object_add(to, key, json_object_new_string(value));
}

static struct json_object *list_of(struct json_object *one)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, one);
	return list;
}

/* NULL: no container can have it. */
static struct json_object *device_of(struct json_object *vgpu)
{
	struct json_object *device, *edits, *node;
	char uuid[37], path[32], env[80];
	uint8_t raw[16];

	/* what does not look like a UUID is no name, nor anything else in this file */
	if (!json_has(vgpu, "node") || parse_uuid(json_str(vgpu, "uuid"), raw))
		return NULL;
	format_uuid(raw, uuid);
	snprintf(path, sizeof(path), "/dev/vgpu/v%u",
		 (unsigned int)json_u64(vgpu, "id"));
	snprintf(env, sizeof(env), "VGPU_UUID=%s", uuid);

	node = json_object_new_object();
	add(node, "path", path);
	add(node, "type", "c");
	/* without "m": none that is not given can be made */
	add(node, "permissions", "rw");
	edits = json_object_new_object();
	json_object_object_add(edits, "deviceNodes", list_of(node));
	json_object_object_add(edits, "env", list_of(json_object_new_string(env)));
	device = json_object_new_object();
	add(device, "name", uuid);
	json_object_object_add(device, "containerEdits", edits);
	return device;
}

struct json_object *cdi_spec(struct json_object *vgpus, uint32_t gpu)
{
	struct json_object *spec = json_object_new_object();
	struct json_object *devices = json_object_new_array();
	struct json_object *vgpu, *device;
	size_t i;

	for (i = 0; i < json_object_array_length(vgpus); i++) {
		vgpu = json_object_array_get_idx(vgpus, i);
		if (gpu != GPU_ALL && json_u64(vgpu, "gpu") != gpu)
			continue;
		device = device_of(vgpu);
		if (device)
			json_object_array_add(devices, device);
	}
	add(spec, "cdiVersion", CDI_VERSION);
	add(spec, "kind", CDI_KIND);
	json_object_object_add(spec, "devices", devices);
	return spec;
}

static int write_spec(struct json_object *spec, const char *path)
{
	const char *text = json_object_to_json_string_ext(spec, CDI_JSON);
	char *line;
	int code;

	if (!path) {
		puts(text);
		return CTL_OK;
	}
	if (asprintf(&line, "%s\n", text) < 0)
		return fail(CTL_FAILED, ENOMEM, NULL, "no memory");
	/* runtimes of users without rights read it, too */
	code = write_whole(path, line, 0644);
	free(line);
	return code;
}

int cmd_cdi(struct args *args)
{
	const char *gpu = arg_option(args, "gpu");
	const char *path = arg_option(args, "output");
	struct json_object *vgpus, *spec;
	uint32_t index = GPU_ALL;
	int code;

	if (json_output)
		return usage_error(args->command,
				   "a CDI spec is JSON of its own: `vgpuctl -j vgpu list` has all that is known of vGPUs");
	if (gpu && parse_gpu(gpu, &index))
		return usage_error(args->command, "'%s' is no GPU: give a number", gpu);
	/* in a VM, too: it may have containers of its own */
	code = data_vgpus(index, &vgpus);
	if (code)
		return code;
	spec = cdi_spec(vgpus, index);
	json_object_put(vgpus);
	/* runtimes take a spec without devices for a broken one */
	if (!json_object_array_length(json_object_object_get(spec, "devices")))
		code = fail(CTL_FAILED, ENODEV, path && !access(path, F_OK) ?
			    "remove the file: the vGPUs that it names are gone" :
			    "make one: `vgpuctl vgpu create --type TYPE --start`",
			    "there is no vGPU for containers");
	else
		code = write_spec(spec, path);
	json_object_put(spec);
	return code;
}
