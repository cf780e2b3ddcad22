/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_METRICS_H
#define VGPUCTL_METRICS_H

#include <stdio.h>

struct json_object;

/*
 * What data_gpus(), data_vgpus() and data_sched() gave, as text of Prometheus's exposition
 * format 0.0.4.
 */
void print_metrics(FILE *out, struct json_object *gpus,
		   struct json_object *vgpus, struct json_object *sched);

#endif /* VGPUCTL_METRICS_H */
