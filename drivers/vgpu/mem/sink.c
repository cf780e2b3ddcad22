// SPDX-License-Identifier: GPL-2.0
/*
 * What goes from compressed memory to files, and when.
 *
 * Compressed memory consists of pages that the system can't have back. So when a
 * GPU's come to more than its limit, a worker moves the chunks that were evicted
 * longest ago to files (cold.c), until it is kept. Those of a tenant whose control
 * group had no room for another chunk go whatever the limit is: what is in a file
 * is charged to the same group, but the group can swap it.
 *
 * A chunk that is on its way is SINKING, and its contents are in both places; who
 * wants it waits, as for any other that is on its way. No lock is held meanwhile:
 * the worker may wait for a tenant's group to swap. So it may be late for other
 * tenants' chunks, which are fine where they are, but nobody's fault-in waits for it
 * but that of the chunk.
 *
 * A chunk that can't go (no room, no memory) stays where it is, and so do the others
 * of its BO for this round; they are the last to be looked at again. When nothing but
 * such is left the worker rests, for a second first and for longer each time.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/workqueue.h>
#include <vgpu/kunit.h>
#include "residency.h"

#define BATCH		64		/* chunks until others have the worker */
#define FAILURES	16		/* BOs that can't, until it rests */
#define REST_MIN	HZ
#define REST_MAX	(32 * HZ)
#define LOOKED_AT	256		/* for one that should go */

/*
 * A quarter of the system's memory: what a GPU's tenants don't need may be unswappable
 * up to there. Below that nothing costs time that may not have to; far above it others
 * would be swapped for it.
 */
#define DEFAULT_PART	4

static bool is_above_limit(struct vgpu_vram *vram)
{
	u64 limit = READ_ONCE(vram->tier_limit);

	return limit && READ_ONCE(vram->residency->tier.stats.system_pages) >
			limit >> PAGE_SHIFT;
}

static bool is_pressed(const struct vgpu_chunk *chunk)
{
	const struct vgpu_mem_account *acct = chunk->bo->acct;

	return acct && READ_ONCE(acct->squeezed);
}

/*
 * The chunk that should go first, which is the caller's then; NULL: there is none;
 * -EBUSY: only of BOs that had one this @round that could not.
 */
static struct vgpu_chunk *pick(struct vgpu_vram *vram, bool pressed, u32 round)
{
	struct vgpu_residency *res = vram->residency;
	struct vgpu_chunk *chunk, *next, *first = NULL;
	unsigned int left = LOOKED_AT;

	if (READ_ONCE(res->ending) || !READ_ONCE(vram->tier_limit))
		return NULL;
	spin_lock(&res->lock);
	list_for_each_entry_safe(chunk, next, &res->aged, aged) {
		if (!left--)
			break;
		if (!is_above_limit(vram) && !(pressed && is_pressed(chunk)))
			continue;
		if (chunk->bo->paged->sink_failed == round) {
			first = ERR_PTR(-EBUSY);
			list_move_tail(&chunk->aged, &res->aged);
			continue;
		}
		first = chunk;
		WARN_ON_ONCE(chunk->state != VGPU_CHUNK_EVICTED);
		list_del_init(&chunk->aged);
		chunk->state = VGPU_CHUNK_SINKING;
		/* its BO waits for us */
		chunk->bo->paged->busy++;
		break;
	}
	spin_unlock(&res->lock);
	return first;
}

/* @chunk is SINKING. */
static int sink(struct vgpu_residency *res, struct vgpu_chunk *chunk, u32 round)
{
	int err = vgpu_chunk_sink(chunk);

	spin_lock(&res->lock);
	chunk->state = VGPU_CHUNK_EVICTED;
	if (err) {
		res->stats.cold_failed++;
		chunk->bo->paged->sink_failed = round;
	} else {
		res->stats.cold_stores++;
	}
	/* if it is not there: as if it were the youngest */
	vgpu_sink_add(res, chunk);
	spin_unlock(&res->lock);
	vgpu_chunk_done(chunk->bo);
	return err;
}

static void sink_work(struct work_struct *work)
{
	struct vgpu_residency *res = container_of(to_delayed_work(work),
						  struct vgpu_residency,
						  sink_work);
	bool pressed = xchg(&res->pressed, false);
	unsigned int moved = 0, failed = 0;
	u32 round = ++res->sink_round;

	while (moved < BATCH && failed < FAILURES) {
		struct vgpu_chunk *chunk = pick(res->vram, pressed, round);

		if (!chunk)
			return;
		if (IS_ERR(chunk))
			failed = FAILURES;
		else if (sink(res, chunk, round))
			failed++;
		else
			moved++;
		cond_resched();
	}
	if (moved)
		res->sink_rest = REST_MIN;
	if (failed == FAILURES) {
		queue_delayed_work(system_unbound_wq, &res->sink_work,
				   res->sink_rest);
		res->sink_rest = min_t(unsigned long, 2 * res->sink_rest,
				       REST_MAX);
	} else {
		if (pressed)
			WRITE_ONCE(res->pressed, true);
		queue_delayed_work(system_unbound_wq, &res->sink_work, 0);
	}
}

void vgpu_sink_init(struct vgpu_vram *vram, struct vgpu_residency *res)
{
	res->vram = vram;
	res->sink_rest = REST_MIN;
	INIT_LIST_HEAD(&res->aged);
	INIT_DELAYED_WORK(&res->sink_work, sink_work);
}

void vgpu_sink_fini(struct vgpu_residency *res)
{
	cancel_delayed_work_sync(&res->sink_work);
}

void vgpu_sink_add(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	lockdep_assert_held(&res->lock);
	if (chunk->stored.pages && !chunk->stored.cold)
		list_add_tail(&chunk->aged, &res->aged);
}

void vgpu_sink_del(struct vgpu_residency *res, struct vgpu_chunk *chunk)
{
	lockdep_assert_held(&res->lock);
	list_del_init(&chunk->aged);
}

/* One that rests is not woken: it comes by itself. */
void vgpu_sink_kick(struct vgpu_residency *res, bool pressed)
{
	if (!READ_ONCE(res->vram->tier_limit))
		return;
	if (pressed)
		WRITE_ONCE(res->pressed, true);
	if (pressed || is_above_limit(res->vram))
		queue_delayed_work(system_unbound_wq, &res->sink_work, 0);
}

u64 vgpu_sink_default_limit(void)
{
	return (u64)totalram_pages() / DEFAULT_PART << PAGE_SHIFT;
}

/**
 * vgpu_vram_set_tier_limit() - how much evicted memory may take of the system's
 * @vram: whose
 * @bytes: compressed; what was evicted longest ago goes to files then; 0: nothing ever
 *
 * Context: any that may take a spinlock.
 */
void vgpu_vram_set_tier_limit(struct vgpu_vram *vram, u64 bytes)
{
	struct vgpu_residency *res = vgpu_residency_of(vram);

	WRITE_ONCE(vram->tier_limit, bytes);
	/* at once, also when it rests */
	if (res)
		mod_delayed_work(system_unbound_wq, &res->sink_work, 0);
}

VGPU_EXPORT_IF_KUNIT(vgpu_vram_set_tier_limit);
