/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MATH64_H
#define _SHIM_MATH64_H

#define div_u64(a, b)	((a) / (u32)(b))
#define mul_u64_u64_shr(a, b, shift) \
	((u64)(((__uint128_t)(a) * (b)) >> (shift)))

#endif /* _SHIM_MATH64_H */
