/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside mem/: a tenant's control group pays for what is allocated here, whoever
 * happens to need it.
 */
#ifndef _VGPU_MEM_CHARGE_H
#define _VGPU_MEM_CHARGE_H

#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

struct mem_cgroup;

/* What the caller's own state was; on its stack. */
struct vgpu_charge {
	struct mem_cgroup *memcg;
	unsigned int over_high;
};

/*
 * Who charges a control group that is above its high limit is made to wait, for
 * up to two seconds, if it has charged a lot. Here that is somebody who evicts for
 * another tenant's sake: the group's owner could hold up everybody. So what was
 * charged is forgotten before each page, and only what the caller itself had
 * charged before is put back.
 */
static inline unsigned int vgpu_charge_over_high(unsigned int pages)
{
#ifdef CONFIG_MEMCG
	swap(current->memcg_nr_pages_over_high, pages);
#endif
	return pages;
}

/* From here on @memcg pays. Never nested. */
static inline void vgpu_charge_begin(struct vgpu_charge *charge,
				     struct mem_cgroup *memcg)
{
	charge->memcg = set_active_memcg(memcg);
	charge->over_high = vgpu_charge_over_high(0);
}

/* Before each page that is allocated. */
static inline void vgpu_charge_page(void)
{
	vgpu_charge_over_high(0);
}

static inline void vgpu_charge_end(const struct vgpu_charge *charge)
{
	vgpu_charge_over_high(charge->over_high);
	set_active_memcg(charge->memcg);
}

#endif /* _VGPU_MEM_CHARGE_H */
