# SPDX-License-Identifier: GPL-2.0
vgpu_guest-y += guest/main.o guest/admin.o guest/node.o guest/call.o
vgpu_guest-y += guest/bo.o guest/mmap.o guest/timeline.o guest/ring.o
