// SPDX-License-Identifier: GPL-2.0
/* Contexts and queues: submitting, marking, waiting. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue.h"

int vgpu_ctx_create(struct vgpu_vm *vm, uint32_t engine, struct vgpu_ctx **out)
{
	struct vgpu_ctx_create arg = { .vm = vm->handle, .engine = engine };
	struct vgpu_ctx *ctx = calloc(1, sizeof(*ctx));
	int ret;

	if (!ctx)
		return vgpu_fail(-ENOMEM, "out of memory");
	ret = vgpu_call(vm->dev, VGPU_IOCTL_CTX_CREATE, &arg, sizeof(arg));
	if (ret) {
		free(ctx);
		return vgpu_fail(ret, "%s: no new context on engine %u: %s",
				 vm->dev->path, engine, strerror(-ret));
	}
	ctx->dev = vm->dev;
	ctx->vm = vm;
	ctx->handle = arg.handle;
	*out = ctx;
	return 0;
}

void vgpu_ctx_destroy(struct vgpu_ctx *ctx)
{
	if (!ctx)
		return;
	vgpu_dev_close_handle(ctx->dev, ctx->handle);
	free(ctx);
}

int vgpu_queue_create(struct vgpu_ctx *ctx,
		      const struct vgpu_queue_options *options,
		      struct vgpu_queue **out)
{
	static const struct vgpu_queue_options defaults;
	struct vgpu_queue_create arg = { .ctx = ctx->handle };
	struct vgpu_queue *queue = calloc(1, sizeof(*queue));
	int ret;

	if (!queue)
		return vgpu_fail(-ENOMEM, "out of memory");
	if (!options)
		options = &defaults;
	queue->ctx = ctx;
	arg.depth = options->depth;
	arg.time_limit_us = options->time_limit_us;
	arg.sched_class = options->sched_class;
	arg.fence_ms = options->fence_ms;
	if (arg.fence_ms)
		arg.flags = VGPU_QUEUE_FENCED;

	ret = vgpu_timeline_create(ctx->dev, 0, &queue->timeline);
	if (ret)
		goto err_free;
	if (options->ring_slots) {
		ret = vgpu_ring_create(ctx->dev, options->ring_slots,
				       &queue->ring);
		if (ret)
			goto err_timeline;
		queue->has_ring = true;
		arg.flags |= VGPU_QUEUE_RING;
		arg.ring_bo = queue->ring.bo->handle;
		arg.ring_slots = options->ring_slots;
	}
	ret = vgpu_call(ctx->dev, VGPU_IOCTL_QUEUE_CREATE, &arg, sizeof(arg));
	if (ret) {
		vgpu_fail(ret, "%s: no new queue: %s", ctx->dev->path,
			  strerror(-ret));
		goto err_ring;
	}
	queue->handle = arg.handle;
	if (queue->has_ring) {
		ret = vgpu_ring_attach(&queue->ring, arg.doorbell);
		if (ret)
			goto err_queue;
	}
	*out = queue;
	return 0;

err_queue:
	vgpu_dev_close_handle(ctx->dev, queue->handle);
err_ring:
	if (queue->has_ring)
		vgpu_ring_destroy(&queue->ring);
err_timeline:
	vgpu_timeline_destroy(queue->timeline);
err_free:
	free(queue);
	return ret;
}

void vgpu_queue_destroy(struct vgpu_queue *queue)
{
	if (!queue)
		return;
	/* First of all, so that nothing below is in use any more. */
	vgpu_dev_close_handle(queue->ctx->dev, queue->handle);
	vgpu_launch_cleanup(queue);
	if (queue->has_ring)
		vgpu_ring_destroy(&queue->ring);
	vgpu_timeline_destroy(queue->timeline);
	free(queue);
}

int vgpu_queue_set_class(struct vgpu_queue *queue, uint32_t sched_class)
{
	struct vgpu_queue_set arg = {
		.queue = queue->handle,
		.sched_class = sched_class,
	};
	struct vgpu_dev *dev = queue->ctx->dev;
	int ret = vgpu_call(dev, VGPU_IOCTL_QUEUE_SET, &arg, sizeof(arg));

	if (ret)
		return vgpu_fail(ret, "%s: setting a queue's class failed: %s",
				 dev->path, strerror(-ret));
	return 0;
}

uint32_t vgpu_queue_handle(const struct vgpu_queue *queue)
{
	return queue->handle;
}

/* ---- submitting ------------------------------------------------------------------ */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int kick(struct vgpu_queue *queue)
{
	struct vgpu_kick arg = { .queue = queue->handle };
	struct vgpu_dev *dev = queue->ctx->dev;
	int ret = vgpu_call(dev, VGPU_IOCTL_KICK, &arg, sizeof(arg));

	if (ret)
		return vgpu_fail(ret, "%s: kicking a queue failed: %s",
				 dev->path, strerror(-ret));
	return 0;
}

static int submit_ring(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		       uint32_t count)
{
	bool want_kick;
	int taken = vgpu_ring_write(&queue->ring, cmds, count, &want_kick);

	if (taken > 0 && want_kick) {
		int ret = kick(queue);

		if (ret)
			return ret;
	}
	return taken ? taken : -EAGAIN;
}

/* @due: NULL, or by now_ns(). @fence_fd: NULL, or where it goes. */
static int submit_call(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		       uint32_t count, const int64_t *due, int *fence_fd)
{
	struct vgpu_submit arg = {
		.queue = queue->handle,
		.cmds = (uintptr_t)cmds,
		.count = count > 1024 ? 1024 : count,
		.stride = sizeof(*cmds),
	};
	struct vgpu_dev *dev = queue->ctx->dev;
	int ret;

	if (due) {
		arg.flags = VGPU_SUBMIT_DEADLINE;
		arg.deadline_ns = *due - now_ns();
	}
	if (fence_fd)
		arg.flags |= VGPU_SUBMIT_FENCE;
	ret = vgpu_call(dev, VGPU_IOCTL_SUBMIT, &arg, sizeof(arg));
	if (ret == -EAGAIN)
		return ret;
	if (ret)
		return vgpu_fail(ret, "%s: command %u (operation %u) was refused: %s",
				 dev->path, arg.bad_index,
				 arg.bad_index < count ? cmds[arg.bad_index].op : 0,
				 strerror(-ret));
	if (fence_fd)
		*fence_fd = arg.fence_fd;
	return (int)arg.submitted;
}

static int submit(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		  uint32_t count, const int64_t *due, int64_t timeout_ns)
{
	int64_t until = timeout_ns < 0 ? INT64_MAX : now_ns() + timeout_ns;
	long nap_ns = 20000;
	uint32_t done = 0;

	if (!count)
		return 0;
	for (;;) {
		struct timespec nap = { 0, nap_ns };
		int64_t now;
		int taken;

		if (queue->has_ring)
			taken = submit_ring(queue, cmds + done, count - done);
		else
			taken = submit_call(queue, cmds + done, count - done,
					    due, NULL);
		if (taken > 0) {
			done += (uint32_t)taken;
			nap_ns = 20000;
			if (done == count)
				return (int)done;
			continue;
		}
		if (taken != -EAGAIN)
			return done ? (int)done : taken;
		now = now_ns();
		if (now >= until)
			break;
		if (queue->has_ring) {
			vgpu_ring_nap(&queue->ring, until - now);
			continue;
		}
		/* There is no call that waits for room; a full queue is not
		 * in a hurry.
		 */
		nanosleep(&nap, NULL);
		if (nap_ns < 2000000)
			nap_ns *= 2;
	}
	vgpu_fail(-EAGAIN, "the queue stayed full: %u of %u commands taken",
		  done, count);
	return done ? (int)done : -EAGAIN;
}

int vgpu_submit(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		uint32_t count, int64_t timeout_ns)
{
	return submit(queue, cmds, count, NULL, timeout_ns);
}

int vgpu_submit_due(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		    uint32_t count, int64_t deadline_ns, int64_t timeout_ns)
{
	const int64_t day_ns = 24 * 3600 * 1000000000LL;
	int64_t due;

	if (queue->has_ring)
		return vgpu_fail(-EOPNOTSUPP, "a ring's commands have no deadlines");
	if (deadline_ns > day_ns || deadline_ns < -day_ns)
		return vgpu_fail(-ERANGE, "a deadline more than a day away");
	due = now_ns() + deadline_ns;
	return submit(queue, cmds, count, &due, timeout_ns);
}

int vgpu_submit_fenced(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		       uint32_t count, int *fd)
{
	if (queue->has_ring)
		return vgpu_fail(-EOPNOTSUPP, "a ring's commands have no fences");
	return submit_call(queue, cmds, count, NULL, fd);
}

/* ---- waiting ---------------------------------------------------------------------- */

int64_t vgpu_queue_mark(struct vgpu_queue *queue)
{
	struct vgpu_cmd cmd = vgpu_cmd_signal(queue->timeline,
					      (uint64_t)queue->marked + 1);
	int ret = vgpu_submit(queue, &cmd, 1, -1);

	return ret < 0 ? ret : ++queue->marked;
}

int vgpu_queue_wait(struct vgpu_queue *queue, int64_t mark, int64_t timeout_ns)
{
	return vgpu_timeline_wait(queue->timeline, (uint64_t)mark, timeout_ns);
}

int vgpu_queue_status(struct vgpu_queue *queue, uint32_t irq_clear,
		      struct vgpu_queue_status *status)
{
	struct vgpu_dev *dev = queue->ctx->dev;
	int ret;

	memset(status, 0, sizeof(*status));
	status->queue = queue->handle;
	status->irq_clear = irq_clear;
	ret = vgpu_call(dev, VGPU_IOCTL_QUEUE_STATUS, status, sizeof(*status));
	if (ret)
		return vgpu_fail(ret, "%s: asking for a queue's figures failed: %s",
				 dev->path, strerror(-ret));
	return 0;
}

static int tell_failure(const struct vgpu_queue_status *status)
{
	int error = status->error < 0 ? status->error : -EIO;

	if (status->fault_access)
		return vgpu_fail(error,
				 "command %llu touched GPU address %#llx, where it may not %s",
				 (unsigned long long)status->error_seqno,
				 (unsigned long long)status->fault_va,
				 status->fault_access & VGPU_PROT_EXEC ? "execute" :
				 status->fault_access & VGPU_PROT_WRITE ? "write" :
									  "read");
	if (error == -ETIME)
		return vgpu_fail(error,
				 "command %llu ran longer than it may and was ended",
				 (unsigned long long)status->error_seqno);
	return vgpu_fail(error, "command %llu failed: %s",
			 (unsigned long long)status->error_seqno,
			 strerror(-error));
}

int vgpu_queue_finish(struct vgpu_queue *queue, int64_t timeout_ns)
{
	struct vgpu_queue_status status;
	int64_t mark = vgpu_queue_mark(queue);
	int ret;

	if (mark < 0)
		return (int)mark;
	ret = vgpu_queue_wait(queue, mark, timeout_ns);
	if (ret == -ETIME)
		return vgpu_fail(-ETIMEDOUT, "not done in time, still running");
	if (ret)
		return ret;
	ret = vgpu_queue_status(queue, VGPU_QUEUE_IRQ_ERROR, &status);
	if (ret)
		return ret;
	if (status.failed > queue->failed) {
		queue->failed = status.failed;
		return tell_failure(&status);
	}
	return 0;
}

int vgpu_queue_ring_figures(const struct vgpu_queue *queue,
			    struct vgpu_ring_figures *figures)
{
	if (!queue->has_ring)
		return vgpu_fail(-EINVAL, "the queue has no ring");
	*figures = queue->ring.figures;
	return 0;
}
