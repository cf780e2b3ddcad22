# SPDX-License-Identifier: GPL-2.0
vgpu_vfio-y += vfio/main.o vfio/mdev.o vfio/attr.o vfio/device.o
vgpu_vfio-y += vfio/config.o vfio/regs.o vfio/region.o vfio/map.o vfio/irq.o
vgpu_vfio-y += vfio/admin.o vfio/client.o vfio/pin.o
