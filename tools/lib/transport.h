/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the library reaches a node.  Programs never need this; tests put a
 * device made of user-space code behind it.
 */
#ifndef LIBVGPU_TRANSPORT_H
#define LIBVGPU_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct vgpu_dev;

struct vgpu_transport {
	/* As ioctl(), but returns 0 or a negative errno. */
	int (*call)(void *cookie, unsigned long request, void *arg);
	/* As mmap(MAP_SHARED) and munmap(); 0 or a negative errno. */
	int (*map)(void *cookie, uint64_t offset, size_t bytes, int prot,
		   void **cpu);
	void (*unmap)(void *cookie, void *cpu, size_t bytes);
	void (*close)(void *cookie);
	void *cookie;
};

/* Takes the transport over: closes it with the device, and on failure. */
int vgpu_open_transport(const struct vgpu_transport *transport,
			const char *name, struct vgpu_dev **dev);

#endif /* LIBVGPU_TRANSPORT_H */
