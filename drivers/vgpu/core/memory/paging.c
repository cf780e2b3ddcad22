// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is not in VRAM when an engine wants it, and how much more of it
 * is promised than there is.
 *
 * A command that finds no translation is not over, if the GPU can go on with
 * it: it is stopped midway like one that was preempted, and its context is off
 * the engine, which others have meanwhile.  A work item finds out whether the
 * address is of memory that was evicted, and brings it back, or of memory that
 * is being moved, and waits until it has been; then the context
 * is ready again, and the engine tries the same access anew.  If it is not, the
 * command ends with the fault, as it would have at once.
 *
 * The work items of an instance have a queue of their own: they may wait for a disk
 * that its memory was swapped to (mem/cold.c), any number of contexts at once, and
 * the others' must not wait behind them.
 *
 * A tenant that makes everybody page (mem/thrash.c) is put off: the work item
 * comes later, and occupies nobody until then.
 *
 * Closing a queue waits for the work item of its context, so this needs no
 * reference to anything; and it does not wait for tenants or engines, but in
 * bounds.
 */
#include <linux/math64.h>

#include "../core_priv.h"
#include "../trace.h"

#define PAGE_WORKERS	64	/* of an instance */

/* Lock held: the command of @ctx ends with a fault; who is to know is told. */
void vgpu_engine_fault_locked(struct vgpu_engine *e, struct vgpu_ctx *ctx,
			      const struct vgpu_hw_event *ev)
{
	struct vgpu_instance *inst = ctx->entity->inst;
	struct vgpu_queue *q = ctx->job;
	struct vgpu_slot *slot = vgpu_queue_head(q);

	slot->faulted = true;
	slot->fault_va = ev->fault_va;
	slot->fault_access = ev->fault_access;
	ctx->entity->faults++;
	trace_vgpu_fault(e, inst->id, vgpu_queue_head(q)->seqno, ev->fault_va,
			 ev->fault_access, ev->error ?: -EIO);
	pr_warn_ratelimited("vgpu: v%u %pUb: engine %u: command %llu failed (%pe) at 0x%llx, access %s%s%s\n",
			    inst->id, &inst->uuid, e->index,
			    vgpu_queue_head(q)->seqno, ERR_PTR(ev->error),
			    ev->fault_va,
			    ev->fault_access & VGPU_PROT_READ ? "r" : "-",
			    ev->fault_access & VGPU_PROT_WRITE ? "w" : "-",
			    ev->fault_access & VGPU_PROT_EXEC ? "x" : "-");
	vgpu_event_post(VGPU_EVENT_FAULT, NULL, inst, ev->fault_va);
	vgpu_dump_fault_locked(ctx, ev);
}

bool vgpu_paging_begin_locked(struct vgpu_ctx *ctx,
			      const struct vgpu_hw_event *ev)
{
	lockdep_assert_held(&ctx->engine->lock);
	if (!ev->restart || !READ_ONCE(ctx->gpu->paging) || ctx->vm->pinned ||
	    !(ctx->gpu->desc.caps & VGPU_HW_RESTART))
		return false;
	/* It is to end anyway; that its memory was evicted is no fault of its. */
	if (ctx->kill)
		return true;
	ctx->fault = *ev;
	ctx->paging = true;
	ctx->page_due = false;
	queue_delayed_work(ctx->entity->inst->page_wq, &ctx->page_work, 0);
	return true;
}

/* Who makes everybody page comes later; true: the work item, too. */
static bool put_off(struct vgpu_ctx *ctx)
{
	struct vgpu_instance *inst = ctx->entity->inst;
	u64 delay, begun;

	if (ctx->page_due)
		return false;
	ctx->page_due = true;
	delay = vgpu_mem_fault_delay(ctx->gpu->whole.vram, &inst->acct, &begun);
	/* once for each time it began, and no more than once a second */
	if (delay && begun != READ_ONCE(inst->thrash_told) &&
	    time_after64(get_jiffies_64(), READ_ONCE(inst->thrash_quiet))) {
		WRITE_ONCE(inst->thrash_told, begun);
		WRITE_ONCE(inst->thrash_quiet, get_jiffies_64() + HZ);
		vgpu_event_post(VGPU_EVENT_THRASH, NULL, inst, 0);
	}
	if (!delay)
		return false;
	queue_delayed_work(inst->page_wq, &ctx->page_work,
			   nsecs_to_jiffies(delay) + 1);
	return true;
}

/* What it waits for by now; that may be out of date, which costs a moment. */
static u64 wanted(void *arg)
{
	struct vgpu_ctx *ctx = arg;

	if (READ_ONCE(ctx->kill))
		return U64_MAX;
	return READ_ONCE(ctx->paging) ? READ_ONCE(ctx->fault.fault_va) : 0;
}

void vgpu_paging_work(struct work_struct *work)
{
	struct vgpu_ctx *ctx = container_of(to_delayed_work(work),
					    struct vgpu_ctx, page_work);
	struct vgpu_engine *e = ctx->engine;
	u64 va = ctx->fault.fault_va;
	int err;

	if (put_off(ctx))
		return;
	err = vgpu_as_fault_in(ctx->vm->as, va, ctx->fault.fault_access);
	spin_lock_irq(&e->lock);
	ctx->paging = false;
	/* Unless it was cancelled meanwhile. */
	if (err && ctx->job && ctx->midway && e->ctx != ctx) {
		ctx->fault.error = err;
		/* That its GPU went is no fault of the command. */
		if (err != -ENODEV)
			vgpu_engine_fault_locked(e, ctx, &ctx->fault);
		vgpu_engine_end_midway_locked(ctx, err);
	}
	vgpu_ctx_wake_locked(ctx);
	wake_up_all(&e->wait);
	spin_unlock_irq(&e->lock);
	/* it goes on meanwhile, and can't be freed, see vgpu_paging_cancelled() */
	if (!err)
		vgpu_as_read_ahead(ctx->vm->as, va, wanted, ctx);
}

/* Is the fault of a command that is no more still being seen to? */
static bool is_orphan(struct vgpu_ctx *ctx)
{
	bool orphan;

	spin_lock_irq(&ctx->engine->lock);
	orphan = ctx->paging && !ctx->job;
	spin_unlock_irq(&ctx->engine->lock);
	return orphan;
}

void vgpu_paging_cancelled(struct vgpu_ctx *ctx)
{
	/* one that is put off comes at once; that it puts itself off is once */
	while (is_orphan(ctx))
		flush_delayed_work(&ctx->page_work);
	/* it may have said so, and not be quite over */
	flush_work(&ctx->page_work.work);
}

int vgpu_paging_init(struct vgpu_instance *inst)
{
	if (!(inst->gpu->desc.caps & VGPU_HW_RESTART))
		return 0;
	inst->page_wq = alloc_workqueue("vgpu-page/%s", WQ_UNBOUND,
					PAGE_WORKERS, inst->gpu->name);
	return inst->page_wq ? 0 : -ENOMEM;
}

void vgpu_paging_fini(struct vgpu_instance *inst)
{
	if (inst->page_wq)
		destroy_workqueue(inst->page_wq);
}

void vgpu_paging_enable(struct vgpu_gpu *gpu)
{
	lockdep_assert_held(&gpu->lock);
	WRITE_ONCE(gpu->paging, true);
}

u64 vgpu_gpu_capacity(const struct vgpu_gpu *gpu)
{
	return gpu->overcommit == 1000 ? gpu->desc.vram_bytes :
	       round_down(div_u64(gpu->desc.vram_bytes * gpu->overcommit, 1000),
			  PAGE_SIZE);
}

u64 vgpu_gpu_share(const struct vgpu_gpu *gpu, u64 limit)
{
	if (gpu->overcommit == 1000)
		return U64_MAX;
	return div_u64(limit * 1000, gpu->overcommit);
}

/* What everybody's share would be, or -EBUSY and they are what they were. */
static int set_shares(struct vgpu_gpu *gpu)
{
	struct vgpu_instance *inst;
	int ret;

	list_for_each_entry(inst, &gpu->instances, link) {
		ret = vgpu_mem_set_share(&inst->acct,
					 vgpu_gpu_share(gpu, inst->acct.limit));
		if (ret)
			return ret;
	}
	return 0;
}

int vgpu_gpu_set_read_ahead(struct vgpu_gpu *gpu, u32 chunks, u32 *was)
{
	struct vgpu_paging_stats st;
	int idx, ret;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	vgpu_vram_get_paging(gpu->whole.vram, &st);
	*was = st.ahead_max;
	ret = vgpu_vram_set_read_ahead(gpu->whole.vram, chunks);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_set_read_ahead, VGPU);

int vgpu_gpu_set_tier_limit(struct vgpu_gpu *gpu, u64 bytes, u64 *was)
{
	struct vgpu_paging_stats st;
	int idx;

	if (!vgpu_gpu_enter(gpu, &idx))
		return -ENODEV;
	mutex_lock(&gpu->lock);
	vgpu_vram_get_paging(gpu->whole.vram, &st);
	*was = st.tier_limit;
	vgpu_vram_set_tier_limit(gpu->whole.vram, bytes);
	mutex_unlock(&gpu->lock);
	vgpu_gpu_leave(idx);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vgpu_gpu_set_tier_limit, VGPU);

/* gpu->lock held. */
int vgpu_gpu_set_overcommit_locked(struct vgpu_gpu *gpu, u32 permille)
{
	u32 old = gpu->overcommit;
	int ret;

	lockdep_assert_held(&gpu->lock);
	if (permille < 1000 || permille > VGPU_OVERCOMMIT_MAX)
		return -ERANGE;
	if (permille > 1000) {
		ret = vgpu_vram_enable_paging(gpu->whole.vram);
		if (ret)
			return ret;
		vgpu_paging_enable(gpu);
	}
	/* frames and fault-in first, see bo_flags() */
	smp_store_release(&gpu->overcommit, permille);
	ret = gpu->committed > vgpu_gpu_capacity(gpu) ? -EBUSY :
							set_shares(gpu);
	if (ret) {
		WRITE_ONCE(gpu->overcommit, old);
		/* more is fixed than it was a moment ago? it stays usable */
		set_shares(gpu);
	}
	return ret;
}
