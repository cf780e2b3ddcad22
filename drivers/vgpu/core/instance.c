// SPDX-License-Identifier: GPL-2.0
/*
 * Instances: virtual GPUs, their quotas and their life.
 *
 * An instance takes its part of the pool (a place and VRAM) when it is
 * created and gives it back when it is destroyed; in between, one state
 * machine with one table of moves.  Stopping it takes everything from its
 * clients, at once and for good: they get -ESHUTDOWN and must open again.
 */
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/file.h>
#include <linux/mm.h>

#include "core_priv.h"
#include "image/freeze.h"
#include "memory/still.h"

static DEFINE_XARRAY_ALLOC(instances);
/* Makes "is this UUID free" and "take it" one step. */
static DEFINE_MUTEX(create_lock);

static void instance_free(struct kref *ref)
{
	struct vgpu_instance *inst = container_of(ref, struct vgpu_instance,
						  ref);
	struct vgpu_gpu *gpu = inst->gpu;

	mtree_destroy(&inst->aperture);
	fput(inst->file);
	vgpu_paging_fini(inst);
	mutex_destroy(&inst->shares.lock);
	mutex_destroy(&inst->lock);
	kvfree(inst);
	vgpu_gpu_put(gpu);
}

void vgpu_instance_hold(struct vgpu_instance *inst)
{
	kref_get(&inst->ref);
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_hold, VGPU);

void vgpu_instance_put(struct vgpu_instance *inst)
{
	kref_put(&inst->ref, instance_free);
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_put, VGPU);

struct vgpu_instance *vgpu_instance_next(u32 from)
{
	struct vgpu_instance *inst;
	unsigned long index = from;

	xa_lock(&instances);
	inst = xa_find(&instances, &index, ULONG_MAX, XA_PRESENT);
	if (inst)
		vgpu_instance_hold(inst);
	xa_unlock(&instances);
	return inst;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_next, VGPU);

struct vgpu_instance *vgpu_instance_get(u32 id)
{
	struct vgpu_instance *inst;

	xa_lock(&instances);
	inst = xa_load(&instances, id);
	if (inst)
		vgpu_instance_hold(inst);
	xa_unlock(&instances);
	return inst;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_get, VGPU);

struct vgpu_instance *vgpu_instance_get_by_uuid(const uuid_t *uuid)
{
	struct vgpu_instance *inst, *found = NULL;
	unsigned long index;

	xa_lock(&instances);
	xa_for_each(&instances, index, inst) {
		if (uuid_equal(&inst->uuid, uuid)) {
			vgpu_instance_hold(inst);
			found = inst;
			break;
		}
	}
	xa_unlock(&instances);
	return found;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_get_by_uuid, VGPU);

u32 vgpu_instance_id(const struct vgpu_instance *inst)
{
	return inst->id;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_id, VGPU);

struct vgpu_gpu *vgpu_instance_gpu(const struct vgpu_instance *inst)
{
	return inst->gpu;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_gpu, VGPU);

struct address_space *vgpu_instance_mapping(struct vgpu_instance *inst)
{
	return inst->file->f_mapping;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_mapping, VGPU);

struct file *vgpu_instance_file(struct vgpu_instance *inst)
{
	return inst->file;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_file, VGPU);

u64 vgpu_instance_aperture(const struct vgpu_instance *inst)
{
	return inst->aperture_bytes;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_aperture, VGPU);

bool vgpu_quota_ok(u32 weight, u32 priority, u64 mbps)
{
	return weight >= VGPU_WEIGHT_MIN && weight <= VGPU_WEIGHT_MAX &&
	       priority <= VGPU_PRIORITY_MAX && mbps <= 1000 * 1000;
}

static void instance_reap(struct work_struct *work)
{
	struct vgpu_instance *inst = container_of(work, struct vgpu_instance,
						  reap_work);
	unsigned int i;
	u32 strikes = 0;

	/* Started again since: what it did before is forgiven. */
	for (i = 0; i < inst->gpu->desc.engines; i++)
		strikes = max(strikes, READ_ONCE(inst->entity[i].strikes));
	if (strikes >= VGPU_MAX_STRIKES)
		vgpu_instance_kill(inst, VGPU_STATE_FAILED, -ESHUTDOWN);
	vgpu_instance_put(inst);
}

void vgpu_instance_fail(struct vgpu_instance *inst)
{
	vgpu_instance_hold(inst);
	if (!queue_work(system_unbound_wq, &inst->reap_work))
		kref_put(&inst->ref, instance_free);
}

static const struct vgpu_type *find_type(struct vgpu_gpu *gpu, const char *name)
{
	unsigned int i;

	for (i = 0; i < gpu->nr_types; i++)
		if (!strcmp(gpu->types[i].name, name))
			return &gpu->types[i];
	return NULL;
}

/* Takes a place and VRAM out of the pool. */
static int instance_commit(struct vgpu_gpu *gpu, struct vgpu_instance *inst)
{
	unsigned int i;
	int ret = 0;

	mutex_lock(&gpu->lock);
	if (gpu->unplugged)
		ret = -ENODEV;
	else if (gpu->nr_instances >= gpu->desc.max_instances ||
		 vgpu_gpu_capacity(gpu) - gpu->committed < inst->acct.limit)
		ret = -ENOSPC;
	if (!ret) {
		/* Whoever finds it in the list finds it on its engines. */
		for (i = 0; i < inst->nr_entities; i++)
			vgpu_entity_init(&inst->entity[i], inst,
					 &gpu->whole.engines[i]);
		vgpu_serial_bar(inst);
		inst->acct.share = vgpu_gpu_share(gpu, inst->acct.limit);
		list_add_tail(&inst->link, &gpu->instances);
		gpu->nr_instances++;
		gpu->committed += inst->acct.limit;
	}
	mutex_unlock(&gpu->lock);
	return ret;
}

static int instance_publish(struct vgpu_instance *inst)
{
	struct vgpu_instance *twin;
	int ret;

	mutex_lock(&create_lock);
	twin = vgpu_instance_get_by_uuid(&inst->uuid);
	if (twin) {
		vgpu_instance_put(twin);
		ret = -EEXIST;
	} else {
		ret = xa_alloc(&instances, &inst->id, inst, xa_limit_16b,
			       GFP_KERNEL);
		if (!ret)
			vgpu_lists_changed();
	}
	mutex_unlock(&create_lock);
	return ret;
}

/* The account's lock is held. */
static void memory_changed(struct vgpu_mem_account *acct)
{
	struct vgpu_instance *inst = container_of(acct, struct vgpu_instance,
						  acct);

	vgpu_quota_note(&inst->quota, VGPU_RES_MEMORY, acct->used, acct->limit);
	/* who joins later charges later, and so sees what this left */
	if (vgpu_waitline_busy(&inst->actions.memory))
		vgpu_waitline_poke(&inst->actions.memory);
}

struct vgpu_instance *
vgpu_instance_create(struct vgpu_gpu *gpu,
		     const struct vgpu_instance_params *params)
{
	const struct vgpu_type *type = find_type(gpu, params->type);
	u32 weight = params->weight ?: type ? type->weight : 0;
	struct vgpu_instance *inst;
	unsigned int i;
	int ret, idx;

	if (!type)
		return ERR_PTR(-ENOENT);
	if (!vgpu_quota_ok(weight, params->priority, params->bandwidth_mbps))
		return ERR_PTR(-ERANGE);
	if (params->flags & ~VGPU_INSTANCE_MDEV)
		return ERR_PTR(-EINVAL);
	ret = vgpu_degrade_enter(gpu);
	if (ret)
		return ERR_PTR(ret);
	if (!vgpu_gpu_enter(gpu, &idx))
		return ERR_PTR(-ENODEV);
	ret = -ENODEV;
	if (!try_module_get(gpu->owner))
		goto err_leave;

	ret = -ENOMEM;
	inst = kvzalloc(struct_size(inst, entity, gpu->desc.engines),
			GFP_KERNEL_ACCOUNT);
	if (!inst)
		goto err_module;
	kref_init(&inst->ref);
	mutex_init(&inst->lock);
	spin_lock_init(&inst->stat_lock);
	INIT_LIST_HEAD(&inst->clients);
	init_waitqueue_head(&inst->thaw);
	vgpu_shares_init(&inst->shares);
	vgpu_dumps_init(&inst->dumps);
	INIT_WORK(&inst->reap_work, instance_reap);
	INIT_DELAYED_WORK(&inst->unthrottle_work, vgpu_bandwidth_unthrottle);
	/* mmap() looks things up without the invalidate lock. */
	mt_init_flags(&inst->aperture, MT_FLAGS_USE_RCU);
	inst->uuid = params->uuid;
	if (uuid_is_null(&inst->uuid))
		uuid_gen(&inst->uuid);
	inst->flags = params->flags;
	vgpu_filter_init(&inst->filter);
	inst->gpu = gpu;
	inst->type = type;
	inst->nr_entities = gpu->desc.engines;
	inst->weight = weight;
	inst->priority = params->priority;
	inst->bandwidth = params->bandwidth_mbps * 1000 * 1000;
	inst->tokens_at = ktime_get_ns();
	inst->created_ns = ktime_get_boottime_ns();
	inst->state = VGPU_STATE_CREATED;
	vgpu_mem_account_init(&inst->acct, type->vram_bytes);
	vgpu_mem_set_priority(&inst->acct, inst->priority);
	vgpu_quota_init(&inst->quota, gpu, inst);
	vgpu_actions_init(&inst->actions);
	inst->acct.changed = memory_changed;
	/* Twice the quota: room for ranges that were given back in bits. */
	inst->aperture_bytes = roundup_pow_of_two(2 * type->vram_bytes);

	inst->file = shmem_file_setup("vgpu", 0, VM_NORESERVE);
	if (IS_ERR(inst->file)) {
		/* it has no space when there is no memory for an inode */
		ret = PTR_ERR(inst->file) == -ENOSPC ? -ENOMEM :
						       PTR_ERR(inst->file);
		goto err_free;
	}
	ret = vgpu_paging_init(inst);
	if (!ret)
		ret = instance_commit(gpu, inst);
	if (ret)
		goto err_file;
	vgpu_gpu_hold(gpu);
	mutex_lock(&gpu->lock);
	mutex_lock(&inst->lock);
	ret = vgpu_units_set(inst, params->units);
	inst->freeze = params->freeze;
	mutex_unlock(&inst->lock);
	mutex_unlock(&gpu->lock);
	if (!ret)
		ret = instance_publish(inst);
	if (ret)
		goto err_commit;
	vgpu_gpu_leave(idx);

	vgpu_instance_hold(inst);	/* the caller's */
	ret = vgpu_faces_instance_added(inst);
	if (ret) {
		vgpu_instance_remove(inst);
		WRITE_ONCE(inst->freeze, NULL);
		vgpu_instance_put(inst);
		return ERR_PTR(ret);
	}
	vgpu_event_post(VGPU_EVENT_CREATED, NULL, inst, 0);
	mutex_lock(&inst->lock);
	inst->added = true;
	mutex_unlock(&inst->lock);
	return inst;

err_commit:
	mutex_lock(&gpu->lock);
	vgpu_units_give_back(inst);
	for (i = 0; i < inst->nr_entities; i++)
		vgpu_entity_fini(&inst->entity[i]);
	list_del(&inst->link);
	gpu->nr_instances--;
	gpu->committed -= inst->acct.limit;
	mutex_unlock(&gpu->lock);
	vgpu_gpu_put(gpu);
err_file:
	vgpu_paging_fini(inst);
	fput(inst->file);
err_free:
	mtree_destroy(&inst->aperture);
	kvfree(inst);
err_module:
	module_put(gpu->owner);
err_leave:
	vgpu_gpu_leave(idx);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_create, VGPU);

void vgpu_instance_kill(struct vgpu_instance *inst, enum vgpu_state state,
			int error)
{
	struct vgpu_client *client;
	unsigned int i;

	mutex_lock(&inst->lock);
	if (inst->state != VGPU_STATE_DEAD)
		inst->state = state;
	for (i = 0; i < inst->gpu->desc.engines; i++)
		vgpu_entity_pause(&inst->entity[i], true);
	vgpu_freeze_cancel(inst, error);
	list_for_each_entry(client, &inst->clients, link)
		vgpu_client_kill(client, error);
	vgpu_shares_revoke(inst);
	vgpu_still_end(inst);
	mutex_unlock(&inst->lock);
	vgpu_event_post(VGPU_EVENT_STATE, NULL, inst, state);
}

void vgpu_instance_remove(struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;
	struct vgpu_tenant *tenant;
	unsigned int i;

	mutex_lock(&gpu->lock);
	if (inst->gone) {
		mutex_unlock(&gpu->lock);
		return;
	}
	inst->gone = true;
	list_del(&inst->link);
	mutex_unlock(&gpu->lock);

	vgpu_faces_instance_removed(inst);
	vgpu_instance_kill(inst, VGPU_STATE_DEAD, -ENODEV);
	vgpu_client_drop_parked(inst);
	cancel_delayed_work_sync(&inst->unthrottle_work);
	vgpu_quota_fini(&inst->quota);

	/* All its memory is back by now, so the pool may be given away. */
	mutex_lock(&gpu->lock);
	vgpu_units_give_back(inst);
	for (i = 0; i < inst->nr_entities; i++)
		vgpu_entity_fini(&inst->entity[i]);
	mutex_lock(&inst->lock);
	tenant = inst->tenant;
	inst->tenant = NULL;
	mutex_unlock(&inst->lock);
	vgpu_tenant_put(gpu, tenant);
	vgpu_serial_gone(gpu, inst);
	gpu->nr_instances--;
	gpu->committed -= inst->acct.limit;
	mutex_unlock(&gpu->lock);
	xa_erase(&instances, inst->id);
	vgpu_lists_changed();
	vgpu_event_post(VGPU_EVENT_DESTROYED, NULL, inst, 0);
	module_put(gpu->owner);
	vgpu_instance_put(inst);
}

int vgpu_instance_destroy(struct vgpu_instance *inst)
{
	int idx, ret = 0;

	if (!vgpu_gpu_enter(inst->gpu, &idx))
		return -ENODEV;
	mutex_lock(&inst->lock);
	if (inst->nr_clients || !inst->added || inst->freeze)
		ret = -EBUSY;
	else if (inst->state == VGPU_STATE_DEAD)
		ret = -ENOENT;
	else
		inst->state = VGPU_STATE_DEAD;	/* nobody opens it any more */
	mutex_unlock(&inst->lock);
	if (!ret)
		vgpu_instance_remove(inst);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_destroy, VGPU);

#define FROM(state)	BIT(VGPU_STATE_##state)

static const struct {
	u32 from;
	enum vgpu_state to;
} moves[] = {
	[VGPU_VERB_START] = { FROM(CREATED) | FROM(STOPPED) | FROM(FAILED),
			      VGPU_STATE_RUNNING },
	[VGPU_VERB_PAUSE] = { FROM(RUNNING), VGPU_STATE_PAUSED },
	[VGPU_VERB_RESUME] = { FROM(PAUSED), VGPU_STATE_RUNNING },
	[VGPU_VERB_STOP] = { FROM(RUNNING) | FROM(PAUSED), VGPU_STATE_STOPPED },
};

int vgpu_instance_verb(struct vgpu_instance *inst, u32 verb)
{
	struct vgpu_client *client;
	unsigned int i;
	int idx, ret = 0;

	if (verb >= ARRAY_SIZE(moves) || !moves[verb].from)
		return -EINVAL;
	if (!vgpu_gpu_enter(inst->gpu, &idx))
		return -ENODEV;
	mutex_lock(&inst->lock);
	if (!(moves[verb].from & BIT(inst->state))) {
		ret = inst->state == VGPU_STATE_DEAD ? -ENODEV : -EBUSY;
		goto out;
	}
	/* with the lock: who stops all of them sees it running, or it does not start */
	if (verb == VGPU_VERB_START &&
	    vgpu_degraded(inst->gpu, VGPU_DEGRADE_STOP)) {
		ret = -EAGAIN;
		goto out;
	}
	/* it is being saved, which stopping ends, or restored */
	if (inst->freeze && verb != VGPU_VERB_STOP) {
		ret = -EBUSY;
		goto out;
	}
	inst->state = moves[verb].to;
	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_entity *ent = &inst->entity[i];

		if (verb == VGPU_VERB_START)
			ent->strikes = 0;
		vgpu_entity_pause(ent, inst->state != VGPU_STATE_RUNNING);
	}
	if (verb == VGPU_VERB_STOP) {
		vgpu_freeze_cancel(inst, -ESHUTDOWN);
		list_for_each_entry(client, &inst->clients, link)
			vgpu_client_kill(client, -ESHUTDOWN);
		vgpu_shares_revoke(inst);
	}
	if (verb == VGPU_VERB_PAUSE)
		vgpu_still_begin(inst);
	else	/* nobody finds what stopping took */
		vgpu_still_end(inst);
	/* which looks whether it is still */
	if (verb == VGPU_VERB_RESUME)
		vgpu_instance_kick(inst);
	vgpu_event_post(VGPU_EVENT_STATE, NULL, inst, inst->state);
out:
	mutex_unlock(&inst->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_verb, VGPU);

/* Histograms of all engines: commands' waits, and wake-ups. */
struct hists {
	struct vgpu_hist wait, wake;
};

static void sum_lines(const struct vgpu_lines *lines,
		      struct vgpu_instance_info *info)
{
	unsigned int i;

	static_assert(ARRAY_SIZE(info->class_ns) == VGPU_LINE_CLASSES);
	for (i = 0; i < VGPU_LINE_CLASSES; i++) {
		const struct vgpu_line_stats *st = &lines->stats[i];

		info->deadlines_met += st->met;
		info->deadlines_missed += st->missed;
		info->late_max_ns = max(info->late_max_ns, st->late_max_ns);
		info->class_ns[i] += st->service_ns;
	}
}

/*
 * The histograms go to @hists, the rest to @info.  Of engines that it has no
 * part in any more, what it got there.
 */
static void sum_entities(struct vgpu_instance *inst,
			 struct vgpu_instance_info *info, struct hists *hists)
{
	unsigned int i;

	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_entity *ent = &inst->entity[i];
		struct vgpu_engine *e = ent->engine;
		struct vgpu_se_stats st;

		spin_lock_irq(&e->lock);
		st = ent->se.stats;
		if (i < inst->nr_entities) {
			vgpu_se_stats(&e->rq, &ent->se, ktime_get_ns(), &st);
			info->slice_ns = ent->se.slice_ns ?: e->rq.slice_ns;
		}
		info->active_ns = max(info->active_ns, ent->active_ns);
		info->submitted += ent->submitted;
		info->completed += ent->completed;
		info->failed += ent->failed;
		info->faults += ent->faults;
		info->resets += ent->resets;
		info->switches += ent->switches;
		info->ctx_saves += ent->ctx_stats.saves;
		info->ctx_loads += ent->ctx_stats.loads;
		info->ctx_bytes_saved += ent->ctx_stats.bytes_saved;
		sum_lines(&ent->lines, info);
		vgpu_hist_merge(&hists->wait, &ent->wait_hist);
		vgpu_hist_merge(&hists->wake, &ent->wake_hist);
		spin_unlock_irq(&e->lock);

		info->busy_ns += st.run_ns;
		info->entitled_ns += st.entitled_ns;
		info->wait_ns += st.wait_ns;
		info->wait_max_ns = max(info->wait_max_ns, st.wait_max_ns);
		info->wakeups += st.wakeups;
		info->slices += st.slices;
		info->preemptions += st.preemptions;
		info->overshoot_ns += st.overshoot_ns;
	}
}

void vgpu_instance_get_info(struct vgpu_instance *inst,
			    struct vgpu_instance_info *info)
{
	struct vgpu_client *client;
	struct hists *hists;
	int idx;

	memset(info, 0, sizeof(*info));
	info->id = inst->id;
	info->gpu = inst->gpu->index;
	info->uuid = inst->uuid;
	info->flags = inst->flags;
	strscpy(info->type, inst->type->name, sizeof(info->type));
	info->created_ns = inst->created_ns;

	mutex_lock(&inst->lock);
	info->state = inst->state;
	info->units = vgpu_units_serving(inst);
	info->own_units = vgpu_units_own(inst);
	info->weight = inst->weight;
	info->priority = inst->priority;
	info->cap = inst->cap;
	info->own_slice_ns = inst->slice_ns;
	info->allow = inst->filter.allow;
	info->pad_ns = inst->pad.grid_ns;
	info->pad_jitter_ns = inst->pad.jitter_ns;
	info->dump_limit = READ_ONCE(inst->dumps.limit.burst);
	info->dumps = atomic64_read(&inst->dumps.made);
	info->dumps_missed = atomic64_read(&inst->dumps.missed);
	info->filtered = atomic64_read(&inst->filter.refused);
	memcpy(info->action, inst->actions.of, sizeof(info->action));
	info->quota_wait_ns = inst->actions.wait_ns;
	if (inst->tenant) {
		strscpy(info->group, inst->tenant->name, sizeof(info->group));
		info->group_weight = READ_ONCE(inst->tenant->weight);
	}
	info->clients = inst->nr_clients;
	client = list_first_entry_or_null(&inst->clients, struct vgpu_client,
					  link);
	if (client) {
		info->holder_pid = client->pid;
		strscpy(info->holder, client->holder, sizeof(info->holder));
	}
	mutex_unlock(&inst->lock);

	spin_lock_irq(&inst->acct.lock);
	info->vram_limit = inst->acct.limit;
	info->vram_used = inst->acct.used;
	info->vram_peak = inst->acct.peak;
	info->vram_denied = inst->acct.denied;
	info->pinned_bytes = atomic64_read(&inst->pinned) << PAGE_SHIFT;
	spin_unlock_irq(&inst->acct.lock);

	spin_lock_irq(&inst->stat_lock);
	info->bandwidth_mbps = div_u64(inst->bandwidth, 1000 * 1000);
	info->copied_bytes = inst->copied_bytes;
	info->throttled_ns = inst->throttled_ns;
	spin_unlock_irq(&inst->stat_lock);
	spin_lock_irq(&inst->quota.lock);
	info->violations = inst->quota.log.total;
	info->quota_held = inst->quota.held;
	spin_unlock_irq(&inst->quota.lock);
	info->received_permille = READ_ONCE(inst->received_permille);
	info->entitled_permille = READ_ONCE(inst->entitled_permille);

	if (info->state == VGPU_STATE_DEAD || !vgpu_gpu_enter(inst->gpu, &idx))
		return;
	hists = kzalloc(sizeof(*hists), GFP_KERNEL);
	if (hists) {
		mutex_lock(&inst->lock);
		/* Its entities leave their engines after this. */
		if (inst->state != VGPU_STATE_DEAD)
			sum_entities(inst, info, hists);
		mutex_unlock(&inst->lock);
		info->wait_p50_ns = vgpu_hist_percentile(&hists->wait, 500);
		info->wait_p99_ns = vgpu_hist_percentile(&hists->wait, 990);
		info->wake_p50_ns = vgpu_hist_percentile(&hists->wake, 500);
		info->wake_p99_ns = vgpu_hist_percentile(&hists->wake, 990);
		kfree(hists);
	}
	vgpu_gpu_leave(idx);
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_get_info, VGPU);
