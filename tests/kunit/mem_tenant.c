// SPDX-License-Identifier: GPL-2.0
/* The tenants of mem_tenant.h. */
#include "mem_tenant.h"

struct mem_mock *paged_mock(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, VRAM, test->param_value ?:
						mock_formats, NULL);

	KUNIT_ASSERT_EQ(test, vgpu_vram_enable_paging(mock->vram), 0);
	/* once is enough */
	KUNIT_ASSERT_EQ(test, vgpu_vram_enable_paging(mock->vram), 0);
	/* nobody but the test works on chunks */
	vgpu_vram_set_tier_limit(mock->vram, 0);
	return mock;
}

void all_given_back(struct kunit *test, struct mem_mock *mock)
{
	struct vgpu_paging_stats st;

	vgpu_vram_get_paging(mock->vram, &st);
	KUNIT_EXPECT_EQ(test, st.resident, 0ULL);
	KUNIT_EXPECT_EQ(test, st.evicted, 0ULL);
	KUNIT_EXPECT_EQ(test, st.stored, 0ULL);
	KUNIT_EXPECT_EQ(test, st.same, 0ULL);
	KUNIT_EXPECT_EQ(test, st.plain, 0ULL);
	KUNIT_EXPECT_EQ(test, st.packed, 0ULL);
	KUNIT_EXPECT_EQ(test, st.system, 0ULL);
	KUNIT_EXPECT_EQ(test, st.cold, 0ULL);
	KUNIT_EXPECT_EQ(test, st.frames, st.frames_free);
	KUNIT_EXPECT_LE(test, st.ahead_used + st.ahead_wasted, st.ahead);
	/* frames go back to VRAM with the GPU */
	vgpu_vram_unplug(mock->vram);
	mem_mock_check(test, mock);
	mem_mock_destroy(mock);
	test->priv = NULL;
}

void tenant_open_with_share(struct kunit *test, struct mem_mock *mock,
			    struct tenant *t, u32 asid, u64 bytes, u64 share)
{
	memset(t, 0, sizeof(*t));
	t->mock = mock;
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

void tenant_close(struct kunit *test, struct tenant *t)
{
	vgpu_as_destroy(t->as);
	vgpu_bo_put(t->bo);
	KUNIT_EXPECT_EQ(test, t->acct.used, 0ULL);
	KUNIT_EXPECT_EQ(test, t->acct.fixed, 0ULL);
	KUNIT_EXPECT_EQ(test, t->acct.resident, 0ULL);
	KUNIT_EXPECT_EQ(test, t->acct.owner.bos, 0U);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->acct.owner.link));
}

u64 tenant_in_vram(struct tenant *t)
{
	u64 at, n = 0;

	for (at = 0; at < t->bytes; at += VGPU_CHUNK_BYTES)
		if (vgpu_bo_page(t->bo, at))
			n += VGPU_CHUNK_BYTES;
	return n;
}

u64 *tenant_touch(struct mem_mock *mock, struct vgpu_as *as, u64 va)
{
	unsigned int tries;
	struct mock_entry e;

	for (tries = 0; tries < 20; tries++) {
		if (!mem_mock_access(mock, as, va, RW, &e))
			return (u64 *)(mock->mem + e.addr +
				       (va & (vgpu_vram_unit(mock->vram) - 1)));
		if (vgpu_as_fault_in(as, va, RW))
			return NULL;
	}
	return NULL;
}

static u64 pattern(u32 who, u64 at)
{
	/* pages of every kind: zeros, one word, packable, noise */
	switch ((at >> 12) % 4) {
	case 0:
		return 0;
	case 1:
		return who * 0x0101010101010101ULL;
	case 2:
		return ((u64)who << 56) | (at & 0x78);
	}
	return (at + who) * 0x9e3779b97f4a7c15ULL ^ (at << 23);
}

bool tenant_page_is(struct mem_mock *mock, struct tenant *t, u32 who, u64 at)
{
	u64 *p = tenant_touch(mock, t->as, BASE + at);
	unsigned int i;

	if (!p)
		return false;
	for (i = 0; i < 512; i++)
		if (p[i] != (who ? pattern(who, at + 8 * i) : 0))
			return false;
	return true;
}

bool tenant_page_write(struct mem_mock *mock, struct tenant *t, u32 who, u64 at)
{
	u64 *p = tenant_touch(mock, t->as, BASE + at);
	unsigned int i;

	for (i = 0; p && i < 512; i++)
		p[i] = pattern(who, at + 8 * i);
	return p;
}
