/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a GPU has a number of for all its vGPUs together: contexts, address spaces.
 *
 * Half of it is theirs by right, each vGPU's as much as any other's, whether there are
 * as many vGPUs yet or not; the other half is whose it is first.  So nobody can take what
 * somebody else, or who comes later, is to have.
 */
#ifndef _VGPU_CORE_COMMONS_H
#define _VGPU_CORE_COMMONS_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * struct vgpu_commons - one thing that a GPU has a number of
 * @lock: all of it, and of the claims; taken with nothing else inside
 * @limit: all together
 * @used: of it
 * @right: of each vGPU
 * @beyond: what vGPUs have above that
 * @vgpus: how many there can be
 * @claims: that are not empty
 */
struct vgpu_commons {
	spinlock_t lock;		/* all of it, and claims */
	u32 limit;
	u32 used;
	u32 right;
	u32 beyond;
	u32 vgpus;
	struct list_head claims;
};

/**
 * struct vgpu_claim - what one vGPU has of it; zeroed at first
 * @link: in the claims, while there is any
 * @used: how many; commons' lock
 */
struct vgpu_claim {
	struct list_head link;
	u32 used;
};

void vgpu_commons_init(struct vgpu_commons *c, u32 limit, u32 vgpus);
/* Another limit.  What is above it stays until it is given back. Any context. */
void vgpu_commons_set(struct vgpu_commons *c, u32 limit);
/* One more; *used: of all together then. False: there is none for this one. Any context. */
bool vgpu_commons_take(struct vgpu_commons *c, struct vgpu_claim *claim, u32 *used);
/* One less; how many all together have. Any context. */
u32 vgpu_commons_give(struct vgpu_commons *c, struct vgpu_claim *claim);
/* Would one more be its right, which nobody can be before? As of now. */
bool vgpu_commons_has_right(struct vgpu_commons *c, const struct vgpu_claim *claim);
/*
 * Why @claim got no more: all of it was taken, or, where @limit is less than that, its own
 * part of it.
 */
void vgpu_commons_figures(struct vgpu_commons *c, const struct vgpu_claim *claim,
			  u32 *used, u32 *limit);

#endif /* _VGPU_CORE_COMMONS_H */
