// SPDX-License-Identifier: GPL-2.0
/*
 * Memory as tenants see it: BOs with a place in the aperture, and address
 * spaces.  What they are made of is mem/'s; here is who owns them.
 *
 * A BO leaves the aperture, and every CPU mapping of it is zapped, when its
 * handle goes.  Fault handlers look it up under the mapping's invalidate
 * lock each time, so none can put back what was zapped.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "core_priv.h"
#include "trace.h"

struct vgpu_bo_obj *vgpu_bo_obj(struct vgpu_obj *obj)
{
	return container_of(obj, struct vgpu_bo_obj, obj);
}

struct vgpu_vm_obj *vgpu_vm_obj(struct vgpu_obj *obj)
{
	return container_of(obj, struct vgpu_vm_obj, obj);
}

/* ---------------------------------------------------------------- BOs */

static void bo_retire(struct vgpu_obj *obj)
{
	struct vgpu_instance *inst = obj->client->inst;
	struct address_space *mapping = inst->file->f_mapping;
	struct vgpu_bo_obj *bo = vgpu_bo_obj(obj);

	if (!bo->mappable)
		return;
	filemap_invalidate_lock(mapping);
	mtree_erase(&inst->aperture, bo->mmap_offset >> PAGE_SHIFT);
	unmap_mapping_range(mapping, bo->mmap_offset, vgpu_bo_bytes(bo->bo), 1);
	filemap_invalidate_unlock(mapping);
	/*
	 * Not with the lock that the callback takes; and not before, since what
	 * is evicted meanwhile would stay mapped when it is another's.
	 */
	vgpu_bo_set_zap(bo->bo, NULL, NULL);
}

/*
 * Part of the memory is to be evicted, or moved: vgpu_bo_page() finds it no more.  A fault
 * that did inserts it before we get the lock.
 */
static void bo_zap(void *arg, u64 offset, u64 bytes)
{
	struct vgpu_bo_obj *bo = arg;

	filemap_invalidate_lock(bo->mapping);
	if (bo->mappable)
		unmap_mapping_range(bo->mapping, bo->mmap_offset + offset,
				    bytes, 1);
	filemap_invalidate_unlock(bo->mapping);
}

static void bo_release(struct vgpu_obj *obj)
{
	struct vgpu_bo_obj *bo = vgpu_bo_obj(obj);

	vgpu_bo_put(bo->bo);
	kfree_rcu(bo, rcu);
}

/* The memory came to an end: nobody reaches the pages any more. */
static void foreign_release(void *arg)
{
	struct vgpu_foreign *foreign = arg;
	struct vgpu_client *client = foreign->client;

	client->ops->put_pages(foreign->cookie);
	spin_lock(&client->foreign_lock);
	list_del(&foreign->link);
	/* The waiter may free the client once it sees the list. */
	wake_up_all(&client->wait);
	spin_unlock(&client->foreign_lock);
	kfree(foreign);
}

static struct vgpu_bo *foreign_bo(struct vgpu_client *client, u64 bytes,
				  const u64 *addrs, unsigned int count)
{
	struct vgpu_foreign *foreign;
	struct page **pages;
	struct vgpu_bo *bo;
	bool gone;
	int ret;

	foreign = kzalloc(sizeof(*foreign), GFP_KERNEL_ACCOUNT);
	pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	bo = ERR_PTR(-ENOMEM);
	if (!foreign || !pages)
		goto err;
	foreign->client = client;
	ret = client->ops->get_pages(client->priv, addrs, count, pages,
				     &foreign->cookie);
	bo = ERR_PTR(ret);
	if (ret)
		goto err;

	spin_lock(&client->foreign_lock);
	list_add_tail(&foreign->link, &client->foreign);
	spin_unlock(&client->foreign_lock);

	bo = vgpu_bo_create_host(client->inst->gpu->whole.vram, bytes, pages,
				 foreign_release, foreign);
	kvfree(pages);
	if (IS_ERR(bo)) {
		foreign_release(foreign);
		return bo;
	}
	spin_lock(&client->foreign_lock);
	foreign->bo = bo;
	gone = foreign->gone;
	spin_unlock(&client->foreign_lock);
	if (gone) {
		vgpu_bo_revoke(bo);
		vgpu_bo_put(bo);
		return ERR_PTR(-EFAULT);
	}
	return bo;
err:
	kvfree(pages);
	kfree(foreign);
	return bo;
}

static struct vgpu_foreign *find_foreign(struct vgpu_client *client,
					 void *cookie)
{
	struct vgpu_foreign *foreign;

	list_for_each_entry(foreign, &client->foreign, link)
		if (foreign->cookie == cookie)
			return foreign;
	return NULL;
}

static bool foreign_gone(struct vgpu_client *client, void *cookie)
{
	bool gone;

	spin_lock(&client->foreign_lock);
	gone = !find_foreign(client, cookie);
	spin_unlock(&client->foreign_lock);
	return gone;
}

void vgpu_client_revoke_pages(struct vgpu_client *client, void *cookie)
{
	struct vgpu_foreign *foreign;
	struct vgpu_bo *bo = NULL;
	int idx;

	idx = srcu_read_lock(&vgpu_unplug_srcu);
	spin_lock(&client->foreign_lock);
	foreign = find_foreign(client, cookie);
	if (foreign && foreign->bo) {
		if (vgpu_bo_tryget(foreign->bo))
			bo = foreign->bo;
	} else if (foreign) {
		foreign->gone = true;	/* who makes the BO sees to it */
	}
	spin_unlock(&client->foreign_lock);
	if (bo) {
		vgpu_bo_revoke(bo);
		vgpu_bo_put(bo);
	}
	/* Somebody else may be at its last reference: they do not wait. */
	wait_event(client->wait, foreign_gone(client, cookie));
	srcu_read_unlock(&vgpu_unplug_srcu, idx);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_revoke_pages, VGPU);

/*
 * A gap of @pages at or after @from. By hand, because mtree_alloc_range() of
 * 6.1 cannot do it in an empty tree.
 */
static bool find_gap(struct maple_tree *mt, unsigned long from,
		     unsigned long last, unsigned long pages,
		     unsigned long *start)
{
	MA_STATE(mas, mt, from, from);
	unsigned long at = from;
	void *entry;

	rcu_read_lock();
	mas_for_each(&mas, entry, last) {
		if (mas.index > at && mas.index - at >= pages)
			break;
		at = mas.last + 1;
	}
	rcu_read_unlock();
	*start = at;
	return at <= last && last - at + 1 >= pages;
}

/*
 * Gives @bo a range of mmap offsets, after the one given last: what a stale
 * CPU mapping names is not soon another BO.
 */
static int bo_place(struct vgpu_instance *inst, struct vgpu_bo_obj *bo,
		    u64 bytes, bool host)
{
	struct address_space *mapping = inst->file->f_mapping;
	unsigned long pages = bytes >> PAGE_SHIFT;
	unsigned long start, first = 0, last, *next;
	int ret = -ENOSPC;

	last = (inst->aperture_bytes >> PAGE_SHIFT) - 1;
	if (host) {
		first = VGPU_HOST_BO_FIRST >> PAGE_SHIFT;
		last = VGPU_HOST_BO_LAST >> PAGE_SHIFT;
	}
	/* Before anybody can find it. */
	bo->mapping = mapping;
	vgpu_bo_set_zap(bo->bo, bo_zap, bo);
	filemap_invalidate_lock(mapping);
	next = &inst->aperture_next[host];
	if (find_gap(&inst->aperture, max(*next, first), last, pages, &start) ||
	    find_gap(&inst->aperture, first, last, pages, &start))
		ret = mtree_insert_range(&inst->aperture, start,
					 start + pages - 1, bo,
					 GFP_KERNEL_ACCOUNT);
	if (!ret) {
		*next = start + pages;
		bo->mappable = true;
		bo->mmap_offset = (u64)start << PAGE_SHIFT;
		bo->place_bytes = bytes;
		/* A VM may have touched the hole: its scratch page goes. */
		unmap_mapping_range(mapping, bo->mmap_offset,
				    vgpu_bo_bytes(bo->bo), 1);
	}
	filemap_invalidate_unlock(mapping);
	if (ret)
		vgpu_bo_set_zap(bo->bo, NULL, NULL);
	return ret;
}

/*
 * A VM's memory stays where it is: what its devices map of the aperture is not
 * always told when it moves.
 */
static u32 bo_flags(const struct vgpu_client *client, bool share)
{
	const struct vgpu_gpu *gpu = client->inst->gpu;

	if (!(gpu->desc.caps & VGPU_HW_MMU))
		return VGPU_BO_CONTIGUOUS;
	if (share || (client->ops && client->ops->get_pages))
		return VGPU_BO_FIXED;
	/* pairs with vgpu_gpu_set_overcommit_locked(): frames are there */
	if (smp_load_acquire(&gpu->overcommit) == 1000)
		return 0;
	return VGPU_BO_PAGEABLE;
}

static struct vgpu_bo *bo_memory(struct vgpu_client *client,
				 const struct vgpu_bo_create *arg, u64 bytes)
{
	struct vgpu_instance *inst = client->inst;
	struct vgpu_vram *vram = inst->gpu->whole.vram;

	if (arg->flags & VGPU_BO_HOST)
		return vgpu_bo_create_host(vram, bytes, NULL, NULL, NULL);
	return vgpu_bo_create(vram, &inst->acct, bytes, arg->align,
			      bo_flags(client, arg->flags & VGPU_BO_SHARE));
}

int vgpu_bo_restore_closed(struct vgpu_client *client,
			   struct vgpu_bo_create *arg)
{
	struct vgpu_bo *bo;

	if (arg->flags & ~VGPU_BO_HOST)
		return -EINVAL;
	if (arg->flags && !(client->inst->gpu->desc.caps & VGPU_HW_HOST_MEM))
		return -EOPNOTSUPP;
	if (!arg->bytes || arg->bytes > BIT_ULL(40))
		return -EINVAL;
	bo = bo_memory(client, arg, arg->bytes);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	return vgpu_bo_publish(client, bo, &arg->handle);
}

int vgpu_call_bo_create(struct vgpu_client *client, struct vgpu_bo_create *arg,
			const u64 *pages)
{
	struct vgpu_instance *inst = client->inst;
	struct vgpu_gpu *gpu = inst->gpu;
	bool host = arg->flags & VGPU_BO_HOST;
	bool share = arg->flags & VGPU_BO_SHARE;
	bool vm = client->ops && client->ops->get_pages;
	bool foreign = host && vm;
	struct vgpu_bo_obj *bo;
	u64 bytes;
	int ret;

	if (arg->flags & ~(VGPU_BO_HOST | VGPU_BO_SHARE))
		return -EOPNOTSUPP;
	/* without an MMU it can't be taken from under commands, see share.c */
	if (share && (vm || !(gpu->desc.caps & VGPU_HW_MMU)))
		return -EOPNOTSUPP;
	if (host && !(gpu->desc.caps & VGPU_HW_HOST_MEM))
		return -EOPNOTSUPP;
	if (!arg->bytes || arg->bytes > BIT_ULL(40))
		return -EINVAL;
	if (arg->align && (!is_power_of_2(arg->align) || arg->align > SZ_2M))
		return -EINVAL;
	bytes = round_up(arg->bytes, PAGE_SIZE);
	if (foreign ? (!pages || arg->page_count != bytes >> PAGE_SHIFT)
		    : (pages || arg->page_count))
		return -EINVAL;

	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);
	if (!bo)
		return -ENOMEM;
	vgpu_obj_init(&bo->obj, VGPU_OBJ_BO, client, bo_retire, bo_release);
	if (foreign)
		bo->bo = foreign_bo(client, bytes, pages, arg->page_count);
	else
		bo->bo = bo_memory(client, arg, bytes);
	if (IS_ERR(bo->bo)) {
		ret = PTR_ERR(bo->bo);
		kfree(bo);
		if (ret == -EDQUOT)
			trace_vgpu_quota(inst, bytes);
		return ret;
	}
	bo->share = share;
	/* one that is restored has the place it had, if it is larger here or not */
	ret = foreign ? 0 :
	      bo_place(inst, bo, client->parked ? bytes : vgpu_bo_bytes(bo->bo),
		       host);
	if (!ret) {
		arg->mmap_offset = bo->mmap_offset;
		ret = vgpu_obj_publish(&bo->obj, &arg->handle);
	}
	if (ret) {
		bo_retire(&bo->obj);
		vgpu_obj_put(&bo->obj);
	}
	return ret;
}

int vgpu_bo_publish(struct vgpu_client *client, struct vgpu_bo *memory,
		    u32 *handle)
{
	struct vgpu_bo_obj *bo;
	int ret;

	bo = kzalloc(sizeof(*bo), GFP_KERNEL_ACCOUNT);
	if (!bo) {
		vgpu_bo_put(memory);
		return -ENOMEM;
	}
	vgpu_obj_init(&bo->obj, VGPU_OBJ_BO, client, bo_retire, bo_release);
	bo->bo = memory;
	ret = vgpu_obj_publish(&bo->obj, handle);
	if (ret)
		vgpu_obj_put(&bo->obj);
	return ret;
}

static struct vgpu_bo *bo_at(struct vgpu_instance *inst,
			     struct vgpu_client *client, u64 offset, u64 bytes,
			     u64 *bo_offset)
{
	struct vgpu_bo_obj *bo;
	struct vgpu_bo *found = NULL;

	if (vgpu_filter(&inst->filter, VGPU_RIGHT_MAP))
		return ERR_PTR(-EPERM);
	rcu_read_lock();
	bo = mtree_load(&inst->aperture, offset >> PAGE_SHIFT);
	if (bo && !kref_get_unless_zero(&bo->obj.ref))
		bo = NULL;
	rcu_read_unlock();
	if (!bo)
		return NULL;
	*bo_offset = offset - bo->mmap_offset;
	if ((!client || bo->obj.client == client) &&
	    bytes <= vgpu_bo_bytes(bo->bo) - *bo_offset) {
		vgpu_bo_get(bo->bo);
		found = bo->bo;
	}
	vgpu_obj_put(&bo->obj);
	return found;
}

struct vgpu_bo *vgpu_client_bo_at(struct vgpu_client *client, u64 offset,
				  u64 bytes, u64 *bo_offset)
{
	/* a fault that waited for a vGPU that is being stopped comes before its end */
	if (READ_ONCE(client->dead))
		return NULL;
	return bo_at(client->inst, client, offset, bytes, bo_offset);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_bo_at, VGPU);

struct vgpu_bo *vgpu_instance_bo_at(struct vgpu_instance *inst, u64 offset,
				    u64 bytes, u64 *bo_offset)
{
	struct vgpu_bo *bo = bo_at(inst, NULL, offset, bytes, bo_offset);

	/*
	 * Of a client that is no VM, beside one: nobody would tell the VM's
	 * other devices when it is evicted or moved.
	 */
	if (!IS_ERR_OR_NULL(bo) && vgpu_bo_is_movable(bo)) {
		vgpu_bo_put(bo);
		bo = NULL;
	}
	return IS_ERR(bo) ? NULL : bo;
}
EXPORT_SYMBOL_NS_GPL(vgpu_instance_bo_at, VGPU);

/* ------------------------------------------------------ address spaces */

/* A tag that engines tell it by, or -EMFILE, -ENOMEM. */
static int take_space(struct vgpu_instance *inst)
{
	struct vgpu_gpu *gpu = inst->gpu;
	u32 used;
	int tag;

	if (!vgpu_commons_take(&gpu->spaces, &inst->spaces, &used))
		return -EMFILE;
	tag = ida_alloc_range(&gpu->asids, 1, gpu->desc.asids - 1, GFP_KERNEL);
	if (tag < 0)
		vgpu_commons_give(&gpu->spaces, &inst->spaces);
	return tag;
}

static void give_space(struct vgpu_instance *inst, u32 tag)
{
	ida_free(&inst->gpu->asids, tag);
	vgpu_commons_give(&inst->gpu->spaces, &inst->spaces);
}

static void vm_release(struct vgpu_obj *obj)
{
	struct vgpu_vm_obj *vm = vgpu_vm_obj(obj);

	vgpu_as_destroy(vm->as);
	give_space(vm->inst, vm->asid);
	mutex_destroy(&vm->lock);
	kfree(vm);
}

int vgpu_call_vm_create(struct vgpu_client *client, struct vgpu_vm_create *arg)
{
	struct vgpu_instance *inst = client->inst;
	struct vgpu_gpu *gpu = inst->gpu;
	struct vgpu_vm_obj *vm;
	int ret;

	if (arg->flags & ~VGPU_VM_PINNED)
		return -EOPNOTSUPP;
	/* there is nobody to give a fence to */
	if (arg->flags & VGPU_VM_PINNED && client->ops && client->ops->get_pages)
		return -EOPNOTSUPP;
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return -ENOMEM;
	ret = take_space(inst);
	if (ret < 0) {
		kfree(vm);
		return ret;
	}
	vm->asid = ret;
	vm->inst = inst;
	vm->pinned = arg->flags & VGPU_VM_PINNED;
	mutex_init(&vm->lock);
	vm->as = vgpu_as_create(gpu->whole.vram, &inst->acct, vm->asid);
	if (IS_ERR(vm->as)) {
		ret = PTR_ERR(vm->as);
		give_space(inst, vm->asid);
		kfree(vm);
		return ret;
	}
	if (vm->pinned)
		vgpu_as_keep_tables(vm->as);
	vgpu_obj_init(&vm->obj, VGPU_OBJ_VM, client, NULL, vm_release);
	ret = vgpu_obj_publish(&vm->obj, &arg->handle);
	if (ret)
		vgpu_obj_put(&vm->obj);
	return ret;
}

int vgpu_call_vm_map(struct vgpu_client *client, struct vgpu_vm_map *arg)
{
	struct vgpu_obj *vm, *bo;
	int ret;

	if (arg->prot & ~(VGPU_PROT_READ | VGPU_PROT_WRITE | VGPU_PROT_EXEC))
		return -EOPNOTSUPP;
	if (!arg->prot)
		return -EINVAL;
	vm = vgpu_obj_get(client, arg->vm, VGPU_OBJ_VM);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	bo = vgpu_obj_get(client, arg->bo, VGPU_OBJ_BO);
	ret = PTR_ERR_OR_ZERO(bo);
	if (!ret && vgpu_vm_obj(vm)->pinned &&
	    vgpu_bo_is_movable(vgpu_bo_obj(bo)->bo)) {
		vgpu_obj_put(bo);
		ret = -EOPNOTSUPP;
	}
	if (!ret) {
		ret = vgpu_as_map(vgpu_vm_obj(vm)->as, vgpu_bo_obj(bo)->bo, arg->offset,
				  arg->va, arg->bytes, arg->prot);
		vgpu_obj_put(bo);
	}
	vgpu_obj_put(vm);
	return ret;
}

int vgpu_call_vm_unmap(struct vgpu_client *client, struct vgpu_vm_unmap *arg)
{
	struct vgpu_vm_obj *vm;
	struct vgpu_obj *obj;
	int ret;

	obj = vgpu_obj_get(client, arg->vm, VGPU_OBJ_VM);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	vm = vgpu_vm_obj(obj);
	/*
	 * Without an MMU, commands carry VRAM addresses from acceptance to
	 * their end: nothing may be taken from under them.
	 */
	mutex_lock(&vm->lock);
	if (atomic_read(&vm->pending))
		ret = -EBUSY;
	else
		ret = vgpu_as_unmap(vm->as, arg->va, arg->bytes);
	mutex_unlock(&vm->lock);
	vgpu_obj_put(obj);
	vgpu_vram_flush_defrag(client->inst->gpu->whole.vram);
	return ret;
}
