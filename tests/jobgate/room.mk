# SPDX-License-Identifier: GPL-2.0
vgpu_jobgate-y += jobgate.o
