/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sits on the PCI bus and matters to who shares GPUs.
 */
#ifndef VGPUCTL_PCI_H
#define VGPUCTL_PCI_H

#include <stdbool.h>

struct json_object;

/*
 * GPUs, accelerators, network and storage controllers: { "devices": [...],
 * "skipped": [...] }, in the order of their addresses. With --root, or
 * VGPUCTL_ROOT, of the machine whose files are there. An exit code.
 */
int pci_scan(struct json_object **found);
/* Does --root, or the environment, make us look at another machine? */
bool pci_elsewhere(void);

/* ---- pcinames.c: names from pci.ids ---- */
struct pci_names;

/* NULL: there are none. */
struct pci_names *pci_names_open(void);
void pci_names_close(struct pci_names *names);
/* What is not known is left out. */
void pci_names_add(struct pci_names *names, struct json_object *device,
		   int vendor, int model, int class);

#endif /* VGPUCTL_PCI_H */
