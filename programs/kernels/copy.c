// SPDX-License-Identifier: GPL-2.0
/* Copies words with a stride of all lanes; the last lane takes the odd bytes. */
#include <vgpu_kernel.h>
#include <programs.h>

VGPU_KERNEL(copy, struct copy_args *a)
{
	const uint64_t *src = vgpu_ptr(const uint64_t, a->src);
	uint64_t *dst = vgpu_ptr(uint64_t, a->dst);
	uint64_t words = a->bytes / 8;
	uint32_t stride = vgpu_lanes_x();

	for (uint64_t i = vgpu_global_x(); i < words; i += stride)
		dst[i] = src[i];

	if (vgpu_global_x() == stride - 1) {
		const uint8_t *s = vgpu_ptr(const uint8_t, a->src);
		uint8_t *d = vgpu_ptr(uint8_t, a->dst);

		for (uint64_t i = words * 8; i < a->bytes; i++)
			d[i] = s[i];
	}
}
