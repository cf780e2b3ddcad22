// SPDX-License-Identifier: GPL-2.0
/* The filter: what a vGPU's tenants may ask for, and what becomes of what they have. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nl.h"
#include "st.h"

#define PAGE	4096ull
#define RW	(PROT_READ | PROT_WRITE)
#define GPU_RWX	(VGPU_PROT_READ | VGPU_PROT_WRITE | VGPU_PROT_EXEC)
#define ECALL	0x00000073u	/* ends a lane */
#define PROGRAM	256u		/* where in the BO that is */

#define ALL	0x1ffu

static const char *const names[] = {
	"memory", "user-memory", "share", "map", "queue", "ring", "launch",
	"transfer", "sync",
};

#define RIGHTS	(sizeof(names) / sizeof(names[0]))
#define R(name)	((uint32_t)VGPU_NL_RIGHT_##name)

/* One of everything, made with all rights. */
struct rig {
	struct st_vgpu vgpu;
	int fd;
	uint32_t vm, ctx, queue, bo, shared, ring, timeline;
	uint64_t offset, ring_offset, va, hole;
	uint64_t signalled;
	void *own;
};

/* As `vgpuctl vgpu set --allow` does. */
static void allow(const struct rig *r, uint32_t rights)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, r->vgpu.id);
	nl_u32(&nl, VGPU_A_VGPU_ALLOW, rights);
	NEED_OK(nl_do(&nl));
}

/* What it was refused, as management sees it. */
static uint64_t filtered(const struct rig *r)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_GET);
	nl_u32(&nl, VGPU_A_VGPU_ID, r->vgpu.id);
	NEED_OK(nl_do(&nl));
	return nl_number(&nl, VGPU_A_VGPU_FILTERED);
}

static void rig_new(struct rig *r)
{
	struct vgpu_info info;
	uint32_t *code;

	st_vgpu(&r->vgpu, 1, 0);
	r->fd = r->vgpu.fd;
	st_info(r->fd, &info);
	r->vm = st_vm(r->fd);
	r->ctx = st_ctx(r->fd, r->vm);
	r->queue = st_queue(r->fd, r->ctx);
	r->bo = st_bo(r->fd, PAGE, 0, &r->offset);
	r->shared = st_bo(r->fd, PAGE, VGPU_BO_SHARE, NULL);
	r->ring = st_bo(r->fd, PAGE, 0, &r->ring_offset);
	r->timeline = st_timeline(r->fd, NULL);
	r->va = info.va_start + (64 << 20);
	NEED_OK(st_map(r->fd, r->vm, r->bo, GPU_RWX, r->va, 0, PAGE));
	r->hole = r->va + (1 << 20);
	code = st_mmap(r->fd, r->offset, PAGE, RW);
	NEED(code != MAP_FAILED, "mmap: %s", strerror(errno));
	code[PROGRAM / 4] = ECALL;
	munmap(code, PAGE);
	r->own = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* ---- each call and each command, with each right missing -------------------- */

static int one(struct rig *r, struct vgpu_cmd cmd)
{
	return st_submit(r->fd, r->queue, &cmd, 1);
}

static int do_info(struct rig *r)
{
	struct vgpu_info arg = { 0 };

	return CALL(r->fd, VGPU_IOCTL_INFO, &arg);
}

static int do_wait(struct rig *r)
{
	return st_wait(r->fd, r->timeline, 0, 0);
}

static int do_status(struct rig *r)
{
	struct vgpu_queue_status arg = { .queue = r->queue };

	return CALL(r->fd, VGPU_IOCTL_QUEUE_STATUS, &arg);
}

static int do_bo(struct rig *r)
{
	struct vgpu_bo_create arg = { .bytes = PAGE };
	int ret = CALL(r->fd, VGPU_IOCTL_BO_CREATE, &arg);

	return ret ?: st_close(r->fd, arg.handle);
}

static int do_vm(struct rig *r)
{
	struct vgpu_vm_create arg = { 0 };
	int ret = CALL(r->fd, VGPU_IOCTL_VM_CREATE, &arg);

	return ret ?: st_close(r->fd, arg.handle);
}

/* The unmapping is for everybody: it must not be what is refused. */
static int do_vm_map(struct rig *r)
{
	struct vgpu_vm_unmap arg = {
		.vm = r->vm, .va = r->hole, .bytes = PAGE,
	};
	int ret = st_map(r->fd, r->vm, r->bo, GPU_RWX, r->hole, 0, PAGE);

	return ret ?: CALL(r->fd, VGPU_IOCTL_VM_UNMAP, &arg);
}

static int do_ctx(struct rig *r)
{
	struct vgpu_ctx_create arg = { .vm = r->vm };
	int ret = CALL(r->fd, VGPU_IOCTL_CTX_CREATE, &arg);

	return ret ?: st_close(r->fd, arg.handle);
}

static int make_queue(struct rig *r, uint32_t flags)
{
	struct vgpu_queue_create arg = {
		.ctx = r->ctx, .flags = flags,
		.ring_bo = flags ? r->ring : 0, .ring_slots = flags ? 2 : 0,
	};
	int ret = CALL(r->fd, VGPU_IOCTL_QUEUE_CREATE, &arg);

	return ret ?: st_close(r->fd, arg.handle);
}

static int do_queue(struct rig *r)
{
	return make_queue(r, 0);
}

static int do_ring(struct rig *r)
{
	return make_queue(r, VGPU_QUEUE_RING);
}

static int do_queue_set(struct rig *r)
{
	struct vgpu_queue_set arg = { .queue = r->queue };

	return CALL(r->fd, VGPU_IOCTL_QUEUE_SET, &arg);
}

static int do_timeline(struct rig *r)
{
	struct vgpu_timeline_create arg = { 0 };
	int ret = CALL(r->fd, VGPU_IOCTL_TIMELINE_CREATE, &arg);

	return ret ?: st_close(r->fd, arg.handle);
}

static int do_signal(struct rig *r)
{
	struct vgpu_signal arg = {
		.timeline = r->timeline, .value = ++r->signalled,
	};

	return CALL(r->fd, VGPU_IOCTL_SIGNAL, &arg);
}

static int do_eventfd(struct rig *r)
{
	struct vgpu_eventfd arg = { .timeline = r->timeline };
	int ret;

	arg.fd = eventfd(0, EFD_CLOEXEC);
	ret = CALL(r->fd, VGPU_IOCTL_EVENTFD, &arg);
	close(arg.fd);
	return ret;
}

static int do_user(struct rig *r)
{
	struct vgpu_bo_user arg = { .addr = (uintptr_t)r->own, .bytes = PAGE };
	int ret = CALL(r->fd, VGPU_IOCTL_BO_USER, &arg);

	return ret ?: st_close(r->fd, arg.handle);
}

static int do_export(struct rig *r)
{
	struct vgpu_bo_export arg = { .bo = r->shared };
	int ret = CALL(r->fd, VGPU_IOCTL_BO_EXPORT, &arg);

	if (!ret)
		close(arg.fd);
	return ret;
}

static int do_mmap(struct rig *r)
{
	void *at = st_mmap(r->fd, r->offset, PAGE, RW);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, PAGE);
	return 0;
}

static int do_nop(struct rig *r)
{
	return one(r, (struct vgpu_cmd) { .op = VGPU_CMD_NOP });
}

static int do_copy(struct rig *r)
{
	return one(r, st_copy(r->va, r->va + 64, 64));
}

static int do_fill(struct rig *r)
{
	return one(r, st_fill(r->va, 64, 7));
}

static int do_cmd_signal(struct rig *r)
{
	return one(r, st_sync(VGPU_CMD_SIGNAL, r->timeline, 1));
}

static int do_cmd_wait(struct rig *r)
{
	return one(r, st_sync(VGPU_CMD_WAIT, r->timeline, 0));
}

static int do_launch(struct rig *r)
{
	struct vgpu_cmd cmd = { .op = VGPU_CMD_LAUNCH };

	cmd.launch.entry = r->va + PROGRAM;
	cmd.launch.grid[0] = cmd.launch.grid[1] = cmd.launch.grid[2] = 1;
	cmd.launch.block[0] = cmd.launch.block[1] = cmd.launch.block[2] = 1;
	return one(r, cmd);
}

static const struct {
	const char *name;
	int (*ask)(struct rig *r);
	uint32_t needs;
} asks[] = {
	{ "info", do_info, 0 }, { "wait", do_wait, 0 },
	{ "queue-status", do_status, 0 },
	{ "bo-create", do_bo, R(MEMORY) }, { "vm-create", do_vm, R(MEMORY) },
	{ "vm-map", do_vm_map, R(MEMORY) },
	{ "ctx-create", do_ctx, R(QUEUE) }, { "queue-create", do_queue, R(QUEUE) },
	{ "queue-create, a ring", do_ring, R(QUEUE) | R(RING) },
	{ "queue-set", do_queue_set, R(QUEUE) },
	{ "timeline-create", do_timeline, R(SYNC) },
	{ "signal", do_signal, R(SYNC) }, { "eventfd", do_eventfd, R(SYNC) },
	{ "bo-user", do_user, R(USER_MEMORY) },
	{ "bo-export", do_export, R(SHARE) }, { "mmap", do_mmap, R(MAP) },
	{ "nop", do_nop, R(QUEUE) }, { "copy", do_copy, R(QUEUE) | R(TRANSFER) },
	{ "fill", do_fill, R(QUEUE) | R(TRANSFER) },
	{ "launch", do_launch, R(QUEUE) | R(LAUNCH) },
	{ "signal, queued", do_cmd_signal, R(QUEUE) | R(SYNC) },
	{ "wait, queued", do_cmd_wait, R(QUEUE) | R(SYNC) },
};

#define ASKS	(sizeof(asks) / sizeof(asks[0]))

/* Returns how many it was refused. */
static uint64_t ask_all(struct rig *r, uint32_t rights, const char *with)
{
	uint64_t refused = 0;
	unsigned int i;

	for (i = 0; i < ASKS; i++) {
		bool may = !(asks[i].needs & ~rights);
		int ret = asks[i].ask(r);

		CHECK(ret == (may ? 0 : -EPERM), "%s, %s: %s", with,
		      asks[i].name, st_errno(ret));
		refused += ret == -EPERM;
	}
	return refused;
}

static void check_count(struct rig *r, uint64_t refused)
{
	uint64_t counted = filtered(r);

	CHECK(counted == refused, "%llu were refused, %llu are counted",
	      (unsigned long long)refused, (unsigned long long)counted);
}

static void each(void)
{
	uint64_t refused = 0;
	char text[64];
	struct rig r;
	unsigned int i;

	rig_new(&r);
	ask_all(&r, ~0u, "all");
	for (i = 0; i < RIGHTS; i++) {
		uint32_t right = 1u << i;

		snprintf(text, sizeof(text), "all but %s", names[i]);
		allow(&r, ALL & ~right);
		refused += ask_all(&r, ~right, text);
		allow(&r, right);
		refused += ask_all(&r, right, names[i]);
	}
	allow(&r, 0);
	refused += ask_all(&r, 0, "none");
	check_count(&r, refused);
	allow(&r, ALL);
	ask_all(&r, ~0u, "all again");
}

/* ---- what is there already --------------------------------------------------- */

static void mappings_go(void)
{
	struct rig r, other;
	volatile uint32_t *at, *theirs;

	rig_new(&r);
	rig_new(&other);
	at = st_mmap(r.fd, r.offset, PAGE, RW);
	theirs = st_mmap(other.fd, other.offset, PAGE, RW);
	NEED(at != MAP_FAILED && theirs != MAP_FAILED, "mmap");
	*at = 0x5ec4e7;
	*theirs = 7;
	allow(&r, ALL & ~R(MAP));
	CHECK(st_touch(at, false) == SIGBUS, "it can still be read");
	CHECK(st_touch(at, true) == SIGBUS, "it can still be written");
	CHECK(!st_touch(theirs, true) && *theirs == 7, "another's went, too");
	allow(&r, ALL);
	CHECK(!st_touch(at, false) && *at == 0x5ec4e7, "it is not what it was");
}

static void dmabufs_go(void)
{
	struct vgpu_bo_export arg = { 0 };
	volatile uint32_t *at;
	struct rig r;

	rig_new(&r);
	arg.bo = r.shared;
	NEED_OK(CALL(r.fd, VGPU_IOCTL_BO_EXPORT, &arg));
	at = mmap(NULL, PAGE, RW, MAP_SHARED, arg.fd, 0);
	NEED(at != MAP_FAILED, "mmap: %s", strerror(errno));
	*at = 1;
	allow(&r, ALL & ~R(SHARE));
	CHECK(st_touch(at, false) == SIGBUS, "it can still be read");
	allow(&r, ALL);
	CHECK(st_touch(at, false) == SIGBUS, "what was taken came back");
	CHECK_OK(CALL(r.fd, VGPU_IOCTL_BO_EXPORT, &arg));
}

/* A ring may not be asked for its next command. */
static void rings_stop(void)
{
	struct vgpu_queue_create q = {
		.flags = VGPU_QUEUE_RING, .ring_slots = 8,
	};
	struct vgpu_queue_status status;
	volatile struct vgpu_doorbell *bell;
	struct vgpu_cmd *slots;
	struct rig r;
	unsigned int i;

	rig_new(&r);
	slots = st_mmap(r.fd, r.ring_offset, PAGE, RW);
	NEED(slots != MAP_FAILED, "mmap: %s", strerror(errno));
	q.ctx = r.ctx;
	q.ring_bo = r.ring;
	NEED_OK(CALL(r.fd, VGPU_IOCTL_QUEUE_CREATE, &q));
	bell = st_mmap(r.fd, VGPU_MMAP_DOORBELLS, PAGE, RW);
	NEED(bell != MAP_FAILED, "doorbells");
	bell += q.doorbell;

	slots[0] = st_sync(VGPU_CMD_SIGNAL, r.timeline, 5);
	__atomic_store_n(&bell->tail, 1, __ATOMIC_RELEASE);
	NEED_OK(CALL(r.fd, VGPU_IOCTL_KICK,
		     &(struct vgpu_kick) { .queue = q.handle }));
	NEED_OK(st_wait(r.fd, r.timeline, 5, 10000000000ll));

	/* commands of a kind that it may not: each fails, the ring goes on */
	allow(&r, ALL & ~R(TRANSFER));
	slots[1] = st_fill(r.va, 64, 7);
	slots[2] = st_sync(VGPU_CMD_SIGNAL, r.timeline, 6);
	__atomic_store_n(&bell->tail, 3, __ATOMIC_RELEASE);
	CHECK_OK(CALL(r.fd, VGPU_IOCTL_KICK,
		      &(struct vgpu_kick) { .queue = q.handle }));
	CHECK_OK(st_wait(r.fd, r.timeline, 6, 10000000000ll));
	st_status(r.fd, q.handle, 0, &status);
	CHECK(status.failed == 1, "%llu failed",
	      (unsigned long long)status.failed);

	/* no rings at all: it stops, and what comes back is not this one */
	allow(&r, ALL & ~R(RING));
	slots[3] = st_sync(VGPU_CMD_SIGNAL, r.timeline, 7);
	__atomic_store_n(&bell->tail, 4, __ATOMIC_RELEASE);
	CHECK_OK(CALL(r.fd, VGPU_IOCTL_KICK,
		      &(struct vgpu_kick) { .queue = q.handle }));
	for (i = 0; i < 10000 && !bell->error; i++)
		st_sleep_ms(1);
	CHECK(bell->error == -EPERM, "the ring says %d", bell->error);
	CHECK(st_wait(r.fd, r.timeline, 7, 50000000ll) == -ETIME,
	      "a command ran that it was refused");
	CHECK_OK(do_nop(&r));
}

/* ---- rights change while they are used ---------------------------------------- */

struct racer {
	struct rig r;
	volatile bool stop;
	uint64_t refused, done, bad;
};

static void *racer_fn(void *data)
{
	struct racer *racer = data;
	unsigned int n = 0;

	while (!racer->stop) {
		int ret = asks[n++ % ASKS].ask(&racer->r);

		racer->refused += ret == -EPERM;
		racer->done += !ret;
		/* the queue may be full of commands */
		racer->bad += ret && ret != -EPERM && ret != -EAGAIN;
	}
	return NULL;
}

static void changes(void)
{
	struct racer racers[3] = { 0 };
	uint64_t refused = 0, done = 0, bad = 0;
	pthread_t threads[3];
	struct rig r;
	unsigned int i;

	rig_new(&r);
	for (i = 0; i < 3; i++) {
		racers[i].r = r;
		racers[i].r.hole += i << 20;
		racers[i].r.timeline = st_timeline(r.fd, NULL);
		NEED(!pthread_create(&threads[i], NULL, racer_fn, &racers[i]),
		     "thread");
	}
	for (i = 0; i < 200; i++) {
		allow(&r, i % 4 == 3 ? ALL : (uint32_t)st_below(ALL + 1));
		st_sleep_ms(5);
	}
	for (i = 0; i < 3; i++) {
		racers[i].stop = true;
		pthread_join(threads[i], NULL);
		refused += racers[i].refused;
		done += racers[i].done;
		bad += racers[i].bad;
	}
	CHECK(!bad, "%llu answers of another kind", (unsigned long long)bad);
	CHECK(refused && done, "%llu refused, %llu done",
	      (unsigned long long)refused, (unsigned long long)done);
	check_count(&r, refused);
	allow(&r, ALL);
	ask_all(&r, ~0u, "afterwards");
}

static const struct st_case cases[] = {
	{ "each right, and all but it", each },
	{ "mappings go with the right, and come back", mappings_go },
	{ "dma-bufs go with the right, for good", dmabufs_go },
	{ "a ring stops", rings_stop },
	{ "rights change while they are used", changes },
};

ST_MAIN(cases)
