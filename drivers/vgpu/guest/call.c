// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of programs.  What names only objects at the host goes there as
 * it is, checked by the same table as on the host; what waits, maps or names
 * a file of this machine is done here.
 */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/mm.h>

#include "guest_priv.h"

static int do_forward(struct vgpu_guest_file *gf,
		      const struct vgpu_ioctl_desc *desc, void *arg)
{
	size_t payload_bytes;
	void *payload;
	int ret;

	ret = vgpu_ioctl_payload_in(desc, arg, &payload, &payload_bytes);
	if (ret)
		return ret;
	ret = vgpu_guest_call(gf, desc, arg, payload, payload_bytes);
	kvfree(payload);
	return ret;
}

static int do_info(struct vgpu_guest_file *gf,
		   const struct vgpu_ioctl_desc *desc, struct vgpu_info *arg)
{
	int ret = do_forward(gf, desc, arg);

	/* its number here, as in the node's name */
	arg->id = gf->g->index;
	return ret;
}

static int do_close(struct vgpu_guest_file *gf,
		    const struct vgpu_ioctl_desc *desc,
		    struct vgpu_close *arg)
{
	if (vgpu_guest_bo_close(gf, arg->handle))
		return 0;
	vgpu_guest_ring_forget(gf, arg->handle);
	/* who waits for it gets -ENOENT, as on the host */
	vgpu_guest_timeline_close(gf, arg->handle);
	return do_forward(gf, desc, arg);
}

static int do_signal(struct vgpu_guest_file *gf,
		     const struct vgpu_ioctl_desc *desc, void *arg)
{
	int ret = do_forward(gf, desc, arg);

	/* who reads the page right after the call sees the new value */
	if (!ret)
		vgpu_guest_timelines_look(gf->g);
	return ret;
}

static int do_call(struct vgpu_guest_file *gf,
		   const struct vgpu_ioctl_desc *desc, void *arg)
{
	switch (desc->call) {
	case VGPU_CALL_INFO:
		return do_info(gf, desc, arg);
	case VGPU_CALL_CLOSE:
		return do_close(gf, desc, arg);
	case VGPU_CALL_BO_CREATE:
		return vgpu_guest_bo_create(gf, desc, arg);
	case VGPU_CALL_BO_USER:
	case VGPU_CALL_BO_EXPORT:
	case VGPU_CALL_BO_IMPORT:
	case VGPU_CALL_ADOPT:
		/* ours to do, and not done yet: the host would refuse it */
		return -EOPNOTSUPP;
	case VGPU_CALL_VM_MAP:
		return vgpu_guest_vm_map(gf, desc, arg);
	case VGPU_CALL_VM_UNMAP:
		return vgpu_guest_vm_unmap(gf, desc, arg);
	case VGPU_CALL_QUEUE_CREATE:
		return vgpu_guest_queue_create(gf, desc, arg);
	case VGPU_CALL_KICK:
		return vgpu_guest_kick(gf, arg);
	case VGPU_CALL_TIMELINE_CREATE:
		return vgpu_guest_timeline_create(gf, desc, arg);
	case VGPU_CALL_WAIT:
		return vgpu_guest_wait(gf, arg);
	case VGPU_CALL_EVENTFD:
		return vgpu_guest_eventfd(gf, arg);
	case VGPU_CALL_SIGNAL:
		return do_signal(gf, desc, arg);
	case VGPU_CALL_QUEUE_STATUS:
		/* before it is read, so that nothing new is missed */
		atomic_set(&gf->irq, 0);
		return do_forward(gf, desc, arg);
	default:
		return do_forward(gf, desc, arg);
	}
}

/* Nobody would know its number. */
static void take_back(struct vgpu_guest_file *gf, u32 handle)
{
	struct vgpu_close arg = { .size = sizeof(arg), .handle = handle };

	do_close(gf, vgpu_ioctl_find(VGPU_CALL_CLOSE), &arg);
}

long vgpu_guest_ioctl(struct file *file, unsigned int cmd, unsigned long uaddr)
{
	struct vgpu_guest_file *gf = file->private_data;
	void __user *uarg = (void __user *)uaddr;
	const struct vgpu_ioctl_desc *desc;
	u64 arg[VGPU_ARG_MAX / sizeof(u64)];
	u32 user_size, handle;
	int ret;

	/* all our numbers are plain: the structure tells its size itself */
	if (cmd != _IO(VGPU_IOCTL_TYPE, _IOC_NR(cmd)))
		return -ENOTTY;
	desc = vgpu_ioctl_find(_IOC_NR(cmd));
	if (!desc || !vgpu_ioctl_for_tenant(desc))
		return -ENOTTY;

	ret = vgpu_ioctl_copy_in(desc, uarg, arg, &user_size);
	if (ret)
		return ret;
	ret = do_call(gf, desc, arg);

	/* also after a failure: how far it got, or which command was bad */
	if (vgpu_ioctl_copy_out(desc, uarg, arg, user_size)) {
		handle = ret ? 0 : vgpu_ioctl_handle(desc, arg);
		if (handle)
			take_back(gf, handle);
		return -EFAULT;
	}
	return ret;
}
