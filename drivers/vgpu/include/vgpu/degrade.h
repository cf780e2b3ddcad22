/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When mediation of a GPU fails: how much of it goes on.
 *
 * Failures in, a step out.  No clock, no lock: the caller says what time it is and holds
 * one.  Integers only, no allocation, every loop bounded by the history.
 */
#ifndef _VGPU_DEGRADE_H
#define _VGPU_DEGRADE_H

#include <linux/types.h>

enum vgpu_degrade_step {
	VGPU_DEGRADE_NORMAL,
	VGPU_DEGRADE_BASIC,	/* only what is there goes on */
	VGPU_DEGRADE_DENY,	/* nothing new runs; what runs ends */
	VGPU_DEGRADE_STOP,	/* nothing runs */
	VGPU_DEGRADE_STEPS
};

/* What failed of us, or of the backend: never what a tenant does wrong. */
enum vgpu_degrade_reason {
	VGPU_DEGRADE_NONE,
	VGPU_DEGRADE_BY_HAND,	/* nothing: somebody wanted the step */
	VGPU_DEGRADE_RESET,	/* an engine could not be reset */
	VGPU_DEGRADE_CONTRACT,	/* a backend answered what it was not asked */
	VGPU_DEGRADE_SAVE,	/* a backend saved more state than there can be */
	VGPU_DEGRADE_POLICY,	/* a policy was ejected */
	VGPU_DEGRADE_UNITS,	/* compute units were lost */
	VGPU_DEGRADE_REASONS
};

#define VGPU_DEGRADE_HISTORY	64
/* The same again within that is one failure with more than one symptom. */
#define VGPU_DEGRADE_SAME_NS	(100ULL * 1000 * 1000)
#define VGPU_DEGRADE_WINDOW_MIN_S	1
#define VGPU_DEGRADE_WINDOW_MAX_S	3600

/**
 * struct vgpu_degrade_rules - when to take a step
 * @after: failures within the window that lead to each step but the first, 1 to
 *	VGPU_DEGRADE_HISTORY, not falling
 * @window_s: VGPU_DEGRADE_WINDOW_MIN_S to _MAX_S
 */
struct vgpu_degrade_rules {
	u32 after[VGPU_DEGRADE_STEPS - 1];
	u32 window_s;
};

/**
 * struct vgpu_degrade - of a GPU; embed it
 * @rules: see there
 * @step: enum vgpu_degrade_step
 * @reason: of the step
 * @since: when it was taken
 * @failures: that counted, ever
 */
struct vgpu_degrade {
	struct vgpu_degrade_rules rules;
	enum vgpu_degrade_step step;
	enum vgpu_degrade_reason reason;
	u64 since;
	u64 failures;
	/* private: */
	u64 last[VGPU_DEGRADE_REASONS];
	u64 at[VGPU_DEGRADE_HISTORY];
	u32 head;
	u32 count;
};

void vgpu_degrade_init(struct vgpu_degrade *d);
bool vgpu_degrade_rules_ok(const struct vgpu_degrade_rules *rules);
/* Something failed at @now. True: that led to another step. */
bool vgpu_degrade_feed(struct vgpu_degrade *d, enum vgpu_degrade_reason reason,
		       u64 now);
/* By hand, further down only. True: it is another step. */
bool vgpu_degrade_go(struct vgpu_degrade *d, enum vgpu_degrade_step step,
		     u64 now);
/* To normal, and what failed so far counts no more. True: it was not. */
bool vgpu_degrade_clear(struct vgpu_degrade *d, u64 now);

#endif /* _VGPU_DEGRADE_H */
