// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to some of the vector registers over and over, and before each write
 * looks whether the word still is what was written last: what is lost of them, or
 * comes from elsewhere, is never written over unseen.
 */
#include <vgpu_kernel.h>
#include <programs.h>

static uint64_t exchange(uint64_t index, uint64_t value)
{
	uint64_t old;

	vgpu_csr_write(VGPU_CSR_SCRATCH, index);
	__asm__ volatile("csrrw %0, " VGPU_STRINGIFY(VGPU_CSR_VECTOR) ", %1"
			 : "=r"(old) : "r"(value));
	return old;
}

static uint64_t written(uint64_t index, uint64_t round)
{
	return round ? (index + 1) * 0x9e3779b97f4a7c15u ^ round << 40 : 0;
}

/* One word in @stride, by all lanes of a workgroup together. */
VGPU_KERNEL(vector, struct vector_args *args)
{
	uint64_t lane = vgpu_lane_x(), step = vgpu_block_x() * args->stride;
	uint64_t round, i, wrong = 0;

	for (round = 0; round < args->rounds; round++)
		for (i = lane * args->stride; i < args->words; i += step)
			wrong += exchange(i, written(i, round + 1)) !=
				 written(i, round);
	/* beside them nobody wrote */
	for (i = lane * args->stride; i + 1 < args->words; i += step)
		wrong += exchange(i + 1, 0) != 0;
	vgpu_ptr(uint64_t, args->wrong)[lane] = wrong + 1;
}
