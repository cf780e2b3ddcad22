// SPDX-License-Identifier: GPL-2.0
/* Sobel's edge filter on 8-bit grey, one lane a pixel. */
#include <vgpu_kernel.h>
#include <programs.h>

VGPU_KERNEL(sobel, struct sobel_args *args)
{
	const uint8_t *in = vgpu_ptr(const uint8_t, args->in);
	uint32_t width = args->width, height = args->height;
	uint32_t x = vgpu_global_x(), y = vgpu_global_y();
	const uint8_t *above, *here, *below;
	uint32_t left, right;
	int gx, gy;

	if (x >= width || y >= height)
		return;

	/* Outside of the picture its edge goes on. */
	here = in + (uint64_t)y * width;
	above = y ? here - width : here;
	below = y + 1 < height ? here + width : here;
	left = x ? x - 1 : x;
	right = x + 1 < width ? x + 1 : x;

	gx = above[right] + 2 * here[right] + below[right] -
	     above[left] - 2 * here[left] - below[left];
	gy = below[left] + 2 * below[x] + below[right] -
	     above[left] - 2 * above[x] - above[right];
	gx = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
	vgpu_ptr(uint8_t, args->out)[(uint64_t)y * width + x] =
		gx > 255 ? 255 : gx;
}
