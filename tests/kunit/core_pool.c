// SPDX-License-Identifier: GPL-2.0
/*
 * The pool and the life cycle: what is promised to instances never exceeds
 * what there is, each illegal move is refused with nothing half done, and a
 * description that contradicts itself is not registered.
 */
#include <linux/random.h>
#include <linux/sizes.h>
#include "core/core_priv.h"
#include "core_mock.h"

#define MOVES	(VGPU_HW_UNITS | VGPU_HW_PREEMPT | VGPU_HW_SAVE)

static void types_and_what_is_left_agree(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);
	struct vgpu_instance *made[8] = { };
	const struct vgpu_type *types;
	unsigned int count, n = 0, i;

	types = vgpu_gpu_types(mock->gpu, &count);
	KUNIT_ASSERT_EQ(test, count, 4);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(test, vgpu_type_available(mock->gpu, &types[i]),
				8 >> i);
	for (;;) {
		struct vgpu_instance_params params = {
			.type = types[n % 2].name,
		};
		unsigned int left = vgpu_type_available(mock->gpu,
							&types[n % 2]);
		struct vgpu_instance *inst;

		inst = vgpu_instance_create(mock->gpu, &params);
		if (!left) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(inst), -ENOSPC);
			break;
		}
		KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
		made[n++] = inst;
		KUNIT_ASSERT_LE(test, n, 8);
	}
	while (n) {
		KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(made[--n]), 0);
		vgpu_instance_put(made[n]);
	}
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(test, vgpu_type_available(mock->gpu, &types[i]),
				8 >> i);
	core_mock_destroy(mock);
}

static void refused_creations_take_nothing(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);
	struct vgpu_instance_params good = { .type = "1g.1m" }, bad;
	const struct vgpu_type *types;
	struct vgpu_instance *inst, *twin;
	unsigned int count, before;

	types = vgpu_gpu_types(mock->gpu, &count);
	uuid_gen(&good.uuid);
	inst = vgpu_instance_create(mock->gpu, &good);
	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	before = vgpu_type_available(mock->gpu, &types[0]);

	twin = vgpu_instance_create(mock->gpu, &good);
	KUNIT_EXPECT_EQ(test, PTR_ERR(twin), -EEXIST);
	bad = (struct vgpu_instance_params) { .type = "9g.9m" };
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_instance_create(mock->gpu, &bad)),
			-ENOENT);
	bad = (struct vgpu_instance_params) {
		.type = "1g.1m", .weight = VGPU_WEIGHT_MAX + 1,
	};
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_instance_create(mock->gpu, &bad)),
			-ERANGE);
	bad = (struct vgpu_instance_params) {
		.type = "1g.1m", .priority = VGPU_PRIORITY_MAX + 1,
	};
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_instance_create(mock->gpu, &bad)),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, vgpu_type_available(mock->gpu, &types[0]), before);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(inst), 0);
	KUNIT_EXPECT_LT(test, vgpu_instance_destroy(inst), 0);
	vgpu_instance_put(inst);
	core_mock_destroy(mock);
}

/* Each verb from each state, against the picture in face.h. */
static void every_move_from_every_state(struct kunit *test)
{
	static const int to[4][5] = {
		/* from:              start pause resume stop */
		[VGPU_STATE_CREATED] = { 0, VGPU_STATE_RUNNING, -1, -1, -1 },
		[VGPU_STATE_RUNNING] = { 0, -1, VGPU_STATE_PAUSED, -1,
					 VGPU_STATE_STOPPED },
		[VGPU_STATE_PAUSED] = { 0, -1, -1, VGPU_STATE_RUNNING,
					VGPU_STATE_STOPPED },
		[VGPU_STATE_STOPPED] = { 0, VGPU_STATE_RUNNING, -1, -1, -1 },
	};
	static const u32 reach[4][3] = {
		[VGPU_STATE_CREATED] = { },
		[VGPU_STATE_RUNNING] = { VGPU_VERB_START },
		[VGPU_STATE_PAUSED] = { VGPU_VERB_START, VGPU_VERB_PAUSE },
		[VGPU_STATE_STOPPED] = { VGPU_VERB_START, VGPU_VERB_STOP },
	};
	struct core_mock *mock = core_mock_create(test, 0);
	struct vgpu_instance_info *info;
	u32 from, verb, i;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	for (from = 0; from < 4; from++) {
		for (verb = 0; verb <= 5; verb++) {
			struct vgpu_instance_params params = { .type = "1g.1m" };
			struct vgpu_instance *inst;
			bool known = verb >= 1 && verb <= 4;
			int want, ret;

			inst = vgpu_instance_create(mock->gpu, &params);
			KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
			for (i = 0; i < 3 && reach[from][i]; i++)
				vgpu_instance_verb(inst, reach[from][i]);
			ret = vgpu_instance_verb(inst, verb);
			want = known ? to[from][verb] : -1;
			vgpu_instance_get_info(inst, info);
			KUNIT_EXPECT_EQ_MSG(test, ret, !known ? -EINVAL :
					    want < 0 ? -EBUSY : 0,
					    "verb %u from %u", verb, from);
			KUNIT_EXPECT_EQ_MSG(test, info->state,
					    want < 0 ? from : (u32)want,
					    "verb %u from %u", verb, from);
			KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(inst), 0);
			vgpu_instance_put(inst);
		}
	}
	core_mock_destroy(mock);
}

static void quotas_change_all_or_not_at_all(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);
	struct vgpu_instance_params params = { .type = "1g.1m" };
	struct vgpu_instance_set set = {
		.mask = VGPU_SET_WEIGHT | VGPU_SET_VRAM,
		.weight = 700, .vram_bytes = 3 * SZ_1M,
	};
	struct vgpu_instance_info *info;
	struct vgpu_instance *inst;

	info = kunit_kzalloc(test, sizeof(*info), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, info);
	inst = vgpu_instance_create(mock->gpu, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(inst));
	/* over the aperture */
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(inst, &set, NULL), -ERANGE);
	vgpu_instance_get_info(inst, info);
	KUNIT_EXPECT_EQ(test, info->weight, 100);
	set.vram_bytes = 2 * SZ_1M;
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(inst, &set, NULL), 0);
	vgpu_instance_get_info(inst, info);
	KUNIT_EXPECT_EQ(test, info->weight, 700);
	KUNIT_EXPECT_EQ(test, info->vram_limit, 2 * SZ_1M);
	set.weight = 0;
	set.vram_bytes = SZ_1M;
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(inst, &set, NULL), -ERANGE);
	vgpu_instance_get_info(inst, info);
	KUNIT_EXPECT_EQ(test, info->vram_limit, 2 * SZ_1M);
	set.mask = BIT(31);
	KUNIT_EXPECT_EQ(test, vgpu_instance_set(inst, &set, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vgpu_instance_destroy(inst), 0);
	vgpu_instance_put(inst);
	core_mock_destroy(mock);
}

static void descriptions_that_contradict_themselves(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);
	static const struct {
		u64 caps;
		u64 vram;
		unsigned int engines, units, asids, spare;
	} bad[] = {
		{ 0, SZ_1M, 1, 1, 2 },			/* not 2 MiB */
		{ 0, SZ_2M, 0, 1, 2 },
		{ 0, SZ_2M, VGPU_MAX_ENGINES + 1, 1, 2 },
		{ 0, SZ_2M, 1, 0, 2 },
		{ 0, SZ_2M, 1, 1, 1 },
		{ VGPU_HW_PREEMPT, SZ_2M, 1, 1, 2 },	/* without SAVE */
		{ VGPU_HW_MMU, SZ_2M, 1, 1, 2 },	/* without a format */
		{ VGPU_HW_LAUNCH, SZ_2M, 1, 1, 2 },	/* without MMU */
		{ 0, SZ_2M, 1, 4, 2, 1 },		/* without UNITS */
		{ VGPU_HW_UNITS, SZ_2M, 1, 4, 2, 1 },	/* without PREEMPT */
		{ MOVES, SZ_2M, 1, 4, 2, 0 },		/* none spare */
		{ MOVES, SZ_2M, 1, 65, 2, 1 },
		{ MOVES, SZ_2M, 5, 4, 2, 4 },
		{ MOVES, SZ_2M, 1, 4, 2, 1 },		/* without set_units() */
	};
	struct vgpu_hw_desc desc = mock->desc;
	unsigned int i;

	desc.name = "contradiction";
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		desc.caps = bad[i].caps;
		desc.vram_bytes = bad[i].vram;
		desc.engines = bad[i].engines;
		desc.units = bad[i].units;
		desc.asids = bad[i].asids;
		desc.spare_engines = bad[i].spare;
		KUNIT_EXPECT_EQ_MSG(test,
				    PTR_ERR(vgpu_gpu_register(mock->dev, &desc,
							      &mock->ops, mock,
							      THIS_MODULE)),
				    -EINVAL, "description %u", i);
	}
	/* one that is fine, but its name is taken */
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_gpu_register(mock->dev, &mock->desc,
							&mock->ops, mock,
							THIS_MODULE)), -EEXIST);
	core_mock_destroy(mock);
}

static void percentiles_are_within_an_eighth(struct kunit *test)
{
	struct rnd_state rnd;
	struct vgpu_hist *h;
	u32 seed = 1, i;

	h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < 1000; i++) {
		u64 ns = 256 + (((u64)prandom_u32_state(&rnd) << 7) >>
				(prandom_u32_state(&rnd) % 24));
		u64 got;

		memset(h, 0, sizeof(*h));
		vgpu_hist_add(h, ns);
		got = vgpu_hist_percentile(h, 500);
		KUNIT_EXPECT_GE_MSG(test, got, ns, "seed %u, %u", seed, i);
		KUNIT_EXPECT_LE_MSG(test, got - ns, ns / 8 + 1,
				    "seed %u, %u", seed, i);
	}
	memset(h, 0, sizeof(*h));
	KUNIT_EXPECT_EQ(test, vgpu_hist_percentile(h, 990), 0);
	for (i = 0; i < 99; i++)
		vgpu_hist_add(h, 1000);
	vgpu_hist_add(h, 1000 * 1000);
	KUNIT_EXPECT_LT(test, vgpu_hist_percentile(h, 990), 1200);
	KUNIT_EXPECT_GE(test, vgpu_hist_percentile(h, 1000), 1000 * 1000);
	vgpu_hist_add(h, U64_MAX);	/* the last bucket takes it */
	KUNIT_EXPECT_GT(test, vgpu_hist_percentile(h, 1000), 1000 * 1000);
}

static struct kunit_case core_pool_cases[] = {
	KUNIT_CASE(types_and_what_is_left_agree),
	KUNIT_CASE(refused_creations_take_nothing),
	KUNIT_CASE(every_move_from_every_state),
	KUNIT_CASE(quotas_change_all_or_not_at_all),
	KUNIT_CASE(descriptions_that_contradict_themselves),
	KUNIT_CASE(percentiles_are_within_an_eighth),
	{}
};

static struct kunit_suite core_pool_suite = {
	.name = "vgpu_core_pool",
	.test_cases = core_pool_cases,
};

kunit_test_suite(core_pool_suite);
