// SPDX-License-Identifier: GPL-2.0
/*
 * The table of commands: which right each needs, and what it is checked for.
 * What is checked is a copy in kernel memory, and what was checked is what runs:
 * the tenant has no way to change it any more.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
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

static int check_nop(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	return 0;
}

static int check_copy(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	const struct vgpu_cmd_copy *c = &slot->cmd.copy;

	if (!c->bytes || c->bytes > TRANSFER_MAX)
		return -EINVAL;
	if (!range_ok(q, c->src, c->bytes) || !range_ok(q, c->dst, c->bytes))
		return -ERANGE;
	if (c->src < c->dst + c->bytes && c->dst < c->src + c->bytes)
		return -EINVAL;
	return 0;
}

static int check_fill(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	const struct vgpu_cmd_fill *c = &slot->cmd.fill;

	if (!c->bytes || c->bytes > TRANSFER_MAX || (c->bytes | c->dst) & 3 ||
	    c->pad)
		return -EINVAL;
	return range_ok(q, c->dst, c->bytes) ? 0 : -ERANGE;
}

static int check_launch(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	const struct vgpu_cmd_launch *c = &slot->cmd.launch;
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

static int check_sync(struct vgpu_queue *q, struct vgpu_slot *slot)
{
	const struct vgpu_cmd_sync *c = &slot->cmd.sync;
	struct vgpu_obj *obj;

	if (c->pad)
		return -EINVAL;
	/* a program may raise it, or not */
	if (slot->cmd.op == VGPU_CMD_WAIT && q->fence_ns)
		return -EOPNOTSUPP;
	obj = vgpu_obj_get(q->obj.client, c->timeline, VGPU_OBJ_TIMELINE);
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

/**
 * struct command - what is known of a command
 * @right: VGPU_RIGHT_*, 0: anybody may
 * @cost: BIT(VGPU_RES_*) that it draws on while it runs
 * @used: bytes of its body; those behind must be zero
 * @moves: it names memory, which without an MMU is looked up beforehand
 * @check: of the body; may put references into the slot
 */
struct command {
	u32 right;
	u32 cost;
	u8 used;
	bool moves;
	int (*check)(struct vgpu_queue *q, struct vgpu_slot *slot);
};

#define BODY(member)	.used = sizeof_field(struct vgpu_cmd, member)

static const struct command commands[] = {
	[VGPU_CMD_NOP] = { .check = check_nop },
	[VGPU_CMD_COPY] = { .right = VGPU_RIGHT_TRANSFER,
			    .cost = BIT(VGPU_RES_BANDWIDTH), BODY(copy),
			    .moves = true, .check = check_copy },
	[VGPU_CMD_FILL] = { .right = VGPU_RIGHT_TRANSFER,
			    .cost = BIT(VGPU_RES_BANDWIDTH), BODY(fill),
			    .moves = true, .check = check_fill },
	[VGPU_CMD_LAUNCH] = { .right = VGPU_RIGHT_LAUNCH, BODY(launch),
			      .check = check_launch },
	[VGPU_CMD_SIGNAL] = { .right = VGPU_RIGHT_SYNC, BODY(sync),
			      .check = check_sync },
	[VGPU_CMD_WAIT] = { .right = VGPU_RIGHT_SYNC, BODY(sync),
			    .check = check_sync },
};

static_assert(ARRAY_SIZE(commands) == VGPU_CMD_OP_END);

static const struct command *find(u16 op)
{
	if (op >= ARRAY_SIZE(commands))
		return NULL;
	op = array_index_nospec(op, ARRAY_SIZE(commands));
	return commands[op].check ? &commands[op] : NULL;
}

u32 vgpu_commands_cost(const struct vgpu_cmd *cmds, u32 count)
{
	const struct command *known;
	u32 i, cost = 0;

	for (i = 0; i < count; i++) {
		known = find(cmds[i].op);
		cost |= known ? known->cost : 0;
	}
	return cost;
}

int vgpu_command_check(struct vgpu_queue *q, const struct vgpu_cmd *cmd,
		       struct vgpu_slot *slot)
{
	const struct command *known = find(cmd->op);
	int ret;

	memset(slot, 0, sizeof(*slot));
	slot->cmd = *cmd;
	if (slot->cmd.flags || !known)
		return -EOPNOTSUPP;
	if (slot->cmd.pad || !tail_is_zero(&slot->cmd, known->used))
		return -EINVAL;
	ret = vgpu_filter(&q->obj.client->inst->filter, known->right);
	if (!ret)
		ret = known->check(q, slot);
	if (!ret && known->moves && !(q->ctx->gpu->desc.caps & VGPU_HW_MMU))
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
