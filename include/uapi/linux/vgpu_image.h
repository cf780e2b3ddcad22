/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The image of a vGPU: what VGPU_CTL_IOCTL_SAVE writes and _RESTORE reads.
 * Documentation/image.rst tells what is in one and what is not.
 *
 * A header, then records, the last of which is VGPU_IMAGE_END.  Numbers are in
 * the byte order of the machine that wrote it; the header tells which.  Objects are
 * named by the handles that they have in their client.
 */
#ifndef _UAPI_LINUX_VGPU_IMAGE_H
#define _UAPI_LINUX_VGPU_IMAGE_H

#include <linux/types.h>
#include "vgpu.h"

#define VGPU_IMAGE_MAGIC	"vGPUimg"
#define VGPU_IMAGE_ENDIAN	0x01020304
#define VGPU_IMAGE_MAJOR	1	/* another one can't be read */
#define VGPU_IMAGE_MINOR	0	/* a higher one has more optional records */

/**
 * struct vgpu_image_header - the first 32 bytes
 * @magic: VGPU_IMAGE_MAGIC with its NUL
 * @endian: VGPU_IMAGE_ENDIAN
 * @major: VGPU_IMAGE_MAJOR of who wrote it
 * @minor: VGPU_IMAGE_MINOR of who wrote it
 * @flags: 0
 * @crc: CRC32C of the header with @crc 0
 * @pad: 0
 */
struct vgpu_image_header {
	char  magic[8];
	__u32 endian;
	__u16 major;
	__u16 minor;
	__u32 flags;
	__u32 crc;
	__u64 pad;
};

#define VGPU_IMAGE_OPTIONAL	0x1	/* who does not know it skips it */
#define VGPU_IMAGE_PAYLOAD_MAX	0x11000	/* bytes */

/**
 * struct vgpu_image_record - before each payload
 * @type: enum vgpu_image_type
 * @flags: VGPU_IMAGE_OPTIONAL
 * @bytes: of the payload, a multiple of 8, at most VGPU_IMAGE_PAYLOAD_MAX
 * @seq: counts from 0
 * @crc: CRC32C of this with @crc 0, and the payload
 */
struct vgpu_image_record {
	__u16 type;
	__u16 flags;
	__u32 bytes;
	__u32 seq;
	__u32 crc;
};

/* In the order in which they come; those of a client follow its record. */
enum vgpu_image_type {
	VGPU_IMAGE_INSTANCE	= 1,	/* once, first */
	VGPU_IMAGE_CLIENT	= 2,
	VGPU_IMAGE_BO		= 3,
	VGPU_IMAGE_DATA		= 4,	/* of the last BO; what has none is zero */
	VGPU_IMAGE_VM		= 5,
	VGPU_IMAGE_MAP		= 6,
	VGPU_IMAGE_TIMELINE	= 7,
	VGPU_IMAGE_CTX		= 8,
	VGPU_IMAGE_QUEUE	= 9,
	VGPU_IMAGE_COMMANDS	= 10,	/* of the last queue, in order */
	VGPU_IMAGE_STATE	= 11,	/* of a context in the middle of a command */
	VGPU_IMAGE_SECTION	= 12,	/* a part of it */
	VGPU_IMAGE_BARS		= 13,	/* reserved: of a VM's device */
	VGPU_IMAGE_END		= 14,	/* once, last */
};

/**
 * struct vgpu_image_instance - quotas, and what the GPU has to be like
 * @type: name of its type
 * @driver: of the GPU
 * @state_format: of saved contexts; they fit no other
 * @uuid: of the vGPU
 * @weight: as vgpu_ctl_create
 * @priority: likewise
 * @bandwidth_mbps: likewise
 * @vram_bytes: quota
 * @slice_ns: of its own, or 0
 * @cap: hundredths of a per cent of engine time, or 0
 * @own_units: compute units for itself
 * @rights: VGPU_RIGHT_*
 * @running: it was not paused
 * @units: compute units of each of the GPU's engines
 * @max_lanes: of the GPU
 * @shared_bytes: likewise
 * @pad: 0
 * @section_bytes: largest size of each section of state
 */
struct vgpu_image_instance {
	char  type[32];
	char  driver[32];
	char  state_format[32];
	__u8  uuid[16];
	__u32 weight;
	__u32 priority;
	__u64 bandwidth_mbps;
	__u64 vram_bytes;
	__u64 slice_ns;
	__u32 cap;
	__u32 own_units;
	__u32 rights;
	__u32 running;
	__u32 units;
	__u32 max_lanes;
	__u32 shared_bytes;
	__u32 pad;
	__u32 section_bytes[8];
};

/**
 * struct vgpu_image_client - who had it open
 * @number: for VGPU_IOCTL_ADOPT, from 1
 * @uid: of who had opened it
 * @pid: likewise
 * @next_handle: that would be given out next
 * @holder: name of the program
 */
struct vgpu_image_client {
	__u32 number;
	__u32 uid;
	__s32 pid;
	__u32 next_handle;
	char  holder[64];
};

/* @closed: its handle was, but others need it; @handle is free else. */

/** struct vgpu_image_bo - memory; @flags as vgpu_bo_create */
struct vgpu_image_bo {
	__u32 handle;
	__u32 closed;
	__u32 flags;
	__u32 pad;
	__u64 bytes;
	__u64 mmap_offset;
};

/** struct vgpu_image_data - whole pages from @offset on, which follow */
struct vgpu_image_data {
	__u32 bo;
	__u32 pad;
	__u64 offset;
};

struct vgpu_image_vm {
	__u32 handle;
	__u32 closed;
};

struct vgpu_image_map {
	__u32 vm;
	__u32 bo;
	__u32 prot;
	__u32 pad;
	__u64 va;
	__u64 offset;
	__u64 bytes;
};

struct vgpu_image_timeline {
	__u32 handle;
	__u32 closed;
	__u32 slot;
	__u32 pad;
	__u64 value;
};

struct vgpu_image_ctx {
	__u32 handle;
	__u32 closed;
	__u32 vm;
	__u32 engine;
};

/**
 * struct vgpu_image_queue - a queue without its commands
 * @pending: commands that follow
 * @bell: of a ring
 * @ring_head: slots of it that were taken
 * @broken: it made no sense
 *
 * All else as in vgpu_queue_create and vgpu_queue_status.
 */
struct vgpu_image_queue {
	__u32 handle;
	__u32 ctx;
	__u32 depth;
	__u32 sched_class;
	__u64 time_limit_ns;
	__u32 ring_bo;
	__u32 ring_slots;
	__u64 ring_offset;
	struct vgpu_doorbell bell;
	__u32 doorbell;
	__u32 ring_head;
	__u32 broken;
	__u32 pending;
	__u64 seqno;
	__u64 submitted;
	__u64 completed;
	__u64 failed;
	__u64 preempted;
	__u64 run_ns;
	__u64 error_seqno;
	__u64 fault_va;
	__u64 deadlines_met;
	__u64 deadlines_missed;
	__u64 late_max_ns;
	__s32 error;
	__u32 fault_access;
	__u32 irq;
	__u32 pad;
};

/** struct vgpu_image_commands - @count struct vgpu_image_command follow */
struct vgpu_image_commands {
	__u32 queue;
	__u32 count;
};

#define VGPU_IMAGE_COMMANDS_MAX	512

/** struct vgpu_image_command - @deadline_ns from now, if @due */
struct vgpu_image_command {
	struct vgpu_cmd cmd;
	__s64 deadline_ns;
	__u32 due;
	__u32 pad;
};

/**
 * struct vgpu_image_state - the command of @queue that is midway
 * @ctx: whose
 * @queue: its oldest command
 * @service_ns: engine time that it has had
 * @valid: sections that there are, a bit for each
 * @pad: 0
 * @used: bytes of each
 */
struct vgpu_image_state {
	__u32 ctx;
	__u32 queue;
	__u64 service_ns;
	__u32 valid;
	__u32 pad;
	__u32 used[8];
};

/** struct vgpu_image_section - @bytes of section @section follow, padded to 8 */
struct vgpu_image_section {
	__u32 ctx;
	__u32 section;
	__u32 offset;
	__u32 bytes;
};

/** struct vgpu_image_end - of all before: bytes and records */
struct vgpu_image_end {
	__u64 bytes;
	__u64 records;
};

#endif /* _UAPI_LINUX_VGPU_IMAGE_H */
