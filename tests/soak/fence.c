// SPDX-License-Identifier: GPL-2.0
/* Fences for others: signalled whatever happens, and well only if the work was done. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gpu.h"
#include "soak.h"

/* 1, or what went wrong; 0: it was not told. */
static int outcome(struct tenant *t, int fence)
{
	struct sync_file_info info = { };
	struct pollfd p = { .fd = fence, .events = POLLIN };

	if (poll(&p, 1, (int)(patience_ns() / 1000000)) != 1) {
		wrong(t, "a fence is not signalled");
		return 0;
	}
	if (ioctl(fence, SYNC_IOC_FILE_INFO, &info)) {
		wrong(t, "a fence says nothing: %s", strerror(errno));
		return 0;
	}
	return info.status;
}

int work_fence(struct tenant *t)
{
	/* half of them have no time for anything */
	struct vgpu_queue_options options = {
		.time_limit_us = 1000,
		.fence_ms = st_below(2) ? 1 + (uint32_t)st_below(40) : 10000,
	};
	uint64_t bytes = (1 + st_below(64)) * PAGE, seed = st_random();
	struct vgpu_bo *from = NULL, *to = NULL;
	struct vgpu_queue *queue = NULL;
	struct vgpu_ctx *ctx = NULL;
	struct vgpu_vm *vm = NULL;
	struct vgpu_cmd cmds[2];
	int fence, told, ret;

	if (options.fence_ms > 1000)
		options.time_limit_us = 10000000;
	ret = vgpu_vm_create_pinned(t->dev, &vm) ?:
	      vgpu_ctx_create(vm, 0, &ctx) ?:
	      vgpu_queue_create(ctx, &options, &queue) ?:
	      vgpu_alloc(vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE,
			 VGPU_BO_SHARE, &from) ?:
	      vgpu_alloc(vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE,
			 VGPU_BO_HOST, &to);
	if (ret)
		goto out;
	gpu_fill_pattern(from->cpu, bytes, seed);
	cmds[0] = vgpu_cmd_fill(to->va, bytes, 0x5a5a5a5a);
	cmds[1] = vgpu_cmd_copy(to->va, from->va, bytes);
	ret = vgpu_submit_fenced(queue, cmds, 2, &fence);
	if (ret != 2)
		goto out;
	ret = 0;
	if (!st_below(4)) {
		vgpu_queue_destroy(queue);
		queue = NULL;
	}
	told = outcome(t, fence);
	close(fence);
	if (told == 1 && gpu_check_pattern(to->cpu, bytes, seed) != bytes)
		wrong(t, "the fence came before the bytes");
	if (told < 0 && told != -ETIMEDOUT && told != -ETIME &&
	    told != -ECANCELED)
		ret = told;
out:
	vgpu_queue_destroy(queue);
	vgpu_bo_destroy(from);
	vgpu_bo_destroy(to);
	vgpu_ctx_destroy(ctx);
	vgpu_vm_destroy(vm);
	return ret;
}
