// SPDX-License-Identifier: GPL-2.0
/*
 * What the conformance suites share: a GPU that is registered nowhere, and
 * this in the place of the core.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../drivers/vgpu/soft/selftest.h"
#include "../jobgate/jobgate.h"
#include "conformance.h"

const struct vgpu_test_backend *const cf_backends[] = {
	&vgpu_soft_test_backend,
	&vgpu_jobgate_test_backend,
	NULL
};

bool cf_can(const struct cf *cf, u64 cap)
{
	return cf->desc->caps & cap;
}

/* The core's half of vgpu_gpu_event(), in little. */
static void sink(void *arg, const struct vgpu_hw_event *ev)
{
	struct cf *cf = arg;
	unsigned long flags;

	spin_lock_irqsave(&cf->lock, flags);
	cf->last = *ev;
	cf->events++;
	cf->service += ev->service;
	cf->bytes += ev->bytes;
	if (ev->type == VGPU_HW_PREEMPTED)
		cf->preemptions++;
	if (ev->type == VGPU_HW_PREEMPTED && cf->storm) {
		cf->ops->run(cf->hw, ev->engine, &cf->job, true);
		cf->ops->preempt(cf->hw, ev->engine);
	} else if (ev->type == VGPU_HW_DONE && cf->chain) {
		cf->chain--;
		cf->job.cookie++;
		cf->ops->run(cf->hw, ev->engine, &cf->job, false);
	} else if (cf->timer) {
		hrtimer_start(cf->timer, ns_to_ktime(cf->timer_ns),
			      HRTIMER_MODE_REL_PINNED_HARD);
	} else {
		complete(&cf->answered);
	}
	spin_unlock_irqrestore(&cf->lock, flags);
}

/* A free page of VRAM, zero. */
u64 cf_page(struct cf *cf)
{
	u64 addr = cf->next_page;

	cf->next_page += PAGE_SIZE;
	KUNIT_ASSERT_LE(cf->test, cf->next_page, cf->desc->vram_bytes);
	cf->ops->vram_clear(cf->hw, addr, PAGE_SIZE);
	return addr;
}

void *cf_ptr(struct cf *cf, u64 addr)
{
	return (u8 *)page_address(cf->ops->vram_page(cf->hw, addr)) +
	       offset_in_page(addr);
}

/* The address that jobs use for a byte of the test's memory. */
u64 cf_addr(struct cf *cf, u64 offset)
{
	return cf_can(cf, VGPU_HW_MMU) ? CF_VA + offset : cf->data + offset;
}

/* The same byte, for the CPU. */
u8 *cf_data(struct cf *cf, u64 offset)
{
	return cf_ptr(cf, cf->data + offset);
}

static void write_pte(struct cf *cf, u64 va, u64 value)
{
	const struct vgpu_pt_format *f = cf->desc->format;
	unsigned int level = f->levels - 1, shift, i;
	u64 table = cf->root;
	struct vgpu_hw_pte pte;

	for (;; level--) {
		shift = f->page_shift;
		for (i = 0; i < level; i++)
			shift += f->bits[i];
		pte.addr = table + 8 * ((va >> shift) &
					((1ULL << f->bits[level]) - 1));
		if (!level)
			break;
		if (!*(u64 *)cf_ptr(cf, pte.addr)) {
			table = cf_page(cf);
			pte.value = f->pde(table);
			cf->ops->pte_write(cf->hw, &pte, 1);
		} else {
			/* the tables are ours, and their order is known */
			table = *(u64 *)cf_ptr(cf, pte.addr) &
				GENMASK_ULL(47, 12);
		}
	}
	pte.value = value;
	cf->ops->pte_write(cf->hw, &pte, 1);
}

void cf_map(struct cf *cf, u64 va, u64 addr, u32 prot)
{
	write_pte(cf, va, cf->desc->format->pte(addr, prot, false, 0));
}

void cf_unmap(struct cf *cf, u64 va)
{
	write_pte(cf, va, 0);
}

void cf_copy(struct cf *cf, u64 src, u64 dst, u64 bytes)
{
	memset(&cf->job, 0, sizeof(cf->job));
	cf->job.op = VGPU_CMD_COPY;
	cf->job.copy.src = src;
	cf->job.copy.dst = dst;
	cf->job.copy.bytes = bytes;
}

void cf_fill(struct cf *cf, u64 dst, u64 bytes, u32 pattern)
{
	memset(&cf->job, 0, sizeof(cf->job));
	cf->job.op = VGPU_CMD_FILL;
	cf->job.fill.dst = dst;
	cf->job.fill.bytes = bytes;
	cf->job.fill.pattern = pattern;
}

void cf_clear(struct cf *cf, unsigned int engine)
{
	struct vgpu_hw_ctx ctx = { .asid = CF_ASID, .root = cf->root };
	unsigned long flags;

	spin_lock_irqsave(&cf->lock, flags);
	cf->ops->clear(cf->hw, engine, &ctx);
	spin_unlock_irqrestore(&cf->lock, flags);
}

void cf_start(struct cf *cf, unsigned int engine, bool resume)
{
	unsigned long flags;

	spin_lock_irqsave(&cf->lock, flags);
	reinit_completion(&cf->answered);
	cf->ops->run(cf->hw, engine, &cf->job, resume);
	if (cf->storm)
		cf->ops->preempt(cf->hw, engine);
	spin_unlock_irqrestore(&cf->lock, flags);
}

enum vgpu_hw_event_type cf_wait(struct cf *cf)
{
	KUNIT_ASSERT_GT(cf->test,
			wait_for_completion_timeout(&cf->answered, CF_TIMEOUT),
			0UL);
	return cf->last.type;
}

/* From the beginning to the answer, in a clean engine. */
enum vgpu_hw_event_type cf_run(struct cf *cf, unsigned int engine)
{
	cf_clear(cf, engine);
	cf_start(cf, engine, false);
	return cf_wait(cf);
}

struct cf *cf_create(struct kunit *test, const struct vgpu_test_backend *be)
{
	struct cf *cf = kunit_kzalloc(test, sizeof(*cf), GFP_KERNEL);
	u64 at;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cf);
	cf->test = test;
	cf->be = be;
	cf->ops = be->ops;
	spin_lock_init(&cf->lock);
	init_completion(&cf->answered);
	cf->hw = be->create(sink, cf, &cf->desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cf->hw);
	test->priv = cf;
	cf->next_page = PAGE_SIZE;
	if (cf_can(cf, VGPU_HW_MMU))
		cf->root = cf_page(cf);
	cf->data = cf->desc->vram_bytes - CF_BYTES;
	for (at = 0; cf->root && at < CF_BYTES; at += PAGE_SIZE)
		cf_map(cf, CF_VA + at, cf->data + at,
		       VGPU_PROT_READ | VGPU_PROT_WRITE);
	return cf;
}

/* For struct kunit_suite */
void cf_exit(struct kunit *test)
{
	struct cf *cf = test->priv;
	unsigned int i;

	if (!cf)
		return;
	for (i = 0; i < cf->desc->engines + cf->desc->spare_engines; i++)
		cf->ops->reset(cf->hw, i);
	cf->be->destroy(cf->hw);
}
