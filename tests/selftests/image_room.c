// SPDX-License-Identifier: GPL-2.0
/*
 * Images where there is too little: of places, memory, contexts.  Restoring is refused
 * with a sentence, the GPU is as it was, and when there is room it works.  And where
 * memory comes and goes while it is saved.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images.h"
#include "nl.h"

#define MIB	(1ull << 20)
#define CROWD	64u		/* more than there are places */

/* ---- what must be as it was -------------------------------------------------------- */

struct pool {
	uint64_t vgpus, committed, contexts, used;
};

static void ask_gpu(struct nl *nl)
{
	nl_begin(nl, VGPU_NL_CMD_GPU_GET);
	nl_u32(nl, VGPU_A_GPU_INDEX, image_gpu());
	NEED_OK(nl_do(nl));
}

static struct pool look(void)
{
	struct nl nl, vram;
	struct pool p;

	ask_gpu(&nl);
	p.vgpus = nl_number(&nl, VGPU_A_GPU_INSTANCES);
	p.committed = nl_number(&nl, VGPU_A_GPU_VRAM_COMMITTED);
	p.contexts = nl_number(&nl, VGPU_A_GPU_CONTEXTS);
	NEED(nl_nest(&nl, VGPU_A_GPU_VRAM, 0, &vram), "no figures of VRAM");
	p.used = nl_number(&vram, VGPU_A_VRAM_USED);
	return p;
}

/* Refused as it should be, and nothing of it is there. */
static void expect_refusal(int fd, int want, const char *word)
{
	struct pool was = look(), now;
	struct st_vgpu copy;
	int ret, i;

	for (i = 0; i < 3; i++) {
		ret = restore_from(fd, &copy, 0);
		CHECK(ret == want && strstr(restored.why, word),
		      "%s instead of %s: \"%s\", which should say %s",
		      st_errno(ret), st_errno(want), restored.why, word);
		CHECK(!restored.id, "it has number %u", restored.id);
		if (!ret)
			NEED_OK(st_destroy(&copy));
		now = look();
		CHECK(now.vgpus == was.vgpus, "%llu vGPUs, there were %llu",
		      (unsigned long long)now.vgpus, (unsigned long long)was.vgpus);
		CHECK(now.committed == was.committed, "%llu promised, it was %llu",
		      (unsigned long long)now.committed,
		      (unsigned long long)was.committed);
		CHECK(now.contexts == was.contexts, "%llu contexts, there were %llu",
		      (unsigned long long)now.contexts,
		      (unsigned long long)was.contexts);
		CHECK(now.used == was.used, "%llu in use, it was %llu",
		      (unsigned long long)now.used,
		      (unsigned long long)was.used);
	}
}

/* ... and when there is room it is as good as ever. */
static void expect_whole(const struct scene *sc, int fd)
{
	struct st_vgpu copy;

	restore(fd, &copy);
	check_scene(sc, copy.fd);
	drop(&copy);
}

/* ---- who takes the room -------------------------------------------------------------- */

static char type[16];
static uint32_t crowd[CROWD];
static unsigned int crowded;

/* One more on the GPU where images go, for as long as our process; 0 or errno. */
static int join(void)
{
	struct vgpu_ctl_create arg = {
		.flags = VGPU_CREATE_WITH_FD, .gpu = image_gpu(),
		.priority = VGPU_PRIORITY_DEFAULT,
	};
	int ret;

	memcpy(arg.type, type, sizeof(type));
	ret = CALL(st_ctl(), VGPU_CTL_IOCTL_CREATE, &arg);
	if (!ret) {
		NEED(crowded < CROWD, "it never is full");
		crowd[crowded++] = arg.id;
	}
	return ret;
}

static int shrink(uint32_t id, uint64_t bytes)
{
	return CALL(st_ctl(), VGPU_CTL_IOCTL_SET, &(struct vgpu_ctl_set) {
		.id = id, .mask = VGPU_SET_VRAM, .vram_bytes = bytes });
}

static void leave(void)
{
	NEED_OK(st_destroy(&(struct st_vgpu) { .id = crowd[--crowded] }));
}

static void leave_all(void)
{
	while (crowded)
		leave();
}

/* A scene, its image, and what is to take its place. */
static int scene_image(struct scene *sc)
{
	make_scene(sc);
	snprintf(type, sizeof(type), "%s", st_type(1));
	return save(&sc->vgpu, 0);
}

/* Its memory is promised to others. */
static void no_memory(void)
{
	struct scene sc;
	int fd = scene_image(&sc);

	while (!join())
		;
	NEED(crowded, "nobody came in");
	expect_refusal(fd, -ENOSPC, "room");
	/* some bytes are missing */
	leave();
	NEED_OK(join());
	leave();
	NEED(crowded, "one takes all");
	NEED_OK(shrink(crowd[0], sc.quota + VGPU_PAGE));
	expect_refusal(fd, -ENOSPC, "room");
	NEED_OK(shrink(crowd[0], sc.quota));
	expect_whole(&sc, fd);
	leave_all();
	close(fd);
}

/* There is memory, but one vGPU more is too many. */
static void no_place(void)
{
	struct scene sc;
	int fd = scene_image(&sc), ret;

	while (!(ret = join()))
		NEED_OK(shrink(crowd[crowded - 1], 16 * VGPU_PAGE));
	NEED(ret == -ENOSPC, "%s", st_errno(ret));
	expect_refusal(fd, -ENOSPC, "room");
	leave();
	expect_whole(&sc, fd);
	leave_all();
	close(fd);
}

/* It had been given more than its type has: there is room for the type only. */
static void no_quota(void)
{
	struct scene sc;
	int fd;

	make_scene(&sc);
	snprintf(type, sizeof(type), "%s", st_type(1));
	NEED_OK(shrink(sc.vgpu.id, sc.quota + MIB));
	fd = save(&sc.vgpu, 0);
	while (!join())
		;
	leave();
	expect_refusal(fd, -ENOSPC, "memory");
	NEED_OK(shrink(crowd[0], sc.quota - MIB));
	expect_whole(&sc, fd);
	leave_all();
	close(fd);
}

static int max_contexts(uint64_t n)
{
	struct nl nl;

	nl_begin(&nl, VGPU_NL_CMD_GPU_SET);
	nl_u32(&nl, VGPU_A_GPU_INDEX, image_gpu());
	nl_u32(&nl, VGPU_A_GPU_MAX_CONTEXTS, (uint32_t)n);
	return nl_do(&nl);
}

/* Its last context is one too many: by then almost all of it was there. */
static void no_contexts(void)
{
	struct scene sc;
	uint64_t most;
	struct nl nl;
	int fd;

	make_scene(&sc);
	st_queue(sc.vgpu.fd, st_ctx(sc.vgpu.fd, sc.vm));
	fd = save(&sc.vgpu, 0);
	ask_gpu(&nl);
	most = nl_number(&nl, VGPU_A_GPU_MAX_CONTEXTS);
	NEED_OK(max_contexts(look().contexts + 1));
	expect_refusal(fd, -EMFILE, "context");
	NEED_OK(max_contexts(look().contexts + 2));
	expect_whole(&sc, fd);
	NEED_OK(max_contexts(most));
	close(fd);
}

/* ---- memory that comes and goes ---------------------------------------------------------- */

#define BUFFERS	3u
#define BUFFER	(4 * MIB)
#define ALL	(BUFFERS * BUFFER / VGPU_PAGE)
#define COPIES	900u
#define BASE	(1ull << 32)

/* More than the GPU has, for one vGPU. */
struct large {
	struct st_vgpu vgpu;
	uint32_t queue, timeline;
	uint64_t offset[BUFFERS];
	uint32_t word[ALL];	/* that each page is full of, when all is done */
};

static uint64_t page_va(uint64_t page)
{
	return BASE + page * VGPU_PAGE;
}

static void submit_all(struct large *l, struct vgpu_cmd cmd)
{
	int ret;

	while ((ret = st_submit(l->vgpu.fd, l->queue, &cmd, 1)) == -EAGAIN)
		st_sleep_ms(5);
	NEED_OK(ret);
}

static void make_large(struct large *l)
{
	struct vgpu_queue_create arg = { .depth = 1000 };
	uint64_t i;
	uint32_t vm;

	st_vgpu(&l->vgpu, 8, 0);
	NEED_OK(shrink(l->vgpu.id, (BUFFERS + 1) * BUFFER));
	vm = st_vm(l->vgpu.fd);
	for (i = 0; i < BUFFERS; i++) {
		uint32_t bo = st_bo(l->vgpu.fd, BUFFER, 0, &l->offset[i]);

		NEED_OK(st_map(l->vgpu.fd, vm, bo,
			       VGPU_PROT_READ | VGPU_PROT_WRITE,
			       BASE + i * BUFFER, 0, BUFFER));
	}
	arg.ctx = st_ctx(l->vgpu.fd, vm);
	NEED_OK(CALL(l->vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &arg));
	l->queue = arg.handle;
	l->timeline = st_timeline(l->vgpu.fd, NULL);
	for (i = 0; i < ALL; i++) {
		l->word[i] = (uint32_t)st_random();
		submit_all(l, st_fill(page_va(i), VGPU_PAGE, l->word[i]));
	}
}

/* Any page to any other: most of them are elsewhere by then. */
static void scatter(struct large *l, uint64_t point)
{
	unsigned int i;

	for (i = 0; i < COPIES; i++) {
		uint64_t from = st_below(ALL);
		uint64_t to = (from + 1 + st_below(ALL - 1)) % ALL;

		submit_all(l, st_copy(page_va(to), page_va(from), VGPU_PAGE));
		l->word[to] = l->word[from];
	}
	submit_all(l, st_sync(VGPU_CMD_SIGNAL, l->timeline, point));
}

static void check_large(const struct large *l, int fd, const char *whose)
{
	unsigned int b;
	uint64_t i, k, wrong = 0;

	for (b = 0; b < BUFFERS; b++) {
		const uint32_t *p = st_mmap(fd, l->offset[b], BUFFER, PROT_READ);

		NEED(p != MAP_FAILED, "mmap: %s", strerror(errno));
		for (i = 0; i < BUFFER / VGPU_PAGE; i++)
			for (k = 0; k < VGPU_PAGE / 4; k++)
				if (p[i * VGPU_PAGE / 4 + k] !=
				    l->word[b * (BUFFER / VGPU_PAGE) + i]) {
					wrong++;
					break;
				}
		munmap((void *)p, BUFFER);
	}
	CHECK(!wrong, "%llu of %llu pages of %s differ", (unsigned long long)wrong,
	      (unsigned long long)ALL, whose);
}

static uint64_t faults(uint32_t gpu)
{
	struct nl nl, paging;

	nl_begin(&nl, VGPU_NL_CMD_GPU_GET);
	nl_u32(&nl, VGPU_A_GPU_INDEX, gpu);
	NEED_OK(nl_do(&nl));
	NEED(nl_nest(&nl, VGPU_A_GPU_PAGING, 0, &paging), "no figures of paging");
	return nl_number(&paging, VGPU_A_PAGING_FAULTS);
}

/* A page is on its way to where a command waits for it, or just came, or just left. */
static void fault_in(void)
{
	static struct large l;
	struct vgpu_queue_status status;
	unsigned int i, midway = 0;
	struct st_vgpu copy;
	uint64_t before;
	int fd;

	make_large(&l);
	for (i = 1; i <= 4; i++) {
		before = faults(0);
		scatter(&l, i);
		while (faults(0) - before < 20) {
			st_status(l.vgpu.fd, l.queue, 0, &status);
			NEED(status.pending, "it all was there");
			st_sleep_ms(1);
		}
		st_sleep_ms((unsigned int)st_below(5));
		fd = save(&l.vgpu, 0);
		restore(fd, &copy);
		st_status(copy.fd, l.queue, 0, &status);
		midway += status.pending > 1;
		CHECK_OK(st_wait(copy.fd, l.timeline, i, 60 * SEC));
		check_large(&l, copy.fd, "the copy");
		st_status(copy.fd, l.queue, 0, &status);
		CHECK(!status.failed, "%llu commands failed, the last with %s",
		      (unsigned long long)status.failed, st_errno(status.error));
		drop(&copy);
		CHECK_OK(st_wait(l.vgpu.fd, l.timeline, i, 60 * SEC));
		check_large(&l, l.vgpu.fd, "the one that was saved");
		close(fd);
	}
	st_note("%u of 4 were in the middle", midway);
	CHECK(midway, "none was in the middle");
}

/* By name: it wants a GPU of 8 MiB, over-committed. */
static const struct st_case cases[] = {
	{ "no memory", no_memory },
	{ "no place", no_place },
	{ "no quota", no_quota },
	{ "no contexts", no_contexts },
	{ "fault-in", fault_in, 240 },
};

ST_MAIN(cases)
