/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract with those who let users in: the device node, the netlink
 * family, the VFIO device.  A face translates and owns nothing: each call of
 * a user ends in one function here, and what happens inside comes out as
 * events and callbacks.  Faces never talk to each other.
 *
 * Everything may sleep and is called in process context, where not noted.
 */
#ifndef _VGPU_FACE_H
#define _VGPU_FACE_H

#include <vgpu/face_client.h>
#include <vgpu/face_event.h>
#include <vgpu/face_gpu.h>
#include <vgpu/face_instance.h>
#include <vgpu/face_refusal.h>

#endif /* _VGPU_FACE_H */
