// SPDX-License-Identifier: GPL-2.0
/*
 * How near to a quota, and the log of what was beyond one: decisions only, see
 * vgpu/quota.h.
 *
 * A warning at 80 per cent comes once, until use was below 75.  At 95 it is critical
 * until use is below 90; from there it can become critical again at once, but a
 * second warning would say nothing new.
 *
 * A tenant can be refused as fast as it can ask.  So the same on the same resource
 * within some seconds is one entry with a count, and one flood cannot push out more
 * than an entry each time.
 */
#include <linux/math64.h>
#include <linux/string.h>
#include <vgpu/kunit.h>
#include <vgpu/quota.h>

u32 vgpu_quota_percent(u64 used, u64 limit)
{
	if (!limit)
		return 0;
	if (used >= limit)
		return 100;
	return mul_u64_u64_div_u64(used, 100, limit);
}

enum vgpu_level vgpu_level_next(enum vgpu_level level, u64 used, u64 limit)
{
	u32 percent = vgpu_quota_percent(used, limit);

	if (percent >= VGPU_QUOTA_ALARM)
		return VGPU_LEVEL_CRITICAL;
	if (percent < VGPU_QUOTA_ARM)
		return VGPU_LEVEL_NORMAL;
	switch (level) {
	case VGPU_LEVEL_NORMAL:
		return percent >= VGPU_QUOTA_WARN ? VGPU_LEVEL_WARNING : level;
	case VGPU_LEVEL_CRITICAL:
		return percent < VGPU_QUOTA_EASE ? VGPU_LEVEL_EASED : level;
	default:
		return level;
	}
}

bool vgpu_level_tells(enum vgpu_level from, enum vgpu_level to)
{
	/* that it is over was said when it was no longer critical */
	return from != to &&
	       !(from == VGPU_LEVEL_EASED && to == VGPU_LEVEL_NORMAL);
}

bool vgpu_violation_log(struct vgpu_violations *log,
			const struct vgpu_violation *v)
{
	struct vgpu_violation *e;
	u64 seq;

	log->total++;
	for (seq = log->seq; seq && seq + VGPU_VIOLATIONS > log->seq; seq--) {
		e = &log->ring[seq % VGPU_VIOLATIONS];
		if (e->resource != v->resource || e->action != v->action)
			continue;
		if (v->time_ns - e->time_ns >= VGPU_VIOLATION_NS)
			break;
		e->count++;
		e->last_ns = v->time_ns;
		return false;
	}
	log->seq++;
	if (log->seq > VGPU_VIOLATIONS)
		log->lost++;
	e = &log->ring[log->seq % VGPU_VIOLATIONS];
	*e = *v;
	e->seq = log->seq;
	e->last_ns = v->time_ns;
	e->count = 1;
	return true;
}

const struct vgpu_violation *
vgpu_violation_at(const struct vgpu_violations *log, u64 from)
{
	u64 oldest = log->seq > VGPU_VIOLATIONS ?
		     log->seq - VGPU_VIOLATIONS + 1 : 1;

	if (from < oldest)
		from = oldest;
	return from <= log->seq ? &log->ring[from % VGPU_VIOLATIONS] : NULL;
}

VGPU_EXPORT_IF_KUNIT(vgpu_quota_percent);
VGPU_EXPORT_IF_KUNIT(vgpu_level_next);
VGPU_EXPORT_IF_KUNIT(vgpu_level_tells);
VGPU_EXPORT_IF_KUNIT(vgpu_violation_log);
VGPU_EXPORT_IF_KUNIT(vgpu_violation_at);
