/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libvgpu: a vGPU's node for C programs.  The same calls work on the host's
 * /dev/vgpu/v<id> and on the node inside a VM.
 *
 * Conventions
 *  - Functions return 0 (or what they say) or a negative errno.  After an
 *    error vgpu_error() gives a sentence, of this thread, that tells what
 *    went wrong and what to do.
 *  - Lengths and offsets are bytes, times nanoseconds, unless named otherwise.
 *  - An object given out through a pointer is yours until its destroy
 *    function, which takes NULL.  Destroy in the order queue, kernel and
 *    buffer, context, address space, device.
 *  - Different devices may be used by different threads at once.  On one
 *    device, so may different queues; creating, mapping and destroying is
 *    for one thread at a time.
 *  - Fields of structures are to be read only, unless a comment says else.
 */
#ifndef LIBVGPU_VGPU_H
#define LIBVGPU_VGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vgpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happened last in this thread; "" when nothing did.  Valid until the
 * thread's next libvgpu call.
 */
const char *vgpu_error(void);

/* ---- device --------------------------------------------------------------- */

struct vgpu_dev;

/*
 * Opens a vGPU.  @which is a path ("/dev/vgpu/v3"), a number ("3" or "v3"), a
 * UUID, or NULL for the only one there is.
 * -ENODEV: no such vGPU; -ENOTUNIQ: NULL and there are several; -EACCES,
 * -EBUSY and others as open() gives them; -EPROTO: the node speaks another
 * version of the uAPI.
 */
int vgpu_open(const char *which, struct vgpu_dev **dev);
void vgpu_close(struct vgpu_dev *dev);

/* What the vGPU is, as read by vgpu_open() or the last vgpu_refresh(). */
const struct vgpu_info *vgpu_info(const struct vgpu_dev *dev);
int vgpu_refresh(struct vgpu_dev *dev);
const char *vgpu_path(const struct vgpu_dev *dev);
int vgpu_fd(const struct vgpu_dev *dev);

/* One of the uAPI's calls as it is, for what has no function here: sets
 * @arg's leading size.  Restarted when a signal interrupts it.
 */
int vgpu_call(struct vgpu_dev *dev, unsigned long request, void *arg,
	      size_t bytes);

/* Writes a UUID as text, with its NUL. */
#define VGPU_UUID_CHARS	37
void vgpu_uuid_format(const uint8_t uuid[16], char text[VGPU_UUID_CHARS]);
/* 0, or -EINVAL when @text is no UUID. */
int vgpu_uuid_parse(const char *text, uint8_t uuid[16]);

/* ---- address spaces and memory -------------------------------------------- */

#define VGPU_PAGE	4096ULL
#define VGPU_VA_ANY	(~0ULL)

struct vgpu_vm;

/* An address space of the GPU; it hands out addresses by itself, from 4 GiB
 * above the lowest on, where programs linked to an address do not lie.
 */
int vgpu_vm_create(struct vgpu_dev *dev, struct vgpu_vm **vm);
/* For queues with fences: takes memory only that stays where it is. */
int vgpu_vm_create_pinned(struct vgpu_dev *dev, struct vgpu_vm **vm);
void vgpu_vm_destroy(struct vgpu_vm *vm);

struct vgpu_bo {
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;	/* where it is mapped, or NULL */
	uint64_t va;		/* its GPU address there */
	uint64_t bytes;		/* rounded up to pages */
	uint64_t mmap_offset;
	void *cpu;		/* after vgpu_bo_cpu(), or NULL */
	uint32_t handle;
	uint32_t flags;		/* VGPU_BO_* */
	void *user;		/* after vgpu_bo_user(), else NULL */
	int dmabuf;		/* after vgpu_bo_import(), else 0 */
};

/* Memory, all zero.  @align 0, or a power of two up to 2 MiB (in VRAM).
 * -ENOSPC or -EDQUOT: the vGPU has no such amount left.
 */
int vgpu_bo_create(struct vgpu_dev *dev, uint64_t bytes, uint32_t flags,
		   uint64_t align, struct vgpu_bo **bo);
/*
 * Memory that the program has already, @at a multiple of VGPU_PAGE as @bytes is, so
 * that the GPU can use it in place.  Until it is destroyed the GPU has these very
 * pages, even when the program unmaps them; they count against RLIMIT_MEMLOCK
 * (-EDQUOT).  -EOPNOTSUPP: pages of a file, or a vGPU in a VM.
 */
int vgpu_bo_user(struct vgpu_dev *dev, void *at, uint64_t bytes,
		 struct vgpu_bo **bo);
/*
 * A descriptor of memory made with VGPU_BO_SHARE (else -EOPNOTSUPP), and the memory
 * behind one, for vGPUs of one group on one GPU (-EACCES, -EXDEV otherwise).  It is
 * lost when the vGPU it was made on is stopped or goes (-ESTALE).
 */
int vgpu_bo_export(struct vgpu_bo *bo, int *fd);
int vgpu_bo_import(struct vgpu_dev *dev, int fd, struct vgpu_bo **bo);
/* Unmaps it from the GPU and from the process, and gives it back. */
void vgpu_bo_destroy(struct vgpu_bo *bo);

/* Maps all of it at @va, a multiple of VGPU_PAGE, or at VGPU_VA_ANY.
 * A buffer can be mapped once by this function; -EBUSY a second time.
 */
int vgpu_bo_map(struct vgpu_bo *bo, struct vgpu_vm *vm, uint32_t prot,
		uint64_t va);
int vgpu_bo_unmap(struct vgpu_bo *bo);

/* The process's own view of it (mmap, once; later calls return the same). */
int vgpu_bo_cpu(struct vgpu_bo *bo, void **cpu);

/* All in one: create, map at any address, and mmap. */
int vgpu_alloc(struct vgpu_vm *vm, uint64_t bytes, uint32_t prot,
	       uint32_t flags, struct vgpu_bo **bo);

/* ---- timelines ------------------------------------------------------------- */

struct vgpu_timeline {
	struct vgpu_dev *dev;
	uint32_t handle;
	uint32_t slot;
};

int vgpu_timeline_create(struct vgpu_dev *dev, uint64_t initial,
			 struct vgpu_timeline **timeline);
void vgpu_timeline_destroy(struct vgpu_timeline *timeline);
/* Its value now, from the mapped page: no system call. */
uint64_t vgpu_timeline_value(const struct vgpu_timeline *timeline);
/* Waits for @value; @timeout_ns from now, 0 asks only, negative: for ever.
 * -ETIME: not yet; -EINTR; -ENODEV: the vGPU went away.
 */
int vgpu_timeline_wait(struct vgpu_timeline *timeline, uint64_t value,
		       int64_t timeout_ns);
int vgpu_timeline_signal(struct vgpu_timeline *timeline, uint64_t value);
/* Raises @eventfd once when @value is reached. */
int vgpu_timeline_eventfd(struct vgpu_timeline *timeline, uint64_t value,
			  int eventfd);

/* ---- commands --------------------------------------------------------------- */

struct vgpu_cmd vgpu_cmd_nop(void);
struct vgpu_cmd vgpu_cmd_copy(uint64_t dst, uint64_t src, uint64_t bytes);
struct vgpu_cmd vgpu_cmd_fill(uint64_t dst, uint64_t bytes, uint32_t pattern);
struct vgpu_cmd vgpu_cmd_signal(const struct vgpu_timeline *timeline,
				uint64_t value);
struct vgpu_cmd vgpu_cmd_wait(const struct vgpu_timeline *timeline,
			      uint64_t value);

/* ---- contexts and queues ----------------------------------------------------- */

struct vgpu_ctx {
	struct vgpu_dev *dev;
	struct vgpu_vm *vm;
	uint32_t handle;
};

int vgpu_ctx_create(struct vgpu_vm *vm, uint32_t engine, struct vgpu_ctx **ctx);
void vgpu_ctx_destroy(struct vgpu_ctx *ctx);

struct vgpu_queue;

/* Zero is the default of each. */
struct vgpu_queue_options {
	uint32_t depth;		/* commands that may wait unfinished */
	uint32_t ring_slots;	/* not 0: through a ring of that many slots */
	uint64_t time_limit_us;	/* engine time of one command; 0: no limit */
	uint32_t sched_class;	/* enum vgpu_sched_class */
	uint32_t fence_ms;	/* not 0: for vgpu_submit_fenced(); needs a limit
				 * that is no longer, and a pinned vgpu_vm
				 */
};

/* @options may be NULL.  -EOPNOTSUPP: a ring, on a node that has none (in a
 * VM all programs would share one page of doorbells).
 */
int vgpu_queue_create(struct vgpu_ctx *ctx,
		      const struct vgpu_queue_options *options,
		      struct vgpu_queue **queue);
/* Cancels what is unfinished. */
void vgpu_queue_destroy(struct vgpu_queue *queue);
uint32_t vgpu_queue_handle(const struct vgpu_queue *queue);

/* enum vgpu_sched_class, live; -EOPNOTSUPP: there is no such class. */
int vgpu_queue_set_class(struct vgpu_queue *queue, uint32_t sched_class);

/*
 * Hands over @count commands, in order; sleeps while the queue is full, for
 * @timeout_ns at most (negative: for ever).  Returns how many were taken, which
 * is @count, fewer when the time was up or the next one is bad, or a negative
 * errno when none was (-EAGAIN: the time was up).  Through a ring the device
 * finds a bad command only later (vgpu_queue_status().failed).
 */
int vgpu_submit(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		uint32_t count, int64_t timeout_ns);
/*
 * The same, and they are to have ended @deadline_ns after this call began; 0 or
 * less: they are late already.  -ERANGE: more than a day, -EOPNOTSUPP: a ring.
 */
int vgpu_submit_due(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		    uint32_t count, int64_t deadline_ns, int64_t timeout_ns);

/*
 * Hands over @count commands at once, or as many as there is room for, and gives a
 * sync_file (poll() it, or hand it to another driver) that is signalled when they have
 * ended, in bounded time.  Returns how many were taken, -EAGAIN for none, or a negative
 * errno; @fd is the caller's then.
 */
int vgpu_submit_fenced(struct vgpu_queue *queue, const struct vgpu_cmd *cmds,
		       uint32_t count, int *fd);

/*
 * Marks what was submitted so far: a number for vgpu_queue_wait(), or a
 * negative errno.  Costs one command (a signal of the queue's own timeline).
 */
int64_t vgpu_queue_mark(struct vgpu_queue *queue);
/* Waits until everything before the mark has ended, well or not. */
int vgpu_queue_wait(struct vgpu_queue *queue, int64_t mark, int64_t timeout_ns);
/*
 * Mark, wait, and look: 0 when all commands since the last finish ended well,
 * else the errno of the one that failed last (-EFAULT after a page fault,
 * -ETIME after the time limit or a reset), and vgpu_error() tells where.
 * -ETIMEDOUT: not ended in time, still running.
 */
int vgpu_queue_finish(struct vgpu_queue *queue, int64_t timeout_ns);

/* VGPU_IOCTL_QUEUE_STATUS; clears the bits of @irq_clear. */
int vgpu_queue_status(struct vgpu_queue *queue, uint32_t irq_clear,
		      struct vgpu_queue_status *status);

/* How a ring fared: commands written and kicks that they took. */
struct vgpu_ring_figures {
	uint64_t written;
	uint64_t kicks;
};

/* -EINVAL for a queue without a ring. */
int vgpu_queue_ring_figures(const struct vgpu_queue *queue,
			    struct vgpu_ring_figures *figures);

/* ---- kernels ------------------------------------------------------------------- */

struct vgpu_kernel;

/*
 * Loads a static RV64IMA executable into @vm, each segment into memory of its
 * own, mapped with the permissions that the file gives.  It stays there until
 * destroyed; one file can hold many kernels.
 * -ENOEXEC: not such an executable; -EEXIST: its addresses are taken in @vm;
 * -ERANGE: its addresses are not the vGPU's.
 */
int vgpu_kernel_load(struct vgpu_vm *vm, const char *path,
		     struct vgpu_kernel **kernel);
int vgpu_kernel_load_memory(struct vgpu_vm *vm, const void *image,
			    size_t bytes, struct vgpu_kernel **kernel);
void vgpu_kernel_destroy(struct vgpu_kernel *kernel);

/* Address of a kernel by its symbol; NULL: of the file's entry.
 * -ENOENT: no such symbol; -ENOEXEC: it is no code.
 */
int vgpu_kernel_entry(const struct vgpu_kernel *kernel, const char *symbol,
		      uint64_t *entry);
/* Address and length of any symbol. */
int vgpu_kernel_symbol(const struct vgpu_kernel *kernel, const char *symbol,
		       uint64_t *va, uint64_t *bytes);

#define VGPU_STACK_DEFAULT	1024

struct vgpu_launch {
	uint64_t entry;
	uint32_t grid[3];	/* workgroups; 0 means 1 */
	uint16_t block[3];	/* lanes of a workgroup; 0 means 1 */
	uint32_t shared_bytes;
	uint32_t stack_bytes;	/* of one lane; 0: VGPU_STACK_DEFAULT */
	const void *args;	/* copied now into memory of the queue, or */
	uint32_t args_bytes;	/* up to 4096; 0: args_va is handed over */
	uint64_t args_va;
};

/* Submits a launch.  The queue provides the lanes' stacks. */
int vgpu_launch(struct vgpu_queue *queue, const struct vgpu_launch *launch,
		int64_t timeout_ns);

#ifdef __cplusplus
}
#endif

#endif /* LIBVGPU_VGPU_H */
