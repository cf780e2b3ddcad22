// SPDX-License-Identifier: GPL-2.0
/* Jobs of drm_sched have nothing but an owner, before 6.8. */
/* needs-symbol: drm_sched_init */
#include <drm/gpu_scheduler.h>

int probe(struct drm_gpu_scheduler *s, struct drm_sched_init_args *args,
	  struct drm_sched_job *job, struct drm_sched_entity *entity);
int probe(struct drm_gpu_scheduler *s, struct drm_sched_init_args *args,
	  struct drm_sched_job *job, struct drm_sched_entity *entity)
{
	args->credit_limit = 1;
	return drm_sched_init(s, args) ?: drm_sched_job_init(job, entity, NULL);
}
