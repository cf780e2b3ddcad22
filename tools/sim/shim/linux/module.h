/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MODULE_H
#define _SHIM_MODULE_H

#include <linux/types.h>

/* No modules here; a count shows whether references balance. */
struct module {
	int refs;
};

#define THIS_MODULE	NULL

#define __init
#define __exit
#define MODULE_DESCRIPTION(text)	_Static_assert(sizeof(text), "a string")
#define MODULE_LICENSE(text)		_Static_assert(sizeof(text), "a string")
#define MODULE_IMPORT_NS(ns)		struct shim_import_##ns

/* A module is loaded before main() and never unloaded. */
#define module_init(fn)							\
static void __attribute__((constructor)) shim_load_##fn(void)		\
{									\
	fn();								\
}									\
struct shim_##fn

#define module_exit(fn)							\
static __attribute__((unused)) void (*shim_unload_##fn)(void) = fn

static inline bool try_module_get(struct module *module)
{
	if (module)
		module->refs++;
	return true;
}

static inline void module_put(struct module *module)
{
	if (module)
		module->refs--;
}

/* This is no kernel: none of its options is set. */
#define IS_ENABLED(CONFIG_OPTION)	(0 && (CONFIG_OPTION))

#endif
