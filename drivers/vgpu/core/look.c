// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>

#include <vgpu/kunit.h>
#include "look.h"

void vgpu_look_init(struct vgpu_look *look)
{
	*look = (struct vgpu_look){ .ns = VGPU_LOOK_MIN };
}

VGPU_EXPORT_IF_KUNIT(vgpu_look_init);

/**
 * vgpu_look_again() - a ring ran empty
 * @look: of the ring
 * @found: commands that this look found
 * @left: commands of the ring that did not end yet; when the last one does, the ring
 *	is looked at anyway
 *
 * Context: any; the caller sees to it that no other call for @look runs.
 * Return: nanoseconds until the next look; 0: none is due.
 */
u32 vgpu_look_again(struct vgpu_look *look, u32 found, u32 left)
{
	if (!look->more)
		return 0;
	if (found) {
		look->vain = 0;
		if (found >= VGPU_LOOK_MANY)
			look->ns = max(look->ns / 2, (u32)VGPU_LOOK_MIN);
	} else if (left) {
		/* the engine has something to do: that it ends is the next look */
		return 0;
	} else if (++look->vain > VGPU_LOOK_VAIN) {
		look->more = false;
		return 0;
	}
	if (found < VGPU_LOOK_FEW)
		look->ns = min(look->ns * 2, (u32)VGPU_LOOK_MAX);
	return look->ns;
}

VGPU_EXPORT_IF_KUNIT(vgpu_look_again);
