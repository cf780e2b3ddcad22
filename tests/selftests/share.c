// SPDX-License-Identifier: GPL-2.0
/* Memory of the program that the GPU uses in place. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "st.h"

#define PAGE	4096ull
#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define GPU_RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)

/* A vGPU with a queue, and a page of VRAM at va. */
struct rig {
	struct st_vgpu vgpu;
	uint32_t vm, queue, bo;
	uint64_t va;
	uint32_t *vram;
};

static void rig_new(struct rig *r)
{
	struct vgpu_info info;
	uint64_t offset;

	st_vgpu(&r->vgpu, 1, 0);
	st_info(r->vgpu.fd, &info);
	r->va = info.va_start;
	r->vm = st_vm(r->vgpu.fd);
	r->queue = st_queue(r->vgpu.fd, st_ctx(r->vgpu.fd, r->vm));
	r->bo = st_bo(r->vgpu.fd, PAGE, 0, &offset);
	NEED_OK(st_map(r->vgpu.fd, r->vm, r->bo, GPU_RW, r->va, 0, PAGE));
	r->vram = st_mmap(r->vgpu.fd, offset, PAGE, RW);
	NEED(r->vram != MAP_FAILED, "mmap: %s", strerror(errno));
}

static int lend(int fd, const void *at, uint64_t bytes, uint32_t *handle)
{
	struct vgpu_bo_user arg = { .addr = (uintptr_t)at, .bytes = bytes };
	int ret = CALL(fd, VGPU_IOCTL_BO_USER, &arg);

	if (handle)
		*handle = arg.handle;
	return ret;
}

/* At GPU address va + 1 MiB. */
static uint32_t lend_mapped(struct rig *r, void *at, uint64_t bytes)
{
	uint32_t bo;

	NEED_OK(lend(r->vgpu.fd, at, bytes, &bo));
	NEED_OK(st_map(r->vgpu.fd, r->vm, bo, GPU_RW, r->va + (1 << 20), 0,
		       bytes));
	return bo;
}

static int unmap(struct rig *r, uint64_t bytes)
{
	struct vgpu_vm_unmap arg = {
		.vm = r->vm, .va = r->va + (1 << 20), .bytes = bytes,
	};

	return CALL(r->vgpu.fd, VGPU_IOCTL_VM_UNMAP, &arg);
}

/* A number of a line "NAME: N" in a file of /proc. */
static unsigned long long field(const char *path, const char *name)
{
	unsigned long long n = ~0ull;
	char line[256];
	FILE *f = fopen(path, "r");

	NEED(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			n = strtoull(line + strlen(name) + 1, NULL, 10);
	fclose(f);
	return n;
}

/* Bytes that this process, and that this vGPU has pinned. */
static void expect_pinned(int fd, uint64_t bytes, const char *when)
{
	unsigned long long n = field("/proc/self/status", "VmPin") * 1024;
	char path[64];

	CHECK(n == bytes, "%s: VmPin is %llu, not %llu", when, n,
	      (unsigned long long)bytes);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = field(path, "vgpu-pinned");
	CHECK(n == bytes, "%s: the vGPU has %llu pinned, not %llu", when, n,
	      (unsigned long long)bytes);
}

static void *anon(uint64_t bytes, int prot)
{
	void *p = mmap(NULL, bytes, prot, ANON, -1, 0);

	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

static void refused(void)
{
	uint8_t *two = anon(4 * PAGE, RW), *p;
	struct vgpu_bo_user arg;
	struct st_vgpu vgpu;
	uint64_t offset;
	uint32_t bo;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	CHECK_ERR(lend(fd, two, 0, NULL), -EINVAL, "(no bytes)");
	CHECK_ERR(lend(fd, two, 100, NULL), -EINVAL, "(odd length)");
	CHECK_ERR(lend(fd, two + 8, PAGE, NULL), -EINVAL, "(odd address)");
	CHECK_ERR(lend(fd, (void *)-PAGE, 2 * PAGE, NULL), -EINVAL, "(wraps)");
	CHECK_ERR(lend(fd, two, -PAGE, NULL), -EINVAL, "(wraps)");
	CHECK_ERR(lend(fd, two, VGPU_BO_USER_MAX + PAGE, NULL), -E2BIG,
		  "(too long)");
	CHECK_ERR(lend(fd, (void *)0xffff888000000000ull, PAGE, NULL), -EFAULT,
		  "(the kernel's)");
	CHECK_ERR(lend(fd, (void *)0x7ffffffff000ull, 2 * PAGE, NULL), -EFAULT,
		  "(into the hole)");
	arg = (struct vgpu_bo_user) { .flags = 1, .addr = (uintptr_t)two,
				      .bytes = PAGE };
	CHECK_ERR(CALL(fd, VGPU_IOCTL_BO_USER, &arg), -EOPNOTSUPP, "(a flag)");

	/* the first pages are there, the next is not */
	munmap(two + 2 * PAGE, PAGE);
	CHECK_ERR(lend(fd, two, 4 * PAGE, NULL), -EFAULT, "(a hole)");
	CHECK_ERR(lend(fd, two + 2 * PAGE, PAGE, NULL), -EFAULT, "(nothing)");
	mprotect(two + PAGE, PAGE, PROT_READ);
	CHECK_ERR(lend(fd, two, 2 * PAGE, NULL), -EFAULT, "(read only)");
	mprotect(two + PAGE, PAGE, PROT_NONE);
	CHECK_ERR(lend(fd, two, 2 * PAGE, NULL), -EFAULT, "(no access)");

	/* memory of a vGPU is no memory of the program */
	st_bo(fd, PAGE, 0, &offset);
	p = st_mmap(fd, offset, PAGE, RW);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	p[0] = 1;
	CHECK_ERR(lend(fd, p, PAGE, NULL), -EFAULT, "(VRAM)");
	expect_pinned(fd, 0, "after refusals");
	CHECK_OK(lend(fd, two, PAGE, &bo));
	expect_pinned(fd, PAGE, "after one that was not");
	CHECK_OK(st_close(fd, bo));
	expect_pinned(fd, 0, "after close");
}

/* Whose pages may be pinned: not those of a file system. */
static void files(void)
{
	char dir[] = "/tmp/vgpu-share-XXXXXX", path[64];
	struct st_vgpu vgpu;
	uint8_t *p;
	int file, fd, ret;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	NEED(mkdtemp(dir) && !unshare(CLONE_NEWNS) &&
	     !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	     !mount("none", dir, "ramfs", 0, NULL), "ramfs: %s",
	     strerror(errno));
	snprintf(path, sizeof(path), "%s/file", dir);
	file = open(path, O_RDWR | O_CREAT, 0600);
	NEED(file >= 0 && !ftruncate(file, 4 * PAGE), "%s: %s", path,
	     strerror(errno));
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, file, 0);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	p[0] = 1;
	/* newer kernels refuse it before we do */
	ret = lend(fd, p, 4 * PAGE, NULL);
	CHECK(ret == -EOPNOTSUPP || ret == -EFAULT, "a file: %s",
	      st_errno(ret));
	expect_pinned(fd, 0, "after a file");
	munmap(p, 4 * PAGE);

	/* of a private mapping it is a copy of our own */
	p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, file, 0);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	CHECK_OK(lend(fd, p, 4 * PAGE, NULL));
	expect_pinned(fd, 4 * PAGE, "with a private mapping of a file");
	close(file);
	umount(dir);
	rmdir(dir);
}

/* Both see what the other wrote, and the pages stay when the program lets go. */
static void in_place(void)
{
	uint32_t *p = anon(4 * PAGE, RW), bo, *shared;
	struct rig r;
	int mem;

	rig_new(&r);
	memset(p, 0x11, 4 * PAGE);
	bo = lend_mapped(&r, p, 4 * PAGE);
	expect_pinned(r.vgpu.fd, 4 * PAGE, "while lent");
	st_run_one(r.vgpu.fd, r.queue, st_copy(r.va, r.va + (1 << 20), PAGE));
	CHECK(r.vram[5] == 0x11111111, "the GPU reads 0x%x", r.vram[5]);
	st_run_one(r.vgpu.fd, r.queue, st_fill(r.va + (1 << 20) + PAGE, PAGE, 0x2222));
	CHECK(p[1024] == 0x2222 && p[2047] == 0x2222 && p[1023] == 0x11111111 &&
	      p[2048] == 0x11111111, "the program reads 0x%x", p[1024]);

	/* the program has new pages there, the GPU the old ones */
	madvise(p, 4 * PAGE, MADV_DONTNEED);
	CHECK(p[0] == 0, "0x%x after MADV_DONTNEED", p[0]);
	st_run_one(r.vgpu.fd, r.queue, st_fill(r.va + (1 << 20), PAGE, 0x3333));
	CHECK(p[0] == 0, "the GPU wrote 0x%x to a page it was not given", p[0]);
	munmap(p, 4 * PAGE);
	st_run_one(r.vgpu.fd, r.queue, st_copy(r.va, r.va + (1 << 20), PAGE));
	CHECK(r.vram[0] == 0x3333, "the GPU lost its page: 0x%x", r.vram[0]);

	/* the mapping keeps them, then nothing does */
	CHECK_OK(st_close(r.vgpu.fd, bo));
	expect_pinned(r.vgpu.fd, 4 * PAGE, "closed, still mapped");
	CHECK_OK(unmap(&r, 4 * PAGE));
	expect_pinned(r.vgpu.fd, 0, "unmapped");

	mem = memfd_create("vgpu", 0);
	NEED(mem >= 0 && !ftruncate(mem, PAGE), "memfd: %s", strerror(errno));
	p = mmap(NULL, PAGE, RW, MAP_SHARED, mem, 0);
	shared = mmap(NULL, PAGE, RW, MAP_SHARED, mem, 0);
	NEED(p != MAP_FAILED && shared != MAP_FAILED, "mmap: %s",
	     strerror(errno));
	bo = lend_mapped(&r, p, PAGE);
	munmap(p, PAGE);
	st_run_one(r.vgpu.fd, r.queue, st_fill(r.va + (1 << 20), PAGE, 0x4444));
	CHECK(shared[9] == 0x4444, "the memfd has 0x%x", shared[9]);
	CHECK_OK(st_close(r.vgpu.fd, bo));
	CHECK_OK(unmap(&r, PAGE));
	expect_pinned(r.vgpu.fd, 0, "in the end");
	CHECK(shared[9] == 0x4444, "and then 0x%x", shared[9]);
}

/* The parent keeps its pages; the child has copies that the GPU never sees. */
static void forked(void)
{
	uint32_t *p = anon(PAGE, RW);
	struct rig r;
	int status;
	pid_t pid;

	rig_new(&r);
	p[0] = 1;
	lend_mapped(&r, p, PAGE);
	pid = fork();
	if (!pid) {
		CHECK(p[0] == 1, "the child reads %u", p[0]);
		p[0] = 2;
		CHECK(field("/proc/self/status", "VmPin") == 0,
		      "the child has pages pinned");
		st_stop();
	}
	p[1] = 3;
	st_run_one(r.vgpu.fd, r.queue, st_fill(r.va + (1 << 20) + 64, 64, 4));
	waitpid(pid, &status, 0);
	CHECK(!status, "the child failed, status 0x%x", status);
	st_run_one(r.vgpu.fd, r.queue, st_copy(r.va, r.va + (1 << 20), PAGE));
	CHECK(r.vram[0] == 1 && r.vram[1] == 3, "the GPU reads %u, %u",
	      r.vram[0], r.vram[1]);
	CHECK(p[16] == 4 && p[0] == 1, "the parent reads %u, %u", p[16], p[0]);
}

/* What lies at an address now is none of the GPU's business. */
static void unmapped_midway(void)
{
	enum { PAGES = 64, TIMES = 200 };
	struct vgpu_cmd cmds[TIMES];
	struct vgpu_queue_status status;
	uint32_t *p = anon(PAGES * PAGE, RW), *q, tl, gate, wrong = 0;
	struct vgpu_signal go = { .value = 1 };
	struct rig r;
	unsigned int i;

	rig_new(&r);
	lend_mapped(&r, p, PAGES * PAGE);
	tl = st_timeline(r.vgpu.fd, NULL);
	gate = st_timeline(r.vgpu.fd, NULL);
	go.timeline = gate;
	for (i = 0; i < TIMES; i++)
		cmds[i] = st_fill(r.va + (1 << 20), PAGES * PAGE, ~i);
	/* half of it may be over by then, the rest is not */
	cmds[TIMES / 2] = st_sync(VGPU_CMD_WAIT, gate, 1);
	NEED(st_submit(r.vgpu.fd, r.queue, cmds, TIMES) == 0, "submit");
	cmds[0] = st_sync(VGPU_CMD_SIGNAL, tl, 1);
	NEED_OK(st_submit(r.vgpu.fd, r.queue, cmds, 1));
	munmap(p, PAGES * PAGE);
	q = mmap(p, PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	NEED(q == p, "mmap: %s", strerror(errno));
	memset(q, 0x55, PAGES * PAGE);
	CHECK_ERR(st_wait(r.vgpu.fd, tl, 1, 0), -ETIME, "(was it midway?)");
	CHECK_OK(CALL(r.vgpu.fd, VGPU_IOCTL_SIGNAL, &go));
	NEED_OK(st_wait(r.vgpu.fd, tl, 1, 30000000000ll));
	for (i = 0; i < PAGES * PAGE / 4; i++)
		wrong += q[i] != 0x55555555;
	CHECK(!wrong, "%u words of the new memory were changed", wrong);
	st_status(r.vgpu.fd, r.queue, 0, &status);
	CHECK(!status.failed, "%llu commands failed: %s",
	      (unsigned long long)status.failed, st_errno(status.error));
}

/* ---- RLIMIT_MEMLOCK -------------------------------------------------------- */

#define LIMIT	64u	/* pages */

struct racer {
	int fd;
	uint8_t *at;
	unsigned int got;
	uint32_t handle[2 * LIMIT];
};

static void *race(void *arg)
{
	struct racer *r = arg;
	int ret;

	while (r->got < 2 * LIMIT) {
		ret = lend(r->fd, r->at + r->got * PAGE, PAGE,
			   &r->handle[r->got]);
		if (ret) {
			CHECK(ret == -EDQUOT, "%s, not EDQUOT", st_errno(ret));
			break;
		}
		r->got++;
	}
	return NULL;
}

static void limit(void)
{
	struct rlimit rl = { LIMIT * PAGE, LIMIT * PAGE };
	struct racer a = { 0 }, b = { 0 };
	struct st_vgpu vgpu;
	unsigned int round;
	pthread_t thread;
	uint32_t bo;
	int status;
	pid_t pid;

	st_vgpu(&vgpu, 1, 0);
	a.fd = b.fd = vgpu.fd;
	a.at = anon(2 * LIMIT * PAGE, RW);
	b.at = anon(2 * LIMIT * PAGE, RW);
	/* a user whom nobody else is */
	NEED(!setrlimit(RLIMIT_MEMLOCK, &rl) && !setuid(47110), "setuid: %s",
	     strerror(errno));
	for (round = 0; round < 4; round++) {
		a.got = b.got = 0;
		NEED(!pthread_create(&thread, NULL, race, &b), "no thread");
		race(&a);
		pthread_join(thread, NULL);
		CHECK(a.got + b.got == LIMIT, "%u + %u pages of %u", a.got,
		      b.got, LIMIT);
		/* fork() brings no second limit */
		pid = fork();
		if (!pid) {
			CHECK_ERR(lend(vgpu.fd, a.at, PAGE, NULL), -EDQUOT,
				  "(of a child)");
			st_stop();
		}
		waitpid(pid, &status, 0);
		CHECK(!status, "the child failed, status 0x%x", status);
		while (a.got)
			CHECK_OK(st_close(vgpu.fd, a.handle[--a.got]));
		while (b.got)
			CHECK_OK(st_close(vgpu.fd, b.handle[--b.got]));
	}
	CHECK_ERR(lend(vgpu.fd, a.at, (LIMIT + 1) * PAGE, NULL), -EDQUOT,
		  "(a page more)");
	CHECK_OK(lend(vgpu.fd, a.at, LIMIT * PAGE, &bo));
	CHECK_ERR(lend(vgpu.fd, b.at, PAGE, NULL), -EDQUOT, "(one more)");
	/* a failed pin is not charged */
	CHECK_OK(st_close(vgpu.fd, bo));
	munmap(a.at + PAGE, PAGE);
	for (round = 0; round < 4; round++)
		CHECK_ERR(lend(vgpu.fd, a.at, LIMIT / 2 * PAGE, NULL), -EFAULT,
			  "(a hole)");
	CHECK_OK(lend(vgpu.fd, b.at, LIMIT * PAGE, &bo));
}

/* ---- ends ------------------------------------------------------------------ */

static void stopped(void)
{
	uint32_t *p = anon(16 * PAGE, RW);
	struct rig r;
	int fd;

	rig_new(&r);
	memset(p, 0x66, 16 * PAGE);
	lend_mapped(&r, p, 16 * PAGE);
	NEED_OK(st_verb(&r.vgpu, VGPU_VERB_STOP));
	expect_pinned(r.vgpu.fd, 0, "after stop");
	CHECK(p[77] == 0x66666666, "the program's memory is 0x%x", p[77]);
	CHECK_ERR(lend(r.vgpu.fd, p, PAGE, NULL), -ESHUTDOWN, "(stopped)");
	NEED_OK(st_verb(&r.vgpu, VGPU_VERB_START));
	CHECK_ERR(lend(r.vgpu.fd, p, PAGE, NULL), -ESHUTDOWN, "(an old file)");
	fd = st_open(&r.vgpu);
	CHECK_OK(lend(fd, p, PAGE, NULL));
	expect_pinned(fd, PAGE, "anew");
	close(fd);
	expect_pinned(r.vgpu.fd, 0, "after close of the file");
}

/* A program that is killed leaves nothing pinned, nor its neighbours' harmed. */
static void killed(void)
{
	uint32_t *p = anon(16 * PAGE, RW);
	struct rig r;
	int ready[2], status, fd;
	char byte;
	pid_t pid;

	rig_new(&r);
	lend_mapped(&r, p, PAGE);
	NEED(!pipe(ready), "pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		fd = st_open(&r.vgpu);
		NEED_OK(lend(fd, p, 16 * PAGE, NULL));
		NEED(write(ready[1], "x", 1) == 1, "write");
		for (;;)
			pause();
	}
	NEED(read(ready[0], &byte, 1) == 1, "the child did not get there");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	expect_pinned(r.vgpu.fd, PAGE, "after the other died");
	st_run_one(r.vgpu.fd, r.queue, st_fill(r.va + (1 << 20), PAGE, 7));
	CHECK(p[3] == 7, "the GPU wrote elsewhere");

	/* its memory exits, the file that was handed on does not */
	pid = fork();
	if (!pid) {
		uint32_t *own = anon(PAGE, RW);

		own[0] = 0x7777;
		CHECK_OK(unmap(&r, PAGE));
		lend_mapped(&r, own, PAGE);
		st_stop();
	}
	waitpid(pid, &status, 0);
	CHECK(!status, "the child failed, status 0x%x", status);
	st_run_one(r.vgpu.fd, r.queue, st_copy(r.va, r.va + (1 << 20), PAGE));
	CHECK(r.vram[0] == 0x7777, "the GPU reads 0x%x", r.vram[0]);
}

/* Pages that somebody has yet to bring: nobody else waits for them. */
static void blocked(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	uint8_t *p = anon(4 * PAGE, RW);
	struct rig r, other;
	uint64_t before;
	int uffd, status;
	pid_t pid;

	rig_new(&r);
	rig_new(&other);
	pid = fork();
	if (!pid) {
		uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
		if (uffd < 0)
			_exit(77);
		reg.range.start = (uintptr_t)p;
		reg.range.len = 4 * PAGE;
		NEED(!ioctl(uffd, UFFDIO_API, &api) &&
		     !ioctl(uffd, UFFDIO_REGISTER, &reg), "userfaultfd: %s",
		     strerror(errno));
		/* older kernels refuse, newer ones wait */
		_exit(lend(r.vgpu.fd, p, 4 * PAGE, NULL) == -EFAULT ? 76 : 78);
	}
	for (before = 0; before < 50; before++) {
		if (waitpid(pid, &status, WNOHANG))
			break;
		st_sleep_ms(10);
	}
	if (before < 50 && WIFEXITED(status) && WEXITSTATUS(status) == 77)
		st_skip("no userfaultfd");
	if (before < 50 && WIFEXITED(status) && WEXITSTATUS(status) == 76) {
		st_note("refused at once");
		expect_pinned(r.vgpu.fd, 0, "after that");
		return;
	}
	CHECK(before == 50, "the child did not wait, status 0x%x", status);
	st_run_one(r.vgpu.fd, r.queue, st_fill(r.va, PAGE, 8));
	CHECK_OK(st_close(r.vgpu.fd, st_bo(r.vgpu.fd, PAGE, 0, NULL)));
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_STOP));
	st_run_one(other.vgpu.fd, other.queue, st_fill(other.va, PAGE, 8));
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_START));
	before = st_now_ns();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status), "the child ended by itself: 0x%x", status);
	CHECK(st_now_ns() - before < 20000000000ull, "it took %llu ms to die",
	      (unsigned long long)(st_now_ns() - before) / 1000000);
	expect_pinned(r.vgpu.fd, 0, "in the end");
}

static const struct st_case cases[] = {
	{ "user_ranges", refused },
	{ "user_files", files },
	{ "user_in_place", in_place },
	{ "user_forked", forked },
	{ "user_unmapped_midway", unmapped_midway },
	{ "user_limit", limit },
	{ "user_stopped", stopped },
	{ "user_killed", killed },
	{ "user_blocked", blocked },
};

ST_MAIN(cases)
