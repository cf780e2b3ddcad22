// SPDX-License-Identifier: GPL-2.0
/*
 * Whose memory goes when VRAM is short: first what was lent, then by priority,
 * then what has been there longest.
 */
#include "mem_tenant.h"

MODULE_IMPORT_NS(VGPU);

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

static void within_its_share_it_stays(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant small, hog;
	u32 i;

	tenant_open_with_share(test, mock, &small, 1, 2 * MOCK_MIB, 3 * MOCK_MIB);
	tenant_open_with_share(test, mock, &hog, 2, 12 * MOCK_MIB, 3 * MOCK_MIB);
	/* used once, and not again: older than all that the hog has */
	use(test, mock, &small);
	/* whoever the hog is: priorities don't count beyond a share */
	vgpu_mem_set_priority(&hog.acct, 7);
	for (i = 0; i < 3; i++) {
		use(test, mock, &hog);
		KUNIT_EXPECT_EQ(test, tenant_in_vram(&small), small.bytes);
	}
	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_GT(test, st.evictions, 200ULL);
	/* it was lent what nobody else needed */
	KUNIT_EXPECT_GT(test, hog.acct.resident, hog.acct.share);
	tenant_close(test, &hog);
	tenant_close(test, &small);
	all_given_back(test, mock);
}

/* The other comes late, and gets back what was lent. */
static void the_share_comes_back(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant late, hog;

	tenant_open_with_share(test, mock, &hog, 1, 12 * MOCK_MIB, 3 * MOCK_MIB);
	use(test, mock, &hog);
	KUNIT_EXPECT_GT(test, hog.acct.resident, 6 * MOCK_MIB);
	tenant_open_with_share(test, mock, &late, 2, 3 * MOCK_MIB - 0x40000,
			       3 * MOCK_MIB);
	use(test, mock, &late);
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&late), late.bytes);
	use(test, mock, &hog);
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&late), late.bytes);
	tenant_close(test, &hog);
	tenant_close(test, &late);
	all_given_back(test, mock);
}

static void then_by_priority(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct tenant high, low, hog;

	/* all of them have more than they were promised */
	tenant_open_with_share(test, mock, &high, 1, MOCK_MIB, 0x20000);
	tenant_open_with_share(test, mock, &low, 2, MOCK_MIB, 0x20000);
	tenant_open_with_share(test, mock, &hog, 3, 12 * MOCK_MIB, 0x40000);
	vgpu_mem_set_priority(&high.acct, 5);
	use(test, mock, &high);
	use(test, mock, &low);
	use(test, mock, &hog);
	/* the oldest of the lowest priority went, down to its share */
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&high), high.bytes);
	KUNIT_EXPECT_LE(test, low.acct.resident + low.acct.fixed, 0x20000ULL);
	/* turned around: what is above the share of the other goes now */
	use(test, mock, &low);
	vgpu_mem_set_priority(&high.acct, 0);
	vgpu_mem_set_priority(&low.acct, 5);
	use(test, mock, &hog);
	KUNIT_EXPECT_EQ(test, tenant_in_vram(&low), low.bytes);
	KUNIT_EXPECT_LE(test, high.acct.resident + high.acct.fixed, 0x20000ULL);
	tenant_close(test, &hog);
	tenant_close(test, &low);
	tenant_close(test, &high);
	all_given_back(test, mock);
}

/* Who is within its share is not to blame, and nobody is who is alone. */
static void the_cause_waits(struct kunit *test)
{
	struct mem_mock *mock = paged_mock(test);
	struct vgpu_paging_stats st;
	struct tenant small, hog;
	u64 begun;
	u32 i;

	tenant_open_with_share(test, mock, &hog, 1, 12 * MOCK_MIB, 3 * MOCK_MIB);
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
	tenant_open_with_share(test, mock, &small, 2, 2 * MOCK_MIB, 3 * MOCK_MIB);
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
	all_given_back(test, mock);
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
