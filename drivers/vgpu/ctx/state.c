// SPDX-License-Identifier: GPL-2.0
/*
 * Where a context's state lies while the engine runs another.
 *
 * Memory for every section is taken when the context is created, in the size
 * that the backend said it may need at most, so that a switch never allocates
 * and never fails. It is wiped before it is freed: it holds a tenant's
 * registers.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <vgpu/ctx.h>
#include <vgpu/kunit.h>

/* Which blocks of a section that may have some are saved. */
static int init_maps(struct vgpu_ctx_state *st, unsigned int sec)
{
	unsigned int blocks = DIV_ROUND_UP(st->size[sec], VGPU_SEC_BLOCK);

	if (blocks < 2)
		return 0;
	st->held[sec] = bitmap_zalloc(blocks, GFP_KERNEL_ACCOUNT);
	st->changed[sec] = bitmap_zalloc(blocks, GFP_KERNEL_ACCOUNT);
	return st->held[sec] && st->changed[sec] ? 0 : -ENOMEM;
}

/**
 * vgpu_ctx_state_init() - makes room for the state of one context
 * @st: to initialise
 * @caps: VGPU_HW_* of the GPU
 * @section_bytes: largest size of each section; 0: the GPU has none such
 *
 * Context: process; memory is charged to the caller's memcg.
 * Return: 0 or -ENOMEM.
 */
int vgpu_ctx_state_init(struct vgpu_ctx_state *st, u64 caps,
			const u32 section_bytes[VGPU_SEC_COUNT])
{
	unsigned int sec;

	memset(st, 0, sizeof(*st));
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		if (!section_bytes[sec])
			continue;
		st->data[sec] = kvzalloc(section_bytes[sec],
					 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!st->data[sec])
			goto err;
		st->size[sec] = section_bytes[sec];
		if ((caps & VGPU_HW_BLOCKS) && init_maps(st, sec))
			goto err;
	}
	return 0;
err:
	vgpu_ctx_state_fini(st);
	return -ENOMEM;
}

/**
 * vgpu_ctx_state_fini() - wipes and frees
 * @st: whose; may be called again
 *
 * Context: process.
 */
void vgpu_ctx_state_fini(struct vgpu_ctx_state *st)
{
	unsigned int sec;

	vgpu_ctx_state_drop(st);
	for (sec = 0; sec < VGPU_SEC_COUNT; sec++) {
		kvfree_sensitive(st->data[sec], st->size[sec]);
		bitmap_free(st->held[sec]);
		bitmap_free(st->changed[sec]);
		st->data[sec] = NULL;
		st->held[sec] = NULL;
		st->changed[sec] = NULL;
		st->size[sec] = 0;
	}
}

/**
 * vgpu_ctx_state_drop() - nothing is saved any more
 * @st: whose; the figures stay
 *
 * Context: any, serialised with save and load.
 */
void vgpu_ctx_state_drop(struct vgpu_ctx_state *st)
{
	st->valid = 0;
	memset(st->used, 0, sizeof(st->used));
}

/**
 * vgpu_ctx_state_bytes() - how much is saved now
 * @st: whose
 *
 * Return: bytes in all valid sections.
 */
u64 vgpu_ctx_state_bytes(const struct vgpu_ctx_state *st)
{
	u64 bytes = 0;
	unsigned int sec;

	for (sec = 0; sec < VGPU_SEC_COUNT; sec++)
		if (st->valid & BIT(sec))
			bytes += st->used[sec];
	return bytes;
}

VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_init);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_fini);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_drop);
VGPU_EXPORT_IF_KUNIT(vgpu_ctx_state_bytes);
