// SPDX-License-Identifier: GPL-2.0
/*
 * Every structure of the uAPI: short, long, dirty, at bad addresses.  What is
 * refused has one errno each, and has done nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "st.h"

#define PAGE	4096u

/* Something of each kind, to make valid calls of. */
static struct {
	struct st_vgpu vgpu;
	uint32_t bo, vm, ctx, queue, ring_bo, ring, timeline, shared;
	int eventfd, dmabuf;
	uint64_t va;
	struct vgpu_cmd nop;
} fix;

union arg {
	uint32_t size;
	struct vgpu_info info;
	struct vgpu_close close;
	struct vgpu_bo_create bo_create;
	struct vgpu_vm_create vm_create;
	struct vgpu_vm_map vm_map;
	struct vgpu_vm_unmap vm_unmap;
	struct vgpu_ctx_create ctx_create;
	struct vgpu_queue_create queue_create;
	struct vgpu_timeline_create timeline_create;
	struct vgpu_submit submit;
	struct vgpu_kick kick;
	struct vgpu_wait wait;
	struct vgpu_signal signal;
	struct vgpu_eventfd eventfd;
	struct vgpu_queue_status queue_status;
	struct vgpu_queue_set queue_set;
	struct vgpu_bo_user bo_user;
	struct vgpu_bo_export bo_export;
	struct vgpu_bo_import bo_import;
	struct vgpu_ctl_create ctl_create;
	struct vgpu_ctl_destroy ctl_destroy;
	struct vgpu_ctl_state ctl_state;
	struct vgpu_ctl_set ctl_set;
	uint8_t bytes[2 * PAGE];
};

struct call {
	const char *name;
	unsigned long request;
	uint32_t size;
	uint32_t published;		/* first layout; 0: as today */
	bool ctl;
	uint32_t out, out_bytes;	/* range of results */
	struct {
		uint32_t offset, bytes;
	} pads[2];			/* must be zero: -EINVAL */
	uint32_t flags, flags_valid;	/* offset, 0 without: -EOPNOTSUPP */
	void (*fill)(union arg *a);	/* valid arguments */
	void (*undo)(union arg *a);	/* after it was done */
};

static void fill_none(union arg *a)
{
	(void)a;
}

static void fill_close(union arg *a)
{
	a->close.handle = st_bo(fix.vgpu.fd, PAGE, 0, NULL);
}

static void undo_close_handle(uint32_t handle)
{
	CHECK_OK(st_close(fix.vgpu.fd, handle));
}

static void fill_bo(union arg *a)
{
	a->bo_create.bytes = PAGE;
}

static void undo_bo(union arg *a)
{
	undo_close_handle(a->bo_create.handle);
}

static void fill_bo_user(union arg *a)
{
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));

	a->bo_user.addr = (uintptr_t)page;
	a->bo_user.bytes = PAGE;
}

static void undo_bo_user(union arg *a)
{
	undo_close_handle(a->bo_user.handle);
}

static void fill_bo_export(union arg *a)
{
	a->bo_export.bo = fix.shared;
}

static void undo_bo_export(union arg *a)
{
	CHECK(!close(a->bo_export.fd), "fd %d", a->bo_export.fd);
}

static void fill_bo_import(union arg *a)
{
	a->bo_import.fd = fix.dmabuf;
}

static void undo_bo_import(union arg *a)
{
	undo_close_handle(a->bo_import.handle);
}

static void undo_vm(union arg *a)
{
	undo_close_handle(a->vm_create.handle);
}

static void fill_map(union arg *a)
{
	a->vm_map.vm = fix.vm;
	a->vm_map.bo = fix.bo;
	a->vm_map.prot = VGPU_PROT_READ;
	a->vm_map.va = fix.va + 16 * PAGE;
	a->vm_map.bytes = PAGE;
}

static void undo_map(union arg *a)
{
	struct vgpu_vm_unmap arg = {
		.vm = fix.vm, .va = a->vm_map.va, .bytes = PAGE,
	};

	CHECK_OK(CALL(fix.vgpu.fd, VGPU_IOCTL_VM_UNMAP, &arg));
}

static void fill_unmap(union arg *a)
{
	static uint64_t next;

	/* what is refused leaves its page mapped: take another one */
	a->vm_unmap.vm = fix.vm;
	a->vm_unmap.va = fix.va + (32 + next++ % 4096) * PAGE;
	a->vm_unmap.bytes = PAGE;
	NEED_OK(st_map(fix.vgpu.fd, fix.vm, fix.bo, VGPU_PROT_READ,
		       a->vm_unmap.va, 0, PAGE));
}

static void fill_ctx(union arg *a)
{
	a->ctx_create.vm = fix.vm;
}

static void undo_ctx(union arg *a)
{
	undo_close_handle(a->ctx_create.handle);
}

static void fill_queue(union arg *a)
{
	a->queue_create.ctx = fix.ctx;
	a->queue_create.depth = 8;
}

static void fill_queue_set(union arg *a)
{
	a->queue_set.queue = fix.queue;
	a->queue_set.sched_class = VGPU_CLASS_HIGH;
}

static void undo_queue(union arg *a)
{
	undo_close_handle(a->queue_create.handle);
}

static void undo_timeline(union arg *a)
{
	undo_close_handle(a->timeline_create.handle);
}

static void fill_submit(union arg *a)
{
	a->submit.queue = fix.queue;
	a->submit.cmds = (uintptr_t)&fix.nop;
	a->submit.count = 1;
	a->submit.stride = sizeof(fix.nop);
}

static void fill_kick(union arg *a)
{
	a->kick.queue = fix.ring;
}

static void fill_wait(union arg *a)
{
	a->wait.timeline = fix.timeline;
}

static void fill_signal(union arg *a)
{
	a->signal.timeline = fix.timeline;
}

static void fill_eventfd(union arg *a)
{
	a->eventfd.timeline = fix.timeline;
	a->eventfd.fd = fix.eventfd;
}

static void fill_status(union arg *a)
{
	a->queue_status.queue = fix.queue;
}

static void fill_ctl_create(union arg *a)
{
	a->ctl_create.flags = VGPU_CREATE_WITH_FD;
	strcpy(a->ctl_create.type, st_type(1));
}

static void undo_ctl_create(union arg *a)
{
	struct st_vgpu vgpu = { .id = a->ctl_create.id };

	CHECK_OK(st_destroy(&vgpu));
}

static void fill_ctl_destroy(union arg *a)
{
	static struct st_vgpu vgpu;
	static bool there;

	/* refused ones leave it there for the next */
	if (there && !st_destroy(&vgpu))
		there = false;
	NEED_OK(st_create(&vgpu, st_type(1), 0, VGPU_CREATE_WITH_FD));
	there = true;
	a->ctl_destroy.id = vgpu.id;
}

static void fill_ctl_state(union arg *a)
{
	a->ctl_state.id = fix.vgpu.id;
	a->ctl_state.verb = VGPU_VERB_PAUSE;
}

static void undo_ctl_state(union arg *a)
{
	(void)a;
	CHECK_OK(st_verb(&fix.vgpu, VGPU_VERB_RESUME));
}

static void fill_ctl_set(union arg *a)
{
	a->ctl_set.id = fix.vgpu.id;
	a->ctl_set.mask = VGPU_SET_WEIGHT;
	a->ctl_set.weight = 100;
}

#define BASE(label, req, type)						\
	.name = (label), .request = VGPU_##req,				\
	.size = sizeof(struct vgpu_##type)
#define RESULTS(type, first, last)					\
	.out = offsetof(struct vgpu_##type, first),			\
	.out_bytes = offsetof(struct vgpu_##type, last) +		\
		     sizeof(((struct vgpu_##type *)0)->last) -		\
		     offsetof(struct vgpu_##type, first)
#define PAD(type, member)						\
	{ offsetof(struct vgpu_##type, member),				\
	  sizeof(((struct vgpu_##type *)0)->member) }
#define FLAGS(type, member, valid)					\
	.flags = offsetof(struct vgpu_##type, member), .flags_valid = (valid)

static const struct call calls[] = {
	{ BASE("INFO", IOCTL_INFO, info), RESULTS(info, version, gpu_name),
	  .fill = fill_none },
	{ BASE("CLOSE", IOCTL_CLOSE, close), .fill = fill_close },
	{ BASE("BO_CREATE", IOCTL_BO_CREATE, bo_create),
	  RESULTS(bo_create, handle, mmap_offset),
	  FLAGS(bo_create, flags, VGPU_BO_HOST | VGPU_BO_SHARE),
	  .pads = { PAD(bo_create, pad),
		    { offsetof(struct vgpu_bo_create, pages), 16 } },
	  .fill = fill_bo, .undo = undo_bo },
	{ BASE("VM_CREATE", IOCTL_VM_CREATE, vm_create),
	  RESULTS(vm_create, handle, handle), FLAGS(vm_create, flags, VGPU_VM_PINNED),
	  .pads = { PAD(vm_create, pad) }, .fill = fill_none, .undo = undo_vm },
	{ BASE("VM_MAP", IOCTL_VM_MAP, vm_map), FLAGS(vm_map, prot, 7),
	  .fill = fill_map, .undo = undo_map },
	{ BASE("VM_UNMAP", IOCTL_VM_UNMAP, vm_unmap), .fill = fill_unmap },
	{ BASE("CTX_CREATE", IOCTL_CTX_CREATE, ctx_create),
	  RESULTS(ctx_create, handle, handle), FLAGS(ctx_create, flags, 0),
	  .pads = { PAD(ctx_create, pad) }, .fill = fill_ctx,
	  .undo = undo_ctx },
	{ BASE("QUEUE_CREATE", IOCTL_QUEUE_CREATE, queue_create),
	  RESULTS(queue_create, handle, doorbell),
	  FLAGS(queue_create, flags, VGPU_QUEUE_RING | VGPU_QUEUE_FENCED), .fill = fill_queue,
	  .published = 48,
	  .undo = undo_queue },
	{ BASE("TIMELINE_CREATE", IOCTL_TIMELINE_CREATE, timeline_create),
	  RESULTS(timeline_create, handle, slot),
	  FLAGS(timeline_create, flags, 0), .fill = fill_none,
	  .undo = undo_timeline },
	{ BASE("SUBMIT", IOCTL_SUBMIT, submit),
	  RESULTS(submit, submitted, seqno), .published = 40,
	  FLAGS(submit, flags, VGPU_SUBMIT_DEADLINE | VGPU_SUBMIT_FENCE),
	  .pads = { PAD(submit, fence_fd),
		    /* counts with the flag only */
		    { offsetof(struct vgpu_submit, deadline_ns), 8 } },
	  .fill = fill_submit },
	{ BASE("KICK", IOCTL_KICK, kick), .fill = fill_kick },
	{ BASE("WAIT", IOCTL_WAIT, wait),
	  RESULTS(wait, current_value, current_value), .fill = fill_wait },
	{ BASE("SIGNAL", IOCTL_SIGNAL, signal), .fill = fill_signal },
	{ BASE("EVENTFD", IOCTL_EVENTFD, eventfd),
	  .pads = { PAD(eventfd, pad) }, .fill = fill_eventfd },
	{ BASE("QUEUE_STATUS", IOCTL_QUEUE_STATUS, queue_status),
	  RESULTS(queue_status, irq, late_max_ns), .published = 112,
	  FLAGS(queue_status, irq_clear, 15), .fill = fill_status },
	{ BASE("QUEUE_SET", IOCTL_QUEUE_SET, queue_set),
	  .pads = { PAD(queue_set, pad) }, .fill = fill_queue_set },
	{ BASE("BO_USER", IOCTL_BO_USER, bo_user),
	  RESULTS(bo_user, handle, handle), FLAGS(bo_user, flags, 0),
	  .pads = { PAD(bo_user, pad) }, .fill = fill_bo_user,
	  .undo = undo_bo_user },
	{ BASE("BO_EXPORT", IOCTL_BO_EXPORT, bo_export),
	  RESULTS(bo_export, fd, fd), FLAGS(bo_export, flags, 0),
	  .fill = fill_bo_export, .undo = undo_bo_export },
	{ BASE("BO_IMPORT", IOCTL_BO_IMPORT, bo_import),
	  RESULTS(bo_import, handle, bytes), FLAGS(bo_import, flags, 0),
	  .fill = fill_bo_import, .undo = undo_bo_import },
	{ BASE("CTL_CREATE", CTL_IOCTL_CREATE, ctl_create), .ctl = true,
	  RESULTS(ctl_create, id, uuid),
	  FLAGS(ctl_create, flags, VGPU_CREATE_WITH_FD),
	  .fill = fill_ctl_create, .undo = undo_ctl_create },
	{ BASE("CTL_DESTROY", CTL_IOCTL_DESTROY, ctl_destroy), .ctl = true,
	  .fill = fill_ctl_destroy },
	{ BASE("CTL_STATE", CTL_IOCTL_STATE, ctl_state), .ctl = true,
	  .pads = { PAD(ctl_state, pad) }, .fill = fill_ctl_state,
	  .undo = undo_ctl_state },
	{ BASE("CTL_SET", CTL_IOCTL_SET, ctl_set), .ctl = true,
	  .pads = { PAD(ctl_set, pad) }, .fill = fill_ctl_set },
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))

static int node_of(const struct call *c)
{
	return c->ctl ? st_ctl() : fix.vgpu.fd;
}

static void setup(void)
{
	struct vgpu_queue_create ring = { .flags = VGPU_QUEUE_RING,
					  .ring_slots = 2 };
	struct vgpu_bo_export share = { 0 };
	struct vgpu_info info;
	int fd;

	st_vgpu(&fix.vgpu, 1, 0);
	fd = fix.vgpu.fd;
	st_info(fd, &info);
	fix.va = info.va_start;
	fix.bo = st_bo(fd, PAGE, 0, NULL);
	fix.shared = st_bo(fd, PAGE, VGPU_BO_SHARE, NULL);
	share.bo = fix.shared;
	NEED_OK(CALL(fd, VGPU_IOCTL_BO_EXPORT, &share));
	fix.dmabuf = share.fd;
	fix.vm = st_vm(fd);
	fix.ctx = st_ctx(fd, fix.vm);
	fix.queue = st_queue(fd, fix.ctx);
	ring.ctx = fix.ctx;
	ring.ring_bo = st_bo(fd, PAGE, 0, NULL);
	NEED_OK(CALL(fd, VGPU_IOCTL_QUEUE_CREATE, &ring));
	fix.ring = ring.handle;
	fix.timeline = st_timeline(fd, NULL);
	fix.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	NEED(fix.eventfd >= 0, "eventfd: %s", strerror(errno));
}

static void fresh(const struct call *c, union arg *a)
{
	memset(a, 0, sizeof(*a));
	a->size = c->size;
	c->fill(a);
}

static void done(const struct call *c, union arg *a)
{
	if (c->undo)
		c->undo(a);
}

/* With @bytes that lie where they say: 0 or an errno. */
static void expect(const struct call *c, union arg *a, long want,
		   const char *what, uint64_t detail)
{
	int ret = st_ioctl(node_of(c), c->request, a);

	CHECK(ret == want, "%s, %s %llu: %s", c->name, what,
	      (unsigned long long)detail, st_errno(ret));
	CHECK(ret == want, "  wanted %s", st_errno(want));
	if (!ret)
		done(c, a);
}

static void sizes(void)
{
	static const uint32_t longer[] = { 1, 8, 64, 1000 };
	static const uint32_t huge[] = { PAGE + 1, 65536, 0x7fffffff,
					 0x80000000, 0xffffffff };
	union arg *a = malloc(sizeof(*a));
	unsigned int i, j, at;

	setup();
	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];

		fresh(c, a);
		expect(c, a, 0, "exact size", c->size);

		for (j = 0; j < c->size; j += j < 8 ? 1 : 4) {
			fresh(c, a);
			a->size = j;
			/* what was added since counts as zero */
			if (c->published && j >= c->published)
				expect(c, a, 0, "an older layout,", j);
			else
				expect(c, a, -EINVAL, "too short,", j);
		}
		for (j = 0; j < 4; j++) {
			fresh(c, a);
			a->size = c->size + longer[j];
			expect(c, a, 0, "longer, zero tail of", longer[j]);
		}
		fresh(c, a);
		a->size = PAGE;
		expect(c, a, 0, "longest, zero tail", PAGE);
		for (j = 0; j < 5; j++) {
			fresh(c, a);
			a->size = huge[j];
			expect(c, a, -E2BIG, "huge,", huge[j]);
		}
		for (at = c->size; at < PAGE; at = at < c->size + 16 ?
		     at + 1 : at + 511) {
			fresh(c, a);
			a->size = PAGE;
			a->bytes[at] = 1;
			expect(c, a, -E2BIG, "dirty tail at", at);
		}
	}
}

static void padding(void)
{
	union arg *a = malloc(sizeof(*a));
	unsigned int i, j, at, bit;

	setup();
	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];

		for (j = 0; j < 2; j++) {
			for (at = c->pads[j].offset;
			     at < c->pads[j].offset + c->pads[j].bytes; at++) {
				for (bit = 0; bit < 8; bit += 7) {
					fresh(c, a);
					a->bytes[at] |= 1u << bit;
					expect(c, a, -EINVAL, "dirty byte", at);
				}
			}
		}
	}
}

static void flags(void)
{
	union arg *a = malloc(sizeof(*a));
	unsigned int i, bit;

	setup();
	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];

		for (bit = 0; c->flags && bit < 32; bit++) {
			if (c->flags_valid & 1u << bit)
				continue;
			fresh(c, a);
			a->bytes[c->flags + bit / 8] |= 1u << bit % 8;
			expect(c, a, -EOPNOTSUPP, "unknown flag, bit", bit);
		}
	}
}

static uint32_t highest_handle(void)
{
	uint32_t handle = st_bo(fix.vgpu.fd, PAGE, 0, NULL);

	undo_close_handle(handle);
	return handle;
}

static void pointers(void)
{
	union arg *a = malloc(sizeof(*a));
	struct vgpu_info before, after;
	uint8_t *two;
	unsigned int i;

	setup();
	/* a page, and one that is not there behind it */
	two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(two != MAP_FAILED, "mmap: %s", strerror(errno));
	NEED(!munmap(two + PAGE, PAGE), "munmap: %s", strerror(errno));

	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];
		uint8_t *bad[] = { NULL, (uint8_t *)8, two + PAGE,
				   two + PAGE - 2, two + PAGE - 4,
				   two + PAGE - c->size + 1,
				   (uint8_t *)0xffff888000000000ull,
				   (uint8_t *)-4096 };
		unsigned int j;
		int ret;

		for (j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			fresh(c, a);
			/* as much of it as there is room for */
			if (bad[j] >= two && bad[j] < two + PAGE)
				memcpy(bad[j], a, (size_t)(two + PAGE - bad[j]));
			ret = st_ioctl(node_of(c), c->request, bad[j]);
			CHECK(ret == -EFAULT, "%s at bad address %p: %s",
			      c->name, (void *)bad[j], st_errno(ret));
		}

		/* the last bytes of a page, and an odd address, are good */
		fresh(c, a);
		memcpy(two + PAGE - c->size, a, c->size);
		ret = st_ioctl(node_of(c), c->request, two + PAGE - c->size);
		CHECK(!ret, "%s at the end of a page: %s", c->name,
		      st_errno(ret));
		if (!ret) {
			memcpy(a, two + PAGE - c->size, c->size);
			done(c, a);
		}
		fresh(c, a);
		memcpy(two + 1, a, c->size);
		ret = st_ioctl(node_of(c), c->request, two + 1);
		CHECK(!ret, "%s at an odd address: %s", c->name,
		      st_errno(ret));
		if (!ret) {
			memcpy(a, two + 1, c->size);
			done(c, a);
		}
	}

	/* where results cannot be written, nothing is done */
	st_info(fix.vgpu.fd, &before);
	highest_handle();
	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];
		int ret;

		if (!c->out_bytes)
			continue;
		fresh(c, a);
		memcpy(two, a, c->size);
		mprotect(two, PAGE, PROT_READ);
		ret = st_ioctl(node_of(c), c->request, two);
		CHECK(ret == -EFAULT, "%s in read-only memory: %s", c->name,
		      st_errno(ret));
		mprotect(two, PAGE, PROT_READ | PROT_WRITE);
	}
	st_info(fix.vgpu.fd, &after);
	CHECK(after.vram_used == before.vram_used,
	      "calls that failed left %lld bytes in use",
	      (long long)(after.vram_used - before.vram_used));
}

/* Only results are written, and all of them are. */
static void results(void)
{
	union arg *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	unsigned int i, at;

	setup();
	for (i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];
		int ret;

		fresh(c, a);
		/* what comes out need not be zero on the way in */
		if (!c->ctl)
			memset(a->bytes + c->out, 0xa5, c->out_bytes);
		if (c->pads[0].offset >= c->out &&
		    c->pads[0].offset < c->out + c->out_bytes)
			memset(a->bytes + c->pads[0].offset, 0,
			       c->pads[0].bytes);
		memset(a->bytes + c->size, 0x5a, 64);
		memcpy(b, a, sizeof(*a));
		ret = st_ioctl(node_of(c), c->request, a);
		CHECK(!ret, "%s with dirty results: %s", c->name,
		      st_errno(ret));
		if (ret)
			continue;
		for (at = 0; at < c->size + 64; at++)
			CHECK(a->bytes[at] == b->bytes[at] ||
			      (at >= c->out && at < c->out + c->out_bytes),
			      "%s wrote byte %u, which is no result", c->name,
			      at);
		done(c, a);
	}
}

static void numbers(void)
{
	uint8_t room[16384] __attribute__((aligned(8)));
	unsigned int nr;
	int ret;

	setup();
	memset(room, 0, sizeof(room));
	*(uint32_t *)room = 128;
	for (nr = 0; nr < 256; nr++) {
		bool tenant = nr >= VGPU_CALL_INFO && nr < VGPU_CALL_END;
		bool ctl = nr >= VGPU_CTL_CALL_CREATE && nr < VGPU_CTL_CALL_END;
		unsigned long plain = _IO(VGPU_IOCTL_TYPE, nr);
		unsigned long with_size = _IOWR(VGPU_IOCTL_TYPE, nr, uint64_t);

		if (!tenant) {
			ret = st_ioctl(fix.vgpu.fd, plain, room);
			CHECK(ret == -ENOTTY, "number 0x%x on a vGPU: %s", nr,
			      st_errno(ret));
		}
		if (!ctl) {
			ret = st_ioctl(st_ctl(), plain, room);
			CHECK(ret == -ENOTTY, "number 0x%x on ctl: %s", nr,
			      st_errno(ret));
		}
		ret = st_ioctl(fix.vgpu.fd, with_size, room);
		CHECK(ret == -ENOTTY, "number 0x%x with a size: %s", nr,
		      st_errno(ret));
		ret = st_ioctl(st_ctl(), with_size, room);
		CHECK(ret == -ENOTTY, "number 0x%x with a size on ctl: %s", nr,
		      st_errno(ret));
		/* 0x54 has numbers that the kernel answers itself */
		ret = st_ioctl(fix.vgpu.fd, _IO('d', nr), room);
		CHECK(ret == -ENOTTY, "another type's 0x%x: %s", nr,
		      st_errno(ret));
	}
}

/* The array that SUBMIT names. */
static void arrays(void)
{
	struct vgpu_submit arg = { 0 };
	uint8_t *wide = calloc(1024, PAGE);
	unsigned int i;
	int fd;

	setup();
	fd = fix.vgpu.fd;

#define SUBMIT(pointer, number, bytes)					\
	(arg = (struct vgpu_submit) { .queue = fix.queue,		\
		.cmds = (uintptr_t)(pointer), .count = (number),	\
		.stride = (bytes) },					\
	 CALL(fd, VGPU_IOCTL_SUBMIT, &arg))

	CHECK_ERR(SUBMIT(wide, 0, 64), -EINVAL, "(no commands)");
	CHECK_ERR(SUBMIT(wide, 1025, 64), -EINVAL, "(too many)");
	CHECK_ERR(SUBMIT(wide, 0xffffffff, 64), -EINVAL, "(far too many)");
	CHECK_ERR(SUBMIT(wide, 1, 0), -EINVAL, "(no stride)");
	CHECK_ERR(SUBMIT(wide, 1, 63), -EINVAL, "(short stride)");
	CHECK_ERR(SUBMIT(wide, 1, PAGE + 1), -EINVAL, "(long stride)");
	CHECK_ERR(SUBMIT(wide, 1, 0xffffffff), -EINVAL, "(endless stride)");
	CHECK_ERR(SUBMIT(NULL, 1, 64), -EFAULT, "(null)");
	CHECK_ERR(SUBMIT(0xffff888000000000ull, 1, 64), -EFAULT, "(kernel)");
	CHECK_ERR(SUBMIT(-64ull, 2, 64), -EFAULT, "(wraps around)");

	for (i = 64; i <= PAGE; i += i < 80 ? 1 : 1333) {
		CHECK_ERR(SUBMIT(wide, 4, i), 0, "(stride %u)", i);
		CHECK(arg.submitted == 4 && arg.bad_index == 4,
		      "stride %u: %u of 4 taken, bad index %u", i,
		      arg.submitted, arg.bad_index);
		CHECK(arg.stride == i, "the stride was overwritten by %u",
		      arg.stride);
		if (i > 64) {
			wide[i * 3 - 1] = 1;	/* tail of the third */
			CHECK_ERR(SUBMIT(wide, 4, i), -E2BIG, "(tail at %u)",
				  i);
			wide[i * 3 - 1] = 0;
		}
	}
#undef SUBMIT
}

static const struct st_case cases[] = {
	{ "sizes", sizes },
	{ "padding", padding },
	{ "flags", flags },
	{ "pointers", pointers },
	{ "results", results },
	{ "numbers", numbers },
	{ "arrays", arrays },
};

ST_MAIN(cases)
