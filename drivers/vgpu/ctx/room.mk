# SPDX-License-Identifier: GPL-2.0
vgpu-y += ctx/state.o ctx/image.o
vgpu-y += ctx/move.o ctx/switch.o ctx/predict.o
