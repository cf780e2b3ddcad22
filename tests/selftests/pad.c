// SPDX-License-Identifier: GPL-2.0
/*
 * What a vGPU can tell from when its commands end, with padding and without.
 *
 * By the clock that the grid is of, and by inequalities that hold however slow the machine
 * is: nothing shows before the point of the grid that follows its submission.  Only what
 * shows without padding needs one trial of many to be fast.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gpu.h"
#include "nl.h"

#define GRID	(100 * MS)
#define TRIALS	12u

static int set_pad(const struct gpu *g, uint64_t pad_ns, uint64_t jitter_ns)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, g->vgpu.id);
	nl_u64(&nl, VGPU_A_VGPU_PAD_NS, pad_ns);
	nl_u64(&nl, VGPU_A_VGPU_PAD_JITTER_NS, jitter_ns);
	return nl_do(&nl);
}

/* The first point of the grid behind @ns. */
static uint64_t point(uint64_t ns)
{
	return (ns / GRID + 1) * GRID;
}

struct probe {
	struct gpu gpu;
	struct vgpu_timeline *line;
	uint64_t value;
	struct counter_run shorter, longer;
};

static void probe_new(struct probe *p)
{
	memset(p, 0, sizeof(*p));
	gpu_new(&p->gpu, 1, 0);
	NEED(!vgpu_timeline_create(p->gpu.dev, 0, &p->line), "%s", vgpu_error());
	counter_setup(&p->shorter, &p->gpu, 1, 1, 1);
	p->longer = p->shorter;
	p->longer.groups = 1;
	p->longer.rounds = 3000;
}

/*
 * Starts @run just behind a point of the grid, or wherever, and returns how long it took to
 * show; @points how many points of the grid went by.
 */
static uint64_t took(struct probe *p, struct counter_run *run, uint64_t *points)
{
	struct vgpu_cmd cmd = vgpu_cmd_signal(p->line, ++p->value);
	uint64_t before = st_now_ns(), after;

	st_sleep_ms((unsigned int)((point(before) - before) / MS) + 1);
	before = st_now_ns();
	NEED(!counter_start(run), "%s", vgpu_error());
	NEED(vgpu_submit(p->gpu.queue, &cmd, 1, SEC) == 1, "%s", vgpu_error());
	NEED(!vgpu_timeline_wait(p->line, p->value, 60 * SEC), "%s", vgpu_error());
	after = st_now_ns();
	*points = after / GRID - before / GRID;
	return after - before;
}

/* As long a command as fits well between two points of the grid on this machine. */
static void calibrate(struct probe *p)
{
	uint64_t points;

	while (took(p, &p->longer, &points) > GRID / 4) {
		p->longer.rounds /= 2;
		if (p->longer.rounds < 500)
			st_skip("the machine is too slow for a grid of %llu ms", GRID / MS);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void lengths(void)
{
	uint64_t took_ns[2][2] = { { ~0ull, ~0ull }, { ~0ull, ~0ull } }, points;
	uint64_t fewest[2] = { ~0ull, ~0ull }, hist[2][4] = { { 0 } };
	unsigned int i, padded, length;
	struct probe p;

	probe_new(&p);
	calibrate(&p);
	for (padded = 0; padded < 2; padded++) {
		NEED_OK(set_pad(&p.gpu, padded ? GRID : 0, 0));
		for (i = 0; i < 2 * TRIALS; i++) {
			length = i % 2;
			took_ns[padded][length] =
				least(took_ns[padded][length],
				      took(&p, length ? &p.longer : &p.shorter,
					   &points));
			if (!padded)
				continue;
			CHECK(points > 0, "the end of a %s command showed before the next point of the grid",
			      length ? "long" : "short");
			fewest[length] = least(fewest[length], points);
			hist[length][least(points, 3)]++;
		}
	}
	st_note("without: the short one took %llu us at least, the long one %llu us",
		(unsigned long long)took_ns[0][0] / 1000,
		(unsigned long long)took_ns[0][1] / 1000);
	st_note("with a grid of %llu ms: ends of the short one by point 1, 2, later: %llu %llu %llu, of the long one: %llu %llu %llu",
		GRID / MS, (unsigned long long)hist[0][1], (unsigned long long)hist[0][2],
		(unsigned long long)hist[0][3], (unsigned long long)hist[1][1],
		(unsigned long long)hist[1][2], (unsigned long long)hist[1][3]);
	CHECK(took_ns[0][1] > took_ns[0][0],
	      "without padding a command of %llu rounds cannot be told from one of 1",
	      (unsigned long long)p.longer.rounds);
	CHECK(fewest[0] == fewest[1], "the short one took %llu points of the grid, the long one %llu",
	      (unsigned long long)fewest[0], (unsigned long long)fewest[1]);
}

/*
 * How often somebody is right who guesses from the best threshold whether his neighbour
 * was busy, permille: 500 is chance, or a little more with so few trials.
 */
static unsigned int guessed(const uint64_t *took, const bool *busy)
{
	unsigned int i, k, right, best = 0;

	for (i = 0; i < 2 * TRIALS; i++) {
		for (right = k = 0; k < 2 * TRIALS; k++)
			right += busy[k] == (took[k] >= took[i]);
		best = right > best ? right : best;
	}
	return best * 1000 / (2 * TRIALS);
}

/* A spy: what a busy neighbour does to commands of its own that last for some slices. */
static void neighbour(void)
{
	const struct spin_args none = { 0 };
	uint64_t took_ns[2 * TRIALS], points[2 * TRIALS], entry;
	unsigned int i, padded, by_time[2], by_points;
	bool busy[2 * TRIALS];
	struct gpu other;
	struct probe p;

	probe_new(&p);
	gpu_new(&other, 1, 0);
	entry = gpu_load(&other, "spin", "spin");
	calibrate(&p);
	for (padded = 0; padded < 2; padded++) {
		NEED_OK(set_pad(&p.gpu, padded ? GRID : 0, padded ? GRID / 4 : 0));
		for (i = 0; i < 2 * TRIALS; i++) {
			busy[i] = i % 2;
			if (busy[i])
				NEED(!gpu_launch(&other, entry, 1, 1, 0, &none, sizeof(none)),
				     "%s", vgpu_error());
			took_ns[i] = took(&p, &p.longer, &points[i]);
			CHECK(!padded || points[i], "an end showed before the next point of the grid");
			if (!busy[i])
				continue;
			vgpu_queue_destroy(other.queue);
			NEED(!vgpu_queue_create(other.ctx, NULL, &other.queue), "%s",
			     vgpu_error());
		}
		by_time[padded] = guessed(took_ns, busy);
	}
	by_points = guessed(points, busy);
	st_note("guesses whether a neighbour is busy that are right: without padding %u permille, with it %u by the clock and %u by points of the grid",
		by_time[0], by_time[1], by_points);
}

/* Whatever else could tell: status, errors, poll, eventfd, the page. */
static void everywhere(void)
{
	struct vgpu_queue_status st;
	struct pollfd poll_fd;
	struct vgpu_bo *bo;
	struct probe p;
	struct vgpu_cmd cmds[3];
	uint64_t before, now, told;
	unsigned int i, early = 0, n;
	int event;

	probe_new(&p);
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bo = gpu_bo(&p.gpu, 4096, 0);
	poll_fd = (struct pollfd){ .fd = vgpu_fd(p.gpu.dev), .events = POLLIN | POLLPRI };
	NEED_OK(set_pad(&p.gpu, GRID, GRID / 4));
	for (i = 0; i < TRIALS; i++) {
		/* everything that is there is taken */
		gpu_settle(&p.gpu);
		st_status(vgpu_fd(p.gpu.dev), vgpu_queue_handle(p.gpu.queue), 15, &st);
		vgpu_timeline_wait(p.line, ~0ull, 0);
		p.value++;
		NEED(!vgpu_timeline_eventfd(p.line, p.value, event), "%s", vgpu_error());
		n = (unsigned int)(st.completed + st.failed);
		cmds[0] = vgpu_cmd_fill(bo->va, 4096, i);
		cmds[1] = vgpu_cmd_copy(bo->va, bo->va + (1ull << 40), 64);	/* fails */
		cmds[2] = vgpu_cmd_signal(p.line, p.value);
		now = st_now_ns();
		st_sleep_ms((unsigned int)((point(now) - now) / MS) + 1);
		before = st_now_ns();
		NEED(vgpu_submit(p.gpu.queue, cmds, 3, SEC) == 3, "%s", vgpu_error());
		do {
			bool page = vgpu_timeline_value(p.line) == p.value;
			bool fd = read(event, &told, sizeof(told)) > 0;
			int polled = poll(&poll_fd, 1, 0);

			st_status(vgpu_fd(p.gpu.dev), vgpu_queue_handle(p.gpu.queue), 0, &st);
			now = st_now_ns();
			if (now >= point(before))
				break;	/* from here on anything may show */
			early++;
			CHECK(!page && !fd && !polled, "shown by %s %s %s %lld us before the grid's point",
			      page ? "page" : "", fd ? "eventfd" : "", polled ? "poll" : "",
			      (long long)(point(before) - now) / 1000);
			CHECK(st.completed + st.failed == n && !st.irq && st.pending == 3,
			      "QUEUE_STATUS tells of %llu ends, interrupts 0x%x, %u pending",
			      (unsigned long long)(st.completed + st.failed - n), st.irq, st.pending);
		} while (1);
		NEED(!vgpu_timeline_wait(p.line, p.value, 60 * SEC), "%s", vgpu_error());
		now = st_now_ns();
		st_status(vgpu_fd(p.gpu.dev), vgpu_queue_handle(p.gpu.queue), 0, &st);
		CHECK(st.completed + st.failed == n + 3 && st.error == -EFAULT && !st.pending,
		      "in the end %llu ended, with %s, %u pending",
		      (unsigned long long)(st.completed + st.failed - n), st_errno(st.error), st.pending);
		CHECK(((uint32_t *)bo->cpu)[5] == i, "the fill was not done");
		while (read(event, &told, sizeof(told)) > 0)
			;
	}
	st_note("looked %u times before it could show", early);
	CHECK(early, "the machine was too slow to look even once");
	close(event);
}

/* Closing, stopping or killing with ends held back: none is lost, nothing is left. */
static void ends(void)
{
	struct vgpu_queue_options options = { .depth = 8 };
	struct vgpu_queue *queue;
	struct vgpu_cmd cmds[8];
	struct vgpu_bo *bo;
	struct probe p;
	unsigned int i;

	probe_new(&p);
	bo = gpu_bo(&p.gpu, 4096, 0);
	NEED_OK(set_pad(&p.gpu, GRID, 0));
	for (i = 0; i < 8; i++)
		cmds[i] = i % 2 ? vgpu_cmd_signal(p.line, i) : vgpu_cmd_fill(bo->va, 4096, i);
	NEED(!vgpu_queue_create(p.gpu.ctx, &options, &queue), "%s", vgpu_error());
	NEED(vgpu_submit(queue, cmds, 8, SEC) == 8, "%s", vgpu_error());
	/* what runs by the next point of the grid shows; that is said by closing */
	while (((volatile uint32_t *)bo->cpu)[1023] != 6)
		st_sleep_ms(1);
	vgpu_queue_destroy(queue);
	CHECK(vgpu_timeline_value(p.line) >= 5, "of what ended before its queue was closed %llu of 7 was raised",
	      (unsigned long long)vgpu_timeline_value(p.line));

	CHECK_ERR(set_pad(&p.gpu, 101 * MS, 0), -ERANGE, "(too long)");
	CHECK_ERR(set_pad(&p.gpu, 500, 0), -ERANGE, "(too short)");
	CHECK_ERR(set_pad(&p.gpu, MS, 2 * MS), -ERANGE, "(more by chance)");
	NEED(!vgpu_queue_create(p.gpu.ctx, &options, &queue), "%s", vgpu_error());
	NEED(vgpu_submit(queue, cmds, 8, SEC) == 8, "%s", vgpu_error());
	NEED_OK(st_verb(&p.gpu.vgpu, VGPU_VERB_PAUSE));
	NEED_OK(st_verb(&p.gpu.vgpu, VGPU_VERB_RESUME));
	NEED(!vgpu_queue_finish(queue, 60 * SEC), "%s", vgpu_error());
	NEED(vgpu_submit(queue, cmds, 8, SEC) == 8, "%s", vgpu_error());
	NEED_OK(st_verb(&p.gpu.vgpu, VGPU_VERB_STOP));
}

static const struct st_case cases[] = {
	{ "short and long commands", lengths },
	{ "a busy neighbour", neighbour },
	{ "nothing shows in between", everywhere },
	{ "closed, paused and stopped", ends },
};

ST_MAIN(cases)
