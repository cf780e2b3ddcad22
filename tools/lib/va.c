// SPDX-License-Identifier: GPL-2.0
/*
 * Which GPU addresses of an address space are in use: a sorted list of
 * ranges, searched first fit.  A program has tens of them, so a list will do.
 */
#include <stdlib.h>

#include "priv.h"

struct range {
	struct range *next;
	uint64_t start;
	uint64_t end;
};

struct vgpu_va {
	uint64_t start;		/* what VM_MAP takes */
	uint64_t end;
	uint64_t dynamic;	/* lowest address handed out by ourselves */
	struct range *used;	/* ascending, never overlapping */
};

/* Programs are linked to addresses below this distance from the start. */
#define FIXED_BYTES	(1ULL << 32)

struct vgpu_va *vgpu_va_create(uint64_t start, uint64_t end)
{
	struct vgpu_va *va = calloc(1, sizeof(*va));

	if (!va)
		return NULL;
	va->start = start;
	va->end = end;
	va->dynamic = end - start > 2 * FIXED_BYTES ? start + FIXED_BYTES : start;
	return va;
}

void vgpu_va_destroy(struct vgpu_va *va)
{
	if (!va)
		return;
	while (va->used) {
		struct range *range = va->used;

		va->used = range->next;
		free(range);
	}
	free(va);
}

/* Puts a range in front of *@link, which keeps the list sorted. */
static int insert(struct range **link, uint64_t start, uint64_t end)
{
	struct range *range = malloc(sizeof(*range));

	if (!range)
		return -ENOMEM;
	range->start = start;
	range->end = end;
	range->next = *link;
	*link = range;
	return 0;
}

int vgpu_va_alloc(struct vgpu_va *va, uint64_t bytes, uint64_t align,
		  uint64_t *at)
{
	struct range **link = &va->used;
	uint64_t gap = va->dynamic;

	for (;;) {
		uint64_t limit = *link ? (*link)->start : va->end;
		uint64_t start = vgpu_round_up(gap, align);

		if (start >= gap && start < limit && bytes <= limit - start) {
			*at = start;
			return insert(link, start, start + bytes);
		}
		if (!*link)
			return -ENOSPC;
		if ((*link)->end > gap)
			gap = (*link)->end;
		link = &(*link)->next;
	}
}

int vgpu_va_take(struct vgpu_va *va, uint64_t at, uint64_t bytes)
{
	struct range **link = &va->used;

	if (at < va->start || at > va->end || bytes > va->end - at)
		return -ERANGE;
	while (*link && (*link)->end <= at)
		link = &(*link)->next;
	if (*link && (*link)->start < at + bytes)
		return -EEXIST;
	return insert(link, at, at + bytes);
}

void vgpu_va_free(struct vgpu_va *va, uint64_t at)
{
	for (struct range **link = &va->used; *link; link = &(*link)->next) {
		struct range *range = *link;

		if (range->start == at) {
			*link = range->next;
			free(range);
			return;
		}
	}
}
