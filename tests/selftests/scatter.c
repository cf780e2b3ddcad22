// SPDX-License-Identifier: GPL-2.0
/*
 * A load for `make bench-mem`: a tenant whose memory lies scattered, and whose
 * commands go over all of it. Prints when each batch of them was over, ns of
 * CLOCK_BOOTTIME as in events, for --seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gpu.h"

#define KIB	1024u
#define SIZE	(128 * KIB)
#define BATCH	16

static uint64_t boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void scatter(void)
{
	struct vgpu_bo *bo[1024], *kept[1024];
	struct vgpu_info info;
	struct gpu gpu;
	unsigned int n = 0, count, i, k;
	uint64_t end;

	gpu_new(&gpu, 8, 100);
	st_info(gpu.vgpu.fd, &info);
	count = info.vram_bytes / 20 * 19 / SIZE;
	NEED(count > 8 && count <= 1024, "memory for %u buffers", count);
	for (i = 0; i < count; i++)
		NEED(!vgpu_alloc(gpu.vm, SIZE, VGPU_PROT_READ | VGPU_PROT_WRITE,
				 0, &bo[i]), "buffer %u: %s", i, vgpu_error());
	/* two of three go, and no two that stay are neighbours */
	for (i = 0; i < count; i++) {
		if (i % 3)
			vgpu_bo_destroy(bo[i]);
		else
			kept[n++] = bo[i];
	}
	end = boottime() + (st_seconds ? st_seconds : 10) * SEC;
	for (k = 0; boottime() < end; k++) {
		struct vgpu_cmd cmd[BATCH] = { };

		for (i = 0; i < BATCH; i++) {
			cmd[i].op = VGPU_CMD_COPY;
			cmd[i].copy.dst = kept[(k * BATCH + i) % n]->va;
			cmd[i].copy.src = kept[(k * BATCH + i + 1) % n]->va;
			cmd[i].copy.bytes = SIZE;
		}
		NEED(vgpu_submit(gpu.queue, cmd, BATCH, 60 * SEC) == BATCH,
		     "submit");
		NEED_OK(gpu_finish(&gpu, 120 * SEC));
		printf("# batch %llu\n", (unsigned long long)boottime());
	}
	for (i = 0; i < n; i++)
		vgpu_bo_destroy(kept[i]);
	gpu_close(&gpu);
}

static const struct st_case cases[] = {
	{ "scatter", scatter, 600 },
};

ST_MAIN(cases)
