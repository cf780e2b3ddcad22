// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl qemu: how a mediated device is attached to a VM.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"
#include "sysfs.h"

#define MDEVS	"/sys/bus/mdev/devices"

static bool is_mdev(const char *uuid)
{
	char dir[PATH_MAX];

	return !sys_path(dir, sizeof(dir), MDEVS "/%s", uuid) &&
	       !access(dir, F_OK);
}

/* What QEMU and libvirt name the kind of device; nothing else goes on a command line. */
static const char *model_of(const char *uuid)
{
	static const char *const models[] = {
		"vfio-pci", "vfio-pci-nohotplug", "vfio-ccw", "vfio-ap",
	};
	char dir[PATH_MAX], text[SYS_TEXT];
	size_t i;

	if (!sys_path(dir, sizeof(dir), MDEVS "/%s/mdev_type", uuid) &&
	    !sys_text(dir, "device_api", text))
		for (i = 0; i < sizeof(models) / sizeof(models[0]); i++)
			if (!strcmp(models[i], text))
				return models[i];
	return models[0];
}

/* The UUID of the mediated device that a word means; an exit code. */
static int find(const struct vgpu_name *name, char uuid[37])
{
	struct json_object *vgpu;
	uint64_t id;
	bool mdev;
	int code;

	/* sysfs alone is enough, and for everybody */
	if (name->by_uuid) {
		format_uuid(name->uuid, uuid);
		if (is_mdev(uuid))
			return CTL_OK;
	}
	code = data_vgpu(name, &vgpu);
	if (code)
		return code;
	id = json_u64(vgpu, "id");
	if (*json_str(vgpu, "holder"))
		note("v%" PRIu64 " is held by PID %" PRIu64 " (%s): one VM at a time can have it",
		     id, json_u64(vgpu, "holder_pid"), json_str(vgpu, "holder"));
	mdev = json_flag(vgpu, "flags", "mdev");
	snprintf(uuid, 37, "%s", json_str(vgpu, "uuid"));
	json_object_put(vgpu);
	if (!mdev && !is_mdev(uuid))
		return fail(CTL_FAILED, ENOTSUP,
			    "make one that is: `vgpuctl vgpu create --type TYPE --mdev`",
			    "v%" PRIu64 " is no mediated device: programs and containers open /dev/vgpu/v%" PRIu64
			    ", VMs cannot", id, id);
	if (!is_mdev(uuid))
		return fail(CTL_DEVICE, ENODEV, NULL,
			    "v%" PRIu64 " has no folder in " MDEVS, id);
	return CTL_OK;
}

static void hostdev(char *buf, size_t size, const char *model, const char *uuid)
{
	snprintf(buf, size,
		 "<hostdev mode='subsystem' type='mdev' model='%.*s'>\n"
		 "  <source>\n"
		 "    <address uuid='%s'/>\n"
		 "  </source>\n"
		 "</hostdev>\n",
		 /* libvirt says by itself what can be plugged */
		 (int)(strstr(model, "-nohotplug") ? strlen("vfio-pci") : strlen(model)),
		 model, uuid);
}

const char *qemu_device(const char *uuid, char *buf, size_t size)
{
	snprintf(buf, size, "%s,sysfsdev=" MDEVS "/%s", model_of(uuid), uuid);
	return buf;
}

int cmd_qemu(struct args *args)
{
	char uuid[37], device[256], path[80], xml[512];
	struct json_object *all, *list;
	struct vgpu_name name;
	int code;

	if (parse_vgpu(args->argv[0], &name))
		return usage_error(args->command,
				   "'%s' is no vGPU: give a number (3 or v3) or a UUID",
				   args->argv[0]);
	code = find(&name, uuid);
	if (code)
		return code;
	snprintf(path, sizeof(path), MDEVS "/%s", uuid);
	qemu_device(uuid, device, sizeof(device));
	hostdev(xml, sizeof(xml), model_of(uuid), uuid);
	if (!json_output) {
		if (arg_option(args, "libvirt"))
			fputs(xml, stdout);
		else
			printf("-device %s\n", device);
		return CTL_OK;
	}
	all = json_new();
	json_object_object_add(all, "uuid", json_object_new_string(uuid));
	json_object_object_add(all, "mdev", json_object_new_string(path));
	list = json_object_new_array();
	json_object_array_add(list, json_object_new_string("-device"));
	json_object_array_add(list, json_object_new_string(device));
	json_object_object_add(all, "qemu", list);
	json_object_object_add(all, "libvirt", json_object_new_string(xml));
	return print_json(all);
}
