// SPDX-License-Identifier: GPL-2.0
/*
 * What is mapped where in an address space: a red-black tree by address.
 *
 * Regions never overlap, so the order by start is also the order by end, and
 * a plain tree finds the first one in a range in O(log n). (A maple tree would
 * too, but may have to allocate when a region is inserted, and unmapping may
 * not fail for that.)
 */
#include <linux/slab.h>
#include "mem_priv.h"

#define region_of(rb)	rb_entry_safe(rb, struct vgpu_region, node)

struct vgpu_region *vgpu_region_alloc(void)
{
	struct vgpu_region *region;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (region) {
		INIT_LIST_HEAD(&region->bo_link);
		INIT_LIST_HEAD(&region->doomed);
	}
	return region;
}

void vgpu_region_free(struct vgpu_region *region)
{
	kfree(region);
}

void vgpu_region_insert(struct vgpu_as *as, struct vgpu_region *region)
{
	struct rb_node **link = &as->regions.rb_node, *parent = NULL;

	lockdep_assert_held(&as->lock);
	while (*link) {
		parent = *link;
		link = region->va < region_of(parent)->va ? &parent->rb_left :
							    &parent->rb_right;
	}
	rb_link_node(&region->node, parent, link);
	rb_insert_color(&region->node, &as->regions);
	as->stats.regions++;
	as->stats.mapped += region->bytes;
}

void vgpu_region_erase(struct vgpu_as *as, struct vgpu_region *region)
{
	lockdep_assert_held(&as->lock);
	rb_erase(&region->node, &as->regions);
	as->stats.regions--;
	as->stats.mapped -= region->bytes;
}

/* The lowest region that has an address in [@va, @end), or NULL. */
struct vgpu_region *vgpu_region_first(struct vgpu_as *as, u64 va, u64 end)
{
	struct rb_node *rb = as->regions.rb_node;
	struct vgpu_region *found = NULL;

	lockdep_assert_held(&as->lock);
	while (rb) {
		if (vgpu_region_end(region_of(rb)) > va) {
			found = region_of(rb);
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found && found->va < end ? found : NULL;
}

/* The one after @region if it begins before @end, or NULL. */
struct vgpu_region *vgpu_region_next(struct vgpu_region *region, u64 end)
{
	struct vgpu_region *next = region_of(rb_next(&region->node));

	return next && next->va < end ? next : NULL;
}
