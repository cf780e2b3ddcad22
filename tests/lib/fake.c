// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

void fake_init(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->info = (struct vgpu_info){
		.version = VGPU_UAPI_VERSION,
		.id = 7,
		.units = 4,
		.caps = VGPU_CAP_PREEMPT | VGPU_CAP_SAVE | VGPU_CAP_MMU |
			VGPU_CAP_LAUNCH | VGPU_CAP_HOST_MEM,
		.vram_bytes = 64 << 20,
		.va_start = FAKE_VA_START,
		.va_end = FAKE_VA_END,
		.max_lanes = 64,
		.shared_bytes = 16384,
		.weight = 100,
		.priority = 4,
		.uuid = { 1, 2, 3 },
		.gpu_name = "fake",
	};
}

static struct fake_object *object(struct fake *fake, uint32_t handle,
				  enum fake_kind kind)
{
	if (!handle || handle >= FAKE_OBJECTS ||
	    fake->objects[handle].kind != kind)
		return NULL;
	return &fake->objects[handle];
}

static uint32_t new_object(struct fake *fake, enum fake_kind kind)
{
	for (uint32_t i = 1; i < FAKE_OBJECTS; i++) {
		if (fake->objects[i].kind != FAKE_FREE)
			continue;
		memset(&fake->objects[i], 0, sizeof(fake->objects[i]));
		fake->objects[i].kind = kind;
		fake->objects[i].slot = i;
		fake->live++;
		return i;
	}
	return 0;
}

static void drop(struct fake *fake, struct fake_object *o)
{
	while (o->maps) {
		struct fake_map *map = o->maps;

		o->maps = map->next;
		free(map);
	}
	free(o->memory);
	memset(o, 0, sizeof(*o));
	fake->live--;
}

void fake_destroy(struct fake *fake)
{
	for (uint32_t i = 1; i < FAKE_OBJECTS; i++)
		if (fake->objects[i].kind != FAKE_FREE)
			drop(fake, &fake->objects[i]);
}

void *fake_at(struct fake *fake, uint32_t vm, uint64_t va, uint64_t bytes,
	      uint32_t prot)
{
	struct fake_object *o = object(fake, vm, FAKE_VM);

	for (struct fake_map *map = o ? o->maps : NULL; map; map = map->next) {
		struct fake_object *bo = object(fake, map->bo, FAKE_BO);

		if (bo && va >= map->va && va - map->va <= map->bytes &&
		    bytes <= map->bytes - (va - map->va))
			return (map->prot & prot) == prot ?
			       bo->memory + map->offset + (va - map->va) : NULL;
	}
	return NULL;
}

/* ---- commands ------------------------------------------------------------------- */

static uint64_t *timeline(struct fake *fake, uint32_t handle)
{
	if (!object(fake, handle, FAKE_TIMELINE))
		return NULL;
	return (uint64_t *)fake->timelines + handle;
}

static int run_command(struct fake *fake, uint32_t vm,
		       const struct vgpu_cmd *cmd)
{
	uint64_t *value;
	uint8_t *from, *to;

	switch (cmd->op) {
	case VGPU_CMD_NOP:
		return 0;
	case VGPU_CMD_COPY:
		from = fake_at(fake, vm, cmd->copy.src, cmd->copy.bytes,
			       VGPU_PROT_READ);
		to = fake_at(fake, vm, cmd->copy.dst, cmd->copy.bytes,
			     VGPU_PROT_WRITE);
		if (!from || !to)
			return -EFAULT;
		memcpy(to, from, cmd->copy.bytes);
		return 0;
	case VGPU_CMD_FILL:
		to = fake_at(fake, vm, cmd->fill.dst, cmd->fill.bytes,
			     VGPU_PROT_WRITE);
		if (!to)
			return -EFAULT;
		for (uint64_t i = 0; i < cmd->fill.bytes; i += 4)
			memcpy(to + i, &cmd->fill.pattern, 4);
		return 0;
	case VGPU_CMD_LAUNCH:
		fake->last_launch = *cmd;
		if (!fake_at(fake, vm, cmd->launch.entry, 4, VGPU_PROT_EXEC))
			return -EFAULT;
		return fake->launch ? fake->launch(fake, vm, &cmd->launch) : 0;
	case VGPU_CMD_SIGNAL:
		value = timeline(fake, cmd->sync.timeline);
		if (!value)
			return -ENOENT;
		if (*value < cmd->sync.value)
			*value = cmd->sync.value;
		return 0;
	case VGPU_CMD_WAIT:
		value = timeline(fake, cmd->sync.timeline);
		return !value ? -ENOENT : *value < cmd->sync.value ? -ETIME : 0;
	}
	return -EINVAL;
}

static void take(struct fake *fake, struct fake_object *queue,
		 const struct vgpu_cmd *cmd)
{
	struct fake_object *ctx = object(fake, queue->parent, FAKE_CTX);
	int ret = ctx ? run_command(fake, ctx->parent, cmd) : -ENOENT;

	queue->status.submitted++;
	if (ret) {
		queue->status.failed++;
		queue->status.error = ret;
		queue->status.error_seqno = queue->status.submitted;
		queue->status.irq |= VGPU_QUEUE_IRQ_ERROR;
	} else {
		queue->status.completed++;
	}
}

static void read_ring(struct fake *fake, struct fake_object *queue)
{
	struct vgpu_doorbell *bell = (struct vgpu_doorbell *)fake->doorbells +
				     queue->slot % 256;
	struct fake_object *bo = object(fake, queue->queue.ring_bo, FAKE_BO);
	uint32_t slots = queue->queue.ring_slots;

	if (bell->tail - bell->head > slots) {
		bell->error = -EINVAL;
		return;
	}
	for (; bell->head != bell->tail; bell->head++) {
		struct vgpu_cmd cmd;

		memcpy(&cmd, bo->memory + queue->queue.ring_offset +
		       (bell->head & (slots - 1)) * sizeof(cmd), sizeof(cmd));
		take(fake, queue, &cmd);
	}
	/* Awake it wants no kick: an event index that is far away. */
	bell->event = fake->asleep ? bell->head : bell->head - 1;
}

void fake_poll_rings(struct fake *fake)
{
	for (uint32_t i = 1; i < FAKE_OBJECTS; i++)
		if (fake->objects[i].kind == FAKE_QUEUE &&
		    fake->objects[i].queue.ring_slots)
			read_ring(fake, &fake->objects[i]);
}

/* ---- calls ------------------------------------------------------------------------ */

static int vm_map(struct fake *fake, struct vgpu_vm_map *arg)
{
	struct fake_object *vm = object(fake, arg->vm, FAKE_VM);
	struct fake_object *bo = object(fake, arg->bo, FAKE_BO);
	struct fake_map *map;

	if (!vm || !bo)
		return -ENOENT;
	if (!arg->prot || arg->va % 4096 || arg->bytes % 4096 || !arg->bytes ||
	    arg->va < FAKE_VA_START || arg->va + arg->bytes > FAKE_VA_END ||
	    arg->offset + arg->bytes > bo->bytes)
		return -EINVAL;
	for (map = vm->maps; map; map = map->next)
		if (arg->va < map->va + map->bytes &&
		    map->va < arg->va + arg->bytes)
			return -EEXIST;
	map = calloc(1, sizeof(*map));
	map->next = vm->maps;
	map->va = arg->va;
	map->bytes = arg->bytes;
	map->offset = arg->offset;
	map->bo = arg->bo;
	map->prot = arg->prot;
	vm->maps = map;
	return 0;
}

static int vm_unmap(struct fake *fake, struct vgpu_vm_unmap *arg)
{
	struct fake_object *vm = object(fake, arg->vm, FAKE_VM);

	if (!vm)
		return -ENOENT;
	for (struct fake_map **link = &vm->maps; *link;
	     link = &(*link)->next) {
		struct fake_map *map = *link;

		if (map->va == arg->va && map->bytes == arg->bytes) {
			*link = map->next;
			free(map);
			return 0;
		}
	}
	return -EINVAL;
}

static int queue_create(struct fake *fake, struct vgpu_queue_create *arg)
{
	struct fake_object *queue;

	if (!object(fake, arg->ctx, FAKE_CTX))
		return -ENOENT;
	if (arg->flags & VGPU_QUEUE_RING) {
		struct fake_object *bo = object(fake, arg->ring_bo, FAKE_BO);

		if (!bo)
			return -ENOENT;
		if (arg->ring_offset + arg->ring_slots * 64ull > bo->bytes)
			return -EINVAL;
	}
	arg->handle = new_object(fake, FAKE_QUEUE);
	queue = &fake->objects[arg->handle];
	queue->parent = arg->ctx;
	queue->queue = *arg;
	arg->doorbell = arg->handle % 256;
	if (arg->flags & VGPU_QUEUE_RING) {
		struct vgpu_doorbell *bell =
			(struct vgpu_doorbell *)fake->doorbells + arg->doorbell;

		memset(bell, 0, sizeof(*bell));
		bell->head = fake->ring_start;
		bell->tail = fake->ring_start;
		bell->event = bell->head - !fake->asleep;
	}
	return 0;
}

static int submit(struct fake *fake, struct vgpu_submit *arg)
{
	struct fake_object *queue = object(fake, arg->queue, FAKE_QUEUE);
	uint32_t limit = fake->take_at_most ? fake->take_at_most : arg->count;

	if (!queue)
		return -ENOENT;
	if (queue->queue.ring_slots || arg->stride < 64)
		return -EINVAL;
	arg->bad_index = arg->count;
	for (uint32_t i = 0; i < arg->count && i < limit; i++) {
		struct vgpu_cmd cmd;

		memcpy(&cmd, (const uint8_t *)(uintptr_t)arg->cmds +
		       (uint64_t)i * arg->stride, sizeof(cmd));
		if (cmd.op >= VGPU_CMD_OP_END || cmd.flags || cmd.pad) {
			arg->bad_index = i;
			return i ? 0 : -EINVAL;
		}
		take(fake, queue, &cmd);
		arg->submitted++;
	}
	return 0;
}

static int fake_call(void *cookie, unsigned long request, void *arg)
{
	struct fake *fake = cookie;
	int call = (int)(request & 0xff);
	struct fake_object *o;
	union {
		struct vgpu_info info;
		struct vgpu_close close;
		struct vgpu_bo_create bo_create;
		struct vgpu_vm_create vm_create;
		struct vgpu_ctx_create ctx_create;
		struct vgpu_timeline_create timeline_create;
		struct vgpu_kick kick;
		struct vgpu_wait wait;
		struct vgpu_signal signal;
		struct vgpu_queue_status status;
	} *a = arg;

	fake->calls++;
	if (call == fake->refuse_call) {
		if (!fake->refuse_after)
			return fake->refuse_with;
		fake->refuse_after--;
	}
	switch (call) {
	case VGPU_CALL_INFO:
		if (a->info.size != sizeof(a->info))
			return -EINVAL;
		a->info = fake->info;
		return 0;
	case VGPU_CALL_CLOSE:
		if (!a->close.handle || a->close.handle >= FAKE_OBJECTS)
			return -ENOENT;
		o = &fake->objects[a->close.handle];
		if (o->kind == FAKE_FREE)
			return -ENOENT;
		fake->closed++;
		drop(fake, o);
		return 0;
	case VGPU_CALL_BO_CREATE:
		if (a->bo_create.bytes > fake->info.vram_bytes)
			return -EDQUOT;
		a->bo_create.handle = new_object(fake, FAKE_BO);
		o = &fake->objects[a->bo_create.handle];
		o->bytes = (a->bo_create.bytes + 4095) / 4096 * 4096;
		o->memory = aligned_alloc(4096, o->bytes);
		memset(o->memory, 0, o->bytes);
		a->bo_create.mmap_offset = (uint64_t)a->bo_create.handle << 32;
		return 0;
	case VGPU_CALL_VM_CREATE:
		a->vm_create.handle = new_object(fake, FAKE_VM);
		return 0;
	case VGPU_CALL_VM_MAP:
		return vm_map(fake, arg);
	case VGPU_CALL_VM_UNMAP:
		return vm_unmap(fake, arg);
	case VGPU_CALL_CTX_CREATE:
		if (!object(fake, a->ctx_create.vm, FAKE_VM))
			return -ENOENT;
		a->ctx_create.handle = new_object(fake, FAKE_CTX);
		fake->objects[a->ctx_create.handle].parent = a->ctx_create.vm;
		return 0;
	case VGPU_CALL_QUEUE_CREATE:
		return queue_create(fake, arg);
	case VGPU_CALL_TIMELINE_CREATE:
		a->timeline_create.handle = new_object(fake, FAKE_TIMELINE);
		a->timeline_create.slot = a->timeline_create.handle;
		*timeline(fake, a->timeline_create.handle) =
			a->timeline_create.initial;
		return 0;
	case VGPU_CALL_SUBMIT:
		return submit(fake, arg);
	case VGPU_CALL_KICK:
		o = object(fake, a->kick.queue, FAKE_QUEUE);
		if (!o)
			return -ENOENT;
		fake->kicks++;
		read_ring(fake, o);
		return 0;
	case VGPU_CALL_WAIT:
		if (!timeline(fake, a->wait.timeline))
			return -ENOENT;
		fake_poll_rings(fake);
		a->wait.current_value = *timeline(fake, a->wait.timeline);
		return a->wait.current_value >= a->wait.value ? 0 : -ETIME;
	case VGPU_CALL_SIGNAL:
		if (!timeline(fake, a->signal.timeline))
			return -ENOENT;
		if (a->signal.value < *timeline(fake, a->signal.timeline))
			return -EINVAL;
		*timeline(fake, a->signal.timeline) = a->signal.value;
		return 0;
	case VGPU_CALL_QUEUE_STATUS:
		o = object(fake, a->status.queue, FAKE_QUEUE);
		if (!o)
			return -ENOENT;
		o->status.size = a->status.size;
		o->status.queue = a->status.queue;
		a->status = o->status;
		return 0;
	}
	return -ENOTTY;
}

static int fake_map(void *cookie, uint64_t offset, size_t bytes, int prot,
		    void **cpu)
{
	struct fake *fake = cookie;
	struct fake_object *bo;

	(void)prot;
	if (offset == VGPU_MMAP_DOORBELLS) {
		*cpu = fake->doorbells;
	} else if (offset == VGPU_MMAP_TIMELINES) {
		*cpu = fake->timelines;
	} else {
		bo = object(fake, (uint32_t)(offset >> 32), FAKE_BO);
		if (!bo || bytes > bo->bytes)
			return -EINVAL;
		*cpu = bo->memory;
	}
	fake->mapped++;
	return 0;
}

static void fake_unmap(void *cookie, void *cpu, size_t bytes)
{
	struct fake *fake = cookie;

	(void)cpu;
	(void)bytes;
	fake->mapped--;
}

static void fake_close(void *cookie)
{
	(void)cookie;
}

int fake_open(struct fake *fake, struct vgpu_dev **dev)
{
	struct vgpu_transport transport = {
		.call = fake_call,
		.map = fake_map,
		.unmap = fake_unmap,
		.close = fake_close,
		.cookie = fake,
	};

	return vgpu_open_transport(&transport, "fake", dev);
}
