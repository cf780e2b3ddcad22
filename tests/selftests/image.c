// SPDX-License-Identifier: GPL-2.0
/*
 * Images: a vGPU that is saved anywhere in its work, and goes on on another GPU, leaves
 * the same bytes as one that nobody disturbed.  Two GPUs are wanted; with one, it is
 * restored where it was.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images.h"
#include "nl.h"

static void idle(void)
{
	struct st_vgpu copy, copy2;
	struct vgpu_info a, b;
	struct scene sc;
	int fd, fd2;

	make_scene(&sc);
	fd = save(&sc.vgpu, 0);
	st_info(sc.vgpu.fd, &a);
	restore(fd, &copy);
	st_info(copy.fd, &b);
	CHECK(a.vram_bytes == b.vram_bytes && a.weight == b.weight,
	      "quotas differ");
	CHECK(restored.clients == 1, "%u clients", restored.clients);
	/* the original goes on; the copy of the copy is as good */
	fd2 = save(&copy, 0);
	check_scene(&sc, sc.vgpu.fd);
	check_scene(&sc, copy.fd);
	restore(fd2, &copy2);
	check_scene(&sc, copy2.fd);
	/* a handle that was closed is not given out soon, one that is there never */
	CHECK(st_bo(copy2.fd, VGPU_PAGE, 0, NULL) > sc.queue, "a handle came again");
	drop(&copy);
	drop(&copy2);
	close(fd);
	close(fd2);
}

/* Commands that ended, but do not show yet (padding): they do, here and there. */
static void held_back(void)
{
	uint64_t value = 0x123456789abull, now;
	struct vgpu_queue_status status;
	struct vgpu_cmd cmds[2];
	struct st_vgpu copy;
	struct scene sc;
	struct nl nl;
	int fd, i;

	make_scene(&sc);
	nl_begin(&nl, VGPU_NL_CMD_VGPU_SET);
	nl_u32(&nl, VGPU_A_VGPU_ID, sc.vgpu.id);
	nl_u64(&nl, VGPU_A_VGPU_PAD_NS, 100 * MS);
	NEED_OK(nl_do(&nl));
	for (i = 0; i < 4; i++) {
		/* just behind a point of the grid: it is long until the next */
		now = st_now_ns();
		st_sleep_ms((unsigned int)(101 - now % (100 * MS) / MS));
		cmds[0] = st_copy((1ull << 32) + 40 * VGPU_PAGE, 1ull << 33,
				  VGPU_PAGE);
		cmds[1] = st_sync(VGPU_CMD_SIGNAL, sc.timeline, ++value);
		NEED_OK(st_submit(sc.vgpu.fd, sc.queue, cmds, 2));
		st_sleep_ms(10);
		fd = save(&sc.vgpu, 0);
		restore(fd, &copy);
		CHECK_OK(st_wait(copy.fd, sc.timeline, value, 20 * SEC));
		st_status(copy.fd, sc.queue, 0, &status);
		CHECK(!status.pending && !status.failed, "%u pending, %llu failed",
		      status.pending, (unsigned long long)status.failed);
		CHECK_OK(st_wait(sc.vgpu.fd, sc.timeline, value, 20 * SEC));
		drop(&copy);
		close(fd);
	}
}

/* Who may be whom. */
static void adoption(void)
{
	struct st_vgpu copy;
	struct scene sc;
	int fd, second, status;
	pid_t pid;

	make_scene(&sc);
	fd = save(&sc.vgpu, 0);
	CHECK_ERR(adopt(sc.vgpu.fd, 1), -EBUSY, "has something");
	NEED_OK(restore_from(fd, &copy, 0));
	NEED(!chmod(copy.path, 0666), "chmod");
	pid = fork();
	if (!pid) {
		if (setuid(12345))
			_exit(10);
		second = open(copy.path, O_RDWR);
		_exit(second < 0 ? 11 : -adopt(second, 1));
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == EACCES,
	      "another user got %x", status);
	copy.fd = st_open(&copy);
	second = st_open(&copy);
	CHECK_ERR(adopt(copy.fd, 0), -ENOENT, " ");
	CHECK_ERR(adopt(copy.fd, 2), -ENOENT, " ");
	CHECK_ERR(adopt(copy.fd, ~0u), -ENOENT, " ");
	NEED_OK(adopt(copy.fd, 1));
	CHECK_ERR(adopt(copy.fd, 1), -EBUSY, "twice");
	CHECK_ERR(adopt(second, 1), -ENOENT, "by another");
	check_scene(&sc, copy.fd);
	close(second);
	drop(&copy);
	/* nobody wants it: it goes with the vGPU */
	NEED_OK(restore_from(fd, &copy, 0));
	drop(&copy);
	close(fd);
}

/* ---- in the middle -------------------------------------------------------------- */

/* Where two runs of the counter differ, one of them seen through @fd. */
static void compare(const struct counter_run *calm, const struct counter_run *run,
		    int fd, const char *what)
{
	uint64_t bytes = run->groups * run->lanes * 8ull, at;
	uint8_t *cells, *totals;

	cells = st_mmap(fd, run->cells->mmap_offset, bytes, PROT_READ);
	totals = st_mmap(fd, run->totals->mmap_offset, VGPU_PAGE, PROT_READ);
	NEED(cells != MAP_FAILED && totals != MAP_FAILED, "mmap: %s", strerror(errno));
	for (at = 0; at < bytes; at++)
		if (cells[at] != ((uint8_t *)calm->cells->cpu)[at])
			break;
	CHECK(at == bytes, "%s: byte %llu differs", what, (unsigned long long)at);
	CHECK(!memcmp(totals, calm->totals->cpu, sizeof(struct counter_totals)),
	      "%s: totals differ", what);
	munmap(cells, bytes);
	munmap(totals, VGPU_PAGE);
}

static void wait_queue(int fd, uint32_t queue)
{
	struct vgpu_queue_status status;
	unsigned int i = 0;

	do {
		st_sleep_ms(i++ < 50 ? 2 : 100);
		st_status(fd, queue, 0, &status);
		NEED(i < 1000, "it does not end: %u pending", status.pending);
	} while (status.pending);
	CHECK(!status.failed, "%llu commands failed, the last with %s",
	      (unsigned long long)status.failed, st_errno(status.error));
}

/* Saved at some moment, twice in one life: on the way, and again on the other GPU. */
static void midway(void)
{
	struct vgpu_queue_status before, status;
	struct counter_run alone, run;
	struct st_vgpu copy, copy2;
	struct gpu calm, gpu;
	unsigned int i, points = 0;
	uint32_t queue;
	int fd, fd2;

	gpu_new(&calm, 1, 0);
	counter_setup(&alone, &calm, 4, 8, 4000);
	NEED(!counter_start(&alone), "%s", vgpu_error());
	NEED(!gpu_finish(&calm, 100 * SEC), "%s", vgpu_error());
	for (i = 0; i < 5; i++) {
		gpu_new(&gpu, 1, 0);
		counter_setup(&run, &gpu, 4, 8, 4000);
		queue = vgpu_queue_handle(gpu.queue);
		NEED(!counter_start(&run), "%s", vgpu_error());
		st_sleep_ms(st_below(20));
		fd = save(&gpu.vgpu, VGPU_SAVE_STOP);
		restore(fd, &copy);
		st_status(copy.fd, queue, 0, &before);
		points += before.pending;
		st_sleep_ms(st_below(10));
		fd2 = save(&copy, 0);
		restore(fd2, &copy2);
		wait_queue(copy.fd, queue);
		compare(&alone, &run, copy.fd, "restored");
		wait_queue(copy2.fd, queue);
		compare(&alone, &run, copy2.fd, "restored twice");
		st_status(copy2.fd, queue, 0, &status);
		CHECK(status.submitted == before.submitted &&
		      status.completed == status.submitted,
		      "%llu of %llu, of %llu before",
		      (unsigned long long)status.completed,
		      (unsigned long long)status.submitted,
		      (unsigned long long)before.submitted);
		drop(&copy);
		drop(&copy2);
		close(fd);
		close(fd2);
		gpu_close(&gpu);
		NEED_OK(st_destroy(&gpu.vgpu));
	}
	st_note("%u of 5 were in the middle", points);
	NEED(points, "none was");
}

/* One is saved over and over, the other does not notice. */
static void neighbour(void)
{
	struct counter_run alone, other, run;
	struct gpu calm, beside, gpu;
	unsigned int i;
	uint64_t at;

	gpu_new(&calm, 1, 0);
	counter_setup(&alone, &calm, 4, 8, 4000);
	NEED(!counter_start(&alone), "%s", vgpu_error());
	NEED(!gpu_finish(&calm, 100 * SEC), "%s", vgpu_error());
	gpu_new(&beside, 1, 0);
	counter_setup(&other, &beside, 4, 8, 4000);
	gpu_new(&gpu, 1, 0);
	counter_setup(&run, &gpu, 4, 8, 4000);
	NEED(!counter_start(&other) && !counter_start(&run), "%s", vgpu_error());
	for (i = 0; i < 10; i++)
		close(save(&gpu.vgpu, 0));
	NEED(!gpu_finish(&beside, 100 * SEC), "%s", vgpu_error());
	NEED(!gpu_finish(&gpu, 100 * SEC), "%s", vgpu_error());
	at = counter_differ(&alone, &other);
	CHECK(!at, "the neighbour's byte %llu differs", (unsigned long long)at - 1);
	at = counter_differ(&alone, &run);
	CHECK(!at, "its own byte %llu differs", (unsigned long long)at - 1);
}

/* What waits in queues, for timelines and for each other, goes on. */
static void queued(void)
{
	struct vgpu_queue_status status;
	struct st_vgpu copy;
	struct vgpu_cmd cmds[600];
	uint32_t second, gate, done, i, n = 0;
	struct scene sc;
	uint32_t *word;
	uint64_t bo;
	int fd;

	make_scene(&sc);
	gate = st_timeline(sc.vgpu.fd, NULL);
	done = st_timeline(sc.vgpu.fd, NULL);
	bo = 1ull << 32;
	{
		struct vgpu_queue_create arg = { .ctx = sc.ctx, .depth = 1000,
			.sched_class = VGPU_CLASS_BATCH };

		NEED_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &arg));
		second = arg.handle;
	}
	cmds[n++] = st_sync(VGPU_CMD_WAIT, gate, 7);
	for (i = 0; i < 590; i++)
		cmds[n++] = st_fill(bo + 50 * VGPU_PAGE + i * 4, 4, i * 3 + 1);
	cmds[n++] = st_sync(VGPU_CMD_SIGNAL, done, 99);
	NEED_OK(st_submit(sc.vgpu.fd, second, cmds, n));
	fd = save(&sc.vgpu, VGPU_SAVE_STOP);
	restore(fd, &copy);
	st_status(copy.fd, second, 0, &status);
	CHECK(status.pending == n && status.depth == 1000 &&
	      status.sched_class == VGPU_CLASS_BATCH, "%u pending of %u, class %u",
	      status.pending, status.depth, status.sched_class);
	CHECK_ERR(st_wait(copy.fd, done, 99, 50 * MS), -ETIME, "before the gate opens");
	NEED_OK(CALL(copy.fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		.timeline = gate, .value = 7 }));
	NEED_OK(st_wait(copy.fd, done, 99, 30 * SEC));
	word = st_mmap(copy.fd, sc.offset + 50 * VGPU_PAGE, VGPU_PAGE, PROT_READ);
	NEED(word != MAP_FAILED, "mmap");
	for (i = 0; i < 590 && word[i] == i * 3 + 1; i++)
		;
	CHECK(i == 590, "fill %u was not done", i);
	munmap(word, VGPU_PAGE);
	drop(&copy);
	close(fd);
}

/* A ring: its slots are in memory, its ends in the doorbell. */
static void ring(void)
{
	struct vgpu_queue_create arg = { .flags = VGPU_QUEUE_RING, .ring_slots = 64 };
	struct vgpu_doorbell *bells, *bell;
	struct vgpu_cmd *slots;
	struct st_vgpu copy;
	uint64_t offset;
	struct scene sc;
	uint32_t gate;
	int fd;

	make_scene(&sc);
	gate = st_timeline(sc.vgpu.fd, NULL);
	arg.ctx = sc.ctx;
	arg.depth = 2;
	arg.ring_bo = st_bo(sc.vgpu.fd, VGPU_PAGE, 0, &offset);
	NEED_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &arg));
	slots = st_mmap(sc.vgpu.fd, offset, VGPU_PAGE, PROT_READ | PROT_WRITE);
	bells = st_mmap(sc.vgpu.fd, VGPU_MMAP_DOORBELLS, VGPU_PAGE, PROT_READ | PROT_WRITE);
	NEED(slots != MAP_FAILED && bells != MAP_FAILED, "mmap");
	/* the queue takes two, the rest stays in the ring */
	slots[0] = st_sync(VGPU_CMD_WAIT, gate, 1);
	for (unsigned int i = 1; i < 8; i++)
		slots[i] = st_sync(VGPU_CMD_SIGNAL, gate, 10 + i);
	__atomic_store_n(&bells[arg.doorbell].tail, 8, __ATOMIC_RELEASE);
	NEED_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_KICK, &(struct vgpu_kick) { .queue = arg.handle }));
	fd = save(&sc.vgpu, VGPU_SAVE_STOP);
	restore(fd, &copy);
	bells = st_mmap(copy.fd, VGPU_MMAP_DOORBELLS, VGPU_PAGE, PROT_READ | PROT_WRITE);
	NEED(bells != MAP_FAILED, "mmap");
	bell = &bells[arg.doorbell];
	CHECK(bell->tail == 8, "the tail is %u", bell->tail);
	NEED_OK(CALL(copy.fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
		.timeline = gate, .value = 1 }));
	NEED_OK(st_wait(copy.fd, gate, 17, 30 * SEC));
	CHECK(__atomic_load_n(&bell->head, __ATOMIC_ACQUIRE) == 8, "the head is %u", bell->head);
	munmap(bells, VGPU_PAGE);
	drop(&copy);
	close(fd);
}

/* ---- standing still --------------------------------------------------------------- */

struct toucher {
	int fd;
	volatile uint64_t *at;
	uint32_t timeline;
	volatile int stop;
	uint64_t calls;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;
	uint64_t n = 0;

	while (!t->stop) {
		t->at[0] = ++n;
		t->at[PAGES * VGPU_PAGE / 8 - 1] = n;
		CALL(t->fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
			.timeline = t->timeline, .value = n });
	}
	t->calls = n;
	return NULL;
}

/* A program that writes all the time is seen at one moment. */
static void at_once(void)
{
	struct toucher t = { 0 };
	struct vgpu_wait wait;
	struct st_vgpu copy;
	struct scene sc;
	pthread_t thread;
	uint64_t *p, last, first;
	unsigned int i;
	uint32_t tl;
	int fd;

	make_scene(&sc);
	tl = st_timeline(sc.vgpu.fd, NULL);
	t.fd = sc.vgpu.fd;
	t.timeline = tl;
	t.at = st_mmap(sc.vgpu.fd, sc.offset, PAGES * VGPU_PAGE, PROT_READ | PROT_WRITE);
	NEED(t.at != MAP_FAILED, "mmap");
	NEED(!pthread_create(&thread, NULL, touch, &t), "thread");
	for (i = 0; i < 5; i++) {
		st_sleep_ms(10);
		fd = save(&sc.vgpu, 0);
		restore(fd, &copy);
		p = st_mmap(copy.fd, sc.offset, PAGES * VGPU_PAGE, PROT_READ);
		NEED(p != MAP_FAILED, "mmap");
		first = p[0];
		last = p[PAGES * VGPU_PAGE / 8 - 1];
		wait = (struct vgpu_wait) { .timeline = tl };
		CALL(copy.fd, VGPU_IOCTL_WAIT, &wait);
		CHECK(first - last <= 1 && last - wait.current_value <= 1 &&
		      first >= last && last >= wait.current_value,
		      "%llu, then %llu, then %llu", (unsigned long long)first,
		      (unsigned long long)last, (unsigned long long)wait.current_value);
		munmap(p, PAGES * VGPU_PAGE);
		drop(&copy);
		close(fd);
	}
	t.stop = 1;
	pthread_join(thread, NULL);
	st_note("%llu writes", (unsigned long long)t.calls);
	CHECK(t.calls > 5, "it never went on");
}

/* Who saves, or restores, is killed while the pipe is full, or empty. */
static void killed(void)
{
	struct vgpu_ctl_save arg;
	struct st_vgpu copy;
	struct scene sc;
	int pipes[2], fd, status, ret;
	char buf[5000];
	pid_t pid;

	make_scene(&sc);
	NEED(!pipe(pipes), "pipe");
	pid = fork();
	if (!pid) {
		save_to(&sc.vgpu, pipes[1], 0, &arg);
		_exit(0);
	}
	NEED(read(pipes[0], buf, 100) == 100, "nothing came");
	ret = save_to(&sc.vgpu, pipes[1], 0, &arg);
	CHECK(ret == -EBUSY && arg.why[0], "a second one at once: %s", st_errno(ret));
	CHECK_ERR(st_verb(&sc.vgpu, VGPU_VERB_PAUSE), -EBUSY, " ");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status), "it ended with %x", status);
	close(pipes[0]);
	close(pipes[1]);
	check_scene(&sc, sc.vgpu.fd);

	fd = save(&sc.vgpu, 0);
	NEED(!pipe(pipes), "pipe");
	lseek(fd, 0, SEEK_SET);
	NEED(read(fd, buf, sizeof(buf)) == sizeof(buf) &&
	     write(pipes[1], buf, sizeof(buf)) == sizeof(buf), "copying");
	pid = fork();
	if (!pid) {
		restore_from(pipes[0], &copy, 0);
		_exit(0);
	}
	st_sleep_ms(200);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status), "it ended with %x", status);
	close(pipes[0]);
	close(pipes[1]);
	/* nothing of it is there: all of the GPU is to be had */
	restore(fd, &copy);
	check_scene(&sc, copy.fd);
	drop(&copy);
	close(fd);
}

/* A program goes while it is saved; the vGPU is stopped meanwhile. */
static void gone_meanwhile(void)
{
	struct vgpu_ctl_save arg;
	struct scene sc;
	int pipes[2], status, i;
	uint64_t offset;
	char buf[100];
	pid_t pid;
	void *at;

	for (i = 0; i < 2; i++) {
		make_scene(&sc);
		/* more than pipes and buffers hold */
		st_bo(sc.vgpu.fd, 2 << 20, 0, &offset);
		at = st_mmap(sc.vgpu.fd, offset, 2 << 20, PROT_READ | PROT_WRITE);
		NEED(at != MAP_FAILED, "mmap: %s", strerror(errno));
		gpu_fill_noise(at, 2 << 20, 5);
		munmap(at, 2 << 20);
		NEED(!pipe(pipes), "pipe");
		pid = fork();
		if (!pid) {
			close(pipes[0]);
			close(sc.vgpu.fd);
			_exit(-save_to(&sc.vgpu, pipes[1], 0, &arg));
		}
		close(pipes[1]);
		NEED(read(pipes[0], buf, 100) == 100, "nothing came");
		if (i)
			NEED_OK(st_verb(&sc.vgpu, VGPU_VERB_STOP));
		else
			close(sc.vgpu.fd);
		while (read(pipes[0], buf, 100) > 0)
			;
		close(pipes[0]);
		waitpid(pid, &status, 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (i ? ESHUTDOWN : ECANCELED),
		      "it ended with %x", status);
		if (i)
			close(sc.vgpu.fd);
		NEED_OK(st_destroy(&sc.vgpu));
	}
}

/* ---- what can't be saved ----------------------------------------------------------- */

static void refused(void)
{
	static uint8_t memory[VGPU_PAGE] __attribute__((aligned(4096)));
	struct vgpu_bo_user user = { .addr = (uintptr_t)memory, .bytes = VGPU_PAGE };
	struct vgpu_bo_export export = { 0 };
	struct vgpu_ctl_save arg;
	struct st_vgpu vgpu;
	int fd = memory_file(), ret;

	NEED_OK(st_create(&vgpu, st_type(1), 0, VGPU_CREATE_WITH_FD));
	ret = save_to(&vgpu, fd, 0, &arg);
	CHECK(ret == -EAGAIN && arg.why[0], "never started: %s", st_errno(ret));
	CHECK_ERR(save_to(&(struct st_vgpu) { .id = 60000 }, fd, 0, &arg), -ENOENT, " ");
	NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
	vgpu.fd = st_open(&vgpu);
	CHECK_ERR(save_to(&vgpu, 999, 0, &arg), -EBADF, " ");
	CHECK_ERR(save_to(&vgpu, fd, 2, &arg), -EOPNOTSUPP, " ");
	NEED_OK(CALL(vgpu.fd, VGPU_IOCTL_BO_USER, &user));
	ret = save_to(&vgpu, fd, 0, &arg);
	CHECK(ret == -EBUSY && strstr(arg.why, "BO_USER"), "user memory: %s: %s",
	      st_errno(ret), arg.why);
	NEED_OK(st_close(vgpu.fd, user.handle));
	NEED_OK(save_to(&vgpu, fd, 0, &arg));
	export.bo = st_bo(vgpu.fd, VGPU_PAGE, VGPU_BO_SHARE, NULL);
	NEED_OK(save_to(&vgpu, fd, 0, &arg));
	NEED_OK(CALL(vgpu.fd, VGPU_IOCTL_BO_EXPORT, &export));
	ret = save_to(&vgpu, fd, 0, &arg);
	CHECK(ret == -EBUSY && strstr(arg.why, "dma-buf"), "a dma-buf: %s: %s",
	      st_errno(ret), arg.why);
	close(export.fd);
	close(fd);
}

static const struct st_case cases[] = {
	{ "idle", idle },
	{ "held back", held_back },
	{ "adoption", adoption },
	{ "midway", midway, 240 },
	{ "neighbour", neighbour, 120 },
	{ "queued", queued, 120 },
	{ "ring", ring },
	{ "at_once", at_once, 120 },
	{ "killed", killed },
	{ "gone_meanwhile", gone_meanwhile },
	{ "refused", refused },
};

ST_MAIN(cases)
