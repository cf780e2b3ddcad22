/* SPDX-License-Identifier: GPL-2.0 */
/* The device nodes, for whoever starts the module. */
#ifndef _VGPU_CDEV_H
#define _VGPU_CDEV_H

/* After the core is ready, and before it goes: a face like any other. */
int vgpu_cdev_init(void);
void vgpu_cdev_exit(void);

#endif /* _VGPU_CDEV_H */
