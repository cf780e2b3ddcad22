// SPDX-License-Identifier: GPL-2.0
/* The node's calls as they are, and vGPUs for a case. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "st.h"

int st_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

int st_ctl(void)
{
	static int fd = -1;
	static pid_t owner;

	/* a child's must be its own: what it creates shall go with it */
	if (fd >= 0 && owner == getpid())
		return fd;
	fd = open("/dev/vgpu/ctl", O_RDWR | O_CLOEXEC);
	NEED(fd >= 0, "/dev/vgpu/ctl: %s: is vgpu.ko loaded, are you root?",
	     strerror(errno));
	owner = getpid();
	return fd;
}

int st_create(struct st_vgpu *vgpu, const char *type, uint32_t weight,
	      uint32_t flags)
{
	struct vgpu_ctl_create arg = {
		.flags = flags,
		.weight = weight,
		.priority = VGPU_PRIORITY_DEFAULT,
	};
	int ret;

	memset(vgpu, 0, sizeof(*vgpu));
	vgpu->fd = -1;
	snprintf(arg.type, sizeof(arg.type), "%s", type);
	ret = CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg);
	if (ret)
		return ret;
	vgpu->id = arg.id;
	memcpy(vgpu->uuid, arg.uuid, sizeof(vgpu->uuid));
	snprintf(vgpu->path, sizeof(vgpu->path), "/dev/vgpu/v%u", arg.id);
	return 0;
}

int st_destroy(const struct st_vgpu *vgpu)
{
	struct vgpu_ctl_destroy arg = { .id = vgpu->id };

	return CALL(st_ctl(), VGPU_CTL_IOCTL_DESTROY, &arg);
}

int st_verb(const struct st_vgpu *vgpu, uint32_t verb)
{
	struct vgpu_ctl_state arg = { .id = vgpu->id, .verb = verb };

	return CALL(st_ctl(), VGPU_CTL_IOCTL_STATE, &arg);
}

/*
 * A type's name tells its memory, "<shares>g.<MiB>m", which depends on the
 * GPU's. Nothing but a creation tells whether there is such a type.
 */
const char *st_type(unsigned int shares)
{
	static char type[16];
	struct st_vgpu vgpu;
	unsigned int mib, pass;
	int ret;

	for (pass = 0; pass < 2; pass++) {
		for (mib = 1; mib <= 16384; mib = pass ? mib + 1 : mib * 2) {
			snprintf(type, sizeof(type), "%ug.%um", shares, mib);
			ret = st_create(&vgpu, type, 0, 0);
			if (ret == -ENOENT)
				continue;
			/* there is no room, but there is such a type */
			if (ret == -ENOSPC)
				return type;
			NEED(!ret, "creating a %s: %s", type, st_errno(ret));
			NEED_OK(st_destroy(&vgpu));
			return type;
		}
	}
	NEED(0, "no type of %u shares: does GPU 0 exist?", shares);
	return NULL;
}

/* devtmpfs makes the node while the vGPU is created. */
int st_open(const struct st_vgpu *vgpu)
{
	int fd = open(vgpu->path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0, "%s: %s", vgpu->path, strerror(errno));
	return fd;
}

void st_vgpu(struct st_vgpu *vgpu, unsigned int shares, uint32_t weight)
{
	const char *type = st_type(shares);

	NEED_ERR(st_create(vgpu, type, weight, VGPU_CREATE_WITH_FD), 0,
		 "of type %s", type);
	NEED_OK(st_verb(vgpu, VGPU_VERB_START));
	vgpu->fd = st_open(vgpu);
	if (vgpu->fd < 0)
		st_stop();
}

uint32_t st_bo(int fd, uint64_t bytes, uint32_t flags, uint64_t *mmap_offset)
{
	struct vgpu_bo_create arg = { .bytes = bytes, .flags = flags };

	NEED_ERR(CALL(fd, VGPU_IOCTL_BO_CREATE, &arg), 0, "for %llu bytes",
		 (unsigned long long)bytes);
	if (mmap_offset)
		*mmap_offset = arg.mmap_offset;
	return arg.handle;
}

uint32_t st_vm(int fd)
{
	struct vgpu_vm_create arg = { 0 };

	NEED_OK(CALL(fd, VGPU_IOCTL_VM_CREATE, &arg));
	return arg.handle;
}

uint32_t st_ctx(int fd, uint32_t vm)
{
	struct vgpu_ctx_create arg = { .vm = vm };

	NEED_OK(CALL(fd, VGPU_IOCTL_CTX_CREATE, &arg));
	return arg.handle;
}

uint32_t st_queue(int fd, uint32_t ctx)
{
	struct vgpu_queue_create arg = { .ctx = ctx };

	NEED_OK(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &arg));
	return arg.handle;
}

uint32_t st_timeline(int fd, uint32_t *slot)
{
	struct vgpu_timeline_create arg = { 0 };

	NEED_OK(CALL(fd, VGPU_IOCTL_TIMELINE_CREATE, &arg));
	if (slot)
		*slot = arg.slot;
	return arg.handle;
}

void st_info(int fd, struct vgpu_info *info)
{
	NEED_OK(CALL(fd, VGPU_IOCTL_INFO, info));
}

int st_map(int fd, uint32_t vm, uint32_t bo, uint32_t prot, uint64_t va,
	   uint64_t offset, uint64_t bytes)
{
	struct vgpu_vm_map arg = {
		.vm = vm, .bo = bo, .prot = prot,
		.va = va, .offset = offset, .bytes = bytes,
	};

	return CALL(fd, VGPU_IOCTL_VM_MAP, &arg);
}

int st_close(int fd, uint32_t handle)
{
	struct vgpu_close arg = { .handle = handle };

	return CALL(fd, VGPU_IOCTL_CLOSE, &arg);
}

int st_submit(int fd, uint32_t queue, const struct vgpu_cmd *cmds,
	      uint32_t count)
{
	struct vgpu_submit arg = {
		.queue = queue, .cmds = (uintptr_t)cmds, .count = count,
		.stride = sizeof(*cmds),
	};
	int ret = CALL(fd, VGPU_IOCTL_SUBMIT, &arg);

	if (!ret && arg.submitted != count)
		return -EAGAIN;
	return ret;
}

int st_wait(int fd, uint32_t timeline, uint64_t value, int64_t timeout_ns)
{
	struct vgpu_wait arg = {
		.timeline = timeline, .value = value, .timeout_ns = timeout_ns,
	};

	return CALL(fd, VGPU_IOCTL_WAIT, &arg);
}

void st_status(int fd, uint32_t queue, uint32_t irq_clear,
	       struct vgpu_queue_status *status)
{
	memset(status, 0, sizeof(*status));
	status->queue = queue;
	status->irq_clear = irq_clear;
	NEED_OK(CALL(fd, VGPU_IOCTL_QUEUE_STATUS, status));
}

void st_run(int fd, uint32_t queue, const struct vgpu_cmd *cmds,
	    uint32_t count)
{
	uint32_t timeline = st_timeline(fd, NULL);
	struct vgpu_cmd end = st_sync(VGPU_CMD_SIGNAL, timeline, 1);

	NEED_OK(st_submit(fd, queue, cmds, count));
	NEED_OK(st_submit(fd, queue, &end, 1));
	NEED_OK(st_wait(fd, timeline, 1, 30000000000ll));
	NEED_OK(st_close(fd, timeline));
}

void st_run_one(int fd, uint32_t queue, struct vgpu_cmd cmd)
{
	st_run(fd, queue, &cmd, 1);
}

struct vgpu_cmd st_copy(uint64_t dst, uint64_t src, uint64_t bytes)
{
	return (struct vgpu_cmd) {
		.op = VGPU_CMD_COPY,
		.copy = { .src = src, .dst = dst, .bytes = bytes },
	};
}

struct vgpu_cmd st_fill(uint64_t dst, uint64_t bytes, uint32_t pattern)
{
	return (struct vgpu_cmd) {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = dst, .bytes = bytes, .pattern = pattern },
	};
}

struct vgpu_cmd st_sync(uint16_t op, uint32_t timeline, uint64_t value)
{
	return (struct vgpu_cmd) {
		.op = op,
		.sync = { .timeline = timeline, .value = value },
	};
}

void *st_mmap(int fd, uint64_t offset, uint64_t bytes, int prot)
{
	return mmap(NULL, bytes, prot, MAP_SHARED, fd, (off_t)offset);
}

static sigjmp_buf touched;

static void on_signal(int number)
{
	siglongjmp(touched, number);
}

int st_touch(volatile void *at, bool write)
{
	struct sigaction action = { .sa_handler = on_signal }, bus, segv;
	volatile uint8_t *byte = at;
	int number;

	sigaction(SIGBUS, &action, &bus);
	sigaction(SIGSEGV, &action, &segv);
	number = sigsetjmp(touched, 1);
	if (!number) {
		if (write)
			*byte = *byte;
		else
			(void)*byte;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return number;
}
