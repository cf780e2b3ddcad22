/* SPDX-License-Identifier: GPL-2.0 */
/* Images of vGPUs in files that are only in memory. */
#ifndef VGPU_SELFTESTS_IMAGES_H
#define VGPU_SELFTESTS_IMAGES_H

#include "gpu.h"

#define PAGES	64ull

int memory_file(void);
/* 0 or errno; @arg tells why. */
int save_to(const struct st_vgpu *vgpu, int fd, uint32_t flags,
	    struct vgpu_ctl_save *arg);
/* To a new file. Ends the case when it fails. */
int save(const struct st_vgpu *vgpu, uint32_t flags);

/* Where images are restored: 1 if $VGPU_GPUS is set, else 0. */
unsigned int image_gpu(void);

/* Of the last call that follows. */
extern struct vgpu_ctl_restore restored;

/* Of the whole file, on that GPU. 0 or errno; @vgpu is not open. */
int restore_from(int fd, struct st_vgpu *vgpu, uint32_t flags);
int adopt(int fd, uint32_t number);
/* Restored and adopted. Ends the case when it fails. */
void restore(int fd, struct st_vgpu *vgpu);
void drop(struct st_vgpu *vgpu);

/* Something of everything. */
struct scene {
	struct st_vgpu vgpu;
	uint32_t bo, host, hole, vm, ctx, queue, timeline, slot;
	uint64_t offset, host_offset, quota;
};

void make_scene(struct scene *sc);
/* All of it, as @fd has it: also what its engine reads and writes. */
void check_scene(const struct scene *sc, int fd);

#endif /* VGPU_SELFTESTS_IMAGES_H */
