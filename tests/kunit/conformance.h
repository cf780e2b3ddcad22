/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Drives a backend by its operations alone, as the core would.
 */
#ifndef _VGPU_KUNIT_CONFORMANCE_H
#define _VGPU_KUNIT_CONFORMANCE_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/spinlock.h>
#include <vgpu/backend_test.h>

#define CF_ASID		1
#define CF_VA		0x40000000ULL	/* where CF_BYTES of memory are seen */
#define CF_BYTES	(2ULL << 20)
#define CF_TIMEOUT	(30 * HZ)

/**
 * struct cf - a backend under test
 * @test: who tests
 * @be: the backend
 * @ops: its operations
 * @desc: its description
 * @hw: its GPU
 * @lock: protects the fields below; held as the core holds its own
 * @job: in progress
 * @chain: times to run it again from inside its event
 * @storm: ask it to stop as soon as it runs, and resume it from inside the
 *	event
 * @timer: what starts the next job, on the CPU of the event; or NULL
 * @timer_ns: how long after it
 * @events: answers so far
 * @preemptions: of these, PREEMPTED
 * @service: sum over the answers
 * @bytes: sum over the answers
 * @last: the last answer
 * @answered: an answer came that starts nothing
 * @data: VRAM address of the memory seen at CF_VA
 * @next_page: VRAM that nobody uses
 * @root: of the page table
 */
struct cf {
	struct kunit *test;
	const struct vgpu_test_backend *be;
	const struct vgpu_backend_ops *ops;
	const struct vgpu_hw_desc *desc;
	void *hw;
	spinlock_t lock;	/* see above */
	struct vgpu_hw_job job;
	unsigned int chain;
	bool storm;
	struct hrtimer *timer;
	u64 timer_ns;
	unsigned int events;
	unsigned int preemptions;
	u64 service;
	u64 bytes;
	struct vgpu_hw_event last;
	struct completion answered;
	u64 data;
	u64 next_page;
	u64 root;
};

bool cf_can(const struct cf *cf, u64 cap);
struct cf *cf_create(struct kunit *test, const struct vgpu_test_backend *be);
void cf_exit(struct kunit *test);
u64 cf_page(struct cf *cf);
void *cf_ptr(struct cf *cf, u64 addr);
u64 cf_addr(struct cf *cf, u64 offset);
u8 *cf_data(struct cf *cf, u64 offset);
void cf_map(struct cf *cf, u64 va, u64 addr, u32 prot);
void cf_unmap(struct cf *cf, u64 va);
void cf_copy(struct cf *cf, u64 src, u64 dst, u64 bytes);
void cf_fill(struct cf *cf, u64 dst, u64 bytes, u32 pattern);
void cf_clear(struct cf *cf, unsigned int engine);
void cf_start(struct cf *cf, unsigned int engine, bool resume);
enum vgpu_hw_event_type cf_wait(struct cf *cf);
enum vgpu_hw_event_type cf_run(struct cf *cf, unsigned int engine);

extern const struct vgpu_test_backend *const cf_backends[];

#endif /* _VGPU_KUNIT_CONFORMANCE_H */
