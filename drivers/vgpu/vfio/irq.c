// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts are eventfds: one per MSI-X vector, raised on every event (they
 * add up until somebody looks, so a busy device costs no more), and one that
 * asks user space to let the device go.  Masking of vectors is user space's
 * work: it takes a masked vector's eventfd away or keeps it to itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/vfio.h>

#include "../compat/eventfd.h"
#include "vfio_priv.h"

void vgpu_vfio_irq_raise(struct vgpu_vfio *v, unsigned int vector)
{
	unsigned long flags;

	atomic_or(BIT(vector), &v->irq_status);
	spin_lock_irqsave(&v->irq_lock, flags);
	if (v->msix[vector])
		vgpu_eventfd_signal(v->msix[vector]);
	spin_unlock_irqrestore(&v->irq_lock, flags);
}

/* Puts @ctx, which may be NULL, in the place of what was there. */
static void replace(struct vgpu_vfio *v, struct eventfd_ctx **slot,
		    struct eventfd_ctx *ctx)
{
	spin_lock_irq(&v->irq_lock);
	swap(*slot, ctx);
	spin_unlock_irq(&v->irq_lock);
	if (ctx)
		eventfd_ctx_put(ctx);
}

void vgpu_vfio_irq_release(struct vgpu_vfio *v)
{
	int i;

	for (i = 0; i < VGPU_MSIX_COUNT; i++)
		replace(v, &v->msix[i], NULL);
	replace(v, &v->req, NULL);
}

/**
 * vgpu_vfio_request() - somebody wants the device back
 * @vdev: the device
 * @count: how often it was asked for already
 *
 * Context: process.
 */
void vgpu_vfio_request(struct vfio_device *vdev, unsigned int count)
{
	struct vgpu_vfio *v = to_vgpu_vfio(vdev);
	bool asked = false;

	spin_lock_irq(&v->irq_lock);
	if (v->req) {
		vgpu_eventfd_signal(v->req);
		asked = true;
	}
	spin_unlock_irq(&v->irq_lock);

	if (!(count % 6))
		pr_notice("%pUb: in use, %s; waiting until it is closed\n",
			  &v->uuid, asked ? "asked to let it go" :
			  "and nobody listens");
}

static u32 vector_count(u32 index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return VGPU_MSIX_COUNT;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

int vgpu_vfio_irq_info(struct vgpu_vfio *v, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, (void __user *)arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;

	info.count = vector_count(info.index);
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	if (info.index == VFIO_PCI_REQ_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_NORESIZE;

	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

/* All eventfds are looked up before the first is used: all or none. */
static int set_eventfds(struct vgpu_vfio *v, struct eventfd_ctx **slots,
			u32 start, u32 count, const s32 *fds)
{
	struct eventfd_ctx *ctx[VGPU_MSIX_COUNT] = {};
	u32 i;

	for (i = 0; i < count; i++) {
		if (fds[i] == -1)
			continue;
		ctx[i] = fds[i] < 0 ? ERR_PTR(-EINVAL) :
			 eventfd_ctx_fdget(fds[i]);
		if (IS_ERR(ctx[i])) {
			int ret = PTR_ERR(ctx[i]);

			while (i--)
				if (ctx[i])
					eventfd_ctx_put(ctx[i]);
			return ret;
		}
	}
	for (i = 0; i < count; i++)
		replace(v, &slots[start + i], ctx[i]);
	return 0;
}

static void trigger(struct vgpu_vfio *v, struct eventfd_ctx **slot)
{
	spin_lock_irq(&v->irq_lock);
	if (*slot)
		vgpu_eventfd_signal(*slot);
	spin_unlock_irq(&v->irq_lock);
}

static int set_trigger(struct vgpu_vfio *v, const struct vfio_irq_set *hdr,
		       const void *data)
{
	struct eventfd_ctx **slots = hdr->index == VFIO_PCI_REQ_IRQ_INDEX ?
				     &v->req : v->msix;
	u32 max = vector_count(hdr->index);
	u32 start = array_index_nospec(hdr->start, max);
	const u8 *bools = data;
	u32 i;

	switch (hdr->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		/* nothing for nobody: switch the whole index off */
		if (!hdr->count) {
			for (i = 0; i < max; i++)
				replace(v, &slots[i], NULL);
			return 0;
		}
		for (i = 0; i < hdr->count; i++)
			trigger(v, &slots[start + i]);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		for (i = 0; i < hdr->count; i++)
			if (bools[i])
				trigger(v, &slots[start + i]);
		return 0;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return set_eventfds(v, slots, start, hdr->count, data);
	default:
		return -EINVAL;
	}
}

/**
 * vgpu_vfio_set_irqs() - VFIO_DEVICE_SET_IRQS
 * @v: the device
 * @arg: user's struct vfio_irq_set
 *
 * Context: process.
 * Return: 0; -ENOTTY for masking, which no interrupt here has; or errno.
 */
int vgpu_vfio_set_irqs(struct vgpu_vfio *v, unsigned long arg)
{
	unsigned long minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set hdr;
	size_t bytes = 0;
	void *data = NULL;
	int ret;

	if (copy_from_user(&hdr, (void __user *)arg, minsz))
		return -EFAULT;
	if (hdr.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	ret = vfio_set_irqs_validate_and_prepare(&hdr, vector_count(hdr.index),
						 VFIO_PCI_NUM_IRQS, &bytes);
	if (ret)
		return ret;
	if ((hdr.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) !=
	    VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;

	if (bytes) {
		data = memdup_user((void __user *)(arg + minsz), bytes);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	ret = set_trigger(v, &hdr, data);
	kfree(data);
	return ret;
}
