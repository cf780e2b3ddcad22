/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_BITOPS_H
#define _SHIM_BITOPS_H

#include <linux/bits.h>

#define __ffs64(x)	((unsigned int)__builtin_ctzll(x))

#endif /* _SHIM_BITOPS_H */
