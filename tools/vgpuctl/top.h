/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_TOP_H
#define VGPUCTL_TOP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

/* All counters at one moment. */
struct reading {
	struct json_object *gpus;
	struct json_object *vgpus;
	uint64_t time_ns;
};

/*
 * What happened between two readings, as `vgpuctl -j top` prints it.  vGPUs
 * that came meanwhile count from zero.
 */
struct json_object *top_sample(const struct reading *before,
			       const struct reading *after);
void top_print(struct json_object *sample);

/* Which rows of the list are shown, and which of the list is marked. */
struct top_window {
	size_t first;
	size_t rows;
	size_t marked;
};

void top_draw(FILE *out, struct json_object *sample, const struct top_window *w);

/* An exit code. */
int reading_take(struct reading *r);
void reading_put(struct reading *r);
uint64_t top_now_ns(void);
/* A signal asked for the end. */
extern volatile sig_atomic_t top_stopped;

/* topscreen.c: on a terminal, @count samples or, with 0, until somebody quits. */
int top_live(double delay, uint64_t count);

#endif /* VGPUCTL_TOP_H */
