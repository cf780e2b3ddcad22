/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_CONFIG_H
#define VGPUCTL_CONFIG_H

#include "attrs.h"

struct json_object;

/* A file that people read, too. */
#define CONFIG_JSON	(JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_PRETTY | \
			 JSON_C_TO_STRING_SPACED)

/* Of a GPU or vGPU as the kernel tells it, what can be set. */
struct json_object *config_settings(struct json_object *of, const struct attr_set *set,
				    const uint16_t *settable);

#endif /* VGPUCTL_CONFIG_H */
