/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SIM_H
#define _SIM_H

#include <stdio.h>

#include "sched_sim.h"

#define SIM_VGPUS_MAX	4096

struct sim_options {
	const char *policy;
	u64 seconds;
	u64 slice_ns;
	u64 check_ns;
	u64 switch_ns;
	u64 seed;
	u64 seeds;
	const char *csv;
	const char *windows;
	const char *trace;
};

/* @count vGPUs that do the same */
struct sim_load {
	unsigned int count;
	struct vsim_load load;
};

__attribute__((noreturn)) void die(const char *what, const char *arg);
FILE *sim_open_csv(const char *path, const char *header);
void sim_log_event(struct vsim *sim, u64 time, enum vsim_event event,
		   unsigned int index, u64 arg);
struct sim_load sim_parse_load(const char *text);
int sim_play(const struct sim_options *opt, char **loads);

#endif
