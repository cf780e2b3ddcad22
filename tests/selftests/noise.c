// SPDX-License-Identifier: GPL-2.0
/* See noise.h. */
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "noise.h"

#define PAGE	4096u
#define HANDLES	64u

struct noise {
	int fd;
	struct vgpu_info info;
	uint32_t handles[HANDLES];
	unsigned int count;
	uint64_t vas[16];
	uint64_t offsets[16];
	struct vgpu_cmd cmds[64];
	int event, dmabuf;
	uint64_t calls[256], good[256];
};

static uint32_t any_handle(struct noise *f)
{
	if (!f->count || !st_below(8))
		return (uint32_t)st_below(80);
	if (!st_below(50))
		return (uint32_t)st_random();
	return f->handles[st_below(f->count)];
}

static uint64_t any_va(struct noise *f)
{
	switch (st_below(6)) {
	case 0:
		return st_random();
	case 1:
		return f->info.va_end - st_below(64) * 64;
	case 2:
		return f->info.va_start + st_below(256) * PAGE;
	default:
		return f->vas[st_below(16)] + st_below(3) * 64;
	}
}

static uint64_t any_bytes(void)
{
	switch (st_below(6)) {
	case 0:
		return st_random();
	case 1:
		return st_below(100);
	case 2:
		return (st_below(1024) + 1) * PAGE;
	default:
		return (st_below(16) + 1) * PAGE;
	}
}

static void any_cmd(struct noise *f, struct vgpu_cmd *cmd)
{
	unsigned int i;

	memset(cmd, 0, sizeof(*cmd));
	switch (st_below(9)) {
	case 0:
		for (i = 0; i < 8; i++)
			((uint64_t *)cmd)[i] = st_random();
		break;
	case 1:
	case 2:
		*cmd = st_copy(any_va(f), any_va(f), st_below(4) ?
			       st_below(PAGE) : any_bytes());
		break;
	case 3:
	case 4:
		*cmd = st_fill(any_va(f) & ~3ull, any_bytes() & ~3ull,
			       (uint32_t)st_random());
		break;
	case 5:
		/* waits for what may never come: its queue is closed then */
		*cmd = st_sync(st_below(2) ? VGPU_CMD_WAIT : VGPU_CMD_SIGNAL,
			       any_handle(f), st_below(4));
		break;
	case 6:
		cmd->op = VGPU_CMD_LAUNCH;
		cmd->launch.entry = any_va(f) & ~3ull;
		cmd->launch.args = any_va(f);
		for (i = 0; i < 3; i++) {
			cmd->launch.grid[i] = 1 + (uint32_t)st_below(3);
			cmd->launch.block[i] = 1 + (uint16_t)st_below(3);
		}
		if (!st_below(3)) {
			cmd->launch.stack = any_va(f);
			cmd->launch.stack_bytes = (uint32_t)st_below(64) * 16;
		}
		if (!st_below(3))
			cmd->launch.shared_bytes = (uint32_t)st_below(70000);
		break;
	default:
		break;
	}
}

union any {
	uint32_t size;
	uint64_t words[32];
	struct vgpu_close close;
	struct vgpu_bo_create bo;
	struct vgpu_vm_create vm;
	struct vgpu_vm_map map;
	struct vgpu_vm_unmap unmap;
	struct vgpu_ctx_create ctx;
	struct vgpu_queue_create queue;
	struct vgpu_timeline_create timeline;
	struct vgpu_submit submit;
	struct vgpu_kick kick;
	struct vgpu_wait wait;
	struct vgpu_signal signal;
	struct vgpu_eventfd eventfd;
	struct vgpu_queue_status status;
	struct vgpu_queue_set queue_set;
	struct vgpu_bo_user user;
	struct vgpu_bo_export export;
	struct vgpu_bo_import import;
	struct vgpu_adopt adopt;
};

static const uint32_t sizes[] = {
	sizeof(struct vgpu_info), sizeof(struct vgpu_close),
	sizeof(struct vgpu_bo_create), sizeof(struct vgpu_vm_create),
	sizeof(struct vgpu_vm_map), sizeof(struct vgpu_vm_unmap),
	sizeof(struct vgpu_ctx_create), sizeof(struct vgpu_queue_create),
	sizeof(struct vgpu_timeline_create), sizeof(struct vgpu_submit),
	sizeof(struct vgpu_kick), sizeof(struct vgpu_wait),
	sizeof(struct vgpu_signal), sizeof(struct vgpu_eventfd),
	sizeof(struct vgpu_queue_status), sizeof(struct vgpu_queue_set),
	sizeof(struct vgpu_bo_user), sizeof(struct vgpu_bo_export),
	sizeof(struct vgpu_bo_import), sizeof(struct vgpu_adopt),
};

/* Whatever the GPU does to it. */
static uint8_t lent[16 * PAGE] __attribute__((aligned(4096)));

/* Mostly sensible; each field is sometimes not. */
static void any_arg(struct noise *f, uint32_t call, union any *a)
{
	unsigned int i;

	memset(a, 0, sizeof(*a));
	switch (call) {
	case VGPU_CALL_CLOSE:
		a->close.handle = any_handle(f);
		break;
	case VGPU_CALL_BO_CREATE:
		a->bo.bytes = any_bytes();
		a->bo.align = st_below(4) ? 0 : 1ull << st_below(64);
		a->bo.flags = (st_below(3) ? 0 : VGPU_BO_HOST) |
			      (st_below(2) ? 0 : VGPU_BO_SHARE);
		break;
	case VGPU_CALL_VM_MAP:
		a->map.vm = any_handle(f);
		a->map.bo = any_handle(f);
		a->map.prot = st_below(4) ? 7 : (uint32_t)st_below(9);
		a->map.va = any_va(f) & ~(uint64_t)(PAGE - 1);
		a->map.offset = st_below(4) ? 0 : st_below(8) * PAGE;
		a->map.bytes = any_bytes() & ~(uint64_t)(PAGE - 1);
		break;
	case VGPU_CALL_VM_UNMAP:
		a->unmap.vm = any_handle(f);
		a->unmap.va = any_va(f) & ~(uint64_t)(PAGE - 1);
		a->unmap.bytes = any_bytes() & ~(uint64_t)(PAGE - 1);
		break;
	case VGPU_CALL_CTX_CREATE:
		a->ctx.vm = any_handle(f);
		a->ctx.engine = !st_below(16);
		break;
	case VGPU_CALL_QUEUE_CREATE:
		a->queue.ctx = any_handle(f);
		a->queue.depth = (uint32_t)st_below(64);
		a->queue.time_limit_us = 2000;
		a->queue.sched_class = (uint32_t)st_below(4);
		if (st_below(2)) {
			a->queue.flags = VGPU_QUEUE_RING;
			a->queue.ring_bo = any_handle(f);
			a->queue.ring_slots = 1u << st_below(8);
			a->queue.ring_offset = st_below(4) * 64;
		}
		break;
	case VGPU_CALL_SUBMIT:
		a->submit.queue = any_handle(f);
		a->submit.cmds = (uintptr_t)f->cmds;
		a->submit.count = 1 + (uint32_t)st_below(16);
		a->submit.stride = 64;
		if (!st_below(3)) {
			a->submit.flags = VGPU_SUBMIT_DEADLINE;
			a->submit.deadline_ns = st_below(8) ?
				(int64_t)st_below(20000000) - 10000000 :
				(int64_t)st_random();
		}
		for (i = 0; i < a->submit.count; i++)
			any_cmd(f, &f->cmds[i]);
		break;
	case VGPU_CALL_WAIT:
		a->wait.timeline = any_handle(f);
		a->wait.value = st_below(4);
		a->wait.timeout_ns = (int64_t)st_below(3) * 100000;
		break;
	case VGPU_CALL_SIGNAL:
		a->signal.timeline = any_handle(f);
		a->signal.value = st_below(6);
		break;
	case VGPU_CALL_EVENTFD:
		a->eventfd.timeline = any_handle(f);
		a->eventfd.value = st_below(6);
		a->eventfd.fd = st_below(4) ? f->event : f->fd;
		break;
	case VGPU_CALL_QUEUE_SET:
		a->queue_set.queue = any_handle(f);
		a->queue_set.sched_class = (uint32_t)st_below(4);
		break;
	case VGPU_CALL_BO_EXPORT:
		a->export.bo = any_handle(f);
		break;
	case VGPU_CALL_BO_IMPORT:
		a->import.fd = st_below(4) ? f->dmabuf : (int)st_below(8);
		break;
	case VGPU_CALL_ADOPT:
		a->adopt.client = (uint32_t)st_below(4);
		break;
	case VGPU_CALL_BO_USER:
		a->user.addr = (uintptr_t)lent + st_below(16) * PAGE;
		a->user.bytes = st_below(18) * PAGE + !st_below(8);
		break;
	case VGPU_CALL_KICK:
	case VGPU_CALL_QUEUE_STATUS:
		a->status.queue = any_handle(f);
		if (call == VGPU_CALL_QUEUE_STATUS)
			a->status.irq_clear = (uint32_t)st_below(9);
		break;
	}
	a->size = sizes[call - VGPU_CALL_INFO];
	if (!st_below(40))
		a->size = (uint32_t)st_below(300);
	if (!st_below(60))
		a->words[st_below(16)] ^= 1ull << st_below(64);
	/* asking to sleep for ever is allowed, and would be granted */
	if (call == VGPU_CALL_WAIT)
		a->wait.timeout_ns &= 0xfffff;
}

static void remember(struct noise *f, uint32_t call, const union any *a)
{
	uint32_t handle = 0;

	switch (call) {
	case VGPU_CALL_BO_CREATE:
		handle = a->bo.handle;
		f->offsets[st_below(16)] = a->bo.mmap_offset;
		break;
	case VGPU_CALL_BO_USER:
		handle = a->user.handle;
		break;
	case VGPU_CALL_BO_EXPORT:
		if (f->dmabuf >= 0)
			close(f->dmabuf);
		f->dmabuf = a->export.fd;
		break;
	case VGPU_CALL_BO_IMPORT:
		handle = a->import.handle;
		break;
	case VGPU_CALL_VM_CREATE:
		handle = a->vm.handle;
		break;
	case VGPU_CALL_CTX_CREATE:
		handle = a->ctx.handle;
		break;
	case VGPU_CALL_QUEUE_CREATE:
		handle = a->queue.handle;
		break;
	case VGPU_CALL_TIMELINE_CREATE:
		handle = a->timeline.handle;
		break;
	case VGPU_CALL_VM_MAP:
		f->vas[st_below(16)] = a->map.va;
		break;
	}
	if (!handle)
		return;
	if (f->count < HANDLES)
		f->handles[f->count++] = handle;
	else
		f->handles[st_below(HANDLES)] = handle;
}

static bool one_call(struct noise *f)
{
	uint32_t call = VGPU_CALL_INFO +
			(uint32_t)st_below(VGPU_CALL_END - VGPU_CALL_INFO);
	union any a;
	int ret;

	/* work, rather than talk */
	if (st_below(3) == 0)
		call = VGPU_CALL_SUBMIT;
	/* only so many: what was created is to be used */
	if (call == VGPU_CALL_CLOSE && st_below(3))
		call = VGPU_CALL_VM_MAP;
	any_arg(f, call, &a);
	ret = st_ioctl(f->fd, _IO(VGPU_IOCTL_TYPE, call), &a);
	f->calls[call]++;
	if (!ret) {
		f->good[call]++;
		remember(f, call, &a);
	}
	return ret != -ESHUTDOWN && ret != -ENODEV;
}

/* Scribbles over whatever can be mapped. */
static void one_scribble(struct noise *f)
{
	uint64_t at = f->offsets[st_below(16)];
	unsigned int i;
	uint64_t *p;

	if (!st_below(3))
		at = st_below(2) ? VGPU_MMAP_DOORBELLS : st_random();
	p = st_mmap(f->fd, at & ~(uint64_t)(PAGE - 1), PAGE,
		    PROT_READ | PROT_WRITE);
	if (p == MAP_FAILED)
		return;
	for (i = 0; i < 64 && !st_touch(p, true); i++) {
		if (at == VGPU_MMAP_DOORBELLS)
			((uint32_t *)p)[st_below(1024)] +=
				(uint32_t)st_below(8);
		else
			any_cmd(f, (struct vgpu_cmd *)p + st_below(64));
	}
	munmap(p, PAGE);
}

/* Something to begin with: what is refused here is not there. */
static void begin(struct noise *f)
{
	struct vgpu_vm_create vm = { 0 };
	struct vgpu_ctx_create ctx = { 0 };
	struct vgpu_queue_create queue = { 0 };
	struct vgpu_timeline_create timeline = { 0 };
	struct vgpu_bo_create bo = { .bytes = 16 * PAGE };

	CALL(f->fd, VGPU_IOCTL_VM_CREATE, &vm);
	ctx.vm = vm.handle;
	CALL(f->fd, VGPU_IOCTL_CTX_CREATE, &ctx);
	queue.ctx = ctx.handle;
	CALL(f->fd, VGPU_IOCTL_QUEUE_CREATE, &queue);
	CALL(f->fd, VGPU_IOCTL_TIMELINE_CREATE, &timeline);
	CALL(f->fd, VGPU_IOCTL_BO_CREATE, &bo);
	f->offsets[0] = bo.mmap_offset;
	f->handles[f->count++] = vm.handle;
	f->handles[f->count++] = ctx.handle;
	f->handles[f->count++] = queue.handle;
	f->handles[f->count++] = timeline.handle;
	f->handles[f->count++] = bo.handle;
	st_map(f->fd, vm.handle, bo.handle, 7, f->info.va_start, 0, 16 * PAGE);
}

void noise_life(const struct st_vgpu *vgpu, unsigned int calls, bool scribble,
		uint64_t *did, uint64_t *good)
{
	struct noise f = { .fd = open(vgpu->path, O_RDWR | O_CLOEXEC) };
	unsigned int i;

	if (f.fd < 0)
		return;
	f.info.size = sizeof(f.info);
	st_ioctl(f.fd, VGPU_IOCTL_INFO, &f.info);
	f.dmabuf = -1;
	f.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (i = 0; i < 16; i++)
		f.vas[i] = f.info.va_start + i * PAGE;
	begin(&f);
	for (i = 0; i < calls; i++) {
		if (scribble && !st_below(8))
			one_scribble(&f);
		else if (!one_call(&f))
			break;
	}
	close(f.event);
	if (f.dmabuf >= 0)
		close(f.dmabuf);
	close(f.fd);
	for (i = 0; i < 256; i++) {
		*did += f.calls[i];
		*good += f.good[i];
	}
}
