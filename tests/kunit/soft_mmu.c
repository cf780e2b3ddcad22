// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables of every hostile shape: whatever they say, an access is made to
 * memory that they may name, or it faults, and tells where.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_fixture.h"
#include "soft_kernels.h"

#define VA	0x7f1234567000ULL

static void *walk(struct soft_fixture *fx, u64 va, u32 access)
{
	struct soft_core *c = fx->core[0];

	c->asid = FX_ASID;
	c->root = fx->root;
	memset(&c->fault, 0, sizeof(c->fault));
	return fx_model->walk(c, va, access);
}

static void expect_fault(struct kunit *test, u64 va, u32 access)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	KUNIT_EXPECT_PTR_EQ(test, walk(fx, va, access), NULL);
	KUNIT_EXPECT_EQ(test, c->fault.error, -EFAULT);
	KUNIT_EXPECT_EQ(test, c->fault.va, va);
	KUNIT_EXPECT_EQ(test, c->fault.access, access);
}

static void test_pages(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 page = fx_map(fx, VA, VGPU_PROT_READ | VGPU_PROT_WRITE);

	KUNIT_EXPECT_PTR_EQ(test, walk(fx, VA + 0x123, VGPU_PROT_READ),
			    soft_vram(&fx->m, page + 0x123));
	KUNIT_EXPECT_PTR_EQ(test, walk(fx, VA + 4095, VGPU_PROT_WRITE),
			    soft_vram(&fx->m, page + 4095));
	expect_fault(test, VA, VGPU_PROT_EXEC);
	expect_fault(test, VA + 4096, VGPU_PROT_READ);
	expect_fault(test, VA - 1, VGPU_PROT_READ);
}

static void test_permissions(struct kunit *test)
{
	static const u32 access[] = {
		VGPU_PROT_READ, VGPU_PROT_WRITE, VGPU_PROT_EXEC,
	};
	struct soft_fixture *fx = test->priv;
	u64 page = fx_page(fx);
	unsigned int prot, i;

	for (prot = 0; prot < 8; prot++) {
		*fx_pte(fx, VA, 0) = fx_model->format->pte(page, prot, false, 0);
		for (i = 0; i < ARRAY_SIZE(access); i++) {
			if (prot & access[i])
				KUNIT_EXPECT_PTR_EQ(test,
						    walk(fx, VA, access[i]),
						    soft_vram(&fx->m, page));
			else
				expect_fault(test, VA, access[i]);
		}
	}
}

static void test_large(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 va = VA & ~((2ULL << 20) - 1);

	/* VRAM of the fixture is shorter than a large page: the rest faults */
	*fx_pte(fx, va, 1) = fx_model->format->pte(0, VGPU_PROT_READ, false, 1);
	KUNIT_EXPECT_PTR_EQ(test, walk(fx, va + 0x5678, VGPU_PROT_READ),
			    soft_vram(&fx->m, 0x5678));
	KUNIT_EXPECT_PTR_EQ(test,
			    walk(fx, va + fx->m.vram_bytes - 1, VGPU_PROT_READ),
			    soft_vram(&fx->m, fx->m.vram_bytes - 1));
	expect_fault(test, va + fx->m.vram_bytes, VGPU_PROT_READ);
	expect_fault(test, va + (2 << 20) - 1, VGPU_PROT_READ);
	/* not aligned to its size */
	*fx_pte(fx, va, 1) = fx_model->format->pte(0x1000, VGPU_PROT_READ,
						   false, 1);
	expect_fault(test, va, VGPU_PROT_READ);
}

static void test_leaf_too_high(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	unsigned int level;

	for (level = 3; level >= 2; level--) {
		u64 *pte = fx_pte(fx, VA, level);

		*pte = fx_model->format->pte(0, 7, false, level);
		expect_fault(test, VA, VGPU_PROT_READ);
		*pte = 0;
	}
}

static void test_table_too_low(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;

	*fx_pte(fx, VA, 0) = fx_model->format->pde(fx_page(fx));
	expect_fault(test, VA, VGPU_PROT_READ);
}

/* Tables that are their own children: four steps, then it is over. */
static void test_loop(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 *root = soft_vram(&fx->m, fx->root);
	unsigned int i;

	for (i = 0; i < 512; i++)
		root[i] = fx_model->format->pde(fx->root);
	expect_fault(test, VA, VGPU_PROT_READ);
	expect_fault(test, 0, VGPU_PROT_WRITE);
	expect_fault(test, BIT_ULL(48) - 1, VGPU_PROT_EXEC);
}

static void test_table_outside(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	const u64 bad[] = {
		fx->m.vram_bytes, fx->m.vram_bytes + 0x1000,
		SOFT_PTE_ADDR, 0x0008000000000000ULL,
	};
	unsigned int i, level;

	for (level = 1; level < SOFT_PT_LEVELS; level++) {
		u64 *pde = fx_pte(fx, VA, level);
		u64 good = *pde;

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			*pde = fx_model->format->pde(bad[i]);
			expect_fault(test, VA, VGPU_PROT_READ);
		}
		*pde = good;
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*fx_pte(fx, VA, 0) = fx_model->format->pte(bad[i], 7, false, 0);
		expect_fault(test, VA, VGPU_PROT_WRITE);
	}
}

static void test_root_outside(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	const u64 bad[] = {
		fx->m.vram_bytes, ~0ULL, 0x8000000000000000ULL, 0x1008, 1,
	};
	u64 root = fx->root;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fx->root = bad[i];
		expect_fault(test, VA, VGPU_PROT_READ);
	}
	fx->root = root;
}

static void test_reserved_bits(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 page = fx_map(fx, VA, 7);
	u64 *pte = fx_pte(fx, VA, 0), *pde = fx_pte(fx, VA, 1);
	u64 good = *pte, table = *pde;
	unsigned int bit;

	for (bit = 8; bit < 64; bit++) {
		if (BIT_ULL(bit) & SOFT_PTE_ADDR)
			continue;
		*pte = good | BIT_ULL(bit);
		expect_fault(test, VA, VGPU_PROT_READ);
	}
	*pte = good;
	for (bit = 1; bit < 64; bit++) {
		/* LEAF makes it another kind of entry */
		if (BIT_ULL(bit) & (SOFT_PTE_ADDR | SOFT_PTE_LEAF))
			continue;
		*pde = table | BIT_ULL(bit);
		expect_fault(test, VA, VGPU_PROT_READ);
	}
	*pde = table;
	KUNIT_EXPECT_PTR_EQ(test, walk(fx, VA, VGPU_PROT_READ),
			    soft_vram(&fx->m, page));
}

static void test_address_too_wide(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;

	fx_map(fx, 0, 7);
	KUNIT_EXPECT_NOT_NULL(test, walk(fx, 0, VGPU_PROT_READ));
	expect_fault(test, BIT_ULL(48), VGPU_PROT_READ);
	expect_fault(test, 0xffff000000000000ULL, VGPU_PROT_READ);
	expect_fault(test, ~0ULL, VGPU_PROT_READ);
}

static void test_host_memory(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	unsigned long mem = __get_free_page(GFP_KERNEL | __GFP_ZERO);
	/* above RAM, in a hole, in the ROM area: no memory of ours */
	const u64 bad[] = { SOFT_PTE_ADDR, 0xfee00000, 0xf0000 };
	unsigned int i;

	KUNIT_ASSERT_NE(test, mem, 0UL);
	*fx_pte(fx, VA, 0) = fx_model->format->pte(virt_to_phys((void *)mem),
						   VGPU_PROT_READ, true, 0);
	KUNIT_EXPECT_PTR_EQ(test, walk(fx, VA + 8, VGPU_PROT_READ),
			    (void *)(mem + 8));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*fx_pte(fx, VA, 0) = fx_model->format->pte(bad[i], 7, true, 0);
		expect_fault(test, VA, VGPU_PROT_READ);
	}
	free_page(mem);
}

static void test_accessed_dirty(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	u64 *pte;

	fx_map(fx, VA, VGPU_PROT_READ | VGPU_PROT_WRITE);
	pte = fx_pte(fx, VA, 0);
	expect_fault(test, VA, VGPU_PROT_EXEC);
	KUNIT_EXPECT_EQ(test, *pte & (SOFT_PTE_ACCESSED | SOFT_PTE_DIRTY),
			0ULL);
	walk(fx, VA, VGPU_PROT_READ);
	KUNIT_EXPECT_EQ(test, *pte & (SOFT_PTE_ACCESSED | SOFT_PTE_DIRTY),
			SOFT_PTE_ACCESSED);
	walk(fx, VA, VGPU_PROT_WRITE);
	KUNIT_EXPECT_EQ(test, *pte & (SOFT_PTE_ACCESSED | SOFT_PTE_DIRTY),
			SOFT_PTE_ACCESSED | SOFT_PTE_DIRTY);

	/* cleaned and invalidated: the next write is seen */
	*pte &= ~(SOFT_PTE_ACCESSED | SOFT_PTE_DIRTY);
	fx_model->tlb_drop(fx->core[0], FX_ASID, VA, SOFT_PAGE_BYTES);
	KUNIT_EXPECT_NOT_NULL(test, fx_model->find(fx->core[0], VA,
						   SOFT_TLB_WRITE));
	KUNIT_EXPECT_NE(test, *pte & SOFT_PTE_DIRTY, 0ULL);
}

static bool cached(struct soft_fixture *fx, u64 va)
{
	struct soft_core *c = fx->core[0];
	u64 walks = c->walks;

	fx_model->find(c, va, SOFT_TLB_READ);
	return c->walks == walks;
}

static void test_tlb(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		fx_map(fx, VA + i * 4096, VGPU_PROT_READ);
		walk(fx, VA + i * 4096, VGPU_PROT_READ);
		KUNIT_EXPECT_TRUE(test, cached(fx, VA + i * 4096 + 77));
	}
	/* other address spaces and ranges stay */
	fx_model->tlb_drop(c, FX_ASID + 1, 0, BIT_ULL(48));
	fx_model->tlb_drop(c, FX_ASID, VA + 4 * 4096, ~0ULL);
	fx_model->tlb_drop(c, FX_ASID, 0, VA);
	fx_model->tlb_drop(c, FX_ASID, VA, 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_TRUE(test, cached(fx, VA + i * 4096));
	fx_model->tlb_drop(c, FX_ASID, VA + 4096, 2 * 4096);
	KUNIT_EXPECT_TRUE(test, cached(fx, VA));
	KUNIT_EXPECT_FALSE(test, cached(fx, VA + 4096));
	KUNIT_EXPECT_FALSE(test, cached(fx, VA + 2 * 4096));
	KUNIT_EXPECT_TRUE(test, cached(fx, VA + 3 * 4096));
	/* the tag tells address spaces apart */
	c->asid = FX_ASID + 1;
	KUNIT_EXPECT_FALSE(test, cached(fx, VA));
	c->asid = FX_ASID;
}

/* A failed walk leaves nothing in the TLB; the access can be tried again. */
static void test_fault_and_retry(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	u64 *pte = fx_pte(fx, FX_DATA, 0);
	u64 good = *pte;

	fx_launch(fx, SOFT_KERNEL_POKE, 1, 1);
	*(u64 *)fx_data(fx, FX_DATA) = 41;
	fx_begin(fx, c);
	*pte = 0;
	KUNIT_EXPECT_EQ(test, fx_run(c, 100), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.va, FX_DATA);
	KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_READ);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].pc,
			FX_CODE + SOFT_KERNEL_POKE);
	*pte = good & ~SOFT_PTE_WRITE;
	fx_model->resume(c, &fx->job);
	KUNIT_EXPECT_EQ(test, fx_run(c, 100), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_WRITE);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].pc,
			FX_CODE + SOFT_KERNEL_POKE + 8);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].retired, 2ULL);
	*pte = good;
	fx_model->resume(c, &fx->job);
	KUNIT_EXPECT_EQ(test, fx_run(c, 100), SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, *(u64 *)fx_data(fx, FX_DATA), 42ULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_pages),
	KUNIT_CASE(test_permissions),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_leaf_too_high),
	KUNIT_CASE(test_table_too_low),
	KUNIT_CASE(test_loop),
	KUNIT_CASE(test_table_outside),
	KUNIT_CASE(test_root_outside),
	KUNIT_CASE(test_reserved_bits),
	KUNIT_CASE(test_address_too_wide),
	KUNIT_CASE(test_host_memory),
	KUNIT_CASE(test_accessed_dirty),
	KUNIT_CASE(test_tlb),
	KUNIT_CASE(test_fault_and_retry),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_soft_mmu",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
