// SPDX-License-Identifier: GPL-2.0
/*
 * Policies by name.
 *
 * The built-in ones are a table; modules add theirs to a list.  A run queue
 * keeps a module reference for as long as it uses a policy, so a policy's
 * module cannot go away under it, and unregistering needs no waiting: it only
 * takes the name off the list.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <vgpu/kunit.h>
#include <vgpu/policy.h>

#include "sched_priv.h"

struct extra_policy {
	struct list_head link;
	const struct vgpu_policy *policy;
};

static const struct vgpu_policy * const builtin[] = {
	&vgpu_policy_rr,
	&vgpu_policy_fair,
	&vgpu_policy_prio,
	&vgpu_policy_mlfq,
	&vgpu_policy_fixed,
	&vgpu_policy_burst,
};

/* Protects extra_policies. Taken alone. */
static DEFINE_MUTEX(policy_lock);
static LIST_HEAD(extra_policies);

const char *vgpu_policy_flaw(const struct vgpu_policy *policy)
{
	if (!policy->name || !*policy->name ||
	    strlen(policy->name) > VGPU_POLICY_NAME_MAX ||
	    strchr(policy->name, ','))
		return "bad name";
	if (policy->queue_size > VGPU_POLICY_RQ_DATA ||
	    policy->entity_size > VGPU_POLICY_DATA)
		return "wants too much memory";
	if (policy->flags & ~VGPU_POLICY_FLAGS)
		return "unknown flag";
	if (!policy->enqueue || !policy->dequeue || !policy->pick ||
	    !policy->start || !policy->stop)
		return "a callback is missing";
	if (!!(policy->flags & VGPU_POLICY_HOLDS) != !!policy->hold)
		return "hold() and VGPU_POLICY_HOLDS go together";
	return NULL;
}

/* Under policy_lock. */
static const struct vgpu_policy *find(const char *name)
{
	struct extra_policy *extra;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(builtin); i++)
		if (!strcmp(builtin[i]->name, name))
			return builtin[i];
	list_for_each_entry(extra, &extra_policies, link)
		if (!strcmp(extra->policy->name, name))
			return extra->policy;
	return NULL;
}

/**
 * vgpu_policy_register() - offer a policy
 * @policy: stays until vgpu_policy_unregister()
 *
 * Process context. Returns 0; -EINVAL when the table breaks the contract (the
 * log says how); -EEXIST when the name is taken; -ENOMEM.
 */
int vgpu_policy_register(const struct vgpu_policy *policy)
{
	const char *flaw = vgpu_policy_flaw(policy);
	struct extra_policy *extra;
	int ret = 0;

	if (flaw) {
		pr_err("vgpu: policy %.16s refused: %s\n",
		       policy->name ?: "(none)", flaw);
		return -EINVAL;
	}
	extra = kzalloc(sizeof(*extra), GFP_KERNEL);
	if (!extra)
		return -ENOMEM;
	extra->policy = policy;

	mutex_lock(&policy_lock);
	if (find(policy->name))
		ret = -EEXIST;
	else
		list_add_tail(&extra->link, &extra_policies);
	mutex_unlock(&policy_lock);
	if (ret)
		kfree(extra);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_policy_register, VGPU);

/**
 * vgpu_policy_unregister() - withdraw a policy
 * @policy: one that was registered; run queues that use it hold a reference
 *	to its module, so from a module's exit there are none
 *
 * Process context.
 */
void vgpu_policy_unregister(const struct vgpu_policy *policy)
{
	struct extra_policy *extra;

	mutex_lock(&policy_lock);
	list_for_each_entry(extra, &extra_policies, link) {
		if (extra->policy == policy) {
			list_del(&extra->link);
			kfree(extra);
			break;
		}
	}
	mutex_unlock(&policy_lock);
}
EXPORT_SYMBOL_NS_GPL(vgpu_policy_unregister, VGPU);

/**
 * vgpu_policy_get() - a policy by name
 * @name: such as "fair"
 *
 * Process context. Returns it with a reference to its module, or NULL.
 */
const struct vgpu_policy *vgpu_policy_get(const char *name)
{
	const struct vgpu_policy *policy;

	mutex_lock(&policy_lock);
	policy = find(name);
	if (policy && !try_module_get(policy->owner))
		policy = NULL;
	mutex_unlock(&policy_lock);
	return policy;
}

/**
 * vgpu_policy_put() - give a reference back
 * @policy: from vgpu_policy_get(), or NULL
 *
 * Any context.
 */
void vgpu_policy_put(const struct vgpu_policy *policy)
{
	if (policy)
		module_put(policy->owner);
}

/**
 * vgpu_policy_name() - what people call it
 * @policy: any
 *
 * Returns its name; stays as long as the policy.
 */
const char *vgpu_policy_name(const struct vgpu_policy *policy)
{
	return policy->name;
}

/**
 * vgpu_policy_nests() - may entities be grouped under it?
 * @policy: any
 */
bool vgpu_policy_nests(const struct vgpu_policy *policy)
{
	return !(policy->flags & (VGPU_POLICY_HOLDS | VGPU_POLICY_CAPS));
}

/**
 * vgpu_policy_names() - all there are
 * @buf: filled with the names, comma separated
 * @size: of @buf
 *
 * Process context. Returns the length, or -ENOSPC.
 */
int vgpu_policy_names(char *buf, size_t size)
{
	struct extra_policy *extra;
	unsigned int i;
	size_t len = 0;

	mutex_lock(&policy_lock);
	for (i = 0; i < ARRAY_SIZE(builtin) && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? "," : "",
				builtin[i]->name);
	list_for_each_entry(extra, &extra_policies, link) {
		if (len >= size)
			break;
		len += snprintf(buf + len, size - len, ",%s",
				extra->policy->name);
	}
	mutex_unlock(&policy_lock);
	return len < size ? (int)len : -ENOSPC;
}

/* for vgpu_kunit.ko */
VGPU_EXPORT_IF_KUNIT(vgpu_policy_get);
VGPU_EXPORT_IF_KUNIT(vgpu_policy_put);
VGPU_EXPORT_IF_KUNIT(vgpu_policy_names);
VGPU_EXPORT_IF_KUNIT(vgpu_policy_name);
