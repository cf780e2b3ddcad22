// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family "vgpu".  Answers become JSON by the tables of attrs.c;
 * refusals keep the kernel's sentence and the attribute it blames.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <json-c/json.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "data.h"
#include "decode.h"

const char *const nl_group_names[NL_GROUPS] = {
	VGPU_MCGRP_LIFECYCLE, VGPU_MCGRP_QUOTA, VGPU_MCGRP_HEALTH,
	VGPU_MCGRP_GOVERNOR, VGPU_MCGRP_MEMORY, VGPU_MCGRP_PERFORMANCE,
};

static struct nl_sock *sock;
static struct nl_sock *listener;
static int family;

static struct nl_sock *socket_new(void)
{
	struct nl_sock *sk = nl_socket_alloc();
	int one = 1;

	if (!sk)
		return NULL;
	if (genl_connect(sk)) {
		nl_socket_free(sk);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &one,
		   sizeof(one));
	return sk;
}

bool nl_available(void)
{
	if (family > 0)
		return true;
	if (!sock)
		sock = socket_new();
	if (!sock)
		return false;
	family = genl_ctrl_resolve(sock, VGPU_FAMILY_NAME);
	return family > 0;
}

int nl_open(void)
{
	if (nl_available())
		return CTL_OK;
	if (!sock)
		return fail(CTL_DEVICE, errno, NULL,
			    "cannot open a netlink socket: %s", strerror(errno));
	if (!access("/sys/module/vgpu", F_OK))
		return fail(CTL_DEVICE, ENODEV,
			    "run it in the host's network namespace: `nsenter -t 1 -n vgpuctl ...`",
			    "module vgpu is loaded, but not reachable from this network namespace");
	if (!access("/sys/module/vgpu_guest", F_OK))
		return fail(CTL_DEVICE, ENODEV,
			    "here work: vgpuctl run, vgpuctl vgpu list, vgpuctl vgpu show",
			    "this is a VM (module vgpu_guest): vGPUs are managed on its host");
	return fail(CTL_DEVICE, ENODEV,
		    "run `modprobe vgpu_soft` (as root), or load the driver of your GPU",
		    "module vgpu is not loaded");
}

struct nl_msg *nl_request(int command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
				 NLM_F_REQUEST | flags, (uint8_t)command,
				 VGPU_FAMILY_VERSION)) {
		fputs("vgpuctl: error: out of memory\n", stderr);
		exit(CTL_FAILED);
	}
	return msg;
}

void nl_put_vgpu(struct nl_msg *msg, const struct vgpu_name *name)
{
	if (name->by_uuid)
		nla_put(msg, VGPU_A_VGPU_UUID, sizeof(name->uuid), name->uuid);
	else
		nla_put_u32(msg, VGPU_A_VGPU_ID, name->id);
}

/* One exchange, as the callbacks see it. */
struct talk {
	const struct nlmsghdr *request;
	const struct attr_set *set;
	struct json_object *answers;
	struct nl_result *result;
	bool done;
};

static const char *attr_name(const struct talk *talk, uint32_t type)
{
	const struct attr *a;

	for (a = talk->set ? talk->set->attrs : NULL; a && a->name; a++)
		if (a->id == type)
			return a->name;
	return NULL;
}

/* The name of our own attribute at @offset of the request. */
static const char *attr_at(const struct talk *talk, uint32_t offset)
{
	const struct nlattr *a;

	if (offset < NLMSG_HDRLEN + GENL_HDRLEN ||
	    offset + sizeof(*a) > talk->request->nlmsg_len)
		return NULL;
	a = (const void *)((const char *)talk->request + offset);
	return attr_name(talk, a->nla_type & NLA_TYPE_MASK);
}

static void read_ack(struct talk *talk, struct nlattr *tlv, int len)
{
	struct nl_result *r = talk->result;
	struct nlattr *a;
	int rem;

	nla_for_each_attr(a, tlv, len, rem) {
		switch (nla_type(a)) {
		case NLMSGERR_ATTR_MSG:
			snprintf(r->text, sizeof(r->text), "%.*s", nla_len(a),
				 (char *)nla_data(a));
			break;
		case NLMSGERR_ATTR_OFFS:
			r->attr = attr_at(talk, nla_get_u32(a));
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			r->attr = attr_name(talk, nla_get_u32(a));
			break;
		}
	}
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *nlh = (void *)((char *)e - NLMSG_HDRLEN);
	size_t at = NLMSG_HDRLEN + sizeof(*e);
	struct talk *talk = arg;

	(void)from;
	talk->result->err = -e->error;
	talk->done = true;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && at < nlh->nlmsg_len)
		read_ack(talk, (void *)((char *)nlh + at),
			 (int)(nlh->nlmsg_len - at));
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct talk *talk = arg;

	(void)msg;
	talk->done = true;
	return NL_STOP;
}

/* A dump's end carries the error that ended it. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct talk *talk = arg;
	int err, at = NLMSG_ALIGN((int)sizeof(err));

	talk->done = true;
	if (nlmsg_datalen(nlh) < (int)sizeof(err))
		return NL_STOP;
	memcpy(&err, nlmsg_data(nlh), sizeof(err));
	if (err < 0) {
		talk->result->err = -err;
		if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
			read_ack(talk, (void *)((char *)nlmsg_data(nlh) + at),
				 nlmsg_datalen(nlh) - at);
	}
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *gnlh = nlmsg_data(nlmsg_hdr(msg));
	struct talk *talk = arg;

	if (talk->answers)
		json_object_array_add(talk->answers,
				      decode(talk->set,
					     genlmsg_attrdata(gnlh, 0),
					     genlmsg_attrlen(gnlh, 0)));
	return NL_OK;
}

int nl_talk(struct nl_msg *msg, const struct attr_set *set,
	    struct json_object *answers, struct nl_result *result)
{
	struct talk talk = {
		.set = set, .answers = answers, .result = result,
	};
	struct nl_cb *cb;
	int err;

	memset(result, 0, sizeof(*result));
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb) {
		nlmsg_free(msg);
		result->err = ENOMEM;
		return -1;
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &talk);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &talk);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &talk);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &talk);

	err = nl_send_auto(sock, msg);
	talk.request = nlmsg_hdr(msg);
	while (err >= 0 && !talk.done)
		err = nl_recvmsgs(sock, cb);
	/*
	 * The list changed while it was read.  What came is true of the
	 * moment it was read in; that is as good as any other moment.
	 */
	if (err == -NLE_DUMP_INTR)
		err = 0;
	if (err < 0 && !result->err) {
		result->err = EIO;
		snprintf(result->text, sizeof(result->text), "%s",
			 nl_geterror(err));
	}
	nl_cb_put(cb);
	nlmsg_free(msg);
	return result->err ? -1 : 0;
}

int nl_explain(const struct nl_result *r, const char *doing)
{
	const char *hint = NULL;

	if (r->err == EPERM)
		hint = "this needs root on the host: try with sudo";
	if (!r->text[0])
		return fail(code_of(r->err), r->err, hint, "%s: %s", doing,
			    strerror(r->err));
	/* of a value that the policy refuses the kernel does not say whose */
	if (r->attr && (r->err == EINVAL || r->err == ERANGE))
		return fail(code_of(r->err), r->err, hint, "%s: %s (%s)",
			    doing, r->text, r->attr);
	return fail(code_of(r->err), r->err, hint, "%s: %s", doing, r->text);
}

/* ---- events ------------------------------------------------------------- */

struct listening {
	nl_event_fn fn;
	void *arg;
	int stop;
};

static int on_event(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *gnlh = nlmsg_data(nlmsg_hdr(msg));
	struct listening *l = arg;
	struct json_object *ev;
	const char *group;

	switch (gnlh->cmd) {
	case VGPU_NL_CMD_LIFECYCLE_NTF:
		group = VGPU_MCGRP_LIFECYCLE;
		break;
	case VGPU_NL_CMD_QUOTA_NTF:
		group = VGPU_MCGRP_QUOTA;
		break;
	case VGPU_NL_CMD_HEALTH_NTF:
		group = VGPU_MCGRP_HEALTH;
		break;
	case VGPU_NL_CMD_GOVERNOR_NTF:
		group = VGPU_MCGRP_GOVERNOR;
		break;
	case VGPU_NL_CMD_MEMORY_NTF:
		group = VGPU_MCGRP_MEMORY;
		break;
	case VGPU_NL_CMD_PERFORMANCE_NTF:
		group = VGPU_MCGRP_PERFORMANCE;
		break;
	default:
		return NL_SKIP;
	}
	if (l->stop)
		return NL_SKIP;
	ev = decode(&attr_set_event, genlmsg_attrdata(gnlh, 0),
		    genlmsg_attrlen(gnlh, 0));
	json_object_object_add(ev, "group", json_object_new_string(group));
	l->stop = l->fn(ev, l->arg);
	json_object_put(ev);
	return NL_OK;
}

int nl_listen(unsigned int groups)
{
	int id[NL_GROUPS];
	unsigned int i;

	listener = socket_new();
	if (!listener)
		return fail(CTL_DEVICE, errno, NULL,
			    "cannot open a netlink socket: %s", strerror(errno));
	nl_socket_disable_seq_check(listener);
	nl_socket_set_buffer_size(listener, 1 << 20, 0);
	for (i = 0; i < NL_GROUPS; i++) {
		if (!(groups & 1u << i))
			continue;
		id[i] = genl_ctrl_resolve_grp(listener, VGPU_FAMILY_NAME,
					      nl_group_names[i]);
		if (id[i] < 0)
			return fail(CTL_DEVICE, ENODEV, NULL,
				    "no group %s: %s", nl_group_names[i],
				    nl_geterror(id[i]));
	}
	/* not before all are known: an event is no answer to that */
	for (i = 0; i < NL_GROUPS; i++) {
		if (!(groups & 1u << i))
			continue;
		if (setsockopt(nl_socket_get_fd(listener), SOL_NETLINK,
			       NETLINK_ADD_MEMBERSHIP, &id[i], sizeof(id[i])))
			return fail(code_of(errno), errno,
				    errno == EPERM ? "this needs root on the host: try with sudo, or --group lifecycle" : NULL,
				    "cannot listen to %s: %s",
				    nl_group_names[i], strerror(errno));
	}
	return CTL_OK;
}

int nl_listen_fd(void)
{
	return nl_socket_get_fd(listener);
}

int nl_listen_read(nl_event_fn fn, void *arg)
{
	struct listening l = { .fn = fn, .arg = arg };
	int err;

	nl_socket_modify_cb(listener, NL_CB_VALID, NL_CB_CUSTOM, on_event, &l);
	err = nl_recvmsgs_default(listener);
	if (err == -NLE_NOMEM) {
		errno = ENOBUFS;	/* what libnl makes of it */
		return -1;
	}
	if (err < 0) {
		errno = EIO;
		return -1;
	}
	return l.stop;
}
