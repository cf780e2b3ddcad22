# SPDX-License-Identifier: GPL-2.0
vgpu_kunit-y += core_mock.o
vgpu_kunit-y += core_engine.o core_queues.o core_callback.o core_access.o core_pad.o
vgpu_kunit-y += core_quota.o core_degrade.o core_pool.o core_units.o core_settings.o
vgpu_kunit-y += core_ecc.o core_preload.o core_governor.o core_paging.o core_defrag.o
vgpu_kunit-y += core_image.o core_dump.o core_serial.o core_fence.o core_monitor.o
vgpu_kunit-y += core_look.o core_commons.o
