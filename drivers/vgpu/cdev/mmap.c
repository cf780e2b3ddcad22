// SPDX-License-Identifier: GPL-2.0
/*
 * mmap() of a vGPU's node: the client's own BOs, its doorbells, its timelines.
 *
 * A mapping of memory names an offset, not a BO: each fault looks up what the
 * client has there now.  So nothing is reachable, and nothing is kept from
 * being freed, once the handle is closed or the vGPU is stopped or gone: the
 * core zaps, and who touches it afterwards gets SIGBUS.
 *
 * The look-up and the insertion are done under the mapping's invalidate lock,
 * shared; who takes memory away makes the look-up fail and zaps with that lock
 * held exclusively.  So a fault that still found the page has inserted it
 * before the zap begins, and one that comes later finds none.  Without the
 * lock a fault could insert, after the zap, what it had looked up before.
 *
 * Memory that was evicted is brought back with no lock but the mmap lock held,
 * and is held in VRAM until it is inserted; its pages are zapped before it is
 * evicted again. What is being moved within VRAM is waited for likewise.
 *
 * While the vGPU is paused or saved nothing of memory or doorbells is inserted, and
 * who touches them waits (core/memory/still.c).  Timelines stay.
 *
 * Mappings are shared ones without execution, and are inherited by fork():
 * the child has the descriptor too, and both are the same client.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "cdev_priv.h"
#include "../compat/mm.h"

/* Around a fault, pages of one aligned block of 64 KiB are inserted. */
#define AROUND	(16 * PAGE_SIZE)

static vm_fault_t insert(struct vm_area_struct *vma, struct vgpu_bo *bo,
			 u64 bo_offset, unsigned long address)
{
	struct page *page = vgpu_bo_page(bo, bo_offset);

	if (!page)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vma, address, page_to_pfn(page));
}

/* Nobody asked for these: as many as there are, without errors. */
static void insert_around(struct vm_area_struct *vma, struct vgpu_bo *bo,
			  u64 bo_offset, unsigned long address)
{
	unsigned long block = ALIGN_DOWN(address, AROUND);
	unsigned long start = max(vma->vm_start, block);
	unsigned long end = min(vma->vm_end, block + AROUND);
	unsigned long a;

	for (a = start; a < end; a += PAGE_SIZE) {
		/* below and above the BO lies another one, or a hole */
		if (a < address && address - a > bo_offset)
			continue;
		if (a > address && a - address >= vgpu_bo_bytes(bo) - bo_offset)
			break;
		if (a != address && insert(vma, bo, bo_offset + a - address,
					   a) != VM_FAULT_NOPAGE)
			break;
	}
}

static vm_fault_t bo_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_file *vf = vma->vm_file->private_data;
	struct address_space *mapping = vma->vm_file->f_mapping;
	unsigned long address = vmf->address & PAGE_MASK;
	u64 bo_offset, held_offset = 0;
	struct vgpu_client *client = vgpu_file_client(vf);
	struct vgpu_bo *bo, *held = NULL;
	bool still;
	vm_fault_t ret;

	for (;;) {
		ret = VM_FAULT_SIGBUS;
		bo = NULL;
		filemap_invalidate_lock_shared(mapping);
		still = vgpu_client_is_still(client);
		if (!still)
			bo = vgpu_client_bo_at(client, (u64)vmf->pgoff << PAGE_SHIFT,
					       PAGE_SIZE, &bo_offset);
		if (IS_ERR(bo))
			bo = NULL;
		if (bo) {
			ret = insert(vma, bo, bo_offset, address);
			if (ret == VM_FAULT_NOPAGE)
				insert_around(vma, bo, bo_offset, address);
		}
		filemap_invalidate_unlock_shared(mapping);

		/* evicted, or on its way? once, and only then, it is held */
		if (!bo || held || ret == VM_FAULT_NOPAGE ||
		    !vgpu_bo_is_movable(bo) || vgpu_bo_hold(bo, bo_offset))
			break;
		held = bo;
		held_offset = bo_offset;
	}

	/* another one is there by now: the access faults anew */
	if (bo && held && bo != held && ret == VM_FAULT_SIGBUS)
		ret = VM_FAULT_NOPAGE;
	if (bo)
		vgpu_bo_put(bo);
	if (held) {
		vgpu_bo_unhold(held, held_offset);
		vgpu_bo_put(held);
	}
	return still ? vgpu_client_still_fault(client, vmf) : ret;
}

static const struct vm_operations_struct bo_vm_ops = {
	.fault = bo_fault,
};

/* The file, which each VMA holds, keeps the client and so its two pages. */
static vm_fault_t shpage_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_file *vf = vma->vm_file->private_data;
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct vgpu_client *client = vgpu_file_client(vf);
	struct vgpu_shpages *sp = vgpu_client_shpages(client);
	unsigned long address = vmf->address & PAGE_MASK;
	vm_fault_t ret = 0;
	bool still;

	if (vmf->pgoff != VGPU_MMAP_DOORBELLS >> PAGE_SHIFT)
		return vmf_insert_pfn(vma, address,
				      page_to_pfn(vgpu_shpages_timelines(sp)));
	filemap_invalidate_lock_shared(mapping);
	still = vgpu_client_is_still(client);
	if (!still)
		ret = vmf_insert_pfn(vma, address,
				     page_to_pfn(vgpu_shpages_doorbells(sp)));
	filemap_invalidate_unlock_shared(mapping);
	return still ? vgpu_client_still_fault(client, vmf) : ret;
}

static const struct vm_operations_struct shpage_vm_ops = {
	.fault = shpage_fault,
};

/* 0 or an errno. Another client's memory gets the same answer as none at all. */
static int check_own_bo(struct vgpu_file *vf, u64 offset, u64 bytes)
{
	struct vgpu_bo *bo;
	u64 bo_offset;

	bo = vgpu_client_bo_at(vgpu_file_client(vf), offset, bytes, &bo_offset);
	if (IS_ERR_OR_NULL(bo))
		return bo ? PTR_ERR(bo) : -EINVAL;
	vgpu_bo_put(bo);
	return 0;
}

int vgpu_node_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vgpu_file *vf = file->private_data;
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
		ret = check_own_bo(vf, offset, bytes);
		if (ret)
			return ret;
		vma->vm_ops = &bo_vm_ops;
	}

	vgpu_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vgpu_vm_flags_clear(vma, clear);
	return 0;
}
