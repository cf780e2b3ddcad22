// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of who asks for more than a quota: one table of what makes sense for
 * which resource, and the calls that wait.
 *
 * A call waits with no lock held and outside the unplug gate, interruptibly, for
 * wait_ns at most; then it fails as if it had not waited.  What a VM asks for is not
 * waited for: one worker takes all of its calls, also those that would make room.
 * Calls that make room never wait.
 */
#include <linux/mm.h>

#include <vgpu/ioctl.h>
#include "../core_priv.h"

#define CAN(action)	BIT(VGPU_QUOTA_##action)

static const struct {
	const char *name;
	u8 can;
	u8 usual;
	const char *why;	/* not the others */
} table[VGPU_RESOURCES] = {
	[VGPU_RES_MEMORY] = {
		"memory", CAN(REJECT) | CAN(QUEUE), VGPU_QUOTA_REJECT,
		"who has no turn frees nothing",
	},
	[VGPU_RES_BANDWIDTH] = {
		"bandwidth", CAN(QUEUE) | CAN(THROTTLE) | CAN(PREEMPT),
		VGPU_QUOTA_THROTTLE,
		"what a copy moves is known after it ran",
	},
	[VGPU_RES_CONTEXTS] = {
		"contexts", CAN(REJECT) | CAN(QUEUE), VGPU_QUOTA_REJECT,
		"who has no turn frees none",
	},
	[VGPU_RES_CLIENTS] = {
		"clients", CAN(REJECT), VGPU_QUOTA_REJECT,
		"who is not let in can only be told so",
	},
	[VGPU_RES_HANDLES] = {
		"handles", CAN(REJECT), VGPU_QUOTA_REJECT,
		"a client would wait for itself",
	},
};

void vgpu_actions_init(struct vgpu_actions *actions)
{
	unsigned int i;

	for (i = 0; i < VGPU_RESOURCES; i++)
		actions->of[i] = table[i].usual;
	actions->wait_ns = VGPU_QUOTA_WAIT_NS;
	vgpu_waitline_init(&actions->memory);
	vgpu_waitline_init(&actions->copies);
}

int vgpu_actions_check(const struct vgpu_instance_set *set,
		       struct vgpu_refusal *why)
{
	unsigned int i;

	for (i = 0; set->mask & VGPU_SET_ACTIONS && i < VGPU_RESOURCES; i++)
		if (set->actions & BIT(i) &&
		    (set->action[i] >= VGPU_QUOTA_ACTIONS ||
		     !(table[i].can & BIT(set->action[i]))))
			return vgpu_refuse(why, VGPU_SET_ACTIONS, -EOPNOTSUPP,
					   "no such action for %s: %s",
					   table[i].name, table[i].why);
	if (set->mask & VGPU_SET_WAIT &&
	    (set->quota_wait_ns < VGPU_QUOTA_WAIT_MIN_NS ||
	     set->quota_wait_ns > VGPU_QUOTA_WAIT_MAX_NS))
		return vgpu_refuse(why, VGPU_SET_WAIT, -ERANGE,
				   "quota-wait-ns is out of range: %llu to %llu",
				   VGPU_QUOTA_WAIT_MIN_NS,
				   VGPU_QUOTA_WAIT_MAX_NS);
	return 0;
}

void vgpu_actions_set(struct vgpu_instance *inst,
		      const struct vgpu_instance_set *set)
{
	unsigned int i;

	lockdep_assert_held(&inst->lock);
	for (i = 0; set->mask & VGPU_SET_ACTIONS && i < VGPU_RESOURCES; i++)
		if (set->actions & BIT(i))
			WRITE_ONCE(inst->actions.of[i], set->action[i]);
	if (set->mask & VGPU_SET_WAIT)
		WRITE_ONCE(inst->actions.wait_ns, set->quota_wait_ns);
}

/* ------------------------------------------------------------ who waits */

static struct vgpu_waitline *line_of(struct vgpu_instance *inst,
				     enum vgpu_resource resource)
{
	switch (resource) {
	case VGPU_RES_MEMORY:
		return &inst->actions.memory;
	case VGPU_RES_CONTEXTS:
		return &inst->gpu->contexts_line;
	default:
		return &inst->actions.copies;
	}
}

static void note(struct vgpu_client *client, enum vgpu_resource resource,
		 enum vgpu_quota_action action, u32 call, const void *arg)
{
	struct vgpu_instance *inst = client->inst;
	u64 asked = PAGE_SIZE;	/* memory: a page table */
	u64 limit, used;
	u32 all, most;

	switch (resource) {
	case VGPU_RES_MEMORY:
		if (call == VGPU_CALL_BO_CREATE)
			asked = ((const struct vgpu_bo_create *)arg)->bytes;
		limit = READ_ONCE(inst->acct.limit);
		used = READ_ONCE(inst->acct.used);
		break;
	case VGPU_RES_CONTEXTS:
		asked = 1;
		vgpu_commons_figures(&inst->gpu->contexts, &inst->contexts, &all, &most);
		limit = most;
		used = all;
		break;
	default:
		asked = 0;
		limit = READ_ONCE(inst->bandwidth);
		used = limit;
	}
	vgpu_quota_violated(inst, client, resource, action, asked, limit, used);
}

/* What @call may run out of, or VGPU_RESOURCES. */
static enum vgpu_resource resource_of(u32 call, const void *payload,
				      size_t payload_bytes)
{
	const struct vgpu_ioctl_desc *desc = vgpu_ioctl_find(call);
	u32 cost = desc ? desc->cost : 0;

	if (call == VGPU_CALL_SUBMIT && payload)
		cost &= vgpu_commands_cost(payload, payload_bytes /
						    sizeof(struct vgpu_cmd));
	return cost ? __ffs(cost) : VGPU_RESOURCES;
}

static bool may_wait(const struct vgpu_client *client, u32 call,
		     enum vgpu_resource resource)
{
	return READ_ONCE(client->inst->actions.of[resource]) ==
		       VGPU_QUOTA_QUEUE &&
	       call != VGPU_CALL_VM_UNMAP &&
	       !vgpu_degraded(client->inst->gpu, VGPU_DEGRADE_BASIC) &&
	       !(client->ops && client->ops->get_pages);
}

/* Then those who wait, wait for what can't be theirs. */
static bool is_ones_right(struct vgpu_instance *inst, enum vgpu_resource resource)
{
	return resource == VGPU_RES_CONTEXTS &&
	       vgpu_commons_has_right(&inst->gpu->contexts, &inst->contexts);
}

static bool is_full(int ret)
{
	return ret == -EDQUOT || ret == -EUSERS;
}

struct request {
	struct vgpu_client *client;
	u32 call;
	void *arg;
	const void *payload;
	size_t bytes;
	vgpu_call_fn try;
	enum vgpu_resource resource;
};

/* Once; who waits for bandwidth does so before anything is done. */
static int attempt(const struct request *r)
{
	if (r->resource == VGPU_RES_BANDWIDTH &&
	    vgpu_bandwidth_debt_ns(r->client->inst))
		return -EDQUOT;
	return r->try(r->client, r->call, r->arg, r->payload, r->bytes);
}

/* Waits its turn, and then for room. What attempt() says, -EINTR, or why it is dead. */
static int wait_for_room(const struct request *r)
{
	struct vgpu_instance *inst = r->client->inst;
	struct vgpu_waitline *line = line_of(inst, r->resource);
	int ret = r->resource == VGPU_RES_CONTEXTS ? -EUSERS : -EDQUOT;
	ktime_t until = ktime_add_ns(ktime_get(),
				     READ_ONCE(inst->actions.wait_ns));
	struct vgpu_waiter w;
	bool look, looked = false;
	int err = 0;

	note(r->client, r->resource, VGPU_QUOTA_QUEUE, r->call, r->arg);
	look = vgpu_waitline_join(line, &w);
	do {
		if (look)
			ret = attempt(r);
		if (look && !is_full(ret))
			break;
		looked |= look;
		err = vgpu_waitline_sleep(line, &w, &r->client->dead, until);
		look = true;
	} while (!err);
	vgpu_waitline_leave(line, &w);
	/* whose turn never came, since who is first stands still, say */
	if (err == -ETIME && !looked)
		ret = attempt(r);
	return err && err != -ETIME ? err : ret;
}

int vgpu_action_call(struct vgpu_client *client, u32 call, void *arg,
		     const void *payload, size_t payload_bytes,
		     vgpu_call_fn try)
{
	struct request r = {
		.client = client, .call = call, .arg = arg,
		.payload = payload, .bytes = payload_bytes, .try = try,
		.resource = resource_of(call, payload, payload_bytes),
	};
	int ret;

	if (r.resource == VGPU_RESOURCES)
		return try(client, call, arg, payload, payload_bytes);
	if (!may_wait(client, call, r.resource)) {
		ret = try(client, call, arg, payload, payload_bytes);
	} else if (vgpu_waitline_busy(line_of(client->inst, r.resource)) &&
		   !is_ones_right(client->inst, r.resource)) {
		ret = wait_for_room(&r);	/* not before those who wait */
	} else {
		ret = attempt(&r);
		if (is_full(ret))
			ret = wait_for_room(&r);
	}
	if (is_full(ret))
		note(client, r.resource, VGPU_QUOTA_REJECT, call, arg);
	return ret == -EUSERS ? -EMFILE : ret;
}

void vgpu_actions_wake(struct vgpu_instance *inst)
{
	vgpu_waitline_wake(&inst->actions.memory);
	vgpu_waitline_wake(&inst->actions.copies);
	vgpu_waitline_wake(&inst->gpu->contexts_line);
}
