# SPDX-License-Identifier: GPL-2.0
vgpu_kunit-y += soft_fixture.o soft_isa.o soft_mmu.o soft_launch.o
vgpu_kunit-y += soft_state.o soft_preempt.o soft_engine.o
vgpu_kunit-y += conformance.o conformance_ops.o
