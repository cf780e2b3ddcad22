// SPDX-License-Identifier: GPL-2.0
/*
 * y = a * x + y.  The float kernel multiplies and adds in two steps, each
 * rounded (libgcc, no fused multiply-add), so a CPU gets the same bits.
 */
#include <vgpu_kernel.h>
#include <programs.h>

VGPU_KERNEL(saxpy, struct saxpy_args *args)
{
	const float *x = vgpu_ptr(const float, args->x);
	float *y = vgpu_ptr(float, args->y);
	union { uint32_t bits; float value; } a = { .bits = args->a };
	uint32_t stride = vgpu_lanes_x();

	for (uint64_t i = vgpu_global_x(); i < args->n; i += stride)
		y[i] = a.value * x[i] + y[i];
}

VGPU_KERNEL(isaxpy, struct saxpy_args *args)
{
	const uint32_t *x = vgpu_ptr(const uint32_t, args->x);
	uint32_t *y = vgpu_ptr(uint32_t, args->y);
	uint32_t a = args->a;
	uint32_t stride = vgpu_lanes_x();

	/* Unsigned: int32 that wraps, without undefined behaviour. */
	for (uint64_t i = vgpu_global_x(); i < args->n; i += stride)
		y[i] = a * x[i] + y[i];
}
