// SPDX-License-Identifier: GPL-2.0
/*
 * Whose memory has to go, when some has to.
 *
 * Each tenant has a list of its chunks in VRAM, in the order in which they came
 * or were last found to be used. Whose turn it is, is decided anew for each
 * victim:
 *
 *  1. one who has more of VRAM than its share, which it was lent;
 *  2. one within its share: that others are above theirs, but can't give up
 *     anything, happens when all that they have is held;
 *  3. one within its share whose control group would not pay for what is
 *     evicted, so that trying it is most likely in vain.
 *
 * Among those, the lowest priority, and then whose chunk has been there longest.
 * So what one does above its share costs those within theirs nothing but time.
 */
#include "residency.h"

enum rank {
	RANK_LENT,
	RANK_SHARE,
	RANK_STUCK,
	RANKS
};

struct vgpu_mem_owner *vgpu_lru_owner(struct vgpu_residency *res,
				      const struct vgpu_bo *bo)
{
	return bo->acct ? &bo->acct->owner : &res->nobody;
}

void vgpu_lru_init(struct vgpu_residency *res)
{
	INIT_LIST_HEAD(&res->owners);
	INIT_LIST_HEAD(&res->nobody.link);
	INIT_LIST_HEAD(&res->nobody.chunks);
}

/* @bo is there from now on. */
void vgpu_lru_enter(struct vgpu_residency *res, const struct vgpu_bo *bo)
{
	struct vgpu_mem_owner *owner = vgpu_lru_owner(res, bo);

	lockdep_assert_held(&res->lock);
	if (!owner->bos++)
		list_add_tail(&owner->link, &res->owners);
}

/* @bo goes; none of its chunks is with its owner any more. */
void vgpu_lru_leave(struct vgpu_residency *res, const struct vgpu_bo *bo)
{
	struct vgpu_mem_owner *owner = vgpu_lru_owner(res, bo);

	lockdep_assert_held(&res->lock);
	if (!--owner->bos) {
		WARN_ON_ONCE(!list_empty(&owner->chunks));
		list_del_init(&owner->link);
	}
}

/* @chunk, which is resident and not held, is the last to go of its owner's. */
void vgpu_lru_add(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	lockdep_assert_held(&res->lock);
	chunk->stamp = res->clock++;
	list_add_tail(&chunk->lru, &vgpu_lru_owner(res, chunk->bo)->chunks);
	res->nr_idle++;
}

/* @chunk is held, evicted or freed; or it is already. */
void vgpu_lru_del(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	lockdep_assert_held(&res->lock);
	if (list_empty(&chunk->lru))
		return;
	list_del_init(&chunk->lru);
	res->nr_idle--;
}

static enum rank rank_of(struct vgpu_residency *res,
			 struct vgpu_mem_owner *owner)
{
	const struct vgpu_mem_account *acct;

	if (owner == &res->nobody)
		return RANK_LENT;
	acct = container_of(owner, struct vgpu_mem_account, owner);
	if (READ_ONCE(acct->squeezed))
		return vgpu_acct_has_share(acct) ? RANK_LENT : RANK_STUCK;
	/* the last chunk of the share itself is not lent */
	return READ_ONCE(acct->resident) + READ_ONCE(acct->fixed) >
	       READ_ONCE(acct->share) ? RANK_LENT : RANK_SHARE;
}

/* The chunk that should go first, or NULL. Bounded by the number of tenants. */
struct vgpu_chunk *vgpu_lru_victim(struct vgpu_residency *res)
{
	struct vgpu_chunk *victim = NULL;
	enum rank victim_rank = RANKS;
	struct vgpu_mem_owner *owner;
	u32 victim_priority = 0;

	lockdep_assert_held(&res->lock);
	list_for_each_entry(owner, &res->owners, link) {
		u32 priority = READ_ONCE(owner->priority);
		struct vgpu_chunk *chunk;
		enum rank rank;

		chunk = list_first_entry_or_null(&owner->chunks,
						 struct vgpu_chunk, lru);
		if (!chunk)
			continue;
		rank = rank_of(res, owner);
		if (rank > victim_rank)
			continue;
		if (rank == victim_rank &&
		    (priority > victim_priority ||
		     (priority == victim_priority &&
		      chunk->stamp > victim->stamp)))
			continue;
		victim = chunk;
		victim_rank = rank;
		victim_priority = priority;
	}
	return victim;
}
