// SPDX-License-Identifier: GPL-2.0
/*
 * Every instruction must run once: each round reads, changes and writes the
 * lane's own cell in a way that cannot be repeated unnoticed, and depends on
 * what the neighbour left in shared memory.  What all lanes share is changed
 * only by operations whose order does not matter, so that the bytes at the
 * end do not depend on how lanes and workgroups were interleaved.
 */
#include <vgpu_kernel.h>
#include <programs.h>

VGPU_KERNEL(counter, struct counter_args *args)
{
	volatile uint64_t *cell = vgpu_ptr(volatile uint64_t, args->cells) +
				  vgpu_global_x();
	struct counter_totals *totals =
		vgpu_ptr(struct counter_totals, args->totals);
	volatile uint64_t *shared = vgpu_shared();
	uint32_t lane = vgpu_lane_x(), lanes = vgpu_block_x();
	uint32_t next = lane + 1 == lanes ? 0 : lane + 1;

	for (uint64_t round = 0; round < args->rounds; round++) {
		uint64_t value, old;

		value = *cell * 6364136223846793005u + round + lane;
		*cell = value;
		shared[lane] = value;
		vgpu_barrier();

		value = *cell ^ shared[next] >> 7;
		*cell = value;
		vgpu_atomic_add(&totals->added, value);
		vgpu_atomic_xor(&totals->mixed, value);
		vgpu_atomic_max_u64(&totals->highest, value);
		do {
			old = *(volatile uint64_t *)&totals->swapped;
		} while (!vgpu_atomic_cas_u64(&totals->swapped, old,
					      old + (value & 0xff)));
		vgpu_barrier();
	}
}
