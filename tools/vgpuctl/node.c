// SPDX-License-Identifier: GPL-2.0
/*
 * A VM has nodes but no netlink family, and so has a container with a network
 * of its own: ask each node what it is.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <json-c/json.h>
#include <linux/vgpu.h>

#include "data.h"

#define NODES	"/dev/vgpu"

const char *root_path(char *buf, size_t size, const char *path)
{
	const char *root = getenv("VGPUCTL_ROOT");

	snprintf(buf, size, "%s%s", root ? root : "", path);
	return buf;
}

static int is_node(const struct dirent *d)
{
	const char *p = d->d_name;

	if (*p++ != 'v' || !*p)
		return 0;
	while (isdigit((unsigned char)*p))
		p++;
	return !*p;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	unsigned long x = strtoul((*a)->d_name + 1, NULL, 10);
	unsigned long y = strtoul((*b)->d_name + 1, NULL, 10);

	return x < y ? -1 : x > y;
}

static int scan(struct dirent ***names)
{
	char path[256];

	return scandir(root_path(path, sizeof(path), NODES), names, is_node,
		       by_number);
}

static void scan_free(struct dirent **names, int n)
{
	while (n-- > 0)
		free(names[n]);
	free(names);
}

bool node_any(void)
{
	struct dirent **names;
	int n = scan(&names);

	if (n < 0)
		return false;
	scan_free(names, n);
	return n > 0;
}

static void add_u64(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

/* By the names that netlink's attributes have. */
static struct json_object *to_json(const char *node, const struct vgpu_info *vi)
{
	struct json_object *obj = json_object_new_object();
	char uuid[37];

	format_uuid(vi->uuid, uuid);
	add_u64(obj, "id", vi->id);
	json_object_object_add(obj, "uuid", json_object_new_string(uuid));
	json_object_object_add(obj, "node", json_object_new_string(node));
	json_object_object_add(obj, "gpu_name",
			       json_object_new_string_len(vi->gpu_name,
							  (int)strnlen(vi->gpu_name,
								       sizeof(vi->gpu_name))));
	add_u64(obj, "units", vi->units);
	add_u64(obj, "weight", vi->weight);
	add_u64(obj, "priority", vi->priority);
	add_u64(obj, "vram_limit", vi->vram_bytes);
	add_u64(obj, "vram_used", vi->vram_used);
	return obj;
}

/* NULL: errno tells */
static struct json_object *ask(const char *name)
{
	struct vgpu_info vi = { .size = sizeof(vi) };
	char node[300], path[600];
	int fd, err;

	snprintf(node, sizeof(node), NODES "/%s", name);
	fd = open(root_path(path, sizeof(path), node), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	err = ioctl(fd, VGPU_IOCTL_INFO, &vi) ? errno : 0;
	close(fd);
	if (err) {
		errno = err;
		return NULL;
	}
	return to_json(node, &vi);
}

static int cannot_ask(const char *name, int err)
{
	return fail(code_of(err), err,
		    err == EACCES ? "try with sudo, or ask for access to the node" : NULL,
		    "cannot ask " NODES "/%s: %s", name, strerror(err));
}

int node_list(struct json_object **vgpus)
{
	struct dirent **names;
	struct json_object *one;
	int n = scan(&names), i, code = CTL_OK;

	*vgpus = json_object_new_array();
	for (i = 0; i < n; i++) {
		one = ask(names[i]->d_name);
		if (one) {
			json_object_array_add(*vgpus, one);
			continue;
		}
		/* one that we may not open must not hide the others */
		if (n == 1)
			code = cannot_ask(names[i]->d_name, errno);
		else
			note("%s/%s: %s", NODES, names[i]->d_name,
			     strerror(errno));
	}
	if (n >= 0)
		scan_free(names, n);
	if (code) {
		json_object_put(*vgpus);
		*vgpus = NULL;
	}
	return code;
}

int node_show(const struct vgpu_name *name, struct json_object **vgpu)
{
	struct json_object *all, *one;
	char word[40];
	size_t i;
	int code;

	if (!name->by_uuid) {
		snprintf(word, sizeof(word), "v%u", name->id);
		*vgpu = ask(word);
		return *vgpu ? CTL_OK : cannot_ask(word, errno);
	}
	code = node_list(&all);
	if (code)
		return code;
	format_uuid(name->uuid, word);
	*vgpu = NULL;
	for (i = 0; i < json_object_array_length(all); i++) {
		one = json_object_array_get_idx(all, i);
		if (!strcmp(json_str(one, "uuid"), word))
			*vgpu = json_object_get(one);
	}
	json_object_put(all);
	if (!*vgpu)
		return fail(CTL_DEVICE, ENODEV, "see `vgpuctl list`",
			    "no vGPU has the UUID %s", word);
	return CTL_OK;
}
