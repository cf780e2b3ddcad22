// SPDX-License-Identifier: GPL-2.0
/*
 * See commons.h.
 *
 * With @right of @limit for each of @vgpus, and @open = @limit - @vgpus * @right for all,
 * a vGPU that has its right takes from @open, and no more than that is ever above
 * rights.  So all together have @limit at most, and who has less than its right gets one.
 */
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <vgpu/kunit.h>

#include "commons.h"

#define BY_RIGHT	2	/* one in so many is */

void vgpu_commons_init(struct vgpu_commons *c, u32 limit, u32 vgpus)
{
	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->claims);
	c->vgpus = vgpus;
	c->used = 0;
	vgpu_commons_set(c, limit);
}

static u32 above(const struct vgpu_commons *c, const struct vgpu_claim *claim)
{
	return claim->used - min(claim->used, c->right);
}

void vgpu_commons_set(struct vgpu_commons *c, u32 limit)
{
	struct vgpu_claim *claim;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	WRITE_ONCE(c->limit, limit);
	c->right = limit / BY_RIGHT / c->vgpus;
	c->beyond = 0;
	list_for_each_entry(claim, &c->claims, link)
		c->beyond += above(c, claim);
	spin_unlock_irqrestore(&c->lock, flags);
}

static bool has_room_locked(const struct vgpu_commons *c, const struct vgpu_claim *claim)
{
	lockdep_assert_held(&c->lock);
	return c->used < c->limit &&
	       (claim->used < c->right ||
		c->beyond < c->limit - c->vgpus * c->right);
}

bool vgpu_commons_take(struct vgpu_commons *c, struct vgpu_claim *claim, u32 *used)
{
	unsigned long flags;
	bool took;

	spin_lock_irqsave(&c->lock, flags);
	took = has_room_locked(c, claim);
	if (took) {
		if (!claim->used++)
			list_add(&claim->link, &c->claims);
		c->beyond += claim->used > c->right;
		WRITE_ONCE(c->used, c->used + 1);
	}
	*used = c->used;
	spin_unlock_irqrestore(&c->lock, flags);
	return took;
}

u32 vgpu_commons_give(struct vgpu_commons *c, struct vgpu_claim *claim)
{
	unsigned long flags;
	u32 used;

	spin_lock_irqsave(&c->lock, flags);
	c->beyond -= claim->used > c->right;
	if (!--claim->used)
		list_del(&claim->link);
	used = c->used - 1;
	WRITE_ONCE(c->used, used);
	spin_unlock_irqrestore(&c->lock, flags);
	return used;
}

bool vgpu_commons_has_right(struct vgpu_commons *c, const struct vgpu_claim *claim)
{
	unsigned long flags;
	bool has;

	spin_lock_irqsave(&c->lock, flags);
	has = claim->used < c->right;
	spin_unlock_irqrestore(&c->lock, flags);
	return has;
}

void vgpu_commons_figures(struct vgpu_commons *c, const struct vgpu_claim *claim,
			  u32 *used, u32 *limit)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	*limit = c->limit;
	*used = c->used;
	/* there is some, but not for this one */
	if (c->used < c->limit && !has_room_locked(c, claim)) {
		*limit = claim->used;
		*used = claim->used;
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

VGPU_EXPORT_IF_KUNIT(vgpu_commons_init);
VGPU_EXPORT_IF_KUNIT(vgpu_commons_set);
VGPU_EXPORT_IF_KUNIT(vgpu_commons_take);
VGPU_EXPORT_IF_KUNIT(vgpu_commons_give);
VGPU_EXPORT_IF_KUNIT(vgpu_commons_has_right);
VGPU_EXPORT_IF_KUNIT(vgpu_commons_figures);
