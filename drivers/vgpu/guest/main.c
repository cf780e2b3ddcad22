// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu_guest: binds to the virtual PCI device of a vGPU.
 *
 * The device may go at any moment: unplugged by the host, unbound by an
 * administrator, or just silent.  Who touches it is inside a gate; removal
 * closes the gate and waits for it to empty, which is bounded because nobody
 * sleeps for a tenant inside.  Open files live on and get -ENODEV.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/srcu.h>

#include "guest_priv.h"

DEFINE_STATIC_SRCU(unplug_srcu);

bool vgpu_guest_enter(struct vgpu_guest *g, int *idx)
{
	*idx = srcu_read_lock(&unplug_srcu);
	if (!READ_ONCE(g->dead)) {
		__release(&unplug_srcu);	/* for sparse: leave() does it */
		return true;
	}
	srcu_read_unlock(&unplug_srcu, *idx);
	return false;
}

void vgpu_guest_leave(int idx)
{
	__acquire(&unplug_srcu);
	srcu_read_unlock(&unplug_srcu, idx);
}

static void wake_all(struct vgpu_guest *g)
{
	struct vgpu_guest_file *gf;
	unsigned long flags;

	wake_up_all(&g->admin_wait);
	spin_lock_irqsave(&g->files_lock, flags);
	list_for_each_entry(gf, &g->files, link)
		wake_up_all(&gf->wait);
	spin_unlock_irqrestore(&g->files_lock, flags);
}

void vgpu_guest_kill(struct vgpu_guest *g, const char *why)
{
	if (xchg(&g->dead, true))
		return;
	dev_err(&g->dev, "%s; every call fails from now on\n", why);
	wake_all(g);
}

bool vgpu_guest_works(struct vgpu_guest *g)
{
	u32 status;
	int idx;

	if (!vgpu_guest_enter(g, &idx))
		return false;
	status = readl(g->regs + VGPU_REG_STATUS);
	vgpu_guest_leave(idx);
	/* all ones: nobody is there to answer */
	return status != U32_MAX && status & VGPU_STATUS_READY;
}

static irqreturn_t admin_irq(int irq, void *data)
{
	vgpu_guest_admin_irq(data);
	return IRQ_HANDLED;
}

static irqreturn_t timeline_irq(int irq, void *data)
{
	vgpu_guest_timelines_look(data);
	return IRQ_HANDLED;
}

/* Which queue it was is not said: everyone may ask. */
static irqreturn_t error_irq(int irq, void *data)
{
	struct vgpu_guest *g = data;
	struct vgpu_guest_file *gf;
	unsigned long flags;

	spin_lock_irqsave(&g->files_lock, flags);
	list_for_each_entry(gf, &g->files, link) {
		atomic_set(&gf->irq, 1);
		wake_up_all(&gf->wait);
	}
	spin_unlock_irqrestore(&g->files_lock, flags);
	return IRQ_HANDLED;
}

static const irq_handler_t handlers[VGPU_MSIX_COUNT] = {
	[VGPU_MSIX_ADMIN] = admin_irq,
	[VGPU_MSIX_TIMELINE] = timeline_irq,
	[VGPU_MSIX_ERROR] = error_irq,
};

static void free_irqs(struct vgpu_guest *g, int count)
{
	while (count--)
		free_irq(pci_irq_vector(g->pdev, count), g);
	pci_free_irq_vectors(g->pdev);
}

static int request_irqs(struct vgpu_guest *g)
{
	int i, ret;

	ret = pci_alloc_irq_vectors(g->pdev, VGPU_MSIX_COUNT, VGPU_MSIX_COUNT,
				    PCI_IRQ_MSIX);
	if (ret < 0)
		return ret;
	for (i = 0; i < VGPU_MSIX_COUNT; i++) {
		ret = request_irq(pci_irq_vector(g->pdev, i), handlers[i], 0,
				  "vgpu", g);
		if (ret) {
			free_irqs(g, i);
			return ret;
		}
	}
	return 0;
}

static int map_bars(struct vgpu_guest *g)
{
	struct pci_dev *pdev = g->pdev;
	int ret;

	ret = pci_request_regions(pdev, KBUILD_MODNAME);
	if (ret)
		return ret;

	ret = -ENOMEM;
	/* not the pages of doorbells: programs map those as memory, which they are */
	g->regs = pci_iomap(pdev, 0, VGPU_BAR0_BELLS);
	if (!g->regs)
		goto release;

	/*
	 * Behind BAR2 is the host's ordinary memory, which the host reads
	 * through its cache: cached here, too, so that all views agree without
	 * flushes. This also settles the type of programs' mappings.
	 */
	g->aperture_base = pci_resource_start(pdev, 2);
	g->aperture_bytes = pci_resource_len(pdev, 2);
	atomic64_set(&g->host_next, VGPU_GUEST_HOST_BO);
	g->aperture = memremap(g->aperture_base, g->aperture_bytes,
			       MEMREMAP_WB);
	if (!g->aperture)
		goto unmap;
	return 0;

unmap:
	pci_iounmap(pdev, g->regs);
release:
	pci_release_regions(pdev);
	return ret;
}

static void unmap_bars(struct vgpu_guest *g)
{
	memunmap(g->aperture);
	pci_iounmap(g->pdev, g->regs);
	pci_release_regions(g->pdev);
}

static int check_device(struct vgpu_guest *g)
{
	u32 magic = readl(g->regs + VGPU_REG_MAGIC);
	u32 version = readl(g->regs + VGPU_REG_VERSION);

	if (magic != VGPU_MAGIC) {
		dev_err(&g->pdev->dev, "no vGPU behind it (%#x)\n", magic);
		return -ENODEV;
	}
	if (version != VGPU_HW_VERSION) {
		dev_err(&g->pdev->dev,
			"device of version %u, driver for %u\n", version,
			VGPU_HW_VERSION);
		return -EPROTONOSUPPORT;
	}
	g->regs_base = pci_resource_start(g->pdev, 0);
	g->has_bells = readl(g->regs + VGPU_REG_FEATURES) & VGPU_FEATURE_BELLS;
	/* whatever a driver before us left behind */
	writel(VGPU_CONTROL_RESET, g->regs + VGPU_REG_CONTROL);
	return 0;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vgpu_guest *g;
	int ret;

	if (pci_resource_len(pdev, 0) != VGPU_BAR0_SIZE ||
	    !pci_resource_len(pdev, 2))
		return -ENODEV;

	ret = pci_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto disable;
	pci_set_master(pdev);

	g = vgpu_guest_alloc();
	if (IS_ERR(g)) {
		ret = PTR_ERR(g);
		goto disable;
	}
	g->pdev = pci_dev_get(pdev);
	pci_set_drvdata(pdev, g);

	ret = map_bars(g);
	if (ret)
		goto put;
	ret = check_device(g);
	if (ret)
		goto unmap;
	ret = vgpu_guest_admin_init(g);
	if (ret)
		goto unmap;
	ret = request_irqs(g);
	if (ret)
		goto admin;
	ret = vgpu_guest_node_add(g);
	if (ret)
		goto irqs;

	dev_info(&pdev->dev, "vGPU at /dev/vgpu/v%d\n", g->index);
	return 0;

irqs:
	free_irqs(g, VGPU_MSIX_COUNT);
admin:
	vgpu_guest_admin_fini(g);
unmap:
	unmap_bars(g);
put:
	put_device(&g->dev);
disable:
	pci_disable_device(pdev);
	return ret;
}

/* The device forgets everything: it reaches no memory of ours any more. */
static void quiesce(struct vgpu_guest *g)
{
	writel(VGPU_CONTROL_RESET, g->regs + VGPU_REG_CONTROL);
	/* the write was trapped and is done; this is for real buses */
	readl(g->regs + VGPU_REG_STATUS);
}

static void remove(struct pci_dev *pdev)
{
	struct vgpu_guest *g = pci_get_drvdata(pdev);

	vgpu_guest_node_remove(g);
	WRITE_ONCE(g->dead, true);
	wake_all(g);
	synchronize_srcu(&unplug_srcu);

	filemap_invalidate_lock(g->map_file->f_mapping);
	unmap_mapping_range(g->map_file->f_mapping, 0, 0, 1);
	filemap_invalidate_unlock(g->map_file->f_mapping);

	quiesce(g);
	free_irqs(g, VGPU_MSIX_COUNT);
	vgpu_guest_admin_fini(g);
	unmap_bars(g);
	pci_clear_master(pdev);
	pci_disable_device(pdev);
	put_device(&g->dev);
}

static void shutdown(struct pci_dev *pdev)
{
	quiesce(pci_get_drvdata(pdev));
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(VGPU_PCI_VENDOR, VGPU_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
};

static int __init vgpu_guest_init(void)
{
	int ret;

	ret = vgpu_guest_node_init();
	if (ret)
		return ret;
	ret = pci_register_driver(&driver);
	if (ret)
		vgpu_guest_node_exit();
	return ret;
}
module_init(vgpu_guest_init);

static void __exit vgpu_guest_exit(void)
{
	pci_unregister_driver(&driver);
	vgpu_guest_node_exit();
}
module_exit(vgpu_guest_exit);

MODULE_DESCRIPTION("vgpu: driver for a virtual GPU inside a VM");
MODULE_AUTHOR("The vgpu authors");
MODULE_LICENSE("GPL");
