// SPDX-License-Identifier: GPL-2.0
/* Making, starting, stopping and destroying vGPUs, in and out of order. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>

#include "gpu.h"

#define PAGE	4096u

enum state { CREATED, RUNNING, PAUSED, STOPPED, STATES };

static const char *const state_names[] = { "created", "running", "paused",
					   "stopped" };
static const char *const verb_names[] = { "", "start", "pause", "resume",
					  "stop" };

/* Where each verb leads, -1: nowhere. */
static const int moves[STATES][5] = {
	[CREATED] = { -1, RUNNING, -1, -1, -1 },
	[RUNNING] = { -1, -1, PAUSED, -1, STOPPED },
	[PAUSED]  = { -1, -1, -1, RUNNING, STOPPED },
	[STOPPED] = { -1, RUNNING, -1, -1, -1 },
};

/* How a state shows: what opening the node gives. */
static int opens(const struct st_vgpu *vgpu)
{
	int fd = open(vgpu->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void reach(const struct st_vgpu *vgpu, enum state state)
{
	if (state == CREATED)
		return;
	NEED_OK(st_verb(vgpu, VGPU_VERB_START));
	if (state == PAUSED)
		NEED_OK(st_verb(vgpu, VGPU_VERB_PAUSE));
	if (state == STOPPED)
		NEED_OK(st_verb(vgpu, VGPU_VERB_STOP));
}

static void states(void)
{
	const char *type = strdup(st_type(1));
	unsigned int state, verb;

	for (state = 0; state < STATES; state++) {
		for (verb = 1; verb <= 4; verb++) {
			int to = moves[state][verb];
			struct st_vgpu vgpu;
			int ret, want;

			NEED_OK(st_create(&vgpu, type, 0,
					  VGPU_CREATE_WITH_FD));
			reach(&vgpu, state);
			ret = st_verb(&vgpu, verb);
			CHECK(ret == (to < 0 ? -EBUSY : 0), "%s, %s: %s",
			      state_names[state], verb_names[verb],
			      st_errno(ret));
			if (to < 0)
				to = (int)state;
			want = to == RUNNING || to == PAUSED ? 0 : -EAGAIN;
			ret = opens(&vgpu);
			CHECK(ret == want, "%s, %s: opening gives %s",
			      state_names[state], verb_names[verb],
			      st_errno(ret));
			NEED_OK(st_destroy(&vgpu));
		}
	}
}

static void bad_calls(void)
{
	static const uint32_t ids[] = { 63, 1000, 65535, 65536, 0x7fffffff,
					0xffffffff };
	const char *type = strdup(st_type(1));
	struct vgpu_ctl_create arg;
	struct st_vgpu vgpu;
	unsigned int i;
	int ret;

	NEED_OK(st_create(&vgpu, type, 0, VGPU_CREATE_WITH_FD));
	CHECK_ERR(st_verb(&vgpu, 0), -EINVAL, "(verb 0)");
	CHECK_ERR(st_verb(&vgpu, 5), -EINVAL, "(verb 5)");
	CHECK_ERR(st_verb(&vgpu, 0xffffffff), -EINVAL, "(verb -1)");
	for (i = 0; i < 6; i++) {
		struct st_vgpu none = { .id = ids[i] };

		CHECK_ERR(st_verb(&none, VGPU_VERB_START), -ENOENT, "(id %u)",
			  ids[i]);
		CHECK_ERR(st_destroy(&none), -ENOENT, "(id %u)", ids[i]);
		CHECK_ERR(CALL(st_ctl(), VGPU_CTL_IOCTL_SET,
			       &(struct vgpu_ctl_set) { .id = ids[i] }),
			  -ENOENT, "(id %u)", ids[i]);
	}

#define CREATE(want, what, ...)						\
	do {								\
		arg = (struct vgpu_ctl_create) {			\
			.flags = VGPU_CREATE_WITH_FD, __VA_ARGS__ };	\
		ret = CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg);	\
		CHECK(ret == (want), "%s: %s, not %s", what,		\
		      strdup(st_errno(ret)), st_errno(want));		\
	} while (0)
	CREATE(-ENOENT, "no type");
	CREATE(-ENOENT, "a type that does not exist", .type = "3g.1m");
	CREATE(-ENOENT, "a type with its driver", .type = "vgpu_soft-1g.32m");
	CREATE(-EINVAL, "a type without an end",
	       .type = "01234567890123456789012345678901");
	CREATE(-ENODEV, "GPU 15", .gpu = 15, .type = "1g.32m");
	CREATE(-ENODEV, "GPU 2^32 - 1", .gpu = 0xffffffff, .type = "1g.32m");
#undef CREATE
	memset(&arg, 0, sizeof(arg));
	snprintf(arg.type, sizeof(arg.type), "%s", type);
	arg.weight = VGPU_WEIGHT_MAX + 1;
	CHECK_ERR(CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg), -ERANGE,
		  "(weight)");
	arg.weight = 0;
	arg.priority = VGPU_PRIORITY_MAX + 1;
	CHECK_ERR(CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg), -ERANGE,
		  "(priority)");
	arg.priority = 0;
	arg.bandwidth_mbps = ~0ull;
	CHECK_ERR(CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg), -ERANGE,
		  "(bandwidth)");
	/* the UUID of the one above */
	arg.bandwidth_mbps = 0;
	memcpy(arg.uuid, vgpu.uuid, 16);
	CHECK_ERR(CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg), -EEXIST,
		  "(UUID in use)");
	CHECK_OK(st_destroy(&vgpu));
	CHECK_OK(CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg));
	CHECK(!memcmp(arg.uuid, vgpu.uuid, 16), "the UUID was not taken over");
	vgpu.id = arg.id;
	CHECK_OK(st_destroy(&vgpu));
	CHECK_ERR(st_destroy(&vgpu), -ENOENT, "(twice)");
}

static void settings(void)
{
	struct vgpu_ctl_set set = { 0 };
	struct vgpu_info info;
	struct st_vgpu vgpu;
	uint64_t used;

	st_vgpu(&vgpu, 1, 0);
#define SET(what, ...)							\
	(set = (struct vgpu_ctl_set) { .id = vgpu.id, .mask = (what),	\
		__VA_ARGS__ },						\
	 CALL(st_ctl(), VGPU_CTL_IOCTL_SET, &set))
	CHECK_OK(SET(VGPU_SET_WEIGHT | VGPU_SET_PRIORITY, .weight = 777,
		     .priority = 2));
	st_info(vgpu.fd, &info);
	CHECK(info.weight == 777 && info.priority == 2, "weight %u, priority %u",
	      info.weight, info.priority);
	CHECK_ERR(SET(0x10), -EINVAL, "(unknown setting)");
	CHECK_ERR(SET(VGPU_SET_WEIGHT), -ERANGE, "(weight 0)");
	CHECK_ERR(SET(VGPU_SET_WEIGHT, .weight = 10001), -ERANGE, "(weight)");
	CHECK_ERR(SET(VGPU_SET_PRIORITY, .priority = 8), -ERANGE,
		  "(priority)");
	CHECK_ERR(SET(VGPU_SET_BANDWIDTH, .bandwidth_mbps = ~0ull), -ERANGE,
		  "(bandwidth)");
	CHECK_ERR(SET(VGPU_SET_VRAM, .vram_bytes = 0), -ERANGE, "(no VRAM)");
	/* all or none */
	CHECK_ERR(SET(VGPU_SET_WEIGHT | VGPU_SET_PRIORITY, .weight = 5,
		      .priority = 9), -ERANGE, "(one of two)");
	st_info(vgpu.fd, &info);
	CHECK(info.weight == 777 && info.priority == 2,
	      "half of a refused setting: weight %u, priority %u",
	      info.weight, info.priority);

	st_bo(vgpu.fd, info.vram_bytes / 2, 0, NULL);
	st_info(vgpu.fd, &info);
	used = info.vram_used;
	CHECK_ERR(SET(VGPU_SET_VRAM | VGPU_SET_WEIGHT, .weight = 5,
		      .vram_bytes = used - PAGE), -EBUSY,
		  "(less than is in use)");
	CHECK_OK(SET(VGPU_SET_VRAM, .vram_bytes = used));
	st_info(vgpu.fd, &info);
	CHECK(info.vram_bytes == used && info.weight == 777,
	      "quota %llu, weight %u", (unsigned long long)info.vram_bytes,
	      info.weight);
	CHECK_ERR(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE,
		       &(struct vgpu_bo_create) { .bytes = PAGE }), -EDQUOT,
		  "(quota was lowered)");
	CHECK_OK(SET(VGPU_SET_VRAM, .vram_bytes = used + PAGE));
	CHECK_OK(CALL(vgpu.fd, VGPU_IOCTL_BO_CREATE,
		      &(struct vgpu_bo_create) { .bytes = PAGE }));
#undef SET
}

/* The pool: what is left, and that it comes back. */
static void pool(void)
{
	const char *one = strdup(st_type(1)), *all = strdup(st_type(8));
	struct st_vgpu vgpus[9], big;
	unsigned int n, i;
	int ret = 0;

	for (n = 0; n < 9; n++) {
		ret = st_create(&vgpus[n], one, 0, VGPU_CREATE_WITH_FD);
		if (ret)
			break;
	}
	CHECK(n == 8 && ret == -ENOSPC, "%u eighths, then %s", n,
	      st_errno(ret));
	CHECK_ERR(st_create(&big, all, 0, 0), -ENOSPC, "(all of it)");
	for (i = 0; i < n; i++)
		CHECK_OK(st_destroy(&vgpus[i]));
	CHECK_OK(st_create(&big, all, 0, VGPU_CREATE_WITH_FD));
	CHECK_ERR(st_create(&vgpus[0], one, 0, 0), -ENOSPC, "(none is left)");
	CHECK_OK(st_destroy(&big));
}

static void busy(void)
{
	struct st_vgpu vgpu;
	int fd, second;

	NEED_OK(st_create(&vgpu, st_type(1), 0, VGPU_CREATE_WITH_FD));
	CHECK(opens(&vgpu) == -EAGAIN, "opening before start: %s",
	      st_errno(opens(&vgpu)));
	NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
	fd = st_open(&vgpu);
	second = st_open(&vgpu);
	CHECK_ERR(st_destroy(&vgpu), -EBUSY, "(two files)");
	close(fd);
	CHECK_ERR(st_destroy(&vgpu), -EBUSY, "(one file)");
	CHECK_OK(CALL(second, VGPU_IOCTL_INFO, &(struct vgpu_info) { 0 }));
	close(second);
	CHECK_OK(st_destroy(&vgpu));
	CHECK(opens(&vgpu) == -ENOENT, "its node is still there: %s",
	      st_errno(opens(&vgpu)));
}

/* Paused work stops and goes on; nobody else notices. */
static void paused(void)
{
	struct spin_args args = { 0 };
	volatile uint64_t *counter;
	struct vgpu_queue_status status;
	struct vgpu_bo *bo;
	struct gpu gpu;
	uint64_t before;
	unsigned int i;

	gpu_new(&gpu, 1, 0);
	bo = gpu_bo(&gpu, PAGE, 0);
	counter = bo->cpu;
	args.counter = bo->va;
	NEED(!gpu_launch(&gpu, gpu_load(&gpu, "spin", "spin"), 1, 1, 0, &args,
			 sizeof(args)), "%s", vgpu_error());
	for (before = st_now_ns(); !*counter &&
	     st_now_ns() - before < 10 * SEC;)
		st_sleep_ms(1);
	CHECK(*counter, "the kernel does not run");
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_PAUSE));
	/* its memory can't be looked at meanwhile */
	st_status(vgpu_fd(gpu.dev), vgpu_queue_handle(gpu.queue), 0, &status);
	before = status.run_ns;
	st_sleep_ms(200);
	st_status(vgpu_fd(gpu.dev), vgpu_queue_handle(gpu.queue), 0, &status);
	CHECK(status.run_ns == before, "it ran on while paused: %llu ns more",
	      (unsigned long long)(status.run_ns - before));
	CHECK_OK(CALL(vgpu_fd(gpu.dev), VGPU_IOCTL_BO_CREATE,
		      &(struct vgpu_bo_create) { .bytes = PAGE }));
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_RESUME));
	before = *counter;
	for (i = 0; i < 1000 && *counter == before; i++)
		st_sleep_ms(10);
	CHECK(*counter > before, "it did not go on");
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_STOP));
}

/* As often as it takes for something left behind to be missed. */
static void thousand(void)
{
	const char *one = strdup(st_type(1)), *all = strdup(st_type(8));
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		struct st_vgpu vgpu;
		int fd;

		NEED_ERR(st_create(&vgpu, i % 8 ? one : all, 0, 0), 0,
			 "in round %u", i);
		if (i % 2) {
			NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
			fd = st_open(&vgpu);
			if (i % 4 == 1)
				st_bo(fd, 8 * PAGE, 0, NULL);
			close(fd);
		}
		NEED_ERR(st_destroy(&vgpu), 0, "in round %u", i);
	}
}

static bool node_exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

/* Waits, as what a dying process leaves is cleaned up behind it. */
static bool gone(const char *path)
{
	unsigned int i;

	for (i = 0; i < 500 && node_exists(path); i++)
		st_sleep_ms(10);
	return !node_exists(path);
}

/* A vGPU made with a file goes with it, also when somebody uses it. */
static void with_fd(void)
{
	struct vgpu_ctl_create arg = { .flags = VGPU_CREATE_WITH_FD };
	struct st_vgpu vgpu = { 0 };
	int ctl, fd, ret;

	snprintf(arg.type, sizeof(arg.type), "%s", st_type(1));
	ctl = open("/dev/vgpu/ctl", O_RDWR | O_CLOEXEC);
	NEED(ctl >= 0, "ctl: %s", strerror(errno));
	NEED_OK(CALL(ctl, VGPU_CTL_IOCTL_CREATE, &arg));
	snprintf(vgpu.path, sizeof(vgpu.path), "/dev/vgpu/v%u", arg.id);
	CHECK(node_exists(vgpu.path), "no node");
	close(ctl);
	CHECK(gone(vgpu.path), "it outlived its creator");

	ctl = open("/dev/vgpu/ctl", O_RDWR | O_CLOEXEC);
	arg.flags = VGPU_CREATE_WITH_FD;
	memset(arg.uuid, 0, 16);
	NEED_OK(CALL(ctl, VGPU_CTL_IOCTL_CREATE, &arg));
	vgpu.id = arg.id;
	snprintf(vgpu.path, sizeof(vgpu.path), "/dev/vgpu/v%u", arg.id);
	NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
	fd = st_open(&vgpu);
	close(ctl);
	ret = CALL(fd, VGPU_IOCTL_INFO, &(struct vgpu_info) { 0 });
	CHECK(ret == -ESHUTDOWN, "a call after the creator left: %s",
	      st_errno(ret));
	CHECK(opens(&vgpu) < 0, "it can still be opened");
	close(fd);
	CHECK(gone(vgpu.path), "it outlived its last user");

	/* one that was destroyed before is not destroyed again */
	ctl = open("/dev/vgpu/ctl", O_RDWR | O_CLOEXEC);
	memset(arg.uuid, 0, 16);
	NEED_OK(CALL(ctl, VGPU_CTL_IOCTL_CREATE, &arg));
	vgpu.id = arg.id;
	NEED_OK(st_destroy(&vgpu));
	NEED_OK(st_create(&vgpu, arg.type, 0, 0));
	CHECK(vgpu.id == arg.id, "id %u, then %u", arg.id, vgpu.id);
	close(ctl);
	CHECK(node_exists(vgpu.path), "another vGPU was destroyed");
	CHECK_OK(st_destroy(&vgpu));
}

static void drop_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	NEED(!syscall(SYS_capget, &head, data), "capget: %s", strerror(errno));
	data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	NEED(!syscall(SYS_capset, &head, data), "capset: %s", strerror(errno));
}

/* Rights to manage are the process's, not the descriptor's. */
static void rights(void)
{
	struct vgpu_ctl_create arg = { 0 };
	struct st_vgpu vgpu;
	struct stat st;
	int ctl, fd;

	NEED_OK(st_create(&vgpu, st_type(1), 0, VGPU_CREATE_WITH_FD));
	NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
	CHECK(!stat("/dev/vgpu/ctl", &st) && (st.st_mode & 07777) == 0600,
	      "ctl has mode %o", st.st_mode & 07777);
	CHECK(!stat(vgpu.path, &st) && (st.st_mode & 07777) == 0660,
	      "%s has mode %o", vgpu.path, st.st_mode & 07777);

	snprintf(arg.type, sizeof(arg.type), "%s", st_type(1));
	ctl = st_ctl();
	drop_admin();
	CHECK_ERR(CALL(ctl, VGPU_CTL_IOCTL_CREATE, &arg), -EPERM,
		  "(without CAP_SYS_ADMIN)");
	CHECK_ERR(CALL(ctl, VGPU_CTL_IOCTL_DESTROY,
		       &(struct vgpu_ctl_destroy) { .id = vgpu.id }), -EPERM,
		  "(without CAP_SYS_ADMIN)");
	CHECK_ERR(st_verb(&vgpu, VGPU_VERB_STOP), -EPERM,
		  "(without CAP_SYS_ADMIN)");
	CHECK_ERR(CALL(ctl, VGPU_CTL_IOCTL_SET,
		       &(struct vgpu_ctl_set) { .id = vgpu.id }), -EPERM,
		  "(without CAP_SYS_ADMIN)");
	fd = open("/dev/vgpu/ctl", O_RDWR);
	CHECK(fd < 0 && errno == EPERM, "ctl opened without CAP_SYS_ADMIN: %s",
	      fd < 0 ? strerror(errno) : "yes");
	/* using a vGPU needs no more than its node's permissions */
	fd = st_open(&vgpu);
	CHECK_OK(CALL(fd, VGPU_IOCTL_INFO, &(struct vgpu_info) { 0 }));
}

static void no_module_leaves(void)
{
	struct st_vgpu vgpu;
	int ret;

	NEED_OK(st_create(&vgpu, st_type(1), 0, VGPU_CREATE_WITH_FD));
	ret = (int)syscall(SYS_delete_module, "vgpu_soft", O_NONBLOCK);
	CHECK(ret && (errno == EBUSY || errno == EAGAIN || errno == EWOULDBLOCK),
	      "vgpu_soft left while a vGPU was there: %s",
	      ret ? strerror(errno) : "yes");
	ret = (int)syscall(SYS_delete_module, "vgpu", O_NONBLOCK);
	CHECK(ret && (errno == EBUSY || errno == EAGAIN || errno == EWOULDBLOCK),
	      "vgpu left while a vGPU was there: %s",
	      ret ? strerror(errno) : "yes");
	CHECK_OK(st_verb(&vgpu, VGPU_VERB_START));
	CHECK_OK(st_destroy(&vgpu));
}

/* Submits without end until it is killed. */
static void victim(struct gpu *gpu, struct vgpu_bo *bo, int ready)
{
	struct vgpu_cmd cmds[32];
	unsigned int i;

	for (i = 0; i < 32; i++)
		cmds[i] = i % 2 ? st_copy(bo->va + 64 * PAGE, bo->va, 4 * PAGE)
				: st_fill(bo->va, 4 * PAGE, i);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		if (st_submit(vgpu_fd(gpu->dev), vgpu_queue_handle(gpu->queue),
			      cmds, 32) == -ESHUTDOWN)
			_exit(1);
}

/* kill -9 at any moment of a submission: nothing stays, nobody notices. */
static void killed(void)
{
	struct vgpu_info before, after;
	struct st_vgpu vgpu;
	unsigned int round;
	struct gpu other;
	struct vgpu_bo *bo;

	st_vgpu(&vgpu, 1, 0);
	gpu_new(&other, 1, 0);
	bo = gpu_bo(&other, PAGE, 0);
	st_info(vgpu.fd, &before);
	for (round = 0; round < 12; round++) {
		struct vgpu_cmd fill = st_fill(bo->va, 4, round + 1);
		int ready[2];
		char byte;
		pid_t pid;

		NEED(!pipe(ready), "pipe: %s", strerror(errno));
		pid = fork();
		if (!pid) {
			struct gpu mine;

			vgpu.fd = st_open(&vgpu);
			gpu_open(&mine, &vgpu);
			victim(&mine, gpu_bo(&mine, 128 * PAGE, round % 2),
			       ready[1]);
		}
		close(ready[1]);
		CHECK(read(ready[0], &byte, 1) == 1,
		      "round %u: the process did not come up", round);
		close(ready[0]);
		st_sleep_ms((unsigned int)st_below(15));
		kill(pid, SIGKILL);
		st_run(vgpu_fd(other.dev), vgpu_queue_handle(other.queue),
		       &fill, 1);
		CHECK(*(uint32_t *)bo->cpu == round + 1,
		      "the neighbour's result is wrong");
		waitpid(pid, NULL, 0);
	}
	st_info(vgpu.fd, &after);
	CHECK(after.vram_used == before.vram_used,
	      "%lld bytes are left of killed processes",
	      (long long)(after.vram_used - before.vram_used));
}

/* The holder is named, and a descriptor shows what it is for. */
static void fdinfo(void)
{
	char line[256];
	struct st_vgpu vgpu;
	bool found = false;
	FILE *f;

	st_vgpu(&vgpu, 1, 0);
	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", vgpu.fd);
	f = fopen(line, "r");
	NEED(f, "%s: %s", line, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		unsigned int id;

		if (sscanf(line, "vgpu-id: %u", &id) == 1) {
			CHECK(id == vgpu.id, "id %u, is %u", id, vgpu.id);
			found = true;
		}
	}
	fclose(f);
	CHECK(found, "no vgpu-id in fdinfo");
	snprintf(line, sizeof(line), "/sys/class/vgpu/v%u/uuid", vgpu.id);
	CHECK(st_read("%s", line) && strlen(st_read("%s", line)) == 36,
	      "%s: %s", line, st_read("%s", line));
}

/* A number of a descriptor, or ends the case. */
static unsigned long long fd_figure(int fd, const char *key)
{
	unsigned long long value;
	char line[256], *at;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "r");
	NEED(f, "%s: %s", line, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		at = strchr(line, ':');
		if (!at || (size_t)(at - line) != strlen(key) ||
		    strncmp(line, key, strlen(key)))
			continue;
		fclose(f);
		NEED(sscanf(at + 1, "%llu", &value) == 1, "%s", line);
		return value;
	}
	fclose(f);
	NEED(false, "no %s in fdinfo", key);
	return 0;
}

/*
 * What programs that know of GPUs in general are told: each client has its own, they add up
 * to what the vGPU had, and a descriptor that was passed on is the same client.
 */
static void usage(void)
{
	unsigned long long mine, other;
	uint32_t vm, queue, bo;
	struct st_vgpu vgpu;
	int fd, copy, i;

	st_vgpu(&vgpu, 1, 0);
	fd = st_open(&vgpu);
	NEED(fd >= 0, "second client");
	copy = dup(vgpu.fd);
	CHECK(fd_figure(vgpu.fd, "drm-client-id") != fd_figure(fd, "drm-client-id"),
	      "two clients have one id");
	CHECK(fd_figure(vgpu.fd, "drm-client-id") == fd_figure(copy, "drm-client-id"),
	      "one client has two ids");
	close(copy);
	vm = st_vm(vgpu.fd);
	bo = st_bo(vgpu.fd, 1 << 20, 0, NULL);
	st_bo(vgpu.fd, 8192, VGPU_BO_HOST, NULL);
	NEED_OK(st_map(vgpu.fd, vm, bo, VGPU_PROT_READ | VGPU_PROT_WRITE, 0x100000, 0,
		       1 << 20));
	CHECK(fd_figure(vgpu.fd, "drm-total-vram") == 1 << 20 &&
	      fd_figure(vgpu.fd, "drm-total-system") == 8192 &&
	      !fd_figure(vgpu.fd, "drm-shared-vram"), "what a client has");
	CHECK(!fd_figure(fd, "drm-total-vram"), "what another one has");
	queue = st_queue(vgpu.fd, st_ctx(vgpu.fd, vm));
	for (i = 0; i < 3; i++)
		st_run_one(vgpu.fd, queue, st_fill(0x100000, 1 << 20, 0xf1));
	mine = fd_figure(vgpu.fd, "drm-engine-compute");
	other = fd_figure(fd, "drm-engine-compute");
	CHECK(mine && !other, "%llu ns and %llu ns", mine, other);
	CHECK(mine == fd_figure(vgpu.fd, "vgpu-engine-ns"), "%llu ns, the vGPU %llu ns",
	      mine, fd_figure(vgpu.fd, "vgpu-engine-ns"));
	/* with a second one they add up */
	vm = st_vm(fd);
	bo = st_bo(fd, 65536, 0, NULL);
	NEED_OK(st_map(fd, vm, bo, VGPU_PROT_READ | VGPU_PROT_WRITE, 0x100000, 0, 65536));
	queue = st_queue(fd, st_ctx(fd, vm));
	st_run_one(fd, queue, st_fill(0x100000, 65536, 0xf2));
	other = fd_figure(fd, "drm-engine-compute");
	CHECK(other && other < mine, "%llu ns, the first %llu ns", other, mine);
	CHECK(mine == fd_figure(vgpu.fd, "drm-engine-compute"), "the first one has more");
	CHECK(mine + other == fd_figure(fd, "vgpu-engine-ns"),
	      "%llu ns and %llu ns, the vGPU %llu ns", mine, other,
	      fd_figure(fd, "vgpu-engine-ns"));
	CHECK_OK(st_close(fd, bo));
	close(fd);
}

static const struct st_case cases[] = {
	{ "states", states },
	{ "bad_calls", bad_calls },
	{ "settings", settings },
	{ "pool", pool },
	{ "busy", busy },
	{ "paused", paused },
	{ "with_fd", with_fd },
	{ "rights", rights },
	{ "no_module_leaves", no_module_leaves },
	{ "killed", killed },
	{ "fdinfo", fdinfo },
	{ "usage", usage },
	{ "thousand", thousand, 120 },
};

ST_MAIN(cases)
