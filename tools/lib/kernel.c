// SPDX-License-Identifier: GPL-2.0
/* Programs in an address space: a buffer for each segment of the file. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "priv.h"
#include "vgpu_elf.h"

struct vgpu_kernel {
	struct vgpu_elf elf;
	void *image;		/* our copy: symbols are looked up later */
	struct vgpu_bo *segments[VGPU_ELF_MAX_SEGMENTS];
};

static int load_segment(struct vgpu_vm *vm, const struct vgpu_elf *elf,
			const struct vgpu_elf_segment *segment,
			struct vgpu_bo **out)
{
	uint64_t base = segment->va & ~(VGPU_PAGE - 1);
	uint64_t skip = segment->va - base;
	struct vgpu_bo *bo;
	void *cpu;
	int ret = vgpu_bo_create(vm->dev, skip + segment->mem_bytes, 0, 0, &bo);

	if (ret)
		return ret;
	ret = vgpu_bo_cpu(bo, &cpu);
	if (!ret) {
		/* The rest is zero as memory is made. */
		memcpy((uint8_t *)cpu + skip, elf->image + segment->file_offset,
		       segment->file_bytes);
		ret = vgpu_bo_map(bo, vm, segment->prot, base);
	}
	if (ret) {
		vgpu_bo_destroy(bo);
		return ret;
	}
	*out = bo;
	return 0;
}

/* Takes @image over, also when it fails. */
static int load_image(struct vgpu_vm *vm, void *image, size_t bytes,
		      struct vgpu_kernel **out)
{
	struct vgpu_kernel *kernel = calloc(1, sizeof(*kernel));
	int ret;

	if (!kernel) {
		free(image);
		return vgpu_fail(-ENOMEM, "out of memory");
	}
	kernel->image = image;
	ret = vgpu_elf_parse(image, bytes, &kernel->elf);
	for (unsigned int i = 0; !ret && i < kernel->elf.segment_count; i++)
		ret = load_segment(vm, &kernel->elf, &kernel->elf.segments[i],
				   &kernel->segments[i]);
	if (ret) {
		vgpu_kernel_destroy(kernel);
		return ret;
	}
	*out = kernel;
	return 0;
}

int vgpu_kernel_load_memory(struct vgpu_vm *vm, const void *image,
			    size_t bytes, struct vgpu_kernel **kernel)
{
	void *copy = malloc(bytes ?: 1);

	if (!copy)
		return vgpu_fail(-ENOMEM, "out of memory");
	memcpy(copy, image, bytes);
	return load_image(vm, copy, bytes, kernel);
}

static int read_all(int fd, uint8_t *to, size_t bytes)
{
	while (bytes) {
		ssize_t got = read(fd, to, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		to += got;
		bytes -= (size_t)got;
	}
	return 0;
}

int vgpu_kernel_load(struct vgpu_vm *vm, const char *path,
		     struct vgpu_kernel **kernel)
{
	struct stat st;
	void *image;
	int ret;
	/* Not to be held up by a FIFO that somebody named. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		ret = -errno;
		return vgpu_fail(ret, "cannot open %s: %s", path,
				 strerror(-ret));
	}
	if (fstat(fd, &st)) {
		ret = vgpu_fail(-errno, "cannot look at %s: %s", path,
				strerror(errno));
		goto err_close;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = vgpu_fail(-ENOEXEC, "%s is no file", path);
		goto err_close;
	}
	if ((uint64_t)st.st_size > VGPU_ELF_MAX_BYTES) {
		ret = vgpu_fail(-ENOEXEC, "%s is too big for a GPU program",
				path);
		goto err_close;
	}
	image = malloc((size_t)st.st_size ?: 1);
	if (!image) {
		ret = vgpu_fail(-ENOMEM, "out of memory");
		goto err_close;
	}
	ret = read_all(fd, image, (size_t)st.st_size);
	close(fd);
	if (ret) {
		free(image);
		return vgpu_fail(ret, "cannot read %s: %s", path,
				 strerror(-ret));
	}
	ret = load_image(vm, image, (size_t)st.st_size, kernel);
	if (ret)
		return vgpu_fail(ret, "%s: %s", path, vgpu_error());
	return 0;

err_close:
	close(fd);
	return ret;
}

void vgpu_kernel_destroy(struct vgpu_kernel *kernel)
{
	if (!kernel)
		return;
	for (unsigned int i = 0; i < VGPU_ELF_MAX_SEGMENTS; i++)
		vgpu_bo_destroy(kernel->segments[i]);
	free(kernel->image);
	free(kernel);
}

int vgpu_kernel_symbol(const struct vgpu_kernel *kernel, const char *symbol,
		       uint64_t *va, uint64_t *bytes)
{
	int ret = vgpu_elf_symbol(&kernel->elf, symbol, va, bytes);

	if (ret)
		return vgpu_fail(ret, "the program has no symbol '%s'", symbol);
	return 0;
}

int vgpu_kernel_entry(const struct vgpu_kernel *kernel, const char *symbol,
		      uint64_t *entry)
{
	uint64_t va;
	int ret;

	if (!symbol) {
		*entry = kernel->elf.entry;
		return 0;
	}
	ret = vgpu_kernel_symbol(kernel, symbol, &va, NULL);
	if (ret)
		return ret;
	if (!vgpu_elf_is_code(&kernel->elf, va))
		return vgpu_fail(-ENOEXEC,
				 "symbol '%s' of the program is no code", symbol);
	*entry = va;
	return 0;
}
