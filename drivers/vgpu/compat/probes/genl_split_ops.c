// SPDX-License-Identifier: GPL-2.0
/* Generic netlink's split operations came in 6.2. */
#include <net/genetlink.h>

const struct genl_split_ops probe_ops[] = {
	{ .cmd = 1, .flags = GENL_CMD_CAP_DO, },
};
