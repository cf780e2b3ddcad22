/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL	0

#define kzalloc(size, gfp)	calloc(1, size)
#define kfree(ptr)		free(ptr)
#define kvcalloc(n, size, gfp)	calloc(n, size)
#define kvzalloc(size, gfp)	calloc(1, size)
#define kvfree(ptr)		free((void *)(ptr))

#endif
