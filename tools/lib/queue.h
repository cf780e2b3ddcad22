/* SPDX-License-Identifier: GPL-2.0 */
/* A queue and what the library keeps for it. */
#ifndef LIBVGPU_QUEUE_H
#define LIBVGPU_QUEUE_H

#include "ring.h"

struct stack;

struct vgpu_queue {
	struct vgpu_ctx *ctx;
	uint32_t handle;
	bool has_ring;
	struct vgpu_ring ring;
	struct vgpu_timeline *timeline;	/* raised to each mark */
	int64_t marked;			/* the last mark */
	uint64_t failed;		/* failures told by the last finish */
	struct stack *stacks;		/* launch.c: the newest and widest first */
	struct vgpu_bo *args;		/* launch.c: argument blocks, in turn */
	uint64_t args_used;
};

void vgpu_launch_cleanup(struct vgpu_queue *queue);

#endif /* LIBVGPU_QUEUE_H */
