// SPDX-License-Identifier: GPL-2.0
/* A tenant's life: its vGPU, then random steps, each of which can be repeated alone. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "nl.h"
#include "soak.h"

static const struct {
	step_fn *fn;
	unsigned int often;
	bool prey;		/* not for the calm: it costs them their vGPU */
} steps[KIND_TENANTS] = {
	[KIND_COPY]		= { work_copy, 10, false },
	[KIND_FILL]		= { work_fill, 6, false },
	[KIND_KERNEL]		= { work_kernel, 8, false },
	[KIND_PROGRAM]		= { work_program, 5, false },
	[KIND_RING_PROGRAM]	= { work_ring_program, 3, false },
	[KIND_TIMELINE]		= { work_timeline, 6, false },
	[KIND_LENT]		= { work_lent, 4, false },
	[KIND_SHARED]		= { work_shared, 4, false },
	[KIND_ZERO]		= { work_zero, 4, false },
	[KIND_SPACES]		= { work_spaces, 3, false },
	[KIND_PAUSE]		= { work_pause, 2, false },
	[KIND_SEND]		= { work_send, 4, false },
	[KIND_INBOX]		= { work_inbox, 8, false },
	[KIND_HOARD]		= { work_hoard, 8, false },
	[KIND_FENCE]		= { work_fence, 4, false },
	[KIND_GUESS]		= { abuse_guess, 3, false },
	[KIND_NOISE]		= { abuse_noise, 3, false },
	[KIND_SCRIBBLE]		= { abuse_scribble, 2, false },
	[KIND_RING_ABUSE]	= { abuse_ring, 3, false },
	[KIND_FAULT]		= { abuse_fault, 3, false },
	[KIND_ENDLESS]		= { abuse_endless, 2, false },
	[KIND_STUBBORN]		= { abuse_stubborn, 1, true },
	[KIND_ORPHAN]		= { abuse_orphan, 2, false },
	[KIND_CTL]		= { abuse_ctl, 2, false },
	[KIND_STOP]		= { abuse_stop, 2, true },
};

static struct tenant *self;

void wrong(const struct tenant *t, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	soak->wrong++;
	/* one write: others write too */
	printf("# WRONG tenant %u (%s, v%u), life %u, step %llu, %s: %s\n"
	       "#   again: soak --seed %llu --only %u:%u:%llu\n", t->slot,
	       t->prey ? "prey" : "calm", t->vgpu.id, t->life,
	       (unsigned long long)t->step, kind_names[t->kind], text,
	       (unsigned long long)soak->seed, t->slot, t->life,
	       (unsigned long long)t->step);
	fflush(stdout);
}

unsigned int slot_group(unsigned int slot)
{
	return slot % 4 < 2 ? slot / 4 + 1 : 0;
}

unsigned int slot_gpu(unsigned int slot)
{
	return slot / 4 % soak->gpus;
}

int64_t patience_ns(void)
{
	return 600 * SEC * soak->patience;
}

int step_bo(struct tenant *t, uint64_t bytes, uint32_t flags,
	    struct vgpu_bo **bo)
{
	unsigned int i;
	int ret;

	ret = vgpu_alloc(t->vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE, flags,
			 bo);
	if (ret)
		return ret;
	for (i = 0; i < 8; i++) {
		if (!t->bos[i]) {
			t->bos[i] = *bo;
			return 0;
		}
	}
	abort();
}

int submit_all(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
	       uint32_t count)
{
	int ret = vgpu_submit(queue, cmds, count, patience_ns());

	return ret < 0 ? ret : ret == (int)count ? 0 : -ETIME;
}

int step_run(struct tenant *t, const struct vgpu_cmd *cmds, uint32_t count)
{
	return submit_all(t->queue, cmds, count) ?:
	       vgpu_queue_finish(t->queue, patience_ns());
}

static int births = -1;

void births_lock(bool alone)
{
	births = open(soak->lock, O_RDWR | O_CLOEXEC);
	if (births < 0 || flock(births, alone ? LOCK_EX : LOCK_SH))
		abort();
}

void births_unlock(void)
{
	close(births);
	births = -1;
}

/* Each step has choices of its own, so that it can be repeated without those before. */
static void seed_step(const struct tenant *t)
{
	st_seed_from(soak->seed ^ (uint64_t)t->slot << 56 ^
		     (uint64_t)t->life << 32 ^ t->step << 1);
}

static enum kind choose(const struct tenant *t)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < KIND_TENANTS; i++)
		if (t->prey || !steps[i].prey)
			sum += steps[i].often;
	at = (unsigned int)st_below(sum);
	for (i = 0; i < KIND_TENANTS; i++) {
		if (!t->prey && steps[i].prey)
			continue;
		if (at < steps[i].often)
			return (enum kind)i;
		at -= steps[i].often;
	}
	abort();
}

/* The memory behind a mapping went: the vGPU was stopped, or a right taken. */
static void on_bus(int signal)
{
	(void)signal;
	siglongjmp(self->bus, 1);
}

static int equip(struct tenant *t)
{
	char path[512];
	int ret = vgpu_open(t->vgpu.path, &t->dev);

	if (ret)
		return ret;
	t->vgpu.fd = vgpu_fd(t->dev);
	snprintf(path, sizeof(path), "%s/copy.elf", getenv("VGPU_PROGRAMS") ?: ".");
	return vgpu_vm_create(t->dev, &t->vm) ?:
	       vgpu_ctx_create(t->vm, 0, &t->ctx) ?:
	       vgpu_queue_create(t->ctx, NULL, &t->queue) ?:
	       vgpu_kernel_load(t->vm, path, &t->kernel) ?:
	       vgpu_kernel_entry(t->kernel, "copy", &t->copy) ?:
	       hoard_begin(t);
}

static int be_born(struct tenant *t)
{
	struct vgpu_ctl_create arg = {
		.flags = VGPU_CREATE_WITH_FD,
		.gpu = t->gpu,
		.weight = 50 + (uint32_t)st_below(400),
		.priority = VGPU_PRIORITY_DEFAULT,
	};
	unsigned int group = slot_group(t->slot);
	struct nl nl;
	char name[16];
	int ret;

	memcpy(arg.type, soak->type, sizeof(arg.type));
	births_lock(false);
	ret = CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg);
	if (!ret)
		soak->slots[t->slot].id = arg.id + 1;
	births_unlock();
	if (ret)
		return ret;
	t->vgpu.id = arg.id;
	memcpy(t->vgpu.uuid, arg.uuid, sizeof(t->vgpu.uuid));
	snprintf(t->vgpu.path, sizeof(t->vgpu.path), "/dev/vgpu/v%u", arg.id);
	if (group) {
		snprintf(name, sizeof(name), "s%u", group);
		nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
		nl_u32(&nl, VGPU_A_VGPU_ID, arg.id);
		nl_put(&nl, VGPU_A_VGPU_GROUP, name, strlen(name) + 1);
		ret = nl_do(&nl);
		if (ret)
			return ret;
	}
	if (t->prey && !st_below(8))
		vgpuctl("vgpu set v%u --units 1", arg.id);
	ret = st_verb(&t->vgpu, VGPU_VERB_START);
	if (ret)
		return ret;
	return equip(t);
}

static void one_step(struct tenant *t, enum kind kind)
{
	struct slot *slot = &soak->slots[t->slot];
	unsigned int i;
	int ret;

	t->kind = kind;
	slot->kind = kind;
	slot->step = t->step;
	slot->since_ns = st_now_ns();
	if (sigsetjmp(t->bus, 1)) {
		/* whatever the step held is in nobody's hand now */
		ret = -EFAULT;
		t->over = true;
	} else {
		ret = steps[kind].fn(t);
		for (i = 0; i < 8; i++) {
			if (t->bos[i])
				vgpu_bo_destroy(t->bos[i]);
			t->bos[i] = NULL;
		}
	}
	if (ret == -EAGAIN)
		return;
	if (!ret) {
		soak->done[kind]++;
		return;
	}
	soak->refused[kind]++;
	if (!t->prey)
		wrong(t, "%s %s", st_errno(ret), t->over ? "(SIGBUS)" :
		      vgpu_error());
	if (ret == -ENODEV || ret == -ESHUTDOWN || ret == -EACCES ||
	    ret == -EFAULT || ret == -ENOENT)
		t->over = true;
}

void tenant_live(unsigned int slot, unsigned int life, uint64_t only)
{
	struct tenant t = {
		.slot = slot, .life = life, .gpu = slot_gpu(slot),
		.prey = slot % 2, .kind = KIND_CTL, .vgpu.fd = -1,
	};
	const struct sigaction bus = { .sa_handler = on_bus };
	uint64_t count;
	int ret;

	self = &t;
	sigaction(SIGBUS, &bus, NULL);
	seed_step(&t);
	count = 20 + st_below(60);
	if (sigsetjmp(t.bus, 1))
		ret = -EFAULT;
	else
		ret = be_born(&t);
	/* there may be no room while some that were killed are being cleaned up */
	if (ret == -ENOSPC || ret == -EBUSY) {
		st_sleep_ms(200);
		return;
	}
	if (ret) {
		if (!t.prey)
			wrong(&t, "it can't begin: %s %s", st_errno(ret),
			      vgpu_error());
		return;
	}
	for (t.step = only ?: 1; t.step <= count && !t.over && !soak->stop;
	     t.step++) {
		seed_step(&t);
		one_step(&t, choose(&t));
		if (only)
			break;
	}
	soak->slots[slot].id = 0;
	soak->lives++;
	if (t.over || st_below(2))
		return;		/* the kernel cleans up */
	vgpu_queue_destroy(t.queue);
	vgpu_kernel_destroy(t.kernel);
	vgpu_bo_destroy(t.hoard);
	vgpu_ctx_destroy(t.ctx);
	vgpu_vm_destroy(t.vm);
	vgpu_close(t.dev);
}
