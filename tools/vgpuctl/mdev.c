// SPDX-License-Identifier: GPL-2.0
/*
 * Mediated devices.  The kernel makes and unmakes them only when told so
 * through sysfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? errno : 0;
	close(fd);
	return err;
}

/*
 * The kernel puts the parent driver's name and a hyphen in front of the
 * type's.  Both may contain hyphens, so look for the end.
 */
static bool is_type(const char *dir, const char *type)
{
	size_t d = strlen(dir), t = strlen(type);

	return d > t + 1 && dir[d - t - 1] == '-' && !strcmp(dir + d - t, type);
}

static int find_type(const char *types, const char *type, char *path,
		     size_t size)
{
	struct dirent *d;
	DIR *dir = opendir(types);
	int err = ENOENT;

	if (!dir)
		return errno;
	while ((d = readdir(dir))) {
		if (is_type(d->d_name, type)) {
			snprintf(path, size, "%s/%s/create", types, d->d_name);
			err = 0;
			break;
		}
	}
	closedir(dir);
	return err;
}

int mdev_create(struct json_object *gpu, const char *type, const char *uuid)
{
	char sys[256], types[512], path[1024];
	const char *hint = NULL;
	int err;

	snprintf(sys, sizeof(sys), "/sys/class/mdev_bus/%s/mdev_supported_types",
		 json_str(gpu, "device"));
	root_path(types, sizeof(types), sys);
	if (access(types, F_OK))
		return fail(CTL_DEVICE, ENODEV, "run `modprobe vgpu_vfio`",
			    "GPU %u (%s) makes no mediated devices",
			    (unsigned int)json_u64(gpu, "index"),
			    json_str(gpu, "device"));
	err = find_type(types, type, path, sizeof(path));
	if (!err)
		err = write_file(path, uuid);
	if (!err)
		return CTL_OK;

	if (err == EPERM || err == EACCES)
		hint = "this needs root on the host: try with sudo";
	else if (err == ENOSPC || err == EUSERS)
		hint = "see AVAILABLE in `vgpuctl type list`";
	else if (err == EEXIST)
		hint = "give another --uuid, or none";
	return fail(code_of(err), err, hint,
		    "cannot create the mediated device %s: %s", uuid,
		    err == EUSERS || err == ENOSPC ? "no room for this type" :
		    err == EEXIST ? "there is one with that UUID" :
		    strerror(err));
}

int mdev_remove(const char *uuid)
{
	char sys[128], path[512];
	int err;

	snprintf(sys, sizeof(sys), "/sys/bus/mdev/devices/%s/remove", uuid);
	err = write_file(root_path(path, sizeof(path), sys), "1");
	if (!err)
		return CTL_OK;
	return fail(code_of(err), err,
		    err == EACCES ? "this needs root on the host: try with sudo" : NULL,
		    "cannot remove the mediated device %s: %s", uuid,
		    strerror(err));
}
