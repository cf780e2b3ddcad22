// SPDX-License-Identifier: GPL-2.0
/*
 * A scheduling policy in a module of its own: a sample to start from, see
 * Documentation/howto-policy.rst.
 *
 * Lottery scheduling (C. Waldspurger, W. Weihl, 1994): who runs next is drawn,
 * with as many tickets as an entity has weight.  Fair on average, and only on
 * average: compare it with fair in vgpu-sim.
 */
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>

#include <vgpu/policy.h>

struct lottery_queue {
	struct list_head waiting;
	u64 tickets;			/* of all that wait */
	u64 random;
};

struct lottery_entity {
	struct list_head link;
	u64 nr;
	u32 weight;			/* as counted in tickets */
};

static void lottery_init(void *queue, const struct vgpu_rq *rq)
{
	struct lottery_queue *q = queue;

	INIT_LIST_HEAD(&q->waiting);
	q->random = 88172645463325252ULL;
}

static void lottery_join(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se)
{
	struct lottery_entity *e = entity;

	e->nr = se->nr;
}

static void lottery_enqueue(void *queue, const struct vgpu_rq *rq,
			    void *entity, const struct vgpu_se *se, u64 now)
{
	struct lottery_queue *q = queue;
	struct lottery_entity *e = entity;

	e->weight = se->weight;
	q->tickets += e->weight;
	list_add_tail(&e->link, &q->waiting);
}

/* Also when it starts: who runs holds no ticket. */
static void lottery_dequeue(void *queue, const struct vgpu_rq *rq,
			    void *entity, const struct vgpu_se *se, u64 now)
{
	struct lottery_queue *q = queue;
	struct lottery_entity *e = entity;

	q->tickets -= e->weight;
	list_del(&e->link);
}

static u64 lottery_pick(void *queue, const struct vgpu_rq *rq, u64 now,
			u64 *slice_ns)
{
	struct lottery_queue *q = queue;
	struct lottery_entity *e;
	u64 drawn;

	if (list_empty(&q->waiting))
		return 0;
	/* xorshift64 (G. Marsaglia, 2003) */
	q->random ^= q->random << 13;
	q->random ^= q->random >> 7;
	q->random ^= q->random << 17;
	div64_u64_rem(q->random, q->tickets, &drawn);

	list_for_each_entry(e, &q->waiting, link) {
		if (drawn < e->weight)
			return e->nr;
		drawn -= e->weight;
	}
	return 0;
}

static void lottery_stop(void *queue, const struct vgpu_rq *rq,
			 void *entity, const struct vgpu_se *se, u64 now,
			 bool midway)
{
	if (se->state == VGPU_SE_QUEUED)
		lottery_enqueue(queue, rq, entity, se, now);
}

static void lottery_changed(void *queue, const struct vgpu_rq *rq,
			    void *entity, const struct vgpu_se *se, u64 now)
{
	if (se->state != VGPU_SE_QUEUED)
		return;
	lottery_dequeue(queue, rq, entity, se, now);
	lottery_enqueue(queue, rq, entity, se, now);
}

static const struct vgpu_policy lottery = {
	.name = "lottery",
	.owner = THIS_MODULE,
	.queue_size = sizeof(struct lottery_queue),
	.entity_size = sizeof(struct lottery_entity),
	.init = lottery_init,
	.join = lottery_join,
	.enqueue = lottery_enqueue,
	.dequeue = lottery_dequeue,
	.pick = lottery_pick,
	.start = lottery_dequeue,
	.stop = lottery_stop,
	.changed = lottery_changed,
};

static int __init lottery_load(void)
{
	return vgpu_policy_register(&lottery);
}
module_init(lottery_load);

static void __exit lottery_unload(void)
{
	vgpu_policy_unregister(&lottery);
}
module_exit(lottery_unload);

MODULE_DESCRIPTION("vgpu sample policy: lottery scheduling");
MODULE_IMPORT_NS(VGPU);
MODULE_LICENSE("GPL");
