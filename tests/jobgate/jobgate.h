/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VGPU_JOBGATE_H
#define _VGPU_JOBGATE_H

#include <vgpu/backend_test.h>

extern const struct vgpu_test_backend vgpu_jobgate_test_backend;

#endif /* _VGPU_JOBGATE_H */
