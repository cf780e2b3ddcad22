/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who works with a vGPU: an open file of its node, or a program of its VM.
 * A part of the contract in <vgpu/face.h>.
 */
#ifndef _VGPU_FACE_CLIENT_H
#define _VGPU_FACE_CLIENT_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <uapi/linux/vgpu.h>

struct eventfd_ctx;
struct page;
struct vgpu_bo;
struct vgpu_client;
struct vgpu_instance;
struct vgpu_shpages;
struct vgpu_timeline;
struct wait_queue_head;

/*
 * A pair of pages shared with a user: doorbells and timelines. All clients
 * of a VM share the device's pair; a node's file has its own.
 */
struct vgpu_shpages *vgpu_shpages_create(void);
void vgpu_shpages_put(struct vgpu_shpages *sp);
struct page *vgpu_shpages_doorbells(struct vgpu_shpages *sp);
struct page *vgpu_shpages_timelines(struct vgpu_shpages *sp);
/* A doorbell was rung; unknown ones are ignored. Atomic. */
void vgpu_shpages_kick(struct vgpu_shpages *sp, u32 doorbell);

/**
 * struct vgpu_client_ops - what a face does for its client
 * @timeline_moved: atomic: some timeline of the client was raised
 * @queue_irq: atomic: some queue raised VGPU_QUEUE_IRQ_* @bits
 * @get_pages: pins the pages behind guest addresses of a VGPU_BO_HOST.
 *	Called without locks. On 0, @pages is filled and @cookie is handed to
 *	put_pages once, when neither engine nor mapping reaches them any more.
 *	NULL: the client's host BOs are the kernel's own memory.
 * @put_pages: see get_pages; process context, may not take mmap locks
 */
struct vgpu_client_ops {
	void (*timeline_moved)(void *priv);
	void (*queue_irq)(void *priv, u32 bits);
	int (*get_pages)(void *priv, const u64 *addrs, unsigned int count,
			 struct page **pages, void **cookie);
	void (*put_pages)(void *cookie);
};

/**
 * struct vgpu_client_params - who comes in
 * @ops: or NULL
 * @priv: for @ops
 * @shpages: to share, or NULL: the client gets its own
 * @bells: pages whose doorbells its rings have, or NULL: those of @shpages
 * @bell_base: what it calls the first of them
 * @pid: holder to name in messages
 * @holder: name of the program or VM
 * @like: another client, by whose opener's rights it is there, or NULL: by the
 *	caller's (vgpu/access.h)
 */
struct vgpu_client_params {
	const struct vgpu_client_ops *ops;
	void *priv;
	struct vgpu_shpages *shpages;
	struct vgpu_shpages *bells;
	u32 bell_base;
	pid_t pid;
	const char *holder;
	const struct vgpu_client *like;
};

/*
 * -ENODEV dead, -EAGAIN not running (start it), -EMFILE too many, -EACCES: a rule of
 * access says no.
 */
struct vgpu_client *vgpu_client_open(struct vgpu_instance *inst,
				     const struct vgpu_client_params *params);
/* Cancels its work and frees its objects; waits in bounded time. */
void vgpu_client_close(struct vgpu_client *client);
struct vgpu_instance *vgpu_client_instance(const struct vgpu_client *client);
struct vgpu_shpages *vgpu_client_shpages(const struct vgpu_client *client);

/*
 * One call of a tenant: @arg is the call's structure in kernel memory, whole
 * and checked by vgpu_ioctl_check() (vgpu/ioctl.h); @payload the array it
 * names, already copied, packed at its current stride, or NULL. The result
 * is in @arg. VGPU_CALL_WAIT sleeps interruptibly; VGPU_CALL_EVENTFD
 * and those of vgpu/share.h are not taken here.
 */
int vgpu_client_call(struct vgpu_client *client, u32 call, void *arg,
		     const void *payload, size_t payload_bytes);
/*
 * VGPU_CALL_SUBMIT with VGPU_SUBMIT_FENCE, for a face that has descriptors: the file of its
 * sync_file, with a reference, or an errno as above.
 */
struct file *vgpu_client_submit_fenced(struct vgpu_client *client,
				       struct vgpu_submit *arg,
				       const void *cmds, size_t bytes);
/* Consumes the reference to @ctx when 0 is returned; -ENOENT, -EMFILE, -ENOMEM. */
int vgpu_client_eventfd(struct vgpu_client *client, u32 timeline, u64 value,
			struct eventfd_ctx *ctx);
/* poll(): wakes when a timeline of the client moved or an irq was raised. */
struct wait_queue_head *vgpu_client_waitqueue(struct vgpu_client *client);
/* Bits raised and not read since by VGPU_CALL_QUEUE_STATUS. Atomic. */
u32 vgpu_client_irq_pending(struct vgpu_client *client);

/*
 * @client, which has nothing, is to be @number of those that were restored: that one
 * is returned, with the ops and priv of @client, and is closed like it. -EBUSY it has
 * something, -ENOENT no such one, -EACCES another user's, or a dead one's errno.
 */
struct vgpu_client *vgpu_client_adopt(struct vgpu_client *client, u32 number);
/*
 * A CPU wants memory of @client, whose vGPU is paused or stands still: then a fault inserts
 * nothing.  Asked under the invalidate lock of the mapping; without it, and
 * holding nothing but the mmap lock, the fault's answer comes from
 * vgpu_client_still_fault(), which waits, and may let go of the mmap lock and the VMA.
 */
bool vgpu_client_is_still(struct vgpu_client *client);
vm_fault_t vgpu_client_still_fault(struct vgpu_client *client,
				   struct vm_fault *vmf);

/* What waits for a timeline; core's. */
struct vgpu_tl_wait {
	struct list_head link;
	u64 value;
	void (*fn)(struct vgpu_tl_wait *wait);	/* atomic, off the list */
};

/**
 * struct vgpu_callback - a function to be called once; embed it
 * @fn: the timeline got there (@error is 0), or is gone and never will
 *	(-ECANCELED).  Called with interrupts off and the core's locks held, often
 *	in a hard interrupt: it may wake, queue work and take spinlocks that are
 *	never held around a call of the core's; it may not sleep, nor call the core
 */
struct vgpu_callback {
	void (*fn)(struct vgpu_callback *cb, int error);
	/* private: */
	struct vgpu_tl_wait wait;
	struct vgpu_timeline *tl;
};

/*
 * @cb->fn is called when @timeline gets to @value, before this returns if it is
 * there already.  0, or -ENOENT: no such timeline, and @cb is the caller's again.
 * After 0 @cb stays where it is until vgpu_callback_remove(), and so does what @fn
 * needs.  Process context.
 */
int vgpu_client_callback(struct vgpu_client *client, u32 timeline, u64 value,
			 struct vgpu_callback *cb);
/*
 * Exactly once after each vgpu_client_callback() that returned 0, whether @fn was
 * called or not, also after the client was closed; not from @fn.  On return it does
 * not run and never will.  true: it was not called.  Process context.
 */
bool vgpu_callback_remove(struct vgpu_callback *cb);

/**
 * struct vgpu_client_usage - what one client has of its vGPU
 * @id: of the client, never given again
 * @engines: that serve it
 * @run_ns: engine time that its commands had
 * @vram_bytes: its memory in VRAM, or evicted from there
 * @system_bytes: its memory in the system: made so, or lent
 * @shared_bytes: of @vram_bytes, what is made to be shared, or another client's
 * @pci: name of the GPU's device, "" if that is no PCI device
 */
struct vgpu_client_usage {
	u64 id;
	unsigned int engines;
	u64 run_ns;
	u64 vram_bytes;
	u64 system_bytes;
	u64 shared_bytes;
	char pci[32];
};

void vgpu_client_get_usage(struct vgpu_client *client,
			   struct vgpu_client_usage *usage);
/*
 * The BO whose mmap_offset range holds [@offset, @offset + @bytes), with a
 * reference, and where in it; NULL when there is none. Of this client only
 * (-EPERM: the vGPU may not have its memory mapped by CPUs), or of any client of the
 * instance (NULL then, too), unless it may be evicted or moved.
 */
struct vgpu_bo *vgpu_client_bo_at(struct vgpu_client *client, u64 offset,
				  u64 bytes, u64 *bo_offset);
struct vgpu_bo *vgpu_instance_bo_at(struct vgpu_instance *inst, u64 offset,
				    u64 bytes, u64 *bo_offset);
/*
 * The pages behind @cookie (see get_pages) are going away: on return
 * put_pages was called. Bounded; takes no lock that is held around
 * get_pages.
 */
void vgpu_client_revoke_pages(struct vgpu_client *client, void *cookie);

#endif /* _VGPU_FACE_CLIENT_H */
