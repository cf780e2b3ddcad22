// SPDX-License-Identifier: GPL-2.0
/*
 * Faces and what they are told.
 *
 * Events may be posted from anywhere; a work item hands them to the faces in
 * order.  What tenants can cause is bounded: when EVENTS_MAX wait, further
 * ones are counted and dropped.
 *
 * Faces are walked under SRCU, not under a lock: telling a face that a GPU
 * goes may wait for the creation of an instance, which tells faces too.
 */
#include <linux/ktime.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "core_priv.h"

#define EVENTS_MAX	1024

struct vgpu_event_item {
	struct llist_node node;
	struct vgpu_event ev;
};

/* The list of GPUs and of faces; see core_priv.h for its place. */
DEFINE_MUTEX(vgpu_registry_lock);
DEFINE_STATIC_SRCU(faces_srcu);
static LIST_HEAD(faces);

static LLIST_HEAD(events);
static atomic_t events_waiting = ATOMIC_INIT(0);
static atomic_long_t events_dropped = ATOMIC_LONG_INIT(0);

static void events_deliver(struct work_struct *work)
{
	struct vgpu_event_item *item, *next;
	struct vgpu_face *face;
	struct llist_node *list;
	long dropped;
	int idx;

	list = llist_reverse_order(llist_del_all(&events));
	idx = srcu_read_lock(&faces_srcu);
	llist_for_each_entry_safe(item, next, list, node) {
		list_for_each_entry_srcu(face, &faces, link,
					 srcu_read_lock_held(&faces_srcu))
			if (face->event)
				face->event(&item->ev);
		kfree(item);
		atomic_dec(&events_waiting);
	}
	srcu_read_unlock(&faces_srcu, idx);

	dropped = atomic_long_xchg(&events_dropped, 0);
	if (dropped)
		pr_warn_ratelimited("vgpu: %ld events dropped, too many at once\n",
				    dropped);
}

static DECLARE_WORK(events_work, events_deliver);

/* Never 0, which means "unknown" to netlink. */
static atomic_t lists_gen = ATOMIC_INIT(1);

void vgpu_lists_changed(void)
{
	atomic_add(2, &lists_gen);
}

/**
 * vgpu_lists_generation() - counts changes of the lists of GPUs, vGPUs and rules
 *
 * For who walks one of them in several calls, and has to tell that it changed midway.
 * Not left to their events, which are told later, or dropped.
 *
 * Context: any.
 * Return: another number after each change, never 0.
 */
u32 vgpu_lists_generation(void)
{
	return (u32)atomic_read(&lists_gen);
}
EXPORT_SYMBOL_NS_GPL(vgpu_lists_generation, VGPU);

/* What only some kinds have is in @more, or NULL. */
static void post(enum vgpu_event_type type, const struct vgpu_gpu *gpu,
		 const struct vgpu_instance *inst, u64 value,
		 const struct vgpu_event *more)
{
	struct vgpu_event_item *item;

	if (atomic_inc_return(&events_waiting) > EVENTS_MAX)
		goto drop;
	item = kzalloc(sizeof(*item), GFP_ATOMIC);
	if (!item)
		goto drop;
	if (more)
		item->ev = *more;
	item->ev.type = type;
	item->ev.gpu = gpu ? gpu->index : inst ? inst->gpu->index : U32_MAX;
	item->ev.instance = inst ? inst->id : U32_MAX;
	if (inst)
		item->ev.uuid = inst->uuid;
	item->ev.value = value;
	item->ev.time_ns = ktime_get_boottime_ns();
	llist_add(&item->node, &events);
	schedule_work(&events_work);
	return;
drop:
	atomic_dec(&events_waiting);
	atomic_long_inc(&events_dropped);
}

void vgpu_event_post(enum vgpu_event_type type, const struct vgpu_gpu *gpu,
		     const struct vgpu_instance *inst, u64 value)
{
	post(type, gpu, inst, value, NULL);
}

void vgpu_event_post_governor(const struct vgpu_gpu *gpu,
			      const struct vgpu_gov_change *change)
{
	const struct vgpu_event more = { .governor = *change };

	post(VGPU_EVENT_GOVERNOR, gpu, NULL, 0, &more);
}

void vgpu_event_post_defrag(enum vgpu_event_type type,
			    const struct vgpu_gpu *gpu, u32 permille, u64 bytes)
{
	const struct vgpu_event more = { .permille = permille };

	post(type, gpu, NULL, bytes, &more);
}

void vgpu_event_post_quota(enum vgpu_event_type type,
			   const struct vgpu_gpu *gpu,
			   const struct vgpu_instance *inst,
			   const struct vgpu_quota_change *change)
{
	const struct vgpu_event more = { .quota = *change };

	post(type, gpu, inst, change->asked, &more);
}

void vgpu_event_post_degrade(const struct vgpu_gpu *gpu,
			     const struct vgpu_degrade_change *change)
{
	const struct vgpu_event more = { .degrade = *change };

	post(VGPU_EVENT_DEGRADE, gpu, NULL, 0, &more);
}

void vgpu_event_post_alarm(enum vgpu_event_type type, const struct vgpu_gpu *gpu,
			   const struct vgpu_mon_alarm *alarm)
{
	const struct vgpu_event more = { .alarm = *alarm };

	post(type, gpu, NULL, alarm->value, &more);
}

void vgpu_event_post_tune(const struct vgpu_gpu *gpu,
			  const struct vgpu_tune_change *change)
{
	const struct vgpu_event more = { .tune = *change };

	post(VGPU_EVENT_TUNE, gpu, NULL, 0, &more);
}

void vgpu_event_flush(void)
{
	flush_work(&events_work);
}

int vgpu_faces_gpu_added(struct vgpu_gpu *gpu)
{
	struct vgpu_face *face;
	int idx, ret = 0;

	lockdep_assert_held(&vgpu_registry_lock);
	idx = srcu_read_lock(&faces_srcu);
	list_for_each_entry_srcu(face, &faces, link,
				 srcu_read_lock_held(&faces_srcu)) {
		if (!face->gpu_added)
			continue;
		ret = face->gpu_added(gpu);
		if (ret) {
			/* One door less, the GPU works through the others. */
			pr_err("vgpu: %s: face %s did not take it: %pe\n",
			       gpu->name, face->name, ERR_PTR(ret));
			ret = 0;
		}
	}
	srcu_read_unlock(&faces_srcu, idx);
	return ret;
}

void vgpu_faces_gpu_removed(struct vgpu_gpu *gpu)
{
	struct vgpu_face *face;
	int idx;

	lockdep_assert_held(&vgpu_registry_lock);
	idx = srcu_read_lock(&faces_srcu);
	list_for_each_entry_srcu(face, &faces, link,
				 srcu_read_lock_held(&faces_srcu))
		if (face->gpu_removed)
			face->gpu_removed(gpu);
	srcu_read_unlock(&faces_srcu, idx);
}

int vgpu_faces_instance_added(struct vgpu_instance *inst)
{
	struct vgpu_face *face;
	int idx, ret = 0;

	if (inst->flags & VGPU_INSTANCE_MDEV)
		return 0;
	idx = srcu_read_lock(&faces_srcu);
	list_for_each_entry_srcu(face, &faces, link,
				 srcu_read_lock_held(&faces_srcu)) {
		if (!face->instance_added)
			continue;
		ret = face->instance_added(inst);
		if (ret)
			break;
	}
	srcu_read_unlock(&faces_srcu, idx);
	if (ret)
		vgpu_faces_instance_removed(inst);
	return ret;
}

void vgpu_faces_instance_removed(struct vgpu_instance *inst)
{
	struct vgpu_face *face;
	int idx;

	if (inst->flags & VGPU_INSTANCE_MDEV)
		return;
	idx = srcu_read_lock(&faces_srcu);
	list_for_each_entry_srcu(face, &faces, link,
				 srcu_read_lock_held(&faces_srcu))
		if (face->instance_removed)
			face->instance_removed(inst);
	srcu_read_unlock(&faces_srcu, idx);
}

/**
 * vgpu_face_register() - lets users in through another door
 * @face: its callbacks; @face->gpu_added is called for GPUs already there
 *
 * Context: process.
 * Return: 0; a GPU that the face does not take is reported in the log.
 */
int vgpu_face_register(struct vgpu_face *face)
{
	struct vgpu_gpu *gpu;
	u32 i = 0;

	mutex_lock(&vgpu_registry_lock);
	while (face->gpu_added && (gpu = vgpu_gpu_next(i))) {
		int ret = face->gpu_added(gpu);

		if (ret)
			pr_err("vgpu: %s: face %s did not take it: %pe\n",
			       gpu->name, face->name, ERR_PTR(ret));
		i = gpu->index + 1;
		vgpu_gpu_put(gpu);
	}
	list_add_tail_rcu(&face->link, &faces);
	mutex_unlock(&vgpu_registry_lock);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_face_register, VGPU);

/**
 * vgpu_face_unregister() - closes a door
 * @face: from vgpu_face_register(); on return no callback runs
 *
 * Context: process.
 */
void vgpu_face_unregister(struct vgpu_face *face)
{
	struct vgpu_gpu *gpu;
	u32 i = 0;

	mutex_lock(&vgpu_registry_lock);
	list_del_rcu(&face->link);
	synchronize_srcu(&faces_srcu);
	while (face->gpu_removed && (gpu = vgpu_gpu_next(i))) {
		face->gpu_removed(gpu);
		i = gpu->index + 1;
		vgpu_gpu_put(gpu);
	}
	mutex_unlock(&vgpu_registry_lock);
}
EXPORT_SYMBOL_NS_GPL(vgpu_face_unregister, VGPU);
