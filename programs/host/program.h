/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host side of the stock programs.  A program is a table of three steps;
 * the caller opens the vGPU, repeats, reports and cleans up (run.c here, and
 * vgpuctl's run on top of it).
 */
#ifndef VGPU_PROGRAM_H
#define VGPU_PROGRAM_H

#include "vgpu.h"

/* How a run ended; also vgpuctl run's exit status. */
enum run_result {
	RUN_OK		= 0,
	RUN_WRONG	= 1,	/* the result is not what the CPU computed */
	RUN_USAGE	= 2,	/* bad arguments */
	RUN_DEVICE	= 3,	/* the device or the system refused something */
	RUN_TIMEOUT	= 4,	/* timed out, or ended by a time limit or reset */
};

#define RUN_MAX_BUFFERS	32

struct program;

struct run {
	/* Set by the caller */
	const char *folder;	/* of kernels, or NULL: look for them */
	double timeout;		/* seconds for all repeats; 0: none */
	unsigned int repeat;	/* at least 1 */
	bool verify;
	bool ring;
	uint64_t time_limit_us;	/* of a command; 0: none */
	uint32_t engine;
	/* @done of @all repeats or parts; may be NULL */
	void (*progress)(void *cookie, const char *program, uint64_t done,
			 uint64_t all);
	void *cookie;

	/* For the programs' steps */
	const struct program *program;
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
	struct vgpu_kernel *kernel;
	struct vgpu_bo *buffers[RUN_MAX_BUFFERS];
	unsigned int buffer_count;
	void *data;		/* the program's own; freed by its cleanup */

	/* What came of it */
	char message[768];	/* why it failed */
	char result[512];	/* a line for people, as a digest */
	unsigned int repeats;	/* completed */
	bool verified;		/* all of them, against the CPU */
	double seconds;		/* from submitting to completion, summed */
	double work;		/* of @unit, summed over the repeats */
	const char *unit;	/* "B", "flop", "op", ... */
	bool have_status;
	struct vgpu_queue_status status;
	struct vgpu_ring_figures figures;
};

struct program {
	const char *name;
	/* Reads arguments (argv[0] is the name), makes buffers, fills them. */
	enum run_result (*setup)(struct run *run, int argc, char **argv);
	/* One repetition: resets, launches, waits, verifies. */
	enum run_result (*step)(struct run *run);
	/* After the last one: output files, @result.  May be NULL. */
	enum run_result (*finish)(struct run *run);
	/* Frees @data; also after a failure.  May be NULL. */
	void (*cleanup)(struct run *run);
};

extern const struct program *const programs[];	/* ends with NULL */

const struct program *program_find(const char *name);

/* Runs a program on an open vGPU, from setup to cleanup. */
enum run_result program_run(struct run *run, struct vgpu_dev *dev,
			    const struct program *program, int argc,
			    char **argv);

#endif /* VGPU_PROGRAM_H */
