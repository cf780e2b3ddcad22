// SPDX-License-Identifier: GPL-2.0
/* Memory that vGPUs of one owner share, and what is left of it afterwards. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096ull
#define MIB	(1ull << 20)
#define RW	(PROT_READ | PROT_WRITE)
#define GPU_RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define SECRET	0x5ec4e7a1u

struct rig {
	struct st_vgpu vgpu;
	uint32_t vm, queue;
	uint64_t va;
};

/* Of a group by its name, or of none. */
static void rig_new(struct rig *r, const char *group)
{
	const char *top = getenv("VGPU_TOP");
	struct vgpu_info info;
	char command[256];

	st_vgpu(&r->vgpu, 1, 0);
	st_info(r->vgpu.fd, &info);
	r->va = info.va_start;
	r->vm = st_vm(r->vgpu.fd);
	r->queue = st_queue(r->vgpu.fd, st_ctx(r->vgpu.fd, r->vm));
	if (!group)
		return;
	snprintf(command, sizeof(command),
		 "%s/build/tools/vgpuctl sched set v%u --group %s >/dev/null",
		 top ?: ".", r->vgpu.id, group);
	NEED(!system(command), "%s", command);
}

static int export(int fd, uint32_t bo)
{
	struct vgpu_bo_export arg = { .bo = bo };
	int ret = CALL(fd, VGPU_IOCTL_BO_EXPORT, &arg);

	return ret ?: arg.fd;
}

static int import(int fd, int dmabuf, uint32_t *handle)
{
	struct vgpu_bo_import arg = { .fd = dmabuf };
	int ret = CALL(fd, VGPU_IOCTL_BO_IMPORT, &arg);

	*handle = arg.handle;
	return ret;
}

/* New memory of one, and its dma-buf. */
static int shared(struct rig *r, uint64_t bytes, uint32_t flags, uint32_t *bo,
		  uint64_t *offset)
{
	int fd;

	*bo = st_bo(r->vgpu.fd, bytes, VGPU_BO_SHARE | flags, offset);
	fd = export(r->vgpu.fd, *bo);
	NEED(fd >= 0, "export: %s", st_errno(fd));
	return fd;
}

static uint64_t used(int fd)
{
	struct vgpu_info info;

	st_info(fd, &info);
	return info.vram_used;
}

static void refused(void)
{
	struct udmabuf_create create = { .size = PAGE };
	struct vgpu_queue_create ring = {
		.flags = VGPU_QUEUE_RING, .ring_slots = 2,
	};
	struct rig a, b, c, d;
	int fd, other, dev;
	uint64_t offset;
	uint32_t bo, got;

	rig_new(&a, "ours");
	rig_new(&b, "theirs");
	rig_new(&c, NULL);
	rig_new(&d, NULL);
	bo = st_bo(a.vgpu.fd, PAGE, 0, NULL);
	CHECK_ERR(export(a.vgpu.fd, bo), -EOPNOTSUPP, "(not made for it)");
	bo = st_bo(a.vgpu.fd, PAGE, VGPU_BO_HOST, NULL);
	CHECK_ERR(export(a.vgpu.fd, bo), -EOPNOTSUPP, "(not made for it)");
	CHECK_ERR(export(a.vgpu.fd, 77), -ENOENT, "(no such BO)");
	CHECK_ERR(export(a.vgpu.fd, a.vm), -ENOENT, "(no BO)");

	fd = shared(&a, PAGE, 0, &bo, &offset);
	CHECK_ERR(export(b.vgpu.fd, bo), -ENOENT, "(another's)");
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC, "open after exec()");
	CHECK_ERR(import(b.vgpu.fd, fd, &got), -EACCES, "(of another group)");
	CHECK_ERR(import(c.vgpu.fd, fd, &got), -EACCES, "(of a group)");
	other = shared(&c, PAGE, 0, &bo, &offset);
	CHECK_ERR(import(a.vgpu.fd, other, &got), -EACCES, "(of no group)");
	CHECK_ERR(import(d.vgpu.fd, other, &got), -EACCES, "(both of none)");
	CHECK_ERR(import(a.vgpu.fd, -1, &got), -EBADF, "(no file)");
	CHECK_ERR(import(a.vgpu.fd, a.vgpu.fd, &got), -EINVAL, "(no dma-buf)");

	/* what was imported is not handed on, nor trusted with commands */
	CHECK_OK(import(a.vgpu.fd, fd, &got));
	CHECK_ERR(export(a.vgpu.fd, got), -EOPNOTSUPP, "(an import)");
	ring.ctx = st_ctx(a.vgpu.fd, a.vm);
	ring.ring_bo = got;
	CHECK_ERR(CALL(a.vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &ring), -EOPNOTSUPP,
		  "(a ring)");

	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0) == MAP_FAILED &&
	      errno == EINVAL, "a private mapping");
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) ==
	      MAP_FAILED && errno == EACCES, "an executable mapping");
	CHECK(mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == EINVAL, "a long mapping");

	/* somebody else's dma-buf */
	dev = open("/dev/udmabuf", O_RDWR);
	create.memfd = (uint32_t)memfd_create("vgpu", MFD_ALLOW_SEALING);
	if (dev < 0 || ftruncate((int)create.memfd, PAGE) ||
	    fcntl((int)create.memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		st_note("no udmabuf");
		return;
	}
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	NEED(fd >= 0, "udmabuf: %s", strerror(errno));
	CHECK_ERR(import(a.vgpu.fd, fd, &got), -EOPNOTSUPP, "(a udmabuf)");
}

/* Two GPUs have no memory in common, whoever owns the vGPUs. */
static void another_gpu(void)
{
	struct vgpu_ctl_create arg = {
		.flags = VGPU_CREATE_WITH_FD, .gpu = 1,
		.priority = VGPU_PRIORITY_DEFAULT,
	};
	struct st_vgpu far = { 0 };
	uint32_t bo, got;
	struct rig a;
	int fd;

	rig_new(&a, NULL);
	fd = shared(&a, PAGE, 0, &bo, NULL);
	snprintf(arg.type, sizeof(arg.type), "%s", st_type(1));
	NEED_ERR(CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg), 0,
		 "(are there two GPUs?)");
	far.id = arg.id;
	snprintf(far.path, sizeof(far.path), "/dev/vgpu/v%u", far.id);
	NEED_OK(st_verb(&far, VGPU_VERB_START));
	far.fd = st_open(&far);
	CHECK_ERR(import(far.fd, fd, &got), -EXDEV, "(of another GPU)");
	CHECK_OK(import(a.vgpu.fd, fd, &got));
	/* it is gone before it is far away */
	CHECK_OK(st_verb(&a.vgpu, VGPU_VERB_STOP));
	CHECK_ERR(import(far.fd, fd, &got), -ESTALE, "(it is gone)");
}

/* The same bytes for two engines and both ways of mmap(), charged once. */
static void same_memory(uint32_t flags)
{
	uint64_t offset, before_a, before_b, tables;
	uint32_t bo, got, *node, *buf;
	struct rig a, b;
	int fd;

	rig_new(&a, "ours");
	rig_new(&b, "ours");
	before_a = used(a.vgpu.fd);
	fd = shared(&a, MIB, flags, &bo, &offset);
	node = st_mmap(a.vgpu.fd, offset, MIB, RW);
	buf = mmap(NULL, MIB, RW, MAP_SHARED, fd, 0);
	NEED(node != MAP_FAILED && buf != MAP_FAILED, "mmap: %s",
	     strerror(errno));
	CHECK(!buf[0] && !buf[MIB / 4 - 1], "not zero");

	before_b = used(b.vgpu.fd);
	NEED_OK(import(b.vgpu.fd, fd, &got));
	CHECK(used(b.vgpu.fd) == before_b, "an import is charged");
	NEED_OK(st_map(b.vgpu.fd, b.vm, got, GPU_RW, b.va, 0, MIB));
	tables = used(b.vgpu.fd) - before_b;
	NEED_OK(st_map(a.vgpu.fd, a.vm, bo, GPU_RW, a.va, 0, MIB));
	st_run_one(a.vgpu.fd, a.queue, st_fill(a.va, MIB, 0x1234));
	st_run_one(b.vgpu.fd, b.queue, st_copy(b.va + PAGE, b.va, PAGE));
	st_run_one(b.vgpu.fd, b.queue, st_fill(b.va, PAGE, 0x5678));
	CHECK(node[0] == 0x5678 && node[1024] == 0x1234 && buf[7] == 0x5678 &&
	      buf[2048] == 0x1234, "0x%x 0x%x 0x%x 0x%x", node[0], node[1024],
	      buf[7], buf[2048]);
	buf[9] = 99;
	st_run_one(b.vgpu.fd, b.queue, st_copy(b.va + 2 * PAGE, b.va, PAGE));
	CHECK(node[2048 + 9] == 99, "%u", node[2048 + 9]);

	/* each that is left keeps it, on the first one's account */
	CHECK_OK(st_close(a.vgpu.fd, bo));
	CHECK(st_touch(node, false) == SIGBUS, "a closed handle's mapping");
	CHECK_OK(CALL(a.vgpu.fd, VGPU_IOCTL_VM_UNMAP,
		      &(struct vgpu_vm_unmap) { .vm = a.vm, .va = a.va,
						.bytes = MIB }));
	CHECK(buf[9] == 99, "the dma-buf lost its memory");
	munmap(buf, MIB);
	close(fd);
	CHECK_OK(st_close(b.vgpu.fd, got));
	if (!flags)
		CHECK(used(a.vgpu.fd) >= before_a + MIB, "not charged");
	st_run_one(b.vgpu.fd, b.queue, st_copy(b.va + PAGE, b.va, PAGE));
	CHECK_OK(CALL(b.vgpu.fd, VGPU_IOCTL_VM_UNMAP,
		      &(struct vgpu_vm_unmap) { .vm = b.vm, .va = b.va,
						.bytes = MIB }));
	CHECK(used(a.vgpu.fd) < before_a + MIB, "%llu are left",
	      (unsigned long long)(used(a.vgpu.fd) - before_a));
	CHECK(used(b.vgpu.fd) <= before_b + tables, "charged to the wrong one");
}

static void same_vram(void)
{
	same_memory(0);
}

static void same_host(void)
{
	same_memory(VGPU_BO_HOST);
}

/* All of a new vGPU's memory: is anything there? Then it is overwritten. */
static uint32_t *hunt(struct rig *r, uint32_t fill, uint64_t *words)
{
	struct vgpu_info info;
	uint64_t bytes, offset, i;
	uint32_t *p;

	st_info(r->vgpu.fd, &info);
	bytes = (info.vram_bytes - info.vram_used) & ~(MIB - 1);
	st_bo(r->vgpu.fd, bytes, 0, &offset);
	p = st_mmap(r->vgpu.fd, offset, bytes, RW);
	NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < bytes / 4; i++) {
		NEED(p[i] == 0, "0x%x at %llu", p[i], (unsigned long long)i);
		p[i] = fill;
	}
	*words = i;
	return p;
}

/* The vGPU goes; who holds on to its dma-buf has nothing. */
static void outlived(bool destroy)
{
	struct dma_buf_sync sync = {
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ,
	};
	struct vgpu_queue_status status;
	struct rig a, b, c;
	uint64_t offset, words = 0, k;
	uint32_t bo, got, again, *buf, *theirs = NULL;
	int fd;

	rig_new(&a, "ours");
	rig_new(&b, "ours");
	fd = shared(&a, 2 * MIB, 0, &bo, &offset);
	buf = mmap(NULL, 2 * MIB, RW, MAP_SHARED, fd, 0);
	NEED(buf != MAP_FAILED, "mmap: %s", strerror(errno));
	for (k = 0; k < 2 * MIB / 4; k++)
		buf[k] = SECRET;
	NEED_OK(import(b.vgpu.fd, fd, &got));
	NEED_OK(st_map(b.vgpu.fd, b.vm, got, GPU_RW, b.va, 0, 2 * MIB));
	bo = st_bo(b.vgpu.fd, PAGE, 0, NULL);
	NEED_OK(st_map(b.vgpu.fd, b.vm, bo, GPU_RW, b.va + 4 * MIB, 0, PAGE));
	NEED(!ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync), "sync: %s",
	     strerror(errno));
	if (destroy) {
		close(a.vgpu.fd);
		CHECK(buf[1] == SECRET, "0x%x when its maker closed", buf[1]);
		CHECK_OK(st_destroy(&a.vgpu));
		a.vgpu.fd = open(a.vgpu.path, O_RDWR);
		CHECK(a.vgpu.fd < 0, "%s is still there", a.vgpu.path);
	} else {
		CHECK_OK(st_verb(&a.vgpu, VGPU_VERB_STOP));
		CHECK_OK(st_verb(&a.vgpu, VGPU_VERB_START));
		CHECK_ERR(export(a.vgpu.fd, 1), -ESHUTDOWN, "(an old file)");
	}
	CHECK(st_touch(buf, false) == SIGBUS, "the CPU reaches it");
	CHECK(st_touch(buf, true) == SIGBUS, "the CPU can write");
	CHECK(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) == -1 && errno == ESTALE,
	      "sync: %s", strerror(errno));
	CHECK_ERR(import(b.vgpu.fd, fd, &again), -ESTALE, "(it is gone)");
	CHECK_ERR(st_map(b.vgpu.fd, b.vm, got, GPU_RW, b.va + 8 * MIB, 0,
			 PAGE), -ESTALE, "(it is gone)");

	/* others have the memory now, clean, and keep it */
	if (destroy) {
		rig_new(&c, NULL);
		theirs = hunt(&c, 0xc0ffee, &words);
	}
	st_run_one(b.vgpu.fd, b.queue, st_copy(b.va + 4 * MIB, b.va, PAGE));
	st_status(b.vgpu.fd, b.queue, 0, &status);
	CHECK(status.failed == 1 && status.error == -EFAULT,
	      "a read of it: %llu failed, %s",
	      (unsigned long long)status.failed, st_errno(status.error));
	st_run_one(b.vgpu.fd, b.queue, st_fill(b.va, 2 * MIB, SECRET));
	st_status(b.vgpu.fd, b.queue, 0, &status);
	CHECK(status.failed == 2, "a write of it worked");
	for (k = 0; k < words; k++)
		NEED(theirs[k] == 0xc0ffee, "0x%x at %llu", theirs[k],
		     (unsigned long long)k);
	buf = mmap(NULL, 2 * MIB, RW, MAP_SHARED, fd, 0);
	CHECK(buf == MAP_FAILED || st_touch(buf, false) == SIGBUS,
	      "a new mapping reaches it");
	CHECK_OK(st_close(b.vgpu.fd, got));
	close(fd);
}

static void destroyed(void)
{
	outlived(true);
}

static void stopped(void)
{
	outlived(false);
}

/* Taken from under a running command: that fails, the vGPU goes on. */
static void midway(void)
{
	enum { TIMES = 200 };
	struct vgpu_cmd cmds[TIMES];
	struct vgpu_queue_status status;
	uint64_t offset, words, k;
	uint32_t bo, got, tl, i, *theirs;
	struct rig a, b, c;
	int fd;

	rig_new(&a, "ours");
	rig_new(&b, "ours");
	fd = shared(&a, MIB, 0, &bo, &offset);
	NEED_OK(import(b.vgpu.fd, fd, &got));
	NEED_OK(st_map(b.vgpu.fd, b.vm, got, GPU_RW, b.va, 0, MIB));
	tl = st_timeline(b.vgpu.fd, NULL);
	for (i = 0; i < TIMES; i++)
		cmds[i] = st_fill(b.va, MIB, SECRET);
	NEED_OK(st_submit(b.vgpu.fd, b.queue, cmds, TIMES));
	cmds[0] = st_sync(VGPU_CMD_SIGNAL, tl, 1);
	NEED_OK(st_submit(b.vgpu.fd, b.queue, cmds, 1));
	CHECK_OK(st_verb(&a.vgpu, VGPU_VERB_STOP));
	rig_new(&c, NULL);
	theirs = hunt(&c, 0x900d, &words);
	NEED_OK(st_wait(b.vgpu.fd, tl, 1, 30 * SEC));
	st_status(b.vgpu.fd, b.queue, 0, &status);
	CHECK(status.failed > 0 && status.failed <= TIMES,
	      "%llu commands failed", (unsigned long long)status.failed);
	for (k = 0; k < words; k++)
		NEED(theirs[k] == 0x900d, "0x%x at %llu", theirs[k],
		     (unsigned long long)k);
	bo = st_bo(b.vgpu.fd, PAGE, 0, NULL);
	NEED_OK(st_map(b.vgpu.fd, b.vm, bo, GPU_RW, b.va + 4 * MIB, 0, PAGE));
	st_run_one(b.vgpu.fd, b.queue, st_fill(b.va + 4 * MIB, PAGE, 1));
	i = (uint32_t)status.failed;
	st_status(b.vgpu.fd, b.queue, 0, &status);
	CHECK(status.failed == i, "the vGPU does not go on: %s",
	      st_errno(status.error));
}

/* ---- many ------------------------------------------------------------------- */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec;
}

/* CPU time that it takes to stop a vGPU of which so many dma-bufs are kept. */
static uint64_t stop_with(unsigned int count, int *kept)
{
	uint64_t begun, took;
	uint32_t bo, got;
	struct rig a, b;
	unsigned int i;
	int again;

	rig_new(&a, "ours");
	rig_new(&b, "ours");
	bo = st_bo(a.vgpu.fd, PAGE, VGPU_BO_SHARE, NULL);
	for (i = 0; i < count; i++) {
		kept[i] = export(a.vgpu.fd, bo);
		NEED(kept[i] >= 0, "dma-buf %u: %s", i, st_errno(kept[i]));
		if (!(i % 8))
			NEED_OK(import(b.vgpu.fd, kept[i], &got));
	}
	begun = cpu_ns();
	NEED_OK(st_verb(&a.vgpu, VGPU_VERB_STOP));
	took = cpu_ns() - begun;
	NEED_OK(st_verb(&a.vgpu, VGPU_VERB_START));
	again = st_open(&a.vgpu);
	CHECK(used(again) == 0, "%llu bytes are left of %u dma-bufs",
	      (unsigned long long)used(again), count);
	CHECK_ERR(import(b.vgpu.fd, kept[count - 1], &got), -ESTALE,
		  "(it is gone)");
	/* most of them outlive their vGPU */
	close(again);
	close(a.vgpu.fd);
	close(b.vgpu.fd);
	CHECK_OK(st_destroy(&a.vgpu));
	for (i = 0; i < count; i++)
		close(kept[i]);
	return took;
}

/* A tenant that keeps thousands of dma-bufs is stopped in as many steps. */
static void many(void)
{
	enum { FEW = 250, MANY = 8 * FEW };
	struct rlimit rl = { MANY + 100, MANY + 100 };
	uint64_t few = UINT64_MAX, most = UINT64_MAX, took;
	static int kept[MANY];
	unsigned int i;

	NEED(!setrlimit(RLIMIT_NOFILE, &rl), "setrlimit: %s", strerror(errno));
	for (i = 0; i < 3; i++) {
		took = stop_with(FEW, kept);
		few = took < few ? took : few;
		took = stop_with(MANY, kept);
		most = took < most ? took : most;
	}
	st_note("%u: %llu us, %u: %llu us", FEW,
		(unsigned long long)few / 1000, MANY,
		(unsigned long long)most / 1000);
	CHECK(most < 24 * few, "eight times as many take %llu times as long",
	      (unsigned long long)(most / (few ?: 1)));
}

/* ---- races ------------------------------------------------------------------ */

struct racer {
	struct rig *a, *b;
	volatile int fd;
	volatile bool stop;
	volatile unsigned int imports, reads;
};

/* Imports, maps, touches and closes whatever there is just now. */
static void *importer(void *arg)
{
	struct racer *r = arg;

	while (!r->stop) {
		struct vgpu_vm_unmap gone = {
			.vm = r->b->vm, .va = r->b->va, .bytes = 16 * PAGE,
		};
		uint32_t got;

		if (import(r->b->vgpu.fd, r->fd, &got))
			continue;
		r->imports++;
		st_map(r->b->vgpu.fd, r->b->vm, got, GPU_RW, r->b->va, 0,
		       16 * PAGE);
		if (r->imports & 1)
			st_close(r->b->vgpu.fd, got);
		CALL(r->b->vgpu.fd, VGPU_IOCTL_VM_UNMAP, &gone);
		if (!(r->imports & 1))
			st_close(r->b->vgpu.fd, got);
	}
	return NULL;
}

/* By a call, to which what is gone is an error and no signal. */
static void *reader(void *arg)
{
	int file = memfd_create("vgpu", 0);
	struct racer *r = arg;

	while (!r->stop) {
		void *p = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, r->fd, 0);

		if (p == MAP_FAILED)
			continue;
		r->reads += pwrite(file, p, 16 * PAGE, 0) > 0;
		munmap(p, 16 * PAGE);
	}
	return NULL;
}

static void races(void)
{
	struct racer r = { .fd = -1 };
	uint64_t before;
	pthread_t threads[3];
	unsigned int round;
	struct rig a, b;
	int fd;

	rig_new(&a, "ours");
	rig_new(&b, "ours");
	r.a = &a;
	r.b = &b;
	before = used(b.vgpu.fd);
	NEED(!pthread_create(&threads[0], NULL, importer, &r) &&
	     !pthread_create(&threads[1], NULL, importer, &r) &&
	     !pthread_create(&threads[2], NULL, reader, &r), "no threads");
	/* a slow machine needs more of them before anything has met */
	for (round = 0; round < 30 || (round < 3000 && (r.imports <= 30 ||
							r.reads <= 10));
	     round++) {
		uint32_t bo = st_bo(a.vgpu.fd, 16 * PAGE,
				    VGPU_BO_SHARE | round % 2, NULL);

		fd = export(a.vgpu.fd, bo);
		NEED(fd >= 0, "export: %s", st_errno(fd));
		r.fd = fd;
		st_sleep_ms(4);
		switch (round % 3) {
		case 0:
			CHECK_OK(st_close(a.vgpu.fd, bo));
			close(fd);
			break;
		case 1:
			close(fd);
			CHECK_OK(st_close(a.vgpu.fd, bo));
			break;
		case 2:
			CHECK_OK(st_verb(&a.vgpu, VGPU_VERB_STOP));
			close(fd);
			close(a.vgpu.fd);
			CHECK_OK(st_verb(&a.vgpu, VGPU_VERB_START));
			a.vgpu.fd = st_open(&a.vgpu);
			NEED(a.vgpu.fd >= 0, "open");
			break;
		}
	}
	r.stop = true;
	for (round = 0; round < 3; round++)
		pthread_join(threads[round], NULL);
	CHECK(r.imports > 30, "only %u imports", r.imports);
	CHECK(r.reads > 10, "only %u times it was there to be read", r.reads);
	CHECK(used(a.vgpu.fd) == 0, "%llu bytes are left of what was shared",
	      (unsigned long long)used(a.vgpu.fd));
	CHECK(used(b.vgpu.fd) <= before + 16 * PAGE, "%llu more in use",
	      (unsigned long long)(used(b.vgpu.fd) - before));
}

/* The same through the library. */
static void library(void)
{
	static uint8_t own[PAGE] __attribute__((aligned(4096)));
	struct vgpu_bo *lent, *made, *got;
	struct vgpu_cmd cmd;
	struct gpu gpu;
	void *cpu, *far;
	int fd;

	gpu_new(&gpu, 1, 0);
	NEED(!vgpu_bo_user(gpu.dev, own, PAGE, &lent) &&
	     !vgpu_bo_create(gpu.dev, PAGE, VGPU_BO_SHARE, 0, &made) &&
	     !vgpu_bo_export(made, &fd) && !vgpu_bo_import(gpu.dev, fd, &got) &&
	     !vgpu_bo_map(lent, gpu.vm, GPU_RW, VGPU_VA_ANY) &&
	     !vgpu_bo_map(got, gpu.vm, GPU_RW, VGPU_VA_ANY) &&
	     !vgpu_bo_cpu(made, &cpu) && !vgpu_bo_cpu(got, &far), "%s",
	     vgpu_error());
	close(fd);
	gpu_fill_pattern(own, PAGE, 1);
	cmd = vgpu_cmd_copy(got->va, lent->va, PAGE);
	NEED(vgpu_submit(gpu.queue, &cmd, 1, SEC) == 1 &&
	     !gpu_finish(&gpu, 10 * SEC), "%s", vgpu_error());
	CHECK(gpu_check_pattern(cpu, PAGE, 1) == PAGE &&
	      gpu_check_pattern(far, PAGE, 1) == PAGE, "other bytes");
	CHECK(vgpu_bo_export(lent, &fd) == -EOPNOTSUPP, "user memory shared");
	vgpu_bo_destroy(lent);
	vgpu_bo_destroy(got);
	vgpu_bo_destroy(made);
	gpu_close(&gpu);
}

static const struct st_case cases[] = {
	{ "refused", refused },
	{ "same_vram", same_vram },
	{ "same_host", same_host },
	{ "destroyed", destroyed },
	{ "stopped", stopped },
	{ "midway", midway },
	{ "another_gpu", another_gpu },
	{ "many", many, 180 },
	{ "races", races },
	{ "library", library },
};

ST_MAIN(cases)
