// SPDX-License-Identifier: GPL-2.0
/*
 * Errors on demand: /sys/kernel/debug/vgpu_soft/<name>/ecc takes the VRAM address
 * of a page that is to go bad. What is in it stays readable.
 */
#include <linux/debugfs.h>

#include "soft_priv.h"

static struct dentry *root;

static int ecc_set(void *data, u64 addr)
{
	struct soft_gpu *gpu = data;
	struct vgpu_hw_event ev = {
		.type = VGPU_HW_ECC,
		.page = addr,
	};

	if (addr >= gpu->m.vram_bytes)
		return -EINVAL;
	soft_gpu_event(gpu, &ev);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(ecc_fops, NULL, ecc_set, "0x%llx\n");

/* @gpu was registered. Without debugfs there is nothing to inject by. */
void soft_inject_add(struct soft_gpu *gpu)
{
	gpu->debugfs = debugfs_create_dir(gpu->name, root);
	debugfs_create_file("ecc", 0200, gpu->debugfs, gpu, &ecc_fops);
}

/* On return nobody is in a handler any more. */
void soft_inject_remove(struct soft_gpu *gpu)
{
	debugfs_remove_recursive(gpu->debugfs);
	gpu->debugfs = NULL;
}

void soft_inject_init(void)
{
	root = debugfs_create_dir("vgpu_soft", NULL);
}

void soft_inject_exit(void)
{
	debugfs_remove_recursive(root);
}
