// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is moved while it is in use: tenants allocate and free, engines and
 * CPUs read and write, kernels run, and `vgpuctl mem defrag` goes on all the time.
 * With and without over-commit. $VGPUCTL is the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE	4096u
#define BUFFERS	96
#define SECONDS	(st_seconds ? st_seconds : 4)

struct buffer {
	struct vgpu_bo *bo;
	uint32_t pages;
	uint32_t *word;			/* what each page is full of */
};

struct hoard {
	struct gpu gpu;
	struct buffer buffer[BUFFERS];
	uint32_t secret;		/* top byte of all its words */
	uint32_t next;
	unsigned int made, refused, checked;
};

static bool page_ok(struct hoard *h, struct buffer *b, uint32_t page)
{
	const uint32_t *at = (const uint32_t *)((char *)b->bo->cpu +
						(uint64_t)page * PAGE);
	unsigned int i;

	h->checked++;
	for (i = 0; i < PAGE / sizeof(*at); i++) {
		if (at[i] == b->word[page])
			continue;
		st_fail(__FILE__, __LINE__,
			"buffer %d of %u pages, page %u, word %u: %#x instead of %#x",
			(int)(b - h->buffer), b->pages, page, i, at[i],
			b->word[page]);
		return false;
	}
	return true;
}

static bool buffer_ok(struct hoard *h, struct buffer *b)
{
	uint32_t page;

	for (page = 0; page < b->pages; page++)
		if (!page_ok(h, b, page))
			return false;
	return true;
}

static uint32_t new_word(struct hoard *h)
{
	return h->secret | (++h->next & 0xffffff);
}

static void submit(struct hoard *h, const struct vgpu_cmd *cmd)
{
	int ret = vgpu_submit(h->gpu.queue, cmd, 1, 60 * SEC);

	NEED(ret == 1, "submit: %s", st_errno(ret));
}

static void fill(struct hoard *h, struct buffer *b, uint32_t page)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = b->bo->va + (uint64_t)page * PAGE,
			  .bytes = PAGE, .pattern = new_word(h) },
	};

	submit(h, &cmd);
	b->word[page] = cmd.fill.pattern;
}

/* Of any size, some of more than 2 MiB. What others left there would be seen. */
static void make(struct hoard *h, struct buffer *b)
{
	uint32_t pages = 1 + st_below(1u << st_below(7)), page;

	if (!st_below(24))
		pages = 512 + st_below(64);
	if (vgpu_alloc(h->gpu.vm, (uint64_t)pages * PAGE,
		       VGPU_PROT_READ | VGPU_PROT_WRITE, 0, &b->bo)) {
		h->refused++;
		b->bo = NULL;
		return;
	}
	h->made++;
	b->pages = pages;
	b->word = calloc(pages, sizeof(*b->word));
	NEED(b->word, "no memory");
	NEED(buffer_ok(h, b), "memory that was not zero when it was new");
	for (page = 0; page < pages; page++)
		fill(h, b, page);
}

static void unmake(struct hoard *h, struct buffer *b)
{
	NEED_OK(gpu_finish(&h->gpu, 120 * SEC));
	vgpu_bo_destroy(b->bo);
	free(b->word);
	b->bo = NULL;
}

static struct buffer *any(struct hoard *h)
{
	unsigned int i, n = st_below(BUFFERS);

	for (i = 0; i < BUFFERS; i++)
		if (h->buffer[(n + i) % BUFFERS].bo)
			return &h->buffer[(n + i) % BUFFERS];
	return NULL;
}

static void copy(struct hoard *h)
{
	struct buffer *to = any(h), *from = any(h);
	uint32_t dst, src;
	struct vgpu_cmd cmd = { .op = VGPU_CMD_COPY, .copy = { .bytes = PAGE } };

	if (!to)
		return;
	dst = st_below(to->pages);
	src = st_below(from->pages);
	if (to == from && dst == src)
		return;
	cmd.copy.dst = to->bo->va + (uint64_t)dst * PAGE;
	cmd.copy.src = from->bo->va + (uint64_t)src * PAGE;
	submit(h, &cmd);
	to->word[dst] = from->word[src];
}

/* The CPU writes, word by word: it may be taken away in between. */
static void scribble(struct hoard *h)
{
	struct buffer *b = any(h);
	volatile uint32_t *at;
	uint32_t page, word = new_word(h);
	unsigned int i;

	if (!b)
		return;
	page = st_below(b->pages);
	at = (volatile uint32_t *)((char *)b->bo->cpu + (uint64_t)page * PAGE);
	for (i = 0; i < PAGE / sizeof(*at); i++)
		at[i] = word;
	b->word[page] = word;
}

/* Who looks on has seen enough; shared with the tenants. */
static volatile bool *enough;

static void churn(struct hoard *h, unsigned int seconds)
{
	uint64_t end = st_now_ns() + seconds * SEC;
	unsigned int n;

	/* however slow the machine is, some of it must have come and gone */
	while (st_now_ns() < end || !*enough || h->made < 6 || h->checked < 100) {
		struct buffer *b = &h->buffer[st_below(BUFFERS)];

		if (b->bo)
			unmake(h, b);
		else
			make(h, b);
		for (n = 0; n < 16; n++)
			copy(h);
		NEED_OK(gpu_finish(&h->gpu, 120 * SEC));
		for (n = 0; n < 4; n++)
			scribble(h);
		for (n = 0; n < 8; n++) {
			b = any(h);
			if (b)
				NEED(page_ok(h, b, st_below(b->pages)),
				     "lost memory");
		}
	}
}

/* A child is a tenant; it fails as its parent would. */
static pid_t tenant(uint32_t who, unsigned int seconds)
{
	struct counter_run first, again;
	static struct hoard h;
	unsigned int i;
	pid_t pid;

	if (!enough)
		enough = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(enough != MAP_FAILED, "no memory");
	pid = fork();
	NEED(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	st_seed += who;
	h.secret = who << 24;
	gpu_new(&h.gpu, 4, 100);
	counter_setup(&first, &h.gpu, 4, 8, 200);
	again = first;
	again.cells = gpu_bo(&h.gpu, 32 * sizeof(uint64_t), 0);
	again.totals = gpu_bo(&h.gpu, first.totals->bytes, 0);
	NEED_OK(counter_start(&first));
	NEED_OK(gpu_finish(&h.gpu, 60 * SEC));
	churn(&h, seconds);
	/* a kernel's own memory moves, too */
	for (i = 0; i < 32; i++)
		((uint64_t *)again.cells->cpu)[i] = i * 0x9e3779b97f4a7c15u;
	NEED_OK(counter_start(&again));
	NEED_OK(gpu_finish(&h.gpu, 60 * SEC));
	NEED(!counter_differ(&first, &again), "the kernel's result differs");
	for (i = 0; i < BUFFERS; i++)
		if (h.buffer[i].bo)
			NEED(buffer_ok(&h, &h.buffer[i]), "lost memory");
	st_note("tenant %u: %u buffers, %u refused, %u pages checked", who,
		h.made, h.refused, h.checked);
	for (i = 0; i < BUFFERS; i++)
		if (h.buffer[i].bo)
			unmake(&h, &h.buffer[i]);
	gpu_close(&h.gpu);
	_exit(0);
}

static int ctl(const char *what)
{
	const char *name = getenv("VGPUCTL");
	char line[256];

	snprintf(line, sizeof(line), "%s %s >/dev/null 2>&1",
		 name ? name : "vgpuctl", what);
	return system(line);
}

/* 0, or what it said of the failure is in the log. */
static int defrag(void)
{
	const char *name = getenv("VGPUCTL");
	char line[256];
	FILE *f;

	snprintf(line, sizeof(line), "%s mem defrag 0 2>&1 >/dev/null",
		 name ? name : "vgpuctl");
	f = popen(line, "r");
	NEED(f, "popen");
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		st_note("%s", line);
	}
	return pclose(f);
}

static void two_tenants(bool ratio)
{
	unsigned int done = 0, runs = 0;
	pid_t pid[2];
	int status;

	pid[0] = tenant(1, SECONDS);
	pid[1] = tenant(2, SECONDS);
	while (done < 2) {
		pid_t p = waitpid(-1, &status, WNOHANG);

		if (p == pid[0] || p == pid[1]) {
			done++;
			CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
			      "a tenant ended with %#x", status);
			continue;
		}
		/* may be refused: more is fixed than would be their share */
		if (ratio)
			ctl(runs % 2 ? "mem set 0 --overcommit 1" :
				       "mem set 0 --overcommit 2");
		CHECK(!defrag(), "mem defrag failed");
		/* however long they take */
		*enough = ++runs >= 2;
	}
	st_note("%u runs meanwhile", runs);
}

static void as_it_is(void)
{
	two_tenants(false);
}

/* Some memory is pageable and some is not, so frames are between the rest. */
static void ratio_changes(void)
{
	two_tenants(true);
	ctl("mem set 0 --overcommit 1");
}

/* Who goes in the middle of it leaves nothing behind. */
static void killed(void)
{
	unsigned int i;
	int status;

	for (i = 0; i < 3; i++) {
		/* works until it is killed, however long that takes */
		pid_t pid = tenant(3 + i, 0);

		st_sleep_ms(300 + st_below(700));
		CHECK(!defrag(), "mem defrag failed");
		kill(pid, SIGKILL);
		NEED(waitpid(pid, &status, 0) == pid, "waitpid");
		CHECK(WIFSIGNALED(status), "ended by itself: %#x", status);
	}
	CHECK(!defrag(), "mem defrag failed");
}

/* Every second, if it is scattered at all. */
static void unasked(void)
{
	int status;
	pid_t pid;

	NEED(!ctl("mem set 0 --defrag-threshold 0% --defrag-interval 1"),
	     "mem set failed");
	pid = tenant(7, SECONDS);
	*enough = true;
	NEED(waitpid(pid, &status, 0) == pid, "waitpid");
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
	      "the tenant ended with %#x", status);
	CHECK(!ctl("mem set 0 --defrag-threshold 30% --defrag-interval 300"),
	      "mem set failed");
	CHECK(ctl("mem set 0 --defrag-interval 86401"), "a day and a second");
	CHECK(ctl("mem set 0 --defrag-threshold 101%"), "more than all");
}

/* Blocks that were moved so far, on this GPU. */
static unsigned long long moves(void)
{
	const char *name = getenv("VGPUCTL");
	unsigned long long n = 0;
	char line[4096], *at;
	FILE *f;

	snprintf(line, sizeof(line), "%s -j mem show 0", name ?: "vgpuctl");
	f = popen(line, "r");
	NEED(f, "popen");
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, "\"moves\":");
		if (at)
			n = strtoull(at + strlen("\"moves\":"), NULL, 10);
	}
	pclose(f);
	return n;
}

/*
 * A kernel counts in memory that moves, and will not stop for its neighbour: the
 * engine is reset under it, while memory of both is on its way.
 */
static void resets(void)
{
	static struct hoard bad = { .secret = 8u << 24 };
	static struct hoard good = { .secret = 9u << 24 };
	struct hoard *both[] = { &bad, &good };
	unsigned long long before = moves();
	struct spin_args args = { 0 };
	unsigned int i, k, round;
	volatile uint64_t *count;
	struct vgpu_bo *counter;
	uint64_t entry;
	int status;
	pid_t pid;

	gpu_new(&good.gpu, 4, 100);
	gpu_new(&bad.gpu, 4, 100);
	entry = gpu_load(&bad.gpu, "spin", "spin_nopreempt");
	/* what it counts in has holes around it later */
	counter = NULL;
	for (i = 0; i < BUFFERS; i++) {
		if (i == 2)
			counter = gpu_bo(&bad.gpu, PAGE, 0);
		for (k = 0; k < 2; k++)
			make(both[k], &both[k]->buffer[i]);
	}
	count = counter->cpu;
	args.counter = counter->va;
	for (round = 0; round < 2; round++) {
		uint64_t was = *count;

		for (i = round % 2; i < BUFFERS; i += 2)
			for (k = 0; k < 2; k++)
				if (both[k]->buffer[i].bo)
					unmake(both[k], &both[k]->buffer[i]);
		NEED_OK(gpu_finish(&good.gpu, 60 * SEC));
		NEED(!gpu_launch(&bad.gpu, entry, 1, 1, 0, &args, sizeof(args)),
		     "%s", vgpu_error());
		pid = fork();
		NEED(pid >= 0, "fork");
		if (!pid)
			_exit(!!defrag());
		/* somebody's turn all the time, until it is over */
		do {
			fill(&good, any(&good), 0);
			NEED_OK(gpu_finish(&good.gpu, 60 * SEC));
		} while (!waitpid(pid, &status, WNOHANG));
		CHECK(!status, "mem defrag failed: %#x", status);
		CHECK_ERR(gpu_finish(&bad.gpu, 60 * SEC), -ETIMEDOUT,
			  "(it never stops)");
		CHECK(*count > was, "it did not count");
		for (i = 0; i < BUFFERS; i++)
			for (k = 0; k < 2; k++)
				if (both[k]->buffer[i].bo)
					NEED(buffer_ok(both[k],
						       &both[k]->buffer[i]),
					     "lost memory of %u", k);
		for (i = round % 2; i < BUFFERS; i += 2)
			for (k = 0; k < 2; k++)
				make(both[k], &both[k]->buffer[i]);
	}
	before = moves() - before;
	st_note("%llu moves, 2 resets", before);
	CHECK(before > 4, "%llu moves", before);
}

static const struct st_case cases[] = {
	{ "two tenants whose memory is moved", as_it_is, 300 },
	{ "two tenants while over-commit comes and goes", ratio_changes, 300 },
	{ "killed while it is moved", killed, 120 },
	{ "moved unasked", unasked, 120 },
	{ "engine reset while it is moved", resets, 120 },
};

ST_MAIN(cases)
