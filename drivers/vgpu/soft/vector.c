// SPDX-License-Identifier: GPL-2.0
/*
 * The vector registers: one file of 64-bit words for all lanes of a context,
 * as large as whoever loads the module wants.  A lane reaches the word that its
 * SCRATCH register names, through one register more (VGPU_CSR_VECTOR).
 *
 * What was written is tracked in blocks of VGPU_SEC_BLOCK bytes: those that may
 * be other than 0 (`used`), so that only they need to be wiped and loaded, and
 * those that changed since they were saved or loaded (`dirty`), so that only
 * they need to be saved.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "model.h"

#define WORD_BITS	(8 * sizeof(unsigned long))

static u32 blocks(const struct soft_core *c)
{
	return c->m->extra_bytes / VGPU_SEC_BLOCK;
}

static u32 map_words(const struct soft_core *c)
{
	return DIV_ROUND_UP(blocks(c), (u32)WORD_BITS);
}

static void mark(unsigned long *map, u32 block)
{
	map[block / WORD_BITS] |= 1UL << block % WORD_BITS;
}

static void unmark(unsigned long *map, u32 block)
{
	map[block / WORD_BITS] &= ~(1UL << block % WORD_BITS);
}

static void fill(const struct soft_core *c, unsigned long *map, bool set)
{
	u32 i;

	memset(map, 0, map_words(c) * sizeof(*map));
	for (i = 0; set && i < blocks(c); i++)
		mark(map, i);
}

/**
 * soft_vector_init() - make vector registers, if the machine has any
 * @c: engine, its machine set
 *
 * Return: 0 or -ENOMEM; in both cases soft_vector_fini() must follow.
 */
int soft_vector_init(struct soft_core *c)
{
	if (!c->m->extra_bytes)
		return 0;
	c->vector.words = kvzalloc(c->m->extra_bytes, GFP_KERNEL);
	c->vector.used = kcalloc(map_words(c), sizeof(long), GFP_KERNEL);
	c->vector.dirty = kcalloc(map_words(c), sizeof(long), GFP_KERNEL);
	return c->vector.words && c->vector.used && c->vector.dirty ? 0 :
	       -ENOMEM;
}

/**
 * soft_vector_fini() - undo soft_vector_init()
 * @c: engine
 */
void soft_vector_fini(struct soft_core *c)
{
	kvfree(c->vector.words);
	kfree(c->vector.used);
	kfree(c->vector.dirty);
}

/**
 * soft_vector_read() - a word
 * @c: engine
 * @index: of the word
 * @v: result
 *
 * Return: 0 or -ENOEXEC: there is no such word.
 */
int soft_vector_read(const struct soft_core *c, u64 index, u64 *v)
{
	if (index >= c->m->extra_bytes / 8)
		return -ENOEXEC;
	*v = c->vector.words[index];
	return 0;
}

/**
 * soft_vector_write() - write a word
 * @c: engine
 * @index: of the word
 * @v: value
 *
 * Return: 0 or -ENOEXEC: there is no such word.
 */
int soft_vector_write(struct soft_core *c, u64 index, u64 v)
{
	if (index >= c->m->extra_bytes / 8)
		return -ENOEXEC;
	c->vector.words[index] = v;
	mark(c->vector.used, index / (VGPU_SEC_BLOCK / 8));
	mark(c->vector.dirty, index / (VGPU_SEC_BLOCK / 8));
	c->dirty |= BIT(VGPU_SEC_VECTOR);
	return 0;
}

/**
 * soft_vector_wipe() - all words are 0 again
 * @c: engine
 */
void soft_vector_wipe(struct soft_core *c)
{
	u64 left;
	u32 i;

	for (i = 0; i < map_words(c); i++) {
		for (left = c->vector.used[i]; left; left &= left - 1)
			memset((u8 *)c->vector.words +
			       (i * WORD_BITS + __ffs64(left)) * VGPU_SEC_BLOCK,
			       0, VGPU_SEC_BLOCK);
		c->vector.used[i] = 0;
		c->vector.dirty[i] = 0;
	}
}

/**
 * soft_vector_dirty() - which blocks changed since they were saved or loaded
 * @c: engine, stopped
 * @map: result, a bit for each, beside what it has already
 */
void soft_vector_dirty(struct soft_core *c, unsigned long *map)
{
	unsigned long any = 0;
	u32 i;

	for (i = 0; i < map_words(c); i++) {
		map[i] |= c->vector.dirty[i];
		any |= c->vector.dirty[i];
	}
	if (!any)
		c->dirty &= ~BIT(VGPU_SEC_VECTOR);
}

/**
 * soft_vector_save() - copy blocks out, which are not dirty from then on
 * @c: engine, stopped
 * @to: place of the first of them
 * @first: block
 * @count: of them
 */
void soft_vector_save(struct soft_core *c, void *to, u32 first, u32 count)
{
	u32 i;

	memcpy(to, (u8 *)c->vector.words + first * VGPU_SEC_BLOCK,
	       count * VGPU_SEC_BLOCK);
	if (count == blocks(c)) {
		fill(c, c->vector.dirty, false);
	} else {
		for (i = first; i < first + count; i++)
			unmark(c->vector.dirty, i);
	}
}

/**
 * soft_vector_load() - copy blocks in
 * @c: engine, stopped
 * @from: what the first of them held
 * @first: block
 * @count: of them
 */
void soft_vector_load(struct soft_core *c, const void *from, u32 first,
		      u32 count)
{
	u32 i;

	memcpy((u8 *)c->vector.words + first * VGPU_SEC_BLOCK, from,
	       count * VGPU_SEC_BLOCK);
	if (count == blocks(c)) {
		fill(c, c->vector.used, true);
		fill(c, c->vector.dirty, false);
	} else {
		for (i = first; i < first + count; i++) {
			mark(c->vector.used, i);
			unmark(c->vector.dirty, i);
		}
	}
}
