// SPDX-License-Identifier: GPL-2.0
/* Address spaces and buffers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "priv.h"

/* Buffers of a large page or more lie on one, so that one entry can map it. */
#define LARGE_PAGE	(2ULL << 20)

static int vm_create(struct vgpu_dev *dev, uint32_t flags, struct vgpu_vm **out)
{
	struct vgpu_vm_create arg = { .flags = flags };
	struct vgpu_vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (vm)
		vm->va = vgpu_va_create(dev->info.va_start, dev->info.va_end);
	if (!vm || !vm->va) {
		free(vm);
		return vgpu_fail(-ENOMEM, "out of memory");
	}
	vm->dev = dev;
	ret = vgpu_call(dev, VGPU_IOCTL_VM_CREATE, &arg, sizeof(arg));
	if (ret) {
		vgpu_va_destroy(vm->va);
		free(vm);
		return vgpu_fail(ret, "%s: no new address space: %s", dev->path,
				 strerror(-ret));
	}
	vm->handle = arg.handle;
	*out = vm;
	return 0;
}

int vgpu_vm_create(struct vgpu_dev *dev, struct vgpu_vm **vm)
{
	return vm_create(dev, 0, vm);
}

int vgpu_vm_create_pinned(struct vgpu_dev *dev, struct vgpu_vm **vm)
{
	return vm_create(dev, VGPU_VM_PINNED, vm);
}

void vgpu_vm_destroy(struct vgpu_vm *vm)
{
	if (!vm)
		return;
	vgpu_dev_close_handle(vm->dev, vm->handle);
	vgpu_va_destroy(vm->va);
	free(vm);
}

int vgpu_bo_create(struct vgpu_dev *dev, uint64_t bytes, uint32_t flags,
		   uint64_t align, struct vgpu_bo **out)
{
	struct vgpu_bo_create arg = {
		.flags = flags,
		.bytes = bytes,
		.align = align,
	};
	struct vgpu_bo *bo;
	int ret;

	if (!bytes || bytes > UINT64_MAX - VGPU_PAGE)
		return vgpu_fail(-EINVAL, "a buffer of %llu bytes makes no sense",
				 (unsigned long long)bytes);
	bo = calloc(1, sizeof(*bo));
	if (!bo)
		return vgpu_fail(-ENOMEM, "out of memory");
	ret = vgpu_call(dev, VGPU_IOCTL_BO_CREATE, &arg, sizeof(arg));
	if (ret) {
		free(bo);
		return vgpu_fail(ret,
				 "%s: no %llu bytes of %s memory: %s (its quota is %llu bytes of GPU memory)",
				 dev->path, (unsigned long long)bytes,
				 flags & VGPU_BO_HOST ? "system" : "GPU",
				 strerror(-ret),
				 (unsigned long long)dev->info.vram_bytes);
	}
	bo->dev = dev;
	bo->bytes = vgpu_round_up(bytes, VGPU_PAGE);
	bo->flags = flags;
	bo->handle = arg.handle;
	bo->mmap_offset = arg.mmap_offset;
	*out = bo;
	return 0;
}

int vgpu_bo_user(struct vgpu_dev *dev, void *at, uint64_t bytes,
		 struct vgpu_bo **out)
{
	struct vgpu_bo_user arg = { .addr = (uintptr_t)at, .bytes = bytes };
	struct vgpu_bo *bo = calloc(1, sizeof(*bo));
	int ret;

	if (!bo)
		return vgpu_fail(-ENOMEM, "out of memory");
	ret = vgpu_call(dev, VGPU_IOCTL_BO_USER, &arg, sizeof(arg));
	if (ret) {
		free(bo);
		return vgpu_fail(ret, "%s: the GPU can't have the %llu bytes at %p: %s%s",
				 dev->path, (unsigned long long)bytes, at,
				 strerror(-ret), ret == -EDQUOT ?
				 " (ulimit -l says how many)" : "");
	}
	bo->dev = dev;
	bo->bytes = bytes;
	bo->flags = VGPU_BO_HOST;
	bo->handle = arg.handle;
	bo->user = at;
	bo->cpu = at;
	*out = bo;
	return 0;
}

int vgpu_bo_export(struct vgpu_bo *bo, int *fd)
{
	struct vgpu_bo_export arg = { .bo = bo->handle };
	int ret = vgpu_call(bo->dev, VGPU_IOCTL_BO_EXPORT, &arg, sizeof(arg));

	if (ret)
		return vgpu_fail(ret, "%s: the buffer can't be shared: %s",
				 bo->dev->path, strerror(-ret));
	*fd = arg.fd;
	return 0;
}

int vgpu_bo_import(struct vgpu_dev *dev, int fd, struct vgpu_bo **out)
{
	struct vgpu_bo_import arg = { .fd = fd };
	struct vgpu_bo *bo = calloc(1, sizeof(*bo));
	int ret;

	if (!bo)
		return vgpu_fail(-ENOMEM, "out of memory");
	/* ours, for vgpu_bo_cpu(); never 0, which says that there is none */
	bo->dmabuf = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	ret = bo->dmabuf < 0 ? -errno : 0;
	if (!ret) {
		ret = vgpu_call(dev, VGPU_IOCTL_BO_IMPORT, &arg, sizeof(arg));
		if (ret)
			close(bo->dmabuf);
	}
	if (ret) {
		free(bo);
		return vgpu_fail(ret, "%s: descriptor %d is no memory for this vGPU: %s",
				 dev->path, fd, strerror(-ret));
	}
	bo->dev = dev;
	bo->bytes = arg.bytes;
	bo->handle = arg.handle;
	*out = bo;
	return 0;
}

static int map_dmabuf(struct vgpu_bo *bo)
{
	void *at = mmap(NULL, bo->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			bo->dmabuf, 0);

	if (at == MAP_FAILED)
		return -errno;
	bo->cpu = at;
	return 0;
}

int vgpu_bo_map(struct vgpu_bo *bo, struct vgpu_vm *vm, uint32_t prot,
		uint64_t va)
{
	struct vgpu_vm_map arg = {
		.vm = vm->handle,
		.bo = bo->handle,
		.prot = prot,
		.bytes = bo->bytes,
	};
	int ret;

	if (bo->vm)
		return vgpu_fail(-EBUSY, "the buffer is mapped already, at %#llx",
				 (unsigned long long)bo->va);
	if (va == VGPU_VA_ANY)
		ret = vgpu_va_alloc(vm->va, bo->bytes,
				    bo->bytes >= LARGE_PAGE ? LARGE_PAGE :
							      VGPU_PAGE, &va);
	else if (va % VGPU_PAGE)
		return vgpu_fail(-EINVAL,
				 "GPU address %#llx is no multiple of 4096",
				 (unsigned long long)va);
	else
		ret = vgpu_va_take(vm->va, va, bo->bytes);
	if (ret)
		return vgpu_fail(ret,
				 "no room for %llu bytes at GPU address %#llx: %s (the vGPU's go from %#llx to %#llx)",
				 (unsigned long long)bo->bytes,
				 (unsigned long long)va, strerror(-ret),
				 (unsigned long long)vm->dev->info.va_start,
				 (unsigned long long)vm->dev->info.va_end);

	arg.va = va;
	ret = vgpu_call(bo->dev, VGPU_IOCTL_VM_MAP, &arg, sizeof(arg));
	if (ret) {
		vgpu_va_free(vm->va, va);
		return vgpu_fail(ret, "%s: mapping %llu bytes at %#llx failed: %s",
				 bo->dev->path, (unsigned long long)bo->bytes,
				 (unsigned long long)va, strerror(-ret));
	}
	bo->vm = vm;
	bo->va = va;
	return 0;
}

int vgpu_bo_unmap(struct vgpu_bo *bo)
{
	struct vgpu_vm_unmap arg = { .va = bo->va, .bytes = bo->bytes };
	int ret;

	if (!bo->vm)
		return 0;
	arg.vm = bo->vm->handle;
	ret = vgpu_call(bo->dev, VGPU_IOCTL_VM_UNMAP, &arg, sizeof(arg));
	if (ret)
		return vgpu_fail(ret, "%s: unmapping %#llx failed: %s",
				 bo->dev->path, (unsigned long long)bo->va,
				 strerror(-ret));
	vgpu_va_free(bo->vm->va, bo->va);
	bo->vm = NULL;
	bo->va = 0;
	return 0;
}

int vgpu_bo_cpu(struct vgpu_bo *bo, void **cpu)
{
	struct vgpu_transport *t = &bo->dev->transport;
	int ret = 0;

	if (!bo->cpu && bo->dmabuf)
		ret = map_dmabuf(bo);
	else if (!bo->cpu)
		ret = t->map(t->cookie, bo->mmap_offset, bo->bytes,
			     PROT_READ | PROT_WRITE, &bo->cpu);
	if (ret)
		return vgpu_fail(ret, "%s: mmap of a %llu-byte buffer failed: %s",
				 bo->dev->path, (unsigned long long)bo->bytes,
				 strerror(-ret));
	*cpu = bo->cpu;
	return 0;
}

void vgpu_bo_destroy(struct vgpu_bo *bo)
{
	struct vgpu_transport *t;

	if (!bo)
		return;
	t = &bo->dev->transport;
	vgpu_bo_unmap(bo);
	if (bo->cpu && bo->dmabuf)
		munmap(bo->cpu, bo->bytes);
	else if (bo->cpu && !bo->user)
		t->unmap(t->cookie, bo->cpu, bo->bytes);
	if (bo->dmabuf)
		close(bo->dmabuf);
	vgpu_dev_close_handle(bo->dev, bo->handle);
	free(bo);
}

int vgpu_alloc(struct vgpu_vm *vm, uint64_t bytes, uint32_t prot,
	       uint32_t flags, struct vgpu_bo **out)
{
	struct vgpu_bo *bo;
	void *cpu;
	int ret = vgpu_bo_create(vm->dev, bytes, flags, 0, &bo);

	if (ret)
		return ret;
	ret = vgpu_bo_map(bo, vm, prot, VGPU_VA_ANY);
	if (!ret)
		ret = vgpu_bo_cpu(bo, &cpu);
	if (ret) {
		vgpu_bo_destroy(bo);
		return ret;
	}
	*out = bo;
	return 0;
}
