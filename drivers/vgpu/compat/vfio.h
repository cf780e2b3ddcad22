/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_COMPAT_VFIO_H
#define _VGPU_COMPAT_VFIO_H

#include <linux/vfio.h>
#include <vgpu_compat_config.h>

/* Entries of a vfio_device_ops for a device whose DMA is all software. */
#if defined(HAVE_VFIO_IOMMUFD_DETACH)
#define VGPU_VFIO_IOMMUFD_OPS						\
	.bind_iommufd = vfio_iommufd_emulated_bind,			\
	.unbind_iommufd = vfio_iommufd_emulated_unbind,			\
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,		\
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#elif defined(HAVE_VFIO_IOMMUFD_EMULATED)
#define VGPU_VFIO_IOMMUFD_OPS						\
	.bind_iommufd = vfio_iommufd_emulated_bind,			\
	.unbind_iommufd = vfio_iommufd_emulated_unbind,			\
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
#else
#define VGPU_VFIO_IOMMUFD_OPS
#endif

/* Last act of a vfio_device_ops.release: older cores leave this to us. */
static inline void vgpu_vfio_compat_free(struct vfio_device *vdev)
{
#ifdef HAVE_VFIO_FREE_DEVICE
	vfio_free_device(vdev);
#endif
}

#endif /* _VGPU_COMPAT_VFIO_H */
