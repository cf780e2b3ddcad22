// SPDX-License-Identifier: GPL-2.0
/*
 * c = a * b by square tiles in shared memory.  The sum over k runs in
 * ascending order in every tile and from tile to tile, so the roundings are
 * those of the plain triple loop and the float result has the same bits.
 */
#include <vgpu_kernel.h>
#include <programs.h>

#define DEFINE_GEMM(name, type)						\
VGPU_KERNEL(name, struct gemm_args *g)					\
{									\
	const type *a = vgpu_ptr(const type, g->a);			\
	const type *b = vgpu_ptr(const type, g->b);			\
	uint32_t m = g->m, n = g->n, k = g->k;				\
	uint32_t tile = vgpu_block_x();					\
	type *tile_a = vgpu_shared();					\
	type *tile_b = tile_a + (size_t)tile * tile;			\
	uint32_t x = vgpu_lane_x(), y = vgpu_lane_y();			\
	uint32_t row = vgpu_global_y(), column = vgpu_global_x();	\
	type sum = 0;							\
									\
	for (uint32_t base = 0; base < k; base += tile) {		\
		uint32_t depth = k - base < tile ? k - base : tile;	\
									\
		if (row < m && x < depth)				\
			tile_a[y * tile + x] =				\
				a[(uint64_t)row * k + base + x];	\
		if (column < n && y < depth)				\
			tile_b[y * tile + x] =				\
				b[(uint64_t)(base + y) * n + column];	\
		vgpu_barrier();						\
									\
		/* Lanes outside of c meet the barriers, no more. */	\
		if (row < m && column < n)				\
			for (uint32_t i = 0; i < depth; i++)		\
				sum += tile_a[y * tile + i] *		\
				       tile_b[i * tile + x];		\
		vgpu_barrier();						\
	}								\
									\
	if (row < m && column < n)					\
		vgpu_ptr(type, g->c)[(uint64_t)row * n + column] = sum;	\
}

DEFINE_GEMM(gemm, float)
DEFINE_GEMM(igemm, uint32_t)
