// SPDX-License-Identifier: GPL-2.0
/* Kernels that never end, to show that they hurt nobody else. */
#include <vgpu_kernel.h>
#include <programs.h>

static void __attribute__((noreturn)) count_for_ever(struct spin_args *args)
{
	volatile uint64_t *counter = vgpu_ptr(volatile uint64_t, args->counter);

	if (vgpu_global_x() || !counter)
		for (;;)
			__asm__ volatile("");
	for (;;)
		(*counter)++;
}

VGPU_KERNEL(spin, struct spin_args *args)
{
	count_for_ever(args);
}

/* Also asks not to be preempted, for ever: only a reset ends this one. */
VGPU_KERNEL(spin_nopreempt, struct spin_args *args)
{
	vgpu_csr_write(VGPU_CSR_NOPREEMPT, 1);
	count_for_ever(args);
}
