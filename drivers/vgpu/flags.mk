# SPDX-License-Identifier: GPL-2.0
# Compiler flags of every vgpu module.  $(vgpu-top) is the top of the mirrored
# source tree; the caller sets it.

# <vgpu/….h> between rooms, <uapi/linux/vgpu….h> for what user space sees.
# generated/ holds vgpu_compat_config.h, the answers of compat/probe.sh.
ccflags-y += -I$(vgpu-top)/drivers/vgpu/include
ccflags-y += -I$(vgpu-top)/drivers/vgpu/compat
ccflags-y += -I$(vgpu-top)/include
ccflags-y += -I$(vgpu-top)/generated

ccflags-y += -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
ccflags-y += -Wno-sign-compare -Wno-type-limits -Wno-shift-negative-value
ccflags-y += -Wmissing-prototypes -Wmissing-declarations -Wunused-but-set-variable
ccflags-$(VGPU_WERROR) += -Werror

# 6.1 instruments only what asks for it
UBSAN_SANITIZE := y
