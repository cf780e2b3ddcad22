/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quotas at work: how near a vGPU is to one, and what it asked for beyond it.
 *
 * The first part has no clock and no lock: whoever calls says what time it is and
 * holds a lock.  Integers only, no allocation, every loop bounded.
 */
#ifndef _VGPU_QUOTA_H
#define _VGPU_QUOTA_H

#include <linux/types.h>

/* What there is a quota of. */
enum vgpu_resource {
	VGPU_RES_MEMORY,	/* VRAM of a vGPU, bytes */
	VGPU_RES_BANDWIDTH,	/* of its copies, bytes a second */
	VGPU_RES_CONTEXTS,	/* of all vGPUs of a GPU together */
	VGPU_RES_CLIENTS,	/* of a vGPU */
	VGPU_RES_HANDLES,	/* of a client */
	VGPU_RESOURCES
};

/* What becomes of who asks for more. */
enum vgpu_quota_action {
	VGPU_QUOTA_REJECT,	/* the call fails */
	VGPU_QUOTA_QUEUE,	/* the call waits for room, first come first served */
	VGPU_QUOTA_THROTTLE,	/* turns are withheld in proportion */
	VGPU_QUOTA_PREEMPT,	/* work is stopped until use is well below */
	VGPU_QUOTA_ACTIONS
};

/* ---------------------------------------------------------------- levels */

/* Per cent of the quota. Between leaving and entering nothing happens. */
#define VGPU_QUOTA_WARN		80	/* a warning, again only after */
#define VGPU_QUOTA_ARM		75	/* use was below that */
#define VGPU_QUOTA_ALARM	95	/* critical, until */
#define VGPU_QUOTA_EASE		90	/* use is below that */

enum vgpu_level {
	VGPU_LEVEL_NORMAL,
	VGPU_LEVEL_WARNING,
	VGPU_LEVEL_CRITICAL,
	VGPU_LEVEL_EASED,	/* it was critical, and no warning is due again yet */
};

/* Of a whole; 100 and more is 100, a quota of 0 is none. */
u32 vgpu_quota_percent(u64 used, u64 limit);
/* Where @used of @limit leads from @level. */
enum vgpu_level vgpu_level_next(enum vgpu_level level, u64 used, u64 limit);
/* Is anybody told when that changes to this? */
bool vgpu_level_tells(enum vgpu_level from, enum vgpu_level to);

/* ------------------------------------------------------------ violations */

#define VGPU_VIOLATIONS		64	/* remembered of a vGPU */
#define VGPU_VIOLATION_NS	(10ULL * 1000 * 1000 * 1000)

/**
 * struct vgpu_violation - somebody asked for more than the quota
 * @seq: of all of this vGPU, from 1
 * @time_ns: CLOCK_BOOTTIME of the first
 * @wall_ns: CLOCK_REALTIME likewise
 * @last_ns: CLOCK_BOOTTIME of the last
 * @resource: enum vgpu_resource
 * @action: enum vgpu_quota_action: what was done
 * @count: how often the same within VGPU_VIOLATION_NS of the first
 * @asked: how much, the first time
 * @limit: the quota then
 * @used: of it, then
 * @pid: of who asked, or opened the vGPU
 * @comm: its name
 */
struct vgpu_violation {
	u64 seq;
	u64 time_ns;
	u64 wall_ns;
	u64 last_ns;
	u32 resource;
	u32 action;
	u64 count;
	u64 asked;
	u64 limit;
	u64 used;
	s32 pid;
	char comm[16];
};

/**
 * struct vgpu_violations - the latest; embed it
 * @seq: of the newest
 * @total: how often there was one, those of one entry counted one by one
 * @lost: entries that newer ones took the place of
 * @ring: entry n is at n % VGPU_VIOLATIONS
 */
struct vgpu_violations {
	u64 seq;
	u64 total;
	u64 lost;
	struct vgpu_violation ring[VGPU_VIOLATIONS];
};

/*
 * Takes note of @v, whose times are set but for @last_ns. False: it was the same as one
 * that is not old, and only counted there.
 */
bool vgpu_violation_log(struct vgpu_violations *log,
			const struct vgpu_violation *v);
/* The oldest entry at or after @from (of seq) that is still there, or NULL. */
const struct vgpu_violation *
vgpu_violation_at(const struct vgpu_violations *log, u64 from);

#endif /* _VGPU_QUOTA_H */
