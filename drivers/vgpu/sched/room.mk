# SPDX-License-Identifier: GPL-2.0
vgpu-y += sched/rq.o sched/settings.o sched/policy.o sched/governor.o sched/lines.o
vgpu-y += sched/rr.o sched/fair.o sched/prio.o sched/mlfq.o sched/caps.o
