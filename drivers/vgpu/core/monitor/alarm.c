// SPDX-License-Identifier: GPL-2.0
/*
 * When a figure is worth an event.
 *
 * A limit is told of when a sample comes to it, and again when three in a row are more than
 * a tenth below it: once up, once down, however it flickers.
 *
 * An anomaly is a figure that is unlike what it was lately.  As TCP does with round trips
 * (V. Jacobson, "Congestion avoidance and control", 1988) a moving mean and a moving mean
 * absolute deviation are kept, which need no squares, no roots, and no history:
 *
 *	d += (|x - m| - d) / 16		m += (x - m) / 16
 *
 * Unlike is what is further from the mean than four deviations and a floor, which is what
 * nobody would mind (and an eighth of the mean, if that is more), three samples in a row:
 * of what varies as a bell curve does, four mean deviations are over three standard ones.
 * What is far out counts no more than two of these bands, so one odd sample does not make
 * the next ones usual; but a new level is usual after a while, and the anomaly is over when
 * eight samples in a row are.  That is told, too.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <vgpu/kunit.h>

#include "alarm.h"

#define MOST	(U64_MAX >> 12)	/* sixteen times all that is made of it fits */

static const u64 floors[VGPU_MON_FIGURES] = {
	[VGPU_MON_BUSY]		= 50,
	[VGPU_MON_MEMORY]	= 50,
	[VGPU_MON_BANDWIDTH]	= 4 << 20,
	[VGPU_MON_OVERHEAD]	= 20,
	[VGPU_MON_WAIT]		= NSEC_PER_MSEC / 2,
	[VGPU_MON_COMMANDS]	= 20,
};

static u32 feed_limit(struct vgpu_alarm *a, u64 value, u64 limit)
{
	if (!a->over) {
		a->below = 0;
		a->over = limit && value >= limit;
		return a->over ? VGPU_NEWS_LIMIT : 0;
	}
	/* one that was taken away is over at once */
	a->below = value < limit - limit / 10 || !limit ? a->below + 1 : 0;
	if (a->below < VGPU_ALARM_BELOW && limit)
		return 0;
	a->over = false;
	return VGPU_NEWS_LIMIT_OVER;
}

static u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

static u32 feed_anomaly(struct vgpu_alarm *a, u64 value, u64 floor,
			struct vgpu_mon_alarm *out)
{
	u64 mean = a->mean16 / 16, deviation = a->deviation16 / 16;
	u64 band = VGPU_ALARM_BAND * deviation + max(floor, mean / 8);
	u64 counts, off;
	bool odd;

	out->mean = mean;
	out->deviation = deviation;
	if (!a->seen) {
		a->mean16 = value * 16;
		a->seen = 1;
		return 0;
	}
	odd = distance(value, mean) > band;
	counts = value > mean ? min(value, mean + 2 * band) :
		 max(value, mean - min(mean, 2 * band));
	off = distance(counts, mean);
	a->deviation16 = a->deviation16 - deviation + off;
	a->mean16 = a->mean16 - mean + counts;
	if (a->seen < VGPU_ALARM_WARM_UP) {
		a->seen++;
		return 0;
	}
	a->streak = odd != a->odd ? a->streak + 1 : 0;
	if (a->streak < (a->odd ? VGPU_ALARM_USUAL : VGPU_ALARM_ODD))
		return 0;
	a->odd = !a->odd;
	a->streak = 0;
	return a->odd ? VGPU_NEWS_ANOMALY : VGPU_NEWS_ANOMALY_OVER;
}

u32 vgpu_alarm_feed(struct vgpu_alarm *a, enum vgpu_mon_figure figure, u64 value,
		    u64 limit, bool anomalies, struct vgpu_mon_alarm *out)
{
	u32 news;

	value = min(value, MOST);
	out->figure = figure;
	out->value = value;
	out->limit = limit;
	out->mean = 0;
	out->deviation = 0;
	news = feed_limit(a, value, limit);
	if (anomalies) {
		news |= feed_anomaly(a, value, floors[figure], out);
	} else {
		/* looked for again, it begins from the start */
		if (a->odd)
			news |= VGPU_NEWS_ANOMALY_OVER;
		a->odd = false;
		a->streak = 0;
		a->seen = 0;
		a->mean16 = 0;
		a->deviation16 = 0;
	}
	return news;
}

VGPU_EXPORT_IF_KUNIT(vgpu_alarm_feed);
