// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants: vGPUs that belong to one user and share one weight.
 *
 * A tenant is a group (sched/) on each engine; it is made with its first
 * member and goes with its last.  A policy shares an engine among tenants and
 * vGPUs without one, and each tenant's part, by the same policy, among its
 * members.  A tenant is as urgent as its most urgent member.
 *
 * Where a policy keeps caps, each vGPU's own cap counts, and a group could not
 * hold back one member while another may run.  So under such a policy there
 * are no groups (gpu->nested is false): members stand for themselves, and who
 * belongs to whom is only remembered until there is another policy.
 *
 * Groups are on the engines that are shared.  A member with compute units of
 * its own is on none of these, and a member again once it has given them back.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "core_priv.h"

/* With a reference of its own for each run queue. */
static const struct vgpu_policy *policy_ref(struct vgpu_gpu *gpu)
{
	/* Cannot fail: gpu->policy has a reference, rr is built in. */
	return vgpu_policy_get(vgpu_policy_name(gpu->policy)) ?:
	       vgpu_policy_get("rr");
}

static u32 urgency(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant)
{
	struct vgpu_instance *inst;
	u32 most = 0;

	list_for_each_entry(inst, &gpu->instances, link)
		if (inst->tenant == tenant && !inst->own)
			most = max(most, inst->priority);
	return most;
}

static void form(struct vgpu_engine *e, struct vgpu_tenant *tenant)
{
	const struct vgpu_policy *policy = policy_ref(e->gpu);
	struct vgpu_group *group = &tenant->on[e->index];
	u32 priority = urgency(e->gpu, tenant);

	spin_lock_irq(&e->lock);
	vgpu_group_init(group, &e->rq, policy, U32_MAX, tenant->weight,
			priority);
	group->rq.ejected = vgpu_engine_ejected;
	spin_unlock_irq(&e->lock);
}

static void dissolve(struct vgpu_engine *e, struct vgpu_tenant *tenant)
{
	struct vgpu_group *group = &tenant->on[e->index];
	const struct vgpu_policy *policy;

	spin_lock_irq(&e->lock);
	vgpu_group_dissolve(group, ktime_get_ns());
	policy = group->rq.policy;
	spin_unlock_irq(&e->lock);
	vgpu_policy_put(policy);
}

struct vgpu_tenant *vgpu_tenant_get(struct vgpu_gpu *gpu, const char *name)
{
	struct vgpu_tenant *tenant;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	list_for_each_entry(tenant, &gpu->tenants, link) {
		if (!strcmp(tenant->name, name)) {
			tenant->members++;
			return tenant;
		}
	}
	tenant = kvzalloc(struct_size(tenant, on, gpu->desc.engines),
			  GFP_KERNEL);
	if (!tenant)
		return NULL;
	strscpy(tenant->name, name, sizeof(tenant->name));
	tenant->weight = VGPU_WEIGHT_DEFAULT;
	tenant->members = 1;
	for (i = 0; gpu->nested && i < gpu->desc.engines; i++)
		form(&gpu->whole.engines[i], tenant);
	list_add_tail(&tenant->link, &gpu->tenants);
	return tenant;
}

void vgpu_tenant_put(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant)
{
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	if (!tenant)
		return;
	if (--tenant->members) {
		vgpu_tenant_changed(gpu, tenant);
		return;
	}
	for (i = 0; gpu->nested && i < gpu->desc.engines; i++)
		dissolve(&gpu->whole.engines[i], tenant);
	list_del(&tenant->link);
	vgpu_serial_gone(gpu, tenant);
	kvfree(tenant);
}

static void enter(struct vgpu_entity *ent)
{
	struct vgpu_tenant *tenant = ent->inst->tenant;
	struct vgpu_engine *e = ent->engine;

	spin_lock_irq(&e->lock);
	vgpu_rq_move(&e->rq, &ent->se,
		     tenant && e->gpu->nested ? &tenant->on[e->index].rq :
		     &e->rq, ktime_get_ns());
	spin_unlock_irq(&e->lock);
}

void vgpu_tenant_enter(struct vgpu_instance *inst)
{
	unsigned int i;

	lockdep_assert_held(&inst->gpu->lock);
	if (inst->own)
		return;
	for (i = 0; i < inst->nr_entities; i++)
		enter(&inst->entity[i]);
}

void vgpu_tenant_changed(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant)
{
	u32 priority = urgency(gpu, tenant);
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	for (i = 0; gpu->nested && i < gpu->desc.engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];
		struct vgpu_se *se = &tenant->on[i].se;
		u64 now;

		spin_lock_irq(&e->lock);
		now = ktime_get_ns();
		vgpu_rq_set_weight(&e->rq, se, tenant->weight, now);
		if (se->priority != priority)
			vgpu_rq_set_priority(&e->rq, se, priority, now);
		spin_unlock_irq(&e->lock);
	}
}

static void set_policy(struct vgpu_engine *e, struct vgpu_rq *rq)
{
	const struct vgpu_policy *policy = policy_ref(e->gpu), *old;

	spin_lock_irq(&e->lock);
	old = rq->policy;
	vgpu_rq_set_policy(rq, policy, ktime_get_ns());
	spin_unlock_irq(&e->lock);
	vgpu_policy_put(old);
}

void vgpu_tenants_set_policy(struct vgpu_gpu *gpu)
{
	bool was = gpu->nested, nests = vgpu_policy_nests(gpu->policy);
	struct vgpu_instance *inst;
	struct vgpu_tenant *tenant;
	unsigned int i;

	lockdep_assert_held(&gpu->lock);
	/* A policy with caps never sees a group, so these go before it comes. */
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		struct vgpu_engine *e = &gpu->whole.engines[i];
		bool shared = i < gpu->desc.engines;

		if (shared && was && !nests)
			list_for_each_entry(tenant, &gpu->tenants, link)
				dissolve(e, tenant);
		set_policy(e, &e->rq);
		if (!shared || !nests)
			continue;
		list_for_each_entry(tenant, &gpu->tenants, link) {
			if (was)
				set_policy(e, &tenant->on[i].rq);
			else
				form(e, tenant);
		}
	}
	gpu->nested = nests;
	if (nests && !was)
		list_for_each_entry(inst, &gpu->instances, link)
			vgpu_tenant_enter(inst);
}
