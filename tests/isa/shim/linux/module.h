/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MODULE_H
#define _SHIM_MODULE_H

#include <linux/bits.h>

struct module;

#endif /* _SHIM_MODULE_H */
