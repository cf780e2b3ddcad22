/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of defragmentation: two address spaces on a mock GPU that share
 * BOs, each byte of which is known, and holes between them.
 */
#ifndef _DEFRAG_SCENE_H
#define _DEFRAG_SCENE_H

#include "mem_mock.h"
#include "mem/residency.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define BASE	0x40000000ULL
#define VRAM	(16 * MOCK_MIB)
#define BOS	160
#define STRIDE	(4 * MOCK_MIB)

struct one {
	struct vgpu_bo *bo;
	u64 bytes;
	u64 va;
};

struct scene {
	struct mem_mock *mock;
	struct vgpu_mem_account acct;
	struct vgpu_as *as[2];
	struct one one[BOS];
	struct rnd_state rnd;
	u32 seed;
};

/* All of VRAM is clean; pools and scrubbing in the background are on. */
struct scene *scene_new(struct kunit *test, const struct mock_format *fmt);
/* Without BOs and mappings; fails the test for what is left. */
void scene_end(struct kunit *test, struct scene *s);
u64 scene_page(const struct scene *s);
/* What is at byte @at of BO @i. */
u64 scene_word(const struct scene *s, unsigned int i, u64 at);
/* As an engine that is restarted after a fault. 0 or an errno. */
int scene_load(struct scene *s, struct vgpu_as *as, u64 va, u64 *value);
int scene_store(struct scene *s, struct vgpu_as *as, u64 va, u64 value);
/* BO @i, mapped in both address spaces, and full. False: no room. */
bool scene_add(struct kunit *test, struct scene *s, unsigned int i, u64 bytes,
	       u32 flags);
void scene_drop(struct kunit *test, struct scene *s, unsigned int i);
void scene_fill(struct kunit *test, struct scene *s, unsigned int i);
void scene_check(struct kunit *test, struct scene *s, unsigned int i);
/* Full of all sizes, then three of five go. */
void scene_scatter(struct kunit *test, struct scene *s, u64 leave, u32 flags);
/* Permille; the survey adds up. */
u32 scene_fragmentation(struct kunit *test, struct scene *s, u64 *free);
/* Fails the test for what is nobody's and not zero. */
void scene_hunt(struct kunit *test, struct scene *s);

#endif /* _DEFRAG_SCENE_H */
