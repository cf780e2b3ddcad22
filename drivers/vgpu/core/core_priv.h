/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of the core, and who protects what.
 *
 * Locks, outermost first:
 *
 *   access_lock (rwsem)       rules of access, see access.c
 *   registry_lock (mutex)     list of GPUs and of faces; held while faces are
 *                             told of GPUs
 *   gpu->lock (mutex)         list of instances, what is committed to them,
 *                             settings, which engine has which units
 *   inst->lock (mutex)        state, quotas, list of clients
 *   client->lock (mutex)      handles
 *   shares.lock, share->lock (mutex) see share.h
 *   [mem/'s locks]
 *   mapping invalidate lock   aperture against page faults
 *   shpages->lock (spin)      doorbells in use
 *   engine->lock (spin, irq)  run queue, contexts, queues, what runs
 *   timeline->lock (spin, irq) value and waiters
 *   gpu->ecc_lock (spin, irq) bad pages not retired yet
 *   inst->stat_lock (spin, irq) bandwidth tokens, figures of several engines
 *   acct->lock (spin, irq)    one memory account
 *   quota->lock (spin, irq)   how near to a quota, who was refused
 *   degrader->lock (spin, irq) what of mediation failed
 *
 * The unplug gate (SRCU) is entered before any of them by whoever may call
 * a backend operation in process context.  Engine events come in without a
 * lock of ours and take engine->lock.  Nothing sleeps or allocates for a
 * tenant under the spinlocks.
 */
#ifndef _VGPU_CORE_PRIV_H
#define _VGPU_CORE_PRIV_H

#include <vgpu/face.h>

#define VGPU_MAX_GPUS		16
#define VGPU_MAX_CLIENTS	256	/* of one instance */
#define VGPU_MAX_HANDLES	16384	/* of one client */
#define VGPU_MAX_QUEUES		64	/* of one context */
#define VGPU_MAX_EVENTFDS	256	/* that wait for one timeline */
#define VGPU_QUEUE_DEPTH	256
#define VGPU_QUEUE_DEPTH_MAX	1024
#define VGPU_TURN		100	/* commands served before others get a turn */
#define VGPU_SLICE_TURNS	8	/* changes of context within a slice */
#define VGPU_DEADLINE_MAX_NS	(24ULL * 3600 * NSEC_PER_SEC)
#define VGPU_PRESSURE_PERCENT	80
#define VGPU_ECC_PENDING	64	/* bad pages of one GPU at once */
#define VGPU_MAX_STRIKES	8	/* hangs in a row until an instance is failed */
#define VGPU_OVERCOMMIT_MAX	8000	/* permille */
#define VGPU_HOST_BO_FIRST	BIT_ULL(40)
#define VGPU_HOST_BO_LAST	(BIT_ULL(44) - 1)

#define VGPU_PREEMPT_TIMEOUT_MIN_NS	(1ULL * NSEC_PER_MSEC)
#define VGPU_PREEMPT_TIMEOUT_NS		(1ULL * NSEC_PER_SEC)
#define VGPU_PREEMPT_TIMEOUT_MAX_NS	(60ULL * NSEC_PER_SEC)

#include "client.h"
#include "engine/engine.h"
#include "gpu.h"
#include "hist.h"
#include "instance.h"
#include "queue.h"

/* -------------------------------------------------------------- event.c */

/* Any context. @gpu or @inst may be NULL. */
void vgpu_event_post(enum vgpu_event_type type, const struct vgpu_gpu *gpu,
		     const struct vgpu_instance *inst, u64 value);
void vgpu_event_post_governor(const struct vgpu_gpu *gpu,
			      const struct vgpu_gov_change *change);
/* What is free was, or is by now, @permille fragmented; @bytes were moved. */
void vgpu_event_post_defrag(enum vgpu_event_type type,
			    const struct vgpu_gpu *gpu, u32 permille, u64 bytes);
void vgpu_event_post_quota(enum vgpu_event_type type,
			   const struct vgpu_gpu *gpu,
			   const struct vgpu_instance *inst,
			   const struct vgpu_quota_change *change);
void vgpu_event_post_degrade(const struct vgpu_gpu *gpu,
			     const struct vgpu_degrade_change *change);
void vgpu_event_post_alarm(enum vgpu_event_type type, const struct vgpu_gpu *gpu,
			   const struct vgpu_mon_alarm *alarm);
void vgpu_event_post_tune(const struct vgpu_gpu *gpu,
			  const struct vgpu_tune_change *change);
void vgpu_event_flush(void);
/* Of GPUs, vGPUs or rules, after the change; any context. */
void vgpu_lists_changed(void);
int vgpu_faces_gpu_added(struct vgpu_gpu *gpu);
void vgpu_faces_gpu_removed(struct vgpu_gpu *gpu);
int vgpu_faces_instance_added(struct vgpu_instance *inst);
void vgpu_faces_instance_removed(struct vgpu_instance *inst);

extern struct mutex vgpu_registry_lock;

#endif /* _VGPU_CORE_PRIV_H */
