// SPDX-License-Identifier: GPL-2.0
/*
 * See progress.h.
 *
 * The kernel saves and restores in one call, which a deadly signal ends.  A handler
 * would keep it from being deadly, so signals are taken by a thread that waits for
 * them: it cleans up, and then has the signal do what it does by itself.  Between two
 * signals it looks how far the file's position is, which is the kernel's.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"
#include "table.h"
#include "vgpuctl.h"

#define TICK_NS		200000000
#define BAR_MAX		30
#define BAR_MIN		8

struct work {
	pthread_t thread;
	const char *doing;
	const char *part;
	int fd;
	struct progress at;
	sigset_t signals, before;
};

const char *progress_line(char *buf, size_t size, unsigned int columns,
			  const char *doing, const struct progress *p)
{
	char figures[2 * FORMAT_SIZE], a[FORMAT_SIZE], bar[FORMAT_SIZE];
	size_t used, room;

	/* there may be more to it than one knew */
	if (!p->whole || p->done > p->whole)
		snprintf(figures, sizeof(figures), "%s",
			 format_bytes(a, p->done));
	else if (p->at_most)
		snprintf(figures, sizeof(figures), "%s at most",
			 format_used(a, p->done, p->whole));
	else
		snprintf(figures, sizeof(figures), "%3u %%  %s",
			 (unsigned int)((double)p->done * 100 / (double)p->whole),
			 format_used(a, p->done, p->whole));
	used = strlen(doing) + strlen(figures) + 6;
	room = columns > used ? columns - used : 0;
	if (room > BAR_MAX)
		room = BAR_MAX;
	if (!p->whole || p->done > p->whole || room < BAR_MIN)
		snprintf(buf, size, "%s  %s", doing, figures);
	else
		snprintf(buf, size, "%s  %s  %s", doing,
			 format_bar(bar, p->done, p->whole, (unsigned int)room),
			 figures);
	if (strlen(buf) > columns)
		buf[columns] = 0;
	return buf;
}

bool progress_wanted(void)
{
	return isatty(STDERR_FILENO) && !json_output;
}

unsigned int progress_columns(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col)
		return 79;
	/* in the last column some terminals begin the next line */
	return ws.ws_col - 1U;
}

void progress_show(const char *line)
{
	static bool shown;

	if (!line && !shown)
		return;
	fprintf(stderr, "\r%s\033[K", line ? line : "");
	fflush(stderr);
	shown = line;
}

static void draw(struct work *w)
{
	off_t at = lseek(w->fd, 0, SEEK_CUR);
	char line[256];
	unsigned int columns = progress_columns();

	/* a pipe has none */
	if (at < 0)
		return;
	w->at.done = (uint64_t)at;
	if (columns >= sizeof(line))
		columns = sizeof(line) - 1;
	progress_show(progress_line(line, sizeof(line), columns, w->doing,
				    &w->at));
}

static void give_up(struct work *w, int sig)
{
	sigset_t one;

	progress_show(NULL);
	if (w->part)
		unlink(w->part);
	signal(sig, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, sig);
	raise(sig);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

static void *watch(void *arg)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	bool wanted = progress_wanted();
	struct work *w = arg;
	int sig;

	for (;;) {
		sig = wanted ? sigtimedwait(&w->signals, NULL, &tick) :
			       sigwaitinfo(&w->signals, NULL);
		if (sig == SIGUSR1)
			return NULL;
		if (sig > 0 && sig != SIGWINCH)
			give_up(w, sig);
		if (wanted)
			draw(w);
	}
}

struct work *work_begin(const char *doing, int fd, uint64_t whole, bool at_most,
			const char *part)
{
	static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };
	struct work *w = calloc(1, sizeof(*w));
	struct sigaction sa;
	size_t i;

	if (!w)
		return NULL;
	w->doing = doing;
	w->part = part;
	w->fd = fd;
	w->at.whole = whole;
	w->at.at_most = at_most;
	sigemptyset(&w->signals);
	sigaddset(&w->signals, SIGUSR1);	/* work_end() */
	sigaddset(&w->signals, SIGWINCH);
	/* who does not want to be ended by it, as nohup, is not */
	for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		if (!sigaction(deadly[i], NULL, &sa) &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(&w->signals, deadly[i]);
	pthread_sigmask(SIG_BLOCK, &w->signals, &w->before);
	if (!pthread_create(&w->thread, NULL, watch, w))
		return w;
	pthread_sigmask(SIG_SETMASK, &w->before, NULL);
	free(w);
	return NULL;
}

void work_end(struct work *w)
{
	if (!w)
		return;
	pthread_kill(w->thread, SIGUSR1);
	pthread_join(w->thread, NULL);
	progress_show(NULL);
	pthread_sigmask(SIG_SETMASK, &w->before, NULL);
	free(w);
}
