// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attack.h"

#define SECRET_BYTES	(64u * 1024)
#define SECRET_SEED	0x5ec2e7u
#define MIB		(1u << 20)

static struct vgpu_bo *secret;

struct vgpu_bo *attack_secret(struct gpu *victim)
{
	unsigned int i;

	/* handles that the attacker has not got */
	for (i = 0; i < 30; i++)
		st_timeline(vgpu_fd(victim->dev), NULL);
	secret = gpu_bo(victim, SECRET_BYTES, 0);
	gpu_fill_pattern(secret->cpu, SECRET_BYTES, SECRET_SEED);
	return secret;
}

bool attack_unharmed(struct gpu *victim, const struct vgpu_bo *bo)
{
	struct vgpu_queue_status status;

	st_status(vgpu_fd(victim->dev), vgpu_queue_handle(victim->queue), 0,
		  &status);
	return gpu_check_pattern(bo->cpu, SECRET_BYTES, SECRET_SEED) ==
	       SECRET_BYTES && !status.failed && !status.irq;
}

/* Does any run of 16 bytes in there come from the secret? */
static bool leaked(const void *at, uint64_t bytes)
{
	const uint8_t *p = at;
	uint8_t head[16];
	uint64_t i;

	gpu_fill_pattern(head, sizeof(head), SECRET_SEED);
	for (i = 0; i + sizeof(head) <= bytes; i += 8)
		if (!memcmp(p + i, head, sizeof(head)))
			return true;
	return false;
}

/* Where the neighbour has it, around that, and all over the address space. */
static bool try_read(struct gpu *attacker, struct gpu *victim, char *how,
		     size_t bytes)
{
	struct vgpu_info info;
	struct vgpu_queue_status before, after;
	int fd = vgpu_fd(attacker->dev);
	uint32_t queue = vgpu_queue_handle(attacker->queue);
	struct vgpu_bo *loot = gpu_bo(attacker, SECRET_BYTES, 0);
	unsigned int tries = 0;
	bool seen = false;
	uint64_t span, va;

	(void)victim;
	st_info(fd, &info);
	span = info.va_end - info.va_start;
	st_status(fd, queue, VGPU_QUEUE_IRQ_ERROR, &before);
	for (tries = 0; tries < 64; tries++) {
		struct vgpu_cmd copy;

		if (tries < 32)	/* next to where the secret is for its owner */
			va = secret->va + (tries - 16ull) * 4 * MIB;
		else
			va = info.va_start + span / 32 * (tries - 32);
		if (va < info.va_start || va > info.va_end - SECRET_BYTES)
			va = info.va_start;
		/* our own memory is there for us to read */
		if (va + SECRET_BYTES > loot->va - 16 * MIB &&
		    va < loot->va + 16 * MIB)
			va += 512ull * MIB;
		copy = st_copy(loot->va, va, SECRET_BYTES);
		st_run(fd, queue, &copy, 1);
		seen |= leaked(loot->cpu, SECRET_BYTES);
	}
	st_status(fd, queue, VGPU_QUEUE_IRQ_ERROR, &after);
	snprintf(how, bytes, "%llu of %u reads ended in a page fault%s",
		 (unsigned long long)(after.failed - before.failed), tries,
		 seen ? ", AND THE SECRET WAS READ" : ", nothing was read");
	gpu_free(attacker, loot);
	return !seen && after.failed - before.failed == tries;
}

static bool try_handle(struct gpu *attacker, struct gpu *victim, char *how,
		       size_t bytes)
{
	int fd = vgpu_fd(attacker->dev);
	struct vgpu_info info;
	uint32_t vm = st_vm(fd);
	unsigned int refused = 0, tries = 0;
	uint32_t handle;
	int ret = 0;

	(void)victim;
	st_info(fd, &info);
	for (handle = secret->handle; handle < secret->handle + 64; handle++) {
		ret = st_map(fd, vm, handle, VGPU_PROT_READ, info.va_start, 0,
			     4096);
		tries++;
		refused += ret == -ENOENT;
	}
	snprintf(how, bytes, "%u of %u handles: %s", refused, tries,
		 st_errno(ret));
	st_close(fd, vm);
	return refused == tries;
}

static bool try_mmap(struct gpu *attacker, struct gpu *victim, char *how,
		     size_t bytes)
{
	int fd = vgpu_fd(attacker->dev);
	unsigned int refused = 0, tries = 0;
	bool seen = false;
	uint64_t at;
	int error = 0;

	(void)victim;
	for (at = 0; at < SECRET_BYTES; at += 4096) {
		uint64_t offset = secret->mmap_offset + at;
		uint8_t *p = st_mmap(fd, offset, 4096, PROT_READ);

		tries++;
		if (p == MAP_FAILED) {
			error = -errno;
			refused += error == -EINVAL;
			continue;
		}
		/* an offset of our own that has the same number */
		seen |= leaked(p, 4096);
		refused += !leaked(p, 4096);
		munmap(p, 4096);
	}
	snprintf(how, bytes, "%u of %u offsets: %s%s", refused, tries,
		 error ? st_errno(error) : "its own memory",
		 seen ? ", AND THE SECRET WAS READ" : "");
	return refused == tries && !seen;
}

static bool try_queue(struct gpu *attacker, struct gpu *victim, char *how,
		      size_t bytes)
{
	uint32_t theirs = vgpu_queue_handle(victim->queue);
	int fd = vgpu_fd(attacker->dev);
	struct vgpu_cmd fill = st_fill(secret->va, SECRET_BYTES, 0);
	struct vgpu_kick kick = { .queue = theirs };
	struct vgpu_queue_status status, now;
	volatile struct vgpu_doorbell *bells;
	int submit, kicked, i;

	st_status(vgpu_fd(victim->dev), theirs, 0, &status);
	/* a number that we have given out ourselves would be ours */
	if (theirs == vgpu_queue_handle(attacker->queue))
		kick.queue = theirs = secret->handle;
	submit = st_submit(fd, theirs, &fill, 1);
	kicked = CALL(fd, VGPU_IOCTL_KICK, &kick);
	/* and every doorbell that there is */
	bells = st_mmap(fd, VGPU_MMAP_DOORBELLS, 4096, PROT_READ | PROT_WRITE);
	for (i = 0; bells != MAP_FAILED && i < 256; i++)
		bells[i].tail += 4;
	munmap((void *)bells, 4096);
	st_sleep_ms(50);
	st_status(vgpu_fd(victim->dev), vgpu_queue_handle(victim->queue), 0,
		  &now);
	snprintf(how, bytes, "submit: %s, kick: %s%s",
		 strdupa(st_errno(submit)), strdupa(st_errno(kicked)),
		 now.submitted != status.submitted ?
		 ", BUT A COMMAND GOT THERE" : "");
	return submit == -ENOENT && kicked == -ENOENT &&
	       now.submitted == status.submitted;
}

/* How many small copies a neighbour gets done in a time. */
struct worker {
	struct gpu *gpu;
	struct vgpu_bo *bo;
	volatile bool stop;
	uint64_t longest_ns, done;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t start = st_now_ns(), now;

	while (!w->stop) {
		struct vgpu_cmd cmd = st_fill(w->bo->va, 16384,
					      (uint32_t)w->done + 1);

		st_run(vgpu_fd(w->gpu->dev), vgpu_queue_handle(w->gpu->queue),
		       &cmd, 1);
		if (*(uint32_t *)w->bo->cpu != (uint32_t)w->done + 1)
			break;
		w->done++;
		now = st_now_ns();
		if (now - start > w->longest_ns)
			w->longest_ns = now - start;
		start = now;
	}
	return NULL;
}

/*
 * More memory than the quota, then an endless kernel that refuses to be
 * preempted: it is reset, and the neighbour goes on meanwhile.
 */
static bool try_hog(struct gpu *attacker, struct gpu *victim, char *how,
		    size_t bytes)
{
	struct vgpu_bo_create big = { 0 };
	struct worker w = { .gpu = victim };
	struct vgpu_info info;
	struct st_vgpu again;
	struct gpu hog;
	struct spin_args args = { 0 };
	pthread_t thread;
	uint64_t start, done;
	struct vgpu_queue_status status;
	int quota;

	st_info(vgpu_fd(attacker->dev), &info);
	big.bytes = info.vram_bytes + 1;
	quota = CALL(vgpu_fd(attacker->dev), VGPU_IOCTL_BO_CREATE, &big);

	w.bo = gpu_bo(victim, 16384, 0);
	again = attacker->vgpu;
	again.fd = -1;
	gpu_open(&hog, &again);
	pthread_create(&thread, NULL, work, &w);
	st_sleep_ms(100);
	start = st_now_ns();
	done = w.done;
	NEED(!gpu_launch(&hog, gpu_load(&hog, "spin", "spin_nopreempt"), 1, 1,
			 0, &args, sizeof(args)), "%s", vgpu_error());
	gpu_settle(&hog);
	start = st_now_ns() - start;
	st_sleep_ms(300);
	w.stop = true;
	pthread_join(thread, NULL);
	done = w.done - done;
	st_status(vgpu_fd(hog.dev), vgpu_queue_handle(hog.queue), 0, &status);
	gpu_close(&hog);
	snprintf(how, bytes,
		 "quota: %s; endless kernel: %s after %llu ms, its neighbour did %llu jobs and waited %llu ms at most",
		 strdupa(st_errno(quota)), strdupa(st_errno(status.error)),
		 (unsigned long long)start / 1000000,
		 (unsigned long long)done,
		 (unsigned long long)w.longest_ns / 1000000);
	gpu_free(victim, w.bo);
	return quota == -EDQUOT && status.error == -ETIMEDOUT && done;
}

const struct attack attacks[] = {
	{ "read the neighbour's memory through guessed addresses", try_read },
	{ "map the neighbour's buffer by its handle", try_handle },
	{ "mmap the neighbour's offset of the aperture", try_mmap },
	{ "submit to, kick and ring the neighbour's queue", try_queue },
	{ "exceed the quota and hog the engine", try_hog },
};

const unsigned int attack_count = sizeof(attacks) / sizeof(attacks[0]);
