// SPDX-License-Identifier: GPL-2.0
/*
 * Memory in an image, and the address spaces that map it: written, and made again.
 *
 * A page of zeros is not written: memory is zeros when it is made.
 */
#include <linux/mm.h>
#include <linux/sizes.h>

#include "../core_priv.h"
#include "restorer.h"
#include "saver.h"

#define DATA_BYTES	SZ_64K
#define LOOK_BYTES	SZ_1M		/* of memory, before others come in */

/* ---------------------------------------------------------------- written */

/* Pages from @at on in one record, up to the first that is zero. */
static int save_run(struct vgpu_saver *s, struct vgpu_bo *bo, u32 handle, u64 *at,
		    u64 end)
{
	struct vgpu_image_data *head;
	u8 *data;
	u32 n = 0;
	int ret;

	ret = vgpu_saver_open(s, sizeof(*head) + DATA_BYTES, (void **)&head);
	if (ret)
		return ret;
	head->bo = handle;
	data = (u8 *)(head + 1);
	for (; *at < end && n < DATA_BYTES; *at += PAGE_SIZE) {
		struct page *page;
		bool zero = true;

		ret = vgpu_bo_hold(bo, *at);
		if (ret)
			return vgpu_saver_fail(s, ret);
		page = vgpu_bo_page(bo, *at);
		if (page) {
			zero = !memchr_inv(page_address(page), 0, PAGE_SIZE);
			if (!zero)
				memcpy(data + n, page_address(page), PAGE_SIZE);
		}
		vgpu_bo_unhold(bo, *at);
		if (!page)
			return vgpu_saver_fail(s, -EIO);
		if (zero && n)
			break;
		if (zero)
			continue;
		if (!n)
			head->offset = *at;
		n += PAGE_SIZE;
	}
	if (n)
		vgpu_image_close(&s->out, VGPU_IMAGE_DATA, 0, sizeof(*head) + n);
	return 0;
}

/* @obj NULL: its handle was closed. */
int vgpu_save_bo(struct vgpu_saver *s, struct vgpu_bo *bo,
		 const struct vgpu_bo_obj *obj, u32 handle)
{
	struct vgpu_image_bo rec = { .closed = !handle };
	u64 at = 0, end = vgpu_bo_bytes(bo);
	int ret;

	if (!vgpu_bo_is_own(bo))
		return vgpu_saver_refuse(s, -EBUSY, vgpu_bo_is_host(bo) ?
			"memory of a program is in use (BO_USER), which can't be saved" :
			"an imported dma-buf is in use, which can't be saved");
	ret = vgpu_saver_set_name(s, bo, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	rec.flags = vgpu_bo_is_host(bo) ? VGPU_BO_HOST : 0;
	if (obj && obj->share)
		rec.flags |= VGPU_BO_SHARE;
	rec.bytes = obj ? obj->place_bytes : end;
	end = rec.bytes;
	rec.mmap_offset = obj ? obj->mmap_offset : 0;
	ret = vgpu_saver_put(s, VGPU_IMAGE_BO, &rec, sizeof(rec));
	while (!ret && at < end) {
		ret = save_run(s, bo, handle, &at, min(end, at + LOOK_BYTES)) ?:
		      vgpu_saver_breathe(s);
	}
	return ret;
}

int vgpu_save_vm(struct vgpu_saver *s, struct vgpu_vm_obj *vm, u32 handle)
{
	struct vgpu_image_vm rec = { .closed = !handle };
	struct vgpu_as_mapping map;
	u64 va = 0;
	int ret;

	if (vm->pinned)
		return vgpu_saver_refuse(s, -EBUSY,
					 "an address space for fences is in use (VGPU_VM_PINNED), which can't be saved");
	ret = vgpu_saver_set_name(s, vm, &handle);
	if (ret)
		return ret;
	rec.handle = handle;
	ret = vgpu_saver_put(s, VGPU_IMAGE_VM, &rec, sizeof(rec));
	for (; !ret && vgpu_as_next(vm->as, va, &map); va = map.va + map.bytes) {
		struct vgpu_image_map m = {
			.vm = handle,
			.prot = map.prot,
			.va = map.va,
			.offset = map.offset,
			.bytes = map.bytes,
		};

		if (!vgpu_saver_name_of(s, map.bo))
			ret = vgpu_save_bo(s, map.bo, NULL, 0);
		m.bo = ret ? 0 : vgpu_saver_name_of(s, map.bo);
		if (!ret)
			ret = vgpu_saver_put(s, VGPU_IMAGE_MAP, &m, sizeof(m));
	}
	return ret;
}

/* ----------------------------------------------------------- made again */

int vgpu_restore_bo(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_bo *rec = payload;
	bool host = rec->flags & VGPU_BO_HOST;
	struct vgpu_bo_create arg = {
		.flags = rec->flags,
		.bytes = rec->bytes,
	};
	u64 first = host ? VGPU_HOST_BO_FIRST : 0;
	u64 end = host ? VGPU_HOST_BO_LAST + 1 : r->inst->aperture_bytes;
	int ret;

	if (rec->pad || !rec->bytes || !PAGE_ALIGNED(rec->bytes))
		return -EINVAL;
	ret = vgpu_restorer_want(r, rec->handle);
	if (ret)
		return ret;
	if (rec->closed) {
		ret = vgpu_bo_restore_closed(r->client, &arg);
		return ret ?: vgpu_restorer_made(r, rec->handle, arg.handle, rec->closed);
	}
	if (!PAGE_ALIGNED(rec->mmap_offset) || rec->mmap_offset < first ||
	    rec->mmap_offset >= end || rec->bytes > end - rec->mmap_offset)
		return -EINVAL;
	/* the place that is given next is to be this one */
	r->inst->aperture_next[host] = rec->mmap_offset >> PAGE_SHIFT;
	ret = vgpu_call_bo_create(r->client, &arg, NULL);
	if (!ret && arg.mmap_offset != rec->mmap_offset)
		ret = -EINVAL;
	return ret ?: vgpu_restorer_made(r, rec->handle, arg.handle, 0);
}

int vgpu_restore_data(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_data *rec = payload;
	const u8 *from = (const u8 *)(rec + 1);
	u64 at = rec->offset, left = r->in.length - sizeof(*rec);
	struct vgpu_obj *obj;
	struct vgpu_bo *bo;
	int ret = 0;

	if (!r->client || rec->pad || !PAGE_ALIGNED(at) || !left ||
	    !PAGE_ALIGNED(left))
		return -EINVAL;
	obj = vgpu_obj_get(r->client, rec->bo, VGPU_OBJ_BO);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	bo = vgpu_bo_obj(obj)->bo;
	if (at >= vgpu_bo_bytes(bo) || left > vgpu_bo_bytes(bo) - at)
		ret = -EINVAL;
	for (; !ret && left; at += PAGE_SIZE, from += PAGE_SIZE) {
		struct page *page;

		ret = vgpu_bo_hold(bo, at);
		if (ret)
			break;
		page = vgpu_bo_page(bo, at);
		if (page)
			memcpy(page_address(page), from, PAGE_SIZE);
		else
			ret = -EIO;
		vgpu_bo_unhold(bo, at);
		left -= PAGE_SIZE;
	}
	vgpu_obj_put(obj);
	return ret;
}

int vgpu_restore_vm(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_vm *rec = payload;
	struct vgpu_vm_create arg = {};
	int ret;

	ret = vgpu_restorer_want(r, rec->handle) ?:
	      vgpu_call_vm_create(r->client, &arg);
	return ret ?: vgpu_restorer_made(r, rec->handle, arg.handle, rec->closed);
}

int vgpu_restore_map(struct vgpu_restorer *r, const void *payload)
{
	const struct vgpu_image_map *rec = payload;
	struct vgpu_vm_map arg = {
		.vm = rec->vm,
		.bo = rec->bo,
		.prot = rec->prot,
		.va = rec->va,
		.offset = rec->offset,
		.bytes = rec->bytes,
	};

	if (!r->client || rec->pad)
		return -EINVAL;
	return vgpu_call_vm_map(r->client, &arg);
}
