/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_COMPAT_MM_H
#define _VGPU_COMPAT_MM_H

#include <linux/mm.h>
#include <vgpu_compat_config.h>

/* Only for a VMA that mmap() is just making: nobody else sees it yet. */
static inline void vgpu_vm_flags_set(struct vm_area_struct *vma,
				     unsigned long flags)
{
#ifdef HAVE_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void vgpu_vm_flags_clear(struct vm_area_struct *vma,
				       unsigned long flags)
{
#ifdef HAVE_VM_FLAGS_SET
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

#endif /* _VGPU_COMPAT_MM_H */
