// SPDX-License-Identifier: GPL-2.0
/* The control groups of cgroup.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "st.h"

#define TOP	"/sys/fs/cgroup"

void cgroup_new(char dir[CGROUP_PATH])
{
	static unsigned int made;

	cgroup_put(TOP, "cgroup.subtree_control", "+memory");
	snprintf(dir, CGROUP_PATH, TOP "/selftest%d.%u", getpid(), made++);
	if (mkdir(dir, 0755) || !cgroup_put(dir, "memory.max", "max"))
		st_skip("no memory control groups here");
}

bool cgroup_put(const char *dir, const char *file, const char *text)
{
	char path[2 * CGROUP_PATH];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

unsigned long long cgroup_figure(const char *dir, const char *file,
				 const char *key)
{
	char path[2 * CGROUP_PATH], line[128], name[64];
	unsigned long long n = 0, v;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (!key && sscanf(line, "%llu", &v) == 1) {
			n = v;
			break;
		}
		if (key && sscanf(line, "%63s %llu", name, &v) == 2 &&
		    !strcmp(name, key))
			n = v;
	}
	fclose(f);
	return n;
}
