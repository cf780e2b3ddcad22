/* SPDX-License-Identifier: GPL-2.0 */
/* Clients, their handles, and the memory that these name. */
#ifndef _VGPU_CORE_CLIENT_H
#define _VGPU_CORE_CLIENT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <vgpu/face.h>
#include <vgpu/mem.h>

#include "access/access.h"
#include "quota/quota.h"

/* No place in the shared pages is asked for. */
#define VGPU_ANY_SLOT		U32_MAX

struct vgpu_gpu;
struct vgpu_instance;
struct vgpu_shpages;

enum vgpu_obj_type {
	VGPU_OBJ_BO = 1,
	VGPU_OBJ_VM,
	VGPU_OBJ_CTX,
	VGPU_OBJ_QUEUE,
	VGPU_OBJ_TIMELINE,
};

/**
 * struct vgpu_obj - head of everything that has a handle
 * @ref: the handle's, and those of who needs it
 * @type: enum vgpu_obj_type
 * @client: that made it; valid while a handle exists
 * @retire: process context: the handle is gone; stop what goes on
 * @release: process context: the last reference is gone
 */
struct vgpu_obj {
	struct kref ref;
	enum vgpu_obj_type type;
	struct vgpu_client *client;
	void (*retire)(struct vgpu_obj *obj);
	void (*release)(struct vgpu_obj *obj);
};

struct vgpu_client {
	struct list_head link;			/* inst->clients */
	struct vgpu_instance *inst;
	const struct vgpu_client_ops *ops;
	void *priv;
	struct vgpu_shpages *shpages;
	struct vgpu_shpages *bells;		/* doorbells of its rings */
	u32 bell_base;				/* number of the first */
	struct vgpu_subject subject;		/* see access.h */
	u64 serial;				/* of all clients ever */
	atomic64_t run_ns;			/* engine time of its commands */
	pid_t pid;
	char holder[64];
	struct mutex lock;		/* objs, when dead */
	struct xarray objs;
	u32 next_handle;
	atomic_t nr_handles;
	struct vgpu_watch handles_watch;	/* inst->quota.lock */
	int dead;				/* errno of every call, or 0 */
	u32 parked;				/* its number in an image, until adopted */
	kuid_t uid;				/* parked: of who had opened it */
	u32 want_slot;				/* parked: of a timeline, or a ring */
	wait_queue_head_t wait;
	atomic_t irq;
	spinlock_t foreign_lock;		/* foreign */
	struct list_head foreign;		/* struct vgpu_foreign */
};

void vgpu_obj_init(struct vgpu_obj *obj, enum vgpu_obj_type type,
		   struct vgpu_client *client,
		   void (*retire)(struct vgpu_obj *),
		   void (*release)(struct vgpu_obj *));
/* Gives @obj a handle; consumes nothing on error. */
int vgpu_obj_publish(struct vgpu_obj *obj, u32 *handle);
/* With a reference, or ERR_PTR(-ENOENT). */
struct vgpu_obj *vgpu_obj_get(struct vgpu_client *client, u32 handle,
			      enum vgpu_obj_type type);
void vgpu_obj_put(struct vgpu_obj *obj);
void vgpu_client_kill(struct vgpu_client *client, int error);
void vgpu_client_irq(struct vgpu_client *client, u32 bits);
/*
 * Enters the unplug gate when the vGPU does not stand still: waits for that, unless
 * killed. 0, -EINTR, -ENODEV, or why the client is dead.
 */
int vgpu_client_enter(struct vgpu_client *client, int *idx);
/* One that waits to be adopted: of its own, with no face. -EMFILE, -ENOMEM. */
struct vgpu_client *vgpu_client_park(struct vgpu_instance *inst, u32 number,
				     kuid_t uid, pid_t pid, const char *holder);
int vgpu_client_close_handle(struct vgpu_client *client, u32 handle);
/* Nobody adopts them any more. */
void vgpu_client_drop_parked(struct vgpu_instance *inst);

/* ---------------------------------------------------- memory (object.c) */

struct vgpu_bo_obj {
	struct vgpu_obj obj;
	struct vgpu_bo *bo;
	u64 mmap_offset;
	u64 place_bytes;			/* at mmap_offset */
	bool mappable;
	bool share;				/* made for BO_EXPORT */
	struct address_space *mapping;
	struct rcu_head rcu;
};

struct vgpu_vm_obj {
	struct vgpu_obj obj;
	struct vgpu_as *as;
	struct vgpu_instance *inst;
	u32 asid;
	bool pinned;			/* of memory that stays where it is */
	/* Without an MMU: accepting a command against taking memory away. */
	struct mutex lock;
	atomic_t pending;			/* commands with VRAM addresses */
};

struct vgpu_vm_obj *vgpu_vm_obj(struct vgpu_obj *obj);
struct vgpu_bo_obj *vgpu_bo_obj(struct vgpu_obj *obj);

int vgpu_call_bo_create(struct vgpu_client *client, struct vgpu_bo_create *arg,
			const u64 *pages);
/* Memory whose handle was closed, for those that need it: in no aperture. */
int vgpu_bo_restore_closed(struct vgpu_client *client,
			   struct vgpu_bo_create *arg);
int vgpu_call_vm_create(struct vgpu_client *client, struct vgpu_vm_create *arg);
int vgpu_call_vm_map(struct vgpu_client *client, struct vgpu_vm_map *arg);
int vgpu_call_vm_unmap(struct vgpu_client *client, struct vgpu_vm_unmap *arg);

#endif /* _VGPU_CORE_CLIENT_H */
