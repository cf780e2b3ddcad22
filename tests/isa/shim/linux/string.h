/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_STRING_H
#define _SHIM_STRING_H

#include <string.h>
#include <linux/types.h>

static inline void memset32(u32 *p, u32 v, size_t count)
{
	while (count--)
		*p++ = v;
}

#endif /* _SHIM_STRING_H */
