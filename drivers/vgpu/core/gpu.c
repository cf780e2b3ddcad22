// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of physical GPUs, and what is set for a whole GPU.
 *
 * A GPU can be unplugged at any time.  Whoever is about to call one of its
 * operations in process context passes the gate (vgpu_gpu_enter()); taking
 * the GPU away closes the gate, waits for those inside, and then takes
 * everything down without it.  Tenants keep their files and get -ENODEV.
 */
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "core_priv.h"

DEFINE_SRCU(vgpu_unplug_srcu);
static DEFINE_XARRAY_ALLOC(gpus);

bool vgpu_gpu_enter(struct vgpu_gpu *gpu, int *idx)
{
	*idx = srcu_read_lock(&vgpu_unplug_srcu);
	/* For sparse the gate is taken and left within: it may stay shut. */
	__release(&vgpu_unplug_srcu);
	if (likely(!READ_ONCE(gpu->unplugged)))
		return true;
	vgpu_gpu_leave(*idx);
	return false;
}

void vgpu_gpu_leave(int idx)
{
	__acquire(&vgpu_unplug_srcu);
	srcu_read_unlock(&vgpu_unplug_srcu, idx);
}

static void gpu_free(struct kref *ref)
{
	struct vgpu_gpu *gpu = container_of(ref, struct vgpu_gpu, ref);

	vgpu_policy_put(gpu->policy);
	ida_destroy(&gpu->asids);
	mutex_destroy(&gpu->lock);
	kfree(gpu->whole.engines);
	put_device(gpu->dev);
	kfree(gpu);
}

void vgpu_gpu_hold(struct vgpu_gpu *gpu)
{
	kref_get(&gpu->ref);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_hold, VGPU);

void vgpu_gpu_put(struct vgpu_gpu *gpu)
{
	kref_put(&gpu->ref, gpu_free);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_put, VGPU);

struct vgpu_gpu *vgpu_gpu_next(u32 from)
{
	unsigned long index = from;
	struct vgpu_gpu *gpu;

	xa_lock(&gpus);
	gpu = xa_find(&gpus, &index, ULONG_MAX, XA_PRESENT);
	if (gpu)
		vgpu_gpu_hold(gpu);
	xa_unlock(&gpus);
	return gpu;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_next, VGPU);

struct vgpu_gpu *vgpu_gpu_get(u32 index)
{
	struct vgpu_gpu *gpu;

	xa_lock(&gpus);
	gpu = xa_load(&gpus, index);
	if (gpu)
		vgpu_gpu_hold(gpu);
	xa_unlock(&gpus);
	return gpu;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_get, VGPU);

u32 vgpu_gpu_index(const struct vgpu_gpu *gpu)
{
	return gpu->index;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_index, VGPU);

struct device *vgpu_gpu_device(const struct vgpu_gpu *gpu)
{
	return gpu->dev;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_device, VGPU);

const char *vgpu_gpu_driver(const struct vgpu_gpu *gpu)
{
	return gpu->driver;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_driver, VGPU);

const struct vgpu_type *vgpu_gpu_types(struct vgpu_gpu *gpu,
				       unsigned int *count)
{
	*count = gpu->nr_types;
	return gpu->types;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_types, VGPU);

unsigned int vgpu_type_available(struct vgpu_gpu *gpu,
				 const struct vgpu_type *type)
{
	unsigned int fit = 0;

	mutex_lock(&gpu->lock);
	if (!gpu->unplugged)
		fit = min_t(u64, gpu->desc.max_instances - gpu->nr_instances,
			    div64_u64(vgpu_gpu_capacity(gpu) - gpu->committed,
				      type->vram_bytes));
	mutex_unlock(&gpu->lock);
	return fit;
}
EXPORT_SYMBOL_NS_GPL(vgpu_type_available, VGPU);

/* An eighth, a quarter, a half, all of it. */
static void gpu_make_types(struct vgpu_gpu *gpu)
{
	u32 shares;

	for (shares = 1; shares <= 8; shares *= 2) {
		struct vgpu_type *type = &gpu->types[gpu->nr_types];

		type->shares = shares;
		type->weight = shares * VGPU_WEIGHT_DEFAULT;
		type->vram_bytes = round_down(gpu->desc.vram_bytes / 8 * shares,
					      SZ_1M);
		if (!type->vram_bytes)
			continue;
		snprintf(type->name, sizeof(type->name), "%ug.%llum", shares,
			 type->vram_bytes / SZ_1M);
		gpu->nr_types++;
	}
}

static const char *desc_fault(const struct vgpu_hw_desc *d,
			      const struct vgpu_backend_ops *ops)
{
	if (!d->name || !*d->name || !d->driver || !*d->driver)
		return "no name";
	if (!d->vram_bytes || d->vram_bytes % SZ_2M)
		return "VRAM not a multiple of 2 MiB";
	if (!d->engines || d->engines > VGPU_MAX_ENGINES)
		return "number of engines";
	if (!d->units || !d->max_instances || d->max_instances > 64)
		return "number of units or instances";
	if (d->asids < 2)
		return "too few address space tags";
	if (!ops->run || !ops->clear || !ops->reset || !ops->clock ||
	    !ops->vram_page || !ops->vram_clear)
		return "an operation everybody needs is missing";
	if ((d->caps & VGPU_HW_PREEMPT) && !(d->caps & VGPU_HW_SAVE))
		return "PREEMPT without SAVE";
	if ((d->caps & VGPU_HW_PREEMPT) && !ops->preempt)
		return "PREEMPT without preempt()";
	if ((d->caps & VGPU_HW_SAVE) && (!ops->save || !ops->load || !ops->dirty))
		return "SAVE without save(), load() and dirty()";
	if ((d->caps & VGPU_HW_BLOCKS) &&
	    (!(d->caps & VGPU_HW_SAVE) || !ops->blocks || !ops->save_blocks ||
	     !ops->load_blocks))
		return "BLOCKS without SAVE or operations";
	if ((d->caps & VGPU_HW_BANK) &&
	    (!(d->caps & VGPU_HW_SAVE) || !ops->flip))
		return "BANK without SAVE or flip()";
	if ((d->caps & VGPU_HW_MMU) &&
	    (!d->format || !ops->pte_write || !ops->tlb_invalidate ||
	     !ops->tlb_sync))
		return "MMU without format or operations";
	if ((d->caps & VGPU_HW_MMU) && !ops->pte_harvest &&
	    (d->format->accessed || d->format->dirty))
		return "accessed or dirty bits without pte_harvest()";
	if (!(d->caps & VGPU_HW_UNITS) != !d->spare_engines)
		return "UNITS and spare engines go together";
	if ((d->caps & VGPU_HW_UNITS) &&
	    (!(d->caps & VGPU_HW_PREEMPT) || !ops->set_units))
		return "UNITS without PREEMPT or set_units()";
	if ((d->caps & VGPU_HW_UNITS) &&
	    (d->units > 64 / d->engines ||
	     d->spare_engines > VGPU_MAX_ENGINES - d->engines))
		return "UNITS with over 64 units or 8 engines in all";
	if ((d->caps & VGPU_HW_RESTART) &&
	    (~d->caps & (VGPU_HW_MMU | VGPU_HW_SAVE)))
		return "RESTART without MMU and SAVE";
	if ((d->caps & VGPU_HW_LAUNCH) && !(d->caps & VGPU_HW_MMU))
		return "LAUNCH without MMU";
	return NULL;
}

static void gpu_sample(struct work_struct *work);

struct vgpu_gpu *vgpu_gpu_register(struct device *dev,
				   const struct vgpu_hw_desc *desc,
				   const struct vgpu_backend_ops *ops,
				   void *hw, struct module *owner)
{
	const char *fault = desc_fault(desc, ops);
	struct vgpu_gpu *gpu, *other;
	unsigned long index;
	unsigned int i;
	int ret;

	if (fault) {
		dev_err(dev, "vgpu: not registered: %s\n", fault);
		return ERR_PTR(-EINVAL);
	}
	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return ERR_PTR(-ENOMEM);
	kref_init(&gpu->ref);
	mutex_init(&gpu->lock);
	INIT_LIST_HEAD(&gpu->instances);
	INIT_LIST_HEAD(&gpu->tenants);
	gpu->nested = true;
	ida_init(&gpu->asids);
	init_llist_head(&gpu->woken);
	INIT_WORK(&gpu->woken_work, vgpu_queue_woken_work);
	vgpu_ecc_init(gpu);
	INIT_DELAYED_WORK(&gpu->sample_work, gpu_sample);
	vgpu_governor_init(gpu);
	vgpu_quota_init(&gpu->quota, gpu, NULL);
	vgpu_waitline_init(&gpu->contexts_line);
	vgpu_degrader_init(gpu);
	vgpu_dumper_init(gpu);
	vgpu_tidy_init(gpu);
	vgpu_serial_init(gpu);
	gpu->desc = *desc;
	strscpy(gpu->name, desc->name, sizeof(gpu->name));
	strscpy(gpu->driver, desc->driver, sizeof(gpu->driver));
	gpu->desc.name = gpu->name;
	gpu->desc.driver = gpu->driver;
	gpu->ops = ops;
	gpu->hw = hw;
	gpu->owner = owner;
	gpu->dev = get_device(dev);
	gpu->slice_ns = VGPU_SLICE_DEFAULT_NS;
	gpu->preempt_timeout_ns = VGPU_PREEMPT_TIMEOUT_NS;
	gpu->switching = vgpu_switch_can(desc->caps);
	vgpu_commons_init(&gpu->contexts, VGPU_CONTEXTS_MAX, desc->max_instances);
	vgpu_commons_init(&gpu->spaces, desc->asids - 1, desc->max_instances);
	gpu->overcommit = 1000;
	gpu->policy = vgpu_policy_get("fair");
	gpu_make_types(gpu);

	ret = vgpu_monitor_init(gpu);
	if (ret)
		goto err_put;
	ret = -ENOMEM;
	gpu->wq = alloc_workqueue("vgpu/%s", WQ_UNBOUND | WQ_HIGHPRI, 0,
				  gpu->name);
	if (!gpu->wq)
		goto err_monitor;
	gpu->signal_wq = alloc_workqueue("vgpu-signal/%s",
					 WQ_UNBOUND | WQ_HIGHPRI |
					 WQ_MEM_RECLAIM, 0, gpu->name);
	if (!gpu->signal_wq)
		goto err_wq;
	gpu->whole.vram = vgpu_vram_create(ops, hw, &gpu->desc, dev);
	if (IS_ERR(gpu->whole.vram)) {
		ret = PTR_ERR(gpu->whole.vram);
		goto err_signal_wq;
	}
	vgpu_vram_set_pools(gpu->whole.vram, true);
	vgpu_vram_set_background(gpu->whole.vram, true);
	gpu->whole.units = desc->units;
	gpu->whole.engines = kcalloc(desc->engines + desc->spare_engines,
				     sizeof(*gpu->whole.engines), GFP_KERNEL);
	if (!gpu->whole.engines)
		goto err_vram;
	for (i = 0; i < desc->engines + desc->spare_engines; i++) {
		ret = vgpu_engine_init(&gpu->whole.engines[i], gpu, i);
		if (ret)
			goto err_engines;
		gpu->whole.nr_engines++;
	}

	mutex_lock(&vgpu_registry_lock);
	ret = -EEXIST;
	xa_for_each(&gpus, index, other)
		if (!strcmp(other->name, gpu->name))
			goto err_unlock;
	ret = xa_alloc(&gpus, &gpu->index, gpu,
		       XA_LIMIT(0, VGPU_MAX_GPUS - 1), GFP_KERNEL);
	if (ret)
		goto err_unlock;
	vgpu_lists_changed();
	vgpu_faces_gpu_added(gpu);
	mutex_unlock(&vgpu_registry_lock);
	vgpu_tidy_start(gpu);
	dev_info(dev, "vgpu: gpu%u %s: %llu MiB, %u engines of %u units\n",
		 gpu->index, gpu->name, desc->vram_bytes / SZ_1M,
		 desc->engines, desc->units);
	vgpu_event_post(VGPU_EVENT_GPU_ADDED, gpu, NULL, 0);
	return gpu;

err_unlock:
	mutex_unlock(&vgpu_registry_lock);
err_engines:
	while (gpu->whole.nr_engines)
		vgpu_engine_fini(&gpu->whole.engines[--gpu->whole.nr_engines]);
err_vram:
	vgpu_vram_destroy(gpu->whole.vram);
err_signal_wq:
	destroy_workqueue(gpu->signal_wq);
err_wq:
	destroy_workqueue(gpu->wq);
err_monitor:
	vgpu_monitor_fini(gpu);
err_put:
	vgpu_gpu_put(gpu);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_register, VGPU);

void vgpu_gpu_unregister(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;
	unsigned int i;

	mutex_lock(&vgpu_registry_lock);
	xa_erase(&gpus, gpu->index);
	vgpu_lists_changed();

	mutex_lock(&gpu->lock);
	WRITE_ONCE(gpu->unplugged, true);
	mutex_unlock(&gpu->lock);
	synchronize_srcu(&vgpu_unplug_srcu);

	/*
	 * Nobody comes in any more.  Each instance is emptied; those that
	 * nobody holds go with it, files that are open keep theirs, empty.
	 */
	for (i = 0; i < gpu->whole.nr_engines; i++)
		vgpu_engine_kill(&gpu->whole.engines[i]);
	/* who waits for memory does so no longer */
	vgpu_vram_end_paging(gpu->whole.vram);
	vgpu_tidy_stop(gpu);
	mutex_lock(&gpu->lock);
	list_for_each_entry(inst, &gpu->instances, link)
		vgpu_instance_kill(inst, VGPU_STATE_DEAD, -ENODEV);
	mutex_unlock(&gpu->lock);

	vgpu_faces_gpu_removed(gpu);

	for (;;) {
		mutex_lock(&gpu->lock);
		inst = list_first_entry_or_null(&gpu->instances,
						struct vgpu_instance, link);
		if (inst)
			vgpu_instance_hold(inst);
		mutex_unlock(&gpu->lock);
		if (!inst)
			break;
		vgpu_instance_remove(inst);
		vgpu_instance_put(inst);
	}
	mutex_unlock(&vgpu_registry_lock);

	vgpu_event_post(VGPU_EVENT_GPU_REMOVED, gpu, NULL, 0);
	cancel_delayed_work_sync(&gpu->sample_work);
	vgpu_quota_fini(&gpu->quota);
	cancel_delayed_work_sync(&gpu->governor.work);
	vgpu_monitor_fini(gpu);
	vgpu_serial_fini(gpu);
	cancel_work_sync(&gpu->woken_work);
	cancel_work_sync(&gpu->ecc_work);
	cancel_work_sync(&gpu->degrader.work);
	flush_work(&gpu->dumper.work);
	for (i = 0; i < gpu->whole.nr_engines; i++)
		vgpu_engine_fini(&gpu->whole.engines[i]);
	vgpu_vram_destroy(gpu->whole.vram);
	destroy_workqueue(gpu->signal_wq);
	destroy_workqueue(gpu->wq);
	vgpu_gpu_put(gpu);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_unregister, VGPU);

static u64 caps_to_uapi(u64 caps)
{
	return (caps & VGPU_HW_PREEMPT ? VGPU_CAP_PREEMPT : 0) |
	       (caps & VGPU_HW_SAVE ? VGPU_CAP_SAVE : 0) |
	       (caps & VGPU_HW_MMU ? VGPU_CAP_MMU : 0) |
	       (caps & VGPU_HW_LAUNCH ? VGPU_CAP_LAUNCH : 0) |
	       (caps & VGPU_HW_HOST_MEM ? VGPU_CAP_HOST_MEM : 0);
}

void vgpu_gpu_get_info(struct vgpu_gpu *gpu, struct vgpu_gpu_info *info)
{
	unsigned int i;
	int idx;

	memset(info, 0, sizeof(*info));
	info->index = gpu->index;
	strscpy(info->name, gpu->name, sizeof(info->name));
	strscpy(info->driver, gpu->driver, sizeof(info->driver));
	strscpy(info->device, dev_name(gpu->dev), sizeof(info->device));
	info->caps = caps_to_uapi(gpu->desc.caps);
	info->engines = gpu->desc.engines;
	info->units = gpu->desc.units;
	info->max_lanes = gpu->desc.max_lanes;
	info->shared_bytes = gpu->desc.shared_bytes;
	info->max_instances = gpu->desc.max_instances;
	info->vram_bytes = gpu->desc.vram_bytes;

	mutex_lock(&gpu->lock);
	info->instances = gpu->nr_instances;
	info->vram_committed = gpu->committed;
	info->units_free = vgpu_units_free(gpu);
	info->all_engines = gpu->whole.nr_engines;
	info->overcommit_permille = gpu->overcommit;
	info->slice_ns = gpu->slice_ns;
	info->preempt_timeout_ns = gpu->preempt_timeout_ns;
	info->switching = gpu->switching;
	info->contexts = READ_ONCE(gpu->contexts.used);
	info->max_contexts = READ_ONCE(gpu->contexts.limit);
	info->serialize = gpu->serial.on;
	info->turns = gpu->serial.turns;
	info->tidy.threshold = gpu->tidy.threshold;
	info->tidy.interval_s = gpu->tidy.interval_s;
	info->tidy.asked = gpu->tidy.asked;
	info->tidy.own_runs = gpu->tidy.own_runs;
	vgpu_governor_get_info(gpu, &info->governor);
	vgpu_degrade_get_info(gpu, &info->degrade);
	vgpu_monitor_get_info(gpu, &info->monitor);
	strscpy(info->policy, vgpu_policy_name(gpu->policy),
		sizeof(info->policy));
	mutex_unlock(&gpu->lock);

	if (!vgpu_gpu_enter(gpu, &idx)) {
		info->unplugged = true;
		return;
	}
	vgpu_vram_get_stats(gpu->whole.vram, &info->vram);
	vgpu_vram_get_paging(gpu->whole.vram, &info->paging);
	info->tidy.can = vgpu_vram_can_defrag(gpu->whole.vram);
	vgpu_vram_get_defrag(gpu->whole.vram, &info->tidy.stats);
	strscpy(info->strategy, vgpu_vram_strategy_name(gpu->whole.vram),
		sizeof(info->strategy));
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		vgpu_engine_get_info(&gpu->whole.engines[i], &info->engine[i]);
		vgpu_engine_get_switched(&gpu->whole.engines[i],
					 &info->switched);
	}
	vgpu_gpu_leave(idx);
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_get_info, VGPU);

int vgpu_gpu_set_strategy(struct vgpu_gpu *gpu, const char *name,
			  const char **was)
{
	int idx, ret;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	*was = vgpu_vram_strategy_name(gpu->whole.vram);
	ret = vgpu_vram_set_strategy(gpu->whole.vram, name);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_set_strategy, VGPU);

int vgpu_gpu_set_overcommit(struct vgpu_gpu *gpu, u32 permille, u32 *was)
{
	int idx, ret;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	if (was)
		*was = gpu->overcommit;
	ret = vgpu_gpu_set_overcommit_locked(gpu, permille);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_set_overcommit, VGPU);

/*
 * Once a second, while anything runs: what part of the service each instance
 * received and was entitled to.  Engines count by their units.  An idle GPU is
 * not woken for it.
 */
static void gpu_sample(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(to_delayed_work(work),
					    struct vgpu_gpu, sample_work);
	u64 total, delta = 0, now = ktime_get_ns();
	u64 ns = now - READ_ONCE(gpu->sample_from);
	struct vgpu_instance *inst;
	bool again, debt = false;
	unsigned int i;

	mutex_lock(&gpu->lock);
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];

		total = READ_ONCE(e->rq.service_ns);
		delta += (total - e->sample_service) * vgpu_engine_units(e);
		e->sample_service = total;
	}

	list_for_each_entry(inst, &gpu->instances, link) {
		u64 run = 0, entitled = 0;

		for (i = 0; i < inst->nr_entities; i++) {
			struct vgpu_entity *ent = &inst->entity[i];
			struct vgpu_engine *e = ent->engine;
			unsigned int units = vgpu_engine_units(e);
			struct vgpu_se_stats st;

			spin_lock_irq(&e->lock);
			vgpu_se_stats(&e->rq, &ent->se, ktime_get_ns(), &st);
			spin_unlock_irq(&e->lock);
			run += (st.run_ns - ent->sample_run) * units;
			entitled += (st.entitled_ns - ent->sample_entitled) *
				    units;
			ent->sample_run = st.run_ns;
			ent->sample_entitled = st.entitled_ns;
		}
		WRITE_ONCE(inst->received_permille, delta ?
			   min_t(u64, div64_u64(run * 1000, delta), 1000) : 0);
		WRITE_ONCE(inst->entitled_permille, delta ?
			   min_t(u64, div64_u64(entitled * 1000, delta), 1000) : 0);
		debt |= vgpu_quota_sample(inst, ns);
	}
	again = (delta || debt) && !gpu->unplugged;
	mutex_unlock(&gpu->lock);
	if (again)
		vgpu_gpu_sample_soon(gpu);
}

void vgpu_gpu_sample_soon(struct vgpu_gpu *gpu)
{
	/* Nothing happens when it is queued already. */
	if (queue_delayed_work(gpu->wq, &gpu->sample_work, HZ))
		WRITE_ONCE(gpu->sample_from, ktime_get_ns());
}
