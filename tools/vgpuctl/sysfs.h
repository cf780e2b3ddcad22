/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading sysfs, or a tree that looks like it (--root, VGPUCTL_ROOT), without
 * believing in it: files may be missing, endless, of another kind or full of
 * junk, and names may hold whatever a name can.
 */
#ifndef VGPUCTL_SYSFS_H
#define VGPUCTL_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SYS_TEXT	256	/* what is longer is no attribute that we read */

/* A path below the root; -errno is returned by all of these, 0 when all is well. */
__attribute__((format(printf, 3, 4)))
int sys_path(char *buf, size_t size, const char *fmt, ...);
/* The beginning of a file, as it is: how much, or -errno. */
ssize_t sys_read(const char *dir, const char *name, char *buf, size_t size);
/* An attribute's text, without the newline at its end, fit for a terminal and JSON. */
int sys_text(const char *dir, const char *name, char text[SYS_TEXT]);
/* A number, as sysfs has them: 12, -1, 0x8086. */
int sys_number(const char *dir, const char *name, int64_t *value);
/* The last part of where a link leads, as it is. */
int sys_link(const char *dir, const char *name, char text[SYS_TEXT]);
/*
 * Names in a folder, sorted, @max at most; @more tells of further ones. Free with
 * sys_names_free().
 */
struct sys_names {
	char **name;
	size_t count;
	bool more;
};

int sys_names(const char *dir, size_t max, struct sys_names *names);
void sys_names_free(struct sys_names *names);
/*
 * @text with what is no printable character of UTF-8 as \xNN: a name with a newline
 * or an escape in it makes no line and no colour of its own.
 */
void sys_clean(const char *text, size_t len, char *buf, size_t size);

#endif /* VGPUCTL_SYSFS_H */
