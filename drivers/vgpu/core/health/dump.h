/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: dumps of faults, hangs and failures of mediation, for the kernel's
 * devcoredump.
 */
#ifndef _VGPU_CORE_DUMP_H
#define _VGPU_CORE_DUMP_H

#include <linux/atomic.h>
#include <linux/ratelimit.h>
#include <linux/workqueue.h>
#include <uapi/linux/vgpu_dump.h>
#include <vgpu/sched.h>

struct device;
struct vgpu_as;
struct vgpu_ctx;
struct vgpu_gpu;
struct vgpu_hw_event;

/* What is noted while the engine's lock is held. */
struct vgpu_dump_snap {
	struct vgpu_dump_reason reason;
	struct vgpu_dump_gpu gpu;
	unsigned int nr_engines;
	struct vgpu_dump_engine engine[VGPU_MAX_ENGINES];
	bool tenant;			/* what follows is there */
	struct vgpu_dump_vgpu vgpu;
	struct vgpu_dump_context context;
	struct vgpu_dump_queue queue;
	struct {
		struct vgpu_dump_commands head;
		struct vgpu_dump_command cmd[VGPU_DUMP_COMMANDS_MAX];
	} commands;
};

/**
 * struct vgpu_dumper - makes the dumps of a GPU, one at a time
 * @busy: bit 0: @snap is somebody's, from vgpu_dump_*() until @work is over
 * @snap: what is noted
 * @as: of it, for the walk, or NULL; no queue of it goes before @work is over
 * @work: writes it down and hands it out
 * @made: dumps so far
 * @missed: since the last one
 * @limit: of those that no tenant caused
 * @hand_out: takes @bytes of vmalloc()ed @data over; NULL: the kernel has no such thing.
 *	KUnit puts its own here.
 */
struct vgpu_dumper {
	unsigned long busy;
	struct vgpu_dump_snap snap;
	struct vgpu_as *as;
	struct work_struct work;
	u64 made;
	atomic64_t missed;
	struct ratelimit_state limit;
	void (*hand_out)(struct device *dev, void *data, size_t bytes, gfp_t gfp);
};

/**
 * struct vgpu_dumps - those of a vGPU
 * @limit: in an hour
 * @made: that it caused
 * @missed: faults and hangs without one
 */
struct vgpu_dumps {
	struct ratelimit_state limit;
	atomic64_t made;
	atomic64_t missed;
};

void vgpu_dumper_init(struct vgpu_gpu *gpu);
void vgpu_dumps_init(struct vgpu_dumps *dumps);
/* From now on @limit in an hour, with those that were made in this one. */
void vgpu_dumps_set(struct vgpu_dumps *dumps, unsigned int limit);
/* The lock of @ctx's engine is held: its command ends with the fault @ev. */
void vgpu_dump_fault_locked(struct vgpu_ctx *ctx, const struct vgpu_hw_event *ev);
/* Likewise: its engine was reset, and its command ends with @error. */
void vgpu_dump_hang_locked(struct vgpu_ctx *ctx, int error);
/* Process context, no engine's lock held: mediation of @gpu failed. */
void vgpu_dump_mediation(struct vgpu_gpu *gpu);

#endif /* _VGPU_CORE_DUMP_H */
