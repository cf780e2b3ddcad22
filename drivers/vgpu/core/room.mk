# SPDX-License-Identifier: GPL-2.0
vgpu-y += core/main.o core/gpu.o core/instance.o core/client.o core/object.o
vgpu-y += core/queue.o core/ring.o core/command.o core/engine.o
vgpu-y += core/slice.o core/preload.o core/entity.o
vgpu-y += core/timeline.o core/shpages.o core/bandwidth.o core/hist.o
vgpu-y += core/event.o core/ecc.o core/units.o core/tenant.o core/settings.o
vgpu-y += core/figures.o core/governor.o core/trace.o core/paging.o
vgpu-y += core/defrag.o core/user.o core/share.o core/filter.o core/rule.o
vgpu-y += core/access.o core/level.o core/quota.o core/pad.o
vgpu-y += core/action.o core/waitline.o core/step.o core/degrade.o
vgpu-y += core/freeze.o core/image.o core/save.o core/restore.o
# the kernel's trace/define_trace.h looks for trace.h itself
CFLAGS_core/trace.o := -I$(src)/core
