// SPDX-License-Identifier: GPL-2.0
/*
 * Loads for `make bench-guest`: kernels of many lengths, as many as fit into a ring, one
 * after the other. Prints "LENGTH_US ROUNDS KERNELS NANOSECONDS KICKS"; what each
 * left is checked.
 *
 *	sweep try			of a new vGPU: finds the rounds
 *	sweep count NODE		checks how often it kicks
 *	sweep host ROUNDS:KERNELS:LENGTH_US...	of a new vGPU
 *	sweep NODE ROUNDS:KERNELS:LENGTH_US...	in a VM, each when its turn comes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu.h"

#define SLOTS		256u
#define LANES		1u
#define ARGS_AT		2048u	/* in the page of cells */

struct rig {
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
	struct vgpu_kernel *kernel;
	struct vgpu_bo *cells, *totals;
	uint64_t entry;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void rig_open(struct rig *r, const char *node)
{
	const struct vgpu_queue_options options = {
		.depth = SLOTS, .ring_slots = SLOTS,
	};
	const uint32_t prot = VGPU_PROT_READ | VGPU_PROT_WRITE;
	char path[512];

	NEED(!vgpu_open(node, &r->dev), "%s", vgpu_error());
	NEED_OK(vgpu_vm_create(r->dev, &r->vm));
	NEED_OK(vgpu_ctx_create(r->vm, 0, &r->ctx));
	NEED(!vgpu_queue_create(r->ctx, &options, &r->queue), "%s", vgpu_error());
	snprintf(path, sizeof(path), "%s/counter.elf", getenv("VGPU_PROGRAMS") ?: ".");
	NEED(!vgpu_kernel_load(r->vm, path, &r->kernel), "%s: %s", path, vgpu_error());
	NEED_OK(vgpu_kernel_entry(r->kernel, "counter", &r->entry));
	NEED_OK(vgpu_alloc(r->vm, VGPU_PAGE, prot, 0, &r->cells));
	NEED_OK(vgpu_alloc(r->vm, VGPU_PAGE, prot, 0, &r->totals));
}

/* Nanoseconds that @count kernels take. */
static uint64_t run(struct rig *r, uint64_t rounds, unsigned int count)
{
	const struct counter_args args = {
		.cells = r->cells->va, .totals = r->totals->va, .rounds = rounds,
	};
	const struct vgpu_launch launch = {
		.entry = r->entry, .block = { LANES, 1, 1 },
		.shared_bytes = LANES * 8, .args_va = r->cells->va + ARGS_AT,
	};
	uint64_t begin = now();
	unsigned int i;
	void *cells;
	int ret;

	NEED_OK(vgpu_bo_cpu(r->cells, &cells));
	memcpy((char *)cells + ARGS_AT, &args, sizeof(args));
	for (i = 0; i < count; i++) {
		ret = vgpu_launch(r->queue, &launch, 60 * SEC);
		NEED(!ret, "kernel %u: %s", i, vgpu_error());
	}
	ret = vgpu_queue_finish(r->queue, 120 * SEC);
	NEED(!ret, "%s: %s", st_errno(ret), vgpu_error());
	return now() - begin;
}

/* What @count kernels leave in the one cell, from @cell on. */
static uint64_t expected(uint64_t cell, uint64_t rounds, unsigned int count)
{
	uint64_t round, value;

	while (count--) {
		for (round = 0; round < rounds; round++) {
			value = cell * 6364136223846793005u + round;
			cell = value ^ value >> 7;
		}
	}
	return cell;
}

/* Returns how often the device was kicked. */
static uint64_t measure(struct rig *r, uint64_t rounds, unsigned int count,
			unsigned long length_us)
{
	struct vgpu_ring_figures before, after;
	volatile uint64_t *cell;
	uint64_t ns, want;
	void *cpu;

	NEED_OK(vgpu_bo_cpu(r->cells, &cpu));
	cell = cpu;
	NEED_OK(vgpu_queue_ring_figures(r->queue, &before));
	want = expected(*cell, rounds, count);
	ns = run(r, rounds, count);
	CHECK(*cell == want, "%u kernels of %llu rounds left %#llx, not %#llx",
	      count, (unsigned long long)rounds, (unsigned long long)*cell,
	      (unsigned long long)want);
	NEED_OK(vgpu_queue_ring_figures(r->queue, &after));
	printf("%lu %llu %u %llu %llu\n", length_us, (unsigned long long)rounds,
	       count, (unsigned long long)ns,
	       (unsigned long long)(after.kicks - before.kicks));
	fflush(stdout);
	return after.kicks - before.kicks;
}

/* Who reads our lines lets us go on by giving the vGPU the weight of our turn. */
static void await_turn(struct rig *r, uint32_t turn)
{
	printf("ready\n");
	fflush(stdout);
	while (vgpu_info(r->dev)->weight != turn) {
		st_sleep_ms(250);
		NEED_OK(vgpu_refresh(r->dev));
	}
}

static const char *const *what;
static const char *node;

/* One after the other, as our arguments say. */
static void host_again(void)
{
	unsigned long long rounds;
	unsigned long length;
	struct st_vgpu vgpu;
	unsigned int count;
	struct rig r;

	st_vgpu(&vgpu, 2, 0);
	rig_open(&r, vgpu.path);
	for (; *what; what++) {
		NEED(sscanf(*what, "%llu:%u:%lu", &rounds, &count, &length) == 3,
		     "%s", *what);
		run(&r, rounds, 1);
		measure(&r, rounds, count, length);
	}
}

static void host(void)
{
	static const unsigned long lengths[] = { 10, 100, 1000, 10000, 100000 };
	uint64_t few, many, rounds;
	struct st_vgpu vgpu;
	unsigned int i, count;
	struct rig r;

	st_vgpu(&vgpu, 2, 0);
	rig_open(&r, vgpu.path);
	run(&r, 2000, 20);
	/* one round, without what a kernel takes anyway */
	few = run(&r, 1, 200) / 200;
	many = run(&r, 4000, 20) / 20;
	NEED(many > few, "4000 rounds take %llu ns, one %llu",
	     (unsigned long long)many, (unsigned long long)few);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		rounds = lengths[i] * 1000 * 4000 / (many - few);
		/* more than fit into the ring, where that does not take long */
		count = 600000 / lengths[i];
		count = count > 2000 ? 2000 : count < 6 ? 6 : count;
		measure(&r, rounds ?: 1, count, lengths[i]);
	}
}

static void guest(void)
{
	unsigned long long rounds;
	unsigned long length;
	unsigned int count;
	uint32_t turn = 0;
	struct rig r;

	rig_open(&r, node);
	run(&r, 2000, 20);
	for (; *what; what++) {
		NEED(sscanf(*what, "%llu:%u:%lu", &rounds, &count, &length) == 3,
		     "%s", *what);
		await_turn(&r, ++turn);
		measure(&r, rounds, count, length);
	}
}

/* Who keeps a queue busy hardly ever kicks, which is what stops a VM. */
static void count_kicks(void)
{
	const unsigned int count = 600;
	uint64_t kicks;
	struct rig r;

	rig_open(&r, *what);
	kicks = measure(&r, 400, count, 0);
	CHECK(kicks <= count / 16, "%llu kicks for %u kernels",
	      (unsigned long long)kicks, count);
}

int main(int argc, char **argv)
{
	static const struct st_case hosts[] = {
		{ "lengths on the host", host_again, 240 },
	}, tries[] = {
		{ "how long a round takes", host, 240 },
	}, counts[] = {
		{ "a busy queue of a guest", count_kicks, 240 },
	}, guests[] = {
		{ "lengths in a guest", guest, 600 },
	};
	const char *mode = argv[1];

	if (argc < 2)
		return 2;
	/* what follows is ours, and no name of a case */
	what = (const char *const *)argv + 2;
	argv[1] = NULL;
	node = mode;
	return st_main(1, argv, !strcmp(mode, "try") ? tries :
		       !strcmp(mode, "count") ? counts :
		       !strcmp(mode, "host") ? hosts : guests, 1);
}
