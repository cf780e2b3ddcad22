// SPDX-License-Identifier: GPL-2.0
/*
 * Evicted memory that the system takes to its swap: it comes back as it was, goes
 * with its owner, and nobody else sees any of it. To be run with swap space, and
 * `vgpuctl mem set 0 --overcommit 3 --tier-limit 64K`.
 *
 * $VGPU_BADBLOCKS: a file of null_blk's, that makes the disk fail.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "gpu.h"

#define PAGE	4096u
#define STAGE	16u		/* pages that an engine copies at once */
#define MIB	(1024 * 1024ull)

struct tenant {
	struct gpu gpu;
	struct vgpu_bo *bo, *stage;
	uint64_t pages;
};

static void tenant_open(struct tenant *t)
{
	struct vgpu_info info;
	int ret;

	gpu_new(&t->gpu, 8, 100);
	st_info(t->gpu.vgpu.fd, &info);
	/* the rest is for tables */
	t->pages = info.vram_bytes / 10 * 8 / PAGE & ~15ull;
	ret = vgpu_alloc(t->gpu.vm, t->pages * PAGE,
			 VGPU_PROT_READ | VGPU_PROT_WRITE, 0, &t->bo);
	NEED(!ret, "%llu pages: %s", (unsigned long long)t->pages, vgpu_error());
	t->stage = gpu_bo(&t->gpu, STAGE * PAGE, 0);
}

static void tenant_close(struct tenant *t)
{
	vgpu_bo_destroy(t->bo);
	gpu_free(&t->gpu, t->stage);
	gpu_close(&t->gpu);
	NEED_OK(st_destroy(&t->gpu.vgpu));
}

static char *page_cpu(struct tenant *t, uint64_t page)
{
	return (char *)t->bo->cpu + page * PAGE;
}

static void fill(struct tenant *t, uint64_t seed)
{
	uint64_t page;

	for (page = 0; page < t->pages; page++)
		gpu_fill_noise(page_cpu(t, page), PAGE, seed + page);
}

/* Another comes, uses as much as there is, and goes: what was in VRAM is evicted. */
static void push_out(void)
{
	struct tenant other;
	uint64_t page;

	tenant_open(&other);
	for (page = 0; page < other.pages; page++)
		page_cpu(&other, page)[page % PAGE] = 1;
	tenant_close(&other);
}

static bool is_noise(const void *at, uint64_t seed)
{
	uint64_t want[PAGE / 8];

	gpu_fill_noise(want, PAGE, seed);
	return !memcmp(want, at, PAGE);
}

/* Pages [@page, @page + STAGE), as an engine sees them. */
static unsigned int differ_by_engine(struct tenant *t, uint64_t page, uint64_t seed)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_COPY,
		.copy = { .dst = t->stage->va, .src = t->bo->va + page * PAGE,
			  .bytes = STAGE * PAGE },
	};
	unsigned int i, bad = 0;

	NEED(vgpu_submit(t->gpu.queue, &cmd, 1, 60 * SEC) == 1, "submit");
	NEED_OK(gpu_finish(&t->gpu, 120 * SEC));
	for (i = 0; i < STAGE; i++)
		bad += !is_noise((char *)t->stage->cpu + i * PAGE,
				 seed + page + i);
	return bad;
}

/* All of it, by an engine and by the CPU in turns. */
static unsigned int differ(struct tenant *t, uint64_t seed)
{
	uint64_t page, i;
	unsigned int bad = 0;

	for (page = 0; page < t->pages; page += STAGE) {
		if (page / STAGE % 2) {
			bad += differ_by_engine(t, page, seed);
			continue;
		}
		for (i = page; i < page + STAGE; i++)
			bad += !is_noise(page_cpu(t, i), seed + i);
	}
	return bad;
}

static unsigned long long swapped(const char *dir)
{
	return cgroup_figure(dir, "memory.swap.current", NULL);
}

/* The system needs memory: at least @bytes of the group's go to swap. */
static void swap_out(const char *dir, unsigned long long bytes)
{
	uint64_t end = st_now_ns() + 60 * SEC;

	while (swapped(dir) < bytes && st_now_ns() < end) {
		/* as much as there is; it says so when there is no more now */
		cgroup_put(dir, "memory.reclaim", "512M");
		st_sleep_ms(20);
	}
	NEED(swapped(dir) >= bytes, "%llu bytes swapped of %llu", swapped(dir),
	     bytes);
}

/* It is given back when who had it goes: all but what a program of ours is. */
static bool swap_is_given_back(const char *dir)
{
	uint64_t end = st_now_ns() + 30 * SEC;

	while (swapped(dir) > MIB && st_now_ns() < end)
		st_sleep_ms(20);
	return swapped(dir) <= MIB;
}

static void comes_back(void)
{
	unsigned long long before;
	char dir[CGROUP_PATH];
	unsigned int round;
	struct tenant t;

	cgroup_new(dir);
	NEED(cgroup_put(dir, "cgroup.procs", "0"), "cannot join %s", dir);
	tenant_open(&t);
	for (round = 0; round < 2; round++) {
		fill(&t, round * t.pages);
		push_out();
		swap_out(dir, t.pages * PAGE / 4);
		before = swapped(dir);
		CHECK(!differ(&t, round * t.pages), "memory is not what it was");
		st_note("%llu KiB of %llu were swapped", before / 1024,
			(unsigned long long)t.pages * PAGE / 1024);
	}
	tenant_close(&t);
	CHECK(swap_is_given_back(dir), "%llu bytes still swapped", swapped(dir));
	CHECK(cgroup_figure(dir, "memory.events", "oom_kill") == 0,
	      "something was killed for memory");
	/* the harness ends who is in there */
	cgroup_put("/sys/fs/cgroup", "cgroup.procs", "0");
	rmdir(dir);
}

/* A group that is too small for what it has: its own memory is swapped for more. */
static void small_group(void)
{
	uint64_t end = st_now_ns() + 60 * SEC;
	char dir[CGROUP_PATH];
	struct tenant t;

	cgroup_new(dir);
	NEED(cgroup_put(dir, "cgroup.procs", "0"), "cannot join %s", dir);
	tenant_open(&t);
	NEED(cgroup_put(dir, "memory.max", "4M"), "cannot limit it");
	fill(&t, 99);
	push_out();
	/* nobody asks for it but who moves the memory to files */
	while (swapped(dir) < 2 * MIB && st_now_ns() < end)
		st_sleep_ms(20);
	CHECK(swapped(dir) >= 2 * MIB, "%llu bytes swapped", swapped(dir));
	CHECK(!differ(&t, 99), "memory is not what it was");
	st_note("at its limit %llu times, %llu KiB swapped",
		cgroup_figure(dir, "memory.events", "max"), swapped(dir) / 1024);
	CHECK(cgroup_figure(dir, "memory.events", "oom_kill") == 0,
	      "something was killed for memory");
	tenant_close(&t);
	CHECK(swap_is_given_back(dir), "%llu bytes still swapped", swapped(dir));
	cgroup_put("/sys/fs/cgroup", "cgroup.procs", "0");
	rmdir(dir);
}

/* Fills its memory, has it swapped, and uses it until it is killed. */
static void use_forever(const char *dir, int ready)
{
	struct tenant t;
	char c = 0;

	NEED(cgroup_put(dir, "cgroup.procs", "0"), "cannot join %s", dir);
	tenant_open(&t);
	fill(&t, 1000);
	push_out();
	swap_out(dir, t.pages * PAGE / 4);
	NEED(write(ready, &c, 1) == 1, "pipe");
	while (!differ(&t, 1000))
		push_out();
	_exit(1);
}

/* Every byte that there is to be had. */
static void see_zeros(void)
{
	unsigned int bad = 0;
	struct tenant t;
	uint64_t page;

	tenant_open(&t);
	for (page = 0; page < t.pages; page++) {
		const char *at = page_cpu(&t, page);

		bad += at[0] || memcmp(at, at + 1, PAGE - 1);
	}
	CHECK(!bad, "%u pages with something in them", bad);
	_exit(bad ? 1 : 0);
}

/* Who is killed takes all with it; who comes next sees nothing of it. */
static void killed_midway(void)
{
	char dir[CGROUP_PATH], c;
	int ready[2], status;
	unsigned int i;
	pid_t pid;

	cgroup_new(dir);
	for (i = 0; i < 4; i++) {
		NEED(!pipe(ready), "pipe");
		pid = fork();
		NEED(pid >= 0, "fork");
		if (!pid)
			use_forever(dir, ready[1]);
		close(ready[1]);
		NEED(read(ready[0], &c, 1) == 1, "the tenant got nowhere");
		close(ready[0]);
		st_sleep_ms((unsigned int)st_below(400));
		kill(pid, SIGKILL);
		NEED(waitpid(pid, &status, 0) == pid, "waitpid");
		CHECK(WIFSIGNALED(status), "wrong memory, ended with %#x", status);
		CHECK(swap_is_given_back(dir), "%llu bytes still swapped",
		      swapped(dir));

		pid = fork();
		NEED(pid >= 0, "fork");
		if (!pid)
			see_zeros();
		NEED(waitpid(pid, &status, 0) == pid, "waitpid");
		CHECK(!status, "who came next ended with %#x", status);
	}
	rmdir(dir);
}

/* Which sectors can't be read: "+0-99" for some more, "-0-99" for some less. */
static bool disk_fails(const char *sectors)
{
	FILE *f = fopen(getenv("VGPU_BADBLOCKS") ?: "", "w");
	bool ok = f && fputs(sectors, f) >= 0;

	if (f)
		ok &= !fclose(f);
	return ok;
}

/* Reads all by the engine: how much is lost; the rest is right. */
static unsigned int lost(struct tenant *t, uint64_t seed)
{
	unsigned int i, gone = 0, bad = 0;
	uint64_t page;

	for (page = 0; page < t->pages; page += STAGE) {
		struct vgpu_cmd cmd = {
			.op = VGPU_CMD_COPY,
			.copy = { .dst = t->stage->va, .bytes = STAGE * PAGE,
				  .src = t->bo->va + page * PAGE },
		};
		int ret;

		NEED(vgpu_submit(t->gpu.queue, &cmd, 1, 60 * SEC) == 1, "submit");
		ret = gpu_finish(&t->gpu, 120 * SEC);
		if (ret) {
			CHECK_ERR(ret, -EIO, "of page %llu",
				  (unsigned long long)page);
			gone += STAGE;
			continue;
		}
		for (i = 0; i < STAGE; i++)
			bad += !is_noise((char *)t->stage->cpu + i * PAGE,
					 seed + page + i);
	}
	CHECK(!bad, "%u pages that are wrong, and nobody was told", bad);
	return gone;
}

/* What can't be read any more is its owner's loss, who is told, and nobody else's. */
static void failing_disk(void)
{
	struct tenant t, other;
	char dir[CGROUP_PATH];
	unsigned int gone;

	if (!getenv("VGPU_BADBLOCKS"))
		st_skip("the disk can't fail");
	/* what is to be lost is the GPU's memory, and no stack or heap of ours */
	NEED(!mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	tenant_open(&other);
	fill(&other, 7);
	cgroup_new(dir);
	NEED(cgroup_put(dir, "cgroup.procs", "0"), "cannot join %s", dir);
	tenant_open(&t);
	fill(&t, 77);
	/* the other's comes in, in its place; none of that was the group's */
	CHECK(!differ(&other, 7), "memory is not what it was");
	swap_out(dir, t.pages * PAGE / 4);
	NEED(disk_fails("+0-200000"), "the disk does not fail");
	gone = lost(&t, 77);
	CHECK(!differ(&other, 7), "another's memory is not what it was");
	NEED(disk_fails("-0-200000"), "the disk fails for ever");
	st_note("%u pages of %llu lost", gone, (unsigned long long)t.pages);
	CHECK(gone >= t.pages / 8 && gone < t.pages, "%u pages lost", gone);
	/* it can be used anew, but what was lost is */
	CHECK(lost(&t, 77) <= gone, "more was lost");
	tenant_close(&t);
	tenant_close(&other);
	cgroup_put("/sys/fs/cgroup", "cgroup.procs", "0");
	rmdir(dir);
}

static const struct st_case cases[] = {
	{ "what was swapped comes back", comes_back, 300 },
	{ "a group that is too small", small_group, 300 },
	{ "killed while its memory is swapped, and the next sees zeros",
	  killed_midway, 300 },
	{ "a disk that fails", failing_disk, 300 },
};

ST_MAIN(cases)
