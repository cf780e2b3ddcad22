// SPDX-License-Identifier: GPL-2.0
/* Before 6.2 a driver's release frees the device, with this.
 * needs-symbol: vfio_free_device
 */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev);
void probe(struct vfio_device *vdev)
{
	vfio_free_device(vdev);
}
