// SPDX-License-Identifier: GPL-2.0
/*
 * Config space: a conventional PCI function with one MSI-X capability.  Every
 * bit is either constant or plain storage, so a byte array and a mask of
 * writable bits say it all, the sizing of BARs included.
 */
#include <linux/pci_regs.h>

#include "vfio_priv.h"

#define MSIX_CAP	0x40

static void put16(u8 *p, u32 offset, u16 value)
{
	*(__le16 *)(p + offset) = cpu_to_le16(value);
}

static void put32(u8 *p, u32 offset, u32 value)
{
	*(__le32 *)(p + offset) = cpu_to_le32(value);
}

/**
 * vgpu_vfio_config_init() - as after power on
 * @v: the device
 *
 * Context: nobody else uses @v yet.
 */
void vgpu_vfio_config_init(struct vgpu_vfio *v)
{
	u64 bar2 = ~(v->aperture - 1);
	u8 *c = v->config, *w = v->wmask;

	put16(c, PCI_VENDOR_ID, VGPU_PCI_VENDOR);
	put16(c, PCI_DEVICE_ID, VGPU_PCI_DEVICE);
	put16(w, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
	      PCI_COMMAND_INTX_DISABLE);
	put16(c, PCI_STATUS, PCI_STATUS_CAP_LIST);
	put32(c, PCI_CLASS_REVISION, VGPU_PCI_CLASS << 8 | VGPU_HW_VERSION);
	c[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	w[PCI_CACHE_LINE_SIZE] = 0xff;
	w[PCI_LATENCY_TIMER] = 0xff;

	put32(c, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_32);
	put32(w, PCI_BASE_ADDRESS_0, ~(u32)(VGPU_BAR0_SIZE - 1));
	put32(c, PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_MEM_TYPE_64 |
	      PCI_BASE_ADDRESS_MEM_PREFETCH);
	put32(w, PCI_BASE_ADDRESS_2, lower_32_bits(bar2));
	put32(w, PCI_BASE_ADDRESS_3, upper_32_bits(bar2));

	put16(c, PCI_SUBSYSTEM_VENDOR_ID, VGPU_PCI_VENDOR);
	put16(c, PCI_SUBSYSTEM_ID, VGPU_PCI_DEVICE);
	c[PCI_CAPABILITY_LIST] = MSIX_CAP;
	w[PCI_INTERRUPT_LINE] = 0xff;

	c[MSIX_CAP] = PCI_CAP_ID_MSIX;
	put16(c, MSIX_CAP + PCI_MSIX_FLAGS, VGPU_MSIX_COUNT - 1);
	put16(w, MSIX_CAP + PCI_MSIX_FLAGS,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	put32(c, MSIX_CAP + PCI_MSIX_TABLE, VGPU_BAR0_MSIX_TABLE);
	put32(c, MSIX_CAP + PCI_MSIX_PBA, VGPU_BAR0_MSIX_PBA);
}

/* All that can be written becomes zero, as a bus reset does it. */
void vgpu_vfio_config_reset(struct vgpu_vfio *v)
{
	u32 i;

	mutex_lock(&v->config_lock);
	for (i = 0; i < VGPU_VFIO_CONFIG_SIZE; i++)
		v->config[i] &= ~v->wmask[i];
	mutex_unlock(&v->config_lock);
}

void vgpu_vfio_config_read(struct vgpu_vfio *v, u32 offset, u8 *buf, u32 n)
{
	mutex_lock(&v->config_lock);
	memcpy(buf, v->config + offset, n);
	mutex_unlock(&v->config_lock);
}

void vgpu_vfio_config_write(struct vgpu_vfio *v, u32 offset, const u8 *buf,
			    u32 n)
{
	u32 i;

	mutex_lock(&v->config_lock);
	for (i = offset; i < offset + n; i++, buf++)
		v->config[i] = (v->config[i] & ~v->wmask[i]) |
			       (*buf & v->wmask[i]);
	mutex_unlock(&v->config_lock);
}

bool vgpu_vfio_bus_master(struct vgpu_vfio *v)
{
	u16 command;

	mutex_lock(&v->config_lock);
	command = le16_to_cpup((__le16 *)(v->config + PCI_COMMAND));
	mutex_unlock(&v->config_lock);
	return command & PCI_COMMAND_MASTER;
}

static bool overlaps(u64 addr, u64 bytes, u64 bar, u64 bar_bytes)
{
	return bar && addr < bar + bar_bytes && bar < addr + bytes;
}

/**
 * vgpu_vfio_in_bar() - is a range of bus addresses our own?
 * @v: the device
 * @addr: first address
 * @bytes: length; the range does not wrap
 *
 * What the device reads there would come from its own mappings: a way to
 * make it wait for itself.  The range of a BAR is refused also while the
 * decoding of memory is off.
 *
 * Context: process.
 */
bool vgpu_vfio_in_bar(struct vgpu_vfio *v, u64 addr, u64 bytes)
{
	u64 bar0, bar2;

	mutex_lock(&v->config_lock);
	bar0 = le32_to_cpup((__le32 *)(v->config + PCI_BASE_ADDRESS_0));
	bar2 = le64_to_cpup((__le64 *)(v->config + PCI_BASE_ADDRESS_2));
	mutex_unlock(&v->config_lock);

	return overlaps(addr, bytes, bar0 & ~0xfULL, VGPU_BAR0_SIZE) ||
	       overlaps(addr, bytes, bar2 & ~0xfULL, v->aperture);
}
