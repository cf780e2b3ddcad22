// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu.ko: the mediator.  It drives no GPU by itself: backends register
 * theirs (vgpu_soft.ko makes one out of nothing), and faces let users in.
 */
#include <linux/module.h>
#include <vgpu/cdev.h>
#include <vgpu/nl.h>

#include "core_priv.h"

static int __init vgpu_init(void)
{
	int ret;

	ret = vgpu_cdev_init();
	if (ret)
		return ret;
	ret = vgpu_nl_init();
	if (ret)
		vgpu_cdev_exit();
	return ret;
}

static void __exit vgpu_exit(void)
{
	vgpu_event_flush();
	vgpu_nl_exit();
	vgpu_cdev_exit();
	vgpu_access_exit();
	rcu_barrier();
}

module_init(vgpu_init);
module_exit(vgpu_exit);
MODULE_AUTHOR("The vgpu authors");
MODULE_DESCRIPTION("Mediator that turns one GPU into many");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
