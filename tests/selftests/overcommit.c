// SPDX-License-Identifier: GPL-2.0
/*
 * More memory than the GPU has: two tenants with almost all of it each, and a
 * third that fits. To be run with `vgpuctl gpu set 0 --overcommit 3` or more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "gpu.h"

#define PAGE	4096u
#define BUFFERS	4
#define REFUSED	3		/* exit status: SIGBUS, or no memory */

struct big {
	struct gpu gpu;
	struct vgpu_bo *bo[BUFFERS];
	uint64_t pages;			/* of each buffer */
	uint32_t *word;			/* what each page was filled with */
};

static struct vgpu_bo *open_big_bo(struct big *b, uint64_t bytes)
{
	struct vgpu_bo *bo;
	int ret;

	ret = vgpu_alloc(b->gpu.vm, bytes, VGPU_PROT_READ | VGPU_PROT_WRITE, 0,
			 &bo);
	NEED(!ret, "%llu bytes: %s", (unsigned long long)bytes, vgpu_error());
	return bo;
}

/* Nine tenths of the quota; the rest is for tables. */
static void big_open(struct big *b)
{
	struct vgpu_info info;
	unsigned int i;

	gpu_new(&b->gpu, 8, 100);
	st_info(b->gpu.vgpu.fd, &info);
	b->pages = info.vram_bytes / 10 * 9 / BUFFERS / PAGE & ~15ull;
	b->word = calloc(b->pages * BUFFERS, sizeof(*b->word));
	NEED(b->word, "no memory");
	for (i = 0; i < BUFFERS; i++)
		b->bo[i] = open_big_bo(b, b->pages * PAGE);
}

static uint64_t page_va(struct big *b, uint64_t page)
{
	return b->bo[page / b->pages]->va + page % b->pages * PAGE;
}

static const uint32_t *page_cpu(struct big *b, uint64_t page)
{
	return (const uint32_t *)((char *)b->bo[page / b->pages]->cpu +
				  page % b->pages * PAGE);
}

static void fill(struct big *b, uint64_t page, uint32_t word)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = page_va(b, page), .bytes = PAGE,
			  .pattern = word },
	};
	int ret = vgpu_submit(b->gpu.queue, &cmd, 1, 60 * SEC);

	NEED(ret == 1, "fill: %s", st_errno(ret));
	b->word[page] = word;
}

static void copy(struct big *b, uint64_t to, uint64_t from)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_COPY,
		.copy = { .dst = page_va(b, to), .src = page_va(b, from),
			  .bytes = PAGE },
	};
	int ret = vgpu_submit(b->gpu.queue, &cmd, 1, 60 * SEC);

	NEED(ret == 1, "copy: %s", st_errno(ret));
	b->word[to] = b->word[from];
}

static bool page_ok(struct big *b, uint64_t page)
{
	const uint32_t *at = page_cpu(b, page);
	unsigned int i;

	for (i = 0; i < PAGE / sizeof(*at); i++) {
		if (at[i] == b->word[page])
			continue;
		st_fail(__FILE__, __LINE__,
			"page %llu, word %u: %#x instead of %#x",
			(unsigned long long)page, i, at[i], b->word[page]);
		return false;
	}
	return true;
}

/* Every page once, by the engine; then at random, by engine and CPU. */
static void big_work(struct big *b, uint32_t who, unsigned int rounds)
{
	uint64_t all = b->pages * BUFFERS, page;
	unsigned int i, bad = 0;
	int ret;

	/* nobody's: what other tenants left there would be seen here */
	for (page = 0; page < all; page += 61)
		bad += !page_ok(b, page);
	NEED(!bad, "memory that was not zero when it was new");
	for (page = 0; page < all; page++)
		fill(b, page, who << 28 | page);
	ret = gpu_finish(&b->gpu, 300 * SEC);
	NEED(!ret, "fills: %s", st_errno(ret));
	for (i = 0; i < rounds && !bad; i++) {
		unsigned int n;

		for (n = 0; n < 64; n++) {
			uint64_t to = st_below(all);

			/* to itself is refused */
			copy(b, to, (to + 1 + st_below(all - 1)) % all);
		}
		ret = gpu_finish(&b->gpu, 300 * SEC);
		NEED(!ret, "copies: %s", st_errno(ret));
		for (n = 0; n < 32; n++)
			bad += !page_ok(b, st_below(all));
	}
	for (page = 0; page < all && !bad; page++)
		bad += !page_ok(b, page);
	CHECK(!bad, "tenant %u lost memory", who);
}

static void big_end(struct big *b)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		vgpu_bo_destroy(b->bo[i]);
	free(b->word);
	gpu_close(&b->gpu);
}

/* One tenant after the other: what it has is more than what is free. */
static void one_by_one(void)
{
	struct big b;

	big_open(&b);
	big_work(&b, 1, 10);
	big_end(&b);
	big_open(&b);
	big_work(&b, 2, 10);
	big_end(&b);
}

/* A child is a tenant; it fails as its parent would. */
static pid_t tenant(uint32_t who)
{
	pid_t pid = fork();

	NEED(pid >= 0, "fork");
	if (!pid) {
		struct big b;

		big_open(&b);
		big_work(&b, who, 20);
		big_end(&b);
		_exit(0);
	}
	return pid;
}

/* A third beside the two computes, and its memory is what it should be. */
static void two_and_a_neighbour(void)
{
	struct counter_run run[2];
	struct gpu neighbour;
	unsigned int done = 0, turns = 0, i;
	pid_t pid[2];
	int status;

	gpu_new(&neighbour, 1, 100);
	counter_setup(&run[0], &neighbour, 4, 8, 200);
	run[1] = run[0];
	run[1].cells = gpu_bo(&neighbour, 32 * sizeof(uint64_t), 0);
	run[1].totals = gpu_bo(&neighbour, run[0].totals->bytes, 0);
	NEED_OK(counter_start(&run[0]));
	NEED_OK(gpu_finish(&neighbour, 60 * SEC));
	pid[0] = tenant(1);
	pid[1] = tenant(2);
	while (done < 2) {
		pid_t p = waitpid(-1, &status, WNOHANG);

		if (p == pid[0] || p == pid[1]) {
			done++;
			CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
			      "a tenant ended with %#x", status);
			continue;
		}
		memset(run[1].totals->cpu, 0, run[1].totals->bytes);
		for (i = 0; i < 32; i++)
			((uint64_t *)run[1].cells->cpu)[i] =
				i * 0x9e3779b97f4a7c15u;
		CHECK_OK(counter_start(&run[1]));
		CHECK_OK(gpu_finish(&neighbour, 120 * SEC));
		CHECK(!counter_differ(&run[0], &run[1]),
		      "the neighbour's result differs");
		turns++;
	}
	st_note("the neighbour had %u turns meanwhile", turns);
	CHECK(turns > 2, "the neighbour got nowhere");
	gpu_close(&neighbour);
}

/* What is not there stays a fault, and what waits for memory can be closed. */
static void faults_and_closing(void)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_FILL,
		.fill = { .bytes = 64, .pattern = 1 },
	};
	struct big b;
	unsigned int i;

	big_open(&b);
	cmd.fill.dst = b.bo[0]->va + (1ull << 40);
	NEED(vgpu_submit(b.gpu.queue, &cmd, 1, SEC) == 1, "submit");
	CHECK_ERR(gpu_finish(&b.gpu, 60 * SEC), -EFAULT, "a wild address");
	cmd.fill.dst = page_va(&b, 5);
	NEED(vgpu_submit(b.gpu.queue, &cmd, 1, SEC) == 1, "submit");
	CHECK_OK(gpu_finish(&b.gpu, 60 * SEC));
	/* the queue, then the memory, go while commands wait for memory */
	for (i = 0; i < 300; i++)
		fill(&b, st_below(b.pages * BUFFERS), i);
	vgpu_queue_destroy(b.gpu.queue);
	b.gpu.queue = NULL;
	big_end(&b);
}

/* ---- a control group without room -------------------------------------------- */

/* How often it was at its limit. */
static unsigned long long limited(const char *dir)
{
	return cgroup_figure(dir, "memory.events", "max");
}

static void refused(int sig)
{
	(void)sig;
	_exit(REFUSED);
}

/* Fills its memory, lets others work, looks whether it is as it was. */
static void squeezed(const char *dir, int ready, int go)
{
	uint64_t page, want[PAGE / 8];
	struct big b;
	char c = 0;

	signal(SIGBUS, refused);
	NEED(cgroup_put(dir, "cgroup.procs", "0"), "cannot join %s", dir);
	big_open(&b);
	for (page = 0; page < b.pages * BUFFERS; page++)
		gpu_fill_noise((void *)page_cpu(&b, page), PAGE, page);
	NEED(write(ready, &c, 1) == 1 && read(go, &c, 1) == 1, "pipe");
	for (page = 0; page < b.pages * BUFFERS; page++) {
		gpu_fill_noise(want, PAGE, page);
		if (memcmp(want, page_cpu(&b, page), PAGE))
			_exit(1);
	}
	_exit(0);
}

/*
 * A tenant whose control group has no room for what it would have to give up
 * may be refused memory, and even be killed by its own limit.  It does not get
 * wrong memory, and who works beside it gets all.
 */
static void cgroup_without_room(void)
{
	char dir[CGROUP_PATH], c = 0;
	int ready[2], go[2], status;
	struct big b;
	pid_t pid;

	cgroup_new(dir);
	NEED(cgroup_put(dir, "memory.max", "4M"), "cannot limit it");
	NEED(!pipe(ready) && !pipe(go), "pipe");
	pid = fork();
	NEED(pid >= 0, "fork");
	if (!pid)
		squeezed(dir, ready[1], go[0]);
	close(ready[1]);
	/* it may be over already */
	if (read(ready[0], &c, 1) != 1)
		st_note("the tenant was refused memory at once");
	big_open(&b);
	big_work(&b, 2, 10);
	NEED(write(go[1], &c, 1) == 1, "pipe");
	NEED(waitpid(pid, &status, 0) == pid, "waitpid");
	st_note("at its limit %llu times, ended with %#x", limited(dir), status);
	CHECK(limited(dir), "the limit was never felt");
	if (WIFEXITED(status))
		CHECK(!WEXITSTATUS(status) || WEXITSTATUS(status) == REFUSED,
		      "wrong memory, or none at all: %d", WEXITSTATUS(status));
	else
		CHECK(WTERMSIG(status) == SIGKILL, "ended with %#x", status);
	big_end(&b);
	rmdir(dir);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * Who charges a control group above its high limit is made to wait.  Not who
 * evicts memory of a tenant in there, for another's sake.
 */
static void cgroup_above_its_high(void)
{
	int ready[2], go[2], status;
	double alone, beside;
	char dir[CGROUP_PATH], c = 0;
	struct big b;
	pid_t pid;

	cgroup_new(dir);
	alone = now();
	big_open(&b);
	big_work(&b, 2, 1);
	big_end(&b);
	alone = now() - alone;
	NEED(!pipe(ready) && !pipe(go), "pipe");
	pid = fork();
	NEED(pid >= 0, "fork");
	if (!pid)
		squeezed(dir, ready[1], go[0]);
	close(ready[1]);
	NEED(read(ready[0], &c, 1) == 1, "the tenant got nowhere");
	NEED(cgroup_put(dir, "memory.high", "1M"), "cannot limit it");
	beside = now();
	big_open(&b);
	big_work(&b, 2, 1);
	beside = now() - beside;
	st_note("%.1f s alone, %.1f s beside one above its limit", alone,
		beside);
	CHECK(beside < 4 * alone + 10, "held up by another's limit");
	big_end(&b);
	cgroup_put(dir, "memory.high", "max");
	NEED(write(go[1], &c, 1) == 1, "pipe");
	NEED(waitpid(pid, &status, 0) == pid, "waitpid");
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
	      "the tenant ended with %#x", status);
	rmdir(dir);
}

static const struct st_case cases[] = {
	{ "memory in use again and again is right", one_by_one, 300 },
	{ "two tenants of twice the memory, and a neighbour",
	  two_and_a_neighbour, 600 },
	{ "faults remain, and what waits can be closed", faults_and_closing, 60 },
	{ "a control group without room", cgroup_without_room, 300 },
	{ "a control group above its high limit", cgroup_above_its_high, 300 },
};

ST_MAIN(cases)
