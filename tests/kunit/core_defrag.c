// SPDX-License-Identifier: GPL-2.0
/*
 * When memory is moved: what may be set, who is refused, and that it ends with its
 * GPU. And what a governor makes of memory that is only kept for others.
 */
#include <linux/delay.h>
#include "core/core_priv.h"
#include "mem/mem_priv.h"
#include "core_mock.h"

static struct vgpu_gpu_info *info_of(struct kunit *test, struct core_mock *mock)
{
	struct vgpu_gpu_info *info = kunit_kzalloc(test, sizeof(*info),
						   GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, info);
	vgpu_gpu_get_info(mock->gpu, info);
	return info;
}

static void settings(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_mmu(test);
	struct vgpu_gpu_info *info = info_of(test, mock);
	u32 permille = 1001, s = VGPU_TIDY_INTERVAL_MAX + 1, was[2] = { };

	KUNIT_EXPECT_EQ(test, info->tidy.threshold, 300U);
	KUNIT_EXPECT_EQ(test, info->tidy.interval_s, 300U);
	KUNIT_EXPECT_TRUE(test, info->tidy.can);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&mock->gpu->tidy.work));
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, &permille, NULL,
						&was[0], &was[1]), -ERANGE);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, NULL, &s, &was[0],
						&was[1]), -ERANGE);
	permille = 1000;
	s = 0;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, &permille, &s,
						&was[0], &was[1]), 0);
	KUNIT_EXPECT_EQ(test, was[0], 300U);
	KUNIT_EXPECT_EQ(test, was[1], 300U);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&mock->gpu->tidy.work));
	s = VGPU_TIDY_INTERVAL_MAX;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, NULL, &s, &was[0],
						&was[1]), 0);
	KUNIT_EXPECT_EQ(test, was[0], 1000U);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&mock->gpu->tidy.work));
	/* and back, from where it was put */
	s = 7;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, NULL, &s, &was[0],
						&was[1]), 0);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, &was[0], &was[1],
						&was[0], &was[1]), 0);
	KUNIT_EXPECT_EQ(test, mock->gpu->tidy.interval_s,
			(u32)VGPU_TIDY_INTERVAL_MAX);
	KUNIT_EXPECT_EQ(test, was[1], 7U);
	core_mock_destroy(mock);

	/* one that can't go on after a fault */
	mock = core_mock_create(test, 0);
	info = info_of(test, mock);
	KUNIT_EXPECT_FALSE(test, info->tidy.can);
	KUNIT_EXPECT_EQ(test, info->tidy.interval_s, 0U);
	s = 1;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, NULL, &s, &was[0],
						&was[1]), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_tidy(mock->gpu), -EOPNOTSUPP);
	core_mock_destroy(mock);
}

static void by_command(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_mmu(test);
	struct vgpu_gpu_info *info;
	unsigned int i, run;

	for (run = 1; run <= 3; run++) {
		KUNIT_ASSERT_EQ(test, vgpu_gpu_tidy(mock->gpu), 0);
		for (i = 0; i < 500; i++) {
			info = info_of(test, mock);
			if (!info->tidy.asked && !info->tidy.stats.running)
				break;
			msleep(20);
		}
		KUNIT_EXPECT_FALSE(test, info->tidy.asked);
		KUNIT_EXPECT_EQ(test, info->tidy.stats.runs, (u64)run);
		KUNIT_EXPECT_EQ(test, info->tidy.own_runs, 0ULL);
	}
	/* the next look is as far away as ever; and the GPU goes */
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&mock->gpu->tidy.work));
	vgpu_gpu_tidy(mock->gpu);
	core_mock_destroy(mock);
}

/* Every other piece is in use, so that there is something to move. */
static void scatter(struct kunit *test, struct core_mock *mock,
		    struct vgpu_bo **bo, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		bo[i] = vgpu_bo_create(mock->gpu->whole.vram, NULL,
				       CORE_MOCK_BYTES / 32, 0, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(bo[i]));
	}
	for (i = 0; i < n; i += 2) {
		vgpu_bo_put(bo[i]);
		bo[i] = NULL;
	}
}

/* Who asks while memory is moved unasked is not refused, and has a run of his own. */
static void asked_meanwhile(struct kunit *test)
{
	struct core_mock *mock = core_mock_create_mmu(test);
	struct vgpu_vram *vram = mock->gpu->whole.vram;
	struct vgpu_gpu_info *info = info_of(test, mock);
	struct vgpu_bo *bo[16];
	u32 permille = 0, s = 1, was[2];
	unsigned int i;

	scatter(test, mock, bo, ARRAY_SIZE(bo));
	/* no step of it is made */
	mutex_lock(&vram->defrag.lock);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, &permille, &s,
						&was[0], &was[1]), 0);
	for (i = 0; i < 500 && !info->tidy.stats.running; i++) {
		msleep(20);
		vgpu_gpu_get_info(mock->gpu, info);
	}
	KUNIT_EXPECT_TRUE(test, info->tidy.stats.running);
	KUNIT_EXPECT_EQ(test, info->tidy.own_runs, 1ULL);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_tidy(mock->gpu), 0);
	KUNIT_EXPECT_EQ(test, vgpu_gpu_tidy(mock->gpu), -EBUSY);
	s = 0;
	KUNIT_EXPECT_EQ(test, vgpu_gpu_set_tidy(mock->gpu, NULL, &s, &was[0],
						&was[1]), 0);
	mutex_unlock(&vram->defrag.lock);
	for (i = 0; i < 500; i++) {
		vgpu_gpu_get_info(mock->gpu, info);
		if (!info->tidy.asked)
			break;
		msleep(20);
	}
	KUNIT_EXPECT_FALSE(test, info->tidy.asked);
	KUNIT_EXPECT_EQ(test, info->tidy.own_runs, 1ULL);
	KUNIT_EXPECT_EQ(test, info->tidy.stats.runs, 2ULL);
	KUNIT_EXPECT_GT(test, info->tidy.stats.moves, 0ULL);
	for (i = 1; i < ARRAY_SIZE(bo); i += 2)
		vgpu_bo_put(bo[i]);
	core_mock_destroy(mock);
}

/* Frames with nothing in them are no memory in use. */
static void governor_and_frames(struct kunit *test)
{
	const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_GOVERNOR, .governor = "auto",
	};
	struct core_mock *mock = core_mock_create_mmu(test);
	struct vgpu_gpu_info *info;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, vgpu_gpu_set_overcommit(mock->gpu, 2000, NULL),
			0);
	KUNIT_ASSERT_EQ(test, vgpu_gpu_set(mock->gpu, &set, NULL), 0);
	for (i = 0; i < 500 && !READ_ONCE(mock->gpu->governor.samples); i++)
		msleep(20);
	info = info_of(test, mock);
	KUNIT_EXPECT_GT(test, info->governor.samples, 0ULL);
	KUNIT_EXPECT_GT(test, info->paging.frames_free, 0ULL);
	KUNIT_EXPECT_EQ(test, info->vram.used,
			info->paging.frames_free << VGPU_CHUNK_SHIFT);
	KUNIT_EXPECT_EQ(test, info->governor.view.last.memory, 0U);
	core_mock_destroy(mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(settings),
	KUNIT_CASE(by_command),
	KUNIT_CASE(asked_meanwhile),
	KUNIT_CASE(governor_and_frames),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_defrag",
	.test_cases = cases,
};

kunit_test_suite(suite);
