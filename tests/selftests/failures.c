// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation, and every copy from and to the program, that a call makes
 * fails once: the first, the second, and so on, until there are no more. Each time
 * the call fails with an errno that says so, or does without; nothing is left
 * behind; and the same call works afterwards.
 *
 * For kernels with fault injection, whose fail-nth counts all of them in one
 * thread. What work items and engines allocate is for tests/kunit.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images.h"

#define PAGE	4096ull
#define MIB	(1ull << 20)
#define RW	(PROT_READ | PROT_WRITE)
#define GPU_RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define MOST	2000u		/* more than any call allocates or copies */

/* ---- failing -------------------------------------------------------------- */

static int nth_fd = -1;

static void arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	/* it is a copy from us: the one that was due may be this one */
	NEED(pwrite(nth_fd, text, n, 0) == n ||
	     pwrite(nth_fd, text, n, 0) == n, "fail-nth: %s", strerror(errno));
}

/* Was it reached? Reading is a copy to us, and may be what fails. */
static bool disarm(void)
{
	char text[16] = "";
	bool hit = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 &&
		   atoi(text) == 0;

	if (!hit)
		arm(0);
	return hit;
}

/* ---- what may be left behind -------------------------------------------------- */

struct figures {
	uint64_t vram, far_vram;	/* of the vGPU, of the one beside it */
	uint64_t pinned;
	uint64_t fds, vgpus;
};

/* The vGPU that calls, one of its group, and what most calls need. */
struct stage {
	struct st_vgpu vgpu, far;
	uint64_t va;
	uint32_t vm, far_vm, ctx, queue, timeline;
	uint32_t bo, large, share, import, ring_bo;
	uint64_t offset;		/* mmap() of bo */
	int dmabuf, event;
	uint8_t *mem;			/* of the program */
	/* what the call gave */
	uint32_t handle;
	int fd;
	void *at;
	struct st_vgpu made;
};

static struct stage s;

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	NEED(dir, "%s: %s", path, strerror(errno));
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint64_t pinned(int fd)
{
	unsigned long long n = ~0ull;
	char line[256];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "r");
	NEED(f, "%s: %s", line, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "vgpu-pinned: %llu", &n) == 1)
			break;
	fclose(f);
	return n;
}

/* Is this number a handle, of whatever? Asked by calls that refuse all of them. */
static bool is_handle(int fd, uint32_t h)
{
	uint32_t vm = fd == s.far.fd ? s.far_vm : s.vm;
	struct vgpu_vm_unmap unmap = { .vm = h, .va = 1, .bytes = 1 };
	struct vgpu_queue_create queue = {
		.ctx = h, .flags = VGPU_QUEUE_RING, .ring_slots = 3,
	};
	struct vgpu_queue_status status = { .queue = h };
	struct vgpu_wait wait = { .timeline = h };
	struct vgpu_vm_map map = { .vm = vm, .bo = h, .prot = 1 };

	return CALL(fd, VGPU_IOCTL_VM_UNMAP, &unmap) != -ENOENT ||
	       CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &queue) != -ENOENT ||
	       CALL(fd, VGPU_IOCTL_QUEUE_STATUS, &status) != -ENOENT ||
	       CALL(fd, VGPU_IOCTL_WAIT, &wait) != -ENOENT ||
	       CALL(fd, VGPU_IOCTL_VM_MAP, &map) != -ENOENT;
}

/* Numbers are given out in order. */
static unsigned int handles_of(int fd)
{
	uint32_t last = st_timeline(fd, NULL), h;
	unsigned int n = 0;

	NEED_OK(st_close(fd, last));
	for (h = 1; h < last; h++)
		n += is_handle(fd, h);
	return n;
}

static unsigned int handles(void)
{
	return handles_of(s.vgpu.fd) + handles_of(s.far.fd);
}

static struct figures look(void)
{
	struct figures f = { 0 };
	struct vgpu_info info;

	st_info(s.vgpu.fd, &info);
	f.vram = info.vram_used;
	st_info(s.far.fd, &info);
	f.far_vram = info.vram_used;
	f.pinned = pinned(s.vgpu.fd);
	f.fds = entries("/proc/self/fd");
	/* not /dev: devtmpfs keeps a node when it can't have its name */
	f.vgpus = entries("/sys/class/vgpu");
	return f;
}

static void expect_same(const struct figures *was, const char *name,
			unsigned int nth, const char *how)
{
	const struct figures now = look();
	const struct { const char *name; uint64_t was, now; } all[] = {
		{ "VRAM", was->vram, now.vram },
		{ "the other's VRAM", was->far_vram, now.far_vram },
		{ "pinned bytes", was->pinned, now.pinned },
		{ "descriptors", was->fds, now.fds },
		{ "vGPUs", was->vgpus, now.vgpus },
	};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		CHECK(all[i].was == all[i].now,
		      "%s, failure %u, %s: %llu %s, there were %llu", name,
		      nth, how, (unsigned long long)all[i].now, all[i].name,
		      (unsigned long long)all[i].was);
}

/* ---- the calls -------------------------------------------------------------- */

/* What most calls give. */
static void close_handle(void)
{
	NEED_OK(st_close(s.vgpu.fd, s.handle));
}

static int create(uint64_t bytes, uint32_t flags)
{
	struct vgpu_bo_create arg = { .bytes = bytes, .flags = flags };
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_BO_CREATE, &arg);

	s.handle = arg.handle;
	return ret;
}

static int info(void)
{
	struct vgpu_info arg;

	return CALL(s.vgpu.fd, VGPU_IOCTL_INFO, &arg);
}

static int bo_create(void)
{
	return create(3 * MIB + PAGE, 0);
}

static int bo_host(void)
{
	return create(16 * PAGE, VGPU_BO_HOST);
}

static int bo_share(void)
{
	return create(MIB, VGPU_BO_SHARE);
}

static int bo_user(void)
{
	struct vgpu_bo_user arg = {
		.addr = (uintptr_t)s.mem, .bytes = 16 * PAGE,
	};
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_BO_USER, &arg);

	s.handle = arg.handle;
	return ret;
}

static int bo_export(void)
{
	struct vgpu_bo_export arg = { .bo = s.share, .fd = -1 };
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_BO_EXPORT, &arg);

	s.fd = arg.fd;
	return ret;
}

static void close_fd(void)
{
	NEED(!close(s.fd), "close: %s", strerror(errno));
}

static int bo_import(void)
{
	struct vgpu_bo_import arg = { .fd = s.dmabuf };
	int ret = CALL(s.far.fd, VGPU_IOCTL_BO_IMPORT, &arg);

	s.handle = arg.handle;
	return ret;
}

static void close_far(void)
{
	NEED_OK(st_close(s.far.fd, s.handle));
}

static int vm_create(void)
{
	struct vgpu_vm_create arg = { 0 };
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_VM_CREATE, &arg);

	s.handle = arg.handle;
	return ret;
}

static int map(uint32_t bo, uint64_t bytes)
{
	return st_map(s.vgpu.fd, s.vm, bo, GPU_RW, s.va + 64 * MIB, 0, bytes);
}

static int unmap(uint64_t from, uint64_t bytes)
{
	struct vgpu_vm_unmap arg = {
		.vm = s.vm, .va = s.va + 64 * MIB + from, .bytes = bytes,
	};

	return CALL(s.vgpu.fd, VGPU_IOCTL_VM_UNMAP, &arg);
}

static int map_plain(void)
{
	return map(s.bo, 16 * PAGE);
}

static int map_large(void)
{
	return map(s.large, 4 * MIB);
}

static int map_alias(void)
{
	return map(s.import, MIB);
}

static void unmap_all(void)
{
	NEED_OK(unmap(0, 8 * MIB));
}

static void prepare_unmap(void)
{
	NEED_OK(map(s.large, 4 * MIB));
}

/* Out of the middle of a large leaf: the mapping and the leaf are split. */
static int unmap_hole(void)
{
	return unmap(MIB, PAGE);
}

static int ctx_create(void)
{
	struct vgpu_ctx_create arg = { .vm = s.vm };
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_CTX_CREATE, &arg);

	s.handle = arg.handle;
	return ret;
}

static int queue_create(void)
{
	struct vgpu_queue_create arg = { .ctx = s.ctx };
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &arg);

	s.handle = arg.handle;
	return ret;
}

static int ring_create(void)
{
	struct vgpu_queue_create arg = {
		.ctx = s.ctx, .flags = VGPU_QUEUE_RING,
		.ring_bo = s.ring_bo, .ring_slots = 64,
	};
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &arg);

	s.handle = arg.handle;
	return ret;
}

static int timeline_create(void)
{
	struct vgpu_timeline_create arg = { 0 };
	int ret = CALL(s.vgpu.fd, VGPU_IOCTL_TIMELINE_CREATE, &arg);

	s.handle = arg.handle;
	return ret;
}

static int submit(void)
{
	struct vgpu_cmd cmds[64];
	unsigned int i;

	for (i = 0; i < 64; i++)
		cmds[i] = st_fill(s.va, PAGE, i);
	return st_submit(s.vgpu.fd, s.queue, cmds, 64);
}

/* Until nothing holds what the commands named. */
static void drain(void)
{
	struct vgpu_cmd cmd = st_fill(s.va, PAGE, 0);

	st_run(s.vgpu.fd, s.queue, &cmd, 1);
}

static int wait_now(void)
{
	return st_wait(s.vgpu.fd, s.timeline, 0, 0);
}

static int raise_timeline(void)
{
	struct vgpu_signal arg = { .timeline = s.timeline, .value = 7 };

	return CALL(s.vgpu.fd, VGPU_IOCTL_SIGNAL, &arg);
}

static void prepare_eventfd(void)
{
	s.handle = st_timeline(s.vgpu.fd, NULL);
}

static int eventfd_wait(void)
{
	struct vgpu_eventfd arg = {
		.timeline = s.handle, .value = 9, .fd = s.event,
	};

	return CALL(s.vgpu.fd, VGPU_IOCTL_EVENTFD, &arg);
}

static int queue_status(void)
{
	struct vgpu_queue_status arg = { .queue = s.queue };

	return CALL(s.vgpu.fd, VGPU_IOCTL_QUEUE_STATUS, &arg);
}

static int queue_set(void)
{
	struct vgpu_queue_set arg = { .queue = s.queue };

	return CALL(s.vgpu.fd, VGPU_IOCTL_QUEUE_SET, &arg);
}

static void prepare_close(void)
{
	NEED_OK(create(MIB, 0));
}

static int close_bo(void)
{
	return st_close(s.vgpu.fd, s.handle);
}

/* Both ways to the CPU, and the fault: it must never be a signal. */
static int map_cpu(int fd, uint64_t offset)
{
	s.at = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, fd, (off_t)offset);
	if (s.at == MAP_FAILED)
		return -errno;
	*(volatile uint32_t *)s.at = 1;
	return 0;
}

static int mmap_node(void)
{
	return map_cpu(s.vgpu.fd, s.offset);
}

static int mmap_dmabuf(void)
{
	return map_cpu(s.dmabuf, 0);
}

static void unmap_cpu(void)
{
	NEED(!munmap(s.at, 16 * PAGE), "munmap: %s", strerror(errno));
}

static int open_node(void)
{
	s.fd = open(s.vgpu.path, O_RDWR);
	return s.fd < 0 ? -errno : 0;
}

static int open_ctl(void)
{
	s.fd = open("/dev/vgpu/ctl", O_RDWR);
	return s.fd < 0 ? -errno : 0;
}

static char type[16];

static int ctl_create(void)
{
	return st_create(&s.made, type, 0, 0);
}

static int ctl_create_owned(void)
{
	return st_create(&s.made, type, 0, VGPU_CREATE_WITH_FD);
}

static void destroy(void)
{
	NEED_OK(st_destroy(&s.made));
}

static void prepare_made(void)
{
	NEED_OK(ctl_create());
}

static int ctl_destroy(void)
{
	return st_destroy(&s.made);
}

static int start(void)
{
	return st_verb(&s.made, VGPU_VERB_START);
}

static void stop_and_destroy(void)
{
	NEED_OK(st_verb(&s.made, VGPU_VERB_STOP));
	destroy();
}

static void prepare_started(void)
{
	prepare_made();
	NEED_OK(start());
}

static int stop(void)
{
	return st_verb(&s.made, VGPU_VERB_STOP);
}

static int pause_it(void)
{
	return st_verb(&s.made, VGPU_VERB_PAUSE);
}

static void prepare_resume(void)
{
	prepare_started();
	NEED_OK(pause_it());
}

static int resume(void)
{
	return st_verb(&s.made, VGPU_VERB_RESUME);
}

static int ctl_set(void)
{
	struct vgpu_ctl_set arg = {
		.id = s.vgpu.id, .mask = VGPU_SET_WEIGHT, .weight = 77,
	};

	return CALL(st_ctl(), VGPU_CTL_IOCTL_SET, &arg);
}

/* ---- images: to memory that is there already, and from it */

static struct {
	struct scene sc;
	int fd;
} image;

/* Beside what it has: commands that wait for an address space that was closed. */
static void setup_image(void)
{
	struct vgpu_cmd cmds[3];
	uint32_t gate;

	make_scene(&image.sc);
	gate = st_timeline(image.sc.vgpu.fd, NULL);
	cmds[0] = st_sync(VGPU_CMD_WAIT, gate, 1);
	cmds[1] = st_fill(1ull << 32, PAGE, 1);
	cmds[2] = st_sync(VGPU_CMD_SIGNAL, gate, 2);
	NEED_OK(st_submit(image.sc.vgpu.fd, image.sc.queue, cmds, 3));
	NEED_OK(st_close(image.sc.vgpu.fd, gate));
	NEED_OK(st_close(image.sc.vgpu.fd, image.sc.vm));
	image.fd = save(&image.sc.vgpu, 0);
}

static int image_save(void)
{
	struct vgpu_ctl_save arg;

	lseek(image.fd, 0, SEEK_SET);
	return save_to(&image.sc.vgpu, image.fd, 0, &arg);
}

static int image_restore(void)
{
	return restore_from(image.fd, &s.made, 0);
}

static void prepare_adopt(void)
{
	NEED_OK(image_restore());
	s.fd = st_open(&s.made);
}

static int image_adopt(void)
{
	return adopt(s.fd, 1);
}

/* All of it is there: what waits goes on. */
static void drop_adopted(void)
{
	struct vgpu_queue_status status;

	st_status(s.fd, image.sc.queue, 0, &status);
	CHECK(status.pending == 3, "%u commands wait", status.pending);
	close_fd();
	destroy();
}

/* @prepare comes before each try, @undo after one that worked. */
struct call {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	void (*undo)(void);
};

static const struct call memory[] = {
	{ "info", NULL, info },
	{ "bo-create", NULL, bo_create, close_handle },
	{ "bo-create of system memory", NULL, bo_host, close_handle },
	{ "bo-create to be shared", NULL, bo_share, close_handle },
	{ "bo-user", NULL, bo_user, close_handle },
	{ "bo-export", NULL, bo_export, close_fd },
	{ "bo-import", NULL, bo_import, close_far },
	{ "close", prepare_close, close_bo },
	{ "vm-create", NULL, vm_create, close_handle },
	{ "vm-map", NULL, map_plain, unmap_all },
	{ "vm-map of large leaves", NULL, map_large, unmap_all },
	{ "vm-map of an import", NULL, map_alias, unmap_all },
	{ "vm-unmap", prepare_unmap, unmap_hole, unmap_all },
	{ "mmap of the node", NULL, mmap_node, unmap_cpu },
	{ "mmap of a dma-buf", NULL, mmap_dmabuf, unmap_cpu },
};

static const struct call commands[] = {
	{ "ctx-create", NULL, ctx_create, close_handle },
	{ "queue-create", NULL, queue_create, close_handle },
	{ "queue-create with a ring", NULL, ring_create, close_handle },
	{ "timeline-create", NULL, timeline_create, close_handle },
	{ "submit", NULL, submit, drain },
	{ "wait", NULL, wait_now },
	{ "signal", NULL, raise_timeline },
	{ "eventfd", prepare_eventfd, eventfd_wait, close_handle },
	{ "queue-status", NULL, queue_status },
	{ "queue-set", NULL, queue_set },
};

static const struct call management[] = {
	{ "open", NULL, open_node, close_fd },
	{ "open of ctl", NULL, open_ctl, close_fd },
	{ "ctl-create", NULL, ctl_create, destroy },
	{ "ctl-create for this file", NULL, ctl_create_owned, destroy },
	{ "ctl-destroy", prepare_made, ctl_destroy },
	{ "ctl-state to start", prepare_made, start, stop_and_destroy },
	{ "ctl-state to stop", prepare_started, stop, destroy },
	{ "ctl-state to pause", prepare_started, pause_it, stop_and_destroy },
	{ "ctl-state to resume", prepare_resume, resume, stop_and_destroy },
	{ "ctl-set", NULL, ctl_set },
};

static const struct call images[] = {
	{ "ctl-save", NULL, image_save },
	{ "ctl-restore", NULL, image_restore, destroy },
	{ "adopt", prepare_adopt, image_adopt, drop_adopted },
};

static void works(const struct call *c)
{
	int ret = c->run();

	NEED(!ret, "%s: %s when nothing fails", c->name, st_errno(ret));
	if (c->undo)
		c->undo();
}

static bool is_right(int ret)
{
	return !ret || ret == -ENOMEM || ret == -EFAULT;
}

static void sweep(const struct call *c)
{
	unsigned int nth, had, failed = 0, did_without = 0;
	struct figures was;
	bool hit = true;
	int ret;

	/* what is made once, and stays, is no leak */
	if (c->prepare)
		c->prepare();
	works(c);
	was = look();
	had = handles();

	for (nth = 1; hit; nth++) {
		NEED(nth < MOST, "%s: never ends to fail", c->name);
		if (c->prepare)
			c->prepare();
		arm(nth);
		ret = c->run();
		hit = disarm();
		CHECK(is_right(ret), "%s, failure %u: %s", c->name, nth,
		      st_errno(ret));
		CHECK(hit || !ret, "%s: %s, but nothing failed", c->name,
		      st_errno(ret));
		if (ret) {
			failed++;
			works(c);
		} else {
			did_without += hit;
			if (c->undo)
				c->undo();
		}
		expect_same(&was, c->name, nth, ret ? st_errno(ret) : "well");
	}
	CHECK(handles() == had, "%s: %u handles, there were %u", c->name,
	      handles(), had);
	st_note("%s: failed %u times, did without %u times", c->name, failed,
		did_without);
	CHECK(failed, "%s: there is nothing that could fail", c->name);
}

static void setup(void)
{
	const char *top = getenv("VGPU_TOP");
	struct vgpu_bo_export export = { 0 };
	struct vgpu_bo_import import = { 0 };
	struct vgpu_info about;
	char command[256];

	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (nth_fd < 0)
		st_skip("this kernel has no fault injection");
	snprintf(type, sizeof(type), "%s", st_type(1));
	st_vgpu(&s.vgpu, 2, 0);
	st_vgpu(&s.far, 1, 0);
	snprintf(command, sizeof(command),
		 "for v in %u %u; do %s/build/tools/vgpuctl sched set v$v --group ours >/dev/null || exit 1; done",
		 s.vgpu.id, s.far.id, top ?: ".");
	NEED(!system(command), "%s", command);
	st_info(s.vgpu.fd, &about);
	s.va = (about.va_start + 2 * MIB - 1) & ~(2 * MIB - 1);
	s.vm = st_vm(s.vgpu.fd);
	s.far_vm = st_vm(s.far.fd);
	s.ctx = st_ctx(s.vgpu.fd, s.vm);
	s.queue = st_queue(s.vgpu.fd, s.ctx);
	s.timeline = st_timeline(s.vgpu.fd, NULL);
	s.bo = st_bo(s.vgpu.fd, 16 * PAGE, 0, &s.offset);
	s.large = st_bo(s.vgpu.fd, 4 * MIB, 0, NULL);
	s.ring_bo = st_bo(s.vgpu.fd, MIB, VGPU_BO_SHARE, NULL);
	s.share = st_bo(s.vgpu.fd, MIB, VGPU_BO_SHARE, NULL);
	NEED_OK(st_map(s.vgpu.fd, s.vm, s.bo, GPU_RW, s.va, 0, 16 * PAGE));
	export.bo = s.share;
	NEED_OK(CALL(s.vgpu.fd, VGPU_IOCTL_BO_EXPORT, &export));
	s.dmabuf = import.fd = export.fd;
	NEED_OK(CALL(s.vgpu.fd, VGPU_IOCTL_BO_IMPORT, &import));
	s.import = import.handle;
	s.event = eventfd(0, EFD_CLOEXEC);
	s.mem = mmap(NULL, 16 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(s.event >= 0 && s.mem != MAP_FAILED, "%s", strerror(errno));
	memset(s.mem, 1, 16 * PAGE);
}

#define SWEEP(calls)	sweep_all(calls, sizeof(calls) / sizeof((calls)[0]))

static void sweep_all(const struct call *calls, unsigned int count)
{
	unsigned int i;

	setup();
	for (i = 0; i < count; i++)
		sweep(&calls[i]);
}

static void sweep_memory(void)
{
	SWEEP(memory);
}

static void sweep_commands(void)
{
	SWEEP(commands);
}

static void sweep_management(void)
{
	SWEEP(management);
}

static void sweep_images(void)
{
	setup_image();
	SWEEP(images);
}

static const struct st_case cases[] = {
	{ "failures_of_memory", sweep_memory, 120 },
	{ "failures_of_commands", sweep_commands, 120 },
	{ "failures_of_management", sweep_management, 120 },
	{ "failures_of_images", sweep_images, 240 },
};

ST_MAIN(cases)
