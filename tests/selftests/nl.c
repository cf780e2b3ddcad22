// SPDX-License-Identifier: GPL-2.0
/* See nl.h. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "nl.h"
#include "st.h"

static int sock = -1, owner;
static uint16_t family;

static void begin(struct nl *nl, uint16_t type, uint8_t command)
{
	struct nlmsghdr *msg = (void *)nl->buf;
	struct genlmsghdr *gen = NLMSG_DATA(msg);

	memset(nl, 0, sizeof(*nl));
	nl->len = NLMSG_SPACE(sizeof(*gen));
	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	gen->cmd = command;
	gen->version = 1;
}

void nl_put(struct nl *nl, uint16_t attr, const void *value, size_t bytes)
{
	struct nlattr *at = (void *)(nl->buf + nl->len);

	NEED(nl->len + NLA_HDRLEN + bytes + 4 < sizeof(nl->buf), "too long");
	at->nla_type = attr;
	at->nla_len = (uint16_t)(NLA_HDRLEN + bytes);
	memcpy(at + 1, value, bytes);
	nl->len += NLA_ALIGN(at->nla_len);
}

void nl_u32(struct nl *nl, uint16_t attr, uint32_t value)
{
	nl_put(nl, attr, &value, sizeof(value));
}

void nl_u64(struct nl *nl, uint16_t attr, uint64_t value)
{
	nl_put(nl, attr, &value, sizeof(value));
}

/* One answer with attributes at most, then the acknowledgment. */
int nl_do(struct nl *nl)
{
	struct nlmsghdr *msg = (void *)nl->buf;
	char in[sizeof(nl->buf)];
	ssize_t n;

	msg->nlmsg_len = (uint32_t)nl->len;
	NEED(send(sock, msg, nl->len, 0) == (ssize_t)nl->len, "send: %s",
	     strerror(errno));
	nl->answer = 0;
	for (;;) {
		n = recv(sock, in, sizeof(in), 0);
		NEED(n > 0, "recv: %s", strerror(errno));
		for (msg = (void *)in; NLMSG_OK(msg, n); msg = NLMSG_NEXT(msg, n)) {
			if (msg->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(msg))->error;
			nl->answer = msg->nlmsg_len - NLMSG_SPACE(GENL_HDRLEN);
			NEED(nl->answer <= sizeof(nl->buf), "a long answer");
			memcpy(nl->buf, (char *)NLMSG_DATA(msg) + GENL_HDRLEN,
			       nl->answer);
		}
	}
}

static const struct nlattr *find(const struct nl *nl, uint16_t attr,
				 unsigned int n)
{
	size_t at = 0;

	while (at + NLA_HDRLEN <= nl->answer) {
		const struct nlattr *a = (const void *)(nl->buf + at);

		if ((a->nla_type & NLA_TYPE_MASK) == attr && !n--)
			return a;
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

uint64_t nl_number(const struct nl *nl, uint16_t attr)
{
	const struct nlattr *a = find(nl, attr, 0);
	uint64_t value = 0;

	NEED(a, "no attribute %u in the answer", attr);
	memcpy(&value, a + 1, a->nla_len - NLA_HDRLEN > 8 ? 8 :
	       a->nla_len - NLA_HDRLEN);
	return value;
}

bool nl_has(const struct nl *nl, uint16_t attr)
{
	return find(nl, attr, 0);
}

bool nl_nest(const struct nl *nl, uint16_t attr, unsigned int n, struct nl *in)
{
	const struct nlattr *a = find(nl, attr, n);

	if (!a)
		return false;
	in->answer = a->nla_len - NLA_HDRLEN;
	memcpy(in->buf, a + 1, in->answer);
	return true;
}

void nl_begin(struct nl *nl, uint8_t command)
{
	/* a child has a socket of its own */
	if (sock < 0 || owner != getpid()) {
		sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
		NEED(sock >= 0, "socket: %s", strerror(errno));
		owner = getpid();
		begin(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
		nl_put(nl, CTRL_ATTR_FAMILY_NAME, VGPU_FAMILY_NAME,
		       sizeof(VGPU_FAMILY_NAME));
		NEED_OK(nl_do(nl));
		family = (uint16_t)nl_number(nl, CTRL_ATTR_FAMILY_ID);
	}
	begin(nl, family, command);
}

/* The number of a group is in the family's description. */
static uint32_t group_id(const char *group)
{
	struct nl nl, groups, one;
	unsigned int i;

	begin(&nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	nl_put(&nl, CTRL_ATTR_FAMILY_NAME, VGPU_FAMILY_NAME,
	       sizeof(VGPU_FAMILY_NAME));
	NEED_OK(nl_do(&nl));
	NEED(nl_nest(&nl, CTRL_ATTR_MCAST_GROUPS, 0, &groups), "no groups");
	for (i = 1; i < 32; i++) {
		const struct nlattr *name;

		if (!nl_nest(&groups, (uint16_t)i, 0, &one))
			break;
		name = find(&one, CTRL_ATTR_MCAST_GRP_NAME, 0);
		if (name && !strcmp((const char *)(name + 1), group))
			return (uint32_t)nl_number(&one, CTRL_ATTR_MCAST_GRP_ID);
	}
	NEED(false, "no group %s", group);
	return 0;
}

int nl_ear(const char *group)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int bytes = 1 << 20, ear;
	struct nl nl;
	uint32_t id;

	nl_begin(&nl, 0);	/* sees to the socket */
	id = group_id(group);
	ear = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	NEED(ear >= 0 && !bind(ear, (void *)&addr, sizeof(addr)),
	     "an ear: %s", strerror(errno));
	setsockopt(ear, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	NEED(!setsockopt(ear, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &id,
			 sizeof(id)), "join %s: %s", group, strerror(errno));
	return ear;
}

bool nl_hear(int ear, struct nl *nl, int ms)
{
	struct pollfd p = { .fd = ear, .events = POLLIN };
	char in[sizeof(nl->buf)];
	struct nlmsghdr *msg = (void *)in;
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return false;
	n = recv(ear, in, sizeof(in), 0);
	NEED(n > 0 && NLMSG_OK(msg, n), "recv: %s", strerror(errno));
	nl->answer = msg->nlmsg_len - NLMSG_SPACE(GENL_HDRLEN);
	memcpy(nl->buf, (char *)NLMSG_DATA(msg) + GENL_HDRLEN, nl->answer);
	return true;
}
