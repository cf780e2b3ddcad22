// SPDX-License-Identifier: GPL-2.0
/* follow_pfnmap_start() replaces follow_pte() since 6.12. */
#include <linux/mm.h>

int probe(struct follow_pfnmap_args *args);
int probe(struct follow_pfnmap_args *args)
{
	return follow_pfnmap_start(args);
}
