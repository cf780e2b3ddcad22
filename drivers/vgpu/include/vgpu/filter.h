/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rights of a vGPU: which one a call needs is in ioctl/table.c, for commands it
 * is in core/command.c.
 *
 * What only looks (info, wait, queue-status) or gives back (close, vm-unmap) needs
 * none: nothing is gained by forbidding it.
 */
#ifndef _VGPU_FILTER_H
#define _VGPU_FILTER_H

#include <linux/bits.h>

#define VGPU_RIGHT_MEMORY	BIT(0)	/* BOs, address spaces, mappings in them */
#define VGPU_RIGHT_USER_MEMORY	BIT(1)	/* BOs of a program's own memory */
#define VGPU_RIGHT_SHARE	BIT(2)	/* dma-bufs */
#define VGPU_RIGHT_MAP		BIT(3)	/* the CPU's mappings of BOs */
#define VGPU_RIGHT_QUEUE	BIT(4)	/* contexts, queues, submitting */
#define VGPU_RIGHT_RING		BIT(5)	/* rings in shared memory */
#define VGPU_RIGHT_LAUNCH	BIT(6)	/* programs */
#define VGPU_RIGHT_TRANSFER	BIT(7)	/* copy, fill */
#define VGPU_RIGHT_SYNC		BIT(8)	/* timelines, eventfds, waits, signals */
#define VGPU_RIGHTS_ALL		(BIT(9) - 1)

#endif /* _VGPU_FILTER_H */
