// SPDX-License-Identifier: GPL-2.0
/*
 * gpu-defrag and mem-map-get.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_priv.h"

static_assert((int)VGPU_NL_VRAM_USE_FREE == VGPU_VRAM_FREE);
static_assert((int)VGPU_NL_VRAM_USE_UNCLEAN == VGPU_VRAM_UNCLEAN);
static_assert((int)VGPU_NL_VRAM_USE_USED == VGPU_VRAM_USED);
static_assert((int)VGPU_NL_VRAM_USE_PINNED == VGPU_VRAM_PINNED);
static_assert((int)VGPU_NL_VRAM_USE_TABLES == VGPU_VRAM_TABLES);
static_assert((int)VGPU_NL_VRAM_USE_FRAMES == VGPU_VRAM_FRAMES);
static_assert((int)VGPU_NL_VRAM_USE_RETIRED == VGPU_VRAM_RETIRED);
static_assert(VGPU_VRAM_USES <= sizeof(u64));

int vgpu_nl_gpu_defrag_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_gpu *gpu;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	gpu = vgpu_nl_gpu_named(info, VGPU_A_GPU_INDEX);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	err = vgpu_gpu_tidy(gpu);
	vgpu_gpu_put(gpu);
	if (err == -EBUSY)
		return vgpu_nl_err(info->extack, NULL, err,
				   "memory is being moved already");
	if (err == -EOPNOTSUPP)
		return vgpu_nl_err(info->extack, NULL, err,
				   "memory cannot be moved: the GPU cannot go on after a fault");
	return err;
}

/* 255ths of a cell, but never none of what there is some of. */
static u64 pack_cell(const struct vgpu_vram_survey *s, u32 cell)
{
	u32 all = 0, use;
	u64 packed = 0;

	for (use = 0; use < VGPU_VRAM_USES; use++)
		all += s->cell[cell][use];
	for (use = 0; use < VGPU_VRAM_USES; use++) {
		u32 pages = s->cell[cell][use];

		packed |= (u64)(pages ? max(pages * 255 / all, 1U) : 0)
			  << (8 * use);
	}
	return packed;
}

static int put_map(struct sk_buff *skb, struct vgpu_gpu *gpu,
		   const struct vgpu_vram_survey *s)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < VGPU_VRAM_USES; i++)
		total += s->bytes[i];
	if (nla_put_u32(skb, VGPU_A_MEM_MAP_INDEX, vgpu_gpu_index(gpu)) ||
	    nla_put_u64_64bit(skb, VGPU_A_MEM_MAP_TOTAL, total,
			      VGPU_A_MEM_MAP_PAD) ||
	    nla_put_u64_64bit(skb, VGPU_A_MEM_MAP_CELL_BYTES,
			      (u64)s->cell_pages << 12, VGPU_A_MEM_MAP_PAD))
		return -EMSGSIZE;
	for (i = 0; i < s->cells; i++)
		if (nla_put_u64_64bit(skb, VGPU_A_MEM_MAP_CELL, pack_cell(s, i),
				      VGPU_A_MEM_MAP_PAD))
			return -EMSGSIZE;
	for (i = 0; i < VGPU_VRAM_USES; i++)
		if (nla_put_u64_64bit(skb, VGPU_A_MEM_MAP_USE, s->bytes[i],
				      VGPU_A_MEM_MAP_PAD))
			return -EMSGSIZE;
	return 0;
}

int vgpu_nl_mem_map_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vgpu_vram_survey *survey;
	struct sk_buff *msg = NULL;
	struct vgpu_gpu *gpu;
	void *hdr;
	int err;

	err = vgpu_nl_admin_only(skb, info->extack);
	if (err)
		return err;
	gpu = vgpu_nl_gpu_named(info, VGPU_A_MEM_MAP_INDEX);
	if (IS_ERR(gpu))
		return PTR_ERR(gpu);
	survey = kvmalloc(sizeof(*survey), GFP_KERNEL);
	err = survey ? vgpu_gpu_survey(gpu, survey) : -ENOMEM;
	if (err)
		goto out;
	err = -ENOMEM;
	msg = genlmsg_new(2 * NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		goto out;
	err = -EMSGSIZE;
	hdr = genlmsg_put_reply(msg, info, &vgpu_nl_family, 0,
				VGPU_NL_CMD_MEM_MAP_GET);
	if (!hdr || put_map(msg, gpu, survey))
		goto out;
	genlmsg_end(msg, hdr);
	err = genlmsg_reply(msg, info);
	msg = NULL;
out:
	nlmsg_free(msg);
	kvfree(survey);
	vgpu_gpu_put(gpu);
	return err;
}
