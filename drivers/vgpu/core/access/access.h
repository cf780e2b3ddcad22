/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside core/: on whose behalf a client is there.  Rules are in vgpu/access.h.
 */
#ifndef _VGPU_CORE_ACCESS_H
#define _VGPU_CORE_ACCESS_H

#include <vgpu/access.h>

struct vgpu_client;

/**
 * struct vgpu_subject - who opened, for as long as it is open
 * @cred: a reference
 * @cgroup: likewise, or NULL
 */
struct vgpu_subject {
	const struct cred *cred;
	struct cgroup *cgroup;
};

/* Of @like, or of who calls. */
void vgpu_subject_take(struct vgpu_subject *subject,
		       const struct vgpu_subject *like);
void vgpu_subject_drop(struct vgpu_subject *subject);

/*
 * Around making @client known: no rule changes meanwhile, so nobody comes in between
 * a question and a change that would answer it in another way.  The answer, 0 or
 * -EACCES; vgpu_access_leave() must follow in both cases.  inst->lock is taken below.
 */
int vgpu_access_enter(struct vgpu_client *client);
void vgpu_access_leave(void);

void vgpu_access_exit(void);

#endif /* _VGPU_CORE_ACCESS_H */
