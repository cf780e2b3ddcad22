/* SPDX-License-Identifier: GPL-2.0 */
/* What the administrator changes, and how often. */
#ifndef VGPU_SOAK_ADMIN_H
#define VGPU_SOAK_ADMIN_H

#include <stdatomic.h>
#include <stdint.h>

enum setting {
	SETTING_POLICY, SETTING_SLICE, SETTING_TIMEOUT, SETTING_STRATEGY,
	SETTING_SWITCH, SETTING_CONTEXTS, SETTING_GOVERNOR, SETTING_WEIGHT,
	SETTING_PRIORITY, SETTING_BANDWIDTH, SETTING_RIGHTS, SETTING_QUOTA,
	SETTING_CAP, SETTING_OWN_SLICE, SETTING_GROUP_WEIGHT,
	SETTING_OVERCOMMIT, SETTING_AHEAD, SETTING_TIER, SETTING_THRESHOLD,
	SETTING_DEFRAG, SETTING_ACCESS, SETTING_PAD, SETTING_SERIAL,
	SETTING_LOOK,
	SETTING_END
};

struct settings {
	_Atomic uint64_t done[SETTING_END], refused[SETTING_END];
};

extern struct settings *settings;	/* shared by all processes */
extern const char *const setting_names[SETTING_END];

#endif /* VGPU_SOAK_ADMIN_H */
