// SPDX-License-Identifier: GPL-2.0
/*
 * The admin channel: the guest's calls, one message at a time, in a page of
 * its memory.  Served by a worker, because reading guest memory may sleep on
 * whatever user space put behind it, with locks of VFIO held; a worker that
 * sleeps hurts no one but the device it belongs to.
 *
 * Everything is read once, checked in our copy, and used from there.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <vgpu/ioctl.h>

#include "vfio_priv.h"

/* Longest structure of a guest that is newer than we are. */
#define MSG_MAX		512
/* Guest memory is copied in pieces, VFIO's locks are released in between. */
#define PIECE		0x10000U

struct message {
	struct vgpu_admin_msg head;
	u64 addr;
	u32 bytes;
	u8 raw[MSG_MAX] __aligned(8);
	u8 arg[VGPU_ARG_MAX] __aligned(8);
};

static int read_guest(struct vgpu_vfio *v, u64 addr, void *to, u32 bytes)
{
	u32 n;
	int ret;

	for (; bytes; addr += n, to += n, bytes -= n) {
		n = min(bytes, PIECE);
		ret = vfio_dma_rw(&v->vdev, addr, to, n, false);
		if (ret)
			return ret;
	}
	return 0;
}

static int write_guest(struct vgpu_vfio *v, u64 addr, const void *from,
		       u32 bytes)
{
	return vfio_dma_rw(&v->vdev, addr, (void *)from, bytes, true);
}

/* Where the channel is, if it may be there. */
static bool find_page(struct vgpu_vfio *v, u64 *addr, u32 *bytes)
{
	u64 last;

	mutex_lock(&v->config_lock);
	*addr = v->admin_addr;
	*bytes = v->admin_bytes;
	mutex_unlock(&v->config_lock);

	if (!vgpu_vfio_bus_master(v) || !IS_ALIGNED(*addr, SZ_4K) ||
	    *bytes < VGPU_VFIO_ADMIN_MIN || *bytes > VGPU_VFIO_ADMIN_MAX ||
	    check_add_overflow(*addr, (u64)*bytes - 1, &last))
		return false;
	return !vgpu_vfio_in_bar(v, *addr, *bytes);
}

static u32 payload_offset(const struct message *m)
{
	return sizeof(m->head) + ALIGN(m->head.arg_bytes, 8);
}

/* Bounds of what the head promises; the rest is for the call's table. */
static int check_head(const struct message *m)
{
	const struct vgpu_admin_msg *h = &m->head;

	if (h->bells)
		return -EINVAL;
	if (h->arg_bytes > MSG_MAX)
		return -E2BIG;
	if (h->payload_bytes > m->bytes ||
	    payload_offset(m) + h->payload_bytes > m->bytes)
		return -EINVAL;
	return 0;
}

/* What may not go over the channel: its one message would block all others. */
static int check_call(u32 call, const void *arg)
{
	const struct vgpu_wait *wait = arg;

	switch (call) {
	case VGPU_CALL_EVENTFD:
	case VGPU_CALL_BO_USER:	/* the guest has no addresses here */
	case VGPU_CALL_BO_EXPORT:	/* nor files */
	case VGPU_CALL_BO_IMPORT:
	case VGPU_CALL_ADOPT:
		return -EOPNOTSUPP;
	case VGPU_CALL_WAIT:
		return wait->timeout_ns ? -EOPNOTSUPP : 0;
	default:
		return 0;
	}
}

/* A new BO takes the place of scratch pages that the guest touched there. */
static void zap_new_bo(struct vgpu_vfio *v, const struct vgpu_bo_create *arg)
{
	if (!(arg->flags & VGPU_BO_HOST))
		vgpu_vfio_map_zap(v->map, arg->mmap_offset,
				  PAGE_ALIGN(arg->bytes));
}

static int tenant_call(struct vgpu_vfio *v, struct message *m,
		       const struct vgpu_ioctl_desc *desc)
{
	struct vgpu_admin_msg *h = &m->head;
	struct vgpu_vfio_client *c;
	void *payload = NULL;
	int ret;

	c = vgpu_vfio_client_find(v, h->client);
	if (!c)
		return -ENOENT;
	ret = vgpu_ioctl_check(desc, m->raw, h->arg_bytes, m->arg);
	if (ret)
		return ret;
	ret = check_call(h->call, m->arg);
	if (ret)
		return ret;
	ret = vgpu_ioctl_payload_check(desc, m->arg, h->payload_bytes);
	if (ret)
		return ret;

	if (h->payload_bytes) {
		payload = kvmalloc(h->payload_bytes, GFP_KERNEL_ACCOUNT);
		if (!payload)
			return -ENOMEM;
		ret = read_guest(v, m->addr + payload_offset(m), payload,
				 h->payload_bytes);
		if (ret)
			goto free;
	}

	ret = vgpu_client_call(c->client, h->call, m->arg, payload,
			       h->payload_bytes);
	if (!ret && h->call == VGPU_CALL_BO_CREATE)
		zap_new_bo(v, (void *)m->arg);
free:
	kvfree(payload);
	return ret;
}

static int serve(struct vgpu_vfio *v, struct message *m,
		 const struct vgpu_ioctl_desc **desc)
{
	struct vgpu_admin_msg *h = &m->head;
	int ret;

	ret = check_head(m);
	if (ret)
		return ret;

	switch (h->call) {
	case VGPU_ADMIN_CLIENT_OPEN:
		if (h->arg_bytes || h->payload_bytes)
			return -EINVAL;
		return vgpu_vfio_client_open(v, &h->client, NULL);
	case VGPU_ADMIN_CLIENT_OPEN_BELLS:
		if (h->arg_bytes || h->payload_bytes)
			return -EINVAL;
		return vgpu_vfio_client_open(v, &h->client, &h->bells);
	case VGPU_ADMIN_CLIENT_CLOSE:
		if (h->arg_bytes || h->payload_bytes)
			return -EINVAL;
		return vgpu_vfio_client_close(v, h->client);
	}

	*desc = vgpu_ioctl_find(h->call);
	if (!*desc || !vgpu_ioctl_for_tenant(*desc)) {
		*desc = NULL;
		return -ENOTTY;
	}
	if (h->arg_bytes < sizeof(u32)) {
		*desc = NULL;
		return -EINVAL;
	}
	ret = read_guest(v, m->addr + sizeof(*h), m->raw, h->arg_bytes);
	if (ret) {
		*desc = NULL;
		return ret;
	}
	return tenant_call(v, m, *desc);
}

/* The sequence number goes last: it says that the rest is there. */
static int answer(struct vgpu_vfio *v, struct message *m,
		  const struct vgpu_ioctl_desc *desc)
{
	struct vgpu_admin_msg *h = &m->head;
	u32 out;
	int ret;

	if (desc && desc->out_bytes && h->arg_bytes > desc->out_offset) {
		out = min_t(u32, desc->out_bytes,
			    h->arg_bytes - desc->out_offset);
		ret = write_guest(v, m->addr + sizeof(*h) + desc->out_offset,
				  m->arg + desc->out_offset, out);
		if (ret)
			return ret;
	}
	ret = write_guest(v, m->addr + offsetof(struct vgpu_admin_msg, client),
			  &h->client, sizeof(h->client));
	if (ret)
		return ret;
	ret = write_guest(v, m->addr + offsetof(struct vgpu_admin_msg, bells),
			  &h->bells, sizeof(h->bells));
	if (ret)
		return ret;
	ret = write_guest(v, m->addr + offsetof(struct vgpu_admin_msg, result),
			  &h->result, sizeof(h->result));
	if (ret)
		return ret;
	/* the guest's CPU may look at any moment */
	smp_wmb();
	return write_guest(v,
			   m->addr + offsetof(struct vgpu_admin_msg, done_seq),
			   &h->seq, sizeof(h->seq));
}

static void serve_page(struct vgpu_vfio *v)
{
	const struct vgpu_ioctl_desc *desc = NULL;
	struct message *m;
	int ret;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return;

	if (!find_page(v, &m->addr, &m->bytes)) {
		atomic_inc(&v->bad_access);
		vgpu_vfio_warn(v, "admin page at %#llx, %u bytes, is refused\n",
			       m->addr, m->bytes);
		goto free;
	}
	ret = read_guest(v, m->addr, &m->head, sizeof(m->head));
	if (ret)
		goto unreachable;
	/* kicked twice for one message */
	if (v->have_seq && v->last_seq == m->head.seq)
		goto free;

	m->head.result = serve(v, m, &desc);
	/* pages that the guest gave back are its own when it hears of it */
	vgpu_vfio_pins_settle(v);
	v->have_seq = true;
	v->last_seq = m->head.seq;
	ret = answer(v, m, desc);
	if (ret)
		goto unreachable;
	vgpu_vfio_irq_raise(v, VGPU_MSIX_ADMIN);
	goto free;

unreachable:
	atomic_inc(&v->bad_access);
	vgpu_vfio_warn(v, "admin page at %#llx cannot be reached: %pe\n",
		       m->addr, ERR_PTR(ret));
free:
	kfree(m);
}

void vgpu_vfio_admin_work(struct work_struct *work)
{
	struct vgpu_vfio *v = container_of(work, struct vgpu_vfio, admin_work);

	mutex_lock(&v->call_lock);
	if (v->open)
		serve_page(v);
	mutex_unlock(&v->call_lock);
}
