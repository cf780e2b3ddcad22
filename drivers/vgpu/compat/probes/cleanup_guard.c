// SPDX-License-Identifier: GPL-2.0
/* guard() and __free() came in 6.5. */
#include <linux/cleanup.h>
#include <linux/mutex.h>

void probe(struct mutex *m);
void probe(struct mutex *m)
{
	guard(mutex)(m);
}
