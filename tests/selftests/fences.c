// SPDX-License-Identifier: GPL-2.0
/*
 * Fences for the rest of the kernel: when a sync_file may be had, and that each one is
 * signalled, in bounded time, with the error that it is to have.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096ull
#define GPU_ALL	(VGPU_PROT_READ | VGPU_PROT_WRITE | VGPU_PROT_EXEC)
#define LOOP	0x6fu		/* RISC-V: a jump to itself */
#define LIMIT	10000000	/* us: that of a fence */

/* What a fenced queue needs. */
struct rig {
	struct st_vgpu vgpu;
	uint32_t vm, ctx, queue, bo;
	uint64_t va, offset;
};

static uint32_t pinned_vm(int fd)
{
	struct vgpu_vm_create arg = { .flags = VGPU_VM_PINNED };
	int ret = CALL(fd, VGPU_IOCTL_VM_CREATE, &arg);

	NEED(!ret, "vm: %s", st_errno(ret));
	return arg.handle;
}

static int fenced_queue(int fd, uint32_t ctx, uint64_t limit_us, uint32_t ms,
			uint32_t *queue)
{
	struct vgpu_queue_create arg = {
		.ctx = ctx, .flags = VGPU_QUEUE_FENCED, .depth = 16,
		.time_limit_us = limit_us, .fence_ms = ms,
	};
	int ret = CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &arg);

	*queue = arg.handle;
	return ret;
}

static void rig_weigh(struct rig *r, uint32_t weight, uint64_t limit_us,
		      uint32_t ms)
{
	struct vgpu_info info;
	int ret;

	st_vgpu(&r->vgpu, 1, weight);
	st_info(r->vgpu.fd, &info);
	r->va = info.va_start;
	r->vm = pinned_vm(r->vgpu.fd);
	r->bo = st_bo(r->vgpu.fd, PAGE, VGPU_BO_SHARE, &r->offset);
	ret = st_map(r->vgpu.fd, r->vm, r->bo, GPU_ALL, r->va, 0, PAGE);
	NEED(!ret, "map: %s", st_errno(ret));
	r->ctx = st_ctx(r->vgpu.fd, r->vm);
	ret = fenced_queue(r->vgpu.fd, r->ctx, limit_us, ms, &r->queue);
	NEED(!ret, "queue: %s", st_errno(ret));
}

static void rig_new(struct rig *r, uint64_t limit_us, uint32_t ms)
{
	rig_weigh(r, 0, limit_us, ms);
}

/* The descriptor, or an errno; @taken: how many were. */
static int submit(struct rig *r, const struct vgpu_cmd *cmds, uint32_t count,
		  uint32_t *taken)
{
	struct vgpu_submit arg = {
		.queue = r->queue, .cmds = (uintptr_t)cmds, .count = count,
		.stride = sizeof(*cmds), .flags = VGPU_SUBMIT_FENCE,
	};
	int ret = CALL(r->vgpu.fd, VGPU_IOCTL_SUBMIT, &arg);

	if (taken)
		*taken = arg.submitted;
	return ret ?: arg.fence_fd;
}

static bool is_over(int fence, int timeout_ms)
{
	struct pollfd p = { .fd = fence, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1 && p.revents & POLLIN;
}

/* 1 well, 0 not yet, or what went wrong. */
static int status_of(int fence)
{
	struct sync_file_info info = { };

	NEED(!ioctl(fence, SYNC_IOC_FILE_INFO, &info), "info: %s",
	     strerror(errno));
	return info.status;
}

/* It is signalled within a minute, with @status. */
static void expect(int fence, int status, const char *what)
{
	CHECK(is_over(fence, 60000), "%s: not signalled", what);
	CHECK(status_of(fence) == status, "%s: %d, not %d", what,
	      status_of(fence), status);
}

/* What never ends: the page's last word is a loop, put there by the CPU. */
static struct vgpu_cmd endless(const struct rig *r)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_LAUNCH,
		.launch = { .entry = r->va + PAGE - 4, .grid = { 1, 1, 1 },
			    .block = { 1, 1, 1 } },
	};
	uint32_t *page = st_mmap(r->vgpu.fd, r->offset, PAGE,
				 PROT_READ | PROT_WRITE);

	NEED(page != MAP_FAILED, "mmap: %s", strerror(errno));
	page[PAGE / 4 - 1] = LOOP;
	munmap(page, PAGE);
	return cmd;
}

/* A fence of one endless kernel. */
static int spin(struct rig *r)
{
	struct vgpu_cmd cmd = endless(r);
	int fence = submit(r, &cmd, 1, NULL);

	NEED(fence >= 0, "submit: %s", st_errno(fence));
	return fence;
}

/* The queue works, and its next fence is signalled well. */
static void works(struct rig *r)
{
	struct vgpu_cmd cmd = st_fill(r->va, 64, 0x77);
	int fence = submit(r, &cmd, 1, NULL);

	NEED(fence >= 0, "submit: %s", st_errno(fence));
	expect(fence, 1, "one that comes later");
	close(fence);
}

static void ends_well(void)
{
	struct sync_fence_info one = { };
	struct sync_file_info info = { .num_fences = 1,
				       .sync_fence_info = (uintptr_t)&one };
	struct vgpu_cmd cmds[3];
	struct rig r;
	char name[32];
	int fence;

	rig_new(&r, LIMIT, 0);
	cmds[0] = st_fill(r.va, 64, 0x11);
	cmds[1] = st_fill(r.va, 64, 0x22);
	cmds[2] = st_sync(VGPU_CMD_SIGNAL, st_timeline(r.vgpu.fd, NULL), 1);
	fence = submit(&r, cmds, 3, NULL);
	NEED(fence >= 0, "submit: %s", st_errno(fence));
	expect(fence, 1, "two fills and a signal");
	NEED(!ioctl(fence, SYNC_IOC_FILE_INFO, &info), "info");
	snprintf(name, sizeof(name), "v%u.", r.vgpu.id);
	CHECK(!strcmp(one.driver_name, "vgpu") &&
	      !strncmp(one.obj_name, name, strlen(name)) && one.timestamp_ns,
	      "it says %s %s", one.driver_name, one.obj_name);
	CHECK(fcntl(fence, F_GETFD) & FD_CLOEXEC, "a child would have it");
	close(fence);
	works(&r);
}

/* It is not told before its last command ended, and not of those behind it. */
static void not_too_early(void)
{
	struct vgpu_cmd cmd, forever;
	int first, second;
	struct rig r;

	rig_new(&r, LIMIT, 0);
	cmd = st_fill(r.va, 64, 1);
	forever = endless(&r);	/* the CPU would wait for the end of a pause */
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_PAUSE));
	first = submit(&r, &cmd, 1, NULL);
	second = submit(&r, &forever, 1, NULL);
	NEED(first >= 0 && second >= 0, "submit");
	CHECK(!is_over(first, 100) && !status_of(first), "signalled in a pause");
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_RESUME));
	expect(first, 1, "the fill");
	CHECK(!is_over(second, 100) && !status_of(second), "an endless one ended");
	CHECK_OK(st_close(r.vgpu.fd, r.queue));
	expect(second, -ECANCELED, "of a queue that was closed");
}

/* What fails first is told; the others ran all the same. */
static void first_error(void)
{
	struct vgpu_queue_status status;
	struct vgpu_cmd cmds[4];
	uint32_t *page;
	struct rig r;
	int fence;

	rig_new(&r, 20000, 10000);
	cmds[0] = st_fill(r.va, 64, 0x11);
	cmds[1] = st_fill(r.va + 64 * PAGE, 64, 0);	/* nothing is there */
	cmds[2] = endless(&r);				/* to its time limit */
	cmds[3] = st_fill(r.va, 64, 0x44);
	fence = submit(&r, cmds, 4, NULL);
	NEED(fence >= 0, "submit: %s", st_errno(fence));
	expect(fence, -EFAULT, "a fault, then a time limit");
	st_status(r.vgpu.fd, r.queue, 0, &status);
	CHECK(status.failed == 2 && status.completed == 2,
	      "%llu failed, %llu did not", (unsigned long long)status.failed,
	      (unsigned long long)status.completed);
	page = st_mmap(r.vgpu.fd, r.offset, PAGE, PROT_READ);
	NEED(page != MAP_FAILED, "mmap");
	CHECK(page[0] == 0x44, "the last one left %x", page[0]);
	close(fence);
	works(&r);
}

/* Whatever keeps it waiting, it is signalled, and the queue is of use afterwards. */
static void time_is_up(void)
{
	struct vgpu_queue_status status;
	struct vgpu_cmd cmds[16];
	struct rig r, other;
	int fence, behind;
	unsigned int i;

	rig_new(&r, 2000000, 2000);
	for (i = 0; i < 16; i++)
		cmds[i] = st_fill(r.va, 64, i);
	/* a pause */
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_PAUSE));
	fence = submit(&r, cmds, 10, NULL);
	NEED(fence >= 0, "submit: %s", st_errno(fence));
	expect(fence, -ETIMEDOUT, "paused");
	st_status(r.vgpu.fd, r.queue, 0, &status);
	CHECK(status.failed == 10 && !status.pending && !status.completed,
	      "%llu failed, %llu did not", (unsigned long long)status.failed,
	      (unsigned long long)status.completed);
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_RESUME));
	close(fence);
	works(&r);
	/* a neighbour, beside which a command never comes to its own limit */
	rig_weigh(&other, 10000, LIMIT, 10000);
	behind = spin(&other);
	fence = spin(&r);
	expect(fence, -ETIMEDOUT, "beside a neighbour");
	CHECK(!status_of(behind), "the neighbour's: %d", status_of(behind));
	st_status(r.vgpu.fd, r.queue, 0, &status);
	CHECK(status.error == -ETIMEDOUT && !status.pending, "error %d, %u pending",
	      status.error, status.pending);
	CHECK_OK(st_close(other.vgpu.fd, other.queue));
	works(&r);
}

/* Only what the fence is of is ended. */
static void spares_what_is_behind(void)
{
	struct vgpu_cmd cmd;
	int fence, later;
	struct rig r;

	rig_new(&r, 1000000, 2500);
	cmd = st_fill(r.va, 64, 5);
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_PAUSE));
	fence = submit(&r, &cmd, 1, NULL);
	NEED(fence >= 0, "submit: %s", st_errno(fence));
	NEED(!st_submit(r.vgpu.fd, r.queue, &cmd, 1), "without a fence");
	st_sleep_ms(2000);
	later = submit(&r, &cmd, 1, NULL);
	NEED(later >= 0, "submit: %s", st_errno(later));
	expect(fence, -ETIMEDOUT, "the first");
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_RESUME));
	expect(later, 1, "one that had time left");
}

static void refused(void)
{
	struct vgpu_queue_create ring = {
		.flags = VGPU_QUEUE_FENCED | VGPU_QUEUE_RING,
		.time_limit_us = 1000, .ring_slots = 16,
	};
	struct vgpu_vm_create vm = { .flags = 2 };
	struct vgpu_submit arg = { .count = 1, .stride = sizeof(struct vgpu_cmd),
				   .flags = VGPU_SUBMIT_FENCE };
	struct vgpu_queue_create plain = { .fence_ms = 5 };
	uint32_t ctx, queue, bo, loose;
	struct vgpu_cmd cmd;
	struct rig r;
	int fd;

	rig_new(&r, LIMIT, 0);
	fd = r.vgpu.fd;
	CHECK_ERR(CALL(fd, VGPU_IOCTL_VM_CREATE, &vm), -EOPNOTSUPP, "flag 2");
	bo = st_bo(fd, PAGE, 0, NULL);
	CHECK_ERR(st_map(fd, r.vm, bo, GPU_ALL, r.va + PAGE, 0, PAGE),
		  -EOPNOTSUPP, "memory that can be moved");
	/* memory of the system stays, too */
	bo = st_bo(fd, PAGE, VGPU_BO_HOST, NULL);
	CHECK_OK(st_map(fd, r.vm, bo, GPU_ALL, r.va + PAGE, 0, PAGE));
	loose = st_ctx(fd, st_vm(fd));
	CHECK_ERR(fenced_queue(fd, loose, 1000, 0, &queue), -EOPNOTSUPP,
		  "an address space that is not pinned");
	ctx = st_ctx(fd, r.vm);
	CHECK_ERR(fenced_queue(fd, ctx, 0, 0, &queue), -EINVAL, "no limit");
	CHECK_ERR(fenced_queue(fd, ctx, 1001, 1, &queue), -EINVAL, "a long limit");
	CHECK_ERR(fenced_queue(fd, ctx, 1000, 10001, &queue), -EINVAL, "10001 ms");
	CHECK_OK(fenced_queue(fd, ctx, 1000, 1, &queue));
	ring.ctx = plain.ctx = ctx;
	ring.ring_bo = bo;
	CHECK_ERR(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &ring), -EINVAL, "a ring");
	CHECK_ERR(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &plain), -EINVAL,
		  "fence_ms without the flag");
	cmd = st_sync(VGPU_CMD_WAIT, st_timeline(fd, NULL), 1);
	CHECK_ERR(submit(&r, &cmd, 1, NULL), -EOPNOTSUPP, "WAIT");
	CHECK_ERR(st_submit(fd, r.queue, &cmd, 1), -EOPNOTSUPP, "WAIT");
	cmd = st_fill(r.va, 64, 0);
	arg.cmds = (uintptr_t)&cmd;
	arg.queue = st_queue(fd, loose);
	CHECK_ERR(CALL(fd, VGPU_IOCTL_SUBMIT, &arg), -EINVAL, "any queue");
	arg.queue = r.queue;
	arg.fence_fd = 1;
	CHECK_ERR(CALL(fd, VGPU_IOCTL_SUBMIT, &arg), -EINVAL, "an fd of its own");
	works(&r);
}

static unsigned int next_fd(void)
{
	int fd = dup(0);

	NEED(fd >= 0, "dup: %s", strerror(errno));
	close(fd);
	return fd;
}

/* A queue with too little room: a fence of those that were taken, or none at all. */
static void too_many(void)
{
	struct vgpu_cmd cmds[20];
	uint32_t taken;
	unsigned int i, fd;
	struct rig r;
	int fence;

	rig_new(&r, LIMIT, 0);
	for (i = 0; i < 20; i++)
		cmds[i] = st_fill(r.va, 64, i);
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_PAUSE));
	fence = submit(&r, cmds, 20, &taken);
	NEED(fence >= 0, "submit: %s", st_errno(fence));
	CHECK(taken == 16, "%u taken", taken);
	fd = next_fd();
	CHECK_ERR(submit(&r, cmds, 1, &taken), -EAGAIN, "one more");
	cmds[0].op = 99;
	CHECK_ERR(submit(&r, cmds, 1, &taken), -EOPNOTSUPP, "what is no command");
	CHECK(next_fd() == fd, "a descriptor is left");
	CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_RESUME));
	expect(fence, 1, "those that were taken");
}

static int merge(int a, int b)
{
	struct sync_merge_data arg = { .name = "both", .fd2 = b };

	NEED(!ioctl(a, SYNC_IOC_MERGE, &arg), "merge: %s", strerror(errno));
	return arg.fence;
}

/* Of two queues: over when both are. Of one: the later one's is enough. */
static void merged(void)
{
	struct sync_file_info info = { };
	int one, two, both, same;
	struct vgpu_cmd cmd;
	struct rig r, s;

	rig_new(&r, LIMIT, 0);
	rig_new(&s, LIMIT, 0);
	cmd = st_fill(r.va, 64, 1);
	CHECK_OK(st_verb(&s.vgpu, VGPU_VERB_PAUSE));
	one = submit(&r, &cmd, 1, NULL);
	two = submit(&s, &cmd, 1, NULL);
	NEED(one >= 0 && two >= 0, "submit");
	both = merge(one, two);
	expect(one, 1, "one");
	CHECK(!is_over(both, 100), "over with half of it");
	same = merge(two, submit(&s, &cmd, 1, NULL));
	NEED(!ioctl(same, SYNC_IOC_FILE_INFO, &info), "info");
	CHECK(info.num_fences == 1, "%u fences of one queue", info.num_fences);
	CHECK_OK(st_verb(&s.vgpu, VGPU_VERB_RESUME));
	expect(both, 1, "both");
	expect(same, 1, "two of a queue");
}

/* Another program has the fence; whose it was is killed, stopped, or just goes. */
static void outlives(void)
{
	int fences[3], pipes[2];
	struct rig r, s, t;
	pid_t pid;
	char c;

	NEED(!pipe(pipes), "pipe");
	rig_new(&r, LIMIT, 0);
	rig_new(&s, LIMIT, 0);
	rig_new(&t, LIMIT, 0);
	fences[0] = spin(&r);
	fences[1] = spin(&s);
	fences[2] = spin(&t);
	pid = fork();
	NEED(pid >= 0, "fork");
	if (!pid) {
		close(r.vgpu.fd);
		close(s.vgpu.fd);
		close(t.vgpu.fd);
		NEED(write(pipes[1], "", 1) == 1, "pipe");
		expect(fences[0], -ECANCELED, "the file was closed");
		expect(fences[1], -ECANCELED, "it was stopped");
		expect(fences[2], -ECANCELED, "it was destroyed");
		st_stop();
	}
	NEED(read(pipes[0], &c, 1) == 1, "pipe");
	close(r.vgpu.fd);
	CHECK_OK(st_verb(&s.vgpu, VGPU_VERB_STOP));
	CHECK_OK(st_verb(&t.vgpu, VGPU_VERB_STOP));
	st_destroy(&t.vgpu);
	NEED(waitpid(pid, &pipes[0], 0) == pid && WIFEXITED(pipes[0]) &&
	     !WEXITSTATUS(pipes[0]), "the other program failed");
}

/* The kernel may ask a fence for its name as long as there is a descriptor of it. */
static void keeps_the_module(void)
{
	struct sync_file_info info = { };
	int before, fence;
	struct vgpu_cmd cmd;
	struct rig r;

	rig_new(&r, LIMIT, 0);
	before = atoi(st_read("/sys/module/vgpu/refcnt"));
	cmd = st_fill(r.va, 64, 1);
	fence = submit(&r, &cmd, 1, NULL);
	NEED(fence >= 0, "submit: %s", st_errno(fence));
	expect(fence, 1, "a fill");
	CHECK(atoi(st_read("/sys/module/vgpu/refcnt")) == before + 1,
	      "%d references, then %s", before, st_read("/sys/module/vgpu/refcnt"));
	NEED(!ioctl(fence, SYNC_IOC_FILE_INFO, &info), "info");
	close(fence);
	st_sleep_ms(50);
	CHECK(atoi(st_read("/sys/module/vgpu/refcnt")) == before,
	      "%d references, then %s", before, st_read("/sys/module/vgpu/refcnt"));
}

/* An image has no place for what others wait for: it is refused, and nothing changes. */
static void is_not_saved(void)
{
	const char *top = getenv("VGPU_TOP");
	char command[300];
	struct rig r;
	int fence;

	rig_new(&r, LIMIT, 0);
	fence = spin(&r);
	snprintf(command, sizeof(command),
		 "%s/build/tools/vgpuctl vgpu save v%u /tmp/fences.img 2>&1 | grep -q VGPU_VM_PINNED",
		 top ?: ".", r.vgpu.id);
	CHECK(!system(command), "saved, or not refused for that");
	CHECK(access("/tmp/fences.img", F_OK), "a file is left");
	CHECK(!status_of(fence), "signalled: %d", status_of(fence));
	CHECK_OK(st_close(r.vgpu.fd, r.queue));
	expect(fence, -ECANCELED, "closed");
}

/* Submissions, ends of time, pauses and closing, all at once: each fence is signalled. */
static void at_random(void)
{
	uint64_t until = st_now_ns() + 3 * SEC;
	unsigned int told[3] = { }, i;
	int fences[64], n = 0;
	struct vgpu_cmd cmds[4];
	bool paused = false;
	struct rig r;

	rig_new(&r, 20000, 20);
	cmds[0] = st_fill(r.va, 64, 1);
	cmds[1] = st_fill(r.va + 64 * PAGE, 64, 1);
	cmds[2] = endless(&r);
	cmds[3] = st_fill(r.va, PAGE - 64, 1);
	while (st_now_ns() < until || n < 64) {
		uint64_t x = st_random();
		int fence;

		if (x % 16 == 0) {
			CHECK_OK(st_verb(&r.vgpu, paused ? VGPU_VERB_RESUME :
							   VGPU_VERB_PAUSE));
			paused = !paused;
		} else if (x % 16 == 1) {
			CHECK_OK(st_close(r.vgpu.fd, r.queue));
			CHECK_OK(fenced_queue(r.vgpu.fd, r.ctx, 20000, 20,
					      &r.queue));
		}
		x >>= 8;
		i = x % 4;
		x >>= 8;
		fence = submit(&r, &cmds[i], 1 + x % (4 - i), NULL);
		if (fence == -EAGAIN) {
			st_sleep_ms(1);
			continue;
		}
		NEED(fence >= 0, "submit: %s", st_errno(fence));
		if (n < 64) {
			fences[n++] = fence;
			continue;
		}
		i = (x >> 8) % 64;
		close(fences[i]);	/* signalled or not */
		fences[i] = fence;
	}
	for (i = 0; i < 64; i++) {
		int status;

		CHECK(is_over(fences[i], 60000), "fence %u is not signalled", i);
		status = status_of(fences[i]);
		told[status == 1 ? 0 : status == -ECANCELED ? 1 : 2]++;
		CHECK(status == 1 || status == -ECANCELED || status == -EFAULT ||
		      status == -ETIME || status == -ETIMEDOUT, "status %d",
		      status);
	}
	st_note("%u well, %u canceled, %u failed", told[0], told[1], told[2]);
	if (paused)
		CHECK_OK(st_verb(&r.vgpu, VGPU_VERB_RESUME));
}

/* The same by libvgpu. */
static void library(void)
{
	struct vgpu_queue_options options = { .time_limit_us = 1000000,
					      .fence_ms = 5000 };
	struct vgpu_queue *queue;
	struct vgpu_ctx *ctx;
	struct vgpu_cmd cmds[2];
	struct vgpu_bo *bo;
	struct vgpu_vm *vm;
	struct gpu gpu;
	int fence;
	void *cpu;

	gpu_new(&gpu, 1, 0);
	CHECK(vgpu_queue_create(gpu.ctx, &options, &queue) == -EOPNOTSUPP,
	      "in an address space of any memory");
	NEED(!vgpu_vm_create_pinned(gpu.dev, &vm) &&
	     !vgpu_ctx_create(vm, 0, &ctx) &&
	     !vgpu_queue_create(ctx, &options, &queue) &&
	     !vgpu_alloc(vm, PAGE, GPU_ALL, VGPU_BO_SHARE, &bo) &&
	     !vgpu_bo_cpu(bo, &cpu), "%s", vgpu_error());
	cmds[0] = st_fill(bo->va, 64, 0x12);
	cmds[1] = st_fill(bo->va + 64, 64, 0x34);
	NEED(vgpu_submit_fenced(queue, cmds, 2, &fence) == 2, "%s", vgpu_error());
	expect(fence, 1, "two fills");
	CHECK(((uint32_t *)cpu)[0] == 0x12 && ((uint32_t *)cpu)[16] == 0x34,
	      "other bytes");
	close(fence);
	CHECK(vgpu_submit_fenced(gpu.queue, cmds, 2, &fence) == -EINVAL,
	      "of a queue that gives none");
	vgpu_queue_destroy(queue);
	vgpu_ctx_destroy(ctx);
	vgpu_bo_destroy(bo);
	vgpu_vm_destroy(vm);
	gpu_close(&gpu);
}

static const struct st_case cases[] = {
	{ "ends_well", ends_well },
	{ "not_too_early", not_too_early },
	{ "first_error", first_error },
	{ "time_is_up", time_is_up },
	{ "spares_what_is_behind", spares_what_is_behind },
	{ "refused", refused },
	{ "too_many", too_many },
	{ "merged", merged },
	{ "outlives", outlives },
	{ "keeps_the_module", keeps_the_module },
	{ "is_not_saved", is_not_saved },
	{ "at_random", at_random },
	{ "library", library },
};

ST_MAIN(cases)
