// SPDX-License-Identifier: GPL-2.0
/*
 * Run in a container: takes memory of a vGPU, and keeps it.
 *
 *	hoard NODE MIB		takes it, says so, and keeps it until it is killed
 *	hoard NODE MIB try	says whether it could have it, and ends
 *	hoard NODE MIB fork	the same, by four children: of a fork, and of a second one
 *				that is a daemon, each with the descriptor that it
 *				inherited and with one of its own; a letter for each: y(es), q(uota), ?
 *
 * "has MIB", or the errno's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vgpu.h>

/* 0, or the errno */
static int take(int fd, unsigned long long mib)
{
	struct vgpu_bo_create bo = { .size = sizeof(bo), .bytes = mib << 20 };

	return ioctl(fd, VGPU_IOCTL_BO_CREATE, &bo) ? errno : 0;
}

static int say(int err, const char *mib)
{
	if (err)
		puts(strerrorname_np(err));
	else
		printf("has %s\n", mib);
	fflush(stdout);
	return err ? 3 : 0;
}

/* A letter for each try: y(es), q(uota), or ? */
static void answer(int to, int err)
{
	if (write(to, !err ? "y" : err == EDQUOT ? "q" : "?", 1) != 1)
		_exit(1);
}

static void child(const char *node, int inherited, unsigned long long mib, bool daemonize,
		  int to)
{
	int own;

	if (daemonize) {
		setsid();
		if (fork())
			_exit(0);
	}
	answer(to, take(inherited, mib));
	own = open(node, O_RDWR | O_CLOEXEC);
	answer(to, own < 0 ? errno : take(own, mib));
	_exit(0);
}

static int by_children(const char *node, int fd, unsigned long long mib)
{
	char letter, said[8] = "";
	int i, p[2], n = 0;

	if (pipe(p))
		return 1;
	for (i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (!pid)
			child(node, fd, mib, i, p[1]);
	}
	close(p[1]);
	/* until the last of them is gone, the daemon, too */
	while (n < 7 && read(p[0], &letter, 1) == 1)
		said[n++] = letter;
	while (wait(NULL) > 0)
		;
	puts(said);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "";
	unsigned long long mib;
	int fd, err;

	if (argc < 3)
		return fprintf(stderr, "usage: hoard NODE MIB [try|fork]\n"), 2;
	mib = strtoull(argv[2], NULL, 10);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return say(errno, argv[2]);
	if (!strcmp(how, "fork"))
		return by_children(argv[1], fd, mib);
	err = say(take(fd, mib), argv[2]);
	if (err || !strcmp(how, "try"))
		return err;
	for (;;)
		pause();
}
