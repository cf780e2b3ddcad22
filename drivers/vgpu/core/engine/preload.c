// SPDX-License-Identifier: GPL-2.0
/*
 * Loads who is likely to be next while somebody else runs.
 *
 * Whenever an engine has got another context, ctx/predict.c is told, and a work
 * item asks it who comes then, of those that wait midway, and brings what is
 * saved of that one to the spare bank, a part at a time: nothing of it happens in
 * the switch itself, and the lock is dropped between the parts.  If another
 * context comes first, what was loaded stays, for it may be next after that; the
 * next guess decides.
 *
 * Guessing and the work item cost CPU time as well.  Loading some ten KiB is not worth
 * that: with 16 vGPUs of 70 KiB each all of switching took a fifth more of it.  So nobody
 * guesses on an engine while the contexts that leave it have less than WORTH.
 */
#include <linux/sizes.h>

#include "../core_priv.h"

/* Those that are looked at to see whether a context can be next. */
#define LOOK	64

#define WORTH		SZ_128K	/* bytes of saved state */
#define DUE		64	/* switches, after one that was worth it */

/* Can it be next, as far as anybody knows? */
static bool ready(const struct vgpu_engine *e, const struct vgpu_ctx *ctx)
{
	return ctx != e->loaded && !ctx->paging && !ctx->kill &&
	       !ctx->entity->paused && !ctx->entity->throttled &&
	       !ctx->entity->barred;
}

/* That which waits midway longest, or @who if it is one of them. */
static struct vgpu_ctx *find(struct vgpu_engine *e, u32 who)
{
	unsigned int look = LOOK;
	struct vgpu_ctx *ctx;

	list_for_each_entry(ctx, &e->preload.midway, midway_link) {
		if (!look--)
			break;
		if ((!who || ctx->id == who) && ready(e, ctx))
			return ctx;
	}
	return NULL;
}

static bool can_be_next(void *arg, u32 who)
{
	return find(arg, who);
}

static bool may_load(const struct vgpu_engine *e)
{
	return (e->state == VGPU_ENGINE_RUNNING ||
		e->state == VGPU_ENGINE_IDLE) && !e->held &&
	       (e->sw.modes & VGPU_SWITCH_PREDICTED);
}

static struct vgpu_ctx *guess(struct vgpu_engine *e)
{
	struct vgpu_ctx *first = find(e, 0);
	u32 who;

	who = vgpu_predict_next(&e->preload.predict, first ? first->id : 0,
				can_be_next, e);
	return who ? find(e, who) : NULL;
}

/* The next part; false: there is no more. */
static bool load(struct vgpu_engine *e, struct vgpu_ctx *next)
{
	struct vgpu_ctx_stats before = next->state.stats;
	bool more = vgpu_switch_preload(&e->sw, &next->state, &next->hw);

	vgpu_ctx_note_moved_locked(next, &before);
	return more;
}

static void preload_work_fn(struct work_struct *work)
{
	struct vgpu_engine *e = container_of(work, struct vgpu_engine,
					     preload.work);
	struct vgpu_ctx *next;
	bool more = false;
	u64 cookie;

	spin_lock_irq(&e->lock);
	cookie = e->cookie;
	next = may_load(e) ? guess(e) : NULL;
	if (next)
		more = load(e, next);
	while (more) {
		spin_unlock_irq(&e->lock);
		cond_resched();
		spin_lock_irq(&e->lock);
		/*
		 * Once anything else was started, @next may be gone, and there
		 * is a new guess to make. Forgetting takes it off the bank.
		 */
		more = cookie == e->cookie && may_load(e) &&
		       e->sw.spare == &next->state && load(e, next);
	}
	spin_unlock_irq(&e->lock);
}

void vgpu_preload_init(struct vgpu_engine *e)
{
	INIT_LIST_HEAD(&e->preload.midway);
	e->preload.worth = WORTH;
	e->preload.due = 0;
	INIT_WORK(&e->preload.work, preload_work_fn);
}

void vgpu_preload_fini(struct vgpu_engine *e)
{
	cancel_work_sync(&e->preload.work);
}

static bool is_worth_it(const struct vgpu_engine *e)
{
	return (e->sw.modes & VGPU_SWITCH_PREDICTED) &&
	       (e->preload.due || !e->preload.worth);
}

void vgpu_preload_left_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx)
{
	lockdep_assert_held(&e->lock);
	if (e->preload.due)
		e->preload.due--;
	if ((e->sw.modes & VGPU_SWITCH_PREDICTED) &&
	    vgpu_ctx_state_bytes(&ctx->state) >= e->preload.worth)
		e->preload.due = DUE;
}

void vgpu_preload_came_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx)
{
	u64 hits = e->preload.predict.hits, misses = e->preload.predict.misses;

	lockdep_assert_held(&e->lock);
	if (!is_worth_it(e) || e->preload.predict.last == ctx->id)
		return;
	vgpu_predict_came(&e->preload.predict, ctx->id);
	e->sw.stats.guess_hits += e->preload.predict.hits - hits;
	e->sw.stats.guess_misses += e->preload.predict.misses - misses;
}

void vgpu_preload_soon_locked(struct vgpu_engine *e)
{
	lockdep_assert_held(&e->lock);
	if (is_worth_it(e) && !e->preload.predict.asked &&
	    !list_empty(&e->preload.midway))
		queue_work(e->gpu->wq, &e->preload.work);
}
