// SPDX-License-Identifier: GPL-2.0
/* Policies that misbehave: rr with one bug each, and tables that are refused. */
#include <linux/kernel.h>
#include <linux/string.h>

#include "sched_sim.h"

static u64 ran(const struct vsim_ent *ent)
{
	return ent->se.stats.run_ns;
}

struct bad_queue {
	u64 last;
	u64 first;
};

static void bad_enqueue(void *queue, const struct vgpu_rq *rq,
			void *entity, const struct vgpu_se *se, u64 now)
{
	struct bad_queue *q = queue;

	if (!q->first)
		q->first = se->nr;
	q->last = se->nr;
}

static void bad_move(void *queue, const struct vgpu_rq *rq,
		     void *entity, const struct vgpu_se *se, u64 now)
{
}

static void bad_stop(void *queue, const struct vgpu_rq *rq,
		     void *entity, const struct vgpu_se *se, u64 now,
		     bool midway)
{
}

static u64 pick_stranger(void *queue, const struct vgpu_rq *rq, u64 now,
			 u64 *slice_ns)
{
	return 123456789;
}

static u64 pick_nobody(void *queue, const struct vgpu_rq *rq, u64 now,
		       u64 *slice_ns)
{
	return 0;
}

/* Goes on naming who is asleep. */
static u64 pick_last(void *queue, const struct vgpu_rq *rq, u64 now,
		     u64 *slice_ns)
{
	struct bad_queue *q = queue;

	return q->last;
}

static u64 pick_favourite(void *queue, const struct vgpu_rq *rq, u64 now,
			  u64 *slice_ns)
{
	struct bad_queue *q = queue;

	*slice_ns = VSIM_NEVER;
	return q->first;
}

static u64 hold_past(void *queue, const struct vgpu_rq *rq, u64 now)
{
	return now;
}

#define BAD(title, size, pick_fn)					\
	.name = (title), .queue_size = (size),				\
	.enqueue = bad_enqueue, .dequeue = bad_move, .pick = (pick_fn),	\
	.start = bad_move, .stop = bad_stop

#define SIZE	sizeof(struct bad_queue)

static const struct vgpu_policy bad_policies[] = {
	{ BAD("bad", SIZE, pick_stranger) },
	{ BAD("bad", SIZE, pick_nobody) },
	{ BAD("bad", SIZE, pick_last) },
	{ BAD("bad", SIZE, pick_favourite) },
	{
		BAD("bad", SIZE, pick_nobody),
		.flags = VGPU_POLICY_HOLDS, .hold = hold_past,
	},
};

static void bad_policies_go(struct vsim *sim)
{
	const struct vsim_load hog = { .kind = VSIM_HOG, .cost_ns = VSIM_S };
	const struct vsim_load jobs = {
		.kind = VSIM_CLOSED, .cost_ns = VSIM_MS,
		.gap_ns = 10 * VSIM_MS,
	};
	unsigned int i;
	u64 before;

	for (i = 0; i < 3; i++)
		vsim_spawn(sim, &hog);
	vsim_spawn(sim, &jobs);
	for (i = 0; i < ARRAY_SIZE(bad_policies); i++) {
		vgpu_rq_set_policy(&sim->rq, &bad_policies[i], sim->now);
		vsim_run(sim, sim->now + VSIM_S);
		/* to starve somebody takes its time */
		vsim_expect(sim, bad_policies[i].pick == pick_favourite ||
			    sim->rq.ejections == i + 1, "policy %u: too late", i);
		vsim_run(sim, sim->now + 31 * VSIM_S);
		vsim_expect(sim, sim->rq.ejections == i + 1 &&
			    !strcmp(vgpu_policy_name(sim->rq.policy), "rr"),
			    "policy %u: %llu ejections", i, sim->rq.ejections);
		before = ran(&sim->ents[2]);
		vsim_run(sim, sim->now + 100 * VSIM_MS);
		vsim_expect(sim, ran(&sim->ents[2]) - before >= 20 * VSIM_MS,
			    "policy %u: no life after it", i);
	}
	vsim_figure(sim, "%llu of %zu", sim->rq.ejections,
		    ARRAY_SIZE(bad_policies));
}

static void bad_tables_refused(struct vsim *sim)
{
	static const struct vgpu_policy flawed[] = {
		{ BAD("bad", VGPU_POLICY_RQ_DATA + 1, pick_nobody) },
		{
			BAD("bad", SIZE, pick_nobody),
			.entity_size = VGPU_POLICY_DATA + 1,
		},
		{ BAD("bad", SIZE, pick_nobody), .flags = VGPU_POLICY_HOLDS },
		{ BAD("bad", SIZE, pick_nobody), .hold = hold_past },
		{ BAD("bad", SIZE, pick_nobody), .flags = ~0U },
		{ BAD("bad", SIZE, NULL) },
		{ BAD("a,b", SIZE, pick_nobody) },
		{ BAD("", SIZE, pick_nobody) },
		{ BAD("sixteen letters!", SIZE, pick_nobody) },
	};
	static const struct vgpu_policy twin = {
		BAD("rr", SIZE, pick_nobody),
	};
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(flawed); i++) {
		ret = vgpu_policy_register(&flawed[i]);
		vsim_note(sim, 0, i, -ret);
		vsim_expect(sim, ret == -EINVAL, "table %u", i);
	}
	ret = vgpu_policy_register(&twin);
	vsim_note(sim, 0, i, -ret);
	vsim_expect(sim, ret == -EEXIST, "a second rr");
	vsim_expect(sim, !vgpu_policy_register(&bad_policies[0]), "bad is fine");
	vsim_expect(sim, vgpu_policy_get("bad") == &bad_policies[0], "by name");
	vgpu_policy_unregister(&bad_policies[0]);
	vsim_expect(sim, !vgpu_policy_get("bad"), "gone");
}

const struct vsim_scenario vsim_scenarios_misbehave[] = {
	{ "bad_policies_go", "rr", 4, bad_policies_go },
	{ "bad_tables_refused", "rr", 1, bad_tables_refused },
	{}
};
