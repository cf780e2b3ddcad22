// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vgpu/v<n> inside the VM: an open file is a client of the vGPU at the
 * host, with handles of its own that the host keeps apart from other files'.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/file.h>

#include "../compat/devnode.h"
#include "guest_priv.h"

#define MINORS	256

static dev_t first_dev;
static DEFINE_IDA(minors);

/* The host's class is called vgpu; a VM may have vGPUs and make some, too. */
static char *devnode(vgpu_devnode_device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0660;
	return kasprintf(GFP_KERNEL, "vgpu/%s", dev_name(dev));
}

static struct class vgpu_class = {
	.name = "vgpu_guest",
	.devnode = devnode,
};

static int node_open(struct inode *inode, struct file *file)
{
	struct vgpu_guest *g = container_of(inode->i_cdev, struct vgpu_guest,
					    cdev);
	struct vgpu_guest_file *gf;
	int ret;

	/* each call may change something: no rights to read only */
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EACCES;

	gf = kzalloc(sizeof(*gf), GFP_KERNEL_ACCOUNT);
	if (!gf)
		return -ENOMEM;
	gf->tl_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!gf->tl_page) {
		ret = -ENOMEM;
		goto free;
	}
	gf->g = g;
	mutex_init(&gf->lock);
	xa_init(&gf->bos);
	xa_init(&gf->rings);
	INIT_LIST_HEAD(&gf->maps);
	INIT_LIST_HEAD(&gf->timelines);
	INIT_LIST_HEAD(&gf->eventfds);
	init_waitqueue_head(&gf->wait);

	ret = vgpu_guest_client_open(g, &gf->client, &gf->bells);
	if (ret)
		goto free_page;

	spin_lock_irq(&g->files_lock);
	list_add_tail(&gf->link, &g->files);
	spin_unlock_irq(&g->files_lock);

	/* the file holds the cdev, which holds the device */
	file->private_data = gf;
	file->f_mapping = g->map_file->f_mapping;
	return nonseekable_open(inode, file);

free_page:
	free_page((unsigned long)gf->tl_page);
free:
	kfree(gf);
	return ret;
}

static int node_release(struct inode *inode, struct file *file)
{
	struct vgpu_guest_file *gf = file->private_data;
	struct vgpu_guest *g = gf->g;

	spin_lock_irq(&g->files_lock);
	list_del(&gf->link);
	spin_unlock_irq(&g->files_lock);

	/* the host lets go of our pages before they are anyone else's */
	vgpu_guest_client_close(g, gf->client);
	vgpu_guest_bo_free_all(gf);
	vgpu_guest_timeline_close_all(gf);

	xa_destroy(&gf->rings);
	xa_destroy(&gf->bos);
	mutex_destroy(&gf->lock);
	free_page((unsigned long)gf->tl_page);
	kfree(gf);
	return 0;
}

/*
 * EPOLLIN from when a timeline moved until the program asked (a
 * VGPU_IOCTL_WAIT with no timeout); EPOLLPRI from when some queue of the VM
 * raised an interrupt until the program read a queue's status.
 */
static __poll_t node_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vgpu_guest_file *gf = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &gf->wait, wait);

	if (atomic_read(&gf->moved) != atomic_read(&gf->seen))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (atomic_read(&gf->irq))
		mask |= EPOLLPRI;
	if (READ_ONCE(gf->g->dead))
		mask |= EPOLLERR | EPOLLHUP;
	return mask;
}

static const struct file_operations node_fops = {
	.owner = THIS_MODULE,
	.open = node_open,
	.release = node_release,
	.unlocked_ioctl = vgpu_guest_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vgpu_guest_mmap,
	.poll = node_poll,
};

static void device_release(struct device *dev)
{
	struct vgpu_guest *g = container_of(dev, struct vgpu_guest, dev);

	vgpu_guest_bo_free_orphans(g);
	fput(g->map_file);
	ida_free(&minors, g->index);
	pci_dev_put(g->pdev);
	mutex_destroy(&g->admin_lock);
	kfree(g);
}

/**
 * vgpu_guest_alloc() - makes what a device needs beside its hardware
 *
 * Context: process.
 * Return: to put_device(&->dev), or ERR_PTR.
 */
struct vgpu_guest *vgpu_guest_alloc(void)
{
	struct vgpu_guest *g;
	int ret;

	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return ERR_PTR(-ENOMEM);
	g->index = ida_alloc_max(&minors, MINORS - 1, GFP_KERNEL);
	if (g->index < 0) {
		ret = g->index;
		goto free;
	}
	g->map_file = shmem_file_setup("vgpu", 0, VM_NORESERVE);
	if (IS_ERR(g->map_file)) {
		ret = PTR_ERR(g->map_file);
		goto free_index;
	}
	mutex_init(&g->admin_lock);
	init_waitqueue_head(&g->admin_wait);
	spin_lock_init(&g->files_lock);
	INIT_LIST_HEAD(&g->files);
	INIT_LIST_HEAD(&g->orphans);

	device_initialize(&g->dev);
	g->dev.class = &vgpu_class;
	g->dev.release = device_release;
	g->dev.devt = MKDEV(MAJOR(first_dev), g->index);
	cdev_init(&g->cdev, &node_fops);
	g->cdev.owner = THIS_MODULE;
	return g;

free_index:
	ida_free(&minors, g->index);
free:
	kfree(g);
	return ERR_PTR(ret);
}

int vgpu_guest_node_add(struct vgpu_guest *g)
{
	int ret;

	g->dev.parent = &g->pdev->dev;
	ret = dev_set_name(&g->dev, "v%d", g->index);
	if (ret)
		return ret;
	return cdev_device_add(&g->cdev, &g->dev);
}

void vgpu_guest_node_remove(struct vgpu_guest *g)
{
	cdev_device_del(&g->cdev, &g->dev);
}

int vgpu_guest_node_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&first_dev, 0, MINORS, "vgpu_guest");
	if (ret)
		return ret;
	ret = class_register(&vgpu_class);
	if (ret)
		unregister_chrdev_region(first_dev, MINORS);
	return ret;
}

void vgpu_guest_node_exit(void)
{
	class_unregister(&vgpu_class);
	unregister_chrdev_region(first_dev, MINORS);
	ida_destroy(&minors);
}
