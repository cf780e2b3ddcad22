// SPDX-License-Identifier: GPL-2.0
/* A platform driver's remove() returns nothing since 6.11. */
#include <linux/platform_device.h>

static void probe_remove(struct platform_device *pdev)
{
}

struct platform_driver probe_driver = {
	.remove = probe_remove,
};
