// SPDX-License-Identifier: GPL-2.0
/* struct mdev_driver::get_available and mdev_parent::types came in 6.1. */
#include <linux/mdev.h>

static unsigned int available(struct mdev_type *type)
{
	return 0;
}

struct mdev_driver probe_driver = {
	.get_available = available,
};
