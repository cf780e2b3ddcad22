/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a backend offers itself to the conformance suite (tests/kunit): it
 * makes a GPU that is registered nowhere, whose operations the suite calls
 * and whose events the suite takes.  Compiled in only where KUnit is.
 */
#ifndef _VGPU_BACKEND_TEST_H
#define _VGPU_BACKEND_TEST_H

#include <vgpu/backend.h>

/* Called in the place of vgpu_gpu_event(), under the same rules. */
typedef void (*vgpu_test_sink_t)(void *arg, const struct vgpu_hw_event *ev);

/**
 * struct vgpu_test_backend - a backend under test
 * @name: for people
 * @ops: its operations
 * @create: makes a GPU and describes it; @desc points into it
 * @destroy: takes it away; all engines are stopped
 */
struct vgpu_test_backend {
	const char *name;
	const struct vgpu_backend_ops *ops;
	void *(*create)(vgpu_test_sink_t sink, void *arg,
			const struct vgpu_hw_desc **desc);
	void (*destroy)(void *hw);
};

#endif /* _VGPU_BACKEND_TEST_H */
