/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of vgpu_ctxbench.ko have in common. */
#ifndef _CTXBENCH_H
#define _CTXBENCH_H

#include <linux/types.h>

/* One figure, "key value" in the results. */
__printf(2, 3)
void cb_result(u64 value, const char *key, ...);

int cb_cost(void);
int cb_mixes(void);

#endif /* _CTXBENCH_H */
