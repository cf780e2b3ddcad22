// SPDX-License-Identifier: GPL-2.0
/* Touch an address that is given, for tests of permissions and faults. */
#include <vgpu_kernel.h>
#include <programs.h>

VGPU_KERNEL(fault_read, struct fault_args *args)
{
	args->value = *vgpu_ptr(volatile uint64_t, args->va);
	args->reached = 1;
}

VGPU_KERNEL(fault_write, struct fault_args *args)
{
	*vgpu_ptr(volatile uint64_t, args->va) = args->value;
	args->reached = 1;
}

VGPU_KERNEL(fault_exec, struct fault_args *args)
{
	((void (*)(void))(uintptr_t)args->va)();
	args->reached = 1;
}
