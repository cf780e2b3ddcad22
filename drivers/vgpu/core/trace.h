/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what the engines do, as perf, trace-cmd and Perfetto see it
 * (events/vgpu in tracefs). An engine runs from a vgpu_run to the next
 * vgpu_stop of the same GPU and engine, or until the GPU goes. All are called
 * in atomic context, under the engine's lock, but for vgpu_quota and
 * vgpu_governor. Like all tracepoints: for people who look, no stable interface.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vgpu

#if !defined(_VGPU_CORE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VGPU_CORE_TRACE_H

#include <linux/tracepoint.h>

#include "core_priv.h"

/* for who reads the raw records: names of values */
TRACE_DEFINE_ENUM(VGPU_CMD_COPY);
TRACE_DEFINE_ENUM(VGPU_CMD_FILL);
TRACE_DEFINE_ENUM(VGPU_CMD_LAUNCH);
TRACE_DEFINE_ENUM(VGPU_GOV_EMERGENCY);
TRACE_DEFINE_ENUM(VGPU_GOV_PERFORMANCE);
TRACE_DEFINE_ENUM(VGPU_GOV_BALANCED);
TRACE_DEFINE_ENUM(VGPU_GOV_POWER_SAVE);
TRACE_DEFINE_ENUM(VGPU_GOV_LOAD);
TRACE_DEFINE_ENUM(VGPU_GOV_OVERHEAD);
TRACE_DEFINE_ENUM(VGPU_GOV_MEMORY);
TRACE_DEFINE_ENUM(VGPU_GOV_RELIEF);

#define show_vgpu_gov_mode(mode)				\
	__print_symbolic(mode,					\
			 { VGPU_GOV_EMERGENCY, "emergency" },	\
			 { VGPU_GOV_PERFORMANCE, "performance" }, \
			 { VGPU_GOV_BALANCED, "balanced" },	\
			 { VGPU_GOV_POWER_SAVE, "power-save" })

/* A command has the engine. */
TRACE_EVENT(vgpu_run,
	TP_PROTO(const struct vgpu_engine *e, u64 seqno, u32 op, bool resumed),
	TP_ARGS(e, seqno, op, resumed),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, engine)
		__field(u32, vgpu)
		__field(u32, op)
		__field(u64, seqno)
		__field(u64, slice_ns)
		__field(bool, resumed)
	),
	TP_fast_assign(
		__entry->gpu = e->gpu->index;
		__entry->engine = e->index;
		__entry->vgpu = e->entity->inst->id;
		__entry->op = op;
		__entry->seqno = seqno;
		__entry->slice_ns = e->slice_ns;
		__entry->resumed = resumed;
	),
	TP_printk("gpu=%u engine=%u vgpu=%u op=%s seqno=%llu slice_ns=%llu resumed=%d",
		  __entry->gpu, __entry->engine, __entry->vgpu,
		  __print_symbolic(__entry->op,
				   { VGPU_CMD_COPY, "copy" },
				   { VGPU_CMD_FILL, "fill" },
				   { VGPU_CMD_LAUNCH, "launch" }),
		  __entry->seqno, __entry->slice_ns, __entry->resumed)
);

/* It has it no more: midway, to be resumed, or ended with an errno or 0. */
TRACE_EVENT(vgpu_stop,
	TP_PROTO(const struct vgpu_engine *e, u64 seqno, u64 service_ns,
		 bool midway, int error),
	TP_ARGS(e, seqno, service_ns, midway, error),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, engine)
		__field(u32, vgpu)
		__field(int, error)
		__field(u64, seqno)
		__field(u64, service_ns)
		__field(bool, midway)
	),
	TP_fast_assign(
		__entry->gpu = e->gpu->index;
		__entry->engine = e->index;
		__entry->vgpu = e->entity->inst->id;
		__entry->error = error;
		__entry->seqno = seqno;
		__entry->service_ns = service_ns;
		__entry->midway = midway;
	),
	TP_printk("gpu=%u engine=%u vgpu=%u seqno=%llu service_ns=%llu midway=%d error=%d",
		  __entry->gpu, __entry->engine, __entry->vgpu, __entry->seqno,
		  __entry->service_ns, __entry->midway, __entry->error)
);

/* Another context's state is in the engine; wall_ns is what that took. */
TRACE_EVENT(vgpu_switch,
	TP_PROTO(const struct vgpu_engine *e, u32 vgpu, bool restored,
		 u64 wall_ns),
	TP_ARGS(e, vgpu, restored, wall_ns),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, engine)
		__field(u32, vgpu)
		__field(u64, wall_ns)
		__field(bool, restored)
	),
	TP_fast_assign(
		__entry->gpu = e->gpu->index;
		__entry->engine = e->index;
		__entry->vgpu = vgpu;
		__entry->wall_ns = wall_ns;
		__entry->restored = restored;
	),
	TP_printk("gpu=%u engine=%u vgpu=%u restored=%d wall_ns=%llu",
		  __entry->gpu, __entry->engine, __entry->vgpu,
		  __entry->restored, __entry->wall_ns)
);

/* A vGPU that had no work has some; preempts: the policy wants it at once. */
TRACE_EVENT(vgpu_wake,
	TP_PROTO(const struct vgpu_engine *e, u32 vgpu, bool preempts),
	TP_ARGS(e, vgpu, preempts),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, engine)
		__field(u32, vgpu)
		__field(u32, queued)
		__field(bool, preempts)
	),
	TP_fast_assign(
		__entry->gpu = e->gpu->index;
		__entry->engine = e->index;
		__entry->vgpu = vgpu;
		__entry->queued = e->rq.nr_queued;
		__entry->preempts = preempts;
	),
	TP_printk("gpu=%u engine=%u vgpu=%u queued=%u preempts=%d",
		  __entry->gpu, __entry->engine, __entry->vgpu,
		  __entry->queued, __entry->preempts)
);

/* A command touched what it may not; access: VGPU_PROT_... */
TRACE_EVENT(vgpu_fault,
	TP_PROTO(const struct vgpu_engine *e, u32 vgpu, u64 seqno, u64 va,
		 u32 access, int error),
	TP_ARGS(e, vgpu, seqno, va, access, error),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, engine)
		__field(u32, vgpu)
		__field(u32, access)
		__field(u64, seqno)
		__field(u64, va)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->gpu = e->gpu->index;
		__entry->engine = e->index;
		__entry->vgpu = vgpu;
		__entry->access = access;
		__entry->seqno = seqno;
		__entry->va = va;
		__entry->error = error;
	),
	TP_printk("gpu=%u engine=%u vgpu=%u seqno=%llu va=0x%llx access=%s%s%s error=%d",
		  __entry->gpu, __entry->engine, __entry->vgpu, __entry->seqno,
		  __entry->va,
		  __entry->access & VGPU_PROT_READ ? "r" : "-",
		  __entry->access & VGPU_PROT_WRITE ? "w" : "-",
		  __entry->access & VGPU_PROT_EXEC ? "x" : "-",
		  __entry->error)
);

/* An engine did not stop in time. */
TRACE_EVENT(vgpu_reset,
	TP_PROTO(const struct vgpu_engine *e, u64 seqno),
	TP_ARGS(e, seqno),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, engine)
		__field(u32, vgpu)
		__field(u64, seqno)
	),
	TP_fast_assign(
		__entry->gpu = e->gpu->index;
		__entry->engine = e->index;
		__entry->vgpu = e->entity->inst->id;
		__entry->seqno = seqno;
	),
	TP_printk("gpu=%u engine=%u vgpu=%u seqno=%llu", __entry->gpu,
		  __entry->engine, __entry->vgpu, __entry->seqno)
);

/* A vGPU was refused memory that its quota has not. */
TRACE_EVENT(vgpu_quota,
	TP_PROTO(const struct vgpu_instance *inst, u64 bytes),
	TP_ARGS(inst, bytes),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, vgpu)
		__field(u64, bytes)
		__field(u64, used)
		__field(u64, limit)
	),
	TP_fast_assign(
		__entry->gpu = inst->gpu->index;
		__entry->vgpu = inst->id;
		__entry->bytes = bytes;
		__entry->used = inst->acct.used;
		__entry->limit = inst->acct.limit;
	),
	TP_printk("gpu=%u vgpu=%u bytes=%llu used=%llu limit=%llu",
		  __entry->gpu, __entry->vgpu, __entry->bytes, __entry->used,
		  __entry->limit)
);

/* The governor chose another mode; the sample is the one that decided. */
TRACE_EVENT(vgpu_governor,
	TP_PROTO(const struct vgpu_gpu *gpu,
		 const struct vgpu_gov_change *change),
	TP_ARGS(gpu, change),
	TP_STRUCT__entry(
		__field(u32, gpu)
		__field(u32, from)
		__field(u32, to)
		__field(u32, reason)
		__field(u32, busy)
		__field(u32, demand)
		__field(u32, memory)
		__field(u32, overhead)
		__field(u32, switches)
		__field(u64, slice_ns)
		__field(u64, threshold_ns)
	),
	TP_fast_assign(
		__entry->gpu = gpu->index;
		__entry->from = change->from;
		__entry->to = change->to;
		__entry->reason = change->reason;
		__entry->busy = change->view.last.busy;
		__entry->demand = change->view.demand;
		__entry->memory = change->view.last.memory;
		__entry->overhead = change->view.overhead;
		__entry->switches = change->view.switches;
		__entry->slice_ns = gpu->slice_ns;
		__entry->threshold_ns = gpu->threshold_ns;
	),
	TP_printk("gpu=%u from=%s to=%s reason=%s busy=%u demand=%u memory=%u overhead=%u switches=%u slice_ns=%llu threshold_ns=%llu",
		  __entry->gpu, show_vgpu_gov_mode(__entry->from),
		  show_vgpu_gov_mode(__entry->to),
		  __print_symbolic(__entry->reason,
				   { VGPU_GOV_LOAD, "load" },
				   { VGPU_GOV_OVERHEAD, "overhead" },
				   { VGPU_GOV_MEMORY, "memory" },
				   { VGPU_GOV_RELIEF, "relief" }),
		  __entry->busy, __entry->demand, __entry->memory,
		  __entry->overhead, __entry->switches, __entry->slice_ns,
		  __entry->threshold_ns)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
