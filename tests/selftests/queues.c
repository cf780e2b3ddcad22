// SPDX-License-Identifier: GPL-2.0
/*
 * The order among the queues of one vGPU: classes, deadlines, and that neither
 * takes anything from another vGPU.  What is measured is engine time, and order.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096u

/* A queue in a context of its own. */
struct line {
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
};

static void line_new(struct gpu *gpu, struct line *line, uint32_t sched_class)
{
	const struct vgpu_queue_options options = { .sched_class = sched_class };

	NEED(!vgpu_ctx_create(gpu->vm, 0, &line->ctx), "%s", vgpu_error());
	NEED(!vgpu_queue_create(line->ctx, &options, &line->queue), "%s",
	     vgpu_error());
}

static void line_close(struct line *line)
{
	vgpu_queue_destroy(line->queue);
	vgpu_ctx_destroy(line->ctx);
}

static struct vgpu_queue_status status_of(struct vgpu_queue *queue,
					  uint32_t clear)
{
	struct vgpu_queue_status status;

	NEED(!vgpu_queue_status(queue, clear, &status), "%s", vgpu_error());
	return status;
}

/* A kernel that never ends. */
static void spin(struct gpu *gpu, struct vgpu_queue *queue)
{
	static const struct spin_args args;
	struct vgpu_launch launch = {
		.grid = { 1, 1, 1 }, .block = { 1, 1, 1 },
		.args = &args, .args_bytes = sizeof(args),
	};

	if (!gpu->kernels[0])
		gpu_load(gpu, "spin", "spin");
	NEED(!vgpu_kernel_entry(gpu->kernels[0], "spin", &launch.entry), "%s",
	     vgpu_error());
	NEED(!vgpu_launch(queue, &launch, -1), "%s", vgpu_error());
}

static void finish(struct vgpu_queue *queue)
{
	NEED(!vgpu_queue_finish(queue, 60 * SEC), "%s", vgpu_error());
}

/* Engine time that a vGPU has had. */
static uint64_t engine_ns(const struct gpu *gpu)
{
	unsigned long long ns = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vgpu_fd(gpu->dev));
	f = fopen(path, "r");
	NEED(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "vgpu-engine-ns: %llu", &ns) == 1)
			break;
	fclose(f);
	return ns;
}

/*
 * Fifty short commands of a high queue, beside a kernel of a batch queue that
 * never ends: none waits for the end of a slice, or there would be fifty of them.
 * (The job sets slices to 100 ms.)
 */
static void overtakes(void)
{
	struct vgpu_queue_status before, after;
	struct line high, batch;
	struct vgpu_cmd cmd;
	struct vgpu_bo *bo;
	struct gpu gpu;
	unsigned int i;

	gpu_new(&gpu, 1, 0);
	bo = gpu_bo(&gpu, PAGE, 0);
	line_new(&gpu, &high, VGPU_CLASS_HIGH);
	line_new(&gpu, &batch, VGPU_CLASS_BATCH);
	spin(&gpu, batch.queue);
	cmd = st_fill(bo->va, 64, 7);
	NEED(vgpu_submit(high.queue, &cmd, 1, -1) == 1, "%s", vgpu_error());
	finish(high.queue);
	before = status_of(batch.queue, 0);
	for (i = 0; i < 50; i++) {
		NEED(vgpu_submit(high.queue, &cmd, 1, -1) == 1, "%s",
		     vgpu_error());
		finish(high.queue);
	}
	after = status_of(batch.queue, 0);
	CHECK(after.preempted - before.preempted >= 50,
	      "50 overtook, and it was stopped %llu times",
	      (unsigned long long)(after.preempted - before.preempted));
	CHECK(after.run_ns - before.run_ns < 50 * 40 * MS,
	      "it ran for %llu ms meanwhile",
	      (unsigned long long)(after.run_ns - before.run_ns) / MS);
	CHECK(after.pending == 1 && !after.failed && !after.completed,
	      "it did not go on");
	st_note("batch ran for %llu us beside each command of high",
		(unsigned long long)(after.run_ns - before.run_ns) / 50000);
}

/*
 * What runs writes its number down: the log is moved by a place, and the number
 * put in front.  Three commands, and nobody may come in between.
 */
struct order {
	struct vgpu_bo *log, *spare;
};

static void write_down(struct order *o, struct vgpu_queue *queue,
		       uint32_t number, const int64_t *due)
{
	struct vgpu_cmd cmds[3] = {
		st_copy(o->spare->va, o->log->va, 64),
		st_copy(o->log->va + 4, o->spare->va, 64),
		st_fill(o->log->va, 4, number),
	};
	int ret;

	ret = due ? vgpu_submit_due(queue, cmds, 3, *due, 0) :
		    vgpu_submit(queue, cmds, 3, 0);
	NEED(ret == 3, "%s", vgpu_error());
}

/* @want: the numbers in the order in which they ran */
static void check_order(const struct order *o, const char *what,
			const uint32_t *want, unsigned int count)
{
	const uint32_t *got = o->log->cpu;
	unsigned int i;

	for (i = 0; i < count; i++)
		CHECK(got[count - 1 - i] == want[i], "%s: number %u was %u, not %u",
		      what, i, got[count - 1 - i], want[i]);
}

static void ordered(void)
{
	static const int64_t dues[] = { 40 * SEC, 10 * SEC, 30 * SEC, 20 * SEC,
					-SEC };
	static const uint32_t edf[] = { 14, 11, 13, 12, 10 };
	static const uint32_t classes[] = { VGPU_CLASS_BATCH, VGPU_CLASS_HIGH,
					    VGPU_CLASS_NORMAL };
	static const uint32_t by_class[] = { 21, 22, 20 };
	static const uint32_t by_other[] = { 32, 30, 31 };
	struct line lines[5];
	struct order o;
	struct gpu gpu;
	unsigned int i;

	gpu_new(&gpu, 1, 0);
	o.log = gpu_bo(&gpu, PAGE, 0);
	o.spare = gpu_bo(&gpu, PAGE, 0);
	for (i = 0; i < 5; i++)
		line_new(&gpu, &lines[i], VGPU_CLASS_NORMAL);

	/* the earliest deadline first, whoever came first */
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_PAUSE));
	for (i = 0; i < 5; i++)
		write_down(&o, lines[i].queue, 10 + i, &dues[i]);
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_RESUME));
	for (i = 0; i < 5; i++)
		finish(lines[i].queue);
	check_order(&o, "deadlines", edf, 5);
	for (i = 0; i < 5; i++) {
		struct vgpu_queue_status st = status_of(lines[i].queue, 0);

		CHECK(st.deadlines_met == (i < 4 ? 3 : 0) &&
		      st.deadlines_missed == (i < 4 ? 0 : 3),
		      "queue %u: %llu met, %llu missed", i,
		      (unsigned long long)st.deadlines_met,
		      (unsigned long long)st.deadlines_missed);
	}

	/* classes come before deadlines */
	for (i = 0; i < 3; i++)
		NEED(!vgpu_queue_set_class(lines[i].queue, classes[i]), "%s",
		     vgpu_error());
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_PAUSE));
	for (i = 0; i < 3; i++)
		write_down(&o, lines[i].queue, 20 + i, i ? NULL : &dues[4]);
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_RESUME));
	for (i = 0; i < 3; i++)
		finish(lines[i].queue);
	check_order(&o, "classes", by_class, 3);

	/* and change while they wait */
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_PAUSE));
	for (i = 0; i < 3; i++)
		write_down(&o, lines[i].queue, 30 + i, NULL);
	for (i = 0; i < 3; i++)
		NEED(!vgpu_queue_set_class(lines[i].queue, classes[(i + 2) % 3]),
		     "%s", vgpu_error());
	NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_RESUME));
	for (i = 0; i < 3; i++)
		finish(lines[i].queue);
	/* normal, batch, high */
	check_order(&o, "changed", by_other, 3);
}

/* Beside a high queue that never ends batch has its 1/17. */
static void not_starved(void)
{
	struct vgpu_queue_status high_st, batch_st;
	struct line high, batch;
	struct gpu gpu;
	uint64_t all;
	double part;

	gpu_new(&gpu, 1, 0);
	line_new(&gpu, &high, VGPU_CLASS_HIGH);
	line_new(&gpu, &batch, VGPU_CLASS_BATCH);
	spin(&gpu, batch.queue);
	spin(&gpu, high.queue);
	do {
		st_sleep_ms(100);
		high_st = status_of(high.queue, 0);
		batch_st = status_of(batch.queue, 0);
		all = high_st.run_ns + batch_st.run_ns;
	} while (all < 2 * SEC);
	part = (double)batch_st.run_ns / (double)all;
	CHECK(part > 0.045 && part < 0.08, "batch had %.2f %%, high %llu ms",
	      part * 100, (unsigned long long)high_st.run_ns / MS);
	st_note("batch had %.2f %% of %llu ms of engine time", part * 100,
		(unsigned long long)all / MS);
}

/*
 * Two vGPUs of equal weight; one has whatever it can have of classes and
 * deadlines, and overtakes itself all the time.
 */
static void nothing_from_others(void)
{
	uint64_t from[2], got[2] = { 0, 0 };
	struct gpu greedy, plain;
	struct line high, late, batch;
	struct vgpu_cmd cmd;
	struct vgpu_bo *bo;
	unsigned int n = 0;
	double part;

	gpu_new(&greedy, 1, 0);
	gpu_new(&plain, 1, 0);
	bo = gpu_bo(&greedy, PAGE, 0);
	line_new(&greedy, &high, VGPU_CLASS_HIGH);
	line_new(&greedy, &late, VGPU_CLASS_HIGH);
	line_new(&greedy, &batch, VGPU_CLASS_BATCH);
	spin(&plain, plain.queue);
	spin(&greedy, batch.queue);
	spin(&greedy, greedy.queue);
	st_sleep_ms(100);
	from[0] = engine_ns(&greedy);
	from[1] = engine_ns(&plain);
	cmd = st_fill(bo->va, 4096, 7);
	while (got[0] + got[1] < 4 * SEC) {
		int ret = vgpu_submit_due(n++ % 2 ? high.queue : late.queue, &cmd,
					  1, -SEC, 0);

		NEED(ret == 1 || ret == -EAGAIN, "%s", vgpu_error());
		if (n % 8 == 0 || ret == -EAGAIN)
			st_sleep_ms(1);
		got[0] = engine_ns(&greedy) - from[0];
		got[1] = engine_ns(&plain) - from[1];
	}
	part = (double)got[1] / (double)(got[0] + got[1]);
	CHECK(part > 0.48 && part < 0.52, "the plain one had %.2f %% of %llu ms",
	      part * 100, (unsigned long long)(got[0] + got[1]) / MS);
	CHECK(status_of(high.queue, 0).deadlines_missed > 10 &&
	      !status_of(plain.queue, 0).irq, "nothing was late");
	st_note("the plain one had %.2f %% beside %u late commands", part * 100, n);
}

/* Who is late is told: once until it has looked, and nobody else. */
static void late(void)
{
	struct vgpu_queue_status status;
	struct pollfd p[2];
	struct vgpu_cmd cmd;
	struct gpu gpu, other;
	struct vgpu_bo *bo;
	unsigned int i;

	gpu_new(&gpu, 1, 0);
	gpu_new(&other, 1, 0);
	bo = gpu_bo(&gpu, PAGE, 0);
	cmd = st_fill(bo->va, 64, 7);
	p[0] = (struct pollfd) { .fd = vgpu_fd(gpu.dev), .events = POLLPRI };
	p[1] = (struct pollfd) { .fd = vgpu_fd(other.dev), .events = POLLPRI };
	NEED(vgpu_submit_due(gpu.queue, &cmd, 1, 3600 * SEC, -1) == 1, "%s",
	     vgpu_error());
	finish(gpu.queue);
	CHECK(!poll(p, 2, 0), "told of a deadline that was met");
	for (i = 0; i < 3; i++)
		NEED(vgpu_submit_due(gpu.queue, &cmd, 1, i ? -SEC : 0, -1) == 1,
		     "%s", vgpu_error());
	finish(gpu.queue);
	CHECK(poll(p, 2, 0) == 1 && p[0].revents & POLLPRI,
	      "not told of a deadline that was missed");
	status = status_of(gpu.queue, VGPU_QUEUE_IRQ_LATE);
	CHECK(status.irq == VGPU_QUEUE_IRQ_LATE, "interrupts 0x%x", status.irq);
	CHECK(status.deadlines_met == 1 && status.deadlines_missed == 3 &&
	      status.late_max_ns >= (uint64_t)SEC && !status.failed,
	      "%llu met, %llu missed, by %llu ns at most",
	      (unsigned long long)status.deadlines_met,
	      (unsigned long long)status.deadlines_missed,
	      (unsigned long long)status.late_max_ns);
	CHECK(!poll(p, 2, 0), "told twice");
	CHECK(vgpu_submit_due(gpu.queue, &cmd, 1, 86401 * SEC, 0) == -ERANGE,
	      "more than a day was taken");
}

/* Closed with deadline work waiting, gathering, and midway. */
static void closed(void)
{
	const int64_t dues[] = { -SEC, 0, MS, SEC, 3600 * SEC };
	struct line lines[6];
	struct vgpu_cmd cmd;
	struct vgpu_bo *bo;
	struct gpu gpu;
	unsigned int i, round;

	gpu_new(&gpu, 1, 0);
	bo = gpu_bo(&gpu, PAGE, 0);
	cmd = st_fill(bo->va, 64, 7);
	for (round = 0; round < 10; round++) {
		bool paused = round % 2;

		for (i = 0; i < 6; i++)
			line_new(&gpu, &lines[i], i % 3);
		if (paused)
			NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_PAUSE));
		else
			spin(&gpu, lines[round % 6].queue);
		for (i = 0; i < 30; i++)
			NEED(vgpu_submit_due(lines[i % 6].queue, &cmd, 1,
					     dues[i % 5], 0) == 1, "%s",
			     vgpu_error());
		for (i = 0; i < 6; i++)
			line_close(&lines[(i + round) % 6]);
		if (paused)
			NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_RESUME));
		NEED(vgpu_submit(gpu.queue, &cmd, 1, -1) == 1, "%s",
		     vgpu_error());
		finish(gpu.queue);
	}
	gpu_close(&gpu);
	NEED_OK(st_destroy(&gpu.vgpu));
}

static const struct st_case cases[] = {
	{ "overtakes", overtakes, 120 },
	{ "ordered", ordered },
	{ "not_starved", not_starved, 120 },
	{ "nothing_from_others", nothing_from_others, 120 },
	{ "late", late },
	{ "closed", closed },
};

ST_MAIN(cases)
