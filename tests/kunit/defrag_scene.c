// SPDX-License-Identifier: GPL-2.0
/* The scene of defrag_scene.h. */
#include <linux/delay.h>
#include <linux/random.h>
#include <linux/slab.h>
#include "defrag_scene.h"
#include "seed.h"

u64 scene_word(const struct scene *s, unsigned int i, u64 at)
{
	return (s->seed + i + 1) * 0x9e3779b97f4a7c15ULL ^ at;
}

int scene_load(struct scene *s, struct vgpu_as *as, u64 va, u64 *value)
{
	unsigned int tries;
	int err = -EAGAIN;

	for (tries = 0; tries < 100; tries++) {
		if (!mem_mock_load(s->mock, as, va, value))
			return 0;
		err = vgpu_as_fault_in(as, va, VGPU_PROT_READ);
		if (err)
			return err;
	}
	return err ?: -ELOOP;
}

int scene_store(struct scene *s, struct vgpu_as *as, u64 va, u64 value)
{
	unsigned int tries;
	int err = -EAGAIN;

	for (tries = 0; tries < 100; tries++) {
		if (!mem_mock_store(s->mock, as, va, value))
			return 0;
		err = vgpu_as_fault_in(as, va, VGPU_PROT_WRITE);
		if (err)
			return err;
	}
	return err ?: -ELOOP;
}

struct scene *scene_new(struct kunit *test, const struct mock_format *fmt)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int k;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->seed = kunit_seed();
	kunit_info(test, "seed %u\n", s->seed);
	prandom_seed_state(&s->rnd, s->seed);
	s->mock = mem_mock_create(test, VRAM, fmt, NULL);
	vgpu_vram_set_pools(s->mock->vram, true);
	vgpu_vram_set_background(s->mock->vram, true);
	/* what was there before us is gone, so all that is free is zeros */
	while (READ_ONCE(s->mock->vram->first_pass) < s->mock->vram->pages)
		msleep(20);
	flush_work(&s->mock->vram->scrub_work);
	vgpu_mem_account_init(&s->acct, U64_MAX / 2);
	for (k = 0; k < 2; k++) {
		s->as[k] = vgpu_as_create(s->mock->vram, &s->acct, k + 1);
		KUNIT_ASSERT_FALSE(test, IS_ERR(s->as[k]));
	}
	return s;
}

u64 scene_page(const struct scene *s)
{
	return 1ULL << s->mock->format->fmt.page_shift;
}

void scene_fill(struct kunit *test, struct scene *s, unsigned int i)
{
	u64 at;

	for (at = 0; at < s->one[i].bytes; at += 512)
		KUNIT_ASSERT_EQ(test, scene_store(s, s->as[0],
						  s->one[i].va + at,
						  scene_word(s, i, at)), 0);
}

void scene_check(struct kunit *test, struct scene *s, unsigned int i)
{
	u64 at, value;
	unsigned int k;

	if (!s->one[i].bo)
		return;
	for (k = 0; k < 2; k++) {
		for (at = 0; at < s->one[i].bytes; at += 512) {
			KUNIT_ASSERT_EQ(test, scene_load(s, s->as[k],
							 s->one[i].va + at,
							 &value), 0);
			KUNIT_ASSERT_EQ_MSG(test, value, scene_word(s, i, at),
					    "seed %u: %u at %llx", s->seed, i,
					    at);
		}
	}
}

/* One BO, mapped in both address spaces. */
bool scene_add(struct kunit *test, struct scene *s, unsigned int i, u64 bytes,
	       u32 flags)
{
	struct one *one = &s->one[i];
	struct vgpu_bo *bo;
	unsigned int k;

	bo = vgpu_bo_create(s->mock->vram, &s->acct, bytes, 0, flags);
	if (IS_ERR(bo))
		return false;
	one->bo = bo;
	one->bytes = vgpu_bo_bytes(bo);
	one->va = BASE + i * STRIDE;
	for (k = 0; k < 2; k++)
		KUNIT_ASSERT_EQ(test, vgpu_as_map(s->as[k], bo, 0, one->va,
						  one->bytes, RW), 0);
	scene_fill(test, s, i);
	return true;
}

void scene_drop(struct kunit *test, struct scene *s, unsigned int i)
{
	unsigned int k;

	if (!s->one[i].bo)
		return;
	for (k = 0; k < 2; k++)
		KUNIT_ASSERT_EQ(test, vgpu_as_unmap(s->as[k], s->one[i].va,
						    s->one[i].bytes), 0);
	vgpu_bo_put(s->one[i].bo);
	s->one[i].bo = NULL;
}

void scene_scatter(struct kunit *test, struct scene *s, u64 leave, u32 flags)
{
	struct vgpu_vram_stats st;
	unsigned int i;

	for (i = 0; i < BOS; i++) {
		u64 bytes = scene_page(s) << mock_rnd(&s->rnd, 7);

		if (!mock_rnd(&s->rnd, 16))
			bytes = 2 * MOCK_MIB + scene_page(s) * mock_rnd(&s->rnd, 3);
		vgpu_vram_trim(s->mock->vram);
		vgpu_vram_get_stats(s->mock->vram, &st);
		if (bytes + leave > st.free)
			continue;
		scene_add(test, s, i, bytes, flags);
	}
	for (i = 0; i < BOS; i++)
		if (i % 5 < 3)
			scene_drop(test, s, i);
}

u32 scene_fragmentation(struct kunit *test, struct scene *s, u64 *free)
{
	struct vgpu_vram_survey *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	u64 sum = 0;
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, v);
	vgpu_vram_survey(s->mock->vram, v);
	for (k = 0; k < VGPU_VRAM_USES; k++) {
		u64 pages = 0;

		sum += v->bytes[k];
		for (i = 0; i < v->cells; i++)
			pages += v->cell[i][k];
		KUNIT_EXPECT_EQ(test, pages << 12, v->bytes[k]);
	}
	KUNIT_EXPECT_EQ(test, sum, (u64)VRAM);
	if (free)
		*free = v->free;
	return v->frag_permille;
}

/* Nobody's memory is zeros, all of it. */
struct hunt {
	struct mem_mock *mock;
	u32 at;
	u64 found;
};

static void hunt_to(struct hunt *h, u32 page)
{
	for (; h->at < page; h->at++)
		if (memchr_inv(h->mock->mem + ((u64)h->at << 12), 0, 4096))
			h->found++;
}

static void hunt_block(void *arg, const struct vgpu_block *block)
{
	struct hunt *h = arg;

	hunt_to(h, block->first);
	h->at = block->first + block->pages;
}

void scene_hunt(struct kunit *test, struct scene *s)
{
	struct hunt h = { .mock = s->mock };

	vgpu_vram_trim(s->mock->vram);
	vgpu_vram_visit(s->mock->vram, hunt_block, &h);
	hunt_to(&h, VRAM >> 12);
	KUNIT_EXPECT_EQ_MSG(test, h.found, 0ULL, "seed %u: pages not scrubbed",
			    s->seed);
}

void scene_end(struct kunit *test, struct scene *s)
{
	unsigned int i;

	for (i = 0; i < BOS; i++)
		scene_drop(test, s, i);
	for (i = 0; i < 2; i++)
		vgpu_as_destroy(s->as[i]);
	KUNIT_EXPECT_EQ(test, s->acct.used, 0ULL);
	KUNIT_EXPECT_EQ(test, s->acct.fixed, 0ULL);
	if (s->mock->vram->residency)
		vgpu_vram_unplug(s->mock->vram);
	vgpu_vram_trim(s->mock->vram);
	mem_mock_check(test, s->mock);
}
