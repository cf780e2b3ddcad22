// SPDX-License-Identifier: GPL-2.0
/*
 * The engine: a thread that steps the machine.
 *
 * While a job runs, the machine (struct soft_core) belongs to the thread;
 * while none runs, to whoever calls the operations, which vgpu serialises.
 * Ownership passes at `running`, under the engine's lock.
 *
 * The thread works in steps of at most `check` instructions or one page of a
 * copy.  Between steps it is at a *check*: it holds no pointer into memory, so
 * translations can be dropped; it can be stopped; it can be reset.  All who
 * want something of a running engine leave a note under the lock, raise
 * `attention`, and if need be wait for the check.  A check is always near:
 * the steps are bounded whatever the tenant's program does.  A job is not
 * preempted before its first step, so that it gets on however short the
 * slices are.
 *
 * A handler of the engine's events may start the next job from inside
 * vgpu_gpu_event(): it finds the engine stopped, and when it returns the
 * thread goes on with the new job without having slept.
 */
#include <linux/compiler.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "soft_priv.h"

/* Under the lock, while the thread does not step */
static void apply_drops(struct soft_engine *e)
{
	unsigned int i;

	lockdep_assert_held(&e->lock);
	if (e->flush)
		soft_tlb_flush(&e->core);
	for (i = 0; i < e->drop_count && !e->flush; i++)
		soft_tlb_drop(&e->core, e->drops[i].asid, e->drops[i].va,
			      e->drops[i].bytes);
	e->flush = false;
	e->drop_count = 0;
}

enum check {
	CHECK_GO_ON,
	CHECK_PREEMPT,
	CHECK_STOP,	/* nothing to do, or no more */
};

static enum check engine_check(struct soft_engine *e)
{
	enum check check = CHECK_GO_ON;
	bool tell = false;
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	WRITE_ONCE(e->attention, false);
	apply_drops(e);
	if (e->drop_done != e->drop_seq) {
		e->drop_done = e->drop_seq;
		tell = true;
	}
	if (e->kill) {
		e->running = false;
		tell = true;
	}
	if (!e->running) {
		check = CHECK_STOP;
	} else if (e->stop) {
		/* Nothing done yet, or not to be preempted: asked again. */
		if (!e->stepped || e->core.nopreempt)
			WRITE_ONCE(e->attention, true);
		else
			check = CHECK_PREEMPT;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	if (tell)
		wake_up_all(&e->idle);
	return check;
}

/* Which lane it was, if it got as far as to run one. */
static void tell_where(const struct soft_core *c, struct vgpu_hw_event *ev)
{
	const struct soft_unit *u = &c->units[c->turn_unit];

	if (c->job.op != VGPU_CMD_LAUNCH || c->refused || !u->live)
		return;
	ev->has_pc = true;
	ev->pc = u->lanes[u->lane].pc;
	ev->mask = u->live;
	ev->group = u->group;
	ev->lane = u->lane;
}

/*
 * Answers run(). Whether the answer or a reset comes first is decided under
 * the lock: after a reset there is no answer.
 */
static void engine_answer(struct soft_engine *e, enum vgpu_hw_event_type type)
{
	struct vgpu_hw_event ev = {
		.type = type,
		.engine = e->index,
		.cookie = e->core.job.cookie,
	};
	unsigned long flags;
	bool silent;

	if (type == VGPU_HW_PREEMPTED)
		soft_core_charge(&e->core, e->core.m->timing.preempt_ns);
	if (type == VGPU_HW_FAULT) {
		ev.error = e->core.fault.error;
		ev.fault_va = e->core.fault.va;
		ev.fault_access = e->core.fault.access;
		ev.restart = e->core.fault.restart;
		tell_where(&e->core, &ev);
	}
	ev.service = e->core.service;
	ev.bytes = e->core.bytes;

	spin_lock_irqsave(&e->lock, flags);
	silent = e->kill;
	e->running = false;
	e->answering = !silent;
	spin_unlock_irqrestore(&e->lock, flags);

	if (!silent) {
		soft_gpu_event(e->gpu, &ev);
		spin_lock_irqsave(&e->lock, flags);
		e->answering = false;
		spin_unlock_irqrestore(&e->lock, flags);
	}
	wake_up_all(&e->idle);
}

/* Works until there is nothing to do. */
static void engine_work(struct soft_engine *e)
{
	u32 limit = e->gpu->config.check;
	enum soft_step step;

	for (;;) {
		switch (engine_check(e)) {
		case CHECK_STOP:
			return;
		case CHECK_PREEMPT:
			engine_answer(e, VGPU_HW_PREEMPTED);
			continue;
		case CHECK_GO_ON:
			break;
		}
		e->stepped = true;
		do {
			step = soft_core_step(&e->core, limit);
			cond_resched();
		} while (step == SOFT_STEP_MORE && !READ_ONCE(e->attention));
		if (step == SOFT_STEP_DONE)
			engine_answer(e, VGPU_HW_DONE);
		else if (step == SOFT_STEP_FAULT)
			engine_answer(e, VGPU_HW_FAULT);
	}
}

static int engine_thread(void *arg)
{
	struct soft_engine *e = arg;

	while (!kthread_should_stop()) {
		wait_event_idle(e->wake, READ_ONCE(e->running) ||
				kthread_should_stop());
		engine_work(e);
	}
	return 0;
}

/**
 * soft_engine_run() - start or resume a job
 * @e: engine, stopped
 * @job: what to do
 * @resume: go on with the state in the engine
 *
 * Context: any but NMI.
 */
void soft_engine_run(struct soft_engine *e, const struct vgpu_hw_job *job,
		     bool resume)
{
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (WARN_ON_ONCE(e->running)) {
		spin_unlock_irqrestore(&e->lock, flags);
		return;
	}
	if (resume)
		soft_core_resume(&e->core, job);
	else
		soft_core_start(&e->core, job);
	e->stop = false;
	e->stepped = false;
	WRITE_ONCE(e->running, true);
	spin_unlock_irqrestore(&e->lock, flags);
	/*
	 * From its own answer the thread comes round by itself.  A timer that
	 * interrupts it may find it about to sleep.
	 */
	if (current != e->task || !in_task())
		wake_up(&e->wake);
}

/**
 * soft_engine_preempt() - stop at the next check
 * @e: engine
 *
 * Context: any but NMI.
 */
void soft_engine_preempt(struct soft_engine *e)
{
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (e->running) {
		e->stop = true;
		WRITE_ONCE(e->attention, true);
	}
	spin_unlock_irqrestore(&e->lock, flags);
}

/**
 * soft_engine_reset() - stop by force, forget all state
 * @e: engine
 *
 * Context: process. Waits for one check of the engine.
 */
void soft_engine_reset(struct soft_engine *e)
{
	unsigned long flags;

	mutex_lock(&e->reset_lock);
	spin_lock_irqsave(&e->lock, flags);
	e->kill = true;
	WRITE_ONCE(e->attention, true);
	spin_unlock_irqrestore(&e->lock, flags);

	wait_event(e->idle, !READ_ONCE(e->running) &&
		   !READ_ONCE(e->answering));

	spin_lock_irqsave(&e->lock, flags);
	soft_core_clear(&e->core, 0, 0);
	soft_bank_clear(e, 0, 0);
	e->kill = false;
	e->stop = false;
	spin_unlock_irqrestore(&e->lock, flags);
	mutex_unlock(&e->reset_lock);
}

/**
 * soft_engine_set_units() - have other compute units from now on
 * @e: engine
 * @count: how many; 0: none, it is told to do nothing
 *
 * Context: process. The thread may still be on its way back from its answer.
 *
 * Return: 0 with nothing left of what was in it, or -EBUSY: it runs.
 */
int soft_engine_set_units(struct soft_engine *e, unsigned int count)
{
	unsigned long flags;
	int err = -EBUSY;

	wait_event(e->idle, !READ_ONCE(e->answering));
	spin_lock_irqsave(&e->lock, flags);
	if (!e->running && !e->answering) {
		soft_core_clear(&e->core, 0, 0);
		soft_bank_clear(e, 0, 0);
		e->core.nr_units = count;
		err = 0;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	return err;
}

/**
 * soft_engine_drop() - note translations to be dropped
 * @e: engine
 * @asid: address space
 * @va: first address
 * @bytes: length
 */
void soft_engine_drop(struct soft_engine *e, u32 asid, u64 va, u64 bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (e->drop_count < SOFT_DROPS) {
		struct soft_drop *drop = &e->drops[e->drop_count++];

		drop->asid = asid;
		drop->va = va;
		drop->bytes = bytes;
	} else {
		e->flush = true;
	}
	WRITE_ONCE(e->attention, true);
	spin_unlock_irqrestore(&e->lock, flags);
}

/**
 * soft_engine_sync_begin() - ask for a check
 * @e: engine
 *
 * An engine that does not run makes a check before it does anything.
 *
 * Return: what to pass to soft_engine_sync_end().
 */
u64 soft_engine_sync_begin(struct soft_engine *e)
{
	unsigned long flags;
	u64 seq;

	spin_lock_irqsave(&e->lock, flags);
	seq = ++e->drop_seq;
	WRITE_ONCE(e->attention, true);
	spin_unlock_irqrestore(&e->lock, flags);
	return seq;
}

static bool sync_done(struct soft_engine *e, u64 seq)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&e->lock, flags);
	done = e->drop_done >= seq || !e->running;
	spin_unlock_irqrestore(&e->lock, flags);
	return done;
}

/**
 * soft_engine_sync_end() - wait for the check
 * @e: engine
 * @seq: from soft_engine_sync_begin()
 */
void soft_engine_sync_end(struct soft_engine *e, u64 seq)
{
	wait_event(e->idle, sync_done(e, seq));
}

/**
 * soft_engine_create() - make an engine and its thread
 * @gpu: its GPU, with memory
 * @index: of the engine
 *
 * Return: the engine or an ERR_PTR().
 */
struct soft_engine *soft_engine_create(struct soft_gpu *gpu,
				       unsigned int index)
{
	struct soft_engine *e;
	int err;

	e = kvzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return ERR_PTR(-ENOMEM);
	e->gpu = gpu;
	e->index = index;
	spin_lock_init(&e->lock);
	init_waitqueue_head(&e->wake);
	init_waitqueue_head(&e->idle);
	mutex_init(&e->reset_lock);
	err = soft_core_init(&e->core, &gpu->m);
	if (!err)
		err = soft_bank_create(e);
	if (err)
		goto fini;
	e->task = kthread_create_on_node(engine_thread, e, gpu->config.node,
					 "%s.%u", gpu->name, index);
	if (IS_ERR(e->task)) {
		err = PTR_ERR(e->task);
		goto fini;
	}
	wake_up_process(e->task);
	return e;

fini:
	soft_bank_destroy(e);
	soft_core_fini(&e->core);
	mutex_destroy(&e->reset_lock);
	kvfree(e);
	return ERR_PTR(err);
}

/**
 * soft_engine_destroy() - undo soft_engine_create()
 * @e: engine, stopped or not
 */
void soft_engine_destroy(struct soft_engine *e)
{
	soft_engine_reset(e);
	kthread_stop(e->task);
	soft_bank_destroy(e);
	soft_core_fini(&e->core);
	mutex_destroy(&e->reset_lock);
	kvfree(e);
}
