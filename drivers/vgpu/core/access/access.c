// SPDX-License-Identifier: GPL-2.0
/*
 * The list of rules, and who is cut off when it changes or time goes on.
 *
 * The list is copied, changed, and put in place of the old one with the lock held for
 * writing; with it held for reading those are looked for who may not any more.  While a
 * rule has a window of time this is done once a minute, else there is no timer.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/math64.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "../core_priv.h"

#define WEEK_MINUTES	(7 * VGPU_DAY_MINUTES)

struct entry {
	struct vgpu_access_rule rule;
	atomic64_t hits;
};

struct rules {
	u32 count;
	struct entry entry[VGPU_ACCESS_RULES];
};

static DECLARE_RWSEM(access_lock);
static struct rules *rules;		/* NULL: none */
static atomic64_t strangers;

static void tick(struct work_struct *work);
static DECLARE_DELAYED_WORK(tick_work, tick);

/* ------------------------------------------------------------- subjects */

static struct cgroup *own_cgroup(void)
{
	struct cgroup *cgroup = NULL;

#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	do {
		cgroup = task_dfl_cgroup(current);
		/* it may be on its way to another while this one goes */
	} while (!cgroup_tryget(cgroup));
	rcu_read_unlock();
#endif
	return cgroup;
}

void vgpu_subject_take(struct vgpu_subject *subject,
		       const struct vgpu_subject *like)
{
	if (!like) {
		subject->cred = get_current_cred();
		subject->cgroup = own_cgroup();
		return;
	}
	subject->cred = get_cred(like->cred);
	subject->cgroup = like->cgroup;
#ifdef CONFIG_CGROUPS
	if (subject->cgroup)
		cgroup_get(subject->cgroup);
#endif
}

void vgpu_subject_drop(struct vgpu_subject *subject)
{
	put_cred(subject->cred);
#ifdef CONFIG_CGROUPS
	if (subject->cgroup)
		cgroup_put(subject->cgroup);
#endif
}

/* -------------------------------------------------------------- asking */

static u32 minute_of_week(void)
{
	u32 now;

	/* the first of January 1970 was a Thursday */
	div_u64_rem(div_u64(ktime_get_real_seconds(), 60) + 3 * VGPU_DAY_MINUTES,
		    WEEK_MINUTES, &now);
	return now;
}

/* @counts: it is opened now. */
static bool may(struct rules *list, const struct vgpu_client *client,
		bool counts)
{
	struct vgpu_asker asker = {
		.cred = client->subject.cred,
		.cgroup = client->subject.cgroup,
		.gpu = client->inst->gpu->index,
		.vgpu = client->inst->uuid,
		.minute = minute_of_week(),
	};
	u32 i;

	if (!list)
		return true;
	for (i = 0; i < list->count; i++) {
		struct entry *entry = &list->entry[i];

		if (!vgpu_rule_fits(&entry->rule, &asker))
			continue;
		if (counts)
			atomic64_inc(&entry->hits);
		return entry->rule.allow;
	}
	if (counts)
		atomic64_inc(&strangers);
	return false;
}

int vgpu_access_enter(struct vgpu_client *client)
{
	down_read(&access_lock);
	return may(rules, client, true) ? 0 : -EACCES;
}

void vgpu_access_leave(void)
{
	up_read(&access_lock);
}

/* ------------------------------------------------------------ cutting off */

static u32 look_at(struct rules *list, struct vgpu_instance *inst, bool dry_run)
{
	struct vgpu_client *client;
	u32 cut = 0;
	int idx;

	if (!vgpu_gpu_enter(inst->gpu, &idx))
		return 0;
	mutex_lock(&inst->lock);
	list_for_each_entry(client, &inst->clients, link) {
		if (READ_ONCE(client->dead) || may(list, client, false))
			continue;
		cut++;
		if (!dry_run)
			vgpu_client_kill(client, -EACCES);
	}
	mutex_unlock(&inst->lock);
	vgpu_gpu_leave(idx);
	if (cut && !dry_run)
		vgpu_event_post(VGPU_EVENT_ACCESS, NULL, inst, cut);
	return cut;
}

/* The lock is held. */
static u32 look_at_all(struct rules *list, bool dry_run)
{
	struct vgpu_instance *inst;
	u32 id = 0, cut = 0;

	for (; (inst = vgpu_instance_next(id)); id++) {
		id = vgpu_instance_id(inst);
		cut += look_at(list, inst, dry_run);
		vgpu_instance_put(inst);
	}
	return cut;
}

static bool has_windows(const struct rules *list)
{
	u32 i;

	for (i = 0; list && i < list->count; i++)
		if (list->entry[i].rule.from != list->entry[i].rule.to ||
		    list->entry[i].rule.days != VGPU_ACCESS_DAYS)
			return true;
	return false;
}

/* When the next minute begins. */
static void wind_up(void)
{
	u32 second;

	div_u64_rem(ktime_get_real_seconds(), 60, &second);
	mod_delayed_work(system_unbound_wq, &tick_work, (60 - second) * HZ);
}

static void tick(struct work_struct *work)
{
	down_read(&access_lock);
	if (has_windows(rules)) {
		look_at_all(rules, false);
		wind_up();
	}
	up_read(&access_lock);
}

/* --------------------------------------------------------------- changing */

/* Takes @new, which is freed when it is not used. The lock is held for writing. */
static void use(struct rules *new, bool dry_run, u32 *cut)
{
	struct rules *unused = dry_run ? new : rules;

	if (!dry_run) {
		rules = new;
		vgpu_lists_changed();
		if (has_windows(rules))
			wind_up();
	}
	downgrade_write(&access_lock);
	*cut = look_at_all(new, dry_run);
	kvfree(unused);
}

int vgpu_access_add(u32 at, const struct vgpu_access_rule *rule, bool dry_run,
		    u32 *cut)
{
	struct rules *new;
	u32 count;
	int ret;

	ret = vgpu_rule_check(rule);
	if (ret)
		return ret;
	new = kvzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	down_write(&access_lock);
	count = rules ? rules->count : 0;
	if (at == VGPU_ACCESS_END)
		at = count;
	ret = at > count ? -ERANGE : count == VGPU_ACCESS_RULES ? -ENOSPC : 0;
	if (ret) {
		up_write(&access_lock);
		kvfree(new);
		return ret;
	}
	if (rules)
		*new = *rules;
	memmove(&new->entry[at + 1], &new->entry[at],
		(count - at) * sizeof(new->entry[0]));
	new->entry[at] = (struct entry) { .rule = *rule };
	new->count++;
	use(new, dry_run, cut);
	up_read(&access_lock);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_access_add, VGPU);

int vgpu_access_delete(u32 at, bool dry_run, u32 *cut)
{
	struct rules *new = NULL;

	if (at != VGPU_ACCESS_END) {
		new = kvzalloc(sizeof(*new), GFP_KERNEL);
		if (!new)
			return -ENOMEM;
	}
	down_write(&access_lock);
	if (new && (!rules || at >= rules->count)) {
		up_write(&access_lock);
		kvfree(new);
		return -ENOENT;
	}
	if (new) {
		*new = *rules;
		new->count--;
		memmove(&new->entry[at], &new->entry[at + 1],
			(new->count - at) * sizeof(new->entry[0]));
	}
	/* without a rule anybody may again */
	if (new && !new->count) {
		kvfree(new);
		new = NULL;
	}
	use(new, dry_run, cut);
	up_read(&access_lock);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_access_delete, VGPU);

int vgpu_access_get(u32 at, struct vgpu_access_rule *rule, u64 *hits)
{
	int ret = -ENOENT;

	down_read(&access_lock);
	if (rules && at < rules->count) {
		*rule = rules->entry[at].rule;
		*hits = atomic64_read(&rules->entry[at].hits);
		ret = 0;
	}
	up_read(&access_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_access_get, VGPU);

u64 vgpu_access_strangers(void)
{
	return atomic64_read(&strangers);
}
EXPORT_SYMBOL_NS_GPL(vgpu_access_strangers, VGPU);

/* Nobody can come in any more. */
void vgpu_access_exit(void)
{
	cancel_delayed_work_sync(&tick_work);
	kvfree(rules);
}
