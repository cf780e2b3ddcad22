# SPDX-License-Identifier: GPL-2.0
vgpu_kunit-y += mem_mock.o
vgpu_kunit-y += mem_account.o
vgpu_kunit-y += mem_vram.o
vgpu_kunit-y += mem_map.o
vgpu_kunit-y += mem_harvest.o
vgpu_kunit-y += mem_pool.o
vgpu_kunit-y += mem_pressure.o
vgpu_kunit-y += mem_race.o
vgpu_kunit-y += mem_host.o
vgpu_kunit-y += mem_tenant.o mem_residency.o mem_victims.o mem_thrash.o mem_ahead.o mem_cold.o
vgpu_kunit-y += mem_plan.o defrag_scene.o mem_defrag.o mem_defrag_move.o
vgpu_kunit-y += ctx_switch.o ctx_blocks.o ctx_predict.o
