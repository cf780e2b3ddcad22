// SPDX-License-Identifier: GPL-2.0
/*
 * The last samples of a GPU, and what each vGPU had of it.
 *
 * A reader goes by numbers.  It asks for the first sample from some number on, and what it gets
 * tells whether it came too late: then the number is a higher one.  There is no state of
 * readers here, so any number of them may be slow.
 *
 * A vGPU has its own ring, of a fixed size, in the memory that it is made of: what it costs is
 * known when an administrator makes it, and nothing that tenants do adds to it.  It goes when
 * the vGPU goes.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <vgpu/kunit.h>

#include "history.h"

int vgpu_history_init(struct vgpu_history *h)
{
	h->seq = 0;
	h->ring = kvcalloc(VGPU_HISTORY, sizeof(*h->ring), GFP_KERNEL);
	return h->ring ? 0 : -ENOMEM;
}

void vgpu_history_fini(struct vgpu_history *h)
{
	kvfree(h->ring);
	h->ring = NULL;
}

void vgpu_history_push(struct vgpu_history *h, struct vgpu_mon_sample *s)
{
	s->seq = ++h->seq;
	h->ring[s->seq % VGPU_HISTORY] = *s;
}

const struct vgpu_mon_sample *vgpu_history_at(const struct vgpu_history *h,
					      u64 from)
{
	u64 oldest = h->seq > VGPU_HISTORY ? h->seq - VGPU_HISTORY + 1 : 1;

	from = max(from, oldest);
	return from <= h->seq ? &h->ring[from % VGPU_HISTORY] : NULL;
}

void vgpu_trail_push(struct vgpu_trail *t, u64 seq,
		     const struct vgpu_mon_share *share)
{
	if (!t->from)
		t->from = seq;
	t->seq = seq;
	t->ring[seq % VGPU_HISTORY].received = share->received;
	t->ring[seq % VGPU_HISTORY].entitled = share->entitled;
	t->ring[seq % VGPU_HISTORY].pages = min_t(u64, share->memory_used / SZ_4K,
						  U32_MAX);
}

bool vgpu_trail_at(const struct vgpu_trail *t, u64 seq,
		   struct vgpu_mon_share *share)
{
	if (!t->from || seq < t->from || seq > t->seq ||
	    t->seq - seq >= VGPU_HISTORY)
		return false;
	share->received = t->ring[seq % VGPU_HISTORY].received;
	share->entitled = t->ring[seq % VGPU_HISTORY].entitled;
	share->memory_used = (u64)t->ring[seq % VGPU_HISTORY].pages * SZ_4K;
	return true;
}

VGPU_EXPORT_IF_KUNIT(vgpu_history_init);
VGPU_EXPORT_IF_KUNIT(vgpu_history_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_history_push);
VGPU_EXPORT_IF_KUNIT(vgpu_history_at);
VGPU_EXPORT_IF_KUNIT(vgpu_trail_push);
VGPU_EXPORT_IF_KUNIT(vgpu_trail_at);
