// SPDX-License-Identifier: GPL-2.0
/*
 * Whose memory goes when VRAM is short: first what was lent, then by priority,
 * then what has been there longest.
 */
#include "mem_mock.h"
#include "mem/residency.h"

MODULE_IMPORT_NS(VGPU);

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define BASE	0x40000000ULL
#define VRAM	(8 * MOCK_MIB)

struct tenant {
	struct vgpu_mem_account acct;
	struct vgpu_as *as;
	struct vgpu_bo *bo;
	u64 bytes;
};

static struct mem_mock *paged_mock(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, VRAM, mock_formats, NULL);

	KUNIT_ASSERT_EQ(test, vgpu_vram_enable_paging(mock->vram), 0);
	return mock;
}

static void tenant_open(struct kunit *test, struct mem_mock *mock,
			struct tenant *t, u32 asid, u64 bytes, u64 share)
{
	vgpu_mem_account_init(&t->acct, U64_MAX / 2);
	KUNIT_ASSERT_EQ(test, vgpu_mem_set_share(&t->acct, share), 0);
	t->bytes = bytes;
	t->as = vgpu_as_create(mock->vram, &t->acct, asid);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->as));
	t->bo = vgpu_bo_create(mock->vram, &t->acct, bytes, 0,
			       VGPU_BO_PAGEABLE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(t->bo));
	KUNIT_ASSERT_EQ(test, vgpu_as_map(t->as, t->bo, 0, BASE, bytes, RW), 0);
}

static void tenant_close(struct kunit *test, struct tenant *t)
{
	vgpu_as_destroy(t->as);
	vgpu_bo_put(t->bo);
	KUNIT_EXPECT_EQ(test, t->acct.used, 0ULL);
	KUNIT_EXPECT_EQ(test, t->acct.resident, 0ULL);
	KUNIT_EXPECT_EQ(test, t->acct.owner.bos, 0U);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->acct.owner.link));
}

/* As its engine would go over all of it. */
static void use(struct kunit *test, struct mem_mock *mock, struct tenant *t)
{
	struct mock_entry e;
	u64 at;

	for (at = 0; at < t->bytes; at += VGPU_CHUNK_BYTES) {
		if (!mem_mock_access(mock, t->as, BASE + at, RW, &e))
			continue;
		KUNIT_ASSERT_EQ(test, vgpu_as_fault_in(t->as, BASE + at, RW),
				0);
		KUNIT_ASSERT_EQ(test, mem_mock_access(mock, t->as, BASE + at,
						      RW, &e), 0);
	}
}

static u64 in_vram(struct tenant *t)
{
	u64 at, n = 0;

	for (at = 0; at < t->bytes; at += VGPU_CHUNK_BYTES)
		if (vgpu_bo_page(t->bo, at))
			n += VGPU_CHUNK_BYTES;
	return n;
}

static void within_its_share_it_stays(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant small, hog;
	u32 i;

	tenant_open(test, mock, &small, 1, 2 * MOCK_MIB, 3 * MOCK_MIB);
	tenant_open(test, mock, &hog, 2, 12 * MOCK_MIB, 3 * MOCK_MIB);
	/* used once, and not again: older than all that the hog has */
	use(test, mock, &small);
	/* whoever the hog is: priorities don't count beyond a share */
	vgpu_mem_set_priority(&hog.acct, 7);
	for (i = 0; i < 3; i++) {
		use(test, mock, &hog);
		KUNIT_EXPECT_EQ(test, in_vram(&small), small.bytes);
	}
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GT(test, st.evictions, 200ULL);
	/* it was lent what nobody else needed */
	KUNIT_EXPECT_GT(test, hog.acct.resident, hog.acct.share);
	tenant_close(test, &hog);
	tenant_close(test, &small);
	vgpu_vram_unplug(mock->vram);
	mem_mock_check(test, mock);
	mem_mock_destroy(mock);
	test->priv = NULL;
}

/* The other comes late, and gets back what was lent. */
static void the_share_comes_back(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant late, hog;

	tenant_open(test, mock, &hog, 1, 12 * MOCK_MIB, 3 * MOCK_MIB);
	use(test, mock, &hog);
	KUNIT_EXPECT_GT(test, hog.acct.resident, 6 * MOCK_MIB);
	tenant_open(test, mock, &late, 2, 3 * MOCK_MIB - 0x40000,
		    3 * MOCK_MIB);
	use(test, mock, &late);
	KUNIT_EXPECT_EQ(test, in_vram(&late), late.bytes);
	use(test, mock, &hog);
	KUNIT_EXPECT_EQ(test, in_vram(&late), late.bytes);
	tenant_close(test, &hog);
	tenant_close(test, &late);
	vgpu_vram_unplug(mock->vram);
	mem_mock_check(test, mock);
	mem_mock_destroy(mock);
	test->priv = NULL;
}

static void then_by_priority(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant high, low, hog;

	/* all of them have more than they were promised */
	tenant_open(test, mock, &high, 1, MOCK_MIB, 0x20000);
	tenant_open(test, mock, &low, 2, MOCK_MIB, 0x20000);
	tenant_open(test, mock, &hog, 3, 12 * MOCK_MIB, 0x40000);
	vgpu_mem_set_priority(&high.acct, 5);
	use(test, mock, &high);
	use(test, mock, &low);
	use(test, mock, &hog);
	/* the oldest of the lowest priority went, down to its share */
	KUNIT_EXPECT_EQ(test, in_vram(&high), high.bytes);
	KUNIT_EXPECT_LE(test, low.acct.resident + low.acct.fixed, 0x20000ULL);
	/* turned around: what is above the share of the other goes now */
	use(test, mock, &low);
	vgpu_mem_set_priority(&high.acct, 0);
	vgpu_mem_set_priority(&low.acct, 5);
	use(test, mock, &hog);
	KUNIT_EXPECT_EQ(test, in_vram(&low), low.bytes);
	KUNIT_EXPECT_LE(test, high.acct.resident + high.acct.fixed, 0x20000ULL);
	tenant_close(test, &hog);
	tenant_close(test, &low);
	tenant_close(test, &high);
	vgpu_vram_unplug(mock->vram);
	mem_mock_check(test, mock);
	mem_mock_destroy(mock);
	test->priv = NULL;
}

/* Who is within its share is not to blame, and nobody is who is alone. */
static void the_cause_waits(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant small, hog;
	u64 begun;
	u32 i;

	tenant_open(test, mock, &hog, 1, 12 * MOCK_MIB, 3 * MOCK_MIB);
	use(test, mock, &hog);
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.refaults, 0ULL);
	use(test, mock, &hog);
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GT(test, st.refaults, 100ULL);
	for (i = 0; i < 3; i++) {
		hog.acct.owner.thrash.level = 3;
		hog.acct.owner.thrash.window = ktime_get_ns();
		KUNIT_EXPECT_EQ(test, vgpu_mem_fault_delay(mock->vram,
							   &hog.acct, &begun),
				0ULL);
	}
	tenant_open(test, mock, &small, 2, 2 * MOCK_MIB, 3 * MOCK_MIB);
	memset(&hog.acct.owner.thrash, 0, sizeof(hog.acct.owner.thrash));
	for (i = 0; i < 2; i++) {
		use(test, mock, &small);
		use(test, mock, &hog);
	}
	KUNIT_EXPECT_GT(test, hog.acct.owner.thrash.blamed +
			      hog.acct.owner.thrash.level, 0U);
	KUNIT_EXPECT_EQ(test, small.acct.owner.thrash.blamed, 0U);
	KUNIT_EXPECT_EQ(test, small.acct.owner.thrash.level, 0U);
	hog.acct.owner.thrash.level = 6;
	hog.acct.owner.thrash.window = ktime_get_ns();
	vgpu_mem_fault_delay(mock->vram, &hog.acct, &begun);
	KUNIT_EXPECT_GT(test, vgpu_mem_fault_delay(mock->vram, &hog.acct,
						   &begun), 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_mem_fault_delay(mock->vram, &small.acct,
						   &begun), 0ULL);
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GE(test, st.throttled, 1ULL);
	KUNIT_EXPECT_GT(test, st.throttled_ns, 0ULL);
	tenant_close(test, &small);
	tenant_close(test, &hog);
	vgpu_vram_unplug(mock->vram);
	mem_mock_check(test, mock);
	mem_mock_destroy(mock);
	test->priv = NULL;
}

static void victims_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
}

static struct kunit_case victims_cases[] = {
	KUNIT_CASE(within_its_share_it_stays),
	KUNIT_CASE(the_share_comes_back),
	KUNIT_CASE(then_by_priority),
	KUNIT_CASE(the_cause_waits),
	{}
};

static struct kunit_suite victims_suite = {
	.name = "vgpu_mem_victims",
	.exit = victims_exit,
	.test_cases = victims_cases,
};

kunit_test_suite(victims_suite);
