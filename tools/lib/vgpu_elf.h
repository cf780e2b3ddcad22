/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a GPU program: a static, soft-float RV64IMA executable.  The file is
 * not trusted.  Nothing is allocated, and no pointer into the image is ever
 * dereferenced other than byte by byte, inside of its bounds.
 */
#ifndef LIBVGPU_VGPU_ELF_H
#define LIBVGPU_VGPU_ELF_H

#include <stddef.h>
#include <stdint.h>

#define VGPU_ELF_MAX_SEGMENTS	16
#define VGPU_ELF_MAX_BYTES	(1ULL << 30)	/* of the file, of a segment */
#define VGPU_ELF_VA_END		(1ULL << 47)

struct vgpu_elf_segment {
	uint64_t va;
	uint64_t file_offset;
	uint64_t file_bytes;
	uint64_t mem_bytes;	/* at least file_bytes; the rest is zero */
	uint32_t prot;		/* VGPU_PROT_* */
};

struct vgpu_elf {
	const uint8_t *image;	/* borrowed from the caller of vgpu_elf_parse() */
	size_t bytes;
	uint64_t entry;
	unsigned int segment_count;
	struct vgpu_elf_segment segments[VGPU_ELF_MAX_SEGMENTS];
	uint64_t symbols;	/* file offset of the symbol table */
	uint64_t symbol_count;
	uint64_t strings;	/* file offset of its names, which end in NUL */
	uint64_t string_bytes;
};

/* 0, or -ENOEXEC with the reason in vgpu_error(). */
int vgpu_elf_parse(const void *image, size_t bytes, struct vgpu_elf *elf);

/* Finds a defined global symbol; -ENOENT without. @size may be NULL. */
int vgpu_elf_symbol(const struct vgpu_elf *elf, const char *name,
		    uint64_t *value, uint64_t *size);

/* True when @va is the address of an instruction in an executable segment. */
int vgpu_elf_is_code(const struct vgpu_elf *elf, uint64_t va);

#endif /* LIBVGPU_VGPU_ELF_H */
