// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's scheduler: an entity for each tenant, all of normal priority.  It
 * starts jobs and is told of their ends; it never stops one.
 */
#include <linux/delay.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>

#include "compat/drm_sched.h"
#include "peer.h"

#ifdef VGPU_DRM_SCHED

/* Freed by the last reference to its hardware fence. */
struct drm_job {
	struct dma_fence hw;		/* first: it is what is freed */
	struct drm_sched_job job;
	struct dma_fence_cb told;	/* the scheduler says that it is done */
	struct peer_run *run;
	unsigned int tenant;
	u64 ns;
};

struct drm_side {
	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity[PEER_TENANTS];
	struct drm_job *on_hw;
	spinlock_t fence_lock;		/* of the hardware's fences */
	u64 context, seqno;
	atomic_t alive;			/* jobs not freed yet */
};

static const char *fence_name(struct dma_fence *fence)
{
	return "peer";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

static struct drm_job *to_job(struct drm_sched_job *job)
{
	return container_of(job, struct drm_job, job);
}

static struct dma_fence *run_job(struct drm_sched_job *base)
{
	struct drm_job *job = to_job(base);
	struct drm_side *side = job->run->priv;

	dma_fence_init(&job->hw, &fence_ops, &side->fence_lock, side->context,
		       ++side->seqno);
	/* one for the hardware, one for who asked */
	dma_fence_get(&job->hw);
	dma_fence_get(&job->hw);
	side->on_hw = job;
	peer_started(job->run, job->tenant);
	peer_hw_start(&job->run->hw, job->ns);
	return &job->hw;
}

static enum drm_gpu_sched_stat timedout_job(struct drm_sched_job *base)
{
	return DRM_GPU_SCHED_STAT_NOMINAL;
}

static void free_job(struct drm_sched_job *base)
{
	struct drm_job *job = to_job(base);
	struct drm_side *side = job->run->priv;

	drm_sched_job_cleanup(base);
	dma_fence_put(&job->hw);
	atomic_dec(&side->alive);
}

static const struct drm_sched_backend_ops backend_ops = {
	.run_job = run_job,
	.timedout_job = timedout_job,
	.free_job = free_job,
};

static void drm_answer(struct peer_hw *hw, u64 service, u64 left)
{
	struct peer_run *run = hw->priv;
	struct drm_side *side = run->priv;
	struct drm_job *job = side->on_hw;

	run->tenant[job->tenant].busy_ns += service;
	dma_fence_signal(&job->hw);
	dma_fence_put(&job->hw);
}

static void told(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct drm_job *job = container_of(cb, struct drm_job, told);

	peer_done(job->run, job->tenant);
}

static int drm_submit(struct peer_run *run, unsigned int n, u64 ns)
{
	struct drm_side *side = run->priv;
	struct drm_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	int err;

	if (!job)
		return -ENOMEM;
	err = vgpu_drm_sched_job_init(&job->job, &side->entity[n]);
	if (err) {
		kfree(job);
		return err;
	}
	job->run = run;
	job->tenant = n;
	job->ns = ns;
	atomic_inc(&side->alive);
	drm_sched_job_arm(&job->job);
	dma_fence_add_callback(&job->job.s_fence->finished, &job->told, told);
	drm_sched_entity_push_job(&job->job);
	return 0;
}

static void drm_close(struct peer_run *run)
{
	struct drm_side *side = run->priv;
	unsigned int i;

	/* jobs are freed a while after they are done */
	while (atomic_read(&side->alive))
		msleep(20);
	for (i = 0; i < PEER_TENANTS; i++)
		drm_sched_entity_destroy(&side->entity[i]);
	drm_sched_fini(&side->sched);
	peer_hw_fini(&run->hw);
	/* their fences name functions of this module */
	rcu_barrier();
	kfree(side);
}

static int drm_open(struct peer_run *run)
{
	struct drm_gpu_scheduler *sched;
	struct drm_side *side;
	unsigned int i;
	int err;

	side = kzalloc(sizeof(*side), GFP_KERNEL);
	if (!side)
		return -ENOMEM;
	run->priv = side;
	spin_lock_init(&side->fence_lock);
	side->context = dma_fence_context_alloc(1);
	peer_hw_init(&run->hw, drm_answer, run);
	sched = &side->sched;
	err = vgpu_drm_sched_init(sched, &backend_ops, "peer", run->dev);
	if (err)
		goto free;
	for (i = 0; i < PEER_TENANTS; i++) {
		err = drm_sched_entity_init(&side->entity[i],
					    DRM_SCHED_PRIORITY_NORMAL, &sched,
					    1, NULL);
		if (err)
			goto entities;
	}
	return 0;

entities:
	while (i--)
		drm_sched_entity_destroy(&side->entity[i]);
	drm_sched_fini(sched);
free:
	kfree(side);
	return err;
}

#else	/* an interface that we do not know */

static int drm_open(struct peer_run *run)
{
	return -EOPNOTSUPP;
}

static int drm_submit(struct peer_run *run, unsigned int n, u64 ns)
{
	return -EOPNOTSUPP;
}

static void drm_close(struct peer_run *run)
{
}
#endif

const struct peer_side peer_drm = {
	.name = "drm_sched",
	.open = drm_open,
	.submit = drm_submit,
	.close = drm_close,
};
