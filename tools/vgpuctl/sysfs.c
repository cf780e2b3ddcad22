// SPDX-License-Identifier: GPL-2.0
/*
 * Reading sysfs, or a tree that looks like it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data.h"
#include "sysfs.h"

int sys_path(char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	root_path(buf, size, path);
	/* cut off: a path that means something else */
	return strlen(buf) + 1 < size ? 0 : -ENAMETOOLONG;
}

/* Length of the character of UTF-8 at @s that can be shown, 0 when it is none. */
static size_t printable(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	uint32_t c;

	if (*s < 0x80)
		return *s >= 0x20 && *s != 0x7f;
	n = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;
	if (*s < 0xc2 || *s > 0xf4 || n > left)
		return 0;
	c = *s & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* longer than needed, controls, halves of pairs, marks that turn the line round */
	if (c < least[n] || c < 0xa0 || (c >= 0xd800 && c < 0xe000) ||
	    c > 0x10ffff || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	return n;
}

void sys_clean(const char *text, size_t len, char *buf, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0, n;

	while (len) {
		n = printable(s, len);
		if (at + (n ? n : 4) >= size)
			break;
		if (n) {
			memcpy(buf + at, s, n);
			at += n;
		} else {
			at += (size_t)sprintf(buf + at, "\\x%02x", *s);
			n = 1;
		}
		s += n;
		len -= n;
	}
	buf[at] = '\0';
}

ssize_t sys_read(const char *dir, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	/* an attribute is no link, and a pipe must not keep us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		n = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		n = -EINVAL;
	} else {
		n = read(fd, buf, size);
		n = n < 0 ? -errno : n;
	}
	close(fd);
	return n;
}

int sys_text(const char *dir, const char *name, char text[SYS_TEXT])
{
	char raw[SYS_TEXT];
	ssize_t n = sys_read(dir, name, raw, sizeof(raw));

	if (n < 0)
		return (int)n;
	if (n == sizeof(raw))
		return -EFBIG;
	if (n && raw[n - 1] == '\n')
		n--;
	sys_clean(raw, (size_t)n, text, SYS_TEXT);
	return 0;
}

int sys_number(const char *dir, const char *name, int64_t *value)
{
	char text[SYS_TEXT], *end;
	int err = sys_text(dir, name, text);

	if (err)
		return err;
	errno = 0;
	*value = strtoll(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	return errno ? -errno : end == text || *end ? -EINVAL : 0;
}

int sys_link(const char *dir, const char *name, char text[SYS_TEXT])
{
	char path[PATH_MAX], to[PATH_MAX], *last;
	ssize_t n;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return -errno;
	to[n] = '\0';
	last = strrchr(to, '/');
	last = last ? last + 1 : to;
	if (!*last || !strcmp(last, ".") || !strcmp(last, "..") ||
	    strlen(last) * 4 >= SYS_TEXT)
		return -EINVAL;
	sys_clean(last, strlen(last), text, SYS_TEXT);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int sys_names(const char *dir, size_t max, struct sys_names *names)
{
	struct dirent *d;
	DIR *handle;
	int err = 0;

	memset(names, 0, sizeof(*names));
	handle = opendir(dir);
	if (!handle)
		return -errno;
	names->name = calloc(max, sizeof(*names->name));
	if (!names->name)
		err = -ENOMEM;
	while (!err && (d = readdir(handle))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (names->count == max) {
			names->more = true;
			break;
		}
		names->name[names->count] = strdup(d->d_name);
		if (!names->name[names->count])
			err = -ENOMEM;
		else
			names->count++;
	}
	closedir(handle);
	if (err)
		sys_names_free(names);
	else
		qsort(names->name, names->count, sizeof(*names->name), by_name);
	return err;
}

void sys_names_free(struct sys_names *names)
{
	while (names->count)
		free(names->name[--names->count]);
	free(names->name);
	names->name = NULL;
}
