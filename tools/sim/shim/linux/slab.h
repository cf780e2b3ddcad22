/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include <stdlib.h>

typedef unsigned int gfp_t;

#define GFP_KERNEL	0U

static inline void *kvcalloc(size_t n, size_t size, gfp_t flags)
{
	(void)flags;
	return calloc(n, size);
}

static inline void *kzalloc(size_t size, gfp_t flags)
{
	return kvcalloc(1, size, flags);
}

static inline void kvfree(void *ptr)
{
	free(ptr);
}

static inline void kfree(void *ptr)
{
	free(ptr);
}

#endif
