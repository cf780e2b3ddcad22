/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference GPU's engine behind the fake device: the very sources of
 * vgpu_soft, in user space.  Launches run on it through real page tables,
 * and can be stopped, saved, wiped and moved to a second engine after every
 * so many instructions.
 */
#ifndef VGPU_TEST_SOFT_ENGINE_H
#define VGPU_TEST_SOFT_ENGINE_H

#include "fake.h"

struct soft_engine {
	/* Told by the test */
	unsigned int switch_every;	/* instructions; 0: undisturbed */
	unsigned long long give_up;	/* after so many nanoseconds of engine time; 0: never */

	/* Seen by the test */
	unsigned long switches;
	bool nopreempt;			/* the kernel asked not to be preempted */
	uint64_t fault_va;
	uint32_t fault_access;
};

extern struct soft_engine soft_engine;

/* For struct fake's launch. */
int soft_engine_launch(struct fake *fake, uint32_t vm,
		       const struct vgpu_cmd_launch *launch);
void soft_engine_free(void);

#endif /* VGPU_TEST_SOFT_ENGINE_H */
