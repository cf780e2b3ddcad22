/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vgpu_guest: the driver inside the VM.  It offers the same node and calls as
 * the host does; most of them travel over the device's admin channel, what
 * waits or maps is done here.
 *
 * Locks, outermost first:
 *
 *   [unplug gate (SRCU)]	held by who touches the device
 *   file->lock (mutex)		objects of an open file
 *   invalidate lock		of the device's mapping: CPU mappings against
 *				page faults
 *   admin_lock (mutex)		the admin page
 *   files_lock (spin, irq)	list of files, timelines and their waiters;
 *				taken by the interrupt handlers
 */
#ifndef _VGPU_GUEST_PRIV_H
#define _VGPU_GUEST_PRIV_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/vgpu.h>
#include <uapi/linux/vgpu_hw.h>
#include <vgpu/ioctl.h>

/* The longest submission fits into the smallest admin page. */
#define VGPU_GUEST_ADMIN_MIN	0x20000U
#define VGPU_GUEST_ADMIN_MAX	0x100000U

/*
 * Where the mmap offsets of host BOs begin: beyond any aperture and beyond the
 * shared pages (VGPU_MMAP_*), so that no number of BOs runs into them.
 */
#define VGPU_GUEST_HOST_BO	BIT_ULL(45)

/**
 * struct vgpu_guest - a vGPU's device
 * @pdev: the PCI function; with a reference
 * @dev: behind the node; its last reference frees this structure
 * @cdev: the node
 * @index: number of the node
 * @dead: the device is gone, or does not answer
 * @regs: BAR0
 * @regs_base: its bus address
 * @has_bells: each file has a page of doorbells in it
 * @aperture: BAR2
 * @aperture_base: its bus address
 * @aperture_bytes: its length
 * @host_next: mmap offset of the next host BO
 * @map_file: all CPU mappings are found through its mapping
 * @admin_lock: one message at a time
 * @admin: the admin page
 * @admin_dma: its bus address
 * @admin_bytes: its length
 * @admin_seq: of the last message
 * @admin_wait: woken when one is answered
 * @files_lock: protects the list and the timelines in it
 * @files: that are open
 * @orphans: host BOs that the host may still reach; under @files_lock
 */
struct vgpu_guest {
	struct pci_dev *pdev;
	struct device dev;
	struct cdev cdev;
	int index;
	bool dead;
	void __iomem *regs;
	phys_addr_t regs_base;
	bool has_bells;
	void *aperture;
	phys_addr_t aperture_base;
	u64 aperture_bytes;
	atomic64_t host_next;
	struct file *map_file;

	struct mutex admin_lock;	/* @admin */
	struct vgpu_admin_msg *admin;
	dma_addr_t admin_dma;
	u32 admin_bytes;
	u32 admin_seq;
	wait_queue_head_t admin_wait;

	spinlock_t files_lock;		/* @files */
	struct list_head files;
	struct list_head orphans;
};

/**
 * struct vgpu_guest_file - an open node
 * @g: the device
 * @link: in @g->files
 * @client: its number at the host
 * @bells: its page of doorbells, or 0: it has no rings
 * @lock: protects @bos and @maps
 * @bos: by handle
 * @rings: number of a queue's doorbell, by handle
 * @maps: of host memory into GPU address spaces
 * @timelines: that it has; under @g->files_lock
 * @tl_page: what the program maps to read its timelines
 * @eventfds: that wait for a timeline; under @g->files_lock
 * @wait: woken when a timeline moved, or a queue raised something
 * @moved: counts moves
 * @seen: the last move that the program asked about
 * @irq: some queue of the VM raised something since last asked
 */
struct vgpu_guest_file {
	struct vgpu_guest *g;
	struct list_head link;
	u32 client;
	u32 bells;

	struct mutex lock;		/* @bos, @maps */
	struct xarray bos;
	struct xarray rings;
	struct list_head maps;

	struct list_head timelines;
	u64 *tl_page;
	struct list_head eventfds;
	wait_queue_head_t wait;
	atomic_t moved;
	atomic_t seen;
	atomic_t irq;
};

/* main.c */
/* Enters the unplug gate; false: the device is gone, nothing was entered. */
bool vgpu_guest_enter(struct vgpu_guest *g, int *idx);
void vgpu_guest_leave(int idx);
/* It does not answer: everything from now on is -ENODEV. */
void vgpu_guest_kill(struct vgpu_guest *g, const char *why);
/* False: the vGPU was given up by the host, or is gone. */
bool vgpu_guest_works(struct vgpu_guest *g);

/* admin.c */
int vgpu_guest_admin_init(struct vgpu_guest *g);
void vgpu_guest_admin_fini(struct vgpu_guest *g);
/* An answer may be there. Atomic. */
void vgpu_guest_admin_irq(struct vgpu_guest *g);
int vgpu_guest_client_open(struct vgpu_guest *g, u32 *client, u32 *bells);
int vgpu_guest_client_close(struct vgpu_guest *g, u32 client);
/*
 * Has the host do a call; results are in @arg. Uninterruptible: an answer
 * that nobody waits for would be a handle that nobody knows. -ENODEV: the
 * device is gone.
 */
int vgpu_guest_call(struct vgpu_guest_file *gf,
		    const struct vgpu_ioctl_desc *desc, void *arg,
		    const void *payload, size_t payload_bytes);
/* Longest array that goes with a call. */
size_t vgpu_guest_payload_max(struct vgpu_guest *g,
			      const struct vgpu_ioctl_desc *desc);

/* node.c */
int vgpu_guest_node_init(void);
void vgpu_guest_node_exit(void);
struct vgpu_guest *vgpu_guest_alloc(void);
int vgpu_guest_node_add(struct vgpu_guest *g);
void vgpu_guest_node_remove(struct vgpu_guest *g);

/* ring.c */
int vgpu_guest_queue_create(struct vgpu_guest_file *gf,
			    const struct vgpu_ioctl_desc *desc,
			    struct vgpu_queue_create *arg);
int vgpu_guest_kick(struct vgpu_guest_file *gf, const struct vgpu_kick *arg);
/* A queue, or something else, has no handle any more. */
void vgpu_guest_ring_forget(struct vgpu_guest_file *gf, u32 handle);

/* call.c */
long vgpu_guest_ioctl(struct file *file, unsigned int cmd, unsigned long uaddr);

/* bo.c */
struct vgpu_guest_bo;

int vgpu_guest_bo_create(struct vgpu_guest_file *gf,
			 const struct vgpu_ioctl_desc *desc,
			 struct vgpu_bo_create *arg);
/* False: no BO has that handle. */
bool vgpu_guest_bo_close(struct vgpu_guest_file *gf, u32 handle);
int vgpu_guest_vm_map(struct vgpu_guest_file *gf,
		      const struct vgpu_ioctl_desc *desc,
		      struct vgpu_vm_map *arg);
int vgpu_guest_vm_unmap(struct vgpu_guest_file *gf,
			const struct vgpu_ioctl_desc *desc,
			struct vgpu_vm_unmap *arg);
void vgpu_guest_bo_free_all(struct vgpu_guest_file *gf);
void vgpu_guest_bo_free_orphans(struct vgpu_guest *g);
/*
 * The page frame at an offset of the file's mappings, in its own BO that
 * holds all of [@offset, @offset + @bytes). Invalidate lock or gf->lock held.
 */
bool vgpu_guest_bo_pfn(struct vgpu_guest_file *gf, u64 offset, u64 bytes,
		       unsigned long *pfn);

/* mmap.c */
int vgpu_guest_mmap(struct file *file, struct vm_area_struct *vma);

/* timeline.c */
/* Looks what moved, and tells who waits for it. Any context. */
void vgpu_guest_timelines_look(struct vgpu_guest *g);
int vgpu_guest_timeline_create(struct vgpu_guest_file *gf,
			       const struct vgpu_ioctl_desc *desc,
			       struct vgpu_timeline_create *arg);
void vgpu_guest_timeline_close(struct vgpu_guest_file *gf, u32 handle);
void vgpu_guest_timeline_close_all(struct vgpu_guest_file *gf);
int vgpu_guest_wait(struct vgpu_guest_file *gf, struct vgpu_wait *arg);
int vgpu_guest_eventfd(struct vgpu_guest_file *gf,
		       const struct vgpu_eventfd *arg);

#endif /* _VGPU_GUEST_PRIV_H */
