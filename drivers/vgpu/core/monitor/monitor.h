/* SPDX-License-Identifier: GPL-2.0 */
/* The performance monitor of a GPU, see monitor.c. */
#ifndef _VGPU_CORE_MONITOR_H
#define _VGPU_CORE_MONITOR_H

#include <linux/workqueue.h>

#include "../hist.h"
#include "alarm.h"
#include "history.h"
#include "tune.h"

struct vgpu_gpu;

/* Figures of an engine as of a moment. */
struct vgpu_mon_mark {
	u64 idle_ns;
	u64 switch_ns;
	u64 switches;
	u64 preemptions;
	u64 jobs;
	u64 service;
};

/**
 * struct vgpu_monitor - under gpu->lock, but for what is noted
 * @history: of the GPU
 * @period_ms: of samples, 0: off; also read without the lock
 * @work: takes the next sample
 * @from_ns: ktime of when that was armed; written by who armed it
 * @looked_ns: ktime of the last look at the engines
 * @mark: of each engine, as of then
 * @copied: by copies of all vGPUs, bytes; no lock
 * @copied_mark: as of the last look
 * @waits: of the sample that is taken
 * @limit: of figures, 0: none
 * @anomalies: they are looked for
 * @alarm: of figures
 * @idle: samples in a row in which nothing ran
 * @tuner: of knobs
 * @batch: commands taken from a ring at once; also read without the lock
 * @pool_short: of all pools of VRAM, as of the last look, see tune.h
 * @pool_hits: likewise
 */
struct vgpu_monitor {
	struct vgpu_history history;
	u32 period_ms;
	struct delayed_work work;
	u64 from_ns;
	u64 looked_ns;
	struct vgpu_mon_mark mark[VGPU_MAX_ENGINES];
	atomic64_t copied;
	u64 copied_mark;
	struct vgpu_hist waits;
	u64 limit[VGPU_MON_FIGURES];
	bool anomalies;
	struct vgpu_alarm alarm[VGPU_MON_FIGURES];
	u32 idle;
	struct vgpu_tuner tuner[VGPU_KNOBS];
	u32 batch;
	u64 pool_short;
	u64 pool_hits;
};

/* -ENOMEM. The engines are not there yet. */
int vgpu_monitor_init(struct vgpu_gpu *gpu);
/* Nothing arms it any more. May be called without vgpu_monitor_init(). */
void vgpu_monitor_fini(struct vgpu_gpu *gpu);
/* Any context, no lock: an engine got work. */
void vgpu_monitor_arm(struct vgpu_gpu *gpu);
/* gpu->lock held. 0, -EINVAL or -ERANGE, and a reason. */
int vgpu_monitor_check(const struct vgpu_gpu *gpu,
		       const struct vgpu_mon_settings *set,
		       struct vgpu_refusal *why);
/* gpu->lock held; @set was checked. */
void vgpu_monitor_set(struct vgpu_gpu *gpu, const struct vgpu_mon_settings *set);
/* gpu->lock held. */
void vgpu_monitor_get_info(const struct vgpu_gpu *gpu,
			   struct vgpu_mon_settings *out);

#endif /* _VGPU_CORE_MONITOR_H */
