// SPDX-License-Identifier: GPL-2.0
/*
 * The admin channel: one message at a time in a page of our memory, answered
 * by the host with an interrupt.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/jiffies.h>

#include "guest_priv.h"

/*
 * The host bounds what it does for a message, resets of a hung engine
 * included; who is silent that long is gone.
 */
#define PATIENCE	(60 * HZ)

int vgpu_guest_admin_init(struct vgpu_guest *g)
{
	u32 bytes;

	for (bytes = VGPU_GUEST_ADMIN_MAX; bytes >= VGPU_GUEST_ADMIN_MIN;
	     bytes /= 2) {
		g->admin = dma_alloc_coherent(&g->pdev->dev, bytes,
					      &g->admin_dma,
					      GFP_KERNEL | __GFP_NOWARN);
		if (g->admin)
			break;
	}
	if (!g->admin)
		return -ENOMEM;
	g->admin_bytes = bytes;

	writel(lower_32_bits(g->admin_dma), g->regs + VGPU_REG_ADMIN_LO);
	writel(upper_32_bits(g->admin_dma), g->regs + VGPU_REG_ADMIN_HI);
	writel(bytes, g->regs + VGPU_REG_ADMIN_BYTES);
	return 0;
}

/* The device was reset or never kicked: it does not write there any more. */
void vgpu_guest_admin_fini(struct vgpu_guest *g)
{
	dma_free_coherent(&g->pdev->dev, g->admin_bytes, g->admin,
			  g->admin_dma);
}

void vgpu_guest_admin_irq(struct vgpu_guest *g)
{
	wake_up_all(&g->admin_wait);
}

static bool answered(struct vgpu_guest *g)
{
	return READ_ONCE(g->admin->done_seq) == g->admin_seq ||
	       READ_ONCE(g->dead);
}

static u32 payload_offset(u32 arg_bytes)
{
	return sizeof(struct vgpu_admin_msg) + ALIGN(arg_bytes, 8);
}

size_t vgpu_guest_payload_max(struct vgpu_guest *g,
			      const struct vgpu_ioctl_desc *desc)
{
	return g->admin_bytes - payload_offset(desc->size);
}

/* admin_lock held, in the gate; the page is filled but for the head. */
static int send(struct vgpu_guest *g, u32 call, u32 client, u32 arg_bytes,
		u32 payload_bytes)
{
	struct vgpu_admin_msg *msg = g->admin;

	lockdep_assert_held(&g->admin_lock);
	/* the last one may have been given up: never the same twice */
	g->admin_seq++;
	msg->call = call;
	msg->client = client;
	msg->arg_bytes = arg_bytes;
	msg->payload_bytes = payload_bytes;
	msg->result = 0;
	msg->bells = 0;
	msg->seq = g->admin_seq;
	msg->done_seq = g->admin_seq - 1;
	/* the host looks as soon as it is kicked */
	dma_wmb();
	writel(1, g->regs + VGPU_REG_ADMIN_KICK);

	if (!wait_event_timeout(g->admin_wait, answered(g), PATIENCE))
		vgpu_guest_kill(g, "the host does not answer");
	if (READ_ONCE(g->dead))
		return -ENODEV;
	dma_rmb();
	return msg->result;
}

int vgpu_guest_client_open(struct vgpu_guest *g, u32 *client, u32 *bells)
{
	int idx, ret;

	if (!vgpu_guest_enter(g, &idx))
		return -ENODEV;
	mutex_lock(&g->admin_lock);
	ret = send(g, g->has_bells ? VGPU_ADMIN_CLIENT_OPEN_BELLS :
				     VGPU_ADMIN_CLIENT_OPEN, 0, 0, 0);
	*client = g->admin->client;
	*bells = g->has_bells ? g->admin->bells : 0;
	mutex_unlock(&g->admin_lock);
	vgpu_guest_leave(idx);
	return ret;
}

int vgpu_guest_client_close(struct vgpu_guest *g, u32 client)
{
	int idx, ret;

	if (!vgpu_guest_enter(g, &idx))
		return -ENODEV;
	mutex_lock(&g->admin_lock);
	ret = send(g, VGPU_ADMIN_CLIENT_CLOSE, client, 0, 0);
	mutex_unlock(&g->admin_lock);
	vgpu_guest_leave(idx);
	return ret;
}

int vgpu_guest_call(struct vgpu_guest_file *gf,
		    const struct vgpu_ioctl_desc *desc, void *arg,
		    const void *payload, size_t payload_bytes)
{
	struct vgpu_guest *g = gf->g;
	u32 size = desc->size;
	void *place;
	int idx, ret;

	if (payload_bytes > vgpu_guest_payload_max(g, desc))
		return -E2BIG;
	if (!vgpu_guest_enter(g, &idx))
		return -ENODEV;

	/* the program's size may be another; the host gets the whole */
	memcpy(arg, &size, sizeof(size));
	mutex_lock(&g->admin_lock);
	place = g->admin + 1;
	memcpy(place, arg, size);
	if (payload_bytes)
		memcpy((void *)g->admin + payload_offset(size), payload,
		       payload_bytes);
	ret = send(g, desc->call, gf->client, size, payload_bytes);
	if (!READ_ONCE(g->dead))
		memcpy(arg + desc->out_offset, place + desc->out_offset,
		       desc->out_bytes);
	mutex_unlock(&g->admin_lock);
	vgpu_guest_leave(idx);
	return ret;
}
