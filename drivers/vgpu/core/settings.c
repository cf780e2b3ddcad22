// SPDX-License-Identifier: GPL-2.0
/*
 * What can be set on a GPU and on a vGPU while they run.
 *
 * All that is named, or nothing: everything is checked, and everything that
 * can fail is done, before the first run queue is touched.  gpu->lock is held
 * from the check to the end, so what was checked is still so.
 */
#include <linux/ctype.h>
#include <linux/ktime.h>

#include "core_priv.h"

int vgpu_refuse(struct vgpu_refusal *why, u32 field, int err, const char *fmt,
		...)
{
	va_list args;

	if (!why)
		return err;
	why->field = field;
	va_start(args, fmt);
	vscnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return err;
}

static int check_slice(u64 slice_ns, u32 field, struct vgpu_refusal *why)
{
	if (slice_ns >= VGPU_SLICE_MIN_NS && slice_ns <= VGPU_SLICE_MAX_NS)
		return 0;
	return vgpu_refuse(why, field, -ERANGE,
			   "slice-ns is out of range: %llu to %llu",
			   VGPU_SLICE_MIN_NS, VGPU_SLICE_MAX_NS);
}

/* ---------------------------------------------------------------- a GPU */

static int no_policy(struct vgpu_refusal *why)
{
	char names[64];

	if (vgpu_policy_names(names, sizeof(names)) < 0)
		return vgpu_refuse(why, VGPU_GPU_SET_POLICY, -ENOENT,
				   "no policy of that name");
	return vgpu_refuse(why, VGPU_GPU_SET_POLICY, -ENOENT,
			   "no policy of that name; there are %s", names);
}

/* gpu->lock held. */
static int check_policy(struct vgpu_gpu *gpu, const struct vgpu_policy *policy,
			struct vgpu_refusal *why)
{
	unsigned int i;

	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];
		const char *reason;
		u32 caps;

		spin_lock_irq(&e->lock);
		reason = vgpu_rq_refuses(&e->rq, policy);
		caps = e->rq.caps;
		spin_unlock_irq(&e->lock);
		if (reason)
			return vgpu_refuse(why, VGPU_GPU_SET_POLICY, -ENOSPC,
					   "policy %s: %s: %u.%02u %%",
					   vgpu_policy_name(policy), reason,
					   caps / 100, caps % 100);
	}
	return 0;
}

void vgpu_gpu_apply_slices(struct vgpu_gpu *gpu)
{
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];

		spin_lock_irq(&e->lock);
		vgpu_rq_set_slice(&e->rq, gpu->slice_ns);
		vgpu_rq_set_threshold(&e->rq, gpu->threshold_ns);
		vgpu_engine_kick_locked(e);
		spin_unlock_irq(&e->lock);
	}
}

/* What can be said of it without looking at what the GPU does. */
static int check_gpu(const struct vgpu_gpu *gpu, const struct vgpu_gpu_set *set,
		     struct vgpu_refusal *why)
{
	int ret = 0;

	if (set->mask & ~(VGPU_GPU_SET_POLICY | VGPU_GPU_SET_SLICE |
			  VGPU_GPU_SET_TIMEOUT | VGPU_GPU_SET_GOVERNOR |
			  VGPU_GPU_SET_SWITCHING | VGPU_GPU_SET_CONTEXTS |
			  VGPU_GPU_SET_DEGRADE | VGPU_GPU_SET_DEGRADE_RULES |
			  VGPU_GPU_SET_SERIALIZE | VGPU_GPU_SET_MONITOR))
		return vgpu_refuse(why, 0, -EINVAL, "no such setting");
	if (set->mask & VGPU_GPU_SET_SLICE && set->slice_ns)
		ret = check_slice(set->slice_ns, VGPU_GPU_SET_SLICE, why);
	if (ret)
		return ret;
	if (set->mask & VGPU_GPU_SET_TIMEOUT &&
	    (set->preempt_timeout_ns < VGPU_PREEMPT_TIMEOUT_MIN_NS ||
	     set->preempt_timeout_ns > VGPU_PREEMPT_TIMEOUT_MAX_NS))
		return vgpu_refuse(why, VGPU_GPU_SET_TIMEOUT, -ERANGE,
				   "preempt-timeout-ns is out of range: %llu to %llu",
				   VGPU_PREEMPT_TIMEOUT_MIN_NS,
				   VGPU_PREEMPT_TIMEOUT_MAX_NS);
	if (set->mask & VGPU_GPU_SET_GOVERNOR &&
	    vgpu_governor_parse(set->governor) < 0)
		return vgpu_refuse(why, VGPU_GPU_SET_GOVERNOR, -ENOENT,
				   "governor: off, auto, emergency, performance, balanced or power-save");
	if (set->mask & VGPU_GPU_SET_SWITCHING &&
	    set->switching & ~vgpu_switch_can(gpu->desc.caps))
		return vgpu_refuse(why, VGPU_GPU_SET_SWITCHING, -EOPNOTSUPP,
				   "GPU %u cannot load a context beforehand",
				   gpu->index);
	if (set->mask & VGPU_GPU_SET_CONTEXTS &&
	    (!set->max_contexts || set->max_contexts > VGPU_CONTEXTS_MAX))
		return vgpu_refuse(why, VGPU_GPU_SET_CONTEXTS, -ERANGE,
				   "max-contexts is out of range: 1 to %u",
				   VGPU_CONTEXTS_MAX);
	if (set->mask & VGPU_GPU_SET_SERIALIZE && set->serialize &&
	    (gpu->desc.caps & (VGPU_HW_PREEMPT | VGPU_HW_SAVE)) !=
	    (VGPU_HW_PREEMPT | VGPU_HW_SAVE))
		return vgpu_refuse(why, VGPU_GPU_SET_SERIALIZE, -EOPNOTSUPP,
				   "GPU %u cannot be taken from who runs",
				   gpu->index);
	if (set->mask & VGPU_GPU_SET_DEGRADE_RULES &&
	    !vgpu_degrade_rules_ok(&set->rules))
		return vgpu_refuse(why, VGPU_GPU_SET_DEGRADE_RULES, -ERANGE,
				   "degrade: give 1 to %u failures that do not fall, within 1 to %u s",
				   VGPU_DEGRADE_HISTORY,
				   VGPU_DEGRADE_WINDOW_MAX_S);
	return 0;
}

/* gpu->lock held. */
void vgpu_gpu_apply_switching(struct vgpu_gpu *gpu)
{
	/* nothing is left out where mediation fails */
	u32 modes = vgpu_degraded(gpu, VGPU_DEGRADE_BASIC) ? 0 : gpu->switching;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];

		spin_lock_irq(&e->lock);
		vgpu_switch_set_modes(&e->sw, modes);
		spin_unlock_irq(&e->lock);
	}
}

/* gpu->lock held. */
static void set_max_contexts(struct vgpu_gpu *gpu, u32 max)
{
	vgpu_commons_set(&gpu->contexts, max);
	vgpu_quota_note(&gpu->quota, VGPU_RES_CONTEXTS,
			READ_ONCE(gpu->contexts.used), max);
	vgpu_waitline_poke(&gpu->contexts_line);
}

/* gpu->lock held. Nothing of this can fail. */
static void apply_gpu(struct vgpu_gpu *gpu, const struct vgpu_gpu_set *set)
{
	if (set->mask & VGPU_GPU_SET_SLICE)
		gpu->own_slice_ns = set->slice_ns;
	if (set->mask & VGPU_GPU_SET_TIMEOUT)
		WRITE_ONCE(gpu->preempt_timeout_ns, set->preempt_timeout_ns);
	if (set->mask & VGPU_GPU_SET_SWITCHING) {
		gpu->switching = set->switching;
		vgpu_gpu_apply_switching(gpu);
	}
	if (set->mask & VGPU_GPU_SET_DEGRADE_RULES)
		vgpu_degrade_set_rules(gpu, &set->rules);
	if (set->mask & VGPU_GPU_SET_CONTEXTS)
		set_max_contexts(gpu, set->max_contexts);
	if (set->mask & VGPU_GPU_SET_GOVERNOR)
		vgpu_governor_set(gpu, vgpu_governor_parse(set->governor));
	if (set->mask & VGPU_GPU_SET_POLICY)
		vgpu_tenants_set_policy(gpu);
	if (set->mask & VGPU_GPU_SET_MONITOR)
		vgpu_monitor_set(gpu, &set->monitor);
	vgpu_governor_shape(gpu);
	vgpu_gpu_apply_slices(gpu);
	if (set->mask & VGPU_GPU_SET_SERIALIZE)
		vgpu_serial_set(gpu, set->serialize);
}

int vgpu_gpu_set(struct vgpu_gpu *gpu, const struct vgpu_gpu_set *set,
		 struct vgpu_refusal *why)
{
	const struct vgpu_policy *new = NULL;
	int idx, ret;

	ret = check_gpu(gpu, set, why);
	if (ret)
		return ret;
	if (set->mask & VGPU_GPU_SET_POLICY) {
		new = vgpu_policy_get(set->policy);
		if (!new)
			return no_policy(why);
	}
	if (!vgpu_gpu_enter(gpu, &idx)) {
		ret = vgpu_refuse(why, 0, -ENODEV, "GPU %u is going away",
				  gpu->index);
		goto out;
	}
	mutex_lock(&gpu->lock);
	if (new)
		ret = check_policy(gpu, new, why);
	if (!ret && set->mask & VGPU_GPU_SET_MONITOR)
		ret = vgpu_monitor_check(gpu, &set->monitor, why);
	if (!ret && set->mask & VGPU_GPU_SET_DEGRADE &&
	    vgpu_degrade_by_hand(gpu, set->degrade))
		ret = vgpu_refuse(why, VGPU_GPU_SET_DEGRADE, -EINVAL,
				  "the GPU is further down: gpu recover brings it back");
	if (!ret) {
		if (new)
			swap(gpu->policy, new);
		apply_gpu(gpu, set);
	}
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	if (!ret)
		vgpu_event_post(VGPU_EVENT_POLICY, gpu, NULL, gpu->slice_ns);
out:
	vgpu_policy_put(new);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_set, VGPU);

/* --------------------------------------------------------------- a vGPU */

static bool no_group(const char *name)
{
	return !*name || !strcmp(name, VGPU_GROUP_NONE);
}

static int check_group(const struct vgpu_instance *inst,
		       const struct vgpu_instance_set *set,
		       struct vgpu_refusal *why)
{
	const char *c;

	if (set->mask & VGPU_SET_GROUP) {
		for (c = set->group; *c; c++)
			if (!isalnum(*c) && !strchr("._-", *c))
				return vgpu_refuse(why, VGPU_SET_GROUP, -EINVAL,
						   "group: a name has letters, digits, '.', '_' and '-'");
		if (c - set->group >= VGPU_NAME_LEN)
			return vgpu_refuse(why, VGPU_SET_GROUP, -EINVAL,
					   "group: a name has at most %u characters",
					   VGPU_NAME_LEN - 1);
	}
	if (!(set->mask & VGPU_SET_GROUP_WEIGHT))
		return 0;
	if (set->group_weight < VGPU_WEIGHT_MIN ||
	    set->group_weight > VGPU_WEIGHT_MAX)
		return vgpu_refuse(why, VGPU_SET_GROUP_WEIGHT, -ERANGE,
				   "group-weight is out of range: %u to %u",
				   VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX);
	if (set->mask & VGPU_SET_GROUP ? no_group(set->group) : !inst->tenant)
		return vgpu_refuse(why, VGPU_SET_GROUP_WEIGHT, -EINVAL,
				   "group-weight: vGPU %u is in no group",
				   inst->id);
	return 0;
}

static int check_ranges(const struct vgpu_instance *inst,
			const struct vgpu_instance_set *set,
			struct vgpu_refusal *why)
{
	int ret;

	if (set->mask & VGPU_SET_WEIGHT &&
	    !vgpu_quota_ok(set->weight, 0, 0))
		return vgpu_refuse(why, VGPU_SET_WEIGHT, -ERANGE,
				   "weight is out of range: %u to %u",
				   VGPU_WEIGHT_MIN, VGPU_WEIGHT_MAX);
	if (set->mask & VGPU_SET_PRIORITY &&
	    !vgpu_quota_ok(VGPU_WEIGHT_MIN, set->priority, 0))
		return vgpu_refuse(why, VGPU_SET_PRIORITY, -ERANGE,
				   "priority is out of range: 0 to %u",
				   VGPU_PRIORITY_MAX);
	if (set->mask & VGPU_SET_BANDWIDTH &&
	    !vgpu_quota_ok(VGPU_WEIGHT_MIN, 0, set->bandwidth_mbps))
		return vgpu_refuse(why, VGPU_SET_BANDWIDTH, -ERANGE,
				   "bandwidth-mbps is out of range");
	if (set->mask & VGPU_SET_CAP && set->cap > VGPU_CAP_MAX)
		return vgpu_refuse(why, VGPU_SET_CAP, -ERANGE,
				   "cap is out of range: 0 to %u hundredths of a per cent",
				   VGPU_CAP_MAX);
	if (set->mask & VGPU_SET_ALLOW && set->allow & ~VGPU_RIGHTS_ALL)
		return vgpu_refuse(why, VGPU_SET_ALLOW, -EINVAL,
				   "allow: no such class");
	if (set->mask & VGPU_SET_DUMP_LIMIT &&
	    set->dump_limit > VGPU_DUMP_LIMIT_MAX)
		return vgpu_refuse(why, VGPU_SET_DUMP_LIMIT, -ERANGE,
				   "dump-limit is out of range: 0 to %u an hour",
				   VGPU_DUMP_LIMIT_MAX);
	ret = vgpu_actions_check(set, why);
	if (ret)
		return ret;
	if (set->mask & (VGPU_SET_PAD | VGPU_SET_PAD_JITTER)) {
		u64 pad = set->mask & VGPU_SET_PAD ? set->pad_ns :
			  inst->pad.grid_ns;
		u64 jitter = set->mask & VGPU_SET_PAD_JITTER ?
			     set->pad_jitter_ns : inst->pad.jitter_ns;

		if (pad > VGPU_PAD_MAX_NS || (pad && pad < NSEC_PER_USEC))
			return vgpu_refuse(why, VGPU_SET_PAD, -ERANGE,
					   "pad-ns is out of range: 0, or %lu to %lu",
					   NSEC_PER_USEC, VGPU_PAD_MAX_NS);
		/* off takes it along */
		if (jitter > pad && (pad || set->mask & VGPU_SET_PAD_JITTER))
			return vgpu_refuse(why, set->mask & VGPU_SET_PAD_JITTER ?
					   VGPU_SET_PAD_JITTER : VGPU_SET_PAD,
					   -ERANGE,
					   "pad-jitter-ns may not be over pad-ns");
	}
	if (set->mask & VGPU_SET_SLICE && set->slice_ns)
		return check_slice(set->slice_ns, VGPU_SET_SLICE, why);
	return 0;
}

/*
 * Sets the cap on every engine, or on none.  The caps are the same on all, so
 * the first refusal is that of the first engine, but for an engine whose policy
 * was ejected: then what was set is taken back.
 */
static int set_cap(struct vgpu_instance *inst, u32 cap,
		   struct vgpu_refusal *why)
{
	unsigned int i;
	u32 caps = 0;
	int ret = 0;

	for (i = 0; i < inst->nr_entities && !ret; i++) {
		struct vgpu_entity *ent = &inst->entity[i];
		struct vgpu_engine *e = ent->engine;

		spin_lock_irq(&e->lock);
		caps = e->rq.caps - ent->se.cap + cap;
		ret = vgpu_rq_set_cap(&e->rq, &ent->se, cap, ktime_get_ns());
		if (!ret)
			vgpu_engine_kick_locked(e);
		spin_unlock_irq(&e->lock);
	}
	if (!ret) {
		inst->cap = cap;
		return 0;
	}
	while (--i) {
		struct vgpu_entity *ent = &inst->entity[i - 1];
		struct vgpu_engine *e = ent->engine;

		spin_lock_irq(&e->lock);
		/* what it had before is never refused */
		vgpu_rq_set_cap(&e->rq, &ent->se, inst->cap, ktime_get_ns());
		spin_unlock_irq(&e->lock);
	}
	return vgpu_refuse(why, VGPU_SET_CAP, ret,
			   "cap: with it, caps would add up to %u.%02u %%",
			   caps / 100, caps % 100);
}

/*
 * A lower limit counts from now on, and can be taken back.  A higher one is
 * there to be had as long as gpu->lock is held, and is for raise_vram().
 */
static int lower_vram(struct vgpu_instance *inst, u64 bytes,
		      struct vgpu_refusal *why)
{
	struct vgpu_gpu *gpu = inst->gpu;
	u64 old = inst->acct.limit;
	int ret;

	bytes = round_up(bytes, PAGE_SIZE);
	if (!bytes || bytes > inst->aperture_bytes)
		return vgpu_refuse(why, VGPU_SET_VRAM, -ERANGE,
				   "vram-limit is out of range: up to %llu",
				   inst->aperture_bytes);
	if (bytes > old) {
		if (bytes - old <= vgpu_gpu_capacity(gpu) - gpu->committed)
			return 0;
		return vgpu_refuse(why, VGPU_SET_VRAM, -ENOSPC,
				   "GPU %u has not so much memory left",
				   gpu->index);
	}
	ret = vgpu_mem_set_limit(&inst->acct, bytes);
	if (ret)
		return vgpu_refuse(why, VGPU_SET_VRAM, ret,
				   "vGPU %u uses %llu bytes, more than that",
				   inst->id, READ_ONCE(inst->acct.used));
	ret = vgpu_mem_set_share(&inst->acct, vgpu_gpu_share(gpu, bytes));
	if (ret) {
		vgpu_mem_set_limit(&inst->acct, old);
		return vgpu_refuse(why, VGPU_SET_VRAM, ret,
				   "vGPU %u has %llu bytes that cannot be evicted, too much for that",
				   inst->id, READ_ONCE(inst->acct.fixed));
	}
	return 0;
}

/* Cannot fail, and cannot be taken back: it may be in use at once. */
static void raise_vram(struct vgpu_instance *inst, u64 bytes, u64 old)
{
	bytes = round_up(bytes, PAGE_SIZE);
	if (bytes > old) {
		vgpu_mem_set_limit(&inst->acct, bytes);
		vgpu_mem_set_share(&inst->acct,
				   vgpu_gpu_share(inst->gpu, bytes));
	}
	inst->gpu->committed += bytes - old;
}

static int refuse_units(const struct vgpu_instance *inst, int err,
			struct vgpu_refusal *why)
{
	switch (err) {
	case -EOPNOTSUPP:
		return vgpu_refuse(why, VGPU_SET_UNITS, err,
				   "GPU %u cannot give compute units to one vGPU",
				   inst->gpu->index);
	case -ERANGE:
		return vgpu_refuse(why, VGPU_SET_UNITS, err,
				   "own-units is out of range: 0 to %u",
				   inst->gpu->desc.units);
	case -EBUSY:
		if (inst->nr_clients || inst->state == VGPU_STATE_RUNNING ||
		    inst->state == VGPU_STATE_PAUSED)
			return vgpu_refuse(why, VGPU_SET_UNITS, err,
					   "vGPU %u is %s: units change only while stopped and closed",
					   inst->id,
					   inst->state == VGPU_STATE_RUNNING ? "running" :
					   inst->state == VGPU_STATE_PAUSED ? "paused" :
					   "open");
		return vgpu_refuse(why, VGPU_SET_UNITS, err,
				   "vGPU %u still has contexts: try again",
				   inst->id);
	case -ENOSPC:
		return vgpu_refuse(why, VGPU_SET_UNITS, err,
				   "GPU %u has not so many units to give away",
				   inst->gpu->index);
	default:
		return vgpu_refuse(why, VGPU_SET_UNITS, err,
				   "GPU %u does not move its units",
				   inst->gpu->index);
	}
}

/* Who comes back to those who share brings its cap along. */
static int check_return(const struct vgpu_instance *inst,
			struct vgpu_refusal *why)
{
	unsigned int i;

	for (i = 0; i < inst->gpu->desc.engines; i++) {
		struct vgpu_engine *e = &inst->gpu->whole.engines[i];
		u32 caps;
		bool fits;

		spin_lock_irq(&e->lock);
		fits = vgpu_rq_cap_fits(&e->rq, inst->cap);
		caps = e->rq.caps + inst->cap;
		spin_unlock_irq(&e->lock);
		if (!fits)
			return vgpu_refuse(why, VGPU_SET_UNITS, -ENOSPC,
					   "own-units: if it shares, caps add up to %u.%02u %%",
					   caps / 100, caps % 100);
	}
	return 0;
}

static int set_units(struct vgpu_instance *inst, u32 count,
		     struct vgpu_refusal *why)
{
	int ret = 0;

	if (inst->own && !count)
		ret = check_return(inst, why);
	if (ret)
		return ret;
	ret = vgpu_units_set(inst, count);
	return ret ? refuse_units(inst, ret, why) : 0;
}

/* Nothing of this can fail. */
static void apply(struct vgpu_instance *inst,
		  const struct vgpu_instance_set *set)
{
	unsigned int i;

	if (set->mask & VGPU_SET_WEIGHT)
		inst->weight = set->weight;
	if (set->mask & VGPU_SET_PRIORITY) {
		inst->priority = set->priority;
		vgpu_mem_set_priority(&inst->acct, set->priority);
	}
	if (set->mask & VGPU_SET_SLICE)
		inst->slice_ns = set->slice_ns;
	if (set->mask & VGPU_SET_BANDWIDTH)
		vgpu_bandwidth_set(inst, set->bandwidth_mbps);
	if (set->mask & VGPU_SET_ALLOW)
		vgpu_filter_set(inst, set->allow);
	vgpu_actions_set(inst, set);
	if (set->mask & VGPU_SET_DUMP_LIMIT)
		vgpu_dumps_set(&inst->dumps, set->dump_limit);
	if (set->mask & VGPU_SET_PAD_JITTER)
		WRITE_ONCE(inst->pad.jitter_ns, set->pad_jitter_ns);
	if (set->mask & VGPU_SET_PAD) {
		WRITE_ONCE(inst->pad.grid_ns, set->pad_ns);
		if (!set->pad_ns)
			WRITE_ONCE(inst->pad.jitter_ns, 0);
	}
	for (i = 0; i < inst->nr_entities; i++) {
		struct vgpu_entity *ent = &inst->entity[i];
		struct vgpu_engine *e = ent->engine;
		u64 now;

		spin_lock_irq(&e->lock);
		now = ktime_get_ns();
		vgpu_rq_set_weight(&e->rq, &ent->se, inst->weight, now);
		if (set->mask & VGPU_SET_PRIORITY)
			vgpu_rq_set_priority(&e->rq, &ent->se, inst->priority,
					     now);
		if (set->mask & VGPU_SET_SLICE)
			vgpu_rq_set_se_slice(&e->rq, &ent->se, inst->slice_ns,
					     now);
		/* what a policy held back may be due sooner now */
		vgpu_engine_kick_locked(e);
		spin_unlock_irq(&e->lock);
	}
	if (inst->tenant) {
		if (set->mask & VGPU_SET_GROUP_WEIGHT)
			WRITE_ONCE(inst->tenant->weight, set->group_weight);
		vgpu_tenant_changed(inst->gpu, inst->tenant);
	}
}

/* Mediation fails: what is there goes on, with no more than it has. */
static int check_lower(struct vgpu_instance *inst,
		       const struct vgpu_instance_set *set,
		       struct vgpu_refusal *why)
{
	u64 bandwidth = READ_ONCE(inst->bandwidth);

	if ((set->mask & VGPU_SET_VRAM && set->vram_bytes > inst->acct.limit) ||
	    set->mask & VGPU_SET_UNITS ||
	    (set->mask & VGPU_SET_CAP && inst->cap &&
	     (!set->cap || set->cap > inst->cap)) ||
	    (set->mask & VGPU_SET_BANDWIDTH && bandwidth &&
	     (!set->bandwidth_mbps ||
	      set->bandwidth_mbps * 1000 * 1000 > bandwidth)))
		return vgpu_refuse(why, 0, -EAGAIN,
				   "mediation of GPU %u fails: quotas can only be lowered",
				   inst->gpu->index);
	return 0;
}

/* gpu->lock and inst->lock held. */
static int instance_set(struct vgpu_instance *inst,
			const struct vgpu_instance_set *set,
			struct vgpu_refusal *why)
{
	struct vgpu_tenant *tenant = NULL, *old = inst->tenant;
	u64 old_vram = inst->acct.limit;
	u32 old_cap = inst->cap;
	int ret;

	if (inst->gone || inst->state == VGPU_STATE_DEAD)
		return vgpu_refuse(why, 0, -ENODEV,
				   "vGPU %u is being destroyed", inst->id);
	ret = check_ranges(inst, set, why);
	if (!ret && vgpu_degraded(inst->gpu, VGPU_DEGRADE_BASIC))
		ret = check_lower(inst, set, why);
	if (!ret)
		ret = check_group(inst, set, why);
	if (!ret && set->mask & VGPU_SET_CAP)
		ret = set_cap(inst, set->cap, why);
	if (ret)
		return ret;
	if (set->mask & VGPU_SET_GROUP && !no_group(set->group)) {
		tenant = vgpu_tenant_get(inst->gpu, set->group);
		if (!tenant) {
			ret = vgpu_refuse(why, 0, -ENOMEM, "no memory");
			goto err_cap;
		}
	}
	if (set->mask & VGPU_SET_VRAM) {
		ret = lower_vram(inst, set->vram_bytes, why);
		if (ret)
			goto err_tenant;
	}
	if (set->mask & VGPU_SET_UNITS) {
		ret = set_units(inst, set->units, why);
		if (ret)
			goto err_vram;
	}
	if (set->mask & VGPU_SET_VRAM)
		raise_vram(inst, set->vram_bytes, old_vram);
	if (set->mask & VGPU_SET_GROUP) {
		inst->tenant = tenant;
		vgpu_tenant_enter(inst);
		vgpu_tenant_put(inst->gpu, old);
		vgpu_serial_enter(inst);
	}
	apply(inst, set);
	return 0;

err_vram:
	/* a limit is raised, or is what it was: never refused */
	vgpu_mem_set_limit(&inst->acct, old_vram);
	vgpu_mem_set_share(&inst->acct, vgpu_gpu_share(inst->gpu, old_vram));
err_tenant:
	vgpu_tenant_put(inst->gpu, tenant);
err_cap:
	if (set->mask & VGPU_SET_CAP)
		set_cap(inst, old_cap, NULL);
	return ret;
}

int vgpu_instance_set(struct vgpu_instance *inst,
		      const struct vgpu_instance_set *set,
		      struct vgpu_refusal *why)
{
	struct vgpu_gpu *gpu = inst->gpu;
	int idx, ret;

	if (set->mask & ~(VGPU_SET_WEIGHT | VGPU_SET_PRIORITY |
			  VGPU_SET_BANDWIDTH | VGPU_SET_VRAM | VGPU_SET_CAP |
			  VGPU_SET_SLICE | VGPU_SET_GROUP |
			  VGPU_SET_GROUP_WEIGHT | VGPU_SET_UNITS |
			  VGPU_SET_ALLOW | VGPU_SET_ACTIONS | VGPU_SET_WAIT |
			  VGPU_SET_PAD | VGPU_SET_PAD_JITTER |
			  VGPU_SET_DUMP_LIMIT))
		return vgpu_refuse(why, 0, -EINVAL, "no such setting");
	if (!vgpu_gpu_enter(gpu, &idx))
		return vgpu_refuse(why, 0, -ENODEV,
				   "the GPU of vGPU %u went away", inst->id);
	mutex_lock(&gpu->lock);
	mutex_lock(&inst->lock);
	ret = instance_set(inst, set, why);
	if (!ret)
		vgpu_event_post(VGPU_EVENT_SET, NULL, inst, set->mask);
	mutex_unlock(&inst->lock);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_set, VGPU);
