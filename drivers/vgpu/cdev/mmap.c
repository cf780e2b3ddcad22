// SPDX-License-Identifier: GPL-2.0
/*
 * mmap() of a vGPU's node: the client's own BOs, its doorbells, its timelines.
 *
 * Pages are inserted one by one in fault handlers, never at mmap() time, so
 * that a mapping can be taken away (zapped) and faults again with SIGBUS.
 *
 * A fault looks the page up and inserts it under the mapping's invalidate
 * lock, shared.  Who revokes memory first makes vgpu_bo_page() answer NULL and
 * then zaps with that lock held exclusively.  So a fault that still got the
 * page has inserted it before the zap begins, and one that comes later gets
 * none: nothing is reachable when the zap returns.  Without the lock a fault
 * could insert, after the zap, what it had looked up before.
 *
 * Mappings are shared ones without execution, and are inherited by fork():
 * the child has the descriptor too, and both are the same client.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "cdev_priv.h"
#include "../compat/mm.h"

/* Around a fault, pages of one aligned block of 64 KiB are inserted. */
#define AROUND_PAGES	16

/**
 * struct bo_map - what the VMAs from one mmap() share
 * @users: VMAs: munmap() of a middle, mremap() and fork() make more
 * @bo: reference; a closed handle does not pull memory from under a mapping
 * @first: page offset in the file of the BO's first page
 */
struct bo_map {
	refcount_t users;
	struct vgpu_bo *bo;
	pgoff_t first;
};

static void bo_vm_open(struct vm_area_struct *vma)
{
	struct bo_map *map = vma->vm_private_data;

	refcount_inc(&map->users);
}

static void bo_vm_close(struct vm_area_struct *vma)
{
	struct bo_map *map = vma->vm_private_data;

	if (!refcount_dec_and_test(&map->users))
		return;
	vgpu_bo_put(map->bo);
	kfree(map);
}

static vm_fault_t insert(struct vm_area_struct *vma, const struct bo_map *map,
			 unsigned long address)
{
	pgoff_t pgoff = vma->vm_pgoff +
			((address - vma->vm_start) >> PAGE_SHIFT);
	struct page *page;

	page = vgpu_bo_page(map->bo, (u64)(pgoff - map->first) << PAGE_SHIFT);
	if (!page)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vma, address, page_to_pfn(page));
}

static vm_fault_t bo_vm_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct address_space *mapping = vma->vm_file->f_mapping;
	const struct bo_map *map = vma->vm_private_data;
	unsigned long address = vmf->address & PAGE_MASK;
	unsigned long start, end;
	vm_fault_t ret;

	start = max(vma->vm_start,
		    ALIGN_DOWN(address, AROUND_PAGES * PAGE_SIZE));
	end = min(vma->vm_end,
		  ALIGN_DOWN(address, AROUND_PAGES * PAGE_SIZE) +
		  AROUND_PAGES * PAGE_SIZE);

	filemap_invalidate_lock_shared(mapping);
	ret = insert(vma, map, address);
	if (ret != VM_FAULT_NOPAGE)
		goto unlock;

	for (; start < end; start += PAGE_SIZE) {
		if (start != address &&
		    insert(vma, map, start) != VM_FAULT_NOPAGE)
			break;	/* nobody asked for these */
	}

unlock:
	filemap_invalidate_unlock_shared(mapping);
	return ret;
}

static const struct vm_operations_struct bo_vm_ops = {
	.open = bo_vm_open,
	.close = bo_vm_close,
	.fault = bo_vm_fault,
};

/* The file, which each VMA holds, keeps the client and so its two pages. */
static vm_fault_t shpage_vm_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_file *vf = vma->vm_file->private_data;
	struct vgpu_shpages *sp = vgpu_client_shpages(vf->client);
	struct page *page;

	page = vmf->pgoff == VGPU_MMAP_DOORBELLS >> PAGE_SHIFT ?
		vgpu_shpages_doorbells(sp) : vgpu_shpages_timelines(sp);
	return vmf_insert_pfn(vma, vmf->address, page_to_pfn(page));
}

static const struct vm_operations_struct shpage_vm_ops = {
	.fault = shpage_vm_fault,
};

static int map_bo(struct vgpu_file *vf, struct vm_area_struct *vma,
		  u64 offset, u64 bytes)
{
	struct vgpu_bo *bo;
	struct bo_map *map;
	u64 bo_offset;

	map = kmalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;

	/* another client's gets the same answer as none at all */
	bo = vgpu_client_bo_at(vf->client, offset, bytes, &bo_offset);
	if (!bo) {
		kfree(map);
		return -EINVAL;
	}

	refcount_set(&map->users, 1);
	map->bo = bo;
	map->first = (offset - bo_offset) >> PAGE_SHIFT;
	vma->vm_private_data = map;
	vma->vm_ops = &bo_vm_ops;
	return 0;
}

int vgpu_node_mmap(struct file *file, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 bytes = vma->vm_end - vma->vm_start;
	unsigned long clear = VM_MAYEXEC;
	int ret;

	/* a private copy would not be the GPU's memory */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;

	if (offset == VGPU_MMAP_DOORBELLS || offset == VGPU_MMAP_TIMELINES) {
		if (bytes != PAGE_SIZE)
			return -EINVAL;
		if (offset == VGPU_MMAP_TIMELINES) {
			if (vma->vm_flags & VM_WRITE)
				return -EACCES;
			clear |= VM_MAYWRITE;
		}
		vma->vm_ops = &shpage_vm_ops;
	} else {
		ret = map_bo(file->private_data, vma, offset, bytes);
		if (ret)
			return ret;
	}

	vgpu_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vgpu_vm_flags_clear(vma, clear);
	return 0;
}
