/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work that takes long: how far it is, on a terminal, and what is not left behind when
 * whoever waits for it gives up.
 */
#ifndef VGPUCTL_PROGRESS_H
#define VGPUCTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far it is: @done of @whole, or of @whole at most; 0: nobody knows. */
struct progress {
	uint64_t done;
	uint64_t whole;
	bool at_most;
};

/*
 * Pure.  A line of at most @columns, in bytes, with a bar if there is room for one.
 * Returns @buf.
 */
const char *progress_line(char *buf, size_t size, unsigned int columns,
			  const char *doing, const struct progress *p);

/* Is there somebody who sees it?  Standard error is a terminal, and JSON is not wanted. */
bool progress_wanted(void);
/* Columns of the terminal that standard error is. */
unsigned int progress_columns(void);
/* Replaces the line that is shown; NULL: takes it away. */
void progress_show(const char *line);

/*
 * Around a call that moves the position of @fd, of @whole bytes or, with @at_most,
 * less; 0: nobody knows.  Until work_end(), SIGINT, SIGTERM and SIGHUP remove @part,
 * if there is one, before they end the program.
 */
struct work;
struct work *work_begin(const char *doing, int fd, uint64_t whole, bool at_most,
			const char *part);
void work_end(struct work *w);

#endif /* VGPUCTL_PROGRESS_H */
