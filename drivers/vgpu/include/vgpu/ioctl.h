/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One table of the tenant's calls: sizes, padding, flags, arrays.  Shared by
 * the device node, the VFIO face's admin channel and the guest's driver
 * (which links it in), so that the same structure is refused with the same
 * errno wherever it comes in.
 */
#ifndef _VGPU_IOCTL_H
#define _VGPU_IOCTL_H

#include <linux/types.h>
#include <uapi/linux/vgpu.h>
#include <vgpu/filter.h>
#include <vgpu/quota.h>

#define VGPU_ARG_MAX	192	/* largest structure of a call, bytes */

/* Byte ranges of a structure that must be zero on the way in. */
struct vgpu_ioctl_pad {
	u16 offset;
	u16 bytes;
};

/**
 * struct vgpu_ioctl_desc - one call
 * @call: enum vgpu_call or enum vgpu_ctl_call
 * @name: for messages and figures
 * @right: VGPU_RIGHT_* that it needs, 0: none
 * @cost: BIT(VGPU_RES_*) that it may run out of, or wait for; 0: none.  A handle that it
 *	gives is one of VGPU_RES_HANDLES besides
 * @size: of the structure today
 * @min_size: of its first published layout
 * @out_offset: of the first byte that is copied back
 * @out_bytes: how many are; 0: nothing is
 * @handle_offset: of the __u32 handle that it gives, 0 without
 * @flags_offset: of its __u32 flags, 0 without
 * @flags_valid: flags that are known; others get -EOPNOTSUPP
 * @ptr_offset: of the __u64 pointer to its array, 0 without
 * @count_offset: of the array's __u32 count
 * @stride_offset: of the array's __u32 stride
 * @elem_bytes: size of one element today
 * @min_count: fewest elements
 * @max_count: most elements
 * @user_zero: must be zero when it comes from user memory
 * @pads: what must always be zero
 */
struct vgpu_ioctl_desc {
	u32 call;
	const char *name;
	u32 right;
	u32 cost;
	u16 size;
	u16 min_size;
	u16 out_offset;
	u16 out_bytes;
	u16 handle_offset;
	u16 flags_offset;
	u32 flags_valid;
	u16 ptr_offset;
	u16 count_offset;
	u16 stride_offset;
	u16 elem_bytes;
	u32 min_count;
	u32 max_count;
	struct vgpu_ioctl_pad user_zero;
	struct vgpu_ioctl_pad pads[4];
};

/*
 * NULL when there is no such call. The index is speculation-safe. Knows the
 * tenant's calls and the management node's: a tenant's way in takes only what
 * vgpu_ioctl_for_tenant() says.
 */
const struct vgpu_ioctl_desc *vgpu_ioctl_find(u32 call);

static inline bool vgpu_ioctl_for_tenant(const struct vgpu_ioctl_desc *desc)
{
	return desc->call < VGPU_CALL_END;
}

/*
 * Structure in kernel memory that nobody else can write: @bytes of @msg go to
 * @arg (VGPU_ARG_MAX, zero filled). -EINVAL too short, size field not @bytes,
 * or padding dirty; -E2BIG tail not zero; -EOPNOTSUPP unknown flags.
 */
int vgpu_ioctl_check(const struct vgpu_ioctl_desc *desc, const void *msg,
		     size_t bytes, void *arg);
/*
 * The same from user memory. *user_size is what the user said. The whole
 * structure is read once. -EFAULT also when results could not be written
 * back, so that nothing is done whose result would be lost.
 */
int vgpu_ioctl_copy_in(const struct vgpu_ioctl_desc *desc, void __user *uarg,
		       void *arg, u32 *user_size);
/*
 * Copies back the results that fit into the user's size. After -EFAULT (the
 * program took its memory away meanwhile) the caller takes back what they name.
 */
int vgpu_ioctl_copy_out(const struct vgpu_ioctl_desc *desc,
			void __user *uarg, const void *arg, u32 user_size);
/* The handle among the results of a call that worked, or 0. */
u32 vgpu_ioctl_handle(const struct vgpu_ioctl_desc *desc, const void *arg);
/*
 * The array that @arg names: kvmalloc'ed (accounted; kvfree() it), packed at
 * elem_bytes, which is what @arg's stride says afterwards; *payload NULL
 * without one. -EINVAL stride or count, -E2BIG nonzero tail of a longer
 * element, -EFAULT, -ENOMEM.
 */
int vgpu_ioctl_payload_in(const struct vgpu_ioctl_desc *desc, void *arg,
			  void **payload, size_t *payload_bytes);
/*
 * For an array that came beside @arg in kernel memory: -EINVAL when @arg's
 * count and stride do not stand for @payload_bytes packed bytes.
 */
int vgpu_ioctl_payload_check(const struct vgpu_ioctl_desc *desc,
			     const void *arg, size_t payload_bytes);

#endif /* _VGPU_IOCTL_H */
