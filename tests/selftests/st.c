// SPDX-License-Identifier: GPL-2.0
/* Runs cases, counts, and says what went wrong. */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "st.h"

#define EXIT_SKIP	4

uint64_t st_seed = 1;
unsigned int st_seconds;

static const struct st_case outside = { .name = "setup" };
static const struct st_case *current = &outside;
static unsigned int failures;
static uint64_t state;

void st_seed_from(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 0x853c49e6748fea9bu;
}

/* splitmix64 */
uint64_t st_random(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t st_below(uint64_t below)
{
	return below ? st_random() % below : 0;
}

uint64_t st_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void st_sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

const char *st_errno(long error)
{
	static char number[24];
	const char *name = error < 0 ? strerrorname_np((int)-error) : NULL;

	if (name)
		return name;
	snprintf(number, sizeof(number), "%ld", error);
	return number;
}

static void say(const char *format, va_list args)
{
	char text[1024];
	char *line, *rest = text;

	vsnprintf(text, sizeof(text), format, args);
	while ((line = strsep(&rest, "\n")))
		printf("# %s\n", line);
	fflush(stdout);
}

void st_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void st_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	failures++;
	if (failures == 20)
		st_note("… more failures of this case are not shown");
	if (failures >= 20)
		return;
	printf("# FAILED %s, %s:%d, seed %" PRIu64 ":\n", current->name, file,
	       line, st_seed);
	va_start(args, format);
	say(format, args);
	va_end(args);
}

bool st_check_err(long got, long want, bool need, const char *what,
		  const char *file, int line, const char *format, ...)
{
	char more[512], wanted[32];
	va_list args;

	if (got == want)
		return true;
	va_start(args, format);
	vsnprintf(more, sizeof(more), format, args);
	va_end(args);
	snprintf(wanted, sizeof(wanted), "%s", st_errno(want));
	st_fail(file, line, "%s gave %s, not %s %s", what, st_errno(got),
		wanted, more);
	if (need)
		st_stop();
	return false;
}

void st_stop(void)
{
	fflush(NULL);
	_exit(failures ? 1 : 0);
}

void st_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fflush(NULL);
	_exit(failures ? 1 : EXIT_SKIP);
}

const char *st_read(const char *format, ...)
{
	static char text[4096];
	char path[512];
	va_list args;
	ssize_t got;
	int fd;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got < 0)
		return NULL;
	text[got] = 0;
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* ---- running ----------------------------------------------------------------- */

/* Waits for the case's process; kills it when its time is up. */
static int await(pid_t pid, unsigned int seconds, bool *hung)
{
	uint64_t end = st_now_ns() + seconds * 1000000000ull;
	unsigned int nap = 1;
	int status;

	*hung = false;
	while (!waitpid(pid, &status, WNOHANG)) {
		if (st_now_ns() > end && !*hung) {
			*hung = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		st_sleep_ms(nap);
		nap = nap < 50 ? nap * 2 : 50;
	}
	return status;
}

static bool run_case(const struct st_case *c, unsigned int number)
{
	const char *patience = getenv("VGPU_PATIENCE");
	unsigned int seconds = ((c->seconds ?: 60) + st_seconds) *
			       (patience && atoi(patience) > 0 ?
				(unsigned int)atoi(patience) : 1);
	uint64_t start = st_now_ns();
	int status;
	pid_t pid;
	bool hung;

	fflush(NULL);
	current = c;
	pid = fork();
	if (pid < 0) {
		perror("# fork");
		return false;
	}
	if (!pid) {
		setpgid(0, 0);
		st_seed_from(st_seed);
		c->run();
		st_stop();
	}
	status = await(pid, seconds, &hung);
	kill(-pid, SIGKILL);		/* helpers that it left behind */

	if (hung)
		printf("# %s: still running after %u s\n", c->name, seconds);
	else if (WIFSIGNALED(status))
		printf("# %s: died of signal %s\n", c->name,
		       sigabbrev_np(WTERMSIG(status)));
	if (!hung && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
		printf("ok %u - %s # SKIP\n", number, c->name);
		return true;
	}
	hung |= !WIFEXITED(status) || WEXITSTATUS(status);
	printf("%sok %u - %s (%" PRIu64 " ms)\n", hung ? "not " : "", number,
	       c->name, (st_now_ns() - start) / 1000000);
	fflush(stdout);
	return !hung;
}

static bool wanted(const struct st_case *c, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, c->name))
			return true;
	return false;
}

static void usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--seed N] [--seconds N] [--list] [CASE…]\n"
		"Tests /dev/vgpu (as root, with vgpu.ko and a GPU's module loaded). Prints TAP.\n",
		program);
	exit(2);
}

int st_main(int argc, char **argv, const struct st_case *cases,
	    unsigned int count)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "list", no_argument, NULL, 'l' },
		{ 0 }
	};
	unsigned int i, number = 0, plan = 0, bad = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 's':
			st_seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			st_seconds = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'l':
			for (i = 0; i < count; i++)
				puts(cases[i].name);
			return 0;
		default:
			usage(argv[0]);
		}
	}
	for (i = 0; i < count; i++)
		plan += wanted(&cases[i], argv + optind);
	if (!plan) {
		fprintf(stderr, "no such case; --list shows them\n");
		return 2;
	}
	printf("TAP version 13\n1..%u\n", plan);
	for (i = 0; i < count; i++)
		if (wanted(&cases[i], argv + optind))
			bad += !run_case(&cases[i], ++number);
	return bad ? 1 : 0;
}
