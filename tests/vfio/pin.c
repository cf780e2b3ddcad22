// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that the GPU reaches, and user space that takes it away at the
 * worst moment.  VFIO gives a driver ten tries to unpin before it BUGs.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"

#define BYTES	(4ull << 20)
#define HALF	(RAM_BYTES / 2)

static long locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	NEED(f, "/proc/self/status");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %ld", &kb) == 1)
			break;
	fclose(f);
	NEED(kb >= 0, "no VmLck");
	return kb;
}

/* Guest memory in two pieces: [0, HALF) stays, the rest comes and goes. */
static void split(struct dev *d)
{
	NEED_OK(dma_unmap(d, 0, RAM_BYTES));
	NEED_OK(dma_map(d, 0, d->ram, HALF));
	NEED_OK(dma_map(d, HALF, d->ram + HALF, HALF));
}

static void bad_addresses(void)
{
	struct dev d;
	struct gpu g;
	uint32_t bo;
	long before;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	before = locked_kb();
	CHECK_ERR(gpu_host(&g, RAM_FREE_AT + 8, PAGE, 4, &bo), -EINVAL,
		  "not at a page");
	CHECK_ERR(gpu_host(&g, RAM_BYTES, PAGE, 4, &bo), -EINVAL, "no memory");
	CHECK_ERR(gpu_host(&g, RAM_BYTES - 2 * PAGE, PAGE, 4, &bo), -EINVAL,
		  "two of four are memory");
	CHECK_ERR(gpu_host(&g, -PAGE, PAGE, 1, &bo), -EINVAL, "the last page");
	CHECK_ERR(gpu_host(&g, BAR0_AT + 0x1000, PAGE, 1, &bo), -EFAULT,
		  "its doorbells");
	NEED_OK(dma_map(&d, BAR2_AT, d.aperture,
			d.region[VFIO_PCI_BAR2_REGION_INDEX].size));
	CHECK_ERR(gpu_host(&g, BAR2_AT, PAGE, 16, &bo), -EFAULT,
		  "its aperture");
	CHECK(locked_kb() == before, "%ld KiB stay locked",
	      locked_kb() - before);
	/* the same page many times is the guest's own business */
	CHECK_OK(gpu_host(&g, RAM_FREE_AT, 0, 64, &bo));
	CHECK_OK(gpu_close(&g, bo));
	CHECK(locked_kb() == before, "%ld KiB stay locked",
	      locked_kb() - before);
	dev_close(&d);
	dev_remove(&d);
}

/* Unmapped while the GPU could write there: it cannot any more. */
static void unmap_pinned(void)
{
	uint32_t bo, host;
	uint64_t at, n;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	split(&d);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, BYTES, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, BYTES));
	NEED_OK(gpu_host(&g, HALF, PAGE, BYTES / PAGE, &host));
	NEED_OK(gpu_map(&g, host, VA_HOST, BYTES));
	NEED_OK(gpu_do(&g, gpu_fill(VA_HOST, BYTES, 0x11111111)));
	CHECK(d.ram[HALF] == 0x11, "filled");

	NEED_OK(dma_unmap(&d, HALF, HALF));
	CHECK_ERR(gpu_do(&g, gpu_fill(VA_HOST, BYTES, 0x22222222)), -EFAULT,
		  "a fill of what is gone");
	for (n = 0; n < BYTES; n++)
		NEED(d.ram[HALF + n] == 0x11, "byte %llu was written",
		     (unsigned long long)n);
	CHECK_OK(gpu_close(&g, host));

	/* and it comes back only with a new BO */
	NEED_OK(dma_map(&d, HALF, d.ram + HALF, HALF));
	CHECK_ERR(gpu_do(&g, gpu_fill(VA_HOST, PAGE, 3)), -EFAULT, "old VA");
	CHECK_OK(gpu_do(&g, gpu_fill(VA_VRAM, BYTES, 3)));
	dev_close(&d);
	dev_remove(&d);
}

/* Pages that are nobody's neighbours, unmapped while commands run. */
static void unmap_busy(void)
{
	struct vgpu_cmd cmds[32];
	uint32_t bo, host, i, round;
	uint64_t at;
	struct dev d;
	struct gpu g;
	int ret;

	dev_new(&d, 1, 1);
	split(&d);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, BYTES, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, BYTES));
	for (round = 0; round < 5; round++) {
		NEED_OK(gpu_host(&g, RAM_BYTES - PAGE, -3 * PAGE,
				 HALF / PAGE / 3, &host));
		NEED_OK(gpu_map(&g, host, VA_HOST, 1 << 20));
		for (i = 0; i < 32; i++)
			cmds[i] = gpu_copy(VA_HOST, VA_VRAM, 1 << 20);
		NEED_OK(gpu_submit(&g, cmds, 32));
		st_sleep_ms(round * 3);
		NEED_OK(dma_unmap(&d, HALF, HALF));
		/* the mapping may be gone with the memory, or hold nothing */
		ret = gpu_unmap(&g, VA_HOST, 1 << 20);
		CHECK(!ret || ret == -ENOENT, "unmap: %s", st_errno(ret));
		NEED_OK(gpu_close(&g, host));
		NEED_OK(dma_map(&d, HALF, d.ram + HALF, HALF));
	}
	/* copies that are still queued fail, and are not what is asked next */
	cmds[0] = gpu_signal(&g, ++g.value);
	NEED_OK(gpu_submit(&g, cmds, 1));
	NEED_OK(gpu_wait(&g, g.value, 20000));
	CHECK_OK(gpu_do(&g, gpu_fill(VA_VRAM, BYTES, 3)));
	dev_close(&d);
	dev_remove(&d);
}

static void close_pinned(void)
{
	struct vgpu_cmd cmds[32];
	uint32_t bo, host, i;
	long before = locked_kb();
	uint64_t at;
	struct dev d;
	struct gpu g;

	dev_new(&d, 1, 1);
	gpu_new(&g, &d);
	NEED_OK(gpu_vram(&g, BYTES, &bo, &at));
	NEED_OK(gpu_map(&g, bo, VA_VRAM, BYTES));
	NEED_OK(gpu_host(&g, RAM_FREE_AT, PAGE, BYTES / PAGE, &host));
	NEED_OK(gpu_map(&g, host, VA_HOST, BYTES));
	CHECK(locked_kb() - before >= (long)BYTES / 1024, "%ld KiB are locked",
	      locked_kb() - before);
	for (i = 0; i < 32; i++)
		cmds[i] = gpu_copy(VA_HOST, VA_VRAM, BYTES);
	NEED_OK(gpu_submit(&g, cmds, 32));
	dev_close(&d);
	CHECK(locked_kb() == before, "%ld KiB stay locked",
	      locked_kb() - before);
	dev_remove(&d);
}

/* User space killed in the middle leaves a vGPU that is like new. */
static void killed(void)
{
	struct vgpu_info info = { .size = sizeof(info) };
	char state[32];
	struct dev d;
	struct gpu g;
	int i, status, client;
	pid_t pid;

	dev_create(&d, 1, 1);
	for (i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			struct vgpu_cmd cmds[64];
			uint32_t bo, host, n;
			uint64_t at;

			dev_open(&d);
			dev_set_up(&d);
			gpu_new(&g, &d);
			gpu_vram(&g, BYTES, &bo, &at);
			gpu_map(&g, bo, VA_VRAM, BYTES);
			gpu_host(&g, RAM_FREE_AT, PAGE, BYTES / PAGE, &host);
			gpu_map(&g, host, VA_HOST, BYTES);
			for (n = 0; n < 64; n++)
				cmds[n] = gpu_copy(VA_HOST, VA_VRAM, BYTES);
			gpu_submit(&g, cmds, 64);
			st_sleep_ms(i * 10);
			kill(getpid(), SIGKILL);
		}
		NEED(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
		     "the child ended by itself: %#x", status);
		dev_attr_text(&d, "state", state, sizeof(state));
		CHECK(!strcmp(state, "stopped"), "state %s", state);
	}
	dev_open(&d);
	dev_set_up(&d);
	client = client_open(&d);
	NEED_OK(ADMIN(&d, client, VGPU_CALL_INFO, &info));
	CHECK(!info.vram_used, "%llu bytes are left", info.vram_used);
	dev_close(&d);
	dev_remove(&d);
}

static struct {
	struct dev *d;
	volatile bool stop;
	unsigned long rounds;
} mapper;

static void *map_and_unmap(void *arg)
{
	(void)arg;
	while (!mapper.stop) {
		NEED_OK(dma_unmap(mapper.d, HALF, HALF));
		usleep(st_below(2000));
		NEED_OK(dma_map(mapper.d, HALF, mapper.d->ram + HALF, HALF));
		/* now and then for long enough to be pinned on a slow machine */
		usleep(st_below(++mapper.rounds % 8 ? 2000 : 100000));
	}
	return NULL;
}

/* One thread makes and closes BOs, another takes their memory away. */
static void race(void)
{
	uint64_t end = st_now_ns() + (st_seconds ? st_seconds : 8) *
		       1000000000ull;
	unsigned long made = 0, refused = 0;
	uint32_t host, pages;
	pthread_t thread;
	struct dev d;
	struct gpu g;
	int ret;

	dev_new(&d, 1, 1);
	split(&d);
	gpu_new(&g, &d);
	mapper.d = &d;
	NEED(!pthread_create(&thread, NULL, map_and_unmap, NULL), "thread");
	while (st_now_ns() < end ||
	       ((!made || mapper.rounds <= 10) &&
		st_now_ns() < end + 60000000000ull)) {
		uint64_t step = st_below(2) ? PAGE : 2 * PAGE;

		pages = 1 + st_below(HALF / PAGE / 2);
		ret = gpu_host(&g, HALF, step, pages, &host);
		if (ret) {
			NEED(ret == -EINVAL || ret == -EFAULT, "%s",
			     st_errno(ret));
			refused++;
			continue;
		}
		made++;
		gpu_map(&g, host, VA_HOST, pages * PAGE);
		gpu_submit(&g, (struct vgpu_cmd[]) {
			gpu_fill(VA_HOST, pages * PAGE, 1) }, 1);
		gpu_unmap(&g, VA_HOST, pages * PAGE);
		NEED_OK(gpu_close(&g, host));
	}
	mapper.stop = true;
	pthread_join(thread, NULL);
	st_note("%lu made, %lu refused, %lu times unmapped", made, refused,
		mapper.rounds);
	CHECK(made && mapper.rounds > 10, "nothing raced");
	dev_close(&d);
	dev_remove(&d);
}

static const struct st_case cases[] = {
	{ "bad addresses", bad_addresses },
	{ "unmap what is pinned", unmap_pinned },
	{ "unmap what is in use", unmap_busy },
	{ "close with pages pinned", close_pinned },
	{ "killed in the middle", killed },
	{ "pin against unmap", race, 120 },
};

ST_MAIN(cases)
