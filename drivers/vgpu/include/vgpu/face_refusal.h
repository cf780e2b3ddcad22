/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What settings have in common: how long names are, and why one was refused.
 * A part of the contract in <vgpu/face.h>.
 */
#ifndef _VGPU_FACE_REFUSAL_H
#define _VGPU_FACE_REFUSAL_H

#include <linux/types.h>

#define VGPU_NAME_LEN	32
#define VGPU_MAX_TYPES	8
#define VGPU_MAX_ENGINES 8

/**
 * struct vgpu_refusal - why something was refused
 * @field: the setting to blame, VGPU_SET_* or VGPU_GPU_SET_*, or 0
 * @text: a sentence without a final stop
 */
struct vgpu_refusal {
	u32 field;
	char text[80];
};

#endif /* _VGPU_FACE_REFUSAL_H */
