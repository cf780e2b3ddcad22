/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_REPORT_H
#define VGPUCTL_REPORT_H

#include <stdint.h>
#include <stdio.h>

struct json_object;

/* What to add to a moment of CLOCK_BOOTTIME to get that of the wall clock. */
int64_t wall_offset(void);
/* A table of samples; @offset as from wall_offset(). */
void print_history(struct json_object *history, int64_t offset);

/*
 * What the report of a GPU is made of: { gpu, history, vgpus, wall_offset_ns }, where
 * vGPUs have their histograms in wake and wait. The arguments stay the caller's.
 */
struct json_object *report_view(struct json_object *gpu, struct json_object *vgpus,
				struct json_object *sched, struct json_object *history,
				int64_t offset);
/* @views: an array of these. */
void report_text(struct json_object *views);
/* One page that needs nothing else. @made: when, as people write it. */
void report_html(FILE *out, struct json_object *views, const char *made);

#endif /* VGPUCTL_REPORT_H */
