// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps: what an administrator finds in /sys/class/devcoredump after a fault, a hang or a
 * failure of mediation; Documentation/observability.rst.
 *
 * What is to be told is gone a moment later: the next command runs before the event of a
 * fault returns. So it is noted at once, under the engine's lock, in memory that is there
 * since the GPU came; a work item does what sleeps: it walks page tables, writes records and
 * hands them out.  While it is at it there is no room for another dump, and none is waited for.
 *
 * A tenant can cause faults as fast as it likes.  Each vGPU has a number of dumps in an
 * hour; what is beyond is counted.  Nothing is in a dump but what the mediator knows of the
 * one vGPU and of the GPU: no memory, no registers that hold data.
 */
#include <linux/build_bug.h>
#include <linux/devcoredump.h>
#include <linux/ktime.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include "../core_priv.h"
#include "../image/image.h"

#define DUMP_PERIOD	(3600 * HZ)
#define DUMP_BEFORE	(VGPU_DUMP_COMMANDS_MAX / 2)	/* commands that ended */

static void limit_init(struct ratelimit_state *rs)
{
	ratelimit_state_init(rs, DUMP_PERIOD, VGPU_DUMP_LIMIT);
	/* figures tell of it, not the log */
	ratelimit_set_flags(rs, RATELIMIT_MSG_ON_RELEASE);
}

void vgpu_dumps_init(struct vgpu_dumps *dumps)
{
	limit_init(&dumps->limit);
	atomic64_set(&dumps->made, 0);
	atomic64_set(&dumps->missed, 0);
}

void vgpu_dumps_set(struct vgpu_dumps *dumps, unsigned int limit)
{
	WRITE_ONCE(dumps->limit.burst, limit);
}

/* ----------------------------------------------------------------- noting */

/* True: the snapshot is ours, and empty. */
static bool begin(struct vgpu_gpu *gpu, struct ratelimit_state *limit)
{
	struct vgpu_dumper *d = &gpu->dumper;

	if (!d->hand_out)
		return false;
	if (!test_and_set_bit_lock(0, &d->busy)) {
		if (___ratelimit(limit, __func__)) {
			memset(&d->snap, 0, sizeof(d->snap));
			d->as = NULL;
			return true;
		}
		clear_bit_unlock(0, &d->busy);
	}
	atomic64_inc(&d->missed);
	return false;
}

static void note_gpu(struct vgpu_gpu *gpu, enum vgpu_dump_why why, int error)
{
	struct vgpu_dump_snap *s = &gpu->dumper.snap;

	s->reason = (struct vgpu_dump_reason) {
		.why = why,
		.error = error,
		.realtime_ns = ktime_get_real_ns(),
		.boottime_ns = ktime_get_boottime_ns(),
		.number = ++gpu->dumper.made,
		.missed = atomic64_xchg(&gpu->dumper.missed, 0),
	};
	strscpy(s->reason.kernel, init_utsname()->release,
		sizeof(s->reason.kernel));
	s->gpu = (struct vgpu_dump_gpu) {
		.index = gpu->index,
		.engines = gpu->whole.nr_engines,
		.units = gpu->desc.units,
		.step = READ_ONCE(gpu->degrader.d.step),
		.step_reason = READ_ONCE(gpu->degrader.d.reason),
		.failures = READ_ONCE(gpu->degrader.d.failures),
		.vram_bytes = gpu->desc.vram_bytes,
	};
	strscpy(s->gpu.name, gpu->name, sizeof(s->gpu.name));
	strscpy(s->gpu.driver, gpu->driver, sizeof(s->gpu.driver));
	strscpy(s->gpu.device, dev_name(gpu->dev), sizeof(s->gpu.device));
}

static void note_engine_locked(struct vgpu_engine *e)
{
	struct vgpu_dump_snap *s = &e->gpu->dumper.snap;
	struct vgpu_dump_engine *to = &s->engine[s->nr_engines++];

	lockdep_assert_held(&e->lock);
	*to = (struct vgpu_dump_engine) {
		.index = e->index,
		.state = e->state,
		.held = e->held,
		.units = READ_ONCE(e->units),
		.clock_ns = vgpu_engine_clock(e),
		.jobs = e->jobs,
		.switches = e->switches,
		.preemptions = e->preemptions,
		.resets = e->resets,
		.stale_events = e->stale_events,
	};
	strscpy(to->policy, vgpu_policy_name(e->rq.policy), sizeof(to->policy));
}

static void note_vgpu(struct vgpu_dump_snap *s, const struct vgpu_entity *ent)
{
	const struct vgpu_instance *inst = ent->inst;

	s->vgpu = (struct vgpu_dump_vgpu) {
		.id = inst->id,
		.weight = READ_ONCE(inst->weight),
		.priority = READ_ONCE(inst->priority),
		.strikes = ent->strikes,
		.vram_limit = READ_ONCE(inst->acct.limit),
		.vram_used = READ_ONCE(inst->acct.used),
		.faults = ent->faults,
		.resets = ent->resets,
		.submitted = ent->submitted,
		.completed = ent->completed,
		.failed = ent->failed,
	};
	export_uuid(s->vgpu.uuid, &inst->uuid);
	strscpy(s->vgpu.type, inst->type->name, sizeof(s->vgpu.type));
}

static void note_command(struct vgpu_dump_snap *s, const struct vgpu_slot *slot,
			 enum vgpu_dump_command_state state, int error)
{
	s->commands.cmd[s->commands.head.count++] = (struct vgpu_dump_command) {
		.seqno = slot->seqno,
		.service_ns = slot->service,
		.error = error,
		.state = state,
		.cmd = slot->cmd,
	};
}

/* The last ones that ended, as long as nothing is in their place; then those that wait. */
static void note_commands(struct vgpu_dump_snap *s, const struct vgpu_queue *q,
			  int error)
{
	u64 seqno = q->slots[q->head].seqno;
	const struct vgpu_slot *slot;
	u32 i;

	for (i = DUMP_BEFORE; i; i--) {
		if (i >= q->depth || i >= seqno)
			continue;
		slot = &q->slots[(q->head + q->depth - i) % q->depth];
		if (slot->seqno == seqno - i)
			note_command(s, slot, VGPU_DUMP_ENDED, slot->error);
	}
	note_command(s, &q->slots[q->head], VGPU_DUMP_THIS, error);
	for (i = 1; i < q->count &&
	     s->commands.head.count < VGPU_DUMP_COMMANDS_MAX; i++)
		note_command(s, &q->slots[(q->head + i) % q->depth],
			     VGPU_DUMP_WAITS, 0);
}

static void note_queue(struct vgpu_dump_snap *s, const struct vgpu_queue *q)
{
	const struct vgpu_slot *slot = &q->slots[q->head];

	s->queue = (struct vgpu_dump_queue) {
		.sched_class = vgpu_queue_class(q),
		.depth = q->depth,
		.count = q->count,
		.ring_slots = q->ring ? q->ring_slots : 0,
		.command = slot->seqno,
		.service_ns = slot->service,
		.seqno = q->seqno,
		.submitted = q->submitted,
		.completed = q->completed,
		.failed = q->failed,
		.preempted = q->preempted,
		.run_ns = q->run_ns,
		.time_limit_ns = q->time_limit_ns,
	};
}

/* All that there is of the tenant; the fault's part is for the caller. */
static bool note_tenant_locked(struct vgpu_ctx *ctx, enum vgpu_dump_why why,
			       int error)
{
	struct vgpu_queue *q = ctx->job;
	struct vgpu_gpu *gpu = ctx->gpu;
	struct vgpu_dump_snap *s = &gpu->dumper.snap;
	struct vgpu_dumps *dumps = &ctx->entity->inst->dumps;
	struct vgpu_dump_context *c = &s->context;

	lockdep_assert_held(&ctx->engine->lock);
	if (!begin(gpu, &dumps->limit)) {
		atomic64_inc(&dumps->missed);
		return false;
	}
	atomic64_inc(&dumps->made);
	note_gpu(gpu, why, error);
	note_engine_locked(ctx->engine);
	s->tenant = true;
	note_vgpu(s, ctx->entity);
	c->number = ctx->id;
	c->asid = ctx->hw.asid;
	c->root = ctx->hw.root;
	c->flags = ctx->midway ? VGPU_DUMP_WAS_MIDWAY : 0;
	c->pid = q->obj.client->pid;
	strscpy(c->holder, q->obj.client->holder, sizeof(c->holder));
	note_queue(s, q);
	note_commands(s, q, error);
	return true;
}

static void note_fault(struct vgpu_dump_context *c,
		       const struct vgpu_hw_event *ev)
{
	c->flags |= VGPU_DUMP_HAS_FAULT;
	c->fault_va = ev->fault_va;
	c->fault_access = ev->fault_access;
	if (!ev->has_pc)
		return;
	c->flags |= VGPU_DUMP_HAS_PC;
	c->pc = ev->pc;
	c->mask = ev->mask;
	c->group = ev->group;
	c->lane = ev->lane;
}

void vgpu_dump_fault_locked(struct vgpu_ctx *ctx, const struct vgpu_hw_event *ev)
{
	struct vgpu_dumper *d = &ctx->gpu->dumper;

	if (!note_tenant_locked(ctx, VGPU_DUMP_FAULT, ev->error ?: -EIO))
		return;
	note_fault(&d->snap.context, ev);
	if (ctx->gpu->desc.caps & VGPU_HW_MMU)
		d->as = ctx->vm->as;
	queue_work(ctx->gpu->wq, &d->work);
}

void vgpu_dump_hang_locked(struct vgpu_ctx *ctx, int error)
{
	if (note_tenant_locked(ctx, VGPU_DUMP_HANG, error))
		queue_work(ctx->gpu->wq, &ctx->gpu->dumper.work);
}

void vgpu_dump_mediation(struct vgpu_gpu *gpu)
{
	struct vgpu_engine *e;
	unsigned int i;

	if (!begin(gpu, &gpu->dumper.limit))
		return;
	note_gpu(gpu, VGPU_DUMP_MEDIATION, 0);
	for (i = 0; i < gpu->whole.nr_engines; i++) {
		e = &gpu->whole.engines[i];
		spin_lock_irq(&e->lock);
		note_engine_locked(e);
		spin_unlock_irq(&e->lock);
	}
	queue_work(gpu->wq, &gpu->dumper.work);
}

/* ---------------------------------------------------------------- writing */

static void put(struct vgpu_image_out *out, enum vgpu_dump_type type,
		const void *from, u32 bytes)
{
	void *to = vgpu_image_open(out, bytes);

	if (WARN_ON_ONCE(!to))
		return;
	memcpy(to, from, bytes);
	vgpu_image_close(out, type, 0, bytes);
}

static void put_walk(struct vgpu_image_out *out, const struct vgpu_gpu *gpu)
{
	const struct vgpu_dump_snap *s = &gpu->dumper.snap;
	struct vgpu_as_step step[VGPU_DUMP_WALK_MAX];
	struct {
		struct vgpu_dump_walk head;
		struct vgpu_dump_step step[VGPU_DUMP_WALK_MAX];
	} walk = {
		.head.va = s->context.fault_va,
		.head.levels = gpu->desc.format->levels,
	};
	unsigned int i;

	walk.head.count = vgpu_as_walk(gpu->dumper.as, walk.head.va, step,
				       VGPU_DUMP_WALK_MAX);
	walk.head.later_ns = ktime_get_boottime_ns() - s->reason.boottime_ns;
	strscpy(walk.head.format, gpu->desc.format->name,
		sizeof(walk.head.format));
	for (i = 0; i < walk.head.count; i++)
		walk.step[i] = (struct vgpu_dump_step) {
			.addr = step[i].addr,
			.entry = step[i].entry,
			.level = step[i].level,
			.index = step[i].index,
		};
	put(out, VGPU_DUMP_WALK, &walk,
	    offsetof(typeof(walk), step[walk.head.count]));
}

/* Into zeroed VGPU_DUMP_BYTES_MAX; how many of these. */
static u32 write_down(struct vgpu_gpu *gpu, void *buffer)
{
	const struct vgpu_dump_snap *s = &gpu->dumper.snap;
	struct vgpu_image_out out;
	struct vgpu_image_end end;
	unsigned int i;

	/* with room for the walk and for what is before each */
	BUILD_BUG_ON(sizeof(*s) + 1024 > VGPU_DUMP_BYTES_MAX);
	vgpu_image_out_begin(&out, buffer, VGPU_DUMP_BYTES_MAX, VGPU_DUMP_MAGIC,
			     VGPU_DUMP_MAJOR, VGPU_DUMP_MINOR);
	put(&out, VGPU_DUMP_REASON, &s->reason, sizeof(s->reason));
	put(&out, VGPU_DUMP_GPU, &s->gpu, sizeof(s->gpu));
	for (i = 0; i < s->nr_engines; i++)
		put(&out, VGPU_DUMP_ENGINE, &s->engine[i], sizeof(s->engine[i]));
	if (s->tenant) {
		put(&out, VGPU_DUMP_VGPU, &s->vgpu, sizeof(s->vgpu));
		put(&out, VGPU_DUMP_CONTEXT, &s->context, sizeof(s->context));
		put(&out, VGPU_DUMP_QUEUE, &s->queue, sizeof(s->queue));
		put(&out, VGPU_DUMP_COMMANDS, &s->commands,
		    offsetof(typeof(s->commands), cmd[s->commands.head.count]));
	}
	if (gpu->dumper.as)
		put_walk(&out, gpu);
	end.bytes = out.bytes;
	end.records = out.seq;
	put(&out, VGPU_DUMP_END, &end, sizeof(end));
	return out.used;
}

static void dump_work(struct work_struct *work)
{
	struct vgpu_gpu *gpu = container_of(work, struct vgpu_gpu, dumper.work);
	struct vgpu_dumper *d = &gpu->dumper;
	void *buffer = vzalloc(VGPU_DUMP_BYTES_MAX);

	if (buffer)
		d->hand_out(gpu->dev, buffer, write_down(gpu, buffer),
			    GFP_KERNEL);
	else
		atomic64_inc(&d->missed);
	clear_bit_unlock(0, &d->busy);
}

void vgpu_dumper_init(struct vgpu_gpu *gpu)
{
	struct vgpu_dumper *d = &gpu->dumper;

	INIT_WORK(&d->work, dump_work);
	limit_init(&d->limit);
	atomic64_set(&d->missed, 0);
	/* without it what is handed out would be freed at once */
	if (IS_ENABLED(CONFIG_DEV_COREDUMP))
		d->hand_out = dev_coredumpv;
}
