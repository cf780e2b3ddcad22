// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu_vfio: lets VMs in.  Every GPU becomes an mdev parent whose types are
 * the shapes of its vGPUs; an mdev is a vGPU with a PCI face on it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "vfio_priv.h"

static int __init vgpu_vfio_init(void)
{
	return vgpu_vfio_mdev_init();
}
module_init(vgpu_vfio_init);

static void __exit vgpu_vfio_exit(void)
{
	vgpu_vfio_mdev_exit();
}
module_exit(vgpu_vfio_exit);

MODULE_DESCRIPTION("vgpu: virtual GPUs for VMs through VFIO");
MODULE_AUTHOR("The vgpu authors");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VGPU);
