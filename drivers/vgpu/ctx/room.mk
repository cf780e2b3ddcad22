# SPDX-License-Identifier: GPL-2.0
vgpu-y += ctx/state.o
vgpu-y += ctx/switch.o
