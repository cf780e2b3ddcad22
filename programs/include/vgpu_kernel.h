/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a GPU kernel in C needs: who am I, barrier, shared memory, atomics.
 *
 * A kernel is a function that every lane of the grid runs:
 *
 *	#include <vgpu_kernel.h>
 *
 *	struct args { uint64_t data; uint32_t n; };
 *
 *	VGPU_KERNEL(twice, struct args *a)
 *	{
 *		uint32_t i = vgpu_global_x();
 *
 *		if (i < a->n)
 *			vgpu_ptr(uint32_t, a->data)[i] *= 2;
 *	}
 *
 * Build it as programs/Makefile does (RV64IMA with Zicsr, soft float, linked
 * with programs/kernel.ld).  There is no C library; libgcc is there for
 * floats and for division helpers.
 *
 * Stacks are small (struct vgpu_launch's stack_bytes, 1024 unless told), so
 * keep big arrays in shared memory or in buffers.  A barrier must be reached
 * by every lane of the workgroup that has not exited.
 */
#ifndef VGPU_KERNEL_H
#define VGPU_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vgpu.h>

#define VGPU_STRINGIFY_(x)	#x
#define VGPU_STRINGIFY(x)	VGPU_STRINGIFY_(x)

/* CSRs of indices and dimensions never change in a lane: no volatile, so
 * that the compiler reads each once.
 */
#define vgpu_csr_const(csr)						\
({									\
	unsigned long value_;						\
	__asm__("csrr %0, " VGPU_STRINGIFY(csr) : "=r"(value_));	\
	value_;								\
})

#define vgpu_csr_write(csr, value)					\
	__asm__ volatile("csrw " VGPU_STRINGIFY(csr) ", %0"		\
			 : : "rK"((unsigned long)(value)) : "memory")

static inline uint32_t vgpu_lane_x(void)  { return vgpu_csr_const(VGPU_CSR_LANE_X); }
static inline uint32_t vgpu_lane_y(void)  { return vgpu_csr_const(VGPU_CSR_LANE_Y); }
static inline uint32_t vgpu_lane_z(void)  { return vgpu_csr_const(VGPU_CSR_LANE_Z); }
static inline uint32_t vgpu_group_x(void) { return vgpu_csr_const(VGPU_CSR_GROUP_X); }
static inline uint32_t vgpu_group_y(void) { return vgpu_csr_const(VGPU_CSR_GROUP_Y); }
static inline uint32_t vgpu_group_z(void) { return vgpu_csr_const(VGPU_CSR_GROUP_Z); }
static inline uint32_t vgpu_block_x(void) { return vgpu_csr_const(VGPU_CSR_BLOCK_X); }
static inline uint32_t vgpu_block_y(void) { return vgpu_csr_const(VGPU_CSR_BLOCK_Y); }
static inline uint32_t vgpu_block_z(void) { return vgpu_csr_const(VGPU_CSR_BLOCK_Z); }
static inline uint32_t vgpu_grid_x(void)  { return vgpu_csr_const(VGPU_CSR_GRID_X); }
static inline uint32_t vgpu_grid_y(void)  { return vgpu_csr_const(VGPU_CSR_GRID_Y); }
static inline uint32_t vgpu_grid_z(void)  { return vgpu_csr_const(VGPU_CSR_GRID_Z); }

/* Index of the lane in the whole grid, along one axis. */
static inline uint32_t vgpu_global_x(void)
{
	return vgpu_group_x() * vgpu_block_x() + vgpu_lane_x();
}

static inline uint32_t vgpu_global_y(void)
{
	return vgpu_group_y() * vgpu_block_y() + vgpu_lane_y();
}

/* Lanes of the whole grid along x: the stride of a loop over more elements
 * than there are lanes.
 */
static inline uint32_t vgpu_lanes_x(void)
{
	return vgpu_grid_x() * vgpu_block_x();
}

/* The workgroup's shared memory. It is not cleared for you. */
static inline void *vgpu_shared(void)
{
	return (void *)vgpu_csr_const(VGPU_CSR_SHARED);
}

static inline size_t vgpu_shared_bytes(void)
{
	return vgpu_csr_const(VGPU_CSR_SHARED_BYTES);
}

/* Arguments carry GPU addresses as 64-bit numbers. */
#define vgpu_ptr(type, va)	((type *)(uintptr_t)(va))

/* Waits for the workgroup's other lanes; what they wrote before is seen. */
static inline void vgpu_barrier(void)
{
	register unsigned long a7 __asm__("a7") = VGPU_ECALL_BARRIER;

	__asm__ volatile("fence rw, rw\n\tecall" : : "r"(a7) : "memory");
}

static inline void __attribute__((noreturn)) vgpu_exit(void)
{
	register unsigned long a7 __asm__("a7") = VGPU_ECALL_EXIT;

	__asm__ volatile("ecall" : : "r"(a7) : "memory");
	__builtin_unreachable();
}

/* Atomics, on naturally aligned memory, shared or not; each gives the old
 * value.  They order all memory (acquire and release).
 */
#define vgpu_atomic_add(p, v)	__atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define vgpu_atomic_xor(p, v)	__atomic_fetch_xor((p), (v), __ATOMIC_SEQ_CST)
#define vgpu_atomic_or(p, v)	__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define vgpu_atomic_and(p, v)	__atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define vgpu_atomic_swap(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

static inline uint64_t vgpu_atomic_max_u64(uint64_t *p, uint64_t v)
{
	uint64_t old;

	__asm__ volatile("amomaxu.d.aqrl %0, %2, (%1)"
			 : "=r"(old) : "r"(p), "r"(v) : "memory");
	return old;
}

/* Replaces @old by @new if it is still there; non-zero when it was.  A
 * loop of lr/sc, so that these too are in use.
 */
static inline int vgpu_atomic_cas_u64(uint64_t *p, uint64_t old, uint64_t new)
{
	uint64_t seen;
	uint64_t failed;

	__asm__ volatile("1:	lr.d.aqrl	%0, (%2)\n"
			 "	li		%1, 1\n"
			 "	bne		%0, %3, 2f\n"
			 "	sc.d.aqrl	%1, %4, (%2)\n"
			 "	bnez		%1, 1b\n"
			 "2:"
			 : "=&r"(seen), "=&r"(failed)
			 : "r"(p), "r"(old), "r"(new) : "memory");
	return !failed;
}

/*
 * Defines a kernel: a symbol that vgpu_kernel_entry() finds, with the
 * argument block of VGPU_CMD_LAUNCH as its only parameter.  Returning ends
 * the lane.  Registers start at zero, so there is nothing to return to.
 */
#define VGPU_KERNEL(name, args)						\
	static inline __attribute__((always_inline))			\
	void name##_lane_(args);					\
	void __attribute__((noreturn, used)) name(void *args_);		\
	void name(void *args_)						\
	{								\
		name##_lane_(args_);					\
		vgpu_exit();						\
	}								\
	static inline __attribute__((always_inline))			\
	void name##_lane_(args)

#endif /* VGPU_KERNEL_H */
