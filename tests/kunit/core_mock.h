/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GPU for the tests of core/ that does nothing by itself: it writes down
 * what it is told, one letter an operation, and answers when the test says.
 */
#ifndef _CORE_MOCK_H
#define _CORE_MOCK_H

#include <linux/completion.h>
#include <kunit/test.h>
#include <vgpu/face.h>

#define CORE_MOCK_BYTES	(8ULL << 20)

struct core_mock {
	struct vgpu_backend_ops ops;
	struct vgpu_hw_desc desc;
	struct platform_device *pdev;
	struct device *dev;
	struct vgpu_gpu *gpu;
	struct page **pages;
	u64 clock;
	unsigned int clock_reads;
	/*
	 * r(un) R(esume) p(reempt) s(ave) c(lear) l(oad) X (reset) u(nits)
	 * f(lip) C(lear) and L(oad) of engine 0's spare bank;
	 * followed by the number of the engine if that is not 0
	 */
	char log[128];
	unsigned int logged;
	struct vgpu_hw_job job;		/* given last */
	bool running;
	u64 state;			/* in the engine */
	u64 spare_state;		/* in its spare bank */
	u32 asid;			/* whose */
	struct {			/* the same, of the others */
		struct vgpu_hw_job job;
		bool running;
		u64 state;
		u64 units;		/* of engine 0 too */
	} other[VGPU_MAX_ENGINES];
	int fail_units;			/* the n-th set_units() from now fails */
	bool fail_reset;		/* every reset() says so */
	unsigned int wrong;		/* times the contract was broken */
	struct completion *hold;	/* MMU: who writes entries waits for it */
	bool held;			/* somebody does */
};

/* A GPU with @engines of @units each, and @spare ones. */
struct core_mock *core_mock_create_units(struct kunit *test,
					 unsigned int engines,
					 unsigned int units,
					 unsigned int spare);

/* With an MMU, and able to go on after a fault. */
struct core_mock *core_mock_create_mmu(struct kunit *test);

/* @caps: of VGPU_HW_*. Registered; the test ends with core_mock_destroy(). */
struct core_mock *core_mock_create(struct kunit *test, u64 caps);
void core_mock_destroy(struct core_mock *mock);
/* vgpu_gpu_set() of what is not NULL or 0. */
int core_mock_set(struct core_mock *mock, const char *policy, u64 slice_ns,
		  u64 preempt_timeout_ns);
/* Answers the run() in progress, after @ns of engine time. */
void core_mock_answer(struct core_mock *mock, enum vgpu_hw_event_type type,
		      u64 ns, int error);
void core_mock_answer_on(struct core_mock *mock, unsigned int engine,
			 enum vgpu_hw_event_type type, u64 ns, int error);
/* Answers with a fault: nothing is at @va, or (@restart) not yet. */
void core_mock_fault(struct core_mock *mock, u64 va, bool restart);
/* What was logged since the last call must be @want. */
void core_mock_expect(struct kunit *test, struct core_mock *mock,
		      const char *want);

/* A tenant: an instance that runs, a client, an address space with a BO at
 * TENANT_VA, a context, a queue.
 */
#define TENANT_VA	0x100000ULL

struct core_tenant {
	struct vgpu_instance *inst;
	struct vgpu_client *client;
	u32 vm, bo, ctx, queue;
};

void core_tenant_open(struct kunit *test, struct core_mock *mock,
		      struct core_tenant *t, u64 time_limit_us);
/* The same with an instance that is there, and stopped. */
void core_tenant_start(struct kunit *test, struct core_tenant *t,
		       u64 time_limit_us);
void core_tenant_shut(struct core_tenant *t);
void core_tenant_close(struct kunit *test, struct core_tenant *t);
/* Submits one fill; the errno. */
int core_tenant_fill(struct core_tenant *t, u32 pattern);
void core_tenant_status(struct kunit *test, struct core_tenant *t,
			struct vgpu_queue_status *status);

#endif /* _CORE_MOCK_H */
