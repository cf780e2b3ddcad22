/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs' steps are made of.  All set run->message on failure. */
#ifndef VGPU_STEP_H
#define VGPU_STEP_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "program.h"
#include "include/programs.h"
#include "ref/ref.h"

enum run_result run_fail(struct run *run, enum run_result result,
			 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* After a libvgpu call that gave @error: RUN_TIMEOUT or RUN_DEVICE. */
enum run_result run_vgpu_failed(struct run *run, int error);

/* Loads <name>.elf, from the folder of kernels. */
enum run_result run_load(struct run *run, const char *name);

/* A buffer for kernels to read and write, ours until the run ends. */
enum run_result run_buffer(struct run *run, uint64_t bytes,
			   struct vgpu_bo **bo);

/* Launches kernel @symbol with an argument block, without waiting. */
enum run_result run_launch(struct run *run, const char *symbol,
			   struct vgpu_launch *launch, const void *args,
			   size_t bytes);

/* Waits for all that was launched and adds to the figures. */
enum run_result run_wait(struct run *run, double work);

/* Compares with what the CPU computed; @what for the message. */
enum run_result run_compare(struct run *run, const void *got,
			    const void *expected, uint64_t bytes,
			    unsigned int element, const char *what);

/* "64k", "1M"; within limits. */
enum run_result run_number(struct run *run, const char *text,
			   const char *what, uint64_t min, uint64_t max,
			   uint64_t *value);

/* A multiplicative generator: inputs that are the same on every machine. */
uint64_t run_random(uint64_t *state);

/* Workgroups for @count lanes of @lanes each. */
static inline uint32_t run_groups(uint64_t count, uint32_t lanes)
{
	return (uint32_t)((count + lanes - 1) / lanes);
}

/* As many lanes as a workgroup takes, up to @wanted (a power of two). */
uint32_t run_lanes(const struct run *run, uint32_t wanted);

void *run_alloc(struct run *run, size_t bytes);	/* zeroed; NULL: message set */

#endif /* VGPU_STEP_H */
