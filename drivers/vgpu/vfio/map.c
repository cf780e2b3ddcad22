// SPDX-License-Identifier: GPL-2.0
/*
 * What user space maps: the shared pages of BAR0 and the aperture, BAR2.
 *
 * VFIO's file on some kernels shares its inode with every other VFIO file, so
 * that zapping one device's mappings would hit all.  Each opening of a device
 * therefore has a file of its own, whose mapping is the instance's; mmap()
 * puts it in place of VFIO's.  It also keeps alive, for as long as a VMA is
 * left, whatever the fault handler needs; an opening that ended is marked so
 * that its VMAs never show the next opening's memory.
 *
 * Offsets in the instance's mapping are those of the uAPI: BOs by their
 * mmap_offset (what the aperture is made of), the shared pages at
 * VGPU_MMAP_DOORBELLS and VGPU_MMAP_TIMELINES, further doorbells behind them.
 *
 * A fault in a hole of the aperture, or at doorbells of nobody, finds a scratch
 * page: a guest may touch any address of its BAR, and KVM takes a fault without a
 * page for a broken VM.  A fault waits for nothing but the short invalidate lock; neither for
 * an engine nor for a call in progress, because calls copy from and to guest
 * memory and a guest might have put that in the BAR.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/vfio_pci_core.h>

#include "../compat/mm.h"
#include "vfio_priv.h"

/* Pages inserted by one fault: a guest that touches one touches more. */
#define FAULT_AROUND	16

/**
 * struct vgpu_vfio_map - mappings of one opening
 * @inst: whose memory; with a reference
 * @file: that VMAs hold in place of VFIO's; owns the rest
 * @sp: the shared pages
 * @bells: further pages of doorbells, made when they are first needed
 * @scratch: behind holes
 * @dead: the opening ended; under the mapping's invalidate lock
 */
struct vgpu_vfio_map {
	struct vgpu_instance *inst;
	struct file *file;
	struct vgpu_shpages *sp;
	struct vgpu_shpages *bells[VGPU_BELL_PAGES];
	struct page *scratch;
	bool dead;
};

/* Offset in the instance's mapping of what is at @offset in BAR0. */
#define BAR0_AT(offset)	(VGPU_MMAP_DOORBELLS - VGPU_BAR0_DOORBELLS + (offset))

static void map_free(struct vgpu_vfio_map *map)
{
	unsigned int i;

	for (i = 0; i < VGPU_BELL_PAGES; i++)
		vgpu_shpages_put(map->bells[i]);
	if (map->sp)
		vgpu_shpages_put(map->sp);
	if (map->scratch)
		__free_page(map->scratch);
	vgpu_instance_put(map->inst);
	kfree(map);
}

static int map_release(struct inode *inode, struct file *file)
{
	map_free(file->private_data);
	return 0;
}

static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.release = map_release,
};

/**
 * vgpu_vfio_map_create() - begins an opening
 * @inst: the vGPU
 *
 * Context: process.
 * Return: to be ended by vgpu_vfio_map_kill(), or ERR_PTR.
 */
struct vgpu_vfio_map *vgpu_vfio_map_create(struct vgpu_instance *inst)
{
	struct vgpu_vfio_map *map;
	struct file *file;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->inst = inst;
	vgpu_instance_hold(inst);
	map->sp = vgpu_shpages_create();
	map->scratch = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!map->sp || !map->scratch) {
		map_free(map);
		return ERR_PTR(-ENOMEM);
	}

	file = anon_inode_getfile("[vgpu-vfio]", &map_fops, map, O_RDWR);
	if (IS_ERR(file)) {
		map_free(map);
		return ERR_CAST(file);
	}
	file->f_mapping = vgpu_instance_mapping(inst);
	map->file = file;
	return map;
}

void vgpu_vfio_map_kill(struct vgpu_vfio_map *map)
{
	struct address_space *mapping = vgpu_instance_mapping(map->inst);

	filemap_invalidate_lock(mapping);
	map->dead = true;
	unmap_mapping_range(mapping, 0, 0, 1);
	filemap_invalidate_unlock(mapping);
	fput(map->file);
}

struct vgpu_shpages *vgpu_vfio_map_shpages(struct vgpu_vfio_map *map)
{
	return map->sp;
}

/**
 * vgpu_vfio_map_bells() - a page of doorbells for a client of its own
 * @map: the opening
 * @page: from 1 to VGPU_BELL_PAGES, which no client has
 *
 * Context: process, the device's call_lock held.
 * Return: the page, empty; NULL: no memory.
 */
struct vgpu_shpages *vgpu_vfio_map_bells(struct vgpu_vfio_map *map, u32 page)
{
	struct vgpu_shpages *sp = map->bells[page - 1];

	if (sp) {
		memzero_page(vgpu_shpages_doorbells(sp), 0, PAGE_SIZE);
		return sp;
	}
	sp = vgpu_shpages_create();
	if (!sp)
		return NULL;
	/* whoever looks at it without the lock finds all of it, or nothing */
	smp_store_release(&map->bells[page - 1], sp);
	/* in place of the scratch page */
	vgpu_vfio_map_zap(map, BAR0_AT(VGPU_BAR0_BELLS) +
			  (page - 1) * PAGE_SIZE, PAGE_SIZE);
	return sp;
}

struct vgpu_shpages *vgpu_vfio_map_find_bells(struct vgpu_vfio_map *map,
					      u32 page)
{
	if (!page)
		return map->sp;
	if (page > VGPU_BELL_PAGES)
		return NULL;
	page = array_index_nospec(page - 1, VGPU_BELL_PAGES);
	/* all of it is there, see vgpu_vfio_map_bells() */
	return smp_load_acquire(&map->bells[page]);
}

void vgpu_vfio_map_clear(struct vgpu_vfio_map *map)
{
	struct vgpu_shpages *sp;
	u32 i;

	for (i = 0; i <= VGPU_BELL_PAGES; i++) {
		sp = vgpu_vfio_map_find_bells(map, i);
		if (sp)
			memzero_page(vgpu_shpages_doorbells(sp), 0, PAGE_SIZE);
	}
	memzero_page(vgpu_shpages_timelines(map->sp), 0, PAGE_SIZE);
}

void vgpu_vfio_map_zap(struct vgpu_vfio_map *map, u64 offset, u64 bytes)
{
	struct address_space *mapping = vgpu_instance_mapping(map->inst);

	filemap_invalidate_lock(mapping);
	unmap_mapping_range(mapping, offset, bytes, 1);
	filemap_invalidate_unlock(mapping);
}

/* @bo_out: to be put when the lock is released, or NULL */
static vm_fault_t fault_aperture(struct vgpu_vfio_map *map,
				 struct vm_fault *vmf, struct vgpu_bo **bo_out)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PAGE_MASK;
	u64 offset = (u64)vmf->pgoff << PAGE_SHIFT;
	u64 bo_offset;
	struct vgpu_bo *bo;
	struct page *page;
	vm_fault_t ret;
	int i;

	bo = vgpu_instance_bo_at(map->inst, offset, PAGE_SIZE, &bo_offset);
	page = bo ? vgpu_bo_page(bo, bo_offset) : NULL;
	ret = vmf_insert_pfn(vma, addr,
			     page_to_pfn(page ? page : map->scratch));

	for (i = 1; bo && i < FAULT_AROUND && ret == VM_FAULT_NOPAGE; i++) {
		addr += PAGE_SIZE;
		bo_offset += PAGE_SIZE;
		if (addr >= vma->vm_end || bo_offset >= vgpu_bo_bytes(bo))
			break;
		page = vgpu_bo_page(bo, bo_offset);
		/* more than was asked for: its failure is no matter */
		if (!page ||
		    vmf_insert_pfn(vma, addr, page_to_pfn(page)) !=
		    VM_FAULT_NOPAGE)
			break;
	}
	*bo_out = bo;
	return ret;
}

/* At doorbells of nobody, too, there has to be something. */
static struct page *bells_page(struct vgpu_vfio_map *map, u64 index)
{
	struct vgpu_shpages *sp = vgpu_vfio_map_find_bells(map, index + 1);

	return sp ? vgpu_shpages_doorbells(sp) : map->scratch;
}

static vm_fault_t map_fault(struct vm_fault *vmf)
{
	const u64 bells = BAR0_AT(VGPU_BAR0_BELLS) >> PAGE_SHIFT;
	struct vm_area_struct *vma = vmf->vma;
	struct vgpu_vfio_map *map = vma->vm_file->private_data;
	struct address_space *mapping = vma->vm_file->f_mapping;
	unsigned long addr = vmf->address & PAGE_MASK;
	struct vgpu_bo *bo = NULL;
	struct page *page;
	vm_fault_t ret;

	filemap_invalidate_lock_shared(mapping);
	if (map->dead) {
		ret = VM_FAULT_SIGBUS;
	} else if (vmf->pgoff == VGPU_MMAP_DOORBELLS >> PAGE_SHIFT) {
		page = vgpu_shpages_doorbells(map->sp);
		ret = vmf_insert_pfn(vma, addr, page_to_pfn(page));
	} else if (vmf->pgoff == VGPU_MMAP_TIMELINES >> PAGE_SHIFT) {
		page = vgpu_shpages_timelines(map->sp);
		ret = vmf_insert_pfn(vma, addr, page_to_pfn(page));
	} else if (vmf->pgoff >= bells &&
		   vmf->pgoff < bells + VGPU_BELL_PAGES) {
		page = bells_page(map, vmf->pgoff - bells);
		ret = vmf_insert_pfn(vma, addr, page_to_pfn(page));
	} else {
		ret = fault_aperture(map, vmf, &bo);
	}
	filemap_invalidate_unlock_shared(mapping);
	if (bo)
		vgpu_bo_put(bo);
	return ret;
}

static const struct vm_operations_struct map_vm_ops = {
	.fault = map_fault,
};

/**
 * vgpu_vfio_mmap() - maps part of a BAR
 * @vdev: the device
 * @vma: where to
 *
 * The page of timelines may be mapped writable, because QEMU maps a region
 * with all the access it grants: a guest that writes there deceives itself
 * only, the core never reads it.
 *
 * Context: process, mmap lock held.
 * Return: 0 or -EINVAL.
 */
int vgpu_vfio_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 bytes = vma->vm_end - vma->vm_start;
	u64 offset = pos & VFIO_PCI_OFFSET_MASK;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	switch (VFIO_PCI_OFFSET_TO_INDEX(pos)) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		if ((offset < VGPU_BAR0_DOORBELLS ||
		     offset + bytes > VGPU_BAR0_TIMELINES + PAGE_SIZE) &&
		    (offset < VGPU_BAR0_BELLS ||
		     offset + bytes > VGPU_BAR0_BELLS +
				      VGPU_BELL_PAGES * PAGE_SIZE))
			return -EINVAL;
		BUILD_BUG_ON(VGPU_MMAP_TIMELINES !=
			     BAR0_AT(VGPU_BAR0_TIMELINES));
		offset = BAR0_AT(offset);
		break;
	case VFIO_PCI_BAR2_REGION_INDEX:
		if (offset + bytes > v->aperture)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}

	vma->vm_pgoff = offset >> PAGE_SHIFT;
	vgpu_vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &map_vm_ops;
	vma_set_file(vma, v->map->file);
	return 0;
}
