// SPDX-License-Identifier: GPL-2.0
/*
 * Serialized mode: at no event are two owners on engines, nothing of one is in any engine
 * when the next comes, nobody starves, and each gets its share.  Engine time is the
 * test's; only when turns are looked at is the clock's.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/prandom.h>
#include <linux/workqueue.h>

#include "core/core_priv.h"
#include "core_mock.h"

#define TENANTS	5
#define ENGINES	2
#define CHUNK	200000	/* ns of engine time, an answer */

struct owner {
	struct core_tenant t;
	u32 queue[ENGINES];
	u32 weight;
	unsigned int group;	/* what they are one of; several may be */
	u64 service;
	bool sleeps;
};

struct scene {
	struct core_mock *mock;
	struct owner o[TENANTS];
	struct rnd_state rnd;
	u64 most;		/* service in a turn */
	u64 in_turn;
	unsigned int last;	/* group that ran last */
	unsigned int turns;
};

/* A fill whose pattern says whose it is. */
static void submit(struct kunit *test, struct scene *s, unsigned int i,
		   unsigned int engine)
{
	struct vgpu_cmd cmd = {
		.op = VGPU_CMD_FILL,
		.fill = { .dst = TENANT_VA, .bytes = 64, .pattern = i + 1 },
	};
	struct vgpu_submit arg = {
		.queue = s->o[i].queue[engine], .count = 1,
	};

	KUNIT_EXPECT_EQ(test, vgpu_client_call(s->o[i].t.client,
					       VGPU_CALL_SUBMIT, &arg, &cmd,
					       sizeof(cmd)), 0);
}

static void open_owner(struct kunit *test, struct scene *s, unsigned int i,
		       u32 weight)
{
	const struct vgpu_instance_set set = {
		.mask = VGPU_SET_WEIGHT, .weight = weight,
	};
	struct vgpu_ctx_create ctx = { .engine = 1 };
	struct vgpu_queue_create queue = {};
	struct owner *o = &s->o[i];

	core_tenant_open(test, s->mock, &o->t, 0);
	KUNIT_ASSERT_EQ(test, vgpu_instance_set(o->t.inst, &set, NULL), 0);
	o->weight = weight;
	o->group = i;
	o->queue[0] = o->t.queue;
	ctx.vm = o->t.vm;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(o->t.client,
					       VGPU_CALL_CTX_CREATE, &ctx,
					       NULL, 0), 0);
	queue.ctx = ctx.handle;
	KUNIT_ASSERT_EQ(test, vgpu_client_call(o->t.client,
					       VGPU_CALL_QUEUE_CREATE, &queue,
					       NULL, 0), 0);
	o->queue[1] = queue.handle;
}

static int set_serial(struct core_mock *mock, bool on)
{
	const struct vgpu_gpu_set set = {
		.mask = VGPU_GPU_SET_SERIALIZE, .serialize = on,
	};

	return vgpu_gpu_set(mock->gpu, &set, NULL);
}

/* Who runs on @engine, from 0; TENANTS: nobody. */
static unsigned int who(struct scene *s, unsigned int engine, bool *asked)
{
	struct vgpu_engine *e = &s->mock->gpu->whole.engines[engine];
	unsigned int i = TENANTS;

	spin_lock_irq(&e->lock);
	*asked = e->stopping;
	if (e->state == VGPU_ENGINE_RUNNING)
		for (i = 0; i < TENANTS; i++)
			if (e->entity->inst == s->o[i].t.inst)
				break;
	spin_unlock_irq(&e->lock);
	return i;
}

/* One look at all engines at once. */
static void check_alone(struct kunit *test, struct scene *s)
{
	struct vgpu_engine *e = s->mock->gpu->whole.engines;
	struct vgpu_instance *a, *b;
	unsigned int i, e0, owner[2] = { TENANTS, TENANTS };
	u64 state[2];

	spin_lock_irq(&e[0].lock);
	spin_lock_nested(&e[1].lock, SINGLE_DEPTH_NESTING);
	a = e[0].state == VGPU_ENGINE_RUNNING ? e[0].entity->inst : NULL;
	b = e[1].state == VGPU_ENGINE_RUNNING ? e[1].entity->inst : NULL;
	state[0] = s->mock->state;
	state[1] = s->mock->other[1].state;
	spin_unlock(&e[1].lock);
	spin_unlock_irq(&e[0].lock);
	for (i = 0; i < TENANTS; i++) {
		if (a == s->o[i].t.inst)
			owner[0] = s->o[i].group;
		if (b == s->o[i].t.inst)
			owner[1] = s->o[i].group;
	}
	if (a && b)
		KUNIT_EXPECT_EQ(test, owner[0], owner[1]);
	if (!a && !b)
		return;
	i = a ? owner[0] : owner[1];
	if (i == s->last)
		return;
	/* in engines is nothing but what is the new one's, whether they run or not */
	for (e0 = 0; e0 < ENGINES; e0++)
		KUNIT_EXPECT_TRUE_MSG(test, !state[e0] ||
				      s->o[state[e0] - 1].group == i,
				      "engine %u has what %llu left", e0,
				      state[e0] - 1);
	s->last = i;
	s->turns++;
	s->most = max(s->most, s->in_turn);
	s->in_turn = 0;
}

/* What runs on @engine stops if it was asked to, or ends, or goes on. */
static void answer(struct kunit *test, struct scene *s, unsigned int engine)
{
	bool asked;
	unsigned int i = who(s, engine, &asked);

	if (i >= TENANTS)
		return;
	if (!asked && prandom_u32_state(&s->rnd) % 4)
		return;
	s->o[i].service += CHUNK;
	s->in_turn += CHUNK;
	core_mock_answer_on(s->mock, engine,
			    asked ? VGPU_HW_PREEMPTED : VGPU_HW_DONE, CHUNK, 0);
	if (!asked && !s->o[i].sleeps)
		submit(test, s, i, engine);
	check_alone(test, s);
}

static void make_scene(struct kunit *test, struct scene *s, u32 seed)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->last = TENANTS;
	prandom_seed_state(&s->rnd, seed);
	s->mock = core_mock_create_units(test, ENGINES, 2, 1);
	KUNIT_ASSERT_EQ(test, core_mock_set(s->mock, "fair", VGPU_SLICE_MIN_NS,
					    60 * NSEC_PER_SEC), 0);
	for (i = 0; i < TENANTS; i++)
		open_owner(test, s, i, 100 << i % 3);
}

/* Whatever still runs ends, so that all can be closed. */
static int drain(void *arg)
{
	struct scene *s = arg;
	unsigned int e;
	bool asked;

	for (e = 0; e < ENGINES; e++)
		if (who(s, e, &asked) < TENANTS)
			core_mock_answer_on(s->mock, e, asked ?
					    VGPU_HW_PREEMPTED : VGPU_HW_DONE,
					    CHUNK, 0);
	return 0;
}

static void end_scene(struct kunit *test, struct scene *s)
{
	unsigned long end = jiffies + 60 * HZ;
	struct vgpu_queue_status st;
	unsigned int i;

	/* all that was accepted comes to its end */
	for (i = 0; i < TENANTS; i++) {
		do {
			drain(s);
			core_tenant_status(test, &s->o[i].t, &st);
			usleep_range(50, 100);
		} while (st.pending && time_before(jiffies, end));
		KUNIT_EXPECT_EQ(test, st.pending, 0U);
	}
	for (i = 0; i < 200; i++) {
		drain(s);
		usleep_range(50, 100);
	}
	for (i = 0; i < TENANTS; i++)
		core_tenant_close(test, &s->o[i].t);
	KUNIT_EXPECT_EQ(test, s->mock->wrong, 0U);
	core_mock_destroy(s->mock);
}

static struct scene *scene_alloc(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static void run(struct kunit *test, struct scene *s, unsigned int turns)
{
	unsigned long end = jiffies + 120 * HZ;

	turns += s->turns;
	while (s->turns < turns && time_before(jiffies, end)) {
		answer(test, s, prandom_u32_state(&s->rnd) % ENGINES);
		if (!(prandom_u32_state(&s->rnd) % 8))
			usleep_range(20, 60);
	}
	KUNIT_EXPECT_GE(test, s->turns, turns);
}

/* All want it all the time: one at a time, and each what its weight says. */
static void never_two(struct kunit *test)
{
	struct scene *s = scene_alloc(test);
	unsigned int i, e;
	u64 a, b;

	make_scene(test, s, 1);
	KUNIT_ASSERT_EQ(test, set_serial(s->mock, true), 0);
	for (i = 0; i < TENANTS; i++)
		for (e = 0; e < ENGINES; e++)
			submit(test, s, i, e);
	run(test, s, 200);
	s->most = max(s->most, s->in_turn);
	for (i = 0; i < TENANTS; i++) {
		s->o[i].sleeps = true;
		KUNIT_EXPECT_GT(test, s->o[i].service, 0ULL);
		/*
		 * What a turn cost is the service of its busier engine: between
		 * half of what was served, and all of it.  Beyond that, a turn.
		 */
		a = div_u64(s->o[i].service * 100, s->o[i].weight);
		b = div_u64(s->o[0].service * 100, s->o[0].weight);
		KUNIT_EXPECT_LE_MSG(test, a, 2 * b + 2 * s->most, "%u", i);
		KUNIT_EXPECT_LE_MSG(test, b, 2 * a + 2 * s->most, "%u", i);
	}
	KUNIT_EXPECT_GE(test, s->mock->gpu->serial.turns, 200ULL);
	end_scene(test, s);
}

/* Who comes and goes, is paused, or joins others, changes nothing of that. */
static void who_comes_and_goes(struct kunit *test)
{
	struct vgpu_instance_set set = {
		.mask = VGPU_SET_GROUP,
	};
	struct scene *s = scene_alloc(test);
	unsigned int i, e, round;

	make_scene(test, s, 2);
	KUNIT_ASSERT_EQ(test, set_serial(s->mock, true), 0);
	for (round = 0; round < 12; round++) {
		for (i = 0; i < TENANTS; i++) {
			s->o[i].sleeps = prandom_u32_state(&s->rnd) % 2 &&
					 i != round % TENANTS &&
					 i != (round + 1) % TENANTS;
			for (e = 0; e < ENGINES; e++)
				submit(test, s, i, e);
		}
		run(test, s, 5);
	}
	/* the first two are one owner from now on */
	for (i = 0; i < TENANTS; i++)
		s->o[i].sleeps = true;
	for (i = 0; i < 400; i++) {
		drain(s);
		usleep_range(50, 100);
	}
	set.group = "ours";
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, vgpu_instance_set(s->o[i].t.inst, &set,
							NULL), 0);
		s->o[i].group = 0;
	}
	for (i = 0; i < TENANTS; i++) {
		s->o[i].sleeps = false;
		s->o[i].service = 0;
		for (e = 0; e < ENGINES; e++)
			submit(test, s, i, e);
	}
	run(test, s, 60);
	for (i = 0; i < TENANTS; i++) {
		KUNIT_EXPECT_GT(test, s->o[i].service, 0ULL);
		s->o[i].sleeps = true;
	}
	end_scene(test, s);
}

/* One that is alone has it all, and one that comes need not wait for its end. */
static void alone_and_not(struct kunit *test)
{
	struct scene *s = scene_alloc(test);
	unsigned long end;
	bool asked;

	make_scene(test, s, 3);
	KUNIT_ASSERT_EQ(test, set_serial(s->mock, true), 0);
	submit(test, s, 0, 0);
	for (end = jiffies + 60 * HZ; who(s, 0, &asked) != 0 && time_before(jiffies, end);)
		usleep_range(50, 100);
	KUNIT_EXPECT_EQ(test, who(s, 0, &asked), 0U);
	msleep(20);
	KUNIT_EXPECT_EQ(test, who(s, 0, &asked), 0U);
	KUNIT_EXPECT_FALSE(test, asked);
	/* on the other engine, which is free, and may not be had */
	submit(test, s, 1, 1);
	KUNIT_EXPECT_EQ(test, who(s, 1, &asked), (unsigned int)TENANTS);
	for (end = jiffies + 60 * HZ; time_before(jiffies, end); usleep_range(50, 100)) {
		who(s, 0, &asked);
		if (asked)
			break;
		KUNIT_EXPECT_EQ(test, who(s, 1, &asked), (unsigned int)TENANTS);
	}
	core_mock_answer_on(s->mock, 0, VGPU_HW_PREEMPTED, CHUNK, 0);
	for (end = jiffies + 60 * HZ; who(s, 1, &asked) != 1 && time_before(jiffies, end);)
		usleep_range(50, 100);
	KUNIT_EXPECT_EQ(test, who(s, 1, &asked), 1U);
	KUNIT_EXPECT_EQ(test, who(s, 0, &asked), (unsigned int)TENANTS);
	KUNIT_EXPECT_EQ(test, s->mock->state, 0ULL);
	end_scene(test, s);
}

static void not_on_any_gpu(struct kunit *test)
{
	struct core_mock *mock = core_mock_create(test, 0);

	KUNIT_EXPECT_EQ(test, set_serial(mock, true), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, set_serial(mock, false), 0);
	core_mock_destroy(mock);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(never_two),
	KUNIT_CASE(who_comes_and_goes),
	KUNIT_CASE(alone_and_not),
	KUNIT_CASE(not_on_any_gpu),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_core_serial",
	.test_cases = cases,
};

kunit_test_suite(suite);
