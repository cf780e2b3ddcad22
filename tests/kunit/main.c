// SPDX-License-Identifier: GPL-2.0
/* What makes one module of the suites; each suite registers itself. */
#include <linux/module.h>
#include <linux/random.h>

#include "seed.h"

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of tests that draw lots, from 1 on (default: another each time); not on 6.1, which runs them before it looks");

u32 kunit_seed(void)
{
	return seed ?: get_random_u32();
}

MODULE_DESCRIPTION("vgpu: KUnit suites");
MODULE_LICENSE("GPL");
