// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU whose mediation fails, by hand: what goes on at each step, the way back, and
 * that nothing a tenant does leads there.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"
#include "nl.h"

#define PAGE	4096u
#define BASIC	VGPU_NL_DEGRADE_BASIC_LIMIT
#define DENY	VGPU_NL_DEGRADE_DENY_ALL
#define STOP	VGPU_NL_DEGRADE_STOP

static int gpu_set(uint16_t attr, uint32_t value)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_GPU_SET);
	nl_u32(&nl, VGPU_A_GPU_INDEX, 0);
	nl_u32(&nl, attr, value);
	return nl_do(&nl);
}

static uint64_t gpu_figure(uint16_t attr)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_GPU_GET);
	nl_u32(&nl, VGPU_A_GPU_INDEX, 0);
	NEED_OK(nl_do(&nl));
	return nl_number(&nl, attr);
}

static int vgpu_set(uint32_t vgpu, uint16_t attr, uint64_t value, bool wide)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, vgpu);
	if (wide)
		nl_u64(&nl, attr, value);
	else
		nl_u32(&nl, attr, (uint32_t)value);
	return nl_do(&nl);
}

static uint64_t vgpu_figure(uint32_t vgpu, uint16_t attr)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_GET);
	nl_u32(&nl, VGPU_A_VGPU_ID, vgpu);
	NEED_OK(nl_do(&nl));
	return nl_number(&nl, attr);
}

static void recover(void)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_GPU_RECOVER);
	nl_u32(&nl, VGPU_A_GPU_INDEX, 0);
	NEED_OK(nl_do(&nl));
}

static void step(uint32_t to)
{
	NEED_OK(gpu_set(VGPU_A_GPU_DEGRADE, to));
}

/* What a step begins with is known at once, but a stop takes its time. */
static void wait_state(uint32_t vgpu, uint32_t state)
{
	unsigned int i;

	for (i = 0; i < 4000; i++) {
		if (vgpu_figure(vgpu, VGPU_A_VGPU_STATE) == state)
			return;
		st_sleep_ms(5);
	}
	NEED(false, "v%u is not in state %u", vgpu, state);
}

static int try_bo(int fd)
{
	struct vgpu_bo_create arg = { .bytes = PAGE };

	return CALL(fd, VGPU_IOCTL_BO_CREATE, &arg);
}

static int try_open(const struct st_vgpu *v)
{
	int fd = open(v->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

struct rig {
	struct gpu gpu;
	int fd;
	struct vgpu_bo *bo;
	uint32_t timeline;
	uint64_t seq;
};

static void rig_new(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	gpu_new(&r->gpu, 1, 0);
	r->fd = vgpu_fd(r->gpu.dev);
	r->bo = gpu_bo(&r->gpu, PAGE, 0);
	r->timeline = st_timeline(r->fd, NULL);
}

/* A fill and a signal behind it; an errno. */
static int work(struct rig *r)
{
	struct vgpu_cmd cmds[] = {
		st_fill(r->bo->va, PAGE, (uint32_t)r->seq + 1),
		st_sync(VGPU_CMD_SIGNAL, r->timeline, r->seq + 1),
	};
	int ret = st_submit(r->fd, vgpu_queue_handle(r->gpu.queue), cmds, 2);

	if (!ret)
		r->seq++;
	return ret;
}

static int done(struct rig *r)
{
	return st_wait(r->fd, r->timeline, r->seq, 60 * SEC);
}

/* The GPU is as always. */
static void check_normal(struct rig *r)
{
	CHECK(!gpu_figure(VGPU_A_GPU_DEGRADE), "step %u",
	      (unsigned int)gpu_figure(VGPU_A_GPU_DEGRADE));
	CHECK_OK(try_open(&r->gpu.vgpu));
	CHECK_OK(try_bo(r->fd));
	CHECK_OK(work(r));
	CHECK_OK(done(r));
}

/* What is there goes on, with no more than it has. */
static void basic(void)
{
	uint64_t limit, modes;
	const char *type = st_type(1);
	struct st_vgpu other;
	uint32_t handle, vm;
	struct rig r;

	rig_new(&r);
	vm = st_vm(r.fd);
	handle = st_bo(r.fd, PAGE, 0, NULL);
	limit = vgpu_figure(r.gpu.vgpu.id, VGPU_A_VGPU_VRAM_LIMIT);
	modes = gpu_figure(VGPU_A_GPU_SWITCH);
	step(BASIC);
	CHECK(gpu_figure(VGPU_A_GPU_DEGRADE_REASON) ==
	      VGPU_NL_DEGRADE_REASON_BY_HAND, "by hand");
	CHECK_ERR(try_open(&r.gpu.vgpu), -EAGAIN, "(a client)");
	CHECK_ERR(st_create(&other, type, 0, 0), -EAGAIN, "(a vGPU)");
	CHECK_ERR(try_bo(r.fd), -EAGAIN, "(memory)");
	CHECK_ERR(CALL(r.fd, VGPU_IOCTL_VM_CREATE, &(struct vgpu_vm_create) { 0 }),
		  -EAGAIN, "(an address space)");
	CHECK_ERR(CALL(r.fd, VGPU_IOCTL_CTX_CREATE, &(struct vgpu_ctx_create) {
		       .vm = vm }), -EAGAIN, "(a context)");
	CHECK_OK(work(&r));
	CHECK_OK(done(&r));
	CHECK_OK(st_close(r.fd, handle));
	CHECK_ERR(vgpu_set(r.gpu.vgpu.id, VGPU_A_VGPU_VRAM_LIMIT, limit + PAGE, true),
		  -EAGAIN, "(more)");
	CHECK_OK(vgpu_set(r.gpu.vgpu.id, VGPU_A_VGPU_VRAM_LIMIT, limit - PAGE, true));
	CHECK_OK(vgpu_set(r.gpu.vgpu.id, VGPU_A_VGPU_WEIGHT, 77, false));
	/* only down, and only by recover up */
	CHECK_ERR(gpu_set(VGPU_A_GPU_DEGRADE, 0), -EINVAL, "(up)");
	CHECK_OK(gpu_set(VGPU_A_GPU_DEGRADE, BASIC));
	recover();
	recover();
	check_normal(&r);
	CHECK(gpu_figure(VGPU_A_GPU_SWITCH) == modes, "switches as they were");
}

static void *wait_for_memory(void *arg)
{
	struct vgpu_bo_create big = { .bytes = 20 * PAGE };
	int fd = *(int *)arg;

	return (void *)(long)CALL(fd, VGPU_IOCTL_BO_CREATE, &big);
}

/* Who waits for room is told at once. */
static void basic_ends_waits(void)
{
	pthread_t threads[3];
	struct st_vgpu v;
	unsigned int i;
	void *ret;

	st_vgpu(&v, 1, 0);
	NEED_OK(vgpu_set(v.id, VGPU_A_VGPU_VRAM_LIMIT, 100 * PAGE, true));
	NEED_OK(vgpu_set(v.id, VGPU_A_VGPU_ON_MEMORY,
			 VGPU_NL_QUOTA_ACTION_QUEUE, false));
	NEED_OK(vgpu_set(v.id, VGPU_A_VGPU_QUOTA_WAIT_NS, 60 * SEC, true));
	st_bo(v.fd, 90 * PAGE, 0, NULL);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, wait_for_memory, &v.fd);
	for (i = 0; i < 4000 && vgpu_figure(v.id, VGPU_A_VGPU_VIOLATIONS) < 3; i++)
		st_sleep_ms(5);
	step(BASIC);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], &ret);
		CHECK_ERR((long)ret, -EAGAIN, "(it waited)");
	}
	recover();
}

/* What was accepted ends; nothing more is accepted, from rings neither. */
static void deny(void)
{
	struct vgpu_queue_create q = {
		.flags = VGPU_QUEUE_RING, .ring_slots = 8,
	};
	struct spin_args args = { 0 };
	struct vgpu_cmd *slots, cmd;
	struct vgpu_doorbell *bell;
	struct vgpu_bo *ring;
	struct rig r, other;

	rig_new(&r);
	rig_new(&other);
	ring = gpu_bo(&r.gpu, 8 * 64, 0);
	q.ctx = r.gpu.ctx->handle;
	q.ring_bo = ring->handle;
	NEED_OK(CALL(r.fd, VGPU_IOCTL_QUEUE_CREATE, &q));
	bell = st_mmap(r.fd, VGPU_MMAP_DOORBELLS, PAGE, PROT_READ | PROT_WRITE);
	NEED(bell != MAP_FAILED, "doorbells: %s", strerror(errno));
	bell += q.doorbell;
	slots = ring->cpu;

	NEED(!gpu_launch(&other.gpu, gpu_load(&other.gpu, "spin", "spin"), 1, 1, 0,
			 &args, sizeof(args)), "%s", vgpu_error());
	CHECK_OK(work(&r));
	step(DENY);
	CHECK_ERR(work(&r), -EAGAIN, "(a submission)");
	CHECK_ERR(try_bo(r.fd), -EAGAIN, "(memory)");
	CHECK_OK(done(&r));
	/* into the ring, and nobody is to read it */
	cmd = st_sync(VGPU_CMD_SIGNAL, r.timeline, r.seq + 1);
	memcpy(slots, &cmd, sizeof(cmd));
	__atomic_store_n(&bell->tail, 1, __ATOMIC_RELEASE);
	CHECK_ERR(CALL(r.fd, VGPU_IOCTL_KICK, &(struct vgpu_kick) {
		       .queue = q.handle }), -EAGAIN, "(a doorbell)");
	CHECK_ERR(st_wait(r.fd, r.timeline, r.seq + 1, 100 * MS), -ETIME,
		  "(the ring is not read)");
	CHECK_OK(st_close(r.fd, r.bo->handle));
	recover();
	/* without another kick */
	CHECK_OK(st_wait(r.fd, r.timeline, r.seq + 1, 60 * SEC));
	r.seq++;
}

/* All work ends, also what neither ends nor stops by itself. */
static void stop(void)
{
	struct spin_args args = { 0 };
	struct rig r[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		rig_new(&r[i]);
	NEED_OK(st_verb(&r[2].gpu.vgpu, VGPU_VERB_STOP));
	NEED(!gpu_launch(&r[0].gpu, gpu_load(&r[0].gpu, "spin", "spin_nopreempt"),
			 1, 1, 0, &args, sizeof(args)), "%s", vgpu_error());
	CHECK_OK(work(&r[1]));
	step(STOP);
	for (i = 0; i < 2; i++) {
		wait_state(r[i].gpu.vgpu.id, VGPU_NL_STATE_FAILED);
		CHECK_ERR(work(&r[i]), -EIO, "(a submission)");
		CHECK_ERR(try_open(&r[i].gpu.vgpu), -EIO, "(a client)");
		CHECK_ERR(st_verb(&r[i].gpu.vgpu, VGPU_VERB_START), -EAGAIN,
			  "(start)");
		CHECK(!vgpu_figure(r[i].gpu.vgpu.id, VGPU_A_VGPU_VRAM_USED),
		      "its memory is back");
	}
	CHECK(vgpu_figure(r[2].gpu.vgpu.id, VGPU_A_VGPU_STATE) ==
	      VGPU_NL_STATE_STOPPED, "who was stopped is stopped");
	recover();
	for (i = 0; i < 3; i++) {
		/* who lost everything opens again */
		CHECK(work(&r[i]) < 0, "it is as if it had been closed");
		NEED_OK(st_verb(&r[i].gpu.vgpu, VGPU_VERB_START));
		CHECK_OK(try_open(&r[i].gpu.vgpu));
	}
	rig_new(&r[0]);
	check_normal(&r[0]);
}

/* ---- under load ------------------------------------------------------------- */

struct load {
	pthread_t thread;
	struct st_vgpu vgpu;
	bool end;
	unsigned int rounds;
};

static bool may_be(int ret)
{
	return !ret || ret == -EAGAIN || ret == -EIO || ret == -ESHUTDOWN ||
	       ret == -ENODEV || ret == -ENOENT;
}

/* Opens, makes what it needs, works, closes; whatever it is told. */
static void *load(void *arg)
{
	struct load *l = arg;
	int ret;

	while (!__atomic_load_n(&l->end, __ATOMIC_SEQ_CST)) {
		struct vgpu_timeline_create tl = { 0 };
		struct vgpu_queue_create queue = { 0 };
		struct vgpu_bo_create bo = { .bytes = PAGE };
		struct vgpu_vm_create vm = { 0 };
		struct vgpu_ctx_create ctx = { 0 };
		struct vgpu_cmd cmd;
		int fd = open(l->vgpu.path, O_RDWR | O_CLOEXEC);
		int i;

		l->rounds++;
		if (fd < 0) {
			CHECK(may_be(-errno), "open: %s", st_errno(-errno));
			st_sleep_ms(2);
			continue;
		}
		ret = CALL(fd, VGPU_IOCTL_BO_CREATE, &bo) ?:
		      CALL(fd, VGPU_IOCTL_VM_CREATE, &vm);
		ctx.vm = vm.handle;
		ret = ret ?: CALL(fd, VGPU_IOCTL_CTX_CREATE, &ctx);
		queue.ctx = ctx.handle;
		ret = ret ?: CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &queue) ?:
		      CALL(fd, VGPU_IOCTL_TIMELINE_CREATE, &tl);
		for (i = 1; i <= 20 && !ret; i++) {
			cmd = st_sync(VGPU_CMD_SIGNAL, tl.handle, (uint64_t)i);
			ret = st_submit(fd, queue.handle, &cmd, 1) ?:
			      st_wait(fd, tl.handle, (uint64_t)i, 60 * SEC);
		}
		CHECK(may_be(ret), "a call: %s", st_errno(ret));
		close(fd);
	}
	return NULL;
}

static void under_load(void)
{
	struct load l[3];
	unsigned int i, round;

	memset(l, 0, sizeof(l));
	for (i = 0; i < 3; i++) {
		st_vgpu(&l[i].vgpu, 1, 0);
		close(l[i].vgpu.fd);
		NEED(!pthread_create(&l[i].thread, NULL, load, &l[i]), "thread");
	}
	for (round = 0; round < 6; round++) {
		st_sleep_ms(20);
		step(BASIC);
		st_sleep_ms(5);
		step(DENY);
		st_sleep_ms(5);
		if (round % 2)
			step(STOP);
		/* while it goes on, too */
		if (round % 4 == 1)
			st_sleep_ms(20);
		recover();
		for (i = 0; i < 3; i++)
			if (vgpu_figure(l[i].vgpu.id, VGPU_A_VGPU_STATE) !=
			    VGPU_NL_STATE_RUNNING)
				NEED_OK(st_verb(&l[i].vgpu, VGPU_VERB_START));
	}
	for (i = 0; i < 3; i++) {
		__atomic_store_n(&l[i].end, true, __ATOMIC_SEQ_CST);
		pthread_join(l[i].thread, NULL);
		CHECK(l[i].rounds, "it never came to anything");
		CHECK(!vgpu_figure(l[i].vgpu.id, VGPU_A_VGPU_VRAM_USED),
		      "all of it is back");
		CHECK_OK(try_open(&l[i].vgpu));
	}
	CHECK(!gpu_figure(VGPU_A_GPU_DEGRADE), "normal");
}

/* ---- who is to blame -------------------------------------------------------- */

/* All that a tenant can do wrong: none of it counts. */
static void tenants_faults(void)
{
	uint64_t before = gpu_figure(VGPU_A_GPU_DEGRADE_FAILURES);
	struct vgpu_bo_create big = { .bytes = 1ull << 39 };
	struct spin_args args = { 0 };
	struct vgpu_cmd cmd;
	struct rig r;
	int i;

	/* and if one did: the first would show */
	NEED_OK(gpu_set(VGPU_A_GPU_BASIC_AFTER, 1));
	rig_new(&r);
	for (i = 0; i < 40; i++) {
		CHECK_ERR(CALL(r.fd, VGPU_IOCTL_BO_CREATE, &big), -EDQUOT, "(512 GiB)");
		/* a fault, in an address space where nothing is */
		cmd = st_fill(r.bo->va + (1ull << 30), PAGE, 1);
		st_submit(r.fd, vgpu_queue_handle(r.gpu.queue), &cmd, 1);
		cmd.op = 999;
		CHECK(st_submit(r.fd, vgpu_queue_handle(r.gpu.queue), &cmd, 1) < 0,
		      "no such command");
	}
	gpu_settle(&r.gpu);
	/* hangs: the engine is reset for it */
	for (i = 0; i < 2; i++) {
		struct rig hog, waiter;

		rig_new(&hog);
		rig_new(&waiter);
		NEED(!gpu_launch(&hog.gpu, gpu_load(&hog.gpu, "spin", "spin_nopreempt"),
				 1, 1, 0, &args, sizeof(args)), "%s", vgpu_error());
		CHECK_OK(work(&waiter));
		CHECK_OK(done(&waiter));
		gpu_settle(&hog.gpu);
		gpu_close(&waiter.gpu);
		gpu_close(&hog.gpu);
	}
	CHECK(gpu_figure(VGPU_A_GPU_DEGRADE_FAILURES) == before &&
	      !gpu_figure(VGPU_A_GPU_DEGRADE), "%llu failures, step %u",
	      (unsigned long long)gpu_figure(VGPU_A_GPU_DEGRADE_FAILURES),
	      (unsigned int)gpu_figure(VGPU_A_GPU_DEGRADE));
	NEED_OK(gpu_set(VGPU_A_GPU_BASIC_AFTER, 3));
}

static void rules(void)
{
	uint64_t window = gpu_figure(VGPU_A_GPU_DEGRADE_WINDOW);

	CHECK_ERR(gpu_set(VGPU_A_GPU_BASIC_AFTER, 0), -ERANGE, "(none)");
	CHECK_ERR(gpu_set(VGPU_A_GPU_BASIC_AFTER, 7), -ERANGE, "(after the next)");
	CHECK_ERR(gpu_set(VGPU_A_GPU_STOP_AFTER, 65), -ERANGE, "(too many)");
	CHECK_ERR(gpu_set(VGPU_A_GPU_DEGRADE_WINDOW, 3601), -ERANGE, "(too long)");
	CHECK(gpu_set(VGPU_A_GPU_DEGRADE, 4) < 0, "no such step");
	CHECK(gpu_figure(VGPU_A_GPU_BASIC_AFTER) == 3 &&
	      gpu_figure(VGPU_A_GPU_STOP_AFTER) == 12 && window == 60,
	      "nothing was changed");
	NEED_OK(gpu_set(VGPU_A_GPU_DEGRADE_WINDOW, 61));
	CHECK(gpu_figure(VGPU_A_GPU_DEGRADE_WINDOW) == 61 &&
	      gpu_figure(VGPU_A_GPU_BASIC_AFTER) == 3, "one, and not the others");
	NEED_OK(gpu_set(VGPU_A_GPU_DEGRADE_WINDOW, 60));
}

/* Each step once, and the way back. */
static void events(void)
{
	static const uint32_t want[][2] = {
		{ 0, BASIC }, { BASIC, STOP }, { STOP, 0 },
	};
	int ear = nl_ear("health");
	struct nl nl;
	unsigned int i;

	step(BASIC);
	step(BASIC);
	step(STOP);
	recover();
	recover();
	for (i = 0; i < 3; i++) {
		do
			NEED(nl_hear(ear, &nl, 20000), "no event %u", i);
		while (nl_number(&nl, VGPU_A_EVENT_EVENT) !=
		       VGPU_NL_EVENT_DEGRADE);
		CHECK(nl_number(&nl, VGPU_A_EVENT_DEGRADE_FROM) == want[i][0] &&
		      nl_number(&nl, VGPU_A_EVENT_DEGRADE) == want[i][1],
		      "event %u is another step", i);
	}
	while (nl_hear(ear, &nl, 100))
		CHECK(nl_number(&nl, VGPU_A_EVENT_EVENT) !=
		      VGPU_NL_EVENT_DEGRADE, "one too many");
}

static const struct st_case cases[] = {
	{ "rules", rules },
	{ "basic", basic },
	{ "basic-ends-waits", basic_ends_waits },
	{ "deny", deny, 120 },
	{ "stop", stop, 120 },
	{ "events", events },
	{ "under-load", under_load, 180 },
	{ "tenants-faults", tenants_faults, 180 },
};

ST_MAIN(cases)
