// SPDX-License-Identifier: GPL-2.0
/*
 * Space sharing: compute units that one vGPU has for itself.
 *
 * A backend that can (VGPU_HW_UNITS) has spare engines, which have no units.
 * A vGPU that is given units gets one of these, alone, with the units on it;
 * they are taken from the engines that the others share.  Nobody else waits
 * for it and it waits for nobody; its registers and shared memory are in an
 * engine that no other tenant enters as long as it is its own.
 *
 *     engine 0, shared    0 1 . .      one vGPU has 2 units of the 4
 *     engine 1, spare     . . 2 3
 *     engine 2, spare     . . . .
 *
 * What is always true: a unit is on one engine at most (it leaves the one
 * before it comes to the other, and a backend refuses anything else); each
 * shared engine has one at least; a spare engine without units has no tenant.
 *
 * A unit that moves stops both engines.  What ran on the shared one is saved
 * and goes on with the units that are left; it is not told.  The vGPU that gets
 * or loses units has no contexts meanwhile, so no launch of its was ever laid
 * out for another number of them than it is told in struct vgpu_info.
 */
#include <linux/ktime.h>
#include <linux/jiffies.h>

#include "../core_priv.h"

/* Which units each engine has, or shall have. */
struct units_plan {
	u64 units[VGPU_MAX_ENGINES];
};

static void plan_from(struct units_plan *p, const struct vgpu_gpu *gpu)
{
	unsigned int i;

	for (i = 0; i < gpu->whole.nr_engines; i++)
		p->units[i] = gpu->whole.engines[i].units;
}

/* Takes one unit from the shared engine that has most; false: none is left. */
static bool take_one(const struct vgpu_gpu *gpu, struct units_plan *p,
		     unsigned int own)
{
	unsigned int i, from = 0;
	u64 bit;

	for (i = 1; i < gpu->desc.engines; i++)
		if (hweight64(p->units[i]) > hweight64(p->units[from]))
			from = i;
	if (hweight64(p->units[from]) < 2)
		return false;
	bit = BIT_ULL(fls64(p->units[from]) - 1);
	p->units[from] &= ~bit;
	p->units[own] |= bit;
	return true;
}

/* Gives one unit back to where it was first, and is missed most. */
static void return_one(const struct vgpu_gpu *gpu, struct units_plan *p,
		       unsigned int own)
{
	unsigned int to = 0, unit = 0;
	u64 left;

	for (left = p->units[own]; left; left &= left - 1) {
		unsigned int home = __ffs64(left) / gpu->desc.units;

		if (left == p->units[own] ||
		    hweight64(p->units[home]) < hweight64(p->units[to])) {
			to = home;
			unit = __ffs64(left);
		}
	}
	p->units[own] &= ~BIT_ULL(unit);
	p->units[to] |= BIT_ULL(unit);
}

static int set_units(struct vgpu_engine *e, u64 mask)
{
	struct vgpu_gpu *gpu = e->gpu;
	int ret = 0;

	if (mask != e->units)
		ret = gpu->ops->set_units(gpu->hw, e->index, mask);
	if (!ret)
		WRITE_ONCE(e->units, mask);
	return ret;
}

/* Engines are held.  First units leave, then they come. */
static int install(struct vgpu_gpu *gpu, const struct units_plan *p)
{
	struct vgpu_engine *engines = gpu->whole.engines;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < gpu->whole.nr_engines && !ret; i++)
		ret = set_units(&engines[i], engines[i].units & p->units[i]);
	for (i = 0; i < gpu->whole.nr_engines && !ret; i++)
		ret = set_units(&engines[i], p->units[i]);
	return ret;
}

/* All of the plan, or nothing of it. */
static int apply(struct vgpu_gpu *gpu, const struct units_plan *p)
{
	struct units_plan old;
	unsigned int i;
	int ret;

	plan_from(&old, gpu);
	for (i = 0; i < gpu->whole.nr_engines; i++)
		if (p->units[i] != old.units[i])
			vgpu_engine_hold(&gpu->whole.engines[i]);
	ret = install(gpu, p);
	if (ret && install(gpu, &old)) {
		vgpu_degrade_failed(gpu, VGPU_DEGRADE_UNITS);
		pr_err("vgpu: gpu%u: compute units are lost, some engine takes none (%pe)\n",
		       gpu->index, ERR_PTR(ret));
	}
	for (i = 0; i < gpu->whole.nr_engines; i++)
		if (p->units[i] != old.units[i])
			vgpu_engine_release(&gpu->whole.engines[i]);
	return ret;
}

/* To the engine of its own, or to those that are shared. */
static void move(struct vgpu_instance *inst, struct vgpu_engine *own)
{
	struct vgpu_gpu *gpu = inst->gpu;
	unsigned int i;

	if (own == inst->own)
		return;
	/* It would look at an engine that is not the entity's any more. */
	cancel_delayed_work_sync(&inst->unthrottle_work);
	for (i = 0; i < inst->nr_entities; i++)
		vgpu_entity_fini(&inst->entity[i]);
	inst->own = own;
	inst->nr_entities = own ? 1 : gpu->desc.engines;
	for (i = 0; i < inst->nr_entities; i++)
		vgpu_entity_init(&inst->entity[i], inst,
				 own ?: &gpu->whole.engines[i]);
	vgpu_serial_bar(inst);
	if (inst->tenant) {
		vgpu_tenant_enter(inst);
		vgpu_tenant_changed(gpu, inst->tenant);
	}
}

static struct vgpu_engine *find_spare(struct vgpu_gpu *gpu)
{
	unsigned int i;

	for (i = gpu->desc.engines; i < gpu->whole.nr_engines; i++)
		if (!gpu->whole.engines[i].units)
			return &gpu->whole.engines[i];
	return NULL;
}

static bool has_contexts(struct vgpu_entity *ent)
{
	bool has;

	spin_lock_irq(&ent->engine->lock);
	has = ent->contexts;
	spin_unlock_irq(&ent->engine->lock);
	return has;
}

/* The last of a client's contexts may go a moment after the client. */
static bool in_use(struct vgpu_instance *inst)
{
	unsigned int i;

	if (inst->nr_clients || inst->freeze || inst->state == VGPU_STATE_RUNNING ||
	    inst->state == VGPU_STATE_PAUSED)
		return true;
	for (i = 0; i < inst->nr_entities; i++) {
		struct vgpu_entity *ent = &inst->entity[i];

		if (!wait_event_timeout(ent->engine->wait, !has_contexts(ent),
					HZ))
			return true;
	}
	return false;
}

int vgpu_units_set(struct vgpu_instance *inst, unsigned int count)
{
	struct vgpu_gpu *gpu = inst->gpu;
	struct vgpu_engine *own = inst->own;
	struct units_plan p;
	int ret;

	lockdep_assert_held(&gpu->lock);
	lockdep_assert_held(&inst->lock);
	if (count == vgpu_units_own(inst))
		return 0;
	if (!(gpu->desc.caps & VGPU_HW_UNITS))
		return -EOPNOTSUPP;
	if (count > gpu->desc.units)
		return -ERANGE;
	if (inst->state == VGPU_STATE_DEAD)
		return -ENODEV;
	if (in_use(inst))
		return -EBUSY;
	if (!own)
		own = find_spare(gpu);
	if (!own)
		return -ENOSPC;
	plan_from(&p, gpu);
	while (hweight64(p.units[own->index]) < count)
		if (!take_one(gpu, &p, own->index))
			return -ENOSPC;
	while (hweight64(p.units[own->index]) > count)
		return_one(gpu, &p, own->index);
	ret = apply(gpu, &p);
	if (!own->units)
		move(inst, NULL);
	else if (!ret)
		move(inst, own);
	return ret;
}

void vgpu_units_give_back(struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;
	struct vgpu_engine *own = inst->own;
	struct units_plan p;

	lockdep_assert_held(&gpu->lock);
	if (!own)
		return;
	mutex_lock(&inst->lock);
	move(inst, NULL);
	mutex_unlock(&inst->lock);
	plan_from(&p, gpu);
	while (p.units[own->index])
		return_one(gpu, &p, own->index);
	if (apply(gpu, &p))
		pr_err("vgpu: gpu%u: engine %u does not give its units back\n",
		       gpu->index, own->index);
}

unsigned int vgpu_units_free(struct vgpu_gpu *gpu)
{
	unsigned int i, sum = 0;

	lockdep_assert_held(&gpu->lock);
	if (!find_spare(gpu))
		return 0;
	for (i = 0; i < gpu->desc.engines; i++)
		sum += vgpu_engine_units(&gpu->whole.engines[i]) - 1;
	return min(sum, gpu->desc.units);
}

unsigned int vgpu_units_own(const struct vgpu_instance *inst)
{
	return inst->own ? vgpu_engine_units(inst->own) : 0;
}

unsigned int vgpu_units_serving(const struct vgpu_instance *inst)
{
	return vgpu_units_own(inst) ?: inst->gpu->whole.units;
}
