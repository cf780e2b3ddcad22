// SPDX-License-Identifier: GPL-2.0
/*
 * When mediation of a GPU fails: the decision, see vgpu/degrade.h.
 *
 * Steps lead down only.  A window without failures does not bring a GPU back: what
 * runs on it is less, so less fails.  Somebody has to have looked.
 */
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <vgpu/degrade.h>
#include <vgpu/kunit.h>

void vgpu_degrade_init(struct vgpu_degrade *d)
{
	memset(d, 0, sizeof(*d));
	d->rules.after[0] = 3;
	d->rules.after[1] = 6;
	d->rules.after[2] = 12;
	d->rules.window_s = 60;
}

bool vgpu_degrade_rules_ok(const struct vgpu_degrade_rules *rules)
{
	u32 least = 1;
	unsigned int i;

	for (i = 0; i < VGPU_DEGRADE_STEPS - 1; i++) {
		if (rules->after[i] < least ||
		    rules->after[i] > VGPU_DEGRADE_HISTORY)
			return false;
		least = rules->after[i];
	}
	return rules->window_s >= VGPU_DEGRADE_WINDOW_MIN_S &&
	       rules->window_s <= VGPU_DEGRADE_WINDOW_MAX_S;
}

/* Failures within the window. */
static u32 recent(const struct vgpu_degrade *d, u64 now)
{
	u64 window = (u64)d->rules.window_s * NSEC_PER_SEC;
	u32 i, n = 0;

	for (i = 0; i < d->count; i++)
		n += now - d->at[i] < window;
	return n;
}

static bool take(struct vgpu_degrade *d, enum vgpu_degrade_step step,
		 enum vgpu_degrade_reason reason, u64 now)
{
	if (step <= d->step)
		return false;
	d->step = step;
	d->reason = reason;
	d->since = now;
	return true;
}

bool vgpu_degrade_feed(struct vgpu_degrade *d, enum vgpu_degrade_reason reason,
		       u64 now)
{
	enum vgpu_degrade_step step = VGPU_DEGRADE_NORMAL;
	u32 n;

	if (d->last[reason] && now - d->last[reason] < VGPU_DEGRADE_SAME_NS)
		return false;
	d->last[reason] = now;
	d->failures++;
	d->at[d->head] = now;
	d->head = (d->head + 1) % VGPU_DEGRADE_HISTORY;
	d->count = min_t(u32, d->count + 1, VGPU_DEGRADE_HISTORY);

	n = recent(d, now);
	while (step < VGPU_DEGRADE_STOP && n >= d->rules.after[step])
		step++;
	return take(d, step, reason, now);
}

bool vgpu_degrade_go(struct vgpu_degrade *d, enum vgpu_degrade_step step,
		     u64 now)
{
	return take(d, step, VGPU_DEGRADE_BY_HAND, now);
}

bool vgpu_degrade_clear(struct vgpu_degrade *d, u64 now)
{
	bool was = d->step != VGPU_DEGRADE_NORMAL;

	d->step = VGPU_DEGRADE_NORMAL;
	d->reason = VGPU_DEGRADE_NONE;
	if (was)
		d->since = now;
	d->head = 0;
	d->count = 0;
	memset(d->last, 0, sizeof(d->last));
	return was;
}

VGPU_EXPORT_IF_KUNIT(vgpu_degrade_init);
VGPU_EXPORT_IF_KUNIT(vgpu_degrade_rules_ok);
VGPU_EXPORT_IF_KUNIT(vgpu_degrade_feed);
VGPU_EXPORT_IF_KUNIT(vgpu_degrade_go);
VGPU_EXPORT_IF_KUNIT(vgpu_degrade_clear);
