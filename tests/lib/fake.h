/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vGPU made of user-space code, behind the library's transport: enough of
 * the uAPI to try the library without a kernel.  Commands run at once, in the
 * call that brings them.  It counts what it was asked for, and can be told to
 * refuse.
 */
#ifndef VGPU_TEST_FAKE_H
#define VGPU_TEST_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"
#include "vgpu.h"

#define FAKE_OBJECTS	512
#define FAKE_VA_START	0x10000ULL
#define FAKE_VA_END	0xff0000000000ULL

enum fake_kind { FAKE_FREE, FAKE_BO, FAKE_VM, FAKE_CTX, FAKE_QUEUE, FAKE_TIMELINE };

struct fake_map {
	struct fake_map *next;
	uint64_t va, bytes, offset;
	uint32_t bo, prot;
};

struct fake_object {
	enum fake_kind kind;
	uint8_t *memory;		/* BO */
	uint64_t bytes;
	struct fake_map *maps;		/* VM */
	uint32_t parent;		/* of a context its VM, of a queue its context */
	struct vgpu_queue_create queue;
	struct vgpu_queue_status status;
	uint32_t slot;			/* of a timeline, of a queue's doorbell */
};

struct fake {
	struct fake_object objects[FAKE_OBJECTS];
	uint8_t doorbells[4096] __attribute__((aligned(4096)));
	uint8_t timelines[4096] __attribute__((aligned(4096)));
	struct vgpu_info info;

	/* Told by the test */
	int refuse_call;		/* VGPU_CALL_*, or 0 */
	int refuse_with;		/* the errno, negative */
	unsigned int refuse_after;	/* calls of it that still go well */
	unsigned int take_at_most;	/* commands of one submit, 0: all */
	uint32_t ring_start;		/* tail and head of a new ring */
	bool asleep;			/* rings are not read until a kick */

	/* Seen by the test */
	unsigned int calls, kicks, mapped, closed;
	unsigned int live;		/* objects */
	struct vgpu_cmd last_launch;

	/* Runs a kernel; 0 or a negative errno.  May be NULL. */
	int (*launch)(struct fake *fake, uint32_t vm,
		      const struct vgpu_cmd_launch *launch);
};

void fake_init(struct fake *fake);
int fake_open(struct fake *fake, struct vgpu_dev **dev);
/* Frees what the library left. */
void fake_destroy(struct fake *fake);
/* What lies at @va, with all of @prot, for @bytes that do not cross a mapping;
 * NULL otherwise.
 */
void *fake_at(struct fake *fake, uint32_t vm, uint64_t va, uint64_t bytes,
	      uint32_t prot);
/* Reads all rings now, as a device that is awake does. */
void fake_poll_rings(struct fake *fake);

#endif /* VGPU_TEST_FAKE_H */
