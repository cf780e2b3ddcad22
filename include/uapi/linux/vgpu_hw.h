/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * vgpu: the virtual PCI device that a VM sees.  Shared by the host's VFIO
 * face and the guest's driver; explained in Documentation/device-interface.rst.
 * All registers are little endian, 32 bits wide and take aligned 32-bit
 * accesses; anything else reads as zero, is not written, and is counted.
 */
#ifndef _UAPI_LINUX_VGPU_HW_H
#define _UAPI_LINUX_VGPU_HW_H

#include <linux/types.h>

#define VGPU_PCI_VENDOR		0x1af4
#define VGPU_PCI_DEVICE		0x10f5	/* experimental range */
#define VGPU_PCI_CLASS		0x038000	/* display controller, other */

/* BAR0, 512 KiB: */
#define VGPU_BAR0_SIZE		0x80000
#define VGPU_BAR0_REGS		0x0000	/* trapped */
#define VGPU_BAR0_DOORBELLS	0x1000	/* mappable: struct vgpu_doorbell[256] */
#define VGPU_BAR0_TIMELINES	0x2000	/* mappable, read only: __u64[512] */
#define VGPU_BAR0_MSIX_TABLE	0x8000
#define VGPU_BAR0_MSIX_PBA	0xc000
#define VGPU_BAR0_BELLS		0x40000	/* mappable: pages 1 to 64 of doorbells */
/* BAR2: the aperture; a BO's mmap_offset is its offset here. */

#define VGPU_DOORBELLS		256	/* of a page; page 0 is at VGPU_BAR0_DOORBELLS */
#define VGPU_BELL_PAGES		64	/* beside that one */
#define VGPU_TIMELINES		512

#define VGPU_MSIX_ADMIN		0	/* the admin channel answered */
#define VGPU_MSIX_TIMELINE	1	/* some timeline moved */
#define VGPU_MSIX_ERROR		2	/* some queue raised VGPU_QUEUE_IRQ_* */
#define VGPU_MSIX_COUNT		3

#define VGPU_REG_MAGIC		0x00	/* ro: VGPU_MAGIC */
#define VGPU_REG_VERSION	0x04	/* ro: VGPU_HW_VERSION */
#define VGPU_REG_FEATURES	0x08	/* ro: VGPU_FEATURE_* */
#define VGPU_REG_STATUS		0x0c	/* ro: VGPU_STATUS_* */
#define VGPU_REG_CONTROL	0x10	/* wo: VGPU_CONTROL_* */
#define VGPU_REG_IRQ_STATUS	0x14	/* write 1 to clear: bit = vector */
#define VGPU_REG_ADMIN_LO	0x20	/* bus address of the admin page, */
#define VGPU_REG_ADMIN_HI	0x24	/* a multiple of 4096 */
#define VGPU_REG_ADMIN_BYTES	0x28	/* its length, 4 KiB to 1 MiB */
#define VGPU_REG_ADMIN_KICK	0x2c	/* wo: a message is there */
#define VGPU_REG_KICK		0x30	/* wo: number of a doorbell: its page * 256 + index */
#define VGPU_REG_BAD_ACCESS	0x34	/* ro: accesses that made no sense */
#define VGPU_REG_END		0x38

#define VGPU_MAGIC		0x55504776	/* "vGPU" */
#define VGPU_HW_VERSION		1

#define VGPU_FEATURE_MIGRATION	0x1	/* reserved */
#define VGPU_FEATURE_DISPLAY	0x2	/* reserved */
#define VGPU_FEATURE_BELLS	0x4	/* VGPU_ADMIN_CLIENT_OPEN_BELLS */

#define VGPU_STATUS_READY	0x1
#define VGPU_STATUS_FAILED	0x2	/* until reset: no service (see log) */
#define VGPU_STATUS_PAUSED	0x4
#define VGPU_CONTROL_RESET	0x1

/* Messages of the admin channel beside enum vgpu_call */
#define VGPU_ADMIN_CLIENT_OPEN	0x01	/* out: client */
#define VGPU_ADMIN_CLIENT_CLOSE	0x02
#define VGPU_ADMIN_CLIENT_OPEN_BELLS 0x03	/* out: client, bells */

/**
 * struct vgpu_admin_msg - head of the admin page; one message at a time
 * @seq: guest: a number, other than the last one's
 * @call: guest: enum vgpu_call or VGPU_ADMIN_*
 * @client: guest: which client calls (one per open file in the guest);
 *	host: the new one, for VGPU_ADMIN_CLIENT_OPEN
 * @arg_bytes: guest: length of the call's structure, which follows at once
 * @payload_bytes: guest: length of the array the structure names (commands,
 *	pages), which follows the structure at the next multiple of 8; the
 *	structure's pointer field is ignored
 * @result: host: 0 or a negative errno
 * @done_seq: host: @seq, written last
 * @bells: guest: 0; host: for VGPU_ADMIN_CLIENT_OPEN_BELLS, which page of doorbells,
 *	from 1 on, no other client has
 *
 * The host reads all of it once, checks its own copy, and writes back the
 * structure, @client, @bells, @result and at last @done_seq.
 */
struct vgpu_admin_msg {
	__u32 seq;
	__u32 call;
	__u32 client;
	__u32 arg_bytes;
	__u32 payload_bytes;
	__s32 result;
	__u32 done_seq;
	__u32 bells;
};

#endif /* _UAPI_LINUX_VGPU_HW_H */
