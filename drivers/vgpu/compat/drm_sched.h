/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own GPU scheduler, for the bench that runs beside it. */
#ifndef _VGPU_COMPAT_DRM_SCHED_H
#define _VGPU_COMPAT_DRM_SCHED_H

#include <vgpu_compat_config.h>

#if defined(HAVE_DRM_SCHED_JOB_CLIENT) || defined(HAVE_DRM_SCHED_JOB_PLAIN)
#define VGPU_DRM_SCHED 1
#include <drm/gpu_scheduler.h>

/* One job at a time on the hardware, no time-outs. */
static inline int vgpu_drm_sched_init(struct drm_gpu_scheduler *sched,
				      const struct drm_sched_backend_ops *ops,
				      const char *name, struct device *dev)
{
	struct drm_sched_init_args args = {
		.ops = ops,
		.credit_limit = 1,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = name,
		.dev = dev,
	};

#ifdef HAVE_DRM_SCHED_JOB_CLIENT
	args.num_rqs = DRM_SCHED_PRIORITY_COUNT;
#endif
	return drm_sched_init(sched, &args);
}

static inline int vgpu_drm_sched_job_init(struct drm_sched_job *job,
					  struct drm_sched_entity *entity)
{
#ifdef HAVE_DRM_SCHED_JOB_CLIENT
	return drm_sched_job_init(job, entity, 1, NULL, 0);
#else
	return drm_sched_job_init(job, entity, NULL);
#endif
}
#endif

#endif /* _VGPU_COMPAT_DRM_SCHED_H */
