/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine of vgpu_soft without threads: two engines, some memory, an
 * address space with the kernels of soft_kernels.S in it.
 */
#ifndef _VGPU_KUNIT_SOFT_FIXTURE_H
#define _VGPU_KUNIT_SOFT_FIXTURE_H

#include <kunit/test.h>

#include "../../drivers/vgpu/soft/selftest.h"

#define FX_CODE		0x10000ULL
#define FX_DATA		0x20000ULL
#define FX_DATA_PAGES	4
#define FX_STACK	0x30000ULL
#define FX_STACK_PAGES	4
#define FX_ASID		5

/* Kernels do not take longer; what does hangs. */
#define FX_STEPS_MAX	2000000

struct soft_fixture {
	struct soft_machine m;
	struct soft_core *core[2];
	u64 next_page;
	u64 root;
	u32 sizes[VGPU_SEC_COUNT];
	u32 used[VGPU_SEC_COUNT];
	u8 *saved[VGPU_SEC_COUNT];
	struct vgpu_hw_job job;
};

extern const struct soft_test_model *const fx_model;

int fx_init(struct kunit *test);
void fx_exit(struct kunit *test);
int fx_create(struct kunit *test, const struct soft_machine *shape);

u64 fx_page(struct soft_fixture *fx);
u64 *fx_pte(struct soft_fixture *fx, u64 va, unsigned int level);
u64 fx_map(struct soft_fixture *fx, u64 va, u32 prot);
void *fx_data(struct soft_fixture *fx, u64 va);
void fx_launch(struct soft_fixture *fx, u32 kernel, u32 lanes, u32 groups);
void fx_begin(struct soft_fixture *fx, struct soft_core *c);
enum soft_step fx_run(struct soft_core *c, u32 limit);
void fx_save(struct soft_fixture *fx, struct soft_core *c);
void fx_load(struct soft_fixture *fx, struct soft_core *c);
void fx_move(struct soft_fixture *fx, struct soft_core *from,
	     struct soft_core *to);

#endif /* _VGPU_KUNIT_SOFT_FIXTURE_H */
