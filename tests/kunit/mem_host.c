// SPDX-License-Identifier: GPL-2.0
/* System memory, GPUs that have no MMU, and GPUs that are pulled out. */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include "mem_mock.h"

#define RW	(VGPU_PROT_READ | VGPU_PROT_WRITE)
#define VA	0x40000000ULL

static struct platform_device *pdev;

static int host_init(struct kunit *test)
{
	const struct platform_device_info info = {
		.name = "vgpu-mem-test",
		.id = PLATFORM_DEVID_NONE,
		.dma_mask = DMA_BIT_MASK(64),
	};

	pdev = platform_device_register_full(&info);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pdev));
	return 0;
}

static void host_exit(struct kunit *test)
{
	mem_mock_destroy(test->priv);
	if (!IS_ERR_OR_NULL(pdev))
		platform_device_unregister(pdev);
}

static void own_pages(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 4 * MOCK_MIB,
						test->param_value, &pdev->dev);
	u64 u = 1ULL << mock->format->fmt.page_shift, at;
	struct vgpu_as *as = vgpu_as_create(mock->vram, NULL, 1);
	struct vgpu_bo *bo;
	struct mock_entry e;

	KUNIT_ASSERT_FALSE(test, IS_ERR(as));
	bo = vgpu_bo_create_host(mock->vram, 5 * u - 100, NULL, NULL, NULL);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(bo), "%ld", PTR_ERR(bo));
	KUNIT_EXPECT_TRUE(test, vgpu_bo_is_host(bo));
	KUNIT_EXPECT_EQ(test, vgpu_bo_bytes(bo), 5 * u);
	KUNIT_EXPECT_EQ(test, vgpu_bo_vram_addr(bo), U64_MAX);
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(bo, 5 * u));
	for (at = 0; at < 5 * u; at += PAGE_SIZE) {
		struct page *page = vgpu_bo_page(bo, at);

		KUNIT_ASSERT_NOT_NULL(test, page);
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(page), 0,
						   PAGE_SIZE));
	}
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, VA, 5 * u, RW), 0);
	for (at = 0; at < 5 * u; at += u) {
		KUNIT_ASSERT_EQ(test, mem_mock_access(mock, as, VA + at, RW, &e),
				0);
		KUNIT_EXPECT_TRUE(test, e.host);
		/* no IOMMU in front of a platform device */
		KUNIT_EXPECT_EQ(test, e.addr,
				page_to_phys(vgpu_bo_page(bo, at)));
	}
	vgpu_bo_revoke(bo);
	KUNIT_EXPECT_EQ(test, mem_mock_access(mock, as, VA, 0, &e), -EFAULT);
	vgpu_bo_put(bo);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

struct foreign {
	struct page *pages[8];
	unsigned int released;
	struct mem_mock *mock;
	struct vgpu_as *as;
	int access;		/* when it was released */
};

static void release_foreign(void *arg)
{
	struct foreign *f = arg;
	struct mock_entry e;

	f->released++;
	f->access = mem_mock_access(f->mock, f->as, VA, 0, &e);
	/* somebody's lock: an allocation that may reclaim finds wrong ones */
	kfree(kmalloc(64, GFP_KERNEL));
}

static void foreign_pages(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 4 * MOCK_MIB,
						&mock_formats[0], &pdev->dev);
	struct foreign *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct vgpu_bo *bo;
	struct mock_entry e;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->mock = mock;
	f->as = vgpu_as_create(mock->vram, NULL, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->as));
	for (i = 0; i < ARRAY_SIZE(f->pages); i++) {
		f->pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->pages[i]);
	}
	/* an array without a callback, and the other way round */
	bo = vgpu_bo_create_host(mock->vram, 4096, f->pages, NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -EINVAL);
	bo = vgpu_bo_create_host(mock->vram, 4096, NULL, release_foreign, f);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -EINVAL);
	bo = vgpu_bo_create_host(mock->vram, 0, NULL, NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -EINVAL);
	bo = vgpu_bo_create_host(mock->vram, 1ULL << 60, NULL, NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -ENOMEM);

	/* revoked: released at once, and only then */
	bo = vgpu_bo_create_host(mock->vram, 8 * PAGE_SIZE, f->pages,
				 release_foreign, f);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_ASSERT_EQ(test, vgpu_as_map(f->as, bo, 0, VA, 8 * PAGE_SIZE, RW),
			0);
	KUNIT_EXPECT_EQ(test, mem_mock_access(mock, f->as, VA, RW, &e), 0);
	KUNIT_EXPECT_EQ(test, e.addr, page_to_phys(f->pages[0]));
	KUNIT_EXPECT_EQ(test, f->released, 0U);
	vgpu_bo_revoke(bo);
	KUNIT_EXPECT_EQ(test, f->released, 1U);
	KUNIT_EXPECT_EQ(test, f->access, -EFAULT);
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(bo, 0));
	vgpu_bo_revoke(bo);
	vgpu_bo_put(bo);
	KUNIT_EXPECT_EQ(test, f->released, 1U);

	/* put: when the last mapping goes */
	f->access = 0;
	bo = vgpu_bo_create_host(mock->vram, 8 * PAGE_SIZE, f->pages,
				 release_foreign, f);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_ASSERT_EQ(test, vgpu_as_map(f->as, bo, 0, VA, 8 * PAGE_SIZE, RW),
			0);
	vgpu_bo_put(bo);
	KUNIT_EXPECT_EQ(test, f->released, 1U);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(f->as, VA, 4 * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, f->released, 1U);
	KUNIT_ASSERT_EQ(test, vgpu_as_unmap(f->as, VA, 8 * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, f->released, 2U);
	KUNIT_EXPECT_EQ(test, f->access, -EFAULT);

	vgpu_as_destroy(f->as);
	for (i = 0; i < ARRAY_SIZE(f->pages); i++)
		__free_page(f->pages[i]);
	mem_mock_check(test, mock);
}

/* Taken from who has the other name, and from nobody else. */
static void aliased(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 4 * MOCK_MIB,
						test->param_value, &pdev->dev);
	u64 u = 1ULL << mock->format->fmt.page_shift;
	struct foreign *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct vgpu_as *as = vgpu_as_create(mock->vram, NULL, 1);
	struct vgpu_bo *bo[2], *alias, *more;
	struct mock_entry e, same;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, f);
	KUNIT_ASSERT_FALSE(test, IS_ERR(as));
	f->mock = mock;
	f->as = vgpu_as_create(mock->vram, NULL, 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->as));
	bo[0] = vgpu_bo_create(mock->vram, NULL, 4 * u, 0, VGPU_BO_FIXED);
	bo[1] = vgpu_bo_create_host(mock->vram, 4 * u, NULL, NULL, NULL);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_FALSE(test, IS_ERR(bo[i]));
		KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo[i], 0, VA, 4 * u, RW),
				0);
		f->released = 0;
		alias = vgpu_bo_create_alias(bo[i], release_foreign, f);
		KUNIT_ASSERT_FALSE(test, IS_ERR(alias));
		more = vgpu_bo_create_alias(alias, release_foreign, f);
		KUNIT_EXPECT_EQ(test, PTR_ERR(more), -EINVAL);
		KUNIT_EXPECT_EQ(test, vgpu_bo_bytes(alias), 4 * u);
		KUNIT_EXPECT_EQ(test, vgpu_bo_is_host(alias), i == 1);
		KUNIT_EXPECT_PTR_EQ(test, vgpu_bo_page(alias, u),
				    vgpu_bo_page(bo[i], u));
		KUNIT_ASSERT_EQ(test, vgpu_as_map(f->as, alias, u, VA, 2 * u, RW),
				0);
		KUNIT_EXPECT_EQ(test, mem_mock_access(mock, f->as, VA, RW, &e), 0);
		KUNIT_EXPECT_EQ(test, mem_mock_access(mock, as, VA + u, RW, &same),
				0);
		KUNIT_EXPECT_EQ(test, e.addr, same.addr);
		KUNIT_EXPECT_EQ(test, e.host, same.host);

		vgpu_bo_revoke(alias);
		KUNIT_EXPECT_EQ(test, f->released, 1U);
		KUNIT_EXPECT_EQ(test, f->access, -EFAULT);
		KUNIT_EXPECT_NULL(test, vgpu_bo_page(alias, 0));
		KUNIT_EXPECT_EQ(test, vgpu_as_map(f->as, alias, 0, VA, u, RW),
				-ESTALE);
		KUNIT_EXPECT_EQ(test, mem_mock_access(mock, as, VA, RW, &same), 0);
		KUNIT_ASSERT_EQ(test, vgpu_as_unmap(as, VA, 4 * u), 0);
		vgpu_bo_put(bo[i]);
		/* the name is left, and nothing behind it */
		KUNIT_EXPECT_NULL(test, vgpu_bo_page(alias, u));
		vgpu_bo_put(alias);
		KUNIT_EXPECT_EQ(test, f->released, 1U);
	}
	vgpu_as_destroy(f->as);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

static void out_of_reach(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 4 * MOCK_MIB,
						&mock_formats[0], NULL);
	struct vgpu_bo *bo;

	bo = vgpu_bo_create_host(mock->vram, 4096, NULL, NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bo), -EOPNOTSUPP);
	mem_mock_check(test, mock);
}

static void host_without_metadata(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 4 * MOCK_MIB,
						&mock_formats[0], &pdev->dev);
	unsigned int nth;

	if (!mem_fail_nth_works()) {
		mem_mock_check(test, mock);
		kunit_skip(test, "no fault injection (failslab/ignore-gfp-wait)");
	}
	for (nth = 1; nth < 500; nth++) {
		struct vgpu_bo *bo;
		bool failed;

		mem_fail_nth_start(nth);
		bo = vgpu_bo_create_host(mock->vram, 16 * PAGE_SIZE, NULL, NULL,
					 NULL);
		failed = mem_fail_nth_stop();
		if (!IS_ERR(bo))
			vgpu_bo_put(bo);
		else
			KUNIT_ASSERT_EQ_MSG(test, PTR_ERR(bo), -ENOMEM,
					    "nth %u", nth);
		if (!failed)
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 1U);
	KUNIT_EXPECT_LT(test, nth, 500U);
	mem_mock_check(test, mock);
}

/* No MMU: addresses are translated here, or refused. */
static void without_an_mmu(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 8 * MOCK_MIB, NULL, NULL);
	struct vgpu_as *as = vgpu_as_create(mock->vram, NULL, 1);
	struct vgpu_bo *bo;
	struct vgpu_as_stats st;
	u64 addr, base;

	KUNIT_ASSERT_FALSE(test, IS_ERR(as));
	KUNIT_EXPECT_EQ(test, vgpu_as_root(as), 0ULL);
	KUNIT_EXPECT_EQ(test, vgpu_as_end(as), VGPU_SHARED_BASE);
	bo = vgpu_bo_create(mock->vram, NULL, 0x100000, 0, VGPU_BO_CONTIGUOUS);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	base = vgpu_bo_vram_addr(bo);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0x1000, VA, 0x10000,
					  VGPU_PROT_READ), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0x11000, VA + 0x10000,
					  0x10000, RW), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, VA + 0x20000, 0x10000, RW),
			0);

	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA + 5, 10, VGPU_PROT_READ,
						&addr), 0);
	KUNIT_EXPECT_EQ(test, addr, base + 0x1005);
	/* over the seam of two that continue each other */
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA, 0x20000, VGPU_PROT_READ,
						&addr), 0);
	KUNIT_EXPECT_EQ(test, addr, base + 0x1000);
	/* but not with more rights than one of them has */
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA, 0x20000, RW, &addr),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA + 0x10000, 0x10000, RW,
						&addr), 0);
	/* nor over one that does not continue, nor past the end, nor wrapped */
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA + 0x10000, 0x10001,
						VGPU_PROT_READ, &addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA + 0x2ffff, 2,
						VGPU_PROT_READ, &addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA - 1, 2, VGPU_PROT_READ,
						&addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA, 0, VGPU_PROT_READ,
						&addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA, -VA, VGPU_PROT_READ,
						&addr), -EFAULT);
	KUNIT_EXPECT_EQ(test, vgpu_as_translate(as, VA, U64_MAX, VGPU_PROT_READ,
						&addr), -EFAULT);

	vgpu_bo_put(bo);
	vgpu_as_get_stats(as, &st);
	KUNIT_EXPECT_EQ(test, st.ptes_written + st.invalidations +
			st.table_bytes, 0ULL);
	vgpu_as_destroy(as);
	mem_mock_check(test, mock);
}

/* After the GPU is gone nothing may be called, but all can be given back. */
static void pulled_out(struct kunit *test)
{
	struct mem_mock *mock = mem_mock_create(test, 8 * MOCK_MIB,
						&mock_formats[0], &pdev->dev);
	struct vgpu_as *as = vgpu_as_create(mock->vram, NULL, 1);
	struct vgpu_bo *bo, *host, *none;
	struct vgpu_vram *vram = mock->vram;
	u64 calls;

	KUNIT_ASSERT_FALSE(test, IS_ERR(as));
	bo = vgpu_bo_create(vram, NULL, 2 * MOCK_MIB, 0, 0);
	host = vgpu_bo_create_host(vram, 0x4000, NULL, NULL, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bo));
	KUNIT_ASSERT_FALSE(test, IS_ERR(host));
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, bo, 0, VA, 2 * MOCK_MIB, RW), 0);
	KUNIT_ASSERT_EQ(test, vgpu_as_map(as, host, 0, VA + 2 * MOCK_MIB,
					  0x4000, RW), 0);
	vgpu_vram_unplug(vram);
	calls = mock->calls;

	none = vgpu_bo_create(vram, NULL, 4096, 0, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(none), -ENODEV);
	none = vgpu_bo_create_host(vram, 4096, NULL, NULL, NULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(none), -ENODEV);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vgpu_as_create(vram, NULL, 2)), -ENODEV);
	KUNIT_EXPECT_EQ(test, vgpu_as_map(as, bo, 0, 2 * VA, 4096, RW), -ENODEV);
	KUNIT_EXPECT_NULL(test, vgpu_bo_page(bo, 0));
	KUNIT_EXPECT_EQ(test, vgpu_as_unmap(as, VA + 4096, 4096), 0);
	vgpu_bo_revoke(bo);
	vgpu_bo_put(bo);
	/* the memory's owner goes first, the tenants later */
	mock->vram = NULL;
	vgpu_vram_destroy(vram);
	vgpu_as_destroy(as);
	vgpu_bo_put(host);
	KUNIT_EXPECT_EQ(test, mock->calls, calls);
	KUNIT_EXPECT_EQ(test, mock->violations, 0U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(own_pages, mock_format_gen_params),
	KUNIT_CASE(foreign_pages),
	KUNIT_CASE_PARAM(aliased, mock_format_gen_params),
	KUNIT_CASE(out_of_reach),
	KUNIT_CASE(host_without_metadata),
	KUNIT_CASE(without_an_mmu),
	KUNIT_CASE(pulled_out),
	{}
};

static struct kunit_suite suite = {
	.name = "vgpu_mem_foreign_or_gone",
	.init = host_init,
	.exit = host_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
