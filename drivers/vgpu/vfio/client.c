// SPDX-License-Identifier: GPL-2.0
/*
 * Each open file in the guest is a client of the core, with handles of its
 * own; all share the device's page of timelines, and those that did not ask for
 * one of their own, the first page of doorbells.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "vfio_priv.h"

static void timeline_moved(void *priv)
{
	struct vgpu_vfio_client *c = priv;

	vgpu_vfio_irq_raise(c->v, VGPU_MSIX_TIMELINE);
}

static void queue_irq(void *priv, u32 bits)
{
	struct vgpu_vfio_client *c = priv;

	vgpu_vfio_irq_raise(c->v, VGPU_MSIX_ERROR);
}

static const struct vgpu_client_ops client_ops = {
	.timeline_moved = timeline_moved,
	.queue_irq = queue_irq,
	.get_pages = vgpu_vfio_get_pages,
	.put_pages = vgpu_vfio_put_pages,
};

/* Finds a page that nobody has; 0: there is none, or no memory. */
static u32 take_bells(struct vgpu_vfio *v, struct vgpu_client_params *params)
{
	unsigned long i = find_first_zero_bit(v->bells, VGPU_BELL_PAGES);

	if (i == VGPU_BELL_PAGES)
		return 0;
	params->bells = vgpu_vfio_map_bells(v->map, i + 1);
	if (!params->bells)
		return 0;
	params->bell_base = (i + 1) * VGPU_DOORBELLS;
	__set_bit(i, v->bells);
	return i + 1;
}

static void give_bells(struct vgpu_vfio *v, u32 page)
{
	if (page)
		__clear_bit(page - 1, v->bells);
}

/**
 * vgpu_vfio_client_open() - VGPU_ADMIN_CLIENT_OPEN, VGPU_ADMIN_CLIENT_OPEN_BELLS
 * @v: the device, call_lock held
 * @id: number of the new client
 * @bells: its page of doorbells; NULL: it has the shared one
 *
 * Return: 0, -EMFILE, -ENOMEM, or what vgpu_client_open() says.
 */
int vgpu_vfio_client_open(struct vgpu_vfio *v, u32 *id, u32 *bells)
{
	struct vgpu_client_params params = {
		.ops = &client_ops,
		.shpages = vgpu_vfio_map_shpages(v->map),
		.holder = "VM",
		.like = v->anchor,
	};
	struct vgpu_vfio_client *c;
	unsigned long i;
	void *entry;
	int count = 0;
	int ret;

	lockdep_assert_held(&v->call_lock);
	xa_for_each(&v->clients, i, entry)
		count++;
	if (count >= VGPU_VFIO_MAX_CLIENTS)
		return -EMFILE;

	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	c->v = v;
	if (bells) {
		ret = -ENOMEM;
		c->bells = take_bells(v, &params);
		if (!c->bells)
			goto free;
	}
	params.priv = c;
	c->client = vgpu_client_open(v->inst, &params);
	if (IS_ERR(c->client)) {
		ret = PTR_ERR(c->client);
		goto give;
	}
	/* cyclic: a number that was closed is not soon somebody else's */
	ret = xa_alloc_cyclic(&v->clients, &c->id, c, xa_limit_31b,
			      &v->next_client, GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		goto close;
	*id = c->id;
	if (bells)
		*bells = c->bells;
	return 0;

close:
	vgpu_client_close(c->client);
give:
	give_bells(v, c->bells);
free:
	kfree(c);
	return ret;
}

struct vgpu_vfio_client *vgpu_vfio_client_find(struct vgpu_vfio *v, u32 id)
{
	lockdep_assert_held(&v->call_lock);
	return xa_load(&v->clients, id);
}

static void client_close(struct vgpu_vfio_client *c)
{
	struct vgpu_vfio *v = c->v;

	xa_erase(&v->clients, c->id);

	/*
	 * Closing may wait for an engine, which dma_unmap must not: take the
	 * guest's pages away first, which is quick, so that by then nothing is
	 * pinned that dma_unmap could want.
	 */
	vgpu_vfio_unpin_client(c);
	vgpu_client_close(c->client);
	vgpu_vfio_forget_client(c);
	give_bells(v, c->bells);
	kfree(c);
}

int vgpu_vfio_client_close(struct vgpu_vfio *v, u32 id)
{
	struct vgpu_vfio_client *c = vgpu_vfio_client_find(v, id);

	if (!c)
		return -ENOENT;
	client_close(c);
	return 0;
}

void vgpu_vfio_client_close_all(struct vgpu_vfio *v)
{
	struct vgpu_vfio_client *c;
	unsigned long i;

	lockdep_assert_held(&v->call_lock);
	xa_for_each(&v->clients, i, c)
		client_close(c);
}
