/* SPDX-License-Identifier: GPL-2.0 */
/* Tuning of knobs by samples, see tune.c. No clock, no lock. */
#ifndef _VGPU_CORE_TUNE_H
#define _VGPU_CORE_TUNE_H

#include <vgpu/monitor.h>

#define VGPU_TUNE_VOTES		4	/* samples in a row that call for a step */
#define VGPU_TUNE_PATIENCE_MAX	64	/* of one that turned round too often */
#define VGPU_TUNE_DRY_HOLD	60	/* samples between the same advice */

/**
 * struct vgpu_tune_view - what knobs are tuned by
 * @figure: of a sample
 * @switches: contexts changed
 * @preemptions: commands stopped midway
 * @slice_ns: in force
 * @pool_short: requests that found a pool empty that may hold no more
 * @pool_hits: requests that pools served
 */
struct vgpu_tune_view {
	u64 figure[VGPU_MON_FIGURES];
	u32 switches;
	u32 preemptions;
	u64 slice_ns;
	u64 pool_short;
	u64 pool_hits;
};

/**
 * struct vgpu_tuner - of one knob
 * @mode: enum vgpu_tune_mode
 * @min: it is never set lower
 * @max: nor higher
 * @value: that it was set to, 0 if @moved is not true
 * @moved: it was
 * @votes: samples in a row that called for @toward
 * @toward: 1, -1 or 0
 * @last: direction of the last step
 * @patience: votes that one back needs
 * @hold: samples until the next step may be
 */
struct vgpu_tuner {
	enum vgpu_tune_mode mode;
	u64 min;
	u64 max;
	u64 value;
	bool moved;
	u32 votes;
	int toward;
	int last;
	u32 patience;
	u32 hold;
};

/* Off, with the bounds that the knob has. */
void vgpu_tuner_init(struct vgpu_tuner *t, enum vgpu_knob knob);
/* Another mode begins from the start: what was tuned is undone. */
void vgpu_tuner_set(struct vgpu_tuner *t, enum vgpu_tune_mode mode, u64 min,
		    u64 max);
/* Are these bounds? */
bool vgpu_tune_bounds_ok(enum vgpu_knob knob, u64 min, u64 max);
/* A sample; @base: of the knob, untuned. True: @change. */
bool vgpu_tuner_feed(struct vgpu_tuner *t, enum vgpu_knob knob, u64 base,
		     const struct vgpu_tune_view *view,
		     struct vgpu_tune_change *change);

/* What the knob is to be, @base untuned. */
static inline u64 vgpu_tuned(const struct vgpu_tuner *t, u64 base)
{
	return t->mode == VGPU_TUNE_ON && t->moved ? t->value : base;
}

#endif /* _VGPU_CORE_TUNE_H */
