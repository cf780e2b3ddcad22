/* SPDX-License-Identifier: GPL-2.0 */
/* What the library's files share and its users do not see. */
#ifndef LIBVGPU_PRIV_H
#define LIBVGPU_PRIV_H

#include <errno.h>
#include <sys/types.h>

#include "vgpu.h"
#include "transport.h"

/* Sets vgpu_error() and returns @error, so that a failure is one line. */
int vgpu_fail(int error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct vgpu_dev {
	struct vgpu_transport transport;
	struct vgpu_info info;
	int fd;
	char *path;
	volatile struct vgpu_doorbell *doorbells;	/* mapped when needed */
	const volatile uint64_t *timelines;
};

struct vgpu_va;

struct vgpu_vm {
	struct vgpu_dev *dev;
	struct vgpu_va *va;
	uint32_t handle;
};

/* The shared pages, mapped at first use. */
int vgpu_dev_doorbells(struct vgpu_dev *dev);
int vgpu_dev_timelines(struct vgpu_dev *dev);
int vgpu_dev_close_handle(struct vgpu_dev *dev, uint32_t handle);

/* ---- va.c: which GPU addresses are in use ---------------------------------- */

struct vgpu_va *vgpu_va_create(uint64_t start, uint64_t end);
void vgpu_va_destroy(struct vgpu_va *va);
/* Lowest free range; -ENOSPC, -ENOMEM. */
int vgpu_va_alloc(struct vgpu_va *va, uint64_t bytes, uint64_t align,
		  uint64_t *at);
/* A range of the caller's choice; -EEXIST when in use, -ERANGE outside. */
int vgpu_va_take(struct vgpu_va *va, uint64_t at, uint64_t bytes);
void vgpu_va_free(struct vgpu_va *va, uint64_t at);

static inline uint64_t vgpu_round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

#endif /* LIBVGPU_PRIV_H */
