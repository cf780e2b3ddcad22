/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction set: RV64IMA with Zicsr and Zifencei, little endian, no
 * compressed instructions, one privilege level.
 *
 * Loads and stores may be misaligned; LR, SC and AMO may not (-EFAULT).
 * A jump or taken branch to an address that is not a multiple of 4 faults at
 * the jump.  EBREAK, privileged and unknown instructions, unknown CSRs and
 * writes to read-only ones are -ENOEXEC.  A faulting instruction has no
 * effect; pc stays at it.
 */
#ifndef _VGPU_SOFT_ISA_H
#define _VGPU_SOFT_ISA_H

#include "model.h"

/*
 * Common instructions first: kernels are built without jump tables where
 * indirect branches are expensive, then the switch over these is a tree of
 * comparisons, and the executor asks for the common half first.
 */
enum soft_op {
	SOFT_OP_ADDI, SOFT_OP_ADD, SOFT_OP_LD, SOFT_OP_SD,
	SOFT_OP_LW, SOFT_OP_SW, SOFT_OP_ADDIW, SOFT_OP_ADDW,
	SOFT_OP_BNE, SOFT_OP_BEQ, SOFT_OP_BLT, SOFT_OP_BGE,
	SOFT_OP_BLTU, SOFT_OP_BGEU, SOFT_OP_JAL, SOFT_OP_JALR,
	SOFT_OP_SLLI, SOFT_OP_SRLI, SOFT_OP_SUB, SOFT_OP_AND,
	SOFT_OP_OR, SOFT_OP_XOR, SOFT_OP_ANDI, SOFT_OP_LUI,
	SOFT_OP_LBU, SOFT_OP_SB, SOFT_OP_SLLIW, SOFT_OP_SRLIW,
	SOFT_OP_SRAIW, SOFT_OP_MULW, SOFT_OP_MUL, SOFT_OP_SRAI,
	SOFT_OP_COMMON_END,

	SOFT_OP_AUIPC = SOFT_OP_COMMON_END, SOFT_OP_LB, SOFT_OP_LH,
	SOFT_OP_LHU, SOFT_OP_LWU, SOFT_OP_SH, SOFT_OP_SLTI, SOFT_OP_SLTIU,
	SOFT_OP_XORI, SOFT_OP_ORI, SOFT_OP_SLL, SOFT_OP_SLT, SOFT_OP_SLTU,
	SOFT_OP_SRL, SOFT_OP_SRA, SOFT_OP_SUBW, SOFT_OP_SLLW, SOFT_OP_SRLW,
	SOFT_OP_SRAW, SOFT_OP_MULH, SOFT_OP_MULHSU, SOFT_OP_MULHU,
	SOFT_OP_DIV, SOFT_OP_DIVU, SOFT_OP_REM, SOFT_OP_REMU, SOFT_OP_DIVW,
	SOFT_OP_DIVUW, SOFT_OP_REMW, SOFT_OP_REMUW, SOFT_OP_FENCE,
	SOFT_OP_ECALL, SOFT_OP_CSR, SOFT_OP_AMO, SOFT_OP_ILLEGAL,
};

/* imm of SOFT_OP_AMO: funct5 | SOFT_AMO_DOUBLE */
#define SOFT_AMO_ADD		0x00
#define SOFT_AMO_SWAP		0x01
#define SOFT_AMO_LR		0x02
#define SOFT_AMO_SC		0x03
#define SOFT_AMO_XOR		0x04
#define SOFT_AMO_OR		0x08
#define SOFT_AMO_AND		0x0c
#define SOFT_AMO_MIN		0x10
#define SOFT_AMO_MAX		0x14
#define SOFT_AMO_MINU		0x18
#define SOFT_AMO_MAXU		0x1c
#define SOFT_AMO_DOUBLE		0x20

/* Where a lane stopped */
enum soft_stop {
	SOFT_STOP_LIMIT,	/* used up the instructions it was given */
	SOFT_STOP_EXIT,
	SOFT_STOP_BARRIER,
	SOFT_STOP_FAULT,	/* soft_core.fault */
};

void soft_isa_decode(struct soft_insn *d, u32 raw);
enum soft_stop soft_isa_run(struct soft_core *c, struct soft_unit *u,
			    struct soft_lane *l, u32 *limit);

/* isa_mem.c: what takes more than a few instructions */
int soft_isa_load(struct soft_core *c, struct soft_unit *u, u64 va,
		  unsigned int size, u64 *value);
int soft_isa_store(struct soft_core *c, struct soft_unit *u, u64 va,
		   unsigned int size, u64 value);
int soft_isa_amo(struct soft_core *c, struct soft_unit *u,
		 struct soft_lane *l, const struct soft_insn *d);
/* isa_csr.c */
int soft_isa_csr(struct soft_core *c, struct soft_unit *u,
		 struct soft_lane *l, const struct soft_insn *d, u64 retired);

#endif /* _VGPU_SOFT_ISA_H */
