/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's own buddies, whatever they are called, to measure ours by. A
 * kernel that has none, or does not show them to modules, leaves VGPU_BUDDY
 * undefined.
 */
#ifndef _VGPU_COMPAT_BUDDY_H
#define _VGPU_COMPAT_BUDDY_H

#include <linux/list.h>
#include <linux/types.h>
#include <vgpu_compat_config.h>

#if defined(HAVE_GPU_BUDDY)
#include <linux/gpu_buddy.h>
#define VGPU_BUDDY(name)	gpu_buddy##name
#elif defined(HAVE_DRM_BUDDY)
#include <drm/drm_buddy.h>
#define VGPU_BUDDY(name)	drm_buddy##name
#endif

#ifdef VGPU_BUDDY
#define vgpu_compat_buddy		VGPU_BUDDY()
#define vgpu_compat_buddy_block		VGPU_BUDDY(_block)
#define vgpu_compat_buddy_init		VGPU_BUDDY(_init)
#define vgpu_compat_buddy_fini		VGPU_BUDDY(_fini)
#define vgpu_compat_buddy_free		VGPU_BUDDY(_free_block)

/* One block of just @bytes, aligned to that, anywhere below @end. */
static inline int vgpu_compat_buddy_alloc(struct vgpu_compat_buddy *mm, u64 end,
					  u64 bytes, struct list_head *blocks)
{
	return VGPU_BUDDY(_alloc_blocks)(mm, 0, end, bytes, bytes, blocks, 0);
}
#endif

#endif /* _VGPU_COMPAT_BUDDY_H */
