// SPDX-License-Identifier: GPL-2.0
/*
 * Serialized mode: engines of a GPU share memory, its bandwidth and caches, and through
 * these a tenant on one engine can see what another does on the next.  With this
 * setting only one owner at a time, a group or a vGPU without one, has
 * engines, all of them.  Everybody else is barred, which is to the run queues like being
 * throttled.
 *
 * A turn lasts TURN_SLICES of the GPU's slices while others want the GPU, and as long as it
 * likes otherwise; it ends at once when its owner has nothing to do.  Then all engines
 * stop, within the preempt timeout, what is midway is saved, and each engine's state,
 * spare bank included, is cleared, also where the next owner has no work.  Translations are
 * told apart by their tags as ever.
 *
 * Who is next: each owner has a virtual time, which grows by what its turn cost the others
 * divided by its weight.  That is the largest service of any engine: who leaves engines
 * idle in its turn gains nothing.  A turn that lasted to its end counts as one whatever
 * was served.  The smallest is next; who comes back has at least that of whoever was chosen
 * last, so that nobody saves up time by sleeping.  An owner of weight w therefore waits,
 * while others of weights W in sum have work, for W / w turns and one for each of them
 * at most.
 *
 * Turns are changed by a work item, since stopping engines sleeps.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>

#include "../core_priv.h"

#define TURN_SLICES	8
#define VTIME_SHIFT	4	/* fraction bits at weight 1 */

static const void *owner_of(const struct vgpu_instance *inst)
{
	return inst->tenant ? (const void *)inst->tenant : inst;
}

static u64 *vtime_of(struct vgpu_instance *inst)
{
	return inst->tenant ? &inst->tenant->serial_vtime : &inst->serial_vtime;
}

static u32 weight_of(const struct vgpu_instance *inst)
{
	return inst->tenant ? inst->tenant->weight : inst->weight;
}

static unsigned long turn_jiffies(const struct vgpu_gpu *gpu)
{
	return nsecs_to_jiffies(TURN_SLICES * gpu->slice_ns) + 1;
}

static void set_bars(struct vgpu_instance *inst)
{
	struct vgpu_serial *s = &inst->gpu->serial;
	bool bar = s->on && owner_of(inst) != s->owner;
	unsigned int i;

	for (i = 0; i < inst->nr_entities; i++) {
		struct vgpu_entity *ent = &inst->entity[i];
		struct vgpu_engine *e = ent->engine;

		spin_lock_irq(&e->lock);
		if (bar != ent->barred) {
			ent->barred = bar;
			if (bar)
				vgpu_entity_halt_locked(ent);
			else
				vgpu_entity_unblock_locked(ent);
		}
		spin_unlock_irq(&e->lock);
	}
}

static void set_all_bars(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;

	list_for_each_entry(inst, &gpu->instances, link)
		set_bars(inst);
}

/* Has it anything that an engine could run, or runs? */
static bool has_work(struct vgpu_instance *inst)
{
	u64 now = ktime_get_ns(), hold;
	bool has = false;
	unsigned int i;

	for (i = 0; i < inst->nr_entities && !has; i++) {
		struct vgpu_entity *ent = &inst->entity[i];
		struct vgpu_engine *e = ent->engine;

		spin_lock_irq(&e->lock);
		has = e->entity == ent ||
		      (!ent->paused && !ent->throttled && ent->contexts &&
		       (ent->se.state != VGPU_SE_IDLE ||
			vgpu_lines_next(&ent->lines, true, now, &hold)));
		spin_unlock_irq(&e->lock);
	}
	return has;
}

/* What the turn has cost so far, @least at least; whoever had it pays. */
static void charge(struct vgpu_gpu *gpu, u64 least)
{
	struct vgpu_serial *s = &gpu->serial;
	struct vgpu_instance *inst;
	u64 most = least;
	unsigned int i;

	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];

		spin_lock_irq(&e->lock);
		vgpu_engine_charge_locked(e);
		most = max(most, e->rq.service_ns - s->mark[i]);
		s->mark[i] = e->rq.service_ns;
		spin_unlock_irq(&e->lock);
	}
	list_for_each_entry(inst, &gpu->instances, link) {
		if (owner_of(inst) != s->owner)
			continue;
		*vtime_of(inst) += div_u64(most << VTIME_SHIFT,
					   weight_of(inst));
		break;
	}
}

/* A member of whoever is next, or NULL: nobody has work. */
static struct vgpu_instance *choose(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst, *best = NULL;
	u64 *v;

	list_for_each_entry(inst, &gpu->instances, link) {
		if (!has_work(inst))
			continue;
		v = vtime_of(inst);
		if ((s64)(*v - gpu->serial.vtime) < 0)
			*v = gpu->serial.vtime;
		if (!best || (s64)(*v - *vtime_of(best)) < 0)
			best = inst;
	}
	return best;
}

static void begin_turn(struct vgpu_gpu *gpu)
{
	struct vgpu_serial *s = &gpu->serial;

	s->end = jiffies + turn_jiffies(gpu);
	mod_delayed_work(gpu->wq, &s->work, turn_jiffies(gpu));
}

static void hold_all(struct vgpu_gpu *gpu)
{
	unsigned int i;

	for (i = 0; i < gpu->whole.nr_engines; i++)
		vgpu_engine_hold(&gpu->whole.engines[i]);
}

static void release_all(struct vgpu_gpu *gpu)
{
	unsigned int i;

	for (i = 0; i < gpu->whole.nr_engines; i++)
		vgpu_engine_release(&gpu->whole.engines[i]);
}

static void change_owner(struct vgpu_gpu *gpu, const void *owner)
{
	struct vgpu_serial *s = &gpu->serial;
	unsigned int i;

	hold_all(gpu);
	/* what was served until they stood */
	charge(gpu, 0);
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];

		spin_lock_irq(&e->lock);
		if (e->state == VGPU_ENGINE_IDLE)
			vgpu_switch_wipe(&e->sw);
		spin_unlock_irq(&e->lock);
	}
	s->owner = owner;
	s->turns++;
	set_all_bars(gpu);
	release_all(gpu);
}

static bool others_want(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;

	list_for_each_entry(inst, &gpu->instances, link)
		if (owner_of(inst) != gpu->serial.owner && has_work(inst))
			return true;
	return false;
}

static bool owner_wants(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;

	list_for_each_entry(inst, &gpu->instances, link)
		if (owner_of(inst) == gpu->serial.owner && has_work(inst))
			return true;
	return false;
}

static void look(struct vgpu_gpu *gpu)
{
	struct vgpu_serial *s = &gpu->serial;
	struct vgpu_instance *next;
	bool busy;

	lockdep_assert_held(&gpu->lock);
	/* who wants it from here on says so again */
	WRITE_ONCE(s->wanted, false);
	smp_mb();	/* pairs with vgpu_serial_wanted() */
	if (!others_want(gpu))
		return;
	WRITE_ONCE(s->wanted, true);
	smp_mb();	/* pairs with vgpu_serial_idle() */
	busy = owner_wants(gpu);
	if (busy && time_before(jiffies, s->end)) {
		mod_delayed_work(gpu->wq, &s->work, s->end - jiffies);
		return;
	}
	/* one that kept the others waiting, and was held back by its cap, had a turn */
	charge(gpu, busy ? TURN_SLICES * gpu->slice_ns : 0);
	next = choose(gpu);
	if (next) {
		s->vtime = *vtime_of(next);
		if (owner_of(next) != s->owner)
			change_owner(gpu, owner_of(next));
	}
	begin_turn(gpu);
}

static void serial_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(to_delayed_work(work),
					    struct vgpu_gpu, serial.work);
	int idx;

	if (!vgpu_gpu_enter(gpu, &idx))
		return;
	mutex_lock(&gpu->lock);
	if (gpu->serial.on)
		look(gpu);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
}

void vgpu_serial_wanted(struct vgpu_gpu *gpu)
{
	struct vgpu_serial *s = &gpu->serial;
	unsigned int i;

	WRITE_ONCE(s->wanted, true);
	smp_mb();	/* before an engine's state, see vgpu_serial_idle() */
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		if (READ_ONCE(gpu->whole.engines[i].state) ==
		    VGPU_ENGINE_IDLE)
			continue;
		/* if none is armed: a turn from now */
		queue_delayed_work(gpu->wq, &s->work, turn_jiffies(gpu));
		return;
	}
	mod_delayed_work(gpu->wq, &s->work, 0);
}

void vgpu_serial_idle(struct vgpu_gpu *gpu)
{
	if (!READ_ONCE(gpu->serial.on))
		return;
	smp_mb();	/* an engine's state before, see vgpu_serial_wanted() */
	if (READ_ONCE(gpu->serial.wanted))
		mod_delayed_work(gpu->wq, &gpu->serial.work, 0);
}

void vgpu_serial_set(struct vgpu_gpu *gpu, bool on)
{
	struct vgpu_serial *s = &gpu->serial;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	if (s->on == on)
		return;
	/* two may be on engines by now */
	hold_all(gpu);
	WRITE_ONCE(s->on, on);
	s->owner = NULL;
	for (i = 0; i < gpu->whole.nr_engines; i++)
		s->mark[i] = gpu->whole.engines[i].rq.service_ns;
	set_all_bars(gpu);
	release_all(gpu);
	mod_delayed_work(gpu->wq, &s->work, 0);
}

void vgpu_serial_bar(struct vgpu_instance *inst)
{
	lockdep_assert_held(&inst->gpu->lock);
	if (inst->gpu->serial.on)
		set_bars(inst);
}

void vgpu_serial_enter(struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;

	lockdep_assert_held(&gpu->lock);
	if (!gpu->serial.on)
		return;
	/* it may run, for who it belonged to */
	hold_all(gpu);
	set_bars(inst);
	release_all(gpu);
	mod_delayed_work(gpu->wq, &gpu->serial.work, 0);
}

void vgpu_serial_gone(struct vgpu_gpu *gpu, const void *owner)
{
	lockdep_assert_held(&gpu->lock);
	if (gpu->serial.owner == owner)
		gpu->serial.owner = NULL;
	if (gpu->serial.on && !READ_ONCE(gpu->unplugged))
		mod_delayed_work(gpu->wq, &gpu->serial.work, 0);
}

void vgpu_serial_init(struct vgpu_gpu *gpu)
{
	INIT_DELAYED_WORK(&gpu->serial.work, serial_work);
}

void vgpu_serial_fini(struct vgpu_gpu *gpu)
{
	WRITE_ONCE(gpu->serial.on, false);
	cancel_delayed_work_sync(&gpu->serial.work);
}
