/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VFIO face: a vGPU as a PCI device that user space, usually QEMU, drives
 * through VFIO for a VM.  Documentation/device-interface.rst describes what
 * the VM sees.
 *
 * Locks, outermost first:
 *
 *   call_lock (mutex)	messages of the admin channel and resets, one at a
 *			time; held while the core works for the guest
 *   [the core's locks]
 *   pin_lock (mutex)	list of pins; never held around vfio_pin_pages(),
 *			vfio_unpin_pages() or the core, because dma_unmap
 *			takes it with VFIO's locks held
 *   config_lock (mutex) config space and the admin channel's registers
 *   irq_lock (spin, irq) eventfds; taken in the core's atomic callbacks
 *
 * and, in page faults, the invalidate lock of the instance's mapping: what is
 * looked up under it cannot go away before its page is inserted.
 */
#ifndef _VGPU_VFIO_PRIV_H
#define _VGPU_VFIO_PRIV_H

#include <linux/mdev.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <vgpu/face.h>

/* One guest's open files; a VM that needs more shares them. */
#define VGPU_VFIO_MAX_CLIENTS	64

#define VGPU_VFIO_CONFIG_SIZE	256
#define VGPU_VFIO_ADMIN_MIN	0x1000U
#define VGPU_VFIO_ADMIN_MAX	0x100000U

struct vgpu_vfio_map;

/**
 * struct vgpu_vfio - a vGPU seen through VFIO
 * @vdev: VFIO's part
 * @inst: the vGPU; with a reference
 * @uuid: its name, for messages
 * @aperture: length of BAR2
 * @config_lock: protects @config and the three @admin fields
 * @config: config space as the guest reads it
 * @wmask: bits of @config that the guest may write
 * @admin_addr: bus address of the admin page
 * @admin_bytes: its length
 * @irq_lock: protects the eventfds
 * @msix: one per vector, or NULL
 * @req: asks user space to let the device go, or NULL
 * @irq_status: VGPU_REG_IRQ_STATUS
 * @bad_access: VGPU_REG_BAD_ACCESS
 * @call_lock: protects what follows, up to @wq
 * @open: between open_device and close_device
 * @anchor: client without objects that names who holds the device
 * @map: what mmap() maps during this opening
 * @clients: by number
 * @next_client: where the search for a free number goes on
 * @have_seq: @last_seq means something
 * @last_seq: of the last message answered
 * @wq: runs @admin_work, ordered
 * @admin_work: serves the message in the admin page
 * @pin_lock: protects @pins, their fields, and the users of clients
 * @pins: guest memory that is pinned or being pinned
 * @pin_wait: woken when a pin is gone or a client lost a user
 * @unpin_work: unpins what is given up
 * @unmap_tries: calls of dma_unmap in a row that did not succeed
 */
struct vgpu_vfio {
	struct vfio_device vdev;
	struct vgpu_instance *inst;
	uuid_t uuid;
	u64 aperture;

	struct mutex config_lock;	/* @config, @admin_* */
	u8 config[VGPU_VFIO_CONFIG_SIZE] __aligned(8);
	u8 wmask[VGPU_VFIO_CONFIG_SIZE] __aligned(8);
	u64 admin_addr;
	u32 admin_bytes;

	spinlock_t irq_lock;		/* eventfds */
	struct eventfd_ctx *msix[VGPU_MSIX_COUNT];
	struct eventfd_ctx *req;
	atomic_t irq_status;
	atomic_t bad_access;
	atomic64_t traps;		/* accesses to BAR0 that stopped the VM */

	struct mutex call_lock;		/* up to @wq */
	bool open;
	struct vgpu_client *anchor;
	struct vgpu_vfio_map *map;
	struct xarray clients;
	u32 next_client;
	DECLARE_BITMAP(bells, VGPU_BELL_PAGES);	/* pages of clients */
	bool have_seq;
	u32 last_seq;

	struct workqueue_struct *wq;
	struct work_struct admin_work;

	struct mutex pin_lock;		/* @pins */
	struct list_head pins;
	wait_queue_head_t pin_wait;
	struct work_struct unpin_work;
	atomic_t unmap_tries;
};

static inline struct vgpu_vfio *to_vgpu_vfio(struct vfio_device *vdev)
{
	return container_of(vdev, struct vgpu_vfio, vdev);
}

/* A message that names the vGPU; what a guest can cause is limited. */
#define vgpu_vfio_warn(v, fmt, ...) \
	pr_warn_ratelimited("%pUb: " fmt, &(v)->uuid, ##__VA_ARGS__)

/* mdev.c */
int vgpu_vfio_mdev_init(void);
void vgpu_vfio_mdev_exit(void);

/* attr.c */
extern const struct attribute_group *vgpu_vfio_attr_groups[];

/* device.c */
struct vgpu_vfio *vgpu_vfio_alloc(struct device *dev,
				  struct vgpu_instance *inst,
				  const uuid_t *uuid);
/*
 * Drops every object of the guest and all state of the device; @config: also
 * what firmware sets up in config space.
 */
int vgpu_vfio_reset(struct vgpu_vfio *v, bool config);

/* config.c */
void vgpu_vfio_config_init(struct vgpu_vfio *v);
void vgpu_vfio_config_reset(struct vgpu_vfio *v);
void vgpu_vfio_config_read(struct vgpu_vfio *v, u32 offset, u8 *buf, u32 n);
void vgpu_vfio_config_write(struct vgpu_vfio *v, u32 offset, const u8 *buf,
			    u32 n);
/* May the device reach memory? */
bool vgpu_vfio_bus_master(struct vgpu_vfio *v);
/* Does a range of bus addresses touch one of the device's own BARs? */
bool vgpu_vfio_in_bar(struct vgpu_vfio *v, u64 addr, u64 bytes);

/* regs.c */
void vgpu_vfio_regs_reset(struct vgpu_vfio *v);
void vgpu_vfio_bar0_read(struct vgpu_vfio *v, u32 offset, u8 *buf, u32 n);
void vgpu_vfio_bar0_write(struct vgpu_vfio *v, u32 offset, const u8 *buf,
			  u32 n);

/* region.c */
int vgpu_vfio_region_info(struct vgpu_vfio *v, unsigned long arg);
ssize_t vgpu_vfio_read(struct vfio_device *vdev, char __user *buf,
		       size_t count, loff_t *ppos);
ssize_t vgpu_vfio_write(struct vfio_device *vdev, const char __user *buf,
			size_t count, loff_t *ppos);

/* map.c */
struct vgpu_vfio_map *vgpu_vfio_map_create(struct vgpu_instance *inst);
/* Nobody reaches anything through old mappings any more. */
void vgpu_vfio_map_kill(struct vgpu_vfio_map *map);
struct vgpu_shpages *vgpu_vfio_map_shpages(struct vgpu_vfio_map *map);
struct vgpu_shpages *vgpu_vfio_map_bells(struct vgpu_vfio_map *map, u32 page);
/* Any context: those of a page, 0 the shared one; NULL: it has none. */
struct vgpu_shpages *vgpu_vfio_map_find_bells(struct vgpu_vfio_map *map,
					      u32 page);
/* No client is there: the shared pages are as new. */
void vgpu_vfio_map_clear(struct vgpu_vfio_map *map);
/* What lies at a range of the aperture changed. */
void vgpu_vfio_map_zap(struct vgpu_vfio_map *map, u64 offset, u64 bytes);
int vgpu_vfio_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);

/* irq.c */
/* Atomic. */
void vgpu_vfio_irq_raise(struct vgpu_vfio *v, unsigned int vector);
void vgpu_vfio_irq_release(struct vgpu_vfio *v);
void vgpu_vfio_request(struct vfio_device *vdev, unsigned int count);
int vgpu_vfio_irq_info(struct vgpu_vfio *v, unsigned long arg);
int vgpu_vfio_set_irqs(struct vgpu_vfio *v, unsigned long arg);

/* admin.c */
void vgpu_vfio_admin_work(struct work_struct *work);

/**
 * struct vgpu_vfio_client - an open file in the guest
 * @v: the device
 * @client: the core's
 * @id: number that the guest knows
 * @bells: its page of doorbells, 0: the shared one
 * @users: dma_unmap callers that use @client; under v->pin_lock
 * @closing: no new @users; under v->pin_lock
 */
struct vgpu_vfio_client {
	struct vgpu_vfio *v;
	struct vgpu_client *client;
	u32 id;
	u32 bells;
	unsigned int users;
	bool closing;
};

/* client.c; call_lock held */
/* @bells: which page of doorbells it got; NULL: it shares one. */
int vgpu_vfio_client_open(struct vgpu_vfio *v, u32 *id, u32 *bells);
int vgpu_vfio_client_close(struct vgpu_vfio *v, u32 id);
void vgpu_vfio_client_close_all(struct vgpu_vfio *v);
struct vgpu_vfio_client *vgpu_vfio_client_find(struct vgpu_vfio *v, u32 id);

/* pin.c */
int vgpu_vfio_get_pages(void *priv, const u64 *addrs, unsigned int count,
			struct page **pages, void **cookie);
void vgpu_vfio_put_pages(void *cookie);
void vgpu_vfio_unpin_work(struct work_struct *work);
void vgpu_vfio_pins_settle(struct vgpu_vfio *v);
/* Takes everything from the client that it has pinned. */
void vgpu_vfio_unpin_client(struct vgpu_vfio_client *c);
void vgpu_vfio_forget_client(struct vgpu_vfio_client *c);
void vgpu_vfio_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length);

#endif /* _VGPU_VFIO_PRIV_H */
