/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_KERNEL_H
#define _SHIM_KERNEL_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define min(a, b)	({ typeof(a) a_ = (a); typeof(b) b_ = (b); \
			   a_ < b_ ? a_ : b_; })
#define max(a, b)	({ typeof(a) a_ = (a); typeof(b) b_ = (b); \
			   a_ > b_ ? a_ : b_; })
#define min3(a, b, c)	min(min(a, b), c)
#define round_up(x, y)	((((x) - 1) | ((typeof(x))(y) - 1)) + 1)
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* _SHIM_KERNEL_H */
