/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What vgpu_kunit.ko may reach inside vgpu.ko.  The symbols have a namespace
 * of their own, which no other module imports, and are exported only to
 * kernels that have KUnit at all.
 */
#ifndef _VGPU_KUNIT_H
#define _VGPU_KUNIT_H

#include <linux/export.h>
#include <linux/module.h>

#if IS_ENABLED(CONFIG_KUNIT)
#define VGPU_EXPORT_IF_KUNIT(sym)	EXPORT_SYMBOL_NS_GPL(sym, VGPU_KUNIT)
#else
#define VGPU_EXPORT_IF_KUNIT(sym)
#endif

#endif /* _VGPU_KUNIT_H */
