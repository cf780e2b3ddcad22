// SPDX-License-Identifier: GPL-2.0
/* The Mandelbrot set in fixed point, one lane a pixel. */
#include <vgpu_kernel.h>
#include <programs.h>

VGPU_KERNEL(mandelbrot, struct mandelbrot_args *args)
{
	uint32_t x = vgpu_global_x(), y = vgpu_global_y();
	uint32_t limit = args->max_iterations, n;
	int64_t re = 0, im = 0, c_re, c_im;

	if (x >= args->width || y >= args->height)
		return;

	c_re = args->left + x * args->step;
	c_im = args->top + y * args->step;
	for (n = 0; n < limit; n++) {
		int64_t re2 = (re * re) >> MANDELBROT_FRACTION;
		int64_t im2 = (im * im) >> MANDELBROT_FRACTION;

		if (re2 + im2 > (int64_t)4 << MANDELBROT_FRACTION)
			break;
		im = ((re * im) >> (MANDELBROT_FRACTION - 1)) + c_im;
		re = re2 - im2 + c_re;
	}
	/* Inside: black; outside: the brighter, the longer it stayed. */
	vgpu_ptr(uint8_t, args->out)[(uint64_t)y * args->width + x] =
		n == limit ? 0 : 255 - (limit - 1 - n) * 255 / limit;
}
