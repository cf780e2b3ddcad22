// SPDX-License-Identifier: GPL-2.0
/*
 * The device that VFIO opens, resets and closes.  Opening starts the vGPU,
 * closing stops it, whatever way user space ended: nothing that a guest made
 * outlives the file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "../compat/vfio.h"
#include "vfio_priv.h"

/* A vGPU that an administrator has started already is as good. */
static int start(struct vgpu_vfio *v)
{
	struct vgpu_instance_info info;
	int ret;

	ret = vgpu_instance_verb(v->inst, VGPU_VERB_START);
	if (ret != -EBUSY)
		return ret;
	vgpu_instance_get_info(v->inst, &info);
	return info.state == VGPU_STATE_RUNNING ? 0 : ret;
}

static int open_anchor(struct vgpu_vfio *v)
{
	struct vgpu_client_params params = {
		.shpages = vgpu_vfio_map_shpages(v->map),
		.pid = task_tgid_nr(current),
		.holder = current->group_leader->comm,
	};
	struct vgpu_client *client;

	client = vgpu_client_open(v->inst, &params);
	if (IS_ERR(client))
		return PTR_ERR(client);
	v->anchor = client;
	return 0;
}

static int open_device(struct vfio_device *vdev)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);
	int ret;

	mutex_lock(&v->call_lock);
	ret = start(v);
	if (ret)
		goto unlock;

	v->map = vgpu_vfio_map_create(v->inst);
	if (IS_ERR(v->map)) {
		ret = PTR_ERR(v->map);
		goto stop;
	}
	ret = open_anchor(v);
	if (ret)
		goto kill_map;

	vgpu_vfio_config_reset(v);
	vgpu_vfio_regs_reset(v);
	v->have_seq = false;
	v->open = true;
	mutex_unlock(&v->call_lock);
	return 0;

kill_map:
	vgpu_vfio_map_kill(v->map);
stop:
	v->map = NULL;
	vgpu_instance_verb(v->inst, VGPU_VERB_STOP);
unlock:
	mutex_unlock(&v->call_lock);
	return ret;
}

static void close_device(struct vfio_device *vdev)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);

	mutex_lock(&v->call_lock);
	v->open = false;
	mutex_unlock(&v->call_lock);
	cancel_work_sync(&v->admin_work);

	mutex_lock(&v->call_lock);
	vgpu_vfio_client_close_all(v);
	vgpu_vfio_pins_settle(v);
	cancel_work_sync(&v->unpin_work);
	if (v->anchor)
		vgpu_client_close(v->anchor);
	v->anchor = NULL;
	vgpu_vfio_map_kill(v->map);
	v->map = NULL;
	vgpu_vfio_irq_release(v);
	/* may have failed or died meanwhile: nothing left to stop */
	vgpu_instance_verb(v->inst, VGPU_VERB_STOP);
	mutex_unlock(&v->call_lock);
}

/**
 * vgpu_vfio_reset() - forgets everything that the guest made
 * @v: the device, open
 * @config: config space, too
 *
 * Context: process; waits for a message in progress.
 * Return: 0, or -EIO when the vGPU does not work afterwards, either.
 */
int vgpu_vfio_reset(struct vgpu_vfio *v, bool config)
{
	struct vgpu_instance_info info;
	int ret = 0;

	mutex_lock(&v->call_lock);
	vgpu_vfio_client_close_all(v);
	vgpu_vfio_pins_settle(v);

	vgpu_instance_get_info(v->inst, &info);
	if (info.state == VGPU_STATE_FAILED ||
	    info.state == VGPU_STATE_STOPPED) {
		/* the anchor went down with it */
		if (v->anchor)
			vgpu_client_close(v->anchor);
		v->anchor = NULL;
		ret = start(v);
		if (!ret)
			ret = open_anchor(v);
		if (ret) {
			vgpu_vfio_warn(v, "does not come back by a reset: %pe\n",
				       ERR_PTR(ret));
			ret = -EIO;
		}
	}

	/* no client, so nobody of the core's writes there now */
	vgpu_vfio_map_clear(v->map);
	if (config)
		vgpu_vfio_config_reset(v);
	vgpu_vfio_regs_reset(v);
	v->have_seq = false;
	mutex_unlock(&v->call_lock);
	return ret;
}

static int get_info(unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info = {};
	size_t bytes;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	bytes = min_t(size_t, info.argsz, sizeof(info));
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user((void __user *)arg, &info, bytes) ? -EFAULT : 0;
}

static long device_ioctl(struct vfio_device *vdev, unsigned int cmd,
			 unsigned long arg)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return vgpu_vfio_region_info(v, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return vgpu_vfio_irq_info(v, arg);
	case VFIO_DEVICE_SET_IRQS:
		return vgpu_vfio_set_irqs(v, arg);
	case VFIO_DEVICE_RESET:
		return vgpu_vfio_reset(v, true);
	default:
		return -ENOTTY;
	}
}

static void release(struct vfio_device *vdev)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);

	destroy_workqueue(v->wq);
	xa_destroy(&v->clients);
	mutex_destroy(&v->pin_lock);
	mutex_destroy(&v->call_lock);
	mutex_destroy(&v->config_lock);
	vgpu_vfio_compat_free(vdev);
}

static int init(struct vfio_device *vdev)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);

	/* not for reclaim: nothing waits for it to free memory */
	v->wq = alloc_ordered_workqueue("vgpu-vfio", 0);
	if (!v->wq)
		return -ENOMEM;
	INIT_WORK(&v->admin_work, vgpu_vfio_admin_work);
	INIT_WORK(&v->unpin_work, vgpu_vfio_unpin_work);
	mutex_init(&v->config_lock);
	mutex_init(&v->call_lock);
	mutex_init(&v->pin_lock);
	spin_lock_init(&v->irq_lock);
	INIT_LIST_HEAD(&v->pins);
	init_waitqueue_head(&v->pin_wait);
	xa_init_flags(&v->clients, XA_FLAGS_ALLOC1);
	return 0;
}

static const struct vfio_device_ops device_ops = {
	.name = "vgpu",
	.init = init,
	.release = release,
	VGPU_VFIO_IOMMUFD_OPS
	.open_device = open_device,
	.close_device = close_device,
	.read = vgpu_vfio_read,
	.write = vgpu_vfio_write,
	.ioctl = device_ioctl,
	.mmap = vgpu_vfio_mmap,
	.request = vgpu_vfio_request,
	.dma_unmap = vgpu_vfio_dma_unmap,
};

/**
 * vgpu_vfio_alloc() - makes the device of an mdev
 * @dev: the mdev's
 * @inst: its vGPU; stays the caller's, and alive until the device is put
 * @uuid: its name
 *
 * Context: process.
 * Return: the device, to register and to vfio_put_device(), or ERR_PTR.
 */
struct vgpu_vfio *vgpu_vfio_alloc(struct device *dev,
				  struct vgpu_instance *inst,
				  const uuid_t *uuid)
{
	struct vgpu_vfio *v;

	v = vfio_alloc_device(vgpu_vfio, vdev, dev, &device_ops);
	if (IS_ERR(v))
		return v;
	v->inst = inst;
	v->uuid = *uuid;
	v->aperture = vgpu_instance_aperture(inst);
	vgpu_vfio_config_init(v);
	return v;
}
