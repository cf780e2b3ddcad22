// SPDX-License-Identifier: GPL-2.0
/*
 * The corners of the instruction set that programs under another machine
 * cannot show: what is illegal, what faults, and that it changes nothing.
 * What instructions compute is tried in tests/isa.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "soft_fixture.h"
#include "soft_kernels.h"

#define CODE	(FX_CODE + 0x800)

/* Runs @word with a0 = FX_DATA; the engine, stopped. */
static struct soft_core *run_word(struct kunit *test, u32 word,
				  enum soft_step *step)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	fx_launch(fx, 0, 1, 1);
	fx->job.launch.entry = CODE;
	*(u32 *)fx_data(fx, CODE) = word;
	*(u32 *)fx_data(fx, CODE + 4) = 0x0000006f;	/* j . */
	fx_begin(fx, c);
	*step = fx_model->step(c, 1);
	return c;
}

static void test_illegal(struct kunit *test)
{
	static const u32 words[] = {
		0x00000000, 0xffffffff, 0x00000001, 0x00004501,
		0x00100073, 0x30200073, 0x10200073, 0x10500073, 0x12000073,
		0x00002007, 0x00000053, 0x02000057,
		0x04051513, 0x04055513, 0x0205151b, 0x4205551b, 0x4000101b,
		0x1015252f, 0x2805252f, 0x0005052f, 0x0005152f,
		0x00002063, 0x00003063, 0x00007003, 0x00004023, 0x00001067,
		0x04000033, 0x40001033, 0x0000203b, 0x0200103b, 0x0000200f,
		0x00004073,
		/* CSRs: unknown, read-only */
		0x12302573, 0x30002573, 0xcc051073, 0xcc05a573, 0xcc05b573,
		0xc0005073, 0xc000d573, 0xcce02573,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		enum soft_step step;
		struct soft_core *c = run_word(test, words[i], &step);

		KUNIT_EXPECT_EQ_MSG(test, step, SOFT_STEP_FAULT, "%08x",
				    words[i]);
		KUNIT_EXPECT_EQ_MSG(test, c->fault.error, -ENOEXEC, "%08x",
				    words[i]);
		KUNIT_EXPECT_EQ(test, c->fault.va, CODE);
		KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].pc, CODE);
		KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].retired, 0ULL);
		KUNIT_EXPECT_EQ(test, c->clock, 500 * (i + 1ULL));
	}
}

static void test_csr(struct kunit *test)
{
	static const struct {
		u32 word;
		u64 a0, scratch;
	} cases[] = {
		{ 0x8c051573, 0, FX_DATA },	/* csrrw a0, scratch, a0 */
		{ 0x8c05a573, 0, 0 },		/* csrrs a0, scratch, a1 */
		{ 0x8c0fd573, 0, 31 },		/* csrrwi a0, scratch, 31 */
		{ 0x8c0fe573, 0, 31 },		/* csrrsi */
		{ 0x8c0ff573, 0, 0 },		/* csrrci */
		{ 0xcc602573, 1, 0 },		/* csrr a0, block_x */
		{ 0xccc02573, VGPU_SHARED_BASE, 0 },
		{ 0xccd02573, 512, 0 },
		{ 0xc0002573, 0, 0 },		/* csrr a0, cycle */
		{ 0xc0006573, 0, 0 },		/* csrrsi a0, cycle, 0 */
		{ 0xcc06f573, 0, 0 },		/* faults: writes lane_x */
	};
	enum soft_step step;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases) - 1; i++) {
		struct soft_core *c = run_word(test, cases[i].word, &step);
		struct soft_lane *l = &c->units[0].lanes[0];

		KUNIT_EXPECT_EQ(test, step, SOFT_STEP_MORE);
		KUNIT_EXPECT_EQ_MSG(test, l->x[10], cases[i].a0, "%08x",
				    cases[i].word);
		KUNIT_EXPECT_EQ_MSG(test, l->scratch, cases[i].scratch, "%08x",
				    cases[i].word);
	}
	run_word(test, cases[i].word, &step);
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_FAULT);
}

static void test_unknown_ecall(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	fx_launch(fx, 0, 1, 1);
	fx->job.launch.entry = CODE;
	((u32 *)fx_data(fx, CODE))[0] = 0x00200893;	/* li a7, 2 */
	((u32 *)fx_data(fx, CODE))[1] = 0x00000073;
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.error, -ENOEXEC);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].pc, CODE + 4);
}

/* A jump to an address that is not a multiple of 4 faults at the jump. */
static void test_misaligned_jumps(struct kunit *test)
{
	static const struct {
		u32 word;
		u64 target;
	} cases[] = {
		{ 0x00000163, CODE + 2 },	/* beq x0, x0, . + 2 */
		{ 0x002000ef, CODE + 2 },	/* jal ra, . + 2 */
		{ 0x002500e7, FX_DATA + 2 },	/* jalr ra, 2(a0) */
		{ 0x003500e7, FX_DATA + 2 },	/* jalr ra, 3(a0) */
	};
	enum soft_step step;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct soft_core *c = run_word(test, cases[i].word, &step);

		KUNIT_EXPECT_EQ(test, step, SOFT_STEP_FAULT);
		KUNIT_EXPECT_EQ(test, c->fault.error, -EFAULT);
		KUNIT_EXPECT_EQ(test, c->fault.va, cases[i].target);
		KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_EXEC);
		KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].pc, CODE);
		KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].x[1], 0ULL);
	}
	/* not taken: no fault */
	run_word(test, 0x00001163, &step);	/* bne x0, x0, . + 2 */
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_MORE);
}

static void test_exec_permission(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];
	const u64 bad[] = {
		FX_DATA, 0, 0xdead0000, VGPU_SHARED_BASE, BIT_ULL(48), ~3ULL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fx_launch(fx, 0, 1, 1);
		fx->job.launch.entry = bad[i];
		fx_begin(fx, c);
		KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_FAULT);
		KUNIT_EXPECT_EQ(test, c->fault.error, -EFAULT);
		KUNIT_EXPECT_EQ(test, c->fault.va, bad[i]);
		KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_EXEC);
		KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].retired, 0ULL);
	}
}

/* Code runs across the end of a page, and off the end of the last one. */
static void test_code_across_pages(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c = fx->core[0];

	fx_launch(fx, 0, 1, 1);
	fx->job.launch.entry = FX_CODE + 4092;
	*(u32 *)fx_data(fx, FX_CODE + 4092) = 0x00150513; /* addi a0, a0, 1 */
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.va, FX_CODE + 4096);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].pc, FX_CODE + 4096);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].retired, 1ULL);
	fx_map(fx, FX_CODE + 4096, VGPU_PROT_EXEC);
	*(u32 *)fx_data(fx, FX_CODE + 4096) = 0x00150513;
	((u32 *)fx_data(fx, FX_CODE + 4096))[1] = 0x00000073;	/* exit */
	fx_model->resume(c, &fx->job);
	KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].x[10], FX_DATA + 2);
}

/* A store across two pages of which one may not be written writes neither. */
static void test_store_across_pages(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	const u64 end = FX_DATA + FX_DATA_PAGES * SOFT_PAGE_BYTES;
	u32 *code = fx_data(fx, CODE);
	struct soft_core *c = fx->core[0];

	fx_launch(fx, 0, 1, 1);
	fx->job.launch.entry = CODE;
	fx->job.launch.args = end - 3;
	code[0] = 0xfff00593;	/* li a1, -1 */
	code[1] = 0x00b53023;	/* sd a1, 0(a0) */
	code[2] = 0x00053603;	/* ld a2, 0(a0) */
	code[3] = 0x00000073;
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.va, end);
	KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_WRITE);
	KUNIT_EXPECT_EQ(test, (u32)*(u8 *)fx_data(fx, end - 1), 0U);
	fx_map(fx, end, VGPU_PROT_READ | VGPU_PROT_WRITE);
	fx_model->resume(c, &fx->job);
	KUNIT_EXPECT_EQ(test, fx_run(c, 10), SOFT_STEP_DONE);
	KUNIT_EXPECT_EQ(test, c->units[0].lanes[0].x[12], ~0ULL);
	KUNIT_EXPECT_EQ(test, (u32)*(u8 *)fx_data(fx, end + 4), 0xffU);
	KUNIT_EXPECT_EQ(test, (u32)*(u8 *)fx_data(fx, end + 5), 0U);
}

static void test_atomics_need_alignment_and_permission(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	struct soft_core *c;
	enum soft_step step;
	u64 *pte = fx_pte(fx, FX_DATA, 0);
	u64 good = *pte;

	c = run_word(test, 0x00b5252f, &step);	/* amoadd.w a0, a1, (a0) */
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_MORE);
	/* the address of a branch never taken: a0 + 2 */
	fx_launch(fx, 0, 1, 1);
	fx->job.launch.entry = CODE;
	fx->job.launch.args = FX_DATA + 2;
	fx_begin(fx, c);
	KUNIT_EXPECT_EQ(test, fx_run(c, 1), SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.error, -EFAULT);
	KUNIT_EXPECT_EQ(test, c->fault.va, FX_DATA + 2);
	*pte = good & ~SOFT_PTE_READ;
	fx_model->tlb_drop(c, FX_ASID, 0, ~0ULL);
	c = run_word(test, 0x00b5252f, &step);
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_READ);
	*pte = good & ~SOFT_PTE_WRITE;
	fx_model->tlb_drop(c, FX_ASID, 0, ~0ULL);
	c = run_word(test, 0x00b5252f, &step);
	KUNIT_EXPECT_EQ(test, step, SOFT_STEP_FAULT);
	KUNIT_EXPECT_EQ(test, c->fault.access, (u32)VGPU_PROT_WRITE);
	*pte = good;
}

/* Shared memory ends where the launch said. */
static void test_shared_bounds(struct kunit *test)
{
	struct soft_fixture *fx = test->priv;
	static const struct {
		s64 off;
		bool good;
	} cases[] = {
		{ 0, true }, { 504, true }, { 505, false }, { 508, false },
		{ 512, false }, { 4096, false }, { -1, false }, { -8, false },
	};
	u32 *code = fx_data(fx, CODE);
	struct soft_core *c = fx->core[0];
	enum soft_step step;
	unsigned int i;

	code[0] = 0xfff00593;	/* li a1, -1 */
	code[1] = 0x00b53023;	/* sd a1, 0(a0) */
	code[2] = 0x00053603;	/* ld a2, 0(a0) */
	code[3] = 0x00000073;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fx_launch(fx, 0, 1, 1);
		fx->job.launch.entry = CODE;
		fx->job.launch.args = VGPU_SHARED_BASE + cases[i].off;
		fx_begin(fx, c);
		step = fx_run(c, 10);
		if (cases[i].good) {
			KUNIT_EXPECT_EQ(test, step, SOFT_STEP_DONE);
			continue;
		}
		KUNIT_EXPECT_EQ(test, step, SOFT_STEP_FAULT);
		KUNIT_EXPECT_EQ(test, c->fault.error, -EFAULT);
	}
}

static struct kunit_case test_cases[] = {
	KUNIT_CASE(test_illegal),
	KUNIT_CASE(test_csr),
	KUNIT_CASE(test_unknown_ecall),
	KUNIT_CASE(test_misaligned_jumps),
	KUNIT_CASE(test_exec_permission),
	KUNIT_CASE(test_code_across_pages),
	KUNIT_CASE(test_store_across_pages),
	KUNIT_CASE(test_atomics_need_alignment_and_permission),
	KUNIT_CASE(test_shared_bounds),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_soft_isa",
	.init = fx_init,
	.exit = fx_exit,
	.test_cases = test_cases,
};

kunit_test_suite(suite);
