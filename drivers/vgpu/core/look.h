/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When to look again at a ring that ran empty, instead of having its producer kick.
 *
 * A kick stops a VM, and where engine and producer share a CPU it makes the
 * producer hand over commands one by one.  So as long as more is bound to come the
 * ring is looked at by a timer.  It takes longer while little is found after it,
 * as interrupts of network cards are moderated; some looks in vain end it.
 */
#ifndef _VGPU_CORE_LOOK_H
#define _VGPU_CORE_LOOK_H

#include <linux/time64.h>
#include <linux/types.h>

#define VGPU_LOOK_MIN	(16 * NSEC_PER_USEC)
#define VGPU_LOOK_MAX	(256 * NSEC_PER_USEC)
#define VGPU_LOOK_VAIN	4u	/* looks without a command, until one is waited for */
#define VGPU_LOOK_FEW	4u	/* commands for which it was too early */
#define VGPU_LOOK_MANY	16u	/* commands for which it was late */

/**
 * struct vgpu_look - of one ring
 * @ns: until the next look
 * @vain: looks since a command was found
 * @more: the last command was no signal: its owner cannot learn that it ended without
 *	  handing over another
 */
struct vgpu_look {
	u32 ns;
	u32 vain;
	bool more;
};

void vgpu_look_init(struct vgpu_look *look);
u32 vgpu_look_again(struct vgpu_look *look, u32 found, u32 left);

#endif /* _VGPU_CORE_LOOK_H */
