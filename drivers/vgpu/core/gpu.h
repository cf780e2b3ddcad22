/* SPDX-License-Identifier: GPL-2.0 */
/* A GPU, its partitions and its governor. */
#ifndef _VGPU_CORE_GPU_H
#define _VGPU_CORE_GPU_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <vgpu/backend.h>
#include <vgpu/governor.h>
#include <vgpu/mem.h>

#include "health/degrade.h"
#include "health/dump.h"
#include "engine/engine.h"
#include "engine/serial.h"
#include "monitor/monitor.h"
#include "quota/commons.h"
#include "quota/quota.h"
#include "memory/tidy.h"
#include "quota/waitline.h"

/**
 * struct vgpu_partition - part of a GPU that is scheduled by itself
 * @engines: it owns: those that are shared, then the spare ones
 * @vram: it owns
 * @units: of each engine, before any are taken or given
 *
 * A GPU that is not partitioned has one, which is the whole.
 */
struct vgpu_partition {
	unsigned int nr_engines;
	struct vgpu_engine *engines;
	struct vgpu_vram *vram;
	unsigned int units;
};

/* Beside the modes, which can be fixed. */
#define VGPU_GOVERNOR_AUTO	VGPU_GOV_MODES
#define VGPU_GOVERNOR_OFF	(VGPU_GOV_MODES + 1)

/* Figures of an engine as of a moment. */
struct vgpu_governor_mark {
	u64 now_ns;
	u64 idle_ns;
	u64 switch_ns;
	u64 switches;
};

/**
 * struct vgpu_governor - see governor.c; under gpu->lock
 * @gov: what it knows and chose
 * @setting: a mode, VGPU_GOVERNOR_AUTO or _OFF; also read without the lock
 * @work: takes the next sample
 * @paused: nothing ran in the last period, so none was armed
 * @sampled_ns: when the last one was taken
 * @samples: taken so far
 * @mark: of each engine, as of then
 */
struct vgpu_governor {
	struct vgpu_gov gov;
	int setting;
	struct delayed_work work;
	bool paused;
	u64 sampled_ns;
	u64 samples;
	struct vgpu_governor_mark mark[VGPU_MAX_ENGINES];
};

struct vgpu_gpu {
	struct kref ref;
	u32 index;
	struct vgpu_hw_desc desc;
	char name[VGPU_NAME_LEN];
	char driver[VGPU_NAME_LEN];
	struct device *dev;
	const struct vgpu_backend_ops *ops;
	void *hw;
	struct module *owner;
	bool unplugged;
	struct mutex lock;		/* instances, committed, settings */
	struct list_head instances;
	unsigned int nr_instances;
	u64 committed;
	u32 overcommit;			/* permille of VRAM, 1000: none */
	struct vgpu_type types[VGPU_MAX_TYPES];
	unsigned int nr_types;
	struct vgpu_partition whole;
	u64 slice_ns;				/* in force */
	u64 own_slice_ns;			/* set by hand, or 0 */
	u64 threshold_ns;			/* in force */
	u64 preempt_timeout_ns;
	u32 switching;				/* VGPU_SWITCH_* */
	struct vgpu_serial serial;
	struct vgpu_degrader degrader;
	struct vgpu_dumper dumper;
	struct vgpu_governor governor;
	struct vgpu_monitor monitor;
	struct vgpu_tidy tidy;
	const struct vgpu_policy *policy;
	struct list_head tenants;
	bool nested;				/* tenants count, see tenant.c */
	struct ida asids;
	struct vgpu_commons spaces;	/* address spaces */
	struct vgpu_commons contexts;
	struct vgpu_quota quota;	/* of contexts */
	struct vgpu_waitline contexts_line;	/* who waits for one */
	atomic_t last_context;			/* ids, from 1 */
	struct workqueue_struct *wq;
	/* of works that a dma_fence may wait for; none waits for another */
	struct workqueue_struct *signal_wq;
	bool paging;				/* contexts wait for memory; for good */
	struct delayed_work sample_work;
	u64 sample_from;		/* ktime ns: what the next one is about */
	struct llist_head woken;		/* queues whose wait is over */
	struct work_struct woken_work;
	spinlock_t ecc_lock;			/* what follows */
	unsigned int ecc_count;
	u64 ecc_page[VGPU_ECC_PENDING];		/* bad, not retired yet */
	struct work_struct ecc_work;
};

static inline u64 vgpu_engine_clock(const struct vgpu_engine *e)
{
	return e->gpu->ops->clock(e->gpu->hw, e->index);
}

static inline bool vgpu_engine_can_preempt(const struct vgpu_engine *e)
{
	return e->gpu->desc.caps & VGPU_HW_PREEMPT;
}

extern struct srcu_struct vgpu_unplug_srcu;

/* 0; -EAGAIN or -EIO: not on a GPU whose mediation fails. Any context. */
static inline int vgpu_degrade_call(struct vgpu_gpu *gpu, u32 call)
{
	if (likely(!READ_ONCE(gpu->degrader.d.step)))
		return 0;
	return vgpu_degrade_call_slow(gpu, call);
}

/* ecc.c. Any context: the page of VRAM at @addr went bad. */
void vgpu_ecc_event(struct vgpu_gpu *gpu, u64 addr);
void vgpu_ecc_init(struct vgpu_gpu *gpu);

/* Enters the unplug gate; false: the GPU is gone, nothing was entered. */
bool vgpu_gpu_enter(struct vgpu_gpu *gpu, int *idx);
void vgpu_gpu_leave(int idx);
void vgpu_gpu_sample_soon(struct vgpu_gpu *gpu);
/* gpu->lock held: slice and threshold in force, to every engine. */
void vgpu_gpu_apply_slices(struct vgpu_gpu *gpu);

/* settings.c; gpu->lock held: what is left out of switches, to every engine. */
void vgpu_gpu_apply_switching(struct vgpu_gpu *gpu);

/* governor.c; gpu->lock is held where not noted. */
void vgpu_governor_init(struct vgpu_gpu *gpu);
/* Any context, no lock: an engine got work. */
void vgpu_governor_arm(struct vgpu_gpu *gpu);
/* Any context: what can be set, or -ENOENT. */
int vgpu_governor_parse(const char *name);
void vgpu_governor_set(struct vgpu_gpu *gpu, int setting);
/* Works out what is in force; vgpu_gpu_apply_slices() follows. */
void vgpu_governor_shape(struct vgpu_gpu *gpu);
void vgpu_governor_get_info(struct vgpu_gpu *gpu,
			    struct vgpu_governor_info *info);

#endif /* _VGPU_CORE_GPU_H */
