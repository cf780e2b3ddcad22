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

#define VGPU_MON_SET_PERIOD	0x1

/**
 * struct vgpu_mon_settings - of a GPU's monitor
 * @mask: VGPU_MON_SET_*: which of the fields count, when it is set
 * @period_ms: between samples, 0: none are taken
 */
struct vgpu_mon_settings {
	u32 mask;
	u32 period_ms;
};

#endif /* _VGPU_MONITOR_H */
