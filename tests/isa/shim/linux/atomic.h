/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_ATOMIC_H
#define _SHIM_ATOMIC_H

#define cmpxchg(p, old, new)	__sync_val_compare_and_swap(p, old, new)

#endif /* _SHIM_ATOMIC_H */
