/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of vgpu_membench.ko have in common. */
#ifndef _MEMBENCH_H
#define _MEMBENCH_H

#include <linux/prandom.h>
#include "mem_priv.h"

/**
 * struct mb_gpu - as little of a GPU as mem/ can work with
 * @ops: that do nothing but store
 * @mem: VRAM; NULL: what is written is lost
 */
struct mb_gpu {
	struct vgpu_backend_ops ops;
	struct vgpu_hw_desc desc;
	struct vgpu_vram *vram;
	u8 *mem;
};

extern const struct vgpu_pt_format mb_format;

struct mb_gpu *mb_gpu_create(u64 bytes, bool memory, bool mmu);
void mb_gpu_destroy(struct mb_gpu *gpu);

/* One figure, "key value" in the results. */
void mb_result(const char *key, u64 value);
/* Of the clock that everything here is measured with. */
u64 mb_now(void);

int mb_alloc(void);
int mb_map(void);
int mb_regions(void);

#endif /* _MEMBENCH_H */
