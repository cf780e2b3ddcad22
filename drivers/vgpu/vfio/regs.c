// SPDX-License-Identifier: GPL-2.0
/*
 * BAR0: registers, the two shared pages, and the place of the MSI-X table,
 * which user space emulates.
 *
 * Only the registers are meant to be trapped.  The shared pages can be, too,
 * for who does not map them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/highmem.h>

#include "vfio_priv.h"

static u32 status(struct vgpu_vfio *v)
{
	struct vgpu_instance_info info;

	vgpu_instance_get_info(v->inst, &info);
	switch (info.state) {
	case VGPU_STATE_RUNNING:
		return VGPU_STATUS_READY;
	case VGPU_STATE_PAUSED:
		return VGPU_STATUS_READY | VGPU_STATUS_PAUSED;
	default:
		return VGPU_STATUS_FAILED;
	}
}

static u32 reg_read(struct vgpu_vfio *v, u32 reg)
{
	u32 value = 0;

	switch (reg) {
	case VGPU_REG_MAGIC:
		return VGPU_MAGIC;
	case VGPU_REG_VERSION:
		return VGPU_HW_VERSION;
	case VGPU_REG_FEATURES:
		return VGPU_FEATURE_BELLS;
	case VGPU_REG_STATUS:
		return status(v);
	case VGPU_REG_IRQ_STATUS:
		return atomic_read(&v->irq_status);
	case VGPU_REG_BAD_ACCESS:
		return atomic_read(&v->bad_access);
	case VGPU_REG_ADMIN_LO:
	case VGPU_REG_ADMIN_HI:
	case VGPU_REG_ADMIN_BYTES:
		mutex_lock(&v->config_lock);
		if (reg == VGPU_REG_ADMIN_LO)
			value = lower_32_bits(v->admin_addr);
		else if (reg == VGPU_REG_ADMIN_HI)
			value = upper_32_bits(v->admin_addr);
		else
			value = v->admin_bytes;
		mutex_unlock(&v->config_lock);
		return value;
	default:
		atomic_inc(&v->bad_access);
		return 0;
	}
}

static void reg_write(struct vgpu_vfio *v, u32 reg, u32 value)
{
	struct vgpu_shpages *sp;

	switch (reg) {
	case VGPU_REG_CONTROL:
		if (value != VGPU_CONTROL_RESET) {
			atomic_inc(&v->bad_access);
			return;
		}
		vgpu_vfio_reset(v, false);
		return;
	case VGPU_REG_IRQ_STATUS:
		atomic_andnot(value, &v->irq_status);
		return;
	case VGPU_REG_ADMIN_LO:
		mutex_lock(&v->config_lock);
		v->admin_addr = (v->admin_addr & ~0xffffffffULL) | value;
		mutex_unlock(&v->config_lock);
		return;
	case VGPU_REG_ADMIN_HI:
		mutex_lock(&v->config_lock);
		v->admin_addr = lower_32_bits(v->admin_addr) |
				(u64)value << 32;
		mutex_unlock(&v->config_lock);
		return;
	case VGPU_REG_ADMIN_BYTES:
		mutex_lock(&v->config_lock);
		v->admin_bytes = value;
		mutex_unlock(&v->config_lock);
		return;
	case VGPU_REG_ADMIN_KICK:
		queue_work(v->wq, &v->admin_work);
		return;
	case VGPU_REG_KICK:
		/* the map lives as long as the device is open, which it is */
		sp = vgpu_vfio_map_find_bells(v->map, value / VGPU_DOORBELLS);
		if (sp)
			vgpu_shpages_kick(sp, value % VGPU_DOORBELLS);
		else
			atomic_inc(&v->bad_access);
		return;
	default:
		atomic_inc(&v->bad_access);
	}
}

void vgpu_vfio_regs_reset(struct vgpu_vfio *v)
{
	mutex_lock(&v->config_lock);
	v->admin_addr = 0;
	v->admin_bytes = 0;
	mutex_unlock(&v->config_lock);
	atomic_set(&v->irq_status, 0);
	atomic_set(&v->bad_access, 0);
}

/* The shared page that holds a range of BAR0, or NULL. */
static struct page *shared_page(struct vgpu_vfio *v, u32 offset)
{
	struct vgpu_shpages *sp = vgpu_vfio_map_shpages(v->map);
	u32 page;

	if (offset >= VGPU_BAR0_BELLS) {
		page = (offset - VGPU_BAR0_BELLS) / PAGE_SIZE + 1;
		sp = vgpu_vfio_map_find_bells(v->map, page);
		return sp ? vgpu_shpages_doorbells(sp) : NULL;
	}
	switch (offset & PAGE_MASK) {
	case VGPU_BAR0_DOORBELLS:
		return vgpu_shpages_doorbells(sp);
	case VGPU_BAR0_TIMELINES:
		return vgpu_shpages_timelines(sp);
	default:
		return NULL;
	}
}

static bool is_register(u32 offset, u32 n)
{
	return n == sizeof(u32) && IS_ALIGNED(offset, sizeof(u32)) &&
	       offset < VGPU_REG_END;
}

/**
 * vgpu_vfio_bar0_read() - a trapped read
 * @v: the device, open
 * @offset: in BAR0
 * @buf: filled
 * @n: bytes, all in one page
 *
 * Context: process.
 */
void vgpu_vfio_bar0_read(struct vgpu_vfio *v, u32 offset, u8 *buf, u32 n)
{
	struct page *page = shared_page(v, offset);

	atomic64_inc(&v->traps);
	if (page) {
		memcpy_from_page(buf, page, offset_in_page(offset), n);
		return;
	}
	memset(buf, 0, n);
	if (is_register(offset, n))
		*(__le32 *)buf = cpu_to_le32(reg_read(v, offset));
	else
		atomic_inc(&v->bad_access);
}

/**
 * vgpu_vfio_bar0_write() - a trapped write
 * @v: the device, open
 * @offset: in BAR0
 * @buf: what to write
 * @n: bytes, all in one page
 *
 * Context: process.
 */
void vgpu_vfio_bar0_write(struct vgpu_vfio *v, u32 offset, const u8 *buf,
			  u32 n)
{
	struct page *page = shared_page(v, offset);

	atomic64_inc(&v->traps);
	if (page) {
		memcpy_to_page(page, offset_in_page(offset), buf, n);
		return;
	}
	if (is_register(offset, n))
		reg_write(v, offset, le32_to_cpup((const __le32 *)buf));
	else
		atomic_inc(&v->bad_access);
}
