// SPDX-License-Identifier: GPL-2.0
/*
 * Names of vendors, devices and classes, by libpci. The file that it reads may be
 * another machine's (--root), so it is not trusted: libpci ends the program at the
 * first line that it does not understand.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>
#include <pci/pci.h>

#include "pci.h"
#include "sysfs.h"
#include "vgpuctl.h"

#define NAMES_FILE	"/usr/share/misc/pci.ids"
#define MAX_IDS		(16 << 20)

struct pci_names {
	struct pci_access *access;
};

static jmp_buf failed;

static void __attribute__((noreturn)) on_error(char *fmt, ...)
{
	(void)fmt;
	longjmp(failed, 1);
}

static void on_message(char *fmt, ...)
{
	(void)fmt;
}

static bool load(struct pci_access *access)
{
	if (setjmp(failed))
		return false;
	return pci_load_name_list(access);
}

struct pci_names *pci_names_open(void)
{
	struct pci_names *names;
	char path[PATH_MAX];
	struct stat st;

	/* a pipe would keep us, and something huge fill our memory */
	if (sys_path(path, sizeof(path), NAMES_FILE) || stat(path, &st) ||
	    !S_ISREG(st.st_mode) || st.st_size > MAX_IDS)
		return NULL;
	names = calloc(1, sizeof(*names));
	if (!names)
		return NULL;
	names->access = pci_alloc();
	names->access->error = on_error;
	names->access->warning = on_message;
	names->access->debug = on_message;
	pci_set_name_list_path(names->access, strdup(path), 1);
	if (!load(names->access)) {
		note(NAMES_FILE " makes no sense: numbers only");
		pci_names_close(names);
		return NULL;
	}
	return names;
}

void pci_names_close(struct pci_names *names)
{
	if (!names)
		return;
	pci_cleanup(names->access);
	free(names);
}

static void add(struct json_object *device, const char *key, const char *name)
{
	char text[SYS_TEXT];

	if (!name)
		return;
	sys_clean(name, strlen(name), text, sizeof(text));
	json_object_object_add(device, key, json_object_new_string(text));
}

void pci_names_add(struct pci_names *names, struct json_object *device,
		   int vendor, int model, int class)
{
	/* this file alone: no guesses, no questions to udev or the network */
	const int how = PCI_LOOKUP_NO_NUMBERS |
			PCI_LOOKUP_NO_HWDB;
	char buf[SYS_TEXT];

	if (!names)
		return;
	add(device, "class_name",
	    pci_lookup_name(names->access, buf, sizeof(buf),
			    how | PCI_LOOKUP_CLASS, class >> 8));
	add(device, "vendor_name",
	    pci_lookup_name(names->access, buf, sizeof(buf),
			    how | PCI_LOOKUP_VENDOR, vendor));
	add(device, "device_name",
	    pci_lookup_name(names->access, buf, sizeof(buf),
			    how | PCI_LOOKUP_DEVICE, vendor, model));
}
