// SPDX-License-Identifier: GPL-2.0
/*
 * A VM whose vGPU is paused: its CPUs never wait in a fault, where QEMU could not call
 * them.  Its BARs stay what they are, and doorbells do nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "gpu.h"
#include "nl.h"

static void verb(struct dev *d, uint32_t verb)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_VERB);
	nl_u32(&nl, VGPU_A_VGPU_ID, (uint32_t)dev_attr(d, "id"));
	nl_u32(&nl, VGPU_A_VGPU_VERB, verb);
	NEED_OK(nl_do(&nl));
}

static void paused(void)
{
	struct vgpu_queue_create queue = {
		.size = sizeof(queue), .flags = VGPU_QUEUE_RING,
		.ring_slots = 16,
	};
	volatile struct vgpu_doorbell *db;
	volatile uint32_t *cpu;
	struct vgpu_cmd *slots;
	uint32_t bo, round;
	struct dev d;
	struct gpu g;
	uint64_t at;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, PAGE, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, PAGE));
	cpu = (void *)(d.aperture + at);
	NEED_OK(gpu_vram(&g, PAGE, &queue.ring_bo, &at));
	slots = (void *)(d.aperture + at);
	queue.ctx = g.ctx;
	NEED_OK(ADMIN(&d, g.client, VGPU_CALL_QUEUE_CREATE, &queue));
	db = &d.doorbells[queue.doorbell];

	for (round = 1; round <= 4; round++) {
		uint32_t tail = db->tail;

		verb(&d, VGPU_VERB_PAUSE);
		CHECK(reg(&d, VGPU_REG_STATUS) & VGPU_STATUS_PAUSED,
		      "the status is %#x", reg(&d, VGPU_REG_STATUS));
		/* whatever it touches is there, mapped before or not */
		cpu[512] = round;
		madvise((void *)cpu, PAGE, MADV_DONTNEED);
		CHECK(cpu[512] == round, "memory has %u", cpu[512]);
		slots[tail % 16] = gpu_fill(VA_VRAM, 64, round);
		slots[(tail + 1) % 16] = gpu_signal(&g, ++g.value);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		db->tail = tail + 2;
		set_reg(&d, VGPU_REG_KICK, queue.doorbell);
		CHECK_ERR(gpu_wait(&g, g.value, 200), -ETIME, "in round %u",
			  round);
		CHECK(db->head == tail, "the ring was read up to %u", db->head);
		CHECK(cpu[0] != round, "the command was done");
		/* what it asks for is answered */
		CHECK(gpu_wait(&g, g.value - 1, 200) == 0, "the page of timelines");
		CHECK_OK(gpu_vram(&g, PAGE, &bo, &at));
		CHECK_OK(gpu_close(&g, bo));
		verb(&d, VGPU_VERB_RESUME);
		CHECK_OK(gpu_wait(&g, g.value, 30000));
		CHECK(cpu[0] == round && cpu[512] == round, "memory has %u and %u",
		      cpu[0], cpu[512]);
	}
	/* and a device that is closed while it is paused starts anew */
	verb(&d, VGPU_VERB_PAUSE);
	dev_close(&d);
	dev_open(&d);
	dev_set_up(&d);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, PAGE, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, PAGE));
	CHECK_OK(gpu_do(&g, gpu_fill(VA_VRAM, PAGE, 5)));
	dev_close(&d);
	dev_remove(&d);
}

static const struct st_case cases[] = {
	{ "paused", paused },
};

ST_MAIN(cases)
