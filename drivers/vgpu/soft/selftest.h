/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites reach of the machine without its threads.  A table,
 * so that the module exports one symbol for all of it.
 */
#ifndef _VGPU_SOFT_SELFTEST_H
#define _VGPU_SOFT_SELFTEST_H

#include <vgpu/backend_test.h>

#include "model.h"

struct soft_test_model {
	int (*vram_create)(struct soft_machine *m, u64 bytes, int node);
	void (*vram_destroy)(struct soft_machine *m);
	int (*init)(struct soft_core *c, struct soft_machine *m);
	void (*fini)(struct soft_core *c);
	void (*start)(struct soft_core *c, const struct vgpu_hw_job *job);
	void (*resume)(struct soft_core *c, const struct vgpu_hw_job *job);
	enum soft_step (*step)(struct soft_core *c, u32 limit);
	void (*section_sizes)(const struct soft_machine *m, u32 *bytes);
	u32 (*save)(struct soft_core *c, enum vgpu_hw_section sec, void *buf);
	void (*load)(struct soft_core *c, enum vgpu_hw_section sec,
		     const void *buf, u32 bytes);
	u32 (*blocks)(struct soft_core *c, enum vgpu_hw_section sec,
		      unsigned long *map);
	void (*save_blocks)(struct soft_core *c, enum vgpu_hw_section sec,
			    void *buf, u32 first, u32 count);
	void (*load_blocks)(struct soft_core *c, enum vgpu_hw_section sec,
			    const void *buf, u32 first, u32 count);
	int (*vector_read)(const struct soft_core *c, u64 index, u64 *v);
	int (*vector_write)(struct soft_core *c, u64 index, u64 v);
	void (*flip)(struct soft_core *a, struct soft_core *b);
	void (*clear)(struct soft_core *c, u32 asid, u64 root);
	void *(*walk)(struct soft_core *c, u64 va, u32 access);
	void *(*find)(struct soft_core *c, u64 va, enum soft_tlb_kind kind);
	void (*tlb_drop)(struct soft_core *c, u32 asid, u64 va, u64 bytes);
	const struct vgpu_pt_format *format;
};

extern const struct soft_test_model vgpu_soft_test_model;
extern const struct vgpu_test_backend vgpu_soft_test_backend;

#endif /* _VGPU_SOFT_SELFTEST_H */
