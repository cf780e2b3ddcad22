# SPDX-License-Identifier: GPL-2.0
# the machine: also built in user space, by tests/isa
vgpu_soft-y += soft/model.o soft/launch.o soft/copy.o soft/state.o soft/vector.o soft/mmu.o
vgpu_soft-y += soft/isa_decode.o soft/isa_exec.o soft/isa_mem.o soft/isa_csr.o
# what drives it
vgpu_soft-y += soft/engine.o soft/bank.o soft/vram.o soft/gpu.o soft/pci.o soft/main.o
vgpu_soft-y += soft/inject.o soft/selftest.o
