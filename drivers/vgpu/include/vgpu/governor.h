/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The governor: which of four modes a GPU's load calls for.  A mode is a length
 * of slices and a preemption threshold, the least engine time that who runs
 * keeps before one that wakes up may take the engine from it.
 *
 * Samples in, a mode out.  Like the rest of sched/ it has no clock, no timer and
 * no lock: the caller takes the samples, one every VGPU_GOV_PERIOD_NS while
 * anything runs, says what time it is, and sees to it that calls follow one
 * another.  Integers only, no allocation, every loop bounded by the history.
 */
#ifndef _VGPU_GOVERNOR_H
#define _VGPU_GOVERNOR_H

#include <linux/types.h>

#define VGPU_GOV_PERIOD_NS	(100ULL * 1000 * 1000)
#define VGPU_GOV_HISTORY	16	/* samples looked at */
#define VGPU_GOV_HISTORY_MIN	4	/* samples needed to decide */
#define VGPU_GOV_FULL		1000	/* permille */

/* No mode is left before that, so there are no more changes than that. */
#define VGPU_GOV_DWELL_NS		(1000ULL * 1000 * 1000)
#define VGPU_GOV_EMERGENCY_DWELL_NS	(5000ULL * 1000 * 1000)
/* A calmer mode has to have been called for all that time. */
#define VGPU_GOV_CALM_NS		(3000ULL * 1000 * 1000)

/* Where modes are entered and left; between the two nothing happens. */
#define VGPU_GOV_BUSY_ENTER	800	/* performance: demand, permille */
#define VGPU_GOV_BUSY_LEAVE	650
#define VGPU_GOV_CALM_ENTER	200	/* power-save: demand */
#define VGPU_GOV_CALM_LEAVE	350
#define VGPU_GOV_OVERHEAD_ENTER	150	/* emergency: time lost to switches */
#define VGPU_GOV_OVERHEAD_LEAVE	15
#define VGPU_GOV_MEMORY_ENTER	950	/* emergency: VRAM in use */
#define VGPU_GOV_MEMORY_LEAVE	900
#define VGPU_GOV_SHARED_ENTER	10	/* and switches a second */
#define VGPU_GOV_SHARED_LEAVE	1

enum vgpu_gov_mode {
	VGPU_GOV_EMERGENCY,
	VGPU_GOV_PERFORMANCE,
	VGPU_GOV_BALANCED,
	VGPU_GOV_POWER_SAVE,
	VGPU_GOV_MODES
};

enum vgpu_gov_reason {
	VGPU_GOV_LOAD,		/* demand crossed a threshold */
	VGPU_GOV_OVERHEAD,	/* switches take too much of the time */
	VGPU_GOV_MEMORY,	/* VRAM is nearly full and fought for */
	VGPU_GOV_RELIEF,	/* an emergency is over */
};

/**
 * struct vgpu_gov_sample - a GPU over one period; of several engines the most
 * @busy: time that something ran, in permille
 * @memory: VRAM in use, in permille
 * @overhead: time that switching took, in permille
 * @switches: contexts changed a second
 */
struct vgpu_gov_sample {
	u32 busy;
	u32 memory;
	u32 overhead;
	u32 switches;
};

/**
 * struct vgpu_gov_view - what the history says
 * @last: the latest sample
 * @mean: of busy
 * @deviation: of busy, less what a rising trend explains
 * @trend: of busy, permille a second; 0 when it explains less than half of the
 *	variance
 * @demand: what to be ready for: the mean, or where a rising trend comes to
 *	within the dwell time, and a deviation more
 * @overhead: mean
 * @switches: mean
 */
struct vgpu_gov_view {
	struct vgpu_gov_sample last;
	u32 mean;
	u32 deviation;
	s32 trend;
	u32 demand;
	u32 overhead;
	u32 switches;
};

/**
 * struct vgpu_gov_change - the governor chose another mode
 * @from: enum vgpu_gov_mode
 * @to: likewise
 * @reason: enum vgpu_gov_reason
 * @view: that it was chosen by
 */
struct vgpu_gov_change {
	enum vgpu_gov_mode from;
	enum vgpu_gov_mode to;
	enum vgpu_gov_reason reason;
	struct vgpu_gov_view view;
};

/**
 * struct vgpu_gov - the governor of a GPU; embed it
 * @mode: in force
 * @view: as of the last sample
 * @changes: of mode that the governor made itself
 * @entered: times that each mode was entered, by whomever
 * @time_ns: spent in each, up to the last call
 */
struct vgpu_gov {
	enum vgpu_gov_mode mode;
	struct vgpu_gov_view view;
	u64 changes;
	u64 entered[VGPU_GOV_MODES];
	u64 time_ns[VGPU_GOV_MODES];
	/* private: */
	struct vgpu_gov_sample ring[VGPU_GOV_HISTORY];
	unsigned int head;		/* of the next sample */
	unsigned int count;
	u64 since;			/* the mode was entered */
	u64 calm_since;			/* a calmer one is called for */
	u64 counted;			/* time_ns is as of then */
};

/* Without history; @mode is entered at @now. Figures of modes start from 0. */
void vgpu_gov_init(struct vgpu_gov *gov, enum vgpu_gov_mode mode, u64 now);
/* Somebody else wants @mode, which may be that in force. History goes. */
void vgpu_gov_set(struct vgpu_gov *gov, enum vgpu_gov_mode mode, u64 now);
/* No mode is in force any more, or one is again: time_ns stops, goes on. */
void vgpu_gov_stop(struct vgpu_gov *gov, u64 now);
/* For so many periods nothing ran, and no sample was taken. */
void vgpu_gov_idle(struct vgpu_gov *gov, u64 periods);
/* A sample; out of range is clamped. True: the mode is another one, @change. */
bool vgpu_gov_feed(struct vgpu_gov *gov, const struct vgpu_gov_sample *sample,
		   u64 now, struct vgpu_gov_change *change);
/* Brings time_ns up to @now. */
void vgpu_gov_count(struct vgpu_gov *gov, u64 now);

/*
 * What a mode means: the slice, unless @own_ns is one that somebody set by hand,
 * and the threshold, a part of the slice that counts.
 */
u64 vgpu_gov_slice(enum vgpu_gov_mode mode, u64 own_ns);
u64 vgpu_gov_threshold(enum vgpu_gov_mode mode, u64 slice_ns);

const char *vgpu_gov_mode_name(enum vgpu_gov_mode mode);

#endif /* _VGPU_GOVERNOR_H */
