// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "gpu.h"

static void gpu_fill_in(struct gpu *g, struct dev *d, int client)
{
	struct vgpu_vm_create vm = { .size = sizeof(vm) };
	struct vgpu_ctx_create ctx = { .size = sizeof(ctx) };
	struct vgpu_queue_create queue = { .size = sizeof(queue) };
	struct vgpu_timeline_create tl = { .size = sizeof(tl) };

	memset(g, 0, sizeof(*g));
	g->d = d;
	NEED(client > 0, "client: %s", st_errno(client));
	g->client = client;

	NEED_OK(ADMIN(d, g->client, VGPU_CALL_VM_CREATE, &vm));
	g->vm = vm.handle;
	ctx.vm = g->vm;
	NEED_OK(ADMIN(d, g->client, VGPU_CALL_CTX_CREATE, &ctx));
	g->ctx = ctx.handle;
	queue.ctx = g->ctx;
	NEED_OK(ADMIN(d, g->client, VGPU_CALL_QUEUE_CREATE, &queue));
	g->queue = queue.handle;
	NEED_OK(ADMIN(d, g->client, VGPU_CALL_TIMELINE_CREATE, &tl));
	g->timeline = tl.handle;
	g->slot = tl.slot;
}

void gpu_new(struct gpu *g, struct dev *d)
{
	gpu_fill_in(g, d, client_open(d));
}

uint32_t gpu_new_bells(struct gpu *g, struct dev *d)
{
	uint32_t page;
	int client = client_open_bells(d, &page);

	gpu_fill_in(g, d, client);
	return page;
}

int gpu_vram(struct gpu *g, uint64_t bytes, uint32_t *bo, uint64_t *offset)
{
	struct vgpu_bo_create arg = { .size = sizeof(arg), .bytes = bytes };
	int ret = ADMIN(g->d, g->client, VGPU_CALL_BO_CREATE, &arg);

	*bo = arg.handle;
	*offset = arg.mmap_offset;
	return ret;
}

int gpu_host(struct gpu *g, uint64_t first, uint64_t step, uint32_t pages,
	     uint32_t *bo)
{
	struct vgpu_bo_create arg = {
		.size = sizeof(arg), .flags = VGPU_BO_HOST,
		.bytes = pages * PAGE, .page_count = pages, .page_stride = 8,
	};
	uint64_t *addrs = malloc(pages * sizeof(*addrs));
	uint32_t i;
	int ret;

	for (i = 0; i < pages; i++)
		addrs[i] = first + i * step;
	ret = admin(g->d, g->client, VGPU_CALL_BO_CREATE, &arg, sizeof(arg),
		    addrs, pages * sizeof(*addrs));
	free(addrs);
	*bo = arg.handle;
	return ret;
}

int gpu_map(struct gpu *g, uint32_t bo, uint64_t va, uint64_t bytes)
{
	struct vgpu_vm_map arg = {
		.size = sizeof(arg), .vm = g->vm, .bo = bo, .va = va,
		.bytes = bytes, .prot = VGPU_PROT_READ | VGPU_PROT_WRITE,
	};

	return ADMIN(g->d, g->client, VGPU_CALL_VM_MAP, &arg);
}

int gpu_unmap(struct gpu *g, uint64_t va, uint64_t bytes)
{
	struct vgpu_vm_unmap arg = {
		.size = sizeof(arg), .vm = g->vm, .va = va, .bytes = bytes,
	};

	return ADMIN(g->d, g->client, VGPU_CALL_VM_UNMAP, &arg);
}

int gpu_close(struct gpu *g, uint32_t handle)
{
	struct vgpu_close arg = { .size = sizeof(arg), .handle = handle };

	return ADMIN(g->d, g->client, VGPU_CALL_CLOSE, &arg);
}

int gpu_submit(struct gpu *g, const struct vgpu_cmd *cmds, uint32_t count)
{
	struct vgpu_submit arg = {
		.size = sizeof(arg), .queue = g->queue, .count = count,
		.stride = sizeof(*cmds),
	};

	return admin(g->d, g->client, VGPU_CALL_SUBMIT, &arg, sizeof(arg),
		     cmds, count * sizeof(*cmds));
}

struct vgpu_cmd gpu_fill(uint64_t va, uint64_t bytes, uint32_t pattern)
{
	return (struct vgpu_cmd) {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = va, .bytes = bytes, .pattern = pattern },
	};
}

struct vgpu_cmd gpu_copy(uint64_t dst, uint64_t src, uint64_t bytes)
{
	return (struct vgpu_cmd) {
		.op = VGPU_CMD_COPY,
		.copy = { .dst = dst, .src = src, .bytes = bytes },
	};
}

struct vgpu_cmd gpu_signal(struct gpu *g, uint64_t value)
{
	return (struct vgpu_cmd) {
		.op = VGPU_CMD_SIGNAL,
		.sync = { .timeline = g->timeline, .value = value },
	};
}

int gpu_wait(struct gpu *g, uint64_t value, unsigned int ms)
{
	uint64_t end = st_now_ns() + ms * 1000000ull;

	while (g->d->timelines[g->slot] < value) {
		if (st_now_ns() > end)
			return -ETIME;
		st_sleep_ms(1);
	}
	return 0;
}

int gpu_do(struct gpu *g, struct vgpu_cmd cmd)
{
	struct vgpu_queue_status before = { .size = sizeof(before) }, after;
	struct vgpu_cmd cmds[2] = { cmd };
	int ret;

	before.queue = g->queue;
	after = before;
	ret = ADMIN(g->d, g->client, VGPU_CALL_QUEUE_STATUS, &before);
	if (ret)
		return ret;
	cmds[1] = gpu_signal(g, ++g->value);
	ret = gpu_submit(g, cmds, 2);
	if (ret)
		return ret;
	ret = gpu_wait(g, g->value, 20000);
	if (ret)
		return ret;
	ret = ADMIN(g->d, g->client, VGPU_CALL_QUEUE_STATUS, &after);
	if (ret)
		return ret;
	return after.failed > before.failed ? after.error : 0;
}
