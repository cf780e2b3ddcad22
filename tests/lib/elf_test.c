// SPDX-License-Identifier: GPL-2.0
/*
 * The ELF reader against hostile files.  Each shape is a good file with one
 * thing wrong; then files mutated at random, by a seed (first argument) that
 * is printed, for as many rounds as the second says.  Images lie in memory of
 * exactly their length, so that sanitizers and valgrind see a step over it.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "vgpu.h"
#include "vgpu_elf.h"

/* A good file: code and data, three symbols. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];		/* two of them used */
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[4];
	char names[32];
	uint32_t code[64];
	uint64_t data[16];
};

#define CODE_VA		0x40000000ULL
#define DATA_VA		0x40002000ULL
#define AT(member)	offsetof(struct image, member)

static void build(struct image *i)
{
	memset(i, 0, sizeof(*i));
	memcpy(i->header.e_ident, ELFMAG, SELFMAG);
	i->header.e_ident[EI_CLASS] = ELFCLASS64;
	i->header.e_ident[EI_DATA] = ELFDATA2LSB;
	i->header.e_ident[EI_VERSION] = EV_CURRENT;
	i->header.e_type = ET_EXEC;
	i->header.e_machine = EM_RISCV;
	i->header.e_version = EV_CURRENT;
	i->header.e_entry = CODE_VA + AT(code) % 4096;
	i->header.e_phoff = AT(segments);
	i->header.e_shoff = AT(sections);
	i->header.e_ehsize = sizeof(Elf64_Ehdr);
	i->header.e_phentsize = sizeof(Elf64_Phdr);
	i->header.e_phnum = 2;
	i->header.e_shentsize = sizeof(Elf64_Shdr);
	i->header.e_shnum = 3;

	i->segments[0] = (Elf64_Phdr) {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = AT(code),
		.p_vaddr = CODE_VA + AT(code) % 4096,
		.p_filesz = sizeof(i->code),
		.p_memsz = sizeof(i->code),
		.p_align = 4096,
	};
	i->segments[1] = (Elf64_Phdr) {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = AT(data),
		.p_vaddr = DATA_VA + AT(data) % 4096,
		.p_filesz = sizeof(i->data),
		.p_memsz = 8192,
		.p_align = 4096,
	};
	i->sections[1] = (Elf64_Shdr) {
		.sh_type = SHT_SYMTAB,
		.sh_offset = AT(symbols),
		.sh_size = sizeof(i->symbols),
		.sh_link = 2,
		.sh_entsize = sizeof(Elf64_Sym),
	};
	i->sections[2] = (Elf64_Shdr) {
		.sh_type = SHT_STRTAB,
		.sh_offset = AT(names),
		.sh_size = sizeof(i->names),
	};
	memcpy(i->names, "\0kernel\0table\0hidden\0else", 26);
	i->symbols[1] = (Elf64_Sym) {
		.st_name = 1,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = i->header.e_entry + 8,
		.st_size = 16,
	};
	i->symbols[2] = (Elf64_Sym) {
		.st_name = 8,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
		.st_shndx = 1,
		.st_value = DATA_VA + AT(data) % 4096,
	};
	i->symbols[3] = (Elf64_Sym) {
		.st_name = 14,
		.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = i->header.e_entry,
	};
	for (unsigned int n = 0; n < 64; n++)
		i->code[n] = 0x00000013;	/* nop */
}

/* Parses a copy that ends where the file ends. */
static int parse(const void *image, size_t bytes, struct vgpu_elf *elf,
		 uint8_t **copy)
{
	*copy = malloc(bytes ? bytes : 1);
	memcpy(*copy, image, bytes);
	return vgpu_elf_parse(*copy, bytes, elf);
}

/* ---- shapes -------------------------------------------------------------------- */

struct shape {
	const char *name;
	void (*spoil)(struct image *image);
	const char *says;	/* part of the sentence */
};

#define SHAPE(fn, ...)	static void fn(struct image *i) { __VA_ARGS__; }

SHAPE(no_magic, i->header.e_ident[1] = 'X')
SHAPE(class32, i->header.e_ident[EI_CLASS] = ELFCLASS32)
SHAPE(class_none, i->header.e_ident[EI_CLASS] = ELFCLASSNONE)
SHAPE(big_endian, i->header.e_ident[EI_DATA] = ELFDATA2MSB)
SHAPE(ident_version, i->header.e_ident[EI_VERSION] = 9)
SHAPE(version, i->header.e_version = 0)
SHAPE(x86, i->header.e_machine = EM_X86_64)
SHAPE(object_file, i->header.e_type = ET_REL)
SHAPE(shared_object, i->header.e_type = ET_DYN)
SHAPE(core_file, i->header.e_type = ET_CORE)
SHAPE(compressed, i->header.e_flags = 1)
SHAPE(hard_float, i->header.e_flags = 4)
SHAPE(rve, i->header.e_flags = 8)
SHAPE(header_length, i->header.e_ehsize = 52)
SHAPE(no_segments, i->header.e_phnum = 0)
SHAPE(many_segments, i->header.e_phnum = PN_XNUM)
SHAPE(phentsize_zero, i->header.e_phentsize = 0)
SHAPE(phentsize_odd, i->header.e_phentsize = 57)
SHAPE(phoff_beyond, i->header.e_phoff = sizeof(*i) - 1)
SHAPE(phoff_wraps, i->header.e_phoff = UINT64_MAX - 8)
SHAPE(phoff_huge, i->header.e_phoff = 1ULL << 63)
SHAPE(offset_beyond, i->segments[0].p_offset += 1ULL << 20)
SHAPE(offset_wraps, i->segments[0].p_offset = UINT64_MAX - 4095 + AT(code) % 4096)
SHAPE(filesz_beyond, i->segments[1].p_filesz = i->segments[1].p_memsz)
SHAPE(filesz_wraps, i->segments[1].p_filesz = UINT64_MAX;
	i->segments[1].p_memsz = UINT64_MAX)
SHAPE(filesz_over_memsz, i->segments[0].p_memsz = 8)
SHAPE(memsz_huge, i->segments[1].p_memsz = 1ULL << 40)
SHAPE(memsz_wraps, i->segments[1].p_memsz = UINT64_MAX)
SHAPE(va_kernel_half, i->segments[1].p_vaddr += 0xffff800000000000ULL)
SHAPE(va_wraps, i->segments[1].p_vaddr = UINT64_MAX - 4095 + AT(data) % 4096)
SHAPE(va_over_end, i->segments[1].p_vaddr = VGPU_ELF_VA_END - 4096 + AT(data) % 4096)
SHAPE(no_permission, i->segments[1].p_flags = 0)
SHAPE(odd_permission, i->segments[1].p_flags |= 8)
SHAPE(align_odd, i->segments[1].p_align = 4097)
SHAPE(align_huge, i->segments[1].p_align = 1ULL << 62)
SHAPE(align_broken, i->segments[1].p_vaddr += 8)
SHAPE(same_place, i->segments[1] = i->segments[0])
SHAPE(inside_another, i->segments[0].p_memsz = 0x10000)
SHAPE(shared_page, i->segments[1].p_vaddr -= 0x2000)
SHAPE(interpreter, i->header.e_phnum = 3; i->segments[2].p_type = PT_INTERP)
SHAPE(dynamic, i->header.e_phnum = 3; i->segments[2].p_type = PT_DYNAMIC)
SHAPE(tls, i->header.e_phnum = 3; i->segments[2].p_type = PT_TLS)
SHAPE(only_notes, i->segments[0].p_type = PT_NOTE;
	i->segments[1].p_type = PT_NOTE)
SHAPE(only_empty, i->segments[0].p_filesz = 0; i->segments[0].p_memsz = 0;
	i->segments[1].p_filesz = 0; i->segments[1].p_memsz = 0)
SHAPE(entry_zero, i->header.e_entry = 0)
SHAPE(entry_in_data, i->header.e_entry = i->segments[1].p_vaddr)
SHAPE(entry_odd, i->header.e_entry += 2)
SHAPE(entry_at_end, i->header.e_entry = i->segments[0].p_vaddr +
	i->segments[0].p_filesz)
SHAPE(entry_before, i->header.e_entry -= 4)
SHAPE(entry_in_zeroes, i->segments[0].p_memsz = 4096;
	i->header.e_entry = i->segments[0].p_vaddr + i->segments[0].p_filesz)
SHAPE(shoff_beyond, i->header.e_shoff = sizeof(*i))
SHAPE(shoff_wraps, i->header.e_shoff = UINT64_MAX - 63)
SHAPE(shnum_huge, i->header.e_shnum = 0xffff)
SHAPE(shnum_zero, i->header.e_shnum = 0)
SHAPE(shentsize, i->header.e_shentsize = 40)
SHAPE(symtab_beyond, i->sections[1].sh_offset = sizeof(*i) - 24)
SHAPE(symtab_at_zero, i->sections[1].sh_offset = 0)
SHAPE(symtab_wraps, i->sections[1].sh_size = UINT64_MAX - 23)
SHAPE(symtab_uneven, i->sections[1].sh_size -= 1)
SHAPE(symtab_entsize, i->sections[1].sh_entsize = 0)
SHAPE(two_symtabs, i->sections[0] = i->sections[1])
SHAPE(link_beyond, i->sections[1].sh_link = 3)
SHAPE(link_to_symbols, i->sections[1].sh_link = 1)
SHAPE(names_beyond, i->sections[2].sh_size = UINT64_MAX)
SHAPE(names_empty, i->sections[2].sh_size = 0)
SHAPE(names_open, i->names[31] = 'x')
SHAPE(name_beyond, i->symbols[2].st_name = 32)
SHAPE(name_huge, i->symbols[2].st_name = UINT32_MAX)

static const struct shape shapes[] = {
	{ "no magic number", no_magic, "no ELF" },
	{ "32-bit", class32, "64-bit" },
	{ "no class", class_none, "64-bit" },
	{ "big-endian", big_endian, "little-endian" },
	{ "unknown version in the identification", ident_version, "version" },
	{ "version zero", version, "version" },
	{ "for another machine", x86, "RISC-V" },
	{ "an object file", object_file, "executable" },
	{ "a shared object", shared_object, "executable" },
	{ "a core file", core_file, "executable" },
	{ "compressed instructions", compressed, "compressed" },
	{ "floating-point registers", hard_float, "floating" },
	{ "16 registers", rve, "RVE" },
	{ "odd header length", header_length, "header" },
	{ "no program headers", no_segments, "no segments" },
	{ "65535 program headers", many_segments, "too many" },
	{ "program headers of length zero", phentsize_zero, "odd length" },
	{ "program headers of odd length", phentsize_odd, "odd length" },
	{ "program headers beyond the end", phoff_beyond, "beyond" },
	{ "program headers that wrap around", phoff_wraps, "beyond" },
	{ "program headers at 2^63", phoff_huge, "beyond" },
	{ "segment beyond the end", offset_beyond, "beyond" },
	{ "segment offset that wraps around", offset_wraps, "beyond" },
	{ "segment longer than the file", filesz_beyond, "beyond" },
	{ "segment of 2^64 - 1 bytes", filesz_wraps, "beyond" },
	{ "more bytes in the file than in memory", filesz_over_memsz, "more bytes" },
	{ "a terabyte of zeroes", memsz_huge, "too big" },
	{ "2^64 - 1 bytes of zeroes", memsz_wraps, "too big" },
	{ "address in the upper half", va_kernel_half, "address space" },
	{ "address that wraps around", va_wraps, "address space" },
	{ "address range over the end", va_over_end, "address space" },
	{ "no permissions", no_permission, "permissions" },
	{ "unknown permissions", odd_permission, "flags" },
	{ "alignment no power of two", align_odd, "power of two" },
	{ "alignment of 2^62", align_huge, "alignment" },
	{ "address against its alignment", align_broken, "alignment" },
	{ "two segments at one place", same_place, "shares a page" },
	{ "a segment inside another", inside_another, "shares a page" },
	{ "two segments on one page", shared_page, "shares a page" },
	{ "wants an interpreter", interpreter, "dynamically" },
	{ "dynamic", dynamic, "dynamically" },
	{ "thread-local storage", tls, "thread-local" },
	{ "notes only", only_notes, "nothing to load" },
	{ "empty segments only", only_empty, "nothing to load" },
	{ "entry zero", entry_zero, "entry" },
	{ "entry in data", entry_in_data, "entry" },
	{ "entry at an odd address", entry_odd, "entry" },
	{ "entry at the end of code", entry_at_end, "entry" },
	{ "entry before the code", entry_before, "entry" },
	{ "entry in the zeroes after the code", entry_in_zeroes, "entry" },
	{ "section headers beyond the end", shoff_beyond, "beyond" },
	{ "section headers that wrap around", shoff_wraps, "beyond" },
	{ "65535 section headers", shnum_huge, "section headers" },
	{ "section headers without a count", shnum_zero, "section headers" },
	{ "section headers of odd length", shentsize, "odd length" },
	{ "symbols beyond the end", symtab_beyond, "beyond" },
	{ "symbols at offset zero", symtab_at_zero, "beyond" },
	{ "symbols that wrap around", symtab_wraps, "beyond" },
	{ "a fraction of a symbol", symtab_uneven, "odd length" },
	{ "symbols of length zero", symtab_entsize, "odd length" },
	{ "two symbol tables", two_symtabs, "two symbol tables" },
	{ "names in a section that is not there", link_beyond, "no section" },
	{ "names in the symbol table", link_to_symbols, "no string table" },
	{ "names beyond the end", names_beyond, "beyond" },
	{ "no names", names_empty, "beyond" },
	{ "names that do not end", names_open, "does not end" },
	{ "a name just beyond", name_beyond, "outside" },
	{ "a name far beyond", name_huge, "outside" },
};

static void test_shapes(void)
{
	for (unsigned int n = 0; n < sizeof(shapes) / sizeof(*shapes); n++) {
		struct vgpu_elf elf;
		struct image image;
		uint8_t *copy;
		int ret;

		build(&image);
		shapes[n].spoil(&image);
		ret = parse(&image, sizeof(image), &elf, &copy);
		tap(ret == -ENOEXEC && strstr(vgpu_error(), shapes[n].says),
		    "refused: %s (%d: %s)", shapes[n].name, ret, vgpu_error());
		free(copy);
	}
}

/* ---- good files ---------------------------------------------------------------- */

static void test_good(void)
{
	struct vgpu_elf elf;
	struct image image;
	uint64_t value, size;
	uint8_t *copy;

	build(&image);
	tap(!parse(&image, sizeof(image), &elf, &copy) &&
	    elf.segment_count == 2 && elf.entry == image.header.e_entry &&
	    elf.segments[0].prot == (VGPU_PROT_READ | VGPU_PROT_EXEC) &&
	    elf.segments[1].prot == (VGPU_PROT_READ | VGPU_PROT_WRITE) &&
	    elf.segments[1].mem_bytes == 8192, "a good file is read");
	tap(!vgpu_elf_symbol(&elf, "kernel", &value, &size) &&
	    value == elf.entry + 8 && size == 16 &&
	    vgpu_elf_is_code(&elf, value), "a function is found");
	tap(!vgpu_elf_symbol(&elf, "table", &value, NULL) &&
	    !vgpu_elf_is_code(&elf, value), "a variable is found, and is no code");
	tap(vgpu_elf_symbol(&elf, "hidden", &value, NULL) == -ENOENT,
	    "a local symbol is not found");
	tap(vgpu_elf_symbol(&elf, "", &value, NULL) == -ENOENT &&
	    vgpu_elf_symbol(&elf, "kern", &value, NULL) == -ENOENT &&
	    vgpu_elf_symbol(&elf, "kernel ", &value, NULL) == -ENOENT,
	    "neither are parts of names");
	free(copy);

	build(&image);
	image.header.e_shoff = 0;
	image.header.e_shnum = 0;
	tap(!parse(&image, sizeof(image), &elf, &copy) &&
	    vgpu_elf_symbol(&elf, "kernel", &value, NULL) == -ENOENT,
	    "a file without sections is read, and has no symbols");
	free(copy);

	build(&image);
	image.header.e_phnum = 4;
	image.segments[2].p_type = PT_NOTE;
	image.segments[3] = (Elf64_Phdr) { .p_type = PT_LOAD, .p_offset = 3,
					  .p_align = 4096 };
	tap(!parse(&image, sizeof(image), &elf, &copy) &&
	    elf.segment_count == 2, "notes and empty segments are skipped");
	free(copy);
}

static void test_truncated(void)
{
	unsigned int bad = 0;
	struct image image;

	build(&image);
	for (size_t bytes = 0; bytes < sizeof(image); bytes++) {
		struct vgpu_elf elf;
		uint8_t *copy;

		if (parse(&image, bytes, &elf, &copy) != -ENOEXEC) {
			printf("# accepted when cut to %zu bytes\n", bytes);
			bad++;
		}
		free(copy);
	}
	tap(!bad, "refused when cut anywhere (%zu places)", sizeof(image));
}

/* ---- random ones ---------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static const uint64_t nasty[] = {
	0, 1, 2, 3, 4, 7, 8, 24, 56, 63, 64, 65, 4095, 4096, 4097,
	0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, CODE_VA, DATA_VA, VGPU_ELF_VA_END, VGPU_ELF_VA_END - 1,
	INT64_MAX, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 4095,
	sizeof(struct image), sizeof(struct image) - 1,
};

static void mutate(uint8_t *image, size_t bytes)
{
	unsigned int times = 1 + next_random() % 4;

	while (times--) {
		/* Mostly in what is not code. */
		size_t at = next_random() % (next_random() % 8 ? AT(code) : bytes);
		unsigned int width = 1u << next_random() % 4;
		uint64_t value = nasty[next_random() %
				       (sizeof(nasty) / sizeof(*nasty))];

		switch (next_random() % 3) {
		case 0:
			image[at] ^= 1u << next_random() % 8;
			break;
		case 1:
			value = next_random();
			/* fall through */
		default:
			at &= ~(size_t)(width - 1);
			if (at + width <= bytes)
				memcpy(image + at, &value, width);
		}
	}
}

/* What everybody relies on after a file was accepted. */
static bool sane(const struct vgpu_elf *elf, size_t bytes)
{
	bool entry = false;

	if (!elf->segment_count || elf->segment_count > VGPU_ELF_MAX_SEGMENTS)
		return false;
	for (unsigned int i = 0; i < elf->segment_count; i++) {
		const struct vgpu_elf_segment *s = &elf->segments[i];

		if (s->file_offset > bytes ||
		    s->file_bytes > bytes - s->file_offset ||
		    s->file_bytes > s->mem_bytes ||
		    s->mem_bytes > VGPU_ELF_MAX_BYTES ||
		    s->va >= VGPU_ELF_VA_END ||
		    s->va + s->mem_bytes > VGPU_ELF_VA_END || !s->prot)
			return false;
		if (s->prot & VGPU_PROT_EXEC && elf->entry >= s->va &&
		    elf->entry + 4 <= s->va + s->file_bytes)
			entry = true;
		for (unsigned int j = 0; j < i; j++) {
			const struct vgpu_elf_segment *o = &elf->segments[j];

			if (s->va / 4096 <= (o->va + o->mem_bytes - 1) / 4096 &&
			    o->va / 4096 <= (s->va + s->mem_bytes - 1) / 4096)
				return false;
		}
	}
	return entry && elf->entry % 4 == 0;
}

static void test_random(uint64_t seed, unsigned long rounds)
{
	unsigned long accepted = 0, bad = 0;

	random_state = seed * 2 + 1;
	for (unsigned long n = 0; n < rounds; n++) {
		struct vgpu_elf elf;
		struct image image;
		size_t bytes = sizeof(image);
		uint64_t value;
		uint8_t *copy;
		int ret;

		build(&image);
		mutate((uint8_t *)&image, sizeof(image));
		if (!(next_random() % 8))
			bytes = next_random() % sizeof(image);
		ret = parse(&image, bytes, &elf, &copy);
		if (!ret) {
			accepted++;
			bad += !sane(&elf, bytes);
			vgpu_elf_symbol(&elf, "kernel", &value, NULL);
			vgpu_elf_symbol(&elf, "none", &value, NULL);
		} else {
			bad += ret != -ENOEXEC || !*vgpu_error();
		}
		if (bad) {
			printf("# round %lu of seed %" PRIu64 "\n", n, seed);
			free(copy);
			break;
		}
		free(copy);
	}
	tap(!bad, "%lu mutated files, seed %" PRIu64 ": each refused with a reason, or sound (%lu)",
	    rounds, seed, accepted);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 200000;

	tap_start();
	test_good();
	test_shapes();
	test_truncated();
	test_random(seed, rounds);
	return tap_end();
}
