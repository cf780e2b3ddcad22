/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * vgpu: the interface a tenant sees, on the host node /dev/vgpu/v<id> and,
 * with the same numbers and the same structures, on the guest's node.
 *
 * Unstable until the first release; Documentation/uapi.rst tells what may
 * still change.
 *
 * Conventions
 *  - Every structure begins with its own size.  A caller built against an
 *    older header passes a smaller size, the kernel takes the missing tail
 *    as zero.  A caller built against a newer header passes a larger size;
 *    a tail that is not zero gets -E2BIG.  Shorter than the first published
 *    layout: -EINVAL.
 *  - Padding must be zero, else -EINVAL.  Unknown flags: -EOPNOTSUPP.
 *    Unknown ioctl numbers: -ENOTTY.  Unknown handles: -ENOENT.
 *  - Arrays are {pointer, count, stride}; structures are 8-byte aligned.
 *  - Handles are per open file, never 0, and do not encode an address.
 */
#ifndef _UAPI_LINUX_VGPU_H
#define _UAPI_LINUX_VGPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VGPU_UAPI_VERSION	1

#define VGPU_IOCTL_TYPE		'v'

/* Numbers of the tenant's calls; also the message numbers of the guest's
 * admin channel (vgpu_hw.h), hence an enum and not only ioctl codes.
 */
enum vgpu_call {
	VGPU_CALL_INFO			= 0x80,
	VGPU_CALL_CLOSE			= 0x81,
	VGPU_CALL_BO_CREATE		= 0x82,
	VGPU_CALL_VM_CREATE		= 0x83,
	VGPU_CALL_VM_MAP		= 0x84,
	VGPU_CALL_VM_UNMAP		= 0x85,
	VGPU_CALL_CTX_CREATE		= 0x86,
	VGPU_CALL_QUEUE_CREATE		= 0x87,
	VGPU_CALL_TIMELINE_CREATE	= 0x88,
	VGPU_CALL_SUBMIT		= 0x89,
	VGPU_CALL_KICK			= 0x8a,
	VGPU_CALL_WAIT			= 0x8b,
	VGPU_CALL_SIGNAL		= 0x8c,
	VGPU_CALL_EVENTFD		= 0x8d,
	VGPU_CALL_QUEUE_STATUS		= 0x8e,
	VGPU_CALL_QUEUE_SET		= 0x8f,
	VGPU_CALL_BO_USER		= 0x90,
	VGPU_CALL_BO_EXPORT		= 0x91,
	VGPU_CALL_BO_IMPORT		= 0x92,
	VGPU_CALL_ADOPT			= 0x93,
	VGPU_CALL_END			= 0x94,	/* one past the last */
};

#define VGPU_IOCTL_INFO			_IO(VGPU_IOCTL_TYPE, VGPU_CALL_INFO)
#define VGPU_IOCTL_CLOSE		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_CLOSE)
#define VGPU_IOCTL_BO_CREATE		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_BO_CREATE)
#define VGPU_IOCTL_VM_CREATE		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_VM_CREATE)
#define VGPU_IOCTL_VM_MAP		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_VM_MAP)
#define VGPU_IOCTL_VM_UNMAP		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_VM_UNMAP)
#define VGPU_IOCTL_CTX_CREATE		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_CTX_CREATE)
#define VGPU_IOCTL_QUEUE_CREATE		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_QUEUE_CREATE)
#define VGPU_IOCTL_TIMELINE_CREATE	_IO(VGPU_IOCTL_TYPE, VGPU_CALL_TIMELINE_CREATE)
#define VGPU_IOCTL_SUBMIT		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_SUBMIT)
#define VGPU_IOCTL_KICK			_IO(VGPU_IOCTL_TYPE, VGPU_CALL_KICK)
#define VGPU_IOCTL_WAIT			_IO(VGPU_IOCTL_TYPE, VGPU_CALL_WAIT)
#define VGPU_IOCTL_SIGNAL		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_SIGNAL)
#define VGPU_IOCTL_EVENTFD		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_EVENTFD)
#define VGPU_IOCTL_QUEUE_STATUS		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_QUEUE_STATUS)
#define VGPU_IOCTL_QUEUE_SET		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_QUEUE_SET)
#define VGPU_IOCTL_BO_USER		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_BO_USER)
#define VGPU_IOCTL_BO_EXPORT		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_BO_EXPORT)
#define VGPU_IOCTL_BO_IMPORT		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_BO_IMPORT)
#define VGPU_IOCTL_ADOPT		_IO(VGPU_IOCTL_TYPE, VGPU_CALL_ADOPT)

/* Capabilities of the GPU behind an instance, vgpu_info.caps. */
#define VGPU_CAP_PREEMPT	(1ULL << 0)	/* stops a command midway */
#define VGPU_CAP_SAVE		(1ULL << 1)	/* state can be saved and restored */
#define VGPU_CAP_MMU		(1ULL << 2)	/* walks page tables */
#define VGPU_CAP_LAUNCH		(1ULL << 3)	/* runs kernels (VGPU_CMD_LAUNCH) */
#define VGPU_CAP_HOST_MEM	(1ULL << 4)	/* reaches VGPU_BO_HOST memory */

/**
 * struct vgpu_info - VGPU_IOCTL_INFO: what this vGPU is
 * @size: sizeof(struct vgpu_info)
 * @version: out: VGPU_UAPI_VERSION of the kernel
 * @id: out: number of the instance
 * @units: out: compute units that serve it, at most
 * @caps: out: VGPU_CAP_*
 * @vram_bytes: out: quota of GPU memory, bytes; page tables count against it
 * @vram_used: out: of which in use, bytes
 * @va_start: out: lowest address that VM_MAP takes
 * @va_end: out: one past the highest
 * @max_lanes: out: largest product of a launch's block dimensions
 * @shared_bytes: out: shared memory of a workgroup, bytes
 * @weight: out: share of the engine among busy instances, 1 to 10000
 * @priority: out: 0 (lowest) to 7
 * @uuid: out: of the instance, RFC 4122 byte order
 * @gpu_name: out: name of the physical GPU, NUL-terminated
 */
struct vgpu_info {
	__u32 size;
	__u32 version;
	__u32 id;
	__u32 units;
	__u64 caps;
	__u64 vram_bytes;
	__u64 vram_used;
	__u64 va_start;
	__u64 va_end;
	__u32 max_lanes;
	__u32 shared_bytes;
	__u32 weight;
	__u32 priority;
	__u8  uuid[16];
	char  gpu_name[32];
};

/**
 * struct vgpu_close - VGPU_IOCTL_CLOSE: gives a handle back
 * @size: sizeof(struct vgpu_close)
 * @handle: any object; it lives on while others need it (a BO that a VM
 *	maps, a VM with contexts), but CPU mappings of a BO end (SIGBUS), and a
 *	queue's unfinished commands are cancelled
 */
struct vgpu_close {
	__u32 size;
	__u32 handle;
};

#define VGPU_BO_VRAM	0x0	/* GPU memory (the default) */
#define VGPU_BO_HOST	0x1	/* system memory that the GPU reaches */
#define VGPU_BO_SHARE	0x2	/* for BO_EXPORT: stays where it is */

/**
 * struct vgpu_bo_create - VGPU_IOCTL_BO_CREATE: a piece of memory, all zero
 * @size: sizeof(struct vgpu_bo_create)
 * @flags: VGPU_BO_*
 * @bytes: length, 1 to the quota; rounded up to pages
 * @align: 0 or a power of two up to 2 MiB, of the address in VRAM
 * @handle: out
 * @pad: 0
 * @mmap_offset: out: what to pass to mmap() on the same file to reach it
 * @pages: guest to host only, 0 from user space: array of __u64 bus
 *	addresses of the guest's pages behind a VGPU_BO_HOST
 * @page_count: guest to host only: entries of @pages
 * @page_stride: guest to host only: 8
 */
struct vgpu_bo_create {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 align;
	__u32 handle;
	__u32 pad;
	__u64 mmap_offset;
	__u64 pages;
	__u32 page_count;
	__u32 page_stride;
};

#define VGPU_BO_USER_MAX	0x100000000ULL	/* bytes of one */

/**
 * struct vgpu_bo_user - VGPU_IOCTL_BO_USER: memory of the program, for the GPU
 * @size: sizeof(struct vgpu_bo_user)
 * @flags: 0
 * @addr: first address of it, a multiple of 4096
 * @bytes: length, a multiple of 4096, at most VGPU_BO_USER_MAX (-E2BIG)
 * @handle: out: of a BO that VM_MAP takes
 * @pad: 0
 *
 * The pages that are there now are pinned, and are the GPU's until the handle is
 * closed and nothing maps the BO any more: what the program puts in their place
 * (munmap(), MADV_DONTNEED, fork()) the GPU does not see.  They count against
 * RLIMIT_MEMLOCK of the program's user (-EDQUOT), unless it has CAP_IPC_LOCK.
 *
 * -EFAULT: not all of it is writable memory of the program's, or the kernel lets
 * nobody pin it; -EOPNOTSUPP: pages of a file (anonymous memory, memfd, tmpfs and
 * huge pages can be pinned), a GPU that does not reach system memory, or a vGPU
 * in a VM.
 */
struct vgpu_bo_user {
	__u32 size;
	__u32 flags;
	__u64 addr;
	__u64 bytes;
	__u32 handle;
	__u32 pad;
};

/**
 * struct vgpu_bo_export - VGPU_IOCTL_BO_EXPORT: a dma-buf of a BO
 * @size: sizeof(struct vgpu_bo_export)
 * @flags: 0
 * @bo: handle of a BO made with VGPU_BO_SHARE (-EOPNOTSUPP: not so, or a vGPU in a VM)
 * @fd: out: a dma-buf, close-on-exec, for BO_IMPORT and mmap()
 *
 * The memory stays, and is charged to this vGPU, as long as the dma-buf or an import
 * of it is there, but not after the vGPU was stopped or has gone: then it is taken
 * from everybody; mmap() of it raises SIGBUS, commands that use it fault.
 *
 * The dma-buf has no fences and can't be attached to other devices (-EOPNOTSUPP):
 * a command may take for ever, which a fence may not. Use timelines.
 */
struct vgpu_bo_export {
	__u32 size;
	__u32 flags;
	__u32 bo;
	__s32 fd;
};

/**
 * struct vgpu_bo_import - VGPU_IOCTL_BO_IMPORT: the memory behind a dma-buf
 * @size: sizeof(struct vgpu_bo_import)
 * @flags: 0
 * @fd: from BO_EXPORT of this vGPU, or of one in the same group on the same GPU
 * @handle: out: of a BO that VM_MAP takes, for the same memory
 * @bytes: out: its length
 *
 * It is not charged to this vGPU, and is mapped for the CPU through the dma-buf.
 * -EACCES: of another owner; -EXDEV: of another GPU; -EOPNOTSUPP: not of a vGPU;
 * -ESTALE: its vGPU was stopped or has gone; -EBADF, -EINVAL: no dma-buf.
 */
struct vgpu_bo_import {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 handle;
	__u64 bytes;
};

#define VGPU_VM_PINNED	0x1	/* memory that stays where it is only */

/**
 * struct vgpu_vm_create - VGPU_IOCTL_VM_CREATE: a GPU address space
 * @size: sizeof(struct vgpu_vm_create)
 * @flags: VGPU_VM_*; with VGPU_VM_PINNED, VM_MAP takes BOs only that are never
 *	evicted nor moved (-EOPNOTSUPP otherwise): made with VGPU_BO_SHARE or
 *	VGPU_BO_HOST, imported, or of BO_USER.  Not in a VM (-EOPNOTSUPP)
 * @handle: out
 * @pad: 0
 */
struct vgpu_vm_create {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__u32 pad;
};

#define VGPU_PROT_READ	0x1
#define VGPU_PROT_WRITE	0x2
#define VGPU_PROT_EXEC	0x4

/**
 * struct vgpu_vm_map - VGPU_IOCTL_VM_MAP: makes a BO visible to the GPU
 * @size: sizeof(struct vgpu_vm_map)
 * @vm: handle of the address space
 * @bo: handle of the memory
 * @prot: VGPU_PROT_*, at least one
 * @va: GPU address, a multiple of 4096; must be free (-EEXIST)
 * @offset: first byte of the BO, a multiple of 4096
 * @bytes: length, a multiple of 4096
 */
struct vgpu_vm_map {
	__u32 size;
	__u32 vm;
	__u32 bo;
	__u32 prot;
	__u64 va;
	__u64 offset;
	__u64 bytes;
};

/**
 * struct vgpu_vm_unmap - VGPU_IOCTL_VM_UNMAP: removes what lies in a range
 * @size: sizeof(struct vgpu_vm_unmap)
 * @vm: handle of the address space
 * @va: first address, a multiple of 4096
 * @bytes: length; mappings that reach over the ends are split
 *
 * When it returns, no engine uses the old translation any more.
 */
struct vgpu_vm_unmap {
	__u32 size;
	__u32 vm;
	__u64 va;
	__u64 bytes;
};

/**
 * struct vgpu_ctx_create - VGPU_IOCTL_CTX_CREATE: state on an engine
 * @size: sizeof(struct vgpu_ctx_create)
 * @vm: handle of the address space it runs in
 * @engine: index of the engine, from 0; a vGPU with compute units of its own
 *	has one engine
 * @flags: 0
 * @handle: out
 * @pad: 0
 */
struct vgpu_ctx_create {
	__u32 size;
	__u32 vm;
	__u32 engine;
	__u32 flags;
	__u32 handle;
	__u32 pad;
};

#define VGPU_QUEUE_RING		0x1	/* commands come from a ring in a BO */
#define VGPU_QUEUE_FENCED	0x2	/* for VGPU_SUBMIT_FENCE */

/*
 * The order among the queues of one vGPU on one engine.  No class gets a vGPU
 * more of the engine than it is due beside others.
 */
enum vgpu_sched_class {
	VGPU_CLASS_NORMAL	= 0,
	VGPU_CLASS_HIGH		= 1,	/* before normal, stops what runs */
	VGPU_CLASS_BATCH	= 2,	/* after normal, gathered */
};

/**
 * struct vgpu_queue_create - VGPU_IOCTL_QUEUE_CREATE: feeds a context
 * @size: sizeof(struct vgpu_queue_create)
 * @ctx: handle of the context
 * @flags: VGPU_QUEUE_*
 * @depth: commands that may wait unfinished, 1 to 1024; 0: the default (256)
 * @time_limit_us: a command that runs longer (engine time) fails with
 *	-ETIME; 0: no limit
 * @ring_bo: with VGPU_QUEUE_RING: the BO that holds the ring
 * @ring_slots: power of two, 2 to 4096 slots of struct vgpu_cmd
 * @ring_offset: of slot 0 in the BO, a multiple of 64
 * @handle: out
 * @doorbell: out, with VGPU_QUEUE_RING: index of the queue's struct
 *	vgpu_doorbell in the doorbell page
 * @sched_class: enum vgpu_sched_class; unknown: -EOPNOTSUPP
 * @fence_ms: with VGPU_QUEUE_FENCED: how long the commands of a submission with
 *	a fence have at most, from the call on, whatever keeps them waiting; 1
 *	to 10000, 0: 10000.  Without: 0
 *
 * A fenced queue needs a context of a VGPU_VM_PINNED address space
 * (-EOPNOTSUPP otherwise), a time limit from 1 us to @fence_ms, and no ring
 * (-EINVAL); VGPU_CMD_WAIT is no command of its (-EOPNOTSUPP).
 */
struct vgpu_queue_create {
	__u32 size;
	__u32 ctx;
	__u32 flags;
	__u32 depth;
	__u64 time_limit_us;
	__u32 ring_bo;
	__u32 ring_slots;
	__u64 ring_offset;
	__u32 handle;
	__u32 doorbell;
	__u32 sched_class;
	__u32 fence_ms;
};

/**
 * struct vgpu_queue_set - VGPU_IOCTL_QUEUE_SET: changes a queue, live
 * @size: sizeof(struct vgpu_queue_set)
 * @queue: handle
 * @sched_class: enum vgpu_sched_class; unknown: -EOPNOTSUPP
 * @pad: 0
 */
struct vgpu_queue_set {
	__u32 size;
	__u32 queue;
	__u32 sched_class;
	__u32 pad;
};

/**
 * struct vgpu_doorbell - one queue's line in the mapped doorbell page
 * @tail: producer: slots written so far, counts on without wrapping at the
 *	ring's size
 * @head: consumer: slots taken so far
 * @event: consumer: kick (VGPU_IOCTL_KICK, or the trapped register) when
 *	@tail moves past this; without need no trap is taken
 * @error: consumer: 0, or a negative errno after the ring was found broken
 *
 * mmap() the page at VGPU_MMAP_DOORBELLS.
 */
struct vgpu_doorbell {
	__u32 tail;
	__u32 head;
	__u32 event;
	__s32 error;
};

#define VGPU_MMAP_DOORBELLS	0x100000000000ULL	/* one page, read/write */
#define VGPU_MMAP_TIMELINES	0x100000001000ULL	/* one page, read only */

/**
 * struct vgpu_timeline_create - VGPU_IOCTL_TIMELINE_CREATE: a counter to
 *	wait for
 * @size: sizeof(struct vgpu_timeline_create)
 * @flags: 0
 * @initial: value to start from
 * @handle: out
 * @slot: out: index of its __u64 in the timeline page; the page always
 *	shows the current value
 */
struct vgpu_timeline_create {
	__u32 size;
	__u32 flags;
	__u64 initial;
	__u32 handle;
	__u32 slot;
};

enum vgpu_cmd_op {
	VGPU_CMD_NOP		= 0,
	VGPU_CMD_COPY		= 1,	/* between any two GPU addresses */
	VGPU_CMD_FILL		= 2,
	VGPU_CMD_LAUNCH		= 3,
	VGPU_CMD_SIGNAL		= 4,	/* raise a timeline, after all before */
	VGPU_CMD_WAIT		= 5,	/* go on when a timeline got there */
	VGPU_CMD_OP_END		= 6,
};

/**
 * struct vgpu_cmd_copy - copies @bytes from @src to @dst (GPU addresses)
 * @src: first address to read; host to GPU and back is a copy from or to a
 *	mapped VGPU_BO_HOST
 * @dst: first address to write; the ranges may not overlap
 * @bytes: 1 to 1 GiB
 */
struct vgpu_cmd_copy {
	__u64 src;
	__u64 dst;
	__u64 bytes;
};

/**
 * struct vgpu_cmd_fill - fills with a 32-bit pattern
 * @dst: first address, a multiple of 4
 * @bytes: a multiple of 4, 4 to 1 GiB
 * @pattern: written over and over
 * @pad: 0
 */
struct vgpu_cmd_fill {
	__u64 dst;
	__u64 bytes;
	__u32 pattern;
	__u32 pad;
};

/**
 * struct vgpu_cmd_launch - runs a kernel over a grid of workgroups
 * @entry: address of its first instruction (mapped executable)
 * @args: handed to every lane in a0
 * @stack: stacks for all resident lanes: units * lanes * @stack_bytes
 * @grid: workgroups in x, y, z, at least 1 each, product up to 2^31
 * @stack_bytes: of one lane, a multiple of 16; 0: lanes have none
 * @shared_bytes: shared memory of a workgroup that the kernel uses
 * @block: lanes in x, y, z, at least 1 each, product up to max_lanes
 * @pad: 0
 * @pad2: 0
 */
struct vgpu_cmd_launch {
	__u64 entry;
	__u64 args;
	__u64 stack;
	__u32 grid[3];
	__u32 stack_bytes;
	__u32 shared_bytes;
	__u16 block[3];
	__u16 pad;
	__u32 pad2;
};

/**
 * struct vgpu_cmd_sync - VGPU_CMD_SIGNAL and VGPU_CMD_WAIT
 * @timeline: handle
 * @pad: 0
 * @value: to raise it to (a lower one than it has is ignored), or to wait for
 */
struct vgpu_cmd_sync {
	__u32 timeline;
	__u32 pad;
	__u64 value;
};

/**
 * struct vgpu_cmd - one command, 64 bytes, also one slot of a ring
 * @op: enum vgpu_cmd_op
 * @flags: 0
 * @pad: 0
 * @raw: bytes that the op does not use must be zero
 */
struct vgpu_cmd {
	__u16 op;
	__u16 flags;
	__u32 pad;
	union {
		struct vgpu_cmd_copy copy;
		struct vgpu_cmd_fill fill;
		struct vgpu_cmd_launch launch;
		struct vgpu_cmd_sync sync;
		__u64 raw[7];
	};
};

#define VGPU_SUBMIT_DEADLINE	0x1	/* @deadline_ns counts */
#define VGPU_SUBMIT_FENCE	0x2	/* @fence_fd is wanted */

/**
 * struct vgpu_submit - VGPU_IOCTL_SUBMIT: commands from an array
 * @size: sizeof(struct vgpu_submit)
 * @queue: handle of a queue without a ring (-EINVAL otherwise)
 * @cmds: pointer to the first struct vgpu_cmd
 * @count: of commands, 1 to 1024
 * @stride: bytes from one to the next, at least 64
 * @submitted: out: commands taken; less than @count when the queue is full
 *	(none taken: -EAGAIN) or a command is bad (none taken: its errno;
 *	@bad_index tells which)
 * @bad_index: out: first bad command, or @count
 * @seqno: out: number of the last command taken; counts from 1
 * @flags: VGPU_SUBMIT_*
 * @fence_fd: 0; out, with VGPU_SUBMIT_FENCE: a sync_file, close-on-exec, that is
 *	signalled when the @submitted commands have ended, with the errno of
 *	the first that failed, and with -ETIMEDOUT when the queue's fence_ms
 *	were over: those of them that had not ended by then fail likewise.
 *	Of a VGPU_QUEUE_FENCED only (-EINVAL otherwise), not in a VM
 *	(-EOPNOTSUPP)
 * @deadline_ns: with VGPU_SUBMIT_DEADLINE: the commands are to have ended so long
 *	after the call came in, by CLOCK_MONOTONIC where the engine is; 0 or
 *	less: they are late already.  More than a day either way: -ERANGE.
 *	Without: 0 (-EINVAL otherwise)
 *
 * A deadline orders a vGPU's queues of one class, the earliest first; what misses
 * it is run all the same, and counted (struct vgpu_queue_status).
 */
struct vgpu_submit {
	__u32 size;
	__u32 queue;
	__u64 cmds;
	__u32 count;
	__u32 stride;
	__u32 submitted;
	__u32 bad_index;
	__u64 seqno;
	__u32 flags;
	__s32 fence_fd;
	__s64 deadline_ns;
};

/**
 * struct vgpu_kick - VGPU_IOCTL_KICK: there is work in a ring
 * @size: sizeof(struct vgpu_kick)
 * @queue: handle of a queue with a ring
 */
struct vgpu_kick {
	__u32 size;
	__u32 queue;
};

/**
 * struct vgpu_wait - VGPU_IOCTL_WAIT: sleeps until a timeline got there
 * @size: sizeof(struct vgpu_wait)
 * @timeline: handle
 * @value: to wait for
 * @timeout_ns: from now; 0 asks only, negative waits for ever
 * @current_value: out: of the timeline
 *
 * -ETIME when it did not get there, -EINTR on a signal, -ENODEV when the
 * vGPU went away.
 */
struct vgpu_wait {
	__u32 size;
	__u32 timeline;
	__u64 value;
	__s64 timeout_ns;
	__u64 current_value;
};

/**
 * struct vgpu_signal - VGPU_IOCTL_SIGNAL: raises a timeline from the CPU
 * @size: sizeof(struct vgpu_signal)
 * @timeline: handle
 * @value: lower than it has: -EINVAL
 */
struct vgpu_signal {
	__u32 size;
	__u32 timeline;
	__u64 value;
};

/**
 * struct vgpu_eventfd - VGPU_IOCTL_EVENTFD: an eventfd is raised once when
 *	a timeline gets there (at once when it is there already)
 * @size: sizeof(struct vgpu_eventfd)
 * @timeline: handle
 * @value: to wait for
 * @fd: an eventfd
 * @pad: 0
 *
 * -EMFILE: 256 of them wait for the timeline already.
 */
struct vgpu_eventfd {
	__u32 size;
	__u32 timeline;
	__u64 value;
	__s32 fd;
	__u32 pad;
};

#define VGPU_QUEUE_IRQ_ERROR	0x1	/* a command failed */
#define VGPU_QUEUE_IRQ_PRESSURE	0x2	/* over 80 % full */
#define VGPU_QUEUE_IRQ_BROKEN	0x4	/* the ring made no sense; queue stopped */
#define VGPU_QUEUE_IRQ_LATE	0x8	/* a command missed its deadline */

/**
 * struct vgpu_queue_status - VGPU_IOCTL_QUEUE_STATUS: figures and errors
 * @size: sizeof(struct vgpu_queue_status)
 * @queue: handle
 * @irq_clear: VGPU_QUEUE_IRQ_* to clear, after @irq was read
 * @irq: out: VGPU_QUEUE_IRQ_* raised since last cleared
 * @submitted: out: commands accepted
 * @completed: out: commands that ended well
 * @failed: out: commands that ended badly or were refused in the ring
 * @pending: out: commands not ended yet
 * @depth: out: most that may be pending
 * @wait_avg_ns: out: mean time from acceptance to first run
 * @wait_p50_ns: out: its median (within 12 %)
 * @wait_p99_ns: out: its 99th percentile (within 12 %)
 * @run_ns: out: engine time used
 * @error: out: errno of the last failure (negative), or 0
 * @fault_access: out: VGPU_PROT_* that a faulting access lacked, or 0
 * @error_seqno: out: number of the command that failed last
 * @fault_va: out: address of its fault
 * @preempted: out: times a command was stopped midway
 * @sched_class: out: enum vgpu_sched_class
 * @pad: out: 0
 * @deadlines_met: out: commands that ran, and ended well by their deadline
 * @deadlines_missed: out: that ended, well or badly, after it
 * @late_max_ns: out: by how much the latest of these missed it
 */
struct vgpu_queue_status {
	__u32 size;
	__u32 queue;
	__u32 irq_clear;
	__u32 irq;
	__u64 submitted;
	__u64 completed;
	__u64 failed;
	__u32 pending;
	__u32 depth;
	__u64 wait_avg_ns;
	__u64 wait_p50_ns;
	__u64 wait_p99_ns;
	__u64 run_ns;
	__s32 error;
	__u32 fault_access;
	__u64 error_seqno;
	__u64 fault_va;
	__u64 preempted;
	__u32 sched_class;
	__u32 pad;
	__u64 deadlines_met;
	__u64 deadlines_missed;
	__u64 late_max_ns;
};

/**
 * struct vgpu_adopt - VGPU_IOCTL_ADOPT: becomes a client that was restored
 * @size: sizeof(struct vgpu_adopt)
 * @client: its number in the image, from 1
 *
 * From then on this file is that client: its handles, mmap offsets, doorbells and
 * timelines are as they were when it was saved.  To be called before anything was
 * made or mapped through this file (-EBUSY).
 * -ENOENT: no such client, or it was adopted; -EACCES: another user's (the user
 * who opened it then, or CAP_SYS_ADMIN).
 */
struct vgpu_adopt {
	__u32 size;
	__u32 client;
};

/* ------------------------------------------------------------------------
 * The management node, /dev/vgpu/ctl.  Needs CAP_SYS_ADMIN.  The same verbs
 * exist in the netlink family (Documentation/netlink/specs/vgpu.yaml), which
 * also lists and notifies; the node is for programs that want a vGPU to live
 * no longer than they do.
 */
enum vgpu_ctl_call {
	VGPU_CTL_CALL_CREATE	= 0xc0,
	VGPU_CTL_CALL_DESTROY	= 0xc1,
	VGPU_CTL_CALL_STATE	= 0xc2,
	VGPU_CTL_CALL_SET	= 0xc3,
	VGPU_CTL_CALL_SAVE	= 0xc4,
	VGPU_CTL_CALL_RESTORE	= 0xc5,
	VGPU_CTL_CALL_END	= 0xc6,
};

#define VGPU_CTL_IOCTL_CREATE	_IO(VGPU_IOCTL_TYPE, VGPU_CTL_CALL_CREATE)
#define VGPU_CTL_IOCTL_DESTROY	_IO(VGPU_IOCTL_TYPE, VGPU_CTL_CALL_DESTROY)
#define VGPU_CTL_IOCTL_STATE	_IO(VGPU_IOCTL_TYPE, VGPU_CTL_CALL_STATE)
#define VGPU_CTL_IOCTL_SET	_IO(VGPU_IOCTL_TYPE, VGPU_CTL_CALL_SET)
#define VGPU_CTL_IOCTL_SAVE	_IO(VGPU_IOCTL_TYPE, VGPU_CTL_CALL_SAVE)
#define VGPU_CTL_IOCTL_RESTORE	_IO(VGPU_IOCTL_TYPE, VGPU_CTL_CALL_RESTORE)

#define VGPU_WEIGHT_MIN		1
#define VGPU_WEIGHT_DEFAULT	100
#define VGPU_WEIGHT_MAX		10000
#define VGPU_PRIORITY_MAX	7
#define VGPU_PRIORITY_DEFAULT	4

#define VGPU_CREATE_WITH_FD	0x1	/* destroyed when the ctl file closes */

/**
 * struct vgpu_ctl_create - VGPU_CTL_IOCTL_CREATE
 * @size: sizeof(struct vgpu_ctl_create)
 * @flags: VGPU_CREATE_*
 * @type: name of a type, as "1g.32m", NUL-terminated
 * @gpu: number of the physical GPU
 * @id: out: number of the new instance; its node is /dev/vgpu/v<id>
 * @uuid: all zero: one is made up; out: what it got
 * @weight: 0: the type's
 * @priority: 0 to 7
 * @bandwidth_mbps: copy bandwidth in MB/s (10^6); 0: no limit
 */
struct vgpu_ctl_create {
	__u32 size;
	__u32 flags;
	char  type[32];
	__u32 gpu;
	__u32 id;
	__u8  uuid[16];
	__u32 weight;
	__u32 priority;
	__u64 bandwidth_mbps;
};

/**
 * struct vgpu_ctl_destroy - VGPU_CTL_IOCTL_DESTROY; -EBUSY while open
 * @size: sizeof(struct vgpu_ctl_destroy)
 * @id: of the instance
 */
struct vgpu_ctl_destroy {
	__u32 size;
	__u32 id;
};

enum vgpu_verb {
	VGPU_VERB_START		= 1,
	VGPU_VERB_PAUSE		= 2,
	VGPU_VERB_RESUME	= 3,
	VGPU_VERB_STOP		= 4,
};

/**
 * struct vgpu_ctl_state - VGPU_CTL_IOCTL_STATE: moves the life cycle
 * @size: sizeof(struct vgpu_ctl_state)
 * @id: of the instance
 * @verb: enum vgpu_verb; from a state that has no such move: -EBUSY
 * @pad: 0
 */
struct vgpu_ctl_state {
	__u32 size;
	__u32 id;
	__u32 verb;
	__u32 pad;
};

#define VGPU_SET_WEIGHT		0x1
#define VGPU_SET_PRIORITY	0x2
#define VGPU_SET_BANDWIDTH	0x4
#define VGPU_SET_VRAM		0x8

/**
 * struct vgpu_ctl_set - VGPU_CTL_IOCTL_SET: changes quotas, all or none
 * @size: sizeof(struct vgpu_ctl_set)
 * @id: of the instance
 * @mask: VGPU_SET_*: which of the fields count
 * @weight: 1 to 10000
 * @priority: 0 to 7
 * @pad: 0
 * @bandwidth_mbps: 0: no limit
 * @vram_bytes: not below what is in use (-EBUSY), not over what the GPU has
 *	left (-ENOSPC)
 */
struct vgpu_ctl_set {
	__u32 size;
	__u32 id;
	__u32 mask;
	__u32 weight;
	__u32 priority;
	__u32 pad;
	__u64 bandwidth_mbps;
	__u64 vram_bytes;
};

#define VGPU_SAVE_STOP		0x1	/* it is stopped, before it goes on */

/**
 * struct vgpu_ctl_save - VGPU_CTL_IOCTL_SAVE: an image of a vGPU
 * @size: sizeof(struct vgpu_ctl_save)
 * @id: of the instance, which runs or is paused (-EAGAIN)
 * @fd: a file, pipe or socket to write to, from where it is
 * @flags: VGPU_SAVE_*
 * @bytes: out: length of the image
 * @why: out: after an error: a sentence, or ""
 *
 * The vGPU stands still until this returns: its programs' calls and accesses to its
 * memory wait.  A signal ends it, and the vGPU goes on.
 */
struct vgpu_ctl_save {
	__u32 size;
	__u32 id;
	__s32 fd;
	__u32 flags;
	__u64 bytes;
	char  why[80];
};

#define VGPU_RESTORE_PAUSED	0x1	/* even if it was running */

/**
 * struct vgpu_ctl_restore - VGPU_CTL_IOCTL_RESTORE: a vGPU of an image
 * @size: sizeof(struct vgpu_ctl_restore)
 * @gpu: number of the physical GPU
 * @fd: a file, pipe or socket to read from, from where it is
 * @flags: VGPU_RESTORE_*
 * @uuid: all zero: that of the image
 * @id: out: number of the new instance
 * @clients: out: that wait for VGPU_IOCTL_ADOPT
 * @bytes: out: length of the image
 * @why: out: after an error: a sentence, or ""
 *
 * All of it or nothing.  -EINVAL: no image, or one that contradicts itself;
 * -EBADMSG: damaged; -ENODATA: it ends too soon; -EPROTONOSUPPORT: of another
 * version; -EOPNOTSUPP: of another kind of GPU; -ENOENT: no such type on the GPU;
 * -EEXIST, -ENOSPC, -EDQUOT: as for CREATE and memory.
 */
struct vgpu_ctl_restore {
	__u32 size;
	__u32 gpu;
	__s32 fd;
	__u32 flags;
	__u8  uuid[16];
	__u32 id;
	__u32 clients;
	__u64 bytes;
	char  why[80];
};

/* ------------------------------------------------------------------------
 * What a kernel sees on the reference GPU: RV64IMA with Zicsr, little endian.
 * a0 holds vgpu_cmd_launch.args, sp the top of the lane's stack (0 without),
 * all other registers start at zero.
 */
#define VGPU_CSR_LANE_X		0xcc0	/* index of the lane in its workgroup */
#define VGPU_CSR_LANE_Y		0xcc1
#define VGPU_CSR_LANE_Z		0xcc2
#define VGPU_CSR_GROUP_X	0xcc3	/* index of the workgroup in the grid */
#define VGPU_CSR_GROUP_Y	0xcc4
#define VGPU_CSR_GROUP_Z	0xcc5
#define VGPU_CSR_BLOCK_X	0xcc6	/* lanes of a workgroup */
#define VGPU_CSR_BLOCK_Y	0xcc7
#define VGPU_CSR_BLOCK_Z	0xcc8
#define VGPU_CSR_GRID_X		0xcc9	/* workgroups of the grid */
#define VGPU_CSR_GRID_Y		0xcca
#define VGPU_CSR_GRID_Z		0xccb
#define VGPU_CSR_SHARED		0xccc	/* address of the shared memory */
#define VGPU_CSR_SHARED_BYTES	0xccd	/* its length */
#define VGPU_CSR_SCRATCH	0x8c0	/* read/write, the lane's own */
#define VGPU_CSR_NOPREEMPT	0x8c1	/* 1: do not preempt this context until 0 */
/*
 * Read/write: the word of the vector registers that SCRATCH has the index of.
 * All lanes of a launch have the same ones, 0 to begin with; not executable
 * where there is no such word.
 */
#define VGPU_CSR_VECTOR		0x8c2
/* cycle, time and instret (0xc00 to 0xc02) count the lane's instructions. */

#define VGPU_SHARED_BASE	0x0000ff0000000000ULL

/* ecall: a7 tells what */
#define VGPU_ECALL_EXIT		0	/* the lane is done */
#define VGPU_ECALL_BARRIER	1	/* wait for the workgroup's other lanes */

#endif /* _UAPI_LINUX_VGPU_H */
