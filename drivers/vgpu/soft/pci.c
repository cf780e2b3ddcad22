// SPDX-License-Identifier: GPL-2.0
/*
 * The PCI face of a soft GPU: a function on a root bus made of software.
 *
 * mdev parents, libvirt, lspci and everyone who places work by looking at
 * sysfs expect a GPU to be a PCI function, so it is one: each GPU sits as
 * 00.0 on a root bus of its own, in a PCI domain of its own, with a
 * configuration space kept here, and an ordinary pci_driver binds to it.
 * Unbinding, removal and rescan through sysfs work as for any other.  A bus
 * for each GPU, because the bus tells the NUMA node.
 *
 * Domains of hardware have 16 bits; ours lie above, as VMD's do.  Their lower
 * 16 bits are not zero either: IOMMU drivers take the domain modulo 2^16 for
 * the segment and would take our function for one of segment 0.
 *
 * The function has no BARs, no interrupt and no capabilities: nothing but
 * its driver talks to it, and that by calling functions.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "soft_priv.h"

#define SOFT_PCI_VENDOR		0x1af4
#define SOFT_PCI_DEVICE		0x10f6	/* experimental range */
#define SOFT_PCI_CLASS		0x038000	/* display controller, other */
#define SOFT_PCI_REVISION	1

#define CONFIG_BYTES		256

/**
 * struct soft_slot - a root bus and the function on it
 * @sysdata: what the architecture wants to know of a bus
 * @bus: the root bus
 * @busn: its range of bus numbers
 * @index: of the GPU
 * @config: configuration space
 */
struct soft_slot {
	struct pci_sysdata sysdata;
	struct pci_bus *bus;
	struct resource busn;
	unsigned int index;
	u8 config[CONFIG_BYTES];
};

static struct device *soft_root;
static struct soft_slot *soft_slots[SOFT_MAX_GPUS];

static struct soft_slot *bus_slot(const struct pci_bus *bus)
{
	return container_of(to_pci_sysdata(bus), struct soft_slot, sysdata);
}

static u32 get_le(const u8 *from, int size)
{
	u32 v = 0;

	while (size--)
		v = v << 8 | from[size];
	return v;
}

static void set_le(u8 *to, int size, u32 v)
{
	for (; size--; v >>= 8)
		*to++ = v;
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *value)
{
	struct soft_slot *slot = bus_slot(bus);

	*value = ~0U;
	if (devfn)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where < 0 || where + size > CONFIG_BYTES) {
		*value = 0;
		return PCIBIOS_SUCCESSFUL;
	}
	*value = get_le(slot->config + where, size);
	return PCIBIOS_SUCCESSFUL;
}

/* Bits that can be written; the rest is as in hardware: ignored. */
static u8 config_writable(int where)
{
	switch (where) {
	case PCI_COMMAND:
		return PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
		       PCI_COMMAND_MASTER;
	case PCI_COMMAND + 1:
		return PCI_COMMAND_INTX_DISABLE >> 8;
	case PCI_CACHE_LINE_SIZE:
	case PCI_LATENCY_TIMER:
	case PCI_INTERRUPT_LINE:
		return 0xff;
	}
	return 0;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 value)
{
	struct soft_slot *slot = bus_slot(bus);
	int i;

	if (devfn)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where < 0 || where + size > CONFIG_BYTES)
		return PCIBIOS_SUCCESSFUL;
	for (i = where; i < where + size; i++, value >>= 8) {
		u8 mask = config_writable(i);

		slot->config[i] = (slot->config[i] & ~mask) | (value & mask);
	}
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops soft_pci_ops = {
	.read = config_read,
	.write = config_write,
};

static void config_init(struct soft_slot *slot)
{
	u8 *c = slot->config;

	set_le(c + PCI_VENDOR_ID, 2, SOFT_PCI_VENDOR);
	set_le(c + PCI_DEVICE_ID, 2, SOFT_PCI_DEVICE);
	set_le(c + PCI_CLASS_REVISION, 4,
	       SOFT_PCI_CLASS << 8 | SOFT_PCI_REVISION);
	set_le(c + PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_NORMAL);
	set_le(c + PCI_SUBSYSTEM_VENDOR_ID, 2, SOFT_PCI_VENDOR);
	set_le(c + PCI_SUBSYSTEM_ID, 2, SOFT_PCI_DEVICE);
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct soft_config config;
	struct vgpu_gpu *handle;
	struct soft_gpu *gpu;
	char name[16];
	int err;

	/* a function of the same id that is not on our bus is not ours */
	if (pdev->bus->ops != &soft_pci_ops)
		return -ENODEV;
	err = soft_config_get(&config);
	if (err)
		return err;
	config.node = dev_to_node(&pdev->dev);
	snprintf(name, sizeof(name), "soft%u", bus_slot(pdev->bus)->index);

	err = pci_enable_device(pdev);
	if (err)
		return err;
	pci_set_master(pdev);
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		goto disable;
	gpu = soft_gpu_create(name, &config);
	if (IS_ERR(gpu)) {
		err = PTR_ERR(gpu);
		dev_err(&pdev->dev, "no %s with %llu MiB of memory: %pe\n",
			name, config.vram_bytes >> 20, gpu);
		goto disable;
	}
	handle = vgpu_gpu_register(&pdev->dev, &gpu->desc, &soft_ops, gpu,
				   THIS_MODULE);
	if (IS_ERR(handle)) {
		err = PTR_ERR(handle);
		dev_err(&pdev->dev, "%s: cannot register: %pe\n", name,
			handle);
		goto destroy;
	}
	soft_gpu_registered(gpu, handle);
	soft_inject_add(gpu);
	pci_set_drvdata(pdev, gpu);
	return 0;

destroy:
	soft_gpu_destroy(gpu);
disable:
	pci_disable_device(pdev);
	return err;
}

static void remove(struct pci_dev *pdev)
{
	struct soft_gpu *gpu = pci_get_drvdata(pdev);

	soft_inject_remove(gpu);
	vgpu_gpu_unregister(gpu->gpu);
	soft_gpu_destroy(gpu);
	pci_disable_device(pdev);
}

static const struct pci_device_id soft_ids[] = {
	{ PCI_DEVICE(SOFT_PCI_VENDOR, SOFT_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, soft_ids);

static struct pci_driver soft_driver = {
	.name = "vgpu_soft",
	.id_table = soft_ids,
	.probe = probe,
	.remove = remove,
};

static bool domain_free(int domain)
{
	struct pci_bus *bus = NULL;

	while ((bus = pci_find_next_bus(bus)))
		if (pci_domain_nr(bus) == domain)
			return false;
	return true;
}

static int slot_create(unsigned int index, int domain, int node)
{
	struct soft_slot *slot;
	LIST_HEAD(resources);

	slot = kzalloc(sizeof(*slot), GFP_KERNEL);
	if (!slot)
		return -ENOMEM;
	slot->index = index;
	slot->sysdata.domain = domain;
	slot->sysdata.node = node;
	slot->busn.name = "vgpu_soft";
	slot->busn.flags = IORESOURCE_BUS;
	config_init(slot);
	pci_add_resource(&resources, &slot->busn);

	pci_lock_rescan_remove();
	slot->bus = pci_create_root_bus(soft_root, 0, &soft_pci_ops,
					&slot->sysdata, &resources);
	if (!slot->bus) {
		pci_unlock_rescan_remove();
		pci_free_resource_list(&resources);
		kfree(slot);
		return -ENODEV;
	}
	soft_slots[index] = slot;
	pci_scan_child_bus(slot->bus);
	pci_bus_add_devices(slot->bus);
	pci_unlock_rescan_remove();
	return 0;
}

static void slots_destroy(void)
{
	unsigned int i;

	for (i = 0; i < SOFT_MAX_GPUS; i++) {
		struct soft_slot *slot = soft_slots[i];
		struct pci_host_bridge *bridge;

		if (!slot)
			continue;
		pci_lock_rescan_remove();
		bridge = to_pci_host_bridge(slot->bus->bridge);
		pci_stop_root_bus(slot->bus);
		pci_remove_root_bus(slot->bus);
		/* the bus was removed, its bridge only unhooked */
		pci_free_host_bridge(bridge);
		pci_unlock_rescan_remove();
		soft_slots[i] = NULL;
		kfree(slot);
	}
}

/**
 * soft_pci_init() - plug in the GPUs
 * @gpus: how many
 * @domain: PCI domain of the first; the others follow
 * @nodes: NUMA node of each
 *
 * Return: 0 or an errno, with nothing left behind.
 */
int soft_pci_init(unsigned int gpus, unsigned int domain, const int *nodes)
{
	unsigned int i;
	int err;

	soft_root = root_device_register("vgpu_soft");
	if (IS_ERR(soft_root))
		return PTR_ERR(soft_root);
	err = pci_register_driver(&soft_driver);
	if (err)
		goto root;
	for (i = 0; i < gpus; i++, domain++) {
		while (!domain_free(domain))
			domain++;
		err = slot_create(i, domain, nodes[i]);
		if (err)
			goto slots;
	}
	return 0;

slots:
	slots_destroy();
	pci_unregister_driver(&soft_driver);
root:
	root_device_unregister(soft_root);
	return err;
}

/**
 * soft_pci_exit() - undo soft_pci_init()
 */
void soft_pci_exit(void)
{
	slots_destroy();
	pci_unregister_driver(&soft_driver);
	root_device_unregister(soft_root);
}
