// SPDX-License-Identifier: GPL-2.0
/*
 * A vGPU that is paused: CPUs that touch its memory or its doorbells wait until it goes
 * on, can be killed meanwhile, and change nothing of it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images.h"

#define RW	(PROT_READ | PROT_WRITE)
#define BYTES	(PAGES * VGPU_PAGE)

static void pause_it(const struct st_vgpu *vgpu)
{
	NEED_OK(st_verb(vgpu, VGPU_VERB_PAUSE));
}

static void resume(const struct st_vgpu *vgpu)
{
	NEED_OK(st_verb(vgpu, VGPU_VERB_RESUME));
}

static void *map(int fd, uint64_t offset, uint64_t bytes)
{
	void *at = st_mmap(fd, offset, bytes, RW);

	NEED(at != MAP_FAILED, "mmap: %s", strerror(errno));
	return at;
}

/* ---- who waits ------------------------------------------------------------------- */

struct waiter {
	pthread_t thread;
	volatile uint32_t *at;
	bool write;
	int pipe;		/* read() into @at instead, or 0 */
	volatile int begun, done;
	uint32_t seen;
};

static void *touch(void *arg)
{
	struct waiter *w = arg;

	w->begun = 1;
	if (w->pipe)
		w->seen = (uint32_t)read(w->pipe, (void *)w->at, 4);
	else if (w->write)
		*w->at = 0x12345678;
	else
		w->seen = *w->at;
	w->done = 1;
	return NULL;
}

static void start(struct waiter *w)
{
	w->begun = w->done = 0;
	NEED(!pthread_create(&w->thread, NULL, touch, w), "thread");
	while (!w->begun)
		st_sleep_ms(1);
}

static void finish(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	CHECK(w->done, "it came to no end");
}

enum { READ, WRITE, KERNEL, BELL, SHARED, WAITERS };

/* Whatever the way, it waits, and then does what it would have done. */
static void waits(void)
{
	struct vgpu_bo_export export = { 0 };
	struct waiter w[WAITERS] = { 0 };
	volatile uint64_t *timelines;
	unsigned int i, round;
	struct scene sc;
	uint8_t *memory;
	int pipes[2];
	void *other;

	make_scene(&sc);
	memory = map(sc.vgpu.fd, sc.offset, BYTES);
	timelines = st_mmap(sc.vgpu.fd, VGPU_MMAP_TIMELINES, VGPU_PAGE, PROT_READ);
	NEED(timelines != MAP_FAILED && !pipe(pipes), "%s", strerror(errno));
	export.bo = st_bo(sc.vgpu.fd, VGPU_PAGE, VGPU_BO_SHARE, NULL);
	NEED_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_BO_EXPORT, &export));
	w[READ].at = (uint32_t *)memory;
	w[WRITE].at = (uint32_t *)(memory + 44 * VGPU_PAGE);
	w[WRITE].write = true;
	w[KERNEL].at = (uint32_t *)(memory + 45 * VGPU_PAGE);
	w[KERNEL].pipe = pipes[0];
	w[BELL].at = map(sc.vgpu.fd, VGPU_MMAP_DOORBELLS, VGPU_PAGE);
	w[BELL].write = true;
	w[SHARED].at = map(export.fd, 0, VGPU_PAGE);
	w[SHARED].write = true;
	for (round = 0; round < 3; round++) {
		*w[WRITE].at = *w[KERNEL].at = *w[BELL].at = *w[SHARED].at = 0;
		pause_it(&sc.vgpu);
		for (i = 0; i < WAITERS; i++)
			start(&w[i]);
		NEED(write(pipes[1], "data", 4) == 4, "write");
		/* others of the program map and unmap meanwhile */
		other = mmap(NULL, BYTES, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		NEED(other != MAP_FAILED, "mmap: %s", strerror(errno));
		memset(other, 1, BYTES);
		munmap(other, BYTES);
		munmap(map(sc.vgpu.fd, sc.offset, BYTES), BYTES);
		st_sleep_ms(150);
		for (i = 0; i < WAITERS; i++)
			CHECK(!w[i].done, "way %u did not wait", i);
		/* what others wait for can be looked at */
		CHECK(timelines[sc.slot] == 0x123456789abull, "the timeline is at %llx",
		      (unsigned long long)timelines[sc.slot]);
		CHECK_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_SIGNAL, &(struct vgpu_signal) {
			.timeline = st_timeline(sc.vgpu.fd, NULL), .value = 1 }));
		resume(&sc.vgpu);
		for (i = 0; i < WAITERS; i++)
			finish(&w[i]);
		CHECK(!memcmp(&w[READ].seen, memory, 4), "it read %x", w[READ].seen);
		CHECK(*w[WRITE].at == 0x12345678 && *w[BELL].at == 0x12345678 &&
		      *w[SHARED].at == 0x12345678, "what was written is not there");
		CHECK(w[KERNEL].seen == 4 && !memcmp((void *)w[KERNEL].at, "data", 4),
		      "read() gave %d", (int)w[KERNEL].seen);
	}
	*w[BELL].at = 0;
	check_scene(&sc, sc.vgpu.fd);
}

/* ---- how it ends ------------------------------------------------------------------ */

static sigjmp_buf out;

static void jump(int sig)
{
	siglongjmp(out, sig);
}

/* A child that touches @at, once it said so; exits with the signal that it got. */
static pid_t child(volatile uint32_t *at, int pipe_fd, bool handler)
{
	char c = 0;
	pid_t pid;
	int said[2], sig;

	NEED(!pipe(said), "pipe");
	pid = fork();
	NEED(pid >= 0, "fork");
	if (!pid) {
		if (handler) {
			signal(SIGUSR1, jump);
			signal(SIGBUS, jump);
		}
		sig = sigsetjmp(out, 1);
		if (sig)
			_exit(sig);
		if (write(said[1], &c, 1) != 1)
			_exit(100);
		if (pipe_fd)
			_exit(read(pipe_fd, (void *)at, 4) == 4 ? 0 : 101);
		*at = 1;
		_exit(0);
	}
	NEED(read(said[0], &c, 1) == 1, "the child went");
	close(said[0]);
	close(said[1]);
	st_sleep_ms(50);
	NEED(!waitpid(pid, NULL, WNOHANG), "the child did not wait");
	return pid;
}

static void expect_exit(pid_t pid, int code)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid, "waitpid");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code,
	      "the child ended with %#x, not exit %d", status, code);
}

static void expect_killed(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	NEED(waitpid(pid, &status, 0) == pid, "waitpid");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "the child ended with %#x", status);
}

/* Killed, interrupted, or its memory is no more: in each of these it does not wait on. */
static void ends(void)
{
	volatile uint32_t *at, *bells;
	struct scene sc;
	int pipes[2];
	pid_t pid;

	make_scene(&sc);
	at = map(sc.vgpu.fd, sc.offset, BYTES);
	bells = map(sc.vgpu.fd, VGPU_MMAP_DOORBELLS, VGPU_PAGE);
	NEED(!pipe(pipes) && write(pipes[1], "data", 4) == 4, "pipe");
	pause_it(&sc.vgpu);
	expect_killed(child(at, 0, true));
	expect_killed(child(bells, 0, true));
	/* in a system call: only so */
	pid = child(at, pipes[0], true);
	kill(pid, SIGUSR1);
	st_sleep_ms(300);
	NEED(!waitpid(pid, NULL, WNOHANG), "read() did not wait");
	expect_killed(pid);

	pid = child(at, 0, true);
	kill(pid, SIGUSR1);
	expect_exit(pid, SIGUSR1);
	/* stopped by its debugger, or ^Z, and later on */
	pid = child(at, 0, true);
	kill(pid, SIGSTOP);
	NEED(waitpid(pid, NULL, WUNTRACED) == pid, "it does not stop");
	kill(pid, SIGCONT);
	resume(&sc.vgpu);
	expect_exit(pid, 0);
	CHECK(*at == 1, "it was not written");

	pause_it(&sc.vgpu);
	pid = child(at, 0, true);
	NEED_OK(st_close(sc.vgpu.fd, sc.bo));
	resume(&sc.vgpu);
	expect_exit(pid, SIGBUS);
	pause_it(&sc.vgpu);
	at = map(sc.vgpu.fd, sc.host_offset, VGPU_PAGE);
	pid = child(at, 0, true);
	NEED_OK(st_verb(&sc.vgpu, VGPU_VERB_STOP));
	expect_exit(pid, SIGBUS);
}

/* ---- nothing changes ---------------------------------------------------------------- */

struct writer {
	pthread_t thread;
	volatile uint64_t *cell;
	volatile int *stop;
	uint64_t count;
	int fd;			/* maps anew each time, or -1 */
	uint64_t offset;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;

	while (!*w->stop) {
		if (w->fd >= 0)
			w->cell = map(w->fd, w->offset, VGPU_PAGE);
		*w->cell += 1;
		w->count++;
		if (w->fd >= 0)
			munmap((void *)w->cell, VGPU_PAGE);
	}
	return NULL;
}

#define WRITERS	4

static void start_writers(struct writer *w, const struct scene *sc, uint8_t *memory,
			  volatile int *stop)
{
	unsigned int i;

	for (i = 0; i < WRITERS; i++) {
		w[i] = (struct writer) { .stop = stop, .fd = -1 };
		w[i].cell = (uint64_t *)(memory + (40 + 2 * i) * VGPU_PAGE);
		*w[i].cell = 0;
		if (i == WRITERS - 1) {
			w[i].fd = sc->vgpu.fd;
			w[i].offset = sc->offset + (40 + 2 * i) * VGPU_PAGE;
		}
		NEED(!pthread_create(&w[i].thread, NULL, write_on, &w[i]), "thread");
	}
}

/* Each saw all that it wrote, and nobody else did. */
static void stop_writers(struct writer *w, uint8_t *memory, volatile int *stop)
{
	uint64_t all = 0, there;
	unsigned int i;

	*stop = 1;
	for (i = 0; i < WRITERS; i++) {
		pthread_join(w[i].thread, NULL);
		there = *(uint64_t *)(memory + (40 + 2 * i) * VGPU_PAGE);
		CHECK(there == w[i].count, "writer %u wrote %llu, there is %llu", i,
		      (unsigned long long)w[i].count, (unsigned long long)there);
		all += w[i].count;
	}
	st_note("%llu writes", (unsigned long long)all);
	CHECK(all > WRITERS, "hardly anything was written");
}

static void *load(int fd, uint64_t *bytes)
{
	void *all;

	*bytes = (uint64_t)lseek(fd, 0, SEEK_END);
	all = malloc(*bytes);
	NEED(all && pread(fd, all, *bytes, 0) == (ssize_t)*bytes, "reading");
	close(fd);
	return all;
}

/* Two images of one pause are the same, to the byte, whoever writes meanwhile. */
static void unchanged(void)
{
	uint64_t bytes, bytes2;
	struct writer w[WRITERS];
	volatile int stop = 0;
	void *first, *second;
	unsigned int i;
	struct scene sc;
	uint8_t *memory;

	make_scene(&sc);
	memory = map(sc.vgpu.fd, sc.offset, BYTES);
	start_writers(w, &sc, memory, &stop);
	for (i = 0; i < 6; i++) {
		st_sleep_ms((unsigned int)st_below(20));
		pause_it(&sc.vgpu);
		first = load(save(&sc.vgpu, 0), &bytes);
		st_sleep_ms(30);
		second = load(save(&sc.vgpu, 0), &bytes2);
		CHECK(bytes == bytes2 && !memcmp(first, second, bytes),
		      "round %u: it changed while it was paused", i);
		free(first);
		free(second);
		resume(&sc.vgpu);
	}
	stop_writers(w, memory, &stop);
}

/* Paused and resumed as fast as can be, under all of them. */
static void races(void)
{
	struct writer w[WRITERS];
	volatile int stop = 0;
	unsigned int i;
	struct scene sc;
	uint8_t *memory;

	make_scene(&sc);
	memory = map(sc.vgpu.fd, sc.offset, BYTES);
	start_writers(w, &sc, memory, &stop);
	for (i = 0; i < 300; i++) {
		pause_it(&sc.vgpu);
		if (!st_below(8))
			st_sleep_ms(1);
		resume(&sc.vgpu);
		if (!st_below(8))
			st_sleep_ms((unsigned int)st_below(5));
	}
	stop_writers(w, memory, &stop);
}

/* ---- rings ---------------------------------------------------------------------------- */

/* What is kicked while it is paused is taken when it goes on, without another kick. */
static void ring(void)
{
	struct vgpu_queue_create arg = { .flags = VGPU_QUEUE_RING, .ring_slots = 64 };
	struct vgpu_doorbell *bells;
	struct vgpu_cmd *slots;
	uint64_t offset;
	struct scene sc;
	uint32_t line;

	make_scene(&sc);
	line = st_timeline(sc.vgpu.fd, NULL);
	arg.ctx = sc.ctx;
	arg.ring_bo = st_bo(sc.vgpu.fd, VGPU_PAGE, 0, &offset);
	NEED_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_QUEUE_CREATE, &arg));
	slots = map(sc.vgpu.fd, offset, VGPU_PAGE);
	bells = map(sc.vgpu.fd, VGPU_MMAP_DOORBELLS, VGPU_PAGE);
	slots[0] = st_sync(VGPU_CMD_SIGNAL, line, 1);
	slots[1] = st_sync(VGPU_CMD_SIGNAL, line, 2);
	__atomic_store_n(&bells[arg.doorbell].tail, 2, __ATOMIC_RELEASE);
	pause_it(&sc.vgpu);
	NEED_OK(CALL(sc.vgpu.fd, VGPU_IOCTL_KICK, &(struct vgpu_kick) {
		.queue = arg.handle }));
	CHECK_ERR(st_wait(sc.vgpu.fd, line, 1, 200 * MS), -ETIME, "while it is paused");
	resume(&sc.vgpu);
	CHECK_OK(st_wait(sc.vgpu.fd, line, 2, 30 * SEC));
}

static const struct st_case cases[] = {
	{ "waits", waits },
	{ "ends", ends },
	{ "unchanged", unchanged, 120 },
	{ "races", races, 120 },
	{ "ring", ring },
};

ST_MAIN(cases)
