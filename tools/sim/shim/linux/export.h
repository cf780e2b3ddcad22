/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_EXPORT_H
#define _SHIM_EXPORT_H

/* There is nothing to export to. */
#define EXPORT_SYMBOL_NS_GPL(sym, ns)	struct shim_##ns##_##sym

#endif
