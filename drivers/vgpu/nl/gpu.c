// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-get and gpu-set.
 */
#include <linux/sizes.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

static int put_pool(struct sk_buff *skb, unsigned int k,
		    const struct vgpu_pool_stats *pool)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_VRAM_POOL);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, VGPU_A_POOL_BYTES, SZ_4K << k,
			      VGPU_A_POOL_PAD) ||
	    nla_put_u32(skb, VGPU_A_POOL_HELD, pool->held) ||
	    nla_put_u32(skb, VGPU_A_POOL_TARGET, pool->target) ||
	    nla_put_u64_64bit(skb, VGPU_A_POOL_HITS, pool->hits,
			      VGPU_A_POOL_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_POOL_MISSES, pool->misses,
			      VGPU_A_POOL_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_vram(struct sk_buff *skb, const struct vgpu_vram_stats *st)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_GPU_VRAM);
	unsigned int k;

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, VGPU_A_VRAM_TOTAL, st->total,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_USED, st->used,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_FREE, st->free,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_LARGEST_FREE, st->largest_free,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_BLOCKS, st->blocks,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u32(skb, VGPU_A_VRAM_FRAG_PERMILLE, st->frag_permille) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_RETIRED, st->retired,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_SCRUBBED, st->scrubbed,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_POOLED, st->pooled,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_UNCLEAN, st->unclean,
			      VGPU_A_VRAM_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_VRAM_ALLOC_WAITS, st->alloc_waits,
			      VGPU_A_VRAM_PAD))
		return -EMSGSIZE;
	for (k = 0; k < VGPU_POOLS; k++)
		if (put_pool(skb, k, &st->pool[k]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Below which @permille of the restores stayed: the end of its bucket, ns. */
static u64 latency(const struct vgpu_paging_stats *st, u32 permille)
{
	u64 all = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < VGPU_PAGING_BUCKETS; i++)
		all += st->latency[i];
	for (i = 0; all && i < VGPU_PAGING_BUCKETS; i++) {
		sum += st->latency[i];
		if (sum * 1000 >= all * permille)
			return 2ULL << i;
	}
	return 0;
}

static int put_paging(struct sk_buff *skb, const struct vgpu_paging_stats *st)
{
	const struct {
		u16 attr;
		u64 value;
	} values[] = {
		{ VGPU_A_PAGING_FRAMES, st->frames },
		{ VGPU_A_PAGING_FRAMES_FREE, st->frames_free },
		{ VGPU_A_PAGING_RESIDENT, st->resident },
		{ VGPU_A_PAGING_EVICTED, st->evicted },
		{ VGPU_A_PAGING_STORED, st->stored },
		{ VGPU_A_PAGING_SAME, st->same },
		{ VGPU_A_PAGING_PLAIN, st->plain },
		{ VGPU_A_PAGING_PACKED, st->packed },
		{ VGPU_A_PAGING_SYSTEM, st->system },
		{ VGPU_A_PAGING_FAULTS, st->faults },
		{ VGPU_A_PAGING_RESTORES, st->restores },
		{ VGPU_A_PAGING_RESTORE_FAILED, st->restore_failed },
		{ VGPU_A_PAGING_EVICTIONS, st->evictions },
		{ VGPU_A_PAGING_EVICT_FAILED, st->evict_failed },
		{ VGPU_A_PAGING_SECOND_CHANCES, st->second_chances },
		{ VGPU_A_PAGING_RESERVE_USED, st->reserve_used },
		{ VGPU_A_PAGING_LZ4, st->lz4 },
		{ VGPU_A_PAGING_LZO_RLE, st->lzo_rle },
		{ VGPU_A_PAGING_ZSTD, st->zstd },
		{ VGPU_A_PAGING_LATENCY_P50_NS, latency(st, 500) },
		{ VGPU_A_PAGING_LATENCY_P99_NS, latency(st, 990) },
		{ VGPU_A_PAGING_REFAULTS, st->refaults },
		{ VGPU_A_PAGING_THROTTLED, st->throttled },
		{ VGPU_A_PAGING_THROTTLED_NS, st->throttled_ns },
		{ VGPU_A_PAGING_AHEAD, st->ahead },
		{ VGPU_A_PAGING_AHEAD_USED, st->ahead_used },
		{ VGPU_A_PAGING_AHEAD_WASTED, st->ahead_wasted },
		{ VGPU_A_PAGING_COLD, st->cold },
		{ VGPU_A_PAGING_COLD_STORES, st->cold_stores },
		{ VGPU_A_PAGING_COLD_FAILED, st->cold_failed },
		{ VGPU_A_PAGING_COLD_LOADS, st->cold_loads },
	};
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_GPU_PAGING);
	unsigned int i, last = VGPU_PAGING_BUCKETS;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (nla_put_u64_64bit(skb, values[i].attr, values[i].value,
				      VGPU_A_PAGING_PAD))
			return -EMSGSIZE;
	while (last && !st->latency[last - 1])
		last--;
	for (i = 0; i < last; i++)
		if (nla_put_u64_64bit(skb, VGPU_A_PAGING_LATENCY_HIST,
				      st->latency[i], VGPU_A_PAGING_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_defrag(struct sk_buff *skb, const struct vgpu_tidy_info *ti)
{
	const struct vgpu_defrag_stats *st = &ti->stats;
	const struct {
		u16 attr;
		u64 value;
	} values[] = {
		{ VGPU_A_DEFRAG_RUNS, st->runs },
		{ VGPU_A_DEFRAG_OWN_RUNS, ti->own_runs },
		{ VGPU_A_DEFRAG_MOVES, st->moves },
		{ VGPU_A_DEFRAG_MOVED, st->moved },
		{ VGPU_A_DEFRAG_GIVEN_UP, st->given_up },
		{ VGPU_A_DEFRAG_RUN_MOVED, st->run_moved },
		{ VGPU_A_DEFRAG_RUN_NS, st->run_ns },
		{ VGPU_A_DEFRAG_STEP_MAX_NS, st->step_max_ns },
	};
	struct nlattr *nest;
	unsigned int i;

	if (!ti->can)
		return 0;
	nest = nla_nest_start(skb, VGPU_A_GPU_DEFRAG);
	if (!nest ||
	    nla_put_u32(skb, VGPU_A_DEFRAG_RUNNING, st->running || ti->asked) ||
	    nla_put_u32(skb, VGPU_A_DEFRAG_BEFORE_PERMILLE, st->before) ||
	    nla_put_u32(skb, VGPU_A_DEFRAG_AFTER_PERMILLE, st->after))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (nla_put_u64_64bit(skb, values[i].attr, values[i].value,
				      VGPU_A_DEFRAG_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_engine(struct sk_buff *skb, u32 index,
		      const struct vgpu_engine_info *e)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_GPU_ENGINE);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VGPU_A_ENGINE_INDEX, index) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_CLOCK_NS, e->clock_ns,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_BUSY_NS, e->busy_ns,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_SWITCHES, e->switches,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_PREEMPTIONS, e->preemptions,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_RESETS, e->resets,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_JOBS, e->jobs,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_QUEUED, e->queued,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_STOPS, e->stops,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_STOP_P50_NS, e->stop_p50_ns,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_STOP_P99_NS, e->stop_p99_ns,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_ENGINE_STOP_MAX_NS, e->stop_max_ns,
			      VGPU_A_ENGINE_PAD) ||
	    nla_put_u32(skb, VGPU_A_ENGINE_UNITS, e->units))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_mode(struct sk_buff *skb, u32 mode,
		    const struct vgpu_governor_info *g)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_GOVERNOR_MODE);

	if (!nest || nla_put_u32(skb, VGPU_A_GOV_MODE_MODE, mode) ||
	    nla_put_u64_64bit(skb, VGPU_A_GOV_MODE_ENTERED, g->entered[mode],
			      VGPU_A_GOV_MODE_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GOV_MODE_TIME_NS, g->time_ns[mode],
			      VGPU_A_GOV_MODE_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Which mode is in force tells of the load, and so does the threshold. */
static int put_governor(struct sk_buff *skb, const struct vgpu_governor_info *g)
{
	const struct vgpu_gov_view *v = &g->view;
	struct nlattr *nest;
	u32 mode;

	if ((g->on && nla_put_u32(skb, VGPU_A_GPU_MODE, g->mode)) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_THRESHOLD_NS, g->threshold_ns,
			      VGPU_A_GPU_PAD))
		return -EMSGSIZE;
	nest = nla_nest_start(skb, VGPU_A_GPU_GOVERNOR_FIGURES);
	if (!nest || nla_put_u64_64bit(skb, VGPU_A_GOVERNOR_CHANGES, g->changes,
				       VGPU_A_GOVERNOR_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GOVERNOR_SAMPLES, g->samples,
			      VGPU_A_GOVERNOR_PAD) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_BUSY_PERMILLE, v->last.busy) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_MEMORY_PERMILLE,
			v->last.memory) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_OVERHEAD_PERMILLE, v->overhead) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_SWITCHES, v->switches) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_MEAN_PERMILLE, v->mean) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_DEVIATION_PERMILLE,
			v->deviation) ||
	    nla_put_s32(skb, VGPU_A_GOVERNOR_TREND_PERMILLE, v->trend) ||
	    nla_put_u32(skb, VGPU_A_GOVERNOR_DEMAND_PERMILLE, v->demand))
		return -EMSGSIZE;
	for (mode = 0; mode < VGPU_GOV_MODES; mode++)
		if (put_mode(skb, mode, g))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What a GPU is; nothing here tells what its tenants do. */
static int put_shape(struct sk_buff *skb, const struct vgpu_gpu_info *gi)
{
	if (nla_put_u32(skb, VGPU_A_GPU_INDEX, gi->index) ||
	    nla_put_string(skb, VGPU_A_GPU_NAME, gi->name) ||
	    nla_put_string(skb, VGPU_A_GPU_DRIVER, gi->driver) ||
	    nla_put_string(skb, VGPU_A_GPU_DEVICE, gi->device) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_CAPS, gi->caps, VGPU_A_GPU_PAD) ||
	    nla_put_u32(skb, VGPU_A_GPU_ENGINES, gi->engines) ||
	    nla_put_u32(skb, VGPU_A_GPU_UNITS, gi->units) ||
	    nla_put_u32(skb, VGPU_A_GPU_MAX_LANES, gi->max_lanes) ||
	    nla_put_u32(skb, VGPU_A_GPU_SHARED_BYTES, gi->shared_bytes) ||
	    nla_put_u32(skb, VGPU_A_GPU_MAX_INSTANCES, gi->max_instances) ||
	    nla_put_u32(skb, VGPU_A_GPU_INSTANCES, gi->instances) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_VRAM_BYTES, gi->vram_bytes,
			      VGPU_A_GPU_PAD) ||
	    nla_put_string(skb, VGPU_A_GPU_POLICY, gi->policy) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_SLICE_NS, gi->slice_ns,
			      VGPU_A_GPU_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_PREEMPT_TIMEOUT_NS,
			      gi->preempt_timeout_ns, VGPU_A_GPU_PAD) ||
	    nla_put_string(skb, VGPU_A_GPU_STRATEGY, gi->strategy) ||
	    nla_put_string(skb, VGPU_A_GPU_GOVERNOR, gi->governor.setting) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_OWN_SLICE_NS,
			      gi->governor.own_slice_ns, VGPU_A_GPU_PAD) ||
	    nla_put_u32(skb, VGPU_A_GPU_OVERCOMMIT_PERMILLE,
			gi->overcommit_permille) ||
	    nla_put_u32(skb, VGPU_A_GPU_DEFRAG_THRESHOLD,
			gi->tidy.threshold) ||
	    nla_put_u32(skb, VGPU_A_GPU_DEFRAG_INTERVAL, gi->tidy.interval_s) ||
	    nla_put_u32(skb, VGPU_A_GPU_READ_AHEAD, gi->paging.ahead_max) ||
	    nla_put_u32(skb, VGPU_A_GPU_SWITCH, gi->switching) ||
	    nla_put_u32(skb, VGPU_A_GPU_MAX_CONTEXTS, gi->max_contexts) ||
	    nla_put_u32(skb, VGPU_A_GPU_SERIALIZE, gi->serialize) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_TIER_LIMIT, gi->paging.tier_limit,
			      VGPU_A_GPU_PAD))
		return -EMSGSIZE;
	if (gi->unplugged && nla_put_flag(skb, VGPU_A_GPU_UNPLUGGED))
		return -EMSGSIZE;
	return 0;
}

static int put_use(struct sk_buff *skb, const struct vgpu_gpu_info *gi)
{
	u32 i;

	if (nla_put_u64_64bit(skb, VGPU_A_GPU_VRAM_COMMITTED,
			      gi->vram_committed, VGPU_A_GPU_PAD) ||
	    vgpu_nl_put_degrade(skb, &gi->degrade) ||
	    vgpu_nl_put_monitor(skb, gi) ||
	    put_vram(skb, &gi->vram) || put_paging(skb, &gi->paging) ||
	    put_defrag(skb, &gi->tidy))
		return -EMSGSIZE;
	if (nla_put_u32(skb, VGPU_A_GPU_UNITS_FREE, gi->units_free) ||
	    nla_put_u64_64bit(skb, VGPU_A_GPU_TURNS, gi->turns,
			      VGPU_A_GPU_PAD) ||
	    nla_put_u32(skb, VGPU_A_GPU_CONTEXTS, gi->contexts) ||
	    vgpu_nl_put_switching(skb, &gi->switched) ||
	    put_governor(skb, &gi->governor))
		return -EMSGSIZE;
	/* Spare ones as well: what they served is part of the figures. */
	for (i = 0; i < min_t(u32, gi->all_engines, VGPU_MAX_ENGINES); i++)
		if (put_engine(skb, i, &gi->engine[i]))
			return -EMSGSIZE;
	return 0;
}

/* The run that counts is what nobody uses, whatever the strategy knows of it. */
static int survey(struct vgpu_gpu *gpu, struct vgpu_vram_stats *st)
{
	struct vgpu_vram_survey *all = kvmalloc(sizeof(*all), GFP_KERNEL);

	if (!all)
		return -ENOMEM;
	/* gone by now: what we have is as good */
	if (!vgpu_gpu_survey(gpu, all)) {
		st->largest_free = all->largest_free;
		st->frag_permille = all->frag_permille;
	}
	kvfree(all);
	return 0;
}

static int fill_gpu(struct sk_buff *skb, struct vgpu_gpu *gpu, u32 portid,
		    u32 seq, struct netlink_callback *cb, bool admin)
{
	struct vgpu_gpu_info *gi;
	int err = -EMSGSIZE;
	void *hdr;

	/* too large for the stack */
	gi = kzalloc(sizeof(*gi), GFP_KERNEL);
	if (!gi)
		return -ENOMEM;
	vgpu_gpu_get_info(gpu, gi);
	/* what a governor makes of it tells of the load */
	if (!admin)
		gi->slice_ns = gi->governor.base_slice_ns;
	else
		err = survey(gpu, &gi->vram);
	if (admin && err)
		goto out;
	err = -EMSGSIZE;

	hdr = genlmsg_put(skb, portid, seq, &vgpu_nl_family,
			  cb ? NLM_F_MULTI : 0, VGPU_NL_CMD_GPU_GET);
	if (!hdr)
		goto out;
	if (put_shape(skb, gi) || (admin && put_use(skb, gi))) {
		genlmsg_cancel(skb, hdr);
		goto out;
	}
	if (cb)
		genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	err = 0;
out:
	kfree(gi);
	return err;
}

int vgpu_nl_gpu_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_gpu *gpu;
	struct sk_buff *msg;
	int err;

	gpu = vgpu_nl_gpu_named(info, VGPU_A_GPU_INDEX);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);

	msg = genlmsg_new(2 * NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg) {
		err = -ENOMEM;
		goto out;
	}
	err = fill_gpu(msg, gpu, info->snd_portid, info->snd_seq, NULL,
		       vgpu_nl_is_admin(skb));
	if (err)
		nlmsg_free(msg);
	else
		err = genlmsg_reply(msg, info);
out:
	vgpu_gpu_put(gpu);
	return err;
}

/* cb->args[0]: the next number to show */
int vgpu_nl_gpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *index = vgpu_compat_dump_attrs(cb)[VGPU_A_GPU_INDEX];
	bool admin = vgpu_nl_is_admin(cb->skb);
	struct vgpu_gpu *gpu;
	int err;

	if (index)
		return vgpu_nl_err(cb->extack, index, -EINVAL,
				   "a dump shows all; ask for one without NLM_F_DUMP");

	cb->seq = vgpu_lists_generation();
	while ((gpu = vgpu_gpu_next(cb->args[0]))) {
		u32 at = vgpu_gpu_index(gpu);

		err = fill_gpu(skb, gpu, NETLINK_CB(cb->skb).portid,
			       cb->nlh->nlmsg_seq, cb, admin);
		vgpu_gpu_put(gpu);
		if (err)
			return skb->len ? skb->len : err;
		cb->args[0] = (long)at + 1;
	}
	return skb->len;
}

static int set_overcommit(struct vgpu_gpu *gpu, const struct nlattr *attr,
			  u32 *was, struct netlink_ext_ack *extack)
{
	int err = vgpu_gpu_set_overcommit(gpu, nla_get_u32(attr), was);

	switch (err) {
	case -EBUSY:
		return vgpu_nl_err(extack, attr, err,
				   "more is promised already, or more of it is fixed");
	case -EOPNOTSUPP:
		return vgpu_nl_err(extack, attr, err,
				   "the GPU cannot go on after a fault");
	case -ENOSPC:
		return vgpu_nl_err(extack, attr, err,
				   "no VRAM is free for the frames that over-commit needs");
	case -ERANGE:
		return vgpu_nl_err(extack, attr, err,
				   "overcommit-permille is 1000 to 8000");
	default:
		return err;
	}
}

static int set_tidy(struct vgpu_gpu *gpu, const struct nlattr *threshold,
		    const struct nlattr *interval, u32 *was,
		    struct netlink_ext_ack *extack)
{
	u32 permille = threshold ? nla_get_u32(threshold) : 0;
	u32 seconds = interval ? nla_get_u32(interval) : 0;
	int err;

	err = vgpu_gpu_set_tidy(gpu, threshold ? &permille : NULL,
				interval ? &seconds : NULL, &was[0], &was[1]);
	switch (err) {
	case -EOPNOTSUPP:
		return vgpu_nl_err(extack, threshold ?: interval, err,
				   "memory cannot be moved: the GPU cannot go on after a fault");
	case -ERANGE:
		/* the policy has seen to the threshold */
		return vgpu_nl_err(extack, interval, err,
				   "defrag-interval is up to 86400");
	default:
		return err;
	}
}

int vgpu_nl_gpu_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *policy = info->attrs[VGPU_A_GPU_POLICY];
	const struct nlattr *slice = info->attrs[VGPU_A_GPU_SLICE_NS];
	const struct nlattr *timeout = info->attrs[VGPU_A_GPU_PREEMPT_TIMEOUT_NS];
	const struct nlattr *strategy = info->attrs[VGPU_A_GPU_STRATEGY];
	const struct nlattr *governor = info->attrs[VGPU_A_GPU_GOVERNOR];
	const struct nlattr *modes = info->attrs[VGPU_A_GPU_SWITCH];
	const struct nlattr *contexts = info->attrs[VGPU_A_GPU_MAX_CONTEXTS];
	const struct nlattr *serialize = info->attrs[VGPU_A_GPU_SERIALIZE];
	struct vgpu_gpu_set set = {
		.mask = (policy ? VGPU_GPU_SET_POLICY : 0) |
			(slice ? VGPU_GPU_SET_SLICE : 0) |
			(timeout ? VGPU_GPU_SET_TIMEOUT : 0) |
			(governor ? VGPU_GPU_SET_GOVERNOR : 0) |
			(modes ? VGPU_GPU_SET_SWITCHING : 0) |
			(contexts ? VGPU_GPU_SET_CONTEXTS : 0) |
			(serialize ? VGPU_GPU_SET_SERIALIZE : 0),
		.policy = policy ? nla_data(policy) : NULL,
		.slice_ns = slice ? nla_get_u64(slice) : 0,
		.preempt_timeout_ns = timeout ? nla_get_u64(timeout) : 0,
		.governor = governor ? nla_data(governor) : NULL,
		.switching = modes ? nla_get_u32(modes) : 0,
		.max_contexts = contexts ? nla_get_u32(contexts) : 0,
		.serialize = serialize && nla_get_u32(serialize),
	};
	const struct nlattr *ratio = info->attrs[VGPU_A_GPU_OVERCOMMIT_PERMILLE];
	const struct nlattr *threshold =
		info->attrs[VGPU_A_GPU_DEFRAG_THRESHOLD];
	const struct nlattr *interval = info->attrs[VGPU_A_GPU_DEFRAG_INTERVAL];
	const struct nlattr *ahead = info->attrs[VGPU_A_GPU_READ_AHEAD];
	const struct nlattr *tier = info->attrs[VGPU_A_GPU_TIER_LIMIT];
	const char *was = NULL;
	struct vgpu_refusal why = {};
	u32 old_ratio = 0, old_ahead = 0, old_tidy[2];
	struct vgpu_gpu *gpu;
	u64 old_tier = 0;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_GPU_INDEX))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "say which GPU: index");
	vgpu_nl_read_monitor(info, &set);
	if (!set.mask && !strategy && !ratio && !threshold && !interval &&
	    !ahead && !tier && !vgpu_nl_sets_degrade(info))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "nothing to set, such as policy, strategy, governor or overcommit-permille");

	gpu = vgpu_nl_gpu_lookup(info->attrs[VGPU_A_GPU_INDEX], info->extack);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);

	vgpu_nl_read_degrade(info, gpu, &set);
	/* all or nothing: these go first, and back when the rest is refused */
	if (ratio) {
		err = set_overcommit(gpu, ratio, &old_ratio, info->extack);
		if (err)
			goto out;
	}
	if (ahead) {
		/* the policy has seen to its range */
		err = vgpu_gpu_set_read_ahead(gpu, nla_get_u32(ahead),
					      &old_ahead);
		if (err)
			goto out_ratio;
	}
	if (tier) {
		err = vgpu_gpu_set_tier_limit(gpu, nla_get_u64(tier),
					      &old_tier);
		if (err)
			goto out_ahead;
	}
	if (strategy) {
		err = vgpu_gpu_set_strategy(gpu, nla_data(strategy), &was);
		if (err == -ENOENT)
			vgpu_nl_err(info->extack, strategy, err,
				    "no strategy of that name: best, buddy, first or worst");
		if (err)
			goto out_tier;
	}
	if (threshold || interval) {
		err = set_tidy(gpu, threshold, interval, old_tidy, info->extack);
		if (err)
			goto out_strategy;
	}
	/* without anything in the mask too: it may be about to go */
	err = vgpu_gpu_set(gpu, &set, &why);
	if (err && (threshold || interval))
		vgpu_gpu_set_tidy(gpu, &old_tidy[0], &old_tidy[1],
				  &old_tidy[0], &old_tidy[1]);
out_strategy:
	if (err && strategy)
		vgpu_gpu_set_strategy(gpu, was, &was);
out_tier:
	if (err && tier)
		vgpu_gpu_set_tier_limit(gpu, old_tier, &old_tier);
out_ahead:
	if (err && ahead)
		vgpu_gpu_set_read_ahead(gpu, old_ahead, &old_ahead);
out_ratio:
	if (err && ratio)
		vgpu_gpu_set_overcommit(gpu, old_ratio, NULL);
out:
	vgpu_gpu_put(gpu);
	if (!err || !why.text[0])
		return err;
	return vgpu_nl_err(info->extack,
			   why.field == VGPU_GPU_SET_POLICY ? policy :
			   why.field == VGPU_GPU_SET_SLICE ? slice :
			   why.field == VGPU_GPU_SET_TIMEOUT ? timeout :
			   why.field == VGPU_GPU_SET_GOVERNOR ? governor :
			   why.field == VGPU_GPU_SET_SWITCHING ? modes :
			   why.field == VGPU_GPU_SET_CONTEXTS ? contexts :
			   why.field == VGPU_GPU_SET_SERIALIZE ? serialize :
			   why.field == VGPU_GPU_SET_DEGRADE ?
			   info->attrs[VGPU_A_GPU_DEGRADE] :
			   why.field == VGPU_GPU_SET_DEGRADE_RULES ?
			   vgpu_nl_blame_degrade(info) : NULL,
			   err, "%s", why.text);
}
