// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a static RISC-V program on the machine of vgpu_soft, in user space.
 *
 * The program is an ordinary Linux one: it may call write() and exit(), which
 * are served here, so that one file runs here and under qemu-riscv64, and
 * what both print must be the same.
 *
 * With --step N the machine is stopped after every N instructions; with
 * --switch its state is then saved, wiped, and loaded into another machine,
 * which goes on.  Neither may change what the program prints.
 */
#include <elf.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "isa.h"

#define VRAM_BYTES	(64ULL << 20)
#define STACK_TOP	0x70000000ULL
#define STACK_BYTES	0x10000ULL
#define STEPS_MAX	20000000000ULL

static struct soft_machine machine = {
	.units = 1,
	.timing = { .insn_ns = 1 },
};

static struct soft_core *cores[2];
static u64 vram_next;

void *soft_host_page(u64 bus)
{
	return NULL;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "softrun: %s: %s\n", what, why);
	exit(125);
}

static u64 vram_page(void)
{
	u64 page = vram_next;

	vram_next += SOFT_PAGE_BYTES;
	if (vram_next > VRAM_BYTES)
		die("program", "needs more than 64 MiB");
	return page;
}

static void *map(u64 root, u64 va, u32 prot)
{
	u64 table = root, *p;
	int level;

	for (level = SOFT_PT_LEVELS - 1; ; level--) {
		p = (u64 *)soft_vram(&machine, table) +
		    ((va >> (12 + 9 * level)) & 511);
		if (!level)
			break;
		if (!*p)
			*p = soft_pt_format.pde(vram_page());
		table = *p & SOFT_PTE_ADDR;
	}
	if (!*p)
		*p = soft_pt_format.pte(vram_page(), 0, false, 0);
	*p |= soft_pt_format.pte(0, prot, false, 0);
	return soft_vram(&machine, *p & SOFT_PTE_ADDR);
}

static u8 *read_file(const char *path, long *size)
{
	FILE *f = fopen(path, "rb");
	u8 *bytes;

	if (!f)
		die(path, strerror(errno));
	fseek(f, 0, SEEK_END);
	*size = ftell(f);
	rewind(f);
	bytes = malloc(*size + 1);
	if (!bytes || fread(bytes, 1, *size, f) != *size)
		die(path, "cannot be read");
	fclose(f);
	return bytes;
}

static u64 load(const char *path, u64 root)
{
	long size;
	u8 *file = read_file(path, &size);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)file;
	Elf64_Phdr *ph = (Elf64_Phdr *)(file + eh->e_phoff);
	u64 entry, va;
	int i;

	if (size < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_machine != EM_RISCV ||
	    eh->e_phoff + eh->e_phnum * sizeof(*ph) > size)
		die(path, "is no RISC-V program");
	for (i = 0; i < eh->e_phnum; i++, ph++) {
		u32 prot = (ph->p_flags & PF_R ? VGPU_PROT_READ : 0) |
			   (ph->p_flags & PF_W ? VGPU_PROT_WRITE : 0) |
			   (ph->p_flags & PF_X ? VGPU_PROT_EXEC : 0);

		if (ph->p_type != PT_LOAD)
			continue;
		for (va = ph->p_vaddr; va < ph->p_vaddr + ph->p_memsz; va++) {
			u8 *page = map(root, va, prot);

			if (va - ph->p_vaddr < ph->p_filesz)
				page[va & 4095] =
					file[ph->p_offset + va - ph->p_vaddr];
		}
	}
	entry = eh->e_entry;
	free(file);
	return entry;
}

/* Serves an ECALL that stopped the program; true if it goes on. */
static bool serve(struct soft_core *c, int *status)
{
	struct soft_lane *l = &c->units[0].lanes[0];
	u64 i;

	switch (l->x[17]) {
	case 64:
		for (i = 0; i < l->x[12]; i++) {
			u8 *p = soft_mmu_find(c, l->x[11] + i, SOFT_TLB_READ);

			if (!p)
				die("write()", "address is not mapped");
			putchar(*p);
		}
		l->x[10] = l->x[12];
		l->pc += 4;
		return true;
	case 93:
		*status = l->x[10] & 0xff;
		return false;
	}
	die("ecall", "is neither write() nor exit()");
	return false;
}

static struct soft_core *switch_core(struct soft_core *from)
{
	static u8 *buf;
	struct soft_core *to = from == cores[0] ? cores[1] : cores[0];
	u32 sizes[VGPU_SEC_COUNT], used[VGPU_SEC_COUNT], at[VGPU_SEC_COUNT];
	u32 total = 0;
	int i;

	soft_section_sizes(&machine, sizes);
	for (i = 0; i < VGPU_SEC_COUNT; i++) {
		at[i] = total;
		total += (sizes[i] + 7) & ~7;
	}
	if (!buf)
		buf = malloc(total);
	for (i = 0; i < VGPU_SEC_COUNT; i++) {
		used[i] = soft_core_save(from, i, buf + at[i]);
		if (used[i] > sizes[i])
			die("save", "section is too long");
	}
	soft_core_clear(from, 0, 0);
	soft_core_load(to, VGPU_SEC_MMU, buf + at[VGPU_SEC_MMU],
		       used[VGPU_SEC_MMU]);
	for (i = 0; i < VGPU_SEC_MMU; i++)
		soft_core_load(to, i, buf + at[i], used[i]);
	return to;
}

static int run(const struct vgpu_hw_job *job, u64 root, u32 step,
	       bool switching, u64 *insns)
{
	struct soft_core *c = cores[0];
	enum soft_step result;
	int status = 124;
	u64 steps, clock;

	soft_core_clear(c, 1, root);
	soft_core_start(c, job);
	for (steps = 0; steps < STEPS_MAX; steps++) {
		result = soft_core_step(c, step);
		if (result == SOFT_STEP_DONE) {
			status = 0;
			break;
		}
		if (result == SOFT_STEP_FAULT) {
			struct soft_lane *l = &c->units[0].lanes[0];
			u32 *insn = soft_mmu_find(c, l->pc, SOFT_TLB_EXEC);

			if (c->fault.error != -ENOEXEC || !insn ||
			    *insn != 0x73) {
				fprintf(stderr, "softrun: fault %d at pc %#llx, address %#llx, access %u\n",
					c->fault.error, l->pc, c->fault.va,
					c->fault.access);
				status = 126;
				break;
			}
			if (!serve(c, &status))
				break;
			soft_core_resume(c, job);
		} else if (switching) {
			clock = c->clock;
			c = switch_core(c);
			c->clock = clock;
			soft_core_resume(c, job);
		}
	}
	*insns = c->clock;
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "step", required_argument, NULL, 's' },
		{ "switch", no_argument, NULL, 'w' },
		{ "bench", no_argument, NULL, 'b' },
		{ }
	};
	struct vgpu_hw_job job = { .op = VGPU_CMD_LAUNCH };
	bool switching = false, bench = false;
	struct timespec begin, end;
	u32 step = SOFT_TURN;
	u64 root, i, insns;
	int opt, status;
	double seconds;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 's')
			step = strtoul(optarg, NULL, 0);
		else if (opt == 'w')
			switching = true;
		else if (opt == 'b')
			bench = true;
		else
			return 125;
	}
	if (optind + 1 != argc || !step)
		die("usage", "softrun [--step N] [--switch] [--bench] PROGRAM");

	machine.vram_bytes = VRAM_BYTES;
	machine.vram = calloc(VRAM_BYTES >> 12, sizeof(void *));
	for (i = 0; i < VRAM_BYTES >> 12; i++)
		machine.vram[i] = calloc(1, 4096);
	for (i = 0; i < 2; i++) {
		cores[i] = calloc(1, sizeof(*cores[i]));
		if (soft_core_init(cores[i], &machine))
			die("machine", "no memory");
	}
	root = vram_page();
	job.launch.entry = load(argv[optind], root);
	for (i = 0; i < STACK_BYTES; i += 4096)
		map(root, STACK_TOP - STACK_BYTES + i,
		    VGPU_PROT_READ | VGPU_PROT_WRITE);
	job.launch.stack = STACK_TOP - STACK_BYTES;
	job.launch.stack_bytes = STACK_BYTES;
	for (i = 0; i < 3; i++)
		job.launch.grid[i] = job.launch.block[i] = 1;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	status = run(&job, root, step, switching, &insns);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (bench) {
		seconds = end.tv_sec - begin.tv_sec +
			  (end.tv_nsec - begin.tv_nsec) / 1e9;
		fprintf(stderr, "%llu instructions, %.3f s, %.1f million/s\n",
			insns, seconds, insns / seconds / 1e6);
	}
	return status;
}
