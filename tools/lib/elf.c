// SPDX-License-Identifier: GPL-2.0
/*
 * The ELF reader.  Every number of the file is hostile until compared: the
 * pattern is always "offset <= whole && length <= whole - offset", which does
 * not overflow.  Everything is checked at the start, so that what comes after
 * a successful vgpu_elf_parse() can rely on it.
 */
#include <elf.h>
#include <string.h>

#include "priv.h"
#include "vgpu_elf.h"

/* Flags of e_flags, from the RISC-V psABI. */
#define RISCV_RVC		0x1
#define RISCV_FLOAT_ABI		0x6
#define RISCV_RVE		0x8

#define MAX_HEADERS		64
#define MAX_SECTIONS		4096

static uint64_t read_le(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

#define field(at, type, member)						\
	read_le((at) + offsetof(type, member), sizeof(((type *)0)->member))

static int refuse(const char *reason)
{
	return vgpu_fail(-ENOEXEC, "not a GPU program: %s", reason);
}

static int refuse_at(const char *what, uint64_t index, const char *reason)
{
	return vgpu_fail(-ENOEXEC, "not a GPU program: %s %llu %s", what,
			 (unsigned long long)index, reason);
}

static int inside(const struct vgpu_elf *elf, uint64_t offset, uint64_t bytes)
{
	return offset <= elf->bytes && bytes <= elf->bytes - offset;
}

static int check_header(const struct vgpu_elf *elf)
{
	const uint8_t *h = elf->image;
	uint64_t flags;

	if (elf->bytes < sizeof(Elf64_Ehdr))
		return refuse("the file is shorter than an ELF header");
	if (memcmp(h, ELFMAG, SELFMAG))
		return refuse("no ELF file");
	if (h[EI_CLASS] != ELFCLASS64)
		return refuse("not 64-bit; build with -march=rv64ima_zicsr -mabi=lp64");
	if (h[EI_DATA] != ELFDATA2LSB)
		return refuse("not little-endian");
	if (h[EI_VERSION] != EV_CURRENT ||
	    field(h, Elf64_Ehdr, e_version) != EV_CURRENT)
		return refuse("unknown ELF version");
	if (field(h, Elf64_Ehdr, e_machine) != EM_RISCV)
		return refuse("not for RISC-V; build with a riscv64 compiler");
	if (field(h, Elf64_Ehdr, e_type) != ET_EXEC)
		return refuse("not a static executable; link with -static -nostdlib and without -pie");
	flags = field(h, Elf64_Ehdr, e_flags);
	if (flags & RISCV_RVC)
		return refuse("it has compressed instructions; build with -march=rv64ima_zicsr");
	if (flags & RISCV_FLOAT_ABI)
		return refuse("it uses floating-point registers; build with -mabi=lp64");
	if (flags & RISCV_RVE)
		return refuse("it is for 16 registers (RVE)");
	if (field(h, Elf64_Ehdr, e_ehsize) != sizeof(Elf64_Ehdr))
		return refuse("odd length of the ELF header");
	return 0;
}

static int check_segment(const struct vgpu_elf *elf, unsigned int index,
			 const uint8_t *p, struct vgpu_elf_segment *segment)
{
	uint64_t align = field(p, Elf64_Phdr, p_align);
	uint64_t flags = field(p, Elf64_Phdr, p_flags);

	segment->va = field(p, Elf64_Phdr, p_vaddr);
	segment->file_offset = field(p, Elf64_Phdr, p_offset);
	segment->file_bytes = field(p, Elf64_Phdr, p_filesz);
	segment->mem_bytes = field(p, Elf64_Phdr, p_memsz);
	segment->prot = (flags & PF_R ? VGPU_PROT_READ : 0) |
			(flags & PF_W ? VGPU_PROT_WRITE : 0) |
			(flags & PF_X ? VGPU_PROT_EXEC : 0);

	if (!inside(elf, segment->file_offset, segment->file_bytes))
		return refuse_at("segment", index, "reaches beyond the end of the file (truncated?)");
	if (segment->mem_bytes < segment->file_bytes)
		return refuse_at("segment", index, "has more bytes in the file than in memory");
	if (segment->mem_bytes > VGPU_ELF_MAX_BYTES)
		return refuse_at("segment", index, "is too big");
	if (segment->va >= VGPU_ELF_VA_END ||
	    segment->mem_bytes > VGPU_ELF_VA_END - segment->va)
		return refuse_at("segment", index, "lies outside of the address space");
	if (flags & ~(uint64_t)(PF_R | PF_W | PF_X))
		return refuse_at("segment", index, "has unknown flags");
	if (!segment->prot)
		return refuse_at("segment", index, "has no permissions");
	if (align & (align - 1))
		return refuse_at("segment", index, "has an alignment that is no power of two");
	if (align > 1 && (segment->va - segment->file_offset) & (align - 1))
		return refuse_at("segment", index, "breaks its own alignment");
	return 0;
}

/* Pages, not bytes: permissions are those of pages. */
static int overlap(const struct vgpu_elf_segment *a,
		   const struct vgpu_elf_segment *b)
{
	uint64_t a_end = vgpu_round_up(a->va + a->mem_bytes, VGPU_PAGE);
	uint64_t b_end = vgpu_round_up(b->va + b->mem_bytes, VGPU_PAGE);

	return a->va / VGPU_PAGE * VGPU_PAGE < b_end &&
	       b->va / VGPU_PAGE * VGPU_PAGE < a_end;
}

static int read_segments(struct vgpu_elf *elf)
{
	const uint8_t *h = elf->image;
	uint64_t offset = field(h, Elf64_Ehdr, e_phoff);
	uint64_t count = field(h, Elf64_Ehdr, e_phnum);
	uint64_t total = 0;

	if (!count)
		return refuse("it has no segments (an object file? link it)");
	if (count > MAX_HEADERS)
		return refuse("it has too many program headers");
	if (field(h, Elf64_Ehdr, e_phentsize) != sizeof(Elf64_Phdr))
		return refuse("odd length of program headers");
	if (!inside(elf, offset, count * sizeof(Elf64_Phdr)))
		return refuse("program headers reach beyond the end of the file (truncated?)");

	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *p = h + offset + i * sizeof(Elf64_Phdr);
		struct vgpu_elf_segment segment;
		int ret;

		switch (field(p, Elf64_Phdr, p_type)) {
		case PT_LOAD:
			break;
		case PT_INTERP:
		case PT_DYNAMIC:
			return refuse("it is linked dynamically; link with -static");
		case PT_TLS:
			return refuse("it has thread-local variables, lanes have none");
		default:
			continue;	/* notes, stack flags, attributes */
		}
		/* Linkers leave empty ones, with addresses that mean nothing. */
		if (!field(p, Elf64_Phdr, p_memsz) &&
		    !field(p, Elf64_Phdr, p_filesz))
			continue;
		ret = check_segment(elf, i, p, &segment);
		if (ret)
			return ret;
		for (unsigned int j = 0; j < elf->segment_count; j++)
			if (overlap(&elf->segments[j], &segment))
				return refuse_at("segment", i, "shares a page with another; link with programs/kernel.ld or -z separate-code");
		if (elf->segment_count == VGPU_ELF_MAX_SEGMENTS)
			return refuse("it has too many segments");
		total += segment.mem_bytes;
		if (total > VGPU_ELF_MAX_BYTES)
			return refuse("it is too big");
		elf->segments[elf->segment_count++] = segment;
	}
	if (!elf->segment_count)
		return refuse("it has nothing to load");
	return 0;
}

/* Symbols are optional, but when there are some, they must make sense. */
static int read_symbols(struct vgpu_elf *elf)
{
	const uint8_t *h = elf->image;
	uint64_t offset = field(h, Elf64_Ehdr, e_shoff);
	uint64_t count = field(h, Elf64_Ehdr, e_shnum);
	const uint8_t *sections, *strings;

	if (!offset && !count)
		return 0;
	if (!count || count > MAX_SECTIONS)
		return refuse("it has no or too many section headers");
	if (field(h, Elf64_Ehdr, e_shentsize) != sizeof(Elf64_Shdr))
		return refuse("odd length of section headers");
	if (!inside(elf, offset, count * sizeof(Elf64_Shdr)))
		return refuse("section headers reach beyond the end of the file (truncated?)");
	sections = h + offset;

	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *s = sections + i * sizeof(Elf64_Shdr);
		uint64_t bytes = field(s, Elf64_Shdr, sh_size);
		uint64_t link = field(s, Elf64_Shdr, sh_link);

		if (field(s, Elf64_Shdr, sh_type) != SHT_SYMTAB)
			continue;
		if (elf->symbols)
			return refuse("it has two symbol tables");
		elf->symbols = field(s, Elf64_Shdr, sh_offset);
		if (!elf->symbols || !inside(elf, elf->symbols, bytes))
			return refuse("the symbol table reaches beyond the end of the file (truncated?)");
		if (field(s, Elf64_Shdr, sh_entsize) != sizeof(Elf64_Sym) ||
		    bytes % sizeof(Elf64_Sym))
			return refuse("odd length of symbols");
		elf->symbol_count = bytes / sizeof(Elf64_Sym);

		if (link >= count)
			return refuse("the symbols' names are in no section");
		strings = sections + link * sizeof(Elf64_Shdr);
		if (field(strings, Elf64_Shdr, sh_type) != SHT_STRTAB)
			return refuse("the symbols' names are in no string table");
		elf->strings = field(strings, Elf64_Shdr, sh_offset);
		elf->string_bytes = field(strings, Elf64_Shdr, sh_size);
		if (!elf->string_bytes ||
		    !inside(elf, elf->strings, elf->string_bytes))
			return refuse("the string table reaches beyond the end of the file (truncated?)");
		if (h[elf->strings + elf->string_bytes - 1])
			return refuse("the string table does not end");
	}
	for (uint64_t i = 0; i < elf->symbol_count; i++) {
		const uint8_t *s = h + elf->symbols + i * sizeof(Elf64_Sym);

		if (field(s, Elf64_Sym, st_name) >= elf->string_bytes)
			return refuse_at("the name of symbol", i, "lies outside of the string table");
	}
	return 0;
}

int vgpu_elf_is_code(const struct vgpu_elf *elf, uint64_t va)
{
	if (va % 4)
		return 0;
	for (unsigned int i = 0; i < elf->segment_count; i++) {
		const struct vgpu_elf_segment *s = &elf->segments[i];

		/* In the bytes of the file: zeroes are no instruction. */
		if (s->prot & VGPU_PROT_EXEC && va >= s->va &&
		    s->file_bytes >= 4 && va - s->va <= s->file_bytes - 4)
			return 1;
	}
	return 0;
}

int vgpu_elf_parse(const void *image, size_t bytes, struct vgpu_elf *elf)
{
	int ret;

	memset(elf, 0, sizeof(*elf));
	elf->image = image;
	elf->bytes = bytes;
	if (bytes > VGPU_ELF_MAX_BYTES)
		return refuse("the file is too big");
	ret = check_header(elf);
	if (!ret)
		ret = read_segments(elf);
	if (!ret)
		ret = read_symbols(elf);
	if (ret)
		return ret;
	elf->entry = field(elf->image, Elf64_Ehdr, e_entry);
	if (!vgpu_elf_is_code(elf, elf->entry))
		return refuse("its entry is not in an executable segment");
	return 0;
}

int vgpu_elf_symbol(const struct vgpu_elf *elf, const char *name,
		    uint64_t *value, uint64_t *size)
{
	for (uint64_t i = 0; i < elf->symbol_count; i++) {
		const uint8_t *s = elf->image + elf->symbols +
				   i * sizeof(Elf64_Sym);
		uint64_t at = elf->strings + field(s, Elf64_Sym, st_name);
		unsigned int type = ELF64_ST_TYPE(field(s, Elf64_Sym, st_info));

		if (field(s, Elf64_Sym, st_shndx) == SHN_UNDEF ||
		    ELF64_ST_BIND(field(s, Elf64_Sym, st_info)) == STB_LOCAL ||
		    (type != STT_NOTYPE && type != STT_OBJECT &&
		     type != STT_FUNC))
			continue;
		if (strcmp((const char *)elf->image + at, name))
			continue;
		*value = field(s, Elf64_Sym, st_value);
		if (size)
			*size = field(s, Elf64_Sym, st_size);
		return 0;
	}
	return -ENOENT;
}
