// SPDX-License-Identifier: GPL-2.0
/* Two tenants: nothing of one reaches the other, not even its faults. */
#include <pthread.h>
#include <stdio.h>
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

/* Hangs again and again: the tenant is given up on, its neighbour is not. */
static void failed(void)
{
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
		if (ret != -ETIMEDOUT)
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

static const struct st_case cases[] = {
	{ "read_memory", read_memory },
	{ "map_handle", map_handle },
	{ "mmap_offset", mmap_offset },
	{ "use_queue", use_queue },
	{ "hog", hog },
	{ "failed", failed, 120 },
	{ "no_leftovers", no_leftovers },
};

ST_MAIN(cases)
