// SPDX-License-Identifier: GPL-2.0
/*
 * More memory than VRAM: contents survive, tables tell the truth, no byte of
 * one tenant is seen by another, and all is given back, whatever fails and
 * whoever races.
 */
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "mem_tenant.h"

MODULE_IMPORT_NS(VGPU);

/*
 * Two tenants, each with twice the VRAM, one after the other through all of it,
 * then at random. Each sees zeros first, then its own.
 */
static void twice_the_vram(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant t[2];
	struct rnd_state rnd;
	u32 i, who, bad = 0;
	u64 at;

	for (who = 0; who < 2; who++)
		tenant_open(test, mock, &t[who], who + 1, 2 * VRAM);
	for (at = 0; at < 2 * VRAM; at += 0x1000) {
		for (who = 0; who < 2; who++) {
			bad += !tenant_page_is(mock, &t[who], 0, at);
			bad += !tenant_page_write(mock, &t[who], who + 1, at);
		}
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, bad, 0U);
	prandom_seed_state(&rnd, 4711);
	for (i = 0; i < MOCK_STEPS(4000); i++) {
		at = mock_rnd(&rnd, 2 * VRAM / 0x1000) * 0x1000ULL;
		who = mock_rnd(&rnd, 2);
		bad += !tenant_page_is(mock, &t[who], who + 1, at);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, bad, 0U);

	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GT(test, st.evictions, 2 * VRAM / VGPU_CHUNK_BYTES);
	KUNIT_EXPECT_EQ(test, st.evict_failed, 0ULL);
	KUNIT_EXPECT_EQ(test, st.restore_failed, 0ULL);
	KUNIT_EXPECT_EQ(test, st.resident + st.evicted, 4 * VRAM);
	KUNIT_EXPECT_EQ(test, st.resident,
			t[0].acct.resident + t[1].acct.resident);
	KUNIT_EXPECT_LE(test, st.resident, VRAM);
	/* a page in four of zeros, one of a word, one packed well */
	KUNIT_EXPECT_GE(test, st.same, st.stored / 2);
	KUNIT_EXPECT_EQ(test, st.plain, st.stored / 4);
	KUNIT_EXPECT_LT(test, st.packed, st.stored / 3);
	KUNIT_EXPECT_LT(test, st.system, st.stored / 2);
	for (who = 0; who < 2; who++)
		tenant_close(test, &t[who]);
	all_given_back(test, mock);
}

/* Nothing reaches what was evicted, neither engines through caches nor CPUs. */
static void evicted_is_out_of_reach(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_as *other;
	struct mock_entry e;
	struct tenant t;
	u64 at;

	tenant_open(test, mock, &t, 1, 4 * MOCK_MIB);
	other = vgpu_as_create(mock->vram, NULL, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	/* the second half, where the first has the first, too */
	KUNIT_ASSERT_EQ(test, vgpu_as_map(other, t.bo, 2 * MOCK_MIB, BASE,
					  2 * MOCK_MIB, RW), 0);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES) {
		KUNIT_EXPECT_NULL(test, vgpu_bo_page(t.bo, at));
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 7, at + 0x3000));
		KUNIT_EXPECT_NOT_NULL(test, vgpu_bo_page(t.bo, at));
	}
	/* the other finds entries for what is there already */
	KUNIT_EXPECT_EQ(test, mem_mock_access(mock, other, BASE, RW, &e), 0);

	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	KUNIT_EXPECT_EQ(test, t.acct.resident, 0ULL);
	for (at = 0; at < t.bytes; at += 0x10000) {
		KUNIT_EXPECT_NULL(test, vgpu_bo_page(t.bo, at));
		KUNIT_EXPECT_EQ(test, mem_mock_access(mock, t.as, BASE + at,
						      VGPU_PROT_READ, &e),
				-EFAULT);
		KUNIT_EXPECT_EQ(test, mem_mock_access(mock, other, BASE +
						      at / 2, VGPU_PROT_READ,
						      &e), -EFAULT);
	}
	/* one fault brings it back for both */
	KUNIT_ASSERT_EQ(test, vgpu_as_fault_in(other, BASE + 0x3008, RW), 0);
	KUNIT_EXPECT_EQ(test, mem_mock_access(mock, t.as, BASE + 2 * MOCK_MIB +
					      0x3000, RW, &e), 0);
	KUNIT_EXPECT_TRUE(test, tenant_page_is(mock, &t, 7, 2 * MOCK_MIB + 0x3000));
	/* faults that are the tenant's own remain so */
	KUNIT_EXPECT_EQ(test, vgpu_as_fault_in(t.as, BASE, VGPU_PROT_EXEC),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_fault_in(t.as, BASE - 1, VGPU_PROT_READ),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_fault_in(t.as, BASE + t.bytes,
					       VGPU_PROT_READ), -EFAULT);
	vgpu_as_destroy(other);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

static void zap_count(void *arg, u64 offset, u64 bytes)
{
	u64 *zapped = arg;

	*zapped += bytes;
}

static void held_stays(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct page *page;
	u64 at, zapped = 0;
	struct tenant t;

	tenant_open(test, mock, &t, 1, 2 * VRAM);
	vgpu_mem_set_share(&t.acct, 2 * MOCK_MIB);
	vgpu_bo_set_zap(t.bo, zap_count, &zapped);
	KUNIT_EXPECT_EQ(test, vgpu_bo_hold(t.bo, t.bytes), -EFAULT);
	KUNIT_ASSERT_EQ(test, vgpu_bo_hold(t.bo, 0x12345), 0);
	page = vgpu_bo_page(t.bo, 0x12000);
	KUNIT_ASSERT_EQ(test, vgpu_bo_pin(t.bo, 0x2fff0, 0x20), 0);
	KUNIT_EXPECT_GE(test, t.acct.fixed, 0x20000ULL);
	/* more than may be fixed */
	KUNIT_EXPECT_EQ(test, vgpu_bo_pin(t.bo, 0, 2 * MOCK_MIB), -EDQUOT);
	for (at = 0x40000; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 3, at));
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	KUNIT_EXPECT_EQ(test, zapped, t.bytes - 0x40000);
	KUNIT_EXPECT_PTR_EQ(test, vgpu_bo_page(t.bo, 0x12000), page);
	KUNIT_EXPECT_NOT_NULL(test, vgpu_bo_page(t.bo, 0x20000));
	KUNIT_EXPECT_NOT_NULL(test, vgpu_bo_page(t.bo, 0x30000));
	vgpu_bo_unpin(t.bo, 0x2fff0, 0x20);
	vgpu_bo_unhold(t.bo, 0x12345);
	vgpu_bo_set_zap(t.bo, NULL, NULL);
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(t.bo, 0x12000));
	KUNIT_EXPECT_EQ(test, zapped, t.bytes - 0x40000);
	vgpu_mem_set_share(&t.acct, U64_MAX);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* Tables and memory that stays put make pageable memory go, to a limit. */
static void fixed_makes_room(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_bo *fixed, *more;
	struct vgpu_paging_stats st;
	struct tenant t;
	u64 at;

	tenant_open(test, mock, &t, 1, 2 * VRAM);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 5, at));
	fixed = vgpu_bo_create(mock->vram, NULL, 4 * MOCK_MIB, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fixed));
	/* what must stay for fault-in is not given */
	more = vgpu_bo_create(mock->vram, NULL, 4 * MOCK_MIB, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, more, ERR_PTR(-ENOSPC));
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GE(test, st.frames, 16ULL);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_is(mock, &t, 5, at));
	vgpu_bo_put(fixed);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

struct letting_go {
	struct delayed_work work;
	struct tenant *t;
	DECLARE_BITMAP(held, 2 * VRAM / VGPU_CHUNK_BYTES);
};

static void let_go(struct work_struct *work)
{
	struct letting_go *l = container_of(to_delayed_work(work),
					    struct letting_go, work);
	unsigned int i;

	for_each_set_bit(i, l->held, 2 * VRAM / VGPU_CHUNK_BYTES)
		vgpu_bo_unhold(l->t->bo, (u64)i * VGPU_CHUNK_BYTES);
}

/* Where all is held nobody gets any; where that does not last, who asked has waited. */
static void held_for_a_moment(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct letting_go *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	struct vgpu_bo *fixed;
	struct tenant t;
	unsigned int i;
	u64 at;

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->t = &t;
	INIT_DELAYED_WORK(&l->work, let_go);
	tenant_open(test, mock, &t, 1, 2 * VRAM);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 5, at));
	for (i = 0; i < t.bytes / VGPU_CHUNK_BYTES; i++) {
		at = (u64)i * VGPU_CHUNK_BYTES;
		if (!vgpu_bo_page(t.bo, at))
			continue;
		KUNIT_ASSERT_EQ(test, vgpu_bo_hold(t.bo, at), 0);
		__set_bit(i, l->held);
	}
	KUNIT_EXPECT_GT(test, bitmap_weight(l->held, 2 * VRAM / VGPU_CHUNK_BYTES),
			64);
	fixed = vgpu_bo_create(mock->vram, NULL, VRAM / 2, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, fixed, ERR_PTR(-ENOSPC));
	schedule_delayed_work(&l->work, msecs_to_jiffies(30));
	fixed = vgpu_bo_create(mock->vram, NULL, VRAM / 2, 0, 0);
	flush_delayed_work(&l->work);
	KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(fixed), "%pe", fixed);
	if (!IS_ERR(fixed))
		vgpu_bo_put(fixed);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_is(mock, &t, 5, at));
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* Holes and edges in pageable memory; the tables stay right. */
static void unmap_evicted(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant t;
	u32 i, count = 0;
	u64 unit;
	int err;

	tenant_open(test, mock, &t, 1, 4 * MOCK_MIB);
	KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 9, 0));
	KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 9, 0x30000));
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(t.as, BASE + 0x20000, 0x10000), 0);
	KUNIT_EXPECT_EQ(test, vgpu_as_fault_in(t.as, BASE + 0x20000, RW),
			-EFAULT);
	KUNIT_EXPECT_TRUE(test, tenant_page_is(mock, &t, 9, 0));
	KUNIT_EXPECT_TRUE(test, tenant_page_is(mock, &t, 9, 0x30000));
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(t.as, BASE, t.bytes), 0);
	KUNIT_EXPECT_NULL(test, tenant_touch(mock, t.as, BASE));

	/* a bounded number of mappings to visit */
	unit = vgpu_vram_unit(mock->vram);
	for (i = 0; i <= VGPU_PAGED_MAPS; i++) {
		err = vgpu_as_map(t.as, t.bo, 0, BASE + i * unit, unit, RW);
		if (err)
			break;
		count++;
	}
	KUNIT_EXPECT_EQ(test, err, -EMFILE);
	KUNIT_EXPECT_EQ(test, count, (u32)VGPU_PAGED_MAPS);
	KUNIT_EXPECT_TRUE(test, tenant_page_is(mock, &t, 9, 0));
	KUNIT_EXPECT_EQ(test, vgpu_bo_evict(t.bo), 0);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* A page that went bad is never used again, whoever's frame it was in. */
static void bad_page(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_residency *res;
	struct vgpu_vram_stats st;
	struct tenant t;
	u64 bad, idle, at;
	u64 *p;

	tenant_open(test, mock, &t, 1, 2 * VRAM);
	KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 4, 0x1000));
	p = tenant_touch(mock, t.as, BASE + 0x1000);
	KUNIT_ASSERT_NOT_NULL(test, p);
	bad = (u8 *)p - (u8 *)mock->mem;
	KUNIT_ASSERT_EQ(test, vgpu_vram_retire(mock->vram, bad), 0);
	/* it is known whose it is, for as long as it is */
	KUNIT_EXPECT_PTR_EQ(test, mem_mock_owner(mock, bad), &t.acct);
	KUNIT_ASSERT_EQ(test, vgpu_bo_evict(t.bo), 0);
	KUNIT_EXPECT_FALSE(test, mem_mock_used(mock, bad));
	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.retired, 0x1000ULL);
	/* and one that nobody has */
	res = mock->vram->residency;
	KUNIT_ASSERT_GT(test, res->nr_free, 0U);
	idle = vgpu_block_addr(res->free[0]);
	KUNIT_ASSERT_EQ(test, vgpu_vram_retire(mock->vram, idle), 0);
	for (at = 0x1000; at < t.bytes; at += VGPU_CHUNK_BYTES) {
		p = tenant_touch(mock, t.as, BASE + at);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_NE(test, (u64)((u8 *)p - (u8 *)mock->mem), bad);
		p = tenant_touch(mock, t.as, BASE + at - 0x1000);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_NE(test, (u64)((u8 *)p - (u8 *)mock->mem), idle);
	}
	vgpu_vram_get_stats(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.retired, 0x2000ULL);
	KUNIT_EXPECT_TRUE(test, tenant_page_is(mock, &t, 4, 0x1000));
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* With VRAM full to the last page, a hole in a large page gets its table. */
static void unmap_when_full(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_bo *large, *small[64];
	struct vgpu_vram_stats st;
	struct tenant t;
	u32 i, n = 0;
	u64 at;

	large = vgpu_bo_create(mock->vram, NULL, 2 * MOCK_MIB, 2 * MOCK_MIB, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(large));
	tenant_open(test, mock, &t, 1, 2 * VRAM);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(t.as, large, 0, BASE + (1ULL << 30),
					  2 * MOCK_MIB, RW), 0);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 5, at));
	for (;;) {
		vgpu_vram_get_stats(mock->vram, &st);
		if (!st.free || n == ARRAY_SIZE(small))
			break;
		small[n] = vgpu_bo_create(mock->vram, NULL, 0x1000, 0, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(small[n]));
		n++;
	}
	KUNIT_EXPECT_EQ(test, st.free, 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_as_unmap(t.as, BASE + (1ULL << 30) + 0x10000,
					    0x10000), 0);
	for (i = 0; i < n; i++)
		vgpu_bo_put(small[i]);
	vgpu_bo_put(large);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* Somebody maps the memory once more whenever a walk looks at a mapping. */
struct mapper {
	struct tenant *t;
	struct vgpu_as *as;
	struct completion ask, did;
	bool stop;
	u64 maps;
	u32 visits;
};

static int mapper_fn(void *arg)
{
	struct mapper *m = arg;

	for (;;) {
		wait_for_completion(&m->ask);
		if (m->stop)
			break;
		if (!vgpu_as_map(m->as, m->t->bo, 0, BASE + (m->maps << 16),
				 0x10000, RW))
			m->maps++;
		complete(&m->did);
	}
	complete(&m->did);
	return 0;
}

static void visit(struct vgpu_as *as, struct vgpu_region *region, u64 va,
		  u64 end, void *arg)
{
	struct mapper *m = arg;

	m->visits++;
	/* its own address space is locked by who walks */
	if (as == m->as || m->visits > 100)
		return;
	complete(&m->ask);
	wait_for_completion(&m->did);
}

static void walk_ends(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct mapper m = {};
	struct task_struct *task;
	struct tenant t;
	u32 i;

	tenant_open(test, mock, &t, 1, MOCK_MIB);
	for (i = 1; i <= 3; i++)
		KUNIT_ASSERT_EQ(test, vgpu_as_map(t.as, t.bo, 0, BASE +
						  i * 2 * MOCK_MIB, 0x10000,
						  RW), 0);
	m.t = &t;
	m.as = vgpu_as_create(mock->vram, NULL, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(m.as));
	init_completion(&m.ask);
	init_completion(&m.did);
	task = kthread_run(mapper_fn, &m, "mapper");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	mutex_lock(&t.bo->walk_lock);
	vgpu_bo_walk(t.bo, 0, VGPU_CHUNK_BYTES, visit, &m);
	mutex_unlock(&t.bo->walk_lock);
	/* those that were there, each once; none that came meanwhile */
	KUNIT_EXPECT_EQ(test, m.visits, 4U);
	KUNIT_EXPECT_EQ(test, m.maps, 4ULL);
	m.visits = 200;
	mutex_lock(&t.bo->walk_lock);
	vgpu_bo_walk(t.bo, 0, VGPU_CHUNK_BYTES, visit, &m);
	mutex_unlock(&t.bo->walk_lock);
	KUNIT_EXPECT_EQ(test, m.visits, 208U);
	m.stop = true;
	complete(&m.ask);
	wait_for_completion(&m.did);
	vgpu_as_destroy(m.as);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

/* --- races ---------------------------------------------------------------- */

struct race {
	struct mem_mock *mock;
	struct tenant t[2];
	atomic_t stop;
	atomic_t bad;
};

struct racer {
	struct race *race;
	struct completion done;
	u32 kind;
};

/* Takes the reserve away. */
static void drain(struct vgpu_tier *tier)
{
	struct page *page;

	do {
		spin_lock(&tier->lock);
		page = tier->reserved ? tier->reserve[--tier->reserved] : NULL;
		spin_unlock(&tier->lock);
		if (page)
			__free_page(page);
	} while (page);
}

static int racer_fn(void *arg)
{
	struct racer *r = arg;
	struct race *race = r->race;
	struct mem_mock *mock = race->mock;
	struct rnd_state rnd;
	u32 n = 0;

	prandom_seed_state(&rnd, r->kind + 1);
	while (!atomic_read(&race->stop)) {
		struct tenant *t = &race->t[r->kind & 1];
		u64 at = mock_rnd(&rnd, t->bytes >> 16) << 16;
		struct vgpu_bo *bo;
		struct vgpu_as *as;
		u64 *p;

		switch (r->kind) {
		case 0:
		case 1:		/* a word of its own, held against eviction */
			if (vgpu_bo_hold(t->bo, at)) {
				atomic_inc(&race->bad);
				break;
			}
			p = tenant_touch(mock, t->as, BASE + at);
			if (!p || (*p && *p != r->kind + 1))
				atomic_inc(&race->bad);
			else
				*p = r->kind + 1;
			vgpu_bo_unhold(t->bo, at);
			break;
		case 2:
		case 3:		/* often there is nowhere to store it */
			drain(&mock->vram->residency->tier);
			/* what was evicted goes on to files, or no more does */
			vgpu_vram_set_tier_limit(mock->vram,
						 n & 4 ? 0 : PAGE_SIZE);
			mem_fail_nth_start(1 + mock_rnd(&rnd, 30));
			vgpu_bo_evict(t->bo);
			mem_fail_nth_stop();
			break;
		case 4:		/* map, fault in, and all goes at once */
			as = vgpu_as_create(mock->vram, NULL, 8);
			if (IS_ERR(as))
				break;
			bo = vgpu_bo_create(mock->vram, NULL, 0x80000, 0,
					    VGPU_BO_PAGEABLE);
			if (!IS_ERR(bo)) {
				if (!vgpu_as_map(as, bo, 0, BASE, 0x80000, RW)) {
					vgpu_as_fault_in(as, BASE, RW);
					vgpu_as_fault_in(as, BASE + 0x40000, RW);
				}
				if (n & 1)
					vgpu_bo_revoke(bo);
				vgpu_bo_put(bo);
			}
			vgpu_as_destroy(as);
			break;
		default:	/* another view of the same memory */
			if (!vgpu_as_map(t->as, t->bo, at & ~0xfffffULL,
					 BASE + (1ULL << 30), 0x100000, RW)) {
				vgpu_as_fault_in(t->as, BASE + (1ULL << 30) +
						 0x20000, RW);
				vgpu_as_unmap(t->as, BASE + (1ULL << 30),
					      0x100000);
			}
		}
		n++;
		cond_resched();
	}
	complete(&r->done);
	return 0;
}

static void everybody_at_once(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct racer r[6];
	struct race race;
	u32 i;

	memset(&race, 0, sizeof(race));
	race.mock = mock;
	for (i = 0; i < 2; i++)
		tenant_open(test, mock, &race.t[i], i + 1, VRAM);
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		struct task_struct *task;

		r[i].race = &race;
		r[i].kind = i;
		init_completion(&r[i].done);
		task = kthread_run(racer_fn, &r[i], "resid%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	msleep(1500);
	atomic_set(&race.stop, 1);
	for (i = 0; i < ARRAY_SIZE(r); i++)
		wait_for_completion(&r[i].done);
	KUNIT_EXPECT_EQ(test, atomic_read(&race.bad), 0);
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GT(test, st.cold_stores, 0ULL);
	KUNIT_EXPECT_GT(test, st.cold_loads, 0ULL);
	for (i = 0; i < 2; i++)
		tenant_close(test, &race.t[i]);
	all_given_back(test, mock);
}

/* The GPU goes while memory is in both places. */
static void unplugged(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant t;
	u64 at;

	tenant_open(test, mock, &t, 1, 2 * VRAM);
	for (at = 0; at < t.bytes; at += VGPU_CHUNK_BYTES)
		KUNIT_ASSERT_TRUE(test, tenant_page_write(mock, &t, 2, at + 0x2000));
	vgpu_vram_unplug(mock->vram);
	KUNIT_EXPECT_EQ(test, vgpu_bo_evict(t.bo), -ENODEV);
	KUNIT_EXPECT_EQ(test, vgpu_bo_hold(t.bo, 0), -ENODEV);
	tenant_close(test, &t);
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.frames, 0ULL);
	all_given_back(test, mock);
}

/* An eighth of the share is never fixed; nothing is charged that is refused. */
static void shares(struct kunit *test)
{
	struct vgpu_mem_account acct;

	vgpu_mem_account_init(&acct, 100);
	/* without over-commit only the limit counts */
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge_fixed(&acct, 100, 100), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge_fixed(&acct, 1, 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_set_share(&acct, 80), -EBUSY);
	KUNIT_EXPECT_EQ(test, acct.share, U64_MAX);
	vgpu_mem_uncharge_fixed(&acct, 100, 100);

	KUNIT_EXPECT_EQ(test, vgpu_mem_set_share(&acct, 80), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge_fixed(&acct, 71, 71), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge_fixed(&acct, 70, 70), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge_fixed(&acct, 0, 1), -EDQUOT);
	/* what can be evicted may be more than the share */
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&acct, 30), 0);
	KUNIT_EXPECT_EQ(test, vgpu_mem_charge(&acct, 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vgpu_mem_set_share(&acct, 72), -EBUSY);
	KUNIT_EXPECT_EQ(test, vgpu_mem_set_share(&acct, 79), 0);
	KUNIT_EXPECT_EQ(test, acct.used, 100ULL);
	KUNIT_EXPECT_EQ(test, acct.fixed, 70ULL);
	vgpu_mem_uncharge(&acct, 30);
	vgpu_mem_uncharge_fixed(&acct, 70, 70);
	KUNIT_EXPECT_EQ(test, acct.used, 0ULL);
	KUNIT_EXPECT_EQ(test, acct.fixed, 0ULL);
	KUNIT_EXPECT_EQ(test, acct.denied, 4ULL);
}

/* --- codecs and the tier --------------------------------------------------- */

static void codecs(struct kunit *test)
{
	void *work = vmalloc(vgpu_codec_work_bytes());
	u8 *src = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	u8 *back = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	u8 *dst = kunit_kmalloc(test, VGPU_PACK_BYTES, GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int id, have = 0;
	u32 n, i;

	KUNIT_ASSERT_TRUE(test, work && src && back && dst);
	prandom_seed_state(&rnd, 5);
	for (id = 1; id < VGPU_CODECS; id++) {
		if (!vgpu_codec_get(id))
			continue;
		have++;
		for (i = 0; i < PAGE_SIZE; i++)
			src[i] = i % 64 ? i / 64 : mock_rnd(&rnd, 256);
		n = vgpu_codec_pack(id, work, src, dst);
		KUNIT_EXPECT_GT(test, n, 0U);
		KUNIT_EXPECT_LT(test, n, (u32)PAGE_SIZE / 4);
		KUNIT_EXPECT_TRUE(test, vgpu_codec_unpack(id, work, dst, n,
							  back));
		KUNIT_EXPECT_EQ(test, memcmp(src, back, PAGE_SIZE), 0);
		/* damaged: told, and nothing beyond the page is written */
		KUNIT_EXPECT_FALSE(test, vgpu_codec_unpack(id, work, dst, n / 2,
							   back));
		prandom_bytes_state(&rnd, src, PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, vgpu_codec_pack(id, work, src, dst), 0U);
	}
	KUNIT_EXPECT_GT(test, have, 0U);
	KUNIT_EXPECT_EQ(test, vgpu_codec_choose(work, dst, (const void **)&src,
						1), (u32)VGPU_CODEC_PLAIN);
	KUNIT_EXPECT_NULL(test, vgpu_codec_get(VGPU_CODECS));
	vfree(work);
}

/* Every allocation fails in turn; nothing is lost, nothing is left behind. */
static void fail_every_nth(struct kunit *test)
{
	struct mem_mock *mock;
	struct tenant t;
	struct vgpu_bo *bo;
	u32 nth, failed = 0;
	bool hit;
	u64 at;

	if (!mem_fail_nth_works())
		kunit_skip(test, "no fault injection here");
	mock = paged_mock(test);
	tenant_open(test, mock, &t, 1, 2 * MOCK_MIB);
	for (nth = 1; nth < 1000; nth++) {
		mem_fail_nth_start(nth);
		bo = vgpu_bo_create(mock->vram, &t.acct, 0x100000, 0,
				    VGPU_BO_PAGEABLE);
		hit = mem_fail_nth_stop();
		if (!IS_ERR(bo))
			vgpu_bo_put(bo);
		else
			failed++;
		if (!hit)
			break;
		/* a large one has a second way to come */
		if (IS_ERR(bo))
			KUNIT_EXPECT_EQ(test, PTR_ERR(bo), (long)-ENOMEM);
	}
	KUNIT_EXPECT_GT(test, failed, 0U);
	KUNIT_EXPECT_LT(test, nth, 1000U);
	for (nth = 1; nth < 1000; nth++) {
		for (at = 0; at < t.bytes; at += 0x1000)
			if (!tenant_page_write(mock, &t, 6, at))
				break;
		KUNIT_ASSERT_EQ(test, at, t.bytes);
		mem_fail_nth_start(nth);
		vgpu_bo_evict(t.bo);
		hit = mem_fail_nth_stop();
		for (at = 0; at < t.bytes; at += 0x1000)
			if (!tenant_page_is(mock, &t, 6, at))
				break;
		KUNIT_ASSERT_EQ(test, at, t.bytes);
		if (!hit)
			break;
	}
	KUNIT_EXPECT_LT(test, nth, 1000U);
	tenant_close(test, &t);
	all_given_back(test, mock);
}

static void residency_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct kunit_case residency_cases[] = {
	KUNIT_CASE_PARAM(twice_the_vram, mock_format_gen_params),
	KUNIT_CASE_PARAM(evicted_is_out_of_reach, mock_format_gen_params),
	KUNIT_CASE(held_stays),
	KUNIT_CASE(fixed_makes_room),
	KUNIT_CASE(held_for_a_moment),
	KUNIT_CASE_PARAM(unmap_evicted, mock_format_gen_params),
	KUNIT_CASE_PARAM(everybody_at_once, mock_format_gen_params),
	KUNIT_CASE(unplugged),
	KUNIT_CASE(bad_page),
	KUNIT_CASE(unmap_when_full),
	KUNIT_CASE(walk_ends),
	KUNIT_CASE(shares),
	KUNIT_CASE(codecs),
	KUNIT_CASE(fail_every_nth),
	{}
};

static struct kunit_suite residency_suite = {
	.name = "vgpu_mem_residency",
	.exit = residency_exit,
	.test_cases = residency_cases,
};

kunit_test_suite(residency_suite);
