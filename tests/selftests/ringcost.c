// SPDX-License-Identifier: GPL-2.0
/*
 * Loads for `make bench-rings`: what it costs to have a command taken and ended, by
 * calls and through a ring, in a machine whose clock counts instructions. Prints
 * "WAY BATCH NANOSECONDS KICKS", of 1000 commands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu.h"

#define DEEP	32u	/* commands that wait already */
#define ROUND	192u	/* and more of them, which are measured */
#define ROUNDS	24u
#define DEPTH	256u

struct rig {
	struct gpu gpu;
	struct vgpu_queue *queue;
	struct vgpu_timeline *gate, *done;
	uint64_t point;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void take(struct rig *r, uint32_t count, uint32_t batch)
{
	struct vgpu_cmd cmd[ROUND];
	unsigned int i;
	int ret;

	for (i = 0; i < batch; i++)
		cmd[i] = vgpu_cmd_nop();
	for (i = 0; i < count; i += batch) {
		ret = vgpu_submit(r->queue, cmd, batch, 10 * SEC);
		NEED(ret == (int)batch, "%d of %u: %s", ret, batch, vgpu_error());
	}
}

static uint64_t kicks(const struct rig *r)
{
	struct vgpu_ring_figures figures;

	return vgpu_queue_ring_figures(r->queue, &figures) ? 0 : figures.kicks;
}

static uint64_t once(struct rig *r, uint32_t batch, uint64_t *kicked)
{
	struct vgpu_cmd before = vgpu_cmd_wait(r->gate, ++r->point);
	struct vgpu_cmd after = vgpu_cmd_signal(r->done, r->point);
	uint64_t begin, end;

	/* none runs before the gate is open */
	NEED(vgpu_submit(r->queue, &before, 1, 10 * SEC) == 1, "submit");
	take(r, DEEP, 1);
	st_sleep_ms(2);
	*kicked -= kicks(r);
	begin = now();
	take(r, ROUND, batch);
	NEED(vgpu_submit(r->queue, &after, 1, 10 * SEC) == 1, "submit");
	NEED_OK(vgpu_timeline_signal(r->gate, r->point));
	NEED_OK(vgpu_timeline_wait(r->done, r->point, 10 * SEC));
	end = now();
	*kicked += kicks(r);
	return end - begin;
}

static void measure(void)
{
	static const uint32_t batches[] = { 1, 8, 32 };
	unsigned int i, n, way;
	struct rig r = { .point = 0 };

	gpu_new(&r.gpu, 1, 0);
	NEED_OK(vgpu_timeline_create(r.gpu.dev, 0, &r.gate));
	NEED_OK(vgpu_timeline_create(r.gpu.dev, 0, &r.done));
	for (way = 0; way < 2; way++) {
		const struct vgpu_queue_options options = {
			.depth = DEPTH, .ring_slots = way ? DEPTH : 0,
		};

		NEED_OK(vgpu_queue_create(r.gpu.ctx, &options, &r.queue));
		for (i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
			uint64_t least = UINT64_MAX, ns, kicked = 0;

			for (n = 0; n < ROUNDS; n++) {
				ns = once(&r, batches[i], &kicked);
				/* a timer's interrupt is nobody's cost here */
				least = ns < least ? ns : least;
			}
			printf("%s %u %llu %llu\n", way ? "ring" : "call",
			       batches[i],
			       (unsigned long long)(least * 1000 / ROUND),
			       (unsigned long long)(kicked * 1000 / ROUND /
						    ROUNDS));
		}
		vgpu_queue_destroy(r.queue);
	}
	fflush(stdout);
}

static const struct st_case cases[] = {
	{ "what taking a command costs", measure, 240 },
};

ST_MAIN(cases)
