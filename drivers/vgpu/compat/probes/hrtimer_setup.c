// SPDX-License-Identifier: GPL-2.0
/* hrtimer_setup() replaces hrtimer_init() since 6.13. */
/* needs-symbol: hrtimer_setup */
#include <linux/hrtimer.h>

void probe(struct hrtimer *t, enum hrtimer_restart (*fn)(struct hrtimer *t));
void probe(struct hrtimer *t, enum hrtimer_restart (*fn)(struct hrtimer *t))
{
	hrtimer_setup(t, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}
