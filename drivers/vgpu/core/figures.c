// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler's figures, of an engine and of a vGPU.  Service is engine
 * time; waits, switches and idleness are wall time.  And what a client has.
 */
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "core_priv.h"

static void engine_sched(struct vgpu_engine *e, struct vgpu_engine_sched *out)
{
	struct vgpu_figure figure[VGPU_MAX_FIGURES];
	unsigned int i;
	u64 now;

	out->units = vgpu_engine_units(e);
	spin_lock_irq(&e->lock);
	now = ktime_get_ns();
	strscpy(out->policy, vgpu_policy_name(e->rq.policy),
		sizeof(out->policy));
	out->ejections = e->ejections;
	out->slice_ns = e->rq.slice_ns;
	out->busy_ns = e->rq.service_ns;
	out->idle_ns = e->idle_ns;
	if (e->idle_since)
		out->idle_ns += now - min(now, e->idle_since);
	out->switches = e->switches;
	out->switch_ns = e->switch_ns;
	out->preemptions = e->preemptions;
	out->queued = e->rq.nr_queued;
	out->figures = vgpu_rq_figures(&e->rq, figure, VGPU_MAX_FIGURES);
	out->figures = min_t(u32, out->figures, VGPU_MAX_FIGURES);
	/* the names are the policy's, which may go when the lock is dropped */
	for (i = 0; i < out->figures; i++) {
		strscpy(out->figure[i].name, figure[i].name,
			sizeof(out->figure[i].name));
		out->figure[i].value = figure[i].value;
	}
	spin_unlock_irq(&e->lock);
}

void vgpu_engine_get_info(struct vgpu_engine *e, struct vgpu_engine_info *info)
{
	info->clock_ns = vgpu_engine_clock(e);
	info->units = vgpu_engine_units(e);
	spin_lock_irq(&e->lock);
	info->busy_ns = e->rq.service_ns;
	info->switches = e->switches;
	info->preemptions = e->preemptions;
	info->resets = e->resets;
	info->jobs = e->jobs;
	info->queued = e->rq.nr_queued;
	info->stops = e->stop_hist.count;
	info->stop_p50_ns = min(e->stop_max,
				vgpu_hist_percentile(&e->stop_hist, 500));
	info->stop_p99_ns = min(e->stop_max,
				vgpu_hist_percentile(&e->stop_hist, 990));
	info->stop_max_ns = e->stop_max;
	spin_unlock_irq(&e->lock);
}

void vgpu_engine_get_switched(struct vgpu_engine *e,
			      struct vgpu_switch_stats *sum)
{
	spin_lock_irq(&e->lock);
	vgpu_switch_stats_add(sum, &e->sw.stats);
	spin_unlock_irq(&e->lock);
}

int vgpu_gpu_get_sched(struct vgpu_gpu *gpu, u32 engine,
		       struct vgpu_engine_sched *out)
{
	int idx;

	memset(out, 0, sizeof(*out));
	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	if (engine >= gpu->whole.nr_engines) {
		vgpu_gpu_leave(idx);
		return -ENOENT;
	}
	engine = array_index_nospec(engine, gpu->whole.nr_engines);
	engine_sched(&gpu->whole.engines[engine], out);
	vgpu_gpu_leave(idx);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_get_sched, VGPU);

int vgpu_instance_get_sched(struct vgpu_instance *inst,
			    struct vgpu_instance_sched *out)
{
	struct vgpu_hist *hist;		/* wakes, waits */
	unsigned int i;
	int idx;

	memset(out, 0, sizeof(*out));
	hist = kcalloc(2, sizeof(*hist), GFP_KERNEL);
	if (!hist)
		return -ENOMEM;
	if (!vgpu_gpu_enter(inst->gpu, &idx)) {
		kfree(hist);
		return -ENODEV;
	}
	mutex_lock(&inst->lock);
	/* Also of engines that it has no part in any more, what it got there. */
	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_entity *ent = &inst->entity[i];

		spin_lock_irq(&ent->engine->lock);
		vgpu_hist_merge(&hist[0], &ent->wake_hist);
		vgpu_hist_merge(&hist[1], &ent->queue_hist);
		spin_unlock_irq(&ent->engine->lock);
	}
	mutex_unlock(&inst->lock);
	vgpu_gpu_leave(idx);
	vgpu_hist_fold(&hist[0], &out->wake);
	vgpu_hist_fold(&hist[1], &out->wait);
	kfree(hist);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_get_sched, VGPU);

void vgpu_client_get_usage(struct vgpu_client *client,
			   struct vgpu_client_usage *usage)
{
	struct vgpu_instance *inst = client->inst;
	struct vgpu_obj *obj;
	unsigned long index;

	memset(usage, 0, sizeof(*usage));
	usage->id = client->serial;
	/* it does not change while there is a client */
	usage->engines = inst->nr_entities;
	usage->run_ns = atomic64_read(&client->run_ns);
	if (dev_is_pci(inst->gpu->dev))
		strscpy(usage->pci, dev_name(inst->gpu->dev),
			sizeof(usage->pci));
	/* VGPU_MAX_HANDLES at most; a handle that is there holds its object */
	xa_lock(&client->objs);
	xa_for_each(&client->objs, index, obj) {
		const struct vgpu_bo_obj *bo;
		u64 bytes;

		if (obj->type != VGPU_OBJ_BO)
			continue;
		bo = vgpu_bo_obj(obj);
		bytes = vgpu_bo_bytes(bo->bo);
		if (vgpu_bo_is_host(bo->bo)) {
			usage->system_bytes += bytes;
			continue;
		}
		usage->vram_bytes += bytes;
		if (bo->share || !vgpu_bo_is_own(bo->bo))
			usage->shared_bytes += bytes;
	}
	xa_unlock(&client->objs);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_get_usage, VGPU);
