// SPDX-License-Identifier: GPL-2.0
/*
 * The device nodes: /dev/vgpu/ctl for who manages vGPUs, /dev/vgpu/v<id> for
 * who uses one.  This file makes them come and go.
 *
 *   open file --> struct cdev --> struct device (struct vgpu_node) --> instance
 *
 * Each arrow is a reference, so whatever is taken away first, an open file
 * finds all it needs; the core tells it -ENODEV.
 */
#define pr_fmt(fmt) "vgpu: " fmt

#include <linux/idr.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <vgpu/cdev.h>

#include "cdev_priv.h"
#include "../compat/devnode.h"

#define MINORS		1024
#define CTL_MINOR	0

static dev_t first_dev;
static DEFINE_IDA(minors);

/*
 * Protects the list of nodes. Nothing of the core is called under it; it
 * nests in whatever the core holds around a face's callbacks.
 */
static DEFINE_MUTEX(nodes_lock);
static LIST_HEAD(nodes);

static struct device ctl_dev;
static struct cdev ctl_cdev;

/* The management node is root's; a vGPU is for whom the admin chowns it to. */
static char *devnode(vgpu_devnode_device *dev, umode_t *mode)
{
	if (mode)
		*mode = MINOR(dev->devt) == CTL_MINOR ? 0600 : 0660;
	return kasprintf(GFP_KERNEL, "vgpu/%s", dev_name(dev));
}

static struct class vgpu_class = {
	.name = "vgpu",
	.devnode = devnode,
};

static struct vgpu_node *to_node(struct device *dev)
{
	return container_of(dev, struct vgpu_node, dev);
}

/* For udev's rules and for scripts; the figures are in netlink. */
static ssize_t uuid_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(to_node(dev)->inst, &info);
	return sysfs_emit(buf, "%pUb\n", &info.uuid);
}
static DEVICE_ATTR_RO(uuid);

static ssize_t type_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(to_node(dev)->inst, &info);
	return sysfs_emit(buf, "%s\n", info.type);
}
static DEVICE_ATTR_RO(type);

static struct attribute *node_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_type.attr,
	NULL
};
ATTRIBUTE_GROUPS(node);

static void node_release(struct device *dev)
{
	struct vgpu_node *node = to_node(dev);

	ida_free(&minors, node->minor);
	vgpu_instance_put(node->inst);
	kfree(node);
}

static int instance_added(struct vgpu_instance *inst)
{
	struct vgpu_instance_info info;
	struct vgpu_node *node;
	int ret;

	vgpu_instance_get_info(inst, &info);
	if (info.flags & VGPU_INSTANCE_MDEV)
		return 0;

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return -ENOMEM;

	node->minor = ida_alloc_range(&minors, CTL_MINOR + 1, MINORS - 1,
				      GFP_KERNEL);
	if (node->minor < 0) {
		ret = node->minor;
		kfree(node);
		return ret;
	}

	spin_lock_init(&node->files_lock);
	INIT_LIST_HEAD(&node->files);
	vgpu_instance_hold(inst);
	node->inst = inst;

	device_initialize(&node->dev);
	node->dev.class = &vgpu_class;
	node->dev.parent = vgpu_gpu_device(vgpu_instance_gpu(inst));
	node->dev.release = node_release;
	node->dev.groups = node_groups;
	node->dev.devt = MKDEV(MAJOR(first_dev), node->minor);
	ret = dev_set_name(&node->dev, "v%u", info.id);
	if (ret)
		goto put_node;

	cdev_init(&node->cdev, &vgpu_node_fops);
	node->cdev.owner = THIS_MODULE;

	mutex_lock(&nodes_lock);
	list_add_tail(&node->link, &nodes);
	mutex_unlock(&nodes_lock);

	ret = cdev_device_add(&node->cdev, &node->dev);
	if (ret)
		goto unlist;
	return 0;

unlist:
	mutex_lock(&nodes_lock);
	list_del(&node->link);
	mutex_unlock(&nodes_lock);
put_node:
	put_device(&node->dev);
	return ret;
}

/* With a reference to its device, or NULL. */
static struct vgpu_node *node_get(struct vgpu_instance *inst)
{
	struct vgpu_node *node;

	mutex_lock(&nodes_lock);
	list_for_each_entry(node, &nodes, link) {
		if (node->inst == inst) {
			get_device(&node->dev);
			mutex_unlock(&nodes_lock);
			return node;
		}
	}
	mutex_unlock(&nodes_lock);
	return NULL;
}

static void instance_removed(struct vgpu_instance *inst)
{
	struct vgpu_node *node = node_get(inst);

	if (!node)
		return;

	mutex_lock(&nodes_lock);
	list_del(&node->link);
	mutex_unlock(&nodes_lock);

	cdev_device_del(&node->cdev, &node->dev);
	vgpu_node_gone(node);
	put_device(&node->dev);		/* node_get()'s */
	put_device(&node->dev);		/* device_initialize()'s */
}

void vgpu_cdev_doom(struct vgpu_instance *inst)
{
	struct vgpu_node *node = node_get(inst);

	if (!node)
		return;

	/*
	 * Set before we try: either we find no file open, or who closes the
	 * last one finds this set.
	 */
	WRITE_ONCE(node->doomed, true);
	smp_mb();	/* with node_release() in node.c */
	if (vgpu_instance_destroy(inst) == -EBUSY)
		vgpu_instance_verb(inst, VGPU_VERB_STOP);
	put_device(&node->dev);
}

const struct vgpu_ioctl_desc *vgpu_cdev_find(unsigned int cmd)
{
	/* all our numbers are plain: the structure tells its size itself */
	if (cmd != _IO(VGPU_IOCTL_TYPE, _IOC_NR(cmd)))
		return NULL;
	return vgpu_ioctl_find(_IOC_NR(cmd));
}

static struct vgpu_face face = {
	.name = "cdev",
	.owner = THIS_MODULE,
	.instance_added = instance_added,
	.instance_removed = instance_removed,
};

static void ctl_release(struct device *dev)
{
	/* static, and the module stays until cdev_device_del() is done */
}

static int ctl_add(void)
{
	int ret;

	device_initialize(&ctl_dev);
	ctl_dev.class = &vgpu_class;
	ctl_dev.release = ctl_release;
	ctl_dev.devt = MKDEV(MAJOR(first_dev), CTL_MINOR);
	ret = dev_set_name(&ctl_dev, "ctl");
	if (ret)
		goto put_dev;

	cdev_init(&ctl_cdev, &vgpu_ctl_fops);
	ctl_cdev.owner = THIS_MODULE;
	ret = cdev_device_add(&ctl_cdev, &ctl_dev);
	if (ret)
		goto put_dev;
	return 0;

put_dev:
	put_device(&ctl_dev);
	return ret;
}

int vgpu_cdev_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&first_dev, 0, MINORS, "vgpu");
	if (ret)
		return ret;

	ret = class_register(&vgpu_class);
	if (ret)
		goto free_region;

	ret = vgpu_face_register(&face);
	if (ret)
		goto free_class;

	ret = ctl_add();
	if (ret)
		goto free_face;
	return 0;

free_face:
	vgpu_face_unregister(&face);
free_class:
	class_unregister(&vgpu_class);
free_region:
	unregister_chrdev_region(first_dev, MINORS);
	return ret;
}

void vgpu_cdev_exit(void)
{
	cdev_device_del(&ctl_cdev, &ctl_dev);
	put_device(&ctl_dev);
	vgpu_face_unregister(&face);
	class_unregister(&vgpu_class);
	unregister_chrdev_region(first_dev, MINORS);
	ida_destroy(&minors);
}
