/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What engines did, as Chrome's trace format (JSON), which Perfetto shows.
 */
#ifndef VGPUCTL_PERFETTO_H
#define VGPUCTL_PERFETTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum tr_kind {
	TR_RUN,		/* a: op, b: slice_ns; flag: resumed */
	TR_STOP,	/* a: service_ns; flag: midway; error */
	TR_SWITCH,	/* a: wall_ns; flag: restored */
	TR_WAKE,	/* a: queued; flag: preempts */
	TR_FAULT,	/* a: va, b: access; error */
	TR_RESET,
	TR_QUOTA,	/* a: bytes, b: used, c: limit */
	TR_GOVERNOR,	/* a: from, b: to */
	TR_LOST,	/* a: events that the kernel had no room for, 0: unknown */
	TR_KINDS,
};

struct tr_event {
	uint64_t ns;
	uint32_t kind;
	uint32_t gpu, engine, vgpu;
	uint64_t seqno, a, b, c;
	int32_t error;
	bool flag;
};

/* Of a vGPU, over all engines; cut: parts of turns at the ends and beside gaps. */
struct tr_sum {
	uint32_t gpu, vgpu;
	uint64_t turns, cut;
	uint64_t service_ns;	/* engine time, of turns whose end was seen */
	uint64_t wall_ns;	/* what the slices show */
};

struct tr_options {
	uint64_t begin_ns, end_ns;	/* of the recording; events are in between */
	bool only;			/* this vGPU's: */
	uint32_t gpu, vgpu;
	/* What a GPU is called, or NULL. */
	const char *(*gpu_name)(uint32_t gpu, void *arg);
	void *arg;
};

struct tr_result {
	struct tr_sum *sums;		/* free() */
	size_t count;
	size_t engines;
	uint64_t instants;
};

/*
 * Sorts @events by time, and writes them. Each slice that begins ends, whatever is
 * missing. 0 or -ENOMEM; errors of @out are its caller's (ferror()).
 */
int perfetto_write(FILE *out, struct tr_event *events, size_t count,
		   const struct tr_options *options, struct tr_result *result);

#endif /* VGPUCTL_PERFETTO_H */
