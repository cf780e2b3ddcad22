// SPDX-License-Identifier: GPL-2.0
/*
 * Control and status registers.  Those that describe the launch are computed
 * when read, so that they need not be saved; those that a kernel can write are
 * state.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "isa.h"

#define CSR_CYCLE	0xc00
#define CSR_TIME	0xc01
#define CSR_INSTRET	0xc02

static u64 lane_index(const struct soft_unit *u, const struct soft_lane *l)
{
	return l - u->lanes;
}

static int csr_read(const struct soft_core *c, const struct soft_unit *u,
		    const struct soft_lane *l, u32 csr, u64 retired, u64 *v)
{
	const struct vgpu_cmd_launch *job = &c->job.launch;
	u64 lane = lane_index(u, l);

	switch (csr) {
	case CSR_CYCLE:
	case CSR_TIME:
	case CSR_INSTRET:
		*v = retired;
		return 0;
	case VGPU_CSR_LANE_X:
		*v = lane % job->block[0];
		return 0;
	case VGPU_CSR_LANE_Y:
		*v = lane / job->block[0] % job->block[1];
		return 0;
	case VGPU_CSR_LANE_Z:
		*v = lane / job->block[0] / job->block[1];
		return 0;
	case VGPU_CSR_GROUP_X:
		*v = u->group % job->grid[0];
		return 0;
	case VGPU_CSR_GROUP_Y:
		*v = u->group / job->grid[0] % job->grid[1];
		return 0;
	case VGPU_CSR_GROUP_Z:
		*v = u->group / job->grid[0] / job->grid[1];
		return 0;
	case VGPU_CSR_BLOCK_X:
	case VGPU_CSR_BLOCK_Y:
	case VGPU_CSR_BLOCK_Z:
		*v = job->block[csr - VGPU_CSR_BLOCK_X];
		return 0;
	case VGPU_CSR_GRID_X:
	case VGPU_CSR_GRID_Y:
	case VGPU_CSR_GRID_Z:
		*v = job->grid[csr - VGPU_CSR_GRID_X];
		return 0;
	case VGPU_CSR_SHARED:
		*v = VGPU_SHARED_BASE;
		return 0;
	case VGPU_CSR_SHARED_BYTES:
		*v = job->shared_bytes;
		return 0;
	case VGPU_CSR_SCRATCH:
		*v = l->scratch;
		return 0;
	case VGPU_CSR_NOPREEMPT:
		*v = c->nopreempt;
		return 0;
	case VGPU_CSR_VECTOR:
		return soft_vector_read(c, l->scratch, v);
	}
	return -ENOEXEC;
}

static int csr_write(struct soft_core *c, struct soft_lane *l, u32 csr, u64 v)
{
	switch (csr) {
	case VGPU_CSR_SCRATCH:
		l->scratch = v;
		break;
	case VGPU_CSR_NOPREEMPT:
		c->nopreempt = v & 1;
		break;
	case VGPU_CSR_VECTOR:
		return soft_vector_write(c, l->scratch, v);
	default:
		return -ENOEXEC;
	}
	c->dirty |= BIT(VGPU_SEC_SPECIAL);
	return 0;
}

/**
 * soft_isa_csr() - CSRRW, CSRRS, CSRRC and their immediate forms
 * @c: engine
 * @u: unit
 * @l: lane
 * @d: instruction, its word in @d->imm
 * @retired: instructions that the lane completed before this one
 *
 * Return: 0 or -ENOEXEC.
 */
int soft_isa_csr(struct soft_core *c, struct soft_unit *u,
		 struct soft_lane *l, const struct soft_insn *d, u64 retired)
{
	u32 csr = (u32)d->imm >> 20;
	u32 funct3 = ((u32)d->imm >> 12) & 7;
	u64 arg = funct3 & 4 ? d->rs1 : l->x[d->rs1];
	bool write = true;
	u64 old;

	if (csr_read(c, u, l, csr, retired, &old))
		return -ENOEXEC;
	switch (funct3 & 3) {
	case 2:
		write = d->rs1;
		arg = old | arg;
		break;
	case 3:
		write = d->rs1;
		arg = old & ~arg;
		break;
	}
	if (write && csr_write(c, l, csr, arg))
		return -ENOEXEC;
	l->x[d->rd] = old;
	return 0;
}
