/* SPDX-License-Identifier: GPL-2.0 */
/* How to tell tmpfs: modules see a function since 6.6, before a table. */
#ifndef _VGPU_COMPAT_SHMEM_H
#define _VGPU_COMPAT_SHMEM_H

#include <linux/fs.h>
#include <linux/shmem_fs.h>
#include <vgpu_compat_config.h>

static inline bool vgpu_compat_shmem_mapping(struct address_space *mapping)
{
#ifdef HAVE_SHMEM_MAPPING
	return shmem_mapping(mapping);
#else
	return mapping->a_ops == &shmem_aops;
#endif
}

#endif /* _VGPU_COMPAT_SHMEM_H */
