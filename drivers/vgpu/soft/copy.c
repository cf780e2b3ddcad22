// SPDX-License-Identifier: GPL-2.0
/*
 * Copies and fills: done page by page through the MMU, so that they fault
 * and can be preempted like kernels.  A chunk ends where a page of the source
 * or of the destination ends; it is all done or not at all, and where chunks
 * end does not depend on preemption.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "model.h"

static u64 to_page_end(u64 va)
{
	return SOFT_PAGE_BYTES - (va & ~SOFT_PAGE_MASK);
}

static u64 job_bytes(const struct soft_core *c)
{
	return c->job.op == VGPU_CMD_COPY ? c->job.copy.bytes :
					    c->job.fill.bytes;
}

/**
 * soft_copy_check() - is what the engine holds a copy or fill that can go on?
 * @c: engine; job set
 *
 * Return: 0 or -EINVAL.
 */
int soft_copy_check(struct soft_core *c)
{
	if (c->progress > job_bytes(c))
		return -EINVAL;
	if (c->job.op == VGPU_CMD_FILL &&
	    ((c->job.fill.dst | c->job.fill.bytes | c->progress) & 3))
		return -EINVAL;
	return 0;
}

static enum soft_step moved(struct soft_core *c, u64 bytes)
{
	c->progress += bytes;
	c->bytes += bytes;
	if (c->m->timing.copy_mbps)
		soft_core_charge(c, div_u64(bytes * 1000,
					    c->m->timing.copy_mbps));
	return c->progress < job_bytes(c) ? SOFT_STEP_MORE : SOFT_STEP_DONE;
}

/**
 * soft_copy_step() - copies the next chunk
 * @c: engine
 *
 * Return: how it stands.
 */
enum soft_step soft_copy_step(struct soft_core *c)
{
	u64 src = c->job.copy.src + c->progress;
	u64 dst = c->job.copy.dst + c->progress;
	u64 bytes = c->job.copy.bytes - c->progress;
	void *from, *to;

	bytes = min3(bytes, to_page_end(src), to_page_end(dst));
	if (!bytes)
		return SOFT_STEP_DONE;
	from = soft_mmu_find(c, src, SOFT_TLB_READ);
	if (!from)
		return SOFT_STEP_FAULT;
	to = soft_mmu_find(c, dst, SOFT_TLB_WRITE);
	if (!to)
		return SOFT_STEP_FAULT;
	/* two addresses may be of one page */
	memmove(to, from, bytes);
	return moved(c, bytes);
}

/**
 * soft_fill_step() - fills the next chunk
 * @c: engine
 *
 * Return: how it stands.
 */
enum soft_step soft_fill_step(struct soft_core *c)
{
	u64 dst = c->job.fill.dst + c->progress;
	u64 bytes = min(c->job.fill.bytes - c->progress, to_page_end(dst));
	void *to;

	if (!bytes)
		return SOFT_STEP_DONE;
	to = soft_mmu_find(c, dst, SOFT_TLB_WRITE);
	if (!to)
		return SOFT_STEP_FAULT;
	memset32(to, c->job.fill.pattern, bytes / 4);
	return moved(c, bytes);
}
