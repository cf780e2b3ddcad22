# SPDX-License-Identifier: GPL-2.0
#
# GPU kernels for the soft_* suites.  `make -C tests/kunit -f soft_kernels.mk`
# turns them into soft_kernels.h, which is checked in so that the tests build
# without a RISC-V compiler.

	.option	norelax
	.equ	LANE_X, 0xcc0
	.equ	GROUP_X, 0xcc3
	.equ	BLOCK_X, 0xcc6
	.equ	GRID_X, 0xcc9
	.equ	SHARED, 0xccc
	.equ	SCRATCH, 0x8c0
	.equ	NOPREEMPT, 0x8c1
	.text

# Does what cannot be done twice, with everything that is state: registers,
# memory, workgroup memory, barriers, reservations, the scratch register.
# args: one doubleword for all, one for each lane of the grid.
	.globl	stir
stir:
	csrr	s0, LANE_X
	csrr	s1, GROUP_X
	csrr	s2, BLOCK_X
	csrr	s3, SHARED
	mul	s4, s1, s2
	add	s4, s4, s0
	slli	s5, s4, 3
	add	s5, s5, a0
	addi	s5, s5, 8		# the lane's own doubleword
	slli	s6, s0, 3
	add	s6, s6, s3		# the lane's place in shared memory
	addi	s7, s0, 1
	remu	s7, s7, s2
	slli	s7, s7, 3
	add	s7, s7, s3		# its neighbour's
	li	s8, 2
	addi	sp, sp, -16
again:
	ld	t0, 0(s5)
	li	t1, 31
	mul	t0, t0, t1
	add	t0, t0, s4
	sd	t0, 0(s5)
	csrrw	t2, SCRATCH, t0
	sd	t2, 8(sp)
	sd	t0, 0(s6)
	li	a7, 1
	ecall				# barrier
	ld	t3, 0(s7)
	ecall				# barrier
	ld	t2, 8(sp)
	add	t3, t3, t2
	ld	t0, 0(s5)
	xor	t0, t0, t3
	sd	t0, 0(s5)
1:	lr.d	t4, (a0)
	slli	t5, t4, 1
	add	t4, t4, t5
	add	t4, t4, t0
	sc.d	t5, t4, (a0)
	bnez	t5, 1b
	amoadd.d t4, s8, (s5)
	amoxor.d t4, t4, (s5)
	addi	s8, s8, -1
	bnez	s8, again
	csrr	t0, 0xc02
	amoadd.d zero, t0, (s5)
	csrr	t0, SCRATCH
	amoadd.d zero, t0, (s5)
	li	a7, 0
	ecall

# Runs until reset, and may not be preempted.
	.globl	spin_nopreempt
spin_nopreempt:
	csrwi	NOPREEMPT, 1
1:	j	1b

# Not to be preempted for args loops, then preemptible for ever.
	.globl	pend
pend:
	csrwi	NOPREEMPT, 1
1:	addi	a0, a0, -1
	bnez	a0, 1b
	csrwi	NOPREEMPT, 0
2:	j	2b

# Runs until preempted.
	.globl	spin
spin:
	j	spin

# Stores to args, loads back, exits: for page tables.
	.globl	poke
poke:
	ld	t0, 0(a0)
	addi	t0, t0, 1
	sd	t0, 0(a0)
	li	a7, 0
	ecall

# Adds 1 to the doubleword at args, for ever: the mapping may go any time.
	.globl	count
count:
1:	ld	t0, 0(a0)
	addi	t0, t0, 1
	sd	t0, 0(a0)
	j	1b

# Lane 0 waits for what lane 1 writes; both exit.
	.globl	handover
handover:
	csrr	t0, LANE_X
	bnez	t0, 2f
1:	ld	t1, 0(a0)
	beqz	t1, 1b
	sd	t1, 8(a0)
	j	3f
2:	li	t1, 42
	sd	t1, 0(a0)
3:	li	a7, 0
	ecall

# Each lane writes down who it is: lane, group, block and grid in x, y, z.
# args: 64 bytes for each lane of the grid
	.globl	whoami
whoami:
	csrr	t0, 0xcc0
	csrr	t1, 0xcc1
	csrr	t2, 0xcc2
	csrr	t3, 0xcc6
	csrr	t4, 0xcc7
	mul	t5, t2, t4
	add	t5, t5, t1
	mul	t5, t5, t3
	add	t5, t5, t0		# lane
	csrr	s0, 0xcc3
	csrr	s1, 0xcc4
	csrr	s2, 0xcc5
	csrr	s3, 0xcc9
	csrr	s4, 0xcca
	mul	s5, s2, s4
	add	s5, s5, s1
	mul	s5, s5, s3
	add	s5, s5, s0		# group
	mul	s6, t3, t4
	csrr	s7, 0xcc8
	mul	s6, s6, s7		# lanes of a group
	mul	s5, s5, s6
	add	s5, s5, t5
	slli	s5, s5, 6
	add	s5, s5, a0
	sw	t0, 0(s5)
	sw	t1, 4(s5)
	sw	t2, 8(s5)
	sw	s0, 12(s5)
	sw	s1, 16(s5)
	sw	s2, 20(s5)
	sd	sp, 24(s5)
	csrr	t0, 0xccb
	sw	t0, 32(s5)
	csrr	t0, 0xccd
	sw	t0, 36(s5)
	or	t0, ra, gp		# what must have started as zero
	or	t0, t0, tp
	or	t0, t0, a1
	or	t0, t0, a7
	or	t0, t0, s11
	or	t0, t0, t6
	sd	t0, 40(s5)
	li	t0, 1
	sd	t0, 48(s5)
	li	a7, 0
	ecall

# Leaves something in every register and in shared memory, then spins.
	.globl	litter
litter:
	csrr	t0, SHARED
	li	t1, 0x5a5a5a5a5a5a5a5a
	sd	t1, 0(t0)
	sd	t1, 504(t0)
	csrw	SCRATCH, t1
	lr.d	t2, (a0)
	.irp	r, ra, gp, tp, t0, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7
	mv	\r, t1
	.endr
	.irp	r, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
	mv	\r, t1
	.endr
	j	spin
