// SPDX-License-Identifier: GPL-2.0
/*
 * Events of the core go out as notifications, each to one multicast group.
 * A notification that finds no memory or a listener's buffer full is lost;
 * the numbers that count a group's notifications show it.
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "nl_priv.h"

static_assert((int)VGPU_NL_STATE_CREATED == VGPU_STATE_CREATED);
static_assert((int)VGPU_NL_STATE_RUNNING == VGPU_STATE_RUNNING);
static_assert((int)VGPU_NL_STATE_PAUSED == VGPU_STATE_PAUSED);
static_assert((int)VGPU_NL_STATE_STOPPED == VGPU_STATE_STOPPED);
static_assert((int)VGPU_NL_STATE_FAILED == VGPU_STATE_FAILED);
static_assert((int)VGPU_NL_STATE_DEAD == VGPU_STATE_DEAD);
static_assert((int)VGPU_NL_GOV_MODE_EMERGENCY == VGPU_GOV_EMERGENCY);
static_assert((int)VGPU_NL_GOV_MODE_PERFORMANCE == VGPU_GOV_PERFORMANCE);
static_assert((int)VGPU_NL_GOV_MODE_BALANCED == VGPU_GOV_BALANCED);
static_assert((int)VGPU_NL_GOV_MODE_POWER_SAVE == VGPU_GOV_POWER_SAVE);
static_assert((int)VGPU_NL_GOV_REASON_LOAD == VGPU_GOV_LOAD);
static_assert((int)VGPU_NL_GOV_REASON_OVERHEAD == VGPU_GOV_OVERHEAD);
static_assert((int)VGPU_NL_GOV_REASON_MEMORY == VGPU_GOV_MEMORY);
static_assert((int)VGPU_NL_GOV_REASON_RELIEF == VGPU_GOV_RELIEF);

/* How each event of the core looks outside, and who is told. */
static const struct {
	u8 group;
	u8 event;
} vgpu_nl_events[] = {
	[VGPU_EVENT_GPU_ADDED] = {
		VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_GPU_ADDED
	},
	[VGPU_EVENT_GPU_REMOVED] = {
		VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_GPU_REMOVED
	},
	[VGPU_EVENT_CREATED] = { VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_CREATED },
	[VGPU_EVENT_DESTROYED] = {
		VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_DESTROYED
	},
	[VGPU_EVENT_STATE] = { VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_STATE },
	[VGPU_EVENT_SET] = { VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_SET },
	[VGPU_EVENT_POLICY] = { VGPU_NLGRP_LIFECYCLE, VGPU_NL_EVENT_POLICY },
	[VGPU_EVENT_QUOTA] = { VGPU_NLGRP_QUOTA, VGPU_NL_EVENT_QUOTA },
	[VGPU_EVENT_FAULT] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_FAULT },
	[VGPU_EVENT_RESET] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_RESET },
	[VGPU_EVENT_BROKEN] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_BROKEN },
	[VGPU_EVENT_ECC] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_ECC },
	[VGPU_EVENT_GOVERNOR] = {
		VGPU_NLGRP_GOVERNOR, VGPU_NL_EVENT_GOVERNOR
	},
	[VGPU_EVENT_THRASH] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_THRASH },
	[VGPU_EVENT_DEFRAG_BEGIN] = {
		VGPU_NLGRP_MEMORY, VGPU_NL_EVENT_DEFRAG_BEGIN
	},
	[VGPU_EVENT_DEFRAG_END] = {
		VGPU_NLGRP_MEMORY, VGPU_NL_EVENT_DEFRAG_END
	},
	[VGPU_EVENT_ACCESS] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_ACCESS },
	[VGPU_EVENT_QUOTA_WARNING] = {
		VGPU_NLGRP_QUOTA, VGPU_NL_EVENT_QUOTA_WARNING
	},
	[VGPU_EVENT_QUOTA_CRITICAL] = {
		VGPU_NLGRP_QUOTA, VGPU_NL_EVENT_QUOTA_CRITICAL
	},
	[VGPU_EVENT_QUOTA_RECOVERED] = {
		VGPU_NLGRP_QUOTA, VGPU_NL_EVENT_QUOTA_RECOVERED
	},
	[VGPU_EVENT_DEGRADE] = { VGPU_NLGRP_HEALTH, VGPU_NL_EVENT_DEGRADE },
	[VGPU_EVENT_LIMIT] = { VGPU_NLGRP_PERFORMANCE, VGPU_NL_EVENT_LIMIT },
	[VGPU_EVENT_LIMIT_OVER] = {
		VGPU_NLGRP_PERFORMANCE, VGPU_NL_EVENT_LIMIT_OVER
	},
	[VGPU_EVENT_ANOMALY] = {
		VGPU_NLGRP_PERFORMANCE, VGPU_NL_EVENT_ANOMALY
	},
	[VGPU_EVENT_ANOMALY_OVER] = {
		VGPU_NLGRP_PERFORMANCE, VGPU_NL_EVENT_ANOMALY_OVER
	},
	[VGPU_EVENT_TUNE] = { VGPU_NLGRP_PERFORMANCE, VGPU_NL_EVENT_TUNED },
};

static const u8 vgpu_nl_commands[VGPU_NLGRP_COUNT] = {
	[VGPU_NLGRP_LIFECYCLE] = VGPU_NL_CMD_LIFECYCLE_NTF,
	[VGPU_NLGRP_QUOTA] = VGPU_NL_CMD_QUOTA_NTF,
	[VGPU_NLGRP_HEALTH] = VGPU_NL_CMD_HEALTH_NTF,
	[VGPU_NLGRP_GOVERNOR] = VGPU_NL_CMD_GOVERNOR_NTF,
	[VGPU_NLGRP_MEMORY] = VGPU_NL_CMD_MEMORY_NTF,
	[VGPU_NLGRP_PERFORMANCE] = VGPU_NL_CMD_PERFORMANCE_NTF,
};

static atomic64_t vgpu_nl_seq[VGPU_NLGRP_COUNT];

static int put_governor(struct sk_buff *skb, const struct vgpu_gov_change *c)
{
	if (nla_put_u32(skb, VGPU_A_EVENT_FROM, c->from) ||
	    nla_put_u32(skb, VGPU_A_EVENT_TO, c->to) ||
	    nla_put_u32(skb, VGPU_A_EVENT_REASON, c->reason) ||
	    nla_put_u32(skb, VGPU_A_EVENT_BUSY_PERMILLE, c->view.last.busy) ||
	    nla_put_u32(skb, VGPU_A_EVENT_DEMAND_PERMILLE, c->view.demand) ||
	    nla_put_u32(skb, VGPU_A_EVENT_MEMORY_PERMILLE,
			c->view.last.memory) ||
	    nla_put_u32(skb, VGPU_A_EVENT_OVERHEAD_PERMILLE,
			c->view.overhead) ||
	    nla_put_u32(skb, VGPU_A_EVENT_SWITCHES, c->view.switches))
		return -EMSGSIZE;
	return 0;
}

static int put_quota(struct sk_buff *skb, const struct vgpu_quota_change *c)
{
	if (nla_put_u32(skb, VGPU_A_EVENT_RESOURCE, c->resource) ||
	    nla_put_u64_64bit(skb, VGPU_A_EVENT_USED, c->used,
			      VGPU_A_EVENT_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_EVENT_LIMIT, c->limit,
			      VGPU_A_EVENT_PAD))
		return -EMSGSIZE;
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VGPU_A_EVENT_PAD);
}

static int put_alarm(struct sk_buff *skb, const struct vgpu_event *ev)
{
	const struct vgpu_mon_alarm *a = &ev->alarm;
	bool limit = ev->type == VGPU_EVENT_LIMIT ||
		     ev->type == VGPU_EVENT_LIMIT_OVER;

	if (nla_put_u32(skb, VGPU_A_EVENT_FIGURE, a->figure) ||
	    put_u64(skb, VGPU_A_EVENT_VALUE, a->value))
		return -EMSGSIZE;
	if (limit)
		return put_u64(skb, VGPU_A_EVENT_LIMIT, a->limit);
	if (put_u64(skb, VGPU_A_EVENT_MEAN, a->mean) ||
	    put_u64(skb, VGPU_A_EVENT_DEVIATION, a->deviation))
		return -EMSGSIZE;
	return 0;
}

static int put_tune(struct sk_buff *skb, const struct vgpu_tune_change *c)
{
	if (nla_put_u32(skb, VGPU_A_EVENT_KNOB, c->knob) ||
	    nla_put_u32(skb, VGPU_A_EVENT_TUNE, c->mode) ||
	    nla_put_u32(skb, VGPU_A_EVENT_FIGURE, c->figure) ||
	    put_u64(skb, VGPU_A_EVENT_VALUE, c->value) ||
	    put_u64(skb, VGPU_A_EVENT_BEFORE, c->before) ||
	    put_u64(skb, VGPU_A_EVENT_AFTER, c->after))
		return -EMSGSIZE;
	return 0;
}

/* What only this kind of event has. */
static int put_value(struct sk_buff *skb, const struct vgpu_event *ev)
{
	switch (ev->type) {
	case VGPU_EVENT_STATE:
		return nla_put_u32(skb, VGPU_A_EVENT_STATE, ev->value);
	case VGPU_EVENT_QUOTA:
		if ((ev->quota.resource == VGPU_RES_MEMORY &&
		     nla_put_u64_64bit(skb, VGPU_A_EVENT_BYTES, ev->quota.asked,
				       VGPU_A_EVENT_PAD)) ||
		    nla_put_u32(skb, VGPU_A_EVENT_ACTION, ev->quota.action))
			return -EMSGSIZE;
		fallthrough;
	case VGPU_EVENT_QUOTA_WARNING:
	case VGPU_EVENT_QUOTA_CRITICAL:
	case VGPU_EVENT_QUOTA_RECOVERED:
		return put_quota(skb, &ev->quota);
	case VGPU_EVENT_DEGRADE:
		if (nla_put_u32(skb, VGPU_A_EVENT_DEGRADE, ev->degrade.to) ||
		    nla_put_u32(skb, VGPU_A_EVENT_DEGRADE_FROM,
				ev->degrade.from) ||
		    nla_put_u32(skb, VGPU_A_EVENT_DEGRADE_REASON,
				ev->degrade.reason))
			return -EMSGSIZE;
		return 0;
	case VGPU_EVENT_FAULT:
	case VGPU_EVENT_ECC:
		return nla_put_u64_64bit(skb, VGPU_A_EVENT_ADDRESS, ev->value,
					 VGPU_A_EVENT_PAD);
	case VGPU_EVENT_RESET:
		return nla_put_u32(skb, VGPU_A_EVENT_ENGINE, ev->value);
	case VGPU_EVENT_ACCESS:
		return nla_put_u32(skb, VGPU_A_EVENT_CUT, ev->value);
	case VGPU_EVENT_BROKEN:
		return nla_put_s32(skb, VGPU_A_EVENT_ERROR, ev->value);
	case VGPU_EVENT_LIMIT:
	case VGPU_EVENT_LIMIT_OVER:
	case VGPU_EVENT_ANOMALY:
	case VGPU_EVENT_ANOMALY_OVER:
		return put_alarm(skb, ev);
	case VGPU_EVENT_TUNE:
		return put_tune(skb, &ev->tune);
	case VGPU_EVENT_GOVERNOR:
		return put_governor(skb, &ev->governor);
	case VGPU_EVENT_DEFRAG_END:
		if (nla_put_u64_64bit(skb, VGPU_A_EVENT_BYTES, ev->value,
				      VGPU_A_EVENT_PAD))
			return -EMSGSIZE;
		fallthrough;
	case VGPU_EVENT_DEFRAG_BEGIN:
		return nla_put_u32(skb, VGPU_A_EVENT_FRAG_PERMILLE,
				   ev->permille);
	default:
		return 0;
	}
}

static int fill_event(struct sk_buff *skb, const struct vgpu_event *ev, u64 seq)
{
	void *hdr;

	hdr = genlmsg_put(skb, 0, 0, &vgpu_nl_family, 0,
			  vgpu_nl_commands[vgpu_nl_events[ev->type].group]);
	if (!hdr)
		return -EMSGSIZE;

	if (nla_put_u64_64bit(skb, VGPU_A_EVENT_SEQ, seq, VGPU_A_EVENT_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_EVENT_TIME_NS, ev->time_ns,
			      VGPU_A_EVENT_PAD) ||
	    nla_put_u32(skb, VGPU_A_EVENT_EVENT,
			vgpu_nl_events[ev->type].event) ||
	    nla_put_u32(skb, VGPU_A_EVENT_GPU, ev->gpu))
		return -EMSGSIZE;

	if (ev->instance != U32_MAX &&
	    (nla_put_u32(skb, VGPU_A_EVENT_VGPU, ev->instance) ||
	     nla_put(skb, VGPU_A_EVENT_UUID, UUID_SIZE, &ev->uuid)))
		return -EMSGSIZE;

	if (put_value(skb, ev))
		return -EMSGSIZE;

	genlmsg_end(skb, hdr);
	return 0;
}

/* From the core, one after the other; process context. */
static void nl_event(const struct vgpu_event *ev)
{
	unsigned int group;
	struct sk_buff *skb;
	u64 seq;

	if (WARN_ON_ONCE((unsigned int)ev->type >= ARRAY_SIZE(vgpu_nl_events)))
		return;

	group = vgpu_nl_events[ev->type].group;
	seq = atomic64_inc_return(&vgpu_nl_seq[group]);

	if (!genl_has_listeners(&vgpu_nl_family, &init_net, group))
		return;

	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	if (WARN_ON_ONCE(fill_event(skb, ev, seq))) {
		nlmsg_free(skb);
		return;
	}
	/* consumes @skb; an error says that a listener was too slow */
	genlmsg_multicast(&vgpu_nl_family, skb, 0, group, GFP_KERNEL);
}

static struct vgpu_face vgpu_nl_face = {
	.name	= "netlink",
	.owner	= THIS_MODULE,
	.event	= nl_event,
};

int __init vgpu_nl_events_init(void)
{
	return vgpu_face_register(&vgpu_nl_face);
}

void vgpu_nl_events_exit(void)
{
	vgpu_face_unregister(&vgpu_nl_face);
}
