// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vgpu/ctl: makes vGPUs and moves their life cycle.
 *
 * CAP_SYS_ADMIN is asked for when the node is opened and again at each call:
 * a descriptor that reaches a process without the capability is worth nothing
 * there.
 */
#include <linux/capability.h>
#include <linux/build_bug.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "cdev_priv.h"

/**
 * struct ctl_file - an open management node
 * @lock: protects @owned
 * @owned: vGPUs that shall not outlive the file
 */
struct ctl_file {
	struct mutex lock;	/* @owned */
	struct list_head owned;
};

/** struct ctl_owned - one of them; @inst is a reference */
struct ctl_owned {
	struct list_head link;
	struct vgpu_instance *inst;
};

static void disown(struct ctl_owned *owned)
{
	list_del(&owned->link);
	vgpu_instance_put(owned->inst);
	kfree(owned);
}

/* Who creates and destroys for ever must not collect what is long gone. */
static void prune(struct ctl_file *cf)
{
	struct ctl_owned *owned, *next;
	struct vgpu_instance *now;

	lockdep_assert_held(&cf->lock);
	list_for_each_entry_safe(owned, next, &cf->owned, link) {
		now = vgpu_instance_get(vgpu_instance_id(owned->inst));
		if (now != owned->inst)
			disown(owned);
		if (now)
			vgpu_instance_put(now);
	}
}

static int ctl_open(struct inode *inode, struct file *file)
{
	struct ctl_file *cf;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	cf = kzalloc(sizeof(*cf), GFP_KERNEL_ACCOUNT);
	if (!cf)
		return -ENOMEM;
	mutex_init(&cf->lock);
	INIT_LIST_HEAD(&cf->owned);
	file->private_data = cf;
	return nonseekable_open(inode, file);
}

static int ctl_release(struct inode *inode, struct file *file)
{
	struct ctl_file *cf = file->private_data;
	struct ctl_owned *owned, *next;

	list_for_each_entry_safe(owned, next, &cf->owned, link) {
		vgpu_cdev_doom(owned->inst);
		disown(owned);
	}
	mutex_destroy(&cf->lock);
	kfree(cf);
	return 0;
}

static int do_create(struct ctl_file *cf, struct vgpu_ctl_create *arg)
{
	struct vgpu_instance_params params = {
		.type = arg->type,
		.weight = arg->weight,
		.priority = arg->priority,
		.bandwidth_mbps = arg->bandwidth_mbps,
	};
	struct vgpu_instance_info info;
	struct ctl_owned *owned = NULL;
	struct vgpu_instance *inst;
	struct vgpu_gpu *gpu;

	if (strnlen(arg->type, sizeof(arg->type)) == sizeof(arg->type))
		return -EINVAL;
	import_uuid(&params.uuid, arg->uuid);

	if (arg->flags & VGPU_CREATE_WITH_FD) {
		owned = kzalloc(sizeof(*owned), GFP_KERNEL_ACCOUNT);
		if (!owned)
			return -ENOMEM;
	}

	gpu = vgpu_gpu_get(arg->gpu);
	if (!gpu) {
		kfree(owned);
		return -ENODEV;
	}
	inst = vgpu_instance_create(gpu, &params);
	vgpu_gpu_put(gpu);
	if (IS_ERR(inst)) {
		kfree(owned);
		return PTR_ERR(inst);
	}

	vgpu_instance_get_info(inst, &info);
	arg->id = info.id;
	export_uuid(arg->uuid, &info.uuid);

	if (!owned) {
		vgpu_instance_put(inst);
		return 0;
	}
	owned->inst = inst;
	mutex_lock(&cf->lock);
	prune(cf);
	list_add_tail(&owned->link, &cf->owned);
	mutex_unlock(&cf->lock);
	return 0;
}

static int do_destroy(const struct vgpu_ctl_destroy *arg)
{
	struct vgpu_instance *inst = vgpu_instance_get(arg->id);
	struct vgpu_instance_info info;
	int ret;

	if (!inst)
		return -ENOENT;
	vgpu_instance_get_info(inst, &info);
	/* the mdev core owns an mdev's life, and has no call to end it */
	if (info.flags & VGPU_INSTANCE_MDEV)
		ret = info.clients ? -EBUSY : -EOPNOTSUPP;
	else
		ret = vgpu_instance_destroy(inst);
	vgpu_instance_put(inst);
	return ret;
}

static int do_state(const struct vgpu_ctl_state *arg)
{
	struct vgpu_instance *inst = vgpu_instance_get(arg->id);
	int ret;

	if (!inst)
		return -ENOENT;
	ret = vgpu_instance_verb(inst, arg->verb);
	vgpu_instance_put(inst);
	return ret;
}

static int do_set(const struct vgpu_ctl_set *arg)
{
	const struct vgpu_instance_set set = {
		.mask = arg->mask,
		.weight = arg->weight,
		.priority = arg->priority,
		.bandwidth_mbps = arg->bandwidth_mbps,
		.vram_bytes = arg->vram_bytes,
	};
	struct vgpu_instance *inst;
	int ret;

	if (arg->mask & ~VGPU_SET_UAPI)
		return -EINVAL;
	inst = vgpu_instance_get(arg->id);
	if (!inst)
		return -ENOENT;
	ret = vgpu_instance_set(inst, &set, NULL);
	vgpu_instance_put(inst);
	return ret;
}

static int do_save(struct vgpu_ctl_save *arg)
{
	struct vgpu_refusal why = {};
	struct vgpu_instance *inst;
	struct file *file;
	int ret;

	static_assert(sizeof(why.text) <= sizeof(arg->why));
	arg->bytes = 0;
	memset(arg->why, 0, sizeof(arg->why));
	file = fget(arg->fd);
	if (!file)
		return -EBADF;
	inst = vgpu_instance_get(arg->id);
	if (inst) {
		ret = vgpu_image_save(inst, file, arg->flags & VGPU_SAVE_STOP,
				      &arg->bytes, &why);
		vgpu_instance_put(inst);
	} else {
		ret = -ENOENT;
	}
	fput(file);
	if (ret)
		strscpy(arg->why, why.text, sizeof(arg->why));
	return ret;
}

static int do_restore(struct vgpu_ctl_restore *arg)
{
	struct vgpu_refusal why = {};
	struct vgpu_instance *inst;
	struct vgpu_gpu *gpu;
	struct file *file;
	uuid_t uuid;
	int ret = 0;

	arg->id = 0;
	arg->clients = 0;
	arg->bytes = 0;
	memset(arg->why, 0, sizeof(arg->why));
	import_uuid(&uuid, arg->uuid);
	file = fget(arg->fd);
	if (!file)
		return -EBADF;
	gpu = vgpu_gpu_get(arg->gpu);
	if (!gpu) {
		fput(file);
		return -ENODEV;
	}
	inst = vgpu_image_restore(gpu, file, &uuid,
				  arg->flags & VGPU_RESTORE_PAUSED,
				  &arg->clients, &arg->bytes, &why);
	vgpu_gpu_put(gpu);
	fput(file);
	if (IS_ERR(inst)) {
		ret = PTR_ERR(inst);
		strscpy(arg->why, why.text, sizeof(arg->why));
	} else {
		arg->id = vgpu_instance_id(inst);
		vgpu_instance_put(inst);
	}
	return ret;
}

static int do_call(struct ctl_file *cf, u32 call, void *arg)
{
	switch (call) {
	case VGPU_CTL_CALL_CREATE:
		return do_create(cf, arg);
	case VGPU_CTL_CALL_DESTROY:
		return do_destroy(arg);
	case VGPU_CTL_CALL_STATE:
		return do_state(arg);
	case VGPU_CTL_CALL_SET:
		return do_set(arg);
	case VGPU_CTL_CALL_SAVE:
		return do_save(arg);
	case VGPU_CTL_CALL_RESTORE:
		return do_restore(arg);
	}
	return -ENOTTY;
}

static long ctl_ioctl(struct file *file, unsigned int cmd, unsigned long uaddr)
{
	void __user *uarg = (void __user *)uaddr;
	const struct vgpu_ioctl_desc *desc;
	u64 arg[VGPU_ARG_MAX / sizeof(u64)];
	u32 user_size;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	desc = vgpu_cdev_find(cmd);
	if (!desc || vgpu_ioctl_for_tenant(desc))
		return -ENOTTY;

	ret = vgpu_ioctl_copy_in(desc, uarg, arg, &user_size);
	if (ret)
		return ret;
	ret = do_call(file->private_data, desc->call, arg);
	/* these two tell why */
	if (ret && desc->call != VGPU_CTL_CALL_SAVE &&
	    desc->call != VGPU_CTL_CALL_RESTORE)
		return ret;

	if (vgpu_ioctl_copy_out(desc, uarg, arg, user_size)) {
		/* nobody would know its number */
		if (desc->call == VGPU_CTL_CALL_CREATE)
			do_destroy(&(struct vgpu_ctl_destroy) {
				.id = ((struct vgpu_ctl_create *)arg)->id });
		if (!ret && desc->call == VGPU_CTL_CALL_RESTORE)
			do_destroy(&(struct vgpu_ctl_destroy) {
				.id = ((struct vgpu_ctl_restore *)arg)->id });
		return -EFAULT;
	}
	return ret;
}

const struct file_operations vgpu_ctl_fops = {
	.owner = THIS_MODULE,
	.open = ctl_open,
	.release = ctl_release,
	.unlocked_ioctl = ctl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
