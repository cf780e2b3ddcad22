// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vgpu/v<id>: an open file is a client of the vGPU.
 *
 * Rights are those of the open file: a descriptor that was inherited or
 * passed on stays the same client, with the same handles, charged to the same
 * vGPU.  So nobody escapes a quota by forking, and closing the last copy frees
 * everything.
 *
 * A call's way: number -> table (vgpu/ioctl.h) -> one copy of the structure
 * -> checks on the copy -> one copy of its array -> core -> results back.
 */
#include <linux/compat.h>
#include <linux/dma-buf.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include <vgpu/share.h>

#include "cdev_priv.h"

/* Atomic; before the core wakes who polls. */
static void timeline_moved(void *priv)
{
	struct vgpu_file *vf = priv;

	atomic_inc(&vf->moved);
}

static const struct vgpu_client_ops client_ops = {
	.timeline_moved = timeline_moved,
};

void vgpu_node_gone(struct vgpu_node *node)
{
	struct vgpu_file *vf;

	spin_lock(&node->files_lock);
	WRITE_ONCE(node->gone, true);
	list_for_each_entry(vf, &node->files, link)
		wake_up_all(vgpu_client_waitqueue(vgpu_file_client(vf)));
	spin_unlock(&node->files_lock);
}

static int node_open(struct inode *inode, struct file *file)
{
	struct vgpu_node *node = container_of(inode->i_cdev, struct vgpu_node,
					      cdev);
	struct vgpu_client_params params = {
		.ops = &client_ops,
		.pid = task_tgid_nr(current),
	};
	struct vgpu_file *vf;
	int ret;

	/* each call may change something: no rights to read only */
	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EACCES;
	if (READ_ONCE(node->doomed))
		return -ENODEV;

	vf = kzalloc(sizeof(*vf), GFP_KERNEL_ACCOUNT);
	if (!vf)
		return -ENOMEM;
	vf->node = node;
	mutex_init(&vf->adopt_lock);
	get_task_comm(vf->comm, current);

	params.priv = vf;
	params.holder = vf->comm;
	vf->client = vgpu_client_open(node->inst, &params);
	if (IS_ERR(vf->client)) {
		ret = PTR_ERR(vf->client);
		kfree(vf);
		return ret;
	}

	spin_lock(&node->files_lock);
	list_add_tail(&vf->link, &node->files);
	spin_unlock(&node->files_lock);

	file->private_data = vf;
	/* all CPU mappings of an instance are zapped through one mapping */
	file->f_mapping = vgpu_instance_mapping(node->inst);
	return nonseekable_open(inode, file);
}

static int node_release(struct inode *inode, struct file *file)
{
	struct vgpu_file *vf = file->private_data;
	struct vgpu_node *node = vf->node;

	spin_lock(&node->files_lock);
	list_del(&vf->link);
	spin_unlock(&node->files_lock);

	if (vf->adopted)
		vgpu_client_close(vf->adopted);
	vgpu_client_close(vf->client);
	mutex_destroy(&vf->adopt_lock);
	kfree(vf);

	smp_mb();	/* with vgpu_cdev_doom() in main.c */
	if (READ_ONCE(node->doomed))
		vgpu_instance_destroy(node->inst);
	return 0;
}

static int do_eventfd(struct vgpu_file *vf, const struct vgpu_eventfd *arg)
{
	struct eventfd_ctx *ctx;
	int ret;

	ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);

	ret = vgpu_client_eventfd(vgpu_file_client(vf), arg->timeline, arg->value, ctx);
	if (ret)
		eventfd_ctx_put(ctx);
	return ret;
}

/*
 * A descriptor can't be taken back once it is there: another thread may have
 * closed it, and its number be another file's. So its number is told first.
 */
static int do_export(struct vgpu_file *vf, const struct vgpu_ioctl_desc *desc,
		     struct vgpu_bo_export *arg, void __user *uarg,
		     u32 user_size)
{
	struct dma_buf *dmabuf;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	dmabuf = vgpu_client_bo_export(vgpu_file_client(vf), arg->bo);
	if (IS_ERR(dmabuf)) {
		put_unused_fd(fd);
		return PTR_ERR(dmabuf);
	}
	arg->fd = fd;
	if (vgpu_ioctl_copy_out(desc, uarg, arg, user_size)) {
		put_unused_fd(fd);
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	fd_install(fd, dmabuf->file);
	return 0;
}

/* Likewise; what was submitted runs, if its owner can be told or not. */
static int do_submit(struct vgpu_file *vf, const struct vgpu_ioctl_desc *desc,
		     struct vgpu_submit *arg, struct vgpu_submit __user *uarg,
		     u32 user_size)
{
	size_t payload_bytes;
	struct file *file;
	void *payload;
	int fd, ret;

	ret = vgpu_ioctl_payload_in(desc, arg, &payload, &payload_bytes);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kvfree(payload);
		return fd;
	}
	file = vgpu_client_submit_fenced(vgpu_file_client(vf), arg, payload,
					 payload_bytes);
	kvfree(payload);
	ret = PTR_ERR_OR_ZERO(file);
	/* a program too old for the field is too old for the flag */
	if (vgpu_ioctl_copy_out(desc, uarg, arg, user_size) ||
	    (!ret && put_user(fd, &uarg->fence_fd))) {
		if (!ret)
			fput(file);
		ret = -EFAULT;
	}
	if (ret)
		put_unused_fd(fd);
	else
		fd_install(fd, file);
	return ret;
}

static int do_import(struct vgpu_file *vf, struct vgpu_bo_import *arg)
{
	struct dma_buf *dmabuf = dma_buf_get(arg->fd);
	int ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	ret = vgpu_client_bo_import(vgpu_file_client(vf), dmabuf, &arg->handle);
	arg->bytes = dmabuf->size;
	dma_buf_put(dmabuf);
	return ret;
}

static int do_adopt(struct vgpu_file *vf, const struct vgpu_adopt *arg)
{
	struct vgpu_client *client;
	int ret = 0;

	mutex_lock(&vf->adopt_lock);
	client = vf->adopted ? ERR_PTR(-EBUSY) :
			       vgpu_client_adopt(vf->client, arg->client);
	if (IS_ERR(client))
		ret = PTR_ERR(client);
	else	/* pairs with vgpu_file_client() */
		smp_store_release(&vf->adopted, client);
	mutex_unlock(&vf->adopt_lock);
	return ret;
}

static int do_call(struct vgpu_file *vf, const struct vgpu_ioctl_desc *desc,
		   void *arg)
{
	size_t payload_bytes;
	void *payload;
	int ret;

	if (desc->call == VGPU_CALL_EVENTFD)
		return do_eventfd(vf, arg);
	if (desc->call == VGPU_CALL_BO_USER)
		return vgpu_client_bo_user(vgpu_file_client(vf), arg);
	if (desc->call == VGPU_CALL_BO_IMPORT)
		return do_import(vf, arg);
	if (desc->call == VGPU_CALL_ADOPT)
		return do_adopt(vf, arg);

	/* read before the value is, so that no move is missed */
	if (desc->call == VGPU_CALL_WAIT &&
	    !((struct vgpu_wait *)arg)->timeout_ns)
		atomic_set(&vf->seen, atomic_read(&vf->moved));

	ret = vgpu_ioctl_payload_in(desc, arg, &payload, &payload_bytes);
	if (ret)
		return ret;

	ret = vgpu_client_call(vgpu_file_client(vf), desc->call, arg, payload,
			       payload_bytes);
	kvfree(payload);

	/* the time limit counts from the call: it cannot be restarted */
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

/* Nobody would know its number. */
static void take_back(struct vgpu_file *vf, u32 handle)
{
	struct vgpu_close arg = { .size = sizeof(arg), .handle = handle };

	vgpu_client_call(vgpu_file_client(vf), VGPU_CALL_CLOSE, &arg, NULL, 0);
}

static long node_ioctl(struct file *file, unsigned int cmd,
		       unsigned long uaddr)
{
	void __user *uarg = (void __user *)uaddr;
	struct vgpu_file *vf = file->private_data;
	const struct vgpu_ioctl_desc *desc;
	u64 arg[VGPU_ARG_MAX / sizeof(u64)];
	u32 user_size, handle;
	int ret;

	desc = vgpu_cdev_find(cmd);
	if (!desc || !vgpu_ioctl_for_tenant(desc))
		return -ENOTTY;

	ret = vgpu_ioctl_copy_in(desc, uarg, arg, &user_size);
	if (ret)
		return ret;

	if (desc->call == VGPU_CALL_BO_EXPORT)
		return do_export(vf, desc, (void *)arg, uarg, user_size);
	if (desc->call == VGPU_CALL_SUBMIT &&
	    ((struct vgpu_submit *)arg)->flags & VGPU_SUBMIT_FENCE)
		return do_submit(vf, desc, (void *)arg, uarg, user_size);
	ret = do_call(vf, desc, arg);

	/* also after a failure: how far it got, or which command was bad */
	if (vgpu_ioctl_copy_out(desc, uarg, arg, user_size)) {
		handle = ret ? 0 : vgpu_ioctl_handle(desc, arg);
		if (handle)
			take_back(vf, handle);
		return -EFAULT;
	}
	return ret;
}

/*
 * EPOLLIN from when a timeline was raised until the program asked (a
 * VGPU_IOCTL_WAIT with no timeout); EPOLLPRI while a queue's interrupt was
 * not read.
 */
static __poll_t node_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vgpu_file *vf = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, vgpu_client_waitqueue(vgpu_file_client(vf)), wait);

	if (atomic_read(&vf->moved) != atomic_read(&vf->seen))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (vgpu_client_irq_pending(vgpu_file_client(vf)))
		mask |= EPOLLPRI;
	if (READ_ONCE(vf->node->gone))
		mask |= EPOLLERR | EPOLLHUP;
	return mask;
}

/*
 * As the kernel's Documentation/gpu/drm-usage-stats.rst says, for programs that know
 * nothing of us. These are of the client, so that they can be added up; the others are
 * of the vGPU.
 */
static void show_usage(struct seq_file *m, struct vgpu_client *client)
{
	struct vgpu_client_usage usage;

	vgpu_client_get_usage(client, &usage);
	seq_puts(m, "drm-driver:\tvgpu\n");
	if (usage.pci[0])
		seq_printf(m, "drm-pdev:\t%s\n", usage.pci);
	seq_printf(m, "drm-client-id:\t%llu\n", usage.id);
	seq_printf(m, "drm-engine-compute:\t%llu ns\n", usage.run_ns);
	if (usage.engines > 1)
		seq_printf(m, "drm-engine-capacity-compute:\t%u\n",
			   usage.engines);
	seq_printf(m, "drm-total-vram:\t%llu\n", usage.vram_bytes);
	seq_printf(m, "drm-total-system:\t%llu\n", usage.system_bytes);
	seq_printf(m, "drm-shared-vram:\t%llu\n", usage.shared_bytes);
}

static void node_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vgpu_file *vf = file->private_data;
	struct vgpu_instance_info info;

	vgpu_instance_get_info(vf->node->inst, &info);
	seq_printf(m, "vgpu-id:\t%u\n", info.id);
	seq_printf(m, "vgpu-uuid:\t%pUb\n", &info.uuid);
	seq_printf(m, "vgpu-gpu:\t%u\n", info.gpu);
	seq_printf(m, "vgpu-type:\t%s\n", info.type);
	seq_printf(m, "vgpu-vram-limit:\t%llu\n", info.vram_limit);
	seq_printf(m, "vgpu-vram-used:\t%llu\n", info.vram_used);
	seq_printf(m, "vgpu-pinned:\t%llu\n", info.pinned_bytes);
	seq_printf(m, "vgpu-engine-ns:\t%llu\n", info.busy_ns);
	show_usage(m, vgpu_file_client(vf));
}

const struct file_operations vgpu_node_fops = {
	.owner = THIS_MODULE,
	.open = node_open,
	.release = node_release,
	.unlocked_ioctl = node_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vgpu_node_mmap,
	.poll = node_poll,
	.show_fdinfo = node_show_fdinfo,
};
