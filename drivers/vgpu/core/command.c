// SPDX-License-Identifier: GPL-2.0
/*
 * Checking commands.  What is checked is a copy in kernel memory, and what
 * was checked is what runs: the tenant has no way to change it any more.
 */
#include <linux/sizes.h>
#include <linux/string.h>

#include "core_priv.h"

#define TRANSFER_MAX	((u64)SZ_1G)
#define STACK_MAX	SZ_1M
#define GRID_MAX	BIT_ULL(31)

static bool range_ok(struct vgpu_queue *q, u64 va, u64 bytes)
{
	struct vgpu_as *as = q->ctx->vm->as;

	return va >= vgpu_as_start(as) && va < vgpu_as_end(as) &&
	       bytes <= vgpu_as_end(as) - va;
}

static bool tail_is_zero(const struct vgpu_cmd *cmd, size_t used)
{
	return !memchr_inv((const u8 *)cmd->raw + used, 0,
			   sizeof(cmd->raw) - used);
}

static int check_copy(struct vgpu_queue *q, const struct vgpu_cmd_copy *c)
{
	if (!c->bytes || c->bytes > TRANSFER_MAX)
		return -EINVAL;
	if (!range_ok(q, c->src, c->bytes) || !range_ok(q, c->dst, c->bytes))
		return -ERANGE;
	if (c->src < c->dst + c->bytes && c->dst < c->src + c->bytes)
		return -EINVAL;
	return 0;
}

static int check_fill(struct vgpu_queue *q, const struct vgpu_cmd_fill *c)
{
	if (!c->bytes || c->bytes > TRANSFER_MAX || (c->bytes | c->dst) & 3 ||
	    c->pad)
		return -EINVAL;
	return range_ok(q, c->dst, c->bytes) ? 0 : -ERANGE;
}

static int check_launch(struct vgpu_queue *q, const struct vgpu_cmd_launch *c)
{
	struct vgpu_gpu *gpu = q->ctx->gpu;
	u64 lanes = (u64)c->block[0] * c->block[1] * c->block[2];
	u64 groups;

	if (!(gpu->desc.caps & VGPU_HW_LAUNCH))
		return -EOPNOTSUPP;
	if (c->pad || c->pad2 || c->entry & 3)
		return -EINVAL;
	/* Of 16 bits each: three of them cannot wrap 64. */
	if (!lanes || lanes > gpu->desc.max_lanes)
		return -EINVAL;
	groups = (u64)c->grid[0] * c->grid[1];
	if (!groups || groups > GRID_MAX || !c->grid[2] ||
	    groups * c->grid[2] > GRID_MAX)
		return -EINVAL;
	if (c->shared_bytes > gpu->desc.shared_bytes)
		return -EINVAL;
	if (c->stack_bytes % 16 || c->stack_bytes > STACK_MAX)
		return -EINVAL;
	if (!range_ok(q, c->entry, 4))
		return -ERANGE;
	if (c->stack_bytes &&
	    !range_ok(q, c->stack, lanes * gpu->desc.units * c->stack_bytes))
		return -ERANGE;
	return 0;
}

static int check_sync(struct vgpu_client *client, const struct vgpu_cmd_sync *c,
		      struct vgpu_slot *slot)
{
	struct vgpu_obj *obj;

	if (c->pad)
		return -EINVAL;
	obj = vgpu_obj_get(client, c->timeline, VGPU_OBJ_TIMELINE);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	slot->timeline = container_of(obj, struct vgpu_timeline, obj);
	return 0;
}

/*
 * Without an MMU the engine gets VRAM addresses.  They stay true until the
 * command ended: the address space does not unmap while any is pending.
 */
static int translate(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	struct vgpu_vm_obj *vm = q->ctx->vm;
	struct vgpu_cmd *cmd = &slot->cmd;
	u64 addr;
	int ret;

	mutex_lock(&vm->lock);
	if (cmd->op == VGPU_CMD_COPY) {
		ret = vgpu_as_translate(vm->as, cmd->copy.src, cmd->copy.bytes,
					VGPU_PROT_READ, &addr);
		if (ret)
			goto out;
		cmd->copy.src = addr;
		ret = vgpu_as_translate(vm->as, cmd->copy.dst, cmd->copy.bytes,
					VGPU_PROT_WRITE, &addr);
		if (ret)
			goto out;
		cmd->copy.dst = addr;
	} else {
		ret = vgpu_as_translate(vm->as, cmd->fill.dst, cmd->fill.bytes,
					VGPU_PROT_WRITE, &addr);
		if (ret)
			goto out;
		cmd->fill.dst = addr;
	}
	atomic_inc(&vm->pending);
	slot->vm = vm;
out:
	mutex_unlock(&vm->lock);
	return ret;
}

int vgpu_command_check(struct vgpu_client *client, struct vgpu_queue *q,
		       const struct vgpu_cmd *cmd, struct vgpu_slot *slot)
{
	size_t used;
	int ret;

	memset(slot, 0, sizeof(*slot));
	slot->cmd = *cmd;
	cmd = &slot->cmd;
	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->pad)
		return -EINVAL;
	switch (cmd->op) {
	case VGPU_CMD_NOP:
		used = 0;
		ret = 0;
		break;
	case VGPU_CMD_COPY:
		used = sizeof(cmd->copy);
		ret = check_copy(q, &cmd->copy);
		break;
	case VGPU_CMD_FILL:
		used = sizeof(cmd->fill);
		ret = check_fill(q, &cmd->fill);
		break;
	case VGPU_CMD_LAUNCH:
		used = sizeof(cmd->launch);
		ret = check_launch(q, &cmd->launch);
		break;
	case VGPU_CMD_SIGNAL:
	case VGPU_CMD_WAIT:
		used = sizeof(cmd->sync);
		ret = tail_is_zero(cmd, used) ?
		      check_sync(client, &cmd->sync, slot) : -EINVAL;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!ret && !tail_is_zero(cmd, used))
		ret = -EINVAL;
	if (!ret && !(q->ctx->gpu->desc.caps & VGPU_HW_MMU) &&
	    (cmd->op == VGPU_CMD_COPY || cmd->op == VGPU_CMD_FILL))
		ret = translate(q, slot);
	return ret;
}

/* Atomic. */
void vgpu_slot_drop(struct vgpu_slot *slot)
{
	if (slot->timeline)
		vgpu_obj_put(&slot->timeline->obj);
	if (slot->vm)
		atomic_dec(&slot->vm->pending);
	slot->timeline = NULL;
	slot->vm = NULL;
}
