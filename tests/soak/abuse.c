// SPDX-License-Identifier: GPL-2.0
/* What a tenant may not do, and tries.  Each has to end as it should, or be refused. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <programs.h>
#include "noise.h"
#include "soak.h"

/* Another client of our vGPU, with calls as they are. */
struct raw {
	int fd;
	uint32_t vm, ctx, bo;
	uint64_t va, offset;
};

static int raw_open(struct tenant *t, struct raw *raw)
{
	memset(raw, 0, sizeof(*raw));
	raw->fd = open(t->vgpu.path, O_RDWR | O_CLOEXEC);
	return raw->fd < 0 ? -errno : 0;
}

static int raw_equip(struct tenant *t, struct raw *raw, uint64_t bytes)
{
	struct vgpu_bo_create bo = { .bytes = bytes };
	struct vgpu_vm_create vm = { 0 };
	struct vgpu_ctx_create ctx = { 0 };
	int ret;

	raw->va = vgpu_info(t->dev)->va_start;
	ret = CALL(raw->fd, VGPU_IOCTL_VM_CREATE, &vm) ?:
	      CALL(raw->fd, VGPU_IOCTL_BO_CREATE, &bo);
	ctx.vm = vm.handle;
	ret = ret ?: CALL(raw->fd, VGPU_IOCTL_CTX_CREATE, &ctx) ?:
	      st_map(raw->fd, vm.handle, bo.handle, 3, raw->va, 0, bytes);
	raw->vm = vm.handle;
	raw->bo = bo.handle;
	raw->ctx = ctx.handle;
	raw->offset = bo.mmap_offset;
	return ret;
}

/* Who has nothing finds nothing, whatever others have. */
int abuse_guess(struct tenant *t)
{
	struct vgpu_queue_status status;
	unsigned int i, found = 0;
	struct vgpu_cmd cmd;
	struct raw raw;
	uint32_t guess;
	int ret, odd = 0;
	void *at;

	ret = raw_open(t, &raw);
	if (ret)
		return ret;
	cmd = st_fill(vgpu_info(t->dev)->va_start, PAGE, 1);
	for (i = 1; i <= 40 && !odd; i++) {
		guess = i < 25 ? i : (uint32_t)st_random();
		status = (struct vgpu_queue_status){ .queue = guess };
		switch (st_below(3)) {
		case 0:
			ret = st_close(raw.fd, guess);
			break;
		case 1:
			ret = st_submit(raw.fd, guess, &cmd, 1);
			break;
		default:
			ret = CALL(raw.fd, VGPU_IOCTL_QUEUE_STATUS, &status);
		}
		found += !ret;
		if (ret && ret != -ENOENT)
			odd = ret;
	}
	for (i = 0; i < 16; i++) {
		at = st_mmap(raw.fd, st_below(2) ? i * 16 * PAGE :
			     (st_random() & 0xffffffff) * PAGE, PAGE, PROT_READ);
		found += at != MAP_FAILED;
		if (at != MAP_FAILED)
			munmap(at, PAGE);
	}
	close(raw.fd);
	if (found)
		wrong(t, "%u handles or offsets of others were found", found);
	return odd;
}

static int noise(struct tenant *t, bool scribble)
{
	uint64_t calls = 0, granted = 0;

	noise_life(&t->vgpu, 20 + (unsigned int)st_below(100), scribble, &calls,
		   &granted);
	soak->calls += calls;
	soak->granted += granted;
	return calls || scribble ? 0 : -ENODEV;
}

int abuse_noise(struct tenant *t)
{
	return noise(t, false);
}

int abuse_scribble(struct tenant *t)
{
	return noise(t, true);
}

/* Waits until the ring took all, or broke. */
static int drain(int fd, uint32_t queue, const volatile struct vgpu_doorbell *bell,
		 uint32_t tail)
{
	uint64_t end = st_now_ns() + (uint64_t)patience_ns();
	struct vgpu_queue_status status;
	uint32_t head;
	int ret;

	for (;;) {
		/* what was taken by then is pending, or has ended */
		head = __atomic_load_n(&bell->head, __ATOMIC_ACQUIRE);
		status = (struct vgpu_queue_status){ .queue = queue };
		ret = CALL(fd, VGPU_IOCTL_QUEUE_STATUS, &status);
		if (ret || bell->error || (head == tail && !status.pending))
			return ret;
		if (st_now_ns() > end)
			return -ETIME;
		st_sleep_ms(5);
	}
}

/* Commands, then noise in the slots, then an index that jumps. */
int abuse_ring(struct tenant *t)
{
	struct vgpu_queue_create queue = {
		.flags = VGPU_QUEUE_RING, .ring_slots = 16, .ring_offset = PAGE,
		.time_limit_us = 5000,
	};
	struct vgpu_kick kick = { 0 };
	volatile struct vgpu_doorbell *bell;
	struct vgpu_cmd *slots;
	uint32_t *memory, pattern = (uint32_t)st_random();
	uint8_t *bells, *all;
	struct raw raw;
	unsigned int i;
	int ret;

	ret = raw_open(t, &raw);
	if (ret)
		return ret;
	ret = raw_equip(t, &raw, 2 * PAGE);
	queue.ctx = raw.ctx;
	queue.ring_bo = raw.bo;
	ret = ret ?: CALL(raw.fd, VGPU_IOCTL_QUEUE_CREATE, &queue);
	if (ret)
		goto out;
	bells = st_mmap(raw.fd, VGPU_MMAP_DOORBELLS, PAGE, PROT_READ | PROT_WRITE);
	all = st_mmap(raw.fd, raw.offset, 2 * PAGE, PROT_READ | PROT_WRITE);
	if (bells == MAP_FAILED || all == MAP_FAILED) {
		ret = -errno;
		goto out;
	}
	bell = (struct vgpu_doorbell *)bells + queue.doorbell;
	memory = (uint32_t *)all;
	slots = (struct vgpu_cmd *)(all + PAGE);
	kick.queue = queue.handle;

	slots[0] = st_fill(raw.va, PAGE, pattern);
	__atomic_store_n(&bell->tail, 1, __ATOMIC_RELEASE);
	ret = CALL(raw.fd, VGPU_IOCTL_KICK, &kick) ?:
	      drain(raw.fd, queue.handle, bell, 1);
	if (ret)
		goto unmap;
	if (bell->error ? !t->prey :
	    memory[0] != pattern || memory[PAGE / 4 - 1] != pattern)
		wrong(t, "the ring's fill gave 0x%08x, not 0x%08x (%s)",
		      memory[0], pattern, st_errno(bell->error));
	/* slots that change while they are read */
	for (i = 1; i < 12; i++) {
		memset(&slots[i], 0, sizeof(slots[i]));
		slots[i].op = (uint16_t)st_below(8);
		slots[i].raw[st_below(7)] = st_random();
	}
	__atomic_store_n(&bell->tail, 12, __ATOMIC_RELEASE);
	ret = CALL(raw.fd, VGPU_IOCTL_KICK, &kick);
	for (i = 0; i < 200; i++)
		slots[st_below(16)].raw[st_below(7)] ^= st_random();
	/* there is no such command any more */
	__atomic_store_n(&bell->tail, 12 + 17 + (uint32_t)st_below(1u << 30),
			 __ATOMIC_RELEASE);
	ret = ret ?: CALL(raw.fd, VGPU_IOCTL_KICK, &kick) ?:
	      drain(raw.fd, queue.handle, bell, ~0u);
	if (!ret && bell->error != -EOVERFLOW && !t->prey)
		wrong(t, "an index that jumped gave %s", st_errno(bell->error));
unmap:
	munmap(bells, PAGE);
	munmap(all, 2 * PAGE);
out:
	close(raw.fd);
	return ret;
}

/* An address space with another kernel in it: they all have the same addresses. */
struct alien {
	struct vgpu_vm *vm;
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
	struct vgpu_kernel *kernel;
	struct vgpu_bo *bo;
	uint64_t entry;
};

static int alien_begin(struct tenant *t, struct alien *a, const char *file,
		       const char *symbol, const struct vgpu_queue_options *options)
{
	char path[512];

	memset(a, 0, sizeof(*a));
	snprintf(path, sizeof(path), "%s/%s.elf", getenv("VGPU_PROGRAMS") ?: ".", file);
	return vgpu_vm_create(t->dev, &a->vm) ?:
	       vgpu_ctx_create(a->vm, 0, &a->ctx) ?:
	       vgpu_queue_create(a->ctx, options, &a->queue) ?:
	       vgpu_kernel_load(a->vm, path, &a->kernel) ?:
	       vgpu_kernel_entry(a->kernel, symbol, &a->entry) ?:
	       vgpu_alloc(a->vm, PAGE, VGPU_PROT_READ | VGPU_PROT_WRITE, 0, &a->bo);
}

static void alien_end(struct alien *a)
{
	vgpu_queue_destroy(a->queue);
	vgpu_kernel_destroy(a->kernel);
	vgpu_bo_destroy(a->bo);
	vgpu_ctx_destroy(a->ctx);
	vgpu_vm_destroy(a->vm);
}

static int alien_run(struct alien *a)
{
	const struct vgpu_launch launch = { .entry = a->entry, .args_va = a->bo->va };

	return vgpu_launch(a->queue, &launch, patience_ns()) ?:
	       vgpu_queue_finish(a->queue, patience_ns());
}

/* Touches what is not there, and nobody else notices; nor does what comes behind it. */
int abuse_fault(struct tenant *t)
{
	struct fault_args args = { 0 };
	struct vgpu_cmd cmd;
	struct alien a;
	int ret;

	ret = alien_begin(t, &a, "fault", st_below(2) ? "fault_read" : "fault_write", NULL);
	if (ret)
		goto out;
	args.va = vgpu_info(t->dev)->va_end - (1 + st_below(1 << 20)) * PAGE;
	memcpy(a.bo->cpu, &args, sizeof(args));
	ret = alien_run(&a);
	if (!ret)
		wrong(t, "a kernel touched 0x%llx, where nothing is",
		      (unsigned long long)args.va);
	if (ret != -EFAULT)
		goto out;
	if (((struct fault_args *)a.bo->cpu)->reached)
		wrong(t, "a lane lived on after its fault");
	cmd = vgpu_cmd_fill(a.bo->va, PAGE, 7);
	ret = submit_all(a.queue, &cmd, 1) ?:
	      vgpu_queue_finish(a.queue, patience_ns());
	if (!ret && *(uint32_t *)a.bo->cpu != 7)
		wrong(t, "the command behind a fault did nothing");
out:
	alien_end(&a);
	return ret;
}

static int endless(struct tenant *t, const char *symbol, int want)
{
	struct vgpu_queue_options options = {
		.time_limit_us = 500 + st_below(5000),
		.sched_class = (uint32_t)st_below(3),
	};
	struct alien a;
	int ret;

	ret = alien_begin(t, &a, "spin", symbol, &options);
	if (!ret) {
		ret = alien_run(&a);
		if (!ret)
			wrong(t, "a kernel without an end ended well");
		if (ret == want)
			ret = 0;
	}
	alien_end(&a);
	return ret;
}

int abuse_endless(struct tenant *t)
{
	return endless(t, "spin", -ETIME);
}

int abuse_stubborn(struct tenant *t)
{
	int ret = endless(t, "spin_nopreempt", -ETIMEDOUT);

	return ret == -ETIME ? 0 : ret;
}

/* A child that has our descriptor dies in the middle of it. */
int abuse_orphan(struct tenant *t)
{
	struct vgpu_bo_create bo = { .bytes = PAGE };
	struct raw raw;
	pid_t pid;
	int ret;

	ret = raw_open(t, &raw);
	if (ret)
		return ret;
	ret = raw_equip(t, &raw, 2 * PAGE);
	if (ret)
		goto out;
	pid = fork();
	if (!pid) {
		struct vgpu_queue_create queue = {
			.ctx = raw.ctx, .time_limit_us = 5000,
		};
		struct vgpu_cmd cmd = st_fill(raw.va, 2 * PAGE, 3);

		while (getppid() != 1) {
			CALL(raw.fd, VGPU_IOCTL_QUEUE_CREATE, &queue);
			st_submit(raw.fd, queue.handle, &cmd, 1);
			st_close(raw.fd, queue.handle);
		}
		_exit(0);
	}
	if (pid < 0) {
		ret = -EAGAIN;
		goto out;
	}
	st_sleep_ms((unsigned int)st_below(20));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ret = CALL(raw.fd, VGPU_IOCTL_BO_CREATE, &bo) ?: st_close(raw.fd, bo.handle);
out:
	close(raw.fd);
	return ret;
}

/* The management node, asked for what it should refuse. */
int abuse_ctl(struct tenant *t)
{
	struct vgpu_ctl_create create = { .type = "9g.1m", .gpu = t->gpu };
	struct vgpu_ctl_set set = { .id = t->vgpu.id };
	int ret;

	switch (st_below(5)) {
	case 0:
		ret = CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &create);
		return ret == -ENOENT ? 0 : ret ?: -EPROTO;
	case 1:
		ret = st_destroy(&t->vgpu);
		return ret == -EBUSY ? 0 : ret ?: -EPROTO;
	case 2:
		ret = st_verb(&t->vgpu, 5 + (uint32_t)st_random() % 1000);
		return ret == -EINVAL ? 0 : ret ?: -EPROTO;
	case 3:
		set.mask = VGPU_SET_VRAM;
		set.vram_bytes = 1ull << 50;
		ret = CALL(st_ctl(), VGPU_CTL_IOCTL_SET, &set);
		return ret == -ENOSPC || ret == -ERANGE ? 0 : ret ?: -EPROTO;
	default:
		set.mask = VGPU_SET_WEIGHT;
		set.weight = 20000;
		ret = CALL(st_ctl(), VGPU_CTL_IOCTL_SET, &set);
		return ret == -ERANGE ? 0 : ret ?: -EPROTO;
	}
}

/* Stopped in the middle of work; what it had is gone. */
int abuse_stop(struct tenant *t)
{
	struct vgpu_cmd cmds[4];
	struct vgpu_bo *bo;
	unsigned int i;
	int ret;

	ret = step_bo(t, 16 * PAGE, 0, &bo);
	if (ret)
		return ret;
	for (i = 0; i < 4; i++)
		cmds[i] = vgpu_cmd_fill(bo->va, 16 * PAGE, i);
	ret = submit_all(t->queue, cmds, 4);
	t->over = true;
	ret = st_verb(&t->vgpu, VGPU_VERB_STOP) ?: ret;
	if (!ret && !vgpu_queue_finish(t->queue, SEC))
		wrong(t, "a queue of a vGPU that was stopped goes on");
	if (st_below(2))
		st_verb(&t->vgpu, VGPU_VERB_START);
	return ret;
}
