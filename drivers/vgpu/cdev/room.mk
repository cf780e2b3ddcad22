# SPDX-License-Identifier: GPL-2.0
vgpu-y += cdev/main.o cdev/node.o cdev/mmap.o cdev/ctl.o
