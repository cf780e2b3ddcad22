// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of programs: in memory of the GPU that they map, with doorbells in a page
 * that no other file has. A program writes there what the host reads; only the
 * kick comes through here, and it is the one access that stops the VM.
 */
#include <linux/io.h>

#include "guest_priv.h"

int vgpu_guest_queue_create(struct vgpu_guest_file *gf,
			    const struct vgpu_ioctl_desc *desc,
			    struct vgpu_queue_create *arg)
{
	bool ring = arg->flags & VGPU_QUEUE_RING;
	struct vgpu_close close = { .size = sizeof(close) };
	int ret;

	/* with a page for all files, a program could break another's queue */
	if (ring && !gf->bells)
		return -EOPNOTSUPP;
	ret = vgpu_guest_call(gf, desc, arg, NULL, 0);
	if (ret || !ring)
		return ret;
	ret = xa_err(xa_store(&gf->rings, arg->handle,
			      xa_mk_value(arg->doorbell), GFP_KERNEL_ACCOUNT));
	if (ret) {
		close.handle = arg->handle;
		vgpu_guest_call(gf, vgpu_ioctl_find(VGPU_CALL_CLOSE), &close,
				NULL, 0);
		return ret;
	}
	/* a program has its own page only, and counts from its start */
	arg->doorbell %= VGPU_DOORBELLS;
	return 0;
}

int vgpu_guest_kick(struct vgpu_guest_file *gf, const struct vgpu_kick *arg)
{
	void *entry = xa_load(&gf->rings, arg->queue);
	int idx;

	if (!entry)
		return -ENOENT;
	if (!vgpu_guest_enter(gf->g, &idx))
		return -ENODEV;
	writel(xa_to_value(entry), gf->g->regs + VGPU_REG_KICK);
	vgpu_guest_leave(idx);
	return 0;
}

void vgpu_guest_ring_forget(struct vgpu_guest_file *gf, u32 handle)
{
	xa_erase(&gf->rings, handle);
}
