/* SPDX-License-Identifier: GPL-2.0 */
/* Inside core/: who is told how near a vGPU is to its quotas. */
#ifndef _VGPU_CORE_QUOTA_H
#define _VGPU_CORE_QUOTA_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <vgpu/quota.h>

struct vgpu_client;
struct vgpu_gpu;
struct vgpu_instance;

#define VGPU_QUOTA_EVENTS	16	/* told at once; then one look a period */
#define VGPU_QUOTA_PERIOD_NS	(1000ULL * 1000 * 1000)

/**
 * struct vgpu_watch - how near to one quota
 * @level: is so
 * @told: what listeners know
 * @used: as of the last change of @level
 * @limit: likewise
 */
struct vgpu_watch {
	enum vgpu_level level;
	enum vgpu_level told;
	u64 used;
	u64 limit;
};

/**
 * struct vgpu_quota - of a vGPU, or of a GPU
 * @lock: a leaf, but for what posting an event takes
 * @gpu: it is
 * @inst: it is, or NULL
 * @watch: of each resource; handles are watched by client
 * @log: who asked for more, of a vGPU
 * @period: when this one began, ktime ns
 * @told: events in it
 * @held: changes that were not told one by one, ever
 * @work: tells what they came to
 * @gone: nobody is told any more
 */
struct vgpu_quota {
	spinlock_t lock;		/* the rest */
	struct vgpu_gpu *gpu;
	struct vgpu_instance *inst;
	struct vgpu_watch watch[VGPU_RESOURCES];
	struct vgpu_violations log;
	u64 period;
	u32 told;
	u64 held;
	struct delayed_work work;
	bool gone;
};

/* @inst may be NULL. */
void vgpu_quota_init(struct vgpu_quota *q, struct vgpu_gpu *gpu,
		     struct vgpu_instance *inst);
/* Sleeps. Nothing is used any more, or nobody wants to know. */
void vgpu_quota_fini(struct vgpu_quota *q);
/* Any context: @used of @limit (0: none) is in use by now. */
void vgpu_quota_note(struct vgpu_quota *q, enum vgpu_resource resource,
		     u64 used, u64 limit);
/* The same for the handles of a client of @q's vGPU. */
void vgpu_quota_note_handles(struct vgpu_quota *q, struct vgpu_watch *watch,
			     u32 used);
/*
 * Any context: somebody asked for @asked with @used of @limit in use. @client is
 * through whom, or NULL: the caller, who is about to be one.
 */
void vgpu_quota_violated(struct vgpu_instance *inst,
			 const struct vgpu_client *client,
			 enum vgpu_resource resource,
			 enum vgpu_quota_action action, u64 asked, u64 limit,
			 u64 used);
/* Once a second while anything runs. True: look again. */
bool vgpu_quota_sample(struct vgpu_instance *inst, u64 ns);

#endif /* _VGPU_CORE_QUOTA_H */
