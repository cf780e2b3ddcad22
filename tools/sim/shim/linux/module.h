/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_MODULE_H
#define _SHIM_MODULE_H

#include <linux/types.h>

/* No modules here; a count shows whether references balance. */
struct module {
	int refs;
};

#define THIS_MODULE	NULL

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
