// SPDX-License-Identifier: GPL-2.0
/* Handles, and how long what they stand for lives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "st.h"

#define PAGE	4096u

enum kind { BO, VM, CTX, QUEUE, TIMELINE, KINDS };

static const char *const names[] = { "BO", "VM", "context", "queue",
				     "timeline" };

struct objects {
	uint32_t handle[KINDS];
};

static void make_all(int fd, struct objects *o)
{
	o->handle[BO] = st_bo(fd, PAGE, 0, NULL);
	o->handle[VM] = st_vm(fd);
	o->handle[CTX] = st_ctx(fd, o->handle[VM]);
	o->handle[QUEUE] = st_queue(fd, o->handle[CTX]);
	o->handle[TIMELINE] = st_timeline(fd, NULL);
}

/*
 * Every place in the uAPI that takes a handle, with all else valid:
 * -ENOENT is the only answer to a handle that is not one of its kind.
 */
struct use {
	const char *name;
	enum kind kind;
	int (*call)(int fd, const struct objects *o, uint32_t handle);
};

static int use_map_vm(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_info info;

	st_info(fd, &info);
	return st_map(fd, handle, o->handle[BO], VGPU_PROT_READ,
		      info.va_start, 0, PAGE);
}

static int use_map_bo(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_info info;

	st_info(fd, &info);
	return st_map(fd, o->handle[VM], handle, VGPU_PROT_READ,
		      info.va_start, 0, PAGE);
}

static int use_unmap(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_vm_unmap arg = { .vm = handle, .bytes = PAGE };
	struct vgpu_info info;

	(void)o;
	st_info(fd, &info);
	arg.va = info.va_start;
	return CALL(fd, VGPU_IOCTL_VM_UNMAP, &arg);
}

static int use_ctx_vm(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_ctx_create arg = { .vm = handle };

	(void)o;
	return CALL(fd, VGPU_IOCTL_CTX_CREATE, &arg);
}

static int use_queue_ctx(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_queue_create arg = { .ctx = handle };

	(void)o;
	return CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &arg);
}

static int use_ring_bo(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_queue_create arg = {
		.ctx = o->handle[CTX], .flags = VGPU_QUEUE_RING,
		.ring_bo = handle, .ring_slots = 2,
	};

	return CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &arg);
}

static int use_submit(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_cmd nop = { .op = VGPU_CMD_NOP };

	(void)o;
	return st_submit(fd, handle, &nop, 1);
}

static int use_kick(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_kick arg = { .queue = handle };

	(void)o;
	return CALL(fd, VGPU_IOCTL_KICK, &arg);
}

static int use_wait(int fd, const struct objects *o, uint32_t handle)
{
	(void)o;
	return st_wait(fd, handle, 0, 0);
}

static int use_signal(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_signal arg = { .timeline = handle, .value = 1 };

	(void)o;
	return CALL(fd, VGPU_IOCTL_SIGNAL, &arg);
}

static int use_eventfd(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_eventfd arg = { .timeline = handle, .value = 1 };
	int ret;

	(void)o;
	arg.fd = eventfd(0, EFD_CLOEXEC);
	ret = CALL(fd, VGPU_IOCTL_EVENTFD, &arg);
	close(arg.fd);
	return ret;
}

static int use_status(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_queue_status arg = { .queue = handle };

	(void)o;
	return CALL(fd, VGPU_IOCTL_QUEUE_STATUS, &arg);
}

static int use_cmd_signal(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_cmd cmd = st_sync(VGPU_CMD_SIGNAL, handle, 1);

	return st_submit(fd, o->handle[QUEUE], &cmd, 1);
}

static int use_cmd_wait(int fd, const struct objects *o, uint32_t handle)
{
	struct vgpu_cmd cmd = st_sync(VGPU_CMD_WAIT, handle, 0);

	return st_submit(fd, o->handle[QUEUE], &cmd, 1);
}

static int use_close(int fd, const struct objects *o, uint32_t handle)
{
	(void)o;
	return st_close(fd, handle);
}

static const struct use uses[] = {
	{ "VM_MAP, vm", VM, use_map_vm },
	{ "VM_MAP, bo", BO, use_map_bo },
	{ "VM_UNMAP", VM, use_unmap },
	{ "CTX_CREATE", VM, use_ctx_vm },
	{ "QUEUE_CREATE, ctx", CTX, use_queue_ctx },
	{ "QUEUE_CREATE, ring", BO, use_ring_bo },
	{ "SUBMIT", QUEUE, use_submit },
	{ "KICK", QUEUE, use_kick },
	{ "WAIT", TIMELINE, use_wait },
	{ "SIGNAL", TIMELINE, use_signal },
	{ "EVENTFD", TIMELINE, use_eventfd },
	{ "QUEUE_STATUS", QUEUE, use_status },
	{ "a signal command", TIMELINE, use_cmd_signal },
	{ "a wait command", TIMELINE, use_cmd_wait },
	{ "CLOSE", KINDS, use_close },
};

#define USES	(sizeof(uses) / sizeof(uses[0]))

static void expect_none(int fd, const struct objects *o, uint32_t handle,
			const char *what)
{
	unsigned int i;

	for (i = 0; i < USES; i++) {
		int ret = uses[i].call(fd, o, handle);

		CHECK(ret == -ENOENT, "%s of %s (%u): %s, not ENOENT",
		      uses[i].name, what, handle, st_errno(ret));
	}
}

static void unknown(void)
{
	static const uint32_t odd[] = { 0, 0x7fffffff, 0x80000000, 0xffffffff,
					16384, 16385, 65536 };
	struct st_vgpu vgpu;
	struct objects o;
	unsigned int i;

	st_vgpu(&vgpu, 1, 0);
	make_all(vgpu.fd, &o);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		expect_none(vgpu.fd, &o, odd[i], "a handle never given");
}

static void wrong_kind(void)
{
	struct st_vgpu vgpu;
	struct objects o;
	unsigned int i, k;

	st_vgpu(&vgpu, 1, 0);
	make_all(vgpu.fd, &o);
	for (i = 0; i < USES; i++) {
		for (k = 0; k < KINDS && uses[i].kind != KINDS; k++) {
			int ret;

			if (k == uses[i].kind)
				continue;
			ret = uses[i].call(vgpu.fd, &o, o.handle[k]);
			CHECK(ret == -ENOENT, "%s with a %s: %s, not ENOENT",
			      uses[i].name, names[k], st_errno(ret));
		}
	}
}

static void closed(void)
{
	struct st_vgpu vgpu;
	struct objects o, gone;
	unsigned int k;

	st_vgpu(&vgpu, 1, 0);
	make_all(vgpu.fd, &o);
	make_all(vgpu.fd, &gone);
	for (k = 0; k < KINDS; k++)
		CHECK_OK(st_close(vgpu.fd, gone.handle[k]));
	for (k = 0; k < KINDS; k++)
		expect_none(vgpu.fd, &o, gone.handle[k], "what was closed");
}

/* On the same vGPU, and on another one. */
static void others(void)
{
	struct st_vgpu vgpu, other;
	struct objects o, theirs;
	unsigned int i, k;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	st_vgpu(&other, 1, 0);
	make_all(vgpu.fd, &o);
	fd = st_open(&vgpu);
	/* numbers that we have not given out ourselves */
	for (i = 0; i < 40; i++) {
		st_timeline(fd, NULL);
		st_timeline(other.fd, NULL);
	}
	make_all(fd, &theirs);
	for (k = 0; k < KINDS; k++)
		expect_none(vgpu.fd, &o, theirs.handle[k],
			    "another client of the vGPU");
	for (k = 0; k < KINDS; k++)
		CHECK(st_close(fd, theirs.handle[k]) == 0,
		      "their %s was harmed", names[k]);

	make_all(other.fd, &theirs);
	for (k = 0; k < KINDS; k++)
		expect_none(vgpu.fd, &o, theirs.handle[k], "another vGPU");
	for (k = 0; k < KINDS; k++)
		CHECK(st_close(other.fd, theirs.handle[k]) == 0,
		      "their %s was harmed", names[k]);
}

/* An end is reached with the errno for it, and closing makes room again. */
static void exhausted(void)
{
	struct vgpu_timeline_create tl = { 0 };
	struct vgpu_ctx_create ctx = { 0 };
	struct vgpu_bo_create bo = { .bytes = PAGE };
	uint32_t last = 0, first = 0, ctxs[2048];
	struct st_vgpu vgpu;
	unsigned int n;
	int ret;

	st_vgpu(&vgpu, 1, 0);
	for (n = 0; n < 100000; n++) {
		ret = CALL(vgpu.fd, VGPU_IOCTL_TIMELINE_CREATE, &tl);
		if (ret)
			break;
		first = first ?: tl.handle;
		last = tl.handle;
	}
	CHECK(ret == -EMFILE && n == 512, "timeline %u: %s", n, st_errno(ret));
	CHECK_OK(st_close(vgpu.fd, last));
	CHECK_OK(CALL(vgpu.fd, VGPU_IOCTL_TIMELINE_CREATE, &tl));
	CHECK_ERR(CALL(vgpu.fd, VGPU_IOCTL_TIMELINE_CREATE, &tl), -EMFILE,
		  "(again)");
	CHECK_OK(st_close(vgpu.fd, first));

	ctx.vm = st_vm(vgpu.fd);
	for (n = 0; n < 2048; n++) {
		ret = CALL(vgpu.fd, VGPU_IOCTL_CTX_CREATE, &ctx);
		if (ret)
			break;
		ctxs[n] = ctx.handle;
	}
	CHECK(ret == -EMFILE || ret == -ENOMEM, "context %u: %s", n,
	      st_errno(ret));
	st_note("%u contexts, then %s", n, st_errno(ret));
	while (n--)
		CHECK_OK(st_close(vgpu.fd, ctxs[n]));
	CHECK_OK(CALL(vgpu.fd, VGPU_IOCTL_CTX_CREATE, &ctx));

	/* the quota comes before the handles end */
	for (n = 0; n < 100000; n++) {
		ret = CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo);
		if (ret)
			break;
		last = bo.handle;
	}
	CHECK(ret == -EDQUOT || ret == -EMFILE, "BO %u: %s", n, st_errno(ret));
	st_note("%u BOs, then %s", n, st_errno(ret));
	CHECK_OK(st_close(vgpu.fd, last));
	CHECK_OK(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo));
}

/* What others need lives on without its handle. */
static void held(void)
{
	struct vgpu_info info, before;
	struct st_vgpu vgpu;
	struct vgpu_cmd cmd;
	uint32_t bo, back, timeline;
	struct objects o;
	uint64_t offset;
	uint32_t *cpu;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	st_info(fd, &before);
	make_all(fd, &o);
	st_info(fd, &info);
	bo = st_bo(fd, PAGE, 0, NULL);
	back = st_bo(fd, PAGE, 0, &offset);
	timeline = st_timeline(fd, NULL);
	NEED_OK(st_map(fd, o.handle[VM], bo, VGPU_PROT_READ | VGPU_PROT_WRITE,
		       info.va_start, 0, PAGE));
	NEED_OK(st_map(fd, o.handle[VM], back, VGPU_PROT_WRITE,
		       info.va_start + PAGE, 0, PAGE));

	/* a mapped BO, a VM with contexts, a context with queues */
	CHECK_OK(st_close(fd, bo));
	CHECK_OK(st_close(fd, o.handle[VM]));
	CHECK_OK(st_close(fd, o.handle[CTX]));
	cmd = st_fill(info.va_start, PAGE, 0x12345678);
	st_run(fd, o.handle[QUEUE], &cmd, 1);
	cmd = st_copy(info.va_start + PAGE, info.va_start, PAGE);
	st_run(fd, o.handle[QUEUE], &cmd, 1);
	cpu = st_mmap(fd, offset, PAGE, PROT_READ);
	NEED(cpu != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK(cpu[7] == 0x12345678, "read back 0x%x", cpu[7]);

	/* a timeline that a queue waits for */
	cmd = st_sync(VGPU_CMD_WAIT, timeline, 5);
	NEED_OK(st_submit(fd, o.handle[QUEUE], &cmd, 1));
	cmd = st_sync(VGPU_CMD_SIGNAL, o.handle[TIMELINE], 1);
	NEED_OK(st_submit(fd, o.handle[QUEUE], &cmd, 1));
	CHECK_OK(st_close(fd, timeline));
	CHECK_ERR(st_wait(fd, o.handle[TIMELINE], 1, 50000000), -ETIME,
		  "(nobody can raise what it waits for)");

	/* the CPU's view ends with the handle */
	CHECK(st_touch(cpu, false) == 0, "no longer readable");
	CHECK_OK(st_close(fd, back));
	CHECK(st_touch(cpu, false) == SIGBUS, "readable after CLOSE");

	CHECK_OK(st_close(fd, o.handle[QUEUE]));
	CHECK_OK(st_close(fd, o.handle[BO]));
	CHECK_OK(st_close(fd, o.handle[TIMELINE]));
	st_info(fd, &info);
	CHECK(info.vram_used == before.vram_used,
	      "%llu bytes are in use after the last handle went, %llu before the first",
	      (unsigned long long)info.vram_used,
	      (unsigned long long)before.vram_used);
}

/* Handles are a file's: the next one gets the same numbers, and nothing else. */
static void reopened(void)
{
	struct vgpu_info info, again;
	struct st_vgpu vgpu;
	struct objects o, p;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	fd = st_open(&vgpu);
	st_info(fd, &info);
	make_all(fd, &o);
	close(fd);
	fd = st_open(&vgpu);
	st_info(fd, &again);
	CHECK(again.vram_used == info.vram_used,
	      "%llu bytes left behind by a closed file",
	      (unsigned long long)(again.vram_used - info.vram_used));
	make_all(fd, &p);
	CHECK(!memcmp(&o, &p, sizeof(o)), "handles depend on other files");
}

static const struct st_case cases[] = {
	{ "unknown", unknown },
	{ "wrong_kind", wrong_kind },
	{ "closed", closed },
	{ "others", others },
	{ "exhausted", exhausted },
	{ "held", held },
	{ "reopened", reopened },
};

ST_MAIN(cases)
