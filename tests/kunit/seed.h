/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_KUNIT_SEED_H
#define _VGPU_KUNIT_SEED_H

#include <linux/types.h>

/* For a test that draws lots, and says with which one it failed. */
u32 kunit_seed(void);

#endif /* _VGPU_KUNIT_SEED_H */
