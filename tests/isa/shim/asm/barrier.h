/* SPDX-License-Identifier: GPL-2.0 */
#define smp_mb()	__sync_synchronize()
