// SPDX-License-Identifier: GPL-2.0
/*
 * Quotas at work: levels with their hysteresis, and the log of what was refused.
 * Times are made up.
 */
#include <linux/slab.h>
#include <vgpu/quota.h>
#include <kunit/test.h>

#define SEC	1000000000ULL

/* Each step of the way up and down, and what is told of it. */
static void levels_have_edges(struct kunit *test)
{
	static const struct {
		u64 used;
		enum vgpu_level level;
		bool told;
	} way[] = {
		{ 0, VGPU_LEVEL_NORMAL, false },
		{ 799, VGPU_LEVEL_NORMAL, false },
		{ 800, VGPU_LEVEL_WARNING, true },
		{ 799, VGPU_LEVEL_WARNING, false },
		{ 750, VGPU_LEVEL_WARNING, false },
		{ 800, VGPU_LEVEL_WARNING, false },
		{ 949, VGPU_LEVEL_WARNING, false },
		{ 950, VGPU_LEVEL_CRITICAL, true },
		{ 900, VGPU_LEVEL_CRITICAL, false },
		{ 1000, VGPU_LEVEL_CRITICAL, false },
		{ 899, VGPU_LEVEL_EASED, true },
		{ 949, VGPU_LEVEL_EASED, false },
		{ 950, VGPU_LEVEL_CRITICAL, true },
		{ 899, VGPU_LEVEL_EASED, true },
		{ 749, VGPU_LEVEL_NORMAL, false },
		{ 800, VGPU_LEVEL_WARNING, true },
		{ 749, VGPU_LEVEL_NORMAL, true },
		{ 1000, VGPU_LEVEL_CRITICAL, true },
		{ 0, VGPU_LEVEL_NORMAL, true },
	};
	enum vgpu_level level = VGPU_LEVEL_NORMAL, next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(way); i++) {
		next = vgpu_level_next(level, way[i].used, 1000);
		KUNIT_EXPECT_EQ_MSG(test, next, way[i].level, "step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vgpu_level_tells(level, next),
				    way[i].told, "step %u", i);
		level = next;
	}
}

/* Neither wraps, nor divides by nothing, nor rounds up. */
static void quotas_of_any_size(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(0, 0), 0);
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(U64_MAX, 0), 0);
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(U64_MAX, U64_MAX), 100);
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(U64_MAX - 1, U64_MAX), 99);
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(U64_MAX, 1), 100);
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(0, 1), 0);
	KUNIT_EXPECT_EQ(test, vgpu_quota_percent(2, 3), 66);
	/* no quota is never near */
	KUNIT_EXPECT_EQ(test, vgpu_level_next(VGPU_LEVEL_CRITICAL, 5, 0),
			VGPU_LEVEL_NORMAL);
	/* the quota was lowered below what is in use */
	KUNIT_EXPECT_EQ(test, vgpu_level_next(VGPU_LEVEL_NORMAL, 500, 100),
			VGPU_LEVEL_CRITICAL);
}

static bool add(struct vgpu_violations *log, u64 at, u32 resource, u32 action,
		u64 asked)
{
	const struct vgpu_violation v = {
		.time_ns = at, .resource = resource, .action = action,
		.asked = asked, .pid = (s32)asked,
	};

	return vgpu_violation_log(log, &v);
}

static void the_same_again_is_counted(struct kunit *test)
{
	struct vgpu_violations *log = kunit_kzalloc(test, sizeof(*log),
						    GFP_KERNEL);
	const struct vgpu_violation *v;
	u64 i;

	KUNIT_ASSERT_NOT_NULL(test, log);
	KUNIT_EXPECT_NULL(test, vgpu_violation_at(log, 0));
	KUNIT_EXPECT_TRUE(test, add(log, SEC, 0, 0, 7));
	for (i = 1; i <= 100000; i++)
		KUNIT_ASSERT_FALSE(test, add(log, SEC + i, 0, 0, 8));
	/* another resource, another action: each is news, once */
	KUNIT_EXPECT_TRUE(test, add(log, 2 * SEC, 1, 0, 9));
	KUNIT_EXPECT_TRUE(test, add(log, 2 * SEC, 0, 1, 9));
	KUNIT_EXPECT_FALSE(test, add(log, 3 * SEC, 1, 0, 9));
	/* counted from the first: who never stops is told of again and again */
	KUNIT_EXPECT_FALSE(test, add(log, SEC + VGPU_VIOLATION_NS - 1, 0, 0, 9));
	KUNIT_EXPECT_TRUE(test, add(log, SEC + VGPU_VIOLATION_NS, 0, 0, 10));
	KUNIT_EXPECT_FALSE(test, add(log, SEC + VGPU_VIOLATION_NS, 0, 0, 10));

	v = vgpu_violation_at(log, 0);
	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_EXPECT_EQ(test, v->seq, 1);
	KUNIT_EXPECT_EQ(test, v->count, 100002);
	KUNIT_EXPECT_EQ(test, v->asked, 7);
	KUNIT_EXPECT_EQ(test, v->time_ns, SEC);
	KUNIT_EXPECT_EQ(test, v->last_ns, SEC + VGPU_VIOLATION_NS - 1);
	v = vgpu_violation_at(log, 4);
	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_EXPECT_EQ(test, v->asked, 10);
	KUNIT_EXPECT_EQ(test, v->count, 2);
	KUNIT_EXPECT_NULL(test, vgpu_violation_at(log, 5));
	KUNIT_EXPECT_EQ(test, log->total, 100007);
	KUNIT_EXPECT_EQ(test, log->lost, 0);
}

/* As many as can be, for ever: the newest stay, in order, the rest is counted. */
static void the_log_is_bounded(struct kunit *test)
{
	struct vgpu_violations *log = kunit_kzalloc(test, sizeof(*log),
						    GFP_KERNEL);
	u64 i, n = 0, rounds = 5 * VGPU_VIOLATIONS + 3;
	const struct vgpu_violation *v;

	KUNIT_ASSERT_NOT_NULL(test, log);
	for (i = 1; i <= rounds; i++)
		KUNIT_ASSERT_TRUE(test, add(log, i * VGPU_VIOLATION_NS,
					    i % VGPU_RESOURCES, 0, i));
	KUNIT_EXPECT_EQ(test, log->lost, rounds - VGPU_VIOLATIONS);
	KUNIT_EXPECT_EQ(test, log->total, rounds);
	for (i = 0; (v = vgpu_violation_at(log, i)); i = v->seq + 1) {
		n++;
		KUNIT_EXPECT_EQ(test, v->seq, rounds - VGPU_VIOLATIONS + n);
		KUNIT_EXPECT_EQ(test, v->asked, v->seq);
	}
	KUNIT_EXPECT_EQ(test, n, VGPU_VIOLATIONS);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(levels_have_edges),
	KUNIT_CASE(quotas_of_any_size),
	KUNIT_CASE(the_same_again_is_counted),
	KUNIT_CASE(the_log_is_bounded),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_quota",
	.test_cases = cases,
};

kunit_test_suite(suite);
