// SPDX-License-Identifier: GPL-2.0
/*
 * Page table formats: what is acceptable, and what follows from one.
 */
#include <linux/minmax.h>
#include <vgpu/kunit.h>
#include "mem_priv.h"

/**
 * vgpu_pt_format_check() - does a format contradict itself?
 * @fmt: page table format
 *
 * Return: 0 or -EINVAL.
 */
int vgpu_pt_format_check(const struct vgpu_pt_format *fmt)
{
	unsigned int level, shift = fmt->page_shift;

	if (!fmt->pte || !fmt->pde || !fmt->levels ||
	    fmt->levels > VGPU_PT_LEVELS ||
	    shift < VGPU_PAGE_SHIFT ||
	    shift > VGPU_PAGE_SHIFT + VGPU_LARGE_ORDER)
		return -EINVAL;
	for (level = 0; level < fmt->levels; level++) {
		/* a table fits in the largest alignment, 2 MiB */
		if (!fmt->bits[level] || fmt->bits[level] > 18)
			return -EINVAL;
		shift += fmt->bits[level];
	}
	/* one flag each, so that either can be told from the other */
	if ((fmt->accessed & (fmt->accessed - 1)) ||
	    (fmt->dirty & (fmt->dirty - 1)) ||
	    (fmt->accessed & fmt->dirty))
		return -EINVAL;
	/* address arithmetic must not wrap */
	if (shift > 62)
		return -EINVAL;
	/*
	 * A large leaf is split into leaves of the level below, so there may
	 * be no gap; the root is always a table (of some kind).
	 */
	if (!(fmt->large_levels & 1) ||
	    (fmt->large_levels & (fmt->large_levels + 1)) ||
	    fmt->large_levels >> fmt->levels)
		return -EINVAL;
	return 0;
}

/* Address bits of each level, and what can be mapped at all. */
void vgpu_vram_init_geometry(struct vgpu_vram *vram)
{
	const struct vgpu_pt_format *fmt = vram->format;
	unsigned int level;

	vram->unit_shift = VGPU_PAGE_SHIFT;
	vram->va_end = VGPU_SHARED_BASE;
	if (fmt) {
		vram->unit_shift = fmt->page_shift;
		vram->pt_shift[0] = fmt->page_shift;
		for (level = 0; level < fmt->levels; level++)
			vram->pt_shift[level + 1] = vram->pt_shift[level] +
						    fmt->bits[level];
		vram->va_end = min(vram->va_end,
				   1ULL << vram->pt_shift[fmt->levels]);
	}
	vram->va_start = max(VGPU_GUARD_BYTES, vgpu_vram_unit(vram));
}

/**
 * vgpu_vram_va_limits() - what address spaces of this GPU can map
 * @vram: of the GPU
 * @start: lowest address
 * @end: one past the highest
 */
void vgpu_vram_va_limits(const struct vgpu_vram *vram, u64 *start, u64 *end)
{
	*start = vram->va_start;
	*end = vram->va_end;
}

VGPU_EXPORT_IF_KUNIT(vgpu_pt_format_check);
VGPU_EXPORT_IF_KUNIT(vgpu_vram_va_limits);
