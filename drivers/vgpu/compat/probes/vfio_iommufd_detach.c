// SPDX-License-Identifier: GPL-2.0
/* Detaching from an address space came with the VFIO device node in 6.6. */
#include <linux/vfio.h>

const struct vfio_device_ops probe_ops = {
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
};
