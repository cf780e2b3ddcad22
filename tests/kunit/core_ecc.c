// SPDX-License-Identifier: GPL-2.0
/*
 * Pages go bad: free ones, ones in use, more at once than can wait. Whoever
 * has one is told, and nobody gets one again.
 */
#include <linux/delay.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define SEEN	(2 * VGPU_ECC_PENDING)

/* What a face was told; one test at a time. */
static struct {
	spinlock_t lock;	/* what follows */
	u32 gpu;
	unsigned int count;
	struct {
		u64 addr;
		u32 instance;
	} event[SEEN];
} told;

static void note(const struct vgpu_event *ev)
{
	spin_lock(&told.lock);
	if (ev->type == VGPU_EVENT_ECC && ev->gpu == told.gpu &&
	    told.count < SEEN) {
		told.event[told.count].addr = ev->value;
		told.event[told.count].instance = ev->instance;
		told.count++;
	}
	spin_unlock(&told.lock);
}

static struct vgpu_face ear = {
	.name = "ear",
	.owner = THIS_MODULE,
	.event = note,
};

static void goes_bad(struct core_mock *mock, u64 addr)
{
	struct vgpu_hw_event ev = { .type = VGPU_HW_ECC, .page = addr };
	unsigned long flags;

	/* as from an interrupt */
	local_irq_save(flags);
	vgpu_gpu_event(mock->gpu, &ev);
	local_irq_restore(flags);
}

static unsigned int wait_for(unsigned int count)
{
	unsigned int i, now = 0;

	for (i = 0; i < 500; i++) {
		spin_lock(&told.lock);
		now = told.count;
		spin_unlock(&told.lock);
		if (now >= count)
			break;
		msleep(20);
	}
	return now;
}

static struct core_mock *listening(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);

	spin_lock_init(&told.lock);
	told.count = 0;
	told.gpu = vgpu_gpu_index(mock->gpu);
	KUNIT_ASSERT_EQ(test, vgpu_face_register(&ear), 0);
	return mock;
}

static u64 retired(struct core_mock *mock)
{
	struct vgpu_vram_stats st;

	vgpu_vram_get_stats(mock->gpu->whole.vram, &st);
	return st.retired;
}

/* A page whose block is being scrubbed goes when that is done. */
static u64 retired_in_time(struct core_mock *mock, u64 bytes)
{
	unsigned int i;

	for (i = 0; i < 500 && retired(mock) < bytes; i++)
		msleep(20);
	return retired(mock);
}

static bool is_used(struct vgpu_vram *vram, u64 addr)
{
	return vgpu_vram_owner_at(vram, addr, NULL, NULL);
}

static void the_owner_is_told(struct kunit *test)
{
	struct core_mock *mock = listening(test);
	struct vgpu_vram *vram = mock->gpu->whole.vram;
	struct core_tenant t;
	struct vgpu_bo *bo;
	u64 used, free;
	u32 id;

	core_tenant_open(test, mock, &t, 0);
	id = t.inst->id;
	for (used = 0; used < CORE_MOCK_BYTES; used += 4096)
		if (is_used(vram, used))
			break;
	KUNIT_ASSERT_LT(test, used, (u64)CORE_MOCK_BYTES);
	for (free = CORE_MOCK_BYTES - 4096; free; free -= 4096)
		if (!is_used(vram, free))
			break;

	goes_bad(mock, used + 0x123);
	KUNIT_ASSERT_EQ(test, wait_for(1), 1U);
	KUNIT_EXPECT_EQ(test, told.event[0].instance, id);
	KUNIT_EXPECT_EQ(test, told.event[0].addr, used + 0x123);
	/* it is his until he lets go */
	KUNIT_EXPECT_EQ(test, retired(mock), 0ULL);
	goes_bad(mock, free);
	KUNIT_ASSERT_EQ(test, wait_for(2), 2U);
	KUNIT_EXPECT_EQ(test, told.event[1].instance, U32_MAX);
	KUNIT_EXPECT_EQ(test, retired_in_time(mock, 4096), 4096ULL);
	/* outside of VRAM: a backend that errs; nobody is told */
	goes_bad(mock, CORE_MOCK_BYTES);
	goes_bad(mock, U64_MAX);

	core_tenant_close(test, &t);
	vgpu_vram_trim(vram);
	KUNIT_EXPECT_EQ(test, retired(mock), 8192ULL);
	flush_work(&mock->gpu->ecc_work);
	KUNIT_EXPECT_EQ(test, wait_for(2), 2U);

	/* all that is left goes to one, and neither page is in it */
	bo = vgpu_bo_create(vram, NULL, CORE_MOCK_BYTES - 8192, 0, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_EXPECT_FALSE(test, is_used(vram, used));
	KUNIT_EXPECT_FALSE(test, is_used(vram, free));
	KUNIT_EXPECT_PTR_EQ(test, vgpu_bo_create(vram, NULL, 4096, 0, 0),
			    ERR_PTR(-ENOSPC));
	vgpu_bo_put(bo);
	vgpu_face_unregister(&ear);
	core_mock_destroy(mock);
}

/* A storm: what does not fit is lost with a message, nothing else is. */
static void more_than_can_wait(struct kunit *test)
{
	struct core_mock *mock = listening(test);
	unsigned long flags;
	unsigned int i, n;

	local_irq_save(flags);
	for (i = 0; i < 4 * VGPU_ECC_PENDING; i++)
		goes_bad(mock, i * 4096ULL);
	local_irq_restore(flags);
	flush_work(&mock->gpu->ecc_work);
	n = wait_for(VGPU_ECC_PENDING);
	KUNIT_EXPECT_GE(test, n, (unsigned int)VGPU_ECC_PENDING);
	KUNIT_EXPECT_GE(test, retired_in_time(mock, VGPU_ECC_PENDING * 4096ULL),
			VGPU_ECC_PENDING * 4096ULL);
	/* and it works still, also for one that is bad already */
	i = n;
	goes_bad(mock, 4096ULL * 5 * VGPU_ECC_PENDING);
	goes_bad(mock, 4096ULL * 5 * VGPU_ECC_PENDING);
	KUNIT_EXPECT_GE(test, wait_for(min(i + 1, (unsigned int)SEEN)),
			min(i + 1, (unsigned int)SEEN));
	vgpu_face_unregister(&ear);
	core_mock_destroy(mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(the_owner_is_told),
	KUNIT_CASE(more_than_can_wait),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_pages_go_bad",
	.test_cases = cases,
};

kunit_test_suite(suite);
