// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for what whoever had the engine before left in registers, CSRs, shared memory and
 * vector registers, and leaves a secret in all of them; for tests of isolation.
 */
#include <vgpu_kernel.h>
#include <programs.h>

/*
 * All registers together, but a0 (the arguments) and sp, before anything is in use; those
 * that were used up for that are seen by the others' first use of them.
 */
__asm__(".text\n"
	".globl leftover\n"
	".type leftover, @function\n"
	"leftover:\n"
	"	or	t0, t0, ra\n"
	"	or	t0, t0, gp\n"
	"	or	t0, t0, tp\n"
	"	or	t0, t0, t1\n"
	"	or	t0, t0, t2\n"
	"	or	t0, t0, s0\n"
	"	or	t0, t0, s1\n"
	"	or	t0, t0, a1\n"
	"	or	t0, t0, a2\n"
	"	or	t0, t0, a3\n"
	"	or	t0, t0, a4\n"
	"	or	t0, t0, a5\n"
	"	or	t0, t0, a6\n"
	"	or	t0, t0, a7\n"
	"	or	t0, t0, s2\n"
	"	or	t0, t0, s3\n"
	"	or	t0, t0, s4\n"
	"	or	t0, t0, s5\n"
	"	or	t0, t0, s6\n"
	"	or	t0, t0, s7\n"
	"	or	t0, t0, s8\n"
	"	or	t0, t0, s9\n"
	"	or	t0, t0, s10\n"
	"	or	t0, t0, s11\n"
	"	or	t0, t0, t3\n"
	"	or	t0, t0, t4\n"
	"	or	t0, t0, t5\n"
	"	or	t0, t0, t6\n"
	"	mv	a1, t0\n"
	"	call	leftover_look\n"
	/* secrets in all of them, then the end, or none */
	"	mv	t0, a0\n"
	"	mv	ra, a1\n"
	"	mv	gp, a1\n"
	"	mv	tp, a1\n"
	"	mv	t1, a1\n"
	"	mv	t2, a1\n"
	"	mv	s0, a1\n"
	"	mv	s1, a1\n"
	"	mv	a0, a1\n"
	"	mv	a2, a1\n"
	"	mv	a3, a1\n"
	"	mv	a4, a1\n"
	"	mv	a5, a1\n"
	"	mv	a6, a1\n"
	"	mv	s2, a1\n"
	"	mv	s3, a1\n"
	"	mv	s4, a1\n"
	"	mv	s5, a1\n"
	"	mv	s6, a1\n"
	"	mv	s7, a1\n"
	"	mv	s8, a1\n"
	"	mv	s9, a1\n"
	"	mv	s10, a1\n"
	"	mv	s11, a1\n"
	"	mv	t3, a1\n"
	"	mv	t4, a1\n"
	"	mv	t5, a1\n"
	"	mv	t6, a1\n"
	"	li	a7, " VGPU_STRINGIFY(VGPU_ECALL_EXIT) "\n"
	"1:	bnez	t0, 1b\n"
	"	ecall\n");

struct leftover_next {
	uint64_t stay;			/* in a0 */
	uint64_t secret;		/* in a1 */
};

struct leftover_next leftover_look(struct leftover_args *args, uint64_t registers);

struct leftover_next leftover_look(struct leftover_args *args, uint64_t registers)
{
	uint64_t *found = vgpu_ptr(uint64_t, args->found);
	volatile uint64_t *shared = vgpu_shared();
	uint64_t i, old, csr, secret = args->secret;

	vgpu_atomic_or(&found[LEFTOVER_REGISTERS], registers);
	__asm__ volatile("csrr %0, " VGPU_STRINGIFY(VGPU_CSR_SCRATCH) : "=r"(csr));
	__asm__ volatile("csrr %0, " VGPU_STRINGIFY(VGPU_CSR_NOPREEMPT) : "=r"(old));
	vgpu_atomic_or(&found[LEFTOVER_CSRS], csr | old);
	/* each lane its own part; workgroups of one launch may find each other's */
	for (i = vgpu_lane_x(); i < vgpu_shared_bytes() / 8; i += vgpu_block_x()) {
		old = shared[i];
		vgpu_atomic_or(&found[LEFTOVER_SHARED], old == secret ? 0 : old);
		shared[i] = secret;
	}
	for (i = vgpu_lane_x(); i < args->words; i += vgpu_block_x()) {
		vgpu_csr_write(VGPU_CSR_SCRATCH, i);
		__asm__ volatile("csrrw %0, " VGPU_STRINGIFY(VGPU_CSR_VECTOR) ", %1"
				 : "=r"(old) : "r"(secret));
		vgpu_atomic_or(&found[LEFTOVER_VECTOR], old == secret ? 0 : old);
	}
	vgpu_csr_write(VGPU_CSR_SCRATCH, secret);
	vgpu_atomic_add(&found[LEFTOVER_LANES], 1);
	return (struct leftover_next){ args->stay, secret };
}
