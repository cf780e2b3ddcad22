// SPDX-License-Identifier: GPL-2.0
/* Always true: shows that probing works at all. */
#include <linux/module.h>

int probe(void);
int probe(void)
{
	return 0;
}
