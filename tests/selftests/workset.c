// SPDX-License-Identifier: GPL-2.0
/*
 * Loads for `make bench-mem`, on a GPU that promises more memory than it has: a
 * tenant with a set of pages that it goes over in order, at random or by Zipf's
 * law, and one that keeps within its share. Each looks at every page that it gets
 * back. Times are ns of CLOCK_BOOTTIME, as in events.
 *
 * $VGPU_CHUNKS: size of the set, in chunks of 64 KiB. $VGPU_WARM, $VGPU_ACCESSES:
 * how many accesses before it counts, and then; --seconds: that long instead.
 * $VGPU_FIGURES: what to run before the first and after the last that counts.
 * $VGPU_ENGINE: the thread that is the engine.
 * $VGPU_UNTIL: a file; once it is there, who keeps within its share ends.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gpu.h"

#define PAGE		4096u
#define CHUNK		65536u
#define CHUNK_PAGES	(CHUNK / PAGE)
#define STAMP		64u		/* bytes that each access writes */
#define SEQ_STEP	4u		/* pages from one access to the next */
#define COPY		(2 * CHUNK)	/* of who keeps within its share */
#define BATCH		4u

struct set {
	struct gpu gpu;
	struct vgpu_bo *bo, *copy;
	uint32_t chunks, pages;
	uint32_t *stamp;		/* last that was written to each page */
	uint32_t *place;		/* of each rank, for Zipf's law */
	double *below;			/* how likely a rank is so low */
};

static uint64_t boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned int setting(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned int)strtoul(text, NULL, 0) : otherwise;
}

/* Half of it noise, half text: what a codec makes about half as large. */
static void contents(uint32_t page, uint32_t stamp, uint32_t *at)
{
	uint32_t x = 0x9e3779b9u * (page + 1), i;

	for (i = 0; i < PAGE / 8; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		at[2 * i] = x;
		at[2 * i + 1] = 0x20746f6e;
	}
	for (i = 0; i < STAMP / 4; i++)
		at[i] = stamp;
}

static void set_open(struct set *s)
{
	const char *ctl = getenv("VGPUCTL");
	struct vgpu_info info;
	char line[256];
	uint32_t page, i;
	double sum = 0;

	gpu_new(&s->gpu, 8, 100);
	s->chunks = setting("VGPU_CHUNKS", 64);
	s->pages = s->chunks * CHUNK_PAGES;
	/* as much as it may ever have */
	st_info(s->gpu.vgpu.fd, &info);
	snprintf(line, sizeof(line), "%s vgpu set %u --vram %llu >/dev/null",
		 ctl ? ctl : "vgpuctl", s->gpu.vgpu.id,
		 2ull * info.vram_bytes);
	NEED(!system(line), "no memory to be had");
	s->bo = gpu_bo(&s->gpu, (uint64_t)s->chunks * CHUNK, 0);
	s->copy = gpu_bo(&s->gpu, PAGE, 0);
	s->stamp = calloc(s->pages, sizeof(*s->stamp));
	s->place = calloc(s->chunks, sizeof(*s->place));
	s->below = calloc(s->chunks, sizeof(*s->below));
	NEED(s->stamp && s->place && s->below, "no memory");
	for (page = 0; page < s->pages; page++)
		contents(page, 0, (uint32_t *)((char *)s->bo->cpu +
					       (uint64_t)page * PAGE));
	for (i = 0; i < s->chunks; i++) {
		uint32_t k = st_below(i + 1);

		s->place[i] = s->place[k];
		s->place[k] = i;
		sum += 1 / pow(i + 1, 0.99);
		s->below[i] = sum;
	}
	for (i = 0; i < s->chunks; i++)
		s->below[i] /= sum;
}

static void check(struct set *s, uint32_t page, const void *at)
{
	uint32_t want[PAGE / 4];

	contents(page, s->stamp[page], want);
	NEED(!memcmp(at, want, PAGE), "page %u is not as it was", page);
}

/* The engine reads a page and writes to it. */
static void access_page(struct set *s, uint32_t page, uint32_t stamp)
{
	uint64_t va = s->bo->va + (uint64_t)page * PAGE;
	struct vgpu_cmd cmd[2] = {
		{ .op = VGPU_CMD_COPY, .copy = { .dst = s->copy->va, .src = va,
						 .bytes = PAGE } },
		{ .op = VGPU_CMD_FILL, .fill = { .dst = va, .bytes = STAMP,
						 .pattern = stamp } },
	};

	NEED(vgpu_submit(s->gpu.queue, cmd, 2, 60 * SEC) == 2, "submit");
	NEED_OK(gpu_finish(&s->gpu, 120 * SEC));
}

static uint32_t next_in_order(struct set *s, uint32_t n)
{
	uint32_t turn = s->pages / SEQ_STEP;

	return n % turn * SEQ_STEP + n / turn % SEQ_STEP;
}

static uint32_t next_at_random(struct set *s, uint32_t n)
{
	(void)n;
	return st_below(s->pages);
}

static uint32_t next_by_zipf(struct set *s, uint32_t n)
{
	double at = (double)st_below(1u << 30) / (1u << 30);
	uint32_t lo = 0, hi = s->chunks - 1;

	(void)n;
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->below[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return s->place[lo] * CHUNK_PAGES + st_below(CHUNK_PAGES);
}

static void figures(void)
{
	const char *what = getenv("VGPU_FIGURES");

	if (what)
		NEED(!system(what), "no figures");
}

/* How long the engine was kept from a processor that it wanted, ns. */
static unsigned long long engine_waited(void)
{
	const char *line;
	unsigned long long waited = 0;

	if (!getenv("VGPU_ENGINE"))
		return 0;
	line = st_read("/proc/%s/schedstat", getenv("VGPU_ENGINE"));
	NEED(line && sscanf(line, "%*u %llu", &waited) == 1, "no schedstat");
	return waited;
}

struct span {
	uint64_t begin;
	unsigned long long waited;
};

static struct span span_begin(void)
{
	struct span s = { boottime(), engine_waited() };

	return s;
}

static void span_end(const struct span *s, uint32_t count)
{
	printf("# went %u %llu %llu %llu\n", count,
	       (unsigned long long)s->begin, (unsigned long long)boottime(),
	       engine_waited() - s->waited);
	fflush(stdout);
}

static void go_over(uint32_t (*next)(struct set *s, uint32_t n))
{
	uint32_t warm = setting("VGPU_WARM", 0), n, page;
	uint32_t count = setting("VGPU_ACCESSES", 1000);
	uint64_t end = UINT64_MAX, t;
	struct span span = { };
	static struct set s;

	set_open(&s);
	for (n = 0;; n++) {
		if (n == warm) {
			figures();
			span = span_begin();
			if (st_seconds)
				end = span.begin + st_seconds * SEC;
		}
		t = boottime();
		if (n >= warm && (st_seconds ? t >= end : n == warm + count))
			break;
		page = next(&s, n);
		access_page(&s, page, n + 1);
		if (!st_seconds)
			printf("# %s %u %llu\n", n < warm ? "warm" : "access",
			       page / CHUNK_PAGES,
			       (unsigned long long)(boottime() - t));
		check(&s, page, s.copy->cpu);
		s.stamp[page] = n + 1;
	}
	span_end(&span, n - warm);
	figures();
	for (page = 0; page < s.pages; page++)
		check(&s, page, (char *)s.bo->cpu + (uint64_t)page * PAGE);
	printf("# checked %u\n", s.pages);
	gpu_close(&s.gpu);
}

static void in_order(void)
{
	go_over(next_in_order);
}

static void at_random(void)
{
	go_over(next_at_random);
}

static void by_zipf(void)
{
	go_over(next_by_zipf);
}

/* How fast others are without all that. */
static void nothing(void)
{
	struct span span = span_begin();

	st_sleep_ms((st_seconds ?: 1) * 1000);
	span_end(&span, 0);
}

static bool all_is(const struct vgpu_bo *bo, uint64_t from, uint32_t word)
{
	const uint32_t *at = (const uint32_t *)((char *)bo->cpu + from);
	uint32_t i;

	for (i = 0; i < COPY / sizeof(*at); i++)
		if (at[i] != word)
			return false;
	return true;
}

/* Not before it is told to, and not for ever. */
static bool goes_on(uint64_t end)
{
	const char *until = getenv("VGPU_UNTIL");

	return boottime() < end && !(until && !access(until, F_OK));
}

/*
 * Copies from one place of its memory to the next, round and round. Its queue
 * is never empty: what is accepted is as much as was done.
 */
static void resident(void)
{
	uint32_t places, k = 0, i;
	struct vgpu_bo *bo;
	struct gpu gpu;
	uint64_t end;

	gpu_new(&gpu, 8, 100);
	places = setting("VGPU_CHUNKS", 64) * (uint64_t)CHUNK / COPY;
	NEED(places > 1, "no room");
	bo = gpu_bo(&gpu, places * (uint64_t)COPY, 0);
	for (i = 0; i < places * (COPY / 4); i++)
		((uint32_t *)bo->cpu)[i] = 0x5eed0000 | i / (COPY / 4);
	end = boottime() + (st_seconds ?: 10) * SEC;
	for (; goes_on(end); k++) {
		struct vgpu_cmd cmd[BATCH] = { };

		for (i = 0; i < BATCH; i++) {
			uint64_t from = (k * BATCH + i) % places;

			cmd[i].op = VGPU_CMD_COPY;
			cmd[i].copy.dst = bo->va + (from + 1) % places * COPY;
			cmd[i].copy.src = bo->va + from * COPY;
			cmd[i].copy.bytes = COPY;
		}
		NEED(vgpu_submit(gpu.queue, cmd, BATCH, 60 * SEC) == BATCH,
		     "submit");
		printf("# batch %llu\n", (unsigned long long)boottime());
	}
	NEED_OK(gpu_finish(&gpu, 120 * SEC));
	/* the first went all the way round, as far as it came */
	for (i = 0; i < places; i++)
		NEED(all_is(bo, (uint64_t)i * COPY, 0x5eed0000 |
			    (i <= k * BATCH || k * BATCH >= places ? 0 : i)),
		     "place %u is not what it should be", i);
	gpu_close(&gpu);
}

/* What others can't have, and is not pageable when it was made before. */
static void ballast(void)
{
	struct gpu gpu;

	gpu_new(&gpu, 8, 100);
	gpu_bo(&gpu, (uint64_t)setting("VGPU_CHUNKS", 64) * CHUNK, 0);
	printf("# there\n");
	fflush(stdout);
	while (goes_on(boottime() + SEC))
		st_sleep_ms(50);
	gpu_close(&gpu);
}

static const struct st_case cases[] = {
	{ "sequential", in_order, 900 },
	{ "random", at_random, 900 },
	{ "zipf", by_zipf, 900 },
	{ "nothing", nothing, 900 },
	{ "resident", resident, 900 },
	{ "ballast", ballast, 900 },
};

ST_MAIN(cases)
