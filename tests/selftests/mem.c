// SPDX-License-Identifier: GPL-2.0
/* Memory: quota, addresses, permissions, CPU mappings, nothing left over. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096u
#define MIB	(1u << 20)

static void quota(void)
{
	struct vgpu_bo_create bo = { 0 };
	struct vgpu_info info, now;
	struct st_vgpu vgpu;
	uint64_t left;
	int ret;

	st_vgpu(&vgpu, 1, 0);
	st_info(vgpu.fd, &info);
	bo.bytes = info.vram_bytes + 1;
	CHECK_ERR(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo), -EDQUOT,
		  "(one byte over the quota)");
	bo.bytes = 1ull << 39;
	CHECK_ERR(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo), -EDQUOT,
		  "(far over the quota)");

	/* all of it, then not a byte more */
	left = info.vram_bytes - info.vram_used;
	bo.bytes = left;
	NEED_OK(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo));
	st_info(vgpu.fd, &now);
	CHECK(now.vram_used == info.vram_bytes, "%llu of %llu in use",
	      (unsigned long long)now.vram_used,
	      (unsigned long long)info.vram_bytes);
	bo.bytes = 1;
	CHECK_ERR(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo), -EDQUOT,
		  "(a byte when all is used)");

	/* page tables are paid too */
	ret = CALL(vgpu.fd, VGPU_IOCTL_VM_CREATE,
		   &(struct vgpu_vm_create) { 0 });
	CHECK(ret == -EDQUOT, "an address space without memory for it: %s",
	      st_errno(ret));

	CHECK_OK(st_close(vgpu.fd, bo.handle));
	st_info(vgpu.fd, &now);
	CHECK(now.vram_used == info.vram_used, "%llu left after close",
	      (unsigned long long)now.vram_used);
}

static void sizes(void)
{
	struct vgpu_bo_create bo = { 0 };
	struct vgpu_info info, now;
	struct st_vgpu vgpu;
	unsigned int i;

	st_vgpu(&vgpu, 1, 0);
	st_info(vgpu.fd, &info);
#define BO(n, a)							\
	(bo = (struct vgpu_bo_create) { .bytes = (n), .align = (a) },	\
	 CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE, &bo))
	CHECK_ERR(BO(0, 0), -EINVAL, "(no bytes)");
	CHECK_ERR(BO(~0ull, 0), -EINVAL, "(all bytes)");
	CHECK_ERR(BO(~0ull - PAGE, 0), -EINVAL, "(nearly all bytes)");
	CHECK_ERR(BO(PAGE, 3), -EINVAL, "(alignment 3)");
	CHECK_ERR(BO(PAGE, 4u * MIB), -EINVAL, "(alignment 4 MiB)");
	CHECK_ERR(BO(PAGE, 1ull << 63), -EINVAL, "(alignment 2^63)");
	for (i = 1; i <= 2 * MIB; i *= 2) {
		CHECK_ERR(BO(1, i), 0, "(alignment %u)", i);
		CHECK(!(bo.mmap_offset % PAGE), "mmap_offset 0x%llx",
		      (unsigned long long)bo.mmap_offset);
		st_info(vgpu.fd, &now);
		CHECK(now.vram_used - info.vram_used == PAGE,
		      "1 byte took %llu",
		      (unsigned long long)(now.vram_used - info.vram_used));
		CHECK_OK(st_close(vgpu.fd, bo.handle));
	}
#undef BO
}

static int unmap(int fd, uint32_t vm, uint64_t va, uint64_t bytes)
{
	struct vgpu_vm_unmap arg = { .vm = vm, .va = va, .bytes = bytes };

	return CALL(fd, VGPU_IOCTL_VM_UNMAP, &arg);
}

static void mapping(void)
{
	struct vgpu_info info;
	struct st_vgpu vgpu;
	uint32_t vm, bo;
	uint64_t va;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	st_info(fd, &info);
	va = info.va_start;
	vm = st_vm(fd);
	bo = st_bo(fd, 16 * PAGE, 0, NULL);
#define MAP(at, from, n)	st_map(fd, vm, bo, VGPU_PROT_READ, (at), (from), (n))
	CHECK_ERR(st_map(fd, vm, bo, 0, va, 0, PAGE), -EINVAL,
		  "(no permission)");
	CHECK_ERR(MAP(va, 0, 0), -EINVAL, "(no bytes)");
	CHECK_ERR(MAP(va + 1, 0, PAGE), -EINVAL, "(odd address)");
	CHECK_ERR(MAP(va, 1, PAGE), -EINVAL, "(odd offset)");
	CHECK_ERR(MAP(va, 0, PAGE + 1), -EINVAL, "(odd length)");
	CHECK_ERR(MAP(va - PAGE, 0, PAGE), -ERANGE, "(below the lowest)");
	CHECK_ERR(MAP(info.va_end, 0, PAGE), -ERANGE, "(above the highest)");
	CHECK_ERR(MAP(info.va_end - PAGE, 0, 2 * PAGE), -ERANGE,
		  "(over the end)");
	CHECK_ERR(MAP(-(uint64_t)PAGE, 0, PAGE), -EINVAL, "(wraps)");
	CHECK_ERR(MAP(-2 * (uint64_t)PAGE, 0, PAGE), -ERANGE, "(very high)");
	CHECK_ERR(MAP(1ull << 63, 0, PAGE), -ERANGE, "(half way)");
	CHECK_ERR(MAP(va, 0, 17 * PAGE), -EINVAL, "(past the BO)");
	CHECK_ERR(MAP(va, 16 * PAGE, PAGE), -EINVAL, "(behind the BO)");
	CHECK_ERR(MAP(va, -(uint64_t)PAGE, 2 * PAGE), -EINVAL,
		  "(offset that wraps)");
	CHECK_ERR(MAP(va, PAGE, -(uint64_t)PAGE), -EINVAL,
		  "(length that wraps)");

	CHECK_OK(MAP(va + 4 * PAGE, 0, 8 * PAGE));
	CHECK_ERR(MAP(va + 4 * PAGE, 0, PAGE), -EEXIST, "(the same)");
	CHECK_ERR(MAP(va + 11 * PAGE, 0, 2 * PAGE), -EEXIST, "(last page)");
	CHECK_ERR(MAP(va, 0, 5 * PAGE), -EEXIST, "(first page)");
	CHECK_OK(MAP(va, 0, 4 * PAGE));		/* up to it: free */
	CHECK_OK(MAP(va + 12 * PAGE, 0, PAGE));
	CHECK_OK(MAP(info.va_end - PAGE, 0, PAGE));

	CHECK_ERR(unmap(fd, vm, va + 64 * PAGE, PAGE), -ENOENT, "(nothing)");
	CHECK_ERR(unmap(fd, vm, va, 0), -EINVAL, "(no bytes)");
	CHECK_ERR(unmap(fd, vm, va + 8, PAGE), -EINVAL, "(odd address)");
	CHECK_ERR(unmap(fd, vm, va, PAGE + 8), -EINVAL, "(odd length)");
	CHECK_OK(unmap(fd, vm, va + 6 * PAGE, 2 * PAGE));	/* a middle */
	CHECK_OK(MAP(va + 6 * PAGE, 0, 2 * PAGE));
	CHECK_ERR(MAP(va + 5 * PAGE, 0, PAGE), -EEXIST, "(was split)");
	CHECK_OK(unmap(fd, vm, va, 64 * PAGE));		/* with holes in it */
	CHECK_OK(MAP(va, 0, 16 * PAGE));
#undef MAP
	CHECK_OK(st_close(fd, bo));
	CHECK_OK(st_close(fd, vm));
}

/* A GPU's access to its address space by what it may and may not. */
static void permissions(void)
{
	static const uint32_t prots[] = {
		VGPU_PROT_READ, VGPU_PROT_WRITE, VGPU_PROT_EXEC,
		VGPU_PROT_READ | VGPU_PROT_WRITE,
		VGPU_PROT_READ | VGPU_PROT_EXEC,
	};
	static const char *const symbols[] = { "fault_read", "fault_write",
					       "fault_exec" };
	struct vgpu_queue_status status, before, neighbours;
	struct fault_args *args;
	struct vgpu_bo *args_bo;
	struct gpu gpu, other;
	uint64_t entries[3];
	uint32_t queue;
	unsigned int i;
	int fd;

	gpu_new(&gpu, 1, 0);
	gpu_new(&other, 1, 0);
	fd = vgpu_fd(gpu.dev);
	queue = vgpu_queue_handle(gpu.queue);
	args_bo = gpu_bo(&gpu, sizeof(struct fault_args), 0);
	args = args_bo->cpu;
	gpu_program(&gpu, "fault", symbols, entries, 3);
	for (i = 0; i < 15; i++) {
		uint32_t prot = prots[i / 3], need = 1u << i % 3;
		const char *symbol = symbols[i % 3];
		const struct vgpu_launch launch = {
			.entry = entries[i % 3], .args_va = args_bo->va,
		};
		struct vgpu_bo *bo;
		int ret;

		NEED(!vgpu_bo_create(gpu.dev, PAGE, 0, 0, &bo), "%s",
		     vgpu_error());
		NEED(!vgpu_bo_map(bo, gpu.vm, prot, VGPU_VA_ANY), "%s",
		     vgpu_error());
		memset(args, 0, sizeof(*args));
		args->va = bo->va;
		st_status(fd, queue, 7, &before);
		NEED(!vgpu_launch(gpu.queue, &launch, SEC), "%s",
		     vgpu_error());
		gpu_settle(&gpu);
		st_status(fd, queue, 0, &status);
		ret = status.failed != before.failed ? status.error : 0;
		if (prot & need && need == VGPU_PROT_EXEC) {
			/* what lies there are zeros, which is no instruction */
			CHECK(ret == -ENOEXEC, "executing zeros: %s",
			      st_errno(ret));
		} else if (prot & need) {
			CHECK(!ret && args->reached == 1,
			      "%s with permissions %u: %s", symbol, prot,
			      st_errno(ret));
			CHECK(!(status.irq & VGPU_QUEUE_IRQ_ERROR),
			      "an error interrupt without an error");
		} else {
			CHECK(ret == -EFAULT && !args->reached,
			      "%s with permissions %u: %s, reached %llu",
			      symbol, prot, st_errno(ret),
			      (unsigned long long)args->reached);
			CHECK(status.irq & VGPU_QUEUE_IRQ_ERROR,
			      "no error interrupt");
			CHECK(status.failed == before.failed + 1,
			      "%llu failures more", (unsigned long long)
			      (status.failed - before.failed));
			CHECK((status.fault_va & ~(uint64_t)(PAGE - 1)) ==
			      bo->va, "fault told at 0x%llx, was 0x%llx",
			      (unsigned long long)status.fault_va,
			      (unsigned long long)bo->va);
			CHECK(status.fault_access == need,
			      "access told %u, was %u", status.fault_access,
			      need);
		}
		vgpu_bo_destroy(bo);
	}
	st_status(vgpu_fd(other.dev), vgpu_queue_handle(other.queue), 0,
		  &neighbours);
	CHECK(!neighbours.irq && !neighbours.failed && !neighbours.fault_va &&
	      !neighbours.error, "a neighbour was told of our faults");
}

static void cpu_mappings(void)
{
	struct st_vgpu vgpu;
	uint64_t offset, other_offset, aperture;
	struct vgpu_info info;
	uint8_t *p, *q;
	uint32_t bo;
	int fd, other;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	other = st_open(&vgpu);
	st_info(fd, &info);
	aperture = 4 * info.vram_bytes;
	bo = st_bo(fd, 16 * PAGE, 0, &offset);
	st_bo(other, 16 * PAGE, 0, &other_offset);

#define REFUSED(what, want, ...)					\
	do {								\
		errno = 0;						\
		p = (__VA_ARGS__);					\
		CHECK(p == MAP_FAILED && errno == (want), "%s: %s", what, \
		      p == MAP_FAILED ? strerrorname_np(errno) : "mapped"); \
	} while (0)
	REFUSED("another client's", EINVAL,
		st_mmap(fd, other_offset, PAGE, PROT_READ));
	REFUSED("beyond the end", EINVAL,
		st_mmap(fd, offset, 17 * PAGE, PROT_READ));
	REFUSED("behind the end", EINVAL,
		st_mmap(fd, offset + 16 * PAGE, PAGE, PROT_READ));
	REFUSED("a hole", EINVAL, st_mmap(fd, aperture / 2 - PAGE, PAGE,
					  PROT_READ));
	REFUSED("behind the aperture", EINVAL,
		st_mmap(fd, aperture * 16, PAGE, PROT_READ));
	REFUSED("the last page", EINVAL,
		st_mmap(fd, 0x7ffffffffffff000ull, PAGE, PROT_READ));
	REFUSED("private", EINVAL,
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)offset));
	REFUSED("executable", EACCES,
		st_mmap(fd, offset, PAGE, PROT_READ | PROT_EXEC));
	REFUSED("timelines to write", EACCES,
		st_mmap(fd, VGPU_MMAP_TIMELINES, PAGE,
			PROT_READ | PROT_WRITE));
	REFUSED("two pages from the doorbells", EINVAL,
		st_mmap(fd, VGPU_MMAP_DOORBELLS, 2 * PAGE, PROT_READ));
	REFUSED("two pages from the timelines", EINVAL,
		st_mmap(fd, VGPU_MMAP_TIMELINES, 2 * PAGE, PROT_READ));
	REFUSED("doorbells, executable", EACCES,
		st_mmap(fd, VGPU_MMAP_DOORBELLS, PAGE,
			PROT_READ | PROT_EXEC));
#undef REFUSED

	p = st_mmap(fd, VGPU_MMAP_TIMELINES, PAGE, PROT_READ);
	NEED(p != MAP_FAILED, "timelines: %s", strerror(errno));
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_WRITE) && errno == EACCES,
	      "the timelines' page can be made writable");
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) && errno == EACCES,
	      "the timelines' page can be made executable");
	CHECK(st_touch(p, true) == SIGSEGV, "the timelines' page is writable");
	CHECK(st_touch(p, false) == 0, "the timelines' page is not readable");
	p = st_mmap(fd, VGPU_MMAP_DOORBELLS, PAGE, PROT_READ | PROT_WRITE);
	NEED(p != MAP_FAILED, "doorbells: %s", strerror(errno));
	CHECK(st_touch(p, true) == 0, "the doorbells are not writable");

	/* two views of one memory, from its middle too */
	p = st_mmap(fd, offset, 16 * PAGE, PROT_READ | PROT_WRITE);
	q = st_mmap(fd, offset + 15 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	NEED(p != MAP_FAILED && q != MAP_FAILED, "mmap: %s", strerror(errno));
	p[15 * PAGE + 5] = 77;
	CHECK(q[5] == 77, "two mappings of a page differ");
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) && errno == EACCES,
	      "a BO can be made executable");

	/* moves, splits; never grows */
	CHECK(mremap(p, 16 * PAGE, 17 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED,
	      "a mapping grew");
	CHECK(mremap(q, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED,
	      "a mapping was duplicated");
	CHECK(!munmap(p + 4 * PAGE, PAGE), "munmap: %s", strerror(errno));
	CHECK(st_touch(p + 3 * PAGE, true) == 0 &&
	      st_touch(p + 5 * PAGE, true) == 0, "a split mapping broke");
	q = mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE);
	CHECK(q == p + 4 * PAGE && q[5] == 77, "a moved mapping shows %d",
	      q == MAP_FAILED ? -1 : q[5]);

	/* no way around through the kernel's copying of pages */
	CHECK(madvise(p, PAGE, MADV_DONTFORK) == 0 || errno == EINVAL,
	      "madvise: %s", strerror(errno));
	p[5 * PAGE] = 9;
	CHECK_OK(st_close(fd, bo));
	CHECK(st_touch(p + 5 * PAGE, false) == SIGBUS,
	      "memory is reachable after CLOSE");
	CHECK(st_touch(q, true) == SIGBUS, "and by the other mapping");

	/* a mapping needs the file, not the descriptor */
	bo = st_bo(fd, PAGE, 0, &offset);
	p = st_mmap(fd, offset, PAGE, PROT_READ | PROT_WRITE);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	close(fd);
	CHECK(st_touch(p, true) == 0, "mapping broke when the descriptor closed");
	CHECK_ERR(st_destroy(&vgpu), -EBUSY, "(a mapping holds it)");
	munmap(p, PAGE);
}

/* Stopping a vGPU takes its memory away from the CPU too. */
static void revoked(void)
{
	struct st_vgpu vgpu;
	uint64_t offset, host_offset;
	uint8_t *p, *host;
	int ret;

	st_vgpu(&vgpu, 1, 0);
	st_bo(vgpu.fd, PAGE, 0, &offset);
	st_bo(vgpu.fd, PAGE, VGPU_BO_HOST, &host_offset);
	p = st_mmap(vgpu.fd, offset, PAGE, PROT_READ | PROT_WRITE);
	host = st_mmap(vgpu.fd, host_offset, PAGE, PROT_READ | PROT_WRITE);
	NEED(p != MAP_FAILED && host != MAP_FAILED, "mmap: %s",
	     strerror(errno));
	p[1] = host[1] = 1;
	NEED_OK(st_verb(&vgpu, VGPU_VERB_STOP));
	CHECK(st_touch(p, false) == SIGBUS, "VRAM is reachable after stop");
	CHECK(st_touch(host, false) == SIGBUS,
	      "host memory is reachable after stop");
	ret = CALL(vgpu.fd, VGPU_IOCTL_INFO, &(struct vgpu_info) { 0 });
	CHECK(ret == -ESHUTDOWN, "INFO after stop: %s", st_errno(ret));
	NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
	CHECK(st_touch(p, false) == SIGBUS, "VRAM came back with start");
	ret = CALL(vgpu.fd, VGPU_IOCTL_INFO, &(struct vgpu_info) { 0 });
	CHECK(ret == -ESHUTDOWN, "INFO of an old file after start: %s",
	      st_errno(ret));
	close(vgpu.fd);
	vgpu.fd = st_open(&vgpu);
	CHECK_OK(CALL(vgpu.fd, VGPU_IOCTL_INFO, &(struct vgpu_info) { 0 }));
}

/* A child has the mapping and the descriptor, as the same client. */
static void forked(void)
{
	struct vgpu_info info;
	struct st_vgpu vgpu;
	uint64_t offset;
	uint32_t bo;
	uint8_t *p;
	int status;
	pid_t pid;

	st_vgpu(&vgpu, 1, 0);
	bo = st_bo(vgpu.fd, 4 * PAGE, 0, &offset);
	p = st_mmap(vgpu.fd, offset, 4 * PAGE, PROT_READ | PROT_WRITE);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	p[0] = 1;
	pid = fork();
	if (!pid) {
		uint64_t more;

		CHECK(p[0] == 1, "the child reads %d", p[0]);
		p[1] = 2;
		p[3 * PAGE] = 3;
		st_bo(vgpu.fd, PAGE, 0, &more);
		CHECK(st_mmap(vgpu.fd, more, PAGE, PROT_READ) != MAP_FAILED,
		      "the child cannot map: %s", strerror(errno));
		st_stop();
	}
	waitpid(pid, &status, 0);
	CHECK(!status, "the child failed, status 0x%x", status);
	CHECK(p[1] == 2 && p[3 * PAGE] == 3, "the child wrote elsewhere");
	st_info(vgpu.fd, &info);
	CHECK(info.vram_used >= 5 * PAGE,
	      "what the child made went with it: %llu in use",
	      (unsigned long long)info.vram_used);
	CHECK_OK(st_close(vgpu.fd, bo));
}

static int receive(int socket)
{
	char room[CMSG_SPACE(sizeof(int))], byte;
	struct iovec io = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	int fd;

	NEED(recvmsg(socket, &msg, 0) == 1, "recvmsg: %s", strerror(errno));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void send_fd(int socket, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = room, .msg_controllen = sizeof(room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	NEED(sendmsg(socket, &msg, 0) == 1, "sendmsg: %s", strerror(errno));
}

/* A descriptor sent to another process: the same client, the same quota. */
static void passed(void)
{
	struct vgpu_info info, before;
	struct st_vgpu vgpu;
	int pair[2], status;
	uint32_t bo;
	pid_t pid;

	NEED(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair: %s",
	     strerror(errno));
	pid = fork();
	if (!pid) {
		struct vgpu_bo_create big = { 0 };
		int fd;

		close(pair[0]);
		/* nobody special: rights are the descriptor's */
		NEED(!setuid(65534), "setuid: %s", strerror(errno));
		fd = receive(pair[1]);
		st_info(fd, &info);
		CHECK_OK(st_close(fd, 1));	/* the sender's handle */
		st_bo(fd, 8 * PAGE, 0, NULL);
		big.bytes = info.vram_bytes;
		CHECK_ERR(CALL(fd, VGPU_IOCTL_BO_CREATE, &big), -EDQUOT,
			  "(the quota is shared)");
		st_stop();
	}
	close(pair[1]);
	st_vgpu(&vgpu, 1, 0);
	st_info(vgpu.fd, &before);
	bo = st_bo(vgpu.fd, PAGE, 0, NULL);
	CHECK(bo == 1, "first handle is %u", bo);
	send_fd(pair[0], vgpu.fd);
	waitpid(pid, &status, 0);
	CHECK(!status, "the receiver failed, status 0x%x", status);
	st_info(vgpu.fd, &info);
	CHECK(info.vram_used - before.vram_used == 8 * PAGE,
	      "%llu bytes in use, the receiver made 32768",
	      (unsigned long long)(info.vram_used - before.vram_used));
	CHECK_ERR(st_close(vgpu.fd, bo), -ENOENT, "(the receiver closed it)");
}

/* A read-only descriptor carries no rights to write, so none at all. */
static void modes(void)
{
	struct st_vgpu vgpu;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	fd = open(vgpu.path, O_RDONLY | O_CLOEXEC);
	CHECK(fd < 0 && errno == EACCES, "O_RDONLY: %s",
	      fd < 0 ? strerror(errno) : "opened");
	fd = open(vgpu.path, O_WRONLY | O_CLOEXEC);
	CHECK(fd < 0 && errno == EACCES, "O_WRONLY: %s",
	      fd < 0 ? strerror(errno) : "opened");
}

/* What one tenant wrote is never seen by the next. */
static void scrubbed(void)
{
	unsigned int round;

	for (round = 0; round < 4; round++) {
		struct st_vgpu vgpu;
		struct vgpu_info info;
		uint64_t offset, bytes, i;
		uint64_t *p;

		NEED_OK(st_create(&vgpu, st_type(8), 0, VGPU_CREATE_WITH_FD));
		NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
		vgpu.fd = st_open(&vgpu);
		st_info(vgpu.fd, &info);
		bytes = info.vram_bytes - info.vram_used;
		st_bo(vgpu.fd, bytes, 0, &offset);
		p = st_mmap(vgpu.fd, offset, bytes, PROT_READ | PROT_WRITE);
		NEED(p != MAP_FAILED, "mmap of %llu bytes: %s",
		     (unsigned long long)bytes, strerror(errno));
		for (i = 0; i < bytes / 8; i += PAGE / 8 / 4) {
			CHECK(!p[i], "round %u: byte 0x%llx of new memory is 0x%llx",
			      round, (unsigned long long)i * 8,
			      (unsigned long long)p[i]);
			p[i] = 0x5ec2e75ec2e7ull + i;
		}
		/* by the handle, by the file, by the vGPU */
		if (round % 3 == 0)
			CHECK_OK(st_close(vgpu.fd, 1));
		munmap(p, bytes);
		if (round % 3 != 2)
			close(vgpu.fd);
		else
			CHECK_OK(st_verb(&vgpu, VGPU_VERB_STOP));
		close(vgpu.fd);
		NEED_OK(st_destroy(&vgpu));
	}
}

static const struct st_case cases[] = {
	{ "quota", quota },
	{ "sizes", sizes },
	{ "mapping", mapping },
	{ "permissions", permissions },
	{ "cpu_mappings", cpu_mappings },
	{ "revoked", revoked },
	{ "forked", forked },
	{ "passed", passed },
	{ "modes", modes },
	{ "scrubbed", scrubbed },
};

ST_MAIN(cases)
