// SPDX-License-Identifier: GPL-2.0
/*
 * Between user memory and checked copies of it.  Each byte is read once: what
 * was checked is what is used, whatever the tenant writes meanwhile.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <vgpu/ioctl.h>

#include "ioctl_priv.h"

/* Bytes of the results that lie within the user's structure. */
static size_t out_bytes(const struct vgpu_ioctl_desc *desc, u32 user_size)
{
	if (user_size <= desc->out_offset)
		return 0;
	return min_t(size_t, desc->out_bytes, user_size - desc->out_offset);
}

/**
 * vgpu_ioctl_copy_in() - takes over a structure from a program
 * @desc: its call
 * @uarg: the structure
 * @arg: VGPU_ARG_MAX bytes, filled
 * @user_size: filled with its size, as the program said it
 *
 * Context: process, may fault.
 * Return: 0, or -EINVAL, -E2BIG, -EOPNOTSUPP, -EFAULT as vgpu/ioctl.h says.
 */
int vgpu_ioctl_copy_in(const struct vgpu_ioctl_desc *desc, void __user *uarg,
		       void *arg, u32 *user_size)
{
	size_t out;
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < desc->min_size)
		return -EINVAL;
	/* nothing is that long; do not search gigabytes for a nonzero byte */
	if (size > PAGE_SIZE)
		return -E2BIG;

	memset(arg, 0, VGPU_ARG_MAX);
	ret = copy_struct_from_user(arg, desc->size, uarg, size);
	if (ret)
		return ret;
	/* the field may have changed between the two reads */
	memcpy(arg, &size, sizeof(size));

	ret = vgpu_ioctl_check_user(desc, arg);
	if (!ret)
		ret = vgpu_ioctl_check_fields(desc, arg);
	if (ret)
		return ret;

	out = out_bytes(desc, size);
	if (out && fault_in_writeable(uarg + desc->out_offset, out))
		return -EFAULT;

	*user_size = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_copy_in, VGPU);

/**
 * vgpu_ioctl_copy_out() - gives results to a program
 * @desc: the call
 * @uarg: the program's structure
 * @arg: ours
 * @user_size: from vgpu_ioctl_copy_in()
 *
 * Only results are written: what the program passed in stays as it was.  After an
 * error the caller takes back what the program was not told of, see
 * vgpu_ioctl_handle().
 *
 * Context: process, may fault.
 * Return: 0 or -EFAULT.
 */
int vgpu_ioctl_copy_out(const struct vgpu_ioctl_desc *desc, void __user *uarg,
			const void *arg, u32 user_size)
{
	size_t out = out_bytes(desc, user_size);

	if (out && copy_to_user(uarg + desc->out_offset,
				arg + desc->out_offset, out))
		return -EFAULT;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_copy_out, VGPU);

static int copy_elements(void *to, const void __user *from, u32 count,
			 u32 elem_bytes, u32 stride)
{
	u32 i;
	int ret;

	if (stride == elem_bytes)
		return copy_from_user(to, from, (size_t)count * elem_bytes) ?
			-EFAULT : 0;

	for (i = 0; i < count; i++) {
		ret = copy_struct_from_user(to + (size_t)i * elem_bytes,
					    elem_bytes,
					    from + (size_t)i * stride, stride);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * vgpu_ioctl_payload_in() - takes over the array that a structure names
 * @desc: the call
 * @arg: the structure, from vgpu_ioctl_copy_in(); its stride is changed to
 *	that of the copy
 * @payload: the copy, for kvfree(); NULL when there is none
 * @payload_bytes: its length
 *
 * The memory is charged to the caller's memory cgroup; the table bounds it.
 *
 * Context: process, may fault.
 * Return: 0, or -EINVAL, -E2BIG, -EFAULT, -ENOMEM as vgpu/ioctl.h says.
 */
int vgpu_ioctl_payload_in(const struct vgpu_ioctl_desc *desc, void *arg,
			  void **payload, size_t *payload_bytes)
{
	u32 count, stride, packed = desc->elem_bytes;
	u64 ptr;
	void *buf;
	int ret;

	*payload = NULL;
	*payload_bytes = 0;
	if (!desc->ptr_offset)
		return 0;

	ret = vgpu_ioctl_check_array(desc, arg, &count, &stride);
	if (ret || !count)
		return ret;

	memcpy(&ptr, arg + desc->ptr_offset, sizeof(ptr));
	if (ptr != (uintptr_t)ptr)
		return -EFAULT;

	buf = kvmalloc_array(count, packed, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;

	ret = copy_elements(buf, u64_to_user_ptr(ptr), count, packed, stride);
	if (ret) {
		kvfree(buf);
		return ret;
	}

	memcpy(arg + desc->stride_offset, &packed, sizeof(packed));
	*payload = buf;
	*payload_bytes = (size_t)count * packed;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_payload_in, VGPU);
