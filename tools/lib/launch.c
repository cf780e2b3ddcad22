// SPDX-License-Identifier: GPL-2.0
/*
 * Launches: stacks for the lanes and memory for the arguments.
 *
 * Both belong to the queue, whose commands run one after the other: another
 * launch of the same queue may use the same stacks, one of another queue may
 * not.
 */
#include <stdlib.h>
#include <string.h>

#include "queue.h"

#define ARGS_BYTES	65536	/* of memory for argument blocks */
#define ARGS_MAX	4096	/* one block */
#define ARGS_ALIGN	64

struct stack {
	struct stack *next;	/* narrower ones, perhaps still in use */
	struct vgpu_bo *bo;
};

static int stack_for(struct vgpu_queue *queue, uint64_t bytes, uint64_t *va)
{
	struct vgpu_vm *vm = queue->ctx->vm;
	struct stack *stack = queue->stacks;
	int ret;

	if (stack && stack->bo->bytes >= bytes) {
		*va = stack->bo->va;
		return 0;
	}
	stack = calloc(1, sizeof(*stack));
	if (!stack)
		return vgpu_fail(-ENOMEM, "out of memory");
	ret = vgpu_bo_create(vm->dev, bytes, 0, 0, &stack->bo);
	if (!ret)
		ret = vgpu_bo_map(stack->bo, vm,
				  VGPU_PROT_READ | VGPU_PROT_WRITE, VGPU_VA_ANY);
	if (ret) {
		vgpu_bo_destroy(stack->bo);
		free(stack);
		return ret;
	}
	stack->next = queue->stacks;
	queue->stacks = stack;
	*va = stack->bo->va;
	return 0;
}

/* Argument blocks follow each other; before the first is used again, all
 * launches so far must have ended.
 */
static int copy_args(struct vgpu_queue *queue, const void *args, uint32_t bytes,
		     int64_t timeout_ns, uint64_t *va)
{
	int ret;

	if (bytes > ARGS_MAX)
		return vgpu_fail(-E2BIG,
				 "%u bytes of arguments: at most %u are copied, put more into a buffer of your own",
				 bytes, ARGS_MAX);
	if (!queue->args) {
		ret = vgpu_alloc(queue->ctx->vm, ARGS_BYTES,
				 VGPU_PROT_READ | VGPU_PROT_WRITE, 0,
				 &queue->args);
		if (ret)
			return ret;
	}
	if (queue->args_used + bytes > ARGS_BYTES) {
		int64_t mark = vgpu_queue_mark(queue);

		if (mark < 0)
			return (int)mark;
		ret = vgpu_queue_wait(queue, mark, timeout_ns);
		if (ret)
			return ret;
		queue->args_used = 0;
	}
	memcpy((uint8_t *)queue->args->cpu + queue->args_used, args, bytes);
	*va = queue->args->va + queue->args_used;
	queue->args_used = vgpu_round_up(queue->args_used + bytes, ARGS_ALIGN);
	return 0;
}

int vgpu_launch(struct vgpu_queue *queue, const struct vgpu_launch *launch,
		int64_t timeout_ns)
{
	const struct vgpu_info *info = &queue->ctx->dev->info;
	struct vgpu_cmd cmd = vgpu_cmd_nop();
	struct vgpu_cmd_launch *l = &cmd.launch;
	uint64_t stack = 0, args = launch->args_va;
	uint64_t lanes = 1;
	int ret;

	cmd.op = VGPU_CMD_LAUNCH;
	l->entry = launch->entry;
	l->shared_bytes = launch->shared_bytes;
	l->stack_bytes = launch->stack_bytes ?: VGPU_STACK_DEFAULT;
	for (unsigned int i = 0; i < 3; i++) {
		l->grid[i] = launch->grid[i] ?: 1;
		l->block[i] = launch->block[i] ?: 1;
		lanes *= l->block[i];
	}
	/* Checked here too, because the stacks are made before the kernel
	 * sees the launch.
	 */
	if (lanes > info->max_lanes)
		return vgpu_fail(-EINVAL,
				 "a workgroup of %llu lanes: this vGPU takes up to %u",
				 (unsigned long long)lanes, info->max_lanes);
	if (l->shared_bytes > info->shared_bytes)
		return vgpu_fail(-EINVAL,
				 "%u bytes of shared memory: this vGPU has %u",
				 l->shared_bytes, info->shared_bytes);
	if (l->stack_bytes % 16)
		return vgpu_fail(-EINVAL,
				 "a stack of %u bytes: it must be a multiple of 16",
				 l->stack_bytes);

	ret = stack_for(queue, info->units * lanes * l->stack_bytes, &stack);
	if (ret)
		return ret;
	if (launch->args_bytes) {
		ret = copy_args(queue, launch->args, launch->args_bytes,
				timeout_ns, &args);
		if (ret)
			return ret;
	}
	l->stack = stack;
	l->args = args;
	ret = vgpu_submit(queue, &cmd, 1, timeout_ns);
	return ret < 0 ? ret : 0;
}

void vgpu_launch_cleanup(struct vgpu_queue *queue)
{
	while (queue->stacks) {
		struct stack *stack = queue->stacks;

		queue->stacks = stack->next;
		vgpu_bo_destroy(stack->bo);
		free(stack);
	}
	vgpu_bo_destroy(queue->args);
}
