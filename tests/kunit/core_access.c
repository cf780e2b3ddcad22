// SPDX-License-Identifier: GPL-2.0
/*
 * Rules of access: whom and when each is about, the list, its limit.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <kunit/test.h>
#include <vgpu/access.h>

#define H(hour, minute)		((hour) * 60 + (minute))
#define AT(day, hour, minute)	((day) * VGPU_DAY_MINUTES + H(hour, minute))

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

static const struct vgpu_access_rule anybody = {
	.allow = true, .days = VGPU_ACCESS_DAYS, .gpus = U64_MAX,
};

static void windows(struct kunit *test)
{
	static const struct {
		u8 days;
		u16 from, to;
		u32 minute;
		bool fits;
	} t[] = {
		{ VGPU_ACCESS_DAYS, 0, 0, AT(MON, 0, 0), true },
		{ VGPU_ACCESS_DAYS, H(5, 0), H(5, 0), AT(SUN, 23, 59), true },
		{ BIT(TUE), 0, 0, AT(TUE, 0, 0), true },
		{ BIT(TUE), 0, 0, AT(TUE, 23, 59), true },
		{ BIT(TUE), 0, 0, AT(WED, 0, 0), false },
		{ BIT(TUE), 0, 0, AT(MON, 23, 59), false },
		/* the first minute is in it, the last is not */
		{ BIT(WED), H(9, 0), H(17, 30), AT(WED, 8, 59), false },
		{ BIT(WED), H(9, 0), H(17, 30), AT(WED, 9, 0), true },
		{ BIT(WED), H(9, 0), H(17, 30), AT(WED, 17, 29), true },
		{ BIT(WED), H(9, 0), H(17, 30), AT(WED, 17, 30), false },
		{ BIT(WED), H(9, 0), H(17, 30), AT(THU, 9, 0), false },
		/* over midnight: it is the day's on which it began */
		{ BIT(FRI), H(22, 0), H(6, 0), AT(FRI, 21, 59), false },
		{ BIT(FRI), H(22, 0), H(6, 0), AT(FRI, 22, 0), true },
		{ BIT(FRI), H(22, 0), H(6, 0), AT(SAT, 5, 59), true },
		{ BIT(FRI), H(22, 0), H(6, 0), AT(SAT, 6, 0), false },
		{ BIT(FRI), H(22, 0), H(6, 0), AT(FRI, 3, 0), false },
		{ BIT(FRI), H(22, 0), H(6, 0), AT(SAT, 22, 0), false },
		/* over the end of the week */
		{ BIT(SUN), H(22, 0), H(6, 0), AT(SUN, 23, 59), true },
		{ BIT(SUN), H(22, 0), H(6, 0), AT(MON, 0, 0), true },
		{ BIT(SUN), H(22, 0), H(6, 0), AT(MON, 6, 0), false },
		{ BIT(SUN), H(22, 0), H(6, 0), AT(SUN, 0, 0), false },
		{ BIT(MON), H(0, 1), 0, AT(MON, 23, 59), true },
		{ BIT(MON), H(0, 1), 0, AT(MON, 0, 0), false },
		{ BIT(MON), H(0, 1), 0, AT(TUE, 0, 0), false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct vgpu_asker asker = {
			.cred = current_cred(), .minute = t[i].minute,
		};
		struct vgpu_access_rule rule = anybody;

		rule.days = t[i].days;
		rule.from = t[i].from;
		rule.to = t[i].to;
		KUNIT_EXPECT_EQ_MSG(test, vgpu_rule_fits(&rule, &asker),
				    t[i].fits, "case %u: minute %u", i,
				    t[i].minute);
	}
}

/* Groups as many as there can be do not hide one, at either end. */
static void subjects(struct kunit *test)
{
	struct vgpu_access_rule rule = anybody;
	struct group_info *groups = groups_alloc(NGROUPS_MAX);
	struct cred *cred = prepare_creds();
	struct vgpu_asker asker = { .cred = cred };
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, groups);
	KUNIT_ASSERT_NOT_NULL(test, cred);
	/* every second number from 1000 on */
	for (i = 0; i < NGROUPS_MAX; i++)
		groups->gid[i] = KGIDT_INIT(1000 + 2 * i);
	set_groups(cred, groups);
	put_group_info(groups);
	cred->fsuid = KUIDT_INIT(77);
	cred->uid = KUIDT_INIT(78);
	cred->fsgid = KGIDT_INIT(500);

	rule.who = VGPU_ACCESS_UID;
	rule.id = 77;
	KUNIT_EXPECT_TRUE(test, vgpu_rule_fits(&rule, &asker));
	rule.id = 78;
	KUNIT_EXPECT_FALSE(test, vgpu_rule_fits(&rule, &asker));

	rule.who = VGPU_ACCESS_GID;
	rule.id = 500;
	KUNIT_EXPECT_TRUE(test, vgpu_rule_fits(&rule, &asker));
	for (i = 0; i <= 2 * NGROUPS_MAX; i++) {
		rule.id = 999 + i;
		if (vgpu_rule_fits(&rule, &asker) != i % 2)
			break;
	}
	KUNIT_EXPECT_EQ_MSG(test, i, 2 * NGROUPS_MAX + 1, "group %llu", rule.id);

	/* no control group at all */
	rule.who = VGPU_ACCESS_CGROUP;
	rule.id = 1;
	KUNIT_EXPECT_FALSE(test, vgpu_rule_fits(&rule, &asker));
	put_cred(cred);
}

static void objects(struct kunit *test)
{
	struct vgpu_asker asker = { .cred = current_cred(), .gpu = 3 };
	struct vgpu_access_rule rule = anybody;

	uuid_gen(&asker.vgpu);
	KUNIT_EXPECT_TRUE(test, vgpu_rule_fits(&rule, &asker));
	rule.gpus = BIT_ULL(3);
	KUNIT_EXPECT_TRUE(test, vgpu_rule_fits(&rule, &asker));
	rule.gpus = ~BIT_ULL(3);
	KUNIT_EXPECT_FALSE(test, vgpu_rule_fits(&rule, &asker));
	/* those that have no bit belong to all, and to nothing less */
	asker.gpu = 64;
	KUNIT_EXPECT_FALSE(test, vgpu_rule_fits(&rule, &asker));
	rule.gpus = U64_MAX;
	KUNIT_EXPECT_TRUE(test, vgpu_rule_fits(&rule, &asker));
	uuid_gen(&rule.vgpu);
	KUNIT_EXPECT_FALSE(test, vgpu_rule_fits(&rule, &asker));
	rule.vgpu = asker.vgpu;
	KUNIT_EXPECT_TRUE(test, vgpu_rule_fits(&rule, &asker));
}

static void nonsense(struct kunit *test)
{
#define BAD(...)							\
	do {								\
		struct vgpu_access_rule rule = anybody;			\
		struct vgpu_access_rule *r = &rule;			\
									\
		__VA_ARGS__;						\
		KUNIT_EXPECT_EQ_MSG(test, vgpu_rule_check(r), -EINVAL,	\
				    "%s", #__VA_ARGS__);		\
	} while (0)

	KUNIT_EXPECT_EQ(test, vgpu_rule_check(&anybody), 0);
	BAD(r->who = VGPU_ACCESS_WHOS);
	BAD(r->id = 1);
	BAD(r->gpus = 0);
	BAD(r->days = 0);
	BAD(r->days = 0x80);
	BAD(r->from = VGPU_DAY_MINUTES);
	BAD(r->to = VGPU_DAY_MINUTES);
	BAD(r->who = VGPU_ACCESS_UID; r->id = U32_MAX);
	BAD(r->who = VGPU_ACCESS_GID; r->id = BIT_ULL(32));
	BAD(r->who = VGPU_ACCESS_CGROUP; r->id = 0);
#undef BAD
}

/* Which of 1 to 64 are there, by the users that they are about. */
static u64 users(struct kunit *test)
{
	struct vgpu_access_rule rule;
	u64 hits, found = 0;
	u32 at;

	for (at = 0; !vgpu_access_get(at, &rule, &hits); at++)
		found = found * 10 + rule.id;
	return found;
}

static void add(struct kunit *test, u32 at, u64 id, int want)
{
	struct vgpu_access_rule rule = anybody;
	u32 cut = 77;

	rule.who = VGPU_ACCESS_UID;
	rule.id = id;
	KUNIT_EXPECT_EQ_MSG(test, vgpu_access_add(at, &rule, false, &cut), want,
			    "%llu at %u", id, at);
	KUNIT_EXPECT_EQ(test, cut, want ? 77 : 0);
}

static void list(struct kunit *test)
{
	struct vgpu_access_rule rule = anybody;
	u32 i, cut;

	KUNIT_ASSERT_EQ(test, users(test), 0);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(0, false, &cut), -ENOENT);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(VGPU_ACCESS_END, false, &cut), 0);
	add(test, 1, 1, -ERANGE);
	add(test, VGPU_ACCESS_END, 2, 0);
	add(test, 0, 1, 0);
	add(test, 2, 4, 0);
	add(test, 2, 3, 0);
	KUNIT_EXPECT_EQ(test, users(test), 1234);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(4, false, &cut), -ENOENT);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(1, true, &cut), 0);
	KUNIT_EXPECT_EQ(test, vgpu_access_add(0, &rule, true, &cut), 0);
	KUNIT_EXPECT_EQ(test, users(test), 1234);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(1, false, &cut), 0);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(2, false, &cut), 0);
	KUNIT_EXPECT_EQ(test, users(test), 13);
	for (i = 2; i < VGPU_ACCESS_RULES; i++)
		KUNIT_EXPECT_EQ(test, vgpu_access_add(1, &rule, false, &cut), 0);
	add(test, 0, 5, -ENOSPC);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(63, false, &cut), 0);
	add(test, 63, 5, 0);
	KUNIT_EXPECT_EQ(test, vgpu_access_delete(VGPU_ACCESS_END, false, &cut), 0);
	KUNIT_EXPECT_EQ(test, users(test), 0);
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(windows),
	KUNIT_CASE(subjects),
	KUNIT_CASE(objects),
	KUNIT_CASE(nonsense),
	KUNIT_CASE(list),
	{}
};

static struct kunit_suite access_suite = {
	.name = "vgpu_core_access",
	.test_cases = access_cases,
};

kunit_test_suite(access_suite);
