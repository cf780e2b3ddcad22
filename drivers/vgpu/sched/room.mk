# SPDX-License-Identifier: GPL-2.0
vgpu-y += sched/rq.o sched/policy.o sched/rr.o sched/fair.o
