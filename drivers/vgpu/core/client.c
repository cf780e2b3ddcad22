// SPDX-License-Identifier: GPL-2.0
/*
 * Clients: whoever has an instance open, the handles they own, and the one
 * place where their calls come in.
 *
 * A handle is an index into the client's own table; there is no way to name
 * another client's object.  An object has a reference for its handle and one
 * for each other object that needs it.  When the handle goes, the object is
 * first retired (what it does stops), then its reference is dropped.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "core_priv.h"
#include "image/freeze.h"

void vgpu_obj_init(struct vgpu_obj *obj, enum vgpu_obj_type type,
		   struct vgpu_client *client,
		   void (*retire)(struct vgpu_obj *),
		   void (*release)(struct vgpu_obj *))
{
	kref_init(&obj->ref);
	obj->type = type;
	obj->client = client;
	obj->retire = retire;
	obj->release = release;
}

static void obj_free(struct kref *ref)
{
	struct vgpu_obj *obj = container_of(ref, struct vgpu_obj, ref);

	obj->release(obj);
}

void vgpu_obj_put(struct vgpu_obj *obj)
{
	kref_put(&obj->ref, obj_free);
}

static void note_handle(struct vgpu_client *client, int more)
{
	int count = atomic_add_return(more, &client->nr_handles);

	vgpu_quota_note_handles(&client->inst->quota, &client->handles_watch,
				max(count, 0));
}

int vgpu_obj_publish(struct vgpu_obj *obj, u32 *handle)
{
	struct vgpu_client *client = obj->client;
	int ret;

	/* Cyclic: a handle that was closed is not soon another object. */
	mutex_lock(&client->lock);
	ret = client->dead;
	if (!ret)
		ret = xa_alloc_cyclic(&client->objs, handle, obj,
				      XA_LIMIT(1, VGPU_MAX_HANDLES),
				      &client->next_handle, GFP_KERNEL_ACCOUNT);
	/* who guesses a handle may have closed it by now: below 0 for a moment */
	if (ret >= 0)
		note_handle(client, 1);
	mutex_unlock(&client->lock);
	if (ret == -EBUSY) {
		ret = -EMFILE;
		vgpu_quota_violated(client->inst, client, VGPU_RES_HANDLES,
				    VGPU_QUOTA_REJECT, 1, VGPU_MAX_HANDLES,
				    VGPU_MAX_HANDLES);
	}
	return ret < 0 ? ret : 0;
}

struct vgpu_obj *vgpu_obj_get(struct vgpu_client *client, u32 handle,
			      enum vgpu_obj_type type)
{
	struct vgpu_obj *obj;

	if (!handle || handle > VGPU_MAX_HANDLES)
		return ERR_PTR(-ENOENT);
	handle = array_index_nospec(handle, VGPU_MAX_HANDLES + 1);
	xa_lock(&client->objs);
	obj = xa_load(&client->objs, handle);
	if (obj && obj->type == type)
		kref_get(&obj->ref);
	else
		obj = ERR_PTR(-ENOENT);
	xa_unlock(&client->objs);
	return obj;
}

static void obj_retire(struct vgpu_obj *obj)
{
	if (obj->retire)
		obj->retire(obj);
	vgpu_obj_put(obj);
}

static int call_close(struct vgpu_client *client, struct vgpu_close *arg)
{
	struct vgpu_obj *obj;

	/* What of it has ended by now shows on the grid, and closing does not tell sooner. */
	if (READ_ONCE(client->inst->pad.grid_ns)) {
		obj = vgpu_obj_get(client, arg->handle, VGPU_OBJ_QUEUE);
		if (!IS_ERR(obj)) {
			vgpu_obj_put(obj);
			vgpu_pad_wait(client->inst);
		}
	}
	obj = NULL;
	if (arg->handle && arg->handle <= VGPU_MAX_HANDLES)
		obj = xa_erase(&client->objs, arg->handle);
	if (!obj)
		return -ENOENT;
	note_handle(client, -1);
	obj_retire(obj);
	/* what was freed is no longer charged when we return */
	vgpu_vram_flush_defrag(client->inst->gpu->whole.vram);
	return 0;
}

int vgpu_client_close_handle(struct vgpu_client *client, u32 handle)
{
	struct vgpu_close arg = { .handle = handle };

	return call_close(client, &arg);
}

static void retire_all(struct vgpu_client *client, enum vgpu_obj_type type)
{
	struct vgpu_obj *obj;
	unsigned long index;

	xa_for_each(&client->objs, index, obj) {
		if (type && obj->type != type)
			continue;
		/* Somebody else may be closing it: who erases it retires it. */
		if (xa_erase(&client->objs, index) == obj) {
			note_handle(client, -1);
			obj_retire(obj);
		}
	}
}

/* Everything goes; from now on each call gets @error. inst->lock is held. */
void vgpu_client_kill(struct vgpu_client *client, int error)
{
	vgpu_freeze_cancel(client->inst, -ECANCELED);
	mutex_lock(&client->lock);
	if (!client->dead || error == -ENODEV)
		WRITE_ONCE(client->dead, error);
	mutex_unlock(&client->lock);
	vgpu_actions_wake(client->inst);
	retire_all(client, VGPU_OBJ_QUEUE);	/* nothing runs any more */
	retire_all(client, 0);
	/* an account outlives what it pays for; when the GPU goes, no move is on */
	if (!READ_ONCE(client->inst->gpu->unplugged))
		vgpu_vram_flush_defrag(client->inst->gpu->whole.vram);
	wake_up_all(&client->wait);
	wake_up_all(&client->inst->thaw);
}

void vgpu_client_irq(struct vgpu_client *client, u32 bits)
{
	const struct vgpu_client_ops *ops;

	atomic_or(bits, &client->irq);
	ops = smp_load_acquire(&client->ops);	/* may have been adopted */
	if (ops && ops->queue_irq)
		ops->queue_irq(client->priv, bits);
	wake_up_all(&client->wait);
}

/* inst->lock held. */
static void note_clients(struct vgpu_instance *inst, int more)
{
	inst->nr_clients += more;
	vgpu_quota_note(&inst->quota, VGPU_RES_CLIENTS, inst->nr_clients,
			VGPU_MAX_CLIENTS);
}

static atomic64_t last_client = ATOMIC64_INIT(0);

static struct vgpu_client *client_new(struct vgpu_instance *inst,
				      const struct vgpu_client_params *params)
{
	struct vgpu_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->serial = atomic64_inc_return(&last_client);
	client->shpages = params->shpages;
	if (client->shpages)
		vgpu_shpages_get(client->shpages);
	else
		client->shpages = vgpu_shpages_create();
	if (!client->shpages) {
		kfree(client);
		return ERR_PTR(-ENOMEM);
	}
	client->bells = params->bells ?: client->shpages;
	vgpu_shpages_get(client->bells);
	client->bell_base = params->bell_base;
	client->inst = inst;
	client->ops = params->ops;
	client->priv = params->priv;
	client->pid = params->pid;
	client->want_slot = VGPU_ANY_SLOT;
	strscpy(client->holder, params->holder ?: "", sizeof(client->holder));
	mutex_init(&client->lock);
	xa_init_flags(&client->objs, XA_FLAGS_ALLOC1);
	init_waitqueue_head(&client->wait);
	spin_lock_init(&client->foreign_lock);
	INIT_LIST_HEAD(&client->foreign);
	vgpu_subject_take(&client->subject,
			  params->like ? &params->like->subject : NULL);
	return client;
}

/* It is in no list, and has nothing. */
static void client_free(struct vgpu_client *client)
{
	WARN_ON(!list_empty(&client->foreign));
	xa_destroy(&client->objs);
	mutex_destroy(&client->lock);
	vgpu_subject_drop(&client->subject);
	vgpu_shpages_put(client->bells);
	vgpu_shpages_put(client->shpages);
	kfree(client);
}

/* 0, -ERESTART: it stands still, or why not. */
static int enter_locked(struct vgpu_client *client)
{
	struct vgpu_instance *inst = client->inst;

	lockdep_assert_held(&inst->lock);
	if (inst->state == VGPU_STATE_DEAD)
		return -ENODEV;
	if (inst->freeze)
		return -ERESTART;
	if (inst->state != VGPU_STATE_RUNNING &&
	    inst->state != VGPU_STATE_PAUSED)
		return -EAGAIN;
	if (inst->nr_clients >= VGPU_MAX_CLIENTS) {
		vgpu_quota_violated(inst, NULL, VGPU_RES_CLIENTS,
				    VGPU_QUOTA_REJECT, 1, VGPU_MAX_CLIENTS,
				    inst->nr_clients);
		return -EMFILE;
	}
	list_add_tail(&client->link, &inst->clients);
	note_clients(inst, 1);
	vgpu_instance_hold(inst);
	return 0;
}

struct vgpu_client *vgpu_client_open(struct vgpu_instance *inst,
				     const struct vgpu_client_params *params)
{
	struct vgpu_client *client = client_new(inst, params);
	int ret;

	if (IS_ERR(client))
		return client;
	do {
		/* when it stands still, it is waited for */
		ret = wait_event_killable(inst->thaw,
					  !READ_ONCE(inst->freeze) ||
					  READ_ONCE(inst->state) ==
					  VGPU_STATE_DEAD) ? -EINTR : 0;
		if (ret)
			break;
		ret = vgpu_access_enter(client) ?:
		      vgpu_degrade_enter(inst->gpu);
		mutex_lock(&inst->lock);
		if (!ret)
			ret = enter_locked(client);
		mutex_unlock(&inst->lock);
		vgpu_access_leave();
	} while (ret == -ERESTART);
	if (ret) {
		client_free(client);
		return ERR_PTR(ret);
	}
	return client;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_open, VGPU);

void vgpu_client_close(struct vgpu_client *client)
{
	struct vgpu_instance *inst = client->inst;
	int idx;

	/*
	 * After an unplug there is nothing left to free, and before it the
	 * gate keeps the backend there while we free.
	 */
	idx = srcu_read_lock(&vgpu_unplug_srcu);
	mutex_lock(&inst->lock);
	vgpu_client_kill(client, -ENODEV);
	list_del(&client->link);
	note_clients(inst, -1);
	mutex_unlock(&inst->lock);
	srcu_read_unlock(&vgpu_unplug_srcu, idx);

	client_free(client);
	vgpu_instance_put(inst);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_close, VGPU);

/* --------------------------------------------------------------- parked */

struct vgpu_client *vgpu_client_park(struct vgpu_instance *inst, u32 number,
				     kuid_t uid, pid_t pid, const char *holder)
{
	const struct vgpu_client_params params = {
		.pid = pid,
		.holder = holder,
	};
	struct vgpu_client *client;

	lockdep_assert_held(&inst->lock);
	if (!number || number > VGPU_MAX_CLIENTS)
		return ERR_PTR(-EMFILE);
	client = client_new(inst, &params);
	if (IS_ERR(client))
		return client;
	client->parked = number;
	client->uid = uid;
	list_add_tail(&client->link, &inst->clients);
	return client;
}

void vgpu_client_drop_parked(struct vgpu_instance *inst)
{
	struct vgpu_client *client, *next;

	mutex_lock(&inst->lock);
	list_for_each_entry_safe(client, next, &inst->clients, link) {
		if (!client->parked)
			continue;
		vgpu_client_kill(client, -ENODEV);
		list_del(&client->link);
		client_free(client);
	}
	mutex_unlock(&inst->lock);
}

static struct vgpu_client *find_parked(struct vgpu_instance *inst, u32 number)
{
	struct vgpu_client *client;

	list_for_each_entry(client, &inst->clients, link)
		if (client->parked == number)
			return client;
	return ERR_PTR(-ENOENT);
}

static struct vgpu_client *adopt(struct vgpu_client *client, u32 number)
{
	struct vgpu_instance *inst = client->inst;
	struct vgpu_client *parked;

	lockdep_assert_held(&inst->lock);
	if (!number || inst->freeze)
		return ERR_PTR(number ? -EBUSY : -ENOENT);
	if (client->dead)
		return ERR_PTR(client->dead);
	if (!xa_empty(&client->objs))
		return ERR_PTR(-EBUSY);
	parked = find_parked(inst, number);
	if (IS_ERR(parked))
		return parked;
	if (!uid_eq(parked->uid, current_euid()) && !capable(CAP_SYS_ADMIN))
		return ERR_PTR(-EACCES);
	if (parked->dead)
		return ERR_PTR(parked->dead);
	if (inst->nr_clients >= VGPU_MAX_CLIENTS)
		return ERR_PTR(-EMFILE);
	/* it lives by the rights of who is there now */
	swap(parked->subject, client->subject);
	parked->pid = client->pid;
	strscpy(parked->holder, client->holder, sizeof(parked->holder));
	parked->parked = 0;
	note_clients(inst, 1);
	vgpu_instance_hold(inst);
	parked->priv = client->priv;
	smp_store_release(&parked->ops, client->ops);	/* with its priv */
	return parked;
}

struct vgpu_client *vgpu_client_adopt(struct vgpu_client *client, u32 number)
{
	struct vgpu_client *parked;
	int ret;

	/* no rule changes while subjects do */
	ret = vgpu_access_enter(client);
	mutex_lock(&client->inst->lock);
	parked = ret ? ERR_PTR(ret) : adopt(client, number);
	mutex_unlock(&client->inst->lock);
	vgpu_access_leave();
	return parked;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_adopt, VGPU);

/* -------------------------------------------------------- standing still */

int vgpu_client_enter(struct vgpu_client *client, int *idx)
{
	struct vgpu_instance *inst = client->inst;
	int ret;

	for (;;) {
		if (!vgpu_gpu_enter(inst->gpu, idx))
			return -ENODEV;
		if (likely(!READ_ONCE(inst->freeze)))
			return 0;
		vgpu_gpu_leave(*idx);
		ret = wait_event_killable(inst->thaw,
					  !READ_ONCE(inst->freeze) ||
					  READ_ONCE(client->dead));
		if (ret)
			return -EINTR;
		ret = READ_ONCE(client->dead);
		if (ret)
			return ret;
	}
}

struct vgpu_instance *vgpu_client_instance(const struct vgpu_client *client)
{
	return client->inst;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_instance, VGPU);

struct vgpu_shpages *vgpu_client_shpages(const struct vgpu_client *client)
{
	return client->shpages;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_shpages, VGPU);

struct wait_queue_head *vgpu_client_waitqueue(struct vgpu_client *client)
{
	return &client->wait;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_waitqueue, VGPU);

u32 vgpu_client_irq_pending(struct vgpu_client *client)
{
	return atomic_read(&client->irq);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_irq_pending, VGPU);

static int call_info(struct vgpu_client *client, struct vgpu_info *info)
{
	struct vgpu_instance *inst = client->inst;
	const struct vgpu_hw_desc *desc = &inst->gpu->desc;
	struct vgpu_gpu_info *gpu_info;

	gpu_info = kzalloc(sizeof(*gpu_info), GFP_KERNEL);
	if (!gpu_info)
		return -ENOMEM;
	vgpu_gpu_get_info(inst->gpu, gpu_info);
	info->version = VGPU_UAPI_VERSION;
	info->id = inst->id;
	info->units = vgpu_units_serving(inst);
	info->caps = gpu_info->caps;
	kfree(gpu_info);
	spin_lock_irq(&inst->acct.lock);
	info->vram_bytes = inst->acct.limit;
	info->vram_used = inst->acct.used;
	spin_unlock_irq(&inst->acct.lock);
	vgpu_vram_va_limits(inst->gpu->whole.vram, &info->va_start, &info->va_end);
	info->max_lanes = desc->max_lanes;
	info->shared_bytes = desc->shared_bytes;
	info->weight = READ_ONCE(inst->weight);
	info->priority = READ_ONCE(inst->priority);
	export_uuid(info->uuid, &inst->uuid);
	strscpy(info->gpu_name, inst->gpu->name, sizeof(info->gpu_name));
	return 0;
}

static int dispatch(struct vgpu_client *client, u32 call, void *arg,
		    const void *payload, size_t payload_bytes)
{
	int idx, ret;

	ret = vgpu_degrade_call(client->inst->gpu, call);
	if (ret)
		return ret;
	ret = vgpu_client_enter(client, &idx);
	if (ret)
		return ret;
	switch (call) {
	case VGPU_CALL_INFO:
		ret = call_info(client, arg);
		break;
	case VGPU_CALL_CLOSE:
		ret = call_close(client, arg);
		break;
	case VGPU_CALL_BO_CREATE:
		ret = vgpu_call_bo_create(client, arg, payload);
		break;
	case VGPU_CALL_VM_CREATE:
		ret = vgpu_call_vm_create(client, arg);
		break;
	case VGPU_CALL_VM_MAP:
		ret = vgpu_call_vm_map(client, arg);
		break;
	case VGPU_CALL_VM_UNMAP:
		ret = vgpu_call_vm_unmap(client, arg);
		break;
	case VGPU_CALL_CTX_CREATE:
		ret = vgpu_call_ctx_create(client, arg);
		break;
	case VGPU_CALL_QUEUE_CREATE:
		ret = vgpu_call_queue_create(client, arg);
		break;
	case VGPU_CALL_QUEUE_SET:
		ret = vgpu_call_queue_set(client, arg);
		break;
	case VGPU_CALL_TIMELINE_CREATE:
		ret = vgpu_call_timeline_create(client, arg);
		break;
	case VGPU_CALL_SUBMIT:
		ret = vgpu_call_submit(client, arg, payload, payload_bytes, NULL);
		break;
	case VGPU_CALL_KICK:
		ret = vgpu_call_kick(client, arg);
		break;
	case VGPU_CALL_SIGNAL:
		ret = vgpu_call_signal(client, arg);
		break;
	case VGPU_CALL_QUEUE_STATUS:
		ret = vgpu_call_queue_status(client, arg);
		break;
	default:
		ret = -ENOTTY;
	}
	vgpu_gpu_leave(idx);
	return ret;
}

static int call_by(struct vgpu_client *client, u32 call, void *arg,
		   const void *payload, size_t payload_bytes, vgpu_call_fn try)
{
	int ret;

	ret = READ_ONCE(client->dead) ?: vgpu_filter_call(&client->inst->filter, call);
	if (ret)
		return ret;
	if (call == VGPU_CALL_WAIT)	/* sleeps: outside the gate */
		return vgpu_call_wait(client, arg);
	ret = vgpu_action_call(client, call, arg, payload, payload_bytes, try);
	/* one whose handles went from under it is told why they did */
	if (ret == -ENOENT)
		ret = READ_ONCE(client->dead) ?: ret;
	return ret;
}

int vgpu_client_call(struct vgpu_client *client, u32 call, void *arg,
		     const void *payload, size_t payload_bytes)
{
	return call_by(client, call, arg, payload, payload_bytes, dispatch);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_call, VGPU);

/* What vgpu_action_call() hands on knows one structure only: this one holds it. */
struct fenced {
	struct vgpu_submit arg;
	struct sync_file *file;
};

static int dispatch_fenced(struct vgpu_client *client, u32 call, void *arg,
			   const void *payload, size_t payload_bytes)
{
	struct fenced *f = container_of(arg, struct fenced, arg);
	int idx, ret;

	ret = vgpu_degrade_call(client->inst->gpu, call) ?:
	      vgpu_client_enter(client, &idx);
	if (ret)
		return ret;
	ret = vgpu_call_submit(client, arg, payload, payload_bytes, &f->file);
	vgpu_gpu_leave(idx);
	return ret;
}

struct file *vgpu_client_submit_fenced(struct vgpu_client *client,
				       struct vgpu_submit *arg,
				       const void *cmds, size_t bytes)
{
	struct fenced f = { .arg = *arg };
	int ret;

	ret = call_by(client, VGPU_CALL_SUBMIT, &f.arg, cmds, bytes,
		      dispatch_fenced);
	*arg = f.arg;
	return ret ? ERR_PTR(ret) : f.file->file;
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_submit_fenced, VGPU);
