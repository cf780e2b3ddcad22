// SPDX-License-Identifier: GPL-2.0
/*
 * A guest gone mad: by a seed, it scribbles over every register, doorbell,
 * ring, message, over config space and its own memory, and maps and unmaps.
 * It may ruin itself, until a reset; a neighbour on the same GPU computes all
 * the while and finds every result right.
 *
 *	fuzz --seed N --seconds S
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

#define BAR0	VFIO_PCI_BAR0_REGION_INDEX
#define BAR2	VFIO_PCI_BAR2_REGION_INDEX
#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX
#define BYTES	(1u << 20)

static uint32_t ring_bo;
static uint64_t ring_at, vram_at;

/* Numbers that hurt more often than random ones. */
static uint32_t nasty(void)
{
	static const uint32_t list[] = {
		0, 1, 2, 4, 7, 8, 16, 63, 64, 255, 256, 4095, 4096, 0x7fffffff,
		0x80000000, 0xffffffff, 0xfffffffe, 0xfffff000, VGPU_CALL_INFO,
		VGPU_CALL_END, 1 << 20, (1 << 20) + 1,
	};

	return st_below(2) ? list[st_below(sizeof(list) / sizeof(*list))] :
			     (uint32_t)st_random();
}

static void scribble_register(struct dev *d)
{
	uint8_t buf[64];
	size_t n = st_below(4) ? 4 : 1 + st_below(sizeof(buf));
	uint32_t value = nasty();
	uint64_t at;

	memset(buf, st_random(), sizeof(buf));
	memcpy(buf, &value, sizeof(value));
	at = st_below(4) ? st_below(VGPU_REG_END / 4 + 2) * 4 :
			   st_below(VGPU_BAR0_SIZE);
	/* resets are rare, or nothing else would happen */
	if (at <= VGPU_REG_CONTROL && at + n > VGPU_REG_CONTROL && st_below(20))
		return;
	dev_write(d, BAR0, at, buf, n);
	dev_read(d, BAR0, at, buf, n);
}

static void scribble_doorbells(struct dev *d)
{
	volatile uint32_t *words = (void *)d->doorbells;
	int i;

	for (i = 0; i < 8; i++)
		words[st_below(PAGE / 4)] = nasty();
	words = (void *)d->timelines;
	words[st_below(PAGE / 4)] = nasty();
	set_reg(d, VGPU_REG_KICK, st_below(8) ? st_below(4) : nasty());
}

static void scribble_ring(struct dev *d)
{
	struct vgpu_cmd *slots = (void *)(d->aperture + ring_at);
	uint8_t *bytes = (void *)slots;
	uint32_t i;

	for (i = 0; i < 16; i++) {
		struct vgpu_cmd *c = &slots[st_below(64)];

		if (!st_below(3))
			memset(c, 0, sizeof(*c));
		c->op = st_below(VGPU_CMD_OP_END + 1);
		c->fill.dst = VA_VRAM + st_below(BYTES * 2);
		c->fill.bytes = nasty();
		if (!st_below(3))
			c->raw[st_below(7)] = st_random();
		if (!st_below(5))
			bytes[st_below(PAGE)] = st_random();
	}
	d->doorbells[0].tail += st_below(8) ? st_below(20) : nasty();
	set_reg(d, VGPU_REG_KICK, 0);
	/* and while the host reads it */
	for (i = 0; i < 64; i++)
		bytes[st_below(PAGE)] ^= 1 << st_below(8);
}

static void scribble_message(struct dev *d)
{
	struct vgpu_admin_msg *msg = (void *)(d->ram + ADMIN_AT);
	uint32_t *body = (void *)(msg + 1);
	int i;

	msg->seq++;
	msg->call = st_below(8) ? VGPU_CALL_INFO + st_below(16) : nasty();
	msg->client = st_below(8) ? 1 + st_below(4) : nasty();
	msg->arg_bytes = st_below(4) ? 8 * (1 + st_below(16)) : nasty();
	msg->payload_bytes = st_below(2) ? 0 : st_below(2) ? 64 : nasty();
	msg->bells = !st_below(16);
	for (i = 0; i < 40; i++)
		body[i] = st_below(3) ? st_below(8) : nasty();
	body[0] = msg->arg_bytes;
	set_reg(d, VGPU_REG_ADMIN_KICK, 1);
	for (i = 0; i < 32; i++)
		((uint32_t *)msg)[st_below(64)] = nasty();
	if (!st_below(4))
		usleep(st_below(500));
}

static void scribble_config(struct dev *d)
{
	uint8_t buf[256];
	size_t n = 1 + st_below(8), i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = st_random();
	dev_write(d, CONFIG, st_below(256), buf, n);
	dev_read(d, CONFIG, st_below(256), buf, n);
}

static void scribble_aperture(struct dev *d)
{
	uint64_t at = st_below(d->region[BAR2].size);
	uint8_t buf[32] = { 1 };

	d->aperture[at] = st_random();
	dev_write(d, BAR2, st_below(d->region[BAR2].size), buf, sizeof(buf));
}

static void scribble_memory(struct dev *d)
{
	uint64_t half = RAM_BYTES / 2;

	if (st_below(2)) {
		dma_unmap(d, half, half);
		dma_map(d, half, d->ram + half, half);
	} else {
		d->ram[st_below(RAM_BYTES)] = st_random();
	}
}

/* What the scribbling needs to get far; again after each reset. */
static void set_up(struct dev *d, struct gpu *g)
{
	struct vgpu_queue_create queue = {
		.size = sizeof(queue), .flags = VGPU_QUEUE_RING,
		.ring_slots = 64,
	};
	uint32_t bo, host;

	NEED(!ioctl(d->fd, VFIO_DEVICE_RESET), "a reset fails");
	dma_unmap(d, 0, RAM_BYTES);
	NEED_OK(dma_map(d, 0, d->ram, RAM_BYTES / 2));
	NEED_OK(dma_map(d, RAM_BYTES / 2, d->ram + RAM_BYTES / 2,
			RAM_BYTES / 2));
	dev_set_up(d);
	d->seq = 0;
	gpu_new(g, d);
	NEED_OK(gpu_vram(g, BYTES, &bo, &vram_at));
	NEED_OK(gpu_map(g, bo, VA_VRAM, BYTES));
	NEED_OK(gpu_host(g, RAM_BYTES / 2, PAGE, 64, &host));
	NEED_OK(gpu_map(g, host, VA_HOST, 64 * PAGE));
	NEED_OK(gpu_vram(g, PAGE, &ring_bo, &ring_at));
	queue.ctx = g->ctx;
	queue.ring_bo = ring_bo;
	NEED_OK(ADMIN(d, g->client, VGPU_CALL_QUEUE_CREATE, &queue));
	CHECK_OK(gpu_do(g, gpu_fill(VA_VRAM, BYTES, 1)));
}

static void go_mad(struct dev *d, uint64_t end)
{
	static void (*const what[])(struct dev *d) = {
		scribble_register, scribble_register, scribble_doorbells,
		scribble_ring, scribble_ring, scribble_message,
		scribble_message, scribble_config, scribble_aperture,
		scribble_memory,
	};
	unsigned long steps = 0, resets = 0;
	struct gpu g;
	int i;

	while (st_now_ns() < end || steps <= 100) {
		set_up(d, &g);
		resets++;
		for (i = 0; i < 400 && (st_now_ns() < end || steps <= 100); i++) {
			what[st_below(sizeof(what) / sizeof(*what))](d);
			steps++;
		}
	}
	st_note("%lu scribbles, %lu resets", steps, resets);
	set_up(d, &g);
}

/* Computes, and looks at every byte. Rounds done, or the end. */
static unsigned long compute(struct dev *d, uint64_t end)
{
	uint32_t bo, host, i, n = 0;
	uint64_t at;
	struct gpu g;

	gpu_new(&g, d);
	NEED_OK(gpu_vram(&g, BYTES, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, BYTES));
	NEED_OK(gpu_host(&g, RAM_FREE_AT, PAGE, BYTES / PAGE, &host));
	NEED_OK(gpu_map(&g, host, VA_HOST, BYTES));
	while (st_now_ns() < end || n < 3) {
		n++;
		NEED_OK(gpu_do(&g, gpu_fill(VA_VRAM, BYTES, n)));
		NEED_OK(gpu_do(&g, gpu_copy(VA_HOST, VA_VRAM, BYTES)));
		for (i = 0; i < BYTES / 4; i++) {
			uint32_t a = ((uint32_t *)(d->aperture + at))[i];
			uint32_t b = ((uint32_t *)(d->ram + RAM_FREE_AT))[i];

			NEED(a == n && b == n, "round %u, word %u: %#x %#x", n,
			     i, a, b);
		}
	}
	return n;
}

static void neighbour(void)
{
	uint64_t end = st_now_ns() + (st_seconds ? st_seconds : 15) *
		       1000000000ull;
	struct dev mad, sane;
	unsigned long rounds;
	int status;
	pid_t pid;

	dev_create(&mad, 1, 1);
	dev_create(&sane, 2, 1);
	pid = fork();
	if (!pid) {
		dev_open(&mad);
		go_mad(&mad, end);
		st_stop();
	}
	dev_open(&sane);
	dev_set_up(&sane);
	rounds = compute(&sane, end);
	st_note("the neighbour was right %lu times", rounds);
	NEED(waitpid(pid, &status, 0) == pid, "wait");
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
	      "the mad one ended with %#x", status);
	dev_close(&sane);
	dev_remove(&sane);
	dev_remove(&mad);
}

static const struct st_case cases[] = {
	{ "a neighbour gone mad", neighbour, 600 },
};

ST_MAIN(cases)
