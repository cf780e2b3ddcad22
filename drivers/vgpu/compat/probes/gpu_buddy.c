// SPDX-License-Identifier: GPL-2.0
/* The DRM's buddies, drm_buddy_…, are gpu_buddy_… since 7.0 (and in Debian's 6.12). */
/* needs-symbol: gpu_buddy_alloc_blocks */
#include <linux/gpu_buddy.h>

void probe(struct gpu_buddy *mm, struct gpu_buddy_block *block);
void probe(struct gpu_buddy *mm, struct gpu_buddy_block *block)
{
	gpu_buddy_free_block(mm, block);
}
