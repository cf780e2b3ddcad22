// SPDX-License-Identifier: GPL-2.0
/* struct bus_type::match takes a const driver since 6.11. */
#include <linux/device.h>

static int match(struct device *dev, const struct device_driver *drv)
{
	return 0;
}

const struct bus_type probe_bus = {
	.name = "probe",
	.match = match,
};
