/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MATH64_H
#define _SHIM_MATH64_H

#define div_u64(a, b)	((a) / (u32)(b))

#endif /* _SHIM_MATH64_H */
