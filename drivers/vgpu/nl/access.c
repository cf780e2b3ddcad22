// SPDX-License-Identifier: GPL-2.0
/*
 * access-get, access-add and access-delete.
 */
#include <net/genetlink.h>
#include <vgpu/access.h>

#include "nl_priv.h"

static_assert((int)VGPU_NL_WHO_ANY == VGPU_ACCESS_ANY);
static_assert((int)VGPU_NL_WHO_UID == VGPU_ACCESS_UID);
static_assert((int)VGPU_NL_WHO_GID == VGPU_ACCESS_GID);
static_assert((int)VGPU_NL_WHO_CGROUP == VGPU_ACCESS_CGROUP);
static_assert(VGPU_NL_DAY_MON == 1);

static int fill_rule(struct sk_buff *skb, struct netlink_callback *cb, u32 at,
		     const struct vgpu_access_rule *rule, u64 hits)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &vgpu_nl_family,
				NLM_F_MULTI, VGPU_NL_CMD_ACCESS_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VGPU_A_ACCESS_POSITION, at) ||
	    nla_put_u32(skb, VGPU_A_ACCESS_VERDICT,
			rule->allow ? VGPU_NL_VERDICT_ALLOW :
				      VGPU_NL_VERDICT_DENY) ||
	    nla_put_u32(skb, VGPU_A_ACCESS_WHO, rule->who) ||
	    (rule->who != VGPU_ACCESS_ANY &&
	     nla_put_u64_64bit(skb, VGPU_A_ACCESS_ID, rule->id,
			       VGPU_A_ACCESS_PAD)) ||
	    (rule->gpus != U64_MAX &&
	     nla_put_u64_64bit(skb, VGPU_A_ACCESS_GPUS, rule->gpus,
			       VGPU_A_ACCESS_PAD)) ||
	    (!uuid_is_null(&rule->vgpu) &&
	     nla_put(skb, VGPU_A_ACCESS_VGPU, UUID_SIZE, &rule->vgpu)) ||
	    nla_put_u32(skb, VGPU_A_ACCESS_DAYS, rule->days) ||
	    nla_put_u32(skb, VGPU_A_ACCESS_FROM, rule->from) ||
	    nla_put_u32(skb, VGPU_A_ACCESS_TO, rule->to) ||
	    nla_put_u64_64bit(skb, VGPU_A_ACCESS_HITS, hits,
			      VGPU_A_ACCESS_PAD)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return 0;
}

/* Behind the last rule: what becomes of those whom none is about. */
static int fill_strangers(struct sk_buff *skb, struct netlink_callback *cb)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &vgpu_nl_family,
				NLM_F_MULTI, VGPU_NL_CMD_ACCESS_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VGPU_A_ACCESS_VERDICT, VGPU_NL_VERDICT_DENY) ||
	    nla_put_u32(skb, VGPU_A_ACCESS_WHO, VGPU_NL_WHO_ANY) ||
	    nla_put_u64_64bit(skb, VGPU_A_ACCESS_HITS, vgpu_access_strangers(),
			      VGPU_A_ACCESS_PAD)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, hdr);
	genlmsg_end(skb, hdr);
	return 0;
}

/* cb->args[0]: the next one to show; [1]: all was shown */
int vgpu_nl_access_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vgpu_access_rule rule;
	u64 hits;
	int err;

	err = vgpu_nl_admin_only(cb->skb, cb->extack);
	if (err)
		return err;
	cb->seq = vgpu_lists_generation();
	while (!vgpu_access_get(cb->args[0], &rule, &hits)) {
		if (fill_rule(skb, cb, cb->args[0], &rule, hits))
			return skb->len;
		cb->args[0]++;
	}
	if (cb->args[0] && !cb->args[1] && !fill_strangers(skb, cb))
		cb->args[1] = 1;
	return skb->len;
}

static int reply_cut(struct genl_info *info, u8 cmd, u32 cut)
{
	struct sk_buff *msg;
	void *hdr;

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &vgpu_nl_family, 0, cmd);
	if (!hdr || nla_put_u32(msg, VGPU_A_ACCESS_CUT, cut)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static void read_rule(struct nlattr **attrs, struct vgpu_access_rule *rule)
{
	rule->allow = nla_get_u32(attrs[VGPU_A_ACCESS_VERDICT]) ==
		      VGPU_NL_VERDICT_ALLOW;
	rule->who = nla_get_u32(attrs[VGPU_A_ACCESS_WHO]);
	rule->id = attrs[VGPU_A_ACCESS_ID] ?
		   nla_get_u64(attrs[VGPU_A_ACCESS_ID]) : 0;
	rule->gpus = attrs[VGPU_A_ACCESS_GPUS] ?
		     nla_get_u64(attrs[VGPU_A_ACCESS_GPUS]) : U64_MAX;
	rule->days = attrs[VGPU_A_ACCESS_DAYS] ?
		     nla_get_u32(attrs[VGPU_A_ACCESS_DAYS]) : VGPU_ACCESS_DAYS;
	if (attrs[VGPU_A_ACCESS_FROM])
		rule->from = nla_get_u32(attrs[VGPU_A_ACCESS_FROM]);
	if (attrs[VGPU_A_ACCESS_TO])
		rule->to = nla_get_u32(attrs[VGPU_A_ACCESS_TO]);
	if (attrs[VGPU_A_ACCESS_VGPU])
		import_uuid(&rule->vgpu, nla_data(attrs[VGPU_A_ACCESS_VGPU]));
}

int vgpu_nl_access_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct vgpu_access_rule rule = {};
	u32 at = VGPU_ACCESS_END, cut;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_ACCESS_VERDICT))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "say what the rule says: verdict");
	if (GENL_REQ_ATTR_CHECK(info, VGPU_A_ACCESS_WHO))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "say whom the rule is about: who");
	if (attrs[VGPU_A_ACCESS_POSITION])
		at = nla_get_u32(attrs[VGPU_A_ACCESS_POSITION]);
	read_rule(attrs, &rule);
	err = vgpu_access_add(at, &rule, attrs[VGPU_A_ACCESS_DRY_RUN], &cut);
	switch (err) {
	case 0:
		return reply_cut(info, VGPU_NL_CMD_ACCESS_ADD, cut);
	case -EINVAL:
		if (vgpu_rule_check(&rule) && !rule.gpus)
			return vgpu_nl_err(info->extack,
					   attrs[VGPU_A_ACCESS_GPUS], err,
					   "a rule about no GPU fits nobody");
		if (!rule.days)
			return vgpu_nl_err(info->extack,
					   attrs[VGPU_A_ACCESS_DAYS], err,
					   "a rule about no day fits nobody");
		return vgpu_nl_err(info->extack, attrs[VGPU_A_ACCESS_ID], err,
				   rule.who == VGPU_ACCESS_ANY ?
				   "everybody has no id" :
				   "id is no user, group or control group");
	case -ERANGE:
		return vgpu_nl_err(info->extack,
				   attrs[VGPU_A_ACCESS_POSITION], err,
				   "there are not so many rules");
	case -ENOSPC:
		return vgpu_nl_err(info->extack, NULL, err,
				   "there are %u rules already, as many as can be",
				   VGPU_ACCESS_RULES);
	default:
		return err;
	}
}

int vgpu_nl_access_delete_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *position = info->attrs[VGPU_A_ACCESS_POSITION];
	u32 at = VGPU_ACCESS_END, cut;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	if (!info->attrs[VGPU_A_ACCESS_ALL] &&
	    GENL_REQ_ATTR_CHECK(info, VGPU_A_ACCESS_POSITION))
		return vgpu_nl_err(info->extack, NULL, -EINVAL,
				   "say which rule: position, or all");
	if (position && info->attrs[VGPU_A_ACCESS_ALL])
		return vgpu_nl_err(info->extack, position, -EINVAL,
				   "say one of position and all");
	/* what means all inside is a place where no rule is, here */
	if (position)
		at = min_t(u32, nla_get_u32(position), VGPU_ACCESS_RULES);
	err = vgpu_access_delete(at, info->attrs[VGPU_A_ACCESS_DRY_RUN], &cut);
	if (err == -ENOENT)
		return vgpu_nl_err(info->extack, position, err,
				   "there is no rule %u", at);
	return err ?: reply_cut(info, VGPU_NL_CMD_ACCESS_DELETE, cut);
}
