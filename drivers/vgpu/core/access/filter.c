// SPDX-License-Identifier: GPL-2.0
/*
 * The filter: which rights a vGPU has, and so what its tenants may ask for.
 *
 * It is asked where every face's calls come together (client.c, user.c, share.c),
 * where commands are checked (command.c), and where a CPU looks a BO up
 * (object.c).  What was accepted before a right was taken away still runs; what
 * would go on for ever does not: mappings are zapped, dma-bufs revoked, and a ring
 * stops at the next command that it wants to have.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <vgpu/ioctl.h>

#include "../core_priv.h"

int vgpu_filter_look_up(struct vgpu_filter *filter, u32 call)
{
	const struct vgpu_ioctl_desc *desc = vgpu_ioctl_find(call);

	return desc ? vgpu_filter(filter, desc->right) : 0;
}

/* A fault that comes later finds that it may not. */
static void zap_all(struct vgpu_instance *inst)
{
	struct address_space *mapping = vgpu_instance_mapping(inst);

	filemap_invalidate_lock(mapping);
	unmap_mapping_range(mapping, 0, 0, 1);
	filemap_invalidate_unlock(mapping);
}

void vgpu_filter_set(struct vgpu_instance *inst, u32 allow)
{
	u32 lost = inst->filter.allow & ~allow;

	lockdep_assert_held(&inst->lock);
	WRITE_ONCE(inst->filter.allow, allow);
	if (lost & VGPU_RIGHT_MAP)
		zap_all(inst);
	if (lost & VGPU_RIGHT_SHARE)
		vgpu_shares_revoke(inst);
}
