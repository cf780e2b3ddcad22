# SPDX-License-Identifier: GPL-2.0
# the objects
vgpu-y += core/main.o core/gpu.o core/instance.o core/client.o core/object.o
vgpu-y += core/queue.o core/timeline.o core/fence.o core/tenant.o core/settings.o
# the way of a command
vgpu-y += core/command.o core/ring.o core/look.o core/shpages.o
# what is seen of it
vgpu-y += core/event.o core/hist.o core/figures.o core/trace.o

vgpu-y += core/engine/engine.o core/engine/entity.o core/engine/units.o
vgpu-y += core/engine/hang.o core/engine/cancel.o
vgpu-y += core/engine/slice.o core/engine/preload.o core/engine/pad.o
vgpu-y += core/engine/bandwidth.o core/engine/serial.o core/engine/governor.o
vgpu-y += core/memory/paging.o core/memory/defrag.o core/memory/user.o
vgpu-y += core/memory/share.o core/memory/still.o
vgpu-y += core/access/access.o core/access/rule.o core/access/filter.o
vgpu-y += core/quota/quota.o core/quota/level.o core/quota/action.o
vgpu-y += core/quota/waitline.o core/quota/commons.o
vgpu-y += core/health/degrade.o core/health/step.o core/health/ecc.o
vgpu-y += core/health/dump.o
vgpu-y += core/image/freeze.o core/image/image.o core/image/save.o
vgpu-y += core/image/saver.o core/image/restore.o core/image/restorer.o
vgpu-y += core/image/memory.o core/image/queue.o core/image/state.o
vgpu-y += core/monitor/monitor.o core/monitor/history.o
vgpu-y += core/monitor/alarm.o core/monitor/tune.o
# the kernel's trace/define_trace.h looks for trace.h itself
CFLAGS_core/trace.o := -I$(src)/core
