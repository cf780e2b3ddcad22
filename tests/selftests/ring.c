// SPDX-License-Identifier: GPL-2.0
/* Queues with a ring: honest producers, and those that are not. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096u
#define SLOTS	8u

/* A ring of our own, to write into as we like. */
struct ring {
	struct gpu gpu;
	int fd;
	uint32_t queue;
	volatile struct vgpu_cmd *slots;
	volatile struct vgpu_doorbell *bell;
	uint32_t timeline;
	struct vgpu_bo *bo, *data;
	volatile struct vgpu_doorbell *bells;
	uint32_t index;
	unsigned int kicks;
};

static void ring_queue(struct ring *r, uint32_t slots)
{
	struct vgpu_queue_create q = {
		.flags = VGPU_QUEUE_RING, .ring_slots = slots,
		.ctx = r->gpu.ctx->handle, .ring_bo = r->bo->handle,
	};

	NEED_OK(CALL(r->fd, VGPU_IOCTL_QUEUE_CREATE, &q));
	r->queue = q.handle;
	r->index = q.doorbell;
	r->bell = &r->bells[r->index];
}

static void ring_new(struct ring *r, uint32_t slots)
{
	gpu_new(&r->gpu, 1, 0);
	r->fd = vgpu_fd(r->gpu.dev);
	r->bo = gpu_bo(&r->gpu, slots * 64, 0);
	r->data = gpu_bo(&r->gpu, 16 * PAGE, 0);
	r->kicks = 0;
	r->slots = r->bo->cpu;
	r->bells = st_mmap(r->fd, VGPU_MMAP_DOORBELLS, PAGE,
			   PROT_READ | PROT_WRITE);
	NEED(r->bells != MAP_FAILED, "doorbells: %s", strerror(errno));
	ring_queue(r, slots);
	r->timeline = st_timeline(r->fd, NULL);
}

static void kick(struct ring *r)
{
	CHECK_OK(CALL(r->fd, VGPU_IOCTL_KICK,
		      &(struct vgpu_kick) { .queue = r->queue }));
	r->kicks++;
}

static void put(struct ring *r, uint32_t slots, const struct vgpu_cmd *cmd)
{
	uint32_t tail = r->bell->tail;
	unsigned int i;

	for (i = 0; i < 10000; i++) {
		if (tail - __atomic_load_n(&r->bell->head, __ATOMIC_ACQUIRE) <
		    slots)
			break;
		st_sleep_ms(1);
	}
	NEED(i < 10000, "the ring is not read: tail %u, head %u", tail,
	     r->bell->head);
	memcpy((void *)&r->slots[tail % slots], cmd, sizeof(*cmd));
	__atomic_store_n(&r->bell->tail, tail + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (tail == r->bell->event)
		kick(r);
}

/* Everything before it has ended. */
static void drain(struct ring *r, uint32_t slots, uint64_t value)
{
	struct vgpu_cmd cmd = st_sync(VGPU_CMD_SIGNAL, r->timeline, value);
	int ret;

	put(r, slots, &cmd);
	ret = st_wait(r->fd, r->timeline, value, 20 * SEC);
	NEED(!ret, "not drained: %s; tail %u, head %u, event %u, error %d",
	     st_errno(ret), r->bell->tail, r->bell->head, r->bell->event,
	     r->bell->error);
}

static void normal(void)
{
	struct vgpu_queue_status status;
	uint32_t *words;
	struct ring r;
	unsigned int i;

	ring_new(&r, SLOTS);
	words = r.data->cpu;
	for (i = 0; i < 500; i++) {
		struct vgpu_cmd cmd = st_fill(r.data->va + i * 4, 4, i + 1);

		put(&r, SLOTS, &cmd);
	}
	drain(&r, SLOTS, 1);
	for (i = 0; i < 500; i++)
		CHECK(words[i] == i + 1, "word %u is %u", i, words[i]);
	st_status(r.fd, r.queue, 0, &status);
	CHECK(status.submitted == 501 && status.completed == 501,
	      "%llu taken, %llu done", (unsigned long long)status.submitted,
	      (unsigned long long)status.completed);
	CHECK(!r.bell->error && r.bell->head == 501, "head %u, error %d",
	      r.bell->head, r.bell->error);
}

/* The counters go on over 2^32: start close to it is not possible, so by
 * a ring of two that turns around often.
 */
static void wraps(void)
{
	struct ring r;
	unsigned int i;

	ring_new(&r, 2);
	for (i = 1; i <= 300; i++)
		drain(&r, 2, i);
	CHECK(r.bell->head == 300, "head %u", r.bell->head);
}

static void overrun(void)
{
	static const uint32_t tails[] = { SLOTS + 1, 0x7fffffff, 0x80000000,
					  0xffffffff };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct vgpu_queue_status status;
		struct pollfd p;
		struct ring r;
		int ret;

		ring_new(&r, SLOTS);
		p = (struct pollfd) { .fd = r.fd, .events = POLLPRI };
		r.bell->tail = tails[i];
		kick(&r);
		ret = poll(&p, 1, 5000);
		CHECK(ret == 1, "tail 0x%x: nobody was told", tails[i]);
		st_status(r.fd, r.queue, VGPU_QUEUE_IRQ_BROKEN, &status);
		CHECK(status.irq & VGPU_QUEUE_IRQ_BROKEN,
		      "tail 0x%x: interrupts 0x%x", tails[i], status.irq);
		CHECK(r.bell->error == -EOVERFLOW && status.error == -EOVERFLOW,
		      "tail 0x%x: error %d", tails[i], r.bell->error);

		/* broken is broken, by good will too */
		r.bell->tail = r.bell->head;
		r.bell->error = 0;
		kick(&r);
		st_sleep_ms(20);
		st_status(r.fd, r.queue, 0, &status);
		CHECK(!status.submitted, "%llu commands taken from a broken ring",
		      (unsigned long long)status.submitted);

		/* its context goes on with another queue */
		st_run_one(r.fd, vgpu_queue_handle(r.gpu.queue),
			   st_fill(r.data->va, 4, 9));
		CHECK(*(uint32_t *)r.data->cpu == 9, "the other queue died");
		CHECK_OK(st_close(r.fd, r.queue));
	}
}

/* Slots that make no sense fail one by one; the good ones between them run. */
static void scribbled(void)
{
	struct vgpu_queue_status status;
	unsigned int i, bad = 0, good = 0;
	uint32_t *words;
	struct ring r;

	ring_new(&r, SLOTS);
	words = r.data->cpu;
	for (i = 0; i < 200; i++) {
		struct vgpu_cmd cmd;
		unsigned int j;

		if (i % 2) {
			cmd = st_fill(r.data->va + i * 4, 4, i);
			good++;
		} else {
			for (j = 0; j < 8; j++)
				((uint64_t *)&cmd)[j] = st_random();
			cmd.flags |= 1;		/* never by chance a good one */
			bad++;
		}
		put(&r, SLOTS, &cmd);
	}
	drain(&r, SLOTS, 1);
	st_status(r.fd, r.queue, 0, &status);
	CHECK(status.failed == bad && status.completed == good + 1,
	      "%llu failed of %u, %llu done of %u",
	      (unsigned long long)status.failed, bad,
	      (unsigned long long)status.completed, good + 1);
	CHECK(status.irq & VGPU_QUEUE_IRQ_ERROR && !r.bell->error,
	      "interrupts 0x%x, error %d", status.irq, r.bell->error);
	for (i = 1; i < 200; i += 2)
		CHECK(words[i] == i, "word %u is %u", i, words[i]);
}

/* What was taken cannot be changed any more. */
static void overwritten(void)
{
	struct vgpu_cmd cmd;
	uint32_t gate, *words;
	unsigned int i;
	struct ring r;

	ring_new(&r, SLOTS);
	words = r.data->cpu;
	gate = st_timeline(r.fd, NULL);
	cmd = st_sync(VGPU_CMD_WAIT, gate, 1);
	put(&r, SLOTS, &cmd);
	for (i = 0; i < 6; i++) {
		cmd = st_fill(r.data->va + i * 4, 4, i + 1);
		put(&r, SLOTS, &cmd);
	}
	/* it is busy, so it would not look by itself yet */
	kick(&r);
	for (i = 0; i < 10000 && r.bell->head != 7; i++)
		st_sleep_ms(1);
	CHECK(r.bell->head == 7, "only %u slots taken", r.bell->head);
	memset((void *)r.slots, 0xff, SLOTS * 64);
	CHECK_OK(CALL(r.fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		      .timeline = gate, .value = 1 }));
	drain(&r, SLOTS, 1);
	for (i = 0; i < 6; i++)
		CHECK(words[i] == i + 1, "word %u is %u", i, words[i]);
}

/* More than the queue's depth waits in the ring and is not lost. */
static void deeper(void)
{
	struct vgpu_queue_create q = {
		.flags = VGPU_QUEUE_RING, .ring_slots = 64, .depth = 4,
	};
	struct vgpu_queue_status status;
	uint32_t gate, *words;
	struct vgpu_cmd cmd;
	unsigned int i;
	struct ring r;

	ring_new(&r, 64);
	words = r.data->cpu;
	CHECK_OK(st_close(r.fd, r.queue));
	q.ctx = r.gpu.ctx->handle;
	q.ring_bo = r.bo->handle;
	NEED_OK(CALL(r.fd, VGPU_IOCTL_QUEUE_CREATE, &q));
	r.queue = q.handle;
	r.bell = &r.bells[q.doorbell];
	CHECK(!r.bell->tail && !r.bell->head && !r.bell->error,
	      "a new queue's doorbell is used");
	gate = st_timeline(r.fd, NULL);
	cmd = st_sync(VGPU_CMD_WAIT, gate, 1);
	put(&r, 64, &cmd);
	for (i = 0; i < 50; i++) {
		cmd = st_fill(r.data->va + i * 4, 4, i + 1);
		put(&r, 64, &cmd);
	}
	st_sleep_ms(50);
	st_status(r.fd, r.queue, 0, &status);
	CHECK(status.pending <= 4, "%u pending in a queue of 4",
	      status.pending);
	CHECK_OK(CALL(r.fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		      .timeline = gate, .value = 1 }));
	drain(&r, 64, 1);
	for (i = 0; i < 50; i++)
		CHECK(words[i] == i + 1, "word %u is %u", i, words[i]);
}

static void open_gate(struct ring *r, uint32_t gate)
{
	CHECK_OK(CALL(r->fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		      .timeline = gate, .value = 1 }));
}

/*
 * Who has something to do is not kicked for each command: at most for each half
 * ring, and takes no less for that before its producer has to wait.
 */
static void busy(void)
{
	static const uint32_t sizes[] = { 2, 4, 8, 64 };
	unsigned int i, n, count = 200;

	for (n = 0; n < 4; n++) {
		uint32_t slots = sizes[n], gate, *words;
		/* few at first, when it is not busy yet */
		unsigned int most = 6 + count / (slots / 2);
		struct vgpu_cmd cmd;
		struct ring r;

		ring_new(&r, slots);
		words = r.data->cpu;
		gate = st_timeline(r.fd, NULL);
		cmd = st_sync(VGPU_CMD_WAIT, gate, 1);
		put(&r, slots, &cmd);
		/* put() ends the case if these do not get in */
		for (i = 0; i < count; i++) {
			cmd = st_fill(r.data->va + i * 4, 4, i + 1);
			put(&r, slots, &cmd);
		}
		CHECK(r.kicks <= most, "%u slots: %u kicks for %u commands, at most %u",
		      slots, r.kicks, count, most);
		open_gate(&r, gate);
		drain(&r, slots, 1);
		for (i = 0; i < count; i++)
			CHECK(words[i] == i + 1, "%u slots: word %u is %u",
			      slots, i, words[i]);
	}
}

/* What was written without a kick is seen when what was there before is done. */
static void unkicked(void)
{
	unsigned int i, n, before;
	uint32_t gate, *words;
	struct vgpu_cmd cmd;
	struct ring r;

	for (before = 4; before <= 20; before += 4) {
		ring_new(&r, 64);
		words = r.data->cpu;
		gate = st_timeline(r.fd, NULL);
		cmd = st_sync(VGPU_CMD_WAIT, gate, 1);
		put(&r, 64, &cmd);
		for (i = 0; i < before; i++) {
			cmd = st_fill(r.data->va + i * 4, 4, i + 1);
			put(&r, 64, &cmd);
		}
		kick(&r);
		/* it has seen the end, and says that it need not be kicked */
		for (n = 0; n < 10000 && r.bell->event == r.bell->tail; n++)
			st_sleep_ms(1);
		CHECK(r.bell->event != r.bell->tail,
		      "%u commands, and it wants a kick for the next", before);
		r.kicks = 0;
		for (; i < before + 5; i++) {
			cmd = st_fill(r.data->va + i * 4, 4, i + 1);
			put(&r, 64, &cmd);
		}
		CHECK(!r.kicks, "%u kicks after %u commands", r.kicks, before);
		open_gate(&r, gate);
		for (n = 0; n < 20000 && words[i - 1] != i; n++)
			st_sleep_ms(1);
		for (i = 0; i < before + 5; i++)
			CHECK(words[i] == i + 1, "after %u: word %u is %u; head %u, tail %u",
			      before, i, words[i], r.bell->head, r.bell->tail);
		drain(&r, 64, 1);
	}
}

static bool wants_kick(struct ring *r)
{
	unsigned int i;

	for (i = 0; i < 5000 && r->bell->event != r->bell->tail; i++)
		st_sleep_ms(1);
	return i < 5000;
}

/*
 * The engine is done with each command before the next one comes.  Nobody waits for
 * one, so they are looked for; what nobody looks for any more has to be kicked.
 */
static void slower(void)
{
	const unsigned int count = 500;
	unsigned int i, n, round;
	volatile uint32_t *words;
	struct ring r;

	ring_new(&r, 64);
	words = r.data->cpu;
	for (round = 0; round < 3; round++) {
		r.kicks = 0;
		for (i = 0; i < count; i++) {
			struct vgpu_cmd cmd = st_fill(r.data->va + i * 4, 4,
						      round + i + 1);

			put(&r, 64, &cmd);
			for (n = 0; n < 1000000 && words[i] != round + i + 1; n++)
				;
		}
		/* one, unless we are off the CPU for longer than it looks */
		CHECK(r.kicks <= count / 10, "round %u: %u kicks for %u commands",
		      round, r.kicks, count);
		/* the one with a signal knows at once that nothing comes */
		if (round == 1)
			drain(&r, 64, 1);
		CHECK(wants_kick(&r), "round %u: it wants no kick; tail %u, head %u, event %u",
		      round, r.bell->tail, r.bell->head, r.bell->event);
		for (i = 0; i < count; i++)
			CHECK(words[i] == round + i + 1, "round %u: word %u is %u",
			      round, i, words[i]);
	}
	/* closed while it would look again */
	for (i = 0; i < 20; i++) {
		struct vgpu_cmd cmd = st_fill(r.data->va, 4, i);

		put(&r, 64, &cmd);
		CHECK_OK(st_close(r.fd, r.queue));
		ring_queue(&r, 64);
	}
}

/* Doorbells of nobody, of others, and the consumer's own fields. */
static void doorbells(void)
{
	struct vgpu_queue_status status;
	struct ring r, other;
	struct vgpu_cmd cmd;
	uint32_t i;

	ring_new(&r, SLOTS);
	ring_new(&other, SLOTS);
	for (i = 0; i < 256; i++) {
		if (i == r.index)
			continue;
		r.bells[i].tail = (uint32_t)st_random();
		r.bells[i].head = (uint32_t)st_random();
		r.bells[i].event = (uint32_t)st_random();
	}
	kick(&r);
	CHECK_ERR(CALL(r.fd, VGPU_IOCTL_KICK, &(struct vgpu_kick) {
		       .queue = vgpu_queue_handle(r.gpu.queue) }), -EINVAL,
		  "(a queue without a ring)");
	drain(&r, SLOTS, 1);
	drain(&other, SLOTS, 1);
	st_status(other.fd, other.queue, 0, &status);
	CHECK(!status.irq && status.submitted == 1,
	      "the neighbour's ring: interrupts 0x%x, %llu taken", status.irq,
	      (unsigned long long)status.submitted);
	CHECK(other.bells[(other.index + 1) % 256].tail == 0,
	      "the neighbour's page shows our doorbells");

	/* head, event and error are ours to see, not to set */
	r.bell->head = 12345;
	r.bell->error = -1;
	r.bell->event = 77;
	cmd = st_sync(VGPU_CMD_SIGNAL, r.timeline, 2);
	memcpy((void *)&r.slots[1], &cmd, sizeof(cmd));
	__atomic_store_n(&r.bell->tail, 2, __ATOMIC_RELEASE);
	kick(&r);
	CHECK_OK(st_wait(r.fd, r.timeline, 2, 10 * SEC));
	st_sleep_ms(20);
	CHECK(r.bell->head == 2, "head %u after it was overwritten",
	      r.bell->head);
}

/* The ring's memory goes away under it. */
static void pulled(void)
{
	struct ring r;

	ring_new(&r, SLOTS);
	drain(&r, SLOTS, 1);
	CHECK_OK(st_close(r.fd, r.bo->handle));	/* the queue still has it */
	CHECK(st_touch((void *)r.slots, false) == SIGBUS,
	      "the closed ring is still mapped");
	r.bell->tail++;		/* whatever lies there now: no more than failing */
	kick(&r);
	st_sleep_ms(50);
	CHECK_OK(st_close(r.fd, r.queue));
	st_run_one(r.fd, vgpu_queue_handle(r.gpu.queue),
		   st_fill(r.data->va, 4, 9));
}

static const struct st_case cases[] = {
	{ "normal", normal },
	{ "wraps", wraps },
	{ "overrun", overrun },
	{ "scribbled", scribbled },
	{ "overwritten", overwritten },
	{ "deeper", deeper },
	{ "a busy queue is hardly ever kicked", busy },
	{ "what was written without a kick", unkicked },
	{ "a producer that is slower than the engine", slower },
	{ "doorbells", doorbells },
	{ "pulled", pulled },
};

ST_MAIN(cases)
