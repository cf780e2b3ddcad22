// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that several vGPUs of one owner use: BOs as dma-bufs, and back.
 *
 * Who made the memory pays for it, and takes it with him: when his vGPU is stopped
 * or goes, the memory is taken from everybody, and is his pool's again, whoever
 * holds a descriptor or a handle of it. What they hold is an empty shell then.
 *
 *    dma-buf ---> share ---> BO <--- handle, address spaces of who made it
 *                   ^        ^
 *                   |        | until revoked
 *                import --> alias <--- handle, address spaces of who imported it
 *
 * So a share has the one reference to the BO that a dma-buf stands for, each import
 * one more, and revocation ends them all; see mem/bo_alias.c.
 *
 * Two vGPUs have one owner when they are in the same group (vgpu_tenant) of one GPU.
 * A group is left or entered later without effect on what was imported.
 *
 * The dma-buf's reservation object has no fences: those would have to signal in
 * bounded time, and our commands may be paused, capped, preempted or stopped in a
 * debugger. Other devices can't attach: they could not be made to let go.
 */
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "../compat/mm.h"
#include "../core_priv.h"
#include "still.h"

/**
 * struct share - what a dma-buf stands for
 * @ref: the dma-buf's and the imports'
 * @inst: reference: whose account pays
 * @link: in inst->shares, until it is freed or revoked
 * @inode: reference: all CPU mappings of the dma-buf are in its mapping
 * @lock: @bo against changes, and imports being made
 * @bo: reference; NULL: it was taken away. Read under the mapping's invalidate
 *	lock too: after it became NULL the mappings are zapped
 * @import_lock: @imports
 * @imports: struct import, until they let go of the memory
 * @wait: for @imports
 */
struct share {
	struct kref ref;
	struct vgpu_instance *inst;
	struct list_head link;
	struct inode *inode;
	struct mutex lock;		/* @bo, new imports */
	struct vgpu_bo *bo;
	spinlock_t import_lock;		/* @imports */
	struct list_head imports;
	wait_queue_head_t wait;
};

/**
 * struct import - the memory of a share, under another name
 * @link: share->imports
 * @share: reference
 * @bo: of the share, with a reference
 * @alias: without one
 */
struct import {
	struct list_head link;
	struct share *share;
	struct vgpu_bo *bo;
	struct vgpu_bo *alias;
};

void vgpu_shares_init(struct vgpu_shares *shares)
{
	mutex_init(&shares->lock);
	INIT_LIST_HEAD(&shares->list);
}

static void share_free(struct kref *ref)
{
	struct share *share = container_of(ref, struct share, ref);
	struct vgpu_instance *inst = share->inst;

	if (share->bo)
		vgpu_bo_put(share->bo);
	mutex_lock(&inst->shares.lock);
	list_del(&share->link);
	mutex_unlock(&inst->shares.lock);
	if (share->inode)
		iput(share->inode);
	mutex_destroy(&share->lock);
	kfree(share);
	vgpu_instance_put(inst);
}

static void share_put(struct share *share)
{
	kref_put(&share->ref, share_free);
}

/* ------------------------------------------------------------- imports */

/* Nobody reaches the memory by the alias any more. */
static void import_release(void *arg)
{
	struct import *import = arg;
	struct share *share = import->share;

	vgpu_bo_put(import->bo);
	spin_lock(&share->import_lock);
	list_del(&import->link);
	wake_up_all(&share->wait);
	spin_unlock(&share->import_lock);
	share_put(share);
	kfree(import);
}

static struct vgpu_bo *import_locked(struct share *share)
{
	struct import *import;
	struct vgpu_bo *alias;

	lockdep_assert_held(&share->lock);
	if (!share->bo)
		return ERR_PTR(-ESTALE);
	import = kzalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	if (!import)
		return ERR_PTR(-ENOMEM);
	alias = vgpu_bo_create_alias(share->bo, import_release, import);
	if (IS_ERR(alias)) {
		kfree(import);
		return alias;
	}
	kref_get(&share->ref);
	import->share = share;
	vgpu_bo_get(share->bo);
	import->bo = share->bo;
	import->alias = alias;
	spin_lock(&share->import_lock);
	list_add_tail(&import->link, &share->imports);
	spin_unlock(&share->import_lock);
	return alias;
}

/* One that is not at its last reference, with one. */
static struct vgpu_bo *any_alias(struct share *share)
{
	struct vgpu_bo *alias = NULL;
	struct import *import;

	spin_lock(&share->import_lock);
	list_for_each_entry(import, &share->imports, link) {
		if (vgpu_bo_tryget(import->alias)) {
			alias = import->alias;
			break;
		}
	}
	spin_unlock(&share->import_lock);
	return alias;
}

static bool no_imports(struct share *share)
{
	bool ret;

	spin_lock(&share->import_lock);
	ret = list_empty(&share->imports);
	spin_unlock(&share->import_lock);
	return ret;
}

/* ---------------------------------------------------------- revocation */

static void share_revoke(struct share *share)
{
	struct address_space *mapping = share->inode->i_mapping;
	struct vgpu_bo *bo, *alias;

	mutex_lock(&share->lock);
	bo = share->bo;
	WRITE_ONCE(share->bo, NULL);
	mutex_unlock(&share->lock);
	if (!bo)
		return;
	/* a fault that still found it has inserted the page before we zap */
	filemap_invalidate_lock(mapping);
	unmap_mapping_range(mapping, 0, 0, 1);
	filemap_invalidate_unlock(mapping);

	while ((alias = any_alias(share))) {
		vgpu_bo_revoke(alias);
		vgpu_bo_put(alias);
	}
	/* Somebody else may be at its last reference: they do not wait. */
	wait_event(share->wait, no_imports(share));
	vgpu_bo_put(bo);
}

static struct share *any_share(struct vgpu_shares *shares)
{
	struct share *share, *found = NULL;

	mutex_lock(&shares->lock);
	list_for_each_entry(share, &shares->list, link) {
		if (kref_get_unless_zero(&share->ref)) {
			/* not to be passed again for each of the others */
			list_del_init(&share->link);
			found = share;
			break;
		}
	}
	mutex_unlock(&shares->lock);
	return found;
}

void vgpu_shares_revoke(struct vgpu_instance *inst)
{
	struct share *share;

	lockdep_assert_held(&inst->lock);
	while ((share = any_share(&inst->shares))) {
		share_revoke(share);
		share_put(share);
	}
}

void vgpu_shares_still(struct vgpu_instance *inst)
{
	struct share *share;

	lockdep_assert_held(&inst->lock);
	mutex_lock(&inst->shares.lock);
	list_for_each_entry(share, &inst->shares.list, link) {
		struct address_space *mapping = share->inode->i_mapping;

		filemap_invalidate_lock(mapping);
		unmap_mapping_range(mapping, 0, 0, 1);
		filemap_invalidate_unlock(mapping);
	}
	mutex_unlock(&inst->shares.lock);
}

/* ------------------------------------------------------------- dma-buf */

static int refuse_attach(struct dma_buf *dmabuf,
			 struct dma_buf_attachment *attach)
{
	return -EOPNOTSUPP;
}

/* Not called: nobody is attached. The dma-buf core wants them to be there. */
static struct sg_table *refuse_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void refuse_unmap(struct dma_buf_attachment *attach,
			 struct sg_table *sgt, enum dma_data_direction dir)
{
}

static void share_release(struct dma_buf *dmabuf)
{
	int idx = srcu_read_lock(&vgpu_unplug_srcu);

	share_put(dmabuf->priv);
	srcu_read_unlock(&vgpu_unplug_srcu, idx);
}

/* CPUs and engines see the same memory at any time: nothing to flush. */
static int begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct share *share = dmabuf->priv;

	return READ_ONCE(share->bo) ? 0 : -ESTALE;
}

static vm_fault_t share_fault(struct vm_fault *vmf)
{
	struct dma_buf *dmabuf = vmf->vma->vm_file->private_data;
	struct share *share = dmabuf->priv;
	struct address_space *mapping = share->inode->i_mapping;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	struct page *page = NULL;
	struct vgpu_bo *bo;

	filemap_invalidate_lock_shared(mapping);
	bo = READ_ONCE(share->bo);
	if (bo && vgpu_instance_is_still(share->inst)) {
		filemap_invalidate_unlock_shared(mapping);
		return vgpu_still_fault(share->inst, NULL, vmf);
	}
	if (bo)
		page = vgpu_bo_page(bo, (u64)vmf->pgoff << PAGE_SHIFT);
	if (page)
		ret = vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK,
				     page_to_pfn(page));
	filemap_invalidate_unlock_shared(mapping);
	return ret;
}

static const struct vm_operations_struct share_vm_ops = {
	.fault = share_fault,
};

/* As mmap() of a node: shared, not executable, cached as all of our memory. */
static int share_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	vma->vm_ops = &share_vm_ops;
	vgpu_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vgpu_vm_flags_clear(vma, VM_MAYEXEC);
	return 0;
}

static const struct dma_buf_ops share_ops = {
	.attach = refuse_attach,
	.map_dma_buf = refuse_map,
	.unmap_dma_buf = refuse_unmap,
	.release = share_release,
	.begin_cpu_access = begin_cpu_access,
	.mmap = share_mmap,
};

static struct dma_buf *export_bo(struct vgpu_client *client, struct vgpu_bo *bo)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vgpu_instance *inst = client->inst;
	struct dma_buf *dmabuf;
	struct share *share;
	int dead;

	share = kzalloc(sizeof(*share), GFP_KERNEL_ACCOUNT);
	if (!share)
		return ERR_PTR(-ENOMEM);
	kref_init(&share->ref);
	mutex_init(&share->lock);
	spin_lock_init(&share->import_lock);
	INIT_LIST_HEAD(&share->link);
	INIT_LIST_HEAD(&share->imports);
	init_waitqueue_head(&share->wait);
	vgpu_instance_hold(inst);
	share->inst = inst;
	vgpu_bo_get(bo);
	share->bo = bo;

	info.ops = &share_ops;
	info.size = vgpu_bo_bytes(bo);
	info.flags = O_RDWR | O_CLOEXEC;
	info.priv = share;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		share_put(share);
		return dmabuf;
	}
	share->inode = file_inode(dmabuf->file);
	ihold(share->inode);

	/* Who revokes all has marked the client before. */
	mutex_lock(&inst->shares.lock);
	dead = READ_ONCE(client->dead);
	if (!dead)
		list_add_tail(&share->link, &inst->shares.list);
	mutex_unlock(&inst->shares.lock);
	if (dead) {
		share_revoke(share);
		dma_buf_put(dmabuf);
		return ERR_PTR(dead);
	}
	return dmabuf;
}

static bool is_vm(const struct vgpu_client *client)
{
	return client->ops && client->ops->get_pages;
}

struct dma_buf *vgpu_client_bo_export(struct vgpu_client *client, u32 handle)
{
	struct dma_buf *dmabuf = ERR_PTR(-EOPNOTSUPP);
	struct vgpu_obj *obj;
	int idx, ret;

	ret = READ_ONCE(client->dead) ?:
	      vgpu_filter_call(&client->inst->filter, VGPU_CALL_BO_EXPORT) ?:
	      vgpu_degrade_call(client->inst->gpu, VGPU_CALL_BO_EXPORT);
	if (ret)
		return ERR_PTR(ret);
	if (is_vm(client))
		return dmabuf;
	ret = vgpu_client_enter(client, &idx);
	if (ret)
		return ERR_PTR(ret);
	obj = vgpu_obj_get(client, handle, VGPU_OBJ_BO);
	if (IS_ERR(obj)) {
		dmabuf = ERR_CAST(obj);
	} else {
		if (vgpu_bo_obj(obj)->share)
			dmabuf = export_bo(client, vgpu_bo_obj(obj)->bo);
		vgpu_obj_put(obj);
	}
	vgpu_gpu_leave(idx);
	return dmabuf;
}

/* Of one GPU. */
static bool have_one_owner(struct vgpu_instance *a, struct vgpu_instance *b)
{
	bool ret;

	mutex_lock(&a->gpu->lock);
	ret = a == b || (a->tenant && a->tenant == b->tenant);
	mutex_unlock(&a->gpu->lock);
	return ret;
}

int vgpu_client_bo_import(struct vgpu_client *client, struct dma_buf *dmabuf,
			  u32 *handle)
{
	struct vgpu_instance *inst = client->inst;
	struct share *share;
	struct vgpu_bo *bo;
	int idx, ret;

	ret = READ_ONCE(client->dead) ?:
	      vgpu_filter_call(&inst->filter, VGPU_CALL_BO_IMPORT) ?:
	      vgpu_degrade_call(inst->gpu, VGPU_CALL_BO_IMPORT);
	if (ret)
		return ret;
	if (is_vm(client) || dmabuf->ops != &share_ops)
		return -EOPNOTSUPP;
	share = dmabuf->priv;
	/* a vGPU that has gone has no owner any more */
	if (!READ_ONCE(share->bo))
		return -ESTALE;
	if (share->inst->gpu != inst->gpu)
		return -EXDEV;
	if (!have_one_owner(share->inst, inst))
		return -EACCES;
	ret = vgpu_client_enter(client, &idx);
	if (ret)
		return ret;
	mutex_lock(&share->lock);
	bo = import_locked(share);
	mutex_unlock(&share->lock);
	ret = IS_ERR(bo) ? PTR_ERR(bo) : vgpu_bo_publish(client, bo, handle);
	vgpu_gpu_leave(idx);
	return ret;
}
