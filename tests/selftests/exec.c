// SPDX-License-Identifier: GPL-2.0
/* Commands: what they do, how they fail, who is told, in which order. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096u

static int fd_of(const struct gpu *gpu)
{
	return vgpu_fd(gpu->dev);
}

static uint32_t queue_of(const struct gpu *gpu)
{
	return vgpu_queue_handle(gpu->queue);
}

/* Copies at odd places, between VRAM and host memory, compared by byte. */
static void copies(void)
{
	static const uint32_t lengths[] = { 1, 7, 64, 4095, 4096, 4097, 65536,
					    100001 };
	struct vgpu_bo *vram, *back, *host;
	uint64_t end = 128 * 1024, from, to, n;
	struct gpu gpu;
	unsigned int i;

	gpu_new(&gpu, 1, 0);
	vram = gpu_bo(&gpu, end, 0);
	back = gpu_bo(&gpu, end, 0);
	host = gpu_bo(&gpu, end, VGPU_BO_HOST);
	gpu_fill_pattern(host->cpu, end, st_seed);

	for (i = 0; i < 40; i++) {
		struct vgpu_cmd cmds[2];
		uint8_t *out = back->cpu;

		n = i < 8 ? lengths[i] : 1 + st_below(100000);
		from = st_below(end - n + 1);
		to = st_below(end - n + 1);
		memset(out, 0, end);
		cmds[0] = st_copy(vram->va + to, host->va + from, n);
		cmds[1] = st_copy(back->va + from, vram->va + to, n);
		st_run(fd_of(&gpu), queue_of(&gpu), cmds, 2);
		CHECK(!memcmp(out + from, (uint8_t *)host->cpu + from, n),
		      "%llu bytes from %llu by %llu differ",
		      (unsigned long long)n, (unsigned long long)from,
		      (unsigned long long)to);
		CHECK(!from || !out[from - 1], "wrote before the range");
		CHECK(from + n == end || !out[from + n],
		      "wrote behind the range");
	}
	/* and out of the GPU, to host memory */
	memset(host->cpu, 0, end);
	gpu_fill_pattern(vram->cpu, end, st_seed + 1);
	st_run_one(fd_of(&gpu), queue_of(&gpu),
		   st_copy(host->va, vram->va, end));
	CHECK(gpu_check_pattern(host->cpu, end, st_seed + 1) == end,
	      "VRAM to host memory differs");
}

static void fills(void)
{
	uint64_t end = 64 * 1024, at, n, i;
	struct vgpu_bo *bo;
	struct gpu gpu;
	unsigned int k;

	gpu_new(&gpu, 1, 0);
	bo = gpu_bo(&gpu, end, 0);
	for (k = 0; k < 20; k++) {
		uint32_t pattern = (uint32_t)st_random() | 1;
		struct vgpu_cmd cmd;
		uint32_t *words = bo->cpu;

		at = st_below(end / 4) * 4;
		n = 4 + st_below((end - at) / 4) * 4;
		memset(words, 0, end);
		cmd = st_fill(bo->va + at, n, pattern);
		st_run(fd_of(&gpu), queue_of(&gpu), &cmd, 1);
		for (i = 0; i < end / 4; i++) {
			bool in = i * 4 >= at && i * 4 < at + n;

			if (words[i] != (in ? pattern : 0))
				break;
		}
		CHECK(i == end / 4, "word %llu of fill [%llu, +%llu) is 0x%x",
		      (unsigned long long)i, (unsigned long long)at,
		      (unsigned long long)n, words[i]);
	}
}

static void launches(void)
{
	uint64_t bytes = 40003, entry;
	struct copy_args args = { .bytes = bytes };
	struct vgpu_bo *src, *dst;
	struct gpu gpu;
	unsigned int i;
	static const uint32_t shapes[][2] = { { 1, 1 }, { 1, 16 }, { 7, 3 },
					      { 32, 8 } };

	gpu_new(&gpu, 1, 0);
	entry = gpu_load(&gpu, "copy", "copy");
	src = gpu_bo(&gpu, bytes, 0);
	dst = gpu_bo(&gpu, bytes + 64, 0);
	args.src = src->va;
	args.dst = dst->va;
	for (i = 0; i < 4; i++) {
		uint8_t *out = dst->cpu;
		uint64_t at;
		int ret;

		gpu_fill_pattern(src->cpu, bytes, st_seed + i);
		memset(out, 0, bytes + 64);
		ret = gpu_launch(&gpu, entry, shapes[i][0], shapes[i][1], 0,
				 &args, sizeof(args));
		NEED(!ret, "%s", vgpu_error());
		ret = gpu_finish(&gpu, 30 * SEC);
		CHECK(!ret, "%u groups of %u: %s", shapes[i][0], shapes[i][1],
		      vgpu_error());
		at = gpu_check_pattern(out, bytes, st_seed + i);
		CHECK(at == bytes, "%u groups of %u: byte %llu differs",
		      shapes[i][0], shapes[i][1], (unsigned long long)at);
		CHECK(!out[bytes], "wrote behind the end");
	}
}

/* Each command that is refused at once, with its errno and its index. */
static void refused(void)
{
	struct vgpu_submit arg = { 0 };
	struct vgpu_cmd cmds[4], good;
	struct vgpu_queue_status status;
	struct vgpu_info info;
	struct vgpu_bo *bo;
	struct gpu gpu;
	uint64_t va, entry;
	unsigned int i, byte;
	int fd, ret;

	gpu_new(&gpu, 1, 0);
	fd = fd_of(&gpu);
	st_info(fd, &info);
	bo = gpu_bo(&gpu, 4 * PAGE, 0);
	va = bo->va;
	entry = gpu_load(&gpu, "copy", "copy");
	good = st_fill(va, PAGE, 1);

#define BAD(what, want, ...)						\
	do {								\
		struct vgpu_cmd bad_ = { __VA_ARGS__ };			\
									\
		for (i = 0; i < 4; i++)					\
			cmds[i] = good;					\
		cmds[2] = bad_;						\
		arg = (struct vgpu_submit) {				\
			.queue = queue_of(&gpu), .count = 4,		\
			.cmds = (uintptr_t)cmds, .stride = 64 };	\
		ret = CALL(fd, VGPU_IOCTL_SUBMIT, &arg);		\
		CHECK(ret == (want), "%s: %s, not %s", what,		\
		      strdup(st_errno(ret)), st_errno(want));		\
		CHECK(arg.submitted == 0 && arg.bad_index == 2,		\
		      "%s: %u taken, bad index %u", what,		\
		      arg.submitted, arg.bad_index);			\
	} while (0)
#define LAUNCH(...)							\
	.op = VGPU_CMD_LAUNCH, .launch = { .entry = entry,		\
		.grid = { 1, 1, 1 }, .block = { 1, 1, 1 }, __VA_ARGS__ }
#define COPY(d, s, n) .op = VGPU_CMD_COPY,				\
	.copy = { .dst = (d), .src = (s), .bytes = (n) }
#define FILL(d, n) .op = VGPU_CMD_FILL, .fill = { .dst = (d), .bytes = (n) }

	for (i = VGPU_CMD_OP_END; i < 65536; i = i * 2 + 1) {
		unsigned int op = i;

		BAD("unknown op", -EOPNOTSUPP, .op = (uint16_t)op);
		i = op;
	}
	BAD("unknown flag", -EOPNOTSUPP, .flags = 1);
	BAD("dirty padding", -EINVAL, .pad = 1);
	BAD("nop with an argument", -EINVAL, .raw = { [6] = 1 });
	BAD("copy of nothing", -EINVAL, COPY(va, va + PAGE, 0));
	BAD("copy of too much", -EINVAL, COPY(va, va + PAGE, (1ull << 30) + 1));
	BAD("copy that overlaps", -EINVAL, COPY(va, va + 8, 16));
	BAD("copy onto itself", -EINVAL, COPY(va, va, 16));
	BAD("copy from nowhere", -ERANGE, COPY(va, 0, 16));
	BAD("copy to nowhere", -ERANGE, COPY(info.va_end, va, 16));
	BAD("copy over the end", -ERANGE, COPY(info.va_end - 8, va, 16));
	BAD("copy that wraps", -ERANGE, COPY(-8ull, va, 16));
	BAD("fill of nothing", -EINVAL, FILL(va, 0));
	BAD("fill of odd length", -EINVAL, FILL(va, 6));
	BAD("fill at odd place", -EINVAL, FILL(va + 2, 8));
	BAD("fill of too much", -EINVAL, FILL(va, (1ull << 30) + 4));
	BAD("fill nowhere", -ERANGE, FILL(info.va_end - 4, 8));
	BAD("fill with dirty padding", -EINVAL, .op = VGPU_CMD_FILL,
	    .fill = { .dst = va, .bytes = 4, .pad = 1 });
	BAD("fill with a tail", -EINVAL, .op = VGPU_CMD_FILL,
	    .raw = { va, 4, 0, 0, 0, 0, 1 });
	BAD("no workgroup", -EINVAL, LAUNCH(.grid = { 1, 0, 1 }));
	BAD("too many workgroups", -EINVAL, LAUNCH(.grid = { 65536, 65536, 1 }));
	BAD("grid that wraps", -EINVAL,
	    LAUNCH(.grid = { 0x80000000, 0x80000000, 4 }));
	BAD("grid of 2^96", -EINVAL,
	    LAUNCH(.grid = { 0xffffffff, 0xffffffff, 0xffffffff }));
	BAD("no lane", -EINVAL, LAUNCH(.block = { 0, 1, 1 }));
	BAD("too many lanes", -EINVAL,
	    LAUNCH(.block = { (uint16_t)(info.max_lanes + 1), 1, 1 }));
	BAD("block that wraps", -EINVAL,
	    LAUNCH(.block = { 0xffff, 0xffff, 0xffff }));
	BAD("too much shared memory", -EINVAL,
	    LAUNCH(.shared_bytes = info.shared_bytes + 1));
	BAD("odd stack", -EINVAL, LAUNCH(.stack_bytes = 24, .stack = va));
	BAD("stack out of range", -ERANGE,
	    LAUNCH(.stack_bytes = 16, .stack = info.va_end - 16));
	BAD("odd entry", -EINVAL, LAUNCH(.entry = entry + 2));
	BAD("entry out of range", -ERANGE, LAUNCH(.entry = info.va_end));
	BAD("entry at 0", -ERANGE, LAUNCH(.entry = 0));
	BAD("launch with dirty padding", -EINVAL, LAUNCH(.pad = 1));
	BAD("launch with dirty padding", -EINVAL, LAUNCH(.pad2 = 1));
	BAD("no timeline", -ENOENT, .op = VGPU_CMD_SIGNAL);
	BAD("a BO for a timeline", -ENOENT, .op = VGPU_CMD_WAIT,
	    .sync = { .timeline = bo->handle });
	BAD("sync with dirty padding", -EINVAL, .op = VGPU_CMD_SIGNAL,
	    .sync = { .timeline = st_timeline(fd, NULL), .pad = 1 });
	/* a queue with a ring takes no array */
	for (byte = 0; byte < 1; byte++) {
		struct vgpu_queue_create ring = {
			.ctx = gpu.ctx->handle, .flags = VGPU_QUEUE_RING,
			.ring_bo = bo->handle, .ring_slots = 2,
		};

		NEED_OK(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &ring));
		CHECK_ERR(st_submit(fd, ring.handle, &good, 1), -EINVAL,
			  "(the queue has a ring)");
	}

	/* none of it was taken, and the queue is as good as new */
	st_status(fd, queue_of(&gpu), 0, &status);
	CHECK(!status.submitted && !status.irq && !status.failed,
	      "%llu commands taken, %llu failed, interrupts 0x%x",
	      (unsigned long long)status.submitted,
	      (unsigned long long)status.failed, status.irq);
	st_run(fd, queue_of(&gpu), &good, 1);
	CHECK(*(uint32_t *)bo->cpu == 1, "the queue does not work any more");
}

static void queue_arguments(void)
{
	struct vgpu_queue_create q;
	struct vgpu_ctx_create c;
	struct gpu gpu;
	struct vgpu_bo *bo;
	int fd;

	gpu_new(&gpu, 1, 0);
	fd = fd_of(&gpu);
	bo = gpu_bo(&gpu, 2 * PAGE, 0);
#define QUEUE(want, what, ...)						\
	do {								\
		q = (struct vgpu_queue_create) {			\
			.ctx = gpu.ctx->handle, __VA_ARGS__ };		\
		CHECK_ERR(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &q), want,	\
			  "(%s)", what);				\
	} while (0)
#define RING(...) .flags = VGPU_QUEUE_RING, .ring_bo = bo->handle, __VA_ARGS__
	QUEUE(-EINVAL, "too deep", .depth = 1025);
	QUEUE(-EINVAL, "far too deep", .depth = 0xffffffff);
	QUEUE(-EINVAL, "endless limit", .time_limit_us = ~0ull);
	QUEUE(-EINVAL, "ring without the flag", .ring_slots = 2);
	QUEUE(-EINVAL, "no slots", RING(.ring_slots = 0));
	QUEUE(-EINVAL, "one slot", RING(.ring_slots = 1));
	QUEUE(-EINVAL, "odd slots", RING(.ring_slots = 3));
	QUEUE(-EINVAL, "too many slots", RING(.ring_slots = 8192));
	QUEUE(-EINVAL, "odd place", RING(.ring_slots = 2, .ring_offset = 32));
	QUEUE(-ERANGE, "past the BO", RING(.ring_slots = 256));
	QUEUE(-ERANGE, "over its end", RING(.ring_slots = 64,
					    .ring_offset = PAGE + 64));
	QUEUE(-ERANGE, "wraps", RING(.ring_slots = 64, .ring_offset = -64ull));
	QUEUE(0, "fits", RING(.ring_slots = 64, .ring_offset = PAGE));
	QUEUE(0, "deepest", .depth = 1024);
	QUEUE(0, "shallowest", .depth = 1);
#undef QUEUE
#undef RING
	c = (struct vgpu_ctx_create) { .vm = 0 };
	CHECK_ERR(CALL(fd, VGPU_IOCTL_CTX_CREATE, &c), -ENOENT, "(no VM)");
	c = (struct vgpu_ctx_create) { .vm = st_vm(fd), .engine = 8 };
	CHECK_ERR(CALL(fd, VGPU_IOCTL_CTX_CREATE, &c), -EINVAL, "(engine 8)");
	c.engine = 0xffffffff;
	CHECK_ERR(CALL(fd, VGPU_IOCTL_CTX_CREATE, &c), -EINVAL,
		  "(no such engine)");
}

/* A full queue, the pressure interrupt, and that both go away again. */
static void pressure(void)
{
	struct vgpu_queue_create q = { .depth = 10 };
	struct vgpu_queue_status status;
	struct vgpu_submit arg = { 0 };
	struct vgpu_cmd cmds[20], wait;
	struct pollfd p;
	struct gpu gpu;
	unsigned int tries;
	uint32_t gate;
	int fd, ret;

	gpu_new(&gpu, 1, 0);
	fd = fd_of(&gpu);
	q.ctx = gpu.ctx->handle;
	NEED_OK(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &q));
	gate = st_timeline(fd, NULL);
	wait = st_sync(VGPU_CMD_WAIT, gate, 1);
	memset(cmds, 0, sizeof(cmds));
	NEED_OK(st_submit(fd, q.handle, &wait, 1));
	NEED_OK(st_submit(fd, q.handle, cmds, 7));
	st_status(fd, q.handle, 0, &status);
	CHECK(status.pending == 8 && status.depth == 10, "%u of %u pending",
	      status.pending, status.depth);
	CHECK(!(status.irq & VGPU_QUEUE_IRQ_PRESSURE), "pressure at 80 %%");
	p = (struct pollfd) { .fd = fd, .events = POLLPRI };
	CHECK(poll(&p, 1, 0) == 0, "POLLPRI before pressure");
	NEED_OK(st_submit(fd, q.handle, cmds, 1));
	CHECK(poll(&p, 1, 1000) == 1 && p.revents & POLLPRI,
	      "no POLLPRI with pressure");
	st_status(fd, q.handle, VGPU_QUEUE_IRQ_PRESSURE, &status);
	CHECK(status.irq & VGPU_QUEUE_IRQ_PRESSURE, "no pressure at 90 %%");
	st_status(fd, q.handle, 0, &status);
	CHECK(!(status.irq & VGPU_QUEUE_IRQ_PRESSURE),
	      "pressure was not cleared");
	CHECK(poll(&p, 1, 0) == 0, "POLLPRI after it was read");

	/* one more fits, of twenty; then none */
	arg = (struct vgpu_submit) { .queue = q.handle,
		.cmds = (uintptr_t)cmds, .count = 20, .stride = 64 };
	CHECK_OK(CALL(fd, VGPU_IOCTL_SUBMIT, &arg));
	CHECK(arg.submitted == 1 && arg.bad_index == 20,
	      "%u taken, bad index %u", arg.submitted, arg.bad_index);
	ret = CALL(fd, VGPU_IOCTL_SUBMIT, &arg);
	CHECK(ret == -EAGAIN && !arg.submitted, "full: %s, %u taken",
	      st_errno(ret), arg.submitted);

	CHECK_OK(CALL(fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		      .timeline = gate, .value = 1 }));
	for (tries = 0; tries < 1000; tries++) {
		st_status(fd, q.handle, 0, &status);
		if (!status.pending)
			break;
		st_sleep_ms(1);
	}
	st_run(fd, q.handle, cmds, 9);
	st_status(fd, q.handle, 0, &status);
	CHECK(!status.pending && status.completed == status.submitted &&
	      !status.failed, "%u pending, %llu of %llu done", status.pending,
	      (unsigned long long)status.completed,
	      (unsigned long long)status.submitted);
}

/* What fails is told, and what comes after it runs. */
static void failures(void)
{
	struct vgpu_queue_status status;
	struct vgpu_cmd cmds[5];
	struct vgpu_bo *bo;
	struct pollfd p;
	struct gpu gpu;
	uint32_t *words;
	int fd;

	gpu_new(&gpu, 1, 0);
	fd = fd_of(&gpu);
	bo = gpu_bo(&gpu, 2 * PAGE, 0);
	words = bo->cpu;
	cmds[0] = st_fill(bo->va, 64, 1);
	cmds[1] = st_copy(bo->va + 8192 + (1ull << 32), bo->va, 64);
	cmds[2] = st_fill(bo->va + 64, 64, 2);
	cmds[3] = st_fill(bo->va + 4 * PAGE, 64, 3);
	cmds[4] = st_fill(bo->va + 128, 64, 4);
	st_run(fd, queue_of(&gpu), cmds, 5);
	CHECK(words[0] == 1 && words[16] == 2 && words[32] == 4,
	      "the rest of the queue: %u %u %u", words[0], words[16],
	      words[32]);
	p = (struct pollfd) { .fd = fd, .events = POLLPRI };
	CHECK(poll(&p, 1, 0) == 1, "no POLLPRI after an error");
	st_status(fd, queue_of(&gpu), VGPU_QUEUE_IRQ_ERROR, &status);
	CHECK(status.irq == VGPU_QUEUE_IRQ_ERROR, "interrupts 0x%x",
	      status.irq);
	CHECK(status.failed == 2 && status.completed == 4,
	      "%llu failed, %llu completed", (unsigned long long)status.failed,
	      (unsigned long long)status.completed);
	CHECK(status.error == -EFAULT && status.error_seqno == 4,
	      "last failure: %s, number %llu", st_errno(status.error),
	      (unsigned long long)status.error_seqno);
	CHECK(status.fault_va == bo->va + 4 * PAGE &&
	      status.fault_access == VGPU_PROT_WRITE,
	      "fault at 0x%llx, access %u",
	      (unsigned long long)status.fault_va, status.fault_access);
	st_status(fd, queue_of(&gpu), 0, &status);
	CHECK(!status.irq, "interrupts 0x%x after clearing", status.irq);
	CHECK(poll(&p, 1, 0) == 0, "POLLPRI after it was cleared");
}

/* A command's time limit ends it, and it alone. */
static void time_limit(void)
{
	struct vgpu_queue_options options = { .time_limit_us = 20000 };
	struct vgpu_queue_status status;
	struct spin_args args = { 0 };
	struct vgpu_launch launch = { 0 };
	struct vgpu_queue *limited;
	struct vgpu_cmd fill;
	struct vgpu_bo *bo;
	struct gpu gpu;
	uint64_t start;

	gpu_new(&gpu, 1, 0);
	bo = gpu_bo(&gpu, PAGE, 0);
	NEED(!vgpu_queue_create(gpu.ctx, &options, &limited), "%s",
	     vgpu_error());
	gpu.queue = limited;
	args.counter = bo->va;
	launch.entry = gpu_load(&gpu, "spin", "spin");
	launch.args = &args;
	launch.args_bytes = sizeof(args);
	start = st_now_ns();
	NEED(!vgpu_launch(limited, &launch, SEC), "%s", vgpu_error());
	fill = st_fill(bo->va + 64, 4, 7);
	NEED_OK(st_submit(fd_of(&gpu), vgpu_queue_handle(limited), &fill, 1));
	gpu_settle(&gpu);
	st_status(fd_of(&gpu), vgpu_queue_handle(limited), 0, &status);
	CHECK(status.failed == 1 && status.error == -ETIME &&
	      status.error_seqno == 1, "%llu failed, %s, number %llu",
	      (unsigned long long)status.failed, st_errno(status.error),
	      (unsigned long long)status.error_seqno);
	CHECK(((uint32_t *)bo->cpu)[16] == 7, "what came after did not run");
	CHECK(*(uint64_t *)bo->cpu, "it never ran");
	st_note("stopped after %llu ms, %llu ms of engine time",
		(unsigned long long)(st_now_ns() - start) / 1000000,
		(unsigned long long)status.run_ns / 1000000);
	CHECK(status.run_ns >= 15 * MS, "stopped after %llu ns of engine time",
	      (unsigned long long)status.run_ns);
}

/* Two queues hand a buffer to and fro by timelines; order is what they say. */
static void across_queues(void)
{
	struct vgpu_queue *other;
	struct vgpu_bo *bo;
	uint32_t ping, pong, *words;
	struct vgpu_cmd never;
	struct gpu gpu;
	unsigned int i;
	int fd;

	gpu_new(&gpu, 1, 0);
	fd = fd_of(&gpu);
	bo = gpu_bo(&gpu, PAGE, 0);
	words = bo->cpu;
	NEED(!vgpu_queue_create(gpu.ctx, NULL, &other), "%s", vgpu_error());
	ping = st_timeline(fd, NULL);
	pong = st_timeline(fd, NULL);
	for (i = 0; i < 50; i++) {
		struct vgpu_cmd a[3], b[3];

		/* b first: it can only wait */
		b[0] = st_sync(VGPU_CMD_WAIT, ping, i + 1);
		b[1] = st_copy(bo->va + 1024 + i * 4, bo->va, 4);
		b[2] = st_sync(VGPU_CMD_SIGNAL, pong, i + 1);
		NEED_OK(st_submit(fd, vgpu_queue_handle(other), b, 3));
		a[0] = st_sync(VGPU_CMD_WAIT, pong, i);
		a[1] = st_fill(bo->va, 4, i + 100);
		a[2] = st_sync(VGPU_CMD_SIGNAL, ping, i + 1);
		NEED_OK(st_submit(fd, queue_of(&gpu), a, 3));
	}
	NEED_OK(st_wait(fd, pong, 50, 30 * SEC));
	for (i = 0; i < 50; i++)
		CHECK(words[256 + i] == i + 100, "handed over %u, got %u",
		      i + 100, words[256 + i]);
	/* waiting for what never comes stops nobody else, and can be closed */
	never = st_sync(VGPU_CMD_WAIT, ping, 1000);
	NEED_OK(st_submit(fd, vgpu_queue_handle(other), &never, 1));
	st_run_one(fd, queue_of(&gpu), st_fill(bo->va, 4, 5));
	CHECK(words[0] == 5, "a queue that waits stops another");
	vgpu_queue_destroy(other);
}

static void *signal_later(void *arg)
{
	uint64_t what = (uintptr_t)arg;

	st_sleep_ms(150);
	CALL((int)(what >> 32), VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
	     .timeline = (uint32_t)what, .value = 5 });
	return NULL;
}

static void timelines(void)
{
	struct vgpu_timeline_create create = { .initial = 7 };
	struct vgpu_wait wait = { 0 };
	const volatile uint64_t *page;
	struct pollfd p[2];
	struct st_vgpu vgpu;
	uint32_t timeline, slot;
	uint64_t count, start;
	pthread_t thread;
	int fd, event;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	page = st_mmap(fd, VGPU_MMAP_TIMELINES, PAGE, PROT_READ);
	NEED(page != MAP_FAILED, "mmap: %s", strerror(errno));
	NEED_OK(CALL(fd, VGPU_IOCTL_TIMELINE_CREATE, &create));
	CHECK(page[create.slot] == 7, "the page shows %llu of a new timeline",
	      (unsigned long long)page[create.slot]);

	timeline = st_timeline(fd, &slot);
	CHECK_ERR(st_wait(fd, timeline, 1, 0), -ETIME, "(just asking)");
	start = st_now_ns();
	CHECK_ERR(st_wait(fd, timeline, 1, 50 * MS), -ETIME, "(50 ms)");
	CHECK(st_now_ns() - start >= 50 * MS, "waited only %llu ns",
	      (unsigned long long)(st_now_ns() - start));
	CHECK_OK(st_wait(fd, timeline, 0, 0));
	p[0] = (struct pollfd) { .fd = fd, .events = POLLIN };
	CHECK(poll(p, 1, 0) == 0, "POLLIN and nothing moved");

	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK_OK(CALL(fd, VGPU_IOCTL_EVENTFD, &(struct vgpu_eventfd) {
		      .timeline = timeline, .value = 5, .fd = event }));
	CHECK_ERR(CALL(fd, VGPU_IOCTL_EVENTFD, &(struct vgpu_eventfd) {
		       .timeline = timeline, .value = 5, .fd = -1 }), -EBADF,
		  "(no descriptor)");
	CHECK_ERR(CALL(fd, VGPU_IOCTL_EVENTFD, &(struct vgpu_eventfd) {
		       .timeline = timeline, .value = 5, .fd = fd }), -EINVAL,
		  "(no eventfd)");
	CHECK(read(event, &count, 8) < 0 && errno == EAGAIN,
	      "the eventfd was raised too early");

	/* a wait for ever, an eventfd and a poll, all at once */
	pthread_create(&thread, NULL, signal_later,
		       (void *)(uintptr_t)((uint64_t)fd << 32 | timeline));
	p[1] = (struct pollfd) { .fd = event, .events = POLLIN };
	CHECK(poll(p, 2, 10000) >= 1, "neither woke up");
	CHECK_OK(st_wait(fd, timeline, 5, -1));
	CHECK(poll(p, 2, 1000) == 2, "only one is ready: %d %d", p[0].revents,
	      p[1].revents);
	pthread_join(thread, NULL);
	CHECK(read(event, &count, 8) == 8 && count == 1,
	      "the eventfd was raised %llu times", (unsigned long long)count);
	CHECK(page[slot] == 5, "the page shows %llu",
	      (unsigned long long)page[slot]);
	wait.timeline = timeline;
	wait.value = 6;
	CHECK_ERR(CALL(fd, VGPU_IOCTL_WAIT, &wait), -ETIME, "(6)");
	CHECK(wait.current_value == 5, "the value now is told as %llu",
	      (unsigned long long)wait.current_value);
	CHECK(poll(p, 1, 0) == 0, "POLLIN after asking");

	/* there already: raised at once */
	CHECK_OK(CALL(fd, VGPU_IOCTL_EVENTFD, &(struct vgpu_eventfd) {
		      .timeline = timeline, .value = 5, .fd = event }));
	CHECK(read(event, &count, 8) == 8 && count == 1, "not raised at once");

	CHECK_ERR(CALL(fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		       .timeline = timeline, .value = 4 }), -EINVAL,
		  "(backwards)");
	CHECK_OK(CALL(fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		      .timeline = timeline, .value = 5 }));
	CHECK_OK(CALL(fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		      .timeline = timeline, .value = ~0ull }));
	CHECK_OK(st_wait(fd, timeline, ~0ull, -1));
}

static void on_alarm(int number)
{
	(void)number;
}

/* Waiting ends with a signal, a close, a stop. */
static void interrupted(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct st_vgpu vgpu;
	uint32_t timeline;
	pid_t pid;

	st_vgpu(&vgpu, 1, 0);
	timeline = st_timeline(vgpu.fd, NULL);
	sigaction(SIGALRM, &action, NULL);
	ualarm(100000, 0);
	CHECK_ERR(st_wait(vgpu.fd, timeline, 1, -1), -EINTR, "(signal)");
	/* SA_RESTART does not restart it: the limit counts from the call */
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	ualarm(100000, 0);
	CHECK_ERR(st_wait(vgpu.fd, timeline, 1, 5 * SEC), -EINTR,
		  "(signal that restarts)");
	pid = fork();
	if (!pid) {
		st_sleep_ms(150);
		_exit(st_close(vgpu.fd, timeline) ? 1 : 0);
	}
	CHECK_ERR(st_wait(vgpu.fd, timeline, 1, 20 * SEC), -ENOENT,
		  "(closed meanwhile)");
	timeline = st_timeline(vgpu.fd, NULL);
	pid = fork();
	if (!pid) {
		st_sleep_ms(150);
		st_verb(&vgpu, VGPU_VERB_STOP);
		_exit(0);
	}
	CHECK_ERR(st_wait(vgpu.fd, timeline, 1, 20 * SEC), -ESHUTDOWN,
		  "(stopped meanwhile)");
}

/* Figures add up. */
static void figures(void)
{
	struct vgpu_queue_status status;
	struct vgpu_cmd cmds[64];
	struct vgpu_bo *bo;
	struct gpu gpu;
	unsigned int i;

	gpu_new(&gpu, 1, 0);
	bo = gpu_bo(&gpu, 64 * 1024, 0);
	for (i = 0; i < 64; i++)
		cmds[i] = st_fill(bo->va, 64 * 1024, i);
	st_run(fd_of(&gpu), queue_of(&gpu), cmds, 64);
	st_status(fd_of(&gpu), queue_of(&gpu), 0, &status);
	CHECK(status.submitted == 65 && status.completed == 65 &&
	      !status.pending, "%llu submitted, %llu completed, %u pending",
	      (unsigned long long)status.submitted,
	      (unsigned long long)status.completed, status.pending);
	CHECK(status.run_ns, "64 fills took no engine time");
	CHECK(status.wait_avg_ns && status.wait_p50_ns <= status.wait_p99_ns,
	      "waits: average %llu, median %llu, p99 %llu",
	      (unsigned long long)status.wait_avg_ns,
	      (unsigned long long)status.wait_p50_ns,
	      (unsigned long long)status.wait_p99_ns);
}

/* How many eventfds can be made to wait for @value, until there are too many. */
static unsigned int wait_all(int fd, uint32_t timeline, uint64_t value, int event)
{
	struct vgpu_eventfd arg = {
		.timeline = timeline, .value = value, .fd = event,
	};
	unsigned int n = 0;
	int ret;

	while (!(ret = CALL(fd, VGPU_IOCTL_EVENTFD, &arg)) && n < 1000)
		n++;
	CHECK(ret == -EMFILE, "%u wait, then %s", n, st_errno(ret));
	return n;
}

static void eventfds_at_most(void)
{
	struct vgpu_signal raise = { .value = 1 };
	struct vgpu_eventfd there = { .value = 1 };
	struct st_vgpu vgpu;
	uint32_t other;
	uint64_t count;
	int fd;

	st_vgpu(&vgpu, 1, 0);
	fd = vgpu.fd;
	raise.timeline = there.timeline = st_timeline(fd, NULL);
	there.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK_OK(CALL(fd, VGPU_IOCTL_EVENTFD, &there));
	CHECK(wait_all(fd, raise.timeline, 2, there.fd) == 255, "not 256");
	/* of another timeline it is nothing */
	other = st_timeline(fd, NULL);
	CHECK(wait_all(fd, other, 1, there.fd) == 256, "not 256");
	CHECK_OK(st_close(fd, other));
	/* who is through makes room, and who is there already needs none */
	CHECK_OK(CALL(fd, VGPU_IOCTL_SIGNAL, &raise));
	CHECK(wait_all(fd, raise.timeline, 2, there.fd) == 1, "not one more");
	CHECK_OK(CALL(fd, VGPU_IOCTL_EVENTFD, &there));
	raise.value = 2;
	CHECK_OK(CALL(fd, VGPU_IOCTL_SIGNAL, &raise));
	CHECK(read(there.fd, &count, 8) == 8 && count == 258,
	      "raised %llu times", (unsigned long long)count);
	CHECK(wait_all(fd, raise.timeline, 3, there.fd) == 256, "not 256");
}

static const struct st_case cases[] = {
	{ "copies", copies },
	{ "fills", fills },
	{ "launches", launches },
	{ "refused", refused },
	{ "queue_arguments", queue_arguments },
	{ "pressure", pressure },
	{ "failures", failures },
	{ "time_limit", time_limit },
	{ "across_queues", across_queues },
	{ "timelines", timelines },
	{ "eventfds_at_most", eventfds_at_most },
	{ "interrupted", interrupted },
	{ "figures", figures },
};

ST_MAIN(cases)
