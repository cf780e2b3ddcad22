// SPDX-License-Identifier: GPL-2.0
/*
 * history-get, and the monitor's part of gpu-get and gpu-set.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

/* What a dump has come to: cb->args. */
enum {
	AT_SEQ,			/* the next number to show, low and high word */
	AT_SEQ_HIGH,
	AT_CHECKED,		/* the request was looked at */
};

static_assert((int)VGPU_NL_FIGURE_BUSY == VGPU_MON_BUSY);
static_assert((int)VGPU_NL_FIGURE_COMMANDS == VGPU_MON_COMMANDS);
static_assert((int)VGPU_NL_KNOB_SLICE == VGPU_KNOB_SLICE);
static_assert((int)VGPU_NL_KNOB_POOL == VGPU_KNOB_POOL);
static_assert((int)VGPU_NL_TUNE_ON == VGPU_TUNE_ON);
static_assert(VGPU_A_GPU_LIMIT_COMMANDS == VGPU_A_GPU_LIMIT_BUSY + VGPU_MON_COMMANDS);
static_assert(VGPU_A_GPU_TUNE_POOL == VGPU_A_GPU_TUNE_SLICE + VGPU_KNOB_POOL);
static_assert(VGPU_A_GPU_TUNE_POOL_MIN == VGPU_A_GPU_TUNE_SLICE_MIN + VGPU_KNOB_POOL);
static_assert(VGPU_A_GPU_TUNE_POOL_MAX == VGPU_A_GPU_TUNE_SLICE_MAX + VGPU_KNOB_POOL);

/* ---- gpu-get, gpu-set ------------------------------------------------------ */

int vgpu_nl_put_monitor(struct sk_buff *skb, const struct vgpu_gpu_info *gi)
{
	const struct vgpu_mon_settings *m = &gi->monitor;
	u32 i;

	if (nla_put_u32(skb, VGPU_A_GPU_MONITOR_PERIOD, m->period_ms) ||
	    nla_put_u32(skb, VGPU_A_GPU_ANOMALIES, m->anomalies) ||
	    nla_put_u32(skb, VGPU_A_GPU_BATCH, m->batch) ||
	    nla_put_u32(skb, VGPU_A_GPU_POOL_MOST, m->pool))
		return -EMSGSIZE;
	for (i = 0; i < VGPU_MON_FIGURES; i++)
		if (nla_put_u64_64bit(skb, VGPU_A_GPU_LIMIT_BUSY + i,
				      m->limit[i], VGPU_A_GPU_PAD))
			return -EMSGSIZE;
	for (i = 0; i < VGPU_KNOBS; i++)
		if (nla_put_u32(skb, VGPU_A_GPU_TUNE_SLICE + i, m->tune[i]) ||
		    nla_put_u64_64bit(skb, VGPU_A_GPU_TUNE_SLICE_MIN + i,
				      m->min[i], VGPU_A_GPU_PAD) ||
		    nla_put_u64_64bit(skb, VGPU_A_GPU_TUNE_SLICE_MAX + i,
				      m->max[i], VGPU_A_GPU_PAD))
			return -EMSGSIZE;
	return 0;
}

void vgpu_nl_read_monitor(struct genl_info *info, struct vgpu_gpu_set *set)
{
	struct vgpu_mon_settings *m = &set->monitor;
	const struct nlattr *attr;
	u32 i;

	attr = info->attrs[VGPU_A_GPU_MONITOR_PERIOD];
	if (attr) {
		m->mask |= VGPU_MON_SET_PERIOD;
		m->period_ms = nla_get_u32(attr);
	}
	attr = info->attrs[VGPU_A_GPU_ANOMALIES];
	if (attr) {
		m->mask |= VGPU_MON_SET_ANOMALIES;
		m->anomalies = nla_get_u32(attr);
	}
	for (i = 0; i < VGPU_MON_FIGURES; i++) {
		attr = info->attrs[VGPU_A_GPU_LIMIT_BUSY + i];
		if (attr) {
			m->mask |= VGPU_MON_SET_LIMIT(i);
			m->limit[i] = nla_get_u64(attr);
		}
	}
	for (i = 0; i < VGPU_KNOBS; i++) {
		attr = info->attrs[VGPU_A_GPU_TUNE_SLICE + i];
		if (attr) {
			m->mask |= VGPU_MON_SET_TUNE(i);
			m->tune[i] = nla_get_u32(attr);
		}
		attr = info->attrs[VGPU_A_GPU_TUNE_SLICE_MIN + i];
		if (attr) {
			m->mask |= VGPU_MON_SET_MIN(i);
			m->min[i] = nla_get_u64(attr);
		}
		attr = info->attrs[VGPU_A_GPU_TUNE_SLICE_MAX + i];
		if (attr) {
			m->mask |= VGPU_MON_SET_MAX(i);
			m->max[i] = nla_get_u64(attr);
		}
	}
	if (m->mask)
		set->mask |= VGPU_GPU_SET_MONITOR;
}

/* ---- history-get ------------------------------------------------------------ */

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VGPU_A_HISTORY_PAD);
}

static int put_share(struct sk_buff *skb, const struct vgpu_mon_share *share)
{
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_HISTORY_SHARE);

	if (!nest || nla_put_u32(skb, VGPU_A_SHARE_ID, share->id) ||
	    nla_put_u32(skb, VGPU_A_SHARE_RECEIVED_PERMILLE, share->received) ||
	    nla_put_u32(skb, VGPU_A_SHARE_ENTITLED_PERMILLE, share->entitled) ||
	    nla_put_u64_64bit(skb, VGPU_A_SHARE_MEMORY_USED,
			      share->memory_used, VGPU_A_SHARE_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_sample(struct sk_buff *skb, u32 gpu,
		      const struct vgpu_mon_sample *s)
{
	const u64 *f = s->figure;
	unsigned int i;

	if (nla_put_u32(skb, VGPU_A_HISTORY_GPU, gpu) ||
	    put_u64(skb, VGPU_A_HISTORY_SEQ, s->seq) ||
	    put_u64(skb, VGPU_A_HISTORY_TIME_NS, s->time_ns) ||
	    put_u64(skb, VGPU_A_HISTORY_SPAN_NS, s->span_ns) ||
	    nla_put_u32(skb, VGPU_A_HISTORY_BUSY_PERMILLE, f[VGPU_MON_BUSY]) ||
	    nla_put_u32(skb, VGPU_A_HISTORY_MEMORY_PERMILLE,
			f[VGPU_MON_MEMORY]) ||
	    put_u64(skb, VGPU_A_HISTORY_BANDWIDTH, f[VGPU_MON_BANDWIDTH]) ||
	    nla_put_u32(skb, VGPU_A_HISTORY_OVERHEAD_PERMILLE,
			f[VGPU_MON_OVERHEAD]) ||
	    put_u64(skb, VGPU_A_HISTORY_WAIT_P99_NS, f[VGPU_MON_WAIT]) ||
	    put_u64(skb, VGPU_A_HISTORY_COMMANDS, f[VGPU_MON_COMMANDS]) ||
	    put_u64(skb, VGPU_A_HISTORY_MEMORY_USED, s->memory_used) ||
	    put_u64(skb, VGPU_A_HISTORY_MEMORY_PROMISED, s->memory_promised) ||
	    put_u64(skb, VGPU_A_HISTORY_WAIT_P50_NS, s->wait_p50_ns) ||
	    nla_put_u32(skb, VGPU_A_HISTORY_SWITCHES, s->switches) ||
	    nla_put_u32(skb, VGPU_A_HISTORY_PREEMPTIONS, s->preemptions))
		return -EMSGSIZE;
	for (i = 0; i < s->engines; i++)
		if (nla_put_u32(skb, VGPU_A_HISTORY_ENGINE_PERMILLE,
				s->engine[i]))
			return -EMSGSIZE;
	return 0;
}

static int put_record(struct sk_buff *skb, struct netlink_callback *cb, u32 gpu,
		      const struct vgpu_mon_record *r)
{
	unsigned int i;
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &vgpu_nl_family, NLM_F_MULTI,
			  VGPU_NL_CMD_HISTORY_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (put_sample(skb, gpu, &r->sample))
		goto err_cancel;
	for (i = 0; i < r->shares; i++)
		if (put_share(skb, &r->share[i]))
			goto err_cancel;
	genlmsg_end(skb, hdr);
	return 0;

err_cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

static u64 next_seq(const struct netlink_callback *cb)
{
	return (u64)(u32)cb->args[AT_SEQ_HIGH] << 32 | (u32)cb->args[AT_SEQ];
}

static void set_next_seq(struct netlink_callback *cb, u64 seq)
{
	cb->args[AT_SEQ] = lower_32_bits(seq);
	cb->args[AT_SEQ_HIGH] = upper_32_bits(seq);
}

static int dump(struct sk_buff *skb, struct netlink_callback *cb,
		struct vgpu_gpu *gpu)
{
	struct vgpu_mon_record *r = kmalloc(sizeof(*r), GFP_KERNEL);
	int err = 0;

	if (!r)
		return -ENOMEM;
	/* what comes meanwhile is shown too, as long as a message has room */
	while (!vgpu_gpu_get_history(gpu, next_seq(cb), r)) {
		err = put_record(skb, cb, vgpu_gpu_index(gpu), r);
		if (err)
			break;
		set_next_seq(cb, r->sample.seq + 1);
	}
	kfree(r);
	return err;
}

int vgpu_nl_history_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr **attrs = vgpu_compat_dump_attrs(cb);
	const struct nlattr *from = attrs[VGPU_A_HISTORY_FROM];
	struct vgpu_gpu *gpu;
	int err;

	if (!vgpu_nl_is_admin(cb->skb))
		return vgpu_nl_err(cb->extack, NULL, -EPERM,
				   "needs CAP_SYS_ADMIN on the host (root)");
	if (!attrs[VGPU_A_HISTORY_GPU])
		return vgpu_nl_err(cb->extack, NULL, -EINVAL,
				   "say which GPU: gpu");
	gpu = vgpu_nl_gpu_lookup(attrs[VGPU_A_HISTORY_GPU], cb->extack);
	if (IS_ERR(gpu))
		return cb->args[AT_CHECKED] ? 0 : PTR_ERR(gpu);
	if (!cb->args[AT_CHECKED]) {
		cb->args[AT_CHECKED] = 1;
		set_next_seq(cb, from ? nla_get_u64(from) : 0);
	}
	err = dump(skb, cb, gpu);
	vgpu_gpu_put(gpu);
	return err && !skb->len ? err : skb->len;
}
