/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many tenants that do random legal and illegal things, an administrator who changes
 * everything under them, and one who counts: see main.c.
 *
 * Tenants of even numbers are calm: nobody takes anything from them, so whatever is legal
 * has to work, and be right.  Those of odd numbers are prey: rights, quotas and the vGPU
 * itself are taken from them at any time, so that anything may be refused; but what was
 * not has to be right.
 */
#ifndef VGPU_SOAK_H
#define VGPU_SOAK_H

#include <setjmp.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <vgpu.h>
#include "st.h"

#define SOAK_TENANTS	256
#define SEC		1000000000ll
#define PAGE		4096ull

/* What is done, in the order of the summary. */
enum kind {
	/* legal, and checked */
	KIND_COPY, KIND_FILL, KIND_KERNEL, KIND_PROGRAM, KIND_RING_PROGRAM,
	KIND_TIMELINE, KIND_LENT, KIND_SHARED, KIND_ZERO, KIND_SPACES,
	KIND_PAUSE, KIND_SEND, KIND_INBOX, KIND_HOARD, KIND_FENCE,
	/* illegal */
	KIND_GUESS, KIND_NOISE, KIND_SCRIBBLE, KIND_RING_ABUSE, KIND_FAULT,
	KIND_ENDLESS, KIND_STUBBORN, KIND_ORPHAN, KIND_CTL, KIND_STOP,
	KIND_TENANTS,
	/* of others */
	KIND_ADMIN = KIND_TENANTS, KIND_VERB, KIND_KILL,
	KIND_END
};

struct slot {
	_Atomic pid_t pid;
	_Atomic uint32_t id;		/* of its vGPU, plus 1; 0: none now */
	_Atomic uint32_t life, kind;
	_Atomic uint64_t step, since_ns;
	uint64_t looked_ns;		/* at why it takes so long */
	int inbox[2];			/* it reads 0, anybody writes 1 */
};

/* In memory that all processes share. */
struct soak {
	uint64_t seed, start_ns, end_ns;
	unsigned int tenants, gpus, patience;
	char type[32], ctl[256], lock[64];
	_Atomic bool stop;
	_Atomic uint64_t done[KIND_END], refused[KIND_END];
	_Atomic uint64_t wrong, lives, calls, granted;
	struct slot slots[SOAK_TENANTS];
};

extern struct soak *soak;
extern const char *const kind_names[KIND_END];

struct tenant {
	unsigned int slot, life, gpu;
	bool prey, over;		/* over: this life can't go on */
	uint64_t step;
	enum kind kind;
	struct st_vgpu vgpu;
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;
	struct vgpu_ctx *ctx;
	struct vgpu_queue *queue;
	struct vgpu_kernel *kernel;
	uint64_t copy;			/* its entry */
	struct vgpu_bo *hoard;		/* memory for life, more than there is of all */
	uint32_t hoard_seed;
	struct vgpu_bo *bos[8];		/* of this step; freed behind it */
	sigjmp_buf bus;
};

/* Said with everything that is needed to repeat it. */
void wrong(const struct tenant *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A tenant's whole life; @only not 0: nothing but this step. */
void tenant_live(unsigned int slot, unsigned int life, uint64_t only);
/* Which vGPUs count as one owner's: those of the same number, above 0. */
unsigned int slot_group(unsigned int slot);
unsigned int slot_gpu(unsigned int slot);

void admin_live(void);
/* Runs vgpuctl silently: its exit status. */
int vgpuctl(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Numbers of vGPUs are used again at once.  The calm get theirs under this lock, held
 * shared; whoever is about to take something from a number holds it alone.  It goes with
 * who holds it.
 */
void births_lock(bool alone);
void births_unlock(void);

/* What waits for an engine waits so long. */
int64_t patience_ns(void);

/*
 * A step: 0, or the negative errno that it was refused with.  -EAGAIN: there was nothing to
 * do.  Both files have theirs by kind.
 */
typedef int step_fn(struct tenant *t);
step_fn work_copy, work_fill, work_kernel, work_program, work_ring_program,
	work_timeline, work_lent, work_shared, work_zero, work_spaces,
	work_pause, work_send, work_inbox, work_hoard, work_fence;
step_fn abuse_guess, abuse_noise, abuse_scribble, abuse_ring, abuse_fault,
	abuse_endless, abuse_stubborn, abuse_orphan, abuse_ctl, abuse_stop;

/* Memory for a life, filled. */
int hoard_begin(struct tenant *t);
/* Memory of this step that the GPU and we see. */
int step_bo(struct tenant *t, uint64_t bytes, uint32_t flags,
	    struct vgpu_bo **bo);
/* All of them are taken, or it is an error. */
int submit_all(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
	       uint32_t count);
/* Commands, and the end of all so far. */
int step_run(struct tenant *t, const struct vgpu_cmd *cmds, uint32_t count);

#endif /* VGPU_SOAK_H */
