// SPDX-License-Identifier: GPL-2.0
/* The DRM's buddies under their first name, 5.18 to 6.19. */
/* needs-symbol: drm_buddy_alloc_blocks */
#include <drm/drm_buddy.h>

void probe(struct drm_buddy *mm, struct drm_buddy_block *block);
void probe(struct drm_buddy *mm, struct drm_buddy_block *block)
{
	drm_buddy_free_block(mm, block);
}
