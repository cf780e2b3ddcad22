// SPDX-License-Identifier: GPL-2.0
/* Two tenants: nothing of one reaches the other, not even its faults. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

static void attack(unsigned int i)
{
	struct gpu attacker, victim;
	struct vgpu_bo *secret;
	char how[256];

	gpu_new(&victim, 1, 0);
	gpu_new(&attacker, 1, 0);
	secret = attack_secret(&victim);
	CHECK(attacks[i].try(&attacker, &victim, how, sizeof(how)),
	      "not refused: %s: %s", attacks[i].name, how);
	CHECK(attack_unharmed(&victim, secret), "%s: the victim was harmed",
	      attacks[i].name);
	st_note("%s: %s", attacks[i].name, how);
}

static void read_memory(void)
{
	attack(0);
}

static void map_handle(void)
{
	attack(1);
}

static void mmap_offset(void)
{
	attack(2);
}

static void use_queue(void)
{
	attack(3);
}

static void hog(void)
{
	attack(4);
}

/*
 * Hangs again and again, at a time limit of its own unless @limit_us is none: the
 * tenant is given up on, its neighbour is not.
 */
static void hang_until_failed(uint64_t limit_us)
{
	struct vgpu_queue_options options = { .time_limit_us = limit_us };
	int error = limit_us ? -ETIME : -ETIMEDOUT;
	struct gpu bad, good;
	struct spin_args args = { 0 };
	struct vgpu_bo *bo;
	uint64_t entry;
	unsigned int i;
	int ret = 0;

	gpu_new(&good, 1, 0);
	gpu_new(&bad, 1, 0);
	bo = gpu_bo(&good, 4096, 0);
	entry = gpu_load(&bad, "spin", "spin_nopreempt");
	NEED(!vgpu_queue_create(bad.ctx, &options, &bad.queue), "%s",
	     vgpu_error());
	for (i = 0; i < 20; i++) {
		struct vgpu_cmd fill = st_fill(bo->va, 4, i + 1);

		ret = gpu_launch(&bad, entry, 1, 1, 0, &args, sizeof(args));
		if (ret)
			break;
		/* who is alone may run for ever: it hangs when others wait */
		st_sleep_ms(100);
		st_run(vgpu_fd(good.dev), vgpu_queue_handle(good.queue), &fill,
		       1);
		CHECK(*(uint32_t *)bo->cpu == i + 1, "a wrong result beside it");
		ret = gpu_finish(&bad, 20 * SEC);
		if (ret != error)
			break;
	}
	CHECK(ret == -ESHUTDOWN, "after %u hangs: %s", i, st_errno(ret));
	CHECK_ERR(CALL(vgpu_fd(bad.dev), VGPU_IOCTL_INFO,
		       &(struct vgpu_info) { 0 }), -ESHUTDOWN, "(failed)");
	st_note("failed after %u hangs", i);
	gpu_close(&bad);
	/* start tries again */
	NEED_OK(st_verb(&bad.vgpu, VGPU_VERB_START));
	bad.vgpu.fd = -1;
	gpu_open(&bad, &bad.vgpu);
	bo = gpu_bo(&bad, 4096, 0);
	st_run_one(vgpu_fd(bad.dev), vgpu_queue_handle(bad.queue),
		   st_fill(bo->va, 4, 3));
	CHECK(*(uint32_t *)bo->cpu == 3, "a wrong result after the restart");
}

static void failed(void)
{
	hang_until_failed(0);
}

static void failed_at_its_limit(void)
{
	hang_until_failed(2000);
}

/* Registers and shared memory of the one before are not there to read. */
static void no_leftovers(void)
{
	struct counter_run run;
	struct gpu first, second;
	struct vgpu_bo *out;
	struct copy_args args;
	uint64_t entry;
	unsigned int i;

	gpu_new(&first, 1, 0);
	gpu_new(&second, 1, 0);
	counter_setup(&run, &first, 4, 16, 50);
	out = gpu_bo(&second, 4096, 0);
	entry = gpu_load(&second, "copy", "copy");
	args = (struct copy_args) { .src = VGPU_SHARED_BASE, .dst = out->va,
				    .bytes = 512 };
	for (i = 0; i < 4; i++) {
		uint64_t j, sum = 0;
		int ret;

		NEED(!counter_start(&run), "%s", vgpu_error());
		ret = gpu_finish(&first, 20 * SEC);
		NEED(!ret, "%s", vgpu_error());
		memset(out->cpu, 0xff, 512);
		NEED(!gpu_launch(&second, entry, 1, 1, 1024, &args,
				 sizeof(args)), "%s", vgpu_error());
		ret = gpu_finish(&second, 20 * SEC);
		CHECK(!ret, "reading the shared memory: %s", vgpu_error());
		for (j = 0; j < 64; j++)
			sum |= ((uint64_t *)out->cpu)[j];
		CHECK(!sum, "shared memory shows what a neighbour left: 0x%llx",
		      (unsigned long long)sum);
	}
}

static const char *const places[LEFTOVER_LANES] = {
	[LEFTOVER_REGISTERS] = "registers",
	[LEFTOVER_CSRS] = "CSRs",
	[LEFTOVER_SHARED] = "shared memory",
	[LEFTOVER_VECTOR] = "vector registers",
};

struct searcher {
	struct gpu gpu;
	uint64_t entry;
	struct vgpu_bo *found;
};

static void searcher_new(struct searcher *s)
{
	gpu_new(&s->gpu, 1, 0);
	s->entry = gpu_load(&s->gpu, "leftover", "leftover");
	s->found = gpu_bo(&s->gpu, 4096, 0);
}

static int search(struct searcher *s, uint64_t secret, bool stay)
{
	const char *kb = st_read("/sys/module/vgpu_soft/parameters/extra_kb");
	const struct leftover_args args = {
		.found = s->found->va, .secret = secret, .stay = stay,
		.words = kb ? strtoull(kb, NULL, 10) * 1024 / 8 : 0,
	};

	memset(s->found->cpu, 0, 4096);
	return gpu_launch(&s->gpu, s->entry, 4, 8, 1024, &args, sizeof(args));
}

/*
 * Of one that ended, and of one that is midway: its neighbour finds nothing of it. Both have
 * the same addresses, so a translation that is left would show as well.
 */
static void every_place(void)
{
	struct searcher one, other;
	volatile uint64_t *found;
	unsigned int i, k;

	searcher_new(&one);
	searcher_new(&other);
	CHECK(one.found->va == other.found->va, "their addresses differ");
	for (i = 0; i < 12; i++) {
		bool stay = i % 3 == 2;
		int ret;

		NEED(!search(&one, 0x5ec2e70000000000ull + i, stay), "%s", vgpu_error());
		found = one.found->cpu;
		while (stay && found[LEFTOVER_LANES] < 32)
			st_sleep_ms(1);
		if (!stay) {
			ret = gpu_finish(&one.gpu, 60 * SEC);
			NEED(!ret, "%s", vgpu_error());
		}
		NEED(!search(&other, 0x0ddba11ull << 32 | i, false), "%s", vgpu_error());
		ret = gpu_finish(&other.gpu, 60 * SEC);
		NEED(!ret, "%s", vgpu_error());
		found = other.found->cpu;
		CHECK(found[LEFTOVER_LANES] == 32, "%llu lanes looked",
		      (unsigned long long)found[LEFTOVER_LANES]);
		for (k = 0; k < LEFTOVER_LANES; k++)
			CHECK(!found[k], "%s show 0x%llx of a neighbour's that %s",
			      places[k], (unsigned long long)found[k],
			      stay ? "is midway" : "ended");
		if (!stay)
			continue;
		vgpu_queue_destroy(one.gpu.queue);
		NEED(!vgpu_queue_create(one.gpu.ctx, NULL, &one.gpu.queue), "%s",
		     vgpu_error());
	}
}

static const struct st_case cases[] = {
	{ "read_memory", read_memory },
	{ "map_handle", map_handle },
	{ "mmap_offset", mmap_offset },
	{ "use_queue", use_queue },
	{ "hog", hog },
	{ "failed", failed, 120 },
	{ "failed at its own time limit", failed_at_its_limit, 120 },
	{ "no_leftovers", no_leftovers },
	{ "every_place", every_place },
};

ST_MAIN(cases)
