// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit module gets to see, on kernels that have KUnit.
 */
#include <linux/err.h>
#include <linux/kconfig.h>
#include <vgpu/kunit.h>

#include "selftest.h"
#include "soft_priv.h"

#if IS_ENABLED(CONFIG_KUNIT)

static void *test_create(vgpu_test_sink_t sink, void *arg,
			 const struct vgpu_hw_desc **desc)
{
	struct soft_config config;
	struct soft_gpu *gpu;

	if (soft_config_get(&config))
		return NULL;
	config.vram_bytes = 8 << 20;
	config.engines = 2;
	gpu = soft_gpu_create("soft-test", &config);
	if (IS_ERR(gpu))
		return NULL;
	gpu->sink_arg = arg;
	gpu->sink = sink;
	*desc = &gpu->desc;
	return gpu;
}

static void test_destroy(void *hw)
{
	soft_gpu_destroy(hw);
}

const struct vgpu_test_backend vgpu_soft_test_backend = {
	.name = "soft",
	.ops = &soft_ops,
	.create = test_create,
	.destroy = test_destroy,
};

VGPU_EXPORT_IF_KUNIT(vgpu_soft_test_backend);

const struct soft_test_model vgpu_soft_test_model = {
	.vram_create = soft_vram_create,
	.vram_destroy = soft_vram_destroy,
	.init = soft_core_init,
	.fini = soft_core_fini,
	.start = soft_core_start,
	.resume = soft_core_resume,
	.step = soft_core_step,
	.section_sizes = soft_section_sizes,
	.save = soft_core_save,
	.load = soft_core_load,
	.blocks = soft_core_blocks,
	.save_blocks = soft_core_save_blocks,
	.load_blocks = soft_core_load_blocks,
	.vector_read = soft_vector_read,
	.vector_write = soft_vector_write,
	.flip = soft_core_flip,
	.clear = soft_core_clear,
	.walk = soft_mmu_walk,
	.find = soft_mmu_find,
	.tlb_drop = soft_tlb_drop,
	.format = &soft_pt_format,
};

VGPU_EXPORT_IF_KUNIT(vgpu_soft_test_model);

#endif
