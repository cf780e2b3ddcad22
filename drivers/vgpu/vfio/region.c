// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: what VFIO calls the BARs and config space, what user space may map
 * of them, and reads and writes of all of them.
 */
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio_pci_core.h>

#include "vfio_priv.h"

/* Bytes of one step of an access to registers or config space. */
#define STEP	64

static u64 region_bytes(struct vgpu_vfio *v, u32 index)
{
	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return VGPU_VFIO_CONFIG_SIZE;
	case VFIO_PCI_BAR0_REGION_INDEX:
		return VGPU_BAR0_SIZE;
	case VFIO_PCI_BAR2_REGION_INDEX:
		return v->aperture;
	default:
		return 0;
	}
}

/* Of BAR0, only the pages of doorbells and timelines never trap. */
static int add_sparse_mmap(struct vfio_info_cap *caps)
{
	struct vfio_region_info_cap_sparse_mmap *sparse;
	size_t bytes = struct_size(sparse, areas, 2);
	int ret;

	sparse = kzalloc(bytes, GFP_KERNEL);
	if (!sparse)
		return -ENOMEM;
	sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse->header.version = 1;
	sparse->nr_areas = 2;
	sparse->areas[0].offset = VGPU_BAR0_DOORBELLS;
	sparse->areas[0].size = 2 * PAGE_SIZE;
	sparse->areas[1].offset = VGPU_BAR0_BELLS;
	sparse->areas[1].size = VGPU_BELL_PAGES * PAGE_SIZE;
	ret = vfio_info_add_capability(caps, &sparse->header, bytes);
	kfree(sparse);
	return ret;
}

/**
 * vgpu_vfio_region_info() - VFIO_DEVICE_GET_REGION_INFO
 * @v: the device
 * @arg: user's struct vfio_region_info
 *
 * Context: process.
 * Return: 0 or errno.
 */
int vgpu_vfio_region_info(struct vgpu_vfio *v, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_region_info, offset);
	void __user *uarg = (void __user *)arg;
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	int ret = 0;

	if (copy_from_user(&info, uarg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;

	info.offset = VFIO_PCI_INDEX_TO_OFFSET(info.index);
	info.size = region_bytes(v, info.index);
	info.cap_offset = 0;
	info.flags = 0;
	if (info.size)
		info.flags = VFIO_REGION_INFO_FLAG_READ |
			     VFIO_REGION_INFO_FLAG_WRITE;
	if (info.index == VFIO_PCI_BAR2_REGION_INDEX)
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (info.index == VFIO_PCI_BAR0_REGION_INDEX) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
		ret = add_sparse_mmap(&caps);
		if (ret)
			return ret;
	}

	if (caps.size) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (info.argsz < sizeof(info) + caps.size) {
			info.argsz = sizeof(info) + caps.size;
		} else {
			vfio_info_cap_shift(&caps, sizeof(info));
			if (copy_to_user(uarg + sizeof(info), caps.buf,
					 caps.size))
				ret = -EFAULT;
			info.cap_offset = sizeof(info);
		}
		kfree(caps.buf);
	}
	if (!ret && copy_to_user(uarg, &info, minsz))
		ret = -EFAULT;
	return ret;
}

/* Where an access lies; 0 bytes at the end of a region. */
static int find(struct vgpu_vfio *v, loff_t pos, size_t count, u32 *index,
		u64 *offset, size_t *bytes)
{
	u64 size;

	if (pos < 0)
		return -EINVAL;
	*index = VFIO_PCI_OFFSET_TO_INDEX(pos);
	*offset = pos & VFIO_PCI_OFFSET_MASK;
	if (*index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	size = region_bytes(v, *index);
	if (!size || *offset > size)
		return -EINVAL;
	*bytes = min_t(u64, count, size - *offset);
	return 0;
}

/* BAR2 for who does not map it; what belongs to nobody reads as zero. */
static int bar2_access(struct vgpu_vfio *v, u64 offset, char __user *to,
		       const char __user *from, u32 n)
{
	struct vgpu_bo *bo;
	struct page *page;
	u64 bo_offset;
	void *p;
	int ret = 0;

	bo = vgpu_instance_bo_at(v->inst, offset, n, &bo_offset);
	page = bo ? vgpu_bo_page(bo, bo_offset) : NULL;
	if (page) {
		p = kmap_local_page(page) + offset_in_page(offset);
		if (to && copy_to_user(to, p, n))
			ret = -EFAULT;
		if (from && copy_from_user(p, from, n))
			ret = -EFAULT;
		kunmap_local(p);
	} else if (to && clear_user(to, n)) {
		ret = -EFAULT;
	}
	if (bo)
		vgpu_bo_put(bo);
	return ret;
}

static int step_read(struct vgpu_vfio *v, u32 index, u64 offset,
		     char __user *to, u32 n)
{
	u8 buf[STEP] __aligned(8);

	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		vgpu_vfio_config_read(v, offset, buf, n);
		break;
	case VFIO_PCI_BAR0_REGION_INDEX:
		vgpu_vfio_bar0_read(v, offset, buf, n);
		break;
	default:
		return bar2_access(v, offset, to, NULL, n);
	}
	return copy_to_user(to, buf, n) ? -EFAULT : 0;
}

static int step_write(struct vgpu_vfio *v, u32 index, u64 offset,
		      const char __user *from, u32 n)
{
	u8 buf[STEP] __aligned(8);

	if (index == VFIO_PCI_BAR2_REGION_INDEX)
		return bar2_access(v, offset, NULL, from, n);
	if (copy_from_user(buf, from, n))
		return -EFAULT;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		vgpu_vfio_config_write(v, offset, buf, n);
	else
		vgpu_vfio_bar0_write(v, offset, buf, n);
	return 0;
}

/* A step crosses no page; 64 bytes where they are copied twice. */
static u32 step(u32 index, u64 offset, size_t left)
{
	u32 most = PAGE_SIZE - offset_in_page(offset);

	if (index != VFIO_PCI_BAR2_REGION_INDEX)
		most = min_t(u32, most, STEP);
	return min_t(size_t, left, most);
}

ssize_t vgpu_vfio_read(struct vfio_device *vdev, char __user *buf,
		       size_t count, loff_t *ppos)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);
	size_t bytes, done;
	u64 offset;
	u32 index, n;
	int ret;

	ret = find(v, *ppos, count, &index, &offset, &bytes);
	if (ret)
		return ret;
	for (done = 0; done < bytes; done += n) {
		n = step(index, offset + done, bytes - done);
		ret = step_read(v, index, offset + done, buf + done, n);
		if (ret)
			return done ? done : ret;
		cond_resched();
	}
	*ppos += done;
	return done;
}

ssize_t vgpu_vfio_write(struct vfio_device *vdev, const char __user *buf,
			size_t count, loff_t *ppos)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);
	size_t bytes, done;
	u64 offset;
	u32 index, n;
	int ret;

	ret = find(v, *ppos, count, &index, &offset, &bytes);
	if (ret)
		return ret;
	for (done = 0; done < bytes; done += n) {
		n = step(index, offset + done, bytes - done);
		ret = step_write(v, index, offset + done, buf + done, n);
		if (ret)
			return done ? done : ret;
		cond_resched();
	}
	*ppos += done;
	return done;
}
