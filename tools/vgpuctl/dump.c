// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl dump: what a GPU left after a fault, a hang or a failure of mediation.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "data.h"
#include "dump.h"

#define DUMPS		"/sys/class/devcoredump"
#define FILE_MAX	(1 << 20)	/* no dump is as large */

/* The folder of the dump of @device, below DUMPS. */
static int find_dump(const char *device, char *path, size_t size)
{
	char dir[256], link[600], target[512];
	const struct dirent *d;
	int found = -ENOENT;
	const char *name;
	ssize_t n;
	DIR *all;

	all = opendir(root_path(dir, sizeof(dir), DUMPS));
	if (!all)
		return -errno;
	while (found && (d = readdir(all))) {
		if (strncmp(d->d_name, "devcd", 5))
			continue;
		snprintf(link, sizeof(link), "%s/%.64s/failing_device", dir,
			 d->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		name = strrchr(target, '/');
		if (strcmp(name ? name + 1 : target, device))
			continue;
		snprintf(path, size, "%s/%.64s/data", dir, d->d_name);
		found = 0;
	}
	closedir(all);
	return found;
}

static int dump_of_gpu(uint32_t index, char *path, size_t size)
{
	struct json_object *gpu;
	int code, err;

	code = nl_open();
	if (!code)
		code = data_gpu(index, &gpu);
	if (code)
		return code;
	err = find_dump(json_str(gpu, "device"), path, size);
	json_object_put(gpu);
	if (err)
		return fail(CTL_FAILED, ENOENT,
			    "there is one for five minutes after a fault, a hang or a failure of mediation, unless the kernel has no CONFIG_DEV_COREDUMP",
			    "GPU %u has left no dump", index);
	return CTL_OK;
}

/* All of it, or NULL and errno. */
static uint8_t *read_whole(const char *path, size_t *bytes)
{
	uint8_t *data = malloc(FILE_MAX + 1);
	FILE *in = data ? fopen(path, "re") : NULL;
	int err;

	if (in) {
		*bytes = fread(data, 1, FILE_MAX + 1, in);
		err = ferror(in) ? EIO : *bytes > FILE_MAX ? EFBIG : 0;
		fclose(in);
	} else {
		err = errno;
	}
	if (err) {
		free(data);
		data = NULL;
		errno = err;
	}
	return data;
}

static int clear_dump(const char *path)
{
	FILE *out = fopen(path, "we");

	/* whatever is written */
	if (!out || fputc('\n', out) == EOF || fclose(out))
		return fail(code_of(errno), errno, NULL, "cannot clear %s: %s",
			    path, strerror(errno));
	return CTL_OK;
}

int cmd_dump_show(struct args *args)
{
	const char *what = args->argv[0];
	struct json_object *dump, *all;
	bool of_gpu, clear = arg_option(args, "clear");
	char path[640], why[160];
	uint32_t index;
	uint8_t *data;
	size_t bytes = 0;
	int code;

	of_gpu = !parse_gpu(what, &index);
	if (clear && !of_gpu)
		return usage_error(args->command, "--clear is of a GPU's dump, not of a file");
	if (of_gpu) {
		code = dump_of_gpu(index, path, sizeof(path));
		if (code)
			return code;
		what = path;
	}
	data = read_whole(what, &bytes);
	if (!data)
		return fail(code_of(errno), errno, NULL, "cannot read %s: %s",
			    what, strerror(errno));
	dump = dump_decode(data, bytes, why, sizeof(why));
	free(data);
	if (!dump)
		return fail(CTL_FAILED, EBADMSG, NULL, "cannot show %s: %s", what,
			    why);
	if (json_output) {
		all = json_new();
		json_object_object_add(all, "dump", dump);
		print_json(all);
	} else {
		print_dump(dump);
		json_object_put(dump);
	}
	return clear ? clear_dump(path) : CTL_OK;
}
