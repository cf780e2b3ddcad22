# SPDX-License-Identifier: GPL-2.0
vgpu_kunit-y += main.o
