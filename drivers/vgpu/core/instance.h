/* SPDX-License-Identifier: GPL-2.0 */
/* vGPUs, and tenants who have several. */
#ifndef _VGPU_CORE_INSTANCE_H
#define _VGPU_CORE_INSTANCE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <vgpu/face.h>
#include <vgpu/mem.h>

#include "quota/action.h"
#include "quota/commons.h"
#include "engine/engine.h"
#include "access/filter.h"
#include "quota/quota.h"
#include "engine/pad.h"
#include "monitor/history.h"
#include "health/dump.h"
#include "memory/share.h"

struct vgpu_client;
struct vgpu_freeze;
struct vgpu_gpu;

struct vgpu_instance {
	struct kref ref;
	struct list_head link;			/* gpu->instances */
	u32 id;
	uuid_t uuid;
	u32 flags;
	struct vgpu_gpu *gpu;
	const struct vgpu_type *type;
	struct workqueue_struct *page_wq;	/* waits for memory */
	struct mutex lock;		/* state, quotas, clients, entities */
	enum vgpu_state state;
	bool added;				/* faces know of it */
	bool gone;				/* destroyed, references remain */
	u32 weight;
	u32 priority;
	u32 cap;
	u64 slice_ns;				/* its own, or 0 */
	u64 serial_vtime;			/* gpu->lock, see serial.c */
	struct vgpu_tenant *tenant;	/* gpu->lock and inst->lock, or NULL */
	struct list_head clients;
	unsigned int nr_clients;		/* but those that are parked */
	struct vgpu_freeze *freeze;		/* written with lock held, see freeze.h */
	bool still;				/* likewise, see still.h: it is paused */
	wait_queue_head_t thaw;
	struct vgpu_mem_account acct;
	atomic64_t pinned;			/* pages of programs, see user.c */
	struct vgpu_filter filter;
	struct vgpu_quota quota;		/* see quota.h */
	struct vgpu_actions actions;		/* see action.h */
	struct vgpu_claim spaces;		/* of its GPU's, see commons.h */
	struct vgpu_claim contexts;
	struct vgpu_pad pad;
	struct vgpu_dumps dumps;		/* see dump.h */
	struct vgpu_shares shares;		/* see share.h */
	struct vgpu_trail trail;		/* gpu->lock */
	u64 aperture_bytes;
	struct maple_tree aperture;		/* page of mmap_offset -> vgpu_bo_obj */
	unsigned long aperture_next[2];		/* VRAM, host: where to place next */
	struct file *file;
	struct work_struct reap_work;
	struct delayed_work unthrottle_work;
	u64 created_ns;
	u64 thrash_told;		/* events of it: which was told */
	u64 thrash_quiet;		/* and until when none is, jiffies */

	spinlock_t stat_lock;		/* what follows */
	u64 bandwidth;				/* bytes a second, 0: no limit */
	s64 tokens;				/* bytes it may copy now */
	u64 tokens_at;				/* ktime ns of the last refill */
	u64 copied_bytes;
	u64 copied_sampled;			/* of these, see quota.c */
	bool halt;				/* its work is to stop, see bandwidth.c */
	u64 throttled_ns;
	u64 throttled_at;
	u32 received_permille;
	u32 entitled_permille;

	/*
	 * The engine that it has for itself, or NULL: it shares.  With one of
	 * its own it has one entity, else one on each that is shared.
	 */
	struct vgpu_engine *own;
	unsigned int nr_entities;
	struct vgpu_entity entity[];
};

/* -------------------------------------------- tenant.c, settings.c */

/**
 * struct vgpu_tenant - vGPUs that share one weight
 * @link: gpu->tenants
 * @name: as people call it
 * @weight: of all together
 * @members: instances that belong to it, also those that are going
 * @serial_vtime: see serial.c
 * @on: the group on each engine that is shared, while gpu->nested
 *
 * Fields are under gpu->lock, but that the engines' locks protect @on.
 */
struct vgpu_tenant {
	struct list_head link;
	char name[VGPU_NAME_LEN];
	u32 weight;
	unsigned int members;
	u64 serial_vtime;
	struct vgpu_group on[];
};

/* gpu->lock held. Finds or makes it and counts a member; NULL: no memory. */
struct vgpu_tenant *vgpu_tenant_get(struct vgpu_gpu *gpu, const char *name);
/* gpu->lock held. @tenant may be NULL. */
void vgpu_tenant_put(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant);
/* gpu->lock held: the entities of @inst, if it shares, move to its tenant. */
void vgpu_tenant_enter(struct vgpu_instance *inst);
/* gpu->lock held: weight, or priority of members, changed. */
void vgpu_tenant_changed(struct vgpu_gpu *gpu, struct vgpu_tenant *tenant);
/* gpu->lock held: every run queue of @gpu gets gpu->policy. Cannot fail. */
void vgpu_tenants_set_policy(struct vgpu_gpu *gpu);
/* Fills @why, if there is one; returns @err. */
__printf(4, 5)
int vgpu_refuse(struct vgpu_refusal *why, u32 field, int err, const char *fmt,
		...);
bool vgpu_quota_ok(u32 weight, u32 priority, u64 mbps);

/* Takes it off its GPU; users keep what is left by their references. */
void vgpu_instance_remove(struct vgpu_instance *inst);
/* shpages.c; inst->lock held: its rings were not read, and are looked at. */
void vgpu_instance_kick(struct vgpu_instance *inst);
/* Stops everything of an instance; its clients get @error from then on. */
void vgpu_instance_kill(struct vgpu_instance *inst, enum vgpu_state state,
			int error);
/* Atomic: mediation gave up on it. */
void vgpu_instance_fail(struct vgpu_instance *inst);
/* bandwidth.c, atomic: takes tokens; false: in debt, throttle it. */
bool vgpu_bandwidth_take(struct vgpu_instance *inst, u64 bytes);
/* Nanoseconds until the debt is paid. */
u64 vgpu_bandwidth_debt_ns(struct vgpu_instance *inst);
void vgpu_bandwidth_set(struct vgpu_instance *inst, u64 mbps);
void vgpu_bandwidth_unthrottle(struct work_struct *work);
/*
 * Atomic, an engine's lock held: no turns until the debt is paid, into which @bytes of
 * @client's led.
 */
void vgpu_bandwidth_throttle(struct vgpu_instance *inst,
			     const struct vgpu_client *client, u64 bytes);

/* units.c; gpu->lock is held in all of these. */
/*
 * @count compute units of its own, or 0: it shares.  inst->lock is held too.
 * -EOPNOTSUPP, -ERANGE, -EBUSY (in use), -ENOSPC, or what the backend says;
 * then nothing has changed.
 */
int vgpu_units_set(struct vgpu_instance *inst, unsigned int count);
/* It is about to be freed. */
void vgpu_units_give_back(struct vgpu_instance *inst);
/* How many a vGPU could get now. */
unsigned int vgpu_units_free(struct vgpu_gpu *gpu);
/* Of its own; 0: it shares.  gpu->lock or inst->lock, or a client is open. */
unsigned int vgpu_units_own(const struct vgpu_instance *inst);
/* That serve it at most, likewise. */
unsigned int vgpu_units_serving(const struct vgpu_instance *inst);

#endif /* _VGPU_CORE_INSTANCE_H */
