// SPDX-License-Identifier: GPL-2.0
/*
 * What sits on the PCI bus: sysfs to JSON. An attribute that cannot be read costs
 * itself only, and is named ("unreadable"); a device of which the class is not
 * known is named as well ("skipped"), for nobody should think that it is not there.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"
#include "pci.h"
#include "sysfs.h"

#define DEVICES		"/sys/bus/pci/devices"
#define GROUPS		"/sys/kernel/iommu_groups"

/* more is no machine, but somebody's joke */
#define MAX_DEVICES	4096
#define MAX_MEMBERS	256
#define MAX_TYPES	64

#define BARS		6	/* lines of "resource" that are BARs */
#define BAR_MEM		0x200	/* IORESOURCE_MEM */
#define BAR_PREFETCH	0x2000	/* IORESOURCE_PREFETCH */

bool pci_elsewhere(void)
{
	const char *root = getenv("VGPUCTL_ROOT");

	return root && *root;
}

static void add_text(struct json_object *obj, const char *key, const char *text)
{
	json_object_object_add(obj, key, json_object_new_string(text));
}

static void add_number(struct json_object *obj, const char *key, int64_t value)
{
	json_object_object_add(obj, key, json_object_new_int64(value));
}

/* "0000:01:00.0"; domains have more digits than four where they are made up. */
static bool is_address(const char *name)
{
	size_t domain = strspn(name, "0123456789abcdef");
	const char *p = name + domain;

	return domain >= 4 && domain <= 8 && strlen(p) == 8 && p[0] == ':' &&
	       strspn(p + 1, "0123456789abcdef") == 2 && p[3] == ':' &&
	       strspn(p + 4, "0123456789abcdef") == 2 && p[6] == '.' &&
	       p[7] >= '0' && p[7] <= '7';
}

static const char *kind_of(int64_t class)
{
	switch (class >> 16) {
	case 0x01:
		return "storage";
	case 0x02:
		return "network";
	case 0x03:
		return "gpu";
	case 0x12:
		return "accelerator";
	default:
		/* co-processors: what NPUs were before there was a class for them */
		return class >> 8 == 0x0b40 ? "accelerator" : NULL;
	}
}

static void unreadable(struct json_object *dev, const char *name)
{
	struct json_object *list;

	if (json_flag(dev, "unreadable", name))
		return;
	if (!json_object_object_get_ex(dev, "unreadable", &list)) {
		list = json_object_new_array();
		json_object_object_add(dev, "unreadable", list);
	}
	json_object_array_add(list, json_object_new_string(name));
}

/* A number that a device may have; complains unless it is not there. */
static bool may_have(struct json_object *dev, const char *dir, const char *name,
		     int64_t *value)
{
	int err = sys_number(dir, name, value);

	if (err && err != -ENOENT)
		unreadable(dev, name);
	return !err;
}

static bool must_have(struct json_object *dev, const char *dir,
		      const char *name, int64_t *value)
{
	if (!sys_number(dir, name, value) && *value >= 0 && *value <= 0xffffff)
		return true;
	unreadable(dev, name);
	return false;
}

/* A link that a device may have: its last part, "" without. */
static void linked(struct json_object *dev, const char *dir, const char *name,
		   char text[SYS_TEXT])
{
	int err = sys_link(dir, name, text);

	if (!err)
		return;
	*text = '\0';
	if (err != -ENOENT)
		unreadable(dev, name);
}

static void add_driver(struct json_object *dev, const char *dir)
{
	char driver[SYS_TEXT];

	linked(dev, dir, "driver", driver);
	if (*driver)
		add_text(dev, "driver", driver);
}

/* ---- who else is in the IOMMU group ------------------------------------------- */

static struct json_object *member(const char *name)
{
	struct json_object *one = json_object_new_object();
	char dir[PATH_MAX], shown[SYS_TEXT];
	int64_t class;

	sys_clean(name, strlen(name), shown, sizeof(shown));
	add_text(one, "address", shown);
	if (!is_address(name) ||
	    sys_path(dir, sizeof(dir), DEVICES "/%s", name))
		return one;
	if (must_have(one, dir, "class", &class)) {
		snprintf(shown, sizeof(shown), "0x%06" PRIx64, class);
		add_text(one, "class", shown);
	}
	add_driver(one, dir);
	return one;
}

static void add_group(struct json_object *dev, const char *dir, const char *self)
{
	struct json_object *others;
	struct sys_names names;
	char group[SYS_TEXT], path[PATH_MAX];
	uint64_t number;
	size_t i;

	linked(dev, dir, "iommu_group", group);
	if (!*group)
		return;
	if (parse_number(group, UINT32_MAX, &number) ||
	    sys_path(path, sizeof(path), GROUPS "/%" PRIu64 "/devices", number) ||
	    sys_names(path, MAX_MEMBERS, &names)) {
		unreadable(dev, "iommu_group");
		return;
	}
	add_number(dev, "iommu_group", (int64_t)number);
	others = json_object_new_array();
	for (i = 0; i < names.count; i++)
		if (strcmp(names.name[i], self))
			json_object_array_add(others, member(names.name[i]));
	json_object_object_add(dev, "iommu_group_others", others);
	if (names.more)
		unreadable(dev, "iommu_group");
	sys_names_free(&names);
}

/* ---- memory ---------------------------------------------------------------------- */

/*
 * The largest window that may be prefetched: what the CPU sees of the VRAM, which
 * is all of it or a part.
 */
static uint64_t largest_bar(const char *dir)
{
	uint64_t start, end, flags, largest = 0;
	char text[2048], *line;
	ssize_t n;
	int i;

	n = sys_read(dir, "resource", text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	for (i = 0, line = text; i < BARS && line; i++) {
		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64,
			   &start, &end, &flags) != 3)
			break;
		if ((flags & BAR_MEM) && (flags & BAR_PREFETCH) && end > start &&
		    end - start < INT64_MAX && end - start + 1 > largest)
			largest = end - start + 1;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return largest;
}

static void add_vram(struct json_object *dev, const char *dir)
{
	int64_t bytes = 0;

	if (may_have(dev, dir, "mem_info_vram_total", &bytes) && bytes > 0) {
		add_number(dev, "vram_bytes", bytes);
		add_text(dev, "vram_from", "driver");
		return;
	}
	bytes = (int64_t)largest_bar(dir);
	if (bytes > 0) {
		add_number(dev, "vram_bytes", bytes);
		add_text(dev, "vram_from", "bar");
	}
}

/* ---- types of mediated devices ------------------------------------------------- */

static struct json_object *mdev_type(struct json_object *dev, const char *types,
				     const char *name)
{
	struct json_object *one = json_object_new_object();
	char dir[PATH_MAX], text[SYS_TEXT];
	int64_t left;

	sys_clean(name, strlen(name), text, sizeof(text));
	add_text(one, "type", text);
	if ((size_t)snprintf(dir, sizeof(dir), "%s/%s", types, name) >= sizeof(dir))
		return one;
	if (!sys_text(dir, "name", text))
		add_text(one, "name", text);
	if (!sys_text(dir, "device_api", text))
		add_text(one, "device_api", text);
	/* without it nobody knows whether there is room */
	if (!sys_number(dir, "available_instances", &left) && left >= 0)
		add_number(one, "available", left);
	else
		unreadable(dev, "available_instances");
	return one;
}

static void add_mdev_types(struct json_object *dev, const char *dir)
{
	struct json_object *types;
	struct sys_names names;
	char path[PATH_MAX];
	size_t i;
	int err;

	if ((size_t)snprintf(path, sizeof(path), "%s/mdev_supported_types", dir) >=
	    sizeof(path))
		return;
	err = sys_names(path, MAX_TYPES, &names);
	if (err && err != -ENOENT)
		unreadable(dev, "mdev_supported_types");
	if (err)
		return;
	types = json_object_new_array();
	for (i = 0; i < names.count; i++)
		json_object_array_add(types, mdev_type(dev, path, names.name[i]));
	json_object_object_add(dev, "mdev_types", types);
	if (names.more)
		unreadable(dev, "mdev_supported_types");
	sys_names_free(&names);
}

/* ---- a device ---------------------------------------------------------------------- */

/* Is it one that vgpu shares? Only this machine's kernel can tell which. */
static void add_vgpu(struct json_object *dev, struct json_object *gpus)
{
	struct json_object *gpu, *ours;
	size_t i;

	for (i = 0; gpus && i < json_object_array_length(gpus); i++) {
		gpu = json_object_array_get_idx(gpus, i);
		if (strcmp(json_str(gpu, "device"), json_str(dev, "address")))
			continue;
		ours = json_object_new_object();
		add_number(ours, "index", (int64_t)json_u64(gpu, "index"));
		add_text(ours, "name", json_str(gpu, "name"));
		json_object_object_add(dev, "vgpu", ours);
		add_number(dev, "vram_bytes",
			   (int64_t)json_u64(gpu, "vram_bytes"));
		add_text(dev, "vram_from", "vgpu");
		return;
	}
	/* nobody to ask: its driver's name tells that, but not which */
	if (!strncmp(json_str(dev, "driver"), "vgpu_", 5))
		json_object_object_add(dev, "vgpu", json_object_new_object());
}

struct scan {
	struct pci_names *names;
	struct json_object *gpus;	/* vgpu's, or NULL */
	struct json_object *devices, *skipped;
};

static void skip(struct scan *s, const char *name, const char *why)
{
	struct json_object *one = json_object_new_object();
	char text[SYS_TEXT];

	sys_clean(name, strlen(name), text, sizeof(text));
	add_text(one, "name", text);
	add_text(one, "why", why);
	json_object_array_add(s->skipped, one);
}

static void add_identity(struct scan *s, struct json_object *dev,
			 const char *dir, int64_t class)
{
	int64_t vendor = 0, model = 0, value;
	char text[16];

	snprintf(text, sizeof(text), "0x%06" PRIx64, class);
	add_text(dev, "class", text);
	if (must_have(dev, dir, "vendor", &vendor)) {
		snprintf(text, sizeof(text), "0x%04" PRIx64, vendor);
		add_text(dev, "vendor", text);
	}
	if (must_have(dev, dir, "device", &model)) {
		snprintf(text, sizeof(text), "0x%04" PRIx64, model);
		add_text(dev, "device", text);
	}
	pci_names_add(s->names, dev, (int)vendor, (int)model, (int)class);
	add_driver(dev, dir);
	if (may_have(dev, dir, "numa_node", &value) && value >= 0)
		add_number(dev, "numa_node", value);
	if (may_have(dev, dir, "boot_vga", &value))
		json_object_object_add(dev, "boot_vga",
				       json_object_new_boolean(value == 1));
	if (may_have(dev, dir, "sriov_totalvfs", &value) && value > 0)
		add_number(dev, "sriov_totalvfs", value);
}

static void scan_device(struct scan *s, const char *name)
{
	struct json_object *dev;
	char dir[PATH_MAX];
	const char *kind;
	int64_t class;
	int err;

	if (!is_address(name)) {
		skip(s, name, "is no address of PCI");
		return;
	}
	err = sys_path(dir, sizeof(dir), DEVICES "/%s", name);
	err = err ? err : sys_number(dir, "class", &class);
	if (!err && (class < 0 || class > 0xffffff))
		err = -EINVAL;
	if (err) {
		snprintf(dir, sizeof(dir), "its class cannot be read: %s",
			 strerror(-err));
		skip(s, name, dir);
		return;
	}
	kind = kind_of(class);
	if (!kind)
		return;
	dev = json_object_new_object();
	add_text(dev, "address", name);
	add_text(dev, "kind", kind);
	add_identity(s, dev, dir, class);
	add_group(dev, dir, name);
	if (!strcmp(kind, "gpu") || !strcmp(kind, "accelerator"))
		add_vram(dev, dir);
	add_mdev_types(dev, dir);
	add_vgpu(dev, s->gpus);
	json_object_array_add(s->devices, dev);
}

/* vgpu's own GPUs; without its module there are none, and that is no fault. */
static struct json_object *own_gpus(void)
{
	struct json_object *gpus = NULL;

	if (pci_elsewhere() || !nl_available() || data_gpus(&gpus))
		return NULL;
	return gpus;
}

int pci_scan(struct json_object **found)
{
	struct scan s = { NULL };
	struct sys_names names;
	char dir[PATH_MAX];
	size_t i;
	int err;

	err = sys_path(dir, sizeof(dir), DEVICES);
	err = err ? err : sys_names(dir, MAX_DEVICES, &names);
	if (err)
		return fail(err == -ENOENT ? CTL_DEVICE : code_of(-err), -err,
			    pci_elsewhere() ? "--root takes a folder that has sys in it" : NULL,
			    "cannot look at the PCI bus, %s: %s", dir,
			    strerror(-err));
	s.names = pci_names_open();
	s.gpus = own_gpus();
	s.devices = json_object_new_array();
	s.skipped = json_object_new_array();
	for (i = 0; i < names.count; i++)
		scan_device(&s, names.name[i]);
	if (names.more)
		skip(&s, "", "there are too many devices: the rest was left out");
	sys_names_free(&names);
	pci_names_close(s.names);
	json_object_put(s.gpus);
	*found = json_object_new_object();
	json_object_object_add(*found, "devices", s.devices);
	json_object_object_add(*found, "skipped", s.skipped);
	return CTL_OK;
}
