// SPDX-License-Identifier: GPL-2.0
/*
 * A second name for the memory of a BO, for who it is shared with: a BO with no
 * memory of its own, and with a reverse map of its own. So it is taken from one
 * who has it, out of all of his address spaces, without a look at the others', and
 * whoever holds on to the name does not hold the memory.
 *
 * Nothing walks the mappings of a BO that is neither pageable nor moved but
 * revocation; hence only such BOs have aliases, and need not know of them.
 */
#include <linux/slab.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

/**
 * vgpu_bo_create_alias() - another name for a BO's memory
 * @parent: whose; neither movable nor an alias itself
 * @release: called once, when no engine reaches the memory by this name any more: by
 *	vgpu_bo_revoke() or the last put, see vgpu_bo_create_host(). @parent stays
 *	until then
 * @arg: for @release
 *
 * vgpu_bo_page() finds its pages, but who maps them for the CPU has to look by
 * himself that they are gone after revocation: @parent may be, too.
 *
 * Context: process.
 * Return: a BO with one reference, charged to nobody; -EINVAL, -ENOMEM.
 */
struct vgpu_bo *vgpu_bo_create_alias(struct vgpu_bo *parent,
				     void (*release)(void *arg), void *arg)
{
	struct vgpu_bo *bo;

	if (vgpu_bo_is_movable(parent) || parent->parent)
		return ERR_PTR(-EINVAL);
	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	vgpu_bo_common_init(bo, parent->vram, parent->bytes);
	bo->parent = parent;
	bo->host = parent->host;
	bo->foreign = true;
	bo->release = release;
	bo->release_arg = arg;
	return bo;
}

VGPU_EXPORT_IF_KUNIT(vgpu_bo_create_alias);
