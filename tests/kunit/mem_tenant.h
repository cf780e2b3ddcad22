/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of paging: tenants on a mock GPU with 8 MiB of VRAM, each with an
 * account, an address space and one pageable BO that is mapped at BASE.
 */
#ifndef _MEM_TENANT_H
#define _MEM_TENANT_H

#include "mem_mock.h"
#include "mem/residency.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define BASE	0x40000000ULL
#define VRAM	(8 * MOCK_MIB)

struct tenant {
	struct mem_mock *mock;
	struct vgpu_mem_account acct;
	struct vgpu_as *as;
	struct vgpu_bo *bo;
	u64 bytes;
	u64 faults;		/* for who counts them */
};

/* Over-committed; its format is the test's parameter, or the first one. */
struct mem_mock *paged_mock(struct kunit *test);
/* Fails the test for what is left but frames; the GPU goes. */
void all_given_back(struct kunit *test, struct mem_mock *mock);

/* @share: see vgpu_mem_set_share() */
void tenant_open_with_share(struct kunit *test, struct mem_mock *mock,
			    struct tenant *t, u32 asid, u64 bytes, u64 share);
static inline void tenant_open(struct kunit *test, struct mem_mock *mock,
			       struct tenant *t, u32 asid, u64 bytes)
{
	tenant_open_with_share(test, mock, t, asid, bytes, U64_MAX);
}

/* Fails the test for what it is still charged for. */
void tenant_close(struct kunit *test, struct tenant *t);
/* Bytes of its BO. */
u64 tenant_in_vram(struct tenant *t);

/* As an engine that faults would; the CPU address of what is behind @va. */
u64 *tenant_touch(struct mem_mock *mock, struct vgpu_as *as, u64 va);
/* One page at @at of the BO: what @who wrote, or zeros throughout for 0. */
bool tenant_page_is(struct mem_mock *mock, struct tenant *t, u32 who, u64 at);
bool tenant_page_write(struct mem_mock *mock, struct tenant *t, u32 who, u64 at);

#endif /* _MEM_TENANT_H */
