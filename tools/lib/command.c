// SPDX-License-Identifier: GPL-2.0
/* Builders of commands. */
#include <string.h>

#include "priv.h"

/* memset: an initializer need not clear the whole of a union, and bytes that
 * an op does not use must be zero.
 */
static struct vgpu_cmd blank(uint16_t op)
{
	struct vgpu_cmd cmd;

	memset(&cmd, 0, sizeof(cmd));
	cmd.op = op;
	return cmd;
}

struct vgpu_cmd vgpu_cmd_nop(void)
{
	return blank(VGPU_CMD_NOP);
}

struct vgpu_cmd vgpu_cmd_copy(uint64_t dst, uint64_t src, uint64_t bytes)
{
	struct vgpu_cmd cmd = blank(VGPU_CMD_COPY);

	cmd.copy.src = src;
	cmd.copy.dst = dst;
	cmd.copy.bytes = bytes;
	return cmd;
}

struct vgpu_cmd vgpu_cmd_fill(uint64_t dst, uint64_t bytes, uint32_t pattern)
{
	struct vgpu_cmd cmd = blank(VGPU_CMD_FILL);

	cmd.fill.dst = dst;
	cmd.fill.bytes = bytes;
	cmd.fill.pattern = pattern;
	return cmd;
}

static struct vgpu_cmd sync(uint16_t op, const struct vgpu_timeline *timeline,
			    uint64_t value)
{
	struct vgpu_cmd cmd = blank(op);

	cmd.sync.timeline = timeline->handle;
	cmd.sync.value = value;
	return cmd;
}

struct vgpu_cmd vgpu_cmd_signal(const struct vgpu_timeline *timeline,
				uint64_t value)
{
	return sync(VGPU_CMD_SIGNAL, timeline, value);
}

struct vgpu_cmd vgpu_cmd_wait(const struct vgpu_timeline *timeline,
			      uint64_t value)
{
	return sync(VGPU_CMD_WAIT, timeline, value);
}
