// SPDX-License-Identifier: GPL-2.0
/*
 * sched-get: a message an engine, then one a vGPU, GPU by GPU.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

/* What a dump has come to: cb->args. */
enum {
	AT_GPU,			/* number */
	AT_ENGINE,		/* number; past the last one: its vGPUs */
	AT_VGPU,		/* the next id to show */
	AT_CHECKED,		/* the request was looked at */
};

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VGPU_A_SCHED_PAD);
}

static int put_figure(struct sk_buff *skb, const char *name, u64 value)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_SCHED_FIGURE);

	if (!nest || nla_put_string(skb, VGPU_A_FIGURE_NAME, name) ||
	    nla_put_u64_64bit(skb, VGPU_A_FIGURE_VALUE, value,
			      VGPU_A_FIGURE_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_bucket(struct sk_buff *skb, unsigned int i, u64 count)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_LATENCY_BUCKET);

	if (!nest || nla_put_u64_64bit(skb, VGPU_A_BUCKET_BELOW_NS,
				       BIT_ULL(i + 8), VGPU_A_BUCKET_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_BUCKET_COUNT, count,
			      VGPU_A_BUCKET_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_latency(struct sk_buff *skb, int attr,
		       const struct vgpu_latency *l)
{
	struct nlattr *nest = nla_nest_start(skb, attr);
	unsigned int i;

	if (!nest || nla_put_u64_64bit(skb, VGPU_A_LATENCY_COUNT, l->count,
				       VGPU_A_LATENCY_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_LATENCY_SUM_NS, l->sum_ns,
			      VGPU_A_LATENCY_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_LATENCY_P50_NS, l->p50_ns,
			      VGPU_A_LATENCY_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_LATENCY_P99_NS, l->p99_ns,
			      VGPU_A_LATENCY_PAD))
		return -EMSGSIZE;
	for (i = 0; i < VGPU_LATENCY_BUCKETS; i++)
		if (l->bucket[i] && put_bucket(skb, i, l->bucket[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_engine(struct sk_buff *skb, u32 gpu, u32 engine,
		      const struct vgpu_engine_sched *es)
{
	u32 i;

	if (nla_put_u32(skb, VGPU_A_SCHED_GPU, gpu) ||
	    nla_put_u32(skb, VGPU_A_SCHED_ENGINE, engine) ||
	    nla_put_u32(skb, VGPU_A_SCHED_UNITS, es->units) ||
	    nla_put_string(skb, VGPU_A_SCHED_POLICY, es->policy) ||
	    put_u64(skb, VGPU_A_SCHED_EJECTIONS, es->ejections) ||
	    put_u64(skb, VGPU_A_SCHED_SLICE_NS, es->slice_ns) ||
	    put_u64(skb, VGPU_A_SCHED_BUSY_NS, es->busy_ns) ||
	    put_u64(skb, VGPU_A_SCHED_IDLE_NS, es->idle_ns) ||
	    put_u64(skb, VGPU_A_SCHED_SWITCHES, es->switches) ||
	    put_u64(skb, VGPU_A_SCHED_SWITCH_NS, es->switch_ns) ||
	    put_u64(skb, VGPU_A_SCHED_PREEMPTIONS, es->preemptions) ||
	    put_u64(skb, VGPU_A_SCHED_QUEUED, es->queued))
		return -EMSGSIZE;
	for (i = 0; i < es->figures; i++)
		if (put_figure(skb, es->figure[i].name, es->figure[i].value))
			return -EMSGSIZE;
	return 0;
}

static int put_vgpu(struct sk_buff *skb, const struct vgpu_instance_info *ii,
		    const struct vgpu_instance_sched *is)
{
	if (nla_put_u32(skb, VGPU_A_SCHED_GPU, ii->gpu) ||
	    nla_put_u32(skb, VGPU_A_SCHED_VGPU, ii->id) ||
	    nla_put(skb, VGPU_A_SCHED_UUID, UUID_SIZE, &ii->uuid) ||
	    put_u64(skb, VGPU_A_SCHED_SLICE_NS, ii->slice_ns) ||
	    put_u64(skb, VGPU_A_SCHED_BUSY_NS, ii->busy_ns) ||
	    put_u64(skb, VGPU_A_SCHED_SWITCHES, ii->switches) ||
	    put_u64(skb, VGPU_A_SCHED_PREEMPTIONS, ii->preemptions) ||
	    put_latency(skb, VGPU_A_SCHED_WAKE, &is->wake) ||
	    put_latency(skb, VGPU_A_SCHED_WAIT, &is->wait))
		return -EMSGSIZE;
	return 0;
}

static void *begin(struct sk_buff *skb, struct netlink_callback *cb)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &vgpu_nl_family, NLM_F_MULTI, VGPU_NL_CMD_SCHED_GET);
}

static int end(struct sk_buff *skb, struct netlink_callback *cb, void *hdr,
	       int err)
{
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return 0;
}

static int dump_engines(struct sk_buff *skb, struct netlink_callback *cb,
			struct vgpu_gpu *gpu)
{
	struct vgpu_engine_sched *es;
	int err = 0;
	void *hdr;

	es = kmalloc(sizeof(*es), GFP_KERNEL);
	if (!es)
		return -ENOMEM;
	/* past the last engine, and when the GPU goes, there is no more */
	while (!vgpu_gpu_get_sched(gpu, cb->args[AT_ENGINE], es)) {
		hdr = begin(skb, cb);
		err = hdr ? end(skb, cb, hdr,
				put_engine(skb, vgpu_gpu_index(gpu),
					   cb->args[AT_ENGINE], es)) : -EMSGSIZE;
		if (err)
			break;
		cb->args[AT_ENGINE]++;
	}
	kfree(es);
	return err;
}

/* For one of another GPU nothing. */
static int dump_vgpu(struct sk_buff *skb, struct netlink_callback *cb,
		     struct vgpu_gpu *gpu, struct vgpu_instance *inst)
{
	struct {
		struct vgpu_instance_info ii;
		struct vgpu_instance_sched is;
	} *v;
	int err = 0;
	void *hdr;

	if (vgpu_instance_gpu(inst) != gpu)
		return 0;
	v = kzalloc(sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	vgpu_instance_get_info(inst, &v->ii);
	if (!vgpu_instance_get_sched(inst, &v->is)) {
		hdr = begin(skb, cb);
		err = hdr ? end(skb, cb, hdr, put_vgpu(skb, &v->ii, &v->is)) :
			    -EMSGSIZE;
	}
	kfree(v);
	return err;
}

static int dump_gpu(struct sk_buff *skb, struct netlink_callback *cb,
		    struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;
	int err;

	err = dump_engines(skb, cb, gpu);
	if (err)
		return err;
	while ((inst = vgpu_instance_next(cb->args[AT_VGPU]))) {
		u32 id = vgpu_instance_id(inst);

		err = dump_vgpu(skb, cb, gpu, inst);
		vgpu_instance_put(inst);
		if (err)
			return err;
		cb->args[AT_VGPU] = (long)id + 1;
	}
	return 0;
}

static int check_dump(struct netlink_callback *cb, const struct nlattr *only)
{
	struct vgpu_gpu *gpu;

	int err = vgpu_nl_admin_only(cb->skb, cb->extack);

	if (err || !only)
		return err;
	gpu = vgpu_nl_gpu_lookup(only, cb->extack);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	cb->args[AT_GPU] = vgpu_gpu_index(gpu);
	vgpu_gpu_put(gpu);
	return 0;
}

int vgpu_nl_sched_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *only = vgpu_compat_dump_attrs(cb)[VGPU_A_SCHED_GPU];
	struct vgpu_gpu *gpu;
	int err;

	if (!cb->args[AT_CHECKED]) {
		err = check_dump(cb, only);
		if (err)
			return err;
		cb->args[AT_CHECKED] = 1;
	}

	cb->seq = vgpu_lists_generation();
	while ((gpu = vgpu_gpu_next(cb->args[AT_GPU]))) {
		u32 at = vgpu_gpu_index(gpu);

		/* the one that was begun has gone meanwhile */
		if (at != cb->args[AT_GPU]) {
			cb->args[AT_ENGINE] = 0;
			cb->args[AT_VGPU] = 0;
		}
		cb->args[AT_GPU] = at;

		err = 0;
		if (!only || at == nla_get_u32(only))
			err = dump_gpu(skb, cb, gpu);
		vgpu_gpu_put(gpu);
		if (err)
			return skb->len ? skb->len : err;
		cb->args[AT_GPU] = (long)at + 1;
		cb->args[AT_ENGINE] = 0;
		cb->args[AT_VGPU] = 0;
	}
	return skb->len;
}
