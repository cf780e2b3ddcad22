# SPDX-License-Identifier: GPL-2.0
vgpu-y += nl/family.o nl/gen.o nl/gpu.o nl/switching.o nl/mem.o nl/type.o nl/vgpu.o nl/vgpu_get.o nl/sched.o nl/event.o nl/access.o nl/quota.o nl/degrade.o nl/monitor.o
