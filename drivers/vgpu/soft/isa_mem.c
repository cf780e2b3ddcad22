// SPDX-License-Identifier: GPL-2.0
/*
 * Memory accesses that the executor's fast path does not take: workgroup
 * memory, misaligned accesses across a page, TLB misses; and the atomics.
 *
 * Workgroup memory is a window at VGPU_SHARED_BASE that every lane sees at
 * the same address; it is not translated and cannot be executed.  Only as
 * much of it exists as the launch asked for.
 *
 * Atomics are atomic against everyone, the other engines and the CPU as well,
 * because they are done with the CPU's own compare-and-exchange.  SC compares
 * with what LR read, as emulators usually do: it also succeeds after the value
 * has changed and changed back.  In return a reservation survives a
 * preemption, and a loop of LR and SC makes the same progress with and
 * without one.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "isa.h"

/* Where the access lies in workgroup memory, or NULL. */
static u8 *shared_find(const struct soft_core *c, const struct soft_unit *u,
		       u64 va, unsigned int size)
{
	u64 off = va - VGPU_SHARED_BASE;
	u64 end = c->job.launch.shared_bytes;

	if (off >= end || size > end - off)
		return NULL;
	return u->shared + off;
}

static void *find(struct soft_core *c, struct soft_unit *u, u64 va,
		  unsigned int size, enum soft_tlb_kind kind)
{
	u8 *p = shared_find(c, u, va, size);

	if (p) {
		if (kind == SOFT_TLB_WRITE)
			c->dirty |= BIT(VGPU_SEC_SHARED);
		return p;
	}
	return soft_mmu_find(c, va, kind);
}

static bool crosses_page(u64 va, unsigned int size)
{
	return (va & ~SOFT_PAGE_MASK) + size > SOFT_PAGE_BYTES;
}

/**
 * soft_isa_load() - load any way
 * @c: engine
 * @u: unit
 * @va: address
 * @size: 1, 2, 4 or 8
 * @value: zero-extended
 *
 * Return: 0, or an errno with @c->fault set.
 */
int soft_isa_load(struct soft_core *c, struct soft_unit *u, u64 va,
		  unsigned int size, u64 *value)
{
	unsigned int i, part = size;
	u64 v = 0;
	u8 *p;

	if (crosses_page(va, size))
		part = SOFT_PAGE_BYTES - (va & ~SOFT_PAGE_MASK);
	for (i = 0; i < size; i += part, part = size - part) {
		p = find(c, u, va + i, part, SOFT_TLB_READ);
		if (!p)
			return c->fault.error;
		memcpy((u8 *)&v + i, p, part);
	}
	*value = v;
	return 0;
}

/**
 * soft_isa_store() - store any way
 * @c: engine
 * @u: unit
 * @va: address
 * @size: 1, 2, 4 or 8
 * @value: what to store
 *
 * A store across two pages writes both or none.
 *
 * Return: 0, or an errno with @c->fault set.
 */
int soft_isa_store(struct soft_core *c, struct soft_unit *u, u64 va,
		   unsigned int size, u64 value)
{
	unsigned int part = size;
	u8 *p, *q = NULL;

	if (crosses_page(va, size))
		part = SOFT_PAGE_BYTES - (va & ~SOFT_PAGE_MASK);
	p = find(c, u, va, part, SOFT_TLB_WRITE);
	if (!p)
		return c->fault.error;
	if (part < size) {
		q = find(c, u, va + part, size - part, SOFT_TLB_WRITE);
		if (!q)
			return c->fault.error;
		memcpy(q, (u8 *)&value + part, size - part);
	}
	memcpy(p, &value, part);
	return 0;
}

static u64 amo_op(unsigned int op, u64 old, u64 arg)
{
	switch (op) {
	case SOFT_AMO_ADD:
		return old + arg;
	case SOFT_AMO_XOR:
		return old ^ arg;
	case SOFT_AMO_OR:
		return old | arg;
	case SOFT_AMO_AND:
		return old & arg;
	case SOFT_AMO_MIN:
		return (s64)old < (s64)arg ? old : arg;
	case SOFT_AMO_MAX:
		return (s64)old > (s64)arg ? old : arg;
	case SOFT_AMO_MINU:
		return old < arg ? old : arg;
	case SOFT_AMO_MAXU:
		return old > arg ? old : arg;
	}
	return arg;	/* SWAP */
}

static u64 amo64(u64 *p, unsigned int op, u64 arg)
{
	u64 old;

	do {
		old = READ_ONCE(*p);
	} while (cmpxchg(p, old, amo_op(op, old, arg)) != old);
	return old;
}

/*
 * Sign extension keeps the order of unsigned numbers too, so that the 64-bit
 * comparisons serve for both sizes.
 */
static u64 amo32(u32 *p, unsigned int op, u64 arg)
{
	u32 old;

	do {
		old = READ_ONCE(*p);
	} while (cmpxchg(p, old, (u32)amo_op(op, (s64)(s32)old,
					     (s64)(s32)arg)) != old);
	return (s64)(s32)old;
}

static u64 load_aligned(const void *p, unsigned int size)
{
	if (size == 8)
		return READ_ONCE(*(const u64 *)p);
	return (s64)(s32)READ_ONCE(*(const u32 *)p);
}

static bool store_if_same(void *p, unsigned int size, u64 old, u64 new)
{
	if (size == 8)
		return cmpxchg((u64 *)p, old, new) == old;
	return cmpxchg((u32 *)p, (u32)old, (u32)new) == (u32)old;
}

/**
 * soft_isa_amo() - LR, SC and the read-modify-write instructions
 * @c: engine
 * @u: unit
 * @l: lane
 * @d: instruction
 *
 * Return: 0, or an errno with @c->fault set.
 */
int soft_isa_amo(struct soft_core *c, struct soft_unit *u,
		 struct soft_lane *l, const struct soft_insn *d)
{
	unsigned int size = d->imm & SOFT_AMO_DOUBLE ? 8 : 4;
	unsigned int op = d->imm & 0x1f;
	bool write = op != SOFT_AMO_LR;
	u64 va = l->x[d->rs1];
	u64 arg = l->x[d->rs2];
	u64 tag = va | size / 4;
	void *p;

	if (va & (size - 1))
		return soft_fault(c, -EFAULT, va, write ? VGPU_PROT_WRITE :
				  VGPU_PROT_READ);

	if (op == SOFT_AMO_SC && l->res_tag != tag) {
		l->res_tag = 0;
		c->dirty |= BIT(VGPU_SEC_SPECIAL);
		l->x[d->rd] = 1;
		return 0;
	}
	/* What a read-modify-write reads must be readable as well. */
	if (op != SOFT_AMO_SC && !find(c, u, va, size, SOFT_TLB_READ))
		return c->fault.error;
	p = find(c, u, va, size, write ? SOFT_TLB_WRITE : SOFT_TLB_READ);
	if (!p)
		return c->fault.error;

	switch (op) {
	case SOFT_AMO_LR:
		l->res_tag = tag;
		l->res_value = load_aligned(p, size);
		l->x[d->rd] = l->res_value;
		c->dirty |= BIT(VGPU_SEC_SPECIAL);
		break;
	case SOFT_AMO_SC:
		l->x[d->rd] = !store_if_same(p, size, l->res_value, arg);
		l->res_tag = 0;
		c->dirty |= BIT(VGPU_SEC_SPECIAL);
		break;
	default:
		l->x[d->rd] = size == 8 ? amo64(p, op, arg) : amo32(p, op, arg);
		break;
	}
	return 0;
}
