// SPDX-License-Identifier: GPL-2.0
/*
 * Instruction decoder: from 32 bits to an operation, registers and an
 * immediate.  A pure function of the word, and total: whatever is not an
 * instruction of ours becomes SOFT_OP_ILLEGAL.
 */
#include <linux/bits.h>
#include <linux/kernel.h>

#include "isa.h"

static u32 field(u32 raw, unsigned int shift, unsigned int bits)
{
	return (raw >> shift) & ((1U << bits) - 1);
}

static s64 imm_i(u32 raw)
{
	return (s32)raw >> 20;
}

static s64 imm_s(u32 raw)
{
	return ((s32)(raw & 0xfe000000) >> 20) | (s32)field(raw, 7, 5);
}

static s64 imm_b(u32 raw)
{
	return ((s32)(raw & 0x80000000) >> 19) | (s32)(field(raw, 7, 1) << 11) |
	       (s32)(field(raw, 25, 6) << 5) | (s32)(field(raw, 8, 4) << 1);
}

static s64 imm_u(u32 raw)
{
	return (s32)(raw & 0xfffff000);
}

static s64 imm_j(u32 raw)
{
	return ((s32)(raw & 0x80000000) >> 11) | (s32)(raw & 0xff000) |
	       (s32)(field(raw, 20, 1) << 11) | (s32)(field(raw, 21, 10) << 1);
}

static const u8 load_ops[8] = {
	SOFT_OP_LB, SOFT_OP_LH, SOFT_OP_LW, SOFT_OP_LD,
	SOFT_OP_LBU, SOFT_OP_LHU, SOFT_OP_LWU, SOFT_OP_ILLEGAL,
};

static const u8 store_ops[8] = {
	SOFT_OP_SB, SOFT_OP_SH, SOFT_OP_SW, SOFT_OP_SD,
	SOFT_OP_ILLEGAL, SOFT_OP_ILLEGAL, SOFT_OP_ILLEGAL, SOFT_OP_ILLEGAL,
};

static const u8 branch_ops[8] = {
	SOFT_OP_BEQ, SOFT_OP_BNE, SOFT_OP_ILLEGAL, SOFT_OP_ILLEGAL,
	SOFT_OP_BLT, SOFT_OP_BGE, SOFT_OP_BLTU, SOFT_OP_BGEU,
};

static const u8 imm_ops[8] = {
	SOFT_OP_ADDI, SOFT_OP_SLLI, SOFT_OP_SLTI, SOFT_OP_SLTIU,
	SOFT_OP_XORI, SOFT_OP_SRLI, SOFT_OP_ORI, SOFT_OP_ANDI,
};

static const u8 reg_ops[8] = {
	SOFT_OP_ADD, SOFT_OP_SLL, SOFT_OP_SLT, SOFT_OP_SLTU,
	SOFT_OP_XOR, SOFT_OP_SRL, SOFT_OP_OR, SOFT_OP_AND,
};

static const u8 muldiv_ops[8] = {
	SOFT_OP_MUL, SOFT_OP_MULH, SOFT_OP_MULHSU, SOFT_OP_MULHU,
	SOFT_OP_DIV, SOFT_OP_DIVU, SOFT_OP_REM, SOFT_OP_REMU,
};

static const u8 muldivw_ops[8] = {
	SOFT_OP_MULW, SOFT_OP_ILLEGAL, SOFT_OP_ILLEGAL, SOFT_OP_ILLEGAL,
	SOFT_OP_DIVW, SOFT_OP_DIVUW, SOFT_OP_REMW, SOFT_OP_REMUW,
};

static u8 decode_imm(struct soft_insn *d, u32 raw, u32 funct3)
{
	if (funct3 == 1 || funct3 == 5) {
		u32 top = field(raw, 26, 6);

		d->imm = field(raw, 20, 6);
		if (funct3 == 5 && top == 0x10)
			return SOFT_OP_SRAI;
		if (top)
			return SOFT_OP_ILLEGAL;
	}
	return imm_ops[funct3];
}

static u8 decode_imm32(struct soft_insn *d, u32 raw, u32 funct3)
{
	u32 top = field(raw, 25, 7);

	if (funct3 == 0)
		return SOFT_OP_ADDIW;
	d->imm = field(raw, 20, 5);
	if (funct3 == 1 && top == 0)
		return SOFT_OP_SLLIW;
	if (funct3 == 5 && top == 0)
		return SOFT_OP_SRLIW;
	if (funct3 == 5 && top == 0x20)
		return SOFT_OP_SRAIW;
	return SOFT_OP_ILLEGAL;
}

static u8 decode_reg(u32 funct7, u32 funct3)
{
	if (funct7 == 0)
		return reg_ops[funct3];
	if (funct7 == 1)
		return muldiv_ops[funct3];
	if (funct7 == 0x20 && funct3 == 0)
		return SOFT_OP_SUB;
	if (funct7 == 0x20 && funct3 == 5)
		return SOFT_OP_SRA;
	return SOFT_OP_ILLEGAL;
}

static u8 decode_reg32(u32 funct7, u32 funct3)
{
	if (funct7 == 1)
		return muldivw_ops[funct3];
	switch (funct7 << 3 | funct3) {
	case 0:
		return SOFT_OP_ADDW;
	case 1:
		return SOFT_OP_SLLW;
	case 5:
		return SOFT_OP_SRLW;
	case 0x20 << 3:
		return SOFT_OP_SUBW;
	case 0x20 << 3 | 5:
		return SOFT_OP_SRAW;
	}
	return SOFT_OP_ILLEGAL;
}

static u8 decode_amo(struct soft_insn *d, u32 raw, u32 funct3)
{
	u32 funct5 = field(raw, 27, 5);

	if (funct3 != 2 && funct3 != 3)
		return SOFT_OP_ILLEGAL;
	switch (funct5) {
	case SOFT_AMO_LR:
		if (d->rs2)
			return SOFT_OP_ILLEGAL;
		break;
	case SOFT_AMO_ADD:
	case SOFT_AMO_SWAP:
	case SOFT_AMO_SC:
	case SOFT_AMO_XOR:
	case SOFT_AMO_OR:
	case SOFT_AMO_AND:
	case SOFT_AMO_MIN:
	case SOFT_AMO_MAX:
	case SOFT_AMO_MINU:
	case SOFT_AMO_MAXU:
		break;
	default:
		return SOFT_OP_ILLEGAL;
	}
	d->imm = funct5 | (funct3 == 3 ? SOFT_AMO_DOUBLE : 0);
	return SOFT_OP_AMO;
}

static u8 decode_system(struct soft_insn *d, u32 raw, u32 funct3)
{
	if (raw == 0x00000073)
		return SOFT_OP_ECALL;
	if (funct3 == 0 || funct3 == 4)
		return SOFT_OP_ILLEGAL;
	d->imm = raw;
	return SOFT_OP_CSR;
}

/**
 * soft_isa_decode() - decode one instruction
 * @d: result
 * @raw: the instruction
 */
void soft_isa_decode(struct soft_insn *d, u32 raw)
{
	u32 funct3 = field(raw, 12, 3);
	u32 funct7 = field(raw, 25, 7);
	u8 op = SOFT_OP_ILLEGAL;

	d->raw = raw;
	d->rd = field(raw, 7, 5);
	d->rs1 = field(raw, 15, 5);
	d->rs2 = field(raw, 20, 5);
	d->imm = imm_i(raw);

	switch (raw & 0x7f) {
	case 0x03:
		op = load_ops[funct3];
		break;
	case 0x0f:
		op = funct3 < 2 ? SOFT_OP_FENCE : SOFT_OP_ILLEGAL;
		break;
	case 0x13:
		op = decode_imm(d, raw, funct3);
		break;
	case 0x17:
		d->imm = imm_u(raw);
		op = SOFT_OP_AUIPC;
		break;
	case 0x1b:
		op = decode_imm32(d, raw, funct3);
		break;
	case 0x23:
		d->imm = imm_s(raw);
		op = store_ops[funct3];
		break;
	case 0x2f:
		op = decode_amo(d, raw, funct3);
		break;
	case 0x33:
		op = decode_reg(funct7, funct3);
		break;
	case 0x37:
		d->imm = imm_u(raw);
		op = SOFT_OP_LUI;
		break;
	case 0x3b:
		op = decode_reg32(funct7, funct3);
		break;
	case 0x63:
		d->imm = imm_b(raw);
		op = branch_ops[funct3];
		break;
	case 0x67:
		op = funct3 ? SOFT_OP_ILLEGAL : SOFT_OP_JALR;
		break;
	case 0x6f:
		d->imm = imm_j(raw);
		op = SOFT_OP_JAL;
		break;
	case 0x73:
		op = decode_system(d, raw, funct3);
		break;
	}
	d->op = op;
	if (!d->rd)
		d->rd = 32;
}
