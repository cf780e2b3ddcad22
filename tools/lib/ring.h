/* SPDX-License-Identifier: GPL-2.0 */
/* A ring of commands that the device reads by itself; see ring.c. */
#ifndef LIBVGPU_RING_H
#define LIBVGPU_RING_H

#include "priv.h"

struct vgpu_ring {
	struct vgpu_bo *bo;
	struct vgpu_cmd *slots;
	volatile struct vgpu_doorbell *doorbell;
	uint32_t count;			/* of slots, a power of two */
	uint32_t tail;			/* our copy; the shared one is written only */
	int64_t nap_ns;			/* when it is full */
	struct vgpu_ring_figures figures;
};

/* Memory for the ring; the doorbell comes with the queue. */
int vgpu_ring_create(struct vgpu_dev *dev, uint32_t slots,
		     struct vgpu_ring *ring);
int vgpu_ring_attach(struct vgpu_ring *ring, uint32_t doorbell);
void vgpu_ring_destroy(struct vgpu_ring *ring);

/* Writes as many of @count commands as there are free slots and publishes
 * them; returns how many, or the negative errno that stopped the ring.
 * @kick: the device must be told.
 */
int vgpu_ring_write(struct vgpu_ring *ring, const struct vgpu_cmd *cmds,
		    uint32_t count, bool *kick);

/* Sleeps, @most_ns at most, until a full ring is likely to have some room. */
void vgpu_ring_nap(struct vgpu_ring *ring, int64_t most_ns);

#endif /* LIBVGPU_RING_H */
