// SPDX-License-Identifier: GPL-2.0
/*
 * Saved state on its way out of this machine, and into it.  There it is whole
 * sections without holes: which blocks memory holds is nobody else's business.  What
 * comes in fits the sizes here, and nothing more is known of it: the backend trusts
 * none of it (struct vgpu_hw_desc.state_format).
 */
#include <linux/bitmap.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <vgpu/ctx.h>
#include <vgpu/kunit.h>

/**
 * vgpu_ctx_state_read() - a part of a section that is saved
 * @st: whose
 * @sec: which, valid
 * @offset: first byte
 * @to: filled
 * @bytes: how many; within what is used
 *
 * Context: any, serialised with save and load.
 */
void vgpu_ctx_state_read(const struct vgpu_ctx_state *st, unsigned int sec,
			 u32 offset, void *to, u32 bytes)
{
	u32 end = offset + bytes;

	memcpy(to, st->data[sec] + offset, bytes);
	if (!(st->in_blocks & BIT(sec)))
		return;
	/* what lies in the place of a block that is not held is an old command's */
	while (offset < end) {
		u32 block = offset / VGPU_SEC_BLOCK;
		u32 next = min((block + 1) * VGPU_SEC_BLOCK, end);

		if (!test_bit(block, st->held[sec]))
			memset(to, 0, next - offset);
		to += next - offset;
		offset = next;
	}
}

/**
 * vgpu_ctx_state_begin() - makes a section, all zero
 * @st: whose; nothing of the section is in use
 * @sec: which
 * @used: its length
 *
 * Context: any, serialised with save and load.
 * Return: 0 or -EINVAL.
 */
int vgpu_ctx_state_begin(struct vgpu_ctx_state *st, unsigned int sec, u32 used)
{
	if (sec >= VGPU_SEC_COUNT || !st->data[sec] || used > st->size[sec])
		return -EINVAL;
	memset(st->data[sec], 0, st->size[sec]);
	st->used[sec] = used;
	st->valid |= BIT(sec);
	st->in_blocks &= ~BIT(sec);
	if (st->held[sec])
		bitmap_fill(st->held[sec],
			    DIV_ROUND_UP(st->size[sec], VGPU_SEC_BLOCK));
	return 0;
}

/**
 * vgpu_ctx_state_write() - fills a part of it
 * @st: whose
 * @sec: which was begun
 * @offset: first byte
 * @from: what
 * @bytes: how many
 *
 * Context: any, serialised with save and load.
 * Return: 0 or -EINVAL.
 */
int vgpu_ctx_state_write(struct vgpu_ctx_state *st, unsigned int sec,
			 u32 offset, const void *from, u32 bytes)
{
	if (sec >= VGPU_SEC_COUNT || !(st->valid & BIT(sec)) ||
	    offset > st->used[sec] || bytes > st->used[sec] - offset)
		return -EINVAL;
	memcpy(st->data[sec] + offset, from, bytes);
	return 0;
}

VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_read);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_begin);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_write);
