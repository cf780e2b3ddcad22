/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The performance monitor: what a GPU did lately, sample by sample.
 * A part of the contract in <vgpu/face.h>.
 */
#ifndef _VGPU_MONITOR_H
#define _VGPU_MONITOR_H

#include <linux/types.h>
#include <vgpu/face_refusal.h>

struct vgpu_gpu;

#define VGPU_HISTORY		1000	/* samples, then the oldest goes */
#define VGPU_MON_SHARES		64	/* vGPUs of a GPU at once */
#define VGPU_MON_PERIOD_MS	1000
#define VGPU_MON_PERIOD_MIN_MS	50
#define VGPU_MON_PERIOD_MAX_MS	3600000

enum vgpu_mon_figure {
	VGPU_MON_BUSY,		/* permille of the time, of the busiest engine */
	VGPU_MON_MEMORY,	/* permille of VRAM in use */
	VGPU_MON_BANDWIDTH,	/* bytes copied a second */
	VGPU_MON_OVERHEAD,	/* permille of the time that switches took, likewise */
	VGPU_MON_WAIT,		/* ns, 99th percentile: accepted until it first ran */
	VGPU_MON_COMMANDS,	/* that began to run, a second */
	VGPU_MON_FIGURES
};

/**
 * struct vgpu_mon_sample - a GPU over one period
 * @seq: from 1 on, never reused
 * @time_ns: CLOCK_BOOTTIME of its end
 * @span_ns: what it is about; a GPU that idles is not looked at
 * @figure: enum vgpu_mon_figure
 * @memory_used: bytes of VRAM
 * @memory_promised: bytes that quotas stand for
 * @wait_p50_ns: median of what VGPU_MON_WAIT is of
 * @switches: contexts changed
 * @preemptions: commands stopped midway
 * @engines: of @engine
 * @engine: permille of the time that each was busy
 */
struct vgpu_mon_sample {
	u64 seq;
	u64 time_ns;
	u64 span_ns;
	u64 figure[VGPU_MON_FIGURES];
	u64 memory_used;
	u64 memory_promised;
	u64 wait_p50_ns;
	u32 switches;
	u32 preemptions;
	u32 engines;
	u16 engine[VGPU_MAX_ENGINES];
};

/**
 * struct vgpu_mon_share - of a vGPU in a sample
 * @id: whose
 * @received: permille of the service of all engines, by their units
 * @entitled: likewise, that it was due
 * @memory_used: bytes of VRAM
 */
struct vgpu_mon_share {
	u32 id;
	u16 received;
	u16 entitled;
	u64 memory_used;
};

/**
 * struct vgpu_mon_record - a sample, and the vGPUs of that time that are there still
 * @shares: of @share
 */
struct vgpu_mon_record {
	struct vgpu_mon_sample sample;
	u32 shares;
	struct vgpu_mon_share share[VGPU_MON_SHARES];
};

/*
 * The first sample from number @from on.  -ENOENT: there is none yet; -ENODEV.  A higher
 * number than @from says that those before it are forgotten.
 */
int vgpu_gpu_get_history(struct vgpu_gpu *gpu, u64 from,
			 struct vgpu_mon_record *out);

/* What the monitor may set by itself, a step at a time. */
enum vgpu_knob {
	VGPU_KNOB_SLICE,	/* ns; of a GPU whose slice is neither set by hand nor governed */
	VGPU_KNOB_THRESHOLD,	/* ns that who runs keeps from who wakes up; likewise */
	VGPU_KNOB_BATCH,	/* commands taken from a ring before others have a turn */
	VGPU_KNOB_POOL,		/* blocks that each pool of VRAM may hold at most */
	VGPU_KNOBS
};

enum vgpu_tune_mode {
	VGPU_TUNE_OFF,		/* it is as if it had never been tuned */
	VGPU_TUNE_DRY_RUN,	/* what would be done is told, and not done */
	VGPU_TUNE_ON,
	VGPU_TUNE_MODES
};

/**
 * struct vgpu_mon_alarm - a figure is beyond its limit, or unlike itself; or no more
 * @figure: enum vgpu_mon_figure
 * @value: that decided
 * @limit: that was set; not of anomalies
 * @mean: what was usual, of anomalies
 * @deviation: and how far from it was usual
 */
struct vgpu_mon_alarm {
	u32 figure;
	u64 value;
	u64 limit;
	u64 mean;
	u64 deviation;
};

/**
 * struct vgpu_tune_change - a step of a knob
 * @knob: enum vgpu_knob
 * @mode: enum vgpu_tune_mode: was it taken?
 * @figure: enum vgpu_mon_figure, that called for it
 * @value: of that
 * @before: of the knob
 * @after: likewise
 */
struct vgpu_tune_change {
	u32 knob;
	u32 mode;
	u32 figure;
	u64 value;
	u64 before;
	u64 after;
};

#define VGPU_MON_SET_PERIOD	0x1
#define VGPU_MON_SET_ANOMALIES	0x2
#define VGPU_MON_SET_LIMIT(figure)	(0x100U << (figure))
#define VGPU_MON_SET_TUNE(knob)		(0x10000U << (knob))
#define VGPU_MON_SET_MIN(knob)		(0x100000U << (knob))
#define VGPU_MON_SET_MAX(knob)		(0x1000000U << (knob))
#define VGPU_MON_SET_ALL	0xfff3f03U

/**
 * struct vgpu_mon_settings - of a GPU's monitor
 * @mask: VGPU_MON_SET_*: which of the fields count, when it is set
 * @period_ms: between samples, 0: none are taken, and nothing is tuned
 * @limit: of each figure, from which on an event tells; 0: none
 * @anomalies: what is unlike itself is told
 * @tune: enum vgpu_tune_mode, of each knob
 * @min: to which it may be tuned
 * @max: likewise
 * @batch: in force; not to be set
 * @pool: likewise
 */
struct vgpu_mon_settings {
	u32 mask;
	u32 period_ms;
	u64 limit[VGPU_MON_FIGURES];
	bool anomalies;
	u8 tune[VGPU_KNOBS];
	u64 min[VGPU_KNOBS];
	u64 max[VGPU_KNOBS];
	u32 batch;
	u32 pool;
};

#endif /* _VGPU_MONITOR_H */
