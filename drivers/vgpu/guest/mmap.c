// SPDX-License-Identifier: GPL-2.0
/*
 * mmap() of the node in the VM: the file's own BOs, its own page of timelines, and its own
 * page of doorbells in BAR0.  The first page of these is one for the whole device, and
 * its queues belong to many files: it is not given to programs.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "../compat/mm.h"
#include "guest_priv.h"

static vm_fault_t bo_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_guest_file *gf = vma->vm_file->private_data;
	struct address_space *mapping = vma->vm_file->f_mapping;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;

	filemap_invalidate_lock_shared(mapping);
	if (!READ_ONCE(gf->g->dead) &&
	    vgpu_guest_bo_pfn(gf, (u64)vmf->pgoff << PAGE_SHIFT, PAGE_SIZE,
			      &pfn))
		ret = vmf_insert_pfn(vma, vmf->address & PAGE_MASK, pfn);
	filemap_invalidate_unlock_shared(mapping);
	return ret;
}

static const struct vm_operations_struct bo_vm_ops = {
	.fault = bo_fault,
};

/* The file, which each VMA holds, keeps its page. */
static vm_fault_t timelines_fault(struct vm_fault *vmf)
{
	struct vgpu_guest_file *gf = vmf->vma->vm_file->private_data;

	return vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK,
			      PHYS_PFN(virt_to_phys(gf->tl_page)));
}

static const struct vm_operations_struct timelines_vm_ops = {
	.fault = timelines_fault,
};

static int map_timelines(struct vm_area_struct *vma, u64 bytes)
{
	if (bytes != PAGE_SIZE)
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vgpu_vm_flags_clear(vma, VM_MAYWRITE);
	vma->vm_ops = &timelines_vm_ops;
	return 0;
}

/* Of the device, and gone with it. */
static vm_fault_t bells_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_guest_file *gf = vma->vm_file->private_data;
	struct address_space *mapping = vma->vm_file->f_mapping;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	phys_addr_t at = gf->g->regs_base + VGPU_BAR0_BELLS +
			 (gf->bells - 1) * PAGE_SIZE;

	filemap_invalidate_lock_shared(mapping);
	if (!READ_ONCE(gf->g->dead))
		ret = vmf_insert_pfn(vma, vmf->address & PAGE_MASK,
				     PHYS_PFN(at));
	filemap_invalidate_unlock_shared(mapping);
	return ret;
}

static const struct vm_operations_struct bells_vm_ops = {
	.fault = bells_fault,
};

static int map_bells(struct vgpu_guest_file *gf, struct vm_area_struct *vma,
		     u64 bytes)
{
	/* an old host has but the one for all */
	if (!gf->bells)
		return -EOPNOTSUPP;
	if (bytes != PAGE_SIZE)
		return -EINVAL;
	vma->vm_ops = &bells_vm_ops;
	return 0;
}

static int map_bo(struct vgpu_guest_file *gf, struct vm_area_struct *vma,
		  u64 offset, u64 bytes)
{
	struct address_space *mapping = gf->g->map_file->f_mapping;
	unsigned long pfn;
	bool found;

	/* another file's memory gets the same answer as none at all */
	filemap_invalidate_lock_shared(mapping);
	found = vgpu_guest_bo_pfn(gf, offset, bytes, &pfn);
	filemap_invalidate_unlock_shared(mapping);
	if (!found)
		return -EINVAL;
	vma->vm_ops = &bo_vm_ops;
	return 0;
}

int vgpu_guest_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vgpu_guest_file *gf = file->private_data;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 bytes = vma->vm_end - vma->vm_start;
	int ret;

	/* a private copy would not be the GPU's memory */
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	if (READ_ONCE(gf->g->dead))
		return -ENODEV;

	switch (offset) {
	case VGPU_MMAP_DOORBELLS:
		ret = map_bells(gf, vma, bytes);
		break;
	case VGPU_MMAP_TIMELINES:
		ret = map_timelines(vma, bytes);
		break;
	default:
		ret = map_bo(gf, vma, offset, bytes);
	}
	if (ret)
		return ret;

	vgpu_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vgpu_vm_flags_clear(vma, VM_MAYEXEC);
	return 0;
}
