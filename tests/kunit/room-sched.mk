# SPDX-License-Identifier: GPL-2.0
vgpu_kunit-y += sched_sim.o
vgpu_kunit-y += sched_scenarios.o
vgpu_kunit-y += sched_policies.o sched_misbehave.o
vgpu_kunit-y += sched_governor.o sched_lines.o
vgpu_kunit-y += sched_kunit.o
