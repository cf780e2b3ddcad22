// SPDX-License-Identifier: GPL-2.0
/* What makes one module of the suites; each suite registers itself. */
#include <linux/module.h>

MODULE_DESCRIPTION("vgpu: KUnit suites");
MODULE_LICENSE("GPL");
