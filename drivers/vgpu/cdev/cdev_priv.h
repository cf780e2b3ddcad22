/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the device nodes share. */
#ifndef _VGPU_CDEV_PRIV_H
#define _VGPU_CDEV_PRIV_H

#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <vgpu/face.h>
#include <vgpu/ioctl.h>

/**
 * struct vgpu_node - /dev/vgpu/v<id> of an instance
 * @dev: lives as long as somebody has the node open
 * @cdev: its parent is @dev
 * @inst: reference
 * @minor: from the IDA
 * @link: in the list of nodes
 * @files_lock: protects @files
 * @files: open files
 * @gone: the instance was removed; who polls shall know
 * @doomed: its creator left; the last file to close destroys the instance
 */
struct vgpu_node {
	struct device dev;
	struct cdev cdev;
	struct vgpu_instance *inst;
	int minor;
	struct list_head link;
	spinlock_t files_lock;	/* @files */
	struct list_head files;
	bool gone;
	bool doomed;
};

/**
 * struct vgpu_file - an open node
 * @node: of it; stays while the file is open
 * @client: what the core knows of us, until @adopted
 * @adopted: a restored client that we are from then on, or NULL
 * @adopt_lock: one at a time
 * @link: in vgpu_node.files
 * @moved: times a timeline was raised
 * @seen: @moved when the program last asked
 * @comm: who opened it
 */
struct vgpu_file {
	struct vgpu_node *node;
	struct vgpu_client *client;
	struct vgpu_client *adopted;
	struct mutex adopt_lock;	/* writing @adopted */
	struct list_head link;
	atomic_t moved;
	atomic_t seen;
	char comm[TASK_COMM_LEN];
};

/* Stays there as long as the file. */
static inline struct vgpu_client *vgpu_file_client(struct vgpu_file *vf)
{
	/* pairs with do_adopt() */
	return smp_load_acquire(&vf->adopted) ?: vf->client;
}

extern const struct file_operations vgpu_node_fops;
extern const struct file_operations vgpu_ctl_fops;

/* The call that an ioctl number stands for, or NULL. */
const struct vgpu_ioctl_desc *vgpu_cdev_find(unsigned int cmd);

/* Wakes all that poll on a node whose instance went away. */
void vgpu_node_gone(struct vgpu_node *node);
/* Destroys an instance now, or when its last file is closed. */
void vgpu_cdev_doom(struct vgpu_instance *inst);

int vgpu_node_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* _VGPU_CDEV_PRIV_H */
