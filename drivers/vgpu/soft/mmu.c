// SPDX-License-Identifier: GPL-2.0
/*
 * The MMU: walks page tables in VRAM, remembers what it found.
 *
 * The walker trusts nothing that it reads: a table outside VRAM, a leaf at a
 * level that has none, a bit that must be zero, an address that is no memory,
 * each is a fault.  A walk takes four steps at most, whatever the tables say,
 * so tables that point at each other do no harm.
 *
 * Each engine has its own TLB, one for each kind of access, tagged with the
 * address space, filled only with pages that allow the access, so that a hit
 * needs no further check.  Failed walks are not remembered: once the table is
 * mended, the access can be tried again.  A translation for writing is made
 * only after DIRTY is set in the PTE.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "model.h"

#define LEAF_BITS	(SOFT_PTE_VALID | SOFT_PTE_READ | SOFT_PTE_WRITE | \
			 SOFT_PTE_EXEC | SOFT_PTE_LEAF | SOFT_PTE_HOST | \
			 SOFT_PTE_ACCESSED | SOFT_PTE_DIRTY | SOFT_PTE_ADDR)
#define TABLE_BITS	(SOFT_PTE_VALID | SOFT_PTE_ADDR)
#define LARGE_LEVEL	1

static unsigned int level_shift(unsigned int level)
{
	return SOFT_PAGE_SHIFT + SOFT_PT_BITS * level;
}

static u64 prot_bits(u32 prot)
{
	return (prot & VGPU_PROT_READ ? SOFT_PTE_READ : 0) |
	       (prot & VGPU_PROT_WRITE ? SOFT_PTE_WRITE : 0) |
	       (prot & VGPU_PROT_EXEC ? SOFT_PTE_EXEC : 0);
}

/* CPU address of the page of @va that @pte, a leaf of @level, maps, or NULL */
static u8 *leaf_page(struct soft_core *c, u64 pte, u64 va, unsigned int level)
{
	u64 inside = BIT_ULL(level_shift(level)) - 1;
	u64 addr = pte & SOFT_PTE_ADDR;

	if (level > LARGE_LEVEL || pte & ~LEAF_BITS || addr & inside)
		return NULL;
	addr |= va & inside & SOFT_PAGE_MASK;
	if (pte & SOFT_PTE_HOST)
		return soft_host_page(addr);
	return addr < c->m->vram_bytes ? soft_vram(c->m, addr) : NULL;
}

/* The entry of @va at @level in @table, or NULL if there is no such table */
static u64 *table_entry(struct soft_core *c, u64 table, u64 va,
			unsigned int level)
{
	u64 index = (va >> level_shift(level)) & (BIT_ULL(SOFT_PT_BITS) - 1);

	if (table & ~SOFT_PTE_ADDR || table >= c->m->vram_bytes)
		return NULL;
	return (u64 *)soft_vram(c->m, table) + index;
}

static enum soft_tlb_kind tlb_kind(u32 access)
{
	if (access == VGPU_PROT_READ)
		return SOFT_TLB_READ;
	return access == VGPU_PROT_WRITE ? SOFT_TLB_WRITE : SOFT_TLB_EXEC;
}

/**
 * soft_mmu_walk() - translate an address, and remember the translation
 * @c: engine
 * @va: address
 * @access: one of VGPU_PROT_*
 *
 * Return: CPU address, or NULL with @c->fault set.
 */
void *soft_mmu_walk(struct soft_core *c, u64 va, u32 access)
{
	u64 need = prot_bits(access);
	u64 mark = SOFT_PTE_ACCESSED |
		   (access == VGPU_PROT_WRITE ? SOFT_PTE_DIRTY : 0);
	unsigned int level = SOFT_PT_LEVELS;
	struct soft_tlbe *t;
	u64 table = c->root;
	u64 pte, *p;
	u8 *page;

	c->walks++;
	if (va >> SOFT_VA_BITS)
		goto fault;
	for (;;) {
		p = table_entry(c, table, va, --level);
		if (!p)
			goto fault;
		pte = READ_ONCE(*p);
again:
		if (!(pte & SOFT_PTE_VALID)) {
			soft_fault(c, -EFAULT, va, access);
			c->fault.restart = true;
			return NULL;
		}
		if (pte & SOFT_PTE_LEAF)
			break;
		if (!level || pte & ~TABLE_BITS)
			goto fault;
		table = pte & SOFT_PTE_ADDR;
	}

	page = leaf_page(c, pte, va, level);
	if (!page || (pte & need) != need)
		goto fault;
	if ((pte & mark) != mark) {
		u64 now = cmpxchg(p, pte, pte | mark);

		if (now != pte) {
			/* changed under us: look at it anew */
			pte = now;
			goto again;
		}
	}

	t = &c->tlb[tlb_kind(access)][(va >> SOFT_PAGE_SHIFT) % SOFT_TLB];
	t->tag = (va & SOFT_PAGE_MASK) | c->asid;
	t->page = page;
	return page + (va & ~SOFT_PAGE_MASK);
fault:
	soft_fault(c, -EFAULT, va, access);
	return NULL;
}

/**
 * soft_tlb_flush() - forget all translations
 * @c: engine
 */
void soft_tlb_flush(struct soft_core *c)
{
	memset(c->tlb, 0xff, sizeof(c->tlb));	/* SOFT_TLB_NONE */
}

/**
 * soft_tlb_drop() - forget the translations of a range
 * @c: engine
 * @asid: address space
 * @va: first address
 * @bytes: length
 */
void soft_tlb_drop(struct soft_core *c, u32 asid, u64 va, u64 bytes)
{
	u64 first = va & SOFT_PAGE_MASK;
	u64 last = va + bytes - 1;
	unsigned int i, kind;

	if (!bytes)
		return;
	if (last < va)
		last = ~0ULL;
	for (kind = 0; kind < SOFT_TLB_KINDS; kind++) {
		for (i = 0; i < SOFT_TLB; i++) {
			struct soft_tlbe *t = &c->tlb[kind][i];
			u64 page = t->tag & SOFT_PAGE_MASK;

			if ((t->tag & ~SOFT_PAGE_MASK) == asid &&
			    page >= first && page <= last)
				t->tag = SOFT_TLB_NONE;
		}
	}
}

static u64 make_pte(u64 addr, u32 prot, bool host, unsigned int level)
{
	return SOFT_PTE_VALID | SOFT_PTE_LEAF | (addr & SOFT_PTE_ADDR) |
	       prot_bits(prot) | (host ? SOFT_PTE_HOST : 0);
}

static u64 make_pde(u64 addr)
{
	return SOFT_PTE_VALID | (addr & SOFT_PTE_ADDR);
}

const struct vgpu_pt_format soft_pt_format = {
	.name = "soft48",
	.levels = SOFT_PT_LEVELS,
	.bits = { SOFT_PT_BITS, SOFT_PT_BITS, SOFT_PT_BITS, SOFT_PT_BITS },
	.page_shift = SOFT_PAGE_SHIFT,
	.large_levels = BIT(0) | BIT(LARGE_LEVEL),
	.pte = make_pte,
	.pde = make_pde,
	.accessed = SOFT_PTE_ACCESSED,
	.dirty = SOFT_PTE_DIRTY,
};
