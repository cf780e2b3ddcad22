// SPDX-License-Identifier: GPL-2.0
/*
 * Loads for `make bench-gate`: what it costs to ask a vGPU for something, in a machine
 * whose clock counts instructions. Prints "NAME NANOSECONDS" of one call: with all
 * rights, and with all but some that the call does not need.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nl.h"
#include "st.h"

#define ROUNDS	128u	/* nodes of the table of handles come once in 64 */
#define PARTS	40u
#define ALL	0x1ffu

struct rig {
	struct st_vgpu vgpu;
	uint32_t ctx, queue, timeline;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void allow(const struct rig *r, uint32_t rights)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, r->vgpu.id);
	nl_u32(&nl, VGPU_A_VGPU_ALLOW, rights);
	NEED_OK(nl_do(&nl));
}

static void do_status(struct rig *r)
{
	struct vgpu_queue_status arg = { .queue = r->queue };

	NEED_OK(CALL(r->vgpu.fd, VGPU_IOCTL_QUEUE_STATUS, &arg));
}

static void do_signal(struct rig *r)
{
	static uint64_t value;
	struct vgpu_signal arg = { .timeline = r->timeline, .value = ++value };

	NEED_OK(CALL(r->vgpu.fd, VGPU_IOCTL_SIGNAL, &arg));
}

static void do_timeline(struct rig *r)
{
	struct vgpu_timeline_create arg = { 0 };

	NEED_OK(CALL(r->vgpu.fd, VGPU_IOCTL_TIMELINE_CREATE, &arg));
	NEED_OK(st_close(r->vgpu.fd, arg.handle));
}

static void do_bo(struct rig *r)
{
	struct vgpu_bo_create arg = { .bytes = 4096 };

	NEED_OK(CALL(r->vgpu.fd, VGPU_IOCTL_BO_CREATE, &arg));
	NEED_OK(st_close(r->vgpu.fd, arg.handle));
}

static const struct {
	const char *name;
	void (*ask)(struct rig *r);
} asks[] = {
	{ "queue-status", do_status }, { "signal", do_signal },
	{ "timeline-create+close", do_timeline }, { "bo-create+close", do_bo },
};

static uint64_t once(struct rig *r, unsigned int i)
{
	uint64_t begin = now();
	unsigned int n;

	for (n = 0; n < ROUNDS; n++)
		asks[i].ask(r);
	return (now() - begin) / ROUNDS;
}

static void measure(void)
{
	static const uint32_t rights[] = { ALL, ALL & ~VGPU_NL_RIGHT_SHARE };
	static const char *const names[] = { "off", "on" };
	unsigned int i, part, way;
	struct rig r;

	st_vgpu(&r.vgpu, 1, 0);
	r.ctx = st_ctx(r.vgpu.fd, st_vm(r.vgpu.fd));
	r.queue = st_queue(r.vgpu.fd, r.ctx);
	r.timeline = st_timeline(r.vgpu.fd, NULL);
	for (i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		uint64_t least[2] = { UINT64_MAX, UINT64_MAX };

		/* by turns, so that both find the kernel's caches alike */
		for (part = 0; part < PARTS; part++) {
			for (way = 0; way < 2; way++) {
				uint64_t ns;

				allow(&r, rights[way]);
				ns = once(&r, i);
				/* a timer's interrupt is nobody's cost here */
				least[way] = ns < least[way] ? ns : least[way];
			}
		}
		for (way = 0; way < 2; way++)
			printf("%s %s %llu\n", asks[i].name, names[way],
			       (unsigned long long)least[way]);
	}
	fflush(stdout);
}

static const struct st_case cases[] = {
	{ "what asking costs", measure, 240 },
};

ST_MAIN(cases)
