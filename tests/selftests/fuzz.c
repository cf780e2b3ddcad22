// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls, rings and doorbells on one vGPU, while a neighbour computes on
 * another and checks each result.  --seed repeats a run's choices, --seconds
 * says how long each case goes on (default 8).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu.h"
#include "noise.h"

/* ---- the neighbour ---------------------------------------------------------- */

struct neighbour {
	struct gpu gpu;
	struct vgpu_bo *a, *b;
	uint64_t entry;
	volatile bool stop;
	volatile uint64_t rounds;
	uint64_t longest_ns;
};

static void neighbour_round(struct neighbour *n)
{
	struct copy_args args = { .src = n->a->va, .dst = n->b->va,
				  .bytes = 8000 };
	struct vgpu_queue_status status;
	uint64_t seed = n->rounds + 77, at;
	struct vgpu_cmd cmds[2];

	gpu_fill_pattern(n->a->cpu, 8192, seed);
	if (n->rounds % 2) {
		NEED(!gpu_launch(&n->gpu, n->entry, 2, 8, 0, &args,
				 sizeof(args)), "%s", vgpu_error());
		gpu_settle(&n->gpu);
	} else {
		cmds[0] = st_fill(n->b->va, 8192, 0);
		cmds[1] = st_copy(n->b->va, n->a->va, 8000);
		st_run(vgpu_fd(n->gpu.dev), vgpu_queue_handle(n->gpu.queue),
		       cmds, 2);
	}
	at = gpu_check_pattern(n->b->cpu, 8000, seed);
	NEED(at == 8000, "the neighbour's round %llu: byte %llu is wrong",
	     (unsigned long long)n->rounds, (unsigned long long)at);
	st_status(vgpu_fd(n->gpu.dev), vgpu_queue_handle(n->gpu.queue), 0,
		  &status);
	NEED(!status.failed && !status.irq,
	     "the neighbour's queue: %llu failed, interrupts 0x%x, %s",
	     (unsigned long long)status.failed, status.irq,
	     st_errno(status.error));
}

static void *neighbour_run(void *arg)
{
	struct neighbour *n = arg;
	uint64_t start = st_now_ns(), now;

	while (!n->stop) {
		neighbour_round(n);
		n->rounds++;
		now = st_now_ns();
		if (now - start > n->longest_ns)
			n->longest_ns = now - start;
		start = now;
	}
	return NULL;
}

static void neighbour_start(struct neighbour *n, pthread_t *thread)
{
	memset(n, 0, sizeof(*n));
	gpu_new(&n->gpu, 1, 0);
	n->a = gpu_bo(&n->gpu, 8192, 0);
	n->b = gpu_bo(&n->gpu, 8192, 0);
	n->entry = gpu_load(&n->gpu, "copy", "copy");
	NEED(!pthread_create(thread, NULL, neighbour_run, n), "no thread");
}

/* ---- random calls ------------------------------------------------------------ */

static void nuisance(const struct st_vgpu *vgpu, bool scribble)
{
	uint64_t end = st_now_ns() + (st_seconds ?: 8) * SEC;
	uint64_t did = 0, good = 0;
	unsigned int lives = 0;

	while (st_now_ns() < end) {
		int fd = open(vgpu->path, O_RDWR | O_CLOEXEC);

		/* given up on after hangs: start it again */
		if (fd < 0 && errno == EAGAIN)
			NEED_OK(st_verb(vgpu, VGPU_VERB_START));
		if (fd >= 0)
			close(fd);
		noise_life(vgpu, 300 + (unsigned int)st_below(700), scribble,
			   &did, &good);
		lives++;
	}
	st_note("%llu calls, %llu of them good, in %u lives",
		(unsigned long long)did, (unsigned long long)good, lives);
	CHECK(good > did / 20, "too few calls are good to reach far");
}

static void fuzz(bool scribble)
{
	struct vgpu_info before, after;
	struct neighbour n;
	struct st_vgpu vgpu;
	pthread_t thread;
	uint64_t rounds;
	unsigned int wait;
	int status;
	pid_t pid;

	st_vgpu(&vgpu, 1, 0);
	st_info(vgpu.fd, &before);
	neighbour_start(&n, &thread);
	pid = fork();
	if (!pid) {
		close(vgpu.fd);
		nuisance(&vgpu, scribble);
		st_stop();
	}
	waitpid(pid, &status, 0);
	CHECK(!status, "the fuzzer itself ended with status 0x%x", status);
	rounds = n.rounds;
	/* it goes on, however slow the machine is */
	for (wait = 0; wait < 120 && (wait < 1 || n.rounds <= rounds + 10);
	     wait++)
		st_sleep_ms(500);
	n.stop = true;
	pthread_join(thread, NULL);
	CHECK(rounds && n.rounds > rounds + 10,
	      "the neighbour did %llu rounds, %llu at the end",
	      (unsigned long long)rounds, (unsigned long long)n.rounds);
	st_note("the neighbour did %llu rounds, the longest took %llu ms",
		(unsigned long long)n.rounds,
		(unsigned long long)n.longest_ns / 1000000);

	/* nothing stays behind */
	close(vgpu.fd);
	vgpu.fd = open(vgpu.path, O_RDWR | O_CLOEXEC);
	if (vgpu.fd < 0) {
		NEED_OK(st_verb(&vgpu, VGPU_VERB_START));
		vgpu.fd = st_open(&vgpu);
	}
	st_info(vgpu.fd, &after);
	CHECK(after.vram_used == before.vram_used, "%lld bytes are left",
	      (long long)(after.vram_used - before.vram_used));
	close(vgpu.fd);
	CHECK_OK(st_destroy(&vgpu));
}

static void calls(void)
{
	fuzz(false);
}

static void calls_and_rings(void)
{
	fuzz(true);
}

static const struct st_case cases[] = {
	{ "calls", calls, 120 },
	{ "calls_and_rings", calls_and_rings, 120 },
};

ST_MAIN(cases)
