// SPDX-License-Identifier: GPL-2.0
/*
 * What every backend owes, as far as its capabilities go.  To add a backend:
 * give it a struct vgpu_test_backend and put that in cf_backends[].
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "conformance.h"

static const void *backend_next(const void *prev, char *desc)
{
	const struct vgpu_test_backend *const *be = prev;

	be = be ? be + 1 : cf_backends;
	if (!*be)
		return NULL;
	strscpy(desc, (*be)->name, KUNIT_PARAM_DESC_SIZE);
	return be;
}

static struct cf *setup(struct kunit *test)
{
	const struct vgpu_test_backend *const *be = test->param_value;

	return cf_create(test, *be);
}

static struct cf *setup_if(struct kunit *test, u64 cap)
{
	struct cf *cf = setup(test);

	if (!cf_can(cf, cap))
		kunit_skip(test, "not claimed");
	return cf;
}

static void pattern(struct cf *cf, u64 offset, u64 bytes, u32 seed)
{
	u64 i;

	for (i = 0; i < bytes; i++)
		*cf_data(cf, offset + i) = (i + seed) * 31 + (i >> 8) * 7;
}

static u64 mismatches(struct cf *cf, u64 a, u64 b, u64 bytes)
{
	u64 i, n = 0;

	for (i = 0; i < bytes; i++)
		n += *cf_data(cf, a + i) != *cf_data(cf, b + i);
	return n;
}

static void test_description(struct kunit *test)
{
	struct cf *cf = setup(test);
	const struct vgpu_backend_ops *ops = cf->ops;
	const struct vgpu_hw_desc *d = cf->desc;
	unsigned int sec, bits = 0, i;

	KUNIT_EXPECT_TRUE(test, d->name && *d->name && d->driver && *d->driver);
	KUNIT_EXPECT_EQ(test, d->vram_bytes % SZ_2M, 0ULL);
	KUNIT_EXPECT_GT(test, d->vram_bytes, 0ULL);
	KUNIT_EXPECT_TRUE(test, d->engines >= 1 && d->engines <= 8);
	KUNIT_EXPECT_GE(test, d->units, 1U);
	KUNIT_EXPECT_TRUE(test, d->max_instances >= 1 &&
			  d->max_instances <= 64);
	KUNIT_EXPECT_GE(test, d->asids, 2U);
	KUNIT_EXPECT_TRUE(test, ops->clear && ops->run && ops->reset &&
			  ops->clock && ops->vram_page && ops->vram_clear);
	if (d->caps & VGPU_HW_PREEMPT)
		KUNIT_EXPECT_TRUE(test, !!ops->preempt);
	if (d->caps & VGPU_HW_SAVE) {
		KUNIT_EXPECT_TRUE(test, ops->save && ops->load && ops->dirty);
		KUNIT_EXPECT_GT(test, d->section_bytes[VGPU_SEC_CONTROL], 0U);
	} else {
		for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
			KUNIT_EXPECT_EQ(test, d->section_bytes[sec], 0U);
	}
	if (d->caps & VGPU_HW_BLOCKS)
		KUNIT_EXPECT_TRUE(test, ops->blocks && ops->save_blocks &&
				  ops->load_blocks);
	if (d->caps & VGPU_HW_BANK)
		KUNIT_EXPECT_TRUE(test, !!ops->flip);
	if (d->caps & VGPU_HW_MMU) {
		KUNIT_EXPECT_TRUE(test, ops->pte_write && ops->tlb_invalidate &&
				  ops->tlb_sync);
		KUNIT_ASSERT_NOT_NULL(test, d->format);
		KUNIT_EXPECT_TRUE(test, d->format->levels >= 1 &&
				  d->format->levels <= 6);
		for (i = 0; i < d->format->levels; i++)
			bits += d->format->bits[i];
		KUNIT_EXPECT_LE(test, bits + d->format->page_shift, 64U);
		KUNIT_EXPECT_TRUE(test, d->format->large_levels & 1);
		KUNIT_EXPECT_NE(test, d->format->pte(0, VGPU_PROT_READ, false,
						     0), 0ULL);
		KUNIT_EXPECT_NE(test, d->format->pde(0), 0ULL);
	}
}

static void test_vram(struct kunit *test)
{
	struct cf *cf = setup(test);
	u64 at;

	for (at = 0; at < cf->desc->vram_bytes; at += PAGE_SIZE) {
		struct page *page = cf->ops->vram_page(cf->hw, at);

		KUNIT_ASSERT_NOT_NULL(test, page);
		/* tails of larger pages cannot be mapped into guests */
		KUNIT_ASSERT_FALSE(test, PageCompound(page));
		KUNIT_ASSERT_GE(test, page_count(page), 1);
		KUNIT_ASSERT_PTR_EQ(test, page,
				    cf->ops->vram_page(cf->hw, at + 4095));
		/* all pages are different */
		*(u64 *)cf_ptr(cf, at) = at + 1;
	}
	for (at = 0; at < cf->desc->vram_bytes; at += PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, *(u64 *)cf_ptr(cf, at), at + 1);
	cf->ops->vram_clear(cf->hw, 3 * PAGE_SIZE, 2 * PAGE_SIZE);
	for (at = 0; at < 8 * PAGE_SIZE; at += PAGE_SIZE)
		KUNIT_EXPECT_EQ(test, *(u64 *)cf_ptr(cf, at),
				at / PAGE_SIZE == 3 || at / PAGE_SIZE == 4 ?
				0 : at + 1);
}

/* Odd addresses, odd lengths, page ends on either side. */
static void test_copy(struct kunit *test)
{
	static const struct {
		u64 src, dst, bytes;
	} cases[] = {
		{ 0, 0x8000, 1 }, { 1, 0x8002, 3 }, { 4095, 0x8000, 2 },
		{ 0, 0x8fff, 2 }, { 100, 0x8003, 9000 }, { 0, 0x8000, 8192 },
		{ 7, 0x8ffd, 4096 },
	};
	struct cf *cf = setup(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 dst = cases[i].dst, bytes = cases[i].bytes;
		unsigned int events = cf->events;
		u64 clock;

		pattern(cf, 0, 0x7000, i);
		*cf_data(cf, dst - 1) = 0xee;
		*cf_data(cf, dst + bytes) = 0xee;
		cf_copy(cf, cf_addr(cf, cases[i].src), cf_addr(cf, dst), bytes);
		cf->job.cookie = 0x1234567800000000ULL + i;
		clock = cf->ops->clock(cf->hw, 0);
		KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, mismatches(cf, cases[i].src, dst, bytes),
				0ULL);
		KUNIT_EXPECT_EQ(test, (u32)*cf_data(cf, dst - 1), 0xeeU);
		KUNIT_EXPECT_EQ(test, (u32)*cf_data(cf, dst + bytes), 0xeeU);
		KUNIT_EXPECT_EQ(test, cf->last.cookie, cf->job.cookie);
		KUNIT_EXPECT_EQ(test, cf->last.engine, 0U);
		KUNIT_EXPECT_EQ(test, cf->last.bytes, bytes);
		KUNIT_EXPECT_EQ(test, cf->events, events + 1);
		/* what is charged is what passed */
		clock = cf->ops->clock(cf->hw, 0) - clock;
		KUNIT_EXPECT_EQ(test, cf->last.service, clock);
	}
}

static void test_fill(struct kunit *test)
{
	struct cf *cf = setup(test);
	u64 i, wrong = 0;

	memset(cf_data(cf, 0), 0x11, PAGE_SIZE);
	memset(cf_data(cf, 2 * PAGE_SIZE), 0x11, PAGE_SIZE);
	cf_fill(cf, cf_addr(cf, 4), 2 * PAGE_SIZE, 0xa1b2c3d4);
	KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	KUNIT_EXPECT_EQ(test, cf->last.bytes, 2 * PAGE_SIZE);
	for (i = 4; i < 4 + 2 * PAGE_SIZE; i += 4)
		wrong += *(u32 *)cf_data(cf, i) != 0xa1b2c3d4;
	KUNIT_EXPECT_EQ(test, wrong, 0ULL);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, 0), 0x11111111U);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, 4 + 2 * PAGE_SIZE),
			0x11111111U);
}

/* Addresses that are no memory: a fault, with the address; then life goes on */
static void test_bad_addresses(struct kunit *test)
{
	struct cf *cf = setup(test);
	const u64 bad[] = {
		~0ULL & ~0xfffULL, 1ULL << 63, 1ULL << 48,
		cf_can(cf, VGPU_HW_MMU) ? 0 : cf->desc->vram_bytes,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		cf_copy(cf, bad[i], cf_addr(cf, 0), 64);
		KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_FAULT);
		KUNIT_EXPECT_EQ(test, cf->last.error, -EFAULT);
		KUNIT_EXPECT_EQ(test, cf->last.fault_va, bad[i]);
		KUNIT_EXPECT_EQ(test, cf->last.fault_access,
				(u32)VGPU_PROT_READ);
		cf_fill(cf, bad[i], 64, 1);
		KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_FAULT);
		KUNIT_EXPECT_EQ(test, cf->last.fault_va, bad[i]);
		KUNIT_EXPECT_EQ(test, cf->last.fault_access,
				(u32)VGPU_PROT_WRITE);
		cf_fill(cf, cf_addr(cf, 0), 64, i);
		KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, 0), i);
	}
	cf->job.op = VGPU_CMD_OP_END;
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_FAULT);
}

/* A job is started from inside the event of the one before. */
static void test_chain(struct kunit *test)
{
	struct cf *cf = setup(test);
	const unsigned int jobs = 50;
	u64 clock = cf->ops->clock(cf->hw, 0);

	cf_fill(cf, cf_addr(cf, 0), 64, 7);
	cf->job.cookie = 1;
	cf->chain = jobs - 1;
	KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	KUNIT_EXPECT_EQ(test, cf->events, jobs);
	KUNIT_EXPECT_EQ(test, cf->last.cookie, (u64)jobs);
	KUNIT_EXPECT_EQ(test, cf->bytes, jobs * 64ULL);
	KUNIT_EXPECT_EQ(test, cf->ops->clock(cf->hw, 0) - clock, cf->service);
}

static void test_reset_idle(struct kunit *test)
{
	struct cf *cf = setup(test);
	unsigned int i;

	for (i = 0; i < cf->desc->engines; i++)
		KUNIT_EXPECT_EQ(test, cf->ops->reset(cf->hw, i), 0);
	KUNIT_EXPECT_EQ(test, cf->events, 0U);
	cf_fill(cf, cf_addr(cf, 0), 64, 9);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
}

/*
 * Reset at any moment of a long row of jobs: after it there is no answer, and
 * no job starts from inside one.
 */
static void test_reset_running(struct kunit *test)
{
	struct cf *cf = setup(test);
	unsigned int i;
	u64 clock = 0;

	for (i = 0; i < 40; i++) {
		unsigned int events;

		cf_fill(cf, cf_addr(cf, 0), SZ_1M, i);
		cf->chain = ~0U;
		cf_clear(cf, 0);
		cf_start(cf, 0, false);
		udelay(i * 50);
		KUNIT_ASSERT_EQ(test, cf->ops->reset(cf->hw, 0), 0);
		events = cf->events;
		cf->chain = 0;
		usleep_range(2000, 3000);
		KUNIT_EXPECT_EQ(test, cf->events, events);
		KUNIT_EXPECT_FALSE(test, completion_done(&cf->answered));
		KUNIT_EXPECT_GE(test, cf->ops->clock(cf->hw, 0), clock);
		clock = cf->ops->clock(cf->hw, 0);
		cf_fill(cf, cf_addr(cf, 0), 64, 1000 + i);
		KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, 0), 1000 + i);
	}
}

static void test_preempt_stopped(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_PREEMPT);
	unsigned int i;

	for (i = 0; i < 5; i++)
		cf->ops->preempt(cf->hw, 0);
	KUNIT_EXPECT_EQ(test, cf->events, 0U);
	cf_fill(cf, cf_addr(cf, 0), SZ_1M, 3);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	KUNIT_EXPECT_EQ(test, cf->preemptions, 0U);
}

/*
 * Asked to stop the moment it starts, each time, and resumed from inside the
 * event: however short its turns are, the job gets on.
 */
static void test_preempt_storm(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_PREEMPT);
	u64 clock = cf->ops->clock(cf->hw, 0);

	pattern(cf, 0, SZ_1M, 99);
	cf->storm = true;
	cf_copy(cf, cf_addr(cf, 0), cf_addr(cf, SZ_1M), SZ_1M);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	KUNIT_EXPECT_GT(test, cf->preemptions, 0U);
	KUNIT_EXPECT_EQ(test, cf->events, cf->preemptions + 1);
	KUNIT_EXPECT_EQ(test, cf->bytes, (u64)SZ_1M);
	KUNIT_EXPECT_EQ(test, cf->ops->clock(cf->hw, 0) - clock, cf->service);
	KUNIT_EXPECT_EQ(test, mismatches(cf, 0, SZ_1M, SZ_1M), 0ULL);
}

struct saved {
	u8 *buf[VGPU_SEC_COUNT];
	u32 used[VGPU_SEC_COUNT];
};

static struct saved *saved_create(struct cf *cf)
{
	struct saved *s = kunit_kzalloc(cf->test, sizeof(*s), GFP_KERNEL);
	unsigned int sec;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(cf->test, s);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		/* exactly as large as announced: KASAN sees a byte too much */
		if (!cf->desc->section_bytes[sec])
			continue;
		s->buf[sec] = kunit_kzalloc(cf->test,
					    cf->desc->section_bytes[sec],
					    GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(cf->test, s->buf[sec]);
	}
	return s;
}

static void save(struct cf *cf, unsigned int engine, struct saved *s)
{
	u32 dirty = cf->ops->dirty(cf->hw, engine);
	unsigned long flags;
	unsigned int sec;

	spin_lock_irqsave(&cf->lock, flags);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		if (s->buf[sec] && dirty & BIT(sec))
			s->used[sec] = cf->ops->save(cf->hw, engine, sec,
						     s->buf[sec]);
	spin_unlock_irqrestore(&cf->lock, flags);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		KUNIT_ASSERT_LE(cf->test, s->used[sec],
				cf->desc->section_bytes[sec]);
}

static void load(struct cf *cf, unsigned int engine, const struct saved *s)
{
	unsigned long flags;
	unsigned int sec;

	cf_clear(cf, engine);
	spin_lock_irqsave(&cf->lock, flags);
	if (s->buf[VGPU_SEC_MMU])
		cf->ops->load(cf->hw, engine, VGPU_SEC_MMU,
			      s->buf[VGPU_SEC_MMU], s->used[VGPU_SEC_MMU]);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		if (s->buf[sec] && sec != VGPU_SEC_MMU)
			cf->ops->load(cf->hw, engine, sec, s->buf[sec],
				      s->used[sec]);
	spin_unlock_irqrestore(&cf->lock, flags);
}

/*
 * A copy is stopped, saved, and goes on later: on each engine in turn, with
 * jobs of others in between.
 */
static void test_save_and_load(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_PREEMPT);
	struct saved *s = saved_create(cf);
	unsigned int engine = 0, stops = 0, tries = 0;
	struct vgpu_hw_job mine;
	bool resume = false;

	pattern(cf, 0, SZ_1M, 5);
	cf_copy(cf, cf_addr(cf, 1), cf_addr(cf, SZ_1M), SZ_1M - 64);
	mine = cf->job;
	cf_clear(cf, engine);
	for (;;) {
		cf->job = mine;
		cf_start(cf, engine, resume);
		/* the first stops may come before anything was done */
		udelay(stops * 4);
		cf->ops->preempt(cf->hw, engine);
		if (cf_wait(cf) != VGPU_HW_PREEMPTED) {
			/* done before it was asked: this CPU was busy */
			if (!stops && ++tries < 100)
				continue;
			break;
		}
		stops++;
		save(cf, engine, s);
		cf_fill(cf, cf_addr(cf, SZ_1M + SZ_1M - 64), 64, stops);
		KUNIT_ASSERT_EQ(test, cf_run(cf, engine), VGPU_HW_DONE);
		engine = (engine + 1) % cf->desc->engines;
		load(cf, engine, s);
		resume = true;
	}
	KUNIT_EXPECT_EQ(test, cf->last.type, VGPU_HW_DONE);
	KUNIT_EXPECT_GT(test, stops, 0U);
	KUNIT_EXPECT_EQ(test, mismatches(cf, 1, SZ_1M, SZ_1M - 64), 0ULL);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, SZ_2M - 64), stops);
}

/*
 * The same, but that it is loaded to the spare bank while the job of another
 * runs, which is to notice nothing.
 */
static void test_spare_bank(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_BANK | VGPU_HW_PREEMPT);
	unsigned int stops = 0, tries = 0;
	struct saved *s = saved_create(cf);
	struct vgpu_hw_job mine;
	bool resume = false;
	unsigned long flags;

	pattern(cf, 0, SZ_1M, 5);
	cf_copy(cf, cf_addr(cf, 1), cf_addr(cf, SZ_1M), SZ_1M - SZ_64K);
	mine = cf->job;
	cf_clear(cf, 0);
	for (;;) {
		cf->job = mine;
		cf_start(cf, 0, resume);
		udelay(stops * 4);
		cf->ops->preempt(cf->hw, 0);
		if (cf_wait(cf) != VGPU_HW_PREEMPTED) {
			if (!stops && ++tries < 100)
				continue;
			break;
		}
		stops++;
		save(cf, 0, s);
		cf_fill(cf, cf_addr(cf, SZ_2M - SZ_64K), SZ_64K, stops);
		cf_clear(cf, 0);
		cf_start(cf, 0, false);
		load(cf, VGPU_HW_SPARE, s);
		KUNIT_ASSERT_EQ(test, cf_wait(cf), VGPU_HW_DONE);
		KUNIT_ASSERT_EQ(test, *(u32 *)cf_data(cf, SZ_2M - 4), stops);
		spin_lock_irqsave(&cf->lock, flags);
		cf->ops->flip(cf->hw, 0);
		spin_unlock_irqrestore(&cf->lock, flags);
		resume = true;
	}
	KUNIT_EXPECT_EQ(test, cf->last.type, VGPU_HW_DONE);
	KUNIT_EXPECT_GT(test, stops, 0U);
	KUNIT_EXPECT_EQ(test, mismatches(cf, 1, SZ_1M, SZ_1M - SZ_64K), 0ULL);
}

static void test_dirty(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_SAVE);
	struct saved *s = saved_create(cf);
	unsigned int sec;
	u32 all = 0;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		if (cf->desc->section_bytes[sec])
			all |= BIT(sec);
	/*
	 * Nothing of what the engine holds after clear() was ever saved: bytes
	 * of an earlier job of the context must not pass for it.
	 */
	cf_clear(cf, 0);
	KUNIT_EXPECT_EQ(test, cf->ops->dirty(cf->hw, 0) & all, all);
	save(cf, 0, s);
	KUNIT_EXPECT_EQ(test, cf->ops->dirty(cf->hw, 0) & all, 0U);
	load(cf, 0, s);
	KUNIT_EXPECT_EQ(test, cf->ops->dirty(cf->hw, 0) & all, 0U);
	cf_fill(cf, cf_addr(cf, 0), 64, 1);
	cf_start(cf, 0, false);
	KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_DONE);
	KUNIT_EXPECT_NE(test, cf->ops->dirty(cf->hw, 0) & all, 0U);
}

static void test_protection(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_MMU);
	u64 va = CF_VA + SZ_1M;
	u64 page = cf_page(cf);

	cf_map(cf, va, page, VGPU_PROT_READ);
	cf_fill(cf, va - 64, 128, 0x77777777);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_FAULT);
	KUNIT_EXPECT_EQ(test, cf->last.error, -EFAULT);
	KUNIT_EXPECT_EQ(test, cf->last.fault_va, va);
	KUNIT_EXPECT_EQ(test, cf->last.fault_access, (u32)VGPU_PROT_WRITE);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_ptr(cf, page), 0U);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, SZ_1M - 4), 0x77777777U);
	KUNIT_EXPECT_EQ(test, cf->last.bytes, 64ULL);
	cf_map(cf, va, page, VGPU_PROT_WRITE);
	cf->ops->tlb_invalidate(cf->hw, CF_ASID, va, PAGE_SIZE);
	cf->ops->tlb_sync(cf->hw);
	cf_copy(cf, va, CF_VA, 64);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_FAULT);
	KUNIT_EXPECT_EQ(test, cf->last.fault_access, (u32)VGPU_PROT_READ);
}

/* A translation that was used is gone after invalidate and sync. */
static void test_tlb(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_MMU);
	u64 first = cf_page(cf), second = cf_page(cf), va = CF_VA;
	unsigned int e;

	for (e = 0; e < cf->desc->engines; e++) {
		cf_map(cf, va, first, VGPU_PROT_READ | VGPU_PROT_WRITE);
		cf->ops->tlb_invalidate(cf->hw, CF_ASID, va, PAGE_SIZE);
		cf->ops->tlb_sync(cf->hw);
		cf_fill(cf, va, 64, 0xaaaa0000 + e);
		KUNIT_ASSERT_EQ(test, cf_run(cf, e), VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, *(u32 *)cf_ptr(cf, first), 0xaaaa0000 + e);
		cf_map(cf, va, second, VGPU_PROT_READ | VGPU_PROT_WRITE);
		cf->ops->tlb_invalidate(cf->hw, CF_ASID, va, PAGE_SIZE);
		cf->ops->tlb_sync(cf->hw);
		cf_fill(cf, va, 64, 0xbbbb0000 + e);
		KUNIT_ASSERT_EQ(test, cf_run(cf, e), VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, *(u32 *)cf_ptr(cf, first), 0xaaaa0000 + e);
		KUNIT_EXPECT_EQ(test, *(u32 *)cf_ptr(cf, second),
				0xbbbb0000 + e);
		/* gone altogether */
		cf_unmap(cf, va);
		cf->ops->tlb_invalidate(cf->hw, CF_ASID, 0, 1ULL << 47);
		cf->ops->tlb_sync(cf->hw);
		KUNIT_ASSERT_EQ(test, cf_run(cf, e), VGPU_HW_FAULT);
	}
}

/* Two spaces use the same address. */
static void test_asids(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_MMU);
	u64 first = cf_page(cf), second = cf_page(cf), root = cf->root;
	struct vgpu_hw_ctx other = { .asid = CF_ASID + 1 };

	if (cf->desc->asids < 3)
		kunit_skip(test, "one address space");
	cf_map(cf, CF_VA, first, VGPU_PROT_WRITE);
	other.root = cf_page(cf);
	cf->root = other.root;
	cf_map(cf, CF_VA, second, VGPU_PROT_WRITE);
	cf->root = root;

	cf_fill(cf, CF_VA, 64, 0x1111);
	KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
	cf->ops->clear(cf->hw, 0, &other);
	cf_fill(cf, CF_VA, 64, 0x2222);
	cf_start(cf, 0, false);
	KUNIT_ASSERT_EQ(test, cf_wait(cf), VGPU_HW_DONE);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_ptr(cf, first), 0x1111U);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_ptr(cf, second), 0x2222U);
}

/* A fault with the table mended goes on where it stopped. */
static void test_fault_and_resume(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_MMU | VGPU_HW_SAVE);
	u64 va = CF_VA + SZ_1M;

	cf_unmap(cf, va);
	cf_fill(cf, va - 2 * PAGE_SIZE, 4 * PAGE_SIZE, 0x5555);
	KUNIT_ASSERT_EQ(test, cf_run(cf, 0), VGPU_HW_FAULT);
	KUNIT_EXPECT_EQ(test, cf->last.fault_va, va);
	cf_map(cf, va, cf->data + SZ_1M, VGPU_PROT_READ | VGPU_PROT_WRITE);
	cf_start(cf, 0, true);
	KUNIT_ASSERT_EQ(test, cf_wait(cf), VGPU_HW_DONE);
	KUNIT_EXPECT_EQ(test, cf->bytes, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, SZ_1M), 0x5555U);
}

static u64 all_units(const struct cf *cf)
{
	return GENMASK_ULL(cf->desc->engines * cf->desc->units - 1, 0);
}

/*
 * A unit is on one engine at most, whatever is asked for; what is refused
 * changes nothing; engines with units work.
 */
static void test_units(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_UNITS);
	unsigned int spare = cf->desc->engines, units = cf->desc->units, i;
	u64 first = GENMASK_ULL(units - 1, 0);
	u64 last = BIT_ULL(units - 1);

	KUNIT_EXPECT_GE(test, cf->desc->spare_engines, 1U);
	KUNIT_EXPECT_LE(test, spare + cf->desc->spare_engines, 8U);
	KUNIT_EXPECT_LE(test, cf->desc->engines * units, 64U);
	KUNIT_ASSERT_GE(test, units, 2U);
	KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, spare, last), -EBUSY);
	KUNIT_EXPECT_LT(test, cf->ops->set_units(cf->hw, spare,
						 ~all_units(cf)), 0);
	KUNIT_EXPECT_LT(test, cf->ops->set_units(cf->hw, spare +
						 cf->desc->spare_engines, last), 0);
	/* none of that took anything from engine 0, or gave it */
	KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, 0, first), 0);
	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, 0, first & ~last), 0);
	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, spare, last), 0);
	KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, 0, first), -EBUSY);
	for (i = 0; i <= spare; i += spare) {
		cf_fill(cf, cf_addr(cf, i * 64), 64, 0x100 + i);
		KUNIT_ASSERT_EQ(test, cf_run(cf, i), VGPU_HW_DONE);
		KUNIT_EXPECT_EQ(test, *(u32 *)cf_data(cf, i * 64), 0x100 + i);
	}
	KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, spare, 0), 0);
	KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, 0, first), 0);
	cf_fill(cf, cf_addr(cf, 0), 64, 5);
	KUNIT_EXPECT_EQ(test, cf_run(cf, 0), VGPU_HW_DONE);
}

/*
 * Units are not changed under a job that runs; when they are, the engine
 * forgets what was in it, and what was saved before goes on without them.
 */
static void test_units_and_jobs(struct kunit *test)
{
	struct cf *cf = setup_if(test, VGPU_HW_UNITS);
	struct saved *s = saved_create(cf);
	u64 first = GENMASK_ULL(cf->desc->units - 1, 0);
	struct vgpu_hw_job mine;
	unsigned int tries;

	pattern(cf, 0, SZ_1M, 9);
	cf_copy(cf, cf_addr(cf, 0), cf_addr(cf, SZ_1M), SZ_1M);
	mine = cf->job;
	for (tries = 0; tries < 100; tries++) {
		cf->chain = ~0U;	/* runs until it is stopped */
		cf_clear(cf, 0);
		cf_start(cf, 0, false);
		KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, 0, 1), -EBUSY);
		cf->ops->preempt(cf->hw, 0);
		cf->chain = 0;
		if (cf_wait(cf) == VGPU_HW_PREEMPTED)
			break;
	}
	KUNIT_ASSERT_EQ(test, cf->last.type, VGPU_HW_PREEMPTED);
	mine.cookie = cf->job.cookie;
	save(cf, 0, s);
	KUNIT_ASSERT_EQ(test, cf->ops->set_units(cf->hw, 0, 1), 0);
	/* there is nothing to go on with any more */
	cf_start(cf, 0, true);
	KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_FAULT);
	cf_clear(cf, 0);
	load(cf, 0, s);
	cf->job = mine;
	cf_start(cf, 0, true);
	KUNIT_EXPECT_EQ(test, cf_wait(cf), VGPU_HW_DONE);
	KUNIT_EXPECT_EQ(test, mismatches(cf, 0, SZ_1M, SZ_1M), 0ULL);
	KUNIT_EXPECT_EQ(test, cf->ops->set_units(cf->hw, 0, first), 0);
}

#define CASE(fn) KUNIT_CASE_PARAM(fn, backend_next)

static struct kunit_case cases[] = {
	CASE(test_description),
	CASE(test_vram),
	CASE(test_copy),
	CASE(test_fill),
	CASE(test_bad_addresses),
	CASE(test_chain),
	CASE(test_reset_idle),
	CASE(test_reset_running),
	CASE(test_preempt_stopped),
	CASE(test_preempt_storm),
	CASE(test_save_and_load),
	CASE(test_spare_bank),
	CASE(test_dirty),
	CASE(test_protection),
	CASE(test_tlb),
	CASE(test_asids),
	CASE(test_fault_and_resume),
	CASE(test_units),
	CASE(test_units_and_jobs),
	{ }
};

static struct kunit_suite suite = {
	.name = "vgpu_backend_conformance",
	.exit = cf_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
