/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The dump that a GPU leaves when a command faults, when an engine has to be reset,
 * and when mediation fails: what /sys/class/devcoredump/devcd<N>/data gives.
 * Documentation/observability.rst tells what is in one and what is not.
 *
 * A header and records as of an image (vgpu_image.h), with another magic and other types.
 * Who does not know a type skips it, if it is VGPU_IMAGE_OPTIONAL.  Names end with a NUL.
 */
#ifndef _UAPI_LINUX_VGPU_DUMP_H
#define _UAPI_LINUX_VGPU_DUMP_H

#include <linux/types.h>
#include "vgpu.h"
#include "vgpu_image.h"

#define VGPU_DUMP_MAGIC		"vGPUdmp"
#define VGPU_DUMP_MAJOR		1	/* another one can't be read */
#define VGPU_DUMP_MINOR		0	/* a higher one has more optional records */
#define VGPU_DUMP_BYTES_MAX	8192	/* of all */
#define VGPU_DUMP_LIMIT		4	/* of a vGPU in an hour, unless set */
#define VGPU_DUMP_LIMIT_MAX	3600

/* In the order in which they come; each at most once. */
enum vgpu_dump_type {
	VGPU_DUMP_REASON	= 1,
	VGPU_DUMP_GPU		= 2,
	VGPU_DUMP_ENGINE	= 3,	/* on failures of mediation: each engine */
	VGPU_DUMP_VGPU		= 4,	/* this and what follows: on others only */
	VGPU_DUMP_CONTEXT	= 5,
	VGPU_DUMP_QUEUE		= 6,
	VGPU_DUMP_COMMANDS	= 7,
	VGPU_DUMP_WALK		= 8,	/* of a fault on a GPU with an MMU */
	VGPU_DUMP_END		= 9,	/* struct vgpu_image_end */
};

enum vgpu_dump_why {
	VGPU_DUMP_FAULT		= 1,	/* a command ended badly */
	VGPU_DUMP_HANG		= 2,	/* an engine did not stop in time and was reset */
	VGPU_DUMP_MEDIATION	= 3,	/* the mediator failed, and goes on with less */
};

/**
 * struct vgpu_dump_reason - why, and when
 * @why: enum vgpu_dump_why
 * @error: errno that the command ended with, negative, or 0
 * @realtime_ns: since the epoch
 * @boottime_ns: CLOCK_BOOTTIME
 * @number: of the dumps of this GPU, from 1
 * @missed: dumps that it did not make before this one, for limits
 * @kernel: release
 */
struct vgpu_dump_reason {
	__u32 why;
	__s32 error;
	__u64 realtime_ns;
	__u64 boottime_ns;
	__u64 number;
	__u64 missed;
	char  kernel[64];
};

/**
 * struct vgpu_dump_gpu - the GPU
 * @index: its number
 * @engines: that it has
 * @units: compute units of each, before any are taken
 * @step: how far it is degraded, 0: not at all
 * @step_reason: why
 * @pad: 0
 * @failures: of mediation that count
 * @vram_bytes: its memory
 * @name: of it
 * @driver: of it
 * @device: of it
 */
struct vgpu_dump_gpu {
	__u32 index;
	__u32 engines;
	__u32 units;
	__u32 step;
	__u32 step_reason;
	__u32 pad;
	__u64 failures;
	__u64 vram_bytes;
	char  name[32];
	char  driver[32];
	char  device[32];
};

/**
 * struct vgpu_dump_engine - one engine
 * @index: its number
 * @state: 0 idle, 1 running, 2 resetting, 3 dead
 * @held: how often it was told to start nothing
 * @pad: 0
 * @units: mask of its compute units
 * @clock_ns: engine time
 * @jobs: commands begun
 * @switches: contexts changed
 * @preemptions: commands stopped midway
 * @resets: by force
 * @stale_events: answers that nobody waited for
 * @policy: that decides
 */
struct vgpu_dump_engine {
	__u32 index;
	__u32 state;
	__u32 held;
	__u32 pad;
	__u64 units;
	__u64 clock_ns;
	__u64 jobs;
	__u64 switches;
	__u64 preemptions;
	__u64 resets;
	__u64 stale_events;
	char  policy[16];
};

/**
 * struct vgpu_dump_vgpu - whose command it was
 * @id: its number
 * @weight: its share
 * @priority: likewise
 * @strikes: hangs without a command done in between
 * @uuid: of it
 * @vram_limit: quota, bytes
 * @vram_used: of it
 * @faults: so far, on this engine, like all that follows
 * @resets: likewise
 * @submitted: likewise
 * @completed: likewise
 * @failed: likewise
 * @type: name of its type
 */
struct vgpu_dump_vgpu {
	__u32 id;
	__u32 weight;
	__u32 priority;
	__u32 strikes;
	__u8  uuid[16];
	__u64 vram_limit;
	__u64 vram_used;
	__u64 faults;
	__u64 resets;
	__u64 submitted;
	__u64 completed;
	__u64 failed;
	char  type[32];
};

#define VGPU_DUMP_HAS_FAULT	0x1	/* @fault_va and @fault_access count */
#define VGPU_DUMP_HAS_PC	0x2	/* @pc and what follows it count */
#define VGPU_DUMP_WAS_MIDWAY	0x4	/* the command had been stopped before */

/**
 * struct vgpu_dump_context - what was in the engine
 * @number: of the context on this GPU
 * @asid: tag of its address space
 * @flags: VGPU_DUMP_HAS_*
 * @fault_access: VGPU_PROT_* that was asked for
 * @root: VRAM address of its page table
 * @fault_va: address that was asked for
 * @pc: of the instruction, which has not taken effect
 * @mask: lanes of its workgroup that had not ended
 * @group: number of the workgroup
 * @lane: which of them
 * @pid: of who had opened the vGPU
 * @holder: name of the program, or VM
 */
struct vgpu_dump_context {
	__u32 number;
	__u32 asid;
	__u32 flags;
	__u32 fault_access;
	__u64 root;
	__u64 fault_va;
	__u64 pc;
	__u64 mask;
	__u64 group;
	__u32 lane;
	__s32 pid;
	char  holder[64];
};

/**
 * struct vgpu_dump_queue - where the command came from
 * @sched_class: VGPU_CLASS_*
 * @depth: commands that it has room for
 * @count: that it has, the one that ended now with them
 * @ring_slots: 0: it has no ring
 * @command: number of the one that ended now
 * @service_ns: engine time that this one had before it was started or resumed last
 * @seqno: number of the last one taken
 * @submitted: so far, like all that follows
 * @completed: likewise
 * @failed: without the one that ended now
 * @preempted: likewise
 * @run_ns: likewise
 * @time_limit_ns: of a command, 0: none
 */
struct vgpu_dump_queue {
	__u32 sched_class;
	__u32 depth;
	__u32 count;
	__u32 ring_slots;
	__u64 command;
	__u64 service_ns;
	__u64 seqno;
	__u64 submitted;
	__u64 completed;
	__u64 failed;
	__u64 preempted;
	__u64 run_ns;
	__u64 time_limit_ns;
};

#define VGPU_DUMP_COMMANDS_MAX	16

/** struct vgpu_dump_commands - @count struct vgpu_dump_command follow, oldest first */
struct vgpu_dump_commands {
	__u32 count;
	__u32 pad;
};

enum vgpu_dump_command_state {
	VGPU_DUMP_ENDED		= 0,	/* @error tells how */
	VGPU_DUMP_THIS		= 1,	/* it ended now */
	VGPU_DUMP_WAITS		= 2,
};

/**
 * struct vgpu_dump_command - as it was checked, without what its addresses point at
 * @seqno: its number
 * @service_ns: engine time that it had
 * @error: how it ended, 0 or negative
 * @state: enum vgpu_dump_command_state
 * @cmd: the command; of a GPU without MMU its addresses are in VRAM
 */
struct vgpu_dump_command {
	__u64 seqno;
	__u64 service_ns;
	__s32 error;
	__u32 state;
	struct vgpu_cmd cmd;
};

#define VGPU_DUMP_WALK_MAX	6

/**
 * struct vgpu_dump_walk - @count struct vgpu_dump_step follow, from the root on
 * @va: address that was looked for
 * @count: entries; the last one is no table, or @va is outside of what tables reach
 * @levels: that the GPU has
 * @later_ns: time from the fault to the walk: the tenant may have changed them since
 * @format: name of the tables' format
 */
struct vgpu_dump_walk {
	__u64 va;
	__u32 count;
	__u32 levels;
	__u64 later_ns;
	char  format[16];
};

/** struct vgpu_dump_step - an entry, as it is in VRAM at @addr */
struct vgpu_dump_step {
	__u64 addr;
	__u64 entry;
	__u32 level;
	__u32 index;
};

#endif /* _UAPI_LINUX_VGPU_DUMP_H */
