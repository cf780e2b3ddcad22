/* SPDX-License-Identifier: GPL-2.0 */
/* Control groups of a case's own, to limit the memory of who joins. */
#ifndef VGPU_SELFTESTS_CGROUP_H
#define VGPU_SELFTESTS_CGROUP_H

#include <stdbool.h>

#define CGROUP_PATH	64

/* A new one, to be removed by rmdir(); skips the case when there can't be any. */
void cgroup_new(char dir[CGROUP_PATH]);
bool cgroup_put(const char *dir, const char *file, const char *text);
/* What a line of @file says behind @key; NULL: its first. 0 when there is none. */
unsigned long long cgroup_figure(const char *dir, const char *file,
				 const char *key);

#endif /* VGPU_SELFTESTS_CGROUP_H */
