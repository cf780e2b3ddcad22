// SPDX-License-Identifier: GPL-2.0
/*
 * Who makes everybody page is held back, and nobody else.
 *
 * A chunk that is brought back so soon that it would still be there, had there
 * been twice the frames, is a refault: memory that is in use was taken. To blame
 * is for whom it was taken, if he has more of VRAM than his share; who keeps
 * within it may take what others were lent.
 *
 * More than VGPU_THRASH_BLAMED refaults in a window of a tenth of a second are
 * too many. Then the tenant's fault-ins are kept a millisecond apart, and twice
 * as far with each such window, up to 32 ms; each window that is calm undoes one
 * step. So what one tenant makes everybody page settles near that many chunks in
 * a window, however many contexts it faults with. Who is alone is not held back:
 * nobody would have anything of it.
 *
 * Time comes in from outside.
 */
#include <linux/ktime.h>
#include <vgpu/kunit.h>
#include "residency.h"

/* The window that @now is in: what the last ones were counts now. */
static void turn(struct vgpu_thrash *th, u64 now)
{
	u64 passed = now - min(now, th->window);
	u64 calm;

	if (passed < VGPU_THRASH_WINDOW_NS)
		return;
	calm = div64_u64(passed, VGPU_THRASH_WINDOW_NS);
	if (th->blamed > VGPU_THRASH_BLAMED) {
		if (!th->level)
			th->begun++;
		th->level = min_t(u32, th->level + 1, VGPU_THRASH_LEVELS);
		calm--;		/* this one was not */
	}
	th->level -= min_t(u64, th->level, calm);
	th->blamed = 0;
	th->window = now;
}

/* A refault that is the tenant's doing. */
void vgpu_thrash_blame(struct vgpu_thrash *th, u64 now)
{
	turn(th, now);
	th->blamed++;
}

/* How long a fault-in that comes @now has to wait, ns. */
u64 vgpu_thrash_delay(struct vgpu_thrash *th, u64 now)
{
	u64 apart, at;

	turn(th, now);
	if (!th->level) {
		th->next = 0;
		return 0;
	}
	apart = VGPU_THRASH_NS << (th->level - 1);
	/* those that wait already are before it, but not for ever */
	at = clamp(th->next, now, now + 64 * apart);
	th->next = at + apart;
	return at - now;
}

static bool may_be_blamed(const struct vgpu_mem_owner *owner)
{
	return vgpu_acct_has_share(container_of(owner, struct vgpu_mem_account,
						owner));
}

/* @chunk is about to be back. */
void vgpu_thrash_restored(struct vgpu_residency *res,
			  const struct vgpu_chunk *chunk, u64 now)
{
	struct vgpu_mem_owner *owner;

	lockdep_assert_held(&res->lock);
	/* never there, or taken for somebody who can't be held back */
	if (!chunk->stamp ||
	    res->stats.evictions - chunk->stamp >= res->nr_frames)
		return;
	res->stats.refaults++;
	list_for_each_entry(owner, &res->owners, link) {
		if (owner->id != chunk->evictor || owner == &res->nobody)
			continue;
		if (may_be_blamed(owner))
			vgpu_thrash_blame(&owner->thrash, now);
		break;
	}
}

/* Is there anybody else who could have something of it? */
static bool is_shared(struct vgpu_residency *res)
{
	return !list_empty(&res->owners) && !list_is_singular(&res->owners);
}

/* Has @owner to wait for what it does to others? */
bool vgpu_thrash_is_held_back(struct vgpu_residency *res,
			      const struct vgpu_mem_owner *owner)
{
	lockdep_assert_held(&res->lock);
	return owner->thrash.level && is_shared(res);
}

/**
 * vgpu_mem_fault_delay() - how long the next fault-in is to wait
 * @vram: where
 * @acct: whose it is
 * @begun: set: how often it came to be held back
 *
 * Whoever asks has to come, after that time: others are told to come later.
 *
 * Context: process.
 * Return: ns.
 */
u64 vgpu_mem_fault_delay(struct vgpu_vram *vram, struct vgpu_mem_account *acct,
			 u64 *begun)
{
	struct vgpu_residency *res = vgpu_residency_of(vram);
	u64 delay = 0;

	*begun = 0;
	if (!res)
		return 0;
	spin_lock(&res->lock);
	if (is_shared(res))
		delay = vgpu_thrash_delay(&acct->owner.thrash, ktime_get_ns());
	*begun = acct->owner.thrash.begun;
	if (delay) {
		res->stats.throttled++;
		res->stats.throttled_ns += delay;
	}
	spin_unlock(&res->lock);
	return delay;
}

VGPU_EXPORT_IF_KUNIT(vgpu_thrash_blame);
VGPU_EXPORT_IF_KUNIT(vgpu_thrash_delay);
VGPU_EXPORT_IF_KUNIT(vgpu_mem_fault_delay);
