// SPDX-License-Identifier: GPL-2.0
/*
 * A ring of commands in a buffer, and its line in the doorbell page.
 *
 * Tail and head count on without wrapping at the ring's size, so that full
 * and empty differ.  The device writes the index at which it wants a kick
 * (event), as virtio does: while it is busy taking commands it needs none,
 * and a store to the doorbell page is all that a command costs.
 */
#include <string.h>
#include <time.h>

#include "ring.h"

#define NAP_MIN_NS	20000
#define NAP_MAX_NS	50000000

int vgpu_ring_create(struct vgpu_dev *dev, uint32_t slots,
		     struct vgpu_ring *ring)
{
	void *cpu;
	int ret;

	if (slots < 2 || slots > 4096 || slots & (slots - 1))
		return vgpu_fail(-EINVAL,
				 "a ring of %u slots: it must be a power of two from 2 to 4096",
				 slots);
	ret = vgpu_dev_doorbells(dev);
	if (ret)
		return ret;
	ret = vgpu_bo_create(dev, (uint64_t)slots * sizeof(struct vgpu_cmd), 0,
			     0, &ring->bo);
	if (ret)
		return ret;
	ret = vgpu_bo_cpu(ring->bo, &cpu);
	if (ret) {
		vgpu_bo_destroy(ring->bo);
		ring->bo = NULL;
		return ret;
	}
	ring->slots = cpu;
	ring->count = slots;
	return 0;
}

int vgpu_ring_attach(struct vgpu_ring *ring, uint32_t doorbell)
{
	struct vgpu_dev *dev = ring->bo->dev;

	if (doorbell >= VGPU_PAGE / sizeof(struct vgpu_doorbell))
		return vgpu_fail(-EPROTO, "%s: doorbell %u lies outside its page",
				 dev->path, doorbell);
	ring->doorbell = &dev->doorbells[doorbell];
	ring->tail = ring->doorbell->tail;
	ring->nap_ns = NAP_MIN_NS;
	return 0;
}

void vgpu_ring_destroy(struct vgpu_ring *ring)
{
	vgpu_bo_destroy(ring->bo);
	ring->bo = NULL;
}

int vgpu_ring_write(struct vgpu_ring *ring, const struct vgpu_cmd *cmds,
		    uint32_t count, bool *kick)
{
	volatile struct vgpu_doorbell *bell = ring->doorbell;
	uint32_t head = __atomic_load_n(&bell->head, __ATOMIC_ACQUIRE);
	uint32_t used = ring->tail - head;
	uint32_t old = ring->tail;
	uint32_t event;
	int32_t error = __atomic_load_n(&bell->error, __ATOMIC_RELAXED);

	*kick = false;
	if (error)
		return vgpu_fail(error < 0 ? error : -EIO,
				 "the device stopped the ring: %s; close the queue and make a new one",
				 strerror(error < 0 ? -error : EIO));
	if (used >= ring->count)
		return 0;
	if (count > ring->count - used)
		count = ring->count - used;
	for (uint32_t i = 0; i < count; i++)
		ring->slots[(old + i) & (ring->count - 1)] = cmds[i];
	ring->tail = old + count;

	/* The slots before the tail.  A full barrier, because the memory may
	 * be mapped write-combining, which a release does not order.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&bell->tail, ring->tail, __ATOMIC_RELEASE);

	/* The tail before the event: either we see that a kick is wanted, or
	 * the device, which looks at the tail once more before it sleeps, sees
	 * the new one.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n(&bell->event, __ATOMIC_RELAXED);
	*kick = ring->tail - event - 1 < ring->tail - old;

	ring->figures.written += count;
	ring->figures.kicks += *kick;
	return (int)count;
}

/* There is no call that waits for room; a full ring is not in a hurry.  So that sleeping
 * costs little, in a VM above all where each time stops it twice and more, a nap is learned
 * to be as long as the device takes for a quarter of the ring to a half.
 */
void vgpu_ring_nap(struct vgpu_ring *ring, int64_t most_ns)
{
	uint32_t want = ring->count / 4 ?: 1;
	uint32_t head = __atomic_load_n(&ring->doorbell->head, __ATOMIC_ACQUIRE);
	uint32_t used = ring->tail - head, moved;
	int64_t ns = ring->nap_ns < most_ns ? ring->nap_ns : most_ns;
	const struct timespec nap = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&nap, NULL);
	moved = __atomic_load_n(&ring->doorbell->head, __ATOMIC_ACQUIRE) - head;
	if (moved < want)
		ring->nap_ns *= 2;
	else if (moved >= used)
		ring->nap_ns /= 8;	/* it ran empty */
	else if (moved >= 2 * want)
		ring->nap_ns /= 2;
	if (ring->nap_ns < NAP_MIN_NS)
		ring->nap_ns = NAP_MIN_NS;
	if (ring->nap_ns > NAP_MAX_NS)
		ring->nap_ns = NAP_MAX_NS;
}
