/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_SLAB_H
#define _SHIM_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL		0
#define kcalloc(n, size, gfp)	calloc(n, size)
#define kzalloc(size, gfp)	calloc(1, size)
#define kvzalloc(size, gfp)	calloc(1, size)
#define kfree(p)		free(p)
#define kvfree(p)		free(p)

#endif /* _SHIM_SLAB_H */
