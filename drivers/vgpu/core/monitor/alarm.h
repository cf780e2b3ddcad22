/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a figure is beyond its limit, or unlike itself. No clock, no lock. */
#ifndef _VGPU_CORE_ALARM_H
#define _VGPU_CORE_ALARM_H

#include <vgpu/monitor.h>

#define VGPU_ALARM_BELOW	3	/* samples in a row that end one: a limit's */
#define VGPU_ALARM_ODD		3	/* that begin an anomaly */
#define VGPU_ALARM_USUAL	8	/* that end one */
#define VGPU_ALARM_WARM_UP	32	/* before there are any anomalies */
#define VGPU_ALARM_BAND		4	/* deviations that are usual */

enum vgpu_alarm_news {
	VGPU_NEWS_LIMIT		= 0x1,
	VGPU_NEWS_LIMIT_OVER	= 0x2,
	VGPU_NEWS_ANOMALY	= 0x4,
	VGPU_NEWS_ANOMALY_OVER	= 0x8,
};

/**
 * struct vgpu_alarm - of one figure; what is all 0 is a new one
 * @over: it came to its limit
 * @below: samples in a row clearly below, since
 * @odd: it is unlike itself
 * @streak: samples in a row that are odd, or once it is, that are not
 * @seen: samples, up to VGPU_ALARM_WARM_UP
 * @mean16: sixteen times the moving mean
 * @deviation16: sixteen times the moving mean of absolute deviations
 */
struct vgpu_alarm {
	bool over;
	u32 below;
	bool odd;
	u32 streak;
	u32 seen;
	u64 mean16;
	u64 deviation16;
};

/*
 * A sample of @figure. @limit: 0: none; @anomalies: are they looked for? Returns
 * enum vgpu_alarm_news, with @out filled if it is not 0.
 */
u32 vgpu_alarm_feed(struct vgpu_alarm *a, enum vgpu_mon_figure figure, u64 value,
		    u64 limit, bool anomalies, struct vgpu_mon_alarm *out);

#endif /* _VGPU_CORE_ALARM_H */
