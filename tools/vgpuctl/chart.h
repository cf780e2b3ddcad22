/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Charts over time, as SVG: the frame, axes, lines, a key.
 */
#ifndef VGPUCTL_CHART_H
#define VGPUCTL_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

#define WIDE	760.0		/* of a chart, with what is around it */
#define HIGH	250.0
#define LEFT	66.0		/* the plot */
#define RIGHT	744.0
#define TOP	14.0
#define BOTTOM	212.0

#define COLORS	7		/* and grey, for all others */

/* Moments in the order of time; what is between @to and the next @from was a pause. */
struct timeline {
	size_t count;
	double *from, *to;	/* of each sample, x */
	uint64_t *begin;	/* boot time, ns */
	bool *pause;		/* before it */
	int64_t offset;
};

struct timeline timeline_new(struct json_object *history, int64_t offset);
void timeline_free(struct timeline *t);

enum unit { PERCENT, BYTES, PER_SECOND, BYTES_PER_SECOND, NANOSECONDS };

struct key {
	char label[160];
	int style;		/* a colour and a dash, from 0 */
	bool area;
};

typedef double (*value_fn)(struct json_object *sample, size_t which);

/* Ends the program when there is no memory. */
void *must(void *p);
/* What is no printable ASCII is '?', and nothing is markup. */
void esc(FILE *out, const char *text);
struct json_object *sample(struct json_object *history, size_t i);
double field(struct json_object *s, const char *key);

void figure_begin(FILE *out, const char *title, const char *says);
void figure_end(FILE *out, const struct key *keys, size_t n);
void put_value(FILE *out, enum unit unit, double v);
double y_of(double v, double top);
void y_axis(FILE *out, enum unit unit, double top);
void time_axis(FILE *out, const struct timeline *t);
/* Axes, @n lines, and the end of the figure; @top 0: as high as is needed. */
void lines(FILE *out, const struct timeline *t, struct json_object *history,
	   enum unit unit, double top, value_fn value, const struct key *keys,
	   size_t n);

#endif /* VGPUCTL_CHART_H */
