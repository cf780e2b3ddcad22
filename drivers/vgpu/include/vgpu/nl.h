/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The netlink face: one generic netlink family, "vgpu".  What it speaks is in
 * Documentation/netlink/specs/vgpu.yaml.
 */
#ifndef _VGPU_NL_H
#define _VGPU_NL_H

/* From the module's init, when faces can register, and its exit. */
int vgpu_nl_init(void);
void vgpu_nl_exit(void);

#endif /* _VGPU_NL_H */
