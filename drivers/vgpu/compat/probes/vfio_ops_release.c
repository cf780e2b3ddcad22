// SPDX-License-Identifier: GPL-2.0
/* struct vfio_device_ops::release, with init, came in 6.1. */
#include <linux/vfio.h>

static void release(struct vfio_device *vdev)
{
}

const struct vfio_device_ops probe_ops = {
	.release = release,
};
