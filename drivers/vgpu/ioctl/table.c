// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of each call, and the rules that follow from it alone.
 *
 * Built twice: into vgpu.ko, where it also serves vgpu_vfio.ko, and into
 * vgpu_guest.ko, which lives in machines that have no vgpu.ko.  Hence no
 * state, and nothing here knows what a handle is.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <vgpu/ioctl.h>

#include "ioctl_priv.h"

/* Results lie side by side in each structure, from @first to @last. */
#define OUT(type, first, last)						\
	.out_offset = offsetof(type, first),				\
	.out_bytes = offsetofend(type, last) - offsetof(type, first)

/* Among the results: a handle, which is closed if they can't be told. */
#define HANDLE(type)							\
	.handle_offset = offsetof(type, handle)

#define PAD(type, member)						\
	{ offsetof(type, member), sizeof_field(type, member) }

#define FLAGS(type, member, valid)					\
	.flags_offset = offsetof(type, member), .flags_valid = (valid)

#define ARRAY(type, ptr, count, stride, elem, min, max)			\
	.ptr_offset = offsetof(type, ptr),				\
	.count_offset = offsetof(type, count),				\
	.stride_offset = offsetof(type, stride),			\
	.elem_bytes = sizeof(elem), .min_count = (min), .max_count = (max)

/* @published: sizeof() of the first layout; a number, it never changes. */
#define DESC(first, id, label, type, published, ...)			\
	[(id) - (first)] = {						\
		.call = (id), .name = (label),				\
		.size = sizeof(type) +					\
			BUILD_BUG_ON_ZERO(sizeof(type) > VGPU_ARG_MAX) + \
			BUILD_BUG_ON_ZERO(sizeof(type) % 8 != 0) +	\
			BUILD_BUG_ON_ZERO(sizeof(type) < (published)) +	\
			BUILD_BUG_ON_ZERO(offsetof(type, size) != 0),	\
		.min_size = (published),				\
		__VA_ARGS__						\
	}
#define CALL(id, ...)	DESC(VGPU_CALL_INFO, id, __VA_ARGS__)
#define CTL(id, ...)	DESC(VGPU_CTL_CALL_CREATE, id, __VA_ARGS__)

#define PROT_ALL	(VGPU_PROT_READ | VGPU_PROT_WRITE | VGPU_PROT_EXEC)
#define IRQ_ALL		(VGPU_QUEUE_IRQ_ERROR | VGPU_QUEUE_IRQ_PRESSURE | \
			 VGPU_QUEUE_IRQ_BROKEN | VGPU_QUEUE_IRQ_LATE)

/* As many pages as the largest admin page (1 MiB) has room for. */
#define MAX_PAGES	131072
#define MAX_CMDS	1024

static const struct vgpu_ioctl_desc calls[] = {
	CALL(VGPU_CALL_INFO, "info", struct vgpu_info, 120,
	     OUT(struct vgpu_info, version, gpu_name)),
	CALL(VGPU_CALL_CLOSE, "close", struct vgpu_close, 8),
	CALL(VGPU_CALL_BO_CREATE, "bo-create", struct vgpu_bo_create, 56,
	     .right = VGPU_RIGHT_MEMORY,
	     .cost = BIT(VGPU_RES_MEMORY),
	     FLAGS(struct vgpu_bo_create, flags, VGPU_BO_HOST | VGPU_BO_SHARE),
	     OUT(struct vgpu_bo_create, handle, mmap_offset),
	     HANDLE(struct vgpu_bo_create),
	     ARRAY(struct vgpu_bo_create, pages, page_count, page_stride,
		   __u64, 0, MAX_PAGES),
	     .user_zero = { offsetof(struct vgpu_bo_create, pages),
			    sizeof(struct vgpu_bo_create) -
			    offsetof(struct vgpu_bo_create, pages) },
	     .pads = { PAD(struct vgpu_bo_create, pad) }),
	CALL(VGPU_CALL_VM_CREATE, "vm-create", struct vgpu_vm_create, 16,
	     .right = VGPU_RIGHT_MEMORY,
	     .cost = BIT(VGPU_RES_MEMORY),
	     FLAGS(struct vgpu_vm_create, flags, VGPU_VM_PINNED),
	     OUT(struct vgpu_vm_create, handle, handle),
	     HANDLE(struct vgpu_vm_create),
	     .pads = { PAD(struct vgpu_vm_create, pad) }),
	CALL(VGPU_CALL_VM_MAP, "vm-map", struct vgpu_vm_map, 40,
	     .right = VGPU_RIGHT_MEMORY,
	     .cost = BIT(VGPU_RES_MEMORY),
	     FLAGS(struct vgpu_vm_map, prot, PROT_ALL)),
	CALL(VGPU_CALL_VM_UNMAP, "vm-unmap", struct vgpu_vm_unmap, 24,
	     /* it may have to split a page */
	     .cost = BIT(VGPU_RES_MEMORY)),
	CALL(VGPU_CALL_CTX_CREATE, "ctx-create", struct vgpu_ctx_create, 24,
	     .right = VGPU_RIGHT_QUEUE,
	     .cost = BIT(VGPU_RES_CONTEXTS),
	     FLAGS(struct vgpu_ctx_create, flags, 0),
	     OUT(struct vgpu_ctx_create, handle, handle),
	     HANDLE(struct vgpu_ctx_create),
	     .pads = { PAD(struct vgpu_ctx_create, pad) }),
	CALL(VGPU_CALL_QUEUE_CREATE, "queue-create", struct vgpu_queue_create,
	     48,
	     .right = VGPU_RIGHT_QUEUE,
	     FLAGS(struct vgpu_queue_create, flags,
		   VGPU_QUEUE_RING | VGPU_QUEUE_FENCED),
	     OUT(struct vgpu_queue_create, handle, doorbell),
	     HANDLE(struct vgpu_queue_create)),
	CALL(VGPU_CALL_TIMELINE_CREATE, "timeline-create",
	     struct vgpu_timeline_create, 24,
	     .right = VGPU_RIGHT_SYNC,
	     FLAGS(struct vgpu_timeline_create, flags, 0),
	     OUT(struct vgpu_timeline_create, handle, slot),
	     HANDLE(struct vgpu_timeline_create)),
	CALL(VGPU_CALL_SUBMIT, "submit", struct vgpu_submit, 40,
	     .right = VGPU_RIGHT_QUEUE,
	     .cost = BIT(VGPU_RES_BANDWIDTH),
	     FLAGS(struct vgpu_submit, flags,
		   VGPU_SUBMIT_DEADLINE | VGPU_SUBMIT_FENCE),
	     OUT(struct vgpu_submit, submitted, seqno),
	     ARRAY(struct vgpu_submit, cmds, count, stride,
		   struct vgpu_cmd, 1, MAX_CMDS),
	     .pads = { PAD(struct vgpu_submit, fence_fd) }),
	CALL(VGPU_CALL_KICK, "kick", struct vgpu_kick, 8,
	     .right = VGPU_RIGHT_QUEUE),
	CALL(VGPU_CALL_WAIT, "wait", struct vgpu_wait, 32,
	     OUT(struct vgpu_wait, current_value, current_value)),
	CALL(VGPU_CALL_SIGNAL, "signal", struct vgpu_signal, 16,
	     .right = VGPU_RIGHT_SYNC),
	CALL(VGPU_CALL_EVENTFD, "eventfd", struct vgpu_eventfd, 24,
	     .right = VGPU_RIGHT_SYNC,
	     .pads = { PAD(struct vgpu_eventfd, pad) }),
	CALL(VGPU_CALL_QUEUE_STATUS, "queue-status", struct vgpu_queue_status,
	     112,
	     FLAGS(struct vgpu_queue_status, irq_clear, IRQ_ALL),
	     OUT(struct vgpu_queue_status, irq, late_max_ns)),
	CALL(VGPU_CALL_QUEUE_SET, "queue-set", struct vgpu_queue_set, 16,
	     .right = VGPU_RIGHT_QUEUE,
	     .pads = { PAD(struct vgpu_queue_set, pad) }),
	CALL(VGPU_CALL_BO_USER, "bo-user", struct vgpu_bo_user, 32,
	     .right = VGPU_RIGHT_USER_MEMORY,
	     FLAGS(struct vgpu_bo_user, flags, 0),
	     OUT(struct vgpu_bo_user, handle, handle),
	     HANDLE(struct vgpu_bo_user),
	     .pads = { PAD(struct vgpu_bo_user, pad) }),
	CALL(VGPU_CALL_BO_EXPORT, "bo-export", struct vgpu_bo_export, 16,
	     .right = VGPU_RIGHT_SHARE,
	     FLAGS(struct vgpu_bo_export, flags, 0),
	     OUT(struct vgpu_bo_export, fd, fd)),
	CALL(VGPU_CALL_BO_IMPORT, "bo-import", struct vgpu_bo_import, 24,
	     .right = VGPU_RIGHT_SHARE,
	     FLAGS(struct vgpu_bo_import, flags, 0),
	     OUT(struct vgpu_bo_import, handle, bytes),
	     HANDLE(struct vgpu_bo_import)),
	CALL(VGPU_CALL_ADOPT, "adopt", struct vgpu_adopt, 8),
};

static const struct vgpu_ioctl_desc ctl_calls[] = {
	CTL(VGPU_CTL_CALL_CREATE, "ctl-create", struct vgpu_ctl_create, 80,
	    FLAGS(struct vgpu_ctl_create, flags, VGPU_CREATE_WITH_FD),
	    OUT(struct vgpu_ctl_create, id, uuid)),
	CTL(VGPU_CTL_CALL_DESTROY, "ctl-destroy", struct vgpu_ctl_destroy, 8),
	CTL(VGPU_CTL_CALL_STATE, "ctl-state", struct vgpu_ctl_state, 16,
	    .pads = { PAD(struct vgpu_ctl_state, pad) }),
	CTL(VGPU_CTL_CALL_SET, "ctl-set", struct vgpu_ctl_set, 40,
	    .pads = { PAD(struct vgpu_ctl_set, pad) }),
	CTL(VGPU_CTL_CALL_SAVE, "ctl-save", struct vgpu_ctl_save, 104,
	    FLAGS(struct vgpu_ctl_save, flags, VGPU_SAVE_STOP),
	    OUT(struct vgpu_ctl_save, bytes, why)),
	CTL(VGPU_CTL_CALL_RESTORE, "ctl-restore", struct vgpu_ctl_restore, 128,
	    FLAGS(struct vgpu_ctl_restore, flags, VGPU_RESTORE_PAUSED),
	    OUT(struct vgpu_ctl_restore, id, why)),
};

static_assert(ARRAY_SIZE(calls) == VGPU_CALL_END - VGPU_CALL_INFO);
static_assert(ARRAY_SIZE(ctl_calls) ==
	      VGPU_CTL_CALL_END - VGPU_CTL_CALL_CREATE);
static_assert(sizeof(struct vgpu_cmd) == 64);
static_assert(sizeof(struct vgpu_doorbell) == 16);

/**
 * vgpu_ioctl_find() - looks a call up
 * @call: number from a tenant
 *
 * Context: any.
 * Return: what is known of it, or NULL.
 */
const struct vgpu_ioctl_desc *vgpu_ioctl_find(u32 call)
{
	u32 i = call - VGPU_CALL_INFO;

	if (i < ARRAY_SIZE(calls))
		return &calls[array_index_nospec(i, ARRAY_SIZE(calls))];

	i = call - VGPU_CTL_CALL_CREATE;
	if (i < ARRAY_SIZE(ctl_calls))
		return &ctl_calls[array_index_nospec(i, ARRAY_SIZE(ctl_calls))];

	return NULL;
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_find, VGPU);

u32 vgpu_ioctl_u32(const void *arg, u16 offset)
{
	u32 value;

	memcpy(&value, arg + offset, sizeof(value));
	return value;
}

u32 vgpu_ioctl_handle(const struct vgpu_ioctl_desc *desc, const void *arg)
{
	return desc->handle_offset ? vgpu_ioctl_u32(arg, desc->handle_offset) : 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_handle, VGPU);

static bool is_zero(const void *arg, const struct vgpu_ioctl_pad *pad)
{
	return !pad->bytes || !memchr_inv(arg + pad->offset, 0, pad->bytes);
}

/* What does not depend on where the structure came from. */
int vgpu_ioctl_check_fields(const struct vgpu_ioctl_desc *desc,
			    const void *arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(desc->pads); i++)
		if (!is_zero(arg, &desc->pads[i]))
			return -EINVAL;

	if (desc->flags_offset &&
	    vgpu_ioctl_u32(arg, desc->flags_offset) & ~desc->flags_valid)
		return -EOPNOTSUPP;

	return 0;
}

/* What is for drivers among themselves is not for programs. */
int vgpu_ioctl_check_user(const struct vgpu_ioctl_desc *desc, const void *arg)
{
	return is_zero(arg, &desc->user_zero) ? 0 : -EINVAL;
}

/**
 * vgpu_ioctl_check() - takes over a structure that is in kernel memory
 * @desc: its call
 * @msg: the structure; nobody else can write there
 * @bytes: of it
 * @arg: VGPU_ARG_MAX bytes, filled
 *
 * Context: any.
 * Return: 0, or -EINVAL, -E2BIG, -EOPNOTSUPP as vgpu/ioctl.h says.
 */
int vgpu_ioctl_check(const struct vgpu_ioctl_desc *desc, const void *msg,
		     size_t bytes, void *arg)
{
	if (bytes < desc->min_size || vgpu_ioctl_u32(msg, 0) != bytes)
		return -EINVAL;
	if (bytes > desc->size &&
	    memchr_inv(msg + desc->size, 0, bytes - desc->size))
		return -E2BIG;

	memset(arg, 0, VGPU_ARG_MAX);
	memcpy(arg, msg, min_t(size_t, bytes, desc->size));
	return vgpu_ioctl_check_fields(desc, arg);
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_check, VGPU);

/* Count and stride of the array that @arg names. */
int vgpu_ioctl_check_array(const struct vgpu_ioctl_desc *desc,
			   const void *arg, u32 *count, u32 *stride)
{
	*count = vgpu_ioctl_u32(arg, desc->count_offset);
	*stride = vgpu_ioctl_u32(arg, desc->stride_offset);

	if (*count < desc->min_count || *count > desc->max_count)
		return -EINVAL;
	/* a newer element is longer, but not without bounds */
	if (*count && (*stride < desc->elem_bytes || *stride > PAGE_SIZE))
		return -EINVAL;
	return 0;
}

/**
 * vgpu_ioctl_payload_check() - an array that came beside its structure
 * @desc: the call
 * @arg: its structure, checked
 * @payload_bytes: length of what came
 *
 * Context: any.
 * Return: 0, or -EINVAL when the structure tells of another length, or of
 * elements that are not packed.
 */
int vgpu_ioctl_payload_check(const struct vgpu_ioctl_desc *desc,
			     const void *arg, size_t payload_bytes)
{
	u32 count, stride;
	int ret;

	if (!desc->ptr_offset)
		return payload_bytes ? -EINVAL : 0;

	ret = vgpu_ioctl_check_array(desc, arg, &count, &stride);
	if (ret)
		return ret;
	if (count && stride != desc->elem_bytes)
		return -EINVAL;
	if (payload_bytes != (size_t)count * desc->elem_bytes)
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_ioctl_payload_check, VGPU);
