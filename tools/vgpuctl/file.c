// SPDX-License-Identifier: GPL-2.0
/*
 * Files that others read while they are written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vgpuctl.h"

int write_whole(const char *path, const char *text, unsigned int mode)
{
	size_t len = strlen(text), at = 0;
	char part[4096];
	int fd, err = 0;
	ssize_t n;

	if ((size_t)snprintf(part, sizeof(part), "%s.XXXXXX", path) >= sizeof(part))
		return fail(CTL_FAILED, ENAMETOOLONG, NULL,
			    "the name of the file is too long");
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0)
		return fail(CTL_FAILED, errno,
			    errno == ENOENT ? "make its folder first (mkdir -p)" : NULL,
			    "cannot write %s: %s", path, strerror(errno));
	while (at < len && !err) {
		n = write(fd, text + at, len - at);
		if (n < 0 && errno != EINTR)
			err = errno;
		else if (n > 0)
			at += (size_t)n;
	}
	/* whatever the umask is */
	if (!err && (fchmod(fd, mode) || fsync(fd)))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	if (!err && rename(part, path))
		err = errno;
	if (!err)
		return CTL_OK;
	unlink(part);
	return fail(CTL_FAILED, err, NULL, "cannot write %s: %s", path,
		    strerror(err));
}
