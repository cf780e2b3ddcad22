// SPDX-License-Identifier: GPL-2.0
/*
 * The executor: runs one lane for a number of instructions.
 *
 * This loop is the GPU; everything else may be slow.  Three things keep it
 * fast:
 *
 *  - Decoded instructions are kept in a direct-mapped array, indexed by where
 *    they lie and tagged with the instruction word itself.  The word is
 *    fetched from memory each time and compared, which costs one load but
 *    makes the array coherent with every store to code, from anywhere, by
 *    construction.
 *  - Fetches, loads and stores hit a TLB whose tag compare also rejects
 *    accesses that cross a page: the tag is that of the access's last byte,
 *    the slot that of its first.
 *  - No calls through pointers: they cost more than a tree of comparisons on
 *    kernels with retpolines.
 *
 * The page that code is fetched from is looked up once and then remembered;
 * nobody invalidates translations while a lane runs, see engine.c.  Inside it
 * the program counter is kept as the CPU's address of the next instruction,
 * `ip`; `bias` is the difference.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/types.h>
#include <asm/barrier.h>

#include "isa.h"

/* Memory is little endian and so is every machine this builds for. */
struct soft_s8 { s8 v; };
struct soft_u8 { u8 v; };
struct soft_s16 { s16 v; } __packed;
struct soft_u16 { u16 v; } __packed;
struct soft_s32 { s32 v; } __packed;
struct soft_u32 { u32 v; } __packed;
struct soft_u64 { u64 v; } __packed;

#define TLB_HIT(kind, va, size)						\
	(t = &c->tlb[kind][((va) >> SOFT_PAGE_SHIFT) % SOFT_TLB],	\
	 likely(t->tag == ((((va) + (size) - 1) & SOFT_PAGE_MASK) | asid)))

#define LOAD(type)							\
	do {								\
		va = x[d->rs1] + d->imm;				\
		if (TLB_HIT(SOFT_TLB_READ, va, sizeof(type))) {		\
			x[d->rd] = ((const struct soft_##type *)	\
				    (t->page + (va & ~SOFT_PAGE_MASK)))->v; \
		} else {						\
			if (soft_isa_load(c, u, va, sizeof(type), &val)) \
				goto fault;				\
			x[d->rd] = (type)val;				\
		}							\
	} while (0)

#define STORE(type)							\
	do {								\
		va = x[d->rs1] + d->imm;				\
		if (TLB_HIT(SOFT_TLB_WRITE, va, sizeof(type))) {	\
			((struct soft_##type *)				\
			 (t->page + (va & ~SOFT_PAGE_MASK)))->v = x[d->rs2]; \
		} else if (soft_isa_store(c, u, va, sizeof(type), x[d->rs2])) { \
			goto fault;					\
		}							\
	} while (0)

#define BRANCH(cond)							\
	do {								\
		if (cond)						\
			goto jump;					\
	} while (0)

#define A	(x[d->rs1])
#define B	(x[d->rs2])
#define SA	((s64)x[d->rs1])
#define SB	((s64)x[d->rs2])
#define WA	((u32)x[d->rs1])
#define WB	((u32)x[d->rs2])
#define SEXT(v)	((u64)(s64)(s32)(v))

static u64 mulhu(u64 a, u64 b)
{
	return mul_u64_u64_shr(a, b, 64);
}

/* A negative factor counts 2^64 too much when taken as unsigned. */
static u64 mulhsu(s64 a, u64 b)
{
	return mulhu(a, b) - (a < 0 ? b : 0);
}

static u64 mulh(s64 a, s64 b)
{
	return mulhsu(a, b) - (b < 0 ? a : 0);
}

/* Division never traps: by zero and overflow have defined results. */
static u64 div64_signed(s64 a, s64 b)
{
	if (!b)
		return ~0ULL;
	if (b == -1)
		return -(u64)a;
	return a / b;
}

static u64 rem64_signed(s64 a, s64 b)
{
	if (!b)
		return a;
	if (b == -1)
		return 0;
	return a % b;
}

static u64 div32_signed(s32 a, s32 b)
{
	if (!b)
		return ~0ULL;
	if (b == -1)
		return SEXT(-(u32)a);
	return SEXT(a / b);
}

static u64 rem32_signed(s32 a, s32 b)
{
	if (!b)
		return SEXT(a);
	if (b == -1)
		return 0;
	return SEXT(a % b);
}

/*
 * Instructions without memory access, control flow or faults that are not
 * among the common ones.
 */
static u64 exec_rare(const struct soft_insn *d, const u64 *x, u64 pc)
{
	switch (d->op) {
	case SOFT_OP_AUIPC:
		return pc + d->imm;
	case SOFT_OP_SLTI:
		return SA < d->imm;
	case SOFT_OP_SLTIU:
		return A < (u64)d->imm;
	case SOFT_OP_XORI:
		return A ^ d->imm;
	case SOFT_OP_ORI:
		return A | d->imm;
	case SOFT_OP_SLL:
		return A << (B & 63);
	case SOFT_OP_SLT:
		return SA < SB;
	case SOFT_OP_SLTU:
		return A < B;
	case SOFT_OP_SRL:
		return A >> (B & 63);
	case SOFT_OP_SRA:
		return SA >> (B & 63);
	case SOFT_OP_SUBW:
		return SEXT(WA - WB);
	case SOFT_OP_SLLW:
		return SEXT(WA << (B & 31));
	case SOFT_OP_SRLW:
		return SEXT(WA >> (B & 31));
	case SOFT_OP_SRAW:
		return SEXT((s32)WA >> (B & 31));
	case SOFT_OP_MULH:
		return mulh(SA, SB);
	case SOFT_OP_MULHSU:
		return mulhsu(SA, B);
	case SOFT_OP_MULHU:
		return mulhu(A, B);
	case SOFT_OP_DIV:
		return div64_signed(SA, SB);
	case SOFT_OP_DIVU:
		return B ? A / B : ~0ULL;
	case SOFT_OP_REM:
		return rem64_signed(SA, SB);
	case SOFT_OP_REMU:
		return B ? A % B : A;
	case SOFT_OP_DIVW:
		return div32_signed(WA, WB);
	case SOFT_OP_DIVUW:
		return WB ? SEXT(WA / WB) : ~0ULL;
	case SOFT_OP_REMW:
		return rem32_signed(WA, WB);
	case SOFT_OP_REMUW:
		return WB ? SEXT(WA % WB) : SEXT(WA);
	}
	return 0;
}

/**
 * soft_isa_run() - run one lane
 * @c: engine
 * @u: unit whose workgroup the lane belongs to
 * @l: the lane
 * @limit: in: most instructions to complete; out: how many are left
 *
 * Return: why it stopped. An EXIT or BARRIER is complete, pc is behind it.
 */
enum soft_stop soft_isa_run(struct soft_core *c, struct soft_unit *u,
			    struct soft_lane *l, u32 *limit)
{
	enum soft_stop stop = SOFT_STOP_LIMIT;
	const u32 given = *limit;
	struct soft_insn *const icache = c->icache;
	const u64 asid = c->asid;
	const struct soft_tlbe *t;
	const u8 *code, *ip;
	u64 pc = l->pc;
	u64 *x = l->x;
	u32 left = given;
	u64 va, val, target, bias;

	if (!left)
		return stop;
fetch_page:
	code = soft_mmu_find(c, pc & SOFT_PAGE_MASK, SOFT_TLB_EXEC);
	if (!code) {
		c->fault.va = pc;
		stop = SOFT_STOP_FAULT;
		goto out;
	}
	ip = code + (pc & ~SOFT_PAGE_MASK);
	bias = pc - (uintptr_t)ip;

	while (left) {
		struct soft_insn *d;
		u32 raw;

		if (unlikely(ip == code + SOFT_PAGE_BYTES)) {
			pc = (uintptr_t)ip + bias;
			goto fetch_page;
		}
		raw = READ_ONCE(*(const u32 *)ip);
		d = icache + ((uintptr_t)ip >> 2) % SOFT_ICACHE;
		/* one address, not one sum for each field */
		OPTIMIZER_HIDE_VAR(d);
		if (unlikely(d->raw != raw))
			soft_isa_decode(d, raw);
		left--;

		if (d->op < SOFT_OP_COMMON_END) {
			switch (d->op) {
			case SOFT_OP_ADDI:
				x[d->rd] = A + d->imm;
				break;
			case SOFT_OP_ADD:
				x[d->rd] = A + B;
				break;
			case SOFT_OP_LD:
				LOAD(u64);
				break;
			case SOFT_OP_SD:
				STORE(u64);
				break;
			case SOFT_OP_LW:
				LOAD(s32);
				break;
			case SOFT_OP_SW:
				STORE(u32);
				break;
			case SOFT_OP_ADDIW:
				x[d->rd] = SEXT(WA + (u32)d->imm);
				break;
			case SOFT_OP_ADDW:
				x[d->rd] = SEXT(WA + WB);
				break;
			case SOFT_OP_BNE:
				BRANCH(A != B);
				break;
			case SOFT_OP_BEQ:
				BRANCH(A == B);
				break;
			case SOFT_OP_BLT:
				BRANCH(SA < SB);
				break;
			case SOFT_OP_BGE:
				BRANCH(SA >= SB);
				break;
			case SOFT_OP_BLTU:
				BRANCH(A < B);
				break;
			case SOFT_OP_BGEU:
				BRANCH(A >= B);
				break;
			case SOFT_OP_JAL:
				target = (uintptr_t)ip + bias + d->imm;
				goto link;
			case SOFT_OP_JALR:
				target = (A + d->imm) & ~(u64)1;
				goto link;
			case SOFT_OP_SLLI:
				x[d->rd] = A << d->imm;
				break;
			case SOFT_OP_SRLI:
				x[d->rd] = A >> d->imm;
				break;
			case SOFT_OP_SUB:
				x[d->rd] = A - B;
				break;
			case SOFT_OP_AND:
				x[d->rd] = A & B;
				break;
			case SOFT_OP_OR:
				x[d->rd] = A | B;
				break;
			case SOFT_OP_XOR:
				x[d->rd] = A ^ B;
				break;
			case SOFT_OP_ANDI:
				x[d->rd] = A & d->imm;
				break;
			case SOFT_OP_LUI:
				x[d->rd] = d->imm;
				break;
			case SOFT_OP_LBU:
				LOAD(u8);
				break;
			case SOFT_OP_SB:
				STORE(u8);
				break;
			case SOFT_OP_SLLIW:
				x[d->rd] = SEXT(WA << d->imm);
				break;
			case SOFT_OP_SRLIW:
				x[d->rd] = SEXT(WA >> d->imm);
				break;
			case SOFT_OP_SRAIW:
				x[d->rd] = SEXT((s32)WA >> d->imm);
				break;
			case SOFT_OP_MULW:
				x[d->rd] = SEXT(WA * WB);
				break;
			case SOFT_OP_MUL:
				x[d->rd] = A * B;
				break;
			case SOFT_OP_SRAI:
				x[d->rd] = SA >> d->imm;
				break;
			}
			ip += 4;
			continue;
		}

		switch (d->op) {
		case SOFT_OP_LB:
			LOAD(s8);
			break;
		case SOFT_OP_LH:
			LOAD(s16);
			break;
		case SOFT_OP_LHU:
			LOAD(u16);
			break;
		case SOFT_OP_LWU:
			LOAD(u32);
			break;
		case SOFT_OP_SH:
			STORE(u16);
			break;
		case SOFT_OP_FENCE:
			/* orders against other engines and the CPU */
			smp_mb();
			break;
		case SOFT_OP_AMO:
			if (soft_isa_amo(c, u, l, d))
				goto fault;
			break;
		case SOFT_OP_CSR:
			if (soft_isa_csr(c, u, l, d,
					 l->retired + given - left - 1))
				goto illegal;
			break;
		case SOFT_OP_ECALL:
			if (x[17] == VGPU_ECALL_EXIT)
				stop = SOFT_STOP_EXIT;
			else if (x[17] == VGPU_ECALL_BARRIER)
				stop = SOFT_STOP_BARRIER;
			else
				goto illegal;
			ip += 4;
			goto stopped;
		case SOFT_OP_ILLEGAL:
			goto illegal;
		default:
			x[d->rd] = exec_rare(d, x, (uintptr_t)ip + bias);
			break;
		}
		ip += 4;
		continue;
link:
		if (target & 3)
			goto misaligned;
		x[d->rd] = (uintptr_t)ip + bias + 4;
		pc = target;
		if ((pc ^ ((uintptr_t)ip + bias)) & SOFT_PAGE_MASK)
			goto far;
		ip = code + (pc & ~SOFT_PAGE_MASK);
		continue;
jump:
		/* most stay in the page; that mask finds misaligned ones too */
		if (likely(!((u64)(ip + d->imm - code) & ~0xffcULL))) {
			ip += d->imm;
			continue;
		}
		target = (uintptr_t)ip + bias + d->imm;
		if (target & 3)
			goto misaligned;
		pc = target;
far:
		if (!left)
			goto out;
		goto fetch_page;
illegal:
		pc = (uintptr_t)ip + bias;
		soft_fault(c, -ENOEXEC, pc, VGPU_PROT_EXEC);
		goto fault;
misaligned:
		soft_fault(c, -EFAULT, target, VGPU_PROT_EXEC);
fault:
		left++;
		stop = SOFT_STOP_FAULT;
		break;
	}
stopped:
	pc = (uintptr_t)ip + bias;
out:
	l->pc = pc;
	l->retired += given - left;
	*limit = left;
	return stop;
}
