// SPDX-License-Identifier: GPL-2.0
/*
 * The pair of pages that a user shares with us: doorbells, which the user
 * writes, and timelines, which the user reads.  Nothing is ever believed
 * that was read from them twice: a tail is read once and then checked, and
 * values of timelines are only written here.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "core_priv.h"

struct vgpu_shpages *vgpu_shpages_create(void)
{
	struct vgpu_shpages *sp;

	BUILD_BUG_ON(VGPU_DOORBELLS * sizeof(struct vgpu_doorbell) > PAGE_SIZE);
	BUILD_BUG_ON(VGPU_TIMELINES * sizeof(u64) > PAGE_SIZE);

	sp = kzalloc(sizeof(*sp), GFP_KERNEL_ACCOUNT);
	if (!sp)
		return NULL;
	kref_init(&sp->ref);
	spin_lock_init(&sp->lock);
	sp->db_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	sp->tl_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!sp->db_page || !sp->tl_page) {
		vgpu_shpages_put(sp);
		return NULL;
	}
	return sp;
}
EXPORT_SYMBOL_NS_GPL(vgpu_shpages_create, VGPU);

static void shpages_free(struct kref *ref)
{
	struct vgpu_shpages *sp = container_of(ref, struct vgpu_shpages, ref);

	if (sp->db_page)
		put_page(sp->db_page);
	if (sp->tl_page)
		put_page(sp->tl_page);
	kfree(sp);
}

void vgpu_shpages_get(struct vgpu_shpages *sp)
{
	kref_get(&sp->ref);
}

void vgpu_shpages_put(struct vgpu_shpages *sp)
{
	if (sp)
		kref_put(&sp->ref, shpages_free);
}
EXPORT_SYMBOL_NS_GPL(vgpu_shpages_put, VGPU);

struct page *vgpu_shpages_doorbells(struct vgpu_shpages *sp)
{
	return sp->db_page;
}
EXPORT_SYMBOL_NS_GPL(vgpu_shpages_doorbells, VGPU);

struct page *vgpu_shpages_timelines(struct vgpu_shpages *sp)
{
	return sp->tl_page;
}
EXPORT_SYMBOL_NS_GPL(vgpu_shpages_timelines, VGPU);

/* The queue's work cannot be freed under us: it leaves the table first. */
void vgpu_shpages_kick(struct vgpu_shpages *sp, u32 doorbell)
{
	unsigned long flags;
	struct vgpu_queue *q;

	if (doorbell >= VGPU_DOORBELLS)
		return;
	doorbell = array_index_nospec(doorbell, VGPU_DOORBELLS);
	spin_lock_irqsave(&sp->lock, flags);
	q = sp->queues[doorbell];
	if (q)
		queue_work(q->ctx->gpu->wq, &q->ring_work);
	spin_unlock_irqrestore(&sp->lock, flags);
}
EXPORT_SYMBOL_NS_GPL(vgpu_shpages_kick, VGPU);

void vgpu_instance_kick(struct vgpu_instance *inst)
{
	struct vgpu_client *client;
	u32 i;

	lockdep_assert_held(&inst->lock);
	list_for_each_entry(client, &inst->clients, link)
		for (i = 0; i < VGPU_DOORBELLS; i++)
			vgpu_shpages_kick(client->bells, i);
}

int vgpu_shpages_add_queue(struct vgpu_shpages *sp, struct vgpu_queue *q,
			   u32 want)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&sp->lock, flags);
	for (i = 0; i < VGPU_DOORBELLS; i++) {
		if (!sp->queues[i] && (want == VGPU_ANY_SLOT || want == i)) {
			/* whoever kicks it from now on finds its doorbell, and as new */
			q->doorbell = i;
			memset(vgpu_shpages_doorbell(sp, i), 0,
			       sizeof(struct vgpu_doorbell));
			sp->queues[i] = q;
			break;
		}
	}
	spin_unlock_irqrestore(&sp->lock, flags);
	return i == VGPU_DOORBELLS ? -EMFILE : 0;
}

void vgpu_shpages_del_queue(struct vgpu_shpages *sp, struct vgpu_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&sp->lock, flags);
	sp->queues[q->doorbell] = NULL;
	spin_unlock_irqrestore(&sp->lock, flags);
}

struct vgpu_doorbell *vgpu_shpages_doorbell(struct vgpu_shpages *sp, u32 index)
{
	return (struct vgpu_doorbell *)page_address(sp->db_page) + index;
}

int vgpu_shpages_add_timeline(struct vgpu_shpages *sp, u32 want)
{
	unsigned long flags;
	unsigned int slot;

	spin_lock_irqsave(&sp->lock, flags);
	slot = find_first_zero_bit(sp->tl_used, VGPU_TIMELINES);
	if (want != VGPU_ANY_SLOT)
		slot = want < VGPU_TIMELINES && !test_bit(want, sp->tl_used) ?
		       want : VGPU_TIMELINES;
	if (slot < VGPU_TIMELINES)
		__set_bit(slot, sp->tl_used);
	spin_unlock_irqrestore(&sp->lock, flags);
	return slot < VGPU_TIMELINES ? (int)slot : -EMFILE;
}

void vgpu_shpages_del_timeline(struct vgpu_shpages *sp, u32 slot)
{
	unsigned long flags;

	vgpu_shpages_show(sp, slot, 0);
	spin_lock_irqsave(&sp->lock, flags);
	__clear_bit(slot, sp->tl_used);
	spin_unlock_irqrestore(&sp->lock, flags);
}

void vgpu_shpages_show(struct vgpu_shpages *sp, u32 slot, u64 value)
{
	u64 *values = page_address(sp->tl_page);

	/* Pairs with the reader's acquire: results are there before it. */
	smp_store_release(&values[slot], value);
}
