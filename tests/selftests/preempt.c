// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that is stopped hundreds of times in its middle must leave the same
 * bytes as one that nobody disturbs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"

#define WANTED	200u

static uint64_t preempted(struct gpu *gpu)
{
	struct vgpu_queue_status status;

	st_status(vgpu_fd(gpu->dev), vgpu_queue_handle(gpu->queue), 0, &status);
	return status.preempted;
}

/* Endless, and preemptible. */
static void start_hog(struct gpu *gpu, unsigned int weight)
{
	const struct spin_args args = { 0 };

	gpu_new(gpu, 1, weight);
	NEED(!gpu_launch(gpu, gpu_load(gpu, "spin", "spin"), 1, 1, 0, &args,
			 sizeof(args)), "%s", vgpu_error());
}

static uint64_t run_counter(struct counter_run *run, const char *what)
{
	uint64_t before = preempted(run->gpu), start = st_now_ns();
	int ret;

	NEED(!counter_start(run), "%s", vgpu_error());
	ret = gpu_finish(run->gpu, 100 * SEC);
	NEED(!ret, "%s: %s", what, vgpu_error());
	before = preempted(run->gpu) - before;
	st_note("%s: %llu rounds, preempted %llu times, %llu ms", what,
		(unsigned long long)run->rounds, (unsigned long long)before,
		(unsigned long long)(st_now_ns() - start) / 1000000);
	return before;
}

/* Longer and longer until it was disturbed often enough. */
static void compare(uint32_t groups, uint32_t lanes, uint64_t rounds,
		    unsigned int hogs)
{
	struct gpu calm, busy, hog[4];
	struct counter_run alone, disturbed;
	uint64_t times, at;
	unsigned int i;

	for (;; rounds *= 2) {
		gpu_new(&calm, 1, 0);
		counter_setup(&alone, &calm, groups, lanes, rounds);
		run_counter(&alone, "undisturbed");

		for (i = 0; i < hogs; i++)
			start_hog(&hog[i], 0);
		gpu_new(&busy, 1, 0);
		counter_setup(&disturbed, &busy, groups, lanes, rounds);
		times = run_counter(&disturbed, "with a competitor");

		at = counter_differ(&alone, &disturbed);
		CHECK(!at, "byte %llu differs after %llu preemptions",
		      (unsigned long long)at - 1, (unsigned long long)times);
		for (i = 0; i < hogs; i++)
			gpu_close(&hog[i]);
		gpu_close(&calm);
		gpu_close(&busy);
		for (i = 0; i < hogs; i++)
			NEED_OK(st_destroy(&hog[i].vgpu));
		NEED_OK(st_destroy(&calm.vgpu));
		NEED_OK(st_destroy(&busy.vgpu));
		if (times >= WANTED || at)
			break;
		NEED(rounds < 1u << 26, "only %llu preemptions",
		     (unsigned long long)times);
	}
}

static void one_lane(void)
{
	compare(1, 1, 50000, 1);
}

static void many_lanes(void)
{
	compare(8, 16, 2000, 1);
}

static void three_hogs(void)
{
	compare(4, 8, 2000, 3);
}

/* Two contexts of one vGPU, each in the middle of its kernel. */
static void two_contexts(void)
{
	struct counter_run alone, one, two;
	struct gpu calm, a, b;
	uint64_t at;
	int ret;

	gpu_new(&calm, 1, 0);
	counter_setup(&alone, &calm, 4, 8, 5000);
	run_counter(&alone, "undisturbed");

	gpu_new(&a, 1, 0);
	b.vgpu = a.vgpu;
	b.vgpu.fd = -1;
	gpu_open(&b, &b.vgpu);
	counter_setup(&one, &a, 4, 8, 5000);
	counter_setup(&two, &b, 4, 8, 5000);
	NEED(!counter_start(&one) && !counter_start(&two), "%s", vgpu_error());
	ret = gpu_finish(&a, 50 * SEC);
	NEED(!ret, "%s", vgpu_error());
	ret = gpu_finish(&b, 50 * SEC);
	NEED(!ret, "%s", vgpu_error());
	at = counter_differ(&alone, &one);
	CHECK(!at, "first: byte %llu differs", (unsigned long long)at - 1);
	at = counter_differ(&alone, &two);
	CHECK(!at, "second: byte %llu differs", (unsigned long long)at - 1);
	st_note("preempted %llu and %llu times",
		(unsigned long long)preempted(&a),
		(unsigned long long)preempted(&b));
}

/* Pause and resume in the middle, over and over. */
static void pauses(void)
{
	struct counter_run alone, paused;
	struct gpu calm, gpu;
	unsigned int n = 0;
	int64_t mark;
	uint64_t at;

	gpu_new(&calm, 1, 0);
	counter_setup(&alone, &calm, 4, 8, 8000);
	run_counter(&alone, "undisturbed");
	gpu_new(&gpu, 1, 0);
	counter_setup(&paused, &gpu, 4, 8, 8000);
	NEED(!counter_start(&paused), "%s", vgpu_error());
	mark = vgpu_queue_mark(gpu.queue);
	do {
		NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_PAUSE));
		NEED_OK(st_verb(&gpu.vgpu, VGPU_VERB_RESUME));
		n++;
		NEED(n < 100000, "it does not end");
	} while (vgpu_queue_wait(gpu.queue, mark, 2 * MS));
	at = counter_differ(&alone, &paused);
	CHECK(!at, "byte %llu differs after %u pauses",
	      (unsigned long long)at - 1, n);
	st_note("paused %u times, preempted %llu times", n,
		(unsigned long long)preempted(&gpu));
}

static const struct st_case cases[] = {
	{ "one_lane", one_lane, 120 },
	{ "many_lanes", many_lanes, 120 },
	{ "three_hogs", three_hogs, 120 },
	{ "two_contexts", two_contexts },
	{ "pauses", pauses },
};

ST_MAIN(cases)
