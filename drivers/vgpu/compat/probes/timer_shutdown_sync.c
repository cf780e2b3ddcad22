// SPDX-License-Identifier: GPL-2.0
/* timer_shutdown_sync() came in 6.2. */
/* needs-symbol: timer_shutdown_sync */
#include <linux/timer.h>

void probe(struct timer_list *timer);
void probe(struct timer_list *timer)
{
	timer_shutdown_sync(timer);
}
