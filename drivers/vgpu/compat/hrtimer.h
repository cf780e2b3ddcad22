/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_COMPAT_HRTIMER_H
#define _VGPU_COMPAT_HRTIMER_H

#include <linux/hrtimer.h>
#include <vgpu_compat_config.h>

/* A monotonic timer, relative, pinned to the CPU that starts it. */
static inline void vgpu_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*fn)(struct hrtimer *))
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer->function = fn;
#endif
}

/* A monotonic timer, absolute, that may take its time. */
static inline void vgpu_hrtimer_setup_soft(struct hrtimer *timer,
					   enum hrtimer_restart (*fn)(struct hrtimer *))
{
#ifdef HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	timer->function = fn;
#endif
}

#endif /* _VGPU_COMPAT_HRTIMER_H */
