// SPDX-License-Identifier: GPL-2.0
/*
 * How the engines of a GPU switch contexts, in its answer.
 */
#include <net/netlink.h>
#include <vgpu/face.h>

#include "gen.h"
#include "nl_priv.h"

int vgpu_nl_put_switching(struct sk_buff *skb,
			  const struct vgpu_switch_stats *st)
{
	const struct {
		u16 attr;
		u64 value;
	} values[] = {
		{ VGPU_A_SWITCHING_BARE, st->kind[VGPU_SWITCHED_BARE] },
		{ VGPU_A_SWITCHING_FULL, st->kind[VGPU_SWITCHED_FULL] },
		{ VGPU_A_SWITCHING_INCREMENTAL,
		  st->kind[VGPU_SWITCHED_INCREMENTAL] },
		{ VGPU_A_SWITCHING_LAZY, st->kind[VGPU_SWITCHED_LAZY] },
		{ VGPU_A_SWITCHING_PREDICTED,
		  st->kind[VGPU_SWITCHED_PREDICTED] },
		{ VGPU_A_SWITCHING_BYTES_SAVED, st->bytes_saved },
		{ VGPU_A_SWITCHING_BYTES_LOADED, st->bytes_loaded },
		{ VGPU_A_SWITCHING_BYTES_SKIPPED, st->bytes_skipped },
		{ VGPU_A_SWITCHING_PRELOADS, st->preloads },
		{ VGPU_A_SWITCHING_PRELOADS_WASTED, st->preloads_wasted },
		{ VGPU_A_SWITCHING_GUESS_HITS, st->guess_hits },
		{ VGPU_A_SWITCHING_GUESS_MISSES, st->guess_misses },
	};
	struct nlattr *nest = nla_nest_start(skb, VGPU_A_GPU_SWITCHING);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (nla_put_u64_64bit(skb, values[i].attr, values[i].value,
				      VGPU_A_SWITCHING_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}
